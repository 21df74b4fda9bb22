/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrlink-nfc: the one program that touches the NFC reader. Options, limits, and the choice
 * between supervisor and worker.
 *
 *     ehrlink-nfc [--reader CONNSTRING|auto] [--fd N] [--verbose]
 *
 * With --fd, N is the daemon's socket. Without, a listening socket comes by socket activation
 * (LISTEN_FDS, sd_listen_fds(3)), and the daemon that connects may name the reader.
 */
#include "daemon/nfc/spawn.h"
#include "daemon/nfc/supervisor.h"
#include "daemon/nfc/worker.h"

#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#define LISTEN_FDS_START 3
/* libnfc puts its serial port in an fd_set: fd 1024 would be the end. Nothing here needs many.
 */
#define FILES_MAX        128

typedef struct {
    const char *reader;
    int fd;
    bool worker;
    bool verbose;
} Options;

static int
usage(FILE *out)
{
    fputs("usage: ehrlink-nfc [--reader CONNSTRING|auto] [--fd N] [--verbose]\n"
          "  --reader  the reader, as libnfc names it (pn532_uart:/dev/ttyUSB0:115200), or "
          "auto;\n"
          "            without it the daemon says which\n"
          "  --fd      the daemon's socket; without it one is taken by socket activation\n"
          "  --verbose print states and sizes, never contents\n",
          out);
    return out == stdout ? 0 : 64;
}

static bool
parse_fd(const char *text, int *fd)
{
    char *end;
    long value = strtol(text, &end, 10);

    *fd = (int)value;
    return *text && !*end && value >= 0 && value < FILES_MAX;
}

/* A listening socket from the service manager; -1 if there is none. */
static int
activation_fd(void)
{
    const char *pid = getenv("LISTEN_PID"), *count = getenv("LISTEN_FDS");

    if (!pid || !count || atol(pid) != (long)getpid() || strcmp(count, "1"))
        return -1;
    fcntl(LISTEN_FDS_START, F_SETFD, FD_CLOEXEC);
    return LISTEN_FDS_START;
}

static bool
is_seqpacket(int fd)
{
    int type = 0;
    socklen_t size = sizeof type;

    return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_SEQPACKET;
}

/* No core file: it would hold what a tap carried. */
static void
limit(void)
{
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){FILES_MAX, FILES_MAX});
}

static int
supervise(const Options *options)
{
    EhdNfcSupervisorConfig config = {
        .daemon_fd = options->fd,
        .listener_fd = options->fd < 0 ? activation_fd() : -1,
        .reader = options->reader,
        .verbose = options->verbose,
    };
    int fd = config.daemon_fd >= 0 ? config.daemon_fd : config.listener_fd;

    if (fd < 0 || !is_seqpacket(fd)) {
        fputs("ehrlink-nfc: neither --fd nor socket activation gave a socket to serve\n",
              stderr);
        return 64;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    return ehd_nfc_supervisor_run(&config);
}

int
main(int argc, char **argv)
{
    static const struct option known[] = {
        {"reader", required_argument, NULL, 'r'}, {"fd", required_argument, NULL, 'f'},
        {"worker", no_argument, NULL, 'w'},       {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},         {NULL, 0, NULL, 0},
    };
    Options options = {.fd = -1};
    int option;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'r')
            options.reader = optarg;
        else if (option == 'f' && parse_fd(optarg, &options.fd))
            continue;
        else if (option == 'w')
            options.worker = true;
        else if (option == 'v')
            options.verbose = true;
        else
            return usage(option == 'h' ? stdout : stderr);
    }
    bool named = options.reader && *options.reader;
    if (optind < argc || (options.reader && !named) || (options.worker && !named))
        return usage(stderr);
    /* a worker is executed by way of /proc and would be called "exe" */
    prctl(PR_SET_NAME, "ehrlink-nfc");
    limit();
    if (options.worker)
        return ehd_nfc_worker_run(EHD_NFC_WORKER_FD, options.reader, options.verbose);
    return supervise(&options);
}
