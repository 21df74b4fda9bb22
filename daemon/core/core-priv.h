/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of EhdCore, for the files of this room only.
 */
#pragma once

#include "daemon/core/books.h"
#include "daemon/core/core.h"
#include "daemon/core/lane.h"
#include "daemon/core/porch.h"

typedef struct EhdListening EhdListening; /* core.c */

struct EhdCore {
    EhdCoreParts parts;
    const EhdCoreHooks *hooks; /* borrowed */
    gpointer hooks_data;
    EhdIdentity *identity; /* owned; NULL: none */
    EhdBooks *books;       /* owned */
    EhdPorch *porch;       /* owned */
    GPtrArray *sessions;   /* owned, oldest first */
    guint unread;          /* on disk, and could not be read at the start */
    GPtrArray *lefts;      /* owned, of EhdLeft, oldest first */
    EhdLane *left_lane;    /* owned; NULL: not needed yet */
    guint left_timer;
    EhdLane *proof_lane; /* owned; NULL: not needed yet */
    EhdSession *holder; /* borrowed: who has the reader */
    gboolean listening, stopping;
    EhdLinkAddress address;  /* of our listener */
    ehp_status link_trouble; /* why nobody could connect to it now; EHP_OK: they can */
    GTask *stop;             /* owned; ehd_core_stop_async */
    guint stop_timer, check_source, expiry_timer;
    guint listen_timer;
    EhdListening *listen_pending; /* borrowed; NULL: none */
};

/* take-up.c: sessions that an earlier run left. Blocks. */
gboolean ehd_core_take_up(EhdCore *core, GError **error);
void ehd_core_listen_again(EhdCore *core);
/* Seconds since the machine was started. */
guint64 ehd_core_boottime(EhdCore *core);

gint64 ehd_core_now(EhdCore *core);
/* From disk, after it changed. */
void ehd_core_load_identity(EhdCore *core);
/* An incoming connection, for the link. */
void ehd_core_incoming(int fd, gpointer core);
/* The reader is session's. FALSE: another one needs it. One that only tells others BUSY gives
 * way. */
gboolean ehd_core_claim_reader(EhdCore *core, EhdSession *session);
void ehd_core_release_reader(EhdCore *core, EhdSession *session);
/* A session ended, or a job came back: is there anything left to wait for? */
void ehd_core_check(EhdCore *core);
/* The session is past its end and its 60 s: forget it. */
void ehd_core_remove(EhdCore *core, EhdSession *session);
/* Listen while there is a terminal session that can be connected to. */
void ehd_core_update_listening(EhdCore *core);
