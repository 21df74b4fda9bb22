/* SPDX-License-Identifier: Apache-2.0
 *
 * The sections of a summary: those of a Composition, those made of groups of resource types,
 * their order and that of what is in them.
 */
#include "lib/record/summary-private.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/category.h"
#include "lib/record/status.h"
#include "lib/record/words.h"

/* Sections inside sections. */
#define SECTION_DEPTH 8

static const struct {
    const char *loinc, *words;
    gboolean required; /* of a patient summary, and before all others */
} known[] = {
    {"48765-2", N_("Allergies and intolerances"), TRUE},
    {"10160-0", N_("Medications"), TRUE},
    {"11450-4", N_("Problems"), TRUE},
    {"104605-1", N_("Alerts"), FALSE},
    {"10162-6", N_("Pregnancy"), FALSE},
    {"42348-3", N_("Advance directives"), FALSE},
    {"11348-0", N_("Past problems"), FALSE},
    {"47519-4", N_("Procedures"), FALSE},
    {"46264-8", N_("Devices"), FALSE},
    {"11369-6", N_("Vaccinations"), FALSE},
    {"30954-2", N_("Results"), FALSE},
    {"8716-3", N_("Vital signs"), FALSE},
    {"29762-2", N_("Social history"), FALSE},
    {"47420-5", N_("Functional status"), FALSE},
    {"18776-5", N_("Plan of care"), FALSE},
    {"81338-6", N_("Patient's own story"), FALSE},
};
#define N_REQUIRED 3

/* Resources that a reader looks for; all others only stand behind them. */
static const struct {
    const char *type, *words;
} groups[] = {
    {"AllergyIntolerance", N_("Allergies and intolerances")},
    {"MedicationStatement", N_("Medications")},
    {"MedicationRequest", N_("Medications")},
    {"MedicationDispense", N_("Medications")},
    {"MedicationAdministration", N_("Medications")},
    {"Condition", N_("Problems")},
    {"Flag", N_("Alerts")},
    {"DetectedIssue", N_("Alerts")},
    {"Consent", N_("Advance directives")},
    {"Procedure", N_("Procedures")},
    {"DeviceUseStatement", N_("Devices")},
    {"Immunization", N_("Vaccinations")},
    {"DiagnosticReport", N_("Results")},
    {"Observation", N_("Results")},
    {"ImagingStudy", N_("Images")},
    {"Media", N_("Images")},
    {"DocumentReference", N_("Documents")},
    {"Encounter", N_("Visits and stays")},
    {"FamilyMemberHistory", N_("Family history")},
    {"CarePlan", N_("Plan of care")},
    {"Goal", N_("Plan of care")},
    {"ServiceRequest", N_("Plan of care")},
    {"ClinicalImpression", N_("Other entries")},
    {"QuestionnaireResponse", N_("Other entries")},
    {"RiskAssessment", N_("Other entries")},
};

static void
section_free(gpointer data)
{
    ErecSection *self = data;

    g_free(self->title);
    g_free(self->reason);
    g_ptr_array_unref(self->items);
    g_free(self->narrative);
    g_free(self);
}

static ErecSection *
section_new(const char *word)
{
    ErecSection *self = g_new0(ErecSection, 1);

    self->word = word;
    self->items = g_ptr_array_new_with_free_func((GDestroyNotify)erec_item_free);
    return self;
}

static ErecSection *
section_of_word(ErecSummary *self, const char *word)
{
    ErecSection *section;

    for (guint i = 0; i < self->sections->len; i++) {
        section = g_ptr_array_index(self->sections, i);
        if (g_strcmp0(section->word, word) == 0)
            return section;
    }
    section = section_new(word);
    g_ptr_array_add(self->sections, section);
    return section;
}

/* What another section lists too is shown in both: who reads only this one must not think that
 * there is nothing. */
static void
add_item(ErecReading *reading, ErecSection *section, guint index)
{
    ErecItem *item;

    if (reading->listed[index] == reading->section)
        return;
    reading->listed[index] = reading->section;
    item = erec_item_new(reading, index);
    if (item != NULL)
        g_ptr_array_add(section->items, item);
    else if ((reading->shown[index] & EREC_UNREAD) != 0)
        section->unread++;
    else if (reading->shown[index] != 0)
        section->elsewhere++;
}

static void
set_absence(ErecSection *section, const ErecNode *node, const char *language)
{
    const ErecNode *reason = erec_member(node, "emptyReason");

    if (section->items->len > 0 || section->missing > 0 || section->elsewhere > 0 ||
        section->unread > 0)
        return;
    if (reason != NULL) {
        section->absence = EREC_EMPTY_REASON;
        for (const ErecNode *at = erec_each(reason, "coding");
             at != NULL && section->absence == EREC_EMPTY_REASON; at = erec_each_next(at))
            section->absence = erec_absence_of_reason(erec_text(at, "code"));
        if (section->absence == EREC_EMPTY_REASON)
            section->reason = erec_words_any(reason, language);
    } else {
        section->absence = section->narrative != NULL ? EREC_TEXT_ONLY : EREC_NOTHING;
    }
}

static void
take_section(ErecReading *reading, ErecSummary *self, const ErecNode *node, guint depth)
{
    const gboolean outer = reading->unsafe;
    ErecSection *section = section_new(NULL);
    const ErecNode *inner = erec_each(node, "section");

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (erec_has_code(node, "code", EREC_LOINC, known[i].loinc))
            section->word = known[i].words;
    section->title = g_strdup(erec_text(node, "title"));
    if (section->title == NULL)
        section->title = erec_words_any(erec_member(node, "code"), reading->language);
    section->narrative = g_strdup(erec_text(node, "text.div"));
    reading->unsafe = outer || erec_member(node, "modifierExtension") != NULL;
    reading->section++;
    for (const ErecNode *at = erec_each(node, "entry"); at != NULL; at = erec_each_next(at)) {
        const char *target = erec_text(at, "reference");
        guint index = 0;
        ErecResolve how = target != NULL
                              ? erec_bundle_resolve(reading->bundle, 0, target, &index)
                              : EREC_RESOLVE_NONE;

        if (how != EREC_RESOLVE_ENTRY && how != EREC_RESOLVE_BY_ID)
            section->missing++;
        else
            add_item(reading, section, index);
    }
    if (inner == NULL || section->narrative != NULL || section->items->len > 0)
        set_absence(section, node, reading->language);
    g_ptr_array_add(self->sections, section);
    for (; inner != NULL && depth < SECTION_DEPTH; inner = erec_each_next(inner))
        take_section(reading, self, inner, depth + 1);
    reading->unsafe = outer;
}

/* Allergies, medications, problems first, in that order; the rest as the record has it. */
static guint
rank(const ErecSection *section)
{
    for (guint i = 0; i < N_REQUIRED; i++)
        if (g_strcmp0(section->word, known[i].words) == 0)
            return i;
    return N_REQUIRED;
}

static void
order_sections(ErecSummary *self)
{
    g_autoptr(GPtrArray) old = g_steal_pointer(&self->sections);

    g_ptr_array_set_free_func(old, NULL);
    self->sections = g_ptr_array_new_with_free_func(section_free);
    for (guint r = 0; r <= N_REQUIRED; r++) {
        guint n = 0;

        for (guint i = 0; i < old->len; i++)
            if (rank(g_ptr_array_index(old, i)) == r) {
                g_ptr_array_add(self->sections, g_ptr_array_index(old, i));
                n++;
            }
        if (n == 0 && r < N_REQUIRED && self->is_ips) {
            ErecSection *section = section_new(known[r].words);

            section->absence = EREC_ABSENT;
            g_ptr_array_add(self->sections, section);
        }
    }
}

static void
order_items(ErecSection *section)
{
    g_autoptr(GPtrArray) old = g_steal_pointer(&section->items);

    g_ptr_array_set_free_func(old, NULL);
    section->items = g_ptr_array_new_with_free_func((GDestroyNotify)erec_item_free);
    for (guint standing = 0; standing <= EREC_IN_ERROR; standing++)
        for (guint i = 0; i < old->len; i++) {
            ErecItem *item = g_ptr_array_index(old, i);

            if (item->standing == standing)
                g_ptr_array_add(section->items, item);
        }
}

/* What only stands behind others, or is about the file. */
static gboolean
is_support(const char *type)
{
    static const char *const support[] = {"Patient",
                                          "Practitioner",
                                          "PractitionerRole",
                                          "Organization",
                                          "Location",
                                          "Device",
                                          "Provenance",
                                          "Medication",
                                          "Specimen",
                                          "Binary",
                                          "Substance",
                                          "RelatedPerson",
                                          "Coverage",
                                          "Account",
                                          "BodyStructure",
                                          "Endpoint",
                                          "OperationOutcome",
                                          "HealthcareService",
                                          "AuditEvent",
                                          "MessageHeader",
                                          "Group",
                                          "CareTeam",
                                          "Claim",
                                          "ExplanationOfBenefit",
                                          "Composition",
                                          NULL};

    return g_strv_contains(support, type);
}

/* An entry of a kind that is not known here is listed too: it may be what matters. */
static const char *
group_of(const char *type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        if (g_strcmp0(groups[i].type, type) == 0)
            return groups[i].words;
    return type == NULL || is_support(type) ? NULL : N_("Other entries");
}

/* Reports and panels before their parts, so that these become children. */
static gboolean
is_whole(const char *type)
{
    return g_strcmp0(type, "DiagnosticReport") == 0;
}

static void
take_loose(ErecReading *reading, ErecSummary *self)
{
    const guint n = erec_bundle_n_entries(reading->bundle);

    reading->section++;
    for (guint round = 0; round < 2; round++)
        for (guint i = 0; i < n; i++) {
            const ErecEntry *entry = erec_bundle_entry(reading->bundle, i);
            const char *words = group_of(entry->type);

            if (words == NULL || reading->shown[i] || (round == 0 && !is_whole(entry->type)))
                continue;
            add_item(reading,
                     section_of_word(self, self->is_document
                                               ? N_("In the file, but in none of its sections")
                                               : words),
                     i);
        }
}

/* A file of one resource that is in no group. */
static void
take_single(ErecReading *reading, ErecSummary *self)
{
    const ErecEntry *entry;

    if (erec_bundle_n_entries(reading->bundle) != 1 || reading->shown[0])
        return;
    entry = erec_bundle_entry(reading->bundle, 0);
    reading->section++;
    if (g_strcmp0(entry->type, "Patient") != 0 && g_strcmp0(entry->type, "Composition") != 0)
        add_item(reading, section_of_word(self, N_("Other entries")), 0);
}

GPtrArray *
erec_sections_new(void)
{
    return g_ptr_array_new_with_free_func(section_free);
}

void
erec_sections_take(ErecReading *reading, ErecSummary *self, const ErecNode *composition)
{
    for (const ErecNode *at = erec_each(composition, "section"); at != NULL;
         at = erec_each_next(at))
        take_section(reading, self, at, 0);
    take_loose(reading, self);
    take_single(reading, self);
    order_sections(self);
    for (guint i = 0; i < self->sections->len; i++)
        order_items(g_ptr_array_index(self->sections, i));
}
