/* SPDX-License-Identifier: Apache-2.0
 *
 * Files are known by the path that the kernel gives for a descriptor at the moment of the call.
 * Calls come from several threads; one lock orders them as they are made.
 */
#include "tests/daemon/core/tape-private.h"

#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <stdarg.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static GMutex lock;
static char *root;
static GPtrArray *ops;
static TapeDisk *first;
static guint64 mark_now;

/* The power that goes. */
static GThread *main_thread;
static GCond gone; /* whoever waits for the end of what had no power */
static enum { POWER, GOING, DARK } power;
static guint power_at = G_MAXUINT;
static gboolean power_early;
static void (*on_gone)(gpointer user_data);
static gpointer on_gone_data;

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

/* ---------------------------------------------------------------- the power */

/* A worker stays in its call until nobody hears any more what came of it. The main context goes
 * on at once, and is cut off from its peer. Locked. */
static void
power_goes(void)
{
    gboolean main_context = g_thread_self() == main_thread;

    if (power == POWER) {
        power = GOING;
        if (main_context && on_gone != NULL)
            on_gone(on_gone_data);
        g_main_context_wakeup(NULL);
    }
    while (power == GOING && !main_context)
        g_cond_wait(&gone, &lock);
}

/* Before a call that would be recorded. TRUE: locked; FALSE: it must not happen any more. */
static gboolean
enter(int fd, const char *name)
{
    g_autofree char *path = NULL;

    g_mutex_lock(&lock);
    path = path_of(fd, name);
    if (path == NULL || (power == POWER && ops->len < power_at))
        return TRUE;
    power_goes();
    g_mutex_unlock(&lock);
    return FALSE;
}

static void
leave(void)
{
    if (root != NULL && power_early && power_at > 0 && ops->len >= power_at)
        power_goes();
    g_mutex_unlock(&lock);
}

/* ---------------------------------------------------------------- the calls */

static int
open_recorded(int dir_fd, const char *name, int flags, mode_t mode)
{
    struct stat st;
    char *path = path_of(dir_fd, name);

    if (path != NULL && fstatat(dir_fd, name, &st, AT_SYMLINK_NOFOLLOW) != 0)
        record(CREATE, path);
    else if (path != NULL && (flags & O_TRUNC))
        record(EMPTY, path);
    else
        g_free(path);
    return __real_openat64(dir_fd, name, flags, mode);
}

int
__wrap_openat64(int dir_fd, const char *name, int flags, ...)
{
    mode_t mode = 0;
    va_list args;
    int fd;

    va_start(args, flags);
    if (flags & O_CREAT)
        mode = va_arg(args, mode_t);
    va_end(args);
    if ((flags & (O_CREAT | O_TRUNC)) == 0)
        return __real_openat64(dir_fd, name, flags, mode);
    if (!enter(dir_fd, name))
        return memfd_create("dark", MFD_CLOEXEC);
    fd = open_recorded(dir_fd, name, flags, mode);
    leave();
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

    if (!enter(fd, NULL))
        return (ssize_t)length;
    at = root != NULL ? lseek(fd, 0, SEEK_CUR) : -1;
    if (at >= 0)
        record_write(fd, data, length, at);
    n = __real_write(fd, data, length);
    leave();
    return n;
}

ssize_t
__wrap_pwrite64(int fd, const void *data, size_t length, off_t offset)
{
    ssize_t n;

    if (!enter(fd, NULL))
        return (ssize_t)length;
    record_write(fd, data, length, offset);
    n = __real_pwrite64(fd, data, length, offset);
    leave();
    return n;
}

int
__wrap_ftruncate64(int fd, off_t length)
{
    char *path;
    int rc;

    if (!enter(fd, NULL))
        return 0;
    path = path_of(fd, NULL);
    if (path != NULL)
        record(CUT, path)->offset = length;
    rc = __real_ftruncate64(fd, length);
    leave();
    return rc;
}

/* A call that counts only if it succeeds; errno stays its own. */
static TapeOp *
record_if(int rc, int kind, char *path)
{
    int saved = errno;
    TapeOp *op = path != NULL && rc == 0 ? record(kind, path) : NULL;

    if (op == NULL)
        g_free(path);
    errno = saved;
    return op;
}

static int
leave_with(int rc)
{
    int saved = errno;

    leave();
    errno = saved;
    return rc;
}

int
__wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    TapeOp *op;
    char *path;
    int rc;

    if (!enter(from_fd, from))
        return 0;
    path = path_of(from_fd, from);
    rc = __real_renameat(from_fd, from, to_fd, to);
    op = record_if(rc, RENAME, path);
    if (op != NULL)
        op->to = path_of(to_fd, to);
    return leave_with(rc);
}

int
__wrap_unlinkat(int dir_fd, const char *name, int flags)
{
    char *path;
    int rc;

    if (!enter(dir_fd, name))
        return 0;
    path = path_of(dir_fd, name);
    rc = __real_unlinkat(dir_fd, name, flags);
    record_if(rc, UNLINK, path);
    return leave_with(rc);
}

int
__wrap_mkdirat(int dir_fd, const char *name, mode_t mode)
{
    char *path;
    int rc;

    if (!enter(dir_fd, name))
        return 0;
    path = path_of(dir_fd, name);
    rc = __real_mkdirat(dir_fd, name, mode);
    record_if(rc, MKDIR, path);
    return leave_with(rc);
}

static int
record_sync(int fd, int kind)
{
    char *path;

    if (!enter(fd, NULL))
        return 0;
    path = path_of(fd, NULL);
    if (path != NULL)
        record(kind, path);
    leave();
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

/* ---------------------------------------------------------------- start, stop */

void
tape_start(const char *directory)
{
    g_mutex_lock(&lock);
    ops = g_ptr_array_new_with_free_func(op_free);
    root = g_strdup(directory);
    first = tape_disk_read(root);
    main_thread = g_thread_self();
    g_mutex_unlock(&lock);
}

void
tape_mark(guint64 mark)
{
    g_mutex_lock(&lock);
    mark_now = mark;
    g_mutex_unlock(&lock);
}

void
tape_power_at(guint at, gboolean early, void (*gone_now)(gpointer user_data), gpointer data)
{
    g_mutex_lock(&lock);
    power_at = at;
    power_early = early;
    on_gone = gone_now;
    on_gone_data = data;
    g_mutex_unlock(&lock);
}

gboolean
tape_power_is_gone(void)
{
    gboolean is_gone;

    g_mutex_lock(&lock);
    is_gone = power != POWER;
    g_mutex_unlock(&lock);
    return is_gone;
}

void
tape_power_off(void)
{
    g_mutex_lock(&lock);
    power = DARK;
    g_cond_broadcast(&gone);
    g_mutex_unlock(&lock);
}

GPtrArray *
tape_stop(void)
{
    g_mutex_lock(&lock);
    g_clear_pointer(&root, g_free);
    mark_now = 0;
    power = POWER;
    power_at = G_MAXUINT;
    g_mutex_unlock(&lock);
    return g_steal_pointer(&ops);
}

TapeDisk *
tape_disk_new(void)
{
    return g_steal_pointer(&first);
}
