/* SPDX-License-Identifier: Apache-2.0
 *
 * See scan.h. A pull scanner over a window that is refilled; whatever crosses the window's end
 * goes byte by byte through peek(), all else through the fast loop of plain().
 */
#include "lib/record/scan-private.h"

#include <string.h>

#define NUMBER_MAX 256

enum {
    EXPECT_VALUE,
    EXPECT_VALUE_OR_END,
    EXPECT_KEY,
    EXPECT_KEY_OR_END,
    EXPECT_COMMA_OR_END,
    EXPECT_NOTHING
};

gboolean
erec_scan_refill(ErecScanner *self)
{
    gssize n;

    if (self->source == NULL || self->fault.code != EREC_FAULT_OK)
        return FALSE;
    n = erec_source_read(self->source, self->window_end, self->window, EREC_WINDOW);
    if (n < 0 || (n == 0 && self->window_end < erec_source_size(self->source)))
        return fail(self, EREC_FAULT_READ);
    self->at = self->window;
    self->end = self->window + n;
    self->window_end += (guint64)n;
    return n > 0;
}

static int
skip_space(ErecScanner *self)
{
    int c;

    while ((c = peek(self)) == ' ' || c == '\n' || c == '\t' || c == '\r')
        self->at++;
    return c;
}

static gboolean
scan_digits(ErecScanner *self)
{
    const guint64 start = position(self);

    while (g_ascii_isdigit(peek(self)))
        self->at++;
    return position(self) > start;
}

static gboolean
scan_number(ErecScanner *self, ErecToken *token)
{
    int c = peek(self);

    if (c == '-')
        self->at++;
    if (peek(self) == '0')
        self->at++;
    else if (!scan_digits(self))
        return fail_at(self, EREC_FAULT_NUMBER, token->offset);
    if (peek(self) == '.') {
        self->at++;
        if (!scan_digits(self))
            return fail_at(self, EREC_FAULT_NUMBER, token->offset);
    }
    c = peek(self);
    if (c == 'e' || c == 'E') {
        self->at++;
        c = peek(self);
        if (c == '+' || c == '-')
            self->at++;
        if (!scan_digits(self))
            return fail_at(self, EREC_FAULT_NUMBER, token->offset);
    }
    c = peek(self);
    if (position(self) - token->offset > NUMBER_MAX || g_ascii_isalnum(c) || c == '.' ||
        c == '+' || c == '-')
        return fail_at(self, EREC_FAULT_NUMBER, token->offset);
    return TRUE;
}

static gboolean
scan_word(ErecScanner *self, ErecToken *token, ErecTokenKind kind, const char *word)
{
    token->kind = kind;
    for (; *word != '\0'; word++) {
        const int c = peek(self);

        if (c != *word)
            return fail_at(self, c < 0 ? EREC_FAULT_CUT : EREC_FAULT_SYNTAX, token->offset);
        self->at++;
    }
    return TRUE;
}

static gboolean
in_object(const ErecScanner *self)
{
    const guint level = self->depth - 1;

    return (self->is_object[level / 64] >> level % 64 & 1) != 0;
}

static gboolean
open_container(ErecScanner *self, ErecToken *token, int c)
{
    const guint64 bit = (guint64)1 << self->depth % 64;

    if (self->depth >= EREC_DEPTH_MAX)
        return fail(self, EREC_FAULT_DEPTH);
    if (c == '{')
        self->is_object[self->depth / 64] |= bit;
    else
        self->is_object[self->depth / 64] &= ~bit;
    self->depth++;
    self->at++;
    token->kind = c == '{' ? EREC_TOKEN_OBJECT : EREC_TOKEN_ARRAY;
    self->expect = c == '{' ? EXPECT_KEY_OR_END : EXPECT_VALUE_OR_END;
    return TRUE;
}

static gboolean
close_container(ErecScanner *self, ErecToken *token)
{
    token->kind = in_object(self) ? EREC_TOKEN_END_OBJECT : EREC_TOKEN_END_ARRAY;
    self->at++;
    token->depth = --self->depth;
    self->expect = self->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
    return TRUE;
}

static gboolean
scan_value(ErecScanner *self, ErecToken *token, int c)
{
    gboolean ok;

    if (c == '{' || c == '[')
        return open_container(self, token, c);
    if (c == '"') {
        token->kind = EREC_TOKEN_STRING;
        ok = erec_scan_string(self, token);
        self->capture = FALSE;
    } else if (c == '-' || g_ascii_isdigit(c)) {
        token->kind = EREC_TOKEN_NUMBER;
        ok = scan_number(self, token);
    } else if (c == 't') {
        ok = scan_word(self, token, EREC_TOKEN_TRUE, "true");
    } else if (c == 'f') {
        ok = scan_word(self, token, EREC_TOKEN_FALSE, "false");
    } else if (c == 'n') {
        ok = scan_word(self, token, EREC_TOKEN_NULL, "null");
    } else {
        ok = fail(self, EREC_FAULT_SYNTAX);
    }
    self->expect = self->depth > 0 ? EXPECT_COMMA_OR_END : EXPECT_NOTHING;
    return ok;
}

static gboolean
scan_key(ErecScanner *self, ErecToken *token)
{
    const gboolean wanted = self->capture;

    token->kind = EREC_TOKEN_KEY;
    self->capture = self->source != NULL;
    if (!erec_scan_string(self, token))
        return FALSE;
    token->length = position(self) - token->offset;
    self->capture = wanted;
    if (token->escaped)
        return fail_at(self, EREC_FAULT_KEY_ESCAPE, token->offset);
    if (token->length > EREC_KEY_MAX + 2)
        return fail_at(self, EREC_FAULT_KEY_LONG, token->offset);
    if (skip_space(self) != ':')
        return fail(self, peek(self) < 0 ? EREC_FAULT_CUT : EREC_FAULT_SYNTAX);
    self->at++;
    self->expect = EXPECT_VALUE;
    return TRUE;
}

/* TRUE when there is a token, or nothing is left; FALSE after a fault. */
static gboolean
scan(ErecScanner *self, ErecToken *token)
{
    int c = skip_space(self);

    if (self->expect == EXPECT_COMMA_OR_END && c == ',') {
        self->at++;
        self->expect = in_object(self) ? EXPECT_KEY : EXPECT_VALUE;
        c = skip_space(self);
    }
    token->offset = position(self);
    token->depth = self->depth;
    if (self->expect == EXPECT_NOTHING) {
        token->kind = EREC_TOKEN_END;
        return c < 0 || fail(self, EREC_FAULT_TRAILING);
    }
    if (c < 0)
        return fail(self, self->depth == 0 && self->expect == EXPECT_VALUE ? EREC_FAULT_EMPTY
                                                                           : EREC_FAULT_CUT);
    if (self->expect != EXPECT_VALUE && self->expect != EXPECT_KEY &&
        c == (in_object(self) ? '}' : ']'))
        return close_container(self, token);
    if (self->expect == EXPECT_VALUE || self->expect == EXPECT_VALUE_OR_END)
        return scan_value(self, token, c);
    if (self->expect != EXPECT_COMMA_OR_END && c == '"')
        return scan_key(self, token);
    return fail(self, EREC_FAULT_SYNTAX);
}

void
erec_scanner_init(ErecScanner *self, ErecSource *source)
{
    static const guchar mark[3] = {0xef, 0xbb, 0xbf};

    memset(self, 0, sizeof *self);
    self->source = source;
    self->window = g_malloc(EREC_WINDOW);
    self->at = self->end = self->window;
    if (erec_scan_refill(self) && self->end - self->at >= 3 &&
        memcmp(self->at, mark, sizeof mark) == 0)
        self->at += sizeof mark;
}

void
erec_scanner_init_memory(ErecScanner *self, const void *bytes, gsize length, guint64 origin)
{
    memset(self, 0, sizeof *self);
    self->at = length > 0 ? bytes : (const guchar *)""; /* of nothing there may be no address */
    self->end = self->at + length;
    self->window_end = origin + length;
}

void
erec_scanner_clear(ErecScanner *self)
{
    g_clear_pointer(&self->window, g_free);
    self->at = self->end = NULL;
}

void
erec_scanner_capture(ErecScanner *self)
{
    self->capture = TRUE;
}

ErecTokenKind
erec_scanner_next(ErecScanner *self, ErecToken *token)
{
    token->text = NULL;
    token->escaped = FALSE;
    if (self->fault.code != EREC_FAULT_OK || !scan(self, token) ||
        self->fault.code != EREC_FAULT_OK) {
        token->kind = EREC_TOKEN_FAULT;
        token->offset = self->fault.offset;
        token->length = 0;
        return EREC_TOKEN_FAULT;
    }
    /* of a key the length was taken before its colon */
    if (token->kind != EREC_TOKEN_KEY)
        token->length = position(self) - token->offset;
    return token->kind;
}

gboolean
erec_scanner_skip(ErecScanner *self, ErecToken *token)
{
    const guint depth = token->depth;

    for (;;) {
        const ErecTokenKind kind = erec_scanner_next(self, token);

        if (kind == EREC_TOKEN_FAULT || kind == EREC_TOKEN_END)
            return FALSE;
        if ((kind == EREC_TOKEN_END_OBJECT || kind == EREC_TOKEN_END_ARRAY) &&
            token->depth == depth)
            return TRUE;
    }
}

const ErecFault *
erec_scanner_fault(const ErecScanner *self)
{
    return &self->fault;
}
