/* SPDX-License-Identifier: Apache-2.0
 *
 * Storing a received item. The bytes go into a hidden file ".ehrlink-KEY.partial", opened with
 * O_EXCL; when they are on the disk it gets its visible name by link(2), which neither
 * overwrites nor follows anything, and the directory is synchronised. The hidden name stays
 * until the service has destroyed its copy. A crash in between leaves either a file with one
 * link, which is removed, or one with two, which is complete: the visible name is found by its
 * inode, and the item is not stored twice. Where there are no hard links (FAT), a rename that
 * does not overwrite takes their place, without that protection.
 */
#include "store.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "ehrlink-error.h"
#include "name-private.h"
#include "words-private.h"

#define COPY_BYTES     (128 * 1024)
/* Files of one name in one directory. More is somebody's joke. */
#define NUMBER_MAX     100000u
/* What eCryptfs, the least of them, takes for a file name. */
#define SHORT_NAME_MAX 140

static void
set_errno_error(GError **error, const char *what, int err)
{
    gboolean full = err == ENOSPC || err == EDQUOT || err == EFBIG;

    g_set_error(error, EHRLINK_ERROR,
                full ? EHRLINK_ERROR_NO_SPACE : EHRLINK_ERROR_STORE_FAILED, "%s: %s", what,
                g_strerror(err));
}

int
ehrlink_store_open_directory(const char *path, GError **error)
{
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (fd < 0)
        set_errno_error(error, path, errno);
    return fd;
}

static char *
partial_name(const char *key)
{
    return g_strdup_printf(".ehrlink-%s.partial", key);
}

/* The visible name of the inode, if there is one. */
static char *
find_inode(int dir, const struct stat *wanted, const char *not_this)
{
    int fd = openat(dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    DIR *entries = fd < 0 ? NULL : fdopendir(fd);
    struct dirent *entry;
    char *found = NULL;

    if (entries == NULL) {
        if (fd >= 0)
            close(fd);
        return NULL;
    }
    while (found == NULL && (entry = readdir(entries)) != NULL) {
        struct stat st;

        if (entry->d_ino != wanted->st_ino || g_str_equal(entry->d_name, not_this))
            continue;
        if (fstatat(dir, entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0 &&
            st.st_ino == wanted->st_ino && st.st_dev == wanted->st_dev)
            found = g_strdup(entry->d_name);
    }
    closedir(entries);
    return found;
}

/* What an earlier run left under this key: the visible name if that run came so far; otherwise
 * it is cleared away. */
static char *
take_up(int dir, const char *partial, guint64 size)
{
    struct stat st;
    char *name = NULL;

    if (fstatat(dir, partial, &st, AT_SYMLINK_NOFOLLOW) != 0)
        return NULL;
    if (S_ISREG(st.st_mode) && st.st_nlink > 1 && st.st_uid == geteuid() &&
        (guint64)st.st_size == size)
        name = find_inode(dir, &st, partial);
    if (name == NULL)
        unlinkat(dir, partial, 0);
    return name;
}

static gboolean
write_all(int fd, const char *data, gsize len, GError **error)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);

        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            set_errno_error(error, N_("cannot write"), errno);
            return FALSE;
        }
        data += n;
        len -= (gsize)n;
    }
    return TRUE;
}

/* More or fewer bytes than announced are the service's fault, and never end up as an item. */
static gboolean
copy_bytes(int from, int to, guint64 size, GCancellable *cancellable, GError **error)
{
    g_autofree char *buffer = g_malloc(COPY_BYTES);
    guint64 copied = 0;

    for (;;) {
        ssize_t n;

        if (g_cancellable_set_error_if_cancelled(cancellable, error))
            return FALSE;
        n = read(from, buffer, COPY_BYTES);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0) {
            set_errno_error(error, N_("cannot read what the service received"), errno);
            return FALSE;
        }
        if (n == 0)
            break;
        copied += (guint64)n;
        if (copied > size || !write_all(to, buffer, (gsize)n, error))
            break;
    }
    if (copied == size)
        return error == NULL || *error == NULL;
    if (error != NULL && *error == NULL)
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_STORE_FAILED,
                    N_("the service gave another number of bytes than it announced"));
    return FALSE;
}

static gboolean
fill_partial(int dir, const char *partial, int source, guint64 size, GCancellable *cancellable,
             GError **error)
{
    int fd = openat(dir, partial, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
    gboolean ok;

    if (fd < 0) {
        set_errno_error(error, N_("cannot create a file"), errno);
        return FALSE;
    }
    ok = copy_bytes(source, fd, size, cancellable, error);
    if (ok && fsync(fd) != 0) {
        set_errno_error(error, N_("cannot write"), errno);
        ok = FALSE;
    }
    /* NFS tells of a full disk only here. */
    if (close(fd) != 0 && ok) {
        set_errno_error(error, N_("cannot write"), errno);
        ok = FALSE;
    }
    if (!ok)
        unlinkat(dir, partial, 0);
    return ok;
}

/* 0 or an errno; EEXIST if the name is taken. */
static int
name_without_overwriting(int dir, const char *partial, const char *name)
{
    if (linkat(dir, partial, dir, name, 0) == 0)
        return 0;
    if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS && errno != EMLINK)
        return errno;
    return renameat2(dir, partial, dir, name, RENAME_NOREPLACE) == 0 ? 0 : errno;
}

static char *
give_name(int dir, const char *partial, const char *wanted, GError **error)
{
    gsize max = EHRLINK_SAFE_NAME_MAX;
    int err = 0;

    for (guint number = 1; number <= NUMBER_MAX; number++) {
        g_autofree char *name = ehrlink_safe_name_within(wanted, number, max);

        err = name_without_overwriting(dir, partial, name);
        if (err == 0)
            return g_steal_pointer(&name);
        if (err == ENAMETOOLONG && max > SHORT_NAME_MAX) {
            max = SHORT_NAME_MAX;
            number = 0;
        } else if (err != EEXIST) {
            break;
        }
    }
    set_errno_error(error, N_("cannot name a file"), err);
    return NULL;
}

char *
ehrlink_store_copy(int dir, int source, guint64 size, const char *name, const char *key,
                   GCancellable *cancellable, GError **error)
{
    g_autofree char *partial = partial_name(key);
    g_autofree char *stored = take_up(dir, partial, size);
    g_autoptr(GError) local = NULL;

    if (stored == NULL) {
        if (fill_partial(dir, partial, source, size, cancellable, &local))
            stored = give_name(dir, partial, name, &local);
        if (stored == NULL) {
            unlinkat(dir, partial, 0);
            g_propagate_error(error, g_steal_pointer(&local));
            return NULL;
        }
    }
    if (fsync(dir) != 0 && errno != EINVAL) {
        set_errno_error(error, N_("cannot write the directory"), errno);
        unlinkat(dir, stored, 0);
        unlinkat(dir, partial, 0);
        return NULL;
    }
    return g_steal_pointer(&stored);
}

void
ehrlink_store_settle(int dir, const char *key)
{
    g_autofree char *partial = partial_name(key);

    unlinkat(dir, partial, 0);
}
