/* SPDX-License-Identifier: Apache-2.0
 *
 * See item.h: what every resource has in common (standing, subject, modifiers, references).
 * What is particular to a type is in item-facts.c.
 */
#include "lib/record/item.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/item-facts.h"
#include "lib/record/status.h"
#include "lib/record/words.h"

/* A report's results, and the parts of those. */
#define CHILD_DEPTH 3

/* --- facts ---------------------------------------------------------------------------------
 */

static void
fact_clear(gpointer data)
{
    g_free(((ErecFact *)data)->text);
}

GArray *
erec_facts_new(void)
{
    GArray *facts = g_array_new(FALSE, FALSE, sizeof(ErecFact));

    g_array_set_clear_func(facts, fact_clear);
    return facts;
}

void
erec_fact_text(GArray *facts, const char *label, char *text)
{
    const ErecFact fact = {label, NULL, text};

    if (text != NULL && *text != '\0')
        g_array_append_val(facts, fact);
    else
        g_free(text);
}

void
erec_fact_word(GArray *facts, const char *label, const char *word)
{
    const ErecFact fact = {label, word, NULL};

    if (word != NULL)
        g_array_append_val(facts, fact);
}

void
erec_item_free(ErecItem *self)
{
    if (self == NULL)
        return;
    g_free(self->type);
    g_free(self->what);
    g_free(self->code);
    g_array_unref(self->facts);
    g_ptr_array_unref(self->children);
    g_free(self->language);
    g_free(self->narrative);
    g_free(self);
}

/* --- modifiers -----------------------------------------------------------------------------
 */

static gboolean
see_modifier(const ErecNode *node, gpointer user_data)
{
    gboolean *found = user_data;

    if (node->key != NULL &&
        ((strcmp(node->key, "modifierExtension") == 0 && node->type != EREC_NULL) ||
         (strcmp(node->key, "implicitRules") == 0 && node->type != EREC_NULL)))
        *found = TRUE;
    return !*found;
}

gboolean
erec_has_modifier(const ErecNode *resource)
{
    gboolean found = FALSE;

    if (resource != NULL)
        erec_visit(resource, see_modifier, &found);
    return found;
}

/* --- what others are called ----------------------------------------------------------------
 */

static char *
name_of_resource(const ErecNode *resource, const char *language)
{
    static const char *const concepts[] = {"code", "type", "vaccineCode"};
    const ErecNode *name = erec_member(resource, "name");
    char *words = NULL;

    if (name != NULL)
        return name->type == EREC_STRING ? g_strdup(name->text)
                                         : erec_words_name(erec_each(resource, "name"));
    for (const ErecNode *at = erec_each(resource, "deviceName"); at != NULL && words == NULL;
         at = erec_each_next(at))
        words = g_strdup(erec_text(at, "name"));
    for (gsize i = 0; i < G_N_ELEMENTS(concepts) && words == NULL; i++)
        words = erec_words_concepts(resource, concepts[i], language);
    return words;
}

/* "Ibuprofen (ibuprofen 400 mg)": a medicine by its ingredients, with their strength. */
static char *
name_of_medication(const ErecNode *resource, const char *language)
{
    GString *out = g_string_new(NULL);
    g_autofree char *name = erec_words_any(erec_member(resource, "code"), language);
    g_autofree char *form = erec_words_any(erec_member(resource, "form"), language);

    for (const ErecNode *at = erec_each(resource, "ingredient"); at != NULL;
         at = erec_each_next(at)) {
        g_autofree char *what =
            erec_words_any(erec_member(at, "itemCodeableConcept"), language);
        g_autofree char *strength =
            erec_words_choice(erec_member(at, "strength"), language, NULL);

        if (what == NULL && strength == NULL)
            continue;
        g_string_append_printf(
            out, "%s%s%s%s", out->len > 0 ? ", " : "", what != NULL ? what : "",
            what != NULL && strength != NULL ? " " : "", strength != NULL ? strength : "");
    }
    if (form != NULL)
        g_string_append_printf(out, "%s%s", out->len > 0 ? "; " : "", form);
    if (name != NULL && out->len > 0) {
        g_string_prepend(out, " (");
        g_string_prepend(out, name);
        g_string_append_c(out, ')');
    } else if (name != NULL) {
        g_string_assign(out, name);
    }
    if (out->len > 0)
        return g_string_free(out, FALSE);
    g_string_free(out, TRUE);
    return NULL;
}

static char *
name_of_any(const ErecNode *resource, const char *language)
{
    return erec_text_is(resource, "resourceType", "Medication")
               ? name_of_medication(resource, language)
               : name_of_resource(resource, language);
}

static const char *
name_of_entry(ErecReading *reading, guint index, gboolean *unsafe)
{
    if ((reading->named[index] & 1) == 0) {
        g_autoptr(ErecTree) tree = erec_bundle_load(reading->bundle, index, NULL);

        reading->named[index] = 1;
        if (tree != NULL) {
            const ErecNode *root = erec_tree_root(tree);

            reading->names[index] = name_of_any(root, reading->language);
            if (erec_has_modifier(root))
                reading->named[index] |= 2;
        }
    }
    if (unsafe != NULL && (reading->named[index] & 2) != 0)
        *unsafe = TRUE;
    return reading->names[index];
}

char *
erec_name_of(ErecReading *reading, guint from, const ErecNode *resource,
             const ErecNode *reference, gboolean *unsafe)
{
    const char *target = erec_text(reference, "reference");
    char *name = NULL;
    guint index = 0;

    if (target != NULL)
        switch (erec_bundle_resolve(reading->bundle, from, target, &index)) {
        case EREC_RESOLVE_ENTRY:
        case EREC_RESOLVE_BY_ID:
            name = g_strdup(name_of_entry(reading, index, unsafe));
            break;
        case EREC_RESOLVE_CONTAINED:
            name = name_of_any(erec_contained(resource, target), reading->language);
            break;
        case EREC_RESOLVE_NONE:
        case EREC_RESOLVE_AMBIGUOUS:
            break;
        }
    if (name == NULL)
        name = g_strdup(erec_text(reference, "display"));
    return name;
}

char *
erec_language_of(const ErecReading *reading, const ErecNode *resource)
{
    const char *own = erec_text(resource, "language");

    return g_strdup(own != NULL ? own : reading->own_language);
}

/* --- standing ------------------------------------------------------------------------------
 */

static void
worsen(ErecItem *item, ErecStanding standing)
{
    item->standing = MAX(item->standing, standing);
}

/* A code of one of FHIR's own lists, as string or as CodeableConcept. What it says is a fact;
 * what FHIR does not know makes the entry unsafe. */
static void
take_status(ErecItem *item, const ErecNode *node, const char *label)
{
    const char *code = NULL, *words = NULL;

    if (node == NULL)
        return;
    if (node->type == EREC_STRING)
        code = node->text;
    for (const ErecNode *at = erec_each(node, "coding"); at != NULL && words == NULL;
         at = erec_each_next(at)) {
        code = erec_text(at, "code");
        words = erec_status_words(code);
    }
    if (words == NULL)
        words = erec_status_words(code);
    worsen(item, erec_status_standing(item->type, code));
    if (words != NULL)
        erec_fact_word(item->facts, label, words);
    else
        erec_fact_text(item->facts, label,
                       code != NULL ? g_strdup(code) : erec_words_any(node, NULL));
}

/* Types whose status must be known before they may be read as current. */
static gboolean
needs_clinical_status(const char *type)
{
    return strcmp(type, "AllergyIntolerance") == 0 || strcmp(type, "Condition") == 0;
}

static gboolean
needs_status(const char *type)
{
    return g_str_has_prefix(type, "Medication") || strcmp(type, "Observation") == 0 ||
           strcmp(type, "DiagnosticReport") == 0 || strcmp(type, "Procedure") == 0 ||
           strcmp(type, "Immunization") == 0;
}

static void
take_statuses(ErecItem *item, const ErecNode *resource)
{
    const ErecNode *clinical = erec_member(resource, "clinicalStatus"),
                   *certainty = erec_member(resource, "verificationStatus"),
                   *status = erec_member(resource, "status");
    const char *intent = erec_text(resource, "intent");

    if (needs_clinical_status(item->type)) {
        take_status(item, clinical, "");
        take_status(item, certainty, "");
        if (clinical == NULL && item->standing == EREC_CURRENT)
            erec_fact_word(item->facts, "", N_("clinical status not stated"));
        if (certainty == NULL)
            erec_fact_word(item->facts, "", N_("certainty not stated"));
        if (clinical == NULL && erec_choice(resource, "abatement", NULL) != NULL)
            worsen(item, EREC_PAST);
    } else if (status != NULL) {
        take_status(item, status, "");
    } else if (needs_status(item->type)) {
        erec_fact_word(item->facts, "", N_("status not stated"));
    }
    take_status(item, erec_member(resource, "lifecycleStatus"), "");
    if (intent != NULL && strcmp(intent, "order") != 0)
        erec_fact_word(item->facts, "", erec_code_words(intent));
    if (g_strcmp0(intent, "proposal") == 0 || g_strcmp0(intent, "plan") == 0 ||
        g_strcmp0(intent, "option") == 0)
        worsen(item, EREC_PAST);
    if (erec_text_is(resource, "doNotPerform", "true")) {
        erec_fact_word(item->facts, "", N_("DO NOT GIVE, DO NOT DO"));
        worsen(item, EREC_NEGATED);
    }
    if (erec_text_is(resource, "isSubpotent", "true"))
        erec_fact_word(item->facts, "", N_("LESS THAN THE FULL DOSE (subpotent)"));
}

/* --- whom it is about ----------------------------------------------------------------------
 */

static void
take_subject(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    const ErecNode *subject = erec_member(resource, "subject");
    const ErecEntry *entry;
    const char *target;
    guint index = 0;

    if (subject == NULL)
        subject = erec_member(resource, "patient");
    target = erec_text(subject, "reference");
    if (target == NULL || reading->patient < 0)
        return;
    switch (erec_bundle_resolve(reading->bundle, item->entry, target, &index)) {
    case EREC_RESOLVE_ENTRY:
    case EREC_RESOLVE_BY_ID:
        break;
    case EREC_RESOLVE_NONE:
    case EREC_RESOLVE_CONTAINED:
    case EREC_RESOLVE_AMBIGUOUS:
        return;
    }
    entry = erec_bundle_entry(reading->bundle, index);
    if (index == (guint)reading->patient || g_strcmp0(entry->type, "Group") == 0)
        return;
    worsen(item, EREC_SOMEBODY_ELSE);
    erec_fact_text(item->facts, N_("about"),
                   erec_name_of(reading, item->entry, resource, subject, NULL));
}

/* Who says so: a patient's own word must be told from a clinician's. */
static gboolean
is_patient_entered(const ErecReading *reading, guint from, const ErecNode *resource)
{
    static const char *const members[] = {"informationSource", "asserter", "recorder", "author",
                                          "performer"};

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++) {
        const char *target = erec_text(erec_each(resource, members[i]), "reference");
        guint index = 0;
        const ErecEntry *entry;

        if (target == NULL)
            continue;
        if (erec_bundle_resolve(reading->bundle, from, target, &index) != EREC_RESOLVE_NONE &&
            *target != '#') {
            entry = erec_bundle_entry(reading->bundle, index);
            if (g_strcmp0(entry->type, "Patient") == 0 ||
                g_strcmp0(entry->type, "RelatedPerson") == 0)
                return TRUE;
        }
        if (g_str_has_prefix(target, "Patient/") || g_str_has_prefix(target, "RelatedPerson/"))
            return TRUE;
    }
    return FALSE;
}

/* --- the item ------------------------------------------------------------------------------
 */

static ErecItem *item_at(ErecReading *reading, guint index, guint depth);

static void
take_children(ErecReading *reading, ErecItem *item, const ErecNode *resource, guint depth)
{
    static const char *const members[] = {"result", "hasMember"};

    for (gsize i = 0; i < G_N_ELEMENTS(members) && depth < CHILD_DEPTH; i++) {
        for (const ErecNode *at = erec_each(resource, members[i]); at != NULL;
             at = erec_each_next(at)) {
            const char *target = erec_text(at, "reference");
            guint index = 0;
            ErecResolve how = target == NULL ? EREC_RESOLVE_NONE
                                             : erec_bundle_resolve(reading->bundle, item->entry,
                                                                   target, &index);
            ErecItem *child = NULL;

            if ((how == EREC_RESOLVE_ENTRY || how == EREC_RESOLVE_BY_ID) &&
                !reading->shown[index])
                child = item_at(reading, index, depth + 1);
            if (child != NULL)
                g_ptr_array_add(item->children, child);
            else if (how == EREC_RESOLVE_NONE)
                erec_fact_word(item->facts, "", N_("a part of it is not in this file"));
        }
    }
}

static ErecItem *
item_of(ErecReading *reading, guint index, const ErecNode *resource, guint depth)
{
    ErecItem *item = g_new0(ErecItem, 1);
    const char *type = erec_text(resource, "resourceType");
    gboolean unsafe = reading->unsafe || erec_has_modifier(resource);

    item->entry = index;
    item->type = g_strdup(type != NULL ? type : "");
    item->facts = erec_facts_new();
    item->children = g_ptr_array_new_with_free_func((GDestroyNotify)erec_item_free);
    item->language = erec_language_of(reading, resource);
    item->narrative = g_strdup(erec_text(resource, "text.div"));
    item->patient_entered = is_patient_entered(reading, index, resource);
    take_statuses(item, resource);
    take_subject(reading, item, resource);
    erec_item_take_facts(reading, item, resource, &unsafe);
    if (unsafe)
        worsen(item, EREC_UNSAFE);
    if (reading->in_error)
        worsen(item, EREC_IN_ERROR);
    take_children(reading, item, resource, depth);
    return item;
}

static ErecItem *
item_at(ErecReading *reading, guint index, guint depth)
{
    g_autoptr(ErecTree) tree = erec_bundle_load(reading->bundle, index, NULL);

    reading->shown[index] = TRUE;
    if (tree == NULL) {
        reading->unread++;
        return NULL;
    }
    return item_of(reading, index, erec_tree_root(tree), depth);
}

ErecItem *
erec_item_new(ErecReading *reading, guint index)
{
    return item_at(reading, index, 0);
}
