/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecSummary: what a clinician reads of a FHIR R4 file: who it is about, and sections of
 * entries with everything that must not be left out: date, status, certainty, criticality, dose
 * with unit, negation. It decides what may be listed as current and what must not be; how it
 * looks is for others (tools/view).
 *
 * Texts are of two kinds, and are never mixed: a `word` is ours, static and a key for gettext;
 * a `text` is the record's own, as written, in whatever language, and not safe to be shown as
 * it is (erec_shown_new()).
 */
#pragma once

#include "lib/record/bundle.h"

/* In the order in which they are listed. Only the first is ever listed as current. */
typedef enum {
    EREC_CURRENT,
    EREC_PAST,          /* stopped, resolved, on hold, not yet begun */
    EREC_NEGATED,       /* refuted, not done, not taken, cancelled */
    EREC_SOMEBODY_ELSE, /* its subject is another patient of the file */
    EREC_UNSAFE,        /* has a modifier that we do not know: see the original narrative */
    EREC_IN_ERROR,      /* withdrawn: was never true */
} ErecStanding;

/* What "there is nothing" means. No two of them may read alike. */
typedef enum {
    EREC_PRESENT,        /* there is something */
    EREC_NONE_KNOWN,     /* somebody looked, and knows of none */
    EREC_NO_INFORMATION, /* nobody knows */
    EREC_NOT_ASKED,
    EREC_WITHHELD,
    EREC_NOT_STARTED,
    EREC_EMPTY_REASON, /* another reason, in the record's own words */
    EREC_TEXT_ONLY,    /* a narrative and no entries */
    EREC_NOTHING,      /* neither entries nor a reason nor a narrative */
    EREC_ABSENT,       /* the document has no such section */
} ErecAbsence;

/* One thing said of an entry. Exactly one of word and text is set. */
typedef struct {
    const char *label; /* key for gettext; "" for none; static */
    const char *word;  /* key for gettext; static; nullable */
    char *text;        /* owned, nullable */
} ErecFact;

typedef struct ErecItem ErecItem;
struct ErecItem {
    guint entry; /* index in the bundle */
    char *type;  /* owned: resourceType, as written */
    char *what;  /* owned, the record's own words; NULL when it has none */
    char *code;  /* owned: "SNOMED CT 91936005", set when there are no words; nullable */
    ErecStanding standing;
    ErecAbsence absence; /* of an entry that says that there is nothing; else PRESENT */
    GArray *facts;       /* owned, of ErecFact, the most important first */
    GPtrArray *children; /* owned, of ErecItem: results of a report, parts of a panel */
    char *language;      /* owned, nullable: of the record's words */
    char *narrative;     /* owned, nullable: the author's XHTML, as written: hostile */
    gboolean patient_entered;
};

typedef struct {
    const char *word; /* of a section that is known; key for gettext; NULL else; static */
    char *title;      /* owned, nullable: the record's own */
    ErecAbsence absence;
    char *reason;     /* owned, nullable: of EREC_EMPTY_REASON */
    GPtrArray *items; /* owned, of ErecItem, by standing, else in the record's order */
    char *narrative;  /* owned, nullable */
    guint missing;    /* entries that are listed and not in the file */
    guint unread;     /* entries that are listed and cannot be read */
    guint elsewhere;  /* entries that are listed here, and shown in another section only */
} ErecSection;

typedef struct {
    gboolean is_document, is_ips;
    gboolean unsafe;   /* modifier of the whole: nothing of it can be shown safely */
    gboolean in_error; /* the whole document is withdrawn */
    guint n_patients;  /* more than one: about more than one person */
    GArray *person;    /* owned, of ErecFact: name, birth date, sex, identifiers… */
    gboolean person_unsafe;
    GArray *document;    /* owned, of ErecFact: title, status, author, custodian */
    char *date;          /* owned, nullable: Composition.date: when the content was true */
    char *language;      /* owned, nullable: what the record says its language is */
    char *narrative;     /* owned, nullable: of the Composition, or the single resource */
    GPtrArray *sections; /* owned, of ErecSection: allergies, medications, problems first */
    guint unread;        /* entries that could not be read: see the check */
} ErecSummary;

/* `language` (nullable) is the reader's ("de"): where the record has a translation into it,
 * that is taken. Never fails: what cannot be read is counted. */
ErecSummary *erec_summary_new(const ErecBundle *bundle, const char *language);
void erec_summary_free(ErecSummary *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecSummary, erec_summary_free)

/* "Current", "Not current"… ; key for gettext; static. */
const char *erec_standing_words(ErecStanding standing);
/* "None known"… ; key for gettext; static. */
const char *erec_absence_words(ErecAbsence absence);
/* Whether `language` (of the record, nullable) is known to be another than the reader's. */
gboolean erec_is_foreign(const char *language, const char *reader);
