/* SPDX-License-Identifier: Apache-2.0
 *
 * rigsay SOCKET WORD…: says one line to a control socket of the rig and prints the answer. Exit 0 for "ok", 1 for "error", 69 when
 * nobody is there.
 */
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

int
main(int argc, char **argv)
{
    struct sockaddr_un to = {.sun_family = AF_UNIX};
    char line[4096], answer[512];
    size_t len = 0;

    if (argc < 3 || strlen(argv[1]) >= sizeof to.sun_path) {
        fprintf(stderr, "usage: rigsay SOCKET WORD…\n");
        return 64;
    }
    for (int i = 2; i < argc && len < sizeof line; i++)
        len += (size_t)snprintf(line + len, sizeof line - len, "%s%c", argv[i],
                                i + 1 < argc ? ' ' : '\n');
    if (len >= sizeof line)
        return 64;
    strcpy(to.sun_path, argv[1]);
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&to, sizeof to) != 0 ||
        write(fd, line, len) != (ssize_t)len) {
        perror("rigsay");
        return 69;
    }
    ssize_t n = read(fd, answer, sizeof answer - 1);
    if (n <= 0) {
        fprintf(stderr, "rigsay: no answer\n");
        return 69;
    }
    answer[n] = 0;
    fputs(answer, stdout);
    return strncmp(answer, "ok", 2) == 0 ? 0 : 1;
}
