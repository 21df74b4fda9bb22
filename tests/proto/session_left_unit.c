/* SPDX-License-Identifier: Apache-2.0
 *
 * A transfer whose link never came back goes on in another session of the same two devices:
 * wherever the first one was cut, and whatever happens to the second.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "kept.h"
#include "vectors.h"

static const pair_item items[] = {
    {"a", 700, 1}, {"none", 0, 0}, {"big", 1100000, 0}, {"b", 300, 0}};
#define ALL 1101000

typedef struct {
    pair w;
    kept_store p, t;
    ehp_left left_p, left_t;
    ehp_taken from_p, from_t;
    bool has_left;
} world;

static world *
world_new(uint8_t number)
{
    world *it = g_new0(world, 1);

    pair_init(&it->w);
    it->w.items = items;
    it->w.n_items = G_N_ELEMENTS(items);
    it->w.zstd_level = -1;
    it->w.chunk = 2000;
    it->w.number = number;
    return it;
}

static void
world_free(world *it)
{
    pair_clear(&it->w);
    g_free(it);
}

static void
take(const pair_side *side, kept_store *kept, ehp_left *left, ehp_taken *from)
{
    ehp_writer w;

    g_assert_cmpint(ehp_session_left(side->s, left), ==, EHP_OK);
    if (side->patient) { /* its newest mark, written when the link went */
        ehp_writer_init(&w, kept->mark, sizeof kept->mark);
        g_assert_cmpint(ehp_session_mark(side->s, &w), ==, EHP_OK);
        kept->mark_len = w.len;
    }
    from->left = left;
    from->roots = (const uint8_t(*)[EHP_HASH_LEN])kept->roots;
    from->n_roots = kept->n_roots;
    from->mark = (ehp_bytes){kept->mark, kept->mark_len};
}

/* A session that ends for want of a link after the patient sent so much. */
static world *
cut_for_good(uint64_t at)
{
    world *it = world_new(0);
    ehp_left left;

    kept_start(&it->w, &it->p, &it->t);
    it->w.cut_p = at;
    it->w.no_reconnect = true;
    pair_connect(&it->w);
    pair_finish(&it->w, 40);
    g_assert_true(it->w.p.ended && it->w.t.ended);
    it->has_left = it->t.receipts[0].len == 0 && ehp_session_left(it->w.t.s, &left) == EHP_OK &&
                   ehp_session_left(it->w.p.s, &left) == EHP_OK;
    if (it->has_left) {
        take(&it->w.p, &it->p, &it->left_p, &it->from_p);
        take(&it->w.t, &it->t, &it->left_t, &it->from_t);
    }
    return it;
}

static world *
tap_again(const world *first)
{
    world *it = world_new(0x0f);

    it->w.from = first->from_p.left != NULL ? &first->from_p : NULL;
    it->t.taken = first->from_t.left != NULL ? &first->from_t : NULL;
    return it;
}

static void
start(world *it)
{
    kept_start(&it->w, &it->p, &it->t);
    pair_connect(&it->w);
}

static void
expect_done(const world *it)
{
    g_assert_cmpstr(ehp_status_name(it->w.p.status), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(it->w.t.status), ==, "Ok");
    g_assert_cmpuint(it->t.n_roots, ==, G_N_ELEMENTS(items));
    g_assert_true(kept_same_receipt(&it->p, &it->t, 0));
    g_assert_cmpuint(it->p.doubled + it->t.doubled, ==, 0);
}

/* Everywhere: no byte comes twice that was durable, and all arrive. */
static void
test_every_cut(void)
{
    unsigned points = 0, taken = 0;
    uint64_t again = 0;

    for (uint64_t at = 600; at < 1110000; at += 9973) {
        world *first = cut_for_good(at), *second;

        second = tap_again(first);
        start(second);
        pair_finish(&second->w, 30);
        expect_done(second);
        if (first->has_left) {
            g_assert_cmpuint(second->t.taken_up, ==, 1);
            g_assert_cmpuint(first->w.t.received_bytes + second->w.t.received_bytes, ==, ALL);
            taken++;
        }
        again += second->w.sent_p - second->w.t.received_bytes;
        points++;
        world_free(first);
        world_free(second);
    }
    g_test_message("%u cuts, %u of them taken up, no item byte sent again, %" G_GUINT64_FORMAT
                   " bytes around them each",
                   points, taken, again / points);
    g_assert_cmpuint(taken, >, 90);
}

static world *
middle(void)
{
    world *it = cut_for_good(600000);

    g_assert_true(it->has_left);
    g_assert_cmpuint(it->t.mark_len, >, 0);
    return it;
}

/* The second session is cut, or either process killed, at every event. */
static void
test_killed(void)
{
    world *first = middle();
    unsigned points = 0;

    for (int blow = PAIR_CUT; blow <= PAIR_KILL_BOTH; blow++) {
        for (int patient = 0; patient < 2; patient++) {
            for (unsigned at = 1;; at++) {
                world *it = tap_again(first);
                bool over;

                it->w.kill_patient = patient;
                it->w.kill_handled = at % 2 == 0;
                it->w.blow = blow;
                it->w.kill_at = at;
                start(it);
                pair_finish(&it->w, 30);
                expect_done(it);
                g_assert_cmpuint(it->t.taken_up, ==, 1);
                over = it->w.kill_at != 0;
                world_free(it);
                if (over)
                    break;
                points++;
            }
        }
    }
    g_test_message("cut or killed at %u points", points);
    g_assert_cmpuint(points, >, 100);
    world_free(first);
}

static void
run_second(world *it, const char *patient, const char *terminal, unsigned taken_up)
{
    start(it);
    pair_finish(&it->w, 30);
    g_assert_cmpstr(ehp_status_name(it->w.p.status), ==, patient);
    g_assert_cmpstr(ehp_status_name(it->w.t.status), ==, terminal);
    g_assert_cmpuint(it->t.taken_up, ==, taken_up);
    if (it->w.t.status == EHP_OK)
        expect_done(it);
}

/* The terminal has nothing of it, or another's: all is sent anew. */
static void
test_forgotten(void)
{
    world *first = middle(), *second = tap_again(first);

    second->t.taken = NULL;
    run_second(second, "Ok", "Ok", 0);
    g_assert_cmpuint(second->w.t.received_bytes, ==, ALL);
    world_free(second);

    second = tap_again(first);
    first->left_t.key[31] ^= 1;
    run_second(second, "Ok", "Ok", 0);
    world_free(second);
    world_free(first);
}

/* A list that is not the same, or a mark that does not fit: the same. */
static void
test_does_not_fit(void)
{
    static const pair_item fewer[] = {{"a", 700, 1}, {"big", 1100000, 0}};
    world *first = middle(), *second;

    second = tap_again(first);
    second->w.items = fewer;
    second->w.n_items = 2;
    start(second);
    pair_finish(&second->w, 30);
    g_assert_cmpint(second->w.p.status, ==, EHP_OK);
    g_assert_cmpuint(second->t.taken_up, ==, 0);
    world_free(second);

    second = tap_again(first);
    first->left_t.list_hash[0] ^= 1;
    run_second(second, "Ok", "Ok", 0);
    world_free(second);
    first->left_t.list_hash[0] ^= 1;

    for (size_t len = 0; len < first->t.mark_len; len += 9) {
        second = tap_again(first);
        first->from_t.mark.len = MAX(len, 1);
        run_second(second, "Ok", "Ok", 0);
        world_free(second);
    }
    first->from_t.mark.len = first->t.mark_len;
    second = tap_again(first);
    first->from_t.n_roots = 5;
    run_second(second, "Ok", "Ok", 0);
    world_free(second);
    first->from_t.n_roots = 2;
    second = tap_again(first);
    first->from_p.mark.len = 7; /* the patient's own: it does not even ask */
    run_second(second, "Ok", "Ok", 0);
    world_free(second);
    world_free(first);
}

/* The terminal's state went back to before what it had acknowledged. */
static void
test_rolled_back(void)
{
    world *first = middle(), *second = tap_again(first);

    first->from_t.mark.len = 0;
    run_second(second, "RolledBack", "PeerProtocol", 1);
    world_free(second);
    world_free(first);
}

/* Same size, other content, in what was acknowledged. */
static void
test_changed(void)
{
    static const pair_item other[] = {
        {"a", 700, 1}, {"none", 0, 0}, {"big", 1100000, 1}, {"b", 300, 0}};
    world *first = cut_for_good(300000), *second = tap_again(first);

    second->w.items = other;
    second->w.data_changed = true;
    run_second(second, "ItemChanged", "PeerCancelled", 1);
    world_free(second);
    world_free(first);
}

/* It never came so far, or it is done: there is nothing to go on with. */
static void
test_nothing_left(void)
{
    world *it = cut_for_good(300);
    ehp_left left;

    g_assert_false(it->has_left);
    world_free(it);
    it = world_new(0);
    kept_start(&it->w, &it->p, &it->t);
    g_assert_cmpint(ehp_session_left(it->w.p.s, &left), ==, EHP_WRONG_STATE);
    pair_connect(&it->w);
    pair_finish(&it->w, 30);
    expect_done(it);
    g_assert_cmpint(ehp_session_left(it->w.p.s, &left), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_left(it->w.t.s, &left), ==, EHP_WRONG_STATE);
    world_free(it);
}

/* A list has nothing to go on with, and an answer out of its state changes nothing. */
static void
test_wrong_state(void)
{
    world *first = middle(), *second = tap_again(first);

    start(second);
    g_assert_cmpint(ehp_session_take_up(second->w.t.s, &first->from_t, second->w.now), ==,
                    EHP_WRONG_STATE);
    second->w.hold_manifest = true;
    second->t.taken = NULL;
    pair_run(&second->w);
    g_assert_cmpstr(ehp_session_state_name(second->w.t.s), ==, "Offered");
    g_assert_cmpint(ehp_session_take_up(second->w.t.s, &first->from_t, second->w.now), ==,
                    EHP_OK);
    g_assert_cmpint(ehp_session_manifest_ok(second->w.t.s, EHP_OK, second->w.now), ==, EHP_OK);
    pair_run(&second->w);
    g_assert_cmpuint(first->w.t.received_bytes + second->w.t.received_bytes, ==, ALL);
    world_free(second);
    world_free(first);
}

static ehp_status
try_proof(JsonObject *one)
{
    ehp_left left = {0};

    memcpy(left.session, vectors_hex(one, "unfinished").data, sizeof left.session);
    ehp_left_key(&left, vectors_hex(one, "export").data);
    return ehp_left_fits(&left, vectors_hex(one, "session").data,
                         vectors_hex(one, "continues").data)
               ? EHP_OK
               : EHP_NOT_FOUND;
}

/* The proof, against vectors that were made without this code. */
static void
test_vectors(void)
{
    JsonObject *top = vectors_own("take-up.json");

    VECTORS_EACH(one, top, "cases")
    assert_ok(try_proof(one));
    VECTORS_EACH(one, top, "must_fail")
    assert_status(try_proof(one), vectors_error(one));
    g_assert_cmpuint(vectors_count(top, "must_fail"), ==, 4);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/session-left/every-cut", test_every_cut);
    g_test_add_func("/session-left/killed", test_killed);
    g_test_add_func("/session-left/forgotten", test_forgotten);
    g_test_add_func("/session-left/does-not-fit", test_does_not_fit);
    g_test_add_func("/session-left/rolled-back", test_rolled_back);
    g_test_add_func("/session-left/changed", test_changed);
    g_test_add_func("/session-left/nothing-left", test_nothing_left);
    g_test_add_func("/session-left/wrong-state", test_wrong_state);
    g_test_add_func("/session-left/vectors", test_vectors);
    return g_test_run();
}
