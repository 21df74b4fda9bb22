/* SPDX-License-Identifier: Apache-2.0
 *
 * A peer that has the right keys and breaks the rules: each message in each state, and lies in
 * every field that can lie. The session ends at once with the right name, the peer is told
 * "protocol", nothing is stored.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>
#include <zstd.h>

#include "pair.h"
#include "proto/hash.h"
#include "proto/session-priv.h"

/* ---------------------------------------------------------------- speaking in a side's name */

/* Sends a record with the keys of one side's session, whatever that session thinks of it. */
static void
inject(pair_side *side, const Ehp__Record *record)
{
    ehp_session *s = side->s;
    session_link *l = &s->links[s->link];
    ehp_outlet out = {&l->records, &l->out, s->plain};

    g_assert_cmpint(ehp_wire_send(&out, record, 0), ==, EHP_OK);
}

static void
inject_plain(pair_side *side, const void *plain, size_t len)
{
    ehp_session *s = side->s;
    session_link *l = &s->links[s->link];

    g_assert_cmpint(ehp_record_seal(&l->records, ehp_bytes_of(plain, len), &l->out), ==,
                    EHP_OK);
}

/* One valid-looking message of each kind, in the order of Record's fields. */
static void
inject_kind(pair_side *side, int kind)
{
    static uint8_t hash[32], signature[64];
    Ehp__Record r = EHP__RECORD__INIT;
    Ehp__CrlStaple staple = EHP__CRL_STAPLE__INIT;
    Ehp__Signed doc = EHP__SIGNED__INIT;
    Ehp__SessionKey key = EHP__SESSION_KEY__INIT;
    Ehp__Refusal refusal = EHP__REFUSAL__INIT;
    Ehp__ManifestPage page = EHP__MANIFEST_PAGE__INIT;
    Ehp__ItemRequest item_request = EHP__ITEM_REQUEST__INIT;
    Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT;
    Ehp__Ack ack = EHP__ACK__INIT;
    Ehp__ItemDone done = EHP__ITEM_DONE__INIT;
    Ehp__ReceiptAck receipt_ack = EHP__RECEIPT_ACK__INIT;
    Ehp__Ping ping = EHP__PING__INIT;
    Ehp__Bye bye = EHP__BYE__INIT;
    Ehp__Error error = EHP__ERROR__INIT;
    Ehp__ResumeHello hello = EHP__RESUME_HELLO__INIT;
    Ehp__SasCommit sas_commit = EHP__SAS_COMMIT__INIT;
    Ehp__SasNonce sas_nonce = EHP__SAS_NONCE__INIT;

    doc.has_body = doc.has_signature = 1;
    doc.body = ehp_wire_binary(hash, sizeof(hash));
    doc.signature = ehp_wire_binary(signature, sizeof(signature));
    error.has_code = 1;
    error.code = EHP__ERROR_CODE__ERROR_INTERNAL;
    r.body_case = (Ehp__Record__BodyCase)kind;
    switch (kind) {
    case 1:
        r.crl_staple = &staple;
        break;
    case 2:
    case 4:
    case 6:
    case 8:
    case 13:
    case 15:
        r.consent_request = &doc; /* one union: any of the signed ones */
        break;
    case 3:
        r.session_key = &key;
        break;
    case 5:
        r.refusal = &refusal;
        break;
    case 7:
        r.manifest_page = &page;
        break;
    case 9:
        r.item_request = &item_request;
        break;
    case 10:
        r.segment_part = &part;
        break;
    case 11:
        r.ack = &ack;
        break;
    case 12:
        r.item_done = &done;
        break;
    case 14:
        r.receipt_ack = &receipt_ack;
        break;
    case 16:
        r.ping = &ping;
        break;
    case 17:
        r.bye = &bye;
        break;
    case 18:
        r.error = &error;
        break;
    case 19:
        r.resume_hello = &hello;
        break;
    case 20:
        r.sas_commit = &sas_commit;
        break;
    case 21:
        r.sas_nonce = &sas_nonce;
        break;
    }
    inject(side, &r);
}

static session_event
event_of_kind(int kind)
{
    /* Bye and Bye with reason share a message; so the events after Bye are one further */
    return (session_event)(kind <= 17 ? kind : kind + 1);
}

/* ---------------------------------------------------------------- each message in each state
 */

typedef struct {
    const char *state;
    bool terminal;
    size_t hold; /* offset of the flag in pair that stops there; 0: none */
} stop;

#define HOLD(field) offsetof(pair, field)

static const stop stops[] = {
    {"Asking", true, HOLD(hold_consent)},
    {"Offered", true, HOLD(hold_manifest)},
    {"Receiving", true, HOLD(hold_data)},
    {"Committing", true, HOLD(hold_commit)},
    {"Storing", true, HOLD(hold_receipt_ready)},
    {"Received", true, 0},
    {"Crls", false, HOLD(hold_crls)},
    {"Consent", false, HOLD(hold_consent)},
    {"Sending", false, HOLD(hold_data)},
    {"Receipt", false, HOLD(hold_receipt)},
    {"Sent", false, 0},
};

static void
run_to(pair *w, const stop *at)
{
    pair_side *victim;

    pair_init(w);
    w->tell_status = 0;
    if (at->hold != 0)
        *(bool *)((char *)w + at->hold) = true;
    pair_start(w);
    pair_connect(w);
    pair_run(w);
    victim = at->terminal ? &w->t : &w->p;
    g_assert_cmpstr(ehp_session_state_name(victim->s), ==, at->state);
}

static void
expect_broken(pair *w, bool terminal, ehp_status want)
{
    pair_side *victim = terminal ? &w->t : &w->p, *liar = terminal ? &w->p : &w->t;

    g_assert_true(victim->ended);
    g_assert_cmpstr(ehp_status_name(victim->status), ==, ehp_status_name(want));
    g_assert_cmpuint(victim->seen[EHP_EV_COMPLETE], ==, 0);
    g_assert_true(liar->ended);
    g_assert_cmpstr(ehp_status_name(liar->status), ==, "PeerProtocol");
}

static void
test_each_message_in_each_state(void)
{
    unsigned refused = 0, allowed = 0;

    for (size_t i = 0; i < G_N_ELEMENTS(stops); i++)
        for (int kind = 1; kind <= 21; kind++) {
            const stop *at = &stops[i];
            pair w;
            pair_side *victim, *liar;
            bool done;
            run_to(&w, at);
            victim = at->terminal ? &w.t : &w.p;
            liar = at->terminal ? &w.p : &w.t;
            done = victim->seen[EHP_EV_COMPLETE] > 0;
            if (ehp_machine_find(victim->s->machine, victim->s->state, event_of_kind(kind)) !=
                NULL) {
                allowed++; /* its contents are the business of the tests below */
            } else if (!session_blocked(
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
            uint8_t *scratch = g_malloc(EHP_RECORD_PLAIN_MAX);
            ehp_outlet out = {&records, &queue, scratch};
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
                ehp_session fake = {.link = 0, .plain = scratch};
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
            g_free(scratch);
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
            const stop *at = terminal ? &stops[2] : &stops[8];
            run_to(&w, at);
            inject_plain(terminal ? &w.p : &w.t, rows[i].bytes, rows[i].len);
            pair_run(&w);
            expect_broken(&w, terminal, rows[i].want);
            pair_clear(&w);
        }
}

static void
test_padding_is_nothing(void)
{
    pair w;

    run_to(&w, &stops[2]);
    inject_plain(&w.p, "", 0);
    inject_plain(&w.p, "\xfa\x01\x03\x00\x00\x00", 6);
    inject_plain(&w.p, "\xe2\x3f\x01\x41", 4); /* a field from the future */
    pair_run(&w);
    g_assert_false(w.t.ended);
    pair_clear(&w);
}

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
        send_part(m, 0, 0, head, data, ITEM_SIZE, ITEM_SIZE, ITEM_SIZE, 2);
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
        expect_broken(&w, false, i < G_N_ELEMENTS(rows) ? rows[i].want : EHP_ROLLED_BACK);
        pair_clear(&w);
    }
}

static void
test_lying_receipts(void)
{
    enum {
        SESSION,
        DIRECTION,
        MANIFEST,
        CONSENT,
        REQUEST,
        CONTENTS,
        ITEMS,
        BYTES,
        COMPLETE,
        CRL,
        SIGNER,
        CHAIN,
        MISSING,
        SIGNATURE,
        TRUE_ONE,
        WAYS
    };

    for (int way = 0; way < WAYS; way++) {
        pair w;
        ehp_session *t;
        Ehp__Receipt r = EHP__RECEIPT__INIT;
        Ehp__Record record = EHP__RECORD__INIT;
        ProtobufCBinaryData chain[1] = {ehp_wire_binary((const uint8_t *)"cert", 4)};
        uint8_t h[6][32], signer[32];
        ehp_doc doc = {0};
        ehp_progress progress;
        pair_init(&w);
        w.hold_commit = true;
        pair_start(&w);
        pair_connect(&w);
        pair_run(&w);
        t = w.t.s;
        memcpy(h[0], t->secrets.h, 32);
        memcpy(h[1], t->docs[EHP_DOC_MANIFEST].hash, 32);
        memcpy(h[2], t->docs[EHP_DOC_CONSENT].hash, 32);
        memcpy(h[3], t->docs[EHP_DOC_REQUEST].hash, 32);
        ehp_receiver_contents(&t->receiver, h[4]);
        memcpy(signer, t->secrets.leaf_key, 32);
        ehp_session_progress(t, &progress);
        h[0][9] ^= way == SESSION;
        h[1][9] ^= way == MANIFEST;
        h[2][9] ^= way == CONSENT;
        h[3][9] ^= way == REQUEST;
        h[4][9] ^= way == CONTENTS;
        signer[9] ^= way == SIGNER;
        r.has_session = r.has_direction = r.has_manifest_hash = r.has_consent_hash = 1;
        r.has_request_hash = r.has_contents_hash = r.has_items = r.has_bytes = 1;
        r.has_complete = r.has_signer = r.has_crl_state = 1;
        r.has_time = way != MISSING;
        r.session = ehp_wire_binary(h[0], 32);
        r.direction = way == DIRECTION ? EHP__DIRECTION__DIRECTION_TO_PATIENT
                                       : EHP__DIRECTION__DIRECTION_TO_TERMINAL;
        r.manifest_hash = ehp_wire_binary(h[1], 32);
        r.consent_hash = ehp_wire_binary(h[2], 32);
        r.request_hash = ehp_wire_binary(h[3], 32);
        r.contents_hash = ehp_wire_binary(h[4], 32);
        r.items = progress.items + (way == ITEMS);
        r.bytes = progress.bytes - (way == BYTES);
        r.complete = way != COMPLETE;
        r.crl_state = way == CRL ? EHP__CRL_STATE__CRL_STATE_NOT_CHECKED
                                 : EHP__CRL_STATE__CRL_STATE_CHECKED;
        r.signer = ehp_wire_binary(signer, 32);
        r.n_chain = way == CHAIN;
        r.chain = chain;
        g_assert_cmpint(ehp_doc_make(&doc, EHP_SIGN_RECEIPT, pair_leaf_secret(), &r.base), ==,
                        EHP_OK);
        if (way == SIGNATURE)
            doc.bytes[doc.len - 1] ^= 1;
        record.body_case = EHP__RECORD__BODY_RECEIPT;
        record.receipt = &doc.message;
        w.receipt_verdict = EHP_OK;
        w.hold_receipt = true;
        session_send_ack(t);
        inject(&w.t, &record);
        pair_run(&w);
        if (way == TRUE_ONE)
            g_assert_cmpuint(w.p.seen[EHP_EV_RECEIPT], ==, 1);
        else
            expect_broken(&w, false, way == SIGNATURE ? EHP_BAD_SIGNATURE : EHP_BAD_RECEIPT);
        ehp_doc_clear(&doc);
        pair_clear(&w);
    }
}

static void
test_lying_requests(void)
{
    enum { SESSION, PURPOSE, SIGNER, CATEGORY, TRUE_ONE, WAYS };

    for (int way = 0; way < WAYS; way++) {
        pair w;
        ehp_secrets ps, ts;
        ehp_record records = {0};
        ehp_queue queue;
        uint8_t *scratch = g_malloc(EHP_RECORD_PLAIN_MAX), h[32], other_seed[32] = {1},
                other[64], pub[32];
        ehp_outlet out = {&records, &queue, scratch};
        Ehp__Record record = EHP__RECORD__INIT, staple = EHP__RECORD__INIT;
        Ehp__CrlStaple body = EHP__CRL_STAPLE__INIT;
        Ehp__ConsentRequest r = EHP__CONSENT_REQUEST__INIT;
        Ehp__ItemQuery query = EHP__ITEM_QUERY__INIT, *queries[] = {&query};
        Ehp__Category unknown[] = {9};
        ehp_doc doc = {0};
        ehp_bytes bytes;
        size_t used;
        pair_init(&w);
        w.hold_crls = true;
        pair_start(&w);
        pair_connect(&w);
        pair_secrets(&ps, &ts);
        memcpy(h, ts.h, 32);
        h[0] ^= way == SESSION;
        ehp_sign_keypair(other_seed, pub, other);
        r.has_session = r.has_purpose = 1;
        r.session = ehp_wire_binary(h, 32);
        r.purpose = way == PURPOSE ? EHP__PURPOSE__PURPOSE_HRESCH : EHP__PURPOSE__PURPOSE_TREAT;
        query.n_category = 1;
        query.category = unknown;
        r.n_query = way == CATEGORY;
        r.query = queries;
        g_assert_cmpint(ehp_doc_make(&doc, EHP_SIGN_CONSENT_REQUEST,
                                     way == SIGNER ? other : pair_leaf_secret(), &r.base),
                        ==, EHP_OK);
        ehp_record_init(&records, &ts.send, &ts.recv);
        ehp_queue_init(&queue, 1 << 20);
        staple.body_case = EHP__RECORD__BODY_CRL_STAPLE;
        staple.crl_staple = &body;
        record.body_case = EHP__RECORD__BODY_CONSENT_REQUEST;
        record.consent_request = &doc.message;
        g_assert_cmpint(ehp_wire_send(&out, &staple, 0), ==, EHP_OK);
        g_assert_cmpint(ehp_wire_send(&out, &record, 0), ==, EHP_OK);
        /* in two reads: LINK_UP stops the first */
        bytes = ehp_queue_peek(&queue);
        g_assert_cmpint(ehp_session_feed(w.p.s, w.p.link, bytes.data, bytes.len, w.now, &used),
                        ==, EHP_OK);
        g_assert_cmpuint(used, <, bytes.len);
        {
            ehp_event ev;
            g_assert_true(ehp_session_next_event(w.p.s, w.now, &ev));
            g_assert_cmpint(ev.type, ==, EHP_EV_LINK_UP);
        }
        g_assert_cmpint(ehp_session_feed(w.p.s, w.p.link, bytes.data + used, bytes.len - used,
                                         w.now, &used),
                        ==, EHP_OK);
        {
            ehp_event ev;
            bool asked = false;
            while (ehp_session_next_event(w.p.s, w.now, &ev)) {
                asked |= ev.type == EHP_EV_CHECK_CRLS;
                if (ev.type == EHP_EV_ENDED)
                    w.p.status = ev.status;
            }
            g_assert_true(asked == (way == TRUE_ONE));
        }
        if (way != TRUE_ONE)
            g_assert_cmpstr(ehp_status_name(w.p.status), ==,
                            way == SIGNER ? "BadSignature" : "BadMessage");
        ehp_doc_clear(&doc);
        ehp_record_clear(&records);
        ehp_queue_clear(&queue);
        g_free(scratch);
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
        run_to(&w, &stops[G_N_ELEMENTS(stops) - 1]);
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
    g_test_add_func("/hostile/each-message-in-each-state", test_each_message_in_each_state);
    g_test_add_func("/hostile/patient-before-request", test_patient_before_request);
    g_test_add_func("/hostile/not-a-message", test_not_a_message);
    g_test_add_func("/hostile/padding", test_padding_is_nothing);
    g_test_add_func("/hostile/lying-patient", test_lying_patient);
    g_test_add_func("/hostile/beyond-the-window", test_beyond_the_window);
    g_test_add_func("/hostile/lying-acks", test_lying_acks);
    g_test_add_func("/hostile/lying-receipts", test_lying_receipts);
    g_test_add_func("/hostile/lying-requests", test_lying_requests);
    g_test_add_func("/hostile/lying-status", test_lying_status);
    g_test_add_func("/hostile/rolled-back", test_rolled_back);
    return g_test_run();
}
