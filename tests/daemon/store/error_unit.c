/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/error.h"

#include <errno.h>
#include <gio/gio.h>

/* Every code goes over the bus by its name and comes back as itself. */
static void
test_bus_names(void)
{
    for (int i = EHP_OK + 1; i < EHP_STATUS_COUNT; i++) {
        g_autoptr(GError) error = NULL;
        ehd_error_set(&error, (ehp_status)i, "detail %d", i);
        g_autofree char *name = g_dbus_error_encode_gerror(error);
        g_autofree char *wanted =
            g_strconcat(EHD_ERROR_BUS_PREFIX, ehp_status_name((ehp_status)i), NULL);
        g_assert_cmpstr(name, ==, wanted);
        g_autoptr(GError) back = g_dbus_error_new_for_dbus_error(name, error->message);
        g_assert_cmpint(ehd_error_status(back), ==, i);
    }
}

static void
test_messages(void)
{
    g_autoptr(GError) error = NULL;
    ehd_error_set(&error, EHP_NO_READER, NULL);
    g_assert_cmpstr(error->message, ==, ehp_status_text(EHP_NO_READER));
    ehd_error_prefix(&error, "open %s", "reader");
    g_assert_true(g_str_has_prefix(error->message, "open reader: "));
    g_clear_error(&error);
    ehd_error_prefix(&error, "nothing");
    g_assert_no_error(error);
    ehd_error_prefix(NULL, "nothing");
    ehd_error_set(NULL, EHP_NO_READER, NULL);
    g_assert_cmpint(ehd_error_status(NULL), ==, EHP_OK);
    g_set_error(&error, G_IO_ERROR, G_IO_ERROR_FAILED, "foreign");
    g_assert_cmpint(ehd_error_status(error), ==, EHP_INTERNAL);
}

static void
test_errno(void)
{
    static const struct {
        int error;
        ehp_status status;
    } table[] = {{ENOSPC, EHP_NO_SPACE},     {EDQUOT, EHP_NO_SPACE},
                 {ENOENT, EHP_NOT_FOUND},    {ENOMEM, EHP_NO_MEMORY},
                 {EIO, EHP_STORE_FAILED},    {EROFS, EHP_STORE_FAILED},
                 {EACCES, EHP_STORE_FAILED}, {EMFILE, EHP_STORE_FAILED}};
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        ehd_error_set_errno(&error, table[i].error, "write it");
        g_assert_error(error, EHD_ERROR, (int)table[i].status);
        g_assert_true(g_str_has_prefix(error->message, "write it: "));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/error/bus-names", test_bus_names);
    g_test_add_func("/error/messages", test_messages);
    g_test_add_func("/error/errno", test_errno);
    return g_test_run();
}
