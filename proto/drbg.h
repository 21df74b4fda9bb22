/* SPDX-License-Identifier: Apache-2.0
 *
 * A stream of bytes from a 32-byte seed, since the engine may not draw randomness: the caller
 * hands in a seed from its own generator, and a test a fixed one. ChaCha20 with fast key
 * erasure: each call first takes a new key from the stream, so that the state never tells what
 * came before.
 */
#pragma once

#include "proto/bytes.h"

#define EHP_SEED_LEN 32

typedef struct {
    uint8_t key[EHP_SEED_LEN];
} ehp_drbg;

/* Copies the seed; the caller wipes its own and never uses it again. */
void ehp_drbg_init(ehp_drbg *d, const uint8_t seed[EHP_SEED_LEN]);
/* The next len bytes: block 0 of ChaCha20 (RFC 8439, nonce 0) under the key gives in its first
 * half the next key, blocks from 1 on give the output. len up to 2^32. */
void ehp_drbg_bytes(ehp_drbg *d, void *out, size_t len);
/* Wipes; idempotent. */
void ehp_drbg_clear(ehp_drbg *d);
