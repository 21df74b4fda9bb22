/* SPDX-License-Identifier: Apache-2.0
 *
 * See version.h.
 */
#include "lib/record/version.h"

#include <string.h>

/* Of an Identifier; transfer full. */
static char *
identifier_text(const ErecNode *identifier)
{
    const char *system = erec_text(identifier, "system"),
               *value = erec_text(identifier, "value");

    if (value == NULL)
        return NULL;
    return g_strdup_printf("%s|%s", system != NULL ? system : "", value);
}

static char *
text_of_member(const ErecBundle *bundle, const char *key)
{
    g_autoptr(ErecTree) tree = erec_bundle_load_member(bundle, key, NULL);
    const ErecNode *root = tree != NULL ? erec_tree_root(tree) : NULL;

    return root != NULL && root->type == EREC_STRING ? g_strdup(root->text) : NULL;
}

/* Composition and DocumentReference say it alike, with a reference or an identifier. */
static char *
find_replaced(const ErecNode *resource)
{
    for (const ErecNode *at = erec_each(resource, "relatesTo"); at != NULL;
         at = erec_each_next(at)) {
        const char *reference = erec_text(at, "targetReference.reference");

        if (!erec_text_is(at, "code", "replaces"))
            continue;
        if (reference == NULL)
            reference = erec_text(at, "target.reference");
        return reference != NULL ? g_strdup(reference)
                                 : identifier_text(erec_get(at, "targetIdentifier"));
    }
    return NULL;
}

static void
of_document(const ErecBundle *bundle, const ErecNode *composition, ErecVersion *v)
{
    g_autoptr(ErecTree) tree = erec_bundle_load_member(bundle, "identifier", NULL);

    v->series = identifier_text(erec_get(composition, "identifier"));
    if (tree != NULL)
        v->identifier = g_strdup(erec_text(erec_tree_root(tree), "value"));
    if (v->series == NULL && tree != NULL)
        v->series = identifier_text(erec_tree_root(tree));
    v->order = text_of_member(bundle, "timestamp");
    if (v->order == NULL)
        v->order = g_strdup(erec_text(composition, "date"));
}

static void
of_resource(const ErecEntry *entry, const ErecNode *resource, ErecVersion *v)
{
    const char *updated = erec_text(resource, "meta.lastUpdated"),
               *number = erec_text(resource, "meta.versionId");

    if (entry->type != NULL && entry->id != NULL)
        v->series = g_strdup_printf("%s/%s", entry->type, entry->id);
    v->identifier = g_strdup(entry->full_url != NULL ? entry->full_url : v->series);
    if (updated != NULL)
        v->order = g_strdup(updated);
    else if (number != NULL && strlen(number) < 10)
        v->order = g_strdup_printf("%010" G_GINT64_FORMAT, g_ascii_strtoll(number, NULL, 10));
}

void
erec_version_of(const ErecBundle *bundle, ErecVersion *version)
{
    const gboolean document = g_strcmp0(erec_bundle_type(bundle), "document") == 0;
    g_autoptr(ErecTree) tree = NULL;
    const ErecNode *root;

    memset(version, 0, sizeof *version);
    if (erec_bundle_n_entries(bundle) == 0 || (erec_bundle_is_bundle(bundle) && !document))
        return;
    tree = erec_bundle_load(bundle, 0, NULL);
    if (tree == NULL)
        return;
    root = erec_tree_root(tree);
    version->status = g_strdup(erec_text(root, "status"));
    version->replaces = find_replaced(root);
    if (document)
        of_document(bundle, root, version);
    else
        of_resource(erec_bundle_entry(bundle, 0), root, version);
}

void
erec_version_clear(ErecVersion *version)
{
    g_free(version->series);
    g_free(version->order);
    g_free(version->replaces);
    g_free(version->status);
    g_free(version->identifier);
    memset(version, 0, sizeof *version);
}
