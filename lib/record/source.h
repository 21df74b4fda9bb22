/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecSource: the bytes of one record, in a file or in memory, read by offset. Read-only and
 * without position, so that many can read from it. A file that becomes shorter meanwhile is
 * EREC_FAULT_READ, never a signal: it is not mapped.
 */
#pragma once

#include <gio/gio.h>

#include "lib/record/fault.h"

typedef struct ErecSource ErecSource;

/* A regular file, opened so that a FIFO cannot hang it. NULL and a GError of G_IO_ERROR else.
 */
ErecSource *erec_source_new_path(const char *path, GError **error);
/* Duplicates the descriptor, which must be of a regular file. NULL and a GError else. */
ErecSource *erec_source_new_fd(int fd, GError **error);
ErecSource *erec_source_new_bytes(GBytes *bytes);
ErecSource *erec_source_ref(ErecSource *self);
void erec_source_unref(ErecSource *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecSource, erec_source_unref)

guint64 erec_source_size(ErecSource *self);
/* Up to `length` bytes from `offset` into `buffer`; how many there were (fewer only at the
 * end), -1 when reading failed. */
gssize erec_source_read(ErecSource *self, guint64 offset, void *buffer, gsize length);
/* Exactly these bytes, as they are in the file (transfer full). NULL: READ, or ENTRY_LARGE
 * above EREC_ENTRY_MAX. */
GBytes *erec_source_slice(ErecSource *self, guint64 offset, guint64 length, ErecFault *fault);
