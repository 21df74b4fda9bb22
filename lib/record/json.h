/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecTree: one entry (a resource, or any JSON value) as an immutable tree whose nodes know the
 * exact bytes they came from.
 *
 * Every node has `text`, decoded and NUL-terminated (of an object or array: empty), and a slice
 * of the source: what a cut copies, byte for byte. Duplicate members are a fault, so that two
 * readers of the same bytes cannot see two contents. All getters take NULL for a node and
 * answer NULL, 0 or FALSE, so that look-ups can be chained.
 */
#pragma once

#include "lib/record/bounds.h"
#include "lib/record/source.h"

typedef enum {
    EREC_OBJECT,
    EREC_ARRAY,
    EREC_STRING,
    EREC_NUMBER,
    EREC_TRUE,
    EREC_FALSE,
    EREC_NULL,
} ErecType;

typedef struct ErecTree ErecTree;
typedef struct ErecNode ErecNode;

/* Borrowed from the tree, all of it. Read only. */
struct ErecNode {
    const char *key;  /* decoded name in its object; NULL for an element, and for the root */
    const char *text; /* decoded string; number, true, false, null as written; "" for object and
                         array */
    const ErecNode *parent; /* NULL for the root */
    const ErecNode *first;  /* first member or element */
    const ErecNode *next;   /* next of the same parent */
    guint32 offset;         /* of the value within the slice that the tree was made of */
    guint32 length;         /* in bytes of the source, quotes included */
    guint32 key_offset;     /* of the name's opening quote; 0 without a key */
    guint32 size;           /* members or elements; of a string its decoded bytes */
    guint8 type;            /* ErecType */
};

/* Parses `slice` (kept), which begins at `origin` of its file. NULL and a fault, its offset
 * being that of the file. */
ErecTree *erec_tree_new(GBytes *slice, guint64 origin, ErecFault *fault);
/* The same of a part of a source. */
ErecTree *erec_tree_load(ErecSource *source, guint64 offset, guint64 length, ErecFault *fault);
void erec_tree_free(ErecTree *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecTree, erec_tree_free)

const ErecNode *erec_tree_root(const ErecTree *self);
guint64 erec_tree_origin(const ErecTree *self);
/* The bytes that the tree was made of, as they are in the file; borrowed. */
const char *erec_tree_bytes(const ErecTree *self, gsize *length);
/* The exact bytes of a node's value; borrowed from the tree, not NUL-terminated, `node->length`
 * of them. */
const char *erec_tree_slice(const ErecTree *self, const ErecNode *node);

/* Follows member names with dots between them: "code.coding.system". Where a step meets an
 * array it goes on in its first element. NULL where there is nothing. */
const ErecNode *erec_get(const ErecNode *node, const char *path);
/* The member of exactly that name; NULL for anything but an object that has it. */
const ErecNode *erec_member(const ErecNode *node, const char *key);
/* Decoded text at the path if it is a string, number or boolean; NULL else. */
const char *erec_text(const ErecNode *node, const char *path);
gboolean erec_text_is(const ErecNode *node, const char *path, const char *value);
/* The elements of an array at the path, else the value itself as the only one: for loops,
 * `for (n = erec_each(node, "code.coding"); n != NULL; n = erec_each_next(n))`. With the path
 * "" the node must be an array. */
const ErecNode *erec_each(const ErecNode *node, const char *path);
const ErecNode *erec_each_next(const ErecNode *node);
/* FHIR's name[x]: the member whose name is `name` and a type ("valueQuantity"), without
 * primitive extensions ("_value…"). *n_found (nullable) counts them: more than one is an error
 * of the record. */
const ErecNode *erec_choice(const ErecNode *node, const char *name, guint *n_found);
/* Whether a CodeableConcept, a Coding, or an array of either at the path has this coding;
 * system NULL for any. */
gboolean erec_has_code(const ErecNode *node, const char *path, const char *system,
                       const char *code);

/* Calls for every node below and with `node`, in document order; `each` answers whether to go
 * on below it. */
typedef gboolean (*ErecVisit)(const ErecNode *node, gpointer user_data);
void erec_visit(const ErecNode *node, ErecVisit each, gpointer user_data);
/* FHIRPath-like address of a node in its tree, "Observation.component[1].code", for people;
 * transfer full. */
char *erec_node_path(const ErecNode *node);
