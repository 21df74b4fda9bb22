/* SPDX-License-Identifier: Apache-2.0
 *
 * The output queue: one buffer, what is queued lies in one piece in it. Grows by doubling up to
 * its cap, slides to the front when the room behind runs out. One thread at a time per queue.
 */
#include "proto/queue.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 4096
/* An empty queue keeps this much: a segment in its records and what may be queued before it, so
 * that a steady flow never reallocates (page faults were half of a sender's time). */
#define KEEP_CAP  (512 * 1024)

void
ehp_queue_init(ehp_queue *q, size_t max)
{
    *q = (ehp_queue){.max = max};
}

size_t
ehp_queue_room(const ehp_queue *q)
{
    return q->max - q->len;
}

/* A new buffer rather than realloc: only what is queued is copied, from where it lies. */
static ehp_status
grow(ehp_queue *q, size_t need)
{
    size_t cap = q->cap ? q->cap : FIRST_CAP;

    while (cap < need)
        cap = cap > q->max / 2 ? q->max : cap * 2;

    uint8_t *data = malloc(cap);

    if (!data)
        return EHP_NO_MEMORY;
    if (q->len > 0)
        memcpy(data, q->data + q->start, q->len);
    free(q->data);
    q->data = data;
    q->start = 0;
    q->cap = cap;
    return EHP_OK;
}

ehp_status
ehp_queue_reserve(ehp_queue *q, size_t len, uint8_t **at)
{
    if (len > ehp_queue_room(q))
        return EHP_LIMIT_REACHED;
    if (q->len + len > q->cap) {
        const ehp_status status = grow(q, q->len + len);

        if (status != EHP_OK)
            return status;
    } else if (q->start + q->len + len > q->cap) {
        memmove(q->data, q->data + q->start, q->len);
        q->start = 0;
    }
    *at = q->data ? q->data + q->start + q->len : NULL;
    return EHP_OK;
}

void
ehp_queue_commit(ehp_queue *q, size_t len)
{
    q->len += len;
}

ehp_status
ehp_queue_push(ehp_queue *q, const void *data, size_t len)
{
    uint8_t *at;
    const ehp_status status = ehp_queue_reserve(q, len, &at);

    if (status != EHP_OK)
        return status;
    if (len > 0)
        memcpy(at, data, len);
    ehp_queue_commit(q, len);
    return EHP_OK;
}

ehp_bytes
ehp_queue_peek(const ehp_queue *q)
{
    return q->len > 0 ? ehp_bytes_of(q->data + q->start, q->len) : ehp_bytes_of(NULL, 0);
}

void
ehp_queue_drop(ehp_queue *q, size_t len)
{
    len = len < q->len ? len : q->len;
    q->start += len;
    q->len -= len;
    if (q->len > 0)
        return;
    q->start = 0;
    if (q->cap > KEEP_CAP) {
        free(q->data);
        q->data = NULL;
        q->cap = 0;
    }
}

void
ehp_queue_clear(ehp_queue *q)
{
    if (q->data)
        ehp_wipe(q->data, q->cap);
    free(q->data);
    ehp_queue_init(q, q->max);
}
