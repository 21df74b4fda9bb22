/* SPDX-License-Identifier: Apache-2.0
 *
 * What bluetoothd's errors mean to us.
 */
#include <string.h>

#include "daemon/error.h"
#include "daemon/link/bluez-bus.h"

/* The detail of a failed connect is a word in its message ("br-connection-refused"). */
static const struct {
    const char *name, *word;
    ehp_status status;
} meanings[] = {
    {"org.bluez.Error.Blocked", NULL, EHP_ADAPTER_BLOCKED},
    {"org.bluez.Error.NotReady", NULL, EHP_ADAPTER_OFF},
    {"org.bluez.Error.NotPermitted", NULL, EHP_RADIO_NOT_PERMITTED},
    {"org.bluez.Error.NotAuthorized", NULL, EHP_RADIO_NOT_PERMITTED},
    {"org.bluez.Error.Rejected", NULL, EHP_RADIO_NOT_PERMITTED},
    {"org.freedesktop.DBus.Error.AccessDenied", NULL, EHP_RADIO_NOT_PERMITTED},
    {"org.freedesktop.DBus.Error.ServiceUnknown", NULL, EHP_BLUETOOTH_STOPPED},
    {"org.freedesktop.DBus.Error.NameHasNoOwner", NULL, EHP_BLUETOOTH_STOPPED},
    {"org.freedesktop.DBus.Error.NoReply", NULL, EHP_BLUETOOTH_STOPPED},
    {"org.freedesktop.DBus.Error.UnknownObject", NULL, EHP_NO_ADAPTER},
    {"org.bluez.Error.AuthenticationFailed", NULL, EHP_PAIRING_REFUSED},
    {"org.bluez.Error.AuthenticationRejected", NULL, EHP_PAIRING_REFUSED},
    {"org.bluez.Error.AuthenticationCanceled", NULL, EHP_PAIRING_REFUSED},
    {NULL, "rfkill", EHP_ADAPTER_BLOCKED},
    {NULL, "page-timeout", EHP_PEER_UNREACHABLE},
    {NULL, "Host is down", EHP_PEER_UNREACHABLE},
    {NULL, "refused", EHP_CHANNEL_CLOSED},
    {NULL, "ermission denied", EHP_PAIRING_REFUSED},
    {NULL, "not-powered", EHP_ADAPTER_OFF},
};

GError *
ehd_bluez_bus_map_error(const GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);
    g_autoptr(GError) plain = g_error_copy(error);
    ehp_status status = EHP_LINK_UNAVAILABLE;
    GError *mapped = NULL;

    if (error->domain == G_IO_ERROR && error->code == G_IO_ERROR_CANCELLED)
        return g_error_copy(error);
    g_dbus_error_strip_remote_error(plain);
    for (guint i = 0; i < G_N_ELEMENTS(meanings); i++) {
        if ((meanings[i].name != NULL && g_strcmp0(meanings[i].name, name) == 0) ||
            (meanings[i].word != NULL && strstr(plain->message, meanings[i].word) != NULL)) {
            status = meanings[i].status;
            break;
        }
    }
    ehd_error_set(&mapped, status, "bluetoothd: %s", plain->message);
    return mapped;
}
