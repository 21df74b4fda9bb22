/* SPDX-License-Identifier: Apache-2.0
 *
 * The link of a machine that has none: everything answers LINK_UNAVAILABLE and says why.
 */
#pragma once

#include "daemon/link/link.h"

/* why: English, copied. */
EhdLink *ehd_link_none_new(const char *why);
