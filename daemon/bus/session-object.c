/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the D-Bus objects of one session. Properties are broadcast and therefore hold state and
 * role only; everything else leaves as a signal addressed to the owner's unique name.
 */
#include "daemon/bus/session-object.h"

#include "daemon/bus/agent.h"
#include "daemon/bus/details.h"
#include "daemon/bus/ehd-dbus.h"
#include "daemon/bus/names.h"
#include "daemon/log.h"
#include "daemon/bus/session.h"
#include "daemon/bus/transfer.h"

struct EhdSessionObject {
    GDBusObjectManagerServer *manager;          /* borrowed */
    GDBusConnection *connection;                /* owned */
    EhdCalls *calls;                            /* borrowed */
    EhdSession *session;                        /* borrowed */
    char *path;                                 /* owned */
    char *transfer_paths[EHD_DIRECTIONS];       /* owned */
    EhdDbusSession *skeleton;                   /* owned */
    EhdDbusTransfer *transfers[EHD_DIRECTIONS]; /* owned; NULL until there is one */
    EhdCaller *owner;                           /* owned, or NULL */
    EhdAgent *agent;                            /* owned; there while the owner is */
};

/* --- what the core tells ---------------------------------------------------------------------
 */

static void
signal_owner(EhdSessionObject *object, const char *path, const char *interface,
             const char *signal, GVariant *arguments)
{
    if (object->owner != NULL)
        g_dbus_connection_emit_signal(object->connection, ehd_caller_get_name(object->owner),
                                      path, interface, signal, arguments, NULL);
    else
        g_variant_unref(g_variant_ref_sink(arguments));
}

static void export(EhdSessionObject *object, const char *path,
                   GDBusInterfaceSkeleton *interface)
{
    g_autoptr(GDBusObjectSkeleton) skeleton = g_dbus_object_skeleton_new(path);
    g_dbus_object_skeleton_add_interface(skeleton, interface);
    g_dbus_object_manager_server_export(object->manager, skeleton);
}

static void
log_end(const EhdSessionInfo *info)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", EHD_LOG_ID_ENDED,
                     EHD_LOG_SESSION, info->id, "MESSAGE", "session %s: %s%s%s", info->id,
                     ehd_session_state_name(info->state), info->error != EHP_OK ? ", " : "",
                     info->error != EHP_OK ? ehp_status_name(info->error) : "");
}

static void
show_state(EhdSessionObject *object, const EhdSessionInfo *info)
{
    const char *state = ehd_session_state_name(info->state);
    if (g_strcmp0(ehd_dbus_session_get_state(object->skeleton), state) == 0)
        return;
    ehd_dbus_session_set_state(object->skeleton, state);
    g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(object->skeleton));
    if (info->state == EHD_STATE_DONE || info->state == EHD_STATE_FAILED)
        log_end(info);
}

static void
show_one(EhdSessionObject *object, EhdDirection direction, EhdTransferState state)
{
    static const char *const names[EHD_DIRECTIONS] = {"to-terminal", "to-patient"};
    const char *word = ehd_transfer_state_name(state);
    EhdDbusTransfer *transfer = object->transfers[direction];
    if (transfer != NULL) {
        ehd_dbus_transfer_set_state(transfer, word);
        g_dbus_interface_skeleton_flush(G_DBUS_INTERFACE_SKELETON(transfer));
        return;
    }
    object->transfers[direction] = transfer = ehd_dbus_transfer_skeleton_new();
    ehd_dbus_transfer_set_state(transfer, word);
    ehd_dbus_transfer_set_direction(transfer, names[direction]);
    ehd_transfer_methods(object->calls, G_DBUS_INTERFACE_SKELETON(transfer));
    export(object, object->transfer_paths[direction], G_DBUS_INTERFACE_SKELETON(transfer));
}

static void
show_transfer(EhdSessionObject *object, const EhdSessionInfo *info)
{
    if (info->has_transfer)
        show_one(object, EHD_TO_TERMINAL, info->transfer);
    if (info->has_reply)
        show_one(object, EHD_TO_PATIENT, info->reply);
}

static void
on_changed(EhdSession *session, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    const EhdSessionInfo *info = ehd_session_get_info(session);
    show_state(object, info);
    show_transfer(object, info);
    signal_owner(object, object->path, EHD_BUS_SESSION, "Changed",
                 g_variant_new("(s@a{sv})", ehd_session_state_name(info->state),
                               ehd_details_of_session(info, FALSE)));
}

static void
on_transfer_changed(EhdSession *session, gpointer user_data)
{
    show_transfer(user_data, ehd_session_get_info(session));
}

static void
on_progress(EhdSession *session, EhdDirection direction, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    signal_owner(object, object->transfer_paths[direction], EHD_BUS_TRANSFER, "Progress",
                 ehd_details_of_progress(ehd_session_get_info(session), direction));
}

static void
on_item_changed(EhdSession *session, EhdDirection direction, guint id, EhdItemState state,
                gpointer user_data)
{
    EhdSessionObject *object = user_data;
    signal_owner(object, object->transfer_paths[direction], EHD_BUS_TRANSFER,
                 "ItemStateChanged", g_variant_new("(us)", id, ehd_item_state_name(state)));
}

/* --- what the core asks ----------------------------------------------------------------------
 */

static void
on_ask_consent(EhdSession *session, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    if (object->agent != NULL)
        ehd_agent_ask_consent(object->agent,
                              ehd_details_of_session(ehd_session_get_info(session), FALSE));
    else
        ehd_session_answer_consent(session, FALSE, NULL, NULL, 0, 0, 0);
}

static void
on_open_item(EhdSession *session, guint id, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    if (object->agent != NULL)
        ehd_agent_open_item(object->agent, id);
    else
        ehd_session_give_item(session, id, -1, EHP_NO_AGENT);
}

static void
on_void_questions(EhdSession *session, EhdVoidReason reason, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    if (object->agent != NULL)
        ehd_agent_cancel(object->agent, ehd_void_reason_name(reason));
}

static void
on_items_arrived(EhdSession *session, EhdDirection direction, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    const EhdSessionInfo *info = ehd_session_get_info(session);
    show_transfer(object, info);
    if (object->agent != NULL)
        ehd_agent_items_arrived(object->agent, object->transfer_paths[direction],
                                ehd_details_of_arrival(info, direction));
}

static void
on_offer_reply(EhdSession *session, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    const EhdSessionInfo *info = ehd_session_get_info(session);
    g_autoptr(GArray) items = NULL;
    if (object->agent == NULL) {
        ehd_session_answer_reply(session, FALSE);
        return;
    }
    show_transfer(object, info);
    items = ehd_session_list_items(session, EHD_TO_PATIENT, info->reply_first, 256, NULL);
    ehd_agent_offer_reply(object->agent, ehd_details_of_session(info, FALSE),
                          ehd_details_of_items(items));
}

static const EhdSessionListener listener = {
    .changed = on_changed,
    .transfer_changed = on_transfer_changed,
    .progress = on_progress,
    .item_changed = on_item_changed,
    .ask_consent = on_ask_consent,
    .open_item = on_open_item,
    .void_questions = on_void_questions,
    .items_arrived = on_items_arrived,
    .offer_reply = on_offer_reply,
};

/* --- what the agent answers ------------------------------------------------------------------
 */

static void
on_agent_consent(gboolean granted, const EhdConsentAnswer *answer, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    if (granted)
        ehd_session_answer_consent(object->session, TRUE, answer->offer, answer->items,
                                   answer->n_items, answer->acting_as, answer->expires);
    else
        ehd_session_answer_consent(object->session, FALSE, NULL, NULL, 0, 0, 0);
}

static void
on_agent_item(guint id, int fd, ehp_status why, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    ehd_session_give_item(object->session, id, fd, why);
}

static void
on_agent_reply(gboolean accepted, gpointer user_data)
{
    EhdSessionObject *object = user_data;
    ehd_session_answer_reply(object->session, accepted);
}

static const EhdAgentUser agent_user = {
    .consent = on_agent_consent,
    .item = on_agent_item,
    .reply = on_agent_reply,
};

/* --- life ------------------------------------------------------------------------------------
 */

EhdSessionObject *
ehd_session_object_new(GDBusObjectManagerServer *manager, EhdCalls *calls, EhdSession *session)
{
    const EhdSessionInfo *info = ehd_session_get_info(session);
    EhdSessionObject *object = g_new0(EhdSessionObject, 1);
    object->manager = manager;
    object->connection = g_dbus_object_manager_server_get_connection(manager);
    object->calls = calls;
    object->session = session;
    object->path = ehd_session_path(info->id);
    for (int i = 0; i < EHD_DIRECTIONS; i++)
        object->transfer_paths[i] = ehd_transfer_path(info->id, (EhdDirection)i);
    object->skeleton = ehd_dbus_session_skeleton_new();
    ehd_dbus_session_set_role(object->skeleton, ehd_session_role_name(info->role));
    ehd_dbus_session_set_state(object->skeleton, ehd_session_state_name(info->state));
    ehd_session_methods(calls, G_DBUS_INTERFACE_SKELETON(object->skeleton));
    export(object, object->path, G_DBUS_INTERFACE_SKELETON(object->skeleton));
    show_transfer(object, info);
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", EHD_LOG_ID_SESSION,
                     EHD_LOG_SESSION, info->id, "MESSAGE", "session %s: %s, %s", info->id,
                     ehd_session_role_name(info->role), ehd_session_state_name(info->state));
    return object;
}

static void
drop_owner(EhdSessionObject *object)
{
    g_clear_pointer(&object->agent, ehd_agent_free);
    g_clear_pointer(&object->owner, ehd_caller_unref);
}

void
ehd_session_object_free(EhdSessionObject *object)
{
    drop_owner(object);
    for (int i = 0; i < EHD_DIRECTIONS; i++) {
        g_dbus_object_manager_server_unexport(object->manager, object->transfer_paths[i]);
        g_clear_object(&object->transfers[i]);
        g_free(object->transfer_paths[i]);
    }
    g_dbus_object_manager_server_unexport(object->manager, object->path);
    g_object_unref(object->skeleton);
    g_object_unref(object->connection);
    g_free(object->path);
    g_free(object);
}

void
ehd_session_object_set_owner(EhdSessionObject *object, EhdCaller *owner, const char *agent_path)
{
    ehd_caller_ref(owner);
    if (object->agent != NULL)
        ehd_agent_cancel(object->agent, ehd_void_reason_name(EHD_VOID_CANCELLED));
    drop_owner(object);
    object->owner = owner;
    object->agent = ehd_agent_new(object->connection, ehd_caller_get_name(owner), agent_path,
                                  object->path, &agent_user, object);
    ehd_session_set_listener(object->session, &listener, object);
    if (ehd_caller_is_gone(owner))
        ehd_session_object_caller_gone(object, owner);
}

void
ehd_session_object_caller_gone(EhdSessionObject *object, EhdCaller *caller)
{
    if (object->owner != caller)
        return;
    drop_owner(object);
    ehd_session_owner_vanished(object->session);
}

gboolean
ehd_session_object_is_owned(const EhdSessionObject *object)
{
    return object->owner != NULL;
}

void
ehd_session_object_refresh(EhdSessionObject *object)
{
    const EhdSessionInfo *info = ehd_session_get_info(object->session);
    show_state(object, info);
    show_transfer(object, info);
}
