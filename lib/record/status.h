/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR's own codes of status, certainty and absence: words for them, and whether what has them
 * may be listed as current. Everything returned is static; words are keys for gettext.
 */
#pragma once

#include "lib/record/summary.h"

/* A status, clinicalStatus or verificationStatus of that resource type. NULL: not one of
 * FHIR's. */
const char *erec_status_words(const char *code);
ErecStanding erec_status_standing(const char *type, const char *code);
/* Words for the other closed codes that are shown: criticality, severity, category, intent,
 * gender; NULL when it is not one of them. */
const char *erec_code_words(const char *code);
/* Of a list's emptyReason. */
ErecAbsence erec_absence_of_reason(const char *code);
/* Of the code of an entry that says that there is nothing ("no known allergies"); PRESENT for
 * all others. */
ErecAbsence erec_absence_of_concept(const ErecNode *concept);
