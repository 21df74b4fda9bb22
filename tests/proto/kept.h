/* SPDX-License-Identifier: Apache-2.0
 *
 * A store for a pair whose devices die: as the daemon's, what an event asks to make durable is
 * there before the answer, and everything else is gone with the process.
 */
#pragma once

#include "pair.h"

#define KEPT_ITEMS     16
#define KEPT_TRANSFERS 6

/* What a manifest listed. */
typedef struct {
    uint64_t sizes[KEPT_ITEMS];
    uint8_t salts[KEPT_ITEMS][EHP_SALT_LEN];
    uint32_t n;
} kept_list;

typedef struct {
    uint8_t bytes[EHP_RECEIPT_MAX];
    size_t len;
} kept_receipt;

typedef struct {
    uint8_t saved[EHP_SESSION_SAVED_MAX];
    size_t saved_len;
    ehp_session_stage stage; /* of what was saved */
    /* of that transfer */
    kept_list list;                   /* receiver */
    Ehp__ItemEntry *sent[KEPT_ITEMS]; /* sender, when picked for a later one; borrowed */
    uint32_t n_sent;
    uint8_t roots[KEPT_ITEMS][EHP_HASH_LEN];
    uint32_t n_roots;
    uint8_t mark[EHP_MARK_MAX];
    size_t mark_len;
    kept_list coming; /* not accepted yet */
    kept_receipt receipts[KEPT_TRANSFERS];
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
/* Both have the receipt of that transfer, and it is the same. */
bool kept_same_receipt(const kept_store *a, const kept_store *b, uint32_t transfer);
/* What is kept, taken up as after a start of the process. */
ehp_status kept_try_revive(pair_side *side, ehp_session **out);
/* After that: what the terminal's caller asked for and was not kept is asked for again. */
void kept_go_on(pair_side *side);
