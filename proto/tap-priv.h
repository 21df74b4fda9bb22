/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the tap: one struct for both roles, the two tables, and what the files of the tap
 * call of each other. Not for others.
 */
#pragma once

#include "proto/apdu.h"
#include "proto/drbg.h"
#include "proto/ehrlink.pb-c.h"
#include "proto/guard.h"
#include "proto/machine.h"
#include "proto/noise.h"
#include "proto/sign.h"
#include "proto/tap.h"

typedef enum {
    RS_IDLE,
    RS_SELECTING,
    RS_SELECTING_BUSY,
    RS_TELLING_BUSY,
    RS_PUSHING, /* passes at once: is this fragment the last? */
    RS_SENDING,
    RS_SENT,
    RS_STORING,
    RS_CONFIRMING,
    RS_DONE,
    RS_COUNT,
} reader_state;

typedef enum {
    RE_START,
    RE_START_BUSY,
    RE_DATA,
    RE_OK,
    RE_STOP,
    RE_NOT_FOUND,
    RE_OTHER,
    RE_MORE,
    RE_LAST,
    RE_STORED,
    RE_STORE_FAILED,
    RE_LOST,
    RE_SILENT,
    RE_COUNT,
} reader_event;

typedef enum {
    RA_NONE,
    RA_SELECT,
    RA_BEGIN,
    RA_TELL_BUSY,
    RA_BUSY_TOLD,
    RA_FRAGMENT,
    RA_FINISH,
    RA_CONFIRM,
    RA_STORE_FAILED,
    RA_DONE,
    RA_STOPPED,
    RA_FOREIGN,
    RA_TORN,
    RA_UNCERTAIN,
    RA_COUNT,
} reader_action;

typedef enum {
    CS_ARMED,
    CS_SELECTED,
    CS_GATHERING,
    CS_JUDGING,
    CS_ANSWERED,
    CS_DONE,
    CS_COUNT,
} card_state;

typedef enum {
    CE_SELECT,
    CE_SELECT_OTHER,
    CE_FRAGMENT,
    CE_LAST,
    CE_CONFIRM,
    CE_BUSY,
    CE_OTHER,
    CE_GOOD,
    CE_BAD,
    CE_LOST,
    CE_SILENT,
    CE_COUNT,
} card_event;

typedef enum {
    CA_NONE,
    CA_SELECT,
    CA_NOT_FOUND,
    CA_LEAVE,
    CA_GATHER,
    CA_JUDGE,
    CA_ANSWER,
    CA_STOP,
    CA_COMMIT,
    CA_BUSY,
    CA_REFUSE,
    CA_TORN,
    CA_COUNT,
} card_action;

extern const ehp_machine ehp_tap_reader_machine;
extern const ehp_machine ehp_tap_card_machine;

#define TAP_EVENTS_MAX 4

struct ehp_tap {
    /* configuration */
    ehp_role role;
    ehp_nfc_role nfc;
    bool busy;
    ehp_drbg drbg;
    uint8_t leaf_secret[EHP_SIGN_SECRET_LEN];
    uint8_t *chain_store; /* owned: the certificates, end to end */
    ehp_bytes chain[EHP_CHAIN_MAX];
    size_t n_chain;
    ehp_secrets mine; /* what is said in the tap; copied into the secrets of each try */

    /* the try under way */
    unsigned state;
    uint64_t deadline;
    ehp_noise noise;
    uint8_t h_s[EHP_HASH_LEN];
    uint8_t msg2[EHP_TAP_MSG2_MAX];
    size_t msg2_len, msg2_sent;
    uint8_t seq;
    ehp_unpacked hello; /* card: TerminalHello, from message 2 to the verdict */
    uint8_t hello_hash[EHP_HASH_LEN];
    uint8_t signature[EHP_SIGNATURE_LEN];
    ehp_bytes hello_chain[EHP_CHAIN_MAX];
    ehp_status verdict;
    const uint8_t *verdict_key; /* during ehp_tap_verdict only */
    uint8_t fingerprint[EHP_HASH_LEN];
    uint8_t versions[2]; /* the card's, as sent */
    ehp_secrets secrets;

    /* of a try that came to DONE or UNCERTAIN: waits to be taken, outlives later tries that
     * fail */
    ehp_secrets finished;
    bool has_finished;

    /* input and output */
    ehp_capdu c; /* the APDU that is handled; borrowed for the call */
    ehp_rapdu r;
    uint8_t out[EHP_APDU_MAX];
    size_t out_len;
    ehp_tap_event events[TAP_EVENTS_MAX];
    size_t n_events;
    uint8_t saved[EHP_SECRETS_SAVED_MAX];
};

/* Runs one event through the role's table and what follows from it. */
ehp_status ehp_tap_reader_run(ehp_tap *t, reader_event event);
ehp_status ehp_tap_card_run(ehp_tap *t, card_event event);

/* Ends the try: EHP_SW_FAILED, EHP_TAP_FAILED. */
ehp_status ehp_tap_card_fail(ehp_tap *t, ehp_status status);

/* Forgets the try: handshake, secrets that nobody may take, message 2, what is to be sent. */
void ehp_tap_wipe_try(ehp_tap *t);
ehp_tap_event *ehp_tap_emit(ehp_tap *t, ehp_tap_event_type type, ehp_status status);

/* Handshake (tap-wire.c). */
ehp_status ehp_tap_start_noise(ehp_tap *t);
/* Terminal: message 2 into t->msg2. */
ehp_status ehp_tap_build_msg2(ehp_tap *t);
/* Patient: t->msg2 into t->hello and t->secrets. */
ehp_status ehp_tap_read_msg2(ehp_tap *t);
/* Patient: EHP_BAD_SIGNATURE unless this leaf signed this handshake and hello. */
ehp_status ehp_tap_check_signature(const ehp_tap *t, const uint8_t leaf_key[32]);
/* Patient: message 3 (or what the caller wants) into out. Then the keys are there. */
ehp_status ehp_tap_build_msg3(ehp_tap *t, ehp_writer *out);
/* Terminal: reads message 3. Then the keys are there. */
ehp_status ehp_tap_read_msg3(ehp_tap *t, ehp_bytes in);
ehp_status ehp_tap_build_confirm(ehp_tap *t, ehp_writer *out);
ehp_status ehp_tap_read_confirm(ehp_tap *t, ehp_bytes in);
