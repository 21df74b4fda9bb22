/* SPDX-License-Identifier: Apache-2.0
 *
 * What is particular to a type of resource: what it is called, and what must be said of it.
 */
#pragma once

#include "lib/record/item.h"

/* Fills in what, code, absence and facts. *unsafe is set when something it rests on has a
 * modifier. */
void erec_item_take_facts(ErecReading *reading, ErecItem *item, const ErecNode *resource,
                          gboolean *unsafe);

/* Somebody else than the person of the file, in the file or not: a fact, and the standing. */
void erec_item_take_subject(ErecReading *reading, ErecItem *item, const ErecNode *resource);
/* Of what is particular to a medicine; to one of the rarer types. */
void erec_item_take_medicine(ErecReading *reading, ErecItem *item, const ErecNode *resource,
                             gboolean *unsafe);
/* What ended before the record was written is over, whatever it is called. */
void erec_item_take_end(const ErecReading *reading, ErecItem *item, const char *end);
void erec_item_take_kind(ErecReading *reading, ErecItem *item, const ErecNode *resource);
/* FALSE: a type of which not all is shown. */
gboolean erec_item_is_shown_whole(const char *type);
/* All concepts at a path as one fact; name[x]. */
void erec_item_add_concepts(ErecReading *reading, ErecItem *item, const ErecNode *resource,
                            const char *path, const char *label);
void erec_item_add_choice(ErecReading *reading, ErecItem *item, const ErecNode *node,
                          const char *name, const char *label);
