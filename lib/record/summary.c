/* SPDX-License-Identifier: Apache-2.0
 *
 * See summary.h. A document is read by its Composition; any other file gets a section for each
 * group of resource types. Every entry is loaded once as an item, whatever points to it.
 */
#include "lib/record/summary.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/category.h"
#include "lib/record/status.h"
#include "lib/record/subject.h"
#include "lib/record/summary-private.h"
#include "lib/record/words.h"

/* Numbers of a person by which references may call it. */
#define CALLED_MAX 16

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

/* Before whom it is about is said, who that is not. */
static void
take_state(ErecSummary *self, const ErecNode *patient)
{
    if (erec_text_is(patient, "deceasedBoolean", "true"))
        erec_fact_word(self->person, "", N_("DECEASED"));
    erec_fact_text(self->person, N_("died"), g_strdup(erec_text(patient, "deceasedDateTime")));
    if (erec_text_is(patient, "active", "false"))
        erec_fact_word(self->person, "", N_("this record of the person is no longer in use"));
}

static void
take_identifier(ErecReading *reading, ErecSummary *self, const ErecNode *identifier)
{
    g_autofree char *kind = erec_words_any(erec_member(identifier, "type"), reading->language);
    const char *value = erec_text(identifier, "value"),
               *system = erec_text(identifier, "system");

    if (value != NULL && !erec_text_is(identifier, "use", "old"))
        erec_fact_text(self->person, N_("identifier"),
                       kind != NULL || system != NULL
                           ? g_strdup_printf("%s (%s)", value, kind != NULL ? kind : system)
                           : g_strdup(value));
}

static void
take_birth_and_sex(ErecSummary *self, const ErecNode *patient)
{
    const char *gender = erec_text(patient, "gender");

    if (erec_text(patient, "birthDate") != NULL)
        erec_fact_text(self->person, N_("born"), g_strdup(erec_text(patient, "birthDate")));
    else
        erec_fact_word(self->person, N_("born"), N_("not stated"));
    if (gender != NULL && erec_code_words(gender) != NULL)
        erec_fact_word(self->person, N_("sex"), erec_code_words(gender));
    else
        erec_fact_text(self->person, N_("sex"), g_strdup(gender));
}

static void
take_patient(ErecReading *reading, ErecSummary *self, const ErecNode *patient)
{
    self->person_unsafe = erec_has_modifier(patient);
    take_names(self, patient);
    take_birth_and_sex(self, patient);
    take_state(self, patient);
    for (const ErecNode *at = erec_each(patient, "identifier"); at != NULL;
         at = erec_each_next(at))
        take_identifier(reading, self, at);
    for (const ErecNode *at = erec_each(patient, "address"); at != NULL;
         at = erec_each_next(at))
        if (!erec_text_is(at, "use", "old"))
            erec_fact_text(self->person, N_("address"), erec_words_address(at));
    for (const ErecNode *at = erec_each(patient, "telecom"); at != NULL;
         at = erec_each_next(at))
        erec_fact_text(self->person, N_("contact"), g_strdup(erec_text(at, "value")));
}

/* Somebody who is not in the file: what is said beside the reference. */
static void
take_referred(ErecReading *reading, ErecSummary *self, const ErecNode *reference)
{
    erec_fact_text(self->person, N_("name"), g_strdup(erec_text(reference, "display")));
    if (erec_member(reference, "identifier") != NULL)
        take_identifier(reading, self, erec_member(reference, "identifier"));
    if (self->person->len == 0)
        erec_fact_text(self->person, N_("only referred to as"),
                       g_strdup(erec_text(reference, "reference")));
    if (self->person->len > 0)
        erec_fact_word(self->person, "", N_("more of this person is not in the file"));
}

/* What references call the person by that do not lead to an entry. */
static void
take_called(ErecReading *reading, const ErecSubject *subject)
{
    const ErecNode *root = subject->tree != NULL ? erec_tree_root(subject->tree) : NULL;

    if (subject->entry < 0 && root != NULL) {
        char *key = erec_item_stranger(root, erec_subject_of(root));

        if (key != NULL)
            g_ptr_array_add(reading->called, key);
        return;
    }
    for (const ErecNode *at = erec_each(root, "identifier");
         at != NULL && reading->called->len < CALLED_MAX; at = erec_each_next(at)) {
        const char *system = erec_text(at, "system"), *value = erec_text(at, "value");

        if (value != NULL)
            g_ptr_array_add(reading->called,
                            g_strdup_printf("%s|%s", system != NULL ? system : "", value));
    }
}

static void
take_person(ErecReading *reading, ErecSummary *self)
{
    g_auto(ErecSubject) subject = {.entry = -1};

    erec_subject_find(reading->bundle, &subject);
    reading->patient = subject.entry;
    if (subject.entry >= 0 && subject.tree == NULL)
        reading->unread++;
    else if (subject.patient != NULL)
        take_patient(reading, self, subject.patient);
    else if (subject.reference != NULL)
        take_referred(reading, self, subject.reference);
    if (subject.guessed)
        erec_fact_word(self->person, "",
                       N_("NOT CERTAIN: the record says that it is about somebody who is not "
                          "in the file"));
    take_called(reading, &subject);
}

/* --- the document --------------------------------------------------------------------------
 */

static void
take_composition(ErecReading *reading, ErecSummary *self, const ErecNode *c)
{
    const char *status = erec_text(c, "status"), *words = erec_status_words(status);

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
        reading->shown[0] = EREC_SHOWN;
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
        reading->date = self->date;
    }
    take_person(reading, self);
    erec_sections_take(reading, self, composition);
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
        .patient = -1,
        .called = g_ptr_array_new_with_free_func(g_free),
        .again = 4 * erec_source_size(erec_bundle_source(bundle)) + (1u << 20),
        .shown = g_new0(guint8, n + 1),
        .listed = g_new0(guint32, n + 1),
        .names = g_new0(char *, n + 1),
        .named = g_new0(guint8, n + 1),
    };

    self->person = erec_facts_new();
    self->document = erec_facts_new();
    self->sections = erec_sections_new();
    self->n_patients = count_type(bundle, "Patient");
    read_all(&reading, self);
    self->unread = reading.unread;
    self->language = g_steal_pointer(&reading.own_language);
    for (guint i = 0; i < n; i++)
        g_free(reading.names[i]);
    g_free(reading.names);
    g_ptr_array_unref(reading.called);
    g_free(reading.named);
    g_free(reading.shown);
    g_free(reading.listed);
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
