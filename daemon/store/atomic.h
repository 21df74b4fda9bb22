/* SPDX-License-Identifier: Apache-2.0
 *
 * Small files that are there wholly or not at all. A reader sees the old or the new content,
 * also after a power cut; when a write returned TRUE the new content is on the medium.
 *
 * A *record* file has a header line "ehrlink-state VERSION KIND LENGTH HASH\n" before its
 * payload: VERSION says which ehrlink wrote it, HASH (BLAKE2b-256) finds damage (not attack:
 * that is what sealing is for). All functions block; any thread, one writer per file.
 */
#pragma once

#include <glib.h>

/* Written by this version; anything greater is refused with STATE_TOO_NEW. */
#define EHD_STATE_VERSION   1
#define EHD_RECORD_KIND_MAX 16

/* Replaces dir_fd/name by `data`: temporary file "name.tmp" 0600, fsync, rename, fsync of the
 * directory. On error (NO_SPACE, STORE_FAILED) the old content is untouched and no temporary
 * file is left. */
gboolean ehd_atomic_write(int dir_fd, const char *name, const void *data, gsize length,
                          GError **error);

/* The whole of dir_fd/name. NOT_FOUND if it is not there, STATE_DAMAGED if it is larger than
 * `max` or not a regular file. */
GBytes *ehd_atomic_read(int dir_fd, const char *name, gsize max, GError **error);

/* Unlinks and syncs the directory; a missing file is success. */
gboolean ehd_atomic_remove(int dir_fd, const char *name, GError **error);

/* Record files. `kind` is 1..16 of [a-z0-9-], a constant. */
gboolean ehd_record_write(int dir_fd, const char *name, const char *kind, const void *data,
                          gsize length, GError **error);
/* NOT_FOUND, STATE_TOO_NEW, STATE_DAMAGED (also: another kind). */
GBytes *ehd_record_read(int dir_fd, const char *name, const char *kind, gsize max,
                        GError **error);
/* The pure part of it: where the payload lies in `file`. */
gboolean ehd_record_parse(const guint8 *file, gsize length, const char *kind,
                          const guint8 **payload, gsize *payload_length, GError **error);
