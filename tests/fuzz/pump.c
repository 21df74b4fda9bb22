/* SPDX-License-Identifier: Apache-2.0
 *
 * Two engines pumped against each other over a wire that does as the input says: chunks, cuts,
 * flipped bits, time, an end or a revocation from either side. The devices are those of
 * tests/proto/pair.c, which check every byte that arrives. However it goes, both come to an
 * end, and to the same one.
 */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/proto/pair.h"

static const pair_item choices[] = {
    {"a", 1000, 1}, {"empty", 0, 0}, {"b", 70000, 0}, {"c", 300000, 1}, {"d", 1, 0},
};

/* What follows the first transfer (pair.h); the first is as it ever was. */
static const char *const laters[] = {NULL, "r", "w", "x", "lr", "wr", "sw", "nwx"};

typedef struct {
    pair w;
    unsigned flips, cuts;
    bool meddled; /* somebody ended it, or time was moved */
} state;

static void
step(state *s, ehp_reader *in)
{
    pair *w = &s->w;
    uint8_t op = ehp_take_u8(in);

    switch (op & 7) {
    case 0:
        w->chunk = 1 + ehp_take_be16(in);
        if (w->chunk < 16)
            w->chunk = 16; /* byte by byte is the unit test's */
        break;
    case 1:
        *(op & 0x80 ? &w->cut_p : &w->cut_t) =
            (op & 0x80 ? w->sent_p : w->sent_t) + ehp_take_be16(in);
        s->cuts++;
        break;
    case 2:
        *(op & 0x80 ? &w->flip_p : &w->flip_t) =
            (op & 0x80 ? w->sent_p : w->sent_t) + ehp_take_be16(in);
        w->flip_bit = op >> 3 & 7;
        s->flips++;
        break;
    case 3:
        w->stop_at = w->sent_p + ehp_take_be16(in);
        pair_run(w);
        w->stop_at = 0;
        break;
    case 4:
        pair_cut(w);
        s->cuts++;
        break;
    case 5:
        if (pair_wait(w))
            s->meddled = true;
        break;
    case 6:
        if (ehp_take_u8(in) < 16) {
            ehp_session_end(op & 0x80 ? w->p.s : w->t.s, EHP_CANCELLED, w->now);
            s->meddled = true;
        }
        break;
    case 7:
        if (ehp_take_u8(in) < 16 && ehp_session_revoke(w->p.s, 1700000100, w->now) == EHP_OK)
            s->meddled = true;
        break;
    }
}

/* One side's last transfer is at most one further than the other's. */
static void
check_later(const state *s)
{
    unsigned p = s->w.p.seen[EHP_EV_COMPLETE], t = s->w.t.seen[EHP_EV_COMPLETE];

    FUZZ_CHECK(p <= t + 1 && t <= p + 1);
    if (s->meddled || s->flips > 1)
        return;
    FUZZ_CHECK(s->w.p.status == EHP_OK && s->w.t.status == EHP_OK && p == t);
    FUZZ_CHECK(s->w.at_later == strlen(s->w.later));
    FUZZ_CHECK(s->w.p.receipt_len == s->w.t.receipt_len &&
               memcmp(s->w.p.receipt, s->w.t.receipt, s->w.p.receipt_len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    pair_item items[3];
    ehp_reader in;
    state s = {0};
    unsigned steps = 0;
    uint8_t shape;

    fuzz_start();
    ehp_reader_init(&in, data, size);
    pair_init(&s.w);
    shape = ehp_take_u8(&in);
    for (int i = 0; i < 3; i++)
        items[i] = choices[(shape >> (2 * i)) % G_N_ELEMENTS(choices)];
    s.w.items = items;
    s.w.n_items = 1 + shape % 3;
    s.w.zstd_level = shape & 0x40 ? -1 : 1;
    s.w.hold_durable = (shape & 0x80) != 0;
    if (in.left > 0 &&
        (data[size - 1] & 0xc0) == 0xc0) { /* the last byte, so that older seeds stay */
        s.w.later = laters[data[size - 1] & 7];
        s.w.list_first = (data[size - 1] & 8) != 0 && s.w.later != NULL;
    }
    pair_start(&s.w);
    pair_connect(&s.w);
    while (in.left > 0 && steps++ < 40)
        step(&s, &in);
    pair_finish(&s.w, 300);
    FUZZ_CHECK(s.w.p.ended && s.w.t.ended);
    if (s.w.later != NULL) {
        check_later(&s);
        pair_clear(&s.w);
        return 0;
    }
    if (s.w.p.seen[EHP_EV_COMPLETE] > 0) {
        FUZZ_CHECK(s.w.t.seen[EHP_EV_COMPLETE] == 1 && s.w.t.items_whole == s.w.n_items);
        FUZZ_CHECK(s.w.p.receipt_len == s.w.t.receipt_len &&
                   memcmp(s.w.p.receipt, s.w.t.receipt, s.w.p.receipt_len) == 0);
    }
    if (!s.meddled && s.flips <= 1)
        FUZZ_CHECK(s.w.p.status == EHP_OK && s.w.t.status == EHP_OK &&
                   s.w.p.seen[EHP_EV_COMPLETE] == 1);
    pair_clear(&s.w);
    return 0;
}
