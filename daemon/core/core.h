/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdCore: everything that the daemon decides. Holds the sessions, the one reader that they
 * share, the link, and the stores; the bus adapters in daemon/bus translate to it and decide
 * nothing. All of it runs on the main context in which it was made; what blocks runs on
 * workers.
 */
#pragma once

#include <gio/gio.h>

#include "daemon/config.h"
#include "daemon/core/grant.h"
#include "daemon/core/options.h"
#include "daemon/core/origin.h"
#include "daemon/core/session.h"
#include "daemon/core/tap-port.h"
#include "daemon/link/link.h"
#include "daemon/store/audit.h"
#include "daemon/store/identity.h"
#include "daemon/store/ledger.h"
#include "daemon/store/receipts.h"
#include "daemon/store/spool.h"
#include "daemon/store/state.h"
#include "daemon/store/trust.h"

typedef struct EhdCore EhdCore;

/* All borrowed: they outlive the core. Of the configuration it takes a reference. */
typedef struct {
    EhdConfig *config;
    EhdState *state;
    EhdTrust *trust;
    EhdLedger *ledger;
    EhdSpool *spool;
    EhdAudit *audit;
    EhdTapPort *tap;
    EhdLink *link;
    gint64 (*now)(gpointer user_data);       /* Unix seconds; NULL: the system's clock */
    guint64 (*boottime)(gpointer user_data); /* seconds since the machine was started; NULL: the
                                                system's */
    gpointer now_data;
    /* Waits in milliseconds; 0: EHD_SOURCE_STALL_MS, 30 s, 60 s, EHD_PORCH_SILENT_MS. */
    guint stall_ms;   /* one descriptor, one read of the caller's files */
    guint grace_ms;   /* an owner that left the bus may come back */
    guint removal_ms; /* an ended session can still be asked about */
    guint silent_ms;  /* a connection says whose it is */
} EhdCoreParts;

/* What the bus wants to know of the whole. */
typedef struct {
    /* The session is there: make its object. Not called for one that send/receive_async
     * returned before its finish. */
    void (*session_added)(EhdSession *session, gpointer user_data);
    /* The session goes away now (60 s after its end, or its opening failed): unexport. */
    void (*session_removed)(EhdSession *session, gpointer user_data);
    /* Its state or its transfer's changed, also while it has no owner. May be NULL. */
    void (*state_changed)(EhdSession *session, gpointer user_data);
    /* ehd_core_is_idle() may have changed. */
    void (*idle_changed)(gpointer user_data);
} EhdCoreHooks;

/* parts is copied, hooks borrowed (static). */
EhdCore *ehd_core_new(const EhdCoreParts *parts, const EhdCoreHooks *hooks, gpointer user_data);
/* Ends all sessions at once, without waiting for a peer. */
void ehd_core_free(EhdCore *core);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdCore, ehd_core_free)

/* Takes up what an earlier run left on disk: sessions come back in state "suspended" and go on
 * as after a lost link, received but unfiled ones in state "confirming"; one that cannot be
 * taken up is there for a minute in state "failed" and leaves nothing behind. Once, before the
 * bus name is taken; may block some ms. */
gboolean ehd_core_start(EhdCore *core, GError **error);
/* Ends every session durably that was not tapped yet; the others are left as they are for the
 * next start, without a word to the peer; the callback follows within two seconds. */
void ehd_core_stop_async(EhdCore *core, GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_core_stop_finish(EhdCore *core, GAsyncResult *result, GError **error);

/* From now on; sessions that are open go on with the one that they were opened with. Identity
 * and trust anchors are read again too, since an administrator may have changed them. */
void ehd_core_set_config(EhdCore *core, EhdConfig *config);

/* TRUE when the service may leave: no session, no job on a worker. A session in "confirming"
 * counts. */
gboolean ehd_core_is_idle(EhdCore *core);
/* Sessions that an earlier run left and that could not be read at the start (no descriptors, a failing disk, a newer
 * version's): they are kept, and stand in no list. */
guint ehd_core_count_unread(const EhdCore *core);

/* Opens a session and arms the reader. Copies options. finish returns the session, (transfer
 * none), state "ready": set its listener at once. Errors as Manager.Send and Manager.Receive
 * say. READER_BUSY also when another session of this machine holds the reader; LIMIT_REACHED at
 * [session] max-sessions. */
void ehd_core_send_async(EhdCore *core, const EhdGrant *grant, const EhdSendOptions *options,
                         GAsyncReadyCallback callback, gpointer user_data);
EhdSession *ehd_core_send_finish(EhdCore *core, GAsyncResult *result, GError **error);
void ehd_core_receive_async(EhdCore *core, const EhdGrant *grant,
                            const EhdReceiveOptions *options, GAsyncReadyCallback callback,
                            gpointer user_data);
EhdSession *ehd_core_receive_finish(EhdCore *core, GAsyncResult *result, GError **error);

/* (transfer none). NOT_FOUND, NOT_OWNER. */
EhdSession *ehd_core_find(EhdCore *core, const char *id, uid_t uid, GError **error);
/* (transfer container) all sessions of a uid, oldest first. */
GPtrArray *ehd_core_list(EhdCore *core, uid_t uid);

/* --- identity and trust: thin, but a grant is needed ----------------------------------------
 */

/* The identity as it is now, (transfer none), NULL: none. It changes with the calls below. */
const EhdIdentity *ehd_core_get_identity(EhdCore *core);
/* EHP_OK, or what is wrong with it: NO_IDENTITY, CERT_EXPIRED, CRL_STALE … */
ehp_status ehd_core_identity_problem(EhdCore *core);
/* *csr: (transfer full) PEM; NULL when names has no organisation: just the key then. */
gboolean ehd_core_init_identity(EhdCore *core, const EhdGrant *grant,
                                const EhdIdentityNames *names, gboolean replace, char **csr,
                                GError **error);
/* chain: PEM, NULL or "": only the CRLs are replaced. */
gboolean ehd_core_import_identity(EhdCore *core, const EhdGrant *grant, const char *chain,
                                  GBytes *const *crls, guint n_crls, GError **error);
const EhdTrust *ehd_core_get_trust(EhdCore *core);
/* By this device's trust, policy and clock. newer: a CRL (DER) or NULL. ORIGIN_INVALID. A proof
 * has up to 16,384 signatures: they are checked on a thread, one proof after the other. Clear
 * facts in both cases. */
void ehd_core_verify_origin_async(EhdCore *core, GBytes *proof, GBytes *newer,
                                  GAsyncReadyCallback callback, gpointer user_data);
gboolean ehd_core_verify_origin_finish(EhdCore *core, GAsyncResult *result,
                                       EhdOriginFacts *facts, GError **error);
gboolean ehd_core_add_trust(EhdCore *core, const EhdGrant *grant, const char *pem,
                            EhdAnchor *added, GError **error);
gboolean ehd_core_remove_trust(EhdCore *core, const EhdGrant *grant, const char *fingerprint,
                               GError **error);
