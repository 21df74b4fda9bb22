/* SPDX-License-Identifier: Apache-2.0
 *
 * The bridge: the kernel's virtual controller (/dev/vhci) on one end, the radio's port on the
 * other. Whole packets both ways: the kernel takes nothing else.
 */
#include "tests/rig/bluetooth/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define PACKET_MAX (5 + 65535)
#define VENDOR     0xff

static volatile sig_atomic_t pulled;

static void
on_term(int number)
{
    (void)number;
    pulled = 1;
}

static bool
write_all(int fd, const uint8_t *data, size_t len)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len);
        if (n < 0 && (errno == EINTR || errno == EAGAIN))
            continue;
        if (n <= 0)
            return false;
        data += n;
        len -= (size_t)n;
    }
    return true;
}

static size_t
packet_length(const uint8_t *p, size_t len)
{
    switch (p[0]) {
    case 2:
        return len < 5 ? 0 : (size_t)(5 + (p[3] | p[4] << 8));
    case 3:
        return len < 4 ? 0 : (size_t)(4 + p[3]);
    case 4:
        return len < 3 ? 0 : (size_t)(3 + p[2]);
    default:
        return SIZE_MAX;
    }
}

/* From the radio to the kernel. */
static bool
inward(int port, int vhci)
{
    static uint8_t in[2 * PACKET_MAX];
    static size_t have;
    ssize_t n = read(port, in + have, sizeof in - have);
    size_t at = 0, len;

    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    /* 0: nobody is at the other end of the port just now */
    have += (size_t)n;
    while (at < have && (len = packet_length(in + at, have - at)) != 0) {
        if (len == SIZE_MAX) {
            fprintf(stderr, "rig-guest: not an HCI packet: %02x\n", in[at]);
            return false;
        }
        if (len > have - at)
            break;
        if (!write_all(vhci, in + at, len))
            return false;
        at += len;
    }
    have -= at;
    memmove(in, in + at, have);
    return true;
}

/* From the kernel to the radio. The kernel's answer to our wish for a controller comes the same
 * way, before or after the first commands. */
static bool
outward(int vhci, int port)
{
    static uint8_t packet[PACKET_MAX];
    ssize_t n = read(vhci, packet, sizeof packet);

    if (n < 0)
        return errno == EINTR || errno == EAGAIN;
    return n > 0 && (packet[0] == VENDOR || write_all(port, packet, (size_t)n));
}

int
guest_bridge(const char *name)
{
    static const uint8_t make[] = {VENDOR, 0}, gone[] = {VENDOR};
    int port = guest_port(name), vhci = open("/dev/vhci", O_RDWR | O_CLOEXEC);
    struct pollfd ends[] = {{.fd = port, .events = POLLIN}, {.fd = vhci, .events = POLLIN}};

    sigaction(SIGTERM, &(struct sigaction){.sa_handler = on_term}, NULL);
    if (port < 0 || vhci < 0 || write(vhci, make, sizeof make) != sizeof make) {
        perror("rig-guest: no virtual controller");
        return 1;
    }
    while (!pulled) {
        if (poll(ends, 2, -1) < 0)
            continue;
        if ((ends[0].revents && !inward(port, vhci)) ||
            (ends[1].revents && !outward(vhci, port)))
            break;
    }
    write_all(port, gone, sizeof gone);
    return 0;
}
