/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* True when the bytes are UTF-8 by RFC 3629 (no overlong form, no surrogate, nothing above
 * U+10FFFF) without U+0000. Says nothing about control or bidirectional characters. */
bool ehp_utf8_valid(const uint8_t *data, size_t len);
