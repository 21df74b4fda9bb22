/* SPDX-License-Identifier: Apache-2.0
 *
 * The public codes against the one table: names, texts, exit statuses, and the way over the
 * bus.
 */
#include <gio/gio.h>
#include <string.h>

#include "ehrlink.h"

static const struct {
    const char *name;
    const char *id;
    int exit_code;
    const char *text;
} table[] = {
#define X(id, name, exit_code, wire, text) {#name, "EHRLINK_ERROR_" #id, exit_code, text},
#include "proto/errors.def"
#undef X
};

static void
test_table(void)
{
    g_autoptr(GEnumClass) codes = g_type_class_ref(EHRLINK_TYPE_ERROR);

    g_assert_cmpuint(codes->n_values, ==, G_N_ELEMENTS(table));
    for (gsize i = 0; i < G_N_ELEMENTS(table); i++) {
        GEnumValue *value = g_enum_get_value_by_name(codes, table[i].id);
        g_autofree char *bus_name = g_strconcat("org.ehrlink1.Error.", table[i].name, NULL);
        EhrlinkError code;

        g_assert_nonnull(value);
        g_assert_true(ehrlink_error_parse(table[i].name, &code));
        g_assert_cmpint(code, ==, value->value);
        g_assert_true(ehrlink_error_parse(bus_name, &code));
        g_assert_cmpint(code, ==, value->value);
        g_assert_cmpstr(ehrlink_error_get_name(code), ==, table[i].name);
        g_assert_cmpstr(ehrlink_error_get_dbus_name(code), ==, bus_name);
        g_assert_cmpstr(ehrlink_error_get_text(code), ==, table[i].text);
        g_assert_cmpint(ehrlink_error_get_exit_code(code), ==, table[i].exit_code);
    }
}

/* The numbers are ABI: these have been published. */
static void
test_numbers(void)
{
    g_assert_cmpint(EHRLINK_ERROR_NO_MEMORY, ==, 1);
    g_assert_cmpint(EHRLINK_ERROR_DAEMON_UNAVAILABLE, ==, 10);
    g_assert_cmpint(EHRLINK_ERROR_DECLINED, ==, 37);
    g_assert_cmpint(EHRLINK_ERROR_RECEIPT_INVALID, ==, 67);
}

static void
test_unknown(void)
{
    EhrlinkError code;

    g_assert_false(ehrlink_error_parse("Nonsense", &code));
    g_assert_cmpint(code, ==, EHRLINK_ERROR_INTERNAL);
    g_assert_false(ehrlink_error_parse("", &code));
    g_assert_null(ehrlink_error_get_name(0));
    g_assert_null(ehrlink_error_get_text(10000));
    g_assert_null(ehrlink_error_get_dbus_name(10000));
    g_assert_cmpint(ehrlink_error_get_exit_code(10000), ==, 70);
}

static void
test_bus(void)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *name = NULL;

    (void)EHRLINK_ERROR;
    error = g_dbus_error_new_for_dbus_error("org.ehrlink1.Error.NoSpace", "full");
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_SPACE);
    g_clear_error(&error);
    error = g_error_new_literal(EHRLINK_ERROR, EHRLINK_ERROR_ITEM_CHANGED, "x");
    name = g_dbus_error_encode_gerror(error);
    g_assert_cmpstr(name, ==, "org.ehrlink1.Error.ItemChanged");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lib/error/table", test_table);
    g_test_add_func("/lib/error/numbers", test_numbers);
    g_test_add_func("/lib/error/unknown", test_unknown);
    g_test_add_func("/lib/error/bus", test_bus);
    return g_test_run();
}
