/* SPDX-License-Identifier: Apache-2.0
 *
 * See cut.h: the order of a cut, and its writing.
 */
#include "lib/record/cut.h"

#include <stdlib.h>
#include <string.h>

#include "lib/record/cut-private.h"

/* What the bundle itself loses: the old signature, addresses of where it came from, an id. */
static gboolean
is_dropped_member(const char *key)
{
    static const char *const keys[] = {"signature", "id", "_id", "link", NULL};

    return g_strv_contains(keys, key);
}

/* Where the name of the "entry" member begins, which the index does not keep: behind `from`
 * there are only a comma and white space before it. */
static guint64
start_of_entry_member(const ErecCut *cut, guint64 from, guint64 array)
{
    char window[256];
    const gssize n = erec_source_read(erec_bundle_source(cut->bundle), from, window,
                                      (gsize)MIN(array - from, sizeof window));

    for (gssize i = 0; i < n; i++)
        if (window[i] == '"')
            return from + (guint64)i;
    return array;
}

static int
by_start(const void *a, const void *b)
{
    const ErecPiece *left = a, *right = b;

    return (left->start > right->start) - (left->start < right->start);
}

/* The labels of the whole; FALSE: nothing of them is left. */
static gboolean
cut_meta(ErecCut *cut)
{
    g_autoptr(ErecTree) tree = erec_bundle_load_member(cut->bundle, "meta", &cut->fault);
    g_auto(ErecMarks) marks = {0};

    if (tree == NULL || erec_tree_root(tree)->type != EREC_OBJECT)
        return TRUE;
    erec_marks_init(&marks, cut, 0, tree);
    if (!erec_cut_drop_labels(&marks, erec_tree_root(tree)))
        return FALSE;
    erec_marks_apply(&marks);
    return TRUE;
}

static void
cut_members(ErecCut *cut)
{
    const guint n = erec_bundle_n_members(cut->bundle);
    g_autofree ErecPiece *pieces = g_new0(ErecPiece, n + 1);
    guint64 array, length;
    guint at = 0;

    erec_bundle_entries_slice(cut->bundle, &array, &length);
    for (guint i = 0; i < n; i++) {
        const ErecMember *member = erec_bundle_member(cut->bundle, i);

        pieces[i] = (ErecPiece){member->key_offset, member->offset + member->length,
                                is_dropped_member(member->key) ||
                                    (strcmp(member->key, "meta") == 0 && !cut_meta(cut))};
        if (strcmp(member->key, "identifier") == 0)
            erec_cut_edit(cut, member->offset, member->length, g_strdup(cut->identifier));
    }
    pieces[n] = (ErecPiece){array, array + length, FALSE};
    qsort(pieces, n + 1, sizeof *pieces, by_start);
    while (at < n && pieces[at].start != array)
        at++;
    if (at > 0)
        pieces[at].start = start_of_entry_member(cut, pieces[at - 1].end, array);
    erec_cut_pieces(cut, pieces, n + 1);
}

static void
cut_entries(ErecCut *cut)
{
    const guint n = erec_bundle_n_entries(cut->bundle);
    g_autofree ErecPiece *pieces = g_new0(ErecPiece, n);

    for (guint i = 0; i < n; i++) {
        const ErecEntry *entry = erec_bundle_entry(cut->bundle, i);

        pieces[i] = (ErecPiece){entry->offset, entry->offset + entry->length,
                                (cut->flags[i] & ENTRY_KEPT) == 0};
        if (i > 0 && !pieces[i].gone && cut->fault.code == EREC_FAULT_OK)
            erec_cut_resource(cut, i);
    }
    erec_cut_pieces(cut, pieces, n);
}

/* An insertion stands before what replaces the bytes that follow it. */
static int
by_place(const void *a, const void *b)
{
    const ErecEdit *left = a, *right = b;

    if (left->at != right->at)
        return left->at < right->at ? -1 : 1;
    return (left->length > right->length) - (left->length < right->length);
}

static gboolean
make(ErecCut *cut)
{
    cut->composition = erec_bundle_load(cut->bundle, 0, &cut->fault);
    if (cut->composition == NULL)
        return FALSE;
    erec_cut_graph(cut);
    if (cut->fault.code != EREC_FAULT_OK)
        return FALSE;
    if (cut->verdict == EREC_CUT_DONE && !cut->any)
        cut->verdict = EREC_CUT_NOTHING;
    if (cut->verdict != EREC_CUT_DONE)
        return TRUE;
    erec_cut_collect_words(cut);
    if (cut->fault.code != EREC_FAULT_OK)
        return FALSE;
    erec_cut_composition(cut);
    cut_entries(cut);
    cut_members(cut);
    g_array_sort(cut->edits, by_place);
    return cut->fault.code == EREC_FAULT_OK;
}

static void
clear_edit(gpointer edit)
{
    g_free(((ErecEdit *)edit)->text);
}

static gboolean
is_document(const ErecBundle *bundle)
{
    return g_strcmp0(erec_bundle_type(bundle), "document") == 0 &&
           erec_bundle_n_entries(bundle) > 0 &&
           g_strcmp0(erec_bundle_entry(bundle, 0)->type, "Composition") == 0;
}

ErecCut *
erec_cut_new(const ErecBundle *bundle, const ErecCutChoice *choice, const char *identifier)
{
    ErecCut *self = g_new0(ErecCut, 1);

    self->bundle = bundle;
    self->choice = choice;
    self->names = g_ptr_array_new_with_free_func(g_free);
    self->edits = g_array_new(FALSE, FALSE, sizeof(ErecEdit));
    g_array_set_clear_func(self->edits, clear_edit);
    self->links = g_array_new(FALSE, FALSE, sizeof(ErecLink));
    self->flags = g_new0(guint8, erec_bundle_n_entries(bundle) + 1);
    self->identifier =
        g_strdup_printf("{\"system\":\"urn:ietf:rfc:3986\",\"value\":\"%s\"}", identifier);
    if (!is_document(bundle))
        self->verdict = EREC_CUT_NOT_DOCUMENT;
    else if (!make(self))
        self->verdict = EREC_CUT_UNSOUND;
    g_ptr_array_add(self->names, NULL);
    g_clear_pointer(&self->composition, erec_tree_free);
    g_clear_pointer(&self->words, erec_words_free);
    g_clear_pointer(&self->labels, g_tree_unref);
    self->choice = NULL;
    return self;
}

void
erec_cut_free(ErecCut *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->names);
    g_array_unref(self->edits);
    g_array_unref(self->links);
    g_free(self->flags);
    g_free(self->identifier);
    g_free(self);
}

ErecCutVerdict
erec_cut_verdict(const ErecCut *self)
{
    return self->verdict;
}

const ErecFault *
erec_cut_fault(const ErecCut *self)
{
    return &self->fault;
}

const char *const *
erec_cut_names(const ErecCut *self)
{
    return (const char *const *)self->names->pdata;
}

gboolean
erec_cut_has_entry(const ErecCut *self, guint index)
{
    return (self->flags[index] & ENTRY_KEPT) != 0;
}

static gboolean
copy(const ErecCut *self, GOutputStream *out, guint64 from, guint64 to, GError **error)
{
    g_autofree char *window = g_malloc(EREC_WINDOW);

    while (from < to) {
        const gsize want = (gsize)MIN(to - from, EREC_WINDOW);

        if (erec_source_read(erec_bundle_source(self->bundle), from, window, want) !=
            (gssize)want) {
            g_set_error_literal(error, G_IO_ERROR, G_IO_ERROR_FAILED,
                                erec_fault_text(EREC_FAULT_READ));
            return FALSE;
        }
        if (!g_output_stream_write_all(out, window, want, NULL, NULL, error))
            return FALSE;
        from += want;
    }
    return TRUE;
}

gboolean
erec_cut_write(const ErecCut *self, GOutputStream *out, GError **error)
{
    guint64 at = 0;

    g_return_val_if_fail(self->verdict == EREC_CUT_DONE, FALSE);

    for (guint i = 0; i < self->edits->len; i++) {
        const ErecEdit *edit = &g_array_index(self->edits, ErecEdit, i);

        if (!copy(self, out, at, edit->at, error) ||
            (edit->text != NULL && !g_output_stream_write_all(
                                       out, edit->text, strlen(edit->text), NULL, NULL, error)))
            return FALSE;
        at = edit->at + edit->length;
    }
    return copy(self, out, at, erec_source_size(erec_bundle_source(self->bundle)), error);
}
