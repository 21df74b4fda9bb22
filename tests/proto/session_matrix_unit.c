/* SPDX-License-Identifier: Apache-2.0
 *
 * The kill matrix: one megabyte in three items, struck at every kilobyte of the patient's
 * stream, closer in the terminal's, which is short, and at every event of either side, by a cut
 * of the link and by the end of either process or of both; and struck again after that.
 * Whatever strikes, the same items arrive, no segment is delivered twice, there is one receipt,
 * and at most a window goes over the wire again per blow. The figure at the end says so in
 * numbers.
 *
 * By default a sample of the points is tried; all of them with `-m slow`.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "kept.h"

#define KIB            1024u
/* what a connection costs beside data: preamble, handshake, first records, the answers' padding
 */
#define REATTACH_BYTES (8 * KIB)

static const pair_item items[] = {
    {"summary", 24 * KIB, 1}, {"report", 300 * KIB, 0}, {"image", 700 * KIB, 0}};
static const uint64_t total = 1024 * KIB;

static const pair_blow blows[] = {PAIR_CUT, PAIR_KILL_PATIENT, PAIR_KILL_TERMINAL,
                                  PAIR_KILL_BOTH};
static const char *const blow_names[] = {"link cut", "sender killed", "receiver killed",
                                         "both killed"};

typedef struct {
    pair w;
    kept_store p, t;
} world;

/* Bytes of each direction, and events of each side, of a session that nothing strikes. */
static struct {
    uint64_t sent_p, sent_t;
    unsigned events[2];
} calm;

/* What became of the points tried with one kind of blow. */
typedef struct {
    unsigned points, blows, resumed, lost, doubled;
    uint64_t again, again_max;
} figure;

static figure figures[G_N_ELEMENTS(blows)];

static void
start(world *it, pair_blow blow)
{
    memset(it, 0, sizeof *it);
    pair_init(&it->w);
    it->w.items = items;
    it->w.n_items = G_N_ELEMENTS(items);
    it->w.chunk = 16 * KIB;
    it->w.blow = blow;
    kept_start(&it->w, &it->p, &it->t);
}

static bool
whole(const world *it)
{
    return it->w.p.ended && it->w.t.ended && it->w.p.status == EHP_OK &&
           it->w.t.status == EHP_OK && it->t.n_roots == it->w.n_items &&
           it->w.t.received_bytes >= total;
}

/* Runs to the end what was set up, and counts. False: the blow was past the end. */
static bool
run(world *it, const char *where, uint64_t at)
{
    figure *f = &figures[it->w.blow];
    uint64_t again;
    bool struck, fine;

    pair_connect(&it->w);
    pair_finish(&it->w, 60);
    struck = it->w.blows > 0;
    again = MAX(it->w.sent_p, calm.sent_p) - calm.sent_p;
    fine = whole(it) && kept_same_receipt(&it->p, &it->t, 0) && it->p.doubled == 0 &&
           it->t.doubled == 0 && it->w.t.received_bytes == total &&
           again <= it->w.blows * (uint64_t)(EHP_WINDOW_BYTES + REATTACH_BYTES);
    if (!fine)
        g_printerr(
            "# %s at %s %" G_GUINT64_FORMAT ": %s %s, %s %s, %u items, %" G_GUINT64_FORMAT
            " bytes delivered, %" G_GUINT64_FORMAT " again\n",
            blow_names[it->w.blow], where, at, ehp_session_state_name(it->w.p.s),
            ehp_status_name(it->w.p.status), ehp_session_state_name(it->w.t.s),
            ehp_status_name(it->w.t.status), it->t.n_roots, it->w.t.received_bytes, again);
    if (struck) {
        f->points++;
        f->resumed += fine;
        f->lost += !whole(it);
        f->doubled += it->p.doubled + it->t.doubled + (it->w.t.received_bytes > total);
        f->again += again;
        f->blows += it->w.blows;
        f->again_max = MAX(f->again_max, again / it->w.blows);
    }
    pair_clear(&it->w);
    g_assert_true(fine);
    return struck;
}

static void
measure(void)
{
    world it;

    for (int side = 0; side < 2; side++) {
        start(&it, PAIR_CUT);
        it.w.kill_patient = side;
        pair_connect(&it.w);
        pair_finish(&it.w, 60);
        g_assert_true(whole(&it) && kept_same_receipt(&it.p, &it.t, 0));
        calm.sent_p = it.w.sent_p;
        calm.sent_t = it.w.sent_t;
        calm.events[side] = side ? it.w.p.events : it.w.t.events;
        pair_clear(&it.w);
    }
    g_test_message("a calm session: %" G_GUINT64_FORMAT " bytes there, %" G_GUINT64_FORMAT
                   " back; %u and %u events",
                   calm.sent_p, calm.sent_t, calm.events[1], calm.events[0]);
}

/* Of what is tried every `step` bytes, every so many in a sample. */
static uint64_t
stride(uint64_t step, unsigned sample)
{
    return g_test_slow() ? step : sample * step;
}

static void
test_sender_stream(void)
{
    for (size_t b = 0; b < G_N_ELEMENTS(blows); b++)
        for (uint64_t at = b; at < calm.sent_p; at += stride(KIB, 61)) {
            world it;
            start(&it, blows[b]);
            it.w.cut_p = at;
            run(&it, "byte", at);
        }
}

static void
test_receiver_stream(void)
{
    for (size_t b = 0; b < G_N_ELEMENTS(blows); b++)
        for (uint64_t at = b; at < calm.sent_t; at += stride(16, 5)) {
            world it;
            start(&it, blows[b]);
            it.w.cut_t = at;
            run(&it, "byte back", at);
        }
}

static void
test_events(void)
{
    for (size_t b = 0; b < G_N_ELEMENTS(blows); b++)
        for (unsigned side = 0; side < 2; side++)
            for (unsigned handled = 0; handled < 2; handled++)
                for (uint64_t at = 1; at <= calm.events[side]; at += stride(1, 3)) {
                    world it;
                    start(&it, blows[b]);
                    it.w.kill_patient = side == 1;
                    it.w.kill_handled = handled;
                    it.w.kill_at = (unsigned)at;
                    run(&it, side ? "the patient's event" : "the terminal's event", at);
                }
}

/* A session that has resumed is struck again, on every further link, at every stage of it. */
static void
test_resumed(void)
{
    static const uint64_t after[] = {1, 100, 300, 1 * KIB, 20 * KIB, 100 * KIB, 290 * KIB};

    for (size_t b = 0; b < G_N_ELEMENTS(blows); b++)
        for (uint64_t at = b; at < calm.sent_p; at += stride(32 * KIB, 11))
            for (size_t i = 0; i < G_N_ELEMENTS(after); i++) {
                world it;
                start(&it, blows[b]);
                it.w.cut_p = at;
                it.w.cut_every = after[i];
                it.w.cut_more = 3;
                run(&it, "byte, and again after it,", at);
            }
}

static void
test_figure(void)
{
    figure sum = {0};

    for (size_t b = 0; b < G_N_ELEMENTS(blows); b++) {
        const figure *f = &figures[b];
        g_test_message("%-15s %5u points, %5u blows, resumed %5u, bytes again per blow: "
                       "%" G_GUINT64_FORMAT " at most, %" G_GUINT64_FORMAT " on average",
                       blow_names[b], f->points, f->blows, f->resumed, f->again_max,
                       f->again / MAX(f->blows, 1));
        sum.points += f->points;
        sum.blows += f->blows;
        sum.resumed += f->resumed;
        sum.again += f->again;
        sum.again_max = MAX(sum.again_max, f->again_max);
        sum.lost += f->lost;
        sum.doubled += f->doubled;
    }
    g_test_message(
        "kill matrix: %u points, %u blows, resumed %u, bytes again %" G_GUINT64_FORMAT
        " (at most %" G_GUINT64_FORMAT " for a blow), lost %u, doubled %u",
        sum.points, sum.blows, sum.resumed, sum.again, sum.again_max, sum.lost, sum.doubled);
    g_assert_cmpuint(sum.resumed, ==, sum.points);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    measure();
    g_test_add_func("/session-matrix/sender-stream", test_sender_stream);
    g_test_add_func("/session-matrix/receiver-stream", test_receiver_stream);
    g_test_add_func("/session-matrix/events", test_events);
    g_test_add_func("/session-matrix/resumed", test_resumed);
    g_test_add_func("/session-matrix/figure", test_figure);
    return g_test_run();
}
