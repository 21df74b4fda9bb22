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

/* Fields and message ids of the structured log: the ids are random and fixed for good, so that
 * a journal can be searched by them. */
#define EHD_LOG_SESSION    "EHRLINK_SESSION_ID"
#define EHD_LOG_ID_STARTED "6f7c1d1f6f5b4a3d9a53b0f7f3c6a2e1"
#define EHD_LOG_ID_STOPPED "0b6f2d84c9d34f6f8c1e5a7e2d90b3c4"
#define EHD_LOG_ID_SESSION "d2a84c0e51f94b0fb7c86f1a9e3d5b27"
#define EHD_LOG_ID_ENDED   "93c5e7a1b2d04f8e8d6a4c1f7b0e9d35"
#define EHD_LOG_ID_DENIED  "4e1b9a7c3d5f42a0a6c8e2f0d7b59813"
