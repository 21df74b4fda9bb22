/* SPDX-License-Identifier: Apache-2.0
 *
 * The loop of ehrlink-bt: the daemon, signals, time.
 */
#include "daemon/radio/server-private.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "daemon/helper/packet.h"

#define IDLE_MS 30000

int64_t
ehd_radio_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec * 1000ll + now.tv_nsec / 1000000;
}

static void
note(const EhdRadioServer *s, const char *text)
{
    if (s->config.verbose)
        fprintf(stderr, "ehrlink-bt: %s\n", text);
}

static void
hang_up(EhdRadioServer *s)
{
    if (s->daemon < 0)
        return;
    close(s->daemon);
    s->daemon = -1;
    ehd_radio_cancel_all(s);
    ehd_radio_put_back(s);
    s->idle_since = ehd_radio_now_ms();
    s->quit |= s->config.listener_fd < 0;
}

void
ehd_radio_tell(EhdRadioServer *s, const EhdRadioMessage *message, int fd)
{
    uint8_t bytes[EHD_RADIO_MESSAGE_MAX];
    size_t len = ehd_radio_wire_build(bytes, message);

    if (s->daemon < 0 || len == 0)
        return;
    /* a daemon that lets our queue run full has lost track: better to begin anew */
    if (ehd_packet_send(s->daemon, bytes, len, fd) < 0) {
        note(s, "the daemon does not listen");
        hang_up(s);
    }
    explicit_bzero(bytes, sizeof bytes);
}

void
ehd_radio_done(EhdRadioServer *s, uint32_t id)
{
    ehd_radio_tell(s, &(EhdRadioMessage){.type = EHD_RADIO_DONE, .id = id}, -1);
}

void
ehd_radio_failed(EhdRadioServer *s, uint32_t id, ehp_status status, const char *detail)
{
    note(s, detail);
    ehd_radio_tell(s,
                   &(EhdRadioMessage){.type = EHD_RADIO_FAILED,
                                      .id = id,
                                      .status = status,
                                      .data = (const uint8_t *)detail,
                                      .len = strlen(detail)},
                   -1);
}

static void
on_message(EhdRadioServer *s, const EhdRadioMessage *message)
{
    switch (message->type) {
    case EHD_RADIO_CONNECT:
        ehd_radio_connect(s, message);
        break;
    case EHD_RADIO_CANCEL:
        ehd_radio_cancel(s, message->id);
        break;
    default: /* the parser lets nothing else than settings pass from a daemon */
        ehd_radio_manage(s, message);
    }
}

static void
read_daemon(EhdRadioServer *s)
{
    uint8_t bytes[EHD_RADIO_MESSAGE_MAX];
    EhdRadioMessage message;
    int fd;
    ssize_t got = ehd_packet_receive(s->daemon, bytes, sizeof bytes, &fd);

    if (got == -EAGAIN)
        return;
    if (fd >= 0) /* nobody asks us to take one */
        close(fd);
    if (got > 0 && fd < 0 &&
        ehd_radio_wire_parse(&message, bytes, (size_t)got, EHD_RADIO_FROM_DAEMON) == EHP_OK) {
        on_message(s, &message);
    } else {
        note(s, got == 0 ? "the daemon hung up" : "the daemon sent what is no message");
        hang_up(s);
    }
    explicit_bzero(bytes, sizeof bytes);
}

static void
welcome(EhdRadioServer *s, int fd)
{
    s->daemon = fd;
    if (s->management < 0)
        s->management = s->config.kernel->management();
    if (s->management < 0)
        s->management = -1;
    ehd_radio_tell(s,
                   &(EhdRadioMessage){.type = EHD_RADIO_HELLO,
                                      .value = EHD_RADIO_WIRE_VERSION,
                                      .id = EHP_STATUS_COUNT},
                   -1);
}

static void
accept_daemon(EhdRadioServer *s)
{
    int fd = accept4(s->config.listener_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        welcome(s, fd);
}

static void
read_signals(EhdRadioServer *s)
{
    struct signalfd_siginfo info;

    if (read(s->signals, &info, sizeof info) != sizeof info)
        return;
    hang_up(s);
    s->quit = true;
}

static void
sooner(int64_t *next, int64_t when)
{
    if (*next < 0 || when < *next)
        *next = when;
}

static int
next_timeout(const EhdRadioServer *s)
{
    int64_t next = -1, now = ehd_radio_now_ms();

    for (unsigned i = 0; i < EHD_RADIO_CALLS; i++) {
        if (s->calls[i].id != 0)
            sooner(&next, s->calls[i].until);
    }
    if (s->n_asks > 0)
        sooner(&next, s->asks[0].until);
    if (s->daemon < 0)
        sooner(&next, s->idle_since + IDLE_MS);
    if (next < 0)
        return -1;
    return next <= now ? 0 : (int)(next - now) + 1;
}

static void
wait_once(EhdRadioServer *s)
{
    /* one daemon at a time, and the next one only when the last one's traces are gone */
    bool accepting = s->daemon < 0 && s->n_asks == 0 && !s->quit;
    struct pollfd fds[4 + EHD_RADIO_CALLS] = {
        {.fd = s->signals, .events = POLLIN},
        {.fd = s->management, .events = POLLIN},
        {.fd = s->daemon, .events = POLLIN},
        {.fd = accepting ? s->config.listener_fd : -1, .events = POLLIN},
    };

    for (unsigned i = 0; i < EHD_RADIO_CALLS; i++)
        fds[4 + i] = (struct pollfd){.fd = s->calls[i].id != 0 ? s->calls[i].fd : -1,
                                     .events = POLLOUT};
    if (poll(fds, sizeof fds / sizeof *fds, next_timeout(s)) <= 0)
        return;
    if (fds[0].revents)
        read_signals(s);
    if (fds[1].revents)
        ehd_radio_read_management(s);
    for (unsigned i = 0; i < EHD_RADIO_CALLS; i++) {
        if (fds[4 + i].revents && s->calls[i].id != 0 && s->calls[i].fd == fds[4 + i].fd)
            ehd_radio_call_ready(s, &s->calls[i]);
    }
    if (fds[2].revents && s->daemon == fds[2].fd)
        read_daemon(s);
    if (fds[3].revents)
        accept_daemon(s);
}

static void
check_time(EhdRadioServer *s)
{
    int64_t now = ehd_radio_now_ms();

    ehd_radio_check_calls(s, now);
    ehd_radio_check_asks(s, now);
    if (s->daemon < 0 && s->n_asks == 0 && s->idle_since + IDLE_MS <= now)
        s->quit = true;
}

int
ehd_radio_run(const EhdRadioConfig *config)
{
    EhdRadioServer s = {.config = *config, .daemon = -1, .management = -1};
    sigset_t mask;

    s.idle_since = ehd_radio_now_ms();
    sigemptyset(&mask);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    s.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s.signals < 0)
        return EXIT_FAILURE;
    if (config->daemon_fd >= 0) {
        /* spawned by the daemon: end with it even if it is killed */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        welcome(&s, config->daemon_fd);
    }
    while (!s.quit || s.n_asks > 0) {
        check_time(&s);
        if (!s.quit || s.n_asks > 0)
            wait_once(&s);
    }
    if (s.management >= 0)
        close(s.management);
    close(s.signals);
    return EXIT_SUCCESS;
}
