/* SPDX-License-Identifier: Apache-2.0
 *
 * Well-formed lies: segments that unpack to something else, lists that lie about sizes and
 * hashes, names that are paths, more items than there may be. Each is told by a patient whose
 * other words are right.
 */
#include <string.h>
#include <zstd.h>

#include "proto/hash.h"
#include "tests/hostile/voice.h"

/* One segment's buffers, and what the unpacker keeps. */
#define MEMORY_MAX (2 * 1024 * 1024)

/* ---------------------------------------------------------------- segments */

#define SIZE 60000

/* What stands in for the item's one segment. */
typedef struct {
    const char *name;
    const char *outcome;
    unsigned encoding;
    uint32_t original; /* announced */
    size_t (*make)(uint8_t *out, size_t max);
} bomb;

static size_t
squeeze(uint8_t *out, size_t max, size_t len, int log, bool size_told, bool sum)
{
    g_autofree uint8_t *zeros = g_malloc0(len);
    ZSTD_CCtx *c = ZSTD_createCCtx();
    size_t n;

    ZSTD_CCtx_setParameter(c, ZSTD_c_compressionLevel, 19);
    ZSTD_CCtx_setParameter(c, ZSTD_c_windowLog, log);
    ZSTD_CCtx_setParameter(c, ZSTD_c_contentSizeFlag, size_told);
    ZSTD_CCtx_setParameter(c, ZSTD_c_checksumFlag, sum);
    n = ZSTD_compress2(c, out, max, zeros, len);
    g_assert_false(ZSTD_isError(n));
    ZSTD_freeCCtx(c);
    return n;
}

static size_t
make_right(uint8_t *out, size_t max)
{
    return squeeze(out, max, SIZE, 17, true, false);
}

static size_t
make_one_more(uint8_t *out, size_t max)
{
    return squeeze(out, max, SIZE + 1, 17, true, false);
}

static size_t
make_one_less(uint8_t *out, size_t max)
{
    return squeeze(out, max, SIZE - 1, 17, true, false);
}

static size_t
make_gigabyte(uint8_t *out, size_t max)
{
    /* 64 MiB here, 32 frames of it */
    const size_t n = squeeze(out, max, 64 << 20, 17, true, false);

    for (size_t i = 1; i < 16 && (i + 1) * n < max; i++)
        memcpy(out + i * n, out, n);
    return MIN(16 * n, max / n * n);
}

static size_t
make_silent_size(uint8_t *out, size_t max)
{
    return squeeze(out, max, 64 << 20, 17, false, false);
}

static size_t
make_lying_size(uint8_t *out, size_t max)
{
    const size_t n = squeeze(out, max, 64 << 20, 17, true, false);

    /* frame header: magic, descriptor, window, content size of 4 bytes */
    for (size_t i = 4; i < 14; i++)
        if (out[i] == 0 && out[i + 1] == 0 && out[i + 2] == 0 && out[i + 3] == 4) {
            out[i] = SIZE & 0xff;
            out[i + 1] = SIZE >> 8;
            out[i + 3] = 0;
            break;
        }
    return n;
}

static size_t
make_wide_window(uint8_t *out, size_t max)
{
    return squeeze(out, max, 40 << 20, 25, false, false);
}

static size_t
make_skippable(uint8_t *out, size_t max)
{
    size_t n;

    memcpy(out, "\x50\x2a\x4d\x18\x04\x00\x00\x00skip", 12);
    n = squeeze(out + 12, max - 12, SIZE, 17, true, false);
    return n + 12;
}

static size_t
make_trailing(uint8_t *out, size_t max)
{
    const size_t n = make_right(out, max);

    out[n] = 0;
    return n + 1;
}

static size_t
make_two_frames(uint8_t *out, size_t max)
{
    const size_t n = squeeze(out, max, SIZE / 2, 17, true, false);

    memcpy(out + n, out, n);
    return 2 * n;
}

static size_t
make_cut(uint8_t *out, size_t max)
{
    return make_right(out, max) - 1;
}

static size_t
make_dictionary_id(uint8_t *out, size_t max)
{
    size_t n = make_right(out, max);

    memmove(out + 6, out + 5, n - 5);
    out[4] |= 1; /* one byte of dictionary id */
    out[5] = 7;
    return n + 1;
}

static size_t
make_bad_sum(uint8_t *out, size_t max)
{
    const size_t n = squeeze(out, max, SIZE, 17, true, true);

    out[n - 1] ^= 1;
    return n;
}

static size_t
make_reserved_block(uint8_t *out, size_t max)
{
    memcpy(out, "\x28\xb5\x2f\xfd\x60\x60\xe9\x07\x00\x00", 10);
    return 10;
}

static size_t
make_no_magic(uint8_t *out, size_t max)
{
    const size_t n = make_right(out, max);

    out[0] ^= 1;
    return n;
}

static size_t
make_nothing(uint8_t *out, size_t max)
{
    return 1 + (out[0] = 0);
}

static size_t
make_junk(uint8_t *out, size_t max)
{
    memset(out, 0x28, 3000);
    return 3000;
}

enum { RAW, ZSTD, EHR1 };
static const bomb bombs[] = {
    {"one-byte-more", "BadCompression", ZSTD, SIZE, make_one_more},
    {"one-byte-less", "BadCompression", ZSTD, SIZE, make_one_less},
    {"a-gigabyte", "BadCompression", ZSTD, SIZE, make_gigabyte},
    {"no-size-told", "BadCompression", ZSTD, SIZE, make_silent_size},
    {"another-size-told", "BadCompression", ZSTD, SIZE, make_lying_size},
    {"wide-window", "BadCompression", ZSTD, SIZE, make_wide_window},
    {"skippable-frame-first", "BadCompression", ZSTD, SIZE, make_skippable},
    {"byte-behind", "BadCompression", ZSTD, SIZE, make_trailing},
    {"two-frames", "BadCompression", ZSTD, SIZE, make_two_frames},
    {"cut", "BadCompression", ZSTD, SIZE, make_cut},
    {"dictionary-id", "BadCompression", ZSTD, SIZE, make_dictionary_id},
    {"bad-checksum", "BadCompression", ZSTD, SIZE, make_bad_sum},
    {"reserved-block", "BadCompression", ZSTD, SIZE, make_reserved_block},
    {"no-magic", "BadCompression", ZSTD, SIZE, make_no_magic},
    {"one-zero", "BadCompression", ZSTD, SIZE, make_nothing},
    {"junk", "BadCompression", ZSTD, SIZE, make_junk},
    {"junk-for-the-dictionary", "BadCompression", EHR1, SIZE, make_junk},
    {"gigabyte-for-the-dictionary", "BadCompression", EHR1, SIZE, make_gigabyte},
    {"raw-that-is-shorter", "BadMessage", RAW, SIZE, make_right},
    {"original-of-nothing", "BadMessage", ZSTD, 0, make_right},
    {"original-one-more", "BadMessage", ZSTD, SIZE + 1, make_one_more},
    {"original-four-gigabytes", "TooLarge", ZSTD, UINT32_MAX, make_right},
    {"other-content", "BadHash", ZSTD, SIZE, make_right},
};

static void
say_record(voice *v, Ehp__Record *r)
{
    static uint8_t bytes[EHP_RECORD_PLAIN_MAX];
    const size_t len = ehp__record__get_packed_size(r);

    g_assert_cmpuint(len, <=, sizeof bytes);
    ehp__record__pack(r, bytes);
    voice_say(v, bytes, len);
}

static void
drop_bomb(voice *v, ehp_bytes plain)
{
    const bomb *b = v->row;
    static uint8_t data[EHP_PART_MAX];
    Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT;
    Ehp__Record r = EHP__RECORD__INIT;

    if (voice_kind(plain) != 10 || v->struck) {
        if (voice_kind(plain) != 10)
            voice_say(v, plain.data, plain.len);
        return;
    }
    part.has_item = part.has_segment = part.has_encoding = part.has_data = 1;
    part.has_original_length = part.has_encoded_length = 1;
    part.encoding = (Ehp__Encoding)b->encoding;
    part.original_length = b->original;
    part.data.data = data;
    part.data.len = b->make(data, sizeof data);
    part.encoded_length = (uint32_t)part.data.len;
    r.body_case = EHP__RECORD__BODY_SEGMENT_PART;
    r.segment_part = &part;
    voice_strike(v);
    say_record(v, &r);
}

static void
test_bomb(gconstpointer data)
{
    const bomb *b = data;
    const pair_item item = {"a", SIZE, 1};
    voice v;

    voice_init(&v, true, drop_bomb, b);
    v.w.items = &item;
    v.w.n_items = 1;
    voice_start(&v);
    voice_run(&v);
    g_assert_cmpstr(voice_outcome(&v), ==, b->outcome);
    if (strcmp(b->outcome, "BadHash") != 0)
        voice_expect_cheap(&v, MEMORY_MAX);
    g_assert_cmpuint(v.w.t.items_whole, ==, 0);
    voice_clear(&v);
}

/* ---------------------------------------------------------------- lists */

#define MANY 3

typedef struct {
    const char *name;
    const char *outcome;
    /* of the entry in the middle; what is NULL or 0 stays right */
    const char *item_name;
    uint64_t size;
    bool no_salt, short_salt, huge_sum, twice_id, other_subject, other_items, other_bytes;
    bool other_hash, other_order, extra_page;
    uint32_t category;
} list;

#define NAME(what, end, text)                                                                  \
    {                                                                                          \
        .name = what, .outcome = end, .item_name = text                                        \
    }

static const list lists[] = {
    {.name = "right", .outcome = "GoesOn"},
    NAME("name-dot", "BadManifest", "."),
    NAME("name-dot-dot", "BadManifest", ".."),
    NAME("name-slash", "BadManifest", "/"),
    NAME("name-absolute", "BadManifest", "/etc/passwd"),
    NAME("name-up", "BadManifest", "../../etc/passwd"),
    NAME("name-up-at-the-end", "BadManifest", "a/.."),
    NAME("name-folder", "BadManifest", "a/b"),
    NAME("name-slash-last", "BadManifest", "a/"),
    NAME("name-empty", "BadManifest", ""),
    NAME("name-overlong-slash", "BadMessage",
         "..\xc0\xaf"
         "etc"),
    NAME("name-latin1", "BadMessage", "b\xe4r"),
    NAME("name-surrogate", "BadMessage", "a\xed\xa0\x80"),
    NAME("name-above-unicode", "BadMessage", "a\xf4\x90\x80\x80"),
    NAME("name-cut-character", "BadMessage", "a\xe2\x82"),
    /* only a name to the engine: who shows or stores it makes it safe (tests/lib, tools) */
    NAME("name-three-dots", "GoesOn", "..."),
    NAME("name-escape", "GoesOn", "\x1b[2J\x1b]0;x\x07.pdf"),
    NAME("name-newline", "GoesOn", "a\nb"),
    NAME("name-bidi", "GoesOn",
         "a\xe2\x80\xae"
         "fdp.exe"),
    NAME("name-backslash", "GoesOn", "..\\..\\x"),
    NAME("name-hidden", "GoesOn", ".bashrc"),
    NAME("name-session-json", "GoesOn", "session.json"),
    NAME("name-device", "GoesOn", "CON"),
    {.name = "size-none", .outcome = "BadManifest", .size = UINT64_MAX},
    {.name = "size-above-the-bound", .outcome = "BadManifest", .size = EHP_ITEM_BYTES_MAX + 1},
    {.name = "sizes-that-overflow", .outcome = "BadManifest", .huge_sum = true},
    {.name = "no-salt", .outcome = "BadManifest", .no_salt = true},
    {.name = "short-salt", .outcome = "BadMessage", .short_salt = true},
    {.name = "an-id-twice", .outcome = "BadManifest", .twice_id = true},
    {.name = "ids-in-another-order", .outcome = "BadManifest", .other_order = true},
    {.name = "a-second-subject", .outcome = "BadManifest", .other_subject = true},
    {.name = "category-unknown", .outcome = "BadManifest", .category = 30},
    {.name = "fewer-items-signed", .outcome = "BadManifest", .other_items = true},
    {.name = "other-bytes-signed", .outcome = "BadManifest", .other_bytes = true},
    {.name = "other-hash-signed", .outcome = "BadManifest", .other_hash = true},
    {.name = "a-page-behind", .outcome = "BadManifest", .extra_page = true},
};

static void
fill(const list *l, Ehp__ItemEntry e[MANY])
{
    static uint8_t salt[EHP_SALT_LEN];

    for (uint32_t i = 0; i < MANY; i++) {
        ehp__item_entry__init(&e[i]);
        e[i].has_id = e[i].has_size = e[i].has_category = e[i].has_salt = 1;
        e[i].id = i;
        e[i].name = (char *)"x";
        e[i].size = 10;
        e[i].category = EHP__CATEGORY__CATEGORY_OTHER;
        e[i].salt = ehp_wire_binary(salt, sizeof salt);
    }
    if (l->item_name != NULL)
        e[1].name = (char *)l->item_name;
    if (l->size > 0)
        e[1].size = l->size;
    if (l->huge_sum)
        e[0].size = e[1].size = e[2].size = UINT64_MAX / 2;
    e[1].has_salt = !l->no_salt;
    e[1].salt.len -= l->short_salt;
    e[1].id -= l->twice_id;
    if (l->other_order)
        e[1].id = 2, e[2].id = 1;
    if (l->category > 0)
        e[1].category = (Ehp__Category)l->category;
    e[1].has_subject = l->other_subject;
    e[1].subject = ehp_wire_binary((const uint8_t *)"other", 5);
}

static void
say_list(voice *v, const list *l)
{
    Ehp__ItemEntry entries[MANY], *items[] = {&entries[0], &entries[1], &entries[2]};
    Ehp__ManifestPage page = EHP__MANIFEST_PAGE__INIT;
    Ehp__Record r = EHP__RECORD__INIT;
    uint8_t packed[4096];
    size_t len;

    fill(l, entries);
    page.has_page = 1;
    page.n_item = MANY;
    page.item = items;
    r.body_case = EHP__RECORD__BODY_MANIFEST_PAGE;
    r.manifest_page = &page;
    len = ehp__manifest_page__pack(&page, packed);
    ehp_sha256_init(&v->pages);
    ehp_sha256_update(&v->pages, packed, len);
    say_record(v, &r);
    if (l->extra_page)
        say_record(v, &r);
}

static void
say_signature(voice *v, const list *l)
{
    Ehp__Manifest m = EHP__MANIFEST__INIT;
    Ehp__Signed doc = EHP__SIGNED__INIT;
    Ehp__Record r = EHP__RECORD__INIT;
    uint8_t body[512], signature[64], hash[EHP_HASH_LEN];

    ehp_sha256_final(&v->pages, hash);
    hash[31] ^= l->other_hash;
    m.has_session = m.has_direction = m.has_pages = m.has_items = m.has_bytes =
        m.has_pages_hash = 1;
    m.session = ehp_wire_binary(ehp_session_id(v->liar->s), EHP_HASH_LEN);
    m.direction = EHP__DIRECTION__DIRECTION_TO_TERMINAL;
    m.pages = 1;
    m.items = MANY - l->other_items;
    m.bytes = 30 + l->other_bytes;
    m.pages_hash = ehp_wire_binary(hash, sizeof hash);
    doc.has_body = doc.has_signature = 1;
    doc.body = ehp_wire_binary(body, ehp__manifest__pack(&m, body));
    voice_sign(v, EHP_SIGN_MANIFEST, ehp_bytes_of(doc.body.data, doc.body.len), signature);
    doc.signature = ehp_wire_binary(signature, sizeof signature);
    r.body_case = EHP__RECORD__BODY_MANIFEST;
    r.manifest = &doc;
    say_record(v, &r);
}

static void
tell_list(voice *v, ehp_bytes plain)
{
    const list *l = v->row;
    const unsigned kind = voice_kind(plain);

    if (kind < 7) {
        voice_say(v, plain.data, plain.len);
    } else if (kind == 7) {
        voice_strike(v);
        say_list(v, l);
    } else if (kind == 8) {
        say_signature(v, l);
    } /* and nothing of what the honest one would send */
}

static void
test_list(gconstpointer data)
{
    const list *l = data;
    voice v;

    voice_init(&v, true, tell_list, l);
    v.w.no_reconnect = true;
    voice_start(&v);
    voice_run(&v);
    g_assert_cmpstr(voice_outcome(&v), ==, l->outcome);
    if (strcmp(l->outcome, "GoesOn") != 0)
        voice_expect_cheap(&v, EHP_UNPACK_MEMORY_MAX + 64 * 1024);
    voice_clear(&v);
}

/* ---------------------------------------------------------------- many */

/* Pages without end: each is well formed, the list is never signed. */
static void
tell_pages(voice *v, ehp_bytes plain)
{
    const size_t *count = v->row;
    static Ehp__ItemEntry entries[256], *items[256];
    static uint8_t salt[EHP_SALT_LEN];
    Ehp__ManifestPage page = EHP__MANIFEST_PAGE__INIT;
    Ehp__Record r = EHP__RECORD__INIT;

    if (voice_kind(plain) < 7)
        voice_say(v, plain.data, plain.len);
    if (voice_kind(plain) != 7 || v->struck)
        return;
    voice_strike(v);
    page.has_page = 1;
    page.item = items;
    r.body_case = EHP__RECORD__BODY_MANIFEST_PAGE;
    r.manifest_page = &page;
    for (uint32_t id = 0; id < *count; id += (uint32_t)page.n_item, page.page++) {
        page.n_item = MIN(256, *count - id);
        for (uint32_t i = 0; i < page.n_item; i++) {
            items[i] = &entries[i];
            ehp__item_entry__init(items[i]);
            items[i]->has_id = items[i]->has_size = items[i]->has_category =
                items[i]->has_salt = 1;
            items[i]->id = id + i;
            items[i]->name = (char *)"x";
            items[i]->category = EHP__CATEGORY__CATEGORY_OTHER;
            items[i]->salt = ehp_wire_binary(salt, sizeof salt);
        }
        say_record(v, &r);
    }
}

static const size_t counts[] = {10000, EHP_ITEMS_MAX, EHP_ITEMS_MAX + 1, 200000};

static void
test_pages(gconstpointer data)
{
    const size_t *count = data;
    voice v;

    voice_init(&v, true, tell_pages, count);
    v.w.no_reconnect = true;
    voice_start(&v);
    voice_run(&v);
    g_assert_cmpstr(voice_outcome(&v), ==, *count <= EHP_ITEMS_MAX ? "GoesOn" : "BadManifest");
    g_assert_cmpuint(memory_peak() - v.before.memory, <=, 4 * 1024 * 1024);
    g_assert_cmpuint(v.w.t.seen[EHP_EV_MANIFEST], ==, 0);
    voice_clear(&v);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_set_nonfatal_assertions();
    g_assert_cmpint(sodium_init(), >=, 0);
    for (size_t i = 0; i < G_N_ELEMENTS(bombs); i++) {
        g_autofree char *name = g_strdup_printf("/hostile/segment/%s", bombs[i].name);
        g_test_add_data_func(name, &bombs[i], test_bomb);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(lists); i++) {
        g_autofree char *name = g_strdup_printf("/hostile/list/%s", lists[i].name);
        g_test_add_data_func(name, &lists[i], test_list);
    }
    for (size_t i = 0; i < G_N_ELEMENTS(counts); i++) {
        g_autofree char *name = g_strdup_printf("/hostile/list/%zu-items", counts[i]);
        g_test_add_data_func(name, &counts[i], test_pages);
    }
    return g_test_run();
}
