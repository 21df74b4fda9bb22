/* SPDX-License-Identifier: Apache-2.0
 *
 * The receiving half of a transfer: checks the manifest, every segment and every end of an
 * item; keeps what was delivered to the caller apart from what the caller has made durable.
 * Knows nothing of session roles. Memory: 40 bytes per item and two segments.
 */
#pragma once

#include "proto/hash.h"
#include "proto/manifest.h"
#include "proto/segment.h"
#include "proto/sender.h"
#include "proto/tree.h"

typedef struct {
    bool manifest_only; /* of the transfer: no items follow */
    bool accepted;      /* the manifest is whole and right */
    /* the manifest, page by page */
    uint32_t pages;
    ehp_sha256_state pages_hash;
    uint32_t n_items, cap;
    uint64_t bytes;
    uint64_t *sizes;               /* owned */
    uint8_t (*keys)[EHP_HASH_LEN]; /* owned: an item's salt, and once it is whole its root */
    bool has_subject, subject_seen, subject_known; /* known: an earlier transfer said */
    uint8_t subject[EHP_SUBJECT_MAX];
    size_t subject_len;

    ehp_position delivered; /* given to the caller; item: whole and right */
    ehp_position durable;   /* the caller says so; item: stored */
    uint64_t durable_bytes;
    ehp_tree tree; /* of item delivered.item */

    /* the segment that is coming in */
    bool in_part;
    uint32_t encoding, original, encoded, got;
    uint8_t *in;                  /* owned: EHP_SEGMENT_MAX */
    uint8_t *out;                 /* owned: EHP_SEGMENT_MAX */
    ehp_segment_decoder *decoder; /* owned */
} ehp_receiver;

/* EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_receiver_init(ehp_receiver *r);
void ehp_receiver_clear(ehp_receiver *r);
/* Nothing more comes: gives back what segments were put together in. Counts and hashes stay. */
void ehp_receiver_rest(ehp_receiver *r);

/* Forgets an unfinished manifest. */
void ehp_receiver_reset(ehp_receiver *r);
/* Another transfer of the same session: all anew, but for the subject, which stays. */
void ehp_receiver_again(ehp_receiver *r);
/* The next page; raw: its bytes as received. EHP_BAD_MANIFEST, EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_receiver_page(ehp_receiver *r, const Ehp__ManifestPage *page,
                                          ehp_bytes raw);
typedef struct {
    const uint8_t *session; /* EHP_HASH_LEN bytes */
    uint32_t transfer;
    bool to_patient, manifest_only;
} ehp_manifest_due;
/* The manifest against all pages and what is due. EHP_BAD_MANIFEST. */
EHP_MUST_USE ehp_status ehp_receiver_manifest(ehp_receiver *r, const Ehp__Manifest *manifest,
                                              const ehp_manifest_due *due);

typedef struct {
    const uint64_t *sizes;
    const uint8_t (*salts)[EHP_SALT_LEN];
    uint32_t n_items;
    const uint8_t (*roots)[EHP_HASH_LEN]; /* of those that are stored, the first n_roots */
    uint32_t n_roots;
    ehp_bytes mark; /* what is durable of the next (ehp_mark_put), or empty */
} ehp_received;
/* After ehp_receiver_init: this process is not the one that took the manifest. Copied.
 * EHP_STATE_DAMAGED, EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_receiver_recall(ehp_receiver *r, const ehp_received *past);
/* After ehp_receiver_manifest: so much of it is here already, from an earlier session.
 * EHP_STATE_DAMAGED: it does not fit, and nothing has changed. */
EHP_MUST_USE ehp_status ehp_receiver_take_up(ehp_receiver *r,
                                             const uint8_t (*roots)[EHP_HASH_LEN],
                                             uint32_t n_roots, ehp_bytes mark);

typedef struct {
    bool whole; /* a segment is complete: the rest is filled in */
    uint32_t item;
    uint64_t segment, offset;
    ehp_bytes data; /* borrowed from the receiver until its next call */
} ehp_received_segment;

/* A part. EHP_OUT_OF_ORDER: not the one that is due, or the window is passed; EHP_BAD_MESSAGE,
 * EHP_TOO_LARGE, EHP_BAD_COMPRESSION; EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_receiver_part(ehp_receiver *r, const Ehp__SegmentPart *part,
                                          ehp_received_segment *out);
/* The end of an item. EHP_OUT_OF_ORDER, EHP_BAD_HASH. */
EHP_MUST_USE ehp_status ehp_receiver_item_done(ehp_receiver *r, const Ehp__ItemDone *done);
/* The link went: half a segment is void. */
void ehp_receiver_drop_part(ehp_receiver *r);

/* What the caller made durable. EHP_INVALID_ARGUMENT when that was not delivered or goes back.
 */
EHP_MUST_USE ehp_status ehp_receiver_durable(ehp_receiver *r, ehp_position at);
/* Nothing that was delivered waits to become durable: a resumption can say where to go on. */
bool ehp_receiver_settled(const ehp_receiver *r);
/* Every item of the manifest is stored, or none is to come. */
bool ehp_receiver_done(const ehp_receiver *r);
/* contents_hash of the receipt, once done. */
void ehp_receiver_contents(const ehp_receiver *r, uint8_t out[EHP_HASH_LEN]);
