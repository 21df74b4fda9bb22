/* SPDX-License-Identifier: Apache-2.0
 *
 * A store for a pair whose devices die: as the daemon's, what an event asks to make durable is
 * there before the answer, and everything else is gone with the process.
 */
#pragma once

#include "pair.h"

typedef struct {
    uint8_t saved[EHP_SESSION_SAVED_MAX];
    size_t saved_len;
    bool granted; /* of what was saved */
    uint64_t sizes[16];
    uint8_t salts[16][EHP_SALT_LEN];
    uint8_t roots[16][EHP_HASH_LEN];
    uint32_t n_items, n_roots;
    uint8_t mark[EHP_MARK_MAX];
    size_t mark_len;
    uint8_t receipt[EHP_RECEIPT_MAX];
    size_t receipt_len;
    bool erased;
    /* what must never happen: an item told whole again, a receipt that is another one */
    unsigned doubled;
    bool forgetful;         /* the sender's marks are never written */
    const ehp_taken *taken; /* terminal: what an earlier session left here */
    unsigned taken_up;
} kept_store;

/* Makes both sides of a pair, not started yet, keep what they must and come back from it;
 * starts it. `patient` and `terminal` live as long as the pair. */
void kept_start(pair *w, kept_store *patient, kept_store *terminal);
/* What is kept, taken up as after a start of the process. */
ehp_status kept_try_revive(pair_side *side, ehp_session **out);
