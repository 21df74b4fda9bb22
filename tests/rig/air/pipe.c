/* SPDX-License-Identifier: Apache-2.0
 *
 * One direction of a connection: a ring of bytes under way. A token bucket decides when they
 * leave, the delay when they arrive.
 */
#include "tests/rig/air/air.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define NS     1000000000ull
/* A radio hands over packets of about this size; also the least that a slow link passes at
 * once. */
#define PACKET 1024

void
air_pipe_init(struct air_pipe *p, int record_fd, uint64_t now)
{
    p->rate = AIR_NEVER;
    p->head = p->tail = 0;
    p->tokens = PACKET;
    p->tokens_at = now;
    p->mark_first = p->mark_count = 0;
    p->eof = p->done = false;
    p->record_fd = record_fd;
}

void
air_pipe_clear(struct air_pipe *p)
{
    if (p->record_fd >= 0)
        close(p->record_fd);
    p->record_fd = -1;
    p->done = true;
}

static uint64_t
rate_of(const struct air_pipe *p, const struct air_medium *m)
{
    return p->rate != AIR_NEVER ? p->rate : m->rate;
}

/* How much may leave the source now. */
static size_t
allowance(struct air_pipe *p, const struct air_medium *m, uint64_t now)
{
    size_t space = AIR_RING - (size_t)(p->head - p->tail);
    uint64_t rate = rate_of(p, m);

    if (rate == 0)
        return space;
    /* 10 ms worth at most: an idle link does not save up for a burst */
    double most = (double)rate / 100 > PACKET ? (double)rate / 100 : PACKET;
    p->tokens += (double)(now - p->tokens_at) * (double)rate / (double)NS;
    p->tokens_at = now;
    if (p->tokens > most)
        p->tokens = most;
    if (p->tokens < PACKET)
        return 0;
    return (size_t)p->tokens < space ? (size_t)p->tokens : space;
}

static void
stamp(struct air_pipe *p, uint64_t due)
{
    if (p->mark_count == AIR_MARKS) {
        unsigned last = (p->mark_first + AIR_MARKS - 1) % AIR_MARKS;
        p->mark[last].end = p->head;
        p->mark[last].due = due;
        return;
    }
    unsigned next = (p->mark_first + p->mark_count++) % AIR_MARKS;
    p->mark[next].end = p->head;
    p->mark[next].due = due;
}

/* What was just taken passes the faults and the recorder. */
static void
spoil(struct air_pipe *p, struct air_medium *m, enum air_way way, unsigned char *data,
      size_t len)
{
    uint64_t at = m->taken[way];

    if (m->flip_at[way] != AIR_NEVER && m->flip_at[way] >= at && m->flip_at[way] - at < len) {
        data[m->flip_at[way] - at] ^= 0x10;
        m->flip_at[way] = AIR_NEVER;
    }
    m->taken[way] += len;
    if (p->record_fd >= 0 && write(p->record_fd, data, len) < 0) {
        close(p->record_fd);
        p->record_fd = -1;
    }
}

/* Takes from the source. Returns whether anything came. */
static bool
take(struct air_pipe *p, struct air_medium *m, enum air_way way, int from, bool *readable,
     uint64_t now)
{
    size_t at = p->head % AIR_RING, len = allowance(p, m, now);

    if (len > AIR_RING - at)
        len = AIR_RING - at;
    if (len == 0)
        return false;
    ssize_t n = recv(from, p->ring + at, len, MSG_DONTWAIT);
    if (n > 0) {
        spoil(p, m, way, p->ring + at, (size_t)n);
        p->head += (uint64_t)n;
        p->tokens -= (double)n;
        stamp(p, now + m->delay);
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
        *readable = false;
        return false;
    }
    /* an end and a reset read alike on the other side, when all that was under way has arrived
     */
    p->eof = true;
    stamp(p, now + m->delay);
    return false;
}

/* Bytes that have arrived by now, and the end of that in p->head's terms. */
static uint64_t
arrived(const struct air_pipe *p, uint64_t now)
{
    uint64_t end = p->tail;

    for (unsigned i = 0; i < p->mark_count; i++) {
        unsigned k = (p->mark_first + i) % AIR_MARKS;
        if (p->mark[k].due > now)
            break;
        end = p->mark[k].end;
    }
    return end;
}

static void
drop_marks(struct air_pipe *p, uint64_t now)
{
    while (p->mark_count > 0 && p->mark[p->mark_first].due <= now &&
           p->mark[p->mark_first].end <= p->tail) {
        p->mark_first = (p->mark_first + 1) % AIR_MARKS;
        p->mark_count--;
    }
}

/* Delivers. Returns whether anything went. */
static bool
give(struct air_pipe *p, struct air_medium *m, enum air_way way, int to, bool *writable,
     uint64_t now)
{
    uint64_t end = arrived(p, now);
    size_t at = p->tail % AIR_RING, len = (size_t)(end - p->tail);

    if (len > AIR_RING - at)
        len = AIR_RING - at;
    if (m->cut_at[way] != AIR_NEVER && len > m->cut_at[way] - m->sent[way])
        len = (size_t)(m->cut_at[way] - m->sent[way]);
    if (len == 0) {
        drop_marks(p, now);
        return false;
    }
    ssize_t n = send(to, p->ring + at, len, MSG_DONTWAIT | MSG_NOSIGNAL);
    if (n > 0) {
        p->tail += (uint64_t)n;
        m->sent[way] += (uint64_t)n;
        drop_marks(p, now);
        return true;
    }
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        *writable = false;
    else
        p->done = true;
    return false;
}

bool
air_pipe_pump(struct air_pipe *p, struct air_medium *m, enum air_way way, int from,
              bool *readable, int to, bool *writable, uint64_t now)
{
    bool moved = true;

    if (p->done || m->held)
        return false;
    while (moved && !p->done) {
        moved = false;
        if (!p->eof && *readable)
            moved = take(p, m, way, from, readable, now);
        if (*writable)
            moved = give(p, m, way, to, writable, now) || moved;
        if (m->cut_at[way] != AIR_NEVER && m->sent[way] >= m->cut_at[way])
            return true;
    }
    if (p->done) {
        shutdown(from, SHUT_RD); /* nobody reads there any more: let the writer know */
    } else if (p->eof && p->head == p->tail && p->mark_count == 0) {
        shutdown(to, SHUT_WR);
        p->done = true;
    }
    return false;
}

uint64_t
air_pipe_deadline(const struct air_pipe *p, const struct air_medium *m, bool readable,
                  bool writable, uint64_t now)
{
    uint64_t next = AIR_NEVER, rate = rate_of(p, m);

    if (p->done || m->held)
        return AIR_NEVER;
    if (p->mark_count > 0 && writable) {
        uint64_t due = p->mark[p->mark_first].due;
        next = due > now ? due : now;
    }
    if (!p->eof && readable && rate != 0 && p->head - p->tail < AIR_RING) {
        double missing = p->tokens < PACKET ? PACKET - p->tokens : 0;
        uint64_t due = now + (uint64_t)(missing * (double)NS / (double)rate) + 1;
        if (due < next)
            next = due;
    }
    return next;
}
