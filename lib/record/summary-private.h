/* SPDX-License-Identifier: Apache-2.0
 *
 * What summary.c (the document, the person) and summary-sections.c share.
 */
#pragma once

#include "lib/record/item.h"

/* An array of ErecSection, empty. */
GPtrArray *erec_sections_new(void);
/* All sections of the summary, in the reader's order, from a Composition (NULL: there is none) and
 * from the entries that none of its sections lists. */
void erec_sections_take(ErecReading *reading, ErecSummary *self, const ErecNode *composition);
