/* SPDX-License-Identifier: Apache-2.0
 *
 * One small transfer, and a wire that fails at every byte. By default every seventh; all of
 * them with -m slow.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"

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

static const pair_item few_items[] = {{"a", 700, 1}, {"none", 0, 0}, {"b", 300, 0}};

static void
init_few(pair *w)
{
    pair_init(w);
    w->items = few_items;
    w->n_items = G_N_ELEMENTS(few_items);
}

static uint64_t
stride(void)
{
    return g_test_slow() ? 1 : 7;
}

static void
measure(uint64_t *p, uint64_t *t)
{
    pair w;

    init_few(&w);
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    expect_done(&w);
    *p = w.sent_p;
    *t = w.sent_t;
    pair_clear(&w);
}

/* The link goes at every byte of either direction, and comes back: same result. */
static void
test_cut_everywhere(void)
{
    uint64_t len[2];

    measure(&len[0], &len[1]);
    g_test_message("%u bytes from the patient, %u from the terminal", (unsigned)len[0],
                   (unsigned)len[1]);
    for (int dir = 0; dir < 2; dir++)
        for (uint64_t at = 0; at < len[dir]; at += stride()) {
            pair w;
            init_few(&w);
            w.chunk = 61;
            *(dir == 0 ? &w.cut_p : &w.cut_t) = at;
            pair_start(&w);
            pair_connect(&w);
            pair_finish(&w, 20);
            g_assert_cmpuint(w.cuts, >=, 1);
            expect_done(&w);
            g_assert_cmpuint(w.t.received_bytes, >=, 1000);
            pair_clear(&w);
        }
}

/* Two cuts: also the resumption itself is cut at every byte. */
static void
test_cut_twice(void)
{
    for (int dir = 0; dir < 2; dir++)
        for (uint64_t first = 40; first < 1600; first += 390)
            for (uint64_t second = 1; second < 260; second += stride()) {
                pair w;
                uint64_t *cut, *sent;
                init_few(&w);
                w.chunk = 13;
                cut = dir == 0 ? &w.cut_p : &w.cut_t;
                sent = dir == 0 ? &w.sent_p : &w.sent_t;
                *cut = first;
                w.no_reconnect = true;
                pair_start(&w);
                pair_connect(&w);
                pair_run(&w);
                if (!w.connected && !w.p.ended) {
                    *cut = *sent + second;
                    w.no_reconnect = false;
                    pair_connect(&w);
                    pair_finish(&w, 20);
                    expect_done(&w);
                }
                pair_clear(&w);
            }
}

/* One bit of the wire changed anywhere: the link is given up, the transfer survives. */
static void
test_flip_everywhere(void)
{
    uint64_t len[2];

    measure(&len[0], &len[1]);
    for (int dir = 0; dir < 2; dir++)
        for (uint64_t at = 0; at < len[dir]; at += stride()) {
            pair w;
            init_few(&w);
            w.flip_bit = (unsigned)at % 8;
            *(dir == 0 ? &w.flip_p : &w.flip_t) = at;
            pair_start(&w);
            pair_connect(&w);
            pair_finish(&w, 40);
            expect_done(&w);
            pair_clear(&w);
        }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/wire/cut-everywhere", test_cut_everywhere);
    g_test_add_func("/wire/cut-twice", test_cut_twice);
    g_test_add_func("/wire/flip-everywhere", test_flip_everywhere);
    return g_test_run();
}
