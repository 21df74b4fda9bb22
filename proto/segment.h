/* SPDX-License-Identifier: Apache-2.0
 *
 * Encoding of one segment (1 .. EHP_SEGMENT_MAX original bytes): raw, or one independent zstd
 * frame without checksum, which may refer back to the public dictionary and to nothing else. A
 * segment that a probe, or the compression itself, does not shrink by at least 3 % goes raw, so
 * the encoded length never exceeds the original. Where probes were in vain, the following
 * segments of the item are probed more and more rarely. Encoder and decoder hold one zstd
 * context each and reuse it: memory stays flat, and is wiped. Not thread safe; one per
 * transfer.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"

/* The values of Encoding in proto/ehrlink.proto. */
typedef enum {
    EHP_SEGMENT_RAW = 0,
    EHP_SEGMENT_ZSTD = 1,
    EHP_SEGMENT_ZSTD_EHR1 = 2,
} ehp_segment_encoding;

#define EHP_ZSTD_LEVEL_MIN 1
#define EHP_ZSTD_LEVEL_MAX 19

typedef struct ehp_segment_encoder ehp_segment_encoder;
typedef struct ehp_segment_decoder ehp_segment_decoder;

typedef struct {
    ehp_segment_encoding encoding;
    ehp_bytes data; /* raw: the input itself; zstd: in the caller's buffer */
} ehp_segment;

/* transfer full; NULL when out of memory. The context is only allocated with the first use. */
ehp_segment_encoder *ehp_segment_encoder_new(void);
void ehp_segment_encoder_free(ehp_segment_encoder *enc);
/* Another item begins: what the last one's segments were like says nothing of it. */
void ehp_segment_encoder_reset(ehp_segment_encoder *enc);

/* Encodes len bytes. buffer has room for len bytes (never more is needed) and must not overlap
 * data. level: EHP_ZSTD_LEVEL_MIN .. MAX, or 0 for always raw; from 15 on the dictionary is
 * used where it helps. out borrows from data or buffer. EHP_INVALID_ARGUMENT on a length or
 * level out of range, EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_segment_encode(ehp_segment_encoder *enc, int level,
                                           const uint8_t *data, size_t len, uint8_t *buffer,
                                           ehp_segment *out);

ehp_segment_decoder *ehp_segment_decoder_new(void);
void ehp_segment_decoder_free(ehp_segment_decoder *dec);

/* Checks the numbers of a segment's first part, before anything is allocated for it:
 * EHP_BAD_MESSAGE for an unknown encoding, a length of 0, an encoded length above the original
 * one, a raw segment whose two lengths differ; EHP_TOO_LARGE for more than EHP_SEGMENT_MAX. */
EHP_MUST_USE ehp_status ehp_segment_check(uint32_t encoding, uint64_t original_length,
                                          uint64_t encoded_length);

/* Decodes to out, which has room for original_length bytes; exactly that many come, or it is an
 * error: as ehp_segment_check, or EHP_BAD_COMPRESSION when it is not one frame without
 * dictionary id and with a window of at most 2^EHP_ZSTD_WINDOWLOG_MAX that holds just these
 * bytes and is followed by nothing; EHP_NO_MEMORY. On error out holds nothing of use. */
EHP_MUST_USE ehp_status ehp_segment_decode(ehp_segment_decoder *dec, uint32_t encoding,
                                           ehp_bytes data, uint32_t original_length,
                                           uint8_t *out);
