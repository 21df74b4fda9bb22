/* SPDX-License-Identifier: Apache-2.0
 *
 * Whom a FHIR file is about. A mother, a donor or a relative may be in it too, and first: what
 * a document says of itself counts, then what its entries say.
 */
#pragma once

#include "lib/record/bundle.h"

typedef struct {
    gint entry;              /* of the Patient; -1: it is no entry of its own */
    ErecTree *tree;          /* owned; NULL: nobody is named, or the entry cannot be read */
    const ErecNode *patient; /* in the tree: a Patient; NULL: it is not in the file */
    gboolean guessed; /* the record names somebody who is not in the file: this is who is */
    const ErecNode
        *reference; /* in the tree: the Reference to who is not in the file; nullable */
} ErecSubject;

/* Several versions of one entry are no several entries there; the newest comes first. */
gboolean erec_is_history(const ErecBundle *bundle);
void erec_subject_find(const ErecBundle *bundle, ErecSubject *subject);
void erec_subject_clear(ErecSubject *subject);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ErecSubject, erec_subject_clear)

/* Indices (guint) of the Patients whom the entries of a file are about, that of
 * erec_subject_find() first; of a document only that one, for others in it are there for its
 * sake. Transfer full. */
GArray *erec_subject_all(const ErecBundle *bundle);

/* The Reference of a resource to whom it is about (subject or patient); nullable. */
const ErecNode *erec_subject_of(const ErecNode *resource);
