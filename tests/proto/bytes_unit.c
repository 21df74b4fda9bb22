/* SPDX-License-Identifier: Apache-2.0
 *
 * Reader and writer: fields, bounds, stickiness.
 */
#include "proto/bytes.h"

#include <glib.h>
#include <sodium.h>

static const uint8_t sample[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15};

static void
test_take(void)
{
    ehp_reader r;

    ehp_reader_init(&r, sample, sizeof sample);
    g_assert_cmphex(ehp_take_u8(&r), ==, 0x01);
    g_assert_cmphex(ehp_take_be16(&r), ==, 0x0203);
    g_assert_cmphex(ehp_take_be32(&r), ==, 0x04050607);
    g_assert_cmphex(ehp_take_be64(&r), ==, 0x08090a0b0c0d0e0f);
    g_assert_cmpint(ehp_reader_end(&r), ==, EHP_OK);
}

static void
test_take_fails_stickily(void)
{
    ehp_reader r;

    ehp_reader_init(&r, sample, 3);
    g_assert_cmphex(ehp_take_be32(&r), ==, 0);
    g_assert_true(r.bad);
    g_assert_cmphex(ehp_take_u8(&r), ==, 0);
    g_assert_null(ehp_take(&r, 0).data);
    g_assert_null(ehp_take_rest(&r).data);
    g_assert_cmpint(ehp_reader_end(&r), ==, EHP_BAD_MESSAGE);

    ehp_reader_init(&r, sample, 3);
    g_assert_null(ehp_take(&r, SIZE_MAX).data);
    g_assert_true(r.bad);
}

static void
test_left_over_is_an_error(void)
{
    ehp_reader r;

    ehp_reader_init(&r, sample, 3);
    g_assert_cmpuint(ehp_take(&r, 2).len, ==, 2);
    g_assert_cmpint(ehp_reader_end(&r), ==, EHP_BAD_MESSAGE);
    g_assert_cmpuint(ehp_take_rest(&r).len, ==, 1);
    g_assert_cmpint(ehp_reader_end(&r), ==, EHP_OK);
    g_assert_cmpuint(ehp_take_rest(&r).len, ==, 0);
    g_assert_cmpint(ehp_reader_end(&r), ==, EHP_OK);
}

static void
test_empty_input(void)
{
    ehp_reader r;

    ehp_reader_init(&r, NULL, 0);
    g_assert_cmpuint(ehp_take_rest(&r).len, ==, 0);
    g_assert_cmpint(ehp_reader_end(&r), ==, EHP_OK);
    (void)ehp_take_u8(&r);
    g_assert_cmpint(ehp_reader_end(&r), ==, EHP_BAD_MESSAGE);
}

static void
test_put(void)
{
    uint8_t out[sizeof sample];
    ehp_writer w;

    ehp_writer_init(&w, out, sizeof out);
    ehp_put_u8(&w, 0x01);
    ehp_put_be16(&w, 0x0203);
    ehp_put_be32(&w, 0x04050607);
    ehp_put_be64(&w, 0x08090a0b0c0d0e0f);
    ehp_put(&w, NULL, 0);
    g_assert_cmpint(ehp_writer_end(&w), ==, EHP_OK);
    g_assert_cmpmem(out, w.len, sample, sizeof sample);
    ehp_put_u8(&w, 0);
    g_assert_cmpint(ehp_writer_end(&w), ==, EHP_TOO_LARGE);
}

static void
test_put_all_or_nothing(void)
{
    uint8_t out[4] = {0xee, 0xee, 0xee, 0xee};
    ehp_writer w;

    ehp_writer_init(&w, out, sizeof out);
    ehp_put(&w, sample, 5);
    ehp_put_u8(&w, 1);
    g_assert_null(ehp_put_room(&w, 1));
    g_assert_cmpuint(w.len, ==, 0);
    g_assert_cmphex(out[0], ==, 0xee);
    g_assert_cmpint(ehp_writer_end(&w), ==, EHP_TOO_LARGE);
}

static void
test_put_text(void)
{
    char out[64] = {0};
    ehp_writer w;

    ehp_writer_init(&w, out, sizeof out - 1);
    ehp_put_text(&w, "a-");
    ehp_put_decimal(&w, 0);
    ehp_put_text(&w, "-");
    ehp_put_decimal(&w, 65536);
    ehp_put_text(&w, "-");
    ehp_put_decimal(&w, UINT64_MAX);
    g_assert_cmpstr(out, ==, "a-0-65536-18446744073709551615");
}

static void
test_compare_and_wipe(void)
{
    uint8_t a[4] = {1, 2, 3, 4};
    const uint8_t b[4] = {1, 2, 3, 5};

    g_assert_true(ehp_bytes_equal(ehp_bytes_of(a, 3), ehp_bytes_of(b, 3)));
    g_assert_false(ehp_bytes_equal(ehp_bytes_of(a, 4), ehp_bytes_of(b, 4)));
    g_assert_false(ehp_bytes_equal(ehp_bytes_of(a, 3), ehp_bytes_of(a, 4)));
    g_assert_true(ehp_bytes_equal(ehp_bytes_of(NULL, 0), ehp_bytes_of(a, 0)));
    g_assert_true(ehp_secret_equal(a, b, 3));
    g_assert_false(ehp_secret_equal(a, b, 4));
    ehp_wipe(NULL, 0);
    ehp_wipe(a, sizeof a);
    g_assert_true(sodium_is_zero(a, sizeof a));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/bytes/take", test_take);
    g_test_add_func("/bytes/sticky", test_take_fails_stickily);
    g_test_add_func("/bytes/left-over", test_left_over_is_an_error);
    g_test_add_func("/bytes/empty", test_empty_input);
    g_test_add_func("/bytes/put", test_put);
    g_test_add_func("/bytes/put-all", test_put_all_or_nothing);
    g_test_add_func("/bytes/text", test_put_text);
    g_test_add_func("/bytes/compare", test_compare_and_wipe);
    return g_test_run();
}
