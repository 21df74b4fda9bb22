/* SPDX-License-Identifier: Apache-2.0
 *
 * Padmé and step padding. Pure; any thread.
 */
#include "proto/pad.h"

#include "proto/bounds.h"

static unsigned
floor_log2(uint64_t v)
{
    return 63u - (unsigned)__builtin_clzll(v);
}

uint64_t
ehp_pad_padme(uint64_t len)
{
    if (len < 2)
        return len;

    const unsigned exponent = floor_log2(len);
    const unsigned mantissa = exponent > 0 ? floor_log2(exponent) + 1 : 0;
    const uint64_t mask = (UINT64_C(1) << (exponent - mantissa)) - 1;

    return (len + mask) & ~mask;
}

uint64_t
ehp_pad_step(uint64_t len, uint64_t step)
{
    const uint64_t steps = len == 0 ? 1 : (len - 1) / step + 1;

    return steps * step;
}

uint64_t
ehp_pad_transfer(uint64_t len)
{
    return len > EHP_PAD_TRANSFER_MAX ? len : ehp_pad_padme(len);
}
