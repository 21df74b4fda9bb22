/* SPDX-License-Identifier: Apache-2.0
 *
 * What FHIR R4 demands of a resource whatever it is used for: the elements that must be there.
 */
#include <string.h>

#include "lib/record/check-private.h"

/* Elements with a minimum of one; "x[x]" is any of a choice. */
static const struct {
    const char *type;
    const char *const elements[7];
} required[] = {
    {"AllergyIntolerance", {"patient"}},
    {"AuditEvent", {"type", "recorded", "agent", "source"}},
    {"CarePlan", {"status", "intent", "subject"}},
    {"Composition", {"status", "type", "date", "author", "title"}},
    {"Condition", {"subject"}},
    {"Consent", {"status", "scope", "category"}},
    {"DeviceUseStatement", {"status", "subject", "device"}},
    {"DiagnosticReport", {"status", "code"}},
    {"DocumentManifest", {"status", "content"}},
    {"DocumentReference", {"status", "content"}},
    {"Encounter", {"status", "class"}},
    {"Flag", {"status", "code", "subject"}},
    {"Goal", {"lifecycleStatus", "description", "subject"}},
    {"ImagingStudy", {"status", "subject"}},
    {"Immunization", {"status", "vaccineCode", "patient", "occurrence[x]"}},
    {"List", {"status", "mode"}},
    {"Media", {"status", "content"}},
    {"MedicationAdministration", {"status", "medication[x]", "subject", "effective[x]"}},
    {"MedicationDispense", {"status", "medication[x]"}},
    {"MedicationRequest", {"status", "intent", "medication[x]", "subject"}},
    {"MedicationStatement", {"status", "medication[x]", "subject"}},
    {"Observation", {"status", "code"}},
    {"Procedure", {"status", "subject"}},
    {"Provenance", {"target", "recorded", "agent"}},
    {"QuestionnaireResponse", {"status"}},
    {"RelatedPerson", {"patient"}},
    {"ServiceRequest", {"status", "intent", "subject"}},
};

gboolean
erec_check_has_element(const ErecNode *resource, const char *name)
{
    const gsize length = strlen(name);
    g_autofree char *plain = NULL, *extension = NULL;

    if (!g_str_has_suffix(name, "[x]"))
        return erec_check_has(resource, name);
    plain = g_strndup(name, length - 3);
    extension = g_strconcat("_", plain, NULL);
    return erec_choice(resource, plain, NULL) != NULL ||
           erec_choice(resource, extension, NULL) != NULL;
}

/* The IPS has rules of its own for its Composition, with better words. */
static gboolean
has_own_rules(const ErecCheck *check, const char *type)
{
    return check->description->is_ips && check->is_document && strcmp(type, "Composition") == 0;
}

void
erec_check_resource(ErecCheck *check)
{
    const char *type = erec_text(check->resource, "resourceType");

    if (type == NULL || has_own_rules(check, type))
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(required); i++) {
        if (strcmp(required[i].type, type) != 0)
            continue;
        for (const char *const *name = required[i].elements; *name != NULL; name++)
            if (!erec_check_has_element(check->resource, *name))
                erec_check_say(check, EREC_RULE_REQUIRED, check->resource, *name);
    }
}
