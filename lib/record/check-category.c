/* SPDX-License-Identifier: Apache-2.0
 *
 * What the European guides of a category demand (drafts): prescriptions and dispensations of
 * each order, laboratory and discharge reports of the document.
 */
#include <string.h>

#include "lib/record/check-private.h"

static const struct {
    const char *category, *type;
    gboolean document; /* only of a document */
    const char *const elements[8];
} demanded[] = {
    {"Electronic-Prescriptions",
     "MedicationRequest",
     FALSE,
     {"identifier", "status", "subject", "medication[x]", "authoredOn", "requester"}},
    {"Electronic-Dispensations",
     "MedicationDispense",
     FALSE,
     {"medication[x]", "subject", "performer", "quantity", "authorizingPrescription"}},
    {"Discharge-Reports", "Composition", TRUE, {"encounter", "subject", "section"}},
    {"Laboratory-Reports", "Composition", TRUE, {"identifier", "subject", "section"}},
    {"Laboratory-Reports", "DiagnosticReport", TRUE, {"identifier", "subject"}},
    {"Medical-Imaging", "ImagingStudy", FALSE, {"status", "subject"}},
};

static char *
identifier_of(const ErecNode *resource)
{
    const ErecNode *identifier = erec_each(resource, "identifier");
    const char *system = erec_text(identifier, "system"),
               *value = erec_text(identifier, "value");

    return value != NULL ? g_strdup_printf("%s|%s", system != NULL ? system : "", value) : NULL;
}

static void
note_identifier(ErecCheck *check, const char *type)
{
    char **kept = strcmp(type, "Composition") == 0        ? &check->composition_identifier
                  : strcmp(type, "DiagnosticReport") == 0 ? &check->report_identifier
                                                          : NULL;

    if (kept != NULL && *kept == NULL)
        *kept = identifier_of(check->resource);
}

void
erec_check_category(ErecCheck *check)
{
    const char *type = erec_text(check->resource, "resourceType");

    if (type == NULL)
        return;
    for (gsize i = 0; i < G_N_ELEMENTS(demanded); i++) {
        if (strcmp(demanded[i].category, check->description->category) != 0 ||
            strcmp(demanded[i].type, type) != 0 ||
            (demanded[i].document && !check->is_document))
            continue;
        for (const char *const *element = demanded[i].elements; *element != NULL; element++)
            if (!erec_check_has_element(check->resource, *element))
                erec_check_say(check, EREC_RULE_CATEGORY_ELEMENT, check->resource, *element);
    }
    note_identifier(check, type);
}

static guint
count_type(const ErecBundle *bundle, const char *type)
{
    guint n = 0;

    for (gint at = -1;
         n < 2 && (at = erec_bundle_find_type(bundle, type, (guint)(at + 1))) >= 0;)
        n++;
    return n;
}

void
erec_check_category_whole(ErecCheck *check)
{
    if (!check->is_document || strcmp(check->description->category, "Laboratory-Reports") != 0)
        return;
    if (count_type(check->bundle, "Composition") != 1 ||
        count_type(check->bundle, "DiagnosticReport") != 1)
        erec_report_add(check->report, EREC_RULE_LAB_ONE_REPORT, -1, 0,
                        g_strdup("Bundle.entry"), NULL);
    else if (g_strcmp0(check->composition_identifier, check->report_identifier) != 0)
        erec_report_add(check->report, EREC_RULE_LAB_IDENTIFIER, -1, 0,
                        g_strdup("Bundle.entry"), NULL);
}
