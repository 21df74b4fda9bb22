/* SPDX-License-Identifier: Apache-2.0
 *
 * The core's life: its sessions, who has the reader, the listener, what an earlier run left,
 * and stopping. Main context.
 */
#include "daemon/core/core-priv.h"
#include "daemon/core/expiry.h"

#include <string.h>
#include <unistd.h>

#include "daemon/core/session-priv.h"
#include "daemon/core/source.h"
#include "daemon/error.h"

#define STOP_MS 2000

gint64
ehd_core_now(EhdCore *self)
{
    if (self->parts.now != NULL)
        return self->parts.now(self->parts.now_data);
    return g_get_real_time() / G_USEC_PER_SEC;
}

/* ---------------------------------------------------------------- incoming connections */

static EhdKnock
on_knock(int fd, const ehp_preamble *preamble, gpointer user_data)
{
    EhdCore *self = user_data;

    for (guint i = 0; i < self->sessions->len; i++)
        if (ehd_session_incoming(g_ptr_array_index(self->sessions, i), fd, preamble))
            return EHD_KNOCK_TAKEN;
    for (guint i = 0; i < self->sessions->len; i++)
        if (((EhdSession *)g_ptr_array_index(self->sessions, i))->confirm_sent)
            return EHD_KNOCK_WAIT;
    return EHD_KNOCK_UNKNOWN;
}

static gboolean
wants_connections(const EhdSession *session)
{
    if (session->role != EHD_TERMINAL)
        return FALSE;
    /* a receipt that did not reach its patient is sent again after the owner saw the end */
    if (session->engine != NULL && !session->engine_ended)
        return !session->ending || session->bye_due;
    return !session->ending && !session->received;
}

void
ehd_core_update_listening(EhdCore *self)
{
    if (!self->listening)
        return;
    for (guint i = 0; i < self->sessions->len; i++)
        if (wants_connections(g_ptr_array_index(self->sessions, i)))
            return;
    self->listening = FALSE;
    ehd_link_stop(self->parts.link);
}

/* ---------------------------------------------------------------- the reader */

static gboolean
gives_way(const EhdSession *holder)
{
    return holder->received || holder->ending;
}

gboolean
ehd_core_claim_reader(EhdCore *self, EhdSession *session)
{
    if (self->holder != NULL && !gives_way(self->holder))
        return FALSE;
    if (self->holder != NULL)
        ehd_session_disarm(self->holder);
    self->holder = session;
    return TRUE;
}

void
ehd_core_release_reader(EhdCore *self, EhdSession *session)
{
    if (self->holder == session)
        self->holder = NULL;
}

/* ---------------------------------------------------------------- sessions */

EhdSession *
ehd_core_find(EhdCore *self, const char *id, uid_t uid, GError **error)
{
    for (guint i = 0; i < self->sessions->len; i++) {
        EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (!session->announced || strcmp(session->id, id) != 0)
            continue;
        if (session->uid == uid)
            return session;
        ehd_error_set(error, EHP_NOT_OWNER, NULL);
        return NULL;
    }
    ehd_error_set(error, EHP_NOT_FOUND, "no such session");
    return NULL;
}

GPtrArray *
ehd_core_list(EhdCore *self, uid_t uid)
{
    GPtrArray *list = g_ptr_array_new();

    for (guint i = 0; i < self->sessions->len; i++) {
        EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (session->announced && session->uid == uid)
            g_ptr_array_add(list, session);
    }
    return list;
}

void
ehd_core_remove(EhdCore *self, EhdSession *session)
{
    if (session->announced && self->hooks != NULL)
        self->hooks->session_removed(session, self->hooks_data);
    g_ptr_array_remove(self->sessions, session);
    ehd_session_free(session);
    ehd_core_update_listening(self);
    ehd_core_check(self);
}

gboolean
ehd_core_is_idle(EhdCore *self)
{
    return self->sessions->len == 0 && ehd_books_get_pending(self->books) == 0;
}

/* ---------------------------------------------------------------- stopping */

static gboolean
is_quiet(EhdCore *self)
{
    for (guint i = 0; i < self->sessions->len; i++) {
        EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (session->jobs > 0 || (!session->ended && !session->received))
            return FALSE;
    }
    return ehd_books_get_pending(self->books) == 0;
}

static void
stopped(EhdCore *self)
{
    GTask *stop = g_steal_pointer(&self->stop);

    g_clear_handle_id(&self->stop_timer, g_source_remove);
    g_task_return_boolean(stop, TRUE);
    g_object_unref(stop);
}

static gboolean
on_stop_check(gpointer user_data)
{
    EhdCore *self = user_data;

    self->check_source = 0;
    if (self->stop != NULL && is_quiet(self))
        stopped(self);
    if (self->hooks != NULL)
        self->hooks->idle_changed(self->hooks_data);
    return G_SOURCE_REMOVE;
}

/* From an idle source: whoever calls may be in the middle of something. */
void
ehd_core_check(EhdCore *self)
{
    if (self->check_source == 0)
        self->check_source = g_idle_add(on_stop_check, self);
}

static gboolean
on_stop_over(gpointer user_data)
{
    EhdCore *self = user_data;

    self->stop_timer = 0;
    stopped(self);
    return G_SOURCE_REMOVE;
}

void
ehd_core_stop_async(EhdCore *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(self->stop == NULL);
    self->stop = g_task_new(NULL, NULL, callback, user_data);
    self->stop_timer = g_timeout_add(STOP_MS, on_stop_over, self);
    self->stopping = TRUE;
    for (guint i = 0; i < self->sessions->len; i++) {
        EhdSession *session = g_ptr_array_index(self->sessions, i);

        if (!session->received)
            ehd_session_end(session, EHP_CANCELLED);
    }
    ehd_core_check(self);
}

gboolean
ehd_core_stop_finish(EhdCore *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---------------------------------------------------------------- what an earlier run left */

static void
clean_up(EhdCore *self, const char *id, gboolean audited)
{
    g_autoptr(EhdSpoolSession) spooled = ehd_spool_session_open(self->parts.spool, id, NULL);
    g_autoptr(GError) error = NULL;
    EhdAuditEntry entry = EHD_AUDIT_ENTRY_INIT;

    entry.session = id;
    entry.role = "terminal";
    entry.status = EHP_LINK_LOST;
    if (spooled != NULL && !ehd_spool_session_discard(spooled, &error))
        g_warning("session %s: spool not destroyed: %s", id, error->message);
    g_clear_error(&error);
    if (audited && !ehd_audit_append(self->parts.audit, EHD_AUDIT_FAILED, &entry,
                                     ehd_core_now(self), &error))
        g_warning("session %s: %s", id, error->message);
    g_clear_error(&error);
    if (!ehd_ledger_remove(self->parts.ledger, id, &error))
        g_warning("session %s: %s", id, error->message);
}

/* Only what can never be read is given up: a machine that is out of descriptors or memory, or a
 * disk that fails at this moment, or a newer version's state, must not cost a patient's
 * records. */
static gboolean
is_lost(const GError *error)
{
    ehp_status status = ehd_error_status(error);

    return status == EHP_NOT_FOUND || status == EHP_STATE_DAMAGED ||
           status == EHP_INVALID_ARGUMENT;
}

static gboolean
find_collected(EhdSession *session, GError **error)
{
    for (guint i = 0; i < session->items->len; i++) {
        g_autoptr(GError) local = NULL;

        if (ehd_inbox_has_item(session->inbox, i, &local))
            continue;
        if (!is_lost(local)) {
            g_propagate_error(error, g_steal_pointer(&local));
            return FALSE;
        }
        session->item_states->data[i] = EHD_ITEM_COLLECTED;
    }
    return TRUE;
}

static gboolean
fill_taken_up(EhdSession *session, const char *id, GBytes *record, GError **error)
{
    g_autoptr(EhdReceipt) receipt =
        ehd_receipts_get(session->core->parts.state, id, EHD_RECEIPT_MADE, error);
    g_autoptr(GBytes) meta = NULL;

    if (receipt == NULL)
        return FALSE;
    if (strlen(id) >= sizeof session->id || !ehd_record_take_up(session, record)) {
        ehd_error_set(error, EHP_STATE_DAMAGED, "not the record of a received session");
        return FALSE;
    }
    g_strlcpy(session->id, id, sizeof session->id);
    session->inbox = ehd_terminal_inbox_new(session);
    if (!ehd_inbox_take_up(session->inbox, &meta, error))
        return FALSE;
    if (!ehd_record_take_up_items(session, meta)) {
        ehd_error_set(error, EHP_STATE_DAMAGED, "not a list of items");
        return FALSE;
    }
    session->receipt = g_bytes_ref(receipt->bytes);
    return find_collected(session, error);
}

static gboolean
take_up(EhdCore *self, const char *id, GError **error)
{
    GBytes *record = ehd_ledger_get(self->parts.ledger, id, error);
    EhdSession *session;
    gboolean good;

    if (record == NULL)
        return FALSE;
    session = ehd_session_new(self, EHD_TERMINAL, (uid_t)-1);
    good = fill_taken_up(session, id, record, error);
    g_bytes_unref(record);
    if (!good) {
        ehd_session_free(session);
        return FALSE;
    }
    session->received = session->spooled = session->recorded = session->complete = TRUE;
    session->has_transfer = session->announced = session->tapped = TRUE;
    session->transfer = EHD_TRANSFER_COMPLETE;
    session->final.items = session->final.items_done = session->items->len;
    session->final.bytes = session->final.bytes_done = session->manifest_bytes;
    ehd_terminal_own_request(session);
    g_ptr_array_add(self->sessions, session);
    ehd_filing_start(session);
    if (self->hooks != NULL)
        self->hooks->session_added(session, self->hooks_data);
    return TRUE;
}

/* What was taken up is a session now, what was not is gone, and what cannot be read at this
 * moment stays as it is for the next start. */
static void
take_up_or_clean(EhdCore *self, const char *id)
{
    g_autoptr(GError) error = NULL;

    if (take_up(self, id, &error))
        return;
    if (!is_lost(error)) {
        g_warning("session %s: kept for the next start, since it cannot be read now: %s", id,
                  error->message);
        return;
    }
    if (ehd_error_status(error) != EHP_NOT_FOUND)
        g_warning("session %s: destroyed: %s", id, error->message);
    clean_up(self, id, TRUE);
}

gboolean
ehd_core_start(EhdCore *self, GError **error)
{
    g_auto(GStrv) recorded = ehd_ledger_list(self->parts.ledger, error);
    g_auto(GStrv) spooled = NULL;

    if (recorded == NULL)
        return FALSE;
    for (char **id = recorded; *id != NULL; id++)
        take_up_or_clean(self, *id);
    spooled = ehd_spool_list(self->parts.spool, error);
    if (spooled == NULL)
        return FALSE;
    for (char **id = spooled; *id != NULL; id++)
        if (!g_strv_contains((const char *const *)recorded, *id))
            clean_up(self, *id, FALSE);
    ehd_expiry_start(self);
    return TRUE;
}

/* ---------------------------------------------------------------- life */

EhdCore *
ehd_core_new(const EhdCoreParts *parts, const EhdCoreHooks *hooks, gpointer user_data)
{
    EhdCore *self = g_new0(EhdCore, 1);

    self->parts = *parts;
    ehd_config_ref(self->parts.config);
    self->parts.stall_ms = parts->stall_ms != 0 ? parts->stall_ms : EHD_SOURCE_STALL_MS;
    self->parts.grace_ms = parts->grace_ms != 0 ? parts->grace_ms : EHD_GRACE_MS;
    self->parts.removal_ms = parts->removal_ms != 0 ? parts->removal_ms : EHD_LINGER_ENDED_MS;
    self->parts.silent_ms = parts->silent_ms != 0 ? parts->silent_ms : EHD_PORCH_SILENT_MS;
    self->hooks = hooks;
    self->hooks_data = user_data;
    self->sessions = g_ptr_array_new();
    self->books = ehd_books_new(parts->state, parts->ledger, parts->audit);
    self->porch = ehd_porch_new(self->parts.silent_ms, on_knock, self);
    ehd_core_load_identity(self);
    return self;
}

void
ehd_core_free(EhdCore *self)
{
    if (self == NULL)
        return;
    self->hooks = NULL;
    if (self->listening)
        ehd_link_stop(self->parts.link);
    g_clear_handle_id(&self->stop_timer, g_source_remove);
    g_clear_object(&self->stop);
    ehd_expiry_stop(self);
    ehd_porch_free(self->porch);
    ehd_books_free(self->books);
    for (guint i = 0; i < self->sessions->len; i++)
        ehd_session_free(g_ptr_array_index(self->sessions, i));
    g_ptr_array_unref(self->sessions);
    g_clear_handle_id(&self->check_source, g_source_remove);
    g_clear_pointer(&self->identity, ehd_identity_free);
    ehd_config_unref(self->parts.config);
    g_free(self);
}
