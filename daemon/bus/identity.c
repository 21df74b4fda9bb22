/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity, trust and receipts on the bus. What changes something reads its arguments, passes
 * the gate, and then reads them again: the message is immutable, and nothing needs to be kept
 * across the wait.
 */
#include "daemon/bus/identity.h"

#include "daemon/bus/bus.h"
#include "daemon/bus/details.h"
#include "daemon/bus/manager.h"
#include "daemon/bus/options.h"
#include "daemon/bus/requests.h"
#include "daemon/error.h"

static EhdCore *
core_of(EhdCall *call)
{
    return ehd_bus_get_core(ehd_call_get_owner(call));
}

static gboolean
check_pem(const char *name, const char *pem, gsize length, GError **error)
{
    if (length <= EHD_PEM_MAX)
        return TRUE;
    ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s: %zu bytes, where %d are allowed", name,
                  length, EHD_PEM_MAX);
    return FALSE;
}

/* (a{sv}) as GetIdentity */
static void
return_identity(EhdCall *call)
{
    EhdCore *core = core_of(call);
    GVariant *details =
        ehd_details_of_identity(ehd_core_get_identity(core), ehd_core_identity_problem(core));
    ehd_call_return(call, g_variant_new("(@a{sv})", details));
}

static void
step_get_identity(EhdCall *call)
{
    if (ehd_call_without_options(call))
        return_identity(call);
}

/* --- InitIdentity ----------------------------------------------------------------------------
 */

static gboolean
read_init(EhdCall *call, EhdInitIdentityRequest *request, GVariant **options, GError **error)
{
    *options = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    return ehd_init_identity_request_parse(request, *options, error);
}

static void
return_csr(EhdCall *call, const char *csr)
{
    char fingerprint[EHD_FINGERPRINT_TEXT];
    ehd_fingerprint_format(ehd_core_get_identity(core_of(call))->fingerprint, fingerprint);
    GVariantBuilder dict;
    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&dict, "{sv}", "fingerprint", g_variant_new_string(fingerprint));
    if (csr != NULL)
        if (csr != NULL) /* nobody certifies a device without an organisation */
            g_variant_builder_add(&dict, "{sv}", "csr", g_variant_new_string(csr));
    ehd_call_return(call, g_variant_new("(a{sv})", &dict));
}

static void
step_init_granted(EhdCall *call)
{
    GError *error = NULL;
    EhdInitIdentityRequest request;
    g_autoptr(GVariant) options = NULL;
    g_autofree char *csr = NULL;
    if (!read_init(call, &request, &options, &error)) {
        ehd_call_fail(call, error);
        return;
    }
    EhdIdentityNames names = {
        .organisation = request.organisation,
        .terminal = request.terminal,
        .locality = request.locality,
        .country = request.country,
    };
    if (ehd_core_init_identity(core_of(call), ehd_call_get_grant(call), &names, request.replace,
                               &csr, &error))
        return_csr(call, csr);
    else
        ehd_call_fail(call, error);
}

static void
step_init_identity(EhdCall *call)
{
    GError *error = NULL;
    EhdInitIdentityRequest request;
    g_autoptr(GVariant) options = NULL;
    if (read_init(call, &request, &options, &error))
        ehd_call_authorise(call, EHD_ACTION_MANAGE_IDENTITY, step_init_granted);
    else
        ehd_call_fail(call, error);
}

/* --- ImportIdentity --------------------------------------------------------------------------
 */

static gboolean
read_import(EhdCall *call, const char **chain, EhdImportRequest *request, GError **error)
{
    g_autoptr(GVariant) text = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    g_autoptr(GVariant) options = g_variant_get_child_value(ehd_call_get_arguments(call), 1);
    gsize length;
    *chain = g_variant_get_string(text, &length);
    return check_pem("chain", *chain, length, error) &&
           ehd_import_request_parse(request, options, error);
}

static void
step_import_granted(EhdCall *call)
{
    GError *error = NULL;
    const char *chain;
    g_auto(EhdImportRequest) request = {0};
    if (read_import(call, &chain, &request, &error) &&
        ehd_core_import_identity(core_of(call), ehd_call_get_grant(call), chain, request.crls,
                                 request.n_crls, &error))
        return_identity(call);
    else
        ehd_call_fail(call, error);
}

static void
step_import_identity(EhdCall *call)
{
    GError *error = NULL;
    const char *chain;
    g_auto(EhdImportRequest) request = {0};
    if (read_import(call, &chain, &request, &error))
        ehd_call_authorise(call, EHD_ACTION_MANAGE_IDENTITY, step_import_granted);
    else
        ehd_call_fail(call, error);
}

/* --- trust -----------------------------------------------------------------------------------
 */

static void
step_add_granted(EhdCall *call)
{
    GError *error = NULL;
    EhdAnchor added;
    const char *pem;
    g_variant_get_child(ehd_call_get_arguments(call), 0, "&s", &pem);
    if (!ehd_core_add_trust(core_of(call), ehd_call_get_grant(call), pem, &added, &error)) {
        ehd_call_fail(call, error);
        return;
    }
    char fingerprint[EHD_FINGERPRINT_TEXT];
    ehd_fingerprint_format(added.fingerprint, fingerprint);
    ehd_call_return(call, g_variant_new("(s)", fingerprint));
}

static void
step_add_trust(EhdCall *call)
{
    GError *error = NULL;
    g_autoptr(GVariant) text = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    gsize length;
    const char *pem = g_variant_get_string(text, &length);
    if (!check_pem("certificate", pem, length, &error))
        ehd_call_fail(call, error);
    else if (ehd_call_without_options(call))
        ehd_call_authorise(call, EHD_ACTION_MANAGE_TRUST, step_add_granted);
}

static void
step_list_trust(EhdCall *call)
{
    if (!ehd_call_without_options(call))
        return;
    const EhdTrust *trust = ehd_core_get_trust(core_of(call));
    ehd_call_return(call, g_variant_new("(@aa{sv})", ehd_details_of_trust(trust)));
}

static void
step_remove_granted(EhdCall *call)
{
    GError *error = NULL;
    const char *fingerprint;
    g_variant_get_child(ehd_call_get_arguments(call), 0, "&s", &fingerprint);
    if (ehd_core_remove_trust(core_of(call), ehd_call_get_grant(call), fingerprint, &error))
        ehd_call_return(call, NULL);
    else
        ehd_call_fail(call, error);
}

static void
step_remove_trust(EhdCall *call)
{
    GError *error = NULL;
    const char *fingerprint;
    g_variant_get_child(ehd_call_get_arguments(call), 0, "&s", &fingerprint);
    if (!ehd_text_check("fingerprint", fingerprint, 8, EHD_FINGERPRINT_TEXT - 1, FALSE, &error))
        ehd_call_fail(call, error);
    else if (ehd_call_without_options(call))
        ehd_call_authorise(call, EHD_ACTION_MANAGE_TRUST, step_remove_granted);
}

/* --- receipts --------------------------------------------------------------------------------
 */

static void
step_verify_receipt(EhdCall *call)
{
    if (!ehd_call_without_options(call))
        return;
    GError *error = NULL;
    EhdReceiptFacts facts = {0};
    g_autoptr(GVariant) bytes = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    gsize length;
    const void *receipt = g_variant_get_fixed_array(bytes, &length, 1);
    if (length == 0 || length > EHP_RECEIPT_MAX)
        ehd_error_set(&error, EHP_RECEIPT_INVALID, "%zu bytes, where 1 to %d are allowed",
                      length, EHP_RECEIPT_MAX);
    else
        ehd_receipt_verify(ehd_core_get_trust(core_of(call)), receipt, length, &facts, &error);
    if (error != NULL)
        ehd_call_fail(call, error);
    else
        ehd_call_return(call, g_variant_new("(@a{sv})", ehd_details_of_receipt(&facts)));
}

static void
on_origin_verified(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdCall *call = user_data;
    g_auto(EhdOriginFacts) facts = {0};
    GError *error = NULL;

    if (ehd_core_verify_origin_finish(core_of(call), result, &facts, &error))
        ehd_call_return(call, g_variant_new("(@a{sv})", ehd_details_of_origin(&facts)));
    else
        ehd_call_fail(call, error);
}

static void
step_verify_origin(EhdCall *call)
{
    GError *error = NULL;
    g_autoptr(GBytes) crl = NULL;
    g_autoptr(GBytes) proof = NULL;
    g_autoptr(GVariant) bytes = g_variant_get_child_value(ehd_call_get_arguments(call), 0);
    g_autoptr(GVariant) options = g_variant_get_child_value(ehd_call_get_arguments(call), 1);

    if (!ehd_origin_request_parse(&crl, options, &error)) {
        ehd_call_fail(call, error);
        return;
    }
    proof = g_variant_get_data_as_bytes(bytes);
    if (g_bytes_get_size(proof) == 0 || g_bytes_get_size(proof) > EHP_PROOF_MAX) {
        ehd_error_set(&error, EHP_ORIGIN_INVALID, "%zu bytes, where 1 to %d are allowed",
                      g_bytes_get_size(proof), EHP_PROOF_MAX);
        ehd_call_fail(call, error);
        return;
    }
    ehd_core_verify_origin_async(core_of(call), proof, crl, on_origin_verified, call);
}

void
ehd_identity_methods(EhdCalls *calls, GDBusInterfaceSkeleton *skeleton)
{
    static const EhdMethod methods[] = {
        {"handle-get-identity", step_get_identity},
        {"handle-init-identity", step_init_identity},
        {"handle-import-identity", step_import_identity},
        {"handle-add-trust", step_add_trust},
        {"handle-list-trust", step_list_trust},
        {"handle-remove-trust", step_remove_trust},
        {"handle-verify-receipt", step_verify_receipt},
        {"handle-verify-origin", step_verify_origin},
    };
    ehd_calls_connect(calls, skeleton, methods, G_N_ELEMENTS(methods));
}
