/* SPDX-License-Identifier: Apache-2.0
 *
 * The cipher state: counter, bounds, rekey; and Wycheproof on what it stands on,
 * ChaCha20-Poly1305 and X25519 of libsodium.
 */
#include "proto/cipher.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "tests/proto/vectors.h"

static const uint8_t key[EHP_KEY_LEN] = {7};
static const ehp_bytes no_ad = {NULL, 0};

static void
test_round_trip(void)
{
    ehp_cipher a, b;
    uint8_t buffer[64];

    ehp_cipher_init(&a, key);
    ehp_cipher_init(&b, key);
    for (uint8_t i = 0; i < 20; i++) {
        memset(buffer, i, i);
        assert_ok(ehp_cipher_seal(&a, no_ad, buffer, i, buffer));
        assert_ok(ehp_cipher_open(&b, no_ad, buffer, i + EHP_TAG_LEN, buffer));
        for (uint8_t k = 0; k < i; k++)
            g_assert_cmpint(buffer[k], ==, i);
    }
    g_assert_cmpuint(a.nonce, ==, 20);
}

static void
test_bad_tag_keeps_the_counter(void)
{
    const ehp_bytes ad = ehp_bytes_of("ad", 2);
    ehp_cipher a, b;
    uint8_t sealed[32], out[32];

    ehp_cipher_init(&a, key);
    ehp_cipher_init(&b, key);
    assert_ok(ehp_cipher_seal(&a, ad, (const uint8_t *)"text", 4, sealed));
    for (size_t i = 0; i < 4 + EHP_TAG_LEN; i++) {
        sealed[i] ^= 1;
        assert_status(ehp_cipher_open(&b, ad, sealed, 4 + EHP_TAG_LEN, out), EHP_BAD_TAG);
        sealed[i] ^= 1;
    }
    assert_status(ehp_cipher_open(&b, no_ad, sealed, 4 + EHP_TAG_LEN, out), EHP_BAD_TAG);
    assert_status(ehp_cipher_open(&b, ad, sealed, EHP_TAG_LEN - 1, out), EHP_BAD_TAG);
    assert_status(ehp_cipher_open(&b, ad, sealed, 0, out), EHP_BAD_TAG);
    g_assert_cmpuint(b.nonce, ==, 0);
    assert_ok(ehp_cipher_open(&b, ad, sealed, 4 + EHP_TAG_LEN, out));
}

static void
test_used_up(void)
{
    ehp_cipher c;
    uint8_t out[32] = {0};

    ehp_cipher_init(&c, key);
    c.nonce = UINT64_MAX - 1;
    assert_ok(ehp_cipher_seal(&c, no_ad, NULL, 0, out));
    assert_status(ehp_cipher_seal(&c, no_ad, NULL, 0, out), EHP_WRONG_STATE);
    assert_status(ehp_cipher_open(&c, no_ad, out, EHP_TAG_LEN, out), EHP_WRONG_STATE);
}

static void
test_without_key(void)
{
    ehp_cipher a, b;
    uint8_t out[32] = {0};

    ehp_cipher_init(&a, key);
    ehp_cipher_move(&b, &a);
    g_assert_true(sodium_is_zero((const uint8_t *)&a, sizeof a));
    assert_status(ehp_cipher_seal(&a, no_ad, NULL, 0, out), EHP_WRONG_STATE);
    assert_status(ehp_cipher_open(&a, no_ad, out, sizeof out, out), EHP_WRONG_STATE);
    ehp_cipher_rekey(&a);
    g_assert_false(a.has_key);
    assert_ok(ehp_cipher_seal(&b, no_ad, NULL, 0, out));
    ehp_cipher_clear(&b);
    g_assert_true(sodium_is_zero((const uint8_t *)&b, sizeof b));
}

static void
test_rekey(void)
{
    ehp_cipher c;

    ehp_cipher_init(&c, key);
    c.nonce = 5;
    ehp_cipher_rekey(&c);
    g_assert_cmpuint(c.nonce, ==, 5);
    g_assert_false(ehp_secret_equal(c.key, key, sizeof c.key));
}

static void
test_wycheproof_aead(void)
{
    JsonObject *all = vectors_shared("wycheproof/chacha20_poly1305_test.json");
    int n = 0;

    if (!all)
        return;
    VECTORS_EACH(group, all, "testGroups")
    VECTORS_EACH(t, group, "tests")
    {
        const ehp_bytes iv = vectors_hex(t, "iv"), ad = vectors_hex(t, "aad");
        const ehp_bytes msg = vectors_hex(t, "msg"), ct = vectors_hex(t, "ct");
        const ehp_bytes tag = vectors_hex(t, "tag"), k = vectors_hex(t, "key");
        const bool valid = g_str_equal(json_object_get_string_member(t, "result"), "valid");
        g_autofree uint8_t *sealed = g_malloc(ct.len + tag.len + 1);
        g_autofree uint8_t *out = g_malloc(ct.len + 1);

        /* other lengths of a nonce do not exist in this AEAD's interface */
        if (iv.len != 12)
            continue;
        memcpy(sealed, ct.data, ct.len);
        memcpy(sealed + ct.len, tag.data, tag.len);
        g_assert_cmpint(crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed,
                                                                  ct.len + tag.len, ad.data,
                                                                  ad.len, iv.data, k.data) == 0,
                        ==, valid);
        if (valid)
            g_assert_cmpmem(out, ct.len, msg.data, msg.len);
        n++;
    }
    g_test_message("%d vectors", n);
}

static void
test_wycheproof_x25519(void)
{
    JsonObject *all = vectors_shared("wycheproof/x25519_test.json");
    int n = 0, refused = 0;

    if (!all)
        return;
    VECTORS_EACH(group, all, "testGroups")
    VECTORS_EACH(t, group, "tests")
    {
        const ehp_bytes shared = vectors_hex(t, "shared");
        uint8_t out[32];
        const int failed = crypto_scalarmult(out, vectors_hex(t, "private").data,
                                             vectors_hex(t, "public").data);

        /* an all-zero result must be an error, everything else the exact value */
        g_assert_cmpint(failed != 0, ==, sodium_is_zero(shared.data, shared.len));
        if (!failed)
            g_assert_cmpmem(out, sizeof out, shared.data, shared.len);
        refused += failed != 0;
        n++;
    }
    g_assert_cmpint(refused, >, 0);
    g_test_message("%d vectors, %d of them refused as all-zero", n, refused);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/cipher/round-trip", test_round_trip);
    g_test_add_func("/cipher/bad-tag", test_bad_tag_keeps_the_counter);
    g_test_add_func("/cipher/used-up", test_used_up);
    g_test_add_func("/cipher/without-key", test_without_key);
    g_test_add_func("/cipher/rekey", test_rekey);
    g_test_add_func("/cipher/wycheproof-aead", test_wycheproof_aead);
    g_test_add_func("/cipher/wycheproof-x25519", test_wycheproof_x25519);
    return g_test_run();
}
