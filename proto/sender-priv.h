/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the sender only: what sending and the window share.
 */
#pragma once

#include "proto/sender.h"

static inline uint64_t
size_of(const ehp_sender *s, uint32_t item)
{
    return s->list.items[item]->size;
}

/* An empty tree for the item; past the last one: for none. */
void ehp_sender_start_tree(const ehp_sender *s, ehp_tree *tree, uint32_t item);

/* May `length` more bytes be on their way? */
bool ehp_sender_window_fits(const ehp_sender *s, uint32_t length);
/* The segment at `sent` is on its way: its entry, whose leaf the caller fills in. Only what
 * fits. */
ehp_window_entry *ehp_sender_window_push(ehp_sender *s, uint32_t length);

/* While catching up: past the ends of items that the receiver has, which are not said again. */
void ehp_sender_step_over(ehp_sender *s);
/* The segment at `sent` as it is now: not sent but compared with what was. ITEM_CHANGED. */
ehp_status ehp_sender_compare(ehp_sender *s, const uint8_t *data, size_t len);
