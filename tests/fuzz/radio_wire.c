/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages between daemon and ehrlink-bt, and what the kernel's management socket says.
 * Input: one byte that chooses, then the datagram. What parses is within its bounds and builds
 * back to the same bytes.
 */
#include "daemon/radio/mgmt.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static void
try_mgmt(const uint8_t *data, size_t size)
{
    uint8_t oob[EHD_RADIO_OOB_LEN];
    EhdMgmtEvent event;
    EhdMgmtSettings now;

    if (!ehd_mgmt_parse(&event, data, size) || event.type != EHD_MGMT_REPLY)
        return;
    FUZZ_CHECK(event.len <= size);
    FUZZ_CHECK(ehd_mgmt_status(event.failure) < EHP_STATUS_COUNT);
    if (ehd_mgmt_settings(&event, &now))
        FUZZ_CHECK(event.len >= 17);
    if (ehd_mgmt_oob(&event, oob))
        FUZZ_CHECK(oob[0] == 0 && oob[31] == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t built[EHD_RADIO_MESSAGE_MAX];
    EhdRadioMessage message;
    EhdRadioOrigin origin;

    if (size == 0)
        return 0;
    if (data[0] % 3 == 2) {
        try_mgmt(data + 1, size - 1);
        return 0;
    }
    origin = (EhdRadioOrigin)(data[0] % 3);
    if (ehd_radio_wire_parse(&message, data + 1, size - 1, origin) != EHP_OK)
        return 0;
    FUZZ_CHECK(message.status < EHP_STATUS_COUNT);
    FUZZ_CHECK(message.id != 0 && message.channel <= EHD_RADIO_CHANNEL_MAX);
    FUZZ_CHECK(message.len <= EHD_RADIO_DETAIL_MAX);
    FUZZ_CHECK((origin == EHD_RADIO_FROM_DAEMON) == (message.type <= EHD_RADIO_REMOVE_OOB));
    FUZZ_CHECK(ehd_radio_wire_build(built, &message) == size - 1);
    FUZZ_CHECK(memcmp(built, data + 1, size - 1) == 0);
    return 0;
}
