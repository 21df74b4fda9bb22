/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdSessionObject: one session of the core as objects on the bus, and its owner: the
 * connection that signals are sent to and whose agent is asked. It listens to the core and
 * translates; org.ehrlink1.Session and .Transfer methods are in session.c and transfer.c.
 */
#pragma once

#include "daemon/bus/call.h"
#include "daemon/core/session.h"

typedef struct EhdSessionObject EhdSessionObject;

/* Exports the session, without an owner. calls, manager and session outlive the object. */
EhdSessionObject *ehd_session_object_new(GDBusObjectManagerServer *manager, EhdCalls *calls,
                                         EhdSession *session);
/* Unexports. */
void ehd_session_object_free(EhdSessionObject *object);

/* From now on this connection is the owner, and the agent at its path is asked. What was asked
 * of the one before is void. A caller that is gone already is treated as one that leaves now.
 */
void ehd_session_object_set_owner(EhdSessionObject *object, EhdCaller *owner,
                                  const char *agent_path);
/* The caller left the bus; does nothing unless it is the owner. */
void ehd_session_object_caller_gone(EhdSessionObject *object, EhdCaller *caller);
/* Whether a connection has it at this moment. */
gboolean ehd_session_object_is_owned(const EhdSessionObject *object);
/* The session's state, or its transfer's, changed: the broadcast properties follow. */
void ehd_session_object_refresh(EhdSessionObject *object);
