/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/cut.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "daemon/error.h"

struct CutLink {
    EhdLink base;
    EhdLink *inner;
    GArray *fds; /* our copies */
    gboolean down;
    guint connects;
    EhdLinkIncoming on_incoming;
    gpointer incoming_data;
    EhdLinkAddress address;
    EhdLinkWatch on_watch;
    gpointer watch_data;
    gboolean looks_up;
    guint shown;
    gboolean has_oob;
    EhdLinkOob own;
    CutOob oob;
};

static void
remember(CutLink *self, int fd)
{
    int copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);

    self->connects++;
    g_array_append_val(self->fds, copy);
}

static void
on_incoming(int fd, gpointer user_data)
{
    CutLink *self = user_data;

    if (self->down) {
        close(fd);
        return;
    }
    remember(self, fd);
    self->on_incoming(fd, self->incoming_data);
}

static void
cut_listen_async(EhdLink *link, EhdLinkIncoming incoming, gpointer incoming_data,
                 GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    CutLink *self = (CutLink *)link;

    self->on_incoming = incoming;
    self->incoming_data = incoming_data;
    ehd_link_listen_async(self->inner, on_incoming, self, cancellable, callback, user_data);
}

static gboolean
cut_listen_finish(EhdLink *link, GAsyncResult *result, EhdLinkAddress *address, GError **error)
{
    CutLink *self = (CutLink *)link;

    if (!ehd_link_listen_finish(self->inner, result, address, error))
        return FALSE;
    self->address = *address;
    return TRUE;
}

static void
cut_stop(EhdLink *link)
{
    ehd_link_stop(((CutLink *)link)->inner);
}

static void
cut_watch(EhdLink *link, EhdLinkWatch on_changed, gpointer user_data)
{
    CutLink *self = (CutLink *)link;

    self->on_watch = on_changed;
    self->watch_data = user_data;
}

static void
cut_connect_async(EhdLink *link, const EhdLinkAddress *address, GCancellable *cancellable,
                  GAsyncReadyCallback callback, gpointer user_data)
{
    ehd_link_connect_async(((CutLink *)link)->inner, address, cancellable, callback, user_data);
}

static int
cut_connect_finish(EhdLink *link, GAsyncResult *result, GError **error)
{
    CutLink *self = (CutLink *)link;
    int fd = ehd_link_connect_finish(self->inner, result, error);

    if (fd >= 0 && self->down) {
        close(fd);
        ehd_error_set(error, EHP_LINK_LOST, "out of range");
        return -1;
    }
    if (fd >= 0)
        remember(self, fd);
    return fd;
}

static gboolean
cut_needs_lookup(EhdLink *link)
{
    return ((CutLink *)link)->looks_up;
}

static void
cut_be_found(EhdLink *link)
{
    ((CutLink *)link)->shown++;
}

static gboolean
cut_describe(EhdLink *link, EhdLinkDescription *text, GError **error)
{
    return ehd_link_describe(((CutLink *)link)->inner, text, error);
}

static void
forget(CutLink *self, gboolean end)
{
    for (guint i = 0; i < self->fds->len; i++) {
        int fd = g_array_index(self->fds, int, i);

        if (end)
            shutdown(fd, SHUT_RDWR);
        close(fd);
    }
    g_array_set_size(self->fds, 0);
}

static void
cut_free(EhdLink *link)
{
    CutLink *self = (CutLink *)link;

    forget(self, FALSE);
    g_array_unref(self->fds);
    ehd_link_free(self->inner);
    g_free(self);
}

static void
cut_oob_take_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, NULL, callback, user_data);

    g_task_return_boolean(task, ((CutLink *)link)->has_oob);
}

static gboolean
cut_oob_take_finish(EhdLink *link, GAsyncResult *result, EhdLinkOob *own, GError **error)
{
    CutLink *self = (CutLink *)link;

    if (!g_task_propagate_boolean(G_TASK(result), error)) {
        ehd_error_set(error, EHP_LINK_UNAVAILABLE, NULL);
        return FALSE;
    }
    self->oob.taken++;
    *own = self->own;
    return TRUE;
}

static void
cut_oob_drop(EhdLink *link)
{
    ((CutLink *)link)->oob.dropped++;
}

static void
cut_oob_add(EhdLink *link, const EhdLinkOob *peer)
{
    CutLink *self = (CutLink *)link;

    self->oob.added++;
    self->oob.last = *peer;
    self->oob.before_first = self->connects == 0;
}

static void
cut_oob_remove(EhdLink *link, const guint8 address[EHD_LINK_ADDRESS_LEN])
{
    CutLink *self = (CutLink *)link;

    g_assert_cmpmem(address, EHD_LINK_ADDRESS_LEN, self->oob.last.address,
                    EHD_LINK_ADDRESS_LEN);
    self->oob.removed++;
}

static const EhdLinkOps ops = {
    .kind = "cut",
    .write_max = 65536,
    .listen_async = cut_listen_async,
    .listen_finish = cut_listen_finish,
    .stop = cut_stop,
    .watch = cut_watch,
    .needs_lookup = cut_needs_lookup,
    .be_found = cut_be_found,
    .connect_async = cut_connect_async,
    .connect_finish = cut_connect_finish,
    .oob_take_async = cut_oob_take_async,
    .oob_take_finish = cut_oob_take_finish,
    .oob_drop = cut_oob_drop,
    .oob_add = cut_oob_add,
    .oob_remove = cut_oob_remove,
    .describe = cut_describe,
    .free = cut_free,
};

CutLink *
cut_link_new(EhdLink *inner)
{
    CutLink *self = g_new0(CutLink, 1);

    self->base.ops = &ops;
    self->inner = inner;
    self->fds = g_array_new(FALSE, FALSE, sizeof(int));
    return self;
}

EhdLink *
cut_link_get(CutLink *self)
{
    return &self->base;
}

void
cut_link_down(CutLink *self)
{
    self->down = TRUE;
    forget(self, TRUE);
}

void
cut_link_up(CutLink *self)
{
    self->down = FALSE;
}

void
cut_link_snap(CutLink *self)
{
    forget(self, TRUE);
}

void
cut_link_tell(CutLink *self, ehp_status status)
{
    g_assert_nonnull(self->on_watch);
    self->on_watch(status, self->watch_data);
}

void
cut_link_set_lookup(CutLink *link)
{
    link->looks_up = TRUE;
}

guint
cut_link_get_shown(CutLink *link)
{
    return link->shown;
}

guint
cut_link_get_connects(CutLink *self)
{
    return self->connects;
}

void
cut_link_set_oob(CutLink *self, const guint8 address[EHD_LINK_ADDRESS_LEN], guint8 byte)
{
    self->has_oob = TRUE;
    memcpy(self->own.address, address, sizeof self->own.address);
    memset(self->own.data, byte, sizeof self->own.data);
}

const CutOob *
cut_link_get_oob(CutLink *self)
{
    return &self->oob;
}

const EhdLinkAddress *
cut_link_get_address(CutLink *self)
{
    return &self->address;
}
