/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/receipts.h"

#include <errno.h>
#include <string.h>

#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"

typedef struct {
    char *directory;
    EhdState *state;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->directory = scratch_new();
    f->state = scratch_state(f->directory);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    faults_clear();
    ehd_state_free(f->state);
    scratch_free(f->directory);
}

static void
expect(Fixture *f, const char *session, EhdReceiptKind kind, const char *bytes, gint64 stored)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdReceipt) receipt = ehd_receipts_get(f->state, session, kind, &error);
    g_assert_no_error(error);
    g_assert_cmpstr(receipt->session, ==, session);
    g_assert_cmpint(receipt->kind, ==, kind);
    g_assert_cmpint(receipt->stored, ==, stored);
    g_assert_cmpmem(g_bytes_get_data(receipt->bytes, NULL), g_bytes_get_size(receipt->bytes),
                    bytes, strlen(bytes));
}

static void
test_put_get(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(ehd_receipts_put(f->state, "s1", EHD_RECEIPT_MADE, "abc", 3, 20, &error));
    g_assert_true(ehd_receipts_put(f->state, "s1", EHD_RECEIPT_GOT, "def", 3, 10, &error));
    g_assert_true(ehd_receipts_put(f->state, "s1", EHD_RECEIPT_MADE, "abc", 3, 30, &error));
    expect(f, "s1", EHD_RECEIPT_MADE, "abc", 20); /* as first stored */
    expect(f, "s1", EHD_RECEIPT_GOT, "def", 10);
    g_assert_false(ehd_receipts_put(f->state, "s1", EHD_RECEIPT_MADE, "abd", 3, 30, &error));
    scratch_expect(&error, EHP_WRONG_STATE);
    g_assert_false(ehd_receipts_put(f->state, "s1", EHD_RECEIPT_MADE, "abcd", 4, 30, &error));
    scratch_expect(&error, EHP_WRONG_STATE);
    g_assert_null(ehd_receipts_get(f->state, "s2", EHD_RECEIPT_MADE, &error));
    scratch_expect(&error, EHP_NOT_FOUND);
}

static void
test_bounds(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *big = g_malloc0(EHP_RECEIPT_MAX + 1);
    g_assert_true(
        ehd_receipts_put(f->state, "a", EHD_RECEIPT_MADE, big, EHP_RECEIPT_MAX, 0, &error));
    g_autoptr(EhdReceipt) receipt = ehd_receipts_get(f->state, "a", EHD_RECEIPT_MADE, &error);
    g_assert_cmpint(g_bytes_get_size(receipt->bytes), ==, EHP_RECEIPT_MAX);
    g_assert_false(
        ehd_receipts_put(f->state, "b", EHD_RECEIPT_MADE, big, EHP_RECEIPT_MAX + 1, 0, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
    g_assert_false(ehd_receipts_put(f->state, "b", EHD_RECEIPT_MADE, "", 0, 0, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
    g_assert_false(ehd_receipts_put(f->state, "../b", EHD_RECEIPT_MADE, "x", 1, 0, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
}

static void
test_list(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *room = g_build_filename(f->directory, "receipts", NULL);
    g_assert_true(ehd_receipts_put(f->state, "late", EHD_RECEIPT_GOT, "x", 1, 300, &error));
    g_assert_true(ehd_receipts_put(f->state, "early", EHD_RECEIPT_MADE, "x", 1, 100, &error));
    scratch_put(room, "torn.made.tmp", "x", 1);
    scratch_put(room, "damaged.made", "x", 1);
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*damaged.made*");
    g_autoptr(GPtrArray) all = ehd_receipts_list(f->state, &error);
    g_test_assert_expected_messages();
    g_assert_cmpint(all->len, ==, 2);
    g_assert_cmpstr(((EhdReceipt *)g_ptr_array_index(all, 0))->session, ==, "early");
}

static void
test_faults(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    faults_set(FAULT_FSYNC, 1, ENOSPC);
    g_assert_false(ehd_receipts_put(f->state, "a", EHD_RECEIPT_MADE, "x", 1, 0, &error));
    scratch_expect(&error, EHP_NO_SPACE);
    g_assert_true(ehd_receipts_put(f->state, "a", EHD_RECEIPT_MADE, "x", 1, 0, &error));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
    CASE("/store/receipts/put-get", test_put_get);
    CASE("/store/receipts/bounds", test_bounds);
    CASE("/store/receipts/list", test_list);
    CASE("/store/receipts/faults", test_faults);
    return g_test_run();
}
