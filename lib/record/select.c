/* SPDX-License-Identifier: Apache-2.0
 *
 * Which records of an index a question asks for (PROTOCOL.md, section 8.2): the last part of
 * index.h. The index is in order of dates, so that "the newest so many" are the first that fit.
 */
#include <string.h>

#include "lib/record/index.h"

#define DAY_LENGTH 10 /* YYYY-MM-DD */

static gsize
day_length(const char *date)
{
    return MIN(strcspn(date, "T"), DAY_LENGTH);
}

/* By calendar day as written, as far as both are precise. */
static int
compare_days(const char *a, const char *b)
{
    return strncmp(a, b, MIN(day_length(a), day_length(b)));
}

static gboolean
is_named(const ErecIndexed *record, const char *const *ids)
{
    const char *slash = strrchr(record->path, '/');

    return ids == NULL || g_strv_contains(ids, slash != NULL ? slash + 1 : record->path) ||
           (record->identifier != NULL && g_strv_contains(ids, record->identifier));
}

static gboolean
is_of(const ErecIndexed *record, const ErecQuery *query)
{
    if (query->categories == NULL || g_strv_contains(query->categories, record->category))
        return TRUE;
    /* what is not known to be anything may be what is asked for */
    return !query->exact && strcmp(record->category, "other") == 0;
}

static gboolean
fits(const ErecIndexed *record, const ErecQuery *query)
{
    if (!is_of(record, query) || !is_named(record, query->ids) ||
        (query->type != NULL && g_strcmp0(query->type, record->type_code) != 0))
        return FALSE;
    if (record->date == NULL) /* nobody can say that it is too old */
        return TRUE;
    return (query->since == NULL || compare_days(record->date, query->since) >= 0) &&
           (query->until == NULL || compare_days(record->date, query->until) <= 0);
}

/* Those of the last day that counts come with it. */
static void
select_one(const ErecIndex *self, const ErecQuery *query, const gboolean *wanted,
           gboolean *chosen)
{
    const char *limit = NULL;
    guint n = 0;

    for (guint i = 0; i < erec_index_n(self); i++) {
        const ErecIndexed *record = erec_index_get(self, i);

        if (!wanted[i] || !fits(record, query))
            continue;
        if (record->date != NULL && query->last > 0) {
            if (n == query->last && strncmp(record->date, limit, DAY_LENGTH) != 0)
                continue;
            if (n < query->last) {
                n++;
                limit = record->date;
            }
        }
        chosen[i] = TRUE;
    }
}

void
erec_index_select(const ErecIndex *self, const ErecQuery *queries, guint n_queries,
                  gboolean *chosen)
{
    const guint n = erec_index_n(self);
    g_autofree gboolean *wanted = g_memdup2(chosen, n * sizeof *chosen);

    if (n_queries == 0 || n == 0)
        return;
    memset(chosen, 0, n * sizeof *chosen);
    for (guint i = 0; i < n_queries; i++)
        select_one(self, &queries[i], wanted, chosen);
}
