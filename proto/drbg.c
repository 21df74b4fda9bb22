/* SPDX-License-Identifier: Apache-2.0
 *
 * ChaCha20 with fast key erasure. Pure; one thread at a time per generator.
 */
#include "proto/drbg.h"

#include <sodium.h>
#include <string.h>

static const uint8_t no_nonce[crypto_stream_chacha20_ietf_NONCEBYTES];

void
ehp_drbg_init(ehp_drbg *d, const uint8_t seed[EHP_SEED_LEN])
{
    memcpy(d->key, seed, EHP_SEED_LEN);
}

void
ehp_drbg_bytes(ehp_drbg *d, void *out, size_t len)
{
    uint8_t next[EHP_SEED_LEN];

    crypto_stream_chacha20_ietf(next, sizeof next, no_nonce, d->key);
    memset(out, 0, len);
    crypto_stream_chacha20_ietf_xor_ic(out, out, len, no_nonce, 1, d->key);
    memcpy(d->key, next, sizeof next);
    ehp_wipe(next, sizeof next);
}

void
ehp_drbg_clear(ehp_drbg *d)
{
    ehp_wipe(d, sizeof *d);
}
