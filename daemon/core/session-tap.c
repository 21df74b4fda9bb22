/* SPDX-License-Identifier: Apache-2.0
 *
 * The tap of a session: the reader's port on one side, the engine's tap machine on the other. A
 * terminal whose tap is done keeps the reader polling with a machine that tells every other
 * device BUSY. Main context.
 */
#include "daemon/core/session-priv.h"

#include <sodium.h>
#include <string.h>

#include "daemon/error.h"

/* The helper is started and the reader opened in less. */
#define OPENING_MS   15000
/* A tap under way is not cut off by the end of the armed time. */
#define TAP_GRACE_MS 3000

static void pump_tap(EhdSession *self);

static void
set_trouble(EhdSession *self, ehp_status trouble)
{
    if (self->trouble == trouble)
        return;
    self->trouble = trouble;
    ehd_session_changed(self);
}

/* ---------------------------------------------------------------- the machine */

static ehp_tap *
tap_new(EhdSession *self)
{
    uint32_t categories[EHP_TAP_CATEGORIES_MAX];
    ehp_bytes chain[EHP_CHAIN_MAX];
    ehp_tap_config config = {0};
    ehp_tap *tap = NULL;
    ehp_status status;

    randombytes_buf(config.seed, sizeof config.seed);
    if (self->role == EHD_PATIENT) {
        config.role = EHP_ROLE_PATIENT;
        config.nfc = EHP_NFC_CARD;
    } else {
        config.role = EHP_ROLE_TERMINAL;
        config.nfc = EHP_NFC_READER;
        for (guint i = 0; i < self->n_chain; i++)
            chain[i].data = g_bytes_get_data(self->chain[i], &chain[i].len);
        for (guint i = 0; i < self->wishes.categories->len; i++)
            categories[i] = (uint32_t)g_array_index(self->wishes.categories, int, i);
        config.chain = chain;
        config.n_chain = self->n_chain;
        config.leaf_secret = self->leaf_secret;
        config.purpose = (uint32_t)self->wishes.purpose;
        config.categories = categories;
        config.n_categories = self->wishes.categories->len;
        config.address = self->core->address.address;
        config.channel = self->core->address.channel;
        config.busy = self->tapped;
    }
    status = ehp_tap_new(&config, &tap);
    sodium_memzero(config.seed, sizeof config.seed);
    if (status == EHP_OK)
        return tap;
    g_warning("session %s: tap: %s", self->id, ehp_status_text(status));
    return NULL;
}

static void
replace_tap(EhdSession *self)
{
    g_clear_handle_id(&self->tap_timer, g_source_remove);
    ehp_tap_free(self->tap);
    self->tap = tap_new(self);
    self->confirm_sent = FALSE;
}

static EhdTapPort *
port_of(EhdSession *self)
{
    return self->core->parts.tap;
}

static void
release_port(EhdSession *self)
{
    EhdTapPort *port = port_of(self);

    port->ops->release(port);
}

/* The keys are there: from here on it is a session. */
static void
tap_done(EhdSession *self)
{
    self->tapped = TRUE;
    self->uncertain = FALSE;
    self->trouble = EHP_OK;
    g_clear_handle_id(&self->armed_timer, g_source_remove);
    ehd_session_audit(self, EHD_AUDIT_TAP, EHP_OK);
}

void
ehd_session_tap_confirmed(EhdSession *self)
{
    tap_done(self);
    self->tap_answered = TRUE;
    if (self->holds_reader)
        replace_tap(self);
}

/* The tap's last step is over, well or not: a connection that came before it can be told. */
static void
confirm_answered(EhdSession *self)
{
    self->confirm_sent = FALSE;
    ehd_porch_retry(self->core->porch);
}

static void
on_done(EhdSession *self)
{
    self->uncertain = FALSE;
    ehd_session_stop_engine(self);
    if (!ehd_session_start_engine(self, 0)) {
        ehd_session_end(self, EHP_INTERNAL);
        return;
    }
    tap_done(self);
    ehd_session_set_state(self, EHD_STATE_TAPPED, ehd_session_engine_deadline(self));
    if (self->role == EHD_PATIENT)
        ehd_session_connect(self);
    ehd_session_pump(self);
    confirm_answered(self);
}

static void
on_uncertain(EhdSession *self)
{
    ehd_session_stop_engine(self);
    self->uncertain = ehd_session_start_engine(self, EHP_PENDING_MS);
    ehd_session_set_state(self, EHD_STATE_READY, self->armed_until);
    set_trouble(self, EHP_TAP_TORN);
    ehd_session_pump(self);
    confirm_answered(self);
}

static void
on_failed(EhdSession *self, const ehp_tap_event *event)
{
    if (self->tapped)
        return;
    confirm_answered(self);
    g_info("session %s: tap: %s", self->id, ehp_status_name(event->status));
    if (event->type == EHP_TAP_STOPPED && self->role == EHD_PATIENT) {
        ehd_session_audit(self, EHD_AUDIT_STOPPED, self->verdict.status);
        self->trouble = EHP_OK;
        ehd_session_set_state(self, EHD_STATE_STOPPED, self->armed_until);
        return;
    }
    self->trouble = event->status;
    ehd_session_set_state(self, EHD_STATE_READY, self->armed_until);
}

/* ---------------------------------------------------------------- pending, on disk before
 * CONFIRM */

typedef struct {
    EhdSession *session;
    guint try;
} Pending;

static void
on_pending_stored(ehp_status status, gpointer user_data)
{
    g_autofree Pending *pending = user_data;
    EhdSession *self = pending->session;

    self->jobs--;
    /* an earlier try's record says nothing about this one's */
    if (self->tap != NULL && pending->try == self->pending_try && !self->ending) {
        ehp_status answer = ehp_tap_stored(self->tap, status, ehd_now_ms());

        self->confirm_sent = answer == EHP_OK && status == EHP_OK;
        if (answer != EHP_OK)
            g_debug("session %s: pending tap: %s", self->id, ehp_status_name(answer));
        pump_tap(self);
    }
    ehd_core_check(self->core);
}

static void
store_pending(EhdSession *self, ehp_bytes saved)
{
    g_autoptr(GBytes) record = ehd_record_pending(self, saved);
    EhdPage page = {.session = self->id, .record = record, .now = ehd_core_now(self->core)};
    Pending *pending = g_new(Pending, 1);

    pending->session = self;
    pending->try = ++self->pending_try;
    self->jobs++;
    self->recorded = TRUE;
    ehd_books_write(self->core->books, &page, on_pending_stored, pending);
}

/* ---------------------------------------------------------------- events */

static void
handle(EhdSession *self, const ehp_tap_event *event)
{
    switch (event->type) {
    case EHP_TAP_NONE:
        break;
    case EHP_TAP_SELECTED:
        self->trouble = EHP_OK;
        ehd_session_set_state(self, EHD_STATE_TAPPING, 0);
        break;
    case EHP_TAP_ASK_VERDICT:
        ehd_patient_judge(self, event);
        break;
    case EHP_TAP_STORE_PENDING:
        store_pending(self, event->saved);
        break;
    case EHP_TAP_DONE:
        on_done(self);
        break;
    case EHP_TAP_UNCERTAIN:
        on_uncertain(self);
        break;
    case EHP_TAP_STOPPED:
    case EHP_TAP_BUSY:
    case EHP_TAP_FAILED:
        on_failed(self, event);
        break;
    }
}

static gboolean
on_tap_timer(gpointer user_data)
{
    EhdSession *self = user_data;

    self->tap_timer = 0;
    ehp_tap_tick(self->tap, ehd_now_ms());
    pump_tap(self);
    return G_SOURCE_REMOVE;
}

static void
arm_tap_timer(EhdSession *self)
{
    uint64_t due = ehp_tap_deadline(self->tap), now = ehd_now_ms();

    g_clear_handle_id(&self->tap_timer, g_source_remove);
    if (due != UINT64_MAX)
        self->tap_timer =
            g_timeout_add(due > now ? (guint)MIN(due - now, G_MAXINT) : 0, on_tap_timer, self);
}

static void
transmit(EhdSession *self)
{
    EhdTapPort *port = port_of(self);
    ehp_bytes apdu = ehp_tap_take(self->tap, ehd_now_ms());
    ehp_status status;

    if (apdu.len == 0)
        return;
    status = port->ops->send_apdu(port, apdu.data, apdu.len);
    if (status != EHP_OK) /* torn meanwhile: on_lost follows */
        g_debug("session %s: apdu not sent: %s", self->id, ehp_status_name(status));
}

static gboolean
is_end_of_try(const ehp_tap_event *event)
{
    switch (event->type) {
    case EHP_TAP_DONE:
    case EHP_TAP_STOPPED:
    case EHP_TAP_BUSY:
    case EHP_TAP_FAILED:
        return TRUE;
    case EHP_TAP_NONE:
    case EHP_TAP_SELECTED:
    case EHP_TAP_ASK_VERDICT:
    case EHP_TAP_STORE_PENDING:
    case EHP_TAP_UNCERTAIN:
        return FALSE;
    }
    return FALSE;
}

/* Events first, then what is to be transmitted: the last answer of a try goes out before the
 * field is let go. */
static void
pump_tap(EhdSession *self)
{
    gboolean over = FALSE;
    ehp_tap_event event;

    while (self->tap != NULL && ehp_tap_next_event(self->tap, &event)) {
        over = over || is_end_of_try(&event);
        handle(self, &event);
    }
    if (self->tap == NULL)
        return;
    transmit(self);
    if (over)
        release_port(self);
    if (self->tapped && !self->tap_answered) {
        self->tap_answered = TRUE;
        if (self->role == EHD_TERMINAL)
            replace_tap(self);
    }
    if (self->tap != NULL)
        arm_tap_timer(self);
}

/* ---------------------------------------------------------------- the port */

static void
answer_opening(EhdSession *self, ehp_status status, const char *detail)
{
    GTask *opening = g_steal_pointer(&self->opening);

    g_clear_handle_id(&self->opening_timer, g_source_remove);
    if (opening == NULL)
        return;
    if (status == EHP_OK)
        g_task_return_pointer(opening, self, NULL);
    else
        g_task_return_new_error(opening, EHD_ERROR, (int)status, "%s", detail);
    g_object_unref(opening);
    if (status != EHP_OK)
        ehd_core_remove(self->core, self);
}

static gboolean
is_reader_trouble(ehp_status status)
{
    return status == EHP_NO_READER || status == EHP_READER_BUSY || status == EHP_READER_LOST ||
           status == EHP_READER_MUTE || status == EHP_NFC_HELPER_FAILED;
}

static void
port_ready(gpointer user_data)
{
    EhdSession *self = user_data;

    if (is_reader_trouble(self->trouble))
        set_trouble(self, EHP_OK);
    answer_opening(self, EHP_OK, NULL);
}

static void
port_activated(gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->role != EHD_TERMINAL || self->tap == NULL)
        return;
    if (ehp_tap_start(self->tap, ehd_now_ms()) != EHP_OK)
        return;
    if (!self->tapped) {
        self->trouble = EHP_OK;
        ehd_session_set_state(self, EHD_STATE_TAPPING, 0);
    }
    pump_tap(self);
}

static void
port_apdu(const guint8 *apdu, gsize length, gpointer user_data)
{
    EhdSession *self = user_data;
    ehp_status status;

    if (self->tap == NULL)
        return;
    status = ehp_tap_feed(self->tap, apdu, length, ehd_now_ms());
    if (status != EHP_OK)
        g_debug("session %s: apdu: %s", self->id, ehp_status_name(status));
    pump_tap(self);
}

static void
port_lost(ehp_status why, const char *detail, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->tap == NULL)
        return;
    if (self->role == EHD_PATIENT && self->tapped) {
        ehd_session_disarm(self); /* the last answer is out: the reader is free for another */
        return;
    }
    ehp_tap_lost(self->tap, ehd_now_ms());
    pump_tap(self);
}

static void
port_error(ehp_status status, const char *detail, gpointer user_data)
{
    EhdSession *self = user_data;

    g_info("session %s: reader: %s: %s", self->id, ehp_status_name(status), detail);
    if (self->opening != NULL)
        answer_opening(self, status, detail);
    else if (!self->tapped)
        set_trouble(self, status);
}

static const EhdTapPortEvents port_events = {
    .on_ready = port_ready,
    .on_activated = port_activated,
    .on_apdu = port_apdu,
    .on_lost = port_lost,
    .on_error = port_error,
};

/* ---------------------------------------------------------------- armed */

static gboolean
on_armed_over(gpointer user_data)
{
    EhdSession *self = user_data;

    self->armed_timer = 0;
    if (self->state == EHD_STATE_TAPPING || self->uncertain)
        self->armed_timer = g_timeout_add(TAP_GRACE_MS, on_armed_over, self);
    else
        ehd_session_end(self, EHP_TAP_TIMED_OUT);
    return G_SOURCE_REMOVE;
}

static gboolean
on_opening_over(gpointer user_data)
{
    EhdSession *self = user_data;

    self->opening_timer = 0;
    answer_opening(self, EHP_NFC_HELPER_FAILED, "the reader did not become ready in time");
    return G_SOURCE_REMOVE;
}

void
ehd_session_arm(EhdSession *self, GTask *opening)
{
    EhdTapPort *port = port_of(self);

    self->opening = opening;
    self->tap = tap_new(self);
    if (self->tap == NULL) {
        answer_opening(self, EHP_INVALID_ARGUMENT, "the certificate chain does not fit a tap");
        return;
    }
    self->holds_reader = TRUE;
    self->opening_timer = g_timeout_add(OPENING_MS, on_opening_over, self);
    if (self->wishes.armed_s > 0) {
        self->armed_timer = g_timeout_add_seconds(self->wishes.armed_s, on_armed_over, self);
        self->armed_until = self->deadline = ehd_now_ms() + 1000ull * self->wishes.armed_s;
    }
    port->ops->arm(port, self->role == EHD_PATIENT ? EHD_TAP_PORT_CARD : EHD_TAP_PORT_READER,
                   &port_events, self);
}

void
ehd_session_disarm(EhdSession *self)
{
    EhdTapPort *port = port_of(self);

    g_clear_handle_id(&self->opening_timer, g_source_remove);
    g_clear_handle_id(&self->tap_timer, g_source_remove);
    g_clear_handle_id(&self->armed_timer, g_source_remove);
    if (self->holds_reader) {
        self->holds_reader = FALSE;
        port->ops->disarm(port);
        ehd_core_release_reader(self->core, self);
    }
    g_clear_pointer(&self->tap, ehp_tap_free);
}

gboolean
ehd_session_allow_unverified(EhdSession *self, const char *fingerprint, GError **error)
{
    guint8 given[EHD_FINGERPRINT_LEN];

    if (self->state != EHD_STATE_STOPPED) {
        ehd_error_set(error, EHP_WRONG_STATE, "no terminal was turned away");
        return FALSE;
    }
    if (!ehd_fingerprint_parse(fingerprint, given) || !self->verdict.readable ||
        memcmp(given, self->verdict.fingerprint, sizeof given) != 0) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "not the fingerprint of that terminal");
        return FALSE;
    }
    memcpy(self->allowed, given, sizeof given);
    self->allowed_until = ehd_now_ms() + EHP_ALLOW_MS;
    ehd_session_audit(self, EHD_AUDIT_ALLOWED, self->verdict.status);
    /* the second tap must fit into what is left of the armed time */
    if (self->armed_timer != 0) {
        g_source_remove(self->armed_timer);
        self->armed_timer = g_timeout_add(EHP_ALLOW_MS, on_armed_over, self);
        self->armed_until = self->allowed_until;
    }
    ehd_session_set_state(self, EHD_STATE_STOPPED, self->allowed_until);
    return TRUE;
}
