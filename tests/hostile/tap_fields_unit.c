/* SPDX-License-Identifier: Apache-2.0
 *
 * Every field of what the tap carries, changed in every way, inside a handshake that is right:
 * what becomes of it has its line in tap-fields.def.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/hash.h"
#include "tests/hostile/edit.h"
#include "tests/hostile/taps.h"

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
honest_hello(const taps *r, uint8_t *out)
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
    hello.address = (ProtobufCBinaryData){6, (uint8_t *)taps_address};
    hello.channel = 7;
    hello.request = &request;
    return ehp__terminal_hello__pack(&hello, out);
}

/* Message 2 with another hello, in the name of a reader that was answered. */
static size_t
forge_msg2(const taps *r, ehp_bytes answer, const field_row *row, uint8_t *out, size_t max)
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
command(taps *r, uint8_t ins, uint8_t p1, uint8_t p2, ehp_bytes data)
{
    const ehp_capdu c = {EHP_CLA, ins, p1, p2, data};
    uint8_t apdu[EHP_APDU_MAX];
    ehp_writer w;

    ehp_writer_init(&w, apdu, sizeof apdu);
    g_assert_cmpint(ehp_capdu_build(&c, &w), ==, EHP_OK);
    g_assert_cmpint(ehp_tap_feed(r->card, apdu, w.len, 1), ==, EHP_OK);
    taps_handle(r);
}

static const char *
lie_hello(taps *r, const field_row *row)
{
    static uint8_t msg2[8192];
    ehp_bytes answer;
    size_t len;
    uint8_t seq = 0;

    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    g_assert_true(taps_carry(r, r->reader, r->card));
    answer = ehp_tap_take(r->card, 1);
    len = forge_msg2(r, answer, row, msg2, sizeof msg2);
    for (size_t at = 0; at < len && r->card_last != EHP_TAP_FAILED; at += EHP_APDU_DATA_MAX) {
        const size_t part = MIN(len - at, EHP_APDU_DATA_MAX);
        (void)ehp_tap_take(r->card, 1);
        command(r, EHP_INS_MESSAGE2, seq++, at + part < len, ehp_bytes_of(msg2 + at, part));
    }
    return taps_word(r->card_last, r->card_status);
}

static const char *
lie_answer(taps *r, const field_row *row)
{
    static const uint8_t honest[] = {0x08, 0x00};
    g_autoptr(GByteArray) payload = NULL;
    uint8_t apdu[2048];
    ehp_writer w;

    g_assert_cmpint(ehp_tap_start(r->reader, 1), ==, EHP_OK);
    while (r->card_last != EHP_TAP_ASK_VERDICT && taps_carry(r, r->reader, r->card) &&
           r->card_last != EHP_TAP_ASK_VERDICT)
        g_assert_true(taps_carry(r, r->card, r->reader));
    payload = edit_apply(ehp_bytes_of(honest, sizeof honest), &row->path, 0, row->how);
    ehp_writer_init(&w, apdu, sizeof apdu);
    g_assert_cmpint(
        ehp_noise_write(&r->question, NULL, ehp_bytes_of(payload->data, payload->len), &w), ==,
        EHP_OK);
    ehp_put(&w, "\x90\x00", 2);
    g_assert_cmpint(ehp_tap_feed(r->reader, apdu, w.len, 1), ==, EHP_OK);
    taps_handle(r);
    return taps_word(r->reader_last, r->reader_status);
}

static const char *
lie_confirm(taps *r, const field_row *row)
{
    static const uint8_t honest[] = {0x08, 0x00};
    g_autoptr(GByteArray) plain = NULL;
    uint8_t sealed[256];
    ehp_cipher key;

    taps_bring_reader(r, "Confirming");
    key = r->reader->secrets.send;
    key.nonce = 0;
    plain = edit_apply(ehp_bytes_of(honest, sizeof honest), &row->path, 0, row->how);
    g_assert_cmpint(
        ehp_cipher_seal(&key, ehp_bytes_of(NULL, 0), plain->data, plain->len, sealed), ==,
        EHP_OK);
    (void)ehp_tap_take(r->card, 1);
    command(r, EHP_INS_CONFIRM, 0, 0, ehp_bytes_of(sealed, plain->len + EHP_TAG_LEN));
    ehp_cipher_clear(&key);
    return taps_word(r->card_last, r->card_status);
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
    taps r;

    taps_init(&r);
    outcome = top == &ehp__terminal_hello__descriptor  ? lie_hello(&r, row)
              : top == &ehp__patient_hello__descriptor ? lie_answer(&r, row)
                                                       : lie_confirm(&r, row);
    g_assert_cmpstr(outcome, ==, expect_field(row, name));
    taps_clear(&r);
}

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

int
main(int argc, char **argv)
{
    unsigned n = 0;

    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_assert_cmpint(sodium_init(), >=, 0);
    edit_each(&ehp__terminal_hello__descriptor, found, &n);
    edit_each(&ehp__patient_hello__descriptor, found, &n);
    edit_each(&ehp__confirm__descriptor, found, &n);
    g_assert_cmpuint(n, >, 60);
    return g_test_run();
}
