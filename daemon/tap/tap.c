/* SPDX-License-Identifier: Apache-2.0
 *
 * One arming at a time over a helper that may come and go. `arm` numbers the armings, so that
 * what the helper still says about an earlier one is dropped; `generation` does the same for
 * our own callbacks, which may rearm or free us. All on one main context.
 */
#include "daemon/tap/tap.h"

#include "daemon/tap/helper.h"
#include "daemon/words.h"

#include <string.h>

/* The helper must say something to ARM, and DISARMED to DISARM, within these: opening a mute
 * reader and killing a hung worker included. */
#define ANSWER_MS      15000
/* A helper (not its worker) that dies is started again; this many times before it is told. */
#define QUIET_DEATHS   2
#define PAUSE_FIRST_MS 100
#define PAUSE_LAST_MS  10000

typedef struct {
    EhdTapProbed done;
    gpointer user_data;
} Probe;

struct EhdTap {
    int refs; /* our own: callbacks may free */
    gboolean freed;
    GMainContext *context;
    EhdTapHelper *helper;
    /* the arming */
    EhdTapRole role;
    guint32 arm;
    guint generation;
    EhdTapEvents events;
    gpointer user_data;
    ehp_status told; /* the trouble that on_error was last called with; EHP_OK: none */
    /* the tap */
    guint32 tap; /* 0: none */
    gboolean my_turn;
    /* the reader */
    ehp_status state;
    char *detail;
    GArray *probes; /* of Probe */
    /* timers, each NULL when not running */
    GSource *linger, *answer, *restart, *probing;
    int deaths; /* of the helper, since it last was in order */
};

static EhdTap *
hold(EhdTap *tap)
{
    tap->refs++;
    return tap;
}

static void
let_go(EhdTap *tap)
{
    if (--tap->refs > 0)
        return;
    ehd_tap_helper_free(tap->helper);
    g_main_context_unref(tap->context);
    g_array_unref(tap->probes);
    g_free(tap->detail);
    g_free(tap);
}

static void
clear_timer(GSource **timer)
{
    if (*timer)
        g_source_destroy(*timer);
    g_clear_pointer(timer, g_source_unref);
}

static void
set_timer(EhdTap *tap, GSource **timer, guint ms, GSourceFunc function)
{
    clear_timer(timer);
    *timer = g_timeout_source_new(ms);
    g_source_set_callback(*timer, function, tap, NULL);
    g_source_attach(*timer, tap->context);
}

/* --- callbacks: every one checks that it is still wanted --- */

static void
tell_error(EhdTap *tap, ehp_status status, const char *detail)
{
    if (tap->role != EHD_TAP_NONE && tap->events.on_error)
        tap->events.on_error(tap, status, detail, tap->user_data);
}

static void
tell_lost(EhdTap *tap, ehp_status why, const char *detail)
{
    if (tap->tap == 0)
        return;
    tap->tap = 0;
    tap->my_turn = FALSE;
    if (tap->events.on_lost)
        tap->events.on_lost(tap, why, detail, tap->user_data);
}

static void
tell_probes(EhdTap *tap)
{
    g_autoptr(GArray) probes = tap->probes;
    g_autofree char *detail = g_strdup(tap->detail);

    clear_timer(&tap->probing);
    tap->probes = g_array_new(FALSE, FALSE, sizeof(Probe));
    for (guint i = 0; i < probes->len && !tap->freed; i++) {
        Probe *probe = &g_array_index(probes, Probe, i);
        probe->done(tap, tap->state, detail, probe->user_data);
    }
}

/* Keeps the state, tells it to probes, and to the arming when it changed. */
static void
set_state(EhdTap *tap, ehp_status status, const char *detail)
{
    guint generation = tap->generation;

    if (detail != tap->detail) {
        g_free(tap->detail);
        tap->detail = g_strdup(detail);
    }
    tap->state = status;
    tell_probes(tap);
    if (tap->freed || generation != tap->generation || status == EHP_OK || status == tap->told)
        return;
    tap->told = status;
    tell_error(tap, status, tap->detail);
}

/* --- the helper's life --- */

static void settle(EhdTap *tap);

static gboolean
on_no_answer(gpointer user_data)
{
    EhdTap *tap = hold(user_data);

    clear_timer(&tap->answer);
    g_warning("the NFC helper does not answer and is started again");
    ehd_tap_helper_stop(tap->helper, TRUE);
    tell_lost(tap, EHP_NFC_HELPER_FAILED, N_("the NFC helper does not answer"));
    if (!tap->freed)
        set_state(tap, EHP_NFC_HELPER_FAILED, N_("the NFC helper does not answer"));
    if (!tap->freed)
        settle(tap);
    let_go(tap);
    return G_SOURCE_REMOVE;
}

static gboolean
on_linger_over(gpointer user_data)
{
    EhdTap *tap = user_data;

    clear_timer(&tap->linger);
    ehd_tap_helper_stop(tap->helper, FALSE);
    return G_SOURCE_REMOVE;
}

static gboolean
on_restart(gpointer user_data)
{
    EhdTap *tap = hold(user_data);

    clear_timer(&tap->restart);
    settle(tap);
    let_go(tap);
    return G_SOURCE_REMOVE;
}

static void
restart_later(EhdTap *tap)
{
    guint pause = PAUSE_FIRST_MS;

    for (int i = 0; i < tap->deaths && pause < PAUSE_LAST_MS; i++)
        pause *= 2;
    tap->deaths++;
    set_timer(tap, &tap->restart, MIN(pause, PAUSE_LAST_MS), on_restart);
}

static void
on_gone(gpointer user_data)
{
    EhdTap *tap = hold(user_data);

    clear_timer(&tap->answer);
    restart_later(tap);
    tell_lost(tap, EHP_NFC_HELPER_FAILED, N_("the NFC helper ended"));
    if (!tap->freed && (tap->deaths > QUIET_DEATHS || tap->probes->len > 0))
        set_state(tap, EHP_NFC_HELPER_FAILED, N_("the NFC helper keeps ending"));
    let_go(tap);
}

static gboolean
is_needed(EhdTap *tap)
{
    return tap->role != EHD_TAP_NONE || tap->probes->len > 0;
}

static void
send_wishes(EhdTap *tap)
{
    if (tap->role != EHD_TAP_NONE)
        ehd_tap_helper_send(
            tap->helper,
            &(EhdNfcMessage){.type = EHD_NFC_ARM, .role = (uint8_t)tap->role, .arm = tap->arm});
    if (tap->probes->len > 0)
        ehd_tap_helper_send(tap->helper, &(EhdNfcMessage){.type = EHD_NFC_PROBE});
    set_timer(tap, &tap->answer, ANSWER_MS, on_no_answer);
}

/* Brings the helper to what is wanted of it: running and told, or on its way out. */
static void
settle(EhdTap *tap)
{
    const char *why;

    if (!is_needed(tap)) {
        clear_timer(&tap->restart);
        if (ehd_tap_helper_is_running(tap->helper) && !tap->linger)
            set_timer(tap, &tap->linger, EHD_TAP_LINGER_MS, on_linger_over);
        return;
    }
    clear_timer(&tap->linger);
    if (ehd_tap_helper_is_running(tap->helper) || tap->restart)
        return;
    if (ehd_tap_helper_start(tap->helper, &why)) {
        send_wishes(tap);
        return;
    }
    restart_later(tap);
    set_state(tap, EHP_NFC_HELPER_FAILED, why);
}

/* --- what the helper says --- */

static void
on_hello(EhdTap *tap, const EhdNfcMessage *message)
{
    if (message->role == EHD_NFC_WIRE_VERSION && message->arm == EHP_STATUS_COUNT)
        return;
    ehd_tap_helper_stop(tap->helper, FALSE);
    restart_later(tap);
    set_state(tap, EHP_NFC_HELPER_FAILED, N_("the NFC helper is of another version"));
}

static void
on_state(EhdTap *tap, ehp_status status, const char *detail)
{
    if (status == EHP_OK)
        tap->deaths = 0;
    set_state(tap, status, detail);
}

static void
on_armed(EhdTap *tap)
{
    tap->deaths = 0;
    tap->told = EHP_OK;
    if (tap->events.on_ready)
        tap->events.on_ready(tap, tap->user_data);
}

static void
on_activated(EhdTap *tap, const EhdNfcMessage *message)
{
    tap->tap = message->tap;
    tap->my_turn = tap->role == EHD_TAP_READER;
    if (tap->events.on_activated)
        tap->events.on_activated(tap, tap->user_data);
}

static void
on_apdu(EhdTap *tap, const EhdNfcMessage *message)
{
    if (message->tap != tap->tap || tap->tap == 0 || tap->my_turn || message->len == 0)
        return;
    tap->my_turn = TRUE;
    if (tap->events.on_apdu)
        tap->events.on_apdu(tap, message->data, message->len, tap->user_data);
}

static void
on_arming_message(EhdTap *tap, const EhdNfcMessage *message, const char *detail)
{
    switch (message->type) {
    case EHD_NFC_ARMED:
        on_armed(tap);
        break;
    case EHD_NFC_ACTIVATED:
        on_activated(tap, message);
        break;
    case EHD_NFC_APDU:
        on_apdu(tap, message);
        break;
    case EHD_NFC_LOST:
        if (message->tap == tap->tap)
            tell_lost(tap, message->status, detail);
        break;
    case EHD_NFC_FOREIGN:
        tell_error(tap, message->status, detail);
        break;
    default:
        break;
    }
}

static void
on_message(const EhdNfcMessage *message, gpointer user_data)
{
    EhdTap *tap = hold(user_data);
    gboolean has_text = message->type != EHD_NFC_APDU && message->len > 0;
    g_autofree char *detail =
        has_text ? g_utf8_make_valid((const char *)message->data, (gssize)message->len)
                 : g_strdup("");

    if (message->type != EHD_NFC_HELLO)
        clear_timer(&tap->answer);
    if (message->type == EHD_NFC_HELLO)
        on_hello(tap, message);
    else if (message->type == EHD_NFC_STATE)
        on_state(tap, message->status, detail);
    else if (message->type == EHD_NFC_REFUSED)
        g_warning("the NFC helper refused a message: %s", detail);
    else if (tap->role != EHD_TAP_NONE && message->arm == tap->arm)
        on_arming_message(tap, message, detail);
    if (!tap->freed)
        settle(tap);
    let_go(tap);
}

/* --- what core says --- */

/* Ends what is armed without a word to anyone. */
static void
forget_arming(EhdTap *tap)
{
    tap->role = EHD_TAP_NONE;
    tap->generation++;
    tap->tap = 0;
    tap->my_turn = FALSE;
    tap->told = EHP_OK;
    memset(&tap->events, 0, sizeof tap->events);
    tap->user_data = NULL;
}

void
ehd_tap_arm(EhdTap *tap, EhdTapRole role, const EhdTapEvents *events, gpointer user_data)
{
    g_return_if_fail(role == EHD_TAP_READER || role == EHD_TAP_CARD);

    forget_arming(tap);
    tap->role = role;
    tap->arm++;
    tap->events = *events;
    tap->user_data = user_data;
    clear_timer(&tap->linger);
    if (ehd_tap_helper_is_running(tap->helper))
        send_wishes(tap);
    else
        /* from the main loop, since a failure must not call back from within this call */
        set_timer(tap, &tap->restart, 0, on_restart);
}

void
ehd_tap_disarm(EhdTap *tap)
{
    if (tap->role == EHD_TAP_NONE)
        return;
    forget_arming(tap);
    if (ehd_tap_helper_is_running(tap->helper)) {
        ehd_tap_helper_send(tap->helper,
                            &(EhdNfcMessage){.type = EHD_NFC_DISARM, .arm = tap->arm});
        set_timer(tap, &tap->answer, ANSWER_MS, on_no_answer);
    }
    settle(tap);
}

EhdTapRole
ehd_tap_get_role(EhdTap *tap)
{
    return tap->role;
}

gboolean
ehd_tap_is_active(EhdTap *tap)
{
    return tap->tap != 0;
}

ehp_status
ehd_tap_send_apdu(EhdTap *tap, const guint8 *apdu, gsize len)
{
    if (len > EHP_APDU_MAX)
        return EHP_TOO_LARGE;
    if (len == 0)
        return EHP_INVALID_ARGUMENT;
    if (tap->tap == 0 || !tap->my_turn)
        return EHP_WRONG_STATE;
    tap->my_turn = FALSE;
    ehd_tap_helper_send(
        tap->helper,
        &(EhdNfcMessage){
            .type = EHD_NFC_APDU, .arm = tap->arm, .tap = tap->tap, .data = apdu, .len = len});
    return EHP_OK;
}

void
ehd_tap_release(EhdTap *tap)
{
    if (tap->tap == 0)
        return;
    tap->my_turn = FALSE;
    ehd_tap_helper_send(
        tap->helper,
        &(EhdNfcMessage){.type = EHD_NFC_RELEASE, .arm = tap->arm, .tap = tap->tap});
}

ehp_status
ehd_tap_get_reader_state(EhdTap *tap, const char **detail)
{
    *detail = tap->detail;
    return tap->state;
}

static gboolean
on_probe_timeout(gpointer user_data)
{
    EhdTap *tap = hold(user_data);

    clear_timer(&tap->probing);
    set_state(tap, EHP_NFC_HELPER_FAILED, N_("the NFC helper did not tell in time"));
    if (!tap->freed)
        settle(tap);
    let_go(tap);
    return G_SOURCE_REMOVE;
}

void
ehd_tap_probe(EhdTap *tap, EhdTapProbed done, gpointer user_data)
{
    Probe probe = {done, user_data};

    g_array_append_val(tap->probes, probe);
    if (!tap->probing)
        set_timer(tap, &tap->probing, EHD_TAP_PROBE_MS, on_probe_timeout);
    clear_timer(&tap->linger);
    if (ehd_tap_helper_is_running(tap->helper))
        ehd_tap_helper_send(tap->helper, &(EhdNfcMessage){.type = EHD_NFC_PROBE});
    else if (!tap->restart)
        set_timer(tap, &tap->restart, 0, on_restart);
}

EhdTap *
ehd_tap_new(const EhdTapConfig *config)
{
    static const EhdTapHelperEvents events = {on_message, on_gone};
    EhdTap *tap = g_new0(EhdTap, 1);

    tap->refs = 1;
    tap->context = g_main_context_ref_thread_default();
    tap->helper = ehd_tap_helper_new(config, &events, tap);
    tap->detail = g_strdup(N_("not tried yet"));
    tap->probes = g_array_new(FALSE, FALSE, sizeof(Probe));
    return tap;
}

void
ehd_tap_free(EhdTap *tap)
{
    if (!tap)
        return;
    forget_arming(tap);
    tap->freed = TRUE;
    clear_timer(&tap->linger);
    clear_timer(&tap->answer);
    clear_timer(&tap->restart);
    clear_timer(&tap->probing);
    ehd_tap_helper_stop(tap->helper, FALSE);
    let_go(tap);
}
