/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecIndex: a folder of records, so that a question is answered without opening them. What was
 * found in a file is kept in one private file (0600) beside others of its kind, and found anew
 * when size or time of the file changed: no service, nothing to be started or stopped.
 */
#pragma once

#include "lib/record/describe.h"

typedef enum {
    EREC_MARK_SUPERSEDED = 1 << 0, /* a later version, or what replaces it, is there too */
    EREC_MARK_AMENDED = 1 << 1,    /* says itself that it was changed after it was final */
    EREC_MARK_ERROR = 1 << 2,      /* says itself that it was entered in error */
} ErecMark;

/* Borrowed from the index. Texts are NULL when the record does not say. */
typedef struct {
    const char *path; /* below the folder, bytes of a file name */
    guint64 size;
    const char *category;   /* static, never NULL */
    const char *title;      /* never with a word of a name */
    const char *date;       /* FHIR date or dateTime */
    ErecDateKind date_kind; /* which of its dates that is */
    const char *type_code;  /* "system|code" */
    const char *identifier; /* of the document, or its fullUrl */
    gboolean is_document;   /* can be cut */
    guint marks;            /* of ErecMark */
} ErecIndexed;

typedef struct ErecIndex ErecIndex;

/* Looks at the folder (regular files, not hidden ones, folders within it, no links) and at what
 * is new or changed in it. `cache`: the file to keep it in (NULL: nowhere); one that is not
 * sound is made anew. Blocks. NULL and a GError of G_IO_ERROR when the folder cannot be read.
 */
ErecIndex *erec_index_new(const char *folder, const char *cache, GError **error);
void erec_index_free(ErecIndex *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecIndex, erec_index_free)

/* The place for a folder's index among the user's private files; transfer full. */
char *erec_index_cache_path(const char *folder);
/* Newest first, undated ones last. */
guint erec_index_n(const ErecIndex *self);
const ErecIndexed *erec_index_get(const ErecIndex *self, guint index);
/* Files that were opened this time. */
guint erec_index_n_looked(const ErecIndex *self);

/* What is asked for, in the words of PROTOCOL.md 8.2; each may be NULL or 0. */
typedef struct {
    const char *const *categories;
    const char *type;          /* "system|code" */
    const char *since, *until; /* FHIR dates */
    guint last;
    const char *const *ids;
    gboolean exact; /* a category only if it is known: not "other" with every question */
} ErecQuery;

/* chosen[i] of erec_index_n(): was TRUE, and fits one of the queries. */
void erec_index_select(const ErecIndex *self, const ErecQuery *queries, guint n_queries,
                       gboolean *chosen);
