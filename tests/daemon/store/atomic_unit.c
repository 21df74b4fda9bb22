/* SPDX-License-Identifier: Apache-2.0
 *
 * Atomic files, records, the state directory and the seal; with faults put in by the linker
 * (--wrap).
 */
#include "daemon/store/atomic.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/seal.h"
#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"

typedef struct {
    char *directory;
    int fd;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->directory = scratch_new();
    f->fd = open(f->directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    g_assert_cmpint(f->fd, >=, 0);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    faults_clear();
    close(f->fd);
    scratch_free(f->directory);
}

static void
expect_content(Fixture *f, const char *name, const char *wanted)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) bytes = ehd_atomic_read(f->fd, name, 100, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), wanted,
                    strlen(wanted));
}

static void
test_write(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct stat st;
    g_assert_true(ehd_atomic_write(f->fd, "a", "one", 3, &error));
    expect_content(f, "a", "one");
    g_assert_true(ehd_atomic_write(f->fd, "a", "", 0, &error));
    expect_content(f, "a", "");
    g_assert_cmpint(fstatat(f->fd, "a", &st, 0), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0600);
    g_assert_true(ehd_atomic_remove(f->fd, "a", &error));
    g_assert_true(ehd_atomic_remove(f->fd, "a", &error));
    g_assert_null(ehd_atomic_read(f->fd, "a", 100, &error));
    scratch_expect(&error, EHP_NOT_FOUND);
}

static void
test_read_bounds(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    scratch_put(f->directory, "big", "0123456789", 10);
    g_assert_null(ehd_atomic_read(f->fd, "big", 9, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
    g_assert_cmpint(mkfifoat(f->fd, "fifo", 0600), ==, 0);
    g_assert_null(ehd_atomic_read(f->fd, "fifo", 9, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
    g_assert_cmpint(symlinkat("big", f->fd, "link"), ==, 0);
    g_assert_null(ehd_atomic_read(f->fd, "link", 100, &error));
    scratch_expect(&error, EHP_STORE_FAILED);
}

static const struct {
    Fault fault;
    int at;
    int error;
    ehp_status status;
    const char *left; /* content afterwards */
} faults_table[] = {
    {FAULT_WRITE, 1, ENOSPC, EHP_NO_SPACE, "old"},
    {FAULT_WRITE, 1, EDQUOT, EHP_NO_SPACE, "old"},
    {FAULT_WRITE, 1, EIO, EHP_STORE_FAILED, "old"},
    {FAULT_FSYNC, 1, EIO, EHP_STORE_FAILED, "old"},
    {FAULT_FSYNC, 1, ENOSPC, EHP_NO_SPACE, "old"},
    {FAULT_RENAME, 1, EROFS, EHP_STORE_FAILED, "old"},
    /* the directory's sync: the new content is there, but nobody may rely on it */
    {FAULT_FSYNC, 2, EIO, EHP_STORE_FAILED, "new content"},
};

static void
test_faults(Fixture *f, gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(faults_table); i++) {
        g_autoptr(GError) error = NULL;
        g_assert_true(ehd_atomic_write(f->fd, "a", "old", 3, &error));
        faults_set(faults_table[i].fault, faults_table[i].at, faults_table[i].error);
        g_assert_false(ehd_atomic_write(f->fd, "a", "new content", 11, &error));
        g_assert_true(faults_hit());
        faults_clear();
        scratch_expect(&error, faults_table[i].status);
        expect_content(f, "a", faults_table[i].left);
        g_assert_cmpint(faccessat(f->fd, "a.tmp", F_OK, 0), !=, 0);
        g_assert_true(ehd_atomic_write(f->fd, "a", "again", 5, &error)); /* a retry works */
        expect_content(f, "a", "again");
    }
}

static void
test_short_writes(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    faults_set(FAULT_SHORT_WRITE, 1, 0);
    g_assert_true(ehd_atomic_write(f->fd, "a", "several bytes", 13, &error));
    g_assert_true(faults_hit());
    expect_content(f, "a", "several bytes");
    faults_set(FAULT_WRITE, 1, EINTR);
    g_assert_true(ehd_atomic_write(f->fd, "a", "uninterrupted", 13, &error));
    g_assert_true(faults_hit());
    expect_content(f, "a", "uninterrupted");
}

static void
test_record(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(ehd_record_write(f->fd, "r", "thing", "payload", 7, &error));
    g_autoptr(GBytes) bytes = ehd_record_read(f->fd, "r", "thing", 7, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes), "payload", 7);
    g_assert_null(ehd_record_read(f->fd, "r", "other", 7, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);
    g_assert_true(ehd_record_write(f->fd, "empty", "thing", "", 0, &error));
    g_autoptr(GBytes) empty = ehd_record_read(f->fd, "empty", "thing", 0, &error);
    g_assert_no_error(error);
    g_assert_cmpint(g_bytes_get_size(empty), ==, 0);
}

/* Every single byte of a record file, changed or cut off, is found. */
static void
test_record_damage(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gsize length = 0;
    const guint8 *payload;
    gsize payload_length;
    g_assert_true(ehd_record_write(f->fd, "r", "thing", "payload", 7, &error));
    g_autofree char *file = scratch_get(f->directory, "r", &length);
    for (gsize i = 0; i < length; i++) {
        file[i] ^= 1;
        g_assert_false(ehd_record_parse((guint8 *)file, length, "thing", &payload,
                                        &payload_length, &error));
        g_assert_true(ehd_error_status(error) == EHP_STATE_DAMAGED ||
                      ehd_error_status(error) == EHP_STATE_TOO_NEW);
        g_clear_error(&error);
        file[i] ^= 1;
        g_assert_false(
            ehd_record_parse((guint8 *)file, i, "thing", &payload, &payload_length, &error));
        scratch_expect(&error, EHP_STATE_DAMAGED);
    }
    g_assert_true(
        ehd_record_parse((guint8 *)file, length, "thing", &payload, &payload_length, &error));
}

static void
test_record_headers(Fixture *f, gconstpointer data)
{
    static const struct {
        const char *file;
        ehp_status status;
    } table[] = {
        {"", EHP_STATE_DAMAGED},
        {"\n", EHP_STATE_DAMAGED},
        {"ehrlink-state 2 a whole new format\n", EHP_STATE_DAMAGED},
        {"ehrlink-state 2 thing 0 00\n", EHP_STATE_TOO_NEW},
        {"ehrlink-state 4294967295 thing 0 00\n", EHP_STATE_TOO_NEW},
        {"ehrlink-state 4294967296 thing 0 00\n", EHP_STATE_DAMAGED},
        {"ehrlink-state 0 thing 0 00\n", EHP_STATE_DAMAGED},
        {"ehrlink-state -1 thing 0 00\n", EHP_STATE_DAMAGED},
        {"ehrlink-state 1 thing 0 00\n", EHP_STATE_DAMAGED},
        {"ehrlink-state 1 thing 0\n", EHP_STATE_DAMAGED},
        {"other-state 1 thing 0 00\n", EHP_STATE_DAMAGED},
    };
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        g_autoptr(GError) error = NULL;
        const guint8 *payload;
        gsize length;
        g_assert_false(ehd_record_parse((const guint8 *)table[i].file, strlen(table[i].file),
                                        "thing", &payload, &length, &error));
        scratch_expect(&error, table[i].status);
    }
}

static void
test_state(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct stat st;
    g_autofree char *inside = g_build_filename(f->directory, "new", "state", NULL);
    EhdState *state = scratch_state(inside);
    g_assert_cmpint(stat(inside, &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0700);
    g_assert_cmpint(fstat(ehd_state_room(state, "spool"), &st), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0700);

    g_assert_null(ehd_state_open(inside, &error)); /* the second daemon */
    scratch_expect(&error, EHP_WRONG_STATE);
    ehd_state_free(state);
    state = scratch_state(inside);
    ehd_state_free(state);

    static const char newer[] = "ehrlink-state 2 state 0 00\n";
    scratch_put(inside, "version", newer, -1);
    g_assert_null(ehd_state_open(inside, &error));
    scratch_expect(&error, EHP_STATE_TOO_NEW);
    scratch_put(inside, "version", "junk", -1);
    g_assert_null(ehd_state_open(inside, &error));
    scratch_expect(&error, EHP_STATE_DAMAGED);

    g_autofree char *file = g_build_filename(inside, "version", NULL);
    g_assert_null(ehd_state_open(file, &error)); /* not a directory */
    scratch_expect(&error, EHP_STORE_FAILED);
}

static void
test_ids(Fixture *f, gconstpointer data)
{
    static const char *const good[] = {"a", "0aZ-_",
                                       "a23456789012345678901234567890123456789012345"
                                       "6789012345678901234"};
    static const char *const bad[] = {
        "",
        ".",
        "..",
        "a/b",
        "a.b",
        "ä",
        "a b",
        "a234567890123456789012345678901234567890123456789012345678"
        "90123456"};
    for (guint i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(ehd_state_id_valid(good[i]));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(ehd_state_id_valid(bad[i]));
    g_assert_false(ehd_state_id_valid(NULL));
}

static void
test_seal(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdState) state = scratch_state(f->directory);
    g_autoptr(EhdSeal) seal = ehd_seal_open(state, &error);
    g_assert_no_error(error);
    g_autoptr(GBytes) blob = ehd_seal_wrap(seal, "ledger", "abc", "secret", 6);
    gsize length = 0;
    const guint8 *bytes = g_bytes_get_data(blob, &length);
    g_assert_cmpint(length, ==, 6 + EHD_SEAL_OVERHEAD);

    ehd_seal_free(g_steal_pointer(&seal));
    seal = ehd_seal_open(state, &error); /* the same key again */
    g_assert_no_error(error);
    g_autoptr(GBytes) plain = ehd_seal_unwrap(seal, "ledger", "abc", bytes, length, &error);
    g_assert_no_error(error);
    g_assert_cmpmem(g_bytes_get_data(plain, NULL), g_bytes_get_size(plain), "secret", 6);

    static const char *const elsewhere[][2] = {
        {"ledger", "abd"}, {"spool", "abc"}, {"ledgera", "bc"}, {"", ""}};
    for (guint i = 0; i < G_N_ELEMENTS(elsewhere); i++) {
        g_assert_null(
            ehd_seal_unwrap(seal, elsewhere[i][0], elsewhere[i][1], bytes, length, &error));
        scratch_expect(&error, EHP_STATE_DAMAGED);
    }
    g_autofree guint8 *copy = g_memdup2(bytes, length);
    for (gsize i = 0; i < length; i++) {
        copy[i] ^= 0x80;
        g_assert_null(ehd_seal_unwrap(seal, "ledger", "abc", copy, length, &error));
        g_clear_error(&error);
        copy[i] ^= 0x80;
        g_assert_null(ehd_seal_unwrap(seal, "ledger", "abc", copy, i, &error));
        scratch_expect(&error, EHP_STATE_DAMAGED);
    }
    struct stat st;
    g_assert_cmpint(fstatat(ehd_state_fd(state), "seal.key", &st, 0), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0600);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
    CASE("/store/atomic/write", test_write);
    CASE("/store/atomic/read-bounds", test_read_bounds);
    CASE("/store/atomic/faults", test_faults);
    CASE("/store/atomic/short-writes", test_short_writes);
    CASE("/store/record/round-trip", test_record);
    CASE("/store/record/damage", test_record_damage);
    CASE("/store/record/headers", test_record_headers);
    CASE("/store/state/open", test_state);
    CASE("/store/state/ids", test_ids);
    CASE("/store/seal", test_seal);
    return g_test_run();
}
