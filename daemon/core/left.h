/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdLeft: what is left of a session whose link did not come back: no key that could resume it,
 * but enough to know it again when the same two devices are tapped once more (PROTOCOL.md,
 * Taking up). Its record stands in the ledger in place of the session's; the note, the marks
 * and the spool stay as they are. Main context.
 */
#pragma once

#include "daemon/core/core-priv.h"
#include "daemon/store/marks.h"
#include "proto/left.h"

typedef struct {
    char *id; /* owned: of the session that it is left of */
    EhdSessionRole role;
    uid_t uid;
    gboolean whole; /* terminal: all of it was received; only the receipt did not arrive */
    gint64 time;    /* Unix seconds */
    guint64 boottime;
    char *organisation, *authority; /* owned: of the terminal */
    guint8 what[EHP_HASH_LEN];      /* patient: of the items, and when they were changed */
    ehp_left keys;                  /* secret */
} EhdLeft;

/* (transfer full) NULL: there is nothing, or it may not be kept. */
EhdLeft *ehd_left_new(EhdSession *session);
void ehd_left_free(EhdLeft *left);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdLeft, ehd_left_free)
/* For the ledger. */
GBytes *ehd_left_to_record(const EhdLeft *left);

/* left: (transfer full), durable already. */
void ehd_lefts_add(EhdCore *core, EhdLeft *left);
void ehd_lefts_clear(EhdCore *core);
/* What an earlier run left; FALSE: the record is another kind's. Blocks. */
gboolean ehd_lefts_take_up(EhdCore *core, const char *id, GBytes *record);

/* (transfer full) what the session's consent goes on with, or what its manifest names; NULL:
 * nothing. Nobody else gets it any more. */
EhdLeft *ehd_lefts_claim(EhdSession *patient);
EhdLeft *ehd_lefts_claim_named(EhdSession *terminal, const guint8 proof[EHP_HASH_LEN]);
/* It names what was received whole and waits to be filed. */
gboolean ehd_lefts_wait(EhdSession *terminal, const guint8 proof[EHP_HASH_LEN]);

/* How far it was; marks: (transfer none), NULL: that cannot be read. */
typedef void (*EhdLeftRead)(const EhdMarksRead *marks, gpointer user_data);
/* erase: and the ledger forgets it, durably, before that is told. */
void ehd_left_read(EhdCore *core, const EhdLeft *left, gboolean erase, EhdLeftRead done,
                   gpointer user_data);
/* A terminal's disk or quota is full: what somebody might take up keeps nobody out. FALSE:
 * there is nothing. told (or NULL): it is gone; its marks say nothing. */
gboolean ehd_lefts_make_room(EhdCore *core, EhdLeftRead told, gpointer user_data);
