/* SPDX-License-Identifier: Apache-2.0
 *
 * Peers that take time: silent from some state on, one byte a second, only Ping, or away and
 * back again and again; in every state of either role. Virtual time. Every state has a
 * deadline: the victim ends, with a name, after a time that is bounded, and has not grown
 * meanwhile.
 */
#include <string.h>

#include "tests/hostile/voice.h"

#define MEMORY_MAX (1024 * 1024)

enum { SILENT, DRIP, PINGS, RETURNS, HOWS };
static const char *const hows[HOWS] = {"silent", "a-byte-a-second", "only-pings", "comes-back"};

typedef struct {
    const char *state;
    const char *later;
    bool patient; /* is the victim */
    const char *outcome[HOWS];
    unsigned seconds; /* in which it has ended, however it goes */
} stop;

static const stop stops[] = {
#define STOP(state, later, patient, seconds, ...)                                              \
    {state, later, patient, {__VA_ARGS__}, seconds},
#include "tests/hostile/silence.def"
#undef STOP
};

typedef struct {
    const stop *stop;
    unsigned how;
} row;

static void
idle(voice *v)
{
    const row *r = v->row;

    if (v->struck || strcmp(ehp_session_state_name(v->victim->s), r->stop->state) != 0)
        return;
    voice_strike(v);
    v->mute = true;
}

/* What it says does not get through, and what it had to say is gone. */
static void
nothing_more(voice *v, ehp_bytes plain)
{
    if (!v->mute)
        voice_say(v, plain.data, plain.len);
}

/* Of one record that never ends. */
static void
drip(voice *v)
{
    static const uint8_t record[] = {0x7f, 0xf0, 0x55};
    const size_t at = v->dripped < 3 ? v->dripped : 2;

    if (v->victim->link >= 0 && v->victim->inbox->len == 0)
        voice_spit(v, record + at, 1);
    v->dripped++;
}

static void
say_ping(voice *v)
{
    if (v->victim->link >= 0 && v->victim->inbox->len == 0 &&
        v->mouth.connect == v->w.connects && v->mouth.keyed && v->w.connected)
        voice_say(v, "\x82\x01\x00", 3);
}

/* One second, or the next deadline. */
static void
step(voice *v, unsigned how)
{
    const uint64_t at = ehp_session_deadline(v->victim->s);
    const uint64_t next = v->w.now + (how == DRIP ? 1000 : how == PINGS ? 5000 : 60000);

    v->w.now = how == SILENT || how == RETURNS ? MAX(v->w.now, MIN(at, next)) : next;
    if (how == DRIP)
        drip(v);
    if (how == PINGS)
        say_ping(v);
    /* its peer is no honest session any more: nothing of it times out */
    ehp_session_tick(v->victim->s, v->w.now);
    pair_run(&v->w);
}

static void
test_silence(gconstpointer data)
{
    const row *r = data;
    uint64_t end;
    voice v;

    voice_init(&v, !r->stop->patient, nothing_more, r);
    v.w.later = r->stop->later;
    v.idle = idle;
    voice_start(&v);
    voice_run(&v);
    g_assert_true(v.struck);
    v.w.no_reconnect = r->how != RETURNS;
    end = v.w.now + (uint64_t)r->stop->seconds * 1000;
    while (!v.victim->ended && v.w.now <= end) {
        if (r->how == RETURNS && v.w.connected)
            pair_cut(&v.w);
        step(&v, r->how);
    }
    g_assert_true(v.victim->ended);
    g_assert_cmpuint(v.w.now, <=, end);
    g_assert_cmpstr(ehp_status_name(v.victim->status), ==, r->stop->outcome[r->how]);
    g_assert_cmpuint(memory_peak() - v.before.memory, <=, MEMORY_MAX);
    voice_clear(&v);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_assert_cmpint(sodium_init(), >=, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(stops); i++)
        for (unsigned how = 0; how < HOWS; how++) {
            g_autofree char *name = NULL;
            row *r;
            if (stops[i].outcome[how] == NULL)
                continue;
            name = g_strdup_printf("/hostile/silence/%s/%s", stops[i].state, hows[how]);
            r = g_new0(row, 1);
            r->stop = &stops[i];
            r->how = how;
            g_test_add_data_func_full(name, r, test_silence, g_free);
        }
    return g_test_run();
}
