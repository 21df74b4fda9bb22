/* SPDX-License-Identifier: Apache-2.0
 *
 * What the header of a DICOM file (PS3.10) says of it. Walks the elements of the top level
 * only; never reads pixels.
 */
#pragma once

#include "lib/record/source.h"

typedef struct {
    char *study_date; /* "2004-01-19", NULL: none that is a date */
    char *modality;   /* "CT" */
    char *institution;
    char *description; /* of the study, else of the series */
    /* never in a manifest */
    char *patient;    /* its name, "FAMILY^GIVEN" */
    char *birth_date; /* "1970-01-02" */
    char *sex;        /* administrative gender, as FHIR has it */
    char *number;     /* of the patient */
    gboolean
        complete; /* read beyond where a patient's name stands: if there is none, it has none */
    gboolean unread;  /* there is a patient's name, and it cannot be read */
    gboolean cut;     /* an element ends beyond the end of the file */
    gboolean damaged; /* no elements where they should be */
} ErecDicom;

void erec_dicom_read(ErecSource *source, ErecDicom *dicom);
void erec_dicom_clear(ErecDicom *dicom);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(ErecDicom, erec_dicom_clear)
