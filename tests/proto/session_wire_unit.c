/* SPDX-License-Identifier: Apache-2.0
 *
 * One small transfer, and a wire that fails at every byte. By default every seventh; all of
 * them with -m slow.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/guard.h"
#include "proto/wire.h"

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

/* A part that is read where it lies is what unpacking gives, whatever bit of it is another. */
static void
test_part_view(void)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT, view;
    uint8_t data[40] = {1, 2, 3}, bytes[128], zeros[9] = {0};
    size_t len, seen = 0;

    part.has_item = part.has_segment = part.has_encoding = part.has_data = 1;
    part.has_original_length = part.has_encoded_length = 1;
    part.item = 300;
    part.segment = 1ull << 40;
    part.encoding = EHP__ENCODING__ENCODING_ZSTD;
    part.original_length = EHP_SEGMENT_MAX;
    part.encoded_length = 100000;
    part.data = ehp_wire_binary(data, sizeof data);
    record.body_case = EHP__RECORD__BODY_SEGMENT_PART;
    record.segment_part = &part;
    record.has_padding = 1;
    record.padding = ehp_wire_binary(zeros, sizeof zeros);
    len = ehp__record__pack(&record, bytes);
    for (size_t bit = 0; bit <= 8 * len; bit++) {
        ehp_bytes in = ehp_bytes_of(bytes, len);
        ehp_unpacked u = {0};

        if (bit < 8 * len)
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        if (ehp_guard_unpack(&ehp__record__descriptor, in, NULL, &u) == EHP_OK) {
            const Ehp__Record *r = (const Ehp__Record *)u.message;
            bool is_part = r->body_case == EHP__RECORD__BODY_SEGMENT_PART;

            g_assert_true(ehp_wire_part(in, &view) == is_part);
            if (is_part) {
                uint8_t a[128], b[128];
                Ehp__SegmentPart known = *r->segment_part;

                known.base.n_unknown_fields = 0;
                g_assert_cmpmem(a, ehp__segment_part__pack(&view, a), b,
                                ehp__segment_part__pack(&known, b));
                seen++;
            }
        }
        ehp_guard_free(&u);
        if (bit < 8 * len)
            bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    g_assert_cmpuint(seen, >, 100);
    len = ehp__record__pack(&(Ehp__Record)EHP__RECORD__INIT, bytes);
    g_assert_false(ehp_wire_part(ehp_bytes_of(bytes, len), &view));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/wire/cut-everywhere", test_cut_everywhere);
    g_test_add_func("/wire/cut-twice", test_cut_twice);
    g_test_add_func("/wire/flip-everywhere", test_flip_everywhere);
    g_test_add_func("/wire/part-view", test_part_view);
    return g_test_run();
}
