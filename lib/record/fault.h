/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecFault: a verdict about the bytes of a record: what is wrong, and at which byte of the
 * file.
 */
#pragma once

#include <glib.h>

typedef enum {
#define FAULT(name, id, text) EREC_FAULT_##name,
#include "lib/record/faults.def"
#undef FAULT
} ErecFaultCode;

typedef struct {
    ErecFaultCode code;
    guint64 offset; /* of the first byte that is wrong, in the file */
} ErecFault;

/* The rule id, "json-depth"; static. */
const char *erec_fault_id(ErecFaultCode code);
/* What it means, a key for gettext; static. */
const char *erec_fault_text(ErecFaultCode code);
/* Sets *fault if it is wanted; always FALSE, so that `return erec_fault_set(…)` reads well. */
gboolean erec_fault_set(ErecFault *fault, ErecFaultCode code, guint64 offset);
