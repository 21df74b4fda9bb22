/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom an entry is about, if that is not whom the file is about: another of the file, or one
 * who is only named.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/item-facts.h"
#include "lib/record/subject.h"

static void
is_somebody_else(ErecItem *item)
{
    item->standing = MAX(item->standing, EREC_SOMEBODY_ELSE);
}

static const char *
or_nothing(const char *text)
{
    return text != NULL ? text : "";
}

/* "#p" of one entry is not that of the next. */
static char *
key_of_contained(const ErecNode *patient)
{
    const ErecNode *name = erec_each(patient, "name");

    if (patient == NULL)
        return NULL;
    return g_strdup_printf("%s|%s|%s|%s", or_nothing(erec_text(name, "text")),
                           or_nothing(erec_text(name, "family")),
                           or_nothing(erec_text(erec_each(name, "given"), "")),
                           or_nothing(erec_text(patient, "birthDate")));
}

char *
erec_item_stranger(const ErecNode *resource, const ErecNode *reference)
{
    const char *target = erec_text(reference, "reference"),
               *number = erec_text(reference, "identifier.value");

    if (target != NULL && *target == '#')
        return key_of_contained(erec_contained(resource, target));
    if (target != NULL)
        return g_strdup(target);
    if (number != NULL)
        return g_strdup_printf("%s|%s", or_nothing(erec_text(reference, "identifier.system")),
                               number);
    return g_strdup(erec_text(reference, "display"));
}

/* Who is not in the file can only be named, and is the same only if called the same. */
static void
take_stranger(ErecReading *reading, ErecItem *item, const ErecNode *resource,
              const ErecNode *reference)
{
    g_autofree char *stranger = erec_item_stranger(resource, reference);
    char *name;

    if (stranger == NULL ||
        g_ptr_array_find_with_equal_func(reading->called, stranger, g_str_equal, NULL))
        return;
    name = erec_name_of(reading, item->entry, resource, reference, NULL);
    erec_fact_text(item->facts, N_("about (not in the file)"),
                   name != NULL ? name : g_steal_pointer(&stranger));
}

static gboolean
is_entry(const ErecReading *reading, guint from, const char *target)
{
    guint index;
    const ErecResolve how = erec_bundle_resolve(reading->bundle, from, target, &index);

    return how == EREC_RESOLVE_ENTRY || how == EREC_RESOLVE_BY_ID;
}

/* Whom an element points to, if that is not the patient of the file. */
static void
take_other(ErecReading *reading, ErecItem *item, const ErecNode *resource,
           const ErecNode *reference, gboolean focus)
{
    const char *target = erec_text(reference, "reference"), *type = NULL;
    char *name;
    guint index = 0;

    if (target == NULL || (reading->patient < 0 && !is_entry(reading, item->entry, target))) {
        if (!focus)
            take_stranger(reading, item, resource, reference);
        return;
    }
    switch (erec_bundle_resolve(reading->bundle, item->entry, target, &index)) {
    case EREC_RESOLVE_ENTRY:
    case EREC_RESOLVE_BY_ID:
        type = erec_bundle_entry(reading->bundle, index)->type;
        break;
    case EREC_RESOLVE_CONTAINED:
        type = erec_text(erec_contained(resource, target), "resourceType");
        break;
    case EREC_RESOLVE_AMBIGUOUS:
        if (erec_is_history(reading->bundle) && index == (guint)reading->patient)
            return; /* versions of one */
        break;
    case EREC_RESOLVE_NONE:
        break;
    }
    if ((*target != '#' && type != NULL && index == (guint)reading->patient) ||
        g_strcmp0(type, "Group") == 0)
        return;
    /* a subject that is in the file is no doubt another; a focus may be a part of the body */
    if (type != NULL && *target != '#' &&
        (!focus || strcmp(type, "Patient") == 0 || strcmp(type, "RelatedPerson") == 0))
        is_somebody_else(item);
    name = erec_name_of(reading, item->entry, resource, reference, NULL);
    erec_fact_text(item->facts, type != NULL ? N_("about") : N_("about (not in the file)"),
                   name != NULL ? name : g_strdup(target));
}

void
erec_item_take_subject(ErecReading *reading, ErecItem *item, const ErecNode *resource)
{
    const ErecNode *subject = erec_subject_of(resource);

    take_other(reading, item, resource, subject, FALSE);
    for (const ErecNode *at = erec_each(resource, "focus"); at != NULL; at = erec_each_next(at))
        take_other(reading, item, resource, at, TRUE);
    /* a relative's illness, in whatever section it stands */
    if (strcmp(item->type, "FamilyMemberHistory") == 0)
        is_somebody_else(item);
}
