/* SPDX-License-Identifier: Apache-2.0
 *
 * Which entries of a document go: those chosen, those that are a part of them or mean nothing
 * without them, and those that nothing refers to any more.
 */
#include <string.h>

#include "lib/record/category.h"
#include "lib/record/cut-private.h"

/* --- references
 * -------------------------------------------------------------------------------- */

gboolean
erec_cut_resolve(const ErecCut *cut, guint from, const ErecNode *node, guint *to)
{
    static const char *const keys[] = {
        "reference", "url", "uri", "valueUri", "valueUrl", "valueCanonical", "valueUuid", NULL};

    if (node->type != EREC_STRING || node->key == NULL || !g_strv_contains(keys, node->key))
        return FALSE;
    switch (erec_bundle_resolve(cut->bundle, from, node->text, to)) {
    case EREC_RESOLVE_ENTRY:
    case EREC_RESOLVE_BY_ID:
    case EREC_RESOLVE_AMBIGUOUS:
        return TRUE;
    case EREC_RESOLVE_CONTAINED:
    case EREC_RESOLVE_NONE:
        break;
    }
    return FALSE;
}

/* What a resource cannot be without: what is taken, whose it is, and a modifier that nobody may
 * leave away. */
static gboolean
is_demand(const ErecNode *node)
{
    static const char *const keys[] = {"medicationReference", "subject", "patient", "target",
                                       NULL};
    const ErecNode *reference = node->parent, *root = reference;

    while (root->parent != NULL) {
        if (g_strcmp0(root->key, "modifierExtension") == 0)
            return TRUE;
        root = root->parent;
    }
    if (reference->key == NULL)
        reference = reference->parent;
    if (reference == NULL || reference->parent != root || reference->key == NULL)
        return FALSE;
    return g_strv_contains(keys, reference->key) ||
           (strcmp(reference->key, "device") == 0 &&
            erec_text_is(root, "resourceType", "DeviceUseStatement"));
}

static gboolean
is_part(const ErecNode *node)
{
    const ErecNode *reference = node->parent;

    if (reference->key == NULL && reference->parent != NULL)
        reference = reference->parent;
    return g_strcmp0(reference->key, "result") == 0 ||
           g_strcmp0(reference->key, "hasMember") == 0;
}

typedef struct {
    ErecCut *cut;
    guint from;
} Walk;

static gboolean
add_link(const ErecNode *node, gpointer user_data)
{
    const Walk *walk = user_data;
    ErecLink link = {.from = walk->from};

    if (!erec_cut_resolve(walk->cut, walk->from, node, &link.to) || link.to == link.from)
        return TRUE;
    link.kind = is_demand(node) ? LINK_DEMAND : is_part(node) ? LINK_PART : LINK_PLAIN;
    g_array_append_val(walk->cut->links, link);
    return TRUE;
}

static gboolean
collect_links(ErecCut *cut)
{
    for (guint i = 1; i < erec_bundle_n_entries(cut->bundle); i++) {
        g_autoptr(ErecTree) tree = NULL;

        if (erec_bundle_entry(cut->bundle, i)->resource_length == 0)
            continue;
        tree = erec_bundle_load(cut->bundle, i, &cut->fault);
        if (tree == NULL)
            return FALSE;
        erec_visit(erec_tree_root(tree), add_link, &(Walk){cut, i});
    }
    return TRUE;
}

/* --- sections
 * ---------------------------------------------------------------------------------- */

gboolean
erec_cut_section_is_named(const ErecNode *section, const char *const *names)
{
    for (; names != NULL && *names != NULL; names++)
        if (erec_has_code(section, "code", NULL, *names) ||
            erec_text_is(section, "title", *names))
            return TRUE;
    return FALSE;
}

gboolean
erec_cut_section_is_gone(const ErecCut *cut, const ErecNode *section)
{
    return erec_cut_section_is_named(section, cut->choice->sections);
}

typedef void (*OnSection)(ErecCut *cut, const ErecNode *section, gboolean gone);

/* Sections within sections too; what is within one that is left out is left out. */
static void
each_section(ErecCut *cut, const ErecNode *parent, gboolean gone, OnSection each)
{
    for (const ErecNode *at = erec_each(parent, "section"); at != NULL;
         at = erec_each_next(at)) {
        const gboolean this_gone = gone || erec_cut_section_is_gone(cut, at);

        each(cut, at, this_gone);
        each_section(cut, at, this_gone, each);
    }
}

static void
flag(ErecCut *cut, guint index, guint8 flags)
{
    cut->flags[index] |= flags;
}

static void
remove_section(ErecCut *cut, const ErecNode *section, gboolean gone)
{
    cut->any = cut->any || gone;
    for (const ErecNode *at = erec_each(section, "entry"); gone && at != NULL;
         at = erec_each_next(at)) {
        const ErecNode *reference = erec_member(at, "reference");
        guint to;

        if (reference != NULL && erec_cut_resolve(cut, 0, reference, &to) &&
            (cut->flags[to] & ENTRY_NEEDED) == 0)
            flag(cut, to, ENTRY_REMOVED);
    }
}

static gboolean
is_of_category(const ErecCut *cut, guint index)
{
    g_autoptr(ErecTree) tree = erec_bundle_load(cut->bundle, index, NULL);

    return tree != NULL &&
           g_strv_contains(cut->choice->categories, erec_category_of(erec_tree_root(tree)));
}

static void
remove_category(ErecCut *cut, const ErecNode *section, gboolean gone)
{
    for (const ErecNode *at = erec_each(section, "entry"); at != NULL;
         at = erec_each_next(at)) {
        const ErecNode *reference = erec_member(at, "reference");
        guint to;

        if (reference != NULL && erec_cut_resolve(cut, 0, reference, &to) &&
            (cut->flags[to] & ENTRY_NEEDED) == 0 && is_of_category(cut, to))
            flag(cut, to, ENTRY_REMOVED);
    }
}

static void
list_section(ErecCut *cut, const ErecNode *section, gboolean gone)
{
    for (const ErecNode *at = erec_each(section, "entry"); !gone && at != NULL;
         at = erec_each_next(at)) {
        const ErecNode *reference = erec_member(at, "reference");
        guint to;

        if (reference != NULL && erec_cut_resolve(cut, 0, reference, &to))
            flag(cut, to, ENTRY_LISTED);
    }
}

/* --- what is chosen
 * ---------------------------------------------------------------------------- */

static gboolean
find_named(const ErecCut *cut, const char *name, guint *index)
{
    g_auto(GStrv) parts = NULL;

    if (erec_bundle_find_url(cut->bundle, name, index) > 0)
        return TRUE;
    parts = g_strsplit(name, "/", 3);
    return g_strv_length(parts) == 2 &&
           erec_bundle_find_id(cut->bundle, parts[0], parts[1], index);
}

static void
remove_named(ErecCut *cut)
{
    for (const char *const *name = cut->choice->entries; name != NULL && *name != NULL;
         name++) {
        guint index;

        if (!find_named(cut, *name, &index))
            continue;
        if (index == 0 || (cut->flags[index] & ENTRY_NEEDED) != 0) {
            cut->verdict = EREC_CUT_NEEDED;
            g_ptr_array_add(cut->names, g_strdup(*name));
            continue;
        }
        flag(cut, index, ENTRY_REMOVED);
    }
}

/* Whose summary it is, and who answers for it. */
static void
find_needed(ErecCut *cut)
{
    static const char *const paths[] = {"subject", "author"};
    const ErecNode *root = erec_tree_root(cut->composition);

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
        for (const ErecNode *at = erec_each(root, paths[i]); at != NULL;
             at = erec_each_next(at)) {
            const ErecNode *reference = erec_member(at, "reference");
            guint to;

            if (reference != NULL && erec_cut_resolve(cut, 0, reference, &to))
                flag(cut, to, ENTRY_NEEDED);
        }
}

/* --- what goes with it
 * ------------------------------------------------------------------------- */

static int
by_from(const void *a, const void *b)
{
    const ErecLink *left = a, *right = b;

    return (left->from > right->from) - (left->from < right->from);
}

static const ErecLink *
links_of(const ErecCut *cut, guint from, guint *n)
{
    const ErecLink *links = (const ErecLink *)(void *)cut->links->data;
    guint low = 0, high = cut->links->len;

    while (low < high) {
        const guint middle = low + (high - low) / 2;
        if (links[middle].from < from)
            low = middle + 1;
        else
            high = middle;
    }
    *n = 0;
    while (low + *n < cut->links->len && links[low + *n].from == from)
        (*n)++;
    return *n > 0 ? links + low : NULL; /* without any there is no address to add to */
}

static void
push_if_new(ErecCut *cut, GArray *queue, guint index, guint8 mark)
{
    if ((cut->flags[index] & mark) != 0)
        return;
    flag(cut, index, mark);
    g_array_append_val(queue, index);
}

/* Parts of what is removed, unless a section that stays lists them too. */
static void
spread_parts(ErecCut *cut, GArray *queue)
{
    while (queue->len > 0) {
        const guint from = g_array_index(queue, guint, queue->len - 1);
        guint n;
        const ErecLink *links = links_of(cut, from, &n);

        g_array_set_size(queue, queue->len - 1);
        for (guint i = 0; i < n; i++)
            if (links[i].kind == LINK_PART &&
                (cut->flags[links[i].to] & (ENTRY_LISTED | ENTRY_NEEDED)) == 0)
                push_if_new(cut, queue, links[i].to, ENTRY_REMOVED);
    }
}

static int
by_to(const void *a, const void *b)
{
    const ErecLink *left = a, *right = b;

    return (left->to > right->to) - (left->to < right->to);
}

/* What cannot be without it. Backwards, over the links sorted by where they lead. */
static void
spread_demands(ErecCut *cut, GArray *queue)
{
    const guint n = erec_bundle_n_entries(cut->bundle);
    g_autofree guint *first = g_new0(guint, n + 1);
    g_autoptr(GArray) back = g_array_new(FALSE, FALSE, sizeof(ErecLink));

    for (guint i = 0; i < cut->links->len; i++)
        if (g_array_index(cut->links, ErecLink, i).kind == LINK_DEMAND)
            g_array_append_val(back, g_array_index(cut->links, ErecLink, i));
    g_array_sort(back, by_to);
    for (guint i = 0; i < back->len; i++)
        first[g_array_index(back, ErecLink, i).to + 1]++;
    for (guint i = 0; i < n; i++)
        first[i + 1] += first[i];
    while (queue->len > 0) {
        const guint to = g_array_index(queue, guint, queue->len - 1);

        g_array_set_size(queue, queue->len - 1);
        for (guint i = first[to]; i < first[to + 1]; i++) {
            const guint from = g_array_index(back, ErecLink, i).from;
            if ((cut->flags[from] & ENTRY_NEEDED) == 0)
                push_if_new(cut, queue, from, ENTRY_REMOVED);
        }
    }
}

static GArray *
removed(const ErecCut *cut)
{
    GArray *queue = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 0; i < erec_bundle_n_entries(cut->bundle); i++)
        if ((cut->flags[i] & ENTRY_REMOVED) != 0)
            g_array_append_val(queue, i);
    return queue;
}

/* A statement about the origin of what is no longer the same is kept by the patient. */
static void
remove_provenance(ErecCut *cut)
{
    for (gint at = erec_bundle_find_type(cut->bundle, "Provenance", 0); at > 0;
         at = erec_bundle_find_type(cut->bundle, "Provenance", (guint)at + 1))
        flag(cut, (guint)at, ENTRY_REMOVED);
}

/* --- what stays
 * -------------------------------------------------------------------------------- */

static gboolean
reach_node(const ErecNode *node, gpointer user_data)
{
    ErecCut *cut = user_data;
    guint to;

    if (g_strcmp0(node->key, "section") == 0 || g_strcmp0(node->key, "attester") == 0 ||
        g_strcmp0(node->key, "relatesTo") == 0)
        return FALSE;
    if (erec_cut_resolve(cut, 0, node, &to) && (cut->flags[to] & ENTRY_REMOVED) == 0)
        flag(cut, to, ENTRY_KEPT);
    return TRUE;
}

static void
reach_section(ErecCut *cut, const ErecNode *section, gboolean gone)
{
    for (const ErecNode *at = section->first; !gone && at != NULL; at = at->next)
        if (strcmp(at->key, "section") != 0)
            erec_visit(at, reach_node, cut);
}

/* Gives `mark` to all that those who have it lead to, by any link or only to their parts, but
 * to none that has `barred`. */
static void
spread(ErecCut *cut, guint8 mark, guint8 barred, gboolean parts_only)
{
    g_autoptr(GArray) queue = g_array_new(FALSE, FALSE, sizeof(guint));

    for (guint i = 1; i < erec_bundle_n_entries(cut->bundle); i++)
        if ((cut->flags[i] & mark) != 0)
            g_array_append_val(queue, i);
    while (queue->len > 0) {
        const guint from = g_array_index(queue, guint, queue->len - 1);
        guint n;
        const ErecLink *links = links_of(cut, from, &n);

        g_array_set_size(queue, queue->len - 1);
        for (guint i = 0; i < n; i++)
            if ((cut->flags[links[i].to] & barred) == 0 &&
                (!parts_only || links[i].kind == LINK_PART))
                push_if_new(cut, queue, links[i].to, mark);
    }
}

/* What shared a section with something that went, and the parts of it. */
static void
touch_section(ErecCut *cut, const ErecNode *section, gboolean gone)
{
    gboolean touched = FALSE;
    guint to;

    for (guint pass = 0; pass < 2 && !gone; pass++)
        for (const ErecNode *at = erec_each(section, "entry"); at != NULL;
             at = erec_each_next(at)) {
            const ErecNode *reference = erec_member(at, "reference");

            if (reference == NULL || !erec_cut_resolve(cut, 0, reference, &to))
                continue;
            if (pass == 0)
                touched = touched || (cut->flags[to] & ENTRY_REMOVED) != 0;
            else if (touched)
                flag(cut, to, ENTRY_TOUCHED);
        }
}

static void
remove_chosen(ErecCut *cut, const ErecNode *root)
{
    find_needed(cut);
    each_section(cut, root, FALSE, remove_section);
    each_section(cut, root, FALSE, list_section);
    if (cut->choice->categories != NULL)
        each_section(cut, root, FALSE, remove_category);
    remove_named(cut);
}

/* Several entries of one address cannot be told apart by what refers to them. */
static gboolean
has_unique_urls(ErecCut *cut)
{
    for (guint i = 0; i < erec_bundle_n_entries(cut->bundle); i++) {
        const ErecEntry *entry = erec_bundle_entry(cut->bundle, i);
        guint first;

        if (entry->full_url != NULL &&
            erec_bundle_find_url(cut->bundle, entry->full_url, &first) > 1)
            return erec_fault_set(&cut->fault, EREC_FAULT_DUPLICATE, entry->offset);
    }
    return TRUE;
}

void
erec_cut_graph(ErecCut *cut)
{
    const ErecNode *root = erec_tree_root(cut->composition);
    GArray *queue;

    if (!has_unique_urls(cut) || !collect_links(cut))
        return;
    g_array_sort(cut->links, by_from);
    remove_chosen(cut, root);
    queue = removed(cut);
    cut->any = cut->any || queue->len > 0;
    spread_parts(cut, queue);
    g_array_unref(queue);
    if (!cut->any || cut->verdict != EREC_CUT_DONE)
        return;
    remove_provenance(cut);
    queue = removed(cut);
    spread_demands(cut, queue);
    g_array_unref(queue);
    cut->flags[0] |= ENTRY_KEPT;
    erec_visit(root, reach_node, cut);
    each_section(cut, root, FALSE, reach_section);
    spread(cut, ENTRY_KEPT, ENTRY_REMOVED, FALSE);
    each_section(cut, root, FALSE, touch_section);
    spread(cut, ENTRY_TOUCHED, 0, TRUE);
}
