/* SPDX-License-Identifier: Apache-2.0
 *
 * A peer that has the right keys and says what is not its turn, or what is no message: the
 * session ends at once with the right name, the peer is told "protocol".
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "puppet.h"

static session_event
event_of_kind(int kind)
{
    /* Bye and Bye with reason share a message; so the events after Bye are one further */
    return (session_event)(kind <= 17 ? kind : kind + 1);
}

/* ---------------------------------------------------------------- each message in each state
 */

static void
test_each_message_in_each_state(void)
{
    unsigned refused = 0, allowed = 0;

    for (size_t i = 0; i < puppet_n_stops; i++)
        for (int kind = 1; kind <= 21; kind++) {
            const puppet_stop *at = &puppet_stops[i];
            pair w;
            pair_side *victim, *liar;
            bool done;
            puppet_run_to(&w, at);
            victim = at->terminal ? &w.t : &w.p;
            liar = at->terminal ? &w.p : &w.t;
            done = victim->seen[EHP_EV_COMPLETE] > 0;
            if (ehp_machine_find(victim->s->machine, victim->s->state, event_of_kind(kind)) !=
                NULL) {
                allowed++; /* its contents are the business of the tests below */
            } else if (!ehp_session_blocked(
                           victim->s)) { /* else it listens to nobody until answered */
                inject_kind(liar, kind);
                pair_run(&w);
                g_assert_true(victim->ended);
                g_assert_cmpstr(ehp_status_name(victim->status), ==,
                                done ? "Ok" : "OutOfOrder");
                if (liar->seen[EHP_EV_COMPLETE] == 0)
                    g_assert_cmpstr(ehp_status_name(liar->status), ==, "PeerProtocol");
                refused++;
            }
            pair_clear(&w);
        }
    g_test_message("%u refused, %u listed", refused, allowed);
    g_assert_cmpuint(refused, >, 140);
}

/* The two states a terminal cannot be held from entering: played with the bare keys of the tap.
 */
static void
test_patient_before_request(void)
{
    for (int request = 0; request < 2; request++)
        for (int kind = 1; kind <= 21; kind++) {
            pair w;
            ehp_secrets ps, ts;
            ehp_record records = {0};
            ehp_queue queue;
            ehp_outlet out = {&records, &queue};
            Ehp__Record staple = EHP__RECORD__INIT;
            Ehp__CrlStaple body = EHP__CRL_STAPLE__INIT;
            ehp_bytes bytes;
            size_t used;
            pair_init(&w);
            w.hold_crls = true;
            pair_start(&w);
            pair_connect(&w);
            pair_secrets(&ps, &ts);
            ehp_record_init(&records, &ts.send, &ts.recv);
            ehp_queue_init(&queue, 1 << 20);
            staple.body_case = EHP__RECORD__BODY_CRL_STAPLE;
            staple.crl_staple = &body;
            if (request)
                g_assert_cmpint(ehp_wire_send(&out, &staple, 0), ==, EHP_OK);
            {
                /* borrow the side's inject by a session of this shape */
                ehp_session fake = {.link = 0};
                pair_side side = {.s = &fake};
                fake.links[0].records = records;
                fake.links[0].out = queue;
                inject_kind(&side, kind);
                records = fake.links[0].records;
                queue = fake.links[0].out;
            }
            bytes = ehp_queue_peek(&queue);
            while (bytes.len > 0) {
                g_assert_cmpint(
                    ehp_session_feed(w.p.s, w.p.link, bytes.data, bytes.len, w.now, &used), ==,
                    EHP_OK);
                bytes.data += used;
                bytes.len -= used;
                pair_handle(&w.p);
                if (used == 0)
                    break;
            }
            if (kind == 16 || (!request && kind == 1))
                g_assert_false(w.p.ended);
            else if (kind == 18)
                g_assert_cmpstr(ehp_status_name(w.p.status), ==, "PeerFailed");
            else if (request && kind == 2)
                g_assert_cmpstr(ehp_status_name(w.p.status), ==, "BadSignature");
            else
                g_assert_cmpstr(ehp_status_name(w.p.status), ==, "OutOfOrder");
            ehp_record_clear(&records);
            ehp_queue_clear(&queue);
            pair_clear(&w);
        }
}

/* Records that are no record. */
static void
test_not_a_message(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        ehp_status want;
    } rows[] = {
        {"\xff", 1, EHP_BAD_MESSAGE},
        {"\x0a\x7f", 2, EHP_BAD_MESSAGE},
        {"\x0b", 1, EHP_BAD_MESSAGE},
        {"\x82\x01\x00\x82\x01\x00", 6, EHP_BAD_MESSAGE}, /* Ping twice */
        {"\x82\x01\x00\x5a\x00", 5, EHP_BAD_MESSAGE},     /* Ping and Ack */
        {"\x92\x01\x02\x08\x63", 5, EHP_BAD_MESSAGE},     /* Error 99 */
        {"\x92\x01\x00", 3, EHP_BAD_MESSAGE},             /* Error without a code */
        {"\x8a\x01\x02\x08\x63", 5, EHP_BAD_MESSAGE},     /* Bye with reason 99 */
    };

    for (int terminal = 0; terminal < 2; terminal++)
        for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
            pair w;
            const puppet_stop *at = puppet_stop_named(terminal ? "Receiving" : "Sending");
            puppet_run_to(&w, at);
            inject_plain(terminal ? &w.p : &w.t, rows[i].bytes, rows[i].len);
            pair_run(&w);
            puppet_expect_broken(&w, terminal, rows[i].want);
            pair_clear(&w);
        }
}

static void
test_padding_is_nothing(void)
{
    pair w;

    puppet_run_to(&w, puppet_stop_named("Receiving"));
    inject_plain(&w.p, "", 0);
    inject_plain(&w.p, "\xfa\x01\x03\x00\x00\x00", 6);
    inject_plain(&w.p, "\xe2\x3f\x01\x41", 4); /* a field from the future */
    pair_run(&w);
    g_assert_false(w.t.ended);
    pair_clear(&w);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/hostile/each-message-in-each-state", test_each_message_in_each_state);
    g_test_add_func("/hostile/patient-before-request", test_patient_before_request);
    g_test_add_func("/hostile/not-a-message", test_not_a_message);
    g_test_add_func("/hostile/padding", test_padding_is_nothing);
    return g_test_run();
}
