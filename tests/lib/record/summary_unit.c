/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reader of a record must never be misled about: each rule with a seeded entry in a
 * patient summary.
 */
#include <string.h>

#include "lib/record/summary.h"
#include "tests/lib/record/corpus.h"

#define LOINC_CODE(code)                                                                       \
    "{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"" code "\"}]}"

/* A patient summary with one section, of that code, that lists that one entry. */
static ErecSummary *
summary_of(const char *section, const char *more_of_section, const char *resource,
           const char *language)
{
    g_autofree char *text = g_strdup_printf(
        "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":["
        "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Composition\","
        "\"status\":\"final\",\"language\":\"de-DE\",\"date\":\"2021-02-03\",\"title\":\"T\","
        "\"type\":" LOINC_CODE(
            "60591-5") ",\"subject\":{\"reference\":\"urn:uuid:2\"},"
                       "\"section\":[{\"title\":\"Abschnitt\",\"code\":{\"coding\":[{"
                       "\"system\":"
                       "\"http://loinc.org\",\"code\":\"%s\"}]}%s}]}},"
                       "{\"fullUrl\":\"urn:uuid:2\",\"resource\":{\"resourceType\":\"Patient\","
                       "\"name\":[{"
                       "\"use\":\"old\",\"family\":\"Before\"},{\"family\":\"Doe\",\"given\":["
                       "\"Jo\"]}],"
                       "\"birthDate\":\"1960-01-02\",\"gender\":\"female\"}},"
                       "{\"fullUrl\":\"urn:uuid:3\",\"resource\":{\"resourceType\":\"Patient\","
                       "\"name\":[{"
                       "\"family\":\"Other\"}]}},"
                       "{\"fullUrl\":\"urn:uuid:4\",\"resource\":%s}]}",
        section, more_of_section, resource);
    g_autoptr(ErecSource) source = source_of(text, -1);
    ErecFault fault = {EREC_FAULT_OK, 0};
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, &fault);

    g_assert_cmpstr(erec_fault_id(fault.code), ==, erec_fault_id(EREC_FAULT_OK));
    return erec_summary_new(bundle, language);
}

#define LISTED ",\"entry\":[{\"reference\":\"urn:uuid:4\"}]"

static const ErecSection *
section_at(const ErecSummary *summary, const char *word)
{
    for (guint i = 0; i < summary->sections->len; i++) {
        const ErecSection *section = g_ptr_array_index(summary->sections, i);

        if (g_strcmp0(section->word, word) == 0)
            return section;
    }
    return NULL;
}

static gboolean
says(const GArray *facts, const char *label, const char *what)
{
    for (guint i = 0; i < facts->len; i++) {
        const ErecFact *fact = &g_array_index(facts, ErecFact, i);

        g_assert_true((fact->word == NULL) != (fact->text == NULL));
        if (strcmp(fact->label, label) == 0 &&
            strcmp(fact->word != NULL ? fact->word : fact->text, what) == 0)
            return TRUE;
    }
    return FALSE;
}

/* An entry of a section, and how it must stand and what must be said of it. */
static const struct {
    const char *name, *section, *resource;
    ErecStanding standing;
    const char *label, *fact; /* nullable */
} entries[] = {
    {"an allergy", "48765-2",
     "{\"resourceType\":\"AllergyIntolerance\",\"code\":{\"text\":\"x\"},\"criticality\":"
     "\"high\",\"clinicalStatus\":{\"coding\":[{\"code\":\"active\"}]},"
     "\"verificationStatus\":{\"coding\":[{\"code\":\"confirmed\"}]}}",
     EREC_CURRENT, "criticality", "HIGH"},
    {"an unconfirmed allergy", "48765-2",
     "{\"resourceType\":\"AllergyIntolerance\",\"code\":{\"text\":\"x\"},"
     "\"verificationStatus\":{\"coding\":[{\"code\":\"unconfirmed\"}]}}",
     EREC_CURRENT, "", "UNCONFIRMED"},
    {"an allergy without a status", "48765-2",
     "{\"resourceType\":\"AllergyIntolerance\",\"code\":{\"text\":\"x\"}}", EREC_CURRENT, "",
     "clinical status not stated"},
    {"a refuted allergy", "48765-2",
     "{\"resourceType\":\"AllergyIntolerance\",\"code\":{\"text\":\"x\"},\"clinicalStatus\":{"
     "\"coding\":[{\"code\":\"active\"}]},"
     "\"verificationStatus\":{\"coding\":[{\"code\":\"refuted\"}]}}",
     EREC_NEGATED, "", "REFUTED (ruled out)"},
    {"an allergy in error", "48765-2",
     "{\"resourceType\":\"AllergyIntolerance\",\"code\":{\"text\":\"x\"},"
     "\"verificationStatus\":{\"coding\":[{\"code\":\"entered-in-error\"}]}}",
     EREC_IN_ERROR, NULL, NULL},
    {"a resolved problem", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"clinicalStatus\":{"
     "\"coding\":[{\"code\":\"resolved\"}]},\"onsetDateTime\":\"2001\"}",
     EREC_PAST, "since", "2001"},
    {"a problem that ended, without a status", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"abatementDateTime\":"
     "\"2003\"}",
     EREC_PAST, "until", "2003"},
    {"a status that FHIR does not know", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"clinicalStatus\":{"
     "\"coding\":[{\"code\":\"sleeping\"}]}}",
     EREC_UNSAFE, NULL, NULL},
    {"a dose with its unit", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"dosage\":[{\"doseAndRate\":[{"
     "\"doseQuantity\":{\"value\":1.50,\"unit\":\"mg\"}}],\"timing\":{\"repeat\":{"
     "\"frequency\":2,\"period\":1,\"periodUnit\":\"d\"}}}]}",
     EREC_CURRENT, "dose", "1.50 mg, 2 × / 1 d"},
    {"a dose without a unit", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"dosage\":[{\"doseAndRate\":[{"
     "\"doseQuantity\":{\"value\":5}}]}]}",
     EREC_CURRENT, "", "DOSE WITHOUT A UNIT"},
    {"a dose only as needed", "10160-0",
     "{\"resourceType\":\"MedicationRequest\",\"status\":\"active\",\"intent\":\"order\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"dosageInstruction\":[{\"text\":\"1\","
     "\"asNeededBoolean\":true}]}",
     EREC_CURRENT, "", "only as needed"},
    {"no dose", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"}}",
     EREC_CURRENT, "", "dose not stated"},
    {"a stopped medicine", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"stopped\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"}}",
     EREC_PAST, "", "STOPPED"},
    {"a course that is over", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"completed\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"}}",
     EREC_PAST, "", "completed"},
    {"a medicine on hold", "10160-0",
     "{\"resourceType\":\"MedicationRequest\",\"status\":\"on-hold\",\"intent\":\"order\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"}}",
     EREC_PAST, "", "ON HOLD"},
    {"a medicine that is not taken", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"not-taken\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"}}",
     EREC_NEGATED, "", "NOT TAKEN"},
    {"an order not to give it", "10160-0",
     "{\"resourceType\":\"MedicationRequest\",\"status\":\"active\",\"intent\":\"order\","
     "\"doNotPerform\":true,\"medicationCodeableConcept\":{\"text\":\"x\"}}",
     EREC_NEGATED, "", "DO NOT GIVE, DO NOT DO"},
    {"a plan is no order", "10160-0",
     "{\"resourceType\":\"MedicationRequest\",\"status\":\"active\",\"intent\":\"plan\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"}}",
     EREC_PAST, "", "PLAN (not ordered)"},
    {"a modifier that we do not know", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"modifierExtension\":[{\"url\":"
     "\"http://x/stopped\",\"valueBoolean\":true}]}",
     EREC_UNSAFE, NULL, NULL},
    {"a modifier deep inside", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"dosage\":[{\"text\":\"1\","
     "\"modifierExtension\":[{\"url\":\"http://x\",\"valueBoolean\":true}]}]}",
     EREC_UNSAFE, NULL, NULL},
    {"rules that we do not know", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"implicitRules\":\"http://"
     "x\"}",
     EREC_UNSAFE, NULL, NULL},
    {"a vaccination not done", "11369-6",
     "{\"resourceType\":\"Immunization\",\"status\":\"not-done\",\"vaccineCode\":{\"text\":"
     "\"x\"},\"occurrenceString\":\"unknown\"}",
     EREC_NEGATED, "", "NOT DONE"},
    {"a vaccination", "11369-6",
     "{\"resourceType\":\"Immunization\",\"status\":\"completed\",\"vaccineCode\":{\"text\":"
     "\"x\"},\"occurrenceDateTime\":\"2020-05-06\"}",
     EREC_CURRENT, "on", "2020-05-06"},
    {"a preliminary result below what can be measured", "30954-2",
     "{\"resourceType\":\"Observation\",\"status\":\"preliminary\",\"code\":{\"text\":\"x\"},"
     "\"valueQuantity\":{\"comparator\":\"<\",\"value\":5,\"unit\":\"mg/l\"}}",
     EREC_CURRENT, "result", "< 5 mg/l"},
    {"a result without a value", "30954-2",
     "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
     "\"dataAbsentReason\":{\"text\":\"lost\"}}",
     EREC_CURRENT, "no value", "lost"},
    {"a procedure that was not done", "47519-4",
     "{\"resourceType\":\"Procedure\",\"status\":\"not-done\",\"code\":{\"text\":\"x\"}}",
     EREC_NEGATED, "", "NOT DONE"},
    {"an entry about somebody else", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":"
     "\"urn:uuid:3\"}}",
     EREC_SOMEBODY_ELSE, "about", "Other"},
    {"a status in FHIR's list and in a hospital's", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"clinicalStatus\":{"
     "\"coding\":[{\"system\":\"urn:hospital\",\"code\":\"active\"},{\"system\":"
     "\"http://terminology.hl7.org/CodeSystem/condition-clinical\",\"code\":\"resolved\"}]}}",
     EREC_PAST, "", "resolved"},
    {"a status that only a hospital knows beside FHIR's", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"clinicalStatus\":{"
     "\"coding\":[{\"system\":\"urn:hospital\",\"code\":\"A1\"},{\"system\":"
     "\"http://terminology.hl7.org/CodeSystem/condition-clinical\",\"code\":\"active\"}]}}",
     EREC_CURRENT, "", "active"},
    {"a result about something else", "30954-2",
     "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
     "\"subject\":{\"reference\":\"urn:uuid:2\"},\"focus\":[{\"reference\":\"urn:uuid:3\"}]}",
     EREC_SOMEBODY_ELSE, "about", "Other"},
    {"an entry about somebody who is not in the file", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"subject\":{\"reference\":"
     "\"Patient/9\",\"display\":\"Baby\"}}",
     EREC_CURRENT, "about (not in the file)", "Baby"},
    {"a relative's illness", "11450-4",
     "{\"resourceType\":\"FamilyMemberHistory\",\"status\":\"completed\",\"relationship\":{"
     "\"text\":\"x\"},\"condition\":[{\"code\":{\"text\":\"stroke\"}}]}",
     EREC_SOMEBODY_ELSE, "illness of this relative", "stroke"},
    {"a wish that forbids", "42348-3",
     "{\"resourceType\":\"Consent\",\"status\":\"active\",\"category\":[{\"text\":\"x\"}],"
     "\"provision\":{\"type\":\"deny\",\"code\":[{\"text\":\"resuscitation\"}]}}",
     EREC_CURRENT, "", "FORBIDS"},
    {"a wish, and what it is about", "42348-3",
     "{\"resourceType\":\"Consent\",\"status\":\"active\",\"category\":[{\"text\":\"x\"}],"
     "\"provision\":{\"type\":\"permit\",\"code\":[{\"text\":\"resuscitation\"}]}}",
     EREC_CURRENT, "what", "resuscitation"},
    {"a result that cannot be shown", "30954-2",
     "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"},"
     "\"valueSampledData\":{\"origin\":{\"value\":0},\"period\":10,\"dimensions\":1,\"data\":"
     "\"1 2\"}}",
     EREC_CURRENT, "result", "in the record, but it cannot be shown here"},
    {"no result", "30954-2",
     "{\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":\"x\"}}",
     EREC_CURRENT, "", "no result stated"},
    {"a medicine that was entered in error", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\",\"contained\":[{"
     "\"resourceType\":\"Medication\",\"id\":\"m\",\"status\":\"entered-in-error\",\"code\":{"
     "\"text\":\"x\"}}],\"medicationReference\":{\"reference\":\"#m\"}}",
     EREC_UNSAFE, NULL, NULL},
    {"a dose that was computed, and one that was ordered", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"dosage\":[{\"doseAndRate\":[{\"type\":{"
     "\"text\":\"Calculated\"},\"doseQuantity\":{\"value\":7,\"unit\":\"mg\"}},{\"type\":{"
     "\"text\":\"Ordered\"},\"doseQuantity\":{\"value\":5,\"unit\":\"mg\"}}]}]}",
     EREC_CURRENT, "dose", "Calculated: 7 mg, Ordered: 5 mg"},
    {"an infusion's length", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"dosage\":[{\"text\":\"1\",\"timing\":{"
     "\"repeat\":{\"duration\":30,\"durationUnit\":\"min\"}}}]}",
     EREC_CURRENT, "each lasting", "30 min"},
    {"steps of a dose", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"dosage\":[{\"sequence\":2,\"text\":\"then\"},"
     "{\"sequence\":1,\"text\":\"first\"}]}",
     EREC_CURRENT, "dose", "2. then"},
    {"a course that was over before", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"effectivePeriod\":{\"end\":\"2021-02\"}}",
     EREC_CURRENT, "on", "? – 2021-02"},
    {"a course that was long over before", "10160-0",
     "{\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
     "\"medicationCodeableConcept\":{\"text\":\"x\"},\"effectivePeriod\":{\"end\":\"2021-01\"}}",
     EREC_CURRENT, "", "OVER BEFORE THE RECORD WAS WRITTEN"},
    {"what came of a vaccination", "11369-6",
     "{\"resourceType\":\"Immunization\",\"status\":\"completed\",\"vaccineCode\":{\"text\":"
     "\"x\"},\"occurrenceDateTime\":\"2020\",\"reaction\":[{\"detail\":{\"display\":"
     "\"anaphylaxis\"}}]}",
     EREC_CURRENT, "reaction", "anaphylaxis"},
    {"how far an illness is", "11450-4",
     "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"},\"stage\":[{\"summary\":{"
     "\"text\":\"IV\"}}]}",
     EREC_CURRENT, "stage", "IV"},
    {"a complication", "47519-4",
     "{\"resourceType\":\"Procedure\",\"status\":\"completed\",\"code\":{\"text\":\"x\"},"
     "\"complication\":[{\"text\":\"bleeding\"}]}",
     EREC_CURRENT, "complication", "bleeding"},
    {"a kind of entry that is not known here", "18776-5",
     "{\"resourceType\":\"CarePlan\",\"status\":\"active\",\"intent\":\"order\",\"title\":\"x\"}",
     EREC_CURRENT, "", "not all of it is shown here"},
    {"no date", "11450-4", "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"}}",
     EREC_CURRENT, "", "no date"},
};

static void
test_standing(gconstpointer data)
{
    const gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(ErecSummary) summary =
        summary_of(entries[i].section, LISTED, entries[i].resource, NULL);
    const ErecItem *item = NULL;

    for (guint s = 0; s < summary->sections->len; s++) {
        const ErecSection *section = g_ptr_array_index(summary->sections, s);

        if (section->items->len > 0)
            item = g_ptr_array_index(section->items, 0);
    }
    g_assert_nonnull(item);
    g_assert_cmpstr(item->what, ==, "x");
    g_assert_cmpint(item->standing, ==, entries[i].standing);
    if (entries[i].fact != NULL)
        g_assert_true(says(item->facts, entries[i].label, entries[i].fact));
}

/* --- what "nothing" means ------------------------------------------------------------------
 */

static const struct {
    const char *section;
    ErecAbsence absence;
} absences[] = {
    {",\"emptyReason\":{\"coding\":[{\"code\":\"nilknown\"}]}", EREC_NONE_KNOWN},
    {",\"emptyReason\":{\"coding\":[{\"code\":\"notasked\"}]}", EREC_NOT_ASKED},
    {",\"emptyReason\":{\"coding\":[{\"code\":\"unavailable\"}]}", EREC_NO_INFORMATION},
    {",\"emptyReason\":{\"coding\":[{\"code\":\"withheld\"}]}", EREC_WITHHELD},
    {",\"emptyReason\":{\"text\":\"closed\"}", EREC_EMPTY_REASON},
    {",\"text\":{\"div\":\"<div>none</div>\"}", EREC_TEXT_ONLY},
    {"", EREC_NOTHING},
};

static void
test_absence(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(absences); i++) {
        g_autoptr(ErecSummary) summary =
            summary_of("48765-2", absences[i].section, "{\"resourceType\":\"Device\"}", NULL);
        const ErecSection *section = section_at(summary, "Allergies and intolerances");

        g_assert_cmpint(section->absence, ==, absences[i].absence);
        g_assert_cmpint(section_at(summary, "Problems")->absence, ==, EREC_ABSENT);
    }
    for (guint a = EREC_NONE_KNOWN; a <= EREC_ABSENT; a++)
        for (guint b = EREC_NONE_KNOWN; b < a; b++)
            g_assert_cmpstr(erec_absence_words(a), !=, erec_absence_words(b));
}

static void
test_absence_by_code(void)
{
    static const struct {
        const char *system, *code;
        ErecAbsence absence;
    } codes[] = {
        {"http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips", "no-known-allergies",
         EREC_NONE_KNOWN},
        {"http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips", "no-allergy-info",
         EREC_NO_INFORMATION},
        {"http://snomed.info/sct", "716186003", EREC_NONE_KNOWN},
        {"http://snomed.info/sct", "1287211007", EREC_NO_INFORMATION},
        {"http://snomed.info/sct", "91936005", EREC_PRESENT},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        g_autofree char *resource = g_strdup_printf(
            "{\"resourceType\":\"AllergyIntolerance\",\"code\":{\"coding\":[{\"system\":\"%s\","
            "\"code\":\"%s\"}]}}",
            codes[i].system, codes[i].code);
        g_autoptr(ErecSummary) summary = summary_of("48765-2", LISTED, resource, NULL);
        const ErecItem *item =
            g_ptr_array_index(section_at(summary, "Allergies and intolerances")->items, 0);

        g_assert_cmpint(item->absence, ==, codes[i].absence);
        g_assert_null(item->what);
        g_assert_true(g_str_has_suffix(item->code, codes[i].code));
    }
}

/* --- the whole -----------------------------------------------------------------------------
 */

static void
test_whole(void)
{
    g_autoptr(ErecSummary) summary = summary_of(
        "11369-6", ",\"entry\":[{\"reference\":\"urn:uuid:9\"}]",
        "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"loose\"},\"asserter\":{"
        "\"reference\":\"urn:uuid:2\"}}",
        "en_GB.UTF-8");
    const ErecSection *loose = section_at(summary, "In the file, but in none of its sections");
    const ErecItem *item = g_ptr_array_index(loose->items, 0);
    static const char *const first[] = {"Allergies and intolerances", "Medications",
                                        "Problems"};

    for (guint i = 0; i < G_N_ELEMENTS(first); i++)
        g_assert_cmpstr(((ErecSection *)g_ptr_array_index(summary->sections, i))->word, ==,
                        first[i]);
    g_assert_cmpstr(summary->date, ==, "2021-02-03");
    g_assert_cmpuint(summary->n_patients, ==, 2);
    g_assert_cmpuint(section_at(summary, "Vaccinations")->missing, ==, 1);
    g_assert_cmpstr(item->what, ==, "loose");
    g_assert_true(item->patient_entered);
    g_assert_true(says(summary->person, "name", "Jo Doe"));
    g_assert_true(says(summary->person, "other name", "Before"));
    g_assert_true(says(summary->person, "born", "1960-01-02"));
    g_assert_true(says(summary->person, "sex", "female"));
}

/* A modifier of the whole makes every entry unsafe. */
static void
test_whole_unsafe(void)
{
    g_autoptr(ErecSummary) summary =
        summary_of("11450-4", LISTED ",\"modifierExtension\":[{\"url\":\"http://x\"}]",
                   "{\"resourceType\":\"Condition\",\"code\":{\"text\":\"x\"}}", NULL);
    const ErecItem *item = g_ptr_array_index(section_at(summary, "Problems")->items, 0);

    g_assert_cmpint(item->standing, ==, EREC_UNSAFE);
}

static void
test_language(void)
{
    static const char resource[] =
        "{\"resourceType\":\"Condition\",\"code\":{\"coding\":[{\"display\":\"Masern\","
        "\"_display\":{\"extension\":[{\"url\":\"http://hl7.org/fhir/StructureDefinition/"
        "translation\",\"extension\":[{\"url\":\"lang\",\"valueCode\":\"fr\"},{\"url\":"
        "\"content\",\"valueString\":\"rougeole\"}]}]}}]}}";
    g_autoptr(ErecSummary) french = summary_of("11450-4", LISTED, resource, "fr_FR.UTF-8");
    g_autoptr(ErecSummary) english = summary_of("11450-4", LISTED, resource, "en_GB.UTF-8");
    const ErecItem *a = g_ptr_array_index(section_at(french, "Problems")->items, 0);
    const ErecItem *b = g_ptr_array_index(section_at(english, "Problems")->items, 0);

    g_assert_cmpstr(a->what, ==, "rougeole");
    g_assert_cmpstr(b->what, ==, "Masern");
    g_assert_true(erec_is_foreign(b->language, "en_GB.UTF-8"));
    g_assert_false(erec_is_foreign(b->language, "de_AT"));
    g_assert_false(erec_is_foreign(NULL, "de_AT"));
    g_assert_false(erec_is_foreign("de", NULL));
    g_assert_true(erec_is_foreign("deu-x", "de"));
}

/* Resources that point at each other in a circle, and a report that holds itself. */
static void
test_loop(void)
{
    static const char text[] =
        "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":["
        "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Observation\",\"code\":{"
        "\"text\":\"a\"},\"hasMember\":[{\"reference\":\"urn:uuid:2\"}]}},"
        "{\"fullUrl\":\"urn:uuid:2\",\"resource\":{\"resourceType\":\"Observation\",\"code\":{"
        "\"text\":\"b\"},\"hasMember\":[{\"reference\":\"urn:uuid:1\"},{\"reference\":\"urn:"
        "uuid:2\"}]}}]}";
    g_autoptr(ErecSource) source = source_of(text, -1);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
    g_autoptr(ErecSummary) summary = erec_summary_new(bundle, NULL);
    const ErecSection *section = section_at(summary, "Results");

    g_assert_cmpuint(section->items->len, ==, 1);
    g_assert_cmpuint(((ErecItem *)g_ptr_array_index(section->items, 0))->children->len, ==, 1);
}

static ErecSummary *
summary_of_text(const char *text)
{
    g_autoptr(ErecSource) source = source_of(text, -1);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);

    g_assert_nonnull(bundle);
    return erec_summary_new(bundle, NULL);
}

#define COMPOSITION(sections)                                                                  \
    "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"fullUrl\":\"urn:uuid:1\","      \
    "\"resource\":{\"resourceType\":\"Composition\",\"status\":\"final\",\"date\":\"2021\","           \
    "\"subject\":{\"reference\":\"urn:uuid:9\"},\"section\":[" sections "]}},"

/* An entry that two sections list is shown in both: who looks for allergies must not read that
 * nobody says whether there are any. */
static void
test_listed_twice(void)
{
    g_autoptr(ErecSummary) summary = summary_of_text(COMPOSITION(
        "{\"title\":\"Alerts\",\"code\":" LOINC_CODE(
            "104605-1") ",\"entry\":[{\"reference\":\"urn:uuid:4\"}]},{\"title\":\"A\",\"code\":" LOINC_CODE(
            "48765-2") ",\"entry\":[{\"reference\":\"urn:uuid:4\"},{\"reference\":"
                       "\"urn:uuid:4\"}]}") "{\"fullUrl\":\"urn:uuid:4\",\"resource\":{"
                                            "\"resourceType\":\"AllergyIntolerance\",\"code\":{"
                                            "\"text\":\"x\"}}}]}");
    const ErecSection *section = section_at(summary, "Allergies and intolerances");

    g_assert_cmpuint(section_at(summary, "Alerts")->items->len, ==, 1);
    g_assert_cmpuint(section->items->len, ==, 1);
    g_assert_cmpint(section->absence, ==, EREC_PRESENT);
}

/* A result that a section lists before its report does is still a part of the report. */
static void
test_part_twice(void)
{
    g_autoptr(ErecSummary) summary = summary_of_text(COMPOSITION(
        "{\"title\":\"V\",\"code\":" LOINC_CODE(
            "8716-3") ",\"entry\":[{\"reference\":\"urn:uuid:4\"}]},{\"title\":\"R\",\"code\":" LOINC_CODE(
            "30954-2") ",\"entry\":[{\"reference\":\"urn:uuid:5\"}]}") "{\"fullUrl\":\"urn:uuid:4\","
                                                                         "\"resource\":{"
                                                                         "\"resourceType\":"
                                                                         "\"Observation\","
                                                                         "\"code\":{\"text\":"
                                                                         "\"x\"}}},{\"fullUrl\":"
                                                                         "\"urn:uuid:5\","
                                                                         "\"resource\":{"
                                                                         "\"resourceType\":"
                                                                         "\"DiagnosticReport\","
                                                                         "\"code\":{\"text\":"
                                                                         "\"y\"},\"result\":[{"
                                                                         "\"reference\":"
                                                                         "\"urn:uuid:4\"},{"
                                                                         "\"reference\":\"#c\"}]"
                                                                         "}}]}");
    const ErecItem *report = g_ptr_array_index(section_at(summary, "Results")->items, 0);

    g_assert_cmpuint(report->children->len, ==, 1);
    g_assert_true(says(report->facts, "", "a part of it is not shown here"));
}

/* What is of no known kind is listed. */
static void
test_other_kinds(void)
{
    g_autoptr(ErecSummary) summary = summary_of_text(
        "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":["
        "{\"resource\":{\"resourceType\":\"AdverseEvent\",\"actuality\":\"actual\",\"event\":{\"text\":"
        "\"collapse\"}}},{\"resource\":{\"resourceType\":\"Bundle\",\"type\":\"collection\"}},"
        "{\"resource\":{\"resourceType\":\"Organization\",\"name\":\"o\"}}]}");

    g_assert_cmpuint(section_at(summary, "Other entries")->items->len, ==, 2);
}

#define PERSON(url, family)                                                                    \
    "{\"fullUrl\":\"" url "\",\"resource\":{\"resourceType\":\"Patient\",\"name\":[{\"family\":\"" \
    family "\"}]}}"

/* Whoever comes first in a file is not therefore whom it is about. */
static void
test_subject(void)
{
    static const struct {
        const char *text, *name;
    } rows[] = {
        {COMPOSITION("") PERSON("urn:uuid:8", "Mother") "," PERSON("urn:uuid:9", "Child") "]}", "Child"},
        {"{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[" PERSON(
             "urn:uuid:8", "Mother") "," PERSON("urn:uuid:9",
                                                "Child") ",{\"fullUrl\":\"urn:uuid:4\","
                                                         "\"resource\":{\"resourceType\":"
                                                         "\"Condition\",\"subject\":{"
                                                         "\"reference\":\"urn:uuid:9\"}}}]}",
         "Child"},
        {"{\"resourceType\":\"Observation\",\"contained\":[{\"resourceType\":\"Patient\",\"id\":"
         "\"p\",\"name\":[{\"family\":\"Inside\"}]}],\"subject\":{\"reference\":\"#p\"}}",
         "Inside"},
        {"{\"resourceType\":\"Observation\",\"subject\":{\"reference\":\"Patient/1\",\"display\":"
         "\"Only Said\"}}",
         "Only Said"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ErecSummary) summary = summary_of_text(rows[i].text);

        g_assert_true(says(summary->person, "name", rows[i].name));
    }
}

/* Of several versions only the newest counts, and of one that was deleted none. */
static void
test_history(void)
{
    g_autoptr(ErecSummary) summary = summary_of_text(
        "{\"resourceType\":\"Bundle\",\"type\":\"history\",\"entry\":["
        "{\"fullUrl\":\"http://x/Condition/2\",\"request\":{\"method\":\"DELETE\"}},"
        "{\"fullUrl\":\"http://x/Condition/1\",\"resource\":{\"resourceType\":\"Condition\",\"id\":"
        "\"1\",\"code\":{\"text\":\"new\"}}},"
        "{\"fullUrl\":\"http://x/Condition/1\",\"resource\":{\"resourceType\":\"Condition\",\"id\":"
        "\"1\",\"code\":{\"text\":\"old\"}}},"
        "{\"fullUrl\":\"http://x/Condition/2\",\"resource\":{\"resourceType\":\"Condition\",\"id\":"
        "\"2\",\"code\":{\"text\":\"gone\"}}}]}");
    const ErecSection *section = section_at(summary, "Problems");

    g_assert_cmpuint(section->items->len, ==, 3);
    for (guint i = 0; i < section->items->len; i++) {
        const ErecItem *item = g_ptr_array_index(section->items, i);

        g_assert_cmpint(item->standing, ==, strcmp(item->what, "new") == 0 ? EREC_CURRENT : EREC_PAST);
    }
}

static void
test_corpus(void)
{
    g_autoptr(GPtrArray) names = corpus_list("ips");

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autoptr(ErecSource) source = corpus_open(g_ptr_array_index(names, i));
        g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
        g_autoptr(ErecSummary) summary = erec_summary_new(bundle, "en");

        g_assert_true(summary->is_ips);
        g_assert_nonnull(summary->date);
        g_assert_cmpuint(summary->person->len, >, 0);
        g_assert_cmpuint(summary->unread, ==, 0);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(entries); i++) {
        g_autofree char *path = g_strdup_printf("/summary/entry/%s", entries[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_standing);
    }
    g_test_add_func("/summary/nothing", test_absence);
    g_test_add_func("/summary/nothing-by-code", test_absence_by_code);
    g_test_add_func("/summary/whole", test_whole);
    g_test_add_func("/summary/section-unsafe", test_whole_unsafe);
    g_test_add_func("/summary/language", test_language);
    g_test_add_func("/summary/loop", test_loop);
    g_test_add_func("/summary/listed-twice", test_listed_twice);
    g_test_add_func("/summary/part-twice", test_part_twice);
    g_test_add_func("/summary/other-kinds", test_other_kinds);
    g_test_add_func("/summary/subject", test_subject);
    g_test_add_func("/summary/history", test_history);
    g_test_add_func("/summary/corpus", test_corpus);
    return g_test_run();
}
