/* SPDX-License-Identifier: Apache-2.0
 *
 * A terminal with the right keys that lies: in requests, acknowledgements, receipts, statuses,
 * and about how far a transfer had come.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/hash.h"
#include "puppet.h"

/* ---------------------------------------------------------------- a terminal that lies */

static void
test_lying_acks(void)
{
    static const struct {
        uint32_t item;
        uint64_t segments;
        ehp_status want;
    } rows[] = {
        {0, 99, EHP_BAD_MESSAGE}, {1, 0, EHP_OUT_OF_ORDER}, {0, 1, EHP_OUT_OF_ORDER},
        {7, 0, EHP_BAD_MESSAGE},  {1, 1, EHP_OUT_OF_ORDER},
    };
    static const pair_item two[] = {{"a", 100, 0}, {"b", 100, 0}};

    for (size_t i = 0; i <= G_N_ELEMENTS(rows); i++) {
        pair w;
        Ehp__Record r = EHP__RECORD__INIT;
        Ehp__Ack ack = EHP__ACK__INIT;
        pair_init(&w);
        w.items = two;
        w.n_items = 2;
        w.hold_data = i < G_N_ELEMENTS(rows);
        w.hold_commit = true;
        pair_start(&w);
        pair_connect(&w);
        pair_run(&w);
        ack.has_item = ack.has_segments = 1;
        if (i < G_N_ELEMENTS(rows)) {
            ack.item = rows[i].item;
            ack.segments = rows[i].segments;
        } /* the last one: all was acknowledged, and now less */
        r.body_case = EHP__RECORD__BODY_ACK;
        r.ack = &ack;
        inject(&w.t, &r);
        pair_run(&w);
        puppet_expect_broken(&w, false,
                             i < G_N_ELEMENTS(rows) ? rows[i].want : EHP_ROLLED_BACK);
        pair_clear(&w);
    }
}

/* How a receipt may be wrong. */
typedef enum {
    RECEIPT_SESSION,
    RECEIPT_DIRECTION,
    RECEIPT_MANIFEST,
    RECEIPT_CONSENT,
    RECEIPT_REQUEST,
    RECEIPT_CONTENTS,
    RECEIPT_ITEMS,
    RECEIPT_BYTES,
    RECEIPT_COMPLETE,
    RECEIPT_CRL,
    RECEIPT_SIGNER,
    RECEIPT_CHAIN,
    RECEIPT_MISSING,
    RECEIPT_SIGNATURE,
    RECEIPT_TRUE_ONE,
    RECEIPT_WAYS
} receipt_way;

typedef struct {
    Ehp__Receipt r;
    uint8_t h[5][32], signer[32];
    ProtobufCBinaryData chain[1];
} lying_receipt;

static void
fill_hashes(lying_receipt *l, ehp_session *t, receipt_way way)
{
    memcpy(l->h[0], t->secrets.h, 32);
    memcpy(l->h[1], t->docs[EHP_DOC_MANIFEST].hash, 32);
    memcpy(l->h[2], t->docs[EHP_DOC_CONSENT].hash, 32);
    memcpy(l->h[3], t->docs[EHP_DOC_REQUEST].hash, 32);
    ehp_receiver_contents(&t->receiver, l->h[4]);
    memcpy(l->signer, t->secrets.leaf_key, 32);
    l->h[0][9] ^= way == RECEIPT_SESSION;
    l->h[1][9] ^= way == RECEIPT_MANIFEST;
    l->h[2][9] ^= way == RECEIPT_CONSENT;
    l->h[3][9] ^= way == RECEIPT_REQUEST;
    l->h[4][9] ^= way == RECEIPT_CONTENTS;
    l->signer[9] ^= way == RECEIPT_SIGNER;
    l->r.has_session = l->r.has_manifest_hash = l->r.has_consent_hash = 1;
    l->r.has_request_hash = l->r.has_contents_hash = l->r.has_signer = 1;
    l->r.session = ehp_wire_binary(l->h[0], 32);
    l->r.manifest_hash = ehp_wire_binary(l->h[1], 32);
    l->r.consent_hash = ehp_wire_binary(l->h[2], 32);
    l->r.request_hash = ehp_wire_binary(l->h[3], 32);
    l->r.contents_hash = ehp_wire_binary(l->h[4], 32);
    l->r.signer = ehp_wire_binary(l->signer, 32);
}

/* The receipt that the terminal would sign, wrong in that way; what is in it lives with *l. */
static void
fill_receipt(lying_receipt *l, ehp_session *t, receipt_way way)
{
    Ehp__Receipt *r = &l->r;
    ehp_progress progress;

    ehp__receipt__init(r);
    fill_hashes(l, t, way);
    ehp_session_progress(t, &progress);
    r->has_direction = r->has_items = r->has_bytes = r->has_complete = r->has_crl_state = 1;
    r->has_time = way != RECEIPT_MISSING;
    r->direction = way == RECEIPT_DIRECTION ? EHP__DIRECTION__DIRECTION_TO_PATIENT
                                            : EHP__DIRECTION__DIRECTION_TO_TERMINAL;
    r->items = progress.items + (way == RECEIPT_ITEMS);
    r->bytes = progress.bytes - (way == RECEIPT_BYTES);
    r->complete = way != RECEIPT_COMPLETE;
    r->crl_state = way == RECEIPT_CRL ? EHP__CRL_STATE__CRL_STATE_NOT_CHECKED
                                      : EHP__CRL_STATE__CRL_STATE_CHECKED;
    l->chain[0] = ehp_wire_binary((const uint8_t *)"cert", 4);
    r->n_chain = way == RECEIPT_CHAIN;
    r->chain = l->chain;
}

static void
test_lying_receipts(void)
{
    for (receipt_way way = 0; way < RECEIPT_WAYS; way++) {
        pair w;
        lying_receipt lie;
        Ehp__Record record = EHP__RECORD__INIT;
        ehp_doc doc = {0};
        pair_init(&w);
        w.hold_commit = true;
        pair_start(&w);
        pair_connect(&w);
        pair_run(&w);
        fill_receipt(&lie, w.t.s, way);
        g_assert_cmpint(ehp_doc_make(&doc, EHP_SIGN_RECEIPT, pair_leaf_secret(), &lie.r.base),
                        ==, EHP_OK);
        if (way == RECEIPT_SIGNATURE)
            doc.bytes[doc.len - 1] ^= 1;
        record.body_case = EHP__RECORD__BODY_RECEIPT;
        record.receipt = &doc.message;
        w.receipt_verdict = EHP_OK;
        w.hold_receipt = true;
        ehp_session_send_ack(w.t.s);
        inject(&w.t, &record);
        pair_run(&w);
        if (way == RECEIPT_TRUE_ONE)
            g_assert_cmpuint(w.p.seen[EHP_EV_RECEIPT], ==, 1);
        else
            puppet_expect_broken(
                &w, false, way == RECEIPT_SIGNATURE ? EHP_BAD_SIGNATURE : EHP_BAD_RECEIPT);
        ehp_doc_clear(&doc);
        pair_clear(&w);
    }
}

/* How a request may be wrong. */
typedef enum {
    OTHER_SESSION,
    OTHER_PURPOSE,
    OTHER_SIGNER,
    UNKNOWN_CATEGORY,
    TRUE_REQUEST,
    REQUEST_WAYS
} request_way;

static void
sign_request(ehp_doc *doc, const ehp_secrets *ts, request_way way)
{
    uint8_t h[32], other_seed[32] = {1}, other[64], pub[32];
    Ehp__ConsentRequest r = EHP__CONSENT_REQUEST__INIT;
    Ehp__ItemQuery query = EHP__ITEM_QUERY__INIT, *queries[] = {&query};
    Ehp__Category unknown[] = {9};

    memcpy(h, ts->h, 32);
    h[0] ^= way == OTHER_SESSION;
    ehp_sign_keypair(other_seed, pub, other);
    r.has_session = r.has_purpose = 1;
    r.session = ehp_wire_binary(h, 32);
    r.purpose =
        way == OTHER_PURPOSE ? EHP__PURPOSE__PURPOSE_HRESCH : EHP__PURPOSE__PURPOSE_TREAT;
    query.n_category = 1;
    query.category = unknown;
    r.n_query = way == UNKNOWN_CATEGORY;
    r.query = queries;
    g_assert_cmpint(ehp_doc_make(doc, EHP_SIGN_CONSENT_REQUEST,
                                 way == OTHER_SIGNER ? other : pair_leaf_secret(), &r.base),
                    ==, EHP_OK);
}

/* Staple and request, sealed as the terminal would. */
static void
seal_request(ehp_queue *queue, ehp_secrets *ts, const ehp_doc *doc)
{
    ehp_record records = {0};
    ehp_outlet out = {&records, queue};
    Ehp__Record record = EHP__RECORD__INIT, staple = EHP__RECORD__INIT;
    Ehp__CrlStaple body = EHP__CRL_STAPLE__INIT;
    Ehp__Signed message = doc->message;

    ehp_record_init(&records, &ts->send, &ts->recv);
    staple.body_case = EHP__RECORD__BODY_CRL_STAPLE;
    staple.crl_staple = &body;
    record.body_case = EHP__RECORD__BODY_CONSENT_REQUEST;
    record.consent_request = &message;
    g_assert_cmpint(ehp_wire_send(&out, &staple, 0), ==, EHP_OK);
    g_assert_cmpint(ehp_wire_send(&out, &record, 0), ==, EHP_OK);
    ehp_record_clear(&records);
}

/* In two reads: LINK_UP stops the first. True: a person would be asked. */
static bool
hear_request(pair *w, ehp_bytes bytes)
{
    size_t used;
    ehp_event ev;
    bool asked = false;

    g_assert_cmpint(ehp_session_feed(w->p.s, w->p.link, bytes.data, bytes.len, w->now, &used),
                    ==, EHP_OK);
    g_assert_cmpuint(used, <, bytes.len);
    g_assert_true(ehp_session_next_event(w->p.s, w->now, &ev));
    g_assert_cmpint(ev.type, ==, EHP_EV_LINK_UP);
    g_assert_cmpint(
        ehp_session_feed(w->p.s, w->p.link, bytes.data + used, bytes.len - used, w->now, &used),
        ==, EHP_OK);
    while (ehp_session_next_event(w->p.s, w->now, &ev)) {
        asked |= ev.type == EHP_EV_CHECK_CRLS;
        if (ev.type == EHP_EV_ENDED)
            w->p.status = ev.status;
    }
    return asked;
}

static void
test_lying_requests(void)
{
    for (request_way way = 0; way < REQUEST_WAYS; way++) {
        pair w;
        ehp_secrets ps, ts;
        ehp_queue queue;
        ehp_doc doc = {0};
        pair_init(&w);
        w.hold_crls = true;
        pair_start(&w);
        pair_connect(&w);
        pair_secrets(&ps, &ts);
        ehp_queue_init(&queue, 1 << 20);
        sign_request(&doc, &ts, way);
        seal_request(&queue, &ts, &doc);
        g_assert_true(hear_request(&w, ehp_queue_peek(&queue)) == (way == TRUE_REQUEST));
        if (way != TRUE_REQUEST)
            g_assert_cmpstr(ehp_status_name(w.p.status), ==,
                            way == OTHER_SIGNER ? "BadSignature" : "BadMessage");
        ehp_doc_clear(&doc);
        ehp_queue_clear(&queue);
        pair_clear(&w);
    }
}

static void
test_lying_status(void)
{
    enum { SESSION, RECEIPT, KIND, SIGNER, TWICE, WAYS };

    for (int way = 0; way < WAYS; way++) {
        pair w;
        Ehp__Status st = EHP__STATUS__INIT;
        Ehp__Record record = EHP__RECORD__INIT;
        uint8_t h[2][32], seed[32] = {1}, other[64], pub[32];
        ehp_doc doc = {0};
        puppet_run_to(&w, puppet_stop_named("Sent"));
        memcpy(h[0], w.t.s->secrets.h, 32);
        memcpy(h[1], w.t.s->docs[EHP_DOC_RECEIPT].hash, 32);
        h[0][0] ^= way == SESSION;
        h[1][0] ^= way == RECEIPT;
        ehp_sign_keypair(seed, pub, other);
        st.has_session = st.has_receipt_hash = st.has_kind = st.has_time = 1;
        st.session = ehp_wire_binary(h[0], 32);
        st.receipt_hash = ehp_wire_binary(h[1], 32);
        st.kind = way == KIND ? 9 : EHP__STATUS_KIND__STATUS_FILED;
        g_assert_cmpint(ehp_doc_make(&doc, EHP_SIGN_STATUS,
                                     way == SIGNER ? other : pair_leaf_secret(), &st.base),
                        ==, EHP_OK);
        record.body_case = EHP__RECORD__BODY_STATUS;
        record.status = &doc.message;
        inject(&w.t, &record);
        pair_run(&w);
        if (way == TWICE) /* the first one was right, the patient then said goodbye */
            g_assert_cmpuint(w.p.seen[EHP_EV_STATUS], ==, 1);
        else
            g_assert_cmpuint(w.p.seen[EHP_EV_STATUS], ==, 0);
        g_assert_true(w.p.ended);
        g_assert_cmpint(w.p.status, ==,
                        EHP_OK); /* it has its receipt: nothing makes that fail */
        ehp_doc_clear(&doc);
        pair_clear(&w);
    }
}

/* Who never left anything is not to believe that all of it is there. */
static void
test_lying_already(void)
{
    for (int bye = 0; bye < 2; bye++) {
        pair w;
        Ehp__Record record = EHP__RECORD__INIT;
        Ehp__Error error = EHP__ERROR__INIT;
        Ehp__Bye leave = EHP__BYE__INIT;

        pair_init(&w);
        w.hold_data = true;
        pair_start(&w);
        pair_connect(&w);
        pair_run(&w);
        error.has_code = leave.has_reason = 1;
        error.code = leave.reason = EHP__ERROR_CODE__ERROR_ALREADY;
        record.body_case = bye ? EHP__RECORD__BODY_BYE : EHP__RECORD__BODY_ERROR;
        if (bye)
            record.bye = &leave;
        else
            record.error = &error;
        inject(&w.t, &record);
        pair_run(&w);
        puppet_expect_broken(&w, false, EHP_BAD_MESSAGE);
        pair_clear(&w);
    }
}

/* ---------------------------------------------------------------- a peer whose state went back
 */

static void
test_rolled_back(void)
{
    enum { GENERATION, FORGOT, OTHER_MANIFEST, LESS, MORE, WAYS };
    static const pair_item items[] = {{"a", 600 * 1024, 0}, {"b", 600 * 1024, 0}};

    for (int way = 0; way < WAYS; way++) {
        pair w;
        static const ehp_status want[] = {EHP_BAD_MESSAGE, EHP_ROLLED_BACK, EHP_ROLLED_BACK,
                                          EHP_ROLLED_BACK, EHP_OUT_OF_ORDER};
        pair_init(&w);
        w.items = items;
        w.n_items = 2;
        w.cut_p = 900000;
        w.chunk = 32768;
        w.no_reconnect = true;
        pair_start(&w);
        pair_connect(&w);
        pair_run(&w);
        g_assert_false(w.connected);
        g_assert_cmpuint(w.p.s->sender.acked.item, ==, 1);
        if (way == FORGOT)
            ehp_doc_clear(&w.t.s->docs[EHP_DOC_MANIFEST]);
        if (way == OTHER_MANIFEST)
            w.t.s->docs[EHP_DOC_MANIFEST].hash[0] ^= 1;
        if (way == LESS) {
            w.t.s->receiver.durable.item = w.t.s->receiver.delivered.item = 0;
            w.t.s->receiver.durable.segments = w.t.s->receiver.delivered.segments = 0;
        }
        if (way == MORE)
            w.t.s->receiver.durable.item = w.t.s->receiver.delivered.item = 2;
        if (way == MORE)
            w.t.s->receiver.durable.segments = w.t.s->receiver.delivered.segments = 0;
        w.no_reconnect = false;
        pair_connect(&w);
        if (way == GENERATION) {
            /* the terminal's hello names another generation than the handshake */
            pair_handle(&w.p);
            w.t.s->held[0].number += 5;
        }
        pair_finish(&w, 4);
        if (way == GENERATION) {
            g_assert_false(
                w.p.seen[EHP_EV_COMPLETE]); /* the handshake itself fails: another prologue */
        } else {
            bool told = w.p.status == want[way] || w.t.status == want[way];
            g_assert_true(w.p.ended && w.t.ended);
            g_assert_true(told);
        }
        pair_clear(&w);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/lying-terminal/acks", test_lying_acks);
    g_test_add_func("/lying-terminal/receipts", test_lying_receipts);
    g_test_add_func("/lying-terminal/requests", test_lying_requests);
    g_test_add_func("/lying-terminal/status", test_lying_status);
    g_test_add_func("/lying-terminal/already", test_lying_already);
    g_test_add_func("/lying-terminal/rolled-back", test_rolled_back);
    return g_test_run();
}
