/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods of a session, one by one. All of them return to the caller what the service said.
 */
#include "session-private.h"

#include "item-private.h"
#include "names.h"
#include "words-private.h"

#define LIST_PAGE 256

static const EhrlinkMethod get_details = {SESSION_INTERFACE, "GetDetails", "(a{sv})", TRUE,
                                          FALSE};
static const EhrlinkMethod cancel = {SESSION_INTERFACE, "Cancel", "()", TRUE, FALSE};
static const EhrlinkMethod extend = {SESSION_INTERFACE, "Extend", "(u)", FALSE, FALSE};
/* Not repeated: after an interruption the person is to look again. */
static const EhrlinkMethod allow_unverified = {SESSION_INTERFACE, "AllowUnverified", "()",
                                               FALSE, FALSE};
static const EhrlinkMethod revoke_consent = {SESSION_INTERFACE, "Revoke", "()", TRUE, FALSE};
static const EhrlinkMethod file = {SESSION_INTERFACE, "File", "()", TRUE, FALSE};
static const EhrlinkMethod discard = {SESSION_INTERFACE, "Discard", "()", TRUE, FALSE};
static const EhrlinkMethod get_receipt = {SESSION_INTERFACE, "GetReceipt", "(ay)", TRUE, FALSE};
static const EhrlinkMethod get_origin = {SESSION_INTERFACE, "GetOrigin", "(ay)", TRUE, FALSE};
static const EhrlinkMethod get_progress = {TRANSFER_INTERFACE, "GetProgress", "(tta{sv})", TRUE,
                                           FALSE};
static const EhrlinkMethod list_items = {TRANSFER_INTERFACE, "ListItems", "(aa{sv})", TRUE,
                                         FALSE};
static const EhrlinkMethod list_replies = {TRANSFER_INTERFACE, "ListItems", "(aa{sv})", TRUE,
                                           TRUE};

static void
on_simple_reply(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    g_autoptr(GVariant) reply = NULL;
    GError *error = NULL;

    reply = ehrlink_session_call_finish(EHRLINK_SESSION(source), result, NULL, &error);
    if (reply == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_boolean(task, TRUE);
}

/* Takes the task. */
static void
call_simple(GTask *task, const EhrlinkMethod *method, GVariant *parameters)
{
    ehrlink_session_call(g_task_get_source_object(task), method, parameters,
                         g_task_get_cancellable(task), on_simple_reply, task);
}

static GTask *
new_task(EhrlinkSession *self, GCancellable *cancellable, GAsyncReadyCallback callback,
         gpointer user_data, gpointer tag)
{
    GTask *task = g_task_new(self, cancellable, callback, user_data);

    g_task_set_source_tag(task, tag);
    return task;
}

static GVariant *
no_options(void)
{
    return g_variant_new("(a{sv})", NULL);
}

static gboolean
finish_simple(EhrlinkSession *self, GAsyncResult *result, gpointer tag, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
    g_return_val_if_fail(g_async_result_is_tagged(result, tag), FALSE);
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
on_details(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhrlinkSession *self = EHRLINK_SESSION(source);
    g_autoptr(GTask) task = user_data;
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) details = NULL;
    GError *error = NULL;

    reply = ehrlink_session_call_finish(self, result, NULL, &error);
    if (reply == NULL) {
        g_task_return_error(task, error);
        return;
    }
    details = g_variant_get_child_value(reply, 0);
    ehrlink_session_take_details(self, details);
    g_task_return_boolean(task, TRUE);
}

void
ehrlink_session_refresh_async(EhrlinkSession *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self));

    ehrlink_session_call(
        self, &get_details, no_options(), cancellable, on_details,
        new_task(self, cancellable, callback, user_data, TAG(ehrlink_session_refresh_async)));
}

gboolean
ehrlink_session_refresh_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    return finish_simple(self, result, TAG(ehrlink_session_refresh_async), error);
}

void
ehrlink_session_cancel_async(EhrlinkSession *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task;

    g_return_if_fail(EHRLINK_IS_SESSION(self));

    task = new_task(self, cancellable, callback, user_data, TAG(ehrlink_session_cancel_async));
    if (ehrlink_session_has_ended(self)) {
        g_task_return_boolean(task, TRUE);
        g_object_unref(task);
        return;
    }
    call_simple(task, &cancel, no_options());
}

gboolean
ehrlink_session_cancel_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    return finish_simple(self, result, TAG(ehrlink_session_cancel_async), error);
}

static void
on_extended(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    g_autoptr(GVariant) reply = NULL;
    GError *error = NULL;
    guint32 seconds = 0;

    reply = ehrlink_session_call_finish(EHRLINK_SESSION(source), result, NULL, &error);
    if (reply == NULL) {
        g_task_return_error(task, error);
        return;
    }
    g_variant_get(reply, "(u)", &seconds);
    g_task_return_int(task, MIN(seconds, G_MAXINT));
}

void
ehrlink_session_extend_async(EhrlinkSession *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self));

    ehrlink_session_call(
        self, &extend, no_options(), cancellable, on_extended,
        new_task(self, cancellable, callback, user_data, TAG(ehrlink_session_extend_async)));
}

int
ehrlink_session_extend_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), -1);
    return (int)g_task_propagate_int(G_TASK(result), error);
}

void
ehrlink_session_allow_unverified_async(EhrlinkSession *self, const char *fingerprint,
                                       GCancellable *cancellable, GAsyncReadyCallback callback,
                                       gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self) && fingerprint != NULL);

    call_simple(new_task(self, cancellable, callback, user_data,
                         TAG(ehrlink_session_allow_unverified_async)),
                &allow_unverified, g_variant_new("(sa{sv})", fingerprint, NULL));
}

gboolean
ehrlink_session_allow_unverified_finish(EhrlinkSession *self, GAsyncResult *result,
                                        GError **error)
{
    return finish_simple(self, result, TAG(ehrlink_session_allow_unverified_async), error);
}

void
ehrlink_session_revoke_async(EhrlinkSession *self, GCancellable *cancellable,
                             GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self));

    call_simple(
        new_task(self, cancellable, callback, user_data, TAG(ehrlink_session_revoke_async)),
        &revoke_consent, no_options());
}

gboolean
ehrlink_session_revoke_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    return finish_simple(self, result, TAG(ehrlink_session_revoke_async), error);
}

void
ehrlink_session_file_async(EhrlinkSession *self, GCancellable *cancellable,
                           GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self));

    call_simple(
        new_task(self, cancellable, callback, user_data, TAG(ehrlink_session_file_async)),
        &file, no_options());
}

gboolean
ehrlink_session_file_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    return finish_simple(self, result, TAG(ehrlink_session_file_async), error);
}

void
ehrlink_session_discard_async(EhrlinkSession *self, const char *rule, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_return_if_fail(EHRLINK_IS_SESSION(self));

    if (rule != NULL)
        g_variant_dict_insert(&options, "rule", "s", rule);
    call_simple(
        new_task(self, cancellable, callback, user_data, TAG(ehrlink_session_discard_async)),
        &discard, g_variant_new("(@a{sv})", g_variant_dict_end(&options)));
}

gboolean
ehrlink_session_discard_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    return finish_simple(self, result, TAG(ehrlink_session_discard_async), error);
}

static void
on_bytes(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) bytes = NULL;
    GError *error = NULL;

    reply = ehrlink_session_call_finish(EHRLINK_SESSION(source), result, NULL, &error);
    if (reply == NULL) {
        g_task_return_error(task, error);
        return;
    }
    bytes = g_variant_get_child_value(reply, 0);
    g_task_return_pointer(task, g_variant_get_data_as_bytes(bytes),
                          (GDestroyNotify)g_bytes_unref);
}

void
ehrlink_session_get_receipt_async(EhrlinkSession *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self));

    ehrlink_session_call(self, &get_receipt, no_options(), cancellable, on_bytes,
                         new_task(self, cancellable, callback, user_data,
                                  TAG(ehrlink_session_get_receipt_async)));
}

void
ehrlink_session_get_receipt_of_async(EhrlinkSession *self, guint transfer,
                                     GCancellable *cancellable, GAsyncReadyCallback callback,
                                     gpointer user_data)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_return_if_fail(EHRLINK_IS_SESSION(self));

    g_variant_dict_insert(&options, "transfer", "u", transfer);
    ehrlink_session_call(self, &get_receipt,
                         g_variant_new("(@a{sv})", g_variant_dict_end(&options)), cancellable,
                         on_bytes,
                         new_task(self, cancellable, callback, user_data,
                                  TAG(ehrlink_session_get_receipt_async)));
}

GBytes *
ehrlink_session_get_receipt_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

void
ehrlink_session_get_origin_async(EhrlinkSession *self, guint transfer,
                                 GCancellable *cancellable, GAsyncReadyCallback callback,
                                 gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self));

    ehrlink_session_call(self, &get_origin, g_variant_new("(ua{sv})", transfer, NULL),
                         cancellable, on_bytes,
                         new_task(self, cancellable, callback, user_data,
                                  TAG(ehrlink_session_get_origin_async)));
}

GBytes *
ehrlink_session_get_origin_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

/* --- what moves ----------------------------------------------------------------------------
 */

/* One that asks for a transfer that there is not yet; takes the task. */
static void
fail_unannounced(GTask *task)
{
    g_task_return_new_error(task, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE,
                            N_("nothing is announced yet"));
    g_object_unref(task);
}

static void
on_progress(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    GError *error = NULL;
    GVariant *reply =
        ehrlink_session_call_finish(EHRLINK_SESSION(source), result, NULL, &error);

    if (reply == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, reply, (GDestroyNotify)g_variant_unref);
}

void
ehrlink_session_get_progress_async(EhrlinkSession *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task;

    g_return_if_fail(EHRLINK_IS_SESSION(self));

    task = new_task(self, cancellable, callback, user_data,
                    TAG(ehrlink_session_get_progress_async));
    if (self->transfer == NULL)
        fail_unannounced(task);
    else
        ehrlink_session_call(self, &get_progress, no_options(), cancellable, on_progress, task);
}

gboolean
ehrlink_session_get_progress_finish(EhrlinkSession *self, GAsyncResult *result, guint64 *done,
                                    guint64 *total, guint *items_done, GError **error)
{
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) details = NULL;

    g_return_val_if_fail(g_task_is_valid(result, self), FALSE);
    reply = g_task_propagate_pointer(G_TASK(result), error);
    if (reply == NULL)
        return FALSE;
    if (done != NULL)
        g_variant_get_child(reply, 0, "t", done);
    if (total != NULL)
        g_variant_get_child(reply, 1, "t", total);
    if (items_done != NULL) {
        *items_done = 0;
        details = g_variant_get_child_value(reply, 2);
        g_variant_lookup(details, "items-done", "u", items_done);
    }
    return TRUE;
}

/* --- items ---------------------------------------------------------------------------------
 */

static void list_page(GTask *task, guint first);

static void
on_page(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    GPtrArray *items = g_task_get_task_data(task);
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) page = NULL;
    GError *error = NULL;
    guint64 next = 0;

    reply = ehrlink_session_call_finish(EHRLINK_SESSION(source), result, NULL, &error);
    if (reply == NULL) {
        g_task_return_error(task, error);
        return;
    }
    page = g_variant_get_child_value(reply, 0);
    for (gsize i = 0; i < g_variant_n_children(page); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(page, i);
        EhrlinkItem *item = ehrlink_item_new_from_variant(entry);

        g_ptr_array_add(items, item);
        next = MAX(next, (guint64)ehrlink_item_get_id(item) + 1);
    }
    if (next == 0 || next > G_MAXUINT32)
        g_task_return_pointer(task, g_ptr_array_ref(items), (GDestroyNotify)g_ptr_array_unref);
    else
        list_page(g_steal_pointer(&task), (guint)next);
}

/* Takes the task. An empty page is the end; ids of a narrowed list have gaps. */
static void
list_page(GTask *task, guint first)
{
    EhrlinkSession *self = g_task_get_source_object(task);

    gboolean replies = g_task_get_source_tag(task) == TAG(ehrlink_session_list_replies_async);

    ehrlink_session_call(self, replies ? &list_replies : &list_items,
                         g_variant_new("(uua{sv})", first, LIST_PAGE, NULL),
                         g_task_get_cancellable(task), on_page, task);
}

static void
list(GTask *task, const char *transfer)
{
    g_task_set_task_data(task, g_ptr_array_new_with_free_func(g_object_unref),
                         (GDestroyNotify)g_ptr_array_unref);
    if (transfer != NULL)
        list_page(task, 0);
    else
        fail_unannounced(task);
}

void
ehrlink_session_list_items_async(EhrlinkSession *self, GCancellable *cancellable,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self));

    list(
        new_task(self, cancellable, callback, user_data, TAG(ehrlink_session_list_items_async)),
        self->transfer);
}

void
ehrlink_session_list_replies_async(EhrlinkSession *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_SESSION(self));

    list(new_task(self, cancellable, callback, user_data,
                  TAG(ehrlink_session_list_replies_async)),
         self->reply);
}

GPtrArray *
ehrlink_session_list_replies_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

GPtrArray *
ehrlink_session_list_items_finish(EhrlinkSession *self, GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}
