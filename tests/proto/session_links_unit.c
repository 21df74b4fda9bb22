/* SPDX-License-Identifier: Apache-2.0
 *
 * Links that overlap, links that are alive without data, and peers that hold a session without
 * moving it: what neither a cut wire nor a lie in a message shows.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/session-priv.h"

static void
expect_done(const pair *w)
{
    g_assert_true(w->p.ended);
    g_assert_true(w->t.ended);
    g_assert_cmpstr(ehp_status_name(w->p.status), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(w->t.status), ==, "Ok");
    g_assert_cmpuint(w->t.items_whole, ==, w->n_items);
}

/* Moves one second on, as a caller with a coarse timer would. */
static void
pass_second(pair *w)
{
    w->now += 1000;
    ehp_session_tick(w->p.s, w->now);
    ehp_session_tick(w->t.s, w->now);
    pair_run(w);
}

/* ---------------------------------------------------------------- two links at once */

static void
take_output(pair *w, pair_side *side, GByteArray *to)
{
    ehp_bytes out = ehp_session_output(side->s, side->link, w->now);

    g_byte_array_append(to, out.data, (guint)out.len);
    ehp_session_consume(side->s, side->link, out.len, w->now);
    pair_handle(side);
}

static void
give(pair *w, pair_side *side, int link, GByteArray *bytes)
{
    while (bytes->len > 0 && ehp_session_wants_input(side->s, link)) {
        size_t used;
        g_assert_cmpint(ehp_session_feed(side->s, link, bytes->data, bytes->len, w->now, &used),
                        ==, EHP_OK);
        g_byte_array_remove_range(bytes, 0, (guint)used);
        pair_handle(side);
    }
}

/* The terminal finds out what the patient connected as; -1: nothing. */
static int
accept_from(pair *w, GByteArray *wire)
{
    ehp_preamble preamble;
    int link = -1;

    g_assert_cmpint(ehp_preamble_parse(ehp_bytes_of(wire->data, wire->len), &preamble), ==,
                    EHP_OK);
    g_byte_array_remove_range(wire, 0, EHP_PREAMBLE_LEN);
    g_assert_cmpint(ehp_session_accept(w->t.s, &preamble, w->now, &link), ==, EHP_OK);
    return link;
}

/* The patient connects anew while bytes of the old link are still on their way to the terminal,
 * which would read them between its own hello and the patient's: the position that it told
 * stays true. And it can be told at once, also when what was delivered waits to become durable.
 */
static void
old_link_still_delivers(bool hold_durable)
{
    static pair_item items[40];
    g_autoptr(GByteArray) late = g_byte_array_new(), wire = g_byte_array_new();
    pair w;
    int old, new;

    for (size_t i = 0; i < G_N_ELEMENTS(items); i++)
        items[i] = (pair_item){"image", hold_durable ? 280000 : 20000, 0};
    pair_init(&w);
    w.items = items;
    w.n_items = G_N_ELEMENTS(items);
    w.chunk = 8192;
    w.stop_at = 300000;
    w.hold_durable = hold_durable;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_byte_array_append(late, w.t.inbox->data, w.t.inbox->len);
    g_byte_array_set_size(w.t.inbox, 0);
    take_output(&w, &w.p, late);
    g_assert_cmpuint(late->len, >, 60000);
    old = w.t.link;

    g_assert_cmpint(ehp_session_connect(w.p.s, w.now, &w.p.link), ==, EHP_OK);
    pair_handle(&w.p);
    take_output(&w, &w.p, wire);
    w.t.link = new = accept_from(&w, wire);
    give(&w, &w.t, new, wire);
    take_output(&w, &w.t, wire); /* message 2 and ResumeHello */
    give(&w, &w.t, old, late);
    give(&w, &w.p, w.p.link, wire);
    take_output(&w, &w.p, wire);
    give(&w, &w.t, new, wire);
    g_assert_false(w.t.ended);

    g_byte_array_set_size(w.p.inbox, 0);
    w.stop_at = 0;
    pair_finish(&w, 10);
    expect_done(&w);
    pair_clear(&w);
}

static void
test_old_link_still_delivers(void)
{
    old_link_still_delivers(false);
    old_link_still_delivers(true);
}

/* A link that won and brought nothing further is followed by its own generation, not by the one
 * before: no connection is wasted. */
static void
test_newest_generation_first(void)
{
    pair w;

    pair_init(&w);
    w.hold_commit = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    for (unsigned i = 0; i < 3; i++) {
        pair_cut(&w);
        pair_run(&w);
    }
    g_assert_cmpuint(w.connects, ==, 4);
    pair_clear(&w);
}

/* One connection by hand; the terminal takes it or not. The patient's ResumeHello arrives or
 * not; what the terminal says to it never does. */
static bool
connects_by_hand(pair *w, bool hello_arrives)
{
    g_autoptr(GByteArray) wire = g_byte_array_new();
    ehp_preamble preamble;
    int p = -1, t = -1;
    bool taken;

    g_assert_cmpint(ehp_session_connect(w->p.s, w->now, &p), ==, EHP_OK);
    w->p.link = p;
    take_output(w, &w->p, wire);
    g_assert_cmpint(ehp_preamble_parse(ehp_bytes_of(wire->data, wire->len), &preamble), ==,
                    EHP_OK);
    g_byte_array_remove_range(wire, 0, EHP_PREAMBLE_LEN);
    taken = ehp_session_accept(w->t.s, &preamble, w->now, &t) == EHP_OK;
    if (taken) {
        w->t.link = t;
        give(w, &w->t, t, wire);
        take_output(w, &w->t, wire);
        give(w, &w->p, p, wire);
        take_output(w, &w->p, wire);
        if (hello_arrives)
            give(w, &w->t, t, wire);
        ehp_session_link_lost(w->t.s, t, w->now);
        w->t.link = -1;
        pair_handle(&w->t);
    }
    ehp_session_link_lost(w->p.s, p, w->now);
    w->p.link = -1;
    pair_handle(&w->p);
    return taken;
}

/* Whatever is lost of however many resumptions in a row, the patient keeps the generation that
 * the terminal has: who answered a first message has what it was made from. */
static void
test_no_lock_out(void)
{
    static const pair_item big = {"image", 1000000, 0};
    pair w;

    pair_init(&w);
    w.items = &big;
    w.n_items = 1;
    w.chunk = 8192;
    w.stop_at = 300000;
    w.no_reconnect = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    pair_cut(&w);
    /* the terminal takes the new generation, and the patient never hears of it … */
    g_assert_true(connects_by_hand(&w, true));
    /* … and then the terminal hears nothing of what comes after it */
    for (unsigned taken = 0, tries = 0; taken < 6; tries++) {
        g_assert_cmpuint(tries, <, 30);
        taken += connects_by_hand(&w, false);
    }
    g_assert_false(w.p.ended || w.t.ended);
    w.no_reconnect = false;
    w.stop_at = 0;
    pair_finish(&w, 10);
    expect_done(&w);
    pair_clear(&w);
}

/* The patient connects and is connected to by nobody: its own first bytes, said back to it, fit
 * no session. Nor does a terminal connect. */
static void
test_said_back(void)
{
    ehp_preamble preamble;
    pair w;
    int link;

    pair_init(&w);
    w.hold_commit = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpint(ehp_session_connect(w.p.s, w.now, &w.p.link), ==, EHP_OK);
    g_assert_cmpint(ehp_preamble_parse(ehp_session_output(w.p.s, w.p.link, w.now), &preamble),
                    ==, EHP_OK);
    g_assert_true(ehp_session_matches(w.t.s, &preamble));
    g_assert_false(ehp_session_matches(w.p.s, &preamble));
    g_assert_cmpint(ehp_session_accept(w.p.s, &preamble, w.now, &link), ==, EHP_NOT_FOUND);
    g_assert_cmpint(ehp_session_connect(w.t.s, w.now, &link), ==, EHP_WRONG_STATE);
    pair_clear(&w);
}

/* A session that has ended keeps no key, though its last words wait to be read. */
static void
test_last_words_keep_no_key(void)
{
    pair w;
    session_link *l;

    pair_init(&w);
    w.hold_commit = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    pair_cut(&w);
    pair_run(&w);
    l = &w.p.s->links[w.p.link];
    g_assert_false(sodium_is_zero(l->resume, sizeof(l->resume)));
    ehp_session_end(w.p.s, EHP_CANCELLED, w.now);
    g_assert_cmpuint(l->state, ==, LS_CLOSING);
    g_assert_cmpuint(ehp_session_output(w.p.s, w.p.link, w.now).len, >, 0);
    g_assert_true(sodium_is_zero(l->resume, sizeof(l->resume)));
    g_assert_true(sodium_is_zero(l->locator, sizeof(l->locator)));
    g_assert_false(l->records.send.has_key || l->records.recv.has_key);
    pair_finish(&w, 10);
    g_assert_cmpstr(ehp_status_name(w.t.status), ==, "PeerCancelled");
    pair_clear(&w);
}

/* ---------------------------------------------------------------- alive without data */

/* Everything was sent, nothing is durable yet: the sender says that it lives, though its
 * caller and the peer's pings come by more often than that. */
static void
test_sender_that_waits_pings(void)
{
    pair w;

    pair_init(&w);
    w.hold_items = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpstr(ehp_session_state_name(w.p.s), ==, "Sending");
    for (unsigned i = 0; i < 5 * EHP_IDLE_MS / 1000; i++)
        pass_second(&w);
    g_assert_cmpuint(w.connects, ==, 1);
    g_assert_cmpuint(w.t.seen[EHP_EV_SUSPENDED], ==, 0);
    g_assert_false(w.t.ended);
    pair_clear(&w);
}

/* ---------------------------------------------------------------- held without progress */

static void
say_ack(pair *w)
{
    Ehp__Record r = EHP__RECORD__INIT;
    Ehp__Ack ack = EHP__ACK__INIT;
    session_link *l = &w->t.s->links[w->t.s->link];
    ehp_outlet out = {&l->records, &l->out};

    ack.has_item = ack.has_segments = 1;
    ack.item = w->t.s->acks_sent.item;
    ack.segments = w->t.s->acks_sent.segments;
    r.body_case = EHP__RECORD__BODY_ACK;
    r.ack = &ack;
    g_assert_cmpint(ehp_wire_send(&out, &r, 0), ==, EHP_OK);
}

/* A terminal that acknowledges the same nothing for ever does not hold the patient. */
static void
test_acks_that_move_nothing(void)
{
    pair w;

    pair_init(&w);
    w.hold_items = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    for (unsigned i = 0; i < 2 * EHP_PROGRESS_MS / 1000 && !w.p.ended; i++) {
        w.t.s->progress_deadline = UINT64_MAX; /* it does not hold itself to any */
        say_ack(&w);
        pass_second(&w);
    }
    g_assert_true(w.p.ended);
    g_assert_cmpstr(ehp_status_name(w.p.status), ==, "TimedOut");
    g_assert_false(w.p.by_peer);
    g_assert_cmpuint(w.now, <=, 1000 + EHP_PROGRESS_MS + 2000);
    pair_clear(&w);
}

/* Nor does one that lets it come back again and again, and then takes nothing. */
static void
test_links_that_move_nothing(void)
{
    pair w;

    pair_init(&w);
    w.hold_commit = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    for (unsigned i = 0; i < 2 * EHP_PROGRESS_MS / 1000 && !w.p.ended; i++) {
        if (i % 30 == 29)
            pair_cut(&w);
        pass_second(&w);
    }
    g_assert_true(w.p.ended);
    g_assert_cmpstr(ehp_status_name(w.p.status), ==, "TimedOut");
    g_assert_false(w.p.by_peer);
    pair_clear(&w);
}

/* A patient that comes back again and again, and is always still deciding, does not hold the
 * terminal. */
static void
test_decides_for_ever(void)
{
    const uint64_t most = 1000 + EHP_RESUME_MS + 2 * EHP_CONSENT_MS + EHP_CONNECT_MS;
    pair w;

    pair_init(&w);
    w.hold_consent = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    for (unsigned i = 0; i < 3600 && !w.t.ended; i++) {
        if (w.p.s->state == SS_CONSENT)
            w.p.s->phase_deadline = UINT64_MAX;
        if (i % 60 == 59)
            pair_cut(&w);
        pass_second(&w);
    }
    g_assert_true(w.t.ended);
    g_assert_cmpstr(ehp_status_name(w.t.status), ==, "TimedOut");
    g_assert_cmpuint(w.now, <=, most + 2000);
    pair_clear(&w);
}

/* The time without a link is not counted as time without progress: a link may come back as late
 * as it is promised. */
static void
test_comes_back_late(void)
{
    static const pair_item items[] = {{"a", 600 * 1024, 0}, {"b", 600 * 1024, 0}};
    pair w;

    pair_init(&w);
    w.items = items;
    w.n_items = G_N_ELEMENTS(items);
    w.chunk = 32768;
    w.cut_p = 500000;
    w.no_reconnect = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpstr(ehp_session_state_name(w.t.s), ==, "Receiving");
    w.now += 15000; /* the link was up, though nothing came */
    w.t.s->suspended_deadline = w.p.s->suspended_deadline = w.now + EHP_RESUME_MS;
    w.t.s->down_at = w.p.s->down_at = w.now;
    w.now += EHP_RESUME_MS - 5000;
    w.no_reconnect = false;
    pair_connect(&w);
    w.stop_at = w.sent_p + 1000;
    pair_run(&w);
    w.stop_at = 0;
    pass_second(&w);
    pair_finish(&w, 10);
    expect_done(&w);
    pair_clear(&w);
}

/* ---------------------------------------------------------------- before the grant */

static void
read_record(ehp_record *records, ehp_reader *in, ehp_unpacked *out)
{
    ehp_bytes plain;

    g_assert_cmpint(ehp_record_next(records, in, &plain), ==, EHP_OK);
    g_assert_cmpint(ehp_guard_unpack(&ehp__record__descriptor, plain, NULL, out), ==, EHP_OK);
}

/* A terminal that connects and never asks: the patient gives up with the one refusal, not with
 * words of its own. */
static void
test_gives_up_like_a_refusal(void)
{
    static const Ehp__Record__BodyCase want[] = {EHP__RECORD__BODY_REFUSAL,
                                                 EHP__RECORD__BODY_BYE};
    pair w;
    ehp_secrets ps, ts;
    ehp_record records = {0};
    ehp_queue queue;
    ehp_bytes bytes;
    ehp_reader in;
    size_t used;

    pair_init(&w);
    pair_start(&w);
    pair_connect(&w);
    pair_secrets(&ps, &ts);
    ehp_record_init(&records, &ts.send, &ts.recv);
    ehp_queue_init(&queue, 4096);
    g_assert_cmpint(ehp_record_seal(&records, ehp_bytes_of("", 0), &queue), ==, EHP_OK);
    bytes = ehp_queue_peek(&queue);
    g_assert_cmpint(ehp_session_feed(w.p.s, w.p.link, bytes.data, bytes.len, w.now, &used), ==,
                    EHP_OK);
    pair_handle(&w.p);
    w.p.s->idle_ms = 10 * EHP_CONNECT_MS; /* the link itself is fine */
    w.now += EHP_CONNECT_MS;
    ehp_session_tick(w.p.s, w.now);
    bytes = ehp_session_output(w.p.s, w.p.link, w.now);
    ehp_reader_init(&in, bytes.data, bytes.len);
    ehp_take(&in, EHP_PREAMBLE_LEN);
    for (size_t i = 0; i < G_N_ELEMENTS(want); i++) {
        ehp_unpacked got;
        read_record(&records, &in, &got);
        g_assert_cmpint(((const Ehp__Record *)got.message)->body_case, ==, want[i]);
        ehp_guard_free(&got);
    }
    g_assert_cmpuint(in.left, ==, 0);
    pair_handle(&w.p);
    g_assert_true(w.p.ended);
    g_assert_cmpstr(ehp_status_name(w.p.status), ==, "TimedOut"); /* what its own user reads */
    ehp_record_clear(&records);
    ehp_queue_clear(&queue);
    pair_clear(&w);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/links/old-still-delivers", test_old_link_still_delivers);
    g_test_add_func("/links/said-back", test_said_back);
    g_test_add_func("/links/last-words", test_last_words_keep_no_key);
    g_test_add_func("/links/newest-generation-first", test_newest_generation_first);
    g_test_add_func("/links/no-lock-out", test_no_lock_out);
    g_test_add_func("/links/waiting-sender-pings", test_sender_that_waits_pings);
    g_test_add_func("/links/acks-that-move-nothing", test_acks_that_move_nothing);
    g_test_add_func("/links/links-that-move-nothing", test_links_that_move_nothing);
    g_test_add_func("/links/decides-for-ever", test_decides_for_ever);
    g_test_add_func("/links/comes-back-late", test_comes_back_late);
    g_test_add_func("/links/gives-up-like-a-refusal", test_gives_up_like_a_refusal);
    return g_test_run();
}
