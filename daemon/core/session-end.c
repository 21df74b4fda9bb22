/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a session, whatever stage it is in: the disk is put in order first, then the owner
 * is told. Also the audit lines, which say what happened and never to whom. Main context.
 */
#include "daemon/core/session-priv.h"

#include <sodium.h>

#include "daemon/core/codes.h"
#include "daemon/error.h"
#include "proto/receipt.h"

#define OTHER EHP__CATEGORY__CATEGORY_OTHER

/* ---------------------------------------------------------------- audit */

static void
add_receipt(EhdSession *self, GBytes *stored, EhdAuditEntry *entry)
{
    ehp_bytes bytes = {0};
    ehp_receipt receipt;

    bytes.data = g_bytes_get_data(stored, &bytes.len);
    if (ehp_receipt_open(bytes, &receipt) != EHP_OK)
        return;
    memcpy(self->hashes[0], receipt.hash, 32);
    entry->receipt_hash = self->hashes[0];
    if (receipt.receipt->manifest_hash.len == 32) {
        memcpy(self->hashes[1], receipt.receipt->manifest_hash.data, 32);
        entry->manifest_hash = self->hashes[1];
    }
    if (receipt.receipt->consent_hash.len == 32) {
        memcpy(self->hashes[2], receipt.receipt->consent_hash.data, 32);
        entry->consent_hash = self->hashes[2];
    }
    ehp_receipt_clear(&receipt);
}

static void
add_terminal(EhdSession *self, EhdAuditEntry *entry)
{
    const EhdIdentity *identity = self->core->identity;

    if (self->role == EHD_PATIENT && self->has_verdict) {
        entry->organisation = self->verdict.organisation;
        entry->terminal = self->verdict.terminal;
        entry->fingerprint = self->verdict.readable ? self->verdict.fingerprint : NULL;
        entry->verified = self->peer.verified;
        entry->crl_state = self->peer.crl_state;
    } else if (self->role == EHD_TERMINAL && identity != NULL) {
        entry->organisation = identity->organisation;
        entry->terminal = identity->terminal;
        entry->fingerprint = identity->fingerprint;
    }
}

/* What kinds of records were sent, never which: codes in the order of their numbers. */
static void
add_categories(EhdSession *self, const GArray *items, const GByteArray *states,
               EhdAuditEntry *entry)
{
    guint32 seen = 0;

    for (guint i = 0; i < items->len; i++) {
        int category = g_array_index(items, EhdItem, i).category;

        if (states->data[i] != EHD_ITEM_WITHHELD)
            seen |= 1u << (category > 0 && category < 32 ? category : OTHER);
    }
    g_string_truncate(self->categories, 0);
    for (int category = 1; category < 32; category++) {
        const char *code = ehd_category_code(category);

        if ((seen & 1u << category) == 0 || code == NULL)
            continue;
        g_string_append_printf(self->categories, self->categories->len > 0 ? " %s" : "%s",
                               code);
    }
    entry->categories = self->categories->str;
}

static void
add_reply(EhdSession *self, EhdAuditEntry *entry)
{
    const EhdSessionInfo *info = ehd_session_get_info(self);
    guint number = ehd_session_transfer_number(self);

    entry->direction = "to-patient";
    entry->items = info->reply_items;
    entry->bytes = (gint64)info->reply_bytes;
    add_categories(self, self->reply.items, self->reply.states, entry);
    if (number < self->receipts->len && self->receipts->pdata[number] != NULL)
        add_receipt(self, self->receipts->pdata[number], entry);
}

void
ehd_session_audit_entry(EhdSession *self, EhdAuditEntry *entry)
{
    *entry = (EhdAuditEntry)EHD_AUDIT_ENTRY_INIT;
    entry->role = ehd_session_role_name(self->role);
    add_terminal(self, entry);
    if (self->consented) {
        entry->purpose = ehd_purpose_code(self->consent.purpose);
        entry->acting_as = ehd_acting_as_code(self->consent.acting_as);
        entry->direction = "to-terminal";
    }
    if (ehd_session_to_patient(self) && !self->filing && self->status == 0) {
        add_reply(self, entry);
        return;
    }
    if (self->has_transfer) {
        const EhdSessionInfo *info = ehd_session_get_info(self);

        entry->items = info->items;
        entry->bytes = (gint64)info->bytes;
        add_categories(self, self->items, self->item_states, entry);
    }
    if (self->receipt != NULL)
        add_receipt(self, self->receipt, entry);
}

void
ehd_session_audit(EhdSession *self, EhdAuditKind kind, ehp_status status)
{
    EhdPage page = {.session = self->id, .audited = TRUE, .audit = kind, .kept = TRUE};

    page.now = ehd_core_now(self->core);
    ehd_session_audit_entry(self, &page.entry);
    page.entry.status = status;
    ehd_books_write(self->core->books, &page, NULL, NULL);
}

/* ---------------------------------------------------------------- the end */

static void
answer_cancellers(EhdSession *self)
{
    for (guint i = 0; i < self->cancellers->len; i++)
        g_task_return_boolean(g_ptr_array_index(self->cancellers, i), TRUE);
    g_ptr_array_set_size(self->cancellers, 0);
}

static void
on_discarded_late(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    self->spool_left = status != EHP_OK;
    ehd_core_check(self->core);
}

static gboolean
on_removal_due(gpointer user_data)
{
    EhdSession *self = user_data;

    self->removal_timer = 0;
    /* the disk failed at the end and may be well again; a start of the service tries too */
    if (self->spool_left && self->jobs == 0) {
        self->jobs++;
        ehd_inbox_discard(self->inbox, on_discarded_late, self);
    }
    /* a stuck disk, a patient without receipt, one that has it just now */
    if (self->jobs > 0 || self->bye_due || self->engine_reaper != 0) {
        self->removal_timer = g_timeout_add(self->core->parts.removal_ms, on_removal_due, self);
        return G_SOURCE_REMOVE;
    }
    ehd_core_remove(self->core, self);
    return G_SOURCE_REMOVE;
}

void
ehd_session_linger(EhdSession *self)
{
    self->removal_timer = g_timeout_add(self->core->parts.removal_ms, on_removal_due, self);
}

/* Nothing stays of it in the ledger, or what another tap may go on with, and no other key. */
static GBytes *
clear_record(EhdSession *self, EhdPage *page)
{
    self->recorded = FALSE;
    page->record = self->leaves != NULL ? ehd_left_to_record(self->leaves) : NULL;
    page->remove_record = self->leaves == NULL;
    return page->record;
}

static void
give_left(EhdSession *self, ehp_status status)
{
    if (self->leaves != NULL && !self->recorded && status == EHP_OK)
        ehd_lefts_add(self->core, g_steal_pointer(&self->leaves));
}

static void
on_forgotten(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    give_left(self, status);
    ehd_core_check(self->core);
}

void
ehd_session_forget(EhdSession *self)
{
    EhdPage page = {.session = self->id, .now = ehd_core_now(self->core), .kept = TRUE};
    g_autoptr(GBytes) left = NULL;

    if (!self->recorded || self->bye_due)
        return;
    left = clear_record(self, &page);
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_forgotten, self);
}

static void
ended(EhdSession *self)
{
    self->ended = TRUE;
    if (self->has_transfer && !self->complete)
        ehd_session_set_transfer(self, EHD_TRANSFER_FAILED);
    ehd_session_set_state(self, self->error == EHP_OK ? EHD_STATE_DONE : EHD_STATE_FAILED, 0);
    if (self->error != EHP_OK)
        g_info("session %s: %s", self->id, ehp_status_name(self->error));
    answer_cancellers(self);
    ehd_session_forget(self); /* the receipt may have come while the end was written */
    ehd_session_linger(self);
    ehd_core_update_listening(self->core);
    ehd_core_check(self->core);
}

static void
on_written(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    if (self->leaves != NULL && !self->received)
        g_clear_pointer(&self->inbox, ehd_inbox_free); /* whose spool it is not any more */
    give_left(self, status);
    ended(self);
}

/* The last line says how it ended; a session that never saw a tap leaves none. */
static void
write_end(EhdSession *self)
{
    /* while a receipt is still to reach its patient, a restart must find it */
    EhdPage page = {.session = self->id, .kept = TRUE};
    g_autoptr(GBytes) left = NULL;

    page.now = ehd_core_now(self->core);
    if (self->recorded && !self->bye_due)
        left = clear_record(self, &page);
    if (self->error != EHP_OK && self->tapped && !self->received) {
        page.audited = TRUE;
        page.audit = self->role == EHD_PATIENT && !self->consented ? EHD_AUDIT_DECLINED
                                                                   : EHD_AUDIT_FAILED;
        ehd_session_audit_entry(self, &page.entry);
        page.entry.status = self->error;
    }
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_written, self);
}

static void
on_discarded(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    self->spool_left = status != EHP_OK;
    if (self->spool_left)
        g_warning("session %s: spool not destroyed: %s", self->id, ehp_status_name(status));
    write_end(self);
}

static ehp_status
nothing(gpointer user_data)
{
    return EHP_OK;
}

static void
on_inbox_quiet(ehp_status status, gpointer user_data)
{
    EhdSession *self = user_data;

    self->jobs--;
    write_end(self);
}

static EhdVoidReason
void_reason(EhdSession *self)
{
    if (self->core->stopping)
        return EHD_VOID_DAEMON_STOPS;
    if (self->error == EHP_CONSENT_TIMED_OUT || self->error == EHP_CONSENT_EXPIRED)
        return EHD_VOID_TIMED_OUT;
    if (self->error == EHP_CANCELLED || self->error == EHP_REVOKED)
        return EHD_VOID_CANCELLED;
    return EHD_VOID_PEER_GONE;
}

void
ehd_session_finish(EhdSession *self, ehp_status why, const char *detail)
{
    if (self->ending)
        return;
    self->ending = TRUE;
    self->error = why;
    if (detail != NULL) {
        g_free(self->error_detail);
        self->error_detail = g_strdup(detail);
    }
    g_clear_handle_id(&self->grace_timer, g_source_remove);
    g_clear_handle_id(&self->expiry_timer, g_source_remove);
    g_clear_handle_id(&self->filing_timer, g_source_remove);
    ehd_session_stop_connecting(self);
    ehd_session_release_link(self);
    ehd_session_disarm(self);
    ehd_session_fail_opening(self, why);
    if (why != EHP_OK || self->consent_open || self->reply.asked)
        ehd_session_void_questions(self, void_reason(self));
    ehd_session_tell_progress(self, TRUE);
    if (why == EHP_LINK_LOST && !self->received)
        self->leaves = ehd_left_new(self);
    if (self->leaves != NULL && !self->received && self->inbox != NULL) {
        self->jobs++;
        ehd_inbox_run(self->inbox, nothing, on_inbox_quiet, self);
    } else if (self->spooled && self->inbox != NULL) {
        self->jobs++;
        ehd_inbox_discard(self->inbox, on_discarded, self);
    } else {
        write_end(self);
    }
}

void
ehd_session_end(EhdSession *self, ehp_status why)
{
    if (self->ending)
        return;
    if (self->received) {
        ehd_filing_cancel(self, why);
        return;
    }
    if (self->engine != NULL && !self->engine_ended && !self->uncertain) {
        ehd_session_abort(self, why);
        if (!self->engine_ended) /* it waits until the peer has been told: the link closes
                                    behind it */
            g_debug("session %s: ending", self->id);
        return;
    }
    ehd_session_finish(self, why, NULL);
}

void
ehd_session_cancel_async(EhdSession *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);

    if (self->ended) {
        g_task_return_boolean(task, TRUE);
        return;
    }
    g_ptr_array_add(self->cancellers, g_object_ref(task));
    ehd_session_end(self, EHP_CANCELLED);
}

gboolean
ehd_session_cancel_finish(EhdSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}
