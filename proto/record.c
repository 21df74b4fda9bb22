/* SPDX-License-Identifier: Apache-2.0
 *
 * The record layer. Owns both ciphers and one buffer for the record that is coming in. Nothing
 * of a record is kept before its length was checked, nothing of it is given out before it
 * authenticated. One thread at a time.
 */
#include "proto/record.h"

#include <stdlib.h>
#include <string.h>

static const ehp_bytes no_ad = {NULL, 0};

void
ehp_record_init(ehp_record *r, ehp_cipher *send, ehp_cipher *recv)
{
    memset(r, 0, sizeof *r);
    ehp_cipher_move(&r->send, send);
    ehp_cipher_move(&r->recv, recv);
}

/* Moves up to want - have bytes over; true when all are there. */
static bool
gather(uint8_t *to, size_t *have, size_t want, ehp_reader *in)
{
    const size_t missing = want - *have;
    const ehp_bytes part = ehp_take(in, missing < in->left ? missing : in->left);

    if (part.len > 0)
        memcpy(to + *have, part.data, part.len);
    *have += part.len;
    return *have == want;
}

static size_t
body_len(const ehp_record *r)
{
    return (size_t)r->header[0] << 8 | r->header[1];
}

static ehp_status
take_header(ehp_record *r, ehp_reader *in)
{
    size_t have = r->header_len;
    const bool whole = gather(r->header, &have, sizeof r->header, in);

    r->header_len = (uint8_t)have;
    if (!whole)
        return EHP_AGAIN;
    if (body_len(r) > EHP_RECORD_SEALED_MAX)
        return EHP_TOO_LARGE;
    if (body_len(r) < EHP_TAG_LEN)
        return EHP_BAD_MESSAGE;
    if (!r->in)
        r->in = malloc(EHP_RECORD_SEALED_MAX);
    return r->in ? EHP_OK : EHP_NO_MEMORY;
}

static void
count(ehp_cipher *c, uint64_t *records)
{
    if (++*records % EHP_REKEY_RECORDS == 0)
        ehp_cipher_rekey(c);
}

/* Opens the record; one that lies whole in the caller's chunk is never copied before. */
static ehp_status
open_body(ehp_record *r, ehp_reader *in, ehp_bytes *plain)
{
    const size_t len = body_len(r);
    const uint8_t *sealed = r->in;

    if (r->in_len == 0 && in->left >= len)
        sealed = ehp_take(in, len).data;
    else if (!gather(r->in, &r->in_len, len, in))
        return EHP_AGAIN;

    const ehp_status status = ehp_cipher_open(&r->recv, no_ad, sealed, len, r->in);

    if (status != EHP_OK)
        return status;
    count(&r->recv, &r->received);
    r->header_len = 0;
    r->in_len = 0;
    *plain = ehp_bytes_of(r->in, len - EHP_TAG_LEN);
    return EHP_OK;
}

ehp_status
ehp_record_next(ehp_record *r, ehp_reader *in, ehp_bytes *plain)
{
    ehp_status status = r->failed;

    if (status == EHP_OK && (r->header_len < sizeof r->header || !r->in))
        status = take_header(r, in);
    if (status == EHP_OK)
        status = open_body(r, in, plain);
    if (status != EHP_OK && status != EHP_AGAIN)
        r->failed = status;
    return status;
}

bool
ehp_record_authenticated(const ehp_record *r)
{
    return r->received > 0;
}

size_t
ehp_record_size(size_t len)
{
    return EHP_RECORD_HEADER_LEN + len + EHP_TAG_LEN;
}

ehp_status
ehp_record_room(size_t len, ehp_queue *out, uint8_t **plain)
{
    uint8_t *at = NULL;
    ehp_status status;

    if (len > EHP_RECORD_PLAIN_MAX)
        return EHP_INVALID_ARGUMENT;
    status = ehp_queue_reserve(out, ehp_record_size(len), &at);
    if (status == EHP_OK)
        *plain = at + EHP_RECORD_HEADER_LEN;
    return status;
}

ehp_status
ehp_record_seal_here(ehp_record *r, uint8_t *plain, size_t len, ehp_queue *out)
{
    ehp_writer w;
    ehp_status status = ehp_cipher_seal(&r->send, no_ad, plain, len, plain);

    if (status != EHP_OK) {
        ehp_wipe(plain, len);
        return status;
    }
    ehp_writer_init(&w, plain - EHP_RECORD_HEADER_LEN, EHP_RECORD_HEADER_LEN);
    ehp_put_be16(&w, (uint16_t)(len + EHP_TAG_LEN));
    ehp_queue_commit(out, ehp_record_size(len));
    count(&r->send, &r->sent);
    return EHP_OK;
}

ehp_status
ehp_record_seal(ehp_record *r, ehp_bytes plain, ehp_queue *out)
{
    uint8_t *at;
    ehp_status status = ehp_record_room(plain.len, out, &at);

    if (status != EHP_OK)
        return status;
    if (plain.len > 0)
        memcpy(at, plain.data, plain.len);
    return ehp_record_seal_here(r, at, plain.len, out);
}

void
ehp_record_clear(ehp_record *r)
{
    if (r->in)
        ehp_wipe(r->in, EHP_RECORD_SEALED_MAX);
    free(r->in);
    ehp_wipe(r, sizeof *r);
}
