/* SPDX-License-Identifier: Apache-2.0
 *
 * The journal's message ids: random, and fixed for good, so that a journal can be searched by
 * them. systemd/ehrlink.catalog explains each, in English and German (journalctl -x). No
 * payload, patient's name or address in any message.
 */
#pragma once

#include <glib.h>

#define EHD_LOG_ID_STARTED        "6f7c1d1f6f5b4a3d9a53b0f7f3c6a2e1"
#define EHD_LOG_ID_STOPPED        "0b6f2d84c9d34f6f8c1e5a7e2d90b3c4"
#define EHD_LOG_ID_CANNOT_START   "701e6b50779e40cca9a94e183a83b99a"
#define EHD_LOG_ID_SESSION        "d2a84c0e51f94b0fb7c86f1a9e3d5b27"
#define EHD_LOG_ID_ENDED          "93c5e7a1b2d04f8e8d6a4c1f7b0e9d35"
#define EHD_LOG_ID_DENIED         "4e1b9a7c3d5f42a0a6c8e2f0d7b59813"
#define EHD_LOG_ID_RELOADED       "508196efec484c0c8c9c015f682a8d95"
#define EHD_LOG_ID_RELOAD_REFUSED "84a41aa1f48d47f7aeb5e00f428bfd96"
#define EHD_LOG_ID_CERT_EXPIRES   "5a93100d66af439491563b666f2092ad"
#define EHD_LOG_ID_CERT_EXPIRED   "0cb215a8d8b84bffa16ef5a55d112a08"
#define EHD_LOG_ID_CRL_EXPIRES    "6b546ae3141b483787dce4bd48b7c6af"
#define EHD_LOG_ID_CRL_EXPIRED    "18a5ca3968d449449e0720d011e32d18"
#define EHD_LOG_ID_ANCHOR_EXPIRES "54dbc71d3ae74dbcb1338eb73d695ceb"
#define EHD_LOG_ID_NO_ROOM        "8eaf48b088c44da7bfe61a7148a16ac3"
#define EHD_LOG_ID_BOOKS_FAILED   "3edef0bdfeae4f7e88945b2cfc1cd27a"
#define EHD_LOG_ID_READER         "f34b897281b94520a159b0f3b15bae79"

/* The field that names the session, where there is one. */
#define EHD_LOG_SESSION "EHRLINK_SESSION_ID"

/* One line with its message id. level: G_LOG_LEVEL_MESSAGE or G_LOG_LEVEL_WARNING. */
void ehd_log(GLogLevelFlags level, const char *id, const char *format, ...) G_GNUC_PRINTF(3, 4);
