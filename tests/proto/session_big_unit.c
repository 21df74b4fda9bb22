/* SPDX-License-Identifier: Apache-2.0
 *
 * Memory that does not grow with what is sent: a gigabyte in one item, and ten thousand items.
 */
#include <glib.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "pair.h"

static size_t
resident_kb(void)
{
    unsigned long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");

    g_assert_nonnull(f);
    g_assert_cmpint(fscanf(f, "%lu %lu", &pages, &resident), ==, 2);
    fclose(f);
    return resident * (size_t)sysconf(_SC_PAGESIZE) / 1024;
}

/* The most that is resident while it runs, over what was before. */
static size_t
peak_of(pair *w)
{
    size_t before = resident_kb(), peak = before;

    pair_start(w);
    pair_connect(w);
    for (uint64_t at = 16 << 20; !w->p.ended || !w->t.ended; at += 16 << 20) {
        size_t now;
        w->stop_at = at;
        pair_run(w);
        now = resident_kb();
        peak = MAX(peak, now);
        if (w->sent_p < at && !pair_wait(w))
            break;
    }
    g_assert_cmpint(w->p.status, ==, EHP_OK);
    g_assert_cmpint(w->t.status, ==, EHP_OK);
    g_assert_cmpuint(w->t.items_whole, ==, w->n_items);
    return peak - before;
}

static size_t
one_item(uint64_t size)
{
    pair_item item = {"one", size, 0};
    pair w;
    size_t peak;

    pair_init(&w);
    w.items = &item;
    w.n_items = 1;
    w.zstd_level = -1;
    peak = peak_of(&w);
    pair_clear(&w);
    return peak;
}

static void
test_gigabyte(void)
{
    size_t small, big;

    if (!g_test_slow()) {
        g_test_skip("a gigabyte takes a while: -m slow");
        return;
    }
    small = one_item(10u << 20);
    big = one_item(1u << 30);
    g_test_message("both sides, 10 MB: %zu KB, 1 GB: %zu KB", small, big);
    g_assert_cmpuint(big, <, small + 1024);
}

static void
test_many_items(void)
{
    size_t n = 10000, peak;
    pair_item *items = g_new(pair_item, n);
    char(*names)[32] = g_malloc(n * 32);
    pair w;

    for (size_t i = 0; i < n; i++) {
        g_snprintf(names[i], 32, "item-%zu.json", i);
        items[i] = (pair_item){names[i], 200 + i % 300, 0};
    }
    pair_init(&w);
    w.items = items;
    w.n_items = n;
    w.zstd_level = -1;
    peak = peak_of(&w);
    g_test_message("both sides and the test, 10,000 items: %zu KB", peak);
    g_assert_cmpuint(peak, <, 10 * 1024);
    pair_clear(&w);
    g_free(items);
    g_free(names);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/big/gigabyte", test_gigabyte);
    g_test_add_func("/big/many-items", test_many_items);
    return g_test_run();
}
