/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/link/fake-bluez.h"

#include <gio/gunixfdlist.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define ADAPTER "org.bluez.Adapter1"
#define DEVICE  "org.bluez.Device1"
#define UUID    "32d50275-38ea-4bd3-a079-3e540621d763"

static const char xml[] =
    "<node>"
    "<interface name='org.freedesktop.DBus.ObjectManager'>"
    "<method name='GetManagedObjects'><arg type='a{oa{sa{sv}}}' direction='out'/></method>"
    "</interface>"
    "<interface name='org.bluez.ProfileManager1'>"
    "<method name='RegisterProfile'><arg type='o' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='a{sv}' direction='in'/></method>"
    "<method name='UnregisterProfile'><arg type='o' direction='in'/></method></interface>"
    "<interface name='org.bluez.Adapter1'>"
    "<method name='StartDiscovery'/><method name='StopDiscovery'/>"
    "<method name='SetDiscoveryFilter'><arg type='a{sv}' direction='in'/></method>"
    "<method name='RemoveDevice'><arg type='o' direction='in'/></method>"
    "<property name='Address' type='s' access='read'/>"
    "<property name='Powered' type='b' access='readwrite'/>"
    "<property name='Discoverable' type='b' access='readwrite'/>"
    "<property name='DiscoverableTimeout' type='u' access='readwrite'/>"
    "<property name='UUIDs' type='as' access='read'/></interface>"
    "<interface name='org.bluez.Device1'>"
    "<method name='ConnectProfile'><arg type='s' direction='in'/></method>"
    "<property name='Address' type='s' access='read'/>"
    "<property name='Adapter' type='o' access='read'/>"
    "<property name='Connected' type='b' access='read'/>"
    "<property name='Bonded' type='b' access='read'/></interface>"
    "</node>";

static GDBusInterfaceInfo *
interface(const char *name)
{
    static GDBusNodeInfo *node;

    if (node == NULL)
        node = g_dbus_node_info_new_for_xml(xml, NULL);
    return g_dbus_node_info_lookup_interface(node, name);
}

static guint
export(FakeBluez *fake, const char *path, const char *name, const GDBusInterfaceVTable *vtable,
       gpointer data)
{
    guint id = g_dbus_connection_register_object(fake->connection, path, interface(name),
                                                 vtable, data, NULL, NULL);

    g_assert_cmpuint(id, !=, 0);
    return id;
}

static void
answer_error(GDBusMethodInvocation *invocation, const char *name, const char *text)
{
    g_autofree char *full = g_strconcat("org.bluez.Error.", name, NULL);

    g_dbus_method_invocation_return_dbus_error(invocation, full, text);
}

/* --- properties ------------------------------------------------------------------------------
 */

static GVariant *
adapter_get(GDBusConnection *connection, const char *sender, const char *path,
            const char *interface_name, const char *property, GError **error, gpointer data)
{
    FakeAdapter *self = data;
    GVariantBuilder uuids;

    if (strcmp(property, "Address") == 0)
        return g_variant_new_string(self->address);
    if (strcmp(property, "Powered") == 0)
        return g_variant_new_boolean(self->powered);
    if (strcmp(property, "Discoverable") == 0)
        return g_variant_new_boolean(self->discoverable);
    if (strcmp(property, "DiscoverableTimeout") == 0)
        return g_variant_new_uint32(self->discoverable_timeout);
    g_variant_builder_init(&uuids, G_VARIANT_TYPE_STRING_ARRAY);
    g_variant_builder_add(&uuids, "s", "0000110e-0000-1000-8000-00805f9b34fb");
    if (self->fake->published)
        g_variant_builder_add(&uuids, "s", UUID);
    return g_variant_builder_end(&uuids);
}

static void
tell_changed(FakeBluez *fake, const char *path, const char *of, const char *property,
             GVariant *value)
{
    GVariantBuilder changed;
    const char *none[] = {NULL};

    g_variant_builder_init(&changed, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&changed, "{sv}", property, value);
    g_dbus_connection_emit_signal(fake->connection, NULL, path,
                                  "org.freedesktop.DBus.Properties", "PropertiesChanged",
                                  g_variant_new("(sa{sv}^as)", of, &changed, none), NULL);
}

void
fake_adapter_set(FakeAdapter *self, const char *property, gboolean value)
{
    if (strcmp(property, "Powered") == 0)
        self->powered = value;
    else
        self->discoverable = value;
    tell_changed(self->fake, self->path, ADAPTER, property, g_variant_new_boolean(value));
}

static gboolean
adapter_set(GDBusConnection *connection, const char *sender, const char *path,
            const char *interface_name, const char *property, GVariant *value, GError **error,
            gpointer data)
{
    FakeAdapter *self = data;

    self->sets++;
    if (self->blocked || self->forbidden) {
        g_set_error(error, g_dbus_error_quark(), self->blocked ? 1000 : 1001, "%s",
                    self->blocked ? "Blocked through rfkill" : "Not authorized");
        return FALSE;
    }
    if (strcmp(property, "DiscoverableTimeout") == 0) {
        self->discoverable_timeout = g_variant_get_uint32(value);
        tell_changed(self->fake, self->path, ADAPTER, property, value);
        return TRUE;
    }
    fake_adapter_set(self, property, g_variant_get_boolean(value));
    return TRUE;
}

static GVariant *
device_get(GDBusConnection *connection, const char *sender, const char *path,
           const char *interface_name, const char *property, GError **error, gpointer data)
{
    FakeDevice *self = data;

    if (strcmp(property, "Address") == 0)
        return g_variant_new_string(self->address);
    if (strcmp(property, "Adapter") == 0)
        return g_variant_new_object_path(self->adapter);
    return g_variant_new_boolean(strcmp(property, "Bonded") == 0 ? self->bonded
                                                                : self->connected);
}

void
fake_device_set(FakeDevice *self, const char *property, gboolean value)
{
    if (strcmp(property, "Bonded") == 0)
        self->bonded = value;
    else
        self->connected = value;
    tell_changed(self->fake, self->path, DEVICE, property, g_variant_new_boolean(value));
}

/* --- objects ---------------------------------------------------------------------------------
 */

static void
add_interface(GVariantBuilder *interfaces, const char *name, gpointer object,
              GDBusInterfaceGetPropertyFunc get)
{
    GVariantBuilder properties;
    GDBusPropertyInfo **all = interface(name)->properties;

    g_variant_builder_init(&properties, G_VARIANT_TYPE_VARDICT);
    for (guint i = 0; all[i] != NULL; i++)
        g_variant_builder_add(&properties, "{sv}", all[i]->name,
                              get(NULL, NULL, NULL, NULL, all[i]->name, NULL, object));
    g_variant_builder_init(interfaces, G_VARIANT_TYPE("a{sa{sv}}"));
    g_variant_builder_add(interfaces, "{sa{sv}}", name, &properties);
}

static void
on_get_objects(GDBusConnection *connection, const char *sender, const char *path,
               const char *interface_name, const char *method, GVariant *parameters,
               GDBusMethodInvocation *invocation, gpointer data)
{
    FakeBluez *self = data;
    GVariantBuilder objects, interfaces;

    g_variant_builder_init(&objects, G_VARIANT_TYPE("a{oa{sa{sv}}}"));
    for (guint i = 0; i < self->adapters->len; i++) {
        FakeAdapter *adapter = g_ptr_array_index(self->adapters, i);
        add_interface(&interfaces, ADAPTER, adapter, adapter_get);
        g_variant_builder_add(&objects, "{oa{sa{sv}}}", adapter->path, &interfaces);
    }
    for (guint i = 0; i < self->devices->len; i++) {
        FakeDevice *device = g_ptr_array_index(self->devices, i);
        add_interface(&interfaces, DEVICE, device, device_get);
        g_variant_builder_add(&objects, "{oa{sa{sv}}}", device->path, &interfaces);
    }
    g_dbus_method_invocation_return_value(invocation,
                                          g_variant_new("(a{oa{sa{sv}}})", &objects));
}

static void
tell_added(FakeBluez *self, const char *path, const char *name, gpointer object,
           GDBusInterfaceGetPropertyFunc get)
{
    GVariantBuilder interfaces;

    add_interface(&interfaces, name, object, get);
    g_dbus_connection_emit_signal(
        self->connection, NULL, "/", "org.freedesktop.DBus.ObjectManager", "InterfacesAdded",
        g_variant_new("(oa{sa{sv}})", path, &interfaces), NULL);
}

static void
tell_removed(FakeBluez *self, const char *path, const char *name)
{
    const char *names[] = {name, NULL};

    g_dbus_connection_emit_signal(self->connection, NULL, "/",
                                  "org.freedesktop.DBus.ObjectManager", "InterfacesRemoved",
                                  g_variant_new("(o^as)", path, names), NULL);
}

static void
device_free(gpointer data)
{
    FakeDevice *self = data;

    g_dbus_connection_unregister_object(self->fake->connection, self->object);
    g_free(self->path);
    g_free(self->adapter);
    g_free(self->address);
    g_free(self);
}

/* --- connections -----------------------------------------------------------------------------
 */

static int
hand_over(FakeBluez *self, const char *device)
{
    g_autoptr(GUnixFDList) list = g_unix_fd_list_new();
    GVariantBuilder properties;
    int pair[2];

    g_assert_nonnull(self->profile);
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), ==, 0);
    g_assert_cmpint(g_unix_fd_list_append(list, pair[0], NULL), ==, 0);
    close(pair[0]);
    g_variant_builder_init(&properties, G_VARIANT_TYPE_VARDICT);
    g_dbus_connection_call_with_unix_fd_list(
        self->connection, self->owner, self->profile, "org.bluez.Profile1", "NewConnection",
        g_variant_new("(oha{sv})", device, 0, &properties), NULL, G_DBUS_CALL_FLAGS_NONE, -1,
        list, NULL, NULL, NULL);
    return pair[1];
}

FakeDevice *
fake_bluez_find_device(FakeBluez *self, const char *address)
{
    for (guint i = 0; i < self->devices->len; i++) {
        FakeDevice *device = g_ptr_array_index(self->devices, i);
        if (strcmp(device->address, address) == 0)
            return device;
    }
    return NULL;
}

int
fake_bluez_connect(FakeBluez *self, FakeAdapter *adapter, const char *address)
{
    FakeDevice *device = fake_bluez_find_device(self, address);

    if (device == NULL)
        device = fake_bluez_add_device(self, adapter, address, FALSE);
    fake_device_set(device, "Connected", TRUE);
    return hand_over(self, device->path);
}

static void
on_device_call(GDBusConnection *connection, const char *sender, const char *path,
               const char *interface_name, const char *method, GVariant *parameters,
               GDBusMethodInvocation *invocation, gpointer data)
{
    FakeDevice *device = data;
    FakeBluez *self = device->fake;

    self->connects++;
    if (self->connect_error != NULL) {
        answer_error(invocation, "Failed", self->connect_error);
        return;
    }
    fake_device_set(device, "Connected", TRUE);
    self->peer = hand_over(self, device->path);
    g_dbus_method_invocation_return_value(invocation, NULL);
}

FakeDevice *
fake_bluez_add_device(FakeBluez *self, FakeAdapter *adapter, const char *address,
                      gboolean bonded)
{
    static const GDBusInterfaceVTable vtable = {.method_call = on_device_call,
                                                .get_property = device_get};
    FakeDevice *device = g_new0(FakeDevice, 1);
    g_autofree char *name = g_strdelimit(g_strdup(address), ":", '_');

    device->fake = self;
    device->adapter = g_strdup(adapter->path);
    device->address = g_strdup(address);
    device->bonded = bonded;
    device->path = g_strdup_printf("%s/dev_%s", adapter->path, name);
    device->object = export(self, device->path, DEVICE, &vtable, device);
    g_ptr_array_add(self->devices, device);
    tell_added(self, device->path, DEVICE, device, device_get);
    return device;
}

/* --- adapters --------------------------------------------------------------------------------
 */

static void
remove_device(FakeAdapter *self, const char *path)
{
    FakeBluez *fake = self->fake;

    g_ptr_array_add(self->removed, g_strdup(path));
    for (guint i = 0; i < fake->devices->len; i++) {
        FakeDevice *device = g_ptr_array_index(fake->devices, i);
        if (strcmp(device->path, path) != 0)
            continue;
        tell_removed(fake, path, DEVICE);
        g_ptr_array_remove_index(fake->devices, i);
        return;
    }
}

static void
on_adapter_call(GDBusConnection *connection, const char *sender, const char *path,
                const char *interface_name, const char *method, GVariant *parameters,
                GDBusMethodInvocation *invocation, gpointer data)
{
    FakeAdapter *self = data;
    const char *object;

    if (strcmp(method, "StartDiscovery") == 0) {
        self->discovering++;
        if (self->fake->finds != NULL &&
            fake_bluez_find_device(self->fake, self->fake->finds) == NULL)
            fake_bluez_add_device(self->fake, self, self->fake->finds, FALSE);
    } else if (strcmp(method, "StopDiscovery") == 0) {
        self->discovering--;
    } else if (strcmp(method, "RemoveDevice") == 0) {
        g_variant_get(parameters, "(&o)", &object);
        remove_device(self, object);
    }
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static void
adapter_free(gpointer data)
{
    FakeAdapter *self = data;

    g_dbus_connection_unregister_object(self->fake->connection, self->object);
    g_ptr_array_unref(self->removed);
    g_free(self->path);
    g_free(self->address);
    g_free(self);
}

FakeAdapter *
fake_bluez_add_adapter(FakeBluez *self, const char *name, const char *address, gboolean powered)
{
    static const GDBusInterfaceVTable vtable = {.method_call = on_adapter_call,
                                                .get_property = adapter_get,
                                                .set_property = adapter_set};
    FakeAdapter *adapter = g_new0(FakeAdapter, 1);

    adapter->fake = self;
    adapter->path = g_strconcat("/org/bluez/", name, NULL);
    adapter->address = g_strdup(address);
    adapter->powered = powered;
    adapter->discoverable_timeout = 180;
    adapter->removed = g_ptr_array_new_with_free_func(g_free);
    adapter->object = export(self, adapter->path, ADAPTER, &vtable, adapter);
    g_ptr_array_add(self->adapters, adapter);
    tell_added(self, adapter->path, ADAPTER, adapter, adapter_get);
    return adapter;
}

void
fake_bluez_remove_adapter(FakeBluez *self, FakeAdapter *adapter)
{
    tell_removed(self, adapter->path, ADAPTER);
    while (g_main_context_iteration(NULL, FALSE)) /* as in fake_bluez_free() */
        ;
    g_ptr_array_remove(self->adapters, adapter);
}

/* --- profiles --------------------------------------------------------------------------------
 */

static void
forget_profile(FakeBluez *self)
{
    g_clear_pointer(&self->profile, g_free);
    g_clear_pointer(&self->owner, g_free);
    g_clear_pointer(&self->role, g_free);
    self->channel = 0;
    self->published = FALSE;
}

void
fake_bluez_release(FakeBluez *self)
{
    g_dbus_connection_call(self->connection, self->owner, self->profile, "org.bluez.Profile1",
                           "Release", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
    forget_profile(self);
}

static void
register_profile(FakeBluez *self, const char *sender, GVariant *parameters)
{
    g_autoptr(GVariant) options = NULL;
    const char *path, *uuid, *role = "";
    gboolean authorization = TRUE, authentication = TRUE;
    guint16 channel = 0;

    g_variant_get(parameters, "(&o&s@a{sv})", &path, &uuid, &options);
    g_assert_cmpstr(uuid, ==, UUID);
    g_variant_lookup(options, "Role", "&s", &role);
    g_variant_lookup(options, "Channel", "q", &channel);
    g_variant_lookup(options, "RequireAuthorization", "b", &authorization);
    g_variant_lookup(options, "RequireAuthentication", "b", &authentication);
    g_assert_false(authorization);
    g_assert_false(authentication);
    self->registrations++;
    self->profile = g_strdup(path);
    self->owner = g_strdup(sender);
    self->role = g_strdup(role);
    self->channel = channel;
    /* as bluetoothd: it listens on every adapter, or logs that it could not */
    self->published = channel != 0 && (self->taken & 1u << channel) == 0;
}

static void
on_profile_call(GDBusConnection *connection, const char *sender, const char *path,
                const char *interface_name, const char *method, GVariant *parameters,
                GDBusMethodInvocation *invocation, gpointer data)
{
    FakeBluez *self = data;

    if (strcmp(method, "UnregisterProfile") == 0) {
        forget_profile(self);
    } else if (self->profile != NULL) {
        answer_error(invocation, "AlreadyExists", "Already Exists");
        return;
    } else {
        register_profile(self, sender, parameters);
    }
    g_dbus_method_invocation_return_value(invocation, NULL);
}

/* --- life ------------------------------------------------------------------------------------
 */

FakeBluez *
fake_bluez_new(const char *address)
{
    static const GDBusInterfaceVTable objects = {.method_call = on_get_objects};
    static const GDBusInterfaceVTable profiles = {.method_call = on_profile_call};
    static const GDBusErrorEntry errors[] = {{1000, "org.bluez.Error.Blocked"},
                                             {1001, "org.bluez.Error.NotAuthorized"}};
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = NULL;
    FakeBluez *self = g_new0(FakeBluez, 1);

    for (guint i = 0; i < G_N_ELEMENTS(errors); i++)
        g_dbus_error_register_error(g_dbus_error_quark(), errors[i].error_code,
                                    errors[i].dbus_error_name);
    self->peer = -1;
    self->adapters = g_ptr_array_new_with_free_func(adapter_free);
    self->devices = g_ptr_array_new_with_free_func(device_free);
    self->connection = g_dbus_connection_new_for_address_sync(
        address,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, &error);
    g_assert_no_error(error);
    g_dbus_connection_set_exit_on_close(self->connection, FALSE);
    self->objects =
        export(self, "/", "org.freedesktop.DBus.ObjectManager", &objects, self);
    self->manager = export(self, "/org/bluez", "org.bluez.ProfileManager1", &profiles, self);
    reply = g_dbus_connection_call_sync(self->connection, "org.freedesktop.DBus",
                                        "/org/freedesktop/DBus", "org.freedesktop.DBus",
                                        "RequestName", g_variant_new("(su)", "org.bluez", 4),
                                        NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    g_assert_no_error(error);
    return self;
}

void
fake_bluez_free(FakeBluez *self)
{
    if (self == NULL)
        return;
    /* GDBus calls setters that are queued even after their object was unregistered */
    g_dbus_connection_close_sync(self->connection, NULL, NULL);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_ptr_array_unref(self->devices);
    g_ptr_array_unref(self->adapters);
    g_dbus_connection_unregister_object(self->connection, self->objects);
    g_dbus_connection_unregister_object(self->connection, self->manager);
    g_object_unref(self->connection);
    forget_profile(self);
    if (self->peer >= 0)
        close(self->peer);
    g_free(self);
}
