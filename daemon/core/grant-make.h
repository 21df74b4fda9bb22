/* SPDX-License-Identifier: Apache-2.0
 *
 * The one way to make a grant. Included by the gate and by tests, and by nothing else.
 */
#pragma once

#include "daemon/core/grant.h"

/* (transfer full): uid was found by the gate to be permitted action. */
EhdGrant *ehd_grant_make(uid_t uid, EhdAction action);
