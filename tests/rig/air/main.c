/* SPDX-License-Identifier: Apache-2.0
 *
 * air --patient DIR [--patient DIR…] --clinic DIR --control SOCKET [--rate KB/S] [--delay MS]
 *
 * Says "ready" on stdout when it offers what is there; ends on SIGTERM or SIGINT, its sockets
 * removed.
 */
#include "tests/rig/air/air.h"

#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

static uint64_t
now_ns(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000000ull + (uint64_t)t.tv_nsec;
}

bool
air_poll_add(struct air_medium *m, int fd, enum air_source source, unsigned index,
             uint32_t events)
{
    struct epoll_event e = {.events = events, .data.u64 = (uint64_t)source << 32 | index};

    return epoll_ctl(m->epoll, EPOLL_CTL_ADD, fd, &e) == 0;
}

static int
end_signals(void)
{
    sigset_t set;

    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGINT);
    sigprocmask(SIG_BLOCK, &set, NULL);
    return signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
}

/* Returns false when the end is asked for. */
static bool
dispatch(struct air_medium *m, const struct epoll_event *e, int names_fd)
{
    unsigned index = (unsigned)e->data.u64;
    char events[4096];

    switch ((enum air_source)(e->data.u64 >> 32)) {
    case AIR_ON_CONTROL:
        air_control_accept(m);
        return true;
    case AIR_ON_CLIENT:
        air_control_ready(m, index);
        return true;
    case AIR_ON_NAMES:
        while (read(names_fd, events, sizeof events) > 0)
            continue;
        air_names_scan(m);
        return true;
    case AIR_ON_OFFER:
        air_names_accept(m, index, now_ns());
        return true;
    case AIR_ON_PATIENT:
        air_conn_ready(index, AIR_P2C, e->events);
        return true;
    case AIR_ON_CLINIC:
        air_conn_ready(index, AIR_C2P, e->events);
        return true;
    case AIR_ON_SIGNAL:
        return false;
    }
    return true;
}

static void
run(struct air_medium *m, int names_fd)
{
    struct epoll_event events[64];
    uint64_t next = AIR_NEVER;

    for (;;) {
        int wait = -1;
        if (next != AIR_NEVER) {
            uint64_t now = now_ns();
            wait = next > now ? (int)((next - now + 999999) / 1000000) : 0;
        }
        int n = epoll_wait(m->epoll, events, 64, wait);
        if (n < 0 && errno != EINTR) {
            perror("air: epoll");
            return;
        }
        for (int i = 0; i < n; i++)
            if (!dispatch(m, &events[i], names_fd))
                return;
        next = air_conns_pump(m, now_ns());
        air_control_tell(m);
    }
}

static bool
options(int argc, char **argv, struct air_medium *m, const char **clinic, const char **control,
        const char **patients, unsigned *n_patients)
{
    static const struct option known[] = {{"patient", 1, NULL, 'p'}, {"clinic", 1, NULL, 'c'},
                                          {"control", 1, NULL, 's'}, {"rate", 1, NULL, 'r'},
                                          {"delay", 1, NULL, 'd'},   {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'p' && *n_patients < AIR_PATIENTS_MAX)
            patients[(*n_patients)++] = optarg;
        else if (option == 'c')
            *clinic = optarg;
        else if (option == 's')
            *control = optarg;
        else if (option == 'r')
            m->rate = strtoull(optarg, NULL, 10) * 1000;
        else if (option == 'd')
            m->delay = strtoull(optarg, NULL, 10) * 1000000;
        else
            return false;
    }
    return *clinic && *control && *n_patients > 0 && optind == argc;
}

int
main(int argc, char **argv)
{
    struct air_medium m = {.flip_at = {AIR_NEVER, AIR_NEVER}, .cut_at = {AIR_NEVER, AIR_NEVER}};
    const char *clinic = NULL, *control = NULL, *patients[AIR_PATIENTS_MAX];
    unsigned n_patients = 0;

    if (!options(argc, argv, &m, &clinic, &control, patients, &n_patients)) {
        fprintf(stderr, "usage: air --patient DIR [--patient DIR…] --clinic DIR --control "
                        "SOCKET [--rate KB/S] [--delay MS]\n");
        return 64;
    }
    m.epoll = epoll_create1(EPOLL_CLOEXEC);
    int end = end_signals(), ctl = air_control_start(&m, control),
        names = air_names_start(&m, clinic, patients, n_patients);
    if (m.epoll < 0 || end < 0 || ctl < 0 || names < 0)
        return 1;
    air_poll_add(&m, end, AIR_ON_SIGNAL, 0, EPOLLIN);
    air_poll_add(&m, ctl, AIR_ON_CONTROL, 0, EPOLLIN);
    air_poll_add(&m, names, AIR_ON_NAMES, 0, EPOLLIN);
    puts("ready");
    fflush(stdout);
    run(&m, names);
    air_conns_cut();
    air_names_stop();
    air_control_stop();
    return 0;
}
