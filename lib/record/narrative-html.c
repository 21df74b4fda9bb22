/* SPDX-License-Identifier: Apache-2.0
 *
 * A narrative as markup: see narrative.h.
 */
#include "lib/record/narrative-private.h"

#include "lib/record/shown.h"

static void
start(ErecTag tag, const ErecAttributes *a, gpointer user_data)
{
    GString *out = user_data;

    g_string_append_printf(out, "<%s", erec_tag_out(tag));
    if (erec_tag_shape(tag) == EREC_SHAPE_CELL && a->colspan > 0)
        g_string_append_printf(out, " colspan=\"%u\"", a->colspan);
    if (erec_tag_shape(tag) == EREC_SHAPE_CELL && a->rowspan > 0)
        g_string_append_printf(out, " rowspan=\"%u\"", a->rowspan);
    if (a->lang[0] != '\0')
        g_string_append_printf(out, " lang=\"%s\"", a->lang);
    if (a->dir[0] != '\0')
        g_string_append_printf(out, " dir=\"%s\"", a->dir);
    if (a->struck)
        g_string_append(out, " class=\"struck\"");
    else if (tag >= EREC_TAG_h1 && tag <= EREC_TAG_h6)
        g_string_append(out, " class=\"heading\"");
    g_string_append_c(out, '>');
}

static void
end(ErecTag tag, gpointer user_data)
{
    g_string_append_printf(user_data, "</%s>", erec_tag_out(tag));
}

static void
text(gunichar c, gpointer user_data)
{
    GString *out = user_data;

    switch (c) {
    case '<':
        g_string_append(out, "&lt;");
        break;
    case '>':
        g_string_append(out, "&gt;");
        break;
    case '&':
        g_string_append(out, "&amp;");
        break;
    case '\n':
    case '\t':
        g_string_append_c(out, (char)c);
        break;
    default:
        g_string_append_unichar(out, erec_shown_char(c));
    }
}

char *
erec_narrative_html(const char *xhtml, gboolean *left_out)
{
    static const ErecNarrativeSink sink = {start, end, text};
    GString *out = g_string_new(NULL);

    erec_narrative_read(xhtml != NULL ? xhtml : "", &sink, out, left_out);
    return g_string_free(out, FALSE);
}
