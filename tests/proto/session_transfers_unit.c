/* SPDX-License-Identifier: Apache-2.0
 *
 * Several transfers in one session: lists, questions for single items, what the clinic sends
 * back; and a wire that fails at every byte of all of it.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/receipt.h"
#include "proto/session-priv.h"

static const pair_item items[] = {{"a", 700, 1}, {"none", 0, 0}, {"b", 300, 0}};

typedef struct {
    const char *later;
    bool list_first;
    unsigned completed, refused, p_whole, t_whole; /* transfers; items */
} plan;

static const plan plans[] = {
    {"r", false, 2, 0, 0, 5},    {"n", false, 2, 0, 0, 3},   {"l", false, 2, 0, 0, 3},
    {"w", false, 2, 0, 3, 3},    {"x", false, 1, 1, 0, 3},   {"v", false, 1, 1, 0, 3},
    {"", true, 1, 0, 0, 0},      {"rr", true, 3, 0, 0, 4},   {"rwnx", true, 4, 1, 3, 2},
    {"wxwr", false, 4, 1, 6, 5}, {"sw", false, 2, 0, 3, 3},  {"sxw", false, 2, 1, 3, 3},
    {"wsw", true, 3, 0, 6, 0},   {"wwr", false, 4, 0, 6, 5},
};

static void
start(pair *w, const plan *p)
{
    pair_init(w);
    w->items = items;
    w->n_items = G_N_ELEMENTS(items);
    w->later = p->later;
    w->list_first = p->list_first;
    pair_start(w);
    pair_connect(w);
}

static void
expect(const pair *w, const plan *p)
{
    g_assert_true(w->p.ended && w->t.ended);
    g_assert_cmpstr(ehp_status_name(w->p.status), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(w->t.status), ==, "Ok");
    g_assert_cmpuint(w->at_later, ==, strlen(p->later));
    g_assert_cmpuint(w->p.seen[EHP_EV_COMPLETE], ==, p->completed);
    g_assert_cmpuint(w->t.seen[EHP_EV_COMPLETE], ==, p->completed);
    g_assert_cmpuint(w->t.seen[EHP_EV_REPLY_REFUSED], ==, p->refused);
    g_assert_cmpuint(w->p.items_whole, ==, p->p_whole);
    g_assert_cmpuint(w->t.items_whole, ==, p->t_whole);
    g_assert_cmpuint(w->p.status_kind, ==, 1);
    g_assert_cmpmem(w->p.receipt, w->p.receipt_len, w->t.receipt, w->t.receipt_len);
}

static void
test_plans(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++)
        for (size_t chunk = 7; chunk < 100000; chunk *= 100) {
            pair w;
            g_test_message("%s, %zu", plans[i].later, chunk);
            start(&w, &plans[i]);
            w.chunk = chunk;
            pair_finish(&w, 40);
            expect(&w, &plans[i]);
            g_assert_cmpuint(w.connects, ==, 1);
            pair_clear(&w);
        }
}

static void
cut_at(const plan *p, bool patient, uint64_t at)
{
    pair w;

    g_test_message("%s, %s, %u", p->later, patient ? "patient" : "terminal", (unsigned)at);
    start(&w, p);
    w.chunk = 61;
    *(patient ? &w.cut_p : &w.cut_t) = at;
    pair_finish(&w, 60);
    g_assert_cmpuint(w.cuts, >=, 1);
    expect(&w, p);
    pair_clear(&w);
}

/* The link goes at every byte of either direction, and comes back: same result. */
static void
test_cut_everywhere(void)
{
    uint64_t stride = g_test_slow() ? 1 : 61;

    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++) {
        pair w;
        uint64_t len_p, len_t;
        start(&w, &plans[i]);
        pair_finish(&w, 40);
        len_p = w.sent_p;
        len_t = w.sent_t;
        pair_clear(&w);
        for (uint64_t at = i; at < len_p; at += stride)
            cut_at(&plans[i], true, at);
        for (uint64_t at = i; at < len_t; at += stride)
            cut_at(&plans[i], false, at);
    }
}

/* Cut again and again, on both sides of wherever it is. */
static void
test_cut_often(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(plans); i++)
        for (uint64_t every = 1900; every < 2600; every += 90) { /* a manifest passes whole */
            pair w;
            start(&w, &plans[i]);
            w.chunk = 61;
            w.cut_p = w.cut_every = every;
            w.cut_t = every / 3;
            pair_finish(&w, 90);
            expect(&w, &plans[i]);
            pair_clear(&w);
        }
}

/* What each receipt says: direction, number, list, signer. */
static void
test_receipts(void)
{
    pair w;
    ehp_receipt receipt;
    const plan reply = {"w", false, 2, 0, 3, 3};
    ehp_bytes bytes;

    start(&w, &reply);
    pair_finish(&w, 40);
    bytes = ehp_session_document(w.t.s, EHP_DOC_REPLY_RECEIPT);
    g_assert_cmpint(ehp_receipt_open(bytes, &receipt), ==, EHP_OK);
    g_assert_cmpint(receipt.receipt->direction, ==, EHP__DIRECTION__DIRECTION_TO_PATIENT);
    g_assert_cmpuint(receipt.receipt->transfer, ==, 1);
    g_assert_cmpuint(receipt.receipt->items, ==, 3);
    g_assert_cmpuint(receipt.receipt->n_chain, ==, 0);
    g_assert_cmpmem(receipt.receipt->signer.data, receipt.receipt->signer.len,
                    ehp_session_patient_key(w.t.s), 32);
    ehp_receipt_clear(&receipt);
    bytes = ehp_session_document(w.p.s, EHP_DOC_RECEIPT);
    g_assert_cmpint(ehp_receipt_open(bytes, &receipt), ==, EHP_OK);
    g_assert_cmpint(receipt.receipt->direction, ==, EHP__DIRECTION__DIRECTION_TO_TERMINAL);
    g_assert_false(receipt.receipt->has_transfer);
    ehp_receipt_clear(&receipt);
    pair_clear(&w);

    start(&w, &(const plan){"", true, 1, 0, 0, 0});
    pair_finish(&w, 40);
    g_assert_cmpint(ehp_receipt_open(ehp_bytes_of(w.p.receipt, w.p.receipt_len), &receipt), ==,
                    EHP_OK);
    g_assert_true(receipt.receipt->manifest_only);
    g_assert_cmpuint(receipt.receipt->items, ==, 0);
    ehp_receipt_clear(&receipt);
    pair_clear(&w);
}

/* Who may begin what, and when. */
static void
test_wrong_state(void)
{
    Ehp__ItemRequest request = EHP__ITEM_REQUEST__INIT;
    Ehp__ItemQuery query = EHP__ITEM_QUERY__INIT, *queries[] = {&query};
    Ehp__Category unknown[] = {(Ehp__Category)99};
    pair w;

    pair_init(&w);
    w.tell_status = 0;
    pair_start(&w);
    request.n_query = 1;
    request.query = queries;
    g_assert_cmpint(ehp_session_request_items(w.t.s, &request, 0), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_offer(w.t.s, w.entries, 1, 0), ==, EHP_WRONG_STATE);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpint(ehp_session_offer(w.p.s, w.entries, 1, 0), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_request_items(w.p.s, &request, 0), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_offer(w.t.s, w.entries, 0, 0), ==, EHP_ITEM_INVALID);
    query.n_category = 1;
    query.category = unknown;
    g_assert_cmpint(ehp_session_request_items(w.t.s, &request, 0), ==, EHP_INVALID_ARGUMENT);
    request.n_query = 0;
    g_assert_cmpint(ehp_session_request_items(w.t.s, &request, 0), ==, EHP_INVALID_ARGUMENT);
    query.n_category = 0;
    request.n_query = 1;
    g_assert_cmpint(ehp_session_tell_status(w.t.s, 1, NULL, 1, 1000), ==, EHP_OK);
    g_assert_cmpint(ehp_session_request_items(w.t.s, &request, 1000), ==, EHP_WRONG_STATE);
    pair_clear(&w);
}

/* The patient leaves while the terminal asks: an end by name, and what was received stays. */
static void
test_patient_leaves(void)
{
    static const char *const laters[] = {"r", "w"};

    for (size_t i = 0; i < G_N_ELEMENTS(laters); i++) {
        pair w;
        pair_init(&w);
        w.later = laters[i];
        w.stop_after_complete = true;
        pair_start(&w);
        pair_connect(&w);
        pair_finish(&w, 40);
        g_assert_cmpint(w.p.status, ==, EHP_OK);
        g_assert_true(w.t.status == EHP_PEER_CANCELLED || w.t.status == EHP_OK);
        g_assert_cmpuint(w.t.seen[EHP_EV_COMPLETE], ==, 1);
        pair_clear(&w);
    }
}

/* The link stays away in a later transfer: that one failed, by name. */
static void
test_link_stays_away(void)
{
    pair w;
    uint64_t first;

    start(&w, &plans[0]);
    while (w.t.seen[EHP_EV_COMPLETE] == 0) {
        w.stop_at = w.sent_p + 1;
        pair_run(&w);
    }
    first = w.sent_p;
    pair_clear(&w);
    start(&w, &(const plan){"w", false, 0, 0, 0, 0});
    w.no_reconnect = true;
    w.cut_p = first + 260;
    w.chunk = 16;
    pair_finish(&w, 40);
    g_assert_cmpint(w.t.status, ==, EHP_LINK_LOST);
    g_assert_cmpuint(w.t.seen[EHP_EV_COMPLETE], ==, 1);
    pair_clear(&w);
}

static ehp_session *
not_revived(pair_side *side)
{
    (void)side;
    g_assert_not_reached();
}

/* The terminal's caller takes its next step while what the resumption changed is made durable:
 * behind the patient's hello, which speaks of the transfer before, and before both agree. */
static void
step_at_save(pair_side *side, const ehp_event *ev)
{
    if (side->patient || ev->type != EHP_EV_SAVE || side->pair->at_later > 0 ||
        side->pair->later == NULL)
        return;
    g_assert_cmpint(side->s->hello.consent_state, ==, 1);
    pair_go_on(side);
    g_assert_cmpuint(side->pair->at_later, ==, 1);
}

static void
test_begun_at_hello(void)
{
    static const plan begun[] = {{"r", false, 2, 0, 0, 5}, {"w", false, 2, 0, 3, 3},
                                 {"x", false, 1, 1, 0, 3}, {"r", true, 2, 0, 0, 2},
                                 {"w", true, 2, 0, 3, 0},  {"x", true, 1, 1, 0, 0}};

    for (size_t i = 0; i < G_N_ELEMENTS(begun); i++) {
        pair w;

        pair_init(&w);
        w.items = items;
        w.n_items = G_N_ELEMENTS(items);
        w.revive = not_revived;
        w.on_event = step_at_save;
        w.tell_status = 0;
        w.list_first = begun[i].list_first;
        pair_start(&w);
        pair_connect(&w);
        pair_run(&w);
        w.tell_status = 1;
        w.later = begun[i].later;
        pair_cut(&w);
        pair_finish(&w, 10);
        expect(&w, &begun[i]);
        pair_clear(&w);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/transfers/plans", test_plans);
    g_test_add_func("/transfers/cut-everywhere", test_cut_everywhere);
    g_test_add_func("/transfers/cut-often", test_cut_often);
    g_test_add_func("/transfers/receipts", test_receipts);
    g_test_add_func("/transfers/wrong-state", test_wrong_state);
    g_test_add_func("/transfers/patient-leaves", test_patient_leaves);
    g_test_add_func("/transfers/link-stays-away", test_link_stays_away);
    g_test_add_func("/transfers/begun-at-hello", test_begun_at_hello);
    return g_test_run();
}
