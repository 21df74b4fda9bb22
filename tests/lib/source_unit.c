/* SPDX-License-Identifier: Apache-2.0
 *
 * What may be sent, and what no longer may when it is due.
 */
#include <fcntl.h>
#include <gio/gio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <glib/gstdio.h>

#include "ehrlink.h"
#include "lib/source.h"

typedef struct {
    char *dir;
    char *path;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->dir = g_dir_make_tmp("ehrlink-source-XXXXXX", NULL);
    f->path = g_build_filename(f->dir, "record.json", NULL);
    g_assert_true(g_file_set_contents(f->path, "0123456789", -1, NULL));
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    g_unlink(f->path);
    g_rmdir(f->path);
    g_rmdir(f->dir);
    g_free(f->path);
    g_free(f->dir);
}

static void
assert_refused(const char *path, const char *why)
{
    g_autoptr(EhrlinkSource) source = ehrlink_source_new(path, -1, path);
    g_autoptr(GError) error = NULL;

    g_assert_false(ehrlink_source_look(source, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT);
    g_assert_nonnull(strstr(error->message, path));
    if (why != NULL)
        g_assert_nonnull(strstr(error->message, why));
}

static void
test_good(Fixture *f, gconstpointer data)
{
    g_autoptr(EhrlinkSource) source = ehrlink_source_new(f->path, -1, f->path);
    g_autoptr(GError) error = NULL;
    char buffer[16];
    int fd;

    ehrlink_source_look(source, &error);
    g_assert_no_error(error);
    g_assert_cmpuint(source->size, ==, 10);
    for (int i = 0; i < 2; i++) {
        fd = ehrlink_source_open(source, &error);
        g_assert_no_error(error);
        g_assert_cmpint(read(fd, buffer, sizeof buffer), ==, 10);
        g_assert_cmpint(fcntl(fd, F_GETFD) & FD_CLOEXEC, ==, FD_CLOEXEC);
        close(fd);
    }
}

static void
test_refused(Fixture *f, gconstpointer data)
{
    assert_refused("/nonexistent/file", NULL);
    assert_refused("", NULL);
    assert_refused(f->dir, "directory");
    assert_refused("/dev/null", "regular");
    assert_refused("/dev/tty", NULL);
    g_assert_true(g_file_set_contents(f->path, "", 0, NULL));
    assert_refused(f->path, "empty");
    g_unlink(f->path);
    g_assert_cmpint(mkfifo(f->path, 0600), ==, 0);
    assert_refused(f->path, "regular");
}

static void
test_unreadable(Fixture *f, gconstpointer data)
{
    if (geteuid() == 0) {
        g_test_skip("root reads everything");
        return;
    }
    g_assert_cmpint(g_chmod(f->path, 0), ==, 0);
    assert_refused(f->path, NULL);
}

static void
assert_changed(EhrlinkSource *source, EhrlinkError code)
{
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(ehrlink_source_open(source, &error), ==, -1);
    g_assert_error(error, EHRLINK_ERROR, (int)code);
}

static void
test_changed(Fixture *f, gconstpointer data)
{
    g_autoptr(EhrlinkSource) source = ehrlink_source_new(f->path, -1, f->path);
    struct timespec times[2] = {{1, 0}, {1, 0}};

    assert_changed(source, EHRLINK_ERROR_ITEM_CHANGED); /* never looked at */
    g_assert_true(ehrlink_source_look(source, NULL));
    g_assert_cmpint(utimensat(AT_FDCWD, f->path, times, 0), ==, 0);
    assert_changed(source, EHRLINK_ERROR_ITEM_CHANGED);
    g_assert_true(ehrlink_source_look(source, NULL));
    g_assert_cmpint(truncate(f->path, 9), ==, 0);
    g_assert_cmpint(utimensat(AT_FDCWD, f->path, times, 0), ==, 0);
    assert_changed(source, EHRLINK_ERROR_ITEM_CHANGED);
    g_unlink(f->path);
    assert_changed(source, EHRLINK_ERROR_NO_INPUT);
    g_assert_cmpint(mkfifo(f->path, 0600), ==, 0);
    assert_changed(source, EHRLINK_ERROR_NO_INPUT); /* and does not hang */
}

static void
test_descriptor(Fixture *f, gconstpointer data)
{
    int given = memfd_create("record", MFD_CLOEXEC);
    g_autoptr(EhrlinkSource) source = NULL;
    g_autoptr(GError) error = NULL;
    char buffer[16];
    int first, second;

    g_assert_cmpint(write(given, "abc", 3), ==, 3);
    source = ehrlink_source_new(NULL, given, "memory");
    g_assert_true(ehrlink_source_look(source, &error));
    first = ehrlink_source_open(source, &error);
    second = ehrlink_source_open(source, &error);
    g_assert_no_error(error);
    g_assert_cmpint(read(first, buffer, 2), ==, 2);
    g_assert_cmpint(read(second, buffer, sizeof buffer), ==, 3); /* offsets of their own */
    close(first);
    close(second);
}

static void
test_bad_descriptor(Fixture *f, gconstpointer data)
{
    int fds[2];
    g_autoptr(EhrlinkSource) source = NULL;
    g_autoptr(EhrlinkSource) none = ehrlink_source_new(NULL, -1, "remote.json");
    g_autoptr(GError) error = NULL;

    g_assert_cmpint(pipe(fds), ==, 0);
    source = ehrlink_source_new(NULL, fds[0], "pipe");
    g_assert_false(ehrlink_source_look(source, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT);
    g_clear_error(&error);
    g_assert_false(ehrlink_source_look(none, &error));
    g_assert_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT);
    close(fds[1]);
}

int
main(int argc, char **argv)
{
    static const struct {
        const char *path;
        void (*run)(Fixture *f, gconstpointer data);
    } tests[] = {
        {"/lib/source/good", test_good},
        {"/lib/source/refused", test_refused},
        {"/lib/source/unreadable", test_unreadable},
        {"/lib/source/changed", test_changed},
        {"/lib/source/descriptor", test_descriptor},
        {"/lib/source/bad-descriptor", test_bad_descriptor},
    };

    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(tests); i++)
        g_test_add(tests[i].path, Fixture, NULL, set_up, tests[i].run, tear_down);
    return g_test_run();
}
