/* SPDX-License-Identifier: Apache-2.0
 *
 * Files against the receipt that was given for them.
 */
#pragma once

#include <gio/gio.h>

/* contents_hash: as Manager.VerifyReceipt says it, 64 hex digits. paths: the files of that transfer
 * in order; salts: of each, ehrlink_item_get_salt(). Reads the files, however large; blocks. TRUE:
 * they are byte for byte what was received. FALSE without an error: they are not. Errors:
 * EHRLINK_ERROR_NO_INPUT (one cannot be read), EHRLINK_ERROR_INVALID_ARGUMENT. */
gboolean contents_check(const char *contents_hash, const char *const *paths, const char *const *salts,
                        gsize n, GError **error);
