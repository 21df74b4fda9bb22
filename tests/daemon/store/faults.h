/* SPDX-License-Identifier: Apache-2.0
 *
 * Faults of the medium, put in by the linker (--wrap): the product has no hooks for them.
 */
#pragma once

#include <glib.h>

typedef enum {
    FAULT_NONE,
    FAULT_WRITE,
    FAULT_SHORT_WRITE, /* takes one byte and says so */
    FAULT_FSYNC,       /* fsync, fdatasync and syncfs count together */
    FAULT_RENAME,
    FAULT_FALLOCATE,
    FAULT_STATVFS, /* says that nothing is free */
    FAULT_OPEN,    /* openat */
    FAULT_READ,
} Fault;

/* The `at`-th call (from 1) of this kind fails with errno `error`, once. */
void faults_set(Fault fault, int at, int error);
void faults_clear(void);
/* Did it happen? */
gboolean faults_hit(void);
