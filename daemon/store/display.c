/* SPDX-License-Identifier: Apache-2.0
 *
 * Names of strangers, made safe for a screen. Owns the choice of what a name may hold.
 */
#include "daemon/store/display.h"

#include <string.h>

/* Stacked marks spill over the lines above and below ("zalgo"); real names need at most two. */
#define MARKS_MAX 2

/* Zero-width joiners go with the other format characters: in a name they can make two
 * different byte strings look the same, which is worth more than a ligature. */
static gboolean
is_shown(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return FALSE;
    default:
        return TRUE;
    }
}

static gboolean
is_blank(gunichar c)
{
    return g_unichar_isspace(c) || g_unichar_type(c) == G_UNICODE_LINE_SEPARATOR ||
           g_unichar_type(c) == G_UNICODE_PARAGRAPH_SEPARATOR;
}

typedef struct {
    char *dst;
    gsize room; /* bytes left, the NUL apart */
    gsize used;
    guint marks;
    gboolean blank_due; /* a run of white space waits for what follows it */
} Writer;

static gboolean
put(Writer *w, gunichar c)
{
    char utf8[6];
    gsize length = (gsize)g_unichar_to_utf8(c, utf8);
    gsize blank = w->blank_due && w->used > 0 ? 1 : 0;
    if (length + blank > w->room - w->used)
        return FALSE;
    if (blank)
        w->dst[w->used++] = ' ';
    w->blank_due = FALSE;
    memcpy(w->dst + w->used, utf8, length);
    w->used += length;
    return TRUE;
}

static gboolean
too_many_marks(Writer *w, gunichar c)
{
    w->marks = g_unichar_ismark(c) ? w->marks + 1 : 0;
    return w->marks > MARKS_MAX;
}

gboolean
ehd_display_copy(char *dst, gsize size, const void *src, gsize length)
{
    const char *at = src;
    const char *end = at + length;
    Writer w = {.dst = dst, .room = size - 1};
    while (at < end) {
        gunichar c = g_utf8_get_char_validated(at, end - at);
        gboolean valid = c != (gunichar)-1 && c != (gunichar)-2;
        at += valid ? g_unichar_to_utf8(c, NULL) : 1;
        if (!valid)
            c = 0xfffd;
        if (is_blank(c)) {
            w.blank_due = TRUE;
            continue;
        }
        if (!is_shown(c) || too_many_marks(&w, c))
            continue;
        if (!put(&w, c))
            break;
    }
    dst[w.used] = '\0';
    return w.used == length && memcmp(dst, src, length) == 0;
}
