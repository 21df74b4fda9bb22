/* SPDX-License-Identifier: Apache-2.0
 *
 * The accessors of the error table. Pure; any thread.
 */
#include "proto/status.h"

#include <string.h>

#include "proto/wire-codes.h"

static const struct {
    const char *name;
    const char *text;
    int exit_code;
    int wire;
} table[EHP_STATUS_COUNT] = {
    [EHP_OK] = {"Ok", "done", 0, 0},
#define X(id, name_, exit_, wire_, text_) [EHP_##id] = {#name_, text_, exit_, EHP_WIRE_##wire_},
#include "proto/errors.def"
#undef X
};

static ehp_status
in_range(ehp_status status)
{
    return (unsigned)status < EHP_STATUS_COUNT ? status : EHP_INTERNAL;
}

const char *
ehp_status_name(ehp_status status)
{
    return table[in_range(status)].name;
}

const char *
ehp_status_text(ehp_status status)
{
    return table[in_range(status)].text;
}

int
ehp_status_exit(ehp_status status)
{
    return table[in_range(status)].exit_code;
}

int
ehp_status_wire(ehp_status status)
{
    return table[in_range(status)].wire;
}

ehp_status
ehp_status_from_name(const char *name)
{
    for (int i = 0; i < EHP_STATUS_COUNT; i++)
        if (strcmp(table[i].name, name) == 0)
            return (ehp_status)i;
    return EHP_STATUS_COUNT;
}
