/* SPDX-License-Identifier: Apache-2.0
 *
 * The guard before unpack: every field has its rule, good messages pass whole, bad ones end
 * with a name.
 */
#include "proto/guard.h"

#include <glib.h>
#include <string.h>

#include "proto/ehrlink.pb-c.h"
#include "tests/proto/vectors.h"

#define RECORD  &ehp__record__descriptor
#define QUERY   &ehp__item_query__descriptor
#define REQUEST &ehp__consent_request__descriptor
#define REPLY   &ehp__ping__descriptor
#define HELLO   &ehp__terminal_hello__descriptor
#define PART    &ehp__segment_part__descriptor
#define TAP     &ehp__tap_request__descriptor
#define RECEIPT &ehp__receipt__descriptor

static ehp_status
check(const ProtobufCMessageDescriptor *d, ehp_bytes bytes)
{
    ehp_unpacked out = {0};
    const ehp_status status = ehp_guard_unpack(d, bytes, NULL, &out);

    g_assert_cmpint(ehp_guard_check(d, bytes, NULL), ==, status);
    g_assert_cmpint(out.message != NULL, ==, status == EHP_OK);
    ehp_guard_free(&out);
    g_assert_null(out.message);
    ehp_guard_free(&out);
    return status;
}

/* ---- the rules ---- */

static bool
has_bound(const ProtobufCMessageDescriptor *d, const ProtobufCFieldDescriptor *f)
{
    const bool repeated = f->label == PROTOBUF_C_LABEL_REPEATED;
    const bool sized = f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_BYTES;

    for (size_t i = 0; i < ehp_wire_limits.n_rules; i++) {
        const ehp_guard_rule *r = &ehp_wire_limits.rules[i];

        if (r->message == d && r->field == f->id)
            return (!repeated || r->max_count > 0) && (!sized || r->max_len > 0);
    }
    return !repeated && !sized;
}

static void
walk(const ProtobufCMessageDescriptor *d, GHashTable *seen, unsigned depth)
{
    /* a recursive schema would have no end here */
    g_assert_cmpuint(depth, <=, EHP_GUARD_DEPTH_MAX);
    g_hash_table_add(seen, (gpointer)d);
    for (unsigned i = 0; i < d->n_fields; i++) {
        if (!has_bound(d, &d->fields[i]))
            g_error("%s.%s has no rule in proto/guard-rules.c", d->name, d->fields[i].name);
        if (d->fields[i].type == PROTOBUF_C_TYPE_MESSAGE)
            walk(d->fields[i].descriptor, seen, depth + 1);
    }
}

static const ProtobufCMessageDescriptor *const roots[] = {
    &ehp__record__descriptor,          &ehp__terminal_hello__descriptor,
    &ehp__patient_hello__descriptor,   &ehp__confirm__descriptor,
    &ehp__consent_request__descriptor, &ehp__consent__descriptor,
    &ehp__revoke__descriptor,          &ehp__manifest__descriptor,
    &ehp__receipt__descriptor,         &ehp__status__descriptor,
    &ehp__item_origin__descriptor,     &ehp__origin_proof__descriptor,
};

static void
test_every_field_has_a_rule(void)
{
    g_autoptr(GHashTable) seen = g_hash_table_new(NULL, NULL);

    for (size_t i = 0; i < G_N_ELEMENTS(roots); i++)
        walk(roots[i], seen, 1);
    for (size_t i = 0; i < ehp_wire_limits.n_rules; i++) {
        const ehp_guard_rule *r = &ehp_wire_limits.rules[i];

        g_assert_true(g_hash_table_contains(seen, r->message));
        g_assert_nonnull(protobuf_c_message_descriptor_get_field(r->message, r->field));
        g_assert_cmpuint(r->min_len, <=, r->max_len);
    }
}

/* "name 32", "name ≤ 255", "name ≤ 3 × ≤ 1200", "name ≤ 32 ×" */
static void
tell_rule(GString *cell, const ehp_guard_rule *r)
{
    const ProtobufCFieldDescriptor *f =
        protobuf_c_message_descriptor_get_field(r->message, r->field);

    g_string_append_printf(cell, "%s%s", cell->len > 0 ? " · " : "", f->name);
    if (r->max_count > 0)
        g_string_append_printf(cell, " ≤ %zu ×", (size_t)r->max_count);
    if (r->max_len > 0 && r->max_len == r->min_len)
        g_string_append_printf(cell, " %zu", (size_t)r->max_len);
    else if (r->max_len > 0)
        g_string_append_printf(cell, " ≤ %zu", (size_t)r->max_len);
}

/* PROTOCOL.md, section 13.1: the lengths of each message's fields. */
static void
test_protocol_md(void)
{
    const char *root = g_getenv("EHRLINK_SOURCE_ROOT");
    g_autofree char *path = g_build_filename(root ? root : ".", "proto", "PROTOCOL.md", NULL);
    g_autofree char *text = NULL;

    if (!g_file_get_contents(path, &text, NULL, NULL)) {
        g_test_skip("skipped: no sources (EHRLINK_SOURCE_ROOT)");
        return;
    }
    for (size_t i = 0; i < ehp_wire_limits.n_rules;) {
        const ProtobufCMessageDescriptor *of = ehp_wire_limits.rules[i].message;
        g_autoptr(GString) cell = g_string_new(NULL);
        g_autofree char *first = g_strdup_printf("\n| `%s` | ", of->short_name);
        const char *row = strstr(text, first);
        const char *end = row != NULL ? strchr(row + 1, '\n') : NULL;
        g_autofree char *line = end != NULL ? g_strndup(row, (gsize)(end - row)) : NULL;

        for (; i < ehp_wire_limits.n_rules && ehp_wire_limits.rules[i].message == of; i++)
            tell_rule(cell, &ehp_wire_limits.rules[i]);
        g_string_prepend(cell, " | ");
        g_string_append(cell, " |");
        if (line == NULL || !g_str_has_suffix(line, cell->str))
            g_error("PROTOCOL.md, 13.1, should say of %s:%s", of->short_name, cell->str);
    }
}

/* ---- good messages ---- */

static void
test_round_trip(void)
{
    char id[] = "urn:oid:1.2.3", type[] = "http://loinc.org|60591-5", *ids[] = {id, id};
    Ehp__Category categories[] = {EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY,
                                  EHP__CATEGORY__CATEGORY_LABORATORY_REPORT};
    Ehp__ItemQuery query = EHP__ITEM_QUERY__INIT;
    Ehp__ItemQuery *queries[] = {&query, &query};
    Ehp__ItemRequest request = EHP__ITEM_REQUEST__INIT;
    Ehp__Record record = EHP__RECORD__INIT;
    g_autofree uint8_t *packed = NULL;
    ehp_unpacked out;
    size_t len;

    query.n_category = 2;
    query.category = categories;
    query.type = type;
    query.has_most_recent = true;
    query.most_recent = UINT32_MAX;
    query.n_id = 2;
    query.id = ids;
    request.n_query = 2;
    request.query = queries;
    record.body_case = EHP__RECORD__BODY_ITEM_REQUEST;
    record.item_request = &request;
    packed = g_malloc(ehp__record__get_packed_size(&record));
    len = ehp__record__pack(&record, packed);

    assert_ok(ehp_guard_unpack(RECORD, ehp_bytes_of(packed, len), NULL, &out));
    const Ehp__Record *got = (const Ehp__Record *)out.message;
    g_assert_cmpint(got->body_case, ==, EHP__RECORD__BODY_ITEM_REQUEST);
    g_assert_cmpuint(got->item_request->n_query, ==, 2);
    g_assert_cmpstr(got->item_request->query[1]->type, ==, type);
    g_assert_cmpstr(got->item_request->query[1]->id[1], ==, id);
    g_assert_cmpuint(got->item_request->query[1]->most_recent, ==, UINT32_MAX);
    g_assert_cmpint(got->item_request->query[0]->category[1], ==, categories[1]);
    ehp_guard_free(&out);
    /* every truncation that changes the message is refused */
    for (size_t cut = 1; cut < len; cut++)
        assert_status(check(RECORD, ehp_bytes_of(packed, cut)), EHP_BAD_MESSAGE);
}

static void
test_biggest_part(void)
{
    static uint8_t data[EHP_PART_MAX + 1], packed[EHP_RECORD_PLAIN_MAX + 100];
    Ehp__SegmentPart part = EHP__SEGMENT_PART__INIT;
    Ehp__Record record = EHP__RECORD__INIT;
    size_t len;

    part.has_item = part.has_segment = part.has_encoding = part.has_original_length = true;
    part.has_encoded_length = part.has_data = true;
    part.item = UINT32_MAX;
    part.segment = UINT64_MAX;
    part.encoding = EHP__ENCODING__ENCODING_ZSTD;
    part.original_length = part.encoded_length = UINT32_MAX;
    part.data = (ProtobufCBinaryData){EHP_PART_MAX, data};
    record.body_case = EHP__RECORD__BODY_SEGMENT_PART;
    record.segment_part = &part;
    len = ehp__record__pack(&record, packed);
    g_assert_cmpuint(len, <=, EHP_RECORD_PLAIN_MAX);
    assert_ok(check(RECORD, ehp_bytes_of(packed, len)));
    part.data.len++;
    len = ehp__record__pack(&record, packed);
    assert_status(check(RECORD, ehp_bytes_of(packed, len)), EHP_TOO_LARGE);
}

static void
test_unknown_fields_are_kept(void)
{
    /* Ping with 100: varint, 101: fixed64, 102: bytes, 103: fixed32 */
    const ehp_bytes bytes =
        vectors_hex_of("0801a00607a9060102030405060708b20602abcdbd0601020304");
    ehp_unpacked out;

    assert_ok(ehp_guard_unpack(REPLY, bytes, NULL, &out));
    g_assert_true(((Ehp__Ping *)out.message)->reply);
    g_assert_cmpuint(out.message->n_unknown_fields, ==, 4);
    ehp_guard_free(&out);
}

/* ---- bad messages ---- */

static const struct {
    const char *comment;
    const ProtobufCMessageDescriptor *message;
    const char *hex;
    ehp_status want;
} cases[] = {
    {"empty", RECORD, "", EHP_OK},
    {"only padding", RECORD, "fa01020000", EHP_OK},
    {"ping", RECORD, "820100", EHP_OK},
    {"tag cut", RECORD, "82", EHP_BAD_MESSAGE},
    {"length missing", RECORD, "8201", EHP_BAD_MESSAGE},
    {"length beyond the end", RECORD, "820105", EHP_BAD_MESSAGE},
    {"length of 2^64-1", RECORD, "8201ffffffffffffffffff01", EHP_BAD_MESSAGE},
    {"length of 2^63", RECORD, "820180808080808080808001", EHP_BAD_MESSAGE},
    {"field number 0", RECORD, "0000", EHP_BAD_MESSAGE},
    {"field number 2^29", RECORD, "808080801000", EHP_BAD_MESSAGE},
    {"field number 2^29-1 is unknown but fits", RECORD, "f8ffffff0f00", EHP_OK},
    {"group", RECORD, "8301", EHP_BAD_MESSAGE},
    {"end of a group", RECORD, "8401", EHP_BAD_MESSAGE},
    {"wire type 6", RECORD, "8601", EHP_BAD_MESSAGE},
    {"wire type 7", RECORD, "8701", EHP_BAD_MESSAGE},
    {"unknown group", RECORD, "a306", EHP_BAD_MESSAGE},
    {"sub-message as a varint", RECORD, "800100", EHP_BAD_MESSAGE},
    {"padding as fixed64", RECORD, "f9010000000000000000", EHP_BAD_MESSAGE},
    {"two members of the oneof", RECORD, "8201002a00", EHP_BAD_MESSAGE},
    {"a member of the oneof twice", RECORD, "820100820100", EHP_BAD_MESSAGE},
    {"padding twice", RECORD, "fa0100fa0100", EHP_BAD_MESSAGE},
    {"bool of 2", REPLY, "0802", EHP_BAD_MESSAGE},
    {"bool twice", REPLY, "08010801", EHP_BAD_MESSAGE},
    {"bool as bytes", REPLY, "0a0101", EHP_BAD_MESSAGE},
    {"varint of eleven bytes", REPLY, "08808080808080808080808001", EHP_BAD_MESSAGE},
    {"varint above 64 bits", REPLY, "08ffffffffffffffffff02", EHP_BAD_MESSAGE},
    {"varint that is longer than needed", REPLY, "08818000", EHP_OK},
    {"uint32 of 2^32", PART, "088080808010", EHP_BAD_MESSAGE},
    {"uint32 of 2^32-1", PART, "08ffffffff0f", EHP_OK},
    {"uint64 of 2^64-1", PART, "10ffffffffffffffffff01", EHP_OK},
    {"enum of -1", PART, "18ffffffffffffffffff01", EHP_OK},
    {"enum of 2^31", PART, "188080808008", EHP_BAD_MESSAGE},
    {"enum unknown: the receiver's duty", PART, "1863", EHP_OK},
    {"text", QUERY, "1203c3bc21", EHP_OK},
    {"text cut in a character", QUERY, "1201c3", EHP_BAD_MESSAGE},
    {"text overlong", QUERY, "1202c0af", EHP_BAD_MESSAGE},
    {"text with NUL", QUERY, "1203610062", EHP_BAD_MESSAGE},
    {"text with a surrogate", QUERY, "1203eda080", EHP_BAD_MESSAGE},
    {"bad text inside a repeated message", REQUEST, "1a041202c328", EHP_BAD_MESSAGE},
    {"sub-message ends in its field", REQUEST, "1a0208011a0108", EHP_BAD_MESSAGE},
    {"hash too short", REQUEST, "0a03000000", EHP_BAD_MESSAGE},
    {"hash empty", REQUEST, "0a00", EHP_BAD_MESSAGE},
    {"address of 5", HELLO, "2a050000000000", EHP_BAD_MESSAGE},
    {"address of 7", HELLO, "2a0700000000000000", EHP_TOO_LARGE},
    {"packed categories", TAP, "1203010203", EHP_OK},
    {"categories one by one", TAP, "100110021003", EHP_OK},
    {"packed, none", TAP, "1200", EHP_OK},
    {"packed, cut", TAP, "12020180", EHP_BAD_MESSAGE},
    {"packed, out of range", TAP, "12058080808008", EHP_BAD_MESSAGE},
    {"packed as fixed32", TAP, "1501000000", EHP_BAD_MESSAGE},
    {"24 categories", TAP, "1218010101010101010101010101010101010101010101010101", EHP_OK},
    {"25 categories", TAP, "121901010101010101010101010101010101010101010101010101",
     EHP_TOO_LARGE},
    {"24 categories and one", TAP, "12180101010101010101010101010101010101010101010101011001",
     EHP_TOO_LARGE},
    {"three certificates", RECEIPT,
     "5a00"
     "5a00"
     "5a00",
     EHP_OK},
    {"four certificates", RECEIPT,
     "5a00"
     "5a00"
     "5a00"
     "5a00",
     EHP_TOO_LARGE},
};

static void
test_cases(void)
{
    for (size_t i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_test_message("%s", cases[i].comment);
        assert_status(check(cases[i].message, vectors_hex_of(cases[i].hex)), cases[i].want);
    }
}

/* ---- amplification ---- */

/* n times the same few bytes */
static ehp_bytes
repeat(GByteArray *to, const char *hex, size_t n)
{
    const ehp_bytes once = vectors_hex_of(hex);

    g_byte_array_set_size(to, 0);
    for (size_t i = 0; i < n; i++)
        g_byte_array_append(to, once.data, (guint)once.len);
    return ehp_bytes_of(to->data, to->len);
}

static void
test_counts(void)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    const ProtobufCMessageDescriptor *page = &ehp__manifest_page__descriptor;

    assert_ok(check(page, repeat(b, "1200", EHP_PAGE_ITEMS_MAX)));
    assert_status(check(page, repeat(b, "1200", EHP_PAGE_ITEMS_MAX + 1)), EHP_TOO_LARGE);
    assert_status(check(page, repeat(b, "1200", 16000)), EHP_TOO_LARGE);
    assert_ok(check(REQUEST, repeat(b, "1a00", EHP_QUERIES_MAX)));
    assert_status(check(REQUEST, repeat(b, "1a00", EHP_QUERIES_MAX + 1)), EHP_TOO_LARGE);
    /* unknown fields */
    assert_ok(check(REPLY, repeat(b, "a00600", EHP_UNPACK_FIELDS_MAX)));
    assert_status(check(REPLY, repeat(b, "a00600", EHP_UNPACK_FIELDS_MAX + 1)), EHP_TOO_LARGE);
    /* the message itself */
    g_byte_array_set_size(b, EHP_RECORD_PLAIN_MAX + 1);
    assert_status(check(REPLY, ehp_bytes_of(b->data, b->len)), EHP_TOO_LARGE);
}

static void
test_memory(void)
{
    g_autoptr(GByteArray) b = g_byte_array_new();
    ehp_guard_limits tight = ehp_wire_limits;
    ehp_unpacked out = {0};
    size_t max = 0;

    repeat(b, "1200", EHP_PAGE_ITEMS_MAX);
    for (size_t memory = 0; memory <= EHP_UNPACK_MEMORY_MAX; memory += 1024) {
        const ehp_status status =
            (tight.max_memory = memory,
             ehp_guard_unpack(&ehp__manifest_page__descriptor, ehp_bytes_of(b->data, b->len),
                              &tight, &out));

        if (status == EHP_OK) {
            ehp_guard_free(&out);
            break;
        }
        assert_status(status, EHP_TOO_LARGE);
        g_assert_null(out.message);
        max = memory;
    }
    g_assert_cmpuint(max, >, 50 * 1024);
    g_assert_cmpuint(max, <, EHP_UNPACK_MEMORY_MAX - 1024);
}

/* ---- depth ---- */

static ProtobufCMessageDescriptor recursive;
static const ProtobufCFieldDescriptor recursive_field = {
    .name = "r",
    .id = 1,
    .label = PROTOBUF_C_LABEL_REPEATED,
    .type = PROTOBUF_C_TYPE_MESSAGE,
    .descriptor = &recursive,
};
static const unsigned recursive_order[] = {0};
static const ProtobufCIntRange recursive_range[] = {{1, 0}, {0, 1}};
static ProtobufCMessageDescriptor recursive = {
    .magic = PROTOBUF_C__MESSAGE_DESCRIPTOR_MAGIC,
    .name = "R",
    .sizeof_message = sizeof(ProtobufCMessage),
    .n_fields = 1,
    .fields = &recursive_field,
    .fields_sorted_by_name = recursive_order,
    .n_field_ranges = 1,
    .field_ranges = recursive_range,
};

static void
test_depth(void)
{
    /* each level's length byte covers what is left */
    uint8_t bytes[2 * EHP_GUARD_DEPTH_MAX];

    for (size_t i = 0; i < sizeof bytes / 2; i++) {
        bytes[2 * i] = 0x0a;
        bytes[2 * i + 1] = (uint8_t)(sizeof bytes - 2 * i - 2);
    }
    assert_status(ehp_guard_check(&recursive, ehp_bytes_of(bytes, sizeof bytes), NULL),
                  EHP_BAD_MESSAGE);
    assert_ok(ehp_guard_check(&recursive, ehp_bytes_of(bytes + 2, sizeof bytes - 2), NULL));
}

static void
test_schema_too_wide(void)
{
    ProtobufCMessageDescriptor wide = recursive;

    wide.n_fields = 1000;
    assert_status(ehp_guard_check(&wide, ehp_bytes_of(NULL, 0), NULL), EHP_INTERNAL);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/guard/rules", test_every_field_has_a_rule);
    g_test_add_func("/guard/protocol-md", test_protocol_md);
    g_test_add_func("/guard/round-trip", test_round_trip);
    g_test_add_func("/guard/biggest", test_biggest_part);
    g_test_add_func("/guard/unknown", test_unknown_fields_are_kept);
    g_test_add_func("/guard/cases", test_cases);
    g_test_add_func("/guard/counts", test_counts);
    g_test_add_func("/guard/memory", test_memory);
    g_test_add_func("/guard/depth", test_depth);
    g_test_add_func("/guard/wide", test_schema_too_wide);
    return g_test_run();
}
