/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <string.h>

#include "proto/query.h"

typedef struct {
    const char *name, *date, *type;
    int category;
} row;

static const row rows[] = {
    {"old.json", "2019", "http://loinc.org|60591-5", 1},
    {"lab-1.json", "2024-05-03", "http://loinc.org|11502-2", 5},
    {"lab-2.json", "2024-05-03T10:00:00+02:00", "http://loinc.org|11502-2", 5},
    {"lab-3.json", "2024-06", NULL, 5},
    {"letter.pdf", NULL, NULL, 31},
    {"scan.dcm", "2025-01-31T23:59:59Z", "http://loinc.org|18748-4", 4},
    {"odd", "last week", NULL, 31},
};
#define N G_N_ELEMENTS(rows)

typedef struct {
    int category;
    const char *type, *since, *until;
    guint last;
    const char *id;
    const char *want; /* one letter an entry: x chosen */
} question;

static const question questions[] = {
    {0, NULL, NULL, NULL, 0, NULL, "xxxxxxx"},
    {5, NULL, NULL, NULL, 0, NULL, ".xxxx.x"},
    {0, "http://loinc.org|11502-2", NULL, NULL, 0, NULL, ".xx...."},
    {0, "11502-2", NULL, NULL, 0, NULL, "......."},
    {0, NULL, "2024-05-03", NULL, 0, NULL, ".xxxxxx"},
    {0, NULL, "2024-05-04", NULL, 0, NULL, "...xxxx"},
    {0, NULL, "2024", NULL, 0, NULL, ".xxxxxx"},
    {0, NULL, NULL, "2024-05", 0, NULL, "xxx.x.x"},
    {0, NULL, "2024", "2024", 0, NULL, ".xxxx.x"},
    {0, NULL, "2019-07", "2019-08", 0, NULL, "x...x.x"},
    {0, NULL, NULL, NULL, 1, NULL, "....xxx"},
    {0, NULL, NULL, NULL, 2, NULL, "...xxxx"},
    {0, NULL, NULL, NULL, 3, NULL, ".xxxxxx"}, /* of one day: both */
    {0, NULL, NULL, NULL, 99, NULL, "xxxxxxx"},
    {5, NULL, NULL, NULL, 1, NULL, "...xx.x"},
    {0, NULL, NULL, NULL, 0, "4", "....x.."},
    {0, NULL, NULL, NULL, 0, "04", "......."},
    {0, NULL, NULL, NULL, 0, "4x", "......."},
    {0, NULL, NULL, NULL, 0, "-1", "......."},
    {0, NULL, NULL, NULL, 0, "99999999999999999999", "......."},
    {0, NULL, NULL, NULL, 0, "scan.dcm", ".....x."},
    {5, NULL, NULL, NULL, 0, "5", "......."},
};

static Ehp__ItemEntry store[N], *entries[N];
static int64_t listed[N];

static void
fill(void)
{
    for (size_t i = 0; i < N; i++) {
        ehp__item_entry__init(&store[i]);
        store[i].name = (char *)rows[i].name;
        store[i].date = (char *)rows[i].date;
        store[i].type_code = (char *)rows[i].type;
        store[i].category = (Ehp__Category)rows[i].category;
        entries[i] = &store[i];
        listed[i] = (int64_t)i;
    }
}

static void
to_wire(const question *q, Ehp__ItemQuery *query, Ehp__Category *category, char **id)
{
    ehp__item_query__init(query);
    *category = (Ehp__Category)q->category;
    query->category = category;
    query->n_category = q->category != 0;
    query->type = (char *)q->type;
    query->since = (char *)q->since;
    query->until = (char *)q->until;
    query->has_most_recent = q->last > 0;
    query->most_recent = q->last;
    *id = (char *)q->id;
    query->id = id;
    query->n_id = q->id != NULL;
}

static void
test_select(void)
{
    fill();
    for (size_t k = 0; k < G_N_ELEMENTS(questions); k++) {
        Ehp__ItemQuery query, *queries[] = {&query};
        Ehp__Category category;
        char *id, got[N + 1] = {0};
        bool chosen[N];
        to_wire(&questions[k], &query, &category, &id);
        ehp_query_select(queries, 1, entries, N, NULL, listed, chosen);
        for (size_t i = 0; i < N; i++)
            got[i] = chosen[i] ? 'x' : '.';
        g_test_message("question %zu", k);
        g_assert_cmpstr(got, ==, questions[k].want);
    }
}

/* last N counts after withholding; without a list numbers name nothing; queries are either-or.
 */
static void
test_wanted(void)
{
    Ehp__ItemQuery query, other, *queries[] = {&query, &other};
    Ehp__Category category, category2;
    char *id, *id2;
    bool chosen[N], wanted[N];

    fill();
    memset(wanted, true, sizeof(wanted));
    wanted[5] = false;
    to_wire(&(const question){.last = 1}, &query, &category, &id);
    ehp_query_select(queries, 1, entries, N, wanted, NULL, chosen);
    g_assert_true(chosen[3] && chosen[4] && chosen[6]);
    g_assert_false(chosen[0] || chosen[1] || chosen[2] || chosen[5]);
    to_wire(&(const question){.id = "4"}, &query, &category, &id);
    ehp_query_select(queries, 1, entries, N, NULL, NULL, chosen);
    for (size_t i = 0; i < N; i++)
        g_assert_false(chosen[i]);
    to_wire(&(const question){.category = 1}, &query, &category, &id);
    to_wire(&(const question){.category = 4}, &other, &category2, &id2);
    ehp_query_select(queries, 2, entries, N, NULL, NULL, chosen);
    for (size_t i = 0; i < N; i++)
        g_assert_cmpint(chosen[i], ==, i == 0 || i >= 4); /* and what is not known */
    ehp_query_select(NULL, 0, entries, N, wanted, NULL, chosen);
    for (size_t i = 0; i < N; i++)
        g_assert_cmpint(chosen[i], ==, i != 5);
}

/* A terminal that asks for all but one of as many as there may be, in as many ways as it may: the
 * answer does not take minutes. */
static void
test_most(void)
{
    const size_t n = EHP_ITEMS_MAX;
    g_autofree Ehp__ItemEntry *many = g_new(Ehp__ItemEntry, n);
    g_autofree Ehp__ItemEntry **list = g_new(Ehp__ItemEntry *, n);
    g_autofree char *dates = g_malloc(n * 11);
    g_autofree bool *chosen = g_new(bool, n);
    Ehp__ItemQuery query, *queries[EHP_QUERIES_MAX];
    Ehp__Category category;
    char *id;
    size_t left_out = 0;

    for (size_t i = 0; i < n; i++) {
        const unsigned day = (unsigned)(i * 7919 % n); /* each once */

        ehp__item_entry__init(&many[i]);
        g_snprintf(dates + i * 11, 11, "%04u-%02u-%02u", day / 10000, day / 100 % 100, day % 100);
        many[i].name = (char *)"x";
        many[i].date = dates + i * 11;
        list[i] = &many[i];
    }
    to_wire(&(const question){.last = (uint32_t)n - 1}, &query, &category, &id);
    for (size_t i = 0; i < G_N_ELEMENTS(queries); i++)
        queries[i] = &query;
    ehp_query_select(queries, G_N_ELEMENTS(queries), list, n, NULL, NULL, chosen);
    for (size_t i = 0; i < n; i++)
        left_out += !chosen[i];
    g_assert_cmpuint(left_out, ==, 1);
    g_assert_false(chosen[0]); /* the earliest */
}

static void
test_dates(void)
{
    static const char *const good[] = {"2024", "2024-05", "2024-05-03", "2024-05-03T10:00:00Z"};
    static const char *const bad[] = {
        "",        "24",         "2024-5", "2024-05-3", "2024-05-033",
        "2024T10", "2024-05T10", "x024",   "2024/05",   "2024-"};

    for (size_t i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(ehp_query_is_date(good[i]));
    for (size_t i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(ehp_query_is_date(bad[i]));
    g_assert_cmpint(ehp_query_compare_dates("2024", "2024-12-31"), ==, 0);
    g_assert_cmpint(ehp_query_compare_dates("2023-12", "2024"), <, 0);
    g_assert_cmpint(ehp_query_compare_dates("2024-05-03T01:00Z", "2024-05-03T23:00Z"), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/query/select", test_select);
    g_test_add_func("/query/most", test_most);
    g_test_add_func("/query/wanted", test_wanted);
    g_test_add_func("/query/dates", test_dates);
    return g_test_run();
}
