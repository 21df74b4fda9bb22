/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8: hand-picked edges, and agreement with GLib on every sequence that can matter.
 */
#include "proto/utf8.h"

#include <glib.h>
#include <string.h>

static const struct {
    const char *text;
    bool valid;
} cases[] = {
    {"", true},
    {"plain", true},
    {"\x7f", true},
    {"\xc2\x80", true},
    {"\xc3\xbc\xe2\x82\xac\xf0\x9f\x8f\xa5", true},
    {"\xed\x9f\xbf\xee\x80\x80", true},
    {"\xf4\x8f\xbf\xbf", true},
    {"\xef\xbf\xbf", true}, /* a noncharacter is still UTF-8 */
    {"\x80", false},
    {"\xc3", false},
    {"\xc3(", false},
    {"\xc0\xaf", false}, /* overlong "/" */
    {"\xc1\xbf", false},
    {"\xe0\x80\xaf", false},
    {"\xe0\x9f\xbf", false},
    {"\xf0\x8f\xbf\xbf", false},
    {"\xed\xa0\x80", false},     /* surrogate */
    {"\xf4\x90\x80\x80", false}, /* above U+10FFFF */
    {"\xf5\x80\x80\x80", false},
    {"\xff", false},
    {"\xe2\x82", false},
    {"\xf0\x9f\x8f", false},
    {"\xe2\x82\x41", false},
    {"ok\xfe", false},
};

static void
test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++)
        g_assert_cmpint(ehp_utf8_valid((const uint8_t *)cases[i].text, strlen(cases[i].text)),
                        ==, cases[i].valid);
}

static void
test_no_nul(void)
{
    g_assert_false(ehp_utf8_valid((const uint8_t *)"a\0b", 3));
    g_assert_false(ehp_utf8_valid((const uint8_t *)"", 1));
    g_assert_true(ehp_utf8_valid(NULL, 0));
}

static void
test_agrees_with_glib(void)
{
    static const uint8_t edge[] = {0x01, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0, 0xbf, 0xc0,
                                   0xc2, 0xdf, 0xe0, 0xed, 0xef, 0xf0, 0xf4, 0xf5, 0xff};
    const size_t n = G_N_ELEMENTS(edge);

    for (unsigned first = 0; first < 256; first++)
        for (size_t i = 0; i < n * n * n; i++)
            for (size_t len = 1; len <= 4; len++) {
                const uint8_t s[4] = {(uint8_t)first, edge[i % n], edge[i / n % n],
                                      edge[i / n / n]};

                if (ehp_utf8_valid(s, len) != g_utf8_validate_len((const char *)s, len, NULL))
                    g_error("%02x %02x %02x %02x, %zu bytes", s[0], s[1], s[2], s[3], len);
            }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/utf8/cases", test_cases);
    g_test_add_func("/utf8/nul", test_no_nul);
    g_test_add_func("/utf8/glib", test_agrees_with_glib);
    return g_test_run();
}
