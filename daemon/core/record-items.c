/* SPDX-License-Identifier: Apache-2.0
 *
 * The items of a session on disk, and their salts: at the patient's side a note in the ledger,
 * at a terminal the spool's note. Read back by this file only.
 */
#include "daemon/core/record-private.h"

#include <sodium.h>
#include <string.h>

#define ITEM_TYPE  "(stmsmsmsmsmsubmxmay)"
#define ITEMS_TYPE "(a" ITEM_TYPE "ay)"

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

GBytes *
ehd_record_items(EhdSession *self)
{
    g_autoptr(GByteArray) salts = g_byte_array_new();
    GVariantBuilder list;

    g_variant_builder_init(&list, G_VARIANT_TYPE("a" ITEM_TYPE));
    for (guint i = 0; i < self->items->len; i++)
        g_variant_builder_add_value(&list, item_value(&g_array_index(self->items, EhdItem, i)));
    for (guint i = 0; i < self->origins->len; i++)
        g_byte_array_append(salts, g_array_index(self->origins, EhdOrigin, i).salt,
                            EHP_SALT_LEN);
    return ehd_record_pack(g_variant_new(
        "(a" ITEM_TYPE "@ay)", &list,
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, salts->data, salts->len, 1)));
}

GVariant *
ehd_record_rows(EhdSession *self, guint n_items)
{
    GVariantBuilder rows;

    g_variant_builder_init(&rows, G_VARIANT_TYPE("a(uub)"));
    for (guint i = 0; i < n_items && i < self->origins->len; i++) {
        guint transfer = g_array_index(self->origins, EhdOrigin, i).transfer;

        if (i == 0 || transfer != g_array_index(self->origins, EhdOrigin, i - 1).transfer)
            g_variant_builder_add(&rows, "(uub)", transfer, i,
                                  self->item_states->data[i] == EHD_ITEM_LISTED);
    }
    return g_variant_builder_end(&rows);
}

static gboolean
place_row(EhdSession *self, guint transfer, guint first, guint next, gboolean listed)
{
    if (first >= next || next > self->items->len || next > self->origins->len)
        return FALSE;
    for (guint i = first; i < next; i++) {
        EhdOrigin *origin = &g_array_index(self->origins, EhdOrigin, i);

        origin->transfer = transfer;
        origin->number = i - first;
        if (listed)
            self->item_states->data[i] = EHD_ITEM_LISTED;
    }
    return TRUE;
}

gboolean
ehd_record_place_items(EhdSession *self, const EhdPast *past)
{
    guint n = past->n_items == G_MAXUINT ? self->items->len : past->n_items;
    gsize n_rows = past->rows != NULL ? g_variant_n_children(past->rows) : 0;
    guint next = n;

    if (n > self->items->len)
        return FALSE;
    g_array_set_size(self->items, n);
    g_array_set_size(self->origins, MIN(n, self->origins->len));
    g_byte_array_set_size(self->item_states, n);
    for (gsize i = n_rows; i > 0; i--) {
        guint transfer, first;
        gboolean listed;

        g_variant_get_child(past->rows, i - 1, "(uub)", &transfer, &first, &listed);
        if (!place_row(self, transfer, first, next, listed))
            return FALSE;
        next = first;
    }
    return n_rows == 0 || next == 0;
}

static void
take_item(EhdSession *self, GVariant *value)
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
    self->manifest_bytes += item.size;
    g_array_append_val(self->items, item);
    g_byte_array_append(self->item_states, &state, 1);
}

gboolean
ehd_record_take_up_items(EhdSession *self, GBytes *meta)
{
    g_autoptr(GVariant) value = ehd_record_unpack(meta, ITEMS_TYPE);
    g_autoptr(GVariant) list = NULL;
    g_autoptr(GVariant) salts = NULL;
    gsize n;
    const guint8 *bytes;

    if (value == NULL)
        return FALSE;
    list = g_variant_get_child_value(value, 0);
    salts = g_variant_get_child_value(value, 1);
    for (gsize i = 0; i < g_variant_n_children(list); i++) {
        g_autoptr(GVariant) item = g_variant_get_child_value(list, i);

        take_item(self, item);
    }
    bytes = g_variant_get_fixed_array(salts, &n, 1);
    for (gsize i = 0; i < n / EHP_SALT_LEN; i++) {
        EhdOrigin origin = {.number = (guint)i};

        memcpy(origin.salt, bytes + i * EHP_SALT_LEN, EHP_SALT_LEN);
        g_array_append_val(self->origins, origin);
    }
    return TRUE;
}
