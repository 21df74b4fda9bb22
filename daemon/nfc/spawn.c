/* SPDX-License-Identifier: Apache-2.0
 *
 * See spawn.h. The worker is executed, not only forked, so that each one begins with a fresh
 * address space layout and nothing of the last one's memory.
 */
#include "daemon/nfc/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <unistd.h>

/* Whoever set LIBNFC_DEVICE in our environment does not choose the reader. */
static char *const environment[] = {
    (char *)"LIBNFC_LOG_LEVEL=0",
    (char *)"LIBNFC_INTRUSIVE_SCAN=false",
    (char *)"LIBUSB_DEBUG=0",
    NULL,
};

static void __attribute__((noreturn))
become_worker(const char *reader, bool verbose, int fd, pid_t parent)
{
    char *const args[] = {
        (char *)"ehrlink-nfc",
        (char *)"--worker",
        (char *)"--reader",
        (char *)reader,
        verbose ? (char *)"--verbose" : NULL,
        NULL,
    };
    sigset_t none;

    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() == parent && dup2(fd, EHD_NFC_WORKER_FD) == EHD_NFC_WORKER_FD &&
        close_range(EHD_NFC_WORKER_FD + 1, ~0u, 0) == 0)
        execve("/proc/self/exe", args, environment);
    _exit(127);
}

pid_t
ehd_nfc_spawn_worker(const char *reader, bool verbose, int *fd)
{
    pid_t parent = getpid(), child;
    int pair[2];

    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair))
        return -1;
    /* dup2 onto itself would keep FD_CLOEXEC */
    if (pair[1] == EHD_NFC_WORKER_FD)
        fcntl(pair[1], F_SETFD, 0);
    child = fork();
    if (child == 0)
        become_worker(reader, verbose, pair[1], parent);
    close(pair[1]);
    if (child < 0) {
        close(pair[0]);
        return -1;
    }
    *fd = pair[0];
    return child;
}
