/* SPDX-License-Identifier: Apache-2.0
 *
 * State machines as const tables: (state, event) → (action, next). A pair that is not listed is
 * a broken rule, and what that means is the machine's to say. The tables are data, so that a
 * test can walk every pair and print the diagram that PROTOCOL.md carries.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef struct {
    uint8_t state, event, action, next;
} ehp_rule;

typedef struct {
    const char *name;
    const char *const *states;
    size_t n_states;
    const char *const *events;
    size_t n_events;
    const char *const *actions; /* [0] is "none" */
    size_t n_actions;
    const ehp_rule *rules;
    size_t n_rules;
} ehp_machine;

/* The rule of the pair, or NULL. */
const ehp_rule *ehp_machine_find(const ehp_machine *m, unsigned state, unsigned event);
