/* SPDX-License-Identifier: Apache-2.0
 *
 * A receiver's session: arrival, collecting into a directory, filing.
 */
#include <string.h>

#include <glib/gstdio.h>

#include "fixture.h"

typedef struct {
    EhrlinkClient *client;
    EhrlinkSession *session;
    GAsyncResult *result;
    char *directory;
    GFile *file;
    guint arrived;
    guint stored;
    guint ended;
    guint progress;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    fixture_reset();
    f->client = fixture_client();
    f->session = fixture_receive(f->client);
    f->directory = g_build_filename(fixture_dir(), "inbox", NULL);
    g_assert_cmpint(g_mkdir(f->directory, 0700), ==, 0);
    f->file = g_file_new_for_path(f->directory);
    g_signal_connect_swapped(f->session, "items-arrived", G_CALLBACK(on_count), &f->arrived);
    g_signal_connect_swapped(f->session, "item-stored", G_CALLBACK(on_count), &f->stored);
    g_signal_connect_swapped(f->session, "progress", G_CALLBACK(on_count), &f->progress);
}

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
    fixture_end(f->session);
    g_object_add_weak_pointer(G_OBJECT(f->client), (gpointer *)&f->client);
    g_object_unref(f->session);
    g_object_unref(f->client);
    while (f->client != NULL)
        g_main_context_iteration(NULL, TRUE);
    empty_directory(f);
    g_assert_cmpint(g_rmdir(f->directory), ==, 0);
    g_object_unref(f->file);
    g_free(f->directory);
}

/* name=content pairs, ending with NULL */
static void
arrive(Fixture *f, const char *method, const char *const *files)
{
    g_autoptr(GVariantBuilder) builder = g_variant_builder_new(G_VARIANT_TYPE("a(say)"));

    for (; *files != NULL; files += 2)
        g_variant_builder_add(
            builder, "(s@ay)", files[0],
            g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, files[1], strlen(files[1]), 1));
    g_variant_unref(fake(
        method, g_variant_new("(oa(say))", ehrlink_session_get_path(f->session), builder)));
}

static GPtrArray *
collect(Fixture *f, GError **error)
{
    g_autoptr(GAsyncResult) done = NULL;

    ehrlink_session_collect_async(f->session, f->file, NULL, on_result, &f->result);
    done = await(&f->result);
    return ehrlink_session_collect_finish(f->session, done, error);
}

static void
assert_item(EhrlinkItem *item, Fixture *f, const char *name, const char *content)
{
    g_autofree char *path = g_build_filename(f->directory, name, NULL);
    g_autofree char *found = NULL;

    g_assert_cmpstr(ehrlink_item_get_path(item), ==, path);
    g_assert_cmpint(ehrlink_item_get_state(item), ==, EHRLINK_ITEM_STATE_COLLECTED);
    g_assert_true(g_file_get_contents(path, &found, NULL, NULL));
    g_assert_cmpstr(found, ==, content);
    g_assert_cmpuint(ehrlink_item_get_size(item), ==, strlen(content));
}

static void
test_collected(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"../../a.json", "one",     "a.json", "two", "",
                                        "three",        "b\n.pdf", "",       NULL};
    g_autofree char *mine = g_build_filename(f->directory, "b.pdf", NULL);
    g_autofree char *untouched = NULL;
    g_autoptr(GPtrArray) items = NULL;
    g_autoptr(GPtrArray) none = NULL;
    g_autoptr(GError) error = NULL;

    g_assert_true(g_file_set_contents(mine, "mine", -1, NULL));
    arrive(f, "Arrive", files);
    await_count(&f->arrived, 1);
    g_assert_cmpuint(f->stored, ==, 4);
    g_assert_cmpuint(ehrlink_session_get_n_items(f->session), ==, 4);
    items = collect(f, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(items->len, ==, 4);
    /* Which of the two of one name comes first is open; both are there. */
    if (g_str_has_suffix(ehrlink_item_get_path(items->pdata[0]), "/a.json")) {
        assert_item(items->pdata[0], f, "a.json", "one");
        assert_item(items->pdata[1], f, "a (2).json", "two");
    } else {
        assert_item(items->pdata[0], f, "a (2).json", "one");
        assert_item(items->pdata[1], f, "a.json", "two");
    }
    assert_item(items->pdata[2], f, "item", "three");
    assert_item(items->pdata[3], f, "b (2).pdf", "");
    g_assert_cmpstr(ehrlink_item_get_name(items->pdata[0]), ==, "../../a.json");
    g_assert_cmpstr(ehrlink_item_get_title(items->pdata[0]), ==, "a title");
    g_assert_cmpuint(ehrlink_item_get_id(items->pdata[3]), ==, 3);
    g_assert_true(g_file_get_contents(mine, &untouched, NULL, NULL));
    g_assert_cmpstr(untouched, ==, "mine");
    none = collect(f, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(none->len, ==, 0);
    g_assert_true(ehrlink_session_get_unfiled(f->session));
    g_assert_cmpuint(empty_directory(f), ==, 5); /* no partial one among them */
}

/* How far it is, asked for: before there is anything, and after. */
static void
test_progress_asked(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"a.json", "one", "b.json", "four", NULL};
    g_autoptr(GAsyncResult) early = NULL;
    g_autoptr(GAsyncResult) late = NULL;
    g_autoptr(GError) error = NULL;
    guint64 done = 0, total = 0;
    guint items = 0;

    ehrlink_session_get_progress_async(f->session, NULL, on_result, &f->result);
    early = await(&f->result);
    g_assert_false(
        ehrlink_session_get_progress_finish(f->session, early, &done, NULL, NULL, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
    g_clear_error(&error);
    arrive(f, "Store", files);
    await_count(&f->stored, 2);
    ehrlink_session_get_progress_async(f->session, NULL, on_result, &f->result);
    late = await(&f->result);
    g_assert_true(
        ehrlink_session_get_progress_finish(f->session, late, &done, &total, &items, &error));
    g_assert_no_error(error);
    g_assert_cmpuint(done, ==, 7);
    g_assert_cmpuint(total, ==, 14);
    g_assert_cmpuint(items, ==, 2);
}

static void
test_many(Fixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) files = g_ptr_array_new();
    g_autoptr(GPtrArray) items = NULL;
    g_autoptr(GAsyncResult) listed = NULL;
    g_autoptr(GPtrArray) list = NULL;
    g_autoptr(GError) error = NULL;

    for (guint i = 0; i < 250; i++) {
        g_ptr_array_add(files, (gpointer) "same.json");
        g_ptr_array_add(files, (gpointer) "content");
    }
    g_ptr_array_add(files, NULL);
    arrive(f, "Arrive", (const char *const *)files->pdata);
    ehrlink_session_list_items_async(f->session, NULL, on_result, &f->result);
    listed = await(&f->result);
    list = ehrlink_session_list_items_finish(f->session, listed, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(list->len, ==, 250);
    g_assert_cmpint(ehrlink_item_get_state(list->pdata[249]), ==, EHRLINK_ITEM_STATE_STORED);
    items = collect(f, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(items->len, ==, 250);
    g_assert_cmpuint(empty_directory(f), ==, 250);
}

/* One by one, while others still come. */
static void
test_single(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"a.json", "one", "b.json", "two", NULL};
    static const char *const none[] = {NULL};
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GPtrArray) rest = NULL;
    g_autoptr(EhrlinkItem) item = NULL;
    g_autoptr(GError) error = NULL;

    arrive(f, "Store", files);
    await_count(&f->stored, 2);
    g_assert_cmpuint(f->arrived, ==, 0);
    ehrlink_session_collect_item_async(f->session, f->file, 1, NULL, on_result, &f->result);
    first = await(&f->result);
    item = ehrlink_session_collect_item_finish(f->session, first, &error);
    g_assert_no_error(error);
    /* the service keeps its copy until everything is there */
    g_assert_cmpint(ehrlink_item_get_state(item), ==, EHRLINK_ITEM_STATE_STORED);
    ehrlink_session_collect_item_async(f->session, f->file, 2, NULL, on_result, &f->result);
    second = await(&f->result);
    g_assert_null(ehrlink_session_collect_item_finish(f->session, second, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NOT_FOUND);
    g_clear_error(&error);
    arrive(f, "Arrive", none);
    rest = collect(f, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(rest->len, ==, 2);
    assert_item(rest->pdata[0], f, "a.json", "one");
    assert_item(rest->pdata[1], f, "b.json", "two");
}

static void
test_progress(Fixture *f, gconstpointer data)
{
    g_variant_unref(
        fake("Progress", g_variant_new("(ott)", ehrlink_session_get_path(f->session),
                                       (guint64)5, (guint64)10)));
    await_count(&f->progress, 1);
    g_assert_cmpuint(ehrlink_session_get_n_done(f->session), ==, 5);
}

static void
test_cannot_store(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"a.json", "one", NULL};
    g_autofree char *nowhere = g_build_filename(f->directory, "missing", NULL);
    g_autoptr(GFile) missing = g_file_new_for_path(nowhere);
    g_autoptr(GFile) proc = g_file_new_for_path("/proc");
    g_autoptr(GFile) remote = g_file_new_for_uri("https://example.org/");
    GFile *const places[] = {missing, proc, remote};
    g_autoptr(GPtrArray) items = NULL;
    g_autoptr(GError) error = NULL;

    arrive(f, "Arrive", files);
    for (gsize i = 0; i < G_N_ELEMENTS(places); i++) {
        g_autoptr(GAsyncResult) done = NULL;

        ehrlink_session_collect_async(f->session, places[i], NULL, on_result, &f->result);
        done = await(&f->result);
        g_assert_null(ehrlink_session_collect_finish(f->session, done, &error));
        g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
        g_clear_error(&error);
    }
    g_assert_false(fake_saw("ItemStored"));
    items = collect(f, &error); /* and nothing is lost */
    g_assert_no_error(error);
    g_assert_cmpuint(items->len, ==, 1);
}

/* What the service hands out is not what it said: it stays in the spool. */
static void
test_truncated(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"a.json", "one", "b.json", "two", NULL};
    g_autoptr(GPtrArray) items = NULL;
    g_autoptr(GError) error = NULL;

    arrive(f, "Arrive", files);
    g_variant_unref(
        fake("Truncate", g_variant_new("(ou)", ehrlink_session_get_path(f->session), 0)));
    items = collect(f, &error);
    g_assert_null(items);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_assert_false(fake_saw("[\"ItemStored\", 0]"));
    g_assert_cmpuint(empty_directory(f), <=, 1);
}

/* The copy is there, and the service could not be told: the next try tells it, and copies
 * nothing. */
static void
test_told_later(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"a.json", "one", NULL};
    g_autoptr(GPtrArray) items = NULL;
    g_autoptr(GError) error = NULL;

    arrive(f, "Arrive", files);
    g_variant_unref(
        fake("FailOn", g_variant_new("(ss)", "Transfer.ItemStored", "StoreFailed")));
    g_assert_null(collect(f, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_clear_error(&error);
    items = collect(f, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(items->len, ==, 1);
    assert_item(items->pdata[0], f, "a.json", "one");
    g_assert_cmpuint(empty_directory(f), ==, 1);
}

static void
test_collect_cancelled(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"a.json", "one", "b.json", "two", NULL};
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    arrive(f, "Arrive", files);
    ehrlink_session_collect_async(f->session, f->file, cancellable, on_result, &f->result);
    g_cancellable_cancel(cancellable);
    done = await(&f->result);
    g_assert_null(ehrlink_session_collect_finish(f->session, done, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpuint(empty_directory(f), ==, 0);
}

static void
test_filed(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"a.json", "one", NULL};
    g_autoptr(GAsyncResult) first = NULL;
    g_autoptr(GAsyncResult) second = NULL;
    g_autoptr(GAsyncResult) third = NULL;
    g_autoptr(GPtrArray) items = NULL;
    g_autoptr(GError) error = NULL;

    arrive(f, "Arrive", files);
    ehrlink_session_file_async(f->session, NULL, on_result, &f->result);
    first = await(&f->result);
    g_assert_false(ehrlink_session_file_finish(f->session, first, &error)); /* not collected */
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_WRONG_STATE);
    g_clear_error(&error);
    items = collect(f, &error);
    g_assert_no_error(error);
    ehrlink_session_file_async(f->session, NULL, on_result, &f->result);
    second = await(&f->result);
    g_assert_true(ehrlink_session_file_finish(f->session, second, &error));
    ehrlink_session_wait_async(f->session, NULL, on_result, &f->result);
    third = await(&f->result);
    g_assert_true(ehrlink_session_wait_finish(f->session, third, &error));
    g_assert_cmpstr(ehrlink_session_get_status(f->session), ==, "filed");
}

static void
test_discarded(Fixture *f, gconstpointer data)
{
    static const char *const files[] = {"a.json", "one", NULL};
    g_autoptr(GAsyncResult) done = NULL;
    g_autoptr(GError) error = NULL;

    g_signal_connect_swapped(f->session, "ended", G_CALLBACK(on_count), &f->ended);
    arrive(f, "Arrive", files);
    ehrlink_session_discard_async(f->session, "wrong-person", NULL, on_result, &f->result);
    done = await(&f->result);
    g_assert_true(ehrlink_session_discard_finish(f->session, done, &error));
    await_count(&f->ended, 1);
    g_assert_cmpstr(ehrlink_session_get_status(f->session), ==, "rejected");
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/lib/receiver/collected", test_collected},
        {"/lib/receiver/progress-asked", test_progress_asked},
        {"/lib/receiver/many", test_many},
        {"/lib/receiver/single", test_single},
        {"/lib/receiver/progress", test_progress},
        {"/lib/receiver/cannot-store", test_cannot_store},
        {"/lib/receiver/truncated", test_truncated},
        {"/lib/receiver/told-later", test_told_later},
        {"/lib/receiver/collect-cancelled", test_collect_cancelled},
        {"/lib/receiver/filed", test_filed},
        {"/lib/receiver/discarded", test_discarded},
    };
    int status;

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    status = g_test_run();
    fixture_down();
    return status;
}
