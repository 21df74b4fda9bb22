/* SPDX-License-Identifier: Apache-2.0
 *
 * See xml-fhir.h.
 */
#include "lib/record/xml-fhir.h"

#include <string.h>

#include "lib/record/category.h"

#define AUTHORS_MAX 32
#define ENTRY       "/Bundle/entry/resource"

void
erec_xml_fhir_init(ErecXmlFhir *self, ErecDescription *description)
{
    memset(self, 0, sizeof *self);
    self->description = description;
    self->authors = g_ptr_array_new_with_free_func(g_free);
}

void
erec_xml_fhir_clear(ErecXmlFhir *self)
{
    g_free(self->full_url);
    g_ptr_array_unref(self->authors);
    g_free(self->custodian);
    g_free(self->custodian_name);
    g_free(self->title);
    g_free(self->words);
    g_free(self->display);
    g_free(self->system);
    g_free(self->code);
}

static void
take(char **field, const char *value)
{
    if (*field == NULL && value != NULL && *value != '\0')
        *field = g_strdup(value);
}

/* --- other resources: whom the references mean ----------------------------------------------
 */

static gboolean
is_here(const ErecXmlFhir *self, const char *reference)
{
    const char *url = self->full_url;
    const gsize length = url != NULL ? strlen(url) : 0, tail = strlen(reference);

    return url != NULL && g_str_has_suffix(url, reference) &&
           (length == tail || url[length - tail - 1] == '/');
}

static guint
authors_here(const ErecXmlFhir *self)
{
    guint n = 0;

    for (guint i = 0; i < self->authors->len; i++)
        n += is_here(self, g_ptr_array_index(self->authors, i)) ? 1 : 0;
    return n;
}

static void
take_organisation(ErecXmlFhir *self, const char *name)
{
    if (authors_here(self) > 0)
        take(&self->description->author, name);
    if (self->custodian != NULL && is_here(self, self->custodian))
        take(&self->custodian_name, name);
}

/* --- the resource itself --------------------------------------------------------------------
 */

static void
begin(ErecXmlFhir *self, const char *type, gboolean in_bundle)
{
    const char *category = erec_category_of_resource(type);
    const gboolean person = g_str_equal(type, "Patient") || g_str_equal(type, "RelatedPerson");

    self->mine = !self->chosen && (!in_bundle || g_str_equal(type, "Composition"));
    if (person && in_bundle)
        self->by_patient += authors_here(self);
    if (!self->mine)
        return;
    self->chosen = TRUE;
    self->is_person = person;
    if (category != NULL)
        self->description->category = category;
}

static void
take_coding(ErecXmlFhir *self, const char *part, const char *value)
{
    if (*part == '\0')
        self->codings++;
    else if (self->codings == 1 && g_str_equal(part, "/system"))
        take(&self->system, value);
    else if (self->codings == 1 && g_str_equal(part, "/code"))
        take(&self->code, value);
    else if (self->codings == 1 && g_str_equal(part, "/display"))
        take(&self->display, value);
}

static void
take_date(ErecXmlFhir *self, const char *field, const char *value)
{
    g_autofree char *path = g_strdelimit(g_strdup(field), "/", '.');
    ErecDateKind kind;
    const guint rank = erec_date_rank(path, &kind);

    if (rank == 0 || value == NULL || !erec_date_is_valid(value) ||
        (self->date_rank != 0 && rank >= self->date_rank))
        return;
    self->date_rank = rank;
    g_free(self->description->date);
    self->description->date = g_strdup(value);
    self->description->date_kind = kind;
}

static void
take_field(ErecXmlFhir *self, const char *field, const char *value)
{
    static const char *const authors[] = {"author/reference",          "recorder/reference",
                                          "performer/reference",       "requester/reference",
                                          "performer/actor/reference", NULL};

    if (g_str_equal(field, "title"))
        take(&self->title, value);
    else if (g_str_equal(field, "type/text") || g_str_equal(field, "code/text") ||
             g_str_equal(field, "vaccineCode/text"))
        take(&self->words, value);
    else if (g_str_has_prefix(field, "type/coding") || g_str_has_prefix(field, "code/coding"))
        take_coding(self, field + strlen("type/coding"), value);
    else if (g_str_equal(field, "custodian/reference"))
        take(&self->custodian, value);
    else if (g_strv_contains(authors, field) && value != NULL && *value != '\0' &&
             self->authors->len < AUTHORS_MAX)
        g_ptr_array_add(self->authors, g_strdup(value));
    else if (g_str_equal(field, "subject/display") || g_str_equal(field, "patient/display"))
        erec_names_add(self->description->names, value);
    else
        take_date(self, field, value);
}

/* Wherever it is, contained resources too. */
static gboolean
is_name_of_person(const char *path)
{
    static const char *const names[] = {
        "/Patient/name/family",       "/Patient/name/given",       "/Patient/name/text",
        "/RelatedPerson/name/family", "/RelatedPerson/name/given", "/RelatedPerson/name/text"};

    for (gsize i = 0; i < G_N_ELEMENTS(names); i++)
        if (g_str_has_suffix(path, names[i]))
            return TRUE;
    return FALSE;
}

void
erec_xml_fhir_element(ErecXmlFhir *self, const char *path, const char *value)
{
    const gboolean in_bundle = g_str_has_prefix(path, ENTRY "/");
    const char *type = path + (in_bundle ? strlen(ENTRY "/") : 1), *field;

    if (is_name_of_person(path))
        erec_names_add(self->description->names, value);
    if (g_str_equal(path, "/Bundle/entry"))
        g_clear_pointer(&self->full_url, g_free);
    if (g_str_equal(path, "/Bundle/entry/fullUrl"))
        take(&self->full_url, value);
    if (!in_bundle && g_str_has_prefix(path, "/Bundle"))
        return;
    field = strchr(type, '/');
    if (field == NULL)
        begin(self, type, in_bundle);
    else if (self->mine)
        take_field(self, field + 1, value);
    else if (g_str_has_prefix(type, "Organization/name"))
        take_organisation(self, value);
}

void
erec_xml_fhir_end(ErecXmlFhir *self)
{
    ErecDescription *d = self->description;
    const gboolean loinc = g_strcmp0(self->system, EREC_LOINC) == 0;
    const char *category =
        loinc && self->code != NULL ? erec_category_of_loinc(self->code) : NULL;

    if (d->author == NULL)
        d->author = g_steal_pointer(&self->custodian_name);
    d->patient_entered = self->authors->len > 0 && self->by_patient == self->authors->len;
    if (self->is_person)
        return;
    d->title = g_strdup(self->title != NULL   ? self->title
                        : self->words != NULL ? self->words
                                              : self->display);
    if (self->system != NULL && self->code != NULL)
        d->type_code = g_strdup_printf("%s|%s", self->system, self->code);
    if (category != NULL)
        d->category = category;
}
