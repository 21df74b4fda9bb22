/* SPDX-License-Identifier: Apache-2.0
 *
 * Typed Ed25519 signatures: over "ehrlink1 <type>\0" followed by the bytes as they are sent, so
 * that no signature can be taken for one of another type.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"

#define EHP_SIGN_SEED_LEN   32
#define EHP_SIGN_PUBLIC_LEN 32
#define EHP_SIGN_SECRET_LEN 64
#define EHP_SIGNATURE_LEN   64
/* The longest body that is signed; the biggest record bounds them all. */
#define EHP_SIGN_BODY_MAX   EHP_RECORD_PLAIN_MAX

typedef enum {
    EHP_SIGN_TERMINAL_AUTH, /* "terminal-auth": h_s || SHA-256(message 2's payload before it) */
    EHP_SIGN_CONSENT_REQUEST, /* "consent-request" */
    EHP_SIGN_SESSION_KEY,     /* "session-key": h_0 */
    EHP_SIGN_CONSENT,         /* "consent" */
    EHP_SIGN_REVOKE,          /* "revoke" */
    EHP_SIGN_MANIFEST,        /* "manifest" */
    EHP_SIGN_RECEIPT,         /* "receipt" */
    EHP_SIGN_STATUS,          /* "status" */
    EHP_SIGN_ITEM_ORIGIN,     /* "item-origin" */
    EHP_SIGN_TYPES,
} ehp_sign_type;

/* The word in the signed bytes ("terminal-auth"); NULL when out of range. */
const char *ehp_sign_type_name(ehp_sign_type type);

/* The key pair of a seed (RFC 8032 secret). */
void ehp_sign_keypair(const uint8_t seed[EHP_SIGN_SEED_LEN], uint8_t pub[EHP_SIGN_PUBLIC_LEN],
                      uint8_t secret[EHP_SIGN_SECRET_LEN]);
/* Signs. EHP_INVALID_ARGUMENT for a body above EHP_SIGN_BODY_MAX; EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_sign(ehp_sign_type type, const uint8_t secret[EHP_SIGN_SECRET_LEN],
                                 ehp_bytes body, uint8_t sig[EHP_SIGNATURE_LEN]);
/* EHP_OK only if it verifies; EHP_BAD_SIGNATURE also when pub or sig do not have their length
 * (so that fields may come here as received); EHP_NO_MEMORY. Strict: canonical S, no small
 * order. */
EHP_MUST_USE ehp_status ehp_sign_verify(ehp_sign_type type, ehp_bytes pub, ehp_bytes body,
                                        ehp_bytes sig);
