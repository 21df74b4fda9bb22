/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom this device believes: the anchors of two directories (the system's, read-only, and the
 * state's, which ehrctl trust changes), and the verdict about a chain and its CRLs. A verdict
 * is always reached and never a GError. The two verify functions touch no file and may run on
 * any thread while nobody changes the trust; 0.3 ms each.
 */
#pragma once

#include <glib.h>

#include "daemon/store/fingerprint.h"
#include "daemon/store/state.h"
#include "proto/bounds.h"
#include "proto/status.h"

typedef struct EhdTrust EhdTrust;

/* A leaf may be valid for 90 days; one more for CAs that round or back-date. Longer:
 * CERT_INVALID. */
#define EHD_LEAF_DAYS_MAX 91
/* A clock before this or more than EHD_CLOCK_YEARS later cannot be right (README.md, Clock). */
#define EHD_CLOCK_FLOOR                                                                        \
    G_GINT64_CONSTANT(1767225600) /* 2026-01-01, raised with each release                      \
                                   */
#define EHD_CLOCK_YEARS 25

typedef struct {
    /* EHP_OK, or why it is not verified: CERT_INVALID (malformed, not Ed25519, bounds, lives
     * too long), CERT_UNTRUSTED (no anchor vouches), CERT_EXPIRED, CERT_NOT_YET_VALID,
     * CERT_WRONG_PURPOSE, CLOCK_WRONG. */
    ehp_status status;
    /* The leaf could be read: key, fingerprint and names below are what it *says*. They are
     * proven only with EHP_OK. */
    gboolean readable;
    guint8 key[32];
    guint8 fingerprint[EHD_FINGERPRINT_LEN];
    /* Safe for display, "" if absent. */
    char organisation[EHP_NAME_MAX + 1]; /* O */
    char terminal[EHP_NAME_MAX + 1];     /* CN */
    char place[EHP_NAME_MAX + 1];        /* "L, C" */
    char authority[EHP_NAME_MAX +
                   1]; /* O (or CN) of the anchor that vouches; "" unless one does */
    gint64 not_after;  /* Unix seconds, the earliest of the path */
} EhdVerdict;

typedef struct {
    gint64 max_age_s;         /* since thisUpdate */
    gboolean allow_unchecked; /* go on where revocation could not be checked */
} EhdCrlPolicy;

typedef struct {
    /* EHP_OK: checked, not revoked. CERT_REVOKED, CRL_MISSING, CRL_STALE, CERT_UNTRUSTED (the
     * chain itself does not verify; ask ehd_trust_verify_chain first). */
    ehp_status status;
    /* May the session go on? TRUE for EHP_OK, and for CRL_MISSING and CRL_STALE where the
     * policy allows it: then "revocation not checked" is shown, never plain verified. Never
     * TRUE when revoked. */
    gboolean acceptable;
} EhdRevocation;

typedef struct {
    guint8 fingerprint[EHD_FINGERPRINT_LEN];
    char name[EHP_NAME_MAX + 1]; /* O (or CN), safe for display */
    gint64 not_after;
    gboolean system; /* from the read-only directory: cannot be removed here */
} EhdAnchor;

/* Loads both directories. `system_dir` may be missing or NULL. A file in them that is not a CA
 * certificate, or that others may write, is skipped with a warning: it vouches for nobody. */
EhdTrust *ehd_trust_open(EhdState *state, const char *system_dir, GError **error);
void ehd_trust_free(EhdTrust *trust);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdTrust, ehd_trust_free)

/* Reads the directories again (an operator may have changed the system's). */
gboolean ehd_trust_reload(EhdTrust *trust, GError **error);

guint ehd_trust_count(const EhdTrust *trust);
/* index < count; borrowed until the next add, remove, reload. */
const EhdAnchor *ehd_trust_get(const EhdTrust *trust, guint index);

/* Exactly one CA certificate, PEM. CERT_INVALID, CERT_EXPIRED; adding a known one succeeds.
 * `added` may be NULL. */
gboolean ehd_trust_add(EhdTrust *trust, const char *pem, gsize length, gint64 now,
                       EhdAnchor *added, GError **error);
/* At least 8 leading hex digits. NOT_FOUND, INVALID_ARGUMENT (ambiguous, too short, or of the
 * system's directory). */
gboolean ehd_trust_remove(EhdTrust *trust, const char *fingerprint, GError **error);

/* The verdict on `n` DER certificates, leaf first, without the root. `now`: Unix seconds. */
void ehd_trust_verify_chain(const EhdTrust *trust, GBytes *const *chain, guint n, gint64 now,
                            EhdVerdict *verdict);

/* The same for a leaf without a chain: readable, CERT_UNTRUSTED. */
void ehd_trust_bare_key(const guint8 key[32], EhdVerdict *verdict);

/* As many as are stapled, and one that was published since. */
#define EHD_TRUST_CRLS_MAX (EHP_CRL_MAX + 1)

/* The verdict on revocation: leaf and every intermediate, each against a CRL of its own issuer
 * (the last one's issuer is the anchor). Every CRL's signature is checked here; one that does
 * not verify does not count. What is beyond EHD_TRUST_CRLS_MAX is not looked at. */
void ehd_trust_verify_crls(const EhdTrust *trust, GBytes *const *chain, guint n_chain,
                           GBytes *const *crls, guint n_crls, gint64 now,
                           const EhdCrlPolicy *policy, EhdRevocation *revocation);

/* EHP_OK or CLOCK_WRONG. */
ehp_status ehd_clock_check(gint64 now);
