/* SPDX-License-Identifier: Apache-2.0
 *
 * What an earlier run left of what the clinic sends back: at the terminal the list of it, for
 * which the program brings its files again; at the patient what came of it, and who vouched for
 * that. A reply that cannot go on has failed, and what was received or sent before stays as it
 * was.
 */
#include "daemon/core/take-up.h"

#include "daemon/error.h"
#include "daemon/store/origins.h"
#include "daemon/words.h"

gboolean
ehd_take_up_is_reply(const EhdFound *found)
{
    const ehp_session_stage *stage = &found->past.stage;

    return stage->to_patient && !stage->refused && found->receipt == NULL;
}

/* ---------------------------------------------------------------- patient: what came */

static void
forget(EhdSession *self)
{
    EhdReply *reply = &self->reply;

    g_clear_pointer(&self->inbox, ehd_inbox_free);
    self->spooled = FALSE;
    g_array_set_size(reply->items, 0);
    g_byte_array_set_size(reply->states, 0);
    g_array_set_size(reply->origins, 0);
}

static gboolean
open_room(EhdSession *self, const EhdPast *past, GError **error)
{
    g_autoptr(GBytes) note = NULL;

    self->inbox = ehd_terminal_inbox_new(self);
    if (!ehd_inbox_take_up(self->inbox, &note, error))
        return FALSE;
    self->spooled = TRUE;
    return ehd_record_place_replies(self, note, past) ||
           ehd_take_up_damaged(error, N_("not a list of what came back"));
}

static guint
first_of(const EhdReply *reply, guint transfer)
{
    guint first = 0;

    while (first < reply->origins->len &&
           g_array_index(reply->origins, EhdOrigin, first).transfer != transfer)
        first++;
    return first;
}

/* What is not here any more was collected: the marks say that it was here. */
static gboolean
find_earlier(EhdSession *self, guint n, GError **error)
{
    for (guint i = 0; i < n; i++) {
        gboolean whole;

        if (!ehd_take_up_is_whole(self, i, &whole, error))
            return FALSE;
        self->reply.states->data[i] = whole ? EHD_ITEM_STORED : EHD_ITEM_COLLECTED;
    }
    return TRUE;
}

gboolean
ehd_take_up_find_replies(EhdSession *self, EhdFound *found, GError **error)
{
    const EhdPast *past = &found->past;
    g_autoptr(GError) local = NULL;

    if (self->role != EHD_PATIENT)
        return TRUE;
    if (past->n_replied == 0) /* room for an offer that was not accepted */
        return ehd_take_up_drop_room(self, error);
    if (!open_room(self, past, &local)) {
        if (!ehd_take_up_is_lost(ehd_error_status(local))) {
            g_propagate_error(error, g_steal_pointer(&local));
            return FALSE;
        }
        g_info("session %s: what came back: %s", self->id, local->message);
        forget(self);
        return ehd_take_up_drop_room(self, error);
    }
    self->reply.base = past->stage.to_patient && past->stage.granted
                           ? first_of(&self->reply, past->stage.transfer)
                           : self->reply.items->len;
    return find_earlier(
        self, ehd_take_up_is_reply(found) ? self->reply.base : self->reply.items->len, error);
}

static GPtrArray *
read_origins(EhdSession *self, guint first, guint n, GError **error)
{
    guint transfer = g_array_index(self->reply.origins, EhdOrigin, first).transfer;

    return ehd_origins_read(self->core->parts.ledger, self->id, transfer, first, n, error);
}

static gboolean
find_durable(EhdSession *self, const EhdMarksRead *marks, GError **error)
{
    EhdReply *reply = &self->reply;
    guint next = reply->base + marks->n_roots;
    guint64 bytes = marks->position * EHP_SEGMENT_MAX;
    g_autoptr(GPtrArray) origins = NULL;

    if (self->inbox == NULL || reply->base >= reply->items->len ||
        marks->n_roots > reply->items->len - reply->base)
        return ehd_take_up_damaged(error, N_("more came back than there is"));
    origins = read_origins(self, reply->base, marks->n_roots, error);
    if (origins == NULL || !find_earlier(self, next, error))
        return FALSE;
    if (origins->len < marks->n_roots)
        return ehd_take_up_damaged(error, N_("who vouched for an item is gone"));
    g_ptr_array_unref(reply->signed_items);
    reply->signed_items = g_steal_pointer(&origins);
    if (next == reply->items->len)
        return TRUE;
    bytes = MIN(bytes, g_array_index(reply->items, EhdItem, next).size);
    return ehd_inbox_unfinish(self->inbox, next, bytes, marks->turn, error);
}

/* Of each reply that is whole: its program may not have asked for it yet. */
void
ehd_take_up_find_proofs(EhdSession *self)
{
    const GArray *all = self->reply.origins;
    guint next;

    if (self->role != EHD_PATIENT || self->engine == NULL)
        return;
    for (guint first = 0; first < all->len; first = next) {
        guint transfer = g_array_index(all, EhdOrigin, first).transfer;
        g_autoptr(GPtrArray) origins = NULL;

        for (next = first; next < all->len; next++)
            if (g_array_index(all, EhdOrigin, next).transfer != transfer)
                break;
        if (transfer >= self->receipts->len || self->receipts->pdata[transfer] == NULL)
            continue;
        origins = read_origins(self, first, next - first, NULL);
        if (origins != NULL && origins->len == next - first)
            ehd_reply_make_proof(self, transfer, origins);
        else
            g_warning("session %s: who vouched for reply %u cannot be read", self->id,
                      transfer);
    }
}

/* ---------------------------------------------------------------- terminal: what goes */

static gboolean
find_list(EhdSession *self, const EhdFound *found, GError **error)
{
    g_autoptr(GBytes) note = ehd_ledger_get_note(self->core->parts.ledger, self->id, error);
    EhdReply *reply = &self->reply;

    if (note == NULL || !ehd_record_take_reply(self, note, found->past.stage.transfer, error))
        return FALSE;
    if (found->marks.n_roots > reply->items->len)
        return ehd_take_up_damaged(error, N_("more went back than there is"));
    ehd_back_set_order(self);
    for (guint i = 0; i < found->marks.n_roots; i++)
        reply->states->data[i] = EHD_ITEM_STORED;
    return TRUE;
}

/* ---------------------------------------------------------------- both */

static gboolean
go_on(EhdSession *self, EhdFound *found, GError **error)
{
    gboolean terminal = self->role == EHD_TERMINAL;

    if (!ehd_take_up_may_go_on(self, found, error))
        return FALSE;
    if (terminal ? !find_list(self, found, error) : !find_durable(self, &found->marks, error))
        return FALSE;
    if (!ehd_take_up_find_leaf(self, error) || !ehd_take_up_restore(self, found, error))
        return FALSE;
    if (terminal) {
        self->receipt_acked = TRUE; /* of what came before, or nothing would go back */
        ehd_patient_open_source(self);
    }
    return TRUE;
}

/* What was received or sent before. */
static gboolean
find_before(EhdSession *self, const EhdFound *found, GError **error)
{
    self->has_transfer = self->complete = TRUE;
    self->transfer = EHD_TRANSFER_COMPLETE;
    if (self->role == EHD_PATIENT) {
        ehd_take_up_show_sent(self, found);
        return TRUE;
    }
    if (!ehd_take_up_find_received(self, self->items->len, error))
        return FALSE;
    self->received = TRUE;
    ehd_take_up_count(self);
    self->base = self->items->len; /* none of it is still to come */
    return TRUE;
}

gboolean
ehd_take_up_reply(EhdSession *self, EhdFound *found, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (!find_before(self, found, error))
        return FALSE;
    self->first = self->final;
    self->reply.there = TRUE;
    self->reply.state = EHD_TRANSFER_SUSPENDED;
    if (go_on(self, found, &local)) {
        self->complete = FALSE;
        return TRUE;
    }
    if (!ehd_take_up_is_lost(ehd_error_status(local))) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    g_message("session %s: what was sent back does not go on: %s", self->id, local->message);
    g_clear_pointer(&found->past.engine, g_bytes_unref);
    self->reply.state = EHD_TRANSFER_FAILED;
    return TRUE;
}
