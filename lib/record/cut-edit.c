/* SPDX-License-Identifier: Apache-2.0
 *
 * The edits of a cut: which bytes of the old document do not appear in the new one, and what
 * stands in their place. Everything else is copied.
 */
#include "lib/record/cut-private.h"

#include <string.h>

void
erec_cut_edit(ErecCut *cut, guint64 at, guint64 length, char *text)
{
    const ErecEdit edit = {at, length, text};

    g_array_append_val(cut->edits, edit);
}

/* A run at the front goes with the comma behind it, another one with the comma before it. */
void
erec_cut_pieces(ErecCut *cut, const ErecPiece *pieces, guint n)
{
    guint kept = 0;

    while (kept < n && pieces[kept].gone)
        kept++;
    if (n == 0)
        return;
    if (kept == n) {
        erec_cut_edit(cut, pieces[0].start, pieces[n - 1].end - pieces[0].start, NULL);
        return;
    }
    if (kept > 0)
        erec_cut_edit(cut, pieces[0].start, pieces[kept].start - pieces[0].start, NULL);
    for (guint i = kept + 1; i < n; i++) {
        if (!pieces[i].gone) {
            kept = i;
        } else if (i + 1 == n || !pieces[i + 1].gone) {
            erec_cut_edit(cut, pieces[kept].end, pieces[i].end - pieces[kept].end, NULL);
        }
    }
}

void
erec_marks_init(ErecMarks *marks, ErecCut *cut, guint index, const ErecTree *tree)
{
    *marks = (ErecMarks){
        .cut = cut,
        .index = index,
        .tree = tree,
        .gone = g_hash_table_new(NULL, NULL),
        .changed = g_hash_table_new_full(NULL, NULL, NULL, g_free),
        .added = g_hash_table_new_full(NULL, NULL, NULL, g_free),
    };
}

void
erec_marks_clear(ErecMarks *marks)
{
    g_clear_pointer(&marks->gone, g_hash_table_unref);
    g_clear_pointer(&marks->changed, g_hash_table_unref);
    g_clear_pointer(&marks->added, g_hash_table_unref);
    g_clear_pointer(&marks->problems, g_tree_unref);
}

void
erec_marks_drop(ErecMarks *marks, const ErecNode *node)
{
    if (node != NULL)
        g_hash_table_add(marks->gone, (gpointer)node);
}

void
erec_marks_drop_member(ErecMarks *marks, const ErecNode *object, const char *name)
{
    g_autofree char *extension = g_strconcat("_", name, NULL);

    erec_marks_drop(marks, erec_member(object, name));
    erec_marks_drop(marks, erec_member(object, extension));
}

void
erec_marks_change(ErecMarks *marks, const ErecNode *node, char *text)
{
    g_hash_table_insert(marks->changed, (gpointer)node, text);
}

void
erec_marks_add(ErecMarks *marks, const ErecNode *object, char *member)
{
    g_hash_table_insert(marks->added, (gpointer)object, member);
}

gboolean
erec_marks_is_gone(const ErecMarks *marks, const ErecNode *node)
{
    for (; node != NULL; node = node->parent)
        if (g_hash_table_contains(marks->gone, node))
            return TRUE;
    return FALSE;
}

/* An array or object that loses all of it goes too: FHIR has no empty ones. */
static gboolean
settle(ErecMarks *marks, const ErecNode *node)
{
    guint left = 0;

    if (g_hash_table_contains(marks->gone, node))
        return TRUE;
    if (node->first == NULL || g_hash_table_contains(marks->changed, node))
        return FALSE;
    for (const ErecNode *at = node->first; at != NULL; at = at->next)
        left += !settle(marks, at);
    if (left > 0 || g_hash_table_contains(marks->added, node))
        return FALSE;
    g_hash_table_add(marks->gone, (gpointer)node);
    return TRUE;
}

static ErecPiece
piece_of(const ErecMarks *marks, const ErecNode *node)
{
    const guint64 origin = erec_tree_origin(marks->tree);

    return (ErecPiece){
        .start = origin + (node->key != NULL ? node->key_offset : node->offset),
        .end = origin + node->offset + node->length,
        .gone = g_hash_table_contains(marks->gone, node),
    };
}

static void
emit(ErecMarks *marks, const ErecNode *node)
{
    const guint64 origin = erec_tree_origin(marks->tree);
    g_autoptr(GArray) pieces = NULL;
    char *text = NULL, *added = NULL;

    if (g_hash_table_steal_extended(marks->changed, node, NULL, (gpointer *)&text)) {
        erec_cut_edit(marks->cut, origin + node->offset, node->length, text);
        return;
    }
    if (node->first == NULL)
        return;
    pieces = g_array_new(FALSE, FALSE, sizeof(ErecPiece));
    for (const ErecNode *at = node->first; at != NULL; at = at->next) {
        const ErecPiece piece = piece_of(marks, at);

        g_array_append_val(pieces, piece);
        if (!piece.gone)
            emit(marks, at);
    }
    if (g_hash_table_steal_extended(marks->added, node, NULL, (gpointer *)&added)) {
        g_autofree char *member = added;
        gboolean follows = FALSE;

        for (guint i = 0; i < pieces->len; i++)
            follows = follows || !g_array_index(pieces, ErecPiece, i).gone;
        erec_cut_edit(marks->cut, g_array_index(pieces, ErecPiece, 0).start, 0,
                      g_strconcat(member, follows ? "," : "", NULL));
    }
    erec_cut_pieces(marks->cut, (const ErecPiece *)(void *)pieces->data, pieces->len);
}

void
erec_marks_apply(ErecMarks *marks)
{
    const ErecNode *root = erec_tree_root(marks->tree);

    if (!settle(marks, root))
        emit(marks, root);
}
