/* SPDX-License-Identifier: Apache-2.0 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/apdu.h"
#include "proto/machine.h"
#include "proto/sign.h"
#include "proto/tap-priv.h"
#include "proto/tap.h"

typedef struct {
    ehp_tap *reader, *card;
    uint8_t leaf_public[32], leaf_secret[64];
    uint8_t cert[3][1200];
    ehp_bytes chain[3];
    size_t n_chain;
    uint64_t now;
    /* what the pump saw */
    unsigned pairs, bytes;
    ehp_tap_event_type reader_last, card_last;
    ehp_status reader_status, card_status;
    uint8_t saved[EHP_SECRETS_SAVED_MAX];
    size_t saved_len;
    uint8_t fingerprint[32];
    /* how the patient's side answers */
    ehp_status verdict;
    bool allowed, wrong_key, no_key, keep_question;
    ehp_status store;
    /* what the field does: the APDU with this number is changed or lost */
    int cut_c, cut_r, flip_c, flip_r;
    unsigned flip_bit;
} rig;

static const uint8_t address[6] = {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint32_t categories[] = {1, 5};

static void
fill(uint8_t *p, size_t len, uint8_t start)
{
    for (size_t i = 0; i < len; i++)
        p[i] = (uint8_t)(start + i * 7);
}

static ehp_tap_config
terminal_config(rig *r)
{
    ehp_tap_config c = {.role = EHP_ROLE_TERMINAL, .nfc = EHP_NFC_READER};

    memset(c.seed, 0x11, sizeof(c.seed));
    c.chain = r->chain;
    c.n_chain = r->n_chain;
    c.leaf_secret = r->leaf_secret;
    c.purpose = 1;
    c.categories = categories;
    c.n_categories = 2;
    c.address = address;
    c.channel = 7;
    return c;
}

static void
rig_init(rig *r, size_t n_chain, size_t cert_len)
{
    uint8_t seed[32];
    ehp_tap_config t, p = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};

    memset(r, 0, sizeof(*r));
    memset(seed, 0x42, sizeof(seed));
    ehp_sign_keypair(seed, r->leaf_public, r->leaf_secret);
    r->n_chain = n_chain;
    for (size_t i = 0; i < n_chain; i++) {
        fill(r->cert[i], cert_len, (uint8_t)i);
        r->chain[i] = ehp_bytes_of(r->cert[i], cert_len);
    }
    r->verdict = n_chain > 0 ? EHP_OK : EHP_UNVERIFIED;
    r->allowed = n_chain == 0;
    r->cut_c = r->cut_r = r->flip_c = r->flip_r = -1;
    t = terminal_config(r);
    g_assert_cmpint(ehp_tap_new(&t, &r->reader), ==, EHP_OK);
    memset(p.seed, 0x22, sizeof(p.seed));
    g_assert_cmpint(ehp_tap_new(&p, &r->card), ==, EHP_OK);
}

static void
rig_clear(rig *r)
{
    ehp_tap_free(r->reader);
    ehp_tap_free(r->card);
}

static void
handle_card(rig *r)
{
    ehp_tap_event ev;

    while (ehp_tap_next_event(r->card, &ev)) {
        r->card_last = ev.type;
        r->card_status = ev.status;
        if (ev.type == EHP_TAP_STOPPED && ev.fingerprint != NULL)
            memcpy(r->fingerprint, ev.fingerprint, 32);
        if (ev.type == EHP_TAP_ASK_VERDICT && !r->keep_question) {
            uint8_t key[32];
            memcpy(key, r->leaf_public, 32);
            g_assert_cmpuint(ev.n_chain, ==, r->n_chain);
            for (size_t i = 0; i < ev.n_chain; i++)
                g_assert_true(ehp_bytes_equal(ev.chain[i], r->chain[i]));
            g_assert_true((ev.leaf_key == NULL) == (r->n_chain > 0));
            if (ev.leaf_key != NULL)
                g_assert_cmpmem(ev.leaf_key, 32, r->leaf_public, 32);
            g_assert_cmpuint(ev.purpose, ==, 1);
            g_assert_cmpuint(ev.n_categories, ==, 2);
            g_assert_cmpuint(ev.categories[1], ==, 5);
            if (r->wrong_key)
                key[3] ^= 1;
            g_assert_cmpint(ehp_tap_verdict(r->card, r->verdict, r->allowed,
                                            r->no_key ? NULL : key, r->now),
                            ==, EHP_OK);
        }
    }
}

static void
handle_reader(rig *r)
{
    ehp_tap_event ev;

    while (ehp_tap_next_event(r->reader, &ev)) {
        r->reader_last = ev.type;
        r->reader_status = ev.status;
        if (ev.type == EHP_TAP_STORE_PENDING) {
            memcpy(r->saved, ev.saved.data, ev.saved.len);
            r->saved_len = ev.saved.len;
            g_assert_cmpint(ehp_tap_stored(r->reader, r->store, r->now), ==, EHP_OK);
        }
    }
}

static bool
carry(rig *r, ehp_tap *from, ehp_tap *to, int cut, int flip)
{
    ehp_bytes out = ehp_tap_take(from, r->now);
    uint8_t apdu[EHP_APDU_MAX];

    if (out.len == 0 || cut)
        return false;
    g_assert_cmpuint(out.len, <=, EHP_APDU_MAX);
    memcpy(apdu, out.data, out.len);
    r->bytes += (unsigned)out.len;
    if (flip)
        apdu[(r->flip_bit / 8) % out.len] ^= (uint8_t)(1 << (r->flip_bit % 8));
    g_assert_cmpint(ehp_tap_feed(to, apdu, out.len, r->now), ==, EHP_OK);
    return true;
}

/* One device in the field until nothing moves any more; then it is lifted. */
static void
tap_once(rig *r)
{
    r->pairs = r->bytes = 0;
    g_assert_cmpint(ehp_tap_start(r->reader, r->now), ==, EHP_OK);
    for (;;) {
        int n = (int)r->pairs;
        if (!carry(r, r->reader, r->card, n == r->cut_c, n == r->flip_c))
            break;
        r->pairs++;
        handle_card(r);
        if (!carry(r, r->card, r->reader, n == r->cut_r, n == r->flip_r))
            break;
        handle_reader(r);
    }
    ehp_tap_lost(r->reader, r->now);
    ehp_tap_lost(r->card, r->now);
    handle_card(r);
    handle_reader(r);
}

static void
check_agreed(rig *r)
{
    ehp_secrets t, p, back;
    uint8_t sealed[20], plain[4];

    g_assert_cmpint(r->reader_last, ==, EHP_TAP_DONE);
    g_assert_cmpint(r->card_last, ==, EHP_TAP_DONE);
    g_assert_cmpint(ehp_tap_take_secrets(r->reader, &t), ==, EHP_OK);
    g_assert_cmpint(ehp_tap_take_secrets(r->card, &p), ==, EHP_OK);
    g_assert_cmpmem(t.h, 32, p.h, 32);
    g_assert_cmpmem(t.locator, 32, p.locator, 32);
    g_assert_cmpmem(t.resume, 32, p.resume, 32);
    g_assert_cmpmem(t.export_key, 32, p.export_key, 32);
    g_assert_cmpmem(p.leaf_key, 32, r->leaf_public, 32);
    g_assert_cmpmem(t.leaf_key, 32, p.leaf_key, 32);
    g_assert_cmpmem(t.chain_hash, 32, p.chain_hash, 32);
    g_assert_cmpmem(p.address, 6, address, 6);
    g_assert_cmpuint(p.channel, ==, 7);
    g_assert_cmpint(p.verdict, ==, r->verdict);
    g_assert_cmpuint(t.send.nonce, ==, 1);
    g_assert_cmpuint(p.recv.nonce, ==, 1);
    g_assert_cmpint(
        ehp_cipher_seal(&p.send, ehp_bytes_of(NULL, 0), (const uint8_t *)"abcd", 4, sealed), ==,
        EHP_OK);
    g_assert_cmpint(ehp_cipher_open(&t.recv, ehp_bytes_of(NULL, 0), sealed, 20, plain), ==,
                    EHP_OK);
    /* what was stored before CONFIRM is what the session is, without the split keys */
    g_assert_cmpint(ehp_secrets_load(&back, ehp_bytes_of(r->saved, r->saved_len)), ==, EHP_OK);
    g_assert_cmpmem(back.h, 32, t.h, 32);
    g_assert_cmpmem(back.resume, 32, t.resume, 32);
    g_assert_cmpint(back.role, ==, EHP_ROLE_TERMINAL);
    g_assert_false(back.send.has_key);
    g_assert_cmpint(ehp_tap_take_secrets(r->card, &back), ==, EHP_WRONG_STATE);
    ehp_secrets_clear(&t);
    ehp_secrets_clear(&p);
}

static void
test_budget_bare(void)
{
    rig r;

    rig_init(&r, 0, 0);
    tap_once(&r);
    check_agreed(&r);
    g_test_message("without a chain: %u pairs, %u bytes", r.pairs, r.bytes);
    g_assert_cmpuint(r.pairs, <=, 3);
    g_assert_cmpuint(r.bytes, <=, 410);
    rig_clear(&r);
}

static void
test_budget_chain(void)
{
    rig r;

    rig_init(&r, 2, 450);
    tap_once(&r);
    check_agreed(&r);
    g_test_message("with a chain of 900 bytes: %u pairs, %u bytes", r.pairs, r.bytes);
    g_assert_cmpuint(r.pairs, <=, 7);
    rig_clear(&r);
}

/* Out-of-band data each way cost no pair more; told only to a terminal that is verified. */
static void
test_budget_oob(void)
{
    static const uint8_t mine[EHP_OOB_LEN] = {[32] = 1}, theirs[EHP_OOB_LEN] = {[32] = 2};

    for (int verified = 0; verified < 2; verified++) {
        ehp_tap_config t, p = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};
        ehp_secrets secrets;
        rig r;

        rig_init(&r, 2, 450);
        rig_clear(&r);
        t = terminal_config(&r);
        t.oob = mine;
        g_assert_cmpint(ehp_tap_new(&t, &r.reader), ==, EHP_OK);
        p.capabilities = EHP_CAPABILITY_OOB;
        p.patient_address = address;
        p.patient_oob = theirs;
        g_assert_cmpint(ehp_tap_new(&p, &r.card), ==, EHP_OK);
        if (!verified) {
            r.verdict = EHP_CERT_UNTRUSTED;
            r.allowed = true;
        }
        tap_once(&r);
        g_test_message("with a chain of 900 bytes, out-of-band data: %u pairs, %u bytes",
                       r.pairs, r.bytes);
        g_assert_cmpuint(r.pairs, <=, 7);
        g_assert_cmpint(ehp_tap_take_secrets(r.reader, &secrets), ==, EHP_OK);
        g_assert_true(secrets.has_patient_oob == (bool)verified);
        g_assert_true(secrets.has_patient_address == (bool)verified);
        g_assert_cmpuint(secrets.capabilities, ==, verified ? EHP_CAPABILITY_OOB : 0);
        if (verified) {
            g_assert_cmpmem(secrets.patient_oob, EHP_OOB_LEN, theirs, EHP_OOB_LEN);
            g_assert_cmpmem(secrets.patient_address, 6, address, 6);
        }
        ehp_secrets_clear(&secrets);
        rig_clear(&r);
    }
}

/* Torn at every APDU, on the way there and back: nothing is left but, after CONFIRM, the
 * pending session; and the next tap with the same objects works. */
static void
test_torn(void)
{
    for (int back = 0; back < 2; back++)
        for (int at = 0; at < 7; at++) {
            rig r;
            ehp_secrets s;
            bool last = at == 6, committed = last && back;
            rig_init(&r, 2, 450);
            r.cut_c = back ? -1 : at;
            r.cut_r = back ? at : -1;
            tap_once(&r);
            g_assert_cmpint(r.reader_last, ==, last ? EHP_TAP_UNCERTAIN : EHP_TAP_FAILED);
            g_assert_cmpint(r.reader_status, ==, EHP_TAP_TORN);
            g_assert_cmpint(ehp_tap_take_secrets(r.card, &s), ==,
                            committed ? EHP_OK : EHP_WRONG_STATE);
            if (committed) {
                uint8_t h[32];
                memcpy(h, s.h, 32);
                g_assert_cmpint(ehp_tap_take_secrets(r.reader, &s), ==, EHP_OK);
                g_assert_cmpmem(s.h, 32, h, 32);
            } else {
                r.cut_c = r.cut_r = -1;
                tap_once(&r);
                check_agreed(&r);
            }
            rig_clear(&r);
        }
}

/* Every bit of every APDU flipped, one per tap: never two sides that disagree, and the objects
 * go on. */
static void
test_flipped(void)
{
    unsigned agreed = 0, taps = 0;

    for (int back = 0; back < 2; back++)
        for (int at = 0; at < 3; at++)
            for (unsigned bit = 0; bit < 240 * 8; bit += 5) {
                rig r;
                ehp_secrets t, p;
                rig_init(&r, 0, 0);
                r.flip_c = back ? -1 : at;
                r.flip_r = back ? at : -1;
                r.flip_bit = bit;
                tap_once(&r);
                taps++;
                if (r.card_last == EHP_TAP_DONE && r.reader_last == EHP_TAP_DONE) {
                    agreed++; /* Le, say, carries nothing */
                    g_assert_cmpint(ehp_tap_take_secrets(r.reader, &t), ==, EHP_OK);
                    g_assert_cmpint(ehp_tap_take_secrets(r.card, &p), ==, EHP_OK);
                    g_assert_cmpmem(t.resume, 32, p.resume, 32);
                } else if (r.card_last != EHP_TAP_DONE) {
                    g_assert_cmpint(ehp_tap_take_secrets(r.card, &p), ==, EHP_WRONG_STATE);
                    r.flip_c = r.flip_r = -1;
                    tap_once(&r);
                    check_agreed(&r);
                }
                rig_clear(&r);
            }
    g_test_message("%u taps, %u harmless flips", taps, agreed);
    g_assert_cmpuint(agreed, <, taps / 4);
}

static void
test_stop_and_allow(void)
{
    rig r;
    ehp_secrets s;
    uint8_t fingerprint[32];

    rig_init(&r, 1, 450);
    r.verdict = EHP_CERT_UNTRUSTED;
    tap_once(&r);
    g_assert_cmpint(r.card_last, ==, EHP_TAP_STOPPED);
    g_assert_cmpint(r.card_status, ==, EHP_CERT_UNTRUSTED);
    g_assert_cmpint(r.reader_last, ==, EHP_TAP_STOPPED);
    ehp_fingerprint(fingerprint, r.leaf_public);
    g_assert_cmpmem(r.fingerprint, 32, fingerprint, 32);
    g_assert_cmpint(ehp_tap_take_secrets(r.card, &s), ==, EHP_WRONG_STATE);
    r.allowed = true;
    tap_once(&r);
    check_agreed(&r);
    rig_clear(&r);
}

static void
test_unreadable_certificate(void)
{
    rig r;

    rig_init(&r, 1, 450);
    r.verdict = EHP_CERT_INVALID;
    r.no_key = true;
    tap_once(&r);
    g_assert_cmpint(r.card_last, ==, EHP_TAP_STOPPED);
    g_assert_cmpint(r.reader_last, ==, EHP_TAP_STOPPED);
    rig_clear(&r);
}

/* Somebody shows another's certificate without its key. */
static void
test_foreign_leaf(void)
{
    for (int good = 0; good < 2; good++) {
        rig r;
        rig_init(&r, 1, 450);
        r.wrong_key = true;
        r.verdict = good ? EHP_OK : EHP_CERT_UNTRUSTED;
        tap_once(&r);
        g_assert_cmpint(r.card_last, ==, EHP_TAP_FAILED);
        g_assert_cmpint(r.card_status, ==, EHP_BAD_SIGNATURE);
        g_assert_cmpint(r.reader_last, ==, EHP_TAP_FAILED);
        g_assert_cmpint(r.reader_status, ==, EHP_TAP_REJECTED);
        rig_clear(&r);
    }
}

static void
test_store_failed(void)
{
    rig r;
    ehp_secrets s;

    rig_init(&r, 1, 450);
    r.store = EHP_STORE_FAILED;
    tap_once(&r);
    g_assert_cmpint(r.reader_last, ==, EHP_TAP_FAILED);
    g_assert_cmpint(r.reader_status, ==, EHP_STORE_FAILED);
    g_assert_cmpint(r.card_last, ==, EHP_TAP_FAILED);
    g_assert_cmpint(ehp_tap_take_secrets(r.card, &s), ==, EHP_WRONG_STATE);
    rig_clear(&r);
}

static void
test_busy(void)
{
    rig r;
    ehp_tap_config c = {.role = EHP_ROLE_TERMINAL, .nfc = EHP_NFC_READER, .busy = true};

    rig_init(&r, 0, 0);
    ehp_tap_free(r.reader);
    g_assert_cmpint(ehp_tap_new(&c, &r.reader), ==, EHP_OK);
    tap_once(&r);
    g_assert_cmpint(r.reader_last, ==, EHP_TAP_BUSY);
    g_assert_cmpint(r.card_last, ==, EHP_TAP_BUSY);
    g_assert_cmpint(r.card_status, ==, EHP_PEER_BUSY);
    /* SELECT and a bare word: nothing else reached the second device */
    g_assert_cmpuint(r.bytes, ==, 14 + 36 + 5 + 2);
    rig_clear(&r);
}

static void
test_silence(void)
{
    rig r;

    rig_init(&r, 0, 0);
    g_assert_cmpuint(ehp_tap_deadline(r.reader), ==, UINT64_MAX);
    g_assert_cmpint(ehp_tap_start(r.reader, 1000), ==, EHP_OK);
    g_assert_cmpuint(ehp_tap_deadline(r.reader), ==, 1000 + EHP_TAP_MS);
    ehp_tap_tick(r.reader, 1000 + EHP_TAP_MS - 1);
    handle_reader(&r);
    g_assert_cmpint(r.reader_last, ==, EHP_TAP_NONE);
    ehp_tap_tick(r.reader, 1000 + EHP_TAP_MS);
    handle_reader(&r);
    g_assert_cmpint(r.reader_status, ==, EHP_TAP_TORN);
    g_assert_cmpuint(ehp_tap_deadline(r.reader), ==, UINT64_MAX);
    rig_clear(&r);
}

static void
answer_is(ehp_tap *card, const char *apdu_hex, const char *want_hex)
{
    uint8_t apdu[300], want[300];
    size_t len, want_len;
    ehp_bytes out;

    sodium_hex2bin(apdu, sizeof(apdu), apdu_hex, strlen(apdu_hex), " ", &len, NULL);
    sodium_hex2bin(want, sizeof(want), want_hex, strlen(want_hex), " ", &want_len, NULL);
    g_assert_cmpint(ehp_tap_feed(card, apdu, len, 0), ==, EHP_OK);
    out = ehp_tap_take(card, 0);
    g_assert_cmpmem(out.data, out.len, want, want_len);
}

#define SELECT_US "00A40400 08 F06568726C696E6B 00"

static void
test_hostile_reader(void)
{
    static const char *const rows[] = {
        "",
        "00",
        "80",
        "8010",
        "801000",
        "80100000",
        "8010000000",
        "801000000000",
        "80100000 02 00",
        "80100000 02 000000 00",
        "80100200 01 00 00",
        "80100003 01 00 00",
        "80120000 10 00000000000000000000000000000000 00",
        "80120000 01 00 00",
        "80120100 00",
        "80140001 00",
        "80160000 00",
        "90100000 01 00 00",
        "00B0000000",
        "FFFFFFFFFF",
        "80100000 01 00 00", /* a whole message 2 of one byte */
    };
    rig r;

    rig_init(&r, 0, 0);
    answer_is(r.card, "00A40400 07 D2760000850101 00", "6A82");
    answer_is(r.card, "00A40400 08 F065688472696E6B 00", "6A82");
    for (size_t i = 0; i < G_N_ELEMENTS(rows); i++) {
        ehp_bytes out;
        uint8_t select[14] = {0, 0xa4, 4, 0, 8, 0xf0, 'e', 'h', 'r', 'l', 'i', 'n', 'k', 0};
        answer_is(r.card, rows[i], "6F00");
        g_assert_cmpint(ehp_tap_feed(r.card, select, sizeof(select), 0), ==, EHP_OK);
        out = ehp_tap_take(r.card, 0);
        g_assert_cmpuint(out.len, ==, 36);
        handle_card(&r);
        answer_is(r.card, rows[i], "6F00");
        handle_card(&r);
        g_assert_cmpint(r.card_last, ==, EHP_TAP_FAILED);
        g_assert_cmpint(r.card_status, ==, EHP_TAP_REJECTED);
    }
    rig_clear(&r);
}

/* Message 2 without end: the card stops at its bound. */
static void
test_endless_fragments(void)
{
    rig r;
    uint8_t select[14] = {0, 0xa4, 4, 0, 8, 0xf0, 'e', 'h', 'r', 'l', 'i', 'n', 'k', 0};
    uint8_t apdu[5 + 240 + 1] = {0x80, 0x10, 0, 1, 240};
    unsigned taken = 0;

    rig_init(&r, 0, 0);
    g_assert_cmpint(ehp_tap_feed(r.card, select, sizeof(select), 0), ==, EHP_OK);
    for (int i = 0; i < 300; i++) {
        ehp_bytes out;
        apdu[2] = (uint8_t)i;
        g_assert_cmpint(ehp_tap_feed(r.card, apdu, sizeof(apdu), 0), ==, EHP_OK);
        out = ehp_tap_take(r.card, 0);
        g_assert_cmpuint(out.len, ==, 2);
        taken += out.data[0] == 0x90;
    }
    g_assert_cmpuint(taken, ==, EHP_TAP_MSG2_MAX / EHP_APDU_DATA_MAX);
    rig_clear(&r);
}

static void
test_hostile_card(void)
{
    static const char *const first[] = {"",     "90",      "9000",      "6A82",   "6F00",
                                        "6985", "01 9000", "0101 9000", "00 6A82"};
    uint8_t apdu[300];
    rig r;

    rig_init(&r, 0, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(first) + 4; i++) {
        size_t len = 0;
        if (i < G_N_ELEMENTS(first)) {
            sodium_hex2bin(apdu, sizeof(apdu), first[i], strlen(first[i]), " ", &len, NULL);
        } else {
            len = i == G_N_ELEMENTS(first) ? 300 : 36;
            memset(apdu, 0, sizeof(apdu)); /* versions 0..0; an all-zero e */
            apdu[0] = i == G_N_ELEMENTS(first) + 2 ? 1 : i == G_N_ELEMENTS(first) + 3 ? 2 : 0;
            apdu[1] = i == G_N_ELEMENTS(first) + 2 ? 1 : i == G_N_ELEMENTS(first) + 3 ? 9 : 0;
            apdu[34] = 0x90;
        }
        g_assert_cmpint(ehp_tap_start(r.reader, 0), ==, EHP_OK);
        ehp_tap_take(r.reader, 0);
        g_assert_cmpint(ehp_tap_feed(r.reader, apdu, len, 0), ==, EHP_OK);
        handle_reader(&r);
        g_assert_cmpint(r.reader_last, ==, EHP_TAP_FAILED);
        g_assert_cmpuint(ehp_tap_take(r.reader, 0).len, ==, 0);
    }
    tap_once(&r);
    check_agreed(&r);
    rig_clear(&r);
}

static void
test_late_answers(void)
{
    rig r;
    uint8_t select[14] = {0, 0xa4, 4, 0, 8, 0xf0, 'e', 'h', 'r', 'l', 'i', 'n', 'k', 0};

    rig_init(&r, 0, 0);
    g_assert_cmpint(ehp_tap_verdict(r.card, EHP_UNVERIFIED, false, r.leaf_public, 0), ==,
                    EHP_WRONG_STATE);
    g_assert_cmpint(ehp_tap_stored(r.reader, EHP_OK, 0), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_tap_start(r.card, 0), ==, EHP_WRONG_STATE);
    g_assert_cmpint(ehp_tap_feed(r.reader, select, 14, 0), ==, EHP_WRONG_STATE);
    /* asked, not answered, torn: the question is void */
    r.keep_question = true;
    tap_once(&r);
    g_assert_cmpint(r.card_last, ==, EHP_TAP_FAILED);
    g_assert_cmpint(ehp_tap_verdict(r.card, EHP_OK, false, r.leaf_public, 0), ==,
                    EHP_WRONG_STATE);
    r.keep_question = false;
    tap_once(&r);
    check_agreed(&r);
    g_assert_cmpint(ehp_tap_start(r.reader, 0), ==, EHP_WRONG_STATE);
    answer_is(r.card, SELECT_US, "6A82");
    rig_clear(&r);
}

static void
test_config_refused(void)
{
    rig r;
    ehp_tap *tap;
    ehp_tap_config c;
    uint8_t big[1201] = {0};
    ehp_bytes chain[4] = {{big, 1200}, {big, 1200}, {big, 1}, {big, 1}};

    rig_init(&r, 1, 450);
    c = terminal_config(&r);
    c.chain = chain;
    c.n_chain = 2; /* does not fit message 2 */
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    g_assert_null(tap);
    c.n_chain = 4;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    c = terminal_config(&r);
    c.channel = 31;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    c = terminal_config(&r);
    c.nfc = EHP_NFC_CARD;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    c.leaf_secret = NULL;
    c.nfc = EHP_NFC_READER;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    rig_clear(&r);
}

/* The saved form: every byte count but the right one, every changed byte that could matter, is
 * refused. */
static void
test_saved_form(void)
{
    rig r;
    ehp_secrets s;

    rig_init(&r, 1, 450);
    tap_once(&r);
    for (size_t len = 0; len < r.saved_len; len++) {
        g_assert_cmpint(ehp_secrets_load(&s, ehp_bytes_of(r.saved, len)), ==,
                        EHP_STATE_DAMAGED);
        g_assert_true(sodium_is_zero((const uint8_t *)&s, sizeof(s)));
    }
    r.saved[3]++;
    g_assert_cmpint(ehp_secrets_load(&s, ehp_bytes_of(r.saved, r.saved_len)), ==,
                    EHP_STATE_TOO_NEW);
    r.saved[3]--;
    r.saved[4] = 9;
    g_assert_cmpint(ehp_secrets_load(&s, ehp_bytes_of(r.saved, r.saved_len)), ==,
                    EHP_STATE_DAMAGED);
    rig_clear(&r);
}

/* openssl pkey -pubin -outform DER | sha256sum says the same */
static void
test_fingerprint(void)
{
    uint8_t key[32], got[32], want[32];

    memset(key, 0x5a, sizeof(key));
    ehp_fingerprint(got, key);
    sodium_hex2bin(want, 32, "2933a757dde3cc79fc976e8e6ca347f38510ea4370bcd98940c857b3727fc3ba",
                   64, NULL, NULL, NULL);
    g_assert_cmpmem(got, 32, want, 32);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/tap/budget/bare", test_budget_bare);
    g_test_add_func("/tap/budget/chain", test_budget_chain);
    g_test_add_func("/tap/budget/out-of-band", test_budget_oob);
    g_test_add_func("/tap/torn", test_torn);
    g_test_add_func("/tap/flipped", test_flipped);
    g_test_add_func("/tap/stop", test_stop_and_allow);
    g_test_add_func("/tap/unreadable-certificate", test_unreadable_certificate);
    g_test_add_func("/tap/foreign-leaf", test_foreign_leaf);
    g_test_add_func("/tap/store-failed", test_store_failed);
    g_test_add_func("/tap/busy", test_busy);
    g_test_add_func("/tap/silence", test_silence);
    g_test_add_func("/tap/hostile-reader", test_hostile_reader);
    g_test_add_func("/tap/endless-fragments", test_endless_fragments);
    g_test_add_func("/tap/hostile-card", test_hostile_card);
    g_test_add_func("/tap/late-answers", test_late_answers);
    g_test_add_func("/tap/config", test_config_refused);
    g_test_add_func("/tap/saved-form", test_saved_form);
    g_test_add_func("/tap/fingerprint", test_fingerprint);
    return g_test_run();
}
