/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages between daemon and ehrlink-nfc. Input: one byte that chooses who speaks, then
 * the datagram. What parses is within its bounds and builds back to the same bytes.
 */
#include "daemon/nfc/wire.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t built[EHD_NFC_MESSAGE_MAX];
    EhdNfcMessage message;

    if (size == 0)
        return 0;
    EhdNfcOrigin origin = (EhdNfcOrigin)(data[0] % 3);
    ehp_status status = ehd_nfc_wire_parse(&message, data + 1, size - 1, origin);
    FUZZ_CHECK(status == EHP_OK || status == EHP_BAD_MESSAGE || status == EHP_TOO_LARGE);
    if (status != EHP_OK)
        return 0;
    FUZZ_CHECK(message.status < EHP_STATUS_COUNT);
    FUZZ_CHECK(message.len == size - 1 - EHD_NFC_HEADER_LEN && message.len <= EHP_APDU_MAX);
    FUZZ_CHECK(origin == EHD_NFC_FROM_DAEMON
                   ? message.type <= EHD_NFC_READER
                   : message.type >= EHD_NFC_APDU && message.type != EHD_NFC_READER);
    FUZZ_CHECK(ehd_nfc_wire_build(built, &message) == size - 1);
    FUZZ_CHECK(memcmp(built, data + 1, size - 1) == 0);
    return 0;
}
