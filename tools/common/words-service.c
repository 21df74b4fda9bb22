/* SPDX-License-Identifier: Apache-2.0
 *
 * See words-service.h. Main thread (gettext).
 */
#include "tools/common/words-service.h"

#include <glib/gi18n.h>
#include <string.h>

#include "ehrlink.h"
#include "tools/common/words-forms.h"

#define SHOWN_MAX  400
#define VALUES_MAX 9

/* Of ours, or of the C library (strerror). An empty text must not become the catalogue's
 * header. */
static const char *
known(const char *english)
{
    const char *words = *english != '\0' ? _(english) : english;

    return words != english || *english == '\0' ? words : g_dgettext("libc", english);
}

/* "{3}" is 3; 0: no place. */
static guint
place(const char *p)
{
    return p[0] == '{' && p[1] >= '1' && p[1] <= '9' && p[2] == '}' ? (guint)(p[1] - '0') : 0;
}

static const char *
argument(const char *p, char **arguments)
{
    const guint n = place(p);

    return n > 0 && n <= g_strv_length(arguments) ? arguments[n - 1] : NULL;
}

static char *
fill_in(const char *words, char **arguments)
{
    GString *text = g_string_new(NULL);

    for (const char *p = words; *p != '\0'; p++) {
        const char *value = argument(p, arguments);

        if (value == NULL) {
            g_string_append_c(text, *p);
            continue;
        }
        g_string_append(text, value);
        p += 2;
    }
    return g_string_free(text, FALSE);
}

/* A value is one word: a number, a name, a path. Places are numbered as they stand. */
static gboolean
fits(const char *form, const char *english, char **values)
{
    while (*form != '\0') {
        const guint n = place(form);
        gsize length;

        if (n == 0) {
            if (*form++ != *english++)
                return FALSE;
            continue;
        }
        form += strlen("{n}");
        for (length = 0;
             english[length] != '\0' && english[length] != ' ' && english[length] != *form;)
            length++;
        if (length == 0)
            return FALSE;
        g_free(values[n - 1]);
        values[n - 1] = g_strndup(english, length);
        english += length;
    }
    return *english == '\0';
}

/* NULL: none of the forms. */
static char *
by_form(const char *english)
{
    for (const char *const *form = words_forms; *form != NULL; form++) {
        g_auto(GStrv) values = g_new0(char *, VALUES_MAX + 1);

        if (fits(*form, english, values))
            return fill_in(known(*form), values);
    }
    return NULL;
}

static char *
part(const char *english)
{
    const char *words = known(english);
    char *filled = words == english ? by_form(english) : NULL;

    return filled != NULL ? filled : g_strdup(words);
}

char *
words_detail(const char *english)
{
    g_auto(GStrv) parts = NULL;
    const char *whole = known(english);

    if (whole != english)
        return g_strdup(whole); /* a sentence with a colon of its own */
    parts = g_strsplit(english, ": ", -1);
    for (gsize i = 0; parts[i] != NULL; i++) {
        char *words = part(parts[i]);

        g_free(parts[i]);
        parts[i] = words;
    }
    return g_strjoinv(": ", parts);
}

char *
words_error(const GError *error)
{
    g_autofree char *words = words_detail(error->message);

    return ehrlink_safe_text(words, SHOWN_MAX);
}

char *
words_finding(GVariant *finding)
{
    g_auto(GStrv) arguments = NULL;
    g_autofree char *text = NULL, *all = NULL;
    const char *words = NULL, *detail = NULL;

    if (!g_variant_lookup(finding, "words", "&s", &words) &&
        !g_variant_lookup(finding, "text", "&s", &words))
        words = "";
    if (!g_variant_lookup(finding, "arguments", "^as", &arguments))
        arguments = g_new0(char *, 1);
    text = fill_in(known(words), arguments);
    if (g_variant_lookup(finding, "detail", "&s", &detail)) {
        g_autofree char *told = words_detail(detail);

        all = g_strdup_printf("%s (%s)", text, told);
    }
    return ehrlink_safe_text(all != NULL ? all : text, SHOWN_MAX);
}

const char *
words_remedy(GVariant *finding)
{
    const char *remedy = NULL;

    g_variant_lookup(finding, "remedy", "&s", &remedy);
    return remedy != NULL && *remedy != '\0' ? known(remedy) : NULL;
}
