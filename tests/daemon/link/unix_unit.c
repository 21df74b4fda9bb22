/* SPDX-License-Identifier: Apache-2.0
 *
 * The unix link over directories of its own: who meets whom, what a name left over does, what
 * is refused.
 */
#include "daemon/link/unix.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/error.h"

static const guint8 seven[] = {7, 8};

typedef struct {
    char *dir;
    GAsyncResult *result;
    int incoming[4];
    guint n_incoming;
} Fixture;

static void
on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    ((Fixture *)user_data)->result = g_object_ref(result);
}

static void
on_incoming(int fd, gpointer user_data)
{
    Fixture *f = user_data;

    g_assert_cmpuint(f->n_incoming, <, G_N_ELEMENTS(f->incoming));
    f->incoming[f->n_incoming++] = fd;
}

static GAsyncResult *
wait_result(Fixture *f)
{
    while (f->result == NULL)
        g_main_context_iteration(NULL, TRUE);
    return g_steal_pointer(&f->result);
}

static gboolean
listen_on(Fixture *f, EhdLink *link, EhdLinkAddress *at, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;

    ehd_link_listen_async(link, on_incoming, f, NULL, on_result, f);
    result = wait_result(f);
    return ehd_link_listen_finish(link, result, at, error);
}

static int
connect_to(Fixture *f, EhdLink *link, const EhdLinkAddress *at, GError **error)
{
    g_autoptr(GAsyncResult) result = NULL;

    ehd_link_connect_async(link, at, NULL, on_result, f);
    result = wait_result(f);
    return ehd_link_connect_finish(link, result, error);
}

static void
set_up(Fixture *f, gconstpointer data)
{
    f->dir = g_dir_make_tmp("ehd-link-XXXXXX", NULL);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    for (guint i = 0; i < f->n_incoming; i++)
        close(f->incoming[i]);
    /* fails if a socket was left behind */
    g_assert_cmpint(g_rmdir(f->dir), ==, 0);
    g_free(f->dir);
}

static void
test_meet(Fixture *f, gconstpointer data)
{
    g_autoptr(EhdLink) clinic = ehd_link_unix_new(f->dir, "AABBCCDDEEFF", seven, 1, NULL);
    g_autoptr(EhdLink) patient = ehd_link_unix_new(f->dir, NULL, seven, 2, NULL);
    g_autofree char *path = g_build_filename(f->dir, "AABBCCDDEEFF.7", NULL);
    EhdLinkAddress at;
    GError *error = NULL;
    char byte = 0;
    int fd;

    g_assert_true(listen_on(f, clinic, &at, NULL));
    g_assert_cmpint(at.channel, ==, 7);
    g_assert_cmpint(at.address[0], ==, 0xaa);
    g_assert_cmpint(at.address[5], ==, 0xff);
    g_assert_true(g_file_test(path, G_FILE_TEST_EXISTS));

    fd = connect_to(f, patient, &at, &error);
    g_assert_no_error(error);
    g_assert_true(fcntl(fd, F_GETFL) & O_NONBLOCK);
    g_assert_true(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    while (f->n_incoming == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpint(write(fd, "x", 1), ==, 1);
    g_assert_cmpint(read(f->incoming[0], &byte, 1), ==, 1);
    g_assert_true(fcntl(f->incoming[0], F_GETFL) & O_NONBLOCK);
    close(fd);

    ehd_link_stop(clinic);
    ehd_link_stop(clinic);
    g_assert_cmpint(connect_to(f, patient, &at, &error), ==, -1);
    g_assert_error(error, EHD_ERROR, EHP_LINK_LOST);
    g_clear_error(&error);
}

/* As with a descriptor of which bluetoothd has a copy, too. */
static void
test_hang_up(void)
{
    int pair[2], copy;
    char byte;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), ==, 0);
    copy = dup(pair[0]);
    g_assert_cmpint(copy, >=, 0);
    ehd_link_hang_up(-1);
    ehd_link_hang_up(pair[0]);
    g_assert_cmpint(fcntl(pair[0], F_GETFD), ==, -1);
    g_assert_cmpint(read(pair[1], &byte, 1), ==, 0); /* EAGAIN while somebody is there */
    close(copy);
    close(pair[1]);
}

static void
test_channels(Fixture *f, gconstpointer data)
{
    g_autoptr(EhdLink) one = ehd_link_unix_new(f->dir, "AABBCCDDEEFF", seven, 2, NULL);
    g_autoptr(EhdLink) two = ehd_link_unix_new(f->dir, "AABBCCDDEEFF", seven, 2, NULL);
    g_autoptr(EhdLink) three = ehd_link_unix_new(f->dir, "AABBCCDDEEFF", seven, 2, NULL);
    g_autoptr(GError) error = NULL;
    EhdLinkAddress a, b, c;

    g_assert_true(listen_on(f, one, &a, NULL));
    g_assert_true(listen_on(f, two, &b, NULL));
    g_assert_cmpint(a.channel, ==, 7);
    g_assert_cmpint(b.channel, ==, 8);
    g_assert_false(listen_on(f, three, &c, &error));
    g_assert_error(error, EHD_ERROR, EHP_LINK_UNAVAILABLE);
    while (f->n_incoming < 3) /* the tries whether those names are stale */
        g_main_context_iteration(NULL, TRUE);
}

static void
test_stale(Fixture *f, gconstpointer data)
{
    g_autofree char *path = g_build_filename(f->dir, "AABBCCDDEEFF.7", NULL);
    g_autoptr(EhdLink) clinic = ehd_link_unix_new(f->dir, "AABBCCDDEEFF", seven, 1, NULL);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    EhdLinkAddress at;
    int killed = socket(AF_UNIX, SOCK_STREAM, 0);

    g_strlcpy(name.sun_path, path, sizeof name.sun_path);
    g_assert_cmpint(bind(killed, (struct sockaddr *)&name, sizeof name), ==, 0);
    g_assert_cmpint(listen(killed, 1), ==, 0);
    close(killed);
    g_assert_true(listen_on(f, clinic, &at, NULL));
}

static void
test_not_a_socket(Fixture *f, gconstpointer data)
{
    g_autofree char *path = g_build_filename(f->dir, "AABBCCDDEEFF.7", NULL);
    g_autoptr(EhdLink) clinic = ehd_link_unix_new(f->dir, "AABBCCDDEEFF", seven, 1, NULL);
    g_autoptr(GError) error = NULL;
    EhdLinkAddress at;

    g_assert_true(g_file_set_contents(path, "mine", -1, NULL));
    g_assert_false(listen_on(f, clinic, &at, &error));
    g_assert_error(error, EHD_ERROR, EHP_LINK_UNAVAILABLE);
    g_assert_cmpint(g_unlink(path), ==, 0);
}

static void
test_no_directory(Fixture *f, gconstpointer data)
{
    g_autofree char *gone = g_build_filename(f->dir, "gone", NULL);
    g_autoptr(EhdLink) link = ehd_link_unix_new(gone, "AABBCCDDEEFF", seven, 2, NULL);
    g_autoptr(GError) error = NULL;
    g_auto(EhdLinkDescription) description = {0};
    EhdLinkAddress at;

    g_assert_false(listen_on(f, link, &at, &error));
    g_assert_error(error, EHD_ERROR, EHP_LINK_UNAVAILABLE);
    g_clear_error(&error);
    g_assert_false(ehd_link_describe(link, &description, &error));
    g_assert_error(error, EHD_ERROR, EHP_LINK_UNAVAILABLE);
    g_assert_nonnull(description.text);
}

static void
test_refused(void)
{
    static const struct {
        const char *directory, *address;
    } rows[] = {
        {NULL, NULL},
        {"relative", NULL},
        {"/" /* and 91 more */
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
         "aaaaaa",
         NULL},
        {"/x", "AABBCCDDEEF"},
        {"/x", "AABBCCDDEEFG"},
        {"/x", "AABBCCDDEEFF00"},
        {"/x", "../../../../"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GError) error = NULL;

        g_assert_null(
            ehd_link_unix_new(rows[i].directory, rows[i].address, seven, 2, &error));
        g_assert_error(error, EHD_ERROR, EHP_CONFIG_INVALID);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add("/link/unix/meet", Fixture, NULL, set_up, test_meet, tear_down);
    g_test_add_func("/link/hang-up", test_hang_up);
    g_test_add("/link/unix/channels", Fixture, NULL, set_up, test_channels, tear_down);
    g_test_add("/link/unix/stale", Fixture, NULL, set_up, test_stale, tear_down);
    g_test_add("/link/unix/not-a-socket", Fixture, NULL, set_up, test_not_a_socket, tear_down);
    g_test_add("/link/unix/no-directory", Fixture, NULL, set_up, test_no_directory, tear_down);
    g_test_add_func("/link/unix/refused", test_refused);
    return g_test_run();
}
