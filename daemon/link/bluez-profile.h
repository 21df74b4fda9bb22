/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdBluezProfile: our org.bluez.Profile1 object, by which bluetoothd hands connected RFCOMM
 * descriptors to us. Registered as server (on a channel that it then listens on) or as client.
 * Main context.
 */
#pragma once

#include "daemon/link/bluez-bus.h"

/* PROTOCOL.md, section 1. */
#define EHD_BLUEZ_UUID "32d50275-38ea-4bd3-a079-3e540621d763"

typedef struct EhdBluezProfile EhdBluezProfile;

typedef struct {
    /* fd: (transfer full) connected, non-blocking, close-on-exec. device: borrowed. */
    void (*connected)(const char *device, int fd, gpointer user_data);
    /* bluetoothd is done with the profile (it stops). */
    void (*released)(gpointer user_data);
} EhdBluezProfileEvents;

/* events borrowed (static). bus must outlive it. NULL with error: the object cannot be made. */
EhdBluezProfile *ehd_bluez_profile_new(GDBusConnection *connection, EhdBluezBus *bus,
                                       const EhdBluezProfileEvents *events, gpointer user_data,
                                       GError **error);
void ehd_bluez_profile_free(EhdBluezProfile *profile);

/* channel 0: as client. For a server it is checked on `adapter` (object path) that the record
 * was published: what bluetoothd does not tell by itself is CHANNEL_TAKEN. An earlier
 * registration is replaced. */
void ehd_bluez_profile_register_async(EhdBluezProfile *profile, const char *adapter,
                                      guint8 channel, GAsyncReadyCallback callback,
                                      gpointer user_data);
gboolean ehd_bluez_profile_register_finish(EhdBluezProfile *profile, GAsyncResult *result,
                                           GError **error);
gboolean ehd_bluez_profile_is_registered(EhdBluezProfile *profile);
/* No-op when it is not. */
void ehd_bluez_profile_unregister(EhdBluezProfile *profile);
/* bluetoothd is gone, and the registration with it. */
void ehd_bluez_profile_forget(EhdBluezProfile *profile);
/* Is the record still (or again) published on this adapter? */
void ehd_bluez_profile_check_async(EhdBluezProfile *profile, const char *adapter,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_bluez_profile_check_finish(EhdBluezProfile *profile, GAsyncResult *result,
                                        GError **error);
