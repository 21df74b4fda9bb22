/* SPDX-License-Identifier: Apache-2.0
 *
 * The client: starting the service, the manager's methods, errors as they arrive.
 */
#include <string.h>

#include "fixture.h"

typedef struct {
    EhrlinkClient *client;
    GAsyncResult *result;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    fixture_reset();
    f->client = fixture_client();
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    g_object_add_weak_pointer(G_OBJECT(f->client), (gpointer *)&f->client);
    g_object_unref(f->client);
    while (f->client != NULL)
        g_main_context_iteration(NULL, TRUE);
}

static void
test_start(Fixture *f, gconstpointer data)
{
    g_assert_cmpstr(ehrlink_client_get_version(f->client), ==, "0.0.7");
    g_assert_cmpuint(ehrlink_client_get_protocol_version(f->client), ==, 1);
    g_assert_cmpuint(ehrlink_client_get_unread_sessions(f->client), ==, 2);
    g_assert_true(ehrlink_client_get_available(f->client));
    g_assert_true(ehrlink_client_get_interactive(f->client));
    ehrlink_client_set_interactive(f->client, FALSE);
    g_assert_false(ehrlink_client_get_interactive(f->client));
}

/* The service left, being idle: the next call starts it again. */
static void
test_comes_and_goes(Fixture *f, gconstpointer data)
{
    guint changes = 0;
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GVariant) identity = NULL;
    g_autoptr(GError) error = NULL;

    g_signal_connect_swapped(f->client, "notify::available", G_CALLBACK(on_count), &changes);
    g_assert_null(fake("Die", NULL));
    await_count(&changes, 1);
    g_assert_false(ehrlink_client_get_available(f->client));
    ehrlink_client_get_identity_async(f->client, NULL, on_result, &f->result);
    done = await(&f->result);
    identity = ehrlink_client_get_identity_finish(f->client, done, &error);
    g_assert_no_error(error);
    await_count(&changes, 2);
    g_assert_true(ehrlink_client_get_available(f->client));
}

static void
test_no_bus(Fixture *f, gconstpointer data)
{
    g_autofree char *address = g_strdup(g_getenv("DBUS_SYSTEM_BUS_ADDRESS"));
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path=/nonexistent/bus", TRUE);
    ehrlink_client_new_async(NULL, on_result, &f->result);
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", address, TRUE);
    done = await(&f->result);
    g_assert_null(ehrlink_client_new_finish(done, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
}

/* A bus that cannot start the service. */
static void
test_no_service(Fixture *f, gconstpointer data)
{
    g_autoptr(GTestDBus) bare = g_test_dbus_new(G_TEST_DBUS_NONE);
    g_autoptr(GDBusConnection) connection = NULL;
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    g_test_dbus_up(bare);
    connection = g_dbus_connection_new_for_address_sync(
        g_test_dbus_get_bus_address(bare),
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, &error);
    g_assert_no_error(error);
    ehrlink_client_new_for_connection_async(connection, NULL, on_result, &f->result);
    done = await(&f->result);
    g_assert_null(ehrlink_client_new_finish(done, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
    g_dbus_connection_close_sync(connection, NULL, NULL);
    g_test_dbus_stop(bare);
}

static void
test_identity(Fixture *f, gconstpointer data)
{
    const char *const crls[] = {"CRL1", "CRL2", NULL};
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GVariant) made = NULL;
    g_autoptr(GVariant) imported = NULL;
    g_autoptr(GError) error = NULL;
    const char *csr;

    ehrlink_client_init_identity_async(f->client, vardict("{'organisation': <'Test Clinic'>}"),
                                       NULL, on_result, &f->result);
    first = await(&f->result);
    made = ehrlink_client_init_identity_finish(f->client, first, &error);
    g_assert_no_error(error);
    g_assert_true(g_variant_lookup(made, "csr", "&s", &csr));
    g_assert_true(fake_saw("Test Clinic"));
    ehrlink_client_import_identity_async(f->client, "CHAIN", crls, NULL, on_result, &f->result);
    second = await(&f->result);
    imported = ehrlink_client_import_identity_finish(f->client, second, &error);
    g_assert_no_error(error);
    g_assert_true(fake_saw("[\"CRL1\", \"CRL2\"]"));
}

static void
test_trust(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GAsyncResult) third = NULL;
    g_autoptr(GVariant) list = NULL;
    g_autoptr(GError) error = NULL;
    g_autofree char *fingerprint = NULL;

    ehrlink_client_add_trust_async(f->client, "PEM", NULL, on_result, &f->result);
    first = await(&f->result);
    fingerprint = ehrlink_client_add_trust_finish(f->client, first, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(strlen(fingerprint), ==, 64);
    ehrlink_client_list_trust_async(f->client, NULL, on_result, &f->result);
    second = await(&f->result);
    list = ehrlink_client_list_trust_finish(f->client, second, &error);
    g_assert_cmpstr(g_variant_get_type_string(list), ==, "aa{sv}");
    ehrlink_client_remove_trust_async(f->client, fingerprint, NULL, on_result, &f->result);
    third = await(&f->result);
    g_assert_true(ehrlink_client_remove_trust_finish(f->client, third, &error));
}

static void
test_receipt(Fixture *f, gconstpointer data)
{
    g_autoptr(GBytes) good = g_bytes_new_static("receipt\0bytes", 13);
    g_autoptr(GBytes) bad = g_bytes_new_static("receipt", 7);
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GVariant) facts = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_client_verify_receipt_async(f->client, good, NULL, on_result, &f->result);
    first = await(&f->result);
    facts = ehrlink_client_verify_receipt_finish(f->client, first, &error);
    g_assert_no_error(error);
    ehrlink_client_verify_receipt_async(f->client, bad, NULL, on_result, &f->result);
    second = await(&f->result);
    g_assert_null(ehrlink_client_verify_receipt_finish(f->client, second, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_RECEIPT_INVALID);
    g_assert_cmpstr(error->message, ==, "the fake says so");
}

static void
test_origin(Fixture *f, gconstpointer data)
{
    g_autoptr(GBytes) good = g_bytes_new_static("proof\0bytes", 11);
    g_autoptr(GBytes) bad = g_bytes_new_static("proof", 5);
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GAsyncResult) third = NULL;
    g_autoptr(GVariant) facts = NULL;
    g_autoptr(GVariant) since = NULL;
    g_autoptr(GError) error = NULL;
    gboolean verified = FALSE;

    ehrlink_client_verify_origin_async(f->client, good, NULL, NULL, on_result, &f->result);
    first = await(&f->result);
    facts = ehrlink_client_verify_origin_finish(f->client, first, &error);
    g_assert_no_error(error);
    g_assert_true(g_variant_lookup(facts, "verified", "b", &verified) && verified);
    ehrlink_client_verify_origin_async(f->client, good, bad, NULL, on_result, &f->result);
    third = await(&f->result);
    since = ehrlink_client_verify_origin_finish(f->client, third, &error);
    g_assert_no_error(error);
    g_assert_true(g_variant_lookup(since, "verified", "b", &verified) && !verified);
    ehrlink_client_verify_origin_async(f->client, bad, NULL, NULL, on_result, &f->result);
    second = await(&f->result);
    g_assert_null(ehrlink_client_verify_origin_finish(f->client, second, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_ORIGIN_INVALID);
}

static void
test_diagnose(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GVariant) findings = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_client_diagnose_async(f->client, NULL, on_result, &f->result);
    done = await(&f->result);
    findings = ehrlink_client_diagnose_finish(f->client, done, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(g_variant_n_children(findings), ==, 1);
}

static void
test_sessions(Fixture *f, gconstpointer data)
{
    EhrlinkSession *mine = fixture_receive(f->client);
    g_autoptr(EhrlinkClient) other = fixture_client();
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GAsyncResult) third = NULL;
    g_autoptr(GPtrArray) same = NULL;
    g_autoptr(GPtrArray) seen = NULL;
    g_autoptr(GError) error = NULL;
    EhrlinkSession *theirs;

    ehrlink_client_list_sessions_async(f->client, NULL, on_result, &f->result);
    first = await(&f->result);
    same = ehrlink_client_list_sessions_finish(f->client, first, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(same->len, ==, 1);
    g_assert_true(same->pdata[0] == mine);
    ehrlink_client_list_sessions_async(other, NULL, on_result, &f->result);
    second = await(&f->result);
    seen = ehrlink_client_list_sessions_finish(other, second, &error);
    g_assert_cmpuint(seen->len, ==, 1);
    theirs = seen->pdata[0];
    g_assert_cmpstr(ehrlink_session_get_id(theirs), ==, ehrlink_session_get_id(mine));
    g_assert_cmpint(ehrlink_session_get_role(theirs), ==, EHRLINK_ROLE_TERMINAL);
    g_assert_false(ehrlink_session_get_attached(theirs));
    ehrlink_session_wait_async(theirs, NULL, on_result, &f->result);
    third = await(&f->result);
    g_assert_false(ehrlink_session_wait_finish(theirs, third, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
    fixture_end(mine);
    g_object_unref(mine);
}

static void
test_refused(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    g_variant_unref(fake("FailOn", g_variant_new("(ss)", "Manager.Receive", "ReaderBusy")));
    ehrlink_client_receive_async(f->client, NULL, NULL, on_result, &f->result);
    done = await(&f->result);
    g_assert_null(ehrlink_client_receive_finish(f->client, done, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_READER_BUSY);
}

static void
test_options(Fixture *f, gconstpointer data)
{
    static const char *const bad[] = {"{'agent': <objectpath '/x'>}", "{'nonsense': <1>}"};

    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GAsyncResult) done = NULL;
        g_autoptr(GError) error = NULL;

        ehrlink_client_receive_async(f->client, vardict(bad[i]), NULL, on_result, &f->result);
        done = await(&f->result);
        g_assert_null(ehrlink_client_receive_finish(f->client, done, &error));
        g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT);
    }
}

/* Cancelled while the service opens it: no session stays behind. */
static void
test_cancelled(Fixture *f, gconstpointer data)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_client_receive_async(f->client, NULL, cancellable, on_result, &f->result);
    g_cancellable_cancel(cancellable);
    done = await(&f->result);
    g_assert_null(ehrlink_client_receive_finish(f->client, done, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_true(fake_saw("\"Cancel\""));
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/lib/client/start", test_start},
        {"/lib/client/comes-and-goes", test_comes_and_goes},
        {"/lib/client/no-bus", test_no_bus},
        {"/lib/client/no-service", test_no_service},
        {"/lib/client/identity", test_identity},
        {"/lib/client/trust", test_trust},
        {"/lib/client/receipt", test_receipt},
        {"/lib/client/origin", test_origin},
        {"/lib/client/diagnose", test_diagnose},
        {"/lib/client/sessions", test_sessions},
        {"/lib/client/refused", test_refused},
        {"/lib/client/options", test_options},
        {"/lib/client/cancelled", test_cancelled},
    };
    int status;

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    status = g_test_run();
    fixture_down();
    return status;
}
