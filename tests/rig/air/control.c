/* SPDX-License-Identifier: Apache-2.0
 *
 * The control: one command a line, one line of answer, "ok …" or "error …". tests/rig/README.md
 * lists the commands.
 */
#include "tests/rig/air/air.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct client {
    bool used;
    int fd;
    uint64_t wait_for; /* bytes both ways since the start, or AIR_NEVER */
    size_t len;
    char line[256];
};

static struct client clients[AIR_CLIENTS_MAX];
static int listener = -1;
static char record_dir[3072];

/* A command's answer, or "" when it comes later. */
typedef void (*command_fn)(struct air_medium *m, struct client *c, char *const *arg,
                           char *answer, size_t size);

static bool
number(const char *text, uint64_t *value)
{
    char *end = NULL;

    errno = 0;
    if (!text || *text < '0' || *text > '9')
        return false;
    *value = strtoull(text, &end, 10);
    return errno == 0 && *end == 0;
}

/* p2c (the default) or c2p. */
static bool
direction(const char *text, enum air_way *way)
{
    *way = text && strcmp(text, "c2p") == 0 ? AIR_C2P : AIR_P2C;
    return !text || strcmp(text, "p2c") == 0 || strcmp(text, "c2p") == 0;
}

static void
do_down(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    (void)c, (void)arg;
    m->down = true;
    air_names_updown(m);
    snprintf(answer, size, "ok cut %u", air_conns_cut());
}

static void
do_up(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    (void)c, (void)arg;
    m->down = m->down_at_cut = false;
    m->cut_at[AIR_P2C] = m->cut_at[AIR_C2P] = AIR_NEVER;
    air_names_updown(m);
    snprintf(answer, size, "ok");
}

static void
do_cut(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    (void)m, (void)c, (void)arg;
    snprintf(answer, size, "ok cut %u", air_conns_cut());
}

static void
cut_after(struct air_medium *m, char *const *arg, bool down, char *answer, size_t size)
{
    uint64_t n;
    enum air_way way;

    if (!number(arg[0], &n) || !direction(arg[1], &way)) {
        snprintf(answer, size, "error want BYTES [p2c|c2p]");
        return;
    }
    m->cut_at[way] = m->sent[way] + n;
    m->down_at_cut = down;
    snprintf(answer, size, "ok at %" PRIu64, m->cut_at[way]);
}

static void
do_cut_after(struct air_medium *m, struct client *c, char *const *arg, char *answer,
             size_t size)
{
    (void)c;
    cut_after(m, arg, false, answer, size);
}

static void
do_down_after(struct air_medium *m, struct client *c, char *const *arg, char *answer,
              size_t size)
{
    (void)c;
    cut_after(m, arg, true, answer, size);
}

static void
do_flip(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    uint64_t n;
    enum air_way way;

    (void)c;
    if (!number(arg[0], &n) || !direction(arg[1], &way)) {
        snprintf(answer, size, "error want BYTES [p2c|c2p]");
        return;
    }
    m->flip_at[way] = m->taken[way] + n;
    snprintf(answer, size, "ok at %" PRIu64, m->flip_at[way]);
}

static void
do_hold(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    (void)c, (void)arg;
    m->held = true;
    snprintf(answer, size, "ok");
}

static void
do_release(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    (void)c, (void)arg;
    m->held = false;
    snprintf(answer, size, "ok");
}

/* The rate in bytes a second; false with an answer. */
static bool
rate_wanted(const char *text, uint64_t *rate, char *answer, size_t size)
{
    uint64_t kb;

    if (!number(text, &kb) || kb > 10000000) {
        snprintf(answer, size, "error want KB/S, 0 for as fast as it goes");
        return false;
    }
    *rate = kb * 1000;
    snprintf(answer, size, "ok");
    return true;
}

static void
do_rate(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    (void)c;
    if (rate_wanted(arg[0], &m->rate, answer, size))
        air_conns_alike();
}

static void
do_slow(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    uint64_t rate;

    (void)m, (void)c;
    if (rate_wanted(arg[0], &rate, answer, size) && !air_conns_slow_last(rate))
        snprintf(answer, size, "error the last connection is over");
}

static void
do_delay(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    uint64_t ms;

    (void)c;
    if (!number(arg[0], &ms) || ms > 60000)
        snprintf(answer, size, "error want MS one way");
    else {
        m->delay = ms * 1000000;
        snprintf(answer, size, "ok");
    }
}

static void
do_record(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    (void)c;
    m->record = NULL;
    if (arg[0]) {
        snprintf(record_dir, sizeof record_dir, "%s", arg[0]);
        m->record = record_dir;
    }
    snprintf(answer, size, "ok");
}

static void
do_count(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    (void)c, (void)arg;
    snprintf(answer, size,
             "ok p2c %" PRIu64 " c2p %" PRIu64 " connections %" PRIu64 " open %u offers %u %s",
             m->sent[AIR_P2C], m->sent[AIR_C2P], m->connections, air_conns_open_count(),
             air_names_count(), m->down ? "down" : "up");
    if (m->count_more)
        m->count_more(m, answer + strlen(answer), size - strlen(answer));
}

static void
do_wait(struct air_medium *m, struct client *c, char *const *arg, char *answer, size_t size)
{
    uint64_t n;

    (void)m;
    if (number(arg[0], &n))
        c->wait_for = n;
    else
        snprintf(answer, size, "error want BYTES (both ways, since the start)");
}

static const struct {
    const char *name;
    command_fn run;
} commands[] = {
    {"down", do_down},
    {"up", do_up},
    {"cut", do_cut},
    {"cut-after", do_cut_after},
    {"down-after", do_down_after},
    {"flip", do_flip},
    {"hold", do_hold},
    {"release", do_release},
    {"rate", do_rate},
    {"slow", do_slow},
    {"delay", do_delay},
    {"record", do_record},
    {"count", do_count},
    {"wait", do_wait},
};

static void
client_say(struct client *c, const char *text)
{
    char line[320];
    int len = snprintf(line, sizeof line, "%s\n", text);

    /* the answer is short and the client waits for it: one that does not read loses it */
    if (send(c->fd, line, (size_t)len, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        return;
}

static void
client_drop(struct client *c)
{
    close(c->fd);
    c->used = false;
}

static void
run_line(struct air_medium *m, struct client *c, char *line)
{
    char *save = NULL, *word = strtok_r(line, " \t", &save), *arg[3] = {NULL};
    char answer[256] = "error no such command";

    if (!word)
        return;
    for (int i = 0; i < 2; i++)
        arg[i] = strtok_r(NULL, " \t", &save);
    for (size_t i = 0; i < sizeof commands / sizeof *commands; i++) {
        if (strcmp(word, commands[i].name) != 0)
            continue;
        answer[0] = 0;
        commands[i].run(m, c, arg, answer, sizeof answer);
    }
    if (answer[0])
        client_say(c, answer);
}

void
air_control_ready(struct air_medium *m, unsigned index)
{
    struct client *c = &clients[index];
    char *end;

    if (!c->used)
        return;
    ssize_t n = recv(c->fd, c->line + c->len, sizeof c->line - 1 - c->len, MSG_DONTWAIT);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (n <= 0) {
        client_drop(c);
        return;
    }
    c->len += (size_t)n;
    c->line[c->len] = 0;
    while ((end = strchr(c->line, '\n')) != NULL) {
        *end = 0;
        run_line(m, c, c->line);
        c->len -= (size_t)(end + 1 - c->line);
        memmove(c->line, end + 1, c->len + 1);
    }
    if (c->len == sizeof c->line - 1)
        client_drop(c);
}

void
air_control_accept(struct air_medium *m)
{
    int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd < 0)
        return;
    for (unsigned i = 0; i < AIR_CLIENTS_MAX; i++) {
        if (clients[i].used)
            continue;
        clients[i] = (struct client){.used = true, .fd = fd, .wait_for = AIR_NEVER};
        air_poll_add(m, fd, AIR_ON_CLIENT, i, EPOLLIN);
        return;
    }
    close(fd);
}

void
air_control_tell(struct air_medium *m)
{
    for (unsigned i = 0; i < AIR_CLIENTS_MAX; i++) {
        struct client *c = &clients[i];
        if (!c->used || c->wait_for == AIR_NEVER ||
            c->wait_for > m->sent[AIR_P2C] + m->sent[AIR_C2P])
            continue;
        c->wait_for = AIR_NEVER;
        client_say(c, "ok");
    }
}

int
air_control_start(struct air_medium *m, const char *path)
{
    struct sockaddr_un at = {.sun_family = AF_UNIX};

    (void)m;
    listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (listener >= 0 && strlen(path) < sizeof at.sun_path) {
        strcpy(at.sun_path, path);
        if (bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 8) == 0)
            return listener;
    }
    fprintf(stderr, "air: cannot listen at %s: %s\n", path, strerror(errno));
    return -1;
}

void
air_control_stop(void)
{
    struct sockaddr_un at;
    socklen_t len = sizeof at;

    if (listener >= 0 && getsockname(listener, (struct sockaddr *)&at, &len) == 0)
        unlink(at.sun_path);
}
