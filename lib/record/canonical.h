/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR's canonical JSON, which signatures are over (http://hl7.org/fhir/canonicalization/json):
 * members by name, no white space between them, strings with as few escapes as can be. R4 does
 * not say how a number is written, nor quite what becomes of white space inside a string; those
 * who sign follow it, or RFC 8785. So there are three forms, which differ in these two points.
 */
#pragma once

#include "lib/record/bundle.h"

typedef enum {
    EREC_FORM_AS_WRITTEN,    /* numbers and strings as the record has them */
    EREC_FORM_RFC8785,       /* numbers as ECMAScript writes them */
    EREC_FORM_SINGLE_SPACES, /* runs of white space in strings are one space */
    EREC_N_FORMS,
} ErecForm;

/* Appends it without those members of its own (NULL-terminated, nullable) that `without` names.
 * FALSE when `out` would become longer than `max`: what is in it then means nothing. */
gboolean erec_canonical_add(GString *out, const ErecNode *node, ErecForm form,
                            const char *const *without, gsize max);
/* The same of a Bundle, entry by entry. FALSE too when an entry is not sound. */
gboolean erec_canonical_add_bundle(GString *out, const ErecBundle *bundle, ErecForm form,
                                   const char *const *without, gsize max);
/* A JSON number as ECMAScript writes it (RFC 8785, 3.2.2.3); one that is too large for that as
 * it is. Transfer full. */
char *erec_canonical_number(const char *text);
