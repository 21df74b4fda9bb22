/* SPDX-License-Identifier: Apache-2.0
 *
 * Safe names and texts: a table of what has hurt others, and properties that hold for any
 * bytes.
 */
#include <string.h>

#include "ehrlink.h"

static const struct {
    const char *name;
    guint number;
    const char *safe;
} names[] = {
    {"summary.json", 0, "summary.json"},
    {"summary.json", 1, "summary.json"},
    {"summary.json", 2, "summary (2).json"},
    {"volume.nii.gz", 3, "volume (3).nii.gz"},
    {"README", 2, "README (2)"},
    {"Ärztlicher Bericht.pdf", 0, "Ärztlicher Bericht.pdf"},
    {"診療情報.xml", 2, "診療情報 (2).xml"},
    /* nothing */
    {NULL, 0, "item"},
    {"", 0, "item"},
    {"...", 0, "item"},
    {" ", 0, "item"},
    {"-", 2, "item (2)"},
    {"a/", 0, "item"},
    /* paths */
    {"../../etc/passwd", 0, "passwd"},
    {"/etc/shadow", 0, "shadow"},
    {"..", 0, "item"},
    {"a/../b", 0, "b"},
    {"C:\\Windows\\win.ini", 0, "win.ini"},
    {"..\\..\\x", 0, "x"},
    /* hidden files, options, shells */
    {".bashrc", 0, "bashrc"},
    {"._x.pdf", 0, "_x.pdf"},
    {"--output=x", 0, "output=x"},
    {" .- .hidden", 0, "hidden"},
    /* controls */
    {"a\nb.txt", 0, "ab.txt"},
    {"a\x1b[31mred.txt", 0, "a[31mred.txt"},
    {"a\x7f.txt", 0, "a.txt"},
    {"a\xc2\x9b.txt", 0, "a.txt"},
    {"a\tb", 0, "ab"},
    /* direction: "exe.cod" seen as "doc.exe" */
    {"report\xe2\x80\xae"
     "fdp.exe",
     0, "reportfdp.exe"},
    {"a\xe2\x81\xa6"
     "b\xe2\x81\xa9.pdf",
     0, "ab.pdf"},
    {"\xe2\x80\x8f.pdf", 0, "pdf"},
    /* invisible: zero width, fillers, variation selectors, tags, byte order mark */
    {"a\xe2\x80\x8b.pdf", 0, "a.pdf"},
    {"a\xe3\x85\xa4.pdf", 0, "a.pdf"},
    {"a\xef\xb8\x8f.pdf", 0, "a.pdf"},
    {"a\xf3\xa0\x81\x81.pdf", 0, "a.pdf"},
    {"\xef\xbb\xbf"
     "a.pdf",
     0, "a.pdf"},
    {"a\xc2\xa0"
     "b.pdf",
     0, "a b.pdf"},
    {"\xcc\x81"
     "a.pdf",
     0, "a.pdf"},
    /* not UTF-8: Latin-1, overlong slash, surrogate, cut off */
    {"\xe4.pdf", 0, "_.pdf"},
    {"a\xc0\xaf"
     "b",
     0, "a__b"},
    {"a\xed\xa0\x80"
     "b",
     0, "a___b"},
    {"a\xf0\x9f\x98", 0, "a___"},
    /* Windows */
    {"a<b>c:d\"e|f?g*h", 0, "a_b_c_d_e_f_g_h"},
    {"file.txt:stream", 0, "file.txt_stream"},
    {"trailing. . .", 0, "trailing"},
    {"CON", 0, "_CON"},
    {"con.txt", 0, "_con.txt"},
    {"Nul .tar.gz", 0, "_Nul .tar.gz"},
    {"COM1", 0, "_COM1"},
    {"com9.json", 2, "_com9 (2).json"},
    {"LPT\xc2\xb9", 0, "_LPT\xc2\xb9"},
    {"COM10", 0, "COM10"},
    {"CONSOLE", 0, "CONSOLE"},
    {"AUX.", 0, "_AUX"},
    {"conin$", 0, "_conin$"},
};

static void
test_table(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(names); i++) {
        g_autofree char *safe = ehrlink_safe_name(names[i].name, names[i].number);

        g_assert_cmpstr(safe, ==, names[i].safe);
    }
}

static void
test_long(void)
{
    static const char *const units[] = {"a", "ä", "診", "😀", NULL};
    static const char *const extensions[] = {"", ".pdf", ".nii.gz", ".notanextension--", NULL};

    for (gsize u = 0; units[u] != NULL; u++) {
        for (gsize e = 0; extensions[e] != NULL; e++) {
            for (guint number = 0; number <= 4000000000u; number += 1333333333u) {
                g_autoptr(GString) name = g_string_new(NULL);
                g_autofree char *safe = NULL;

                for (guint i = 0; i < 300; i++)
                    g_string_append(name, units[u]);
                g_string_append(name, extensions[e]);
                safe = ehrlink_safe_name(name->str, number);
                g_assert_cmpuint(strlen(safe), <=, EHRLINK_SAFE_NAME_MAX);
                g_assert_cmpuint(strlen(safe), >, EHRLINK_SAFE_NAME_MAX - 4);
                g_assert_true(g_utf8_validate(safe, -1, NULL));
                if (e == 1 || e == 2)
                    g_assert_true(g_str_has_suffix(safe, extensions[e]));
                if (number > 1 && e == 0)
                    g_assert_true(g_str_has_suffix(safe, ")"));
            }
        }
    }
}

/* Whatever went in. */
static void
check(const char *input)
{
    g_autofree char *safe = ehrlink_safe_name(input, 0);
    g_autofree char *again = ehrlink_safe_name(safe, 0);
    g_autofree char *second = ehrlink_safe_name(input, 2);
    g_autofree char *text = ehrlink_safe_text(input, 7);

    g_assert_cmpstr(safe, ==, again);
    g_assert_cmpstr(safe, !=, second);
    g_assert_true(*safe != '\0' && *safe != '.' && *safe != '-' && *safe != ' ');
    g_assert_cmpuint(strlen(safe), <=, EHRLINK_SAFE_NAME_MAX);
    g_assert_cmpuint(strlen(second), <=, EHRLINK_SAFE_NAME_MAX);
    g_assert_true(g_utf8_validate(safe, -1, NULL) && g_utf8_validate(second, -1, NULL));
    g_assert_null(strpbrk(safe, "/\\<>:\"|?*\x7f"));
    for (const char *p = safe; *p != '\0'; p++)
        g_assert_true((guchar)*p >= 0x20);
    g_assert_true(g_utf8_validate(text, -1, NULL));
    g_assert_cmpint(g_utf8_strlen(text, -1), <=, 7);
}

static void
test_any_bytes(void)
{
    static const char alphabet[] =
        "aZ0 ./\\-_:*CONcom1\n\x1b\xc3\xa4\xe2\x80\xae\xf0\x9f\x98\x80\xff";
    char input[400];

    for (guint round = 0; round < 20000; round++) {
        gsize len = (gsize)g_test_rand_int_range(0, sizeof input - 1);

        for (gsize i = 0; i < len; i++)
            input[i] = round % 2 == 0 ? (char)g_test_rand_int_range(1, 256)
                                      : alphabet[g_test_rand_int_range(0, sizeof alphabet - 1)];
        input[len] = '\0';
        check(input);
    }
}

static const struct {
    const char *text;
    guint max;
    const char *safe;
} texts[] = {
    {NULL, 0, ""},
    {"Test Clinic", 0, "Test Clinic"},
    {"two\nlines\r\n", 0, "two lines  "},
    {"\x1b]0;title\x07", 0, "]0;title"},
    {"a\xe2\x80\xae"
     "b",
     0, "ab"},
    {"\xcc\x81"
     "a\xcc\x81",
     0, "a\xcc\x81"},
    {"a\xff"
     "b",
     0,
     "a\xef\xbf\xbd"
     "b"},
    {"Universitätsklinikum", 5, "Univ…"},
    {"Univ\xe2\x80\xae", 4, "Univ"},
    {"ab", 1, "…"},
    {"ab", 2, "ab"},
};

static void
test_texts(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *safe = ehrlink_safe_text(texts[i].text, texts[i].max);

        g_assert_cmpstr(safe, ==, texts[i].safe);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lib/name/table", test_table);
    g_test_add_func("/lib/name/long", test_long);
    g_test_add_func("/lib/name/any-bytes", test_any_bytes);
    g_test_add_func("/lib/name/texts", test_texts);
    return g_test_run();
}
