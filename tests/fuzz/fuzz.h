/* SPDX-License-Identifier: Apache-2.0
 *
 * What the harnesses share: a check that stays in every build, and taking input apart.
 */
#pragma once

#include <sodium.h>
#include <stdio.h>
#include <stdlib.h>

#include "proto/bytes.h"

#define FUZZ_CHECK(condition)                                                                  \
    do {                                                                                       \
        if (!(condition)) {                                                                    \
            (void)fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #condition);              \
            abort();                                                                           \
        }                                                                                      \
    } while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static inline void
fuzz_start(void)
{
    FUZZ_CHECK(sodium_init() >= 0);
}

/* A view of the next len bytes or of what is left. */
static inline ehp_bytes
fuzz_take(ehp_reader *in, size_t len)
{
    return ehp_take(in, len < in->left ? len : in->left);
}
