/* SPDX-License-Identifier: Apache-2.0
 *
 * Names and texts of strangers, made safe. Pure functions over bytes that a peer chose: every
 * byte string has a result, and no input makes the result longer than promised.
 */
#include "name-private.h"

#include <string.h>

/* Fillers and selectors that are letters or marks by category, and yet show nothing. */
static gboolean
is_invisible(gunichar c)
{
    return c == 0x034f || c == 0x115f || c == 0x1160 || c == 0x2800 || c == 0x3164 ||
           c == 0xffa0 || c == 0x17b4 || c == 0x17b5 || (c >= 0x180b && c <= 0x180f) ||
           (c >= 0xfe00 && c <= 0xfe0f) || (c >= 0xe0000 && c <= 0xe0fff);
}

/* What must not reach a screen: controls; format characters, among them all that steer the
 * direction of text; and what has no appearance of its own. */
static gboolean
is_hidden(gunichar c)
{
    switch (g_unichar_type(c)) {
    case G_UNICODE_CONTROL:
    case G_UNICODE_FORMAT:
    case G_UNICODE_UNASSIGNED:
    case G_UNICODE_PRIVATE_USE:
    case G_UNICODE_SURROGATE:
    case G_UNICODE_LINE_SEPARATOR:
    case G_UNICODE_PARAGRAPH_SEPARATOR:
        return TRUE;
    default:
        return is_invisible(c);
    }
}

static gboolean
is_space(gunichar c)
{
    return c == '\t' || c == '\n' || c == '\r' ||
           g_unichar_type(c) == G_UNICODE_SPACE_SEPARATOR ||
           g_unichar_type(c) == G_UNICODE_LINE_SEPARATOR ||
           g_unichar_type(c) == G_UNICODE_PARAGRAPH_SEPARATOR;
}

/* The next character of *p, which is advanced by at least one byte; U+FFFD for a bad byte. */
static gunichar
next_char(const char **p)
{
    gunichar c = g_utf8_get_char_validated(*p, -1);

    if (c == (gunichar)-1 || c == (gunichar)-2) {
        (*p)++;
        return 0xfffd;
    }
    *p = g_utf8_next_char(*p);
    return c;
}

static const char *
last_component(const char *name)
{
    const char *start = name;

    for (const char *p = name; *p != '\0'; p++) {
        if (*p == '/' || *p == '\\')
            start = p + 1;
    }
    return start;
}

static gboolean
may_lead(gunichar c)
{
    /* A mark would join what stands before the name; a dash makes an option of it. */
    return c != '.' && c != '-' && c != ' ' && !g_unichar_ismark(c);
}

static void
trim_end(GString *s)
{
    while (s->len > 0 && (s->str[s->len - 1] == '.' || s->str[s->len - 1] == ' '))
        g_string_truncate(s, s->len - 1);
}

static GString *
filter_name(const char *name)
{
    GString *out = g_string_new(NULL);
    const char *p = last_component(name);

    while (*p != '\0') {
        gunichar c = next_char(&p);

        if (c == 0xfffd || (c < 0x80 && strchr("<>:\"|?*", (int)c) != NULL))
            c = '_';
        else if (c != '\t' && c != '\n' && c != '\r' && is_space(c))
            c = ' ';
        if (is_hidden(c) || (out->len == 0 && !may_lead(c)))
            continue;
        g_string_append_unichar(out, c);
    }
    trim_end(out);
    if (out->len == 0)
        g_string_append(out, "item");
    return out;
}

/* The device names of Windows, alone or with any extension. */
static gboolean
is_reserved(const char *name)
{
    static const char *const devices[] = {"CON",    "PRN",    "AUX",     "NUL",
                                          "CLOCK$", "CONIN$", "CONOUT$", NULL};
    static const char *const digits[] = {"\xc2\xb9", "\xc2\xb2", "\xc2\xb3", NULL};
    g_autofree char *stem = g_strndup(name, strcspn(name, "."));

    g_strchomp(stem);
    for (gsize i = 0; devices[i] != NULL; i++) {
        if (g_ascii_strcasecmp(stem, devices[i]) == 0)
            return TRUE;
    }
    if (g_ascii_strncasecmp(stem, "COM", 3) != 0 && g_ascii_strncasecmp(stem, "LPT", 3) != 0)
        return FALSE;
    return (g_ascii_isdigit(stem[3]) && stem[4] == '\0') || g_strv_contains(digits, stem + 3);
}

/* Length of a short alphanumeric extension with its dot before @end, or 0. */
static gsize
extension_before(const char *name, gsize end)
{
    gsize n = 0;

    while (n < 16 && n < end && g_ascii_isalnum(name[end - 1 - n]))
        n++;
    return n > 0 && n + 1 < end && name[end - 1 - n] == '.' ? n + 1 : 0;
}

/* "scan.pdf" → 4, "volume.nii.gz" → 7, "README" → 0 */
static gsize
extension_length(const char *name)
{
    static const char *const packed[] = {".gz", ".xz", ".bz2", ".zst", NULL};
    gsize len = strlen(name);
    gsize ext = extension_before(name, len);

    if (ext > 0 && g_strv_contains(packed, name + len - ext))
        ext += extension_before(name, len - ext);
    return ext;
}

static void
cut_at_char(GString *s, gsize max)
{
    if (s->len <= max)
        return;
    while (max > 0 && ((guchar)s->str[max] & 0xc0) == 0x80)
        max--;
    g_string_truncate(s, max);
}

char *
ehrlink_safe_name_within(const char *name, guint number, gsize max)
{
    GString *out = filter_name(name == NULL ? "" : name);
    g_autofree char *suffix = number > 1 ? g_strdup_printf(" (%u)", number) : g_strdup("");
    g_autofree char *extension = NULL;
    gsize ext;

    if (is_reserved(out->str))
        g_string_prepend_c(out, '_');
    ext = extension_length(out->str);
    extension = g_strdup(out->str + out->len - ext);
    g_string_truncate(out, out->len - ext);
    cut_at_char(out, max - ext - strlen(suffix));
    if (ext == 0 && *suffix == '\0')
        trim_end(out);
    g_string_append(out, suffix);
    g_string_append(out, extension);
    return g_string_free(out, FALSE);
}

char *
ehrlink_safe_name(const char *name, guint number)
{
    return ehrlink_safe_name_within(name, number, EHRLINK_SAFE_NAME_MAX);
}

char *
ehrlink_safe_text(const char *text, guint max_chars)
{
    GString *out = g_string_new(NULL);
    const char *p = text == NULL ? "" : text;
    guint n = 0;
    gsize before_last = 0;

    while (*p != '\0') {
        gunichar c = next_char(&p);

        if (is_space(c))
            c = ' ';
        if (is_hidden(c) || (n == 0 && g_unichar_ismark(c)))
            continue;
        if (max_chars > 0 && n == max_chars) {
            g_string_truncate(out, before_last);
            g_string_append(out, "…");
            break;
        }
        before_last = out->len;
        g_string_append_unichar(out, c);
        n++;
    }
    return g_string_free(out, FALSE);
}
