/* SPDX-License-Identifier: Apache-2.0
 *
 * See edit.h.
 */
#include "tests/hostile/edit.h"

#include <string.h>

#include "proto/ehrlink.pb-c.h"

enum { VARINT = 0, LENGTH = 2, GROUP = 3, FIXED32 = 5 };

static const struct {
    unsigned kind;
    const ProtobufCMessageDescriptor *body;
    ehp_sign_type type;
} bodies[] = {
    {2, &ehp__consent_request__descriptor, EHP_SIGN_CONSENT_REQUEST},
    {4, &ehp__consent__descriptor, EHP_SIGN_CONSENT},
    {6, &ehp__revoke__descriptor, EHP_SIGN_REVOKE},
    {8, &ehp__manifest__descriptor, EHP_SIGN_MANIFEST},
    {13, &ehp__receipt__descriptor, EHP_SIGN_RECEIPT},
    {15, &ehp__status__descriptor, EHP_SIGN_STATUS},
};

static const char *const names[EDIT_KINDS] = {
    [EDIT_ABSENT] = "absent",       [EDIT_CHANGED] = "changed",   [EDIT_UNKNOWN] = "unknown",
    [EDIT_LONGEST] = "longest",     [EDIT_TWICE] = "twice",       [EDIT_MANY] = "too-many",
    [EDIT_WIRE_TYPE] = "wire-type", [EDIT_GROUP] = "group",       [EDIT_TOO_LONG] = "too-long",
    [EDIT_TOO_SHORT] = "too-short", [EDIT_BAD_UTF8] = "bad-utf8", [EDIT_NUL] = "nul",
    [EDIT_OVERFLOW] = "overflow",   [EDIT_OVERLONG] = "overlong", [EDIT_BEYOND] = "beyond",
};

const ProtobufCMessageDescriptor *
edit_body(unsigned kind, ehp_sign_type *type)
{
    for (size_t i = 0; i < G_N_ELEMENTS(bodies); i++)
        if (bodies[i].kind == kind) {
            if (type != NULL)
                *type = bodies[i].type;
            return bodies[i].body;
        }
    return NULL;
}

const char *
edit_name(edit_kind how)
{
    return names[how];
}

char *
edit_path_name(const edit_path *path)
{
    GString *name = g_string_new(NULL);

    for (size_t i = 0; i < path->n; i++)
        g_string_append_printf(name, "%s%s", i > 0 ? "." : "", path->field[i]->name);
    return g_string_free(name, FALSE);
}

/* ---------------------------------------------------------------- fields */

static const ehp_guard_rule *
rule_of(const edit_path *path)
{
    static const ehp_guard_rule none;
    const size_t last = path->n - 1;

    for (size_t i = 0; i < ehp_wire_limits.n_rules; i++)
        if (ehp_wire_limits.rules[i].message == path->message[last] &&
            ehp_wire_limits.rules[i].field == path->field[last]->id)
            return &ehp_wire_limits.rules[i];
    return &none;
}

static const ProtobufCFieldDescriptor *
last_of(const edit_path *path)
{
    return path->field[path->n - 1];
}

static bool
is_length(const ProtobufCFieldDescriptor *f)
{
    return f->type == PROTOBUF_C_TYPE_STRING || f->type == PROTOBUF_C_TYPE_BYTES ||
           f->type == PROTOBUF_C_TYPE_MESSAGE;
}

static bool
is_packed(const ProtobufCFieldDescriptor *f)
{
    return f->label == PROTOBUF_C_LABEL_REPEATED && !is_length(f);
}

static size_t
longest(const edit_path *path)
{
    const ehp_guard_rule *rule = rule_of(path);

    if (rule->max_len > 0)
        return rule->max_len;
    return last_of(path)->type == PROTOBUF_C_TYPE_STRING ? EHP_TEXT_MAX : 0;
}

/* Above this the record itself is too long to be sealed. */
#define FITS_MAX 32700

bool
edit_fits(const edit_path *path, edit_kind how)
{
    const ProtobufCFieldDescriptor *f = last_of(path);
    const ehp_guard_rule *rule = rule_of(path);
    const bool text = f->type == PROTOBUF_C_TYPE_STRING;

    switch (how) {
    case EDIT_CHANGED:
        return f->type != PROTOBUF_C_TYPE_MESSAGE;
    case EDIT_UNKNOWN:
        return f->type == PROTOBUF_C_TYPE_ENUM;
    case EDIT_LONGEST:
        return (text || f->type == PROTOBUF_C_TYPE_BYTES) && rule->min_len == 0 &&
               longest(path) > 0 && longest(path) < FITS_MAX;
    case EDIT_TWICE:
        return f->label != PROTOBUF_C_LABEL_REPEATED;
    case EDIT_MANY:
        return f->label == PROTOBUF_C_LABEL_REPEATED && rule->max_count > 0;
    case EDIT_TOO_LONG:
        return longest(path) > 0 && longest(path) < FITS_MAX;
    case EDIT_TOO_SHORT:
        return rule->min_len > 0;
    case EDIT_BAD_UTF8:
    case EDIT_NUL:
        return text;
    case EDIT_OVERFLOW:
        return f->type == PROTOBUF_C_TYPE_UINT32 || f->type == PROTOBUF_C_TYPE_BOOL ||
               f->type == PROTOBUF_C_TYPE_ENUM;
    case EDIT_OVERLONG:
        return !is_length(f);
    case EDIT_BEYOND:
        return is_length(f) || is_packed(f);
    case EDIT_ABSENT:
    case EDIT_WIRE_TYPE:
    case EDIT_GROUP:
    case EDIT_KINDS:
        break;
    }
    return true;
}

static void
walk(edit_path *path, const ProtobufCMessageDescriptor *message,
     void (*found)(const edit_path *path, void *user), void *user)
{
    g_assert_cmpuint(path->n, <, EDIT_DEPTH_MAX);
    for (unsigned i = 0; i < message->n_fields; i++) {
        const ProtobufCFieldDescriptor *f = &message->fields[i];
        const ProtobufCMessageDescriptor *body = NULL;

        path->field[path->n] = f;
        path->message[path->n++] = message;
        found(path, user);
        if (path->n == 2 && message == &ehp__signed__descriptor && f->id == 1)
            body = edit_body(path->field[0]->id, NULL);
        if (body != NULL)
            path->body = 2;
        if (body != NULL || f->type == PROTOBUF_C_TYPE_MESSAGE)
            walk(path, body != NULL ? body : f->descriptor, found, user);
        if (body != NULL)
            path->body = 0;
        path->n--;
    }
}

void
edit_each(const ProtobufCMessageDescriptor *top,
          void (*found)(const edit_path *path, void *user), void *user)
{
    edit_path path = {.n = 0};

    walk(&path, top, found, user);
}

/* ---------------------------------------------------------------- bytes */

static void
put_varint(GByteArray *out, uint64_t value)
{
    do {
        const uint8_t byte = (uint8_t)((value & 0x7f) | (value > 0x7f ? 0x80 : 0));
        g_byte_array_append(out, &byte, 1);
        value >>= 7;
    } while (value > 0);
}

static void
put_tag(GByteArray *out, const ProtobufCFieldDescriptor *f, unsigned wire)
{
    put_varint(out, (uint64_t)f->id << 3 | wire);
}

static void
put_payload(GByteArray *out, const ProtobufCFieldDescriptor *f, ehp_bytes payload)
{
    put_tag(out, f, LENGTH);
    put_varint(out, payload.len);
    if (payload.len > 0)
        g_byte_array_append(out, payload.data, (guint)payload.len);
}

static uint64_t
get_varint(ehp_reader *r)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 64; shift += 7) {
        const uint8_t byte = ehp_take_u8(r);
        value |= (uint64_t)(byte & 0x7f) << shift;
        if (!(byte & 0x80))
            break;
    }
    return value;
}

/* One field of an honest message. */
typedef struct {
    unsigned number;
    ehp_bytes raw; /* with its tag */
    ehp_bytes payload;
    uint64_t value;
} part;

static bool
next_part(ehp_reader *r, part *p)
{
    const uint8_t *begin = r->at;
    uint64_t tag;

    if (r->left == 0)
        return false;
    *p = (part){0};
    tag = get_varint(r);
    p->number = (unsigned)(tag >> 3);
    if ((tag & 7) == LENGTH)
        p->payload = ehp_take(r, get_varint(r));
    else
        p->value = get_varint(r);
    g_assert_true((tag & 7) == LENGTH || (tag & 7) == VARINT);
    g_assert_false(r->bad);
    p->raw = (ehp_bytes){begin, (size_t)(r->at - begin)};
    return true;
}

ehp_bytes
edit_get(ehp_bytes message, unsigned number)
{
    ehp_reader r;
    part p;

    ehp_reader_init(&r, message.data, message.len);
    while (next_part(&r, &p))
        if (p.number == number)
            return p.payload;
    return (ehp_bytes){NULL, 0};
}

/* ---------------------------------------------------------------- changes */

/* `len` bytes that the field's type takes. */
static void
put_filled(GByteArray *out, const ProtobufCFieldDescriptor *f, size_t len)
{
    g_autofree uint8_t *bytes = g_malloc(len + 8);

    memset(bytes, f->type == PROTOBUF_C_TYPE_STRING ? 'a' : 0, len);
    if (f->type == PROTOBUF_C_TYPE_MESSAGE) { /* one unknown field */
        g_autoptr(GByteArray) inner = g_byte_array_new();
        put_varint(inner, 100 << 3 | LENGTH);
        put_varint(inner, len - 5);
        g_byte_array_append(inner, bytes, (guint)len - 5);
        g_assert_cmpuint(inner->len, <=, len);
        while (inner->len < len) /* and small ones that fill it up */
            g_byte_array_append(inner, (const uint8_t *)"\x78", 1);
        put_payload(out, f, (ehp_bytes){inner->data, inner->len});
        return;
    }
    put_payload(out, f, (ehp_bytes){bytes, len});
}

static void
put_number(GByteArray *out, const ProtobufCFieldDescriptor *f, uint64_t value, size_t count)
{
    g_autoptr(GByteArray) packed = g_byte_array_new();

    if (!is_packed(f)) {
        put_tag(out, f, VARINT);
        put_varint(out, value);
        return;
    }
    while (count-- > 0)
        put_varint(packed, value);
    put_payload(out, f, (ehp_bytes){packed->data, packed->len});
}

/* Something right, for a field that is not there. */
static void
put_any(GByteArray *out, const edit_path *path)
{
    const ProtobufCFieldDescriptor *f = last_of(path);

    if (!is_length(f))
        put_number(out, f, 1, 1);
    else if (f->type == PROTOBUF_C_TYPE_MESSAGE)
        put_payload(out, f, (ehp_bytes){NULL, 0});
    else
        put_filled(out, f, MAX(rule_of(path)->min_len, 1));
}

static void
put_changed(GByteArray *out, const edit_path *path, const part *p)
{
    const ProtobufCFieldDescriptor *f = last_of(path);
    const size_t len = p->payload.len > 0 ? p->payload.len : MAX(rule_of(path)->min_len, 1);
    g_autofree uint8_t *bytes = g_malloc0(len);

    if (!is_length(f)) {
        const uint64_t old = is_packed(f) ? 1 : p->value;
        put_number(out, f, f->type == PROTOBUF_C_TYPE_BOOL ? !old : old + 1, 1);
        return;
    }
    if (p->payload.len > 0)
        memcpy(bytes, p->payload.data, len);
    bytes[len - 1] ^= f->type == PROTOBUF_C_TYPE_STRING && bytes[len - 1] != 0 ? 3 : 'b';
    put_payload(out, f, (ehp_bytes){bytes, len});
}

static void
put_twice(GByteArray *out, const edit_path *path, const part *p)
{
    for (int i = 0; i < 2; i++)
        if (p->raw.len > 0)
            g_byte_array_append(out, p->raw.data, (guint)p->raw.len);
        else
            put_any(out, path);
}

static void
put_many(GByteArray *out, const edit_path *path, const part *p)
{
    const ProtobufCFieldDescriptor *f = last_of(path);
    const uint32_t count = rule_of(path)->max_count + 1;

    if (is_packed(f)) {
        put_number(out, f, 1, count);
        return;
    }
    for (uint32_t i = 0; i < count; i++)
        if (p->raw.len > 0 && (uint64_t)p->raw.len * count < FITS_MAX)
            g_byte_array_append(out, p->raw.data, (guint)p->raw.len);
        else
            put_any(out, path);
}

static void
put_edited(GByteArray *out, const edit_path *path, const part *p, edit_kind how)
{
    const ProtobufCFieldDescriptor *f = last_of(path);

    switch (how) {
    case EDIT_ABSENT:
    case EDIT_KINDS:
        break;
    case EDIT_CHANGED:
        put_changed(out, path, p);
        break;
    case EDIT_UNKNOWN:
        put_number(out, f, 99, 1);
        break;
    case EDIT_LONGEST:
        put_filled(out, f, longest(path));
        break;
    case EDIT_TWICE:
        put_twice(out, path, p);
        break;
    case EDIT_MANY:
        put_many(out, path, p);
        break;
    case EDIT_WIRE_TYPE:
        put_tag(out, f, FIXED32);
        g_byte_array_append(out, (const uint8_t *)"\1\0\0", 4);
        break;
    case EDIT_GROUP:
        put_tag(out, f, GROUP);
        put_tag(out, f, GROUP + 1);
        break;
    case EDIT_TOO_LONG:
        put_filled(out, f, longest(path) + 1);
        break;
    case EDIT_TOO_SHORT:
        put_filled(out, f, rule_of(path)->min_len - 1);
        break;
    case EDIT_BAD_UTF8:
        put_payload(out, f, (ehp_bytes){(const uint8_t *)"a\xc0\xaf", 3});
        break;
    case EDIT_NUL:
        put_payload(out, f, (ehp_bytes){(const uint8_t *)"a\0b", 3});
        break;
    case EDIT_OVERFLOW:
        put_number(out, f, UINT64_C(1) << 32, 1);
        break;
    case EDIT_OVERLONG:
        put_tag(out, f, is_packed(f) ? LENGTH : VARINT);
        if (is_packed(f))
            put_varint(out, 11);
        g_byte_array_append(out, (const uint8_t *)"\x81\x80\x80\x80\x80\x80\x80\x80\x80\x80",
                            11);
        break;
    case EDIT_BEYOND:
        put_tag(out, f, LENGTH);
        put_varint(out, UINT64_C(0x7fffffff));
        break;
    }
}

/* replacement NULL: how. */
static void
rewrite(GByteArray *out, ehp_bytes message, const edit_path *path, size_t at, edit_kind how,
        const ehp_bytes *replacement)
{
    const ProtobufCFieldDescriptor *f = path->field[at];
    bool found = false;
    ehp_reader r;
    part p;

    ehp_reader_init(&r, message.data, message.len);
    for (bool more = true; more;) {
        more = next_part(&r, &p);
        if (!more)
            p = (part){.number = found ? 0 : f->id};
        if (p.number != f->id || found) {
            if (p.raw.len > 0)
                g_byte_array_append(out, p.raw.data, (guint)p.raw.len);
            continue;
        }
        found = true;
        if (at + 1 < path->n) {
            g_autoptr(GByteArray) inner = g_byte_array_new();
            rewrite(inner, p.payload, path, at + 1, how, replacement);
            put_payload(out, f, (ehp_bytes){inner->data, inner->len});
        } else if (replacement != NULL) {
            put_payload(out, f, *replacement);
        } else {
            put_edited(out, path, &p, how);
        }
    }
}

GByteArray *
edit_apply(ehp_bytes message, const edit_path *path, size_t from, edit_kind how)
{
    GByteArray *out = g_byte_array_new();

    rewrite(out, message, path, from, how, NULL);
    return out;
}

GByteArray *
edit_put(ehp_bytes message, const edit_path *path, size_t from, ehp_bytes payload)
{
    GByteArray *out = g_byte_array_new();

    rewrite(out, message, path, from, EDIT_KINDS, &payload);
    return out;
}
