/* SPDX-License-Identifier: Apache-2.0
 *
 * See folder.h.
 */
#include "tools/send/folder.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/index.h"
#include "tools/common/output.h"
#include "tools/common/person.h"

#define REMARK "ehr-send-remark"
#define FACTS "ehr-send-facts"

/* Of an item, for scripts. */
typedef struct {
    guint date_kind, marks; /* as of ErecIndexed */
} Facts;

struct Folder {
    ErecIndex *index;  /* owned */
    gboolean *offered; /* owned, one for each of the index */
    GPtrArray *paths;  /* owned, of owned strings: of the file or of its cut copy; NULL: not offered */
    GPtrArray *copies; /* owned, of owned strings */
};

/* --- what is offered ---------------------------------------------------------------------------- */

static gboolean
leave_out(Folder *self, const char *folder, const LeaveOut *out, guint index, GError **error)
{
    const ErecIndexed *record = erec_index_get(self->index, index);
    char *path = g_build_filename(folder, record->path, NULL), *copy = NULL;

    self->paths->pdata[index] = path;
    if (leave_out_is_empty(out))
        return TRUE;
    switch (leave_out_of_file(out, path, &copy, error)) {
    case LEAVE_OUT_NOTHING:
        return TRUE;
    case LEAVE_OUT_PART:
        g_ptr_array_add(self->copies, copy);
        g_free(path);
        self->paths->pdata[index] = g_strdup(copy);
        return TRUE;
    case LEAVE_OUT_WHOLE:
        self->offered[index] = FALSE;
        return TRUE;
    case LEAVE_OUT_FAILED:
        break;
    }
    return FALSE;
}

static void
select_offered(Folder *self, const SendOptions *options)
{
    const ErecQuery query = {
        .categories = (const char *const *)options->only,
        .type = options->type,
        .since = options->since,
        .until = options->until,
        .exact = TRUE,
    };

    for (guint i = 0; i < erec_index_n(self->index); i++)
        self->offered[i] = TRUE;
    erec_index_select(self->index, &query, 1, self->offered);
}

/* The newest so many are counted among what is not left out. */
static void
select_last(Folder *self, const SendOptions *options)
{
    const ErecQuery query = {.last = (guint)options->last};

    if (options->last > 0)
        erec_index_select(self->index, &query, 1, self->offered);
}

Folder *
folder_new(const SendOptions *options, const LeaveOut *out, GError **error)
{
    g_autofree char *cache = erec_index_cache_path(options->from);
    g_autoptr(Folder) self = g_new0(Folder, 1);
    guint n;

    self->paths = g_ptr_array_new_with_free_func(g_free);
    self->copies = g_ptr_array_new_with_free_func(g_free);
    self->index = erec_index_new(options->from, cache, NULL);
    if (self->index == NULL) {
        g_autofree char *shown = ehrlink_safe_text(options->from, 0);
        g_set_error(error, EHRLINK_ERROR, EHRLINK_ERROR_NO_INPUT, _("%s cannot be read as a folder"), shown);
        return NULL;
    }
    n = erec_index_n(self->index);
    self->offered = g_new0(gboolean, n + 1);
    g_ptr_array_set_size(self->paths, (int)n);
    select_offered(self, options);
    for (guint i = 0; i < n; i++)
        if (self->offered[i] && !leave_out(self, options->from, out, i, error))
            return NULL;
    select_last(self, options);
    return g_steal_pointer(&self);
}

void
folder_free(Folder *self)
{
    if (self == NULL)
        return;
    g_clear_pointer(&self->index, erec_index_free);
    g_free(self->offered);
    g_ptr_array_unref(self->paths);
    g_ptr_array_unref(self->copies);
    g_free(self);
}

guint
folder_n_offered(const Folder *self)
{
    guint n = 0;

    for (guint i = 0; i < erec_index_n(self->index); i++)
        n += self->offered[i] != FALSE;
    return n;
}

char **
folder_paths(const Folder *self)
{
    GPtrArray *paths = g_ptr_array_new();

    for (guint i = 0; i < erec_index_n(self->index); i++)
        if (self->offered[i])
            g_ptr_array_add(paths, g_strdup(self->paths->pdata[i]));
    g_ptr_array_add(paths, NULL);
    return (char **)g_ptr_array_free(paths, FALSE);
}

void
folder_forget(const Folder *self)
{
    for (guint i = 0; i < self->copies->len; i++)
        leave_out_forget(self->copies->pdata[i]);
}

/* --- what answers ------------------------------------------------------------------------------- */

/* One of the request's queries; texts are the variant's. */
typedef struct {
    ErecQuery query;
    const char **categories, **ids; /* owned containers */
} Asked;

static void
asked_clear(gpointer data)
{
    Asked *asked = data;

    g_free(asked->categories);
    g_free(asked->ids);
}

static void
read_query(GVariant *dict, Asked *asked)
{
    guint32 last = 0;

    memset(asked, 0, sizeof *asked);
    g_variant_lookup(dict, "categories", "^a&s", &asked->categories);
    g_variant_lookup(dict, "ids", "^a&s", &asked->ids);
    g_variant_lookup(dict, "type", "&s", &asked->query.type);
    g_variant_lookup(dict, "since", "&s", &asked->query.since);
    g_variant_lookup(dict, "until", "&s", &asked->query.until);
    g_variant_lookup(dict, "last", "u", &last);
    asked->query.last = last;
    if (asked->categories != NULL && asked->categories[0] != NULL)
        asked->query.categories = (const char *const *)asked->categories;
    if (asked->ids != NULL && asked->ids[0] != NULL)
        asked->query.ids = (const char *const *)asked->ids;
}

static void
select_asked(const Folder *self, GVariant *request, gboolean *chosen)
{
    g_autoptr(GVariant) queries =
        request != NULL ? g_variant_lookup_value(request, "queries", G_VARIANT_TYPE("aa{sv}")) : NULL;
    const gsize n = queries != NULL ? g_variant_n_children(queries) : 0;
    g_autoptr(GArray) asked = g_array_new(FALSE, TRUE, sizeof(Asked));
    g_autoptr(GPtrArray) dicts = g_ptr_array_new_with_free_func((GDestroyNotify)g_variant_unref);
    g_autofree ErecQuery *list = g_new0(ErecQuery, n + 1);

    g_array_set_clear_func(asked, asked_clear);
    for (gsize i = 0; i < n; i++) {
        GVariant *dict = g_variant_get_child_value(queries, i);
        Asked one;

        g_ptr_array_add(dicts, dict);
        read_query(dict, &one);
        g_array_append_val(asked, one);
        list[i] = one.query;
    }
    erec_index_select(self->index, list, (guint)n, chosen);
}

static char *
make_remark(const ErecIndexed *record)
{
    const char *const kinds[] = {NULL, _("when it happened"), _("when it was issued"), _("when it was written down")};
    GString *text = g_string_new(NULL);

    if (record->date == NULL)
        g_string_append(text, _("without a date"));
    else
        g_string_append_printf(text, "%.10s: %s", record->date, kinds[record->date_kind] != NULL ? kinds[record->date_kind] : "");
    if ((record->marks & EREC_MARK_SUPERSEDED) != 0)
        g_string_append_printf(text, ", %s", _("there is a later version"));
    if ((record->marks & EREC_MARK_AMENDED) != 0)
        g_string_append_printf(text, ", %s", _("amended"));
    if ((record->marks & EREC_MARK_ERROR) != 0)
        g_string_append_printf(text, ", %s", _("entered in error"));
    return g_string_free(text, FALSE);
}

static Facts *
make_facts(const ErecIndexed *record)
{
    Facts *facts = g_new0(Facts, 1);

    facts->date_kind = record->date != NULL ? record->date_kind : 0;
    facts->marks = record->marks;
    return facts;
}

GPtrArray *
folder_answer(const Folder *self, GVariant *request)
{
    const guint n = erec_index_n(self->index);
    g_autofree gboolean *chosen = g_memdup2(self->offered, (n + 1) * sizeof *chosen);
    GPtrArray *items = g_ptr_array_new_with_free_func(g_object_unref);

    select_asked(self, request, chosen);
    for (guint i = 0; i < n; i++) {
        const ErecIndexed *record = erec_index_get(self->index, i);
        g_autofree char *name = NULL;
        EhrlinkItem *item;

        if (!chosen[i])
            continue;
        item = ehrlink_item_new_for_path(self->paths->pdata[i]);
        name = g_path_get_basename(record->path);
        ehrlink_item_set_name(item, name); /* of a cut copy too */
        g_object_set_data_full(G_OBJECT(item), REMARK, make_remark(record), g_free);
        g_object_set_data_full(G_OBJECT(item), FACTS, make_facts(record), g_free);
        g_ptr_array_add(items, item);
    }
    ehrlink_item_recognise_all((EhrlinkItem **)items->pdata, items->len);
    person_mark_subjects(items);
    return items;
}

void
folder_members(JsonBuilder *builder, EhrlinkItem *item)
{
    static const char *const kinds[] = {"none", "effective", "issued", "authored"};
    const Facts *facts = g_object_get_data(G_OBJECT(item), FACTS);

    if (facts == NULL)
        return;
    output_member_string(builder, "date-kind", kinds[facts->date_kind]);
    output_member_bool(builder, "superseded", (facts->marks & EREC_MARK_SUPERSEDED) != 0);
    output_member_bool(builder, "amended", (facts->marks & EREC_MARK_AMENDED) != 0);
    output_member_bool(builder, "entered-in-error", (facts->marks & EREC_MARK_ERROR) != 0);
}

char *
folder_remark(EhrlinkItem *item)
{
    return g_strdup(g_object_get_data(G_OBJECT(item), REMARK));
}
