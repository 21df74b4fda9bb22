/* SPDX-License-Identifier: Apache-2.0
 *
 * Narratives made anew from what remains: the record's own words only, so that they are in its
 * language, and say no more than its data.
 */
#include <string.h>

#include "lib/record/cut-private.h"
#include "lib/record/date.h"

#define OPEN           "<div xmlns=\"http://www.w3.org/1999/xhtml\">"
#define CLOSE          "</div>"
/* Results of one panel in a line. */
#define COMPONENTS_MAX 20

/* XHTML has no control characters but these, and a narrative no markup of its own. */
static void
append_escaped(GString *html, const char *text)
{
    for (const char *at = text; *at != '\0'; at++) {
        if (*at == '&')
            g_string_append(html, "&amp;");
        else if (*at == '<')
            g_string_append(html, "&lt;");
        else if (*at == '>')
            g_string_append(html, "&gt;");
        else if ((guchar)*at < 0x20)
            g_string_append_c(html, ' ');
        else
            g_string_append_c(html, *at);
    }
}

/* The JSON of a Narrative around what is inside the div. */
static char *
narrative(const GString *html)
{
    GString *json = g_string_new("{\"status\":\"generated\",\"div\":\"");

    for (const char *at = html->str; *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            g_string_append_c(json, '\\');
        g_string_append_c(json, *at);
    }
    g_string_append(json, "\"}");
    return g_string_free(json, FALSE);
}

static const char *
concept_words(const ErecNode *concept)
{
    const char *words = erec_text(concept, "text");

    if (words == NULL)
        words = erec_text(concept, "coding.display");
    return words != NULL ? words : erec_text(concept, "coding.code");
}

static const char *
own_words(const ErecNode *resource)
{
    static const char *const concepts[] = {
        "code", "medicationCodeableConcept", "vaccineCode", "type", "relationship", "category"};
    static const char *const texts[] = {"title", "description", "name", "deviceName.name"};
    const char *words = NULL;

    for (gsize i = 0; i < G_N_ELEMENTS(concepts) && words == NULL; i++)
        words = concept_words(erec_each(resource, concepts[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(texts) && words == NULL; i++)
        words = erec_text(resource, texts[i]);
    return words;
}

/* Of a resource that is another one's medication or device. Transfer full. */
static char *
title_of(const ErecCut *cut, guint index, const ErecNode *resource)
{
    static const char *const paths[] = {"medicationReference", "device"};
    const ErecNode *reference = NULL;
    g_autoptr(ErecTree) tree = NULL;
    guint to;

    for (gsize i = 0; i < G_N_ELEMENTS(paths) && reference == NULL; i++)
        reference = erec_member(erec_member(resource, paths[i]), "reference");
    if (reference == NULL)
        return g_strdup(own_words(resource));
    if (*reference->text == '#')
        return g_strdup(own_words(erec_contained(resource, reference->text)));
    if (erec_cut_resolve(cut, index, reference, &to) &&
        (tree = erec_bundle_load(cut->bundle, to, NULL)) != NULL)
        return g_strdup(own_words(erec_tree_root(tree)));
    return g_strdup(erec_text(reference->parent, "display"));
}

static void
append_value(GString *html, const ErecNode *holder)
{
    const ErecNode *value = erec_choice(holder, "value", NULL);
    const char *unit = erec_text(value, "unit"), *words = concept_words(value);

    if (value == NULL)
        return;
    if (value->type != EREC_OBJECT)
        words = value->text;
    if (erec_text(value, "value") != NULL) {
        g_string_append(html, ": ");
        append_escaped(
            html, erec_text(value, "comparator") != NULL ? erec_text(value, "comparator") : "");
        append_escaped(html, erec_text(value, "value"));
        g_string_append_c(html, ' ');
        append_escaped(html, unit != NULL                       ? unit
                             : erec_text(value, "code") != NULL ? erec_text(value, "code")
                                                                : "");
    } else if (words != NULL) {
        g_string_append(html, ": ");
        append_escaped(html, words);
    }
}

static void
append_components(GString *html, const ErecNode *resource)
{
    guint n = 0;

    for (const ErecNode *at = erec_each(resource, "component");
         at != NULL && n < COMPONENTS_MAX; at = erec_each_next(at), n++) {
        const char *words = concept_words(erec_member(at, "code"));

        g_string_append(html, "; ");
        append_escaped(html, words != NULL ? words : "?");
        append_value(html, at);
    }
}

/* What must never be left out of a line: that it is refuted, stopped, not to be given. */
static void
append_state(GString *html, const ErecNode *resource)
{
    static const char *const concepts[] = {"clinicalStatus", "verificationStatus"};
    static const char *const codes[] = {"status", "criticality"};
    const char *date = erec_date_of(resource, NULL);
    const gsize before = html->len;

    for (gsize i = 0; i < G_N_ELEMENTS(concepts); i++) {
        const char *words = erec_text(erec_member(resource, concepts[i]), "coding.code");
        if (words != NULL) {
            g_string_append(html, ", ");
            append_escaped(html, words);
        }
    }
    for (gsize i = 0; i < G_N_ELEMENTS(codes); i++) {
        const char *words = erec_text(resource, codes[i]);
        if (words != NULL) {
            g_string_append(html, ", ");
            append_escaped(html, words);
        }
    }
    if (erec_text_is(resource, "doNotPerform", "true"))
        g_string_append(html, ", doNotPerform");
    if (date != NULL)
        g_string_append_printf(html, ", %s", date);
    if (html->len > before) {
        g_string_overwrite(html, before, " (");
        g_string_append_c(html, ')');
    }
}

static gboolean
append_line(GString *html, const ErecCut *cut, guint index, const ErecNode *resource)
{
    g_autofree char *title = title_of(cut, index, resource);

    if (title == NULL)
        return FALSE;
    append_escaped(html, title);
    append_value(html, resource);
    append_components(html, resource);
    for (const ErecNode *at = erec_each(resource, "dosage"); at != NULL;
         at = erec_each_next(at))
        if (erec_text(at, "text") != NULL) {
            g_string_append(html, "; ");
            append_escaped(html, erec_text(at, "text"));
        }
    append_state(html, resource);
    return TRUE;
}

static void
append_entry(GString *html, const ErecCut *cut, guint index)
{
    g_autoptr(ErecTree) tree = erec_bundle_load(cut->bundle, index, NULL);

    if (tree == NULL)
        return;
    g_string_append(html, "<li>");
    if (!append_line(html, cut, index, erec_tree_root(tree)))
        append_escaped(html, erec_bundle_entry(cut->bundle, index)->type != NULL
                                 ? erec_bundle_entry(cut->bundle, index)->type
                                 : "?");
    g_string_append(html, "</li>");
}

char *
erec_cut_narrative_of_section(const ErecCut *cut, const ErecNode *section)
{
    g_autoptr(GString) html = g_string_new(OPEN);
    gboolean list = FALSE;
    guint to;

    for (const ErecNode *at = erec_each(section, "entry"); at != NULL;
         at = erec_each_next(at)) {
        const ErecNode *reference = erec_member(at, "reference");

        if (reference == NULL || !erec_cut_resolve(cut, 0, reference, &to) ||
            (cut->flags[to] & ENTRY_KEPT) == 0)
            continue;
        if (!list)
            g_string_append(html, "<ul>");
        list = TRUE;
        append_entry(html, cut, to);
    }
    g_string_append(html, list ? "</ul>" : "Unavailable");
    g_string_append(html, CLOSE);
    return narrative(html);
}

/* Of the type of the document; never of its content. */
static const char *
words_of_type(const ErecCut *cut)
{
    const char *words = concept_words(erec_member(erec_tree_root(cut->composition), "type"));

    return words != NULL ? words : "Patient summary";
}

char *
erec_cut_title_of_type(const ErecCut *cut)
{
    GString *json = g_string_new("\"");

    for (const char *at = words_of_type(cut); *at != '\0'; at++) {
        if (*at == '"' || *at == '\\')
            g_string_append_c(json, '\\');
        g_string_append_c(json, (guchar)*at < 0x20 ? ' ' : *at);
    }
    g_string_append_c(json, '"');
    return g_string_free(json, FALSE);
}

char *
erec_cut_narrative_of_composition(const ErecCut *cut)
{
    const char *title = erec_text(erec_tree_root(cut->composition), "title");
    g_autoptr(GString) html = g_string_new(OPEN);

    if (title == NULL || erec_words_are_in_text(cut->words, title))
        title = words_of_type(cut);
    append_escaped(html, title);
    g_string_append(html, CLOSE);
    return narrative(html);
}

char *
erec_cut_narrative_of_resource(const ErecCut *cut, guint index, const ErecNode *resource)
{
    g_autoptr(GString) html = g_string_new(OPEN);

    if (!append_line(html, cut, index, resource))
        return NULL;
    g_string_append(html, CLOSE);
    return narrative(html);
}
