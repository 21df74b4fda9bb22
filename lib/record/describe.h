/* SPDX-License-Identifier: Apache-2.0
 *
 * ErecDescription: what a manifest may say of a file, found in its content. Never a patient's
 * name: a title that has a word of it is dropped.
 */
#pragma once

#include "lib/record/bundle.h"
#include "lib/record/date.h"
#include "lib/record/kind.h"
#include "lib/record/names.h"

typedef struct {
    ErecKind kind;
    const char *media_type; /* static */
    const char *form; /* static: "document", "collection", "transaction", "searchset", "bundle"
                         (any other), "resource"; NULL: not FHIR JSON */
    const char *fhir_version; /* static: "4", or by the hints in it "3" (STU3), "2" (DSTU2);
                                 NULL: not FHIR JSON */
    const char *category;     /* static, code of categories.def; never NULL */
    char *title;              /* owned, NULL: none without a name in it */
    char *date;               /* owned, FHIR date or dateTime */
    ErecDateKind date_kind;
    char *type_code; /* owned, "system|code" */
    char *author;    /* owned: the authoring organisation */
    gboolean patient_entered;
    gboolean is_ips;  /* a document whose type is the patient summary */
    ErecFault fault;  /* why it cannot be looked into; it is carried all the same */
    ErecNames *names; /* owned: of the patient, to be kept out of what is said beside it */
} ErecDescription;

/* Looks at the bytes; nothing of it fails: what is not known is opaque. */
void erec_describe(ErecSource *source, ErecDescription *description);
/* The same; *bundle (transfer full) becomes the index of a FHIR file for whoever goes on with
 * it, NULL for any other. */
void erec_describe_and_index(ErecSource *source, ErecDescription *description,
                             ErecBundle **bundle);
/* The same of an index that is there already, without the checks of what a manifest has room
 * for. */
void erec_describe_bundle(const ErecBundle *bundle, ErecDescription *description);
void erec_description_clear(ErecDescription *description);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ErecDescription, erec_description_clear)
