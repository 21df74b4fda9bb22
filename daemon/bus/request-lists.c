/* SPDX-License-Identifier: Apache-2.0
 *
 * Lists of dictionaries: descriptions of items, and queries. A fault in one names its place in
 * the list. Holds no state.
 */
#include "daemon/bus/requests-private.h"

#include "daemon/bus/options.h"
#include "daemon/core/codes.h"
#include "daemon/error.h"
#include "daemon/words.h"

/* A description's texts pass here by size only: the core names the item and says ITEM_INVALID.
 */
#define ITEM_TEXT_MAX 4096

typedef struct {
    const char *name, *media_type, *title, *date, *type_code, *author;
    guint64 size;
    gint64 mtime;
    gboolean has_mtime, patient_entered;
    int category;
    GBytes *subject;
} Description;

#define ITEM_STRING(key, field)                                                                \
    {                                                                                          \
        .name = key, .kind = EHD_OPTION_STRING, .offset = FIELD(Description, field),           \
        .max = ITEM_TEXT_MAX                                                                   \
    }

static const EhdOption description_table[] = {
    {.name = "name",
     .kind = EHD_OPTION_STRING,
     .required = TRUE,
     .offset = FIELD(Description, name),
     .max = ITEM_TEXT_MAX},
    {.name = "size",
     .kind = EHD_OPTION_UINT64,
     .required = TRUE,
     .offset = FIELD(Description, size),
     .max = G_MAXUINT64},
    {.name = "mtime",
     .kind = EHD_OPTION_INT64,
     .offset = FIELD(Description, mtime),
     .min = (guint64)G_MININT64,
     .max = G_MAXINT64,
     .given = FIELD(Description, has_mtime)},
    ITEM_STRING("media-type", media_type),
    ITEM_STRING("title", title),
    ITEM_STRING("date", date),
    {.name = "category",
     .kind = EHD_OPTION_CODE,
     .offset = FIELD(Description, category),
     .code = ehd_category_from_code},
    ITEM_STRING("type-code", type_code),
    ITEM_STRING("author", author),
    {.name = "patient-entered",
     .kind = EHD_OPTION_BOOL,
     .offset = FIELD(Description, patient_entered)},
    {.name = "subject",
     .kind = EHD_OPTION_BYTES,
     .offset = FIELD(Description, subject),
     .max = ITEM_TEXT_MAX},
};

static void
take_description(EhdItem *item, Description *description)
{
    *item = (EhdItem){
        .name = g_strdup(description->name),
        .size = description->size,
        .has_mtime = description->has_mtime,
        .mtime = description->mtime,
        .media_type = g_strdup(description->media_type),
        .title = g_strdup(description->title),
        .date = g_strdup(description->date),
        .type_code = g_strdup(description->type_code),
        .author = g_strdup(description->author),
        .category = description->category,
        .patient_entered = description->patient_entered,
        .subject = g_steal_pointer(&description->subject),
    };
}

static gboolean
parse_description(GVariant *dict, gsize index, GArray *items, GError **error)
{
    char what[32];
    g_snprintf(what, sizeof what, "items[%zu]", index);
    Description description = {0};
    gboolean good = ehd_options_parse(dict, what, description_table,
                                      G_N_ELEMENTS(description_table), &description, error);
    if (good) {
        EhdItem item;
        take_description(&item, &description);
        g_array_append_val(items, item);
    }
    g_clear_pointer(&description.subject, g_bytes_unref);
    return good;
}

GArray *
ehd_items_parse(GVariant *dicts, gboolean may_be_none, GError **error)
{
    gsize n = g_variant_n_children(dicts);
    if ((n == 0 && !may_be_none) || n > EHP_ITEMS_MAX) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "items: %zu, where 1 to %d are allowed", n,
                      EHP_ITEMS_MAX);
        return NULL;
    }
    g_autoptr(GArray) items = ehd_items_new();
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) dict = g_variant_get_child_value(dicts, i);
        if (!parse_description(dict, i, items, error))
            return NULL;
    }
    if (n == 0 || ehd_items_check(items, error))
        return g_steal_pointer(&items);
    return NULL;
}

GArray *
ehd_reply_items_parse(GVariant *dicts, GError **error)
{
    return ehd_items_parse(dicts, FALSE, error);
}

typedef struct {
    GVariant *categories, *ids; /* owned */
    const char *type, *since, *until;
    guint last;
} QueryFields;

static const EhdOption query_table[] = {
    {.name = "categories",
     .kind = EHD_OPTION_TEXTS,
     .offset = FIELD(QueryFields, categories),
     .max = EHP_TAP_CATEGORIES_MAX},
    {.name = "type",
     .kind = EHD_OPTION_TEXT,
     .offset = FIELD(QueryFields, type),
     .min = 1,
     .max = EHP_CODE_MAX},
    {.name = "since",
     .kind = EHD_OPTION_TEXT,
     .offset = FIELD(QueryFields, since),
     .min = 4,
     .max = EHP_DATE_MAX},
    {.name = "until",
     .kind = EHD_OPTION_TEXT,
     .offset = FIELD(QueryFields, until),
     .min = 4,
     .max = EHP_DATE_MAX},
    {.name = "last",
     .kind = EHD_OPTION_UINT32,
     .offset = FIELD(QueryFields, last),
     .min = 1,
     .max = EHP_ITEMS_MAX},
    {.name = "ids",
     .kind = EHD_OPTION_TEXTS,
     .offset = FIELD(QueryFields, ids),
     .min = 1,
     .max = EHP_QUERY_IDS_MAX},
};

static gboolean
take_query_codes(const QueryFields *fields, const char *what, EhdQuery *query, GError **error)
{
    gsize n = fields->categories != NULL ? g_variant_n_children(fields->categories) : 0;
    for (gsize i = 0; i < n; i++) {
        const char *text;
        g_variant_get_child(fields->categories, i, "&s", &text);
        int category = ehd_category_from_code(text);
        if (category <= 0) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT,
                          "%s: categories[%zu]: " N_("no such code"), what, i);
            return FALSE;
        }
        query->categories[query->n_categories++] = category;
    }
    return TRUE;
}

static gboolean
parse_query(GVariant *dict, gsize index, GArray *queries, GError **error)
{
    char what[32];
    g_snprintf(what, sizeof what, "queries[%zu]", index);
    QueryFields fields = {0};
    EhdQuery query = {0};
    gboolean good =
        ehd_options_parse(dict, what, query_table, G_N_ELEMENTS(query_table), &fields, error) &&
        take_query_codes(&fields, what, &query, error);
    if (good) {
        query.type = g_strdup(fields.type);
        query.since = g_strdup(fields.since);
        query.until = g_strdup(fields.until);
        query.last = fields.last;
        query.ids = fields.ids != NULL ? g_variant_dup_strv(fields.ids, NULL) : NULL;
        g_array_append_val(queries, query);
    }
    g_clear_pointer(&fields.categories, g_variant_unref);
    g_clear_pointer(&fields.ids, g_variant_unref);
    return good;
}

GArray *
ehd_queries_parse(GVariant *dicts, GError **error)
{
    gsize n = g_variant_n_children(dicts);
    if (n > EHP_QUERIES_MAX) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, "queries: at most %d", EHP_QUERIES_MAX);
        return NULL;
    }
    g_autoptr(GArray) queries = ehd_queries_new();
    for (gsize i = 0; i < n; i++) {
        g_autoptr(GVariant) dict = g_variant_get_child_value(dicts, i);
        if (!parse_query(dict, i, queries, error))
            return NULL;
    }
    return ehd_queries_check(queries, error) ? g_steal_pointer(&queries) : NULL;
}
