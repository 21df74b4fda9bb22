/* SPDX-License-Identifier: Apache-2.0
 *
 * ledger/ID.origins: SLOT bytes for every item, be32 length and a sealed blob each.
 */
#include "daemon/store/origins.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/file.h"
#include "daemon/store/ledger-private.h"
#include "daemon/store/marks.h"
#include "daemon/words.h"

#define LABEL    "origins"
#define SLOT     1024
#define HEAD     4
#define FILE_MAX ((gsize)EHD_MARKS_ITEMS_MAX * SLOT)

G_STATIC_ASSERT(HEAD + EHD_ORIGIN_MAX + EHD_SEAL_OVERHEAD <= SLOT);

static char *
file_name(const char *id)
{
    return g_strconcat(id, EHD_ORIGINS_SUFFIX, NULL);
}

/* Each blob belongs to one transfer of one session, and one place. */
static char *
place(const char *id, guint32 transfer, guint32 item)
{
    return g_strdup_printf("%s/%u/%u", id, transfer, item);
}

static gboolean
check(const char *id, guint32 first, guint n, GError **error)
{
    if (ehd_state_id_valid(id) && first + (guint64)n <= EHD_MARKS_ITEMS_MAX)
        return TRUE;
    ehd_error_set(error, EHP_INVALID_ARGUMENT, NULL);
    return FALSE;
}

/* --- writing ------------------------------------------------------------------------------ */

static gboolean
write_at(int fd, const guint8 *bytes, gsize length, goffset at)
{
    while (length > 0) {
        const gssize n = pwrite(fd, bytes, length, at);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n < 0 ? errno : ENOSPC;
            return FALSE;
        }
        bytes += n;
        length -= (gsize)n;
        at += n;
    }
    return TRUE;
}

static gboolean
write_one(EhdLedger *ledger, int fd, const char *id, guint32 transfer, guint32 item,
          GBytes *origin, GError **error)
{
    guint8 slot[SLOT];
    gsize size;
    const guint8 *bytes = g_bytes_get_data(origin, &size);
    if (size > EHD_ORIGIN_MAX) {
        ehd_error_set(error, EHP_TOO_LARGE, N_("what was signed about an item"));
        return FALSE;
    }
    g_autofree char *path = place(id, transfer, item);
    g_autoptr(GBytes) blob = ehd_seal_wrap(ledger->seal, LABEL, path, bytes, size);
    const gsize length = g_bytes_get_size(blob);
    const guint32 head = GUINT32_TO_BE((guint32)length);
    memcpy(slot, &head, HEAD);
    memcpy(slot + HEAD, g_bytes_get_data(blob, NULL), length);
    if (write_at(fd, slot, HEAD + length, (goffset)item * SLOT))
        return TRUE;
    ehd_error_set_errno(error, errno, N_("write origins"));
    return FALSE;
}

/* A new file is there, by name, before anything counts on it. */
static int
open_file(EhdLedger *ledger, const char *id, GError **error)
{
    g_autofree char *name = file_name(id);
    int fd = openat(ledger->fd, name, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd >= 0)
        return fd;
    if (errno == ENOENT)
        fd = openat(ledger->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fsync(ledger->fd) != 0) {
        ehd_error_set_errno(error, errno, N_("open origins"));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    return fd;
}

gboolean
ehd_origins_write(EhdLedger *ledger, const char *id, guint32 transfer, guint32 first,
                  GBytes *const *origins, guint n, GError **error)
{
    if (!check(id, first, n, error))
        return FALSE;
    int fd = open_file(ledger, id, error);
    gboolean good = fd >= 0;
    if (fd < 0)
        return FALSE;
    for (guint i = 0; good && i < n; i++)
        good = write_one(ledger, fd, id, transfer, first + i, origins[i], error);
    if (good && fdatasync(fd) != 0) {
        ehd_error_set_errno(error, errno, N_("sync origins"));
        good = FALSE;
    }
    close(fd);
    return good;
}

/* --- reading ------------------------------------------------------------------------------ */

/* NULL: not there. */
static GBytes *
read_one(EhdLedger *ledger, const char *id, guint32 transfer, guint32 item, const guint8 *file,
         gsize length)
{
    const gsize at = (gsize)item * SLOT;
    guint32 size;
    if (length < HEAD || at > length - HEAD)
        return NULL;
    memcpy(&size, file + at, HEAD);
    size = GUINT32_FROM_BE(size);
    if (size > SLOT - HEAD || size > length - at - HEAD)
        return NULL;
    g_autofree char *path = place(id, transfer, item);
    return ehd_seal_unwrap(ledger->seal, LABEL, path, file + at + HEAD, size, NULL);
}

static GBytes *
read_file(EhdLedger *ledger, const char *id, GError **error)
{
    g_autofree char *name = file_name(id);
    int fd = openat(ledger->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 && errno == ENOENT)
        return g_bytes_new(NULL, 0);
    if (fd < 0) {
        ehd_error_set_errno(error, errno, N_("open origins"));
        return NULL;
    }
    GBytes *file = ehd_file_read_fd(fd, name, FILE_MAX, error);
    close(fd);
    return file;
}

GPtrArray *
ehd_origins_read(EhdLedger *ledger, const char *id, guint32 transfer, guint32 first, guint n,
                 GError **error)
{
    if (!check(id, first, n, error))
        return NULL;
    g_autoptr(GBytes) file = read_file(ledger, id, error);
    if (file == NULL)
        return NULL;
    gsize length;
    const guint8 *bytes = g_bytes_get_data(file, &length);
    GPtrArray *origins = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    for (guint i = 0; i < n; i++) {
        GBytes *one = read_one(ledger, id, transfer, first + i, bytes, length);
        if (one == NULL)
            break;
        g_ptr_array_add(origins, one);
    }
    return origins;
}
