/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed signatures: our vectors, must-fail ones, and Wycheproof on libsodium's Ed25519.
 */
#include "proto/sign.h"

#include <glib.h>
#include <sodium.h>

#include "tests/proto/vectors.h"

static ehp_sign_type
type_of(JsonObject *v)
{
    const char *name = json_object_get_string_member(v, "type");

    for (int i = 0; i < EHP_SIGN_TYPES; i++)
        if (g_str_equal(ehp_sign_type_name((ehp_sign_type)i), name))
            return (ehp_sign_type)i;
    g_assert_not_reached();
}

static void
test_own(void)
{
    JsonObject *all = vectors_own("sign.json");

    g_assert_cmpuint(vectors_count(all, "cases"), ==, EHP_SIGN_TYPES);
    VECTORS_EACH(c, all, "cases")
    {
        const ehp_bytes want = vectors_hex(c, "signature"), pub = vectors_hex(c, "public");
        const ehp_bytes body = vectors_hex(c, "body");
        uint8_t public[EHP_SIGN_PUBLIC_LEN], secret[EHP_SIGN_SECRET_LEN];
        uint8_t sig[EHP_SIGNATURE_LEN];

        ehp_sign_keypair(vectors_hex(c, "seed").data, public, secret);
        g_assert_cmpmem(public, sizeof public, pub.data, pub.len);
        assert_ok(ehp_sign(type_of(c), secret, body, sig));
        g_assert_cmpmem(sig, sizeof sig, want.data, want.len);
        assert_ok(ehp_sign_verify(type_of(c), pub, body, want));
        for (int i = 0; i < EHP_SIGN_TYPES; i++)
            if (i != (int)type_of(c))
                assert_status(ehp_sign_verify((ehp_sign_type)i, pub, body, want),
                              EHP_BAD_SIGNATURE);
    }
}

static void
test_must_fail(void)
{
    JsonObject *all = vectors_own("sign.json");

    VECTORS_EACH(f, all, "must_fail")
    {
        g_test_message("%s", json_object_get_string_member(f, "comment"));
        assert_status(ehp_sign_verify(type_of(f), vectors_hex(f, "public"),
                                      vectors_hex(f, "body"), vectors_hex(f, "signature")),
                      EHP_BAD_SIGNATURE);
    }
}

static void
test_bounds(void)
{
    static const uint8_t body[EHP_SIGN_BODY_MAX + 1];
    const uint8_t seed[EHP_SIGN_SEED_LEN] = {1};
    uint8_t pub[EHP_SIGN_PUBLIC_LEN], secret[EHP_SIGN_SECRET_LEN], sig[EHP_SIGNATURE_LEN] = {0};

    ehp_sign_keypair(seed, pub, secret);
    assert_status(ehp_sign(EHP_SIGN_RECEIPT, secret, ehp_bytes_of(body, sizeof body), sig),
                  EHP_INVALID_ARGUMENT);
    assert_status(ehp_sign(EHP_SIGN_TYPES, secret, ehp_bytes_of(body, 1), sig),
                  EHP_INVALID_ARGUMENT);
    assert_status(ehp_sign_verify(EHP_SIGN_RECEIPT, ehp_bytes_of(pub, sizeof pub),
                                  ehp_bytes_of(body, sizeof body),
                                  ehp_bytes_of(sig, sizeof sig)),
                  EHP_BAD_SIGNATURE);
    g_assert_null(ehp_sign_type_name(EHP_SIGN_TYPES));
}

static void
test_wycheproof(void)
{
    JsonObject *all = vectors_shared("wycheproof/ed25519_test.json");
    int n = 0;

    if (!all)
        return;
    VECTORS_EACH(group, all, "testGroups")
    {
        const ehp_bytes pub =
            vectors_hex(json_object_get_object_member(group, "publicKey"), "pk");

        VECTORS_EACH(t, group, "tests")
        {
            const ehp_bytes sig = vectors_hex(t, "sig"), msg = vectors_hex(t, "msg");
            const bool valid = g_str_equal(json_object_get_string_member(t, "result"), "valid");

            g_assert_cmpint(
                sig.len == EHP_SIGNATURE_LEN &&
                    crypto_sign_verify_detached(sig.data, msg.data, msg.len, pub.data) == 0,
                ==, valid);
            n++;
        }
    }
    g_test_message("%d vectors", n);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/sign/own", test_own);
    g_test_add_func("/sign/must-fail", test_must_fail);
    g_test_add_func("/sign/bounds", test_bounds);
    g_test_add_func("/sign/wycheproof", test_wycheproof);
    return g_test_run();
}
