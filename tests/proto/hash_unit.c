/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256, HMAC and HKDF: published values, and Wycheproof's when it is there.
 */
#include "proto/hash.h"

#include <glib.h>
#include <string.h>

#include "tests/proto/vectors.h"

static void
test_sha256(void)
{
    /* FIPS 180-2, appendix B.1 */
    const ehp_bytes want =
        vectors_hex_of("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    uint8_t out[EHP_HASH_LEN];
    ehp_sha256_state s;

    ehp_sha256(out, "abc", 3);
    g_assert_cmpmem(out, sizeof out, want.data, want.len);
    ehp_sha256_init(&s);
    ehp_sha256_update(&s, "a", 1);
    ehp_sha256_update(&s, NULL, 0);
    ehp_sha256_update(&s, "bc", 2);
    ehp_sha256_final(&s, out);
    g_assert_cmpmem(out, sizeof out, want.data, want.len);
    g_assert_true(sodium_is_zero((const uint8_t *)&s, sizeof s));
}

static void
test_hmac(void)
{
    /* RFC 4231 test case 2, in parts */
    const ehp_bytes want =
        vectors_hex_of("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    const char *text = "what do ya want for nothing?";
    const ehp_bytes parts[] = {
        {(const uint8_t *)text, 5}, {NULL, 0}, {(const uint8_t *)text + 5, strlen(text) - 5}};
    uint8_t out[EHP_HASH_LEN];

    ehp_hmac(out, ehp_bytes_of("Jefe", 4), parts, 3);
    g_assert_cmpmem(out, sizeof out, want.data, want.len);
}

static void
test_hkdf_bounds(void)
{
    static uint8_t okm[255 * 32 + 1];
    const ehp_bytes none = {NULL, 0};

    assert_ok(ehp_hkdf(none, none, none, okm, 255 * 32));
    memset(okm, 0xee, sizeof okm);
    assert_status(ehp_hkdf(none, none, none, okm, 255 * 32 + 1), EHP_INVALID_ARGUMENT);
    g_assert_cmphex(okm[0], ==, 0xee);
    assert_ok(ehp_hkdf(none, none, none, okm, 0));
}

static void
test_noise_hkdf(void)
{
    /* the Noise form is RFC 5869 with an empty info, also when it overlays ck */
    const uint8_t ck[EHP_HASH_LEN] = {1};
    const ehp_bytes ikm = ehp_bytes_of("ikm", 3), none = {NULL, 0};
    uint8_t okm[96], a[32], b[32], c[32];

    assert_ok(ehp_hkdf(ehp_bytes_of(ck, sizeof ck), ikm, none, okm, sizeof okm));
    memcpy(a, ck, sizeof a);
    ehp_hkdf3(a, ikm, a, b, c);
    g_assert_cmpmem(a, 32, okm, 32);
    g_assert_cmpmem(b, 32, okm + 32, 32);
    g_assert_cmpmem(c, 32, okm + 64, 32);
    ehp_hkdf2(ck, ikm, a, b);
    g_assert_cmpmem(a, 32, okm, 32);
    g_assert_cmpmem(b, 32, okm + 32, 32);
}

static void
test_wycheproof_hmac(void)
{
    JsonObject *all = vectors_shared("wycheproof/hmac_sha256_test.json");
    int n = 0;

    if (!all)
        return;
    VECTORS_EACH(group, all, "testGroups")
    VECTORS_EACH(t, group, "tests")
    {
        const ehp_bytes msg = vectors_hex(t, "msg"), tag = vectors_hex(t, "tag");
        const bool valid = g_str_equal(json_object_get_string_member(t, "result"), "valid");
        uint8_t out[EHP_HASH_LEN];

        ehp_hmac(out, vectors_hex(t, "key"), &msg, 1);
        g_assert_cmpint(ehp_secret_equal(out, tag.data, tag.len), ==, valid);
        n++;
    }
    g_test_message("%d vectors", n);
}

static void
test_wycheproof_hkdf(void)
{
    JsonObject *all = vectors_shared("wycheproof/hkdf_sha256_test.json");
    int n = 0;

    if (!all)
        return;
    VECTORS_EACH(group, all, "testGroups")
    VECTORS_EACH(t, group, "tests")
    {
        const size_t size = (size_t)json_object_get_int_member(t, "size");
        const ehp_bytes okm = vectors_hex(t, "okm");
        const bool valid = g_str_equal(json_object_get_string_member(t, "result"), "valid");
        g_autofree uint8_t *out = g_malloc0(size + 1);
        const ehp_status status = ehp_hkdf(vectors_hex(t, "salt"), vectors_hex(t, "ikm"),
                                           vectors_hex(t, "info"), out, size);

        g_assert_cmpint(status == EHP_OK, ==, valid);
        if (valid)
            g_assert_cmpmem(out, size, okm.data, okm.len);
        n++;
    }
    g_test_message("%d vectors", n);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/hash/sha256", test_sha256);
    g_test_add_func("/hash/hmac", test_hmac);
    g_test_add_func("/hash/hkdf-bounds", test_hkdf_bounds);
    g_test_add_func("/hash/noise-hkdf", test_noise_hkdf);
    g_test_add_func("/hash/wycheproof-hmac", test_wycheproof_hmac);
    g_test_add_func("/hash/wycheproof-hkdf", test_wycheproof_hkdf);
    return g_test_run();
}
