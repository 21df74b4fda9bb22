/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdSession: one tap and what follows from it, on one side: the engine with the reader, the
 * link, the stores and the people around it. The bus translates: it calls the functions below
 * for the methods of org.ehrlink1.Session and .Transfer, and implements EhdSessionListener for
 * signals and for the Agent. Whoever calls has checked the owner's uid (ehd_core_find does).
 *
 * Lives in the core's main context. Owned by the core until session_removed.
 */
#pragma once

#include <gio/gio.h>
#include <sys/types.h>

#include "daemon/core/options.h"
#include "proto/bounds.h"
#include "proto/status.h"

typedef struct EhdSession EhdSession;

/* org.ehrlink1.Session.State */
typedef enum {
    EHD_STATE_READY,
    EHD_STATE_TAPPING,
    EHD_STATE_STOPPED,
    EHD_STATE_TAPPED,
    EHD_STATE_DECIDING,
    EHD_STATE_TRANSFERRING,
    EHD_STATE_SUSPENDED,
    EHD_STATE_CONFIRMING,
    EHD_STATE_FILED,
    EHD_STATE_DONE,
    EHD_STATE_FAILED,
    EHD_STATE_COUNT
} EhdSessionState;

typedef enum { EHD_PATIENT, EHD_TERMINAL } EhdSessionRole;

/* org.ehrlink1.Transfer.State */
typedef enum {
    EHD_TRANSFER_RUNNING,
    EHD_TRANSFER_SUSPENDED,
    EHD_TRANSFER_COMPLETE,
    EHD_TRANSFER_FAILED,
    EHD_TRANSFER_STATE_COUNT
} EhdTransferState;

typedef enum {
    EHD_ITEM_WAITING,
    EHD_ITEM_RUNNING,
    EHD_ITEM_STORED,
    EHD_ITEM_COLLECTED,
    EHD_ITEM_LISTED, /* in a list; the item itself was not sent */
    EHD_ITEM_STATE_COUNT
} EhdItemState;

/* Which of the session's two sets of items: what the patient sends, what the clinic sends back.
 */
typedef enum { EHD_TO_TERMINAL, EHD_TO_PATIENT, EHD_DIRECTIONS } EhdDirection;

/* Words of the bus for each, never NULL. */
const char *ehd_session_state_name(EhdSessionState state);
const char *ehd_session_role_name(EhdSessionRole role);
const char *ehd_transfer_state_name(EhdTransferState state);
const char *ehd_item_state_name(EhdItemState state);

/* The terminal, as the patient's side sees it. Texts are safe for display, "" when absent. */
typedef struct {
    gboolean verified; /* chain and revocation both in order */
    const char *organisation, *terminal, *place, *authority;
    const char *fingerprint; /* 64 hex digits */
    const char *crl_state;   /* "checked", "not-checked"; NULL: not known yet */
    ehp_status problem;      /* EHP_OK when verified */
} EhdPeerInfo;

typedef struct {
    int purpose;           /* Purpose */
    const int *categories; /* Category */
    gsize n_categories;
    guint64 period_days, retention_days;
    const char *text;             /* the terminal's own words, safe for display; NULL */
    const EhdOperator *operator_; /* NULL: unattended */
    gint64 time;                  /* Unix seconds; 0 unknown */
    const GArray *queries;        /* of EhdQuery, texts safe for display; never NULL */
    gboolean list;                /* first the list alone */
} EhdRequestInfo;

typedef struct {
    int purpose, acting_as;
    gint64 time, expires; /* Unix seconds */
} EhdConsentInfo;

/* Everything the owner may know. All borrowed: valid until control returns to the main loop. */
typedef struct {
    const char *id;
    uid_t uid;
    EhdSessionRole role;
    EhdSessionState state;
    gint64 created; /* Unix seconds */
    int deadline;   /* seconds until the state ends by itself; -1: it does not */
    gboolean has_transfer;
    EhdTransferState transfer;
    guint items, items_done;
    guint64 bytes, done;
    gboolean has_reply; /* the same of what the clinic sends back */
    EhdTransferState reply;
    guint reply_items, reply_items_done;
    guint64 reply_bytes, reply_done;
    guint reply_first;     /* id of the first item of the reply in course */
    const guint *matching; /* patient: ids of the caller's items that fit the request */
    guint n_matching;
    gboolean may_ask;      /* terminal: RequestItems, Reply are possible now */
    gboolean left;         /* terminal: and never will be again */
    const char *directory; /* NULL: not given */
    gboolean unfiled;
    gboolean needs_files; /* patient: nobody is there to open what is due */
    const char *status;   /* "filed", "discarded", "rejected"; NULL: none */
    ehp_status error;
    const char *error_detail;      /* NULL: none */
    const EhdPeerInfo *peer;       /* NULL: not known */
    const EhdRequestInfo *request; /* NULL: not known */
    const EhdConsentInfo *consent; /* NULL: not given */
} EhdSessionInfo;

typedef struct {
    guint id;
    const char *name, *media_type, *title, *date, *type_code, *author; /* NULL: not given */
    guint64 size;
    int category;
    gboolean patient_entered;
    EhdItemState state;
    guint transfer;     /* which of the session's brought it, from 0 */
    guint in_transfer;  /* its number there */
    const guint8 *salt; /* receiver: key of its hash tree, EHP_SALT_LEN; NULL: not known */
} EhdItemInfo;

/* Agent.Cancel's words. */
typedef enum {
    EHD_VOID_TIMED_OUT,
    EHD_VOID_PEER_GONE,
    EHD_VOID_CANCELLED,
    EHD_VOID_DAEMON_STOPS,
    EHD_VOID_COUNT
} EhdVoidReason;
const char *ehd_void_reason_name(EhdVoidReason reason); /* "timed-out" … */

/* All are set. None may free the session; each may call any function of this header. */
typedef struct {
    /* State or a detail other than progress changed (Session.Changed, properties). */
    void (*changed)(EhdSession *session, gpointer user_data);
    /* has_transfer became TRUE, or the transfer's state changed. */
    void (*transfer_changed)(EhdSession *session, gpointer user_data);
    /* At most ten times a second, and once at the end. */
    void (*progress)(EhdSession *session, EhdDirection direction, gpointer user_data);
    void (*item_changed)(EhdSession *session, EhdDirection direction, guint id,
                         EhdItemState state, gpointer user_data);
    /* Agent.AskConsent: answer once with ehd_session_answer_consent(). */
    void (*ask_consent)(EhdSession *session, gpointer user_data);
    /* Agent.OpenItem: answer once with ehd_session_give_item(). id: the caller's. */
    void (*open_item)(EhdSession *session, guint id, gpointer user_data);
    /* Agent.Cancel: questions asked and not answered are void; answers to them are ignored. */
    void (*void_questions)(EhdSession *session, EhdVoidReason reason, gpointer user_data);
    /* Agent.ItemsArrived. */
    void (*items_arrived)(EhdSession *session, EhdDirection direction, gpointer user_data);
    /* Agent.OfferReply: answer once with ehd_session_answer_reply(). */
    void (*offer_reply)(EhdSession *session, gpointer user_data);
} EhdSessionListener;

/* The owner (again): from now on listener is called. Questions that are open are asked again
 * from an idle source. Stops the grace of ehd_session_owner_vanished. listener: borrowed,
 * static; NULL: none. */
void ehd_session_set_listener(EhdSession *session, const EhdSessionListener *listener,
                              gpointer user_data);
/* The owner left the bus: the listener is dropped; without detach the session is cancelled
 * after 30 s unless set_listener comes first. Detached sessions go on as far as they can: a
 * question then is refused, items that are open are sent; when one is due that is not, the
 * session waits (needs_files) for 5 min, then it ends with NO_AGENT. */
void ehd_session_owner_vanished(EhdSession *session);
/* Manager.Reattach at whoever sends: do these describe the same items? ITEM_CHANGED. At a
 * terminal that sends nothing back (any more, or not yet) they are looked at when it does. */
gboolean ehd_session_check_items(EhdSession *session, const GArray *items, GError **error);

const EhdSessionInfo *ehd_session_get_info(EhdSession *session);
/* Items first … first+count-1 that there are, (transfer full) array of EhdItemInfo; borrowed
 * texts as above. count 1..256, else INVALID_ARGUMENT. */
GArray *ehd_session_list_items(EhdSession *session, EhdDirection direction, guint first,
                               guint count, GError **error);
/* (transfer full) of the session's transfer of that number as it crossed the link; -1: the last
 * one to the terminal. WRONG_STATE: none yet. */
GBytes *ehd_session_get_receipt(EhdSession *session, int transfer, GError **error);
/* Patient: who vouches for what that transfer sent back (an OriginProof), once all of it is
 * here. WRONG_STATE. */
GBytes *ehd_session_get_origin(EhdSession *session, guint transfer, GError **error);

/* The person's answer. offer: of EhdItem, in place of what was described at Send, or NULL.
 * items: ids of the caller to be sent, n_items 0 and items NULL: of an offer all, else what
 * fits. acting_as 0: as at Send. expires 0: in a day; in the past: refused. An answer nobody
 * waits for is ignored. An unknown id is a refusal. */
void ehd_session_answer_consent(EhdSession *session, gboolean granted, const GArray *offer,
                                const guint *items, gsize n_items, int acting_as,
                                gint64 expires);
/* Patient: does the person take what the clinic offers? An answer nobody waits for is ignored.
 */
void ehd_session_answer_reply(EhdSession *session, gboolean accepted);
/* fd: (transfer full), or -1 with why (NO_INPUT, ITEM_CHANGED, NO_AGENT). */
void ehd_session_give_item(EhdSession *session, guint id, int fd, ehp_status why);

/* Session methods. WRONG_STATE, INVALID_ARGUMENT as the XML says. */
gboolean ehd_session_allow_unverified(EhdSession *session, const char *fingerprint,
                                      GError **error);
gboolean ehd_session_extend(EhdSession *session, guint *seconds, GError **error);
/* What would let this device go on sending is erased from the disk first, then the terminal is
 * told. */
void ehd_session_revoke_async(EhdSession *session, GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean ehd_session_revoke_finish(EhdSession *session, GAsyncResult *result, GError **error);

/* Terminal, after a transfer: asks for more of what was granted; list: only the list of it.
 * What comes has new ids, behind those that there are. Called back once that outlives this
 * process. WRONG_STATE, INVALID_ARGUMENT, STORE_FAILED. */
void ehd_session_request_items_async(EhdSession *session, const GArray *queries, gboolean list,
                                     GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_session_request_items_finish(EhdSession *session, GAsyncResult *result,
                                          GError **error);
/* Terminal, after a transfer: offers items (of EhdItem, copied) to the patient. Their
 * descriptors are asked for with open_item. Called back once that outlives this process.
 * WRONG_STATE, ITEM_INVALID, MIXED_SUBJECTS, STORE_FAILED. */
void ehd_session_reply_async(EhdSession *session, const GArray *items,
                             GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_session_reply_finish(EhdSession *session, GAsyncResult *result, GError **error);

/* These end on disk before the callback comes. */
void ehd_session_cancel_async(EhdSession *session, GAsyncReadyCallback callback,
                              gpointer user_data);
gboolean ehd_session_cancel_finish(EhdSession *session, GAsyncResult *result, GError **error);
void ehd_session_file_async(EhdSession *session, GAsyncReadyCallback callback,
                            gpointer user_data);
gboolean ehd_session_file_finish(EhdSession *session, GAsyncResult *result, GError **error);
/* rule: NULL: discarded; else rejected by this rule (1..127 bytes). */
void ehd_session_discard_async(EhdSession *session, const char *rule,
                               GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_session_discard_finish(EhdSession *session, GAsyncResult *result, GError **error);
/* finish returns a read-only descriptor at offset 0, (transfer full), or -1. */
void ehd_session_collect_item_async(EhdSession *session, EhdDirection direction, guint id,
                                    GAsyncReadyCallback callback, gpointer user_data);
int ehd_session_collect_item_finish(EhdSession *session, GAsyncResult *result, GError **error);
void ehd_session_item_stored_async(EhdSession *session, EhdDirection direction, guint id,
                                   GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_session_item_stored_finish(EhdSession *session, GAsyncResult *result,
                                        GError **error);
