/* SPDX-License-Identifier: Apache-2.0
 *
 * Looking things up in a tree: the second half of json.h.
 */
#include <string.h>

#include "lib/record/json.h"

static const ErecNode *
member_of_length(const ErecNode *node, const char *key, gsize length)
{
    if (node == NULL || node->type != EREC_OBJECT)
        return NULL;
    for (const ErecNode *at = node->first; at != NULL; at = at->next)
        if (strncmp(at->key, key, length) == 0 && at->key[length] == '\0')
            return at;
    return NULL;
}

const ErecNode *
erec_member(const ErecNode *node, const char *key)
{
    return member_of_length(node, key, strlen(key));
}

const ErecNode *
erec_get(const ErecNode *node, const char *path)
{
    while (node != NULL && *path != '\0') {
        const gsize length = strcspn(path, ".");

        if (node->type == EREC_ARRAY)
            node = node->first;
        node = member_of_length(node, path, length);
        path += length + (path[length] == '.');
    }
    return node;
}

const char *
erec_text(const ErecNode *node, const char *path)
{
    const ErecNode *found = erec_get(node, path);

    if (found == NULL || found->type == EREC_OBJECT || found->type == EREC_ARRAY ||
        found->type == EREC_NULL)
        return NULL;
    return found->text;
}

gboolean
erec_text_is(const ErecNode *node, const char *path, const char *value)
{
    return g_strcmp0(erec_text(node, path), value) == 0;
}

const ErecNode *
erec_each(const ErecNode *node, const char *path)
{
    const ErecNode *found = erec_get(node, path);

    return found != NULL && found->type == EREC_ARRAY ? found->first : found;
}

/* The value itself as the only one has a key; elements have none. */
const ErecNode *
erec_each_next(const ErecNode *node)
{
    return node->key == NULL ? node->next : NULL;
}

const ErecNode *
erec_choice(const ErecNode *node, const char *name, guint *n_found)
{
    const gsize length = strlen(name);
    const ErecNode *found = NULL;
    guint n = 0;

    if (node != NULL && node->type == EREC_OBJECT) {
        for (const ErecNode *at = node->first; at != NULL; at = at->next) {
            if (strncmp(at->key, name, length) != 0 || !g_ascii_isupper(at->key[length]))
                continue;
            if (n++ == 0)
                found = at;
        }
    }
    if (n_found != NULL)
        *n_found = n;
    return found;
}

static gboolean
is_coding(const ErecNode *coding, const char *system, const char *code)
{
    return erec_text_is(coding, "code", code) &&
           (system == NULL || erec_text_is(coding, "system", system));
}

gboolean
erec_has_code(const ErecNode *node, const char *path, const char *system, const char *code)
{
    for (const ErecNode *at = erec_each(node, path); at != NULL; at = erec_each_next(at)) {
        if (is_coding(at, system, code))
            return TRUE;
        for (const ErecNode *coding = erec_each(at, "coding"); coding != NULL;
             coding = erec_each_next(coding))
            if (is_coding(coding, system, code))
                return TRUE;
    }
    return FALSE;
}

/* No deeper than EREC_DEPTH_MAX, which the scanner has seen to. */
void
erec_visit(const ErecNode *node, ErecVisit each, gpointer user_data)
{
    if (node == NULL || !each(node, user_data))
        return;
    for (const ErecNode *at = node->first; at != NULL; at = at->next)
        erec_visit(at, each, user_data);
}

static guint
index_of(const ErecNode *node)
{
    guint n = 0;

    for (const ErecNode *at = node->parent->first; at != node; at = at->next)
        n++;
    return n;
}

/* A resource is called by its type, wherever it stands. */
static void
append_path(GString *path, const ErecNode *node)
{
    const char *type = node->type == EREC_OBJECT ? erec_text(node, "resourceType") : NULL;

    if (type != NULL) {
        g_string_append(path, type);
        return;
    }
    if (node->parent != NULL)
        append_path(path, node->parent);
    if (node->key != NULL)
        g_string_append_printf(path, "%s%s", path->len > 0 ? "." : "", node->key);
    else if (node->parent != NULL)
        g_string_append_printf(path, "[%u]", index_of(node));
}

char *
erec_node_path(const ErecNode *node)
{
    GString *path = g_string_new(NULL);

    if (node != NULL)
        append_path(path, node);
    return g_string_free(path, FALSE);
}
