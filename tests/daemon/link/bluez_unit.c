/* SPDX-License-Identifier: Apache-2.0
 *
 * The Bluetooth link against an org.bluez of our own (fake-bluez.c): every state that a machine
 * may be in, and every way out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/link/link.h"
#include "tests/daemon/link/fake-bluez.h"

#define CLINIC  "00:AA:01:00:00:42"
#define OTHER   "00:AA:01:01:00:42"
#define PATIENT "00:AA:01:02:00:42"

typedef struct {
    GTestDBus *bus;
    FakeBluez *fake;
    GDBusConnection *connection;
    EhdConfig *config;
    EhdLink *link;
    GArray *incoming; /* of int */
} Fixture;

static void
tear_down(Fixture *f, gconstpointer data)
{
    ehd_link_free(f->link);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    fake_bluez_free(f->fake);
    g_clear_object(&f->connection);
    ehd_config_unref(f->config);
    for (guint i = 0; i < f->incoming->len; i++)
        close(g_array_index(f->incoming, int, i));
    g_array_unref(f->incoming);
    g_test_dbus_down(f->bus);
    g_object_unref(f->bus);
}

static void
set_up(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    f->bus = g_test_dbus_new(G_TEST_DBUS_NONE);
    g_test_dbus_up(f->bus);
    f->connection = g_dbus_connection_new_for_address_sync(
        g_test_dbus_get_bus_address(f->bus),
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, &error);
    g_assert_no_error(error);
    f->config = ehd_config_new();
    f->config->link_n_channels = 2;
    memcpy(f->config->link_channels, (guint8[]){22, 23}, 2);
    f->incoming = g_array_new(FALSE, FALSE, sizeof(int));
}

static void
start_bluez(Fixture *f)
{
    f->fake = fake_bluez_new(g_test_dbus_get_bus_address(f->bus));
}

static void
make_link(Fixture *f)
{
    EhdLinkParts parts = {.config = f->config, .connection = f->connection};
    g_autoptr(GError) error = NULL;

    f->link = ehd_link_new(&parts, &error);
    g_assert_no_error(error);
}

static void
on_incoming(int fd, gpointer user_data)
{
    Fixture *f = user_data;

    g_array_append_val(f->incoming, fd);
}

typedef struct {
    GAsyncResult *result;
} Wait;

static void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    ((Wait *)user_data)->result = g_object_ref(result);
}

static gboolean
listen_now(Fixture *f, EhdLinkAddress *at, GError **error)
{
    Wait wait = {NULL};
    gboolean done;

    ehd_link_listen_async(f->link, on_incoming, f, NULL, on_result, &wait);
    while (wait.result == NULL)
        g_main_context_iteration(NULL, TRUE);
    done = ehd_link_listen_finish(f->link, wait.result, at, error);
    g_object_unref(wait.result);
    return done;
}

static void
wait_for(gboolean (*reached)(Fixture *), Fixture *f)
{
    while (!reached(f))
        g_main_context_iteration(NULL, TRUE);
}

static gboolean
one_came(Fixture *f)
{
    return f->incoming->len > 0;
}

static gboolean
is_unregistered(Fixture *f)
{
    return f->fake->profile == NULL;
}

static void
test_listen(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdLinkAddress at;
    FakeAdapter *adapter;
    int peer, fd;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    make_link(f);
    g_assert_true(listen_now(f, &at, &error));
    g_assert_cmpmem(at.address, 6, "\x00\xaa\x01\x00\x00\x42", 6);
    g_assert_cmpint(at.channel, ==, 22);
    g_assert_cmpint(f->fake->channel, ==, 22);
    g_assert_cmpstr(f->fake->role, ==, "server");
    peer = fake_bluez_connect(f->fake, adapter, PATIENT);
    wait_for(one_came, f);
    fd = g_array_index(f->incoming, int, 0);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, !=, 0);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, !=, 0);
    g_assert_cmpint(write(peer, "x", 1), ==, 1);
    close(peer);
}

static void
test_channel_taken(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdLinkAddress at;

    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    f->fake->taken = 1u << 22;
    make_link(f);
    g_assert_true(listen_now(f, &at, &error));
    g_assert_cmpint(at.channel, ==, 23);
    ehd_link_stop(f->link);
    f->fake->taken = 1u << 22 | 1u << 23;
    g_assert_false(listen_now(f, &at, &error));
    g_assert_error(error, EHD_ERROR, EHP_CHANNEL_TAKEN);
    wait_for(is_unregistered, f);
    g_clear_error(&error);
    f->fake->taken = 0;
    g_assert_true(listen_now(f, &at, &error));
    g_assert_cmpint(at.channel, ==, 22);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, function) g_test_add("/link/bluez/" name, Fixture, NULL, set_up, function, tear_down)
    CASE("listen", test_listen);
    CASE("channel-taken", test_channel_taken);
    return g_test_run();
}
