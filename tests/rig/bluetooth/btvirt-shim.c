/* SPDX-License-Identifier: Apache-2.0
 *
 * Preloaded into btvirt, BlueZ's emulator of controllers, so that it can serve the rig:
 * its sockets, which have fixed names in /tmp, are made in $RIG_BTVIRT_DIR instead, and keep
 * the boundaries of packets (its own parser of a stream breaks on a packet that arrives in
 * pieces); and a kernel without AF_ALG, which only the low-energy part would want, does not
 * stop it.
 */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define PREFIX "/tmp/bt-server-"

typedef int (*socket_fn)(int, int, int);
typedef int (*bind_fn)(int, const struct sockaddr *, socklen_t);

int
socket(int domain, int type, int protocol)
{
    static socket_fn real;

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "socket");
    if (domain == AF_ALG)
        return open("/dev/null", O_RDWR | O_CLOEXEC);
    if (domain == AF_UNIX && (type & 0xf) == SOCK_STREAM)
        type = (type & ~0xf) | SOCK_SEQPACKET;
    return real(domain, type, protocol);
}

int
bind(int fd, __CONST_SOCKADDR_ARG any, socklen_t len)
{
    static bind_fn real;
    const struct sockaddr *address = any.__sockaddr__;
    const struct sockaddr_un *un = (const struct sockaddr_un *)(const void *)address;
    const char *dir = getenv("RIG_BTVIRT_DIR");
    struct sockaddr_un moved = {.sun_family = AF_UNIX};

    if (!real)
        *(void **)&real = dlsym(RTLD_NEXT, "bind");
    if (address->sa_family == AF_ALG)
        return 0;
    if (address->sa_family != AF_UNIX || !dir ||
        strncmp(un->sun_path, PREFIX, strlen(PREFIX)) != 0)
        return real(fd, address, len);
    int n = snprintf(moved.sun_path, sizeof moved.sun_path, "%s/%s", dir,
                     un->sun_path + strlen(PREFIX));
    if (n < 0 || (size_t)n >= sizeof moved.sun_path) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return real(fd, (const struct sockaddr *)&moved, sizeof moved);
}
