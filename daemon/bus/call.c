/* SPDX-License-Identifier: Apache-2.0
 *
 * The way of every method call through the daemon. One marshaller takes the place of one
 * handler function per method: the arguments are read from the message.
 */
#include "daemon/bus/call.h"

#include <gio/gunixfdlist.h>
#include <unistd.h>

#include "daemon/bus/names.h"
#include "daemon/log.h"
#include "daemon/error.h"
#include "daemon/words.h"

struct EhdCalls {
    EhdCallers *callers; /* borrowed */
    EhdGate *gate;       /* borrowed */
    GFunc on_drained;
    gpointer user_data;
    guint count;
    gboolean closed;
};

struct EhdCall {
    EhdCalls *calls;                   /* borrowed */
    GDBusMethodInvocation *invocation; /* owned until answered */
    EhdCaller *caller;                 /* owned */
    gboolean entered, uid_entered;
    EhdCallStep step;
    EhdGrant *grant; /* owned, or NULL */
    gpointer data;
    GDestroyNotify free_data;
};

EhdCalls *
ehd_calls_new(EhdCallers *callers, EhdGate *gate, GFunc on_drained, gpointer user_data)
{
    EhdCalls *calls = g_new0(EhdCalls, 1);
    calls->callers = callers;
    calls->gate = gate;
    calls->on_drained = on_drained;
    calls->user_data = user_data;
    return calls;
}

void
ehd_calls_free(EhdCalls *calls)
{
    g_free(calls);
}

void
ehd_calls_close(EhdCalls *calls)
{
    calls->closed = TRUE;
}

guint
ehd_calls_count(const EhdCalls *calls)
{
    return calls->count;
}

/* The answer is on its way. */
static void
call_end(EhdCall *call)
{
    EhdCalls *calls = call->calls;
    if (call->entered)
        ehd_caller_leave(call->caller, call->uid_entered);
    ehd_caller_unref(call->caller);
    g_clear_pointer(&call->grant, ehd_grant_free);
    if (call->free_data != NULL)
        call->free_data(call->data);
    g_free(call);
    if (--calls->count == 0)
        calls->on_drained(calls->user_data, NULL);
}

void
ehd_call_return(EhdCall *call, GVariant *value)
{
    g_dbus_method_invocation_return_value(g_steal_pointer(&call->invocation), value);
    call_end(call);
}

void
ehd_call_return_fd(EhdCall *call, int fd)
{
    g_autoptr(GUnixFDList) list = g_unix_fd_list_new_from_array(&fd, 1);
    g_dbus_method_invocation_return_value_with_unix_fd_list(g_steal_pointer(&call->invocation),
                                                            g_variant_new("(h)", 0), list);
    call_end(call);
}

static void
log_denied(EhdCall *call)
{
    g_log_structured(G_LOG_DOMAIN, G_LOG_LEVEL_MESSAGE, "MESSAGE_ID", EHD_LOG_ID_DENIED,
                     "MESSAGE", "%s denied to a program of uid %u",
                     g_dbus_method_invocation_get_method_name(call->invocation),
                     (guint)ehd_caller_get_uid(call->caller));
}

void
ehd_call_fail(EhdCall *call, GError *error)
{
    if (error->domain != EHD_ERROR) {
        GError *ours = NULL;
        ehd_error_set(&ours, EHP_INTERNAL, "%s", error->message);
        g_error_free(error);
        error = ours;
    }
    if (error->code == EHP_NOT_AUTHORIZED && !ehd_caller_is_gone(call->caller))
        log_denied(call);
    g_dbus_method_invocation_take_error(g_steal_pointer(&call->invocation), error);
    call_end(call);
}

static void
on_caller_known(EhdCaller *caller, gpointer user_data)
{
    EhdCall *call = user_data;
    GError *error = NULL;
    if (ehd_caller_is_gone(caller) || call->calls->closed) {
        ehd_error_set(&error, EHP_CANCELLED, N_("the caller left or the service stops"));
        ehd_call_fail(call, error);
        return;
    }
    call->uid_entered = ehd_caller_enter_uid(caller, &error);
    if (call->uid_entered)
        call->step(call);
    else
        ehd_call_fail(call, error);
}

/* invocation: (transfer full) */
static void
call_begin(EhdCalls *calls, GDBusMethodInvocation *invocation, EhdCallStep step)
{
    EhdCall *call = g_new0(EhdCall, 1);
    GError *error = NULL;
    calls->count++;
    call->calls = calls;
    call->invocation = invocation;
    call->step = step;
    call->caller =
        ehd_callers_get(calls->callers, g_dbus_method_invocation_get_sender(invocation));
    call->entered = ehd_caller_enter(call->caller, &error);
    if (call->entered)
        ehd_caller_when_known(call->caller, on_caller_known, call);
    else
        ehd_call_fail(call, error);
}

typedef struct {
    GClosure closure;
    EhdCalls *calls;
    EhdCallStep step;
} MethodClosure;

/* The generated handle-… signals have (skeleton, invocation, the arguments unpacked); the
 * invocation has all that is needed. TRUE: handled. */
static void
marshal_method(GClosure *closure, GValue *result, guint n_values, const GValue *values,
               gpointer hint, gpointer marshal_data)
{
    MethodClosure *method = (MethodClosure *)closure;
    g_assert(n_values >= 2);
    g_value_set_boolean(result, TRUE);
    call_begin(method->calls, g_value_get_object(&values[1]), method->step);
}

void
ehd_calls_connect(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton, const EhdMethod *methods,
                  gsize n_methods)
{
    for (gsize i = 0; i < n_methods; i++) {
        GClosure *closure = g_closure_new_simple(sizeof(MethodClosure), NULL);
        ((MethodClosure *)closure)->calls = calls;
        ((MethodClosure *)closure)->step = methods[i].step;
        g_closure_set_marshal(closure, marshal_method);
        g_signal_connect_closure(skeleton, methods[i].signal, closure, FALSE);
    }
}

gpointer
ehd_call_get_owner(EhdCall *call)
{
    return call->calls->user_data;
}

EhdCaller *
ehd_call_get_caller(EhdCall *call)
{
    return call->caller;
}

uid_t
ehd_call_get_uid(EhdCall *call)
{
    return ehd_caller_get_uid(call->caller);
}

const char *
ehd_call_get_path(EhdCall *call)
{
    return g_dbus_method_invocation_get_object_path(call->invocation);
}

GVariant *
ehd_call_get_arguments(EhdCall *call)
{
    return g_dbus_method_invocation_get_parameters(call->invocation);
}

void
ehd_call_set_data(EhdCall *call, gpointer data, GDestroyNotify free_data)
{
    g_assert(call->free_data == NULL);
    call->data = data;
    call->free_data = free_data;
}

gpointer
ehd_call_get_data(EhdCall *call)
{
    return call->data;
}

static void
on_authorised(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdCall *call = user_data;
    GError *error = NULL;
    call->grant = ehd_gate_check_finish(call->calls->gate, result, &error);
    if (call->grant != NULL && !ehd_caller_is_gone(call->caller) && !call->calls->closed) {
        call->step(call);
        return;
    }
    if (error == NULL || error->domain == G_IO_ERROR) {
        g_clear_error(&error);
        ehd_error_set(&error, EHP_CANCELLED, N_("the caller left or the service stops"));
    }
    ehd_call_fail(call, error);
}

void
ehd_call_authorise(EhdCall *call, EhdAction action, EhdCallStep step)
{
    GDBusMessage *message = g_dbus_method_invocation_get_message(call->invocation);
    gboolean interactive = (g_dbus_message_get_flags(message) &
                            G_DBUS_MESSAGE_FLAGS_ALLOW_INTERACTIVE_AUTHORIZATION) != 0;
    call->step = step;
    ehd_gate_check_async(call->calls->gate, ehd_caller_get_name(call->caller),
                         ehd_caller_get_uid(call->caller), action, interactive,
                         ehd_caller_get_cancellable(call->caller), on_authorised, call);
}

const EhdGrant *
ehd_call_get_grant(EhdCall *call)
{
    return call->grant;
}
