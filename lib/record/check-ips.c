/* SPDX-License-Identifier: Apache-2.0
 *
 * The structure of an International Patient Summary (hl7.fhir.uv.ips 2.0.1): its Composition,
 * its Patient, its entries.
 */
#include <string.h>

#include "lib/record/check-private.h"

#define DATA_ABSENT_REASON "http://hl7.org/fhir/StructureDefinition/data-absent-reason"

typedef struct {
    const char *loinc;
    gboolean required;
} Section;

/* Sections that the guide knows; each may be there once. */
static const Section sections[] = {
    {"11450-4", TRUE},   /* problems */
    {"48765-2", TRUE},   /* allergies */
    {"10160-0", TRUE},   /* medications */
    {"11369-6", FALSE},  /* immunizations */
    {"30954-2", FALSE},  /* results */
    {"47519-4", FALSE},  /* procedures */
    {"46264-8", FALSE},  /* devices */
    {"42348-3", FALSE},  /* advance directives */
    {"104605-1", FALSE}, /* alerts */
    {"47420-5", FALSE},  /* functional status */
    {"11348-0", FALSE},  /* past problems */
    {"10162-6", FALSE},  /* pregnancy */
    {"81338-6", FALSE},  /* patient story */
    {"18776-5", FALSE},  /* plan of care */
    {"29762-2", FALSE},  /* social history */
    {"8716-3", FALSE},   /* vital signs */
};

/* --- the Composition
 * --------------------------------------------------------------------------- */

static void
check_section(ErecCheck *check, const ErecNode *section)
{
    const ErecNode *entries = erec_member(section, "entry");
    const gboolean has_entries = entries != NULL && entries->size > 0;

    if (erec_text(section, "title") == NULL)
        erec_check_say(check, EREC_RULE_SECTION_TITLE, section, NULL);
    if (erec_text(section, "code.coding.code") == NULL &&
        erec_text(section, "code.text") == NULL)
        erec_check_say(check, EREC_RULE_SECTION_CODE, section, NULL);
    if (erec_text(section, "text.div") == NULL)
        erec_check_say(check, EREC_RULE_SECTION_TEXT, section, erec_text(section, "title"));
    if (erec_member(section, "section") != NULL)
        erec_check_say(check, EREC_RULE_SECTION_NESTED, section, erec_text(section, "title"));
    if (has_entries && erec_member(section, "emptyReason") != NULL)
        erec_check_say(check, EREC_RULE_SECTION_REASON, section, NULL);
    if (erec_has_code(section, "emptyReason", NULL, "withheld"))
        erec_check_say(check, EREC_RULE_REASON_WITHHELD, section, NULL);
}

static gboolean
is_section(const ErecNode *section, const char *loinc)
{
    return erec_has_code(section, "code", EREC_LOINC, loinc);
}

/* ips-comp-1 binds the three that must be there: entries, or a reason why there are none. */
static void
check_known_section(ErecCheck *check, const Section *known)
{
    guint n = 0;

    for (const ErecNode *at = erec_each(check->resource, "section"); at != NULL;
         at = erec_each_next(at)) {
        const ErecNode *entries = erec_member(at, "entry");

        if (!is_section(at, known->loinc))
            continue;
        if (n++ == 1)
            erec_check_say(check, EREC_RULE_SECTION_TWICE, at, known->loinc);
        if (known->required && (entries == NULL || entries->size == 0) &&
            erec_member(at, "emptyReason") == NULL)
            erec_check_say(check, EREC_RULE_IPS_COMP_1, at, known->loinc);
    }
    if (n == 0 && known->required)
        erec_check_say(check, EREC_RULE_SECTION_REQUIRED, check->resource, known->loinc);
}

static void
check_composition(ErecCheck *check)
{
    const ErecNode *c = check->resource, *sections_at = erec_member(c, "section");

    if (erec_text(c, "status") == NULL)
        erec_check_say(check, EREC_RULE_COMPOSITION_STATUS, c, NULL);
    if (!erec_has_code(c, "type", EREC_LOINC, "60591-5"))
        erec_check_say(check, EREC_RULE_COMPOSITION_TYPE, c, NULL);
    if (!erec_check_has(c, "subject"))
        erec_check_say(check, EREC_RULE_COMPOSITION_SUBJECT, c, NULL);
    else if (erec_text(c, "subject.reference") == NULL)
        erec_check_say(check, EREC_RULE_COMPOSITION_SUBJECT_REFERENCE, c, NULL);
    if (erec_text(c, "date") == NULL)
        erec_check_say(check, EREC_RULE_COMPOSITION_DATE, c, NULL);
    if (erec_each(c, "author") == NULL)
        erec_check_say(check, EREC_RULE_COMPOSITION_AUTHOR, c, NULL);
    if (erec_text(c, "title") == NULL)
        erec_check_say(check, EREC_RULE_COMPOSITION_TITLE, c, NULL);
    if (sections_at == NULL || sections_at->size == 0)
        erec_check_say(check, EREC_RULE_COMPOSITION_SECTION, c, NULL);
    for (const ErecNode *at = erec_each(c, "section"); at != NULL; at = erec_each_next(at))
        check_section(check, at);
    for (gsize i = 0; i < G_N_ELEMENTS(sections); i++)
        check_known_section(check, &sections[i]);
}

/* --- the Patient
 * -------------------------------------------------------------------------------- */

static gboolean
has_absent_reason(const ErecNode *extended)
{
    for (const ErecNode *at = erec_each(extended, "extension"); at != NULL;
         at = erec_each_next(at))
        if (erec_text_is(at, "url", DATA_ABSENT_REASON))
            return TRUE;
    return FALSE;
}

static gboolean
is_name(const ErecNode *name)
{
    return erec_text(name, "family") != NULL || erec_text(name, "text") != NULL ||
           erec_each(name, "given") != NULL || has_absent_reason(name) ||
           has_absent_reason(erec_member(name, "_family"));
}

static void
check_patient(ErecCheck *check)
{
    gboolean named = FALSE;

    for (const ErecNode *name = erec_each(check->resource, "name"); name != NULL;
         name = erec_each_next(name))
        named = named || is_name(name);
    if (!named)
        erec_check_say(check, EREC_RULE_IPS_PAT_1, check->resource, NULL);
    if (erec_text(check->resource, "birthDate") == NULL &&
        !has_absent_reason(erec_member(check->resource, "_birthDate")))
        erec_check_say(check, EREC_RULE_PATIENT_BIRTH_DATE, check->resource, NULL);
}

/* --- the entries
 * -------------------------------------------------------------------------------- */

static const struct {
    const char *type;
    const char *const elements[5];
} demanded[] = {
    {"AllergyIntolerance", {"code", "patient.reference"}},
    {"Condition", {"code", "subject.reference"}},
    {"MedicationStatement", {"subject.reference", "effective[x]"}},
    {"MedicationRequest", {"subject.reference"}},
    {"Immunization", {"patient.reference"}},
    {"DiagnosticReport", {"subject.reference", "effective[x]"}},
    {"DeviceUseStatement", {"subject.reference", "timing[x]"}},
    {"Procedure", {"code", "subject.reference"}},
};

static gboolean
has_demanded(const ErecNode *resource, const char *element)
{
    const char *dot = strchr(element, '.');
    g_autofree char *first = NULL;

    if (dot == NULL)
        return erec_check_has_element(resource, element);
    first = g_strndup(element, (gsize)(dot - element));
    return erec_check_has(erec_member(resource, first), dot + 1);
}

static void
check_demanded(ErecCheck *check, const char *type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(demanded); i++) {
        if (strcmp(demanded[i].type, type) != 0)
            continue;
        for (const char *const *element = demanded[i].elements; *element != NULL; element++)
            if (!has_demanded(check->resource, *element))
                erec_check_say(check, EREC_RULE_IPS_ENTRY, check->resource, *element);
    }
}

static void
check_observation(ErecCheck *check)
{
    const ErecNode *o = check->resource;

    if (erec_choice(o, "value", NULL) == NULL && erec_member(o, "dataAbsentReason") == NULL &&
        erec_each(o, "hasMember") == NULL && erec_each(o, "component") == NULL)
        erec_check_say(check, EREC_RULE_IPS_2, o, NULL);
    if (!erec_has_code(o, "category", NULL, "laboratory"))
        return;
    if (!erec_check_has_element(o, "effective[x]"))
        erec_check_say(check, EREC_RULE_IPS_ENTRY, o, "effective[x]");
    if (erec_each(o, "performer") == NULL)
        erec_check_say(check, EREC_RULE_IPS_ENTRY, o, "performer");
}

void
erec_check_ips(ErecCheck *check)
{
    const char *type = erec_text(check->resource, "resourceType");

    if (type == NULL)
        return;
    if (strcmp(type, "Composition") == 0 && check->index == 0)
        check_composition(check);
    else if (strcmp(type, "Composition") == 0)
        erec_check_say(check, EREC_RULE_BDL_IPS_1, check->resource, NULL);
    else if (strcmp(type, "Patient") == 0)
        check_patient(check);
    else if (strcmp(type, "Observation") == 0)
        check_observation(check);
    if (strcmp(type, "MedicationRequest") == 0 &&
        erec_text_is(check->resource, "doNotPerform", "true"))
        erec_check_say(check, EREC_RULE_DO_NOT_PERFORM, check->resource, NULL);
    check_demanded(check, type);
}

void
erec_check_ips_whole(ErecCheck *check)
{
    const gint first = erec_bundle_find_type(check->bundle, "Patient", 0);

    if (first < 0 || erec_bundle_find_type(check->bundle, "Patient", (guint)first + 1) >= 0)
        erec_report_add(check->report, EREC_RULE_ONE_PATIENT, -1, 0, g_strdup("Bundle.entry"),
                        NULL);
}
