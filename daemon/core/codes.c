/* SPDX-License-Identifier: Apache-2.0
 *
 * The words of the bus for the closed tables of the wire: HL7 v3-ActReason, the EEHRxF priority
 * categories with FHIR's resource names for what is beyond them, and our own. Pure.
 */
#include "daemon/core/codes.h"

#include "proto/ehrlink.pb-c.h"

typedef struct {
    int number;
    const char *word;
} Code;

static const Code purposes[] = {
    {EHP__PURPOSE__PURPOSE_TREAT, "TREAT"},     {EHP__PURPOSE__PURPOSE_ETREAT, "ETREAT"},
    {EHP__PURPOSE__PURPOSE_PATRQT, "PATRQT"},   {EHP__PURPOSE__PURPOSE_HPAYMT, "HPAYMT"},
    {EHP__PURPOSE__PURPOSE_HOPERAT, "HOPERAT"}, {EHP__PURPOSE__PURPOSE_PUBHLTH, "PUBHLTH"},
    {EHP__PURPOSE__PURPOSE_HRESCH, "HRESCH"},
};

static const Code categories[] = {
    {EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY, "Patient-Summaries"},
    {EHP__CATEGORY__CATEGORY_ELECTRONIC_PRESCRIPTION, "Electronic-Prescriptions"},
    {EHP__CATEGORY__CATEGORY_ELECTRONIC_DISPENSATION, "Electronic-Dispensations"},
    {EHP__CATEGORY__CATEGORY_MEDICAL_IMAGING, "Medical-Imaging"},
    {EHP__CATEGORY__CATEGORY_LABORATORY_REPORT, "Laboratory-Reports"},
    {EHP__CATEGORY__CATEGORY_DISCHARGE_REPORT, "Discharge-Reports"},
    {EHP__CATEGORY__CATEGORY_PATIENT, "Patient"},
    {EHP__CATEGORY__CATEGORY_DOCUMENT_REFERENCE, "DocumentReference"},
    {EHP__CATEGORY__CATEGORY_DOCUMENT_MANIFEST, "DocumentManifest"},
    {EHP__CATEGORY__CATEGORY_DIAGNOSTIC_REPORT, "DiagnosticReport"},
    {EHP__CATEGORY__CATEGORY_MEDICATION_REQUEST, "MedicationRequest"},
    {EHP__CATEGORY__CATEGORY_CONDITION, "Condition"},
    {EHP__CATEGORY__CATEGORY_IMMUNIZATION, "Immunization"},
    {EHP__CATEGORY__CATEGORY_ALLERGY_INTOLERANCE, "AllergyIntolerance"},
    {EHP__CATEGORY__CATEGORY_OBSERVATION, "Observation"},
    {EHP__CATEGORY__CATEGORY_ENCOUNTER, "Encounter"},
    {EHP__CATEGORY__CATEGORY_COMPOSITION, "Composition"},
    {EHP__CATEGORY__CATEGORY_PROCEDURE, "Procedure"},
    {EHP__CATEGORY__CATEGORY_OTHER, "other"},
};

static const Code acting_as[] = {
    {EHP__ACTING_AS__ACTING_AS_SELF, "self"},
    {EHP__ACTING_AS__ACTING_AS_PARENT, "parent"},
    {EHP__ACTING_AS__ACTING_AS_GUARDIAN, "guardian"},
    {EHP__ACTING_AS__ACTING_AS_CAREGIVER, "caregiver"},
};

static const Code assurances[] = {
    {EHP__ASSURANCE__ASSURANCE_STATED, "stated"},
    {EHP__ASSURANCE__ASSURANCE_LOGGED_IN, "logged-in"},
    {EHP__ASSURANCE__ASSURANCE_CARD, "card"},
};

static const char *
word_of(const Code *table, gsize length, int number)
{
    for (gsize i = 0; i < length; i++)
        if (table[i].number == number)
            return table[i].word;
    return NULL;
}

static int
number_of(const Code *table, gsize length, const char *word)
{
    for (gsize i = 0; i < length; i++)
        if (g_strcmp0(table[i].word, word) == 0)
            return table[i].number;
    return 0;
}

const char *
ehd_purpose_code(int purpose)
{
    return word_of(purposes, G_N_ELEMENTS(purposes), purpose);
}

const char *
ehd_category_code(int category)
{
    return word_of(categories, G_N_ELEMENTS(categories), category);
}

const char *
ehd_acting_as_code(int number)
{
    return word_of(acting_as, G_N_ELEMENTS(acting_as), number);
}

const char *
ehd_assurance_code(int assurance)
{
    return word_of(assurances, G_N_ELEMENTS(assurances), assurance);
}

int
ehd_purpose_from_code(const char *code)
{
    return number_of(purposes, G_N_ELEMENTS(purposes), code);
}

int
ehd_category_from_code(const char *code)
{
    return number_of(categories, G_N_ELEMENTS(categories), code);
}

int
ehd_acting_as_from_code(const char *code)
{
    return number_of(acting_as, G_N_ELEMENTS(acting_as), code);
}

int
ehd_assurance_from_code(const char *code)
{
    return number_of(assurances, G_N_ELEMENTS(assurances), code);
}
