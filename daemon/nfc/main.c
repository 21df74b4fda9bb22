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
#include "daemon/helper/activation.h"
#include "daemon/nfc/spawn.h"
#include "daemon/nfc/supervisor.h"
#include "daemon/nfc/worker.h"

#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>
#include <sys/prctl.h>

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

static int
supervise(const Options *options)
{
    EhdNfcSupervisorConfig config = {
        .daemon_fd = options->fd,
        .listener_fd = options->fd < 0 ? ehd_helper_activation_fd() : -1,
        .reader = options->reader,
        .verbose = options->verbose,
    };
    int fd = config.daemon_fd >= 0 ? config.daemon_fd : config.listener_fd;

    if (fd < 0 || !ehd_helper_is_seqpacket(fd)) {
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
        else if (option == 'f' && ehd_helper_parse_fd(optarg, &options.fd))
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
    ehd_helper_limit();
    if (options.worker)
        return ehd_nfc_worker_run(EHD_NFC_WORKER_FD, options.reader, options.verbose);
    return supervise(&options);
}
