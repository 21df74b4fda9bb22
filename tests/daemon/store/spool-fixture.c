/* SPDX-License-Identifier: Apache-2.0
 *
 * See spool-fixture.h.
 */
#include "tests/daemon/store/spool-fixture.h"

#include <glib/gstdio.h>
#include <linux/magic.h>
#include <string.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "tests/daemon/store/faults.h"
#include "tests/daemon/store/scratch.h"

void
spool_open_with(SpoolFixture *f, guint64 quota, guint64 min_free)
{
    g_autoptr(GError) error = NULL;
    f->spool = ehd_spool_open(f->state, f->seal, quota, min_free, &error);
    g_assert_no_error(error);
}

/* directory: owned from here on */
static void
set_up_in(SpoolFixture *f, char *directory)
{
    g_autoptr(GError) error = NULL;
    f->directory = directory;
    f->state = scratch_state(f->directory);
    f->seal = ehd_seal_open(f->state, &error);
    spool_open_with(f, QUOTA, 0);
    f->session = ehd_spool_session_new(f->spool, "s1", "meta", 4, &error);
    g_assert_no_error(error);
}

void
spool_set_up(SpoolFixture *f, gconstpointer data)
{
    set_up_in(f, scratch_new());
}

void
spool_set_up_in_memory(SpoolFixture *f, gconstpointer data)
{
    g_autofree char *directory = g_strdup("/dev/shm/ehrlink-XXXXXX");
    gboolean there = g_mkdtemp(directory) != NULL;
    set_up_in(f, there ? g_steal_pointer(&directory) : scratch_new());
}

gboolean
spool_in_memory(SpoolFixture *f)
{
    struct statfs fs;
    return statfs(f->directory, &fs) == 0 && fs.f_type == TMPFS_MAGIC;
}

void
spool_tear_down(SpoolFixture *f, gconstpointer data)
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
restart(SpoolFixture *f)
{
    ehd_spool_session_free(g_steal_pointer(&f->session));
    ehd_spool_free(g_steal_pointer(&f->spool));
    spool_open_with(f, QUOTA, 0);
}

void
spool_reopen(SpoolFixture *f)
{
    g_autoptr(GError) error = NULL;
    restart(f);
    f->session = ehd_spool_session_open(f->spool, "s1", &error);
    g_assert_no_error(error);
}

gboolean
spool_has_file(SpoolFixture *f, const char *name)
{
    g_autofree char *path = g_build_filename(f->directory, "spool", "s1", name, NULL);
    return g_file_test(path, G_FILE_TEST_EXISTS);
}

void
spool_expect_item(SpoolFixture *f, guint32 id, const char *content)
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

EhdSpoolItem *
spool_begin(SpoolFixture *f, guint32 id, guint64 size)
{
    g_autoptr(GError) error = NULL;
    EhdSpoolItem *item = ehd_spool_item_begin(f->session, id, size, 0, &error);
    g_assert_no_error(error);
    return item;
}

void
spool_add(SpoolFixture *f, guint32 id, const char *content)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(EhdSpoolItem) item = spool_begin(f, id, strlen(content));
    g_assert_true(ehd_spool_item_append(item, 0, content, strlen(content), &error));
    g_assert_true(ehd_spool_item_finish(item, &error));
    g_assert_no_error(error);
}
