/* SPDX-License-Identifier: Apache-2.0
 *
 * The cables of a session: streams between descriptors and the engine's numbered links. A
 * patient's side connects again whenever there is none; a terminal's takes what the porch lets
 * in. Main context.
 */
#include "daemon/core/session-priv.h"

#include <string.h>

#include "daemon/error.h"

#define CONNECT_FIRST_MS 100
#define CONNECT_MOST_MS  2000

/* Outlives the session if the link answers late. */
struct EhdConnecting {
    EhdSession *session; /* borrowed; NULL: gone */
    EhdLink *link;       /* borrowed */
    GCancellable *cancellable;
};

/* ---------------------------------------------------------------- a cable */

static void
cable_free(EhdCable *cable)
{
    ehd_stream_free(cable->stream);
    g_byte_array_unref(cable->rest);
    g_clear_pointer(&cable->tail, g_byte_array_unref);
    g_free(cable);
}

static gsize
on_peek(const guint8 **bytes, gpointer user_data)
{
    EhdCable *cable = user_data;
    ehp_bytes out;

    if (cable->tail != NULL) {
        *bytes = cable->tail->data + cable->tail_given;
        return cable->tail->len - cable->tail_given;
    }
    out = ehp_session_output(cable->session->engine, cable->number, ehd_now_ms());
    *bytes = out.data;
    return out.len;
}

static void
on_written(gsize length, gpointer user_data)
{
    EhdCable *cable = user_data;
    EhdSession *self = cable->session;

    if (cable->tail != NULL) {
        cable->tail_given += length;
        return;
    }
    ehp_session_consume(self->engine, cable->number, length, ehd_now_ms());
    ehd_session_pump(self);
}

/* How much of it the engine took; what it did not is given again. */
static gsize
feed(EhdCable *cable, const guint8 *bytes, gsize length)
{
    EhdSession *self = cable->session;
    gsize used = 0;

    if (!ehp_session_wants_input(self->engine, cable->number))
        return 0;
    if (ehp_session_feed(self->engine, cable->number, bytes, length, ehd_now_ms(), &used) !=
        EHP_OK)
        return length;
    return used;
}

static void
on_feed(const guint8 *bytes, gsize length, gpointer user_data)
{
    EhdCable *cable = user_data;
    gsize used = 0;

    if (cable->tail != NULL)
        return;
    if (cable->rest->len == 0)
        used = feed(cable, bytes, length);
    g_byte_array_append(cable->rest, bytes + used, (guint)(length - used));
    ehd_session_pump(cable->session);
}

/* What came over this link and waits for more of it has come to its end. */
static void
settle(EhdSession *self)
{
    if (self->inbox != NULL)
        ehd_inbox_sync(self->inbox);
}

static void
on_closed(gpointer user_data)
{
    EhdCable *cable = user_data;
    EhdSession *self = cable->session;
    int number = cable->number;

    if (cable->tail != NULL) {
        g_ptr_array_remove_fast(self->closing, cable);
        cable_free(cable);
        return;
    }
    self->cables[number] = NULL;
    cable_free(cable);
    settle(self);
    ehp_session_link_lost(self->engine, number, ehd_now_ms());
    ehd_session_pump(self);
    ehd_session_reconnect(self);
}

static const EhdStreamUser cable_user = {
    .peek = on_peek, .written = on_written, .feed = on_feed, .closed = on_closed};

static void
plug_in(EhdSession *self, int number, int fd)
{
    EhdCable *cable = g_new0(EhdCable, 1);

    ehd_session_oob_over(self); /* whoever had to pair has done so */
    if (self->cables[number] != NULL) /* the engine gave the number away again */
        ehd_session_close_cable(self, number, FALSE);
    cable->session = self;
    cable->number = number;
    cable->rest = g_byte_array_new();
    self->cables[number] = cable;
    cable->stream =
        ehd_stream_new(fd, ehd_link_write_max(self->core->parts.link), &cable_user, cable);
}

void
ehd_session_close_cable(EhdSession *self, int number, gboolean flush)
{
    EhdCable *cable = self->cables[number];
    ehp_bytes out;

    if (cable == NULL)
        return;
    self->cables[number] = NULL;
    settle(self);
    if (!flush) {
        cable_free(cable);
        return;
    }
    cable->tail = g_byte_array_new();
    while ((out = ehp_session_output(self->engine, number, ehd_now_ms())).len > 0) {
        g_byte_array_append(cable->tail, out.data, (guint)out.len);
        ehp_session_consume(self->engine, number, out.len, ehd_now_ms());
    }
    g_ptr_array_add(self->closing, cable);
    ehd_stream_finish(cable->stream, EHD_FLUSH_MS);
}

gboolean
ehd_session_feed_cables(EhdSession *self)
{
    gboolean moved = FALSE;

    for (guint i = 0; i < EHP_SESSION_LINKS; i++) {
        EhdCable *cable = self->cables[i];
        gsize used;

        if (cable == NULL || cable->rest->len == 0)
            continue;
        used = feed(cable, cable->rest->data, cable->rest->len);
        if (used == 0)
            continue;
        g_byte_array_remove_range(cable->rest, 0, (guint)used);
        moved = TRUE;
    }
    return moved;
}

void
ehd_session_wake_cables(EhdSession *self)
{
    for (guint i = 0; i < EHP_SESSION_LINKS; i++) {
        EhdCable *cable = self->cables[i];

        if (cable == NULL)
            continue;
        if (ehp_session_output(self->engine, (int)i, ehd_now_ms()).len > 0)
            ehd_stream_wake(cable->stream);
        ehd_stream_set_reading(cable->stream,
                               cable->rest->len == 0 &&
                                   ehp_session_wants_input(self->engine, (int)i));
    }
}

void
ehd_session_drop_cables(EhdSession *self)
{
    ehd_session_stop_connecting(self);
    for (guint i = 0; i < EHP_SESSION_LINKS; i++)
        g_clear_pointer(&self->cables[i], cable_free);
    for (guint i = 0; i < self->closing->len; i++)
        cable_free(g_ptr_array_index(self->closing, i));
    g_ptr_array_set_size(self->closing, 0);
}

/* ---------------------------------------------------------------- the terminal's side */

/* The patient's device says nothing before the person has decided: that it came, with a
 * preamble that only the tap's secrets can make, is how a terminal knows that the tap was
 * complete and somebody is deciding. */
static void
meet(EhdSession *self)
{
    if (self->uncertain)
        ehd_session_tap_confirmed(self);
    else if (self->state != EHD_STATE_TAPPED)
        return;
    self->linked = TRUE;
    ehd_session_set_state(self, EHD_STATE_DECIDING, 0);
}

gboolean
ehd_session_incoming(EhdSession *self, int fd, const ehp_preamble *preamble)
{
    int number;

    if (self->engine == NULL || self->engine_ended || self->unkept || self->left ||
        !ehp_session_matches(self->engine, preamble))
        return FALSE;
    if (ehp_session_accept(self->engine, preamble, ehd_now_ms(), &number) != EHP_OK)
        return FALSE;
    /* accepting may have pushed out an older one, whose number this may be */
    ehd_session_pump(self);
    plug_in(self, number, fd);
    meet(self);
    ehd_session_pump(self);
    return TRUE;
}

/* ---------------------------------------------------------------- the patient's side */

static gboolean
has_cable(EhdSession *self)
{
    for (guint i = 0; i < EHP_SESSION_LINKS; i++)
        if (self->cables[i] != NULL)
            return TRUE;
    return FALSE;
}

static gboolean
on_connect_due(gpointer user_data)
{
    EhdSession *self = user_data;

    self->connect_timer = 0;
    ehd_session_connect(self);
    return G_SOURCE_REMOVE;
}

static void
connect_later(EhdSession *self)
{
    if (!self->connects || self->connect_timer != 0)
        return;
    self->connect_delay = CLAMP(2 * self->connect_delay, CONNECT_FIRST_MS, CONNECT_MOST_MS);
    self->connect_timer = g_timeout_add(self->connect_delay, on_connect_due, self);
}

static void
connected(EhdSession *self, int fd)
{
    int number;

    if (self->engine == NULL || self->engine_ended ||
        ehp_session_connect(self->engine, ehd_now_ms(), &number) != EHP_OK) {
        ehd_link_hang_up(fd);
        return;
    }
    ehd_session_pump(self);
    plug_in(self, number, fd);
    ehd_session_pump(self);
}

/* The link is up before the tap is complete: nothing can be said yet. */
static void
keep_early(EhdSession *self, int fd)
{
    self->early_fd = fd;
}

static int
take_early(EhdSession *self)
{
    int fd = self->early_fd;

    self->early_fd = -1;
    return fd;
}

static void
drop_early(EhdSession *self)
{
    self->paging = FALSE;
    ehd_link_hang_up(take_early(self));
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    struct EhdConnecting *connecting = user_data;
    EhdSession *self = connecting->session;
    g_autoptr(GError) error = NULL;
    int fd = ehd_link_connect_finish(connecting->link, result, &error);

    g_object_unref(connecting->cancellable);
    g_free(connecting);
    if (self == NULL) {
        ehd_link_hang_up(fd); /* too late */
        return;
    }
    self->connecting = NULL;
    g_clear_error(&self->connect_error);
    if (fd >= 0) {
        if (self->paging)
            keep_early(self, fd);
        else
            connected(self, fd);
        return;
    }
    g_debug("session %s: connect: %s", self->id, error->message);
    ehd_session_oob_failed(self);
    self->connect_error = g_steal_pointer(&error);
    connect_later(self);
}

void
ehd_session_connect(EhdSession *self)
{
    struct EhdConnecting *connecting;

    if (!self->connects || (self->engine == NULL && !self->paging) || self->engine_ended ||
        self->left || self->connecting != NULL || self->connect_timer != 0 || has_cable(self))
        return;
    if (self->early_fd >= 0) {
        if (!self->paging)
            connected(self, take_early(self));
        return;
    }
    if (!self->holds_link) { /* one of an earlier run, that nobody opened now */
        self->holds_link = TRUE;
        ehd_link_hold_async(self->core->parts.link, NULL, NULL, NULL);
    }
    self->connect_tries++;
    connecting = g_new0(struct EhdConnecting, 1);
    connecting->session = self;
    connecting->link = self->core->parts.link;
    connecting->cancellable = g_cancellable_new();
    self->connecting = connecting;
    ehd_link_connect_async(connecting->link, &self->address, connecting->cancellable,
                           on_connected, connecting);
}

/* At once after a link that was good; a link that dies young must not make us spin. */
void
ehd_session_reconnect(EhdSession *self)
{
    if (self->connect_tries == 0)
        ehd_session_connect(self);
    else if (self->engine != NULL && !self->engine_ended && !self->left && !has_cable(self))
        connect_later(self);
}

void
ehd_session_page(EhdSession *self)
{
    self->page_due = FALSE;
    if (self->paging && memcmp(&self->page_to, &self->address, sizeof self->address) == 0)
        return;
    ehd_session_stop_connecting(self);
    self->address = self->page_to;
    self->connects = self->paging = TRUE;
    if (self->page_has_oob)
        ehd_session_oob_use(self, self->page_to.address, self->page_oob);
    ehd_session_connect(self);
}

void
ehd_session_release_link(EhdSession *self)
{
    ehd_session_oob_over(self);
    if (self->holds_link)
        ehd_link_release(self->core->parts.link);
    self->holds_link = FALSE;
}

void
ehd_session_stop_connecting(EhdSession *self)
{
    self->connects = FALSE;
    drop_early(self);
    g_clear_handle_id(&self->connect_timer, g_source_remove);
    if (self->connecting == NULL)
        return;
    self->connecting->session = NULL;
    g_cancellable_cancel(self->connecting->cancellable);
    self->connecting = NULL;
}
