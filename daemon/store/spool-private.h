/* SPDX-License-Identifier: Apache-2.0
 *
 * Inside of the spool only.
 */
#pragma once

#include <sys/types.h>

#include "daemon/store/spool.h"

#define EHD_SPOOL_META     "meta"
#define EHD_SPOOL_PARTIAL  ".partial"
/* "4294967295.partial" */
#define EHD_SPOOL_NAME_MAX 24

struct EhdSpool {
    const EhdSeal *seal; /* borrowed */
    int fd;              /* borrowed: the spool's room */
    guint64 quota;
    guint64 min_free;
    GMutex lock; /* of what follows */
    guint64 used;
    guint64 promised; /* of `used`, what is not on the disk yet and not reserved there */
};

struct EhdSpoolSession {
    EhdSpool *spool; /* borrowed */
    char *id;        /* owned */
    int fd;
    gboolean names_dirty; /* renamed, the directory not synced yet */
    GArray *later;        /* guint32: written, to be renamed by ehd_spool_session_sync */
};

/* Gives `bytes` back to the quota. */
void ehd_spool_release(EhdSpool *spool, guint64 bytes);
/* Charges an item of `size` bytes, of which `written` are in fd already, to the quota and, where
 * it is worth it, to the disk. promised: what is charged and not set aside there (0 on entry).
 * NO_SPACE, STORE_FAILED. */
gboolean ehd_spool_reserve(EhdSpool *spool, int fd, guint64 size, guint64 written,
                           guint64 *promised, GError **error);
