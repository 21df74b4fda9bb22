/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking up a rule. The tables are short (tens of rows); a linear search keeps them readable.
 */
#include "proto/machine.h"

const ehp_rule *
ehp_machine_find(const ehp_machine *m, unsigned state, unsigned event)
{
    for (size_t i = 0; i < m->n_rules; i++)
        if (m->rules[i].state == state && m->rules[i].event == event)
            return &m->rules[i];
    return NULL;
}
