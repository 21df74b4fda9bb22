/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments both ways. Input: encoding, announced length (be32), level, then bytes that are
 * decoded as they are and then encoded and decoded again.
 */
#include "proto/segment.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static uint8_t buffer[EHP_SEGMENT_MAX], out[EHP_SEGMENT_MAX];

static void
decode(ehp_segment_decoder *dec, uint32_t encoding, uint32_t length, ehp_bytes bytes)
{
    /* exactly as long as announced, so that a sanitizer sees a byte too many */
    const bool fits = ehp_segment_check(encoding, length, bytes.len) == EHP_OK;
    uint8_t *exact = fits ? malloc(length) : NULL;
    const ehp_status status = ehp_segment_decode(dec, encoding, bytes, length, exact);

    FUZZ_CHECK(status == EHP_OK || status == EHP_BAD_MESSAGE || status == EHP_TOO_LARGE ||
               status == EHP_BAD_COMPRESSION);
    FUZZ_CHECK(fits || status != EHP_OK);
    free(exact);
}

static void
round_trip(ehp_segment_encoder *enc, ehp_segment_decoder *dec, int level, ehp_bytes bytes)
{
    ehp_segment s;

    if (bytes.len == 0 || bytes.len > EHP_SEGMENT_MAX)
        return;
    FUZZ_CHECK(ehp_segment_encode(enc, level, bytes.data, bytes.len, buffer, &s) == EHP_OK);
    FUZZ_CHECK(s.data.len <= bytes.len);
    FUZZ_CHECK(level >= 15 || s.encoding != EHP_SEGMENT_ZSTD_EHR1);
    FUZZ_CHECK(ehp_segment_decode(dec, s.encoding, s.data, (uint32_t)bytes.len, out) == EHP_OK);
    FUZZ_CHECK(memcmp(out, bytes.data, bytes.len) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static ehp_segment_encoder *enc;
    static ehp_segment_decoder *dec;
    ehp_reader in;

    fuzz_start();
    if (!enc) {
        enc = ehp_segment_encoder_new();
        dec = ehp_segment_decoder_new();
    }
    FUZZ_CHECK(enc && dec);
    ehp_reader_init(&in, data, size);

    const uint32_t encoding = ehp_take_u8(&in) % 4;
    const uint32_t length = ehp_take_be32(&in);
    const int level = ehp_take_u8(&in) % 16;

    if (in.bad)
        return 0;
    const ehp_bytes bytes = ehp_take_rest(&in);
    decode(dec, encoding, length, bytes);
    round_trip(enc, dec, level, bytes);
    return 0;
}
