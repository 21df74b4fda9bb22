/* SPDX-License-Identifier: Apache-2.0
 *
 * Which version of what a record is: so that the newest is shown first, and an older one says
 * so.
 */
#pragma once

#include "lib/record/bundle.h"

/* All owned, NULL when the record does not say. */
typedef struct {
    char *series;     /* the same for all versions: "system|value", or "Type/id" */
    char *order;      /* later ones sort after earlier ones: an instant or a number */
    char *replaces;   /* the series of another record that this one takes the place of */
    char *status;     /* "final", "amended", "entered-in-error" */
    char *identifier; /* what a request may call it by: of the document, or its fullUrl */
} ErecVersion;

/* Zeroes for what is no single document or resource. */
void erec_version_of(const ErecBundle *bundle, ErecVersion *version);
void erec_version_clear(ErecVersion *version);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ErecVersion, erec_version_clear)
