/* SPDX-License-Identifier: Apache-2.0
 *
 * See report.h. The table is rules.def.
 */
#include "lib/record/report.h"

#include <string.h>

#define DETAIL_MAX 200

static const struct {
    const char *id;
    ErecSeverity severity;
    const char *text;
} rules[] = {
#define RULE(name, id, severity, text) [EREC_RULE_##name] = {id, EREC_##severity, text},
#include "lib/record/rules.def"
#undef RULE
};

static void
finding_free(gpointer data)
{
    ErecFinding *finding = data;

    g_free(finding->where);
    g_free(finding->detail);
    g_free(finding);
}

static void
clear_signed(gpointer data)
{
    g_free(((ErecSigned *)data)->organisation);
}

ErecReport *
erec_report_new(void)
{
    ErecReport *self = g_new0(ErecReport, 1);

    self->findings = g_ptr_array_new_with_free_func(finding_free);
    self->signatures = g_array_new(FALSE, FALSE, sizeof(ErecSigned));
    g_array_set_clear_func(self->signatures, clear_signed);
    return self;
}

void
erec_report_free(ErecReport *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->findings);
    g_array_unref(self->signatures);
    g_free(self);
}

static void
append(ErecReport *self, ErecFinding finding)
{
    if (self->findings->len == EREC_FINDINGS_MAX) {
        finding_free(g_memdup2(&finding, sizeof finding));
        return;
    }
    g_ptr_array_add(self->findings, g_memdup2(&finding, sizeof finding));
}

static void
count(ErecReport *self, ErecSeverity severity)
{
    self->errors += severity == EREC_ERROR;
    self->warnings += severity == EREC_WARNING;
    self->notes += severity == EREC_NOTE;
    if (self->findings->len == EREC_FINDINGS_MAX - 1)
        append(self,
               (ErecFinding){rules[EREC_RULE_TOO_MANY].id, rules[EREC_RULE_TOO_MANY].severity,
                             rules[EREC_RULE_TOO_MANY].text, -1, 0, NULL, NULL});
}

/* One line of valid UTF-8. */
static char *
detail_of(const char *text)
{
    g_autofree char *cut = NULL;

    if (text == NULL)
        return NULL;
    cut = g_strndup(text, DETAIL_MAX);
    return g_utf8_make_valid(cut, -1);
}

void
erec_report_add(ErecReport *self, ErecRule rule, gint entry, guint64 offset, char *where,
                const char *detail)
{
    count(self, rules[rule].severity);
    append(self, (ErecFinding){rules[rule].id, rules[rule].severity, rules[rule].text, entry,
                               offset, where, detail_of(detail)});
}

void
erec_report_add_fault(ErecReport *self, const ErecFault *fault, gint entry)
{
    count(self, EREC_ERROR);
    append(self, (ErecFinding){erec_fault_id(fault->code), EREC_ERROR,
                               erec_fault_text(fault->code), entry, fault->offset, NULL, NULL});
}

void
erec_report_add_signature(ErecReport *self, gint entry, ErecSignedVerdict verdict,
                          char *organisation)
{
    ErecSigned one = {entry, verdict, organisation};

    self->bad_signatures += verdict == EREC_SIGNED_MALFORMED ||
                            verdict == EREC_SIGNED_INVALID || verdict == EREC_SIGNED_REVOKED;
    if (self->signatures->len < EREC_SIGNATURES_MAX)
        g_array_append_val(self->signatures, one);
    else
        clear_signed(&one);
}

const char *
erec_report_verified_by(const ErecReport *self, gint entry)
{
    for (guint i = 0; i < self->signatures->len && self->bad_signatures == 0; i++) {
        const ErecSigned *one = &g_array_index(self->signatures, ErecSigned, i);

        if (one->entry == entry && one->verdict == EREC_SIGNED_VERIFIED)
            return one->organisation;
    }
    return NULL;
}

ErecSeverity
erec_report_worst(const ErecReport *self)
{
    return self->errors > 0 ? EREC_ERROR : self->warnings > 0 ? EREC_WARNING : EREC_NOTE;
}

const char *
erec_severity_name(ErecSeverity severity)
{
    static const char *const names[] = {"note", "warning", "error"};

    return names[severity];
}

const char *
erec_rule_id(ErecRule rule)
{
    return rules[rule].id;
}

const char *
erec_rule_text(ErecRule rule)
{
    return rules[rule].text;
}

ErecSeverity
erec_rule_severity(ErecRule rule)
{
    return rules[rule].severity;
}
