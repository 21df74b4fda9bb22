/* SPDX-License-Identifier: Apache-2.0
 *
 * Is there room for an item: in the quota, on the file system, and set aside there. Worker
 * threads.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <sys/statvfs.h>
#include <sys/vfs.h>

#include "daemon/error.h"
#include "daemon/store/spool-private.h"
#include "daemon/words.h"

/* Below this a reservation on the disk costs more than it tells. */
#define RESERVE_FROM (1024 * 1024)

/* TRUE if the file system set the bytes aside; FALSE with errno 0 if it cannot do that at all.
 */
static gboolean
reserve_on_disk(int fd, guint64 size)
{
    int rc;
    do {
        rc = fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, (off_t)size);
    } while (rc != 0 && errno == EINTR);
    if (rc == 0)
        return TRUE;
    if (errno == EOPNOTSUPP || errno == ENOSYS)
        errno = 0;
    return FALSE;
}

static gboolean
has_room(EhdSpool *spool, guint64 more, GError **error)
{
    struct statvfs st;
    if (spool->used > spool->quota || more > spool->quota - spool->used) {
        ehd_error_set(error, EHP_NO_SPACE, N_("the spool's quota is used up"));
        return FALSE;
    }
    if (fstatvfs(spool->fd, &st) != 0) {
        ehd_error_set_errno(error, errno, N_("ask for free space"));
        return FALSE;
    }
    guint64 available = (guint64)st.f_bavail * st.f_frsize;
    guint64 kept = spool->min_free + spool->promised;
    if (available < kept || more > available - kept) {
        ehd_error_set(error, EHP_NO_SPACE,
                      N_("the file system of the spool has too little room"));
        return FALSE;
    }
    return TRUE;
}

/* Whether setting bytes aside is a note in the file system's books. On a memory disk it is the
 * whole work of allocating them: 0.4 s for a GB, in which nothing of the item is written. */
static gboolean
reserves_cheaply(int fd)
{
    struct statfs fs;
    return fstatfs(fd, &fs) == 0 && fs.f_type != TMPFS_MAGIC;
}

/* With the lock held, so that two sessions are not promised the same bytes. */
static gboolean
reserve_locked(EhdSpool *spool, int fd, guint64 size, guint64 more, guint64 *promised,
               GError **error)
{
    if (!has_room(spool, more, error))
        return FALSE;
    if (size >= RESERVE_FROM && reserves_cheaply(fd)) {
        if (reserve_on_disk(fd, size)) {
            spool->used += more;
            return TRUE;
        }
        if (errno != 0) {
            /* EFBIG: larger than this file system's files may be. */
            ehd_error_set_errno(error, errno == EFBIG ? ENOSPC : errno, N_("reserve room"));
            return FALSE;
        }
    }
    spool->used += more;
    spool->promised += more;
    *promised = more;
    return TRUE;
}

gboolean
ehd_spool_reserve(EhdSpool *spool, int fd, guint64 size, guint64 written, guint64 *promised,
                  GError **error)
{
    g_mutex_lock(&spool->lock);
    gboolean ok = reserve_locked(spool, fd, size, size - written, promised, error);
    g_mutex_unlock(&spool->lock);
    return ok;
}
