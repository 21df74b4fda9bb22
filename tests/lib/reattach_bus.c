/* SPDX-License-Identifier: Apache-2.0
 *
 * The service is killed, at every point where the library waits for it, and comes back with or
 * without the session.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "fixture.h"

typedef struct {
    EhrlinkClient *client;
    EhrlinkSession *session;
    GAsyncResult *result;
    char *path;
    char *directory;
    guint detached;
    guint reattached;
    guint ended;
    guint asked;
    guint voided;
    guint arrived;
} Fixture;

static void
listen_to(Fixture *f)
{
    g_signal_connect_swapped(f->session, "detached", G_CALLBACK(on_count), &f->detached);
    g_signal_connect_swapped(f->session, "reattached", G_CALLBACK(on_count), &f->reattached);
    g_signal_connect_swapped(f->session, "ended", G_CALLBACK(on_count), &f->ended);
    g_signal_connect_swapped(f->session, "consent-requested", G_CALLBACK(on_count), &f->asked);
    g_signal_connect_swapped(f->session, "consent-cancelled", G_CALLBACK(on_count), &f->voided);
    g_signal_connect_swapped(f->session, "items-arrived", G_CALLBACK(on_count), &f->arrived);
}

static void
set_up(Fixture *f, gconstpointer data)
{
    fixture_reset();
    f->client = fixture_client();
    f->path = fixture_file("record.json", "{}");
    f->directory = g_build_filename(fixture_dir(), "inbox", NULL);
    g_assert_cmpint(g_mkdir(f->directory, 0700), ==, 0);
}

static void
open_receiver(Fixture *f)
{
    f->session = fixture_receive(f->client);
    listen_to(f);
}

static void
open_sender(Fixture *f)
{
    g_autoptr(EhrlinkItem) item = ehrlink_item_new_for_path(f->path);
    g_autoptr(GError) error = NULL;

    f->session = fixture_send(f->client, &item, 1, &error);
    g_assert_no_error(error);
    listen_to(f);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    g_autofree char *stored = g_build_filename(f->directory, "a.json", NULL);

    if (f->session != NULL) {
        g_signal_handlers_disconnect_by_data(f->session, &f->ended);
        fixture_end(f->session);
    }
    g_object_add_weak_pointer(G_OBJECT(f->client), (gpointer *)&f->client);
    g_clear_object(&f->session);
    g_object_unref(f->client);
    while (f->client != NULL)
        g_main_context_iteration(NULL, TRUE);
    g_unlink(stored);
    g_assert_cmpint(g_rmdir(f->directory), ==, 0); /* nothing else in it */
    g_unlink(f->path);
    g_free(f->path);
    g_free(f->directory);
}

static void
kill_service(void)
{
    g_assert_null(fake("Die", NULL));
}

static void
arrive(Fixture *f)
{
    g_autoptr(GVariant) files =
        g_variant_ref_sink(g_variant_new_parsed("[('a.json', [byte 0x6f, 0x6e, 0x65])]"));

    g_variant_unref(fake(
        "Arrive", g_variant_new("(o@a(say))", ehrlink_session_get_path(f->session), files)));
    await_count(&f->arrived, 1);
}

static void
test_idle(Fixture *f, gconstpointer data)
{
    open_receiver(f);
    kill_service();
    await_count(&f->reattached, 1);
    g_assert_cmpuint(f->detached, ==, 1);
    g_assert_true(ehrlink_session_get_attached(f->session));
    g_assert_cmpint(ehrlink_session_get_state(f->session), ==, EHRLINK_SESSION_STATE_READY);
    kill_service();
    await_count(&f->reattached, 2);
    arrive(f); /* signals and agent are heard from the new one */
    g_assert_cmpuint(f->ended, ==, 0);
}

static void
test_sender(Fixture *f, gconstpointer data)
{
    g_autofree char *sum = g_compute_checksum_for_string(G_CHECKSUM_SHA256, "{}", -1);
    g_autofree char *seen = NULL;

    open_sender(f);
    kill_service();
    await_count(&f->reattached, 1);
    seen = fake_text("Open", g_variant_new("(ou)", ehrlink_session_get_path(f->session), 0));
    g_assert_cmpstr(seen, ==, sum);
}

/* The session is unknown afterwards. */
static void
test_lost(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) waited = NULL;
    g_autoptr(GAsyncResult) called = NULL;
    GAsyncResult *second = NULL;
    g_autoptr(GError) error = NULL;

    open_sender(f);
    ehrlink_session_wait_async(f->session, NULL, on_result, &f->result);
    g_variant_unref(fake("Forget", NULL));
    kill_service();
    await_count(&f->detached, 1);
    ehrlink_session_refresh_async(f->session, NULL, on_result, &second); /* parked */
    waited = await(&f->result);
    g_assert_false(ehrlink_session_wait_finish(f->session, waited, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
    g_clear_error(&error);
    called = await(&second);
    g_assert_false(ehrlink_session_refresh_finish(f->session, called, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
    g_assert_cmpuint(f->ended, ==, 1);
    g_assert_cmpuint(f->reattached, ==, 0);
    g_assert_cmpint(ehrlink_session_get_state(f->session), ==, EHRLINK_SESSION_STATE_FAILED);
}

static void
test_question_open(Fixture *f, gconstpointer data)
{
    gpointer question;
    g_autofree char *answer = NULL;

    open_sender(f);
    question = fake_begin(
        "Ask", g_variant_new("(oa{sv})", ehrlink_session_get_path(f->session), NULL));
    await_count(&f->asked, 1);
    kill_service();
    await_count(&f->voided, 1);
    g_assert_false(ehrlink_session_answer_consent(f->session, TRUE, NULL, 0, NULL));
    await_count(&f->reattached, 1);
    fake_end_dead(question);
    question = fake_begin(
        "Ask", g_variant_new("(oa{sv})", ehrlink_session_get_path(f->session), NULL));
    await_count(&f->asked, 2);
    g_assert_true(ehrlink_session_answer_consent(f->session, TRUE, NULL, 0, NULL));
    answer = fake_end_text(question);
    g_assert_cmpstr(answer, ==, "[true, {}]");
}

static void
assert_collected_and_filed(Fixture *f)
{
    g_autoptr(GFile) directory = g_file_new_for_path(f->directory);
    g_autofree char *path = g_build_filename(f->directory, "a.json", NULL);
    g_autofree char *content = NULL;
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GPtrArray) items = NULL;
    g_autoptr(GError) error = NULL;

    ehrlink_session_collect_async(f->session, directory, NULL, on_result, &f->result);
    first = await(&f->result);
    items = ehrlink_session_collect_finish(f->session, first, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(items->len, ==, 1);
    g_assert_true(g_file_get_contents(path, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "one");
    ehrlink_session_file_async(f->session, NULL, on_result, &f->result);
    second = await(&f->result);
    g_assert_true(ehrlink_session_file_finish(f->session, second, &error));
    g_assert_no_error(error);
    g_assert_cmpstr(ehrlink_session_get_status(f->session), ==, "filed");
}

static const struct {
    const char *method;
    gboolean after; /* it did it, and could not say so */
} deaths[] = {
    {"Transfer.ListItems", FALSE},   {"Transfer.ListItems", TRUE},
    {"Transfer.CollectItem", FALSE}, {"Transfer.CollectItem", TRUE},
    {"Transfer.ItemStored", FALSE},  {"Transfer.ItemStored", TRUE},
    {"Session.File", FALSE},         {"Session.File", TRUE},
};

/* Whatever it is killed at: collected once, filed once. */
static void
test_at_each_call(Fixture *f, gconstpointer data)
{
    gsize i = GPOINTER_TO_SIZE(data);

    open_receiver(f);
    arrive(f);
    g_variant_unref(fake("DieOn", g_variant_new("(sb)", deaths[i].method, deaths[i].after)));
    assert_collected_and_filed(f);
    await_count(&f->reattached, 1);
    g_assert_cmpuint(f->detached, ==, 1);
    g_assert_cmpuint(f->arrived, ==, 1); /* not announced twice */
}

static guint
count_visible(Fixture *f)
{
    g_autoptr(GDir) dir = g_dir_open(f->directory, 0, NULL);
    const char *name;
    guint n = 0;

    while ((name = g_dir_read_name(dir)) != NULL)
        n += name[0] != '.';
    return n;
}

/* It is killed just when it is told of an item that was opened before the others came. That the
 * next one finds this too early still does not mean that it was carried out: the item is stored
 * once all the same. */
static void
test_early(Fixture *f, gconstpointer data)
{
    g_autoptr(GVariant) files =
        g_variant_ref_sink(g_variant_new_parsed("[('a.json', [byte 0x6f, 0x6e, 0x65])]"));
    g_autoptr(GFile) directory = g_file_new_for_path(f->directory);
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(EhrlinkItem) item = NULL;
    g_autoptr(GError) error = NULL;
    guint stored = 0;

    open_receiver(f);
    g_signal_connect_swapped(f->session, "item-stored", G_CALLBACK(on_count), &stored);
    g_variant_unref(fake(
        "Store", g_variant_new("(o@a(say))", ehrlink_session_get_path(f->session), files)));
    await_count(&stored, 1);
    g_variant_unref(fake("DieOn", g_variant_new("(sb)", "Transfer.ItemStored", FALSE)));
    ehrlink_session_collect_item_async(f->session, directory, 0, NULL, on_result, &f->result);
    first = await(&f->result);
    item = ehrlink_session_collect_item_finish(f->session, first, &error);
    g_assert_no_error(error);
    g_assert_cmpint(ehrlink_item_get_state(item), ==, EHRLINK_ITEM_STATE_STORED);
    await_count(&f->reattached, 1);
    g_variant_unref(
        fake("State", g_variant_new("(osa{sv})", ehrlink_session_get_path(f->session),
                                    "confirming", NULL)));
    await_count(&f->arrived, 1);
    assert_collected_and_filed(f);
    g_assert_cmpuint(count_visible(f), ==, 1);
}

/* It is killed just when something is to be sent back, or has it and cannot say so: it goes
 * back once. */
static void
test_reply(Fixture *f, gconstpointer data)
{
    g_autoptr(EhrlinkItem) item = ehrlink_item_new_for_path(f->path);
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GError) error = NULL;

    open_receiver(f);
    arrive(f);
    g_variant_unref(fake("DieOn", g_variant_new("(sb)", "Session.Reply", data != NULL)));
    ehrlink_session_reply_async(f->session, &item, 1, NULL, on_result, &f->result);
    first = await(&f->result);
    g_assert_true(ehrlink_session_reply_finish(f->session, first, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(f->reattached, ==, 1);
    /* asked for by the program once more, it is not what was carried out */
    ehrlink_session_reply_async(f->session, &item, 1, NULL, on_result, &f->result);
    second = await(&f->result);
    g_assert_false(ehrlink_session_reply_finish(f->session, second, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
}

/* Another process of the same user takes the session up. */
static void
test_taken_over(Fixture *f, gconstpointer data)
{
    g_autoptr(EhrlinkItem) item = ehrlink_item_new_for_path(f->path);
    g_autoptr(EhrlinkItem) changed = NULL;
    g_autoptr(EhrlinkClient) other = fixture_client();
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(EhrlinkSession) taken = NULL;
    g_autoptr(GError) error = NULL;
    guint ended = 0;

    open_sender(f);
    ehrlink_client_reattach_async(other, ehrlink_session_get_path(f->session), &item, 1, NULL,
                                  on_result, &f->result);
    first = await(&f->result);
    taken = ehrlink_client_reattach_finish(other, first, &error);
    g_assert_no_error(error);
    g_assert_cmpint(ehrlink_session_get_role(taken), ==, EHRLINK_ROLE_PATIENT);
    g_assert_true(ehrlink_session_get_attached(taken));
    changed = ehrlink_item_new_for_path(f->path);
    ehrlink_item_set_title(changed, "something else");
    ehrlink_client_reattach_async(other, ehrlink_session_get_path(f->session), &changed, 1,
                                  NULL, on_result, &f->result);
    second = await(&f->result);
    g_assert_null(ehrlink_client_reattach_finish(other, second, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_ITEM_CHANGED);
    g_signal_connect_swapped(taken, "ended", G_CALLBACK(on_count), &ended);
    g_variant_unref(fake(
        "State", g_variant_new("(osa{sv})", ehrlink_session_get_path(taken), "done", NULL)));
    await_count(&ended, 1);
    /* The first one no longer hears of it: it is let go of by a new service. */
    g_variant_unref(fake("Forget", NULL));
    kill_service();
    await_count(&f->ended, 1);
}

static void
assert_given_up(Fixture *f, const char *file, const char *content)
{
    g_autofree char *broken = g_build_filename(fixture_dir(), "fake", file, NULL);
    g_autoptr(GError) error = NULL;

    open_receiver(f);
    g_assert_true(g_file_set_contents(broken, content, -1, NULL));
    kill_service();
    await_count(&f->ended, 1);
    error = ehrlink_session_dup_error(f->session);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
    g_unlink(broken);
}

/* It does not start any more. */
static void
test_no_restart(Fixture *f, gconstpointer data)
{
    assert_given_up(f, "broken", "");
}

/* It dies of our session, each time. */
static void
test_deadly_session(Fixture *f, gconstpointer data)
{
    assert_given_up(f, "die-on", "Manager.Reattach");
}

/* Sessions that have ended do not bring the service back. */
static void
test_left_alone(Fixture *f, gconstpointer data)
{
    guint changes = 0;

    open_receiver(f);
    g_signal_handlers_disconnect_by_data(f->session, &f->ended);
    fixture_end(f->session);
    g_signal_connect_swapped(f->client, "notify::available", G_CALLBACK(on_count), &changes);
    kill_service();
    await_count(&changes, 1);
    g_assert_cmpuint(f->detached, ==, 0);
    g_assert_false(ehrlink_client_get_available(f->client));
}

/* The bus itself goes away. */
static void
test_bus_gone(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) waited = NULL;
    g_autoptr(GAsyncResult) called = NULL;
    GAsyncResult *second = NULL;
    g_autoptr(GError) error = NULL;

    open_receiver(f);
    ehrlink_session_wait_async(f->session, NULL, on_result, &f->result);
    g_assert_true(
        g_dbus_connection_close_sync(ehrlink_client_get_connection(f->client), NULL, NULL));
    waited = await(&f->result);
    g_assert_false(ehrlink_session_wait_finish(f->session, waited, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
    g_clear_error(&error);
    ehrlink_session_get_receipt_async(f->session, NULL, on_result, &second);
    called = await(&second);
    g_assert_null(ehrlink_session_get_receipt_finish(f->session, called, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
}

static void
assert_not_opened(Fixture *f)
{
    g_autoptr(GAsyncResult) opened = await(&f->result);
    g_autoptr(GError) error = NULL;

    g_assert_null(ehrlink_client_receive_finish(f->client, opened, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
}

/* It goes away when the service has opened the session, and nobody here knows it yet. */
static void
test_bus_gone_opening(Fixture *f, gconstpointer data)
{
    GDBusConnection *connection = ehrlink_client_get_connection(f->client);
    g_autoptr(GVariant) reply = NULL;

    ehrlink_client_receive_async(f->client, NULL, NULL, on_result, &f->result);
    g_variant_unref(fake_blocking("Opened", NULL));
    g_variant_unref(fake_blocking("Seen", NULL)); /* it has replied to us, too */
    /* This reply comes behind that one, which then waits in the main loop. */
    reply = g_dbus_connection_call_sync(
        connection, "org.freedesktop.DBus", "/org/freedesktop/DBus", "org.freedesktop.DBus",
        "GetId", NULL, NULL, G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
    g_assert_nonnull(reply);
    g_assert_true(g_dbus_connection_close_sync(connection, NULL, NULL));
    assert_not_opened(f);
}

/* The service dies of being asked for what it has just opened, and does not start any more. */
static void
test_no_restart_opening(Fixture *f, gconstpointer data)
{
    g_autofree char *broken = g_build_filename(fixture_dir(), "fake", "broken", NULL);

    g_assert_true(g_file_set_contents(broken, "", -1, NULL));
    g_variant_unref(fake("DieOn", g_variant_new("(sb)", "Session.GetDetails", FALSE)));
    ehrlink_client_receive_async(f->client, NULL, NULL, on_result, &f->result);
    assert_not_opened(f);
    g_unlink(broken);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/lib/reattach/idle", test_idle},
        {"/lib/reattach/sender", test_sender},
        {"/lib/reattach/lost", test_lost},
        {"/lib/reattach/question-open", test_question_open},
        {"/lib/reattach/early", test_early},
        {"/lib/reattach/taken-over", test_taken_over},
        {"/lib/reattach/bus-gone", test_bus_gone},
        {"/lib/reattach/bus-gone-opening", test_bus_gone_opening},
        {"/lib/reattach/left-alone", test_left_alone},
    };
    int status;

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    for (gsize i = 0; i < G_N_ELEMENTS(deaths); i++) {
        g_autofree char *path = g_strdup_printf(
            "/lib/reattach/dies-%s/%s", deaths[i].after ? "after" : "at", deaths[i].method);

        g_test_add(path, Fixture, GSIZE_TO_POINTER(i), set_up, test_at_each_call, tear_down);
    }
    g_test_add("/lib/reattach/dies-at/Session.Reply", Fixture, NULL, set_up, test_reply,
               tear_down);
    g_test_add("/lib/reattach/dies-after/Session.Reply", Fixture, "after", set_up, test_reply,
               tear_down);
    /* They wait for all of the growing delays between one start and the next. */
    if (g_test_slow()) {
        g_test_add("/lib/reattach/slow/no-restart", Fixture, NULL, set_up, test_no_restart,
                   tear_down);
        g_test_add("/lib/reattach/slow/deadly-session", Fixture, NULL, set_up,
                   test_deadly_session, tear_down);
        g_test_add("/lib/reattach/slow/no-restart-opening", Fixture, NULL, set_up,
                   test_no_restart_opening, tear_down);
    }
    status = g_test_run();
    fixture_down();
    return status;
}
