/* SPDX-License-Identifier: Apache-2.0 */
#include "fixture.h"

#include <string.h>

#include <glib/gstdio.h>

static GTestDBus *bus;
static GDBusConnection *control;
static char *dir;
static char *state_dir;

/* Nothing here takes a tenth of it; it is what a hang looks like. */
#define WATCHDOG 60

static gboolean
on_watchdog(gpointer user_data)
{
    g_error("hangs: %s", (const char *)user_data);
    return G_SOURCE_REMOVE;
}

static guint
watchdog(const char *what)
{
    return g_timeout_add_seconds(WATCHDOG, on_watchdog, (gpointer)what);
}

static GDBusConnection *
connect_to_bus(void)
{
    GError *error = NULL;
    GDBusConnection *connection = g_dbus_connection_new_for_address_sync(
        g_test_dbus_get_bus_address(bus),
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, &error);

    g_assert_no_error(error);
    return connection;
}

static void
up(void)
{
    dir = g_dir_make_tmp("ehrlink-lib-XXXXXX", NULL);
    state_dir = g_build_filename(dir, "fake", NULL);
    g_assert_cmpint(g_mkdir(state_dir, 0700), ==, 0);
    g_setenv("EHRLINK_FAKE_DIR", state_dir, TRUE);
    bus = g_test_dbus_new(G_TEST_DBUS_NONE);
    g_test_dbus_add_service_dir(bus, g_getenv("EHRLINK_TEST_SERVICES"));
    g_test_dbus_up(bus);
    g_setenv("DBUS_SYSTEM_BUS_ADDRESS", g_test_dbus_get_bus_address(bus), TRUE);
    control = connect_to_bus();
}

void
fixture_reset(void)
{
    if (bus == NULL)
        up();
    g_variant_unref(fake("Reset", NULL));
}

static void
remove_tree(const char *path)
{
    GDir *entries = g_dir_open(path, 0, NULL);
    const char *name;

    while (entries != NULL && (name = g_dir_read_name(entries)) != NULL) {
        g_autofree char *child = g_build_filename(path, name, NULL);

        if (g_file_test(child, G_FILE_TEST_IS_DIR) &&
            !g_file_test(child, G_FILE_TEST_IS_SYMLINK))
            remove_tree(child);
        else
            g_unlink(child);
    }
    if (entries != NULL)
        g_dir_close(entries);
    g_rmdir(path);
}

void
fixture_down(void)
{
    if (bus == NULL)
        return;
    g_dbus_connection_close_sync(control, NULL, NULL);
    g_clear_object(&control);
    g_test_dbus_stop(bus);
    g_clear_object(&bus);
    remove_tree(dir);
    g_clear_pointer(&dir, g_free);
    g_clear_pointer(&state_dir, g_free);
}

const char *
fixture_dir(void)
{
    return dir;
}

char *
fixture_file(const char *name, const char *content)
{
    char *path = g_build_filename(dir, name, NULL);

    g_assert_true(g_file_set_contents(path, content, -1, NULL));
    return path;
}

GDBusConnection *
fixture_stranger(void)
{
    return control;
}

const char *
fixture_library_name(EhrlinkClient *client)
{
    return g_dbus_connection_get_unique_name(ehrlink_client_get_connection(client));
}

guint
fixture_descriptors(void)
{
    GDir *open = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name(open) != NULL)
        n++;
    g_dir_close(open);
    return n;
}

void
fixture_await_descriptors(guint most)
{
    guint dog = watchdog("descriptors that are open");

    while (fixture_descriptors() > most)
        g_main_context_iteration(NULL, FALSE);
    g_source_remove(dog);
}

void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GAsyncResult **where = user_data;

    g_assert_null(*where);
    *where = g_object_ref(result);
}

GAsyncResult *
await(GAsyncResult **result)
{
    guint dog = watchdog("an asynchronous call");

    while (*result == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(dog);
    return g_steal_pointer(result);
}

void
await_count(const guint *counter, guint number)
{
    guint dog = watchdog("a signal");

    while (*counter < number)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(dog);
    g_assert_cmpuint(*counter, ==, number);
}

void
on_count(gpointer counter)
{
    ++*(guint *)counter;
}

gpointer
fake_begin(const char *method, GVariant *parameters)
{
    GAsyncResult **result = g_new0(GAsyncResult *, 1);

    g_dbus_connection_call(control, "org.ehrlink1", "/org/ehrlink1", "org.ehrlink1.Fake",
                           method, parameters, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL,
                           on_result, result);
    return result;
}

static GVariant *
fake_end(gpointer begun)
{
    GAsyncResult **result = begun;
    g_autoptr(GAsyncResult) done = await(result);
    g_autoptr(GError) error = NULL;
    GVariant *reply = g_dbus_connection_call_finish(control, done, &error);

    g_free(result);
    if (reply == NULL)
        g_assert_error(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY);
    return reply;
}

GVariant *
fake(const char *method, GVariant *parameters)
{
    return fake_end(fake_begin(method, parameters));
}

GVariant *
fake_blocking(const char *method, GVariant *parameters)
{
    g_autoptr(GError) error = NULL;
    GVariant *reply = g_dbus_connection_call_sync(control, "org.ehrlink1", "/org/ehrlink1",
                                                  "org.ehrlink1.Fake", method, parameters, NULL,
                                                  G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);

    g_assert_no_error(error);
    return reply;
}

char *
fake_end_text(gpointer begun)
{
    g_autoptr(GVariant) reply = fake_end(begun);
    char *text;

    g_assert_nonnull(reply);
    g_variant_get(reply, "(s)", &text);
    return text;
}

void
fake_end_dead(gpointer begun)
{
    g_assert_null(fake_end(begun));
}

char *
fake_text(const char *method, GVariant *parameters)
{
    return fake_end_text(fake_begin(method, parameters));
}

char *
fake_seen(void)
{
    return fake_text("Seen", NULL);
}

gboolean
fake_saw(const char *what)
{
    g_autofree char *seen = fake_seen();

    return strstr(seen, what) != NULL;
}

EhrlinkClient *
fixture_client(void)
{
    GAsyncResult *result = NULL;
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;
    EhrlinkClient *client;

    ehrlink_client_new_async(NULL, on_result, &result);
    done = await(&result);
    client = ehrlink_client_new_finish(done, &error);
    g_assert_no_error(error);
    return client;
}

EhrlinkSession *
fixture_receive(EhrlinkClient *client)
{
    GAsyncResult *result = NULL;
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;
    EhrlinkSession *session;

    ehrlink_client_receive_async(client, NULL, NULL, on_result, &result);
    done = await(&result);
    session = ehrlink_client_receive_finish(client, done, &error);
    g_assert_no_error(error);
    return session;
}

EhrlinkSession *
fixture_send(EhrlinkClient *client, EhrlinkItem **items, gsize n, GError **error)
{
    GAsyncResult *result = NULL;
    g_autoptr(GAsyncResult) done = NULL;

    ehrlink_client_send_async(client, items, n, NULL, NULL, on_result, &result);
    done = await(&result);
    return ehrlink_client_send_finish(client, done, error);
}

void
fixture_end(EhrlinkSession *session)
{
    guint ended = 0;
    GAsyncResult *result = NULL;
    g_autoptr(GAsyncResult) done = NULL;

    if (!ehrlink_session_get_attached(session))
        return;
    g_signal_connect_swapped(session, "ended", G_CALLBACK(on_count), &ended);
    ehrlink_session_cancel_async(session, NULL, on_result, &result);
    done = await(&result);
    g_assert_true(ehrlink_session_cancel_finish(session, done, NULL));
    await_count(&ended, 1);
}

GVariant *
vardict(const char *text)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) value =
        g_variant_parse(G_VARIANT_TYPE_VARDICT, text, NULL, NULL, &error);
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(value);

    g_assert_no_error(error);
    return g_variant_dict_end(&dict);
}
