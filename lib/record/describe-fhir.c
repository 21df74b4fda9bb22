/* SPDX-License-Identifier: Apache-2.0
 *
 * What a FHIR JSON file says of itself: the Composition of a document, else the resource that
 * all others belong to.
 */
#include <string.h>

#include "lib/record/category.h"
#include "lib/record/describe.h"

/* People whose names are looked at. */
#define PERSONS_MAX     32
/* Entries that are looked into for signs of an older FHIR. */
#define VERSION_ENTRIES 20

static const char *
form_of(const ErecBundle *bundle)
{
    static const char *const forms[] = {"document", "collection", "transaction", "searchset"};

    if (!erec_bundle_is_bundle(bundle))
        return "resource";
    for (gsize i = 0; i < G_N_ELEMENTS(forms); i++)
        if (g_strcmp0(erec_bundle_type(bundle), forms[i]) == 0)
            return forms[i];
    return "bundle";
}

/* --- whom it is about
 * -------------------------------------------------------------------------- */

static void
collect_person(const ErecBundle *bundle, guint index, ErecNames *names)
{
    g_autoptr(ErecTree) tree = erec_bundle_load(bundle, index, NULL);

    if (tree != NULL)
        erec_names_add_person(names, erec_tree_root(tree));
}

static void
collect_names(const ErecBundle *bundle, ErecNames *names)
{
    static const char *const types[] = {"Patient", "RelatedPerson"};

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        gint at = erec_bundle_find_type(bundle, types[i], 0);

        for (guint n = 0; at >= 0 && n < PERSONS_MAX; n++) {
            collect_person(bundle, (guint)at, names);
            at = erec_bundle_find_type(bundle, types[i], (guint)at + 1);
        }
    }
}

static void
collect_displays(const ErecNode *resource, ErecNames *names)
{
    static const char *const paths[] = {"subject.display", "patient.display",
                                        "sourcePatientInfo.display"};

    for (gsize i = 0; i < G_N_ELEMENTS(paths); i++)
        erec_names_add(names, erec_text(resource, paths[i]));
    for (const ErecNode *at = erec_each(resource, "contained"); at != NULL;
         at = erec_each_next(at))
        if (erec_text_is(at, "resourceType", "Patient") ||
            erec_text_is(at, "resourceType", "RelatedPerson"))
            erec_names_add_person(names, at);
}

/* --- which FHIR
 * -------------------------------------------------------------------------------- */

static gboolean
has_type(const ErecBundle *bundle, const char *const *types)
{
    for (guint i = 0; i < erec_bundle_n_entries(bundle); i++) {
        const char *type = erec_bundle_entry(bundle, i)->type;
        if (type != NULL && g_strv_contains(types, type))
            return TRUE;
    }
    return FALSE;
}

/* Elements that only the older one has, or has with another type. "2", "3" or NULL. */
static const char *
resource_version(const ErecNode *r)
{
    const ErecNode *status = erec_member(r, "clinicalStatus"), *class = erec_member(r, "class");
    const gboolean encounter = erec_text_is(r, "resourceType", "Encounter");

    for (const ErecNode *profile = erec_each(r, "meta.profile"); profile != NULL;
         profile = erec_each_next(profile)) {
        if (strstr(profile->text, "/DSTU2/") != NULL)
            return "2";
        if (strstr(profile->text, "/STU3/") != NULL)
            return "3";
    }
    if (erec_member(r, "wasNotGiven") != NULL || erec_member(r, "wasNotTaken") != NULL ||
        erec_member(r, "reasonNotTaken") != NULL ||
        (encounter && class != NULL && class->type == EREC_STRING))
        return "2";
    if (erec_member(r, "notGiven") != NULL || erec_member(r, "notPerformed") != NULL ||
        erec_member(r, "related") != NULL || (status != NULL && status->type == EREC_STRING))
        return "3";
    return NULL;
}

static const char *
version_of(const ErecBundle *bundle)
{
    static const char *const two[] = {
        "MedicationOrder", "DiagnosticOrder", "Conformance", "DeviceUseRequest",
        "Order",           "OrderResponse",   NULL};
    static const char *const three[] = {"ProcedureRequest",
                                        "ReferralRequest",
                                        "EligibilityRequest",
                                        "DeviceComponent",
                                        "BodySite",
                                        "Sequence",
                                        NULL};
    const guint n = MIN(erec_bundle_n_entries(bundle), VERSION_ENTRIES);

    if (has_type(bundle, two))
        return "2";
    if (has_type(bundle, three))
        return "3";
    for (guint i = 0; i < n; i++) {
        g_autoptr(ErecTree) tree = erec_bundle_load(bundle, i, NULL);
        const char *version = tree != NULL ? resource_version(erec_tree_root(tree)) : NULL;
        if (version != NULL)
            return version;
    }
    return "4";
}

/* --- what all of it is
 * -------------------------------------------------------------------------- */

/* Resources that are there for the sake of others. */
static gboolean
is_support(const char *type)
{
    static const char *const support[] = {
        "Patient",   "Practitioner",     "PractitionerRole", "Organization", "Location",
        "Device",    "Provenance",       "Medication",       "Specimen",     "Binary",
        "Media",     "ServiceRequest",   "RelatedPerson",    "Coverage",     "Account",
        "Substance", "OperationOutcome", "BodyStructure",    NULL,
    };

    return type == NULL || g_strv_contains(support, type);
}

/* What belongs to a report rather than beside it. */
static gboolean
is_report_part(const char *type)
{
    static const char *const parts[] = {"DiagnosticReport", "Observation", "ImagingStudy",
                                        "Encounter", NULL};

    return g_strv_contains(parts, type);
}

typedef struct {
    gint root;      /* entry that speaks for all, -1 when there is none */
    gboolean mixed; /* of several kinds, none of them the root of all */
} Roots;

static Roots
find_root(const ErecBundle *bundle)
{
    const gint composition = erec_bundle_find_type(bundle, "Composition", 0);
    const gint report = erec_bundle_find_type(bundle, "DiagnosticReport", 0);
    Roots roots = {-1, FALSE};
    gboolean all_parts = report >= 0;

    if (composition >= 0)
        return (Roots){composition, FALSE};
    for (guint i = 0; i < erec_bundle_n_entries(bundle); i++) {
        const char *type = erec_bundle_entry(bundle, i)->type;

        if (is_support(type))
            continue;
        all_parts = all_parts && is_report_part(type);
        if (roots.root < 0)
            roots.root = (gint)i;
        else if (strcmp(erec_bundle_entry(bundle, (guint)roots.root)->type, type) != 0)
            roots.mixed = TRUE;
    }
    if (all_parts)
        return (Roots){report, FALSE};
    if (roots.root < 0 && erec_bundle_n_entries(bundle) == 1)
        roots.root = 0;
    if (roots.root < 0)
        roots.root = erec_bundle_find_type(bundle, "Patient", 0);
    return roots;
}

/* --- who wrote it
 * ------------------------------------------------------------------------------- */

/* "Organization" for a reference, resolved or by its own words; NULL when that cannot be told.
 * *index is the entry, if it is one. */
static char *
type_of_reference(const ErecBundle *bundle, guint from, const ErecNode *resource,
                  const ErecNode *reference, gint *index)
{
    const char *text = erec_text(reference, "reference"), *type = erec_text(reference, "type");
    guint found = from;

    *index = -1;
    if (text == NULL)
        return g_strdup(type);
    switch (erec_bundle_resolve(bundle, from, text, &found)) {
    case EREC_RESOLVE_ENTRY:
    case EREC_RESOLVE_BY_ID:
    case EREC_RESOLVE_AMBIGUOUS:
        *index = (gint)found;
        return g_strdup(erec_bundle_entry(bundle, found)->type);
    case EREC_RESOLVE_CONTAINED:
        return g_strdup(erec_text(erec_contained(resource, text), "resourceType"));
    case EREC_RESOLVE_NONE:
        break;
    }
    return type != NULL ? g_strdup(type) : g_strndup(text, strcspn(text, "/:#"));
}

static char *
name_of_organisation(const ErecBundle *bundle, guint from, const ErecNode *resource,
                     const ErecNode *reference, guint hops)
{
    g_autoptr(ErecTree) tree = NULL;
    const ErecNode *target = NULL;
    gint index;
    g_autofree char *type = type_of_reference(bundle, from, resource, reference, &index);
    const char *text = erec_text(reference, "reference");

    if (index >= 0 && (tree = erec_bundle_load(bundle, (guint)index, NULL)) != NULL)
        target = erec_tree_root(tree);
    else if (text != NULL && *text == '#')
        target = erec_contained(resource, text);
    if (g_strcmp0(type, "PractitionerRole") == 0 && target != NULL && hops > 0)
        return name_of_organisation(bundle, index >= 0 ? (guint)index : from, target,
                                    erec_get(target, "organization"), hops - 1);
    if (g_strcmp0(type, "Organization") != 0)
        return NULL;
    return g_strdup(target != NULL ? erec_text(target, "name")
                                   : erec_text(reference, "display"));
}

/* The members that name an author, in the order in which they are believed. */
static const char *const author_fields[] = {"author",   "performer",         "requester",
                                            "recorder", "informationSource", "asserter"};

static void
describe_authors(const ErecBundle *bundle, guint from, const ErecNode *resource,
                 ErecDescription *d)
{
    guint n = 0, by_patient = 0;

    for (gsize i = 0; i < G_N_ELEMENTS(author_fields) && n == 0; i++) {
        for (const ErecNode *at = erec_each(resource, author_fields[i]); at != NULL;
             at = erec_each_next(at)) {
            const ErecNode *reference =
                erec_member(at, "actor") != NULL ? erec_member(at, "actor") : at;
            gint index;
            g_autofree char *type =
                type_of_reference(bundle, from, resource, reference, &index);

            n++;
            if (g_strcmp0(type, "Patient") == 0 || g_strcmp0(type, "RelatedPerson") == 0)
                by_patient++;
            if (d->author == NULL)
                d->author = name_of_organisation(bundle, from, resource, reference, 1);
        }
    }
    d->patient_entered = n > 0 && by_patient == n;
    if (d->author == NULL)
        d->author =
            name_of_organisation(bundle, from, resource, erec_get(resource, "custodian"), 1);
}

/* --- the words
 * --------------------------------------------------------------------------------- */

static char *
usable(const ErecNames *names, const char *text)
{
    return text != NULL && *text != '\0' && !erec_names_are_in(names, text) ? g_strdup(text)
                                                                            : NULL;
}

static void
describe_title(const ErecNode *resource, ErecDescription *d)
{
    static const char *const paths[] = {
        "title",
        "type.text",
        "type.coding.display",
        "code.text",
        "code.coding.display",
        "vaccineCode.text",
        "vaccineCode.coding.display",
        "medicationCodeableConcept.text",
        "medicationCodeableConcept.coding.display",
        "description",
        "category.text",
        "category.coding.display",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(paths) && d->title == NULL; i++)
        d->title = usable(d->names, erec_text(resource, paths[i]));
}

static void
describe_type(const ErecNode *resource, ErecDescription *d)
{
    const ErecNode *coding = erec_each(resource, "type.coding");
    const char *system, *code;

    if (coding == NULL)
        coding = erec_each(resource, "code.coding");
    system = erec_text(coding, "system");
    code = erec_text(coding, "code");
    if (system != NULL && code != NULL)
        d->type_code = g_strdup_printf("%s|%s", system, code);
}

/* By its type, or because it says that it is one: then a wrong type is a fault of it. */
static gboolean
is_summary(const ErecNode *composition)
{
    for (const ErecNode *profile = erec_each(composition, "meta.profile"); profile != NULL;
         profile = erec_each_next(profile))
        if (strstr(profile->text, "//hl7.org/fhir/uv/ips/") != NULL)
            return TRUE;
    return erec_has_code(composition, "type", EREC_LOINC, "60591-5");
}

static void
describe_root(const ErecBundle *bundle, guint index, ErecDescription *d)
{
    g_autoptr(ErecTree) tree = erec_bundle_load(bundle, index, &d->fault);
    const ErecNode *root;

    if (tree == NULL)
        return;
    root = erec_tree_root(tree);
    collect_displays(root, d->names);
    d->category = erec_category_of(root);
    d->date = g_strdup(erec_date_of(root, &d->date_kind));
    describe_authors(bundle, index, root, d);
    if (erec_text_is(root, "resourceType", "Patient"))
        return; /* all of its words are the patient's */
    describe_title(root, d);
    describe_type(root, d);
    d->is_ips = erec_text_is(root, "resourceType", "Composition") && is_summary(root);
}

void
erec_describe_bundle(const ErecBundle *bundle, ErecDescription *d)
{
    const Roots roots = find_root(bundle);

    if (d->names == NULL)
        d->names = erec_names_new();
    d->kind = EREC_KIND_JSON;
    d->category = "other";
    d->form = form_of(bundle);
    d->fhir_version = version_of(bundle);
    d->media_type = strcmp(d->fhir_version, "4") == 0 ? "application/fhir+json"
                    : strcmp(d->fhir_version, "3") == 0
                        ? "application/fhir+json; fhirVersion=3.0"
                        : "application/fhir+json; fhirVersion=1.0";
    collect_names(bundle, d->names);
    if (roots.root >= 0 && !roots.mixed)
        describe_root(bundle, (guint)roots.root, d);
}
