/* SPDX-License-Identifier: Apache-2.0
 *
 * What the record keeps of a patient's side alone: what was agreed, what of it goes in the
 * transfer in course, and how the person wanted it.
 */
#include "daemon/core/record-private.h"

#include <string.h>

static void
add_ids(GVariantBuilder *dict, const char *key, const guint *ids, gsize n)
{
    g_variant_builder_add(
        dict, "{sv}", key,
        g_variant_new_fixed_array(G_VARIANT_TYPE_UINT32, ids, n, sizeof *ids));
}

void
ehd_record_add_patient(GVariantBuilder *dict, EhdSession *self)
{
    g_variant_builder_add(dict, "{sv}", "acting-as",
                          g_variant_new_int32(self->wishes.acting_as));
    g_variant_builder_add(dict, "{sv}", "linger", g_variant_new_uint32(self->wishes.linger_s));
    g_variant_builder_add(dict, "{sv}", "replies", g_variant_new_boolean(self->wishes.replies));
    g_variant_builder_add(dict, "{sv}", "listed", g_variant_new_boolean(self->listed));
    if (self->order != NULL)
        add_ids(dict, "order", self->order, self->n_order);
    if (self->granted != NULL)
        add_ids(dict, "agreed", self->granted, self->n_granted);
    if (self->list != NULL)
        add_ids(dict, "list", (const guint *)(gpointer)self->list->data, self->list->len);
}

/* NULL: not there. */
static GArray *
take_ids(GVariant *dict, const char *key)
{
    g_autoptr(GVariant) value = g_variant_lookup_value(dict, key, G_VARIANT_TYPE("au"));
    gsize n = 0;
    const guint32 *ids = value != NULL ? g_variant_get_fixed_array(value, &n, 4) : NULL;
    GArray *list;

    if (value == NULL)
        return NULL;
    list = g_array_new(FALSE, FALSE, sizeof(guint));
    g_array_append_vals(list, ids, (guint)n);
    return list;
}

void
ehd_record_take_patient(GVariant *dict, EhdSession *self)
{
    g_autoptr(GArray) order = take_ids(dict, "order");
    g_autoptr(GArray) agreed = take_ids(dict, "agreed");

    g_variant_lookup(dict, "acting-as", "i", &self->wishes.acting_as);
    g_variant_lookup(dict, "linger", "u", &self->wishes.linger_s);
    g_variant_lookup(dict, "replies", "b", &self->wishes.replies);
    g_variant_lookup(dict, "listed", "b", &self->listed);
    self->list = take_ids(dict, "list");
    if (order == NULL)
        return;
    if (agreed == NULL) /* of a version that took up the first transfer only */
        agreed = g_array_ref(order);
    self->n_order = order->len;
    self->order = g_new(guint, MAX(order->len, agreed->len) + 1); /* for later requests, too */
    memcpy(self->order, order->data, order->len * sizeof *self->order);
    self->n_granted = agreed->len;
    self->granted = g_memdup2(agreed->data, agreed->len * sizeof *self->granted);
}
