/* SPDX-License-Identifier: Apache-2.0
 *
 * What bundle.c (questions to an index) and bundle-index.c (the pass that makes it) share.
 */
#pragma once

#include "lib/record/bundle.h"

struct ErecBundle {
    ErecSource *source;  /* owned */
    GStringChunk *texts; /* owned */
    gsize texts_size;
    GArray *entries; /* owned, of ErecEntry */
    GArray *members; /* owned, of ErecMember */
    guint *by_url;   /* owned: entries with a fullUrl, sorted */
    guint *by_id;    /* owned: entries with type and id, sorted */
    guint n_by_url, n_by_id;
    const char *resource_type, *id, *type; /* of the top object; type only if it is a string */
    gboolean is_bundle;
    guint64 top, top_length;
    guint64 entries_at, entries_length;
};

/* The pass over self->source: fills texts, entries, members and what is said of the top object,
 * not the sorted tables. FALSE and a fault when it is not a FHIR resource. */
gboolean erec_bundle_index(ErecBundle *self, ErecFault *fault);
/* NULL when the top object has no such member, and for "entry". */
const ErecMember *erec_bundle_find_member(const ErecBundle *self, const char *key);
