/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecBundle: the index of a FHIR JSON file: where its entries are, in one pass and without
 * keeping them. Of each entry the offsets, fullUrl, type and id stay in memory; its content is
 * loaded when it is looked at (erec_bundle_load()) and freed again, so that memory follows the
 * largest entry. A single resource is a bundle of one entry without a fullUrl.
 *
 * The index has seen the syntax of every byte; duplicate members inside an entry are found when
 * that entry is loaded.
 */
#pragma once

#include "lib/record/json.h"

typedef struct ErecBundle ErecBundle;

/* Borrowed from the bundle. Texts are NULL when absent or longer than EREC_URL_MAX. */
typedef struct {
    const char *full_url;
    const char *type; /* resourceType, NULL for an entry without a resource */
    const char *id;   /* Resource.id */
    guint64 offset,
        length; /* the entry object, fullUrl and all; of a single resource: the resource */
    guint64 resource, resource_length; /* the resource; length 0 when there is none */
} ErecEntry;

/* A member of the Bundle itself other than "entry" (type, identifier, meta, signature…), in
 * order. */
typedef struct {
    const char *key;
    guint64 key_offset;     /* of its opening quote */
    guint64 offset, length; /* of the value */
} ErecMember;

/* Keeps a reference to the source. NULL and a fault when it is not well-formed JSON, or not a
 * FHIR resource. */
ErecBundle *erec_bundle_new(ErecSource *source, ErecFault *fault);
void erec_bundle_free(ErecBundle *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecBundle, erec_bundle_free)

ErecSource *erec_bundle_source(const ErecBundle *self);
/* FALSE: a single resource. */
gboolean erec_bundle_is_bundle(const ErecBundle *self);
/* Bundle.type, "document"; NULL when it is a single resource or says nothing. */
const char *erec_bundle_type(const ErecBundle *self);

guint erec_bundle_n_entries(const ErecBundle *self);
const ErecEntry *erec_bundle_entry(const ErecBundle *self, guint index);
/* The "entry" array with its brackets; FALSE when there is none. */
gboolean erec_bundle_entries_slice(const ErecBundle *self, guint64 *offset, guint64 *length);

guint erec_bundle_n_members(const ErecBundle *self);
const ErecMember *erec_bundle_member(const ErecBundle *self, guint index);
/* The tree of one member of the Bundle itself (of a single resource: one of its own); when it
 * is absent NULL and EREC_FAULT_OK. */
ErecTree *erec_bundle_load_member(const ErecBundle *self, const char *key, ErecFault *fault);

/* The tree of an entry's resource (its root is the resource), or of the whole entry object. */
ErecTree *erec_bundle_load(const ErecBundle *self, guint index, ErecFault *fault);
ErecTree *erec_bundle_load_entry(const ErecBundle *self, guint index, ErecFault *fault);

/* Index of the first entry of that resource type at or after `from`; -1 when there is none. */
gint erec_bundle_find_type(const ErecBundle *self, const char *type, guint from);

/* How many entries have exactly this fullUrl (2 stands for more); *index is the first of them.
 */
guint erec_bundle_find_url(const ErecBundle *self, const char *url, guint *index);
/* The first entry with that type and id. */
gboolean erec_bundle_find_id(const ErecBundle *self, const char *type, const char *id,
                             guint *index);

typedef enum {
    EREC_RESOLVE_NONE,  /* to nothing here */
    EREC_RESOLVE_ENTRY, /* by FHIR's rules: fullUrl, or relative to the base of the entry's own
                           fullUrl */
    EREC_RESOLVE_BY_ID, /* only type and id agree: what many real bundles mean, not what FHIR
                           says */
    EREC_RESOLVE_CONTAINED, /* "#id": within the same resource; *index is that entry itself */
    EREC_RESOLVE_AMBIGUOUS, /* several entries have that fullUrl; *index is the first */
} ErecResolve;

/* What `reference` (as in Reference.reference) in entry `from` points to. Versions ("|1.0",
 * "/_history/2") are passed over. EREC_RESOLVE_CONTAINED only says what kind it is: see
 * erec_contained(). */
ErecResolve erec_bundle_resolve(const ErecBundle *self, guint from, const char *reference,
                                guint *index);
/* The contained resource of that "#id" (or id) in a resource's tree; NULL when there is none.
 */
const ErecNode *erec_contained(const ErecNode *resource, const char *reference);

/* Calls for every Reference.reference below a resource, contained ones included; `node` is the
 * string. */
typedef void (*ErecOnReference)(const ErecNode *node, gpointer user_data);
void erec_each_reference(const ErecNode *resource, ErecOnReference each, gpointer user_data);
