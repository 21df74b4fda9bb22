/* SPDX-License-Identifier: Apache-2.0
 *
 * Queries. Quadratic in nothing that a peer chooses: for most_recent the dates of what fits are
 * sorted, at most EHP_ITEMS_MAX of them, once for each of at most EHP_QUERIES_MAX.
 */
#include "proto/query.h"

#include <string.h>

#define DAY_LEN 10 /* YYYY-MM-DD */

static size_t
day_len(const char *date)
{
    size_t n = 0;

    while (n < DAY_LEN && date[n] != '\0' && date[n] != 'T')
        n++;
    return n;
}

int
ehp_query_compare_dates(const char *a, const char *b)
{
    size_t x = day_len(a), y = day_len(b);

    return strncmp(a, b, x < y ? x : y);
}

bool
ehp_query_is_date(const char *text)
{
    static const char form[] = "dddd-dd-dd";
    size_t n = day_len(text);

    if (n != 4 && n != 7 && n != DAY_LEN)
        return false;
    for (size_t i = 0; i < n; i++)
        if (form[i] == 'd' ? text[i] < '0' || text[i] > '9' : text[i] != form[i])
            return false;
    return text[n] == '\0' || (n == DAY_LEN && text[n] == 'T');
}

static bool
dated(const Ehp__ItemEntry *entry)
{
    return entry->date != NULL && ehp_query_is_date(entry->date);
}

/* Without a sign, a leading zero or anything else. */
static bool
is_number(const char *text, int64_t number)
{
    int64_t value = 0;
    size_t n = strlen(text);

    if (n == 0 || n > 9 || (n > 1 && text[0] == '0'))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (text[i] < '0' || text[i] > '9')
            return false;
        value = value * 10 + (text[i] - '0');
    }
    return value == number;
}

static bool
names(const Ehp__ItemQuery *query, const Ehp__ItemEntry *entry, int64_t listed)
{
    for (size_t i = 0; i < query->n_id; i++)
        if ((listed >= 0 && is_number(query->id[i], listed)) ||
            (entry->name != NULL && strcmp(query->id[i], entry->name) == 0))
            return true;
    return query->n_id == 0;
}

static bool
is_of(const Ehp__ItemQuery *query, const Ehp__ItemEntry *entry)
{
    for (size_t i = 0; i < query->n_category; i++)
        if (query->category[i] == entry->category)
            return true;
    /* what is not known to be anything may be what is asked for */
    return query->n_category == 0 || entry->category == EHP__CATEGORY__CATEGORY_OTHER ||
           entry->category == EHP__CATEGORY__CATEGORY_UNSPECIFIED;
}

bool
ehp_query_fits(const Ehp__ItemQuery *query, const Ehp__ItemEntry *entry, int64_t listed)
{
    if (!is_of(query, entry) || !names(query, entry, listed))
        return false;
    if (query->type != NULL &&
        (entry->type_code == NULL || strcmp(query->type, entry->type_code) != 0))
        return false;
    if (!dated(entry)) /* nobody can say that it is too old */
        return true;
    return (query->since == NULL || ehp_query_compare_dates(entry->date, query->since) >= 0) &&
           (query->until == NULL || ehp_query_compare_dates(entry->date, query->until) <= 0);
}

/* The latest first; Shell's, with Knuth's gaps: at most n^1.5. */
static void
sort(const char **dates, size_t n)
{
    size_t gap = 1;

    while (gap < n / 3)
        gap = 3 * gap + 1;
    for (; gap > 0; gap /= 3)
        for (size_t i = gap; i < n; i++) {
            const char *date = dates[i];
            size_t at = i;
            for (; at >= gap && strncmp(dates[at - gap], date, DAY_LEN) < 0; at -= gap)
                dates[at] = dates[at - gap];
            dates[at] = date;
        }
}

/* The date of the n-th latest of what fits; NULL: there are no more than that. */
static const char *
nth_latest(const Ehp__ItemQuery *query, Ehp__ItemEntry *const *entries, size_t n,
           const bool *fits)
{
    const char *dates[EHP_ITEMS_MAX];
    size_t n_dates = 0;

    for (size_t i = 0; i < n; i++)
        if (fits[i] && dated(entries[i]))
            dates[n_dates++] = entries[i]->date;
    if (n_dates <= query->most_recent)
        return NULL;
    sort(dates, n_dates);
    return dates[query->most_recent - 1];
}

static void
select_one(const Ehp__ItemQuery *query, Ehp__ItemEntry *const *entries, size_t n,
           const bool *wanted, const int64_t *listed, bool *chosen)
{
    bool fits[EHP_ITEMS_MAX];
    const char *limit = NULL;

    for (size_t i = 0; i < n; i++)
        fits[i] = (wanted == NULL || wanted[i]) &&
                  ehp_query_fits(query, entries[i], listed != NULL ? listed[i] : -1);
    if (query->has_most_recent && query->most_recent > 0)
        limit = nth_latest(query, entries, n, fits);
    for (size_t i = 0; i < n; i++)
        chosen[i] |= fits[i] && (limit == NULL || !dated(entries[i]) ||
                                 strncmp(entries[i]->date, limit, DAY_LEN) >= 0);
}

void
ehp_query_select(Ehp__ItemQuery *const *queries, size_t n_queries,
                 Ehp__ItemEntry *const *entries, size_t n_entries, const bool *wanted,
                 const int64_t *listed, bool *chosen)
{
    for (size_t i = 0; i < n_entries; i++)
        chosen[i] = n_queries == 0 && (wanted == NULL || wanted[i]);
    for (size_t q = 0; q < n_queries; q++)
        select_one(queries[q], entries, n_entries, wanted, listed, chosen);
}
