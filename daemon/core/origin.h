/* SPDX-License-Identifier: Apache-2.0
 *
 * The proof of where something comes from that a clinic sent back: made at the patient's
 * device, and judged at any, without a session (Manager.VerifyOrigin).
 */
#pragma once

#include "daemon/core/session.h"
#include "daemon/store/trust.h"
#include "proto/bytes.h"
#include "proto/origin.h"

/* What the proof is made of; all borrowed. */
typedef struct {
    GBytes *const *chain;
    guint n_chain;
    GBytes *const *crls; /* as stapled */
    guint n_crls;
    const guint8 *leaf_key;
    ehp_bytes request;      /* Signed ConsentRequest */
    const GPtrArray *items; /* of GBytes: Signed ItemOrigin */
} EhdOriginParts;

/* An OriginProof; NULL if it would be larger than EHP_PROOF_MAX. */
GBytes *ehd_origin_proof(const EhdOriginParts *parts);

typedef struct {
    EhdVerdict verdict; /* of the chain, when the terminal said it; bare key: UNTRUSTED */
    gboolean verified;  /* chain and revocation were in order then, and the key is the leaf's */
    ehp_status problem; /* EHP_OK when verified */
    ehp_status since;   /* what is held against the certificate today: CERT_EXPIRED,
                           CERT_REVOKED, CLOCK_WRONG …; EHP_OK nothing */
    gint64 time;        /* Unix seconds, the terminal's clock */
    guint items;        /* whose signature holds: all of them */
    guint8 session[32];
    gboolean attended;     /* operator_ is set */
    EhdOperator operator_; /* owned texts, safe for display */
} EhdOriginFacts;

/* Every signature in it, of which there may be EHP_ITEMS_MAX: any thread. ORIGIN_INVALID:
 * malformed or wrongly signed. Clear proof in both cases; bytes outlive it. */
ehp_status ehd_origin_open(ehp_bytes bytes, ehp_proof *proof);
/* Who says it. proof: open; newer: a CRL that was published since (DER), or NULL. */
void ehd_origin_judge(const EhdTrust *trust, const EhdCrlPolicy *policy, const ehp_proof *proof,
                      GBytes *newer, gint64 now, EhdOriginFacts *facts);
void ehd_origin_facts_clear(EhdOriginFacts *facts);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdOriginFacts, ehd_origin_facts_clear)
