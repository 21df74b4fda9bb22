/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon starts without a link, so that doctor can say what is missing. Main thread.
 */
#include "daemon/link/none.h"

#include "daemon/error.h"

typedef struct {
    EhdLink base;
    char *why; /* owned */
} EhdLinkNone;

static void
refuse(EhdLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
       gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(NULL, cancellable, callback, user_data);

    g_task_return_new_error(task, EHD_ERROR, EHP_LINK_UNAVAILABLE, "%s",
                            ((EhdLinkNone *)link)->why);
}

static void
none_listen_async(EhdLink *link, EhdLinkIncoming on_incoming, gpointer incoming_data,
                  GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    refuse(link, cancellable, callback, user_data);
}

static gboolean
none_listen_finish(EhdLink *link, GAsyncResult *result, EhdLinkAddress *address, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
none_stop(EhdLink *link)
{
}

static void
none_connect_async(EhdLink *link, const EhdLinkAddress *address, GCancellable *cancellable,
                   GAsyncReadyCallback callback, gpointer user_data)
{
    refuse(link, cancellable, callback, user_data);
}

static int
none_connect_finish(EhdLink *link, GAsyncResult *result, GError **error)
{
    return (int)g_task_propagate_int(G_TASK(result), error);
}

static gboolean
none_describe(EhdLink *link, char **text, GError **error)
{
    *text = g_strdup("no link");
    ehd_error_set(error, EHP_LINK_UNAVAILABLE, "%s", ((EhdLinkNone *)link)->why);
    return FALSE;
}

static void
none_free(EhdLink *link)
{
    g_free(((EhdLinkNone *)link)->why);
    g_free(link);
}

static const EhdLinkOps none_ops = {
    .kind = "none",
    .listen_async = none_listen_async,
    .listen_finish = none_listen_finish,
    .stop = none_stop,
    .connect_async = none_connect_async,
    .connect_finish = none_connect_finish,
    .describe = none_describe,
    .free = none_free,
};

EhdLink *
ehd_link_none_new(const char *why)
{
    EhdLinkNone *self = g_new0(EhdLinkNone, 1);

    self->base.ops = &none_ops;
    self->why = g_strdup(why);
    return &self->base;
}
