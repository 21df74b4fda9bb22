/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects on the bus as applications see them, over a core that does as it is told.
 */
#include "tests/daemon/bus/adapters.h"

#include <glib/gstdio.h>
#include <gio/gunixfdlist.h>
#include <string.h>
#include <unistd.h>

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
    g_assert_cmpuint(f.core->received.filing_timeout, ==, 600);
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

static guint
count_fds(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;
    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
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

/* --- who sees what ---------------------------------------------------------------------------
 */

typedef struct {
    guint directed, broadcast;
    GString *seen; /* owned */
    GDBusConnection *connection;
    guint id;
} Watch;

static void
on_signal(GDBusConnection *connection, const char *sender, const char *path,
          const char *interface, const char *signal, GVariant *parameters, gpointer user_data)
{
    Watch *watch = user_data;
    g_autofree char *text = g_variant_print(parameters, FALSE);
    g_string_append_printf(watch->seen, "%s.%s %s\n", interface, signal, text);
    if (strcmp(interface, SESSION) == 0 || strcmp(interface, TRANSFER) == 0)
        watch->directed++;
    else
        watch->broadcast++;
}

static void
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

static void
watch_end(Watch *watch)
{
    g_dbus_connection_signal_unsubscribe(watch->connection, watch->id);
    g_string_free(watch->seen, TRUE);
}

static void
test_signals_are_directed(void)
{
    Fixture f;
    Watch owner, other;
    if (!fixture_start(&f, TRUE))
        return;
    watch_start(&owner, f.owner);
    watch_start(&other, f.other);
    EhdSession *session = open_session(&f);
    const EhdPeerInfo peer = {
        .verified = TRUE, .organisation = "Secret Clinic", .fingerprint = "ab"};
    session->info.state = EHD_STATE_TRANSFERRING;
    session->info.peer = &peer;
    session->info.has_transfer = TRUE;
    session->info.items = 2;
    session->info.bytes = 4711;
    session->listener->changed(session, session->user_data);
    session->listener->progress(session, session->user_data);
    session->listener->item_changed(session, 1, EHD_ITEM_STORED, session->user_data);
    settle(f.server);
    settle(f.owner);
    settle(f.other);
    g_assert_cmpuint(owner.directed, ==, 3);
    g_assert_nonnull(strstr(owner.seen->str, "Secret Clinic"));
    g_assert_nonnull(strstr(owner.seen->str, "4711"));
    /* the other one: InterfacesAdded twice, PropertiesChanged; nothing but state and role */
    g_assert_cmpuint(other.directed, ==, 0);
    g_assert_cmpuint(other.broadcast, ==, 3);
    g_assert_null(strstr(other.seen->str, "Secret"));
    g_assert_null(strstr(other.seen->str, "4711"));
    g_assert_nonnull(strstr(other.seen->str, "'State': <'transferring'>"));
    watch_end(&owner);
    watch_end(&other);
    fixture_end(&f);
}

static void
test_object_manager(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) objects = call(f.other, ROOT, "org.freedesktop.DBus.ObjectManager",
                                       "GetManagedObjects", NULL, &error);
    g_assert_no_error(error);
    g_autofree char *text = g_variant_print(objects, FALSE);
    g_autofree char *expected = g_strdup_printf(
        "({'/org/ehrlink1/session/%s': {'org.ehrlink1.Session': {'State': <'ready'>, 'Role': "
        "<'patient'>}}},)",
        session->id);
    g_assert_cmpstr(text, ==, expected);
    /* the Manager is at the root itself */
    g_autoptr(GVariant) version = call(f.other, ROOT, "org.freedesktop.DBus.Properties", "Get",
                                       g_variant_new("(ss)", MANAGER, "Version"), &error);
    g_assert_no_error(error);
    g_autofree char *version_text = g_variant_print(version, FALSE);
    g_assert_cmpstr(version_text, ==, "(<'1.2.3'>,)");
    fake_core_remove(f.core, session);
    g_autoptr(GVariant) none = call(f.other, ROOT, "org.freedesktop.DBus.ObjectManager",
                                    "GetManagedObjects", NULL, &error);
    g_assert_cmpuint(g_variant_n_children(none), ==, 1);
    g_autoptr(GVariant) dict = g_variant_get_child_value(none, 0);
    g_assert_cmpuint(g_variant_n_children(dict), ==, 0);
    g_assert_true(ehd_bus_is_idle(f.bus));
    fixture_end(&f);
}

/* --- methods ---------------------------------------------------------------------------------
 */

static GVariant *
session_call(Fixture *f, EhdSession *session, const char *method, GVariant *arguments,
             const char *expected)
{
    g_autofree char *path = path_of(session);
    g_autoptr(GError) error = NULL;
    GVariant *reply = call(f->owner, path, SESSION, method, arguments, &error);
    g_assert_cmpstr(error_name(error), ==, expected);
    return reply;
}

static void
test_session_methods(void)
{
    static const char fingerprint[] =
        "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef";
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    session->info.error = EHP_LINK_LOST;
    g_autoptr(GVariant) details =
        session_call(&f, session, "GetDetails", g_variant_new("(a{sv})", NULL), "");
    g_autoptr(GVariant) dict = g_variant_get_child_value(details, 0);
    const char *error_word;
    guint deadline;
    g_assert_true(g_variant_lookup(dict, "error", "&s", &error_word));
    g_assert_cmpstr(error_word, ==, "LinkLost");
    g_assert_true(g_variant_lookup(dict, "deadline", "u", &deadline));
    g_assert_false(g_variant_lookup(dict, "transfer", "o", NULL));

    g_clear_pointer(&details, g_variant_unref);
    details = session_call(&f, session, "Extend", g_variant_new("(a{sv})", NULL), "");
    g_assert_null(
        session_call(&f, session, "Extend", g_variant_new("(a{sv})", NULL), "WrongState"));
    g_variant_unref(session_call(&f, session, "Cancel", g_variant_new("(a{sv})", NULL), ""));
    g_variant_unref(session_call(&f, session, "Revoke", g_variant_new("(a{sv})", NULL), ""));
    g_variant_unref(session_call(&f, session, "File", g_variant_new("(a{sv})", NULL), ""));
    g_assert_cmpuint(session->cancels + session->revokes + session->files, ==, 3);
    g_variant_unref(session_call(&f, session, "AllowUnverified",
                                 g_variant_new("(sa{sv})", fingerprint, NULL), ""));
    g_assert_cmpstr(session->allowed, ==, fingerprint);
    g_assert_null(session_call(&f, session, "AllowUnverified",
                               g_variant_new("(sa{sv})", "0123", NULL), "InvalidArgument"));
    g_variant_unref(
        session_call(&f, session, "Discard", g_variant_new_parsed("({'rule': <'r1'>},)"), ""));
    g_assert_cmpstr(session->rule, ==, "r1");
    g_assert_null(session_call(&f, session, "Discard",
                               g_variant_new_parsed("({'rule': <''>},)"), "InvalidArgument"));
    g_assert_null(session_call(&f, session, "File", g_variant_new_parsed("({'x': <1>},)"),
                               "InvalidArgument"));
    g_assert_null(
        session_call(&f, session, "GetReceipt", g_variant_new("(a{sv})", NULL), "WrongState"));
    session->info.state = EHD_STATE_DONE;
    g_autoptr(GVariant) receipt =
        session_call(&f, session, "GetReceipt", g_variant_new("(a{sv})", NULL), "");
    g_assert_cmpuint(g_variant_get_size(receipt), ==, 7);
    fixture_end(&f);
}

static void
test_transfer_methods(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    session->info.has_transfer = TRUE;
    session->info.bytes = 100;
    session->info.done = 40;
    session->listener->transfer_changed(session, session->user_data);
    g_autofree char *path = transfer_of(session);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) progress =
        call(f.owner, path, TRANSFER, "GetProgress", g_variant_new("(a{sv})", NULL), &error);
    g_assert_no_error(error);
    g_autofree char *text = g_variant_print(progress, FALSE);
    g_assert_cmpstr(text, ==, "(40, 100, {'items': <uint32 0>, 'items-done': <uint32 0>})");
    g_autoptr(GVariant) items = call(f.owner, path, TRANSFER, "ListItems",
                                     g_variant_new("(uua{sv})", 5, 1, NULL), &error);
    g_assert_no_error(error);
    g_autofree char *items_text = g_variant_print(items, FALSE);
    g_assert_nonnull(strstr(items_text, "bad\xef\xbf\xbdname"));
    g_assert_null(call(f.owner, path, TRANSFER, "ListItems",
                       g_variant_new("(uua{sv})", 0, 257, NULL), &error));
    g_assert_cmpstr(error_name(error), ==, "InvalidArgument");
    g_clear_error(&error);
    g_assert_null(call(f.owner, path, TRANSFER, "CollectItem",
                       g_variant_new("(ua{sv})", 0, NULL), &error));
    g_assert_cmpstr(error_name(error), ==, "NotFound");
    g_clear_error(&error);
    g_variant_unref(call(f.owner, path, TRANSFER, "ItemStored",
                         g_variant_new("(ua{sv})", 0, NULL), &error));
    g_assert_cmpuint(session->stored, ==, 1);
    fixture_end(&f);
}

static void
on_collected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    int *fd = user_data;
    g_autoptr(GError) error = NULL;
    g_autoptr(GUnixFDList) list = NULL;
    g_autoptr(GVariant) reply = g_dbus_connection_call_with_unix_fd_list_finish(
        G_DBUS_CONNECTION(source), &list, result, &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_unix_fd_list_get_length(list), ==, 1);
    *fd = g_unix_fd_list_get(list, 0, NULL);
}

static void
test_collect(void)
{
    Fixture f;
    char byte;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    session->info.has_transfer = TRUE;
    session->listener->transfer_changed(session, session->user_data);
    session->collect = g_strdup("/proc/self/cmdline");
    g_autofree char *path = transfer_of(session);
    guint before = count_fds();
    int fd = -1;
    g_dbus_connection_call_with_unix_fd_list(f.owner, "org.ehrlink1", path, TRANSFER,
                                             "CollectItem", g_variant_new("(ua{sv})", 0, NULL),
                                             G_VARIANT_TYPE("(h)"), G_DBUS_CALL_FLAGS_NONE, -1,
                                             NULL, NULL, on_collected, &fd);
    while (fd < 0)
        iterate();
    g_assert_cmpint(read(fd, &byte, 1), ==, 1);
    close(fd);
    settle(f.server);
    g_assert_cmpuint(count_fds(), <=, before);
    fixture_end(&f);
}

static void
test_reattach(void)
{
    static const struct {
        const char *path, *more, *expected;
    } bad[] = {
        {"/org/ehrlink1/session/nobody", NULL, "NotFound"},
        {"/org/ehrlink1", NULL, "NotFound"},
        {"/", NULL, "NotFound"},
        {NULL, "'items': <@aa{sv} []>", "InvalidArgument"},
        {NULL, "'bogus': <true>", "InvalidArgument"},
        {NULL,
         "'items': <[{'name': <'a'>, 'size': <uint64 1>}, {'name': <'b'>, 'size': <uint64 "
         "1>}]>",
         "ItemChanged"},
    };
    Fixture f;
    Watch owner, other;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    g_autofree char *path = path_of(session);
    g_autofree char *transfer = transfer_of(session);
    watch_start(&owner, f.owner);
    watch_start(&other, f.other);
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) options = g_variant_ref_sink(receive_arguments(bad[i].more));
        g_autoptr(GVariant) dict = g_variant_get_child_value(options, 0);
        g_assert_null(call(f.other, ROOT, MANAGER, "Reattach",
                           g_variant_new("(o@a{sv})", bad[i].path ? bad[i].path : path, dict),
                           &error));
        g_assert_cmpstr(error_name(error), ==, bad[i].expected);
    }
    g_autoptr(GError) error = NULL;
    g_assert_null(call(f.other, ROOT, MANAGER, "Reattach",
                       g_variant_new_parsed("(%o, {'agent': <objectpath '/x'>})", transfer),
                       &error));
    g_assert_cmpstr(error_name(error), ==, "NotFound");
    g_clear_error(&error);
    g_variant_unref(call(f.other, ROOT, MANAGER, "Reattach",
                         g_variant_new_parsed("(%o, {'agent': <objectpath '/x'>})", path),
                         &error));
    g_assert_no_error(error);
    g_assert_cmpuint(session->listeners_set, ==, 2);
    session->listener->changed(session, session->user_data);
    settle(f.server);
    settle(f.owner);
    settle(f.other);
    g_assert_cmpuint(owner.directed, ==, 0);
    g_assert_cmpuint(other.directed, ==, 1);
    /* the one before may leave now without harm */
    g_dbus_connection_close_sync(f.owner, NULL, NULL);
    settle(f.server);
    settle(f.other);
    g_assert_cmpuint(session->vanished, ==, 0);
    watch_end(&owner);
    watch_end(&other);
    fixture_end(&f);
}

static void
test_list_sessions(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *mine = open_session(&f);
    fake_core_add(f.core, geteuid() + 1, EHD_TERMINAL);
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        call(f.owner, ROOT, MANAGER, "ListSessions", g_variant_new("(a{sv})", NULL), &error);
    g_assert_no_error(error);
    g_autoptr(GVariant) list = g_variant_get_child_value(reply, 0);
    g_assert_cmpuint(g_variant_n_children(list), ==, 1);
    g_autoptr(GVariant) dict = g_variant_get_child_value(list, 0);
    g_autofree char *path = path_of(mine);
    const char *seen;
    g_assert_true(g_variant_lookup(dict, "path", "&o", &seen));
    g_assert_cmpstr(seen, ==, path);
    fixture_end(&f);
}

static void
test_identity(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) none =
        call(f.owner, ROOT, MANAGER, "GetIdentity", g_variant_new("(a{sv})", NULL), &error);
    g_autofree char *none_text = g_variant_print(none, FALSE);
    g_assert_cmpstr(none_text, ==,
                    "({'exists': <false>, 'certified': <false>, 'problem': <'NoIdentity'>},)");
    g_autoptr(GVariant) made =
        call(f.owner, ROOT, MANAGER, "InitIdentity",
             g_variant_new_parsed("({'organisation': <'C'>, 'terminal': <'1'>, 'country': "
                                  "<'DE'>},)"),
             &error);
    g_assert_no_error(error);
    g_autofree char *made_text = g_variant_print(made, FALSE);
    g_assert_nonnull(strstr(made_text, "CSR of C"));
    /* a patient's device: a key, and nobody who would certify it */
    g_autoptr(GVariant) bare =
        call(f.owner, ROOT, MANAGER, "InitIdentity", g_variant_new("(a{sv})", NULL), &error);
    g_assert_no_error(error);
    g_autofree char *bare_text = g_variant_print(bare, FALSE);
    g_assert_nonnull(strstr(bare_text, "fingerprint"));
    g_assert_null(strstr(bare_text, "csr"));
    g_autoptr(GVariant) imported =
        call(f.owner, ROOT, MANAGER, "ImportIdentity",
             g_variant_new_parsed("('', {'crls': <['one', 'two']>})"), &error);
    g_assert_no_error(error);
    g_assert_cmpuint(f.core->n_crls, ==, 2);
    g_autoptr(GVariant) added = call(f.owner, ROOT, MANAGER, "AddTrust",
                                     g_variant_new("(sa{sv})", "PEM", NULL), &error);
    g_assert_no_error(error);
    g_assert_null(call(f.owner, ROOT, MANAGER, "RemoveTrust",
                       g_variant_new("(sa{sv})", "abcdef", NULL), &error));
    g_assert_cmpstr(error_name(error), ==, "InvalidArgument");
    fixture_end(&f);
}

static void
test_verify_receipt(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    static const gsize bad[] = {0, 3, EHP_RECEIPT_MAX + 1};
    guint8 bytes[EHP_RECEIPT_MAX + 1] = {0};
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        GVariant *receipt = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, bad[i], 1);
        g_assert_null(call(f.owner, ROOT, MANAGER, "VerifyReceipt",
                           g_variant_new("(@aya{sv})", receipt, NULL), &error));
        g_assert_cmpstr(error_name(error), ==, "ReceiptInvalid");
    }
    g_autoptr(GError) error = NULL;
    GVariant *receipt = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, 40, 1);
    g_autoptr(GVariant) facts = call(f.owner, ROOT, MANAGER, "VerifyReceipt",
                                     g_variant_new("(@aya{sv})", receipt, NULL), &error);
    g_assert_no_error(error);
    g_autofree char *text = g_variant_print(facts, FALSE);
    g_assert_nonnull(strstr(text, "'verified': <true>"));
    g_assert_nonnull(strstr(text, "'crl-state': <'unknown'>"));
    fixture_end(&f);
}

static void
test_diagnose(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) reply =
        call(f.owner, ROOT, MANAGER, "Diagnose", g_variant_new("(a{sv})", NULL), &error);
    g_assert_no_error(error);
    g_autofree char *text = g_variant_print(reply, FALSE);
    g_assert_nonnull(strstr(text, "'error': <'NoReader'>"));
    g_assert_nonnull(strstr(text, "'polkit'>, 'level': <'ok'>"));
    fixture_end(&f);
}

/* --- the agent -------------------------------------------------------------------------------
 */

static void
test_consent(void)
{
    static const struct {
        AgentMood mood;
        const char *answer;
        gboolean granted;
        guint n_items;
    } cases[] = {
        {AGENT_YES, "{}", TRUE, 0},
        {AGENT_YES, "{'items': <[uint32 3, 1]>, 'acting-as': <'parent'>, 'expires': <int64 9>}",
         TRUE, 2},
        {AGENT_NO, "{}", FALSE, 0},
        {AGENT_NO, "{'items': <[uint32 3]>}", FALSE, 0},
        {AGENT_ERROR, "{}", FALSE, 0},
        /* what is not understood is not consent */
        {AGENT_YES, "{'items': <@au []>}", FALSE, 0},
        {AGENT_YES, "{'items': <[3]>}", FALSE, 0},
        {AGENT_YES, "{'everything': <true>}", FALSE, 0},
        {AGENT_YES, "{'acting-as': <'doctor'>}", FALSE, 0},
    };
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {0};
    agent_export(&agent, f.owner);
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        agent.mood = cases[i].mood;
        agent.answer = cases[i].answer;
        session->listener->ask_consent(session, session->user_data);
        while (session->consents <= i)
            iterate();
        g_assert_cmpint(session->granted, ==, cases[i].granted);
        g_assert_cmpuint(session->granted_items->len, ==, cases[i].n_items);
    }
    g_assert_cmpstr(agent.sender, ==, g_dbus_connection_get_unique_name(f.server));
    agent_clear(&agent);
    fixture_end(&f);
}

static void
test_consent_void(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {.mood = AGENT_SILENT};
    agent_export(&agent, f.owner);
    session->listener->ask_consent(session, session->user_data);
    wait_until(&agent.called);
    session->listener->void_questions(session, EHD_VOID_TIMED_OUT, session->user_data);
    while (agent.cancels == 0)
        iterate();
    g_assert_cmpstr(agent.reason, ==, "timed-out");
    /* yes, but too late */
    g_dbus_method_invocation_return_value(g_steal_pointer(&agent.silent),
                                          g_variant_new("(ba{sv})", TRUE, NULL));
    settle(f.owner);
    settle(f.server);
    g_assert_cmpuint(session->consents, ==, 0);
    /* a new question is a new one */
    agent.mood = AGENT_YES;
    session->listener->ask_consent(session, session->user_data);
    while (session->consents == 0)
        iterate();
    g_assert_true(session->granted);
    agent_clear(&agent);
    fixture_end(&f);
}

static void
test_consent_owner_leaves(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {.mood = AGENT_SILENT};
    agent_export(&agent, f.owner);
    session->listener->ask_consent(session, session->user_data);
    wait_until(&agent.called);
    g_clear_object(&agent.silent);
    g_dbus_connection_close_sync(f.owner, NULL, NULL);
    while (session->vanished == 0)
        iterate();
    agent_clear(&agent);
    fixture_end(&f);
}

static void
test_open_item(void)
{
    static const struct {
        AgentMood mood;
        ehp_status why;
    } cases[] = {
        {AGENT_FD, EHP_OK},
        {AGENT_TWO_FDS, EHP_NO_INPUT},
        {AGENT_NO_FD, EHP_NO_INPUT},
        {AGENT_CHANGED, EHP_ITEM_CHANGED},
    };
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {0};
    agent_export(&agent, f.owner);
    guint before = count_fds();
    for (guint i = 0; i < G_N_ELEMENTS(cases); i++) {
        agent.mood = cases[i].mood;
        session->listener->open_item(session, 7 + i, session->user_data);
        while (session->items_given <= i)
            iterate();
        g_assert_cmpuint(session->item_id, ==, 7 + i);
        g_assert_cmpint(session->item_why, ==, cases[i].why);
        g_assert_cmpint(session->item_fd >= 0, ==, cases[i].why == EHP_OK);
    }
    settle(f.owner);
    settle(f.server);
    g_assert_cmpuint(count_fds(), <=, before);
    agent_clear(&agent);
    /* nobody is at that path any more */
    session->listener->open_item(session, 1, session->user_data);
    while (session->items_given <= G_N_ELEMENTS(cases))
        iterate();
    g_assert_cmpint(session->item_why, ==, EHP_NO_AGENT);
    fixture_end(&f);
}

static void
test_items_arrived(void)
{
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    EhdSession *session = open_session(&f);
    Agent agent = {0};
    agent_export(&agent, f.owner);
    session->info.has_transfer = TRUE;
    session->listener->items_arrived(session, session->user_data);
    wait_until(&agent.called);
    g_assert_cmpuint(agent.arrivals, ==, 1);
    agent_clear(&agent);
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
    g_test_add_func("/bus/signals-are-directed", test_signals_are_directed);
    g_test_add_func("/bus/object-manager", test_object_manager);
    g_test_add_func("/bus/session-methods", test_session_methods);
    g_test_add_func("/bus/transfer-methods", test_transfer_methods);
    g_test_add_func("/bus/collect", test_collect);
    g_test_add_func("/bus/reattach", test_reattach);
    g_test_add_func("/bus/list-sessions", test_list_sessions);
    g_test_add_func("/bus/identity", test_identity);
    g_test_add_func("/bus/verify-receipt", test_verify_receipt);
    g_test_add_func("/bus/diagnose", test_diagnose);
    g_test_add_func("/bus/agent/consent", test_consent);
    g_test_add_func("/bus/agent/consent-void", test_consent_void);
    g_test_add_func("/bus/agent/consent-owner-leaves", test_consent_owner_leaves);
    g_test_add_func("/bus/agent/open-item", test_open_item);
    g_test_add_func("/bus/agent/items-arrived", test_items_arrived);
    g_test_add_func("/bus/close-with-calls", test_close_with_calls);
    g_test_add_func("/bus/close-while-opening", test_close_while_opening);
    return g_test_run();
}
