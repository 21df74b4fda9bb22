/* SPDX-License-Identifier: Apache-2.0
 *
 * See bundle.h. Two sorted tables over what the pass (bundle-index.c) found, so that resolving is
 * a binary search whatever the names are.
 */
#include "lib/record/bundle-private.h"

#include <stdlib.h>
#include <string.h>

static const ErecEntry *
entry_at(const ErecBundle *self, guint index)
{
    return &g_array_index(self->entries, ErecEntry, index);
}

/* A single resource is the only entry of itself. (A List has "entry" too: these are none.) */
static void
become_single(ErecBundle *self)
{
    ErecEntry entry = {
        .type = self->resource_type,
        .id = self->id,
        .offset = self->top,
        .length = self->top_length,
        .resource = self->top,
        .resource_length = self->top_length,
    };

    g_array_set_size(self->entries, 0);
    g_array_append_val(self->entries, entry);
    self->type = NULL;
    self->entries_length = 0;
}

static int
compare_id(const ErecEntry *a, const char *type, const char *id)
{
    const int order = strcmp(a->type, type);

    return order != 0 ? order : strcmp(a->id, id);
}

static int
by_url(const void *a, const void *b, void *self)
{
    const guint left = *(const guint *)a, right = *(const guint *)b;
    const int order = strcmp(entry_at(self, left)->full_url, entry_at(self, right)->full_url);

    return order != 0 ? order : (left > right) - (left < right);
}

static int
by_id(const void *a, const void *b, void *self)
{
    const guint left = *(const guint *)a, right = *(const guint *)b;
    const ErecEntry *other = entry_at(self, right);
    const int order = compare_id(entry_at(self, left), other->type, other->id);

    return order != 0 ? order : (left > right) - (left < right);
}

static void
sort(ErecBundle *self)
{
    const guint n = self->entries->len;

    self->by_url = g_new(guint, n);
    self->by_id = g_new(guint, n);
    for (guint i = 0; i < n; i++) {
        const ErecEntry *entry = entry_at(self, i);
        if (entry->full_url != NULL)
            self->by_url[self->n_by_url++] = i;
        if (entry->type != NULL && entry->id != NULL)
            self->by_id[self->n_by_id++] = i;
    }
    if (self->n_by_url > 0)
        qsort_r(self->by_url, self->n_by_url, sizeof(guint), by_url, self);
    if (self->n_by_id > 0)
        qsort_r(self->by_id, self->n_by_id, sizeof(guint), by_id, self);
}

ErecBundle *
erec_bundle_new(ErecSource *source, ErecFault *fault)
{
    g_autoptr(ErecBundle) self = g_new0(ErecBundle, 1);

    self->source = erec_source_ref(source);
    self->texts = g_string_chunk_new(4096);
    self->entries = g_array_new(FALSE, TRUE, sizeof(ErecEntry));
    self->members = g_array_new(FALSE, TRUE, sizeof(ErecMember));
    if (!erec_bundle_index(self, fault))
        return NULL;
    self->is_bundle = strcmp(self->resource_type, "Bundle") == 0;
    if (!self->is_bundle)
        become_single(self);
    sort(self);
    return g_steal_pointer(&self);
}

void
erec_bundle_free(ErecBundle *self)
{
    if (self == NULL)
        return;
    erec_source_unref(self->source);
    g_string_chunk_free(self->texts);
    g_array_unref(self->entries);
    g_array_unref(self->members);
    g_free(self->by_url);
    g_free(self->by_id);
    g_free(self);
}

ErecSource *
erec_bundle_source(const ErecBundle *self)
{
    return self->source;
}

gboolean
erec_bundle_is_bundle(const ErecBundle *self)
{
    return self->is_bundle;
}

const char *
erec_bundle_type(const ErecBundle *self)
{
    return self->type;
}

guint
erec_bundle_n_entries(const ErecBundle *self)
{
    return self->entries->len;
}

const ErecEntry *
erec_bundle_entry(const ErecBundle *self, guint index)
{
    g_return_val_if_fail(index < self->entries->len, NULL);
    return entry_at(self, index);
}

gboolean
erec_bundle_entries_slice(const ErecBundle *self, guint64 *offset, guint64 *length)
{
    *offset = self->entries_at;
    *length = self->entries_length;
    return self->entries_length > 0;
}

guint
erec_bundle_n_members(const ErecBundle *self)
{
    return self->members->len;
}

const ErecMember *
erec_bundle_member(const ErecBundle *self, guint index)
{
    g_return_val_if_fail(index < self->members->len, NULL);
    return &g_array_index(self->members, ErecMember, index);
}

const ErecMember *
erec_bundle_find_member(const ErecBundle *self, const char *key)
{
    for (guint i = 0; i < self->members->len; i++) {
        const ErecMember *member = &g_array_index(self->members, ErecMember, i);
        if (strcmp(member->key, key) == 0)
            return member;
    }
    return NULL;
}

ErecTree *
erec_bundle_load_member(const ErecBundle *self, const char *key, ErecFault *fault)
{
    const ErecMember *member = erec_bundle_find_member(self, key);

    if (fault != NULL)
        *fault = (ErecFault){EREC_FAULT_OK, 0};
    return member != NULL ? erec_tree_load(self->source, member->offset, member->length, fault)
                          : NULL;
}

ErecTree *
erec_bundle_load(const ErecBundle *self, guint index, ErecFault *fault)
{
    const ErecEntry *entry = index < self->entries->len ? entry_at(self, index) : NULL;

    if (entry == NULL || entry->resource_length == 0) {
        erec_fault_set(fault, EREC_FAULT_NO_ENTRY, entry != NULL ? entry->offset : 0);
        return NULL;
    }
    return erec_tree_load(self->source, entry->resource, entry->resource_length, fault);
}

ErecTree *
erec_bundle_load_entry(const ErecBundle *self, guint index, ErecFault *fault)
{
    const ErecEntry *entry = index < self->entries->len ? entry_at(self, index) : NULL;

    if (entry == NULL) {
        erec_fault_set(fault, EREC_FAULT_NO_ENTRY, 0);
        return NULL;
    }
    return erec_tree_load(self->source, entry->offset, entry->length, fault);
}

gint
erec_bundle_find_type(const ErecBundle *self, const char *type, guint from)
{
    for (guint i = from; i < self->entries->len; i++)
        if (g_strcmp0(entry_at(self, i)->type, type) == 0)
            return (gint)i;
    return -1;
}

/* The first place in the sorted table that is not before what is looked for. */
static guint
lower_bound_url(const ErecBundle *self, const char *url)
{
    guint low = 0, high = self->n_by_url;

    while (low < high) {
        const guint middle = low + (high - low) / 2;
        if (strcmp(entry_at(self, self->by_url[middle])->full_url, url) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

guint
erec_bundle_find_url(const ErecBundle *self, const char *url, guint *index)
{
    const guint first = lower_bound_url(self, url);
    guint n = 0;

    while (n < 2 && first + n < self->n_by_url &&
           strcmp(entry_at(self, self->by_url[first + n])->full_url, url) == 0)
        n++;
    if (n > 0)
        *index = self->by_url[first];
    return n;
}

gboolean
erec_bundle_find_id(const ErecBundle *self, const char *type, const char *id, guint *index)
{
    guint low = 0, high = self->n_by_id;

    while (low < high) {
        const guint middle = low + (high - low) / 2;
        if (compare_id(entry_at(self, self->by_id[middle]), type, id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    if (low == self->n_by_id || compare_id(entry_at(self, self->by_id[low]), type, id) != 0)
        return FALSE;
    *index = self->by_id[low];
    return TRUE;
}
