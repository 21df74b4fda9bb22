/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdCall: one method call, from its arrival to its answer. Between the two it is counted (the
 * service does not leave while it has calls) and goes through the same steps whatever the
 * method: limits, the caller's uid, for privileged ones the gate, then the adapter's step.
 * Exactly one of the return functions ends it. All in the main context of the connection.
 */
#pragma once

#include "daemon/bus/caller.h"
#include "daemon/bus/gate.h"

typedef struct EhdCalls EhdCalls;
typedef struct EhdCall EhdCall;
typedef void (*EhdCallStep)(EhdCall *call);

typedef struct {
    const char *signal; /* of the generated skeleton: "handle-send" */
    EhdCallStep step;
} EhdMethod;

/* user_data is what ehd_call_get_owner gives; on_drained is called whenever the last call under
 * way was answered. gate and callers are borrowed and outlive it. */
EhdCalls *ehd_calls_new(EhdCallers *callers, EhdGate *gate, GFunc on_drained,
                        gpointer user_data);
/* With no call under way. */
void ehd_calls_free(EhdCalls *calls);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdCalls, ehd_calls_free)
/* From now on every call is answered CANCELLED before its step. */
void ehd_calls_close(EhdCalls *calls);
guint ehd_calls_count(const EhdCalls *calls);

/* The skeleton's methods are handled by these steps, from when the caller's uid is known. calls
 * outlives the skeleton. */
void ehd_calls_connect(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton,
                       const EhdMethod *methods, gsize n_methods);

gpointer ehd_call_get_owner(EhdCall *call);
EhdCaller *ehd_call_get_caller(EhdCall *call);
uid_t ehd_call_get_uid(EhdCall *call);
const char *ehd_call_get_path(EhdCall *call);
/* Borrowed until the call is answered. */
GVariant *ehd_call_get_arguments(EhdCall *call);

/* Something of the step's own, freed with the call. Set once. */
void ehd_call_set_data(EhdCall *call, gpointer data, GDestroyNotify free_data);
gpointer ehd_call_get_data(EhdCall *call);

/* Goes on with step once the gate has given a grant for action; answers the call otherwise. */
void ehd_call_authorise(EhdCall *call, EhdAction action, EhdCallStep step);
/* Only after that. */
const EhdGrant *ehd_call_get_grant(EhdCall *call);

/* value: a tuple, floating; NULL: nothing to say. */
void ehd_call_return(EhdCall *call, GVariant *value);
/* fd: (transfer full); the reply is (h). */
void ehd_call_return_fd(EhdCall *call, int fd);
/* error: (transfer full). What is not an EHD_ERROR becomes INTERNAL. */
void ehd_call_fail(EhdCall *call, GError *error);
