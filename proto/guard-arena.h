/* SPDX-License-Identifier: Apache-2.0
 *
 * The memory one message is unpacked into: chunks that are freed together, with a cap on their
 * sum. Internal to guard.c.
 */
#pragma once

#include <protobuf-c/protobuf-c.h>
#include <stdbool.h>

typedef struct ehp_arena ehp_arena;

/* transfer full; NULL when out of memory. max: bytes of all chunks together. */
ehp_arena *ehp_arena_new(size_t max);
/* Borrowed: allocates here, frees nothing. */
ProtobufCAllocator *ehp_arena_allocator(ehp_arena *a);
/* True once an allocation failed because of the cap. */
bool ehp_arena_capped(const ehp_arena *a);
/* True once an allocation failed because memory is out. */
bool ehp_arena_starved(const ehp_arena *a);
void ehp_arena_free(ehp_arena *a);
