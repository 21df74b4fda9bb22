/* SPDX-License-Identifier: Apache-2.0 */
#include "daemon/store/display.h"

#include <string.h>

#include "daemon/store/fingerprint.h"

#define BYTES(s) (s), sizeof(s) - 1

static const struct {
    const char *given;
    gsize length;
    const char *shown;
    gboolean clean;
} table[] = {
    {BYTES("Test Clinic"), "Test Clinic", TRUE},
    {BYTES("Klinikum Würzburg"), "Klinikum Würzburg", TRUE},
    {BYTES("北京医院"), "北京医院", TRUE},
    {BYTES(""), "", TRUE},
    {BYTES("  a \t\n b  "), "a b", FALSE},
    {BYTES("a\xc2\xa0"
           "b"),
     "a b", FALSE}, /* no-break space */
    {BYTES("a\0b"),
     "a\xef\xbf\xbd"
     "b",
     FALSE},                                /* NUL inside */
    {BYTES("a\x1b[31mb"), "a[31mb", FALSE}, /* terminal escape */
    {BYTES("a\x07\x7f"
           "b"),
     "ab", FALSE}, /* BEL, DEL */
    {BYTES("a\xc2\x9b"
           "b"),
     "ab", FALSE}, /* C1 CSI */
    {BYTES("evil\xe2\x80\xae"
           "cinilC"),
     "evilcinilC", FALSE}, /* RLO */
    {BYTES("a\xe2\x81\xa6"
           "b\xe2\x81\xa9"),
     "ab", FALSE}, /* LRI, PDI */
    {BYTES("a\xe2\x80\x8f"
           "b\xd8\x9c"),
     "ab", FALSE},                              /* RLM, ALM */
    {BYTES("Tes\xe2\x80\x8bt"), "Test", FALSE}, /* zero-width space */
    {BYTES("\xef\xbb\xbfTest"), "Test", FALSE}, /* BOM */
    {BYTES("a\xe2\x80\xa8"
           "b\xe2\x80\xa9"
           "c"),
     "a b c", FALSE}, /* line, paragraph separator */
    {BYTES("a\xf3\xa0\x81\x81"
           "b"),
     "ab", FALSE}, /* tag character */
    {BYTES("a\xee\x80\x80"
           "b"),
     "ab", FALSE}, /* private use */
    {BYTES("a\xff"
           "b"),
     "a\xef\xbf\xbd"
     "b",
     FALSE},                                                                /* not UTF-8 */
    {BYTES("a\xc3"), "a\xef\xbf\xbd", FALSE},                               /* cut UTF-8 */
    {BYTES("\xed\xa0\x80"), "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd", FALSE}, /* surrogate */
    {BYTES("e\xcc\x81\xcc\x82\xcc\x83\xcc\x84x"), "e\xcc\x81\xcc\x82x", FALSE},
    {BYTES("\xe2\x80\xae"), "", FALSE},
};

static void
test_table(void)
{
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        char shown[256];
        gboolean clean = ehd_display_copy(shown, sizeof shown, table[i].given, table[i].length);
        g_assert_cmpstr(shown, ==, table[i].shown);
        g_assert_cmpint(clean, ==, table[i].clean);
        g_assert_true(g_utf8_validate(shown, -1, NULL));
    }
}

static void
test_cut(void)
{
    char shown[4];
    g_assert_false(ehd_display_copy(shown, sizeof shown, BYTES("aüü")));
    g_assert_cmpstr(shown, ==, "aü"); /* never half a character */
    g_assert_false(ehd_display_copy(shown, sizeof shown, BYTES("abc d")));
    g_assert_cmpstr(shown, ==, "abc"); /* no blank at the end */
    g_assert_false(ehd_display_copy(shown, 1, BYTES("abc")));
    g_assert_cmpstr(shown, ==, "");
    g_assert_true(ehd_display_copy(shown, 1, "", 0));
}

static void
test_fingerprint(void)
{
    /* RFC 8410, 10.1: the public key; its SubjectPublicKeyInfo hashed by another
     * implementation. */
    static const guint8 key[32] = {0x19, 0xbf, 0x44, 0x09, 0x69, 0x84, 0xcd, 0xfe,
                                   0x85, 0x41, 0xba, 0xc1, 0x67, 0xdc, 0x3b, 0x96,
                                   0xc8, 0x50, 0x86, 0xaa, 0x30, 0xb6, 0xb6, 0xcb,
                                   0x0c, 0x5c, 0x38, 0xad, 0x70, 0x31, 0x66, 0xe1};
    guint8 fingerprint[EHD_FINGERPRINT_LEN];
    guint8 again[EHD_FINGERPRINT_LEN];
    char text[EHD_FINGERPRINT_TEXT];
    ehd_fingerprint_of_key(key, fingerprint);
    ehd_fingerprint_format(fingerprint, text);
    g_assert_cmpstr(text, ==,
                    "a1e9156054e04fac899ae9f275132cdc07a5dbc4ea2c2ad3a1ffc6e0d253681f");
    g_assert_true(ehd_fingerprint_parse(text, again));
    g_assert_cmpmem(again, sizeof again, fingerprint, sizeof fingerprint);
    g_assert_true(ehd_fingerprint_matches(fingerprint, text));
    text[8] = '\0';
    g_assert_true(ehd_fingerprint_matches(fingerprint, text));
    g_assert_false(ehd_fingerprint_parse(text, again));
    text[7] = text[7] == '0' ? '1' : '0';
    g_assert_false(ehd_fingerprint_matches(fingerprint, text));
    g_assert_false(ehd_fingerprint_matches(fingerprint, ""));
    g_assert_false(ehd_fingerprint_matches(fingerprint, "zzzzzzzz"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/store/display/table", test_table);
    g_test_add_func("/store/display/cut", test_cut);
    g_test_add_func("/store/fingerprint", test_fingerprint);
    return g_test_run();
}
