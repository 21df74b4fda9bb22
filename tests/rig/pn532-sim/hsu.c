/* SPDX-License-Identifier: Apache-2.0
 *
 * The PN532's host frames (user manual, 6.2.1): normal and extended information frames, ACK,
 * NACK, error. Commands carry TFI D4, responses D5.
 */
#include "sim.h"

#include <string.h>

const uint8_t hsu_ack[6] = {0x00, 0x00, 0xff, 0x00, 0xff, 0x00};
const uint8_t hsu_error[8] = {0x00, 0x00, 0xff, 0x01, 0xff, 0x7f, 0x81, 0x00};

static void
drop(struct hsu_in *in, size_t count)
{
    memmove(in->bytes, in->bytes + count, in->len - count);
    in->len -= count;
}

/* Drops what precedes a start code 00 FF. Returns false if there is none yet. */
static bool
find_start(struct hsu_in *in)
{
    for (size_t i = 0; i + 1 < in->len; i++) {
        if (in->bytes[i] == 0x00 && in->bytes[i + 1] == 0xff) {
            drop(in, i);
            return true;
        }
    }
    if (in->len > 1)
        drop(in, in->len - 1);
    return false;
}

/* Length and header size of the information frame after the start code. 1: fine, 0: more bytes
 * are needed, -1: damaged. */
static int
read_length(const struct hsu_in *in, size_t *header, size_t *len)
{
    const uint8_t *b = in->bytes;

    if (b[2] != 0xff || b[3] != 0xff) {
        *header = 4;
        *len = b[2];
        return (uint8_t)(b[2] + b[3]) == 0 ? 1 : -1;
    }
    if (in->len < 7)
        return 0;
    *header = 7;
    *len = (size_t)b[4] << 8 | b[5];
    return (uint8_t)(b[4] + b[5] + b[6]) == 0 && *len <= HSU_COMMAND_MAX + 1 ? 1 : -1;
}

static bool
sum_is_zero(const uint8_t *bytes, size_t len)
{
    uint8_t sum = 0;

    for (size_t i = 0; i < len; i++)
        sum += bytes[i];
    return sum == 0;
}

enum hsu_kind
hsu_next(struct hsu_in *in, uint8_t command[HSU_COMMAND_MAX], size_t *len)
{
    size_t header, body;

    while (find_start(in) && in->len >= 4) {
        const uint8_t *b = in->bytes;
        if (b[2] == 0x00 && b[3] == 0xff) {
            drop(in, 4);
            return HSU_ACK;
        }
        if (b[2] == 0xff && b[3] == 0x00) {
            drop(in, 4);
            return HSU_NACK;
        }
        int ready = read_length(in, &header, &body);
        if (ready == 0 || (ready > 0 && in->len < header + body + 1))
            return HSU_NONE;
        bool good =
            ready > 0 && body >= 2 && b[header] == 0xd4 && sum_is_zero(b + header, body + 1);
        if (good) {
            *len = body - 1;
            memcpy(command, b + header + 1, *len);
        }
        drop(in, ready > 0 ? header + body + 1 : 2);
        if (good)
            return HSU_COMMAND;
    }
    return HSU_NONE;
}

size_t
hsu_build(uint8_t frame[HSU_FRAME_MAX], const uint8_t *data, size_t len)
{
    uint8_t sum = 0xd5;
    size_t at = 3;

    memcpy(frame, "\x00\x00\xff", 3);
    if (len + 1 <= 255) {
        frame[at++] = (uint8_t)(len + 1);
        frame[at++] = (uint8_t) - (len + 1);
    } else {
        frame[at++] = 0xff;
        frame[at++] = 0xff;
        frame[at++] = (uint8_t)((len + 1) >> 8);
        frame[at++] = (uint8_t)(len + 1);
        frame[at] = (uint8_t) - (frame[at - 1] + frame[at - 2]);
        at++;
    }
    frame[at++] = 0xd5;
    memcpy(frame + at, data, len);
    for (size_t i = 0; i < len; i++)
        sum += data[i];
    at += len;
    frame[at++] = (uint8_t)-sum;
    frame[at++] = 0x00;
    return at;
}
