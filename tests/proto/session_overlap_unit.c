/* SPDX-License-Identifier: Apache-2.0
 *
 * Many wires at once: the patient connects anew whenever it likes, and what it had said on its
 * older wires still reaches the terminal, late and in any order with the new. Also what the
 * terminal says to a wire that nobody holds any more. However it goes, both finish, with the
 * same receipt and every byte once (pair.c checks them).
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/session-priv.h"

#define WIRES_MAX 64

typedef struct {
    int p, t;              /* link numbers, -1: not open at that side */
    uint64_t p_nth, t_nth; /* which of the links that had this number */
    GByteArray *to_t, *to_p;
} wire;

typedef struct {
    pair w;
    GRand *rand;
    wire wires[WIRES_MAX];
    unsigned n;
    bool calm; /* no new wires any more unless one is needed */
} air;

static bool
open_at(const ehp_session *s, int link, uint64_t nth)
{
    return link >= 0 && s->links[link].order == nth && s->links[link].state != LS_FREE;
}

static void
connect_anew(air *a)
{
    wire *new = &a->wires[a->n];

    if (a->w.p.ended || a->n == WIRES_MAX)
        return;
    if (ehp_session_connect(a->w.p.s, a->w.now, &new->p) == EHP_OK) {
        new->p_nth = a->w.p.s->links[new->p].order;
        new->t = -1;
        new->to_t = g_byte_array_new();
        new->to_p = g_byte_array_new();
        a->n++;
    }
    pair_handle(&a->w.p);
}

static void
carry_out(air *a, pair_side *from, int link, uint64_t nth, GByteArray *to)
{
    ehp_bytes out;

    if (!open_at(from->s, link, nth) || to->len > 128 * 1024)
        return;
    out = ehp_session_output(from->s, link, a->w.now);
    g_byte_array_append(to, out.data, (guint)out.len);
    ehp_session_consume(from->s, link, out.len, a->w.now);
    pair_handle(from);
}

static void
greet(air *a, wire *x)
{
    ehp_preamble preamble;

    if (ehp_preamble_parse(ehp_bytes_of(x->to_t->data, x->to_t->len), &preamble) != EHP_OK)
        return;
    g_byte_array_remove_range(x->to_t, 0, EHP_PREAMBLE_LEN);
    if (ehp_session_accept(a->w.t.s, &preamble, a->w.now, &x->t) == EHP_OK)
        x->t_nth = a->w.t.s->links[x->t].order;
    else
        x->t = -2; /* refused: what comes on it falls down */
    pair_handle(&a->w.t);
}

static void
carry_in(air *a, pair_side *to, int link, uint64_t nth, GByteArray *from)
{
    size_t chunk = (size_t)g_rand_int_range(a->rand, 1, 40000), len = MIN(from->len, chunk);
    size_t used = 0;

    if (!open_at(to->s, link, nth)) {
        g_byte_array_set_size(from, 0);
        return;
    }
    if (len == 0 || !ehp_session_wants_input(to->s, link))
        return;
    g_assert_cmpint(ehp_session_feed(to->s, link, from->data, len, a->w.now, &used), ==,
                    EHP_OK);
    g_byte_array_remove_range(from, 0, (guint)used);
    pair_handle(to);
}

/* The end of a stream reaches the other side once all before it was read. */
static void
ends(air *a, wire *x)
{
    bool p = open_at(a->w.p.s, x->p, x->p_nth), t = open_at(a->w.t.s, x->t, x->t_nth);

    if (p && x->t != -1 && !t && x->to_p->len == 0)
        ehp_session_link_lost(a->w.p.s, x->p, a->w.now);
    if (t && !p && x->to_t->len == 0)
        ehp_session_link_lost(a->w.t.s, x->t, a->w.now);
    pair_handle(&a->w.p);
    pair_handle(&a->w.t);
}

static void
step(air *a)
{
    wire *x = &a->wires[g_rand_int_range(a->rand, 0, (gint32)a->n)];

    if (g_rand_int_range(a->rand, 0, 3) == 0) /* the newest is what matters most */
        x = &a->wires[a->n - 1];
    carry_out(a, &a->w.p, x->p, x->p_nth, x->to_t);
    if (x->t == -1 && g_rand_boolean(a->rand))
        greet(a, x);
    else if (x->t != -1 && g_rand_boolean(a->rand))
        carry_in(a, &a->w.t, x->t, x->t_nth, x->to_t);
    carry_out(a, &a->w.t, x->t, x->t_nth, x->to_p);
    if (g_rand_boolean(a->rand))
        carry_in(a, &a->w.p, x->p, x->p_nth, x->to_p);
    ends(a, x);
    x = &a->wires[a->n - 1];
    if (!open_at(a->w.p.s, x->p, x->p_nth) ||
        (!a->calm && g_rand_int_range(a->rand, 0, 60) == 0))
        connect_anew(a);
}

static void
play(guint32 seed)
{
    static const pair_item items[] = {{"a", 3000, 1},  {"b", 0, 0},      {"c", 300000, 0},
                                      {"d", 20000, 0}, {"e", 600000, 0}, {"f", 1, 0}};
    air a = {.rand = g_rand_new_with_seed(seed)};
    unsigned steps = 0;

    pair_init(&a.w);
    a.w.items = items;
    a.w.n_items = G_N_ELEMENTS(items);
    a.w.hold_durable = seed % 2;
    a.w.no_reconnect = true;
    a.w.p.link = a.w.t.link = -2; /* the wires are ours: pair.c closes none */
    pair_start(&a.w);
    connect_anew(&a);
    while (!(a.w.p.ended && a.w.t.ended) && steps++ < 60000) {
        step(&a);
        a.calm = a.n > WIRES_MAX / 2;
        if (steps % 50 == 0) {
            a.w.now += 500;
            ehp_session_tick(a.w.p.s, a.w.now);
            ehp_session_tick(a.w.t.s, a.w.now);
        }
    }
    g_test_message("seed %u: %u wires, %u steps", seed, a.n, steps);
    g_assert_true(a.w.p.ended && a.w.t.ended);
    g_assert_cmpstr(ehp_status_name(a.w.p.status), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(a.w.t.status), ==, "Ok");
    g_assert_cmpuint(a.w.t.items_whole, ==, G_N_ELEMENTS(items));
    g_assert_cmpmem(a.w.p.receipt, a.w.p.receipt_len, a.w.t.receipt, a.w.t.receipt_len);
    for (unsigned i = 0; i < a.n; i++) {
        g_byte_array_unref(a.wires[i].to_t);
        g_byte_array_unref(a.wires[i].to_p);
    }
    pair_clear(&a.w);
    g_rand_free(a.rand);
}

static void
test_overlap(void)
{
    for (guint32 seed = 1; seed <= (g_test_slow() ? 1000 : 40); seed++)
        play(seed);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/overlap/late-and-in-any-order", test_overlap);
    return g_test_run();
}
