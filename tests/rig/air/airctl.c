/* SPDX-License-Identifier: Apache-2.0
 *
 * airctl COMMAND [ARGUMENT…]: says one line to the air whose control socket is in AIR_CONTROL,
 * prints the answer. Exit 0 for "ok", 1 for "error", 69 when there is no air.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    const char *path = getenv("AIR_CONTROL");
    char line[512] = "", answer[512];
    size_t len = 0;

    if (argc < 2 || !path || strlen(path) >= sizeof to.sun_path) {
        fprintf(stderr, "usage: AIR_CONTROL=SOCKET airctl COMMAND [ARGUMENT…]\n");
        return 64;
    }
    for (int i = 1; i < argc; i++)
        len += (size_t)snprintf(line + len, len < sizeof line ? sizeof line - len : 0, "%s%s",
                                argv[i], i + 1 < argc ? " " : "\n");
    if (len >= sizeof line)
        return 64;
    strcpy(to.sun_path, path);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        write(fd, line, len) != (ssize_t)len) {
        perror("airctl");
        return 69;
    }
    ssize_t n = read(fd, answer, sizeof answer - 1);
    if (n <= 0) {
        fprintf(stderr, "airctl: no answer\n");
        return 69;
    }
    answer[n] = 0;
    fputs(answer, stdout);
    return strncmp(answer, "ok", 2) == 0 ? 0 : 1;
}
