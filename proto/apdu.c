/* SPDX-License-Identifier: Apache-2.0
 *
 * Short APDUs. Extended length is refused: several phones lack it, and libnfc aborts on what is
 * longer than EHP_APDU_MAX.
 */
#include "proto/apdu.h"

#define HEADER_LEN 4

ehp_status
ehp_capdu_parse(ehp_bytes in, ehp_capdu *out)
{
    ehp_reader r;
    ehp_capdu c;

    if (in.len > EHP_APDU_MAX)
        return EHP_TOO_LARGE;
    ehp_reader_init(&r, in.data, in.len);
    c.cla = ehp_take_u8(&r);
    c.ins = ehp_take_u8(&r);
    c.p1 = ehp_take_u8(&r);
    c.p2 = ehp_take_u8(&r);
    c.data = ehp_bytes_of(NULL, 0);
    if (r.left > 1) { /* Lc; one lone byte would be Le */
        uint8_t lc = ehp_take_u8(&r);
        if (lc == 0)
            return EHP_BAD_MESSAGE; /* extended length */
        c.data = ehp_take(&r, lc);
    }
    if (r.left == 1)
        ehp_take_u8(&r); /* Le: short APDUs always take all there is */
    if (ehp_reader_end(&r) != EHP_OK)
        return EHP_BAD_MESSAGE;
    *out = c;
    return EHP_OK;
}

ehp_status
ehp_rapdu_parse(ehp_bytes in, ehp_rapdu *out)
{
    if (in.len > EHP_APDU_MAX)
        return EHP_TOO_LARGE;
    if (in.len < 2)
        return EHP_BAD_MESSAGE;
    out->data = ehp_bytes_of(in.data, in.len - 2);
    out->sw = (uint16_t)(in.data[in.len - 2] << 8 | in.data[in.len - 1]);
    return EHP_OK;
}

ehp_status
ehp_capdu_build(const ehp_capdu *c, ehp_writer *out)
{
    if (c->data.len > EHP_APDU_DATA_MAX)
        return EHP_TOO_LARGE;
    ehp_put_u8(out, c->cla);
    ehp_put_u8(out, c->ins);
    ehp_put_u8(out, c->p1);
    ehp_put_u8(out, c->p2);
    if (c->data.len > 0) {
        ehp_put_u8(out, (uint8_t)c->data.len);
        ehp_put(out, c->data.data, c->data.len);
    }
    ehp_put_u8(out, 0x00);
    return ehp_writer_end(out);
}

ehp_status
ehp_rapdu_build(ehp_bytes data, uint16_t sw, ehp_writer *out)
{
    if (data.len > EHP_APDU_DATA_MAX)
        return EHP_TOO_LARGE;
    ehp_put(out, data.data, data.len);
    ehp_put_be16(out, sw);
    return ehp_writer_end(out);
}

bool
ehp_capdu_is_select(const ehp_capdu *c)
{
    return c->cla == 0x00 && c->ins == 0xa4 && c->p1 == 0x04;
}
