/* SPDX-License-Identifier: Apache-2.0
 *
 * A terminal with the right keys that lies about what it sends back, and a patient that answers
 * an ItemRequest with something else.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/manifest.h"
#include "puppet.h"

typedef enum {
    GOOD,
    DIRECTION,
    FIRST_TRANSFER,
    LATER_TRANSFER,
    LIST,
    SESSION,
    ITEMS,
    HASH,
    SIGNER,
    CONTINUES, /* only the first transfer of a session may */
    WAYS
} way;

static void
sent(pair *w)
{
    pair_init(w);
    w->tell_status = 0;
    pair_start(w);
    pair_connect(w);
    pair_run(w);
    g_assert_cmpstr(ehp_session_state_name(w->p.s), ==, "Sent");
    w->later = "v"; /* an offer stays unanswered */
    w->at_later = 1;
}

/* One page with one item, then its manifest, signed. */
static void
inject_offer(pair *w, pair_side *from, const uint8_t *secret, way lie)
{
    Ehp__ItemEntry *items[] = {w->entries[0]};
    ehp_item_list list = {items, 1, {7}};
    Ehp__Manifest m = EHP__MANIFEST__INIT;
    Ehp__Record record = EHP__RECORD__INIT;
    ehp_unpacked page = {0};
    ehp_doc doc = {0};
    uint8_t bytes[EHP_MANIFEST_PAGE_MAX], hash[32], h[32];
    bool to_patient = !from->patient;
    size_t len;
    uint32_t pages;

    (void)ehp_item_list_page(&list, 0, 0, bytes, &len);
    g_assert_cmpint(ehp_item_list_hash(&list, &pages, hash), ==, EHP_OK);
    g_assert_cmpint(ehp_guard_unpack(&ehp__manifest_page__descriptor, ehp_bytes_of(bytes, len),
                                     NULL, &page),
                    ==, EHP_OK);
    record.body_case = EHP__RECORD__BODY_MANIFEST_PAGE;
    record.manifest_page = (Ehp__ManifestPage *)page.message;
    inject(from, &record);
    memcpy(h, from->s->secrets.h, 32);
    h[3] ^= lie == SESSION;
    hash[3] ^= lie == HASH;
    m.has_session = m.has_direction = m.has_pages = m.has_items = m.has_bytes = 1;
    m.has_pages_hash = m.has_transfer = m.has_manifest_only = 1;
    m.session = ehp_wire_binary(h, 32);
    m.direction = to_patient != (lie == DIRECTION) ? EHP__DIRECTION__DIRECTION_TO_PATIENT
                                                   : EHP__DIRECTION__DIRECTION_TO_TERMINAL;
    m.pages = 1;
    m.items = 1 + (lie == ITEMS);
    m.bytes = w->items[0].size;
    m.pages_hash = ehp_wire_binary(hash, 32);
    m.transfer = lie == FIRST_TRANSFER ? 0 : lie == LATER_TRANSFER ? 2 : 1;
    m.manifest_only = lie == LIST;
    m.has_continues = lie == CONTINUES;
    m.continues = ehp_wire_binary(h, 32);
    g_assert_cmpint(ehp_doc_make(&doc, EHP_SIGN_MANIFEST, secret, &m.base), ==, EHP_OK);
    record.body_case = EHP__RECORD__BODY_MANIFEST;
    record.manifest = &doc.message;
    inject(from, &record);
    ehp_doc_clear(&doc);
    ehp_guard_free(&page);
}

static ehp_status
verdict(way lie)
{
    return lie == SIGNER ? EHP_BAD_SIGNATURE : EHP_BAD_MANIFEST;
}

/* What came before is done; this broke the session, by name. */
static void
expect_broken(pair_side *victim, ehp_status want)
{
    g_assert_true(victim->ended);
    g_assert_false(victim->by_peer);
    g_assert_cmpstr(ehp_status_name(victim->status), ==, ehp_status_name(want));
    g_assert_cmpuint(victim->seen[EHP_EV_COMPLETE], ==, 1);
}

static void
test_offers(void)
{
    for (way lie = GOOD; lie < WAYS; lie++) {
        pair w;
        g_test_message("way %d", lie);
        sent(&w);
        inject_offer(&w, &w.t, lie == SIGNER ? w.p.s->patient_secret : w.t.s->leaf_secret, lie);
        pair_run(&w);
        if (lie == GOOD)
            g_assert_cmpstr(ehp_session_state_name(w.p.s), ==, "ReplyOffered");
        else
            expect_broken(&w.p, verdict(lie));
        pair_clear(&w);
    }
}

/* Data before the person agreed, and whatever else is not due then. */
static void
test_before_accept(void)
{
    static const int kinds[] = {
        EHP__RECORD__BODY_SEGMENT_PART,  EHP__RECORD__BODY_ITEM_DONE,
        EHP__RECORD__BODY_MANIFEST_PAGE, EHP__RECORD__BODY_ITEM_REQUEST,
        EHP__RECORD__BODY_ACCEPT,        EHP__RECORD__BODY_RECEIPT_ACK,
    };

    for (size_t i = 0; i < G_N_ELEMENTS(kinds); i++) {
        pair w;
        sent(&w);
        inject_offer(&w, &w.t, w.t.s->leaf_secret, GOOD);
        pair_run(&w);
        inject_kind(&w.t, kinds[i]);
        pair_run(&w);
        expect_broken(&w.p, EHP_OUT_OF_ORDER);
        pair_clear(&w);
    }
}

/* An answer to an ItemRequest that is not one. */
static void
test_answers(void)
{
    for (way lie = DIRECTION; lie < WAYS; lie++) {
        Ehp__ItemQuery query = EHP__ITEM_QUERY__INIT, *queries[] = {&query};
        Ehp__ItemRequest request = EHP__ITEM_REQUEST__INIT;
        pair w;
        sent(&w);
        w.deaf_patient = true; /* we answer for it */
        request.n_query = 1;
        request.query = queries;
        g_assert_cmpint(ehp_session_request_items(w.t.s, &request, w.now), ==, EHP_OK);
        pair_run(&w);
        inject_offer(&w, &w.p, lie == SIGNER ? w.t.s->leaf_secret : w.p.s->patient_secret, lie);
        pair_run(&w);
        expect_broken(&w.t, verdict(lie));
        pair_clear(&w);
    }
}

typedef enum {
    NONE,
    OTHER_KEY,
    OTHER_SESSION,
    OTHER_REQUEST,
    OTHER_MANIFEST,
    OTHER,
    ORIGINS
} origin;

static origin lie_about;
static uint8_t other_secret[64];

static void
spoil_origin(pair_side *side, const ehp_event *event)
{
    ehp_origin *said = &side->s->sender.origin;

    if (side->patient || !side->s->to_patient || event->type != EHP_EV_NEED_DATA ||
        event->segment > 0)
        return;
    if (lie_about == NONE)
        side->s->sender.origin_secret = NULL;
    else if (lie_about == OTHER_KEY)
        side->s->sender.origin_secret = other_secret;
    said->session[3] ^= lie_about == OTHER_SESSION;
    said->request_hash[3] ^= lie_about == OTHER_REQUEST;
    said->manifest_hash[3] ^= lie_about == OTHER_MANIFEST;
    said->transfer += lie_about == OTHER;
}

/* An item that the terminal does not sign as what it is. */
static void
test_origins(void)
{
    uint8_t seed[32] = {1}, key[32];

    ehp_sign_keypair(seed, key, other_secret);
    for (lie_about = NONE; lie_about < ORIGINS; lie_about++) {
        pair w;
        g_test_message("origin %d", lie_about);
        pair_init(&w);
        w.tell_status = 0;
        w.later = "w";
        w.on_event = spoil_origin;
        pair_start(&w);
        pair_connect(&w);
        pair_run(&w);
        expect_broken(&w.p, lie_about == OTHER_KEY ? EHP_BAD_SIGNATURE : EHP_BAD_MESSAGE);
        pair_clear(&w);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/lying/offers", test_offers);
    g_test_add_func("/lying/before-accept", test_before_accept);
    g_test_add_func("/lying/answers", test_answers);
    g_test_add_func("/lying/origins", test_origins);
    return g_test_run();
}
