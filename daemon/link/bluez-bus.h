/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdBluezBus: bluetoothd as it is on the system bus now: whether it runs, its adapters, the
 * devices that it knows. Follows it through stops, restarts and replugged adapters. Main
 * context.
 */
#pragma once

#include <gio/gio.h>

#define EHD_BLUEZ_NAME    "org.bluez"
#define EHD_BLUEZ_ADAPTER "org.bluez.Adapter1"
#define EHD_BLUEZ_DEVICE  "org.bluez.Device1"

typedef struct {
    char *path;
    guint8 address[6]; /* most significant byte first */
    gboolean powered, discoverable;
    guint32 discoverable_timeout; /* seconds */
} EhdBluezAdapter;

typedef struct {
    char *path, *adapter; /* object paths */
    guint8 address[6];
    gboolean connected;
    gboolean bonded; /* a person paired it: never ours to remove */
} EhdBluezDevice;

typedef struct EhdBluezBus EhdBluezBus;

typedef struct {
    /* It came, went, or an adapter did or changed. */
    void (*changed)(gpointer user_data);
    /* A device appeared or changed. borrowed */
    void (*device)(const EhdBluezDevice *device, gpointer user_data);
    /* And is gone. */
    void (*device_gone)(const char *path, gpointer user_data);
} EhdBluezBusEvents;

/* events is borrowed (static). */
EhdBluezBus *ehd_bluez_bus_new(GDBusConnection *connection, const EhdBluezBusEvents *events,
                               gpointer user_data);
void ehd_bluez_bus_free(EhdBluezBus *bus);

/* TRUE once it is known whether it runs, and if so which adapters there are. */
gboolean ehd_bluez_bus_is_known(EhdBluezBus *bus);
gboolean ehd_bluez_bus_is_running(EhdBluezBus *bus);
/* Its unique name, NULL: does not run. */
const char *ehd_bluez_bus_get_owner(EhdBluezBus *bus);
/* The adapter of that address; NULL: the first that is on, else the first. */
const EhdBluezAdapter *ehd_bluez_bus_get_adapter(EhdBluezBus *bus, const guint8 *address);
/* All of them, of EhdBluezAdapter; borrowed. */
const GPtrArray *ehd_bluez_bus_list_adapters(EhdBluezBus *bus);
/* bluetoothd said yes to setting it: so it is, before the signal of it comes. */
void ehd_bluez_bus_assume(EhdBluezBus *bus, const char *adapter, const char *property,
                          gboolean value);
void ehd_bluez_bus_each_device(EhdBluezBus *bus,
                               void (*each)(const EhdBluezDevice *device, gpointer user_data),
                               gpointer user_data);
const EhdBluezDevice *ehd_bluez_bus_get_device(EhdBluezBus *bus, const char *path);
const EhdBluezDevice *ehd_bluez_bus_find_device(EhdBluezBus *bus, const char *adapter,
                                                const guint8 address[6]);

/* Calls a method of bluetoothd; consumes parameters. timeout_ms -1: the bus's. finish as
 * g_dbus_connection_call_finish, with the error mapped by ehd_bluez_bus_map_error. */
void ehd_bluez_bus_call(EhdBluezBus *bus, const char *path, const char *interface,
                        const char *method, GVariant *parameters, int timeout_ms,
                        GCancellable *cancellable, GAsyncReadyCallback callback,
                        gpointer user_data);
GVariant *ehd_bluez_bus_call_finish(EhdBluezBus *bus, GAsyncResult *result, GError **error);
/* Asks the bus to start bluetoothd; it appears or it does not. */
void ehd_bluez_bus_start(EhdBluezBus *bus);

/* Our error for one of org.bluez or of the bus (transfer full). */
GError *ehd_bluez_bus_map_error(const GError *error);
