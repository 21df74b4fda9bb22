/* SPDX-License-Identifier: Apache-2.0
 *
 * Drives the engine: made from the tap's secrets, pumped after everything that happens, its
 * deadline on a timer, its events handed to the side they are for. Main context; never
 * re-entered: a pump within a pump only asks for another round.
 */
#include "daemon/core/session-priv.h"

#include <sodium.h>

#include "daemon/error.h"

/* ---------------------------------------------------------------- making it */

static void
terminal_config(EhdSession *self, ehp_session_config *config, ehp_bytes *chain, ehp_bytes *crls)
{
    const EhdIdentity *identity = self->core->identity;

    config->leaf_secret = self->leaf_secret;
    for (guint i = 0; i < self->n_chain; i++)
        chain[i].data = g_bytes_get_data(self->chain[i], &chain[i].len);
    config->chain = chain;
    config->n_chain = self->n_chain;
    if (identity == NULL || self->n_chain == 0)
        return;
    for (guint i = 0; i < identity->n_crls; i++)
        crls[i].data = g_bytes_get_data(identity->crls[i], &crls[i].len);
    config->crls = crls;
    config->n_crls = identity->n_crls;
}

static void
common_config(EhdSession *self, ehp_session_config *config)
{
    const EhdConfig *settings = self->core->parts.config;

    config->consent_ms = settings->consent_ms;
    /* to the engine 0 is its own default, not "at once" */
    config->resume_ms = MAX(settings->resume_ms, 1);
    config->idle_ms = settings->idle_ms;
    config->linger_ms = self->wishes.linger_s * 1000;
    config->saves = true;
    randombytes_buf(config->seed, sizeof config->seed);
}

ehp_status
ehd_session_restore_engine(EhdSession *self, const ehp_session_past *past)
{
    ehp_bytes chain[EHP_CHAIN_MAX] = {0}, crls[EHP_CRL_MAX] = {0};
    ehp_session_config config = {0};
    ehp_status status;

    common_config(self, &config);
    if (self->role == EHD_TERMINAL)
        terminal_config(self, &config, chain, crls);
    status = ehp_session_restore(&config, past, ehd_now_ms(), &self->engine);
    sodium_memzero(config.seed, sizeof config.seed);
    return status;
}

static ehp_status
engine_new(EhdSession *self, ehp_secrets *secrets, guint first_link_ms)
{
    const EhdConfig *settings = self->core->parts.config;
    ehp_bytes chain[EHP_CHAIN_MAX] = {0}, crls[EHP_CRL_MAX] = {0};
    ehp_session_config config = {
        .secrets = secrets,
        .first_link_ms = first_link_ms != 0 ? first_link_ms : settings->connect_ms,
    };
    Ehp__ConsentRequest *request = NULL;
    ehp_status status;

    common_config(self, &config);
    if (self->role == EHD_TERMINAL) {
        terminal_config(self, &config, chain, crls);
        config.request = request = ehd_terminal_request_new(self);
    }
    status = ehp_session_new(&config, ehd_now_ms(), &self->engine);
    sodium_memzero(config.seed, sizeof config.seed);
    ehd_terminal_request_free(request);
    return status;
}

gboolean
ehd_session_start_engine(EhdSession *self, guint first_link_ms)
{
    ehp_secrets secrets;
    ehp_status status;

    ehp_secrets_init(&secrets);
    status = ehp_tap_take_secrets(self->tap, &secrets);
    if (status == EHP_OK) {
        memcpy(self->address.address, secrets.address, sizeof self->address.address);
        self->address.channel = (guint8)secrets.channel;
        self->connects = self->reachable = self->role == EHD_PATIENT && secrets.has_address;
        self->connect_tries = 0;
        self->looked_up = self->role == EHD_TERMINAL &&
                          (secrets.capabilities & EHP_CAPABILITY_LOOKUP) != 0;
        if (self->looked_up)
            ehd_link_be_found(self->core->parts.link);
        if (self->role == EHD_TERMINAL && secrets.has_patient_oob &&
            secrets.has_patient_address)
            ehd_session_oob_use(self, secrets.patient_address, secrets.patient_oob);
        status = engine_new(self, &secrets, first_link_ms);
    }
    ehp_secrets_clear(&secrets);
    if (status == EHP_OK)
        return TRUE;
    g_warning("session %s: engine: %s", self->id, ehp_status_text(status));
    return FALSE;
}

void
ehd_session_stop_engine(EhdSession *self)
{
    g_clear_handle_id(&self->engine_timer, g_source_remove);
    g_clear_handle_id(&self->engine_reaper, g_source_remove);
    ehd_session_stop_connecting(self);
    if (self->engine != NULL)
        ehp_session_progress(self->engine, &self->final);
    for (guint i = 0; i < EHP_SESSION_LINKS; i++)
        ehd_session_close_cable(self, (int)i, FALSE);
    g_clear_pointer(&self->engine, ehp_session_free);
    self->engine_ended = self->linked = FALSE;
}

void
ehd_session_get_progress(EhdSession *self, ehp_progress *progress)
{
    if (self->engine != NULL)
        ehp_session_progress(self->engine, progress);
    else
        *progress = self->final;
}

guint64
ehd_session_engine_deadline(EhdSession *self)
{
    uint64_t due = self->engine != NULL ? ehp_session_deadline(self->engine) : UINT64_MAX;

    return due == UINT64_MAX ? 0 : due;
}

/* ---------------------------------------------------------------- events */

static void
on_link_close(EhdSession *self, const ehp_event *event)
{
    ehd_session_close_cable(self, event->link, event->flush);
    if (!self->engine_ended)
        ehd_session_reconnect(self);
}

static EhdSessionState
state_when_linked(EhdSession *self)
{
    if (self->reply.asked)
        return EHD_STATE_DECIDING;
    if (self->has_transfer)
        return EHD_STATE_TRANSFERRING;
    return self->role == EHD_TERMINAL || self->consent_open ? EHD_STATE_DECIDING
                                                            : EHD_STATE_TAPPED;
}

/* A terminal that sends back waits to file all the while. */
static gboolean
is_reply_of_ours(EhdSession *self)
{
    return self->role == EHD_TERMINAL && ehd_session_to_patient(self);
}

static void
set_transfer(EhdSession *self, EhdTransferState state)
{
    if (ehd_session_to_patient(self)) {
        if (self->reply.there)
            ehd_reply_set_state(self, state);
    } else if (self->has_transfer) {
        ehd_session_set_transfer(self, state);
    }
}

static void
on_link_up(EhdSession *self, const ehp_event *event)
{
    self->linked = self->linked_once = TRUE;
    self->connect_tries = self->connect_delay = 0;
    if (self->uncertain)
        ehd_session_tap_confirmed(self);
    if (self->complete)
        return;
    set_transfer(self, EHD_TRANSFER_RUNNING);
    if (is_reply_of_ours(self))
        return;
    ehd_session_set_state(self, state_when_linked(self),
                          self->consent_open ? self->deadline : 0);
}

static void
on_suspended(EhdSession *self, const ehp_event *event)
{
    gboolean was_linked = self->linked;

    self->linked = FALSE;
    /* its bluetoothd may have forgotten us meanwhile */
    if (was_linked && self->looked_up)
        ehd_link_be_found(self->core->parts.link);
    if (was_linked &&
        !self->complete) { /* a connection that failed before it was one changes nothing */
        set_transfer(self, EHD_TRANSFER_SUSPENDED);
        if (!is_reply_of_ours(self))
            ehd_session_set_state(self, EHD_STATE_SUSPENDED, event->deadline_ms);
    }
    ehd_session_reconnect(self);
}

static void
on_complete(EhdSession *self, const ehp_event *event)
{
    if (ehd_session_to_patient(self)) {
        ehd_reply_complete(self);
        return;
    }
    self->complete = TRUE;
    ehd_session_tell_progress(self, TRUE);
    ehd_session_set_transfer(self, EHD_TRANSFER_COMPLETE);
    if (self->role == EHD_PATIENT)
        ehd_patient_complete(self);
    else
        ehd_terminal_complete(self);
}

static void
on_consent_void(EhdSession *self, const ehp_event *event)
{
    gboolean reply = self->reply.asked || self->reply.making_room;

    ehd_session_void_questions(self, EHD_VOID_TIMED_OUT);
    if (reply)
        ehd_reply_void(self);
}

static void
on_revoked(EhdSession *self, const ehp_event *event)
{
    ehd_session_audit(self, EHD_AUDIT_REVOKED, EHP_OK);
}

/* A session that waits to be filed, for days perhaps, keeps no engine. */
static gboolean
on_reap(gpointer user_data)
{
    EhdSession *self = user_data;

    self->engine_reaper = 0;
    /* files of a reply that are being read or opened have nobody to go to any more */
    g_clear_pointer(&self->source, ehd_source_free);
    ehd_session_stop_engine(self);
    self->engine_ended = TRUE;
    if (self->ended)
        ehd_session_forget(self);
    else if (!self->ending && !self->filing)
        ehd_session_keep(self, NULL); /* without the keys that nobody needs any more */
    ehd_core_update_listening(self->core);
    return G_SOURCE_REMOVE;
}

/* What was sent has its receipt, whatever becomes of what the clinic would have sent back. */
static ehp_status
status_of_end(EhdSession *self, ehp_status status)
{
    if (status == EHP_OK || self->receipt == NULL || !ehd_session_to_patient(self))
        return status;
    g_info("session %s: the reply: %s", self->id, ehp_status_name(status));
    self->complete = TRUE;
    if (self->reply.there)
        ehd_reply_set_state(self, EHD_TRANSFER_FAILED);
    return EHP_OK;
}

/* If there never was a link, why there was none says more than that it took too long. */
static void
end_with(EhdSession *self, ehp_status status)
{
    const GError *why = self->connect_error;

    if (why == NULL || self->linked_once ||
        (status != EHP_TIMED_OUT && status != EHP_LINK_LOST))
        ehd_session_finish(self, status, NULL);
    else
        ehd_session_finish(self, ehd_error_status(why), why->message);
}

/* What was received is here, or was filed. */
static gboolean
is_kept(const EhdSession *self)
{
    return self->status == 0 || self->status == EHP__STATUS_KIND__STATUS_FILED;
}

static void
on_ended(EhdSession *self, const ehp_event *event)
{
    g_debug("session %s: engine ended: %s%s", self->id, ehp_status_name(event->status),
            event->by_peer ? " by the peer" : "");
    self->engine_ended = TRUE;
    ehd_session_stop_connecting(self);
    if (self->uncertain) { /* the card had not committed: the reader goes on as if nothing had
                              been */
        self->uncertain = FALSE;
        return;
    }
    if (self->received && !self->receipt_acked && self->leaves == NULL && is_kept(self))
        self->leaves = ehd_left_new(self);
    if (self->received) { /* kept until it is filed, with or without the peer */
        self->bye_due = FALSE;
        ehd_session_transfer_failed(self);
        self->engine_reaper = g_idle_add(on_reap, self);
        return;
    }
    end_with(self, status_of_end(self, event->status));
}

static void
on_receipt_acked(EhdSession *self, const ehp_event *event)
{
    g_debug("session %s: the sender has the receipt", self->id);
    if (self->role == EHD_PATIENT)
        return;
    self->receipt_acked = TRUE;
    if (!self->bye_due)
        ehd_session_changed(self);
    if (self->bye_due && ehp_session_bye(self->engine, ehd_now_ms()) != EHP_OK)
        g_debug("session %s: no bye", self->id);
}

static void
on_manifest_page(EhdSession *self, const ehp_event *event)
{
    if (self->role == EHD_PATIENT)
        ehd_reply_manifest_page(self, event);
    else
        ehd_terminal_manifest_page(self, event);
}

static void
on_manifest(EhdSession *self, const ehp_event *event)
{
    if (self->role == EHD_PATIENT)
        ehd_reply_offered(self, event);
    else
        ehd_terminal_manifest(self, event);
}

typedef void (*Handler)(EhdSession *self, const ehp_event *event);

/* Who answers what. An event that is not for a role never comes in it: the engine sees to that.
 */
static const Handler handlers[] = {
    [EHP_EV_LINK_CLOSE] = on_link_close,
    [EHP_EV_LINK_UP] = on_link_up,
    [EHP_EV_SUSPENDED] = on_suspended,
    [EHP_EV_CHECK_CRLS] = ehd_patient_check_crls,
    [EHP_EV_ASK_CONSENT] = ehd_patient_ask_consent,
    [EHP_EV_CONSENT_VOID] = on_consent_void,
    [EHP_EV_NEED_DATA] = ehd_patient_need_data,
    [EHP_EV_ITEM_ACKED] = ehd_patient_item_acked,
    [EHP_EV_RECEIPT] = ehd_patient_receipt,
    [EHP_EV_MANIFEST_PAGE] = on_manifest_page,
    [EHP_EV_MANIFEST] = on_manifest,
    [EHP_EV_ITEM_REQUEST] = ehd_patient_item_request,
    [EHP_EV_REPLY_REFUSED] = ehd_reply_refused,
    [EHP_EV_SEGMENT] = ehd_terminal_segment,
    [EHP_EV_ITEM_COMPLETE] = ehd_terminal_item_complete,
    [EHP_EV_COMMIT] = ehd_terminal_commit,
    [EHP_EV_RECEIPT_READY] = ehd_terminal_receipt_ready,
    [EHP_EV_RECEIPT_ACKED] = on_receipt_acked,
    [EHP_EV_REVOKED] = on_revoked,
    [EHP_EV_SAVE] = ehd_session_on_save,
    [EHP_EV_COMPLETE] = on_complete,
    [EHP_EV_STATUS] = ehd_patient_status,
    [EHP_EV_ENDED] = on_ended,
};

/* ---------------------------------------------------------------- the pump */

static gboolean
on_engine_timer(gpointer user_data)
{
    EhdSession *self = user_data;

    self->engine_timer = 0;
    ehp_session_tick(self->engine, ehd_now_ms());
    ehd_session_pump(self);
    return G_SOURCE_REMOVE;
}

/* Called for every few kilobytes: a timer that is due early enough is left alone. */
static void
arm_engine_timer(EhdSession *self)
{
    uint64_t due = ehp_session_deadline(self->engine), now = ehd_now_ms();

    if (due == UINT64_MAX || self->engine_ended) {
        g_clear_handle_id(&self->engine_timer, g_source_remove);
        return;
    }
    if (self->engine_timer != 0 && self->engine_due <= due)
        return;
    g_clear_handle_id(&self->engine_timer, g_source_remove);
    self->engine_due = due;
    self->engine_timer =
        g_timeout_add(due > now ? (guint)MIN(due - now, G_MAXINT) : 0, on_engine_timer, self);
}

static void
handle_events(EhdSession *self)
{
    ehp_event event;

    while (self->engine != NULL && ehp_session_next_event(self->engine, ehd_now_ms(), &event)) {
        gsize type = (gsize)event.type;

        if (type < G_N_ELEMENTS(handlers) && handlers[type] != NULL)
            handlers[type](self, &event);
    }
}

void
ehd_session_pump(EhdSession *self)
{
    self->pump_again = TRUE;
    if (self->pumping || self->engine == NULL)
        return;
    self->pumping = TRUE;
    while (self->pump_again && self->engine != NULL) {
        self->pump_again = FALSE;
        handle_events(self);
        if (self->engine != NULL && ehd_session_feed_cables(self))
            self->pump_again = TRUE;
    }
    if (self->engine != NULL) {
        ehd_session_wake_cables(self);
        arm_engine_timer(self);
        ehd_session_tell_progress(self, FALSE);
        ehd_session_keep_marks(self);
    }
    self->pumping = FALSE;
}

void
ehd_session_abort(EhdSession *self, ehp_status why)
{
    ehp_session_end(self->engine, why, ehd_now_ms());
    ehd_session_pump(self);
}
