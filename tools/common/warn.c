/* SPDX-License-Identifier: Apache-2.0
 *
 * See warn.h.
 */
#include "tools/common/warn.h"

#include <glib/gi18n.h>

#include "tools/common/findings.h"
#include "tools/common/output.h"

/* Lines of one file; ehr-view --check shows all. */
#define LINES_MAX 5

static void
show(const char *file, const ErecReport *report)
{
    g_autofree char *shown = ehrlink_safe_text(file, 0);
    g_autofree char *summary = findings_summary(report);
    guint lines = 0;

    output_note(_("%s: %s. It can be sent all the same; “ehr-view --check” tells more."), shown, summary);
    for (guint i = 0; i < report->findings->len && lines < LINES_MAX; i++) {
        const ErecFinding *finding = g_ptr_array_index(report->findings, i);
        g_autofree char *line = findings_line(finding);

        if (finding->severity != EREC_ERROR)
            continue;
        output_note("  %s", line);
        lines++;
    }
}

void
warn_of_findings(char **files)
{
    for (char **file = files; *file != NULL; file++) {
        g_autoptr(ErecSource) source = erec_source_new_path(*file, NULL);
        g_auto(ErecDescription) description = {0};
        g_autoptr(ErecReport) report = source != NULL ? findings_check(source, &description) : NULL;
        JsonBuilder *event;

        if (report == NULL)
            continue;
        event = output_event("checked");
        output_member_string(event, "file", *file);
        findings_file_members(event, &description, report);
        output_event_end();
        if (erec_report_worst(report) != EREC_NOTE)
            show(*file, report);
    }
}
