/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods of org.ehrlink1.Manager about who this terminal is, whom this device trusts, and
 * what a receipt proves.
 */
#pragma once

#include "daemon/bus/call.h"

void ehd_identity_methods(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton);
