/* SPDX-License-Identifier: Apache-2.0
 *
 * Bounded views, a reader and a writer of big-endian fields, and the wipe for secrets.
 *
 * Reader and writer fail stickily: after the first step out of bounds every take gives zeroes
 * and every put does nothing, so that a parser may take all its fields and ask once at the end.
 * libsodium must have been initialised (sodium_init) by the program, once, before any other
 * call into the engine: sodium_init draws randomness, which the engine does not.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "proto/status.h"

/* A view of bytes that belong to somebody else; each use says for how long. */
typedef struct {
    const uint8_t *data;
    size_t len;
} ehp_bytes;

typedef struct {
    const uint8_t *at; /* borrowed: the next byte */
    size_t left;
    bool bad;
} ehp_reader;

typedef struct {
    uint8_t *data; /* borrowed: the buffer that is filled */
    size_t cap;
    size_t len;
    bool bad;
} ehp_writer;

/* A view of len bytes at data (data may be NULL when len is 0). */
ehp_bytes ehp_bytes_of(const void *data, size_t len);
/* Same length and content; not for secrets. */
bool ehp_bytes_equal(ehp_bytes a, ehp_bytes b);
/* Same content of two secrets (or MACs) of len bytes, in constant time. */
bool ehp_secret_equal(const void *a, const void *b, size_t len);
/* Overwrites with zeroes; not optimised away. NULL with 0 is allowed. */
void ehp_wipe(void *data, size_t len);

void ehp_reader_init(ehp_reader *r, const void *data, size_t len);
uint8_t ehp_take_u8(ehp_reader *r);
uint16_t ehp_take_be16(ehp_reader *r);
uint32_t ehp_take_be32(ehp_reader *r);
uint64_t ehp_take_be64(ehp_reader *r);
/* The next len bytes, borrowed from the reader's input; an empty view (data NULL) and a bad
 * reader when fewer are left. */
ehp_bytes ehp_take(ehp_reader *r, size_t len);
/* All that is left (maybe nothing). */
ehp_bytes ehp_take_rest(ehp_reader *r);
/* EHP_OK if nothing failed and nothing is left, else EHP_BAD_MESSAGE. */
EHP_MUST_USE ehp_status ehp_reader_end(const ehp_reader *r);

void ehp_writer_init(ehp_writer *w, void *data, size_t cap);
void ehp_put_u8(ehp_writer *w, uint8_t v);
void ehp_put_be16(ehp_writer *w, uint16_t v);
void ehp_put_be32(ehp_writer *w, uint32_t v);
void ehp_put_be64(ehp_writer *w, uint64_t v);
/* All of it or nothing. */
void ehp_put(ehp_writer *w, const void *data, size_t len);
/* The characters of a C string, without its NUL. */
void ehp_put_text(ehp_writer *w, const char *text);
/* In decimal ASCII, without leading zeroes. */
void ehp_put_decimal(ehp_writer *w, uint64_t v);
/* Room for len bytes that the caller fills; NULL and a bad writer when there is none. */
uint8_t *ehp_put_room(ehp_writer *w, size_t len);
/* EHP_OK, or EHP_TOO_LARGE if anything did not fit. */
EHP_MUST_USE ehp_status ehp_writer_end(const ehp_writer *w);
