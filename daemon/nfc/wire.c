/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages between daemon, supervisor and worker (wire.h). No state; used by both programs.
 */
#include "daemon/nfc/wire.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

#include "daemon/helper/packet.h"

enum payload { EMPTY, DETAIL, APDU, READER };

/* What a type may carry, and who may say it. Unlisted types are refused. */
static const struct form {
    uint8_t type;
    uint8_t payload;
    bool role;   /* carries a role, else the field is 0 */
    bool status; /* carries a status, else the field is 0 */
    bool daemon, helper, worker;
} forms[] = {
    {EHD_NFC_ARM, EMPTY, true, false, true, false, false},
    {EHD_NFC_DISARM, EMPTY, false, false, true, false, false},
    {EHD_NFC_RELEASE, EMPTY, false, false, true, false, false},
    {EHD_NFC_PROBE, EMPTY, false, false, true, false, false},
    {EHD_NFC_APDU, APDU, false, false, true, true, true},
    {EHD_NFC_READER, READER, false, false, true, false, false},
    {EHD_NFC_HELLO, EMPTY, false, false, false, true, false},
    {EHD_NFC_STATE, DETAIL, false, true, false, true, true},
    {EHD_NFC_ARMED, EMPTY, true, false, false, true, true},
    {EHD_NFC_DISARMED, EMPTY, false, false, false, true, true},
    {EHD_NFC_ACTIVATED, EMPTY, true, false, false, true, true},
    {EHD_NFC_LOST, DETAIL, false, true, false, true, true},
    {EHD_NFC_FOREIGN, DETAIL, false, true, false, true, true},
    {EHD_NFC_REFUSED, DETAIL, false, true, false, true, true},
    {EHD_NFC_BEAT, EMPTY, false, false, false, false, true},
};

static const struct form *
form_of(uint8_t type)
{
    for (size_t i = 0; i < sizeof forms / sizeof *forms; i++) {
        if (forms[i].type == type)
            return &forms[i];
    }
    return NULL;
}

static bool
may_say(const struct form *form, EhdNfcOrigin origin)
{
    switch (origin) {
    case EHD_NFC_FROM_DAEMON:
        return form->daemon;
    case EHD_NFC_FROM_HELPER:
        return form->helper;
    case EHD_NFC_FROM_WORKER:
        return form->worker;
    }
    return false;
}

static bool
header_fits(const struct form *form, const EhdNfcMessage *message)
{
    uint8_t role = message->role;

    if (form->type == EHD_NFC_HELLO)
        return message->status == EHP_OK;
    if (form->role ? role != EHD_NFC_ROLE_READER && role != EHD_NFC_ROLE_CARD : role != 0)
        return false;
    return form->status ? message->status < EHP_STATUS_COUNT : message->status == EHP_OK;
}

static bool
is_reader(const uint8_t *text, size_t len)
{
    if (len == 0 || len > EHD_NFC_READER_MAX)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (text[i] < 0x20 || text[i] > 0x7e)
            return false;
    }
    return true;
}

ehp_status
ehd_nfc_wire_parse(EhdNfcMessage *out, const uint8_t *bytes, size_t len, EhdNfcOrigin origin)
{
    const struct form *form = len >= EHD_NFC_HEADER_LEN ? form_of(bytes[0]) : NULL;

    if (!form || !may_say(form, origin))
        return EHP_BAD_MESSAGE;
    *out = (EhdNfcMessage){
        .type = (EhdNfcType)bytes[0],
        .role = bytes[1],
        .status = (ehp_status)(bytes[2] << 8 | bytes[3]),
        .arm = ehd_packet_get_u32(bytes + 4),
        .tap = ehd_packet_get_u32(bytes + 8),
        .data = bytes + EHD_NFC_HEADER_LEN,
        .len = len - EHD_NFC_HEADER_LEN,
    };
    if (!header_fits(form, out))
        return EHP_BAD_MESSAGE;
    if (form->payload == EMPTY)
        return out->len == 0 ? EHP_OK : EHP_BAD_MESSAGE;
    if (form->payload == APDU)
        return out->len <= EHP_APDU_MAX ? EHP_OK : EHP_TOO_LARGE;
    if (form->payload == READER)
        return is_reader(out->data, out->len) ? EHP_OK : EHP_BAD_MESSAGE;
    if (out->len > EHD_NFC_DETAIL_MAX)
        return EHP_TOO_LARGE;
    return memchr(out->data, '\0', out->len) ? EHP_BAD_MESSAGE : EHP_OK;
}

/* At most EHD_NFC_DETAIL_MAX bytes, not cutting a UTF-8 character. */
static size_t
cut_detail(const EhdNfcMessage *message)
{
    size_t len = message->len;

    if (len <= EHD_NFC_DETAIL_MAX)
        return len;
    len = EHD_NFC_DETAIL_MAX;
    while (len > 0 && (message->data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

size_t
ehd_nfc_wire_build(uint8_t *buf, const EhdNfcMessage *message)
{
    const struct form *form = form_of((uint8_t)message->type);
    size_t len = message->len;

    if (!form || (form->payload == EMPTY && len > 0))
        return 0;
    if (form->payload == APDU && len > EHP_APDU_MAX)
        return 0;
    if (form->payload == READER && !is_reader(message->data, len))
        return 0;
    if (form->payload == DETAIL)
        len = cut_detail(message);
    buf[0] = (uint8_t)message->type;
    buf[1] = message->role;
    buf[2] = (uint8_t)(message->status >> 8);
    buf[3] = (uint8_t)message->status;
    ehd_packet_put_u32(buf + 4, message->arm);
    ehd_packet_put_u32(buf + 8, message->tap);
    if (len > 0)
        memcpy(buf + EHD_NFC_HEADER_LEN, message->data, len);
    return EHD_NFC_HEADER_LEN + len;
}

int
ehd_nfc_wire_send(int fd, const EhdNfcMessage *message)
{
    uint8_t buf[EHD_NFC_MESSAGE_MAX];
    size_t len = ehd_nfc_wire_build(buf, message);

    if (len == 0)
        return -EMSGSIZE;
    return ehd_packet_send(fd, buf, len, -1);
}
