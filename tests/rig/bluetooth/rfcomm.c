/* SPDX-License-Identifier: Apache-2.0
 *
 * Finds users' data in ACL packets: L2CAP's signalling tells which channel is RFCOMM's, an
 * RFCOMM frame's header where its data are (Bluetooth Core, volume 3 part A; RFCOMM 1.1, which
 * is GSM 07.10 with credits). What does not look like it is passed over.
 */
#include "tests/rig/bluetooth/radio.h"

#define ACL_HEADER   4
#define L2CAP_HEADER 4
#define SIGNALLING   1
#define CONN_REQ     2
#define CONN_RSP     3
#define PSM_RFCOMM   3
#define SABM         0x3f
#define UIH          0xef
#define POLL_FINAL   0x10

static uint16_t
le16(const uint8_t *p)
{
    return (uint16_t)(p[0] | p[1] << 8);
}

/* Whoever asks names the channel on which it will be answered, and the other way round. */
static void
signal_one(struct radio_stream *way, struct radio_stream *back, uint8_t code, const uint8_t *p,
           size_t len)
{
    if (code == CONN_REQ && len >= 4 && le16(p) == PSM_RFCOMM)
        back->cid = le16(p + 2);
    else if (code == CONN_RSP && len >= 8 && le16(p + 4) == 0 && le16(p + 2) == way->cid)
        back->cid = le16(p);
}

static void
signalling(struct radio_stream *way, struct radio_stream *back, const uint8_t *p, size_t len)
{
    while (len >= 4 && le16(p + 2) <= len - 4) {
        size_t one = 4 + (size_t)le16(p + 2);
        signal_one(way, back, p[0], p + 4, one - 4);
        p += one;
        len -= one;
    }
}

/* The start of an RFCOMM frame. */
static size_t
frame(struct radio_stream *way, uint8_t *p, size_t len, uint8_t **payload, bool *opens)
{
    if (len < 4 || p[0] >> 2 == 0)
        return 0;
    size_t at = p[2] & 1 ? 3 : 4,
           length = p[2] & 1 ? p[2] >> 1 : (size_t)(p[2] >> 1 | p[3] << 7);
    if (p[1] == SABM)
        *opens = true;
    if ((p[1] | POLL_FINAL) != (UIH | POLL_FINAL))
        return 0;
    if (p[1] & POLL_FINAL)
        at++; /* credits */
    size_t here = at >= len ? 0 : length < len - at ? length : len - at;
    way->payload_left = (uint32_t)(length - here);
    *payload = p + at;
    return here;
}

size_t
radio_rfcomm_read(struct radio_link *link, bool outward, uint8_t *acl, size_t len,
                  uint8_t **payload, bool *opens)
{
    struct radio_stream *way = outward ? &link->out : &link->in;
    struct radio_stream *back = outward ? &link->in : &link->out;
    bool continues = (acl[1] >> 4 & 3) == 1;
    uint8_t *p = acl + ACL_HEADER;

    *opens = false;
    len -= ACL_HEADER;
    if (continues) {
        size_t here = len < way->payload_left ? len : way->payload_left;
        way->payload_left -= (uint32_t)here;
        *payload = p;
        return here;
    }
    way->payload_left = 0;
    if (len < L2CAP_HEADER)
        return 0;
    uint16_t cid = le16(p + 2);
    if (cid == SIGNALLING)
        signalling(way, back, p + L2CAP_HEADER, len - L2CAP_HEADER);
    else if (cid == way->cid && cid)
        return frame(way, p + L2CAP_HEADER, len - L2CAP_HEADER, payload, opens);
    return 0;
}
