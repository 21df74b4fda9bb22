/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole exchanges against the vectors of an implementation that shares no code with this one
 * (tests/vectors/make_tap.py, make_session.py): every APDU of a tap, every byte of a session.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/apdu.h"
#include "proto/guard.h"
#include "proto/receipt.h"
#include "proto/receiver.h"
#include "proto/sign.h"
#include "proto/tap.h"
#include "vectors.h"

/* ---------------------------------------------------------------- tap */

typedef struct {
    ehp_tap *reader, *card;
    uint8_t leaf_public[32];
    size_t n_chain;
    ehp_tap_event reader_last, card_last;
} taps;

static void
start_taps(taps *t, JsonObject *c)
{
    ehp_tap_config r = {.role = EHP_ROLE_TERMINAL, .nfc = EHP_NFC_READER};
    ehp_tap_config p = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};
    JsonArray *chain = json_object_get_array_member(c, "chain");
    JsonArray *categories = json_object_get_array_member(c, "categories");
    ehp_bytes certs[3];
    uint32_t wanted[24];
    uint8_t secret[64];
    ehp_bytes address = vectors_hex(c, "address"), oob = vectors_hex(c, "oob");

    memset(t, 0, sizeof(*t));
    memcpy(r.seed, vectors_hex(c, "reader_seed").data, 32);
    memcpy(p.seed, vectors_hex(c, "card_seed").data, 32);
    ehp_sign_keypair(vectors_hex(c, "leaf_seed").data, t->leaf_public, secret);
    r.leaf_secret = secret;
    r.n_chain = t->n_chain = json_array_get_length(chain);
    for (guint i = 0; i < r.n_chain; i++)
        certs[i] = vectors_hex_of(json_array_get_string_element(chain, i));
    r.chain = certs;
    r.purpose = (uint32_t)json_object_get_int_member(c, "purpose");
    r.n_categories = json_array_get_length(categories);
    for (guint i = 0; i < r.n_categories; i++)
        wanted[i] = (uint32_t)json_array_get_int_element(categories, i);
    r.categories = wanted;
    r.address = address.len > 0 ? address.data : NULL;
    r.channel = (uint32_t)json_object_get_int_member(c, "channel");
    r.oob = oob.len > 0 ? oob.data : NULL;
    p.capabilities = (uint32_t)json_object_get_int_member_with_default(c, "capabilities", 0);
    if (oob.len > 0) {
        p.patient_address = vectors_hex(c, "patient_address").data;
        p.patient_oob = vectors_hex(c, "patient_oob").data;
    }
    assert_ok(ehp_tap_new(&r, &t->reader));
    assert_ok(ehp_tap_new(&p, &t->card));
    assert_ok(ehp_tap_start(t->reader, 0));
}

static void
end_taps(taps *t)
{
    ehp_tap_free(t->reader);
    ehp_tap_free(t->card);
}

static void
answer(taps *t)
{
    ehp_tap_event ev;

    while (ehp_tap_next_event(t->card, &ev)) {
        t->card_last = ev;
        if (ev.type == EHP_TAP_ASK_VERDICT)
            assert_ok(ehp_tap_verdict(t->card, t->n_chain > 0 ? EHP_OK : EHP_UNVERIFIED,
                                      t->n_chain == 0, t->leaf_public, 0));
    }
    while (ehp_tap_next_event(t->reader, &ev)) {
        t->reader_last = ev;
        if (ev.type == EHP_TAP_STORE_PENDING)
            assert_ok(ehp_tap_stored(t->reader, EHP_OK, 0));
    }
}

/* The first n exchanges, as the vector says. */
static void
replay(taps *t, JsonObject *c, guint n)
{
    for (guint i = 0; i < n; i++) {
        JsonObject *apdu = vectors_at(c, "apdus", i);
        ehp_bytes command = vectors_hex(apdu, "c"), response = vectors_hex(apdu, "r");
        assert_bytes(ehp_tap_take(t->reader, 0), command);
        assert_ok(ehp_tap_feed(t->card, command.data, command.len, 0));
        answer(t);
        assert_bytes(ehp_tap_take(t->card, 0), response);
        assert_ok(ehp_tap_feed(t->reader, response.data, response.len, 0));
        answer(t);
    }
}

static void
test_tap(void)
{
    JsonObject *file = vectors_own("tap.json");

    VECTORS_EACH(c, file, "cases")
    {
        taps t;
        ehp_secrets r, p;
        start_taps(&t, c);
        replay(&t, c, vectors_count(c, "apdus"));
        assert_ok(ehp_tap_take_secrets(t.reader, &r));
        assert_ok(ehp_tap_take_secrets(t.card, &p));
        assert_bytes(ehp_bytes_of(r.h, 32), vectors_hex(c, "h"));
        assert_bytes(ehp_bytes_of(r.locator, 32), vectors_hex(c, "locator"));
        assert_bytes(ehp_bytes_of(p.resume, 32), vectors_hex(c, "resume"));
        assert_bytes(ehp_bytes_of(p.export_key, 32), vectors_hex(c, "export"));
        assert_bytes(ehp_bytes_of(p.send.key, 32), vectors_hex(c, "patient_to_terminal"));
        assert_bytes(ehp_bytes_of(r.send.key, 32), vectors_hex(c, "terminal_to_patient"));
        g_assert_cmpint(r.capabilities, ==,
                        json_object_get_int_member_with_default(c, "capabilities", 0));
        assert_bytes(ehp_bytes_of(r.patient_oob, r.has_patient_oob ? EHP_OOB_LEN : 0),
                     vectors_hex(c, "patient_oob"));
        assert_bytes(ehp_bytes_of(p.oob, p.has_oob ? EHP_OOB_LEN : 0), vectors_hex(c, "oob"));
        end_taps(&t);
    }
}

static JsonObject *
case_named(JsonObject *file, const char *name)
{
    for (guint i = 0; i < vectors_count(file, "cases"); i++)
        if (g_str_equal(json_object_get_string_member(vectors_at(file, "cases", i), "name"),
                        name))
            return vectors_at(file, "cases", i);
    g_assert_not_reached();
}

static void
test_tap_must_fail(void)
{
    JsonObject *file = vectors_own("tap.json");

    VECTORS_EACH(f, file, "must_fail")
    {
        JsonObject *c = case_named(file, json_object_get_string_member(f, "case"));
        guint at = (guint)json_object_get_int_member(f, "at");
        bool card = g_str_equal(json_object_get_string_member(f, "victim"), "card");
        ehp_bytes apdu = vectors_hex(f, "apdu");
        ehp_secrets none;
        taps t;
        g_test_message("%s", json_object_get_string_member(f, "comment"));
        start_taps(&t, c);
        replay(&t, c, at);
        if (card) {
            assert_ok(ehp_tap_feed(t.card, apdu.data, apdu.len, 0));
            answer(&t);
            assert_bytes(ehp_tap_take(t.card, 0), vectors_hex(f, "answer"));
            assert_status(t.card_last.status, vectors_error(f));
            assert_status(ehp_tap_take_secrets(t.card, &none), EHP_WRONG_STATE);
        } else {
            assert_bytes(ehp_tap_take(t.reader, 0),
                         vectors_hex(vectors_at(c, "apdus", at), "c"));
            assert_ok(ehp_tap_feed(t.reader, apdu.data, apdu.len, 0));
            answer(&t);
            assert_status(t.reader_last.status, vectors_error(f));
            assert_status(ehp_tap_take_secrets(t.reader, &none), EHP_WRONG_STATE);
        }
        end_taps(&t);
    }
}

/* ---------------------------------------------------------------- session */

static void
same_secrets(JsonObject *c)
{
    ehp_secrets p, t;

    pair_secrets(&p, &t);
    assert_bytes(ehp_bytes_of(p.h, 32), vectors_hex(c, "h"));
    assert_bytes(ehp_bytes_of(p.locator, 32), vectors_hex(c, "locator"));
    assert_bytes(ehp_bytes_of(p.resume, 32), vectors_hex(c, "resume"));
    assert_bytes(ehp_bytes_of(p.send.key, 32), vectors_hex(c, "patient_to_terminal"));
    assert_bytes(ehp_bytes_of(t.send.key, 32), vectors_hex(c, "terminal_to_patient"));
    assert_bytes(ehp_bytes_of(pair_leaf_secret(), 32), vectors_hex(c, "leaf_seed"));
}

static void
run_session(JsonObject *c)
{
    guint n = vectors_count(c, "items");
    pair_item *items = g_new0(pair_item, n);
    bool resumed = json_object_get_boolean_member(c, "resumed");
    pair w;

    for (guint i = 0; i < n; i++) {
        JsonObject *item = vectors_at(c, "items", i);
        items[i].name = json_object_get_string_member(item, "name");
        items[i].size = (uint64_t)json_object_get_int_member(item, "size");
        items[i].kind = (unsigned)json_object_get_int_member(item, "kind");
    }
    pair_init(&w);
    w.items = items;
    w.n_items = n;
    w.zstd_level = -1;
    w.hold_durable = true; /* one Ack for each stored item */
    w.refuse_with = json_object_get_boolean_member(c, "declined") ? EHP_DECLINED : EHP_OK;
    pair_start(&w);
    pair_connect(&w);
    if (resumed) { /* the first connection dies before a byte has passed */
        pair_cut(&w);
        pair_handle(&w.p);
        pair_connect(&w);
    }
    w.tape_p = g_byte_array_new();
    w.tape_t = g_byte_array_new();
    pair_finish(&w, 4);
    assert_bytes(ehp_bytes_of(w.tape_p->data, w.tape_p->len), vectors_hex(c, "from_patient"));
    assert_bytes(ehp_bytes_of(w.tape_t->data, w.tape_t->len), vectors_hex(c, "from_terminal"));
    assert_bytes(ehp_bytes_of(w.p.receipt, w.p.receipt_len), vectors_hex(c, "receipt"));
    g_assert_true(w.p.ended && w.t.ended);
    pair_clear(&w);
    g_free(items);
}

static void
test_session(void)
{
    JsonObject *file = vectors_own("session.json");

    VECTORS_EACH(c, file, "cases")
    {
        g_test_message("%s", json_object_get_string_member(c, "name"));
        same_secrets(c);
        run_session(c);
    }
}

static void
test_preambles(void)
{
    JsonObject *file = vectors_own("session.json");
    pair w;

    pair_init(&w);
    pair_start(&w); /* its locator is that of the vectors */
    VECTORS_EACH(c, file, "preambles")
    {
        const char *want = json_object_get_string_member(c, "error");
        ehp_preamble p;
        ehp_status status = ehp_preamble_parse(vectors_hex(c, "bytes"), &p);
        if (status == EHP_OK && !ehp_session_matches(w.t.s, &p))
            status = EHP_NOT_FOUND;
        g_assert_cmpstr(status == EHP_AGAIN ? "Again" : ehp_status_name(status), ==, want);
    }
    pair_clear(&w);
}

/* ---------------------------------------------------------------- manifest, receipt */

static ehp_status
take_pages(JsonObject *c, uint8_t hash[32])
{
    JsonArray *pages = json_object_get_array_member(c, "pages");
    ehp_receiver r;
    ehp_status status;

    assert_ok(ehp_receiver_init(&r));
    status = EHP_OK;
    for (guint i = 0; status == EHP_OK && i < json_array_get_length(pages); i++) {
        ehp_bytes raw = vectors_hex_of(json_array_get_string_element(pages, i));
        ehp_unpacked u = {0};
        status = ehp_guard_unpack(&ehp__manifest_page__descriptor, raw, NULL, &u);
        if (status == EHP_OK)
            status = ehp_receiver_page(&r, (const Ehp__ManifestPage *)u.message, raw);
        ehp_guard_free(&u);
    }
    ehp_sha256_final(&r.pages_hash, hash);
    ehp_receiver_clear(&r);
    return status;
}

static void
test_manifest(void)
{
    JsonObject *file = vectors_own("manifest.json");
    uint8_t hash[32];

    VECTORS_EACH(c, file, "cases")
    {
        assert_ok(take_pages(c, hash));
        assert_bytes(ehp_bytes_of(hash, 32), vectors_hex(c, "pages_hash"));
    }
    VECTORS_EACH(f, file, "must_fail")
    {
        g_test_message("%s", json_object_get_string_member(f, "comment"));
        assert_status(take_pages(f, hash), vectors_error(f));
    }
}

static void
test_receipt(void)
{
    JsonObject *file = vectors_own("receipt.json");
    ehp_receipt r;

    VECTORS_EACH(c, file, "cases")
    {
        assert_ok(ehp_receipt_open(vectors_hex(c, "receipt"), &r));
        assert_bytes(ehp_bytes_of(r.hash, 32), vectors_hex(c, "hash"));
        assert_bytes(ehp_bytes_of(r.receipt->signer.data, r.receipt->signer.len),
                     vectors_hex(c, "signer"));
        ehp_receipt_clear(&r);
    }
    VECTORS_EACH(f, file, "must_fail")
    {
        g_test_message("%s", json_object_get_string_member(f, "comment"));
        assert_status(ehp_receipt_open(vectors_hex(f, "receipt"), &r), vectors_error(f));
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/exchange/tap", test_tap);
    g_test_add_func("/exchange/tap-must-fail", test_tap_must_fail);
    g_test_add_func("/exchange/session", test_session);
    g_test_add_func("/exchange/preambles", test_preambles);
    g_test_add_func("/exchange/manifest", test_manifest);
    g_test_add_func("/exchange/receipt", test_receipt);
    return g_test_run();
}
