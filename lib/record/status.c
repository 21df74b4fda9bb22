/* SPDX-License-Identifier: Apache-2.0
 *
 * See status.h.
 */
#include "lib/record/status.h"

#include <string.h>

#define ABSENT_UNKNOWN "http://hl7.org/fhir/uv/ips/CodeSystem/absent-unknown-uv-ips"
#define SNOMED         "http://snomed.info/sct"

static const struct {
    const char *code, *words;
    ErecStanding standing, of_order;
} statuses[] = {
#define STATUS(code, words, standing, of_order) {code, words, EREC_##standing, EREC_##of_order},
#define CODE(code, words)
#include "lib/record/statuses.def"
#undef STATUS
#undef CODE
};

static const struct {
    const char *code, *words;
} others[] = {
#define STATUS(code, words, standing, of_order)
#define CODE(code, words) {code, words},
#include "lib/record/statuses.def"
#undef STATUS
#undef CODE
};

const char *
erec_status_words(const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(statuses); i++)
        if (g_strcmp0(statuses[i].code, code) == 0)
            return statuses[i].words;
    return NULL;
}

const char *
erec_code_words(const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(others); i++)
        if (g_strcmp0(others[i].code, code) == 0)
            return others[i].words;
    return NULL;
}

/* Of these "completed" means that it is over. */
static gboolean
is_order(const char *type)
{
    static const char *const orders[] = {
        "MedicationStatement",
        "MedicationRequest",
        "DeviceUseStatement",
        "DeviceRequest",
        "CarePlan",
        "ServiceRequest",
        "Goal",
        "NutritionOrder",
        "Task",
        "Appointment",
        "EpisodeOfCare",
        "SupplyRequest",
        "CommunicationRequest",
        "RequestGroup",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(orders); i++)
        if (strcmp(orders[i], type) == 0)
            return TRUE;
    return FALSE;
}

ErecStanding
erec_status_standing(const char *type, const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(statuses); i++)
        if (g_strcmp0(statuses[i].code, code) == 0)
            return is_order(type) ? statuses[i].of_order : statuses[i].standing;
    return EREC_UNSAFE; /* a status that FHIR does not know: what it means is not known either
                         */
}

ErecAbsence
erec_absence_of_reason(const char *code)
{
    static const struct {
        const char *code;
        ErecAbsence absence;
    } reasons[] = {
        {"nilknown", EREC_NONE_KNOWN},    {"notasked", EREC_NOT_ASKED},
        {"withheld", EREC_WITHHELD},      {"unavailable", EREC_NO_INFORMATION},
        {"notstarted", EREC_NOT_STARTED},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(reasons); i++)
        if (g_strcmp0(reasons[i].code, code) == 0)
            return reasons[i].absence;
    return EREC_EMPTY_REASON;
}

ErecAbsence
erec_absence_of_concept(const ErecNode *concept)
{
    static const struct {
        const char *code;
        ErecAbsence absence;
    } snomed[] = {
        {"716186003", EREC_NONE_KNOWN},      /* no known allergy */
        {"409137002", EREC_NONE_KNOWN},      /* no known drug allergy */
        {"428607008", EREC_NONE_KNOWN},      /* no known environmental allergy */
        {"429625007", EREC_NONE_KNOWN},      /* no known food allergy */
        {"160245001", EREC_NONE_KNOWN},      /* no current problems or disability */
        {"787481004", EREC_NONE_KNOWN},      /* no known problems */
        {"787482006", EREC_NONE_KNOWN},      /* no known procedures */
        {"787483001", EREC_NONE_KNOWN},      /* no known medications */
        {"1287211007", EREC_NO_INFORMATION}, /* no information available */
    };

    for (const ErecNode *at = erec_each(concept, "coding"); at != NULL;
         at = erec_each_next(at)) {
        const char *code = erec_text(at, "code");

        if (code == NULL)
            continue;
        if (erec_text_is(at, "system", ABSENT_UNKNOWN))
            return g_str_has_suffix(code, "-info") ? EREC_NO_INFORMATION : EREC_NONE_KNOWN;
        for (gsize i = 0; i < G_N_ELEMENTS(snomed); i++)
            if (erec_text_is(at, "system", SNOMED) && strcmp(snomed[i].code, code) == 0)
                return snomed[i].absence;
    }
    return EREC_PRESENT;
}
