/* SPDX-License-Identifier: Apache-2.0
 *
 * The byte stream over a socket pair: order and bounds, back-pressure, hang-up after the last
 * byte, freeing from within every callback.
 */
#include "daemon/link/stream.h"

#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define WRITE_MAX 8192

typedef enum {
    FREE_NEVER,
    FREE_IN_FEED,
    FREE_IN_PEEK,
    FREE_IN_WRITTEN,
    FREE_IN_CLOSED
} WhenFreed;

typedef struct {
    EhdStream *stream;
    GByteArray *to_send;
    gsize given, largest;
    GByteArray *got;
    guint closed;
    WhenFreed when;
} End;

static gsize
on_peek(const guint8 **bytes, gpointer user_data)
{
    End *end = user_data;

    if (end->when == FREE_IN_PEEK)
        g_clear_pointer(&end->stream, ehd_stream_free);
    *bytes = end->to_send->data + end->given;
    return end->to_send->len - end->given;
}

static void
on_written(gsize length, gpointer user_data)
{
    End *end = user_data;

    end->given += length;
    end->largest = MAX(end->largest, length);
    if (end->when == FREE_IN_WRITTEN)
        g_clear_pointer(&end->stream, ehd_stream_free);
}

static void
on_feed(const guint8 *bytes, gsize length, gpointer user_data)
{
    End *end = user_data;

    g_assert_cmpuint(length, <=, EHD_STREAM_READ_MAX);
    g_byte_array_append(end->got, bytes, (guint)length);
    if (end->when == FREE_IN_FEED)
        g_clear_pointer(&end->stream, ehd_stream_free);
}

static void
on_closed(gpointer user_data)
{
    End *end = user_data;

    end->closed++;
    if (end->when == FREE_IN_CLOSED)
        g_clear_pointer(&end->stream, ehd_stream_free);
}

static const EhdStreamUser user = {
    .peek = on_peek, .written = on_written, .feed = on_feed, .closed = on_closed};

static void
end_init(End *end, int fd, gsize to_send)
{
    memset(end, 0, sizeof *end);
    end->to_send = g_byte_array_new();
    end->got = g_byte_array_new();
    for (gsize i = 0; i < to_send; i++) {
        guint8 byte = (guint8)(i * 7 + i / 251);
        g_byte_array_append(end->to_send, &byte, 1);
    }
    end->stream = ehd_stream_new(fd, WRITE_MAX, &user, end);
}

static void
end_clear(End *end)
{
    g_clear_pointer(&end->stream, ehd_stream_free);
    g_byte_array_unref(end->to_send);
    g_byte_array_unref(end->got);
}

static void
pair(int fd[2])
{
    g_assert_cmpint(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, fd), ==,
                    0);
}

static void
test_both_ways(void)
{
    End a, b;
    int fd[2];

    pair(fd);
    end_init(&a, fd[0], 3000000);
    end_init(&b, fd[1], 100001);
    while (b.got->len < a.to_send->len || a.got->len < b.to_send->len)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpmem(b.got->data, b.got->len, a.to_send->data, a.to_send->len);
    g_assert_cmpmem(a.got->data, a.got->len, b.to_send->data, b.to_send->len);
    g_assert_cmpuint(a.largest, ==, WRITE_MAX);
    g_assert_cmpuint(ehd_stream_get_sent(a.stream), ==, 3000000);
    g_assert_cmpuint(ehd_stream_get_received(a.stream), ==, 100001);
    end_clear(&a);
    end_clear(&b);
}

static void
test_wake(void)
{
    End a, b;
    int fd[2];

    pair(fd);
    end_init(&a, fd[0], 0);
    end_init(&b, fd[1], 0);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_byte_array_append(a.to_send, (const guint8 *)"late", 4);
    /* nobody said so: nothing moves */
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(b.got->len, ==, 0);
    ehd_stream_wake(a.stream);
    while (b.got->len < 4)
        g_main_context_iteration(NULL, TRUE);
    end_clear(&a);
    end_clear(&b);
}

static void
test_back_pressure(void)
{
    End a, b;
    int fd[2];

    pair(fd);
    end_init(&a, fd[0], 4000000);
    end_init(&b, fd[1], 0);
    ehd_stream_set_reading(b.stream, FALSE);
    while (g_main_context_iteration(NULL, FALSE))
        ;
    g_assert_cmpuint(b.got->len, ==, 0);
    g_assert_cmpuint(a.given, <, a.to_send->len);
    ehd_stream_set_reading(b.stream, TRUE);
    while (b.got->len < a.to_send->len)
        g_main_context_iteration(NULL, TRUE);
    end_clear(&a);
    end_clear(&b);
}

/* All that had been sent arrives before the end is told; a paused reader does not make the loop
 * spin. */
static void
test_hang_up(void)
{
    End a, b;
    int fd[2];
    guint turns = 0;

    pair(fd);
    end_init(&a, fd[0], 50000);
    end_init(&b, fd[1], 0);
    ehd_stream_set_reading(b.stream, FALSE);
    while (a.given < a.to_send->len)
        g_main_context_iteration(NULL, TRUE);
    while (ehd_stream_get_sent(a.stream) < a.to_send->len)
        g_main_context_iteration(NULL, TRUE);
    g_clear_pointer(&a.stream, ehd_stream_free);
    while (g_main_context_iteration(NULL, FALSE))
        g_assert_cmpuint(turns++, <, 100);
    g_assert_cmpuint(b.closed, ==, 0);
    ehd_stream_set_reading(b.stream, TRUE);
    while (b.closed == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(b.got->len, ==, 50000);
    while (g_main_context_iteration(NULL, FALSE))
        g_assert_cmpuint(turns++, <, 200);
    g_assert_cmpuint(b.closed, ==, 1);
    end_clear(&a);
    end_clear(&b);
}

static void
test_finish(void)
{
    End a, b;
    int fd[2];

    pair(fd);
    end_init(&a, fd[0], 300000);
    end_init(&b, fd[1], 0);
    ehd_stream_finish(a.stream, 60000);
    while (a.closed == 0 || b.closed == 0)
        g_main_context_iteration(NULL, TRUE);
    g_assert_cmpuint(b.got->len, ==, 300000);
    end_clear(&a);
    end_clear(&b);
}

/* The other side takes nothing: the grace runs out. */
static void
test_finish_grace(void)
{
    End a;
    int fd[2];

    pair(fd);
    end_init(&a, fd[0], 4000000);
    ehd_stream_finish(a.stream, 20);
    while (a.closed == 0)
        g_main_context_iteration(NULL, TRUE);
    end_clear(&a);
    close(fd[1]);
}

static void
test_freed_within(void)
{
    static const WhenFreed whens[] = {FREE_IN_FEED, FREE_IN_PEEK, FREE_IN_WRITTEN,
                                      FREE_IN_CLOSED};

    for (gsize i = 0; i < G_N_ELEMENTS(whens); i++) {
        End a;
        int fd[2];

        pair(fd);
        end_init(&a, fd[0], 10);
        a.when = whens[i];
        g_assert_cmpint(write(fd[1], "abc", 3), ==, 3);
        if (whens[i] == FREE_IN_CLOSED)
            close(fd[1]);
        while (a.stream != NULL)
            g_main_context_iteration(NULL, TRUE);
        while (g_main_context_iteration(NULL, FALSE))
            ;
        if (whens[i] != FREE_IN_CLOSED)
            close(fd[1]);
        end_clear(&a);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/link/stream/both-ways", test_both_ways);
    g_test_add_func("/link/stream/wake", test_wake);
    g_test_add_func("/link/stream/back-pressure", test_back_pressure);
    g_test_add_func("/link/stream/hang-up", test_hang_up);
    g_test_add_func("/link/stream/finish", test_finish);
    g_test_add_func("/link/stream/finish-grace", test_finish_grace);
    g_test_add_func("/link/stream/freed-within", test_freed_within);
    return g_test_run();
}
