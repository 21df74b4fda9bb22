/* SPDX-License-Identifier: Apache-2.0
 *
 * Calling the methods of a session. An attached session calls the process that it is attached
 * to, not whoever has the name: a call that the end of the service interrupts then fails at
 * once, is parked, and is made again when the session is attached to the next one.
 */
#include "session-private.h"

#include <gio/gunixfdlist.h>

#include "bus-error.h"
#include "item-private.h"
#include "names.h"
#include "words-private.h"

typedef struct {
    const EhrlinkMethod *method; /* static */
    char *path;
    GVariant *parameters;
    gboolean repeated;
    guint generation;
    GUnixFDList *fds;
} Call;

static void
call_free(Call *call)
{
    g_free(call->path);
    g_variant_unref(call->parameters);
    g_clear_object(&call->fds);
    g_free(call);
}

static void issue(GTask *task);

/* One that was through before is not shown with its items after a restart. */
static gboolean
goes_back(EhrlinkSession *self, const Call *call)
{
    g_autoptr(GVariant) items = g_variant_get_child_value(call->parameters, 0);
    g_autoptr(GVariant) reply =
        g_variant_lookup_value(self->details, "reply", G_VARIANT_TYPE_VARDICT);
    guint32 n = 0;

    return reply != NULL && g_variant_lookup(reply, "items", "u", &n) &&
           n == g_variant_n_children(items) &&
           g_strcmp0(ehrlink_session_get_reply_state(self), "failed") != 0;
}

/* The first try was carried out, and only its answer was lost. While items still come,
 * ItemStored is too early at every try: the service keeps its copy, and gives it again. What
 * the clinic sends back is never too early. */
static gboolean
was_carried_out(EhrlinkSession *self, const Call *call, const GError *error)
{
    const char *status = ehrlink_session_get_status(self);

    if (!call->repeated)
        return FALSE;
    if (g_str_equal(call->method->name, "ItemStored"))
        return g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_FOUND) ||
               (g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE) &&
                (call->method->of_reply || !ehrlink_session_items_still_come(self)));
    if (!g_error_matches(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE))
        return FALSE;
    if (g_str_equal(call->method->name, "Reply"))
        return goes_back(self, call);
    if (g_str_equal(call->method->name, "File"))
        return g_strcmp0(status, "filed") == 0;
    if (g_str_equal(call->method->name, "Discard"))
        return g_strcmp0(status, "discarded") == 0 || g_strcmp0(status, "rejected") == 0;
    return FALSE;
}

/* Until the session is attached again, unless it was given up: then nobody would come for it.
 */
static void
park(EhrlinkSession *self, GTask *task)
{
    if (self->failure != NULL)
        g_task_return_error(task, g_error_copy(self->failure));
    else
        g_ptr_array_add(self->parked, g_object_ref(task));
}

static void
park_or_repeat(EhrlinkSession *self, GTask *task, Call *call)
{
    call->repeated = TRUE;
    if (self->lost || call->generation == self->generation)
        park(self, task);
    else
        issue(task);
}

static void
on_reply(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhrlinkSession *self = g_task_get_source_object(task);
    Call *call = g_task_get_task_data(task);
    g_autoptr(GError) error = NULL;
    GVariant *reply;

    g_clear_object(&call->fds);
    reply = g_dbus_connection_call_with_unix_fd_list_finish(G_DBUS_CONNECTION(source),
                                                            &call->fds, result, &error);
    if (reply != NULL) {
        g_task_return_pointer(task, reply, (GDestroyNotify)g_variant_unref);
        return;
    }
    if (ehrlink_bus_error_is_gone(error) && self->attached && call->method->repeat) {
        park_or_repeat(self, task, call);
        return;
    }
    error = ehrlink_bus_error_map(g_steal_pointer(&error));
    if (was_carried_out(self, call, error))
        g_task_return_pointer(task, g_variant_ref_sink(g_variant_new("()")),
                              (GDestroyNotify)g_variant_unref);
    else
        g_task_return_error(task, g_steal_pointer(&error));
}

static void
issue(GTask *task)
{
    EhrlinkSession *self = g_task_get_source_object(task);
    Call *call = g_task_get_task_data(task);
    const char *destination = self->attached ? self->client->owner : BUS_NAME;

    call->generation = self->generation;
    if (self->lost || destination == NULL) {
        if (call->method->repeat)
            park(self, task);
        else
            g_task_return_new_error(task, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE,
                                    N_("the ehrlink service is being started again"));
        return;
    }
    g_dbus_connection_call_with_unix_fd_list(
        self->client->connection, destination, call->path, call->method->interface,
        call->method->name, call->parameters, G_VARIANT_TYPE(call->method->reply),
        self->attached ? G_DBUS_CALL_FLAGS_NO_AUTO_START : G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT,
        NULL, g_task_get_cancellable(task), on_reply, g_object_ref(task));
}

void
ehrlink_session_call(EhrlinkSession *self, const EhrlinkMethod *method, GVariant *parameters,
                     GCancellable *cancellable, GAsyncReadyCallback callback,
                     gpointer user_data)
{
    g_autoptr(GTask) task = g_task_new(self, cancellable, callback, user_data);
    gboolean of_transfer = g_str_equal(method->interface, TRANSFER_INTERFACE);
    Call *call = g_new0(Call, 1);

    call->method = method;
    call->path = g_strdup(!of_transfer       ? self->path
                          : method->of_reply ? self->reply
                                             : self->transfer);
    call->parameters = g_variant_ref_sink(parameters);
    g_task_set_source_tag(task, TAG(ehrlink_session_call));
    g_task_set_task_data(task, call, (GDestroyNotify)call_free);
    issue(task);
}

GVariant *
ehrlink_session_call_finish(EhrlinkSession *self, GAsyncResult *result, GUnixFDList **fds,
                            GError **error)
{
    Call *call = g_task_get_task_data(G_TASK(result));

    if (fds != NULL)
        *fds = g_steal_pointer(&call->fds);
    return g_task_propagate_pointer(G_TASK(result), error);
}

void
ehrlink_session_unpark(EhrlinkSession *self)
{
    g_autoptr(GPtrArray) parked = g_steal_pointer(&self->parked);

    self->parked = g_ptr_array_new_with_free_func(g_object_unref);
    for (guint i = 0; i < parked->len; i++) {
        GTask *task = parked->pdata[i];

        if (g_task_return_error_if_cancelled(task))
            continue;
        if (self->failure != NULL)
            g_task_return_error(task, g_error_copy(self->failure));
        else
            issue(task);
    }
}
