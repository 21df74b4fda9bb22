/* SPDX-License-Identifier: Apache-2.0
 *
 * The items of a session on disk, and their salts: at the patient's side a note in the ledger,
 * at a terminal the spool's note. Read back by this file only.
 */
#include "daemon/core/record-private.h"

#include <sodium.h>
#include <string.h>

#define ITEM_TYPE  EHD_RECORD_ITEM
#define ITEMS_TYPE "(" EHD_RECORD_ITEMS "ay)"

static GVariant *
item_value(const EhdItem *item)
{
    GVariant *mtime = item->has_mtime ? g_variant_new_int64(item->mtime) : NULL;
    GVariant *subject =
        item->subject != NULL
            ? g_variant_new_from_bytes(G_VARIANT_TYPE_BYTESTRING, item->subject, TRUE)
            : NULL;

    return g_variant_new("(stmsmsmsmsmsub@mx@may)", item->name, item->size, item->media_type,
                         item->title, item->date, item->type_code, item->author,
                         (guint32)item->category, item->patient_entered,
                         g_variant_new_maybe(G_VARIANT_TYPE_INT64, mtime),
                         g_variant_new_maybe(G_VARIANT_TYPE_BYTESTRING, subject));
}

void
ehd_record_hash_order(EhdSession *self, guint8 out[EHP_HASH_LEN])
{
    g_autoptr(GVariant) list = NULL;
    GVariantBuilder builder;

    g_variant_builder_init(&builder, G_VARIANT_TYPE("a" ITEM_TYPE));
    for (guint i = 0; i < self->n_order; i++)
        g_variant_builder_add_value(
            &builder, item_value(&g_array_index(self->items, EhdItem, self->order[i])));
    list = g_variant_ref_sink(g_variant_builder_end(&builder));
    crypto_hash_sha256(out, g_variant_get_data(list), g_variant_get_size(list));
}

GVariant *
ehd_record_pack_items(const GArray *items)
{
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE(EHD_RECORD_ITEMS));
    for (guint i = 0; i < items->len; i++)
        g_variant_builder_add_value(&list, item_value(&g_array_index(items, EhdItem, i)));
    return g_variant_builder_end(&list);
}

GBytes *
ehd_record_pack_list(const EhdRecordList *list)
{
    g_autoptr(GByteArray) salts = g_byte_array_new();

    for (guint i = 0; i < list->origins->len; i++)
        g_byte_array_append(salts, g_array_index(list->origins, EhdOrigin, i).salt,
                            EHP_SALT_LEN);
    return ehd_record_pack(g_variant_new(
        "(@" EHD_RECORD_ITEMS "@ay)", ehd_record_pack_items(list->items),
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, salts->data, salts->len, 1)));
}

GVariant *
ehd_record_pack_rows(const EhdRecordList *list, guint n_items)
{
    GVariantBuilder rows;

    g_variant_builder_init(&rows, G_VARIANT_TYPE(EHD_RECORD_ROWS));
    for (guint i = 0; i < n_items && i < list->origins->len; i++) {
        guint transfer = g_array_index(list->origins, EhdOrigin, i).transfer;

        if (i == 0 || transfer != g_array_index(list->origins, EhdOrigin, i - 1).transfer)
            g_variant_builder_add(&rows, "(uub)", transfer, i,
                                  list->states->data[i] == EHD_ITEM_LISTED);
    }
    return g_variant_builder_end(&rows);
}

static gboolean
place_row(const EhdRecordList *list, guint transfer, guint first, guint next, gboolean listed)
{
    if (first >= next || next > list->items->len || next > list->origins->len)
        return FALSE;
    for (guint i = first; i < next; i++) {
        EhdOrigin *origin = &g_array_index(list->origins, EhdOrigin, i);

        origin->transfer = transfer;
        origin->number = i - first;
        if (listed)
            list->states->data[i] = EHD_ITEM_LISTED;
    }
    return TRUE;
}

gboolean
ehd_record_place(const EhdRecordList *list, guint n, GVariant *rows)
{
    gsize n_rows = rows != NULL ? g_variant_n_children(rows) : 0;
    guint next = n;

    if (n > list->items->len)
        return FALSE;
    g_array_set_size(list->items, n);
    g_array_set_size(list->origins, MIN(n, list->origins->len));
    g_byte_array_set_size(list->states, n);
    for (gsize i = n_rows; i > 0; i--) {
        guint transfer, first;
        gboolean listed;

        g_variant_get_child(rows, i - 1, "(uub)", &transfer, &first, &listed);
        if (!place_row(list, transfer, first, next, listed))
            return FALSE;
        next = first;
    }
    return n_rows == 0 || next == 0;
}

static void
take_item(GVariant *value, GArray *items, GByteArray *states)
{
    g_autoptr(GVariant) mtime = NULL;
    g_autoptr(GVariant) subject = NULL;
    EhdItem item = {0};
    guint32 category;
    guint8 state = EHD_ITEM_WAITING;

    g_variant_get(value, "(stmsmsmsmsmsub@mx@may)", &item.name, &item.size, &item.media_type,
                  &item.title, &item.date, &item.type_code, &item.author, &category,
                  &item.patient_entered, &mtime, &subject);
    item.category = (int)category;
    item.has_mtime = g_variant_n_children(mtime) == 1;
    if (item.has_mtime)
        g_variant_get(mtime, "mx", NULL, &item.mtime);
    if (g_variant_n_children(subject) == 1) {
        g_autoptr(GVariant) bytes = g_variant_get_child_value(subject, 0);

        item.subject = g_variant_get_data_as_bytes(bytes);
    }
    g_array_append_val(items, item);
    g_byte_array_append(states, &state, 1);
}

void
ehd_record_take_items(GVariant *list, GArray *items, GByteArray *states)
{
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(list, i);

        take_item(item, items, states);
    }
}

gboolean
ehd_record_take_list(GBytes *note, const EhdRecordList *out)
{
    g_autoptr(GVariant) value = ehd_record_unpack(note, ITEMS_TYPE);
    g_autoptr(GVariant) list = NULL;
    g_autoptr(GVariant) salts = NULL;
    gsize n;
    const guint8 *bytes;

    if (value == NULL)
        return FALSE;
    list = g_variant_get_child_value(value, 0);
    salts = g_variant_get_child_value(value, 1);
    ehd_record_take_items(list, out->items, out->states);
    bytes = g_variant_get_fixed_array(salts, &n, 1);
    for (gsize i = 0; i < n / EHP_SALT_LEN; i++) {
        EhdOrigin origin = {.number = (guint)i};

        memcpy(origin.salt, bytes + i * EHP_SALT_LEN, EHP_SALT_LEN);
        g_array_append_val(out->origins, origin);
    }
    return TRUE;
}

/* ---------------------------------------------------------------- of what is sent */

static EhdRecordList
list_of(EhdSession *self)
{
    return (EhdRecordList){self->items, self->item_states, self->origins};
}

GBytes *
ehd_record_items(EhdSession *self)
{
    EhdRecordList list = list_of(self);

    return ehd_record_pack_list(&list);
}

gboolean
ehd_record_take_up_items(EhdSession *self, GBytes *meta)
{
    EhdRecordList list = list_of(self);

    if (!ehd_record_take_list(meta, &list))
        return FALSE;
    for (guint i = 0; i < self->items->len; i++)
        self->manifest_bytes += g_array_index(self->items, EhdItem, i).size;
    return TRUE;
}

GVariant *
ehd_record_rows(EhdSession *self, guint n_items)
{
    EhdRecordList list = list_of(self);

    return ehd_record_pack_rows(&list, n_items);
}

gboolean
ehd_record_place_items(EhdSession *self, const EhdPast *past)
{
    EhdRecordList list = list_of(self);

    return ehd_record_place(
        &list, past->n_items == G_MAXUINT ? self->items->len : past->n_items, past->rows);
}
