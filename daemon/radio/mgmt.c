/* SPDX-License-Identifier: Apache-2.0
 *
 * The management protocol's bytes (mgmt.h).
 */
#include "daemon/radio/mgmt.h"

#include <string.h>

#define HEADER_LEN           6
#define EVENT_COMPLETE       0x0001
#define EVENT_STATUS         0x0002
#define EVENT_AUTH_FAILED    0x0011
/* Read Controller Information: address 6, version 1, manufacturer 2, supported 4, current 4 */
#define INFO_SETTINGS        13
#define SETTING_CONNECTABLE  (1u << 1)
#define SETTING_FAST         (1u << 2)
#define SETTING_DISCOVERABLE (1u << 3)
#define OOB_P192_LEN         32
#define ADDRESS_TYPE_BREDR   0
/* mgmt status codes */
#define BUSY                 0x0a
#define REJECTED             0x0b
#define NOT_SUPPORTED        0x0c
#define NOT_POWERED          0x0f
#define INVALID_INDEX        0x11
#define RFKILLED             0x12
#define PERMISSION_DENIED    0x14

static uint16_t
get_le16(const uint8_t *at)
{
    return (uint16_t)(at[0] | at[1] << 8);
}

static void
put_le16(uint8_t *at, uint16_t value)
{
    at[0] = (uint8_t)value;
    at[1] = (uint8_t)(value >> 8);
}

static void
turn_around(uint8_t to[6], const uint8_t from[6])
{
    for (int i = 0; i < 6; i++)
        to[i] = from[5 - i];
}

bool
ehd_mgmt_parse(EhdMgmtEvent *event, const uint8_t *bytes, size_t len)
{
    uint16_t type;

    if (len < HEADER_LEN || get_le16(bytes + 4) != len - HEADER_LEN)
        return false;
    type = get_le16(bytes);
    *event = (EhdMgmtEvent){.type = EHD_MGMT_OTHER, .index = get_le16(bytes + 2)};
    bytes += HEADER_LEN;
    len -= HEADER_LEN;
    if ((type == EVENT_COMPLETE || type == EVENT_STATUS) && len >= 3) {
        event->type = EHD_MGMT_REPLY;
        event->command = get_le16(bytes);
        event->failure = bytes[2];
        event->data = bytes + 3;
        event->len = len - 3;
    } else if (type == EVENT_AUTH_FAILED && len >= 6) {
        event->type = EHD_MGMT_AUTH_FAILED;
        turn_around(event->peer, bytes);
    }
    return true;
}

bool
ehd_mgmt_settings(const EhdMgmtEvent *info, EhdMgmtSettings *settings)
{
    if (info->len < INFO_SETTINGS + 4)
        return false;
    uint16_t current = get_le16(info->data + INFO_SETTINGS);
    settings->connectable = (current & SETTING_CONNECTABLE) != 0;
    settings->fast = (current & SETTING_FAST) != 0;
    settings->discoverable = (current & SETTING_DISCOVERABLE) != 0;
    return true;
}

bool
ehd_mgmt_oob(const EhdMgmtEvent *reply, uint8_t oob[EHD_RADIO_OOB_LEN])
{
    static const uint8_t none[EHD_RADIO_OOB_LEN - OOB_P192_LEN];

    /* a controller that has none, and says zeros, would be believed by nobody */
    if (reply->len < EHD_RADIO_OOB_LEN ||
        memcmp(reply->data + OOB_P192_LEN, none, sizeof none) == 0)
        return false;
    memset(oob, 0, OOB_P192_LEN);
    memcpy(oob + OOB_P192_LEN, reply->data + OOB_P192_LEN, sizeof none);
    return true;
}

ehp_status
ehd_mgmt_status(uint8_t failure)
{
    switch (failure) {
    case 0:
        return EHP_OK;
    case NOT_POWERED:
        return EHP_ADAPTER_OFF;
    case INVALID_INDEX:
        return EHP_NO_ADAPTER;
    case RFKILLED:
        return EHP_ADAPTER_BLOCKED;
    case PERMISSION_DENIED:
        return EHP_RADIO_NOT_PERMITTED;
    case BUSY:
    case REJECTED:
    case NOT_SUPPORTED:
    default:
        return EHP_LINK_UNAVAILABLE;
    }
}

size_t
ehd_mgmt_build(uint8_t *buf, EhdMgmtCommand command, uint16_t index, const uint8_t *peer,
               const uint8_t *oob, bool on)
{
    size_t len = HEADER_LEN;

    put_le16(buf, (uint16_t)command);
    put_le16(buf + 2, index);
    if (peer) {
        turn_around(buf + len, peer);
        buf[len + 6] = ADDRESS_TYPE_BREDR;
        len += 7;
    }
    if (command == EHD_MGMT_SET_FAST || command == EHD_MGMT_SET_CONNECTABLE)
        buf[len++] = on;
    if (oob) {
        memcpy(buf + len, oob, EHD_RADIO_OOB_LEN);
        len += EHD_RADIO_OOB_LEN;
    }
    put_le16(buf + 4, (uint16_t)(len - HEADER_LEN));
    return len;
}
