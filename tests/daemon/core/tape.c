/* SPDX-License-Identifier: Apache-2.0
 *
 * Files are known by the path that the kernel gives for a descriptor at the moment of the call.
 * Calls come from several threads; one lock orders them as they are made.
 */
#include "tests/daemon/core/tape.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { CREATE, EMPTY, WRITE, CUT, RENAME, UNLINK, MKDIR, SYNC, SYNC_ALL };

typedef struct {
    int refs;
    gboolean directory;
    GByteArray *now, *synced; /* synced NULL: never */
} Inode;

struct TapeDisk {
    GHashTable *names, *synced_names; /* path → Inode */
};

static GMutex lock;
static char *root;
static GPtrArray *ops;
static TapeDisk *first;
static guint64 mark_now;

int __real_openat64(int dir_fd, const char *name, int flags, ...);
int __wrap_openat64(int dir_fd, const char *name, int flags, ...);
ssize_t __real_write(int fd, const void *data, size_t length);
ssize_t __wrap_write(int fd, const void *data, size_t length);
ssize_t __real_pwrite64(int fd, const void *data, size_t length, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t length, off_t offset);
int __real_ftruncate64(int fd, off_t length);
int __wrap_ftruncate64(int fd, off_t length);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_unlinkat(int dir_fd, const char *name, int flags);
int __wrap_unlinkat(int dir_fd, const char *name, int flags);
int __real_mkdirat(int dir_fd, const char *name, mode_t mode);
int __wrap_mkdirat(int dir_fd, const char *name, mode_t mode);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);

/* ---------------------------------------------------------------- recording */

/* Below the root, relative to it ("" is the root); NULL: elsewhere. */
static char *
path_of(int fd, const char *name)
{
    g_autofree char *link = g_strdup_printf("/proc/self/fd/%d", fd);
    g_autofree char *at = root != NULL ? g_file_read_link(link, NULL) : NULL;
    g_autofree char *whole = NULL;
    gsize n;

    if (at == NULL || g_str_has_suffix(at, " (deleted)"))
        return NULL;
    whole = name != NULL ? g_build_filename(at, name, NULL) : g_strdup(at);
    n = strlen(root);
    if (strncmp(whole, root, n) != 0 || (whole[n] != '/' && whole[n] != '\0'))
        return NULL;
    return g_strdup(whole[n] == '/' ? whole + n + 1 : "");
}

static TapeOp *
record(int kind, char *path)
{
    static const char *const words[] = {"create", "empty", "write", "cut",   "rename",
                                        "unlink", "mkdir", "fsync", "syncfs"};
    TapeOp *op = g_new0(TapeOp, 1);

    op->kind = kind;
    op->path = path;
    op->what = g_strdup_printf("%s %s", words[kind], path);
    op->mark = mark_now;
    g_ptr_array_add(ops, op);
    return op;
}

int
__wrap_openat64(int dir_fd, const char *name, int flags, ...)
{
    struct stat st;
    mode_t mode = 0;
    va_list args;
    char *path;
    int fd;

    va_start(args, flags);
    if (flags & O_CREAT)
        mode = va_arg(args, mode_t);
    va_end(args);
    g_mutex_lock(&lock);
    path = flags & (O_CREAT | O_TRUNC) ? path_of(dir_fd, name) : NULL;
    if (path != NULL && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        record(CREATE, path);
    else if (path != NULL && (flags & O_TRUNC))
        record(EMPTY, path);
    else
        g_free(path);
    fd = __real_openat64(dir_fd, name, flags, mode);
    g_mutex_unlock(&lock);
    return fd;
}

static void
record_write(int fd, const void *data, size_t length, off_t offset)
{
    char *path = path_of(fd, NULL);
    TapeOp *op;

    if (path == NULL)
        return;
    op = record(WRITE, path);
    op->offset = offset;
    op->data = g_bytes_new(data, length);
}

ssize_t
__wrap_write(int fd, const void *data, size_t length)
{
    off_t at;
    ssize_t n;

    g_mutex_lock(&lock);
    at = root != NULL ? lseek(fd, 0, SEEK_CUR) : -1;
    if (at >= 0)
        record_write(fd, data, length, at);
    g_mutex_unlock(&lock);
    n = __real_write(fd, data, length);
    return n;
}

ssize_t
__wrap_pwrite64(int fd, const void *data, size_t length, off_t offset)
{
    g_mutex_lock(&lock);
    if (root != NULL)
        record_write(fd, data, length, offset);
    g_mutex_unlock(&lock);
    return __real_pwrite64(fd, data, length, offset);
}

int
__wrap_ftruncate64(int fd, off_t length)
{
    char *path;

    g_mutex_lock(&lock);
    path = path_of(fd, NULL);
    if (path != NULL)
        record(CUT, path)->offset = length;
    g_mutex_unlock(&lock);
    return __real_ftruncate64(fd, length);
}

int
__wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    char *path;
    int rc;

    g_mutex_lock(&lock);
    path = path_of(from_fd, from);
    rc = __real_renameat(from_fd, from, to_fd, to);
    if (path != NULL && rc == 0)
        record(RENAME, path)->to = path_of(to_fd, to);
    else
        g_free(path);
    g_mutex_unlock(&lock);
    return rc;
}

int
__wrap_unlinkat(int dir_fd, const char *name, int flags)
{
    char *path;
    int rc, saved;

    g_mutex_lock(&lock);
    path = path_of(dir_fd, name);
    rc = __real_unlinkat(dir_fd, name, flags);
    saved = errno;
    if (path != NULL && rc == 0)
        record(UNLINK, path);
    else
        g_free(path);
    g_mutex_unlock(&lock);
    errno = saved;
    return rc;
}

int
__wrap_mkdirat(int dir_fd, const char *name, mode_t mode)
{
    char *path;
    int rc, saved;

    g_mutex_lock(&lock);
    path = path_of(dir_fd, name);
    rc = __real_mkdirat(dir_fd, name, mode);
    saved = errno;
    if (path != NULL && rc == 0)
        record(MKDIR, path);
    else
        g_free(path);
    g_mutex_unlock(&lock);
    errno = saved;
    return rc;
}

static int
record_sync(int fd, int kind)
{
    char *path;

    g_mutex_lock(&lock);
    path = path_of(fd, NULL);
    if (path != NULL)
        record(kind, path);
    g_mutex_unlock(&lock);
    return 0;
}

int
__wrap_fsync(int fd)
{
    return record_sync(fd, SYNC);
}

int
__wrap_fdatasync(int fd)
{
    return record_sync(fd, SYNC);
}

int
__wrap_syncfs(int fd)
{
    return record_sync(fd, SYNC_ALL);
}

static void
op_free(gpointer data)
{
    TapeOp *op = data;

    g_free(op->what);
    g_free(op->path);
    g_free(op->to);
    if (op->data != NULL)
        g_bytes_unref(op->data);
    g_free(op);
}

/* ---------------------------------------------------------------- the disk */

static void
inode_unref(gpointer data)
{
    Inode *inode = data;

    if (--inode->refs > 0)
        return;
    g_byte_array_unref(inode->now);
    if (inode->synced != NULL)
        g_byte_array_unref(inode->synced);
    g_free(inode);
}

static Inode *
inode_new(gboolean directory)
{
    Inode *inode = g_new0(Inode, 1);

    inode->refs = 1;
    inode->directory = directory;
    inode->now = g_byte_array_new();
    return inode;
}

static void
inode_sync(Inode *inode)
{
    if (inode->synced != NULL)
        g_byte_array_unref(inode->synced);
    inode->synced = g_byte_array_new();
    g_byte_array_append(inode->synced, inode->now->data, inode->now->len);
}

static TapeDisk *
disk_new(void)
{
    TapeDisk *disk = g_new0(TapeDisk, 1);

    disk->names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, inode_unref);
    disk->synced_names = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, inode_unref);
    return disk;
}

void
tape_disk_free(TapeDisk *disk)
{
    g_hash_table_unref(disk->names);
    g_hash_table_unref(disk->synced_names);
    g_free(disk);
}

static void
put(GHashTable *names, const char *path, Inode *inode)
{
    inode->refs++;
    g_hash_table_replace(names, g_strdup(path), inode);
}

static gboolean
is_in(const char *path, const char *directory)
{
    g_autofree char *parent = g_path_get_dirname(path);

    return strcmp(strcmp(parent, ".") == 0 ? "" : parent, directory) == 0;
}

static gboolean
drop_if_in(gpointer path, gpointer inode, gpointer directory)
{
    return is_in(path, directory);
}

static void
sync_directory(TapeDisk *disk, const char *directory)
{
    GHashTableIter iter;
    gpointer path, inode;

    g_hash_table_foreach_remove(disk->synced_names, drop_if_in, (gpointer)directory);
    g_hash_table_iter_init(&iter, disk->names);
    while (g_hash_table_iter_next(&iter, &path, &inode))
        if (is_in(path, directory))
            put(disk->synced_names, path, inode);
}

static void
sync_everything(TapeDisk *disk)
{
    GHashTableIter iter;
    gpointer path, inode;

    g_hash_table_remove_all(disk->synced_names);
    g_hash_table_iter_init(&iter, disk->names);
    while (g_hash_table_iter_next(&iter, &path, &inode)) {
        inode_sync(inode);
        put(disk->synced_names, path, inode);
    }
}

static void
apply_write(Inode *inode, const TapeOp *op, gboolean torn)
{
    gsize length, end;
    const guint8 *bytes = g_bytes_get_data(op->data, &length);

    length = torn ? length / 2 : length;
    end = (gsize)op->offset + length;
    if (inode->now->len < end) {
        guint before = inode->now->len;
        g_byte_array_set_size(inode->now, (guint)end);
        memset(inode->now->data + before, 0, end - before);
    }
    memcpy(inode->now->data + op->offset, bytes, length);
}

void
tape_disk_apply(TapeDisk *disk, const TapeOp *op, gboolean torn)
{
    Inode *inode = g_hash_table_lookup(disk->names, op->path);

    switch (op->kind) {
    case CREATE:
    case MKDIR:
        inode = inode_new(op->kind == MKDIR);
        put(disk->names, op->path, inode);
        inode_unref(inode);
        break;
    case EMPTY:
        g_byte_array_set_size(inode->now, 0);
        break;
    case WRITE:
        apply_write(inode, op, torn);
        break;
    case CUT:
        g_byte_array_set_size(inode->now, (guint)op->offset);
        break;
    case RENAME:
        put(disk->names, op->to, inode);
        g_hash_table_remove(disk->names, op->path);
        break;
    case UNLINK:
        g_hash_table_remove(disk->names, op->path);
        break;
    case SYNC:
        if (inode == NULL || inode->directory)
            sync_directory(disk, op->path);
        else
            inode_sync(inode);
        break;
    case SYNC_ALL:
        sync_everything(disk);
        break;
    default:
        g_assert_not_reached();
    }
}

static void
read_in(TapeDisk *disk, const char *relative)
{
    g_autofree char *path = g_build_filename(root, relative, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    const char *name;

    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *below =
            *relative ? g_build_filename(relative, name, NULL) : g_strdup(name);
        g_autofree char *whole = g_build_filename(root, below, NULL);
        Inode *inode = inode_new(g_file_test(whole, G_FILE_TEST_IS_DIR));

        put(disk->names, below, inode);
        if (inode->directory) {
            read_in(disk, below);
        } else {
            g_autofree char *bytes = NULL;
            gsize length;

            g_assert_true(g_file_get_contents(whole, &bytes, &length, NULL));
            g_byte_array_append(inode->now, (guint8 *)bytes, (guint)length);
        }
        inode_unref(inode);
    }
}

static int
by_path(gconstpointer a, gconstpointer b)
{
    return strcmp(a, b);
}

void
tape_disk_write(const TapeDisk *disk, TapeLoss loss, const char *to)
{
    gboolean all_names = loss == TAPE_ALL || loss == TAPE_SYNCED_DATA;
    gboolean all_data = loss == TAPE_ALL || loss == TAPE_SYNCED_NAMES;
    GHashTable *names = all_names ? disk->names : disk->synced_names;
    g_autoptr(GList) paths = g_list_sort(g_hash_table_get_keys(names), by_path);

    for (GList *link = paths; link != NULL; link = link->next) {
        const Inode *inode = g_hash_table_lookup(names, link->data);
        g_autofree char *path = g_build_filename(to, link->data, NULL);
        g_autofree char *parent = g_path_get_dirname(path);
        const GByteArray *content = all_data ? inode->now : inode->synced;

        if (!g_file_test(parent, G_FILE_TEST_IS_DIR)) /* its directory's name was lost */
            continue;
        if (inode->directory)
            g_assert_cmpint(g_mkdir(path, 0700), ==, 0);
        else
            g_assert_true(g_file_set_contents_full(
                path, content != NULL ? (char *)content->data : "",
                content != NULL ? content->len : 0, G_FILE_SET_CONTENTS_NONE, 0600, NULL));
    }
}

/* ---------------------------------------------------------------- start, stop */

void
tape_start(const char *directory)
{
    g_mutex_lock(&lock);
    ops = g_ptr_array_new_with_free_func(op_free);
    root = g_strdup(directory);
    first = disk_new();
    read_in(first, "");
    sync_everything(first);
    g_mutex_unlock(&lock);
}

void
tape_mark(guint64 mark)
{
    g_mutex_lock(&lock);
    mark_now = mark;
    g_mutex_unlock(&lock);
}

GPtrArray *
tape_stop(void)
{
    g_mutex_lock(&lock);
    g_clear_pointer(&root, g_free);
    mark_now = 0;
    g_mutex_unlock(&lock);
    return g_steal_pointer(&ops);
}

TapeDisk *
tape_disk_new(void)
{
    return g_steal_pointer(&first);
}
