/* SPDX-License-Identifier: Apache-2.0
 *
 * An org.bluez of our own, in the test's process on a connection of its own: adapters that can
 * be off, blocked, taken away; channels that are taken as silently as bluetoothd's; devices;
 * and a profile manager that really calls NewConnection, with one end of a socket pair.
 */
#pragma once

#include <gio/gio.h>

typedef struct FakeBluez FakeBluez;

typedef struct {
    char *path, *address;
    gboolean powered, discoverable;
    guint32 discoverable_timeout;
    gboolean blocked;   /* Powered cannot be set: rfkill */
    gboolean forbidden; /* nor may it */
    guint sets;         /* how often a property was set */
    guint discovering;  /* StartDiscovery that is not stopped */
    GPtrArray *removed; /* paths given to RemoveDevice */
    guint object;
    FakeBluez *fake;
} FakeAdapter;

struct FakeBluez {
    GDBusConnection *connection;
    guint name, manager, objects;
    guint taken; /* bit of each channel that another program has */
    GPtrArray *adapters, *devices;
    /* the registered profile */
    char *profile, *owner, *role;
    guint channel;
    guint registrations;
    gboolean published;
    /* what ConnectProfile does: NULL connects */
    const char *connect_error;
    guint connects;
    int peer; /* our end of its last connection; -1: none */
    /* a discovery finds this address; NULL: none */
    const char *finds;
};

typedef struct {
    char *path, *adapter, *address;
    gboolean connected, bonded;
    guint object;
    FakeBluez *fake;
} FakeDevice;

/* address: of the bus. Owns the name when it returns. */
FakeBluez *fake_bluez_new(const char *address);
/* As bluetoothd that is stopped. */
void fake_bluez_free(FakeBluez *fake);

FakeAdapter *fake_bluez_add_adapter(FakeBluez *fake, const char *name, const char *address,
                                    gboolean powered);
void fake_bluez_remove_adapter(FakeBluez *fake, FakeAdapter *adapter);
/* Somebody else changes it. */
void fake_adapter_set(FakeAdapter *adapter, const char *property, gboolean value);
FakeDevice *fake_bluez_add_device(FakeBluez *fake, FakeAdapter *adapter, const char *address,
                                  gboolean bonded);
void fake_device_set(FakeDevice *device, const char *property, gboolean value);
FakeDevice *fake_bluez_find_device(FakeBluez *fake, const char *address);

/* Gives the registered profile back, and stays. */
void fake_bluez_release(FakeBluez *fake);

/* A device connects to our service on this adapter: NewConnection is called, without waiting
 * for its answer. Returns the other end, (transfer full), blocking. */
int fake_bluez_connect(FakeBluez *fake, FakeAdapter *adapter, const char *address);
