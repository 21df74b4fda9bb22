/* SPDX-License-Identifier: Apache-2.0
 *
 * See shown.h. Linear in the text.
 */
#include "lib/record/shown.h"

#include <string.h>

#define LRI          0x2066
#define FSI          0x2068
#define PDI          0x2069
/* As deep as the bidirectional algorithm itself goes. */
#define ISOLATES_MAX 125

static gboolean
is_isolate(gunichar c)
{
    return c >= LRI && c <= FSI;
}

/* What acts on more than itself, or is there and cannot be seen. Embeddings and overrides
 * (U+202A–E) can turn "15" into "51"; isolates are the way to write what they were for. */
static gboolean
is_harmful(gunichar c)
{
    return (c >= 0x202A && c <= 0x202E) || (c >= 0x206A && c <= 0x206F) || c == 0xFEFF ||
           (c >= 0xFFF9 && c <= 0xFFFB) || (c >= 0xE0000 && c <= 0xE0FFF) ||
           g_unichar_iscntrl(c) || !g_unichar_validate(c);
}

static void
append_balanced(GString *out, gunichar c, guint *open)
{
    if (is_isolate(c)) {
        if (*open >= ISOLATES_MAX)
            return;
        (*open)++;
    } else if (c == PDI) {
        if (*open == 0)
            return;
        (*open)--;
    }
    g_string_append_unichar(out, c);
}

static void
close_all(GString *out, guint open)
{
    while (open-- > 0)
        g_string_append_unichar(out, PDI);
}

static char *
shown(const char *text, gboolean lines)
{
    g_autofree char *valid = g_utf8_make_valid(text != NULL ? text : "", -1);
    GString *out = g_string_sized_new(strlen(valid));
    gboolean space = FALSE;
    guint open = 0;

    for (const char *p = valid; *p != '\0'; p = g_utf8_next_char(p)) {
        const gunichar c = g_utf8_get_char(p);

        if (lines && c == '\n') {
            close_all(out, open);
            open = 0;
            space = FALSE;
            g_string_append_c(out, '\n');
        } else if (c == ' ' || (c >= '\t' && c <= '\r') || c == 0x2028 || c == 0x2029 ||
                   c == 0x85) {
            space = TRUE;
        } else {
            if (space && out->len > 0 && out->str[out->len - 1] != '\n')
                g_string_append_c(out, ' ');
            space = FALSE;
            append_balanced(out, is_harmful(c) ? 0xFFFD : c, &open);
        }
    }
    close_all(out, open);
    return g_string_free(out, FALSE);
}

char *
erec_shown_new(const char *text)
{
    return shown(text, FALSE);
}

char *
erec_shown_lines(const char *text)
{
    return shown(text, TRUE);
}

void
erec_shown_part(GString *out, const char *part, gsize length, gboolean isolate)
{
    guint open = 0;

    if (isolate)
        g_string_append_unichar(out, FSI);
    for (const char *p = part; p < part + length; p = g_utf8_next_char(p))
        append_balanced(out, g_utf8_get_char(p), &open);
    close_all(out, open);
    if (isolate)
        g_string_append_unichar(out, PDI);
}

gunichar
erec_shown_char(gunichar c)
{
    return is_harmful(c) ? 0xFFFD : c;
}

guint
erec_shown_cells(gunichar c)
{
    if (g_unichar_iszerowidth(c) || g_unichar_ismark(c))
        return 0;
    return g_unichar_iswide(c) ? 2 : 1;
}
