/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: what one tap opens between two devices, over any number of links (PROTOCOL.md,
 * Session). Sans-I/O: bytes in, bytes out, events, answers, a deadline. It owns keys, order,
 * consent, manifest, hashes, receipt and resume; it owns no file, no clock, no certificate:
 * those come in as arguments or answers. Not thread safe; no call re-enters.
 *
 * Driving it. After every call on a session:
 *   1. ehp_session_next_event() until it says none, answering as each event asks (at once or
 * later)
 *   2. for each link: write ehp_session_output(), ehp_session_consume() what was written
 *   3. arm a timer for ehp_session_deadline(), then ehp_session_tick()
 * Read a link only while ehp_session_wants_input(): that is the flow control.
 * ehp_session_feed() may take less than it was given; the rest is given again after the events
 * were handled.
 *
 * Pointers in an event are borrowed until the next call on the same session. Pointers given to
 * a call are borrowed for that call, unless a field says otherwise. Answers in a state that
 * does not wait for them are EHP_WRONG_STATE and change nothing; that includes late answers
 * after ENDED. An event whose answer is overtaken by the end of the session needs no answer.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"
#include "proto/ehrlink.pb-c.h"
#include "proto/left.h"
#include "proto/secrets.h"
#include "proto/tree.h"

/* ---------------------------------------------------------------- preamble (connector →
 * listener) */

/* "EHR1", version, 16 bytes of nonce, 16 bytes of HMAC: the first bytes of every link, in
 * clear. */
#define EHP_PREAMBLE_LEN 37

typedef struct {
    uint8_t version;
    uint8_t nonce[16];
    uint8_t mac[16];
} ehp_preamble;

/* EHP_AGAIN: fewer than EHP_PREAMBLE_LEN bytes, and those fit so far. EHP_BAD_MESSAGE: not
 * ehrlink, close it. EHP_VERSION_UNSUPPORTED. On EHP_OK the first EHP_PREAMBLE_LEN bytes are
 * used up; feed only what follows. */
EHP_MUST_USE ehp_status ehp_preamble_parse(ehp_bytes in, ehp_preamble *out);

/* ---------------------------------------------------------------- configuration */

typedef struct {
    uint8_t seed[32];     /* fresh randomness, never used twice; the caller wipes its copy */
    ehp_secrets *secrets; /* moved into the session by ehp_session_new, also when that fails */

    /* terminal; all copied */
    const uint8_t *leaf_secret; /* 64 bytes, the key that signed the tap */
    const ehp_bytes *chain;     /* as in the tap; goes into the receipt */
    size_t n_chain;
    const ehp_bytes *crls; /* DER, of the issuers of leaf and intermediate; may be none */
    size_t n_crls;
    /* session and purpose are filled in by the engine (purpose: the tap's). */
    const Ehp__ConsentRequest *request;
    uint32_t first_link_ms; /* how long the first link may take; 0: EHP_CONNECT_MS.
                               EHP_PENDING_MS after UNCERTAIN */

    /* both; 0: the value of bounds.h */
    uint32_t consent_ms, resume_ms, linger_ms, idle_ms;
    /* The caller keeps the session over its own end: SAVE events. */
    bool saves;
    int zstd_level; /* sender: 0 adapts to the size of the item; 1..19 fixed; -1 raw */
} ehp_session_config;

typedef struct ehp_session ehp_session;

/* EHP_INVALID_ARGUMENT, EHP_NO_MEMORY, EHP_TOO_LARGE (a request or CRL that the wire does not
 * take). */
EHP_MUST_USE ehp_status ehp_session_new(const ehp_session_config *config, uint64_t now_ms,
                                        ehp_session **out);
/* Wipes and frees; NULL is allowed. Nothing is told to the peer. */
void ehp_session_free(ehp_session *s);

/* ---------------------------------------------------------------- links */

/* A link is a small number below EHP_SESSION_LINKS. A listener may have several connections
 * that claim to belong to one session; only the first record that authenticates makes one of
 * them *the* link (LINK_UP), and the others are then closed (LINK_CLOSE). Whatever goes wrong
 * on a link before that closes only that link. */
#define EHP_SESSION_LINKS 4

/* Listener: does this connection's preamble belong to this session? Reserves nothing, changes
 * nothing. In version 1 the terminal listens: never true of a patient's session. */
bool ehp_session_matches(const ehp_session *s, const ehp_preamble *preamble);
/* Listener: takes a connection whose preamble matches. The split keys are used by the first
 * one; each later one resumes. EHP_NOT_FOUND: it does not match (any more): close it.
 * EHP_LIMIT_REACHED: too many claim to; close it (the oldest unauthenticated one is evicted,
 * LINK_CLOSE, so that the right one gets in with its next try). EHP_WRONG_STATE after the end.
 */
EHP_MUST_USE ehp_status ehp_session_accept(ehp_session *s, const ehp_preamble *preamble,
                                           uint64_t now_ms, int *link);
/* Connector: the connection is up; the preamble is ready in the output. An older link is given
 * up (LINK_CLOSE). EHP_WRONG_STATE after the end, or for a terminal's session. */
EHP_MUST_USE ehp_status ehp_session_connect(ehp_session *s, uint64_t now_ms, int *link);
/* The connection is gone (EOF, error), or the caller closed it without being asked. */
void ehp_session_link_lost(ehp_session *s, int link, uint64_t now_ms);

/* Bytes of the link. *used ≤ len. What the peer does wrong shows as events (LINK_CLOSE,
 * SUSPENDED, ENDED), not in the return value, which is EHP_OK, EHP_INVALID_ARGUMENT (no such
 * link) or EHP_NO_MEMORY (the session has then ended). */
EHP_MUST_USE ehp_status ehp_session_feed(ehp_session *s, int link, const uint8_t *data,
                                         size_t len, uint64_t now_ms, size_t *used);
/* False while events or answers are outstanding, or for no link. */
bool ehp_session_wants_input(const ehp_session *s, int link);
/* What is to be written, borrowed until the next call; empty when nothing. */
ehp_bytes ehp_session_output(ehp_session *s, int link, uint64_t now_ms);
/* len bytes of it have been written. */
void ehp_session_consume(ehp_session *s, int link, size_t len, uint64_t now_ms);

/* ---------------------------------------------------------------- events */

typedef enum {
    EHP_EV_NONE = 0,

    /* link: close this connection; if `flush`, once its output is written out, or when the
     * event comes again without. The number is then free again; no ehp_session_link_lost is
     * needed. */
    EHP_EV_LINK_CLOSE,
    /* link: the first record of the peer authenticated; this is the link now. */
    EHP_EV_LINK_UP,
    /* The link is gone, or the connection that was to become it; the session waits for another
     * until deadline_ms. A connector connects again. A receiver makes durable what it was given
     * and says so (ehp_session_durable): the resumption waits for that. */
    EHP_EV_SUSPENDED,

    /* --- data sender's side of consent (the patient) */
    /* crls, n_crls (may be none): check against chain, policy and clock → ehp_session_crls. */
    EHP_EV_CHECK_CRLS,
    /* request → ehp_session_grant, ehp_session_refuse. Until deadline_ms (ehp_session_extend).
     */
    EHP_EV_ASK_CONSENT,
    /* Consent ran out before an answer: take the dialogue down; the refusal was sent, ENDED
       follows. */
    EHP_EV_CONSENT_VOID,

    /* --- sender */
    /* item, segment, offset, length → ehp_session_data, ehp_session_data_failed. One at a time,
     * in order; after a resumption an earlier position may be asked for again. */
    EHP_EV_NEED_DATA,
    /* item: durable and complete at the receiver (progress; its source may be closed). */
    EHP_EV_ITEM_ACKED,
    /* bytes: the verified receipt, a Signed message → make durable, ehp_session_receipt_stored.
     */
    EHP_EV_RECEIPT,

    /* --- receiver */
    /* entries, n_entries: one page of the manifest, in order; checked against every rule of the
     * wire. page 0 starts anew (what an earlier, unfinished manifest said is void). */
    EHP_EV_MANIFEST_PAGE,
    /* consent (NULL at the patient), items, bytes_total: all pages came and their signature
       holds → ehp_session_manifest_ok. With continues: what an earlier session left may be
       taken up first, ehp_session_take_up. At the patient the person decides, until
       deadline_ms; no is ehp_session_refuse. */
    EHP_EV_MANIFEST,
    /* item, segment, offset, data: write it → ehp_session_durable once it is on disk. In order.
     */
    EHP_EV_SEGMENT,
    /* item: all of it came and its hash is right → fsync, rename, ehp_session_item_stored. At
     * the patient bytes: what the terminal signed about it (Signed ItemOrigin), to be kept. */
    EHP_EV_ITEM_COMPLETE,
    /* items, bytes: everything is stored → ehp_session_commit. */
    EHP_EV_COMMIT,
    /* bytes: our signed receipt → make durable, ehp_session_receipt_stored; only then it is
       sent. */
    EHP_EV_RECEIPT_READY,
    /* The sender has stored the receipt; the receiver may free what it keeps for resuming. */
    EHP_EV_RECEIPT_ACKED,
    /* The patient withdrew the consent; ENDED (EHP_REVOKED) follows. What is not stored is to
       be destroyed. */
    EHP_EV_REVOKED,

    /* --- later transfers of the session (PROTOCOL.md, Later transfers) */
    /* item_request, of the terminal: of what was granted, these are wanted → ehp_session_offer,
     * with none when nothing fits. Nobody is asked: the consent covers it. */
    EHP_EV_ITEM_REQUEST,
    /* terminal: the patient does not take what was offered; the session goes on. */
    EHP_EV_REPLY_REFUSED,

    /* --- both */
    /* What ehp_session_save() gives has changed: make it durable → ehp_session_saved(). Nothing
     * that the peer would hold us to is said before. */
    EHP_EV_SAVE,
    /* This side is done with this transfer: receiver: items and receipt durable; sender: the
     * verified receipt durable. From here on nothing that happens to the link makes the session
     * fail. */
    EHP_EV_COMPLETE,
    /* status_kind, rule, time, bytes (the Signed message): sender's side, what became of the
       items. */
    EHP_EV_STATUS,
    /* The last event but for one LINK_CLOSE of each link whose last words nobody read in time.
       status: EHP_OK or why. by_peer: the peer ended it. */
    EHP_EV_ENDED,
} ehp_event_type;

typedef struct {
    ehp_event_type type;
    int link;
    bool flush;
    ehp_status status;
    bool by_peer;
    uint64_t deadline_ms;
    const ehp_bytes *crls;
    size_t n_crls;
    const Ehp__ConsentRequest *request;
    const Ehp__Consent *consent;
    const uint8_t *continues; /* MANIFEST: EHP_HASH_LEN bytes (ehp_left_fits), or NULL */
    const Ehp__ItemRequest *item_request;
    Ehp__ItemEntry *const *entries;
    size_t n_entries;
    uint32_t item, items;
    uint64_t segment, offset, bytes_total;
    uint32_t length;
    ehp_bytes data; /* SEGMENT */
    /* SEGMENT: the item's hash tree behind this segment (EHP_MARK_MAX); ITEM_COMPLETE,
     * ITEM_ACKED: its root. For ehp_session_restore: as durable as what it is about. */
    ehp_bytes mark;
    ehp_bytes bytes;      /* RECEIPT, RECEIPT_READY, STATUS */
    uint32_t status_kind; /* StatusKind */
    const char *rule;
    int64_t time;
} ehp_event;

/* False: no event now. */
bool ehp_session_next_event(ehp_session *s, uint64_t now_ms, ehp_event *event);
/* UINT64_MAX: never. */
uint64_t ehp_session_deadline(const ehp_session *s);
void ehp_session_tick(ehp_session *s, uint64_t now_ms);

/* ---------------------------------------------------------------- answers: patient */

/* Answer to CHECK_CRLS. EHP_OK: checked, nothing revoked. EHP_CRL_MISSING or EHP_CRL_STALE with
 * allowed: policy (or, for an unverified terminal, the person) takes it; the consent says "not
 * checked". Anything else ends the session with that status, and the terminal sees the one
 * refusal. */
EHP_MUST_USE ehp_status ehp_session_crls(ehp_session *s, ehp_status verdict, bool allowed,
                                         uint64_t now_ms);

/* How far an earlier session came (marks, as in ehp_session_past). */
typedef struct {
    const ehp_left *left;
    const uint8_t (*roots)[EHP_HASH_LEN];
    uint32_t n_roots;
    ehp_bytes mark;
} ehp_taken;

typedef struct {
    uint32_t acting_as; /* ActingAs */
    int64_t time;       /* Unix seconds, our wall clock */
    int64_t expires;    /* Unix seconds; 0: none stated */
    /* What is sent, in this order (put small and urgent ones first). id and salt are filled in
     * by the engine, which never writes to these. Borrowed until ENDED. At least one. name,
     * size and category must be there. */
    Ehp__ItemEntry *const *items;
    size_t n_items;
    /* An earlier session with this organisation sent just these items, and was not finished: it
     * is gone on with where the terminal has it too. NULL: none. What does not fit is not used.
     */
    const ehp_taken *from;
} ehp_grant;

/* Answer to ASK_CONSENT. EHP_ITEM_INVALID: an entry that the wire does not take;
 * EHP_MIXED_SUBJECTS; EHP_LIMIT_REACHED: more than EHP_ITEMS_MAX: the question is then still
 * open. */
EHP_MUST_USE ehp_status ehp_session_grant(ehp_session *s, const ehp_grant *grant,
                                          uint64_t now_ms);
/* Answer to ASK_CONSENT, and at the patient to MANIFEST (the session then goes on); why:
 * EHP_DECLINED, EHP_NO_AGENT, EHP_WRONG_PEER … is only for our own ENDED. */
EHP_MUST_USE ehp_status ehp_session_refuse(ehp_session *s, ehp_status why, uint64_t now_ms);
/* Once, while ASK_CONSENT is open: as much time again. */
EHP_MUST_USE ehp_status ehp_session_extend(ehp_session *s, uint64_t now_ms);
/* Withdraws a consent: stops what follows. ENDED (EHP_REVOKED) follows once the peer was told
 * or cannot be. EHP_WRONG_STATE before a grant or after COMPLETE. */
EHP_MUST_USE ehp_status ehp_session_revoke(ehp_session *s, int64_t unix_time, uint64_t now_ms);

/* ---------------------------------------------------------------- later transfers */

/* Once a transfer is done on both sides (RECEIPT_ACKED at its receiver, COMPLETE at its sender)
 * the terminal may begin another; at most EHP_TRANSFERS_MAX, one after the other. MANIFEST, …,
 * COMPLETE then come again, for that transfer (ehp_progress.transfer). */

/* Terminal: asks for items. After a Status it is EHP_WRONG_STATE. EHP_INVALID_ARGUMENT: not a
 * request that the wire takes. */
EHP_MUST_USE ehp_status ehp_session_request_items(ehp_session *s,
                                                  const Ehp__ItemRequest *request,
                                                  uint64_t now_ms);
/* Patient: the answer to ITEM_REQUEST (n may be 0). Terminal: offers items to the patient (at
 * least one), who is asked: Then data is sent, or REPLY_REFUSED comes. As in ehp_grant:
 * borrowed until the next transfer begins or ENDED; errors as ehp_session_grant, and the
 * session goes on. */
EHP_MUST_USE ehp_status ehp_session_offer(ehp_session *s, Ehp__ItemEntry *const *items,
                                          size_t n, uint64_t now_ms);

/* ---------------------------------------------------------------- answers: sender */

/* Answer to NEED_DATA: exactly its length. EHP_INVALID_ARGUMENT otherwise. */
EHP_MUST_USE ehp_status ehp_session_data(ehp_session *s, uint32_t item, const uint8_t *data,
                                         size_t len, uint64_t now_ms);
/* Answer to NEED_DATA that ends the session with status (EHP_ITEM_CHANGED, EHP_ITEM_STALLED,
 * EHP_NO_INPUT …). */
EHP_MUST_USE ehp_status ehp_session_data_failed(ehp_session *s, ehp_status status,
                                                uint64_t now_ms);

/* ---------------------------------------------------------------- answers: receiver */

/* Answer to MANIFEST: EHP_OK, or EHP_NO_SPACE, EHP_STORE_FAILED …, which ends the session (at
 * the patient: refuses the offer, as ehp_session_refuse). */
EHP_MUST_USE ehp_status ehp_session_manifest_ok(ehp_session *s, ehp_status status,
                                                uint64_t now_ms);
/* Before that answer, when event.continues fits what is left of an earlier session
 * (ehp_left_fits): so much of these items is here, durable, and belongs to this session from
 * now on. EHP_NOT_FOUND: it is not that one, or not that list; EHP_STATE_DAMAGED: the marks do
 * not fit. Nothing is taken up then, and the sender begins anew. */
EHP_MUST_USE ehp_status ehp_session_take_up(ehp_session *s, const ehp_taken *from,
                                            uint64_t now_ms);
/* The first `segments` segments of item, and all items before it, are on disk. Never backwards.
 */
EHP_MUST_USE ehp_status ehp_session_durable(ehp_session *s, uint32_t item, uint64_t segments,
                                            uint64_t now_ms);
/* Answer to ITEM_COMPLETE, implies durable. Items must be answered in order. Not EHP_OK: ends
 * the session. */
EHP_MUST_USE ehp_status ehp_session_item_stored(ehp_session *s, uint32_t item,
                                                ehp_status status, uint64_t now_ms);
typedef struct {
    int64_t time;              /* Unix seconds, our wall clock */
    const uint8_t *audit_head; /* 32 bytes, or NULL */
} ehp_commit;
/* Answer to COMMIT. */
EHP_MUST_USE ehp_status ehp_session_commit(ehp_session *s, const ehp_commit *commit,
                                           uint64_t now_ms);
/* Answer to RECEIPT and RECEIPT_READY. Not EHP_OK: ends the session with it. */
EHP_MUST_USE ehp_status ehp_session_receipt_stored(ehp_session *s, ehp_status status,
                                                   uint64_t now_ms);
/* After COMPLETE: tells the sender what became of the items (kind: StatusKind; rule: NULL or
 * why rejected). Signed; sent on the link if there is one, or when there is one again. Once. */
EHP_MUST_USE ehp_status ehp_session_tell_status(ehp_session *s, uint32_t kind, const char *rule,
                                                int64_t unix_time, uint64_t now_ms);

/* ---------------------------------------------------------------- the end */

/* After COMPLETE: says Bye; ENDED (EHP_OK) follows once it is written or cannot be. A sender
 * that was not yet told a status may wait for one: it ends by itself after linger_ms. */
EHP_MUST_USE ehp_status ehp_session_bye(ehp_session *s, uint64_t now_ms);
/* Ends the session for a reason of ours, at any time: EHP_CANCELLED, EHP_NO_SPACE,
 * EHP_STORE_FAILED, EHP_FILING_TIMED_OUT … The peer is told the wire code of it if it can be (a
 * patient before its grant: the one refusal). ENDED(why) follows; after COMPLETE it is ENDED
 * (EHP_OK). Nothing after the end. */
void ehp_session_end(ehp_session *s, ehp_status why, uint64_t now_ms);

/* ---------------------------------------------------------------- over the end of the process
 */

/* The session as it stands, without its items and how far they are. It is secret: seal it, then
 * wipe this. EHP_TOO_LARGE when out has no room (EHP_SESSION_SAVED_MAX always suffices). */
#define EHP_SESSION_SAVED_MAX (96 * 1024)
EHP_MUST_USE ehp_status ehp_session_save(const ehp_session *s, ehp_writer *out);
/* Which transfer a saved form is of. */
typedef struct {
    uint32_t transfer;
    bool to_patient, manifest_only;
    bool granted; /* there is a manifest: the caller has its list, or what became of it */
    bool refused; /* the patient did not take what was offered; no list, no receipt */
    bool between; /* patient: nothing of it is outstanding, or looked at any more; likewise */
} ehp_session_stage;
/* EHP_STATE_DAMAGED, EHP_STATE_TOO_NEW. Of a form that knows the first transfer only all is 0.
 */
EHP_MUST_USE ehp_status ehp_session_stage_of(ehp_bytes saved, ehp_session_stage *out);
/* Answer to SAVE, one for each. Not EHP_OK: ends the session with it. */
EHP_MUST_USE ehp_status ehp_session_saved(ehp_session *s, ehp_status status, uint64_t now_ms);
/* Sender: the hash tree of what is acknowledged of the item that is under way; nothing is
 * written when there is none. */
EHP_MUST_USE ehp_status ehp_session_mark(const ehp_session *s, ehp_writer *out);

typedef struct {
    ehp_bytes saved;    /* ehp_session_save */
    uint32_t resume_ms; /* what is left of the time in which the link may come back */
    /* of the manifest of the transfer that was saved, when there was one; a receiver with a
     * receipt, and a terminal that got one, may have none any more */
    uint32_t n_items;
    Ehp__ItemEntry *const *items; /* sender: as granted, in that order; borrowed until ENDED */
    const uint64_t *sizes;        /* receiver */
    const uint8_t (*salts)[EHP_SALT_LEN]; /* receiver */
    const uint8_t (*roots)[EHP_HASH_LEN]; /* marks of the items that are durable: the first … */
    uint32_t n_roots;
    ehp_bytes mark;    /* the newest mark of the item after those, or empty */
    ehp_bytes receipt; /* of that transfer, as stored, or empty */
} ehp_session_past;
/* A session that an earlier process had. config: as for ehp_session_new, without secrets and
 * request. It has no link and waits for one, which resumes; a terminal whose items are all
 * there asks COMMIT again; with a receipt it is complete, without telling so.
 * EHP_STATE_DAMAGED, EHP_STATE_TOO_NEW: it does not fit together, nothing is resumed. */
EHP_MUST_USE ehp_status ehp_session_restore(const ehp_session_config *config,
                                            const ehp_session_past *past, uint64_t now_ms,
                                            ehp_session **out);
/* After ENDED: what is left for a new tap to take up, of a session whose first transfer is not
 * finished. EHP_WRONG_STATE: there is nothing of that kind. Wipe it. */
EHP_MUST_USE ehp_status ehp_session_left(const ehp_session *s, ehp_left *out);
/* Has a manifest been granted (sender) or accepted (receiver)? */
bool ehp_session_granted(const ehp_session *s);

/* ---------------------------------------------------------------- looking */

/* Words for the state, for logs and tests ("consent", "receiving"); never NULL. */
const char *ehp_session_state_name(const ehp_session *s);

typedef struct {
    uint32_t items, items_done; /* done: durable and complete at the receiver */
    uint64_t bytes, bytes_done; /* original bytes; done: durable at the receiver */
    uint64_t wire_in, wire_out; /* bytes on all links, preamble and padding included */
    uint32_t generation;
    bool linked;
    uint32_t transfer;  /* which one the numbers are of, from 0 */
    bool to_patient;    /* its direction */
    bool manifest_only; /* it is a list: items and bytes are those listed */
    bool asks; /* sender: the receiver has yet to say where an earlier session goes on */
    bool receipt_acked; /* nothing of it is outstanding at the other side */
} ehp_progress;
void ehp_session_progress(const ehp_session *s, ehp_progress *out);

typedef enum {
    EHP_DOC_REQUEST,        /* Signed ConsentRequest */
    EHP_DOC_CONSENT,        /* Signed Consent */
    EHP_DOC_MANIFEST,       /* Signed Manifest, of the last transfer to the terminal */
    EHP_DOC_RECEIPT,        /* Signed Receipt of that transfer */
    EHP_DOC_STATUS,         /* Signed Status */
    EHP_DOC_REVOKE,         /* Signed Revoke */
    EHP_DOC_REPLY_MANIFEST, /* as above, of the last transfer to the patient */
    EHP_DOC_REPLY_RECEIPT,
    EHP_DOCS,
} ehp_document;
/* A signed message as it crossed the wire, for ledger and audit; empty if there is none (yet).
 * Its signature holds; that its content was accepted too says the event that follows from it,
 * so one that a session ended over may still be here. Borrowed until the session is freed,
 * those of a transfer until the next one begins. */
ehp_bytes ehp_session_document(const ehp_session *s, ehp_document which);
/* Noise h of the tap, 32 bytes, public; borrowed from the session. */
const uint8_t *ehp_session_id(const ehp_session *s);
/* The terminal's leaf key and the session's patient key (NULL until known), 32 bytes. */
const uint8_t *ehp_session_leaf_key(const ehp_session *s);
const uint8_t *ehp_session_patient_key(const ehp_session *s);
