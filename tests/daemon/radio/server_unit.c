/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrlink-bt's server and the daemon's client of it, face to face over a socket, with a kernel
 * of our own beneath: connects that succeed, fail and hang, and a management socket that this
 * test answers.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/link/radio.h"
#include "daemon/radio/mgmt.h"
#include "daemon/radio/server.h"

static struct {
    int error;      /* of a connect that is not answered at once */
    gboolean hangs; /* it never becomes writable */
    int other;      /* the other end of the last connect; -1: none */
    int kernel;     /* our end of the management socket */
    gboolean fast, connectable;
    guint connects;
    int oobs;        /* devices of which it has OOB data */
    gboolean no_oob; /* the controller gives zeros */
} fake;

static int
fake_connect(const uint8_t own[6], const uint8_t peer[6], uint8_t channel)
{
    char block[4096] = {0};
    int pair[2];

    fake.connects++;
    g_assert_cmpint(channel, ==, 22);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair),
                    ==, 0);
    while (fake.hangs && write(pair[0], block, sizeof block) > 0)
        ;
    if (fake.other >= 0)
        close(fake.other);
    fake.other = pair[1];
    return pair[0];
}

static int
fake_result(int fd)
{
    return fake.error;
}

static int
fake_management(void)
{
    int pair[2];

    g_assert_cmpint(
        socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), ==, 0);
    fake.kernel = pair[1];
    return pair[0];
}

static int
no_management(void)
{
    return -EPERM;
}

static int
fake_adapter(const uint8_t own[6])
{
    return own[5] == 0x42 ? 0 : -ENODEV;
}

typedef struct {
    char *dir, *path;
    int listener;
    GThread *thread;
    EhdRadioKernel kernel;
    EhdRadio *radio;
    GAsyncResult *result;
} Fixture;

static gpointer
serve(gpointer user_data)
{
    Fixture *f = user_data;
    EhdRadioConfig config = {
        .daemon_fd = accept4(f->listener, NULL, NULL, SOCK_CLOEXEC),
        .listener_fd = -1,
        .kernel = &f->kernel,
    };

    ehd_radio_run(&config);
    return NULL;
}

static void
set_up(Fixture *f, gconstpointer no_mgmt)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX};

    memset(&fake, 0, sizeof fake);
    fake.other = fake.kernel = -1;
    f->kernel = (EhdRadioKernel){.connect = fake_connect,
                                 .result = fake_result,
                                 .management = no_mgmt != NULL ? no_management : fake_management,
                                 .adapter = fake_adapter};
    f->dir = g_dir_make_tmp("ehd-radio-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "bt.sock", NULL);
    f->listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    g_strlcpy(name.sun_path, f->path, sizeof name.sun_path);
    g_assert_cmpint(bind(f->listener, (struct sockaddr *)&name, sizeof name), ==, 0);
    g_assert_cmpint(listen(f->listener, 1), ==, 0);
    f->thread = g_thread_new("helper", serve, f);
    f->radio = ehd_radio_new(NULL, f->path, FALSE);
    g_assert_true(ehd_radio_is_installed(f->radio));
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    ehd_radio_free(f->radio);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    /* the helper puts back what is set: a kernel that does not answer ends that */
    if (fake.kernel >= 0)
        close(fake.kernel);
    g_thread_join(f->thread);
    if (fake.other >= 0)
        close(fake.other);
    close(f->listener);
    g_unlink(f->path);
    g_rmdir(f->dir);
    g_free(f->path);
    g_free(f->dir);
}

static void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    ((Fixture *)user_data)->result = g_object_ref(result);
}

static void
start(Fixture *f, EhdRadioMessage message, GCancellable *cancellable)
{
    memcpy(message.own, (guint8[6]){0, 0xaa, 1, 0, 0, 0x42}, 6);
    if (message.type == EHD_RADIO_CONNECT || message.type == EHD_RADIO_ADD_OOB)
        memcpy(message.peer, (guint8[6]){0, 0xaa, 1, 1, 0, 0x42}, 6);
    ehd_radio_ask_async(f->radio, &message, cancellable, on_result, f);
}

/* What the kernel's side has to do meanwhile. */
static void
answer_kernel(void)
{
    guint8 bytes[EHD_MGMT_MAX], reply[EHD_MGMT_MAX] = {0};
    ssize_t got = fake.kernel >= 0 ? recv(fake.kernel, bytes, sizeof bytes, MSG_DONTWAIT) : -1;
    guint16 command = got >= 6 ? (guint16)(bytes[0] | bytes[1] << 8) : 0;
    gsize len = 9;

    if (got < 6)
        return;
    reply[0] = 1; /* Command Complete */
    reply[6] = bytes[0];
    reply[7] = bytes[1];
    if (command == EHD_MGMT_READ_INFO) {
        reply[9 + 13] = (guint8)((fake.fast ? 4 : 0) | (fake.connectable ? 2 : 0));
        len += 280;
    } else if (command == EHD_MGMT_SET_FAST) {
        fake.fast = bytes[6] != 0;
        len += 4;
    } else if (command == EHD_MGMT_SET_CONNECTABLE) {
        fake.connectable = bytes[6] != 0;
        len += 4;
    } else if (command == EHD_MGMT_READ_OOB) {
        memset(reply + 9, fake.no_oob ? 0 : 0x11, 64);
        len += 64;
    } else if (command == EHD_MGMT_ADD_OOB) {
        g_assert_cmpint(got, ==, 6 + 7 + 64);
        fake.oobs++;
        len += 7;
    } else if (command == EHD_MGMT_REMOVE_OOB) {
        g_assert_cmpint(got, ==, 6 + 7);
        fake.oobs--;
        len += 7;
    }
    reply[4] = (guint8)(len - 6);
    reply[5] = (guint8)((len - 6) >> 8);
    g_assert_cmpint(send(fake.kernel, reply, len, 0), ==, (gssize)len);
}

static void
wait_result(Fixture *f)
{
    while (f->result == NULL) {
        answer_kernel();
        if (!g_main_context_iteration(NULL, FALSE))
            g_usleep(500); /* the kernel's side is no source of this loop */
    }
}

static ehp_status
connect_status(Fixture *f, guint seconds, int *fd)
{
    g_autoptr(GError) error = NULL;
    EhdRadioMessage message = {
        .type = EHD_RADIO_CONNECT, .channel = 22, .seconds = (guint8)seconds};
    int got;

    start(f, message, NULL);
    wait_result(f);
    got = ehd_radio_ask_finish_fd(f->radio, f->result, &error);
    g_clear_object(&f->result);
    if (fd != NULL)
        *fd = got;
    else if (got >= 0)
        close(got);
    return ehd_error_status(error);
}

static void
test_connect(Fixture *f, gconstpointer data)
{
    char byte;
    int fd;

    g_assert_cmpint(connect_status(f, 20, &fd), ==, EHP_OK);
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_NONBLOCK, !=, 0);
    g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, !=, 0);
    g_assert_cmpint(write(fake.other, "x", 1), ==, 1);
    g_assert_cmpint(read(fd, &byte, 1), ==, 1);
    close(fd);
    /* the helper has kept no copy: the other side sees the end */
    while (read(fake.other, &byte, 1) != 0)
        g_usleep(500);
}

static void
test_failures(Fixture *f, gconstpointer data)
{
    static const struct {
        int error;
        ehp_status status;
    } rows[] = {
        {ECONNREFUSED, EHP_CHANNEL_CLOSED}, {EHOSTDOWN, EHP_PEER_UNREACHABLE},
        {ETIMEDOUT, EHP_PEER_UNREACHABLE},  {EACCES, EHP_PAIRING_REFUSED},
        {EBADE, EHP_PAIRING_REFUSED},       {EHOSTUNREACH, EHP_NO_ADAPTER},
        {ENETDOWN, EHP_ADAPTER_OFF},        {ECONNRESET, EHP_LINK_LOST},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        fake.error = rows[i].error;
        g_assert_cmpint(connect_status(f, 20, NULL), ==, rows[i].status);
    }
    fake.hangs = TRUE;
    g_assert_cmpint(connect_status(f, 1, NULL), ==, EHP_PEER_UNREACHABLE);
}

/* The kernel says "refused" for a pairing as well; its event tells which it was. */
static void
test_pairing_refused(Fixture *f, gconstpointer data)
{
    static const guint8 event[] = {0x11, 0, 0, 0, 8, 0, 0x42, 0, 1, 1, 0xaa, 0, 0, 5};
    EhdRadioMessage message = {.type = EHD_RADIO_CONNECT, .channel = 22, .seconds = 20};
    g_autoptr(GError) error = NULL;
    char block[4096];

    fake.hangs = TRUE;
    start(f, message, NULL);
    while (fake.connects == 0)
        g_usleep(500);
    g_assert_cmpint(send(fake.kernel, event, sizeof event, 0), ==, (gssize)sizeof event);
    fake.error = ECONNREFUSED;
    /* only when it was heard does the socket become ready: the server reads events first */
    while (read(fake.other, block, sizeof block) > 0)
        ;
    wait_result(f);
    g_assert_cmpint(ehd_radio_ask_finish_fd(f->radio, f->result, &error), ==, -1);
    g_assert_error(error, EHD_ERROR, EHP_PAIRING_REFUSED);
    g_clear_object(&f->result);
}

static void
test_cancel(Fixture *f, gconstpointer data)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    EhdRadioMessage message = {.type = EHD_RADIO_CONNECT, .channel = 22, .seconds = 20};
    g_autoptr(GError) error = NULL;
    char block[4096];

    fake.hangs = TRUE;
    start(f, message, cancellable);
    while (fake.connects == 0)
        g_usleep(500);
    g_cancellable_cancel(cancellable);
    wait_result(f);
    g_assert_cmpint(ehd_radio_ask_finish_fd(f->radio, f->result, &error), ==, -1);
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_clear_object(&f->result);
    /* and the helper has closed it */
    while (read(fake.other, block, sizeof block) != 0)
        g_usleep(500);
}

static gboolean
ask(Fixture *f, EhdRadioType type, gboolean value, guint8 *oob, gboolean *has_oob)
{
    static const guint8 theirs[EHD_RADIO_OOB_LEN] = {9};
    EhdRadioMessage message = {.type = type, .value = value};
    g_autoptr(GError) error = NULL;
    gboolean answer = FALSE;

    if (type == EHD_RADIO_ADD_OOB) {
        message.data = theirs;
        message.len = sizeof theirs;
    }
    start(f, message, NULL);
    wait_result(f);
    ehd_radio_ask_finish(f->radio, f->result, &answer, oob, has_oob, &error);
    g_assert_no_error(error);
    g_clear_object(&f->result);
    return answer;
}

static void
test_settings(Fixture *f, gconstpointer data)
{
    guint8 oob[EHD_RADIO_OOB_LEN];
    gboolean has_oob = FALSE;

    g_assert_false(ask(f, EHD_RADIO_GET_FAST, FALSE, NULL, NULL));
    ask(f, EHD_RADIO_SET_FAST, TRUE, NULL, NULL);
    g_assert_true(fake.fast);
    g_assert_true(fake.connectable);
    g_assert_true(ask(f, EHD_RADIO_GET_FAST, FALSE, NULL, NULL));
    ask(f, EHD_RADIO_READ_OOB, FALSE, oob, &has_oob);
    g_assert_true(has_oob);
    g_assert_cmpint(oob[0], ==, 0); /* P-192 is not used */
    g_assert_cmpint(oob[63], ==, 0x11);
    ask(f, EHD_RADIO_ADD_OOB, FALSE, NULL, NULL);
}

static ehp_status
try_oob(Fixture *f, EhdRadioType type, guint8 last)
{
    static const guint8 theirs[EHD_RADIO_OOB_LEN] = {9};
    EhdRadioMessage message = {.type = type, .peer = {0, 0xaa, 1, 9, 0, last}};
    g_autoptr(GError) error = NULL;

    memcpy(message.own, (guint8[6]){0, 0xaa, 1, 0, 0, 0x42}, 6);
    if (type == EHD_RADIO_ADD_OOB) {
        message.data = theirs;
        message.len = sizeof theirs;
    } else if (type == EHD_RADIO_READ_OOB) {
        memset(message.peer, 0, 6);
    }
    ehd_radio_ask_async(f->radio, &message, NULL, on_result, f);
    wait_result(f);
    ehd_radio_ask_finish(f->radio, f->result, NULL, NULL, NULL, &error);
    g_clear_object(&f->result);
    return ehd_error_status(error);
}

/* What the kernel has of other devices is bounded, and taken back when the daemon is gone. */
static void
test_oob(Fixture *f, gconstpointer data)
{
    g_assert_cmpint(try_oob(f, EHD_RADIO_ADD_OOB, 1), ==, EHP_OK);
    g_assert_cmpint(try_oob(f, EHD_RADIO_REMOVE_OOB, 1), ==, EHP_OK);
    g_assert_cmpint(fake.oobs, ==, 0);
    for (guint8 i = 1; i <= 16; i++)
        g_assert_cmpint(try_oob(f, EHD_RADIO_ADD_OOB, i), ==, EHP_OK);
    g_assert_cmpint(try_oob(f, EHD_RADIO_ADD_OOB, 17), ==, EHP_LIMIT_REACHED);
    fake.oobs--; /* the kernel replaces what it has of the same one */
    g_assert_cmpint(try_oob(f, EHD_RADIO_ADD_OOB, 16), ==, EHP_OK);
    g_assert_cmpint(fake.oobs, ==, 16);
    fake.no_oob = TRUE;
    g_assert_cmpint(try_oob(f, EHD_RADIO_READ_OOB, 0), ==, EHP_LINK_UNAVAILABLE);
    ehd_radio_free(g_steal_pointer(&f->radio));
    while (fake.oobs > 0) {
        answer_kernel();
        g_usleep(500);
    }
}

/* An address that no device has came from a peer: it is no question, and no hang-up either. */
static void
test_no_address(Fixture *f, gconstpointer data)
{
    EhdRadioMessage message = {.type = EHD_RADIO_REMOVE_OOB};
    g_autoptr(GError) error = NULL;

    ask(f, EHD_RADIO_SET_FAST, TRUE, NULL, NULL);
    start(f, message, NULL);
    wait_result(f);
    g_assert_false(ehd_radio_ask_finish(f->radio, f->result, NULL, NULL, NULL, &error));
    g_assert_error(error, EHD_ERROR, EHP_INVALID_ARGUMENT);
    g_clear_object(&f->result);
    g_assert_true(ask(f, EHD_RADIO_GET_FAST, FALSE, NULL, NULL));
}

/* A daemon that dies leaves nothing set, unless somebody else has set it since. */
static void
test_put_back(Fixture *f, gconstpointer data)
{
    ask(f, EHD_RADIO_SET_FAST, TRUE, NULL, NULL);
    g_assert_true(fake.fast);
    ehd_radio_free(g_steal_pointer(&f->radio));
    while (fake.fast || fake.connectable) {
        answer_kernel();
        g_usleep(500);
    }
}

static void
test_not_permitted(Fixture *f, gconstpointer data)
{
    EhdRadioMessage message = {.type = EHD_RADIO_GET_FAST};
    g_autoptr(GError) error = NULL;

    start(f, message, NULL);
    wait_result(f);
    g_assert_false(ehd_radio_ask_finish(f->radio, f->result, NULL, NULL, NULL, &error));
    g_assert_error(error, EHD_ERROR, EHP_RADIO_NOT_PERMITTED);
    g_clear_object(&f->result);
    g_assert_cmpint(connect_status(f, 20, NULL), ==, EHP_OK);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, data, function)                                                             \
    g_test_add("/radio/server/" name, Fixture, data, set_up, function, tear_down)
    CASE("connect", NULL, test_connect);
    CASE("failures", NULL, test_failures);
    CASE("pairing-refused", NULL, test_pairing_refused);
    CASE("cancel", NULL, test_cancel);
    CASE("settings", NULL, test_settings);
    CASE("oob", NULL, test_oob);
    CASE("no-address", NULL, test_no_address);
    CASE("put-back", NULL, test_put_back);
    CASE("not-permitted", "no management", test_not_permitted);
    return g_test_run();
}
