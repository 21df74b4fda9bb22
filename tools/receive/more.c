/* SPDX-License-Identifier: Apache-2.0
 *
 * See more.h. No state.
 */
#include "tools/receive/more.h"

#include <glib/gi18n.h>

#include "tools/common/choice.h"
#include "tools/common/output.h"
#include "tools/common/words.h"

void
more_show(const char *session, GPtrArray *listed)
{
    JsonBuilder *builder;

    output_line(_("The patient shows:"));
    for (guint i = 0; i < listed->len; i++) {
        EhrlinkItem *item = g_ptr_array_index(listed, i);
        g_autofree char *name = ehrlink_safe_text(ehrlink_item_get_name(item), 60);
        g_autofree char *size = words_bytes(ehrlink_item_get_size(item));
        g_autofree char *what = words_item(item);

        builder = output_event("listed");
        output_member_string(builder, "session", session);
        output_member_int(builder, "number", i + 1);
        output_member_string(builder, "name", ehrlink_item_get_name(item));
        output_member_int(builder, "size", (gint64)ehrlink_item_get_size(item));
        output_item_members(builder, item);
        output_event_end();
        output_line("  %3u  %s  (%s)", i + 1, name, size);
        if (what != NULL)
            output_line("       %s", what);
    }
    builder = output_event("list");
    output_member_string(builder, "session", session);
    output_member_int(builder, "items", listed->len);
    output_event_end();
}

gboolean
more_pick(GPtrArray *listed, const char *answer)
{
    g_autofree guint *ids = NULL;
    gsize n_ids = 0;

    if (g_strcmp0(answer, "all") == 0)
        return TRUE;
    if (answer == NULL || g_str_equal(answer, "none")) {
        g_ptr_array_set_size(listed, 0);
        return TRUE;
    }
    ids = choice_parse(answer, listed->len, &n_ids);
    if (ids == NULL)
        return FALSE;
    for (guint i = listed->len, k = (guint)n_ids; i-- > 0;) {
        if (k > 0 && ids[k - 1] == i)
            k--;
        else
            g_ptr_array_remove_index(listed, i);
    }
    return TRUE;
}

/* A query names at most so many. */
#define IDS_MAX 64

static GVariant *
query_of(GPtrArray *picked, guint first)
{
    GVariantBuilder ids;
    GVariantDict dict;

    g_variant_builder_init(&ids, G_VARIANT_TYPE_STRING_ARRAY);
    for (guint i = first; i < picked->len && i < first + IDS_MAX; i++) {
        g_autofree char *id =
            g_strdup_printf("%u", ehrlink_item_get_number(g_ptr_array_index(picked, i)));
        g_variant_builder_add(&ids, "s", id);
    }
    g_variant_dict_init(&dict, NULL);
    g_variant_dict_insert_value(&dict, "ids", g_variant_builder_end(&ids));
    return g_variant_dict_end(&dict);
}

GVariant *
more_query(GPtrArray *picked)
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    for (guint i = 0; i < picked->len; i += IDS_MAX)
        g_variant_builder_add_value(&list, query_of(picked, i));
    return g_variant_builder_end(&list);
}

void
more_without_listed(GPtrArray *items)
{
    for (guint i = items->len; i-- > 0;)
        if (ehrlink_item_get_state(g_ptr_array_index(items, i)) == EHRLINK_ITEM_STATE_LISTED)
            g_ptr_array_remove_index(items, i);
}

GPtrArray *
more_items(char **files)
{
    GPtrArray *items = g_ptr_array_new_with_free_func(g_object_unref);

    for (char **file = files; *file != NULL; file++)
        g_ptr_array_add(items, ehrlink_item_new_for_path(*file));
    ehrlink_item_recognise_all((EhrlinkItem **)items->pdata, items->len);
    return items;
}
