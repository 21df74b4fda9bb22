/* SPDX-License-Identifier: Apache-2.0
 *
 * What runs in an emulated machine for the rig, and what it says to the switch on the host.
 *
 * A frame on the command port: kind (1), number of the program (4, little endian), length of
 * what follows (2, little endian), that. Several programs run at once.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define GUEST_HEADER 7
#define GUEST_BODY   8192

enum guest_kind {
    GUEST_RUN =
        'R', /* to the machine: directory, environment, empty, arguments, each with a NUL */
    GUEST_INPUT = 'I',  /* to the machine: for its standard input; empty: the end of it */
    GUEST_SIGNAL = 'S', /* to the machine: one byte, for its process group */
    GUEST_OUT = 'O',
    GUEST_ERR = 'E',
    GUEST_EXIT = 'Q', /* from the machine: exit status, 128 + n for a signal, in one byte */
    GUEST_READY = 'Y',
};

/* Opens the virtio port of that name, whatever its number is. Returns -1 after ten seconds. */
int guest_port(const char *name);

/* Runs programs for the switch, and is the parent of whatever loses its own. Never returns. */
int guest_agent(void);
/* Joins the kernel's virtual controller to the port `name` until SIGTERM, which pulls it out.
 */
int guest_bridge(const char *name);
