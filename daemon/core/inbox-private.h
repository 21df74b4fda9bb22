/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the inbox only: what its two halves share. The struct has two halves as well: what
 * the main context may touch, and what only the worker may (one job at a time, so without a
 * lock).
 */
#pragma once

#include "daemon/core/inbox.h"
#include "daemon/core/lane.h"
#include "proto/bounds.h"

/* Segments of at least EHD_INBOX_SPARE_MIN bytes travel in buffers that are used again:
 * allocating and freeing each cost more than writing it. */
#define EHD_INBOX_SPARES    4
#define EHD_INBOX_SPARE_MIN (EHP_SEGMENT_MAX / 4)

typedef struct {
    guint32 item;
    guint64 segments; /* 0: the whole item */
    GBytes *mark;     /* owned by the array; NULL: none */
    GBytes *origin;   /* likewise; of a whole item that was sent back */
    guint32 transfer, base;
} EhdInboxDurable;

struct EhdInbox {
    /* main context */
    EhdLane *lane; /* owned */
    const EhdInboxUser *user;
    gpointer user_data;
    gboolean failed;
    guint8 *spare[EHD_INBOX_SPARES]; /* owned: for segments, EHP_SEGMENT_MAX bytes each */
    guint n_spare;
    GBytes *next_mark, *next_origin; /* owned; of the job that follows */
    guint32 next_transfer, next_base;
    gint64 next_time;
    guint64 next_boottime;

    /* constant */
    EhdSpool *spool;   /* borrowed */
    EhdLedger *ledger; /* borrowed */
    char *id;          /* owned */
    guint64 quota, min_free;
    int state_fd; /* borrowed */

    /* worker */
    EhdSpoolSession *session; /* owned */
    EhdSpoolItem *item;       /* owned; the one being written */
    guint32 item_id;
    GArray *waiting; /* of EhdInboxDurable: written, not synced */
    ehp_status broken;
    guint turn; /* of marks */
};

typedef enum {
    EHD_INBOX_PREPARE,
    EHD_INBOX_EXTEND,
    EHD_INBOX_APPEND,
    EHD_INBOX_COMPLETE,
    EHD_INBOX_SYNC,
    EHD_INBOX_RUN,
    EHD_INBOX_OPEN,
    EHD_INBOX_DROP,
    EHD_INBOX_DISCARD
} EhdInboxOp;

typedef struct {
    EhdInboxOp op;
    EhdInbox *inbox; /* borrowed: the lane ends first */
    guint32 item;
    guint64 size, segment, offset, bytes;
    GBytes *meta;          /* owned */
    GBytes *mark, *origin; /* owned */
    guint32 transfer, base;
    gint64 time;
    guint64 boottime;
    guint8 *data; /* owned; of EHP_SEGMENT_MAX bytes if it may be a spare */
    gsize length;
    EhdInboxWork run;
    EhdInboxDone done;
    EhdInboxOpened opened;
    gpointer user_data;
    /* results */
    ehp_status status, sync_failed;
    int fd;         /* owned until handed over; -1 */
    GArray *synced; /* owned, of EhdInboxDurable; NULL: none */
} EhdInboxJob;

/* Empty, of EhdInboxDurable. */
GArray *ehd_inbox_waiting_new(void);
/* On the worker: does it, and fills in its results. */
void ehd_inbox_job_work(gpointer job);
