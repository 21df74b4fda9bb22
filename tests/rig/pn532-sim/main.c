/* SPDX-License-Identifier: Apache-2.0
 *
 * Options, sockets and the poll loop. Ends on SIGTERM, on `quit`, or with the process that
 * started it.
 */
#include "sim.h"

#include <errno.h>
#include <getopt.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t stop;

usec
sim_now(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (usec)now.tv_sec * 1000000u + (usec)now.tv_nsec / 1000u;
}

/* 115200 baud, ten bits a byte */
usec
sim_uart_time(const struct sim *sim, size_t bytes)
{
    return sim->realistic ? bytes * 868 / 10 : 0;
}

/* One direction at 106 kbit/s, nine bits a byte, in blocks of 61 bytes with three bytes and two
 * guard times of 300 µs each. Modelled, not measured on silicon. */
usec
sim_air_time(const struct sim *sim, size_t bytes)
{
    size_t blocks = bytes / 61 + 1;

    return sim->realistic ? (bytes + blocks * 3) * 85 + blocks * 600 : 0;
}

void
sim_log(const struct chip *chip, const char *what, const uint8_t *bytes, size_t len)
{
    if (!chip->sim->verbose)
        return;
    fprintf(stderr, "%.3f chip%d %s", (double)sim_now() / 1e3, chip->id, what);
    for (size_t i = 0; i < len; i++)
        fprintf(stderr, " %02x", bytes[i]);
    fputc('\n', stderr);
}

static int
listen_at(const char *dir, const char *name, int type)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/%s", dir, name);

    if (len >= (int)sizeof address.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    unlink(address.sun_path);
    if (fd < 0 || bind(fd, (struct sockaddr *)&address, sizeof address) || listen(fd, 16))
        return -1;
    return fd;
}

static bool
start(struct sim *sim, const char *dir)
{
    sim->control_listener = listen_at(dir, "control", SOCK_STREAM);
    sim->card_listener = listen_at(dir, "card", SOCK_SEQPACKET);
    if (sim->control_listener < 0 || sim->card_listener < 0)
        return false;
    for (int i = 0; i < SIM_CARDS_MAX; i++)
        sim->cards[i].fd = -1;
    for (int i = 0; i < SIM_CLIENTS_MAX; i++)
        sim->clients[i].fd = -1;
    for (int i = 0; i < sim->chip_count; i++) {
        struct chip *chip = &sim->chips[i];
        chip_reset(chip, sim, i);
        chip->near = true;
        snprintf(chip->port.link, sizeof chip->port.link, "%s/chip%d", dir, i);
        if (!port_plug(&chip->port))
            return false;
    }
    return true;
}

static void
finish(struct sim *sim, const char *dir)
{
    char path[4096];

    for (int i = 0; i < sim->chip_count; i++)
        unlink(sim->chips[i].port.link);
    snprintf(path, sizeof path, "%s/control", dir);
    unlink(path);
    snprintf(path, sizeof path, "%s/card", dir);
    unlink(path);
}

static usec
sooner(usec a, usec b)
{
    if (a == 0 || b == 0)
        return a + b;
    return a < b ? a : b;
}

/* Runs what is due; returns when something is due next, or 0. */
static usec
tick(struct sim *sim)
{
    usec now = sim_now(), next = 0;

    for (int i = 0; i < sim->chip_count; i++)
        chip_tick(&sim->chips[i], now);
    for (int i = 0; i < sim->chip_count; i++) {
        struct chip *chip = &sim->chips[i];
        next = sooner(next, port_flush(&chip->port, sim_now()));
        next = sooner(next, chip->deadline);
    }
    return sooner(next, control_tick(sim, now));
}

static void
poll_once(struct sim *sim, usec next, const sigset_t *mask)
{
    struct pollfd fds[2 + SIM_CHIPS_MAX + SIM_CARDS_MAX + SIM_CLIENTS_MAX];
    struct pollfd *chips = fds + 2, *cards = chips + SIM_CHIPS_MAX;
    struct pollfd *clients = cards + SIM_CARDS_MAX;
    usec now = sim_now(), wait = next > now ? next - now : 0;
    struct timespec timeout = {(time_t)(wait / 1000000u), (long)(wait % 1000000u) * 1000};

    fds[0] = (struct pollfd){.fd = sim->control_listener, .events = POLLIN};
    fds[1] = (struct pollfd){.fd = sim->card_listener, .events = POLLIN};
    for (int i = 0; i < SIM_CHIPS_MAX; i++)
        chips[i] = (struct pollfd){.fd = i < sim->chip_count ? sim->chips[i].port.master : -1,
                                   .events = POLLIN};
    for (int i = 0; i < SIM_CARDS_MAX; i++)
        cards[i] = (struct pollfd){.fd = sim->cards[i].fd, .events = POLLIN};
    for (int i = 0; i < SIM_CLIENTS_MAX; i++)
        clients[i] = (struct pollfd){.fd = sim->clients[i].fd, .events = POLLIN};

    if (ppoll(fds, sizeof fds / sizeof *fds, next ? &timeout : NULL, mask) <= 0)
        return;
    for (int i = 0; i < sim->chip_count; i++) {
        if (chips[i].revents && sim->chips[i].port.master == chips[i].fd)
            chip_read(&sim->chips[i]);
    }
    for (int i = 0; i < SIM_CARDS_MAX; i++) {
        if (cards[i].revents)
            card_read(&sim->cards[i]);
    }
    for (int i = 0; i < SIM_CLIENTS_MAX; i++) {
        if (clients[i].revents)
            control_read(sim, &sim->clients[i]);
    }
    if (fds[0].revents)
        control_accept(sim);
    if (fds[1].revents)
        card_accept(sim);
}

static void
on_signal(int number)
{
    (void)number;
    stop = 1;
}

static void
loop(struct sim *sim, pid_t parent)
{
    struct sigaction action = {.sa_handler = on_signal};
    sigset_t blocked, open;

    /* signals arrive only while waiting, so that none is missed */
    sigemptyset(&blocked);
    sigaddset(&blocked, SIGTERM);
    sigaddset(&blocked, SIGINT);
    sigprocmask(SIG_BLOCK, &blocked, &open);
    sigdelset(&open, SIGTERM);
    sigdelset(&open, SIGINT);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    while (!stop && !sim->quit && getppid() == parent)
        poll_once(sim, tick(sim), &open);
}

static int
usage(void)
{
    fputs("usage: pn532-sim --dir DIR [--chips N] [--tapped] [--realistic] [--fwt MS]"
          " [--verbose]\n",
          stderr);
    return 64;
}

int
main(int argc, char **argv)
{
    static const struct option options[] = {
        {"dir", required_argument, NULL, 'd'},
        {"chips", required_argument, NULL, 'n'},
        {"tapped", no_argument, NULL, 't'},
        {"realistic", no_argument, NULL, 'r'},
        {"fwt", required_argument, NULL, 'f'},
        {"verbose", no_argument, NULL, 'v'},
        {NULL, 0, NULL, 0},
    };
    static struct sim sim = {.chip_count = 2, .fwt_ms = 300};
    pid_t parent = getppid();
    const char *dir = NULL;
    int option;

    while ((option = getopt_long(argc, argv, "", options, NULL)) != -1) {
        if (option == 'd')
            dir = optarg;
        else if (option == 'n')
            sim.chip_count = atoi(optarg);
        else if (option == 't')
            sim.tapped = true;
        else if (option == 'r')
            sim.realistic = true;
        else if (option == 'f')
            sim.fwt_ms = (unsigned)atoi(optarg);
        else if (option == 'v')
            sim.verbose = true;
        else
            return usage();
    }
    if (!dir || optind < argc || sim.chip_count < 1 || sim.chip_count > SIM_CHIPS_MAX)
        return usage();
    if (!start(&sim, dir)) {
        fprintf(stderr, "pn532-sim: %s: %s\n", dir, strerror(errno));
        return 1;
    }
    puts("ready");
    fflush(stdout);
    loop(&sim, parent);
    finish(&sim, dir);
    return 0;
}
