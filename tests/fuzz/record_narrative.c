/* SPDX-License-Identifier: Apache-2.0
 *
 * A narrative of any bytes: the markup that comes out has no element and no attribute but the
 * allowed ones, is balanced, and has nothing in it that a terminal or a browser acts on.
 */
#include <string.h>

#include "lib/record/narrative-private.h"
#include "lib/record/shown.h"
#include "tests/fuzz/fuzz.h"

#define OPEN_MAX 100

static gboolean
is_allowed(const char *name, gsize length)
{
    for (guint tag = 1; tag < EREC_N_TAGS; tag++)
        if (strlen(erec_tag_out(tag)) == length &&
            strncmp(erec_tag_out(tag), name, length) == 0)
            return TRUE;
    return FALSE;
}

static gboolean
is_void(const char *name, gsize length)
{
    return (length == 2 && (strncmp(name, "br", 2) == 0 || strncmp(name, "hr", 2) == 0));
}

/* Behind the name: only attributes of ours, their values without anything to be escaped. */
static const char *
check_attributes(const char *p)
{
    while (*p == ' ') {
        const gsize name = strcspn(p + 1, "=>");
        gsize value;

        FUZZ_CHECK(p[1 + name] == '=' && p[2 + name] == '"');
        FUZZ_CHECK((name == 7 && strncmp(p + 1, "colspan", 7) == 0) ||
                   (name == 7 && strncmp(p + 1, "rowspan", 7) == 0) ||
                   (name == 4 && strncmp(p + 1, "lang", 4) == 0) ||
                   (name == 3 && strncmp(p + 1, "dir", 3) == 0) ||
                   (name == 5 && strncmp(p + 1, "class", 5) == 0));
        p += 3 + name;
        value = strspn(p, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");
        FUZZ_CHECK(p[value] == '"');
        p += value + 1;
    }
    FUZZ_CHECK(*p == '>');
    return p + 1;
}

static void
check_html(const char *html)
{
    struct {
        const char *name;
        gsize length;
    } open[OPEN_MAX];
    guint depth = 0;
    const char *p = html;

    while ((p = strchr(p, '<')) != NULL) {
        const gboolean ends = p[1] == '/';
        const char *name = p + (ends ? 2 : 1);
        const gsize length = strcspn(name, " >");

        FUZZ_CHECK(is_allowed(name, length));
        if (ends) {
            FUZZ_CHECK(depth > 0 && open[depth - 1].length == length &&
                       strncmp(open[depth - 1].name, name, length) == 0);
            depth--;
            FUZZ_CHECK(name[length] == '>');
            p = name + length + 1;
            continue;
        }
        p = check_attributes(name + length);
        if (is_void(name, length))
            continue;
        FUZZ_CHECK(depth < OPEN_MAX);
        open[depth].name = name;
        open[depth++].length = length;
    }
    FUZZ_CHECK(depth == 0);
}

static void
check_controls(const char *text)
{
    FUZZ_CHECK(g_utf8_validate(text, -1, NULL));
    for (const char *p = text; *p != '\0'; p = g_utf8_next_char(p)) {
        const gunichar c = g_utf8_get_char(p);

        FUZZ_CHECK(c == '\n' || c == '\t' || !g_unichar_iscntrl(c));
        FUZZ_CHECK(c < 0x202A || c > 0x202E);
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autofree char *xhtml = g_strndup((const char *)data, size);
    g_autofree char *html = erec_narrative_html(xhtml, NULL);
    g_autofree char *text = erec_narrative_text(xhtml, NULL);
    g_autofree char *lines = erec_shown_lines(text);
    g_autofree char *line = erec_shown_new(xhtml);

    check_html(html);
    check_controls(html);
    check_controls(lines);
    check_controls(line);
    FUZZ_CHECK(strchr(line, '\n') == NULL);
    return 0;
}
