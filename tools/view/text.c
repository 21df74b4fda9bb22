/* SPDX-License-Identifier: Apache-2.0
 *
 * A ViewPage on a terminal, or into a pipe. Text wraps at words and is never cut; each piece of
 * a record's text is isolated (FSI, PDI) on each line, so that no line's reading order depends
 * on another's.
 */
#include <glib/gi18n.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "lib/record/narrative.h"
#include "lib/record/shown.h"
#include "tools/common/output.h"
#include "tools/view/page.h"

#define WIDTH_DEFAULT 80
#define WIDTH_MIN     24

typedef struct {
    ViewPage page;
    gboolean narratives, colour;
    gboolean alarm; /* this paragraph is to be seen first */
    guint width;
    /* of the paragraph that is being set */
    GString *out; /* one line */
    guint used, indent;
    const ViewSpan *open; /* whose piece is being collected */
    GString *piece;
} Text;

/* --- setting a paragraph --------------------------------------------------------------------
 */

static void
end_piece(Text *self)
{
    const ViewSpan *span = self->open;

    if (span == NULL || self->piece->len == 0)
        return;
    if (self->colour && span->strong)
        g_string_append(self->out, "\033[1m");
    erec_shown_part(self->out, self->piece->str, self->piece->len, span->theirs);
    if (self->colour && span->strong)
        g_string_append(self->out, "\033[22m");
    g_string_truncate(self->piece, 0);
}

static void
end_line(Text *self)
{
    end_piece(self);
    g_strchomp(self->out->str);
    if (self->colour && self->alarm)
        output_line("\033[31m%s\033[39m", self->out->str);
    else
        output_line("%s", self->out->str);
    g_string_truncate(self->out, 0);
    for (guint i = 0; i < self->indent; i++)
        g_string_append_c(self->out, ' ');
    self->used = self->indent;
}

static guint
cells_of(const char *text, gsize length)
{
    guint cells = 0;

    for (const char *p = text; p < text + length; p = g_utf8_next_char(p))
        cells += erec_shown_cells(g_utf8_get_char(p));
    return cells;
}

/* A word that is longer than a line goes on in the next. */
static void
put_long(Text *self, const char *word, gsize length)
{
    for (const char *p = word; p < word + length; p = g_utf8_next_char(p)) {
        const gunichar c = g_utf8_get_char(p);
        const guint cells = erec_shown_cells(c);

        if (self->used + cells > self->width && self->used > self->indent)
            end_line(self);
        g_string_append_unichar(self->piece, c);
        self->used += cells;
    }
}

/* What belongs together without a space between it, over several spans: a word may end in the
 * next span ("Penicillin" "; "). */
static void
put_span(Text *self, const ViewSpan *span)
{
    const char *p = span->text;

    end_piece(self);
    self->open = span;
    while (*p != '\0') {
        const gsize space = strspn(p, " "), length = strcspn(p + space, " ");
        const guint cells = cells_of(p + space, length);

        if (space > 0 && self->used > self->indent && self->used + 1 + cells > self->width) {
            end_line(self);
        } else if (space > 0 && self->used > self->indent) {
            g_string_append_c(self->piece, ' ');
            self->used++;
        } else if (space == 0 && self->used > self->indent && cells > 1 &&
                   self->used + cells > self->width) {
            end_line(self);
        }
        put_long(self, p + space, length);
        p += space + length;
    }
}

static void
set_line(Text *self, guint first, guint indent, const char *bullet, const ViewLine *line)
{
    g_string_truncate(self->out, 0);
    for (guint i = 0; i < first; i++)
        g_string_append_c(self->out, ' ');
    g_string_append(self->out, bullet);
    self->indent = MIN(indent, self->width / 2);
    self->used = first + cells_of(bullet, strlen(bullet));
    self->open = NULL;
    for (guint i = 0; i < line->len; i++)
        put_span(self, &g_array_index(line, ViewSpan, i));
    end_line(self);
    self->open = NULL;
}

/* --- the page ------------------------------------------------------------------------------
 */

static void
show_heading(ViewPage *page, guint level, const ViewLine *line)
{
    Text *self = (Text *)page;
    static const char *const marks[] = {"", "=== ", "--- ", "  "};
    g_autoptr(ViewLine) strong = view_line_new();

    for (guint i = 0; i < line->len; i++) {
        const ViewSpan *span = &g_array_index(line, ViewSpan, i);

        if (span->theirs)
            view_line_theirs_strong(strong, span->text, span->lang);
        else
            view_line_strong(strong, span->text);
    }
    if (level == 3)
        view_line_ours(strong, ":");
    output_line("%s", "");
    set_line(self, 0, 4, marks[level], strong);
}

static void
show_line(ViewPage *page, ViewKind kind, guint depth, const ViewLine *line)
{
    Text *self = (Text *)page;
    const guint left = 2 + 2 * MIN(depth, 6);

    switch (kind) {
    case VIEW_PLAIN:
        set_line(self, 2, 2, "", line);
        break;
    case VIEW_BANNER:
    case VIEW_WARNING:
        self->alarm = TRUE;
        set_line(self, 0, 2, "! ", line);
        self->alarm = FALSE;
        break;
    case VIEW_ITEM:
        set_line(self, left, left + 2, "• ", line);
        break;
    case VIEW_DETAIL:
        set_line(self, left + 2, left + 2, "", line);
        break;
    }
}

static void
say(Text *self, const char *text)
{
    g_autoptr(ViewLine) line = view_line_ours(view_line_new(), text);

    set_line(self, 4, 4, "", line);
}

static void
show_narrative(ViewPage *page, const ViewLine *title, const char *xhtml, const char *language,
               ViewPlace place)
{
    Text *self = (Text *)page;
    gboolean left_out = FALSE;

    (void)title;
    if ((place & VIEW_HERE) == 0 && !self->narratives)
        return;
    g_autofree char *raw = erec_narrative_text(xhtml, &left_out);
    g_autofree char *text = erec_shown_lines(raw);
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);

    say(self, _("Original narrative:"));
    for (char **at = lines; *at != NULL; at++) {
        g_autoptr(ViewLine) line = view_line_theirs(view_line_new(), *at, language);

        set_line(self, 4, 6, "│ ", line);
    }
    if (left_out)
        say(self, _("(Something in it that is not plain text was left out.)"));
}

static gboolean
show_picture(ViewPage *page, const ViewRecord *record)
{
    (void)page;
    (void)record; /* a terminal has none: that it is a picture is said */
    return TRUE;
}

static void
text_free(ViewPage *page)
{
    Text *self = (Text *)page;

    g_string_free(self->out, TRUE);
    g_string_free(self->piece, TRUE);
    g_free(self);
}

static guint
terminal_width(void)
{
    const char *columns = g_getenv("COLUMNS");
    struct winsize size = {0};
    guint64 width = columns != NULL ? g_ascii_strtoull(columns, NULL, 10) : 0;

    if (width == 0 && ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0)
        width = size.ws_col;
    if (width == 0)
        width = WIDTH_DEFAULT;
    return (guint)CLAMP(width, WIDTH_MIN, 1000);
}

ViewPage *
view_text_new(const char *language, gboolean narratives)
{
    static const ViewPageClass class = {show_heading, show_line, show_narrative, show_picture,
                                        text_free};
    Text *self = g_new0(Text, 1);

    self->page = (ViewPage){&class, language, NULL};
    self->narratives = narratives;
    self->colour = isatty(STDOUT_FILENO) && g_getenv("NO_COLOR") == NULL &&
                   g_strcmp0(g_getenv("TERM"), "dumb") != 0;
    self->width = terminal_width();
    self->out = g_string_new(NULL);
    self->piece = g_string_new(NULL);
    return &self->page;
}
