/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdLane: work that blocks, done one job after the other on a thread of its own, whose results
 * come back to the main context. Each session has its own for the disk and its own for the
 * caller's files, so that a stalled file system holds up nobody else. A job that no thread can
 * be had for waits until there is one.
 */
#pragma once

#include <glib.h>

typedef struct EhdLane EhdLane;

typedef struct {
    void (*work)(gpointer job); /* on the worker */
    void (*done)(gpointer job); /* on the lane's main context; may free the lane */
    void (*free)(
        gpointer job); /* last, on either: after done, or when the lane was freed before */
} EhdJobOps;

/* Results come to the thread-default main context of the caller. */
EhdLane *ehd_lane_new(void);
/* No done() comes any more; jobs that have not begun are dropped. wait: returns only when the
 * job that is under way has ended (for work on what the caller is about to free); without, a
 * worker that is stuck in the kernel is left behind. */
void ehd_lane_free(EhdLane *lane, gboolean wait);

/* ops: borrowed, static. job: (transfer full), freed with ops->free. */
void ehd_lane_push(EhdLane *lane, const EhdJobOps *ops, gpointer job);
/* Jobs pushed whose done() has not returned. */
guint ehd_lane_get_pending(EhdLane *lane);
/* From within work(): no other job waits behind this one. */
gboolean ehd_lane_is_last(EhdLane *lane);
