/* SPDX-License-Identifier: Apache-2.0
 *
 * The JSON scanner, the tree and the index of a bundle. Scanner and tree agree on what is JSON;
 * every node's slice lies within its parent's, scans to the same again, and no text is longer
 * than what was written; every entry lies in the file.
 */
#include <string.h>

#include "lib/record/bundle.h"
#include "lib/record/scan.h"
#include "tests/fuzz/fuzz.h"

static ErecFault
scan(ErecSource *source)
{
    ErecScanner scanner;
    ErecToken token;
    ErecFault fault;
    guint64 end = 0;

    erec_scanner_init(&scanner, source);
    for (;;) {
        const ErecTokenKind kind = erec_scanner_next(&scanner, &token);

        FUZZ_CHECK(token.depth <= EREC_DEPTH_MAX);
        if (kind == EREC_TOKEN_FAULT || kind == EREC_TOKEN_END)
            break;
        FUZZ_CHECK(token.length > 0 && token.offset >= end);
        end = token.offset + token.length;
        FUZZ_CHECK(end <= erec_source_size(source));
    }
    fault = *erec_scanner_fault(&scanner);
    FUZZ_CHECK(erec_scanner_next(&scanner, &token) ==
               (fault.code == EREC_FAULT_OK ? EREC_TOKEN_END : EREC_TOKEN_FAULT));
    erec_scanner_clear(&scanner);
    return fault;
}

static gboolean
on_node(const ErecNode *node, gpointer user_data)
{
    const ErecTree *tree = user_data;
    gsize length;

    erec_tree_bytes(tree, &length);
    FUZZ_CHECK(node->length > 0 && node->offset + (gsize)node->length <= length);
    FUZZ_CHECK(g_utf8_validate(node->text, -1, NULL) && strlen(node->text) <= node->length);
    if (node->parent != NULL) {
        FUZZ_CHECK(node->offset > node->parent->offset);
        FUZZ_CHECK(node->offset + node->length < node->parent->offset + node->parent->length);
        FUZZ_CHECK((node->key != NULL) == (node->parent->type == EREC_OBJECT));
        if (node->key != NULL)
            FUZZ_CHECK(erec_member(node->parent, node->key) == node);
    }
    return TRUE;
}

static void
check_bundle(ErecSource *source)
{
    ErecFault fault = {EREC_FAULT_OK, 0};
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, &fault);

    FUZZ_CHECK((bundle != NULL) == (fault.code == EREC_FAULT_OK));
    for (guint i = 0; bundle != NULL && i < erec_bundle_n_entries(bundle) && i < 50; i++) {
        const ErecEntry *entry = erec_bundle_entry(bundle, i);
        guint index;

        FUZZ_CHECK(entry->offset + entry->length <= erec_source_size(source));
        FUZZ_CHECK(entry->resource_length == 0 || entry->resource >= entry->offset);
        FUZZ_CHECK(entry->resource + entry->resource_length <= entry->offset + entry->length ||
                   entry->resource_length == 0);
        if (entry->full_url != NULL && *entry->full_url != '\0')
            FUZZ_CHECK(erec_bundle_find_url(bundle, entry->full_url, &index) > 0);
        erec_tree_free(erec_bundle_load(bundle, i, NULL));
    }
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
    g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);
    const ErecFault of_scanner = scan(source);
    const gboolean mark = size >= 3 && memcmp(data, "\xef\xbb\xbf", 3) == 0;
    ErecFault of_tree = {EREC_FAULT_OK, 0};
    g_autoptr(ErecTree) tree = erec_tree_new(bytes, 0, &of_tree);

    FUZZ_CHECK((tree != NULL) == (of_tree.code == EREC_FAULT_OK));
    if (!mark && of_tree.code != EREC_FAULT_DUPLICATE && of_tree.code != EREC_FAULT_NODES) {
        FUZZ_CHECK(of_tree.code == of_scanner.code);
        FUZZ_CHECK(of_tree.offset == of_scanner.offset);
    }
    if (tree != NULL)
        erec_visit(erec_tree_root(tree), on_node, tree);
    check_bundle(source);
    return 0;
}
