/* SPDX-License-Identifier: Apache-2.0
 *
 * A host for tests: everything of a daemon but bus and reader, in a directory of its own, and
 * an owner that answers as it is told and remembers what it was told. Several live in one
 * process and one main loop.
 */
#pragma once

#include "daemon/core/core.h"
#include "tests/daemon/core/cut.h"
#include "tests/daemon/core/field.h"
#include "tests/rig/test-ca/ca.h"

typedef enum { AGREE, DECLINE, SAY_NOTHING, NARROW } Answer;
typedef enum { GIVE, GIVE_NONE, GIVE_LATER, SPOIL } Giving;

typedef struct {
    /* as it should behave; set before tap */
    Answer answer;
    guint narrowed[8], n_narrowed;
    Giving giving;
    gboolean collects; /* what arrived, and says so */
    gboolean files;    /* and then files it */
    gboolean stumbles; /* collects and files although the daemon may fail at it */
    /* what it was told */
    GString *states; /* "ready tapping tapped …", each change once */
    guint asked, opened, voided, arrived, progressed;
    EhdVoidReason void_reason;
    guint collected, given;
    guint waiting_for; /* GIVE_LATER: the id */
    gboolean filed;
    ehp_status filing;
    ehp_status stumbled; /* what collecting an item, or saying so, ended with */
    char *files_dir;
    GPtrArray *got;     /* of GBytes, by id */
    GPtrArray *replies; /* of GBytes */
    guint offered;
    gboolean declines_replies;
    gboolean mulls_replies; /* says nothing yet */
    EhdSession *session;    /* NULL once it was removed */
    ehp_status error;       /* its last; stays when it was removed */
} Owner;

typedef struct {
    char *dir;   /* all of it */
    char *files; /* the sender's files */
    EhdConfig *config;
    EhdState *state;
    EhdSeal *seal;
    EhdTrust *trust;
    EhdLedger *ledger;
    EhdSpool *spool;
    EhdAudit *audit;
    CutLink *link;
    FieldPort *port;
    EhdCore *core;
    GArray *items;
    gint64 (*now)(gpointer user_data); /* NULL: HOST_NOW; both taken at (re)start */
    guint64 (*boottime)(gpointer user_data);
    char address[13]; /* stays the same over restarts */
    Owner owner;
    guint added, removed;
    guint pending;              /* pages that waited to be written when one was added, at most */
    guint stall_ms;             /* taken at (re)start */
    guint removal_ms;           /* likewise; 0: a minute */
    void (*before_open)(void);  /* nothing of the state is open */
    gboolean started;           /* by ehd_core_start(), the last time */
    void (*before_start)(void); /* just before the core starts, which may then fail */
} Host;

#define HOST_NOW (EHD_CLOCK_FLOOR + 100 * G_GINT64_CONSTANT(86400))

/* air: directory of the unix link. configure may be NULL: called before anything is opened. */
Host *host_new(const char *air, void (*configure)(EhdConfig *config));
void host_free(Host *host);
/* The daemon ends (as after SIGKILL: nothing is told to anybody) and starts again on the same
 * state. */
void host_restart(Host *host, const char *air);

/* Adds a file of size bytes (seeded by its number) to what is sent. */
void host_add_item(Host *host, const char *name, gsize size, int category);
/* The bytes of it. */
GBytes *host_item_bytes(guint number, gsize size);

/* Opens a session and sets the owner's listener. NULL options: defaults. Waits until it is
 * armed. */
EhdSession *host_send(Host *host, const EhdSendOptions *options);
EhdSession *host_receive(Host *host, const EhdReceiveOptions *options);
EhdSession *host_try_send(Host *host, const EhdSendOptions *options, GError **error);
EhdSession *host_try_receive(Host *host, const EhdReceiveOptions *options, GError **error);
/* A second owner of a session of this host. */
void owner_init(Owner *owner, Host *host);
void owner_clear(Owner *owner);
void owner_attach(Owner *owner, EhdSession *session);
/* What an owner does that stumbled: collects what is still there, and files. */
void owner_collect_again(Owner *owner);

/* The host's items go back to the patient of its owner's session; waits until that is kept. */
void host_reply(Host *host);
void host_cancel(EhdSession *session);
/* A callback: user_data is a GAsyncResult **, which gets a reference. */
void host_on_result(GObject *source, GAsyncResult *result, gpointer user_data);
EhdSessionState host_state(Host *host);
ehp_status host_error(Host *host);
/* Turns the main loop until the state, or an end. */
void host_wait_state(Host *host, EhdSessionState state);
void host_wait_end(Host *host);
/* Nothing of a session is left on its disk but receipts and audit. */
void host_assert_clean(Host *host);
/* The same, once it is so. */
void host_wait_clean(Host *host);
/* How many lines of this kind the audit has. */
guint host_count_audit(Host *host, const char *kind);
/* Every chunk of the main loop until cond. */
#define WAIT(cond)                                                                             \
    while (!(cond))                                                                            \
    g_main_context_iteration(NULL, TRUE)

/* A clinic's certificate for host, an anchor for the other, CRLs. what: NULL, or one thing that
 * is wrong: "expired", "wrong-eku", "revoked", "no-crl", "stale-crl". */
void host_certify(Host *clinic, Host *patient, TestCa *ca, const char *what);
TestCa *host_ca(void);
