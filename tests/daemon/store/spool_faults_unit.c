/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool on a medium that fails: whole items or none, and the same again works.
 */
#include <errno.h>

#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"
#include "tests/daemon/store/spool-fixture.h"

static void
test_later(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    for (guint32 i = 0; i < 3; i++) {
        g_autoptr(EhdSpoolItem) item = spool_begin(f, i, 1);
        g_assert_true(ehd_spool_item_append(item, 0, "a", 1, &error));
        g_assert_true(ehd_spool_item_finish_later(item, &error));
        g_assert_false(ehd_spool_item_sync(item, &error));
        scratch_expect(&error, EHP_WRONG_STATE);
    }
    g_assert_false(spool_has_file(f, "0"));
    faults_set(FAULT_FSYNC, 1, EIO);
    g_assert_false(ehd_spool_session_sync(f->session, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    g_assert_false(spool_has_file(f, "0"));
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
        spool_expect_item(f, i, "a");
    g_assert_cmpint(ehd_spool_used(f->spool), ==, 3);
}

static void
test_reserve_faults(SpoolFixture *f, gconstpointer data)
{
    static const struct {
        int error;
        ehp_status status; /* EHP_OK: goes on without a reservation */
    } table[] = {
        {ENOSPC, EHP_NO_SPACE}, {EFBIG, EHP_NO_SPACE}, {EIO, EHP_STORE_FAILED},
        {EOPNOTSUPP, EHP_OK},   {EINTR, EHP_OK},
    };
    if (spool_in_memory(f)) {
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
test_reserve_in_memory(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    if (!spool_in_memory(f)) {
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
test_write_faults(SpoolFixture *f, gconstpointer data)
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
        g_autoptr(EhdSpoolItem) item = spool_begin(f, i, 4);
        g_assert_true(ehd_spool_item_append(item, 0, "ab", 2, &error));
        faults_set(FAULT_WRITE, 1, table[i].error);
        g_assert_false(ehd_spool_item_append(item, 2, "cd", 2, &error));
        scratch_expect(&error, table[i].status);
        g_assert_cmpint(ehd_spool_item_written(item), ==, 2);
        faults_set(FAULT_SHORT_WRITE, 1, 0);
        g_assert_true(ehd_spool_item_append(item, 2, "cd", 2, &error));
        g_assert_true(ehd_spool_item_finish(item, &error));
        spool_expect_item(f, i, "abcd");
    }
}

static void
test_sync_faults(SpoolFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolItem) item = spool_begin(f, 0, 6);
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
    g_assert_false(spool_has_file(f, "0"));
    faults_set(FAULT_FSYNC, 1, EIO); /* now the directory, after the rename */
    g_assert_false(ehd_spool_item_finish(item, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
    g_assert_true(ehd_spool_item_finish(item, &error));
    spool_expect_item(f, 0, "abcdef");
}

static void
test_session_faults(SpoolFixture *f, gconstpointer data)
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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    SPOOL_CASE("/store/spool/later", test_later);
    SPOOL_CASE("/store/spool/reserve-faults", test_reserve_faults);
    SPOOL_CASE("/store/spool/write-faults", test_write_faults);
    SPOOL_CASE("/store/spool/sync-faults", test_sync_faults);
    SPOOL_CASE("/store/spool/session-faults", test_session_faults);
    g_test_add("/store/spool/reserve-in-memory", SpoolFixture, NULL, spool_set_up_in_memory,
               test_reserve_in_memory, spool_tear_down);
    return g_test_run();
}
