/* SPDX-License-Identifier: Apache-2.0
 *
 * The unix link: stream sockets in a directory instead of RFCOMM channels in the air. Owns the
 * listening socket and its name; what it accepts or connects belongs to the caller. Main
 * thread; nothing blocks (a connect to a unix socket succeeds or fails at once).
 */
#include "daemon/link/unix.h"

#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/words.h"

/* "/AABBCCDDEEFF.30" */
#define NAME_LEN         16
#define LISTEN_QUEUE     16
/* Connections taken at one turn of the main loop: a flood must not starve the sessions. */
#define ACCEPTS_PER_TURN 8

typedef struct {
    EhdLink base;
    char *directory; /* owned */
    EhdLinkAddress address;
    guint8 channels[EHD_CHANNELS_MAX];
    guint n_channels;
    int listener; /* -1: not listening */
    char *path;   /* owned; of the listener */
    guint source; /* of the listener */
    EhdLinkIncoming on_incoming;
    gpointer incoming_data;
} EhdLinkUnix;

static char *
socket_path(EhdLinkUnix *self, const EhdLinkAddress *at)
{
    const guint8 *a = at->address;

    return g_strdup_printf("%s/%02X%02X%02X%02X%02X%02X.%u", self->directory, a[0], a[1], a[2],
                           a[3], a[4], a[5], at->channel);
}

static void
socket_name(const char *path, struct sockaddr_un *name)
{
    memset(name, 0, sizeof *name);
    name->sun_family = AF_UNIX;
    g_strlcpy(name->sun_path, path, sizeof name->sun_path); /* unix_new() checked the length */
}

static int
socket_new(GError **error)
{
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

    if (fd < 0)
        ehd_error_set(error, EHP_LINK_UNAVAILABLE, "socket: %s", g_strerror(errno));
    return fd;
}

static gboolean
on_connection(gint fd, GIOCondition condition, gpointer user_data)
{
    EhdLinkUnix *self = user_data;

    /* on_incoming may stop the link */
    for (guint i = 0; i < ACCEPTS_PER_TURN && self->listener == fd; i++) {
        int peer = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (peer < 0)
            break;
        self->on_incoming(peer, self->incoming_data);
    }
    return self->listener == fd ? G_SOURCE_CONTINUE : G_SOURCE_REMOVE;
}

/* A name that nobody listens on any more is left over from a daemon that was killed. */
static gboolean
is_stale(const char *path)
{
    struct sockaddr_un name;
    struct stat st;
    int fd, rc, saved;

    if (lstat(path, &st) < 0 || !S_ISSOCK(st.st_mode))
        return FALSE;
    fd = socket_new(NULL);
    if (fd < 0)
        return FALSE;
    socket_name(path, &name);
    rc = connect(fd, (struct sockaddr *)&name, sizeof name);
    saved = errno;
    close(fd);
    return rc < 0 && saved == ECONNREFUSED;
}

/* Returns 0, or an errno. */
static int
bind_channel(EhdLinkUnix *self, int fd, const char *path)
{
    struct sockaddr_un name;

    socket_name(path, &name);
    if (bind(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return 0;
    if (errno != EADDRINUSE)
        return errno;
    if (!is_stale(path))
        return EADDRINUSE;
    if (unlink(path) < 0 && errno != ENOENT)
        return errno;
    return bind(fd, (struct sockaddr *)&name, sizeof name) == 0 ? 0 : errno;
}

static gboolean
listen_on_channel(EhdLinkUnix *self, guint channel, gboolean *in_use, GError **error)
{
    EhdLinkAddress at = self->address;
    g_autofree char *path = NULL;
    int fd, failure;

    at.channel = (guint8)channel;
    path = socket_path(self, &at);
    fd = socket_new(error);
    if (fd < 0)
        return FALSE;
    failure = bind_channel(self, fd, path);
    if (failure == 0) {
        /* as with a radio, whoever is in range may connect: the directory says who is */
        if (chmod(path, 0666) < 0 || listen(fd, LISTEN_QUEUE) < 0) {
            failure = errno;
            unlink(path);
        }
    }
    *in_use = failure == EADDRINUSE;
    if (failure != 0) {
        ehd_error_set(error, EHP_LINK_UNAVAILABLE, "listen in %s, channel %u: %s",
                      self->directory, channel, g_strerror(failure));
        close(fd);
        return FALSE;
    }
    self->listener = fd;
    self->path = g_steal_pointer(&path);
    self->address.channel = (guint8)channel;
    self->source = g_unix_fd_add(fd, G_IO_IN, on_connection, self);
    return TRUE;
}

static gboolean
listen_somewhere(EhdLinkUnix *self, GError **error)
{
    for (guint i = 0; i < self->n_channels; i++) {
        gboolean in_use = FALSE;

        g_clear_error(error);
        if (listen_on_channel(self, self->channels[i], &in_use, error))
            return TRUE;
        if (!in_use)
            break;
    }
    return FALSE;
}

static void
unix_listen_async(EhdLink *link, EhdLinkIncoming on_incoming, gpointer incoming_data,
                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    EhdLinkUnix *self = (EhdLinkUnix *)link;
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);
    GError *error = NULL;

    self->on_incoming = on_incoming;
    self->incoming_data = incoming_data;
    if (self->listener >= 0 || listen_somewhere(self, &error))
        g_task_return_boolean(task, TRUE);
    else
        g_task_return_error(task, error);
}

static gboolean
unix_listen_finish(EhdLink *link, GAsyncResult *result, EhdLinkAddress *address, GError **error)
{
    if (!g_task_propagate_boolean(G_TASK(result), error))
        return FALSE;
    *address = ((EhdLinkUnix *)link)->address;
    return TRUE;
}

static void
unix_stop(EhdLink *link)
{
    EhdLinkUnix *self = (EhdLinkUnix *)link;

    if (self->listener < 0)
        return;
    g_clear_handle_id(&self->source, g_source_remove);
    unlink(self->path);
    g_clear_pointer(&self->path, g_free);
    close(self->listener);
    self->listener = -1;
}

static int
connect_now(EhdLinkUnix *self, const EhdLinkAddress *address, GError **error)
{
    g_autofree char *path = socket_path(self, address);
    struct sockaddr_un name;
    int fd = socket_new(error);

    if (fd < 0)
        return -1;
    socket_name(path, &name);
    if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    ehd_error_set(error, EHP_LINK_LOST, "connect: %s", g_strerror(errno));
    close(fd);
    return -1;
}

static void
close_unclaimed(gpointer fd)
{
    ehd_link_hang_up(GPOINTER_TO_INT(fd) - 1);
}

static void
unix_connect_async(EhdLink *link, const EhdLinkAddress *address, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);
    GError *error = NULL;
    int fd = connect_now((EhdLinkUnix *)link, address, &error);

    /* plus one, so that descriptor 0 is not NULL: a pointer is closed if nobody takes it */
    if (fd < 0)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, GINT_TO_POINTER(fd + 1), close_unclaimed);
}

static int
unix_connect_finish(EhdLink *link, GAsyncResult *result, GError **error)
{
    return GPOINTER_TO_INT(g_task_propagate_pointer(G_TASK(result), error)) - 1;
}

static gboolean
unix_describe(EhdLink *link, EhdLinkDescription *description, GError **error)
{
    EhdLinkUnix *self = (EhdLinkUnix *)link;

    description->text = g_strdup_printf("sockets in %s stand in for Bluetooth", self->directory);
    if (access(self->directory, R_OK | W_OK | X_OK) == 0)
        return TRUE;
    ehd_error_set(error, EHP_LINK_UNAVAILABLE, "%s: %s", self->directory, g_strerror(errno));
    return FALSE;
}

static void
unix_free(EhdLink *link)
{
    EhdLinkUnix *self = (EhdLinkUnix *)link;

    unix_stop(link);
    g_free(self->directory);
    g_free(self);
}

static const EhdLinkOps unix_ops = {
    .kind = "unix",
    /* two records; at 8 KiB the receiver was woken for each: a third of the goodput was gone */
    .write_max = 65536,
    .listen_async = unix_listen_async,
    .listen_finish = unix_listen_finish,
    .stop = unix_stop,
    .connect_async = unix_connect_async,
    .connect_finish = unix_connect_finish,
    .describe = unix_describe,
    .free = unix_free,
};

static gboolean
parse_address(const char *text, guint8 address[EHD_LINK_ADDRESS_LEN])
{
    if (strlen(text) != 2 * EHD_LINK_ADDRESS_LEN)
        return FALSE;
    for (guint i = 0; i < EHD_LINK_ADDRESS_LEN; i++) {
        int high = g_ascii_xdigit_value(text[2 * i]);
        int low = g_ascii_xdigit_value(text[2 * i + 1]);

        if (high < 0 || low < 0)
            return FALSE;
        address[i] = (guint8)(high << 4 | low);
    }
    return TRUE;
}

static void
random_address(guint8 address[EHD_LINK_ADDRESS_LEN])
{
    for (guint i = 0; i < EHD_LINK_ADDRESS_LEN; i++)
        address[i] = (guint8)g_random_int_range(0, 256);
    address[0] = (guint8)((address[0] | 2) & ~1); /* locally administered, not a group's */
}

EhdLink *
ehd_link_unix_new(const char *directory, const char *address, const guint8 *channels,
                  guint n_channels, GError **error)
{
    guint8 own[EHD_LINK_ADDRESS_LEN];
    struct sockaddr_un name;
    EhdLinkUnix *self;

    if (directory == NULL || !g_path_is_absolute(directory)) {
        ehd_error_set(error, EHP_CONFIG_INVALID,
                      N_("the unix link needs an absolute directory"));
        return NULL;
    }
    if (strlen(directory) + NAME_LEN >= sizeof name.sun_path) {
        ehd_error_set(error, EHP_CONFIG_INVALID,
                      "%s is too long for a socket's name (at most %u)", directory,
                      (guint)(sizeof name.sun_path - NAME_LEN - 1));
        return NULL;
    }
    random_address(own);
    if (address != NULL && !parse_address(address, own)) {
        ehd_error_set(error, EHP_CONFIG_INVALID, N_("a link address has twelve hex digits"));
        return NULL;
    }
    self = g_new0(EhdLinkUnix, 1);
    self->base.ops = &unix_ops;
    self->directory = g_strdup(directory);
    memcpy(self->address.address, own, sizeof own);
    self->n_channels = MIN(n_channels, EHD_CHANNELS_MAX);
    memcpy(self->channels, channels, self->n_channels);
    self->listener = -1;
    return &self->base;
}
