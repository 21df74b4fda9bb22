/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into a host's daemon. RIG_CLOCK: its wall clock is so many seconds off, as a
 * device's is that lost its battery; the monotonic clock stays. RIG_CLOCK_FILE: a file with two
 * numbers, read when it starts: so many seconds the wall clock, and the time since the machine
 * was started, are off (as after a reboot). RIG_SYNC_MS: its disk is slow, each fsync and
 * fdatasync takes so much longer. RIG_TURN: a file (turn.py) that says how far time is ahead:
 * all clocks of ehrlinkd, and what it waits for in poll(), move with it at once; its helpers,
 * the bus and the other hosts stay in their own time.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#define NS       1000000000ll
/* How soon a sleeper notices that time was turned. */
#define SLICE_MS 5

/* Shared with the test. */
struct turn {
    _Atomic long long ahead; /* ns */
    _Atomic long long seen;  /* the main loop has done what was due then, and waits */
};

typedef int (*clock_fn)(clockid_t, struct timespec *);

static long long
setting(const char *name)
{
    const char *text = getenv(name);

    return text ? atoll(text) : 0;
}

/* Seconds that the wall clock, and the time since the machine was started, are off. */
static long long wall, uptime;

static struct turn *turn;             /* NULL: time is as it is */
static __thread long long told_ahead; /* when this thread last looked at a clock */

static void
learn_turn(void)
{
    const char *path = getenv("RIG_TURN");
    int fd = path != NULL && strcmp(program_invocation_short_name, "ehrlinkd") == 0
                 ? open(path, O_RDWR | O_CLOEXEC)
                 : -1;
    void *at;

    if (fd < 0)
        return;
    at = mmap(NULL, sizeof *turn, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    close(fd);
    if (at == MAP_FAILED)
        abort();
    turn = at;
}

static void
learn(void)
{
    static int known;
    const char *path = getenv("RIG_CLOCK_FILE");
    FILE *file;

    if (known)
        return;
    known = 1;
    learn_turn();
    wall = setting("RIG_CLOCK");
    file = path != NULL ? fopen(path, "re") : NULL;
    if (file == NULL)
        return;
    if (fscanf(file, "%lld %lld", &wall, &uptime) != 2)
        abort();
    fclose(file);
}

static int
real_clock(clockid_t clock, struct timespec *t)
{
    static clock_fn real;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    return real(clock, t);
}

static void
add_ahead(struct timespec *t)
{
    told_ahead = atomic_load(&turn->ahead);
    t->tv_sec += told_ahead / NS;
    t->tv_nsec += told_ahead % NS;
    if (t->tv_nsec >= NS) {
        t->tv_sec++;
        t->tv_nsec -= NS;
    }
}

static int
passes(clockid_t clock)
{
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ||
           clock == CLOCK_MONOTONIC || clock == CLOCK_MONOTONIC_COARSE ||
           clock == CLOCK_MONOTONIC_RAW || clock == CLOCK_BOOTTIME;
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
    int r = real_clock(clock, t);
    learn();
    if (r == 0 && turn != NULL && passes(clock))
        add_ahead(t);
    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        t->tv_sec += wall;
    if (r == 0 && clock == CLOCK_BOOTTIME)
        t->tv_sec += uptime;
    return r;
}

int
gettimeofday(struct timeval *restrict tv, void *restrict zone)
{
    struct timespec t;

    (void)zone;
    int r = clock_gettime(CLOCK_REALTIME, &t);
    if (r == 0)
        *tv = (struct timeval){.tv_sec = t.tv_sec, .tv_usec = t.tv_nsec / 1000};
    return r;
}

time_t
time(time_t *out)
{
    struct timespec t;

    if (clock_gettime(CLOCK_REALTIME, &t) != 0)
        return (time_t)-1;
    if (out)
        *out = t.tv_sec;
    return t.tv_sec;
}

/* ---------------------------------------------------------------- waiting */

static long long
real_ms(void)
{
    struct timespec t;

    real_clock(CLOCK_MONOTONIC, &t);
    return t.tv_sec * 1000ll + t.tv_nsec / 1000000;
}

/* As if the time that was turned had been slept through: it returns, and whoever waits looks at
 * the clock. */
static int
poll_turning(int (*real)(struct pollfd *, nfds_t, int), struct pollfd *fds, nfds_t n,
             int timeout)
{
    long long ahead = atomic_load(&turn->ahead), end = real_ms() + timeout;

    if (timeout == 0)
        return real(fds, n, 0);
    if (told_ahead != ahead) { /* turned since this thread last looked */
        told_ahead = ahead;
        return real(fds, n, 0);
    }
    if (gettid() == getpid())
        atomic_store(&turn->seen, ahead);
    for (;;) {
        long long left = timeout < 0 ? SLICE_MS : end - real_ms();
        int r = real(fds, n, (int)(left < 0 ? 0 : left < SLICE_MS ? left : SLICE_MS));

        if (r != 0 || atomic_load(&turn->ahead) != ahead || left <= 0)
            return r;
    }
}

int
poll(struct pollfd *fds, nfds_t n, int timeout)
{
    static int (*real)(struct pollfd *, nfds_t, int);

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "poll");
    learn();
    return turn != NULL ? poll_turning(real, fds, n, timeout) : real(fds, n, timeout);
}

/* ---------------------------------------------------------------- the disk */

static int
slow_sync(const char *name, int fd)
{
    int (*real)(int);
    long long ms = setting("RIG_SYNC_MS");
    struct timespec wait = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};

    *(void **)&real = dlsym(RTLD_NEXT, name);
    while (nanosleep(&wait, &wait) != 0)
        continue;
    return real(fd);
}

int
fsync(int fd)
{
    return slow_sync("fsync", fd);
}

int
fdatasync(int fd)
{
    return slow_sync("fdatasync", fd);
}
