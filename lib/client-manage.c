/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods of the manager that open nothing: identity, trust, receipts, sessions, diagnosis.
 */
#include "session-private.h"

#include "names.h"

static GTask *
new_task(EhrlinkClient *self, GCancellable *cancellable, GAsyncReadyCallback callback,
         gpointer user_data, gpointer tag)
{
    GTask *task = g_task_new(self, cancellable, callback, user_data);

    g_task_set_source_tag(task, tag);
    return task;
}

static void
on_reply(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    GError *error = NULL;
    GVariant *reply =
        ehrlink_client_call_finish(g_task_get_source_object(task), result, &error);

    if (reply == NULL)
        g_task_return_error(task, error);
    else
        g_task_return_pointer(task, reply, (GDestroyNotify)g_variant_unref);
}

/* Takes the task. */
static void
call(GTask *task, const char *method, GVariant *parameters, const char *reply_type)
{
    ehrlink_client_call(g_task_get_source_object(task), method, parameters, reply_type,
                        g_task_get_cancellable(task), on_reply, task);
}

/* The whole reply: a tuple. */
static GVariant *
finish_reply(EhrlinkClient *self, GAsyncResult *result, gpointer tag, GError **error)
{
    g_return_val_if_fail(g_task_is_valid(result, self), NULL);
    g_return_val_if_fail(g_async_result_is_tagged(result, tag), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}

static GVariant *
finish_first(EhrlinkClient *self, GAsyncResult *result, gpointer tag, GError **error)
{
    g_autoptr(GVariant) reply = finish_reply(self, result, tag, error);

    return reply != NULL ? g_variant_get_child_value(reply, 0) : NULL;
}

static GVariant *
no_options(void)
{
    return g_variant_new("(a{sv})", NULL);
}

static GVariant *
empty_if_null(GVariant *options)
{
    return options != NULL ? options : g_variant_new("a{sv}", NULL);
}

/* --- sessions -------------------------------------------------------------------------------
 */

void
ehrlink_client_list_sessions_async(EhrlinkClient *self, GCancellable *cancellable,
                                   GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self));

    call(new_task(self, cancellable, callback, user_data,
                  TAG(ehrlink_client_list_sessions_async)),
         "ListSessions", no_options(), "(aa{sv})");
}

static EhrlinkSession *
session_of(EhrlinkClient *self, GVariant *entry)
{
    EhrlinkSession *session;
    const char *path;

    if (!g_variant_lookup(entry, "path", "&o", &path) ||
        !g_str_has_prefix(path, SESSION_PREFIX))
        return NULL;
    session = g_hash_table_lookup(self->sessions, path);
    if (session != NULL)
        return g_object_ref(session);
    session = ehrlink_session_new(self, path);
    ehrlink_session_set_details(session, entry);
    return session;
}

GPtrArray *
ehrlink_client_list_sessions_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    g_autoptr(GVariant) list =
        finish_first(self, result, TAG(ehrlink_client_list_sessions_async), error);
    GPtrArray *sessions;

    if (list == NULL)
        return NULL;
    sessions = g_ptr_array_new_with_free_func(g_object_unref);
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) entry = g_variant_get_child_value(list, i);
        EhrlinkSession *session = session_of(self, entry);

        if (session != NULL)
            g_ptr_array_add(sessions, session);
    }
    return sessions;
}

/* --- identity -------------------------------------------------------------------------------
 */

void
ehrlink_client_get_identity_async(EhrlinkClient *self, GCancellable *cancellable,
                                  GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self));

    call(new_task(self, cancellable, callback, user_data,
                  TAG(ehrlink_client_get_identity_async)),
         "GetIdentity", no_options(), "(a{sv})");
}

GVariant *
ehrlink_client_get_identity_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_first(self, result, TAG(ehrlink_client_get_identity_async), error);
}

void
ehrlink_client_init_identity_async(EhrlinkClient *self, GVariant *options,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self));
    g_return_if_fail(options == NULL || g_variant_is_of_type(options, G_VARIANT_TYPE_VARDICT));

    call(new_task(self, cancellable, callback, user_data,
                  TAG(ehrlink_client_init_identity_async)),
         "InitIdentity", g_variant_new("(@a{sv})", empty_if_null(options)), "(a{sv})");
}

GVariant *
ehrlink_client_init_identity_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_first(self, result, TAG(ehrlink_client_init_identity_async), error);
}

void
ehrlink_client_import_identity_async(EhrlinkClient *self, const char *chain,
                                     const char *const *crls, GCancellable *cancellable,
                                     GAsyncReadyCallback callback, gpointer user_data)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_return_if_fail(EHRLINK_IS_CLIENT(self) && chain != NULL);

    if (crls != NULL)
        g_variant_dict_insert(&options, "crls", "^as", crls);
    call(new_task(self, cancellable, callback, user_data,
                  TAG(ehrlink_client_import_identity_async)),
         "ImportIdentity", g_variant_new("(s@a{sv})", chain, g_variant_dict_end(&options)),
         "(a{sv})");
}

GVariant *
ehrlink_client_import_identity_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_first(self, result, TAG(ehrlink_client_import_identity_async), error);
}

/* --- trust ----------------------------------------------------------------------------------
 */

void
ehrlink_client_add_trust_async(EhrlinkClient *self, const char *certificate,
                               GCancellable *cancellable, GAsyncReadyCallback callback,
                               gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self) && certificate != NULL);

    call(new_task(self, cancellable, callback, user_data, TAG(ehrlink_client_add_trust_async)),
         "AddTrust", g_variant_new("(sa{sv})", certificate, NULL), "(s)");
}

char *
ehrlink_client_add_trust_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    g_autoptr(GVariant) fingerprint =
        finish_first(self, result, TAG(ehrlink_client_add_trust_async), error);

    return fingerprint != NULL ? g_variant_dup_string(fingerprint, NULL) : NULL;
}

void
ehrlink_client_list_trust_async(EhrlinkClient *self, GCancellable *cancellable,
                                GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self));

    call(new_task(self, cancellable, callback, user_data, TAG(ehrlink_client_list_trust_async)),
         "ListTrust", no_options(), "(aa{sv})");
}

GVariant *
ehrlink_client_list_trust_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_first(self, result, TAG(ehrlink_client_list_trust_async), error);
}

void
ehrlink_client_remove_trust_async(EhrlinkClient *self, const char *fingerprint,
                                  GCancellable *cancellable, GAsyncReadyCallback callback,
                                  gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self) && fingerprint != NULL);

    call(new_task(self, cancellable, callback, user_data,
                  TAG(ehrlink_client_remove_trust_async)),
         "RemoveTrust", g_variant_new("(sa{sv})", fingerprint, NULL), "()");
}

gboolean
ehrlink_client_remove_trust_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    g_autoptr(GVariant) reply =
        finish_reply(self, result, TAG(ehrlink_client_remove_trust_async), error);

    return reply != NULL;
}

/* --- receipts, diagnosis ---------------------------------------------------------------------
 */

void
ehrlink_client_verify_receipt_async(EhrlinkClient *self, GBytes *receipt,
                                    GCancellable *cancellable, GAsyncReadyCallback callback,
                                    gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self) && receipt != NULL);

    call(new_task(self, cancellable, callback, user_data,
                  TAG(ehrlink_client_verify_receipt_async)),
         "VerifyReceipt",
         g_variant_new("(@aya{sv})",
                       g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, receipt, TRUE),
                       NULL),
         "(a{sv})");
}

GVariant *
ehrlink_client_verify_receipt_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_first(self, result, TAG(ehrlink_client_verify_receipt_async), error);
}

void
ehrlink_client_verify_origin_async(EhrlinkClient *self, GBytes *proof, GBytes *crl,
                                   GCancellable *cancellable, GAsyncReadyCallback callback,
                                   gpointer user_data)
{
    g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);

    g_return_if_fail(EHRLINK_IS_CLIENT(self) && proof != NULL);

    if (crl != NULL)
        g_variant_dict_insert_value(
            &options, "crl", g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, crl, TRUE));
    call(new_task(self, cancellable, callback, user_data,
                  TAG(ehrlink_client_verify_origin_async)),
         "VerifyOrigin",
         g_variant_new("(@ay@a{sv})",
                       g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, proof, TRUE),
                       g_variant_dict_end(&options)),
         "(a{sv})");
}

GVariant *
ehrlink_client_verify_origin_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_first(self, result, TAG(ehrlink_client_verify_origin_async), error);
}

void
ehrlink_client_diagnose_async(EhrlinkClient *self, GCancellable *cancellable,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self));

    call(new_task(self, cancellable, callback, user_data, TAG(ehrlink_client_diagnose_async)),
         "Diagnose", no_options(), "(aa{sv})");
}

GVariant *
ehrlink_client_diagnose_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    return finish_first(self, result, TAG(ehrlink_client_diagnose_async), error);
}
