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
    GBytes *receipt; /* owned; NULL: none */
    guint left_ms;   /* in which the link may still come back; 0: only a new tap may go on */
} EhdFound;

void ehd_found_clear(EhdFound *found);

/* STATE_DAMAGED, in words. */
gboolean ehd_take_up_damaged(GError **error, const char *what);

/* take-up-items.c */
/* The list of items, and where they are. */
gboolean ehd_take_up_find_items(EhdSession *self, const EhdPast *past, GError **error);
/* Which of them are still here, of a session that was received: what is gone was collected. */
gboolean ehd_take_up_find_received(EhdSession *self, GError **error);
/* Not received yet: all that the marks say is there, and nothing else counts. */
gboolean ehd_take_up_find_durable(EhdSession *self, const EhdMarksRead *marks, GError **error);
void ehd_take_up_find_sent(EhdSession *self, const EhdMarksRead *marks);
gboolean ehd_take_up_check_order(EhdSession *self, GError **error);

/* take-up-engine.c */
/* Our own leaf key, from the identity unless it was made for this session. */
gboolean ehd_take_up_find_leaf(EhdSession *self, GError **error);
gboolean ehd_take_up_restore(EhdSession *self, EhdFound *found, GError **error);
