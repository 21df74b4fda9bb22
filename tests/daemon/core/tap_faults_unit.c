/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong at the reader: torn after every APDU, busy, missing, two devices, more than
 * one session on one reader.
 */
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/doctor.h"
#include "daemon/core/grant-make.h"
#include "daemon/error.h"
#include "tests/daemon/core/host.h"

typedef struct {
    char *air;
    Host *clinic, *patient, *other;
    TestCa *ca;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->clinic = host_new(f->air, NULL);
    f->patient = host_new(f->air, NULL);
    f->other = host_new(f->air, NULL);
    f->ca = host_ca();
    host_certify(f->clinic, f->patient, f->ca, NULL);
    host_add_item(f->patient, "a.json", 1000, 0);
    host_add_item(f->other, "b.json", 1000, 0);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    host_free(f->clinic);
    host_free(f->patient);
    host_free(f->other);
    test_ca_free(f->ca);
    g_assert_cmpint(g_rmdir(f->air), ==, 0);
    g_free(f->air);
}

/* However early or late the devices are moved apart, another tap goes well, or the first was
 * enough. */
static void
test_torn(Fixture *f, gconstpointer data)
{
    for (guint after = 1; after < 40; after++) {
        host_receive(f->clinic, NULL);
        host_send(f->patient, NULL);
        field_tap(f->clinic->port, f->patient->port, after);
        WAIT(!field_port_is_active(f->clinic->port));
        while (host_state(f->patient) == EHD_STATE_TAPPING)
            g_main_context_iteration(NULL, TRUE);
        if (host_state(f->patient) == EHD_STATE_READY) {
            g_assert_true(after == 1 || host_error(f->patient) == EHP_TAP_TORN);
            field_tap(f->clinic->port, f->patient->port, 0);
        }
        host_wait_end(f->patient);
        host_wait_end(f->clinic);
        g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
        g_assert_cmpint(host_error(f->clinic), ==, EHP_OK);
        host_assert_clean(f->clinic);
        if (field_port_get_apdus(f->patient->port) < after)
            break;
    }
}

/* Torn after CONFIRM went out and the card had it or not: the reader does not know. Nobody
 * comes: it is as if nothing had been, and the next tap goes well. */
static void
test_uncertain(Fixture *f, gconstpointer data)
{
    guint apdus;

    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    host_wait_end(f->patient);
    host_wait_end(f->clinic);
    apdus = field_port_get_apdus(f->patient->port);

    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    field_tap(f->clinic->port, f->patient->port, apdus - 1); /* CONFIRM is lost */
    WAIT(host_state(f->patient) == EHD_STATE_READY && host_state(f->clinic) == EHD_STATE_READY);
    field_tap(f->clinic->port, f->patient->port, apdus); /* its answer is lost */
    host_wait_end(f->patient);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    host_assert_clean(f->clinic);
}

/* A second device at each state of the first one's session: BUSY, and nothing else happens. */
static const EhdSessionState busy_states[] = {EHD_STATE_TAPPED, EHD_STATE_DECIDING,
                                              EHD_STATE_TRANSFERRING, EHD_STATE_CONFIRMING};

static void
test_busy(Fixture *f, gconstpointer data)
{
    EhdSessionState state = *(const EhdSessionState *)data;

    f->clinic->owner.collects = FALSE;
    f->patient->owner.answer = state == EHD_STATE_DECIDING ? SAY_NOTHING : AGREE;
    f->patient->owner.giving = state == EHD_STATE_TRANSFERRING ? GIVE_LATER : GIVE;
    if (state == EHD_STATE_TAPPED)
        cut_link_down(f->patient->link);
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    host_send(f->other, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    host_wait_state(f->clinic, state);
    WAIT(!field_port_is_active(f->clinic->port));
    field_tap(f->clinic->port, f->other->port, 0);
    WAIT(!field_port_is_active(f->clinic->port));
    g_assert_cmpint(host_error(f->other), ==, EHP_PEER_BUSY);
    g_assert_cmpint(host_state(f->other), ==, EHD_STATE_READY);
    g_assert_null(ehd_session_get_info(f->other->owner.session)->peer);
    g_assert_cmpuint(field_port_get_apdus(f->other->port), <=, 4);
    g_assert_cmpint(host_state(f->clinic), ==, (int)state);
    cut_link_up(f->patient->link);
    host_cancel(f->patient->owner.session);
    host_cancel(f->clinic->owner.session);
    host_cancel(f->other->owner.session);
}

static guint
count(const char *states, const char *state)
{
    g_auto(GStrv) words = g_strsplit(states, " ", -1);
    guint n = 0;

    for (char **word = words; *word != NULL; word++)
        n += strcmp(*word, state) == 0;
    return n;
}

/* It stays where it is and is polled again and again: its screen says "please wait" all the
 * time, until it is really served. */
static void
test_busy_stays(Fixture *f, gconstpointer data)
{
    f->patient->owner.answer = SAY_NOTHING;
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    host_send(f->other, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    host_wait_state(f->clinic, EHD_STATE_DECIDING);
    WAIT(!field_port_is_active(f->clinic->port));
    for (guint i = 0; i < 5; i++) {
        field_tap(f->clinic->port, f->other->port, 0);
        WAIT(!field_port_is_active(f->clinic->port));
        g_assert_cmpint(host_state(f->other), ==, EHD_STATE_READY);
        g_assert_cmpint(host_error(f->other), ==, EHP_PEER_BUSY);
    }
    g_assert_cmpuint(count(f->other->owner.states->str, "tapping"), ==, 1);
    host_cancel(f->patient->owner.session);
    host_wait_end(f->clinic);
    host_receive(f->clinic, NULL);
    field_tap(f->clinic->port, f->other->port, 0);
    host_wait_state(f->other, EHD_STATE_STOPPED); /* it trusts nobody */
    g_assert_cmpuint(count(f->other->owner.states->str, "tapping"), ==, 2);
    host_cancel(f->clinic->owner.session);
    host_cancel(f->other->owner.session);
}

/* One reader: a second session is refused by name while it is needed, and takes over once it is
 * not. */
static void
test_one_reader(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdSession *first, *second;

    f->clinic->owner.collects = FALSE;
    first = host_receive(f->clinic, NULL);
    g_assert_null(host_try_receive(f->clinic, NULL, &error));
    g_assert_error(error, EHD_ERROR, EHP_READER_BUSY);
    g_clear_error(&error);
    host_send(f->patient, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    second = host_try_receive(f->clinic, NULL, &error);
    g_assert_no_error(error);
    g_assert_true(field_port_is_armed(f->clinic->port, EHD_TAP_PORT_READER));
    g_assert_cmpint(ehd_session_get_info(first)->state, ==, EHD_STATE_CONFIRMING);
    host_cancel(first);
    host_cancel(second);
    g_assert_true(field_port_is_armed(f->clinic->port, 0));
}

static const ehp_status troubles[] = {EHP_NO_READER, EHP_READER_BUSY, EHP_READER_LOST,
                                      EHP_READER_MUTE, EHP_NFC_HELPER_FAILED};

static void
test_trouble(Fixture *f, gconstpointer data)
{
    for (gsize i = 0; i < G_N_ELEMENTS(troubles); i++) {
        g_autoptr(GError) error = NULL;

        field_port_set_broken(f->clinic->port, troubles[i]);
        g_assert_null(host_try_receive(f->clinic, NULL, &error));
        g_assert_error(error, EHD_ERROR, (int)troubles[i]);
        g_clear_error(&error);
        field_port_set_broken(f->patient->port, troubles[i]);
        g_assert_null(host_try_send(f->patient, NULL, &error));
        g_assert_error(error, EHD_ERROR, (int)troubles[i]);
    }
    WAIT(ehd_core_is_idle(f->clinic->core));
    g_assert_cmpuint(f->clinic->removed, ==, 0);
    field_port_set_broken(f->clinic->port, EHP_OK);
    host_receive(f->clinic, NULL);
}

static void
assert_hushed(Host *clinic, ehp_status why)
{
    g_assert_true(field_port_is_armed(clinic->port, 0));
    g_assert_cmpint(host_state(clinic), ==, EHD_STATE_READY);
    g_assert_cmpint(host_error(clinic), ==, (int)why);
}

static void
wait_armed(Host *clinic)
{
    cut_link_tell(clinic->link, EHP_OK);
    WAIT(host_error(clinic) == EHP_OK);
    g_assert_true(field_port_is_armed(clinic->port, EHD_TAP_PORT_READER));
}

/* Nobody could connect to the terminal: its reader is silent meanwhile and it says why, and a
 * tap after that goes well. */
static void
test_hushed(Fixture *f, gconstpointer data)
{
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    cut_link_tell(f->clinic->link, EHP_BLUETOOTH_STOPPED);
    assert_hushed(f->clinic, EHP_BLUETOOTH_STOPPED);
    cut_link_tell(f->clinic->link, EHP_NO_ADAPTER);
    assert_hushed(f->clinic, EHP_NO_ADAPTER);
    wait_armed(f->clinic);
    /* a try under way goes on; when it fails the reader is silent */
    field_tap(f->clinic->port, f->patient->port, 4);
    host_wait_state(f->clinic, EHD_STATE_TAPPING);
    cut_link_tell(f->clinic->link, EHP_BLUETOOTH_STOPPED);
    g_assert_true(field_port_is_active(f->clinic->port));
    host_wait_state(f->clinic, EHD_STATE_READY);
    assert_hushed(f->clinic, EHP_BLUETOOTH_STOPPED);
    wait_armed(f->clinic);
    host_wait_state(f->patient, EHD_STATE_READY);
    /* and when it does not, the session goes its way */
    field_tap(f->clinic->port, f->patient->port, 0);
    host_wait_state(f->clinic, EHD_STATE_TAPPING);
    cut_link_tell(f->clinic->link, EHP_BLUETOOTH_STOPPED);
    host_wait_end(f->patient);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_OK);
    g_assert_true(field_port_is_armed(f->clinic->port, 0));
}

/* The armed time is over, and it was the link that stood in the way. */
static void
test_hushed_for_good(Fixture *f, gconstpointer data)
{
    EhdReceiveOptions options;

    ehd_receive_options_init(&options);
    options.timeout = 1;
    host_receive(f->clinic, &options);
    cut_link_tell(f->clinic->link, EHP_BLUETOOTH_STOPPED);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_BLUETOOTH_STOPPED);
    /* the next listener begins anew */
    host_receive(f->clinic, NULL);
    g_assert_true(field_port_is_armed(f->clinic->port, EHD_TAP_PORT_READER));
}

static void
test_refused(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdReceiveOptions receive;
    EhdSendOptions send;

    g_assert_null(host_try_receive(f->other, NULL, &error));
    g_assert_error(error, EHD_ERROR, EHP_NO_IDENTITY);
    g_clear_error(&error);
    ehd_receive_options_init(&receive);
    receive.purpose = 99;
    g_assert_null(host_try_receive(f->clinic, &receive, &error));
    g_assert_error(error, EHD_ERROR, EHP_INVALID_ARGUMENT);
    g_clear_error(&error);
    ehd_send_options_init(&send);
    send.timeout = 0;
    g_assert_null(host_try_send(f->patient, &send, &error));
    g_assert_error(error, EHD_ERROR, EHP_INVALID_ARGUMENT);
    g_clear_error(&error);
    f->patient->config->max_sessions = 0;
    g_assert_null(host_try_send(f->patient, NULL, &error));
    g_assert_error(error, EHD_ERROR, EHP_LIMIT_REACHED);
}

static void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    *(GAsyncResult **)user_data = g_object_ref(result);
}

static gboolean
try_send_as(Host *host, uid_t uid, GError **error)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(uid, EHD_ACTION_SEND);
    g_autoptr(GAsyncResult) result = NULL;
    EhdSendOptions options;

    ehd_send_options_init(&options);
    options.items = host->items;
    ehd_core_send_async(host->core, grant, &options, on_result, &result);
    WAIT(result != NULL);
    return ehd_core_send_finish(host->core, result, error) != NULL;
}

/* As many people are served at once as there are receivers: while one decides, the next
 * receiver has the reader, and who taps then is served and not told to wait. */
static void
test_two_receivers(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdSession *first, *second;

    f->patient->owner.answer = SAY_NOTHING;
    first = host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    host_send(f->other, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    host_wait_state(f->clinic, EHD_STATE_DECIDING);
    WAIT(!field_port_is_active(f->clinic->port));
    second = host_try_receive(f->clinic, NULL, &error);
    g_assert_no_error(error);
    field_tap(f->clinic->port, f->other->port, 0);
    host_wait_state(f->other, EHD_STATE_STOPPED); /* served: it trusts nobody */
    g_assert_cmpint(ehd_session_get_info(first)->state, ==, EHD_STATE_DECIDING);
    host_cancel(f->patient->owner.session);
    WAIT(ehd_session_get_info(first)->state == EHD_STATE_FAILED);
    g_assert_true(field_port_is_armed(f->clinic->port, EHD_TAP_PORT_READER));
    host_cancel(second);
    host_cancel(f->other->owner.session);
}

/* One user has as many as are allowed to one: the next is refused by name, and another user is
 * not (for want of sessions; the one reader is a matter of its own). */
static void
test_per_user(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    f->patient->config->max_sessions_per_user = 1;
    host_send(f->patient, NULL);
    g_assert_false(try_send_as(f->patient, 1000, &error));
    g_assert_error(error, EHD_ERROR, EHP_LIMIT_REACHED);
    g_clear_error(&error);
    g_assert_false(try_send_as(f->patient, 1001, &error));
    g_assert_error(error, EHD_ERROR, EHP_READER_BUSY);
    g_clear_error(&error);
    host_cancel(f->patient->owner.session);
    g_assert_true(try_send_as(f->patient, 1000, &error));
    g_assert_no_error(error);
}

/* Without the grant for it nothing is opened or changed. */
static void
test_grants(Fixture *f, gconstpointer data)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(1000, EHD_ACTION_RECEIVE);
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;
    EhdSendOptions options;

    ehd_send_options_init(&options);
    options.items = f->patient->items;
    ehd_core_send_async(f->patient->core, grant, &options, on_result, &result);
    WAIT(result != NULL);
    g_assert_null(ehd_core_send_finish(f->patient->core, result, &error));
    g_assert_error(error, EHD_ERROR, EHP_NOT_AUTHORIZED);
    g_clear_error(&error);
    g_assert_false(ehd_core_add_trust(f->patient->core, NULL, "", NULL, &error));
    g_assert_error(error, EHD_ERROR, EHP_NOT_AUTHORIZED);
    g_clear_error(&error);
    g_assert_false(ehd_core_remove_trust(f->patient->core, grant, "00", &error));
    g_assert_error(error, EHD_ERROR, EHP_NOT_AUTHORIZED);
    g_clear_error(&error);
    g_assert_false(ehd_core_import_identity(f->patient->core, grant, "", NULL, 0, &error));
    g_assert_error(error, EHD_ERROR, EHP_NOT_AUTHORIZED);
}

static void
test_armed_time(Fixture *f, gconstpointer data)
{
    EhdSendOptions options;

    ehd_send_options_init(&options);
    options.timeout = 1;
    host_send(f->patient, &options);
    g_assert_cmpint(ehd_session_get_info(f->patient->owner.session)->deadline, ==, 1);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_TAP_TIMED_OUT);
    g_assert_true(field_port_is_armed(f->patient->port, 0));
}

/* As the configuration says, when the caller does not: a kiosk stays armed. */
static void
test_armed_time_configured(Fixture *f, gconstpointer data)
{
    f->patient->config->armed_ms = f->clinic->config->armed_ms = 1000;
    f->clinic->config->kiosk = TRUE;
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    g_assert_cmpint(ehd_session_get_info(f->clinic->owner.session)->deadline, ==, -1);
    g_assert_cmpint(ehd_session_get_info(f->patient->owner.session)->deadline, ==, 1);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_TAP_TIMED_OUT);
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_READY);
}

static const EhdFinding *
find(GPtrArray *findings, const char *id)
{
    for (guint i = 0; i < findings->len; i++) {
        const EhdFinding *finding = g_ptr_array_index(findings, i);

        if (strcmp(finding->id, id) == 0)
            return finding;
    }
    g_assert_not_reached();
}

static void
test_doctor(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GPtrArray) findings = NULL;

    field_port_set_broken(f->other->port, EHP_READER_BUSY);
    ehd_doctor_async(f->other->core, on_result, &result);
    WAIT(result != NULL);
    findings = ehd_doctor_finish(f->other->core, result, NULL);
    g_assert_cmpint(find(findings, "reader")->level, ==, EHD_LEVEL_PROBLEM);
    g_assert_cmpint(find(findings, "reader")->error, ==, EHP_READER_BUSY);
    g_assert_nonnull(find(findings, "reader")->remedy);
    g_assert_cmpstr(find(findings, "reader")->words, ==, ehp_status_text(EHP_READER_BUSY));
    g_assert_cmpint(find(findings, "identity")->level, ==, EHD_LEVEL_NOTE);
    g_assert_cmpint(find(findings, "trust")->level, ==, EHD_LEVEL_WARNING);
    g_assert_cmpint(find(findings, "clock")->level, ==, EHD_LEVEL_OK);
    g_clear_object(&result);
    g_clear_pointer(&findings, g_ptr_array_unref);
    ehd_doctor_async(f->clinic->core, on_result, &result);
    WAIT(result != NULL);
    findings = ehd_doctor_finish(f->clinic->core, result, NULL);
    g_assert_cmpint(find(findings, "identity")->level, ==, EHD_LEVEL_OK);
    /* a name is no part of the sentence, which is translated as it stands */
    g_assert_cmpstr(find(findings, "identity")->words, ==,
                    "this terminal is {1}, {2}, for {3} more days");
    g_assert_cmpuint(find(findings, "identity")->arguments->len, ==, 3);
    g_assert_cmpint(find(findings, "reader")->level, ==, EHD_LEVEL_OK);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Fixture, data, set_up, func, tear_down)
    ADD("/core/tap/torn", NULL, test_torn);
    ADD("/core/tap/uncertain", NULL, test_uncertain);
    for (gsize i = 0; i < G_N_ELEMENTS(busy_states); i++) {
        g_autofree char *path =
            g_strconcat("/core/tap/busy/", ehd_session_state_name(busy_states[i]), NULL);
        ADD(path, &busy_states[i], test_busy);
    }
    ADD("/core/tap/busy-stays", NULL, test_busy_stays);
    ADD("/core/tap/one-reader", NULL, test_one_reader);
    ADD("/core/tap/two-receivers", NULL, test_two_receivers);
    ADD("/core/tap/trouble", NULL, test_trouble);
    ADD("/core/tap/hushed", NULL, test_hushed);
    ADD("/core/tap/hushed-for-good", NULL, test_hushed_for_good);
    ADD("/core/tap/refused", NULL, test_refused);
    ADD("/core/tap/per-user", NULL, test_per_user);
    ADD("/core/tap/grants", NULL, test_grants);
    ADD("/core/tap/armed-time", NULL, test_armed_time);
    ADD("/core/tap/armed-time-configured", NULL, test_armed_time_configured);
    ADD("/core/tap/doctor", NULL, test_doctor);
    return g_test_run();
}
