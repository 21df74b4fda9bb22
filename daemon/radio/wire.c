/* SPDX-License-Identifier: Apache-2.0
 *
 * The messages between daemon and ehrlink-bt (wire.h). No state; used by both programs.
 */
#include "daemon/radio/wire.h"

#include <stdbool.h>
#include <string.h>

#include "daemon/helper/packet.h"

enum payload { EMPTY, DETAIL, OOB, MAYBE_OOB };

/* What a type may carry, and who may say it. Unlisted types are refused; so is a field that is
 * set where a message has none. */
static const struct form {
    uint8_t type;
    uint8_t payload;
    bool daemon;
    bool own, peer, channel, value, status;
} forms[] = {
    {EHD_RADIO_CONNECT, EMPTY, true, true, true, true, false, false},
    {EHD_RADIO_CANCEL, EMPTY, true, false, false, false, false, false},
    {EHD_RADIO_GET_FAST, EMPTY, true, true, false, false, false, false},
    {EHD_RADIO_SET_FAST, EMPTY, true, true, false, false, true, false},
    {EHD_RADIO_READ_OOB, EMPTY, true, true, false, false, false, false},
    {EHD_RADIO_ADD_OOB, OOB, true, true, true, false, false, false},
    {EHD_RADIO_REMOVE_OOB, EMPTY, true, true, true, false, false, false},
    {EHD_RADIO_HELLO, EMPTY, false, false, false, false, false, false},
    {EHD_RADIO_CONNECTED, EMPTY, false, false, false, false, false, false},
    {EHD_RADIO_DONE, MAYBE_OOB, false, false, false, false, true, false},
    {EHD_RADIO_FAILED, DETAIL, false, false, false, false, false, true},
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
is_zero(const uint8_t address[EHD_RADIO_ADDRESS_LEN])
{
    static const uint8_t zero[EHD_RADIO_ADDRESS_LEN];

    return memcmp(address, zero, sizeof zero) == 0;
}

static bool
header_fits(const struct form *form, const EhdRadioMessage *m)
{
    if (m->id == 0 || (!form->own && !is_zero(m->own)) || form->peer == is_zero(m->peer))
        return false;
    if (form->channel ? m->channel < 1 || m->channel > EHD_RADIO_CHANNEL_MAX || m->seconds < 1 ||
                            m->seconds > EHD_RADIO_SECONDS_MAX
                      : m->channel != 0 || m->seconds != 0)
        return false;
    if (form->type != EHD_RADIO_HELLO && m->value > (form->value ? 1 : 0))
        return false;
    return form->status ? m->status > EHP_OK && m->status < EHP_STATUS_COUNT
                        : m->status == EHP_OK;
}

static bool
data_fits(const struct form *form, const EhdRadioMessage *m)
{
    switch ((enum payload)form->payload) {
    case EMPTY:
        return m->len == 0;
    case OOB:
        return m->len == EHD_RADIO_OOB_LEN;
    case MAYBE_OOB:
        return m->len == 0 || m->len == EHD_RADIO_OOB_LEN;
    case DETAIL:
        return m->len == 0 ||
               (m->len <= EHD_RADIO_DETAIL_MAX && !memchr(m->data, '\0', m->len));
    }
    return false;
}

ehp_status
ehd_radio_wire_parse(EhdRadioMessage *out, const uint8_t *bytes, size_t len,
                     EhdRadioOrigin origin)
{
    const struct form *form = len >= EHD_RADIO_HEADER_LEN ? form_of(bytes[0]) : NULL;

    if (!form || form->daemon != (origin == EHD_RADIO_FROM_DAEMON))
        return EHP_BAD_MESSAGE;
    *out = (EhdRadioMessage){
        .type = (EhdRadioType)bytes[0],
        .value = bytes[1],
        .status = (ehp_status)ehd_packet_get_u16(bytes + 2),
        .id = ehd_packet_get_u32(bytes + 4),
        .channel = bytes[20],
        .seconds = bytes[21],
        .data = bytes + EHD_RADIO_HEADER_LEN,
        .len = len - EHD_RADIO_HEADER_LEN,
    };
    memcpy(out->own, bytes + 8, sizeof out->own);
    memcpy(out->peer, bytes + 14, sizeof out->peer);
    return header_fits(form, out) && data_fits(form, out) ? EHP_OK : EHP_BAD_MESSAGE;
}

/* At most EHD_RADIO_DETAIL_MAX bytes, not cutting a UTF-8 character. */
static size_t
cut_detail(const EhdRadioMessage *message)
{
    size_t len = message->len;

    if (len <= EHD_RADIO_DETAIL_MAX)
        return len;
    len = EHD_RADIO_DETAIL_MAX;
    while (len > 0 && (message->data[len] & 0xc0) == 0x80)
        len--;
    return len;
}

size_t
ehd_radio_wire_build(uint8_t *buf, const EhdRadioMessage *message)
{
    const struct form *form = form_of((uint8_t)message->type);
    EhdRadioMessage m = *message;

    if (!form)
        return 0;
    if (form->payload == DETAIL)
        m.len = cut_detail(message);
    if (!header_fits(form, &m) || !data_fits(form, &m))
        return 0;
    buf[0] = (uint8_t)m.type;
    buf[1] = m.value;
    ehd_packet_put_u16(buf + 2, (uint16_t)m.status);
    ehd_packet_put_u32(buf + 4, m.id);
    memcpy(buf + 8, m.own, sizeof m.own);
    memcpy(buf + 14, m.peer, sizeof m.peer);
    buf[20] = m.channel;
    buf[21] = m.seconds;
    if (m.len > 0)
        memcpy(buf + EHD_RADIO_HEADER_LEN, m.data, m.len);
    return EHD_RADIO_HEADER_LEN + m.len;
}
