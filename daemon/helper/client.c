/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts a helper, or connects to a socket-activated one (client.h).
 */
#include "daemon/helper/client.h"

#include <errno.h>
#include <gio/gio.h>
#include <glib-unix.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/helper/packet.h"
#include "daemon/words.h"

#define CHILD_FD "3"

struct EhdHelper {
    GMainContext *context;
    char *name, *program, *socket_path; /* owned */
    char **arguments;                   /* owned */
    const EhdHelperEvents *events;      /* borrowed */
    gpointer user_data;
    int fd; /* -1: not running */
    GSource *source;
    GSubprocess *process; /* NULL when socket-activated */
    char *why;
};

static void
drop_connection(EhdHelper *self)
{
    if (self->source)
        g_source_destroy(self->source);
    g_clear_pointer(&self->source, g_source_unref);
    if (self->fd >= 0)
        close(self->fd);
    self->fd = -1;
    g_clear_object(&self->process);
}

static void
gone(EhdHelper *self, gboolean now)
{
    ehd_helper_stop(self, now);
    self->events->on_gone(self->user_data);
}

static gboolean
on_readable(gint sock, GIOCondition condition, gpointer user_data)
{
    EhdHelper *self = user_data;
    guint8 bytes[EHD_HELPER_MESSAGE_MAX];
    int fd;
    gssize got = ehd_packet_receive(sock, bytes, sizeof bytes, &fd);

    if (got == -EAGAIN)
        return G_SOURCE_CONTINUE;
    if (got <= 0 && got != -EMSGSIZE) {
        gone(self, FALSE);
        return G_SOURCE_REMOVE;
    }
    gboolean good =
        got > 0 && self->events->on_message(bytes, (gsize)got, fd, self->user_data);
    explicit_bzero(bytes, sizeof bytes);
    if (good)
        return G_SOURCE_CONTINUE;
    g_warning("%s sent what is no message", self->name);
    gone(self, TRUE);
    return G_SOURCE_REMOVE;
}

static void
watch(EhdHelper *self, int fd)
{
    self->fd = fd;
    self->source = g_unix_fd_source_new(fd, G_IO_IN);
    g_source_set_callback(self->source, G_SOURCE_FUNC(on_readable), self, NULL);
    g_source_attach(self->source, self->context);
}

static gboolean
fail(EhdHelper *self, const char *what, const char *why)
{
    g_free(self->why);
    self->why = g_strdup_printf("%s: %s", what, why);
    return FALSE;
}

static gboolean
connect_socket(EhdHelper *self)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (strlen(self->socket_path) >= sizeof address.sun_path) {
        errno = ENAMETOOLONG;
    } else if (fd >= 0) {
        strcpy(address.sun_path, self->socket_path);
        /* a unix socket connects at once or not at all */
        if (connect(fd, (struct sockaddr *)&address, sizeof address) == 0) {
            watch(self, fd);
            return TRUE;
        }
    }
    int error = errno;
    if (fd >= 0)
        close(fd);
    return fail(self, self->socket_path, g_strerror(error));
}

static GSubprocess *
spawn(EhdHelper *self, int child_fd, GError **error)
{
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_NONE);
    g_autoptr(GPtrArray) argv = g_ptr_array_new();
    char *empty[] = {NULL};

    g_ptr_array_add(argv, self->program);
    g_ptr_array_add(argv, (gpointer) "--fd");
    g_ptr_array_add(argv, (gpointer)CHILD_FD);
    for (char **argument = self->arguments; argument && *argument; argument++)
        g_ptr_array_add(argv, *argument);
    g_ptr_array_add(argv, NULL);
    g_subprocess_launcher_set_environ(launcher, empty);
    g_subprocess_launcher_take_fd(launcher, child_fd, atoi(CHILD_FD));
    return g_subprocess_launcher_spawnv(launcher, (const char *const *)argv->pdata, error);
}

static gboolean
start_program(EhdHelper *self)
{
    g_autoptr(GError) error = NULL;
    int pair[2];

    if (!self->program)
        return fail(self, self->name, N_("not installed"));
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return fail(self, "socketpair", g_strerror(errno));
    self->process = spawn(self, pair[1], &error);
    if (!self->process) {
        close(pair[0]);
        g_autofree char *what = g_strdup_printf("%s cannot be started", self->name);
        return fail(self, what, error->message);
    }
    watch(self, pair[0]);
    return TRUE;
}

gboolean
ehd_helper_is_running(EhdHelper *self)
{
    return self->fd >= 0;
}

gboolean
ehd_helper_is_activated(EhdHelper *self)
{
    return self->socket_path != NULL;
}

gboolean
ehd_helper_start(EhdHelper *self, const char **why)
{
    gboolean done =
        self->fd >= 0 || (self->socket_path ? connect_socket(self) : start_program(self));

    *why = done ? NULL : self->why;
    return done;
}

void
ehd_helper_stop(EhdHelper *self, gboolean now)
{
    if (now && self->process)
        g_subprocess_force_exit(self->process);
    drop_connection(self);
}

void
ehd_helper_send(EhdHelper *self, const guint8 *bytes, gsize length)
{
    if (self->fd < 0)
        return;
    /* shut down, so that on_readable finds the end and tells it in its own turn */
    if (ehd_packet_send(self->fd, bytes, length, -1) < 0)
        shutdown(self->fd, SHUT_RDWR);
}

EhdHelper *
ehd_helper_new(const EhdHelperConfig *config, const EhdHelperEvents *events, gpointer user_data)
{
    EhdHelper *self = g_new0(EhdHelper, 1);

    self->context = g_main_context_ref_thread_default();
    self->name = g_strdup(config->name);
    self->program = g_strdup(config->program);
    self->socket_path = g_strdup(config->socket_path);
    self->arguments = g_strdupv(config->arguments);
    self->events = events;
    self->user_data = user_data;
    self->fd = -1;
    return self;
}

void
ehd_helper_free(EhdHelper *self)
{
    if (self == NULL)
        return;
    ehd_helper_stop(self, FALSE);
    g_main_context_unref(self->context);
    g_free(self->name);
    g_free(self->program);
    g_free(self->socket_path);
    g_strfreev(self->arguments);
    g_free(self->why);
    g_free(self);
}
