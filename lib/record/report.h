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

/* What a signature in the record is worth; only the first is "verified". */
typedef enum {
    EREC_SIGNED_VERIFIED,  /* it holds, and who signed is trusted here */
    EREC_SIGNED_PARTLY,    /* the same, but for the data only: not for the narrative */
    EREC_SIGNED_UNKNOWN,   /* it holds, and who signed is not known here */
    EREC_SIGNED_UNCHECKED, /* nobody here can tell */
    EREC_SIGNED_MALFORMED, /* it is none */
    EREC_SIGNED_INVALID,   /* it does not hold */
    EREC_SIGNED_REVOKED,   /* it holds, but the signer's certificate was taken back */
} ErecSignedVerdict;

typedef struct {
    gint entry; /* what it is about; -1: the whole file, but for the signature itself; -2: not
                   here */
    ErecSignedVerdict verdict;
    char *organisation; /* owned, nullable, not safe to be shown as it is */
} ErecSigned;

typedef struct {
    GPtrArray *findings; /* owned, of ErecFinding, in the order of the file */
    guint errors, warnings, notes;
    GArray *signatures;   /* owned, of ErecSigned; no more than EREC_SIGNATURES_MAX */
    guint bad_signatures; /* of any number: MALFORMED, INVALID, REVOKED */
} ErecReport;

#define EREC_FINDINGS_MAX   500
#define EREC_SIGNATURES_MAX 1000

ErecReport *erec_report_new(void);
void erec_report_free(ErecReport *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecReport, erec_report_free)

/* Takes `where` (nullable); copies `detail` (nullable), cut to a line. */
void erec_report_add(ErecReport *self, ErecRule rule, gint entry, guint64 offset, char *where,
                     const char *detail);
void erec_report_add_fault(ErecReport *self, const ErecFault *fault, gint entry);
/* Takes `organisation`. */
void erec_report_add_signature(ErecReport *self, gint entry, ErecSignedVerdict verdict,
                               char *organisation);
/* Who signed exactly this (an entry, or -1: the whole): NULL unless a signature of it is
 * verified and there is none in the file that is bad. Borrowed, not safe to be shown as it is.
 */
const char *erec_report_verified_by(const ErecReport *self, gint entry);
/* The worst of it: EREC_NOTE when there is neither error nor warning. */
ErecSeverity erec_report_worst(const ErecReport *self);
/* "error", "warning", "note"; static. */
const char *erec_severity_name(ErecSeverity severity);
/* The table, for documents and tests. */
const char *erec_rule_id(ErecRule rule);
const char *erec_rule_text(ErecRule rule);
ErecSeverity erec_rule_severity(ErecRule rule);
