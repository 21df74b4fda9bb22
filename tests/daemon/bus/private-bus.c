/* SPDX-License-Identifier: Apache-2.0
 *
 * Starts and ends a dbus-daemon; mocks polkit in-process. Main context.
 */
#include "tests/daemon/bus/private-bus.h"

#include <glib/gstdio.h>
#include <pwd.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#define PATIENCE_S   10
#define ERROR_PREFIX "org.ehrlink1.Error."

struct PrivateBus {
    char *directory, *address; /* owned */
    GSubprocess *daemon;       /* owned */
};

static char *
fill_template(const char *path, const char *const *pairs)
{
    g_autofree char *text = NULL;
    g_autoptr(GError) error = NULL;
    g_file_get_contents(path, &text, NULL, &error);
    g_assert_no_error(error);
    GString *filled = g_string_new(text);
    for (gsize i = 0; pairs[i] != NULL; i += 2)
        g_string_replace(filled, pairs[i], pairs[i + 1], 0);
    return g_string_free(filled, FALSE);
}

static void
write_file(const char *path, const char *text)
{
    g_autoptr(GError) error = NULL;
    g_file_set_contents(path, text, -1, &error);
    g_assert_no_error(error);
    g_chmod(path, 0644);
}

static void
write_configuration(PrivateBus *bus)
{
    const struct passwd *user = getpwuid(geteuid());
    g_assert_nonnull(user);
    g_autofree char *policy = g_build_filename(bus->directory, "policy.conf", NULL);
    g_autofree char *socket = g_build_filename(bus->directory, "bus", NULL);
    g_autofree char *services = g_build_filename(bus->directory, "services", NULL);
    g_autofree char *conf = g_build_filename(bus->directory, "bus.conf", NULL);
    g_mkdir(services, 0755);

    const char *policy_pairs[] = {"@user@", user->pw_name, NULL};
    g_autofree char *policy_text =
        fill_template(SOURCE_ROOT "/systemd/org.ehrlink1.conf.in", policy_pairs);
    write_file(policy, policy_text);
    const char *pairs[] = {"@socket@", socket,   "@services@",  services, "@policy@",
                           policy,     "@user@", user->pw_name, NULL};
    g_autofree char *text = fill_template(SOURCE_ROOT "/tests/rig/bus.conf.in", pairs);
    write_file(conf, text);
}

/* Also when a test aborts. */
static void
die_with_us(gpointer user_data)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
}

static void
start_daemon(PrivateBus *bus)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *conf = g_strconcat("--config-file=", bus->directory, "/bus.conf", NULL);
    g_autoptr(GSubprocessLauncher) launcher =
        g_subprocess_launcher_new(G_SUBPROCESS_FLAGS_STDOUT_PIPE);
    g_subprocess_launcher_set_child_setup(launcher, die_with_us, NULL, NULL);
    bus->daemon = g_subprocess_launcher_spawn(launcher, &error, "dbus-daemon", conf, "--nofork",
                                              "--nopidfile", "--print-address=1", NULL);
    g_assert_no_error(error);
    g_autoptr(GDataInputStream) out =
        g_data_input_stream_new(g_subprocess_get_stdout_pipe(bus->daemon));
    bus->address = g_data_input_stream_read_line(out, NULL, NULL, &error);
    g_assert_no_error(error);
    g_assert_nonnull(bus->address);
}

PrivateBus *
private_bus_new(void)
{
    g_autofree char *program = g_find_program_in_path("dbus-daemon");
    if (program == NULL) {
        g_test_skip("no dbus-daemon is installed");
        return NULL;
    }
    g_autoptr(GError) error = NULL;
    PrivateBus *bus = g_new0(PrivateBus, 1);
    bus->directory = g_dir_make_tmp("ehd-bus-XXXXXX", &error);
    g_assert_no_error(error);
    g_chmod(bus->directory, 0755); /* another uid connects, too */
    write_configuration(bus);
    start_daemon(bus);
    return bus;
}

static void
remove_directory(const char *path)
{
    static const char *const names[] = {"bus.conf", "policy.conf", "bus", "services", NULL};
    for (gsize i = 0; names[i] != NULL; i++) {
        g_autofree char *name = g_build_filename(path, names[i], NULL);
        g_remove(name);
    }
    g_rmdir(path);
}

void
private_bus_free(PrivateBus *bus)
{
    g_subprocess_send_signal(bus->daemon, SIGTERM);
    g_subprocess_wait(bus->daemon, NULL, NULL);
    g_object_unref(bus->daemon);
    remove_directory(bus->directory);
    g_free(bus->directory);
    g_free(bus->address);
    g_free(bus);
}

const char *
private_bus_get_address(PrivateBus *bus)
{
    return bus->address;
}

GDBusConnection *
private_bus_connect(PrivateBus *bus)
{
    g_autoptr(GError) error = NULL;
    GDBusConnection *connection = g_dbus_connection_new_for_address_sync(
        bus->address,
        G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
            G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
        NULL, NULL, &error);
    g_assert_no_error(error);
    return connection;
}

static gboolean
on_out_of_patience(gpointer user_data)
{
    g_error("waited %d seconds in vain", PATIENCE_S);
    return G_SOURCE_REMOVE;
}

void
iterate(void)
{
    guint timer = g_timeout_add_seconds(PATIENCE_S, on_out_of_patience, NULL);
    g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

void
wait_until(gboolean *flag)
{
    guint timer = g_timeout_add_seconds(PATIENCE_S, on_out_of_patience, NULL);
    while (!*flag)
        g_main_context_iteration(NULL, TRUE);
    g_source_remove(timer);
}

static void
on_reply(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Pending *pending = user_data;
    pending->reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), NULL, result, &pending->error);
    pending->done = TRUE;
}

void
settle(GDBusConnection *connection)
{
    Pending pending = {0};
    g_dbus_connection_call_with_unix_fd_list(
        connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "GetId", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL, on_reply, &pending);
    wait_until(&pending.done);
    g_clear_pointer(&pending.reply, g_variant_unref);
}

Pending *
call_start(GDBusConnection *client, const char *path, const char *interface, const char *method,
           GVariant *arguments, GDBusMessageFlags flags)
{
    Pending *pending = g_new0(Pending, 1);
    GDBusCallFlags call_flags = flags & G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION
                                    ? G_DBUS_CALL_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION
                                    : G_DBUS_CALL_FLAGS_NONE;
    g_dbus_connection_call_with_unix_fd_list(client, "org.ehrlink1", path, interface, method,
                                             arguments, NULL, call_flags, -1, NULL, NULL,
                                             on_reply, pending);
    return pending;
}

void
pending_free(Pending *pending)
{
    g_clear_pointer(&pending->reply, g_variant_unref);
    g_clear_error(&pending->error);
    g_free(pending);
}

GVariant *
call(GDBusConnection *client, const char *path, const char *interface, const char *method,
     GVariant *arguments, GError **error)
{
    Pending *pending = call_start(client, path, interface, method, arguments, 0);
    wait_until(&pending->done);
    GVariant *reply = g_steal_pointer(&pending->reply);
    if (pending->error != NULL)
        g_propagate_error(error, g_steal_pointer(&pending->error));
    pending_free(pending);
    return reply;
}

const char *
error_name(const GError *error)
{
    static char name[128];
    g_autofree char *remote = error != NULL ? g_dbus_error_get_remote_error(error) : NULL;
    if (remote == NULL)
        return error != NULL ? error->message : "";
    g_strlcpy(name,
              g_str_has_prefix(remote, ERROR_PREFIX) ? remote + strlen(ERROR_PREFIX) : remote,
              sizeof name);
    return name;
}

guint
count_fds(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;
    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

/* --- signals ---------------------------------------------------------------------------------
 */

static void
on_signal(GDBusConnection *connection, const char *sender, const char *path,
          const char *interface, const char *signal, GVariant *parameters, gpointer user_data)
{
    Watch *watch = user_data;
    g_autofree char *text = g_variant_print(parameters, FALSE);
    g_string_append_printf(watch->seen, "%s.%s %s\n", interface, signal, text);
    if (g_str_has_prefix(interface, "org.ehrlink1."))
        watch->directed++;
    else
        watch->broadcast++;
}

void
watch_start(Watch *watch, GDBusConnection *connection)
{
    memset(watch, 0, sizeof *watch);
    watch->seen = g_string_new(NULL);
    watch->connection = connection;
    watch->id =
        g_dbus_connection_signal_subscribe(connection, "org.ehrlink1", NULL, NULL, NULL, NULL,
                                           G_DBUS_SIGNAL_FLAGS_NONE, on_signal, watch, NULL);
    settle(connection);
}

void
watch_end(Watch *watch)
{
    g_dbus_connection_signal_unsubscribe(watch->connection, watch->id);
    g_string_free(watch->seen, TRUE);
}

/* --- polkit ----------------------------------------------------------------------------------
 */

static const char polkit_xml[] =
    "<node><interface name='org.freedesktop.PolicyKit1.Authority'>"
    "<method name='CheckAuthorization'>"
    "<arg type='(sa{sv})' direction='in'/><arg type='s' direction='in'/>"
    "<arg type='a{ss}' direction='in'/><arg type='u' direction='in'/>"
    "<arg type='s' direction='in'/><arg type='(bba{ss})' direction='out'/></method>"
    "<method name='CancelCheckAuthorization'><arg type='s' direction='in'/></method>"
    "<property name='BackendName' type='s' access='read'/>"
    "</interface></node>";

static void
answer(Polkit *polkit, GDBusMethodInvocation *invocation, gboolean yes, gboolean challenge)
{
    g_dbus_method_invocation_return_value(invocation,
                                          g_variant_new("((bba{ss}))", yes, challenge, NULL));
}

static void
on_check(Polkit *polkit, GVariant *arguments, GDBusMethodInvocation *invocation)
{
    const char *kind, *action;
    g_autoptr(GVariant) subject = NULL;
    g_autofree char *name = NULL;
    polkit->asked++;
    g_variant_get(arguments, "((&s@a{sv})&sa{ss}u&s)", &kind, &subject, &action, NULL,
                  &polkit->last_flags, NULL);
    g_assert_cmpstr(kind, ==, "system-bus-name");
    g_assert_true(g_variant_lookup(subject, "name", "s", &name));
    g_strlcpy(polkit->last_action, action, sizeof polkit->last_action);
    g_strlcpy(polkit->last_subject, name, sizeof polkit->last_subject);
    switch (polkit->mood) {
    case POLKIT_ALLOW:
    case POLKIT_DENY:
    case POLKIT_CHALLENGE:
        answer(polkit, invocation, polkit->mood == POLKIT_ALLOW,
               polkit->mood == POLKIT_CHALLENGE);
        break;
    case POLKIT_FAIL:
        g_dbus_method_invocation_return_dbus_error(
            invocation, "org.freedesktop.PolicyKit1.Error.Failed", "as told");
        break;
    case POLKIT_HANG:
        g_ptr_array_add(polkit->hanging, invocation);
        break;
    }
}

static void
on_polkit_call(GDBusConnection *connection, const char *sender, const char *path,
               const char *interface, const char *method, GVariant *arguments,
               GDBusMethodInvocation *invocation, gpointer user_data)
{
    Polkit *polkit = user_data;
    if (strcmp(method, "CheckAuthorization") == 0) {
        on_check(polkit, arguments, invocation);
        return;
    }
    polkit->cancelled++;
    g_dbus_method_invocation_return_value(invocation, NULL);
}

static GVariant *
on_polkit_get(GDBusConnection *connection, const char *sender, const char *path,
              const char *interface, const char *property, GError **error, gpointer user_data)
{
    return g_variant_new_string("mock");
}

Polkit *
polkit_new(PrivateBus *bus)
{
    static const GDBusInterfaceVTable vtable = {on_polkit_call, on_polkit_get, NULL, {0}};
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(polkit_xml, &error);
    g_assert_no_error(error);
    Polkit *polkit = g_new0(Polkit, 1);
    polkit->hanging = g_ptr_array_new();
    polkit->connection = private_bus_connect(bus);
    g_dbus_connection_register_object(polkit->connection,
                                      "/org/freedesktop/PolicyKit1/Authority",
                                      node->interfaces[0], &vtable, polkit, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        polkit->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
        "org.freedesktop.DBus", "RequestName",
        g_variant_new("(su)", "org.freedesktop.PolicyKit1", 4u), NULL, G_DBUS_CALL_FLAGS_NONE,
        -1, NULL, &error);
    g_assert_no_error(error);
    return polkit;
}

void
polkit_let_go(Polkit *polkit)
{
    for (guint i = 0; i < polkit->hanging->len; i++)
        answer(polkit, polkit->hanging->pdata[i], TRUE, FALSE);
    g_ptr_array_set_size(polkit->hanging, 0);
}

void
polkit_free(Polkit *polkit)
{
    polkit_let_go(polkit);
    g_dbus_connection_close_sync(polkit->connection, NULL, NULL);
    g_object_unref(polkit->connection);
    g_ptr_array_unref(polkit->hanging);
    g_free(polkit);
}
