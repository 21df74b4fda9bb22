/* SPDX-License-Identifier: Apache-2.0
 *
 * A summary's sections and entries: what is said of them, and in which order. Nothing here
 * decides what is current: lib/record/summary.h does.
 */
#include <glib/gi18n.h>

#include "tools/view/page.h"

static void
say(ViewPage *page, ViewKind kind, const char *text)
{
    g_autoptr(ViewLine) line = view_line_ours(view_line_new(), text);

    page->class->line(page, kind, 0, line);
}

/* The language if it is to be marked, else NULL. */
static const char *
foreign(const ViewPage *page, const char *language)
{
    return erec_is_foreign(language, page->language) ? language : NULL;
}

static void
add_fact(ViewLine *line, const ErecFact *fact, const char *lang)
{
    if (line->len > 0)
        view_line_ours(line, "; ");
    if (fact->label != NULL && fact->label[0] != '\0')
        view_line_ours(view_line_ours(line, _(fact->label)), ": ");
    if (fact->word != NULL)
        view_line_strong(line, _(fact->word));
    else
        view_line_theirs(line, fact->text, lang);
}

/* --- one entry -----------------------------------------------------------------------------
 */

static void
add_name(ViewPage *page, ViewLine *line, const ErecItem *item)
{
    const char *lang = foreign(page, item->language);

    if (item->what != NULL) {
        view_line_theirs_strong(line, item->what, item->language);
        if (lang != NULL)
            view_line_theirs(view_line_ours(line, " ["), lang, NULL), view_line_ours(line, "]");
    } else if (item->code != NULL) {
        view_line_ours(line, _("code without words: "));
        view_line_theirs_strong(line, item->code, NULL);
    } else {
        view_line_ours(line, _("entry without a name: "));
        view_line_theirs(line, item->type, NULL);
    }
    if (item->patient_entered)
        view_line_strong(view_line_ours(line, " – "), _("entered by the patient"));
}

static void
show_name(ViewPage *page, const ErecItem *item, guint depth)
{
    g_autoptr(ViewLine) line = view_line_new();

    if (item->absence != EREC_PRESENT && item->standing == EREC_CURRENT)
        view_line_ours(view_line_strong(line, _(erec_absence_words(item->absence))), " ");
    add_name(page, line, item);
    if (item->standing != EREC_CURRENT)
        view_line_strong(view_line_ours(line, " – "), _(erec_standing_words(item->standing)));
    page->class->line(page, VIEW_ITEM, depth, line);
}

static void
show_narrative(ViewPage *page, const ErecItem *item, ViewPlace place)
{
    g_autoptr(ViewLine) title = view_line_new();

    if (item->narrative == NULL)
        return;
    add_name(page, title, item);
    page->class->narrative(page, title, item->narrative, item->language, place);
}

/* Never plainly "verified": what the entry points to (its medicine, its results) is not signed
 * with it. */
static void
show_signer(ViewPage *page, const ErecItem *item, guint depth)
{
    const char *signer = erec_report_verified_by(page->report, (gint)item->entry);
    g_autoptr(ViewLine) line = NULL;

    if (signer == NULL)
        return;
    line = view_line_ours(view_line_new(), _("Signed by "));
    view_line_theirs_strong(line, signer, NULL);
    view_line_ours(line, _("; its signature holds for this entry, not for what the entry points to"));
    page->class->line(page, VIEW_DETAIL, depth, line);
}

static void
show_item(ViewPage *page, const ErecItem *item, guint depth)
{
    g_autoptr(ViewLine) details = view_line_new();

    show_name(page, item, depth);
    /* of what cannot be shown safely, or was never true, nothing is said that could be believed
     */
    if (item->standing == EREC_UNSAFE || item->standing == EREC_IN_ERROR) {
        show_narrative(page, item,
                       item->standing == EREC_UNSAFE ? VIEW_OF_ENTRY | VIEW_HERE
                                                     : VIEW_OF_ENTRY);
        return;
    }
    for (guint i = 0; i < item->facts->len; i++)
        add_fact(details, &g_array_index(item->facts, ErecFact, i), item->language);
    if (details->len > 0)
        page->class->line(page, VIEW_DETAIL, depth, details);
    show_signer(page, item, depth);
    for (guint i = 0; i < item->children->len; i++)
        show_item(page, g_ptr_array_index(item->children, i), depth + 1);
    show_narrative(page, item, VIEW_OF_ENTRY);
}

/* --- sections ------------------------------------------------------------------------------
 */

static ViewLine *
section_title(const ErecSection *section, const char *language)
{
    ViewLine *line = view_line_new();

    if (section->word != NULL)
        view_line_ours(line, _(section->word));
    if (section->title != NULL && g_strcmp0(section->word, section->title) != 0) {
        view_line_ours(line, section->word != NULL ? " (" : "");
        view_line_theirs(line, section->title, language);
        view_line_ours(line, section->word != NULL ? ")" : "");
    }
    if (line->len == 0)
        view_line_ours(line, _("A section without a title"));
    return line;
}

static void
show_absence(ViewPage *page, const ErecSection *section)
{
    g_autoptr(ViewLine) line = view_line_new();

    if (section->absence == EREC_PRESENT)
        return;
    view_line_strong(line, _(erec_absence_words(section->absence)));
    if (section->reason != NULL)
        view_line_theirs(view_line_ours(line, " "), section->reason, NULL);
    page->class->line(page, VIEW_PLAIN, 0, line);
}

static void
show_items(ViewPage *page, const ErecSection *section)
{
    gint standing = EREC_CURRENT;

    for (guint i = 0; i < section->items->len; i++) {
        const ErecItem *item = g_ptr_array_index(section->items, i);

        if (i == 0 && item->standing != EREC_CURRENT)
            say(page, VIEW_PLAIN, _("Nothing is listed here as current."));
        if ((gint)item->standing != standing) {
            g_autoptr(ViewLine) group =
                view_line_ours(view_line_new(), _(erec_standing_words(item->standing)));

            standing = (gint)item->standing;
            page->class->heading(page, 3, group);
        }
        show_item(page, item, 0);
    }
}

/* An entry that sends its reader to a narrative, and has none of its own. */
static gboolean
needs_narrative(const ErecSection *section)
{
    for (guint i = 0; i < section->items->len; i++) {
        const ErecItem *item = g_ptr_array_index(section->items, i);

        if (item->standing == EREC_UNSAFE && item->narrative == NULL)
            return TRUE;
    }
    return FALSE;
}

static void
show_section(ViewPage *page, const ErecSection *section, const char *language)
{
    g_autoptr(ViewLine) title = section_title(section, language);

    page->class->heading(page, 2, title);
    show_absence(page, section);
    if (section->missing > 0) {
        g_autofree char *text = g_strdup_printf(
            ngettext("%u entry of this section is not in the file.",
                     "%u entries of this section are not in the file.", section->missing),
            section->missing);
        say(page, VIEW_WARNING, text);
    }
    if (section->unread > 0) {
        g_autofree char *text =
            g_strdup_printf(ngettext("%u entry of this section cannot be read.",
                                     "%u entries of this section cannot be read.", section->unread),
                            section->unread);
        say(page, VIEW_WARNING, text);
    }
    if (section->elsewhere > 0) {
        g_autofree char *text = g_strdup_printf(
            ngettext("%u entry of this section is shown in another one only.",
                     "%u entries of this section are shown in another one only.", section->elsewhere),
            section->elsewhere);
        say(page, VIEW_WARNING, text);
    }
    show_items(page, section);
    if (section->narrative == NULL && needs_narrative(section))
        say(page, VIEW_WARNING,
            _("The record has no original narrative of these entries. Ask their author."));
    if (section->narrative != NULL)
        page->class->narrative(page, title, section->narrative, language,
                               needs_narrative(section) || section->items->len == 0
                                   ? VIEW_HERE
                                   : VIEW_OF_SECTION);
}

/* --- the whole -----------------------------------------------------------------------------
 */

static void
show_facts(ViewPage *page, const GArray *facts)
{
    for (guint i = 0; i < facts->len; i++) {
        g_autoptr(ViewLine) line = view_line_new();

        add_fact(line, &g_array_index(facts, ErecFact, i), NULL);
        page->class->line(page, VIEW_ITEM, 0, line);
    }
}

static void
show_person(ViewPage *page, const ErecSummary *summary)
{
    g_autoptr(ViewLine) heading = view_line_ours(view_line_new(), _("Patient"));

    page->class->heading(page, 2, heading);
    if (summary->n_patients > 1)
        say(page, VIEW_WARNING, _("This file is about more than one person."));
    if (summary->person_unsafe)
        say(page, VIEW_WARNING, _(erec_standing_words(EREC_UNSAFE)));
    if (summary->person->len == 0)
        say(page, VIEW_WARNING, _("The file does not say whom it is about."));
    show_facts(page, summary->person);
}

void
view_entries(ViewPage *page, const ErecSummary *summary, const ErecReport *report)
{
    g_autoptr(ViewLine) heading = view_line_ours(view_line_new(), _("The document"));

    page->report = report;

    if (summary->in_error)
        say(page, VIEW_WARNING,
            _("The whole document was ENTERED IN ERROR and is withdrawn. Nothing of it "
              "holds."));
    if (summary->unsafe)
        say(page, VIEW_WARNING, _(erec_standing_words(EREC_UNSAFE)));
    if (summary->unread > 0)
        say(page, VIEW_WARNING, _("Some entries could not be read: see the check."));
    if (foreign(page, summary->language) != NULL) {
        g_autoptr(ViewLine) line = view_line_new();

        view_line_ours(
            line, _("The record's words are shown as they are, marked with their language: "));
        view_line_theirs(line, summary->language, NULL);
        page->class->line(page, VIEW_PLAIN, 0, line);
    }
    show_person(page, summary);
    for (guint i = 0; i < summary->sections->len; i++)
        show_section(page, g_ptr_array_index(summary->sections, i), summary->language);
    if (!summary->is_document)
        return;
    page->class->heading(page, 2, heading);
    show_facts(page, summary->document);
    if (summary->narrative != NULL)
        page->class->narrative(page, heading, summary->narrative, summary->language,
                               VIEW_OF_SECTION);
}
