/* SPDX-License-Identifier: Apache-2.0
 *
 * What FHIR in XML says of itself, element by element: of a document its Composition, of a
 * single resource that. Inside of xml-header.c.
 */
#pragma once

#include "lib/record/describe.h"

typedef struct {
    ErecDescription *description; /* borrowed */
    gboolean chosen, mine;        /* what is described was found; we are in it */
    gboolean is_person;           /* it is a Patient: all of its words are the patient's */
    char *full_url;               /* owned: of the entry that we are in */
    GPtrArray *authors;           /* owned, of references */
    guint by_patient;             /* of them */
    char *custodian;              /* owned, a reference */
    char *custodian_name;         /* owned */
    char *title, *words,
        *display;        /* owned: of which the first that there is becomes the title */
    char *system, *code; /* owned */
    guint codings;
    guint date_rank;
} ErecXmlFhir;

void erec_xml_fhir_init(ErecXmlFhir *self, ErecDescription *description);
void erec_xml_fhir_clear(ErecXmlFhir *self);
/* An element begins; `path` is "/Bundle/entry/resource/Patient/name", `value` its attribute of
 * that name, nullable. */
void erec_xml_fhir_element(ErecXmlFhir *self, const char *path, const char *value);
/* There is no more: fills in the description. */
void erec_xml_fhir_end(ErecXmlFhir *self);
