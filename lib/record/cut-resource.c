/* SPDX-License-Identifier: Apache-2.0
 *
 * What a resource that stays loses: what points to something that is not there any more, what
 * talks about it, and a narrative that may.
 */
#include <string.h>

#include "lib/record/cut-private.h"

static gboolean
is_resource(const ErecNode *node)
{
    return node->type == EREC_OBJECT && erec_member(node, "resourceType") != NULL;
}

static gboolean
is_section(const ErecNode *node)
{
    return node->type == EREC_OBJECT && node->parent != NULL &&
           g_strcmp0(node->parent->key, "section") == 0;
}

/* What goes with a reference: the extension that holds it; else the element of its resource
 * that it stands in, whole, for the rest of that speaks of the same thing. */
static const ErecNode *
unit_of(const ErecNode *reference)
{
    const ErecNode *below = reference, *node = reference->parent;

    for (; node->parent != NULL; below = node, node = node->parent) {
        const ErecNode *around = node->parent;

        if (around->type == EREC_ARRAY && g_strcmp0(around->key, "extension") == 0)
            return node;
        if (is_resource(around) || is_section(around))
            return node->type == EREC_ARRAY ? below : node;
    }
    return below;
}

typedef struct {
    ErecMarks *marks;
    gboolean found;
} Drop;

static gboolean
leads_to_kept(const Drop *drop, const ErecNode *mention)
{
    const ErecCut *cut = drop->marks->cut;
    const ErecNode *reference = erec_member(mention, "reference");
    guint to;

    return reference != NULL && erec_cut_resolve(cut, drop->marks->index, reference, &to) &&
           (cut->flags[to] & ENTRY_KEPT) != 0;
}

/* Ids of the problems that are contained here and left out. */
static GTree *
inner_problems(ErecMarks *marks)
{
    if (marks->problems != NULL)
        return marks->problems;
    marks->problems = g_tree_new((GCompareFunc)strcmp);
    for (const ErecNode *at = erec_each(erec_tree_root(marks->tree), "contained"); at != NULL;
         at = erec_each_next(at)) {
        const char *id = erec_text(at, "id");

        if (id != NULL && erec_cut_is_inner_problem(at) &&
            erec_words_are_in(marks->cut->words, at))
            g_tree_insert(marks->problems, (gpointer)id, (gpointer)id);
    }
    return marks->problems;
}

/* "because of #p", and what is contained there as #p is a problem that is left out. */
static gboolean
leads_to_inner_problem(const Drop *drop, const ErecNode *node)
{
    return node->type == EREC_STRING && g_strcmp0(node->key, "reference") == 0 &&
           *node->text == '#' &&
           g_tree_lookup(inner_problems(drop->marks), node->text + 1) != NULL;
}

static gboolean
drop_reference(const ErecNode *node, gpointer user_data)
{
    Drop *drop = user_data;
    const ErecCut *cut = drop->marks->cut;
    guint to;

    /* "because of: psoriasis", without saying where that is */
    if (erec_cut_is_mention(node) && !leads_to_kept(drop, node) &&
        erec_words_are_in(cut->words, node)) {
        erec_marks_drop(drop->marks, unit_of(node->first));
        drop->found = TRUE;
        return FALSE;
    }
    if (!leads_to_inner_problem(drop, node) &&
        (!erec_cut_resolve(cut, drop->marks->index, node, &to) ||
         (cut->flags[to] & ENTRY_KEPT) != 0 || to == drop->marks->index))
        return TRUE;
    erec_marks_drop(drop->marks, unit_of(node));
    drop->found = TRUE;
    return TRUE;
}

gboolean
erec_cut_drop_references(ErecMarks *marks, const ErecNode *resource)
{
    Drop drop = {marks, FALSE};

    erec_visit(resource, drop_reference, &drop);
    return drop.found;
}

/* --- contained resources
 * ----------------------------------------------------------------------- */

typedef struct {
    const ErecMarks *marks;
    GTree *by_id; /* owned: id → USED, and STILL if something that stays uses it */
} Uses;

enum { USED = 1, STILL = 2 };

static gboolean
note_use(const ErecNode *node, gpointer user_data)
{
    Uses *uses = user_data;
    guint bits = USED;

    if (node->type != EREC_STRING || g_strcmp0(node->key, "reference") != 0 ||
        *node->text != '#')
        return TRUE;
    bits |= erec_marks_is_gone(uses->marks, node) ? 0 : STILL;
    bits |= GPOINTER_TO_UINT(g_tree_lookup(uses->by_id, node->text + 1));
    g_tree_insert(uses->by_id, (gpointer)(node->text + 1), GUINT_TO_POINTER(bits));
    return TRUE;
}

static gboolean
drop_unused(ErecMarks *marks, const ErecNode *root)
{
    Uses uses = {marks, g_tree_new((GCompareFunc)strcmp)};
    gboolean any = FALSE;

    erec_visit(root, note_use, &uses);
    for (const ErecNode *at = erec_each(root, "contained"); at != NULL;
         at = erec_each_next(at)) {
        const char *id = erec_text(at, "id");

        if (id == NULL || erec_marks_is_gone(marks, at) ||
            GPOINTER_TO_UINT(g_tree_lookup(uses.by_id, id)) != USED)
            continue;
        erec_marks_drop(marks, at);
        any = TRUE;
    }
    g_tree_unref(uses.by_id);
    return any;
}

/* Contained resources may refer to each other; real ones do so once. */
#define ROUNDS_MAX 4

/* A contained resource that only something dropped referred to. */
static void
drop_contained(ErecMarks *marks, const ErecNode *root)
{
    for (guint n = 0; n < ROUNDS_MAX && erec_member(root, "contained") != NULL; n++)
        if (!drop_unused(marks, root))
            return;
}

/* --- what talks
 * -------------------------------------------------------------------------------- */

/* Each note by itself, wherever it stands (of a reaction, of a dose): those that tell nothing
 * stay. */
static gboolean
drop_telling(const ErecNode *node, gpointer user_data)
{
    ErecMarks *marks = user_data;

    if (!erec_cut_is_talk(node->key))
        return TRUE;
    if (node->type != EREC_ARRAY && erec_words_are_in(marks->cut->words, node))
        erec_marks_drop(marks, node);
    for (const ErecNode *one = node->type == EREC_ARRAY ? node->first : NULL; one != NULL;
         one = one->next)
        if (erec_words_are_in(marks->cut->words, one))
            erec_marks_drop(marks, one);
    return FALSE;
}

static void
drop_talk(ErecMarks *marks, const ErecNode *resource, gboolean all)
{
    for (const ErecNode *at = resource->first; all && at != NULL; at = at->next)
        if (erec_cut_is_talk(at->key))
            erec_marks_drop(marks, at);
    erec_visit(resource, drop_telling, marks);
}

static void
renew_narrative(ErecMarks *marks, const ErecNode *resource, gboolean touched)
{
    const ErecNode *text = erec_member(resource, "text");
    const char *div = erec_text(text, "div");
    char *anew;

    if (text == NULL || text->type != EREC_OBJECT ||
        (!touched && div != NULL && !erec_words_are_in_narrative(marks->cut->words, div)))
        return;
    anew = erec_cut_narrative_of_resource(marks->cut, marks->index, resource);
    if (anew != NULL)
        erec_marks_change(marks, text, anew);
    else
        erec_marks_drop(marks, text);
}

void
erec_cut_resource(ErecCut *cut, guint index)
{
    g_autoptr(ErecTree) tree = erec_bundle_load(cut->bundle, index, &cut->fault);
    g_auto(ErecMarks) marks = {0};
    gboolean touched = (cut->flags[index] & ENTRY_TOUCHED) != 0, pointed;
    const ErecNode *root;

    if (tree == NULL)
        return;
    root = erec_tree_root(tree);
    erec_marks_init(&marks, cut, index, tree);
    pointed = erec_cut_drop_references(&marks, root);
    touched = touched || pointed;
    drop_talk(&marks, root, pointed);
    for (const ErecNode *at = erec_each(root, "contained"); at != NULL;
         at = erec_each_next(at)) {
        if (at->type != EREC_OBJECT)
            continue;
        drop_talk(&marks, at, pointed);
        renew_narrative(&marks, at, touched);
    }
    drop_contained(&marks, root);
    renew_narrative(&marks, root, touched);
    erec_marks_apply(&marks);
}
