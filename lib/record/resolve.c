/* SPDX-License-Identifier: Apache-2.0
 *
 * What a reference in a bundle points to (FHIR R4, 2.36.4.1): the part of bundle.h about
 * references.
 */
#include <string.h>

#include "lib/record/bundle.h"

static ErecResolve
look_up_url(const ErecBundle *self, const char *url, guint *index)
{
    const guint n = erec_bundle_find_url(self, url, index);

    return n == 0 ? EREC_RESOLVE_NONE : n == 1 ? EREC_RESOLVE_ENTRY : EREC_RESOLVE_AMBIGUOUS;
}

static gboolean
is_absolute(const char *reference)
{
    return strncmp(reference, "http:", 5) == 0 || strncmp(reference, "https:", 6) == 0 ||
           strncmp(reference, "urn:", 4) == 0;
}

/* Without version and fragment; transfer full. */
static char *
bare(const char *reference)
{
    char *copy = g_strdup(reference), *history = strstr(copy, "/_history/");

    if (history != NULL)
        *history = '\0';
    copy[strcspn(copy, "|#")] = '\0';
    return copy;
}

/* "http://server/fhir/" of "http://server/fhir/Patient/1"; NULL when the fullUrl is not of that
 * form. Transfer full. */
static char *
base_of(const ErecEntry *entry)
{
    const char *id, *type;

    if (entry->full_url == NULL || strncmp(entry->full_url, "http", 4) != 0)
        return NULL;
    id = strrchr(entry->full_url, '/');
    type = id != NULL ? g_strrstr_len(entry->full_url, id - entry->full_url, "/") : NULL;
    if (type == NULL || type[-1] == '/' || type[-1] == ':')
        return NULL;
    return g_strndup(entry->full_url, (gsize)(type + 1 - entry->full_url));
}

static ErecResolve
look_up_relative(const ErecBundle *self, guint from, const char *reference, guint *index)
{
    g_autofree char *base = base_of(erec_bundle_entry(self, from));
    ErecResolve found = EREC_RESOLVE_NONE;
    g_auto(GStrv) parts = NULL;

    if (base != NULL) {
        g_autofree char *url = g_strconcat(base, reference, NULL);
        found = look_up_url(self, url, index);
    }
    if (found == EREC_RESOLVE_NONE)
        found = look_up_url(self, reference, index); /* a relative fullUrl: wrong, but clear */
    if (found != EREC_RESOLVE_NONE)
        return found;
    parts = g_strsplit(reference, "/", 3);
    if (g_strv_length(parts) == 2 && erec_bundle_find_id(self, parts[0], parts[1], index))
        return EREC_RESOLVE_BY_ID;
    return EREC_RESOLVE_NONE;
}

ErecResolve
erec_bundle_resolve(const ErecBundle *self, guint from, const char *reference, guint *index)
{
    g_autofree char *plain = NULL;

    g_return_val_if_fail(from < erec_bundle_n_entries(self), EREC_RESOLVE_NONE);

    *index = from;
    if (*reference == '#')
        return EREC_RESOLVE_CONTAINED;
    if (*reference == '\0' || strlen(reference) > EREC_URL_MAX)
        return EREC_RESOLVE_NONE;
    plain = bare(reference);
    return is_absolute(plain) ? look_up_url(self, plain, index)
                              : look_up_relative(self, from, plain, index);
}

const ErecNode *
erec_contained(const ErecNode *resource, const char *reference)
{
    if (*reference == '#')
        reference++;
    for (const ErecNode *at = erec_each(resource, "contained"); at != NULL;
         at = erec_each_next(at))
        if (erec_text_is(at, "id", reference))
            return at;
    return NULL;
}

typedef struct {
    ErecOnReference each;
    gpointer user_data;
} References;

static gboolean
on_node(const ErecNode *node, gpointer user_data)
{
    const References *references = user_data;

    if (node->type == EREC_STRING && g_strcmp0(node->key, "reference") == 0)
        references->each(node, references->user_data);
    return TRUE;
}

void
erec_each_reference(const ErecNode *resource, ErecOnReference each, gpointer user_data)
{
    erec_visit(resource, on_node, &(References){each, user_data});
}
