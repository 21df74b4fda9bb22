/* SPDX-License-Identifier: Apache-2.0
 *
 * EhrlinkSource: where the bytes of an item to be sent come from, and what they looked like
 * when it was offered. Both functions block: for worker threads.
 */
#pragma once

#include <glib.h>

typedef struct {
    char *path; /* owned, NULL if by descriptor */
    int fd;     /* owned, -1 if by path */
    char *name; /* owned, for messages: as the caller knows the file */

    gboolean looked;
    guint64 size;
    gint64 mtime; /* microseconds since 1970 */
} EhrlinkSource;

EhrlinkSource *ehrlink_source_new(const char *path, int fd, const char *name);
void ehrlink_source_free(EhrlinkSource *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhrlinkSource, ehrlink_source_free)

/* Opens and takes down size and time. EHRLINK_ERROR_NO_INPUT, with the name, for whatever is
 * not a readable, non-empty regular file. Never hangs on a FIFO. */
gboolean ehrlink_source_look(EhrlinkSource *self, GError **error);

/* Opens anew for reading from the start; -1 with an error: EHRLINK_ERROR_ITEM_CHANGED if size
 * or time are not what they were, EHRLINK_ERROR_NO_INPUT as above. Several threads may do so.
 */
int ehrlink_source_open(const EhrlinkSource *self, GError **error);
