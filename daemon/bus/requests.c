/* SPDX-License-Identifier: Apache-2.0
 *
 * See requests.h. The tables of every option of every method, and what turns their fields into
 * the core's structs. Defaults come from the core; nothing is decided here. Holds no state.
 */
#include "daemon/bus/requests-private.h"

#include <string.h>

#include "daemon/bus/options.h"
#include "daemon/core/codes.h"
#include "daemon/error.h"
#include "daemon/words.h"

#define AGENT(struct_)                                                                         \
    {                                                                                          \
        .name = "agent", .kind = EHD_OPTION_PATH, .required = TRUE,                            \
        .offset = FIELD(struct_, agent), .min = 1, .max = EHD_AGENT_PATH_MAX                   \
    }

static const EhdOption send_table[] = {
    AGENT(EhdSendRequest),
    {.name = "timeout",
     .kind = EHD_OPTION_UINT32,
     .offset = FIELD(EhdSendRequest, options.timeout),
     .min = 1,
     .max = EHD_SEND_TIMEOUT_MAX},
    {.name = "detach",
     .kind = EHD_OPTION_BOOL,
     .offset = FIELD(EhdSendRequest, options.detach)},
    {.name = "linger",
     .kind = EHD_OPTION_UINT32,
     .offset = FIELD(EhdSendRequest, options.linger),
     .max = EHD_LINGER_MAX},
    {.name = "acting-as",
     .kind = EHD_OPTION_CODE,
     .offset = FIELD(EhdSendRequest, options.acting_as),
     .code = ehd_acting_as_from_code},
    {.name = "offer-later",
     .kind = EHD_OPTION_BOOL,
     .offset = FIELD(EhdSendRequest, options.offer_later)},
    {.name = "replies",
     .kind = EHD_OPTION_BOOL,
     .offset = FIELD(EhdSendRequest, options.replies)},
};

gboolean
ehd_send_request_parse(EhdSendRequest *request, GVariant *items, GVariant *options,
                       GError **error)
{
    memset(request, 0, sizeof *request);
    ehd_send_options_init(&request->options);
    if (!ehd_options_parse(options, NULL, send_table, G_N_ELEMENTS(send_table), request, error))
        return FALSE;
    request->items = ehd_items_parse(items, request->options.offer_later, error);
    request->options.items = request->items;
    return request->items != NULL;
}

void
ehd_send_request_clear(EhdSendRequest *request)
{
    g_clear_pointer(&request->items, g_array_unref);
}

static const EhdOption operator_table[] = {
    {.name = "display",
     .kind = EHD_OPTION_TEXT,
     .offset = FIELD(EhdOperator, display),
     .min = 1,
     .max = EHP_NAME_MAX},
    {.name = "role-code",
     .kind = EHD_OPTION_TEXT,
     .offset = FIELD(EhdOperator, role_code),
     .min = 1,
     .max = EHP_CODE_MAX},
    {.name = "identifier",
     .kind = EHD_OPTION_TEXT,
     .offset = FIELD(EhdOperator, identifier),
     .min = 1,
     .max = EHP_CODE_MAX},
    {.name = "assurance",
     .kind = EHD_OPTION_CODE,
     .offset = FIELD(EhdOperator, assurance),
     .code = ehd_assurance_from_code},
};

static const EhdOption receive_table[] = {
    AGENT(EhdReceiveRequest),
    {.name = "timeout",
     .kind = EHD_OPTION_UINT32,
     .offset = FIELD(EhdReceiveRequest, options.timeout),
     .max = EHD_RECEIVE_TIMEOUT_MAX},
    {.name = "detach",
     .kind = EHD_OPTION_BOOL,
     .offset = FIELD(EhdReceiveRequest, options.detach)},
    {.name = "purpose",
     .kind = EHD_OPTION_CODE,
     .offset = FIELD(EhdReceiveRequest, options.purpose),
     .code = ehd_purpose_from_code},
    {.name = "categories",
     .kind = EHD_OPTION_TEXTS,
     .offset = FIELD(EhdReceiveRequest, category_texts),
     .max = EHP_TAP_CATEGORIES_MAX},
    {.name = "period-days",
     .kind = EHD_OPTION_UINT64,
     .offset = FIELD(EhdReceiveRequest, options.period_days),
     .max = EHD_DAYS_MAX},
    {.name = "retention-days",
     .kind = EHD_OPTION_UINT64,
     .offset = FIELD(EhdReceiveRequest, options.retention_days),
     .max = EHD_DAYS_MAX},
    {.name = "text",
     .kind = EHD_OPTION_LINES,
     .offset = FIELD(EhdReceiveRequest, options.text),
     .max = EHP_TEXT_MAX},
    {.name = "operator",
     .kind = EHD_OPTION_DICT,
     .offset = FIELD(EhdReceiveRequest, operator_dict)},
    {.name = "filing-timeout",
     .kind = EHD_OPTION_UINT32,
     .offset = FIELD(EhdReceiveRequest, options.filing_timeout),
     .max = EHD_FILING_TIMEOUT_MAX},
    {.name = "directory",
     .kind = EHD_OPTION_STRING,
     .offset = FIELD(EhdReceiveRequest, options.directory),
     .min = 1,
     .max = EHD_DIRECTORY_MAX},
    {.name = "unverified",
     .kind = EHD_OPTION_BOOL,
     .offset = FIELD(EhdReceiveRequest, options.unverified)},
    {.name = "queries",
     .kind = EHD_OPTION_DICTS,
     .offset = FIELD(EhdReceiveRequest, query_dicts),
     .max = EHP_QUERIES_MAX},
    {.name = "list", .kind = EHD_OPTION_BOOL, .offset = FIELD(EhdReceiveRequest, options.list)},
};

static gboolean
parse_categories(EhdReceiveRequest *request, GError **error)
{
    if (request->category_texts == NULL)
        return TRUE;
    gsize n = g_variant_n_children(request->category_texts);
    guint64 seen = 0;
    for (gsize i = 0; i < n; i++) {
        const char *text;
        g_variant_get_child(request->category_texts, i, "&s", &text);
        int category = ehd_category_from_code(text);
        if (category <= 0 || category > 63 || (seen >> category & 1)) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT, "categories[%zu]: %s", i,
                          category > 0 ? N_("given twice") : N_("no such code"));
            return FALSE;
        }
        seen |= G_GUINT64_CONSTANT(1) << category;
        request->categories[i] = category;
    }
    request->options.categories = request->categories;
    request->options.n_categories = n;
    return TRUE;
}

gboolean
ehd_receive_request_parse(EhdReceiveRequest *request, GVariant *options, GError **error)
{
    memset(request, 0, sizeof *request);
    ehd_receive_options_init(&request->options);
    if (!ehd_options_parse(options, NULL, receive_table, G_N_ELEMENTS(receive_table), request,
                           error))
        return FALSE;
    if (request->operator_dict != NULL) {
        if (!ehd_options_parse(request->operator_dict, "operator", operator_table,
                               G_N_ELEMENTS(operator_table), &request->operator_, error))
            return FALSE;
        request->options.operator_ = &request->operator_;
    }
    if (request->query_dicts != NULL) {
        request->queries = ehd_queries_parse(request->query_dicts, error);
        request->options.queries = request->queries;
        if (request->queries == NULL)
            return FALSE;
    }
    return parse_categories(request, error);
}

void
ehd_receive_request_clear(EhdReceiveRequest *request)
{
    g_clear_pointer(&request->category_texts, g_variant_unref);
    g_clear_pointer(&request->operator_dict, g_variant_unref);
    g_clear_pointer(&request->query_dicts, g_variant_unref);
    g_clear_pointer(&request->queries, g_array_unref);
}

static const EhdOption reattach_table[] = {
    AGENT(EhdReattachRequest),
    {.name = "items",
     .kind = EHD_OPTION_DICTS,
     .offset = FIELD(EhdReattachRequest, item_dicts),
     .min = 1,
     .max = EHP_ITEMS_MAX},
};

gboolean
ehd_reattach_request_parse(EhdReattachRequest *request, GVariant *options, GError **error)
{
    memset(request, 0, sizeof *request);
    if (!ehd_options_parse(options, NULL, reattach_table, G_N_ELEMENTS(reattach_table), request,
                           error))
        return FALSE;
    if (request->item_dicts == NULL)
        return TRUE;
    request->items = ehd_items_parse(request->item_dicts, FALSE, error);
    return request->items != NULL;
}

void
ehd_reattach_request_clear(EhdReattachRequest *request)
{
    g_clear_pointer(&request->items, g_array_unref);
    g_clear_pointer(&request->item_dicts, g_variant_unref);
}

#define SUBJECT_TEXT(key, field, bytes)                                                        \
    {                                                                                          \
        .name = key, .kind = EHD_OPTION_TEXT, .offset = FIELD(EhdInitIdentityRequest, field),  \
        .min = 1, .max = bytes                                                                 \
    }

static const EhdOption init_identity_table[] = {
    SUBJECT_TEXT("organisation", organisation, EHP_NAME_MAX),
    SUBJECT_TEXT("terminal", terminal, EHP_NAME_MAX),
    SUBJECT_TEXT("locality", locality, EHP_NAME_MAX),
    SUBJECT_TEXT("country", country, 2),
    {.name = "replace",
     .kind = EHD_OPTION_BOOL,
     .offset = FIELD(EhdInitIdentityRequest, replace)},
};

gboolean
ehd_init_identity_request_parse(EhdInitIdentityRequest *request, GVariant *options,
                                GError **error)
{
    memset(request, 0, sizeof *request);
    if (!ehd_options_parse(options, NULL, init_identity_table,
                           G_N_ELEMENTS(init_identity_table), request, error))
        return FALSE;
    const char *country = request->country;
    if (country != NULL && !(g_ascii_isalpha(country[0]) && g_ascii_isalpha(country[1]))) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "country: " N_("two letters are wanted"));
        return FALSE;
    }
    return TRUE;
}

static const EhdOption import_table[] = {
    {.name = "crls",
     .kind = EHD_OPTION_TEXTS,
     .offset = FIELD(EhdImportRequest, texts),
     .max = EHP_CRL_MAX},
};

gboolean
ehd_import_request_parse(EhdImportRequest *request, GVariant *options, GError **error)
{
    memset(request, 0, sizeof *request);
    if (!ehd_options_parse(options, NULL, import_table, G_N_ELEMENTS(import_table), request,
                           error))
        return FALSE;
    gsize n = request->texts != NULL ? g_variant_n_children(request->texts) : 0;
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) text = g_variant_get_child_value(request->texts, i);
        gsize length;
        const char *pem = g_variant_get_string(text, &length);
        if (length == 0 || length > EHD_PEM_MAX) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT, "crls[%zu]: " N_("out of range"), i);
            return FALSE;
        }
        request->crls[request->n_crls++] = g_bytes_new(pem, length);
    }
    return TRUE;
}

void
ehd_import_request_clear(EhdImportRequest *request)
{
    for (guint i = 0; i < request->n_crls; i++)
        g_bytes_unref(request->crls[i]);
    request->n_crls = 0;
    g_clear_pointer(&request->texts, g_variant_unref);
}

static const EhdOption answer_table[] = {
    {.name = "items",
     .kind = EHD_OPTION_IDS,
     .offset = FIELD(EhdConsentAnswer, ids),
     .min = 1,
     .max = EHP_ITEMS_MAX},
    {.name = "acting-as",
     .kind = EHD_OPTION_CODE,
     .offset = FIELD(EhdConsentAnswer, acting_as),
     .code = ehd_acting_as_from_code},
    {.name = "expires",
     .kind = EHD_OPTION_INT64,
     .offset = FIELD(EhdConsentAnswer, expires),
     .min = 1,
     .max = G_MAXINT64},
    {.name = "offer",
     .kind = EHD_OPTION_DICTS,
     .offset = FIELD(EhdConsentAnswer, item_dicts),
     .min = 1,
     .max = EHP_ITEMS_MAX},
};

gboolean
ehd_consent_answer_parse(EhdConsentAnswer *answer, GVariant *dict, GError **error)
{
    memset(answer, 0, sizeof *answer);
    if (!ehd_options_parse(dict, "answer", answer_table, G_N_ELEMENTS(answer_table), answer,
                           error))
        return FALSE;
    if (answer->ids != NULL)
        answer->items =
            g_variant_get_fixed_array(answer->ids, &answer->n_items, sizeof(guint32));
    if (answer->item_dicts == NULL)
        return TRUE;
    answer->offer = ehd_items_parse(answer->item_dicts, FALSE, error);
    return answer->offer != NULL;
}

void
ehd_consent_answer_clear(EhdConsentAnswer *answer)
{
    g_clear_pointer(&answer->ids, g_variant_unref);
    g_clear_pointer(&answer->item_dicts, g_variant_unref);
    g_clear_pointer(&answer->offer, g_array_unref);
}

gboolean
ehd_request_items_parse(gboolean *list, GVariant *options, GError **error)
{
    const EhdOption table[] = {{.name = "list", .kind = EHD_OPTION_BOOL, .offset = 0}};
    *list = FALSE;
    return ehd_options_parse(options, NULL, table, 1, list, error);
}

gboolean
ehd_receipt_request_parse(int *transfer, GVariant *options, GError **error)
{
    const EhdOption table[] = {
        {.name = "transfer", .kind = EHD_OPTION_UINT32, .offset = 0, .max = EHP_TRANSFERS_MAX},
    };
    guint number = G_MAXUINT;
    if (!ehd_options_parse(options, NULL, table, 1, &number, error))
        return FALSE;
    *transfer = number == G_MAXUINT ? -1 : (int)number;
    return TRUE;
}

gboolean
ehd_origin_request_parse(GBytes **crl, GVariant *options, GError **error)
{
    const EhdOption table[] = {
        {.name = "crl",
         .kind = EHD_OPTION_BYTES,
         .offset = 0,
         .min = 1,
         .max = EHP_CRL_BYTES_MAX},
    };
    *crl = NULL;
    return ehd_options_parse(options, NULL, table, 1, crl, error);
}

gboolean
ehd_discard_request_parse(const char **rule, GVariant *options, GError **error)
{
    const EhdOption table[] = {
        {.name = "rule", .kind = EHD_OPTION_TEXT, .offset = 0, .min = 1, .max = EHP_CODE_MAX},
    };
    *rule = NULL;
    return ehd_options_parse(options, NULL, table, 1, rule, error);
}
