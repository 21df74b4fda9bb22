/* SPDX-License-Identifier: Apache-2.0
 *
 * What kind of file it is: by its first bytes, never by its name.
 */
#pragma once

#include "lib/record/source.h"

typedef enum {
    EREC_KIND_OPAQUE,
    EREC_KIND_JSON, /* an object, perhaps FHIR */
    EREC_KIND_FHIR_XML,
    EREC_KIND_CDA,
    EREC_KIND_XML, /* another */
    EREC_KIND_PDF,
    EREC_KIND_JPEG,
    EREC_KIND_PNG,
    EREC_KIND_TIFF,
    EREC_KIND_BIGTIFF,
    EREC_KIND_DICOM,
} ErecKind;

ErecKind erec_kind_of(ErecSource *source);
/* "application/dicom"; static; of JSON that of FHIR. */
const char *erec_kind_media_type(ErecKind kind);
/* "dicom": for --json; static. */
const char *erec_kind_name(ErecKind kind);
/* "a DICOM image", a key for gettext; static. */
const char *erec_kind_words(ErecKind kind);
/* NULL when the file is as long and ends as its kind promises, else what is wrong: "cut" (it
 * ends early), "damaged". Of JSON and XML nothing is said. */
const char *erec_kind_damage(ErecSource *source, ErecKind kind);
