/* SPDX-License-Identifier: Apache-2.0
 *
 * One controller's packets, both ways. Data goes from machine to machine here: btvirt would
 * hand it on with the sender's handle, which is the receiver's only where neither has another
 * link. All else is btvirt's. The rate holds back what a machine sends, so that its kernel
 * waits for completions as with a slow radio; the delay holds back what a machine receives. A
 * cut is told to both kernels as a link that was lost; while the link is down nobody answers a
 * page.
 */
#include "tests/rig/bluetooth/radio.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#define NS             1000000000ull
#define PACKET_COMMAND 1
#define PACKET_ACL     2
#define PACKET_EVENT   4
#define PACKET_ABSENT  0xff /* from the bridge in a machine: the adapter was pulled out */

#define EV_INQUIRY_RESULT      0x02
#define EV_CONN_COMPLETE       0x03
#define EV_DISCONN_COMPLETE    0x05
#define EV_REMOTE_NAME         0x07
#define EV_COMMAND_COMPLETE    0x0e
#define EV_COMMAND_STATUS      0x0f
#define EV_PACKETS_COMPLETED   0x13
#define EV_LINK_KEY            0x18
#define EV_INQUIRY_RESULT_RSSI 0x22
#define EV_EXTENDED_INQUIRY    0x2f
#define EV_IO_CAPABILITY       0x32
#define EV_PAIRED              0x36

#define OP_CREATE_CONN 0x0405
#define OP_DISCONNECT  0x0406
#define OP_CANCEL      0x0408
#define OP_REMOTE_NAME 0x0419
#define OP_RESET       0x0c03
#define OP_READ_BDADDR 0x1009
#define OP_BUFFER_SIZE 0x1005
#define OP_IO_REPLY    0x042b
#define OP_LOCAL_OOB   0x0c7d /* with P-256 */

#define UNAUTHENTICATED 0x04 /* a kind of link key */
#define DISPLAY_ONLY    0x00 /* kinds of input and output */
#define NO_INPUT_OUTPUT 0x03

#define NO_CONNECTION 0x02
#define PAGE_TIMEOUT  0x04
#define LOST          0x08
/* How long a device that nobody answers pages: the most that the standard lets it, so that it
 * is the program that gives up. (A page that fails crashes the RFCOMM of some 6.1 kernels:
 * README.md.) */
#define PAGE_NS       (40960 * 1000000ull)
#define PAGE_STEP_NS  (640 * 1000000ull)

struct radio_side radio_sides[RADIO_SIDES_MAX];
struct radio_totals radio_totals[AIR_WAYS];

static uint16_t
le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

static void
push(struct radio_queue *q, const uint8_t *data, size_t len, uint64_t due)
{
    struct radio_packet *p = malloc(sizeof *p + len);

    if (!p)
        abort();
    *p = (struct radio_packet){.due = due, .len = len};
    memcpy(p->data, data, len);
    if (!q->last)
        q->last = &q->first;
    *q->last = p;
    q->last = &p->next;
}

static void
pop(struct radio_queue *q)
{
    struct radio_packet *p = q->first;

    q->first = p->next;
    if (!q->first)
        q->last = &q->first;
    free(p);
}

static struct radio_link *
link_of(struct radio_side *s, uint16_t handle)
{
    for (int i = 0; i < RADIO_LINKS_MAX; i++)
        if (s->link[i].open && s->link[i].handle == (handle & 0x0fff))
            return &s->link[i];
    return NULL;
}

static void
link_opened(struct radio_side *s, uint16_t handle, const uint8_t *peer)
{
    for (int i = 0; i < RADIO_LINKS_MAX; i++) {
        struct radio_link *l = &s->link[i];
        if (l->open && l->handle != handle)
            continue;
        *l = (struct radio_link){.open = true, .handle = handle};
        memcpy(l->peer, peer, 6);
        return;
    }
}

static struct radio_link *
link_to(struct radio_side *s, const uint8_t *peer)
{
    for (int i = 0; i < RADIO_LINKS_MAX; i++)
        if (s->link[i].open && memcmp(s->link[i].peer, peer, 6) == 0)
            return &s->link[i];
    return NULL;
}

static struct radio_side *
side_with(const uint8_t *address)
{
    for (int i = 0; i < RADIO_SIDES_MAX; i++)
        if (radio_sides[i].used && memcmp(radio_sides[i].address, address, 6) == 0)
            return &radio_sides[i];
    return NULL;
}

/* --- what a link that is down or cut looks like */

static void
lose_packets(struct radio_queue *q, uint16_t handle)
{
    for (struct radio_packet *p = q->first; p; p = p->next)
        if (p->data[0] == PACKET_ACL && (le16(p->data + 1) & 0x0fff) == handle)
            p->lost = true;
}

static void
cut_end(struct radio_side *s, struct radio_link *l)
{
    l->cut = true;
    lose_packets(&s->up, l->handle);
    lose_packets(&s->down, l->handle);
}

/* One of the ends is made to hang up; that it was no hang-up is told to both. */
static void
cut_link(struct radio_side *s, struct radio_link *l)
{
    uint8_t hang_up[] = {
        PACKET_COMMAND, 0x06, 0x04, 3, (uint8_t)l->handle, (uint8_t)(l->handle >> 8), 0x13};
    struct radio_side *other = side_with(l->peer);

    cut_end(s, l);
    if (other && link_to(other, s->address))
        cut_end(other, link_to(other, s->address));
    s->swallow_status++;
    radio_to_controller(s, hang_up, sizeof hang_up);
}

static unsigned
cut_side(struct radio_side *s)
{
    unsigned n = 0;

    for (int i = 0; i < RADIO_LINKS_MAX; i++)
        if (s->link[i].open && !s->link[i].cut) {
            cut_link(s, &s->link[i]);
            n++;
        }
    return n;
}

unsigned
air_conns_cut(void)
{
    unsigned n = 0;

    for (int i = 0; i < RADIO_SIDES_MAX; i++)
        if (radio_sides[i].used)
            n += cut_side(&radio_sides[i]);
    return n;
}

/* There is one radio for all. */
bool
air_conns_slow_last(uint64_t rate)
{
    (void)rate;
    return false;
}

void
air_conns_alike(void)
{
}

unsigned
air_conns_open_count(void)
{
    unsigned ends = 0;

    for (int i = 0; i < RADIO_SIDES_MAX; i++)
        for (int k = 0; radio_sides[i].used && k < RADIO_LINKS_MAX; k++)
            ends += radio_sides[i].link[k].open && !radio_sides[i].link[k].cut;
    return ends / 2;
}

unsigned
air_names_count(void)
{
    unsigned n = 0;

    for (int i = 0; i < RADIO_SIDES_MAX; i++)
        n += radio_sides[i].used && radio_sides[i].machine >= 0;
    return n;
}

/* A controller has no doors that would have to be closed: what it asks for is not answered. */
void
air_names_updown(struct air_medium *m)
{
    (void)m;
}

static void
tell(struct air_medium *m, struct radio_side *s, uint64_t due, uint8_t event,
     const uint8_t *parameters, size_t len)
{
    uint8_t packet[3 + 255] = {PACKET_EVENT, event, (uint8_t)len};

    memcpy(packet + 3, parameters, len);
    if (due == 0)
        radio_to_machine(m, s, packet, 3 + len);
    else
        push(&s->down, packet, 3 + len, due);
}

static void
tell_status(struct air_medium *m, struct radio_side *s, uint16_t op)
{
    uint8_t status[] = {0, 1, (uint8_t)op, (uint8_t)(op >> 8)};

    tell(m, s, 0, EV_COMMAND_STATUS, status, sizeof status);
}

/* Whoever paged has given up: that it would have failed is told no more. */
static void
forget_page(struct radio_side *s)
{
    for (struct radio_packet *p = s->down.first; p; p = p->next)
        if (p->len == 14 && p->data[1] == EV_CONN_COMPLETE && p->data[3] == PAGE_TIMEOUT)
            p->lost = true;
}

/* Answers for a peer that is out of range. Returns false when the command concerns none. */
static bool
out_of_range(struct air_medium *m, struct radio_side *s, const uint8_t *command, size_t len,
             uint64_t now)
{
    uint16_t op = le16(command + 1);
    uint8_t name[255] = {PAGE_TIMEOUT}, failed[11] = {PAGE_TIMEOUT}, done[10] = {1};

    if (len < 10 || (op != OP_CREATE_CONN && op != OP_CANCEL && op != OP_REMOTE_NAME))
        return false;
    memcpy(failed + 3, command + 4, 6);
    failed[9] = 1; /* ACL */
    switch (op) {
    case OP_CREATE_CONN:
        tell_status(m, s, op);
        tell(m, s, now + PAGE_NS, EV_CONN_COMPLETE, failed, sizeof failed);
        break;
    case OP_CANCEL:
        done[1] = OP_CANCEL & 0xff;
        done[2] = OP_CANCEL >> 8;
        memcpy(done + 4, command + 4, 6);
        tell(m, s, 0, EV_COMMAND_COMPLETE, done, sizeof done);
        failed[0] = NO_CONNECTION;
        forget_page(s);
        tell(m, s, 0, EV_CONN_COMPLETE, failed, sizeof failed);
        break;
    case OP_REMOTE_NAME:
        tell_status(m, s, op);
        memcpy(name + 1, command + 4, 6);
        tell(m, s, now + PAGE_NS, EV_REMOTE_NAME, name, sizeof name);
        break;
    }
    return true;
}

/* btvirt answers at once that nobody answers; a page goes on, and finds one who begins to
 * listen meanwhile. Returns false when it is over. */
static bool
page_on(struct radio_side *s, const uint8_t *e, uint64_t now)
{
    if (s->page.len < 10 || memcmp(s->page.command + 4, e + 6, 6) != 0 || now >= s->page.until)
        return false;
    s->page.again = now + PAGE_STEP_NS;
    return true;
}

static void
end_page(struct radio_side *s)
{
    s->page.len = 0;
    s->page.again = 0;
}

static uint64_t
pump_page(struct air_medium *m, struct radio_side *s, uint64_t now)
{
    if (s->page.again == 0 || now < s->page.again)
        return s->page.again != 0 ? s->page.again : AIR_NEVER;
    if (m->down && now < s->page.until) {
        s->page.again = now + PAGE_STEP_NS;
        return s->page.again;
    }
    s->page.again = 0;
    s->swallow_page++;
    radio_to_controller(s, s->page.command, s->page.len);
    return AIR_NEVER;
}

/* --- from the machine */

static void
record(struct air_medium *m, enum air_way way, const uint8_t *data, size_t len)
{
    char path[3200];

    if (!m->record || len == 0)
        return;
    snprintf(path, sizeof path, "%s/%llu.%s", m->record, (unsigned long long)m->connections,
             way == AIR_P2C ? "p2c" : "c2p");
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    if (fd >= 0) {
        if (write(fd, data, len) < 0)
            perror("radio: record");
        close(fd);
    }
}

/* What a machine sends passes the faults and the recorder. */
static void
spoil(struct air_medium *m, struct radio_side *s, uint8_t *packet, size_t len)
{
    struct radio_link *l = link_of(s, le16(packet + 1));
    enum air_way way = s->clinic ? AIR_C2P : AIR_P2C;
    uint8_t *payload = NULL;
    bool opens = false;

    if (!l || len < 5)
        return;
    size_t n = radio_rfcomm_read(l, true, packet + 1, len - 1, &payload, &opens);
    uint64_t at = m->taken[way];
    if (opens)
        m->connections++;
    if (m->flip_at[way] != AIR_NEVER && m->flip_at[way] >= at && m->flip_at[way] - at < n) {
        payload[m->flip_at[way] - at] ^= 0x10;
        m->flip_at[way] = AIR_NEVER;
    }
    m->taken[way] += n;
    record(m, way, payload, n);
}

/* The bridge says that the adapter is gone: nobody can reach it until it is there again. */
static void
absent(struct radio_side *s)
{
    static const uint8_t reset[] = {PACKET_COMMAND, OP_RESET & 0xff, OP_RESET >> 8, 0};

    cut_side(s);
    s->swallow_reset++;
    radio_to_controller(s, reset, sizeof reset);
    memset(s->link, 0, sizeof s->link);
}

/* btvirt asks the side that did not begin a pairing for its capability only if it has none of
 * that side yet, and it never forgets: the second pairing of two controllers would lack half of
 * its questions. So it is told of each side what makes it ask, always; what was really said is
 * put into the event (peer_capability). */
static void
real_questions(struct radio_side *s, uint8_t *command)
{
    struct radio_link *l = link_to(s, command + 4);

    s->io_capability = command[10];
    command[10] = l && l->asked_to_pair ? DISPLAY_ONLY : NO_INPUT_OUTPUT;
}

void
radio_from_machine(struct air_medium *m, struct radio_side *s, uint8_t *data, size_t len,
                   uint64_t now)
{
    switch (data[0]) {
    case PACKET_ABSENT:
        absent(s);
        break;
    case PACKET_ACL:
        spoil(m, s, data, len);
        push(&s->up, data, len, now);
        break;
    case PACKET_COMMAND:
        if (m->down && out_of_range(m, s, data, len, now))
            break;
        if (le16(data + 1) == OP_CANCEL) {
            forget_page(s);
            end_page(s);
        }
        if (le16(data + 1) == OP_CREATE_CONN && len <= sizeof s->page.command) {
            memcpy(s->page.command, data, len);
            s->page.len = len;
            s->page.until = now + PAGE_NS;
            s->page.again = 0;
        }
        if (len >= 13 && le16(data + 1) == OP_IO_REPLY) {
            /* what its kernel knows of the other one, for the tests */
            fprintf(stderr, "radio: %s pairs, out-of-band data of the other side: %s\n",
                    s->clinic ? "clinic" : "patient", data[11] ? "yes" : "no");
            real_questions(s, data);
        }
        radio_to_controller(s, data, len);
        break;
    default:
        radio_to_controller(s, data, len);
    }
}

/* --- from the controller */

static void
deliver(struct air_medium *m, struct radio_side *s, uint8_t *data, size_t len)
{
    enum air_way way = s->clinic ? AIR_P2C : AIR_C2P;
    struct radio_link *l =
        data[0] == PACKET_ACL && len >= 5 ? link_of(s, le16(data + 1)) : NULL;
    uint8_t *payload;
    bool opens;

    if (l) {
        bool starts = (data[2] >> 4 & 3) != 1;
        size_t n = radio_rfcomm_read(l, false, data + 1, len - 1, &payload, &opens);
        m->sent[way] += n;
        radio_totals[way].frames += starts && n > 0;
        radio_totals[way].packets++;
        radio_totals[way].bytes += len - 5;
    }
    radio_to_machine(m, s, data, len);
    if (m->cut_at[way] == AIR_NEVER || m->sent[way] < m->cut_at[way])
        return;
    m->cut_at[way] = AIR_NEVER;
    if (m->down_at_cut)
        m->down = true;
    air_conns_cut();
}

/* btvirt says that it holds one packet of 192 bytes; a usual controller holds eight of 1021. */
static void
real_buffers(uint8_t *sizes)
{
    static const uint8_t acl_len[] = {1021 & 0xff, 1021 >> 8}, acl_packets[] = {8, 0};

    memcpy(sizes, acl_len, 2);
    memcpy(sizes + 3, acl_packets, 2);
}

/* btvirt gives zeros, which is to have none; those of a usual controller are never the same. */
static void
real_oob(uint8_t *p256)
{
    static const uint8_t none[32];

    if (memcmp(p256, none, sizeof none) == 0 && getrandom(p256, sizeof none, 0) < 0)
        perror("radio: random");
}

/* btvirt calls the key of a simple pairing one of an old kind, which kernels keep; that of a
 * pairing without bonding, which nobody confirmed, they forget with the link. */
static void
real_key(uint8_t *type)
{
    if (*type < UNAUTHENTICATED)
        *type = UNAUTHENTICATED;
}

static void
peer_capability(struct radio_side *s, uint8_t *e)
{
    struct radio_link *l = link_to(s, e + 3);
    struct radio_side *other = side_with(e + 3);

    if (l)
        l->asked_to_pair = true;
    if (other)
        e[9] = other->io_capability;
}

/* Follows the links that come and go. Returns false when the machine is not to see the event.
 */
static bool
event(struct air_medium *m, struct radio_side *s, uint8_t *e, size_t len)
{
    struct radio_link *l;

    switch (e[1]) {
    case EV_CONN_COMPLETE:
        if (len >= 14 && e[3] == 0)
            link_opened(s, le16(e + 4), e + 6);
        if (len >= 14 && e[3] == 0 && memcmp(s->page.command + 4, e + 6, 6) == 0)
            end_page(s);
        break;
    case EV_DISCONN_COMPLETE:
        if (len >= 7 && e[3] == 0 && (l = link_of(s, le16(e + 4)))) {
            if (l->cut)
                e[6] = LOST;
            l->open = false;
        }
        break;
    case EV_COMMAND_STATUS:
        if (len >= 7 && le16(e + 5) == OP_DISCONNECT && s->swallow_status > 0) {
            s->swallow_status--;
            return false;
        }
        if (len >= 7 && le16(e + 5) == OP_CREATE_CONN && s->swallow_page > 0) {
            s->swallow_page--;
            return false;
        }
        break;
    case EV_COMMAND_COMPLETE:
        if (len >= 7 && le16(e + 4) == OP_RESET && s->swallow_reset > 0) {
            s->swallow_reset--;
            return false;
        }
        if (len >= 13 && le16(e + 4) == OP_READ_BDADDR && e[6] == 0)
            memcpy(s->address, e + 7, 6);
        if (len >= 14 && le16(e + 4) == OP_BUFFER_SIZE && e[6] == 0)
            real_buffers(e + 7);
        if (len >= 71 && le16(e + 4) == OP_LOCAL_OOB && e[6] == 0)
            real_oob(e + 39);
        break;
    case EV_LINK_KEY:
        if (len >= 26)
            real_key(e + 25);
        break;
    case EV_IO_CAPABILITY:
        if (len >= 12)
            peer_capability(s, e);
        break;
    case EV_PAIRED:
        if (len >= 10 && (l = link_to(s, e + 4)))
            l->asked_to_pair = false;
        break;
    case EV_INQUIRY_RESULT:
    case EV_INQUIRY_RESULT_RSSI:
    case EV_EXTENDED_INQUIRY:
        return !m->down;
    }
    return true;
}

/* What concerns the machine and its own controller alone does not wait for the air. */
static bool
local(const uint8_t *data)
{
    return data[0] == PACKET_EVENT &&
           (data[1] == EV_COMMAND_COMPLETE || data[1] == EV_COMMAND_STATUS ||
            data[1] == EV_PACKETS_COMPLETED);
}

void
radio_from_controller(struct air_medium *m, struct radio_side *s, uint8_t *data, size_t len,
                      uint64_t now)
{
    if (len < 3 || (data[0] == PACKET_EVENT && !event(m, s, data, len)))
        return;
    if (data[0] == PACKET_EVENT && data[1] == EV_CONN_COMPLETE && data[3] == PAGE_TIMEOUT) {
        if (len >= 14 && page_on(s, data, now))
            return;
        end_page(s);
    }
    if (local(data) || (m->delay == 0 && !m->held && !s->down.first))
        deliver(m, s, data, len);
    else
        push(&s->down, data, len, now + m->delay);
}

/* --- moving */

static void
completed(struct air_medium *m, struct radio_side *s, uint16_t handle)
{
    uint8_t one[] = {1, (uint8_t)handle, (uint8_t)(handle >> 8), 1, 0};

    tell(m, s, 0, EV_PACKETS_COMPLETED, one, sizeof one);
}

/* A packet of data leaves s. */
static void
pass_on(struct air_medium *m, struct radio_side *s, struct radio_packet *p, uint64_t now)
{
    uint16_t handle = le16(p->data + 1), start = handle >> 12 == 0 ? 2 : handle >> 12;
    struct radio_link *from = link_of(s, handle);
    struct radio_side *other = from ? side_with(from->peer) : NULL;
    struct radio_link *to = other ? link_to(other, s->address) : NULL;

    if (!to) { /* the link has just gone, or its other end does not know of it yet */
        radio_to_controller(s, p->data, p->len);
        return;
    }
    completed(m, s, handle & 0x0fff);
    handle = (uint16_t)(start << 12 | to->handle);
    p->data[1] = (uint8_t)handle;
    p->data[2] = (uint8_t)(handle >> 8);
    if (m->delay == 0 && !other->down.first)
        deliver(m, other, p->data, p->len);
    else
        push(&other->down, p->data, p->len, now + m->delay);
}

/* A packet takes its time from when it came, or from when the one before it was through:
 * however late this program runs, the rate is what it was said to be. */
static uint64_t
pump_up(struct air_medium *m, struct radio_side *s, uint64_t now)
{
    struct radio_packet *p;

    while ((p = s->up.first)) {
        if (p->lost) {
            pop(&s->up);
            continue;
        }
        if (m->held)
            return AIR_NEVER;
        if (m->rate > 0) {
            uint64_t begins = p->due > s->free_at ? p->due : s->free_at;
            uint64_t ends = begins + p->len * NS / m->rate;
            if (ends > now)
                return ends;
            s->free_at = ends;
        }
        pass_on(m, s, p, now);
        pop(&s->up);
    }
    return AIR_NEVER;
}

/* In order, but a page that will fail later holds up nothing else; a held medium holds data. */
static uint64_t
pump_down(struct air_medium *m, struct radio_side *s, uint64_t now)
{
    struct radio_packet **at = &s->down.first, *p;
    uint64_t next = AIR_NEVER;

    while ((p = *at)) {
        bool held = m->held && p->data[0] == PACKET_ACL;
        if (!p->lost && (held || p->due > now)) {
            if (!held && p->due < next)
                next = p->due;
            at = &p->next;
            continue;
        }
        *at = p->next;
        if (!p->lost)
            deliver(m, s, p->data, p->len);
        free(p);
    }
    s->down.last = at;
    return next;
}

uint64_t
radio_send(struct air_medium *m, struct radio_side *s, uint64_t now)
{
    return pump_up(m, s, now);
}

uint64_t
radio_receive(struct air_medium *m, struct radio_side *s, uint64_t now)
{
    uint64_t down = pump_down(m, s, now), page = pump_page(m, s, now);

    return down < page ? down : page;
}
