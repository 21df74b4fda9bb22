/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdHold: settings of an adapter that sessions need to be on, and that are put back when
 * nobody does any more: counted, written to disk before they are changed so that our own crash
 * puts them back as well, and left alone once somebody else has changed them. Knows nothing of
 * Bluetooth: getting and setting is its user's. Main context; the file is small and written
 * only when something is changed.
 */
#pragma once

#include <glib.h>

typedef enum {
    EHD_HOLD_POWER,
    EHD_HOLD_DISCOVERABLE,
    EHD_HOLD_FAST, /* fast connectable */
    EHD_HOLD_KINDS,
} EhdHoldKind;

typedef struct EhdHold EhdHold;

/* error: borrowed; NULL: done, value is how it is. May be called within get or set. */
typedef void (*EhdHoldDone)(gboolean value, const GError *error, gpointer done_data);

typedef struct {
    void (*get)(EhdHoldKind kind, const guint8 adapter[6], EhdHoldDone done, gpointer done_data,
                gpointer user_data);
    void (*set)(EhdHoldKind kind, const guint8 adapter[6], gboolean value, EhdHoldDone done,
                gpointer done_data, gpointer user_data);
} EhdHoldOps;

/* error: borrowed; NULL: it is on. */
typedef void (*EhdHoldTaken)(const GError *error, gpointer user_data);

/* dir_fd: where the file is kept, borrowed; -1: nowhere. Reads what an earlier run has left:
 * ehd_hold_settle() puts it back. ops borrowed (static). */
EhdHold *ehd_hold_new(int dir_fd, const EhdHoldOps *ops, gpointer user_data);
/* Puts everything back without waiting for it to be done. No callback follows. */
void ehd_hold_free(EhdHold *hold);

/* Turns it on if it is off. Each take is to be dropped, also one that failed. done may be
 * called at once. */
void ehd_hold_take(EhdHold *hold, EhdHoldKind kind, const guint8 adapter[6], EhdHoldTaken done,
                   gpointer done_data);
void ehd_hold_drop(EhdHold *hold, EhdHoldKind kind, const guint8 adapter[6]);
/* It was seen to be so; by whose doing is found out here. */
void ehd_hold_seen(EhdHold *hold, EhdHoldKind kind, const guint8 adapter[6], gboolean value);
/* The adapter has come: what an earlier run left of it can be put back now. */
void ehd_hold_settle(EhdHold *hold);
