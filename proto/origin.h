/* SPDX-License-Identifier: Apache-2.0
 *
 * Whose an item is, provable without the session: what the terminal's leaf key signs about each
 * item that it sends back (in ItemDone), and the proof that is kept of it (PROTOCOL.md,
 * section 9.1). A receipt says what the patient's device got; this says who sent it.
 */
#pragma once

#include "proto/doc.h"
#include "proto/guard.h"

/* Everything that is signed about one item. */
typedef struct {
    uint8_t session[EHP_HASH_LEN], request_hash[EHP_HASH_LEN], manifest_hash[EHP_HASH_LEN];
    uint32_t transfer, item;
    uint64_t size;
    uint8_t salt[EHP_SALT_LEN], root[EHP_HASH_LEN];
} ehp_origin;

/* Signs it. Errors as ehp_doc_make. */
EHP_MUST_USE ehp_status ehp_origin_make(ehp_doc *doc, const ehp_origin *origin,
                                        const uint8_t *leaf_secret);
/* Keeps what a terminal signed, if it is this and nothing else. EHP_BAD_MESSAGE,
 * EHP_BAD_SIGNATURE, EHP_NO_MEMORY; *doc is then empty. */
EHP_MUST_USE ehp_status ehp_origin_take(ehp_doc *doc, const ehp_origin *due,
                                        const uint8_t *leaf_key, const Ehp__Signed *received);

typedef struct {
    ehp_unpacked unpacked, unpacked_request; /* owned */
    const Ehp__OriginProof *proof;           /* borrowed from unpacked */
    const Ehp__ConsentRequest *request;      /* borrowed from unpacked_request */
    uint8_t request_hash[EHP_HASH_LEN];
} ehp_proof;

/* Reads an OriginProof of at most EHP_PROOF_MAX bytes, and checks its form and that its own
 * `leaf_key` signed the request. Whose key that is, is the caller's to check, by the chain in
 * it. EHP_ORIGIN_INVALID; EHP_NO_MEMORY. *out is written only on EHP_OK; clear it. */
EHP_MUST_USE ehp_status ehp_proof_open(ehp_bytes bytes, ehp_proof *out);
void ehp_proof_clear(ehp_proof *proof);
/* What it says of its n-th item, if `leaf_key` signed that, in the session of the request.
 * EHP_ORIGIN_INVALID; EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_proof_item(const ehp_proof *proof, size_t n, ehp_origin *out);
