/* SPDX-License-Identifier: Apache-2.0
 *
 * The corpus of public records that may lie beside the project (or at EHRLINK_SHARED); nothing
 * of it is committed.
 */
#pragma once

#include "lib/record/source.h"

/* "ips/AU-aups-basicsummary.json" → its source; NULL after g_test_skip() when it is not here.
 */
ErecSource *corpus_open(const char *name);
/* The names in a folder of it, sorted; NULL after g_test_skip(). */
GPtrArray *corpus_list(const char *folder);
/* A source over text in memory. */
ErecSource *source_of(const char *text, gssize length);
