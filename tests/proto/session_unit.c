/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/receipt.h"

static void
expect_done(pair *w)
{
    g_assert_true(w->p.ended);
    g_assert_true(w->t.ended);
    g_assert_cmpstr(ehp_status_name(w->p.status), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(w->t.status), ==, "Ok");
    g_assert_cmpuint(w->p.seen[EHP_EV_COMPLETE], ==, 1);
    g_assert_cmpuint(w->t.seen[EHP_EV_COMPLETE], ==, 1);
    g_assert_cmpuint(w->t.items_whole, ==, w->n_items);
    g_assert_cmpuint(w->p.seen[EHP_EV_ITEM_ACKED], ==, w->n_items);
    g_assert_cmpmem(w->p.receipt, w->p.receipt_len, w->t.receipt, w->t.receipt_len);
}

static void
test_whole(void)
{
    pair w;
    ehp_receipt receipt;

    pair_init(&w);
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    expect_done(&w);
    g_assert_cmpuint(w.p.status_kind, ==, 1);
    g_assert_cmpuint(w.connects, ==, 1);
    g_assert_cmpint(ehp_receipt_open(ehp_bytes_of(w.p.receipt, w.p.receipt_len), &receipt), ==,
                    EHP_OK);
    g_assert_cmpuint(receipt.receipt->items, ==, 1);
    g_assert_cmpuint(receipt.receipt->bytes, ==, 1000);
    ehp_receipt_clear(&receipt);
    pair_clear(&w);
}

static const pair_item some_items[] = {
    {"summary.json", 1000, 1},        {"empty", 0, 1},
    {"report.pdf", 300 * 1024, 0},    {"one byte", 1, 0},
    {"image.dcm", 700 * 1024 + 5, 0}, {"text", 600 * 1024, 1},
    {"exact", 256 * 1024, 0},
};

static void
test_chunks(void)
{
    static const size_t chunks[] = {1, 2, 7, 100, 4096, 65536};

    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        pair w;
        pair_init(&w);
        w.chunk = chunks[i];
        if (chunks[i] >= 100) {
            w.items = some_items;
            w.n_items = G_N_ELEMENTS(some_items);
        }
        pair_start(&w);
        pair_connect(&w);
        pair_finish(&w, 10);
        expect_done(&w);
        pair_clear(&w);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/session/whole", test_whole);
    g_test_add_func("/session/chunks", test_chunks);
    return g_test_run();
}
