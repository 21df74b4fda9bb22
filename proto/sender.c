/* SPDX-License-Identifier: Apache-2.0
 *
 * The sending half: manifest, segments in records, ends of items, padding. Where it stands is
 * sender-window.c's.
 */
#include "proto/sender.h"

#include <stdlib.h>
#include <string.h>

#include "proto/pad.h"
#include "proto/receipt.h"
#include "proto/sender-priv.h"

/* field of Record */
#define RECORD_MANIFEST_PAGE 7

ehp_status
ehp_sender_init(ehp_sender *s, const ehp_item_list *list, int level)
{
    ehp_status status;

    memset(s, 0, sizeof(*s));
    s->list = *list;
    s->level = level;
    status = ehp_item_list_check(list, &s->bytes);
    if (status == EHP_OK)
        status = ehp_item_list_hash(list, &s->pages, s->pages_hash);
    if (status == EHP_OK) {
        s->roots = calloc(list->n_items + 1, sizeof(*s->roots)); /* none is allowed, too */
        s->encoded = malloc(EHP_SEGMENT_MAX);
        s->encoder = ehp_segment_encoder_new();
        if (s->roots == NULL || s->encoded == NULL || s->encoder == NULL)
            status = EHP_NO_MEMORY;
    }
    if (status != EHP_OK) {
        ehp_sender_clear(s);
        return status;
    }
    s->manifest_due = true;
    ehp_sender_start_tree(s, &s->tree, 0);
    ehp_sender_start_tree(s, &s->acked_tree, 0);
    return EHP_OK;
}

void
ehp_sender_rest(ehp_sender *s)
{
    if (s->encoded != NULL)
        ehp_wipe(s->encoded, EHP_SEGMENT_MAX);
    free(s->encoded);
    ehp_segment_encoder_free(s->encoder);
    s->encoded = NULL;
    s->encoder = NULL;
}

void
ehp_sender_clear(ehp_sender *s)
{
    ehp_sender_rest(s);
    free(s->roots);
    ehp_wipe(s, sizeof(*s));
}

/* ---------------------------------------------------------------- sending */

static ehp_status
send_page(ehp_sender *s, const ehp_outlet *out)
{
    uint8_t *page = s->encoded; /* free until the first segment */
    size_t len, items;
    ehp_status status;

    items = ehp_item_list_page(&s->list, s->page, s->page_item, page, &len);
    /* with the Manifest's own half step behind it: whole steps */
    status = ehp_wire_send_raw(out, RECORD_MANIFEST_PAGE, ehp_bytes_of(page, len),
                               EHP_MANIFEST_STEP / 2, EHP_MANIFEST_STEP);
    if (status == EHP_OK) {
        s->page++;
        s->page_item += items;
    }
    return status;
}

static ehp_status
send_manifest(ehp_sender *s, const ehp_outlet *out, const ehp_doc *manifest)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Signed message = manifest->message;
    ehp_status status;

    record.body_case = EHP__RECORD__BODY_MANIFEST;
    record.manifest = &message;
    status = ehp_wire_send_stepped(out, &record, EHP_MANIFEST_STEP / 2);
    if (status == EHP_OK)
        s->manifest_due = false;
    return status;
}

/* How many bytes of padding bring the transfer's sealed bytes to where Padmé wants them, when a
 * last record of `last` bytes of plaintext follows. Whole padding records go out first if it
 * does not fit that one. */
static ehp_status
pad_transfer(ehp_sender *s, const ehp_outlet *out, size_t last, size_t *extra)
{
    uint64_t end = s->sealed + ehp_record_size(last);
    uint64_t want = ehp_pad_transfer(end);
    Ehp__Record record = EHP__RECORD__INIT;

    while (ehp_wire_extra((size_t)(want - end)) != want - end)
        want = ehp_pad_transfer(want + 1);
    while (want - end > EHP_RECORD_PLAIN_MAX - last) {
        size_t chunk = EHP_RECORD_PLAIN_MAX / 2;
        ehp_status status = ehp_wire_send(out, &record, chunk);
        if (status != EHP_OK)
            return status;
        end += ehp_record_size(chunk);
        while (ehp_wire_extra((size_t)(want - end)) != want - end)
            want = ehp_pad_transfer(want + 1);
    }
    *extra = (size_t)(want - end);
    return EHP_OK;
}

static ehp_status
sign_origin(const ehp_sender *s, const Ehp__ItemDone *done, ehp_doc *doc)
{
    ehp_origin origin = s->origin;

    origin.item = done->item;
    origin.size = done->size;
    ehp_item_list_salt(&s->list, done->item, origin.salt);
    memcpy(origin.root, done->root.data, EHP_HASH_LEN);
    return ehp_origin_make(doc, &origin, s->origin_secret);
}

static ehp_status
send_end(ehp_sender *s, const ehp_outlet *out, Ehp__ItemDone *done)
{
    Ehp__Record record = EHP__RECORD__INIT;
    size_t extra = 0, len;
    ehp_status status = EHP_OK;

    record.body_case = EHP__RECORD__BODY_ITEM_DONE;
    record.item_done = done;
    len = ehp_wire_size(&record);
    if (s->sent.item + 1 == s->list.n_items)
        status = pad_transfer(s, out, len, &extra);
    if (status == EHP_OK)
        status = ehp_wire_send(out, &record, extra);
    if (status == EHP_OK)
        s->sealed += ehp_record_size(len + extra);
    return status;
}

static ehp_status
send_item_done(ehp_sender *s, const ehp_outlet *out)
{
    Ehp__ItemDone done = EHP__ITEM_DONE__INIT;
    ehp_doc origin = {0};
    ehp_status status = EHP_OK;

    ehp_tree_root(&s->tree, s->roots[s->sent.item]);
    done.has_item = done.has_size = done.has_root = 1;
    done.item = s->sent.item;
    done.size = size_of(s, s->sent.item);
    done.root = ehp_wire_binary(s->roots[s->sent.item], EHP_HASH_LEN);
    if (s->origin_secret != NULL) {
        status = sign_origin(s, &done, &origin);
        done.origin = &origin.message;
    }
    if (status == EHP_OK)
        status = send_end(s, out, &done);
    ehp_doc_clear(&origin);
    if (status != EHP_OK)
        return status;
    if (done.size == 0)
        ehp_sender_window_push(s, 0);
    s->sent.item++;
    s->sent.segments = 0;
    ehp_sender_start_tree(s, &s->tree, s->sent.item);
    return EHP_OK;
}

static bool
item_done_due(const ehp_sender *s)
{
    uint64_t size;

    if (s->held || s->sent.item == s->list.n_items)
        return false;
    size = size_of(s, s->sent.item);
    return s->sent.segments == ehp_item_segments(size) &&
           (size > 0 || ehp_sender_window_fits(s, 0));
}

ehp_status
ehp_sender_pump(ehp_sender *s, const ehp_outlet *out, const ehp_doc *manifest, size_t low)
{
    ehp_status status = EHP_OK;

    while (status == EHP_OK && ehp_queue_peek(out->queue).len < low) {
        if (s->manifest_due && s->page_item < s->list.n_items)
            status = send_page(s, out);
        else if (s->manifest_due)
            status = send_manifest(s, out, manifest);
        else if (s->catching_up && s->sent.item < s->known.item &&
                 s->sent.segments == ehp_item_segments(size_of(s, s->sent.item)))
            ehp_sender_step_over(s);
        else if (item_done_due(s))
            status = send_item_done(s, out);
        else
            break;
    }
    return status;
}

bool
ehp_sender_wants(const ehp_sender *s, const ehp_queue *queue, size_t low)
{
    if (s->manifest_due || s->held || s->asked || s->sent.item == s->list.n_items ||
        ehp_queue_peek(queue).len >= low)
        return false;
    if (s->sent.segments == ehp_item_segments(size_of(s, s->sent.item)))
        return false;
    return ehp_sender_window_fits(
        s, ehp_item_segment_len(size_of(s, s->sent.item), s->sent.segments));
}

/* Small items are worth some effort; of large ones the link should not wait for the compressor.
 * With the dictionary 15 takes 8 ms for a health record of 50 KB; above it two to ten times
 * that and gets 0.5 % smaller. */
static int
level_for(const ehp_sender *s)
{
    uint64_t size = size_of(s, s->sent.item);

    if (s->level != 0)
        return s->level < 0 ? 0 : s->level;
    if (size <= 512 * 1024)
        return 15;
    if (size <= 4 * 1024 * 1024)
        return 9;
    return size <= 64 * 1024 * 1024 ? 3 : 1;
}

static ehp_status
send_parts(ehp_sender *s, const ehp_outlet *out, const ehp_segment *segment, size_t original)
{
    ehp_status status = EHP_OK;

    for (size_t at = 0; status == EHP_OK && at < segment->data.len; at += EHP_PART_MAX) {
        size_t left = segment->data.len - at, len = left < EHP_PART_MAX ? left : EHP_PART_MAX;
        Ehp__Record record = EHP__RECORD__INIT;
        Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT;
        part.has_item = part.has_segment = part.has_data = 1;
        part.item = s->sent.item;
        part.segment = s->sent.segments;
        if (at == 0) {
            part.has_encoding = part.has_original_length = part.has_encoded_length = 1;
            part.encoding = (Ehp__Encoding)segment->encoding;
            part.original_length = (uint32_t)original;
            part.encoded_length = (uint32_t)segment->data.len;
        }
        part.data = ehp_wire_binary(segment->data.data + at, len);
        record.body_case = EHP__RECORD__BODY_SEGMENT_PART;
        record.segment_part = &part;
        s->sealed += ehp_record_size(ehp_wire_size(&record));
        status = ehp_wire_send(out, &record, 0);
    }
    return status;
}

ehp_status
ehp_sender_data(ehp_sender *s, const ehp_outlet *out, const uint8_t *data, size_t len)
{
    ehp_segment segment;
    ehp_window_entry *e;
    ehp_status status;

    if (len != ehp_item_segment_len(size_of(s, s->sent.item), s->sent.segments))
        return EHP_INVALID_ARGUMENT;
    if (s->catching_up)
        return ehp_sender_compare(s, data, len);
    if (s->sent.segments == 0)
        ehp_segment_encoder_reset(s->encoder);
    status = ehp_segment_encode(s->encoder, level_for(s), data, len, s->encoded, &segment);
    if (status == EHP_OK)
        status = send_parts(s, out, &segment, len);
    if (status != EHP_OK)
        return status;
    e = ehp_sender_window_push(s, (uint32_t)len);
    ehp_tree_leaf(&s->tree, s->sent.segments, data, len, e->leaf);
    s->sent.segments++;
    return ehp_tree_add_leaf(&s->tree, e->leaf, len);
}

ehp_status
ehp_sender_contents(const ehp_sender *s, uint8_t out[EHP_HASH_LEN])
{
    size_t n = s->manifest_only ? 0 : s->list.n_items;
    uint64_t *sizes = calloc(n + 1, sizeof(*sizes));

    if (sizes == NULL)
        return EHP_NO_MEMORY;
    for (size_t i = 0; i < n; i++)
        sizes[i] = s->list.items[i]->size;
    ehp_contents_hash(out, sizes, (const uint8_t(*)[EHP_HASH_LEN])s->roots, n);
    free(sizes);
    return EHP_OK;
}
