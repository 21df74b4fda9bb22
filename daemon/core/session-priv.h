/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of EhdSession, shared by the session*.c files and by core.c, and by nobody else. Each
 * file owns a part of the struct, as marked; the others only look at it.
 */
#pragma once

#include "daemon/core/books.h"
#include "daemon/core/core-priv.h"
#include "daemon/core/inbox.h"
#include "daemon/core/left.h"
#include "daemon/core/source.h"
#include "daemon/link/stream.h"
#include "proto/session.h"
#include "proto/tap.h"

#define EHD_SESSION_ID_BYTES  12
/* Owner away: the session waits so long for it to come back. */
#define EHD_GRACE_MS          30000
/* After an end that the owner was told of. */
#define EHD_LINGER_ENDED_MS   60000
/* The last record of a link may take so long to be written out. */
#define EHD_FLUSH_MS          2000
#define EHD_PROGRESS_MS       100
/* A session that goes on alone waits for its files' program ten times as long as others for
 * their owner, and less than a peer waits for progress. */
#define EHD_FILES_GRACES      10
/* In item_states: the patient did not agree to send this one. */
#define EHD_ITEM_WITHHELD     0xff
/* What the texts of a manifest may take up here. */
#define EHD_MANIFEST_TEXT_MAX (6 * 1024 * 1024)

/* One connection of the session, numbered as the engine numbers it. */
typedef struct {
    EhdSession *session; /* borrowed */
    int number;
    EhdStream *stream; /* owned */
    GByteArray *rest;  /* owned: arrived, not fed yet */
    GByteArray *tail;  /* owned; set: the engine closed it, and this is still to be written */
    gsize tail_given;
} EhdCable;

/* What an owner said at Send or Receive. */
typedef struct {
    gboolean detach;
    guint armed_s;
    /* patient */
    guint linger_s;
    int acting_as;
    gboolean offer_later, replies;
    /* terminal; owned */
    int purpose;
    GArray *categories; /* of int: all that the queries name */
    GArray *queries;    /* of EhdQuery */
    gboolean list;
    guint64 period_days, retention_days;
    char *text;
    gboolean has_operator;
    char *operator_display, *operator_role, *operator_identifier;
    int operator_assurance;
    guint filing_s;
    char *directory;
} EhdWishes;

/* A request as it is shown: owned, safe for display. */
typedef struct {
    EhdRequestInfo info;
    EhdOperator operator_;
    GArray *categories; /* of int */
    GArray *queries;    /* of EhdQuery */
} EhdRequest;

/* What the clinic sends back: the terminal's own files, or what arrives at the patient. */
typedef struct {
    gboolean there;
    EhdTransferState state;
    GArray *items;      /* owned, of EhdItem: all replies of the session, one after the other */
    GByteArray *states; /* owned, EhdItemState of each */
    GArray *origins;    /* owned, of EhdOrigin */
    GPtrArray
        *signed_items;    /* owned, of GBytes, patient: of the reply in course (ItemOrigin) */
    GPtrArray *proofs;    /* owned, of GBytes or NULL, patient: by number of the transfer */
    guint base;           /* the first of the reply in course */
    gboolean unnoted;     /* terminal: its list is not in the ledger yet */
    gboolean listing;     /* patient: a list has begun, and is not whole */
    gboolean asked;       /* the person decides */
    gboolean making_room; /* patient: it was accepted, and the engine does not know it yet */
    gboolean commit_due;  /* patient: all of it is to be stored by the application first */
    gsize text;
    guint64 bytes;
    ehp_progress last; /* of the reply, when another transfer is in course */
    guint timer;       /* the application stores */
} EhdReply;

/* Where an item came from. */
typedef struct {
    guint transfer, number;
    guint8 salt[EHP_SALT_LEN];
} EhdOrigin;

struct EhdSession {
    EhdCore *core;     /* borrowed; owns us */
    EhdConfig *config; /* owned; as it was when the session was opened */
    char id[2 * EHD_SESSION_ID_BYTES + 1];
    uid_t uid;
    EhdSessionRole role;
    gint64 created;     /* Unix seconds */
    gboolean announced; /* the bus knows of it */
    EhdWishes wishes;

    /* session.c: state and owner */
    EhdSessionState state;
    EhdTransferState transfer;
    gboolean has_transfer;
    ehp_status trouble; /* of the reader or the last tap, while armed */
    guint64 deadline;   /* monotonic ms when the state ends by itself; 0: it does not */
    const EhdSessionListener *listener; /* borrowed */
    gpointer listener_data;
    guint grace_timer, ask_again_source;
    guint progress_timer;
    guint64 progress_told; /* monotonic ms */
    guint64 done_told;
    EhdSessionInfo info; /* filled by get_info */

    /* session-tap.c, session-armed.c */
    GTask *opening; /* owned; the call that waits for the reader */
    guint opening_timer;
    ehp_tap *tap; /* owned */
    guint tap_timer, armed_timer;
    gboolean holds_reader;
    gboolean hushed;        /* which is silent: nobody could connect to us */
    gboolean tapped;        /* the tap is complete */
    gboolean tap_answered;  /* and its last APDU is out */
    guint64 armed_until;    /* monotonic ms; 0: until cancelled */
    guint pending_try;      /* which try's record is being stored */
    gboolean uncertain;     /* terminal: the card may have committed; the reader still tries */
    gboolean confirm_sent;  /* terminal: CONFIRM went out, the card's answer has not come */
    guint8 leaf_secret[64]; /* secret; terminal */
    EhdVerdict verdict;     /* patient */
    gboolean has_verdict;
    GBytes *chain[EHP_CHAIN_MAX]; /* owned: of the terminal, also our own */
    guint n_chain;
    GPtrArray *crls; /* owned, of GBytes: patient: as the terminal stapled them */
    guint8 allowed[EHD_FINGERPRINT_LEN];
    guint64 allowed_until; /* monotonic ms */
    char fingerprint[EHD_FINGERPRINT_TEXT];

    /* session-link.c */
    EhdCable *cables[EHP_SESSION_LINKS]; /* owned */
    GPtrArray *closing;                  /* owned, of EhdCable */
    EhdLinkAddress address;
    gboolean connects; /* patient: wants a connection whenever there is none */
    struct EhdConnecting *connecting;
    gboolean holds_link; /* patient: the adapter is kept on for us */
    gboolean paging;     /* patient: connects while the tap still goes on */
    gboolean page_due;   /* as soon as the terminal's signature was checked */
    EhdLinkAddress page_to;
    gboolean page_has_oob; /* and pairs with it by what it told */
    guint8 page_oob[EHD_LINK_OOB_LEN];
    int early_fd; /* owned; -1: none. Connected before the tap was complete */
    /* session-oob.c */
    gboolean oob_own_held; /* our adapter's data are this session's */
    EhdLinkOob oob_own;
    gboolean oob_peer_known; /* to the link */
    guint8 oob_peer[EHD_LINK_ADDRESS_LEN];
    gboolean linked_once;  /* LINK_UP was ever seen */
    GError *connect_error; /* owned; of the last connect, until one succeeds */
    guint connect_timer, connect_delay, connect_tries;

    /* session-engine.c */
    ehp_session *engine; /* owned */
    gboolean engine_ended, pumping, pump_again;
    guint engine_timer;
    guint64 engine_due;     /* monotonic ms that it is set to */
    gboolean linked;        /* LINK_UP was seen */
    gboolean looked_up;     /* terminal: the other device finds us by inquiry */
    gboolean receipt_acked; /* terminal: the patient's device has it */
    gboolean bye_due;       /* terminal: Bye is to be said when it has */
    gboolean complete;
    GBytes *receipt;      /* owned */
    guint8 hashes[3][32]; /* scratch of audit entries */
    GString *categories;  /* owned; the same */
    ehp_progress final;   /* counts of an engine that is gone */
    guint engine_reaper;
    int status; /* StatusKind, 0 none */
    gint64 status_time;
    char *status_rule; /* owned */

    /* session-peer.c, session-consent.c, session-patient.c */
    GArray *items; /* owned, of EhdItem: patient: the caller's; terminal: the manifest's */
    GByteArray *item_states; /* owned, EhdItemState of each, or EHD_ITEM_WITHHELD */
    GArray *origins;         /* owned, of EhdOrigin: terminal */
    guint base;              /* terminal: the first item of the transfer in course */
    guint list_base;         /* terminal: the first item of the last list */
    EhdReply reply;
    GPtrArray *receipts; /* owned, of GBytes or NULL: by the transfer's number */
    GArray *matching;    /* owned, of guint: patient */
    gboolean listed;     /* the first transfer was a list */
    guint *granted;      /* owned: as order, of the first transfer */
    guint n_granted;
    GArray *list;       /* owned, of guint: ids in the order of the last list; patient */
    GTask *asking;      /* owned; RequestItems or Reply, until what it asks for is kept */
    ehp_progress first; /* counts of the last transfer to the terminal, during a reply */
    EhdSource *source;  /* owned */
    gboolean consent_open, consent_asked, extended, consented;
    gboolean crl_known;
    ehp_status crl_status;
    EhdPeerInfo peer;
    EhdRequest request;
    gboolean has_request;
    EhdConsentInfo consent;
    guint expiry_timer;
    guint *order; /* owned: the engine's id → the caller's */
    guint n_order;
    guint due;               /* the engine's id of the item that it waits for */
    Ehp__ItemEntry *entries; /* owned, what was granted; texts borrowed from items */
    Ehp__ItemEntry **entry_list;

    /* session-terminal.c, session-filing.c */
    EhdInbox *inbox; /* owned */
    gsize manifest_text;
    guint64 manifest_bytes;
    gint64 committed; /* Unix seconds */
    guint filing_timer;
    gboolean received; /* receipt durable: the items are kept until filed or discarded */
    gboolean filing;   /* File or Discard is under way, or done */
    int filing_as;     /* StatusKind of that */
    gboolean spooled, recorded; /* there is something to remove from spool, ledger */
    gboolean spool_left;        /* it ended, and that could not be removed yet */

    /* session-keep.c, take-up.c */
    gboolean kept;      /* a live record is in the ledger */
    gboolean unkept;    /* terminal: the first one is being written: nobody may connect yet */
    guint saving;       /* records that the engine asked for, and that are being written */
    gboolean noted;     /* patient: and the items' note */
    gboolean revoking;  /* patient: nothing more is sent, and nothing kept */
    gboolean left;      /* the service stops; the next start goes on */
    gboolean untold;    /* its receipt still wants its audit line: take-up-audit.c */
    gboolean own_leaf;  /* terminal: leaf_secret is of this session only */
    gboolean reachable; /* patient: the terminal told where it listens */
    GByteArray *roots;  /* owned; patient: of acknowledged items, not written yet */
    guint first_root;
    guint turn; /* of marks */
    gboolean marking;
    guint64 mark_told; /* bytes_done at the newest mark */

    /* session-left.c */
    EhdLeft *leaves;  /* owned: what this one leaves for another tap; NULL: nothing */
    guint from_roots; /* patient: items that an earlier session sent, if the terminal says so */
    gboolean granting; /* patient: the consent is given, and waits for what was left */
    int acting_as;     /* of that consent */
    gint64 expires;

    /* session-end.c */
    gboolean ending, ended;
    ehp_status error;
    char *error_detail;    /* owned */
    GPtrArray *cancellers; /* owned, of GTask */
    guint removal_timer;
    guint jobs;       /* on workers; the session is not freed before they are back */
    GSList *keepings; /* owned: records that are being written; what the end of the core cuts
                         short */
    GSList *calls;    /* owned: likewise, of items and filing; their tasks are not answered */
};

/* session.c */
EhdSession *ehd_session_new(EhdCore *core, EhdSessionRole role, uid_t uid);
void ehd_session_free(EhdSession *self);
void ehd_session_set_state(EhdSession *self, EhdSessionState state, guint64 deadline);
void ehd_session_set_transfer(EhdSession *self, EhdTransferState transfer);
void ehd_session_set_item_state(EhdSession *self, guint id, EhdItemState state);
void ehd_session_changed(EhdSession *self);
/* Tells progress if it is due, or arms a timer for when it will be. last: now in any case. */
void ehd_session_tell_progress(EhdSession *self, gboolean last);
void ehd_session_void_questions(EhdSession *self, EhdVoidReason reason);
/* Nobody owns it: it ends unless somebody comes. */
void ehd_session_await_owner(EhdSession *self, guint ms);
static inline guint64
ehd_now_ms(void)
{
    return (guint64)g_get_monotonic_time() / 1000;
}

/* session-tap.c */
ehp_tap *ehd_session_tap_new(EhdSession *self);
/* Events of the tap machine, then what it wants to be transmitted. */
void ehd_session_pump_tap(EhdSession *self);
void ehd_session_set_trouble(EhdSession *self, ehp_status trouble);

/* session-armed.c */
/* Takes the reader and arms it; opening, (transfer full), is answered when the reader polls, or
 * fails. */
void ehd_session_arm(EhdSession *self, GTask *opening);
/* The session ends while it is being opened: whoever waits for that is told. */
void ehd_session_fail_opening(EhdSession *self, ehp_status why);
/* The link of a terminal that is armed went or came back, or a try of a tap is over. */
void ehd_session_look_at_link(EhdSession *self);
/* Another session takes the reader, or this one needs it no more. */
void ehd_session_disarm(EhdSession *self);
/* session-tap.c: an uncertain tap was complete after all: its link is up. */
void ehd_session_tap_confirmed(EhdSession *self);

/* session-link.c */
void ehd_session_connect(EhdSession *self);
void ehd_session_reconnect(EhdSession *self);
/* Starts to connect to what message 2 told, side by side with the rest of the tap. */
void ehd_session_page(EhdSession *self);
/* Needs the link no more. */
void ehd_session_release_link(EhdSession *self);

/* session-oob.c */
/* TRUE: ehd_link_oob_take_async() before the tap, and its answer here. */
gboolean ehd_session_wants_oob(EhdSession *self);
void ehd_session_oob_taken(EhdSession *self, GAsyncResult *result);
/* Puts ours into the tap, if there is. config borrows it from the session. */
void ehd_session_oob_offer(EhdSession *self, ehp_tap_config *config);
/* The other side has told its own. */
void ehd_session_oob_use(EhdSession *self, const uint8_t *address, const uint8_t *data);
/* A connect failed: the next one goes without. */
void ehd_session_oob_failed(EhdSession *self);
/* Connected, or at its end. Idempotent. */
void ehd_session_oob_over(EhdSession *self);
gboolean ehd_session_incoming(EhdSession *self, int fd, const ehp_preamble *preamble);
/* The engine closed this one; with flush what it has for it is written out first. */
void ehd_session_close_cable(EhdSession *self, int number, gboolean flush);
/* Feeds what waits; TRUE if anything moved. */
gboolean ehd_session_feed_cables(EhdSession *self);
void ehd_session_wake_cables(EhdSession *self);
void ehd_session_drop_cables(EhdSession *self);
void ehd_session_stop_connecting(EhdSession *self);

/* session-engine.c */
gboolean ehd_session_start_engine(EhdSession *self, guint first_link_ms);
void ehd_session_stop_engine(EhdSession *self);
void ehd_session_get_progress(EhdSession *self, ehp_progress *progress);
/* For set_state: when the engine wants to be woken, 0 if it does not. */
guint64 ehd_session_engine_deadline(EhdSession *self);
/* Events, answers, timers and links, until nothing moves. */
void ehd_session_pump(EhdSession *self);
/* Ends the engine, and with it the session. */
void ehd_session_abort(EhdSession *self, ehp_status why);

/* session-peer.c, session-consent.c, session-patient.c */
void ehd_patient_judge(EhdSession *self, const ehp_tap_event *event);
void ehd_patient_check_crls(EhdSession *self, const ehp_event *event);
void ehd_patient_ask_consent(EhdSession *self, const ehp_event *event);
void ehd_patient_need_data(EhdSession *self, const ehp_event *event);
void ehd_patient_item_acked(EhdSession *self, const ehp_event *event);
void ehd_patient_receipt(EhdSession *self, const ehp_event *event);
void ehd_patient_complete(EhdSession *self);
/* What this side sends in the transfer in course. */
GArray *ehd_session_sending(EhdSession *self);
void ehd_patient_make_entries(EhdSession *self, const GArray *items);
void ehd_patient_fill_entry(const EhdItem *item, Ehp__ItemEntry *entry);
void ehd_patient_status(EhdSession *self, const ehp_event *event);
void ehd_patient_clear(EhdSession *self);
/* Asks for the consent if it is open and there is somebody to ask. */
void ehd_patient_ask_owner(EhdSession *self);
void ehd_patient_open_source(EhdSession *self);
void ehd_patient_ask_again(EhdSession *self);
/* The owner is gone, and the item that is due is not open. */
gboolean ehd_patient_needs_files(const EhdSession *self);
/* If it is so: the time that it waits for its owner runs. */
void ehd_patient_await_files(EhdSession *self);
void ehd_request_clear(EhdRequest *request);

/* session-terminal.c */
/* What the wishes say, as the engine wants it; free with ehd_terminal_request_free. */
Ehp__ConsentRequest *ehd_terminal_request_new(EhdSession *self);
void ehd_terminal_request_free(Ehp__ConsentRequest *request);
void ehd_terminal_manifest_page(EhdSession *self, const ehp_event *event);
void ehd_terminal_manifest(EhdSession *self, const ehp_event *event);
void ehd_terminal_segment(EhdSession *self, const ehp_event *event);
void ehd_terminal_item_complete(EhdSession *self, const ehp_event *event);
void ehd_terminal_commit(EhdSession *self, const ehp_event *event);
void ehd_terminal_receipt_ready(EhdSession *self, const ehp_event *event);
void ehd_terminal_complete(EhdSession *self);
EhdInbox *ehd_terminal_inbox_new(EhdSession *self);
/* A page's entries behind those that there are; FALSE: more text than is kept. */
void ehd_session_take_entries(const ehp_event *event, guint transfer, GArray *items,
                              GByteArray *states, GArray *origins, gsize *text, guint64 *bytes);

/* session-later.c: more of what was granted. */
Ehp__ItemQuery **ehd_queries_to_wire(const GArray *queries);
void ehd_queries_free_wire(Ehp__ItemQuery **wire, guint n);
GArray *ehd_queries_from_wire(Ehp__ItemQuery *const *wire, size_t n);
/* Ids of those of the caller's items that fit, in *ids. */
void ehd_patient_match(EhdSession *self, Ehp__ItemQuery *const *wire, size_t n);
void ehd_patient_keep_list(EhdSession *self);
void ehd_patient_item_request(EhdSession *self, const ehp_event *event);
/* Terminal: between two transfers? WRONG_STATE. */
gboolean ehd_session_check_idle(EhdSession *self, GError **error);
/* A later transfer begins, ends: the state shown. */
void ehd_session_later_begins(EhdSession *self);
/* What was asked for is kept, or could not be: whoever waits for that is told. */
void ehd_session_asked(EhdSession *self, ehp_status status);
void ehd_session_keep_receipt(EhdSession *self, GBytes *receipt);
void ehd_session_transfer_failed(EhdSession *self);
guint ehd_session_transfer_number(EhdSession *self);
gboolean ehd_session_to_patient(EhdSession *self);

/* session-reply.c: what the clinic sends back. */
void ehd_reply_init(EhdReply *reply);
void ehd_reply_clear(EhdReply *reply);
void ehd_reply_set_item_state(EhdSession *self, guint id, EhdItemState state);
void ehd_reply_set_state(EhdSession *self, EhdTransferState state);
void ehd_reply_manifest_page(EhdSession *self, const ehp_event *event);
void ehd_reply_offered(EhdSession *self, const ehp_event *event);
/* Nobody answered in time, or with no: what was offered is forgotten. */
void ehd_reply_void(EhdSession *self);
void ehd_reply_refused(EhdSession *self, const ehp_event *event);
void ehd_reply_keep_origin(EhdSession *self, const ehp_event *event);
void ehd_reply_commit(EhdSession *self);
/* The application reported an item as stored. */
void ehd_reply_item_collected(EhdSession *self);
void ehd_reply_complete(EhdSession *self);
void ehd_reply_ask_owner(EhdSession *self);
/* The proof of a reply that is whole; items: of GBytes, Signed ItemOrigin. */
void ehd_reply_make_proof(EhdSession *self, guint transfer, const GPtrArray *items);
/* session-back.c: all of reply.items are to be sent, in that order. */
void ehd_back_set_order(EhdSession *self);
/* What the owner asks for, for its own screen. */
void ehd_terminal_own_request(EhdSession *self);

/* session-filing.c */
void ehd_filing_start(EhdSession *self);
/* Cancel in state "confirming": the items are not kept. */
void ehd_filing_cancel(EhdSession *self, ehp_status why);

/* session-end.c */
/* The session is over: what is on disk is put in order, then the owner is told. why EHP_OK:
 * done. Once. */
void ehd_session_finish(EhdSession *self, ehp_status why, const char *detail);
/* It has ended and can be asked about for a while. */
void ehd_session_linger(EhdSession *self);
/* Over, and the patient has the receipt or never will: its record goes, if there is one. */
void ehd_session_forget(EhdSession *self);
/* Ends it for a reason of ours, whatever stage it is in. */
void ehd_session_end(EhdSession *self, ehp_status why);
/* An audit line that nobody waits for. */
void ehd_session_audit(EhdSession *self, EhdAuditKind kind, ehp_status status);
/* What every line of this session says. */
void ehd_session_audit_entry(EhdSession *self, EhdAuditEntry *entry);

/* record.c: what is kept on disk of a session. */
GBytes *ehd_record_pending(EhdSession *self, ehp_bytes secrets);
gboolean ehd_record_is_pending(GBytes *record);
GBytes *ehd_record_live(EhdSession *self);
typedef struct {
    GBytes *engine; /* owned; NULL: the session needs none any more */
    gint64 time;    /* when it was last known to be alive: Unix seconds */
    guint64 boottime;
    gboolean granted; /* the engine has the manifest, or had that of an earlier transfer */
    ehp_session_stage stage; /* of engine */
    guint transfers;         /* number of the last one that was begun */
    guint n_items;           /* terminal: of the note so many count; G_MAXUINT: all */
    GVariant *rows;       /* owned; terminal: of which transfer they are; NULL: of the first */
    guint n_replied;      /* patient: of the spool's note so many count */
    GVariant *reply_rows; /* owned; likewise; NULL: none */
} EhdPast;
/* FALSE: not a live record. */
gboolean ehd_record_take_up(EhdSession *self, GBytes *record, EhdPast *past);
GBytes *ehd_record_items(EhdSession *self);
gboolean ehd_record_take_up_items(EhdSession *self, GBytes *meta);
/* Which items are of which transfer, for the live record. */
GVariant *ehd_record_rows(EhdSession *self, guint n_items);
/* Terminal: those that were taken up, as the record has it. FALSE: it does not fit. */
gboolean ehd_record_place_items(EhdSession *self, const EhdPast *past);
/* record-reply.c: terminal: what goes back, for the ledger's note. STATE_DAMAGED,
 * STATE_TOO_NEW. */
GBytes *ehd_record_reply(EhdSession *self);
gboolean ehd_record_take_reply(EhdSession *self, GBytes *note, guint transfer, GError **error);
/* Patient: all that came back, or is offered, for the spool's note; what of it was accepted,
 * for the record. FALSE: they do not fit together. */
GBytes *ehd_record_replies(EhdSession *self);
void ehd_record_add_replies(GVariantBuilder *dict, EhdSession *self);
void ehd_record_take_replies(GVariant *dict, EhdPast *past);
gboolean ehd_record_place_replies(EhdSession *self, GBytes *note, const EhdPast *past);

/* session-keep.c: the session over the end of this process. */
/* Writes the live record; done (or NULL) follows. */
typedef void (*EhdKept)(EhdSession *self, ehp_status status);
void ehd_session_keep(EhdSession *self, EhdKept done);
/* The engine asks for it. */
void ehd_session_on_save(EhdSession *self, const ehp_event *event);
/* Patient: what the terminal has acknowledged is written down, when that is not under way. */
void ehd_session_keep_marks(EhdSession *self);
/* The service stops: the session is left as it is, for the next start. FALSE: it is not kept.
 */
gboolean ehd_session_leave(EhdSession *self);

/* session-left.c */
/* The consent was given: with what was left of an earlier session with this terminal, if there
 * is something. */
void ehd_patient_grant_or_go_on(EhdSession *self);
/* When the terminal has said from where. */
void ehd_patient_settle_left(EhdSession *self);
/* Does the manifest go on with what was left here? TRUE: it does, and is answered; counts as
 * the job of ehd_terminal_prepare. */
gboolean ehd_terminal_go_on(EhdSession *self, const guint8 *proof);
/* session-consent.c; from: NULL: from the beginning. */
void ehd_patient_grant(EhdSession *self, const ehp_taken *from);
/* session-terminal.c: room for what was listed; ehd_terminal_prepared follows. */
void ehd_terminal_prepare(EhdSession *self);
void ehd_terminal_prepared(ehp_status status, gpointer session);
/* record.c: what the items to be sent are, in their order, and when they were changed. */
void ehd_record_hash_order(EhdSession *self, guint8 out[EHP_HASH_LEN]);

/* take-up.c, see core-priv.h; session-engine.c: */
ehp_status ehd_session_restore_engine(EhdSession *self, const ehp_session_past *past);
/* session-consent.c: the consent's end, and the list of what was granted. FALSE: it is over. */
gboolean ehd_patient_arm_expiry(EhdSession *self);
/* session-peer.c */
void ehd_patient_fill_peer(EhdSession *self);
/* session-filing.c: what was decided before this start is told now. */
void ehd_filing_tell_again(EhdSession *self);
