/* SPDX-License-Identifier: Apache-2.0
 *
 * Checking a record: bytes, bundle, every entry, the structure of a patient summary, what its
 * category demands. A structural subset: no terminology, no profiles, no slicing. Reads entry
 * by entry; bounded in time and memory whatever the file.
 */
#pragma once

#include "lib/record/describe.h"
#include "lib/record/report.h"
#include "lib/record/signers.h"

/* Never NULL. `description` (nullable) is filled in on the way. */
ErecReport *erec_check(ErecSource *source, ErecDescription *description);
/* The same, where somebody is trusted to sign records; `signers` may be NULL. */
ErecReport *erec_check_signed(ErecSource *source, const ErecSigners *signers,
                              ErecDescription *description);
