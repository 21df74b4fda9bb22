/* SPDX-License-Identifier: Apache-2.0
 *
 * A receipt in a file of the user's: JSON with the signed bytes in base64, and the facts beside them for
 * readers (the facts prove nothing; ehrctl receipt verify looks at the signed bytes only).
 */
#pragma once

#include <gio/gio.h>

typedef struct ReceiptFile ReceiptFile;

/* Reserves the file: finds out now whether it can be written. EHRLINK_ERROR_STORE_FAILED if it exists
 * or its directory cannot be written. */
ReceiptFile *receipt_file_reserve(const char *path, GError **error);
/* Writes it, durably, and makes it appear; never over an existing file. */
gboolean receipt_file_write(ReceiptFile *file, GBytes *receipt, GVariant *facts, GError **error);
/* Frees; what was not written leaves nothing behind. NULL is allowed. */
void receipt_file_free(ReceiptFile *file);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ReceiptFile, receipt_file_free)

/* The signed bytes in a file that receipt_file_write() wrote, or that holds just them.
 * EHRLINK_ERROR_NO_INPUT, EHRLINK_ERROR_RECEIPT_INVALID. */
GBytes *receipt_file_read(const char *path, GError **error);
