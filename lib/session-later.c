/* SPDX-License-Identifier: Apache-2.0
 *
 * Beyond the first transfer of a session: items named in the answer, more asked for, replies.
 * Files are looked at on a worker thread before the service hears of them.
 */
#include "session-private.h"

#include "item-private.h"
#include "names.h"
#include "words-private.h"

static const EhrlinkMethod request_items = {SESSION_INTERFACE, "RequestItems", "()", FALSE,
                                            FALSE};
static const EhrlinkMethod send_back = {SESSION_INTERFACE, "Reply", "()", TRUE, FALSE};

/* ---------------------------------------------------------------- looking */

gboolean
ehrlink_session_get_may_ask(EhrlinkSession *self)
{
    gboolean may = FALSE;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);
    g_variant_lookup(self->details, "may-ask", "b", &may);
    return may;
}

gboolean
ehrlink_session_get_peer_left(EhrlinkSession *self)
{
    gboolean may = TRUE;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);
    g_variant_lookup(self->details, "may-ask", "b", &may);
    return !may;
}

gboolean
ehrlink_session_get_request_list(EhrlinkSession *self)
{
    g_autoptr(GVariant) request = NULL;
    gboolean list = FALSE;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);
    request = ehrlink_session_get_request(self);
    if (request != NULL)
        g_variant_lookup(request, "list", "b", &list);
    return list;
}

const guint *
ehrlink_session_get_matching(EhrlinkSession *self, gsize *n_ids)
{
    g_autoptr(GVariant) ids = NULL;

    *n_ids = 0;
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    ids = g_variant_lookup_value(self->details, "matching", G_VARIANT_TYPE("au"));
    /* lives as long as the details that it is a part of */
    return ids != NULL ? g_variant_get_fixed_array(ids, n_ids, sizeof(guint32)) : NULL;
}

const char *
ehrlink_session_get_reply_state(EhrlinkSession *self)
{
    g_autoptr(GVariant) reply = NULL;
    const char *state = NULL;

    g_return_val_if_fail(EHRLINK_IS_SESSION(self), NULL);
    reply = g_variant_lookup_value(self->details, "reply", G_VARIANT_TYPE_VARDICT);
    if (reply != NULL)
        g_variant_lookup(reply, "state", "&s", &state);
    return g_intern_string(state);
}

/* ---------------------------------------------------------------- files to be sent */

typedef struct {
    GPtrArray *items;
    GVariant *options; /* of an answer; NULL: none */
} Files;

static void
files_free(Files *files)
{
    g_ptr_array_unref(files->items);
    g_clear_pointer(&files->options, g_variant_unref);
    g_free(files);
}

static void
look_in_thread(GTask *task, gpointer source_object, gpointer task_data,
               GCancellable *cancellable)
{
    Files *files = task_data;
    GError *error = NULL;

    for (guint i = 0; i < files->items->len; i++) {
        EhrlinkSource *source = ehrlink_item_get_source(files->items->pdata[i]);

        if (source == NULL)
            g_set_error_literal(&error, EHRLINK_ERROR, EHRLINK_ERROR_INVALID_ARGUMENT,
                                N_("a received item has no file to be sent"));
        if (error != NULL || g_cancellable_set_error_if_cancelled(cancellable, &error) ||
            !ehrlink_source_look(source, &error)) {
            g_task_return_error(task, error);
            return;
        }
    }
    g_task_return_boolean(task, TRUE);
}

/* Takes the task; done gets it. */
static void
look(GTask *task, EhrlinkItem **items, gsize n, GVariant *options, GAsyncReadyCallback done)
{
    Files *files = g_new0(Files, 1);
    g_autoptr(GTask) looking =
        g_task_new(g_task_get_source_object(task), g_task_get_cancellable(task), done, task);

    files->items = g_ptr_array_new_with_free_func(g_object_unref);
    for (gsize i = 0; i < n; i++)
        g_ptr_array_add(files->items, g_object_ref(items[i]));
    files->options = options != NULL ? g_variant_ref_sink(options) : NULL;
    g_task_set_task_data(looking, files, (GDestroyNotify)files_free);
    g_task_run_in_thread(looking, look_in_thread);
}

/* From now on the service asks for these. */
static void
take_items(EhrlinkSession *self, GPtrArray *items)
{
    g_clear_pointer(&self->items, g_ptr_array_unref);
    g_clear_pointer(&self->descriptions, g_variant_unref);
    ehrlink_session_set_items(self, items);
}

static void
on_offer_looked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhrlinkSession *self = EHRLINK_SESSION(source);
    Files *files = g_task_get_task_data(G_TASK(result));
    g_auto(GVariantDict) dict = G_VARIANT_DICT_INIT(files->options);
    GError *error = NULL;

    if (!g_task_propagate_boolean(G_TASK(result), &error)) {
        g_task_return_error(task, error);
        return;
    }
    if (self->question == NULL) {
        g_task_return_new_error(task, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE,
                                N_("nobody asks any more"));
        return;
    }
    take_items(self, files->items);
    g_variant_dict_insert_value(&dict, "offer", self->descriptions);
    ehrlink_session_answer_consent(self, TRUE, NULL, 0, g_variant_dict_end(&dict));
    g_task_return_boolean(task, TRUE);
}

void
ehrlink_session_offer_items_async(EhrlinkSession *self, EhrlinkItem **items, gsize n_items,
                                  GVariant *options, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task;

    g_return_if_fail(EHRLINK_IS_SESSION(self) && (items != NULL || n_items == 0));

    task = g_task_new(self, cancellable, callback, user_data);
    g_task_set_source_tag(task, TAG(ehrlink_session_offer_items_async));
    look(task, items, n_items, options, on_offer_looked);
}

gboolean
ehrlink_session_offer_items_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---------------------------------------------------------------- terminal */

static void
on_simple_reply(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    GError *error = NULL;
    g_autoptr(GVariant) reply =
        ehrlink_session_call_finish(EHRLINK_SESSION(source), result, NULL, &error);

    if (reply == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
}

/* From here on the service has it, over its own end: what it brings is told of, even if its
 * coming was not seen. */
static void
on_items_requested(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhrlinkSession *self = EHRLINK_SESSION(source);
    GError *error = NULL;
    g_autoptr(GVariant) reply = ehrlink_session_call_finish(self, result, NULL, &error);

    if (reply == NULL) {
        g_task_return_error(task, error);
        return;
    }
    self->arrived = FALSE;
    self->due &= ~DUE_ARRIVED;
    g_task_return_boolean(task, TRUE);
}

void
ehrlink_session_request_items_async(EhrlinkSession *self, GVariant *queries, gboolean list,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
    GTask *task;

    g_return_if_fail(EHRLINK_IS_SESSION(self) && queries != NULL);

    task = g_task_new(self, cancellable, callback, user_data);
    g_task_set_source_tag(task, TAG(ehrlink_session_request_items_async));
    g_variant_dict_insert(&options, "list", "b", list);
    ehrlink_session_call(
        self, &request_items,
        g_variant_new("(@aa{sv}@a{sv})", queries, g_variant_dict_end(&options)), cancellable,
        on_items_requested, task);
}

gboolean
ehrlink_session_request_items_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
on_reply_looked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GTask *task = user_data;
    EhrlinkSession *self = EHRLINK_SESSION(source);
    Files *files = g_task_get_task_data(G_TASK(result));
    GError *error = NULL;

    if (!g_task_propagate_boolean(G_TASK(result), &error)) {
        g_task_return_error(task, error);
        g_object_unref(task);
        return;
    }
    take_items(self, files->items);
    ehrlink_session_call(self, &send_back,
                         g_variant_new("(@aa{sv}a{sv})", self->descriptions, NULL),
                         g_task_get_cancellable(task), on_simple_reply, task);
}

void
ehrlink_session_reply_async(EhrlinkSession *self, EhrlinkItem **items, gsize n_items,
                            GCancellable *cancellable, GAsyncReadyCallback callback,
                            gpointer user_data)
{
    GTask *task;

    g_return_if_fail(EHRLINK_IS_SESSION(self) && (items != NULL || n_items == 0));

    task = g_task_new(self, cancellable, callback, user_data);
    g_task_set_source_tag(task, TAG(ehrlink_session_reply_async));
    look(task, items, n_items, NULL, on_reply_looked);
}

gboolean
ehrlink_session_reply_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* ---------------------------------------------------------------- patient */

gboolean
ehrlink_session_answer_reply(EhrlinkSession *self, gboolean accepted)
{
    g_return_val_if_fail(EHRLINK_IS_SESSION(self), FALSE);

    if (self->offer == NULL)
        return FALSE;
    self->due &= ~DUE_OFFER;
    g_dbus_method_invocation_return_value(g_steal_pointer(&self->offer),
                                          g_variant_new("(ba{sv})", accepted, NULL));
    return TRUE;
}
