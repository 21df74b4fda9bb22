/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments: our vectors (frames written by hand), round trips at every level, what goes raw.
 */
#include "proto/segment.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/drbg.h"
#include "proto/hash.h"
#include "tests/proto/vectors.h"

static uint8_t original[EHP_SEGMENT_MAX], buffer[EHP_SEGMENT_MAX], back[EHP_SEGMENT_MAX + 1];

static void
fill_random(size_t from, size_t len)
{
    const uint8_t seed[EHP_SEED_LEN] = {9};
    ehp_drbg d;

    ehp_drbg_init(&d, seed);
    ehp_drbg_bytes(&d, original + from, len);
}

static void
fill_text(size_t len)
{
    static const char text[] = "{\"resourceType\":\"Observation\",\"status\":\"final\"},";

    for (size_t i = 0; i < len; i++)
        original[i] = (uint8_t)(text[i % (sizeof text - 1)] + (i % 977 == 0));
}

static void
test_own(void)
{
    JsonObject *all = vectors_own("segment.json");
    ehp_segment_decoder *dec = ehp_segment_decoder_new();

    VECTORS_EACH(c, all, "cases")
    {
        const uint32_t len = (uint32_t)json_object_get_int_member(c, "original_length");
        uint8_t hash[EHP_HASH_LEN];

        back[len] = 0xee;
        assert_ok(ehp_segment_decode(dec, (uint32_t)json_object_get_int_member(c, "encoding"),
                                     vectors_hex(c, "encoded"), len, back));
        g_assert_cmphex(back[len], ==, 0xee);
        ehp_sha256(hash, back, len);
        g_assert_cmpmem(hash, sizeof hash, vectors_hex(c, "original_sha256").data,
                        EHP_HASH_LEN);
    }
    ehp_segment_decoder_free(dec);
}

static void
test_must_fail(void)
{
    JsonObject *all = vectors_own("segment.json");
    ehp_segment_decoder *dec = ehp_segment_decoder_new();

    VECTORS_EACH(f, all, "must_fail")
    {
        const uint32_t len = (uint32_t)json_object_get_int_member(f, "original_length");

        g_test_message("%s", json_object_get_string_member(f, "comment"));
        memset(back, 0xee, sizeof back);
        assert_status(ehp_segment_decode(dec,
                                         (uint32_t)json_object_get_int_member(f, "encoding"),
                                         vectors_hex(f, "encoded"), len, back),
                      vectors_error(f));
        /* not a byte behind what was announced */
        for (size_t i = len; i < sizeof back; i++)
            g_assert_cmphex(back[i], ==, 0xee);
    }
    ehp_segment_decoder_free(dec);
}

static void
round_trip(ehp_segment_encoder *enc, ehp_segment_decoder *dec, int level, size_t len,
           ehp_segment_encoding want)
{
    ehp_segment s;

    assert_ok(ehp_segment_encode(enc, level, original, len, buffer, &s));
    g_assert_cmpint(s.encoding, ==, want);
    g_assert_cmpuint(s.data.len, <=, len);
    g_assert_true(s.data.data == (want == EHP_SEGMENT_RAW ? original : buffer));
    assert_ok(ehp_segment_decode(dec, s.encoding, s.data, (uint32_t)len, back));
    g_assert_cmpmem(back, len, original, len);
}

static void
test_levels(void)
{
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    ehp_segment_decoder *dec = ehp_segment_decoder_new();
    const size_t lengths[] = {200, 4096, 65536, 65537, EHP_SEGMENT_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        fill_text(lengths[i]);
        for (int level = EHP_ZSTD_LEVEL_MIN; level <= EHP_ZSTD_LEVEL_MAX; level += 3)
            round_trip(enc, dec, level, lengths[i], EHP_SEGMENT_ZSTD);
        round_trip(enc, dec, 0, lengths[i], EHP_SEGMENT_RAW);
    }
    ehp_segment_encoder_free(enc);
    ehp_segment_decoder_free(dec);
}

static void
test_raw_when_it_does_not_shrink(void)
{
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    ehp_segment_decoder *dec = ehp_segment_decoder_new();
    const size_t lengths[] = {1, 2, 100, 65536, EHP_SEGMENT_MAX};

    fill_random(0, sizeof original);
    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++)
        for (int level = EHP_ZSTD_LEVEL_MIN; level <= EHP_ZSTD_LEVEL_MAX; level += 9)
            round_trip(enc, dec, level, lengths[i], EHP_SEGMENT_RAW);

    /* 2 % of text in it are not worth a frame, a third is */
    memset(original, 'a', EHP_SEGMENT_MAX / 50);
    round_trip(enc, dec, 3, EHP_SEGMENT_MAX, EHP_SEGMENT_RAW);
    memset(original, 'a', EHP_SEGMENT_MAX / 3);
    round_trip(enc, dec, 3, EHP_SEGMENT_MAX, EHP_SEGMENT_ZSTD);
    ehp_segment_encoder_free(enc);
    ehp_segment_decoder_free(dec);
}

static void
test_bad_arguments(void)
{
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    ehp_segment s;

    assert_status(ehp_segment_encode(enc, 3, original, 0, buffer, &s), EHP_INVALID_ARGUMENT);
    assert_status(ehp_segment_encode(enc, 3, original, EHP_SEGMENT_MAX + 1, buffer, &s),
                  EHP_INVALID_ARGUMENT);
    assert_status(ehp_segment_encode(enc, -1, original, 5, buffer, &s), EHP_INVALID_ARGUMENT);
    assert_status(ehp_segment_encode(enc, 20, original, 5, buffer, &s), EHP_INVALID_ARGUMENT);
    ehp_segment_encoder_free(enc);
    ehp_segment_encoder_free(NULL);
    ehp_segment_decoder_free(NULL);
}

/* Every truncation and every flipped bit of a real frame: an error, or the right number of
 * bytes. */
static void
test_mutations(void)
{
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    ehp_segment_decoder *dec = ehp_segment_decoder_new();
    const uint32_t len = 3000;
    ehp_segment s;

    fill_text(len);
    assert_ok(ehp_segment_encode(enc, 9, original, len, buffer, &s));
    for (size_t cut = 0; cut < s.data.len; cut++)
        g_assert_cmpint(
            ehp_segment_decode(dec, EHP_SEGMENT_ZSTD, ehp_bytes_of(buffer, cut), len, back), !=,
            EHP_OK);
    for (size_t bit = 0; bit < 8 * s.data.len; bit++) {
        ehp_status ignored;

        buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
        back[len] = 0xee;
        ignored = ehp_segment_decode(dec, EHP_SEGMENT_ZSTD, s.data, len, back);
        (void)ignored;
        g_assert_cmphex(back[len], ==, 0xee);
        buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_ok(ehp_segment_decode(dec, EHP_SEGMENT_ZSTD, s.data, len, back));
    ehp_segment_encoder_free(enc);
    ehp_segment_decoder_free(dec);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/segment/own", test_own);
    g_test_add_func("/segment/must-fail", test_must_fail);
    g_test_add_func("/segment/levels", test_levels);
    g_test_add_func("/segment/raw", test_raw_when_it_does_not_shrink);
    g_test_add_func("/segment/arguments", test_bad_arguments);
    g_test_add_func("/segment/mutations", test_mutations);
    return g_test_run();
}
