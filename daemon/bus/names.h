/* SPDX-License-Identifier: Apache-2.0
 *
 * Every string by which others know us on the bus. proto/dbus/ holds the contracts behind them.
 */
#pragma once

#define EHD_BUS_NAME        "org.ehrlink1"
#define EHD_BUS_ROOT        "/org/ehrlink1"
#define EHD_BUS_SESSION_DIR "/org/ehrlink1/session/"
#define EHD_BUS_MANAGER     "org.ehrlink1.Manager"
#define EHD_BUS_SESSION     "org.ehrlink1.Session"
#define EHD_BUS_TRANSFER    "org.ehrlink1.Transfer"
#define EHD_BUS_AGENT       "org.ehrlink1.Agent"
