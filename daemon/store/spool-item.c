/* SPDX-License-Identifier: Apache-2.0
 *
 * One item of the spool: reserved, written in order, synced, renamed. Owns the rule that a name
 * without
 * ".partial" is a whole item on the medium. Worker threads.
 */
#include "daemon/store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/file.h"
#include "daemon/store/spool-private.h"
#include "daemon/words.h"

struct EhdSpoolItem {
    EhdSpoolSession *session; /* borrowed */
    guint32 id;
    int fd; /* -1: closed after finish */
    guint64 size;
    guint64 written;
    guint64 durable;
    guint64 promised; /* of the spool's `promised`, what is ours */
    gboolean name_durable;
    gboolean renamed;
};

static void
whole_name(guint32 id, char name[EHD_SPOOL_NAME_MAX])
{
    g_snprintf(name, EHD_SPOOL_NAME_MAX, "%u", id);
}

static void
partial_name(guint32 id, char name[EHD_SPOOL_NAME_MAX])
{
    g_snprintf(name, EHD_SPOOL_NAME_MAX, "%u" EHD_SPOOL_PARTIAL, id);
}

static gboolean
reserve(EhdSpoolItem *item, GError **error)
{
    return ehd_spool_reserve(item->session->spool, item->fd, item->size, item->written,
                             &item->promised, error);
}

static void
keep_promise(EhdSpoolItem *item, guint64 bytes)
{
    EhdSpool *spool = item->session->spool;
    bytes = MIN(bytes, item->promised);
    if (bytes == 0)
        return;
    item->promised -= bytes;
    g_mutex_lock(&spool->lock);
    spool->promised -= bytes;
    g_mutex_unlock(&spool->lock);
}

/* --- begin ------------------------------------------------------------------------------- */

static gboolean
exists(int dir_fd, const char *name)
{
    return faccessat(dir_fd, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0;
}

/* Opens the partial and cuts it to resume_at; what was cut goes back to the quota. */
static int
open_partial(EhdSpoolSession *session, guint32 id, guint64 resume_at, GError **error)
{
    char name[EHD_SPOOL_NAME_MAX];
    struct stat st;
    partial_name(id, name);
    int fd = openat(session->fd, name, O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0 || fstat(fd, &st) != 0) {
        ehd_error_set_errno(error, errno, N_("open a partial item"));
    } else if ((guint64)st.st_size < resume_at) {
        ehd_error_set(error, EHP_STATE_DAMAGED,
                      N_("a partial item is shorter than was durable"));
    } else if (ftruncate(fd, (off_t)resume_at) != 0) {
        ehd_error_set_errno(error, errno, N_("cut a partial item"));
    } else {
        ehd_spool_release(session->spool, (guint64)st.st_size - resume_at);
        return fd;
    }
    if (fd >= 0)
        close(fd);
    return -1;
}

EhdSpoolItem *
ehd_spool_item_begin(EhdSpoolSession *session, guint32 id, guint64 size, guint64 resume_at,
                     GError **error)
{
    char name[EHD_SPOOL_NAME_MAX];
    whole_name(id, name);
    if (resume_at > size || size > G_MAXINT64) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("an item's size"));
        return NULL;
    }
    if (exists(session->fd, name)) {
        ehd_error_set(error, EHP_WRONG_STATE, N_("the item is whole already"));
        return NULL;
    }
    int fd = open_partial(session, id, resume_at, error);
    if (fd < 0)
        return NULL;
    EhdSpoolItem *item = g_new0(EhdSpoolItem, 1);
    item->session = session;
    item->id = id;
    item->fd = fd;
    item->size = size;
    item->written = resume_at;
    item->durable = resume_at;
    if (reserve(item, error))
        return item;
    close(fd);
    if (resume_at == 0) {
        partial_name(id, name);
        unlinkat(session->fd, name, 0);
    }
    g_free(item);
    return NULL;
}

/* --- append, sync ------------------------------------------------------------------------ */

static gboolean
write_at(int fd, const guint8 *data, gsize length, guint64 offset)
{
    while (length > 0) {
        gssize n = pwrite(fd, data, length, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return FALSE;
        }
        data += n;
        offset += (guint64)n;
        length -= (gsize)n;
    }
    return TRUE;
}

gboolean
ehd_spool_item_append(EhdSpoolItem *item, guint64 offset, const void *data, gsize length,
                      GError **error)
{
    if (item->fd < 0 || offset != item->written || length > item->size - item->written) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("not the item's next bytes"));
        return FALSE;
    }
    if (!write_at(item->fd, data, length, offset)) {
        ehd_error_set_errno(error, errno, N_("write an item"));
        return FALSE;
    }
    item->written += length;
    keep_promise(item, length);
    return TRUE;
}

static gboolean
sync_data(EhdSpoolItem *item, GError **error)
{
    if (item->durable == item->written && item->written > 0)
        return TRUE;
    if (fdatasync(item->fd) == 0) {
        item->durable = item->written;
        return TRUE;
    }
    /* The kernel has dropped the pages that it could not write and will not tell again:
     * everything since the last success has to be written again. */
    ehd_error_set_errno(error, errno, N_("sync an item"));
    item->written = item->durable;
    return FALSE;
}

static gboolean
sync_names(EhdSpoolSession *session, GError **error)
{
    session->names_dirty = TRUE;
    if (fsync(session->fd) == 0) {
        session->names_dirty = FALSE;
        return TRUE;
    }
    ehd_error_set_errno(error, errno, N_("sync a session's directory"));
    return FALSE;
}

gboolean
ehd_spool_item_sync(EhdSpoolItem *item, GError **error)
{
    if (item->fd < 0) {
        ehd_error_set(error, EHP_WRONG_STATE, N_("the item is closed"));
        return FALSE;
    }
    /* The name first, once: a synced file that nobody finds is lost. */
    if (!item->name_durable && !sync_names(item->session, error))
        return FALSE;
    item->name_durable = TRUE;
    return sync_data(item, error);
}

guint64
ehd_spool_item_written(const EhdSpoolItem *item)
{
    return item->written;
}

guint64
ehd_spool_item_durable(const EhdSpoolItem *item)
{
    return item->durable;
}

/* --- finish ------------------------------------------------------------------------------ */

static gboolean
is_complete(const EhdSpoolItem *item, GError **error)
{
    if (item->fd >= 0 && item->written == item->size)
        return TRUE;
    ehd_error_set(error, EHP_WRONG_STATE, N_("the item is not complete"));
    return FALSE;
}

static gboolean
rename_whole(EhdSpoolSession *session, guint32 id, GError **error)
{
    char from[EHD_SPOOL_NAME_MAX];
    char to[EHD_SPOOL_NAME_MAX];
    partial_name(id, from);
    whole_name(id, to);
    if (renameat(session->fd, from, session->fd, to) == 0)
        return TRUE;
    ehd_error_set_errno(error, errno, N_("rename an item"));
    return FALSE;
}

static void
close_item(EhdSpoolItem *item)
{
    close(item->fd);
    item->fd = -1;
}

gboolean
ehd_spool_item_finish(EhdSpoolItem *item, GError **error)
{
    if (!is_complete(item, error))
        return FALSE;
    /* The directory is synced once, for the new name. */
    if (!item->renamed) {
        if (!sync_data(item, error) || !rename_whole(item->session, item->id, error))
            return FALSE;
        item->renamed = TRUE;
    }
    if (!sync_names(item->session, error))
        return FALSE;
    close_item(item);
    return TRUE;
}

gboolean
ehd_spool_item_finish_later(EhdSpoolItem *item, GError **error)
{
    if (!is_complete(item, error))
        return FALSE;
    g_array_append_val(item->session->later, item->id);
    close_item(item);
    return TRUE;
}

gboolean
ehd_spool_session_sync(EhdSpoolSession *session, GError **error)
{
    if (session->later->len == 0)
        return !session->names_dirty || sync_names(session, error);
    /* One walk of the file system's dirty pages instead of one per item. */
    if (syncfs(session->fd) != 0) {
        ehd_error_set_errno(error, errno, N_("sync the spool"));
        return FALSE;
    }
    session->names_dirty = TRUE;
    while (session->later->len > 0) {
        guint last = session->later->len - 1;
        if (!rename_whole(session, g_array_index(session->later, guint32, last), error))
            return FALSE;
        g_array_set_size(session->later, last);
    }
    return sync_names(session, error);
}

void
ehd_spool_item_free(EhdSpoolItem *item)
{
    if (item == NULL)
        return;
    keep_promise(item, item->promised);
    if (item->fd >= 0) {
        /* Gives the blocks back that were set aside and not used; a failure costs room only. */
        if (ftruncate(item->fd, (off_t)item->written) != 0)
            g_debug("cannot trim a partial item: %s", g_strerror(errno));
        ehd_spool_release(item->session->spool, item->size - item->written);
        close(item->fd);
    }
    g_free(item);
}

/* --- after a crash ----------------------------------------------------------------------- */

static gboolean
unfinish(EhdSpoolSession *session, guint32 id, GError **error)
{
    char from[EHD_SPOOL_NAME_MAX];
    char to[EHD_SPOOL_NAME_MAX];
    whole_name(id, from);
    partial_name(id, to);
    if (renameat(session->fd, from, session->fd, to) == 0 || errno == ENOENT)
        return TRUE;
    ehd_error_set_errno(error, errno, N_("take back an item"));
    return FALSE;
}

static gboolean
has_bytes(EhdSpoolSession *session, guint32 id, guint64 bytes, GError **error)
{
    char name[EHD_SPOOL_NAME_MAX];
    struct stat st;
    partial_name(id, name);
    if (bytes == 0)
        return TRUE;
    if (fstatat(session->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0) {
        ehd_error_set(error, errno == ENOENT ? EHP_STATE_DAMAGED : EHP_STORE_FAILED,
                      N_("a partial item") ": %s", g_strerror(errno));
        return FALSE;
    }
    if ((guint64)st.st_size >= bytes)
        return TRUE;
    ehd_error_set(error, EHP_STATE_DAMAGED, N_("a partial item is shorter than was durable"));
    return FALSE;
}

gboolean
ehd_spool_session_unfinish(EhdSpoolSession *session, guint32 first, guint64 bytes,
                           GError **error)
{
    g_auto(GStrv) names = ehd_file_list(session->fd, error);
    if (names == NULL)
        return FALSE;
    for (guint i = 0; names[i] != NULL; i++) {
        guint64 id = 0;
        char *end = NULL;
        if (!g_ascii_isdigit(names[i][0]))
            continue;
        id = g_ascii_strtoull(names[i], &end, 10);
        if (id < first || id > G_MAXUINT32)
            continue;
        if (id > first && !ehd_spool_item_discard_later(session, (guint32)id, error))
            return FALSE;
        if (id == first && *end == '\0' && !unfinish(session, first, error))
            return FALSE;
    }
    return sync_names(session, error) && has_bytes(session, first, bytes, error);
}

/* --- whole items ------------------------------------------------------------------------- */

int
ehd_spool_item_open(EhdSpoolSession *session, guint32 id, guint64 *size, GError **error)
{
    char name[EHD_SPOOL_NAME_MAX];
    struct stat st;
    whole_name(id, name);
    int fd = openat(session->fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (fd < 0 || fstat(fd, &st) != 0) {
        ehd_error_set_errno(error, errno, N_("open an item"));
        if (fd >= 0)
            close(fd);
        return -1;
    }
    if (size != NULL)
        *size = (guint64)st.st_size;
    return fd;
}

static gboolean
unlink_item(EhdSpoolSession *session, const char *name, GError **error)
{
    struct stat st;
    if (fstatat(session->fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 && errno == ENOENT)
        return TRUE;
    if (unlinkat(session->fd, name, 0) != 0) {
        ehd_error_set_errno(error, errno, N_("remove an item"));
        return FALSE;
    }
    ehd_spool_release(session->spool, (guint64)st.st_size);
    return TRUE;
}

gboolean
ehd_spool_item_discard_later(EhdSpoolSession *session, guint32 id, GError **error)
{
    char whole[EHD_SPOOL_NAME_MAX];
    char partial[EHD_SPOOL_NAME_MAX];
    whole_name(id, whole);
    partial_name(id, partial);
    for (guint i = 0; i < session->later->len; i++) {
        if (g_array_index(session->later, guint32, i) == id)
            g_array_remove_index_fast(session->later, i);
    }
    session->names_dirty = TRUE;
    return unlink_item(session, whole, error) && unlink_item(session, partial, error);
}

gboolean
ehd_spool_item_discard(EhdSpoolSession *session, guint32 id, GError **error)
{
    return ehd_spool_item_discard_later(session, id, error) && sync_names(session, error);
}
