/* SPDX-License-Identifier: Apache-2.0
 *
 * ehr-view FILE: what stands around the entries of every record: where it comes from, what the
 * check found, when it was true. See view.h.
 */
#include <glib/gi18n.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>

#include "tools/common/findings.h"
#include "tools/common/output.h"
#include "tools/common/person.h"
#include "tools/common/words.h"
#include "tools/view/page.h"
#include "tools/view/view.h"

#define EXIT_INPUT    66
#define EXIT_NO_WRITE 73

static void
say(ViewPage *page, ViewKind kind, const char *text)
{
    g_autoptr(ViewLine) line = view_line_ours(view_line_new(), text);

    page->class->line(page, kind, 0, line);
}

static gboolean
same_rule(const ErecReport *report, guint a, guint b)
{
    const ErecFinding *x = g_ptr_array_index(report->findings, a);
    const ErecFinding *y = g_ptr_array_index(report->findings, b);

    return strcmp(x->id, y->id) == 0;
}

static gboolean
is_first(const ErecReport *report, guint index)
{
    const ErecFinding *finding = g_ptr_array_index(report->findings, index);

    if (finding->severity == EREC_NOTE)
        return FALSE;
    for (guint i = 0; i < index; i++)
        if (same_rule(report, i, index))
            return FALSE;
    return TRUE;
}

/* A rule once, however often it is broken: who reads a record wants to get to the record. */
static void
show_finding(ViewPage *page, const ErecReport *report, guint index)
{
    g_autofree char *line = findings_line(g_ptr_array_index(report->findings, index));
    g_autofree char *counted = NULL;
    guint n = 0;

    for (guint i = index; i < report->findings->len; i++)
        n += same_rule(report, i, index) ? 1 : 0;
    counted = n > 1 ? g_strdup_printf(_("%s; and %u more of this kind"), line, n - 1) : NULL;
    say(page, VIEW_ITEM, counted != NULL ? counted : line);
}

static void
show_findings(ViewPage *page, const ErecReport *report)
{
    g_autofree char *summary = findings_summary(report);
    g_autofree char *head = g_strdup_printf("%s: %s", _("Check of the structure"), summary);

    if (findings_bad_signature(report))
        say(page, VIEW_WARNING,
            _("*** A SIGNATURE IN THIS RECORD DOES NOT HOLD. Do not rely on "
              "who is said to have written it. ***"));
    say(page, report->errors > 0 ? VIEW_WARNING : VIEW_PLAIN, head);
    for (guint i = 0; i < report->findings->len; i++)
        if (is_first(report, i))
            show_finding(page, report, i);
}

static gboolean
is_picture(ErecKind kind)
{
    return kind == EREC_KIND_JPEG || kind == EREC_KIND_PNG || kind == EREC_KIND_PDF ||
           kind == EREC_KIND_DICOM || kind == EREC_KIND_TIFF || kind == EREC_KIND_BIGTIFF;
}

static void
show_not_fhir(ViewPage *page, const ViewRecord *record)
{
    g_autofree char *size = words_bytes(record->size);
    g_autofree char *text =
        g_strdup_printf(_("Its content is not shown here (%s). Open the file itself."), size);

    say(page, VIEW_PLAIN, text);
    if (is_picture(record->description.kind) && !page->class->picture(page, record))
        say(page, VIEW_PLAIN, _("No preview of it could be made here."));
}

static void
show_times(ViewPage *page, const ErecSummary *summary)
{
    g_autoptr(ViewLine) line = view_line_new();

    if (summary->date != NULL) {
        view_line_strong(line, _("Clinical content as of "));
        view_line_theirs_strong(line, summary->date, NULL);
        page->class->line(page, VIEW_PLAIN, 0, line);
    } else if (summary->is_document) {
        say(page, VIEW_WARNING, _("The record does not say when its content was true."));
    }
}

/* Before all else that is said of it. */
static void
show_altered(ViewPage *page, const ViewRecord *record)
{
    if (record->received == RECEIVED_ALTERED || record->received == RECEIVED_FALSE)
        say(page, VIEW_WARNING, received_words(record->received));
    else if (record->received == RECEIVED_UNPROVEN)
        say(page, VIEW_PLAIN, received_words(record->received));
}

/* A signature of somebody trusted over these very bytes, in the record itself. */
static void
show_signer(ViewPage *page, const char *signer)
{
    g_autoptr(ViewLine) line = view_line_ours(view_line_new(), _("Origin: verified: signed by "));
    g_autofree char *shown = ehrlink_safe_text(signer, 0);

    view_line_theirs_strong(line, shown, NULL);
    view_line_ours(line, _("; not altered since"));
    page->class->line(page, VIEW_PLAIN, 0, line);
}

static void
show_origin(ViewPage *page, const ViewRecord *record)
{
    g_autoptr(ViewLine) line = NULL;
    g_autofree char *organisation = NULL, *attendant = NULL;
    const char *signer = erec_report_verified_by(record->report, -1);

    if (signer != NULL)
        show_signer(page, signer);
    if (record->patient_entered) {
        say(page, VIEW_PLAIN, _("Origin: entered by the patient"));
        return;
    }
    if (record->received != RECEIVED_VERIFIED) {
        if (signer == NULL)
            say(page, VIEW_PLAIN, _("Origin: as the record itself states it, not verified"));
        return;
    }
    line = view_line_ours(view_line_new(), _("Origin: verified: sent, and signed for, by "));
    organisation = ehrlink_safe_text(record->organisation, 0);
    view_line_theirs_strong(line, organisation, NULL);
    if (record->attendant != NULL) {
        attendant = ehrlink_safe_text(record->attendant, 0);
        view_line_ours(line, _(", at the desk: "));
        view_line_theirs(line, attendant, NULL);
    }
    view_line_ours(line, _("; not altered since"));
    page->class->line(page, VIEW_PLAIN, 0, line);
}

/* Whoever it is from: what a patient carries is never the prescription itself. */
static void
show_purpose(ViewPage *page, const ViewRecord *record)
{
    if (g_strcmp0(record->description.category, "Electronic-Prescriptions") == 0)
        say(page, VIEW_PLAIN, _("A prescription: copy for information, not to dispense on"));
}

static void
show_record(ViewPage *page, const ViewRecord *record)
{
    g_autoptr(ViewLine) heading = view_line_new();
    g_autofree char *name = ehrlink_safe_text(record->name, 0);
    g_autofree char *what = view_record_what(record);

    view_line_theirs(heading, name, NULL);
    view_line_ours(view_line_ours(heading, ": "), what);
    page->class->heading(page, 1, heading);
    show_altered(page, record);
    show_findings(page, record->report);
    show_origin(page, record);
    show_purpose(page, record);
    if (record->summary == NULL) {
        show_not_fhir(page, record);
        return;
    }
    show_times(page, record->summary);
    view_entries(page, record->summary, record->report);
}

/* Each record says whom it is about; who reads several of them together must not join them. */
static void
show_people(ViewPage *page, const GPtrArray *records)
{
    g_autoptr(GPtrArray) people = people_new();

    for (guint i = 0; i < records->len; i++)
        people_take(people, ((const ViewRecord *)g_ptr_array_index(records, i))->path);
    if (people->len > 1)
        say(page, VIEW_WARNING, _("THESE RECORDS ARE ABOUT MORE THAN ONE PERSON. See of each whom it is about."));
}

/* "de_DE.UTF-8" → that; NULL for C and POSIX, which say nothing of what a reader understands.
 */
static const char *
reader_language(void)
{
    const char *const *names = g_get_language_names();

    if (names == NULL || names[0] == NULL || strcmp(names[0], "C") == 0 ||
        g_str_has_prefix(names[0], "C.") || strcmp(names[0], "POSIX") == 0)
        return NULL;
    return names[0];
}

int
view_show(const ViewOptions *options)
{
    g_autoptr(GError) error = NULL;
    const char *language = reader_language();
    g_autoptr(GPtrArray) records = view_records_load(options->files, language, &error);
    g_autoptr(ViewPage) page = NULL;

    if (records == NULL) {
        g_autofree char *shown = ehrlink_safe_text(error->message, 0);
        output_error("%s", shown);
        return EXIT_INPUT;
    }
    page = options->html != NULL ? view_html_new(language)
                                 : view_text_new(language, options->narrative);
    say(page, VIEW_BANNER,
        _("Copy carried by the patient. It may be incomplete or out of date. Missing does not "
          "mean absent."));
    show_people(page, records);
    for (guint i = 0; i < records->len; i++)
        show_record(page, g_ptr_array_index(records, i));
    if (options->html != NULL && !view_html_write(page, options->html, &error)) {
        g_autofree char *shown = ehrlink_safe_text(error->message, 0);
        output_error("%s", shown);
        return EXIT_NO_WRITE;
    }
    return EXIT_SUCCESS;
}
