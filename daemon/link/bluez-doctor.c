/* SPDX-License-Identifier: Apache-2.0
 *
 * What the Bluetooth link is fit for now, and what would mend it: for the doctor. Looks, and
 * changes nothing: an adapter that is off is no fault, a session turns it on.
 */
#include "daemon/link/bluez-private.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"

#define RFKILL "/sys/class/rfkill"

static gboolean
reads(const char *directory, const char *name, const char *value)
{
    g_autofree char *path = g_build_filename(RFKILL, directory, name, NULL);
    g_autofree char *text = NULL;

    return g_file_get_contents(path, &text, NULL, NULL) && strcmp(g_strchomp(text), value) == 0;
}

/* Of the adapter with this object path: its switch is called as it is, "hci0". */
static gboolean
is_blocked(const char *adapter)
{
    g_autoptr(GDir) switches = g_dir_open(RFKILL, 0, NULL);
    const char *device = strrchr(adapter, '/') + 1, *name;

    while (switches != NULL && (name = g_dir_read_name(switches)) != NULL) {
        if (reads(name, "name", device) &&
            (reads(name, "soft", "1") || reads(name, "hard", "1")))
            return TRUE;
    }
    return FALSE;
}

static ehp_status
problem_of(EhdLinkBluez *self, const EhdBluezAdapter *adapter)
{
    if (!ehd_bluez_bus_is_running(self->bus))
        return EHP_BLUETOOTH_STOPPED;
    if (adapter == NULL)
        return EHP_NO_ADAPTER;
    if (!adapter->powered && is_blocked(adapter->path))
        return EHP_ADAPTER_BLOCKED;
    /* what cannot be seen but was met, when a session last wanted it */
    if (self->problem != EHP_ADAPTER_OFF || !adapter->powered)
        return self->problem;
    return EHP_OK;
}

static const char *
remedy_of(EhdLinkBluez *self, ehp_status problem)
{
    switch (problem) {
    case EHP_BLUETOOTH_STOPPED:
        return self->installed ? N_("start it: systemctl enable --now bluetooth")
                               : N_("install it: the package is called bluez");
    case EHP_NO_ADAPTER:
        return self->has_address
                   ? N_("plug in the adapter that [link] address names, or take the "
                        "key out")
                   : N_("plug in a Bluetooth adapter");
    case EHP_ADAPTER_OFF:
        return N_("somebody turned it off in a session: bluetoothctl power on");
    case EHP_ADAPTER_BLOCKED:
        return N_("end flight mode, or: rfkill unblock bluetooth");
    case EHP_CHANNEL_TAKEN:
        return N_("name others in [link] channels");
    case EHP_RADIO_NOT_PERMITTED:
        return N_("let user ehrlink send to org.bluez in the bus policy (org.ehrlink1.conf)");
    default:
        return N_("look at the log of bluetoothd");
    }
}

gboolean
ehd_bluez_describe(EhdLink *link, EhdLinkDescription *description, GError **error)
{
    EhdLinkBluez *self = (EhdLinkBluez *)link;
    const EhdBluezAdapter *adapter = ehd_bluez_up_adapter(self);
    ehp_status problem = problem_of(self, adapter);

    if (!ehd_radio_is_installed(self->radio)) {
        description->note =
            g_strdup(N_("the Bluetooth helper (ehrlink-bt) is not installed: to "
                        "connect takes some seconds longer"));
        description->note_remedy =
            g_strdup(N_("build with libbluetooth, or start ehrlink-bt.socket"));
    }
    if (problem != EHP_OK) {
        description->remedy = g_strdup(remedy_of(self, problem));
        ehd_error_set(error, problem, NULL);
        return FALSE;
    }
    description->text = g_strdup(
        adapter->powered ? N_("Bluetooth is ready")
                         : N_("Bluetooth is off now; a session turns it on for itself"));
    return TRUE;
}

/* --- looking ---------------------------------------------------------------------------------
 */

static void
on_names(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autoptr(GTask) task = user_data;
    EhdLinkBluez *self = g_task_get_task_data(task);
    g_autoptr(GVariant) reply =
        g_dbus_connection_call_finish(G_DBUS_CONNECTION(source), result, NULL);
    g_autofree const char **names = NULL;

    if (reply != NULL)
        g_variant_get(reply, "(^a&s)", &names);
    self->installed = names != NULL && g_strv_contains(names, EHD_BLUEZ_NAME);
    g_task_return_boolean(task, TRUE);
    ehd_bluez_unref(self);
}

static void
look(EhdLinkBluez *self, GTask *task)
{
    if (ehd_bluez_bus_is_running(self->bus)) {
        g_task_return_boolean(task, TRUE);
        g_object_unref(task);
        ehd_bluez_unref(self);
        return;
    }
    g_dbus_connection_call(self->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
                           "org.freedesktop.DBus", "ListActivatableNames", NULL,
                           G_VARIANT_TYPE("(as)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, on_names,
                           task);
}

void
ehd_bluez_probe_known(EhdLinkBluez *self)
{
    g_autoptr(GPtrArray) probes = self->probes;

    self->probes = g_ptr_array_new();
    for (guint i = 0; i < probes->len; i++)
        look(self, g_ptr_array_index(probes, i));
}

void
ehd_bluez_probe_async(EhdLink *link, GAsyncReadyCallback callback, gpointer user_data)
{
    EhdLinkBluez *self = ehd_bluez_ref((EhdLinkBluez *)link);
    GTask *task = g_task_new(NULL, NULL, callback, user_data);

    g_task_set_task_data(task, self, NULL);
    g_ptr_array_add(self->probes, task);
    if (ehd_bluez_bus_is_known(self->bus))
        ehd_bluez_probe_known(self);
}
