/* SPDX-License-Identifier: Apache-2.0
 *
 * What our goodput over Bluetooth is compared with: a plain sender on the same link, which
 * writes whatever a non-blocking RFCOMM socket takes, and a plain receiver.
 *
 *   rfcomm_plain listen CHANNEL             one connection after another; prints the bytes and
 *                                           the seconds of each
 *   rfcomm_plain send ADDRESS CHANNEL BYTES [PIECE]   prints the bytes, the seconds until it
 * was connected, and those until the receiver has said that it has all
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BTPROTO_RFCOMM 3
#define PIECE_MAX      65536

struct rfcomm_address {
    sa_family_t family;
    uint8_t device[6]; /* least significant byte first */
    uint8_t channel;
};

static double
now(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

static int
failed(const char *what)
{
    perror(what);
    return 1;
}

static int
take(int fd)
{
    static uint8_t data[PIECE_MAX];
    uint64_t announced;
    size_t total = 0;
    ssize_t n;

    if (fd < 0 || read(fd, &announced, sizeof announced) != sizeof announced)
        return failed("rfcomm_plain: accept");
    double first = now();
    while (total < announced && (n = read(fd, data, sizeof data)) > 0)
        total += (size_t)n;
    double seconds = now() - first;
    if (total == announced && write(fd, "!", 1) != 1)
        return failed("rfcomm_plain: answer");
    printf("received %zu %.6f\n", total, seconds);
    fflush(stdout);
    /* the other side hangs up: what was said last has arrived */
    while (read(fd, data, sizeof data) > 0)
        continue;
    close(fd);
    return total == announced ? 0 : 1;
}

static int
serve(uint8_t channel)
{
    struct rfcomm_address any = {.family = AF_BLUETOOTH, .channel = channel};
    int listener = socket(AF_BLUETOOTH, SOCK_STREAM | SOCK_CLOEXEC, BTPROTO_RFCOMM);

    if (listener < 0 || bind(listener, (struct sockaddr *)&any, sizeof any) != 0 ||
        listen(listener, 1) != 0)
        return failed("rfcomm_plain: listen");
    puts("listening");
    fflush(stdout);
    while (take(accept(listener, NULL, NULL)) == 0)
        continue;
    return 1;
}

static int
wait_for(int fd, short what)
{
    struct pollfd p = {.fd = fd, .events = what};

    return poll(&p, 1, 120000) == 1 ? 0 : -1;
}

static int
send_all(int fd, const uint8_t *data, size_t len, size_t piece)
{
    while (len > 0) {
        ssize_t n = write(fd, data, len < piece ? len : piece);
        if (n < 0 && errno == EAGAIN && wait_for(fd, POLLOUT) == 0)
            continue;
        if (n < 0)
            return -1;
        data += n;
        len -= (size_t)n;
    }
    return 0;
}

static int
sender(const char *address, uint8_t channel, uint64_t bytes, size_t piece)
{
    struct rfcomm_address to = {.family = AF_BLUETOOTH, .channel = channel};
    unsigned b[6];
    uint8_t *data = malloc(bytes), answer;

    if (!data || piece == 0 || piece > PIECE_MAX ||
        sscanf(address, "%x:%x:%x:%x:%x:%x", b, b + 1, b + 2, b + 3, b + 4, b + 5) != 6)
        return 64;
    for (int i = 0; i < 6; i++)
        to.device[i] = (uint8_t)b[5 - i];
    for (uint64_t at = 0; at < bytes; at += 256)
        if (getrandom(data + at, bytes - at < 256 ? bytes - at : 256, 0) < 0)
            return failed("rfcomm_plain: random");
    int fd = socket(AF_BLUETOOTH, SOCK_STREAM | SOCK_CLOEXEC, BTPROTO_RFCOMM);
    double paged = now();
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0)
        return failed("rfcomm_plain: connect");
    fcntl(fd, F_SETFL, O_NONBLOCK);
    double began = now();
    if (send_all(fd, (uint8_t *)&bytes, sizeof bytes, piece) != 0 ||
        send_all(fd, data, bytes, piece) != 0 || wait_for(fd, POLLIN) != 0 ||
        read(fd, &answer, 1) != 1)
        return failed("rfcomm_plain: send");
    printf("sent %llu %.6f %.6f\n", (unsigned long long)bytes, began - paged, now() - began);
    free(data);
    return 0;
}

int
main(int argc, char **argv)
{
    if (argc == 3 && strcmp(argv[1], "listen") == 0)
        return serve((uint8_t)atoi(argv[2]));
    if ((argc == 5 || argc == 6) && strcmp(argv[1], "send") == 0)
        return sender(argv[2], (uint8_t)atoi(argv[3]), strtoull(argv[4], NULL, 10),
                      argc == 6 ? strtoul(argv[5], NULL, 10) : 8192);
    fprintf(stderr,
            "usage: rfcomm_plain listen CHANNEL | send ADDRESS CHANNEL BYTES [PIECE]\n");
    return 64;
}
