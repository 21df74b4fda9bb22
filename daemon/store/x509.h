/* SPDX-License-Identifier: Apache-2.0
 *
 * What identity and trust both need of X.509; not for other rooms. No files, no clock; any
 * thread.
 */
#pragma once

#include <glib.h>
#include <gnutls/x509.h>

#include "daemon/store/fingerprint.h"
#include "proto/bounds.h"

typedef struct gnutls_x509_crt_int EhdCrt;
typedef struct gnutls_x509_crl_int EhdCrl;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdCrt, gnutls_x509_crt_deinit)
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdCrl, gnutls_x509_crl_deinit)

/* Up to EHP_CHAIN_MAX certificates; owns them. */
typedef struct {
    guint n;
    gnutls_x509_crt_t crt[EHP_CHAIN_MAX];
} EhdCrtChain;

void ehd_crt_chain_clear(EhdCrtChain *chain);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdCrtChain, ehd_crt_chain_clear)

/* One DER certificate of at most EHP_CERT_MAX bytes without anything after it; NULL otherwise.
 */
gnutls_x509_crt_t ehd_crt_from_der(GBytes *der);
GBytes *ehd_crt_to_der(gnutls_x509_crt_t crt);
/* One DER CRL of at most EHP_CRL_BYTES_MAX; NULL otherwise. */
gnutls_x509_crl_t ehd_crl_from_der(GBytes *der);

/* Its Ed25519 key; FALSE for any other kind. */
gboolean ehd_crt_key(gnutls_x509_crt_t crt, guint8 key[32]);
gboolean ehd_crt_fingerprint(gnutls_x509_crt_t crt, guint8 fingerprint[EHD_FINGERPRINT_LEN]);
gboolean ehd_crt_is_ca(gnutls_x509_crt_t crt);

/* First value of `oid` in the subject (or issuer), safe for display; "" if there is none. */
typedef char EhdDisplayName[EHP_NAME_MAX + 1];
void ehd_crt_subject(gnutls_x509_crt_t crt, const char *oid, EhdDisplayName name);
/* "L, C" of the subject, or what there is of it. */
void ehd_crt_place(gnutls_x509_crt_t crt, EhdDisplayName name);
/* O of subject or issuer; where it has none, its CN. */
void ehd_crt_subject_name(gnutls_x509_crt_t crt, EhdDisplayName name);
void ehd_crt_issuer_name(gnutls_x509_crt_t crt, EhdDisplayName name);

typedef enum {
    EHD_EKU_NONE,  /* the extension is not there */
    EHD_EKU_OURS,  /* EHD_EKU_TERMINAL is named */
    EHD_EKU_OTHER, /* it is there and does not name ours; "any" is not ours */
} EhdEku;
EhdEku ehd_crt_eku(gnutls_x509_crt_t crt);

/* Is the key usage, if stated, one that may sign? */
gboolean ehd_crt_may_sign(gnutls_x509_crt_t crt);

/* Subject of `issuer` is the issuer of `crt`, byte for byte. */
gboolean ehd_crt_names_issuer(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer);
/* … and its signature on it verifies, it is a CA, and it may sign certificates; times apart. */
gboolean ehd_crt_is_issued_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer);
/* The CRL is `issuer`'s: name and signature; times apart. */
gboolean ehd_crl_is_issued_by(gnutls_x509_crl_t crl, gnutls_x509_crt_t issuer);

/* Verification flags of this room: our own time checks, no legacy. */
#define EHD_VERIFY_FLAGS                                                                       \
    (GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS |           \
     GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM))
