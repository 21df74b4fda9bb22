/* SPDX-License-Identifier: Apache-2.0
 *
 * What the bus, its daemon and GDBus report, as errors of ours: an application has one domain
 * to look at.
 */
#include "bus-error.h"

#include "ehrlink-error.h"

gboolean
ehrlink_bus_error_is_gone(const GError *error)
{
    return g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_SERVICE_UNKNOWN) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NAME_HAS_NO_OWNER) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_NO_REPLY) ||
           g_error_matches(error, G_DBUS_ERROR, G_DBUS_ERROR_DISCONNECTED) ||
           g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CLOSED);
}

static EhrlinkError
code_of_dbus(int code)
{
    switch ((GDBusError)code) {
    case G_DBUS_ERROR_ACCESS_DENIED:
    case G_DBUS_ERROR_AUTH_FAILED:
        return EHRLINK_ERROR_NOT_AUTHORIZED;
    case G_DBUS_ERROR_UNKNOWN_OBJECT:
    case G_DBUS_ERROR_UNKNOWN_INTERFACE:
    case G_DBUS_ERROR_UNKNOWN_METHOD:
        return EHRLINK_ERROR_NOT_FOUND;
    case G_DBUS_ERROR_INVALID_ARGS:
    case G_DBUS_ERROR_INVALID_SIGNATURE:
        return EHRLINK_ERROR_INVALID_ARGUMENT;
    case G_DBUS_ERROR_LIMITS_EXCEEDED:
        return EHRLINK_ERROR_LIMIT_REACHED;
    case G_DBUS_ERROR_NO_MEMORY:
        return EHRLINK_ERROR_NO_MEMORY;
    case G_DBUS_ERROR_FAILED:
    case G_DBUS_ERROR_NOT_SUPPORTED:
        return EHRLINK_ERROR_INTERNAL;
    default:
        /* no service, no bus, no answer, could not be started */
        return EHRLINK_ERROR_DAEMON_UNAVAILABLE;
    }
}

/* A name of the service's that is newer than this library. */
static gboolean
is_unknown_of_ours(const GError *error)
{
    g_autofree char *name = g_dbus_error_get_remote_error(error);

    return name != NULL && g_str_has_prefix(name, "org.ehrlink1.Error.");
}

static EhrlinkError
code_of(const GError *error)
{
    if (is_unknown_of_ours(error))
        return EHRLINK_ERROR_INTERNAL;
    if (error->domain == G_DBUS_ERROR)
        return code_of_dbus(error->code);
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_DBUS_ERROR))
        return EHRLINK_ERROR_INTERNAL;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_PERMISSION_DENIED))
        return EHRLINK_ERROR_NOT_AUTHORIZED;
    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_INVALID_ARGUMENT))
        return EHRLINK_ERROR_INTERNAL;
    return EHRLINK_ERROR_DAEMON_UNAVAILABLE;
}

GError *
ehrlink_bus_error_map(GError *error)
{
    GError *mapped;
    EhrlinkError code;

    if (g_error_matches(error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
        return error;
    if (error->domain == EHRLINK_ERROR) {
        g_dbus_error_strip_remote_error(error);
        return error;
    }
    code = code_of(error);
    g_dbus_error_strip_remote_error(error);
    mapped = g_error_new(EHRLINK_ERROR, (int)code, "%s: %s", ehrlink_error_get_text(code),
                         error->message);
    g_error_free(error);
    return mapped;
}
