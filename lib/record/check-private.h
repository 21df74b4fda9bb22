/* SPDX-License-Identifier: Apache-2.0
 *
 * What the parts of a check share.
 */
#pragma once

#include "lib/record/category.h"
#include "lib/record/check.h"
#include "lib/record/signature.h"

typedef struct {
    const ErecBundle *bundle; /* borrowed */
    const ErecDescription *description;
    ErecReport *report;
    gboolean is_document;
    /* of the entry that is looked at */
    guint index;
    const ErecTree *tree;     /* of the resource */
    const ErecNode *resource; /* its root */
    /* "is part of" between entries, for loops: pairs of indices */
    GArray *parts; /* owned, of ErecPart */
    gboolean has_signature;
    ErecSigning signing;
    /* of a laboratory report */
    char *composition_identifier, *report_identifier; /* owned */
} ErecCheck;

typedef struct {
    guint from, to;
} ErecPart;

/* A finding about a node of the present entry. */
void erec_check_say(ErecCheck *check, ErecRule rule, const ErecNode *node, const char *detail);
/* Whether an element is there: a value, or an extension in its place ("_status"). */
gboolean erec_check_has(const ErecNode *object, const char *name);
/* The same; "effective[x]" is any of a choice. */
gboolean erec_check_has_element(const ErecNode *resource, const char *name);

void erec_check_bundle(ErecCheck *check); /* the bundle itself, before its entries */
void erec_check_entry(ErecCheck *check,
                      const ErecNode *entry); /* the entry object around a resource */
void erec_check_resource(ErecCheck *check);   /* any resource */
void
erec_check_values(ErecCheck *check);   /* its values: dates, choices, references, narratives */
void erec_check_ips(ErecCheck *check); /* an entry of a patient summary */
void erec_check_ips_whole(ErecCheck *check); /* after the last entry */
void erec_check_category(ErecCheck *check);  /* an entry, by the category of the record */
void erec_check_category_whole(ErecCheck *check);
void erec_check_loops(ErecCheck *check);
void erec_check_signature(ErecCheck *check); /* of a Provenance */
/* That a file which is not looked into has a signature. */
void erec_check_other_signature(ErecSource *source, ErecKind kind, ErecReport *report);
/* Bundle.signature; `tree` NULL when it cannot be read. */
void erec_check_bundle_signature(ErecCheck *check, const ErecTree *tree);
