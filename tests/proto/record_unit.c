/* SPDX-License-Identifier: Apache-2.0
 *
 * The record layer: our vectors in chunks of every size, rekeying on both sides, what must
 * fail.
 */
#include "proto/record.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "tests/proto/vectors.h"

#define QUEUE_MAX (256 * 1024)

static const uint8_t some_key[EHP_KEY_LEN] = {3};

/* A link whose both directions have the same key: what it seals it can open. */
static void
start(ehp_record *r, const uint8_t *key)
{
    ehp_cipher send, recv;

    ehp_cipher_init(&send, key);
    ehp_cipher_init(&recv, key);
    ehp_record_init(r, &send, &recv);
    g_assert_false(send.has_key || recv.has_key);
}

static void
test_seal(void)
{
    JsonObject *all = vectors_own("record.json");
    ehp_record r;
    ehp_queue q;

    start(&r, vectors_hex(all, "key").data);
    ehp_queue_init(&q, QUEUE_MAX);
    VECTORS_EACH(v, all, "records")
    {
        const ehp_bytes plain = vectors_hex(v, "plain"), want = vectors_hex(v, "wire");

        assert_ok(ehp_record_seal(&r, plain, &q));
        assert_bytes(ehp_queue_peek(&q), want);
        g_assert_cmpuint(ehp_record_size(plain.len), ==, want.len);
        ehp_queue_drop(&q, want.len);
    }
    ehp_queue_clear(&q);
    ehp_record_clear(&r);
}

static void
open_in_chunks(JsonObject *all, size_t chunk)
{
    g_autoptr(GByteArray) wire = g_byte_array_new();
    guint seen = 0;
    ehp_record r;

    start(&r, vectors_hex(all, "key").data);
    VECTORS_EACH(v, all, "records")
    g_byte_array_append(wire, vectors_hex(v, "wire").data, (guint)vectors_hex(v, "wire").len);
    g_assert_false(ehp_record_authenticated(&r));
    for (size_t at = 0; at < wire->len; at += chunk) {
        ehp_reader in;
        ehp_bytes plain;
        ehp_status status;

        ehp_reader_init(&in, wire->data + at, MIN(chunk, wire->len - at));
        while ((status = ehp_record_next(&r, &in, &plain)) == EHP_OK)
            assert_bytes(plain, vectors_hex(vectors_at(all, "records", seen++), "plain"));
        g_assert_cmpint(status, ==, EHP_AGAIN);
        g_assert_cmpuint(in.left, ==, 0);
    }
    g_assert_cmpuint(seen, ==, vectors_count(all, "records"));
    g_assert_true(ehp_record_authenticated(&r));
    ehp_record_clear(&r);
}

static void
test_open(void)
{
    const size_t chunks[] = {1, 2, 3, 7, 19, 20, 1000, 32767, 32768, 32770, 1 << 20};

    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++)
        open_in_chunks(vectors_own("record.json"), chunks[i]);
}

static void
test_must_fail(void)
{
    JsonObject *all = vectors_own("record.json");

    VECTORS_EACH(f, all, "must_fail")
    {
        const ehp_bytes wire = vectors_hex(f, "wire");
        ehp_bytes plain;
        ehp_status status;
        ehp_reader in;
        ehp_record r;

        g_test_message("%s", json_object_get_string_member(f, "comment"));
        start(&r, vectors_hex(all, "key").data);
        ehp_reader_init(&in, wire.data, wire.len);
        while ((status = ehp_record_next(&r, &in, &plain)) == EHP_OK)
            ;
        assert_status(status, vectors_error(f));
        /* and so it stays, whatever comes */
        ehp_reader_init(&in, vectors_hex(vectors_at(all, "records", 0), "wire").data, 18);
        assert_status(ehp_record_next(&r, &in, &plain), vectors_error(f));
        ehp_record_clear(&r);
    }
}

static void
test_bad_length_keeps_nothing(void)
{
    const uint8_t wire[] = {0xff, 0xff};
    ehp_bytes plain;
    ehp_reader in;
    ehp_record r;

    start(&r, some_key);
    ehp_reader_init(&in, wire, sizeof wire);
    assert_status(ehp_record_next(&r, &in, &plain), EHP_TOO_LARGE);
    g_assert_null(r.in);
    ehp_record_clear(&r);
}

static void
test_rekey(void)
{
    JsonObject *all = vectors_own("record.json");
    guint next = 0;
    ehp_record a, b;
    ehp_queue q;

    start(&a, vectors_hex(all, "key").data);
    start(&b, vectors_hex(all, "key").data);
    ehp_queue_init(&q, QUEUE_MAX);
    for (gint64 i = 0; i <= 2 * (gint64)EHP_REKEY_RECORDS; i++) {
        JsonObject *v = vectors_at(all, "rekey", next);
        const ehp_bytes plain = ehp_bytes_of("r", 1);
        ehp_bytes got;
        ehp_reader in;

        assert_ok(ehp_record_seal(&a, plain, &q));
        if (i == json_object_get_int_member(v, "record")) {
            assert_bytes(ehp_queue_peek(&q), vectors_hex(v, "wire"));
            next += next + 1 < vectors_count(all, "rekey");
        }
        ehp_reader_init(&in, ehp_queue_peek(&q).data, ehp_queue_peek(&q).len);
        assert_ok(ehp_record_next(&b, &in, &got));
        assert_bytes(got, plain);
        ehp_queue_drop(&q, SIZE_MAX);
    }
    g_assert_cmpuint(next, ==, vectors_count(all, "rekey") - 1);
    ehp_queue_clear(&q);
    ehp_record_clear(&a);
    ehp_record_clear(&b);
}

static void
test_seal_bounds(void)
{
    static const uint8_t plain[EHP_RECORD_PLAIN_MAX + 1];
    ehp_record r;
    ehp_queue q;

    start(&r, some_key);
    ehp_queue_init(&q, 100);
    assert_status(ehp_record_seal(&r, ehp_bytes_of(plain, sizeof plain), &q),
                  EHP_INVALID_ARGUMENT);
    assert_status(ehp_record_seal(&r, ehp_bytes_of(plain, 100 - 17), &q), EHP_LIMIT_REACHED);
    g_assert_cmpuint(r.send.nonce, ==, 0);
    g_assert_cmpuint(ehp_queue_peek(&q).len, ==, 0);
    assert_ok(ehp_record_seal(&r, ehp_bytes_of(plain, 100 - 18), &q));
    g_assert_cmpuint(ehp_queue_peek(&q).len, ==, 100);
    ehp_queue_clear(&q);
    ehp_record_clear(&r);
    g_assert_true(sodium_is_zero((const uint8_t *)&r, sizeof r));
    ehp_record_clear(&r);
}

/* A failure of the peer's records leaves our own direction to say goodbye. */
static void
test_sends_after_failure(void)
{
    const uint8_t wire[] = {0, 0};
    ehp_bytes plain;
    ehp_reader in;
    ehp_record r;
    ehp_queue q;

    start(&r, some_key);
    ehp_queue_init(&q, QUEUE_MAX);
    ehp_reader_init(&in, wire, sizeof wire);
    assert_status(ehp_record_next(&r, &in, &plain), EHP_BAD_MESSAGE);
    assert_ok(ehp_record_seal(&r, ehp_bytes_of("bye", 3), &q));
    ehp_queue_clear(&q);
    ehp_record_clear(&r);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/record/seal", test_seal);
    g_test_add_func("/record/open", test_open);
    g_test_add_func("/record/must-fail", test_must_fail);
    g_test_add_func("/record/length", test_bad_length_keeps_nothing);
    g_test_add_func("/record/rekey", test_rekey);
    g_test_add_func("/record/bounds", test_seal_bounds);
    g_test_add_func("/record/goodbye", test_sends_after_failure);
    return g_test_run();
}
