/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tokenizer (narrative.c) tells the two that write: allowed elements, balanced, and
 * text.
 */
#pragma once

#include "lib/record/narrative.h"

typedef enum {
    EREC_TAG_NONE,
#define ELEMENT(name, out, shape) EREC_TAG_##name,
#include "lib/record/elements.def"
#undef ELEMENT
    EREC_N_TAGS,
} ErecTag;

typedef enum {
    EREC_SHAPE_INLINE,
    EREC_SHAPE_BLOCK,
    EREC_SHAPE_ITEM, /* of a list */
    EREC_SHAPE_ROW,
    EREC_SHAPE_CELL,
    EREC_SHAPE_PRE,
    EREC_SHAPE_VOID, /* br, hr, col: no content */
} ErecShape;

/* Empty texts and 0 when there is none. */
typedef struct {
    guint colspan, rowspan;
    char lang[36]; /* letters, digits, "-" */
    char dir[5];   /* "ltr", "rtl", "auto" */
    gboolean struck;
} ErecAttributes;

typedef struct {
    void (*start)(ErecTag tag, const ErecAttributes *attributes, gpointer user_data);
    void (*end)(ErecTag tag, gpointer user_data); /* never of a void element */
    void (*text)(gunichar c, gpointer user_data);
} ErecNarrativeSink;

void erec_narrative_read(const char *xhtml, const ErecNarrativeSink *sink, gpointer user_data,
                         gboolean *left_out);
/* What it is called in the page. */
const char *erec_tag_out(ErecTag tag);
ErecShape erec_tag_shape(ErecTag tag);
