/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/ledger.h"

#include <errno.h>
#include <string.h>

#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"

typedef struct {
    char *directory;
    EhdState *state;
    EhdSeal *seal;
    EhdLedger *ledger;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    f->directory = scratch_new();
    f->state = scratch_state(f->directory);
    f->seal = ehd_seal_open(f->state, &error);
    f->ledger = ehd_ledger_open(f->state, f->seal, &error);
    g_assert_no_error(error);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    faults_clear();
    ehd_ledger_free(f->ledger);
    ehd_seal_free(f->seal);
    ehd_state_free(f->state);
    scratch_free(f->directory);
}

static void
expect(Fixture *f, const char *id, const char *content)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = ehd_ledger_get(f->ledger, id, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), content,
                    strlen(content));
}

static void
test_round_trip(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(ehd_ledger_put(f->ledger, "b", "one", 3, &error));
    g_assert_true(ehd_ledger_put(f->ledger, "a", "", 0, &error));
    g_assert_true(ehd_ledger_put(f->ledger, "b", "two!", 4, &error));
    expect(f, "a", "");
    expect(f, "b", "two!");
    g_auto(GStrv) ids = ehd_ledger_list(f->ledger, &error);
    g_assert_cmpint(g_strv_length(ids), ==, 2);
    g_assert_cmpstr(ids[0], ==, "a");
    g_assert_true(ehd_ledger_remove(f->ledger, "b", &error));
    g_assert_true(ehd_ledger_remove(f->ledger, "b", &error));
    g_assert_null(ehd_ledger_get(f->ledger, "b", &error));
    scratch_expect(&error, EHP_NOT_FOUND);
}

static void
test_bounds(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *big = g_malloc0(EHD_LEDGER_BYTES_MAX + 1);
    g_assert_true(ehd_ledger_put(f->ledger, "a", big, EHD_LEDGER_BYTES_MAX, &error));
    g_autoptr(GBytes) bytes = ehd_ledger_get(f->ledger, "a", &error);
    g_assert_cmpint(g_bytes_get_size(bytes), ==, EHD_LEDGER_BYTES_MAX);
    g_assert_false(ehd_ledger_put(f->ledger, "a", big, EHD_LEDGER_BYTES_MAX + 1, &error));
    scratch_expect(&error, EHP_LIMIT_REACHED);
    g_assert_false(ehd_ledger_put(f->ledger, "../a", "", 0, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
    g_assert_null(ehd_ledger_get(f->ledger, "a.tmp", &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
}

static void
test_many(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *room = g_build_filename(f->directory, "ledger", NULL);
    for (int i = 0; i < EHD_LEDGER_RECORDS_MAX; i++) {
        g_autofree char *name = g_strdup_printf("n%d", i);
        scratch_put(room, name, "", 0);
    }
    g_assert_false(ehd_ledger_put(f->ledger, "one-more", "", 0, &error));
    scratch_expect(&error, EHP_LIMIT_REACHED);
    g_assert_true(ehd_ledger_put(f->ledger, "n0", "x", 1, &error)); /* replaced, not added */
    expect(f, "n0", "x");
}

static void
test_damage(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    g_autofree char *room = g_build_filename(f->directory, "ledger", NULL);
    g_assert_true(ehd_ledger_put(f->ledger, "a", "secret", 6, &error));
    g_autofree char *file = scratch_get(room, "a", &length);
    g_assert_null(g_strstr_len(file, (gssize)length, "secret"));
    scratch_put(room, "b", file, (gssize)length); /* another session's record */
    g_assert_null(ehd_ledger_get(f->ledger, "b", &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
    scratch_put(room, "a", "ehrlink-state 2 ledger 0 0\n", -1);
    g_assert_null(ehd_ledger_get(f->ledger, "a", &error));
    scratch_expect(&error, EHP_STATE_TOO_NEW);
    scratch_put(room, "a", "", 0);
    g_assert_null(ehd_ledger_get(f->ledger, "a", &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
}

static void
test_faults(Fixture *f, gconstpointer data)
{
    static const Fault kinds[] = {FAULT_WRITE, FAULT_FSYNC, FAULT_RENAME};
    g_autoptr(GError) error = NULL;
    g_assert_true(ehd_ledger_put(f->ledger, "a", "old", 3, &error));
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        faults_set(kinds[i], 1, ENOSPC);
        g_assert_false(ehd_ledger_put(f->ledger, "a", "new", 3, &error));
        g_assert_true(faults_hit());
        scratch_expect(&error, EHP_NO_SPACE);
        expect(f, "a", "old");
    }
}

static void
test_clean_up(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *room = g_build_filename(f->directory, "ledger", NULL);
    g_autofree char *torn = g_build_filename(room, "a.tmp", NULL);
    scratch_put(room, "a.tmp", "torn", 4);
    g_autoptr(EhdLedger) again = ehd_ledger_open(f->state, f->seal, &error);
    g_assert_no_error(error);
    g_assert_false(g_file_test(torn, G_FILE_TEST_EXISTS));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
    CASE("/store/ledger/round-trip", test_round_trip);
    CASE("/store/ledger/bounds", test_bounds);
    CASE("/store/ledger/many", test_many);
    CASE("/store/ledger/damage", test_damage);
    CASE("/store/ledger/faults", test_faults);
    CASE("/store/ledger/clean-up", test_clean_up);
    return g_test_run();
}
