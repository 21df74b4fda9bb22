/* SPDX-License-Identifier: Apache-2.0
 *
 * One poll loop over the daemon, the worker and signals. The worker promises when its next sign
 * of life is due (BEAT); one that breaks its promise is killed. A worker that ended is told to
 * the daemon by name and started again after a pause that doubles, with the arming it had. One
 * that does not even die of SIGKILL sits in the kernel: that is told too, and nothing is
 * started until it is gone, since it still holds the reader.
 */
#include "daemon/nfc/supervisor.h"

#include "daemon/nfc/spawn.h"
#include "daemon/nfc/wire.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* A worker that has nothing to do must answer a message by a beat within this. */
#define ANSWER_MS      3000
/* After SIGKILL: then it is stuck in the kernel. */
#define DEATH_MS       2000
/* To close the reader in good order when nobody wants it any more. */
#define FAREWELL_MS    5000
#define PAUSE_FIRST_MS 100
#define PAUSE_LAST_MS  10000
/* A worker that lived this long did not fail at once. */
#define STEADY_MS      30000
#define IDLE_MS        30000

typedef struct {
    EhdNfcSupervisorConfig config;
    int daemon;
    int signals;
    bool quit;
    int64_t idle_since; /* no daemon since then */
    /* the worker */
    pid_t pid; /* 0: none */
    int worker;
    int64_t born, due, killed, farewell; /* ms; due, killed, farewell: 0 for "not" */
    const char *fault;                   /* why we killed it; NULL: we did not */
    bool stuck_told;
    int64_t respawn; /* not before */
    int failures;
    /* what the daemon wants */
    uint8_t role;
    uint32_t arm;
    bool probing;
    bool disarming; /* DISARMED is owed */
    /* what the worker last said */
    uint32_t tap; /* in progress; 0: none */
    bool state_known;
    ehp_status state;
    char detail[EHD_NFC_DETAIL_MAX + 1];
} Supervisor;

static int64_t
now_ms(void)
{
    struct timespec now;

    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void __attribute__((format(printf, 2, 3)))
note(const Supervisor *s, const char *format, ...)
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

/* --- to the daemon --- */

static void
hang_up(Supervisor *s)
{
    if (s->daemon >= 0)
        close(s->daemon);
    s->daemon = -1;
    s->role = EHD_NFC_ROLE_NONE;
    s->arm = s->tap = 0;
    s->probing = s->disarming = false;
    s->idle_since = now_ms();
    s->quit |= s->config.listener_fd < 0;
}

static void
tell(Supervisor *s, const EhdNfcMessage *message)
{
    if (s->daemon < 0)
        return;
    int result = ehd_nfc_wire_send(s->daemon, message);
    if (result == 0)
        return;
    /* a daemon that lets our queue run full has lost track: better to begin anew */
    note(s, "the daemon does not listen: %s", strerror(-result));
    hang_up(s);
}

static void
tell_detail(Supervisor *s, EhdNfcType type, uint32_t tap, ehp_status status, const char *detail)
{
    tell(s, &(EhdNfcMessage){.type = type,
                             .status = status,
                             .arm = type == EHD_NFC_STATE ? 0 : s->arm,
                             .tap = tap,
                             .data = (const uint8_t *)detail,
                             .len = strlen(detail)});
}

static void
tell_state(Supervisor *s, ehp_status status, const char *detail)
{
    s->state = status;
    s->state_known = true;
    if (detail != s->detail)
        snprintf(s->detail, sizeof s->detail, "%s", detail);
    s->probing = false;
    tell_detail(s, EHD_NFC_STATE, 0, status, s->detail);
}

static void
tell_disarmed(Supervisor *s)
{
    if (s->disarming)
        tell(s, &(EhdNfcMessage){.type = EHD_NFC_DISARMED, .arm = s->arm});
    s->disarming = false;
}

/* --- to the worker --- */

static bool
is_usable(const Supervisor *s)
{
    return s->pid > 0 && s->worker >= 0 && s->killed == 0 && s->farewell == 0;
}

static void
pass_on(Supervisor *s, const EhdNfcMessage *message)
{
    if (!is_usable(s))
        return;
    if (ehd_nfc_wire_send(s->worker, message) < 0)
        note(s, "the worker does not listen");
    if (s->due == 0)
        s->due = now_ms() + ANSWER_MS;
}

static void
spawn(Supervisor *s)
{
    s->pid = ehd_nfc_spawn_worker(s->config.reader, s->config.verbose, &s->worker);
    if (s->pid < 0) {
        s->pid = 0;
        s->respawn = now_ms() + PAUSE_LAST_MS;
        tell_state(s, EHP_NFC_HELPER_FAILED, "the worker cannot be started");
        return;
    }
    note(s, "worker %d started", (int)s->pid);
    s->born = now_ms();
    s->due = s->born + ANSWER_MS;
    s->fault = NULL;
    s->stuck_told = s->state_known = false;
    if (s->role != EHD_NFC_ROLE_NONE)
        pass_on(s, &(EhdNfcMessage){.type = EHD_NFC_ARM, .role = s->role, .arm = s->arm});
    if (s->probing)
        pass_on(s, &(EhdNfcMessage){.type = EHD_NFC_PROBE});
}

static void
dismiss(Supervisor *s)
{
    if (s->worker >= 0)
        close(s->worker);
    s->worker = -1;
    s->due = 0;
    if (s->farewell == 0)
        s->farewell = now_ms() + FAREWELL_MS;
}

static void
kill_worker(Supervisor *s, const char *fault)
{
    s->fault = fault;
    kill(s->pid, SIGKILL);
    s->killed = now_ms();
    s->due = 0;
}

static void
tell_death(Supervisor *s, int status)
{
    char detail[80];
    uint32_t tap = s->tap;

    if (s->fault)
        snprintf(detail, sizeof detail, "the worker %s and was killed", s->fault);
    else if (WIFSIGNALED(status))
        snprintf(detail, sizeof detail, "the worker crashed (signal %d)", WTERMSIG(status));
    else
        snprintf(detail, sizeof detail, "the worker ended (%d)", WEXITSTATUS(status));
    note(s, "%s", detail);
    s->tap = 0;
    if (tap != 0)
        tell_detail(s, EHD_NFC_LOST, tap, EHP_NFC_HELPER_FAILED, detail);
    tell_state(s, EHP_NFC_HELPER_FAILED, detail);
}

static void
bury(Supervisor *s, int status)
{
    bool done = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    bool expected = s->farewell != 0 || (done && !s->fault && s->tap == 0);
    int64_t now = now_ms();
    int pause = PAUSE_FIRST_MS;

    if (s->worker >= 0)
        close(s->worker);
    s->worker = -1;
    s->pid = 0;
    s->due = s->killed = s->farewell = 0;
    s->respawn = now;
    tell_disarmed(s);
    if (expected)
        return;
    if (now - s->born > STEADY_MS)
        s->failures = 0;
    for (int i = 0; i < s->failures && pause < PAUSE_LAST_MS; i++)
        pause *= 2;
    s->failures++;
    s->respawn = now + (pause < PAUSE_LAST_MS ? pause : PAUSE_LAST_MS);
    tell_death(s, status);
}

/* --- from the daemon --- */

static void
on_probe(Supervisor *s)
{
    /* an armed worker keeps its state told; asking it would interrupt a tap */
    if (s->role != EHD_NFC_ROLE_NONE && s->state_known) {
        tell_state(s, s->state, s->detail);
        return;
    }
    s->probing = true;
    pass_on(s, &(EhdNfcMessage){.type = EHD_NFC_PROBE});
}

static void
on_disarm(Supervisor *s, const EhdNfcMessage *message)
{
    if (message->arm != s->arm)
        return;
    s->role = EHD_NFC_ROLE_NONE;
    s->tap = 0;
    s->disarming = true;
    pass_on(s, message);
    if (!is_usable(s))
        tell_disarmed(s);
}

static void
on_daemon_message(Supervisor *s, const EhdNfcMessage *message)
{
    switch (message->type) {
    case EHD_NFC_ARM:
        s->role = message->role;
        s->arm = message->arm;
        s->tap = 0;
        s->disarming = false;
        pass_on(s, message);
        if (!is_usable(s) && s->state_known)
            tell_state(s, s->state, s->detail);
        break;
    case EHD_NFC_DISARM:
        on_disarm(s, message);
        break;
    case EHD_NFC_PROBE:
        on_probe(s);
        break;
    default: /* RELEASE, APDU: the parser lets nothing else pass from a daemon */
        pass_on(s, message);
    }
}

static void
read_daemon(Supervisor *s)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX + 64];
    EhdNfcMessage message;
    ssize_t got = recv(s->daemon, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        hang_up(s);
        return;
    }
    ehp_status status = ehd_nfc_wire_parse(&message, bytes, (size_t)got, EHD_NFC_FROM_DAEMON);
    if (status == EHP_OK) {
        on_daemon_message(s, &message);
    } else if (status == EHP_TOO_LARGE) {
        tell_detail(s, EHD_NFC_REFUSED, message.tap, status, "the APDU is too long");
    } else {
        note(s, "the daemon sent %zd bytes that are no message", got);
        hang_up(s);
    }
    explicit_bzero(bytes, sizeof bytes);
}

/* --- from the worker --- */

static void
on_worker_message(Supervisor *s, const EhdNfcMessage *message)
{
    switch (message->type) {
    case EHD_NFC_BEAT:
        s->due = message->arm == 0 ? 0 : now_ms() + message->arm;
        return;
    case EHD_NFC_DISARMED:
        if (message->arm == s->arm)
            tell_disarmed(s);
        return;
    case EHD_NFC_STATE:
        memcpy(s->detail, message->data, message->len);
        s->detail[message->len] = '\0';
        tell_state(s, message->status, s->detail);
        return;
    case EHD_NFC_ACTIVATED:
        if (message->arm == s->arm)
            s->tap = message->tap;
        break;
    case EHD_NFC_LOST:
        if (message->arm == s->arm)
            s->tap = 0;
        break;
    default:
        break;
    }
    tell(s, message);
}

static void
read_worker(Supervisor *s)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX + 64];
    EhdNfcMessage message;
    ssize_t got = recv(s->worker, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got > 0 &&
        ehd_nfc_wire_parse(&message, bytes, (size_t)got, EHD_NFC_FROM_WORKER) == EHP_OK) {
        on_worker_message(s, &message);
        explicit_bzero(bytes, sizeof bytes);
        return;
    }
    /* its end, or nonsense from a worker gone wrong: either way it is over */
    close(s->worker);
    s->worker = -1;
    if (got > 0)
        kill_worker(s, "said nonsense");
    else if (s->due == 0)
        s->due = now_ms() + ANSWER_MS;
}

/* --- time, signals, the loop --- */

static void
read_signals(Supervisor *s)
{
    struct signalfd_siginfo info;
    int status;

    while (read(s->signals, &info, sizeof info) == sizeof info) {
        if (info.ssi_signo == SIGTERM)
            s->quit = true;
    }
    if (s->pid > 0 && waitpid(s->pid, &status, WNOHANG) == s->pid)
        bury(s, status);
}

static void
check_time(Supervisor *s)
{
    int64_t now = now_ms();
    bool wanted = !s->quit && (s->role != EHD_NFC_ROLE_NONE || s->probing);

    if (s->pid > 0 && s->killed == 0 && s->due != 0 && s->due <= now) {
        kill_worker(s, "hung");
    }
    if (s->pid > 0 && s->killed == 0 && s->farewell != 0 && s->farewell <= now)
        kill_worker(s, "did not end");
    if (s->pid > 0 && s->killed != 0 && !s->stuck_told && s->killed + DEATH_MS <= now) {
        s->stuck_told = true;
        tell_state(s, EHP_NFC_HELPER_FAILED, "the worker is stuck in the kernel");
    }
    if (s->pid > 0 && s->farewell == 0 && s->killed == 0 && (s->quit || s->daemon < 0))
        dismiss(s);
    if (s->pid == 0 && wanted && s->respawn <= now)
        spawn(s);
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
next_timeout(const Supervisor *s)
{
    bool wanted = s->role != EHD_NFC_ROLE_NONE || s->probing;
    int64_t next = 0, now = now_ms();

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
welcome(Supervisor *s, int fd)
{
    s->daemon = fd;
    tell(s, &(EhdNfcMessage){
                .type = EHD_NFC_HELLO, .role = EHD_NFC_WIRE_VERSION, .arm = EHP_STATUS_COUNT});
}

static void
accept_daemon(Supervisor *s)
{
    int fd = accept4(s->config.listener_fd, NULL, NULL, SOCK_CLOEXEC);

    if (fd >= 0)
        welcome(s, fd);
}

static void
wait_once(Supervisor *s)
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
        read_worker(s);
    else if (fds[0].revents)
        read_signals(s);
    if (fds[2].revents && s->daemon == fds[2].fd)
        read_daemon(s);
    if (fds[3].revents)
        accept_daemon(s);
}

int
ehd_nfc_supervisor_run(const EhdNfcSupervisorConfig *config)
{
    static Supervisor s;
    sigset_t mask;

    s = (Supervisor){.config = *config, .daemon = -1, .worker = -1, .idle_since = now_ms()};
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
        welcome(&s, config->daemon_fd);
    }
    while (!s.quit || s.pid > 0) {
        check_time(&s);
        if (!s.quit || s.pid > 0)
            wait_once(&s);
    }
    return EXIT_SUCCESS;
}
