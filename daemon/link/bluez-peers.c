/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices that bluetoothd knows only because of a session: removed after it, so that no list on
 * the desktop tells who was here. One that was known before the first session began, or that a
 * person has bonded since, is never touched.
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

static void
remember(const EhdBluezDevice *device, gpointer user_data)
{
    g_hash_table_add(user_data, g_strdup(device->path));
}

void
ehd_bluez_peers_begin(EhdLinkBluez *self)
{
    if (self->before != NULL)
        return;
    self->before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->ours = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ehd_bluez_bus_each_device(self->bus, remember, self->before);
}

void
ehd_bluez_peers_used(EhdLinkBluez *self, const char *device)
{
    const EhdBluezDevice *known = ehd_bluez_bus_get_device(self->bus, device);
    gboolean connected = known != NULL && known->connected;

    if (self->before != NULL && !g_hash_table_contains(self->before, device))
        g_hash_table_insert(self->ours, g_strdup(device), GINT_TO_POINTER(connected));
}

typedef struct {
    EhdLinkBluez *link; /* referenced */
    char *device, *adapter;
} Removal;

static void
on_bonded(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Removal *removal = user_data;
    EhdLinkBluez *self = removal->link;
    g_autoptr(GVariant) reply = ehd_bluez_bus_call_finish(self->bus, result, NULL);
    g_autoptr(GVariant) bonded = NULL;

    if (reply != NULL)
        g_variant_get(reply, "(v)", &bonded);
    /* without the property (BlueZ before 5.65) the cached one, Paired, has decided already */
    if (bonded == NULL || !g_variant_is_of_type(bonded, G_VARIANT_TYPE_BOOLEAN) ||
        !g_variant_get_boolean(bonded))
        ehd_bluez_bus_call(self->bus, removal->adapter, EHD_BLUEZ_ADAPTER, "RemoveDevice",
                           g_variant_new("(o)", removal->device), -1, NULL, NULL, NULL);
    ehd_bluez_unref(self);
    g_free(removal->device);
    g_free(removal->adapter);
    g_free(removal);
}

/* Asks first: a person may have bonded it just now. */
static void
remove_device(EhdLinkBluez *self, const char *path)
{
    const EhdBluezDevice *device = ehd_bluez_bus_get_device(self->bus, path);
    Removal *removal;

    if (device == NULL || device->bonded || device->adapter == NULL)
        return;
    removal = g_new0(Removal, 1);
    removal->link = ehd_bluez_ref(self);
    removal->device = g_strdup(path);
    removal->adapter = g_strdup(device->adapter);
    ehd_bluez_bus_call(self->bus, path, "org.freedesktop.DBus.Properties", "Get",
                       g_variant_new("(ss)", EHD_BLUEZ_DEVICE, "Bonded"), -1, NULL, on_bonded,
                       removal);
}

void
ehd_bluez_peers_changed(EhdLinkBluez *self, const EhdBluezDevice *device)
{
    gpointer was_connected;

    if (self->before == NULL ||
        !g_hash_table_lookup_extended(self->ours, device->path, NULL, &was_connected))
        return;
    if (device->connected) {
        g_hash_table_insert(self->ours, g_strdup(device->path), GINT_TO_POINTER(TRUE));
    } else if (was_connected != NULL) {
        g_hash_table_remove(self->ours, device->path);
        remove_device(self, device->path);
    }
}

void
ehd_bluez_peers_end(EhdLinkBluez *self)
{
    GHashTableIter iter;
    gpointer path;

    if (self->before == NULL)
        return;
    g_hash_table_iter_init(&iter, self->ours);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        remove_device(self, path);
    g_clear_pointer(&self->before, g_hash_table_unref);
    g_clear_pointer(&self->ours, g_hash_table_unref);
}
