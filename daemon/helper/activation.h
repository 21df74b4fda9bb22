/* SPDX-License-Identifier: Apache-2.0
 *
 * How a helper program comes by its socket: --fd N from the daemon that spawned it, or a
 * listening socket by socket activation (LISTEN_FDS, sd_listen_fds(3)). Once, at start.
 */
#pragma once

#include <stdbool.h>

/* Descriptors a helper may have; libnfc waits with select(2), whose end is 1024. */
#define EHD_HELPER_FILES_MAX 128

/* A decimal descriptor number below EHD_HELPER_FILES_MAX. */
bool ehd_helper_parse_fd(const char *text, int *fd);
/* The listening socket that a service manager gave us, close-on-exec; -1: none. */
int ehd_helper_activation_fd(void);
/* Is it open, and of the kind that carries our messages? */
bool ehd_helper_is_seqpacket(int fd);
/* No core file (it would hold what a tap carried), few descriptors. */
void ehd_helper_limit(void);
