/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels (meta.security, meta.tag): the label of a whole document often is the sum of those of
 * its entries. One that only what is left out has ("PSY") tells what that was.
 */
#include <string.h>

#include "lib/record/cut-private.h"

static const char *const lists[] = {"security", "tag", NULL};

/* Transfer full. */
static char *
label_of(const ErecNode *coding)
{
    const char *system = erec_text(coding, "system"), *code = erec_text(coding, "code");

    return g_strdup_printf("%s|%s", system != NULL ? system : "", code != NULL ? code : "");
}

typedef void (*OnLabel)(GTree *labels, char *label);

static void
add(GTree *labels, char *label)
{
    g_tree_replace(labels, label, label);
}

static void
remove_label(GTree *labels, char *label)
{
    g_tree_remove(labels, label);
    g_free(label);
}

static void
each_label(GTree *labels, const ErecNode *resource, OnLabel each)
{
    const ErecNode *meta = erec_member(resource, "meta");

    for (const char *const *list = lists; *list != NULL; list++)
        for (const ErecNode *at = erec_each(meta, *list); at != NULL; at = erec_each_next(at))
            each(labels, label_of(at));
}

static int
by_text(const void *a, const void *b, void *user_data)
{
    (void)user_data;
    return strcmp(a, b);
}

void
erec_cut_add_labels(ErecCut *cut, const ErecNode *resource)
{
    if (cut->labels == NULL)
        cut->labels = g_tree_new_full(by_text, NULL, NULL, g_free);
    each_label(cut->labels, resource, add);
}

void
erec_cut_remove_labels(ErecCut *cut, const ErecNode *resource)
{
    if (cut->labels != NULL && g_tree_nnodes(cut->labels) > 0)
        each_label(cut->labels, resource, remove_label);
}

gboolean
erec_cut_drop_labels(ErecMarks *marks, const ErecNode *meta)
{
    guint left = 0;

    for (const ErecNode *member = meta != NULL ? meta->first : NULL; member != NULL;
         member = member->next) {
        guint kept = 0;

        if (!g_strv_contains(lists, member->key)) {
            left++;
            continue;
        }
        for (const ErecNode *at = erec_each(meta, member->key); at != NULL;
             at = erec_each_next(at)) {
            g_autofree char *label = label_of(at);

            if (marks->cut->labels != NULL && g_tree_lookup(marks->cut->labels, label) != NULL)
                erec_marks_drop(marks, at);
            else
                kept++;
        }
        left += kept > 0;
    }
    return left > 0;
}
