/* SPDX-License-Identifier: Apache-2.0
 *
 * After the receipt at the terminal: the owner collects the items, and a person files or
 * discards them. Until then they are kept, also over a restart, but not for longer than the
 * filing time. Main context.
 */
#include "daemon/core/session-priv.h"

#include <string.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/words.h"

/* ---------------------------------------------------------------- one item */

typedef struct {
    EhdSession *session;
    GTask *task; /* owned */
    EhdDirection direction;
    guint id;
} ItemCall;

static ItemCall *
item_call_new(EhdSession *self, EhdDirection direction, guint id, GTask *task)
{
    ItemCall *call = g_new(ItemCall, 1);

    call->session = self;
    call->direction = direction;
    call->id = id;
    call->task = g_object_ref(task);
    self->calls = g_slist_prepend(self->calls, call);
    self->jobs++;
    return call;
}

static EhdSession *
item_call_end(ItemCall *call)
{
    EhdSession *self = call->session;

    self->calls = g_slist_remove(self->calls, call);
    g_object_unref(call->task);
    g_free(call);
    self->jobs--;
    return self;
}

static gboolean
check_item(EhdSession *self, EhdDirection direction, guint id, GError **error)
{
    EhdSessionRole receiver = direction == EHD_TO_TERMINAL ? EHD_TERMINAL : EHD_PATIENT;
    const GByteArray *states =
        direction == EHD_TO_TERMINAL ? self->item_states : self->reply.states;

    if (self->role != receiver || self->inbox == NULL || self->ending) {
        ehd_error_set(error, EHP_WRONG_STATE, N_("nothing was received"));
        return FALSE;
    }
    if (id >= states->len) {
        ehd_error_set(error, EHP_NOT_FOUND, N_("no such item"));
        return FALSE;
    }
    if (states->data[id] != EHD_ITEM_STORED) {
        ehd_error_set(error, EHP_WRONG_STATE,
                      states->data[id] == EHD_ITEM_COLLECTED
                          ? N_("the item was collected already")
                          : N_("the item is not complete yet"));
        return FALSE;
    }
    return TRUE;
}

static void
return_status(GTask *task, ehp_status status)
{
    if (status == EHP_OK)
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_new_error(task, EHD_ERROR, (int)status, "%s", ehp_status_text(status));
}

static void
close_unclaimed(gpointer fd)
{
    close(GPOINTER_TO_INT(fd) - 1);
}

static void
on_opened(int fd, ehp_status status, gpointer user_data)
{
    ItemCall *call = user_data;

    if (fd >= 0) /* plus one, so that descriptor 0 is not NULL */
        g_task_return_pointer(call->task, GINT_TO_POINTER(fd + 1), close_unclaimed);
    else
        return_status(call->task, status);
    ehd_core_check(item_call_end(call)->core);
}

void
ehd_session_collect_item_async(EhdSession *self, EhdDirection direction, guint id,
                               GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    GError *error = NULL;

    if (check_item(self, direction, id, &error))
        ehd_inbox_open(self->inbox, id, on_opened, item_call_new(self, direction, id, task));
    else
        g_task_return_error(task, error);
}

int
ehd_session_collect_item_finish(EhdSession *self, GAsyncResult *result, GError **error)
{
    return GPOINTER_TO_INT(g_task_propagate_pointer(G_TASK(result), error)) - 1;
}

static void
on_dropped(ehp_status status, gpointer user_data)
{
    ItemCall *call = user_data;

    if (status == EHP_OK && call->direction == EHD_TO_PATIENT) {
        ehd_reply_set_item_state(call->session, call->id, EHD_ITEM_COLLECTED);
        ehd_reply_item_collected(call->session);
    } else if (status == EHP_OK) {
        ehd_session_set_item_state(call->session, call->id, EHD_ITEM_COLLECTED);
    }
    return_status(call->task, status);
    ehd_core_check(item_call_end(call)->core);
}

void
ehd_session_item_stored_async(EhdSession *self, EhdDirection direction, guint id,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    GError *error = NULL;

    if (!check_item(self, direction, id, &error)) {
        g_task_return_error(task, error);
    } else if (direction == EHD_TO_TERMINAL && (!self->received || id >= self->base) &&
               !self->complete) {
        g_task_return_new_error(task, EHD_ERROR, EHP_WRONG_STATE,
                                N_("the receipt is not signed yet"));
    } else {
        ehd_inbox_drop(self->inbox, id, on_dropped, item_call_new(self, direction, id, task));
    }
}

gboolean
ehd_session_item_stored_finish(EhdSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---------------------------------------------------------------- all of them */

static guint64 start_filing_timer(EhdSession *self);

typedef struct {
    EhdSession *session;
    GTask *task;    /* owned; NULL: nobody waits */
    int status;     /* StatusKind */
    char *rule;     /* owned */
    ehp_status why; /* what the session ends with */
    gboolean kept;  /* the record outlives it: the patient has no receipt yet */
} Filing;

static void
filing_free(Filing *filing)
{
    EhdSession *self = filing->session;

    self->calls = g_slist_remove(self->calls, filing);
    g_clear_object(&filing->task);
    g_free(filing->rule);
    g_free(filing);
}

/* It waits again as before, unless somebody cancelled it meanwhile. */
static void
filing_fail(Filing *filing, ehp_status status)
{
    EhdSession *self = filing->session;

    self->filing = FALSE;
    return_status(filing->task, status);
    filing_free(filing);
    if (self->cancellers->len > 0)
        ehd_filing_cancel(self, EHP_CANCELLED);
    else
        start_filing_timer(self);
    ehd_core_check(self->core);
}

/* Bye would give up a link that is just down, and with it the patient's receipt, or the status.
 * When that has come back the patient knows both, and says bye itself. */
static void
tell_peer(EhdSession *self, const Filing *filing)
{
    gboolean told;

    if (self->engine == NULL || self->engine_ended)
        return;
    told = ehp_session_tell_status(self->engine, (uint32_t)filing->status, filing->rule,
                                   self->status_time != 0 ? self->status_time
                                                          : ehd_core_now(self->core),
                                   ehd_now_ms()) == EHP_OK;
    self->bye_due = told && (!self->receipt_acked || (self->complete && !self->linked));
    if (!self->bye_due && ehp_session_bye(self->engine, ehd_now_ms()) != EHP_OK)
        ehp_session_end(self->engine, EHP_CANCELLED, ehd_now_ms()); /* in a later transfer */
    ehd_session_pump(self);
}

/* The decision is on disk. The peer is told if it is still there, and nobody waits for that. */
static void
filing_done(Filing *filing)
{
    EhdSession *self = filing->session;

    self->status = filing->status;
    /* what is not here any more does come again when the same two devices are tapped */
    if (filing->status != EHP__STATUS_KIND__STATUS_FILED)
        g_clear_pointer(&self->leaves, ehd_left_free);
    tell_peer(self, filing);
    if (filing->status == EHP__STATUS_KIND__STATUS_FILED)
        ehd_session_set_state(self, EHD_STATE_FILED, 0);
    if (filing->task != NULL)
        return_status(filing->task, EHP_OK);
    ehd_session_finish(self, filing->why, NULL);
    filing_free(filing);
}

static void
on_forgotten(ehp_status status, gpointer user_data)
{
    Filing *filing = user_data;
    EhdSession *self = filing->session;

    self->jobs--;
    self->recorded = status != EHP_OK;
    filing_done(filing);
    ehd_core_check(self->core);
}

static void
on_spool_gone(ehp_status status, gpointer user_data)
{
    Filing *filing = user_data;
    EhdSession *self = filing->session;
    EhdPage page = {.session = self->id,
                    .remove_record = TRUE,
                    .now = ehd_core_now(self->core),
                    .kept = TRUE};

    self->jobs--;
    self->spooled = status != EHP_OK;
    if (filing->kept) {
        filing_done(filing);
        ehd_core_check(self->core);
        return;
    }
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_forgotten, filing);
}

static void
on_decision_kept(ehp_status status, gpointer user_data)
{
    Filing *filing = user_data;
    EhdSession *self = filing->session;

    /* one that cannot be kept is told now, or never */
    filing->kept = status == EHP_OK;
    ehd_inbox_discard(self->inbox, on_spool_gone, filing); /* the job goes on */
}

/* The patient has no receipt yet: a restart must be able to send it, and to say the same of the
 * items. */
static void
keep_decision(Filing *filing)
{
    EhdSession *self = filing->session;
    g_autoptr(GBytes) record = NULL;
    EhdPage page = {.session = self->id, .now = ehd_core_now(self->core)};

    self->status = filing->status;
    self->status_time = page.now;
    self->status_rule = g_strdup(filing->rule);
    page.record = record = ehd_record_live(self);
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_decision_kept, filing);
}

static void
on_audited(ehp_status status, gpointer user_data)
{
    Filing *filing = user_data;
    EhdSession *self = filing->session;

    self->jobs--;
    /* the clock, or a cancellation: it cannot be kept for want of a line in the books */
    if (status != EHP_OK && filing->task != NULL) {
        filing_fail(filing, status);
        return;
    }
    if (self->engine != NULL && !self->engine_ended && !self->receipt_acked) {
        if (self->complete) {
            keep_decision(filing);
            return;
        }
        /* items that were asked for still come: there is no receipt of them to be told, and
         * nothing more is to be written to what is discarded now */
        ehd_session_abort(self, EHP_CANCELLED);
    }
    self->jobs++;
    ehd_inbox_discard(self->inbox, on_spool_gone, filing);
}

static EhdAuditKind
audit_kind(const Filing *filing)
{
    if (filing->status == EHP__STATUS_KIND__STATUS_FILED)
        return EHD_AUDIT_FILED;
    return filing->status == EHP__STATUS_KIND__STATUS_REJECTED ? EHD_AUDIT_REJECTED
                                                               : EHD_AUDIT_DISCARDED;
}

/* Audit line, then (for a patient without receipt) the decision, then the spool, then the
 * ledger: a crash in between leaves the session unfiled, never half filed. */
static void
decide(EhdSession *self, int status, const char *rule, ehp_status why, GTask *task)
{
    Filing *filing = g_new0(Filing, 1);
    EhdPage page = {.session = self->id, .audited = TRUE, .now = ehd_core_now(self->core)};

    filing->session = self;
    self->calls = g_slist_prepend(self->calls, filing);
    filing->status = status;
    filing->rule = g_strdup(rule);
    filing->why = why;
    filing->task = task != NULL ? g_object_ref(task) : NULL;
    self->filing = TRUE;
    self->filing_as = status;
    g_clear_handle_id(&self->filing_timer, g_source_remove);
    page.audit = audit_kind(filing);
    page.kept = task == NULL;
    ehd_session_audit_entry(self, &page.entry);
    page.entry.rule = rule;
    page.entry.status = why;
    self->jobs++;
    ehd_books_write(self->core->books, &page, on_audited, filing);
}

static gboolean
on_filing_over(gpointer user_data)
{
    EhdSession *self = user_data;

    self->filing_timer = 0;
    if (!self->complete) /* a reply is under way */
        start_filing_timer(self);
    else if (!self->filing && !self->ending)
        decide(self, EHP__STATUS_KIND__STATUS_DISCARDED, NULL, EHP_FILING_TIMED_OUT, NULL);
    return G_SOURCE_REMOVE;
}

/* Returns when it is over, monotonic ms; 0: never. */
static guint64
start_filing_timer(EhdSession *self)
{
    gint64 left = self->committed + (gint64)self->wishes.filing_s - ehd_core_now(self->core);

    if (self->wishes.filing_s == 0)
        return 0;
    left = CLAMP(left, 1, (gint64)self->wishes.filing_s);
    g_clear_handle_id(&self->filing_timer, g_source_remove);
    self->filing_timer = g_timeout_add_seconds((guint)left, on_filing_over, self);
    return ehd_now_ms() + 1000ull * (guint64)left;
}

void
ehd_filing_start(EhdSession *self)
{
    ehd_session_set_state(self, EHD_STATE_CONFIRMING, start_filing_timer(self));
}

/* It was decided by an earlier run, and the patient was not told before that ended. */
void
ehd_filing_tell_again(EhdSession *self)
{
    if (ehp_session_tell_status(self->engine, (uint32_t)self->status, self->status_rule,
                                self->status_time, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: no status", self->id);
    self->bye_due = TRUE;
}

void
ehd_filing_cancel(EhdSession *self, ehp_status why)
{
    if (!self->filing)
        decide(self, EHP__STATUS_KIND__STATUS_DISCARDED, NULL, why, NULL);
}

static gboolean
check_confirming(EhdSession *self, GError **error)
{
    if (self->state == EHD_STATE_CONFIRMING && self->received && self->complete &&
        !self->filing && !self->ending)
        return TRUE;
    ehd_error_set(error, EHP_WRONG_STATE, N_("nothing waits to be filed"));
    return FALSE;
}

static gboolean
check_collected(EhdSession *self, GError **error)
{
    for (guint id = 0; id < self->item_states->len; id++) {
        if (self->item_states->data[id] == EHD_ITEM_COLLECTED ||
            self->item_states->data[id] == EHD_ITEM_LISTED)
            continue;
        ehd_error_set(error, EHP_WRONG_STATE, "item %u was not reported as stored", id);
        return FALSE;
    }
    return TRUE;
}

void
ehd_session_file_async(EhdSession *self, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    GError *error = NULL;

    if (check_confirming(self, &error) && check_collected(self, &error))
        decide(self, EHP__STATUS_KIND__STATUS_FILED, NULL, EHP_OK, task);
    else
        g_task_return_error(task, error);
}

gboolean
ehd_session_file_finish(EhdSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

void
ehd_session_discard_async(EhdSession *self, const char *rule, GAsyncReadyCallback callback,
                          gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);
    GError *error = NULL;

    if (!check_confirming(self, &error)) {
        g_task_return_error(task, error);
    } else if (rule != NULL && (*rule == '\0' || strlen(rule) > EHP_CODE_MAX ||
                                !g_utf8_validate(rule, -1, NULL))) {
        g_task_return_new_error(task, EHD_ERROR, EHP_INVALID_ARGUMENT, "rule");
    } else {
        decide(self,
               rule != NULL ? EHP__STATUS_KIND__STATUS_REJECTED
                            : EHP__STATUS_KIND__STATUS_DISCARDED,
               rule, EHP_OK, task);
    }
}

gboolean
ehd_session_discard_finish(EhdSession *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}
