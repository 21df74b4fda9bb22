/* SPDX-License-Identifier: Apache-2.0
 *
 * Starting a worker: the same program with --worker, an empty environment, one socket.
 */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

/* The socket that a worker finds its supervisor at. */
#define EHD_NFC_WORKER_FD 3

/* Returns the pid and our end of the socket, or -1 with errno. */
pid_t ehd_nfc_spawn_worker(const char *reader, bool verbose, int *fd);
