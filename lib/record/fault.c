/* SPDX-License-Identifier: Apache-2.0
 *
 * See fault.h. The table is faults.def.
 */
#include "lib/record/fault.h"

static const struct {
    const char *id, *text;
} table[] = {
#define FAULT(name, id, text) [EREC_FAULT_##name] = {id, text},
#include "lib/record/faults.def"
#undef FAULT
};

const char *
erec_fault_id(ErecFaultCode code)
{
    return table[code].id;
}

const char *
erec_fault_text(ErecFaultCode code)
{
    return table[code].text;
}

gboolean
erec_fault_set(ErecFault *fault, ErecFaultCode code, guint64 offset)
{
    if (fault != NULL)
        *fault = (ErecFault){code, offset};
    return FALSE;
}
