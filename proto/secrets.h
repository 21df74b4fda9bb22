/* SPDX-License-Identifier: Apache-2.0
 *
 * What a finished tap (or code pairing) leaves on each side: the keys of one session and what
 * the two devices told each other. The one type that secrets of a session live in.
 *
 * The split keys (send, recv) serve CONFIRM and exactly one link, and are never in the saved
 * form: a session that comes back from storage can only resume.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"
#include "proto/cipher.h"

/* Session role. Independent of the NFC role, the link role and the data role. */
typedef enum {
    EHP_ROLE_TERMINAL = 1, /* Noise responder; listens */
    EHP_ROLE_PATIENT = 2,  /* Noise initiator; connects */
} ehp_role;

#define EHP_ADDRESS_LEN       6
#define EHP_OOB_LEN           64
/* Bytes of the saved form, at most. */
#define EHP_SECRETS_SAVED_MAX 512

typedef struct {
    ehp_role role; /* ours */
    uint32_t version;
    uint8_t h[EHP_HASH_LEN]; /* public: Noise h of the tap, h_0, the session's identity on the
                                wire */

    /* secret */
    ehp_cipher send, recv;        /* the split keys; without key once a link has used them up */
    uint32_t generation;          /* 0 from the tap, n after the n-th resumption */
    uint8_t locator[EHP_KEY_LEN]; /* "locator-<generation>" */
    uint8_t resume[EHP_KEY_LEN];  /* "resume-<generation>" */
    uint8_t export_key[EHP_KEY_LEN];

    /* what the terminal said in the tap; on the terminal: what we said */
    uint8_t leaf_key[32]; /* Ed25519, proven in the tap; signs request, receipt, status */
    uint8_t chain_hash[EHP_HASH_LEN]; /* SHA-256 over (be32 length, DER) of each; of nothing:
                                         bare key */
    bool has_chain;
    ehp_status
        verdict;      /* patient: EHP_OK verified, else why the person allowed it unverified */
    uint32_t purpose; /* Purpose */
    uint32_t categories[EHP_TAP_CATEGORIES_MAX];
    size_t n_categories;
    bool has_address, has_oob;
    uint8_t address[EHP_ADDRESS_LEN]; /* BD_ADDR to connect to, most significant byte first */
    uint32_t channel;                 /* RFCOMM 1..30 */
    uint8_t oob[EHP_OOB_LEN];

    /* what the patient said in the tap */
    uint32_t capabilities;
    bool has_patient_address, has_patient_oob;
    uint8_t patient_address[EHP_ADDRESS_LEN];
    uint8_t patient_oob[EHP_OOB_LEN];
} ehp_secrets;

/* All zero, no keys. */
void ehp_secrets_init(ehp_secrets *s);
/* to takes everything over, from is wiped. */
void ehp_secrets_move(ehp_secrets *to, ehp_secrets *from);
/* Wipes; idempotent. */
void ehp_secrets_clear(ehp_secrets *s);

/* The saved form, without the split keys. It is secret: the ledger seals it, then wipes this.
 * EHP_TOO_LARGE when out has no room (EHP_SECRETS_SAVED_MAX always suffices). */
EHP_MUST_USE ehp_status ehp_secrets_save(const ehp_secrets *s, ehp_writer *out);
/* EHP_STATE_DAMAGED, EHP_STATE_TOO_NEW; *s is then clear. */
EHP_MUST_USE ehp_status ehp_secrets_load(ehp_secrets *s, ehp_bytes saved);

/* chain_hash of a chain (n may be 0). */
void ehp_chain_hash(uint8_t out[EHP_HASH_LEN], const ehp_bytes *chain, size_t n);
/* What people know a terminal by: SHA-256 of the SubjectPublicKeyInfo of its Ed25519 leaf key,
 * the same for a bare key and a certificate. */
void ehp_fingerprint(uint8_t out[EHP_HASH_LEN], const uint8_t leaf_key[32]);
