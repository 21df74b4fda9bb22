/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing and padding of records. The padding field has the highest number, so that appending
 * it by hand gives what a packer would: tag FA 01, length, zeros.
 */
#include "proto/wire.h"

#include <string.h>

#include "proto/pad.h"

#define PADDING_TAG_LEN 2

static size_t
varint_len(size_t value)
{
    size_t n = 1;

    for (; value >= 0x80; value >>= 7)
        n++;
    return n;
}

bool
ehp_wire_padding(size_t extra, size_t *zeros)
{
    *zeros = 0;
    if (extra == 0)
        return true;
    for (size_t len = 1; len <= 3 && extra >= PADDING_TAG_LEN + len; len++) {
        *zeros = extra - PADDING_TAG_LEN - len;
        if (varint_len(*zeros) == len)
            return true;
    }
    return false;
}

size_t
ehp_wire_extra(size_t extra)
{
    size_t zeros;

    while (!ehp_wire_padding(extra, &zeros))
        extra++;
    return extra;
}

size_t
ehp_wire_size(const Ehp__Record *record)
{
    return ehp__record__get_packed_size(record);
}

static size_t
put_varint(uint8_t *out, size_t value)
{
    size_t n = 0;

    for (; value >= 0x80; value >>= 7)
        out[n++] = (uint8_t)(value | 0x80);
    out[n++] = (uint8_t)value;
    return n;
}

/* Adds the padding to the len bytes in the scratch buffer, and seals. */
static ehp_status
pad_and_seal(const ehp_outlet *out, size_t len, size_t extra)
{
    size_t zeros;
    ehp_status status;

    if (!ehp_wire_padding(extra, &zeros) || len + extra > EHP_RECORD_PLAIN_MAX)
        return EHP_INTERNAL;
    if (extra > 0) {
        out->plain[len++] = 0xfa;
        out->plain[len++] = 0x01;
        len += put_varint(out->plain + len, zeros);
        memset(out->plain + len, 0, zeros);
        len += zeros;
    }
    status = ehp_record_seal(out->records, ehp_bytes_of(out->plain, len), out->queue);
    ehp_wipe(out->plain, len);
    return status;
}

static size_t
stepped(size_t len, size_t first, size_t step)
{
    size_t want = len <= first ? first : first + ehp_pad_step(len - first, step), zeros;

    while (!ehp_wire_padding(want - len, &zeros))
        want += step;
    return want - len;
}

ehp_status
ehp_wire_send(const ehp_outlet *out, const Ehp__Record *record, size_t extra)
{
    size_t len = ehp_wire_size(record);

    if (len > EHP_RECORD_PLAIN_MAX)
        return EHP_INTERNAL;
    ehp__record__pack(record, out->plain);
    return pad_and_seal(out, len, extra);
}

ehp_status
ehp_wire_send_stepped(const ehp_outlet *out, const Ehp__Record *record, size_t step)
{
    return ehp_wire_send(out, record, stepped(ehp_wire_size(record), step, step));
}

ehp_status
ehp_wire_send_raw(const ehp_outlet *out, uint32_t field, ehp_bytes message, size_t first,
                  size_t step)
{
    size_t len;

    if (message.len > EHP_RECORD_PLAIN_MAX - 16)
        return EHP_INTERNAL;
    len = put_varint(out->plain, (size_t)field << 3 | 2);
    len += put_varint(out->plain + len, message.len);
    memcpy(out->plain + len, message.data, message.len);
    len += message.len;
    return pad_and_seal(out, len, stepped(len, first, step));
}

static uint64_t
take_varint(ehp_reader *r)
{
    uint64_t value = 0;
    unsigned shift = 0;
    uint8_t byte;

    do {
        byte = ehp_take_u8(r);
        if (shift < 64)
            value |= (uint64_t)(byte & 0x7f) << shift;
        shift += 7;
    } while (byte & 0x80);
    return value;
}

ehp_bytes
ehp_wire_field(ehp_bytes message, uint32_t field)
{
    ehp_reader r;

    ehp_reader_init(&r, message.data, message.len);
    while (r.left > 0 && !r.bad) {
        uint64_t key = take_varint(&r);
        ehp_bytes value = ehp_bytes_of(NULL, 0);
        switch (key & 7) {
        case 0:
            take_varint(&r);
            break;
        case 1:
            ehp_take(&r, 8);
            break;
        case 2:
            value = ehp_take(&r, (size_t)take_varint(&r));
            if (key >> 3 == field)
                return value;
            break;
        case 5:
            ehp_take(&r, 4);
            break;
        }
    }
    return ehp_bytes_of(NULL, 0);
}

bool
ehp_wire_known(const ProtobufCEnumDescriptor *table, int value)
{
    return value > 0 && protobuf_c_enum_descriptor_get_value(table, value) != NULL;
}
