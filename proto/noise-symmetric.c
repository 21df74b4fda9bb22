/* SPDX-License-Identifier: Apache-2.0
 *
 * SymmetricState of Noise rev. 34 (section 5.2): h, ck and the handshake's cipher, which live
 * in ehp_noise.
 */
#include "proto/noise-symmetric.h"

#include <string.h>

#include "proto/hash.h"

void
ehp_noise_mix_hash(ehp_noise *n, ehp_bytes data)
{
    ehp_sha256_state state;

    ehp_sha256_init(&state);
    ehp_sha256_update(&state, n->h, sizeof n->h);
    ehp_sha256_update(&state, data.data, data.len);
    ehp_sha256_final(&state, n->h);
}

void
ehp_noise_mix_key(ehp_noise *n, ehp_bytes ikm)
{
    uint8_t key[EHP_KEY_LEN];

    ehp_hkdf2(n->ck, ikm, n->ck, key);
    ehp_cipher_init(&n->cipher, key);
    ehp_wipe(key, sizeof key);
}

void
ehp_noise_mix_key_and_hash(ehp_noise *n, ehp_bytes ikm)
{
    uint8_t hash[EHP_HASH_LEN], key[EHP_KEY_LEN];

    ehp_hkdf3(n->ck, ikm, n->ck, hash, key);
    ehp_noise_mix_hash(n, ehp_bytes_of(hash, sizeof hash));
    ehp_cipher_init(&n->cipher, key);
    ehp_wipe(key, sizeof key);
    ehp_wipe(hash, sizeof hash);
}

size_t
ehp_noise_tag_len(const ehp_noise *n)
{
    return n->cipher.has_key ? EHP_TAG_LEN : 0;
}

ehp_status
ehp_noise_encrypt_and_hash(ehp_noise *n, ehp_bytes plain, ehp_writer *out)
{
    const size_t len = plain.len + ehp_noise_tag_len(n);
    uint8_t *room = ehp_put_room(out, len);
    ehp_status status = EHP_OK;

    if (!room)
        return EHP_TOO_LARGE;
    if (n->cipher.has_key)
        status = ehp_cipher_seal(&n->cipher, ehp_bytes_of(n->h, sizeof n->h), plain.data,
                                 plain.len, room);
    else if (plain.len > 0)
        memcpy(room, plain.data, plain.len);
    ehp_noise_mix_hash(n, ehp_bytes_of(room, len));
    return status;
}

/* h takes the ciphertext only if it authenticated; on error the handshake ends anyway. */
ehp_status
ehp_noise_decrypt_and_hash(ehp_noise *n, ehp_bytes sealed, ehp_writer *out)
{
    uint8_t *room;
    ehp_status status = EHP_OK;

    if (sealed.len < ehp_noise_tag_len(n))
        return EHP_BAD_MESSAGE;
    room = ehp_put_room(out, sealed.len - ehp_noise_tag_len(n));
    if (!room)
        return EHP_TOO_LARGE;
    if (n->cipher.has_key)
        status = ehp_cipher_open(&n->cipher, ehp_bytes_of(n->h, sizeof n->h), sealed.data,
                                 sealed.len, room);
    else if (sealed.len > 0)
        memcpy(room, sealed.data, sealed.len);
    ehp_noise_mix_hash(n, sealed);
    return status;
}
