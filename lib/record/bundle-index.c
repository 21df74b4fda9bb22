/* SPDX-License-Identifier: Apache-2.0
 *
 * One pass of the scanner over a file of any size: where its entries and its own members are. Of
 * a member that comes twice nobody can say which is meant: a fault.
 */
#include "lib/record/bundle-private.h"

#include <string.h>

#include "lib/record/scan.h"
#include "lib/record/unescape.h"

/* A Bundle has a dozen members of its own, the richest resource some fifty. */
#define MEMBERS_MAX    256
/* All texts of the index together. */
#define TEXT_TOTAL_MAX (32u << 20)

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

static gboolean
begin_member(Indexer *in, ErecMember *member)
{
    ErecBundle *bundle = in->bundle;

    if (erec_bundle_find_member(bundle, in->token.text) != NULL ||
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

gboolean
erec_bundle_index(ErecBundle *self, ErecFault *fault)
{
    Indexer in = {.bundle = self};
    gboolean ok;

    erec_scanner_init(&in.scanner, self->source);
    ok = index_all(&in);
    erec_scanner_clear(&in.scanner);
    return ok || erec_fault_set(fault, in.fault.code, in.fault.offset);
}
