/* SPDX-License-Identifier: Apache-2.0
 *
 * What an earlier run of the daemon left, at the start of this one. A session whose state is
 * there, fits together and is not too old goes on as after a lost link; one that was received
 * waits to be filed; one that cannot be taken up ends by name, and nothing of it is kept. What
 * cannot be read at this moment stays for the next start. Main context, blocking, before the
 * bus name is taken.
 */
#include "daemon/core/take-up.h"

#include <string.h>

#include "daemon/core/age.h"
#include "daemon/error.h"
#include "daemon/words.h"

static void
clean_up(EhdCore *self, const char *id, EhdSessionRole role, ehp_status why)
{
    g_autoptr(EhdSpoolSession) spooled = ehd_spool_session_open(self->parts.spool, id, NULL);
    g_autoptr(GError) error = NULL;
    EhdAuditEntry entry = EHD_AUDIT_ENTRY_INIT;

    entry.session = id;
    entry.role = ehd_session_role_name(role);
    entry.status = why;
    if (spooled != NULL && !ehd_spool_session_discard(spooled, &error))
        g_warning("session %s: spool not destroyed: %s", id, error->message);
    g_clear_error(&error);
    if (why != EHP_OK && !ehd_audit_append(self->parts.audit, EHD_AUDIT_FAILED, &entry,
                                           ehd_core_now(self), &error))
        g_warning("session %s: %s", id, error->message);
    g_clear_error(&error);
    if (!ehd_ledger_remove(self->parts.ledger, id, &error))
        g_warning("session %s: %s", id, error->message);
}

/* Only what can never be read is given up: a machine that is out of descriptors or memory, or a
 * disk that fails at this moment, or a newer version's state, must not cost a patient's
 * records. */
gboolean
ehd_take_up_is_lost(ehp_status status)
{
    return status != EHP_STORE_FAILED && status != EHP_NO_SPACE &&
           status != EHP_STATE_TOO_NEW && status != EHP_NO_MEMORY;
}

gboolean
ehd_take_up_damaged(GError **error, const char *what)
{
    ehd_error_set(error, EHP_STATE_DAMAGED, "%s", what);
    return FALSE;
}

/* ---------------------------------------------------------------- is it still good? */

/* How long the link may still come back; 0: for that it is too late, but what there is may be
 * left for another tap. */
gboolean
ehd_take_up_get_time_left(EhdSession *self, EhdFound *found, GError **error)
{
    gint64 age, most = self->config->resume_ms;

    if (!ehd_age_get(self->core, found->past.time, found->past.boottime, &age, error))
        return FALSE;
    if (age * 1000 >= most + self->config->take_up_ms) {
        ehd_error_set(error, EHP_LINK_LOST, N_("it was away for too long"));
        return FALSE;
    }
    if (self->consented && self->role == EHD_PATIENT &&
        self->consent.expires <= ehd_core_now(self->core)) {
        ehd_error_set(error, EHP_CONSENT_EXPIRED, NULL);
        return FALSE;
    }
    found->left_ms = (guint)MAX(most - age * 1000, 0);
    return TRUE;
}

/* ---------------------------------------------------------------- one session */

static void
newest(EhdPast *past, const EhdMarksRead *marks)
{
    if (marks->time < past->time)
        return;
    past->time = marks->time;
    past->boottime = marks->boottime;
}

/* Which transfer the engine was in. A received session whose engine cannot be read has none any
 * more. */
static gboolean
find_stage(EhdSession *self, EhdPast *past, GError **error)
{
    ehp_bytes engine = {NULL, 0};
    ehp_status status;

    if (past->engine == NULL)
        return TRUE;
    engine.data = g_bytes_get_data(past->engine, &engine.len);
    status = ehp_session_stage_of(engine, &past->stage);
    if (status == EHP_STATE_DAMAGED && self->committed != 0)
        g_clear_pointer(&past->engine, g_bytes_unref);
    else if (status != EHP_OK) {
        ehd_error_set(error, status, NULL);
        return FALSE;
    }
    return TRUE;
}

static guint
first_of(EhdSession *self, const ehp_session_stage *stage)
{
    guint first = 0;

    if (stage->transfer == 0 || stage->to_patient || self->role == EHD_PATIENT)
        return 0;
    while (first < self->items->len &&
           g_array_index(self->origins, EhdOrigin, first).transfer != stage->transfer)
        first++;
    return first;
}

/* Everything that is on disk of it, into self and found. */
static gboolean
find(EhdSession *self, GBytes *record, EhdFound *found, GError **error)
{
    if (!ehd_record_take_up(self, record, &found->past)) {
        if (ehd_record_is_pending(record)) /* a tap that was never known to be complete */
            ehd_error_set(error, EHP_TAP_TORN, NULL);
        else
            ehd_take_up_damaged(error, N_("not a session's record"));
        return FALSE;
    }
    self->tapped = self->tap_answered = self->recorded = TRUE;
    if (!find_stage(self, &found->past, error) ||
        !ehd_take_up_find_items(self, &found->past, error) ||
        !ehd_take_up_check_order(self, error) ||
        !ehd_take_up_find_receipts(self, found, error) ||
        !ehd_take_up_find_replies(self, found, error) ||
        !ehd_marks_read(self->core->parts.ledger, self->id, found->past.stage.transfer,
                        &found->marks, error))
        return FALSE;
    self->base = first_of(self, &found->past.stage);
    newest(&found->past, &found->marks);
    self->turn = found->marks.turn;
    self->first_root = found->marks.n_roots;
    return TRUE;
}

/* With a receipt of ours it was received: that is kept, whether or not the patient can still be
 * reached. */
static gboolean
take_up_received(EhdSession *self, EhdFound *found, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (!ehd_take_up_find_received(self, self->items->len, error))
        return FALSE;
    self->received = self->complete = TRUE;
    self->has_transfer = TRUE;
    self->transfer = EHD_TRANSFER_COMPLETE;
    ehd_take_up_count(self);
    self->first = self->final;
    /* the marks of what was collected since still say that all of it was there */
    if (found->past.engine != NULL &&
        (!ehd_take_up_get_time_left(self, found, &local) ||
         !ehd_take_up_find_leaf(self, &local) || !ehd_take_up_restore(self, found, &local)))
        g_info("session %s: the patient cannot be reached any more: %s", self->id,
               local->message);
    return TRUE;
}

/* Filed or discarded already; only the patient has no receipt yet. */
static gboolean
take_up_filed(EhdSession *self, EhdFound *found, GError **error)
{
    if (found->past.engine == NULL)
        return ehd_take_up_damaged(error, N_("nothing to go on with"));
    self->received = self->complete = self->ending = self->ended = TRUE;
    return ehd_take_up_find_leaf(self, error) && ehd_take_up_restore(self, found, error);
}

/* All of the last transfer to the terminal, which was a list or was not. */
void
ehd_take_up_show_sent(EhdSession *self, const EhdFound *found)
{
    const ehp_session_stage *stage = &found->past.stage;
    gboolean list =
        stage->to_patient ? self->listed && stage->transfer == 1 : stage->manifest_only;

    ehd_take_up_find_sent(self, &found->marks);
    self->final.items = self->final.items_done = self->n_order;
    self->final.bytes = 0;
    for (guint i = 0; i < self->n_order; i++) {
        guint id = self->order[i];

        self->item_states->data[id] = list ? EHD_ITEM_LISTED : EHD_ITEM_STORED;
        self->final.bytes += g_array_index(self->items, EhdItem, id).size;
    }
    self->final.bytes_done = self->final.bytes;
}

/* The link has no time left, or the consent has not: that takes nothing from a receipt which is
 * there. Only the terminal is not told any more. */
static gboolean
is_within_reach(EhdSession *self, EhdFound *found, gboolean *within, GError **error)
{
    g_autoptr(GError) local = NULL;

    *within = ehd_take_up_get_time_left(self, found, &local) && found->left_ms > 0;
    if (local == NULL || ehd_take_up_is_lost(ehd_error_status(local)))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

static gboolean
take_up_patient_done(EhdSession *self, EhdFound *found, GError **error)
{
    gboolean within;

    if (!is_within_reach(self, found, &within, error))
        return FALSE;
    self->complete = TRUE;
    self->has_transfer = TRUE;
    self->transfer = EHD_TRANSFER_COMPLETE;
    ehd_take_up_show_sent(self, found);
    self->first = self->final;
    return !within || ehd_take_up_restore(self, found, error);
}

static gboolean
take_up_running(EhdSession *self, EhdFound *found, GError **error)
{
    gboolean granted = self->role == EHD_PATIENT ? self->order != NULL : self->items->len > 0;

    if (found->past.engine == NULL)
        return ehd_take_up_damaged(error, N_("nothing to go on with"));
    if (self->role == EHD_TERMINAL && self->inbox != NULL &&
        !ehd_take_up_find_durable(self, &found->marks, error))
        return FALSE;
    if (self->role == EHD_PATIENT)
        ehd_take_up_find_sent(self, &found->marks);
    if (!ehd_take_up_find_leaf(self, error) || !ehd_take_up_restore(self, found, error))
        return FALSE;
    self->has_transfer = granted;
    self->transfer = EHD_TRANSFER_SUSPENDED;
    return TRUE;
}

/* Items were asked for after a transfer, and there is no receipt for them. */
static gboolean
is_unfinished_later(const EhdFound *found)
{
    const ehp_session_stage *stage = &found->past.stage;

    return stage->transfer > 0 && !stage->to_patient && found->receipt == NULL;
}

static gboolean
take_up(EhdSession *self, GBytes *record, EhdFound *found, GError **error)
{
    if (!find(self, record, found, error))
        return FALSE;
    if (self->role == EHD_TERMINAL && self->status != 0)
        return ehd_take_up_get_time_left(self, found, error) &&
               take_up_filed(self, found, error);
    if (ehd_take_up_is_reply(found) && self->receipt != NULL)
        return ehd_take_up_reply(self, found, error);
    if (self->role == EHD_TERMINAL && self->committed != 0 && self->receipt != NULL)
        return is_unfinished_later(found) ? ehd_take_up_later(self, found, error)
                                          : take_up_received(self, found, error);
    if (self->role == EHD_PATIENT &&
        (found->receipt != NULL || found->past.stage.between || found->past.stage.refused))
        return take_up_patient_done(self, found, error);
    return ehd_take_up_get_time_left(self, found, error) && take_up_running(self, found, error);
}

/* ---------------------------------------------------------------- what it is from now on */

static void
show(EhdCore *self, EhdSession *session)
{
    session->announced = TRUE;
    g_ptr_array_add(self->sessions, session);
    if (session->role == EHD_TERMINAL)
        ehd_terminal_own_request(session);
    if (self->hooks != NULL)
        self->hooks->session_added(session, self->hooks_data);
}

/* An owner that was there has so long to come back; after a reboot a person has to come, and to
 * a session that may go on alone nobody needs to, unless it has files to send: none of them is
 * open any more. */
static void
await_owner(EhdSession *self, const EhdFound *found)
{
    gboolean same_run = (guint64)ehd_core_boottime(self->core) >= found->past.boottime;

    if (!self->wishes.detach)
        ehd_session_await_owner(self, same_run ? self->core->parts.grace_ms : found->left_ms);
    else if (self->source != NULL)
        ehd_session_await_owner(self, found->left_ms);
}

static void
go_on(EhdCore *self, EhdSession *session, EhdFound *found)
{
    session->kept = session->engine != NULL;
    if (session->received && session->ended) {
        session->state = EHD_STATE_DONE;
        ehd_filing_tell_again(session);
        ehd_session_linger(session);
    } else if (session->received && !session->complete &&
               !ehd_session_to_patient(session)) { /* kept whether or not it goes on */
        session->state = EHD_STATE_SUSPENDED;
        session->deadline = ehd_now_ms() + found->left_ms;
    } else if (session->received) {
        ehd_filing_start(session);
    } else if (session->complete && session->engine == NULL) {
        return; /* end_if_over */
    } else if (session->complete) {
        ehd_patient_complete(session);
    } else if (found->left_ms == 0) {
        session->state = EHD_STATE_FAILED; /* nobody is to come back to it: end_if_over */
        session->error = EHP_LINK_LOST;
        return;
    } else {
        session->state = EHD_STATE_SUSPENDED;
        session->deadline = ehd_now_ms() + found->left_ms;
        if (session->role == EHD_PATIENT && session->consented &&
            !ehd_session_to_patient(session)) {
            ehd_patient_open_source(session);
            ehd_source_pause(session->source);
            ehd_patient_arm_expiry(session);
        }
        await_owner(session, found);
    }
    session->connects = session->role == EHD_PATIENT && session->reachable;
    ehd_session_pump(session); /* what it asks for now, and when it wants to be woken */
    g_info("session %s: taken up, %s", session->id, ehd_session_state_name(session->state));
}

/* Only once all are taken up: until then ledger and audit are touched here, and so by no
 * worker. */
static void
end_if_over(EhdSession *self)
{
    ehd_take_up_audit_later(self);
    if (self->ending)
        return;
    if (self->state == EHD_STATE_FAILED)
        ehd_session_end(self, self->error);
    else if (self->role == EHD_PATIENT && self->complete && self->engine == NULL)
        ehd_session_finish(self, EHP_OK, NULL);
}

/* Its owner is told why when it asks. */
static void
show_failed(EhdCore *self, EhdSession *session, ehp_status why)
{
    session->ending = session->ended = TRUE;
    session->error = why;
    session->state = EHD_STATE_FAILED;
    session->status = 0;
    session->recorded = session->spooled = session->received = FALSE;
    g_clear_pointer(&session->inbox, ehd_inbox_free);
    ehd_session_linger(session);
    show(self, session);
}

static void
take_up_one(EhdCore *self, const char *id)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) record = ehd_ledger_get(self->parts.ledger, id, &error);
    EhdSession *session;
    EhdFound found = {0};
    EhdSessionRole role;
    ehp_status why;
    gboolean good;

    if (record != NULL && ehd_lefts_take_up(self, id, record))
        return;
    session = ehd_session_new(self, EHD_TERMINAL, (uid_t)-1);
    good = record != NULL && strlen(id) < sizeof session->id;
    if (good)
        g_strlcpy(session->id, id, sizeof session->id);
    good = good && take_up(session, record, &found, &error);
    why = error != NULL ? ehd_error_status(error) : EHP_STATE_DAMAGED;
    role = session->role;
    if (good) {
        ehd_take_up_find_proofs(session);
        show(self, session);
        ehd_take_up_audit(session, &found);
        go_on(self, session, &found);
    } else if (!ehd_take_up_is_lost(why)) {
        g_warning("session %s: kept for the next start, since it cannot be read now: %s", id,
                  error->message);
        self->unread++;
        ehd_session_free(session);
    } else if (why == EHP_NOT_FOUND && session->committed != 0) { /* was filed, and forgotten */
        ehd_session_free(session);
        clean_up(self, id, role, EHP_OK);
    } else {
        if (why != EHP_TAP_TORN)
            g_message("session %s: given up: %s", id, error->message);
        if (session->uid != (uid_t)-1)
            show_failed(self, session, why);
        else
            ehd_session_free(session);
        clean_up(self, id, role, why == EHP_TAP_TORN ? EHP_LINK_LOST : why);
    }
    ehd_found_clear(&found);
}

gboolean
ehd_core_take_up(EhdCore *self, GError **error)
{
    g_auto(GStrv) recorded = ehd_ledger_list(self->parts.ledger, error);
    g_auto(GStrv) spooled = NULL;

    if (recorded == NULL)
        return FALSE;
    for (char **id = recorded; *id != NULL; id++)
        take_up_one(self, *id);
    spooled = ehd_spool_list(self->parts.spool, error);
    if (spooled == NULL)
        return FALSE;
    for (char **id = spooled; *id != NULL; id++)
        if (!g_strv_contains((const char *const *)recorded, *id))
            clean_up(self, *id, EHD_TERMINAL, EHP_OK);
    for (guint i = 0; i < self->sessions->len; i++)
        end_if_over(g_ptr_array_index(self->sessions, i));
    return TRUE;
}
