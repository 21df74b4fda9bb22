/* SPDX-License-Identifier: Apache-2.0
 *
 * See describe.h: any kind of file. FHIR JSON is described by describe-fhir.c.
 */
#include "lib/record/describe.h"

#include <string.h>

#include "lib/record/dicom.h"
#include "lib/record/xml-header.h"

/* What a manifest has room for: titles and organisations, and codes. Longer ones are dropped,
 * for half a title misleads. */
#define TEXT_MAX_BYTES 255
#define CODE_MAX_BYTES 127
#define DATE_MAX_BYTES 40

static void
clean_text(char **text, gsize max, const ErecNames *names)
{
    if (*text != NULL &&
        (erec_names_are_in(names, *text) || strlen(*text) > max || **text == '\0'))
        g_clear_pointer(text, g_free);
}

static void
describe_dicom(ErecSource *source, ErecDescription *d)
{
    g_auto(ErecDicom) dicom = {0};

    erec_dicom_read(source, &dicom);
    d->category = "Medical-Imaging";
    erec_names_add(d->names, dicom.patient);
    /* who it is about is not known: any words of it might have the name */
    if (erec_names_is_empty(d->names) &&
        (dicom.patient != NULL || dicom.unread || !dicom.complete)) {
        g_clear_pointer(&dicom.description, g_free);
        g_clear_pointer(&dicom.institution, g_free);
    }
    clean_text(&dicom.description, TEXT_MAX_BYTES, d->names);
    if (dicom.modality != NULL && dicom.description != NULL)
        d->title = g_strdup_printf("%s, %s", dicom.modality, dicom.description);
    else
        d->title = g_strdup(dicom.modality != NULL ? dicom.modality : dicom.description);
    if (dicom.study_date != NULL && erec_date_is_valid(dicom.study_date)) {
        d->date = g_strdup(dicom.study_date);
        d->date_kind = EREC_DATE_EFFECTIVE;
    }
    d->author = g_strdup(dicom.institution);
}

static ErecBundle *
describe_json(ErecSource *source, ErecDescription *d)
{
    ErecBundle *bundle = erec_bundle_new(source, &d->fault);

    if (bundle != NULL)
        erec_describe_bundle(bundle, d);
    else if (d->fault.code == EREC_FAULT_NOT_RESOURCE)
        d->media_type = "application/json";
    else
        d->media_type = "application/octet-stream"; /* what it claims to be it is not */
    return bundle;
}

void
erec_describe(ErecSource *source, ErecDescription *d)
{
    ErecBundle *bundle;

    erec_describe_and_index(source, d, &bundle);
    erec_bundle_free(bundle);
}

void
erec_describe_and_index(ErecSource *source, ErecDescription *d, ErecBundle **bundle)
{
    *bundle = NULL;
    memset(d, 0, sizeof *d);
    d->kind = erec_kind_of(source);
    d->media_type = erec_kind_media_type(d->kind);
    d->category = "other";
    d->names = erec_names_new();
    if (d->kind == EREC_KIND_JSON)
        *bundle = describe_json(source, d);
    else if (d->kind == EREC_KIND_DICOM)
        describe_dicom(source, d);
    else if (d->kind == EREC_KIND_CDA || d->kind == EREC_KIND_FHIR_XML)
        erec_xml_describe(source, d);
    clean_text(&d->title, TEXT_MAX_BYTES, d->names);
    clean_text(&d->author, TEXT_MAX_BYTES, d->names);
    if (d->date != NULL && strlen(d->date) > DATE_MAX_BYTES)
        d->date[10] = '\0'; /* a time to the picosecond: the day is enough */
    clean_text(&d->type_code, CODE_MAX_BYTES, d->names);
}

void
erec_description_clear(ErecDescription *d)
{
    g_free(d->title);
    g_free(d->date);
    g_free(d->type_code);
    g_free(d->author);
    g_clear_pointer(&d->names, erec_names_free);
    memset(d, 0, sizeof *d);
}
