/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller's files: what is read, and every way in which one of them is not what it was said
 * to be.
 */
#include "daemon/core/source.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

typedef struct {
    char *dir;
    GArray *items;
    EhdSource *source;
    GArray *wanted; /* of guint */
    GByteArray *got;
    guint reads;
    ehp_status why;
    guint open_now, open_most;
} Fixture;

static char *
path_of(Fixture *f, guint id)
{
    return g_strdup_printf("%s/%u", f->dir, id);
}

static void
on_want(guint id, gpointer user_data)
{
    g_array_append_val(((Fixture *)user_data)->wanted, id);
}

static void
on_data(guint id, const guint8 *bytes, gsize length, gpointer user_data)
{
    Fixture *f = user_data;

    f->reads++;
    g_byte_array_append(f->got, bytes, (guint)length);
}

static void
on_failed(ehp_status why, guint id, gpointer user_data)
{
    ((Fixture *)user_data)->why = why;
}

static const EhdSourceUser user = {.want = on_want, .data = on_data, .failed = on_failed};

static void
add_file(Fixture *f, gsize size)
{
    g_autofree char *path = path_of(f, f->items->len);
    g_autofree char *text = g_malloc(size + 1);
    struct stat st;
    EhdItem item = {.name = g_strdup("x"), .size = size, .has_mtime = TRUE};

    for (gsize i = 0; i < size; i++)
        text[i] = (char)(i * 31 + f->items->len);
    g_assert_true(g_file_set_contents(path, text, (gssize)size, NULL));
    g_assert_cmpint(stat(path, &st), ==, 0);
    item.mtime = (gint64)st.st_mtim.tv_sec * 1000000 + st.st_mtim.tv_nsec / 1000;
    g_array_append_val(f->items, item);
}

static void
set_up(Fixture *f, gconstpointer data)
{
    f->dir = g_dir_make_tmp("ehd-source-XXXXXX", NULL);
    f->items = ehd_items_new();
    f->wanted = g_array_new(FALSE, FALSE, sizeof(guint));
    f->got = g_byte_array_new();
    f->source = ehd_source_new(f->items, 30000, &user, f);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    ehd_source_free(f->source);
    for (guint i = 0; i < f->items->len; i++) {
        g_autofree char *path = path_of(f, i);
        g_remove(path);
    }
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->dir);
    g_array_unref(f->items);
    g_array_unref(f->wanted);
    g_byte_array_unref(f->got);
}

static void
give(Fixture *f, guint id)
{
    g_autofree char *path = path_of(f, id);

    ehd_source_give(f->source, id, open(path, O_RDONLY | O_CLOEXEC), EHP_OK);
}

static void
wait_read(Fixture *f, guint reads)
{
    while (f->reads < reads && f->why == EHP_OK)
        g_main_context_iteration(NULL, TRUE);
}

static void
test_reads(Fixture *f, gconstpointer data)
{
    g_autofree char *path = path_of(f, 0);
    g_autofree char *text = NULL;
    gsize length;

    add_file(f, 1000);
    ehd_source_read(f->source, 0, 0, 600, NULL, 0);
    g_assert_cmpuint(f->wanted->len, ==, 1);
    give(f, 0);
    wait_read(f, 1);
    ehd_source_read(f->source, 0, 600, 400, NULL, 0);
    wait_read(f, 2);
    g_assert_cmpuint(f->wanted->len, ==, 1);
    g_assert_true(g_file_get_contents(path, &text, &length, NULL));
    g_assert_cmpmem(f->got->data, f->got->len, text, length);
    g_assert_cmpint(f->why, ==, EHP_OK);
}

/* Many items: they are asked for ahead, no more than the bound are held, and a late answer is
 * closed. */
static void
test_many(Fixture *f, gconstpointer data)
{
    guint next[EHD_SOURCE_AHEAD];

    for (guint i = 0; i < 40; i++)
        add_file(f, 10);
    for (guint id = 0; id < 40; id++) {
        gsize n = 0;

        for (guint i = id + 1; i < 40 && n < EHD_SOURCE_AHEAD; i++)
            next[n++] = i;
        ehd_source_read(f->source, id, 0, 10, next, n);
        g_assert_cmpuint(f->wanted->len, ==, MIN(id + 1 + EHD_SOURCE_AHEAD, 40));
        give(f, id);
        wait_read(f, id + 1);
        if (id % 2 == 0)
            ehd_source_drop(f->source, id);
    }
    g_assert_cmpuint(f->got->len, ==, 400);
    give(f, 0);
}

/* Without its owner it goes on with what is open, and then waits; nothing stalls meanwhile. */
static void
test_starved(Fixture *f, gconstpointer data)
{
    guint next[EHD_SOURCE_AHEAD_MOST];

    ehd_source_free(f->source);
    f->source = ehd_source_new(f->items, 20, &user, f);
    for (guint i = 0; i <= EHD_SOURCE_OPEN_MAX; i++)
        add_file(f, 10);
    for (guint i = 0; i < EHD_SOURCE_AHEAD_MOST; i++)
        next[i] = i + 1;
    ehd_source_read(f->source, 0, 0, 10, next, EHD_SOURCE_AHEAD_MOST);
    g_assert_cmpuint(f->wanted->len, ==, EHD_SOURCE_OPEN_MAX);
    for (guint id = 0; id < EHD_SOURCE_OPEN_MAX; id++)
        give(f, id);
    wait_read(f, 1);
    ehd_source_pause(f->source);
    for (guint id = 1; id < EHD_SOURCE_OPEN_MAX; id++) {
        ehd_source_read(f->source, id, 0, 10, NULL, 0);
        g_assert_false(ehd_source_is_starved(f->source));
        wait_read(f, id + 1);
        ehd_source_drop(f->source, id);
    }
    ehd_source_read(f->source, EHD_SOURCE_OPEN_MAX, 0, 10, NULL, 0);
    g_assert_true(ehd_source_is_starved(f->source));
    g_assert_cmpuint(f->wanted->len, ==, EHD_SOURCE_OPEN_MAX);
    ehd_source_ask_again(f->source);
    g_assert_false(ehd_source_is_starved(f->source));
    give(f, EHD_SOURCE_OPEN_MAX);
    wait_read(f, EHD_SOURCE_OPEN_MAX + 1);
    g_assert_cmpint(f->why, ==, EHP_OK);
}

typedef void (*Spoil)(Fixture *f);

static void
spoil_none_given(Fixture *f)
{
    ehd_source_give(f->source, 0, -1, EHP_NO_AGENT);
}

static void
spoil_grown(Fixture *f)
{
    g_autofree char *path = path_of(f, 0);

    g_assert_true(g_file_set_contents(path, "longer than it was said to be", -1, NULL));
    give(f, 0);
}

static void
spoil_mtime(Fixture *f)
{
    g_array_index(f->items, EhdItem, 0).mtime -= 1;
    give(f, 0);
}

static void
spoil_fifo(Fixture *f)
{
    int fd[2];

    g_assert_cmpint(pipe(fd), ==, 0);
    close(fd[1]);
    ehd_source_give(f->source, 0, fd[0], EHP_OK);
}

static void
spoil_directory(Fixture *f)
{
    ehd_source_give(f->source, 0, open(f->dir, O_RDONLY), EHP_OK);
}

static void
spoil_write_only(Fixture *f)
{
    g_autofree char *path = path_of(f, 0);

    ehd_source_give(f->source, 0, open(path, O_WRONLY), EHP_OK);
}

static const struct {
    const char *name;
    Spoil spoil;
    ehp_status why;
} spoils[] = {
    {"none-given", spoil_none_given, EHP_NO_AGENT},
    {"grown", spoil_grown, EHP_ITEM_CHANGED},
    {"mtime", spoil_mtime, EHP_ITEM_CHANGED},
    {"fifo", spoil_fifo, EHP_NO_INPUT},
    {"directory", spoil_directory, EHP_NO_INPUT},
    {"write-only", spoil_write_only, EHP_NO_INPUT},
};

static void
test_spoilt(Fixture *f, gconstpointer data)
{
    gsize row = GPOINTER_TO_SIZE(data);

    add_file(f, 10);
    ehd_source_read(f->source, 0, 0, 10, NULL, 0);
    spoils[row].spoil(f);
    wait_read(f, 1);
    g_assert_cmpint(f->why, ==, (int)spoils[row].why);
    g_assert_cmpuint(f->reads, ==, 0);
}

/* Written to, in place and with the same size, between its first and its last segment. */
static void
test_changed_within(Fixture *f, gconstpointer data)
{
    g_autofree char *path = path_of(f, 0);
    struct timespec times[2] = {{.tv_nsec = UTIME_OMIT}, {.tv_sec = 1}};
    int fd;

    add_file(f, 1000);
    ehd_source_read(f->source, 0, 0, 500, NULL, 0);
    give(f, 0);
    wait_read(f, 1);
    fd = open(path, O_WRONLY);
    g_assert_cmpint(pwrite(fd, "y", 1, 700), ==, 1);
    g_assert_cmpint(futimens(fd, times), ==, 0);
    close(fd);
    /* not what was read ahead, perhaps before the change */
    ehd_source_read(f->source, 0, 500, 400, NULL, 0);
    wait_read(f, 2);
    g_assert_cmpint(f->why, ==, EHP_OK);
    ehd_source_read(f->source, 0, 900, 50, NULL, 0);
    wait_read(f, 3);
    ehd_source_read(f->source, 0, 950, 50, NULL, 0);
    wait_read(f, 4);
    g_assert_cmpint(f->why, ==, EHP_ITEM_CHANGED);
    g_assert_cmpuint(f->reads, ==, 3);
}

static void
test_stalled(Fixture *f, gconstpointer data)
{
    ehd_source_free(f->source);
    f->source = ehd_source_new(f->items, 20, &user, f);
    add_file(f, 10);
    ehd_source_read(f->source, 0, 0, 10, NULL, 0);
    wait_read(f, 1);
    g_assert_cmpint(f->why, ==, EHP_ITEM_STALLED);
    give(f, 0); /* too late: closed */
}

/* While the owner is away nothing stalls; then it is asked again. */
static void
test_paused(Fixture *f, gconstpointer data)
{
    ehd_source_free(f->source);
    f->source = ehd_source_new(f->items, 20, &user, f);
    add_file(f, 10);
    ehd_source_pause(f->source);
    ehd_source_read(f->source, 0, 0, 10, NULL, 0);
    g_assert_cmpuint(f->wanted->len, ==, 0);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    ehd_source_ask_again(f->source);
    g_assert_cmpuint(f->wanted->len, ==, 1);
    give(f, 0);
    wait_read(f, 1);
    g_assert_cmpint(f->why, ==, EHP_OK);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/core/source/reads", Fixture, NULL, set_up, test_reads, tear_down);
    g_test_add("/core/source/many", Fixture, NULL, set_up, test_many, tear_down);
    g_test_add("/core/source/starved", Fixture, NULL, set_up, test_starved, tear_down);
    for (gsize i = 0; i < G_N_ELEMENTS(spoils); i++) {
        g_autofree char *path = g_strconcat("/core/source/spoilt/", spoils[i].name, NULL);
        g_test_add(path, Fixture, GSIZE_TO_POINTER(i), set_up, test_spoilt, tear_down);
    }
    g_test_add("/core/source/changed-within", Fixture, NULL, set_up, test_changed_within,
               tear_down);
    g_test_add("/core/source/stalled", Fixture, NULL, set_up, test_stalled, tear_down);
    g_test_add("/core/source/paused", Fixture, NULL, set_up, test_paused, tear_down);
    return g_test_run();
}
