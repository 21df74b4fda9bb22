/* SPDX-License-Identifier: Apache-2.0
 *
 * The tap with a reader or a card that says what it likes, answers that come when nobody asked,
 * and configurations that are none.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "tap-rig.h"

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
        rig_handle_card(&r);
        answer_is(r.card, rows[i], "6F00");
        rig_handle_card(&r);
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
        rig_handle_reader(&r);
        g_assert_cmpint(r.reader_last, ==, EHP_TAP_FAILED);
        g_assert_cmpuint(ehp_tap_take(r.reader, 0).len, ==, 0);
    }
    rig_tap_once(&r);
    rig_check_agreed(&r);
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
    rig_tap_once(&r);
    g_assert_cmpint(r.card_last, ==, EHP_TAP_FAILED);
    g_assert_cmpint(ehp_tap_verdict(r.card, EHP_OK, false, r.leaf_public, 0), ==,
                    EHP_WRONG_STATE);
    r.keep_question = false;
    rig_tap_once(&r);
    rig_check_agreed(&r);
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
    c = rig_terminal_config(&r);
    c.chain = chain;
    c.n_chain = 2; /* does not fit message 2 */
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    g_assert_null(tap);
    c.n_chain = 4;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    c = rig_terminal_config(&r);
    c.channel = 31;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    c = rig_terminal_config(&r);
    c.nfc = EHP_NFC_CARD;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    c.leaf_secret = NULL;
    c.nfc = EHP_NFC_READER;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_INVALID_ARGUMENT);
    rig_clear(&r);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/tap/hostile-reader", test_hostile_reader);
    g_test_add_func("/tap/endless-fragments", test_endless_fragments);
    g_test_add_func("/tap/hostile-card", test_hostile_card);
    g_test_add_func("/tap/late-answers", test_late_answers);
    g_test_add_func("/tap/config", test_config_refused);
    return g_test_run();
}
