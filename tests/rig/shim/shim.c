/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into a host's daemon. RIG_CLOCK: its wall clock is so many seconds off, as a device's is
 * that lost its battery; the monotonic clock stays. RIG_CLOCK_FILE: a file with two numbers, read
 * when it starts: so many seconds the wall clock, and the time since the machine was started, are off
 * (as after a reboot). RIG_SYNC_MS: its disk is slow, each fsync and fdatasync takes so much
 * longer.
 */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

typedef int (*clock_fn)(clockid_t, struct timespec *);

static long long
setting(const char *name)
{
    const char *text = getenv(name);

    return text ? atoll(text) : 0;
}

/* Seconds that the wall clock, and the time since the machine was started, are off. */
static long long wall, uptime;

static void
learn(void)
{
    static int known;
    const char *path = getenv("RIG_CLOCK_FILE");
    FILE *file;

    if (known)
        return;
    known = 1;
    wall = setting("RIG_CLOCK");
    file = path != NULL ? fopen(path, "re") : NULL;
    if (file == NULL)
        return;
    if (fscanf(file, "%lld %lld", &wall, &uptime) != 2)
        abort();
    fclose(file);
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
    static clock_fn real;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(clock, t);
    learn();
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
