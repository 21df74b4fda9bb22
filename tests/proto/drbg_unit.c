/* SPDX-License-Identifier: Apache-2.0
 *
 * The generator: deterministic, does not repeat, forgets.
 */
#include "proto/drbg.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

static const uint8_t seed[EHP_SEED_LEN] = {1, 2, 3};

static void
test_deterministic(void)
{
    uint8_t a[1000], b[1000];
    ehp_drbg x, y;

    ehp_drbg_init(&x, seed);
    ehp_drbg_init(&y, seed);
    for (size_t len = 0; len < sizeof a; len += 111) {
        ehp_drbg_bytes(&x, a, len);
        ehp_drbg_bytes(&y, b, len);
        g_assert_cmpmem(a, len, b, len);
    }
    ehp_drbg_bytes(&x, a, 32);
    ehp_drbg_bytes(&x, b, 32);
    g_assert_cmpint(memcmp(a, b, 32), !=, 0);
}

static void
test_layout(void)
{
    /* as the header says it: key from block 0, output from block 1 on */
    const uint8_t nonce[12] = {0};
    uint8_t stream[64 + 100], out[100];
    ehp_drbg d;

    crypto_stream_chacha20_ietf(stream, sizeof stream, nonce, seed);
    ehp_drbg_init(&d, seed);
    ehp_drbg_bytes(&d, out, sizeof out);
    g_assert_cmpmem(out, sizeof out, stream + 64, sizeof out);
    g_assert_cmpmem(d.key, sizeof d.key, stream, 32);
    ehp_drbg_clear(&d);
    g_assert_true(sodium_is_zero(d.key, sizeof d.key));
}

static void
test_empty_call_still_steps(void)
{
    ehp_drbg d;

    ehp_drbg_init(&d, seed);
    ehp_drbg_bytes(&d, (uint8_t[1]){0}, 0);
    g_assert_cmpint(memcmp(d.key, seed, sizeof seed), !=, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/drbg/deterministic", test_deterministic);
    g_test_add_func("/drbg/layout", test_layout);
    g_test_add_func("/drbg/empty", test_empty_call_still_steps);
    return g_test_run();
}
