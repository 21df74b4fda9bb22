/* SPDX-License-Identifier: Apache-2.0
 *
 * One resource as an ErecItem: inside lib/record, for summary.c.
 */
#pragma once

#include "lib/record/summary.h"

enum {
    EREC_SHOWN = 1,  /* somewhere, at least once */
    EREC_OPEN = 2,   /* being shown: what is part of it is looked for */
    EREC_UNREAD = 4, /* it cannot be read */
};

typedef struct {
    const ErecBundle *bundle;
    const char *language; /* the reader's, nullable */
    char *own_language;   /* owned, nullable: of the document */
    const char *date;     /* nullable: when the content of the whole was true */
    gint patient;         /* index of the Patient it is about; -1: none */
    GPtrArray *called; /* owned, of char: erec_item_stranger() of references to that person */
    gboolean unsafe;   /* the whole has a modifier */
    gboolean in_error; /* the whole is withdrawn */
    guint8 *shown;     /* owned, by entry: EREC_SHOWN, EREC_OPEN */
    guint32 *listed;   /* owned, by entry: the last section that lists it */
    guint32 section;   /* number of this section */
    guint64 again;     /* bytes of entries that may still be shown another time */
    char **names;      /* owned, by entry: what it is called when something points to it */
    guint8 *named;     /* owned, by entry: bit 0: names[] is known, bit 1: it has a modifier */
    guint unread;
} ErecReading;

/* The entry's item with its children, all then `shown`; NULL when it cannot be read (counted),
 * or when it was shown and there is no room to show it again. */
ErecItem *erec_item_new(ErecReading *reading, guint index);
/* What tells somebody who is no entry of the file from others: an address, else a number, else
 * a name; of one who is contained in the resource, what is said there. Transfer full; NULL:
 * none. */
char *erec_item_stranger(const ErecNode *resource, const ErecNode *reference);
void erec_item_free(ErecItem *self);

/* Whether there is a modifier that changes its meaning anywhere in it. None is known to us. */
gboolean erec_has_modifier(const ErecNode *resource);
/* What the Reference at `reference` points to is called: a medicine, a device, a person, an
 * organisation; else its display; transfer full, nullable. *unsafe (nullable) is set when that
 * has a modifier. */
char *erec_name_of(ErecReading *reading, guint from, const ErecNode *resource,
                   const ErecNode *reference, gboolean *unsafe);
/* Adds to an array of ErecFact; takes `text`; nothing for NULL. */
void erec_fact_text(GArray *facts, const char *label, char *text);
void erec_fact_word(GArray *facts, const char *label, const char *word);
GArray *erec_facts_new(void);
/* The resource's language, else that of the whole; transfer full, nullable. */
char *erec_language_of(const ErecReading *reading, const ErecNode *resource);
