/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into a host's daemon, sets its wall clock RIG_CLOCK seconds off, as a device's clock is that lost its battery. The
 * monotonic clock stays.
 */
#include <dlfcn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <time.h>

typedef int (*clock_fn)(clockid_t, struct timespec *);

static long long
offset(void)
{
    static long long seconds;
    static int known;

    if (!known) {
        const char *text = getenv("RIG_CLOCK");
        seconds = text ? atoll(text) : 0;
        known = 1;
    }
    return seconds;
}

int
clock_gettime(clockid_t clock, struct timespec *t)
{
    static clock_fn real;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "clock_gettime");
    int r = real(clock, t);
    if (r == 0 && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        t->tv_sec += offset();
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
