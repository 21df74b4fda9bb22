/* SPDX-License-Identifier: Apache-2.0
 *
 * The patient's side after the consent: the items when they are due, and the receipt. Main
 * context; the files are read by the source's worker.
 */
#include "daemon/core/session-priv.h"

#include <unistd.h>

/* ---------------------------------------------------------------- the items */

GArray *
ehd_session_sending(EhdSession *self)
{
    return self->role == EHD_PATIENT ? self->items : self->reply.items;
}

static void
set_state_of_sent(EhdSession *self, guint id, EhdItemState state)
{
    if (self->role == EHD_PATIENT)
        ehd_session_set_item_state(self, id, state);
    else
        ehd_reply_set_item_state(self, id, state);
}

static void
source_want(guint id, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->listener != NULL)
        self->listener->open_item(self, id, self->listener_data);
    else
        ehd_source_give(self->source, id, -1, EHP_NO_AGENT);
}

static void
source_data(guint id, const guint8 *bytes, gsize length, gpointer user_data)
{
    EhdSession *self = user_data;

    if (ehp_session_data(self->engine, self->due, bytes, length, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: data that nobody waits for", self->id);
    ehd_session_pump(self);
}

static void
source_failed(ehp_status why, guint id, gpointer user_data)
{
    EhdSession *self = user_data;

    g_info("session %s: item %u: %s", self->id, id, ehp_status_name(why));
    g_free(self->error_detail);
    self->error_detail = g_strdup(g_array_index(ehd_session_sending(self), EhdItem, id).name);
    if (ehp_session_data_failed(self->engine, why, ehd_now_ms()) == EHP_OK)
        ehd_session_pump(self);
    else /* an item asked for ahead, while the engine waits for none */
        ehd_session_abort(self, why);
}

static const EhdSourceUser source_user = {
    .want = source_want, .data = source_data, .failed = source_failed};

void
ehd_patient_open_source(EhdSession *self)
{
    g_clear_pointer(&self->source, ehd_source_free);
    self->source = ehd_source_new(ehd_session_sending(self), self->core->parts.stall_ms,
                                  &source_user, self);
    if (self->listener == NULL)
        ehd_source_pause(self->source);
}

gboolean
ehd_patient_needs_files(const EhdSession *self)
{
    return self->listener == NULL && !self->ending && self->source != NULL &&
           ehd_source_is_starved(self->source);
}

void
ehd_patient_await_files(EhdSession *self)
{
    guint graces = self->wishes.detach ? EHD_FILES_GRACES : 1;

    if (!ehd_patient_needs_files(self))
        return;
    ehd_session_await_owner(self, graces * self->core->parts.grace_ms);
    ehd_session_changed(self);
}

/* Of the items after the one that is due. A session that may lose its owner has open as many
 * as can be: with them it goes on alone. */
static gsize
find_next(const EhdSession *self, guint due, guint next[EHD_SOURCE_AHEAD_MOST])
{
    gsize most = self->wishes.detach ? EHD_SOURCE_AHEAD_MOST : EHD_SOURCE_AHEAD, n = 0;

    for (guint i = due + 1; i < self->n_order && n < most; i++)
        next[n++] = self->order[i];
    return n;
}

void
ehd_patient_need_data(EhdSession *self, const ehp_event *event)
{
    guint next[EHD_SOURCE_AHEAD_MOST];
    guint id;

    if (self->revoking)
        return;
    if (event->item >= self->n_order || self->source == NULL) {
        ehd_session_abort(self, EHP_INTERNAL);
        return;
    }
    self->due = event->item;
    id = self->order[event->item];
    set_state_of_sent(self, id, EHD_ITEM_RUNNING);
    ehd_source_read(self->source, id, event->offset, event->length, next,
                    find_next(self, event->item, next));
    ehd_patient_await_files(self);
}

void
ehd_patient_item_acked(EhdSession *self, const ehp_event *event)
{
    guint id;

    if (event->item >= self->n_order)
        return;
    ehd_patient_settle_left(self);
    id = self->order[event->item];
    if (event->item == self->first_root + self->roots->len / EHD_ROOT_LEN)
        g_byte_array_append(self->roots, event->mark.data, EHD_ROOT_LEN);
    if (self->source != NULL)
        ehd_source_drop(self->source, id);
    set_state_of_sent(self, id, EHD_ITEM_STORED);
}

void
ehd_session_give_item(EhdSession *self, guint id, int fd, ehp_status why)
{
    if (self->source != NULL) {
        ehd_source_give(self->source, id, fd, why);
        return;
    }
    if (fd >= 0)
        close(fd);
}

void
ehd_patient_ask_again(EhdSession *self)
{
    ehd_patient_ask_owner(self);
    if (self->source != NULL && !self->ending)
        ehd_source_ask_again(self->source);
}

/* ---------------------------------------------------------------- the receipt */

static void
on_receipt_stored(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    if (self->engine != NULL && !self->engine_ended) { /* a terminal's goes with its end */
        if (ehp_session_receipt_stored(self->engine, status, ehd_now_ms()) != EHP_OK)
            g_debug("session %s: too late for the receipt", self->id);
        ehd_session_pump(self);
    }
    ehd_core_check(self->core);
}

void
ehd_patient_receipt(EhdSession *self, const ehp_event *event)
{
    EhdPage page = {.session = self->id,
                    .kind = EHD_RECEIPT_GOT,
                    .audited = TRUE,
                    .audit = EHD_AUDIT_SENT,
                    .transfer = ehd_session_transfer_number(self),
                    .now = ehd_core_now(self->core)};
    g_autoptr(GBytes) receipt = g_bytes_new(event->bytes.data, event->bytes.len);

    page.receipt = receipt;
    ehd_session_keep_receipt(self, receipt);
    if (!ehd_session_to_patient(self)) {
        g_clear_pointer(&self->receipt, g_bytes_unref);
        self->receipt = g_bytes_ref(receipt);
    }
    ehd_session_audit_entry(self, &page.entry);
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_receipt_stored, self);
}

void
ehd_patient_complete(EhdSession *self)
{
    g_clear_handle_id(&self->expiry_timer, g_source_remove);
    ehd_session_set_state(self, EHD_STATE_CONFIRMING,
                          ehd_now_ms() + 1000ull * self->wishes.linger_s);
    if (!ehd_session_to_patient(self)) /* else it was taken up, and knows them */
        ehd_session_get_progress(self, &self->first);
    if (self->wishes.linger_s == 0 && ehp_session_bye(self->engine, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: no bye", self->id);
}

static EhdAuditKind
audit_of_status(int status)
{
    if (status == EHP__STATUS_KIND__STATUS_FILED)
        return EHD_AUDIT_FILED;
    return status == EHP__STATUS_KIND__STATUS_REJECTED ? EHD_AUDIT_REJECTED
                                                       : EHD_AUDIT_DISCARDED;
}

void
ehd_patient_status(EhdSession *self, const ehp_event *event)
{
    self->status = (int)event->status_kind;
    ehd_session_audit(self, audit_of_status(self->status), EHP_OK);
    if (self->status == EHP__STATUS_KIND__STATUS_FILED)
        ehd_session_set_state(self, EHD_STATE_FILED, 0);
    else
        ehd_session_changed(self);
    if (ehp_session_bye(self->engine, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: no bye", self->id);
}

void
ehd_patient_clear(EhdSession *self)
{
    g_clear_pointer(&self->source, ehd_source_free);
    g_clear_pointer(&self->order, g_free);
    g_clear_pointer(&self->entries, g_free);
    g_clear_pointer(&self->entry_list, g_free);
}
