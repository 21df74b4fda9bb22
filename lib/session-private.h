/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of a session share: session.c holds it, session-events.c takes in what the
 * service tells, agent.c answers what it asks, session-call.c calls it, session-attach.c ties
 * the session to it, again after it was gone.
 */
#pragma once

#include "client-private.h"
#include "ehrlink-details.h"
#include "ehrlink-later.h"
#include "ehrlink-session.h"
#include "ehrlink-transfer.h"

/* Signals that are due; emitted in this order. */
typedef enum {
    DUE_REATTACHED = 1 << 0,
    DUE_CHANGED = 1 << 1,
    DUE_STOPPED = 1 << 2,
    DUE_CONSENT = 1 << 3,
    DUE_ARRIVED = 1 << 4,
    DUE_ENDED = 1 << 5,
    DUE_OFFER = 1 << 6,
    DUE_REPLY_ARRIVED = 1 << 7,
} EhrlinkDue;

struct _EhrlinkSession {
    GObject parent;

    EhrlinkClient *client; /* owned */
    char *path;            /* NULL until the service has opened it */

    gboolean attached; /* the service knows our agent */
    gboolean lost;     /* attached, but the service is gone at the moment */
    gboolean held;     /* no signals yet: the caller does not have the object */
    gboolean ended;
    guint generation; /* counts reattachments */
    EhrlinkDue due;

    EhrlinkSessionState state;
    GVariant *details; /* a{sv} */
    GVariant *peer;    /* a{sv} or NULL; kept so that strings stay valid */
    gint64 details_at; /* monotonic, when details came */
    guint64 done;      /* by Progress */
    char *transfer;    /* object path or NULL */
    char *reply;       /* the same of what the clinic sends back */
    GError *failure;   /* ended by us rather than by the service */

    char *agent_path;
    guint agent_registration;
    GPtrArray *items;                /* sender: EhrlinkItem */
    GVariant *descriptions;          /* sender: aa{sv} as at Send */
    GDBusMethodInvocation *question; /* open AskConsent, owned */
    GDBusMethodInvocation *offer;    /* open OfferReply, owned */
    GPtrArray *offered;              /* EhrlinkItem of it */
    gboolean offering;               /* files of an answer are being looked at */
    GError *item_error;              /* why an item could not be opened */

    gboolean arrived;
    guint arrived_items;
    guint64 arrived_bytes;
    GHashTable *stored; /* id → file name: copied, but the service could not be told */
    GPtrArray *kept;    /* paths of all that was copied, also by a collecting that failed */

    GPtrArray *waiters; /* GTask of wait_async */
    GPtrArray *parked;  /* GTask of calls until reattached */
};

typedef enum {
    SIGNAL_CHANGED,
    SIGNAL_PROGRESS,
    SIGNAL_ITEM_STORED,
    SIGNAL_CONSENT_REQUESTED,
    SIGNAL_CONSENT_CANCELLED,
    SIGNAL_ITEMS_ARRIVED,
    SIGNAL_STOPPED,
    SIGNAL_DETACHED,
    SIGNAL_REATTACHED,
    SIGNAL_ENDED,
    SIGNAL_REPLY_OFFERED,
    SIGNAL_REPLY_ARRIVED,
    N_SIGNALS,
} EhrlinkSessionSignal;

/* session.c */
extern guint ehrlink_session_signals[N_SIGNALS];
EhrlinkSession *ehrlink_session_new(EhrlinkClient *client, const char *path);
void ehrlink_session_set_details(EhrlinkSession *self, GVariant *details);
void ehrlink_session_set_path(EhrlinkSession *self, const char *path);
EhrlinkSessionState ehrlink_session_parse_state(const char *state);
void ehrlink_session_notify(EhrlinkSession *self, const char *property);

/* session-events.c */
void ehrlink_session_take_details(EhrlinkSession *self, GVariant *details);
void ehrlink_session_take_progress(EhrlinkSession *self, guint64 done, guint64 total);
void ehrlink_session_take_stored(EhrlinkSession *self, guint id);
void ehrlink_session_take_arrived(EhrlinkSession *self, const char *transfer, guint items,
                                  guint64 bytes);
void ehrlink_session_take_question(EhrlinkSession *self, GDBusMethodInvocation *question,
                                   GVariant *details);
void ehrlink_session_take_offer(EhrlinkSession *self, GDBusMethodInvocation *offer,
                                GVariant *details, GVariant *items);
void ehrlink_session_take_reply_arrived(EhrlinkSession *self);
void ehrlink_session_take_question_void(EhrlinkSession *self, const char *reason);
/* Ends it for a reason of ours. Takes @error. */
void ehrlink_session_fail(EhrlinkSession *self, GError *error);
/* The caller has the object, or will have when this turn of the main loop is over. */
void ehrlink_session_release(EhrlinkSession *self);

/* agent.c */
gboolean ehrlink_agent_export(EhrlinkSession *self, GError **error);
void ehrlink_agent_unexport(EhrlinkSession *self);

/* session-attach.c */
/* (transfer floating) what Reattach and Send get: @options, and the agent. */
GVariant *ehrlink_session_agent_options(EhrlinkSession *self, GVariant *options);
void ehrlink_session_set_items(EhrlinkSession *self, GPtrArray *items);
/* The service opened the session: take its path, hear its signals. */
void ehrlink_session_attach(EhrlinkSession *self, const char *path);
void ehrlink_session_detach(EhrlinkSession *self);
void ehrlink_session_service_gone(EhrlinkSession *self);
void ehrlink_session_service_back(EhrlinkSession *self);

/* session-call.c */
/* A method of the session, or of its transfer. One that may be repeated waits, when the end of
 * the service interrupts it, for the reattachment and is made again. */
typedef struct {
    const char *interface;
    const char *name;
    const char *reply; /* type */
    gboolean repeat;
    gboolean of_reply; /* a method of the transfer to the patient */
} EhrlinkMethod;

void ehrlink_session_call(EhrlinkSession *self, const EhrlinkMethod *method,
                          GVariant *parameters, GCancellable *cancellable,
                          GAsyncReadyCallback callback, gpointer user_data);
/* (transfer full) the reply; @fds may be NULL. */
GVariant *ehrlink_session_call_finish(EhrlinkSession *self, GAsyncResult *result,
                                      GUnixFDList **fds, GError **error);
void ehrlink_session_unpark(EhrlinkSession *self);

/* session-collect.c */
/* The transfer is under way, so that nothing of it can be told to be received. */
gboolean ehrlink_session_items_still_come(EhrlinkSession *self);
/* Removes what this object collected; not what the clinic sent back. Blocks. */
void ehrlink_session_destroy_collected(EhrlinkSession *self);
