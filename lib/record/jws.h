/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecJws: a JSON Web Signature in compact form (RFC 7515), with or without its payload, taken
 * apart and verified by GnuTLS with the key of its own first certificate. That says nothing of
 * whose key it is: see signers.h. Keys that are only named (jku, jwk, kid) are not looked for.
 */
#pragma once

#include <glib.h>
#include <gnutls/x509.h>

#include "lib/record/bounds.h"

typedef enum {
    EREC_JWS_SOUND,
    EREC_JWS_MALFORMED, /* not a JWS */
    EREC_JWS_UNKNOWN,   /* one that is not for us to verify; see `reason` */
} ErecJwsState;

#define EREC_CHAIN_MAX 5

typedef struct {
    ErecJwsState state;
    const char *reason; /* static, of a JWS that is not SOUND: "algorithm", "x5c"… */
    char *header;       /* owned: as it is signed, in base64url */
    char *payload;      /* owned: likewise; "" when it is detached */
    guint8 *signature;  /* owned */
    gsize signature_length;
    gnutls_sign_algorithm_t algorithm;
    gnutls_x509_crt_t chain[EREC_CHAIN_MAX]; /* owned; the signer's own first */
    guint n_chain;
} ErecJws;

/* `text` need not be NUL-terminated. */
void erec_jws_parse(ErecJws *self, const char *text, gsize length);
void erec_jws_clear(ErecJws *self);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ErecJws, erec_jws_clear)
/* Whether the payload that a SOUND one carries is these bytes; FALSE when it is detached. */
gboolean erec_jws_carries(const ErecJws *self, const char *bytes, gsize length);
/* Whether the signature of a SOUND one holds for these bytes as its payload. */
gboolean erec_jws_holds(const ErecJws *self, const char *bytes, gsize length);
