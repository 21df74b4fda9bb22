/* SPDX-License-Identifier: Apache-2.0
 *
 * Views, the sticky reader and writer, the wipe. Pure; any thread.
 */
#include "proto/bytes.h"

#include <sodium.h>
#include <string.h>

ehp_bytes
ehp_bytes_of(const void *data, size_t len)
{
    return (ehp_bytes){data, len};
}

bool
ehp_bytes_equal(ehp_bytes a, ehp_bytes b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.data, b.data, a.len) == 0);
}

bool
ehp_secret_equal(const void *a, const void *b, size_t len)
{
    return sodium_memcmp(a, b, len) == 0;
}

void
ehp_wipe(void *data, size_t len)
{
    if (len > 0)
        sodium_memzero(data, len);
}

void
ehp_reader_init(ehp_reader *r, const void *data, size_t len)
{
    *r = (ehp_reader){.at = data, .left = len};
}

ehp_bytes
ehp_take(ehp_reader *r, size_t len)
{
    if (r->bad || len > r->left) {
        r->bad = true;
        return (ehp_bytes){NULL, 0};
    }

    const ehp_bytes taken = {r->at, len};

    if (len > 0) {
        r->at += len;
        r->left -= len;
    }
    return taken;
}

ehp_bytes
ehp_take_rest(ehp_reader *r)
{
    return ehp_take(r, r->left);
}

static uint64_t
take_be(ehp_reader *r, size_t len)
{
    const ehp_bytes field = ehp_take(r, len);
    uint64_t value = 0;

    for (size_t i = 0; i < field.len; i++)
        value = value << 8 | field.data[i];
    return value;
}

uint8_t
ehp_take_u8(ehp_reader *r)
{
    return (uint8_t)take_be(r, 1);
}

uint16_t
ehp_take_be16(ehp_reader *r)
{
    return (uint16_t)take_be(r, 2);
}

uint32_t
ehp_take_be32(ehp_reader *r)
{
    return (uint32_t)take_be(r, 4);
}

uint64_t
ehp_take_be64(ehp_reader *r)
{
    return take_be(r, 8);
}

ehp_status
ehp_reader_end(const ehp_reader *r)
{
    return !r->bad && r->left == 0 ? EHP_OK : EHP_BAD_MESSAGE;
}

void
ehp_writer_init(ehp_writer *w, void *data, size_t cap)
{
    *w = (ehp_writer){.data = data, .cap = cap};
}

uint8_t *
ehp_put_room(ehp_writer *w, size_t len)
{
    if (w->bad || len > w->cap - w->len) {
        w->bad = true;
        return NULL;
    }

    uint8_t *room = w->data + w->len;

    w->len += len;
    return room;
}

void
ehp_put(ehp_writer *w, const void *data, size_t len)
{
    uint8_t *room = len > 0 ? ehp_put_room(w, len) : NULL;

    if (room)
        memcpy(room, data, len);
}

static void
put_be(ehp_writer *w, uint64_t value, size_t len)
{
    uint8_t *room = ehp_put_room(w, len);

    if (!room)
        return;
    for (size_t i = 0; i < len; i++)
        room[i] = (uint8_t)(value >> (8 * (len - 1 - i)));
}

void
ehp_put_u8(ehp_writer *w, uint8_t v)
{
    put_be(w, v, 1);
}

void
ehp_put_be16(ehp_writer *w, uint16_t v)
{
    put_be(w, v, 2);
}

void
ehp_put_be32(ehp_writer *w, uint32_t v)
{
    put_be(w, v, 4);
}

void
ehp_put_be64(ehp_writer *w, uint64_t v)
{
    put_be(w, v, 8);
}

void
ehp_put_text(ehp_writer *w, const char *text)
{
    ehp_put(w, text, strlen(text));
}

void
ehp_put_decimal(ehp_writer *w, uint64_t v)
{
    char digits[20];
    size_t at = sizeof digits;

    do {
        digits[--at] = (char)('0' + v % 10);
        v /= 10;
    } while (v > 0);
    ehp_put(w, digits + at, sizeof digits - at);
}

ehp_status
ehp_writer_end(const ehp_writer *w)
{
    return w->bad ? EHP_TOO_LARGE : EHP_OK;
}
