/* SPDX-License-Identifier: Apache-2.0
 *
 * Labels (meta.security, meta.tag): the label of a whole document often is the sum of those of
 * its entries. One that only what is left out has ("PSY") tells what that was.
 */
#include <string.h>

#include "lib/record/cut-private.h"

static const char *const lists[] = {"security", "tag"};

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
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
        for (const ErecNode *at = erec_each(erec_member(resource, "meta"), lists[i]); at != NULL;
             at = erec_each_next(at))
            each(labels, label_of(at));
}

static int
by_text(const void *a, const void *b, void *user_data)
{
    (void)user_data;
    return strcmp(a, b);
}

void
erec_cut_collect_labels(ErecCut *cut)
{
    cut->labels = g_tree_new_full(by_text, NULL, NULL, g_free);
    for (guint pass = 0; pass < 2; pass++)
        for (guint i = 1; i < erec_bundle_n_entries(cut->bundle); i++) {
            const gboolean kept = (cut->flags[i] & ENTRY_KEPT) != 0;
            g_autoptr(ErecTree) tree = NULL;

            if (kept != (pass == 1) || (pass == 1 && g_tree_nnodes(cut->labels) == 0) ||
                erec_bundle_entry(cut->bundle, i)->resource_length == 0)
                continue;
            tree = erec_bundle_load(cut->bundle, i, &cut->fault);
            if (tree == NULL)
                return;
            each_label(cut->labels, erec_tree_root(tree), pass == 0 ? add : remove_label);
        }
}

gboolean
erec_cut_drop_labels(ErecMarks *marks, const ErecNode *meta)
{
    guint left = 0;

    for (const ErecNode *member = meta != NULL ? meta->first : NULL; member != NULL;
         member = member->next) {
        guint kept = 0;

        if (!g_strv_contains((const char *const[]){"security", "tag", NULL}, member->key)) {
            left++;
            continue;
        }
        for (const ErecNode *at = erec_each(meta, member->key); at != NULL;
             at = erec_each_next(at)) {
            g_autofree char *label = label_of(at);

            if (g_tree_lookup(marks->cut->labels, label) != NULL)
                erec_marks_drop(marks, at);
            else
                kept++;
        }
        left += kept > 0;
    }
    return left > 0;
}
