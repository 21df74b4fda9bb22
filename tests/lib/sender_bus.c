/* SPDX-License-Identifier: Apache-2.0
 *
 * A sender's session: what is offered, what the agent answers and to whom, consent, the ends.
 */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <glib/gstdio.h>

#include "fixture.h"

#define PEER                                                                                   \
    "'peer': <{'verified': <true>, 'organisation': <'Test Clinic'>, 'terminal': <'Desk 1'>, "  \
    "'place': <'Ground floor'>, 'authority': <'Test CA'>, 'fingerprint': <'00ff'>, "           \
    "'crl-state': <'checked'>}>, 'request': <{'purpose': <'TREAT'>, 'text': <'hello'>}>"

typedef struct {
    EhrlinkClient *client;
    EhrlinkSession *session;
    GAsyncResult *result;
    char *path;
    guint asked;
    guint voided;
    guint stopped;
    guint ended;
    guint changed;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    g_autoptr(EhrlinkItem) item = NULL;
    g_autoptr(GError) error = NULL;

    fixture_reset();
    f->client = fixture_client();
    f->path = fixture_file("record.json", "{}");
    item = ehrlink_item_new_for_path(f->path);
    f->session = fixture_send(f->client, &item, 1, &error);
    g_assert_no_error(error);
    g_signal_connect_swapped(f->session, "consent-cancelled", G_CALLBACK(on_count), &f->voided);
    g_signal_connect_swapped(f->session, "stopped", G_CALLBACK(on_count), &f->stopped);
    g_signal_connect_swapped(f->session, "ended", G_CALLBACK(on_count), &f->ended);
    g_signal_connect_swapped(f->session, "changed", G_CALLBACK(on_count), &f->changed);
    await_count(&f->changed, 1);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    g_signal_handlers_disconnect_by_data(f->session, &f->voided);
    g_signal_handlers_disconnect_by_data(f->session, &f->stopped);
    g_signal_handlers_disconnect_by_data(f->session, &f->changed);
    fixture_end(f->session);
    g_object_add_weak_pointer(G_OBJECT(f->client), (gpointer *)&f->client);
    g_object_unref(f->session);
    g_object_unref(f->client);
    while (f->client != NULL)
        g_main_context_iteration(NULL, TRUE);
    g_unlink(f->path);
    g_free(f->path);
}

static void
listen_to_question(Fixture *f)
{
    g_signal_connect_swapped(f->session, "consent-requested", G_CALLBACK(on_count), &f->asked);
}

static gpointer
ask(Fixture *f)
{
    return fake_begin("Ask", g_variant_new("(o@a{sv})", ehrlink_session_get_path(f->session),
                                           vardict("{" PEER "}")));
}

static void
state(Fixture *f, const char *name, const char *details)
{
    g_variant_unref(
        fake("State", g_variant_new("(os@a{sv})", ehrlink_session_get_path(f->session), name,
                                    vardict(details))));
}

static void
test_described(Fixture *f, gconstpointer data)
{
    g_autoptr(EhrlinkItem) item = ehrlink_item_new_for_path(f->path);
    g_autoptr(GBytes) subject = g_bytes_new_static("s", 1);
    g_autoptr(GError) error = NULL;
    g_autofree char *seen = NULL;
    EhrlinkSession *session;

    ehrlink_item_set_name(item, "other\xff.json");
    ehrlink_item_set_title(item, "Summary");
    ehrlink_item_set_media_type(item, "application/fhir+json");
    ehrlink_item_set_date(item, "2026-03-01");
    ehrlink_item_set_category(item, "Patient-Summaries");
    ehrlink_item_set_type_code(item, "http://loinc.org|60591-5");
    ehrlink_item_set_author(item, "Clinic");
    ehrlink_item_set_patient_entered(item, TRUE);
    ehrlink_item_set_subject(item, subject);
    session = fixture_send(f->client, &item, 1, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(ehrlink_item_get_size(item), ==, 2);
    seen = fake_seen();
    g_assert_nonnull(strstr(seen,
                            "\"author\": \"Clinic\", \"category\": \"Patient-Summaries\", "
                            "\"date\": \"2026-03-01\", \"media-type\": "
                            "\"application/fhir+json\", \"mtime\": "));
    g_assert_nonnull(strstr(seen, "\"name\": \"other\\ufffd.json\", \"patient-entered\": true, "
                                  "\"size\": 2, \"subject\": [115], \"title\": \"Summary\", "
                                  "\"type-code\": \"http://loinc.org|60591-5\""));
    fixture_end(session);
    g_object_unref(session);
}

static void
assert_no_input(Fixture *f, EhrlinkItem *bad, const char *name)
{
    g_autoptr(EhrlinkItem) good = ehrlink_item_new_for_path(f->path);
    EhrlinkItem *items[] = {good, bad};
    g_autoptr(GError) error = NULL;

    g_assert_null(fixture_send(f->client, items, 2, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT);
    g_assert_nonnull(strstr(error->message, name));
    g_object_unref(bad);
}

/* Named before the service is called. */
static void
test_no_input(Fixture *f, gconstpointer data)
{
    g_autofree char *empty = fixture_file("empty.pdf", "");
    g_autofree char *fifo = g_build_filename(fixture_dir(), "fifo.pdf", NULL);
    g_autoptr(GFile) remote = g_file_new_for_uri("https://example.org/far.pdf");
    g_autofree char *before = fake_seen();
    g_autofree char *after = NULL;

    g_assert_cmpint(mkfifo(fifo, 0600), ==, 0);
    assert_no_input(f, ehrlink_item_new_for_path("/nonexistent/gone.pdf"), "gone.pdf");
    assert_no_input(f, ehrlink_item_new_for_path(fixture_dir()), fixture_dir());
    assert_no_input(f, ehrlink_item_new_for_path(fifo), "fifo.pdf");
    assert_no_input(f, ehrlink_item_new_for_path(empty), "empty.pdf");
    assert_no_input(f, ehrlink_item_new_for_path("/dev/null"), "/dev/null");
    assert_no_input(f, ehrlink_item_new_for_file(remote), "far.pdf");
    after = fake_seen();
    g_assert_cmpstr(before, ==, after);
    g_unlink(fifo);
    g_unlink(empty);
}

static char *
open_item(Fixture *f, guint id)
{
    return fake_text("Open", g_variant_new("(ou)", ehrlink_session_get_path(f->session), id));
}

static void
test_opened(Fixture *f, gconstpointer data)
{
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "{}", -1);

    for (int i = 0; i < 2; i++) {
        g_autofree char *seen = open_item(f, 0);

        g_assert_cmpstr(seen, ==, sum);
    }
}

static void
assert_open_fails(Fixture *f, guint id, const char *name)
{
    g_autofree char *seen = open_item(f, id);

    g_assert_nonnull(strstr(seen, name));
    /* The service may write it to a log. */
    g_assert_null(strstr(seen, "record.json"));
}

static void
test_not_opened(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    assert_open_fails(f, 1, "NoInput");
    g_assert_true(g_file_set_contents(f->path, "{\"rewritten\": 1}", -1, NULL));
    assert_open_fails(f, 0, "ItemChanged");
    /* The application hears which one. */
    state(f, "failed", "{'error': <'ItemChanged'>}");
    await_count(&f->ended, 1);
    error = ehrlink_session_dup_error(f->session);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_ITEM_CHANGED);
    g_assert_nonnull(strstr(error->message, "record.json"));
}

static void
test_swapped_for_fifo(Fixture *f, gconstpointer data)
{
    g_unlink(f->path);
    g_assert_cmpint(mkfifo(f->path, 0600), ==, 0);
    assert_open_fails(f, 0, "NoInput");
    g_unlink(f->path);
    assert_open_fails(f, 0, "NoInput");
}

static void
assert_agent_refuses(Fixture *f, const char *method, GVariant *parameters)
{
    GAsyncResult *result = NULL;
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GError) error = NULL;

    g_dbus_connection_call(fixture_stranger(), fixture_library_name(f->client),
                           "/org/ehrlink1/agent/1", "org.ehrlink1.Agent", method, parameters,
                           NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_result, &result);
    done = await(&result);
    reply = g_dbus_connection_call_finish(fixture_stranger(), done, &error);
    g_assert_null(reply);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_AUTHORIZED);
}

/* Anybody on the bus may call, or send a signal; only the service is listened to. */
static void
test_stranger(Fixture *f, gconstpointer data)
{
    const char *path = ehrlink_session_get_path(f->session);
    g_autofree char *answer = NULL;

    listen_to_question(f);
    assert_agent_refuses(f, "OpenItem", g_variant_new("(oua{sv})", path, 0, NULL));
    assert_agent_refuses(f, "AskConsent", g_variant_new("(oa{sv})", path, NULL));
    assert_agent_refuses(f, "ItemsArrived", g_variant_new("(ooa{sv})", path, path, NULL));
    assert_agent_refuses(f, "Cancel", g_variant_new("(os)", path, "timed-out"));
    g_assert_cmpuint(f->asked, ==, 0);
    g_assert_true(g_dbus_connection_emit_signal(
        fixture_stranger(), fixture_library_name(f->client), path, "org.ehrlink1.Session",
        "Changed", g_variant_new("(s@a{sv})", "done", vardict("{'state': <'done'>}")), NULL));
    /* What the stranger sent before this was there before this. */
    assert_agent_refuses(f, "Cancel", g_variant_new("(os)", path, "timed-out"));
    g_assert_cmpint(ehrlink_session_get_state(f->session), ==, EHRLINK_SESSION_STATE_READY);
}

static void
test_consent_all(Fixture *f, gconstpointer data)
{
    gpointer question;
    g_autofree char *answer = NULL;
    g_autoptr(GVariant) request = NULL;

    listen_to_question(f);
    question = ask(f);
    await_count(&f->asked, 1);
    g_assert_cmpint(ehrlink_session_get_state(f->session), ==, EHRLINK_SESSION_STATE_DECIDING);
    g_assert_true(ehrlink_session_has_peer(f->session));
    g_assert_true(ehrlink_session_get_peer_verified(f->session));
    g_assert_cmpstr(ehrlink_session_get_peer_organisation(f->session), ==, "Test Clinic");
    g_assert_cmpstr(ehrlink_session_get_peer_terminal(f->session), ==, "Desk 1");
    g_assert_cmpstr(ehrlink_session_get_peer_place(f->session), ==, "Ground floor");
    g_assert_cmpstr(ehrlink_session_get_peer_authority(f->session), ==, "Test CA");
    g_assert_cmpstr(ehrlink_session_get_peer_fingerprint(f->session), ==, "00ff");
    g_assert_cmpstr(ehrlink_session_get_peer_crl_state(f->session), ==, "checked");
    g_assert_false(ehrlink_session_get_peer_problem(f->session, NULL));
    g_assert_cmpint(ehrlink_session_get_deadline(f->session), >, 0);
    request = ehrlink_session_get_request(f->session);
    g_assert_nonnull(request);
    g_assert_true(ehrlink_session_answer_consent(f->session, TRUE, NULL, 0, NULL));
    answer = fake_end_text(question);
    g_assert_cmpstr(answer, ==, "[true, {}]");
    g_assert_false(ehrlink_session_answer_consent(f->session, TRUE, NULL, 0, NULL));
}

static void
test_consent_narrowed(Fixture *f, gconstpointer data)
{
    static const guint ids[] = {0, 7};
    gpointer question;
    g_autofree char *answer = NULL;

    listen_to_question(f);
    question = ask(f);
    await_count(&f->asked, 1);
    g_assert_true(ehrlink_session_answer_consent(
        f->session, TRUE, ids, 2, vardict("{'acting-as': <'parent'>, 'expires': <int64 5>}")));
    answer = fake_end_text(question);
    g_assert_nonnull(strstr(answer, "[true, {"));
    g_assert_nonnull(strstr(answer, "\"items\": [0, 7]"));
    g_assert_nonnull(strstr(answer, "\"acting-as\": \"parent\""));
    g_assert_nonnull(strstr(answer, "\"expires\": 5"));
}

static void
test_consent_refused(Fixture *f, gconstpointer data)
{
    static const guint none[] = {0};
    gpointer question;
    g_autofree char *nobody = NULL;
    g_autofree char *no = NULL;
    g_autofree char *nothing = NULL;

    nobody = fake_end_text(ask(f)); /* nobody connected */
    g_assert_cmpstr(nobody, ==, "[false, {}]");
    listen_to_question(f);
    question = ask(f);
    await_count(&f->asked, 1);
    g_assert_true(ehrlink_session_answer_consent(f->session, FALSE, NULL, 0,
                                                 vardict("{'acting-as': <'self'>}")));
    no = fake_end_text(question);
    g_assert_cmpstr(no, ==, "[false, {}]");
    question = ask(f);
    await_count(&f->asked, 2);
    g_assert_true(ehrlink_session_answer_consent(f->session, TRUE, none, 0, NULL));
    nothing = fake_end_text(question);
    g_assert_cmpstr(nothing, ==, "[false, {}]");
}

static void
test_consent_void(Fixture *f, gconstpointer data)
{
    gpointer question;
    g_autofree char *answer = NULL;

    listen_to_question(f);
    question = ask(f);
    await_count(&f->asked, 1);
    g_variant_unref(
        fake("Void", g_variant_new("(os)", ehrlink_session_get_path(f->session), "timed-out")));
    await_count(&f->voided, 1);
    answer = fake_end_text(question);
    g_assert_nonnull(strstr(answer, "Declined"));
    g_assert_false(ehrlink_session_answer_consent(f->session, TRUE, NULL, 0, NULL));
}

static void
test_stopped(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;
    EhrlinkError problem;

    state(
        f, "stopped",
        "{'peer': <{'verified': <false>, 'problem': <'CertExpired'>, 'fingerprint': <'ab'>}>}");
    await_count(&f->stopped, 1);
    g_assert_false(ehrlink_session_get_peer_verified(f->session));
    g_assert_true(ehrlink_session_get_peer_problem(f->session, &problem));
    g_assert_cmpint(problem, ==, EHRLINK_ERROR_CERT_EXPIRED);
    ehrlink_session_allow_unverified_async(f->session, "ab", NULL, on_result, &f->result);
    done = await(&f->result);
    g_assert_true(ehrlink_session_allow_unverified_finish(f->session, done, &error));
    g_assert_no_error(error);
    g_assert_true(fake_saw("[\"AllowUnverified\", \"ab\"]"));
    g_assert_cmpint(ehrlink_session_get_state(f->session), ==, EHRLINK_SESSION_STATE_READY);
}

static void
test_extend(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_session_extend_async(f->session, NULL, on_result, &f->result);
    first = await(&f->result);
    g_assert_cmpint(ehrlink_session_extend_finish(f->session, first, &error), ==, 360);
    g_assert_no_error(error);
    g_variant_unref(fake("FailOn", g_variant_new("(ss)", "Session.Extend", "WrongState")));
    ehrlink_session_extend_async(f->session, NULL, on_result, &f->result);
    second = await(&f->result);
    g_assert_cmpint(ehrlink_session_extend_finish(f->session, second, &error), ==, -1);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
}

static void
test_revoke(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_session_revoke_async(f->session, NULL, on_result, &f->result);
    done = await(&f->result);
    g_assert_true(ehrlink_session_revoke_finish(f->session, done, &error));
    await_count(&f->ended, 1);
    error = ehrlink_session_dup_error(f->session);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_REVOKED);
}

static void
test_done(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GAsyncResult) third = NULL;
    g_autoptr(GBytes) receipt = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_session_wait_async(f->session, NULL, on_result, &f->result);
    state(f, "done", "{'status': <'filed'>, 'items': <1>, 'bytes': <2>, 'done': <2>}");
    first = await(&f->result);
    g_assert_true(ehrlink_session_wait_finish(f->session, first, &error));
    g_assert_cmpuint(f->ended, ==, 1);
    g_assert_null(ehrlink_session_dup_error(f->session));
    g_assert_cmpstr(ehrlink_session_get_status(f->session), ==, "filed");
    g_assert_cmpuint(ehrlink_session_get_n_bytes(f->session), ==, 2);
    g_assert_cmpuint(ehrlink_session_get_n_done(f->session), ==, 2);
    ehrlink_session_get_receipt_async(f->session, NULL, on_result, &f->result);
    second = await(&f->result);
    receipt = ehrlink_session_get_receipt_finish(f->session, second, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_bytes_get_size(receipt), ==, 13);
    ehrlink_session_wait_async(f->session, NULL, on_result, &f->result);
    third = await(&f->result);
    g_assert_true(ehrlink_session_wait_finish(f->session, third, &error));
}

static void
test_failed(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_session_wait_async(f->session, NULL, on_result, &f->result);
    state(f, "failed",
          "{'error': <'LinkLost'>, 'error-text': <'the link was lost'>, 'error-detail': "
          "<'here'>}");
    done = await(&f->result);
    g_assert_false(ehrlink_session_wait_finish(f->session, done, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_LINK_LOST);
    g_assert_cmpstr(error->message, ==, "the link was lost: here");
    g_assert_false(ehrlink_session_get_attached(f->session));
}

static void
test_wait_cancelled(Fixture *f, gconstpointer data)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_session_wait_async(f->session, cancellable, on_result, &f->result);
    g_cancellable_cancel(cancellable);
    done = await(&f->result);
    g_assert_false(ehrlink_session_wait_finish(f->session, done, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
}

static void
test_no_items(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_session_list_items_async(f->session, NULL, on_result, &f->result);
    done = await(&f->result);
    g_assert_null(ehrlink_session_list_items_finish(f->session, done, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
}

static void
test_states(Fixture *f, gconstpointer data)
{
    static const char *const names[] = {"tapping",      "tapped",    "deciding",
                                        "transferring", "suspended", "transferring",
                                        "confirming",   "filed",     "from-the-future"};

    for (guint i = 0; i < G_N_ELEMENTS(names); i++) {
        guint before = f->changed;

        state(f, names[i], "{}");
        await_count(&f->changed, before + 1);
        g_assert_cmpstr(ehrlink_session_state_to_string(ehrlink_session_get_state(f->session)),
                        ==, i + 1 < G_N_ELEMENTS(names) ? names[i] : "unknown");
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/lib/sender/described", test_described},
        {"/lib/sender/no-input", test_no_input},
        {"/lib/sender/opened", test_opened},
        {"/lib/sender/not-opened", test_not_opened},
        {"/lib/sender/swapped-for-fifo", test_swapped_for_fifo},
        {"/lib/sender/stranger", test_stranger},
        {"/lib/sender/consent-all", test_consent_all},
        {"/lib/sender/consent-narrowed", test_consent_narrowed},
        {"/lib/sender/consent-refused", test_consent_refused},
        {"/lib/sender/consent-void", test_consent_void},
        {"/lib/sender/stopped", test_stopped},
        {"/lib/sender/extend", test_extend},
        {"/lib/sender/revoke", test_revoke},
        {"/lib/sender/done", test_done},
        {"/lib/sender/failed", test_failed},
        {"/lib/sender/wait-cancelled", test_wait_cancelled},
        {"/lib/sender/no-items", test_no_items},
        {"/lib/sender/states", test_states},
    };
    int status;

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    status = g_test_run();
    fixture_down();
    return status;
}
