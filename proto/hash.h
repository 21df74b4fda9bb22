/* SPDX-License-Identifier: Apache-2.0
 *
 * SHA-256, HMAC-SHA256 and HKDF (RFC 5869; the Noise HKDF is its form with an empty info), over
 * libsodium. Nothing here can fail but an HKDF that is asked for more than RFC 5869 allows.
 */
#pragma once

#include <sodium.h>

#include "proto/bounds.h"
#include "proto/bytes.h"

typedef struct {
    crypto_hash_sha256_state state;
} ehp_sha256_state;

void ehp_sha256(uint8_t out[EHP_HASH_LEN], const void *data, size_t len);
void ehp_sha256_init(ehp_sha256_state *s);
void ehp_sha256_update(ehp_sha256_state *s, const void *data, size_t len);
/* Gives the hash and wipes the state. */
void ehp_sha256_final(ehp_sha256_state *s, uint8_t out[EHP_HASH_LEN]);

/* HMAC-SHA256 with a key of any length over the concatenation of n parts. */
void ehp_hmac(uint8_t out[EHP_HASH_LEN], ehp_bytes key, const ehp_bytes *parts, size_t n);

/* RFC 5869 extract and expand. EHP_INVALID_ARGUMENT when out_len > 255 * 32; out is then
 * untouched. */
EHP_MUST_USE ehp_status ehp_hkdf(ehp_bytes salt, ehp_bytes ikm, ehp_bytes info, uint8_t *out,
                                 size_t out_len);

/* Noise rev. 34 section 4.3, HKDF with num_outputs 2 and 3. The outputs may overlay ck. */
void ehp_hkdf2(const uint8_t ck[EHP_HASH_LEN], ehp_bytes ikm, uint8_t out1[EHP_HASH_LEN],
               uint8_t out2[EHP_HASH_LEN]);
void ehp_hkdf3(const uint8_t ck[EHP_HASH_LEN], ehp_bytes ikm, uint8_t out1[EHP_HASH_LEN],
               uint8_t out2[EHP_HASH_LEN], uint8_t out3[EHP_HASH_LEN]);
