/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of a session: one struct for both roles, the tables, and what the files of the session
 * call of each other. Not for others.
 */
#pragma once

#include "proto/doc.h"
#include "proto/drbg.h"
#include "proto/guard.h"
#include "proto/machine.h"
#include "proto/noise.h"
#include "proto/receiver.h"
#include "proto/record.h"
#include "proto/sender.h"
#include "proto/session.h"
#include "proto/wire.h"

#define LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A sender keeps about this much queued: more would only make a cancel slower. */
#define QUEUE_LOW     (96 * 1024)
/* Above it a peer does not read what it must; covers a segment and every record that is not
 * data. */
#define QUEUE_MAX     (1024 * 1024)
#define HANDSHAKE_LEN (EHP_DH_LEN + EHP_TAG_LEN)
/* Generations a connector may have to try: the proven one and those whose first record was
 * lost. */
#define HELD_MAX      8
#define EVENTS_MAX    16

/* ---------------------------------------------------------------- a link */

typedef enum {
    LS_FREE,
    LS_SILENT,   /* split keys, nothing authenticated yet */
    LS_MESSAGE1, /* listener: waits for the resumption's first message */
    LS_MESSAGE2, /* connector: waits for the second */
    LS_HELLO,    /* waits for the peer's ResumeHello */
    LS_UP,
    LS_CLOSING, /* last words are leaving */
    LS_COUNT,
} link_state;

typedef enum {
    LE_ACCEPT_FIRST,
    LE_ACCEPT_RESUME,
    LE_CONNECT_FIRST,
    LE_CONNECT_RESUME,
    LE_HANDSHAKE, /* a whole handshake message came */
    LE_RECORD,    /* a record authenticated */
    LE_HELLO,     /* and it is a ResumeHello */
    LE_ERROR,     /* and it is an Error, in place of the ResumeHello */
    LE_GARBAGE,   /* something did not authenticate, or cannot be a record */
    LE_OVERTAKEN, /* another link became the one, or this one was evicted */
    LE_LATE,
    LE_LOST,
    LE_END,
    LE_COUNT,
} link_event;

typedef enum {
    LA_NONE,
    LA_TAKE_KEYS,
    LA_TAKE_KEYS_PREAMBLE,
    LA_AWAIT,
    LA_OFFER,
    LA_ANSWER,
    LA_FINISH,
    LA_WIN,
    LA_AGREE,
    LA_PROVE,
    LA_REFUSE,
    LA_CLOSE,
    LA_BAD_TAG,
    LA_FREE,
    LA_LAST_WORDS,
    LA_COUNT,
} link_action;

extern const ehp_machine ehp_link_machine;

typedef struct {
    unsigned state; /* link_state */
    bool connector, first;
    bool hello_sent, hello_received, agreed;
    bool close_due; /* LINK_CLOSE is to be given out */
    bool flush;
    uint64_t order; /* when it was opened, among all */
    uint64_t deadline;
    uint64_t last_rx, last_tx;
    uint64_t begun; /* when the record that is coming in began; UINT64_MAX: none is */
    ehp_record records;
    ehp_queue out;
    ehp_noise noise;
    uint8_t handshake[HANDSHAKE_LEN];
    size_t handshake_len;
    /* what this resumption will be once it has won */
    uint32_t generation;
    uint8_t locator[EHP_KEY_LEN], resume[EHP_KEY_LEN];
} session_link;

typedef struct {
    uint32_t number;
    uint8_t locator[EHP_KEY_LEN], resume[EHP_KEY_LEN];
} generation;

/* ---------------------------------------------------------------- the session */

typedef enum {
    SS_ENDED,
    /* patient */
    SS_STAPLE,
    SS_REQUEST,
    SS_CRLS,
    SS_CONSENT,
    SS_SENDING,
    SS_RECEIPT,
    SS_SENT,
    SS_REQUESTED,     /* an ItemRequest waits for what it gets */
    SS_REPLY_PAGES,   /* what the terminal would send is being listed */
    SS_REPLY_OFFERED, /* the person is asked */
    SS_REPLY_RECEIVING,
    SS_REPLY_COMMITTING,
    SS_REPLY_STORING,
    SS_REPLY_RECEIVED, /* our receipt is not acknowledged yet */
    /* terminal */
    SS_ASKING,
    SS_KEYED,
    SS_PAGES,
    SS_OFFERED,
    SS_RECEIVING,
    SS_COMMITTING,
    SS_STORING,
    SS_RECEIVED,
    SS_REQUESTING, /* items are asked for, their manifest comes */
    SS_REPLYING,   /* items are offered to the patient, who decides */
    SS_REPLY_SENDING,
    SS_REPLY_RECEIPT,
    SS_COUNT,
} session_state;

typedef enum {
    /* records of the peer */
    SE_PADDING,
    SE_CRL_STAPLE,
    SE_CONSENT_REQUEST,
    SE_SESSION_KEY,
    SE_CONSENT,
    SE_REFUSAL,
    SE_REVOKE,
    SE_MANIFEST_PAGE,
    SE_MANIFEST,
    SE_ITEM_REQUEST,
    SE_SEGMENT_PART,
    SE_ACK,
    SE_ITEM_DONE,
    SE_RECEIPT,
    SE_RECEIPT_ACK,
    SE_STATUS,
    SE_PING,
    SE_BYE,
    SE_BYE_REASON,
    SE_ERROR,
    SE_RESUME_HELLO,
    SE_SAS_COMMIT,
    SE_SAS_NONCE,
    SE_ACCEPT,
    /* answers of the caller */
    SE_CRLS_GOOD,
    SE_CRLS_BAD,
    SE_GRANT,
    SE_REFUSE,
    SE_CONSENT_VOID,
    SE_WITHDRAW,
    SE_MANIFEST_OK,
    SE_ALL_STORED,
    SE_COMMIT,
    SE_STORED,
    SE_TELL_STATUS,
    SE_REQUEST_ITEMS,
    SE_OFFER,
    SE_SAY_BYE,
    SE_END,
    /* the link */
    SE_LINK_LOST,
    SE_AGREED, /* resumed: both hellos came */
    /* and the patient's says what became of the offer */
    SE_AGREED_ACCEPTED,
    SE_AGREED_REFUSED,
    SE_AGREED_FURTHER, /* the terminal's says that it is in the next transfer */
    SE_COUNT,
} session_event;

typedef enum {
    SA_NONE,
    SA_KEEP_CRLS,
    SA_FORGET_CRLS,
    SA_CHECK_REQUEST,
    SA_ASK_CONSENT,
    SA_REFUSE,
    SA_CONSENT_VOID,
    SA_GRANT,
    SA_ACK,
    SA_CHECK_RECEIPT,
    SA_RECEIPT_AGAIN,
    SA_WITHDRAW,
    SA_RESUME_SENDING,
    SA_SENT_ALL,
    SA_CHECK_STATUS,
    SA_ASK,
    SA_KEEP_KEY,
    SA_FORGET_CONSENT,
    SA_CHECK_CONSENT,
    SA_PAGE,
    SA_OFFER,
    SA_ACCEPT,
    SA_PART,
    SA_DROP_PART,
    SA_ITEM_DONE,
    SA_REPLY_ITEM_DONE,
    SA_ASK_COMMIT,
    SA_BUILD_RECEIPT,
    SA_SEND_RECEIPT,
    SA_RECEIPT_ACKED,
    SA_SEND_STATUS,
    SA_SEND_AGAIN,
    SA_REVOKED,
    SA_DECLINED,
    SA_PEER_DONE,
    SA_PEER_ENDED,
    SA_BYE,
    SA_END,
    SA_PEER_LEFT,
    SA_REQUEST_ITEMS,
    SA_ASK_ITEMS,
    SA_FORGET_PAGES,
    SA_REQUEST_AGAIN,
    SA_OFFER_ITEMS,
    SA_REPLY,
    SA_RESUME_REPLY,
    SA_REPLY_ACCEPTED,
    SA_REPLY_REFUSED,
    SA_REPLY_SENT,
    SA_REPLY_PAGE,
    SA_REPLY_OFFER,
    SA_REPLY_TAKE,
    SA_REPLY_REFUSE,
    SA_REPLY_VOID,
    SA_REPLY_HELD,
    SA_REPLY_STORED,
    SA_REPLY_DONE,
    SA_REPLY_KNOWN,
    SA_COUNT,
} session_action;

extern const ehp_machine ehp_session_patient_machine;
extern const ehp_machine ehp_session_terminal_machine;

/* What the peer's ResumeHello said. */
typedef struct {
    uint32_t transfer;
    bool ahead; /* it is in a transfer that has not begun here */
    bool has_manifest;
    uint8_t manifest_hash[EHP_HASH_LEN];
    ehp_position durable;
    uint32_t consent_state;
} peer_hello;

enum {
    CONSENT_STATE_NONE = 0,
    CONSENT_STATE_GRANTED = 1,
    CONSENT_STATE_ASKED = 2,   /* patient: the request, or an offer, is here, unanswered */
    CONSENT_STATE_REFUSED = 3, /* patient: an offer was refused */
};

/* What is said once it is kept. */
typedef enum {
    SAY_NOTHING,
    SAY_CONSENT,
    SAY_REQUEST,
    SAY_PAGES,
    SAY_ACCEPT,
    SAY_REFUSAL,
} session_word;

struct ehp_session {
    ehp_role role;
    const ehp_machine *machine;
    unsigned state; /* session_state */
    ehp_secrets secrets;
    ehp_drbg drbg;
    uint64_t now;

    /* configuration */
    uint8_t leaf_secret[EHP_SIGN_SECRET_LEN];
    uint8_t *store; /* owned: chain and CRLs, end to end */
    ehp_bytes chain[EHP_CHAIN_MAX], crls[EHP_CRL_MAX];
    size_t n_chain, n_crls;
    uint32_t consent_ms, resume_ms, linger_ms, idle_ms;
    int zstd_level;

    /* documents and what they say */
    ehp_doc docs[EHP_DOCS];
    ehp_unpacked request,
        consent;         /* unpacked bodies; request at the patient, consent at both */
    ehp_unpacked staple; /* patient */
    ehp_bytes staple_crls[EHP_CRL_MAX];
    uint32_t crl_state; /* CrlState */
    bool has_patient_key;
    uint8_t patient_key[EHP_SIGN_PUBLIC_LEN];
    uint8_t patient_secret[EHP_SIGN_SECRET_LEN];
    uint8_t patient_proof[EHP_SIGNATURE_LEN];

    /* the transfer */
    ehp_sender sender;
    bool has_sender;
    ehp_receiver receiver;
    bool has_receiver;
    ehp_position acks_sent; /* receiver: what the peer was told */
    bool position_due;      /* receiver: the sender asked where to go on */
    bool continues;         /* the manifest names an earlier session: */
    uint8_t proof[EHP_HASH_LEN];
    ehp_left left; /* of a session that has ended */
    bool has_left;
    uint32_t items_completed; /* receiver: of which ITEM_COMPLETE was given out */
    bool complete;
    bool receipt_acked;
    uint32_t transfer; /* its number, from 0 */
    bool to_patient, manifest_only;
    bool refused;          /* an offer to the patient was */
    uint8_t *item_request; /* terminal, owned: packed, to be said again */
    size_t item_request_len;
    ehp_unpacked asked; /* patient: the Record with the ItemRequest that is to be answered */
    bool extended;

    /* links */
    session_link links[EHP_SESSION_LINKS];
    int link; /* the one, or -1 */
    uint64_t opened;
    generation held[HELD_MAX]; /* connector: newest first, last the one they were made
                                  from; listener: one */
    size_t n_held;
    unsigned attempt;
    peer_hello hello;
    unsigned bad_tags;
    uint64_t wire_in, wire_out;

    /* time; UINT64_MAX: none */
    uint64_t phase_deadline, suspended_deadline, progress_deadline;
    uint64_t down_at;   /* when the link went: time without one is no time without progress */
    uint64_t ask_limit; /* terminal: until then the patient decides, however often it comes
                           back; 0: not asked yet */
    bool was_blocked;
    bool choked; /* the peer does not read: the link is given up once the call is done */

    /* session-save.c */
    bool saves;           /* the caller keeps the session over its own end */
    bool save_due;        /* SAVE is to be given out */
    unsigned savings;     /* SAVE events that were not answered yet */
    bool save_wait;       /* nothing is said or heard until all are */
    session_word say_due; /* what was begun, and is not said before it is kept */
    bool between;         /* patient, restored: of the last transfer nothing is outstanding */
    uint8_t mark[EHP_MARK_MAX];
    ehp_doc origin; /* patient: of the item that was last complete */

    /* the record or answer that is handled */
    ehp_unpacked record;
    Ehp__Record
        part_record; /* what record is when it is part of a segment: not unpacked but read */
    Ehp__SegmentPart part;
    ehp_bytes raw;
    const void *answer;
    ehp_status answer_status;
    int64_t answer_time;

    /* events */
    ehp_event events[EVENTS_MAX];
    size_t n_events;
    bool ended_due, ended_by_peer;
    ehp_status ended_status;
};

/* session.c */
ehp_status ehp_session_run(ehp_session *s, session_event event);
/* What an answer of the caller becomes: EHP_WRONG_STATE when it is not waited for. */
ehp_status ehp_session_answer(ehp_session *s, session_event event);
ehp_event *ehp_session_emit(ehp_session *s, ehp_event_type type);
/* One authenticated record. */
void ehp_session_record(ehp_session *s, ehp_bytes plain);
/* Pumps what is due: hello, data, acks. After every call from outside. */
void ehp_session_settle(ehp_session *s);
bool ehp_session_blocked(const ehp_session *s);
static inline const Ehp__Record *
session_body(const ehp_session *s)
{
    return (const Ehp__Record *)s->record.message;
}

/* Data role in the transfer that is (or was last) in course. */
static inline bool
session_sends(const ehp_session *s)
{
    return (s->role == EHP_ROLE_PATIENT) != s->to_patient;
}

/* Granted, and nobody has heard of it: as good as not granted. */
static inline bool
session_consent_due(const ehp_session *s)
{
    return s->say_due == SAY_CONSENT;
}

/* session-send.c */
/* The link may carry records of ours now. */
bool ehp_session_open(const ehp_session *s);
bool ehp_session_outlet(ehp_session *s, ehp_outlet *out);
/* Sends if there is a link that may carry it; what is lost so, the resumption says again. */
ehp_status ehp_session_send(ehp_session *s, const Ehp__Record *record);
ehp_status ehp_session_send_doc(ehp_session *s, ehp_document which);
void ehp_session_send_ack(ehp_session *s);
void ehp_session_send_ping(ehp_session *s);

/* session-end.c */
/* The peer broke a rule, or we cannot go on: tells the peer, ends. */
void ehp_session_fail(ehp_session *s, ehp_status status);
/* Ends without a word. */
void ehp_session_finish(ehp_session *s, ehp_status status, bool by_peer);
ehp_status ehp_session_say_bye(ehp_session *s, bool has_reason, int code);
ehp_status ehp_session_say_refusal(ehp_session *s);
ehp_status ehp_session_act_peer_done(ehp_session *s);
ehp_status ehp_session_act_peer_ended(ehp_session *s);
ehp_status ehp_session_act_bye(ehp_session *s);
ehp_status ehp_session_act_end(ehp_session *s);

/* session-link.c */
ehp_status ehp_link_run(ehp_session *s, int link, link_event event);
/* Closes every link but `but` (-1: all). */
void ehp_link_overtake(ehp_session *s, int but);
/* The one link is gone. */
void ehp_link_down(ehp_session *s);
void ehp_link_reset(session_link *l);
/* Sends our ResumeHello when it is due and can be said. */
void ehp_link_say_hello(ehp_session *s, int link);

/* session-resume.c */
ehp_status ehp_resume_offer(ehp_session *s, session_link *l);
ehp_status ehp_resume_answer(ehp_session *s, session_link *l);
ehp_status ehp_resume_finish(ehp_session *s, session_link *l);
void ehp_resume_commit(ehp_session *s, const session_link *l);
/* Our ResumeHello is possible: nothing delivered waits to become durable. */
bool ehp_resume_settled(ehp_session *s);
ehp_status ehp_resume_send_hello(ehp_session *s, session_link *l);
ehp_status ehp_resume_take_hello(ehp_session *s, const session_link *l,
                                 const Ehp__ResumeHello *hello);

/* preamble.c */
void ehp_preamble_make(uint8_t out[EHP_PREAMBLE_LEN], const uint8_t locator[EHP_KEY_LEN],
                       bool first, const uint8_t nonce[16]);
bool ehp_preamble_fits(const ehp_preamble *p, const uint8_t locator[EHP_KEY_LEN], bool first);

/* session-patient.c */
ehp_status ehp_session_act_keep_crls(ehp_session *s);
ehp_status ehp_session_act_forget_crls(ehp_session *s);
ehp_status ehp_session_act_check_request(ehp_session *s);
ehp_status ehp_session_act_ask_consent(ehp_session *s);
ehp_status ehp_session_act_refuse(ehp_session *s);
ehp_status ehp_session_act_consent_void(ehp_session *s);
ehp_status ehp_session_act_grant(ehp_session *s);
ehp_status ehp_session_act_ack(ehp_session *s);
ehp_status ehp_session_act_withdraw(ehp_session *s);
ehp_status ehp_session_act_resume_sending(ehp_session *s);
ehp_status ehp_session_act_sent_all(ehp_session *s);
ehp_status ehp_session_act_check_status(ehp_session *s);

/* session-terminal.c */
ehp_status ehp_session_act_ask(ehp_session *s);
ehp_status ehp_session_act_keep_key(ehp_session *s);
ehp_status ehp_session_act_forget_consent(ehp_session *s);
/* The Manifest that came, whole and right; *event: MANIFEST, filled in. */
ehp_status ehp_session_take_manifest(ehp_session *s, ehp_event **event);
ehp_status ehp_session_act_check_consent(ehp_session *s);
ehp_status ehp_session_act_page(ehp_session *s);
ehp_status ehp_session_act_offer(ehp_session *s);
ehp_status ehp_session_act_accept(ehp_session *s);
ehp_status ehp_session_act_part(ehp_session *s);
ehp_status ehp_session_act_drop_part(ehp_session *s);
ehp_status ehp_session_act_item_done(ehp_session *s);
ehp_status ehp_session_act_reply_item_done(ehp_session *s);
ehp_status ehp_session_act_ask_commit(ehp_session *s);
ehp_status ehp_session_act_send_status(ehp_session *s);
ehp_status ehp_session_act_revoked(ehp_session *s);
ehp_status ehp_session_act_declined(ehp_session *s);

/* session-receipt.c */
ehp_status ehp_session_act_build_receipt(ehp_session *s);
ehp_status ehp_session_act_send_receipt(ehp_session *s);
ehp_status ehp_session_act_receipt_acked(ehp_session *s);
ehp_status ehp_session_act_send_again(ehp_session *s);
ehp_status ehp_session_act_check_receipt(ehp_session *s);
ehp_status ehp_session_act_receipt_again(ehp_session *s);
ehp_status ehp_session_send_receipt_ack(ehp_session *s);

/* session-left.c */
/* At the end, while there are keys. */
void ehp_session_keep_left(ehp_session *s);
/* Patient: the sender goes on where the earlier one's was, if that fits. */
ehp_status ehp_session_ask_position(ehp_session *s, const ehp_grant *grant);
/* pages_hash of a manifest that was signed. */
ehp_status ehp_session_list_hash(const ehp_doc *manifest, uint8_t out[EHP_HASH_LEN]);

/* session-save.c */
/* The saved form changed; wait: and the peer may not hear of it before it is durable. */
void ehp_session_want_save(ehp_session *s, bool wait);
/* A step that the peer would hold us to: said when it is kept, at once if nothing is. */
ehp_status ehp_session_say_kept(ehp_session *s, session_word word);

/* session-patient.c */
ehp_status ehp_session_send_consent(ehp_session *s);

/* session.c: all but configuration and documents. */
ehp_status ehp_session_init(ehp_session *s, const ehp_session_config *config, uint64_t now_ms);
/* session-transfer.c */
/* Of the direction that is in course. */
ehp_doc *ehp_session_manifest_doc(ehp_session *s);
ehp_doc *ehp_session_receipt_doc(ehp_session *s);
const uint8_t *ehp_session_own_secret(const ehp_session *s);
const uint8_t *ehp_session_peer_key(const ehp_session *s);
/* Of what the sender was made with, signed by us. */
ehp_status ehp_session_make_manifest(ehp_session *s);
/* A sender in place of the last one, which stays when this fails. */
ehp_status ehp_session_make_sender(ehp_session *s, Ehp__ItemEntry *const *items, size_t n);
ehp_status ehp_session_say_request(ehp_session *s);
void ehp_session_begin_transfer(ehp_session *s, bool to_patient);
bool ehp_session_query_known(const Ehp__ItemQuery *query);
ehp_status ehp_session_act_request_items(ehp_session *s);
ehp_status ehp_session_act_request_again(ehp_session *s);
ehp_status ehp_session_act_forget_pages(ehp_session *s);
ehp_status ehp_session_act_peer_left(ehp_session *s);
ehp_status ehp_session_act_ask_items(ehp_session *s);
ehp_status ehp_session_act_offer_items(ehp_session *s);

/* session-reply.c */
/* Terminal: each item of what it sends back is vouched for. */
void ehp_session_sign_origins(ehp_session *s);
ehp_status ehp_session_say_accept(ehp_session *s);
ehp_status ehp_session_say_no(ehp_session *s);
ehp_status ehp_session_act_reply(ehp_session *s);
ehp_status ehp_session_act_resume_reply(ehp_session *s);
ehp_status ehp_session_act_reply_accepted(ehp_session *s);
ehp_status ehp_session_act_reply_refused(ehp_session *s);
ehp_status ehp_session_act_reply_sent(ehp_session *s);
ehp_status ehp_session_act_reply_page(ehp_session *s);
ehp_status ehp_session_act_reply_offer(ehp_session *s);
ehp_status ehp_session_act_reply_take(ehp_session *s);
ehp_status ehp_session_act_reply_refuse(ehp_session *s);
ehp_status ehp_session_act_reply_void(ehp_session *s);
ehp_status ehp_session_act_reply_held(ehp_session *s);
ehp_status ehp_session_act_reply_stored(ehp_session *s);
ehp_status ehp_session_act_reply_done(ehp_session *s);
ehp_status ehp_session_act_reply_known(ehp_session *s);

/* session-config.c: the ConsentRequest of the configuration, completed, signed. */
ehp_status ehp_config_copy(ehp_session *s, const ehp_session_config *config);
