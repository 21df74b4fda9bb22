/* SPDX-License-Identifier: Apache-2.0
 *
 * The unix link: a directory of stream sockets that stands in for the air. A terminal with
 * address AABBCCDDEEFF on channel 7 listens on DIR/AABBCCDDEEFF.7; a patient's device connects
 * to that name in its own DIR. A directory that two hosts share is a field in which they meet.
 */
#pragma once

#include "daemon/link/link.h"

/* directory: absolute. address: twelve hex digits, or NULL: random for this process. The first
 * free one of channels (each 1..30) is listened on. CONFIG_INVALID: bad address, or DIR too
 * long for a socket's name. */
EhdLink *ehd_link_unix_new(const char *directory, const char *address, const guint8 *channels,
                           guint n_channels, GError **error);
