/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads exactly EHP_PREAMBLE_LEN bytes of each connection and not one more: the rest is the
 * session's. Owns the descriptors until a session takes them. Main context.
 */
#include "daemon/core/porch.h"

#include <errno.h>
#include <glib-unix.h>
#include <sys/socket.h>

#include "daemon/link/link.h"

/* Between two lines of the log. */
#define TELL_US (60 * G_USEC_PER_SEC)

typedef struct {
    EhdPorch *porch; /* borrowed */
    int fd;          /* owned; -1: taken */
    guint readable, timer;
    guint8 bytes[EHP_PREAMBLE_LEN];
    gsize length;
    gboolean waiting; /* all said, for a session that is not there yet */
    ehp_preamble preamble;
} Guest;

struct EhdPorch {
    EhdPorchKnock knock;
    gpointer user_data;
    guint silent_ms;
    GQueue guests; /* of Guest, owned, oldest first */
    EhdPorchCounts counts;
    gint64 told;        /* monotonic, microseconds: the log, of those turned away; 0: never */
    gint64 tokens;      /* thousandths of a connection */
    gint64 tokens_time; /* monotonic, microseconds */
};

static void
guest_free(gpointer data)
{
    Guest *guest = data;

    g_clear_handle_id(&guest->readable, g_source_remove);
    g_clear_handle_id(&guest->timer, g_source_remove);
    ehd_link_hang_up(guest->fd);
    g_free(guest);
}

/* A flood is named in the log, and does not flood it. */
static void
count_stranger(EhdPorch *self, guint64 *count)
{
    const EhdPorchCounts *counts = &self->counts;
    gint64 now = g_get_monotonic_time();

    (*count)++;
    if (self->told != 0 && now < self->told + TELL_US)
        return;
    self->told = now;
    g_message("connections that are no session's are closed; so far: %" G_GUINT64_FORMAT
              " silent, %" G_GUINT64_FORMAT " junk, %" G_GUINT64_FORMAT
              " unknown, %" G_GUINT64_FORMAT " too many",
              counts->silent, counts->junk, counts->unknown, counts->refused);
}

static void
turn_away(Guest *guest, guint64 *count)
{
    count_stranger(guest->porch, count);
    g_queue_remove(&guest->porch->guests, guest);
    guest_free(guest);
}

static void
let_in(Guest *guest)
{
    EhdPorch *self = guest->porch;

    switch (self->knock(guest->fd, &guest->preamble, self->user_data)) {
    case EHD_KNOCK_TAKEN:
        self->counts.taken++;
        guest->fd = -1;
        g_queue_remove(&self->guests, guest);
        guest_free(guest);
        break;
    case EHD_KNOCK_UNKNOWN:
        turn_away(guest, &self->counts.unknown);
        break;
    case EHD_KNOCK_WAIT:
        guest->waiting = TRUE;
        break;
    }
}

/* FALSE: the guest is gone. */
static gboolean
read_preamble(Guest *guest)
{
    EhdPorchCounts *counts = &guest->porch->counts;
    ehp_status status;
    ssize_t n =
        recv(guest->fd, guest->bytes + guest->length, sizeof guest->bytes - guest->length, 0);

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return TRUE;
    if (n <= 0) {
        turn_away(guest, &counts->silent);
        return FALSE;
    }
    guest->length += (gsize)n;
    status = ehp_preamble_parse((ehp_bytes){guest->bytes, guest->length}, &guest->preamble);
    if (status == EHP_AGAIN)
        return TRUE;
    if (status == EHP_OK)
        let_in(guest);
    else
        turn_away(guest, &counts->junk);
    return FALSE;
}

static gboolean
on_readable(gint fd, GIOCondition condition, gpointer user_data)
{
    Guest *guest = user_data;
    guint id = guest->readable;

    guest->readable = 0; /* freeing the guest must not remove the source that runs */
    if (!read_preamble(guest))
        return G_SOURCE_REMOVE;
    guest->readable = id;
    return G_SOURCE_CONTINUE;
}

static gboolean
on_silent(gpointer user_data)
{
    Guest *guest = user_data;

    EhdPorchCounts *counts = &guest->porch->counts;

    guest->timer = 0;
    turn_away(guest, guest->waiting ? &counts->unknown : &counts->silent);
    return G_SOURCE_REMOVE;
}

static gboolean
take_token(EhdPorch *self)
{
    gint64 now = g_get_monotonic_time();

    self->tokens += (now - self->tokens_time) * EHD_PORCH_RATE / 1000;
    self->tokens = MIN(self->tokens, EHD_PORCH_BURST * 1000);
    self->tokens_time = now;
    if (self->tokens < 1000)
        return FALSE;
    self->tokens -= 1000;
    return TRUE;
}

EhdPorch *
ehd_porch_new(guint silent_ms, EhdPorchKnock knock, gpointer user_data)
{
    EhdPorch *self = g_new0(EhdPorch, 1);

    self->knock = knock;
    self->user_data = user_data;
    self->silent_ms = silent_ms;
    self->tokens = EHD_PORCH_BURST * 1000;
    self->tokens_time = g_get_monotonic_time();
    g_queue_init(&self->guests);
    return self;
}

void
ehd_porch_free(EhdPorch *self)
{
    if (self == NULL)
        return;
    g_queue_clear_full(&self->guests, guest_free);
    g_free(self);
}

void
ehd_porch_take(EhdPorch *self, int fd)
{
    Guest *guest;

    if (!take_token(self)) {
        count_stranger(self, &self->counts.refused);
        ehd_link_hang_up(fd);
        return;
    }
    if (self->guests.length >= EHD_PORCH_MAX)
        turn_away(g_queue_peek_head(&self->guests), &self->counts.refused);
    guest = g_new0(Guest, 1);
    guest->porch = self;
    guest->fd = fd;
    g_queue_push_tail(&self->guests, guest);
    guest->timer = g_timeout_add(self->silent_ms, on_silent, guest);
    guest->readable = g_unix_fd_add(fd, G_IO_IN, on_readable, guest);
}

void
ehd_porch_retry(EhdPorch *self)
{
    g_autoptr(GPtrArray) waiting = g_ptr_array_new();

    for (GList *link = self->guests.head; link != NULL; link = link->next)
        if (((Guest *)link->data)->waiting)
            g_ptr_array_add(waiting, link->data);
    for (guint i = 0; i < waiting->len; i++)
        let_in(g_ptr_array_index(waiting, i));
}

const EhdPorchCounts *
ehd_porch_get_counts(const EhdPorch *self)
{
    return &self->counts;
}
