/* SPDX-License-Identifier: Apache-2.0
 *
 * See summary.h. A document is read by its Composition; any other file gets a section for each
 * group of resource types. Every entry is loaded once as an item, whatever points to it.
 */
#include "lib/record/summary.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/category.h"
#include "lib/record/item.h"
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

const char *
erec_standing_words(ErecStanding standing)
{
    static const char *const words[] = {
        N_("Current"),
        N_("Not current"),
        N_("Ruled out, or not done"),
        N_("About somebody else"),
        N_("Cannot be shown safely, see the original narrative"),
        N_("Entered in error: withdrawn"),
    };

    return words[standing];
}

const char *
erec_absence_words(ErecAbsence absence)
{
    static const char *const words[] = {
        "",
        N_("None known."),
        N_("No information: nobody says that there are none."),
        N_("Not asked: nobody says that there are none."),
        N_("Withheld: there may be entries that are not shown."),
        N_("Not started: nobody says that there are none."),
        N_("No entries; the reason that is given:"),
        N_("Only a text, no entries:"),
        N_("No entries, and no reason given. Nobody says that there are none."),
        N_("The record has no such section. Nobody says that there are none."),
    };

    return words[absence];
}

gboolean
erec_is_foreign(const char *language, const char *reader)
{
    const gsize n = reader != NULL ? strcspn(reader, "-_.@") : 0;

    if (language == NULL || n == 0)
        return FALSE;
    return g_ascii_strncasecmp(language, reader, n) != 0 || g_ascii_isalnum(language[n]);
}

/* --- sections ------------------------------------------------------------------------------
 */

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

static void
add_item(ErecReading *reading, ErecSection *section, guint index)
{
    ErecItem *item = erec_item_new(reading, index);

    if (item != NULL)
        g_ptr_array_add(section->items, item);
}

static void
set_absence(ErecSection *section, const ErecNode *node, const char *language)
{
    const ErecNode *reason = erec_member(node, "emptyReason");

    if (section->items->len > 0 || section->missing > 0)
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
    for (const ErecNode *at = erec_each(node, "entry"); at != NULL; at = erec_each_next(at)) {
        const char *target = erec_text(at, "reference");
        guint index = 0;
        ErecResolve how = target != NULL
                              ? erec_bundle_resolve(reading->bundle, 0, target, &index)
                              : EREC_RESOLVE_NONE;

        if (how != EREC_RESOLVE_ENTRY && how != EREC_RESOLVE_BY_ID)
            section->missing++;
        else if (!reading->shown[index])
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

/* --- entries that no section lists ---------------------------------------------------------
 */

static const char *
group_of(const char *type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(groups); i++)
        if (g_strcmp0(groups[i].type, type) == 0)
            return groups[i].words;
    return NULL;
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
    if (g_strcmp0(entry->type, "Patient") != 0 && g_strcmp0(entry->type, "Composition") != 0)
        add_item(reading, section_of_word(self, N_("Other entries")), 0);
}

/* --- the person ----------------------------------------------------------------------------
 */

/* Many records repeat it word for word. */
static void
add_name(GArray *facts, const char *label, char *name)
{
    for (guint i = 0; i < facts->len; i++)
        if (g_strcmp0(g_array_index(facts, ErecFact, i).text, name) == 0) {
            g_free(name);
            return;
        }
    erec_fact_text(facts, label, name);
}

static void
take_names(ErecSummary *self, const ErecNode *patient)
{
    for (guint round = 0; round < 2; round++)
        for (const ErecNode *at = erec_each(patient, "name"); at != NULL;
             at = erec_each_next(at)) {
            const char *use = erec_text(at, "use");
            const gboolean other =
                g_strcmp0(use, "old") == 0 || g_strcmp0(use, "maiden") == 0 ||
                g_strcmp0(use, "nickname") == 0 || g_strcmp0(use, "anonymous") == 0 ||
                g_strcmp0(use, "temp") == 0;

            if (other == (round == 1))
                add_name(self->person, other ? N_("other name") : N_("name"),
                         erec_words_name(at));
        }
}

static void
take_person(ErecReading *reading, ErecSummary *self)
{
    g_autoptr(ErecTree) tree = NULL;
    const ErecNode *patient;
    const char *gender;

    if (reading->patient < 0)
        return;
    tree = erec_bundle_load(reading->bundle, (guint)reading->patient, NULL);
    if (tree == NULL) {
        reading->unread++;
        return;
    }
    patient = erec_tree_root(tree);
    self->person_unsafe = erec_has_modifier(patient);
    take_names(self, patient);
    if (erec_text(patient, "birthDate") != NULL)
        erec_fact_text(self->person, N_("born"), g_strdup(erec_text(patient, "birthDate")));
    else
        erec_fact_word(self->person, N_("born"), N_("not stated"));
    gender = erec_text(patient, "gender");
    if (gender != NULL && erec_code_words(gender) != NULL)
        erec_fact_word(self->person, N_("sex"), erec_code_words(gender));
    else
        erec_fact_text(self->person, N_("sex"), g_strdup(gender));
    if (erec_text_is(patient, "deceasedBoolean", "true"))
        erec_fact_word(self->person, "", N_("DECEASED"));
    erec_fact_text(self->person, N_("died"), g_strdup(erec_text(patient, "deceasedDateTime")));
    if (erec_text_is(patient, "active", "false"))
        erec_fact_word(self->person, "", N_("this record of the person is no longer in use"));
    for (const ErecNode *at = erec_each(patient, "identifier"); at != NULL;
         at = erec_each_next(at)) {
        g_autofree char *kind = erec_words_any(erec_member(at, "type"), reading->language);
        const char *value = erec_text(at, "value"), *system = erec_text(at, "system");

        if (value != NULL && !erec_text_is(at, "use", "old"))
            erec_fact_text(self->person, N_("identifier"),
                           kind != NULL || system != NULL
                               ? g_strdup_printf("%s (%s)", value, kind != NULL ? kind : system)
                               : g_strdup(value));
    }
    for (const ErecNode *at = erec_each(patient, "address"); at != NULL;
         at = erec_each_next(at))
        if (!erec_text_is(at, "use", "old"))
            erec_fact_text(self->person, N_("address"), erec_words_address(at));
    for (const ErecNode *at = erec_each(patient, "telecom"); at != NULL;
         at = erec_each_next(at))
        erec_fact_text(self->person, N_("contact"), g_strdup(erec_text(at, "value")));
}

/* --- the document --------------------------------------------------------------------------
 */

static void
take_composition(ErecReading *reading, ErecSummary *self, const ErecNode *c)
{
    const char *status = erec_text(c, "status"), *words = erec_status_words(status);
    const char *subject = erec_text(c, "subject.reference");
    guint index = 0;
    ErecResolve how = subject == NULL
                          ? EREC_RESOLVE_NONE
                          : erec_bundle_resolve(reading->bundle, 0, subject, &index);

    if ((how == EREC_RESOLVE_ENTRY || how == EREC_RESOLVE_BY_ID) &&
        g_strcmp0(erec_bundle_entry(reading->bundle, index)->type, "Patient") == 0)
        reading->patient = (gint)index;
    self->is_ips = erec_has_code(c, "type", EREC_LOINC, "60591-5");
    self->date = g_strdup(erec_text(c, "date"));
    self->narrative = g_strdup(erec_text(c, "text.div"));
    self->in_error = g_strcmp0(status, "entered-in-error") == 0;
    erec_fact_text(self->document, "", g_strdup(erec_text(c, "title")));
    if (words != NULL)
        erec_fact_word(self->document, N_("status"), words);
    else
        erec_fact_word(self->document, N_("status"),
                       status != NULL ? N_("STATUS UNKNOWN") : N_("not stated"));
    for (const ErecNode *at = erec_each(c, "author"); at != NULL; at = erec_each_next(at))
        erec_fact_text(self->document, N_("author"), erec_name_of(reading, 0, c, at, NULL));
    erec_fact_text(self->document, N_("kept by"),
                   erec_name_of(reading, 0, c, erec_member(c, "custodian"), NULL));
}

/* A modifier of the Composition itself, not of one of its sections. */
static gboolean
whole_is_unsafe(const ErecBundle *bundle, const ErecNode *composition)
{
    ErecFault fault = {EREC_FAULT_OK, 0};
    g_autoptr(ErecTree) rules = erec_bundle_is_bundle(bundle)
                                    ? erec_bundle_load_member(bundle, "implicitRules", &fault)
                                    : NULL;

    return rules != NULL || erec_member(composition, "modifierExtension") != NULL ||
           erec_member(composition, "implicitRules") != NULL;
}

static guint
count_type(const ErecBundle *bundle, const char *type)
{
    guint n = 0;

    for (gint at = erec_bundle_find_type(bundle, type, 0); at >= 0;
         at = erec_bundle_find_type(bundle, type, (guint)at + 1))
        n++;
    return n;
}

static void
take_language(ErecReading *reading, const ErecNode *composition)
{
    g_autoptr(ErecTree) tree = NULL;
    const char *language = erec_text(composition, "language");

    if (language == NULL && erec_bundle_is_bundle(reading->bundle)) {
        tree = erec_bundle_load_member(reading->bundle, "language", NULL);
        if (tree != NULL)
            language = erec_text(erec_tree_root(tree), "");
    }
    reading->own_language = g_strdup(language);
}

static void
read_all(ErecReading *reading, ErecSummary *self)
{
    const guint n = erec_bundle_n_entries(reading->bundle);
    g_autoptr(ErecTree) tree = NULL;
    const ErecNode *composition = NULL;

    if (n > 0 && g_strcmp0(erec_bundle_entry(reading->bundle, 0)->type, "Composition") == 0) {
        tree = erec_bundle_load(reading->bundle, 0, NULL);
        reading->shown[0] = TRUE;
        if (tree == NULL)
            reading->unread++;
        else
            composition = erec_tree_root(tree);
    }
    take_language(reading, composition);
    self->unsafe = reading->unsafe = whole_is_unsafe(reading->bundle, composition);
    if (composition != NULL) {
        self->is_document = TRUE;
        take_composition(reading, self, composition);
        reading->in_error = self->in_error;
    }
    take_person(reading, self);
    for (const ErecNode *at = erec_each(composition, "section"); at != NULL;
         at = erec_each_next(at))
        take_section(reading, self, at, 0);
    take_loose(reading, self);
    take_single(reading, self);
    order_sections(self);
    for (guint i = 0; i < self->sections->len; i++)
        order_items(g_ptr_array_index(self->sections, i));
}

ErecSummary *
erec_summary_new(const ErecBundle *bundle, const char *language)
{
    const guint n = erec_bundle_n_entries(bundle);
    g_autofree char *reader =
        language != NULL ? g_strndup(language, strcspn(language, "-_.@")) : NULL;
    ErecSummary *self = g_new0(ErecSummary, 1);
    ErecReading reading = {
        .bundle = bundle,
        .language = reader != NULL && *reader != '\0' ? reader : NULL,
        .patient = erec_bundle_find_type(bundle, "Patient", 0),
        .shown = g_new0(gboolean, n + 1),
        .names = g_new0(char *, n + 1),
        .named = g_new0(guint8, n + 1),
    };

    self->person = erec_facts_new();
    self->document = erec_facts_new();
    self->sections = g_ptr_array_new_with_free_func(section_free);
    self->n_patients = count_type(bundle, "Patient");
    read_all(&reading, self);
    self->unread = reading.unread;
    self->language = g_steal_pointer(&reading.own_language);
    for (guint i = 0; i < n; i++)
        g_free(reading.names[i]);
    g_free(reading.names);
    g_free(reading.named);
    g_free(reading.shown);
    return self;
}

void
erec_summary_free(ErecSummary *self)
{
    if (self == NULL)
        return;
    g_array_unref(self->person);
    g_array_unref(self->document);
    g_free(self->date);
    g_free(self->language);
    g_free(self->narrative);
    g_ptr_array_unref(self->sections);
    g_free(self);
}
