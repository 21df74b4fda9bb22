/* SPDX-License-Identifier: Apache-2.0
 *
 * The receiving half. Everything here was sent by an authenticated peer that may lie: each
 * number is checked against the manifest before it is used, and the manifest against bounds.h
 * before it is kept.
 */
#include "proto/receiver.h"

#include <stdlib.h>
#include <string.h>

#include "proto/receipt.h"

ehp_status
ehp_receiver_init(ehp_receiver *r)
{
    memset(r, 0, sizeof(*r));
    r->in = malloc(EHP_SEGMENT_MAX);
    r->out = malloc(EHP_SEGMENT_MAX);
    r->decoder = ehp_segment_decoder_new();
    if (r->in == NULL || r->out == NULL || r->decoder == NULL) {
        ehp_receiver_clear(r);
        return EHP_NO_MEMORY;
    }
    ehp_sha256_init(&r->pages_hash);
    return EHP_OK;
}

void
ehp_receiver_rest(ehp_receiver *r)
{
    if (r->in != NULL)
        ehp_wipe(r->in, EHP_SEGMENT_MAX);
    if (r->out != NULL)
        ehp_wipe(r->out, EHP_SEGMENT_MAX);
    free(r->in);
    free(r->out);
    ehp_segment_decoder_free(r->decoder);
    r->in = r->out = NULL;
    r->decoder = NULL;
}

void
ehp_receiver_clear(ehp_receiver *r)
{
    ehp_receiver_rest(r);
    free(r->sizes);
    free(r->keys);
    ehp_wipe(r, sizeof(*r));
}

void
ehp_receiver_reset(ehp_receiver *r)
{
    r->pages = 0;
    r->n_items = 0;
    r->bytes = 0;
    r->accepted = false;
    if (!r->subject_known)
        r->has_subject = false;
    ehp_sha256_init(&r->pages_hash);
}

void
ehp_receiver_again(ehp_receiver *r)
{
    ehp_position none = {0, 0};

    r->subject_known |= r->accepted && r->subject_seen;
    ehp_receiver_reset(r);
    r->delivered = r->durable = none;
    r->durable_bytes = 0;
    r->in_part = false;
}

/* ---------------------------------------------------------------- manifest */

static ehp_status
reserve(ehp_receiver *r, size_t more)
{
    uint32_t cap = r->cap;
    void *sizes, *keys;

    if (more > EHP_ITEMS_MAX - r->n_items)
        return EHP_BAD_MANIFEST;
    while (cap < r->n_items + more)
        cap = cap == 0 ? 64 : cap * 2;
    if (cap == r->cap)
        return EHP_OK;
    sizes = realloc(r->sizes, cap * sizeof(*r->sizes));
    if (sizes == NULL)
        return EHP_NO_MEMORY;
    r->sizes = sizes;
    keys = realloc(r->keys, cap * sizeof(*r->keys));
    if (keys == NULL)
        return EHP_NO_MEMORY;
    r->keys = keys;
    r->cap = cap;
    return EHP_OK;
}

static bool
same_subject(ehp_receiver *r, const Ehp__ItemEntry *entry)
{
    if (r->n_items == 0 && !r->subject_known) {
        r->subject_seen = true;
        r->has_subject = entry->has_subject;
        r->subject_len = entry->has_subject ? entry->subject.len : 0;
        if (r->subject_len > 0)
            memcpy(r->subject, entry->subject.data, r->subject_len);
        return true;
    }
    if (r->has_subject != (bool)entry->has_subject)
        return false;
    return !r->has_subject ||
           ehp_bytes_equal(ehp_bytes_of(r->subject, r->subject_len),
                           ehp_bytes_of(entry->subject.data, entry->subject.len));
}

static ehp_status
keep_entry(ehp_receiver *r, const Ehp__ItemEntry *entry)
{
    if (ehp_entry_check(entry) != EHP_OK || !entry->has_id || entry->id != r->n_items ||
        !entry->has_salt || !same_subject(r, entry))
        return EHP_BAD_MANIFEST;
    if (entry->size > EHP_TRANSFER_BYTES_MAX - r->bytes)
        return EHP_BAD_MANIFEST;
    r->sizes[r->n_items] = entry->size;
    memcpy(r->keys[r->n_items], entry->salt.data, EHP_SALT_LEN);
    r->bytes += entry->size;
    r->n_items++;
    return EHP_OK;
}

ehp_status
ehp_receiver_page(ehp_receiver *r, const Ehp__ManifestPage *page, ehp_bytes raw)
{
    ehp_status status;

    if (!page->has_page || page->page != r->pages || page->n_item == 0)
        return EHP_BAD_MANIFEST;
    status = reserve(r, page->n_item);
    for (size_t i = 0; status == EHP_OK && i < page->n_item; i++)
        status = keep_entry(r, page->item[i]);
    if (status != EHP_OK)
        return status;
    ehp_sha256_update(&r->pages_hash, raw.data, raw.len);
    r->pages++;
    return EHP_OK;
}

ehp_status
ehp_receiver_manifest(ehp_receiver *r, const Ehp__Manifest *m, const ehp_manifest_due *due)
{
    uint8_t hash[EHP_HASH_LEN];
    bool there = m->has_session && m->has_direction && m->has_pages && m->has_items &&
                 m->has_bytes && m->has_pages_hash;

    ehp_sha256_final(&r->pages_hash, hash);
    if (!there || memcmp(m->session.data, due->session, EHP_HASH_LEN) != 0 ||
        (m->direction == EHP__DIRECTION__DIRECTION_TO_PATIENT) != due->to_patient ||
        (!due->to_patient && m->direction != EHP__DIRECTION__DIRECTION_TO_TERMINAL))
        return EHP_BAD_MANIFEST;
    if (m->transfer != due->transfer || m->manifest_only != due->manifest_only ||
        (r->n_items == 0 && (due->transfer == 0 || due->to_patient))) /* only an answer */
        return EHP_BAD_MANIFEST;
    if (m->pages != r->pages || m->items != r->n_items || m->bytes != r->bytes ||
        memcmp(m->pages_hash.data, hash, EHP_HASH_LEN) != 0)
        return EHP_BAD_MANIFEST;
    r->accepted = true;
    r->manifest_only = due->manifest_only;
    if (r->n_items > 0)
        ehp_tree_init(&r->tree, r->keys[0]);
    return EHP_OK;
}

ehp_status
ehp_receiver_recall(ehp_receiver *r, const ehp_received *past)
{
    ehp_status status;

    if (past->n_items == 0 || past->n_roots > past->n_items)
        return EHP_STATE_DAMAGED;
    status = reserve(r, past->n_items);
    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
    r->accepted = true;
    r->n_items = past->n_items;
    memcpy(r->sizes, past->sizes, r->n_items * sizeof(*r->sizes));
    memcpy(r->keys, past->salts, r->n_items * sizeof(*r->keys));
    if (past->n_roots > 0)
        memcpy(r->keys, past->roots, past->n_roots * sizeof(*r->keys));
    for (uint32_t i = 0; i < r->n_items; i++) {
        if (r->sizes[i] > EHP_ITEM_BYTES_MAX || r->sizes[i] > EHP_TRANSFER_BYTES_MAX - r->bytes)
            return EHP_STATE_DAMAGED;
        r->bytes += r->sizes[i];
        r->durable_bytes += i < past->n_roots ? r->sizes[i] : 0;
    }
    r->durable.item = r->delivered.item = past->n_roots;
    if (past->n_roots == r->n_items)
        return EHP_OK;
    status = ehp_mark_take(past->mark, past->n_roots, r->sizes[past->n_roots],
                           r->keys[past->n_roots], &r->tree);
    r->durable.segments = r->delivered.segments = r->tree.leaves;
    r->durable_bytes += r->tree.total;
    return status;
}

ehp_status
ehp_receiver_take_up(ehp_receiver *r, const uint8_t (*roots)[EHP_HASH_LEN], uint32_t n_roots,
                     ehp_bytes mark)
{
    ehp_status status = EHP_OK;
    ehp_tree tree;

    if (n_roots > r->n_items)
        return EHP_STATE_DAMAGED;
    ehp_tree_init(&tree, r->keys[0]); /* a list has at least one item */
    if (n_roots < r->n_items)
        status = ehp_mark_take(mark, n_roots, r->sizes[n_roots], r->keys[n_roots], &tree);
    if (status != EHP_OK)
        return status;
    for (uint32_t i = 0; i < n_roots; i++) {
        memcpy(r->keys[i], roots[i], EHP_HASH_LEN);
        r->durable_bytes += r->sizes[i];
    }
    r->tree = tree;
    r->durable.item = n_roots;
    r->durable.segments = n_roots < r->n_items ? tree.leaves : 0;
    r->durable_bytes += r->durable.segments > 0 ? tree.total : 0;
    r->delivered = r->durable;
    return EHP_OK;
}

/* ---------------------------------------------------------------- segments */

/* What waits to become durable may not exceed the window, whatever the sender believes was
 * acknowledged. */
static bool
window_fits(const ehp_receiver *r, uint32_t length)
{
    uint64_t bytes = length, places = 1;

    for (uint32_t i = r->durable.item; i <= r->delivered.item && i < r->n_items; i++) {
        uint64_t to =
            i < r->delivered.item ? ehp_item_segments(r->sizes[i]) : r->delivered.segments;
        uint64_t from = i == r->durable.item ? r->durable.segments : 0;
        bool empty = r->sizes[i] == 0 && i < r->delivered.item;
        for (uint64_t seg = from; seg < to; seg++)
            bytes += ehp_item_segment_len(r->sizes[i], seg);
        places += to - from + empty;
        if (places > EHP_WINDOW_SEGMENTS || bytes > EHP_WINDOW_BYTES)
            return false;
    }
    return true;
}

static ehp_status
begin_part(ehp_receiver *r, const Ehp__SegmentPart *part)
{
    uint32_t due = ehp_item_segment_len(r->sizes[r->delivered.item], r->delivered.segments);
    ehp_status status;

    if (!part->has_encoding || !part->has_original_length || !part->has_encoded_length)
        return EHP_BAD_MESSAGE;
    status = ehp_segment_check((uint32_t)part->encoding, part->original_length,
                               part->encoded_length);
    if (status != EHP_OK)
        return status;
    if (part->original_length != due)
        return EHP_BAD_MESSAGE;
    if (!window_fits(r, due))
        return EHP_OUT_OF_ORDER;
    r->in_part = true;
    r->encoding = (uint32_t)part->encoding;
    r->original = part->original_length;
    r->encoded = part->encoded_length;
    r->got = 0;
    return EHP_OK;
}

static ehp_status
finish_segment(ehp_receiver *r, ehp_received_segment *out)
{
    const uint8_t *data = r->in; /* raw: as it came */
    ehp_status status = EHP_OK;

    r->in_part = false;
    if (r->encoding != EHP_SEGMENT_RAW) {
        status = ehp_segment_decode(r->decoder, r->encoding, ehp_bytes_of(r->in, r->encoded),
                                    r->original, r->out);
        data = r->out;
    }
    if (status == EHP_OK)
        status = ehp_tree_add(&r->tree, data, r->original);
    if (status != EHP_OK)
        return status;
    out->whole = true;
    out->item = r->delivered.item;
    out->segment = r->delivered.segments;
    out->offset = r->delivered.segments * EHP_SEGMENT_MAX;
    out->data = ehp_bytes_of(data, r->original);
    r->delivered.segments++;
    return EHP_OK;
}

ehp_status
ehp_receiver_part(ehp_receiver *r, const Ehp__SegmentPart *part, ehp_received_segment *out)
{
    ehp_position at = r->delivered;
    ehp_status status;

    out->whole = false;
    if (!part->has_item || !part->has_segment || !part->has_data || part->data.len == 0)
        return EHP_BAD_MESSAGE;
    if (at.item >= r->n_items || part->item != at.item || part->segment != at.segments ||
        at.segments >= ehp_item_segments(r->sizes[at.item]))
        return EHP_OUT_OF_ORDER;
    if (!r->in_part) {
        status = begin_part(r, part);
        if (status != EHP_OK)
            return status;
    } else if (part->has_encoding || part->has_original_length || part->has_encoded_length) {
        return EHP_OUT_OF_ORDER;
    }
    if (part->data.len > r->encoded - r->got)
        return EHP_TOO_LARGE;
    memcpy(r->in + r->got, part->data.data, part->data.len);
    r->got += (uint32_t)part->data.len;
    return r->got == r->encoded ? finish_segment(r, out) : EHP_OK;
}

ehp_status
ehp_receiver_item_done(ehp_receiver *r, const Ehp__ItemDone *done)
{
    uint8_t root[EHP_HASH_LEN];
    ehp_position at = r->delivered;

    if (!done->has_item || !done->has_size || !done->has_root)
        return EHP_BAD_MESSAGE;
    if (r->in_part || at.item >= r->n_items || done->item != at.item ||
        at.segments != ehp_item_segments(r->sizes[at.item]))
        return EHP_OUT_OF_ORDER;
    if (done->size != r->sizes[at.item])
        return EHP_BAD_MANIFEST;
    if (done->size == 0 && !window_fits(r, 0))
        return EHP_OUT_OF_ORDER;
    ehp_tree_root(&r->tree, root);
    if (memcmp(root, done->root.data, EHP_HASH_LEN) != 0)
        return EHP_BAD_HASH;
    memcpy(r->keys[at.item], root, EHP_HASH_LEN);
    r->delivered.item++;
    r->delivered.segments = 0;
    if (r->delivered.item < r->n_items)
        ehp_tree_init(&r->tree, r->keys[r->delivered.item]);
    return EHP_OK;
}

void
ehp_receiver_drop_part(ehp_receiver *r)
{
    r->in_part = false;
}

/* ---------------------------------------------------------------- durable */

ehp_status
ehp_receiver_durable(ehp_receiver *r, ehp_position at)
{
    if (ehp_position_before(at, r->durable) || ehp_position_before(r->delivered, at))
        return EHP_INVALID_ARGUMENT;
    if (at.item < r->n_items && at.segments > ehp_item_segments(r->sizes[at.item]))
        return EHP_INVALID_ARGUMENT;
    for (; r->durable.item < at.item; r->durable.item++, r->durable.segments = 0)
        for (uint64_t i = r->durable.segments; i < ehp_item_segments(r->sizes[r->durable.item]);
             i++)
            r->durable_bytes += ehp_item_segment_len(r->sizes[r->durable.item], i);
    for (; r->durable.segments < at.segments; r->durable.segments++)
        r->durable_bytes += ehp_item_segment_len(r->sizes[at.item], r->durable.segments);
    return EHP_OK;
}

bool
ehp_receiver_settled(const ehp_receiver *r)
{
    return r->delivered.item == r->durable.item && r->delivered.segments == r->durable.segments;
}

bool
ehp_receiver_done(const ehp_receiver *r)
{
    return r->accepted && (r->manifest_only || r->durable.item == r->n_items);
}

void
ehp_receiver_contents(const ehp_receiver *r, uint8_t out[EHP_HASH_LEN])
{
    ehp_contents_hash(out, r->sizes, (const uint8_t(*)[EHP_HASH_LEN])r->keys,
                      r->manifest_only ? 0 : r->n_items);
}
