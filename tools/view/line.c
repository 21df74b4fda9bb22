/* SPDX-License-Identifier: Apache-2.0
 *
 * See line.h.
 */
#include "tools/view/line.h"

#include "lib/record/shown.h"

static void
span_clear(gpointer data)
{
    ViewSpan *span = data;

    g_free(span->text);
    g_free(span->lang);
}

ViewLine *
view_line_new(void)
{
    GArray *self = g_array_new(FALSE, TRUE, sizeof(ViewSpan));

    g_array_set_clear_func(self, span_clear);
    return self;
}

void
view_line_free(ViewLine *self)
{
    g_array_unref(self);
}

static ViewLine *
add(ViewLine *self, ViewSpan span)
{
    g_array_append_val(self, span);
    return self;
}

ViewLine *
view_line_ours(ViewLine *self, const char *text)
{
    return add(self, (ViewSpan){.text = g_strdup(text)});
}

ViewLine *
view_line_strong(ViewLine *self, const char *text)
{
    return add(self, (ViewSpan){.text = g_strdup(text), .strong = TRUE});
}

ViewLine *
view_line_theirs(ViewLine *self, const char *text, const char *lang)
{
    return add(self, (ViewSpan){.text = erec_shown_new(text),
                                .lang = lang != NULL ? erec_shown_new(lang) : NULL,
                                .theirs = TRUE});
}

ViewLine *
view_line_theirs_strong(ViewLine *self, const char *text, const char *lang)
{
    view_line_theirs(self, text, lang);
    g_array_index(self, ViewSpan, self->len - 1).strong = TRUE;
    return self;
}
