/* SPDX-License-Identifier: Apache-2.0
 *
 * Opening sessions on the bus: what is asked of whom, and what when the caller leaves, floods,
 * or hands over descriptors. Over a core that does as it is told.
 */
#include "tests/daemon/bus/adapters.h"

#include <string.h>
#include <unistd.h>

#include <gio/gunixfdlist.h>

#include "daemon/bus/caller.h"

/* --- opening a session -----------------------------------------------------------------------
 */

static void
test_send(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    g_assert_cmpuint(f.core->sends, ==, 1);
    g_assert_cmpuint(f.core->n_items, ==, 1);
    g_assert_cmpuint(session->listeners_set, ==, 1);
    g_assert_cmpuint(session->info.uid, ==, geteuid());
    g_assert_cmpstr(f.polkit->last_action, ==, "org.ehrlink1.send");
    g_assert_cmpstr(f.polkit->last_subject, ==, g_dbus_connection_get_unique_name(f.owner));
    g_assert_cmpuint(f.polkit->last_flags, ==, 0);
    g_assert_false(ehd_bus_is_idle(f.bus));
    fixture_end(&f);
}

static void
test_receive(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        call(f.owner, ROOT, MANAGER, "Receive",
             receive_arguments("'categories': <['Patient-Summaries', 'other']>, "
                               "'operator': <{'display': <'Dr. A'>, 'assurance': <'card'>}>, "
                               "'text': <'two\\nlines'>, 'timeout': <uint32 0>"),
             &error);
    g_assert_no_error(error);
    g_assert_cmpstr(f.polkit->last_action, ==, "org.ehrlink1.receive");
    g_assert_cmpuint(f.core->received.n_categories, ==, 2);
    g_assert_cmpuint(f.core->received.timeout, ==, 0);
    g_assert_cmpuint(f.core->received.filing_timeout, ==, EHD_SECONDS_CONFIGURED);
    g_assert_cmpstr(f.core->text, ==, "two\nlines");
    g_assert_cmpstr(f.core->display, ==, "Dr. A");
    fixture_end(&f);
}

static void
test_core_refuses(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    for (int i = 1; i < EHP_STATUS_COUNT; i++) {
        g_autoptr(GError) error = NULL;
        f.core->next_error = (ehp_status)i;
        g_assert_null(call(f.owner, ROOT, MANAGER, "Send", send_arguments(NULL), &error));
        g_assert_cmpstr(error_name(error), ==, ehp_status_name((ehp_status)i));
    }
    fixture_end(&f);
}

static void
test_bad_options(void)
{
    static const char *const bad[] = {
        "'bogus': <1>",           "'timeout': <uint32 0>",   "'timeout': <3>",
        "'linger': <uint32 661>", "'acting-as': <'nobody'>", "'agent': <objectpath '/again'>",
    };
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_null(call(f.owner, ROOT, MANAGER, "Send", send_arguments(bad[i]), &error));
        g_assert_cmpstr(error_name(error), ==, "InvalidArgument");
    }
    /* nobody was prompted for what could not succeed */
    g_assert_cmpuint(f.polkit->asked, ==, 0);
    g_assert_cmpuint(f.core->sends, ==, 0);
    fixture_end(&f);
}

/* --- the gate --------------------------------------------------------------------------------
 */

static void
test_gate_refuses(void)
{
    static const PolkitMood moods[] = {POLKIT_DENY, POLKIT_CHALLENGE, POLKIT_FAIL};
    static const struct {
        const char *method, *type, *arguments, *action;
    } calls[] = {
        {"Send", "(aa{sv}a{sv})",
         "([{'name': <'a'>, 'size': <uint64 1>}], {'agent': <objectpath '/a'>})",
         "org.ehrlink1.send"},
        {"Receive", "(a{sv})", "({'agent': <objectpath '/a'>},)", "org.ehrlink1.receive"},
        {"InitIdentity", "(a{sv})", "(@a{sv} {},)", "org.ehrlink1.manage-identity"},
        {"ImportIdentity", "(sa{sv})", "('', @a{sv} {})", "org.ehrlink1.manage-identity"},
        {"AddTrust", "(sa{sv})", "('', @a{sv} {})", "org.ehrlink1.manage-trust"},
        {"RemoveTrust", "(sa{sv})", "('01234567', @a{sv} {})", "org.ehrlink1.manage-trust"},
    };
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    for (gsize m = 0; m < G_N_ELEMENTS(moods); m++) {
        f.polkit->mood = moods[m];
        for (gsize c = 0; c < G_N_ELEMENTS(calls); c++) {
            g_autoptr(GError) error = NULL;
            GVariant *arguments = g_variant_parse(G_VARIANT_TYPE(calls[c].type),
                                                  calls[c].arguments, NULL, NULL, NULL);
            g_assert_null(call(f.owner, ROOT, MANAGER, calls[c].method, arguments, &error));
            g_variant_unref(arguments);
            g_assert_cmpstr(error_name(error), ==, "NotAuthorized");
            g_assert_cmpstr(f.polkit->last_action, ==, calls[c].action);
        }
    }
    g_assert_cmpuint(f.core->sends + f.core->receives, ==, 0);
    g_assert_cmpuint(f.core->identity_calls + f.core->trust_calls, ==, 0);
    fixture_end(&f);
}

static void
test_gate_hangs(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    f.polkit->mood = POLKIT_HANG;
    Pending *hanging = call_start(f.owner, ROOT, MANAGER, "Send", send_arguments(NULL),
                                  G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION);
    while (f.polkit->hanging->len == 0)
        iterate();
    g_assert_cmpuint(f.polkit->last_flags, ==, 1);
    /* the same caller and others are answered meanwhile */
    for (int i = 0; i < 3; i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) reply =
            call(i == 0 ? f.owner : f.other, ROOT, MANAGER, "ListSessions",
                 g_variant_new("(a{sv})", NULL), &error);
        g_assert_no_error(error);
    }
    g_assert_false(hanging->done);
    g_assert_cmpuint(ehd_bus_count_calls(f.bus), ==, 1);
    g_assert_false(ehd_bus_is_idle(f.bus));
    polkit_let_go(f.polkit);
    wait_until(&hanging->done);
    g_assert_no_error(hanging->error);
    pending_free(hanging);
    fixture_end(&f);
}

static void
test_gate_times_out(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    ehd_gate_set_limits(ehd_bus_get_gate(f.bus), 20, 20);
    f.polkit->mood = POLKIT_HANG;
    g_autoptr(GError) error = NULL;
    g_assert_null(call(f.owner, ROOT, MANAGER, "Send", send_arguments(NULL), &error));
    g_assert_cmpstr(error_name(error), ==, "NotAuthorized");
    settle(f.server);
    settle(f.polkit->connection);
    g_assert_cmpuint(f.polkit->cancelled, ==, 1);
    fixture_end(&f);
}

static void
test_no_polkit(void)
{
    Fixture f;
    if (!fixture_start(&f, FALSE))
        return;
    /* we are the daemon's own user here; another one is denied: other_uid_unit */
    g_assert_nonnull(open_session(&f));
    fixture_end(&f);
}

/* --- callers ---------------------------------------------------------------------------------
 */

static void
test_caller_leaves_prompt(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    f.polkit->mood = POLKIT_HANG;
    Pending *hanging = call_start(f.other, ROOT, MANAGER, "Send", send_arguments(NULL), 0);
    while (f.polkit->hanging->len == 0)
        iterate();
    g_dbus_connection_close_sync(f.other, NULL, NULL);
    while (f.polkit->cancelled == 0)
        iterate();
    while (ehd_bus_count_calls(f.bus) > 0)
        iterate();
    polkit_let_go(f.polkit);
    settle(f.server);
    g_assert_cmpuint(f.core->sends, ==, 0);
    wait_until(&hanging->done);
    pending_free(hanging);
    fixture_end(&f);
}

static void
test_caller_leaves_while_opening(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    f.core->hold = TRUE;
    Pending *opening = call_start(f.other, ROOT, MANAGER, "Send", send_arguments(NULL), 0);
    while (f.core->held->len == 0)
        iterate();
    g_dbus_connection_close_sync(f.other, NULL, NULL);
    settle(f.server);
    fake_core_let_go(f.core);
    while (ehd_bus_count_calls(f.bus) > 0)
        iterate();
    EhdSession *session = f.core->sessions->pdata[0];
    while (session->vanished == 0)
        iterate();
    wait_until(&opening->done);
    pending_free(opening);
    fixture_end(&f);
}

static void
test_owner_leaves(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    g_dbus_connection_close_sync(f.owner, NULL, NULL);
    while (session->vanished == 0)
        iterate();
    g_assert_cmpuint(session->vanished, ==, 1);
    /* nobody to ask: refused, and nothing is sent to anyone */
    session->listener->ask_consent(session, session->user_data);
    g_assert_cmpuint(session->consents, ==, 1);
    g_assert_false(session->granted);
    session->listener->open_item(session, 0, session->user_data);
    g_assert_cmpint(session->item_why, ==, EHP_NO_AGENT);
    session->listener->changed(session, session->user_data);
    /* its state is still to be seen */
    session->info.state = EHD_STATE_FAILED;
    f.core->hooks->state_changed(session, f.core->user_data);
    g_autofree char *path = path_of(session);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) state = call(f.other, path, "org.freedesktop.DBus.Properties", "Get",
                                     g_variant_new("(ss)", SESSION, "State"), &error);
    g_assert_no_error(error);
    g_autofree char *text = g_variant_print(state, FALSE);
    g_assert_cmpstr(text, ==, "(<'failed'>,)");
    fixture_end(&f);
}

static void
test_limit_of_calls(void)
{
    Fixture f;
    Pending *pending[EHD_CALLER_CALLS_MAX + 8];
    guint refused = 0;
    if (!fixture_start(&f, TRUE))
        return;
    f.polkit->mood = POLKIT_HANG;
    for (gsize i = 0; i < G_N_ELEMENTS(pending); i++)
        pending[i] = call_start(f.other, ROOT, MANAGER, "Send", send_arguments(NULL), 0);
    while (f.polkit->hanging->len < EHD_CALLER_CALLS_MAX)
        iterate();
    settle(f.other);
    /* somebody else is served */
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        call(f.owner, ROOT, MANAGER, "GetIdentity", g_variant_new("(a{sv})", NULL), &error);
    g_assert_no_error(error);
    polkit_let_go(f.polkit);
    for (gsize i = 0; i < G_N_ELEMENTS(pending); i++) {
        wait_until(&pending[i]->done);
        refused += strcmp(error_name(pending[i]->error), "LimitReached") == 0;
        pending_free(pending[i]);
    }
    g_assert_cmpuint(refused, ==, 8);
    fixture_end(&f);
}

/* 16 descriptors with each of 60 calls that hang would fill the daemon's table. */
static void
test_unwanted_descriptors(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    g_autoptr(GUnixFDList) list = g_unix_fd_list_new();
    for (int i = 0; i < 16; i++)
        g_unix_fd_list_append(list, 0, NULL);
    f.polkit->mood = POLKIT_HANG;
    guint before = count_fds();
    for (int i = 0; i < 40; i++) {
        g_autoptr(GDBusMessage) message =
            g_dbus_message_new_method_call("org.ehrlink1", ROOT, MANAGER, "Send");
        g_dbus_message_set_body(message, send_arguments(NULL));
        g_dbus_message_set_unix_fd_list(message, list);
        g_dbus_message_set_flags(message, G_DBUS_MESSAGE_FLAGS_NO_REPLY_EXPECTED);
        g_dbus_connection_send_message(f.other, message, G_DBUS_SEND_MESSAGE_FLAGS_NONE, NULL,
                                       NULL);
        /* one by one: the bus drops messages when 64 descriptors wait to be read */
        while (f.polkit->hanging->len <= (guint)i)
            iterate();
    }
    /* some of our own may come and go; 40 times 16 may not */
    g_assert_cmpuint(count_fds(), <, before + 16);
    polkit_let_go(f.polkit);
    fixture_end(&f);
}

static void
test_close_with_calls(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    f.polkit->mood = POLKIT_HANG;
    Pending *hanging = call_start(f.other, ROOT, MANAGER, "Send", send_arguments(NULL), 0);
    while (f.polkit->hanging->len == 0)
        iterate();
    ehd_bus_close(f.bus);
    wait_until(&hanging->done);
    g_assert_cmpstr(error_name(hanging->error), ==, "Cancelled");
    g_assert_cmpuint(ehd_bus_count_calls(f.bus), ==, 0);
    pending_free(hanging);
    fixture_end(&f);
}

static void
test_close_while_opening(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    f.core->hold = TRUE;
    Pending *opening = call_start(f.other, ROOT, MANAGER, "Send", send_arguments(NULL), 0);
    while (f.core->held->len == 0)
        iterate();
    ehd_bus_close(f.bus);
    fake_core_let_go(f.core);
    wait_until(&opening->done);
    g_assert_cmpstr(error_name(opening->error), ==, "Cancelled");
    pending_free(opening);
    fixture_end(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus/send", test_send);
    g_test_add_func("/bus/receive", test_receive);
    g_test_add_func("/bus/core-refuses", test_core_refuses);
    g_test_add_func("/bus/bad-options", test_bad_options);
    g_test_add_func("/bus/gate/refuses", test_gate_refuses);
    g_test_add_func("/bus/gate/hangs", test_gate_hangs);
    g_test_add_func("/bus/gate/times-out", test_gate_times_out);
    g_test_add_func("/bus/gate/no-polkit", test_no_polkit);
    g_test_add_func("/bus/caller/leaves-prompt", test_caller_leaves_prompt);
    g_test_add_func("/bus/caller/leaves-while-opening", test_caller_leaves_while_opening);
    g_test_add_func("/bus/caller/owner-leaves", test_owner_leaves);
    g_test_add_func("/bus/caller/limit-of-calls", test_limit_of_calls);
    g_test_add_func("/bus/caller/unwanted-descriptors", test_unwanted_descriptors);
    g_test_add_func("/bus/close-with-calls", test_close_with_calls);
    g_test_add_func("/bus/close-while-opening", test_close_while_opening);
    return g_test_run();
}
