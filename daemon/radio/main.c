/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrlink-bt: the one program that opens Bluetooth sockets. Options and limits.
 *
 *     ehrlink-bt [--fd N] [--verbose]
 *
 * With --fd, N is the daemon's socket. Without, a listening socket comes by socket activation
 * (LISTEN_FDS, sd_listen_fds(3)).
 */
#include <fcntl.h>
#include <getopt.h>
#include <stdio.h>

#include "daemon/helper/activation.h"
#include "daemon/radio/server.h"

static int
usage(FILE *out)
{
    fputs("usage: ehrlink-bt [--fd N] [--verbose]\n"
          "  --fd      the daemon's socket; without it one is taken by socket activation\n"
          "  --verbose print what fails, never addresses\n",
          out);
    return out == stdout ? 0 : 64;
}

int
main(int argc, char **argv)
{
    static const struct option known[] = {
        {"fd", required_argument, NULL, 'f'},
        {"verbose", no_argument, NULL, 'v'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    EhdRadioConfig config = {.daemon_fd = -1, .listener_fd = -1, .kernel = &ehd_radio_kernel};
    int option, fd;

    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        if (option == 'f' && ehd_helper_parse_fd(optarg, &config.daemon_fd))
            continue;
        else if (option == 'v')
            config.verbose = true;
        else
            return usage(option == 'h' ? stdout : stderr);
    }
    if (optind < argc)
        return usage(stderr);
    if (config.daemon_fd < 0)
        config.listener_fd = ehd_helper_activation_fd();
    fd = config.daemon_fd >= 0 ? config.daemon_fd : config.listener_fd;
    if (fd < 0 || !ehd_helper_is_seqpacket(fd)) {
        fputs("ehrlink-bt: neither --fd nor socket activation gave a socket to serve\n",
              stderr);
        return 64;
    }
    fcntl(fd, F_SETFD, FD_CLOEXEC);
    ehd_helper_limit();
    return ehd_radio_run(&config);
}
