/* SPDX-License-Identifier: Apache-2.0
 *
 * The index of a bundle: where entries are, what is kept of them, and what references point to.
 */
#include <string.h>

#include "lib/record/bundle.h"

static ErecBundle *
index_of(const char *json, ErecFault *fault)
{
    g_autoptr(GBytes) bytes = g_bytes_new(json, strlen(json));
    g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);

    return erec_bundle_new(source, fault);
}

static const char document[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"document\",\n\"entry\":[\n"
    " {\"fullUrl\":\"http:\\/\\/a.example\\/fhir/Composition/"
    "1\",\"resource\":{\"id\":\"1\",\"resourceType\":\"Composition\","
    "\"subject\":{\"reference\":\"Patient/2\"}}},\n"
    " {\"resource\":{\"resourceType\":\"Patient\",\"id\":\"2\"},\"fullUrl\":\"http://a.example/"
    "fhir/Patient/2\"},\n"
    " {\"fullUrl\":\"urn:uuid:3\",\"resource\":{\"resourceType\":\"Observation\",\"id\":\"3\","
    "\"contained\":[{\"id\":\"c\"}]}},\n"
    " {\"fullUrl\":\"urn:uuid:4\",\"resource\":{\"resourceType\":\"Observation\"}},\n"
    " {\"fullUrl\":\"urn:uuid:4\",\"resource\":{\"resourceType\":\"Observation\"}},\n"
    " {\"request\":{}}, 5],\"identifier\":{\"value\":\"x\"}}";

static void
test_index(void)
{
    g_autoptr(ErecBundle) bundle = index_of(document, NULL);
    g_autoptr(ErecTree) tree = NULL;
    g_autoptr(ErecTree) member = NULL;
    guint64 offset, length;

    g_assert_nonnull(bundle);
    g_assert_true(erec_bundle_is_bundle(bundle));
    g_assert_cmpstr(erec_bundle_type(bundle), ==, "document");
    g_assert_cmpuint(erec_bundle_n_entries(bundle), ==, 7);
    g_assert_cmpstr(erec_bundle_entry(bundle, 0)->full_url, ==,
                    "http://a.example/fhir/Composition/1");
    g_assert_cmpstr(erec_bundle_entry(bundle, 1)->type, ==, "Patient");
    g_assert_cmpstr(erec_bundle_entry(bundle, 1)->id, ==, "2");
    g_assert_null(erec_bundle_entry(bundle, 5)->type);
    g_assert_cmpuint(erec_bundle_entry(bundle, 6)->length, ==, 1);
    g_assert_cmpint(erec_bundle_find_type(bundle, "Observation", 0), ==, 2);
    g_assert_cmpint(erec_bundle_find_type(bundle, "Device", 0), ==, -1);
    g_assert_cmpuint(erec_bundle_n_members(bundle), ==, 3);
    g_assert_cmpstr(erec_bundle_member(bundle, 2)->key, ==, "identifier");

    tree = erec_bundle_load(bundle, 1, NULL);
    g_assert_cmpuint(erec_tree_root(tree)->length, ==,
                     strlen("{\"resourceType\":\"Patient\",\"id\":\"2\"}"));
    g_assert_cmpmem(erec_tree_slice(tree, erec_tree_root(tree)), erec_tree_root(tree)->length,
                    document + erec_bundle_entry(bundle, 1)->resource,
                    erec_tree_root(tree)->length);
    member = erec_bundle_load_member(bundle, "identifier", NULL);
    g_assert_cmpstr(erec_text(erec_tree_root(member), "value"), ==, "x");
    g_assert_true(erec_bundle_entries_slice(bundle, &offset, &length));
    g_assert_cmpint(document[offset], ==, '[');
    g_assert_cmpint(document[offset + length - 1], ==, ']');
}

static void
test_resolve(void)
{
    static const struct {
        guint from;
        const char *reference;
        ErecResolve found;
        guint index;
    } rows[] = {
        {0, "Patient/2", EREC_RESOLVE_ENTRY, 1},
        {2, "Patient/2", EREC_RESOLVE_BY_ID, 1},
        {2, "Patient/3", EREC_RESOLVE_NONE, 2},
        {0, "http://a.example/fhir/Patient/2", EREC_RESOLVE_ENTRY, 1},
        {0, "http://a.example/fhir/Patient/2/_history/7", EREC_RESOLVE_ENTRY, 1},
        {0, "http://b.example/fhir/Patient/2", EREC_RESOLVE_NONE, 0},
        {0, "urn:uuid:3", EREC_RESOLVE_ENTRY, 2},
        {0, "urn:uuid:3|1.0", EREC_RESOLVE_ENTRY, 2},
        {0, "urn:uuid:4", EREC_RESOLVE_AMBIGUOUS, 3},
        {2, "#c", EREC_RESOLVE_CONTAINED, 2},
        {0, "", EREC_RESOLVE_NONE, 0},
        {0, "///", EREC_RESOLVE_NONE, 0},
    };
    g_autoptr(ErecBundle) bundle = index_of(document, NULL);
    g_autoptr(ErecTree) tree = erec_bundle_load(bundle, 2, NULL);

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        guint index;

        g_test_message("%s", rows[i].reference);
        g_assert_cmpint(erec_bundle_resolve(bundle, rows[i].from, rows[i].reference, &index),
                        ==, rows[i].found);
        g_assert_cmpuint(index, ==, rows[i].index);
    }
    g_assert_nonnull(erec_contained(erec_tree_root(tree), "#c"));
    g_assert_null(erec_contained(erec_tree_root(tree), "#d"));
}

static void
on_reference(const ErecNode *node, gpointer user_data)
{
    g_ptr_array_add(user_data, g_strdup(node->text));
}

static void
test_references(void)
{
    g_autoptr(ErecBundle) bundle = index_of(document, NULL);
    g_autoptr(ErecTree) tree = erec_bundle_load(bundle, 0, NULL);
    g_autoptr(GPtrArray) found = g_ptr_array_new_with_free_func(g_free);

    erec_each_reference(erec_tree_root(tree), on_reference, found);
    g_assert_cmpuint(found->len, ==, 1);
    g_assert_cmpstr(found->pdata[0], ==, "Patient/2");
}

static void
test_single(void)
{
    g_autoptr(ErecBundle) bundle =
        index_of("{\"entry\":[{},{}],\"resourceType\":\"List\",\"id\":\"7\"}", NULL);

    g_assert_false(erec_bundle_is_bundle(bundle));
    g_assert_null(erec_bundle_type(bundle));
    g_assert_cmpuint(erec_bundle_n_entries(bundle), ==, 1);
    g_assert_cmpstr(erec_bundle_entry(bundle, 0)->type, ==, "List");
    g_assert_cmpstr(erec_bundle_entry(bundle, 0)->id, ==, "7");
    g_assert_null(erec_bundle_entry(bundle, 0)->full_url);
}

static void
test_faults(void)
{
    static const struct {
        const char *json;
        ErecFaultCode code;
    } rows[] = {
        {"[]", EREC_FAULT_NOT_RESOURCE},
        {"{}", EREC_FAULT_NOT_RESOURCE},
        {"{\"resourceType\":7}", EREC_FAULT_NOT_RESOURCE},
        {"{\"resourceType\":\"Bundle\"", EREC_FAULT_CUT},
        {"{\"resourceType\":\"Bundle\"} x", EREC_FAULT_TRAILING},
        {"{\"resourceType\":\"Bundle\",\"resourceType\":\"Patient\"}", EREC_FAULT_DUPLICATE},
        {"{\"entry\":[],\"entry\":[],\"resourceType\":\"Bundle\"}", EREC_FAULT_DUPLICATE},
        {"{\"resourceType\":\"Bundle\",\"entry\":[{\"fullUrl\":\"a\",\"fullUrl\":\"b\"}]}",
         EREC_FAULT_DUPLICATE},
        {"{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{},\"resource\":{}}]}",
         EREC_FAULT_DUPLICATE},
        {"{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"id\":\"a\",\"id\":\"b\"}}]}",
         EREC_FAULT_DUPLICATE},
        {"{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"id\":\"\\ud800\"}}]}",
         EREC_FAULT_SURROGATE},
        {"{\"resourceType\":\"Bundle\",\"entry\":[[[[\"\xff\"]]]]}", EREC_FAULT_UTF8},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        ErecFault fault = {EREC_FAULT_OK, 0};

        g_autofree char *shown = g_strescape(rows[i].json, NULL);

        g_test_message("%s", shown);
        g_assert_null(index_of(rows[i].json, &fault));
        g_assert_cmpstr(erec_fault_id(fault.code), ==, erec_fault_id(rows[i].code));
    }
}

static void
test_too_many_entries(void)
{
    GString *text = g_string_new("{\"resourceType\":\"Bundle\",\"entry\":[{}");
    ErecFault fault = {EREC_FAULT_OK, 0};

    for (guint i = 0; i < EREC_ENTRIES_MAX; i++)
        g_string_append(text, ",{}");
    g_string_append(text, "]}");
    g_assert_null(index_of(text->str, &fault));
    g_assert_cmpint(fault.code, ==, EREC_FAULT_ENTRIES);
    g_string_free(text, TRUE);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/bundle/index", test_index);
    g_test_add_func("/record/bundle/resolve", test_resolve);
    g_test_add_func("/record/bundle/references", test_references);
    g_test_add_func("/record/bundle/single", test_single);
    g_test_add_func("/record/bundle/faults", test_faults);
    g_test_add_func("/record/bundle/too-many-entries", test_too_many_entries);
    return g_test_run();
}
