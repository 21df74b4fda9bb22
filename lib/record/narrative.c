/* SPDX-License-Identifier: Apache-2.0
 *
 * See narrative.h: a tokenizer of XML's syntax that forgives everything and believes nothing.
 * Linear in the input, bounded in depth, without allocation but the output's.
 */
#include "lib/record/narrative-private.h"

#include <stdlib.h>
#include <string.h>

#define DEPTH_MAX      64
#define NAME_MAX_BYTES 16
#define VALUE_MAX      512

static const struct {
    const char *name, *out;
    ErecShape shape;
} elements[EREC_N_TAGS] = {
    {"", "", EREC_SHAPE_INLINE},
#define ELEMENT(name, out, shape) {#name, out, EREC_SHAPE_##shape},
#include "lib/record/elements.def"
#undef ELEMENT
};

/* Their content goes with them: it is code, or another language, or loaded. */
static const char *const dropped[] = {
    "script", "style",    "head",     "title",    "iframe", "object", "embed",    "applet",
    "svg",    "math",     "template", "noscript", "xmp",    "select", "textarea", "noembed",
    "frame",  "frameset", "video",    "audio",    "canvas", "button", "noframes", "plaintext",
};

typedef struct {
    const char *at;
    const ErecNarrativeSink *sink;
    gpointer user_data;
    ErecTag open[DEPTH_MAX];
    guint depth;
    char dropping[NAME_MAX_BYTES]; /* name of the element whose content goes; "" for none */
    guint drop_depth;              /* of elements of that name */
    gboolean left_out;
} Reader;

const char *
erec_tag_out(ErecTag tag)
{
    return elements[tag].out;
}

ErecShape
erec_tag_shape(ErecTag tag)
{
    return elements[tag].shape;
}

/* --- characters ----------------------------------------------------------------------------
 */

/* The named ones that narratives use. All others stay as they are written. */
static const struct {
    const char *name;
    gunichar c;
} entities[] = {
    {"amp", '&'},      {"lt", '<'},       {"gt", '>'},       {"quot", '"'},
    {"apos", '\''},    {"nbsp", 0xA0},    {"shy", 0xAD},     {"deg", 0xB0},
    {"plusmn", 0xB1},  {"micro", 0xB5},   {"middot", 0xB7},  {"frac12", 0xBD},
    {"times", 0xD7},   {"auml", 0xE4},    {"ouml", 0xF6},    {"uuml", 0xFC},
    {"Auml", 0xC4},    {"Ouml", 0xD6},    {"Uuml", 0xDC},    {"szlig", 0xDF},
    {"eacute", 0xE9},  {"egrave", 0xE8},  {"agrave", 0xE0},  {"ccedil", 0xE7},
    {"ndash", 0x2013}, {"mdash", 0x2014}, {"bull", 0x2022},  {"hellip", 0x2026},
    {"lsquo", 0x2018}, {"rsquo", 0x2019}, {"ldquo", 0x201C}, {"rdquo", 0x201D},
    {"le", 0x2264},    {"ge", 0x2265},    {"ne", 0x2260},    {"alpha", 0x3B1},
    {"beta", 0x3B2},   {"gamma", 0x3B3},  {"euro", 0x20AC},  {"sup2", 0xB2},
    {"sup3", 0xB3},    {"reg", 0xAE},     {"copy", 0xA9},    {"trade", 0x2122},
};

/* At "&": the character and the bytes that it took; 0 when it is none that we know. */
static gunichar
entity(const char *p, gsize *length)
{
    const gsize name = strcspn(p + 1, "; <&\n");

    if (name == 0 || name > 10 || p[1 + name] != ';')
        return 0;
    *length = name + 2;
    if (p[1] == '#') {
        const gboolean hex = p[2] == 'x' || p[2] == 'X';
        const char *digits = p + (hex ? 3 : 2);
        char *end = NULL;
        const guint64 value =
            g_ascii_isxdigit(*digits) ? g_ascii_strtoull(digits, &end, hex ? 16 : 10) : 0;

        if (end != p + 1 + name || value == 0 || value > 0x10FFFF ||
            !g_unichar_validate((gunichar)value))
            return 0xFFFD;
        return (gunichar)value;
    }
    for (gsize i = 0; i < G_N_ELEMENTS(entities); i++)
        if (strlen(entities[i].name) == name && strncmp(entities[i].name, p + 1, name) == 0)
            return entities[i].c;
    return 0;
}

static gunichar
next_char(const char **p)
{
    gsize length = 0;
    gunichar c = 0;

    if (**p == '&')
        c = entity(*p, &length);
    if (c == 0) {
        c = g_utf8_get_char(*p);
        length = (gsize)(g_utf8_next_char(*p) - *p);
    }
    *p += length;
    return c;
}

static void
say(Reader *r, gunichar c)
{
    if (r->dropping[0] == '\0')
        r->sink->text(c, r->user_data);
}

/* --- names and attributes ------------------------------------------------------------------
 */

/* The name at *p without a prefix, in lower case; "" when it is none or too long to be ours. */
static void
read_name(const char **p, char name[NAME_MAX_BYTES])
{
    const gsize length = strcspn(*p, " \t\r\n/>=\"'<");
    const char *start = *p, *colon = memchr(*p, ':', length);
    gsize own = length;

    if (colon != NULL) {
        own = length - (gsize)(colon + 1 - start);
        start = colon + 1;
    }
    *p += length;
    name[0] = '\0';
    if (own >= NAME_MAX_BYTES)
        return;
    for (gsize i = 0; i < own; i++)
        name[i] = g_ascii_tolower(start[i]);
    name[own] = '\0';
}

static void
keep_safe(char *out, gsize size, const char *value)
{
    if (strlen(value) < size &&
        strspn(value, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") ==
            strlen(value))
        g_strlcpy(out, value, size);
}

static guint
span(const char *value)
{
    const guint64 n = g_ascii_strtoull(value, NULL, 10);

    return n >= 2 && n <= 1000 ? (guint)n : 0;
}

static void
keep_attribute(ErecAttributes *attributes, const char *name, const char *value)
{
    if (strcmp(name, "colspan") == 0)
        attributes->colspan = span(value);
    else if (strcmp(name, "rowspan") == 0)
        attributes->rowspan = span(value);
    else if (strcmp(name, "lang") == 0)
        keep_safe(attributes->lang, sizeof attributes->lang, value);
    else if (strcmp(name, "dir") == 0 &&
             (strcmp(value, "ltr") == 0 || strcmp(value, "rtl") == 0 ||
              strcmp(value, "auto") == 0))
        g_strlcpy(attributes->dir, value, sizeof attributes->dir);
    else if (strcmp(name, "style") == 0 && strstr(value, "line-through") != NULL)
        attributes->struck = TRUE;
}

static void
read_value(const char **p, char value[VALUE_MAX])
{
    const char quote = **p == '"' || **p == '\'' ? **p : '\0';
    const char stops[] = {quote, '\0'};
    gsize length;

    if (quote != '\0')
        (*p)++;
    length = strcspn(*p, quote != '\0' ? stops : " \t\r\n>");
    g_strlcpy(value, *p, MIN(length + 1, VALUE_MAX));
    *p += length;
    if (quote != '\0' && **p == quote)
        (*p)++;
}

/* Up to and with ">"; TRUE when it ends with "/>". */
static gboolean
read_attributes(const char **p, ErecAttributes *attributes)
{
    gboolean closed = FALSE;

    while (**p != '\0' && **p != '>' && **p != '<') {
        char name[NAME_MAX_BYTES], value[VALUE_MAX] = "";

        if (strchr(" \t\r\n=\"'", **p) != NULL || **p == '/') {
            closed = **p == '/';
            (*p)++;
            continue;
        }
        closed = FALSE;
        read_name(p, name);
        *p += strspn(*p, " \t\r\n");
        if (**p == '=') {
            (*p)++;
            *p += strspn(*p, " \t\r\n");
            read_value(p, value);
        }
        keep_attribute(attributes, name, value);
    }
    if (**p == '>')
        (*p)++;
    return closed;
}

/* --- elements ------------------------------------------------------------------------------
 */

static ErecTag
tag_of(const char *name)
{
    for (guint i = 1; i < EREC_N_TAGS; i++)
        if (strcmp(elements[i].name, name) == 0)
            return (ErecTag)i;
    return EREC_TAG_NONE;
}

static gboolean
is_dropped(const char *name)
{
    for (gsize i = 0; i < G_N_ELEMENTS(dropped); i++)
        if (strcmp(dropped[i], name) == 0)
            return TRUE;
    return FALSE;
}

static void
start_element(Reader *r, const char *name, const ErecAttributes *attributes, gboolean closed)
{
    const ErecTag tag = tag_of(name);

    if (r->dropping[0] != '\0') {
        if (!closed && strcmp(name, r->dropping) == 0)
            r->drop_depth++;
        return;
    }
    if (is_dropped(name)) {
        r->left_out = TRUE;
        if (!closed) {
            g_strlcpy(r->dropping, name, NAME_MAX_BYTES);
            r->drop_depth = 1;
        }
        return;
    }
    if (strcmp(name, "img") == 0)
        r->left_out = TRUE;
    if (tag == EREC_TAG_NONE ||
        (r->depth == DEPTH_MAX && elements[tag].shape != EREC_SHAPE_VOID))
        return;
    r->sink->start(tag, attributes, r->user_data);
    if (elements[tag].shape == EREC_SHAPE_VOID)
        return;
    if (closed)
        r->sink->end(tag, r->user_data);
    else
        r->open[r->depth++] = tag;
}

static void
end_element(Reader *r, const char *name)
{
    const ErecTag tag = tag_of(name);
    guint at = r->depth;

    if (r->dropping[0] != '\0') {
        if (strcmp(name, r->dropping) == 0 && --r->drop_depth == 0)
            r->dropping[0] = '\0';
        return;
    }
    while (at > 0 && r->open[at - 1] != tag)
        at--;
    if (tag == EREC_TAG_NONE || at == 0)
        return;
    while (r->depth >= at)
        r->sink->end(r->open[--r->depth], r->user_data);
}

/* Past what begins at `<!` or `<?`: comments, processing instructions, a DOCTYPE with all that
 * it declares. CDATA is text. */
static void
read_declaration(Reader *r)
{
    const char *end;

    if (strncmp(r->at, "<!--", 4) == 0) {
        end = strstr(r->at + 4, "-->");
        r->at = end != NULL ? end + 3 : r->at + strlen(r->at);
    } else if (strncmp(r->at, "<![CDATA[", 9) == 0) {
        end = strstr(r->at + 9, "]]>");
        for (r->at += 9; *r->at != '\0' && r->at != end; r->at = g_utf8_next_char(r->at))
            say(r, g_utf8_get_char(r->at));
        r->at = end != NULL ? end + 3 : r->at;
    } else {
        gboolean inside = FALSE;

        r->left_out = TRUE;
        for (; *r->at != '\0' && (inside || *r->at != '>'); r->at++)
            inside = *r->at == '[' || (inside && *r->at != ']');
        if (*r->at == '>')
            r->at++;
    }
}

static void
read_tag(Reader *r)
{
    const gboolean ends = r->at[1] == '/';
    ErecAttributes attributes = {0};
    char name[NAME_MAX_BYTES];
    gboolean closed;

    r->at += ends ? 2 : 1;
    read_name(&r->at, name);
    closed = read_attributes(&r->at, &attributes);
    if (ends)
        end_element(r, name);
    else
        start_element(r, name, &attributes, closed);
}

void
erec_narrative_read(const char *xhtml, const ErecNarrativeSink *sink, gpointer user_data,
                    gboolean *left_out)
{
    g_autofree char *valid = g_utf8_make_valid(xhtml, -1);
    Reader r = {.at = valid, .sink = sink, .user_data = user_data};

    while (*r.at != '\0') {
        if (*r.at == '<' && (r.at[1] == '!' || r.at[1] == '?'))
            read_declaration(&r);
        else if (*r.at == '<' && (g_ascii_isalpha(r.at[1]) || r.at[1] == '/'))
            read_tag(&r);
        else
            say(&r, next_char(&r.at));
    }
    while (r.depth > 0)
        sink->end(r.open[--r.depth], user_data);
    if (left_out != NULL)
        *left_out = r.left_out;
}
