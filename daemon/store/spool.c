/* SPDX-License-Identifier: Apache-2.0
 *
 * The spool and its sessions: directories, meta, quota, clean-up. Items are in spool-item.c.
 * Worker threads; the lock covers the sums only, never a slow call but the reservation.
 */
#include "daemon/store/spool.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/atomic.h"
#include "daemon/store/file.h"
#include "daemon/store/spool-private.h"
#include "daemon/words.h"

#define META_KIND  "spool-meta"
#define SEAL_LABEL "spool"

void
ehd_spool_release(EhdSpool *spool, guint64 bytes)
{
    g_mutex_lock(&spool->lock);
    spool->used -= MIN(bytes, spool->used);
    g_mutex_unlock(&spool->lock);
}

guint64
ehd_spool_used(EhdSpool *spool)
{
    g_mutex_lock(&spool->lock);
    guint64 used = spool->used;
    g_mutex_unlock(&spool->lock);
    return used;
}

void
ehd_spool_set_limits(EhdSpool *spool, guint64 quota, guint64 min_free)
{
    g_mutex_lock(&spool->lock);
    spool->quota = quota;
    spool->min_free = min_free;
    g_mutex_unlock(&spool->lock);
}

static guint64
size_of(int dir_fd, const char *name)
{
    struct stat st;
    if (fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(st.st_mode) ||
        st.st_size < 0)
        return 0;
    return (guint64)st.st_size;
}

static gboolean
is_item(const char *name)
{
    return g_ascii_isdigit(name[0]);
}

/* Unlinks all files that `which` accepts; *bytes is what their items held. */
static gboolean
unlink_files(int dir_fd, gboolean (*which)(const char *name), guint64 *bytes, GError **error)
{
    *bytes = 0;
    g_auto(GStrv) names = ehd_file_list(dir_fd, error);
    if (names == NULL)
        return FALSE;
    for (guint i = 0; names[i] != NULL; i++) {
        if (!which(names[i]))
            continue;
        guint64 size = is_item(names[i]) ? size_of(dir_fd, names[i]) : 0;
        if (unlinkat(dir_fd, names[i], 0) != 0 && errno != ENOENT) {
            ehd_error_set_errno(error, errno, N_("remove a spooled file"));
            return FALSE;
        }
        *bytes += size;
    }
    return TRUE;
}

static gboolean
any(const char *name)
{
    return TRUE;
}

static gboolean
is_temporary(const char *name)
{
    return g_str_has_suffix(name, EHD_FILE_TMP_SUFFIX);
}

static guint64
sum_items(int dir_fd)
{
    guint64 sum = 0;
    g_auto(GStrv) names = ehd_file_list(dir_fd, NULL);
    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        if (is_item(names[i]))
            sum += size_of(dir_fd, names[i]);
    }
    return sum;
}

/* TRUE also while the disk does not say: only what surely has none may be destroyed for it. */
static gboolean
has_meta(int dir_fd)
{
    return faccessat(dir_fd, EHD_SPOOL_META, F_OK, AT_SYMLINK_NOFOLLOW) == 0 || errno != ENOENT;
}

static int
open_session_dir(EhdSpool *spool, const char *id)
{
    return openat(spool->fd, id, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* What a crash left behind. A session without meta was never committed (or was being
 * discarded). */
static gboolean
clean_up_one(EhdSpool *spool, const char *id, GError **error)
{
    int fd = open_session_dir(spool, id);
    if (fd < 0) {
        g_warning("the spool holds something that is not a session");
        return TRUE;
    }
    guint64 bytes = 0;
    gboolean orphan = !has_meta(fd);
    gboolean ok = unlink_files(fd, orphan ? any : is_temporary, &bytes, error);
    if (ok && !orphan)
        spool->used += sum_items(fd);
    close(fd);
    if (ok && orphan && unlinkat(spool->fd, id, AT_REMOVEDIR) != 0) {
        ehd_error_set_errno(error, errno, N_("remove an orphan of the spool"));
        return FALSE;
    }
    return ok;
}

static gboolean
clean_up(EhdSpool *spool, GError **error)
{
    g_auto(GStrv) ids = ehd_file_list(spool->fd, error);
    if (ids == NULL)
        return FALSE;
    for (guint i = 0; ids[i] != NULL; i++) {
        if (!clean_up_one(spool, ids[i], error))
            return FALSE;
    }
    return TRUE;
}

EhdSpool *
ehd_spool_open(EhdState *state, const EhdSeal *seal, guint64 quota, guint64 min_free,
               GError **error)
{
    EhdSpool *spool = g_new0(EhdSpool, 1);
    spool->seal = seal;
    spool->fd = ehd_state_room(state, "spool");
    spool->quota = quota;
    spool->min_free = min_free;
    g_mutex_init(&spool->lock);
    if (clean_up(spool, error))
        return spool;
    ehd_error_prefix(error, N_("clean up the spool"));
    ehd_spool_free(spool);
    return NULL;
}

void
ehd_spool_free(EhdSpool *spool)
{
    if (spool == NULL)
        return;
    g_mutex_clear(&spool->lock);
    g_free(spool);
}

GStrv
ehd_spool_list(EhdSpool *spool, GError **error)
{
    g_auto(GStrv) names = ehd_file_list(spool->fd, error);
    if (names == NULL)
        return NULL;
    g_autoptr(GStrvBuilder) ids = g_strv_builder_new();
    for (guint i = 0; names[i] != NULL; i++) {
        int fd = open_session_dir(spool, names[i]);
        if (fd < 0)
            continue;
        if (has_meta(fd))
            g_strv_builder_add(ids, names[i]);
        close(fd);
    }
    return g_strv_builder_end(ids);
}

static EhdSpoolSession *
session_of(EhdSpool *spool, const char *id, GError **error)
{
    int fd = open_session_dir(spool, id);
    if (fd < 0) {
        ehd_error_set_errno(error, errno, N_("open a spooled session"));
        return NULL;
    }
    EhdSpoolSession *session = g_new0(EhdSpoolSession, 1);
    session->spool = spool;
    session->id = g_strdup(id);
    session->fd = fd;
    session->later = g_array_new(FALSE, FALSE, sizeof(guint32));
    return session;
}

static gboolean
check_id(const char *id, GError **error)
{
    if (ehd_state_id_valid(id))
        return TRUE;
    ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("not a session's id"));
    return FALSE;
}

static gboolean
make_directory(EhdSpool *spool, const char *id, GError **error)
{
    if (mkdirat(spool->fd, id, 0700) == 0)
        return TRUE;
    if (errno == EEXIST)
        ehd_error_set(error, EHP_WRONG_STATE, N_("this session is in the spool already"));
    else
        ehd_error_set_errno(error, errno, N_("make a spooled session"));
    return FALSE;
}

static gboolean
sync_directory(int fd, GError **error)
{
    if (fsync(fd) == 0)
        return TRUE;
    ehd_error_set_errno(error, errno, N_("sync the spool"));
    return FALSE;
}

EhdSpoolSession *
ehd_spool_session_new(EhdSpool *spool, const char *id, const void *meta, gsize length,
                      GError **error)
{
    if (!check_id(id, error) || !make_directory(spool, id, error))
        return NULL;
    EhdSpoolSession *session = session_of(spool, id, error);
    if (session != NULL && ehd_spool_session_set_meta(session, meta, length, error) &&
        sync_directory(spool->fd, error))
        return session;
    /* So that the same id can be tried again. */
    if (session != NULL)
        unlinkat(session->fd, EHD_SPOOL_META, 0);
    unlinkat(spool->fd, id, AT_REMOVEDIR);
    ehd_spool_session_free(session);
    return NULL;
}

EhdSpoolSession *
ehd_spool_session_open(EhdSpool *spool, const char *id, GError **error)
{
    if (!check_id(id, error))
        return NULL;
    EhdSpoolSession *session = session_of(spool, id, error);
    if (session == NULL || has_meta(session->fd))
        return session;
    ehd_error_set(error, EHP_NOT_FOUND, N_("no such session in the spool"));
    ehd_spool_session_free(session);
    return NULL;
}

gboolean
ehd_spool_session_rename(EhdSpool *spool, const char *from, const char *to, GError **error)
{
    if (!check_id(from, error) || !check_id(to, error))
        return FALSE;
    if (renameat(spool->fd, from, spool->fd, to) != 0) {
        if (errno == ENOENT)
            ehd_error_set(error, EHP_NOT_FOUND, N_("no such session in the spool"));
        else if (errno == EEXIST || errno == ENOTEMPTY)
            ehd_error_set(error, EHP_WRONG_STATE, N_("this session is in the spool already"));
        else
            ehd_error_set_errno(error, errno, N_("rename a spooled session"));
        return FALSE;
    }
    return sync_directory(spool->fd, error);
}

void
ehd_spool_session_free(EhdSpoolSession *session)
{
    if (session == NULL)
        return;
    close(session->fd);
    g_array_unref(session->later);
    g_free(session->id);
    g_free(session);
}

gboolean
ehd_spool_session_set_meta(EhdSpoolSession *session, const void *data, gsize length,
                           GError **error)
{
    if (length > EHD_SPOOL_META_MAX) {
        ehd_error_set(error, EHP_LIMIT_REACHED, "a session's note is over %d bytes",
                      EHD_SPOOL_META_MAX);
        return FALSE;
    }
    g_autoptr(GBytes) blob =
        ehd_seal_wrap(session->spool->seal, SEAL_LABEL, session->id, data, length);
    return ehd_record_write(session->fd, EHD_SPOOL_META, META_KIND,
                            g_bytes_get_data(blob, NULL), g_bytes_get_size(blob), error);
}

GBytes *
ehd_spool_session_get_meta(EhdSpoolSession *session, GError **error)
{
    g_autoptr(GBytes) blob = ehd_record_read(session->fd, EHD_SPOOL_META, META_KIND,
                                             EHD_SPOOL_META_MAX + EHD_SEAL_OVERHEAD, error);
    if (blob == NULL)
        return NULL;
    return ehd_seal_unwrap(session->spool->seal, SEAL_LABEL, session->id,
                           g_bytes_get_data(blob, NULL), g_bytes_get_size(blob), error);
}

gboolean
ehd_spool_session_discard(EhdSpoolSession *session, GError **error)
{
    guint64 bytes = 0;
    EhdSpool *spool = session->spool;
    g_array_set_size(session->later, 0);
    if (!ehd_atomic_remove(session->fd, EHD_SPOOL_META, error))
        return FALSE;
    gboolean ok = unlink_files(session->fd, any, &bytes, error);
    ehd_spool_release(spool, bytes);
    if (!ok)
        return FALSE;
    if (unlinkat(spool->fd, session->id, AT_REMOVEDIR) != 0 && errno != ENOENT) {
        ehd_error_set_errno(error, errno, N_("remove a spooled session"));
        return FALSE;
    }
    return sync_directory(spool->fd, error);
}
