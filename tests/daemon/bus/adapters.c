/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/bus/adapters.h"

#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

static void
on_activity(gpointer user_data, gpointer unused)
{
    ((Fixture *)user_data)->activity++;
}

static void
own_name(GDBusConnection *connection)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "RequestName", g_variant_new("(su)", "org.ehrlink1", 4u), G_VARIANT_TYPE("(u)"),
        G_DBUS_CALL_FLAGS_NONE, -1, NULL, &error);
    g_assert_no_error(error);
}

gboolean
fixture_start(Fixture *fixture, gboolean with_polkit)
{
    g_autoptr(GError) error = NULL;
    memset(fixture, 0, sizeof *fixture);
    fixture->private_bus = private_bus_new();
    if (fixture->private_bus == NULL)
        return FALSE;
    if (with_polkit)
        fixture->polkit = polkit_new(fixture->private_bus);
    fixture->server = private_bus_connect(fixture->private_bus);
    fixture->owner = private_bus_connect(fixture->private_bus);
    fixture->other = private_bus_connect(fixture->private_bus);
    fixture->bus = ehd_bus_new(fixture->server, "1.2.3", on_activity, fixture);
    fixture->core = fake_core_new(ehd_bus_get_hooks(), fixture->bus);
    g_assert_true(ehd_bus_export(fixture->bus, fixture->core, &error));
    own_name(fixture->server);
    return TRUE;
}

static void
disconnect(GDBusConnection **connection)
{
    if (*connection != NULL && !g_dbus_connection_is_closed(*connection))
        g_dbus_connection_close_sync(*connection, NULL, NULL);
    g_clear_object(connection);
}

void
fixture_end(Fixture *fixture)
{
    ehd_bus_close(fixture->bus);
    while (ehd_bus_count_calls(fixture->bus) > 0)
        iterate();
    ehd_core_free(fixture->core);
    ehd_bus_free(fixture->bus);
    disconnect(&fixture->owner);
    disconnect(&fixture->other);
    disconnect(&fixture->server);
    g_clear_pointer(&fixture->polkit, polkit_free);
    private_bus_free(fixture->private_bus);
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

/* As a message has it: one block of bytes. */
static GVariant *
parse(const char *type, const char *before, const char *more, const char *after)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *text =
        g_strconcat(before, more != NULL ? ", " : "", more != NULL ? more : "", after, NULL);
    g_autoptr(GVariant) value = g_variant_parse(G_VARIANT_TYPE(type), text, NULL, NULL, &error);
    g_assert_no_error(error);
    g_autoptr(GBytes) bytes = g_variant_get_data_as_bytes(value);
    return g_variant_new_from_bytes(G_VARIANT_TYPE(type), bytes, FALSE);
}

GVariant *
send_arguments(const char *more)
{
    return parse("(aa{sv}a{sv})",
                 "([{'name': <'a.json'>, 'size': <uint64 12>}], "
                 "{'agent': <objectpath '" AGENT "'>",
                 more, "})");
}

GVariant *
receive_arguments(const char *more)
{
    return parse("(a{sv})", "({'agent': <objectpath '" AGENT "'>", more, "},)");
}

EhdSession *
open_session(Fixture *fixture)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        call(fixture->owner, ROOT, MANAGER, "Send", send_arguments(NULL), &error);
    g_assert_no_error(error);
    return fixture->core->sessions->pdata[fixture->core->sessions->len - 1];
}

char *
path_of(EhdSession *session)
{
    return g_strconcat(ROOT "/session/", session->id, NULL);
}

char *
transfer_of(EhdSession *session)
{
    return g_strconcat(ROOT "/session/", session->id, "/transfer/0", NULL);
}

/* --- the agent -------------------------------------------------------------------------------
 */

static void
answer_consent(Agent *agent, GDBusMethodInvocation *invocation)
{
    agent->consents++;
    if (agent->mood == AGENT_SILENT) {
        agent->silent = invocation;
    } else if (agent->mood == AGENT_ERROR) {
        g_dbus_method_invocation_return_dbus_error(invocation, "org.example.Error", "no");
    } else {
        g_autoptr(GVariant) dict =
            g_variant_parse(G_VARIANT_TYPE_VARDICT,
                            agent->answer != NULL ? agent->answer : "{}", NULL, NULL, NULL);
        g_dbus_method_invocation_return_value(
            invocation, g_variant_new("(b@a{sv})", agent->mood == AGENT_YES, dict));
    }
}

/* A reply that is not what was declared, which GDBus would not send for us. */
static void
answer_wrongly(GDBusMethodInvocation *invocation)
{
    g_autoptr(GDBusMessage) reply =
        g_dbus_message_new_method_reply(g_dbus_method_invocation_get_message(invocation));
    g_dbus_message_set_body(reply, g_variant_new("(s)", "none"));
    g_dbus_connection_send_message(g_dbus_method_invocation_get_connection(invocation), reply,
                                   G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL, NULL);
    g_object_unref(invocation);
}

static void
answer_open(Agent *agent, GDBusMethodInvocation *invocation)
{
    agent->opens++;
    if (agent->mood == AGENT_SILENT) {
        agent->silent = invocation;
        return;
    }
    if (agent->mood == AGENT_CHANGED) {
        g_dbus_method_invocation_return_dbus_error(invocation, "org.ehrlink1.Error.ItemChanged",
                                                   "it did");
        return;
    }
    int ends[2];
    g_assert_cmpint(pipe(ends), ==, 0);
    int n = agent->mood == AGENT_FD ? 1 : agent->mood == AGENT_TWO_FDS ? 2 : 0;
    g_autoptr(GUnixFDList) list = g_unix_fd_list_new();
    for (int i = 0; i < n; i++)
        g_unix_fd_list_append(list, ends[i], NULL);
    close(ends[0]);
    close(ends[1]);
    if (n == 0)
        answer_wrongly(invocation);
    else
        g_dbus_method_invocation_return_value_with_unix_fd_list(invocation,
                                                                g_variant_new("(h)", 0), list);
}

static void
on_agent_call(GDBusConnection *connection, const char *sender, const char *path,
              const char *interface, const char *method, GVariant *arguments,
              GDBusMethodInvocation *invocation, gpointer user_data)
{
    Agent *agent = user_data;
    agent->called = TRUE;
    g_free(agent->sender);
    agent->sender = g_strdup(sender);
    if (strcmp(method, "AskConsent") == 0) {
        answer_consent(agent, invocation);
    } else if (strcmp(method, "OpenItem") == 0) {
        answer_open(agent, invocation);
    } else if (strcmp(method, "ItemsArrived") == 0) {
        agent->arrivals++;
        g_dbus_method_invocation_return_value(invocation, NULL);
    } else {
        agent->cancels++;
        g_free(agent->reason);
        g_variant_get(arguments, "(os)", NULL, &agent->reason);
        g_dbus_method_invocation_return_value(invocation, NULL);
    }
}

void
agent_export(Agent *agent, GDBusConnection *connection)
{
    static const char xml[] =
        "<node><interface name='org.ehrlink1.Agent'>"
        "<method name='AskConsent'><arg type='o' direction='in'/><arg type='a{sv}' "
        "direction='in'/><arg type='b' direction='out'/><arg type='a{sv}' direction='out'/>"
        "</method><method name='OpenItem'><arg type='o' direction='in'/><arg type='u' "
        "direction='in'/>"
        "<arg type='a{sv}' direction='in'/><arg type='h' direction='out'/></method>"
        "<method name='ItemsArrived'><arg type='o' direction='in'/><arg type='o' "
        "direction='in'/><arg type='a{sv}' direction='in'/></method>"
        "<method name='Cancel'><arg type='o' direction='in'/><arg type='s' "
        "direction='in'/></method>"
        "</interface></node>";
    static const GDBusInterfaceVTable vtable = {on_agent_call, NULL, NULL, {0}};
    g_autoptr(GError) error = NULL;
    g_autoptr(GDBusNodeInfo) node = g_dbus_node_info_new_for_xml(xml, &error);
    g_assert_no_error(error);
    agent->connection = g_object_ref(connection);
    agent->id = g_dbus_connection_register_object(connection, AGENT, node->interfaces[0],
                                                  &vtable, agent, NULL, &error);
    g_assert_no_error(error);
}

void
agent_clear(Agent *agent)
{
    if (agent->silent != NULL)
        g_dbus_method_invocation_return_dbus_error(agent->silent, "org.example.Late", "late");
    if (!g_dbus_connection_is_closed(agent->connection))
        g_dbus_connection_unregister_object(agent->connection, agent->id);
    g_object_unref(agent->connection);
    g_free(agent->reason);
    g_free(agent->sender);
}
