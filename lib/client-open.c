/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening sessions: look at the files, export the agent, call the service, fetch the details;
 * only then does the caller get the object.
 */
#include "session-private.h"

#include <string.h>

#include "bus-error.h"
#include "item-private.h"
#include "names.h"
#include "words-private.h"

typedef struct {
    const char *method; /* Send, Receive or Reattach */
    char *path;         /* Reattach */
    GPtrArray *items;   /* NULL at a receiver */
    GVariant *options;
    EhrlinkSession *session;
    GSource *watch; /* on the cancellable, then the timer of a caller that gave up */
    gboolean given_up;
} Open;

/* How long a cancelled caller waits for the service to say whether it opened a session: behind
 * a prompt for a password that may take minutes. */
#define GIVE_UP_MS 2000

static void
open_free(Open *open)
{
    g_free(open->path);
    g_clear_pointer(&open->items, g_ptr_array_unref);
    g_clear_pointer(&open->options, g_variant_unref);
    g_clear_object(&open->session);
    g_free(open);
}

/* --- the last steps --------------------------------------------------------------------------
 */

static void
on_abandoned(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhrlinkSession *session = EHRLINK_SESSION(source);

    ehrlink_session_cancel_finish(session, result, NULL);
    ehrlink_session_detach(session);
    g_task_return_error_if_cancelled(task);
}

static void
on_refreshed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhrlinkSession *session = EHRLINK_SESSION(source);
    GError *error = NULL;

    if (g_cancellable_is_cancelled(g_task_get_cancellable(task))) {
        ehrlink_session_refresh_finish(session, result, NULL);
        ehrlink_session_cancel_async(session, NULL, on_abandoned, g_steal_pointer(&task));
    } else if (!ehrlink_session_refresh_finish(session, result, &error)) {
        ehrlink_session_detach(session);
        g_task_return_error(task, error);
    } else {
        g_task_return_pointer(task, g_object_ref(session), g_object_unref);
    }
}

/* The caller was told long ago; what was opened for it all the same goes again. */
static void
on_late_cancelled(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;

    ehrlink_session_cancel_finish(EHRLINK_SESSION(source), result, NULL);
    ehrlink_session_detach(EHRLINK_SESSION(source));
}

static void
set_watch(Open *open, GSource *source)
{
    if (open->watch != NULL) {
        g_source_destroy(open->watch);
        g_source_unref(open->watch);
    }
    open->watch = source;
}

static gboolean
on_give_up(gpointer user_data)
{
    GTask *task = user_data;
    Open *open = g_task_get_task_data(task);

    open->given_up = TRUE;
    g_task_return_error_if_cancelled(task);
    return G_SOURCE_REMOVE;
}

static gboolean
on_cancel(GCancellable *cancellable, gpointer user_data)
{
    GTask *task = user_data;
    GSource *timer = g_timeout_source_new(GIVE_UP_MS);

    g_source_set_callback(timer, on_give_up, task, NULL);
    g_source_attach(timer, g_task_get_context(task));
    set_watch(g_task_get_task_data(task), timer);
    return G_SOURCE_REMOVE;
}

/* Until on_opened, which always comes and holds the task until then. */
static void
watch_cancellable(GTask *task)
{
    GCancellable *cancellable = g_task_get_cancellable(task);

    if (cancellable == NULL)
        return;
    GSource *source = g_cancellable_source_new(cancellable);
    g_source_set_callback(source, G_SOURCE_FUNC(on_cancel), task, NULL);
    g_source_attach(source, g_task_get_context(task));
    set_watch(g_task_get_task_data(task), source);
}

static void
on_opened(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhrlinkClient *self = g_task_get_source_object(task);
    Open *open = g_task_get_task_data(task);
    g_autoptr(GVariant) reply = NULL;
    GError *error = NULL;
    const char *path = open->path;

    set_watch(open, NULL);
    reply = ehrlink_client_call_finish(self, result, &error);
    if (reply == NULL) {
        ehrlink_agent_unexport(open->session);
        if (open->given_up)
            g_error_free(error);
        else
            g_task_return_error(task, error);
        return;
    }
    if (path == NULL)
        g_variant_get(reply, "(&o)", &path);
    ehrlink_session_attach(open->session, path);
    if (open->given_up) {
        ehrlink_session_cancel_async(open->session, NULL, on_late_cancelled,
                                     g_steal_pointer(&task));
        return;
    }
    ehrlink_session_refresh_async(open->session, NULL, on_refreshed, g_steal_pointer(&task));
}

static GVariant *
parameters_of(Open *open)
{
    GVariant *options = ehrlink_session_agent_options(open->session, open->options);

    if (open->path != NULL)
        return g_variant_new("(o@a{sv})", open->path, options);
    if (open->items != NULL)
        return g_variant_new("(@aa{sv}@a{sv})", open->session->descriptions, options);
    return g_variant_new("(@a{sv})", options);
}

/* Takes the task. Without its cancellable: whether the service opened a session is to be known.
 */
static void
call_service(GTask *task)
{
    EhrlinkClient *self = g_task_get_source_object(task);
    Open *open = g_task_get_task_data(task);
    GError *error = NULL;

    open->session = ehrlink_session_new(self, open->path);
    if (open->items != NULL)
        ehrlink_session_set_items(open->session, open->items);
    if (open->items != NULL && open->path != NULL) {
        g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(open->options);

        g_variant_dict_insert_value(&dict, "items", open->session->descriptions);
        g_clear_pointer(&open->options, g_variant_unref);
        open->options = g_variant_ref_sink(g_variant_dict_end(&dict));
    }
    if (!ehrlink_agent_export(open->session, &error)) {
        g_task_return_error(task, ehrlink_bus_error_map(error));
        g_object_unref(task);
        return;
    }
    ehrlink_client_call(self, open->method, parameters_of(open),
                        open->path == NULL ? "(o)" : "()", NULL, on_opened, task);
    if (open->path == NULL)
        watch_cancellable(task);
}

/* --- looking at the files --------------------------------------------------------------------
 */

static void
look_in_thread(GTask *task, gpointer source_object, gpointer task_data,
               GCancellable *cancellable)
{
    GPtrArray *items = task_data;
    GError *error = NULL;

    for (guint i = 0; i < items->len; i++) {
        if (g_cancellable_set_error_if_cancelled(cancellable, &error) ||
            !ehrlink_source_look(ehrlink_item_get_source(items->pdata[i]), &error)) {
            g_task_return_error(task, error);
            return;
        }
    }
    g_task_return_boolean(task, TRUE);
}

static void
on_looked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GTask *task = user_data;
    GError *error = NULL;

    if (g_task_propagate_boolean(G_TASK(result), &error)) {
        call_service(task);
        return;
    }
    g_task_return_error(task, error);
    g_object_unref(task);
}

static void
look(GTask *task)
{
    Open *open = g_task_get_task_data(task);
    g_autoptr(GTask) looking = g_task_new(g_task_get_source_object(task),
                                          g_task_get_cancellable(task), on_looked, task);

    g_task_set_task_data(looking, g_ptr_array_ref(open->items),
                         (GDestroyNotify)g_ptr_array_unref);
    g_task_run_in_thread(looking, look_in_thread);
}

/* --- the three ways in -----------------------------------------------------------------------
 */

static GTask *
new_task(EhrlinkClient *self, const char *method, GVariant *options, GCancellable *cancellable,
         GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(self, cancellable, callback, user_data);
    Open *open = g_new0(Open, 1);

    open->method = method;
    open->options = options != NULL ? g_variant_ref_sink(options) : NULL;
    g_task_set_source_tag(task, TAG(new_task));
    g_task_set_check_cancellable(task, FALSE);
    g_task_set_task_data(task, open, (GDestroyNotify)open_free);
    return task;
}

/* Takes the task if it is to fail. */
static gboolean
check_options(GTask *task)
{
    Open *open = g_task_get_task_data(task);
    g_autoptr(GVariant) agent = NULL;

    if (open->options == NULL)
        return TRUE;
    if (!g_variant_is_of_type(open->options, G_VARIANT_TYPE_VARDICT)) {
        g_task_return_new_error(task, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                                N_("options are not of type a{sv}"));
        g_object_unref(task);
        return FALSE;
    }
    agent = g_variant_lookup_value(open->options, "agent", NULL);
    if (agent == NULL)
        return TRUE;
    g_task_return_new_error(task, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                            N_("the agent is the library's own"));
    g_object_unref(task);
    return FALSE;
}

/* Takes the task if it is to fail. */
static gboolean
take_items(GTask *task, EhrlinkItem **items, gsize n_items)
{
    Open *open = g_task_get_task_data(task);

    open->items = g_ptr_array_new_with_free_func(g_object_unref);
    for (gsize i = 0; i < n_items; i++) {
        if (ehrlink_item_get_source(items[i]) == NULL) {
            g_task_return_new_error(task, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                                    N_("a received item has no file to be sent"));
            g_object_unref(task);
            return FALSE;
        }
        g_ptr_array_add(open->items, g_object_ref(items[i]));
    }
    return TRUE;
}

void
ehrlink_client_send_async(EhrlinkClient *self, EhrlinkItem **items, gsize n_items,
                          GVariant *options, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task;

    g_return_if_fail(EHRLINK_IS_CLIENT(self) && (items != NULL || n_items == 0));

    task = new_task(self, "Send", options, cancellable, callback, user_data);
    if (check_options(task) && take_items(task, items, n_items))
        look(task);
}

void
ehrlink_client_receive_async(EhrlinkClient *self, GVariant *options, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task;

    g_return_if_fail(EHRLINK_IS_CLIENT(self));

    task = new_task(self, "Receive", options, cancellable, callback, user_data);
    if (check_options(task))
        call_service(task);
}

void
ehrlink_client_reattach_async(EhrlinkClient *self, const char *path, EhrlinkItem **items,
                              gsize n_items, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task;

    g_return_if_fail(EHRLINK_IS_CLIENT(self) && (items != NULL || n_items == 0));
    g_return_if_fail(path != NULL && g_variant_is_object_path(path) &&
                     g_str_has_prefix(path, SESSION_PREFIX));

    task = new_task(self, "Reattach", NULL, cancellable, callback, user_data);
    ((Open *)g_task_get_task_data(task))->path = g_strdup(path);
    if (n_items == 0)
        call_service(task);
    else if (take_items(task, items, n_items))
        look(task);
}

static EhrlinkSession *
finish_open(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    EhrlinkSession *session;

    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    g_return_val_if_fail(g_async_result_is_tagged(result, TAG(new_task)), NULL);

    session = g_task_propagate_pointer(G_TASK(result), error);
    if (session != NULL)
        ehrlink_session_release(session);
    return session;
}

EhrlinkSession *
ehrlink_client_send_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_open(self, result, error);
}

EhrlinkSession *
ehrlink_client_receive_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_open(self, result, error);
}

EhrlinkSession *
ehrlink_client_reattach_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_open(self, result, error);
}
