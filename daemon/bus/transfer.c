/* SPDX-License-Identifier: Apache-2.0
 *
 * org.ehrlink1.Transfer: each step finds the session, which checks the owner, then calls the
 * core.
 */
#include "daemon/bus/transfer.h"

#include "daemon/bus/details.h"
#include "daemon/bus/options.h"
#include "daemon/bus/session.h"
#include "daemon/error.h"

static EhdDirection
direction_of(EhdCall *call)
{
    return ehd_direction_of_path(ehd_call_get_path(call));
}

/* The session, if it has a transfer and no option is given; else the call is answered. */
static EhdSession *
find_transfer(EhdCall *call)
{
    EhdSession *session = ehd_call_find_session(call);
    if (session == NULL)
        return NULL;
    GError *error = NULL;
    GVariant *arguments = ehd_call_get_arguments(call);
    g_autoptr(GVariant) options =
        g_variant_get_child_value(arguments, g_variant_n_children(arguments) - 1);
    const EhdSessionInfo *info = ehd_session_get_info(session);
    if (direction_of(call) == EHD_TO_PATIENT ? !info->has_reply : !info->has_transfer)
        ehd_error_set(&error, EHP_NOT_FOUND, NULL);
    else if (ehd_options_none(options, &error))
        return session;
    ehd_call_fail(call, error);
    return NULL;
}

static guint
id_of(EhdCall *call)
{
    guint32 id;
    g_variant_get_child(ehd_call_get_arguments(call), 0, "u", &id);
    return id;
}

static void
step_get_progress(EhdCall *call)
{
    EhdSession *session = find_transfer(call);
    if (session != NULL)
        ehd_call_return(
            call, ehd_details_of_progress(ehd_session_get_info(session), direction_of(call)));
}

static void
step_list_items(EhdCall *call)
{
    EhdSession *session = find_transfer(call);
    if (session == NULL)
        return;
    GError *error = NULL;
    guint32 count;
    g_variant_get_child(ehd_call_get_arguments(call), 1, "u", &count);
    g_autoptr(GArray) items =
        ehd_session_list_items(session, direction_of(call), id_of(call), count, &error);
    if (items != NULL)
        ehd_call_return(call, g_variant_new("(@aa{sv})", ehd_details_of_items(items)));
    else
        ehd_call_fail(call, error);
}

static void
on_collected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    int fd = ehd_session_collect_item_finish(ehd_call_get_data(user_data), result, &error);
    if (fd >= 0)
        ehd_call_return_fd(user_data, fd);
    else
        ehd_call_fail(user_data, error);
}

static void
step_collect_item(EhdCall *call)
{
    EhdSession *session = find_transfer(call);
    if (session == NULL)
        return;
    ehd_call_set_data(call, session, NULL);
    ehd_session_collect_item_async(session, direction_of(call), id_of(call), on_collected,
                                   call);
}

static void
on_stored(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GError *error = NULL;
    if (ehd_session_item_stored_finish(ehd_call_get_data(user_data), result, &error))
        ehd_call_return(user_data, NULL);
    else
        ehd_call_fail(user_data, error);
}

static void
step_item_stored(EhdCall *call)
{
    EhdSession *session = find_transfer(call);
    if (session == NULL)
        return;
    ehd_call_set_data(call, session, NULL);
    ehd_session_item_stored_async(session, direction_of(call), id_of(call), on_stored, call);
}

void
ehd_transfer_methods(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton)
{
    static const EhdMethod methods[] = {
        {"handle-get-progress", step_get_progress},
        {"handle-list-items", step_list_items},
        {"handle-collect-item", step_collect_item},
        {"handle-item-stored", step_item_stored},
    };
    ehd_calls_connect(calls, skeleton, methods, G_N_ELEMENTS(methods));
}
