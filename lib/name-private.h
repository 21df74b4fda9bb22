/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "ehrlink-name.h"

/* As ehrlink_safe_name(), with at most @max bytes (at least 64), for file systems whose names
 * are shorter than 255. */
char *ehrlink_safe_name_within(const char *name, guint number, gsize max);
