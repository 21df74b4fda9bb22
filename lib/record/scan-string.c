/* SPDX-License-Identifier: Apache-2.0
 *
 * Strings of the scanner: eight bytes at a time while they need no look; escapes, surrogates
 * and UTF-8 checked one by one.
 */
#include "lib/record/scan-private.h"

#include <string.h>

static void
keep(ErecScanner *self, const guchar *bytes, gsize length)
{
    if (length > EREC_KEY_MAX - self->text_length) {
        self->text_overflow = TRUE;
        return;
    }
    memcpy(self->text + self->text_length, bytes, length);
    self->text_length += length;
}

/* Any byte of eight that is a quote, a backslash, a control character or not ASCII. */
static inline guint64
special(guint64 w)
{
    const guint64 ones = 0x0101010101010101u, high = 0x8080808080808080u;
    const guint64 quote = w ^ (ones * '"'), slash = w ^ (ones * '\\');

    return (w | ((quote - ones) & ~quote) | ((slash - ones) & ~slash) |
            ((w - ones * 0x20) & ~w)) &
           high;
}

/* Passes over what needs no look. */
static inline void
plain(ErecScanner *self)
{
    const guchar *at = self->at;
    guint64 word;

    for (; self->end - at >= 8; at += 8) {
        memcpy(&word, at, sizeof word);
        if (special(word))
            break;
    }
    while (at < self->end && *at >= 0x20 && *at < 0x80 && *at != '"' && *at != '\\')
        at++;
    if (self->capture)
        keep(self, self->at, (gsize)(at - self->at));
    self->at = at;
}

static inline void
take(ErecScanner *self)
{
    if (self->capture)
        keep(self, self->at, 1);
    self->at++;
}

static gboolean
scan_hex(ErecScanner *self, guint *unit)
{
    *unit = 0;
    for (int i = 0; i < 4; i++) {
        const int c = peek(self);

        if (c < 0)
            return fail(self, EREC_FAULT_CUT);
        if (!g_ascii_isxdigit(c))
            return fail(self, EREC_FAULT_ESCAPE);
        *unit = *unit << 4 | (guint)g_ascii_xdigit_value((char)c);
        take(self);
    }
    return TRUE;
}

static gboolean
expect_byte(ErecScanner *self, int wanted, ErecFaultCode code, guint64 offset)
{
    const int c = peek(self);

    if (c != wanted)
        return fail_at(self, c < 0 ? EREC_FAULT_CUT : code, offset);
    take(self);
    return TRUE;
}

/* A code point above the first plane is two escapes; one of them alone is no character. */
static gboolean
scan_unicode(ErecScanner *self, guint64 start)
{
    guint unit, low;

    if (!scan_hex(self, &unit))
        return FALSE;
    if (unit == 0)
        return fail_at(self, EREC_FAULT_NUL, start);
    if (unit < 0xd800 || unit > 0xdfff)
        return TRUE;
    if (unit > 0xdbff)
        return fail_at(self, EREC_FAULT_SURROGATE, start);
    if (!expect_byte(self, '\\', EREC_FAULT_SURROGATE, start) ||
        !expect_byte(self, 'u', EREC_FAULT_SURROGATE, start) || !scan_hex(self, &low))
        return FALSE;
    return (low >= 0xdc00 && low <= 0xdfff) || fail_at(self, EREC_FAULT_SURROGATE, start);
}

static gboolean
scan_escape(ErecScanner *self)
{
    const guint64 start = position(self);
    int c;

    take(self);
    c = peek(self);
    if (c < 0)
        return fail(self, EREC_FAULT_CUT);
    if (strchr("\"\\/bfnrtu", c) == NULL || c == 0)
        return fail_at(self, EREC_FAULT_ESCAPE, start);
    take(self);
    return c != 'u' || scan_unicode(self, start);
}

/* Unicode 15, table 3-7: well-formed byte sequences. */
static gboolean
scan_utf8(ErecScanner *self)
{
    const guint64 start = position(self);
    const int lead = *self->at;
    int more = lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3, low = 0x80, high = 0xbf;

    if (lead < 0xc2 || lead > 0xf4)
        return fail(self, EREC_FAULT_UTF8);
    if (lead == 0xe0)
        low = 0xa0;
    else if (lead == 0xed)
        high = 0x9f;
    else if (lead == 0xf0)
        low = 0x90;
    else if (lead == 0xf4)
        high = 0x8f;
    take(self);
    for (; more > 0; more--, low = 0x80, high = 0xbf) {
        const int c = peek(self);

        if (c < 0)
            return fail(self, EREC_FAULT_CUT);
        if (c < low || c > high)
            return fail_at(self, EREC_FAULT_UTF8, start);
        take(self);
    }
    return TRUE;
}

gboolean
erec_scan_string(ErecScanner *self, ErecToken *token)
{
    self->text_length = 0;
    self->text_overflow = FALSE;
    token->escaped = FALSE;
    self->at++;
    for (;;) {
        int c;

        plain(self);
        c = peek(self);
        if (c < 0)
            return fail(self, EREC_FAULT_CUT);
        if (c == '"')
            break;
        if (position(self) - token->offset > EREC_STRING_MAX)
            return fail_at(self, EREC_FAULT_STRING_LONG, token->offset);
        if (c < 0x20)
            return fail(self, EREC_FAULT_CONTROL);
        if (c == '\\') {
            token->escaped = TRUE;
            if (!scan_escape(self))
                return FALSE;
        } else if (c >= 0x80 && !scan_utf8(self)) {
            return FALSE;
        }
    }
    self->at++;
    if (position(self) - token->offset > EREC_STRING_MAX)
        return fail_at(self, EREC_FAULT_STRING_LONG, token->offset);
    if (self->capture && !self->text_overflow) {
        self->text[self->text_length] = '\0';
        token->text = self->text;
    }
    return TRUE;
}
