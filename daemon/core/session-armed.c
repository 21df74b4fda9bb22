/* SPDX-License-Identifier: Apache-2.0
 *
 * A session at the reader: from arming it to letting it go, what the port tells on the way, and
 * the person's leave for a terminal that could not be verified. Main context.
 */
#include "daemon/core/session-priv.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/words.h"

/* The helper is started and the reader opened in less. */
#define OPENING_MS   15000
/* A tap under way is not cut off by the end of the armed time. */
#define TAP_GRACE_MS 3000

static EhdTapPort *
port_of(EhdSession *self)
{
    return self->core->parts.tap;
}

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

void
ehd_session_fail_opening(EhdSession *self, ehp_status why)
{
    GTask *opening = g_steal_pointer(&self->opening);

    if (opening == NULL)
        return;
    g_task_return_new_error(opening, EHD_ERROR, (int)why, "%s", ehp_status_text(why));
    g_object_unref(opening);
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

    if (is_reader_trouble(self->trouble) || self->hushed)
        ehd_session_set_trouble(self, EHP_OK);
    self->hushed = FALSE;
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
    ehd_session_pump_tap(self);
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
    ehd_session_pump_tap(self);
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
    ehd_session_pump_tap(self);
}

static void
port_error(ehp_status status, const char *detail, gpointer user_data)
{
    EhdSession *self = user_data;

    if (self->opening != NULL || self->trouble != status) /* it is tried again and again */
        ehd_log(G_LOG_LEVEL_MESSAGE, EHD_LOG_ID_READER, "the NFC reader: %s: %s",
                ehp_status_name(status), detail);
    if (self->opening != NULL)
        answer_opening(self, status, detail);
    else if (!self->tapped)
        ehd_session_set_trouble(self, status);
}

static const EhdTapPortEvents port_events = {
    .on_ready = port_ready,
    .on_activated = port_activated,
    .on_apdu = port_apdu,
    .on_lost = port_lost,
    .on_error = port_error,
};

/* ---------------------------------------------------------------- armed */

/* The link, if the reader was silent because of it. */
static ehp_status
in_the_way(const EhdSession *self, ehp_status otherwise)
{
    ehp_status link = self->core->link_trouble;

    return self->hushed && link != EHP_OK ? link : otherwise;
}

static gboolean
on_armed_over(gpointer user_data)
{
    EhdSession *self = user_data;

    self->armed_timer = 0;
    if (self->state == EHD_STATE_TAPPING || self->uncertain)
        self->armed_timer = g_timeout_add(TAP_GRACE_MS, on_armed_over, self);
    else
        ehd_session_end(self, in_the_way(self, EHP_TAP_TIMED_OUT));
    return G_SOURCE_REMOVE;
}

static gboolean
on_opening_over(gpointer user_data)
{
    EhdSession *self = user_data;

    self->opening_timer = 0;
    answer_opening(self, in_the_way(self, EHP_NFC_HELPER_FAILED),
                   N_("the reader did not become ready in time"));
    return G_SOURCE_REMOVE;
}

static void
arm_port(EhdSession *self)
{
    EhdTapPort *port = port_of(self);

    port->ops->arm(port, self->role == EHD_PATIENT ? EHD_TAP_PORT_CARD : EHD_TAP_PORT_READER,
                   &port_events, self);
}

/* In a tap a terminal tells where it listens: while nobody could connect there its reader is
 * silent. A try that is under way goes on, since the patient's device connects for as long as
 * most of what may be the matter takes to come back. */
void
ehd_session_look_at_link(EhdSession *self)
{
    EhdTapPort *port = port_of(self);
    ehp_status trouble = self->core->link_trouble;

    if (self->role != EHD_TERMINAL || !self->holds_reader || self->tapped)
        return;
    if (trouble == EHP_OK) {
        if (self->hushed) /* until it polls */
            arm_port(self);
        return;
    }
    if (self->state == EHD_STATE_TAPPING || self->uncertain)
        return;
    self->hushed = TRUE;
    port->ops->disarm(port);
    ehd_session_set_trouble(self, trouble);
}

void
ehd_session_arm(EhdSession *self, GTask *opening)
{
    self->opening = opening;
    self->tap = ehd_session_tap_new(self);
    if (self->tap == NULL) {
        answer_opening(self, EHP_INVALID_ARGUMENT,
                       N_("the certificate chain does not fit a tap"));
        return;
    }
    self->holds_reader = TRUE;
    self->opening_timer = g_timeout_add(OPENING_MS, on_opening_over, self);
    if (self->wishes.armed_s > 0) {
        self->armed_timer = g_timeout_add_seconds(self->wishes.armed_s, on_armed_over, self);
        self->armed_until = self->deadline = ehd_now_ms() + 1000ull * self->wishes.armed_s;
    }
    arm_port(self);
    ehd_session_look_at_link(self);
}

void
ehd_session_disarm(EhdSession *self)
{
    EhdTapPort *port = port_of(self);

    g_clear_handle_id(&self->opening_timer, g_source_remove);
    g_clear_handle_id(&self->tap_timer, g_source_remove);
    g_clear_handle_id(&self->armed_timer, g_source_remove);
    self->hushed = FALSE;
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
        ehd_error_set(error, EHP_WRONG_STATE, N_("no terminal was turned away"));
        return FALSE;
    }
    if (!ehd_fingerprint_parse(fingerprint, given) || !self->verdict.readable ||
        memcmp(given, self->verdict.fingerprint, sizeof given) != 0) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("not the fingerprint of that terminal"));
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
