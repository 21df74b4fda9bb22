/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods of org.ehrlink1.Manager: sessions here, identity and trust in identity.c.
 */
#pragma once

#include "daemon/bus/call.h"

void ehd_manager_methods(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton);

/* The call's last argument is an empty dictionary; else the call is answered and FALSE
 * returned. */
gboolean ehd_call_without_options(EhdCall *call);
