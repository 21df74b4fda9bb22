/* SPDX-License-Identifier: Apache-2.0
 *
 * ehrlink-bt's work: one daemon at a time, its connects and management commands, all in one
 * poll loop. Nothing in it blocks, so that there is no worker to kill (unlike ehrlink-nfc).
 */
#pragma once

#include <stdbool.h>

#include "daemon/radio/kernel.h"

typedef struct {
    int daemon_fd;   /* the daemon's socket, or -1 */
    int listener_fd; /* or one to accept the daemon on */
    bool verbose;
    const EhdRadioKernel *kernel; /* borrowed */
} EhdRadioConfig;

/* Runs until the daemon hangs up (or, with a listener, nobody came for 30 s) or SIGTERM; puts
 * back what it set, and returns the exit code. */
int ehd_radio_run(const EhdRadioConfig *config);
