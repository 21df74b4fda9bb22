/* SPDX-License-Identifier: Apache-2.0
 *
 * The state machines of a session (one per role) and of a link. What is not listed: from the
 * peer a broken rule, which ends the session with EHP_OUT_OF_ORDER; from the caller
 * EHP_WRONG_STATE.
 */
#include "proto/session-priv.h"

static const char *const states[SS_COUNT] = {
    [SS_ENDED] = "Ended",
    [SS_STAPLE] = "Staple",
    [SS_REQUEST] = "Request",
    [SS_CRLS] = "Crls",
    [SS_CONSENT] = "Consent",
    [SS_SENDING] = "Sending",
    [SS_RECEIPT] = "Receipt",
    [SS_SENT] = "Sent",
    [SS_ASKING] = "Asking",
    [SS_KEYED] = "Keyed",
    [SS_PAGES] = "Pages",
    [SS_OFFERED] = "Offered",
    [SS_RECEIVING] = "Receiving",
    [SS_COMMITTING] = "Committing",
    [SS_STORING] = "Storing",
    [SS_RECEIVED] = "Received",
    [SS_REQUESTED] = "Requested",
    [SS_REPLY_PAGES] = "ReplyPages",
    [SS_REPLY_OFFERED] = "ReplyOffered",
    [SS_REPLY_RECEIVING] = "ReplyReceiving",
    [SS_REPLY_COMMITTING] = "ReplyCommitting",
    [SS_REPLY_STORING] = "ReplyStoring",
    [SS_REPLY_RECEIVED] = "ReplyReceived",
    [SS_REQUESTING] = "Requesting",
    [SS_REPLYING] = "Replying",
    [SS_REPLY_SENDING] = "ReplySending",
    [SS_REPLY_RECEIPT] = "ReplyReceipt",
};

static const char *const events[SE_COUNT] = {
    [SE_PADDING] = "padding",
    [SE_CRL_STAPLE] = "CrlStaple",
    [SE_CONSENT_REQUEST] = "ConsentRequest",
    [SE_SESSION_KEY] = "SessionKey",
    [SE_CONSENT] = "Consent",
    [SE_REFUSAL] = "Refusal",
    [SE_REVOKE] = "Revoke",
    [SE_MANIFEST_PAGE] = "ManifestPage",
    [SE_MANIFEST] = "Manifest",
    [SE_ITEM_REQUEST] = "ItemRequest",
    [SE_SEGMENT_PART] = "SegmentPart",
    [SE_ACK] = "Ack",
    [SE_ITEM_DONE] = "ItemDone",
    [SE_RECEIPT] = "Receipt",
    [SE_RECEIPT_ACK] = "ReceiptAck",
    [SE_STATUS] = "Status",
    [SE_PING] = "Ping",
    [SE_BYE] = "Bye",
    [SE_BYE_REASON] = "Bye with reason",
    [SE_ERROR] = "Error",
    [SE_RESUME_HELLO] = "ResumeHello",
    [SE_SAS_COMMIT] = "SasCommit",
    [SE_SAS_NONCE] = "SasNonce",
    [SE_ACCEPT] = "Accept",
    [SE_CRLS_GOOD] = "(CRLs good)",
    [SE_CRLS_BAD] = "(CRLs bad)",
    [SE_GRANT] = "(granted)",
    [SE_REFUSE] = "(refused)",
    [SE_CONSENT_VOID] = "(no answer in time)",
    [SE_WITHDRAW] = "(withdrawn)",
    [SE_MANIFEST_OK] = "(room for it)",
    [SE_ALL_STORED] = "(all items stored)",
    [SE_COMMIT] = "(committed)",
    [SE_STORED] = "(receipt stored)",
    [SE_TELL_STATUS] = "(status)",
    [SE_REQUEST_ITEMS] = "(items wanted)",
    [SE_OFFER] = "(items offered)",
    [SE_SAY_BYE] = "(bye)",
    [SE_END] = "(end)",
    [SE_LINK_LOST] = "link lost",
    [SE_AGREED] = "link resumed",
    [SE_AGREED_ACCEPTED] = "link resumed, accepted",
    [SE_AGREED_REFUSED] = "link resumed, refused",
    [SE_AGREED_FURTHER] = "link resumed, the terminal is further",
};

static const char *const actions[SA_COUNT] = {
    [SA_NONE] = "none",
    [SA_KEEP_CRLS] = "keep CRLs",
    [SA_FORGET_CRLS] = "forget CRLs",
    [SA_CHECK_REQUEST] = "check, ask CHECK_CRLS",
    [SA_ASK_CONSENT] = "ask ASK_CONSENT",
    [SA_REFUSE] = "send Refusal, Bye",
    [SA_CONSENT_VOID] = "tell CONSENT_VOID, send Refusal, Bye",
    [SA_GRANT] = "send SessionKey, Consent; pages, Manifest, data follow",
    [SA_ACK] = "check, move window",
    [SA_CHECK_RECEIPT] = "check, ask RECEIPT",
    [SA_RECEIPT_AGAIN] = "must be the same, send ReceiptAck",
    [SA_WITHDRAW] = "send Revoke",
    [SA_RESUME_SENDING] = "go on where the receiver is",
    [SA_SENT_ALL] = "send ReceiptAck, tell COMPLETE",
    [SA_CHECK_STATUS] = "check, tell STATUS",
    [SA_ASK] = "send CrlStaple, ConsentRequest",
    [SA_KEEP_KEY] = "check, keep key",
    [SA_FORGET_CONSENT] = "forget consent, pages",
    [SA_CHECK_CONSENT] = "check",
    [SA_PAGE] = "check, tell MANIFEST_PAGE",
    [SA_OFFER] = "check, ask MANIFEST",
    [SA_ACCEPT] = "none",
    [SA_PART] = "check, tell SEGMENT",
    [SA_DROP_PART] = "drop half a segment",
    [SA_ITEM_DONE] = "check root, ask ITEM_COMPLETE",
    [SA_REPLY_ITEM_DONE] = "check root and origin, ask ITEM_COMPLETE",
    [SA_ASK_COMMIT] = "ask COMMIT",
    [SA_BUILD_RECEIPT] = "sign, ask RECEIPT_READY",
    [SA_SEND_RECEIPT] = "send Receipt, tell COMPLETE",
    [SA_RECEIPT_ACKED] = "check, tell RECEIPT_ACKED",
    [SA_SEND_STATUS] = "sign, send Status",
    [SA_SEND_AGAIN] = "send Receipt and Status again",
    [SA_REVOKED] = "check, tell REVOKED",
    [SA_DECLINED] = "declined",
    [SA_PEER_DONE] = "done",
    [SA_PEER_ENDED] = "the peer's reason",
    [SA_BYE] = "send Bye",
    [SA_END] = "send the reason",
    [SA_PEER_LEFT] = "the peer has left",
    [SA_REQUEST_ITEMS] = "send ItemRequest",
    [SA_ASK_ITEMS] = "check, ask ITEM_REQUEST",
    [SA_FORGET_PAGES] = "forget pages",
    [SA_REQUEST_AGAIN] = "send ItemRequest again if it did not arrive",
    [SA_OFFER_ITEMS] = "pages, Manifest, data follow",
    [SA_REPLY] = "pages, Manifest follow",
    [SA_RESUME_REPLY] = "pages, Manifest again if they did not arrive; Status again",
    [SA_REPLY_ACCEPTED] = "data follow",
    [SA_REPLY_REFUSED] = "tell REPLY_REFUSED",
    [SA_REPLY_SENT] = "send ReceiptAck, tell COMPLETE",
    [SA_REPLY_PAGE] = "a new transfer: check, tell MANIFEST_PAGE",
    [SA_REPLY_OFFER] = "check, ask MANIFEST",
    [SA_REPLY_TAKE] = "send Accept",
    [SA_REPLY_REFUSE] = "send Refusal",
    [SA_REPLY_VOID] = "tell CONSENT_VOID, send Refusal",
    [SA_REPLY_HELD] = "send Receipt, tell COMPLETE",
    [SA_REPLY_STORED] = "send Receipt again",
    [SA_REPLY_DONE] = "check, tell RECEIPT_ACKED",
    [SA_REPLY_KNOWN] = "tell RECEIPT_ACKED",
};

#define ALWAYS(state)                                                                          \
    {state, SE_PADDING, SA_NONE, state}, {state, SE_PING, SA_NONE, state},                     \
        {state, SE_BYE_REASON, SA_PEER_ENDED, SS_ENDED},                                       \
        {state, SE_ERROR, SA_PEER_ENDED, SS_ENDED},                                            \
    {                                                                                          \
        state, SE_END, SA_END, SS_ENDED                                                        \
    }
/* A link that goes and comes changes nothing here. */
#define STEADY(state)                                                                          \
    {state, SE_LINK_LOST, SA_NONE, state},                                                     \
    {                                                                                          \
        state, SE_AGREED, SA_NONE, state                                                       \
    }

/* While a reply comes, the word about what was sent may come too. */
#define REPLY(state)                                                                           \
    ALWAYS(state),                                                                             \
    {                                                                                          \
        state, SE_STATUS, SA_CHECK_STATUS, state                                               \
    }

static const ehp_rule patient_rules[] = {
    ALWAYS(SS_STAPLE),
    STEADY(SS_STAPLE),
    {SS_STAPLE, SE_CRL_STAPLE, SA_KEEP_CRLS, SS_REQUEST},

    ALWAYS(SS_REQUEST),
    {SS_REQUEST, SE_CONSENT_REQUEST, SA_CHECK_REQUEST, SS_CRLS},
    {SS_REQUEST, SE_LINK_LOST, SA_FORGET_CRLS, SS_STAPLE},

    ALWAYS(SS_CRLS),
    STEADY(SS_CRLS),
    {SS_CRLS, SE_CRLS_GOOD, SA_ASK_CONSENT, SS_CONSENT},
    {SS_CRLS, SE_CRLS_BAD, SA_REFUSE, SS_ENDED},

    ALWAYS(SS_CONSENT),
    STEADY(SS_CONSENT),
    {SS_CONSENT, SE_GRANT, SA_GRANT, SS_SENDING},
    {SS_CONSENT, SE_REFUSE, SA_REFUSE, SS_ENDED},
    {SS_CONSENT, SE_CONSENT_VOID, SA_CONSENT_VOID, SS_ENDED},

    ALWAYS(SS_SENDING),
    {SS_SENDING, SE_LINK_LOST, SA_NONE, SS_SENDING},
    {SS_SENDING, SE_AGREED, SA_RESUME_SENDING, SS_SENDING},
    {SS_SENDING, SE_ACK, SA_ACK, SS_SENDING},
    {SS_SENDING, SE_RECEIPT, SA_CHECK_RECEIPT, SS_RECEIPT},
    {SS_SENDING, SE_WITHDRAW, SA_WITHDRAW, SS_ENDED},

    ALWAYS(SS_RECEIPT),
    {SS_RECEIPT, SE_LINK_LOST, SA_NONE, SS_RECEIPT},
    {SS_RECEIPT, SE_AGREED, SA_RESUME_SENDING, SS_RECEIPT},
    {SS_RECEIPT, SE_STORED, SA_SENT_ALL, SS_SENT},
    {SS_RECEIPT, SE_WITHDRAW, SA_WITHDRAW, SS_ENDED},

    ALWAYS(SS_SENT),
    {SS_SENT, SE_LINK_LOST, SA_NONE, SS_SENT},
    {SS_SENT, SE_AGREED, SA_RESUME_SENDING, SS_SENT},
    {SS_SENT, SE_RECEIPT, SA_RECEIPT_AGAIN, SS_SENT},
    {SS_SENT, SE_STATUS, SA_CHECK_STATUS, SS_SENT},
    {SS_SENT, SE_BYE, SA_PEER_DONE, SS_ENDED},
    {SS_SENT, SE_SAY_BYE, SA_BYE, SS_ENDED},
    {SS_SENT, SE_ITEM_REQUEST, SA_ASK_ITEMS, SS_REQUESTED},
    {SS_SENT, SE_MANIFEST_PAGE, SA_REPLY_PAGE, SS_REPLY_PAGES},

    ALWAYS(SS_REQUESTED),
    STEADY(SS_REQUESTED),
    {SS_REQUESTED, SE_OFFER, SA_OFFER_ITEMS, SS_SENDING},
    {SS_REQUESTED, SE_WITHDRAW, SA_WITHDRAW, SS_ENDED},

    REPLY(SS_REPLY_PAGES),
    {SS_REPLY_PAGES, SE_LINK_LOST, SA_FORGET_PAGES, SS_REPLY_PAGES},
    {SS_REPLY_PAGES, SE_AGREED, SA_NONE, SS_REPLY_PAGES},
    {SS_REPLY_PAGES, SE_MANIFEST_PAGE, SA_PAGE, SS_REPLY_PAGES},
    {SS_REPLY_PAGES, SE_MANIFEST, SA_REPLY_OFFER, SS_REPLY_OFFERED},

    REPLY(SS_REPLY_OFFERED),
    STEADY(SS_REPLY_OFFERED),
    {SS_REPLY_OFFERED, SE_MANIFEST_OK, SA_REPLY_TAKE, SS_REPLY_RECEIVING},
    {SS_REPLY_OFFERED, SE_REFUSE, SA_REPLY_REFUSE, SS_SENT},
    {SS_REPLY_OFFERED, SE_CONSENT_VOID, SA_REPLY_VOID, SS_SENT},

    REPLY(SS_REPLY_RECEIVING),
    {SS_REPLY_RECEIVING, SE_LINK_LOST, SA_DROP_PART, SS_REPLY_RECEIVING},
    {SS_REPLY_RECEIVING, SE_AGREED, SA_NONE, SS_REPLY_RECEIVING},
    {SS_REPLY_RECEIVING, SE_SEGMENT_PART, SA_PART, SS_REPLY_RECEIVING},
    {SS_REPLY_RECEIVING, SE_ITEM_DONE, SA_REPLY_ITEM_DONE, SS_REPLY_RECEIVING},
    {SS_REPLY_RECEIVING, SE_ALL_STORED, SA_ASK_COMMIT, SS_REPLY_COMMITTING},

    REPLY(SS_REPLY_COMMITTING),
    STEADY(SS_REPLY_COMMITTING),
    {SS_REPLY_COMMITTING, SE_COMMIT, SA_BUILD_RECEIPT, SS_REPLY_STORING},

    REPLY(SS_REPLY_STORING),
    STEADY(SS_REPLY_STORING),
    {SS_REPLY_STORING, SE_STORED, SA_REPLY_HELD, SS_REPLY_RECEIVED},

    REPLY(SS_REPLY_RECEIVED),
    {SS_REPLY_RECEIVED, SE_LINK_LOST, SA_NONE, SS_REPLY_RECEIVED},
    {SS_REPLY_RECEIVED, SE_AGREED, SA_REPLY_STORED, SS_REPLY_RECEIVED},
    {SS_REPLY_RECEIVED, SE_AGREED_FURTHER, SA_REPLY_KNOWN, SS_SENT},
    {SS_REPLY_RECEIVED, SE_RECEIPT_ACK, SA_REPLY_DONE, SS_SENT},
};

const ehp_machine ehp_session_patient_machine = {
    .name = "session (patient, sender)",
    .states = states,
    .n_states = SS_COUNT,
    .events = events,
    .n_events = SE_COUNT,
    .actions = actions,
    .n_actions = SA_COUNT,
    .rules = patient_rules,
    .n_rules = LEN(patient_rules),
};

static const ehp_rule terminal_rules[] = {
    ALWAYS(SS_ASKING),
    {SS_ASKING, SE_LINK_LOST, SA_NONE, SS_ASKING},
    {SS_ASKING, SE_AGREED, SA_ASK, SS_ASKING},
    {SS_ASKING, SE_SESSION_KEY, SA_KEEP_KEY, SS_KEYED},
    {SS_ASKING, SE_REFUSAL, SA_DECLINED, SS_ENDED},

    ALWAYS(SS_KEYED),
    {SS_KEYED, SE_LINK_LOST, SA_FORGET_CONSENT, SS_ASKING},
    {SS_KEYED, SE_CONSENT, SA_CHECK_CONSENT, SS_PAGES},

    ALWAYS(SS_PAGES),
    {SS_PAGES, SE_LINK_LOST, SA_FORGET_CONSENT, SS_ASKING},
    {SS_PAGES, SE_MANIFEST_PAGE, SA_PAGE, SS_PAGES},
    {SS_PAGES, SE_MANIFEST, SA_OFFER, SS_OFFERED},
    {SS_PAGES, SE_REVOKE, SA_REVOKED, SS_ENDED},

    ALWAYS(SS_OFFERED),
    STEADY(SS_OFFERED),
    {SS_OFFERED, SE_MANIFEST_OK, SA_ACCEPT, SS_RECEIVING},
    {SS_OFFERED, SE_REVOKE, SA_REVOKED, SS_ENDED},

    ALWAYS(SS_RECEIVING),
    {SS_RECEIVING, SE_LINK_LOST, SA_DROP_PART, SS_RECEIVING},
    {SS_RECEIVING, SE_AGREED, SA_NONE, SS_RECEIVING},
    {SS_RECEIVING, SE_SEGMENT_PART, SA_PART, SS_RECEIVING},
    {SS_RECEIVING, SE_ITEM_DONE, SA_ITEM_DONE, SS_RECEIVING},
    {SS_RECEIVING, SE_ALL_STORED, SA_ASK_COMMIT, SS_COMMITTING},
    {SS_RECEIVING, SE_REVOKE, SA_REVOKED, SS_ENDED},

    ALWAYS(SS_COMMITTING),
    STEADY(SS_COMMITTING),
    {SS_COMMITTING, SE_COMMIT, SA_BUILD_RECEIPT, SS_STORING},
    {SS_COMMITTING, SE_REVOKE, SA_REVOKED, SS_ENDED},

    ALWAYS(SS_STORING),
    STEADY(SS_STORING),
    {SS_STORING, SE_STORED, SA_SEND_RECEIPT, SS_RECEIVED},
    {SS_STORING, SE_REVOKE, SA_REVOKED, SS_ENDED},

    ALWAYS(SS_RECEIVED),
    {SS_RECEIVED, SE_LINK_LOST, SA_NONE, SS_RECEIVED},
    {SS_RECEIVED, SE_AGREED, SA_SEND_AGAIN, SS_RECEIVED},
    {SS_RECEIVED, SE_RECEIPT_ACK, SA_RECEIPT_ACKED, SS_RECEIVED},
    {SS_RECEIVED, SE_TELL_STATUS, SA_SEND_STATUS, SS_RECEIVED},
    {SS_RECEIVED, SE_REVOKE, SA_REVOKED, SS_ENDED},
    {SS_RECEIVED, SE_BYE, SA_PEER_DONE, SS_ENDED},
    {SS_RECEIVED, SE_SAY_BYE, SA_BYE, SS_ENDED},
    {SS_RECEIVED, SE_RECEIPT, SA_RECEIPT_AGAIN, SS_RECEIVED},
    {SS_RECEIVED, SE_REQUEST_ITEMS, SA_REQUEST_ITEMS, SS_REQUESTING},
    {SS_RECEIVED, SE_OFFER, SA_REPLY, SS_REPLYING},

    ALWAYS(SS_REQUESTING),
    {SS_REQUESTING, SE_LINK_LOST, SA_FORGET_PAGES, SS_REQUESTING},
    {SS_REQUESTING, SE_AGREED, SA_REQUEST_AGAIN, SS_REQUESTING},
    {SS_REQUESTING, SE_MANIFEST_PAGE, SA_PAGE, SS_REQUESTING},
    {SS_REQUESTING, SE_MANIFEST, SA_OFFER, SS_OFFERED},
    {SS_REQUESTING, SE_REVOKE, SA_REVOKED, SS_ENDED},
    {SS_REQUESTING, SE_BYE, SA_PEER_LEFT, SS_ENDED},

    ALWAYS(SS_REPLYING),
    {SS_REPLYING, SE_LINK_LOST, SA_NONE, SS_REPLYING},
    {SS_REPLYING, SE_AGREED, SA_RESUME_REPLY, SS_REPLYING},
    {SS_REPLYING, SE_AGREED_ACCEPTED, SA_REPLY_ACCEPTED, SS_REPLY_SENDING},
    {SS_REPLYING, SE_AGREED_REFUSED, SA_REPLY_REFUSED, SS_RECEIVED},
    {SS_REPLYING, SE_ACCEPT, SA_REPLY_ACCEPTED, SS_REPLY_SENDING},
    {SS_REPLYING, SE_REFUSAL, SA_REPLY_REFUSED, SS_RECEIVED},
    {SS_REPLYING, SE_TELL_STATUS, SA_SEND_STATUS, SS_REPLYING},
    {SS_REPLYING, SE_BYE, SA_PEER_LEFT, SS_ENDED},

    ALWAYS(SS_REPLY_SENDING),
    {SS_REPLY_SENDING, SE_LINK_LOST, SA_NONE, SS_REPLY_SENDING},
    {SS_REPLY_SENDING, SE_AGREED, SA_RESUME_REPLY, SS_REPLY_SENDING},
    {SS_REPLY_SENDING, SE_ACK, SA_ACK, SS_REPLY_SENDING},
    {SS_REPLY_SENDING, SE_RECEIPT, SA_CHECK_RECEIPT, SS_REPLY_RECEIPT},
    {SS_REPLY_SENDING, SE_TELL_STATUS, SA_SEND_STATUS, SS_REPLY_SENDING},

    ALWAYS(SS_REPLY_RECEIPT),
    {SS_REPLY_RECEIPT, SE_LINK_LOST, SA_NONE, SS_REPLY_RECEIPT},
    {SS_REPLY_RECEIPT, SE_AGREED, SA_RESUME_REPLY, SS_REPLY_RECEIPT},
    {SS_REPLY_RECEIPT, SE_STORED, SA_REPLY_SENT, SS_RECEIVED},
    {SS_REPLY_RECEIPT, SE_TELL_STATUS, SA_SEND_STATUS, SS_REPLY_RECEIPT},
};

const ehp_machine ehp_session_terminal_machine = {
    .name = "session (terminal, receiver)",
    .states = states,
    .n_states = SS_COUNT,
    .events = events,
    .n_events = SE_COUNT,
    .actions = actions,
    .n_actions = SA_COUNT,
    .rules = terminal_rules,
    .n_rules = LEN(terminal_rules),
};

static const char *const link_states[LS_COUNT] = {
    [LS_FREE] = "Free",         [LS_SILENT] = "Silent", [LS_MESSAGE1] = "Message1",
    [LS_MESSAGE2] = "Message2", [LS_HELLO] = "Hello",   [LS_UP] = "Up",
    [LS_CLOSING] = "Closing",
};

static const char *const link_events[LE_COUNT] = {
    [LE_ACCEPT_FIRST] = "first link accepted",
    [LE_ACCEPT_RESUME] = "later link accepted",
    [LE_CONNECT_FIRST] = "first link connected",
    [LE_CONNECT_RESUME] = "later link connected",
    [LE_HANDSHAKE] = "handshake message",
    [LE_RECORD] = "record",
    [LE_HELLO] = "ResumeHello",
    [LE_ERROR] = "Error",
    [LE_GARBAGE] = "garbage",
    [LE_OVERTAKEN] = "overtaken",
    [LE_LATE] = "late",
    [LE_LOST] = "connection lost",
    [LE_END] = "session ended",
};

static const char *const link_actions[LA_COUNT] = {
    [LA_NONE] = "none",
    [LA_TAKE_KEYS] = "take the split keys, ask",
    [LA_TAKE_KEYS_PREAMBLE] = "take the split keys, send preamble",
    [LA_AWAIT] = "none",
    [LA_OFFER] = "send preamble, message 1",
    [LA_ANSWER] = "close the older link, send message 2, ResumeHello",
    [LA_FINISH] = "keep new generation, send ResumeHello",
    [LA_WIN] = "this is the link: tell LINK_UP, close others",
    [LA_AGREE] = "this is the link: tell LINK_UP; listener: new generation only",
    [LA_PROVE] = "connector, once: new generation only",
    [LA_REFUSE] = "the session ends: OUT_OF_ORDER",
    [LA_CLOSE] = "close this connection only",
    [LA_BAD_TAG] = "close; too often: the session ends",
    [LA_FREE] = "none",
    [LA_LAST_WORDS] = "close after flush",
};

static const ehp_rule link_rules[] = {
    {LS_FREE, LE_ACCEPT_FIRST, LA_TAKE_KEYS, LS_SILENT},
    {LS_FREE, LE_ACCEPT_RESUME, LA_AWAIT, LS_MESSAGE1},
    {LS_FREE, LE_CONNECT_FIRST, LA_TAKE_KEYS_PREAMBLE, LS_SILENT},
    {LS_FREE, LE_CONNECT_RESUME, LA_OFFER, LS_MESSAGE2},

    {LS_SILENT, LE_RECORD, LA_WIN, LS_UP},
    {LS_SILENT, LE_HELLO, LA_REFUSE, LS_UP},
    {LS_SILENT, LE_GARBAGE, LA_CLOSE, LS_FREE},
    {LS_SILENT, LE_OVERTAKEN, LA_CLOSE, LS_FREE},
    {LS_SILENT, LE_LATE, LA_CLOSE, LS_FREE},
    {LS_SILENT, LE_LOST, LA_FREE, LS_FREE},
    {LS_SILENT, LE_END, LA_LAST_WORDS, LS_CLOSING},

    {LS_MESSAGE1, LE_HANDSHAKE, LA_ANSWER, LS_HELLO},
    {LS_MESSAGE1, LE_GARBAGE, LA_CLOSE, LS_FREE},
    {LS_MESSAGE1, LE_OVERTAKEN, LA_CLOSE, LS_FREE},
    {LS_MESSAGE1, LE_LATE, LA_CLOSE, LS_FREE},
    {LS_MESSAGE1, LE_LOST, LA_FREE, LS_FREE},
    {LS_MESSAGE1, LE_END, LA_CLOSE, LS_FREE},

    {LS_MESSAGE2, LE_HANDSHAKE, LA_FINISH, LS_HELLO},
    {LS_MESSAGE2, LE_GARBAGE, LA_CLOSE, LS_FREE},
    {LS_MESSAGE2, LE_OVERTAKEN, LA_CLOSE, LS_FREE},
    {LS_MESSAGE2, LE_LATE, LA_CLOSE, LS_FREE},
    {LS_MESSAGE2, LE_LOST, LA_FREE, LS_FREE},
    {LS_MESSAGE2, LE_END, LA_CLOSE, LS_FREE},

    {LS_HELLO, LE_HELLO, LA_AGREE, LS_UP},
    {LS_HELLO, LE_RECORD, LA_REFUSE, LS_UP},
    {LS_HELLO, LE_ERROR, LA_WIN, LS_UP},
    {LS_HELLO, LE_GARBAGE, LA_CLOSE, LS_FREE},
    {LS_HELLO, LE_OVERTAKEN, LA_CLOSE, LS_FREE},
    {LS_HELLO, LE_LATE, LA_CLOSE, LS_FREE},
    {LS_HELLO, LE_LOST, LA_FREE, LS_FREE},
    {LS_HELLO, LE_END, LA_CLOSE, LS_FREE},

    {LS_UP, LE_RECORD, LA_PROVE, LS_UP},
    {LS_UP, LE_HELLO, LA_REFUSE, LS_UP},
    {LS_UP, LE_GARBAGE, LA_BAD_TAG, LS_FREE},
    {LS_UP, LE_OVERTAKEN, LA_CLOSE, LS_FREE},
    {LS_UP, LE_LATE, LA_CLOSE, LS_FREE},
    {LS_UP, LE_LOST, LA_FREE, LS_FREE},
    {LS_UP, LE_END, LA_LAST_WORDS, LS_CLOSING},

    {LS_CLOSING, LE_LATE, LA_CLOSE, LS_FREE},
    {LS_CLOSING, LE_LOST, LA_FREE, LS_FREE},
};

const ehp_machine ehp_link_machine = {
    .name = "link",
    .states = link_states,
    .n_states = LS_COUNT,
    .events = link_events,
    .n_events = LE_COUNT,
    .actions = link_actions,
    .n_actions = LA_COUNT,
    .rules = link_rules,
    .n_rules = LEN(link_rules),
};
