/* SPDX-License-Identifier: Apache-2.0
 *
 * Who this terminal is: its Ed25519 device key (0600, never leaves), the certificate chain that
 * the operator's CA issued for it, and the CRLs to staple. A patient's device has none.
 * Blocking (a few small files); main thread at start and for ehrctl's calls.
 */
#pragma once

#include <glib.h>

#include "daemon/store/fingerprint.h"
#include "daemon/store/state.h"
#include "proto/bounds.h"

/* Extended key usage of a terminal's leaf: "ehrlink terminal authentication" (README.md says
 * why this number). */
#define EHD_EKU_TERMINAL "2.25.2078733879888312888"

typedef struct {
    /* The subject that the signing request asks for; borrowed. */
    const char *organisation; /* O, required */
    const char *terminal;     /* CN, required */
    const char *locality;     /* L, or NULL */
    const char *country;      /* C, two letters, or NULL */
} EhdIdentityNames;

typedef struct {
    guint8 public_key[32];
    guint8
        secret_key[64]; /* libsodium form: seed then public key; wiped by ehd_identity_free */
    guint8 fingerprint[EHD_FINGERPRINT_LEN];

    /* Leaf first, without the root, DER; n_chain 0: not certified (yet). */
    guint n_chain;
    GBytes *chain[EHP_CHAIN_MAX]; /* owned */
    guint n_crls;
    GBytes *crls[EHP_CRL_MAX]; /* owned, DER */

    /* As the leaf says, safe for display; empty without a chain. */
    char organisation[EHP_NAME_MAX + 1];
    char terminal[EHP_NAME_MAX + 1];
    char place[EHP_NAME_MAX + 1];
    char authority[EHP_NAME_MAX + 1]; /* issuer of the last certificate */
    gint64 not_before;                /* Unix seconds; the narrowest of the chain */
    gint64 not_after;                 /* Unix seconds; the earliest of the chain */
    gint64 crl_next_update;           /* the earliest of the CRLs; 0 without */
    gint64 crl_this_update;           /* the oldest of the CRLs; 0 without */
} EhdIdentity;

/* Makes the key unless there is one (or `replace`: then the old chain goes too). Durable on
 * return. */
gboolean ehd_identity_init(EhdState *state, gboolean replace, GError **error);

/* A PKCS #10 request for the key, PEM (transfer full). NO_IDENTITY without a key,
 * INVALID_ARGUMENT for a missing or overlong name. */
char *ehd_identity_csr(EhdState *state, const EhdIdentityNames *names, GError **error);

/* Takes the CA's answer: PEM, any order forgiven only where it is unambiguous; the root is
 * dropped. Checked before it replaces anything: leaf is for our key (else CERT_INVALID),
 * Ed25519, our EKU (CERT_WRONG_PURPOSE), each issued by the next (CERT_INVALID), in its time
 * (CERT_EXPIRED, CERT_NOT_YET_VALID), bounds. `now` in Unix seconds. CRLs in store are kept. */
gboolean ehd_identity_import(EhdState *state, const char *pem, gsize length, gint64 now,
                             GError **error);

/* Replaces the CRLs to staple by `n` blobs, each PEM (one or more) or DER. They must parse, fit
 * the bounds, and each be signed by an issuer in our chain or be self-evidently the root's (its
 * issuer name is our last certificate's issuer). INVALID_ARGUMENT otherwise. */
gboolean ehd_identity_import_crls(EhdState *state, GBytes *const *crls, guint n,
                                  GError **error);

/* Everything that a tap needs. NO_IDENTITY when there is no key. A chain that has expired is
 * still loaded: compare not_after. */
EhdIdentity *ehd_identity_load(EhdState *state, GError **error);
void ehd_identity_free(EhdIdentity *identity);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdIdentity, ehd_identity_free)
