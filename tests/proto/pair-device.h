/* SPDX-License-Identifier: Apache-2.0
 *
 * What the devices of a pair do; between pair.c and pair-device.c only.
 */
#pragma once

#include "pair.h"

/* The items of the next transfer: every n-th; 0: none. */
void pair_device_pick(pair *w, size_t every);
/* What the side answers to an event. */
void pair_device_handle(pair_side *side, const ehp_event *ev);
