/* SPDX-License-Identifier: Apache-2.0
 *
 * A patient's device with the right keys that lies, in every field that can lie. Each lie has
 * its name, and nothing is stored.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>
#include <zstd.h>

#include "proto/hash.h"
#include "puppet.h"

/* ---------------------------------------------------------------- a patient that lies */

typedef enum {
    LIE_NONE,
    KEY_SIGNATURE,
    KEY_MISSING,
    CONSENT_SIGNER,
    CONSENT_SESSION,
    CONSENT_REQUEST,
    CONSENT_PURPOSE,
    CONSENT_PERIOD,
    CONSENT_NO_TIME,
    CONSENT_CRL_STATE,
    CONSENT_ACTING,
    PAGE_NUMBER,
    PAGE_EMPTY,
    ENTRY_ID,
    ENTRY_NO_SALT,
    ENTRY_SLASH,
    ENTRY_DOTS,
    ENTRY_NO_NAME,
    ENTRY_CATEGORY,
    ENTRY_TOO_BIG,
    ENTRY_SUM,
    ENTRY_SUBJECTS,
    MANIFEST_SIGNER,
    MANIFEST_SESSION,
    MANIFEST_DIRECTION,
    MANIFEST_PAGES,
    MANIFEST_ITEMS,
    MANIFEST_BYTES,
    MANIFEST_HASH,
    MANIFEST_EARLY,
    PART_ITEM,
    PART_SEGMENT,
    PART_LENGTH,
    PART_ENCODED,
    PART_ENCODING,
    PART_OVERLONG,
    PART_AGAIN_HEADED,
    PART_NO_HEAD,
    PART_EMPTY,
    PART_BOMB,
    PART_NOT_ZSTD,
    PART_SHORT_FRAME,
    DONE_EARLY,
    DONE_SIZE,
    DONE_ROOT,
    DONE_ITEM,
    PART_AFTER_DONE,
    REVOKE_SIGNER,
    REVOKE_CONSENT,
    LIES,
} lie;

typedef struct {
    pair w;
    lie lie;
    uint8_t public_key[32], secret[64];
    uint8_t other_public[32], other_secret[64];
    ehp_doc consent, manifest;
    uint8_t salts[2][32];
} liar;

#define ITEM_SIZE 1000

static void
send_signed(liar *m, int kind, ehp_doc *doc)
{
    Ehp__Record r = EHP__RECORD__INIT;

    r.body_case = (Ehp__Record__BodyCase)kind;
    r.consent = &doc->message; /* one union */
    inject(&m->w.p, &r);
}

static void
lie_key(liar *m)
{
    Ehp__Record r = EHP__RECORD__INIT;
    Ehp__SessionKey key = EHP__SESSION_KEY__INIT;
    uint8_t signature[64];

    g_assert_cmpint(ehp_sign(EHP_SIGN_SESSION_KEY, m->secret,
                             ehp_bytes_of(ehp_session_id(m->w.t.s), 32), signature),
                    ==, EHP_OK);
    if (m->lie == KEY_SIGNATURE)
        signature[5] ^= 1;
    key.has_key = key.has_signature = 1;
    key.key = ehp_wire_binary(m->public_key, 32);
    key.signature = ehp_wire_binary(signature, 64);
    if (m->lie == KEY_MISSING)
        key.has_key = 0;
    r.body_case = EHP__RECORD__BODY_SESSION_KEY;
    r.session_key = &key;
    inject(&m->w.p, &r);
}

static void
lie_consent(liar *m)
{
    Ehp__Consent c = EHP__CONSENT__INIT;
    uint8_t session[32], request[32];

    memcpy(session, ehp_session_id(m->w.t.s), 32);
    memcpy(request, m->w.t.s->docs[EHP_DOC_REQUEST].hash, 32);
    session[0] ^= m->lie == CONSENT_SESSION;
    request[0] ^= m->lie == CONSENT_REQUEST;
    c.has_session = c.has_request_hash = c.has_purpose = c.has_time = c.has_crl_state = 1;
    c.session = ehp_wire_binary(session, 32);
    c.request_hash = ehp_wire_binary(request, 32);
    c.purpose =
        m->lie == CONSENT_PURPOSE ? EHP__PURPOSE__PURPOSE_HRESCH : EHP__PURPOSE__PURPOSE_TREAT;
    c.has_period_days = m->lie == CONSENT_PERIOD;
    c.period_days = 9;
    c.has_time = m->lie != CONSENT_NO_TIME;
    c.crl_state = m->lie == CONSENT_CRL_STATE ? 7 : EHP__CRL_STATE__CRL_STATE_CHECKED;
    c.has_acting_as = m->lie == CONSENT_ACTING;
    c.acting_as = 77;
    g_assert_cmpint(ehp_doc_make(&m->consent, EHP_SIGN_CONSENT,
                                 m->lie == CONSENT_SIGNER ? m->other_secret : m->secret,
                                 &c.base),
                    ==, EHP_OK);
    send_signed(m, EHP__RECORD__BODY_CONSENT, &m->consent);
}

static void
fill_entries(liar *m, Ehp__ItemEntry entry[2])
{
    for (uint32_t i = 0; i < 2; i++) {
        Ehp__ItemEntry *e = &entry[i];
        ehp__item_entry__init(e);
        memset(m->salts[i], (int)i + 1, 32);
        e->has_id = e->has_size = e->has_category = e->has_salt = 1;
        e->id = i;
        e->size = ITEM_SIZE;
        e->name = (char *)"x";
        e->category = EHP__CATEGORY__CATEGORY_OTHER;
        e->salt = ehp_wire_binary(m->salts[i], 32);
    }
    switch (m->lie) {
    case ENTRY_ID:
        entry[1].id = 5;
        break;
    case ENTRY_NO_SALT:
        entry[1].has_salt = 0;
        break;
    case ENTRY_SLASH:
        entry[1].name = (char *)"../etc";
        break;
    case ENTRY_DOTS:
        entry[1].name = (char *)"..";
        break;
    case ENTRY_NO_NAME:
        entry[1].name = NULL;
        break;
    case ENTRY_CATEGORY:
        entry[1].category = 9;
        break;
    case ENTRY_TOO_BIG:
        entry[1].size = EHP_ITEM_BYTES_MAX + 1;
        break;
    case ENTRY_SUM:
        entry[1].size = UINT64_MAX - 10;
        break;
    case ENTRY_SUBJECTS:
        entry[1].has_subject = 1;
        entry[1].subject = ehp_wire_binary((const uint8_t *)"other", 5);
        break;
    default:
        break;
    }
}

static void
lie_manifest(liar *m)
{
    Ehp__Record r = EHP__RECORD__INIT;
    Ehp__ManifestPage page = EHP__MANIFEST_PAGE__INIT;
    Ehp__ItemEntry entry[2], *entries[] = {&entry[0], &entry[1]};
    Ehp__Manifest mf = EHP__MANIFEST__INIT;
    uint8_t packed[2048], hash[32], session[32];
    size_t len;

    fill_entries(m, entry);
    page.has_page = 1;
    page.page = m->lie == PAGE_NUMBER;
    page.n_item = m->lie == PAGE_EMPTY ? 0 : 2;
    page.item = entries;
    r.body_case = EHP__RECORD__BODY_MANIFEST_PAGE;
    r.manifest_page = &page;
    if (m->lie != MANIFEST_EARLY)
        inject(&m->w.p, &r);
    len = ehp__manifest_page__pack(&page, packed);
    ehp_sha256(hash, packed, len);
    hash[0] ^= m->lie == MANIFEST_HASH;
    memcpy(session, ehp_session_id(m->w.t.s), 32);
    session[0] ^= m->lie == MANIFEST_SESSION;
    mf.has_session = mf.has_direction = mf.has_pages = mf.has_items = mf.has_bytes =
        mf.has_pages_hash = 1;
    mf.session = ehp_wire_binary(session, 32);
    mf.direction = m->lie == MANIFEST_DIRECTION ? EHP__DIRECTION__DIRECTION_TO_PATIENT
                                                : EHP__DIRECTION__DIRECTION_TO_TERMINAL;
    mf.pages = 1 + (m->lie == MANIFEST_PAGES);
    mf.items = 2 + (m->lie == MANIFEST_ITEMS);
    mf.bytes = 2 * ITEM_SIZE + (m->lie == MANIFEST_BYTES);
    mf.pages_hash = ehp_wire_binary(hash, 32);
    g_assert_cmpint(ehp_doc_make(&m->manifest, EHP_SIGN_MANIFEST,
                                 m->lie == MANIFEST_SIGNER ? m->other_secret : m->secret,
                                 &mf.base),
                    ==, EHP_OK);
    send_signed(m, EHP__RECORD__BODY_MANIFEST, &m->manifest);
}

static void
send_part(liar *m, uint32_t item, uint64_t segment, const uint8_t *head, const void *data,
          size_t len, uint32_t original, uint32_t encoded, int encoding)
{
    Ehp__Record r = EHP__RECORD__INIT;
    Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT;

    part.has_item = part.has_segment = part.has_data = 1;
    part.item = item;
    part.segment = segment;
    if (head != NULL) {
        part.has_encoding = part.has_original_length = part.has_encoded_length = 1;
        part.encoding = (Ehp__Encoding)encoding;
        part.original_length = original;
        part.encoded_length = encoded;
    }
    part.data = ehp_wire_binary(data, len);
    r.body_case = EHP__RECORD__BODY_SEGMENT_PART;
    r.segment_part = &part;
    inject(&m->w.p, &r);
}

static void
lie_parts(liar *m)
{
    static uint8_t data[ITEM_SIZE], frame[4096], zeros[1 << 20];
    static const uint8_t head[1];
    const uint8_t *none = NULL;
    size_t len;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = pair_byte(&m->w.items[0], 0, i);
    switch (m->lie) {
    case PART_ITEM:
        send_part(m, 1, 0, head, data, ITEM_SIZE, ITEM_SIZE, ITEM_SIZE, 0);
        break;
    case PART_SEGMENT:
        send_part(m, 0, 1, head, data, ITEM_SIZE, ITEM_SIZE, ITEM_SIZE, 0);
        break;
    case PART_LENGTH:
        send_part(m, 0, 0, head, data, ITEM_SIZE - 1, ITEM_SIZE - 1, ITEM_SIZE - 1, 0);
        break;
    case PART_ENCODED:
        send_part(m, 0, 0, head, data, ITEM_SIZE, ITEM_SIZE, ITEM_SIZE + 1, 1);
        break;
    case PART_ENCODING:
        send_part(m, 0, 0, head, data, ITEM_SIZE, ITEM_SIZE, ITEM_SIZE, 3);
        break;
    case PART_OVERLONG:
        send_part(m, 0, 0, head, data, 600, ITEM_SIZE, ITEM_SIZE, 0);
        send_part(m, 0, 0, none, data, 600, 0, 0, 0);
        break;
    case PART_AGAIN_HEADED:
        send_part(m, 0, 0, head, data, 600, ITEM_SIZE, ITEM_SIZE, 0);
        send_part(m, 0, 0, head, data, 400, ITEM_SIZE, ITEM_SIZE, 0);
        break;
    case PART_NO_HEAD:
        send_part(m, 0, 0, none, data, ITEM_SIZE, 0, 0, 0);
        break;
    case PART_EMPTY:
        send_part(m, 0, 0, head, data, 0, ITEM_SIZE, ITEM_SIZE, 0);
        break;
    case PART_BOMB:
        len = ZSTD_compress(frame, sizeof(frame), zeros, sizeof(zeros), 3);
        g_assert_false(ZSTD_isError(len));
        send_part(m, 0, 0, head, frame, len, ITEM_SIZE, (uint32_t)len, 1);
        break;
    case PART_NOT_ZSTD:
        send_part(m, 0, 0, head, data, 500, ITEM_SIZE, 500, 1);
        break;
    case PART_SHORT_FRAME:
        len = ZSTD_compress(frame, sizeof(frame), zeros, ITEM_SIZE - 1, 3);
        send_part(m, 0, 0, head, frame, len, ITEM_SIZE, (uint32_t)len, 1);
        break;
    default:
        send_part(m, 0, 0, head, data, ITEM_SIZE, ITEM_SIZE, ITEM_SIZE, 0);
        break;
    }
}

static void
lie_done(liar *m)
{
    Ehp__Record r = EHP__RECORD__INIT;
    Ehp__ItemDone done = EHP__ITEM_DONE__INIT;
    uint8_t data[ITEM_SIZE], root[32];
    ehp_tree tree;

    for (size_t i = 0; i < sizeof(data); i++)
        data[i] = pair_byte(&m->w.items[0], 0, i);
    ehp_tree_init(&tree, m->salts[0]);
    g_assert_cmpint(ehp_tree_add(&tree, data, sizeof(data)), ==, EHP_OK);
    ehp_tree_root(&tree, root);
    root[31] ^= m->lie == DONE_ROOT;
    done.has_item = done.has_size = done.has_root = 1;
    done.item = m->lie == DONE_ITEM;
    done.size = ITEM_SIZE + (m->lie == DONE_SIZE);
    done.root = ehp_wire_binary(root, 32);
    r.body_case = EHP__RECORD__BODY_ITEM_DONE;
    r.item_done = &done;
    inject(&m->w.p, &r);
    if (m->lie == PART_AFTER_DONE)
        send_part(m, 0, 1, root, data, ITEM_SIZE, ITEM_SIZE, ITEM_SIZE, 0);
}

static void
lie_revoke(liar *m)
{
    Ehp__Revoke revoke = EHP__REVOKE__INIT;
    ehp_doc doc = {0};
    uint8_t consent[32];

    memcpy(consent, m->consent.hash, 32);
    consent[0] ^= m->lie == REVOKE_CONSENT;
    revoke.has_session = revoke.has_consent_hash = revoke.has_time = 1;
    revoke.session = ehp_wire_binary(ehp_session_id(m->w.t.s), 32);
    revoke.consent_hash = ehp_wire_binary(consent, 32);
    g_assert_cmpint(ehp_doc_make(&doc, EHP_SIGN_REVOKE,
                                 m->lie == REVOKE_SIGNER ? m->other_secret : m->secret,
                                 &revoke.base),
                    ==, EHP_OK);
    send_signed(m, EHP__RECORD__BODY_REVOKE, &doc);
    ehp_doc_clear(&doc);
}

static const ehp_status lie_status[LIES] = {
    [KEY_SIGNATURE] = EHP_BAD_SIGNATURE,
    [KEY_MISSING] = EHP_BAD_MESSAGE,
    [CONSENT_SIGNER] = EHP_BAD_SIGNATURE,
    [CONSENT_SESSION] = EHP_BAD_MESSAGE,
    [CONSENT_REQUEST] = EHP_BAD_MESSAGE,
    [CONSENT_PURPOSE] = EHP_BAD_MESSAGE,
    [CONSENT_PERIOD] = EHP_BAD_MESSAGE,
    [CONSENT_NO_TIME] = EHP_BAD_MESSAGE,
    [CONSENT_CRL_STATE] = EHP_BAD_MESSAGE,
    [CONSENT_ACTING] = EHP_BAD_MESSAGE,
    [PAGE_NUMBER] = EHP_BAD_MANIFEST,
    [PAGE_EMPTY] = EHP_BAD_MANIFEST,
    [ENTRY_ID] = EHP_BAD_MANIFEST,
    [ENTRY_NO_SALT] = EHP_BAD_MANIFEST,
    [ENTRY_SLASH] = EHP_BAD_MANIFEST,
    [ENTRY_DOTS] = EHP_BAD_MANIFEST,
    [ENTRY_NO_NAME] = EHP_BAD_MANIFEST,
    [ENTRY_CATEGORY] = EHP_BAD_MANIFEST,
    [ENTRY_TOO_BIG] = EHP_BAD_MANIFEST,
    [ENTRY_SUM] = EHP_BAD_MANIFEST,
    [ENTRY_SUBJECTS] = EHP_BAD_MANIFEST,
    [MANIFEST_SIGNER] = EHP_BAD_SIGNATURE,
    [MANIFEST_SESSION] = EHP_BAD_MANIFEST,
    [MANIFEST_DIRECTION] = EHP_BAD_MANIFEST,
    [MANIFEST_PAGES] = EHP_BAD_MANIFEST,
    [MANIFEST_ITEMS] = EHP_BAD_MANIFEST,
    [MANIFEST_BYTES] = EHP_BAD_MANIFEST,
    [MANIFEST_HASH] = EHP_BAD_MANIFEST,
    [MANIFEST_EARLY] = EHP_BAD_MANIFEST,
    [PART_ITEM] = EHP_OUT_OF_ORDER,
    [PART_SEGMENT] = EHP_OUT_OF_ORDER,
    [PART_LENGTH] = EHP_BAD_MESSAGE,
    [PART_ENCODED] = EHP_BAD_MESSAGE,
    [PART_ENCODING] = EHP_BAD_MESSAGE,
    [PART_OVERLONG] = EHP_TOO_LARGE,
    [PART_AGAIN_HEADED] = EHP_OUT_OF_ORDER,
    [PART_NO_HEAD] = EHP_BAD_MESSAGE,
    [PART_EMPTY] = EHP_BAD_MESSAGE,
    [PART_BOMB] = EHP_BAD_COMPRESSION,
    [PART_NOT_ZSTD] = EHP_BAD_COMPRESSION,
    [PART_SHORT_FRAME] = EHP_BAD_COMPRESSION,
    [DONE_EARLY] = EHP_OUT_OF_ORDER,
    [DONE_SIZE] = EHP_BAD_MANIFEST,
    [DONE_ROOT] = EHP_BAD_HASH,
    [DONE_ITEM] = EHP_OUT_OF_ORDER,
    [PART_AFTER_DONE] = EHP_OUT_OF_ORDER,
    [REVOKE_SIGNER] = EHP_BAD_SIGNATURE,
    [REVOKE_CONSENT] = EHP_BAD_MESSAGE,
};

static const pair_item two_items[] = {{"x", ITEM_SIZE, 0}, {"x", ITEM_SIZE, 0}};

static void
liar_init(liar *m, lie what)
{
    uint8_t seed[32];

    memset(m, 0, sizeof(*m));
    m->lie = what;
    memset(seed, 0x77, sizeof(seed));
    ehp_sign_keypair(seed, m->public_key, m->secret);
    memset(seed, 0x78, sizeof(seed));
    ehp_sign_keypair(seed, m->other_public, m->other_secret);
    pair_init(&m->w);
    m->w.hold_consent = true;
    m->w.items = two_items;
    m->w.n_items = 2;
    pair_start(&m->w);
    pair_connect(&m->w);
    pair_run(&m->w);
}

static void
test_lying_patient(void)
{
    for (int what = LIE_NONE; what < LIES; what++) {
        liar m;
        liar_init(&m, (lie)what);
        m.w.deaf_patient = m.w.no_reconnect = true;
        lie_key(&m);
        lie_consent(&m);
        pair_run(&m.w);
        if (what == LIE_NONE || what >= PAGE_NUMBER) {
            lie_manifest(&m);
            pair_run(&m.w);
        }
        if (what == LIE_NONE || what >= PART_ITEM) {
            if (what != DONE_EARLY)
                lie_parts(&m);
            if (what == LIE_NONE || what >= DONE_EARLY)
                lie_done(&m);
            if (what >= REVOKE_SIGNER)
                lie_revoke(&m);
        }
        pair_run(&m.w);
        if (what == LIE_NONE) { /* the liar's own voice is right when it does not lie */
            g_assert_false(m.w.t.ended);
            g_assert_cmpuint(m.w.t.items_whole, ==, 1);
        } else {
            g_assert_true(m.w.t.ended);
            g_assert_cmpstr(ehp_status_name(m.w.t.status), ==,
                            ehp_status_name(lie_status[what]));
            g_assert_cmpuint(m.w.t.seen[EHP_EV_COMPLETE], ==, 0);
        }
        ehp_doc_clear(&m.consent);
        ehp_doc_clear(&m.manifest);
        pair_clear(&m.w);
    }
}

/* A sender that does not wait for acknowledgements. */
static void
test_beyond_the_window(void)
{
    static const pair_item many[] = {{"big", 80ull * 256 * 1024, 1}};
    pair w;
    ehp_event ev;

    pair_init(&w);
    w.items = many;
    w.n_items = 1;
    w.hold_durable = true;
    pair_start(&w);
    pair_connect(&w);
    pair_run(&w);
    g_assert_cmpuint(w.t.received_bytes, ==, EHP_WINDOW_BYTES);
    /* its window forgets what is not acknowledged */
    w.p.s->sender.window_len = 0;
    w.p.s->sender.window_bytes = 0;
    pair_run(&w);
    g_assert_true(w.t.ended);
    g_assert_cmpint(w.t.status, ==, EHP_OUT_OF_ORDER);
    while (ehp_session_next_event(w.p.s, w.now, &ev))
        ;
    pair_clear(&w);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/lying-patient/every-field", test_lying_patient);
    g_test_add_func("/lying-patient/beyond-the-window", test_beyond_the_window);
    return g_test_run();
}
