/* SPDX-License-Identifier: Apache-2.0
 *
 * daemon/nfc/wire.c: what is built is parsed back, and everything else is refused by name.
 */
#include "daemon/nfc/wire.h"

#include <errno.h>
#include <glib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static const EhdNfcMessage samples[] = {
    {.type = EHD_NFC_ARM, .role = EHD_NFC_ROLE_READER, .arm = 1},
    {.type = EHD_NFC_ARM, .role = EHD_NFC_ROLE_CARD, .arm = 0xfffffffe},
    {.type = EHD_NFC_DISARM, .arm = 7},
    {.type = EHD_NFC_RELEASE, .arm = 7, .tap = 0x01020304},
    {.type = EHD_NFC_PROBE},
    {.type = EHD_NFC_APDU, .arm = 7, .tap = 3, .data = (const uint8_t *)"\x00\xa4", .len = 2},
    {.type = EHD_NFC_APDU, .arm = 7, .tap = 3},
    {.type = EHD_NFC_READER, .data = (const uint8_t *)"auto", .len = 4},
    {.type = EHD_NFC_HELLO, .role = EHD_NFC_WIRE_VERSION, .arm = EHP_STATUS_COUNT},
    {.type = EHD_NFC_STATE,
     .status = EHP_READER_BUSY,
     .data = (const uint8_t *)"pcscd",
     .len = 5},
    {.type = EHD_NFC_STATE},
    {.type = EHD_NFC_ARMED, .role = EHD_NFC_ROLE_CARD, .arm = 7},
    {.type = EHD_NFC_DISARMED, .arm = 7},
    {.type = EHD_NFC_ACTIVATED, .role = EHD_NFC_ROLE_READER, .arm = 7, .tap = 1},
    {.type = EHD_NFC_LOST, .status = EHP_TAP_TORN, .arm = 7, .tap = 1},
    {.type = EHD_NFC_FOREIGN, .status = EHP_FOREIGN_DEVICE, .arm = 7},
    {.type = EHD_NFC_REFUSED, .status = EHP_TOO_LARGE, .arm = 7, .tap = 1},
    {.type = EHD_NFC_BEAT, .arm = 3000},
};

static gboolean
parses(const EhdNfcMessage *sample, const uint8_t *bytes, size_t len, EhdNfcOrigin origin)
{
    EhdNfcMessage got;

    if (ehd_nfc_wire_parse(&got, bytes, len, origin) != EHP_OK)
        return FALSE;
    g_assert_cmpint(got.type, ==, sample->type);
    g_assert_cmpint(got.role, ==, sample->role);
    g_assert_cmpint(got.status, ==, sample->status);
    g_assert_cmpuint(got.arm, ==, sample->arm);
    g_assert_cmpuint(got.tap, ==, sample->tap);
    g_assert_cmpmem(got.data, got.len, sample->data, sample->len);
    return TRUE;
}

static void
test_round_trip(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(samples); i++) {
        uint8_t bytes[EHD_NFC_MESSAGE_MAX];
        size_t len = ehd_nfc_wire_build(bytes, &samples[i]);
        gboolean daemon = samples[i].type < EHD_NFC_HELLO;
        gboolean both = samples[i].type == EHD_NFC_APDU;
        gboolean hello = samples[i].type == EHD_NFC_HELLO;
        gboolean beat = samples[i].type == EHD_NFC_BEAT;

        g_assert_cmpint(parses(&samples[i], bytes, len, EHD_NFC_FROM_DAEMON), ==, daemon);
        g_assert_cmpint(parses(&samples[i], bytes, len, EHD_NFC_FROM_HELPER), ==,
                        both || (!daemon && !beat));
        g_assert_cmpint(parses(&samples[i], bytes, len, EHD_NFC_FROM_WORKER), ==,
                        both || (!daemon && !hello));
    }
}

static void
test_every_cut_and_type(void)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX + 1] = {0};
    EhdNfcMessage out;

    for (size_t len = 0; len < EHD_NFC_HEADER_LEN; len++)
        for (int type = 0; type < 256; type++) {
            bytes[0] = (uint8_t)type;
            g_assert_cmpint(ehd_nfc_wire_parse(&out, bytes, len, EHD_NFC_FROM_DAEMON), ==,
                            EHP_BAD_MESSAGE);
        }
    for (int type = EHD_NFC_READER; type < 256; type++) {
        bytes[0] = (uint8_t)type;
        g_assert_cmpint(
            ehd_nfc_wire_parse(&out, bytes, EHD_NFC_HEADER_LEN, EHD_NFC_FROM_DAEMON), ==,
            EHP_BAD_MESSAGE);
    }
}

static void
test_refused(void)
{
    static const struct {
        const char *bytes;
        size_t len;
        EhdNfcOrigin origin;
    } cases[] = {
        {"\x01\x00\x00\x00\0\0\0\1\0\0\0\0", 12, EHD_NFC_FROM_DAEMON},  /* ARM without a role */
        {"\x01\x03\x00\x00\0\0\0\1\0\0\0\0", 12, EHD_NFC_FROM_DAEMON},  /* no such role */
        {"\x01\x01\x00\x01\0\0\0\1\0\0\0\0", 12, EHD_NFC_FROM_DAEMON},  /* a status in ARM */
        {"\x01\x01\x00\x00\0\0\0\1\0\0\0\0x", 13, EHD_NFC_FROM_DAEMON}, /* something behind */
        {"\x06\x00\x00\x00\0\0\0\0\0\0\0\0", 12, EHD_NFC_FROM_DAEMON},  /* no reader named */
        {"\x06\x00\x00\x00\0\0\0\0\0\0\0\0a\nb", 15, EHD_NFC_FROM_DAEMON}, /* over two lines */
        {"\x06\x00\x00\x00\0\0\0\0\0\0\0\0a", 13, EHD_NFC_FROM_HELPER},    /* not its to say */
        {"\x02\x01\x00\x00\0\0\0\1\0\0\0\0", 12, EHD_NFC_FROM_DAEMON}, /* a role in DISARM */
        {"\x11\x00\xff\xff\0\0\0\0\0\0\0\0", 12, EHD_NFC_FROM_HELPER}, /* no such status */
        {"\x11\x00\x00\x01\0\0\0\0\0\0\0\0a\0b", 15, EHD_NFC_FROM_HELPER}, /* NUL in a text */
        {"\x10\x01\x00\x01\0\0\0\0\0\0\0\0", 12, EHD_NFC_FROM_HELPER},     /* HELLO's status */
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        EhdNfcMessage out;
        g_test_message("case %" G_GSIZE_FORMAT, i);
        g_assert_cmpint(ehd_nfc_wire_parse(&out, (const uint8_t *)cases[i].bytes, cases[i].len,
                                           cases[i].origin),
                        ==, EHP_BAD_MESSAGE);
    }
}

static void
test_sizes(void)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX + 1] = {EHD_NFC_APDU, 0, 0, 0, 0, 0, 0, 9, 0, 0, 0, 4};
    uint8_t big[EHP_APDU_MAX + 1] = {0};
    EhdNfcMessage out;
    EhdNfcMessage apdu = {.type = EHD_NFC_APDU, .data = big, .len = sizeof big};

    g_assert_cmpint(ehd_nfc_wire_parse(&out, bytes, sizeof bytes - 1, EHD_NFC_FROM_DAEMON), ==,
                    EHP_OK);
    /* refused by name, and by its numbers */
    g_assert_cmpint(ehd_nfc_wire_parse(&out, bytes, sizeof bytes, EHD_NFC_FROM_DAEMON), ==,
                    EHP_TOO_LARGE);
    g_assert_cmpuint(out.arm, ==, 9);
    g_assert_cmpuint(out.tap, ==, 4);
    g_assert_cmpuint(ehd_nfc_wire_build(bytes, &apdu), ==, 0);
    apdu.len--;
    g_assert_cmpuint(ehd_nfc_wire_build(bytes, &apdu), ==, EHD_NFC_MESSAGE_MAX);
}

/* Never cut: half a path is another path. */
static void
test_reader_is_whole(void)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX];
    char text[EHD_NFC_READER_MAX + 2];
    EhdNfcMessage reader = {.type = EHD_NFC_READER, .data = (const uint8_t *)text};

    memset(text, 'x', sizeof text);
    reader.len = EHD_NFC_READER_MAX;
    g_assert_cmpuint(ehd_nfc_wire_build(bytes, &reader), ==,
                     EHD_NFC_HEADER_LEN + EHD_NFC_READER_MAX);
    reader.len++;
    g_assert_cmpuint(ehd_nfc_wire_build(bytes, &reader), ==, 0);
}

/* A long detail is cut, and never inside a character. */
static void
test_detail_is_cut(void)
{
    uint8_t bytes[EHD_NFC_MESSAGE_MAX];

    for (int shift = 0; shift < 3; shift++) {
        g_autoptr(GString) text = g_string_new(NULL);
        EhdNfcMessage out;
        for (int i = 0; i < shift; i++)
            g_string_append_c(text, 'x');
        while (text->len < 2 * EHD_NFC_DETAIL_MAX)
            g_string_append(text, "€");
        size_t len = ehd_nfc_wire_build(bytes, &(EhdNfcMessage){.type = EHD_NFC_STATE,
                                                                .status = EHP_NO_READER,
                                                                .data = (uint8_t *)text->str,
                                                                .len = text->len});
        g_assert_cmpint(ehd_nfc_wire_parse(&out, bytes, len, EHD_NFC_FROM_HELPER), ==, EHP_OK);
        g_assert_cmpuint(out.len, >, EHD_NFC_DETAIL_MAX - 4);
        g_assert_true(g_utf8_validate_len((const char *)out.data, out.len, NULL));
    }
}

static void
test_send(void)
{
    uint8_t big[EHP_APDU_MAX + 1] = {0}, bytes[64];
    int pair[2], result = 0;

    g_assert_cmpint(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), ==, 0);
    g_assert_cmpint(
        ehd_nfc_wire_send(
            pair[0], &(EhdNfcMessage){.type = EHD_NFC_APDU, .data = big, .len = sizeof big}),
        ==, -EMSGSIZE);
    g_assert_cmpint(ehd_nfc_wire_send(pair[0], &samples[0]), ==, 0);
    g_assert_cmpint(recv(pair[1], bytes, sizeof bytes, 0), ==, EHD_NFC_HEADER_LEN);
    /* a reader that sleeps is told, not waited for */
    for (int i = 0; i < 100000 && result == 0; i++)
        result = ehd_nfc_wire_send(pair[0], &samples[0]);
    g_assert_cmpint(result, ==, -EAGAIN);
    close(pair[1]);
    g_assert_cmpint(ehd_nfc_wire_send(pair[0], &samples[0]), ==, -EPIPE);
    close(pair[0]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/nfc/wire/round-trip", test_round_trip);
    g_test_add_func("/nfc/wire/every-cut-and-type", test_every_cut_and_type);
    g_test_add_func("/nfc/wire/refused", test_refused);
    g_test_add_func("/nfc/wire/sizes", test_sizes);
    g_test_add_func("/nfc/wire/reader-is-whole", test_reader_is_whole);
    g_test_add_func("/nfc/wire/detail-is-cut", test_detail_is_cut);
    g_test_add_func("/nfc/wire/send", test_send);
    return g_test_run();
}
