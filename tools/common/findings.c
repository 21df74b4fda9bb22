/* SPDX-License-Identifier: Apache-2.0
 *
 * See findings.h. Main thread (gettext).
 */
#include "tools/common/findings.h"

#include <glib/gi18n.h>

#include "ehrlink.h"
#include "lib/record/category.h"
#include "tools/common/output.h"
#include "tools/config.h"

#define DETAIL_MAX 120

/* Read once: they do not change under one who looks. */
static const ErecSigners *
signers(void)
{
    static ErecSigners *known;

    if (known == NULL) {
        g_autofree char *own = g_build_filename(g_get_user_config_dir(), "ehrlink", "signers.d", NULL);

        known = erec_signers_new(g_get_real_time() / G_USEC_PER_SEC);
        erec_signers_add_directory(known, EHRLINK_CONF_DIR "/signers.d");
        erec_signers_add_directory(known, own);
    }
    return known;
}

ErecReport *
findings_check(ErecSource *source, ErecDescription *description)
{
    return erec_check_signed(source, signers(), description);
}

static const char *
severity_words(ErecSeverity severity)
{
    switch (severity) {
    case EREC_ERROR:
        return _("error");
    case EREC_WARNING:
        return _("warning");
    case EREC_NOTE:
        break;
    }
    return _("note");
}

char *
findings_line(const ErecFinding *finding)
{
    g_autofree char *where =
        ehrlink_safe_text(finding->where != NULL ? finding->where : "", DETAIL_MAX);
    g_autofree char *detail =
        ehrlink_safe_text(finding->detail != NULL ? finding->detail : "", DETAIL_MAX);
    GString *line = g_string_new(NULL);

    g_string_append_printf(line, "%s %s: %s", severity_words(finding->severity), finding->id,
                           _(finding->text));
    if (*where != '\0' && *detail != '\0')
        g_string_append_printf(line, " (%s: %s)", where, detail);
    else if (*where != '\0' || *detail != '\0')
        g_string_append_printf(line, " (%s%s)", where, detail);
    return g_string_free(line, FALSE);
}

char *
findings_summary(const ErecReport *report)
{
    g_autofree char *errors =
        g_strdup_printf(ngettext("%u error", "%u errors", report->errors), report->errors);
    g_autofree char *warnings = g_strdup_printf(
        ngettext("%u warning", "%u warnings", report->warnings), report->warnings);

    if (report->errors > 0 && report->warnings > 0)
        return g_strdup_printf("%s, %s", errors, warnings);
    if (report->errors > 0)
        return g_steal_pointer(&errors);
    return report->warnings > 0 ? g_steal_pointer(&warnings) : g_strdup(_("nothing found"));
}

static void
add_finding(JsonBuilder *builder, const ErecFinding *finding)
{
    json_builder_begin_object(builder);
    output_member_string(builder, "rule", finding->id);
    output_member_string(builder, "severity", erec_severity_name(finding->severity));
    output_member_string(builder, "text", finding->text);
    output_member_string(builder, "where", finding->where);
    output_member_string(builder, "detail", finding->detail);
    if (finding->entry >= 0)
        output_member_int(builder, "entry", finding->entry);
    output_member_int(builder, "offset", (gint64)finding->offset);
    json_builder_end_object(builder);
}

void
findings_members(JsonBuilder *builder, const ErecReport *report)
{
    const ErecSeverity worst = erec_report_worst(report);

    output_member_string(builder, "verdict",
                         worst == EREC_NOTE ? "ok" : erec_severity_name(worst));
    output_member_int(builder, "errors", report->errors);
    output_member_int(builder, "warnings", report->warnings);
    json_builder_set_member_name(builder, "findings");
    json_builder_begin_array(builder);
    for (guint i = 0; i < report->findings->len; i++)
        add_finding(builder, g_ptr_array_index(report->findings, i));
    json_builder_end_array(builder);
}

void
findings_file_members(JsonBuilder *builder, const ErecDescription *d, const ErecReport *report)
{
    output_member_string(builder, "kind", erec_kind_name(d->kind));
    output_member_string(builder, "media-type", d->media_type);
    output_member_string(builder, "form", d->form);
    output_member_string(builder, "fhir-version", d->fhir_version);
    output_member_string(builder, "category", d->category);
    findings_members(builder, report);
}

char *
findings_what(const ErecDescription *d)
{
    const char *kind = _(erec_kind_words(d->kind));
    const char *category =
        g_str_equal(d->category, "other") ? NULL : erec_category_words(d->category);

    return category != NULL ? g_strdup_printf("%s, %s", kind, _(category)) : g_strdup(kind);
}

gboolean
findings_bad_signature(const ErecReport *report)
{
    return report->bad_signatures > 0;
}
