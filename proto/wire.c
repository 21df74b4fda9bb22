/* SPDX-License-Identifier: Apache-2.0
 *
 * Packing and padding of records. The padding field has the highest number, so that appending
 * it by hand gives what a packer would: tag FA 01, length, zeros.
 */
#include "proto/wire.h"

#include <string.h>

#include "proto/pad.h"

#define PADDING_TAG_LEN 2

/* field of Record, and those of SegmentPart */
#define RECORD_SEGMENT_PART 10
enum {
    PART_ITEM = 1,
    PART_SEGMENT,
    PART_ENCODING,
    PART_ORIGINAL_LENGTH,
    PART_ENCODED_LENGTH,
    PART_DATA,
};

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

/* Appends padding that makes a plaintext `extra` bytes longer; the caller has checked that it
 * can. */
static void
pad(uint8_t *at, size_t extra)
{
    size_t zeros, n = PADDING_TAG_LEN;

    if (extra == 0 || !ehp_wire_padding(extra, &zeros))
        return;
    at[0] = 0xfa;
    at[1] = 0x01;
    n += put_varint(at + n, zeros);
    memset(at + n, 0, zeros);
}

/* Room for a plaintext of len bytes and the padding, where it will be sealed. */
static ehp_status
room(const ehp_outlet *out, size_t len, size_t extra, uint8_t **plain)
{
    size_t zeros;

    if (len > EHP_RECORD_PLAIN_MAX || extra > EHP_RECORD_PLAIN_MAX - len ||
        !ehp_wire_padding(extra, &zeros))
        return EHP_INTERNAL;
    return ehp_record_room(len + extra, out->queue, plain);
}

static ehp_status
pad_and_seal(const ehp_outlet *out, uint8_t *plain, size_t len, size_t extra)
{
    pad(plain + len, extra);
    return ehp_record_seal_here(out->records, plain, len + extra, out->queue);
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
    uint8_t *plain;
    ehp_status status = room(out, len, extra, &plain);

    if (status != EHP_OK)
        return status;
    ehp__record__pack(record, plain);
    return pad_and_seal(out, plain, len, extra);
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
    uint8_t head[16], *plain;
    size_t len, extra;
    ehp_status status;

    if (message.len > EHP_RECORD_PLAIN_MAX - sizeof head)
        return EHP_INTERNAL;
    len = put_varint(head, (size_t)field << 3 | 2);
    len += put_varint(head + len, message.len);
    extra = stepped(len + message.len, first, step);
    status = room(out, len + message.len, extra, &plain);
    if (status != EHP_OK)
        return status;
    memcpy(plain, head, len);
    memcpy(plain + len, message.data, message.len);
    return pad_and_seal(out, plain, len + message.len, extra);
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

/* Passes over a value that we do not know, of a message that the guard has passed. */
static void
skip_value(ehp_reader *r, unsigned wire)
{
    if (wire == 0)
        take_varint(r);
    else
        ehp_take(r, wire == 1 ? 8 : wire == 5 ? 4 : (size_t)take_varint(r));
}

static void
take_part_field(ehp_reader *r, Ehp__SegmentPart *out)
{
    const uint64_t key = take_varint(r);
    ehp_bytes data;

    switch (key >> 3) {
    case PART_ITEM:
        out->has_item = 1;
        out->item = (uint32_t)take_varint(r);
        break;
    case PART_SEGMENT:
        out->has_segment = 1;
        out->segment = take_varint(r);
        break;
    case PART_ENCODING:
        out->has_encoding = 1;
        out->encoding = (Ehp__Encoding)take_varint(r);
        break;
    case PART_ORIGINAL_LENGTH:
        out->has_original_length = 1;
        out->original_length = (uint32_t)take_varint(r);
        break;
    case PART_ENCODED_LENGTH:
        out->has_encoded_length = 1;
        out->encoded_length = (uint32_t)take_varint(r);
        break;
    case PART_DATA:
        data = ehp_take(r, (size_t)take_varint(r));
        out->has_data = 1;
        out->data = ehp_wire_binary(data.data, data.len);
        break;
    default:
        skip_value(r, key & 7);
    }
}

bool
ehp_wire_part(ehp_bytes record, Ehp__SegmentPart *out)
{
    const ehp_bytes part = ehp_wire_field(record, RECORD_SEGMENT_PART);
    ehp_reader r;

    if (part.len == 0)
        return false;
    ehp__segment_part__init(out);
    ehp_reader_init(&r, part.data, part.len);
    while (r.left > 0 && !r.bad)
        take_part_field(&r, out);
    return !r.bad;
}

bool
ehp_wire_known(const ProtobufCEnumDescriptor *table, int value)
{
    return value > 0 && protobuf_c_enum_descriptor_get_value(table, value) != NULL;
}
