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

void
ehd_session_set_trouble(EhdSession *self, ehp_status trouble)
{
    if (self->trouble == trouble)
        return;
    self->trouble = trouble;
    ehd_session_changed(self);
}

/* ---------------------------------------------------------------- the machine */

ehp_tap *
ehd_session_tap_new(EhdSession *self)
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
        if (ehd_link_needs_lookup(self->core->parts.link))
            config.capabilities |= EHP_CAPABILITY_LOOKUP;
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
    ehd_session_oob_offer(self, &config);
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
    self->tap = ehd_session_tap_new(self);
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
    ehd_session_keep(self, NULL);
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
on_first_kept(EhdSession *self, ehp_status status)
{
    if (status != EHP_OK && !self->ending)
        ehd_session_end(self, status);
}

static void
on_done(EhdSession *self)
{
    self->uncertain = FALSE;
    if (self->engine != NULL) /* of a try that was uncertain; not a connect that is under way */
        ehd_session_stop_engine(self);
    self->paging = FALSE;
    if (!ehd_session_start_engine(self, 0)) {
        ehd_session_end(self, EHP_INTERNAL);
        return;
    }
    tap_done(self);
    /* what is asked must be the same after a restart: a terminal lets nobody in before */
    self->unkept = self->role == EHD_TERMINAL;
    ehd_session_keep(self, on_first_kept);
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
    ehd_session_set_trouble(self, EHP_TAP_TORN);
    ehd_session_pump(self);
    confirm_answered(self);
}

static void
on_failed(EhdSession *self, const ehp_tap_event *event)
{
    if (self->tapped)
        return;
    self->page_due = FALSE;
    if (self->role == EHD_PATIENT)
        ehd_session_stop_connecting(self);
    if (event->type == EHP_TAP_BUSY && self->trouble == EHP_PEER_BUSY)
        return; /* as before: nothing to say */
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
        ehd_session_pump_tap(self);
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
show_tapping(EhdSession *self)
{
    if (self->state == EHD_STATE_TAPPING)
        return;
    self->trouble = EHP_OK;
    ehd_session_set_state(self, EHD_STATE_TAPPING, 0);
}

/* A reader that was busy polls on, and this device may lie in its field: the screen keeps
 * saying so until there is more than another SELECT. */
static void
on_selected(EhdSession *self)
{
    if (self->trouble != EHP_PEER_BUSY)
        show_tapping(self);
}

static void
handle(EhdSession *self, const ehp_tap_event *event)
{
    switch (event->type) {
    case EHP_TAP_NONE:
        break;
    case EHP_TAP_SELECTED:
        on_selected(self);
        break;
    case EHP_TAP_ASK_VERDICT:
        show_tapping(self);
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
    ehd_session_pump_tap(self);
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
void
ehd_session_pump_tap(EhdSession *self)
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
    if (self->page_due) /* whatever failed has taken it back */
        ehd_session_page(self);
    if (over) {
        release_port(self);
        ehd_session_look_at_link(self);
    }
    if (self->tapped && !self->tap_answered) {
        self->tap_answered = TRUE;
        if (self->role == EHD_TERMINAL)
            replace_tap(self);
    }
    if (self->tap != NULL)
        arm_tap_timer(self);
}
