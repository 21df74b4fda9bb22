/* SPDX-License-Identifier: Apache-2.0
 *
 * One segment to one zstd frame and back, with the public dictionary or without. The encoder's
 * and the decoder's zstd contexts live as long as they do. The frame header is read here before
 * zstd sees the frame, since only its streaming interface holds itself to a window limit, and
 * only its experimental one tells a frame's window.
 */
#include "proto/segment.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#define ZSTD_STATIC_LINKING_ONLY /* for the allocator */
#include <zstd.h>

#include "proto/dictionary.h"

/* A segment is worth compressing when it shrinks to this part of 100. */
#define KEEP_PERCENT 97
/* The probe: four slices, spread over the segment, at the fastest level. */
#define PROBE_SLICES 4
#define PROBE_SLICE  (16 * 1024)
#define PROBE_LEVEL  1
/* After each probe that found nothing to gain twice as many segments are not probed, up to
 * this: in a large image or archive the probe alone was a twelfth of a sender's time. */
#define SKIP_MAX     15

/* From this level on the dictionary is tried, and the tables are kept to 2^18 entries each:
 * zstd would take 2^19 for the same result, and the daemon's memory is counted. */
#define THOROUGH_LEVEL   15
#define THOROUGH_TABLES  18
#define DICTIONARY_LEVEL 15

#define FRAME_MAGIC          0xFD2FB528u
#define FRAME_WINDOWLOG_BASE 10

struct ehp_segment_encoder {
    ZSTD_CCtx *ctx; /* owned; NULL until the first use */
    ZSTD_CDict
        *dictionary; /* owned; likewise; its tables are made once, for DICTIONARY_LEVEL */
    unsigned skip;   /* segments that go raw without a probe */
    unsigned next;   /* what skip becomes when the next probe is in vain too */
};

struct ehp_segment_decoder {
    ZSTD_DCtx *ctx; /* owned; NULL until the first use */
};

/* ---- memory ---- */

/* Contexts hold plaintext: they are wiped when zstd gives them back, or grows them. */
typedef struct {
    alignas(max_align_t) size_t len;
    alignas(max_align_t) uint8_t data[];
} block;

static void *
block_alloc(void *opaque, size_t len)
{
    block *b = len <= SIZE_MAX - sizeof *b ? malloc(sizeof *b + len) : NULL;

    (void)opaque;
    if (!b)
        return NULL;
    b->len = len;
    return b->data;
}

static void
block_free(void *opaque, void *data)
{
    block *b = data ? (block *)(void *)((uint8_t *)data - offsetof(block, data)) : NULL;

    (void)opaque;
    if (!b)
        return;
    ehp_wipe(b->data, b->len);
    free(b);
}

static const ZSTD_customMem wiped = {block_alloc, block_free, NULL};

ehp_segment_encoder *
ehp_segment_encoder_new(void)
{
    return calloc(1, sizeof(ehp_segment_encoder));
}

void
ehp_segment_encoder_reset(ehp_segment_encoder *enc)
{
    enc->skip = 0;
    enc->next = 1;
}

void
ehp_segment_encoder_free(ehp_segment_encoder *enc)
{
    if (!enc)
        return;
    ZSTD_freeCDict(enc->dictionary);
    ZSTD_freeCCtx(enc->ctx);
    free(enc);
}

ehp_segment_decoder *
ehp_segment_decoder_new(void)
{
    return calloc(1, sizeof(ehp_segment_decoder));
}

void
ehp_segment_decoder_free(ehp_segment_decoder *dec)
{
    if (!dec)
        return;
    ZSTD_freeDCtx(dec->ctx);
    free(dec);
}

/* ---- encoding ---- */

/* Bytes that len bytes compress to in cap bytes; 0 when they do not fit there. What the context
 * was told to refer to stays as it is. */
static size_t
compress(ZSTD_CCtx *ctx, int level, const uint8_t *data, size_t len, uint8_t *to, size_t cap)
{
    const int tables = level < THOROUGH_LEVEL ? 0 : THOROUGH_TABLES; /* 0: as zstd thinks */
    size_t got = ZSTD_CCtx_setParameter(ctx, ZSTD_c_compressionLevel, level);

    if (!ZSTD_isError(got))
        got = ZSTD_CCtx_setParameter(ctx, ZSTD_c_hashLog, tables);
    if (!ZSTD_isError(got))
        got = ZSTD_CCtx_setParameter(ctx, ZSTD_c_chainLog, tables);
    if (!ZSTD_isError(got))
        got = ZSTD_compress2(ctx, to, cap, data, len);
    return ZSTD_isError(got) ? 0 : got;
}

/* Whether slices of the segment shrink enough, so that a high level is not spent on an image.
 */
static bool
probe(ZSTD_CCtx *ctx, const uint8_t *data, size_t len, uint8_t *scratch)
{
    const size_t stride = (len - PROBE_SLICE) / (PROBE_SLICES - 1);
    size_t sum = 0;

    for (size_t i = 0; i < PROBE_SLICES; i++) {
        const size_t got =
            compress(ctx, PROBE_LEVEL, data + i * stride, PROBE_SLICE, scratch, PROBE_SLICE);

        sum += got > 0 ? got : PROBE_SLICE;
    }
    return sum <= (size_t)PROBE_SLICES * PROBE_SLICE / 100 * KEEP_PERCENT;
}

/* A segment of the size of the probe is not probed but compressed. */
static bool
worth_trying(ehp_segment_encoder *enc, const uint8_t *data, size_t len, uint8_t *scratch)
{
    if (len <= PROBE_SLICES * PROBE_SLICE)
        return true;
    if (enc->skip > 0) {
        enc->skip--;
        return false;
    }
    if (probe(enc->ctx, data, len, scratch)) {
        ehp_segment_encoder_reset(enc);
        return true;
    }
    enc->skip = enc->next;
    enc->next = enc->next < SKIP_MAX / 2 ? 2 * enc->next + 1 : SKIP_MAX;
    return false;
}

/* Whether the dictionary makes it shorter, at the fastest level: a health record loses a
 * quarter to a half by it, an image gains a percent. */
static bool
dictionary_helps(ZSTD_CCtx *ctx, const uint8_t *data, size_t len, uint8_t *scratch)
{
    const size_t plain = compress(ctx, PROBE_LEVEL, data, len, scratch, len);

    /* a prefix serves the next frame only */
    if (ZSTD_isError(ZSTD_CCtx_refPrefix(ctx, ehp_dictionary_ehr1, sizeof ehp_dictionary_ehr1)))
        return false;

    const size_t with = compress(ctx, PROBE_LEVEL, data, len, scratch, len);

    return with > 0 && (plain == 0 || with < plain);
}

static ehp_status
make_tools(ehp_segment_encoder *enc, bool dictionary)
{
    if (!enc->ctx)
        enc->ctx = ZSTD_createCCtx_advanced(wiped);
    if (dictionary && !enc->dictionary)
        enc->dictionary =
            ZSTD_createCDict(ehp_dictionary_ehr1, sizeof ehp_dictionary_ehr1, DICTIONARY_LEVEL);
    return enc->ctx && (!dictionary || enc->dictionary) ? EHP_OK : EHP_NO_MEMORY;
}

/* Sets out->encoding and tells the bytes in buffer: 0 when the segment goes raw. */
static ehp_status
encode(ehp_segment_encoder *enc, int level, ehp_bytes in, uint8_t *buffer, size_t *got,
       ehp_segment_encoding *how)
{
    const size_t cap = in.len * KEEP_PERCENT / 100;
    ehp_status status = make_tools(enc, false);

    if (status != EHP_OK)
        return status;
    if (!worth_trying(enc, in.data, in.len, buffer))
        return EHP_OK;
    *how = EHP_SEGMENT_ZSTD;
    if (level >= THOROUGH_LEVEL && dictionary_helps(enc->ctx, in.data, in.len, buffer)) {
        *how = EHP_SEGMENT_ZSTD_EHR1;
        status = make_tools(enc, true);
    }
    if (status != EHP_OK)
        return status;

    ZSTD_CCtx_refCDict(enc->ctx, *how == EHP_SEGMENT_ZSTD_EHR1 ? enc->dictionary : NULL);
    *got = compress(enc->ctx, level, in.data, in.len, buffer, cap);
    ZSTD_CCtx_refCDict(enc->ctx, NULL);
    return EHP_OK;
}

ehp_status
ehp_segment_encode(ehp_segment_encoder *enc, int level, const uint8_t *data, size_t len,
                   uint8_t *buffer, ehp_segment *out)
{
    size_t got = 0;
    ehp_segment_encoding how = EHP_SEGMENT_RAW;
    ehp_status status = EHP_OK;

    if (len == 0 || len > EHP_SEGMENT_MAX || level < 0 || level > EHP_ZSTD_LEVEL_MAX)
        return EHP_INVALID_ARGUMENT;
    if (level > 0)
        status = encode(enc, level, ehp_bytes_of(data, len), buffer, &got, &how);
    if (status != EHP_OK)
        return status;
    out->encoding = got > 0 ? how : EHP_SEGMENT_RAW;
    out->data = got > 0 ? ehp_bytes_of(buffer, got) : ehp_bytes_of(data, len);
    return EHP_OK;
}

/* ---- decoding ---- */

ehp_status
ehp_segment_check(uint32_t encoding, uint64_t original_length, uint64_t encoded_length)
{
    if (original_length > EHP_SEGMENT_MAX || encoded_length > EHP_SEGMENT_MAX)
        return EHP_TOO_LARGE;
    if (original_length == 0 || encoded_length == 0 || encoded_length > original_length)
        return EHP_BAD_MESSAGE;
    if (encoding == EHP_SEGMENT_ZSTD || encoding == EHP_SEGMENT_ZSTD_EHR1)
        return EHP_OK;
    return encoding == EHP_SEGMENT_RAW && encoded_length == original_length ? EHP_OK
                                                                            : EHP_BAD_MESSAGE;
}

/* RFC 8878 section 3.1.1.1: a plain frame (not a skippable one), no dictionary id, window
 * in bounds. */
static bool
frame_header_fits(ehp_bytes frame)
{
    ehp_reader r;

    ehp_reader_init(&r, frame.data, frame.len);

    const uint32_t magic = __builtin_bswap32(ehp_take_be32(&r));
    const uint8_t descriptor = ehp_take_u8(&r);
    const bool single_segment = descriptor & 0x20;
    const bool reserved = descriptor & 0x08;
    const bool dictionary = descriptor & 0x03;
    const uint8_t window = single_segment ? 0 : ehp_take_u8(&r);
    const unsigned window_log = FRAME_WINDOWLOG_BASE + (window >> 3);
    const bool window_fits = window_log < EHP_ZSTD_WINDOWLOG_MAX ||
                             (window_log == EHP_ZSTD_WINDOWLOG_MAX && (window & 7) == 0);

    return !r.bad && magic == FRAME_MAGIC && !reserved && !dictionary && window_fits;
}

static ehp_status
decompress(ehp_segment_decoder *dec, ehp_bytes frame, bool dictionary, uint32_t original_length,
           uint8_t *out)
{
    const size_t dictionary_len = dictionary ? sizeof ehp_dictionary_ehr1 : 0;

    if (!frame_header_fits(frame) ||
        ZSTD_findFrameCompressedSize(frame.data, frame.len) != frame.len)
        return EHP_BAD_COMPRESSION;
    if (!dec->ctx)
        dec->ctx = ZSTD_createDCtx_advanced(wiped);
    if (!dec->ctx)
        return EHP_NO_MEMORY;

    /* an error is a huge number, never the announced length */
    return ZSTD_decompress_usingDict(dec->ctx, out, original_length, frame.data, frame.len,
                                     dictionary ? ehp_dictionary_ehr1 : NULL,
                                     dictionary_len) == original_length
               ? EHP_OK
               : EHP_BAD_COMPRESSION;
}

ehp_status
ehp_segment_decode(ehp_segment_decoder *dec, uint32_t encoding, ehp_bytes data,
                   uint32_t original_length, uint8_t *out)
{
    const ehp_status status = ehp_segment_check(encoding, original_length, data.len);

    if (status != EHP_OK)
        return status;
    if (encoding != EHP_SEGMENT_RAW)
        return decompress(dec, data, encoding == EHP_SEGMENT_ZSTD_EHR1, original_length, out);
    memcpy(out, data.data, data.len);
    return EHP_OK;
}
