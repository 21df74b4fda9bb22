/* SPDX-License-Identifier: Apache-2.0
 *
 * From bytes of a peer to a protobuf-c message, with every bound checked first.
 * protobuf-c 1.4.1 itself takes any UTF-8, any count, merges doubled sub-messages and allocates
 * up to 76 times the input. So the message is first walked along its own descriptor, without
 * allocation:
 *   - wire types, lengths, varints (at most 10 bytes; a value that does not fit its field),
 *     field numbers; groups are refused
 *   - a field that is not repeated comes at most once, of a oneof at most one member
 *   - strings are UTF-8 without NUL; strings, bytes and counts keep to their rule
 *   - all fields together, elements of packed ones and unknown ones included, are capped
 *   - depth is the schema's, at most EHP_GUARD_DEPTH_MAX
 * and only then unpacked, from an arena that ends at a cap. Unknown fields are kept (protobuf-c
 * unknown_fields). Values of enums are not checked here: that is the receiver's duty.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>

#include "proto/bounds.h"
#include "proto/bytes.h"

#define EHP_GUARD_DEPTH_MAX 8

/* One field's bounds. A field without a rule: strings EHP_TEXT_MAX, the rest as the limits say.
 */
typedef struct {
    const ProtobufCMessageDescriptor *message;
    uint32_t field;     /* number */
    uint32_t max_count; /* of a repeated field; 0: no bound of its own */
    uint32_t max_len;   /* bytes of a string, bytes or sub-message; 0: no bound of its own */
    uint32_t min_len;   /* the same; a hash has both alike */
} ehp_guard_rule;

typedef struct {
    const ehp_guard_rule *rules;
    size_t n_rules;
    size_t max_bytes;  /* of the whole message */
    size_t max_fields; /* in all, at every depth */
    size_t max_memory; /* of the arena */
} ehp_guard_limits;

/* The rules of every message of proto/ehrlink.proto (proto/bounds.h), for what a record
 * carries: EHP_RECORD_PLAIN_MAX, EHP_UNPACK_FIELDS_MAX, EHP_UNPACK_MEMORY_MAX. */
extern const ehp_guard_limits ehp_wire_limits;
/* The same rules for an OriginProof, which no record carries: EHP_PROOF_MAX. */
extern const ehp_guard_limits ehp_proof_limits;

/* An unpacked message with its arena. {0} is empty. */
typedef struct {
    ProtobufCMessage *message; /* owned by the arena */
    void *arena;               /* owned */
} ehp_unpacked;

/* Only the walk. EHP_BAD_MESSAGE, or EHP_TOO_LARGE when a bound is passed. */
EHP_MUST_USE ehp_status ehp_guard_check(const ProtobufCMessageDescriptor *descriptor,
                                        ehp_bytes bytes, const ehp_guard_limits *limits);
/* The walk, then the unpacking. *out is written only on EHP_OK; ehp_guard_free it. The message
 * copies all it needs of bytes. limits NULL: ehp_wire_limits. EHP_TOO_LARGE also when the
 * arena's cap is reached, EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_guard_unpack(const ProtobufCMessageDescriptor *descriptor,
                                         ehp_bytes bytes, const ehp_guard_limits *limits,
                                         ehp_unpacked *out);
/* Frees and empties; idempotent. */
void ehp_guard_free(ehp_unpacked *unpacked);
