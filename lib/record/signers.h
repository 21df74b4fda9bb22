/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecSigners: whom the person at this device trusts to sign records: the certificates of a few
 * directories. They are others than those that vouch for terminals: who may run a clinic's
 * terminal has not been asked to vouch for what a record says.
 *
 * A directory holds single certificates in PEM (*.pem, *.crt): of an authority, or of one
 * signer itself; and lists of what authorities took back (*.crl), in PEM or DER. Files that
 * others may write are passed over.
 */
#pragma once

#include "lib/record/jws.h"

typedef struct ErecSigners ErecSigners;

typedef enum {
    EREC_SIGNER_TRUSTED,
    EREC_SIGNER_UNKNOWN, /* nobody here vouches; or the certificate is for another purpose */
    EREC_SIGNER_EXPIRED, /* somebody vouches, but not for today */
    EREC_SIGNER_REVOKED,
} ErecSignerVerdict;

/* `now`: seconds since 1970. Nobody is trusted yet. */
ErecSigners *erec_signers_new(gint64 now);
void erec_signers_free(ErecSigners *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecSigners, erec_signers_free)
/* A directory that is not there is an empty one. */
void erec_signers_add_directory(ErecSigners *self, const char *path);
/* One certificate in PEM; FALSE when it is none. */
gboolean erec_signers_add(ErecSigners *self, const char *pem, gsize length);

/* *organisation (transfer full) is who the first certificate says it is of, not safe to be
 * shown as it is; NULL unless somebody vouches for it. `self` may be NULL: nobody is trusted.
 */
ErecSignerVerdict erec_signers_judge(const ErecSigners *self, gnutls_x509_crt_t const *chain,
                                     guint n, char **organisation);
