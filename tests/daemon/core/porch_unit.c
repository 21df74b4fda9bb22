/* SPDX-License-Identifier: Apache-2.0
 *
 * The porch: junk, silence and floods are counted and closed; an honest preamble is let in with
 * nothing of what follows it read.
 */
#include "daemon/core/porch.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

typedef struct {
    EhdPorch *porch;
    gboolean known, soon;
    int fd;
    guint knocks;
} Fixture;

static const guint8 honest[EHP_PREAMBLE_LEN] = {'E', 'H', 'R', '1', 1, 'n', 'n'};

static EhdKnock
on_knock(int fd, const ehp_preamble *preamble, gpointer user_data)
{
    Fixture *f = user_data;

    f->knocks++;
    g_assert_cmpint(preamble->nonce[0], ==, 'n');
    if (f->known) {
        f->fd = fd;
        return EHD_KNOCK_TAKEN;
    }
    return f->soon ? EHD_KNOCK_WAIT : EHD_KNOCK_UNKNOWN;
}

static int
connect_one(Fixture *f)
{
    int fd[2];

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), ==,
                    0);
    ehd_porch_take(f->porch, fd[1]);
    return fd[0];
}

static void
wait_closed(int fd)
{
    char byte;

    while (recv(fd, &byte, 1, 0) != 0)
        g_main_context_iteration(NULL, FALSE);
    close(fd);
}

static void
set_up(Fixture *f, gconstpointer data)
{
    f->porch = ehd_porch_new(60000, on_knock, f);
    f->fd = -1;
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    ehd_porch_free(f->porch);
    if (f->fd >= 0)
        close(f->fd);
}

static void
test_let_in(Fixture *f, gconstpointer data)
{
    int fd = connect_one(f);
    char more[5] = "";

    f->known = TRUE;
    g_assert_cmpint(write(fd, honest, 5), ==, 5);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(f->knocks, ==, 0);
    g_assert_cmpint(write(fd, honest + 5, sizeof honest - 5), ==, sizeof honest - 5);
    g_assert_cmpint(write(fd, "more", 4), ==, 4);
    while (f->fd < 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(read(f->fd, more, 4), ==, 4);
    g_assert_cmpstr(more, ==, "more");
    g_assert_cmpuint(ehd_porch_get_counts(f->porch)->taken, ==, 1);
    close(fd);
}

/* The card may connect before its last answer has come through the reader. */
static void
test_early(Fixture *f, gconstpointer data)
{
    const EhdPorchCounts *counts = ehd_porch_get_counts(f->porch);
    int early = connect_one(f), never = connect_one(f);

    f->soon = TRUE;
    g_assert_cmpint(write(early, honest, sizeof honest), ==, sizeof honest);
    while (f->knocks < 1)
        g_main_context_iteration(NULL, TRUE);
    ehd_porch_retry(f->porch);
    g_assert_cmpuint(f->knocks, ==, 2);
    f->known = TRUE;
    ehd_porch_retry(f->porch);
    g_assert_cmpuint(counts->taken, ==, 1);
    f->known = FALSE;
    g_assert_cmpint(write(never, honest, sizeof honest), ==, sizeof honest);
    while (f->knocks < 4)
        g_main_context_iteration(NULL, TRUE);
    f->soon = FALSE;
    ehd_porch_retry(f->porch);
    g_assert_cmpuint(counts->unknown, ==, 1);
    wait_closed(never);
    close(early);
}

static void
test_turned_away(Fixture *f, gconstpointer data)
{
    guint8 newer[EHP_PREAMBLE_LEN];
    int fd;

    fd = connect_one(f);
    g_assert_cmpint(write(fd, "GET / HTTP/1.1\r\n", 16), ==, 16);
    wait_closed(fd);
    g_assert_cmpuint(ehd_porch_get_counts(f->porch)->junk, ==, 1);

    memcpy(newer, honest, sizeof newer);
    newer[4] = 99;
    fd = connect_one(f);
    g_assert_cmpint(write(fd, newer, sizeof newer), ==, sizeof newer);
    wait_closed(fd);
    g_assert_cmpuint(ehd_porch_get_counts(f->porch)->junk, ==, 2);

    fd = connect_one(f);
    g_assert_cmpint(write(fd, honest, sizeof honest), ==, sizeof honest);
    wait_closed(fd);
    g_assert_cmpuint(ehd_porch_get_counts(f->porch)->unknown, ==, 1);

    fd = connect_one(f);
    close(fd);
    while (ehd_porch_get_counts(f->porch)->silent == 0)
        g_main_context_iteration(NULL, TRUE);
}

static void
test_silent(Fixture *f, gconstpointer data)
{
    int fd;

    ehd_porch_free(f->porch);
    f->porch = ehd_porch_new(10, on_knock, f);
    fd = connect_one(f);
    g_assert_cmpint(write(fd, honest, 20), ==, 20);
    wait_closed(fd);
    g_assert_cmpuint(ehd_porch_get_counts(f->porch)->silent, ==, 1);
}

/* A crowd that says nothing does not keep an honest device out. */
static void
test_crowd(Fixture *f, gconstpointer data)
{
    int crowd[EHD_PORCH_MAX + 4], fd;

    f->known = TRUE;
    for (guint i = 0; i < G_N_ELEMENTS(crowd); i++)
        crowd[i] = connect_one(f);
    g_assert_cmpuint(ehd_porch_get_counts(f->porch)->refused, ==, 4);
    fd = connect_one(f);
    g_assert_cmpint(write(fd, honest, sizeof honest), ==, sizeof honest);
    while (f->fd < 0)
        g_main_context_iteration(NULL, TRUE);
    for (guint i = 0; i < G_N_ELEMENTS(crowd); i++)
        close(crowd[i]);
    close(fd);
}

static void
test_flood(Fixture *f, gconstpointer data)
{
    const EhdPorchCounts *counts = ehd_porch_get_counts(f->porch);

    for (guint i = 0; i < 20 * EHD_PORCH_BURST; i++)
        close(connect_one(f));
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(counts->refused, >, EHD_PORCH_BURST);
    g_assert_cmpuint(counts->refused + counts->silent, ==, 20 * EHD_PORCH_BURST);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/core/porch/let-in", Fixture, NULL, set_up, test_let_in, tear_down);
    g_test_add("/core/porch/early", Fixture, NULL, set_up, test_early, tear_down);
    g_test_add("/core/porch/turned-away", Fixture, NULL, set_up, test_turned_away, tear_down);
    g_test_add("/core/porch/silent", Fixture, NULL, set_up, test_silent, tear_down);
    g_test_add("/core/porch/crowd", Fixture, NULL, set_up, test_crowd, tear_down);
    g_test_add("/core/porch/flood", Fixture, NULL, set_up, test_flood, tear_down);
    return g_test_run();
}
