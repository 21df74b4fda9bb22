/* SPDX-License-Identifier: Apache-2.0
 *
 * FHIR's canonical JSON: numbers as RFC 8785 has them in its appendix B, members by name,
 * strings with few escapes, and what is left out.
 */
#include "lib/record/canonical.h"

#include <string.h>

static const struct {
    const char *written, *canonical;
} numbers[] = {
    {"0", "0"},
    {"-0", "0"},
    {"-0.0", "0"},
    {"5e-324", "5e-324"},
    {"-5e-324", "-5e-324"},
    {"1.7976931348623157e308", "1.7976931348623157e+308"},
    {"9007199254740992", "9007199254740992"},
    {"295147905179352830000", "295147905179352830000"},
    {"9.999999999999997e22", "9.999999999999997e+22"},
    {"1e23", "1e+23"},
    {"1.0000000000000001e23", "1.0000000000000001e+23"},
    {"999999999999999700000", "999999999999999700000"},
    {"1E21", "1e+21"},
    {"1e20", "100000000000000000000"},
    {"9.999999999999997e-7", "9.999999999999997e-7"},
    {"0.000001", "0.000001"},
    {"1e-7", "1e-7"},
    {"333333333.3333332", "333333333.3333332"},
    {"333333333.33333325", "333333333.33333325"},
    {"-0.0000033333333333333333", "-0.0000033333333333333333"},
    {"1424953923781206.2", "1424953923781206.2"},
    {"1.50", "1.5"},
    {"7.00", "7"},
    {"100", "100"},
    {"1e400", "1e400"}, /* none of ECMAScript's: it stays */
};

static void
test_numbers(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(numbers); i++) {
        g_autofree char *text = erec_canonical_number(numbers[i].written);
        g_assert_cmpstr(text, ==, numbers[i].canonical);
    }
}

static char *
canonical(const char *json, ErecForm form, const char *const *without, gsize max)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(json, strlen(json));
    g_autoptr(ErecTree) tree = erec_tree_new(bytes, 0, NULL);
    GString *out = g_string_new(NULL);

    g_assert_nonnull(tree);
    if (!erec_canonical_add(out, erec_tree_root(tree), form, without, max)) {
        g_string_free(out, TRUE);
        return NULL;
    }
    return g_string_free(out, FALSE);
}

static void
test_forms(void)
{
    static const char json[] =
        "{ \"b\" : [ 1.50 , true,null ],\n\"a\":\"x \\n\\u00e9\\u0001\\/\","
        "\"_a\":{\"z\":[],\"B\":{}} }",
                      as_written[] =
                          "{\"_a\":{\"B\":{},\"z\":[]},\"a\":\"x \\n\xc3\xa9\\u0001/\","
                          "\"b\":[1.50,true,null]}",
                      rfc8785[] = "{\"_a\":{\"B\":{},\"z\":[]},\"a\":\"x \\n\xc3\xa9\\u0001/\","
                                  "\"b\":[1.5,true,null]}",
                      single[] = "{\"_a\":{\"B\":{},\"z\":[]},\"a\":\"x \xc3\xa9\\u0001/\","
                                 "\"b\":[1.50,true,null]}";
    static const char *const expected[] = {as_written, rfc8785, single};

    for (guint form = 0; form < EREC_N_FORMS; form++) {
        g_autofree char *text = canonical(json, (ErecForm)form, NULL, 1000);
        g_assert_cmpstr(text, ==, expected[form]);
    }
}

static void
test_without(void)
{
    static const char *const without[] = {"text", "meta", NULL};
    g_autofree char *text = canonical("{\"text\":1,\"x\":{\"text\":2},\"meta\":{}}",
                                      EREC_FORM_AS_WRITTEN, without, 1000);

    /* only its own members: what is deeper is content */
    g_assert_cmpstr(text, ==, "{\"x\":{\"text\":2}}");
}

static void
test_bounds(void)
{
    g_autofree char *fits = canonical("[1,\"abc\"]", EREC_FORM_AS_WRITTEN, NULL, 9);

    g_assert_cmpstr(fits, ==, "[1,\"abc\"]");
    g_assert_null(canonical("[1,\"abcd\"]", EREC_FORM_AS_WRITTEN, NULL, 9));
    g_assert_null(canonical("[1,2,3,4,5]", EREC_FORM_AS_WRITTEN, NULL, 9));
}

/* A signed bundle in whose place something stands that has the same canonical form. */
static void
test_bundle(void)
{
    static const struct {
        const char *json, *expected;
    } rows[] = {
        {"{\"resourceType\":\"Bundle\",\"entry\":[]}", "{\"entry\":[],\"resourceType\":\"Bundle\"}"},
        {"{\"resourceType\":\"Bundle\",\"entry\":[{\"b\":1,\"a\":2}]}",
         "{\"entry\":[{\"a\":2,\"b\":1}],\"resourceType\":\"Bundle\"}"},
        {"{\"resourceType\":\"Bundle\",\"entry\":{\"b\":1}}",
         "{\"entry\":{\"b\":1},\"resourceType\":\"Bundle\"}"},
        {"{\"resourceType\":\"Bundle\",\"entry\":\"x\"}",
         "{\"entry\":\"x\",\"resourceType\":\"Bundle\"}"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(rows[i].json, strlen(rows[i].json));
        ErecSource *source = erec_source_new_bytes(bytes);
        g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
        g_autoptr(GString) out = g_string_new(NULL);

        g_assert_nonnull(bundle);
        g_assert_true(
            erec_canonical_add_bundle(out, bundle, EREC_FORM_AS_WRITTEN, NULL, 1000));
        g_assert_cmpstr(out->str, ==, rows[i].expected);
        erec_source_unref(source);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/canonical/numbers", test_numbers);
    g_test_add_func("/record/canonical/forms", test_forms);
    g_test_add_func("/record/canonical/without", test_without);
    g_test_add_func("/record/canonical/bounds", test_bounds);
    g_test_add_func("/record/canonical/bundle", test_bundle);
    return g_test_run();
}
