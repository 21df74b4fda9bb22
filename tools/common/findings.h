/* SPDX-License-Identifier: Apache-2.0
 *
 * What a check of a record found, in words and as JSON. Everything from the record is made
 * harmless before it is printed.
 */
#pragma once

#include <json-glib/json-glib.h>

#include "lib/record/check.h"

/* erec_check() with those whom this device and this user trust to sign records: signers.d in the
 * service's directory of configuration, and in that of the user. */
ErecReport *findings_check(ErecSource *source, ErecDescription *description);
/* "error bdl-10: a document needs a timestamp (Bundle.timestamp)"; transfer full. */
char *findings_line(const ErecFinding *finding);
/* "2 errors, 1 warning", "nothing found"; transfer full. */
char *findings_summary(const ErecReport *report);
/* Adds "verdict" (ok, warning, error), "errors", "warnings" and the array "findings" to an
 * object that is open. */
void findings_members(JsonBuilder *builder, const ErecReport *report);
/* The same after "kind", "media-type", "form", "fhir-version" and "category": all that is known
 * of one file. */
void findings_file_members(JsonBuilder *builder, const ErecDescription *description,
                           const ErecReport *report);
/* "a FHIR record, patient summary"; transfer full. */
char *findings_what(const ErecDescription *description);
/* Whether a signature in it does not hold: to be said before all else. */
gboolean findings_bad_signature(const ErecReport *report);
