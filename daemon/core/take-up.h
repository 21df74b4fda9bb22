/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the start: what take-up*.c share, and nobody else. What was found of a session, and
 * the steps that put it back together. Main context, blocking.
 */
#pragma once

#include "daemon/core/session-priv.h"
#include "daemon/store/marks.h"

typedef struct {
    EhdPast past;
    EhdMarksRead marks;
    GBytes *receipt; /* owned; of the transfer in course; NULL: none */
    guint left_ms;   /* in which the link may still come back; 0: only a new tap may go on */
} EhdFound;

void ehd_found_clear(EhdFound *found);

/* take-up.c */
/* STATE_DAMAGED, in words. */
gboolean ehd_take_up_damaged(GError **error, const char *what);
/* FALSE: it could not be read at this moment, and may be at the next start. */
gboolean ehd_take_up_is_lost(ehp_status status);
/* Into left_ms. Too old, expired, a wrong clock: FALSE. */
gboolean ehd_take_up_get_time_left(EhdSession *self, EhdFound *found, GError **error);

/* Patient: all of the last transfer to the terminal has arrived. */
void ehd_take_up_show_sent(EhdSession *self, const EhdFound *found);

/* take-up-items.c */
/* Room that was made for a manifest which was never accepted, or that was being emptied. */
gboolean ehd_take_up_drop_room(EhdSession *self, GError **error);
gboolean ehd_take_up_is_whole(EhdSession *self, guint id, gboolean *whole, GError **error);
/* The list of items, and where they are. */
gboolean ehd_take_up_find_items(EhdSession *self, const EhdPast *past, GError **error);
/* Which of the first n are still here, of a session that was received: what is gone was
 * collected. */
gboolean ehd_take_up_find_received(EhdSession *self, guint n, GError **error);
/* Not received yet: all that the marks say is there, and nothing else counts. */
gboolean ehd_take_up_find_durable(EhdSession *self, const EhdMarksRead *marks, GError **error);
void ehd_take_up_find_sent(EhdSession *self, const EhdMarksRead *marks);
gboolean ehd_take_up_check_order(EhdSession *self, GError **error);

/* take-up-later.c */
/* The receipts of all its transfers; found gets that of the one in course. */
gboolean ehd_take_up_find_receipts(EhdSession *self, EhdFound *found, GError **error);
/* There is an engine to go on with, and its link may still come back. */
gboolean ehd_take_up_may_go_on(EhdSession *self, EhdFound *found, GError **error);
/* What is known of the last transfer without an engine. */
void ehd_take_up_count(EhdSession *self);
/* Terminal, items that were asked for and are not all here: goes on with them if it can, and
 * else keeps what came before. */
gboolean ehd_take_up_later(EhdSession *self, EhdFound *found, GError **error);

/* take-up-reply.c */
/* Something goes back to the patient, and there is no receipt of it. */
gboolean ehd_take_up_is_reply(const EhdFound *found);
/* Patient: what came back in this session, and where it is; what of that cannot be read any
 * more is forgotten. */
gboolean ehd_take_up_find_replies(EhdSession *self, EhdFound *found, GError **error);
/* Goes on with it if it can; else it failed. */
gboolean ehd_take_up_reply(EhdSession *self, EhdFound *found, GError **error);
void ehd_take_up_find_proofs(EhdSession *self);

/* take-up-engine.c */
/* Our own leaf key, from the identity unless it was made for this session. */
gboolean ehd_take_up_find_leaf(EhdSession *self, GError **error);
gboolean ehd_take_up_restore(EhdSession *self, EhdFound *found, GError **error);

/* take-up-audit.c */
/* A receipt of the transfer in course that no line of the audit tells of gets one. */
void ehd_take_up_audit(EhdSession *self, const EhdFound *found);
/* What could not be written then: as soon as there is room. Once all sessions are taken up. */
void ehd_take_up_audit_later(EhdSession *self);
