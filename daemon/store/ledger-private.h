/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the ledger: its record and its marks.
 */
#pragma once

#include "daemon/store/ledger.h"

#define EHD_MARKS_SUFFIX ".marks"

struct EhdLedger {
    const EhdSeal *seal; /* borrowed */
    int fd;              /* borrowed */
};
