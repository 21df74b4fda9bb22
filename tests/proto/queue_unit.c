/* SPDX-License-Identifier: Apache-2.0
 *
 * The output queue: order, cap, sliding, against a simple model.
 */
#include "proto/queue.h"

#include <glib.h>
#include <string.h>

#include "tests/proto/vectors.h"

static void
test_cap(void)
{
    static const uint8_t data[2000];
    ehp_queue q;
    uint8_t *at;

    ehp_queue_init(&q, 1000);
    g_assert_cmpuint(ehp_queue_room(&q), ==, 1000);
    assert_ok(ehp_queue_push(&q, data, 600));
    assert_status(ehp_queue_push(&q, data, 401), EHP_LIMIT_REACHED);
    assert_status(ehp_queue_reserve(&q, SIZE_MAX, &at), EHP_LIMIT_REACHED);
    g_assert_cmpuint(ehp_queue_peek(&q).len, ==, 600);
    assert_ok(ehp_queue_push(&q, data, 400));
    g_assert_cmpuint(ehp_queue_room(&q), ==, 0);
    assert_ok(ehp_queue_push(&q, NULL, 0));
    ehp_queue_drop(&q, 1);
    assert_ok(ehp_queue_push(&q, data, 1));
    g_assert_cmpuint(q.cap, <=, 4096);
    ehp_queue_clear(&q);
    ehp_queue_clear(&q);
    g_assert_cmpuint(ehp_queue_room(&q), ==, 1000);
}

static void
test_empty(void)
{
    ehp_queue q;

    ehp_queue_init(&q, 0);
    g_assert_cmpuint(ehp_queue_peek(&q).len, ==, 0);
    assert_status(ehp_queue_push(&q, "x", 1), EHP_LIMIT_REACHED);
    ehp_queue_drop(&q, 5);
    ehp_queue_clear(&q);
}

static void
test_gives_memory_back(void)
{
    ehp_queue q;
    uint8_t *at;

    ehp_queue_init(&q, 1 << 20);
    assert_ok(ehp_queue_reserve(&q, 1 << 20, &at));
    memset(at, 1, 1 << 20);
    ehp_queue_commit(&q, 1 << 20);
    ehp_queue_drop(&q, 1 << 20);
    g_assert_cmpuint(q.cap, ==, 0);
    assert_ok(ehp_queue_push(&q, "x", 1));
    g_assert_cmpuint(q.cap, ==, 4096);
    ehp_queue_clear(&q);
}

static void
test_against_model(void)
{
    g_autoptr(GByteArray) model = g_byte_array_new();
    GRand *rand = g_rand_new_with_seed(42);
    uint8_t data[3000];
    ehp_queue q;

    ehp_queue_init(&q, 20000);
    for (int i = 0; i < 20000; i++) {
        const size_t len = (size_t)g_rand_int_range(rand, 0, sizeof data);

        if (g_rand_boolean(rand)) {
            memset(data, i, len);
            if (ehp_queue_push(&q, data, len) == EHP_OK)
                g_byte_array_append(model, data, (guint)len);
            else
                g_assert_cmpuint(model->len + len, >, 20000);
        } else {
            ehp_queue_drop(&q, len);
            g_byte_array_remove_range(model, 0, MIN((guint)len, model->len));
        }
        g_assert_cmpmem(ehp_queue_peek(&q).data, ehp_queue_peek(&q).len, model->data,
                        model->len);
    }
    ehp_queue_clear(&q);
    g_rand_free(rand);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/queue/cap", test_cap);
    g_test_add_func("/queue/empty", test_empty);
    g_test_add_func("/queue/memory", test_gives_memory_back);
    g_test_add_func("/queue/model", test_against_model);
    return g_test_run();
}
