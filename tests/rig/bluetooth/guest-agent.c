/* SPDX-License-Identifier: Apache-2.0
 *
 * The agent: runs programs for the switch on the host. Each has its own process group, its
 * output goes back as it comes, its exit when both it and its output have ended.
 */
#include "tests/rig/bluetooth/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROGRAMS_MAX 32
#define WORDS_MAX    256

struct program {
    bool used, exited, input_ends;
    uint32_t number;
    pid_t pid;
    int in, out[2]; /* -1 when closed */
    uint8_t status;
    uint8_t *input;
    size_t input_len;
};

static struct program programs[PROGRAMS_MAX];
static int port;

static void
say(enum guest_kind kind, uint32_t number, const void *body, size_t len)
{
    uint8_t frame[GUEST_HEADER + GUEST_BODY] = {
        (uint8_t)kind,           (uint8_t)number,         (uint8_t)(number >> 8),
        (uint8_t)(number >> 16), (uint8_t)(number >> 24), (uint8_t)len,
        (uint8_t)(len >> 8)};
    size_t at = 0, size = GUEST_HEADER + len;

    if (len > 0)
        memcpy(frame + GUEST_HEADER, body, len);
    while (at < size) {
        ssize_t n = write(port, frame + at, size - at);
        if (n < 0 && errno != EINTR && errno != EAGAIN)
            return;
        at += n > 0 ? (size_t)n : 0;
    }
}

static struct program *
program_with(uint32_t number)
{
    for (int i = 0; i < PROGRAMS_MAX; i++)
        if (programs[i].used && programs[i].number == number)
            return &programs[i];
    return NULL;
}

static void
close_once(int *fd)
{
    if (*fd >= 0)
        close(*fd);
    *fd = -1;
}

static void
finish(struct program *p)
{
    if (!p->exited || p->out[0] >= 0 || p->out[1] >= 0)
        return;
    say(GUEST_EXIT, p->number, &p->status, 1);
    close_once(&p->in);
    free(p->input);
    p->used = false;
}

/* --- starting */

/* Splits `body` into its words; returns how many there are before and after the empty one. */
static bool
words(char *body, size_t len, char **environment, char **arguments)
{
    size_t n = 0;
    char **into = environment, *end = body + len;

    if (len == 0 || end[-1] != 0)
        return false;
    for (char *word = body; word < end; word += strlen(word) + 1) {
        if (n + 1 >= WORDS_MAX)
            return false;
        if (*word == 0 && into == environment) {
            into[n] = NULL;
            into = arguments;
            n = 0;
            continue;
        }
        into[n++] = word;
    }
    into[n] = NULL;
    return into == arguments && n > 0;
}

static void
child(char *directory, char **environment, char **arguments, const int *fds)
{
    sigset_t none;

    setpgid(0, 0);
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    for (int i = 0; i < 3; i++)
        dup2(fds[i], i);
    if (chdir(directory) != 0 && chdir("/") != 0)
        _exit(126);
    for (char **e = environment; *e; e++)
        putenv(*e);
    execvp(arguments[0], arguments);
    dprintf(2, "%s: %s\n", arguments[0], strerror(errno));
    _exit(127);
}

static bool
start(uint32_t number, char *body, size_t len)
{
    char *environment[WORDS_MAX], *arguments[WORDS_MAX];
    int in[2], out[2], err[2];
    struct program *p = NULL;

    for (int i = 0; i < PROGRAMS_MAX && !p; i++)
        p = programs[i].used ? NULL : &programs[i];
    if (!p || !words(body, len, environment, arguments) || !environment[0])
        return false;
    if (pipe2(in, O_CLOEXEC) != 0 || pipe2(out, O_CLOEXEC) != 0 || pipe2(err, O_CLOEXEC) != 0)
        return false;
    pid_t pid = fork();
    if (pid == 0)
        child(environment[0], environment + 1, arguments, (int[]){in[0], out[1], err[1]});
    close(in[0]), close(out[1]), close(err[1]);
    fcntl(in[1], F_SETFL, O_NONBLOCK);
    *p = (struct program){
        .used = true, .number = number, .pid = pid, .in = in[1], .out = {out[0], err[0]}};
    return pid > 0;
}

/* --- running */

static void
feed(struct program *p)
{
    while (p->in >= 0 && p->input_len > 0) {
        ssize_t n = write(p->in, p->input, p->input_len);
        if (n < 0 && errno == EAGAIN)
            return;
        if (n < 0) {
            close_once(&p->in);
            return;
        }
        p->input_len -= (size_t)n;
        memmove(p->input, p->input + n, p->input_len);
    }
    if (p->input_ends)
        close_once(&p->in);
}

static void
input(struct program *p, const uint8_t *body, size_t len)
{
    if (len == 0)
        p->input_ends = true;
    else {
        p->input = realloc(p->input, p->input_len + len);
        if (!p->input)
            abort();
        memcpy(p->input + p->input_len, body, len);
        p->input_len += len;
    }
    feed(p);
}

static void
frame(enum guest_kind kind, uint32_t number, uint8_t *body, size_t len)
{
    struct program *p = program_with(number);
    uint8_t failed = 126;

    if (kind == GUEST_RUN && !p) {
        if (!start(number, (char *)body, len))
            say(GUEST_EXIT, number, &failed, 1);
    } else if (kind == GUEST_INPUT && p)
        input(p, body, len);
    else if (kind == GUEST_SIGNAL && p && len == 1 && !p->exited)
        kill(-p->pid, body[0]);
}

static void
port_readable(void)
{
    static uint8_t in[4 * (GUEST_HEADER + GUEST_BODY)];
    static size_t have;
    ssize_t n = read(port, in + have, sizeof in - have);
    size_t at = 0;

    if (n <= 0)
        return;
    have += (size_t)n;
    while (have - at >= GUEST_HEADER) {
        uint8_t *f = in + at;
        size_t len = (size_t)(f[5] | f[6] << 8);
        if (len > GUEST_BODY || have - at < GUEST_HEADER + len)
            break;
        frame((enum guest_kind)f[0],
              (uint32_t)f[1] | (uint32_t)f[2] << 8 | (uint32_t)f[3] << 16 |
                  (uint32_t)f[4] << 24,
              f + GUEST_HEADER, len);
        at += GUEST_HEADER + len;
    }
    have -= at;
    memmove(in, in + at, have);
}

static void
output(struct program *p, int which)
{
    uint8_t data[GUEST_BODY];
    ssize_t n = read(p->out[which], data, sizeof data);

    if (n > 0)
        say(which ? GUEST_ERR : GUEST_OUT, p->number, data, (size_t)n);
    else if (n == 0 || errno != EINTR)
        close_once(&p->out[which]);
    finish(p);
}

static void
reap(int signals)
{
    struct signalfd_siginfo info;
    int status;
    pid_t pid;

    while (read(signals, &info, sizeof info) > 0)
        continue;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
        for (int i = 0; i < PROGRAMS_MAX; i++) {
            struct program *p = &programs[i];
            if (!p->used || p->exited || p->pid != pid)
                continue;
            p->exited = true;
            p->status =
                (uint8_t)(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
            finish(p);
        }
}

static void
turn(int signals)
{
    struct pollfd fds[2 + 3 * PROGRAMS_MAX] = {{.fd = port, .events = POLLIN},
                                               {.fd = signals, .events = POLLIN}};

    for (int i = 0; i < PROGRAMS_MAX; i++) {
        struct program *p = &programs[i];
        struct pollfd *f = &fds[2 + 3 * i];
        f[0] = (struct pollfd){.fd = p->used ? p->out[0] : -1, .events = POLLIN};
        f[1] = (struct pollfd){.fd = p->used ? p->out[1] : -1, .events = POLLIN};
        f[2] =
            (struct pollfd){.fd = p->used && p->input_len > 0 ? p->in : -1, .events = POLLOUT};
    }
    if (poll(fds, sizeof fds / sizeof *fds, -1) < 0)
        return;
    for (int i = 0; i < PROGRAMS_MAX; i++) {
        struct pollfd *f = &fds[2 + 3 * i];
        if (f[2].revents)
            feed(&programs[i]);
        for (int k = 0; k < 2; k++)
            if (f[k].revents)
                output(&programs[i], k);
    }
    if (fds[1].revents)
        reap(signals);
    if (fds[0].revents & POLLIN)
        port_readable();
}

int
guest_agent(void)
{
    sigset_t children;

    port = guest_port("rig.command");
    if (port < 0)
        return 1;
    sigemptyset(&children);
    sigaddset(&children, SIGCHLD);
    sigprocmask(SIG_BLOCK, &children, NULL);
    signal(SIGPIPE, SIG_IGN);
    int signals = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
    say(GUEST_READY, 0, NULL, 0);
    for (;;)
        turn(signals);
}
