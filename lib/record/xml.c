/* SPDX-License-Identifier: Apache-2.0
 *
 * See xml.h.
 */
#include "lib/record/xml.h"

#include <string.h>

typedef struct {
    const char *at, *end;
} Cursor;

static gboolean
starts(const Cursor *c, const char *what)
{
    const gsize length = strlen(what);

    return (gsize)(c->end - c->at) >= length && memcmp(c->at, what, length) == 0;
}

static gboolean
pass(Cursor *c, const char *what)
{
    const char *found = memmem(c->at, (gsize)(c->end - c->at), what, strlen(what));

    if (found == NULL)
        return FALSE;
    c->at = found + strlen(what);
    return TRUE;
}

/* A document type with its internal subset: quotes hide brackets, and "<" nests. */
static gboolean
pass_doctype(Cursor *c)
{
    int depth = 0;

    for (; c->at < c->end; c->at++) {
        if (*c->at == '"' || *c->at == '\'') {
            const char *close = memchr(c->at + 1, *c->at, (gsize)(c->end - c->at - 1));
            if (close == NULL)
                return FALSE;
            c->at = close;
        } else if (*c->at == '<') {
            depth++;
        } else if (*c->at == '>' && --depth == 0) {
            c->at++;
            return TRUE;
        }
    }
    return FALSE;
}

static void
pass_space(Cursor *c)
{
    while (c->at < c->end && strchr(" \t\r\n", *c->at) != NULL && *c->at != '\0')
        c->at++;
}

static gboolean
to_first_element(Cursor *c)
{
    for (;;) {
        gboolean ok;

        pass_space(c);
        if (starts(c, "<?"))
            ok = pass(c, "?>");
        else if (starts(c, "<!--"))
            ok = pass(c, "-->");
        else if (starts(c, "<!DOCTYPE"))
            ok = pass_doctype(c);
        else
            return starts(c, "<") && c->end - c->at > 1 &&
                   (g_ascii_isalpha(c->at[1]) || c->at[1] == '_');
        if (!ok)
            return FALSE;
    }
}

static gsize
name_length(const Cursor *c)
{
    gsize n = 0;

    while (c->at + n < c->end &&
           (g_ascii_isalnum(c->at[n]) || strchr("_-.:", c->at[n]) != NULL) && c->at[n] != '\0')
        n++;
    return n;
}

/* The next name="value" of the tag; FALSE at its end. */
static gboolean
next_attribute(Cursor *c, Cursor *name, Cursor *value)
{
    const char *close;

    pass_space(c);
    name->at = c->at;
    c->at += name_length(c);
    name->end = c->at;
    pass_space(c);
    if (name->at == name->end || c->at == c->end || *c->at++ != '=')
        return FALSE;
    pass_space(c);
    if (c->at == c->end || (*c->at != '"' && *c->at != '\''))
        return FALSE;
    close = memchr(c->at + 1, *c->at, (gsize)(c->end - c->at - 1));
    if (close == NULL)
        return FALSE;
    value->at = c->at + 1;
    value->end = close;
    c->at = close + 1;
    return TRUE;
}

static gboolean
is_word(const Cursor *c, const char *word)
{
    return (gsize)(c->end - c->at) == strlen(word) && starts(c, word);
}

/* Whether the tag, whose attributes begin at c, binds its own prefix (or none) to this
 * namespace. */
static gboolean
has_namespace(Cursor c, const Cursor *prefix, const char *namespace)
{
    Cursor name, value;

    while (next_attribute(&c, &name, &value)) {
        const gboolean bare = prefix->at == prefix->end && is_word(&name, "xmlns");
        const gboolean bound =
            prefix->at != prefix->end && starts(&name, "xmlns:") &&
            name.end - name.at - 6 == prefix->end - prefix->at &&
            memcmp(name.at + 6, prefix->at, (gsize)(prefix->end - prefix->at)) == 0;
        if (bare || bound)
            return is_word(&value, namespace);
    }
    return FALSE;
}

ErecKind
erec_xml_kind(const char *head, gsize length)
{
    Cursor c = {head, head + length}, name, prefix;
    const char *colon;

    if (!to_first_element(&c))
        return EREC_KIND_OPAQUE;
    c.at++;
    name = (Cursor){c.at, c.at + name_length(&c)};
    c.at = name.end;
    prefix = (Cursor){name.at, name.at};
    colon = memchr(name.at, ':', (gsize)(name.end - name.at));
    if (colon != NULL) {
        prefix.end = colon;
        name.at = colon + 1;
    }
    if (has_namespace(c, &prefix, "http://hl7.org/fhir"))
        return EREC_KIND_FHIR_XML;
    if (is_word(&name, "ClinicalDocument") && has_namespace(c, &prefix, "urn:hl7-org:v3"))
        return EREC_KIND_CDA;
    return EREC_KIND_XML;
}
