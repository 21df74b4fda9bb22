/* SPDX-License-Identifier: Apache-2.0
 *
 * A host whose machine comes back after a power cut.
 */
#pragma once

#include "tests/daemon/core/host.h"
#include "tests/daemon/core/tape.h"

/* The daemon ends, and starts on what the cut left of that disk. */
void outage_restart(Host *host, const char *air, const TapeDisk *disk, TapeLoss loss);
