/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a process at every event of either side, before it was handled and after: what was
 * kept is enough to go on.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "kept.h"

static const pair_item items[] = {
    {"a", 700, 1}, {"none", 0, 0}, {"big", 700000, 0}, {"b", 300, 0}};

typedef struct {
    pair w;
    kept_store p, t;
} world;

static world *
world_new(bool forgetful)
{
    world *it = g_new0(world, 1);

    pair_init(&it->w);
    it->w.items = items;
    it->w.n_items = G_N_ELEMENTS(items);
    it->p.forgetful = forgetful;
    kept_start(&it->w, &it->p, &it->t);
    return it;
}

static void
world_free(world *it)
{
    pair_clear(&it->w);
    g_free(it);
}

static void
expect_done(world *it)
{
    g_assert_cmpstr(ehp_status_name(it->w.p.status), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(it->w.t.status), ==, "Ok");
    g_assert_true(it->w.p.ended);
    g_assert_true(it->w.t.ended);
    g_assert_cmpuint(it->t.n_roots, ==, G_N_ELEMENTS(items));
    g_assert_true(kept_same_receipt(&it->p, &it->t, 0));
}

static unsigned
run_killed(bool patient, bool handled, unsigned at, unsigned again, bool forgetful)
{
    world *it = world_new(forgetful);
    unsigned kills;

    it->w.kill_patient = patient;
    it->w.blow = patient ? PAIR_KILL_PATIENT : PAIR_KILL_TERMINAL;
    it->w.kill_handled = handled;
    it->w.kill_at = at;
    it->w.kill_again = again;
    pair_connect(&it->w);
    pair_finish(&it->w, 30);
    if (!it->w.p.ended || !it->w.t.ended)
        g_test_message("%s %s event %u: %s %s, last %d %d", patient ? "patient" : "terminal",
                       handled ? "after" : "before", at, ehp_session_state_name(it->w.p.s),
                       ehp_session_state_name(it->w.t.s), it->w.p.last, it->w.t.last);
    expect_done(it);
    /* not more than a window again */
    g_assert_cmpuint(it->w.t.received_bytes, <=, 701000 + it->w.kills * EHP_WINDOW_BYTES);
    kills = it->w.kills;
    world_free(it);
    return kills;
}

static void
test_every_event(void)
{
    unsigned points = 0;

    for (int patient = 0; patient < 2; patient++)
        for (int handled = 0; handled < 2; handled++)
            for (unsigned at = 1; run_killed(patient, handled, at, 0, at % 2 == 0) > 0; at++)
                points++;
    g_test_message("killed at %u points", points);
    g_assert_cmpuint(points, >, 60);
}

/* What has resumed is killed again, and again. */
static void
test_again_and_again(void)
{
    unsigned twice = 0;

    for (int patient = 0; patient < 2; patient++)
        for (unsigned at = 2; at < 20; at += 3)
            for (unsigned again = 1; again < 9; again++)
                twice += run_killed(patient, at % 2, at, again, again % 2 == 0) == 2;
    g_test_message("killed twice in %u sessions", twice);
    g_assert_cmpuint(twice, >, 60);
}

static world *
stopped_in_the_middle(void)
{
    world *it = world_new(false);

    it->w.stop_at = 300000;
    pair_connect(&it->w);
    pair_run(&it->w);
    it->w.stop_at = 0;
    g_assert_cmpuint(it->t.mark_len, >, 0);
    return it;
}

/* The terminal's disk went back to what it was earlier. */
static void
test_rolled_back_receiver(void)
{
    world *it = stopped_in_the_middle();

    it->t.mark_len = 0;
    pair_kill(&it->w.t);
    pair_finish(&it->w, 10);
    g_assert_cmpstr(ehp_status_name(it->w.p.status), ==, "RolledBack");
    g_assert_true(it->w.t.ended);
    world_free(it);
}

/* The terminal forgot the manifest that it acknowledged data of. */
static void
test_forgot_manifest(void)
{
    world *it = world_new(false), *young = world_new(false);

    it->w.stop_at = 300000;
    pair_connect(&it->w);
    pair_run(&it->w);
    it->w.stop_at = 0;
    it->t = young->t; /* the same secrets, before anything was said */
    pair_kill(&it->w.t);
    pair_finish(&it->w, 10);
    g_assert_cmpstr(ehp_status_name(it->w.p.status), ==, "RolledBack");
    world_free(it);
    world_free(young);
}

static ehp_status
data_status(const char *changed)
{
    static const pair_item other[] = {
        {"a", 700, 1}, {"none", 0, 0}, {"big", 700000, 1}, {"b", 300, 0}};
    world *it = stopped_in_the_middle();
    ehp_status status;

    ehp_writer w;
    ehp_writer_init(&w, it->p.mark, sizeof it->p.mark);
    g_assert_cmpint(ehp_session_mark(it->w.p.s, &w), ==, EHP_OK);
    it->p.mark_len = w.len;
    g_assert_cmpuint(it->p.mark_len, >, 0);
    pair_kill(&it->w.p);
    it->w.data_changed = changed != NULL;
    if (changed != NULL)
        it->w.items = other;
    pair_finish(&it->w, 10);
    status = it->w.p.status;
    world_free(it);
    return status;
}

/* Same size, other content: found by reading what was acknowledged again. */
static void
test_changed_content(void)
{
    g_assert_cmpstr(ehp_status_name(data_status(NULL)), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(data_status("big")), ==, "ItemChanged");
}

static ehp_status
revive_status(world *it, bool patient)
{
    ehp_session *s = NULL;
    ehp_status status = kept_try_revive(patient ? &it->w.p : &it->w.t, &s);

    ehp_session_free(s);
    return status;
}

/* Every byte of the saved form, changed: never taken for what it was not, or equivalent. */
static void
test_damaged(void)
{
    world *it = stopped_in_the_middle();
    kept_store good;

    for (int patient = 0; patient < 2; patient++) {
        kept_store *kept = patient ? &it->p : &it->t;
        good = *kept;
        for (size_t cut = 0; cut < good.saved_len; cut += 7) {
            kept->saved_len = cut;
            g_assert_cmpint(revive_status(it, patient), ==, EHP_STATE_DAMAGED);
        }
        *kept = good;
        kept->saved[3] = '3';
        g_assert_cmpint(revive_status(it, patient), ==, EHP_STATE_TOO_NEW);
        *kept = good;
        kept->n_roots = 5;
        g_assert_cmpint(revive_status(it, patient), ==, EHP_STATE_DAMAGED);
        *kept = good;
        kept->n_roots = 1; /* the mark is of another item then */
        kept->mark_len = it->t.mark_len;
        memcpy(kept->mark, it->t.mark, it->t.mark_len);
        g_assert_cmpint(revive_status(it, patient), ==, EHP_STATE_DAMAGED);
        *kept = good;
        kept->list.sizes[0]++;
        g_assert_cmpint(revive_status(it, patient), ==, patient ? EHP_OK : EHP_STATE_DAMAGED);
        *kept = good;
        g_assert_cmpint(revive_status(it, patient), ==, EHP_OK);
    }
    world_free(it);
}

/* A disk that does not take the new generation: the session ends by name, nothing is said. */
static void
on_save_fails(pair_side *side, const ehp_event *ev)
{
    if (ev->type == EHP_EV_SAVE && !side->patient)
        g_assert_cmpint(ehp_session_saved(side->s, EHP_STORE_FAILED, side->pair->now), ==,
                        EHP_OK);
}

static void
test_save_fails(void)
{
    world *it = stopped_in_the_middle();
    ehp_event ev;

    pair_cut(&it->w);
    pair_connect(&it->w);
    it->w.on_event = NULL;
    while (it->w.connected && !it->w.t.ended) {
        ehp_bytes out = ehp_session_output(it->w.p.s, it->w.p.link, it->w.now);
        size_t used;
        if (!it->w.known && out.len > 0) {
            ehp_preamble preamble;
            g_assert_cmpint(ehp_preamble_parse(out, &preamble), ==, EHP_OK);
            g_assert_cmpint(ehp_session_accept(it->w.t.s, &preamble, it->w.now, &it->w.t.link),
                            ==, EHP_OK);
            it->w.known = true;
            ehp_session_consume(it->w.p.s, it->w.p.link, EHP_PREAMBLE_LEN, it->w.now);
            continue;
        }
        if (out.len > 0) {
            g_assert_cmpint(
                ehp_session_feed(it->w.t.s, it->w.t.link, out.data, out.len, it->w.now, &used),
                ==, EHP_OK);
            ehp_session_consume(it->w.p.s, it->w.p.link, out.len, it->w.now);
        }
        while (ehp_session_next_event(it->w.t.s, it->w.now, &ev)) {
            on_save_fails(&it->w.t, &ev);
            it->w.t.ended |= ev.type == EHP_EV_ENDED;
            it->w.t.status = ev.status;
        }
        out = ehp_session_output(it->w.t.s, it->w.t.link, it->w.now);
        if (out.len == 0 || it->w.t.ended)
            continue;
        g_assert_cmpint(
            ehp_session_feed(it->w.p.s, it->w.p.link, out.data, out.len, it->w.now, &used), ==,
            EHP_OK);
        ehp_session_consume(it->w.t.s, it->w.t.link, out.len, it->w.now);
        pair_handle(&it->w.p);
    }
    g_assert_cmpstr(ehp_status_name(it->w.t.status), ==, "StoreFailed");
    world_free(it);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/session-killed/every-event", test_every_event);
    g_test_add_func("/session-killed/again-and-again", test_again_and_again);
    g_test_add_func("/session-killed/rolled-back-receiver", test_rolled_back_receiver);
    g_test_add_func("/session-killed/forgot-manifest", test_forgot_manifest);
    g_test_add_func("/session-killed/changed-content", test_changed_content);
    g_test_add_func("/session-killed/damaged", test_damaged);
    g_test_add_func("/session-killed/save-fails", test_save_fails);
    return g_test_run();
}
