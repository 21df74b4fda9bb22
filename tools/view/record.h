/* SPDX-License-Identifier: Apache-2.0
 *
 * ViewRecord: one file that is shown, looked into. From a directory of ehr-receive what its
 * session.json says of the file too.
 */
#pragma once

#include <gio/gio.h>

#include "lib/record/check.h"
#include "lib/record/summary.h"
#include "tools/common/received.h"

typedef struct {
    char *path;                  /* owned */
    char *name;                  /* owned: as shown, not safe */
    guint64 size;                /* bytes */
    ErecDescription description; /* owned */
    ErecReport *report;          /* owned */
    ErecSummary *summary;        /* owned; NULL: not FHIR R4 in JSON */
    gboolean patient_entered;    /* says its manifest, or the record itself */
    ReceivedVerdict received;    /* against the receipt beside it */
    char *organisation;          /* owned, not safe; only of RECEIVED_VERIFIED */
    char *attendant;             /* owned, not safe, nullable: who was at the desk there */
} ViewRecord;

/* The records of each FILE or directory, patient summaries first; `language` is the reader's.
 * NULL with an error of the first that cannot be read. */
GPtrArray *view_records_load(char *const *files, const char *language, GError **error);
/* What it is, safe to be shown; transfer full. */
char *view_record_what(const ViewRecord *record);
