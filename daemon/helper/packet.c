/* SPDX-License-Identifier: Apache-2.0
 *
 * Datagrams with a descriptor (packet.h).
 */
#include "daemon/helper/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* Room for more than the one that is allowed, so that a second one is seen and closed here. */
#define FDS_ROOM 4

int
ehd_packet_send(int sock, const uint8_t *bytes, size_t len, int fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(sizeof fd)];
    } control = {0};
    struct iovec data = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = len};
    struct msghdr message = {.msg_iov = &data, .msg_iovlen = 1};

    if (fd >= 0) {
        message.msg_control = &control;
        message.msg_controllen = sizeof control;
        struct cmsghdr *rights = CMSG_FIRSTHDR(&message);
        rights->cmsg_level = SOL_SOCKET;
        rights->cmsg_type = SCM_RIGHTS;
        rights->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(rights), &fd, sizeof fd);
    }
    while (sendmsg(sock, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        if (errno != EINTR)
            return errno == ECONNRESET ? -EPIPE : -errno;
    }
    return 0;
}

/* Takes the first descriptor and closes the others. How many there were. */
static size_t
take_fds(struct msghdr *message, int *fd)
{
    size_t n = 0;

    for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        for (size_t at = 0; at + sizeof(int) <= c->cmsg_len - CMSG_LEN(0); at += sizeof(int)) {
            int got;
            memcpy(&got, CMSG_DATA(c) + at, sizeof got);
            if (n++ == 0)
                *fd = got;
            else
                close(got);
        }
    }
    return n;
}

ssize_t
ehd_packet_receive(int sock, uint8_t *bytes, size_t max, int *fd)
{
    union {
        struct cmsghdr header;
        char space[CMSG_SPACE(FDS_ROOM * sizeof(int))];
    } control;
    struct iovec data = {.iov_base = bytes, .iov_len = max};
    struct msghdr message = {.msg_iov = &data,
                             .msg_iovlen = 1,
                             .msg_control = &control,
                             .msg_controllen = sizeof control};
    ssize_t got;

    *fd = -1;
    do {
        got = recvmsg(sock, &message, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
    } while (got < 0 && errno == EINTR);
    if (got < 0)
        return errno == ECONNRESET ? 0 : -errno;
    if (take_fds(&message, fd) > 1 || (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) != 0) {
        if (*fd >= 0)
            close(*fd);
        *fd = -1;
        return -EMSGSIZE;
    }
    return got;
}
