/* SPDX-License-Identifier: Apache-2.0
 *
 * Text from a record, made harmless for a screen or a page, and nothing of it lost: what could
 * act (control characters, overrides of the writing direction, invisible tags) becomes a
 * visible U+FFFD; white space becomes one space; letters of any script stay.
 */
#pragma once

#include <glib.h>

/* One line; transfer full. NULL gives "". Writing-direction marks and isolates stay, and are
 * balanced, so that none of them reaches beyond the text. */
char *erec_shown_new(const char *text);
/* The same, but a newline stays one: for a narrative's text. */
char *erec_shown_lines(const char *text);
/* A part of what erec_shown_new() gave, cut at a line's end: balanced again, and between FSI
 * and PDI if `isolate`. Appended to `out`. */
void erec_shown_part(GString *out, const char *part, gsize length, gboolean isolate);
/* A single character: itself, or U+FFFD for what must not reach a page. Isolates stay: for text
 * in a block of its own, which they cannot leave. */
gunichar erec_shown_char(gunichar c);
/* Cells that a character takes on a terminal: 0, 1 or 2. */
guint erec_shown_cells(gunichar c);
