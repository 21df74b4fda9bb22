/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clinic sends back. At the patient the application is asked, collects each item as it
 * is complete, and stores it; only then is the receipt signed, so that it is never for what the
 * person does not have. At the terminal the same code sends as at a patient. Main context.
 */
#include "daemon/core/origin.h"
#include "daemon/core/session-priv.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"

static void
unref_proof(gpointer bytes)
{
    g_bytes_unref(bytes); /* NULL is nothing: most transfers have none */
}

void
ehd_reply_init(EhdReply *reply)
{
    reply->items = ehd_items_new();
    reply->states = g_byte_array_new();
    reply->origins = g_array_new(FALSE, TRUE, sizeof(EhdOrigin));
    reply->signed_items = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    reply->proofs = g_ptr_array_new_with_free_func(unref_proof);
}

void
ehd_reply_clear(EhdReply *reply)
{
    g_clear_handle_id(&reply->timer, g_source_remove);
    g_clear_pointer(&reply->items, g_array_unref);
    g_clear_pointer(&reply->states, g_byte_array_unref);
    g_clear_pointer(&reply->origins, g_array_unref);
    g_clear_pointer(&reply->signed_items, g_ptr_array_unref);
    g_clear_pointer(&reply->proofs, g_ptr_array_unref);
}

void
ehd_reply_set_item_state(EhdSession *self, guint id, EhdItemState state)
{
    GByteArray *states = self->reply.states;

    if (id >= states->len || states->data[id] == state)
        return;
    states->data[id] = (guint8)state;
    if (self->listener != NULL)
        self->listener->item_changed(self, EHD_TO_PATIENT, id, state, self->listener_data);
}

void
ehd_reply_set_state(EhdSession *self, EhdTransferState state)
{
    self->reply.there = TRUE;
    self->reply.state = state;
    if (self->listener != NULL)
        self->listener->transfer_changed(self, self->listener_data);
}

/* ---------------------------------------------------------------- patient */

/* What is not, or not any more, to be decided about leaves nothing behind. */
static void
forget_offer(EhdReply *reply)
{
    g_array_set_size(reply->items, reply->base);
    g_byte_array_set_size(reply->states, reply->base);
    g_array_set_size(reply->origins, reply->base);
    reply->text = 0;
    reply->bytes = 0;
}

void
ehd_reply_manifest_page(EhdSession *self, const ehp_event *event)
{
    EhdReply *reply = &self->reply;

    /* the first page again is that of the same list: a link went before the list was whole */
    if (event->n_entries > 0 && event->entries[0]->id == 0) {
        if (!reply->listing)
            reply->base = reply->items->len;
        reply->listing = TRUE;
        forget_offer(reply);
        g_ptr_array_set_size(reply->signed_items, 0);
    }
    ehd_session_take_entries(event, ehd_session_transfer_number(self), reply->items,
                             reply->states, reply->origins, &reply->text, &reply->bytes);
}

/* The session is where it was before the offer. */
void
ehd_reply_void(EhdSession *self)
{
    self->reply.asked = self->reply.making_room = FALSE;
    forget_offer(&self->reply);
    self->complete = TRUE;
    ehd_session_set_state(self, EHD_STATE_CONFIRMING,
                          ehd_now_ms() + 1000ull * self->wishes.linger_s);
}

static void
refuse(EhdSession *self, ehp_status why)
{
    if (ehp_session_refuse(self->engine, why, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: no offer to refuse", self->id);
    ehd_reply_void(self);
    ehd_session_pump(self);
}

void
ehd_reply_ask_owner(EhdSession *self)
{
    if (!self->reply.asked)
        return;
    if (self->listener != NULL)
        self->listener->offer_reply(self, self->listener_data);
    else if (self->wishes.detach)
        refuse(self, EHP_NO_AGENT);
}

void
ehd_reply_offered(EhdSession *self, const ehp_event *event)
{
    EhdReply *reply = &self->reply;

    self->complete = FALSE;
    reply->listing = FALSE;
    reply->asked = TRUE;
    if (!self->wishes.replies || reply->text > EHD_MANIFEST_TEXT_MAX ||
        self->items->len + reply->items->len > EHP_ITEMS_MAX) {
        refuse(self, EHP_NO_AGENT);
        return;
    }
    ehd_session_set_state(self, EHD_STATE_DECIDING, event->deadline_ms);
    ehd_reply_ask_owner(self);
}

static void
accept(EhdSession *self)
{
    if (ehp_session_manifest_ok(self->engine, EHP_OK, ehd_now_ms()) == EHP_OK) {
        self->reply.making_room = FALSE;
        ehd_reply_set_state(self, EHD_TRANSFER_RUNNING);
        ehd_session_set_state(self, EHD_STATE_TRANSFERRING, 0);
    } else {
        g_debug("session %s: nobody waits for the answer", self->id);
        ehd_reply_void(self);
    }
    ehd_session_pump(self);
}

static void
on_room(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    if (!self->ending && self->reply.making_room) { /* else the time was over first */
        if (status != EHP_OK)
            refuse(self, status);
        else
            accept(self);
    }
    ehd_core_check(self->core);
}

void
ehd_session_answer_reply(EhdSession *self, gboolean accepted)
{
    EhdReply *reply = &self->reply;
    g_autoptr(GBytes) note = NULL;

    if (!reply->asked)
        return;
    if (!accepted) {
        refuse(self, EHP_DECLINED);
        return;
    }
    reply->asked = FALSE;
    reply->making_room = TRUE;
    note = ehd_record_replies(self);
    self->jobs++;
    if (self->inbox == NULL) {
        self->inbox = ehd_terminal_inbox_new(self);
        self->spooled = TRUE;
        ehd_inbox_prepare(self->inbox, note, reply->bytes, on_room, self);
    } else {
        ehd_inbox_extend(self->inbox, note, reply->bytes, on_room, self);
    }
}

static gboolean
all_collected(EhdReply *reply)
{
    for (guint id = reply->base; id < reply->states->len; id++)
        if (reply->states->data[id] != EHD_ITEM_COLLECTED)
            return FALSE;
    return TRUE;
}

static gboolean
on_not_stored(gpointer user_data)
{
    EhdSession *self = user_data;

    self->reply.timer = 0;
    self->reply.commit_due = FALSE;
    ehd_session_abort(self, EHP_STORE_FAILED);
    return G_SOURCE_REMOVE;
}

static void
on_head(const guint8 head[EHD_AUDIT_HASH_LEN], gpointer user_data)
{
    EhdSession *self = user_data;
    ehp_commit commit = {.time = ehd_core_now(self->core), .audit_head = head};

    self->jobs--;
    if (!self->ending) {
        if (ehp_session_commit(self->engine, &commit, ehd_now_ms()) != EHP_OK)
            g_debug("session %s: nobody waits for the commit", self->id);
        ehd_session_pump(self);
    }
    ehd_core_check(self->core);
}

void
ehd_reply_item_collected(EhdSession *self)
{
    EhdReply *reply = &self->reply;

    if (!reply->commit_due || !all_collected(reply))
        return;
    reply->commit_due = FALSE;
    g_clear_handle_id(&reply->timer, g_source_remove);
    self->jobs++;
    ehd_books_get_head(self->core->books, on_head, self);
}

/* Items come in order, and after an interruption again from the one that was not stored. */
void
ehd_reply_keep_origin(EhdSession *self, const ehp_event *event)
{
    GPtrArray *items = self->reply.signed_items;

    if (event->item > items->len)
        return;
    g_ptr_array_set_size(items, (int)event->item);
    g_ptr_array_add(items, g_bytes_new(event->bytes.data, event->bytes.len));
    ehd_inbox_origin(self->inbox, event->bytes.data, event->bytes.len);
}

void
ehd_reply_make_proof(EhdSession *self, guint number, const GPtrArray *items)
{
    EhdReply *reply = &self->reply;
    const EhdOriginParts parts = {
        .chain = self->chain,
        .n_chain = self->n_chain,
        .crls = (GBytes *const *)self->crls->pdata,
        .n_crls = self->crls->len,
        .leaf_key = ehp_session_leaf_key(self->engine),
        .request = ehp_session_document(self->engine, EHP_DOC_REQUEST),
        .items = items,
    };

    if (number >= reply->proofs->len)
        g_ptr_array_set_size(reply->proofs, (int)number + 1);
    g_clear_pointer((GBytes **)&reply->proofs->pdata[number], g_bytes_unref);
    reply->proofs->pdata[number] = ehd_origin_proof(&parts);
}

GBytes *
ehd_session_get_origin(EhdSession *self, guint transfer, GError **error)
{
    const GPtrArray *proofs = self->reply.proofs;

    if (transfer < proofs->len && proofs->pdata[transfer] != NULL)
        return g_bytes_ref(proofs->pdata[transfer]);
    ehd_error_set(error, EHP_WRONG_STATE, N_("nothing was sent back in that transfer"));
    return NULL;
}

/* Everything is in the spool; the application has it as soon as it says so. */
void
ehd_reply_commit(EhdSession *self)
{
    ehd_reply_make_proof(self, ehd_session_transfer_number(self), self->reply.signed_items);
    self->reply.commit_due = TRUE;
    self->reply.timer = g_timeout_add(self->core->parts.grace_ms + self->core->parts.stall_ms,
                                      on_not_stored, self);
    if (self->listener != NULL)
        self->listener->items_arrived(self, EHD_TO_PATIENT, self->listener_data);
    ehd_reply_item_collected(self);
}

/* ---------------------------------------------------------------- both */

void
ehd_reply_complete(EhdSession *self)
{
    self->complete = TRUE;
    ehd_session_get_progress(self, &self->reply.last);
    ehd_reply_set_state(self, EHD_TRANSFER_COMPLETE);
    if (self->listener != NULL)
        self->listener->progress(self, EHD_TO_PATIENT, self->listener_data);
    g_clear_pointer(&self->source, ehd_source_free);
    if (self->role == EHD_PATIENT)
        ehd_session_set_state(self, EHD_STATE_CONFIRMING,
                              ehd_now_ms() + 1000ull * self->wishes.linger_s);
    else
        ehd_session_changed(self);
}

/* Terminal. */
void
ehd_reply_refused(EhdSession *self, const ehp_event *event)
{
    self->complete = TRUE;
    g_clear_pointer(&self->source, ehd_source_free);
    ehd_session_get_progress(self, &self->reply.last);
    ehd_reply_set_state(self, EHD_TRANSFER_FAILED);
    ehd_session_changed(self);
}
