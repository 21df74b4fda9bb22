/* SPDX-License-Identifier: Apache-2.0
 *
 * One poll loop over the daemon, the worker and signals. The worker promises when its next sign
 * of life is due (BEAT); one that breaks its promise is killed. A worker that ended is told to
 * the daemon by name and started again after a pause that doubles, with the arming it had. One
 * that does not even die of SIGKILL sits in the kernel: that is told too, and nothing is
 * started until it is gone, since it still holds the reader.
 */
#include "daemon/nfc/supervisor-private.h"

#include "daemon/words.h"

#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* After SIGKILL: then it is stuck in the kernel. */
#define DEATH_MS 2000
#define IDLE_MS  30000

int64_t
ehd_nfc_now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

void __attribute__((format(printf, 2, 3)))
ehd_nfc_note(const EhdNfcSupervisor *s, const char *format, ...)
{
    va_list args;

    if (!s->config.verbose)
        return;
    va_start(args, format);
    fputs("ehrlink-nfc: ", stderr);
    vfprintf(stderr, format, args);
    fputc('\n', stderr);
    va_end(args);
}

static void
read_signals(EhdNfcSupervisor *s)
{
    struct signalfd_siginfo info;
    int status;

    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM)
            s->quit = true;
    }
    if (s->pid > 0 && waitpid(s->pid, &status, WNOHANG) == s->pid)
        ehd_nfc_bury(s, status);
}

static void
check_time(EhdNfcSupervisor *s)
{
    int64_t now = ehd_nfc_now_ms();
    bool wanted = !s->quit && (s->role != EHD_NFC_ROLE_NONE || s->probing);

    if (s->pid > 0 && s->killed == 0 && s->due != 0 && s->due <= now)
        ehd_nfc_kill_worker(s, N_("the worker hung and was killed"));
    if (s->pid > 0 && s->killed == 0 && s->farewell != 0 && s->farewell <= now)
        ehd_nfc_kill_worker(s, N_("the worker did not end and was killed"));
    if (s->pid > 0 && s->killed != 0 && !s->stuck_told && s->killed + DEATH_MS <= now) {
        s->stuck_told = true;
        ehd_nfc_tell_state(s, EHP_NFC_HELPER_FAILED, N_("the worker is stuck in the kernel"));
    }
    if (s->pid > 0 && s->farewell == 0 && s->killed == 0 && (s->quit || s->daemon < 0))
        ehd_nfc_dismiss(s);
    if (s->pid == 0 && wanted && s->respawn <= now)
        ehd_nfc_spawn(s);
    if (s->daemon < 0 && s->config.listener_fd >= 0 && s->pid == 0 &&
        s->idle_since + IDLE_MS <= now)
        s->quit = true;
}

static void
sooner(int64_t *next, int64_t when)
{
    if (when != 0 && (*next == 0 || when < *next))
        *next = when;
}

static int
next_timeout(const EhdNfcSupervisor *s)
{
    bool wanted = s->role != EHD_NFC_ROLE_NONE || s->probing;
    int64_t next = 0, now = ehd_nfc_now_ms();

    if (s->pid > 0 && s->killed == 0) {
        sooner(&next, s->due);
        sooner(&next, s->farewell);
    } else if (s->pid > 0 && !s->stuck_told) {
        sooner(&next, s->killed + DEATH_MS);
    } else if (s->pid == 0 && wanted) {
        sooner(&next, s->respawn);
    } else if (s->pid == 0 && s->daemon < 0) {
        sooner(&next, s->idle_since + IDLE_MS);
    }
    if (next == 0)
        return -1;
    return next <= now ? 0 : (int)(next - now) + 1;
}

static void
wait_once(EhdNfcSupervisor *s)
{
    /* one daemon at a time, and the next one only when the last one's worker is gone */
    bool accepting = s->daemon < 0 && s->pid == 0 && !s->quit;
    struct pollfd fds[] = {
        {.fd = s->signals, .events = POLLIN},
        {.fd = s->worker, .events = POLLIN},
        {.fd = s->daemon, .events = POLLIN},
        {.fd = accepting ? s->config.listener_fd : -1, .events = POLLIN},
    };

    if (poll(fds, sizeof fds / sizeof *fds, next_timeout(s)) <= 0)
        return;
    /* what a worker said before it died is heard before its death is told */
    if (fds[1].revents)
        ehd_nfc_read_worker(s);
    else if (fds[0].revents)
        read_signals(s);
    if (fds[2].revents && s->daemon == fds[2].fd)
        ehd_nfc_read_daemon(s);
    if (fds[3].revents)
        ehd_nfc_accept_daemon(s);
}

int
ehd_nfc_supervisor_run(const EhdNfcSupervisorConfig *config)
{
    static EhdNfcSupervisor s;
    sigset_t mask;

    s = (EhdNfcSupervisor){
        .config = *config, .daemon = -1, .worker = -1, .idle_since = ehd_nfc_now_ms()};
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGTERM);
    sigprocmask(SIG_BLOCK, &mask, NULL);
    s.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (s.signals < 0)
        return EXIT_FAILURE;
    if (config->daemon_fd >= 0) {
        /* spawned by the daemon: end with it even if it is killed */
        prctl(PR_SET_PDEATHSIG, SIGTERM);
        ehd_nfc_welcome(&s, config->daemon_fd);
    }
    while (!s.quit || s.pid > 0) {
        check_time(&s);
        if (!s.quit || s.pid > 0)
            wait_once(&s);
    }
    return EXIT_SUCCESS;
}
