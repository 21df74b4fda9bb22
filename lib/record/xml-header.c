/* SPDX-License-Identifier: Apache-2.0
 *
 * See xml-header.h.
 */
#include "lib/record/xml-header.h"

#include <string.h>

#include "lib/record/bounds.h"
#include "lib/record/category.h"
#include "lib/record/xml-fhir.h"

/* Both headers come first in their documents; a body is not needed. */
#define HEADER_MAX (256u << 10)

typedef struct {
    ErecDescription *description;
    GString *path; /* owned: "/ClinicalDocument/code" */
    guint depth;
    ErecXmlFhir fhir;
    char *title;     /* owned: CDA's own, if its code has no words */
    char *custodian; /* owned: for a CDA whose author is of no organisation */
} Reader;

static const char *
attribute(const char **names, const char **values, const char *wanted)
{
    for (guint i = 0; names[i] != NULL; i++)
        if (strcmp(names[i], wanted) == 0)
            return values[i];
    return NULL;
}

/* HL7 v3 "20260301140000+0100" → "2026-03-01". */
static char *
v3_date(const char *value)
{
    g_autofree char *date = NULL;

    if (value == NULL || strspn(value, "0123456789") < 8)
        return NULL;
    date = g_strdup_printf("%.4s-%.2s-%.2s", value, value + 4, value + 6);
    return erec_date_is_valid(date) ? g_steal_pointer(&date) : NULL;
}

static void
take_type(ErecDescription *d, const char *system, const char *code, const char *title)
{
    const gboolean loinc = g_strcmp0(system, "2.16.840.1.113883.6.1") == 0;
    const char *category = loinc ? erec_category_of_loinc(code) : NULL;

    if (code == NULL || system == NULL || d->type_code != NULL)
        return;
    d->type_code = loinc ? g_strdup_printf("%s|%s", EREC_LOINC, code)
                         : g_strdup_printf("urn:oid:%s|%s", system, code);
    d->title = g_strdup(title);
    d->category = category != NULL ? category : "Composition";
}

/* FALSE: it nests deeper, or its path is longer, than that of any record. */
static gboolean
enter(Reader *reader, const char *name)
{
    const char *colon = strrchr(name, ':'), *local = colon != NULL ? colon + 1 : name;

    if (++reader->depth > EREC_XML_DEPTH ||
        reader->path->len + 1 + strlen(local) > EREC_XML_PATH)
        return FALSE;
    g_string_append_c(reader->path, '/');
    g_string_append(reader->path, local);
    return TRUE;
}

static void
on_start(GMarkupParseContext *context, const char *name, const char **names,
         const char **values, gpointer user_data, GError **error)
{
    Reader *reader = user_data;
    ErecDescription *d = reader->description;

    if (!enter(reader, name)) {
        g_set_error_literal(error, G_MARKUP_ERROR, G_MARKUP_ERROR_INVALID_CONTENT, "too deep");
        return;
    }
    if (strcmp(reader->path->str, "/ClinicalDocument/code") == 0)
        take_type(d, attribute(names, values, "codeSystem"), attribute(names, values, "code"),
                  attribute(names, values, "displayName"));
    else if (strcmp(reader->path->str, "/ClinicalDocument/effectiveTime") == 0 &&
             d->date == NULL) {
        d->date = v3_date(attribute(names, values, "value"));
        d->date_kind = d->date != NULL ? EREC_DATE_EFFECTIVE : EREC_DATE_NONE;
    } else if (strcmp(reader->path->str, "/ClinicalDocument/author/assignedAuthor/code") == 0) {
        /* HL7's RoleCode for who writes about themselves */
        d->patient_entered = g_strcmp0(attribute(names, values, "code"), "ONESELF") == 0;
    } else if (d->kind == EREC_KIND_FHIR_XML) {
        erec_xml_fhir_element(&reader->fhir, reader->path->str,
                              attribute(names, values, "value"));
    }
}

static void
on_end(GMarkupParseContext *context, const char *name, gpointer user_data, GError **error)
{
    Reader *reader = user_data;
    const char *slash = strrchr(reader->path->str, '/');

    reader->depth--;
    g_string_truncate(reader->path, slash != NULL ? (gsize)(slash - reader->path->str) : 0);
}

static void
on_text(GMarkupParseContext *context, const char *text, gsize length, gpointer user_data,
        GError **error)
{
    Reader *reader = user_data;
    g_autofree char *words = g_strstrip(g_strndup(text, MIN(length, 1000)));

    if (strstr(reader->path->str, "/patientRole/patient/name") != NULL)
        erec_names_add(reader->description->names, words);
    else if (*words == '\0')
        return;
    else if (strcmp(reader->path->str, "/ClinicalDocument/title") == 0 && reader->title == NULL)
        reader->title = g_steal_pointer(&words);
    else if (g_str_has_suffix(reader->path->str,
                              "/assignedAuthor/representedOrganization/name") &&
             reader->description->author == NULL)
        reader->description->author = g_steal_pointer(&words);
    else if (g_str_has_suffix(reader->path->str, "/representedCustodianOrganization/name") &&
             reader->custodian == NULL)
        reader->custodian = g_steal_pointer(&words);
}

/* What a name might be in is said only when the name is known, or all was read and there is
 * none. */
static void
finish(Reader *reader, gboolean whole)
{
    ErecDescription *d = reader->description;

    if (d->kind == EREC_KIND_FHIR_XML)
        erec_xml_fhir_end(&reader->fhir);
    if (d->title == NULL)
        d->title = g_steal_pointer(&reader->title);
    if (d->author == NULL)
        d->author = g_steal_pointer(&reader->custodian);
    if (whole || !erec_names_is_empty(d->names))
        return;
    g_clear_pointer(&d->title, g_free);
    g_clear_pointer(&d->author, g_free);
}

void
erec_xml_describe(ErecSource *source, ErecDescription *description)
{
    static const GMarkupParser parser = {
        .start_element = on_start, .end_element = on_end, .text = on_text};
    g_autofree char *head = g_malloc(HEADER_MAX);
    const gssize length = erec_source_read(source, 0, head, HEADER_MAX);
    Reader reader = {.description = description, .path = g_string_new(NULL)};
    gboolean whole = FALSE;
    GMarkupParseContext *context =
        g_markup_parse_context_new(&parser, G_MARKUP_PREFIX_ERROR_POSITION, &reader, NULL);

    /* an error only ends what is learned: the document may be in another encoding, or go on
     * beyond the header */
    erec_xml_fhir_init(&reader.fhir, description);
    if (length > 0 && g_markup_parse_context_parse(context, head, length, NULL))
        whole = (guint64)length == erec_source_size(source) &&
                g_markup_parse_context_end_parse(context, NULL);
    finish(&reader, whole);
    g_markup_parse_context_free(context);
    g_string_free(reader.path, TRUE);
    g_free(reader.title);
    g_free(reader.custodian);
    erec_xml_fhir_clear(&reader.fhir);
}
