/* SPDX-License-Identifier: Apache-2.0
 *
 * The end of a process in a session of several transfers: a list, items of it, what the clinic
 * sends back, taken and refused. Struck at every event of either side, before it was handled
 * and after, and again after that, by a cut of the link and by the end of either process or of
 * both: every transfer ends with the same items and one receipt, none lost, none doubled. And
 * what was kept, in every state on the way, is not taken for what it is not. A sample of the
 * points by default, far more with `-m slow`.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "kept.h"

static const pair_item items[] = {
    {"a", 700, 1}, {"none", 0, 0}, {"big", 300000, 0}, {"b", 300, 0}};

/* What there is to say of the first needs no bytes, and so no question to the caller. */
static const pair_item hollow[] = {{"none", 0, 0}, {"a", 700, 1}};

typedef struct {
    const char *later;
    bool list_first;
    unsigned refused;
    unsigned p_whole, t_whole; /* items */
    bool hollow;
} plan;

/* Letters as in pair.h. */
static const plan plans[] = {
    {"r", false, 0, 0, 6, false},  {"n", false, 0, 0, 4, false},  {"l", false, 0, 0, 4, false},
    {"w", false, 0, 4, 4, false},  {"x", false, 1, 0, 4, false},  {"v", false, 1, 0, 4, false},
    {"rw", true, 0, 4, 2, false},  {"wr", false, 0, 4, 6, false}, {"rxw", true, 1, 4, 2, false},
    {"xr", false, 1, 0, 6, false}, {"sw", false, 0, 4, 4, false}, {"rr", true, 0, 0, 4, false},
    {"w", false, 0, 2, 2, true},   {"v", false, 1, 0, 2, true},
};

typedef struct {
    pair w;
    kept_store p, t;
} world;

static const char *const blow_names[] = {"cut", "patient", "terminal", "both"};

static struct {
    unsigned points, blows, lost, doubled;
} figure;

static world *
world_new(const plan *p, pair_blow blow)
{
    world *it = g_new0(world, 1);

    pair_init(&it->w);
    it->w.items = p->hollow ? hollow : items;
    it->w.n_items = p->hollow ? G_N_ELEMENTS(hollow) : G_N_ELEMENTS(items);
    it->w.later = p->later;
    it->w.list_first = p->list_first;
    it->w.blow = blow;
    it->w.zstd_level = -1; /* what is tried here is not compression */
    kept_start(&it->w, &it->p, &it->t);
    return it;
}

static void
world_free(world *it)
{
    pair_clear(&it->w);
    g_free(it);
}

static unsigned
transfers_of(const plan *p)
{
    unsigned n = 1;

    for (const char *step = p->later; *step != '\0'; step++)
        n += *step != 's';
    return n;
}

/* Each transfer that was not refused has one receipt, the same on both sides. */
static unsigned
missing_receipts(const world *it, const plan *p)
{
    unsigned missing = 0, refused = 0;

    for (uint32_t i = 0; i < transfers_of(p); i++)
        missing += !kept_same_receipt(&it->p, &it->t, i);
    refused = p->refused;
    return missing - MIN(missing, refused);
}

static bool
run(world *it, const plan *p, const char *where, unsigned at)
{
    unsigned doubled;
    bool fine, struck;

    pair_connect(&it->w);
    pair_finish(&it->w, 90);
    doubled = it->p.doubled + it->t.doubled;
    fine = it->w.p.ended && it->w.t.ended && it->w.p.status == EHP_OK &&
           it->w.t.status == EHP_OK && it->w.at_later == strlen(p->later) &&
           it->w.p.items_whole == p->p_whole && it->w.t.items_whole == p->t_whole &&
           it->w.p.status_kind == 1 && missing_receipts(it, p) == 0;
    struck = it->w.blows > 0;
    figure.points += struck;
    figure.blows += it->w.blows;
    figure.lost += !fine;
    figure.doubled += doubled;
    if (!fine || doubled > 0)
        g_printerr("# %s, %s struck at %s %u: %s %s, %s %s, step %zu, %u and %u items, status "
                   "%u, %u receipts missing, %u doubled\n",
                   p->later, blow_names[it->w.blow], where, at,
                   ehp_session_state_name(it->w.p.s), ehp_status_name(it->w.p.status),
                   ehp_session_state_name(it->w.t.s), ehp_status_name(it->w.t.status),
                   it->w.at_later, it->w.p.items_whole, it->w.t.items_whole,
                   it->w.p.status_kind, missing_receipts(it, p), doubled);
    g_assert_true(fine && doubled == 0);
    world_free(it);
    return struck;
}

static void
test_calm(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++)
        run(world_new(&plans[i], PAIR_CUT), &plans[i], "never", 0);
}

static bool
strike_event(const plan *p, pair_blow blow, bool patient, bool handled, unsigned at,
             unsigned again)
{
    world *it = world_new(p, blow);

    it->p.forgetful = it->t.forgetful = at % 2 == 0;
    it->w.kill_patient = patient;
    it->w.kill_handled = handled;
    it->w.kill_at = at;
    it->w.kill_again = again;
    return run(it, p, patient ? "the patient's event" : "the terminal's event", at);
}

static void
test_every_event(void)
{
    unsigned stride = g_test_slow() ? 1 : 7;

    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++)
        for (pair_blow blow = PAIR_CUT; blow <= PAIR_KILL_BOTH; blow++)
            for (int patient = 0; patient < 2; patient++)
                for (int handled = 0; handled < 2; handled++)
                    for (unsigned at = 1 + ((unsigned)i + blow) % stride;
                         strike_event(&plans[i], blow, patient, handled, at, 0);)
                        at += stride;
}

/* What has resumed is struck again, soon after. */
static void
test_again(void)
{
    unsigned stride = g_test_slow() ? 3 : 17;

    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++)
        for (pair_blow blow = PAIR_KILL_PATIENT; blow <= PAIR_KILL_BOTH; blow++)
            for (int patient = 0; patient < 2; patient++)
                for (unsigned at = 2 + (unsigned)i % stride;
                     strike_event(&plans[i], blow, patient, at % 3 == 0, at, 1 + at % 7);)
                    at += stride;
}

/* Both streams, in the midst of whatever is on them. */
static void
test_streams(void)
{
    unsigned stride = g_test_slow() ? 5003 : 60013;

    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++)
        for (pair_blow blow = PAIR_KILL_PATIENT; blow <= PAIR_KILL_BOTH; blow++)
            for (int back = 0; back < 2; back++)
                for (uint64_t at = 40 + i;; at += stride) {
                    world *it = world_new(&plans[i], blow);
                    it->w.chunk = 4096;
                    *(back ? &it->w.cut_t : &it->w.cut_p) = at;
                    if (!run(it, &plans[i], back ? "byte back" : "byte", (unsigned)at))
                        break;
                }
}

/* ---------------------------------------------------------------- what may not be taken up */

static ehp_status
revive_status(pair_side *side)
{
    ehp_session *s = NULL;
    ehp_status status = kept_try_revive(side, &s);

    ehp_session_free(s);
    return status;
}

#define EXPECT_DAMAGED(change)                                                                 \
    do {                                                                                       \
        change;                                                                                \
        g_assert_cmpstr(ehp_status_name(revive_status(side)), ==, "StateDamaged");             \
        *kept = *good;                                                                         \
    } while (0)

/* At offset 4 the transfer, at 8 the stage. */
static void
damage_stage(pair_side *side, kept_store *kept, const kept_store *good)
{
    EXPECT_DAMAGED(kept->saved[4] = 1);
    EXPECT_DAMAGED(kept->saved[8] ^= 0x20);
    EXPECT_DAMAGED(kept->saved[8] ^= 8); /* between */
    if (good->stage.granted) {
        EXPECT_DAMAGED(kept->saved[7]++);
        EXPECT_DAMAGED(kept->saved[8] ^= 1);
        EXPECT_DAMAGED(kept->saved[8] ^= 2);
        EXPECT_DAMAGED(kept->saved[8] ^= 4);
        EXPECT_DAMAGED(kept->saved[8] ^= 16);
    }
}

/* The list or the receipt of another transfer than the one that was saved. */
static void
damage_past(pair_side *side, kept_store *kept, const kept_store *good)
{
    const uint32_t n = good->stage.transfer;
    const bool receives = side->patient == good->stage.to_patient;

    if (!good->stage.granted)
        return;
    if (receives && good->list.n > 0) {
        EXPECT_DAMAGED(kept->list.n--);
        EXPECT_DAMAGED(kept->list.sizes[0] ^= 1);
        EXPECT_DAMAGED(kept->n_roots = kept->list.n + 1);
    }
    if (!receives && n > 0 && good->n_sent > 1)
        EXPECT_DAMAGED(kept->n_sent--);
    for (uint32_t i = 0; i < n; i++)
        if (good->receipts[i].len > 0)
            EXPECT_DAMAGED(kept->receipts[n] = good->receipts[i]);
}

static unsigned damaged_at;

static void
damage(pair_side *side)
{
    kept_store *kept = side->store, *good = g_memdup2(kept, sizeof *kept);

    g_assert_cmpint(revive_status(side), ==, EHP_OK);
    damage_stage(side, kept, good);
    damage_past(side, kept, good);
    for (size_t cut = 0; cut < good->saved_len; cut += 211)
        EXPECT_DAMAGED(kept->saved_len = cut);
    EXPECT_DAMAGED(kept->saved[3] = '0');
    kept->saved[3] = '3';
    g_assert_cmpint(revive_status(side), ==, EHP_STATE_TOO_NEW);
    *kept = *good;
    g_free(good);
    damaged_at++;
}

static void
test_damaged(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++)
        for (uint64_t at = i;; at += g_test_slow() ? 5003 : 60013) {
            world *it = world_new(&plans[i], PAIR_CUT);
            it->w.stop_at = at + 1;
            pair_connect(&it->w);
            pair_run(&it->w);
            if (it->w.p.ended || it->w.t.ended || it->w.sent_p < at) {
                world_free(it);
                break;
            }
            damage(&it->w.p);
            damage(&it->w.t);
            world_free(it);
        }
    g_test_message("damaged in %u states", damaged_at);
    g_assert_cmpuint(damaged_at, >, 50);
}

/* A receiver of a later transfer whose disk went back: found out, by name. */
static void
test_rolled_back(void)
{
    for (int reply = 0; reply < 2; reply++) {
        world *it = world_new(&plans[reply ? 3 : 0], PAIR_CUT);
        pair_side *receiver = reply ? &it->w.p : &it->w.t;
        pair_side *sender = reply ? &it->w.t : &it->w.p;
        kept_store *kept = receiver->store;

        pair_connect(&it->w);
        for (unsigned step = 1; kept->stage.transfer == 0 || kept->mark_len == 0; step++) {
            it->w.stop_at = it->w.sent_p + 1;
            pair_run(&it->w);
            g_assert_cmpuint(step, <, 10000);
        }
        it->w.stop_at = 0;
        kept->mark_len = 0;
        kept->n_roots = 0;
        pair_kill(receiver);
        pair_finish(&it->w, 10);
        g_assert_cmpstr(ehp_status_name(sender->status), ==, "RolledBack");
        g_assert_true(receiver->ended);
        world_free(it);
    }
}

/* Form 1, of versions that knew one transfer only: the same fields in another order. */
static size_t
older_form(const kept_store *kept, uint8_t *out)
{
    const uint8_t *in = kept->saved;
    size_t secrets = ((size_t)in[11] << 8 | in[12]) + 4; /* be32 at 9 */
    size_t held = 9 + secrets, fixed = held + 1 + in[held] * 68u + 1 + 4 + 32 + 64 + 64 + 32;
    size_t subject = fixed + 2 + in[fixed + 1], docs = subject + 4, len = 0, at = docs;

    memcpy(out, "EHR1", 4);
    len = 4;
    memcpy(out + len, in + 9, fixed - 9);
    len += fixed - 9;
    for (int i = 0; i < 3; i++) {
        size_t size = ((size_t)in[at + 1] << 16 | (size_t)in[at + 2] << 8 | in[at + 3]) + 4;
        memcpy(out + len, in + at, size);
        len += size;
        at += size;
    }
    return len;
}

static void
test_older_form(void)
{
    for (int patient = 0; patient < 2; patient++) {
        const plan *p = &plans[0];
        world *it = world_new(p, PAIR_CUT);
        pair_side *side = patient ? &it->w.p : &it->w.t;
        kept_store *kept = side->store;
        uint8_t *older = g_malloc(sizeof kept->saved);

        it->w.chunk = 4096;
        it->w.stop_at = 100000;
        pair_connect(&it->w);
        pair_run(&it->w);
        it->w.stop_at = 0;
        g_assert_cmpuint(kept->stage.transfer, ==, 0);
        g_assert_true(kept->stage.granted);
        kept->saved_len = older_form(kept, older);
        memcpy(kept->saved, older, kept->saved_len);
        g_free(older);
        pair_kill(side);
        it->w.blows = 1;
        it->w.connects = 1;
        pair_run(&it->w);
        pair_finish(&it->w, 90);
        g_assert_cmpuint(it->w.t.items_whole, ==, p->t_whole);
        g_assert_cmpuint(missing_receipts(it, p), ==, 0);
        world_free(it);
    }
}

static void
test_figure(void)
{
    g_test_message("later transfers: %u points, %u blows, lost %u, doubled %u", figure.points,
                   figure.blows, figure.lost, figure.doubled);
    g_assert_cmpuint(figure.points, >, 300);
    g_assert_cmpuint(figure.lost + figure.doubled, ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/session-later-killed/calm", test_calm);
    g_test_add_func("/session-later-killed/every-event", test_every_event);
    g_test_add_func("/session-later-killed/again", test_again);
    g_test_add_func("/session-later-killed/streams", test_streams);
    g_test_add_func("/session-later-killed/damaged", test_damaged);
    g_test_add_func("/session-later-killed/rolled-back", test_rolled_back);
    g_test_add_func("/session-later-killed/older-form", test_older_form);
    g_test_add_func("/session-later-killed/figure", test_figure);
    return g_test_run();
}
