/* SPDX-License-Identifier: Apache-2.0
 *
 * What a JSON string says, once the scanner has found it sound.
 */
#pragma once

#include <glib.h>

/* From `in` up to `end` (without the quotes, as ErecScanner accepted it) to `out`, which may be
 * `in` itself and has room for the NUL; never longer than what was written. Returns the bytes
 * without the NUL. */
gsize erec_unescape(const char *in, const char *end, char *out);
