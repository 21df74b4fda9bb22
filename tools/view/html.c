/* SPDX-License-Identifier: Apache-2.0
 *
 * A ViewPage as one page that stands alone: no script, nothing loaded, a policy that forbids
 * both. Everything from a record passes escape() or erec_narrative_html(). The authors'
 * narratives stand at its end, a link away from where they belong, so that they are printed
 * too.
 */
#include <glib/gi18n.h>
#include <string.h>

#include "lib/record/narrative.h"
#include "lib/record/shown.h"
#include "tools/view/page.h"
#include "tools/view/preview.h"

/* A picture in the page; larger ones are only listed. */
#define PICTURE_MAX  (2u << 20)
#define PICTURES_MAX (16u << 20)

typedef struct {
    ViewPage page;
    GString *body, *narratives;
    guint in_record, in_section; /* open <section> elements */
    guint lists;                 /* open <ul><li> */
    guint n_records, n_sections, n_narratives;
    gsize pictures; /* bytes */
} Html;

static const char style[] =
    "body{font:16px/1.45 sans-serif;color:#111;background:#fff;max-width:60em;margin:1em "
    "auto;padding:0 1em;overflow-wrap:anywhere}"
    "h1{font-size:1.4em}h2{font-size:1.25em;border-top:3px solid #111;padding-top:.5em}"
    "h3{font-size:1.1em;margin-bottom:.2em;border-bottom:1px solid #555}"
    "h4{font-size:1em;margin-bottom:.2em}"
    "p{margin:.3em 0}ul{margin:.2em 0;padding-inline-start:1.5em}"
    ".banner,.warning{border:2px solid #a00;border-inline-start-width:10px;padding:.4em "
    ".6em;font-weight:bold}"
    ".narrative{border:1px solid #555;padding:.3em .6em;margin:.3em "
    "0;contain:paint;overflow-wrap:break-word}"
    ".narrative table{border-collapse:collapse}.narrative td,.narrative th{border:1px solid "
    "#777;padding:.1em .4em;text-align:start;vertical-align:top}"
    ".heading{font-weight:bold}.struck{text-decoration:line-through}"
    "figure{margin:.3em 0}img{max-width:20em;max-height:20em;border:1px solid #555}"
    "a{color:#003d99}a:focus-visible{outline:3px solid #003d99}"
    "@media print{body{font-size:11pt;max-width:none}h2,h3,h4{break-after:avoid}li,tr{break-"
    "inside:avoid}}";

/* --- text ----------------------------------------------------------------------------------
 */

static void
escape(GString *out, const char *text)
{
    g_autofree char *escaped = g_markup_escape_text(text, -1);

    g_string_append(out, escaped);
}

/* A BCP 47 tag as written by the record, if it can be one. */
static const char *
tag_of(const char *lang)
{
    const gsize length = lang != NULL ? strlen(lang) : 0;

    return length > 0 && length <= 35 &&
                   strspn(lang, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                "0123456789-") == length
               ? lang
               : NULL;
}

static void
append_line(GString *out, const ViewLine *line)
{
    for (guint i = 0; i < line->len; i++) {
        const ViewSpan *span = &g_array_index(line, ViewSpan, i);
        const char *tag = tag_of(span->lang);

        if (span->strong)
            g_string_append(out, "<strong>");
        if (span->theirs && tag != NULL)
            g_string_append_printf(out, "<bdi lang=\"%s\">", tag);
        else if (span->theirs)
            g_string_append(out, "<bdi>");
        escape(out, span->text);
        if (span->theirs)
            g_string_append(out, "</bdi>");
        if (span->strong)
            g_string_append(out, "</strong>");
    }
}

/* --- structure -----------------------------------------------------------------------------
 */

static void
close_lists(Html *self, guint down_to)
{
    for (; self->lists > down_to; self->lists--)
        g_string_append(self->body, "</li></ul>\n");
}

static void
close_sections(Html *self, guint level)
{
    close_lists(self, 0);
    if (self->in_section > 0 && level <= 2) {
        g_string_append(self->body, "</section>\n");
        self->in_section = 0;
    }
    if (self->in_record > 0 && level <= 1) {
        g_string_append(self->body, "</article>\n");
        self->in_record = 0;
    }
}

static void
show_heading(ViewPage *page, guint level, const ViewLine *line)
{
    Html *self = (Html *)page;

    close_sections(self, level);
    if (level == 1) {
        self->in_record = 1;
        g_string_append_printf(self->body, "<article aria-labelledby=\"r%u\">\n<h2 id=\"r%u\">",
                               self->n_records, self->n_records);
        self->n_records++;
    } else if (level == 2) {
        self->in_section = 1;
        g_string_append_printf(self->body, "<section aria-labelledby=\"s%u\">\n<h3 id=\"s%u\">",
                               self->n_sections, self->n_sections);
        self->n_sections++;
    } else {
        g_string_append(self->body, "<h4>");
    }
    append_line(self->body, line);
    g_string_append_printf(self->body, "</h%u>\n", level + 1);
}

static void
open_item(Html *self, guint depth)
{
    if (self->lists > depth) {
        close_lists(self, depth + 1);
        g_string_append(self->body, "</li>\n<li>");
        return;
    }
    /* an item is never more than one deeper than the one before */
    g_string_append(self->body, "<ul><li>");
    self->lists++;
}

static void
show_line(ViewPage *page, ViewKind kind, guint depth, const ViewLine *line)
{
    Html *self = (Html *)page;

    switch (kind) {
    case VIEW_ITEM:
        open_item(self, depth);
        append_line(self->body, line);
        return;
    case VIEW_DETAIL:
        g_string_append(self->body, "<p>");
        break;
    case VIEW_PLAIN:
        close_lists(self, 0);
        g_string_append(self->body, "<p>");
        break;
    case VIEW_BANNER:
        close_lists(self, 0);
        g_string_append(self->body, "<p class=\"banner\">");
        break;
    case VIEW_WARNING:
        close_lists(self, 0);
        g_string_append(self->body, "<p class=\"warning\">");
        break;
    }
    append_line(self->body, line);
    g_string_append(self->body, "</p>\n");
}

/* --- narratives ----------------------------------------------------------------------------
 */

static void
append_narrative(GString *out, const char *xhtml, const char *language)
{
    gboolean left_out = FALSE;
    g_autofree char *safe = erec_narrative_html(xhtml, &left_out);
    const char *tag = tag_of(language);

    /* <section>: what HTML's parser closes on its own never reaches beyond one */
    g_string_append(out, "<section class=\"narrative\" dir=\"auto\"");
    if (tag != NULL)
        g_string_append_printf(out, " lang=\"%s\"", tag);
    g_string_append_printf(out, ">%s</section>\n", safe);
    if (left_out) {
        g_string_append(out, "<p>");
        escape(out, _("(Something in it that is not plain text was left out.)"));
        g_string_append(out, "</p>\n");
    }
}

static void
show_narrative(ViewPage *page, const ViewLine *title, const char *xhtml, const char *language,
               ViewPlace place)
{
    Html *self = (Html *)page;
    const guint n = self->n_narratives;

    if ((place & VIEW_OF_ENTRY) == 0)
        close_lists(self, 0);
    if ((place & VIEW_HERE) != 0) {
        append_narrative(self->body, xhtml, language);
        return;
    }
    self->n_narratives++;
    g_string_append_printf(self->body, "<p><a id=\"b%u\" href=\"#n%u\">", n, n);
    escape(self->body, _("Original narrative: "));
    append_line(self->body, title);
    g_string_append(self->body, "</a></p>\n");
    g_string_append_printf(self->narratives, "<h3 id=\"n%u\">", n);
    append_line(self->narratives, title);
    g_string_append(self->narratives, "</h3>\n");
    append_narrative(self->narratives, xhtml, language);
    g_string_append_printf(self->narratives, "<p><a href=\"#b%u\">", n);
    escape(self->narratives, _("Back to: "));
    append_line(self->narratives, title);
    g_string_append(self->narratives, "</a></p>\n");
}

/* --- pictures ------------------------------------------------------------------------------
 */

static void
add_picture(Html *self, const ViewRecord *record, const char *type, GBytes *bytes)
{
    gsize length;
    const guchar *data = g_bytes_get_data(bytes, &length);
    g_autofree char *base64 = g_base64_encode(data, length),
                    *name = erec_shown_new(record->name),
                    *instead = g_strdup_printf(_("Preview of %s"), name);

    self->pictures += length;
    g_string_append(self->body, "<figure><img alt=\"");
    escape(self->body, instead);
    g_string_append_printf(self->body, "\" src=\"data:%s;base64,%s\"><figcaption>", type,
                           base64);
    escape(self->body, _("A preview, not for diagnosis"));
    g_string_append(self->body, "</figcaption></figure>\n");
}

/* A JPEG or PNG by its bytes, and whole, goes to the browser as it is, which decodes it in its
 * sandbox; of all else a picture is made in one of ours. */
static gboolean
show_picture(ViewPage *page, const ViewRecord *record)
{
    Html *self = (Html *)page;
    const gboolean png = record->description.kind == EREC_KIND_PNG;
    g_autoptr(GBytes) preview = NULL;
    g_autofree char *bytes = NULL;
    gsize length = 0;

    if (record->report->errors > 0 || self->pictures > PICTURES_MAX)
        return FALSE;
    if ((png || record->description.kind == EREC_KIND_JPEG) && record->size <= PICTURE_MAX &&
        g_file_get_contents(record->path, &bytes, &length, NULL) && length <= PICTURE_MAX)
        preview = g_bytes_new_take(g_steal_pointer(&bytes), length);
    if (preview != NULL) {
        add_picture(self, record, png ? "image/png" : "image/jpeg", preview);
        return TRUE;
    }
    preview = view_preview(record);
    if (preview != NULL)
        add_picture(self, record, "image/png", preview);
    return preview != NULL;
}

/* --- the page ------------------------------------------------------------------------------
 */

static void
html_free(ViewPage *page)
{
    Html *self = (Html *)page;

    g_string_free(self->body, TRUE);
    g_string_free(self->narratives, TRUE);
    g_free(self);
}

ViewPage *
view_html_new(const char *language)
{
    static const ViewPageClass class = {show_heading, show_line, show_narrative, show_picture,
                                        html_free};
    Html *self = g_new0(Html, 1);

    self->page = (ViewPage){&class, language, NULL};
    self->body = g_string_new(NULL);
    self->narratives = g_string_new(NULL);
    return &self->page;
}

/* The policy names our style by its hash: no other can apply, from wherever. */
static char *
policy(void)
{
    g_autoptr(GChecksum) sum = g_checksum_new(G_CHECKSUM_SHA256);
    guint8 digest[32];
    gsize length = sizeof digest;
    g_autofree char *hash = NULL;

    g_checksum_update(sum, (const guchar *)style, sizeof style - 1);
    g_checksum_get_digest(sum, digest, &length);
    hash = g_base64_encode(digest, length);
    return g_strdup_printf("default-src 'none'; style-src 'sha256-%s'; img-src data:; base-uri "
                           "'none'; form-action 'none'",
                           hash);
}

/* The language that our own words are in: that of the translation which is in use. */
static const char *
page_language(void)
{
    /* Translators: not words: the code of the language that you translate to, such as "de". */
    return _("language-code:en") + strlen("language-code:");
}

gboolean
view_html_write(ViewPage *page, const char *path, GError **error)
{
    Html *self = (Html *)page;
    g_autoptr(GString) out = g_string_new("<!DOCTYPE html>\n");
    g_autofree char *csp = policy();

    close_sections(self, 1);
    g_string_append_printf(out,
                           "<html lang=\"%s\">\n<head>\n<meta charset=\"utf-8\">\n"
                           "<meta http-equiv=\"Content-Security-Policy\" content=\"%s\">\n"
                           "<meta name=\"referrer\" content=\"no-referrer\">\n"
                           "<meta name=\"viewport\" content=\"width=device-width\">\n<title>",
                           page_language(), csp);
    escape(out, _("Health records"));
    g_string_append_printf(out, "</title>\n<style>%s</style>\n</head>\n<body>\n<main>\n<h1>",
                           style);
    escape(out, _("Health records"));
    g_string_append_printf(out, "</h1>\n%s", self->body->str);
    if (self->narratives->len > 0) {
        g_string_append(out,
                        "<section aria-labelledby=\"narratives\">\n<h2 id=\"narratives\">");
        escape(out, _("The authors' original texts"));
        g_string_append_printf(out, "</h2>\n%s</section>\n", self->narratives->str);
    }
    g_string_append(out, "</main>\n</body>\n</html>\n");
    return g_file_set_contents_full(path, out->str, (gssize)out->len,
                                    G_FILE_SET_CONTENTS_CONSISTENT, 0600, error);
}
