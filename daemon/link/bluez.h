/* SPDX-License-Identifier: Apache-2.0
 *
 * The Bluetooth link: RFCOMM through bluetoothd, and for connecting through ehrlink-bt where it
 * is installed. README.md of this room says what goes which way.
 */
#pragma once

#include "daemon/link/link.h"

EhdLink *ehd_link_bluez_new(const EhdLinkParts *parts, GError **error);
