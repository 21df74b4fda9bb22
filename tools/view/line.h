/* SPDX-License-Identifier: Apache-2.0
 *
 * ViewLine: one paragraph, of words of ours and of the record's, which stay told apart up to
 * the screen: only the record's are isolated, made harmless and marked as of another language.
 */
#pragma once

#include <glib.h>

typedef struct {
    char *text; /* owned, harmless */
    char *lang; /* owned, nullable: of the record's words */
    gboolean theirs;
    gboolean strong;
} ViewSpan;

typedef GArray ViewLine; /* of ViewSpan */

ViewLine *view_line_new(void);
void view_line_free(ViewLine *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViewLine, view_line_free)
/* Each returns self. Spans follow each other without a space between them. */
ViewLine *view_line_ours(ViewLine *self, const char *text);
ViewLine *view_line_strong(ViewLine *self, const char *text);
ViewLine *view_line_theirs(ViewLine *self, const char *text, const char *lang);
/* The same in strong type. */
ViewLine *view_line_theirs_strong(ViewLine *self, const char *text, const char *lang);
