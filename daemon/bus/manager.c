/* SPDX-License-Identifier: Apache-2.0
 *
 * org.ehrlink1.Manager, what is about sessions. Options are read before the gate is asked, so
 * that nobody is prompted for a call that could not succeed.
 */
#include "daemon/bus/manager.h"

#include "daemon/bus/bus.h"
#include "daemon/bus/details.h"
#include "daemon/bus/identity.h"
#include "daemon/bus/options.h"
#include "daemon/bus/requests.h"
#include "daemon/bus/session-object.h"
#include "daemon/error.h"
#include "daemon/words.h"

gboolean
ehd_call_without_options(EhdCall *call)
{
    GVariant *arguments = ehd_call_get_arguments(call);
    g_autoptr(GVariant) options =
        g_variant_get_child_value(arguments, g_variant_n_children(arguments) - 1);
    GError *error = NULL;
    if (ehd_options_none(options, &error))
        return TRUE;
    ehd_call_fail(call, error);
    return FALSE;
}

/* The bus was closed while the core worked: there is nothing any more to hang the result on. */
static gboolean
fail_if_closed(EhdCall *call)
{
    GError *error = NULL;
    if (ehd_bus_get_core(ehd_call_get_owner(call)) != NULL)
        return FALSE;
    ehd_error_set(&error, EHP_CANCELLED, N_("the service stops"));
    ehd_call_fail(call, error);
    return TRUE;
}

/* The new session gets its caller as owner, and the caller its path. */
static void
return_session(EhdCall *call, EhdSession *session, const char *agent)
{
    if (fail_if_closed(call))
        return;
    EhdSessionObject *object = ehd_bus_get_object(ehd_call_get_owner(call), session);
    ehd_session_object_set_owner(object, ehd_call_get_caller(call), agent);
    g_autofree char *path = ehd_session_path(ehd_session_get_info(session)->id);
    ehd_call_return(call, g_variant_new("(o)", path));
}

/* --- Send ------------------------------------------------------------------------------------
 */

typedef struct {
    GVariant *items, *options; /* owned; what request borrows from */
    EhdSendRequest request;
} SendCall;

static void
send_call_free(gpointer data)
{
    SendCall *send = data;
    ehd_send_request_clear(&send->request);
    g_variant_unref(send->items);
    g_variant_unref(send->options);
    g_free(send);
}

static void
on_sent(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdCall *call = user_data;
    SendCall *send = ehd_call_get_data(call);
    GError *error = NULL;
    EhdSession *session =
        ehd_core_send_finish(ehd_bus_get_core(ehd_call_get_owner(call)), result, &error);
    if (session != NULL)
        return_session(call, session, send->request.agent);
    else
        ehd_call_fail(call, error);
}

static void
step_send_granted(EhdCall *call)
{
    SendCall *send = ehd_call_get_data(call);
    ehd_core_send_async(ehd_bus_get_core(ehd_call_get_owner(call)), ehd_call_get_grant(call),
                        &send->request.options, on_sent, call);
}

static void
step_send(EhdCall *call)
{
    GError *error = NULL;
    SendCall *send = g_new0(SendCall, 1);
    g_variant_get(ehd_call_get_arguments(call), "(@aa{sv}@a{sv})", &send->items,
                  &send->options);
    ehd_call_set_data(call, send, send_call_free);
    if (ehd_send_request_parse(&send->request, send->items, send->options, &error))
        ehd_call_authorise(call, EHD_ACTION_SEND, step_send_granted);
    else
        ehd_call_fail(call, error);
}

/* --- Receive ---------------------------------------------------------------------------------
 */

typedef struct {
    GVariant *options; /* owned; what request borrows from */
    EhdReceiveRequest request;
} ReceiveCall;

static void
receive_call_free(gpointer data)
{
    ReceiveCall *receive = data;
    ehd_receive_request_clear(&receive->request);
    g_variant_unref(receive->options);
    g_free(receive);
}

static void
on_receiving(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdCall *call = user_data;
    ReceiveCall *receive = ehd_call_get_data(call);
    GError *error = NULL;
    EhdSession *session =
        ehd_core_receive_finish(ehd_bus_get_core(ehd_call_get_owner(call)), result, &error);
    if (session != NULL)
        return_session(call, session, receive->request.agent);
    else
        ehd_call_fail(call, error);
}

static void
step_receive_granted(EhdCall *call)
{
    ReceiveCall *receive = ehd_call_get_data(call);
    ehd_core_receive_async(ehd_bus_get_core(ehd_call_get_owner(call)), ehd_call_get_grant(call),
                           &receive->request.options, on_receiving, call);
}

static void
step_receive(EhdCall *call)
{
    GError *error = NULL;
    ReceiveCall *receive = g_new0(ReceiveCall, 1);
    g_variant_get(ehd_call_get_arguments(call), "(@a{sv})", &receive->options);
    ehd_call_set_data(call, receive, receive_call_free);
    if (ehd_receive_request_parse(&receive->request, receive->options, &error))
        ehd_call_authorise(call, EHD_ACTION_RECEIVE, step_receive_granted);
    else
        ehd_call_fail(call, error);
}

/* --- Reattach, ListSessions ------------------------------------------------------------------
 */

static EhdSession *
find_by_path(EhdCall *call, const char *path, GError **error)
{
    g_autofree char *id = ehd_session_id_of_path(path);
    g_autofree char *whole = id != NULL ? ehd_session_path(id) : NULL;
    if (g_strcmp0(whole, path) != 0) {
        ehd_error_set(error, EHP_NOT_FOUND, NULL);
        return NULL;
    }
    return ehd_core_find(ehd_bus_get_core(ehd_call_get_owner(call)), id, ehd_call_get_uid(call),
                         error);
}

static void
step_reattach(EhdCall *call)
{
    const char *path;
    GError *error = NULL;
    g_autoptr(GVariant) options = NULL;
    g_auto(EhdReattachRequest) request = {0};
    g_variant_get(ehd_call_get_arguments(call), "(&o@a{sv})", &path, &options);
    EhdSession *session = find_by_path(call, path, &error);
    if (session == NULL || !ehd_reattach_request_parse(&request, options, &error) ||
        (request.items != NULL && !ehd_session_check_items(session, request.items, &error))) {
        ehd_call_fail(call, error);
        return;
    }
    EhdSessionObject *object = ehd_bus_get_object(ehd_call_get_owner(call), session);
    ehd_session_object_set_owner(object, ehd_call_get_caller(call), request.agent);
    ehd_call_return(call, NULL);
}

/* Whoever looks for a session to go on with must not take it from a program that runs. */
static GVariant *
list_entry(EhdBus *bus, EhdSession *session)
{
    g_autoptr(GVariant) details =
        g_variant_ref_sink(ehd_details_of_session(ehd_session_get_info(session), TRUE));
    g_auto(GVariantDict) entry = G_VARIANT_DICT_INIT(details);
    g_variant_dict_insert(&entry, "owned", "b",
                          ehd_session_object_is_owned(ehd_bus_get_object(bus, session)));
    return g_variant_dict_end(&entry);
}

static void
step_list_sessions(EhdCall *call)
{
    if (!ehd_call_without_options(call))
        return;
    EhdCore *core = ehd_bus_get_core(ehd_call_get_owner(call));
    g_autoptr(GPtrArray) sessions = ehd_core_list(core, ehd_call_get_uid(call));
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < sessions->len; i++)
        g_variant_builder_add_value(&list,
                                    list_entry(ehd_call_get_owner(call), sessions->pdata[i]));
    ehd_call_return(call, g_variant_new("(aa{sv})", &list));
}

/* --- Diagnose --------------------------------------------------------------------------------
 */

static void
on_polkit_probed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdCall *call = user_data;
    GPtrArray *findings = ehd_call_get_data(call);
    g_autoptr(GError) error = NULL;
    EhdGate *gate = ehd_bus_get_gate(ehd_call_get_owner(call));
    EhdFinding *finding;
    if (ehd_gate_probe_finish(gate, result, &error))
        finding = ehd_finding_new("polkit", EHD_LEVEL_OK, EHP_OK, N_("polkit answers"), NULL);
    else if (error != NULL)
        finding = ehd_finding_new("polkit", EHD_LEVEL_PROBLEM, EHP_NOT_AUTHORIZED,
                                  N_("polkit is there but does not answer"),
                                  N_("look at the log of polkitd, and restart it"));
    else
        finding =
            ehd_finding_new("polkit", EHD_LEVEL_WARNING, EHP_OK,
                            N_("no polkit runs: only root may send, receive and configure"),
                            N_("install and start polkitd"));
    g_ptr_array_add(findings, finding);
    ehd_call_return(call, g_variant_new("(@aa{sv})", ehd_details_of_findings(findings)));
}

static void
on_diagnosed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdCall *call = user_data;
    EhdBus *bus = ehd_call_get_owner(call);
    GError *error = NULL;
    GPtrArray *findings = ehd_doctor_finish(ehd_bus_get_core(bus), result, &error);
    if (findings == NULL) {
        ehd_call_fail(call, error);
        return;
    }
    ehd_call_set_data(call, findings, (GDestroyNotify)g_ptr_array_unref);
    if (fail_if_closed(call))
        return;
    ehd_gate_probe_async(ehd_bus_get_gate(bus), on_polkit_probed, call);
}

static void
step_diagnose(EhdCall *call)
{
    if (ehd_call_without_options(call))
        ehd_doctor_async(ehd_bus_get_core(ehd_call_get_owner(call)), on_diagnosed, call);
}

void
ehd_manager_methods(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton)
{
    static const EhdMethod methods[] = {
        {"handle-send", step_send},         {"handle-receive", step_receive},
        {"handle-reattach", step_reattach}, {"handle-list-sessions", step_list_sessions},
        {"handle-diagnose", step_diagnose},
    };
    ehd_calls_connect(calls, skeleton, methods, G_N_ELEMENTS(methods));
    ehd_identity_methods(calls, skeleton);
}
