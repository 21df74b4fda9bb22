/* SPDX-License-Identifier: Apache-2.0
 *
 * Every allocation of the primitives fails once, by the linker's --wrap: each time a named
 * error, nothing lost, nothing leaked, and the next try works. (zstd's and protobuf-c's own
 * allocations are not reached by this; protobuf-c allocates from our arena only.)
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/ehrlink.pb-c.h"
#include "proto/guard.h"
#include "proto/record.h"
#include "proto/segment.h"
#include "proto/sign.h"
#include "tests/proto/vectors.h"

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);

/* How many allocations still work; -1: all. */
static int left = -1;

static bool
starve(void)
{
    if (left < 0)
        return false;
    return left-- == 0 ? (left = 0, true) : false;
}

void *
__wrap_malloc(size_t size)
{
    return starve() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return starve() ? NULL : __real_calloc(n, size);
}

/* Runs what with 0, 1, 2 … allocations until it works; gives how often it did not. */
static int
until_it_works(ehp_status (*what)(void))
{
    for (int allowed = 0; allowed < 100; allowed++) {
        ehp_status status;

        left = allowed;
        status = what();
        left = -1;
        if (status == EHP_OK)
            return allowed;
        assert_status(status, EHP_NO_MEMORY);
    }
    g_assert_not_reached();
}

static ehp_status
guard(void)
{
    /* 100 items: more than one chunk */
    uint8_t bytes[200];
    ehp_unpacked out = {0};
    ehp_status status;

    for (size_t i = 0; i < sizeof bytes; i += 2)
        memcpy(bytes + i, "\x12\x00", 2);
    status = ehp_guard_unpack(&ehp__manifest_page__descriptor,
                              ehp_bytes_of(bytes, sizeof bytes), NULL, &out);
    g_assert_cmpint(out.message != NULL, ==, status == EHP_OK);
    ehp_guard_free(&out);
    return status;
}

static ehp_status
sign(void)
{
    const uint8_t seed[EHP_SIGN_SEED_LEN] = {1};
    const ehp_bytes body = ehp_bytes_of("body", 4);
    uint8_t pub[EHP_SIGN_PUBLIC_LEN], secret[EHP_SIGN_SECRET_LEN], sig[EHP_SIGNATURE_LEN];
    ehp_status status;

    ehp_sign_keypair(seed, pub, secret);
    status = ehp_sign(EHP_SIGN_RECEIPT, secret, body, sig);
    if (status != EHP_OK)
        return status;
    return ehp_sign_verify(EHP_SIGN_RECEIPT, ehp_bytes_of(pub, sizeof pub), body,
                           ehp_bytes_of(sig, sizeof sig));
}

static ehp_status
segment(void)
{
    const uint8_t data[4] = {1, 2, 3, 4};
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    ehp_segment_decoder *dec = ehp_segment_decoder_new();
    ehp_status status = enc && dec ? EHP_OK : EHP_NO_MEMORY;
    uint8_t buffer[4];
    ehp_segment s;

    if (status == EHP_OK)
        status = ehp_segment_encode(enc, 3, data, sizeof data, buffer, &s);
    ehp_segment_encoder_free(enc);
    ehp_segment_decoder_free(dec);
    return status;
}

/* Keeps the state of both ends from try to try: a failed seal must not have used a nonce. */
static ehp_record a, b;

static ehp_status
record(void)
{
    ehp_queue q;
    ehp_reader in;
    ehp_bytes plain;
    ehp_status status;

    ehp_queue_init(&q, 1000);
    status = ehp_record_seal(&a, ehp_bytes_of("hello", 5), &q);
    if (status == EHP_OK) {
        ehp_reader_init(&in, ehp_queue_peek(&q).data, ehp_queue_peek(&q).len);
        status = ehp_record_next(&b, &in, &plain);
        if (status == EHP_OK)
            g_assert_cmpmem(plain.data, plain.len, "hello", 5);
    }
    ehp_queue_clear(&q);
    return status;
}

static void
start(ehp_record *r)
{
    const uint8_t key[EHP_KEY_LEN] = {1};
    ehp_cipher send, recv;

    ehp_cipher_init(&send, key);
    ehp_cipher_init(&recv, key);
    ehp_record_init(r, &send, &recv);
}

static void
test_guard(void)
{
    g_assert_cmpint(until_it_works(guard), >=, 3);
}

static void
test_sign(void)
{
    g_assert_cmpint(until_it_works(sign), ==, 2);
}

static void
test_segment(void)
{
    g_assert_cmpint(until_it_works(segment), ==, 3);
}

static void
test_record(void)
{
    start(&a);
    start(&b);
    left = 0;
    assert_status(record(), EHP_NO_MEMORY); /* the queue cannot grow */
    left = -1;
    g_assert_cmpuint(a.sent, ==, 0);
    assert_ok(record());
    ehp_record_clear(&a);
    ehp_record_clear(&b);

    start(&a);
    start(&b);
    left = 1;
    assert_status(record(), EHP_NO_MEMORY); /* the buffer of the reading side: final */
    left = -1;
    assert_status(record(), EHP_NO_MEMORY);
    ehp_record_clear(&a);
    ehp_record_clear(&b);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/starved/guard", test_guard);
    g_test_add_func("/starved/sign", test_sign);
    g_test_add_func("/starved/segment", test_segment);
    g_test_add_func("/starved/record", test_record);
    return g_test_run();
}
