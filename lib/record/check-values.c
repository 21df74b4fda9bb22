/* SPDX-License-Identifier: Apache-2.0
 *
 * What FHIR R4 demands of the values of a resource, wherever they stand in it: dates, choices,
 * references, narratives.
 */
#include <string.h>

#include "lib/record/check-private.h"

/* R4: "strings SHALL NOT exceed 1 MB in size"; base64 may. */
#define STRING_MAX (1024 * 1024)

static gboolean
is_date_key(const char *key)
{
    static const char *const keys[] = {
        "date",         "birthDate",      "issued",      "authoredOn",
        "recordedDate", "recorded",       "timestamp",   "dateAsserted",
        "assertedDate", "lastOccurrence", "created",     "expirationDate",
        "whenPrepared", "whenHandedOver", "lastUpdated", NULL};

    return g_strv_contains(keys, key) || g_str_has_suffix(key, "DateTime") ||
           (g_str_has_suffix(key, "Date") && strlen(key) > 4 && g_ascii_islower(key[0]));
}

static gboolean
is_period_end(const ErecNode *node)
{
    const char *parent = node->parent != NULL ? node->parent->key : NULL;

    if (strcmp(node->key, "start") != 0 && strcmp(node->key, "end") != 0)
        return FALSE;
    return parent != NULL && (g_str_has_suffix(parent, "eriod"));
}

static void
check_date(ErecCheck *check, const ErecNode *node)
{
    if (*node->key == '_' || (!is_date_key(node->key) && !is_period_end(node)))
        return;
    if (node->type == EREC_STRING && !erec_date_is_valid(node->text))
        erec_check_say(check, EREC_RULE_DATE, node, node->text);
    else if (node->type == EREC_OBJECT && g_str_has_suffix(node->key, "DateTime"))
        erec_check_say(check, EREC_RULE_PRIMITIVE, node, NULL);
}

/* The type that ends a member's name: "valueQuantity" → 5; 0 when none does. */
static gsize
choice_stem(const char *key)
{
    static const char *const types[] = {
        "Address",     "Age",          "Annotation",
        "Attachment",  "Base64Binary", "Boolean",
        "Canonical",   "Code",         "CodeableConcept",
        "Coding",      "ContactPoint", "Count",
        "Date",        "DateTime",     "Decimal",
        "Distance",    "Dosage",       "Duration",
        "HumanName",   "Id",           "Identifier",
        "Instant",     "Integer",      "Markdown",
        "Money",       "Oid",          "Period",
        "PositiveInt", "Quantity",     "Range",
        "Ratio",       "Reference",    "SampledData",
        "Signature",   "String",       "Time",
        "Timing",      "UnsignedInt",  "Uri",
        "Url",         "Uuid",
    };
    static const char *const stems[] = {
        "value",     "effective", "onset",        "abatement",     "occurrence",
        "performed", "deceased",  "medication",   "multipleBirth", "product",
        "timing",    "asNeeded",  "rate",         "dose",          "reported",
        "serviced",  "minimum",   "defaultValue", "content",       "bounds",
        NULL};

    for (const char *const *stem = stems; *stem != NULL; stem++) {
        const gsize length = **stem == *key ? strlen(*stem) : 0;

        if (length == 0 || strncmp(key, *stem, length) != 0 || !g_ascii_isupper(key[length]))
            continue;
        for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
            if (strcmp(key + length, types[i]) == 0)
                return length;
    }
    return 0;
}

/* [content]Attachment beside [content]Reference is a choice; "occurrenceDateTime" beside
 * "occurrencePeriod" likewise. */
static void
check_choices(ErecCheck *check, const ErecNode *object)
{
    for (const ErecNode *a = object->first; a != NULL; a = a->next) {
        const gsize stem = choice_stem(a->key);

        if (stem == 0)
            continue;
        for (const ErecNode *b = a->next; b != NULL; b = b->next) {
            if (choice_stem(b->key) == stem && strncmp(a->key, b->key, stem) == 0) {
                erec_check_say(check, EREC_RULE_CHOICE, b, a->key);
                return;
            }
        }
    }
}

/* --- narratives
 * -------------------------------------------------------------------------------- */

/* What begins at, or ends before, this place of the text. */
static const char *
active_at(const char *text, gsize at, gsize length)
{
    static const char *const tags[] = {"<script", "<!doctype", "<!entity", "<iframe",
                                       "<object", "<embed",    "<form",    "<link",
                                       "<meta",   "<base",     "<style"};
    static const char *const schemes[] = {"javascript", "vbscript"};

    for (gsize i = 0; text[at] == '<' && i < G_N_ELEMENTS(tags); i++) {
        const gsize n = strlen(tags[i]);
        if (length - at >= n && g_ascii_strncasecmp(text + at, tags[i], n) == 0)
            return tags[i];
    }
    for (gsize i = 0; text[at] == ':' && i < G_N_ELEMENTS(schemes); i++) {
        const gsize n = strlen(schemes[i]);
        if (at >= n && g_ascii_strncasecmp(text + at - n, schemes[i], n) == 0)
            return schemes[i];
    }
    return NULL;
}

/* ` onclick=`: an attribute that is code. */
static gboolean
has_handler(const char *text, gsize length)
{
    for (gsize i = 0; i + 4 < length; i++) {
        gsize at = i + 3;

        if (text[i + 1] != 'o' && text[i + 1] != 'O')
            continue;
        if (!g_ascii_isspace(text[i]) && text[i] != '"' && text[i] != '\'' && text[i] != '/')
            continue;
        if (g_ascii_tolower(text[i + 2]) != 'n' || !g_ascii_isalpha(text[at]))
            continue;
        while (at < length && g_ascii_isalpha(text[at]))
            at++;
        while (at < length && g_ascii_isspace(text[at]))
            at++;
        if (at < length && text[at] == '=')
            return TRUE;
    }
    return FALSE;
}

/* Only says it: what is shown goes through the sanitiser's list of what is allowed, whatever
 * this finds. */
static void
check_narrative(ErecCheck *check, const ErecNode *div)
{
    for (gsize i = 0; i < div->size; i++) {
        const char *found = div->text[i] == '<' || div->text[i] == ':'
                                ? active_at(div->text, i, div->size)
                                : NULL;

        if (found == NULL)
            continue;
        erec_check_say(check, EREC_RULE_NARRATIVE_ACTIVE, div, found);
        return;
    }
    if (has_handler(div->text, div->size))
        erec_check_say(check, EREC_RULE_NARRATIVE_ACTIVE, div, "on…=");
}

/* --- references
 * -------------------------------------------------------------------------------- */

/* Fields that say "is part of" or "follows from": those must not run in a circle. */
static gboolean
is_part_field(const ErecNode *reference)
{
    static const char *const fields[] = {"hasMember", "derivedFrom", "partOf", "basedOn",
                                         "replaces",  "parent",      NULL};
    const ErecNode *object = reference->parent;
    const ErecNode *field = object->key == NULL ? object->parent : object;

    return field != NULL && field->key != NULL && g_strv_contains(fields, field->key);
}

static gboolean
is_section_entry(const ErecCheck *check, const ErecNode *reference)
{
    const ErecNode *list = reference->parent->parent;

    return erec_text_is(check->resource, "resourceType", "Composition") && list != NULL &&
           g_strcmp0(list->key, "entry") == 0;
}

static void
note_part(ErecCheck *check, const ErecNode *node, guint to)
{
    const ErecPart part = {check->index, to};

    if (is_part_field(node) && check->parts->len < EREC_ENTRIES_MAX)
        g_array_append_val(check->parts, part);
}

static void
check_reference(ErecCheck *check, const ErecNode *node)
{
    guint to;

    switch (erec_bundle_resolve(check->bundle, check->index, node->text, &to)) {
    case EREC_RESOLVE_BY_ID:
        erec_check_say(check, EREC_RULE_REFERENCE_BY_ID, node, node->text);
        note_part(check, node, to);
        break;
    case EREC_RESOLVE_ENTRY:
    case EREC_RESOLVE_AMBIGUOUS: /* bdl-7 says so */
        note_part(check, node, to);
        break;
    case EREC_RESOLVE_CONTAINED:
        if (strcmp(node->text, "#") != 0 && erec_contained(check->resource, node->text) == NULL)
            erec_check_say(check, EREC_RULE_REFERENCE_CONTAINED, node, node->text);
        break;
    case EREC_RESOLVE_NONE:
        if (check->is_document && is_section_entry(check, node))
            erec_check_say(check, EREC_RULE_SECTION_REFERENCE, node, node->text);
        else if (erec_bundle_is_bundle(check->bundle))
            erec_check_say(check, EREC_RULE_REFERENCE_UNRESOLVED, node, node->text);
        break;
    }
}

/* -----------------------------------------------------------------------------------------------
 */

static void
check_string(ErecCheck *check, const ErecNode *node)
{
    if (node->key == NULL)
        return;
    if (node->size > STRING_MAX && strcmp(node->key, "data") != 0 &&
        strcmp(node->key, "valueBase64Binary") != 0)
        erec_check_say(check, EREC_RULE_STRING_LONG, node, NULL);
    if (strcmp(node->key, "reference") == 0)
        check_reference(check, node);
    else if (strcmp(node->key, "div") == 0)
        check_narrative(check, node);
}

static gboolean
on_node(const ErecNode *node, gpointer user_data)
{
    ErecCheck *check = user_data;

    if (node->key != NULL) {
        check_date(check, node);
        if (strcmp(node->key, "modifierExtension") == 0 ||
            strcmp(node->key, "implicitRules") == 0)
            erec_check_say(check, EREC_RULE_MODIFIER, node, erec_text(node, "url"));
    }
    if (node->type == EREC_STRING)
        check_string(check, node);
    else if (node->type == EREC_OBJECT)
        check_choices(check, node);
    if ((node->type == EREC_OBJECT || node->type == EREC_ARRAY) && node->first == NULL)
        erec_check_say(check, EREC_RULE_EMPTY, node, NULL);
    return TRUE;
}

void
erec_check_values(ErecCheck *check)
{
    /* what a nested bundle means is its own; only that it is there is said */
    if (!erec_text_is(check->resource, "resourceType", "Bundle"))
        erec_visit(check->resource, on_node, check);
}
