/* SPDX-License-Identifier: Apache-2.0
 *
 * The bundle itself, and the entry objects around its resources (FHIR R4, bdl-1 to bdl-12).
 */
#include <string.h>

#include "lib/record/check-private.h"

static void
say(ErecCheck *check, ErecRule rule, gint entry, guint64 offset, const char *where,
    const char *detail)
{
    erec_report_add(check->report, rule, entry, offset, g_strdup(where), detail);
}

/* A member of the bundle, sound or said not to be; NULL when it is absent or broken. */
static ErecTree *
load_member(ErecCheck *check, const char *key)
{
    ErecFault fault = {EREC_FAULT_OK, 0};
    ErecTree *tree = erec_bundle_load_member(check->bundle, key, &fault);

    if (tree == NULL && fault.code != EREC_FAULT_OK)
        erec_report_add_fault(check->report, &fault, -1);
    return tree;
}

static void
check_identifier(ErecCheck *check)
{
    g_autoptr(ErecTree) tree = load_member(check, "identifier");
    const ErecNode *root = tree != NULL ? erec_tree_root(tree) : NULL;

    if (erec_text(root, "system") == NULL || erec_text(root, "value") == NULL)
        say(check, EREC_RULE_BDL_9, -1, 0, "Bundle.identifier", NULL);
}

static void
check_timestamp(ErecCheck *check)
{
    g_autoptr(ErecTree) tree = load_member(check, "timestamp");
    const ErecNode *root = tree != NULL ? erec_tree_root(tree) : NULL;

    if (root == NULL && check->is_document)
        say(check, EREC_RULE_BDL_10, -1, 0, "Bundle.timestamp", NULL);
    else if (root != NULL && (root->type != EREC_STRING || strchr(root->text, 'T') == NULL ||
                              !erec_date_is_valid(root->text)))
        say(check, EREC_RULE_DATE, -1, erec_tree_origin(tree), "Bundle.timestamp", root->text);
}

/* The rest of what stands beside the entries: sound, and not too deep. */
static void
check_members(ErecCheck *check)
{
    for (guint i = 0; i < erec_bundle_n_members(check->bundle); i++) {
        const char *key = erec_bundle_member(check->bundle, i)->key;
        g_autoptr(ErecTree) tree = NULL;

        if (strcmp(key, "identifier") != 0 && strcmp(key, "timestamp") != 0)
            tree = load_member(check, key);
        if (strcmp(key, "signature") == 0)
            erec_check_bundle_signature(check, tree);
        if (strcmp(key, "implicitRules") == 0)
            say(check, EREC_RULE_MODIFIER, -1, erec_bundle_member(check->bundle, i)->offset,
                "Bundle.implicitRules", NULL);
    }
}

void
erec_check_bundle(ErecCheck *check)
{
    static const char *const types[] = {
        "document",       "message", "transaction", "transaction-response", "batch",
        "batch-response", "history", "searchset",   "collection",           NULL};
    const char *type = erec_bundle_type(check->bundle);

    if (type == NULL || !g_strv_contains(types, type))
        say(check, EREC_RULE_BUNDLE_TYPE, -1, 0, "Bundle.type", type);
    if (erec_bundle_n_entries(check->bundle) == 0)
        say(check, EREC_RULE_BUNDLE_EMPTY, -1, 0, "Bundle.entry", NULL);
    check_timestamp(check);
    check_members(check);
    if (!check->is_document)
        return;
    check_identifier(check);
    if (erec_bundle_n_entries(check->bundle) > 0 &&
        g_strcmp0(erec_bundle_entry(check->bundle, 0)->type, "Composition") != 0)
        say(check, EREC_RULE_BDL_11, 0, erec_bundle_entry(check->bundle, 0)->offset,
            "Bundle.entry[0]", NULL);
}

/* The same fullUrl is allowed for several versions of one resource, in a history only. */
static void
check_unique(ErecCheck *check, const char *url, guint64 offset, const char *where)
{
    guint first = check->index;

    if (g_strcmp0(erec_bundle_type(check->bundle), "history") == 0)
        return;
    if (erec_bundle_find_url(check->bundle, url, &first) > 1 && first != check->index)
        say(check, EREC_RULE_BDL_7, (gint)check->index, offset, where, url);
}

static void
check_url(ErecCheck *check, const ErecEntry *entry, const char *where)
{
    const char *url = entry->full_url;

    if (url == NULL) {
        if (check->is_document)
            say(check, EREC_RULE_FULL_URL, (gint)check->index, entry->offset, where, NULL);
        return;
    }
    if (strstr(url, "/_history/") != NULL)
        say(check, EREC_RULE_BDL_8, (gint)check->index, entry->offset, where, url);
    if (strchr(url, ':') == NULL)
        say(check, EREC_RULE_FULL_URL_RELATIVE, (gint)check->index, entry->offset, where, url);
    check_unique(check, url, entry->offset, where);
}

void
erec_check_entry(ErecCheck *check, const ErecNode *entry)
{
    static const char *const extra[] = {"request", "response", "search"};
    const ErecEntry *known = erec_bundle_entry(check->bundle, check->index);
    const gboolean plain =
        check->is_document || g_strcmp0(erec_bundle_type(check->bundle), "collection") == 0;
    g_autofree char *where = g_strdup_printf("Bundle.entry[%u]", check->index);

    check_url(check, known, where);
    for (gsize i = 0; plain && i < G_N_ELEMENTS(extra); i++)
        if (erec_member(entry, extra[i]) != NULL)
            say(check, EREC_RULE_BDL_3, (gint)check->index, known->offset, where, extra[i]);
    if (known->resource_length == 0) {
        if (plain)
            say(check, EREC_RULE_BDL_5, (gint)check->index, known->offset, where, NULL);
        return;
    }
    if (known->type == NULL)
        say(check, EREC_RULE_RESOURCE_TYPE, (gint)check->index, known->resource, where, NULL);
    else if (strcmp(known->type, "Bundle") == 0)
        say(check, EREC_RULE_NESTED_BUNDLE, (gint)check->index, known->resource, where, NULL);
}
