/* SPDX-License-Identifier: Apache-2.0
 *
 * Devices that bluetoothd knows only because of a session: removed after it, so that no list on
 * the desktop tells who was here. One that was known before the first session began, or that a
 * person has bonded since, is never touched. They are on disk while they are ours, so that our
 * own crash leaves none behind: the next run removes them when it begins.
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/link/boot.h"
#include "daemon/store/atomic.h"

/* --- the file --------------------------------------------------------------------------------
 */

#define FILE_NAME "peers"
#define FILE_KIND "peers"
#define FILE_MAX  8192
/* More at once than a piconet has; what is beyond is left to bluetoothd. */
#define PEERS_MAX 32
#define PEER_MAX  80

static void
save(EhdLinkBluez *self)
{
    g_autoptr(GString) text = g_string_new(NULL);
    g_autoptr(GError) error = NULL;
    GHashTableIter iter;
    gpointer path;

    if (self->state_fd < 0)
        return;
    g_hash_table_iter_init(&iter, self->ours);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        g_string_append_printf(text, "%" G_GINT64_FORMAT " %s\n", ehd_boot_moment(),
                               (const char *)path);
    if (text->len > 0 ? !ehd_record_write(self->state_fd, FILE_NAME, FILE_KIND, text->str,
                                          text->len, &error)
                      : !ehd_atomic_remove(self->state_fd, FILE_NAME, &error))
        g_warning("devices that a session made known are not recorded: %s", error->message);
}

static void
load_line(EhdLinkBluez *self, const char *line)
{
    g_auto(GStrv) words = g_strsplit(line, " ", 2);
    gint64 boot;

    if (g_strv_length(words) == 2 && strlen(words[1]) < PEER_MAX &&
        g_variant_is_object_path(words[1]) && g_str_has_prefix(words[1], "/org/bluez/") &&
        g_ascii_string_to_signed(words[0], 10, 0, G_MAXINT64, &boot, NULL) &&
        ehd_boot_is_this(boot))
        g_hash_table_insert(self->ours, g_strdup(words[1]), GINT_TO_POINTER(TRUE));
}

void
ehd_bluez_peers_load(EhdLinkBluez *self)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) text = NULL;
    g_autofree char *copy = NULL;
    g_auto(GStrv) lines = NULL;

    self->ours = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    self->leaving = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    if (self->state_fd < 0)
        return;
    text = ehd_record_read(self->state_fd, FILE_NAME, FILE_KIND, FILE_MAX, &error);
    if (text == NULL) {
        if (ehd_error_status(error) != EHP_NOT_FOUND)
            g_warning("devices that an earlier run made known: %s", error->message);
        return;
    }
    copy = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
    lines = g_strsplit(copy, "\n", PEERS_MAX + 1);
    for (guint i = 0; lines[i] != NULL; i++)
        load_line(self, lines[i]);
}

/* --- whose is it? ----------------------------------------------------------------------------
 */

static void
remember(const EhdBluezDevice *device, gpointer user_data)
{
    EhdLinkBluez *self = user_data;

    /* what a run that crashed made known was not there before either, nor what is on its way
     * out */
    if (!g_hash_table_contains(self->ours, device->path) &&
        !g_hash_table_contains(self->leaving, device->path))
        g_hash_table_add(self->before, g_strdup(device->path));
}

void
ehd_bluez_peers_begin(EhdLinkBluez *self)
{
    if (self->before != NULL)
        return;
    self->before = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    ehd_bluez_bus_each_device(self->bus, remember, self);
}

void
ehd_bluez_peers_used(EhdLinkBluez *self, const char *device)
{
    const EhdBluezDevice *known = ehd_bluez_bus_get_device(self->bus, device);
    gboolean connected = known != NULL && known->connected;

    if (self->before == NULL || g_hash_table_contains(self->before, device))
        return;
    if (!g_hash_table_contains(self->ours, device) &&
        g_hash_table_size(self->ours) >= PEERS_MAX)
        return;
    if (g_hash_table_insert(self->ours, g_strdup(device), GINT_TO_POINTER(connected)))
        save(self);
}

void
ehd_bluez_peers_gone(EhdLinkBluez *self, const char *path)
{
    g_hash_table_remove(self->leaving, path);
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
    else
        g_hash_table_remove(self->leaving, removal->device);
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
    g_hash_table_add(self->leaving, g_strdup(path));
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
        save(self);
    }
}

static void
remove_ours(EhdLinkBluez *self)
{
    GHashTableIter iter;
    gpointer path;

    if (g_hash_table_size(self->ours) == 0)
        return;
    g_hash_table_iter_init(&iter, self->ours);
    while (g_hash_table_iter_next(&iter, &path, NULL))
        remove_device(self, path);
    g_hash_table_remove_all(self->ours);
    save(self);
}

void
ehd_bluez_peers_end(EhdLinkBluez *self)
{
    if (self->before == NULL)
        return;
    g_clear_pointer(&self->before, g_hash_table_unref);
    remove_ours(self);
}

void
ehd_bluez_peers_seen(EhdLinkBluez *self)
{
    if (self->before == NULL)
        remove_ours(self);
}
