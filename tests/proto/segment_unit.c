/* SPDX-License-Identifier: Apache-2.0
 *
 * Segments: our vectors (frames written by hand), round trips at every level, what goes raw.
 */
#include "proto/segment.h"

#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "proto/dictionary.h"
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

    /* the damage gives long ones enough of their own, so that the dictionary is not worth it */
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

/* The dictionary is a constant of the wire format: vectors and PROTOCOL.md name its hash. */
static void
test_dictionary_is_frozen(void)
{
    JsonObject *told = json_object_get_object_member(vectors_own("segment.json"), "dictionary");
    const char *root = g_getenv("EHRLINK_SOURCE_ROOT");
    g_autofree char *page = g_build_filename(root ? root : ".", "proto/PROTOCOL.md", NULL);
    g_autofree char *text = NULL;
    uint8_t hash[EHP_HASH_LEN];

    ehp_sha256(hash, ehp_dictionary_ehr1, sizeof ehp_dictionary_ehr1);
    g_assert_cmpint(json_object_get_int_member(told, "length"), ==, sizeof ehp_dictionary_ehr1);
    g_assert_cmpmem(hash, sizeof hash, vectors_hex(told, "sha256").data, EHP_HASH_LEN);
    g_assert_true(g_file_get_contents(page, &text, NULL, NULL));
    g_assert_nonnull(strstr(text, json_object_get_string_member(told, "sha256")));
}

static void
test_levels(void)
{
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    ehp_segment_decoder *dec = ehp_segment_decoder_new();
    const size_t lengths[] = {200, 4096, 65536, 65537, EHP_SEGMENT_MAX};

    for (size_t i = 0; i < G_N_ELEMENTS(lengths); i++) {
        fill_text(lengths[i]);
        for (int level = EHP_ZSTD_LEVEL_MIN; level < 15; level += 3)
            round_trip(enc, dec, level, lengths[i], EHP_SEGMENT_ZSTD);
        for (int level = 15; level <= EHP_ZSTD_LEVEL_MAX; level += 2)
            round_trip(enc, dec, level, lengths[i],
                       lengths[i] < 5000 ? EHP_SEGMENT_ZSTD_EHR1 : EHP_SEGMENT_ZSTD);
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

/* Tried, and taken only where it helps; what goes with it needs it. */
static void
test_dictionary(void)
{
    static const char record[] =
        "{\"resourceType\":\"Immunization\",\"status\":\"completed\",\"vaccineCode\":{"
        "\"coding\":[{"
        "\"system\":\"http://snomed.info/sct\"}]},\"occurrenceDateTime\":\"2021-06-02\"}";
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    ehp_segment_decoder *dec = ehp_segment_decoder_new();
    ehp_segment s;
    size_t plain;

    memcpy(original, record, sizeof record);
    assert_ok(ehp_segment_encode(enc, 9, original, sizeof record, buffer, &s));
    plain = s.data.len;
    assert_ok(ehp_segment_encode(enc, 15, original, sizeof record, buffer, &s));
    g_assert_cmpint(s.encoding, ==, EHP_SEGMENT_ZSTD_EHR1);
    g_assert_cmpuint(2 * s.data.len, <, plain);
    assert_status(ehp_segment_decode(dec, EHP_SEGMENT_ZSTD, s.data, sizeof record, back),
                  EHP_BAD_COMPRESSION);
    assert_ok(ehp_segment_decode(dec, s.encoding, s.data, sizeof record, back));
    g_assert_cmpmem(back, sizeof record, original, sizeof record);

    /* the same encoder and decoder without it, and with it again */
    fill_random(0, 3000);
    memcpy(original + 3000, original, 3000);
    round_trip(enc, dec, 15, 6000, EHP_SEGMENT_ZSTD);
    fill_text(5000);
    round_trip(enc, dec, 15, 5000, EHP_SEGMENT_ZSTD_EHR1);
    round_trip(enc, dec, 3, 5000, EHP_SEGMENT_ZSTD);
    ehp_segment_encoder_free(enc);
    ehp_segment_decoder_free(dec);
}

/* Every truncation and every flipped bit of a real frame: an error, or the right number of
 * bytes. */
static void
mutations_of(int level, ehp_segment_encoding encoding)
{
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    ehp_segment_decoder *dec = ehp_segment_decoder_new();
    const uint32_t len = 3000;
    ehp_segment s;

    fill_text(len);
    assert_ok(ehp_segment_encode(enc, level, original, len, buffer, &s));
    g_assert_cmpint(s.encoding, ==, encoding);
    for (size_t cut = 0; cut < s.data.len; cut++)
        g_assert_cmpint(ehp_segment_decode(dec, encoding, ehp_bytes_of(buffer, cut), len, back),
                        !=, EHP_OK);
    for (size_t bit = 0; bit < 8 * s.data.len; bit++) {
        ehp_status ignored;

        buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
        back[len] = 0xee;
        ignored = ehp_segment_decode(dec, encoding, s.data, len, back);
        (void)ignored;
        g_assert_cmphex(back[len], ==, 0xee);
        buffer[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    assert_ok(ehp_segment_decode(dec, encoding, s.data, len, back));
    ehp_segment_encoder_free(enc);
    ehp_segment_decoder_free(dec);
}

static void
test_mutations(void)
{
    mutations_of(9, EHP_SEGMENT_ZSTD);
    mutations_of(15, EHP_SEGMENT_ZSTD_EHR1);
}

static ehp_segment_encoding
encoding_of(ehp_segment_encoder *enc, bool random)
{
    ehp_segment s;

    if (random)
        fill_random(0, sizeof original);
    else
        fill_text(sizeof original);
    assert_ok(ehp_segment_encode(enc, 1, original, sizeof original, buffer, &s));
    return s.encoding;
}

/* Behind much that does not shrink, what does is found again soon, and at once in the next
 * item. */
static void
test_probed_more_rarely(void)
{
    ehp_segment_encoder *enc = ehp_segment_encoder_new();
    unsigned raw = 0;

    for (unsigned i = 0; i < 100; i++)
        g_assert_cmpint(encoding_of(enc, true), ==, EHP_SEGMENT_RAW);
    while (encoding_of(enc, false) == EHP_SEGMENT_RAW)
        g_assert_cmpuint(++raw, <=, 15);
    g_assert_cmpuint(raw, >, 0);
    g_assert_cmpint(encoding_of(enc, false), ==, EHP_SEGMENT_ZSTD);
    for (unsigned i = 0; i < 20; i++)
        encoding_of(enc, true);
    ehp_segment_encoder_reset(enc);
    g_assert_cmpint(encoding_of(enc, false), ==, EHP_SEGMENT_ZSTD);
    ehp_segment_encoder_free(enc);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/segment/own", test_own);
    g_test_add_func("/segment/must-fail", test_must_fail);
    g_test_add_func("/segment/dictionary-is-frozen", test_dictionary_is_frozen);
    g_test_add_func("/segment/dictionary", test_dictionary);
    g_test_add_func("/segment/levels", test_levels);
    g_test_add_func("/segment/raw", test_raw_when_it_does_not_shrink);
    g_test_add_func("/segment/probed-more-rarely", test_probed_more_rarely);
    g_test_add_func("/segment/arguments", test_bad_arguments);
    g_test_add_func("/segment/mutations", test_mutations);
    return g_test_run();
}
