/* SPDX-License-Identifier: Apache-2.0
 *
 * Connects: straight to address and channel by ehrlink-bt, or where that is not installed by
 * bluetoothd, which has to look the device up first (bluez-lookup.c).
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

#include "daemon/error.h"

/* Longer than the longest page (5.12 s with the usual timeout), the channel's set-up and a
 * pairing without questions. */
#define CONNECT_S 20

typedef struct {
    EhdLinkBluez *link; /* referenced */
    EhdLinkAddress address;
} Job;

static void
job_free(gpointer data)
{
    Job *job = data;

    ehd_bluez_unref(job->link);
    g_free(job);
}

static void
close_unclaimed(gpointer fd)
{
    ehd_link_hang_up(GPOINTER_TO_INT(fd) - 1);
}

/* plus one, so that descriptor 0 is not NULL: a pointer is closed if nobody takes it */
void
ehd_bluez_return_fd(GTask *task, int fd, GError *error)
{
    if (fd >= 0)
        g_task_return_pointer(task, GINT_TO_POINTER(fd + 1), close_unclaimed);
    else
        g_task_return_error(task, error);
}

static void
on_connected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Job *job = g_task_get_task_data(task);
    GError *error = NULL;

    int fd = ehd_radio_ask_finish_fd(job->link->radio, result, &error);

    ehd_bluez_return_fd(task, fd, error);
}

/* bluetoothd makes an object of its own accord for whom we are connected to. */
static void
note_peer(EhdLinkBluez *self, const EhdBluezAdapter *adapter, const guint8 a[6])
{
    g_autofree char *path = g_strdup_printf("%s/dev_%02X_%02X_%02X_%02X_%02X_%02X",
                                            adapter->path, a[0], a[1], a[2], a[3], a[4], a[5]);

    ehd_bluez_peers_used(self, path);
}

static void
on_up(EhdLinkBluez *self, const GError *error, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    Job *job = g_task_get_task_data(task);
    const EhdBluezAdapter *adapter = ehd_bluez_up_adapter(self);
    EhdRadioMessage message = {.type = EHD_RADIO_CONNECT, .seconds = CONNECT_S};
    GCancellable *cancellable;

    if (error != NULL) {
        g_task_return_error(task, g_error_copy(error));
        return;
    }
    if (g_task_return_error_if_cancelled(task))
        return;
    if (!ehd_radio_is_installed(self->radio)) {
        ehd_bluez_lookup_start(self, adapter, job->address.address, g_steal_pointer(&task));
        return;
    }
    note_peer(self, adapter, job->address.address);
    memcpy(message.own, adapter->address, sizeof message.own);
    memcpy(message.peer, job->address.address, sizeof message.peer);
    message.channel = job->address.channel;
    cancellable = g_task_get_cancellable(task);
    ehd_radio_ask_async(self->radio, &message, cancellable, on_connected,
                        g_steal_pointer(&task));
}

void
ehd_bluez_connect_async(EhdLink *link, const EhdLinkAddress *address, GCancellable *cancellable,
                        GAsyncReadyCallback callback, gpointer user_data)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;
    GTask *task = g_task_new(NULL, cancellable, callback, user_data);
    Job *job = g_new0(Job, 1);

    g_task_set_check_cancellable(task, FALSE);
    job->link = ehd_bluez_ref(self);
    job->address = *address;
    g_task_set_task_data(task, job, job_free);
    ehd_bluez_up_wait(self, EHD_BLUEZ_ADAPTER_UP, on_up, task);
}

int
ehd_bluez_connect_finish(EhdLink *link, GAsyncResult *result, GError **error)
{
    return GPOINTER_TO_INT(g_task_propagate_pointer(G_TASK(result), error)) - 1;
}
