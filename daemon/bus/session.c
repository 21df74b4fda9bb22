/* SPDX-License-Identifier: Apache-2.0
 *
 * org.ehrlink1.Session: each step finds the session, which checks the owner, then reads its
 * options, then calls the core. No gate: whoever owns a session passed it when opening it.
 */
#include "daemon/bus/session.h"

#include "daemon/bus/bus.h"
#include "daemon/bus/details.h"
#include "daemon/bus/options.h"
#include "daemon/bus/requests.h"
#include "daemon/error.h"

EhdSession *
ehd_call_find_session(EhdCall *call)
{
    EhdCore *core = ehd_bus_get_core(ehd_call_get_owner(call));
    GError *error = NULL;
    g_autofree char *id = ehd_session_id_of_path(ehd_call_get_path(call));
    EhdSession *session = NULL;
    if (id != NULL && core != NULL)
        session = ehd_core_find(core, id, ehd_call_get_uid(call), &error);
    else
        ehd_error_set(&error, EHP_NOT_FOUND, NULL);
    if (session == NULL)
        ehd_call_fail(call, error);
    return session;
}

/* The session, if the call's only argument, or its last, is an empty dictionary. */
static EhdSession *
find_without_options(EhdCall *call)
{
    EhdSession *session = ehd_call_find_session(call);
    if (session == NULL)
        return NULL;
    GVariant *arguments = ehd_call_get_arguments(call);
    g_autoptr(GVariant) options =
        g_variant_get_child_value(arguments, g_variant_n_children(arguments) - 1);
    GError *error = NULL;
    if (ehd_options_none(options, &error))
        return session;
    ehd_call_fail(call, error);
    return NULL;
}

static void
return_nothing(EhdCall *call, gboolean good, GError *error)
{
    if (good)
        ehd_call_return(call, NULL);
    else
        ehd_call_fail(call, error);
}

static void
step_get_details(EhdCall *call)
{
    EhdSession *session = find_without_options(call);
    if (session != NULL)
        ehd_call_return(
            call, g_variant_new("(@a{sv})",
                                ehd_details_of_session(ehd_session_get_info(session), FALSE)));
}

static void
on_cancelled(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    gboolean good = ehd_session_cancel_finish(ehd_call_get_data(user_data), result, &error);
    return_nothing(user_data, good, error);
}

static void
step_cancel(EhdCall *call)
{
    EhdSession *session = find_without_options(call);
    if (session == NULL)
        return;
    ehd_call_set_data(call, session, NULL);
    ehd_session_cancel_async(session, on_cancelled, call);
}

static void
step_allow_unverified(EhdCall *call)
{
    EhdSession *session = find_without_options(call);
    if (session == NULL)
        return;
    GError *error = NULL;
    const char *fingerprint;
    g_variant_get_child(ehd_call_get_arguments(call), 0, "&s", &fingerprint);
    gboolean good = ehd_text_check("fingerprint", fingerprint, 64, 64, FALSE, &error) &&
                    ehd_session_allow_unverified(session, fingerprint, &error);
    return_nothing(call, good, error);
}

static void
step_extend(EhdCall *call)
{
    EhdSession *session = find_without_options(call);
    GError *error = NULL;
    guint seconds;
    if (session == NULL)
        return;
    if (ehd_session_extend(session, &seconds, &error))
        ehd_call_return(call, g_variant_new("(u)", seconds));
    else
        ehd_call_fail(call, error);
}

static void
on_revoked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    gboolean good = ehd_session_revoke_finish(ehd_call_get_data(user_data), result, &error);
    return_nothing(user_data, good, error);
}

static void
step_revoke(EhdCall *call)
{
    EhdSession *session = find_without_options(call);
    if (session == NULL)
        return;
    ehd_call_set_data(call, session, NULL);
    ehd_session_revoke_async(session, on_revoked, call);
}

static void
on_filed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    gboolean good = ehd_session_file_finish(ehd_call_get_data(user_data), result, &error);
    return_nothing(user_data, good, error);
}

static void
step_file(EhdCall *call)
{
    EhdSession *session = find_without_options(call);
    if (session == NULL)
        return;
    ehd_call_set_data(call, session, NULL);
    ehd_session_file_async(session, on_filed, call);
}

static void
on_discarded(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    gboolean good = ehd_session_discard_finish(ehd_call_get_data(user_data), result, &error);
    return_nothing(user_data, good, error);
}

static void
step_discard(EhdCall *call)
{
    EhdSession *session = ehd_call_find_session(call);
    if (session == NULL)
        return;
    GError *error = NULL;
    const char *rule;
    g_autoptr(GVariant) options = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    if (!ehd_discard_request_parse(&rule, options, &error)) {
        ehd_call_fail(call, error);
        return;
    }
    ehd_call_set_data(call, session, NULL);
    ehd_session_discard_async(session, rule, on_discarded, call);
}

static void
step_get_receipt(EhdCall *call)
{
    EhdSession *session = ehd_call_find_session(call);
    GError *error = NULL;
    int transfer;
    if (session == NULL)
        return;
    g_autoptr(GVariant) options = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    g_autoptr(GBytes) receipt = NULL;
    if (ehd_receipt_request_parse(&transfer, options, &error))
        receipt = ehd_session_get_receipt(session, transfer, &error);
    if (receipt == NULL) {
        ehd_call_fail(call, error);
        return;
    }
    ehd_call_return(call,
                    g_variant_new("(@ay)", g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING,
                                                                    receipt, TRUE)));
}

static void
step_get_origin(EhdCall *call)
{
    EhdSession *session = find_without_options(call);
    GError *error = NULL;
    guint32 transfer;
    if (session == NULL)
        return;
    g_variant_get_child(ehd_call_get_arguments(call), 0, "u", &transfer);
    g_autoptr(GBytes) proof = ehd_session_get_origin(session, transfer, &error);
    if (proof == NULL)
        ehd_call_fail(call, error);
    else
        ehd_call_return(
            call, g_variant_new("(@ay)", g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING,
                                                                  proof, TRUE)));
}

static void
on_items_requested(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    gboolean good =
        ehd_session_request_items_finish(ehd_call_get_data(user_data), result, &error);
    return_nothing(user_data, good, error);
}

static void
step_request_items(EhdCall *call)
{
    EhdSession *session = ehd_call_find_session(call);
    GError *error = NULL;
    gboolean list;
    if (session == NULL)
        return;
    g_autoptr(GVariant) dicts = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    g_autoptr(GVariant) options = g_variant_get_child_value(ehd_call_get_arguments(call), 1);
    g_autoptr(GArray) queries = NULL;
    if (ehd_request_items_parse(&list, options, &error))
        queries = ehd_queries_parse(dicts, &error);
    if (queries == NULL) {
        ehd_call_fail(call, error);
        return;
    }
    ehd_call_set_data(call, session, NULL);
    ehd_session_request_items_async(session, queries, list, on_items_requested, call);
}

static void
on_replied(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    gboolean good = ehd_session_reply_finish(ehd_call_get_data(user_data), result, &error);
    return_nothing(user_data, good, error);
}

static void
step_reply(EhdCall *call)
{
    EhdSession *session = find_without_options(call);
    GError *error = NULL;
    if (session == NULL)
        return;
    g_autoptr(GVariant) dicts = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    g_autoptr(GArray) items = ehd_reply_items_parse(dicts, &error);
    if (items == NULL) {
        ehd_call_fail(call, error);
        return;
    }
    ehd_call_set_data(call, session, NULL);
    ehd_session_reply_async(session, items, on_replied, call);
}

void
ehd_session_methods(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton)
{
    static const EhdMethod methods[] = {
        {"handle-get-details", step_get_details},
        {"handle-cancel", step_cancel},
        {"handle-allow-unverified", step_allow_unverified},
        {"handle-extend", step_extend},
        {"handle-revoke", step_revoke},
        {"handle-file", step_file},
        {"handle-discard", step_discard},
        {"handle-get-receipt", step_get_receipt},
        {"handle-get-origin", step_get_origin},
        {"handle-request-items", step_request_items},
        {"handle-reply", step_reply},
    };
    ehd_calls_connect(calls, skeleton, methods, G_N_ELEMENTS(methods));
}
