/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdInbox: the receiver's spool, driven from the main context with the disk on a worker.
 * Everything asked of it is done in the order of asking. What is reported durable is: as many
 * segments and items as were waiting are synced together, so that a slow disk costs one sync
 * per window, not per segment.
 */
#pragma once

#include <glib.h>

#include "daemon/store/marks.h"
#include "daemon/store/spool.h"
#include "proto/status.h"

/* Sync at the latest after this many segments (half a window), even when more are waiting. */
#define EHD_INBOX_SYNC_SEGMENTS 4

typedef struct EhdInbox EhdInbox;

typedef struct {
    /* The first `segments` segments of item are on disk. */
    void (*durable)(guint32 item, guint64 segments, gpointer user_data);
    /* The item is whole and on disk. */
    void (*stored)(guint32 item, gpointer user_data);
    /* Once: nothing more is written. */
    void (*failed)(ehp_status why, gpointer user_data);
} EhdInboxUser;

/* spool, ledger: borrowed until free. id: of the session. quota and min_free as the spool has
 * them. */
EhdInbox *ehd_inbox_new(EhdSpool *spool, EhdLedger *ledger, const char *id, guint64 quota,
                        guint64 min_free, int state_fd, const EhdInboxUser *user,
                        gpointer user_data);
/* Waits for the job under way; what waits is dropped. Files stay as they are. */
void ehd_inbox_free(EhdInbox *inbox);

typedef void (*EhdInboxDone)(ehp_status status, gpointer user_data);
typedef void (*EhdInboxOpened)(int fd, ehp_status status, gpointer user_data);

/* Is there room for `bytes`? Makes the session's directory with its meta. NO_SPACE,
 * STORE_FAILED. */
void ehd_inbox_prepare(EhdInbox *inbox, GBytes *meta, guint64 bytes, EhdInboxDone done,
                       gpointer user_data);
/* More items for a directory that is there. Is there room for `bytes`? meta: its new note, or
 * NULL: as it is. NO_SPACE, STORE_FAILED. */
void ehd_inbox_extend(EhdInbox *inbox, GBytes *meta, guint64 bytes, EhdInboxDone done,
                      gpointer user_data);
/* Takes up a directory of an earlier run. meta: (transfer full), NULL on error. Blocks. */
gboolean ehd_inbox_take_up(EhdInbox *inbox, GBytes **meta, GError **error);
/* Is the item whole? FALSE sets error: NOT_FOUND when it is not there, STORE_FAILED when nobody
 * can say now. Blocks; only after take_up and before anything else was asked. */
gboolean ehd_inbox_has_item(EhdInbox *inbox, guint32 item, GError **error);
/* After a crash: of items `first` and later nothing counts but the first `bytes` bytes of that
 * one. STATE_DAMAGED when they are not there. turn: of the next marks. Blocks; as has_item. */
gboolean ehd_inbox_unfinish(EhdInbox *inbox, guint32 first, guint64 bytes, guint turn,
                            GError **error);
/* The append and complete that follow are of that transfer of the session, whose first item is
 * `base`: marks count from there. */
void ehd_inbox_set_transfer(EhdInbox *inbox, guint32 transfer, guint32 base);
/* What the ledger is to keep of the append or complete that follows (ehp_event.mark); it is
 * durable before that is told. Copied. */
void ehd_inbox_mark(EhdInbox *inbox, const guint8 *mark, gsize length, gint64 now,
                    guint64 boottime);
/* What was signed about the item whose complete follows (ehp_event.bytes): as ehd_inbox_mark,
 * and before it. Copied. */
void ehd_inbox_origin(EhdInbox *inbox, const guint8 *origin, gsize length);
/* data is copied. After it `segment + 1` segments of the item are there. An offset before what
 * was written starts over from there (a link that came back). */
void ehd_inbox_append(EhdInbox *inbox, guint32 item, guint64 size, guint64 segment,
                      guint64 offset, const guint8 *data, gsize length);
/* The content was verified: make it whole. */
void ehd_inbox_complete(EhdInbox *inbox, guint32 item, guint64 size);
/* Nothing follows for a while: what was written is to become durable, and told of, without
 * waiting for company. A link that comes up says only what is durable, and waits for the rest.
 */
void ehd_inbox_sync(EhdInbox *inbox);
/* Runs work on the inbox's worker, after all that was asked before; done gets what it returned.
 */
typedef ehp_status (*EhdInboxWork)(gpointer user_data);
void ehd_inbox_run(EhdInbox *inbox, EhdInboxWork work, EhdInboxDone done, gpointer user_data);
/* opened: fd (transfer full), or -1. NOT_FOUND, STORE_FAILED. */
void ehd_inbox_open(EhdInbox *inbox, guint32 item, EhdInboxOpened opened, gpointer user_data);
void ehd_inbox_drop(EhdInbox *inbox, guint32 item, EhdInboxDone done, gpointer user_data);
/* Destroys everything of the session. Also after failed. */
void ehd_inbox_discard(EhdInbox *inbox, EhdInboxDone done, gpointer user_data);
