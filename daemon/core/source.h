/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdSource: the caller's files, read when their turn comes. Asks for each descriptor when it
 * is due, holds at most EHD_SOURCE_OPEN_MAX, checks that what it was given is what was
 * described (regular, size, mtime) and that it has not changed when its end is reached, and
 * reads on a worker. Main context; ids are the caller's.
 */
#pragma once

#include "daemon/core/options.h"
#include "proto/status.h"

/* The system bus lets 16 descriptors into a message and 64 into a connection. */
#define EHD_SOURCE_OPEN_MAX   8
/* Descriptors that are asked for ahead of the one that is due; of a session that is to go on
 * without its owner, as many as may be open. */
#define EHD_SOURCE_AHEAD      3
#define EHD_SOURCE_AHEAD_MOST (EHD_SOURCE_OPEN_MAX - 1)
#define EHD_SOURCE_STALL_MS   30000

typedef struct EhdSource EhdSource;

typedef struct {
    /* Ask the owner for this item's descriptor; ehd_source_give() answers. */
    void (*want)(guint id, gpointer user_data);
    /* The bytes that ehd_source_read() asked for. */
    void (*data)(guint id, const guint8 *bytes, gsize length, gpointer user_data);
    /* Once; nothing more is read. why: NO_INPUT, ITEM_CHANGED, ITEM_STALLED, or as given to
     * give(). */
    void (*failed)(ehp_status why, guint id, gpointer user_data);
} EhdSourceUser;

/* items: of EhdItem, borrowed until free. stall_ms: how long one descriptor or one read may
 * take. */
EhdSource *ehd_source_new(const GArray *items, guint stall_ms, const EhdSourceUser *user,
                          gpointer user_data);
/* No callback any more. A read that hangs is left behind. */
void ehd_source_free(EhdSource *source);

/* One at a time. next: ids whose turn comes after it, asked for ahead, at most
 * EHD_SOURCE_AHEAD_MOST. */
void ehd_source_read(EhdSource *source, guint id, guint64 offset, guint32 length,
                     const guint *next, gsize n_next);
/* fd: (transfer full), -1 with why. For an id that was not asked for it is closed. */
void ehd_source_give(EhdSource *source, guint id, int fd, ehp_status why);
/* The item is not needed any more. */
void ehd_source_drop(EhdSource *source, guint id);
/* The owner is gone: its answers will not come; nothing stalls until ask_again. What is open is
 * read all the same. */
void ehd_source_pause(EhdSource *source);
/* Paused, and what is due is not open: only an owner helps. */
gboolean ehd_source_is_starved(const EhdSource *source);
/* There is an owner again: every want() that has no answer is repeated. */
void ehd_source_ask_again(EhdSource *source);
