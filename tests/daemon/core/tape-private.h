/* SPDX-License-Identifier: Apache-2.0
 *
 * Between tape.c, which records, and tape-disk.c, which plays.
 */
#pragma once

#include "tests/daemon/core/tape.h"

enum { CREATE, EMPTY, WRITE, CUT, RENAME, UNLINK, MKDIR, SYNC, SYNC_ALL };

/* What is below root, all of it durable. */
TapeDisk *tape_disk_read(const char *root);
