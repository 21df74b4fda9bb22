/* SPDX-License-Identifier: Apache-2.0
 *
 * The record layer of one link: be16(length) || Noise transport message of that length, with
 * empty associated data. The length counts the tag: EHP_TAG_LEN .. EHP_RECORD_SEALED_MAX. Each
 * direction rekeys (Noise REKEY, the counter goes on) after every EHP_REKEY_RECORDS records. A
 * failure in reading is final: the reading side stays with that error (sending still works, so
 * that an Error record can go out).
 */
#pragma once

#include "proto/bounds.h"
#include "proto/cipher.h"
#include "proto/queue.h"

#define EHP_RECORD_HEADER_LEN 2

typedef struct {
    ehp_cipher send, recv;
    uint64_t sent, received; /* records on this link */
    uint8_t *in;             /* owned: EHP_RECORD_SEALED_MAX bytes, from the first read on */
    size_t in_len;           /* of the body, what has come so far */
    uint8_t header[EHP_RECORD_HEADER_LEN];
    uint8_t header_len;
    ehp_status failed;
} ehp_record;

/* Takes both ciphers over (the caller's are wiped): split keys serve exactly one link. */
void ehp_record_init(ehp_record *r, ehp_cipher *send, ehp_cipher *recv);

/* Takes bytes of the link from in until a record is complete. EHP_OK: *plain is its plaintext
 * (maybe empty), borrowed until the next call. EHP_AGAIN: in is used up. EHP_TOO_LARGE,
 * EHP_BAD_MESSAGE: a length out of range, refused before any of the body is kept. EHP_BAD_TAG.
 * EHP_NO_MEMORY. So: while ((status = ehp_record_next(r, &in, &plain)) == EHP_OK)
 * handle(plain); */
EHP_MUST_USE ehp_status ehp_record_next(ehp_record *r, ehp_reader *in, ehp_bytes *plain);
/* True once a record of the peer has authenticated on this link. */
bool ehp_record_authenticated(const ehp_record *r);

/* Seals one record of at most EHP_RECORD_PLAIN_MAX bytes to the end of out.
 * EHP_INVALID_ARGUMENT when longer, EHP_LIMIT_REACHED when out has no room (then nothing has
 * changed: drain and try again), EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_record_seal(ehp_record *r, ehp_bytes plain, ehp_queue *out);
/* The same in two steps, for who can make the plaintext where it is sealed: *plain is room for
 * len bytes, valid until the next call on out; ehp_record_seal_here then seals them in place.
 */
EHP_MUST_USE ehp_status ehp_record_room(size_t len, ehp_queue *out, uint8_t **plain);
EHP_MUST_USE ehp_status ehp_record_seal_here(ehp_record *r, uint8_t *plain, size_t len,
                                             ehp_queue *out);
/* Bytes on the link of a record with a plaintext of len. */
size_t ehp_record_size(size_t len);

/* Wipes and frees; idempotent. */
void ehp_record_clear(ehp_record *r);
