/* SPDX-License-Identifier: Apache-2.0
 *
 * Receipts: what a receiver signs when everything is durable. Built and checked by the session;
 * checked again off-line from a file by `ehrctl receipt verify` (PROTOCOL.md, Receipt).
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"
#include "proto/ehrlink.pb-c.h"
#include "proto/guard.h"

typedef struct {
    ehp_unpacked unpacked;       /* owned */
    const Ehp__Receipt *receipt; /* borrowed from unpacked */
    uint8_t hash[EHP_HASH_LEN];  /* SHA-256 of the body */
} ehp_receipt;

/* Reads a receipt (a Signed message of at most EHP_RECEIPT_MAX bytes) and checks its form and
 * that its own `signer` key signed it. Whether that key is the terminal's is the caller's to
 * check: against the session, or the leaf of the chain inside. EHP_RECEIPT_INVALID;
 * EHP_NO_MEMORY. *out is written only on EHP_OK; clear it. */
EHP_MUST_USE ehp_status ehp_receipt_open(ehp_bytes bytes, ehp_receipt *out);
void ehp_receipt_clear(ehp_receipt *receipt);

/* contents_hash: SHA-256("ehrlink1 contents\0" ‖ for each item in order: be32(id) ‖ be64(size)
 * ‖ root). */
void ehp_contents_hash(uint8_t out[EHP_HASH_LEN], const uint64_t *sizes,
                       const uint8_t (*roots)[EHP_HASH_LEN], size_t n);
