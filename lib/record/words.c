/* SPDX-License-Identifier: Apache-2.0
 *
 * See words.h.
 */
#include "lib/record/words.h"

#include <string.h>

#define TRANSLATION "http://hl7.org/fhir/StructureDefinition/translation"

static const struct {
    const char *url, *name;
} systems[] = {
    {"http://snomed.info/sct", "SNOMED CT"},
    {"http://loinc.org", "LOINC"},
    {"http://hl7.org/fhir/sid/icd-10", "ICD-10"},
    {"http://hl7.org/fhir/sid/icd-10-cm", "ICD-10-CM"},
    {"http://fhir.de/CodeSystem/bfarm/icd-10-gm", "ICD-10-GM"},
    {"http://hl7.org/fhir/sid/icd-9-cm", "ICD-9-CM"},
    {"http://www.whocc.no/atc", "ATC"},
    {"http://www.nlm.nih.gov/research/umls/rxnorm", "RxNorm"},
    {"http://hl7.org/fhir/sid/cvx", "CVX"},
    {"http://hl7.org/fhir/sid/ndc", "NDC"},
    {"http://fhir.de/CodeSystem/ifa/pzn", "PZN"},
    {"urn:iso:std:iso:11073:10101", "IEEE 11073"},
    {"http://standardterms.edqm.eu", "EDQM"},
};

/* Adds a piece that is not empty, after the separator if there is something before it. */
static void
join(GString *out, const char *separator, const char *piece)
{
    if (piece == NULL || *piece == '\0')
        return;
    if (out->len > 0)
        g_string_append(out, separator);
    g_string_append(out, piece);
}

static void
join_take(GString *out, const char *separator, char *piece)
{
    join(out, separator, piece);
    g_free(piece);
}

static char *
done(GString *out)
{
    if (out->len > 0)
        return g_string_free(out, FALSE);
    g_string_free(out, TRUE);
    return NULL;
}

/* --- codes -------------------------------------------------------------------------------- */

/* `extended` is "_display" or "_text": FHIR keeps translations in its extensions. */
static const char *
translation(const ErecNode *extended, const char *language)
{
    for (const ErecNode *at = erec_each(extended, "extension"); at != NULL;
         at = erec_each_next(at)) {
        const char *content = NULL;
        gboolean ours = FALSE;

        if (!erec_text_is(at, "url", TRANSLATION))
            continue;
        for (const ErecNode *part = erec_each(at, "extension"); part != NULL;
             part = erec_each_next(part)) {
            const char *value = erec_text(erec_choice(part, "value", NULL), "");

            if (erec_text_is(part, "url", "lang") && value != NULL)
                ours = g_ascii_strncasecmp(value, language, strlen(language)) == 0;
            else if (erec_text_is(part, "url", "content"))
                content = value;
        }
        if (ours && content != NULL)
            return content;
    }
    return NULL;
}

static const char *
translated(const ErecNode *concept, const char *language)
{
    const char *found;

    if (language == NULL)
        return NULL;
    found = translation(erec_member(concept, "_text"), language);
    for (const ErecNode *at = erec_each(concept, "coding"); at != NULL && found == NULL;
         at = erec_each_next(at))
        found = translation(erec_member(at, "_display"), language);
    return found;
}

static gboolean
says(const char *text)
{
    return text != NULL && *text != '\0';
}

char *
erec_words_concept(const ErecNode *concept, const char *language)
{
    const char *words = translated(concept, language);

    if (!says(words))
        words = erec_text(concept, "text");
    for (const ErecNode *at = erec_each(concept, "coding"); at != NULL && !says(words);
         at = erec_each_next(at))
        if (erec_text_is(at, "userSelected", "true"))
            words = erec_text(at, "display");
    for (const ErecNode *at = erec_each(concept, "coding"); at != NULL && !says(words);
         at = erec_each_next(at))
        words = erec_text(at, "display");
    if (!says(words))
        words = erec_text(concept, "display"); /* a Coding by itself */
    return says(words) ? g_strdup(words) : NULL;
}

char *
erec_words_code(const ErecNode *concept)
{
    const ErecNode *coding = erec_each(concept, "coding");
    const char *system, *code;

    if (coding == NULL)
    coding = concept;
    system = erec_text(coding, "system");
    code = erec_text(coding, "code");
    if (!says(code))
        return NULL;
    for (gsize i = 0; i < G_N_ELEMENTS(systems) && system != NULL; i++)
        if (strcmp(systems[i].url, system) == 0)
            system = systems[i].name;
    return says(system) ? g_strdup_printf("%s %s", system, code) : g_strdup(code);
}

char *
erec_words_any(const ErecNode *concept, const char *language)
{
    char *words = erec_words_concept(concept, language);
    g_autofree char *code = NULL;

    if (words != NULL)
        return words;
    code = erec_words_code(concept);
    return code != NULL ? g_strdup_printf("[%s]", code) : NULL;
}

char *
erec_words_concepts(const ErecNode *node, const char *path, const char *language)
{
    GString *out = g_string_new(NULL);

    for (const ErecNode *at = erec_each(node, path); at != NULL; at = erec_each_next(at))
        join_take(out, ", ", erec_words_any(at, language));
    return done(out);
}

/* --- numbers and times -------------------------------------------------------------------- */

char *
erec_words_quantity(const ErecNode *quantity, gboolean *no_unit)
{
    const char *value = erec_text(quantity, "value"), *unit = erec_text(quantity, "unit");
    GString *out;

    if (!says(value))
        return NULL;
    if (!says(unit))
        unit = erec_text(quantity, "code");
    if (!says(unit) && no_unit != NULL)
        *no_unit = TRUE;
    out = g_string_new(erec_text(quantity, "comparator"));
    join(out, " ", value);
    join(out, " ", unit);
    return done(out);
}

char *
erec_words_range(const ErecNode *range, gboolean *no_unit)
{
    g_autofree char *low = erec_words_quantity(erec_member(range, "low"), no_unit);
    g_autofree char *high = erec_words_quantity(erec_member(range, "high"), no_unit);

    if (low != NULL && high != NULL)
        return g_strdup_printf("%s – %s", low, high);
    if (low != NULL)
        return g_strdup_printf("≥ %s", low);
    return high != NULL ? g_strdup_printf("≤ %s", high) : NULL;
}

static char *
ratio(const ErecNode *node, gboolean *no_unit)
{
    gboolean bare = FALSE;
    g_autofree char *top = erec_words_quantity(erec_member(node, "numerator"), no_unit);
    g_autofree char *bottom = erec_words_quantity(erec_member(node, "denominator"), &bare);

    if (top == NULL)
        return NULL;
    return bottom != NULL ? g_strdup_printf("%s / %s", top, bottom) : g_steal_pointer(&top);
}

static char *
period(const ErecNode *node)
{
    const char *start = erec_text(node, "start"), *end = erec_text(node, "end");

    if (start == NULL && end == NULL)
        return NULL;
    return g_strdup_printf("%s – %s", start != NULL ? start : "?", end != NULL ? end : "");
}

/* "3 × / 1 d (8 h)": count, frequency, period and their upper bounds; when; bounds. */
static char *
timing(const ErecNode *node, const char *language)
{
    const ErecNode *repeat = erec_member(node, "repeat");
    GString *out = g_string_new(NULL);
    const char *times = erec_text(repeat, "frequency"),
               *most = erec_text(repeat, "frequencyMax");
    const char *per = erec_text(repeat, "period"), *per_most = erec_text(repeat, "periodMax");

    join_take(out, ", ", erec_words_any(erec_member(node, "code"), language));
    if (per != NULL || times != NULL) {
        g_autofree char *span = g_strdup_printf(
            "%s%s%s ×%s%s%s%s %s", times != NULL ? times : "1", most != NULL ? "–" : "",
            most != NULL ? most : "", per != NULL ? " / " : "", per != NULL ? per : "",
            per_most != NULL ? "–" : "", per_most != NULL ? per_most : "",
            erec_text(repeat, "periodUnit") != NULL ? erec_text(repeat, "periodUnit") : "");
        join(out, ", ", g_strchomp(span));
    }
    for (const ErecNode *at = erec_each(repeat, "when"); at != NULL; at = erec_each_next(at))
        join(out, ", ", erec_text(at, ""));
    for (const ErecNode *at = erec_each(repeat, "timeOfDay"); at != NULL;
         at = erec_each_next(at))
        join(out, ", ", erec_text(at, ""));
    for (const ErecNode *at = erec_each(repeat, "dayOfWeek"); at != NULL;
         at = erec_each_next(at))
        join(out, ", ", erec_text(at, ""));
    if (erec_text(repeat, "count") != NULL)
        g_string_append_printf(out, " (%s ×)", erec_text(repeat, "count"));
    join_take(out, ", ",
              erec_words_choice(erec_choice(repeat, "bounds", NULL), language, NULL));
    for (const ErecNode *at = erec_each(node, "event"); at != NULL; at = erec_each_next(at))
        join(out, ", ", erec_text(at, ""));
    return done(out);
}

char *
erec_words_choice(const ErecNode *value, const char *language, gboolean *no_unit)
{
    if (value == NULL)
        return NULL;
    if (value->type != EREC_OBJECT)
        return value->type == EREC_ARRAY || !says(value->text) ? NULL : g_strdup(value->text);
    if (erec_member(value, "start") != NULL || erec_member(value, "end") != NULL)
        return period(value);
    if (erec_member(value, "low") != NULL || erec_member(value, "high") != NULL)
        return erec_words_range(value, no_unit);
    if (erec_member(value, "numerator") != NULL)
        return ratio(value, no_unit);
    if (erec_member(value, "repeat") != NULL || erec_member(value, "event") != NULL)
        return timing(value, language);
    if (erec_member(value, "value") != NULL)
        return erec_words_quantity(value, no_unit);
    return erec_words_any(value, language);
}

/* --- doses -------------------------------------------------------------------------------- */

static void
join_dose(GString *out, const ErecNode *dose, const char *language, gboolean *no_unit)
{
    join_take(out, ", ", erec_words_choice(erec_choice(dose, "dose", NULL), language, no_unit));
    join_take(out, ", ", erec_words_choice(erec_choice(dose, "rate", NULL), language, no_unit));
}

char *
erec_words_dosage(const ErecNode *dosage, const char *language, gboolean *no_unit)
{
    static const char *const concepts[] = {"route", "site", "method", "additionalInstruction"};
    GString *out = g_string_new(NULL);
    g_autofree char *most = NULL;

    join(out, ", ", erec_text(dosage, "text"));
    for (const ErecNode *at = erec_each(dosage, "doseAndRate"); at != NULL;
         at = erec_each_next(at)) {
        g_autofree char *type = erec_words_any(erec_member(at, "type"), language);
        g_autoptr(GString) one = g_string_new(NULL);

        join_dose(one, at, language, no_unit);
        if (type != NULL && one->len > 0) /* a computed dose is not the ordered one */
            g_string_prepend(g_string_prepend(one, ": "), type);
        join(out, ", ", one->str);
    }
    /* MedicationAdministration has them in the dosage itself */
    if (erec_member(dosage, "doseAndRate") == NULL) {
        join_take(out, ", ", erec_words_quantity(erec_member(dosage, "dose"), no_unit));
        join_take(out, ", ",
                  erec_words_choice(erec_choice(dosage, "rate", NULL), language, no_unit));
    }
    join_take(out, ", ", timing(erec_member(dosage, "timing"), language));
    for (gsize i = 0; i < G_N_ELEMENTS(concepts); i++)
        join_take(out, ", ", erec_words_concepts(dosage, concepts[i], language));
    join_take(out, ", ",
              erec_words_any(erec_member(dosage, "asNeededCodeableConcept"), language));
    most = ratio(erec_member(dosage, "maxDosePerPeriod"), no_unit);
    if (most != NULL)
        g_string_append_printf(out, "%s≤ %s", out->len > 0 ? ", " : "", most);
    if (g_strcmp0(erec_text(dosage, "text"), erec_text(dosage, "patientInstruction")) != 0)
        join(out, ", ", erec_text(dosage, "patientInstruction"));
    return done(out);
}

/* --- people ------------------------------------------------------------------------------- */

static void
join_all(GString *out, const ErecNode *node, const char *member)
{
    for (const ErecNode *at = erec_each(node, member); at != NULL; at = erec_each_next(at))
        join(out, " ", erec_text(at, ""));
}

char *
erec_words_name(const ErecNode *name)
{
    GString *out = g_string_new(NULL);

    join_all(out, name, "prefix");
    join_all(out, name, "given");
    join(out, " ", erec_text(name, "family"));
    join_all(out, name, "suffix");
    if (out->len == 0)
        join(out, " ", erec_text(name, "text"));
    return done(out);
}

char *
erec_words_address(const ErecNode *address)
{
    GString *out = g_string_new(NULL);

    join(out, " ", erec_text(address, "text"));
    if (out->len > 0)
        return done(out);
    join_all(out, address, "line");
    join(out, ", ", erec_text(address, "postalCode"));
    join(out, out->len > 0 && erec_text(address, "postalCode") != NULL ? " " : ", ",
         erec_text(address, "city"));
    join(out, ", ", erec_text(address, "country"));
    return done(out);
}
