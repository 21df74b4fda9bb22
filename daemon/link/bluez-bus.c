/* SPDX-License-Identifier: Apache-2.0
 *
 * Follows org.bluez: the owner of the name, then its objects, then their changes. What arrives
 * between the question for the objects and its answer is in the answer too, or comes as a
 * signal after it: the bus keeps the order.
 */
#include "daemon/link/bluez-bus.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/link/bluez-address.h"

#define MANAGER    "org.freedesktop.DBus.ObjectManager"
#define PROPERTIES "org.freedesktop.DBus.Properties"

struct EhdBluezBus {
    GDBusConnection *connection;
    const EhdBluezBusEvents *events; /* borrowed */
    gpointer user_data;
    guint watch, added, removed, changed;
    char *owner; /* NULL: does not run */
    gboolean known;
    GCancellable *asking;
    GPtrArray *adapters; /* of EhdBluezAdapter */
    GHashTable *devices; /* path → EhdBluezDevice */
};

static void
adapter_free(gpointer data)
{
    EhdBluezAdapter *adapter = data;

    g_free(adapter->path);
    g_free(adapter);
}

static void
device_free(gpointer data)
{
    EhdBluezDevice *device = data;

    g_free(device->path);
    g_free(device->adapter);
    g_free(device);
}

static void
tell_changed(EhdBluezBus *self)
{
    self->events->changed(self->user_data);
}

/* --- objects ---------------------------------------------------------------------------------
 */

static EhdBluezAdapter *
find_adapter(EhdBluezBus *self, const char *path)
{
    for (guint i = 0; i < self->adapters->len; i++) {
        EhdBluezAdapter *adapter = g_ptr_array_index(self->adapters, i);
        if (strcmp(adapter->path, path) == 0)
            return adapter;
    }
    return NULL;
}

static void
set_adapter(EhdBluezBus *self, const char *path, GVariant *properties)
{
    EhdBluezAdapter *adapter = find_adapter(self, path);
    const char *address = NULL;

    if (adapter == NULL) {
        adapter = g_new0(EhdBluezAdapter, 1);
        adapter->path = g_strdup(path);
        g_ptr_array_add(self->adapters, adapter);
    }
    if (g_variant_lookup(properties, "Address", "&s", &address))
        ehd_bluez_address_parse(address, adapter->address);
    g_variant_lookup(properties, "Powered", "b", &adapter->powered);
    g_variant_lookup(properties, "Discoverable", "b", &adapter->discoverable);
    g_variant_lookup(properties, "DiscoverableTimeout", "u", &adapter->discoverable_timeout);
}

static void
set_device(EhdBluezBus *self, const char *path, GVariant *properties)
{
    EhdBluezDevice *device = g_hash_table_lookup(self->devices, path);
    const char *text = NULL;

    if (device == NULL) {
        device = g_new0(EhdBluezDevice, 1);
        device->path = g_strdup(path);
        g_hash_table_insert(self->devices, device->path, device);
    }
    if (g_variant_lookup(properties, "Address", "&s", &text))
        ehd_bluez_address_parse(text, device->address);
    if (g_variant_lookup(properties, "Adapter", "&o", &text)) {
        g_free(device->adapter);
        device->adapter = g_strdup(text);
    }
    g_variant_lookup(properties, "Connected", "b", &device->connected);
    /* before 5.65 there is only Paired, which a session without bonding may set as well: then a
     * device of ours stays, which is the lesser evil */
    if (!g_variant_lookup(properties, "Bonded", "b", &device->bonded))
        g_variant_lookup(properties, "Paired", "b", &device->bonded);
    self->events->device(device, self->user_data);
}

static void
set_interface(EhdBluezBus *self, const char *path, const char *interface, GVariant *properties)
{
    if (strcmp(interface, EHD_BLUEZ_ADAPTER) == 0)
        set_adapter(self, path, properties);
    else if (strcmp(interface, EHD_BLUEZ_DEVICE) == 0)
        set_device(self, path, properties);
}

static void
set_object(EhdBluezBus *self, const char *path, GVariantIter *interfaces)
{
    const char *interface;
    GVariant *properties;

    while (g_variant_iter_loop(interfaces, "{&s@a{sv}}", &interface, &properties))
        set_interface(self, path, interface, properties);
}

static void
forget_device(EhdBluezBus *self, const char *path)
{
    if (!g_hash_table_contains(self->devices, path))
        return;
    self->events->device_gone(path, self->user_data);
    g_hash_table_remove(self->devices, path);
}

static void
forget_objects(EhdBluezBus *self)
{
    g_autoptr(GPtrArray) paths = g_ptr_array_new_with_free_func(g_free);
    GHashTableIter iter;
    gpointer path;

    g_hash_table_iter_init(&iter, self->devices);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        g_ptr_array_add(paths, g_strdup(path));
    for (guint i = 0; i < paths->len; i++)
        forget_device(self, g_ptr_array_index(paths, i));
    g_ptr_array_set_size(self->adapters, 0);
}

/* --- signals ---------------------------------------------------------------------------------
 */

static void
on_added(GDBusConnection *connection, const char *sender, const char *path,
         const char *interface, const char *signal, GVariant *parameters, gpointer user_data)
{
    EhdBluezBus *self = user_data;
    const char *object;
    GVariantIter *interfaces;

    if (!self->known || !g_variant_is_of_type(parameters, G_VARIANT_TYPE("(oa{sa{sv}})")))
        return;
    g_variant_get(parameters, "(&oa{sa{sv}})", &object, &interfaces);
    set_object(self, object, interfaces);
    g_variant_iter_free(interfaces);
    if (find_adapter(self, object) != NULL)
        tell_changed(self);
}

static void
on_removed(GDBusConnection *connection, const char *sender, const char *path,
           const char *interface, const char *signal, GVariant *parameters, gpointer user_data)
{
    EhdBluezBus *self = user_data;
    g_autofree const char **interfaces = NULL;
    EhdBluezAdapter *adapter;
    const char *object;

    if (!self->known || !g_variant_is_of_type(parameters, G_VARIANT_TYPE("(oas)")))
        return;
    g_variant_get(parameters, "(&o^a&s)", &object, &interfaces);
    if (g_strv_contains(interfaces, EHD_BLUEZ_DEVICE))
        forget_device(self, object);
    adapter = find_adapter(self, object);
    if (adapter == NULL || !g_strv_contains(interfaces, EHD_BLUEZ_ADAPTER))
        return;
    g_ptr_array_remove(self->adapters, adapter);
    tell_changed(self);
}

static void
on_changed(GDBusConnection *connection, const char *sender, const char *path,
           const char *interface, const char *signal, GVariant *parameters, gpointer user_data)
{
    EhdBluezBus *self = user_data;
    g_autoptr(GVariant) properties = NULL;
    const char *of;

    if (!self->known || !g_variant_is_of_type(parameters, G_VARIANT_TYPE("(sa{sv}as)")))
        return;
    g_variant_get(parameters, "(&s@a{sv}as)", &of, &properties, NULL);
    if (strcmp(of, EHD_BLUEZ_ADAPTER) == 0 && find_adapter(self, path) != NULL) {
        set_adapter(self, path, properties);
        tell_changed(self);
    } else if (strcmp(of, EHD_BLUEZ_DEVICE) == 0 &&
               g_hash_table_contains(self->devices, path)) {
        set_device(self, path, properties);
    }
}

/* --- the name --------------------------------------------------------------------------------
 */

static void
on_objects(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, &error);
    EhdBluezBus *self = user_data;
    GVariantIter *objects, *interfaces;
    const char *path;

    if (reply == NULL) {
        if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
            return; /* freed, or the name went */
        g_warning("bluetoothd: %s", error->message);
        self->known = TRUE;
        tell_changed(self);
        return;
    }
    g_clear_object(&self->asking);
    self->known = TRUE;
    g_variant_get(reply, "(a{oa{sa{sv}}})", &objects);
    while (g_variant_iter_loop(objects, "{&oa{sa{sv}}}", &path, &interfaces))
        set_object(self, path, interfaces);
    g_variant_iter_free(objects);
    tell_changed(self);
}

static void
stop_asking(EhdBluezBus *self)
{
    if (self->asking != NULL)
        g_cancellable_cancel(self->asking);
    g_clear_object(&self->asking);
}

static void
on_appeared(GDBusConnection *connection, const char *name, const char *owner,
            gpointer user_data)
{
    EhdBluezBus *self = user_data;

    stop_asking(self);
    forget_objects(self);
    g_free(self->owner);
    self->owner = g_strdup(owner);
    self->known = FALSE;
    self->asking = g_cancellable_new();
    g_dbus_connection_call(self->connection, EHD_BLUEZ_NAME, "/", MANAGER, "GetManagedObjects",
                           NULL, G_VARIANT_TYPE("(a{oa{sa{sv}}})"),
                           G_DBUS_CALL_FLAGS_NO_AUTO_START, -1, self->asking, on_objects, self);
}

static void
on_vanished(GDBusConnection *connection, const char *name, gpointer user_data)
{
    EhdBluezBus *self = user_data;

    stop_asking(self);
    g_clear_pointer(&self->owner, g_free);
    self->known = TRUE;
    forget_objects(self);
    tell_changed(self);
}

/* --- asking ----------------------------------------------------------------------------------
 */

gboolean
ehd_bluez_bus_is_known(EhdBluezBus *self)
{
    return self->known;
}

gboolean
ehd_bluez_bus_is_running(EhdBluezBus *self)
{
    return self->owner != NULL;
}

const char *
ehd_bluez_bus_get_owner(EhdBluezBus *self)
{
    return self->owner;
}

static gboolean
is_better(const EhdBluezAdapter *one, const EhdBluezAdapter *other)
{
    if (other == NULL)
        return TRUE;
    if (one->powered != other->powered)
        return one->powered;
    return strcmp(one->path, other->path) < 0;
}

const EhdBluezAdapter *
ehd_bluez_bus_get_adapter(EhdBluezBus *self, const guint8 *address)
{
    const EhdBluezAdapter *best = NULL;

    for (guint i = 0; i < self->adapters->len; i++) {
        const EhdBluezAdapter *adapter = g_ptr_array_index(self->adapters, i);

        if (address != NULL && memcmp(adapter->address, address, 6) != 0)
            continue;
        if (is_better(adapter, best))
            best = adapter;
    }
    return best;
}

const GPtrArray *
ehd_bluez_bus_list_adapters(EhdBluezBus *self)
{
    return self->adapters;
}

void
ehd_bluez_bus_assume(EhdBluezBus *self, const char *path, const char *property, gboolean value)
{
    EhdBluezAdapter *adapter = find_adapter(self, path);

    if (adapter == NULL)
        return;
    if (strcmp(property, "Powered") == 0)
        adapter->powered = value;
    else
        adapter->discoverable = value;
}

void
ehd_bluez_bus_each_device(EhdBluezBus *self,
                          void (*each)(const EhdBluezDevice *device, gpointer user_data),
                          gpointer user_data)
{
    GHashTableIter iter;
    gpointer device;

    g_hash_table_iter_init(&iter, self->devices);
    while (g_hash_table_iter_next(&iter, NULL, &device))
        each(device, user_data);
}

const EhdBluezDevice *
ehd_bluez_bus_get_device(EhdBluezBus *self, const char *path)
{
    return g_hash_table_lookup(self->devices, path);
}

const EhdBluezDevice *
ehd_bluez_bus_find_device(EhdBluezBus *self, const char *adapter, const guint8 address[6])
{
    GHashTableIter iter;
    gpointer value;

    g_hash_table_iter_init(&iter, self->devices);
    while (g_hash_table_iter_next(&iter, NULL, &value)) {
        const EhdBluezDevice *device = value;
        if (g_strcmp0(device->adapter, adapter) == 0 &&
            memcmp(device->address, address, 6) == 0)
            return device;
    }
    return NULL;
}

void
ehd_bluez_bus_call(EhdBluezBus *self, const char *path, const char *interface,
                   const char *method, GVariant *parameters, int timeout_ms,
                   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    g_dbus_connection_call(self->connection, EHD_BLUEZ_NAME, path, interface, method,
                           parameters, NULL, G_DBUS_CALL_FLAGS_NO_AUTO_START, timeout_ms,
                           cancellable, callback, user_data);
}

GVariant *
ehd_bluez_bus_call_finish(EhdBluezBus *self, GAsyncResult *result, GError **error)
{
    g_autoptr(GError) raw = NULL;
    GVariant *reply = g_dbus_connection_call_finish(self->connection, result, &raw);

    if (reply == NULL)
        g_propagate_error(error, ehd_bluez_bus_map_error(raw));
    return reply;
}

void
ehd_bluez_bus_start(EhdBluezBus *self)
{
    g_dbus_connection_call(self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "StartServiceByName",
                           g_variant_new("(su)", EHD_BLUEZ_NAME, 0), NULL,
                           G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, NULL);
}

/* --- life ------------------------------------------------------------------------------------
 */

static guint
subscribe(EhdBluezBus *self, const char *interface, const char *signal,
          GDBusSignalCallback callback)
{
    return g_dbus_connection_signal_subscribe(self->connection, EHD_BLUEZ_NAME, interface,
                                              signal, NULL, NULL, G_DBUS_SIGNAL_FLAGS_NONE,
                                              callback, self, NULL);
}

EhdBluezBus *
ehd_bluez_bus_new(GDBusConnection *connection, const EhdBluezBusEvents *events,
                  gpointer user_data)
{
    EhdBluezBus *self = g_new0(EhdBluezBus, 1);

    self->connection = g_object_ref(connection);
    self->events = events;
    self->user_data = user_data;
    self->adapters = g_ptr_array_new_with_free_func(adapter_free);
    self->devices = g_hash_table_new_full(g_str_hash, g_str_equal, NULL, device_free);
    self->added = subscribe(self, MANAGER, "InterfacesAdded", on_added);
    self->removed = subscribe(self, MANAGER, "InterfacesRemoved", on_removed);
    self->changed = subscribe(self, PROPERTIES, "PropertiesChanged", on_changed);
    self->watch = g_bus_watch_name_on_connection(connection, EHD_BLUEZ_NAME,
                                                 G_BUS_NAME_WATCHER_FLAGS_NONE, on_appeared,
                                                 on_vanished, self, NULL);
    return self;
}

void
ehd_bluez_bus_free(EhdBluezBus *self)
{
    if (self == NULL)
        return;
    g_bus_unwatch_name(self->watch);
    g_dbus_connection_signal_unsubscribe(self->connection, self->added);
    g_dbus_connection_signal_unsubscribe(self->connection, self->removed);
    g_dbus_connection_signal_unsubscribe(self->connection, self->changed);
    stop_asking(self);
    g_ptr_array_unref(self->adapters);
    g_hash_table_unref(self->devices);
    g_object_unref(self->connection);
    g_free(self->owner);
    g_free(self);
}
