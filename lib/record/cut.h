/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecCut: a patient's choice inside a document (a patient summary): sections or single entries
 * left out. What comes out is a new document made of byte-exact slices of the old one: nothing
 * is parsed and written again, so that decimals, order and unknown members stay as they were.
 *
 * With what is left out go: resources that nothing refers to any more; references to it, and
 * the reasons, notes and conclusions of the resources that had them or that use a word of it;
 * every narrative that tells of it (made anew from what remains); attester, signature,
 * relations to other documents, provenance; the old identifier. A required section that becomes
 * empty says `unavailable`, another one disappears. No date is changed.
 */
#pragma once

#include "lib/record/bundle.h"

/* All borrowed, NULL-terminated, each may be NULL. A section is named by its code or its title.
 */
typedef struct {
    const char *const *sections;   /* left out whole */
    const char *const *entries;    /* left out: fullUrl, or "Type/id" */
    const char *const *categories; /* left out: entries of these categories of categories.def */
    const char *const *texts; /* kept although they are text alone, which nobody can cut; "*":
                                 all of them */
} ErecCutChoice;

typedef enum {
    EREC_CUT_DONE,
    EREC_CUT_NOTHING,      /* nothing of the choice is in it: there is nothing to write */
    EREC_CUT_NOT_DOCUMENT, /* not a FHIR document: only its whole can be left out */
    EREC_CUT_UNSOUND,      /* see erec_cut_fault() */
    EREC_CUT_UNDECIDED,    /* sections of text alone, neither left out nor kept: see
                              erec_cut_names() */
    EREC_CUT_NEEDED,       /* a document cannot be without it: see erec_cut_names() */
} ErecCutVerdict;

typedef struct ErecCut ErecCut;

/* Never NULL; refers to the bundle, which must stay. `identifier` ("urn:uuid:…") becomes that
 * of the new document. Memory follows the largest entry, and the number of places that change.
 */
ErecCut *erec_cut_new(const ErecBundle *bundle, const ErecCutChoice *choice,
                      const char *identifier);
void erec_cut_free(ErecCut *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(ErecCut, erec_cut_free)

ErecCutVerdict erec_cut_verdict(const ErecCut *self);
const ErecFault *erec_cut_fault(const ErecCut *self);
/* Of UNDECIDED the codes or titles of the sections, of NEEDED the fullUrl; NULL-terminated. */
const char *const *erec_cut_names(const ErecCut *self);
/* Writes the new document; only of EREC_CUT_DONE. */
gboolean erec_cut_write(const ErecCut *self, GOutputStream *out, GError **error);
/* Whether the entry of that index is in the new document; of EREC_CUT_DONE. */
gboolean erec_cut_has_entry(const ErecCut *self, guint index);
