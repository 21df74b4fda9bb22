/* SPDX-License-Identifier: Apache-2.0
 *
 * The Bluetooth link against an org.bluez of our own (fake-bluez.c): every state that a machine
 * may be in, and every way out of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/helper/packet.h"
#include "daemon/link/link.h"
#include "daemon/radio/wire.h"
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
    char *dir;
    int state; /* of dir */
    /* a helper that does what it is told */
    char *socket;
    int listener, helper; /* -1: none */
    guint listening, serving;
    gboolean fast;
    gboolean no_oob, mute; /* the controller has none; the helper hangs */
    guint8 oob_of;         /* last byte of the address of whom it was given data; 0: nobody */
    int called;            /* the other end of its last connect; -1: none */
    GArray *watched;       /* of int: what the listener was told, oldest first */
} Fixture;

/* --- the helper --------------------------------------------------------------------------- */

static void
helper_says(Fixture *f, EhdRadioMessage message, int fd)
{
    guint8 bytes[EHD_RADIO_MESSAGE_MAX];
    gsize length = ehd_radio_wire_build(bytes, &message);

    g_assert_cmpint(ehd_packet_send(f->helper, bytes, length, fd), ==, 0);
}

/* TRUE: that was the answer. */
static gboolean
answer_oob(Fixture *f, const EhdRadioMessage *message)
{
    static const guint8 own[EHD_RADIO_OOB_LEN] = {[EHD_RADIO_OOB_LEN - 1] = 7};
    EhdRadioMessage done = {.type = EHD_RADIO_DONE, .id = message->id};

    if (message->type == EHD_RADIO_ADD_OOB) {
        g_assert_cmpint(message->data[EHD_RADIO_OOB_LEN - 1], ==, 9);
        f->oob_of = message->peer[5];
    } else if (message->type == EHD_RADIO_REMOVE_OOB) {
        g_assert_cmpint(f->oob_of, ==, message->peer[5]);
        f->oob_of = 0;
    } else if (message->type != EHD_RADIO_READ_OOB) {
        return FALSE;
    } else if (f->no_oob) {
        done.type = EHD_RADIO_FAILED;
        done.status = EHP_LINK_UNAVAILABLE;
    } else {
        g_assert_cmpmem(message->own, 6, "\x00\xaa\x01\x00\x00\x42", 6);
        done.data = own;
        done.len = sizeof own;
    }
    helper_says(f, done, -1);
    return TRUE;
}

static gboolean
on_asked(gint sock, GIOCondition condition, gpointer user_data)
{
    Fixture *f = user_data;
    guint8 bytes[EHD_RADIO_MESSAGE_MAX];
    EhdRadioMessage message;
    int fd, pair[2];
    gssize got = ehd_packet_receive(sock, bytes, sizeof bytes, &fd);

    if (got <= 0) {
        f->serving = 0;
        close(f->helper);
        f->helper = -1;
        f->fast = FALSE;
        return G_SOURCE_REMOVE;
    }
    g_assert_cmpint(ehd_radio_wire_parse(&message, bytes, (gsize)got, EHD_RADIO_FROM_DAEMON),
                    ==, EHP_OK);
    if (message.type == EHD_RADIO_CONNECT) {
        g_assert_cmpmem(message.own, 6, "\x00\xaa\x01\x00\x00\x42", 6);
        g_assert_cmpint(message.channel, ==, 22);
        g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
        helper_says(f, (EhdRadioMessage){.type = EHD_RADIO_CONNECTED, .id = message.id},
                    pair[0]);
        close(pair[0]);
        f->called = pair[1];
        return G_SOURCE_CONTINUE;
    }
    if (f->mute || answer_oob(f, &message))
        return G_SOURCE_CONTINUE;
    if (message.type == EHD_RADIO_SET_FAST)
        f->fast = message.value;
    helper_says(
        f, (EhdRadioMessage){.type = EHD_RADIO_DONE, .id = message.id, .value = f->fast}, -1);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_daemon(gint sock, GIOCondition condition, gpointer user_data)
{
    Fixture *f = user_data;

    g_assert_cmpint(f->helper, ==, -1);
    f->helper = accept4(sock, NULL, NULL, SOCK_CLOEXEC);
    f->serving = g_unix_fd_add(f->helper, G_IO_IN, on_asked, f);
    helper_says(f,
                (EhdRadioMessage){.type = EHD_RADIO_HELLO,
                                  .value = EHD_RADIO_WIRE_VERSION,
                                  .id = EHP_STATUS_COUNT},
                -1);
    return G_SOURCE_CONTINUE;
}

static void
start_helper(Fixture *f)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    f->socket = g_build_filename(f->dir, "bt.sock", NULL);
    g_strlcpy(name.sun_path, f->socket, sizeof name.sun_path);
    f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    g_assert_cmpint(bind(f->listener, (struct sockaddr *)&name, sizeof name), ==, 0);
    g_assert_cmpint(listen(f->listener, 1), ==, 0);
    f->listening = g_unix_fd_add(f->listener, G_IO_IN, on_daemon, f);
}

static void
stop_helper(Fixture *f)
{
    g_clear_handle_id(&f->listening, g_source_remove);
    g_clear_handle_id(&f->serving, g_source_remove);
    if (f->listener >= 0)
        close(f->listener);
    if (f->helper >= 0)
        close(f->helper);
    if (f->called >= 0)
        close(f->called);
    if (f->socket != NULL)
        g_unlink(f->socket);
    g_free(f->socket);
}

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
    g_array_unref(f->watched);
    g_test_dbus_down(f->bus);
    g_object_unref(f->bus);
    unlinkat(f->state, "adapters", 0);
    unlinkat(f->state, "peers", 0);
    close(f->state);
    stop_helper(f);
    g_rmdir(f->dir);
    g_free(f->dir);
}

static void
set_up(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    f->dir = g_dir_make_tmp("ehd-bluez-XXXXXX", NULL);
    f->state = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
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
    f->watched = g_array_new(FALSE, FALSE, sizeof(int));
    f->listener = f->helper = f->called = -1;
}

static void
start_bluez(Fixture *f)
{
    f->fake = fake_bluez_new(g_test_dbus_get_bus_address(f->bus));
}

static void
make_link(Fixture *f)
{
    EhdLinkParts parts = {.config = f->config,
                          .connection = f->connection,
                          .state_fd = f->state,
                          .radio_socket = f->socket,
                          .patience_ms = 300};
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

/* --- a machine where something is missing ----------------------------------------------------
 */

static ehp_status
listen_status(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    EhdLinkAddress at;

    return listen_now(f, &at, &error) ? EHP_OK : ehd_error_status(error);
}

static ehp_status
hold_status(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    Wait wait = {NULL};
    gboolean done;

    ehd_link_hold_async(f->link, NULL, on_result, &wait);
    while (wait.result == NULL)
        g_main_context_iteration(NULL, TRUE);
    done = ehd_link_hold_finish(f->link, wait.result, &error);
    g_object_unref(wait.result);
    return done ? EHP_OK : ehd_error_status(error);
}

/* A signal that changes things is on its way. */
static void
hold_until(Fixture *f, ehp_status wanted)
{
    while (hold_status(f) != wanted)
        ehd_link_release(f->link);
}

static gboolean
is_off(Fixture *f)
{
    return !((FakeAdapter *)g_ptr_array_index(f->fake->adapters, 0))->powered;
}

/* The last thing that a listener without a helper does: nothing is under way any more. */
static gboolean
is_discoverable(Fixture *f)
{
    return ((FakeAdapter *)g_ptr_array_index(f->fake->adapters, 0))->discoverable;
}

static gboolean
is_published(Fixture *f)
{
    return f->fake->published;
}

static void
test_stopped(Fixture *f, gconstpointer data)
{
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_BLUETOOTH_STOPPED);
    g_assert_cmpint(hold_status(f), ==, EHP_BLUETOOTH_STOPPED);
    ehd_link_release(f->link);
    /* and now it is there */
    start_bluez(f);
    g_assert_cmpint(hold_status(f), ==, EHP_NO_ADAPTER);
    ehd_link_release(f->link);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
}

/* bluetoothd starts while somebody waits for it, and its adapter later still. */
static gboolean
on_start_late(gpointer user_data)
{
    start_bluez(user_data);
    return G_SOURCE_REMOVE;
}

static gboolean
on_adapter_late(gpointer user_data)
{
    Fixture *f = user_data;

    if (f->fake == NULL)
        return G_SOURCE_CONTINUE;
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, FALSE);
    return G_SOURCE_REMOVE;
}

static void
test_started_after_us(Fixture *f, gconstpointer data)
{
    make_link(f);
    g_timeout_add(50, on_start_late, f);
    g_timeout_add(100, on_adapter_late, f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_assert_cmpint(f->fake->channel, ==, 22);
}

static void
test_power(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, FALSE);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_assert_true(adapter->powered);
    g_assert_cmpint(faccessat(f->state, "adapters", F_OK, 0), ==, 0);
    g_assert_cmpint(hold_status(f), ==, EHP_OK);
    ehd_link_stop(f->link);
    wait_for(is_unregistered, f);
    g_assert_true(adapter->powered); /* a session still needs it */
    ehd_link_release(f->link);
    wait_for(is_off, f);
    g_assert_cmpint(hold_status(f), ==, EHP_OK);
    ehd_link_free(g_steal_pointer(&f->link));
    wait_for(is_off, f);
}

static void
test_power_theirs(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, FALSE);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    /* somebody turns it off, and is not fought with; and on again: now it is theirs */
    fake_adapter_set(adapter, "Powered", FALSE);
    hold_until(f, EHP_ADAPTER_OFF);
    ehd_link_release(f->link);
    g_assert_false(adapter->powered);
    fake_adapter_set(adapter, "Powered", TRUE);
    hold_until(f, EHP_OK);
    ehd_link_stop(f->link);
    ehd_link_release(f->link);
    wait_for(is_unregistered, f);
    g_assert_true(adapter->powered);
}

static void
test_blocked(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, FALSE);
    adapter->blocked = TRUE;
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_ADAPTER_BLOCKED);
    adapter->blocked = FALSE;
    adapter->forbidden = TRUE;
    g_assert_cmpint(listen_status(f), ==, EHP_RADIO_NOT_PERMITTED);
    g_assert_cmpint(faccessat(f->state, "adapters", F_OK, 0), !=, 0);
    adapter->forbidden = FALSE;
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
}

/* The daemon dies; its object goes with its connection. Returns what is left of it. */
static EhdLink *
die(Fixture *f)
{
    EhdLink *dead = g_steal_pointer(&f->link);
    GDBusConnection *old = f->connection;

    f->connection = g_dbus_connection_new_for_address_sync(
        g_test_dbus_get_bus_address(f->bus),
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, NULL);
    g_dbus_connection_set_exit_on_close(old, FALSE);
    g_dbus_connection_close_sync(old, NULL, NULL);
    g_object_unref(old);
    return dead;
}

static void
bury(EhdLink *dead)
{
    ehd_link_free(dead);
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* What a crashed run has turned on is turned off by the next. */
static void
test_crash(Fixture *f, gconstpointer data)
{
    EhdLink *crashed;

    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, FALSE);
    make_link(f);
    g_assert_cmpint(hold_status(f), ==, EHP_OK);
    crashed = die(f);
    make_link(f);
    wait_for(is_off, f);
    bury(crashed);
}

/* And left alone if somebody else has turned it off and on again meanwhile. */
static void
test_crash_theirs(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;
    EhdLink *crashed;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, FALSE);
    make_link(f);
    g_assert_cmpint(hold_status(f), ==, EHP_OK);
    fake_adapter_set(adapter, "Powered", FALSE);
    while (faccessat(f->state, "adapters", F_OK, 0) == 0)
        g_main_context_iteration(NULL, TRUE);
    fake_adapter_set(adapter, "Powered", TRUE);
    crashed = die(f);
    make_link(f);
    g_assert_cmpint(hold_status(f), ==, EHP_OK);
    ehd_link_release(f->link);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_true(adapter->powered);
    bury(crashed);
}

/* --- and one where something goes and comes back
 * ---------------------------------------------- */

static void
test_restart(Fixture *f, gconstpointer data)
{
    EhdLinkAddress at, again;

    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    f->fake->taken = 1u << 22;
    make_link(f);
    g_assert_true(listen_now(f, &at, NULL));
    g_assert_cmpint(at.channel, ==, 23);
    wait_for(is_discoverable, f);
    fake_bluez_free(g_steal_pointer(&f->fake));
    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    wait_for(is_published, f);
    /* taps were told this one: though another is free now */
    g_assert_cmpint(f->fake->channel, ==, 23);
    g_assert_true(listen_now(f, &again, NULL));
    g_assert_cmpmem(&again, sizeof again, &at, sizeof at);
    close(fake_bluez_connect(f->fake, g_ptr_array_index(f->fake->adapters, 0), PATIENT));
    wait_for(one_came, f);
}

static void
on_watched(ehp_status status, gpointer user_data)
{
    Fixture *f = user_data;
    int told = (int)status;

    g_array_append_val(f->watched, told);
    if (status == EHP_OK) /* whoever taps now is answered */
        g_assert_true(f->fast && f->fake->published);
}

static void
wait_watched(Fixture *f, ehp_status status)
{
    while (f->watched->len == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(g_array_index(f->watched, int, 0), ==, (int)status);
    g_array_remove_index(f->watched, 0);
}

/* Who listens is told when nobody can connect, and again when they can: not before pages are
 * answered, which comes last. */
static void
test_watch(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;

    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    start_helper(f);
    make_link(f);
    ehd_link_watch(f->link, on_watched, f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_assert_true(f->fast);
    fake_bluez_free(g_steal_pointer(&f->fake));
    wait_watched(f, EHP_BLUETOOTH_STOPPED);
    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    wait_watched(f, EHP_OK);
    fake_bluez_remove_adapter(f->fake, adapter);
    wait_watched(f, EHP_NO_ADAPTER);
    f->fake->published = FALSE;
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    wait_watched(f, EHP_OK);
    fake_adapter_set(adapter, "Powered", FALSE);
    wait_watched(f, EHP_ADAPTER_OFF);
    fake_adapter_set(adapter, "Powered", TRUE);
    wait_watched(f, EHP_OK);
    ehd_link_stop(f->link);
    fake_bluez_free(g_steal_pointer(&f->fake));
    g_assert_cmpint(hold_status(f), ==, EHP_BLUETOOTH_STOPPED);
    ehd_link_release(f->link);
    g_assert_cmpuint(f->watched->len, ==, 0);
}

/* bluetoothd gives our record back and stays: it is registered again, and taps are answered. */
static void
test_released(Fixture *f, gconstpointer data)
{
    guint registrations;

    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    start_helper(f);
    make_link(f);
    ehd_link_watch(f->link, on_watched, f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    registrations = f->fake->registrations;
    fake_bluez_release(f->fake);
    wait_watched(f, EHP_BLUETOOTH_STOPPED);
    wait_watched(f, EHP_OK);
    g_assert_cmpuint(f->fake->registrations, ==, registrations + 1);
    close(fake_bluez_connect(f->fake, g_ptr_array_index(f->fake->adapters, 0), PATIENT));
    wait_for(one_came, f);
}

/* A helper that hangs keeps nobody from listening; and ends when nobody is left who asked. */
static void
test_mute_helper(Fixture *f, gconstpointer data)
{
    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    start_helper(f);
    f->mute = TRUE;
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_assert_false(f->fast);
    ehd_link_free(g_steal_pointer(&f->link));
    g_clear_handle_id(&f->serving, g_source_remove);
    close(f->helper);
    f->helper = -1;
    g_usleep(1000);
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void
test_replugged(Fixture *f, gconstpointer data)
{
    EhdLinkAddress at;

    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    make_link(f);
    g_assert_true(listen_now(f, &at, NULL));
    wait_for(is_discoverable, f);
    fake_bluez_remove_adapter(f->fake, g_ptr_array_index(f->fake->adapters, 0));
    hold_until(f, EHP_NO_ADAPTER);
    ehd_link_release(f->link);
    f->fake->published = FALSE;
    fake_bluez_add_adapter(f->fake, "hci1", OTHER, TRUE); /* not the one that was told */
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    wait_for(is_published, f);
    g_assert_true(listen_now(f, &at, NULL));
    g_assert_cmpmem(at.address, 6, "\x00\xaa\x01\x00\x00\x42", 6);
}

/* The adapter that is configured, and no connection over the other. */
static void
test_two_adapters(Fixture *f, gconstpointer data)
{
    EhdLinkAddress at;
    FakeAdapter *one, *two;
    char byte;
    int wrong;

    start_bluez(f);
    one = fake_bluez_add_adapter(f->fake, "hci0", OTHER, TRUE);
    two = fake_bluez_add_adapter(f->fake, "hci1", CLINIC, TRUE);
    f->config->link_address = g_strdup("00AA01000042");
    make_link(f);
    g_assert_true(listen_now(f, &at, NULL));
    g_assert_cmpmem(at.address, 6, "\x00\xaa\x01\x00\x00\x42", 6);
    wrong = fake_bluez_connect(f->fake, one, PATIENT);
    close(fake_bluez_connect(f->fake, two, "00:AA:01:03:00:42"));
    wait_for(one_came, f);
    g_assert_cmpuint(f->incoming->len, ==, 1);
    g_assert_cmpint(recv(wrong, &byte, 1, 0), ==, 0);
    close(wrong);
}

static ehp_status
doctor(Fixture *f)
{
    g_auto(EhdLinkDescription) description = {0};
    g_autoptr(GError) error = NULL;
    Wait wait = {NULL};

    ehd_link_probe_async(f->link, on_result, &wait);
    while (wait.result == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_object_unref(wait.result);
    if (ehd_link_describe(f->link, &description, &error)) {
        g_assert_nonnull(description.text);
        return EHP_OK;
    }
    g_assert_nonnull(description.remedy);
    g_assert_nonnull(description.note); /* there is no helper */
    return ehd_error_status(error);
}

/* Each in its own name, at once after the start, and without changing anything. */
static void
test_doctor(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;

    make_link(f);
    g_assert_cmpint(doctor(f), ==, EHP_BLUETOOTH_STOPPED);
    start_bluez(f);
    while (doctor(f) == EHP_BLUETOOTH_STOPPED)
        ;
    g_assert_cmpint(doctor(f), ==, EHP_NO_ADAPTER);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, FALSE);
    while (doctor(f) == EHP_NO_ADAPTER)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(doctor(f), ==, EHP_OK);
    g_assert_cmpuint(adapter->sets, ==, 0);
    adapter->blocked = TRUE;
    g_assert_cmpint(listen_status(f), ==, EHP_ADAPTER_BLOCKED);
    g_assert_cmpint(doctor(f), ==, EHP_ADAPTER_BLOCKED);
    adapter->blocked = FALSE;
    f->fake->taken = 1u << 22 | 1u << 23;
    g_assert_cmpint(listen_status(f), ==, EHP_CHANNEL_TAKEN);
    g_assert_cmpint(doctor(f), ==, EHP_CHANNEL_TAKEN);
    f->fake->taken = 0;
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_assert_cmpint(doctor(f), ==, EHP_OK);
}

/* --- connecting without the helper ---------------------------------------------------------
 */

static int
connect_now(Fixture *f, GError **error)
{
    static const EhdLinkAddress at = {{0, 0xaa, 1, 2, 0, 0x42}, 22};
    Wait wait = {NULL};
    int fd;

    ehd_link_connect_async(f->link, &at, NULL, on_result, &wait);
    while (wait.result == NULL)
        g_main_context_iteration(NULL, TRUE);
    fd = ehd_link_connect_finish(f->link, wait.result, error);
    g_object_unref(wait.result);
    return fd;
}

static gboolean
is_removed(Fixture *f)
{
    return ((FakeAdapter *)g_ptr_array_index(f->fake->adapters, 0))->removed->len > 0;
}

static void
test_lookup(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    FakeAdapter *adapter;
    char byte = 0;
    int fd;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    f->fake->finds = PATIENT;
    make_link(f);
    g_assert_true(ehd_link_needs_lookup(f->link));
    g_assert_cmpint(hold_status(f), ==, EHP_OK);
    fd = connect_now(f, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(f->fake->role, ==, "client");
    g_assert_cmpint(write(f->fake->peer, "x", 1), ==, 1);
    while (recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN)
        ;
    g_assert_cmpint(byte, ==, 'x');
    close(fd);
    while (adapter->discovering > 0)
        g_main_context_iteration(NULL, TRUE);
    /* nobody knew it before: when it is disconnected it is forgotten */
    g_assert_cmpuint(adapter->removed->len, ==, 0);
    fake_device_set(fake_bluez_find_device(f->fake, PATIENT), "Connected", FALSE);
    wait_for(is_removed, f);
    ehd_link_release(f->link);
    wait_for(is_unregistered, f);
}

/* One that was known, or that a person bonded meanwhile, stays. */
static void
test_known_device(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;
    FakeDevice *stranger;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    fake_bluez_add_device(f->fake, adapter, PATIENT, FALSE);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_assert_cmpint(hold_status(f), ==, EHP_OK);
    close(fake_bluez_connect(f->fake, adapter, PATIENT));
    close(fake_bluez_connect(f->fake, adapter, "00:AA:01:03:00:42"));
    close(fake_bluez_connect(f->fake, adapter, "00:AA:01:04:00:42"));
    while (f->incoming->len < 3)
        g_main_context_iteration(NULL, TRUE);
    stranger = fake_bluez_find_device(f->fake, "00:AA:01:03:00:42");
    fake_device_set(stranger, "Bonded", TRUE);
    fake_device_set(stranger, "Connected", FALSE);
    fake_device_set(fake_bluez_find_device(f->fake, PATIENT), "Connected", FALSE);
    ehd_link_stop(f->link);
    ehd_link_release(f->link); /* the third one is still connected */
    wait_for(is_removed, f);
    g_assert_cmpuint(adapter->removed->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(adapter->removed, 0), ==,
                    "/org/bluez/hci0/dev_00_AA_01_04_00_42");
}

/* One that a session made known is removed by the next run if this one crashes; one that was
 * known before is not, nor one that a person has bonded since. */
static void
test_known_device_crash(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;
    EhdLink *crashed;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    fake_bluez_add_device(f->fake, adapter, PATIENT, FALSE);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    close(fake_bluez_connect(f->fake, adapter, PATIENT));
    close(fake_bluez_connect(f->fake, adapter, "00:AA:01:03:00:42"));
    close(fake_bluez_connect(f->fake, adapter, "00:AA:01:04:00:42"));
    while (f->incoming->len < 3)
        g_main_context_iteration(NULL, TRUE);
    crashed = die(f);
    fake_device_set(fake_bluez_find_device(f->fake, "00:AA:01:03:00:42"), "Bonded", TRUE);
    make_link(f);
    wait_for(is_removed, f);
    while (faccessat(f->state, "peers", F_OK, 0) == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(adapter->removed->len, ==, 1);
    g_assert_cmpstr(g_ptr_array_index(adapter->removed, 0), ==,
                    "/org/bluez/hci0/dev_00_AA_01_04_00_42");
    bury(crashed);
}

static void
test_connect_errors(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *text;
        ehp_status status;
    } rows[] = {
        {"br-connection-page-timeout", EHP_PEER_UNREACHABLE},
        {"Host is down", EHP_PEER_UNREACHABLE},
        {"br-connection-refused", EHP_CHANNEL_CLOSED},
        {"Connection refused (111)", EHP_CHANNEL_CLOSED},
        {"Permission denied", EHP_PAIRING_REFUSED},
        {"something new", EHP_LINK_UNAVAILABLE},
    };
    FakeAdapter *adapter;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    fake_bluez_add_device(f->fake, adapter, PATIENT, FALSE);
    make_link(f);
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        f->fake->connect_error = rows[i].text;
        g_assert_cmpint(connect_now(f, &error), ==, -1);
        g_assert_cmpint(ehd_error_status(error), ==, rows[i].status);
    }
}

/* A device that has to look us up: found until it is connected. */
static void
test_be_found(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    start_helper(f);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    while (!f->fast)
        g_main_context_iteration(NULL, TRUE);
    g_assert_false(adapter->discoverable);
    ehd_link_be_found(f->link);
    while (!adapter->discoverable)
        g_main_context_iteration(NULL, TRUE);
    close(fake_bluez_connect(f->fake, adapter, PATIENT));
    while (adapter->discoverable)
        g_main_context_iteration(NULL, TRUE);
    ehd_link_be_found(f->link);
    while (!adapter->discoverable)
        g_main_context_iteration(NULL, TRUE);
    ehd_link_stop(f->link);
    while (adapter->discoverable || f->fast)
        g_main_context_iteration(NULL, TRUE);
}

static void
test_helper(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    FakeAdapter *adapter;
    char byte = 0;
    int fd;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, FALSE);
    start_helper(f);
    make_link(f);
    g_assert_false(ehd_link_needs_lookup(f->link));
    g_assert_cmpint(hold_status(f), ==, EHP_OK);
    fd = connect_now(f, &error);
    g_assert_no_error(error);
    g_assert_true(adapter->powered);
    g_assert_cmpuint(adapter->discovering, ==, 0);
    g_assert_null(f->fake->profile);
    g_assert_cmpint(write(f->called, "x", 1), ==, 1);
    while (recv(fd, &byte, 1, 0) < 0 && errno == EAGAIN)
        ;
    g_assert_cmpint(byte, ==, 'x');
    close(fd);
    ehd_link_release(f->link);
    wait_for(is_off, f);
}

/* Without a helper an adapter that nobody else made so answers no page. */
static void
test_open(Fixture *f, gconstpointer data)
{
    FakeAdapter *adapter;

    start_bluez(f);
    adapter = fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    while (!adapter->discoverable)
        g_main_context_iteration(NULL, TRUE);
    ehd_link_stop(f->link);
    while (adapter->discoverable)
        g_main_context_iteration(NULL, TRUE);
}

static ehp_status
take_oob(Fixture *f, EhdLinkOob *own)
{
    g_autoptr(GError) error = NULL;
    Wait wait = {NULL};

    ehd_link_oob_take_async(f->link, on_result, &wait);
    while (wait.result == NULL)
        g_main_context_iteration(NULL, TRUE);
    ehd_link_oob_take_finish(f->link, wait.result, own, &error);
    g_object_unref(wait.result);
    return ehd_error_status(error);
}

static void
wait_oob_of(Fixture *f, guint8 last)
{
    while (f->oob_of != last)
        g_main_context_iteration(NULL, TRUE);
}

/* Read for one session at a time; what was told of another device is taken back. */
static void
test_oob(Fixture *f, gconstpointer data)
{
    EhdLinkOob own, peer = {.address = {0, 0xaa, 1, 2, 0, 0x43}};

    peer.data[EHD_LINK_OOB_LEN - 1] = 9;
    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    start_helper(f);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_assert_true(ehd_link_has_oob(f->link));
    g_assert_cmpint(take_oob(f, &own), ==, EHP_OK);
    g_assert_cmpmem(own.address, 6, "\x00\xaa\x01\x00\x00\x42", 6);
    g_assert_cmpint(own.data[EHD_LINK_OOB_LEN - 1], ==, 7);
    g_assert_cmpint(take_oob(f, &own), ==, EHP_LIMIT_REACHED);
    ehd_link_oob_drop(f->link);
    g_assert_cmpint(take_oob(f, &own), ==, EHP_OK);
    ehd_link_oob_add(f->link, &peer);
    wait_oob_of(f, 0x43);
    ehd_link_oob_remove(f->link, peer.address);
    wait_oob_of(f, 0);
    ehd_link_oob_remove(f->link, peer.address); /* once is enough */
    ehd_link_oob_drop(f->link);
    f->no_oob = TRUE;
    g_assert_cmpint(take_oob(f, &own), ==, EHP_LINK_UNAVAILABLE);
    f->no_oob = FALSE;
    g_assert_cmpint(take_oob(f, &own), ==, EHP_OK);
    ehd_link_oob_drop(f->link);
    /* nobody waits long for a helper that hangs */
    f->mute = TRUE;
    g_assert_cmpint(take_oob(f, &own), !=, EHP_OK);
    f->mute = FALSE;
    g_assert_cmpint(take_oob(f, &own), ==, EHP_OK);
}

/* Without the helper there is none. */
static void
test_no_oob(Fixture *f, gconstpointer data)
{
    EhdLinkOob own, peer = {.address = {0, 0xaa, 1, 2, 0, 0x43}};

    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_assert_cmpint(take_oob(f, &own), ==, EHP_LINK_UNAVAILABLE);
    ehd_link_oob_add(f->link, &peer);
    ehd_link_oob_remove(f->link, peer.address);
}

/* Anybody may call our object; only bluetoothd is believed. */
static void
test_impostor(Fixture *f, gconstpointer data)
{
    g_autoptr(GDBusConnection) other = g_dbus_connection_new_for_address_sync(
        g_test_dbus_get_bus_address(f->bus),
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, NULL);
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;
    Wait wait = {NULL};

    start_bluez(f);
    fake_bluez_add_adapter(f->fake, "hci0", CLINIC, TRUE);
    make_link(f);
    g_assert_cmpint(listen_status(f), ==, EHP_OK);
    g_dbus_connection_call(other, f->fake->owner, f->fake->profile, "org.bluez.Profile1",
                           "Release", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_result,
                           &wait);
    while (wait.result == NULL)
        g_main_context_iteration(NULL, TRUE);
    g_assert_null(g_dbus_connection_call_finish(other, wait.result, &error));
    name = g_dbus_error_get_remote_error(error);
    g_assert_cmpstr(name, ==, "org.freedesktop.DBus.Error.AccessDenied");
    g_object_unref(wait.result);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    /* that a listener is not ready is a warning */
    g_log_set_always_fatal(G_LOG_LEVEL_CRITICAL | G_LOG_FATAL_MASK);
#define CASE(name, function)                                                                   \
    g_test_add("/link/bluez/" name, Fixture, NULL, set_up, function, tear_down)
    CASE("listen", test_listen);
    CASE("channel-taken", test_channel_taken);
    CASE("stopped", test_stopped);
    CASE("started-after-us", test_started_after_us);
    CASE("power", test_power);
    CASE("power-theirs", test_power_theirs);
    CASE("blocked", test_blocked);
    CASE("crash", test_crash);
    CASE("crash-theirs", test_crash_theirs);
    CASE("restart", test_restart);
    CASE("watch", test_watch);
    CASE("released", test_released);
    CASE("mute-helper", test_mute_helper);
    CASE("replugged", test_replugged);
    CASE("two-adapters", test_two_adapters);
    CASE("doctor", test_doctor);
    CASE("lookup", test_lookup);
    CASE("known-device", test_known_device);
    CASE("known-device-crash", test_known_device_crash);
    CASE("connect-errors", test_connect_errors);
    CASE("be-found", test_be_found);
    CASE("open", test_open);
    CASE("helper", test_helper);
    CASE("oob", test_oob);
    CASE("no-oob", test_no_oob);
    CASE("impostor", test_impostor);
    return g_test_run();
}
