/* SPDX-License-Identifier: Apache-2.0
 *
 * Which boot of this machine something was written in. What was changed of an adapter, or made
 * known to bluetoothd, is of no meaning after the next one.
 */
#pragma once

#include <glib.h>

/* When this boot began, in seconds of the wall clock; computed anew, it may differ by what the
 * clock was set meanwhile. */
gint64 ehd_boot_moment(void);
/* moment, as written by an earlier run, is of this boot. */
gboolean ehd_boot_is_this(gint64 moment);
