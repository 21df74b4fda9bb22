/* SPDX-License-Identifier: Apache-2.0
 *
 * CipherState of Noise over libsodium's ChaCha20-Poly1305 (RFC 8439). The nonce is 4 zero bytes
 * and the counter in little endian (section 12.3). Pure; one thread at a time per cipher.
 */
#include "proto/cipher.h"

#include <sodium.h>
#include <string.h>

/* Section 4.2: the nonce of REKEY; never a message's. */
#define NONCE_REKEY UINT64_MAX

#define NONCE_LEN crypto_aead_chacha20poly1305_ietf_NPUBBYTES

static void
nonce_bytes(uint8_t out[NONCE_LEN], uint64_t nonce)
{
    memset(out, 0, 4);
    for (int i = 0; i < 8; i++)
        out[4 + i] = (uint8_t)(nonce >> (8 * i));
}

void
ehp_cipher_init(ehp_cipher *c, const uint8_t key[EHP_KEY_LEN])
{
    memcpy(c->key, key, EHP_KEY_LEN);
    c->nonce = 0;
    c->has_key = true;
}

void
ehp_cipher_move(ehp_cipher *to, ehp_cipher *from)
{
    *to = *from;
    ehp_cipher_clear(from);
}

ehp_status
ehp_cipher_seal(ehp_cipher *c, ehp_bytes ad, const uint8_t *plain, size_t len, uint8_t *out)
{
    uint8_t nonce[NONCE_LEN];

    if (!c->has_key || c->nonce == NONCE_REKEY)
        return EHP_WRONG_STATE;
    nonce_bytes(nonce, c->nonce);
    crypto_aead_chacha20poly1305_ietf_encrypt(out, NULL, plain, len, ad.data, ad.len, NULL,
                                              nonce, c->key);
    c->nonce++;
    return EHP_OK;
}

ehp_status
ehp_cipher_open(ehp_cipher *c, ehp_bytes ad, const uint8_t *sealed, size_t len, uint8_t *out)
{
    uint8_t nonce[NONCE_LEN];

    if (!c->has_key || c->nonce == NONCE_REKEY)
        return EHP_WRONG_STATE;
    nonce_bytes(nonce, c->nonce);
    if (len < EHP_TAG_LEN ||
        crypto_aead_chacha20poly1305_ietf_decrypt(out, NULL, NULL, sealed, len, ad.data, ad.len,
                                                  nonce, c->key) != 0)
        return EHP_BAD_TAG;
    c->nonce++;
    return EHP_OK;
}

void
ehp_cipher_rekey(ehp_cipher *c)
{
    uint8_t nonce[NONCE_LEN];
    uint8_t block[EHP_KEY_LEN + EHP_TAG_LEN] = {0};

    if (!c->has_key)
        return;
    nonce_bytes(nonce, NONCE_REKEY);
    crypto_aead_chacha20poly1305_ietf_encrypt(block, NULL, block, EHP_KEY_LEN, NULL, 0, NULL,
                                              nonce, c->key);
    memcpy(c->key, block, EHP_KEY_LEN);
    ehp_wipe(block, sizeof block);
}

void
ehp_cipher_clear(ehp_cipher *c)
{
    ehp_wipe(c, sizeof *c);
}
