/* SPDX-License-Identifier: Apache-2.0
 *
 * What a FHIR Signature (Bundle.signature, Provenance.signature) is worth: whether it holds for
 * what it is about, as that is in the file, and whether who signed is trusted here. Only JSON
 * Web Signatures can be looked at; XML signatures and pictures of ink are said to be unchecked.
 */
#pragma once

#include "lib/record/bundle.h"
#include "lib/record/report.h"
#include "lib/record/signers.h"

/* All of a file's signatures together may cost no more than writing so many bytes anew; each
 * look at one counts as EREC_SIGNED_LOOK at least, for the arithmetic takes time too. */
#define EREC_SIGNED_BYTES_MAX (192u << 20)
#define EREC_SIGNED_LOOK      (64u << 10)
/* And one of them is over no more than these. */
#define EREC_SIGNED_ONE_MAX   (24u << 20)

typedef struct {
    const ErecBundle *bundle;   /* borrowed */
    const ErecSigners *signers; /* borrowed, nullable: nobody is trusted */
    guint64 left;               /* of EREC_SIGNED_BYTES_MAX */
} ErecSigning;

#define EREC_SIGNED_BUNDLE    (-1)
#define EREC_SIGNED_ELSEWHERE (-2)

/* `entry`: the index of what it is about; or the Bundle that it is in; or it is not here.
 * *organisation (transfer full, not safe to be shown as it is) is who signed, when somebody
 * trusted vouches for that; *reason (static, nullable) is why not more can be said. */
ErecSignedVerdict erec_signature_judge(ErecSigning *signing, const ErecNode *signature,
                                       gint entry, char **organisation, const char **reason);
