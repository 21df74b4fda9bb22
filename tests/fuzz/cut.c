/* SPDX-License-Identifier: Apache-2.0
 *
 * A document, and what is left out of it: its first line names a section and an entry. What
 * comes out is sound JSON with the entries that stay, in order.
 */
#include "lib/record/cut.h"

#include <string.h>

#include "tests/fuzz/fuzz.h"

static GBytes *
written(const ErecCut *cut)
{
    g_autoptr(GOutputStream) out = g_memory_output_stream_new_resizable();

    FUZZ_CHECK(erec_cut_write(cut, out, NULL));
    FUZZ_CHECK(g_output_stream_close(out, NULL, NULL));
    return g_memory_output_stream_steal_as_bytes(G_MEMORY_OUTPUT_STREAM(out));
}

static void
check(const ErecBundle *bundle, const ErecCut *cut)
{
    g_autoptr(GBytes) bytes = written(cut);
    g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);
    g_autoptr(ErecBundle) out = erec_bundle_new(source, NULL);
    guint at = 0;

    FUZZ_CHECK(out != NULL);
    for (guint i = 0; i < erec_bundle_n_entries(bundle); i++) {
        const ErecEntry *entry = erec_bundle_entry(bundle, i), *after;
        g_autoptr(ErecTree) tree = NULL;

        if (!erec_cut_has_entry(cut, i))
            continue;
        FUZZ_CHECK(at < erec_bundle_n_entries(out));
        after = erec_bundle_entry(out, at);
        FUZZ_CHECK(g_strcmp0(entry->full_url, after->full_url) == 0);
        FUZZ_CHECK(g_strcmp0(entry->type, after->type) == 0);
        tree = erec_bundle_load_entry(out, at++, NULL);
        FUZZ_CHECK(tree != NULL);
    }
    FUZZ_CHECK(at == erec_bundle_n_entries(out));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const uint8_t *line = memchr(data, '\n', MIN(size, 200));
    const size_t head = line != NULL ? (size_t)(line - data) : 0;
    g_autofree char *names = g_strndup((const char *)data, head);
    g_auto(GStrv) parts = g_strsplit(names, " ", 3);
    const char *section[] = {parts[0], NULL},
               *entry[] = {parts[0] != NULL ? parts[1] : NULL, NULL}, *texts[] = {"*", NULL};
    const ErecCutChoice choice = {.sections = section, .entries = entry, .texts = texts};
    g_autoptr(GBytes) bytes = g_bytes_new(data + head, size - head);
    g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
    g_autoptr(ErecCut) cut = NULL;

    if (bundle == NULL)
        return 0;
    cut = erec_cut_new(bundle, &choice, "urn:uuid:0");
    FUZZ_CHECK((erec_cut_verdict(cut) == EREC_CUT_UNSOUND) ==
               (erec_cut_fault(cut)->code != EREC_FAULT_OK));
    if (erec_cut_verdict(cut) == EREC_CUT_DONE)
        check(bundle, cut);
    return 0;
}
