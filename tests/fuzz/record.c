/* SPDX-License-Identifier: Apache-2.0
 *
 * The record layer between two ends. Input: the chunk size in which the wire arrives, a number
 * of records, for each a length, then what is done to the wire: an offset and a mask per three
 * bytes, and what is left is appended as junk. What comes out must be what went in, from the
 * first record on, up to the first damage.
 */
#include "proto/record.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

#define RECORDS_MAX 16
#define QUEUE_MAX   (1024 * 1024)

static const uint8_t key[EHP_KEY_LEN] = {0x42};
static uint8_t plain[EHP_RECORD_PLAIN_MAX];

static void
start(ehp_record *r)
{
    ehp_cipher send, recv;

    ehp_cipher_init(&send, key);
    ehp_cipher_init(&recv, key);
    ehp_record_init(r, &send, &recv);
}

static unsigned
seal_some(ehp_record *r, ehp_reader *in, ehp_queue *wire, size_t lengths[])
{
    const unsigned n = ehp_take_u8(in) % (RECORDS_MAX + 1);

    for (unsigned i = 0; i < n; i++) {
        /* few big ones or many small ones, so that a run stays quick */
        lengths[i] = ehp_take_be16(in) % (n > 4 ? 600 : EHP_RECORD_PLAIN_MAX + 1);
        memset(plain, (int)i, lengths[i]);
        FUZZ_CHECK(ehp_record_seal(r, ehp_bytes_of(plain, lengths[i]), wire) == EHP_OK);
    }
    return n;
}

/* Gives the offset of the first damaged byte. */
static size_t
damage(ehp_queue *wire, ehp_reader *in)
{
    const size_t len = wire->len;
    const unsigned n = ehp_take_u8(in) % 4;
    size_t first = len;

    for (unsigned i = 0; i < n && len > 0; i++) {
        const size_t at = ehp_take_be16(in) % len;
        const uint8_t mask = ehp_take_u8(in);

        wire->data[wire->start + at] ^= mask;
        if (mask != 0 && at < first)
            first = at;
    }
    in->bad = false;
    const ehp_bytes junk = ehp_take_rest(in);
    FUZZ_CHECK(ehp_queue_push(wire, junk.data, junk.len) == EHP_OK || junk.len > 0);
    return first;
}

static void
open_all(ehp_record *r, ehp_bytes wire, size_t chunk, const size_t lengths[], unsigned n,
         size_t intact)
{
    unsigned seen = 0;
    size_t end = 0;

    for (size_t at = 0; at < wire.len; at += chunk) {
        ehp_reader in;
        ehp_bytes got;
        ehp_status status;

        ehp_reader_init(&in, wire.data + at, chunk < wire.len - at ? chunk : wire.len - at);
        while ((status = ehp_record_next(r, &in, &got)) == EHP_OK) {
            FUZZ_CHECK(seen < n && got.len == lengths[seen]);
            for (size_t i = 0; i < got.len; i++)
                FUZZ_CHECK(got.data[i] == seen);
            end += ehp_record_size(got.len);
            seen++;
        }
        FUZZ_CHECK(status == EHP_AGAIN || r->failed == status);
    }
    /* two flips of one bit may cancel out, so damage need not show; but nothing intact may be
     * lost */
    FUZZ_CHECK(seen == n || end + ehp_record_size(lengths[seen]) > intact);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t lengths[RECORDS_MAX + 1] = {0};
    ehp_record a, b;
    ehp_queue wire;
    ehp_reader in;

    fuzz_start();
    ehp_reader_init(&in, data, size);
    start(&a);
    start(&b);
    ehp_queue_init(&wire, QUEUE_MAX);

    const size_t chunk = 1 + (size_t)ehp_take_be16(&in);
    const unsigned n = seal_some(&a, &in, &wire, lengths);
    const size_t intact = damage(&wire, &in);

    open_all(&b, ehp_queue_peek(&wire), chunk, lengths, n, intact);
    ehp_queue_clear(&wire);
    ehp_record_clear(&a);
    ehp_record_clear(&b);
    return 0;
}
