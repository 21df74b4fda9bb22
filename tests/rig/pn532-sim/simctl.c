/* SPDX-License-Identifier: Apache-2.0
 *
 * simctl DIR COMMAND…: says one command to the pn532-sim of DIR and prints its answer. Exit 0
 * on "ok", 75 on "timeout", 64 if it was not understood, 69 if there is no simulator.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static int
connect_to(const char *dir)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int len = snprintf(address.sun_path, sizeof address.sun_path, "%s/control", dir);

    if (fd < 0 || len >= (int)sizeof address.sun_path ||
        connect(fd, (struct sockaddr *)&address, sizeof address)) {
        perror("simctl: no simulator");
        return -1;
    }
    return fd;
}

static int
exit_code(const char *answer)
{
    if (!strncmp(answer, "ok", 2))
        return 0;
    return strncmp(answer, "timeout", 7) ? 64 : 75;
}

int
main(int argc, char **argv)
{
    char line[256] = "";
    size_t len = 0;
    FILE *stream;
    int fd;

    if (argc < 3) {
        fputs("usage: simctl DIR COMMAND…\n", stderr);
        return 64;
    }
    for (int i = 2; i < argc && len < sizeof line; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%s%c", argv[i],
                                i + 1 < argc ? ' ' : '\n');
    fd = connect_to(argv[1]);
    stream = fd < 0 ? NULL : fdopen(fd, "r+");
    if (!stream || len >= sizeof line)
        return 69;
    fputs(line, stream);
    fflush(stream);
    if (!fgets(line, sizeof line, stream))
        return 69;
    fputs(line, stdout);
    return exit_code(line);
}
