/* SPDX-License-Identifier: Apache-2.0
 *
 * Why no USB reader can be opened: is one plugged in, and who holds it?
 */
#pragma once

#include "proto/status.h"

#include <stddef.h>

/* EHP_NO_READER: none is plugged in, or it may not be opened; EHP_READER_BUSY: a kernel module
 * or another program holds it; EHP_READER_MUTE: it is there and free, yet could not be opened.
 * Writes a line for people into detail. Reads below `root` ("" but in tests): sys/bus/usb,
 * proc, dev. */
ehp_status ehd_nfc_usb_verdict(const char *root, char *detail, size_t size);
