/* SPDX-License-Identifier: Apache-2.0
 *
 * The methods of org.ehrlink1.Session.
 */
#pragma once

#include "daemon/bus/call.h"
#include "daemon/core/session.h"

void ehd_session_methods(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton);

/* The session at the call's path if the caller's uid owns it; else the call is answered and
 * NULL returned. Every method of Session and Transfer begins with it. */
EhdSession *ehd_call_find_session(EhdCall *call);
