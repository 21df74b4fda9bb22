/* SPDX-License-Identifier: Apache-2.0
 *
 * See faults.h. Any thread: the counting is atomic, and the test changes the table only while
 * nothing is armed.
 */
/* both of open and open64 are defined here, whatever the headers make of it */
#undef _FILE_OFFSET_BITS
#undef _FORTIFY_SOURCE
#define _LARGEFILE64_SOURCE
#include "tests/rig/faults/faults.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- the table */

#ifdef FAULTS_PRELOAD
#define CALL(name) name
#define REAL(name) ((__typeof__(&name))found(#name))

static void *
found(const char *name)
{
    return dlsym(RTLD_NEXT, name);
}

static FaultsTable *
map_table(void)
{
    const char *path = getenv("FAULTS");
    int fd = path != NULL ? REAL(open)(path, O_RDWR | O_CLOEXEC) : -1;
    void *at = fd >= 0
                   ? mmap(NULL, sizeof(FaultsTable), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0)
                   : MAP_FAILED;

    if (fd >= 0)
        close(fd);
    return at != MAP_FAILED ? at : NULL;
}

FaultsTable *
faults_table(void)
{
    static FaultsTable *table;
    static int known; /* a process maps it at its first call, before it has threads */

    if (!known) {
        known = 1;
        table = map_table();
    }
    return table;
}
#else
#define CALL(name) __wrap_##name
#define REAL(name) __real_##name

FaultsTable *
faults_table(void)
{
    static FaultsTable table;

    return &table;
}
#endif

void
faults_disarm(void)
{
    FaultsTable *t = faults_table();

    __atomic_store_n(&t->armed, 0, __ATOMIC_SEQ_CST);
    t->pattern[0] = '\0';
}

void
faults_arm(FaultsCall call, const char *pattern, int at, int how, int sticky)
{
    FaultsTable *t = faults_table();

    faults_disarm();
    memset(t, 0, sizeof *t);
    t->call = call;
    t->at = at;
    t->how = how;
    t->sticky = (uint32_t)sticky;
    snprintf(t->pattern, sizeof t->pattern, "%s", pattern);
    __atomic_store_n(&t->armed, 1, __ATOMIC_SEQ_CST);
}

static bool
is_armed(const FaultsTable *t)
{
    return t != NULL && __atomic_load_n(&t->armed, __ATOMIC_SEQ_CST) != 0;
}

static bool
is_due(FaultsTable *t, FaultsCall call, const char *path)
{
    uint32_t n;

    if (fnmatch(t->pattern, path, 0) != 0)
        return false;
    n = __atomic_add_fetch(&t->seen[call], 1, __ATOMIC_SEQ_CST);
    if (t->call != (uint32_t)call || t->at <= 0 || n < (uint32_t)t->at ||
        (n > (uint32_t)t->at && !t->sticky))
        return false;
    if (__atomic_add_fetch(&t->hits, 1, __ATOMIC_SEQ_CST) == 1)
        snprintf(t->where, sizeof t->where, "%.*s", (int)sizeof t->where - 1, path);
    return true;
}

/* The path that the kernel knows fd by, and name below it. */
static void
path_of(int fd, const char *name, char *path, size_t size)
{
    char link[64];
    ssize_t n = 0;

    if (name != NULL && name[0] == '/') {
        snprintf(path, size, "%s", name);
        return;
    }
    snprintf(link, sizeof link, fd == AT_FDCWD ? "/proc/self/cwd" : "/proc/self/fd/%d", fd);
    n = readlink(link, path, size - 1);
    path[n > 0 ? n : 0] = '\0';
    if (strncmp(path, "socket:", 7) == 0)
        path[6] = '\0';
    if (name != NULL)
        snprintf(path + strlen(path), size - strlen(path), "/%s", name);
}

#ifdef FAULTS_PRELOAD
/* FAULTS_LOG: every call that can fail so, in order, as it begins; a line is "NUMBER PATH". */
static void
note(FaultsCall call, int fd, const char *name)
{
    static int log = -2;
    char path[4096 + 256];

    if (log == -2) {
        const char *to = getenv("FAULTS_LOG");
        log = to != NULL ? REAL(open)(to, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600) : -1;
    }
    if (log < 0 || call == FAULTS_CLOCK)
        return;
    path_of(fd, name, path, sizeof path);
    dprintf(log, "%d %s\n", (int)call, path);
}
#else
#define note(call, fd, name) (void)0
#endif

/* 0: the call is made as always. Otherwise what the table says, with errno set. */
static int
due(FaultsCall call, int fd, const char *name)
{
    FaultsTable *t = faults_table();
    char path[4096 + 256];
    int saved = errno;

    note(call, fd, name);
    errno = saved;
    if (!is_armed(t))
        return 0;
    path_of(fd, name, path, sizeof path);
    if (!is_due(t, call, path)) {
        errno = saved;
        return 0;
    }
    errno = t->how > 0 ? t->how : saved;
    return t->how;
}

#define FAILS(call, fd, name) (due(call, fd, name) > 0)

/* ---------------------------------------------------------------- the calls */

#ifndef FAULTS_PRELOAD
#define DECLARE(type, name, ...)                                                               \
    type __real_##name(__VA_ARGS__);                                                           \
    type __wrap_##name(__VA_ARGS__);
DECLARE(int, openat64, int, const char *, int, ...)
DECLARE(int, open64, const char *, int, ...)
DECLARE(ssize_t, read, int, void *, size_t)
DECLARE(ssize_t, pread64, int, void *, size_t, off64_t)
DECLARE(ssize_t, write, int, const void *, size_t)
DECLARE(ssize_t, pwrite64, int, const void *, size_t, off64_t)
DECLARE(int, fsync, int)
DECLARE(int, fdatasync, int)
DECLARE(int, syncfs, int)
DECLARE(int, renameat, int, const char *, int, const char *)
DECLARE(int, unlinkat, int, const char *, int)
DECLARE(int, mkdirat, int, const char *, mode_t)
DECLARE(int, ftruncate64, int, off64_t)
DECLARE(int, fallocate64, int, int, off64_t, off64_t)
DECLARE(int, fstat64, int, struct stat64 *)
DECLARE(int, fstatvfs64, int, struct statvfs64 *)
DECLARE(ssize_t, send, int, const void *, size_t, int)
DECLARE(ssize_t, recv, int, void *, size_t, int)
DECLARE(int, connect, int, const struct sockaddr *, socklen_t)
DECLARE(int, accept4, int, struct sockaddr *, socklen_t *, int)
DECLARE(int, socket, int, int, int)
#endif

static mode_t
mode_of(int flags, va_list args)
{
    return flags & (O_CREAT | O_TMPFILE) ? va_arg(args, mode_t) : 0;
}

#define DEFINE_OPENAT(name)                                                                    \
    int CALL(name)(int dir, const char *path, int flags, ...)                                  \
    {                                                                                          \
        mode_t mode;                                                                           \
        va_list args;                                                                          \
                                                                                               \
        va_start(args, flags);                                                                 \
        mode = mode_of(flags, args);                                                           \
        va_end(args);                                                                          \
        return FAILS(FAULTS_OPEN, dir, path) ? -1 : REAL(name)(dir, path, flags, mode);        \
    }

#define DEFINE_OPEN(name)                                                                      \
    int CALL(name)(const char *path, int flags, ...)                                           \
    {                                                                                          \
        mode_t mode;                                                                           \
        va_list args;                                                                          \
                                                                                               \
        va_start(args, flags);                                                                 \
        mode = mode_of(flags, args);                                                           \
        va_end(args);                                                                          \
        return FAILS(FAULTS_OPEN, AT_FDCWD, path) ? -1 : REAL(name)(path, flags, mode);        \
    }

/* Bytes in or out: whole, one of them, or none. */
#define DEFINE_BYTES(call, name, params, one, all)                                             \
    ssize_t CALL(name) params                                                                  \
    {                                                                                          \
        int how = due(call, fd, NULL);                                                         \
                                                                                               \
        if (how > 0)                                                                           \
            return -1;                                                                         \
        return how == FAULTS_SHORT && length > 0 ? REAL(name) one : REAL(name) all;            \
    }

#define DEFINE_FD(call, name, params, arguments)                                               \
    int CALL(name) params                                                                      \
    {                                                                                          \
        return FAILS(call, fd, NULL) ? -1 : REAL(name) arguments;                              \
    }

#define DEFINE_NAME(call, name, params, arguments, dir, path)                                  \
    int CALL(name) params                                                                      \
    {                                                                                          \
        return FAILS(call, dir, path) ? -1 : REAL(name) arguments;                             \
    }

DEFINE_OPENAT(openat64)
DEFINE_OPEN(open64)
DEFINE_BYTES(FAULTS_READ, read, (int fd, void *data, size_t length), (fd, data, 1),
             (fd, data, length))
DEFINE_BYTES(FAULTS_READ, pread64, (int fd, void *data, size_t length, off64_t at),
             (fd, data, 1, at), (fd, data, length, at))
DEFINE_BYTES(FAULTS_WRITE, write, (int fd, const void *data, size_t length), (fd, data, 1),
             (fd, data, length))
DEFINE_BYTES(FAULTS_WRITE, pwrite64, (int fd, const void *data, size_t length, off64_t at),
             (fd, data, 1, at), (fd, data, length, at))
DEFINE_BYTES(FAULTS_SEND, send, (int fd, const void *data, size_t length, int flags),
             (fd, data, 1, flags), (fd, data, length, flags))
DEFINE_BYTES(FAULTS_RECEIVE, recv, (int fd, void *data, size_t length, int flags),
             (fd, data, 1, flags), (fd, data, length, flags))
DEFINE_NAME(FAULTS_RENAME, renameat, (int dir, const char *from, int to_dir, const char *to),
            (dir, from, to_dir, to), to_dir, to)
DEFINE_NAME(FAULTS_UNLINK, unlinkat, (int dir, const char *path, int flags), (dir, path, flags),
            dir, path)
DEFINE_NAME(FAULTS_MKDIR, mkdirat, (int dir, const char *path, mode_t mode), (dir, path, mode),
            dir, path)
DEFINE_FD(FAULTS_SIZE, ftruncate64, (int fd, off64_t length), (fd, length))
DEFINE_FD(FAULTS_SIZE, fallocate64, (int fd, int mode, off64_t at, off64_t length),
          (fd, mode, at, length))
DEFINE_FD(FAULTS_STAT, fstat64, (int fd, struct stat64 *st), (fd, st))
DEFINE_FD(FAULTS_CONNECT, connect, (int fd, const struct sockaddr *to, socklen_t size),
          (fd, to, size))
DEFINE_FD(FAULTS_CONNECT, accept4, (int fd, struct sockaddr *from, socklen_t *size, int flags),
          (fd, from, size, flags))

int
CALL(socket)(int domain, int type, int protocol)
{
    /* there is no descriptor yet to take the path of */
    return FAILS(FAULTS_CONNECT, AT_FDCWD, "/socket") ? -1
                                                      : REAL(socket)(domain, type, protocol);
}

int
CALL(fstatvfs64)(int fd, struct statvfs64 *st)
{
    int how = due(FAULTS_ROOM, fd, NULL);
    int rc = how > 0 ? -1 : REAL(fstatvfs64)(fd, st);

    if (rc == 0 && how == FAULTS_SHORT)
        st->f_bavail = 0;
    return rc;
}

#ifdef FAULTS_PRELOAD
#define SYNCED(name) REAL(name)(fd)
#else
#define SYNCED(name) 0 /* no test pulls the plug, and thousands of them take their time */
#endif

#define DEFINE_SYNC(name)                                                                      \
    int CALL(name)(int fd)                                                                     \
    {                                                                                          \
        return FAILS(FAULTS_SYNC, fd, NULL) ? -1 : SYNCED(name);                               \
    }

DEFINE_SYNC(fsync)
DEFINE_SYNC(fdatasync)
DEFINE_SYNC(syncfs)

/* ---------------------------------------------------------------- and those of other libraries
 */

#ifdef FAULTS_PRELOAD
DEFINE_OPENAT(openat)
DEFINE_OPEN(open)
DEFINE_BYTES(FAULTS_READ, pread, (int fd, void *data, size_t length, off_t at),
             (fd, data, 1, at), (fd, data, length, at))
DEFINE_BYTES(FAULTS_WRITE, pwrite, (int fd, const void *data, size_t length, off_t at),
             (fd, data, 1, at), (fd, data, length, at))
DEFINE_NAME(FAULTS_RENAME, rename, (const char *from, const char *to), (from, to), AT_FDCWD, to)
DEFINE_NAME(FAULTS_RENAME, renameat2,
            (int dir, const char *from, int to_dir, const char *to, unsigned flags),
            (dir, from, to_dir, to, flags), to_dir, to)
DEFINE_NAME(FAULTS_LINK, link, (const char *from, const char *to), (from, to), AT_FDCWD, to)
DEFINE_NAME(FAULTS_LINK, linkat,
            (int dir, const char *from, int to_dir, const char *to, int flags),
            (dir, from, to_dir, to, flags), to_dir, to)
DEFINE_NAME(FAULTS_UNLINK, unlink, (const char *path), (path), AT_FDCWD, path)
DEFINE_NAME(FAULTS_MKDIR, mkdir, (const char *path, mode_t mode), (path, mode), AT_FDCWD, path)
DEFINE_FD(FAULTS_SIZE, ftruncate, (int fd, off_t length), (fd, length))
DEFINE_FD(FAULTS_STAT, fstat, (int fd, struct stat *st), (fd, st))

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
    return FAILS(FAULTS_SEND, fd, NULL) ? -1 : REAL(sendmsg)(fd, message, flags);
}

ssize_t
recvmsg(int fd, struct msghdr *message, int flags)
{
    return FAILS(FAULTS_RECEIVE, fd, NULL) ? -1 : REAL(recvmsg)(fd, message, flags);
}

ssize_t
getrandom(void *data, size_t length, unsigned flags)
{
    return FAILS(FAULTS_RANDOM, AT_FDCWD, "/random") ? -1
                                                     : REAL(getrandom)(data, length, flags);
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
    int rc = REAL(clock_gettime)(clock, t);

    if (rc == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        t->tv_sec += due(FAULTS_CLOCK, AT_FDCWD, "/clock");
    return rc;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec t;

    (void)zone;
    clock_gettime(CLOCK_REALTIME, &t);
    *tv = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return 0;
}

time_t
time(time_t *out)
{
    struct timespec t;

    clock_gettime(CLOCK_REALTIME, &t);
    if (out != NULL)
        *out = t.tv_sec;
    return t.tv_sec;
}
#endif
