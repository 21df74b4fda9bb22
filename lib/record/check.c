/* SPDX-License-Identifier: Apache-2.0
 *
 * See check.h: the order in which the parts look, one entry at a time.
 */
#include "lib/record/check-private.h"

#include <string.h>

#include "lib/record/dicom.h"

void
erec_check_say(ErecCheck *check, ErecRule rule, const ErecNode *node, const char *detail)
{
    const guint64 offset = erec_tree_origin(check->tree) + node->offset;

    /* a path costs a look at the node's neighbours: none is made for what will not be listed */
    const gboolean listed = check->report->findings->len < EREC_FINDINGS_MAX;

    erec_report_add(check->report, rule, (gint)check->index, offset,
                    listed ? erec_node_path(node) : NULL, detail);
}

gboolean
erec_check_has(const ErecNode *object, const char *name)
{
    g_autofree char *extension = NULL;

    if (erec_member(object, name) != NULL)
        return TRUE;
    extension = g_strconcat("_", name, NULL);
    return erec_member(object, extension) != NULL;
}

static void
check_one(ErecCheck *check, const ErecTree *tree, const ErecNode *resource)
{
    check->tree = tree;
    check->resource = resource;
    erec_check_resource(check);
    erec_check_values(check);
    erec_check_signature(check);
    if (check->description->is_ips && check->is_document)
        erec_check_ips(check);
    erec_check_category(check);
}

static void
check_index(ErecCheck *check, guint index)
{
    ErecFault fault = {EREC_FAULT_OK, 0};
    g_autoptr(ErecTree) tree = erec_bundle_load_entry(check->bundle, index, &fault);
    const ErecNode *root, *resource;

    check->index = index;
    if (tree == NULL) {
        erec_report_add_fault(check->report, &fault, (gint)index);
        return;
    }
    root = erec_tree_root(tree);
    if (!erec_bundle_is_bundle(check->bundle)) {
        check_one(check, tree, root);
        return;
    }
    check->tree = tree;
    erec_check_entry(check, root);
    resource = erec_member(root, "resource");
    if (resource != NULL && resource->type == EREC_OBJECT)
        check_one(check, tree, resource);
}

static void
check_fhir(const ErecBundle *bundle, const ErecDescription *description,
           const ErecSigners *signers, ErecReport *report)
{
    ErecCheck check = {.bundle = bundle, .description = description, .report = report};

    check.signing = (ErecSigning){bundle, signers, EREC_SIGNED_BYTES_MAX};

    if (strcmp(description->fhir_version, "4") != 0) {
        erec_report_add(report, EREC_RULE_FHIR_OLD, -1, 0, NULL, NULL);
        return;
    }
    check.is_document = g_strcmp0(erec_bundle_type(bundle), "document") == 0;
    check.parts = g_array_new(FALSE, FALSE, sizeof(ErecPart));
    if (erec_bundle_is_bundle(bundle))
        erec_check_bundle(&check);
    for (guint i = 0; i < erec_bundle_n_entries(bundle); i++)
        check_index(&check, i);
    if (description->is_ips && check.is_document)
        erec_check_ips_whole(&check);
    erec_check_category_whole(&check);
    erec_check_loops(&check);
    if (!check.has_signature)
        erec_report_add(report, EREC_RULE_SIGNATURE_MISSING, -1, 0, NULL, NULL);
    g_array_unref(check.parts);
    g_free(check.composition_identifier);
    g_free(check.report_identifier);
}

static void
check_json(const ErecBundle *bundle, const ErecDescription *description,
           const ErecSigners *signers, ErecReport *report)
{
    if (bundle != NULL)
        check_fhir(bundle, description, signers, report);
    else if (description->fault.code == EREC_FAULT_NOT_RESOURCE)
        erec_report_add(report, EREC_RULE_KIND_JSON, -1, 0, NULL, NULL);
    else
        erec_report_add_fault(report, &description->fault, -1);
}

static void
check_other(ErecSource *source, ErecKind kind, ErecReport *report)
{
    const char *damage = erec_kind_damage(source, kind);

    if (kind == EREC_KIND_DICOM) {
        g_auto(ErecDicom) dicom = {0};

        erec_dicom_read(source, &dicom);
        damage = dicom.cut ? "cut" : dicom.damaged ? "damaged" : NULL;
    }
    if (damage != NULL)
        erec_report_add(
            report, strcmp(damage, "cut") == 0 ? EREC_RULE_FILE_CUT : EREC_RULE_FILE_DAMAGED,
            -1, 0, NULL, NULL);
    erec_report_add(
        report, kind == EREC_KIND_OPAQUE ? EREC_RULE_KIND_OPAQUE : EREC_RULE_KIND_NOT_CHECKED,
        -1, 0, NULL, erec_kind_name(kind));
    erec_check_other_signature(source, kind, report);
}

ErecReport *
erec_check(ErecSource *source, ErecDescription *description)
{
    return erec_check_signed(source, NULL, description);
}

ErecReport *
erec_check_signed(ErecSource *source, const ErecSigners *signers, ErecDescription *description)
{
    g_autoptr(ErecReport) report = erec_report_new();
    g_auto(ErecDescription) own = {0};
    g_autoptr(ErecBundle) bundle = NULL;

    if (description == NULL)
        description = &own;
    erec_describe_and_index(source, description, &bundle);
    if (description->kind == EREC_KIND_JSON)
        check_json(bundle, description, signers, report);
    else
        check_other(source, description->kind, report);
    return g_steal_pointer(&report);
}
