/* SPDX-License-Identifier: Apache-2.0
 *
 * A descriptor as a GSource: reads and writes a bounded number of times at each turn of the
 * main loop, so that a fast link starves neither its own other direction nor the other
 * sessions. Owns the descriptor. Main thread. Its user may free it in every callback: the
 * source holds a reference while it works.
 */
#include "daemon/link/stream.h"

#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

/* Of each at one turn. */
#define READS_PER_TURN  4
#define WRITES_PER_TURN 16

struct EhdStream {
    GSource source;
    gpointer tag; /* of the descriptor in the source; NULL: not polled */
    int fd;
    const EhdStreamUser *user; /* borrowed; NULL: freed by the user */
    gpointer user_data;
    gboolean reading, writing;
    gboolean finishing;
    gboolean broken;  /* nothing can be written any more; what had arrived is still read */
    gint64 finish_by; /* monotonic, microseconds; only when finishing */
    guint64 sent, received;
    gsize write_max;
};

/* poll(2) reports a hang-up whether one asks or not: a descriptor that we want nothing of must
 * not be polled, else the loop spins until the user reads again. */
static void
set_conditions(EhdStream *self)
{
    GIOCondition condition = 0;

    if (self->user != NULL && self->reading)
        condition |= G_IO_IN;
    if (self->user != NULL && self->writing)
        condition |= G_IO_OUT;
    if (condition == 0 && self->tag != NULL) {
        g_source_remove_unix_fd(&self->source, self->tag);
        self->tag = NULL;
    } else if (condition != 0 && self->tag == NULL) {
        self->tag = g_source_add_unix_fd(&self->source, self->fd, condition);
    } else if (condition != 0) {
        g_source_modify_unix_fd(&self->source, self->tag, condition);
    }
}

/* Tells the user once; afterwards only the memory is left. */
static void
hang_up(EhdStream *self)
{
    const EhdStreamUser *user = self->user;

    if (user == NULL)
        return;
    self->user = NULL;
    set_conditions(self);
    g_source_set_ready_time(&self->source, -1);
    shutdown(self->fd, SHUT_RDWR);
    user->closed(self->user_data);
}

/* FALSE: nothing more now, or no user any more. */
static gboolean
write_once(EhdStream *self)
{
    const guint8 *bytes = NULL;
    gsize length = self->user->peek(&bytes, self->user_data);
    ssize_t n;

    if (self->user == NULL || length == 0) {
        self->writing = FALSE;
        return FALSE;
    }
    n = send(self->fd, bytes, MIN(length, self->write_max), MSG_NOSIGNAL);
    if (n < 0) {
        self->broken = errno != EAGAIN && errno != EINTR;
        self->writing = !self->broken;
        /* out of buffers, say: the other side does not know, and would wait. What had arrived
         * is read before the end */
        if (self->broken)
            shutdown(self->fd, SHUT_RDWR);
        return FALSE;
    }
    self->sent += (guint64)n;
    self->user->written((gsize)n, self->user_data);
    return self->user != NULL;
}

static void
write_some(EhdStream *self)
{
    for (guint i = 0; i < WRITES_PER_TURN && write_once(self); i++)
        ;
}

/* FALSE: end of the stream, or it failed. */
static gboolean
read_some(EhdStream *self)
{
    guint8 buffer[EHD_STREAM_READ_MAX];

    for (guint i = 0; i < READS_PER_TURN && self->user != NULL && self->reading; i++) {
        ssize_t n = recv(self->fd, buffer, sizeof buffer, 0);

        if (n < 0)
            return errno == EAGAIN || errno == EINTR;
        if (n == 0)
            return FALSE;
        self->received += (guint64)n;
        if (!self->finishing)
            self->user->feed(buffer, (gsize)n, self->user_data);
        if ((gsize)n < sizeof buffer)
            break;
    }
    return TRUE;
}

static gboolean
finished(EhdStream *self)
{
    if (!self->finishing || self->user == NULL)
        return FALSE;
    return !self->writing || g_source_get_time(&self->source) >= self->finish_by;
}

static gboolean
stream_dispatch(GSource *source, GSourceFunc unused, gpointer user_data)
{
    EhdStream *self = (EhdStream *)source;
    GIOCondition got = self->tag != NULL ? g_source_query_unix_fd(source, self->tag) : 0;
    gboolean open = TRUE;

    if (self->user != NULL && self->reading && (got & (G_IO_IN | G_IO_HUP | G_IO_ERR)))
        open = read_some(self);
    if (open && self->user != NULL && self->writing && (got & (G_IO_OUT | G_IO_ERR)))
        write_some(self);
    if (!open || finished(self))
        hang_up(self);
    else if (self->user != NULL)
        set_conditions(self);
    return G_SOURCE_CONTINUE;
}

static void
stream_finalize(GSource *source)
{
    EhdStream *self = (EhdStream *)source;

    close(self->fd);
}

static GSourceFuncs stream_funcs = {
    .dispatch = stream_dispatch,
    .finalize = stream_finalize,
};

EhdStream *
ehd_stream_new(int fd, gsize write_max, const EhdStreamUser *user, gpointer user_data)
{
    GSource *source = g_source_new(&stream_funcs, sizeof(EhdStream));
    EhdStream *self = (EhdStream *)source;

    self->fd = fd;
    self->write_max = write_max;
    self->user = user;
    self->user_data = user_data;
    self->reading = self->writing = TRUE;
    self->tag = g_source_add_unix_fd(source, fd, G_IO_IN | G_IO_OUT);
    g_source_set_static_name(source, "ehrlink stream");
    g_source_attach(source, g_main_context_get_thread_default());
    return self;
}

void
ehd_stream_free(EhdStream *self)
{
    if (self == NULL)
        return;
    self->user = NULL;
    shutdown(self->fd, SHUT_RDWR);
    g_source_destroy(&self->source);
    g_source_unref(&self->source);
}

void
ehd_stream_wake(EhdStream *self)
{
    if (self->user == NULL || self->writing || self->broken)
        return;
    self->writing = TRUE;
    set_conditions(self);
}

void
ehd_stream_set_reading(EhdStream *self, gboolean reading)
{
    if (self->user == NULL || self->reading == reading)
        return;
    self->reading = reading;
    set_conditions(self);
}

void
ehd_stream_finish(EhdStream *self, guint grace_ms)
{
    if (self->user == NULL)
        return;
    self->finishing = TRUE;
    self->reading = TRUE; /* and thrown away: unread bytes would turn our close into a reset */
    self->writing = !self->broken;
    self->finish_by = g_get_monotonic_time() + (gint64)grace_ms * 1000;
    g_source_set_ready_time(&self->source, self->finish_by);
    set_conditions(self);
}

guint64
ehd_stream_get_sent(const EhdStream *self)
{
    return self->sent;
}

guint64
ehd_stream_get_received(const EhdStream *self)
{
    return self->received;
}
