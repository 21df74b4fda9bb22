/* SPDX-License-Identifier: Apache-2.0
 *
 * See unescape.h.
 */
#include "lib/record/unescape.h"

#include <string.h>

static gsize
put_utf8(char *out, guint code)
{
    return (gsize)g_unichar_to_utf8(code, out);
}

static guint
hex4(const char *in)
{
    guint unit = 0;

    for (int i = 0; i < 4; i++)
        unit = unit << 4 | (guint)g_ascii_xdigit_value(in[i]);
    return unit;
}

/* One escape, which the scanner has checked; *in is behind its backslash. */
static gsize
decode_escape(const char **in, char *out)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char c = *(*in)++;
    guint unit;

    if (c != 'u') {
        *out = to[strchr(from, c) - from];
        return 1;
    }
    unit = hex4(*in);
    *in += 4;
    if (unit < 0xd800 || unit > 0xdfff)
        return put_utf8(out, unit);
    unit = 0x10000 + ((unit - 0xd800) << 10) + (hex4(*in + 2) - 0xdc00);
    *in += 6;
    return put_utf8(out, unit);
}

gsize
erec_unescape(const char *in, const char *end, char *out)
{
    char *const start = out;

    while (in < end) {
        if (*in == '\\') {
            in++;
            out += decode_escape(&in, out);
        } else {
            *out++ = *in++;
        }
    }
    *out = '\0';
    return (gsize)(out - start);
}
