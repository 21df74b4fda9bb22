/* SPDX-License-Identifier: Apache-2.0
 *
 * What a stranger sent, made fit for a directory or a screen.
 */
#pragma once

#include <glib.h>

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * EHRLINK_SAFE_NAME_MAX:
 *
 * Longest result of ehrlink_safe_name() in bytes, suffix included.
 */
#define EHRLINK_SAFE_NAME_MAX 255

/**
 * ehrlink_safe_name:
 * @name: (nullable): a file name as a peer sent it, any bytes
 * @number: 0 or 1 for the name itself, from 2 on for the second and later of the same name
 *
 * Makes a name under which a received item can be created in a directory. The result is one
 * path component of valid UTF-8: of @name only what follows the last slash or backslash counts;
 * control, bidirectional, invisible and unassigned characters vanish; what Windows forbids
 * (`<>:"|?*`, trailing dots and spaces) and invalid bytes become `_`; leading dots, dashes and
 * spaces go; names that Windows reserves (CON, NUL, COM1 …) get a `_` in front; it is never
 * empty ("item"); and cut to %EHRLINK_SAFE_NAME_MAX bytes at a character, keeping a short
 * extension. From @number 2 on, " (@number)" stands before the extension. The same input gives
 * the same output, and a result put in again (with @number 0) comes out unchanged.
 *
 * Returns: (transfer full): the safe name
 */
char *ehrlink_safe_name(const char *name, guint number);

/**
 * ehrlink_safe_text:
 * @text: (nullable): text as a peer sent it, any bytes
 * @max_chars: longest result in characters; 0 for no limit
 *
 * Makes one line of text that can be shown on a terminal or in a label without changing what
 * stands around it: valid UTF-8, no control, escape, bidirectional or invisible characters,
 * line breaks as spaces; what is cut ends with "…". It is not escaped for markup.
 *
 * Returns: (transfer full): the safe text
 */
char *ehrlink_safe_text(const char *text, guint max_chars);

#pragma GCC visibility pop
G_END_DECLS
