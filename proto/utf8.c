/* SPDX-License-Identifier: Apache-2.0
 *
 * UTF-8 by the table of RFC 3629 section 4. Pure; any thread.
 */
#include "proto/utf8.h"

/* How many bytes the character at p takes, 0 when there is none that is valid. left > 0. */
static size_t
character(const uint8_t *p, size_t left)
{
    uint8_t low = 0x80, high = 0xbf; /* bounds of the second byte: overlong, surrogate, range */
    size_t n;

    if (p[0] < 0x80)
        return p[0] != 0;
    if (p[0] < 0xc2 || p[0] > 0xf4)
        return 0;
    n = p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
    if (left < n)
        return 0;
    low = p[0] == 0xe0 ? 0xa0 : p[0] == 0xf0 ? 0x90 : low;
    high = p[0] == 0xed ? 0x9f : p[0] == 0xf4 ? 0x8f : high;
    if (p[1] < low || p[1] > high)
        return 0;
    for (size_t i = 2; i < n; i++)
        if ((p[i] & 0xc0) != 0x80)
            return 0;
    return n;
}

bool
ehp_utf8_valid(const uint8_t *data, size_t len)
{
    for (size_t at = 0, n; at < len; at += n) {
        n = character(data + at, len - at);
        if (n == 0)
            return false;
    }
    return true;
}
