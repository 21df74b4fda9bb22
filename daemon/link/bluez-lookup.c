/* SPDX-License-Identifier: Apache-2.0
 *
 * Connects through bluetoothd alone, where ehrlink-bt is not installed: the device is looked
 * for (inquiry) unless bluetoothd knows it, then ConnectProfile finds the channel (SDP) and
 * hands the descriptor to our Profile1 object, in the role of a client.
 */
#include "daemon/link/bluez-private.h"

#include <string.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/words.h"

/* An inquiry takes 10.24 s, and the terminal can be found for 30 s. */
#define FIND_MS    25000
#define CONNECT_MS 30000

typedef struct {
    EhdLinkBluez *link; /* borrowed; the task's owner has a reference */
    GTask *task;        /* owned; NULL: answered */
    char *adapter;      /* owned; object path */
    char *device;       /* owned; object path, NULL: not found yet */
    guint8 address[6];
    guint timer;
    gboolean discovering;
    guint calls; /* of ours under way */
} Lookup;

static void
call_adapter(Lookup *self, const char *method)
{
    ehd_bluez_bus_call(self->link->bus, self->adapter, EHD_BLUEZ_ADAPTER, method, NULL, -1,
                       NULL, NULL, NULL);
}

static void
stop_discovery(Lookup *self)
{
    g_clear_handle_id(&self->timer, g_source_remove);
    if (self->discovering)
        call_adapter(self, "StopDiscovery");
    self->discovering = FALSE;
}

static void
lookup_free(gpointer data)
{
    Lookup *self = data;

    g_free(self->adapter);
    g_free(self->device);
    g_free(self);
}

/* Takes error. fd -1: it failed. */
static void
answer(Lookup *self, int fd, GError *error)
{
    EhdLinkBluez *link = ehd_bluez_ref(self->link);
    GTask *task = g_steal_pointer(&self->task);

    stop_discovery(self);
    if (fd >= 0)
        ehd_bluez_return_fd(task, fd, NULL);
    else
        g_task_return_error(task, error);
    g_object_unref(task);
    if (self->calls == 0)
        g_ptr_array_remove(link->lookups, self);
    ehd_bluez_unref(link);
}

static void
answer_status(Lookup *self, ehp_status status)
{
    GError *error = NULL;

    ehd_error_set(&error, status, NULL);
    answer(self, -1, error);
}

/* A call of ours is back: FALSE if nobody waits for its answer any more. */
static gboolean
came_back(Lookup *self)
{
    self->calls--;
    if (self->task != NULL)
        return TRUE;
    if (self->calls == 0)
        g_ptr_array_remove(self->link->lookups, self);
    return FALSE;
}

static gboolean
on_not_connected(gpointer user_data)
{
    Lookup *self = user_data;

    self->timer = 0;
    answer_status(self, EHP_PEER_UNREACHABLE);
    return G_SOURCE_REMOVE;
}

/* The descriptor comes to the profile, before or after this answer. */
static void
on_connect_answer(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Lookup *self = user_data;
    EhdLinkBluez *link = self->link;
    GError *error = NULL;
    g_autoptr(GVariant) reply = ehd_bluez_bus_call_finish(link->bus, result, &error);

    if (!came_back(self))
        g_clear_error(&error);
    else if (reply == NULL)
        answer(self, -1, error);
    ehd_bluez_unref(link);
}

static void
connect_profile(Lookup *self)
{
    self->calls++;
    ehd_bluez_ref(self->link);
    self->timer = g_timeout_add(CONNECT_MS, on_not_connected, self);
    ehd_bluez_bus_call(self->link->bus, self->device, EHD_BLUEZ_DEVICE, "ConnectProfile",
                       g_variant_new("(s)", EHD_BLUEZ_UUID), CONNECT_MS, NULL,
                       on_connect_answer, self);
}

static void
on_registered(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Lookup *self = user_data;
    EhdLinkBluez *link = self->link;
    GError *error = NULL;
    gboolean done = ehd_bluez_profile_register_finish(link->profile, result, &error);

    if (!came_back(self))
        g_clear_error(&error);
    else if (!done)
        answer(self, -1, error);
    else
        connect_profile(self);
    ehd_bluez_unref(link);
}

static void
found(Lookup *self, const EhdBluezDevice *device)
{
    stop_discovery(self);
    self->device = g_strdup(device->path);
    ehd_bluez_peers_used(self->link, device->path);
    if (ehd_bluez_profile_is_registered(self->link->profile)) {
        connect_profile(self);
        return;
    }
    self->calls++;
    ehd_bluez_ref(self->link);
    ehd_bluez_profile_register_async(self->link->profile, self->adapter, 0, on_registered,
                                     self);
}

static void
discover(Lookup *self)
{
    GVariantBuilder filter;

    g_variant_builder_init(&filter, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&filter, "{sv}", "Transport", g_variant_new_string("bredr"));
    ehd_bluez_bus_call(self->link->bus, self->adapter, EHD_BLUEZ_ADAPTER, "SetDiscoveryFilter",
                       g_variant_new("(a{sv})", &filter), -1, NULL, NULL, NULL);
    call_adapter(self, "StartDiscovery");
    self->discovering = TRUE;
    self->timer = g_timeout_add(FIND_MS, on_not_connected, self);
}

void
ehd_bluez_lookup_start(EhdLinkBluez *link, const EhdBluezAdapter *adapter,
                       const guint8 address[6], GTask *task)
{
    const EhdBluezDevice *device = ehd_bluez_bus_find_device(link->bus, adapter->path, address);
    Lookup *self;

    if (link->wanted) {
        g_task_return_new_error(task, EHD_ERROR, EHP_RADIO_HELPER_FAILED,
                                N_("a terminal that listens connects only by ehrlink-bt"));
        g_object_unref(task);
        return;
    }
    self = g_new0(Lookup, 1);
    self->link = link;
    self->task = task;
    self->adapter = g_strdup(adapter->path);
    memcpy(self->address, address, sizeof self->address);
    g_ptr_array_add(link->lookups, self);
    if (device != NULL)
        found(self, device);
    else
        discover(self);
}

void
ehd_bluez_lookup_device(EhdLinkBluez *link, const EhdBluezDevice *device)
{
    for (guint i = 0; i < link->lookups->len; i++) {
        Lookup *self = g_ptr_array_index(link->lookups, i);

        if (self->task != NULL && self->device == NULL && self->discovering &&
            g_strcmp0(device->adapter, self->adapter) == 0 &&
            memcmp(device->address, self->address, 6) == 0)
            found(self, device);
    }
}

gboolean
ehd_bluez_lookup_connected(EhdLinkBluez *link, const char *device, int fd)
{
    for (guint i = 0; i < link->lookups->len; i++) {
        Lookup *self = g_ptr_array_index(link->lookups, i);

        if (self->task == NULL || g_strcmp0(self->device, device) != 0)
            continue;
        answer(self, fd, NULL);
        return TRUE;
    }
    return FALSE;
}

void
ehd_bluez_lookup_end(EhdLinkBluez *link)
{
    for (guint i = link->lookups->len; i > 0; i--) {
        Lookup *self = g_ptr_array_index(link->lookups, i - 1);

        if (self->task != NULL)
            answer_status(self, EHP_CANCELLED);
    }
}

GPtrArray *
ehd_bluez_lookups_new(void)
{
    return g_ptr_array_new_with_free_func(lookup_free);
}
