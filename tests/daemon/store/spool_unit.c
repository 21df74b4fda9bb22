/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool: whole items or none. What the medium does to it: spool_faults_unit.c.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"
#include "tests/daemon/store/spool-fixture.h"

static void
test_item(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolItem) item = spool_begin(f, 7, 11);
    g_assert_true(spool_has_file(f, "7.partial"));
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 11);
    g_assert_true(ehd_spool_item_append(item, 0, "hello ", 6, &error));
    g_assert_cmpint(ehd_spool_item_durable(item), ==, 0);
    g_assert_true(ehd_spool_item_sync(item, &error));
    g_assert_cmpint(ehd_spool_item_durable(item), ==, 6);
    g_assert_false(ehd_spool_item_finish(item, &error)); /* not complete */
    scratch_expect(&error, EHP_WRONG_STATE);
    g_assert_cmpint(ehd_spool_item_open(f->session, 7, NULL, &error), ==, -1);
    scratch_expect(&error, EHP_NOT_FOUND);
    g_assert_true(ehd_spool_item_append(item, 6, "world", 5, &error));
    g_assert_true(ehd_spool_item_finish(item, &error));
    g_assert_no_error(error);
    g_assert_false(spool_has_file(f, "7.partial"));
    spool_expect_item(f, 7, "hello world");
    g_assert_null(ehd_spool_item_begin(f->session, 7, 1, 0, &error)); /* never overwritten */
    scratch_expect(&error, EHP_WRONG_STATE);
    g_assert_true(ehd_spool_item_discard(f->session, 7, &error));
    g_assert_true(ehd_spool_item_discard(f->session, 7, &error));
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 0);
}

static void
test_empty_item(SpoolFixture *f, gconstpointer data)
{
    spool_add(f, 0, "");
    spool_expect_item(f, 0, "");
}

static void
test_bad_appends(SpoolFixture *f, gconstpointer data)
{
    static const struct {
        guint64 offset;
        gsize length;
    } bad[] = {{0, 1}, {1, 1}, {3, 1}, {2, 9}, {G_MAXUINT64, 1}, {2, G_MAXSIZE}};
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolItem) item = spool_begin(f, 1, 10);
    g_assert_true(ehd_spool_item_append(item, 0, "ab", 2, &error));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(ehd_spool_item_append(item, bad[i].offset, "x", bad[i].length, &error));
        scratch_expect(&error, EHP_INVALID_ARGUMENT);
    }
    g_assert_null(ehd_spool_item_begin(f->session, 2, 10, 11, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
    g_assert_null(ehd_spool_item_begin(f->session, 2, G_MAXUINT64, 0, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
}

static void
test_sessions(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    static const char *const bad[] = {"", "..", "a/b", "s 1"};
    g_assert_null(ehd_spool_session_new(f->spool, "s1", "x", 1, &error));
    scratch_expect(&error, EHP_WRONG_STATE);
    g_assert_null(ehd_spool_session_open(f->spool, "s2", &error));
    scratch_expect(&error, EHP_NOT_FOUND);
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(ehd_spool_session_new(f->spool, bad[i], "x", 1, &error));
        scratch_expect(&error, EHP_INVALID_ARGUMENT);
        g_assert_null(ehd_spool_session_open(f->spool, bad[i], &error));
        scratch_expect(&error, EHP_INVALID_ARGUMENT);
    }
    g_assert_true(ehd_spool_session_set_meta(f->session, "other", 5, &error));
    spool_add(f, 0, "content");
    spool_reopen(f);
    g_autoptr(GBytes) meta = ehd_spool_session_get_meta(f->session, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(meta, NULL), g_bytes_get_size(meta), "other", 5);
    g_auto(GStrv) ids = ehd_spool_list(f->spool, &error);
    g_assert_cmpint(g_strv_length(ids), ==, 1);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 7);
    g_assert_true(ehd_spool_session_discard(f->session, &error));
    g_assert_no_error(error);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 0);
    g_auto(GStrv) none = ehd_spool_list(f->spool, &error);
    g_assert_cmpint(g_strv_length(none), ==, 0);
}

static void
test_resume(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdSpoolItem *item = spool_begin(f, 3, 10);
    g_assert_true(ehd_spool_item_append(item, 0, "01234", 5, &error));
    g_assert_true(ehd_spool_item_sync(item, &error));
    g_assert_true(ehd_spool_item_append(item, 5, "xx", 2, &error));
    ehd_spool_item_free(item);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 7);
    spool_reopen(f);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 7);
    g_assert_null(ehd_spool_item_begin(f->session, 3, 10, 8, &error)); /* more than there is */
    scratch_expect(&error, EHP_STATE_DAMAGED);
    item = ehd_spool_item_begin(f->session, 3, 10, 5, &error);
    g_assert_no_error(error);
    g_assert_cmpint(ehd_spool_item_durable(item), ==, 5);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 10);
    g_assert_true(ehd_spool_item_append(item, 5, "56789", 5, &error));
    g_assert_true(ehd_spool_item_finish(item, &error));
    ehd_spool_item_free(item);
    spool_expect_item(f, 3, "0123456789");
    item = spool_begin(f, 4, 3);
    g_assert_true(ehd_spool_item_append(item, 0, "abc", 3, &error));
    ehd_spool_item_free(item);
    item = spool_begin(f, 4, 2); /* from the start again */
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 12);
    ehd_spool_item_free(item);
}

static void
test_orphans(SpoolFixture *f, gconstpointer data)
{
    spool_add(f, 0, "content");
    g_autofree char *spool = g_build_filename(f->directory, "spool", NULL);
    g_autofree char *orphan = g_build_filename(spool, "orphan", NULL);
    g_assert_cmpint(mkdir(orphan, 0700), ==, 0);
    scratch_put(orphan, "0", "lost", 4);
    scratch_put(orphan, "1.partial", "lost", 4);
    scratch_put(orphan, "meta.tmp", "lost", 4);
    g_autofree char *mine = g_build_filename(spool, "s1", NULL);
    scratch_put(mine, "meta.tmp", "torn", 4);
    scratch_put(mine, "5.partial", "kept", 4); /* to be taken up again */
    spool_reopen(f);
    g_assert_false(g_file_test(orphan, G_FILE_TEST_EXISTS));
    g_assert_false(spool_has_file(f, "meta.tmp"));
    g_assert_true(spool_has_file(f, "5.partial"));
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 11);
    spool_expect_item(f, 0, "content");
}

static void
test_damaged_meta(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *mine = g_build_filename(f->directory, "spool", "s1", NULL);
    scratch_put(mine, "meta", "junk", 4);
    g_assert_null(ehd_spool_session_get_meta(f->session, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
    /* Another session's meta does not fit either. */
    g_autoptr(EhdSpoolSession) other =
        ehd_spool_session_new(f->spool, "s2", "meta2", 5, &error);
    g_autofree char *theirs = g_build_filename(f->directory, "spool", "s2", NULL);
    gsize length = 0;
    g_autofree char *meta = scratch_get(theirs, "meta", &length);
    scratch_put(mine, "meta", meta, (gssize)length);
    g_assert_null(ehd_spool_session_get_meta(f->session, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
    /* It can be discarded all the same. */
    g_assert_true(ehd_spool_session_discard(f->session, &error));
}

static void
test_quota(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdSpoolItem *big = spool_begin(f, 0, QUOTA - 10);
    g_assert_null(ehd_spool_item_begin(f->session, 1, 11, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
    g_assert_false(spool_has_file(f, "1.partial"));
    EhdSpoolItem *rest = spool_begin(f, 1, 10);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, QUOTA);
    ehd_spool_item_free(big); /* nothing was written of it */
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 10);
    ehd_spool_item_free(rest);
    g_assert_null(ehd_spool_item_begin(f->session, 2, G_MAXINT64, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
}

static void
test_min_free(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    faults_set(FAULT_STATVFS, 1, 0);
    g_assert_null(ehd_spool_item_begin(f->session, 0, 1, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
    ehd_spool_session_free(g_steal_pointer(&f->session));
    ehd_spool_free(g_steal_pointer(&f->spool));
    spool_open_with(f, QUOTA, G_MAXUINT64 / 2); /* more than any disk */
    f->session = ehd_spool_session_open(f->spool, "s1", &error);
    g_assert_null(ehd_spool_item_begin(f->session, 0, 1, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 0);
}

/* Another session goes on with what is there: under its name, with its note. */
static void
test_rename(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolSession) other = NULL, gone = NULL;
    g_autoptr(GBytes) meta = NULL;

    spool_add(f, 0, "whole");
    ehd_spool_session_free(g_steal_pointer(&f->session));
    other = ehd_spool_session_new(f->spool, "s2", "other", 5, &error);
    g_assert_no_error(error);
    g_assert_false(ehd_spool_session_rename(f->spool, "s1", "s2", &error));
    g_assert_error(error, EHD_ERROR, EHP_WRONG_STATE);
    g_clear_error(&error);
    g_assert_false(ehd_spool_session_rename(f->spool, "none", "s3", &error));
    g_assert_error(error, EHD_ERROR, EHP_NOT_FOUND);
    g_clear_error(&error);
    g_assert_false(ehd_spool_session_rename(f->spool, "s1", "../s3", &error));
    g_assert_error(error, EHD_ERROR, EHP_INVALID_ARGUMENT);
    g_clear_error(&error);
    g_assert_true(ehd_spool_session_rename(f->spool, "s1", "s3", &error));
    gone = ehd_spool_session_open(f->spool, "s1", NULL);
    g_assert_null(gone);
    f->session = ehd_spool_session_open(f->spool, "s3", &error);
    g_assert_no_error(error);
    meta = ehd_spool_session_get_meta(f->session, &error);
    g_assert_error(error, EHD_ERROR, EHP_STATE_DAMAGED); /* sealed for the old name */
    g_clear_error(&error);
    g_assert_true(ehd_spool_session_set_meta(f->session, "new", 3, &error));
    meta = ehd_spool_session_get_meta(f->session, &error);
    g_assert_cmpmem(g_bytes_get_data(meta, NULL), g_bytes_get_size(meta), "new", 3);
    spool_expect_item(f, 0, "whole");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SPOOL_CASE("/store/spool/item", test_item);
    SPOOL_CASE("/store/spool/empty-item", test_empty_item);
    SPOOL_CASE("/store/spool/bad-appends", test_bad_appends);
    SPOOL_CASE("/store/spool/sessions", test_sessions);
    SPOOL_CASE("/store/spool/resume", test_resume);
    SPOOL_CASE("/store/spool/rename", test_rename);
    SPOOL_CASE("/store/spool/orphans", test_orphans);
    SPOOL_CASE("/store/spool/damaged-meta", test_damaged_meta);
    SPOOL_CASE("/store/spool/quota", test_quota);
    SPOOL_CASE("/store/spool/min-free", test_min_free);
    return g_test_run();
}
