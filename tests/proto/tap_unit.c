/* SPDX-License-Identifier: Apache-2.0
 *
 * The tap between a reader and a card that are honest: what it costs, torn and flipped at every
 * point, stopped, busy, silent; and what is kept of it.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "tap-rig.h"

static void
test_budget_bare(void)
{
    rig r;

    rig_init(&r, 0, 0);
    rig_tap_once(&r);
    rig_check_agreed(&r);
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
    rig_tap_once(&r);
    rig_check_agreed(&r);
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
        t = rig_terminal_config(&r);
        t.oob = mine;
        g_assert_cmpint(ehp_tap_new(&t, &r.reader), ==, EHP_OK);
        p.capabilities = EHP_CAPABILITY_OOB;
        p.patient_address = rig_address;
        p.patient_oob = theirs;
        g_assert_cmpint(ehp_tap_new(&p, &r.card), ==, EHP_OK);
        if (!verified) {
            r.verdict = EHP_CERT_UNTRUSTED;
            r.allowed = true;
        }
        rig_tap_once(&r);
        g_test_message("with a chain of 900 bytes, out-of-band data: %u pairs, %u bytes",
                       r.pairs, r.bytes);
        g_assert_cmpuint(r.pairs, <=, 7);
        g_assert_cmpint(ehp_tap_take_secrets(r.reader, &secrets), ==, EHP_OK);
        g_assert_true(secrets.has_patient_oob == (bool)verified);
        g_assert_true(secrets.has_patient_address == (bool)verified);
        g_assert_cmpuint(secrets.capabilities, ==, verified ? EHP_CAPABILITY_OOB : 0);
        if (verified) {
            g_assert_cmpmem(secrets.patient_oob, EHP_OOB_LEN, theirs, EHP_OOB_LEN);
            g_assert_cmpmem(secrets.patient_address, 6, rig_address, 6);
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
            rig_tap_once(&r);
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
                rig_tap_once(&r);
                rig_check_agreed(&r);
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
                rig_tap_once(&r);
                taps++;
                if (r.card_last == EHP_TAP_DONE && r.reader_last == EHP_TAP_DONE) {
                    agreed++; /* Le, say, carries nothing */
                    g_assert_cmpint(ehp_tap_take_secrets(r.reader, &t), ==, EHP_OK);
                    g_assert_cmpint(ehp_tap_take_secrets(r.card, &p), ==, EHP_OK);
                    g_assert_cmpmem(t.resume, 32, p.resume, 32);
                } else if (r.card_last != EHP_TAP_DONE) {
                    g_assert_cmpint(ehp_tap_take_secrets(r.card, &p), ==, EHP_WRONG_STATE);
                    r.flip_c = r.flip_r = -1;
                    rig_tap_once(&r);
                    rig_check_agreed(&r);
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
    rig_tap_once(&r);
    g_assert_cmpint(r.card_last, ==, EHP_TAP_STOPPED);
    g_assert_cmpint(r.card_status, ==, EHP_CERT_UNTRUSTED);
    g_assert_cmpint(r.reader_last, ==, EHP_TAP_STOPPED);
    ehp_fingerprint(fingerprint, r.leaf_public);
    g_assert_cmpmem(r.fingerprint, 32, fingerprint, 32);
    g_assert_cmpint(ehp_tap_take_secrets(r.card, &s), ==, EHP_WRONG_STATE);
    r.allowed = true;
    rig_tap_once(&r);
    rig_check_agreed(&r);
    rig_clear(&r);
}

static void
test_unreadable_certificate(void)
{
    rig r;

    rig_init(&r, 1, 450);
    r.verdict = EHP_CERT_INVALID;
    r.no_key = true;
    rig_tap_once(&r);
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
        rig_tap_once(&r);
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
    rig_tap_once(&r);
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
    rig_tap_once(&r);
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
    rig_handle_reader(&r);
    g_assert_cmpint(r.reader_last, ==, EHP_TAP_NONE);
    ehp_tap_tick(r.reader, 1000 + EHP_TAP_MS);
    rig_handle_reader(&r);
    g_assert_cmpint(r.reader_status, ==, EHP_TAP_TORN);
    g_assert_cmpuint(ehp_tap_deadline(r.reader), ==, UINT64_MAX);
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
    rig_tap_once(&r);
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
    g_test_add_func("/tap/saved-form", test_saved_form);
    g_test_add_func("/tap/fingerprint", test_fingerprint);
    return g_test_run();
}
