/* SPDX-License-Identifier: Apache-2.0
 *
 * The capped arena. protobuf-c gives back what it allocated in the order it likes; here that
 * does nothing, and all goes at once with the arena. One thread at a time.
 */
#include "proto/guard-arena.h"

#include <stdalign.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include "proto/bytes.h"

#define CHUNK_LEN 2048

typedef struct chunk {
    struct chunk *next; /* owned */
    size_t used, len;   /* of data */
    alignas(max_align_t) uint8_t data[];
} chunk;

struct ehp_arena {
    ProtobufCAllocator allocator;
    chunk *chunks; /* owned; the newest first */
    size_t sum, max;
    bool capped, starved;
};

static chunk *
add_chunk(ehp_arena *a, size_t need)
{
    const size_t len = need > CHUNK_LEN ? need : CHUNK_LEN;

    if (need > a->max || len > a->max - a->sum) {
        a->capped = true;
        return NULL;
    }

    chunk *c = malloc(sizeof *c + len);

    if (!c) {
        a->starved = true;
        return NULL;
    }
    *c = (chunk){.next = a->chunks, .len = len};
    a->chunks = c;
    a->sum += len;
    return c;
}

static void *
arena_alloc(void *data, size_t size)
{
    const size_t align = alignof(max_align_t);
    ehp_arena *a = data;
    chunk *c = a->chunks;

    if (size > a->max) {
        a->capped = true;
        return NULL;
    }
    size = (size + align - 1) / align * align;
    if (!c || size > c->len - c->used)
        c = add_chunk(a, size);
    if (!c)
        return NULL;
    c->used += size;
    return c->data + c->used - size;
}

static void
arena_release(void *data, void *pointer)
{
    (void)data;
    (void)pointer;
}

ehp_arena *
ehp_arena_new(size_t max)
{
    ehp_arena *a = calloc(1, sizeof *a);

    if (!a)
        return NULL;
    a->allocator = (ProtobufCAllocator){arena_alloc, arena_release, a};
    a->max = max;
    return a;
}

ProtobufCAllocator *
ehp_arena_allocator(ehp_arena *a)
{
    return &a->allocator;
}

bool
ehp_arena_capped(const ehp_arena *a)
{
    return a->capped;
}

bool
ehp_arena_starved(const ehp_arena *a)
{
    return a->starved;
}

void
ehp_arena_free(ehp_arena *a)
{
    if (!a)
        return;
    while (a->chunks) {
        chunk *c = a->chunks;

        a->chunks = c->next;
        ehp_wipe(c->data, c->used); /* parts of a record: plaintext, keys */
        free(c);
    }
    free(a);
}
