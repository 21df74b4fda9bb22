/* SPDX-License-Identifier: Apache-2.0
 *
 * What an ItemQuery means (PROTOCOL.md, section 8.2), over entries of a manifest. Whoever
 * answers a request from more than that (a folder, an index) follows the same words. Pure.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"
#include "proto/ehrlink.pb-c.h"

/* One condition after the other, all but most_recent. listed: the entry's id in the list that
 * the query may speak of, or -1. */
bool ehp_query_fits(const Ehp__ItemQuery *query, const Ehp__ItemEntry *entry, int64_t listed);

/* chosen[i]: entry i fits one of the queries, most_recent counted over what has wanted[i]
 * (NULL: all). listed[i] as above, NULL: none is. No query at all: everything fits. */
void ehp_query_select(Ehp__ItemQuery *const *queries, size_t n_queries,
                      Ehp__ItemEntry *const *entries, size_t n_entries, const bool *wanted,
                      const int64_t *listed, bool *chosen);

/* Before 0, after > 0: FHIR dates of any precision by calendar day as written, as far as both
 * are precise. */
int ehp_query_compare_dates(const char *a, const char *b);
/* A FHIR date or dateTime, down to the day at most as far as a query looks: YYYY, YYYY-MM,
 * YYYY-MM-DD, or that and "T…". */
bool ehp_query_is_date(const char *text);
