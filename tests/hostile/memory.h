/* SPDX-License-Identifier: Apache-2.0
 *
 * What the engine allocates, counted: malloc and its like are wrapped by the linker in the
 * objects of the test and of the engine (not inside libzstd, whose contexts the engine makes
 * once).
 */
#pragma once

#include <stddef.h>

size_t memory_now(void);
/* The highest since memory_reset(). */
size_t memory_peak(void);
void memory_reset(void);
