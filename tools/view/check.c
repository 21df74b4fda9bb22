/* SPDX-License-Identifier: Apache-2.0
 *
 * ehr-view --check: the findings of each file. See view.h.
 */
#include <glib/gi18n.h>
#include <stdlib.h>

#include "tools/common/findings.h"
#include "tools/common/output.h"
#include "tools/common/received.h"
#include "tools/common/words-service.h"
#include "tools/view/view.h"

#define EXIT_DATA  65
#define EXIT_INPUT 66

static void
tell(const char *file, const ErecDescription *d, const ErecReport *report, ReceivedVerdict received)
{
    g_autofree char *shown = ehrlink_safe_text(file, 0);
    g_autofree char *what = findings_what(d);
    g_autofree char *summary = findings_summary(report);
    JsonBuilder *event = output_event("checked");

    output_member_string(event, "file", file);
    findings_file_members(event, d, report);
    output_member_string(event, "received", received_code(received));
    output_event_end();

    output_line("%s: %s: %s", shown, what, summary);
    if (received_words(received) != NULL)
        output_line("  %s", received_words(received));
    if (findings_bad_signature(report))
        output_line("  %s", _("*** A SIGNATURE IN THIS RECORD DOES NOT HOLD. Do not rely on "
                              "who is said to have written it. ***"));
    for (guint i = 0; i < report->findings->len; i++) {
        g_autofree char *line = findings_line(g_ptr_array_index(report->findings, i));
        output_line("  %s", line);
    }
}

/* *unread: the first file that cannot be read, and why. */
static int
check_file(const char *file, GHashTable *table, char **unread)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(ErecSource) source = erec_source_new_path(file, &error);
    g_auto(ErecDescription) description = {0};
    g_autoptr(ErecReport) report = NULL;
    g_autofree char *name = g_path_get_basename(file);
    Received *received = received_of_file(table, file);
    const ReceivedVerdict verdict = received != NULL ? received_verdict(received, name) : RECEIVED_UNKNOWN;

    if (source == NULL) {
        g_autofree char *shown = ehrlink_safe_text(file, 0), *why = words_error(error);

        output_error("%s: %s", shown, why);
        if (*unread == NULL)
            *unread = g_strdup_printf("%s: %s", shown, why);
        return EXIT_INPUT;
    }
    report = findings_check(source, &description);
    tell(file, &description, report, verdict);
    return erec_report_worst(report) == EREC_ERROR || verdict == RECEIVED_ALTERED || verdict == RECEIVED_FALSE ? EXIT_DATA : EXIT_SUCCESS;
}

/* What is wrong in a record is the answer; that there is no record is the end of a run that failed. */
static void
end_unread(const char *text)
{
    JsonBuilder *event = output_event("end");

    output_member_int(event, "exit", EXIT_INPUT);
    output_member_string(event, "error", ehrlink_error_get_name(EHRLINK_ERROR_NO_INPUT));
    output_member_string(event, "text", text);
    output_event_end();
}

int
view_check(const ViewOptions *options)
{
    g_autoptr(GHashTable) table = received_table_new();
    g_autofree char *unread = NULL;
    int worst = EXIT_SUCCESS;

    for (char **file = options->files; *file != NULL; file++) {
        const int code = check_file(*file, table, &unread);
        worst = MAX(worst, code);
    }
    output_note(_("This is a check of the structure, not of a profile or of the content."));
    if (unread != NULL)
        end_unread(unread);
    return worst;
}
