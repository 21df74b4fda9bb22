/* SPDX-License-Identifier: Apache-2.0
 *
 * Narratives that were made to harm, and texts that were made to deceive.
 */
#include <string.h>

#include "lib/record/narrative.h"
#include "lib/record/shown.h"

static const struct {
    const char *in, *html, *text;
    gboolean left_out;
} cases[] = {
    {"<div xmlns=\"http://www.w3.org/1999/xhtml\"><p>a <b>b</b></p></div>",
     "<div><p>a <b>b</b></p></div>", "a b", FALSE},
    {"<p>a<script>alert(1)</script>b</p>", "<p>ab</p>", "ab", TRUE},
    {"<p>a<SCRIPT src='http://x/y'/>b</p>", "<p>ab</p>", "ab", TRUE},
    {"<p>a<script>never closed", "<p>a</p>", "a", TRUE},
    {"<script><script></script>x</script>y", "y", "y", TRUE},
    {"<p onclick=\"x()\" onload='y' style='position:fixed' id=a class=b>c</p>", "<p>c</p>", "c",
     FALSE},
    {"<a href=\"javascript:alert(1)\">see</a>", "see", "see", FALSE},
    {"<a href='java&#115;cript:x'>see</a>", "see", "see", FALSE},
    {"<img src=x onerror=alert(1)>", "", "", TRUE},
    {"<svg onload=x><p>y</p></svg>z", "z", "z", TRUE},
    {"<style>p{background:url(http://x)}</style>a", "a", "a", TRUE},
    {"<iframe src='http://x'></iframe><object data=x></object>a", "a", "a", TRUE},
    {"<form action='http://x'><input value=v>a</form>", "a", "a", FALSE},
    {"<meta http-equiv=refresh content='0;http://x'><base href=x><link rel=x>a", "a", "a",
     FALSE},
    {"<!DOCTYPE d [<!ENTITY a \"aaa\"><!ENTITY b \"&a;&a;\">]><p>&b;</p>", "<p>&amp;b;</p>",
     "&b;", TRUE},
    {"<!-- <p> --><p>a</p><?php x?>", "<p>a</p>", "a", TRUE},
    {"<![CDATA[<script>x</script>]]>", "&lt;script&gt;x&lt;/script&gt;", "<script>x</script>",
     FALSE},
    {"&lt;script&gt;&#60;b&#x3E;", "&lt;script&gt;&lt;b&gt;", "<script><b>", FALSE},
    {"&nbsp;&auml;&#0;&#xD800;&#99999999999999999999;",
     "\u00a0ä\ufffd\ufffd&amp;#99999999999999999999;",
     "\u00a0ä\ufffd\ufffd&#99999999999999999999;", FALSE},
    {"</div></section></body>a", "a", "a", FALSE},
    {"<b><p>a</b>c</p>", "<b><p>a</p></b>c", "a\nc", FALSE},
    {"<h1>t</h1>", "<p class=\"heading\">t</p>", "t", FALSE},
    {"<p style=\"text-decoration: line-through\">x</p>", "<p class=\"struck\">x</p>", "~~x",
     FALSE},
    {"<del>5 mg</del> 6 mg", "<s>5 mg</s> 6 mg", "~~5 mg~~ 6 mg", FALSE},
    {"<table><tr><th colspan=\"2\">h</th></tr><tr><td>a</td><td>b</td></tr></table>",
     "<table><tr><th colspan=\"2\">h</th></tr><tr><td>a</td><td>b</td></tr></table>",
     "h\na | b", FALSE},
    {"<td colspan='2\"onx=y'>a</td>", "<td colspan=\"2\">a</td>", "a", FALSE},
    {"<p lang='de\" onclick=x' dir='up'>a</p>", "<p>a</p>", "a", FALSE},
    {"<p xml:lang='de'>a</p>", "<p lang=\"de\">a</p>", "a", FALSE},
    {"<bdo dir='rtl'>15</bdo>", "<bdi dir=\"rtl\">15</bdi>", "15", FALSE},
    {"a < b <= c", "a &lt; b &lt;= c", "a < b <= c", FALSE},
    {"<ul><li>a</li><li>b</li></ul>", "<ul><li>a</li><li>b</li></ul>", "• a\n• b", FALSE},
    {"<p", "<p></p>", "", FALSE},
    {"<p a='", "<p></p>", "", FALSE},
    {"\033[2J\033]0;x\a", "\ufffd[2J\ufffd]0;x\ufffd", "\033[2J\033]0;x\a", FALSE},
};

static void
test_cases(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        gboolean left_out = FALSE;
        g_autofree char *html = erec_narrative_html(cases[i].in, &left_out);
        g_autofree char *text = erec_narrative_text(cases[i].in, NULL);

        g_test_message("%s", cases[i].in);
        g_assert_cmpstr(html, ==, cases[i].html);
        g_assert_cmpint(left_out, ==, cases[i].left_out);
        g_assert_cmpstr(text, ==, cases[i].text);
    }
}

/* As deep as it likes: what is below the bound keeps its text. */
static void
test_deep(void)
{
    g_autoptr(GString) deep = g_string_new(NULL);
    g_autofree char *html = NULL;

    for (guint i = 0; i < 100000; i++)
        g_string_append(deep, "<div>");
    g_string_append(deep, "end");
    html = erec_narrative_html(deep->str, NULL);
    g_assert_nonnull(strstr(html, "end"));
    g_assert_cmpuint(strlen(html), <, 2000);
}

static void
test_shown(void)
{
    static const struct {
        const char *in, *out;
    } texts[] = {
        {"a\tb\r\n c", "a b c"},
        {"\033[31mred\a\x7f", "\ufffd[31mred\ufffd\ufffd"},
        {"\u202e15 mg", "\ufffd15 mg"},
        {"\u2069x", "x"},
        {"\u2067x", "\u2067x\u2069"},
        {"\u2067x\u2069y", "\u2067x\u2069y"},
        {"شامل", "شامل"},
        {"a\xff", "a\ufffd"},
        {"\xc2\x9b" "1m", "\ufffd1m"},
        {NULL, ""},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        g_autofree char *out = erec_shown_new(texts[i].in);

        g_assert_cmpstr(out, ==, texts[i].out);
    }
}

/* A part of an isolated text, cut in the middle, reaches no further than its line. */
static void
test_part(void)
{
    g_autoptr(GString) out = g_string_new(NULL);
    const char *text = "\u2067ab\u2069";

    erec_shown_part(out, text, 4, TRUE); /* up to "a" */
    g_assert_cmpstr(out->str, ==, "\u2068\u2067a\u2069\u2069");
    g_string_truncate(out, 0);
    erec_shown_part(out, text + 4, strlen(text) - 4, TRUE); /* "b" and an end */
    g_assert_cmpstr(out->str, ==, "\u2068b\u2069");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/narrative/cases", test_cases);
    g_test_add_func("/narrative/deep", test_deep);
    g_test_add_func("/shown/texts", test_shown);
    g_test_add_func("/shown/part", test_part);
    return g_test_run();
}
