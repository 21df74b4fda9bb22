/* SPDX-License-Identifier: Apache-2.0
 *
 * The error domain: proto/errors.def seen from an application. A row of that table without a
 * code in ehrlink-error.h does not compile here, and tests/lib/error_unit.c checks the rest.
 */
#include "ehrlink-error.h"

#include <gio/gio.h>
#include <string.h>

#define BUS_PREFIX "org.ehrlink1.Error."

static const struct {
    int code;
    int exit_code;
    const char *bus_name;
    const char *text;
} table[] = {
#define X(id, name, exit_code, wire, text)                                                     \
    {EHRLINK_ERROR_##id, exit_code, BUS_PREFIX #name, text},
#include "proto/errors.def"
#undef X
};

static gssize
find_code(EhrlinkError code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (table[i].code == (int)code)
            return (gssize)i;
    }
    return -1;
}

static void
register_names(GQuark domain)
{
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++)
        g_dbus_error_register_error(domain, table[i].code, table[i].bus_name);
}

GQuark
ehrlink_error_quark(void)
{
    static gsize quark;

    if (g_once_init_enter(&quark)) {
        GQuark domain = g_quark_from_static_string("ehrlink-error-quark");

        register_names(domain);
        g_once_init_leave(&quark, domain);
    }
    return (GQuark)quark;
}

const char *
ehrlink_error_get_name(EhrlinkError code)
{
    gssize i = find_code(code);

    return i < 0 ? NULL : table[i].bus_name + strlen(BUS_PREFIX);
}

const char *
ehrlink_error_get_dbus_name(EhrlinkError code)
{
    gssize i = find_code(code);

    return i < 0 ? NULL : table[i].bus_name;
}

const char *
ehrlink_error_get_text(EhrlinkError code)
{
    gssize i = find_code(code);

    return i < 0 ? NULL : table[i].text;
}

int
ehrlink_error_get_exit_code(EhrlinkError code)
{
    gssize i = find_code(code);

    return i < 0 ? 70 : table[i].exit_code;
}

gboolean
ehrlink_error_parse(const char *name, EhrlinkError *code)
{
    g_return_val_if_fail(name != NULL && code != NULL, FALSE);

    if (g_str_has_prefix(name, BUS_PREFIX))
        name += strlen(BUS_PREFIX);
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        if (g_str_equal(name, table[i].bus_name + strlen(BUS_PREFIX))) {
            *code = (EhrlinkError)table[i].code;
            return TRUE;
        }
    }
    *code = EHRLINK_ERROR_INTERNAL;
    return FALSE;
}
