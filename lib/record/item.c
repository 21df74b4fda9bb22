/* SPDX-License-Identifier: Apache-2.0
 *
 * See item.h: what every resource has in common (standing, modifiers, parts). Whom it is about
 * is in item-about.c, what is particular to a type in item-facts.c, what others are called in
 * item-names.c.
 */
#include "lib/record/item.h"

#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/item-facts.h"
#include "lib/record/status.h"
#include "lib/record/subject.h"
#include "lib/record/words.h"

/* A report's results, and the parts of those. */
#define CHILD_DEPTH 3
/* FHIR's own lists of codes. */
#define FHIR_LISTS  "http://terminology.hl7.org/"

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

/* Several codes of one status (FHIR's own, and one of a hospital's) are one statement: the
 * worst that is known counts. */
static const char *
worst_code(const char *type, const ErecNode *node)
{
    const char *worst = NULL, *unknown = NULL;

    for (const ErecNode *at = erec_each(node, "coding"); at != NULL; at = erec_each_next(at)) {
        const char *code = erec_text(at, "code"), *system = erec_text(at, "system");
        const gboolean known = erec_status_words(code) != NULL;

        if (!known && (system == NULL || g_str_has_prefix(system, FHIR_LISTS)))
            unknown = code;
        if (known && (worst == NULL ||
                      erec_status_standing(type, code) > erec_status_standing(type, worst)))
            worst = code;
    }
    return unknown != NULL ? unknown : worst;
}

/* A code of one of FHIR's own lists, as string or as CodeableConcept. What it says is a fact;
 * what FHIR does not know makes the entry unsafe. */
static void
take_status(ErecItem *item, const ErecNode *node, const char *label)
{
    const char *code, *words;

    if (node == NULL)
        return;
    code = node->type == EREC_STRING ? node->text : worst_code(item->type, node);
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

/* --- whose word it is -----------------------------------------------------------------------
 */

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

/* What is to be said of parts that do not stand below their whole. */
typedef struct {
    gboolean missing, hidden;
} Parts;

static void
take_child(ErecReading *reading, ErecItem *item, const ErecNode *reference, guint depth,
           Parts *parts)
{
    const char *target = erec_text(reference, "reference");
    guint index = 0;
    const ErecResolve how =
        target == NULL ? EREC_RESOLVE_NONE
                       : erec_bundle_resolve(reading->bundle, item->entry, target, &index);
    ErecItem *child = NULL;

    if (how == EREC_RESOLVE_NONE) {
        parts->missing = TRUE;
        return;
    }
    if (how == EREC_RESOLVE_ENTRY || how == EREC_RESOLVE_BY_ID) {
        if ((reading->shown[index] & EREC_OPEN) != 0)
            return; /* it says that it is a part of itself */
        if (depth < CHILD_DEPTH)
            child = item_at(reading, index, depth + 1);
    }
    if (child != NULL)
        g_ptr_array_add(item->children, child);
    else
        parts->hidden = TRUE;
}

static void
take_children(ErecReading *reading, ErecItem *item, const ErecNode *resource, guint depth)
{
    static const char *const members[] = {"result", "hasMember"};
    Parts parts = {FALSE, FALSE};

    for (gsize i = 0; i < G_N_ELEMENTS(members); i++)
        for (const ErecNode *at = erec_each(resource, members[i]); at != NULL;
             at = erec_each_next(at))
            take_child(reading, item, at, depth, &parts);
    if (parts.missing)
        erec_fact_word(item->facts, "", N_("a part of it is not in this file"));
    if (parts.hidden)
        erec_fact_word(item->facts, "", N_("a part of it is not shown here"));
}

/* The newest of several versions comes first in a history. */
static gboolean
is_old_version(const ErecReading *reading, guint index)
{
    const ErecEntry *entry = erec_bundle_entry(reading->bundle, index);
    guint first = index;

    if (!erec_is_history(reading->bundle))
        return FALSE;
    if (entry->full_url != NULL)
        return erec_bundle_find_url(reading->bundle, entry->full_url, &first) > 1 &&
               first != index;
    return entry->type != NULL && entry->id != NULL &&
           erec_bundle_find_id(reading->bundle, entry->type, entry->id, &first) &&
           first != index;
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
    erec_item_take_subject(reading, item, resource);
    erec_item_take_facts(reading, item, resource, &unsafe);
    if (unsafe)
        worsen(item, EREC_UNSAFE);
    if (reading->in_error)
        worsen(item, EREC_IN_ERROR);
    if (is_old_version(reading, index)) {
        worsen(item, EREC_PAST);
        erec_fact_word(item->facts, "", N_("AN EARLIER VERSION: replaced or deleted since"));
    }
    /* nothing is shown below what is not: its parts are listed by themselves, unless the whole
     * that they stand in is unsafe as well */
    if (reading->unsafe || reading->in_error ||
        (item->standing != EREC_UNSAFE && item->standing != EREC_IN_ERROR))
        take_children(reading, item, resource, depth);
    return item;
}

/* All that is shown another time is together not much more than the file. */
static gboolean
has_room(ErecReading *reading, guint index)
{
    /* the smallest entry costs that much to show */
    const guint64 size = MAX(erec_bundle_entry(reading->bundle, index)->resource_length, 1024);

    if (reading->shown[index] == 0)
        return TRUE;
    if (reading->again < size)
        return FALSE;
    reading->again -= size;
    return TRUE;
}

static ErecItem *
item_at(ErecReading *reading, guint index, guint depth)
{
    g_autoptr(ErecTree) tree = NULL;
    ErecItem *item;

    if (!has_room(reading, index))
        return NULL;
    tree = erec_bundle_load(reading->bundle, index, NULL);
    if (tree == NULL) {
        reading->unread += reading->shown[index] == 0;
        reading->shown[index] |= EREC_UNREAD;
        return NULL;
    }
    reading->shown[index] |= EREC_SHOWN | EREC_OPEN;
    item = item_of(reading, index, erec_tree_root(tree), depth);
    reading->shown[index] &= (guint8)~EREC_OPEN;
    return item;
}

ErecItem *
erec_item_new(ErecReading *reading, guint index)
{
    return item_at(reading, index, 0);
}
