/* SPDX-License-Identifier: Apache-2.0
 *
 * The supervisor: stands between the daemon and a worker that may crash or hang in libnfc. It
 * never calls libnfc, allocates nothing, and speaks for a worker that cannot.
 */
#pragma once

#include <stdbool.h>

typedef struct {
    int daemon_fd;      /* the daemon's socket, or -1 */
    int listener_fd;    /* or one to accept the daemon on */
    const char *reader; /* NULL: the daemon names it, or "auto" */
    bool verbose;
} EhdNfcSupervisorConfig;

/* Runs until the daemon hangs up (or, with a listener, nobody came for 30 s); returns the exit
 * code. Ends its worker in good order first. */
int ehd_nfc_supervisor_run(const EhdNfcSupervisorConfig *config);
