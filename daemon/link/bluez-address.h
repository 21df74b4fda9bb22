/* SPDX-License-Identifier: Apache-2.0
 *
 * Bluetooth addresses as text. Pure.
 */
#pragma once

#include <glib.h>

/* "AA:BB:CC:DD:EE:FF" or "AABBCCDDEEFF". FALSE: neither; address is then unchanged. */
gboolean ehd_bluez_address_parse(const char *text, guint8 address[6]);
