/* SPDX-License-Identifier: Apache-2.0
 *
 * What of a transfer is on its way and what has arrived, also over a new link or a restart. Two
 * trees run over the current items: one at what was sent, one at what was acknowledged; the
 * window between them keeps leaf hashes only, so that going back to an acknowledged segment
 * costs no reading of earlier ones.
 */
#include "proto/sender-priv.h"

#include <string.h>

bool
ehp_position_before(ehp_position a, ehp_position b)
{
    return a.item != b.item ? a.item < b.item : a.segments < b.segments;
}

void
ehp_sender_start_tree(const ehp_sender *s, ehp_tree *tree, uint32_t item)
{
    uint8_t salt[EHP_SALT_LEN] = {0};

    if (item < s->list.n_items)
        ehp_item_list_salt(&s->list, item, salt);
    ehp_tree_init(tree, salt);
}

static ehp_window_entry *
window_at(ehp_sender *s, size_t i)
{
    return &s->window[(s->window_start + i) % EHP_WINDOW_SEGMENTS];
}

bool
ehp_sender_window_fits(const ehp_sender *s, uint32_t length)
{
    return s->window_len < EHP_WINDOW_SEGMENTS && s->window_bytes + length <= EHP_WINDOW_BYTES;
}

ehp_window_entry *
ehp_sender_window_push(ehp_sender *s, uint32_t length)
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
            ehp_sender_start_tree(s, &s->acked_tree, e->item);
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
        ehp_sender_start_tree(
            s, &s->acked_tree,
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
    ehp_sender_start_tree(s, &s->tree, none.item);
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
    ehp_sender_start_tree(s, &s->tree, 0);
    ehp_sender_start_tree(s, &s->acked_tree, 0);
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
void
ehp_sender_step_over(ehp_sender *s)
{
    while (s->catching_up && s->sent.item < s->known.item &&
           s->sent.segments == ehp_item_segments(size_of(s, s->sent.item))) {
        ehp_tree_root(&s->tree, s->roots[s->sent.item]);
        s->sent.item++;
        s->sent.segments = 0;
        ehp_sender_start_tree(s, &s->tree, s->sent.item);
        if (!ehp_position_before(s->sent, s->known))
            caught_up(s);
    }
}

ehp_status
ehp_sender_compare(ehp_sender *s, const uint8_t *data, size_t len)
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
