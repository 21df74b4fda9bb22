/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/store/faults.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <sys/statvfs.h>
#include <unistd.h>

static GMutex lock; /* the calls come from workers too */
static Fault armed;
static int countdown;
static int with_errno;
static gboolean hit;

void
faults_set(Fault fault, int at, int error)
{
    g_mutex_lock(&lock);
    armed = fault;
    countdown = at;
    with_errno = error;
    hit = FALSE;
    g_mutex_unlock(&lock);
}

void
faults_clear(void)
{
    g_mutex_lock(&lock);
    armed = FAULT_NONE;
    g_mutex_unlock(&lock);
}

gboolean
faults_hit(void)
{
    gboolean was;

    g_mutex_lock(&lock);
    was = hit;
    g_mutex_unlock(&lock);
    return was;
}

static gboolean
due(Fault fault)
{
    gboolean now;
    int error;

    g_mutex_lock(&lock);
    now = armed == fault && --countdown == 0;
    error = with_errno;
    if (now) {
        armed = FAULT_NONE;
        hit = TRUE;
    }
    g_mutex_unlock(&lock);
    if (now)
        errno = error;
    return now;
}

/* Nothing is ever synced for real: no test pulls the plug, and thousands of syncs take their
 * time. */

/* The linker makes these from --wrap=NAME; nothing declares them. With 64-bit file offsets the
 * C library's names end in 64 where an offset is meant. */
ssize_t __real_write(int fd, const void *data, size_t length);
ssize_t __wrap_write(int fd, const void *data, size_t length);
ssize_t __real_pwrite64(int fd, const void *data, size_t length, off_t offset);
ssize_t __wrap_pwrite64(int fd, const void *data, size_t length, off_t offset);
int __real_openat64(int dir_fd, const char *name, int flags, ...);
int __wrap_openat64(int dir_fd, const char *name, int flags, ...);
ssize_t __real_read(int fd, void *data, size_t length);
ssize_t __wrap_read(int fd, void *data, size_t length);
int __wrap_fsync(int fd);
int __wrap_fdatasync(int fd);
int __wrap_syncfs(int fd);
int __real_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __wrap_renameat(int from_fd, const char *from, int to_fd, const char *to);
int __real_fallocate64(int fd, int mode, off_t offset, off_t length);
int __wrap_fallocate64(int fd, int mode, off_t offset, off_t length);
int __real_fstatvfs64(int fd, struct statvfs *st);
int __wrap_fstatvfs64(int fd, struct statvfs *st);

ssize_t
__wrap_write(int fd, const void *data, size_t length)
{
    if (due(FAULT_WRITE))
        return -1;
    return __real_write(fd, data, due(FAULT_SHORT_WRITE) ? 1 : length);
}

ssize_t
__wrap_pwrite64(int fd, const void *data, size_t length, off_t offset)
{
    if (due(FAULT_WRITE))
        return -1;
    return __real_pwrite64(fd, data, due(FAULT_SHORT_WRITE) ? 1 : length, offset);
}

int
__wrap_openat64(int dir_fd, const char *name, int flags, ...)
{
    mode_t mode = 0;
    va_list args;

    va_start(args, flags);
    if (flags & O_CREAT)
        mode = va_arg(args, mode_t);
    va_end(args);
    return due(FAULT_OPEN) ? -1 : __real_openat64(dir_fd, name, flags, mode);
}

ssize_t
__wrap_read(int fd, void *data, size_t length)
{
    return due(FAULT_READ) ? -1 : __real_read(fd, data, length);
}

int
__wrap_fsync(int fd)
{
    return due(FAULT_FSYNC) ? -1 : 0;
}

int
__wrap_fdatasync(int fd)
{
    return due(FAULT_FSYNC) ? -1 : 0;
}

int
__wrap_syncfs(int fd)
{
    return due(FAULT_FSYNC) ? -1 : 0;
}

int
__wrap_renameat(int from_fd, const char *from, int to_fd, const char *to)
{
    return due(FAULT_RENAME) ? -1 : __real_renameat(from_fd, from, to_fd, to);
}

int
__wrap_fallocate64(int fd, int mode, off_t offset, off_t length)
{
    return due(FAULT_FALLOCATE) ? -1 : __real_fallocate64(fd, mode, offset, length);
}

int
__wrap_fstatvfs64(int fd, struct statvfs *st)
{
    int rc = __real_fstatvfs64(fd, st);
    if (due(FAULT_STATVFS))
        st->f_bavail = 0;
    return rc;
}
