/* SPDX-License-Identifier: Apache-2.0
 *
 * Speaking in the name of one side of a pair: records with the right keys, whatever that side's
 * session thinks of it. And the states a pair can be held in.
 */
#pragma once

#include "pair.h"
#include "proto/session-priv.h"

void inject(pair_side *side, const Ehp__Record *record);
void inject_plain(pair_side *side, const void *plain, size_t len);
/* One valid-looking message of a kind (field number in Record). */
void inject_kind(pair_side *side, int kind);

typedef struct {
    const char *state;
    bool terminal;
    size_t hold; /* offset of the flag in pair that stops there; 0: none */
} puppet_stop;

extern const puppet_stop puppet_stops[];
extern const size_t puppet_n_stops;
const puppet_stop *puppet_stop_named(const char *state);
/* A session with one small item, held there. */
void puppet_run_to(pair *w, const puppet_stop *at);
/* The victim ended with `want`, the liar was told PROTOCOL. */
void puppet_expect_broken(pair *w, bool terminal, ehp_status want);
