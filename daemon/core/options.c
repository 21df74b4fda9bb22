/* SPDX-License-Identifier: Apache-2.0
 *
 * The caller's items and options: bounds, equality, defaults. Pure; any thread.
 */
#include "daemon/core/options.h"

#include <string.h>

#include "daemon/core/codes.h"
#include "daemon/error.h"
#include "daemon/words.h"
#include "proto/bounds.h"
#include "proto/ehrlink.pb-c.h"
#include "proto/query.h"

#define EHD_SEND_ARMED_S_MAX 3600

void
ehd_item_clear(EhdItem *item)
{
    g_clear_pointer(&item->name, g_free);
    g_clear_pointer(&item->media_type, g_free);
    g_clear_pointer(&item->title, g_free);
    g_clear_pointer(&item->date, g_free);
    g_clear_pointer(&item->type_code, g_free);
    g_clear_pointer(&item->author, g_free);
    g_clear_pointer(&item->subject, g_bytes_unref);
}

GArray *
ehd_items_new(void)
{
    GArray *items = g_array_new(FALSE, TRUE, sizeof(EhdItem));

    g_array_set_clear_func(items, (GDestroyNotify)ehd_item_clear);
    return items;
}

void
ehd_items_append(GArray *items, const GArray *more)
{
    for (guint i = 0; i < more->len; i++) {
        EhdItem item = g_array_index(more, EhdItem, i);

        item.name = g_strdup(item.name);
        item.media_type = g_strdup(item.media_type);
        item.title = g_strdup(item.title);
        item.date = g_strdup(item.date);
        item.type_code = g_strdup(item.type_code);
        item.author = g_strdup(item.author);
        if (item.subject != NULL)
            g_bytes_ref(item.subject);
        g_array_append_val(items, item);
    }
}

void
ehd_query_clear(EhdQuery *query)
{
    g_clear_pointer(&query->type, g_free);
    g_clear_pointer(&query->since, g_free);
    g_clear_pointer(&query->until, g_free);
    g_clear_pointer(&query->ids, g_strfreev);
}

GArray *
ehd_queries_new(void)
{
    GArray *queries = g_array_new(FALSE, TRUE, sizeof(EhdQuery));

    g_array_set_clear_func(queries, (GDestroyNotify)ehd_query_clear);
    return queries;
}

static gboolean
check_text(const char *text, gsize max)
{
    return text == NULL || (strlen(text) <= max && g_utf8_validate(text, -1, NULL));
}

static gboolean
check_name(const char *name)
{
    if (name == NULL || *name == '\0' || !check_text(name, EHP_NAME_MAX))
        return FALSE;
    return strchr(name, '/') == NULL && strcmp(name, ".") != 0 && strcmp(name, "..") != 0;
}

/* Returns what is wrong with it, or NULL. */
static const char *
fault_of(const EhdItem *item)
{
    if (!check_name(item->name))
        return N_("its name");
    if (item->size > EHP_ITEM_BYTES_MAX)
        return N_("its size");
    if (!check_text(item->media_type, EHP_TYPE_MAX))
        return N_("its media type");
    if (!check_text(item->title, EHP_TITLE_MAX))
        return N_("its title");
    if (!check_text(item->date, EHP_DATE_MAX))
        return N_("its date");
    if (!check_text(item->type_code, EHP_CODE_MAX))
        return N_("its type code");
    if (!check_text(item->author, EHP_NAME_MAX))
        return N_("its author");
    if (item->category != 0 && ehd_category_code(item->category) == NULL)
        return N_("its category");
    if (item->subject != NULL && (g_bytes_get_size(item->subject) == 0 ||
                                  g_bytes_get_size(item->subject) > EHP_SUBJECT_MAX))
        return N_("its subject");
    return NULL;
}

static gboolean
same_bytes(GBytes *a, GBytes *b)
{
    return a == b || (a != NULL && b != NULL && g_bytes_equal(a, b));
}

gboolean
ehd_items_check(const GArray *items, GError **error)
{
    guint64 total = 0;

    if (items == NULL || items->len == 0) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("no items"));
        return FALSE;
    }
    if (items->len > EHP_ITEMS_MAX) {
        ehd_error_set(error, EHP_LIMIT_REACHED, "at most %u items", (guint)EHP_ITEMS_MAX);
        return FALSE;
    }
    for (guint i = 0; i < items->len; i++) {
        const EhdItem *item = &g_array_index(items, EhdItem, i);
        const char *fault = fault_of(item);

        if (fault != NULL) {
            ehd_error_set(error, EHP_ITEM_INVALID, "item %u: %s", i, fault);
            return FALSE;
        }
        total += item->size;
        if (total > EHP_TRANSFER_BYTES_MAX) {
            ehd_error_set(error, EHP_LIMIT_REACHED, N_("more bytes than a session may carry"));
            return FALSE;
        }
        if (!same_bytes(item->subject, g_array_index(items, EhdItem, 0).subject)) {
            ehd_error_set(error, EHP_MIXED_SUBJECTS, NULL);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
check_date(const char *date)
{
    return date == NULL || (strlen(date) <= EHP_DATE_MAX && ehp_query_is_date(date));
}

static const char *
fault_of_query(const EhdQuery *query)
{
    for (guint i = 0; i < query->n_categories; i++)
        if (ehd_category_code(query->categories[i]) == NULL)
            return N_("its categories");
    if (!check_text(query->type, EHP_CODE_MAX))
        return N_("its type");
    if (!check_date(query->since) || !check_date(query->until))
        return N_("its dates");
    if (query->ids != NULL && g_strv_length(query->ids) > EHP_QUERY_IDS_MAX)
        return N_("its ids");
    for (guint i = 0; query->ids != NULL && query->ids[i] != NULL; i++)
        if (query->ids[i][0] == '\0' || !check_text(query->ids[i], EHP_CODE_MAX))
            return N_("its ids");
    return NULL;
}

gboolean
ehd_queries_check(const GArray *queries, GError **error)
{
    if (queries == NULL)
        return TRUE;
    if (queries->len > EHP_QUERIES_MAX) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "queries: at most %d", EHP_QUERIES_MAX);
        return FALSE;
    }
    for (guint i = 0; i < queries->len; i++) {
        const char *fault = fault_of_query(&g_array_index(queries, EhdQuery, i));

        if (fault != NULL) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT, "queries[%u]: %s", i, fault);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
same_item(const EhdItem *a, const EhdItem *b)
{
    return g_strcmp0(a->name, b->name) == 0 && a->size == b->size &&
           a->has_mtime == b->has_mtime && (!a->has_mtime || a->mtime == b->mtime) &&
           g_strcmp0(a->media_type, b->media_type) == 0 && g_strcmp0(a->title, b->title) == 0 &&
           g_strcmp0(a->date, b->date) == 0 && g_strcmp0(a->type_code, b->type_code) == 0 &&
           g_strcmp0(a->author, b->author) == 0 && a->category == b->category &&
           a->patient_entered == b->patient_entered && same_bytes(a->subject, b->subject);
}

gboolean
ehd_items_equal(const GArray *a, const GArray *b)
{
    if (a->len != b->len)
        return FALSE;
    for (guint i = 0; i < a->len; i++)
        if (!same_item(&g_array_index(a, EhdItem, i), &g_array_index(b, EhdItem, i)))
            return FALSE;
    return TRUE;
}

void
ehd_send_options_init(EhdSendOptions *options)
{
    memset(options, 0, sizeof *options);
    options->timeout = EHD_SECONDS_CONFIGURED;
    options->linger = 5;
}

void
ehd_receive_options_init(EhdReceiveOptions *options)
{
    memset(options, 0, sizeof *options);
    options->timeout = EHD_SECONDS_CONFIGURED;
    options->purpose = EHP__PURPOSE__PURPOSE_TREAT;
    options->filing_timeout = EHD_SECONDS_CONFIGURED;
}

/* A patient's device does not stay armed for ever, whatever the configuration says. */
guint
ehd_send_options_armed(const EhdSendOptions *options, const EhdConfig *config)
{
    if (options->timeout != EHD_SECONDS_CONFIGURED)
        return options->timeout;
    return config->armed_ms != 0 ? config->armed_ms / 1000 : EHD_SEND_ARMED_S_MAX;
}

/* A kiosk has nobody who would arm it again. */
guint
ehd_receive_options_armed(const EhdReceiveOptions *options, const EhdConfig *config)
{
    if (options->timeout != EHD_SECONDS_CONFIGURED)
        return options->timeout;
    return config->kiosk ? 0 : config->armed_ms / 1000;
}

guint
ehd_receive_options_filing(const EhdReceiveOptions *options, const EhdConfig *config)
{
    if (options->filing_timeout != EHD_SECONDS_CONFIGURED)
        return options->filing_timeout;
    return config->filing_ms / 1000;
}

static gboolean
check_operator(const EhdOperator *op, GError **error)
{
    if (op == NULL)
        return TRUE;
    if (check_text(op->display, EHP_NAME_MAX) && check_text(op->role_code, EHP_CODE_MAX) &&
        check_text(op->identifier, EHP_CODE_MAX) &&
        (op->assurance == 0 || ehd_assurance_code(op->assurance) != NULL))
        return TRUE;
    ehd_error_set(error, EHP_INVALID_ARGUMENT, "operator");
    return FALSE;
}

gboolean
ehd_send_options_check(const EhdSendOptions *options, GError **error)
{
    const char *fault = NULL;

    if (options->timeout != EHD_SECONDS_CONFIGURED &&
        (options->timeout < 1 || options->timeout > EHD_SEND_ARMED_S_MAX))
        fault = "timeout";
    else if (options->linger > 660)
        fault = "linger";
    else if (options->acting_as != 0 && ehd_acting_as_code(options->acting_as) == NULL)
        fault = "acting-as";
    if (fault != NULL)
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s", fault);
    if (fault == NULL && options->offer_later && options->items->len == 0)
        return TRUE;
    return fault == NULL && ehd_items_check(options->items, error);
}

gboolean
ehd_receive_options_check(const EhdReceiveOptions *options, GError **error)
{
    const char *fault = NULL;

    if (ehd_purpose_code(options->purpose) == NULL)
        fault = "purpose";
    else if (!check_text(options->text, EHP_TEXT_MAX))
        fault = "text";
    else if (options->n_categories > EHP_TAP_CATEGORIES_MAX)
        fault = "categories";
    else if (!check_text(options->directory, 4096))
        fault = "directory";
    for (gsize i = 0; fault == NULL && i < options->n_categories; i++)
        if (ehd_category_code(options->categories[i]) == NULL)
            fault = "categories";
    if (fault != NULL)
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "%s", fault);
    return fault == NULL && check_operator(options->operator_, error) &&
           ehd_queries_check(options->queries, error);
}
