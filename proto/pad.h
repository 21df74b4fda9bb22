/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a thing is made so that its length tells less. Pure arithmetic.
 */
#pragma once

#include <stdint.h>

/* Padmé (Nikitin et al., PURBs, PETS 2019): len rounded up so that at most O(log log len) bits
 * of it are left to see, at most 12 % more. 0 and 1 stay. len up to 2^62. */
uint64_t ehp_pad_padme(uint64_t len);
/* len rounded up to a multiple of step (> 0); 0 becomes one step. len up to 2^62. */
uint64_t ehp_pad_step(uint64_t len, uint64_t step);
/* What the sealed bytes of a transfer are padded to: Padmé up to EHP_PAD_TRANSFER_MAX, above it
 * unchanged. */
uint64_t ehp_pad_transfer(uint64_t len);
