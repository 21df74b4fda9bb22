/* SPDX-License-Identifier: Apache-2.0
 *
 * An author's narrative (XHTML that somebody else chose) as text, or as markup from which
 * everything that acts or loads is gone.
 *
 * An allow-list: elements of simple text, and of their attributes only the span of a table's
 * cell, language, direction and "struck through". No link, no address, no style, no picture. No
 * entity is ever expanded but those that are one character. What is not allowed loses its tag
 * and keeps its text; what runs or embeds (script, style, object, svg…) loses its content too,
 * and that is said.
 */
#pragma once

#include <glib.h>

/* Balanced markup, to be put inside a block element; transfer full. *left_out (nullable) is set
 * when content was dropped. */
char *erec_narrative_html(const char *xhtml, gboolean *left_out);
/* Lines of text; cells of a table with " | " between them; transfer full. Not yet safe for a
 * terminal: erec_shown_lines(). */
char *erec_narrative_text(const char *xhtml, gboolean *left_out);
