/* SPDX-License-Identifier: Apache-2.0
 *
 * The category of a record, by the table in categories.def. Everything returned is static.
 */
#pragma once

#include "lib/record/bundle.h"

#define EREC_LOINC "http://loinc.org"

/* "Patient-Summaries" → words for it, a key for gettext; NULL for an unknown code. */
const char *erec_category_words(const char *code);
/* The codes in order, NULL-terminated. */
const char *const *erec_category_codes(void);
/* Of a document type in LOINC; NULL when it is in no category. */
const char *erec_category_of_loinc(const char *code);
/* Of a resource type alone; NULL when it is in no category. */
const char *erec_category_of_resource(const char *type);
/* Of a resource by what it says: type, category and code, imaging and laboratory told apart.
 * Never NULL ("other"). */
const char *erec_category_of(const ErecNode *resource);
