/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed Ed25519 over libsodium, whose verification refuses a non-canonical S, keys and R of
 * small order. Pure; any thread.
 */
#include "proto/sign.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#define PREFIX        "ehrlink1 "
#define TYPE_NAME_MAX 32

static const char *const type_names[EHP_SIGN_TYPES] = {
    [EHP_SIGN_TERMINAL_AUTH] = "terminal-auth",
    [EHP_SIGN_CONSENT_REQUEST] = "consent-request",
    [EHP_SIGN_SESSION_KEY] = "session-key",
    [EHP_SIGN_CONSENT] = "consent",
    [EHP_SIGN_REVOKE] = "revoke",
    [EHP_SIGN_MANIFEST] = "manifest",
    [EHP_SIGN_RECEIPT] = "receipt",
    [EHP_SIGN_STATUS] = "status",
    [EHP_SIGN_ITEM_ORIGIN] = "item-origin",
};

const char *
ehp_sign_type_name(ehp_sign_type type)
{
    return (unsigned)type < EHP_SIGN_TYPES ? type_names[type] : NULL;
}

/* "ehrlink1 <type>\0" || body in one new buffer, since Ed25519 reads its message twice. */
static ehp_status
signed_bytes(ehp_sign_type type, ehp_bytes body, uint8_t **out, size_t *out_len)
{
    const char *name = ehp_sign_type_name(type);
    ehp_writer w;

    if (!name || body.len > EHP_SIGN_BODY_MAX)
        return EHP_INVALID_ARGUMENT;

    const size_t cap = sizeof PREFIX + TYPE_NAME_MAX + body.len;

    *out = malloc(cap);
    if (!*out)
        return EHP_NO_MEMORY;
    ehp_writer_init(&w, *out, cap);
    ehp_put(&w, PREFIX, sizeof PREFIX - 1);
    ehp_put(&w, name, strlen(name) + 1);
    ehp_put(&w, body.data, body.len);
    *out_len = w.len;
    return ehp_writer_end(&w);
}

void
ehp_sign_keypair(const uint8_t seed[EHP_SIGN_SEED_LEN], uint8_t pub[EHP_SIGN_PUBLIC_LEN],
                 uint8_t secret[EHP_SIGN_SECRET_LEN])
{
    crypto_sign_seed_keypair(pub, secret, seed);
}

ehp_status
ehp_sign(ehp_sign_type type, const uint8_t secret[EHP_SIGN_SECRET_LEN], ehp_bytes body,
         uint8_t sig[EHP_SIGNATURE_LEN])
{
    uint8_t *message = NULL;
    size_t len = 0;
    const ehp_status status = signed_bytes(type, body, &message, &len);

    if (status == EHP_OK)
        crypto_sign_detached(sig, NULL, message, len, secret);
    free(message);
    return status;
}

ehp_status
ehp_sign_verify(ehp_sign_type type, ehp_bytes pub, ehp_bytes body, ehp_bytes sig)
{
    uint8_t *message = NULL;
    size_t len = 0;
    ehp_status status;

    if (pub.len != EHP_SIGN_PUBLIC_LEN || sig.len != EHP_SIGNATURE_LEN ||
        body.len > EHP_SIGN_BODY_MAX)
        return EHP_BAD_SIGNATURE;
    status = signed_bytes(type, body, &message, &len);
    if (status == EHP_OK && crypto_sign_verify_detached(sig.data, message, len, pub.data) != 0)
        status = EHP_BAD_SIGNATURE;
    free(message);
    return status;
}
