/* SPDX-License-Identifier: Apache-2.0
 *
 * The items of a session that an earlier run left: their list, and how far they are.
 */
#include "daemon/core/take-up.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"

/* Room that was made for a manifest which was never accepted (it will be sent again), or that
 * was being emptied. */
gboolean
ehd_take_up_drop_room(EhdSession *self, GError **error)
{
    g_autoptr(GError) local = NULL;
    g_autoptr(EhdSpoolSession) room =
        ehd_spool_session_open(self->core->parts.spool, self->id, &local);

    if (room != NULL)
        return ehd_spool_session_discard(room, error);
    if (ehd_error_status(local) == EHP_NOT_FOUND)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

gboolean
ehd_take_up_find_items(EhdSession *self, const EhdPast *past, GError **error)
{
    g_autoptr(GBytes) note = NULL;

    if (self->role == EHD_PATIENT) {
        note = ehd_ledger_get_note(self->core->parts.ledger, self->id, error);
        if (note == NULL)
            return FALSE;
        self->noted = TRUE;
    } else if (!past->granted || self->status != 0) {
        return ehd_take_up_drop_room(self, error);
    } else {
        self->inbox = ehd_terminal_inbox_new(self);
        if (!ehd_inbox_take_up(self->inbox, &note, error))
            return FALSE;
        self->spooled = TRUE;
    }
    return (ehd_record_take_up_items(self, note) &&
            (self->role == EHD_PATIENT || ehd_record_place_items(self, past))) ||
           ehd_take_up_damaged(error, N_("not a list of items"));
}

gboolean
ehd_take_up_is_whole(EhdSession *self, guint id, gboolean *whole, GError **error)
{
    g_autoptr(GError) local = NULL;

    *whole = ehd_inbox_has_item(self->inbox, id, &local);
    if (*whole || ehd_error_status(local) == EHP_NOT_FOUND)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

gboolean
ehd_take_up_find_received(EhdSession *self, guint n, GError **error)
{
    for (guint i = 0; i < n; i++) {
        gboolean whole;

        if (self->item_states->data[i] == EHD_ITEM_LISTED)
            continue;
        if (!ehd_take_up_is_whole(self, i, &whole, error))
            return FALSE;
        self->item_states->data[i] = whole ? EHD_ITEM_STORED : EHD_ITEM_COLLECTED;
    }
    return TRUE;
}

gboolean
ehd_take_up_find_durable(EhdSession *self, const EhdMarksRead *marks, GError **error)
{
    guint64 bytes = marks->position * EHP_SEGMENT_MAX;
    guint next = self->base + marks->n_roots;

    if (marks->n_roots > self->items->len - self->base)
        return ehd_take_up_damaged(error, N_("more was done than there is"));
    for (guint i = self->base; i < next; i++) {
        gboolean whole;

        if (!ehd_take_up_is_whole(self, i, &whole, error))
            return FALSE;
        if (!whole)
            return ehd_take_up_damaged(error, N_("an item that was stored is gone"));
        self->item_states->data[i] = EHD_ITEM_STORED;
    }
    if (next == self->items->len)
        return TRUE;
    bytes = MIN(bytes, g_array_index(self->items, EhdItem, next).size);
    return ehd_inbox_unfinish(self->inbox, next, bytes, marks->turn, error);
}

void
ehd_take_up_find_sent(EhdSession *self, const EhdMarksRead *marks)
{
    if (self->order == NULL)
        return;
    memset(self->item_states->data, EHD_ITEM_WITHHELD, self->item_states->len);
    for (guint i = 0; i < self->n_granted; i++)
        self->item_states->data[self->granted[i]] =
            self->listed ? EHD_ITEM_LISTED : EHD_ITEM_STORED;
    for (guint i = 0; i < self->n_order; i++)
        self->item_states->data[self->order[i]] =
            i < marks->n_roots ? EHD_ITEM_STORED : EHD_ITEM_WAITING;
}

static gboolean
are_items(EhdSession *self, const guint *ids, guint n)
{
    for (guint i = 0; i < n; i++)
        if (ids[i] >= self->items->len)
            return FALSE;
    return TRUE;
}

gboolean
ehd_take_up_check_order(EhdSession *self, GError **error)
{
    return (are_items(self, self->order, self->n_order) &&
            are_items(self, self->granted, self->n_granted) &&
            (self->list == NULL ||
             are_items(self, (const guint *)(gpointer)self->list->data, self->list->len))) ||
           ehd_take_up_damaged(error, N_("not a list of items"));
}
