/* SPDX-License-Identifier: Apache-2.0
 *
 * The sending half. Two trees run over the current items: one at what was sent, one at what was
 * acknowledged; the window between them keeps leaf hashes only, so that going back to an
 * acknowledged segment costs no reading of earlier ones.
 */
#include "proto/sender.h"

#include <stdlib.h>
#include <string.h>

#include "proto/pad.h"
#include "proto/receipt.h"

/* field of Record */
#define RECORD_MANIFEST_PAGE 7

bool
ehp_position_before(ehp_position a, ehp_position b)
{
    return a.item != b.item ? a.item < b.item : a.segments < b.segments;
}

static uint64_t
size_of(const ehp_sender *s, uint32_t item)
{
    return s->list.items[item]->size;
}

static void
start_tree(const ehp_sender *s, ehp_tree *tree, uint32_t item)
{
    uint8_t salt[EHP_SALT_LEN] = {0};

    if (item < s->list.n_items)
        ehp_item_list_salt(&s->list, item, salt);
    ehp_tree_init(tree, salt);
}

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
    start_tree(s, &s->tree, 0);
    start_tree(s, &s->acked_tree, 0);
    return EHP_OK;
}

void
ehp_sender_clear(ehp_sender *s)
{
    if (s->encoded != NULL)
        ehp_wipe(s->encoded, EHP_SEGMENT_MAX);
    free(s->encoded);
    free(s->roots);
    ehp_segment_encoder_free(s->encoder);
    ehp_wipe(s, sizeof(*s));
}

/* ---------------------------------------------------------------- window and acknowledgement
 */

static ehp_window_entry *
window_at(ehp_sender *s, size_t i)
{
    return &s->window[(s->window_start + i) % EHP_WINDOW_SEGMENTS];
}

static bool
window_fits(const ehp_sender *s, uint32_t length)
{
    return s->window_len < EHP_WINDOW_SEGMENTS && s->window_bytes + length <= EHP_WINDOW_BYTES;
}

static ehp_window_entry *
window_push(ehp_sender *s, uint32_t length)
{
    ehp_window_entry *e = window_at(s, s->window_len++);

    e->item = s->sent.item;
    e->segment = s->sent.segments;
    e->length = length;
    s->window_bytes += length;
    return e;
}

static ehp_status
window_pop(ehp_sender *s)
{
    ehp_window_entry *e = window_at(s, 0);
    ehp_status status = EHP_OK;

    if (e->length > 0) {
        if (s->acked.item != e->item) {
            start_tree(s, &s->acked_tree, e->item);
            s->acked.item = e->item;
        }
        status = ehp_tree_add_leaf(&s->acked_tree, e->leaf, e->length);
        s->acked_bytes += e->length;
    }
    s->window_bytes -= e->length;
    s->window_start = (s->window_start + 1) % EHP_WINDOW_SEGMENTS;
    s->window_len--;
    return status;
}

static bool
covers(ehp_position at, const ehp_window_entry *e)
{
    return e->item < at.item || (e->item == at.item && e->segment < at.segments);
}

static ehp_status
check_position(const ehp_sender *s, ehp_position at)
{
    if (at.item > s->list.n_items)
        return EHP_BAD_MESSAGE;
    if (at.segments > (at.item == s->list.n_items ? 0 : ehp_item_segments(size_of(s, at.item))))
        return EHP_BAD_MESSAGE;
    if (ehp_position_before(at, s->acked))
        return EHP_ROLLED_BACK;
    /* a receiver may know of more than a sender that was restarted */
    return ehp_position_before(s->sent, at) && !s->catching_up ? EHP_OUT_OF_ORDER : EHP_OK;
}

static ehp_status
ack(ehp_sender *s, ehp_position at)
{
    ehp_status status = check_position(s, at);

    while (status == EHP_OK && s->window_len > 0 && covers(at, window_at(s, 0)))
        status = window_pop(s);
    if (status != EHP_OK)
        return status;
    if (s->acked_tree.leaves != at.segments || s->acked.item != at.item)
        start_tree(s, &s->acked_tree,
                   at.item); /* at is a beginning: the window has been popped up to it */
    s->acked = at;
    return EHP_OK;
}

/* ---------------------------------------------------------------- after a restart */

void
ehp_mark_put(ehp_writer *out, uint32_t item, const ehp_tree *tree)
{
    ehp_put_be32(out, item);
    ehp_tree_save(tree, out);
}

ehp_status
ehp_mark_take(ehp_bytes mark, uint32_t item, uint64_t size, const uint8_t salt[EHP_SALT_LEN],
              ehp_tree *tree)
{
    ehp_reader r;
    uint64_t whole;
    ehp_status status;

    ehp_tree_init(tree, salt);
    if (mark.len == 0)
        return EHP_OK;
    ehp_reader_init(&r, mark.data, mark.len);
    if (ehp_take_be32(&r) != item)
        return EHP_STATE_DAMAGED;
    status = ehp_tree_load(tree, salt, &r);
    if (status != EHP_OK || ehp_reader_end(&r) != EHP_OK)
        return EHP_STATE_DAMAGED;
    whole = tree->leaves * EHP_SEGMENT_MAX;
    if (tree->leaves > ehp_item_segments(size) ||
        tree->total != (whole < size ? whole : size)) {
        ehp_tree_init(tree, salt);
        return EHP_STATE_DAMAGED;
    }
    return EHP_OK;
}

ehp_status
ehp_sender_recall(ehp_sender *s, const uint8_t (*roots)[EHP_HASH_LEN], uint32_t n,
                  ehp_bytes mark)
{
    uint8_t salt[EHP_SALT_LEN] = {0};
    ehp_status status = EHP_OK;

    if (n > s->list.n_items)
        return EHP_STATE_DAMAGED;
    if (n > 0)
        memcpy(s->roots, roots, (size_t)n * EHP_HASH_LEN);
    if (n < s->list.n_items) {
        ehp_item_list_salt(&s->list, n, salt);
        status = ehp_mark_take(mark, n, size_of(s, n), salt, &s->acked_tree);
    }
    s->manifest_due = false;
    s->acked.item = n;
    s->acked.segments = n < s->list.n_items ? s->acked_tree.leaves : 0;
    for (uint32_t i = 0; i < n; i++)
        s->acked_bytes += size_of(s, i);
    s->acked_bytes += s->acked_tree.total;
    s->sent = s->known = s->proven = s->acked;
    s->catching_up = true;
    s->reported = n;
    return status;
}

static void
caught_up(ehp_sender *s)
{
    s->catching_up = false;
    s->acked = s->known;
    s->acked_tree = s->tree;
    s->acked_bytes = s->tree.total;
    for (uint32_t i = 0; i < s->acked.item; i++)
        s->acked_bytes += size_of(s, i);
}

static bool
same_tree(const ehp_tree *a, const ehp_tree *b)
{
    return a->leaves == b->leaves &&
           memcmp(a->pending, b->pending, (size_t)a->n_pending * EHP_HASH_LEN) == 0;
}

/* From the beginning of the item that is not done: what was sent of it must still be there. */
static ehp_status
begin_again(ehp_sender *s, ehp_position at)
{
    ehp_position none = {s->acked.item, 0};
    ehp_status status = check_position(s, at);

    if (status != EHP_OK)
        return status;
    s->known = at;
    s->sent = none;
    start_tree(s, &s->tree, none.item);
    if (!ehp_position_before(s->sent, s->known))
        caught_up(s);
    return EHP_OK;
}

void
ehp_sender_ask(ehp_sender *s)
{
    s->asks = s->held = s->manifest_due = true;
}

static void
forget(ehp_sender *s)
{
    ehp_position none = {0, 0};

    s->acked = s->sent = s->known = s->proven = none;
    s->acked_bytes = 0;
    s->reported = 0;
    s->catching_up = false;
    start_tree(s, &s->tree, 0);
    start_tree(s, &s->acked_tree, 0);
}

/* The receiver has said where. */
static ehp_status
told(ehp_sender *s, ehp_position at)
{
    if (s->manifest_due) /* of what it has not seen */
        return EHP_OUT_OF_ORDER;
    s->asks = s->held = false;
    if (at.item > 0 || at.segments > 0)
        return begin_again(s, at);
    forget(s);
    return EHP_OK;
}

ehp_status
ehp_sender_ack(ehp_sender *s, ehp_position at)
{
    return s->asks ? told(s, at) : ack(s, at);
}

/* Ends of items that the receiver has are not said again. */
static void
step_over(ehp_sender *s)
{
    while (s->catching_up && s->sent.item < s->known.item &&
           s->sent.segments == ehp_item_segments(size_of(s, s->sent.item))) {
        ehp_tree_root(&s->tree, s->roots[s->sent.item]);
        s->sent.item++;
        s->sent.segments = 0;
        start_tree(s, &s->tree, s->sent.item);
        if (!ehp_position_before(s->sent, s->known))
            caught_up(s);
    }
}

static ehp_status
compare_data(ehp_sender *s, const uint8_t *data, size_t len)
{
    ehp_status status = ehp_tree_add(&s->tree, data, len);

    if (status != EHP_OK)
        return status;
    s->sent.segments++;
    if (s->sent.item == s->proven.item && s->sent.segments == s->proven.segments &&
        !same_tree(&s->tree, &s->acked_tree))
        return EHP_ITEM_CHANGED;
    if (!ehp_position_before(s->sent, s->known))
        caught_up(s);
    return EHP_OK;
}

/* ---------------------------------------------------------------- a new link */

ehp_status
ehp_sender_restart(ehp_sender *s, bool manifest, ehp_position at)
{
    ehp_status status = EHP_OK;

    s->manifest_due = manifest;
    s->page = 0;
    s->page_item = 0;
    s->sealed = 0;
    s->stale = s->asked;
    if (s->asks)
        return manifest ? EHP_OK : told(s, at);
    status = s->catching_up ? begin_again(s, at) : ack(s, at);
    if (status != EHP_OK || s->catching_up)
        return status;
    s->sent = s->acked;
    s->tree = s->acked_tree;
    s->window_len = 0;
    s->window_bytes = 0;
    return EHP_OK;
}

bool
ehp_sender_done(const ehp_sender *s)
{
    return s->manifest_only || s->acked.item == s->list.n_items;
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
send_item_done(ehp_sender *s, const ehp_outlet *out)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__ItemDone done = EHP__ITEM_DONE__INIT;
    size_t extra = 0, len;
    ehp_status status = EHP_OK;

    ehp_tree_root(&s->tree, s->roots[s->sent.item]);
    done.has_item = done.has_size = done.has_root = 1;
    done.item = s->sent.item;
    done.size = size_of(s, s->sent.item);
    done.root = ehp_wire_binary(s->roots[s->sent.item], EHP_HASH_LEN);
    record.body_case = EHP__RECORD__BODY_ITEM_DONE;
    record.item_done = &done;
    len = ehp_wire_size(&record);
    if (s->sent.item + 1 == s->list.n_items)
        status = pad_transfer(s, out, len, &extra);
    if (status == EHP_OK)
        status = ehp_wire_send(out, &record, extra);
    if (status != EHP_OK)
        return status;
    s->sealed += ehp_record_size(len + extra);
    if (done.size == 0)
        window_push(s, 0);
    s->sent.item++;
    s->sent.segments = 0;
    start_tree(s, &s->tree, s->sent.item);
    return EHP_OK;
}

static bool
item_done_due(const ehp_sender *s)
{
    uint64_t size;

    if (s->held || s->sent.item == s->list.n_items)
        return false;
    size = size_of(s, s->sent.item);
    return s->sent.segments == ehp_item_segments(size) && (size > 0 || window_fits(s, 0));
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
            step_over(s);
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
    return window_fits(s, ehp_item_segment_len(size_of(s, s->sent.item), s->sent.segments));
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
        return compare_data(s, data, len);
    if (s->sent.segments == 0)
        ehp_segment_encoder_reset(s->encoder);
    status = ehp_segment_encode(s->encoder, level_for(s), data, len, s->encoded, &segment);
    if (status == EHP_OK)
        status = send_parts(s, out, &segment, len);
    if (status != EHP_OK)
        return status;
    e = window_push(s, (uint32_t)len);
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
