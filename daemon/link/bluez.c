/* SPDX-License-Identifier: Apache-2.0
 *
 * The Bluetooth link's life, and what comes in. Main context. Calls that are under way when it
 * is freed keep its memory until they are back.
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/link/bluez-address.h"

/* A blocking write of 13 kB and more stalls in RFCOMM, and more in one call gains nothing. The
 * kernel cuts each write into frames by itself: eight whole ones of the MTU that two Linux
 * agree on, so that no radio packet is sent for what is left over. */
#define WRITE_MAX   (8 * 1008)
/* bluetoothd that was asked to start, or an adapter behind it, may take so long to appear. */
#define PATIENCE_MS 5000

EhdLinkBluez *
ehd_bluez_ref(EhdLinkBluez *self)
{
    self->refs++;
    return self;
}

void
ehd_bluez_unref(EhdLinkBluez *self)
{
    if (--self->refs > 0)
        return;
    ehd_radio_free(self->radio);
    ehd_bluez_profile_free(self->profile);
    ehd_bluez_bus_free(self->bus);
    g_array_unref(self->waiters);
    g_ptr_array_unref(self->probes);
    g_ptr_array_unref(self->lookups);
    g_array_unref(self->oob_peers);
    g_hash_table_unref(self->ours);
    g_hash_table_unref(self->leaving);
    g_object_unref(self->connection);
    g_free(self);
}

/* --- what bluetoothd tells -------------------------------------------------------------------
 */

static void
on_changed(gpointer user_data)
{
    EhdLinkBluez *self = user_data;

    if (!ehd_bluez_bus_is_running(self->bus)) {
        ehd_bluez_profile_forget(self->profile);
        ehd_bluez_up_unpublished(self);
    }
    ehd_bluez_settings_seen(self);
    if (!self->freed && ehd_bluez_bus_is_known(self->bus) &&
        ehd_bluez_bus_list_adapters(self->bus)->len > 0)
        ehd_bluez_peers_seen(self);
    if (ehd_bluez_bus_is_known(self->bus))
        ehd_bluez_probe_known(self);
    ehd_bluez_up_changed(self);
}

static void
on_device(const EhdBluezDevice *device, gpointer user_data)
{
    EhdLinkBluez *self = user_data;

    if (self->freed)
        return;
    ehd_bluez_lookup_device(self, device);
    ehd_bluez_peers_changed(self, device);
}

static void
on_device_gone(const char *path, gpointer user_data)
{
    ehd_bluez_peers_gone(user_data, path);
}

static const EhdBluezBusEvents bus_events = {
    .changed = on_changed, .device = on_device, .device_gone = on_device_gone};

static void
on_released(gpointer user_data)
{
    ehd_bluez_up_unpublished(user_data);
}

/* A connection over another adapter than the one that was told in a tap is no session's. */
static gboolean
is_for_us(EhdLinkBluez *self, const char *device)
{
    const EhdBluezAdapter *adapter = ehd_bluez_up_adapter(self);
    gsize length = adapter != NULL ? strlen(adapter->path) : 0;

    return self->listening && length > 0 && strncmp(device, adapter->path, length) == 0 &&
           device[length] == '/';
}

static void
on_connected(const char *device, int fd, gpointer user_data)
{
    EhdLinkBluez *self = user_data;

    if (!self->freed && ehd_bluez_lookup_connected(self, device, fd))
        return;
    if (!self->freed && is_for_us(self, device)) {
        ehd_bluez_peers_used(self, device);
        ehd_bluez_reach_hide(self);
        self->on_incoming(fd, self->incoming_data);
        return;
    }
    ehd_link_hang_up(fd);
}

static const EhdBluezProfileEvents profile_events = {.connected = on_connected,
                                                     .released = on_released};

/* --- listening -------------------------------------------------------------------------------
 */

static void
on_up(EhdLinkBluez *self, const GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;

    if (error != NULL)
        g_task_return_error(task, g_error_copy(error));
    else
        g_task_return_boolean(task, TRUE);
    ehd_bluez_unref(self);
}

static void
bluez_listen_async(EhdLink *link, EhdLinkIncoming on_incoming, gpointer incoming_data,
                   GCancellable *cancellable, GAsyncReadyCallback callback, gpointer user_data)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;

    self->on_incoming = on_incoming;
    self->incoming_data = incoming_data;
    ehd_bluez_up_wait(ehd_bluez_ref(self), EHD_BLUEZ_LISTENING, on_up,
                      g_task_new(NULL, cancellable, callback, user_data));
}

static gboolean
bluez_listen_finish(EhdLink *link, GAsyncResult *result, EhdLinkAddress *address,
                    GError **error)
{
    if (!g_task_propagate_boolean(G_TASK(result), error))
        return FALSE;
    *address = ((EhdLinkBluez *)link)->at;
    return TRUE;
}

static void
bluez_stop(EhdLink *link)
{
    ehd_bluez_up_stop_listening((EhdLinkBluez *)link);
}

static void
bluez_watch(EhdLink *link, EhdLinkWatch on_watch, gpointer user_data)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;

    self->on_watch = on_watch;
    self->watch_data = user_data;
}

static void
bluez_hold_async(EhdLink *link, GCancellable *cancellable, GAsyncReadyCallback callback,
                 gpointer user_data)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;

    self->holds++;
    ehd_bluez_up_wait(ehd_bluez_ref(self), EHD_BLUEZ_ADAPTER_UP, on_up,
                      g_task_new(NULL, cancellable, callback, user_data));
}

static gboolean
bluez_hold_finish(EhdLink *link, GAsyncResult *result, GError **error)
{
    return g_task_propagate_boolean(G_TASK(result), error);
}

static void
bluez_release(EhdLink *link)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;

    self->holds--;
    ehd_bluez_up_rest(self);
}

static gboolean
bluez_needs_lookup(EhdLink *link)
{
    return !ehd_radio_is_installed(((EhdLinkBluez *)link)->radio);
}

static void
bluez_be_found(EhdLink *link)
{
    ehd_bluez_reach_show((EhdLinkBluez *)link);
}

static void
bluez_free(EhdLink *link)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;

    ehd_bluez_lookup_end(self);
    ehd_bluez_up_end(self);
    ehd_bluez_peers_end(self);
    g_clear_pointer(&self->hold, ehd_hold_free);
    self->freed = TRUE;
    ehd_bluez_unref(self);
}

static const EhdLinkOps bluez_ops = {
    .kind = "bluez",
    .write_max = WRITE_MAX,
    .listen_async = bluez_listen_async,
    .listen_finish = bluez_listen_finish,
    .stop = bluez_stop,
    .watch = bluez_watch,
    .hold_async = bluez_hold_async,
    .hold_finish = bluez_hold_finish,
    .release = bluez_release,
    .needs_lookup = bluez_needs_lookup,
    .be_found = bluez_be_found,
    .connect_async = ehd_bluez_connect_async,
    .connect_finish = ehd_bluez_connect_finish,
    .oob_take_async = ehd_bluez_oob_take_async,
    .oob_take_finish = ehd_bluez_oob_take_finish,
    .oob_drop = ehd_bluez_oob_drop,
    .oob_add = ehd_bluez_oob_add,
    .oob_remove = ehd_bluez_oob_remove,
    .probe_async = ehd_bluez_probe_async,
    .describe = ehd_bluez_describe,
    .free = bluez_free,
};

EhdLink *
ehd_link_bluez_new(const EhdLinkParts *parts, GError **error)
{
    const EhdConfig *config = parts->config;
    EhdLinkBluez *self = g_new0(EhdLinkBluez, 1);

    self->base.ops = &bluez_ops;
    self->refs = 1;
    self->has_address = config->link_address != NULL &&
                        ehd_bluez_address_parse(config->link_address, self->address);
    memcpy(self->channels, config->link_channels, sizeof self->channels);
    self->n_channels = config->link_n_channels;
    self->patience_ms = parts->patience_ms != 0 ? parts->patience_ms : PATIENCE_MS;
    self->waiters = ehd_bluez_waiters_new();
    self->probes = g_ptr_array_new();
    self->lookups = ehd_bluez_lookups_new();
    self->oob_peers = ehd_bluez_oob_peers_new();
    self->connection = g_object_ref(parts->connection);
    self->state_fd = parts->state_fd;
    ehd_bluez_peers_load(self);
    self->radio = ehd_radio_new(parts->radio_program, parts->radio_socket, parts->verbose);
    self->bus = ehd_bluez_bus_new(parts->connection, &bus_events, self);
    self->hold = ehd_hold_new(parts->state_fd, &ehd_bluez_hold_ops, self);
    self->profile =
        ehd_bluez_profile_new(parts->connection, self->bus, &profile_events, self, error);
    if (self->profile != NULL)
        return &self->base;
    g_clear_pointer(&self->hold, ehd_hold_free);
    ehd_bluez_unref(self);
    return NULL;
}
