/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrlink_receive_to(): from a thread while the main loop runs here, from the main thread while
 * nothing may run here; every way in which it fails leaves neither a file nor a session.
 */
#include <string.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "fixture.h"

typedef struct {
    char *directory;
    GFile *file;
    GCancellable *cancellable;
    GVariant *options; /* floating until the call takes it */

    GThread *thread;
    guint done;
    GPtrArray *items;
    GError *error;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    fixture_reset();
    f->directory = g_build_filename(fixture_dir(), "inbox", NULL);
    g_assert_cmpint(g_mkdir(f->directory, 0700), ==, 0);
    f->file = g_file_new_for_path(f->directory);
    f->cancellable = g_cancellable_new();
}

/* How many, the hidden ones too. */
static guint
empty_directory(Fixture *f)
{
    GDir *dir = g_dir_open(f->directory, 0, NULL);
    const char *name;
    guint n = 0;

    while ((name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *path = g_build_filename(f->directory, name, NULL);

        g_unlink(path);
        n++;
    }
    g_dir_close(dir);
    return n;
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    empty_directory(f);
    g_assert_cmpint(g_rmdir(f->directory), ==, 0);
    g_clear_pointer(&f->items, g_ptr_array_unref);
    g_clear_error(&f->error);
    g_object_unref(f->cancellable);
    g_object_unref(f->file);
    g_free(f->directory);
}

/* --- the call in a thread, the main loop here ------------------------------------------------
 */

static gboolean
on_idle(gpointer counter)
{
    on_count(counter);
    return G_SOURCE_REMOVE;
}

static gpointer
call(gpointer user_data)
{
    Fixture *f = user_data;

    f->items = ehrlink_receive_to(f->file, f->options, f->cancellable, &f->error);
    g_idle_add(on_idle, &f->done);
    return NULL;
}

static void
begin(Fixture *f)
{
    f->thread = g_thread_new("receiver", call, f);
}

static void
end(Fixture *f)
{
    await_count(&f->done, 1);
    g_thread_join(f->thread);
    g_assert_true((f->items == NULL) == (f->error != NULL));
}

/* Begins, and waits until the service has opened it. (transfer full) its path */
static char *
open_it(Fixture *f)
{
    g_autoptr(GVariant) opened = NULL;
    char *path;

    begin(f);
    opened = fake_blocking("Opened", NULL);
    g_variant_get(opened, "(o)", &path);
    return path;
}

static GVariant *
arrival(const char *path)
{
    static const char *const files[] = {"../a.json", "one", "a.json", "two"};
    g_autoptr(GVariantBuilder) builder = g_variant_builder_new(G_VARIANT_TYPE("a(say)"));

    for (gsize i = 0; i < G_N_ELEMENTS(files); i += 2)
        g_variant_builder_add(builder, "(s@ay)", files[i],
                              g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, files[i + 1],
                                                        strlen(files[i + 1]), 1));
    return g_variant_new("(oa(say))", path, builder);
}

static void
fail_on(const char *method, const char *error)
{
    g_variant_unref(fake("FailOn", g_variant_new("(ss)", method, error)));
}

/* What there is of it when it went wrong: nothing. */
static void
assert_undone(Fixture *f)
{
    g_assert_null(f->items);
    g_assert_cmpuint(empty_directory(f), ==, 0);
    g_assert_true(fake_saw("\"Cancel\""));
}

static void
assert_received(Fixture *f)
{
    g_assert_no_error(f->error);
    g_assert_cmpuint(f->items->len, ==, 2);
    for (guint i = 0; i < f->items->len; i++) {
        EhrlinkItem *item = f->items->pdata[i];
        g_autofree char *parent = g_path_get_dirname(ehrlink_item_get_path(item));
        g_autofree char *content = NULL;

        g_assert_cmpuint(ehrlink_item_get_id(item), ==, i);
        g_assert_cmpstr(parent, ==, f->directory);
        g_assert_true(g_file_get_contents(ehrlink_item_get_path(item), &content, NULL, NULL));
        g_assert_cmpstr(content, ==, i == 0 ? "one" : "two");
    }
    g_assert_cmpuint(empty_directory(f), ==, 2);
    g_assert_true(fake_saw("[\"File\""));
    g_assert_false(fake_saw("\"Cancel\""));
}

static void
test_received(Fixture *f, gconstpointer data)
{
    g_autofree char *path = NULL;

    f->options = vardict("{'purpose': <'TREAT'>}");
    path = open_it(f);
    g_variant_unref(fake("Arrive", arrival(path)));
    end(f);
    assert_received(f);
    g_assert_true(fake_saw("[\"Receive\", [\"agent\", \"purpose\"]]"));
}

/* The service dies of being told to file, and knows of it when it is back. */
static void
test_service_dies(Fixture *f, gconstpointer data)
{
    g_autofree char *path = open_it(f);

    g_variant_unref(fake("DieOn", g_variant_new("(sb)", "Session.File", TRUE)));
    g_variant_unref(fake("Arrive", arrival(path)));
    end(f);
    g_assert_no_error(f->error);
    g_assert_cmpuint(f->items->len, ==, 2);
    g_assert_cmpuint(empty_directory(f), ==, 2);
    g_assert_true(fake_saw("Reattach"));
}

/* The same, and it does not come back: nobody can say whether they were filed. */
static void
test_filing_unknown(Fixture *f, gconstpointer data)
{
    g_autofree char *broken = g_build_filename(fixture_dir(), "fake", "broken", NULL);
    g_autofree char *path = open_it(f);

    g_variant_unref(fake("DieOn", g_variant_new("(sb)", "Session.File", TRUE)));
    g_assert_true(g_file_set_contents(broken, "", 0, NULL));
    g_variant_unref(fake("Arrive", arrival(path)));
    end(f);
    g_unlink(broken);
    g_assert_error(f->error, EHRLINK_ERROR, EHRLINK_ERROR_DAEMON_UNAVAILABLE);
    g_assert_cmpuint(empty_directory(f), ==, 2);
}

/* --- the call here, and nothing else ---------------------------------------------------------
 */

static gpointer
patient(gpointer user_data)
{
    g_autoptr(GVariant) opened = fake_blocking("Opened", NULL);
    const char *path;

    g_variant_get(opened, "(&o)", &path);
    g_variant_unref(fake_blocking("Arrive", arrival(path)));
    return NULL;
}

static void
test_main_thread(Fixture *f, gconstpointer data)
{
    GThread *other = g_thread_new("patient", patient, NULL);
    guint dispatched = 0;

    g_idle_add_full(G_PRIORITY_HIGH, on_idle, &dispatched, NULL);
    f->items = ehrlink_receive_to(f->file, NULL, NULL, &f->error);
    g_assert_cmpuint(dispatched, ==, 0);
    g_assert_null(g_main_context_get_thread_default());
    g_thread_join(other);
    await_count(&dispatched, 1);
    assert_received(f);
}

/* --- what goes wrong -------------------------------------------------------------------------
 */

static void
test_refused(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *options;
        EhrlinkError code;
        const char *seen; /* of the call to the service, or NULL: there is none */
    } rows[] = {
        {"{'list': <true>}", EHRLINK_ERROR_INVALID_ARGUMENT, NULL},
        {"{'agent': <'mine'>}", EHRLINK_ERROR_INVALID_ARGUMENT, NULL},
        {"{'nonsense': <1>}", EHRLINK_ERROR_INVALID_ARGUMENT, "Receive"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        fixture_reset();
        f->done = 0;
        f->options = vardict(rows[i].options);
        begin(f);
        end(f);
        g_assert_error(f->error, EHRLINK_ERROR, (int)rows[i].code);
        g_clear_error(&f->error);
        g_assert_cmpint(fake_saw("Receive"), ==, rows[i].seen != NULL);
    }
}

/* The error's name, and that a call which failed has let go of the bus and of all else. */
static void
test_no_reader(Fixture *f, gconstpointer data)
{
    guint before = 0;

    for (guint i = 0; i < 10; i++) {
        f->done = 0;
        fail_on("Manager.Receive", "NoReader");
        begin(f);
        end(f);
        g_assert_error(f->error, EHRLINK_ERROR, EHRLINK_ERROR_NO_READER);
        g_clear_error(&f->error);
        if (i == 0)
            before = fixture_descriptors();
    }
    fixture_await_descriptors(before);
    g_assert_false(fake_saw("\"Cancel\""));
}

static void
end_session(const char *path, const char *state, const char *details)
{
    g_variant_unref(fake("State", g_variant_new("(os@a{sv})", path, state, vardict(details))));
}

static void
test_declined(Fixture *f, gconstpointer data)
{
    g_autofree char *path = open_it(f);

    end_session(path, "failed", "{'error': <'Declined'>}");
    end(f);
    g_assert_error(f->error, EHRLINK_ERROR, EHRLINK_ERROR_DECLINED);
    g_assert_cmpuint(empty_directory(f), ==, 0);
    g_assert_false(fake_saw("\"Cancel\"")); /* it had ended */
}

/* Somebody else discards it: that is not a success without items. */
static void
test_nothing_came(Fixture *f, gconstpointer data)
{
    g_autofree char *path = open_it(f);

    end_session(path, "done", "{'status': <'discarded'>}");
    end(f);
    g_assert_error(f->error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
}

/* Found out before anybody could have tapped. */
static void
assert_cannot_store(Fixture *f, const char *uri)
{
    g_autoptr(GFile) inbox = g_steal_pointer(&f->file);

    fixture_reset();
    f->done = 0;
    f->file = g_file_new_for_commandline_arg(uri);
    begin(f);
    end(f);
    g_assert_error(f->error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_clear_error(&f->error);
    g_object_unref(f->file);
    f->file = g_steal_pointer(&inbox);
    assert_undone(f);
}

static void
test_bad_directory(Fixture *f, gconstpointer data)
{
    g_autofree char *missing = g_build_filename(f->directory, "missing", NULL);
    g_autofree char *plain = fixture_file("plain", "");

    assert_cannot_store(f, missing);
    assert_cannot_store(f, plain);
    assert_cannot_store(f, "https://example.org/");
    if (geteuid() == 0)
        return; /* to whom no directory is closed */
    g_assert_cmpint(g_chmod(f->directory, 0500), ==, 0);
    assert_cannot_store(f, f->directory);
    g_assert_cmpint(g_chmod(f->directory, 0700), ==, 0);
}

/* One of two is stored, the other cannot be told: neither stays. */
static void
test_not_all(Fixture *f, gconstpointer data)
{
    g_autofree char *path = open_it(f);

    fail_on("Transfer.ItemStored", "StoreFailed");
    g_variant_unref(fake("Arrive", arrival(path)));
    end(f);
    g_assert_error(f->error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    assert_undone(f);
}

static void
test_not_filed(Fixture *f, gconstpointer data)
{
    g_autofree char *path = open_it(f);

    fail_on("Session.File", "StoreFailed");
    g_variant_unref(fake("Arrive", arrival(path)));
    end(f);
    g_assert_error(f->error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    assert_undone(f);
}

/* Somebody else files them while they are collected: then they are the only ones there are. */
static void
test_filed_elsewhere(Fixture *f, gconstpointer data)
{
    g_autofree char *path = open_it(f);

    g_variant_unref(fake("HangOn", g_variant_new("(s)", "Transfer.ItemStored")));
    g_variant_unref(fake("Arrive", arrival(path)));
    while (!fake_saw("Hangs"))
        continue;
    end_session(path, "done", "{'status': <'filed'>}");
    g_cancellable_cancel(f->cancellable);
    end(f);
    g_assert_error(f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpuint(empty_directory(f), >, 0);
}

/* --- cancelled from another thread -----------------------------------------------------------
 */

static void
test_cancelled(Fixture *f, gconstpointer data)
{
    g_autofree char *path = open_it(f);

    g_cancellable_cancel(f->cancellable);
    end(f);
    g_assert_error(f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    assert_undone(f);
}

static void
test_cancelled_before(Fixture *f, gconstpointer data)
{
    g_cancellable_cancel(f->cancellable);
    begin(f);
    end(f);
    g_assert_error(f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_false(fake_saw("Receive"));
}

/* While a person is to type a password, say: that holds nothing up, nor open. */
static void
test_cancelled_while_opening(Fixture *f, gconstpointer data)
{
    guint before = fixture_descriptors();

    g_variant_unref(fake("HangOn", g_variant_new("(s)", "Manager.Receive")));
    begin(f);
    while (!fake_saw("Hangs"))
        continue;
    g_cancellable_cancel(f->cancellable);
    end(f);
    g_assert_error(f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    fixture_await_descriptors(before);
}

static gpointer
cancel(gpointer cancellable)
{
    g_cancellable_cancel(cancellable);
    return NULL;
}

/* At whatever moment: either all of it is there and filed, or nothing is. */
static void
test_cancelled_under_way(Fixture *f, gconstpointer data)
{
    for (guint i = 0; i < 20; i++) {
        g_autofree char *path = NULL;
        GThread *canceller;

        fixture_reset();
        f->done = 0;
        g_cancellable_reset(f->cancellable);
        path = open_it(f);
        g_variant_unref(fake("Arrive", arrival(path)));
        canceller = g_thread_new("canceller", cancel, f->cancellable);
        end(f);
        g_thread_join(canceller);
        if (f->items != NULL) {
            assert_received(f);
        } else {
            g_assert_error(f->error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
            assert_undone(f);
            g_assert_false(fake_saw("[\"File\""));
        }
        g_clear_pointer(&f->items, g_ptr_array_unref);
        g_clear_error(&f->error);
    }
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/lib/receive-to/received", test_received},
        {"/lib/receive-to/service-dies", test_service_dies},
        {"/lib/receive-to/main-thread", test_main_thread},
        {"/lib/receive-to/refused", test_refused},
        {"/lib/receive-to/no-reader", test_no_reader},
        {"/lib/receive-to/declined", test_declined},
        {"/lib/receive-to/nothing-came", test_nothing_came},
        {"/lib/receive-to/bad-directory", test_bad_directory},
        {"/lib/receive-to/not-all", test_not_all},
        {"/lib/receive-to/not-filed", test_not_filed},
        {"/lib/receive-to/filed-elsewhere", test_filed_elsewhere},
        {"/lib/receive-to/cancelled", test_cancelled},
        {"/lib/receive-to/cancelled-before", test_cancelled_before},
        {"/lib/receive-to/cancelled-while-opening", test_cancelled_while_opening},
        {"/lib/receive-to/cancelled-under-way", test_cancelled_under_way},
    };
    int status;

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    /* Waits for all of the growing delays between one start and the next. */
    if (g_test_slow())
        g_test_add("/lib/receive-to/slow/filing-unknown", Fixture, NULL, set_up,
                   test_filing_unknown, tear_down);
    status = g_test_run();
    fixture_down();
    return status;
}
