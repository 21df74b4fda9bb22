/* SPDX-License-Identifier: Apache-2.0
 *
 * ViewPage: where records are shown: a terminal (text.c) or a page (html.c). What is said, and
 * in which order, is decided in one place for both: show.c and entries.c.
 */
#pragma once

#include "tools/view/line.h"
#include "tools/view/record.h"

typedef enum {
    VIEW_PLAIN,
    VIEW_BANNER,
    VIEW_WARNING,
    VIEW_ITEM,   /* an entry; `depth` 0 or deeper */
    VIEW_DETAIL, /* of the entry before, of the same depth */
} ViewKind;

/* Where a narrative belongs: to a section or to the entry before; `HERE`: it is all that there
 * is, and must be seen; else one key away will do. */
typedef enum {
    VIEW_OF_SECTION = 0,
    VIEW_OF_ENTRY = 1,
    VIEW_HERE = 2,
} ViewPlace;

typedef struct ViewPage ViewPage;

typedef struct {
    /* level 1: a record; 2: a section; 3: a group of entries */
    void (*heading)(ViewPage *self, guint level, const ViewLine *line);
    void (*line)(ViewPage *self, ViewKind kind, guint depth, const ViewLine *line);
    /* The author's own text, about `title`. */
    void (*narrative)(ViewPage *self, const ViewLine *title, const char *xhtml,
                      const char *language, ViewPlace place);
    /* A small picture of the file, where there can be one; FALSE when that failed. */
    gboolean (*picture)(ViewPage *self, const ViewRecord *record);
    void (*free)(ViewPage *self);
} ViewPageClass;

struct ViewPage {
    const ViewPageClass *class;
    const char *language; /* the reader's, nullable; borrowed */
    const ErecReport *report; /* of the record that is shown; borrowed */
};

static inline void
view_page_free(ViewPage *self)
{
    if (self != NULL)
        self->class->free(self);
}
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ViewPage, view_page_free)

/* Prints to stdout, as wide as the terminal. `narratives`: the authors' texts too. */
ViewPage *view_text_new(const char *language, gboolean narratives);
/* Collects; view_html_write() writes it. */
ViewPage *view_html_new(const char *language);
/* Replaces `path` as a whole or not at all. Once. */
gboolean view_html_write(ViewPage *self, const char *path, GError **error);

/* The sections of a summary, and whom it is about; the report says which entries are signed. */
void view_entries(ViewPage *page, const ErecSummary *summary, const ErecReport *report);
