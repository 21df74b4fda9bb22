/* SPDX-License-Identifier: Apache-2.0
 *
 * What a resource is called by others: the part of item.h about names.
 */
#include "lib/record/item.h"

#include "lib/record/words.h"

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

/* A medicine that was entered in error is none, whoever says that it is taken. */
static gboolean
is_unsafe(const ErecNode *resource)
{
    return erec_has_modifier(resource) || erec_text_is(resource, "status", "entered-in-error");
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
            if (is_unsafe(root))
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
            if (unsafe != NULL && is_unsafe(erec_contained(resource, target)))
                *unsafe = TRUE;
            break;
        case EREC_RESOLVE_NONE:
        case EREC_RESOLVE_AMBIGUOUS:
            break;
        }
    if (name == NULL)
        name = g_strdup(erec_text(reference, "display"));
    return name;
}
