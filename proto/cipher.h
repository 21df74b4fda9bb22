/* SPDX-License-Identifier: Apache-2.0
 *
 * Noise rev. 34 section 5.1 CipherState with ChaChaPoly (section 12.3): a key and a counter.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"

#define EHP_KEY_LEN 32

typedef struct {
    uint8_t key[EHP_KEY_LEN];
    uint64_t nonce;
    bool has_key;
} ehp_cipher;

void ehp_cipher_init(ehp_cipher *c, const uint8_t key[EHP_KEY_LEN]);
/* Moves the key: to has it, from is wiped, so that one key never serves two owners. */
void ehp_cipher_move(ehp_cipher *to, ehp_cipher *from);
/* Encrypts len bytes to out, which has room for len + EHP_TAG_LEN (in place is allowed), and
 * steps the counter. EHP_WRONG_STATE without a key or when the counter is used up (section 5.1:
 * 2^64-1 is reserved); nothing is written then. */
EHP_MUST_USE ehp_status ehp_cipher_seal(ehp_cipher *c, ehp_bytes ad, const uint8_t *plain,
                                        size_t len, uint8_t *out);
/* Decrypts len bytes (tag included) to out, which has room for len - EHP_TAG_LEN (in place is
 * allowed). EHP_BAD_TAG when it does not authenticate or is shorter than a tag: the counter
 * stays, and out holds nothing of the plaintext. */
EHP_MUST_USE ehp_status ehp_cipher_open(ehp_cipher *c, ehp_bytes ad, const uint8_t *sealed,
                                        size_t len, uint8_t *out);
/* Section 4.2 REKEY; the counter goes on. No effect without a key. */
void ehp_cipher_rekey(ehp_cipher *c);
/* Wipes; idempotent. */
void ehp_cipher_clear(ehp_cipher *c);
