/* SPDX-License-Identifier: Apache-2.0
 *
 * The date of a resource: the clinically effective one, else when it was issued, else when it
 * was written down.
 */
#pragma once

#include "lib/record/json.h"

typedef enum {
    EREC_DATE_NONE,
    EREC_DATE_EFFECTIVE,
    EREC_DATE_ISSUED,
    EREC_DATE_AUTHORED
} ErecDateKind;

/* A FHIR date or dateTime as written, borrowed; NULL when the resource has none that is
 * well-formed. *kind (nullable) says which of the three it is. */
const char *erec_date_of(const ErecNode *resource, ErecDateKind *kind);
/* The place of "effectivePeriod.start" among what is believed to be a resource's date, 1 first;
 * 0: it is no such date. */
guint erec_date_rank(const char *path, ErecDateKind *kind);
/* "effective", "issued", "authored", "" ; static. */
const char *erec_date_kind_name(ErecDateKind kind);
/* FHIR date or dateTime: YYYY, YYYY-MM, YYYY-MM-DD, or with time, seconds and zone. */
gboolean erec_date_is_valid(const char *text);
