/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256, HMAC and HKDF over libsodium. Pure; any thread. All that is derived from keys here
 * is wiped.
 */
#include "proto/hash.h"

#include <string.h>

#define HKDF_BLOCKS_MAX 255

void
ehp_sha256(uint8_t out[EHP_HASH_LEN], const void *data, size_t len)
{
    crypto_hash_sha256(out, data, len);
}

void
ehp_sha256_init(ehp_sha256_state *s)
{
    crypto_hash_sha256_init(&s->state);
}

void
ehp_sha256_update(ehp_sha256_state *s, const void *data, size_t len)
{
    crypto_hash_sha256_update(&s->state, data, len);
}

void
ehp_sha256_final(ehp_sha256_state *s, uint8_t out[EHP_HASH_LEN])
{
    crypto_hash_sha256_final(&s->state, out);
    ehp_wipe(s, sizeof *s);
}

void
ehp_hmac(uint8_t out[EHP_HASH_LEN], ehp_bytes key, const ehp_bytes *parts, size_t n)
{
    crypto_auth_hmacsha256_state state;

    /* libsodium wants a pointer even to nothing */
    crypto_auth_hmacsha256_init(&state, key.len > 0 ? key.data : (const uint8_t *)"", key.len);
    for (size_t i = 0; i < n; i++)
        crypto_auth_hmacsha256_update(&state, parts[i].data, parts[i].len);
    crypto_auth_hmacsha256_final(&state, out);
    ehp_wipe(&state, sizeof state);
}

ehp_status
ehp_hkdf(ehp_bytes salt, ehp_bytes ikm, ehp_bytes info, uint8_t *out, size_t out_len)
{
    uint8_t prk[EHP_HASH_LEN], block[EHP_HASH_LEN];

    if (out_len > (size_t)HKDF_BLOCKS_MAX * EHP_HASH_LEN)
        return EHP_INVALID_ARGUMENT;
    ehp_hmac(prk, salt, &ikm, 1);
    for (size_t done = 0, i = 1; done < out_len; i++) {
        const size_t step = out_len - done < EHP_HASH_LEN ? out_len - done : EHP_HASH_LEN;
        const uint8_t counter = (uint8_t)i;
        const ehp_bytes parts[] = {{block, i > 1 ? EHP_HASH_LEN : 0}, info, {&counter, 1}};

        ehp_hmac(block, ehp_bytes_of(prk, sizeof prk), parts, 3);
        memcpy(out + done, block, step);
        done += step;
    }
    ehp_wipe(prk, sizeof prk);
    ehp_wipe(block, sizeof block);
    return EHP_OK;
}

/* n is 2 or 3: far below the limit, so the status has nothing to tell. */
static void
noise_hkdf(const uint8_t ck[EHP_HASH_LEN], ehp_bytes ikm, uint8_t *const outs[], size_t n)
{
    uint8_t okm[3 * EHP_HASH_LEN];

    if (ehp_hkdf(ehp_bytes_of(ck, EHP_HASH_LEN), ikm, ehp_bytes_of(NULL, 0), okm,
                 n * EHP_HASH_LEN) == EHP_OK)
        for (size_t i = 0; i < n; i++)
            memcpy(outs[i], okm + i * EHP_HASH_LEN, EHP_HASH_LEN);
    ehp_wipe(okm, sizeof okm);
}

void
ehp_hkdf2(const uint8_t ck[EHP_HASH_LEN], ehp_bytes ikm, uint8_t out1[EHP_HASH_LEN],
          uint8_t out2[EHP_HASH_LEN])
{
    noise_hkdf(ck, ikm, (uint8_t *const[]){out1, out2}, 2);
}

void
ehp_hkdf3(const uint8_t ck[EHP_HASH_LEN], ehp_bytes ikm, uint8_t out1[EHP_HASH_LEN],
          uint8_t out2[EHP_HASH_LEN], uint8_t out3[EHP_HASH_LEN])
{
    noise_hkdf(ck, ikm, (uint8_t *const[]){out1, out2, out3}, 3);
}
