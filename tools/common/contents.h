/* SPDX-License-Identifier: Apache-2.0
 *
 * Files as a receipt and a proof of origin speak of them.
 */
#pragma once

#include <gio/gio.h>

#include "proto/bounds.h"

/* What one file is now. */
typedef struct {
    guint64 size; /* bytes */
    guint8 salt[EHP_SALT_LEN], root[EHP_HASH_LEN];
} Content;

/* paths: the files of one transfer in order; salts: of each, ehrlink_item_get_salt(). Reads the
 * files, however large; blocks. Errors: EHRLINK_ERROR_NO_INPUT (one cannot be read),
 * EHRLINK_ERROR_INVALID_ARGUMENT. */
gboolean contents_read(const char *const *paths, const char *const *salts, gsize n,
                       Content *contents, GError **error);
/* Whether they are, in order and all together, those of a receipt's contents_hash. */
gboolean contents_are(const Content *contents, gsize n, const guint8 *contents_hash,
                      gsize length);
