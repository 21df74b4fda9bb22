/* SPDX-License-Identifier: Apache-2.0
 *
 * A narrative as lines of text: see narrative.h.
 */
#include "lib/record/narrative-private.h"

typedef struct {
    GString *out;
    gboolean space; /* white space is due before the next character */
    gboolean cell;  /* a cell came before in this row */
    guint pre;      /* depth of <pre> */
} Writer;

static gboolean
at_line_start(const Writer *w)
{
    return w->out->len == 0 || w->out->str[w->out->len - 1] == '\n';
}

static void
new_line(Writer *w)
{
    if (!at_line_start(w))
        g_string_append_c(w->out, '\n');
    w->space = FALSE;
}

static void
start(ErecTag tag, const ErecAttributes *a, gpointer user_data)
{
    Writer *w = user_data;

    switch (erec_tag_shape(tag)) {
    case EREC_SHAPE_PRE:
        w->pre++;
        new_line(w);
        break;
    case EREC_SHAPE_BLOCK:
    case EREC_SHAPE_VOID:
        new_line(w);
        break;
    case EREC_SHAPE_ITEM:
        new_line(w);
        g_string_append(w->out, "• ");
        break;
    case EREC_SHAPE_ROW:
        new_line(w);
        w->cell = FALSE;
        break;
    case EREC_SHAPE_CELL:
        if (w->cell) {
            g_string_append(w->out, at_line_start(w) ? "| " : " | ");
            w->space = FALSE;
        }
        w->cell = TRUE;
        break;
    case EREC_SHAPE_INLINE:
        break;
    }
    if (a->struck || tag == EREC_TAG_s || tag == EREC_TAG_strike || tag == EREC_TAG_del)
        g_string_append(w->out, "~~");
}

static void
end(ErecTag tag, gpointer user_data)
{
    Writer *w = user_data;

    if (tag == EREC_TAG_s || tag == EREC_TAG_strike || tag == EREC_TAG_del)
        g_string_append(w->out, "~~");
    switch (erec_tag_shape(tag)) {
    case EREC_SHAPE_PRE:
        w->pre--;
        new_line(w);
        break;
    case EREC_SHAPE_BLOCK:
    case EREC_SHAPE_ITEM:
    case EREC_SHAPE_ROW:
        new_line(w);
        break;
    case EREC_SHAPE_CELL:
    case EREC_SHAPE_INLINE:
    case EREC_SHAPE_VOID:
        break;
    }
}

static void
text(gunichar c, gpointer user_data)
{
    Writer *w = user_data;

    if (w->pre > 0 && c == '\n') {
        g_string_append_c(w->out, '\n');
        return;
    }
    if (c == ' ' || c == '\t' || c == '\n' || c == '\r') {
        w->space = TRUE;
        return;
    }
    if (w->space && !at_line_start(w))
        g_string_append_c(w->out, ' ');
    w->space = FALSE;
    g_string_append_unichar(w->out, c);
}

char *
erec_narrative_text(const char *xhtml, gboolean *left_out)
{
    static const ErecNarrativeSink sink = {start, end, text};
    Writer writer = {.out = g_string_new(NULL)};

    erec_narrative_read(xhtml != NULL ? xhtml : "", &sink, &writer, left_out);
    return g_strchomp(g_string_free(writer.out, FALSE));
}
