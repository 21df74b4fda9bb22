/* SPDX-License-Identifier: Apache-2.0
 *
 * The closed tables of proto/ehrlink.proto as words of the bus. Pure.
 */
#pragma once

#include <glib.h>

/* Each returns the word, or NULL for a number that is not in the table (unspecified included).
 */
const char *ehd_purpose_code(int purpose);     /* "TREAT" */
const char *ehd_category_code(int category);   /* "Patient-Summaries", "other" */
const char *ehd_acting_as_code(int acting_as); /* "self" */
const char *ehd_assurance_code(int assurance); /* "stated" */
/* The inverse; 0 for an unknown word. */
int ehd_purpose_from_code(const char *code);
int ehd_category_from_code(const char *code);
int ehd_acting_as_from_code(const char *code);
int ehd_assurance_from_code(const char *code);
