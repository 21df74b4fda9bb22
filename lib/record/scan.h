/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecScanner: JSON (RFC 8259) as a sequence of tokens with the bytes they have in the file. It
 * keeps nothing but a window, so that a file of any size is scanned in constant memory, and it
 * changes nothing: numbers and strings stay as written.
 *
 * It is strict (UTF-8, escapes, surrogates, numbers, nesting), and every departure is a named
 * fault at an offset. It does not see duplicate members: that takes memory per object, and is
 * the tree's (json.h) and the index's (bundle.h) to find.
 */
#pragma once

#include "lib/record/bounds.h"
#include "lib/record/source.h"

typedef enum {
    EREC_TOKEN_OBJECT,     /* { */
    EREC_TOKEN_ARRAY,      /* [ */
    EREC_TOKEN_END_OBJECT, /* } */
    EREC_TOKEN_END_ARRAY,  /* ] */
    EREC_TOKEN_KEY,        /* with its quotes, the colon behind it is eaten */
    EREC_TOKEN_STRING,     /* with its quotes */
    EREC_TOKEN_NUMBER,
    EREC_TOKEN_TRUE,
    EREC_TOKEN_FALSE,
    EREC_TOKEN_NULL,
    EREC_TOKEN_END,   /* of the whole document, and nothing follows */
    EREC_TOKEN_FAULT, /* see erec_scanner_fault(); comes again for ever */
} ErecTokenKind;

typedef struct {
    ErecTokenKind kind;
    guint64 offset; /* of its first byte in the file */
    guint64 length; /* in bytes of the file */
    guint depth; /* containers around it: 0 for the document itself, and for its closing bracket
                  */
    gboolean escaped; /* a string with a backslash in it */
    const char *text; /* keys, and captured strings: raw, without quotes, NUL-terminated; until
                         the next call */
} ErecToken;

/* On the stack or inside another struct; all fields are private. */
typedef struct {
    ErecSource *source;     /* borrowed, NULL over memory */
    const guchar *at, *end; /* what is left of the window */
    guint64 window_end;     /* offset in the file of `end` */
    guchar *window;         /* owned, NULL over memory */
    int expect;
    guint depth;
    guint64 is_object[EREC_DEPTH_MAX / 64];
    gboolean capture;
    gsize text_length;
    gboolean text_overflow;
    char text[EREC_KEY_MAX + 1];
    ErecFault fault;
} ErecScanner;

/* Over a whole source, which must stay; a UTF-8 byte order mark at its start is passed over. */
void erec_scanner_init(ErecScanner *self, ErecSource *source);
/* Over bytes in memory, which must stay; `origin` is where they begin in the file. Keys get no
 * text: the caller has them. */
void erec_scanner_init_memory(ErecScanner *self, const void *bytes, gsize length,
                              guint64 origin);
void erec_scanner_clear(ErecScanner *self);

/* The next string gets its text, if it is a value of at most EREC_KEY_MAX bytes; NULL for a
 * longer one. */
void erec_scanner_capture(ErecScanner *self);
ErecTokenKind erec_scanner_next(ErecScanner *self, ErecToken *token);
/* After a token that begins an object or array: everything up to and with its end. FALSE after
 * a fault. */
gboolean erec_scanner_skip(ErecScanner *self, ErecToken *token);
const ErecFault *erec_scanner_fault(const ErecScanner *self);
