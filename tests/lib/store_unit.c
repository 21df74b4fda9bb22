/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing what was received: whole and under a name of its own, or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <gio/gio.h>
#include <sched.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "ehrlink.h"
#include "lib/store.h"

typedef struct {
    char *path;
    int dir;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->path = g_dir_make_tmp("ehrlink-store-XXXXXX", NULL);
    f->dir = ehrlink_store_open_directory(f->path, NULL);
    g_assert_cmpint(f->dir, >=, 0);
}

/* How many entries there are, hidden ones included. */
static guint
entries(Fixture *f)
{
    GDir *dir = g_dir_open(f->path, 0, NULL);
    guint n = 0;

    while (g_dir_read_name(dir) != NULL)
        n++;
    g_dir_close(dir);
    return n;
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    GDir *dir = g_dir_open(f->path, 0, NULL);
    const char *name;

    while ((name = g_dir_read_name(dir)) != NULL)
        unlinkat(f->dir, name, 0);
    g_dir_close(dir);
    close(f->dir);
    g_assert_cmpint(g_rmdir(f->path), ==, 0);
    g_free(f->path);
}

static int
bytes(const char *content, gsize len)
{
    int fd = memfd_create("spool", MFD_CLOEXEC);

    g_assert_cmpint(write(fd, content, len), ==, (gssize)len);
    g_assert_cmpint(lseek(fd, 0, SEEK_SET), ==, 0);
    return fd;
}

static char *
store(Fixture *f, const char *content, guint64 size, const char *name, const char *key,
      GError **error)
{
    int fd = bytes(content, strlen(content));
    char *stored = ehrlink_store_copy(f->dir, fd, size, name, key, NULL, error);

    close(fd);
    return stored;
}

static void
assert_stored(Fixture *f, const char *content, const char *name, const char *key,
              const char *as)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *stored = store(f, content, strlen(content), name, key, &error);
    g_autofree char *path = g_build_filename(f->path, as, NULL);
    g_autofree char *found = NULL;

    g_assert_no_error(error);
    g_assert_cmpstr(stored, ==, as);
    g_assert_true(g_file_get_contents(path, &found, NULL, NULL));
    g_assert_cmpstr(found, ==, content);
}

static void
test_stored(Fixture *f, gconstpointer data)
{
    struct stat st;

    assert_stored(f, "one", "a.json", "s-0", "a.json");
    g_assert_cmpuint(entries(f), ==, 2);
    ehrlink_store_settle(f->dir, "s-0");
    g_assert_cmpuint(entries(f), ==, 1);
    g_assert_cmpint(fstatat(f->dir, "a.json", &st, AT_SYMLINK_NOFOLLOW), ==, 0);
    g_assert_cmpint(st.st_mode & 0077, ==, 0);
    g_assert_cmpint(st.st_nlink, ==, 1);
    assert_stored(f, "", "empty", "s-1", "empty");
}

static void
test_names(Fixture *f, gconstpointer data)
{
    assert_stored(f, "one", "a.json", "s-0", "a.json");
    assert_stored(f, "two", "a.json", "s-1", "a (2).json");
    assert_stored(f, "three", "x/a.json", "s-2", "a (3).json");
    assert_stored(f, "four", "../../a.json", "s-3", "a (4).json");
    assert_stored(f, "five", ".", "s-4", "item");
}

/* Neither what is there nor what it points to is touched. */
static void
test_nothing_overwritten(Fixture *f, gconstpointer data)
{
    g_autofree char *victim = g_build_filename(f->path, "victim", NULL);
    g_autofree char *content = NULL;

    g_assert_true(g_file_set_contents(victim, "mine", -1, NULL));
    g_assert_cmpint(symlinkat(victim, f->dir, "a.json"), ==, 0);
    g_assert_cmpint(symlinkat("/nonexistent", f->dir, "b.json"), ==, 0);
    g_assert_cmpint(symlinkat(victim, f->dir, ".ehrlink-s-0.partial"), ==, 0);
    assert_stored(f, "one", "a.json", "s-0", "a (2).json");
    assert_stored(f, "two", "b.json", "s-1", "b (2).json");
    g_assert_true(g_file_get_contents(victim, &content, NULL, NULL));
    g_assert_cmpstr(content, ==, "mine");
}

/* Killed after the name was given, before the service was told: not stored twice. */
static void
test_taken_up(Fixture *f, gconstpointer data)
{
    assert_stored(f, "taken", "other.json", "s-9", "other.json");
    assert_stored(f, "one", "a.json", "s-0", "a.json");
    assert_stored(f, "one", "a.json", "s-0", "a.json");
    ehrlink_store_settle(f->dir, "s-0");
    assert_stored(f, "one", "a.json", "s-0", "a (2).json"); /* settled: another story */
}

/* Killed while it was written: what is there is not trusted. */
static void
test_partial_replaced(Fixture *f, gconstpointer data)
{
    g_autofree char *partial = g_build_filename(f->path, ".ehrlink-s-0.partial", NULL);

    g_assert_true(g_file_set_contents(partial, "on", -1, NULL));
    assert_stored(f, "one", "a.json", "s-0", "a.json");
    ehrlink_store_settle(f->dir, "s-0");
    g_assert_cmpuint(entries(f), ==, 1);
}

static void
test_wrong_size(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;

    g_assert_null(store(f, "12345", 6, "a", "s-0", &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_clear_error(&error);
    g_assert_null(store(f, "12345", 4, "a", "s-0", &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_assert_cmpuint(entries(f), ==, 0);
}

static void
test_cancelled(Fixture *f, gconstpointer data)
{
    g_autoptr(GCancellable) cancellable = g_cancellable_new();
    g_autoptr(GError) error = NULL;
    int fd = bytes("x", 1);

    g_cancellable_cancel(cancellable);
    g_assert_null(ehrlink_store_copy(f->dir, fd, 1, "a", "s-0", cancellable, &error));
    g_assert_error(error, G_IO_ERROR, G_IO_ERROR_CANCELLED);
    g_assert_cmpuint(entries(f), ==, 0);
    close(fd);
}

static void
store_too_much(Fixture *f)
{
    g_autofree char *much = g_strnfill(3 * 1024 * 1024, 'x');
    g_autoptr(GError) error = NULL;

    g_assert_null(store(f, much, strlen(much), "a", "s-0", &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_SPACE);
    g_assert_cmpuint(entries(f), ==, 0);
}

static void
test_no_more_allowed(Fixture *f, gconstpointer data)
{
    struct rlimit before, limit;
    g_autofree char *much = g_strnfill(3 * 1024 * 1024, 'x');
    g_autoptr(GError) error = NULL;
    int fd = bytes(much, strlen(much));

    g_assert_cmpint(getrlimit(RLIMIT_FSIZE, &before), ==, 0);
    signal(SIGXFSZ, SIG_IGN);
    limit = before;
    limit.rlim_cur = 1024 * 1024;
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &limit), ==, 0);
    g_assert_null(ehrlink_store_copy(f->dir, fd, strlen(much), "a", "s-0", NULL, &error));
    g_assert_cmpint(setrlimit(RLIMIT_FSIZE, &before), ==, 0);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_SPACE);
    g_assert_cmpuint(entries(f), ==, 0);
    close(fd);
}

static void
test_disk_full(Fixture *f, gconstpointer data)
{
    if (unshare(CLONE_NEWNS) != 0 || mount("none", "/", "none", MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("tmpfs", f->path, "tmpfs", 0, "size=1m") != 0) {
        g_test_skip("a small file system cannot be mounted without privilege");
        return;
    }
    close(f->dir);
    f->dir = ehrlink_store_open_directory(f->path, NULL);
    store_too_much(f);
    close(f->dir);
    g_assert_cmpint(umount(f->path), ==, 0);
    f->dir = ehrlink_store_open_directory(f->path, NULL);
}

static void
test_not_writable(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    int fd = bytes("x", 1);
    int proc = ehrlink_store_open_directory("/proc", &error);

    g_assert_no_error(error);
    g_assert_null(ehrlink_store_copy(proc, fd, 1, "a", "s-0", NULL, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_clear_error(&error);
    g_assert_cmpint(ehrlink_store_open_directory("/nonexistent", &error), ==, -1);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    g_clear_error(&error);
    g_assert_cmpint(ehrlink_store_open_directory("/dev/null", &error), ==, -1);
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED);
    close(proc);
    close(fd);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/lib/store/stored", test_stored},
        {"/lib/store/names", test_names},
        {"/lib/store/nothing-overwritten", test_nothing_overwritten},
        {"/lib/store/taken-up", test_taken_up},
        {"/lib/store/partial-replaced", test_partial_replaced},
        {"/lib/store/wrong-size", test_wrong_size},
        {"/lib/store/cancelled", test_cancelled},
        {"/lib/store/no-more-allowed", test_no_more_allowed},
        {"/lib/store/not-writable", test_not_writable},
        /* last: it may leave this process in a mount namespace of its own */
        {"/lib/store/disk-full", test_disk_full},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
