/* SPDX-License-Identifier: Apache-2.0
 *
 * See memory.h. The size is asked of the allocator, so that nothing is added to a block.
 */
#include "tests/hostile/memory.h"

#include <malloc.h>
#include <stdlib.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);
void __wrap_free(void *block);

static size_t now, peak;

static void *
count(void *block)
{
    now += malloc_usable_size(block);
    peak = now > peak ? now : peak;
    return block;
}

/* A block that another library allocated may be freed here. */
static void
uncount(void *block)
{
    const size_t size = malloc_usable_size(block);

    now -= size < now ? size : now;
}

void *
__wrap_malloc(size_t size)
{
    return count(__real_malloc(size));
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return count(__real_calloc(n, size));
}

void *
__wrap_realloc(void *old, size_t size)
{
    uncount(old);
    return count(__real_realloc(old, size));
}

void
__wrap_free(void *block)
{
    uncount(block);
    __real_free(block);
}

size_t
memory_now(void)
{
    return now;
}

size_t
memory_peak(void)
{
    return peak;
}

void
memory_reset(void)
{
    peak = now;
}
