/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/origins.h"

#include <errno.h>
#include <string.h>

#include "daemon/store/marks.h"
#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"

typedef struct {
    char *directory, *room;
    EhdState *state;
    EhdSeal *seal;
    EhdLedger *ledger;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    f->directory = scratch_new();
    f->room = g_build_filename(f->directory, "ledger", NULL);
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
    g_free(f->room);
    scratch_free(f->directory);
}

static gboolean
put(Fixture *f, guint transfer, guint first, const char *words, GError **error)
{
    g_auto(GStrv) each = g_strsplit(words, " ", 0);
    g_autoptr(GPtrArray) origins =
        g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (guint i = 0; each[i] != NULL; i++)
        g_ptr_array_add(origins, g_bytes_new(each[i], strlen(each[i])));
    return ehd_origins_write(f->ledger, "a", transfer, first, (GBytes *const *)origins->pdata,
                             origins->len, error);
}

/* Of n from first on these are there. */
static void
expect(Fixture *f, guint transfer, guint first, guint n, const char *words)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GPtrArray) read = ehd_origins_read(f->ledger, "a", transfer, first, n, &error);
    g_autoptr(GString) got = g_string_new(NULL);
    g_assert_no_error(error);
    for (guint i = 0; i < read->len; i++)
        g_string_append_printf(got, i > 0 ? " %.*s" : "%.*s",
                               (int)g_bytes_get_size(read->pdata[i]),
                               (const char *)g_bytes_get_data(read->pdata[i], NULL));
    g_assert_cmpstr(got->str, ==, words);
}

static void
test_round_trip(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    expect(f, 1, 0, 3, "");
    g_assert_true(put(f, 1, 0, "one two", &error));
    g_assert_true(put(f, 1, 2, "three", &error));
    expect(f, 1, 0, 3, "one two three");
    expect(f, 1, 0, 9, "one two three");
    expect(f, 1, 1, 1, "two");
    g_assert_true(put(f, 1, 1, "again", &error));
    expect(f, 1, 0, 3, "one again three");
    g_assert_no_error(error);
}

/* An offer that came to nothing left some in the same places. */
static void
test_other_transfer(Fixture *f, gconstpointer data)
{
    g_assert_true(put(f, 1, 0, "one two three", NULL));
    g_assert_true(put(f, 3, 1, "new", NULL));
    expect(f, 3, 1, 2, "new");
    expect(f, 1, 0, 3, "one");
    expect(f, 2, 0, 3, "");
}

static void
test_bounds(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *long_one = g_strnfill(EHD_ORIGIN_MAX, 'x');
    g_autofree char *too_long = g_strnfill(EHD_ORIGIN_MAX + 1, 'x');
    g_assert_true(put(f, 1, EHD_MARKS_ITEMS_MAX - 1, long_one, &error));
    expect(f, 1, EHD_MARKS_ITEMS_MAX - 1, 1, long_one);
    g_assert_false(put(f, 1, 0, too_long, &error));
    scratch_expect(&error, EHP_TOO_LARGE);
    g_assert_false(put(f, 1, EHD_MARKS_ITEMS_MAX - 1, "a b", &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
    g_assert_null(ehd_origins_read(f->ledger, "../a", 1, 0, 1, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
    g_assert_null(ehd_origins_read(f->ledger, "a", 1, G_MAXUINT32, 1, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);
}

/* Of what does not fit nothing is read, nor what stands behind it. */
static void
test_damage(Fixture *f, gconstpointer data)
{
    static const struct {
        gsize at;
        guint8 byte;
    } places[] = {{1024, 0xff}, {1024 + 3, 0}, {1024 + 4, 2}, {1024 + 20, 0}, {1024 + 60, 0}};
    for (guint i = 0; i < G_N_ELEMENTS(places); i++) {
        gsize length = 0;
        g_autofree char *file = NULL;
        g_assert_true(put(f, 1, 0, "one two-and-some-more-bytes three", NULL));
        file = scratch_get(f->room, "a.origins", &length);
        g_assert_null(g_strstr_len(file, (gssize)length, "one"));
        file[places[i].at] =
            (char)(places[i].byte != 0 ? places[i].byte : file[places[i].at] ^ 1);
        scratch_put(f->room, "a.origins", file, (gssize)length);
        expect(f, 1, 0, 3, "one");
        expect(f, 1, 2, 1, "three");
        scratch_put(f->room, "a.origins", file, 1030);
        expect(f, 1, 0, 3, "one");
        scratch_put(f->room, "b.origins", file, (gssize)length); /* another session's */
        g_autoptr(GPtrArray) other = ehd_origins_read(f->ledger, "b", 1, 0, 1, NULL);
        g_assert_cmpuint(other->len, ==, 0);
    }
}

static void
test_faults(Fixture *f, gconstpointer data)
{
    static const Fault kinds[] = {FAULT_OPEN, FAULT_WRITE, FAULT_FSYNC};
    g_autoptr(GError) error = NULL;
    g_assert_true(put(f, 1, 0, "one", &error));
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        faults_set(kinds[i], 1, ENOSPC);
        g_assert_false(put(f, 1, 1, "two", &error));
        g_assert_true(faults_hit());
        scratch_expect(&error, EHP_NO_SPACE);
        expect(f, 1, 0, 1, "one");
    }
    faults_set(FAULT_READ, 1, EIO);
    g_assert_null(ehd_origins_read(f->ledger, "a", 1, 0, 1, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
}

/* They go with the record; without one they are left over from a crash. */
static void
test_with_record(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(ehd_ledger_put(f->ledger, "a", "r", 1, &error));
    g_assert_true(put(f, 1, 0, "one", &error));
    g_clear_pointer(&f->ledger, ehd_ledger_free);
    f->ledger = ehd_ledger_open(f->state, f->seal, &error);
    expect(f, 1, 0, 1, "one");
    g_assert_true(ehd_ledger_remove(f->ledger, "a", &error));
    expect(f, 1, 0, 1, "");
    g_assert_true(put(f, 1, 0, "one", &error));
    g_clear_pointer(&f->ledger, ehd_ledger_free);
    f->ledger = ehd_ledger_open(f->state, f->seal, &error);
    g_assert_no_error(error);
    expect(f, 1, 0, 1, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
    CASE("/store/origins/round-trip", test_round_trip);
    CASE("/store/origins/other-transfer", test_other_transfer);
    CASE("/store/origins/bounds", test_bounds);
    CASE("/store/origins/damage", test_damage);
    CASE("/store/origins/faults", test_faults);
    CASE("/store/origins/with-record", test_with_record);
    return g_test_run();
}
