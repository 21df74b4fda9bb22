/* SPDX-License-Identifier: Apache-2.0
 *
 * The Composition of a cut document: sections, their narratives and reasons, and what may not
 * be claimed of it any more.
 */
#include <string.h>

#include "lib/record/cut-private.h"

#define UNAVAILABLE                                                                            \
    "{\"coding\":[{\"system\":\"http://terminology.hl7.org/CodeSystem/list-empty-reason\","    \
    "\"code\":\"unavailable\",\"display\":\"Unavailable\"}]}"

/* A patient summary is none without them: problems, allergies, medications. */
static gboolean
is_required(const ErecNode *section)
{
    static const char *const codes[] = {"11450-4", "48765-2", "10160-0", NULL};

    for (const char *const *code = codes; *code != NULL; code++)
        if (erec_has_code(section, "code", NULL, *code))
            return TRUE;
    return FALSE;
}

static guint
n_kept(const ErecCut *cut, const ErecNode *section, guint *n_lost)
{
    guint kept = 0, to;

    *n_lost = 0;
    for (const ErecNode *at = erec_each(section, "entry"); at != NULL;
         at = erec_each_next(at)) {
        const ErecNode *reference = erec_member(at, "reference");

        if (reference != NULL && erec_cut_resolve(cut, 0, reference, &to) &&
            (cut->flags[to] & ENTRY_KEPT) == 0)
            (*n_lost)++;
        else
            kept++;
    }
    return kept;
}

static gboolean
loses_all(const ErecCut *cut, const ErecNode *section)
{
    guint lost;
    const guint kept = n_kept(cut, section, &lost);

    return erec_cut_section_is_gone(cut, section) || (lost > 0 && kept == 0);
}

gboolean
erec_cut_section_vanishes(const ErecCut *cut, const ErecNode *section)
{
    return loses_all(cut, section) && !is_required(section) &&
           (erec_member(section, "section") == NULL || erec_cut_section_is_gone(cut, section));
}

static void
renew_text(ErecMarks *marks, const ErecNode *section)
{
    const ErecNode *text = erec_member(section, "text");

    if (text != NULL)
        erec_marks_change(marks, text, erec_cut_narrative_of_section(marks->cut, section));
}

/* Only its title, code, and that it is unavailable. */
static void
empty_section(ErecMarks *marks, const ErecNode *section)
{
    static const char *const keep[] = {"title", "_title", "code", "text", "id", NULL};
    const ErecNode *text = erec_member(section, "text");

    for (const ErecNode *at = section->first; at != NULL; at = at->next)
        if (!g_strv_contains(keep, at->key))
            erec_marks_drop(marks, at);
    erec_marks_add(marks, section, g_strdup("\"emptyReason\":" UNAVAILABLE));
    if (text != NULL)
        erec_marks_change(
            marks, text,
            g_strdup("{\"status\":\"generated\",\"div\":\"<div "
                     "xmlns=\\\"http://www.w3.org/1999/xhtml\\\">Unavailable</div>\"}"));
}

/* Text, and nothing that could be cut. */
static gboolean
is_text_alone(const ErecNode *section)
{
    return erec_member(section, "text") != NULL && erec_each(section, "entry") == NULL &&
           erec_member(section, "section") == NULL &&
           erec_member(section, "emptyReason") == NULL;
}

static void
check_decided(ErecCut *cut, const ErecNode *section)
{
    const char *const *texts = cut->choice->texts;
    const char *name = erec_text(section, "code.coding.code");

    if (!is_text_alone(section) || erec_cut_section_is_named(section, texts) ||
        (texts != NULL && g_strv_contains(texts, "*")))
        return;
    if (name == NULL)
        name = erec_text(section, "title");
    cut->verdict = EREC_CUT_UNDECIDED;
    g_ptr_array_add(cut->names, g_strdup(name != NULL ? name : "?"));
}

static gboolean cut_sections(ErecMarks *marks, const ErecNode *parent);

/* What it says about the entries it lost is made anew; whether it changed. */
static gboolean
cut_section(ErecMarks *marks, const ErecNode *section)
{
    const ErecNode *text = erec_member(section, "text");
    guint lost;
    gboolean inner;

    if (loses_all(marks->cut, section)) {
        if (is_required(section))
            empty_section(marks, section);
        else if (erec_cut_section_vanishes(marks->cut, section))
            erec_marks_drop(marks, section);
        return TRUE;
    }
    n_kept(marks->cut, section, &lost);
    check_decided(marks->cut, section);
    inner = cut_sections(marks, section);
    erec_cut_drop_references(marks, section);
    if (lost > 0 || inner)
        renew_text(marks, section);
    else if (!is_text_alone(section) && erec_text(text, "div") != NULL &&
             erec_words_are_in_narrative(marks->cut->words, erec_text(text, "div")))
        renew_text(marks, section);
    return lost > 0 || inner;
}

static gboolean
cut_sections(ErecMarks *marks, const ErecNode *parent)
{
    gboolean changed = FALSE;

    for (const ErecNode *at = erec_each(parent, "section"); at != NULL; at = erec_each_next(at))
        if (at->type == EREC_OBJECT)
            changed = cut_section(marks, at) || changed;
    return changed;
}

/* What the head says of the content: a title that tells of what is gone becomes that of the
 * type; labels, categories and events that do disappear. */
static void
cut_sayings(ErecMarks *marks, const ErecNode *root)
{
    static const char *const lists[] = {"event", "category"};
    const ErecNode *title = erec_member(root, "title");

    /* its translations stand beside it */
    if ((title != NULL && erec_words_are_in_text(marks->cut->words, title->text)) ||
        erec_words_are_in(marks->cut->words, erec_member(root, "_title"))) {
        if (title != NULL)
            erec_marks_change(marks, title, erec_cut_title_of_type(marks->cut));
        erec_marks_drop(marks, erec_member(root, "_title"));
    }
    for (gsize i = 0; i < G_N_ELEMENTS(lists); i++)
        for (const ErecNode *at = erec_each(root, lists[i]); at != NULL;
             at = erec_each_next(at))
            if (erec_words_are_in(marks->cut->words, at))
                erec_marks_drop(marks, at);
    if (!erec_cut_drop_labels(marks, erec_member(root, "meta")))
        erec_marks_drop(marks, erec_member(root, "meta"));
}

/* Nobody attested this, it replaces nothing, and it is another document than the old one. */
static void
cut_head(ErecMarks *marks, const ErecNode *root)
{
    const ErecNode *identifier = erec_member(root, "identifier"),
                   *text = erec_member(root, "text");

    erec_marks_drop_member(marks, root, "attester");
    erec_marks_drop_member(marks, root, "relatesTo");
    if (identifier != NULL)
        erec_marks_change(marks, identifier, g_strdup(marks->cut->identifier));
    if (text != NULL)
        erec_marks_change(marks, text, erec_cut_narrative_of_composition(marks->cut));
    cut_sayings(marks, root);
    for (const ErecNode *at = root->first; at != NULL; at = at->next)
        if (strcmp(at->key, "section") != 0 && strcmp(at->key, "attester") != 0 &&
            strcmp(at->key, "relatesTo") != 0)
            erec_cut_drop_references(marks, at);
}

void
erec_cut_composition(ErecCut *cut)
{
    const ErecNode *root = erec_tree_root(cut->composition);
    g_auto(ErecMarks) marks = {0};

    erec_marks_init(&marks, cut, 0, cut->composition);
    cut_head(&marks, root);
    cut_sections(&marks, root);
    erec_marks_apply(&marks);
}
