/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes on their way out: a buffer that grows up to a cap, filled at the end, drained at the
 * front.
 */
#pragma once

#include "proto/bytes.h"

typedef struct {
    uint8_t *data; /* owned */
    size_t start;  /* of what is queued */
    size_t len;    /* of what is queued */
    size_t cap;
    size_t max;
} ehp_queue;

/* max: the most bytes that are ever queued. Allocates nothing yet. */
void ehp_queue_init(ehp_queue *q, size_t max);
/* How many bytes still fit. */
size_t ehp_queue_room(const ehp_queue *q);
/* Adds a copy, all or nothing. EHP_LIMIT_REACHED when it does not fit, EHP_NO_MEMORY. */
EHP_MUST_USE ehp_status ehp_queue_push(ehp_queue *q, const void *data, size_t len);
/* Room for len bytes at the end, which ehp_queue_commit then adds; *at is valid until the next
 * call. Errors as above. */
EHP_MUST_USE ehp_status ehp_queue_reserve(ehp_queue *q, size_t len, uint8_t **at);
/* Adds len bytes that were written into the room; len at most what was reserved. */
void ehp_queue_commit(ehp_queue *q, size_t len);
/* All that is queued; borrowed until the next call. */
ehp_bytes ehp_queue_peek(const ehp_queue *q);
/* Removes the first len bytes (at most all). An emptied queue gives back memory above 512 KiB.
 */
void ehp_queue_drop(ehp_queue *q, size_t len);
/* Wipes, frees and keeps max; idempotent. */
void ehp_queue_clear(ehp_queue *q);
