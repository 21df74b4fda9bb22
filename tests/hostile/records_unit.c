/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole records dropped, doubled, swapped, replayed. By the peer itself, whose records
 * authenticate: a broken rule, with its name. By somebody in range who has no keys: the link is
 * closed, another one resumes, and everything arrives once. And what was recorded of other
 * sessions and links is played again: it fits nowhere.
 */
#include <string.h>

#include "tests/hostile/voice.h"

#define MEMORY_MAX (EHP_UNPACK_MEMORY_MAX + 64 * 1024)

static const pair_item items[] = {
    {"a", 700, 1}, {"none", 0, 0}, {"big", EHP_SEGMENT_MAX + 20000, 0}};

typedef struct {
    bool liar_is_patient;
    unsigned at; /* with keys: kind of record; without: which record */
    unsigned op;
    const char *outcome;
    const char *later;
} row;

/* ---------------------------------------------------------------- with keys */

enum { DROP, TWICE, SWAP, AGAIN, HALF, OPS };
static const char *const ops[OPS] = {"dropped", "twice", "swapped", "again-later", "cut-short"};

/* One record that waits for its turn. */
static struct {
    uint8_t bytes[EHP_RECORD_PLAIN_MAX];
    size_t len;
    bool waits;
} kept;

static void
keep(ehp_bytes plain)
{
    memcpy(kept.bytes, plain.data, plain.len);
    kept.len = plain.len;
    kept.waits = true;
}

static void
with_keys(voice *v, ehp_bytes plain)
{
    const row *r = v->row;
    const bool here = voice_kind(plain) == r->at && !v->struck && !kept.waits;

    if (!here) {
        if (kept.waits && !v->struck)
            voice_strike(v);
        voice_say(v, plain.data, plain.len);
        if (kept.waits)
            voice_say(v, kept.bytes, kept.len);
        kept.waits = false;
        return;
    }
    if (r->op == DROP || r->op == TWICE || r->op == HALF)
        voice_strike(v);
    if (r->op == TWICE || r->op == AGAIN)
        voice_say(v, plain.data, plain.len);
    if (r->op == TWICE)
        voice_say(v, plain.data, plain.len);
    if (r->op == HALF)
        voice_say(v, plain.data, plain.len / 2 + 1);
    if (r->op == SWAP || r->op == AGAIN)
        keep(plain);
}

static const struct {
    unsigned kind;
    bool patient; /* says it */
    const char *name, *later;
    const char *outcome[OPS];
} kinds[] = {
#define KIND(kind, patient, name, later, ...) {kind, patient, name, later, {__VA_ARGS__}},
#include "tests/hostile/records.def"
#undef KIND
};

static void
test_with_keys(gconstpointer data)
{
    const row *r = data;
    const char *outcome;
    voice v;

    memset(&kept, 0, sizeof kept);
    voice_init(&v, r->liar_is_patient, with_keys, r);
    v.w.items = items;
    v.w.n_items = G_N_ELEMENTS(items);
    v.w.later = r->later;
    v.w.no_reconnect = true;
    voice_start(&v);
    voice_run(&v);
    outcome = voice_outcome(&v);
    if (strcmp(outcome, "GoesOn") == 0) {
        pair_finish(&v.w, 60);
        outcome = !v.victim->ended ? "Open"
                  : v.victim->by_peer && v.victim->status != EHP_OK
                      ? "Accepted"
                      : ehp_status_name(v.victim->status);
    }
    g_assert_cmpstr(outcome, ==, r->outcome);
    /* never a part of it as a whole */
    g_assert_cmpuint(v.w.t.seen[EHP_EV_COMPLETE] > 0, <=, v.w.t.items_whole >= 3);
    voice_clear(&v);
}

/* ---------------------------------------------------------------- without keys */

enum { LOST, DOUBLED, FLIPPED, HEADER, JUNK, SHORT, BLIND_OPS };
static const char *const blind_ops[BLIND_OPS] = {"lost",   "doubled", "flipped",
                                                 "header", "junk",    "short"};

static void
without_keys(voice *v, ehp_bytes plain)
{
    const row *r = v->row;
    GByteArray *out = v->victim->inbox;
    size_t len;

    voice_say(v, plain.data, plain.len);
    if (v->records != r->at + 1 || v->struck)
        return;
    voice_strike(v);
    len = out->len;
    switch (r->op) {
    case LOST:
        g_byte_array_set_size(out, 0);
        break;
    case DOUBLED:
        g_byte_array_set_size(out, (guint)(2 * len));
        memcpy(out->data + len, out->data, len);
        break;
    case FLIPPED:
        out->data[len / 2] ^= 0x10;
        break;
    case HEADER:
        out->data[0] ^= 0x80;
        break;
    case JUNK:
        memset(out->data, 0x5a, len);
        break;
    case SHORT:
        g_byte_array_set_size(out, (guint)(len - 1));
        break;
    }
}

static void
test_without_keys(gconstpointer data)
{
    const row *r = data;
    voice v;

    voice_init(&v, r->liar_is_patient, without_keys, r);
    v.w.lax = false; /* what arrives is compared */
    v.w.items = items;
    v.w.n_items = G_N_ELEMENTS(items);
    voice_start(&v);
    pair_finish(&v.w, 60);
    g_assert_true(v.struck);
    g_assert_true(v.w.p.ended && v.w.t.ended);
    g_assert_cmpstr(ehp_status_name(v.w.p.status), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(v.w.t.status), ==, "Ok");
    g_assert_cmpuint(v.w.t.items_whole, ==, G_N_ELEMENTS(items));
    g_assert_cmpmem(v.w.p.receipt, v.w.p.receipt_len, v.w.t.receipt, v.w.t.receipt_len);
    g_assert_cmpuint(memory_peak() - v.before.memory, <=, 8 * 1024 * 1024);
    voice_clear(&v);
}

/* How many records each side says in an honest session. */
static void
count_records(unsigned count[2])
{
    for (int patient = 0; patient < 2; patient++) {
        voice v;
        voice_init(&v, patient, NULL, NULL);
        v.w.items = items;
        v.w.n_items = G_N_ELEMENTS(items);
        voice_start(&v);
        pair_finish(&v.w, 60);
        g_assert_cmpuint(v.w.connects, ==, 1);
        count[patient] = v.records;
        voice_clear(&v);
    }
}

/* ---------------------------------------------------------------- what was recorded */

static void
record(pair *w, unsigned cuts)
{
    pair_init(w);
    w->items = items;
    w->n_items = G_N_ELEMENTS(items);
    w->tape_p = g_byte_array_new();
    w->tape_t = g_byte_array_new();
    w->cut_p = cuts > 0 ? 30000 : UINT64_MAX;
    w->cut_every = cuts > 1 ? 30000 : 0;
    w->cut_more = cuts;
    pair_start(w);
    pair_connect(w);
}

/* Plays bytes to a terminal as a connection; false: it takes none of it. */
static bool
play(ehp_session *s, ehp_bytes bytes, uint64_t now)
{
    ehp_preamble preamble;
    ehp_event ev;
    size_t used;
    int link;

    if (ehp_preamble_parse(bytes, &preamble) != EHP_OK ||
        ehp_session_accept(s, &preamble, now, &link) != EHP_OK)
        return false;
    bytes = ehp_bytes_of(bytes.data + EHP_PREAMBLE_LEN, bytes.len - EHP_PREAMBLE_LEN);
    while (bytes.len > 0 && ehp_session_wants_input(s, link)) {
        g_assert_cmpint(ehp_session_feed(s, link, bytes.data, bytes.len, now, &used), ==,
                        EHP_OK);
        bytes = ehp_bytes_of(bytes.data + used, bytes.len - used);
        while (ehp_session_next_event(s, now, &ev))
            g_assert_cmpint(ev.type, ==, EHP_EV_LINK_CLOSE);
    }
    return true;
}

/* A whole session, played to the same terminal once more: it has ended, and to a later one. */
static void
test_replay_session(void)
{
    pair w, other;
    ehp_secrets patient, terminal;
    ehp_session_config config = {.secrets = &terminal, .leaf_secret = pair_leaf_secret()};
    Ehp__ConsentRequest request = EHP__CONSENT_REQUEST__INIT;
    ehp_session *later;

    record(&w, 0);
    pair_finish(&w, 60);
    g_assert_false(play(w.t.s, ehp_bytes_of(w.tape_p->data, w.tape_p->len), w.now));
    pair_secrets(&patient, &terminal); /* of another tap */
    memset(terminal.locator, 0x77, sizeof terminal.locator);
    memset(terminal.recv.key, 0x78, sizeof terminal.recv.key);
    config.request = &request;
    g_assert_cmpint(ehp_session_new(&config, w.now, &later), ==, EHP_OK);
    g_assert_false(play(later, ehp_bytes_of(w.tape_p->data, w.tape_p->len), w.now));
    g_assert_cmpstr(ehp_session_state_name(later), ==, "Asking");
    ehp_session_free(later);
    /* to a patient that runs: it connects itself, so the bytes must come on its link */
    pair_init(&other);
    pair_start(&other);
    other.p.s->secrets.recv.key[0] ^= 1;
    pair_connect(&other);
    pair_handle(&other.p);
    size_t used;
    g_assert_cmpint(ehp_session_feed(other.p.s, other.p.link, w.tape_t->data, w.tape_t->len,
                                     other.now, &used),
                    ==, EHP_OK);
    pair_handle(&other.p);
    g_assert_cmpuint(other.p.seen[EHP_EV_LINK_UP], ==, 0);
    g_assert_cmpuint(other.p.seen[EHP_EV_CHECK_CRLS], ==, 0);
    pair_clear(&other);
    pair_clear(&w);
}

/* The first link's bytes while the session still runs on a later one: the preamble of kind 00
 * serves once. */
static void
test_replay_first_link(void)
{
    pair w;
    ehp_status status;
    ehp_preamble preamble;
    int link;

    record(&w, 1);
    pair_run(&w);
    g_assert_cmpuint(w.connects, >=, 2);
    status = ehp_preamble_parse(ehp_bytes_of(w.tape_p->data, w.tape_p->len), &preamble);
    g_assert_cmpint(status, ==, EHP_OK);
    g_assert_false(ehp_session_matches(w.t.s, &preamble));
    g_assert_cmpint(ehp_session_accept(w.t.s, &preamble, w.now, &link), !=, EHP_OK);
    pair_finish(&w, 60);
    g_assert_cmpstr(ehp_status_name(w.t.status), ==, "Ok");
    pair_clear(&w);
}

/* A thief of an older generation's secrets: they open nothing once the next one is proven. */
static void
test_old_generation(void)
{
    pair w, thief;
    uint8_t bytes[EHP_PREAMBLE_LEN];
    ehp_preamble preamble;
    int link;

    pair_init(&w);
    w.items = items;
    w.n_items = G_N_ELEMENTS(items);
    w.hold_commit = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    pair_cut(&w);
    w.no_reconnect = true;
    pair_run(&w);
    /* what the patient holds now, held by somebody else too */
    pair_init(&thief);
    pair_start(&thief);
    memcpy(thief.p.s->held, w.p.s->held, sizeof thief.p.s->held);
    thief.p.s->n_held = w.p.s->n_held;
    g_assert_cmpint(ehp_session_connect(thief.p.s, thief.now, &link), ==, EHP_OK);
    ehp_session_link_lost(thief.p.s, link, thief.now);
    w.no_reconnect = false;
    pair_run(&w); /* resumes: the next generation */
    pair_cut(&w);
    w.no_reconnect = true;
    pair_run(&w);
    g_assert_cmpint(ehp_session_connect(thief.p.s, thief.now, &link), ==, EHP_OK);
    memcpy(bytes, ehp_session_output(thief.p.s, link, thief.now).data, sizeof bytes);
    g_assert_cmpint(ehp_preamble_parse(ehp_bytes_of(bytes, sizeof bytes), &preamble), ==,
                    EHP_OK);
    g_assert_false(ehp_session_matches(w.t.s, &preamble));
    g_assert_cmpint(ehp_session_accept(w.t.s, &preamble, w.now, &link), ==, EHP_NOT_FOUND);
    pair_clear(&thief);
    pair_clear(&w);
}

/* ---------------------------------------------------------------- half open */

#define HALF_OPEN 100

/* A hundred sessions with every link claimed by somebody who heard the preamble and says
 * nothing: each keeps little, and their own peers still get in. */
static void
test_half_open(void)
{
    static pair w[HALF_OPEN];
    const size_t before = memory_now();
    size_t cost;

    for (int i = 0; i < HALF_OPEN; i++) {
        pair_init(&w[i]);
        pair_start(&w[i]);
        pair_connect(&w[i]);
        const ehp_bytes out = ehp_session_output(w[i].p.s, w[i].p.link, w[i].now);
        ehp_preamble preamble;
        int link;
        g_assert_cmpint(ehp_preamble_parse(out, &preamble), ==, EHP_OK);
        g_assert_cmpint(ehp_session_accept(w[i].t.s, &preamble, w[i].now, &link), ==, EHP_OK);
        ehp_session_link_lost(w[i].p.s, w[i].p.link, w[i].now);
        w[i].p.link = -1;
        w[i].connected = false;
    }
    cost = memory_now() - before;
    g_test_message("%zu bytes each", cost / HALF_OPEN);
    g_assert_cmpuint(cost / HALF_OPEN, <=, 256 * 1024);
    for (int i = 0; i < HALF_OPEN; i++) {
        pair_finish(&w[i], 60);
        g_assert_cmpstr(ehp_status_name(w[i].p.status), ==, "Ok");
        g_assert_cmpstr(ehp_status_name(w[i].t.status), ==, "Ok");
        pair_clear(&w[i]);
    }
}

/* ---------------------------------------------------------------- cases */

static void add(const row *what, GTestDataFunc test, const char *format, ...)
    G_GNUC_PRINTF(3, 4);

static void
add(const row *what, GTestDataFunc test, const char *format, ...)
{
    g_autofree char *name = NULL;
    row *r = g_new0(row, 1);
    va_list args;

    va_start(args, format);
    name = g_strdup_vprintf(format, args);
    va_end(args);
    *r = *what;
    g_test_add_data_func_full(name, r, test, g_free);
}

int
main(int argc, char **argv)
{
    unsigned count[2];

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_assert_cmpint(sodium_init(), >=, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++)
        for (unsigned op = 0; op < OPS; op++) {
            const row r = {kinds[i].patient, kinds[i].kind, op, kinds[i].outcome[op],
                           kinds[i].later};
            if (r.outcome != NULL)
                add(&r, test_with_keys, "/hostile/record/%s/%s", kinds[i].name, ops[op]);
        }
    count_records(count);
    for (int patient = 0; patient < 2; patient++)
        for (unsigned at = 0; at < count[patient]; at++)
            for (unsigned op = 0; op < BLIND_OPS; op++) {
                const row r = {patient, at, op, NULL, NULL};
                add(&r, test_without_keys, "/hostile/wire/%s/%u/%s",
                    patient ? "to-terminal" : "to-patient", at, blind_ops[op]);
            }
    g_test_add_func("/hostile/replay/session", test_replay_session);
    g_test_add_func("/hostile/replay/first-link", test_replay_first_link);
    g_test_add_func("/hostile/replay/old-generation", test_old_generation);
    g_test_add_func("/hostile/half-open", test_half_open);
    return g_test_run();
}
