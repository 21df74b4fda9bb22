/* SPDX-License-Identifier: Apache-2.0
 *
 * What a device in the field can do wrong, as reader and as card: commands and answers of every
 * wrong kind in every state, and every field of what the tap carries, inside a handshake that
 * is right. Each has one answer; afterwards an honest tap succeeds on the same object.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/hash.h"
#include "proto/tap-priv.h"
#include "tests/hostile/edit.h"

typedef struct {
    ehp_tap *reader, *card;
    uint8_t leaf_public[32], leaf_secret[64];
    ehp_tap_event_type reader_last, card_last;
    ehp_status reader_status, card_status;
    bool keep_question;
    ehp_noise question; /* the card's handshake as it stood when it asked */
} rig;

static const uint8_t address[6] = {0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
static const uint32_t categories[] = {1, 5};

static ehp_tap *
new_reader(const rig *r)
{
    ehp_tap_config c = {.role = EHP_ROLE_TERMINAL, .nfc = EHP_NFC_READER};
    ehp_tap *tap;

    memset(c.seed, 0x11, sizeof c.seed);
    c.leaf_secret = r->leaf_secret;
    c.purpose = 1;
    c.categories = categories;
    c.n_categories = 2;
    c.address = address;
    c.channel = 7;
    g_assert_cmpint(ehp_tap_new(&c, &tap), ==, EHP_OK);
    return tap;
}

static void
rig_init(rig *r)
{
    ehp_tap_config c = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};
    uint8_t seed[32];

    memset(r, 0, sizeof *r);
    memset(seed, 0x42, sizeof seed);
    ehp_sign_keypair(seed, r->leaf_public, r->leaf_secret);
    r->reader = new_reader(r);
    memset(c.seed, 0x22, sizeof c.seed);
    g_assert_cmpint(ehp_tap_new(&c, &r->card), ==, EHP_OK);
}

static void
rig_clear(rig *r)
{
    ehp_tap_free(r->reader);
    ehp_tap_free(r->card);
    ehp_noise_clear(&r->question);
}

static void
handle(rig *r)
{
    ehp_tap_event ev;

    while (ehp_tap_next_event(r->card, &ev)) {
        r->card_last = ev.type;
        r->card_status = ev.status;
        if (ev.type != EHP_TAP_ASK_VERDICT)
            continue;
        r->question = r->card->noise;
        if (!r->keep_question)
            g_assert_cmpint(ehp_tap_verdict(r->card, EHP_UNVERIFIED, true,
                                            ev.leaf_key != NULL ? ev.leaf_key : r->leaf_public,
                                            1),
                            ==, EHP_OK);
    }
    while (ehp_tap_next_event(r->reader, &ev)) {
        r->reader_last = ev.type;
        r->reader_status = ev.status;
        if (ev.type == EHP_TAP_STORE_PENDING)
            g_assert_cmpint(ehp_tap_stored(r->reader, EHP_OK, 1), ==, EHP_OK);
    }
    while (ehp_tap_next_event(r->card, &ev)) {
        r->card_last = ev.type;
        r->card_status = ev.status;
    }
}

/* One APDU from one side to the other; false: there is none. */
static bool
carry(rig *r, ehp_tap *from, ehp_tap *to)
{
    const ehp_bytes out = ehp_tap_take(from, 1);
    uint8_t apdu[EHP_APDU_MAX];

    if (out.len == 0)
        return false;
    memcpy(apdu, out.data, out.len);
    g_assert_cmpint(ehp_tap_feed(to, apdu, out.len, 1), ==, EHP_OK);
    handle(r);
    return true;
}

/* Goes on to the end; both lift. */
static void
finish(rig *r)
{
    while (carry(r, r->reader, r->card) && carry(r, r->card, r->reader))
        ;
    ehp_tap_lost(r->reader, 1);
    ehp_tap_lost(r->card, 1);
    handle(r);
}

/* Whatever was said before: the next person's tap works. */
static void
expect_next_tap(rig *r)
{
    r->keep_question = false;
    ehp_tap_lost(r->reader, 1);
    ehp_tap_lost(r->card, 1);
    handle(r);
    ehp_tap_free(r->reader);
    r->reader = new_reader(r);
    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    finish(r);
    g_assert_cmpint(r->reader_last, ==, EHP_TAP_DONE);
    g_assert_cmpint(r->card_last, ==, EHP_TAP_DONE);
}

static const char *
word(ehp_tap_event_type type, ehp_status status)
{
    switch (type) {
    case EHP_TAP_NONE:
        return "-";
    case EHP_TAP_SELECTED:
        return "Selected";
    case EHP_TAP_ASK_VERDICT:
        return "Asked";
    case EHP_TAP_STORE_PENDING:
        return "Stored";
    case EHP_TAP_DONE:
        return "Done";
    case EHP_TAP_UNCERTAIN:
        return "Uncertain";
    case EHP_TAP_STOPPED:
    case EHP_TAP_BUSY:
    case EHP_TAP_FAILED:
        return status == EHP_OK ? "Busy" : ehp_status_name(status);
    }
    return "?";
}

/* ---------------------------------------------------------------- raw APDUs */

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
        const bool word = digits > 4;
        g_autofree char *number = g_strndup(star + 1, word ? digits - 4 : digits);
        count = g_ascii_strtoull(number, NULL, 10);
        memset(out + n, 0x5a, count);
        n += count;
        if (word)
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
bring_card(rig *r, const char *state)
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
        g_assert_true(carry(r, r->reader, r->card));
        if (strcmp(ehp_tap_card_machine.states[r->card->state], state) == 0)
            break;
        g_assert_true(carry(r, r->card, r->reader) || strcmp(state, "Gathering") == 0);
    }
    (void)ehp_tap_take(r->card, 1);
    handle(r);
    g_assert_cmpstr(ehp_tap_card_machine.states[r->card->state], ==, state);
}

static void
bring_reader(rig *r, const char *state)
{
    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    while (strcmp(ehp_tap_reader_machine.states[r->reader->state], state) != 0) {
        g_assert_true(carry(r, r->reader, r->card));
        if (strcmp(ehp_tap_reader_machine.states[r->reader->state], state) == 0)
            break;
        g_assert_true(carry(r, r->card, r->reader));
    }
    (void)ehp_tap_take(r->reader, 1);
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
    rig r;

    rig_init(&r);
    if (row->to_card)
        bring_card(&r, row->state);
    else
        bring_reader(&r, row->state);
    victim = row->to_card ? r.card : r.reader;
    r.card_last = r.reader_last = EHP_TAP_NONE;
    g_assert_cmpint(ehp_tap_feed(victim, apdu, len, 1), ==, EHP_OK);
    handle(&r);
    answer = ehp_tap_take(victim, 1);
    g_assert_cmpuint(answer.len, <=, EHP_APDU_MAX);
    if (row->to_card)
        outcome = g_strdup_printf(
            "%02X%02X %s", answer.len > 1 ? answer.data[answer.len - 2] : 0,
            answer.len > 1 ? answer.data[answer.len - 1] : 0, word(r.card_last, r.card_status));
    else
        outcome = g_strdup(word(r.reader_last, r.reader_status));
    g_assert_cmpstr(outcome, ==, expect_raw(row));
    if (!row->to_card) {
        ehp_tap_free(r.card);
        ehp_tap_config c = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};
        g_assert_cmpint(ehp_tap_new(&c, &r.card), ==, EHP_OK);
        expect_next_tap(&r);
    } else if (strcmp(row->state, "Done") != 0) {
        expect_next_tap(&r);
    }
    rig_clear(&r);
}

/* ---------------------------------------------------------------- fields */

typedef struct {
    edit_path path;
    edit_kind how;
} field_row;

static const struct {
    const char *path;
    edit_kind how;
    const char *outcome;
} field_expected[] = {
#define FIELD(path, how, outcome) {path, EDIT_##how, outcome},
#include "tests/hostile/tap-fields.def"
#undef FIELD
};

static size_t
honest_hello(const rig *r, uint8_t *out)
{
    Ehp__TerminalHello hello = EHP__TERMINAL_HELLO__INIT;
    Ehp__TapRequest request = EHP__TAP_REQUEST__INIT;
    Ehp__Category category[] = {1, 5};

    request.has_purpose = 1;
    request.purpose = 1;
    request.n_category = 2;
    request.category = category;
    hello.has_version = hello.has_leaf_key = hello.has_address = hello.has_channel = 1;
    hello.version = 1;
    hello.leaf_key = (ProtobufCBinaryData){32, (uint8_t *)r->leaf_public};
    hello.address = (ProtobufCBinaryData){6, (uint8_t *)address};
    hello.channel = 7;
    hello.request = &request;
    return ehp__terminal_hello__pack(&hello, out);
}

/* Message 2 with another hello, in the name of a reader that was answered. */
static size_t
forge_msg2(const rig *r, ehp_bytes answer, const field_row *row, uint8_t *out, size_t max)
{
    ehp_tap liar = *r->reader;
    uint8_t hello[1024], body[64], secret[32], signature[64];
    g_autoptr(GByteArray) payload = NULL;
    ehp_writer w, none;

    memcpy(liar.versions, answer.data, 2);
    g_assert_cmpint(ehp_tap_start_noise(&liar), ==, EHP_OK);
    ehp_writer_init(&none, hello, 0);
    g_assert_cmpint(ehp_noise_read(&liar.noise, ehp_bytes_of(answer.data + 2, 32), &none), ==,
                    EHP_OK);
    memset(secret, 0x55, sizeof secret);
    ehp_writer_init(&w, out, max);
    g_assert_cmpint(ehp_noise_write_tokens(&liar.noise, secret, &w), ==, EHP_OK);
    payload = edit_apply(ehp_bytes_of(hello, honest_hello(r, hello)), &row->path, 0, row->how);
    memcpy(body, ehp_noise_hash(&liar.noise), 32);
    ehp_sha256(body + 32, payload->data, payload->len);
    g_assert_cmpint(ehp_sign(EHP_SIGN_TERMINAL_AUTH, r->leaf_secret,
                             ehp_bytes_of(body, sizeof body), signature),
                    ==, EHP_OK);
    g_byte_array_append(payload, signature, sizeof signature);
    g_assert_cmpint(
        ehp_noise_write_payload(&liar.noise, ehp_bytes_of(payload->data, payload->len), &w), ==,
        EHP_OK);
    ehp_noise_clear(&liar.noise);
    return w.len;
}

static void
command(rig *r, uint8_t ins, uint8_t p1, uint8_t p2, ehp_bytes data)
{
    const ehp_capdu c = {EHP_CLA, ins, p1, p2, data};
    uint8_t apdu[EHP_APDU_MAX];
    ehp_writer w;

    ehp_writer_init(&w, apdu, sizeof apdu);
    g_assert_cmpint(ehp_capdu_build(&c, &w), ==, EHP_OK);
    g_assert_cmpint(ehp_tap_feed(r->card, apdu, w.len, 1), ==, EHP_OK);
    handle(r);
}

static const char *
lie_hello(rig *r, const field_row *row)
{
    static uint8_t msg2[8192];
    ehp_bytes answer;
    size_t len;
    uint8_t seq = 0;

    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    g_assert_true(carry(r, r->reader, r->card));
    answer = ehp_tap_take(r->card, 1);
    len = forge_msg2(r, answer, row, msg2, sizeof msg2);
    for (size_t at = 0; at < len && r->card_last != EHP_TAP_FAILED; at += EHP_APDU_DATA_MAX) {
        const size_t part = MIN(len - at, EHP_APDU_DATA_MAX);
        (void)ehp_tap_take(r->card, 1);
        command(r, EHP_INS_MESSAGE2, seq++, at + part < len, ehp_bytes_of(msg2 + at, part));
    }
    return word(r->card_last, r->card_status);
}

static const char *
lie_answer(rig *r, const field_row *row)
{
    static const uint8_t honest[] = {0x08, 0x00};
    g_autoptr(GByteArray) payload = NULL;
    uint8_t apdu[2048];
    ehp_writer w;

    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    while (r->card_last != EHP_TAP_ASK_VERDICT && carry(r, r->reader, r->card) &&
           r->card_last != EHP_TAP_ASK_VERDICT)
        g_assert_true(carry(r, r->card, r->reader));
    payload = edit_apply(ehp_bytes_of(honest, sizeof honest), &row->path, 0, row->how);
    ehp_writer_init(&w, apdu, sizeof apdu);
    g_assert_cmpint(
        ehp_noise_write(&r->question, NULL, ehp_bytes_of(payload->data, payload->len), &w), ==,
        EHP_OK);
    ehp_put(&w, "\x90\x00", 2);
    g_assert_cmpint(ehp_tap_feed(r->reader, apdu, w.len, 1), ==, EHP_OK);
    handle(r);
    return word(r->reader_last, r->reader_status);
}

static const char *
lie_confirm(rig *r, const field_row *row)
{
    static const uint8_t honest[] = {0x08, 0x00};
    g_autoptr(GByteArray) plain = NULL;
    uint8_t sealed[256];
    ehp_cipher key;

    bring_reader(r, "Confirming");
    key = r->reader->secrets.send;
    key.nonce = 0;
    plain = edit_apply(ehp_bytes_of(honest, sizeof honest), &row->path, 0, row->how);
    g_assert_cmpint(
        ehp_cipher_seal(&key, ehp_bytes_of(NULL, 0), plain->data, plain->len, sealed), ==,
        EHP_OK);
    (void)ehp_tap_take(r->card, 1);
    command(r, EHP_INS_CONFIRM, 0, 0, ehp_bytes_of(sealed, plain->len + EHP_TAG_LEN));
    ehp_cipher_clear(&key);
    return word(r->card_last, r->card_status);
}

static const char *
expect_field(const field_row *row, const char *name)
{
    if (row->how >= EDIT_TWICE)
        return "TapRejected"; /* one name for all: who taps is told nothing more either */
    for (size_t i = 0; i < G_N_ELEMENTS(field_expected); i++)
        if (field_expected[i].how == row->how && strcmp(field_expected[i].path, name) == 0)
            return field_expected[i].outcome;
    return "(no line in tap-fields.def)";
}

static char *
name_of(const edit_path *path)
{
    g_autofree char *fields = edit_path_name(path);

    return g_strdup_printf("%s.%s", path->message[0]->short_name, fields);
}

static void
test_field(gconstpointer data)
{
    const field_row *row = data;
    g_autofree char *name = name_of(&row->path);
    const ProtobufCMessageDescriptor *top = row->path.message[0];
    const char *outcome;
    rig r;

    rig_init(&r);
    outcome = top == &ehp__terminal_hello__descriptor  ? lie_hello(&r, row)
              : top == &ehp__patient_hello__descriptor ? lie_answer(&r, row)
                                                       : lie_confirm(&r, row);
    g_assert_cmpstr(outcome, ==, expect_field(row, name));
    rig_clear(&r);
}

/* ---------------------------------------------------------------- cases */

static void
found(const edit_path *path, void *user)
{
    g_autofree char *name = name_of(path);
    unsigned *n = user;

    for (edit_kind how = 0; how < EDIT_KINDS; how++) {
        g_autofree char *test =
            g_strdup_printf("/hostile/tap/field/%s/%s", name, edit_name(how));
        field_row *row;
        if (!edit_fits(path, how))
            continue;
        row = g_new0(field_row, 1);
        row->path = *path;
        row->how = how;
        g_test_add_data_func_full(test, row, test_field, g_free);
        (*n)++;
    }
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
    unsigned n = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_assert_cmpint(sodium_init(), >=, 0);
    add_raw(commands, G_N_ELEMENTS(commands), card_states, G_N_ELEMENTS(card_states), true);
    add_raw(answers, G_N_ELEMENTS(answers), reader_states, G_N_ELEMENTS(reader_states), false);
    edit_each(&ehp__terminal_hello__descriptor, found, &n);
    edit_each(&ehp__patient_hello__descriptor, found, &n);
    edit_each(&ehp__confirm__descriptor, found, &n);
    g_assert_cmpuint(n, >, 60);
    return g_test_run();
}
