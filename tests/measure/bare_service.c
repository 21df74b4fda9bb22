/* SPDX-License-Identifier: Apache-2.0
 *
 * bare_service NAME: takes a name on the system bus and waits: what activating a GDBus service costs that does nothing.
 */
#include <gio/gio.h>

static void
on_lost(GDBusConnection *connection, const char *name, gpointer user_data)
{
    g_main_loop_quit(user_data);
}

int
main(int argc, char **argv)
{
    g_autoptr(GMainLoop) loop = g_main_loop_new(NULL, FALSE);

    if (argc != 2 || !g_dbus_is_name(argv[1]))
        return 64;
    g_bus_own_name(G_BUS_TYPE_SYSTEM, argv[1], G_BUS_NAME_OWNER_FLAGS_NONE, NULL, NULL, on_lost, loop, NULL);
    g_main_loop_run(loop);
    return 0;
}
