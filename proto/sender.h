/* SPDX-License-Identifier: Apache-2.0
 *
 * The sending half of a transfer: manifest, segments within the window, ends of items, padding,
 * what has been acknowledged, and where to go on after a resumption. Knows nothing of session
 * roles: whoever has the data is the sender. Memory: 32 bytes per item and one segment.
 */
#pragma once

#include "proto/doc.h"
#include "proto/manifest.h"
#include "proto/origin.h"
#include "proto/segment.h"
#include "proto/tree.h"
#include "proto/wire.h"

/* A position: items before `item` are complete, and of it the first `segments` segments. */
typedef struct {
    uint32_t item;
    uint64_t segments;
} ehp_position;

bool ehp_position_before(ehp_position a, ehp_position b);

typedef struct {
    uint32_t item;
    uint64_t segment;
    uint32_t length; /* 0: an empty item's end, which takes a place too */
    uint8_t leaf[EHP_HASH_LEN];
} ehp_window_entry;

typedef struct {
    ehp_item_list list;
    uint64_t bytes;
    uint32_t pages;
    uint8_t pages_hash[EHP_HASH_LEN];
    int level;          /* ehp_session_config.zstd_level */
    bool held;          /* manifest only, until (or unless) data may follow */
    bool manifest_only; /* never: done once the manifest is there */
    bool asks;          /* the receiver has yet to say where an earlier transfer goes
                           on */
    uint8_t (*roots)[EHP_HASH_LEN]; /* owned; of the items whose end was sent */

    /* who vouches for each item at its end; NULL: nobody */
    const uint8_t *origin_secret; /* borrowed */
    ehp_origin origin;            /* session, request, manifest and transfer of it */

    /* the manifest, on this link */
    bool manifest_due;
    uint32_t page;
    size_t page_item;

    ehp_position sent;
    ehp_tree tree; /* of item sent.item, over sent.segments segments */
    ehp_position acked;
    ehp_tree acked_tree; /* of item acked.item */
    uint64_t acked_bytes;
    uint32_t reported; /* items whose acknowledgement the caller was told of */
    ehp_window_entry window[EHP_WINDOW_SEGMENTS]; /* ring */
    size_t window_start, window_len;
    uint64_t window_bytes;

    bool asked; /* NEED_DATA is out */
    bool stale; /* and what it asked for is not wanted any more */

    /* after a restart: what the receiver has is read and hashed again, not sent */
    bool catching_up;
    ehp_position known;  /* that far */
    ehp_position proven; /* and here the tree must be acked_tree, or the item has changed */

    uint64_t sealed;              /* bytes of transfer records on this link, for the padding */
    ehp_segment_encoder *encoder; /* owned */
    uint8_t *encoded;             /* owned: EHP_SEGMENT_MAX bytes; as the encoder NULL once it rests */
} ehp_sender;

/* items is borrowed until the sender is cleared. Errors as ehp_item_list_check, EHP_NO_MEMORY;
 * *s is then clear. */
EHP_MUST_USE ehp_status ehp_sender_init(ehp_sender *s, const ehp_item_list *list, int level);
void ehp_sender_clear(ehp_sender *s);
/* Nothing more is sent: gives back what segments were made with, which is most of what a sender holds, and plaintext.
 * Counts and hashes stay. */
void ehp_sender_rest(ehp_sender *s);

/* After ehp_sender_init: this process is not the one that began. roots: of the first n items,
 * which are acknowledged; mark: the tree of what is acknowledged of the next (ehp_mark_put), or
 * empty. EHP_STATE_DAMAGED. */
EHP_MUST_USE ehp_status ehp_sender_recall(ehp_sender *s, const uint8_t (*roots)[EHP_HASH_LEN],
                                          uint32_t n, ehp_bytes mark);
/* After ehp_sender_recall: of the marks of an earlier session, whose transfer this one goes on
 * with if the receiver says so. Its first Ack (or ResumeHello) is where: at the beginning, and
 * all is sent anew, or not before what was acknowledged then (EHP_ROLLED_BACK). */
void ehp_sender_ask(ehp_sender *s);
/* What of an item is acknowledged (sender) or durable (receiver). */
void ehp_mark_put(ehp_writer *out, uint32_t item, const ehp_tree *tree);
/* Empty: an empty tree. EHP_STATE_DAMAGED: of another item, or more than size. */
EHP_MUST_USE ehp_status ehp_mark_take(ehp_bytes mark, uint32_t item, uint64_t size,
                                      const uint8_t salt[EHP_SALT_LEN], ehp_tree *tree);

/* A new link: the manifest again or not, and then from `at`, which lies between what was
 * acknowledged and what was sent (EHP_ROLLED_BACK, EHP_OUT_OF_ORDER otherwise). */
EHP_MUST_USE ehp_status ehp_sender_restart(ehp_sender *s, bool manifest, ehp_position at);

/* Sends what needs no data: pages and manifest, ends of items; until the queue holds `low`
 * bytes or data is needed. */
EHP_MUST_USE ehp_status ehp_sender_pump(ehp_sender *s, const ehp_outlet *out,
                                        const ehp_doc *manifest, size_t low);
/* True when data is wanted now: of item sent.item, segment sent.segments. */
bool ehp_sender_wants(const ehp_sender *s, const ehp_queue *queue, size_t low);
/* The segment that was wanted. EHP_INVALID_ARGUMENT for another length. */
EHP_MUST_USE ehp_status ehp_sender_data(ehp_sender *s, const ehp_outlet *out,
                                        const uint8_t *data, size_t len);
/* What is read now is only compared: EHP_ITEM_CHANGED from ehp_sender_data when it is not what
 * it was. */
static inline bool
ehp_sender_catching_up(const ehp_sender *s)
{
    return s->catching_up;
}
/* An Ack of the receiver. EHP_OUT_OF_ORDER: more than was sent; EHP_ROLLED_BACK: less than
 * before; EHP_BAD_MESSAGE. */
EHP_MUST_USE ehp_status ehp_sender_ack(ehp_sender *s, ehp_position at);
/* Everything is acknowledged as stored, or nothing had to be. */
bool ehp_sender_done(const ehp_sender *s);
/* contents_hash of a receipt, once done. EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_sender_contents(const ehp_sender *s, uint8_t out[EHP_HASH_LEN]);
