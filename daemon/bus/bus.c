/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns the object manager, the Manager object and one EhdSessionObject per session of the core.
 */
#include "daemon/bus/bus.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "daemon/bus/call.h"
#include "daemon/bus/ehd-dbus.h"
#include "daemon/bus/manager.h"
#include "daemon/bus/names.h"
#include "daemon/bus/session-object.h"
#include "proto/bounds.h"

struct EhdBus {
    GDBusConnection *connection; /* owned */
    GFunc on_activity;
    gpointer user_data;
    EhdCore *core; /* borrowed; NULL before export and after close */
    EhdCallers *callers;
    EhdGate *gate;
    EhdCalls *calls;
    GDBusObjectManagerServer *manager; /* owned */
    EhdDbusManager *skeleton;          /* owned */
    GHashTable *objects;               /* owned; EhdSession → EhdSessionObject, owned */
    guint filter;
};

/* bluetoothd's call that hands us a connection. Who says it is looked at where it is served;
 * what is refused there is closed with its message. */
static gboolean
is_connection(GDBusMessage *message)
{
    return g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_METHOD_CALL &&
           g_strcmp0(g_dbus_message_get_interface(message), "org.bluez.Profile1") == 0 &&
           g_strcmp0(g_dbus_message_get_member(message), "NewConnection") == 0 &&
           g_dbus_message_get_num_unix_fds(message) == 1;
}

/* Nobody has a reason to hand us descriptors but an agent that answers and bluetoothd. Whatever
 * else carries some loses them on arrival, so that no caller can fill our table. Runs on GDBus's
 * thread. */
static GDBusMessage *
drop_descriptors(GDBusConnection *connection, GDBusMessage *message, gboolean incoming,
                 gpointer user_data)
{
    GUnixFDList *list = g_dbus_message_get_unix_fd_list(message);
    if (!incoming || list == NULL ||
        g_dbus_message_get_message_type(message) == G_DBUS_MESSAGE_TYPE_METHOD_RETURN ||
        is_connection(message))
        return message;
    int n;
    g_autofree int *fds = g_unix_fd_list_steal_fds(list, &n);
    for (int i = 0; i < n; i++)
        close(fds[i]);
    return message;
}

static void
on_drained(gpointer user_data, gpointer unused)
{
    EhdBus *bus = user_data;
    bus->on_activity(bus->user_data, NULL);
}

static void
on_caller_gone(EhdCaller *caller, gpointer user_data)
{
    EhdBus *bus = user_data;
    GHashTableIter iter;
    gpointer object;
    g_hash_table_iter_init(&iter, bus->objects);
    while (g_hash_table_iter_next(&iter, NULL, &object))
        ehd_session_object_caller_gone(object, caller);
}

static void
object_free(gpointer object)
{
    ehd_session_object_free(object);
}

EhdBus *
ehd_bus_new(GDBusConnection *connection, const char *version, GFunc on_activity,
            gpointer user_data)
{
    EhdBus *bus = g_new0(EhdBus, 1);
    bus->connection = g_object_ref(connection);
    bus->on_activity = on_activity;
    bus->user_data = user_data;
    bus->callers = ehd_callers_new(connection, on_caller_gone, bus);
    bus->gate = ehd_gate_new(connection, geteuid());
    bus->calls = ehd_calls_new(bus->callers, bus->gate, on_drained, bus);
    bus->objects = g_hash_table_new_full(NULL, NULL, NULL, object_free);
    bus->manager = g_dbus_object_manager_server_new(EHD_BUS_ROOT);
    g_dbus_object_manager_server_set_connection(bus->manager, connection);
    bus->skeleton = ehd_dbus_manager_skeleton_new();
    ehd_dbus_manager_set_version(bus->skeleton, version);
    ehd_dbus_manager_set_protocol_version(bus->skeleton, EHP_VERSION_MAX);
    ehd_manager_methods(bus->calls, G_DBUS_INTERFACE_SKELETON(bus->skeleton));
    bus->filter = g_dbus_connection_add_filter(connection, drop_descriptors, NULL, NULL);
    return bus;
}

gboolean
ehd_bus_export(EhdBus *bus, EhdCore *core, GError **error)
{
    bus->core = core;
    ehd_dbus_manager_set_unread_sessions(bus->skeleton, ehd_core_count_unread(core));
    return g_dbus_interface_skeleton_export(G_DBUS_INTERFACE_SKELETON(bus->skeleton),
                                            bus->connection, EHD_BUS_ROOT, error);
}

gboolean
ehd_bus_is_idle(const EhdBus *bus)
{
    return ehd_calls_count(bus->calls) == 0 &&
           (bus->core == NULL || ehd_core_is_idle(bus->core));
}

guint
ehd_bus_count_calls(const EhdBus *bus)
{
    return ehd_calls_count(bus->calls);
}

void
ehd_bus_close(EhdBus *bus)
{
    if (bus->gate == NULL)
        return;
    ehd_calls_close(bus->calls);
    g_clear_pointer(&bus->gate, ehd_gate_free);
    g_hash_table_remove_all(bus->objects);
    if (bus->core != NULL)
        g_dbus_interface_skeleton_unexport(G_DBUS_INTERFACE_SKELETON(bus->skeleton));
    g_dbus_object_manager_server_set_connection(bus->manager, NULL);
    g_dbus_connection_remove_filter(bus->connection, bus->filter);
    bus->core = NULL;
}

void
ehd_bus_free(EhdBus *bus)
{
    if (bus == NULL)
        return;
    ehd_bus_close(bus);
    g_hash_table_unref(bus->objects);
    g_object_unref(bus->skeleton);
    g_object_unref(bus->manager);
    ehd_calls_free(bus->calls);
    ehd_callers_free(bus->callers);
    g_object_unref(bus->connection);
    g_free(bus);
}

EhdCore *
ehd_bus_get_core(EhdBus *bus)
{
    return bus->core;
}

EhdGate *
ehd_bus_get_gate(EhdBus *bus)
{
    return bus->gate;
}

EhdSessionObject *
ehd_bus_get_object(EhdBus *bus, EhdSession *session)
{
    EhdSessionObject *object = g_hash_table_lookup(bus->objects, session);
    if (object == NULL) {
        object = ehd_session_object_new(bus->manager, bus->calls, session);
        g_hash_table_insert(bus->objects, session, object);
    }
    return object;
}

/* --- the core's hooks ------------------------------------------------------------------------
 */

static void
on_session_added(EhdSession *session, gpointer user_data)
{
    ehd_bus_get_object(user_data, session);
}

static void
on_session_removed(EhdSession *session, gpointer user_data)
{
    EhdBus *bus = user_data;
    g_hash_table_remove(bus->objects, session);
}

static void
on_state_changed(EhdSession *session, gpointer user_data)
{
    EhdBus *bus = user_data;
    EhdSessionObject *object = g_hash_table_lookup(bus->objects, session);
    if (object != NULL)
        ehd_session_object_refresh(object);
}

static void
on_idle_changed(gpointer user_data)
{
    on_drained(user_data, NULL);
}

const EhdCoreHooks *
ehd_bus_get_hooks(void)
{
    static const EhdCoreHooks hooks = {
        .session_added = on_session_added,
        .session_removed = on_session_removed,
        .state_changed = on_state_changed,
        .idle_changed = on_idle_changed,
    };
    return &hooks;
}
