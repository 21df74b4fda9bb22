/* SPDX-License-Identifier: Apache-2.0
 *
 * Records on their way out: one protobuf message, packed, padded, sealed. And the little that
 * the receiving side needs of the raw bytes of a record.
 */
#pragma once

#include "proto/bounds.h"
#include "proto/bytes.h"
#include "proto/ehrlink.pb-c.h"
#include "proto/record.h"

/* Where a record goes. All borrowed. */
typedef struct {
    ehp_record *records;
    ehp_queue *queue;
} ehp_outlet;

/* True when padding can make a plaintext exactly `extra` bytes longer (0 is); *zeros: how many
 * it takes. */
bool ehp_wire_padding(size_t extra, size_t *zeros);
/* The least number ≥ extra that can be reached. */
size_t ehp_wire_extra(size_t extra);

/* Plaintext length of record, without padding. */
size_t ehp_wire_size(const Ehp__Record *record);
/* Packs, adds exactly `extra` bytes of padding and seals. EHP_INTERNAL when that cannot be or
 * is too long (the caller has checked), EHP_LIMIT_REACHED when the queue has no room,
 * EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_wire_send(const ehp_outlet *out, const Ehp__Record *record,
                                      size_t extra);
/* The same with padding to a multiple of step. */
EHP_MUST_USE ehp_status ehp_wire_send_stepped(const ehp_outlet *out, const Ehp__Record *record,
                                              size_t step);

/* A record that carries these bytes as its field `field` (of a message type), padded to `first`
 * bytes or to whole steps more. */
EHP_MUST_USE ehp_status ehp_wire_send_raw(const ehp_outlet *out, uint32_t field,
                                          ehp_bytes message, size_t first, size_t step);

/* The bytes of one length-delimited top-level field of a message that the guard has passed;
 * empty if it is not there. Borrowed from message. */
ehp_bytes ehp_wire_field(ehp_bytes message, uint32_t field);

/* A Record that the guard has passed and that carries a SegmentPart, read as unpacking would,
 * but its data borrowed from record: nearly all records of a transfer are parts, and unpacking
 * allocated and copied each once more. False: something else (or an empty part): unpack it. */
bool ehp_wire_part(ehp_bytes record, Ehp__SegmentPart *out);

/* protobuf-c has no const; packing only reads. */
static inline ProtobufCBinaryData
ehp_wire_binary(const uint8_t *data, size_t len)
{
    return (ProtobufCBinaryData){.len = len, .data = (uint8_t *)data};
}

/* True for a value of a closed table other than "unspecified". */
bool ehp_wire_known(const ProtobufCEnumDescriptor *table, int value);
