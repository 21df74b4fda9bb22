/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/receipt.h"

static void
expect_done(pair *w)
{
    g_assert_true(w->p.ended);
    g_assert_true(w->t.ended);
    g_assert_cmpstr(ehp_status_name(w->p.status), ==, "Ok");
    g_assert_cmpstr(ehp_status_name(w->t.status), ==, "Ok");
    g_assert_cmpuint(w->p.seen[EHP_EV_COMPLETE], ==, 1);
    g_assert_cmpuint(w->t.seen[EHP_EV_COMPLETE], ==, 1);
    g_assert_cmpuint(w->t.items_whole, ==, w->n_items);
    g_assert_cmpuint(w->p.seen[EHP_EV_ITEM_ACKED], ==, w->n_items);
    g_assert_cmpmem(w->p.receipt, w->p.receipt_len, w->t.receipt, w->t.receipt_len);
}

static void
test_whole(void)
{
    pair w;
    ehp_receipt receipt;

    pair_init(&w);
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    expect_done(&w);
    g_assert_cmpuint(w.p.status_kind, ==, 1);
    g_assert_cmpuint(w.connects, ==, 1);
    g_assert_cmpint(ehp_receipt_open(ehp_bytes_of(w.p.receipt, w.p.receipt_len), &receipt), ==,
                    EHP_OK);
    g_assert_cmpuint(receipt.receipt->items, ==, 1);
    g_assert_cmpuint(receipt.receipt->bytes, ==, 1000);
    ehp_receipt_clear(&receipt);
    pair_clear(&w);
}

static const pair_item some_items[] = {
    {"summary.json", 1000, 1},        {"empty", 0, 1},
    {"report.pdf", 300 * 1024, 0},    {"one byte", 1, 0},
    {"image.dcm", 700 * 1024 + 5, 0}, {"text", 600 * 1024, 1},
    {"exact", 256 * 1024, 0},
};

static void
test_chunks(void)
{
    static const size_t chunks[] = {1, 2, 7, 100, 4096, 65536};

    for (size_t i = 0; i < G_N_ELEMENTS(chunks); i++) {
        pair w;
        pair_init(&w);
        w.chunk = chunks[i];
        if (chunks[i] >= 100) {
            w.items = some_items;
            w.n_items = G_N_ELEMENTS(some_items);
        }
        pair_start(&w);
        pair_connect(&w);
        pair_finish(&w, 10);
        expect_done(&w);
        pair_clear(&w);
    }
}

/* ---------------------------------------------------------------- cut wires */

static const pair_item few_items[] = {{"a", 700, 1}, {"none", 0, 0}, {"b", 300, 0}};

static void
init_few(pair *w)
{
    pair_init(w);
    w->items = few_items;
    w->n_items = G_N_ELEMENTS(few_items);
}

static void
test_cut_often(void)
{
    static const pair_item items[] = {{"a", 3000000, 0}, {"b", 10, 0}, {"c", 3000000, 0}};
    pair w;

    pair_init(&w);
    w.items = items;
    w.n_items = G_N_ELEMENTS(items);
    w.chunk = 5000;
    w.cut_p = w.cut_every = 300000; /* more than a segment, else there is no progress at all */
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 40);
    g_assert_cmpuint(w.cuts, >=, 20);
    expect_done(&w);
    pair_clear(&w);
}

/* Window and position: after a cut at most one window is sent again. */
static void
test_resent_at_most_a_window(void)
{
    static const pair_item big[] = {{"big", 40ull * 256 * 1024, 0}};
    pair w;

    pair_init(&w);
    w.items = big;
    w.n_items = 1;
    w.zstd_level = -1;
    w.cut_p = 6000000;
    w.chunk = 65536;
    w.hold_durable = true; /* nothing is acknowledged until the link is lost */
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpuint(w.t.received_bytes, <=, EHP_WINDOW_BYTES);
    pair_clear(&w);

    pair_init(&w);
    w.items = big;
    w.n_items = 1;
    w.zstd_level = -1;
    w.cut_p = 6000000;
    w.chunk = 65536;
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    expect_done(&w);
    g_assert_cmpuint(w.connects, ==, 2);
    g_assert_cmpuint(w.t.received_bytes, ==, big[0].size); /* nothing twice, nothing missing */
    g_assert_cmpuint(w.sent_p, <, big[0].size + EHP_WINDOW_BYTES + 200000);
    pair_clear(&w);
}

static void
test_link_stays_away(void)
{
    pair w;

    pair_init(&w);
    w.items = some_items;
    w.n_items = G_N_ELEMENTS(some_items);
    w.cut_p = 200000;
    w.chunk = 8000;
    w.no_reconnect = true;
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 40);
    g_assert_cmpint(w.p.status, ==, EHP_LINK_LOST);
    g_assert_cmpint(w.t.status, ==, EHP_LINK_LOST);
    g_assert_cmpuint(w.now, >=, 1000 + EHP_RESUME_MS);
    g_assert_cmpuint(w.p.seen[EHP_EV_COMPLETE] + w.t.seen[EHP_EV_COMPLETE], ==, 0);
    pair_clear(&w);
}

/* Away nearly for the limit, back without getting any further, away again: each absence counts
 * by itself. */
static void
test_away_twice(void)
{
    pair w;

    pair_init(&w);
    w.items = some_items;
    w.n_items = G_N_ELEMENTS(some_items);
    w.cut_p = 200000;
    w.chunk = 8000;
    w.no_reconnect = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    for (int i = 0; i < 3; i++) {
        g_assert_false(w.connected);
        w.now += EHP_RESUME_MS - 1000;
        ehp_session_tick(w.p.s, w.now);
        ehp_session_tick(w.t.s, w.now);
        w.chunk = 50;
        w.stop_at = w.sent_p + 400; /* the handshake, the hello, a little of a segment */
        pair_connect(&w);
        pair_run(&w);
        g_assert_true(w.connected);
        ehp_session_tick(w.p.s, w.now);
        ehp_session_tick(w.t.s, w.now);
        pair_handle(&w.p);
        pair_handle(&w.t);
        g_assert_false(w.p.ended || w.t.ended);
        w.stop_at = 0;
        pair_cut(&w);
        pair_handle(&w.p);
        pair_handle(&w.t);
    }
    w.cut_p = UINT64_MAX;
    w.no_reconnect = false;
    pair_connect(&w);
    pair_finish(&w, 20);
    expect_done(&w);
    pair_clear(&w);
}

/* The wire goes silent without a close: pings notice. */
static void
test_silent_wire(void)
{
    pair w;
    unsigned waits = 0;

    pair_init(&w);
    w.items = some_items;
    w.n_items = G_N_ELEMENTS(some_items);
    w.hold_commit = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpstr(ehp_session_state_name(w.t.s), ==, "Committing");
    w.chunk = 0; /* nothing is carried any more */
    w.no_reconnect = true;
    while (w.connected && waits++ < 20)
        if (pair_wait(&w)) {
            pair_handle(&w.p);
            pair_handle(&w.t);
        }
    g_assert_cmpuint(w.now, <=, 1000 + EHP_IDLE_MS + 1);
    g_assert_cmpuint(w.p.seen[EHP_EV_SUSPENDED], >=, 1);
    pair_clear(&w);
}

static void
test_pings_keep_it_alive(void)
{
    pair w;

    pair_init(&w);
    w.hold_commit = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    while (w.now < 1000 + 10 * EHP_IDLE_MS) {
        g_assert_true(pair_wait(&w));
        pair_run(&w);
    }
    g_assert_cmpuint(w.connects, ==, 1);
    g_assert_false(w.p.ended);
    pair_clear(&w);
}

/* ---------------------------------------------------------------- consent */

/* Whoever or whatever says no: the terminal gets the same bytes at the same point, and nothing
 * before. */
static void
test_declined_alike(void)
{
    enum { PERSON, AGENT, TIMEOUT, CRL, CANCEL, WRONG_ORG, WAYS };
    GByteArray *first = NULL;

    for (int way = 0; way < WAYS; way++) {
        pair w;
        pair_init(&w);
        w.tape_p = g_byte_array_new();
        if (way == PERSON)
            w.refuse_with = EHP_DECLINED;
        if (way == AGENT)
            w.refuse_with = EHP_NO_AGENT;
        if (way == WRONG_ORG)
            w.refuse_with = EHP_WRONG_PEER;
        if (way == TIMEOUT)
            w.hold_consent = true;
        if (way == CRL)
            w.crl_verdict = EHP_CERT_REVOKED;
        if (way == CANCEL) {
            w.end_at = EHP_EV_ASK_CONSENT;
            w.end_patient = true;
        }
        pair_start(&w);
        pair_connect(&w);
        pair_run(&w);
        if (way == TIMEOUT) {
            g_assert_cmpuint(w.tape_p->len, ==, EHP_PREAMBLE_LEN); /* silent until the answer */
            pair_finish(&w, 100);
            g_assert_cmpuint(w.p.seen[EHP_EV_CONSENT_VOID], ==, 1);
            g_assert_cmpuint(w.now, ==, 1000 + EHP_CONSENT_MS);
        }
        g_assert_cmpint(w.t.status, ==, EHP_DECLINED);
        g_assert_true(w.t.by_peer);
        g_assert_cmpuint(w.t.seen[EHP_EV_MANIFEST_PAGE], ==, 0);
        g_assert_cmpuint(w.p.seen[EHP_EV_ASK_CONSENT], ==, way == CRL ? 0 : 1);
        if (first == NULL)
            first = g_byte_array_ref(w.tape_p);
        g_assert_cmpmem(first->data, first->len, w.tape_p->data, w.tape_p->len);
        pair_clear(&w);
    }
    g_byte_array_unref(first);
}

static void
test_own_reason(void)
{
    static const struct {
        ehp_status crl, refuse, want;
        bool allowed;
    } rows[] = {
        {EHP_CERT_REVOKED, EHP_OK, EHP_CERT_REVOKED, false},
        {EHP_CERT_REVOKED, EHP_OK, EHP_CERT_REVOKED, true},
        {EHP_CRL_MISSING, EHP_OK, EHP_CRL_MISSING, false},
        {EHP_CRL_STALE, EHP_OK, EHP_CRL_STALE, false},
        {EHP_CLOCK_WRONG, EHP_OK, EHP_CLOCK_WRONG, true},
        {EHP_CRL_STALE, EHP_OK, EHP_OK, true},
        {EHP_OK, EHP_NO_AGENT, EHP_NO_AGENT, false},
        {EHP_OK, EHP_WRONG_PEER, EHP_WRONG_PEER, false},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        pair w;
        pair_init(&w);
        w.crl_verdict = rows[i].crl;
        w.crl_allowed = rows[i].allowed;
        w.refuse_with = rows[i].refuse;
        pair_start(&w);
        pair_connect(&w);
        pair_finish(&w, 10);
        g_assert_cmpstr(ehp_status_name(w.p.status), ==, ehp_status_name(rows[i].want));
        pair_clear(&w);
    }
}

static void
test_extend_once(void)
{
    pair w;

    pair_init(&w);
    w.hold_consent = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpint(ehp_session_extend(w.p.s, w.now), ==, EHP_OK);
    g_assert_cmpint(ehp_session_extend(w.p.s, w.now), ==, EHP_WRONG_STATE);
    pair_finish(&w, 100);
    g_assert_cmpint(w.p.status, ==, EHP_CONSENT_TIMED_OUT);
    g_assert_cmpint(w.t.status, ==, EHP_DECLINED);
    g_assert_cmpuint(w.now, ==, 1000 + 2 * EHP_CONSENT_MS);
    pair_clear(&w);
}

static void
test_grant_refused_locally(void)
{
    static const pair_item bad_names[] = {{"", 1, 0}, {"a/b", 1, 0}, {".", 1, 0}, {"..", 1, 0}};
    pair w;
    ehp_grant grant = {.time = 1};
    Ehp__ItemEntry a = EHP__ITEM_ENTRY__INIT, b = EHP__ITEM_ENTRY__INIT, *two[] = {&a, &b};
    char long_name[300];

    pair_init(&w);
    w.hold_consent = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    memset(long_name, 'x', sizeof(long_name));
    long_name[256] = '\0';
    a.name = b.name = (char *)"ok";
    a.has_size = b.has_size = a.has_category = b.has_category = 1;
    a.category = b.category = EHP__CATEGORY__CATEGORY_OTHER;
    grant.items = two;
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_ITEM_INVALID); /* none */
    grant.n_items = 2;
    for (size_t i = 0; i < G_N_ELEMENTS(bad_names); i++) {
        b.name = (char *)bad_names[i].name;
        g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_ITEM_INVALID);
    }
    b.name = long_name;
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_ITEM_INVALID);
    b.name = (char *)"\xc3\x28";
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_ITEM_INVALID);
    b.name = (char *)"ok";
    b.category = (Ehp__Category)9;
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_ITEM_INVALID);
    b.category = EHP__CATEGORY__CATEGORY_OTHER;
    b.size = EHP_ITEM_BYTES_MAX + 1;
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_ITEM_INVALID);
    b.size = 0;
    b.has_subject = 1;
    b.subject.data = (uint8_t *)"x";
    b.subject.len = 1;
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_MIXED_SUBJECTS);
    b.has_subject = 0;
    grant.acting_as = 77;
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_INVALID_ARGUMENT);
    grant.acting_as = 2;
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==,
                    EHP_OK); /* the question was still open */
    g_assert_cmpint(ehp_session_grant(w.p.s, &grant, w.now), ==, EHP_WRONG_STATE);
    pair_clear(&w);
}

static void
test_revoke(void)
{
    pair w;

    pair_init(&w);
    w.items = some_items;
    w.n_items = G_N_ELEMENTS(some_items);
    w.revoke_at_data = true;
    w.revoke_after = 4;
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    g_assert_cmpint(w.p.status, ==, EHP_REVOKED);
    g_assert_cmpint(w.t.status, ==, EHP_REVOKED);
    g_assert_cmpuint(w.t.seen[EHP_EV_REVOKED], ==, 1);
    g_assert_cmpuint(w.t.seen[EHP_EV_COMPLETE], ==, 0);
    g_assert_cmpuint(ehp_session_document(w.t.s, EHP_DOC_REVOKE).len, >, 0);
    pair_clear(&w);
}

/* ---------------------------------------------------------------- ends */

/* Either side ends at each event it can see: both end, with the names they should have. */
static void
test_end_at_each_event(void)
{
    static const struct {
        ehp_event_type at;
        bool patient;
        ehp_status why, want_p, want_t;
    } rows[] = {
        {EHP_EV_CHECK_CRLS, true, EHP_CANCELLED, EHP_CANCELLED, EHP_DECLINED},
        {EHP_EV_ASK_CONSENT, true, EHP_CANCELLED, EHP_CANCELLED, EHP_DECLINED},
        {EHP_EV_NEED_DATA, true, EHP_CANCELLED, EHP_CANCELLED, EHP_PEER_CANCELLED},
        {EHP_EV_NEED_DATA, true, EHP_ITEM_CHANGED, EHP_ITEM_CHANGED, EHP_PEER_CANCELLED},
        {EHP_EV_ITEM_ACKED, true, EHP_CANCELLED, EHP_CANCELLED, EHP_PEER_CANCELLED},
        /* the terminal is done by then: nothing can make it fail */
        {EHP_EV_RECEIPT, true, EHP_CANCELLED, EHP_CANCELLED, EHP_OK},
        {EHP_EV_COMPLETE, true, EHP_CANCELLED, EHP_OK, EHP_OK},
        {EHP_EV_MANIFEST_PAGE, false, EHP_CANCELLED, EHP_PEER_CANCELLED, EHP_CANCELLED},
        {EHP_EV_MANIFEST, false, EHP_NO_SPACE, EHP_PEER_CANNOT_STORE, EHP_NO_SPACE},
        {EHP_EV_SEGMENT, false, EHP_STORE_FAILED, EHP_PEER_CANNOT_STORE, EHP_STORE_FAILED},
        {EHP_EV_ITEM_COMPLETE, false, EHP_NO_SPACE, EHP_PEER_CANNOT_STORE, EHP_NO_SPACE},
        {EHP_EV_COMMIT, false, EHP_CANCELLED, EHP_PEER_CANCELLED, EHP_CANCELLED},
        {EHP_EV_RECEIPT_READY, false, EHP_STORE_FAILED, EHP_PEER_CANNOT_STORE,
         EHP_STORE_FAILED},
        {EHP_EV_LINK_UP, true, EHP_CANCELLED, EHP_CANCELLED, EHP_DECLINED},
    };

    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        pair w;
        init_few(&w);
        w.end_at = rows[i].at;
        w.end_patient = rows[i].patient;
        w.end_with = rows[i].why;
        w.hold_commit =
            rows[i].at == EHP_EV_ITEM_ACKED; /* else the terminal is done before it hears */
        pair_start(&w);
        pair_connect(&w);
        pair_finish(&w, 40);
        g_assert_true(w.p.ended);
        g_assert_true(w.t.ended);
        g_assert_cmpstr(ehp_status_name(w.p.status), ==, ehp_status_name(rows[i].want_p));
        g_assert_cmpstr(ehp_status_name(w.t.status), ==, ehp_status_name(rows[i].want_t));
        g_assert_false(w.connected);
        pair_clear(&w);
    }
}

static void
test_answers_that_fail(void)
{
    pair w;

    init_few(&w);
    w.manifest_verdict = EHP_NO_SPACE;
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    g_assert_cmpint(w.t.status, ==, EHP_NO_SPACE);
    g_assert_cmpint(w.p.status, ==, EHP_PEER_CANNOT_STORE);
    pair_clear(&w);

    init_few(&w);
    w.item_verdict = EHP_STORE_FAILED;
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    g_assert_cmpint(w.t.status, ==, EHP_STORE_FAILED);
    g_assert_cmpint(w.p.status, ==, EHP_PEER_CANNOT_STORE);
    pair_clear(&w);

    init_few(&w);
    w.data_verdict = EHP_ITEM_STALLED;
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    g_assert_cmpint(w.p.status, ==, EHP_ITEM_STALLED);
    g_assert_cmpint(w.t.status, ==, EHP_PEER_CANCELLED);
    pair_clear(&w);

    init_few(&w);
    w.receipt_verdict = EHP_STORE_FAILED;
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    g_assert_cmpint(w.p.status, ==, EHP_STORE_FAILED);
    g_assert_cmpint(w.t.status, ==, EHP_OK);
    pair_clear(&w);
}

static void
test_never_connected(void)
{
    pair w;

    pair_init(&w);
    pair_start(&w);
    pair_finish(&w, 10);
    g_assert_cmpint(w.p.status, ==, EHP_TIMED_OUT);
    g_assert_cmpint(w.t.status, ==, EHP_TIMED_OUT);
    g_assert_cmpuint(w.now, ==, 1000 + EHP_CONNECT_MS);
    pair_clear(&w);
}

static void
test_after_the_end(void)
{
    pair w;
    int link;
    size_t used;
    ehp_commit commit = {0, NULL};
    ehp_event ev;

    pair_init(&w);
    pair_start(&w);
    pair_connect(&w);
    pair_finish(&w, 10);
    expect_done(&w);
    g_assert_cmpint(ehp_session_connect(w.p.s, w.now, &link), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_commit(w.t.s, &commit, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_receipt_stored(w.t.s, EHP_OK, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_durable(w.t.s, 0, 0, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_item_stored(w.t.s, 0, EHP_OK, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_manifest_ok(w.t.s, EHP_OK, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_data(w.p.s, 0, NULL, 0, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_refuse(w.p.s, EHP_OK, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_revoke(w.p.s, 0, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_bye(w.p.s, w.now), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_session_feed(w.p.s, 9, NULL, 0, w.now, &used), ==,
                    EHP_INVALID_ARGUMENT);
    ehp_session_end(w.p.s, EHP_CANCELLED, w.now);
    g_assert_false(ehp_session_next_event(w.p.s, w.now, &ev));
    g_assert_cmpuint(ehp_session_deadline(w.p.s), ==, UINT64_MAX);
    g_assert_cmpuint(ehp_session_deadline(w.t.s), ==, UINT64_MAX);
    pair_clear(&w);
}

/* ---------------------------------------------------------------- anybody in range */

static void
test_preamble(void)
{
    pair w;
    ehp_preamble p;
    ehp_bytes out;
    uint8_t bytes[EHP_PREAMBLE_LEN];

    pair_init(&w);
    pair_start(&w);
    pair_connect(&w);
    out = ehp_session_output(w.p.s, w.p.link, w.now);
    g_assert_cmpuint(out.len, ==, EHP_PREAMBLE_LEN);
    memcpy(bytes, out.data, out.len);
    for (size_t len = 0; len < sizeof(bytes); len++)
        g_assert_cmpint(ehp_preamble_parse(ehp_bytes_of(bytes, len), &p), ==, EHP_AGAIN);
    g_assert_cmpint(ehp_preamble_parse(ehp_bytes_of(bytes, sizeof(bytes)), &p), ==, EHP_OK);
    g_assert_true(ehp_session_matches(w.t.s, &p));
    for (size_t bit = 0; bit < sizeof(bytes) * 8; bit++) {
        bytes[bit / 8] ^= (uint8_t)(1 << (bit % 8));
        if (ehp_preamble_parse(ehp_bytes_of(bytes, sizeof(bytes)), &p) == EHP_OK)
            g_assert_false(ehp_session_matches(w.t.s, &p));
        bytes[bit / 8] ^= (uint8_t)(1 << (bit % 8));
    }
    g_assert_cmpint(ehp_preamble_parse(ehp_bytes_of("G", 1), &p), ==, EHP_BAD_MESSAGE);
    g_assert_cmpint(ehp_preamble_parse(ehp_bytes_of("EHR1\x02", 5), &p), ==,
                    EHP_VERSION_UNSUPPORTED);
    pair_clear(&w);
}

/* Somebody heard the preamble and is faster: the split keys are gone, the patient resumes. */
static void
test_stolen_first_link(void)
{
    pair w;
    ehp_preamble p;
    ehp_bytes out;
    int link;

    pair_init(&w);
    pair_start(&w);
    pair_connect(&w);
    out = ehp_session_output(w.p.s, w.p.link, w.now);
    g_assert_cmpint(ehp_preamble_parse(out, &p), ==, EHP_OK);
    g_assert_cmpint(ehp_session_accept(w.t.s, &p, w.now, &link), ==, EHP_OK);
    g_assert_false(ehp_session_matches(w.t.s, &p)); /* a first link there is only once */
    pair_finish(&w, 10);
    expect_done(&w);
    g_assert_cmpuint(w.connects, ==, 2);
    pair_clear(&w);
}

/* Connections that replay a resumption's first bytes, or send junk, while the transfer goes on.
 */
static void
test_strangers(void)
{
    pair w;
    GByteArray *heard;
    size_t used;
    unsigned limited = 0;
    uint8_t junk[200];

    pair_init(&w);
    w.items = some_items;
    w.n_items = G_N_ELEMENTS(some_items);
    w.cut_p = 3000;
    w.chunk = 1000;
    w.hold_commit = true;
    w.tape_p = heard = g_byte_array_new();
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpuint(w.connects, ==, 2);
    memset(junk, 0x55, sizeof(junk));
    for (guint at = 3000; at + EHP_PREAMBLE_LEN + 48 <= heard->len && at < 4000; at++) {
        ehp_preamble p;
        if (ehp_preamble_parse(ehp_bytes_of(heard->data + at, EHP_PREAMBLE_LEN), &p) != EHP_OK)
            continue;
        /* by then the generation has changed: the heard preamble fits nothing any more */
        g_assert_false(ehp_session_matches(w.t.s, &p));
        limited++;
    }
    g_assert_cmpuint(limited, ==, 1);
    /* the same heard before the generation changed: it is taken, and gets nowhere */
    {
        pair v;
        ehp_preamble p;
        int links[8];
        ehp_status status;
        pair_init(&v);
        v.cut_p = EHP_PREAMBLE_LEN;
        v.no_reconnect = true;
        pair_start(&v);
        pair_connect(&v);
        pair_run(&v);
        g_assert_cmpint(ehp_session_connect(v.p.s, v.now, &v.p.link), ==, EHP_OK);
        g_assert_cmpint(ehp_preamble_parse(ehp_session_output(v.p.s, v.p.link, v.now), &p), ==,
                        EHP_OK);
        for (int i = 0; i < 8; i++) {
            status = ehp_session_accept(v.t.s, &p, v.now, &links[i]);
            if (i < EHP_SESSION_LINKS)
                g_assert_cmpint(status, ==, EHP_OK);
            else
                g_assert_true(status == EHP_LIMIT_REACHED || status == EHP_OK);
            pair_handle(&v.t);
            if (status == EHP_OK && i % 2 == 0)
                g_assert_cmpint(
                    ehp_session_feed(v.t.s, links[i], junk, sizeof(junk), v.now, &used), ==,
                    EHP_OK);
            pair_handle(&v.t);
        }
        g_assert_false(v.t.ended);
        v.no_reconnect = false;
        ehp_session_link_lost(v.p.s, v.p.link, v.now);
        v.p.link = -1;
        pair_connect(&v);
        pair_finish(&v, 20);
        expect_done(&v);
        pair_clear(&v);
    }
    w.hold_commit = false;
    pair_clear(&w);
}

static void
test_config_refused(void)
{
    ehp_secrets p, t;
    ehp_session *s;
    Ehp__ConsentRequest request = EHP__CONSENT_REQUEST__INIT;
    ehp_session_config c = {
        .secrets = &t, .leaf_secret = pair_leaf_secret(), .request = &request};
    char *text = g_strnfill(EHP_TEXT_MAX + 1, 'x');
    uint8_t *big = g_malloc0(EHP_CRL_BYTES_MAX + 1);
    ehp_bytes crls[] = {{big, EHP_CRL_BYTES_MAX}, {big, EHP_CRL_BYTES_MAX}};
    uint8_t other[64] = {0};

    pair_secrets(&p, &t);
    c.request = NULL;
    g_assert_cmpint(ehp_session_new(&c, 0, &s), ==, EHP_INVALID_ARGUMENT);
    g_assert_true(
        sodium_is_zero((const uint8_t *)&t, sizeof(t))); /* taken over also when it fails */
    pair_secrets(&p, &t);
    c.request = &request;
    request.text = text;
    g_assert_cmpint(ehp_session_new(&c, 0, &s), ==, EHP_TOO_LARGE);
    request.text = NULL;
    pair_secrets(&p, &t);
    c.crls = crls;
    c.n_crls = 2;
    g_assert_cmpint(ehp_session_new(&c, 0, &s), ==, EHP_TOO_LARGE);
    crls[0].len++;
    c.n_crls = 1;
    pair_secrets(&p, &t);
    g_assert_cmpint(ehp_session_new(&c, 0, &s), ==, EHP_TOO_LARGE);
    c.n_crls = 0;
    c.leaf_secret = other; /* not the key of the tap */
    pair_secrets(&p, &t);
    g_assert_cmpint(ehp_session_new(&c, 0, &s), ==, EHP_INVALID_ARGUMENT);
    c.leaf_secret = pair_leaf_secret();
    c.zstd_level = 20;
    pair_secrets(&p, &t);
    g_assert_cmpint(ehp_session_new(&c, 0, &s), ==, EHP_INVALID_ARGUMENT);
    g_free(text);
    g_free(big);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/session/whole", test_whole);
    g_test_add_func("/session/chunks", test_chunks);
    g_test_add_func("/session/cut-often", test_cut_often);
    g_test_add_func("/session/resent-at-most-a-window", test_resent_at_most_a_window);
    g_test_add_func("/session/link-stays-away", test_link_stays_away);
    g_test_add_func("/session/away-twice", test_away_twice);
    g_test_add_func("/session/silent-wire", test_silent_wire);
    g_test_add_func("/session/pings", test_pings_keep_it_alive);
    g_test_add_func("/session/declined-alike", test_declined_alike);
    g_test_add_func("/session/own-reason", test_own_reason);
    g_test_add_func("/session/extend-once", test_extend_once);
    g_test_add_func("/session/grant-refused-locally", test_grant_refused_locally);
    g_test_add_func("/session/revoke", test_revoke);
    g_test_add_func("/session/end-at-each-event", test_end_at_each_event);
    g_test_add_func("/session/answers-that-fail", test_answers_that_fail);
    g_test_add_func("/session/never-connected", test_never_connected);
    g_test_add_func("/session/after-the-end", test_after_the_end);
    g_test_add_func("/session/preamble", test_preamble);
    g_test_add_func("/session/stolen-first-link", test_stolen_first_link);
    g_test_add_func("/session/strangers", test_strangers);
    g_test_add_func("/session/config", test_config_refused);
    return g_test_run();
}
