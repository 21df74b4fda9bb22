/* SPDX-License-Identifier: Apache-2.0
 *
 * A signed document: a Signed message as it crosses the wire and as it is kept, with the body
 * and its hash at hand. What was signed is always the bytes as sent, never a re-encoding.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"
#include "proto/ehrlink.pb-c.h"
#include "proto/sign.h"

typedef struct {
    uint8_t *bytes; /* owned: the Signed message; NULL when empty */
    size_t len;
    ehp_bytes body;             /* borrowed from bytes */
    uint8_t hash[EHP_HASH_LEN]; /* SHA-256 of the body */
    Ehp__Signed message;        /* borrows from bytes: to put into a Record */
} ehp_doc;

/* Packs the body and signs it. EHP_TOO_LARGE, EHP_NO_MEMORY. *doc must be empty or a document,
 * which it replaces. */
EHP_MUST_USE ehp_status ehp_doc_make(ehp_doc *doc, ehp_sign_type type, const uint8_t *secret,
                                     const ProtobufCMessage *body);
/* Keeps a received one. EHP_BAD_MESSAGE when a part is missing, EHP_BAD_SIGNATURE,
 * EHP_NO_MEMORY; *doc is then empty. */
EHP_MUST_USE ehp_status ehp_doc_take(ehp_doc *doc, ehp_sign_type type,
                                     const uint8_t *public_key, const Ehp__Signed *received);
/* One that was kept: the bytes of a document. Errors as ehp_doc_take. */
EHP_MUST_USE ehp_status ehp_doc_load(ehp_doc *doc, ehp_sign_type type,
                                     const uint8_t *public_key, ehp_bytes kept);
/* Same body and same signature. */
bool ehp_doc_equal(const ehp_doc *doc, const Ehp__Signed *received);
static inline bool
ehp_doc_there(const ehp_doc *doc)
{
    return doc->bytes != NULL;
}
/* Frees and empties; idempotent. */
void ehp_doc_clear(ehp_doc *doc);
