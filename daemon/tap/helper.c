/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts ehrlink-nfc with one end of a socket pair, or connects to a socket-activated one. Runs
 * on the main context that it was made on. The child asks for its own end when we die
 * (PDEATHSIG) and ends on a closed socket, so that nothing here waits for it.
 */
#include "daemon/tap/helper.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define CHILD_FD 3

struct EhdTapHelper {
    GMainContext *context;
    char *program, *reader, *socket_path; /* owned */
    gboolean verbose;
    EhdTapHelperEvents events;
    gpointer user_data;
    int fd; /* -1: not running */
    GSource *source;
    GSubprocess *process; /* NULL when socket-activated */
    char *why;
};

static void
drop_connection(EhdTapHelper *helper)
{
    if (helper->source) {
        g_source_destroy(helper->source);
        g_clear_pointer(&helper->source, g_source_unref);
    }
    if (helper->fd >= 0)
        close(helper->fd);
    helper->fd = -1;
    g_clear_object(&helper->process);
}

static void
gone(EhdTapHelper *helper, gboolean now)
{
    ehd_tap_helper_stop(helper, now);
    helper->events.on_gone(helper->user_data);
}

static gboolean
on_readable(gint fd, GIOCondition condition, gpointer user_data)
{
    EhdTapHelper *helper = user_data;
    uint8_t bytes[EHD_NFC_MESSAGE_MAX + 1];
    EhdNfcMessage message;
    ssize_t got = recv(fd, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return G_SOURCE_CONTINUE;
    if (got <= 0) {
        gone(helper, FALSE);
        return G_SOURCE_REMOVE;
    }
    if (ehd_nfc_wire_parse(&message, bytes, (size_t)got, EHD_NFC_FROM_HELPER) != EHP_OK) {
        g_warning("the NFC helper sent %zd bytes that are no message", got);
        gone(helper, TRUE);
        return G_SOURCE_REMOVE;
    }
    helper->events.on_message(&message, helper->user_data);
    explicit_bzero(bytes, sizeof bytes);
    return G_SOURCE_CONTINUE;
}

static void
watch(EhdTapHelper *helper, int fd)
{
    helper->fd = fd;
    helper->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(helper->source, G_SOURCE_FUNC(on_readable), helper, NULL);
    g_source_attach(helper->source, helper->context);
}

static gboolean
fail(EhdTapHelper *helper, const char *what, const char *why)
{
    g_free(helper->why);
    helper->why = g_strdup_printf("%s: %s", what, why);
    return FALSE;
}

/* The command line of a helper that we did not start does not name it. */
static void
name_reader(EhdTapHelper *helper)
{
    if (helper->reader != NULL)
        ehd_tap_helper_send(helper, &(EhdNfcMessage){.type = EHD_NFC_READER,
                                                     .data = (const uint8_t *)helper->reader,
                                                     .len = strlen(helper->reader)});
}

static gboolean
connect_socket(EhdTapHelper *helper)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (strlen(helper->socket_path) >= sizeof address.sun_path)
        errno = ENAMETOOLONG;
    else if (fd >= 0) {
        strcpy(address.sun_path, helper->socket_path);
        /* a unix socket connects at once or not at all */
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
            watch(helper, fd);
            name_reader(helper);
            return TRUE;
        }
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    return fail(helper, helper->socket_path, g_strerror(error));
}

static GSubprocess *
spawn(EhdTapHelper *helper, int child_fd, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    char *empty[] = {NULL};
    char fd[] = {'0' + CHILD_FD, '\0'};

    g_subprocess_launcher_set_environ(launcher, empty);
    g_subprocess_launcher_take_fd(launcher, child_fd, CHILD_FD);
    return g_subprocess_launcher_spawn(launcher, error, helper->program, "--fd", fd, "--reader",
                                       helper->reader != NULL ? helper->reader : "auto",
                                       helper->verbose ? "--verbose" : NULL, NULL);
}

static gboolean
start_program(EhdTapHelper *helper)
{
    g_autoptr(GError) error = NULL;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return fail(helper, "socketpair", g_strerror(errno));
    helper->process = spawn(helper, pair[1], &error);
    if (!helper->process) {
        close(pair[0]);
        return fail(helper, "the NFC helper cannot be started", error->message);
    }
    watch(helper, pair[0]);
    return TRUE;
}

gboolean
ehd_tap_helper_is_running(EhdTapHelper *helper)
{
    return helper->fd >= 0;
}

gboolean
ehd_tap_helper_start(EhdTapHelper *helper, const char **why)
{
    gboolean done = helper->fd >= 0 ||
                    (helper->socket_path ? connect_socket(helper) : start_program(helper));

    *why = done ? NULL : helper->why;
    return done;
}

void
ehd_tap_helper_stop(EhdTapHelper *helper, gboolean now)
{
    if (now && helper->process)
        g_subprocess_force_exit(helper->process);
    drop_connection(helper);
}

void
ehd_tap_helper_send(EhdTapHelper *helper, const EhdNfcMessage *message)
{
    if (helper->fd < 0)
        return;
    int result = ehd_nfc_wire_send(helper->fd, message);
    /* shut down, so that on_readable finds the end and tells it in its own turn */
    if (result < 0 && result != -EMSGSIZE)
        shutdown(helper->fd, SHUT_RDWR);
}

EhdTapHelper *
ehd_tap_helper_new(const EhdTapConfig *config, const EhdTapHelperEvents *events,
                   gpointer user_data)
{
    EhdTapHelper *helper = g_new0(EhdTapHelper, 1);

    helper->context = g_main_context_ref_thread_default();
    helper->program = g_strdup(config->helper_path);
    helper->reader = g_strdup(config->reader);
    helper->socket_path = g_strdup(config->socket_path);
    helper->verbose = config->verbose;
    helper->events = *events;
    helper->user_data = user_data;
    helper->fd = -1;
    return helper;
}

void
ehd_tap_helper_free(EhdTapHelper *helper)
{
    ehd_tap_helper_stop(helper, FALSE);
    g_main_context_unref(helper->context);
    g_free(helper->program);
    g_free(helper->reader);
    g_free(helper->socket_path);
    g_free(helper->why);
    g_free(helper);
}
