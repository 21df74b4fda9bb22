/* SPDX-License-Identifier: Apache-2.0
 *
 * See category.h.
 */
#include "lib/record/category.h"

#include <string.h>

static const struct {
    const char *code, *words;
} categories[] = {
#define CATEGORY(code, words) {code, words},
#define TYPE(category, code, words)
#define RESOURCE(category, type)
#include "lib/record/categories.def"
#undef CATEGORY
#undef TYPE
#undef RESOURCE
};

static const struct {
    const char *category, *key;
} types[] =
    {
#define CATEGORY(code, words)
#define TYPE(category, code, words) {category, code},
#define RESOURCE(category, type)
#include "lib/record/categories.def"
#undef TYPE
#undef RESOURCE
#define TYPE(category, code, words)
},
  resources[] = {
#define RESOURCE(category, type) {category, type},
#include "lib/record/categories.def"
#undef CATEGORY
#undef TYPE
#undef RESOURCE
};

static const char *const codes[] = {
#define CATEGORY(code, words) code,
#define TYPE(category, code, words)
#define RESOURCE(category, type)
#include "lib/record/categories.def"
#undef CATEGORY
#undef TYPE
#undef RESOURCE
    NULL,
};

const char *
erec_category_words(const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(categories); i++)
        if (g_strcmp0(categories[i].code, code) == 0)
            return categories[i].words;
    return NULL;
}

const char *const *
erec_category_codes(void)
{
    return codes;
}

const char *
erec_category_of_loinc(const char *code)
{
    for (gsize i = 0; i < G_N_ELEMENTS(types); i++)
        if (g_strcmp0(types[i].key, code) == 0)
            return types[i].category;
    return NULL;
}

const char *
erec_category_of_resource(const char *type)
{
    for (gsize i = 0; i < G_N_ELEMENTS(resources); i++)
        if (g_strcmp0(resources[i].key, type) == 0)
            return resources[i].category;
    return NULL;
}

/* The category that a coding names itself. The system's address changed twice: only its end is
 * the same. */
static const char *
priority_category(const ErecNode *coding)
{
    const char *system = erec_text(coding, "system"), *code = erec_text(coding, "code");

    if (system == NULL || code == NULL ||
        !g_str_has_suffix(system, "/eehrxf-document-priority-category-cs"))
        return NULL;
    for (gsize i = 0; i < 6; i++)
        if (strcmp(categories[i].code, code) == 0)
            return categories[i].code;
    return NULL;
}

/* HL7 v2 table 0074: which department a diagnostic report comes from. */
static const char *
department_category(const ErecNode *coding)
{
    static const char *const imaging[] = {"RAD", "IMG", "CT",  "NMR", "NMS", "OUS",
                                          "RUS", "RX",  "VUS", "XRC", NULL};
    static const char *const laboratory[] = {
        "LAB", "CH",  "HM",  "MB", "SR", "BLB", "CG", "CP", "CTH", "GE",  "IMM",
        "MCB", "MYC", "PAT", "SP", "TX", "VR",  "EC", "EN", "PF",  "CUS", NULL};
    const char *system = erec_text(coding, "system"), *code = erec_text(coding, "code");

    if (system == NULL || code == NULL || !g_str_has_suffix(system, "v2-0074"))
        return NULL;
    if (g_strv_contains(imaging, code))
        return "Medical-Imaging";
    /* Art 14(1)(e): all test results, electrocardiogram and echo too */
    return g_strv_contains(laboratory, code) ? "Laboratory-Reports" : NULL;
}

static const char *
coding_category(const ErecNode *coding)
{
    const char *found = priority_category(coding);

    if (found == NULL)
        found = department_category(coding);
    if (found == NULL && erec_text_is(coding, "system", EREC_LOINC))
        found = erec_category_of_loinc(erec_text(coding, "code"));
    return found;
}

/* The first category that a CodeableConcept, or one of several, stands for. */
static const char *
concept_category(const ErecNode *resource, const char *path)
{
    for (const ErecNode *concept = erec_each(resource, path); concept != NULL;
         concept = erec_each_next(concept)) {
        for (const ErecNode *coding = erec_each(concept, "coding"); coding != NULL;
             coding = erec_each_next(coding)) {
            const char *found = coding_category(coding);
            if (found != NULL)
                return found;
        }
    }
    return NULL;
}

const char *
erec_category_of(const ErecNode *resource)
{
    static const char *const documents[] = {"Composition", "DocumentReference",
                                            "DiagnosticReport", "DocumentManifest", NULL};
    const char *type = erec_text(resource, "resourceType"), *found = NULL;

    if (type == NULL)
        return "other";
    if (g_strv_contains(documents, type)) {
        found = concept_category(resource, "type");
        if (found == NULL)
            found = concept_category(resource, "category");
        if (found == NULL)
            found = concept_category(resource, "code");
    }
    if (found == NULL)
        found = erec_category_of_resource(type);
    return found != NULL ? found : "other";
}
