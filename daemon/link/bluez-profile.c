/* SPDX-License-Identifier: Apache-2.0
 *
 * The Profile1 object. bluetoothd answers RegisterProfile with success even when the channel is
 * taken, and logs only. But it adds our service record, and with it our UUID to the adapter's
 * UUIDs, only after it listens on the channel (ext_start_servers of its src/profile.c): so the
 * UUID must be absent before and present after. A second program with our UUID is refused by
 * bluetoothd itself.
 */
#include "daemon/link/bluez-profile.h"

#include <fcntl.h>
#include <gio/gunixfdlist.h>
#include <string.h>

#include "daemon/error.h"
#include "daemon/link/link.h"
#include "daemon/words.h"

#define OBJECT_PATH  "/org/ehrlink1/bluetooth"
#define MANAGER_PATH "/org/bluez"
#define MANAGER      "org.bluez.ProfileManager1"
#define CALL_MS      10000
#define INTERFACE_XML                                                                          \
    "<node><interface name='org.bluez.Profile1'><method name='Release'/>"                      \
    "<method name='NewConnection'><arg type='o' direction='in'/>"                              \
    "<arg type='h' direction='in'/><arg type='a{sv}' direction='in'/></method>"                \
    "<method name='RequestDisconnection'><arg type='o' direction='in'/></method>"              \
    "</interface></node>"

struct EhdBluezProfile {
    GDBusConnection *connection;
    EhdBluezBus *bus;                    /* borrowed */
    const EhdBluezProfileEvents *events; /* borrowed */
    gpointer user_data;
    guint object;
    gboolean registered;
    GCancellable *cancellable; /* of what is under way; lives as long as we do */
};

typedef struct {
    EhdBluezProfile *profile;
    char *adapter;
    guint8 channel;
} Job;

static void
job_free(gpointer data)
{
    Job *job = data;

    g_free(job->adapter);
    g_free(job);
}

/* --- what bluetoothd calls -------------------------------------------------------------------
 */

/* The descriptor is bluetoothd's copy as well: whoever ends it has to shut it down. */
static int
take_fd(GDBusMethodInvocation *invocation, GVariant *parameters)
{
    GDBusMessage *message = g_dbus_method_invocation_get_message(invocation);
    GUnixFDList *list = g_dbus_message_get_unix_fd_list(message);
    gint32 index;
    int fd;

    g_variant_get_child(parameters, 1, "h", &index);
    if (list == NULL || index < 0 || index >= g_unix_fd_list_get_length(list))
        return -1;
    fd = g_unix_fd_list_get(list, index, NULL);
    if (fd < 0)
        return -1;
    if (fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK) < 0) {
        ehd_link_hang_up(fd);
        return -1;
    }
    return fd;
}

static void
on_connection(EhdBluezProfile *self, GDBusMethodInvocation *invocation, GVariant *parameters)
{
    int fd = take_fd(invocation, parameters);
    const char *device;

    if (fd < 0) {
        g_dbus_method_invocation_return_dbus_error(invocation, "org.bluez.Error.Rejected",
                                                   "no descriptor");
        return;
    }
    g_variant_get_child(parameters, 0, "&o", &device);
    /* bluetoothd keeps the connection in suspense until this: answer before we do anything */
    g_dbus_method_invocation_return_value(g_object_ref(invocation), NULL);
    self->events->connected(device, fd, self->user_data);
    g_object_unref(invocation);
}

static void
on_call(GDBusConnection *connection, const char *sender, const char *path,
        const char *interface, const char *method, GVariant *parameters,
        GDBusMethodInvocation *invocation, gpointer user_data)
{
    EhdBluezProfile *self = user_data;

    if (g_strcmp0(sender, ehd_bluez_bus_get_owner(self->bus)) != 0) {
        g_dbus_method_invocation_return_dbus_error(
            invocation, "org.freedesktop.DBus.Error.AccessDenied", "only for bluetoothd");
        return;
    }
    if (strcmp(method, "NewConnection") == 0) {
        on_connection(self, invocation, parameters);
        return;
    }
    /* RequestDisconnection: the stream ends, and whoever has it sees that */
    g_dbus_method_invocation_return_value(invocation, NULL);
    if (strcmp(method, "Release") == 0) {
        self->registered = FALSE;
        self->events->released(self->user_data);
    }
}

/* --- is the record published? ----------------------------------------------------------------
 */

static void
on_uuids(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Job *job = g_task_get_task_data(task);
    g_autoptr(GVariant) reply = NULL;
    g_autoptr(GVariant) uuids = NULL;
    g_autofree const char **list = NULL;
    GError *error = NULL;

    reply = ehd_bluez_bus_call_finish(job->profile->bus, result, &error);
    if (reply == NULL) {
        g_task_return_error(task, error);
        return;
    }
    g_variant_get(reply, "(v)", &uuids);
    if (g_variant_is_of_type(uuids, G_VARIANT_TYPE_STRING_ARRAY))
        list = g_variant_get_strv(uuids, NULL);
    for (guint i = 0; list != NULL && list[i] != NULL; i++) {
        if (g_ascii_strcasecmp(list[i], EHD_BLUEZ_UUID) == 0) {
            g_task_return_boolean(task, TRUE);
            return;
        }
    }
    g_task_return_boolean(task, FALSE);
}

static GTask *
job_new(EhdBluezProfile *self, const char *adapter, guint8 channel,
        GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = g_task_new(NULL, self->cancellable, callback, user_data);
    Job *job = g_new0(Job, 1);

    /* who cancels has freed us: finish must not look at anything */
    g_task_set_check_cancellable(task, TRUE);
    job->profile = self;
    job->adapter = g_strdup(adapter);
    job->channel = channel;
    g_task_set_task_data(task, job, job_free);
    return task;
}

void
ehd_bluez_profile_check_async(EhdBluezProfile *self, const char *adapter,
                              GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = job_new(self, adapter, 0, callback, user_data);

    ehd_bluez_bus_call(self->bus, adapter, "org.freedesktop.DBus.Properties", "Get",
                       g_variant_new("(ss)", EHD_BLUEZ_ADAPTER, "UUIDs"), CALL_MS,
                       self->cancellable, on_uuids, task);
}

gboolean
ehd_bluez_profile_check_finish(EhdBluezProfile *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

/* --- registering -----------------------------------------------------------------------------
 */

static void
on_checked_after(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Job *job = g_task_get_task_data(task);
    GError *error = NULL;
    gboolean published = g_task_propagate_boolean(G_TASK(result), &error);

    if (error != NULL) {
        g_task_return_error(task, error);
        return;
    }
    if (published) {
        g_task_return_boolean(task, TRUE);
        return;
    }
    ehd_bluez_profile_unregister(job->profile);
    g_task_return_new_error(task, EHD_ERROR, EHP_CHANNEL_TAKEN, "channel %u is taken",
                            job->channel);
}

static void
on_registered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Job *job = g_task_get_task_data(task);
    g_autoptr(GVariant) reply = NULL;
    GError *error = NULL;

    reply = ehd_bluez_bus_call_finish(job->profile->bus, result, &error);
    if (reply == NULL) {
        g_task_return_error(task, error);
        return;
    }
    job->profile->registered = TRUE;
    if (job->channel == 0)
        g_task_return_boolean(task, TRUE);
    else
        ehd_bluez_profile_check_async(job->profile, job->adapter, on_checked_after,
                                      g_steal_pointer(&task));
}

static GVariant *
options_of(const Job *job)
{
    GVariantBuilder options;

    g_variant_builder_init(&options, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&options, "{sv}", "Name", g_variant_new_string("ehrlink"));
    g_variant_builder_add(&options, "{sv}", "Role",
                          g_variant_new_string(job->channel != 0 ? "server" : "client"));
    if (job->channel != 0)
        g_variant_builder_add(&options, "{sv}", "Channel", g_variant_new_uint16(job->channel));
    /* our handshake authenticates and authorises; these would raise prompts */
    g_variant_builder_add(&options, "{sv}", "RequireAuthentication",
                          g_variant_new_boolean(FALSE));
    g_variant_builder_add(&options, "{sv}", "RequireAuthorization",
                          g_variant_new_boolean(FALSE));
    g_variant_builder_add(&options, "{sv}", "AutoConnect", g_variant_new_boolean(FALSE));
    return g_variant_builder_end(&options);
}

static void
do_register(GTask *task)
{
    Job *job = g_task_get_task_data(task);

    ehd_bluez_bus_call(
        job->profile->bus, MANAGER_PATH, MANAGER, "RegisterProfile",
        g_variant_new("(os@a{sv})", OBJECT_PATH, EHD_BLUEZ_UUID, options_of(job)), CALL_MS,
        job->profile->cancellable, on_registered, task);
}

static void
on_checked_before(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    GError *error = NULL;
    gboolean published = g_task_propagate_boolean(G_TASK(result), &error);

    if (error != NULL)
        g_task_return_error(task, error);
    else if (published)
        g_task_return_new_error(task, EHD_ERROR, EHP_LINK_UNAVAILABLE,
                                N_("another program offers ehrlink's Bluetooth service"));
    else
        do_register(g_steal_pointer(&task));
}

void
ehd_bluez_profile_register_async(EhdBluezProfile *self, const char *adapter, guint8 channel,
                                 GAsyncReadyCallback callback, gpointer user_data)
{
    GTask *task = job_new(self, adapter, channel, callback, user_data);

    ehd_bluez_profile_unregister(self); /* bluetoothd takes our calls in their order */
    if (channel != 0)
        ehd_bluez_profile_check_async(self, adapter, on_checked_before, task);
    else
        do_register(task);
}

gboolean
ehd_bluez_profile_register_finish(EhdBluezProfile *self, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

gboolean
ehd_bluez_profile_is_registered(EhdBluezProfile *self)
{
    return self->registered;
}

void
ehd_bluez_profile_unregister(EhdBluezProfile *self)
{
    if (!self->registered)
        return;
    self->registered = FALSE;
    ehd_bluez_bus_call(self->bus, MANAGER_PATH, MANAGER, "UnregisterProfile",
                       g_variant_new("(o)", OBJECT_PATH), CALL_MS, NULL, NULL, NULL);
}

void
ehd_bluez_profile_forget(EhdBluezProfile *self)
{
    self->registered = FALSE;
}

/* --- life ------------------------------------------------------------------------------------
 */

EhdBluezProfile *
ehd_bluez_profile_new(GDBusConnection *connection, EhdBluezBus *bus,
                      const EhdBluezProfileEvents *events, gpointer user_data, GError **error)
{
    static const GDBusInterfaceVTable vtable = {.method_call = on_call};
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(INTERFACE_XML, NULL);
    EhdBluezProfile *self = g_new0(EhdBluezProfile, 1);

    self->object = g_dbus_connection_register_object(
        connection, OBJECT_PATH, node->interfaces[0], &vtable, self, NULL, error);
    if (self->object == 0) {
        g_free(self);
        return NULL;
    }
    self->connection = g_object_ref(connection);
    self->bus = bus;
    self->events = events;
    self->user_data = user_data;
    self->cancellable = g_cancellable_new();
    return self;
}

void
ehd_bluez_profile_free(EhdBluezProfile *self)
{
    if (self == NULL)
        return;
    ehd_bluez_profile_unregister(self);
    g_cancellable_cancel(self->cancellable);
    g_object_unref(self->cancellable);
    g_dbus_connection_unregister_object(self->connection, self->object);
    g_object_unref(self->connection);
    g_free(self);
}
