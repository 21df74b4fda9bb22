/* SPDX-License-Identifier: Apache-2.0
 *
 * What a receiver has taken in and not yet given away: spool/SESSION/N for a whole item,
 * N.partial for one under way, meta for the caller's own note. Never a partial item under a
 * whole one's name, also after a power cut.
 *
 * Threads: every function blocks and needs no main loop: call them from a worker. One EhdSpool
 * serves any number of threads; one EhdSpoolSession and its items serve one at a time.
 *
 * Faults: NO_SPACE (quota, min-free, ENOSPC, EDQUOT), STORE_FAILED (EIO, EROFS …). Once the
 * fault is gone, an item goes on from ehd_spool_item_written(): after a failed append that is
 * where this append began, after a failed sync the end of what is durable (the kernel may have
 * dropped the rest).
 */
#pragma once

#include <glib.h>

#include "daemon/store/seal.h"
#include "daemon/store/state.h"

typedef struct EhdSpool EhdSpool;
typedef struct EhdSpoolSession EhdSpoolSession;
typedef struct EhdSpoolItem EhdSpoolItem;

#define EHD_SPOOL_META_MAX (8 * 1024 * 1024)

/* Opens the spool and cleans up after a crash: directories without a meta file (never
 * committed) and temporary files go. `seal` must outlive it. `quota`: bytes of all items;
 * `min_free`: bytes that stay free on the file system. */
EhdSpool *ehd_spool_open(EhdState *state, const EhdSeal *seal, guint64 quota, guint64 min_free,
                         GError **error);
void ehd_spool_free(EhdSpool *spool); /* after its sessions */
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdSpool, ehd_spool_free)

/* Ids of the sessions that are there (those with a meta file); transfer full. */
GStrv ehd_spool_list(EhdSpool *spool, GError **error);
/* For items that begin from now on. */
void ehd_spool_set_limits(EhdSpool *spool, guint64 quota, guint64 min_free);
/* Bytes that all items hold or have reserved. */
guint64 ehd_spool_used(EhdSpool *spool);

/* A new session directory with its first meta, durable on return. WRONG_STATE if it exists. */
EhdSpoolSession *ehd_spool_session_new(EhdSpool *spool, const char *id, const void *meta,
                                       gsize length, GError **error);
/* One that exists (NOT_FOUND). */
EhdSpoolSession *ehd_spool_session_open(EhdSpool *spool, const char *id, GError **error);
/* The session is another one's from now on, durably; its meta, which is sealed for the old
 * name, must be set anew. NOT_FOUND, WRONG_STATE if `to` exists. Nobody has it open. */
gboolean ehd_spool_session_rename(EhdSpool *spool, const char *from, const char *to,
                                  GError **error);
/* Forgets the handle; the files stay. Its items must be freed first. */
void ehd_spool_session_free(EhdSpoolSession *session);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdSpoolSession, ehd_spool_session_free)

/* The caller's note: sealed, atomic, opaque here. */
gboolean ehd_spool_session_set_meta(EhdSpoolSession *session, const void *data, gsize length,
                                    GError **error);
GBytes *ehd_spool_session_get_meta(EhdSpoolSession *session, GError **error);

/* Unlinks every file of the session and its directory (meta first: a crash in between leaves an
 * orphan that the next start removes). Nothing is overwritten: that proves nothing on flash.
 * The handle stays valid only for ehd_spool_session_free. */
gboolean ehd_spool_session_discard(EhdSpoolSession *session, GError **error);

/* Starts item `id` of `size` bytes: room is checked and reserved on the disk first. A partial
 * of the same id is taken up when `resume_at` > 0: it is cut to that many bytes (STATE_DAMAGED
 * if it has fewer); with 0 it starts over. WRONG_STATE if the item is whole already. */
EhdSpoolItem *ehd_spool_item_begin(EhdSpoolSession *session, guint32 id, guint64 size,
                                   guint64 resume_at, GError **error);
/* The next bytes. `offset` must be where the last ended (INVALID_ARGUMENT) and offset + length
 * within size. */
gboolean ehd_spool_item_append(EhdSpoolItem *item, guint64 offset, const void *data,
                               gsize length, GError **error);
/* All that was appended is durable when this returns TRUE. */
gboolean ehd_spool_item_sync(EhdSpoolItem *item, GError **error);
guint64 ehd_spool_item_written(const EhdSpoolItem *item);
guint64 ehd_spool_item_durable(const EhdSpoolItem *item);
/* The caller has verified the content: sync, rename to its whole name, sync of the directory.
 * WRONG_STATE unless exactly size bytes were appended. Free the item afterwards. */
gboolean ehd_spool_item_finish(EhdSpoolItem *item, GError **error);
/* The same without waiting for the disk: for thousands of small items. Durable, and visible as
 * whole, only once ehd_spool_session_sync returned TRUE. */
gboolean ehd_spool_item_finish_later(EhdSpoolItem *item, GError **error);
gboolean ehd_spool_session_sync(EhdSpoolSession *session, GError **error);
/* Closes; an unfinished item stays as partial, to be taken up or discarded. */
void ehd_spool_item_free(EhdSpoolItem *item);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdSpoolItem, ehd_spool_item_free)

/* After a crash: items `first` and later that are whole were never reported so, and are partial
 * again; partial ones after `first` are removed. Of `first` itself there must be `bytes` bytes
 * (STATE_DAMAGED). */
gboolean ehd_spool_session_unfinish(EhdSpoolSession *session, guint32 first, guint64 bytes,
                                    GError **error);

/* A whole item, opened for reading (the caller closes it; O_CLOEXEC). NOT_FOUND while it is not
 * whole. `size` may be NULL. */
int ehd_spool_item_open(EhdSpoolSession *session, guint32 id, guint64 *size, GError **error);
/* Unlinks the item, whole or partial; a missing one is success. Not while it is open as
 * EhdSpoolItem. */
gboolean ehd_spool_item_discard(EhdSpoolSession *session, guint32 id, GError **error);
/* The same without waiting for the disk: after a power cut the item may be there again, unless
 * ehd_spool_session_sync or a later ehd_spool_session_discard returned TRUE. */
gboolean ehd_spool_item_discard_later(EhdSpoolSession *session, guint32 id, GError **error);
