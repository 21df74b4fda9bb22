/* SPDX-License-Identifier: Apache-2.0
 *
 * See bundle.h. One pass of the scanner; then two sorted tables, so that resolving is a binary
 * search whatever the names are.
 */
#include "lib/record/bundle.h"

#include <stdlib.h>
#include <string.h>

#include "lib/record/scan.h"
#include "lib/record/unescape.h"

/* A Bundle has a dozen members of its own, the richest resource some fifty. */
#define MEMBERS_MAX    256
/* All texts of the index together. */
#define TEXT_TOTAL_MAX (32u << 20)

struct ErecBundle {
    ErecSource *source;  /* owned */
    GStringChunk *texts; /* owned */
    gsize texts_size;
    GArray *entries; /* owned, of ErecEntry */
    GArray *members; /* owned, of ErecMember */
    guint *by_url;   /* owned: entries with a fullUrl, sorted */
    guint *by_id;    /* owned: entries with type and id, sorted */
    guint n_by_url, n_by_id;
    const char *resource_type, *id, *type; /* of the top object; type only if it is a string */
    gboolean is_bundle;
    guint64 top, top_length;
    guint64 entries_at, entries_length;
};

typedef struct {
    ErecBundle *bundle;
    ErecScanner scanner;
    ErecToken token;
    ErecFault fault;
} Indexer;

static gboolean
fail(Indexer *in, ErecFaultCode code, guint64 offset)
{
    return erec_fault_set(&in->fault, code, offset);
}

static gboolean
next(Indexer *in)
{
    if (erec_scanner_next(&in->scanner, &in->token) != EREC_TOKEN_FAULT)
        return TRUE;
    in->fault = *erec_scanner_fault(&in->scanner);
    return FALSE;
}

static gboolean
is_opening(const ErecToken *token)
{
    return token->kind == EREC_TOKEN_OBJECT || token->kind == EREC_TOKEN_ARRAY;
}

/* Passes over the rest of the value whose first token is the present one. */
static gboolean
finish_value(Indexer *in)
{
    if (!is_opening(&in->token) || erec_scanner_skip(&in->scanner, &in->token))
        return TRUE;
    in->fault = *erec_scanner_fault(&in->scanner);
    return FALSE;
}

static guint64
token_end(const ErecToken *token)
{
    return token->offset + token->length;
}

/* The captured string of the present token; *text stays NULL for anything else, and for what is
 * too long to be a name. */
static gboolean
keep_text(Indexer *in, const char **text)
{
    char buffer[EREC_KEY_MAX + 1];
    gsize length;

    if (in->token.kind != EREC_TOKEN_STRING || in->token.text == NULL)
        return TRUE;
    length = erec_unescape(in->token.text, in->token.text + strlen(in->token.text), buffer);
    if (length > EREC_URL_MAX)
        return TRUE;
    in->bundle->texts_size += length + 1;
    if (in->bundle->texts_size > TEXT_TOTAL_MAX)
        return fail(in, EREC_FAULT_ENTRIES, in->token.offset);
    *text = g_string_chunk_insert_len(in->bundle->texts, buffer, (gssize)length);
    return TRUE;
}

/* A member that must not come twice, for which of the two would be meant? */
static gboolean
keep_once(Indexer *in, const char **text, guint64 key_offset)
{
    if (*text != NULL)
        return fail(in, EREC_FAULT_DUPLICATE, key_offset);
    return keep_text(in, text);
}

/* The object that begins with the present token; type and id of it. */
static gboolean
index_resource(Indexer *in, ErecEntry *entry)
{
    const guint depth = in->token.depth;

    entry->resource = in->token.offset;
    for (;;) {
        const char **text = NULL;
        guint64 key_offset;

        if (!next(in))
            return FALSE;
        if (in->token.kind == EREC_TOKEN_END_OBJECT && in->token.depth == depth)
            break;
        key_offset = in->token.offset;
        if (strcmp(in->token.text, "resourceType") == 0)
            text = &entry->type;
        else if (strcmp(in->token.text, "id") == 0)
            text = &entry->id;
        if (text != NULL)
            erec_scanner_capture(&in->scanner);
        if (!next(in) || (text != NULL && !keep_once(in, text, key_offset)) ||
            !finish_value(in))
            return FALSE;
    }
    entry->resource_length = token_end(&in->token) - entry->resource;
    return TRUE;
}

static gboolean
index_entry_member(Indexer *in, ErecEntry *entry)
{
    const guint64 key_offset = in->token.offset;
    const gboolean is_url = strcmp(in->token.text, "fullUrl") == 0;
    const gboolean is_resource = strcmp(in->token.text, "resource") == 0;

    if (is_url)
        erec_scanner_capture(&in->scanner);
    if (!next(in))
        return FALSE;
    if (is_url && !keep_once(in, &entry->full_url, key_offset))
        return FALSE;
    if (is_resource && in->token.kind == EREC_TOKEN_OBJECT) {
        if (entry->resource_length != 0)
            return fail(in, EREC_FAULT_DUPLICATE, key_offset);
        return index_resource(in, entry);
    }
    return finish_value(in);
}

static gboolean
index_entry(Indexer *in)
{
    ErecEntry entry = {.offset = in->token.offset};
    const guint depth = in->token.depth;

    if (in->bundle->entries->len >= EREC_ENTRIES_MAX)
        return fail(in, EREC_FAULT_ENTRIES, entry.offset);
    if (in->token.kind == EREC_TOKEN_OBJECT) {
        for (;;) {
            if (!next(in))
                return FALSE;
            if (in->token.kind == EREC_TOKEN_END_OBJECT && in->token.depth == depth)
                break;
            if (!index_entry_member(in, &entry))
                return FALSE;
        }
    } else if (!finish_value(in)) {
        return FALSE;
    }
    entry.length = token_end(&in->token) - entry.offset;
    g_array_append_val(in->bundle->entries, entry);
    return TRUE;
}

static gboolean
index_entries(Indexer *in)
{
    const guint depth = in->token.depth;

    in->bundle->entries_at = in->token.offset;
    for (;;) {
        if (!next(in))
            return FALSE;
        if (in->token.kind == EREC_TOKEN_END_ARRAY && in->token.depth == depth)
            break;
        if (!index_entry(in))
            return FALSE;
    }
    in->bundle->entries_length = token_end(&in->token) - in->bundle->entries_at;
    return TRUE;
}

static const ErecMember *
find_member(const ErecBundle *bundle, const char *key)
{
    for (guint i = 0; i < bundle->members->len; i++) {
        const ErecMember *member = &g_array_index(bundle->members, ErecMember, i);
        if (strcmp(member->key, key) == 0)
            return member;
    }
    return NULL;
}

static gboolean
begin_member(Indexer *in, ErecMember *member)
{
    ErecBundle *bundle = in->bundle;

    if (find_member(bundle, in->token.text) != NULL ||
        (bundle->entries_length != 0 && strcmp(in->token.text, "entry") == 0))
        return fail(in, EREC_FAULT_DUPLICATE, in->token.offset);
    if (bundle->members->len >= MEMBERS_MAX)
        return fail(in, EREC_FAULT_NODES, in->token.offset);
    member->key = g_string_chunk_insert(bundle->texts, in->token.text);
    member->key_offset = in->token.offset;
    return TRUE;
}

static gboolean
index_member(Indexer *in)
{
    static const struct {
        const char *key;
        gsize field;
    } wanted[] = {
        {"resourceType", G_STRUCT_OFFSET(ErecBundle, resource_type)},
        {"id", G_STRUCT_OFFSET(ErecBundle, id)},
        {"type", G_STRUCT_OFFSET(ErecBundle, type)},
    };
    const char **text = NULL;
    ErecMember member = {0};

    if (!begin_member(in, &member))
        return FALSE;
    for (gsize i = 0; i < G_N_ELEMENTS(wanted); i++)
        if (strcmp(member.key, wanted[i].key) == 0)
            text = (const char **)((char *)in->bundle + wanted[i].field);
    if (text != NULL)
        erec_scanner_capture(&in->scanner);
    if (!next(in))
        return FALSE;
    if (strcmp(member.key, "entry") == 0 && in->token.kind == EREC_TOKEN_ARRAY)
        return index_entries(in);
    member.offset = in->token.offset;
    if ((text != NULL && !keep_text(in, text)) || !finish_value(in))
        return FALSE;
    member.length = token_end(&in->token) - member.offset;
    g_array_append_val(in->bundle->members, member);
    return TRUE;
}

static gboolean
index_all(Indexer *in)
{
    if (!next(in))
        return FALSE;
    if (in->token.kind != EREC_TOKEN_OBJECT)
        return fail(in, EREC_FAULT_NOT_RESOURCE, in->token.offset);
    in->bundle->top = in->token.offset;
    for (;;) {
        if (!next(in))
            return FALSE;
        if (in->token.kind == EREC_TOKEN_END_OBJECT && in->token.depth == 0)
            break;
        if (!index_member(in))
            return FALSE;
    }
    in->bundle->top_length = token_end(&in->token) - in->bundle->top;
    if (!next(in))
        return FALSE;
    return in->bundle->resource_type != NULL ||
           fail(in, EREC_FAULT_NOT_RESOURCE, in->bundle->top);
}

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
    Indexer in = {.bundle = self};
    gboolean ok;

    self->source = erec_source_ref(source);
    self->texts = g_string_chunk_new(4096);
    self->entries = g_array_new(FALSE, TRUE, sizeof(ErecEntry));
    self->members = g_array_new(FALSE, TRUE, sizeof(ErecMember));
    erec_scanner_init(&in.scanner, source);
    ok = index_all(&in);
    erec_scanner_clear(&in.scanner);
    if (!ok) {
        erec_fault_set(fault, in.fault.code, in.fault.offset);
        return NULL;
    }
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

ErecTree *
erec_bundle_load_member(const ErecBundle *self, const char *key, ErecFault *fault)
{
    const ErecMember *member = find_member(self, key);

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
