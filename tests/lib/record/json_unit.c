/* SPDX-License-Identifier: Apache-2.0
 *
 * The scanner and the tree: what is not JSON gets its named fault at its byte, whatever the
 * window's end cuts in two; what is JSON keeps every byte.
 */
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/record/json.h"
#include "lib/record/scan.h"

static const struct {
    const char *json;
    ErecFaultCode code;
    guint64 offset;
} rows[] = {
    {"{}", EREC_FAULT_OK, 0},
    {" [ ] \n", EREC_FAULT_OK, 0},
    {"[1,-0,1.50,1e400,-1.5E+3,0.0]", EREC_FAULT_OK, 0},
    {"[true,false,null,\"\"]", EREC_FAULT_OK, 0},
    {"{\"a\":{\"a\":[{\"a\":1}]}}", EREC_FAULT_OK, 0},
    {"\"\\u00e4\\ud83d\\ude00\\\"\\/\"", EREC_FAULT_OK, 0},
    {"\xef\xbb\xbf{}", EREC_FAULT_OK, 0},
    {"", EREC_FAULT_EMPTY, 0},
    {" \n", EREC_FAULT_EMPTY, 2},
    {"{", EREC_FAULT_CUT, 1},
    {"[1", EREC_FAULT_CUT, 2},
    {"\"abc", EREC_FAULT_CUT, 4},
    {"{\"a\"", EREC_FAULT_CUT, 4},
    {"[tru", EREC_FAULT_CUT, 1},
    {"\"\xc3", EREC_FAULT_CUT, 2},
    {"\"\\u12", EREC_FAULT_CUT, 5},
    {"{} {}", EREC_FAULT_TRAILING, 3},
    {"[]\0", EREC_FAULT_OK, 0},
    {"[1]x", EREC_FAULT_TRAILING, 3},
    {"[1,]", EREC_FAULT_SYNTAX, 3},
    {"[,1]", EREC_FAULT_SYNTAX, 1},
    {"{\"a\":1,}", EREC_FAULT_SYNTAX, 7},
    {"{\"a\" 1}", EREC_FAULT_SYNTAX, 5},
    {"{a:1}", EREC_FAULT_SYNTAX, 1},
    {"[1}", EREC_FAULT_SYNTAX, 2},
    {"{]", EREC_FAULT_SYNTAX, 1},
    {"['a']", EREC_FAULT_SYNTAX, 1},
    {"[nul]", EREC_FAULT_SYNTAX, 1},
    {"[NaN]", EREC_FAULT_SYNTAX, 1},
    {"// x\n{}", EREC_FAULT_SYNTAX, 0},
    {"[01]", EREC_FAULT_NUMBER, 1},
    {"[+1]", EREC_FAULT_SYNTAX, 1},
    {"[1.]", EREC_FAULT_NUMBER, 1},
    {"[.5]", EREC_FAULT_SYNTAX, 1},
    {"[1e]", EREC_FAULT_NUMBER, 1},
    {"[-]", EREC_FAULT_NUMBER, 1},
    {"[0x1]", EREC_FAULT_NUMBER, 1},
    {"[1.2.3]", EREC_FAULT_NUMBER, 1},
    {"[\"a\nb\"]", EREC_FAULT_CONTROL, 3},
    {"[\"\\x\"]", EREC_FAULT_ESCAPE, 2},
    {"[\"\\u12g4\"]", EREC_FAULT_ESCAPE, 6},
    {"[\"\\u0000\"]", EREC_FAULT_NUL, 2},
    {"[\"\\ud800\"]", EREC_FAULT_SURROGATE, 2},
    {"[\"\\ud800\\u0041\"]", EREC_FAULT_SURROGATE, 2},
    {"[\"\\udc00\"]", EREC_FAULT_SURROGATE, 2},
    {"[\"\x80\"]", EREC_FAULT_UTF8, 2},
    {"[\"\xc0\xaf\"]", EREC_FAULT_UTF8, 2},
    {"[\"\xe0\x80\xaf\"]", EREC_FAULT_UTF8, 2},
    {"[\"\xed\xa0\x80\"]", EREC_FAULT_UTF8, 2},
    {"[\"\xf4\x90\x80\x80\"]", EREC_FAULT_UTF8, 2},
    {"[\"\xff\"]", EREC_FAULT_UTF8, 2},
    {"{\"\\u0061\":1}", EREC_FAULT_KEY_ESCAPE, 1},
    {"{\"a\":1,\"b\":2,\"a\":3}", EREC_FAULT_DUPLICATE, 13},
    {"[{\"a\":1},{\"x\":{\"b\":1,\"b\":1}}]", EREC_FAULT_DUPLICATE, 21},
};

static ErecFault
scan_all(ErecSource *source)
{
    ErecScanner scanner;
    ErecToken token;
    ErecFault fault;
    ErecTokenKind kind;

    erec_scanner_init(&scanner, source);
    do
        kind = erec_scanner_next(&scanner, &token);
    while (kind != EREC_TOKEN_FAULT && kind != EREC_TOKEN_END);
    fault = *erec_scanner_fault(&scanner);
    erec_scanner_clear(&scanner);
    return fault;
}

static void
test_faults(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(GBytes) bytes = g_bytes_new_static(rows[i].json, strlen(rows[i].json));
        g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);
        ErecFault fault = scan_all(source);
        const gboolean twice = rows[i].code == EREC_FAULT_DUPLICATE,
                       mark = (guchar)*rows[i].json == 0xef;

        g_autofree char *shown = g_strescape(rows[i].json, NULL);

        g_test_message("%s", shown);
        if (!twice) {
            g_assert_cmpstr(erec_fault_id(fault.code), ==, erec_fault_id(rows[i].code));
            g_assert_cmpuint(fault.offset, ==, rows[i].offset);
        }
        if (!mark) {
            ErecFault of_tree = {EREC_FAULT_OK, 0};
            g_autoptr(ErecTree) tree = erec_tree_new(bytes, 1000, &of_tree);

            g_assert_cmpstr(erec_fault_id(of_tree.code), ==, erec_fault_id(rows[i].code));
            g_assert_true((tree != NULL) == (rows[i].code == EREC_FAULT_OK));
            if (tree == NULL)
                g_assert_cmpuint(of_tree.offset, ==, rows[i].offset + 1000);
        }
    }
}

/* The same texts with so much space in front that the window ends at each of their bytes. */
static void
test_window(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        const gsize length = strlen(rows[i].json);

        if (rows[i].code == EREC_FAULT_DUPLICATE || (guchar)*rows[i].json == 0xef)
            continue;
        for (gsize cut = 0; cut <= length; cut++) {
            const gsize before = EREC_WINDOW - cut;
            GString *text = g_string_sized_new(before + length);
            g_autoptr(GBytes) bytes = NULL;
            g_autoptr(ErecSource) source = NULL;
            ErecFault fault;

            memset(text->str, ' ', before);
            text->len = before;
            g_string_append(text, rows[i].json);
            bytes = g_string_free_to_bytes(text);
            source = erec_source_new_bytes(bytes);
            fault = scan_all(source);
            g_assert_cmpstr(erec_fault_id(fault.code), ==, erec_fault_id(rows[i].code));
            if (fault.code != EREC_FAULT_OK)
                g_assert_cmpuint(fault.offset, ==, rows[i].offset + before);
        }
    }
}

static ErecFault
fault_of(GString *text)
{
    g_autoptr(GBytes) bytes = g_string_free_to_bytes(text);
    g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);

    return scan_all(source);
}

static GString *
repeat(const char *what, gsize n)
{
    GString *text = g_string_sized_new(strlen(what) * n);

    for (gsize i = 0; i < n; i++)
        g_string_append(text, what);
    return text;
}

static void
test_bounds(void)
{
    GString *text;
    ErecFault fault;

    fault = fault_of(repeat("[", 100000));
    g_assert_cmpint(fault.code, ==, EREC_FAULT_DEPTH);
    g_assert_cmpuint(fault.offset, ==, EREC_DEPTH_MAX);
    fault = fault_of(repeat("{\"a\":", 100000));
    g_assert_cmpint(fault.code, ==, EREC_FAULT_DEPTH);
    text = repeat("[", EREC_DEPTH_MAX);
    for (guint i = 0; i < EREC_DEPTH_MAX; i++)
        g_string_append_c(text, ']');
    g_assert_cmpint(fault_of(text).code, ==, EREC_FAULT_OK);

    text = repeat("0123456789", 1000000);
    g_string_prepend_c(text, '"');
    g_string_append_c(text, '"');
    g_assert_cmpint(fault_of(text).code, ==,
                    EREC_FAULT_OK); /* 10 MB: an attachment may be so long */
    text = repeat("0123456789abcdef", EREC_STRING_MAX / 16);
    g_string_prepend_c(text, '"');
    g_string_append_c(text, '"');
    g_assert_cmpint(fault_of(text).code, ==, EREC_FAULT_STRING_LONG);

    text = repeat("k", EREC_KEY_MAX + 1);
    g_string_prepend(text, "{\"");
    g_string_append(text, "\":1}");
    g_assert_cmpint(fault_of(text).code, ==, EREC_FAULT_KEY_LONG);
    text = repeat("1", 1000);
    g_assert_cmpint(fault_of(text).code, ==, EREC_FAULT_NUMBER);
}

static void
test_many_values(void)
{
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(ErecTree) tree = NULL;
    ErecFault fault = {EREC_FAULT_OK, 0};
    GString *text = repeat("1,", EREC_NODES_MAX);

    g_string_prepend_c(text, '[');
    g_string_append(text, "1]");
    bytes = g_string_free_to_bytes(text);
    tree = erec_tree_new(bytes, 0, &fault);
    g_assert_null(tree);
    g_assert_cmpint(fault.code, ==, EREC_FAULT_NODES);
}

static const char resource[] =
    "{ \"resourceType\" : \"Observation\",\n \"code\": {\"coding\" : [ "
    "{\"system\":\"http:\\/\\/loinc.org\", \"code\":\"1-8\"},"
    "{\"code\":\"2\"} ]}, \"valueQuantity\": {\"value\": 1.50 , \"big\":1e400}, "
    "\"_valueString\": {}, \"ok\":true,\"none\":null,"
    "\"text\":\"a\\n\\u00e4\\ud83d\\ude00\",\"list\":[\"x\",\"y\"]}";

static void
assert_slice(const ErecTree *tree, const ErecNode *node, const char *wanted)
{
    g_autofree char *slice = g_strndup(erec_tree_slice(tree, node), node->length);

    g_assert_cmpstr(slice, ==, wanted);
}

static void
test_tree(void)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(resource, strlen(resource));
    g_autoptr(ErecTree) tree = erec_tree_new(bytes, 0, NULL);
    const ErecNode *root = erec_tree_root(tree), *node;
    g_autofree char *path = NULL;
    guint n = 0;

    g_assert_cmpstr(erec_text(root, "resourceType"), ==, "Observation");
    g_assert_cmpstr(erec_text(root, "code.coding.system"), ==, "http://loinc.org");
    g_assert_cmpstr(erec_text(root, "valueQuantity.value"), ==, "1.50");
    assert_slice(tree, erec_get(root, "valueQuantity.value"), "1.50");
    g_assert_cmpstr(erec_text(root, "valueQuantity.big"), ==, "1e400");
    g_assert_cmpstr(erec_text(root, "ok"), ==, "true");
    g_assert_null(erec_text(root, "none"));
    g_assert_null(erec_text(root, "code"));
    g_assert_null(erec_text(root, "a.b.c"));
    g_assert_cmpstr(erec_text(root, "text"), ==, "a\n\xc3\xa4\xf0\x9f\x98\x80");
    g_assert_cmpuint(erec_get(root, "text")->size, ==, strlen("a\n\xc3\xa4\xf0\x9f\x98\x80"));
    assert_slice(tree, erec_get(root, "text"), "\"a\\n\\u00e4\\ud83d\\ude00\"");
    assert_slice(tree, erec_get(root, "code.coding.system"), "\"http:\\/\\/loinc.org\"");
    assert_slice(tree, erec_get(root, "valueQuantity"), "{\"value\": 1.50 , \"big\":1e400}");
    assert_slice(tree, root, resource);

    node = erec_choice(root, "value", &n);
    g_assert_cmpstr(node->key, ==, "valueQuantity");
    g_assert_cmpuint(n, ==, 1);
    g_assert_true(erec_has_code(root, "code", NULL, "2"));
    g_assert_true(erec_has_code(root, "code", "http://loinc.org", "1-8"));
    g_assert_false(erec_has_code(root, "code", "http://loinc.org", "2"));
    n = 0;
    for (node = erec_each(root, "list"); node != NULL; node = erec_each_next(node))
        n++;
    g_assert_cmpuint(n, ==, 2);
    for (node = erec_each(root, "text"); node != NULL; node = erec_each_next(node))
        n++;
    g_assert_cmpuint(n, ==, 3);
    path = erec_node_path(erec_each(root, "code.coding")->next->first);
    g_assert_cmpstr(path, ==, "Observation.code.coding[1].code");
    g_assert_null(erec_get(NULL, "a"));
    g_assert_null(erec_each(NULL, "a"));
}

/* Every object of a big bag of members, sorted or not, finds the one that is there twice. */
static void
test_duplicate_of_many(void)
{
    GString *text = g_string_new("{");
    g_autoptr(GBytes) bytes = NULL;
    ErecFault fault = {EREC_FAULT_OK, 0};

    for (guint i = 0; i < 1000; i++)
        g_string_append_printf(text, "\"k%u\":1,", i * 7919 % 1000);
    const gsize at = text->len;
    g_string_append(text, "\"k500\":1}");
    bytes = g_string_free_to_bytes(text);
    g_assert_null(erec_tree_new(bytes, 0, &fault));
    g_assert_cmpint(fault.code, ==, EREC_FAULT_DUPLICATE);
    g_assert_cmpuint(fault.offset, ==, at);
}

/* A file that becomes shorter while it is read is a fault, not a crash. */
static void
test_shrinking_file(void)
{
    g_autofree char *path = NULL;
    g_autoptr(ErecSource) source = NULL;
    g_autoptr(GError) error = NULL;
    ErecFault fault = {EREC_FAULT_OK, 0};
    const int fd = g_file_open_tmp("ehrlink-XXXXXX", &path, &error);

    g_assert_no_error(error);
    g_assert_cmpint(write(fd, "[1,2,3]", 7), ==, 7);
    source = erec_source_new_path(path, &error);
    g_assert_no_error(error);
    g_assert_cmpint(ftruncate(fd, 3), ==, 0);
    g_assert_cmpint(scan_all(source).code, ==, EREC_FAULT_READ);
    g_assert_null(erec_source_slice(source, 0, 7, &fault));
    g_assert_cmpint(fault.code, ==, EREC_FAULT_READ);
    g_unlink(path);
    close(fd);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/json/faults", test_faults);
    g_test_add_func("/record/json/window", test_window);
    g_test_add_func("/record/json/bounds", test_bounds);
    g_test_add_func("/record/json/many-values", test_many_values);
    g_test_add_func("/record/json/tree", test_tree);
    g_test_add_func("/record/json/duplicate-of-many", test_duplicate_of_many);
    g_test_add_func("/record/json/shrinking-file", test_shrinking_file);
    return g_test_run();
}
