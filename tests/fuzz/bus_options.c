/* SPDX-License-Identifier: Apache-2.0
 *
 * The option dictionaries of every method of the bus, and what an agent answers. Input: one
 * byte that chooses which, then the variant as GLib serialises it. What is accepted is within
 * its bounds; what is not is refused by one of the names that the interface promises.
 */
#include "daemon/bus/requests.h"

#include <string.h>

#include "daemon/core/codes.h"
#include "daemon/error.h"
#include "tests/fuzz/fuzz.h"

static void
check_text(const char *text, gsize min, gsize max)
{
    if (text == NULL)
        return;
    FUZZ_CHECK(strlen(text) >= min && strlen(text) <= max);
    FUZZ_CHECK(g_utf8_validate(text, -1, NULL));
}

static void
check_outcome(gboolean good, const GError *error)
{
    FUZZ_CHECK(good == (error == NULL));
    if (good)
        return;
    FUZZ_CHECK(error->domain == EHD_ERROR);
    FUZZ_CHECK(error->code == EHP_INVALID_ARGUMENT || error->code == EHP_ITEM_INVALID ||
               error->code == EHP_MIXED_SUBJECTS || error->code == EHP_LIMIT_REACHED);
    FUZZ_CHECK(g_utf8_validate(error->message, -1, NULL));
    FUZZ_CHECK(strlen(error->message) < 1024);
}

static void
check_items(const GArray *items)
{
    FUZZ_CHECK(items->len >= 1 && items->len <= EHP_ITEMS_MAX);
    for (guint i = 0; i < items->len; i++) {
        const EhdItem *item = &g_array_index(items, EhdItem, i);
        check_text(item->name, 1, EHP_NAME_MAX);
        FUZZ_CHECK(item->name != NULL && strchr(item->name, '/') == NULL);
        FUZZ_CHECK(item->size <= EHP_ITEM_BYTES_MAX);
        check_text(item->title, 0, EHP_TITLE_MAX);
        check_text(item->media_type, 0, EHP_TYPE_MAX);
        FUZZ_CHECK(item->category == 0 || ehd_category_code(item->category) != NULL);
        FUZZ_CHECK(item->subject == NULL || g_bytes_get_size(item->subject) <= EHP_SUBJECT_MAX);
    }
}

static void
check_queries(const GArray *queries)
{
    FUZZ_CHECK(queries->len <= EHP_QUERIES_MAX);
    for (guint i = 0; i < queries->len; i++) {
        const EhdQuery *query = &g_array_index(queries, EhdQuery, i);
        FUZZ_CHECK(query->n_categories <= EHP_TAP_CATEGORIES_MAX);
        for (guint k = 0; k < query->n_categories; k++)
            FUZZ_CHECK(ehd_category_code(query->categories[k]) != NULL);
        check_text(query->type, 1, EHP_CODE_MAX);
        check_text(query->since, 4, EHP_DATE_MAX);
        check_text(query->until, 4, EHP_DATE_MAX);
        for (guint k = 0; query->ids != NULL && query->ids[k] != NULL; k++)
            check_text(query->ids[k], 1, EHP_CODE_MAX);
    }
}

static void
feed_send(GVariant *value)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) items = g_variant_get_child_value(value, 0);
    g_autoptr(GVariant) options = g_variant_get_child_value(value, 1);
    g_auto(EhdSendRequest) request = {0};
    gboolean good = ehd_send_request_parse(&request, items, options, &error);
    check_outcome(good, error);
    if (!good)
        return;
    if (!request.options.offer_later || request.items->len > 0)
        check_items(request.items);
    check_text(request.agent, 1, EHD_AGENT_PATH_MAX);
    FUZZ_CHECK(request.agent != NULL && g_variant_is_object_path(request.agent));
    FUZZ_CHECK((request.options.timeout >= 1 && request.options.timeout <= 3600) ||
               request.options.timeout == EHD_SECONDS_CONFIGURED);
    FUZZ_CHECK(request.options.linger <= EHD_LINGER_MAX);
}

static void
feed_receive(GVariant *options)
{
    g_autoptr(GError) error = NULL;
    g_auto(EhdReceiveRequest) request = {0};
    gboolean good = ehd_receive_request_parse(&request, options, &error);
    check_outcome(good, error);
    if (!good)
        return;
    FUZZ_CHECK(request.options.n_categories <= EHP_TAP_CATEGORIES_MAX);
    if (request.queries != NULL)
        check_queries(request.queries);
    for (gsize i = 0; i < request.options.n_categories; i++)
        FUZZ_CHECK(ehd_category_code(request.options.categories[i]) != NULL);
    FUZZ_CHECK(ehd_purpose_code(request.options.purpose) != NULL);
    FUZZ_CHECK(request.options.period_days <= EHD_DAYS_MAX);
    check_text(request.options.text, 0, EHP_TEXT_MAX);
    check_text(request.options.directory, 1, EHD_DIRECTORY_MAX);
    check_text(request.operator_.display, 1, EHP_NAME_MAX);
    check_text(request.operator_.role_code, 1, EHP_CODE_MAX);
}

static void
feed_reattach(GVariant *options)
{
    g_autoptr(GError) error = NULL;
    g_auto(EhdReattachRequest) request = {0};
    gboolean good = ehd_reattach_request_parse(&request, options, &error);
    check_outcome(good, error);
    if (good && request.items != NULL)
        check_items(request.items);
}

static void
feed_init(GVariant *options)
{
    g_autoptr(GError) error = NULL;
    EhdInitIdentityRequest request;
    gboolean good = ehd_init_identity_request_parse(&request, options, &error);
    check_outcome(good, error);
    if (!good)
        return;
    check_text(request.organisation, 1, EHP_NAME_MAX);
    check_text(request.terminal, 1, EHP_NAME_MAX);
    check_text(request.country, 2, 2);
}

static void
feed_import(GVariant *options)
{
    g_autoptr(GError) error = NULL;
    g_auto(EhdImportRequest) request = {0};
    gboolean good = ehd_import_request_parse(&request, options, &error);
    check_outcome(good, error);
    FUZZ_CHECK(request.n_crls <= EHP_CRL_MAX);
}

static void
feed_answer(GVariant *dict)
{
    g_autoptr(GError) error = NULL;
    g_auto(EhdConsentAnswer) answer = {0};
    gboolean good = ehd_consent_answer_parse(&answer, dict, &error);
    check_outcome(good, error);
    if (!good)
        return;
    FUZZ_CHECK((answer.n_items == 0) == (answer.ids == NULL));
    FUZZ_CHECK(answer.n_items <= EHP_ITEMS_MAX);
    FUZZ_CHECK(answer.expires >= 0);
}

static void
feed_discard(GVariant *options)
{
    g_autoptr(GError) error = NULL;
    const char *rule;
    gboolean good = ehd_discard_request_parse(&rule, options, &error);
    check_outcome(good, error);
    if (good)
        check_text(rule, 1, EHP_CODE_MAX);
}

static const struct {
    const char *type;
    void (*feed)(GVariant *value);
} kinds[] = {
    {"(aa{sv}a{sv})", feed_send}, {"a{sv}", feed_receive}, {"a{sv}", feed_reattach},
    {"a{sv}", feed_init},         {"a{sv}", feed_import},  {"a{sv}", feed_answer},
    {"a{sv}", feed_discard},
};

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    fuzz_start();
    if (size == 0)
        return 0;
    gsize kind = data[0] % G_N_ELEMENTS(kinds);
    g_autoptr(GBytes) bytes = g_bytes_new(data + 1, size - 1);
    g_autoptr(GVariant) raw = g_variant_ref_sink(
        g_variant_new_from_bytes(G_VARIANT_TYPE(kinds[kind].type), bytes, FALSE));
    /* as it would come out of a message: whatever was not in normal form has become defaults */
    g_autoptr(GVariant) value = g_variant_get_normal_form(raw);
    kinds[kind].feed(value);
    return 0;
}
