/* SPDX-License-Identifier: Apache-2.0
 *
 * A helper's socket and limits (activation.h).
 */
#include "daemon/helper/activation.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_FDS_START 3

bool
ehd_helper_parse_fd(const char *text, int *fd)
{
    char *end;
    long value = strtol(text, &end, 10);

    *fd = (int)value;
    return *text && !*end && value >= 0 && value < EHD_HELPER_FILES_MAX;
}

int
ehd_helper_activation_fd(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

    if (!pid || !count || atol(pid) != (long)getpid() || strcmp(count, "1"))
        return -1;
    fcntl(LISTEN_FDS_START, F_SETFD, FD_CLOEXEC);
    return LISTEN_FDS_START;
}

bool
ehd_helper_is_seqpacket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

void
ehd_helper_limit(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){EHD_HELPER_FILES_MAX, EHD_HELPER_FILES_MAX});
}
