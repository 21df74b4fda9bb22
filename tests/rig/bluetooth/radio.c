/* SPDX-License-Identifier: Apache-2.0
 *
 * radio --btvirt SOCKET --control SOCKET [--rate KB/S] [--delay MS] NAME=SOCKET…
 *
 * Takes a controller from btvirt for each NAME, in this order (so that their addresses are in
 * it), and offers it at SOCKET to one machine. A NAME that starts with "clinic" is on that side
 * of the air. Says "ready" on stdout; ends on SIGTERM or SIGINT. One thread, one epoll set.
 */
#include "tests/rig/bluetooth/radio.h"

#include <errno.h>
#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/un.h>
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

static bool
socket_address(struct sockaddr_un *at, const char *path)
{
    *at = (struct sockaddr_un){.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof at->sun_path)
        return false;
    strcpy(at->sun_path, path);
    return true;
}

/* --- a machine's end */

static void
machine_wants(struct air_medium *m, struct radio_side *s, bool full)
{
    struct epoll_event e = {.events = EPOLLIN | (full ? EPOLLOUT : 0),
                            .data.u64 =
                                (uint64_t)AIR_ON_PATIENT << 32 | (uint64_t)(s - radio_sides)};

    if (full != s->machine_full && epoll_ctl(m->epoll, EPOLL_CTL_MOD, s->machine, &e) == 0)
        s->machine_full = full;
}

static void
machine_gone(struct radio_side *s)
{
    close(s->machine);
    s->machine = -1;
    s->machine_full = false;
    s->in_len = s->out_len = 0;
}

static void
machine_flush(struct air_medium *m, struct radio_side *s)
{
    while (s->out_len > 0) {
        ssize_t n = send(s->machine, s->out, s->out_len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n <= 0)
            break;
        s->out_len -= (size_t)n;
        memmove(s->out, s->out + n, s->out_len);
    }
    machine_wants(m, s, s->out_len > 0);
}

void
radio_to_machine(struct air_medium *m, struct radio_side *s, const uint8_t *data, size_t len)
{
    if (s->machine < 0)
        return;
    if (s->out_len == 0) {
        ssize_t n = send(s->machine, data, len, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n == (ssize_t)len)
            return;
        if (n > 0) {
            data += n;
            len -= (size_t)n;
        }
    }
    if (s->out_len + len > s->out_size) {
        s->out_size = 2 * (s->out_len + len);
        s->out = realloc(s->out, s->out_size);
        if (!s->out)
            abort();
    }
    memcpy(s->out + s->out_len, data, len);
    s->out_len += len;
    machine_wants(m, s, true);
}

/* Length of the packet that starts at `p`; 0 when that cannot be told yet, -1 when it is none.
 */
static ssize_t
packet_length(const uint8_t *p, size_t len)
{
    switch (p[0]) {
    case 1: /* a command */
    case 3: /* synchronous data */
        return len < 4 ? 0 : 4 + p[3];
    case 2: /* ACL data */
    case 5: /* isochronous data */
        return len < 5 ? 0 : 5 + (p[3] | p[4] << 8);
    case 0xff: /* the bridge's own word */
        return 1;
    default:
        return -1;
    }
}

static void
machine_readable(struct air_medium *m, struct radio_side *s)
{
    ssize_t n = recv(s->machine, s->in + s->in_len, sizeof s->in - s->in_len, MSG_DONTWAIT);
    size_t at = 0;

    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        machine_gone(s);
        return;
    }
    s->in_len += (size_t)n;
    while (at < s->in_len) {
        ssize_t len = packet_length(s->in + at, s->in_len - at);
        if (len < 0) {
            fprintf(stderr, "radio: a machine sends no HCI packet: %02x\n", s->in[at]);
            machine_gone(s);
            return;
        }
        if (len == 0 || (size_t)len > s->in_len - at)
            break;
        radio_from_machine(m, s, s->in + at, (size_t)len, now_ns());
        at += (size_t)len;
    }
    s->in_len -= at;
    memmove(s->in, s->in + at, s->in_len);
}

static void
machine_arrives(struct air_medium *m, unsigned index)
{
    struct radio_side *s = &radio_sides[index];
    int fd = accept4(s->listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    if (s->machine >= 0)
        machine_gone(s);
    s->machine = fd;
    air_poll_add(m, fd, AIR_ON_PATIENT, index, EPOLLIN);
}

/* --- a controller's end */

/* btvirt reads whatever it is given at once: this never waits for long. */
void
radio_to_controller(struct radio_side *s, const uint8_t *data, size_t len)
{
    if (send(s->controller, data, len, MSG_NOSIGNAL) != (ssize_t)len)
        perror("radio: to the controller");
}

/* Returns false when btvirt has gone. */
static bool
controller_readable(struct air_medium *m, struct radio_side *s)
{
    static uint8_t packet[RADIO_PACKET];

    for (int i = 0; i < 64; i++) {
        ssize_t n = recv(s->controller, packet, sizeof packet, MSG_DONTWAIT);
        if (n < 0 && (errno == EAGAIN || errno == EINTR))
            return true;
        if (n <= 0)
            return false;
        radio_from_controller(m, s, packet, (size_t)n, now_ns());
    }
    return true;
}

static bool
side_start(struct air_medium *m, unsigned index, const char *btvirt, char *spec)
{
    struct radio_side *s = &radio_sides[index];
    struct sockaddr_un at;
    char *path = strchr(spec, '=');

    if (!path || !socket_address(&at, btvirt))
        return false;
    *path++ = 0;
    s->clinic = strncmp(spec, "clinic", strlen("clinic")) == 0;
    s->controller = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (s->controller < 0 || connect(s->controller, (struct sockaddr *)&at, sizeof at) != 0 ||
        !socket_address(&at, path))
        return false;
    s->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (s->listener < 0 || bind(s->listener, (struct sockaddr *)&at, sizeof at) != 0 ||
        listen(s->listener, 1) != 0)
        return false;
    s->machine = -1;
    s->used = true;
    return air_poll_add(m, s->listener, AIR_ON_OFFER, index, EPOLLIN) &&
           air_poll_add(m, s->controller, AIR_ON_CLINIC, index, EPOLLIN);
}

/* --- the loop */

/* Returns false when the end is asked for, or btvirt has ended. */
static bool
dispatch(struct air_medium *m, const struct epoll_event *e)
{
    unsigned index = (unsigned)e->data.u64;
    struct radio_side *s = &radio_sides[index % RADIO_SIDES_MAX];

    switch ((enum air_source)(e->data.u64 >> 32)) {
    case AIR_ON_CONTROL:
        air_control_accept(m);
        return true;
    case AIR_ON_CLIENT:
        air_control_ready(m, index);
        return true;
    case AIR_ON_OFFER:
        machine_arrives(m, index);
        return true;
    case AIR_ON_PATIENT:
        if (s->machine >= 0 && e->events & EPOLLOUT)
            machine_flush(m, s);
        if (s->machine >= 0 && e->events & (EPOLLIN | EPOLLHUP | EPOLLERR))
            machine_readable(m, s);
        return true;
    case AIR_ON_CLINIC:
        return controller_readable(m, s);
    case AIR_ON_NAMES:
    case AIR_ON_SIGNAL:
        return false;
    }
    return true;
}

/* What leaves one side joins the queue of another, so all send before any receives: else what
 * came to a side that was looked at already would wait for the next event. */
static uint64_t
pump(struct air_medium *m)
{
    uint64_t (*const steps[])(struct air_medium *, struct radio_side *,
                              uint64_t) = {radio_send, radio_receive};
    uint64_t next = AIR_NEVER;

    for (size_t step = 0; step < 2; step++) {
        for (int i = 0; i < RADIO_SIDES_MAX; i++) {
            uint64_t due =
                radio_sides[i].used ? steps[step](m, &radio_sides[i], now_ns()) : AIR_NEVER;
            next = due < next ? due : next;
        }
    }
    return next;
}

static void
run(struct air_medium *m)
{
    struct epoll_event events[64];
    uint64_t next = AIR_NEVER;

    for (;;) {
        uint64_t now = now_ns();
        int wait = next == AIR_NEVER ? -1
                   : next > now      ? (int)((next - now + 999999) / 1000000)
                                     : 0;
        int n = epoll_wait(m->epoll, events, 64, wait);
        if (n < 0 && errno != EINTR) {
            perror("radio: epoll");
            return;
        }
        for (int i = 0; i < n; i++)
            if (!dispatch(m, &events[i]))
                return;
        next = pump(m);
        air_control_tell(m);
    }
}

static void
count_more(const struct air_medium *m, char *text, size_t size)
{
    const struct radio_totals *p2c = &radio_totals[AIR_P2C], *c2p = &radio_totals[AIR_C2P];

    (void)m;
    snprintf(text, size,
             " frames %" PRIu64 " %" PRIu64 " packets %" PRIu64 " %" PRIu64 " bytes %" PRIu64
             " %" PRIu64,
             p2c->frames, c2p->frames, p2c->packets, c2p->packets, p2c->bytes, c2p->bytes);
}

static bool
options(int argc, char **argv, struct air_medium *m, const char **btvirt, const char **control)
{
    static const struct option known[] = {{"btvirt", 1, NULL, 'b'},
                                          {"control", 1, NULL, 's'},
                                          {"rate", 1, NULL, 'r'},
                                          {"delay", 1, NULL, 'd'},
                                          {NULL, 0, NULL, 0}};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'b')
            *btvirt = optarg;
        else if (option == 's')
            *control = optarg;
        else if (option == 'r')
            m->rate = strtoull(optarg, NULL, 10) * 1000;
        else if (option == 'd')
            m->delay = strtoull(optarg, NULL, 10) * 1000000;
        else
            return false;
    }
    return *btvirt && *control && optind < argc && argc - optind <= RADIO_SIDES_MAX;
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

int
main(int argc, char **argv)
{
    struct air_medium m = {.flip_at = {AIR_NEVER, AIR_NEVER},
                           .cut_at = {AIR_NEVER, AIR_NEVER},
                           .count_more = count_more};
    const char *btvirt = NULL, *control = NULL;

    if (!options(argc, argv, &m, &btvirt, &control)) {
        fprintf(stderr, "usage: radio --btvirt SOCKET --control SOCKET [--rate KB/S] "
                        "[--delay MS] NAME=SOCKET…\n");
        return 64;
    }
    m.epoll = epoll_create1(EPOLL_CLOEXEC);
    int end = end_signals(), ctl = air_control_start(&m, control);
    if (m.epoll < 0 || end < 0 || ctl < 0)
        return 1;
    air_poll_add(&m, end, AIR_ON_SIGNAL, 0, EPOLLIN);
    air_poll_add(&m, ctl, AIR_ON_CONTROL, 0, EPOLLIN);
    for (int i = optind; i < argc; i++) {
        if (!side_start(&m, (unsigned)(i - optind), btvirt, argv[i])) {
            perror("radio: cannot start a controller");
            return 1;
        }
    }
    puts("ready");
    fflush(stdout);
    run(&m);
    air_control_stop();
    return 0;
}
