/* SPDX-License-Identifier: Apache-2.0
 *
 * What an author's XHTML says, shown or not, as far as words are looked for in it.
 */
#include <string.h>

#include "lib/record/cut-private.h"

#define XHTML "http://www.w3.org/1999/xhtml"

/* An "&" that may hide a letter. */
static gboolean
hides(const char *at)
{
    static const char *const known[] = {"&amp;",  "&lt;",   "&gt;",   "&quot;",
                                        "&#160;", "&nbsp;", "&apos;", "&#39;"};

    for (gsize i = 0; i < G_N_ELEMENTS(known); i++)
        if (g_str_has_prefix(at, known[i]))
            return FALSE;
    return TRUE;
}

char *
erec_cut_plain(const char *div, const char *between, gboolean strict)
{
    GString *text = g_string_new(NULL);

    while (*div != '\0') {
        if (*div == '&' && strict && hides(div)) {
            g_string_free(text, TRUE);
            return NULL;
        }
        if (*div == '<') {
            div += strcspn(div, ">");
            div += *div == '>';
            g_string_append(text, between);
        } else if (*div == '&') {
            div += strcspn(div, ";");
            div += *div == ';';
            g_string_append_c(text, ' ');
        } else {
            g_string_append_c(text, *div++);
        }
    }
    return g_string_free(text, FALSE);
}

char *
erec_cut_hidden(const char *div)
{
    GString *text = g_string_new(NULL);
    gboolean comment = FALSE, inside = FALSE, bare = FALSE;
    char quote = '\0';

    for (const char *at = div; *at != '\0'; at++) {
        if (!inside) {
            inside = *at == '<';
            comment = inside && (at[1] == '!' || at[1] == '?');
            bare = FALSE;
            quote = '\0';
        } else if (*at == '>' && (quote == '\0' || comment)) {
            inside = FALSE;
            g_string_append_c(text, ' ');
        } else if (*at == '&' && !comment && hides(at)) {
            g_string_free(text, TRUE);
            return NULL;
        } else if (comment || (quote != '\0' && *at != quote)) {
            g_string_append_c(text, *at);
        } else if (*at == '"' || *at == '\'') {
            quote = quote == '\0' ? *at : '\0';
            bare = FALSE;
            g_string_append_c(text, ' ');
            if (g_str_has_prefix(at + 1, XHTML))
                at += strlen(XHTML);
        } else if (g_ascii_isspace(*at) || *at == '=') {
            bare = *at == '=' || (bare && text->str[text->len - 1] == ' ');
            g_string_append_c(text, ' ');
        } else if (bare) {
            g_string_append_c(text, *at);
        }
    }
    return g_string_free(text, FALSE);
}
