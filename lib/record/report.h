/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecReport: what a check found. Bounded: a record made of nothing but faults does not fill
 * the memory.
 */
#pragma once

#include "lib/record/fault.h"

typedef enum { EREC_NOTE, EREC_WARNING, EREC_ERROR } ErecSeverity;

typedef enum {
#define RULE(name, id, severity, text) EREC_RULE_##name,
#include "lib/record/rules.def"
#undef RULE
    EREC_N_RULES,
} ErecRule;

typedef struct {
    const char *id; /* static: of the rule, or of the fault of the bytes */
    ErecSeverity severity;
    const char *text; /* static, a key for gettext */
    gint entry;       /* index in the bundle; -1: the file as a whole */
    guint64 offset;   /* of what it is about, in the file */
    char *where;      /* owned, nullable: "Observation.component[1].code" */
    char *detail;     /* owned, nullable: from the record, not safe to be shown as it is */
} ErecFinding;

typedef struct {
    GPtrArray *findings; /* owned, of ErecFinding, in the order of the file */
    guint errors, warnings, notes;
} ErecReport;

#define EREC_FINDINGS_MAX 500

ErecReport *erec_report_new(void);
void erec_report_free(ErecReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecReport, erec_report_free)

/* Takes `where` (nullable); copies `detail` (nullable), cut to a line. */
void erec_report_add(ErecReport *self, ErecRule rule, gint entry, guint64 offset, char *where,
                     const char *detail);
void erec_report_add_fault(ErecReport *self, const ErecFault *fault, gint entry);
/* The worst of it: EREC_NOTE when there is neither error nor warning. */
ErecSeverity erec_report_worst(const ErecReport *self);
/* "error", "warning", "note"; static. */
const char *erec_severity_name(ErecSeverity severity);
/* The table, for documents and tests. */
const char *erec_rule_id(ErecRule rule);
const char *erec_rule_text(ErecRule rule);
ErecSeverity erec_rule_severity(ErecRule rule);
