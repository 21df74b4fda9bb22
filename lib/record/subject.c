/* SPDX-License-Identifier: Apache-2.0
 *
 * See subject.h. Loads a few entries at most: the Composition, the first entry that is about
 * somebody, the Patient.
 */
#include "lib/record/subject.h"

#include <string.h>

/* Entries that are looked at until one says whom it is about. */
#define LOOK_MAX    64
/* Entries that are looked at in a file of several Patients, and people that are told apart. */
#define ENTRIES_MAX 20000
#define PEOPLE_MAX  16

const ErecNode *
erec_subject_of(const ErecNode *resource)
{
    const ErecNode *reference = erec_member(resource, "subject");

    if (reference == NULL)
        reference = erec_member(resource, "patient");
    return reference != NULL && reference->type == EREC_ARRAY ? reference->first : reference;
}

gboolean
erec_is_history(const ErecBundle *bundle)
{
    return g_strcmp0(erec_bundle_type(bundle), "history") == 0;
}

static gboolean
is_patient(const ErecNode *resource)
{
    return erec_text_is(resource, "resourceType", "Patient");
}

static gboolean
load_patient(const ErecBundle *bundle, guint index, ErecSubject *subject)
{
    if (g_strcmp0(erec_bundle_entry(bundle, index)->type, "Patient") != 0)
        return FALSE;
    erec_subject_clear(subject);
    subject->entry = (gint)index;
    subject->tree = erec_bundle_load(bundle, index, NULL);
    subject->patient = subject->tree != NULL ? erec_tree_root(subject->tree) : NULL;
    return TRUE;
}

/* What entry `from` says; TRUE when that is a Patient of the file. Somebody who is not in it is
 * remembered: nobody better may come. */
static gboolean
take_from(const ErecBundle *bundle, guint from, ErecSubject *subject)
{
    g_autoptr(ErecTree) tree = erec_bundle_load(bundle, from, NULL);
    const ErecNode *root = tree != NULL ? erec_tree_root(tree) : NULL,
                   *reference = erec_subject_of(root), *contained = NULL;
    const char *target = erec_text(reference, "reference");
    guint index = from;

    if (reference == NULL || reference->type != EREC_OBJECT)
        return FALSE;
    if (target != NULL)
        switch (erec_bundle_resolve(bundle, from, target, &index)) {
        case EREC_RESOLVE_ENTRY:
        case EREC_RESOLVE_BY_ID:
            return load_patient(bundle, index, subject);
        case EREC_RESOLVE_CONTAINED:
            contained = erec_contained(root, target);
            break;
        case EREC_RESOLVE_AMBIGUOUS: /* of several versions the newest comes first */
            if (erec_is_history(bundle) && load_patient(bundle, index, subject))
                return TRUE;
            break;
        case EREC_RESOLVE_NONE:
            break;
        }
    if (subject->tree != NULL && !is_patient(contained))
        return FALSE;
    erec_subject_clear(subject);
    subject->tree = g_steal_pointer(&tree);
    if (is_patient(contained))
        subject->patient = contained;
    else
        subject->reference = reference;
    return subject->patient != NULL;
}

/* 2 stands for more. */
static guint
count_patients(const ErecBundle *bundle, gint *first)
{
    gint second;

    *first = erec_bundle_find_type(bundle, "Patient", 0);
    if (*first < 0)
        return 0;
    second = erec_bundle_find_type(bundle, "Patient", (guint)*first + 1);
    return second >= 0 ? 2 : 1;
}

static gboolean
is_document(const ErecBundle *bundle)
{
    return erec_bundle_n_entries(bundle) > 0 &&
           g_strcmp0(erec_bundle_entry(bundle, 0)->type, "Composition") == 0;
}

static gboolean
has_number(const ErecNode *patient, const char *system, const char *value)
{
    for (const ErecNode *at = erec_each(patient, "identifier"); at != NULL;
         at = erec_each_next(at))
        if (g_strcmp0(erec_text(at, "system"), system) == 0 && erec_text_is(at, "value", value))
            return TRUE;
    return FALSE;
}

/* Nothing leads to it, but there is no other. */
static void
guess(const ErecBundle *bundle, guint index, ErecSubject *subject)
{
    const gboolean leads = erec_text(subject->reference, "reference") != NULL;
    const gboolean named = erec_text(subject->reference, "display") != NULL;
    g_autofree char *system = g_strdup(erec_text(subject->reference, "identifier.system"));
    g_autofree char *value = g_strdup(erec_text(subject->reference, "identifier.value"));

    load_patient(bundle, index, subject);
    subject->guessed =
        leads || (value != NULL ? !has_number(subject->patient, system, value) : named);
}

void
erec_subject_find(const ErecBundle *bundle, ErecSubject *subject)
{
    const guint n = erec_bundle_n_entries(bundle);
    gint first;
    const guint patients = count_patients(bundle, &first);
    gboolean found = FALSE;

    *subject = (ErecSubject){.entry = -1};
    if (is_document(bundle))
        found = take_from(bundle, 0, subject);
    else if (patients != 1)
        for (guint i = 0; i < MIN(n, LOOK_MAX) && !found; i++)
            if (erec_bundle_entry(bundle, i)->type != NULL &&
                strcmp(erec_bundle_entry(bundle, i)->type, "Patient") != 0)
                found = take_from(bundle, i, subject);
    if (!found && patients > 0)
        guess(bundle, (guint)first, subject);
}

static void
add_index(GArray *all, guint index)
{
    for (guint i = 0; i < all->len; i++)
        if (g_array_index(all, guint, i) == index)
            return;
    if (all->len < PEOPLE_MAX)
        g_array_append_val(all, index);
}

/* The Patient of the file whom entry `from` is about; -1: none. That is not loaded: it may be
 * large, and asked for by every entry. */
static gint
patient_of(const ErecBundle *bundle, guint from)
{
    g_autoptr(ErecTree) tree = erec_bundle_load(bundle, from, NULL);
    const char *target =
        tree != NULL ? erec_text(erec_subject_of(erec_tree_root(tree)), "reference") : NULL;
    guint index = from;
    const ErecResolve how =
        target != NULL ? erec_bundle_resolve(bundle, from, target, &index) : EREC_RESOLVE_NONE;

    if (how == EREC_RESOLVE_NONE || how == EREC_RESOLVE_CONTAINED ||
        (how == EREC_RESOLVE_AMBIGUOUS && !erec_is_history(bundle)) ||
        g_strcmp0(erec_bundle_entry(bundle, index)->type, "Patient") != 0)
        return -1;
    return (gint)index;
}

GArray *
erec_subject_all(const ErecBundle *bundle)
{
    const guint n = MIN(erec_bundle_n_entries(bundle), ENTRIES_MAX);
    GArray *all = g_array_new(FALSE, FALSE, sizeof(guint));
    g_auto(ErecSubject) subject = {.entry = -1};
    gint first;

    erec_subject_find(bundle, &subject);
    if (subject.entry >= 0)
        add_index(all, (guint)subject.entry);
    if (is_document(bundle) || count_patients(bundle, &first) < 2)
        return all;
    for (guint i = 0; i < n; i++) {
        const gint one = patient_of(bundle, i);

        if (one >= 0)
            add_index(all, (guint)one);
    }
    return all;
}

void
erec_subject_clear(ErecSubject *subject)
{
    g_clear_pointer(&subject->tree, erec_tree_free);
    *subject = (ErecSubject){.entry = -1};
}
