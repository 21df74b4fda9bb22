/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's GError domain, made from the one error table. Any thread.
 */
#include "daemon/error.h"

#include <errno.h>
#include <gio/gio.h>
#include <string.h>

static const GDBusErrorEntry entries[] = {
#define X(id, name, exit_code, wire, text) {EHP_##id, EHD_ERROR_BUS_PREFIX #name},
#include "proto/errors.def"
#undef X
};

GQuark
ehd_error_quark(void)
{
    static gsize quark;
    g_dbus_error_register_error_domain("ehd-error-quark", &quark, entries,
                                       G_N_ELEMENTS(entries));
    return (GQuark)quark;
}

void
ehd_error_set(GError **error, ehp_status status, const char *format, ...)
{
    if (error == NULL)
        return;
    if (format == NULL) {
        g_set_error_literal(error, EHD_ERROR, (int)status, ehp_status_text(status));
        return;
    }
    va_list args;
    va_start(args, format);
    g_autofree char *message = g_strdup_vprintf(format, args);
    va_end(args);
    g_set_error_literal(error, EHD_ERROR, (int)status, message);
}

static ehp_status
status_of_errno(int saved_errno)
{
    switch (saved_errno) {
    case ENOSPC:
    case EDQUOT:
        return EHP_NO_SPACE;
    case ENOENT:
        return EHP_NOT_FOUND;
    case ENOMEM:
        return EHP_NO_MEMORY;
    default:
        return EHP_STORE_FAILED;
    }
}

void
ehd_error_set_errno(GError **error, int saved_errno, const char *what)
{
    ehd_error_set(error, status_of_errno(saved_errno), "%s: %s", what, g_strerror(saved_errno));
}

void
ehd_error_prefix(GError **error, const char *format, ...)
{
    if (error == NULL || *error == NULL)
        return;
    va_list args;
    va_start(args, format);
    g_autofree char *prefix = g_strdup_vprintf(format, args);
    va_end(args);
    g_prefix_error(error, "%s: ", prefix);
}

ehp_status
ehd_error_status(const GError *error)
{
    if (error == NULL)
        return EHP_OK;
    return error->domain == EHD_ERROR ? (ehp_status)error->code : EHP_INTERNAL;
}
