/* SPDX-License-Identifier: Apache-2.0
 *
 * The walk over a message before it is unpacked, and the unpacking. Everything here sees bytes
 * that a peer chose; nothing is allocated before the walk is through. Pure; any thread.
 */
#include "proto/guard.h"

#include <string.h>

#include "proto/guard-arena.h"
#include "proto/utf8.h"

/* No message of ours has more fields than this; a bigger schema is a fault of ours. */
#define FIELDS_PER_MESSAGE 32
#define VARINT_LEN_MAX     10
#define FIELD_NUMBER_MAX   ((1u << 29) - 1)

enum { WIRE_VARINT = 0, WIRE_64 = 1, WIRE_LEN = 2, WIRE_32 = 5 };

typedef struct {
    const ehp_guard_limits *limits;
    size_t fields;
} walk;

typedef struct {
    unsigned wire;
    uint64_t number; /* of a varint */
    ehp_bytes bytes; /* of a length-delimited or fixed one */
} value;

typedef struct {
    const ProtobufCMessageDescriptor *descriptor;
    uint32_t counts[FIELDS_PER_MESSAGE]; /* by index in the descriptor; elements if repeated */
} message;

static ehp_status check_message(walk *w, const ProtobufCMessageDescriptor *descriptor,
                                ehp_bytes bytes, unsigned depth);

static uint64_t
take_varint(ehp_reader *r)
{
    uint64_t v = 0;

    for (unsigned i = 0; i < VARINT_LEN_MAX; i++) {
        const uint8_t b = ehp_take_u8(r);

        /* the tenth byte has room for one bit */
        if (i == VARINT_LEN_MAX - 1 && b > 1)
            break;
        v |= (uint64_t)(b & 0x7f) << (7 * i);
        if (!(b & 0x80))
            return v;
    }
    r->bad = true;
    return 0;
}

static bool
take_value(ehp_reader *r, unsigned wire, value *v)
{
    uint64_t len;

    *v = (value){.wire = wire};
    switch (wire) {
    case WIRE_VARINT:
        v->number = take_varint(r);
        return !r->bad;
    case WIRE_64:
        v->bytes = ehp_take(r, 8);
        return !r->bad;
    case WIRE_32:
        v->bytes = ehp_take(r, 4);
        return !r->bad;
    case WIRE_LEN:
        len = take_varint(r);
        r->bad = r->bad || len > r->left;
        v->bytes = ehp_take(r, (size_t)len);
        return !r->bad;
    }
    return false; /* groups, and the types that do not exist */
}

static const ehp_guard_rule *
find_rule(const ehp_guard_limits *limits, const ProtobufCMessageDescriptor *descriptor,
          uint32_t field)
{
    static const ehp_guard_rule none;

    for (size_t i = 0; i < limits->n_rules; i++)
        if (limits->rules[i].message == descriptor && limits->rules[i].field == field)
            return &limits->rules[i];
    return &none;
}

static unsigned
wire_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        return WIRE_LEN;
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return WIRE_32;
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return WIRE_64;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return WIRE_VARINT;
    }
    return WIRE_VARINT;
}

/* protobuf-c silently cuts off what does not fit; two readers must not see two values. */
static bool
number_fits(ProtobufCType type, uint64_t v)
{
    switch (type) {
    case PROTOBUF_C_TYPE_BOOL:
        return v <= 1;
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_SINT32:
        return v <= UINT32_MAX;
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_ENUM:
        return v <= INT32_MAX || v >= (uint64_t)INT32_MIN;
    default: /* the other types have 64 bits or are no varints */
        return true;
    }
}

static ehp_status
check_value(walk *w, const ProtobufCFieldDescriptor *field, const ehp_guard_rule *rule,
            const value *v, unsigned depth)
{
    const bool text = field->type == PROTOBUF_C_TYPE_STRING;
    const size_t max = rule->max_len > 0 ? rule->max_len : text ? EHP_TEXT_MAX : SIZE_MAX;

    if (v->wire != wire_of(field->type))
        return EHP_BAD_MESSAGE;
    if (v->wire == WIRE_VARINT)
        return number_fits(field->type, v->number) ? EHP_OK : EHP_BAD_MESSAGE;
    if (v->wire != WIRE_LEN)
        return EHP_OK;
    if (v->bytes.len > max)
        return EHP_TOO_LARGE;
    if (v->bytes.len < rule->min_len)
        return EHP_BAD_MESSAGE;
    if (text)
        return ehp_utf8_valid(v->bytes.data, v->bytes.len) ? EHP_OK : EHP_BAD_MESSAGE;
    if (field->type == PROTOBUF_C_TYPE_MESSAGE)
        return check_message(w, field->descriptor, v->bytes, depth + 1);
    return EHP_OK;
}

/* Counts the elements of a packed field into *count, each checked. */
static ehp_status
check_packed(const ProtobufCFieldDescriptor *field, ehp_bytes packed, size_t *count)
{
    ehp_reader r;

    ehp_reader_init(&r, packed.data, packed.len);
    for (*count = 0; r.left > 0; ++*count) {
        value v;

        if (!take_value(&r, wire_of(field->type), &v))
            return EHP_BAD_MESSAGE;
        if (v.wire == WIRE_VARINT && !number_fits(field->type, v.number))
            return EHP_BAD_MESSAGE;
    }
    return EHP_OK;
}

static bool
oneof_taken(const message *m, const ProtobufCFieldDescriptor *field)
{
    const ProtobufCFieldDescriptor *fields = m->descriptor->fields;

    if (!(field->flags & PROTOBUF_C_FIELD_FLAG_ONEOF))
        return false;
    for (unsigned i = 0; i < m->descriptor->n_fields; i++)
        if (m->counts[i] > 0 && (fields[i].flags & PROTOBUF_C_FIELD_FLAG_ONEOF) &&
            fields[i].quantifier_offset == field->quantifier_offset)
            return true;
    return false;
}

static ehp_status
check_field(walk *w, message *m, const ProtobufCFieldDescriptor *field, const value *v,
            unsigned depth)
{
    const ehp_guard_rule *rule = find_rule(w->limits, m->descriptor, field->id);
    const bool repeated = field->label == PROTOBUF_C_LABEL_REPEATED;
    uint32_t *seen = &m->counts[field - m->descriptor->fields];
    const bool packed = repeated && v->wire == WIRE_LEN && wire_of(field->type) != WIRE_LEN;
    size_t count = 1;
    ehp_status status;

    if (!repeated && (*seen > 0 || oneof_taken(m, field)))
        return EHP_BAD_MESSAGE;
    status =
        packed ? check_packed(field, v->bytes, &count) : check_value(w, field, rule, v, depth);
    if (status != EHP_OK)
        return status;
    *seen += (uint32_t)count; /* count is below the bytes of the message */
    w->fields += packed ? count : 0;
    if (repeated && rule->max_count > 0 && *seen > rule->max_count)
        return EHP_TOO_LARGE;
    return w->fields > w->limits->max_fields ? EHP_TOO_LARGE : EHP_OK;
}

static ehp_status
check_next(walk *w, message *m, ehp_reader *r, unsigned depth)
{
    const uint64_t tag = take_varint(r);
    const uint64_t number = tag >> 3;
    const ProtobufCFieldDescriptor *field;
    value v;

    if (r->bad || number == 0 || number > FIELD_NUMBER_MAX ||
        !take_value(r, (unsigned)(tag & 7), &v))
        return EHP_BAD_MESSAGE;
    if (++w->fields > w->limits->max_fields)
        return EHP_TOO_LARGE;
    field = protobuf_c_message_descriptor_get_field(m->descriptor, (unsigned)number);
    return field ? check_field(w, m, field, &v, depth) : EHP_OK;
}

static ehp_status
check_message(walk *w, const ProtobufCMessageDescriptor *descriptor, ehp_bytes bytes,
              unsigned depth)
{
    message m = {.descriptor = descriptor};
    ehp_status status = EHP_OK;
    ehp_reader r;

    if (descriptor->n_fields > FIELDS_PER_MESSAGE)
        return EHP_INTERNAL;
    if (depth > EHP_GUARD_DEPTH_MAX)
        return EHP_BAD_MESSAGE;
    ehp_reader_init(&r, bytes.data, bytes.len);
    while (status == EHP_OK && r.left > 0)
        status = check_next(w, &m, &r, depth);
    return status;
}

ehp_status
ehp_guard_check(const ProtobufCMessageDescriptor *descriptor, ehp_bytes bytes,
                const ehp_guard_limits *limits)
{
    walk w = {.limits = limits ? limits : &ehp_wire_limits};

    if (bytes.len > w.limits->max_bytes)
        return EHP_TOO_LARGE;
    return check_message(&w, descriptor, bytes, 1);
}

ehp_status
ehp_guard_unpack(const ProtobufCMessageDescriptor *descriptor, ehp_bytes bytes,
                 const ehp_guard_limits *limits, ehp_unpacked *out)
{
    ehp_status status = ehp_guard_check(descriptor, bytes, limits);
    ehp_unpacked got = {0};

    if (status != EHP_OK)
        return status;
    got.arena = ehp_arena_new(limits ? limits->max_memory : ehp_wire_limits.max_memory);
    if (!got.arena)
        return EHP_NO_MEMORY;
    got.message = protobuf_c_message_unpack(descriptor, ehp_arena_allocator(got.arena),
                                            bytes.len, bytes.data);
    if (!got.message) {
        status = ehp_arena_starved(got.arena)  ? EHP_NO_MEMORY
                 : ehp_arena_capped(got.arena) ? EHP_TOO_LARGE
                                               : EHP_BAD_MESSAGE;
        ehp_guard_free(&got);
        return status;
    }
    *out = got;
    return EHP_OK;
}

void
ehp_guard_free(ehp_unpacked *unpacked)
{
    ehp_arena_free(unpacked->arena);
    *unpacked = (ehp_unpacked){0};
}
