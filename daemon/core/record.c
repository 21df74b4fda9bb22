/* SPDX-License-Identifier: Apache-2.0
 *
 * What a terminal keeps on disk of a session, as GVariants: in the ledger (sealed) a small
 * record of its stage, and in the spool's note (sealed) the list of items. Both are read back
 * by this file only; what does not have the expected type is damaged.
 */
#include "daemon/core/session-priv.h"

#include <sodium.h>
#include <string.h>

#define RECORD_TYPE     "(ua{sv})"
#define ITEMS_TYPE      "a(stmsmsmsmsmsub)"
/* Of the record itself; the ledger has its own. */
#define RECORD_VERSION  1
/* What the record begins with: one letter, padded to what a GVariant is aligned to. */
#define STAGE_LEN       8
#define STAGE_PENDING   'P'
#define STAGE_COMMITTED 'C'

static GBytes *
finish(GVariant *value)
{
    GVariant *owned = g_variant_ref_sink(value);
    GBytes *bytes = g_variant_get_data_as_bytes(owned);

    g_variant_unref(owned);
    return bytes;
}

static void
wipe_free(gpointer data)
{
    GBytes *inner = data;

    sodium_memzero((void *)g_bytes_get_data(inner, NULL), g_bytes_get_size(inner));
    g_bytes_unref(inner);
}

/* The keys as they are, behind a stage that take_up() does not know: no copy of them stays in
 * memory. */
GBytes *
ehd_record_pending(EhdSession *self, ehp_bytes secrets)
{
    gsize length = STAGE_LEN + secrets.len;
    guint8 *record = g_malloc0(length);
    GBytes *inner;

    record[0] = STAGE_PENDING;
    memcpy(record + STAGE_LEN, secrets.data, secrets.len);
    inner = g_bytes_new_take(record, length);
    return g_bytes_new_with_free_func(record, length, wipe_free, inner);
}

static void
add_string(GVariantBuilder *dict, const char *key, const char *value)
{
    if (value != NULL)
        g_variant_builder_add(dict, "{sv}", key, g_variant_new_string(value));
}

static void
add_wishes(GVariantBuilder *dict, const EhdWishes *wishes)
{
    g_variant_builder_add(dict, "{sv}", "categories",
                          g_variant_new_fixed_array(G_VARIANT_TYPE_INT32,
                                                    wishes->categories->data,
                                                    wishes->categories->len, sizeof(gint32)));
    g_variant_builder_add(dict, "{sv}", "purpose", g_variant_new_int32(wishes->purpose));
    g_variant_builder_add(dict, "{sv}", "period", g_variant_new_uint64(wishes->period_days));
    g_variant_builder_add(dict, "{sv}", "retention",
                          g_variant_new_uint64(wishes->retention_days));
    g_variant_builder_add(dict, "{sv}", "filing", g_variant_new_uint32(wishes->filing_s));
    add_string(dict, "text", wishes->text);
    add_string(dict, "directory", wishes->directory);
    if (!wishes->has_operator)
        return;
    g_variant_builder_add(dict, "{sv}", "operator-assurance",
                          g_variant_new_int32(wishes->operator_assurance));
    add_string(dict, "operator-display", wishes->operator_display);
    add_string(dict, "operator-role", wishes->operator_role);
    add_string(dict, "operator-identifier", wishes->operator_identifier);
}

static GBytes *
with_stage(GBytes *record)
{
    guint8 stage[STAGE_LEN] = {STAGE_COMMITTED};
    GByteArray *array = g_byte_array_new();

    g_byte_array_append(array, stage, sizeof stage);
    g_byte_array_append(array, g_bytes_get_data(record, NULL), (guint)g_bytes_get_size(record));
    g_bytes_unref(record);
    return g_byte_array_free_to_bytes(array);
}

static GBytes *
without_stage(GBytes *record)
{
    const guint8 *bytes = g_bytes_get_data(record, NULL);
    gsize length = g_bytes_get_size(record);

    if (length <= STAGE_LEN || bytes[0] != STAGE_COMMITTED)
        return NULL;
    return g_bytes_new_from_bytes(record, STAGE_LEN, length - STAGE_LEN);
}

GBytes *
ehd_record_committed(EhdSession *self)
{
    GVariantBuilder dict;

    g_variant_builder_init(&dict, G_VARIANT_TYPE_VARDICT);
    g_variant_builder_add(&dict, "{sv}", "uid", g_variant_new_uint32(self->uid));
    g_variant_builder_add(&dict, "{sv}", "created", g_variant_new_int64(self->created));
    g_variant_builder_add(&dict, "{sv}", "committed", g_variant_new_int64(self->committed));
    g_variant_builder_add(&dict, "{sv}", "consent",
                          g_variant_new("(iixx)", self->consent.purpose,
                                        self->consent.acting_as, self->consent.time,
                                        self->consent.expires));
    add_wishes(&dict, &self->wishes);
    return with_stage(finish(g_variant_new(RECORD_TYPE, (guint32)RECORD_VERSION, &dict)));
}

static GVariant *
parse(GBytes *bytes, const char *type)
{
    GVariant *value =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(type), bytes, FALSE));

    if (g_variant_is_normal_form(value))
        return value;
    g_variant_unref(value);
    return NULL;
}

static void
take_wishes(GVariant *dict, EhdWishes *wishes)
{
    g_autoptr(GVariant) categories =
        g_variant_lookup_value(dict, "categories", G_VARIANT_TYPE("ai"));
    gsize n = 0;
    const gint32 *codes;

    if (categories != NULL) {
        codes = g_variant_get_fixed_array(categories, &n, sizeof(gint32));
        g_array_append_vals(wishes->categories, codes, (guint)n);
    }
    g_variant_lookup(dict, "purpose", "i", &wishes->purpose);
    g_variant_lookup(dict, "period", "t", &wishes->period_days);
    g_variant_lookup(dict, "retention", "t", &wishes->retention_days);
    g_variant_lookup(dict, "filing", "u", &wishes->filing_s);
    g_variant_lookup(dict, "text", "s", &wishes->text);
    g_variant_lookup(dict, "directory", "s", &wishes->directory);
    wishes->has_operator =
        g_variant_lookup(dict, "operator-assurance", "i", &wishes->operator_assurance);
    g_variant_lookup(dict, "operator-display", "s", &wishes->operator_display);
    g_variant_lookup(dict, "operator-role", "s", &wishes->operator_role);
    g_variant_lookup(dict, "operator-identifier", "s", &wishes->operator_identifier);
}

gboolean
ehd_record_take_up(EhdSession *self, GBytes *record)
{
    g_autoptr(GBytes) body = without_stage(record);
    g_autoptr(GVariant) value = body != NULL ? parse(body, RECORD_TYPE) : NULL;
    g_autoptr(GVariant) dict = NULL;
    guint32 version, uid = G_MAXUINT32;

    if (value == NULL)
        return FALSE;
    g_variant_get(value, "(u@a{sv})", &version, &dict);
    if (version != RECORD_VERSION || !g_variant_lookup(dict, "uid", "u", &uid))
        return FALSE;
    self->uid = uid;
    g_variant_lookup(dict, "created", "x", &self->created);
    g_variant_lookup(dict, "committed", "x", &self->committed);
    self->consented =
        g_variant_lookup(dict, "consent", "(iixx)", &self->consent.purpose,
                         &self->consent.acting_as, &self->consent.time, &self->consent.expires);
    take_wishes(dict, &self->wishes);
    return TRUE;
}

GBytes *
ehd_record_items(EhdSession *self)
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE(ITEMS_TYPE));
    for (guint i = 0; i < self->items->len; i++) {
        const EhdItem *item = &g_array_index(self->items, EhdItem, i);

        g_variant_builder_add(&list, "(stmsmsmsmsmsub)", item->name, item->size,
                              item->media_type, item->title, item->date, item->type_code,
                              item->author, (guint32)item->category, item->patient_entered);
    }
    return finish(g_variant_builder_end(&list));
}

gboolean
ehd_record_take_up_items(EhdSession *self, GBytes *meta)
{
    g_autoptr(GVariant) list = parse(meta, ITEMS_TYPE);
    GVariantIter iter;
    EhdItem item = {0};
    guint32 category;
    guint8 state = EHD_ITEM_STORED;

    if (list == NULL)
        return FALSE;
    g_variant_iter_init(&iter, list);
    while (g_variant_iter_next(&iter, "(stmsmsmsmsmsub)", &item.name, &item.size,
                               &item.media_type, &item.title, &item.date, &item.type_code,
                               &item.author, &category, &item.patient_entered)) {
        item.category = (int)category;
        self->manifest_bytes += item.size;
        g_array_append_val(self->items, item);
        g_byte_array_append(self->item_states, &state, 1);
        item = (EhdItem){0};
    }
    return self->items->len > 0;
}
