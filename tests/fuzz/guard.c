/* SPDX-License-Identifier: Apache-2.0
 *
 * The guard and protobuf-c behind it. Input: one byte that chooses the message, then the
 * message. What the guard lets through must unpack within its cap, be sound, and survive a
 * round trip.
 */
#include "proto/guard.h"

#include "proto/ehrlink.pb-c.h"
#include "tests/fuzz/fuzz.h"

static const ProtobufCMessageDescriptor *const messages[] = {
    &ehp__record__descriptor,          &ehp__terminal_hello__descriptor,
    &ehp__patient_hello__descriptor,   &ehp__confirm__descriptor,
    &ehp__consent_request__descriptor, &ehp__consent__descriptor,
    &ehp__manifest__descriptor,        &ehp__receipt__descriptor,
    &ehp__status__descriptor,          &ehp__revoke__descriptor,
};

static void
round_trip(const ProtobufCMessageDescriptor *descriptor, const ProtobufCMessage *message)
{
    const size_t len = protobuf_c_message_get_packed_size(message);
    uint8_t *packed = malloc(len + 1);
    ehp_unpacked again;

    FUZZ_CHECK(packed);
    FUZZ_CHECK(protobuf_c_message_pack(message, packed) == len);
    FUZZ_CHECK(ehp_guard_unpack(descriptor, ehp_bytes_of(packed, len), NULL, &again) == EHP_OK);
    FUZZ_CHECK(protobuf_c_message_get_packed_size(again.message) == len);
    ehp_guard_free(&again);
    free(packed);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const ProtobufCMessageDescriptor *descriptor;
    ehp_unpacked out = {0};
    ehp_reader in;
    ehp_status status;

    fuzz_start();
    ehp_reader_init(&in, data, size);
    descriptor = messages[ehp_take_u8(&in) % (sizeof messages / sizeof messages[0])];
    in.bad = false;
    status = ehp_guard_unpack(descriptor, ehp_take_rest(&in), NULL, &out);
    FUZZ_CHECK((status == EHP_OK) == (out.message != NULL));
    if (status == EHP_OK) {
        FUZZ_CHECK(protobuf_c_message_check(out.message));
        round_trip(descriptor, out.message);
    } else {
        FUZZ_CHECK(status == EHP_BAD_MESSAGE || status == EHP_TOO_LARGE);
    }
    ehp_guard_free(&out);
    return 0;
}
