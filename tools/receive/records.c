/* SPDX-License-Identifier: Apache-2.0
 *
 * See records.h. Reads the files on the main thread: they are here, and nothing else is due.
 */
#include "tools/receive/records.h"

#include <glib/gi18n.h>

#include "tools/common/findings.h"
#include "tools/common/output.h"
#include "tools/common/words-service.h"
#include "tools/common/session-dir.h"

/* Lines of one file on the screen; all of them are in findings.json. */
#define LINES_MAX 8

static void
show(const char *name, const ErecReport *report)
{
    g_autofree char *shown = ehrlink_safe_text(name, 80);
    g_autofree char *summary = findings_summary(report);
    guint lines = 0;

    if (findings_bad_signature(report))
        output_line("*** %s: %s ***", shown, _("A SIGNATURE IN THIS RECORD DOES NOT HOLD"));
    if (report->errors + report->warnings == 0)
        return;
    output_note("%s: %s", shown, summary);
    for (guint i = 0; i < report->findings->len && lines < LINES_MAX; i++) {
        const ErecFinding *finding = g_ptr_array_index(report->findings, i);
        g_autofree char *line = findings_line(finding);

        if (finding->severity == EREC_NOTE)
            continue;
        output_note("  %s", line);
        lines++;
    }
}

static void
tell(const char *session, const char *name, const ErecDescription *description, const ErecReport *report)
{
    JsonBuilder *event = output_event("checked");

    output_member_string(event, "session", session);
    output_member_string(event, "file", name);
    findings_file_members(event, description, report);
    output_event_end();
    show(name, report);
}

static void
note_rule(const ErecReport *report, char **rule)
{
    for (guint i = 0; i < report->findings->len && *rule == NULL; i++) {
        const ErecFinding *finding = g_ptr_array_index(report->findings, i);
        if (finding->severity == EREC_ERROR)
            *rule = g_strdup(finding->id);
    }
}

static void
check(const char *session, const char *directory, const char *name, JsonBuilder *builder, char **rule)
{
    g_autofree char *path = g_build_filename(directory, name, NULL);
    g_autoptr(GError) error = NULL;
    g_autoptr(ErecSource) source = erec_source_new_path(path, &error);
    g_auto(ErecDescription) description = {0};
    g_autoptr(ErecReport) report = NULL;

    if (source == NULL) {
        g_autofree char *why = words_error(error);

        output_error("%s: %s", path, why);
        return;
    }
    report = findings_check(source, &description);
    tell(session, name, &description, report);
    note_rule(report, rule);
    json_builder_begin_object(builder);
    output_member_string(builder, "file", name);
    findings_file_members(builder, &description, report);
    json_builder_end_object(builder);
}

gboolean
records_check(const char *session, const char *directory, GPtrArray *files, char **rule, GError **error)
{
    g_autoptr(JsonBuilder) builder = json_builder_new();
    g_autoptr(JsonNode) root = NULL;

    *rule = NULL;
    json_builder_begin_object(builder);
    json_builder_set_member_name(builder, "items");
    json_builder_begin_array(builder);
    for (guint i = 0; i < files->len; i++)
        check(session, directory, g_ptr_array_index(files, i), builder, rule);
    json_builder_end_array(builder);
    json_builder_end_object(builder);
    root = json_builder_get_root(builder);
    return session_dir_set_findings(directory, root, error);
}
