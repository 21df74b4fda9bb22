/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool: whole items or none, whatever the medium does.
 */
#include "daemon/store/spool.h"

#include <errno.h>
#include <glib/gstdio.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"

#define QUOTA (8 * 1024 * 1024)

typedef struct {
    char *directory;
    EhdState *state;
    EhdSeal *seal;
    EhdSpool *spool;
    EhdSpoolSession *session;
} Fixture;

static void
open_spool(Fixture *f, guint64 quota, guint64 min_free)
{
    g_autoptr(GError) error = NULL;
    f->spool = ehd_spool_open(f->state, f->seal, quota, min_free, &error);
    g_assert_no_error(error);
}

/* directory: owned from here on */
static void
set_up_in(Fixture *f, char *directory)
{
    g_autoptr(GError) error = NULL;
    f->directory = directory;
    f->state = scratch_state(f->directory);
    f->seal = ehd_seal_open(f->state, &error);
    open_spool(f, QUOTA, 0);
    f->session = ehd_spool_session_new(f->spool, "s1", "meta", 4, &error);
    g_assert_no_error(error);
}

static void
set_up(Fixture *f, gconstpointer data)
{
    set_up_in(f, scratch_new());
}

/* Without a memory disk that one can write to: where every other test is. */
static void
set_up_in_memory(Fixture *f, gconstpointer data)
{
    g_autofree char *directory = g_strdup("/dev/shm/ehrlink-XXXXXX");
    gboolean there = g_mkdtemp(directory) != NULL;
    set_up_in(f, there ? g_steal_pointer(&directory) : scratch_new());
}

static gboolean
is_memory_disk(Fixture *f)
{
    struct statfs fs;
    return statfs(f->directory, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    faults_clear();
    ehd_spool_session_free(f->session);
    ehd_spool_free(f->spool);
    ehd_seal_free(f->seal);
    ehd_state_free(f->state);
    scratch_free(f->directory);
}

/* Forgets everything in memory, as kill -9 would. */
static void
restart(Fixture *f)
{
    ehd_spool_session_free(g_steal_pointer(&f->session));
    ehd_spool_free(g_steal_pointer(&f->spool));
    open_spool(f, QUOTA, 0);
}

static void
reopen(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    restart(f);
    f->session = ehd_spool_session_open(f->spool, "s1", &error);
    g_assert_no_error(error);
}

static gboolean
has_file(Fixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->directory, "spool", "s1", name, NULL);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

static void
expect_item(Fixture *f, guint32 id, const char *content)
{
    g_autoptr(GError) error = NULL;
    guint64 size = 0;
    char buffer[64];
    int fd = ehd_spool_item_open(f->session, id, &size, &error);
    g_assert_no_error(error);
    g_assert_cmpint(size, ==, strlen(content));
    g_assert_cmpint(read(fd, buffer, sizeof buffer), ==, (gssize)size);
    g_assert_cmpmem(buffer, size, content, size);
    close(fd);
}

static EhdSpoolItem *
begin(Fixture *f, guint32 id, guint64 size)
{
    g_autoptr(GError) error = NULL;
    EhdSpoolItem *item = ehd_spool_item_begin(f->session, id, size, 0, &error);
    g_assert_no_error(error);
    return item;
}

static void
add(Fixture *f, guint32 id, const char *content)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolItem) item = begin(f, id, strlen(content));
    g_assert_true(ehd_spool_item_append(item, 0, content, strlen(content), &error));
    g_assert_true(ehd_spool_item_finish(item, &error));
    g_assert_no_error(error);
}

static void
test_item(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolItem) item = begin(f, 7, 11);
    g_assert_true(has_file(f, "7.partial"));
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
    g_assert_false(has_file(f, "7.partial"));
    expect_item(f, 7, "hello world");
    g_assert_null(ehd_spool_item_begin(f->session, 7, 1, 0, &error)); /* never overwritten */
    scratch_expect(&error, EHP_WRONG_STATE);
    g_assert_true(ehd_spool_item_discard(f->session, 7, &error));
    g_assert_true(ehd_spool_item_discard(f->session, 7, &error));
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 0);
}

static void
test_empty_item(Fixture *f, gconstpointer data)
{
    add(f, 0, "");
    expect_item(f, 0, "");
}

static void
test_bad_appends(Fixture *f, gconstpointer data)
{
    static const struct {
        guint64 offset;
        gsize length;
    } bad[] = {{0, 1}, {1, 1}, {3, 1}, {2, 9}, {G_MAXUINT64, 1}, {2, G_MAXSIZE}};
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolItem) item = begin(f, 1, 10);
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
test_sessions(Fixture *f, gconstpointer data)
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
    add(f, 0, "content");
    reopen(f);
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
test_resume(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdSpoolItem *item = begin(f, 3, 10);
    g_assert_true(ehd_spool_item_append(item, 0, "01234", 5, &error));
    g_assert_true(ehd_spool_item_sync(item, &error));
    g_assert_true(ehd_spool_item_append(item, 5, "xx", 2, &error));
    ehd_spool_item_free(item);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 7);
    reopen(f);
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
    expect_item(f, 3, "0123456789");
    item = begin(f, 4, 3);
    g_assert_true(ehd_spool_item_append(item, 0, "abc", 3, &error));
    ehd_spool_item_free(item);
    item = begin(f, 4, 2); /* from the start again */
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 12);
    ehd_spool_item_free(item);
}

static void
test_later(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    for (guint32 i = 0; i < 3; i++) {
        g_autoptr(EhdSpoolItem) item = begin(f, i, 1);
        g_assert_true(ehd_spool_item_append(item, 0, "a", 1, &error));
        g_assert_true(ehd_spool_item_finish_later(item, &error));
        g_assert_false(ehd_spool_item_sync(item, &error));
        scratch_expect(&error, EHP_WRONG_STATE);
    }
    g_assert_false(has_file(f, "0"));
    faults_set(FAULT_FSYNC, 1, EIO);
    g_assert_false(ehd_spool_session_sync(f->session, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    g_assert_false(has_file(f, "0"));
    faults_set(FAULT_RENAME, 2, EIO);
    g_assert_false(ehd_spool_session_sync(f->session, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    faults_set(FAULT_FSYNC, 2, EIO); /* the directory */
    g_assert_false(ehd_spool_session_sync(f->session, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    faults_set(FAULT_FSYNC, 1, EIO); /* which is not forgotten */
    g_assert_false(ehd_spool_session_sync(f->session, &error));
    g_assert_true(faults_hit());
    scratch_expect(&error, EHP_STORE_FAILED);
    g_assert_true(ehd_spool_session_sync(f->session, &error));
    for (guint32 i = 0; i < 3; i++)
        expect_item(f, i, "a");
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 3);
}

static void
test_orphans(Fixture *f, gconstpointer data)
{
    add(f, 0, "content");
    g_autofree char *spool = g_build_filename(f->directory, "spool", NULL);
    g_autofree char *orphan = g_build_filename(spool, "orphan", NULL);
    g_assert_cmpint(mkdir(orphan, 0700), ==, 0);
    scratch_put(orphan, "0", "lost", 4);
    scratch_put(orphan, "1.partial", "lost", 4);
    scratch_put(orphan, "meta.tmp", "lost", 4);
    g_autofree char *mine = g_build_filename(spool, "s1", NULL);
    scratch_put(mine, "meta.tmp", "torn", 4);
    scratch_put(mine, "5.partial", "kept", 4); /* to be taken up again */
    reopen(f);
    g_assert_false(g_file_test(orphan, G_FILE_TEST_EXISTS));
    g_assert_false(has_file(f, "meta.tmp"));
    g_assert_true(has_file(f, "5.partial"));
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 11);
    expect_item(f, 0, "content");
}

static void
test_damaged_meta(Fixture *f, gconstpointer data)
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
test_quota(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdSpoolItem *big = begin(f, 0, QUOTA - 10);
    g_assert_null(ehd_spool_item_begin(f->session, 1, 11, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
    g_assert_false(has_file(f, "1.partial"));
    EhdSpoolItem *rest = begin(f, 1, 10);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, QUOTA);
    ehd_spool_item_free(big); /* nothing was written of it */
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 10);
    ehd_spool_item_free(rest);
    g_assert_null(ehd_spool_item_begin(f->session, 2, G_MAXINT64, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
}

static void
test_min_free(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    faults_set(FAULT_STATVFS, 1, 0);
    g_assert_null(ehd_spool_item_begin(f->session, 0, 1, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
    ehd_spool_session_free(g_steal_pointer(&f->session));
    ehd_spool_free(g_steal_pointer(&f->spool));
    open_spool(f, QUOTA, G_MAXUINT64 / 2); /* more than any disk */
    f->session = ehd_spool_session_open(f->spool, "s1", &error);
    g_assert_null(ehd_spool_item_begin(f->session, 0, 1, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 0);
}

static void
test_reserve_faults(Fixture *f, gconstpointer data)
{
    static const struct {
        int error;
        ehp_status status; /* EHP_OK: goes on without a reservation */
    } table[] = {
        {ENOSPC, EHP_NO_SPACE}, {EFBIG, EHP_NO_SPACE}, {EIO, EHP_STORE_FAILED},
        {EOPNOTSUPP, EHP_OK},   {EINTR, EHP_OK},
    };
    if (is_memory_disk(f)) {
        g_test_skip("the temporary directory is a memory disk, on which nothing is set aside");
        return;
    }
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        faults_set(FAULT_FALLOCATE, 1, table[i].error);
        g_autoptr(EhdSpoolItem) item =
            ehd_spool_item_begin(f->session, i, 2 * 1024 * 1024, 0, &error);
        g_assert_true(faults_hit());
        if (table[i].status == EHP_OK) {
            g_assert_no_error(error);
            g_assert_nonnull(item);
        } else {
            g_assert_null(item);
            scratch_expect(&error, table[i].status);
        }
    }
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 0);
}

/* On a memory disk setting aside is the work itself: what is not written yet is promised. */
static void
test_reserve_in_memory(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!is_memory_disk(f)) {
        g_test_skip("there is no memory disk to write to");
        return;
    }
    faults_set(FAULT_FALLOCATE, 1, EIO);
    g_autoptr(EhdSpoolItem) item =
        ehd_spool_item_begin(f->session, 0, 2 * 1024 * 1024, 0, &error);
    g_assert_no_error(error);
    g_assert_false(faults_hit());
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 2 * 1024 * 1024);
}

/* Each fault, then the same again without it. */
static void
test_write_faults(Fixture *f, gconstpointer data)
{
    static const struct {
        int error;
        ehp_status status;
    } table[] = {{ENOSPC, EHP_NO_SPACE},
                 {EDQUOT, EHP_NO_SPACE},
                 {EIO, EHP_STORE_FAILED},
                 {EROFS, EHP_STORE_FAILED}};
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(EhdSpoolItem) item = begin(f, i, 4);
        g_assert_true(ehd_spool_item_append(item, 0, "ab", 2, &error));
        faults_set(FAULT_WRITE, 1, table[i].error);
        g_assert_false(ehd_spool_item_append(item, 2, "cd", 2, &error));
        scratch_expect(&error, table[i].status);
        g_assert_cmpint(ehd_spool_item_written(item), ==, 2);
        faults_set(FAULT_SHORT_WRITE, 1, 0);
        g_assert_true(ehd_spool_item_append(item, 2, "cd", 2, &error));
        g_assert_true(ehd_spool_item_finish(item, &error));
        expect_item(f, i, "abcd");
    }
}

static void
test_sync_faults(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolItem) item = begin(f, 0, 6);
    g_assert_true(ehd_spool_item_append(item, 0, "ab", 2, &error));
    faults_set(FAULT_FSYNC, 1, EIO); /* the name */
    g_assert_false(ehd_spool_item_sync(item, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    g_assert_true(ehd_spool_item_sync(item, &error));
    g_assert_cmpint(ehd_spool_item_durable(item), ==, 2);
    g_assert_true(ehd_spool_item_append(item, 2, "cd", 2, &error));
    faults_set(FAULT_FSYNC, 1, ENOSPC);
    g_assert_false(ehd_spool_item_sync(item, &error));
    scratch_expect(&error, EHP_NO_SPACE);
    g_assert_cmpint(ehd_spool_item_written(item), ==, 2); /* all since then is in doubt */
    g_assert_true(ehd_spool_item_append(item, 2, "cdef", 4, &error));
    faults_set(FAULT_FSYNC, 1, EIO);
    g_assert_false(ehd_spool_item_finish(item, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    g_assert_false(ehd_spool_item_finish(item, &error)); /* must be written again first */
    scratch_expect(&error, EHP_WRONG_STATE);
    g_assert_true(ehd_spool_item_append(item, 2, "cdef", 4, &error));
    faults_set(FAULT_RENAME, 1, EIO);
    g_assert_false(ehd_spool_item_finish(item, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    g_assert_false(has_file(f, "0"));
    faults_set(FAULT_FSYNC, 1, EIO); /* now the directory, after the rename */
    g_assert_false(ehd_spool_item_finish(item, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    g_assert_true(ehd_spool_item_finish(item, &error));
    expect_item(f, 0, "abcdef");
}

static void
test_session_faults(Fixture *f, gconstpointer data)
{
    static const struct {
        Fault fault;
        int at;
    } table[] = {{FAULT_WRITE, 1},
                 {FAULT_FSYNC, 1},
                 {FAULT_RENAME, 1},
                 {FAULT_FSYNC, 2},
                 {FAULT_FSYNC, 3}};
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        faults_set(table[i].fault, table[i].at, EIO);
        g_assert_null(ehd_spool_session_new(f->spool, "new", "m", 1, &error));
        g_assert_true(faults_hit());
        scratch_expect(&error, EHP_STORE_FAILED);
        g_autoptr(EhdSpoolSession) session =
            ehd_spool_session_new(f->spool, "new", "m", 1, &error);
        g_assert_no_error(error);
        faults_set(FAULT_FSYNC, 1, EIO);
        g_assert_false(ehd_spool_session_discard(session, &error));
        scratch_expect(&error, EHP_STORE_FAILED);
        g_assert_true(ehd_spool_session_discard(session, &error));
    }
}

/* Another session goes on with what is there: under its name, with its note. */
static void
test_rename(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolSession) other = NULL, gone = NULL;
    g_autoptr(GBytes) meta = NULL;

    add(f, 0, "whole");
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
    expect_item(f, 0, "whole");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
    CASE("/store/spool/item", test_item);
    CASE("/store/spool/empty-item", test_empty_item);
    CASE("/store/spool/bad-appends", test_bad_appends);
    CASE("/store/spool/sessions", test_sessions);
    CASE("/store/spool/resume", test_resume);
    CASE("/store/spool/rename", test_rename);
    CASE("/store/spool/later", test_later);
    CASE("/store/spool/orphans", test_orphans);
    CASE("/store/spool/damaged-meta", test_damaged_meta);
    CASE("/store/spool/quota", test_quota);
    CASE("/store/spool/min-free", test_min_free);
    CASE("/store/spool/reserve-faults", test_reserve_faults);
    g_test_add("/store/spool/reserve-in-memory", Fixture, NULL, set_up_in_memory,
               test_reserve_in_memory, tear_down);
    CASE("/store/spool/write-faults", test_write_faults);
    CASE("/store/spool/sync-faults", test_sync_faults);
    CASE("/store/spool/session-faults", test_session_faults);
    return g_test_run();
}
