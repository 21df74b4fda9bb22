/* SPDX-License-Identifier: Apache-2.0
 *
 * What the service manager is told: that the main loop still turns (sd_notify(3), WatchdogSec=
 * in the unit). Does nothing where nobody asked.
 */
#pragma once

#include <glib.h>

typedef struct EhdWatchdog EhdWatchdog;

/* Reads NOTIFY_SOCKET, WATCHDOG_USEC and WATCHDOG_PID, which the service manager sets, and
 * takes them out of the environment. NULL: nobody watches. Main context. */
EhdWatchdog *ehd_watchdog_new(void);
void ehd_watchdog_free(EhdWatchdog *watchdog);
