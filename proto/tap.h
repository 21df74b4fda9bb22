/* SPDX-License-Identifier: Apache-2.0
 *
 * The tap: one NFC exchange that ends with the keys of a session on both sides (PROTOCOL.md,
 * Tap). Sans-I/O: APDUs in, APDUs out, events, a deadline. One object lives from arming to the
 * finished tap and survives any number of torn, foreign or refused ones in between: each SELECT
 * begins anew, with a new ephemeral. Not thread safe; no call re-enters.
 *
 * Reader (terminal)                             Card (patient)
 *   ehp_tap_start() when a device is in the field
 *   loop: take() → transmit → feed(R-APDU)        loop: feed(C-APDU) → next_event() … → take()
 * → R-APDU field lost or the helper failed: ehp_tap_lost() After every call:
 * ehp_tap_next_event() until it says none.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"
#include "proto/secrets.h"

/* PatientHello.capabilities */
#define EHP_CAPABILITY_OOB    1u
#define EHP_CAPABILITY_LOOKUP 2u /* cannot connect to an address alone: answer inquiries */

typedef enum {
    EHP_NFC_READER = 1,
    EHP_NFC_CARD = 2,
} ehp_nfc_role;

/* AID F0 65 68 72 6C 69 6E 6B ("\xf0" "ehrlink"). */
extern const uint8_t ehp_aid[EHP_AID_LEN];

/* Everything is copied by ehp_tap_new; pointers are borrowed for that call only. */
typedef struct {
    ehp_role role;
    ehp_nfc_role nfc; /* version 1 pairs terminal+reader and patient+card only */
    uint8_t seed[32]; /* fresh randomness, never used twice; the caller wipes its copy */

    /* terminal */
    const ehp_bytes *chain; /* X.509 DER, leaf first, without the root; n_chain 0: the bare leaf
                               key is sent */
    size_t n_chain;
    const uint8_t *leaf_secret; /* 64 bytes, libsodium's Ed25519 secret key (seed ‖ public) */
    uint32_t purpose;           /* Purpose */
    const uint32_t *categories; /* Category, asked for; only shown in the tap */
    size_t n_categories;
    const uint8_t *address; /* 6 bytes, or NULL: none */
    uint32_t channel;
    const uint8_t *oob; /* 64 bytes, or NULL */
    /* This reader's receiver has a session already: whatever taps gets SELECT, then BUSY, and
     * learns nothing. */
    bool busy;

    /* patient */
    uint32_t capabilities;
    const uint8_t
        *patient_address; /* NULL, or told to a verified terminal that sent OOB data */
    const uint8_t *patient_oob;
} ehp_tap_config;

typedef struct ehp_tap ehp_tap;

typedef enum {
    EHP_TAP_NONE = 0,
    /* Card: the application was selected; a device that speaks ehrlink is there ("hold still").
     */
    EHP_TAP_SELECTED,
    /* Card: message 2 came. Judge chain (or bare key) with the clock at hand, then
       ehp_tap_verdict. */
    EHP_TAP_ASK_VERDICT,
    /* Reader: message 3 came. Make `saved` durable (sealed), then ehp_tap_stored. */
    EHP_TAP_STORE_PENDING,
    /* The tap is complete: ehp_tap_take_secrets. The object is at its end and answers no more
       SELECT. */
    EHP_TAP_DONE,
    /* Reader: torn after CONFIRM went out: the card may have committed. ehp_tap_take_secrets
     * and accept its link for EHP_PENDING_MS; ehp_tap_start may be called for a new try
     * meanwhile, whose DONE or UNCERTAIN replaces this. */
    EHP_TAP_UNCERTAIN,
    /* Card: the verdict was bad, STOP was answered, nothing of ours was sent. Reader: the card
       said STOP. */
    EHP_TAP_STOPPED,
    /* Reader with `busy`: BUSY was told. Card: the reader said BUSY (status EHP_PEER_BUSY). */
    EHP_TAP_BUSY,
    /* This try failed (status); the object waits for the next. */
    EHP_TAP_FAILED,
} ehp_tap_event_type;

/* Pointers are borrowed until the next call on the same tap. */
typedef struct {
    ehp_tap_event_type type;
    ehp_status status; /* FAILED, BUSY, STOPPED: why. EHP_OK otherwise */
    /* ASK_VERDICT */
    const ehp_bytes *chain;
    size_t n_chain;          /* 0: leaf_key is all there is, the verdict is EHP_UNVERIFIED */
    const uint8_t *leaf_key; /* 32 bytes, only when n_chain is 0 */
    uint32_t purpose;
    const uint32_t *categories;
    size_t n_categories;
    const uint8_t *address; /* 6 bytes, NULL: none was told. Not proven: ehp_tap_verdict() checks
                               the signature over it; a FAILED that follows takes it back */
    uint32_t channel;
    const uint8_t *oob; /* 64 bytes, NULL: none; as little proven as the address */
    /* STOPPED at the card: what the person may allow for one re-tap */
    const uint8_t *fingerprint; /* 32 bytes */
    /* STORE_PENDING: as ehp_secrets_save; secret */
    ehp_bytes saved;
} ehp_tap_event;

/* EHP_INVALID_ARGUMENT (also when the message 2 of this chain would not fit), EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_tap_new(const ehp_tap_config *config, ehp_tap **out);
/* Wipes and frees; NULL is allowed. */
void ehp_tap_free(ehp_tap *tap);

/* Reader: a device is in the field; SELECT is ready to be taken. Any try under way is
 * forgotten. EHP_WRONG_STATE for a card or after DONE. */
EHP_MUST_USE ehp_status ehp_tap_start(ehp_tap *tap, uint64_t now_ms);
/* One whole APDU of the peer, status word included. Hostile input ends the try, not the object:
 * the return value is only about our own use (EHP_WRONG_STATE for an APDU nobody waits for,
 * EHP_NO_MEMORY). */
EHP_MUST_USE ehp_status ehp_tap_feed(ehp_tap *tap, const uint8_t *apdu, size_t len,
                                     uint64_t now_ms);
/* The next APDU to transmit, whole, at most EHP_APDU_MAX bytes; empty when there is none (a
 * card that waits for its verdict: the field must be kept alive). Borrowed until the next call.
 * Taking hands it over: it is not given twice. */
ehp_bytes ehp_tap_take(ehp_tap *tap, uint64_t now_ms);
/* The field is gone, the helper failed. Card or reader: the try ends (FAILED EHP_TAP_TORN, or
 * UNCERTAIN). */
void ehp_tap_lost(ehp_tap *tap, uint64_t now_ms);

/* Answer to ASK_VERDICT. verdict EHP_OK: verified. allowed: a person has allowed exactly this
 * leaf (fingerprint compared by the caller) though the verdict is bad; the session then carries
 * the verdict. Else STOP is answered. leaf_key: the Ed25519 key of the leaf certificate (32
 * bytes; for a bare key the one of the event); NULL if the certificate could not be read. With
 * it the engine itself checks that this very handshake was signed by the leaf; if not, the try
 * ends with EHP_BAD_SIGNATURE. */
EHP_MUST_USE ehp_status ehp_tap_verdict(ehp_tap *tap, ehp_status verdict, bool allowed,
                                        const uint8_t *leaf_key, uint64_t now_ms);
/* Answer to STORE_PENDING. EHP_OK: CONFIRM is ready to be taken. Else the try fails with it. */
EHP_MUST_USE ehp_status ehp_tap_stored(ehp_tap *tap, ehp_status status, uint64_t now_ms);

/* False: no event. Pointers in *event are borrowed until the next call on this tap. */
bool ehp_tap_next_event(ehp_tap *tap, ehp_tap_event *event);
/* After DONE or UNCERTAIN: hands the secrets over, once. EHP_WRONG_STATE otherwise. */
EHP_MUST_USE ehp_status ehp_tap_take_secrets(ehp_tap *tap, ehp_secrets *out);

/* When ehp_tap_tick is due; UINT64_MAX: never. A try whose peer falls silent ends after
 * EHP_TAP_MS. */
uint64_t ehp_tap_deadline(const ehp_tap *tap);
void ehp_tap_tick(ehp_tap *tap, uint64_t now_ms);
