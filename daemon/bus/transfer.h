/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods of org.ehrlink1.Transfer.
 */
#pragma once

#include "daemon/bus/call.h"

void ehd_transfer_methods(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton);
