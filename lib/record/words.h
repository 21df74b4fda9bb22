/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR's data types as words: codes, quantities, times, doses. No word of ours is in them, so
 * that they need no translation: numbers, units and the record's own words, joined by signs.
 * All transfer full, NULL when there is nothing to say.
 */
#pragma once

#include "lib/record/json.h"

/* Of a CodeableConcept: its translation into `language` (nullable), else its text, else a
 * display. NULL when it has codes only. */
char *erec_words_concept(const ErecNode *concept, const char *language);
/* Of what has codes only: "SNOMED CT 91936005". */
char *erec_words_code(const ErecNode *concept);
/* The one of the two that there is; codes in brackets. */
char *erec_words_any(const ErecNode *concept, const char *language);
/* Of an array of concepts at the path, or one: joined by ", ". */
char *erec_words_concepts(const ErecNode *node, const char *path, const char *language);
/* "< 5 mg"; *no_unit (nullable) is set when it has a number and no unit. */
char *erec_words_quantity(const ErecNode *quantity, gboolean *no_unit);
/* "1 – 2 mg" */
char *erec_words_range(const ErecNode *range, gboolean *no_unit);
/* dateTime, Period ("2019 – 2020", "2019 –"), Age, Range, string, Timing: whatever name[x] is.
 */
char *erec_words_choice(const ErecNode *value, const char *language, gboolean *no_unit);
/* One Dosage: its text, or dose, rate, times, route, joined by ", ". When it has both, both:
 * they may differ. */
char *erec_words_dosage(const ErecNode *dosage, const char *language, gboolean *no_unit);
/* HumanName, "Anna Maria Müller". */
char *erec_words_name(const ErecNode *name);
/* Address in one line. */
char *erec_words_address(const ErecNode *address);
