/* SPDX-License-Identifier: Apache-2.0
 *
 * Connections: a patient's socket and a terminal's, and a pipe each way between them.
 */
#include "tests/rig/air/air.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

struct conn {
    bool open;
    int fd[AIR_WAYS]; /* patient, clinic: the source of that way */
    bool readable[AIR_WAYS], writable[AIR_WAYS];
    struct air_pipe pipe[AIR_WAYS];
};

static struct conn conns[AIR_CONNS_MAX];
static struct conn *newest; /* NULL: it is over */

static int
connect_to(const char *path)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

    if (fd < 0 || strlen(path) >= sizeof to.sun_path)
        return -1;
    strcpy(to.sun_path, path);
    if (connect(fd, (struct sockaddr *)&to, sizeof to) == 0)
        return fd;
    close(fd);
    return -1;
}

static int
record_to(const struct air_medium *m, enum air_way way)
{
    char path[4096];

    if (!m->record)
        return -1;
    snprintf(path, sizeof path, "%s/%llu.%s", m->record, (unsigned long long)m->connections,
             way == AIR_P2C ? "p2c" : "c2p");
    return open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
}

void
air_conn_open(struct air_medium *m, int patient, const char *path, uint64_t now)
{
    unsigned i = 0;
    int clinic = connect_to(path);

    while (i < AIR_CONNS_MAX && conns[i].open)
        i++;
    if (clinic < 0 || i == AIR_CONNS_MAX) {
        close(patient);
        if (clinic >= 0)
            close(clinic);
        return;
    }
    struct conn *c = &conns[i];
    m->connections++;
    c->open = true;
    newest = c;
    c->fd[AIR_P2C] = patient;
    c->fd[AIR_C2P] = clinic;
    for (int way = 0; way < AIR_WAYS; way++) {
        c->readable[way] = c->writable[way] = true;
        air_pipe_init(&c->pipe[way], record_to(m, (enum air_way)way), now);
    }
    uint32_t events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
    air_poll_add(m, patient, AIR_ON_PATIENT, i, events);
    air_poll_add(m, clinic, AIR_ON_CLINIC, i, events);
}

void
air_conn_ready(unsigned index, enum air_way side, uint32_t events)
{
    struct conn *c = &conns[index];

    if (!c->open)
        return;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        c->readable[side] = true;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        c->writable[side] = true;
}

static void
conn_close(struct conn *c)
{
    for (int way = 0; way < AIR_WAYS; way++) {
        close(c->fd[way]);
        air_pipe_clear(&c->pipe[way]);
    }
    c->open = false;
    if (c == newest)
        newest = NULL;
}

/* Returns true when the cut position was reached. */
static bool
conn_pump(struct conn *c, struct air_medium *m, uint64_t now, uint64_t *next)
{
    for (int way = 0; way < AIR_WAYS; way++) {
        int other = 1 - way;
        if (air_pipe_pump(&c->pipe[way], m, (enum air_way)way, c->fd[way], &c->readable[way],
                          c->fd[other], &c->writable[other], now))
            return true;
        uint64_t due =
            air_pipe_deadline(&c->pipe[way], m, c->readable[way], c->writable[other], now);
        if (due < *next)
            *next = due;
    }
    if (c->pipe[AIR_P2C].done && c->pipe[AIR_C2P].done)
        conn_close(c);
    return false;
}

uint64_t
air_conns_pump(struct air_medium *m, uint64_t now)
{
    uint64_t next = AIR_NEVER;

    for (unsigned i = 0; i < AIR_CONNS_MAX; i++) {
        if (!conns[i].open || !conn_pump(&conns[i], m, now, &next))
            continue;
        m->cut_at[AIR_P2C] = m->cut_at[AIR_C2P] = AIR_NEVER;
        air_conns_cut();
        if (m->down_at_cut) {
            m->down = true;
            air_names_updown(m);
        }
        return AIR_NEVER;
    }
    return next;
}

unsigned
air_conns_cut(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < AIR_CONNS_MAX; i++) {
        if (!conns[i].open)
            continue;
        conn_close(&conns[i]);
        n++;
    }
    return n;
}

unsigned
air_conns_open_count(void)
{
    unsigned n = 0;

    for (unsigned i = 0; i < AIR_CONNS_MAX; i++)
        n += conns[i].open;
    return n;
}

bool
air_conns_slow_last(uint64_t rate)
{
    if (newest == NULL)
        return false;
    newest->pipe[AIR_P2C].rate = newest->pipe[AIR_C2P].rate = rate;
    return true;
}

void
air_conns_alike(void)
{
    for (unsigned i = 0; i < AIR_CONNS_MAX; i++)
        conns[i].pipe[AIR_P2C].rate = conns[i].pipe[AIR_C2P].rate = AIR_NEVER;
}
