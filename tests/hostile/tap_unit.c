/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device in the field can do wrong, as reader and as card: commands and answers of every
 * wrong kind in every state. Each has one answer; afterwards an honest tap succeeds on the same
 * object. What is in them, field by field: tap_fields_unit.c.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "tests/hostile/taps.h"

typedef struct {
    const char *name;
    const char *hex; /* "*N": N bytes of 5a behind it */
} raw;

static const raw commands[] = {
    {"nothing", ""},
    {"one-byte", "80"},
    {"three-bytes", "801000"},
    {"header-only", "80100000"},
    {"class-00", "0010000001aa00"},
    {"class-ff", "ff10000001aa00"},
    {"class-secure", "8410000001aa00"},
    {"instruction-unknown", "80160000"},
    {"get-response", "00c0000000"},
    {"read-binary", "00b0000000"},
    {"select-by-file", "00a4000c023f00"},
    {"select-other", "00a4040007d276000085010100"},
    {"select-short-aid", "00a4040007f06568726c696e00"},
    {"select-long-aid", "00a4040009f06568726c696e6b0100"},
    {"select-no-aid", "00a4040000"},
    {"select-next", "00a4040208f06568726c696e6b00"},
    {"select-length-beyond", "00a40400fff06568726c696e6b"},
    {"select-length-short", "00a4040003f06568726c696e6b00"},
    {"select-extended", "00a40400000008f06568726c696e6b0000"},
    {"fragment-late", "8010050101aa00"},
    {"fragment-flag-2", "8010000201aa00"},
    {"fragment-empty", "80100001"},
    {"fragment-last-empty", "80100000"},
    {"fragment-last-junk", "80100000f0*240"},
    {"fragment-241", "80100001f1*241"},
    {"fragment-length-beyond", "80100001f0*20"},
    {"fragment-extended", "801000010000f0*240"},
    {"confirm-empty", "80120000"},
    {"confirm-junk", "8012000020*32"},
    {"confirm-parameter", "8012010020*32"},
    {"confirm-too-long", "80120000f0*240"},
    {"busy-with-data", "8014000001aa00"},
    {"busy-parameter", "8014010000"},
    {"longest", "*262"},
    {"one-too-long", "*263"},
    {"much-too-long", "*2000"},
};

static const raw answers[] = {
    {"nothing", ""},
    {"one-byte", "90"},
    {"6F00", "6f00"},
    {"6985", "6985"},
    {"6A82", "6a82"},
    {"61xx", "6110"},
    {"6Cxx", "6c10"},
    {"9000", "9000"},
    {"9100", "9100"},
    {"data-6F00", "*346f00"},
    {"data-one-short", "*339000"},
    {"data-as-of-select", "*349000"},
    {"data-one-more", "*359000"},
    {"versions-of-the-future", "0203*329000"},
    {"versions-of-the-past", "0000*329000"},
    {"version-backwards", "0301*329000"},
    {"key-of-zeros",
     "010100000000000000000000000000000000000000000000000000000000000000009000"},
    {"longest-data", "*2609000"},
    {"one-too-long", "*2619000"},
    {"much-too-long", "*20009000"},
};

/* "*N" is N bytes; what stands behind it is written by its last four digits. */
static size_t
unhex(const char *hex, uint8_t *out)
{
    const char *star = strchr(hex, '*');
    const size_t head = star != NULL ? (size_t)(star - hex) : strlen(hex);
    size_t n = 0, count, digits;

    for (; n < head / 2; n++) {
        char pair[3] = {hex[2 * n], hex[2 * n + 1], 0};
        out[n] = (uint8_t)g_ascii_strtoull(pair, NULL, 16);
    }
    if (star == NULL)
        return n;
    digits = strlen(star + 1);
    {
        const bool tail = digits > 4;
        g_autofree char *number = g_strndup(star + 1, tail ? digits - 4 : digits);
        count = g_ascii_strtoull(number, NULL, 10);
        memset(out + n, 0x5a, count);
        n += count;
        if (tail)
            n += unhex(star + 1 + digits - 4, out + n);
    }
    return n;
}

typedef struct {
    const char *state;
    const raw *apdu;
    bool to_card;
} raw_row;

static const struct {
    const char *state, *apdu, *outcome;
    bool to_card;
} raw_expected[] = {
#define RAW(to_card, state, apdu, outcome) {state, apdu, outcome, to_card},
#include "tests/hostile/tap.def"
#undef RAW
};

static const char *const card_states[] = {"Armed",   "Selected", "Gathering",
                                          "Judging", "Answered", "Done"};
static const char *const reader_states[] = {"Selecting", "Sent", "Confirming"};

/* The card is in that state, honestly. */
static void
bring_card(taps *r, const char *state)
{
    r->keep_question = strcmp(state, "Judging") == 0;
    if (strcmp(state, "Armed") == 0)
        return;
    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    while (strcmp(ehp_tap_card_machine.states[r->card->state], state) != 0) {
        if (strcmp(state, "Gathering") == 0 && r->card_last == EHP_TAP_SELECTED) {
            static const uint8_t part[] = {0x80, 0x10, 0, 1, 1, 0xaa, 0};
            g_assert_cmpint(ehp_tap_feed(r->card, part, sizeof part, 1), ==, EHP_OK);
            (void)ehp_tap_take(r->card, 1);
            continue;
        }
        g_assert_true(taps_carry(r, r->reader, r->card));
        if (strcmp(ehp_tap_card_machine.states[r->card->state], state) == 0)
            break;
        g_assert_true(taps_carry(r, r->card, r->reader) || strcmp(state, "Gathering") == 0);
    }
    (void)ehp_tap_take(r->card, 1);
    taps_handle(r);
    g_assert_cmpstr(ehp_tap_card_machine.states[r->card->state], ==, state);
}

static const char *
expect_raw(const raw_row *row)
{
    for (size_t i = 0; i < G_N_ELEMENTS(raw_expected); i++)
        if (raw_expected[i].to_card == row->to_card &&
            strcmp(raw_expected[i].apdu, row->apdu->name) == 0 &&
            (raw_expected[i].state[0] == '*' || strcmp(raw_expected[i].state, row->state) == 0))
            return raw_expected[i].outcome;
    return "(no line in tap.def)";
}

static void
test_raw(gconstpointer data)
{
    const raw_row *row = data;
    static uint8_t apdu[4096];
    g_autofree char *outcome = NULL;
    size_t len = unhex(row->apdu->hex, apdu);
    ehp_bytes answer;
    ehp_tap *victim;
    taps r;

    taps_init(&r);
    if (row->to_card)
        bring_card(&r, row->state);
    else
        taps_bring_reader(&r, row->state);
    victim = row->to_card ? r.card : r.reader;
    r.card_last = r.reader_last = EHP_TAP_NONE;
    g_assert_cmpint(ehp_tap_feed(victim, apdu, len, 1), ==, EHP_OK);
    taps_handle(&r);
    answer = ehp_tap_take(victim, 1);
    g_assert_cmpuint(answer.len, <=, EHP_APDU_MAX);
    if (row->to_card)
        outcome =
            g_strdup_printf("%02X%02X %s", answer.len > 1 ? answer.data[answer.len - 2] : 0,
                            answer.len > 1 ? answer.data[answer.len - 1] : 0,
                            taps_word(r.card_last, r.card_status));
    else
        outcome = g_strdup(taps_word(r.reader_last, r.reader_status));
    g_assert_cmpstr(outcome, ==, expect_raw(row));
    if (!row->to_card) {
        ehp_tap_free(r.card);
        ehp_tap_config c = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};
        g_assert_cmpint(ehp_tap_new(&c, &r.card), ==, EHP_OK);
        taps_expect_next_tap(&r);
    } else if (strcmp(row->state, "Done") != 0) {
        taps_expect_next_tap(&r);
    }
    taps_clear(&r);
}

static void
add_raw(const raw *list, size_t n, const char *const *states, size_t n_states, bool to_card)
{
    for (size_t s = 0; s < n_states; s++)
        for (size_t i = 0; i < n; i++) {
            g_autofree char *name = g_strdup_printf(
                "/hostile/tap/%s/%s/%s", to_card ? "card" : "reader", states[s], list[i].name);
            raw_row *row = g_new0(raw_row, 1);
            row->state = states[s];
            row->apdu = &list[i];
            row->to_card = to_card;
            g_test_add_data_func_full(name, row, test_raw, g_free);
        }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_assert_cmpint(sodium_init(), >=, 0);
    add_raw(commands, G_N_ELEMENTS(commands), card_states, G_N_ELEMENTS(card_states), true);
    add_raw(answers, G_N_ELEMENTS(answers), reader_states, G_N_ELEMENTS(reader_states), false);
    return g_test_run();
}
