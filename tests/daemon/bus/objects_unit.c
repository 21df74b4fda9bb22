/* SPDX-License-Identifier: Apache-2.0
 *
 * The objects on the bus as applications see them: who sees what, and every method. Over a core
 * that does as it is told.
 */
#include "tests/daemon/bus/adapters.h"

#include <string.h>
#include <unistd.h>

#include <gio/gunixfdlist.h>

/* --- who sees what ---------------------------------------------------------------------------
 */

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
    session->listener->progress(session, EHD_TO_TERMINAL, session->user_data);
    session->listener->item_changed(session, EHD_TO_TERMINAL, 1, EHD_ITEM_STORED,
                                    session->user_data);
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
    g_assert_null(session_call(&f, session, "GetOrigin", g_variant_new("(ua{sv})", 0, NULL),
                               "WrongState"));
    g_assert_null(session_call(&f, session, "GetOrigin",
                               g_variant_new_parsed("(@u 1, {'x': <1>})"), "InvalidArgument"));
    g_autoptr(GVariant) origin =
        session_call(&f, session, "GetOrigin", g_variant_new("(ua{sv})", 1, NULL), "");
    g_assert_cmpuint(g_variant_get_size(origin), ==, 5);
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
    gboolean owned = FALSE;
    g_assert_true(g_variant_lookup(dict, "owned", "b", &owned) && owned);
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
test_verify_origin(void)
{
    static const gsize bad[] = {0, 3, EHP_PROOF_MAX + 1};
    g_autofree guint8 *bytes = g_malloc0(EHP_PROOF_MAX + 1);
    Fixture f;
    if (!fixture_start(&f, TRUE))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_autoptr(GError) error = NULL;
        GVariant *proof = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, bad[i], 1);
        g_assert_null(call(f.owner, ROOT, MANAGER, "VerifyOrigin",
                           g_variant_new("(@aya{sv})", proof, NULL), &error));
        g_assert_cmpstr(error_name(error), ==, "OriginInvalid");
    }
    for (int revoked = 0; revoked < 2; revoked++) {
        g_autoptr(GError) error = NULL;
        g_auto(GVariantDict) options = G_VARIANT_DICT_INIT(NULL);
        GVariant *proof = g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, 40, 1);
        if (revoked)
            g_variant_dict_insert_value(
                &options, "crl", g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, bytes, 9, 1));
        g_autoptr(GVariant) facts =
            call(f.owner, ROOT, MANAGER, "VerifyOrigin",
                 g_variant_new("(@ay@a{sv})", proof, g_variant_dict_end(&options)), &error);
        g_assert_no_error(error);
        g_autofree char *text = g_variant_print(facts, FALSE);
        g_assert_nonnull(strstr(text, "'verified': <true>"));
        g_assert_nonnull(strstr(text, "'display': <'Dr Muster'>"));
        g_assert_true((strstr(text, "'since': <'CertRevoked'>") != NULL) == (revoked == 1));
    }
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
    /* whole, and in parts for who translates it; an argument is not looked into */
    g_assert_nonnull(strstr(text, "'text': <'{1} of 3 readers, {3} (none: at all)'>, "
                                  "'words': <'{2} of {1} readers, {3}'>, "
                                  "'detail': <'none: at all'>, 'arguments': <['3', '{1}']>"));
    g_assert_nonnull(strstr(text, "'text': <'polkit answers'>, 'words': <'polkit answers'>}"));
    fixture_end(&f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/bus/signals-are-directed", test_signals_are_directed);
    g_test_add_func("/bus/object-manager", test_object_manager);
    g_test_add_func("/bus/session-methods", test_session_methods);
    g_test_add_func("/bus/transfer-methods", test_transfer_methods);
    g_test_add_func("/bus/collect", test_collect);
    g_test_add_func("/bus/reattach", test_reattach);
    g_test_add_func("/bus/list-sessions", test_list_sessions);
    g_test_add_func("/bus/identity", test_identity);
    g_test_add_func("/bus/verify-receipt", test_verify_receipt);
    g_test_add_func("/bus/verify-origin", test_verify_origin);
    g_test_add_func("/bus/diagnose", test_diagnose);
    return g_test_run();
}
