/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkClient: the object, and how it comes to be connected. It uses a connection of its own,
 * not the process's shared one: that one would end the process with the bus.
 */
#include "client-private.h"

#include "bus-error.h"
#include "ehrlink-error.h"
#include "names.h"

enum {
    PROP_CONNECTION = 1,
    PROP_AVAILABLE,
    PROP_INTERACTIVE,
    N_PROPS,
};

static GParamSpec *properties[N_PROPS];

G_DEFINE_FINAL_TYPE(EhrlinkClient, ehrlink_client, G_TYPE_OBJECT)

static void
ehrlink_client_get_property(GObject *object, guint id, GValue *value, GParamSpec *pspec)
{
    EhrlinkClient *self = EHRLINK_CLIENT(object);

    switch (id) {
    case PROP_CONNECTION:
        g_value_set_object(value, self->connection);
        break;
    case PROP_AVAILABLE:
        g_value_set_boolean(value, self->owner != NULL);
        break;
    case PROP_INTERACTIVE:
        g_value_set_boolean(value, self->interactive);
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
ehrlink_client_set_property(GObject *object, guint id, const GValue *value, GParamSpec *pspec)
{
    EhrlinkClient *self = EHRLINK_CLIENT(object);

    switch (id) {
    case PROP_INTERACTIVE:
        ehrlink_client_set_interactive(self, g_value_get_boolean(value));
        break;
    default:
        G_OBJECT_WARN_INVALID_PROPERTY_ID(object, id, pspec);
    }
}

static void
ehrlink_client_dispose(GObject *object)
{
    EhrlinkClient *self = EHRLINK_CLIENT(object);

    ehrlink_client_unwatch(self);
    if (self->connection != NULL && self->own_connection)
        g_dbus_connection_close(self->connection, NULL, NULL, NULL);
    g_clear_object(&self->connection);
    G_OBJECT_CLASS(ehrlink_client_parent_class)->dispose(object);
}

static void
ehrlink_client_finalize(GObject *object)
{
    EhrlinkClient *self = EHRLINK_CLIENT(object);

    g_free(self->owner);
    g_free(self->version);
    g_hash_table_unref(self->sessions);
    G_OBJECT_CLASS(ehrlink_client_parent_class)->finalize(object);
}

static void
ehrlink_client_class_init(EhrlinkClientClass *klass)
{
    GObjectClass *object_class = G_OBJECT_CLASS(klass);
    GParamFlags flags = G_PARAM_STATIC_STRINGS | G_PARAM_EXPLICIT_NOTIFY;

    object_class->get_property = ehrlink_client_get_property;
    object_class->set_property = ehrlink_client_set_property;
    object_class->dispose = ehrlink_client_dispose;
    object_class->finalize = ehrlink_client_finalize;

    properties[PROP_CONNECTION] = g_param_spec_object(
        "connection", NULL, NULL, G_TYPE_DBUS_CONNECTION, flags | G_PARAM_READABLE);
    properties[PROP_AVAILABLE] =
        g_param_spec_boolean("available", NULL, NULL, FALSE, flags | G_PARAM_READABLE);
    properties[PROP_INTERACTIVE] =
        g_param_spec_boolean("interactive", NULL, NULL, TRUE, flags | G_PARAM_READWRITE);
    g_object_class_install_properties(object_class, N_PROPS, properties);
}

static void
ehrlink_client_init(EhrlinkClient *self)
{
    self->interactive = TRUE;
    self->sessions = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, g_object_unref);
}

GDBusConnection *
ehrlink_client_get_connection(EhrlinkClient *self)
{
    g_return_val_if_fail(EHRLINK_IS_CLIENT(self), NULL);
    return self->connection;
}

gboolean
ehrlink_client_get_available(EhrlinkClient *self)
{
    g_return_val_if_fail(EHRLINK_IS_CLIENT(self), FALSE);
    return self->owner != NULL;
}

gboolean
ehrlink_client_get_interactive(EhrlinkClient *self)
{
    g_return_val_if_fail(EHRLINK_IS_CLIENT(self), FALSE);
    return self->interactive;
}

void
ehrlink_client_set_interactive(EhrlinkClient *self, gboolean interactive)
{
    g_return_if_fail(EHRLINK_IS_CLIENT(self));

    if (self->interactive == !!interactive)
        return;
    self->interactive = !!interactive;
    g_object_notify_by_pspec(G_OBJECT(self), properties[PROP_INTERACTIVE]);
}

const char *
ehrlink_client_get_version(EhrlinkClient *self)
{
    g_return_val_if_fail(EHRLINK_IS_CLIENT(self), NULL);
    return self->version;
}

guint
ehrlink_client_get_protocol_version(EhrlinkClient *self)
{
    g_return_val_if_fail(EHRLINK_IS_CLIENT(self), 0);
    return self->protocol_version;
}

guint
ehrlink_client_get_unread_sessions(EhrlinkClient *self)
{
    g_return_val_if_fail(EHRLINK_IS_CLIENT(self), 0);
    return self->unread_sessions;
}

/* --- calling --------------------------------------------------------------------------------
 */

void
ehrlink_client_call(EhrlinkClient *self, const char *method, GVariant *parameters,
                    const char *reply_type, GCancellable *cancellable,
                    GAsyncReadyCallback callback, gpointer user_data)
{
    GDBusCallFlags flags = self->interactive ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION
                                             : G_DBUS_CALL_FLAGS_NONE;

    g_dbus_connection_call(self->connection, BUS_NAME, ROOT_PATH, MANAGER_INTERFACE, method,
                           parameters, reply_type != NULL ? G_VARIANT_TYPE(reply_type) : NULL,
                           flags, PERSON_TIMEOUT, cancellable, callback, user_data);
}

GVariant *
ehrlink_client_call_finish(EhrlinkClient *self, GAsyncResult *result, GError **error)
{
    GError *local = NULL;
    GVariant *reply = g_dbus_connection_call_finish(self->connection, result, &local);

    if (reply == NULL)
        g_propagate_error(error, ehrlink_bus_error_map(local));
    return reply;
}

/* --- connecting -----------------------------------------------------------------------------
 */

static void
on_properties(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhrlinkClient *self = g_task_get_task_data(task);
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) values = NULL;
    GError *error = NULL;

    reply = g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    if (reply == NULL) {
        g_task_return_error(task, ehrlink_bus_error_map(error));
        return;
    }
    values = g_variant_get_child_value(reply, 0);
    if (!g_variant_lookup(values, "Version", "s", &self->version))
        self->version = g_strdup("");
    g_variant_lookup(values, "ProtocolVersion", "u", &self->protocol_version);
    g_variant_lookup(values, "UnreadSessions", "u", &self->unread_sessions);
    g_task_return_pointer(task, g_object_ref(self), g_object_unref);
}

/* Takes the task. The call is also what starts the service. */
static void
start(GTask *task, GDBusConnection *connection, gboolean own)
{
    EhrlinkClient *self = g_task_get_task_data(task);

    self->connection = g_object_ref(connection);
    self->own_connection = own;
    ehrlink_client_watch(self);
    g_dbus_connection_call(connection, BUS_NAME, ROOT_PATH, "org.freedesktop.DBus.Properties",
                           "GetAll", g_variant_new("(s)", MANAGER_INTERFACE),
                           G_VARIANT_TYPE("(a{sv})"), G_DBUS_CALL_FLAGS_NONE, CALL_TIMEOUT,
                           g_task_get_cancellable(task), on_properties, task);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    GTask *task = user_data;
    GError *error = NULL;
    g_autoptr(GDBusConnection) connection =
        g_dbus_connection_new_for_address_finish(result, &error);

    if (connection != NULL) {
        start(task, connection, TRUE);
        return;
    }
    g_task_return_error(task, ehrlink_bus_error_map(error));
    g_object_unref(task);
}

static GTask *
new_task(GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, cancellable, callback, user_data);

    g_task_set_source_tag(task, TAG(ehrlink_client_new_async));
    g_task_set_task_data(task, g_object_new(EHRLINK_TYPE_CLIENT, NULL), g_object_unref);
    /* Registers the error names with GDBus before the first reply. */
    (void)ehrlink_error_quark();
    return task;
}

void
ehrlink_client_new_async(GCancellable *cancellable, GAsyncReadyCallback callback,
                         gpointer user_data)
{
    GTask *task = new_task(cancellable, callback, user_data);
    GError *error = NULL;
    /* Reads the environment and nothing else for the system bus. */
    g_autofree char *address =
        g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, cancellable, &error);

    if (address == NULL) {
        g_task_return_error(task, ehrlink_bus_error_map(error));
        g_object_unref(task);
        return;
    }
    g_dbus_connection_new_for_address(address,
                                      G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                                          G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
                                      NULL, cancellable, on_connected, task);
}

void
ehrlink_client_new_for_connection_async(GDBusConnection *connection, GCancellable *cancellable,
                                        GAsyncReadyCallback callback, gpointer user_data)
{
    g_return_if_fail(G_IS_DBUS_CONNECTION(connection));

    start(new_task(cancellable, callback, user_data), connection, FALSE);
}

EhrlinkClient *
ehrlink_client_new_finish(GAsyncResult *result, GError **error)
{
    g_return_val_if_fail(g_async_result_is_tagged(result, TAG(ehrlink_client_new_async)), NULL);
    return g_task_propagate_pointer(G_TASK(result), error);
}
