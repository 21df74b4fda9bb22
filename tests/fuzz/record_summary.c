/* SPDX-License-Identifier: Apache-2.0
 *
 * What is shown of any file: entries in the order of their standing, each fact either a word of
 * ours or the record's, no entry twice.
 */
#include <string.h>

#include "lib/record/summary.h"
#include "tests/fuzz/fuzz.h"

static void
check_facts(const GArray *facts)
{
    for (guint i = 0; i < facts->len; i++) {
        const ErecFact *fact = &g_array_index(facts, ErecFact, i);

        FUZZ_CHECK(fact->label != NULL && (fact->word == NULL) != (fact->text == NULL));
        FUZZ_CHECK(fact->text == NULL || *fact->text != '\0');
    }
}

/* It may stand in several places, but never in itself. */
static void
check_item(const ErecBundle *bundle, const ErecItem *item, guint8 *open)
{
    FUZZ_CHECK(item->entry < erec_bundle_n_entries(bundle));
    FUZZ_CHECK(!open[item->entry]);
    open[item->entry] = 1;
    FUZZ_CHECK(item->standing <= EREC_IN_ERROR);
    check_facts(item->facts);
    for (guint i = 0; i < item->children->len; i++)
        check_item(bundle, g_ptr_array_index(item->children, i), open);
    open[item->entry] = 0;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    g_autoptr(GBytes) bytes = g_bytes_new_static(data, size);
    g_autoptr(ErecSource) source = erec_source_new_bytes(bytes);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
    g_autoptr(ErecSummary) summary = NULL;
    g_autofree guint8 *open = NULL, *listed = NULL;

    if (bundle == NULL)
        return 0;
    summary = erec_summary_new(bundle, "de_DE.UTF-8");
    open = g_new0(guint8, erec_bundle_n_entries(bundle) + 1);
    check_facts(summary->person);
    check_facts(summary->document);
    for (guint i = 0; i < summary->sections->len; i++) {
        const ErecSection *section = g_ptr_array_index(summary->sections, i);
        ErecStanding last = EREC_CURRENT;

        g_free(listed);
        listed = g_new0(guint8, erec_bundle_n_entries(bundle) + 1);
        FUZZ_CHECK(section->absence == EREC_PRESENT || section->items->len == 0);
        for (guint j = 0; j < section->items->len; j++) {
            const ErecItem *item = g_ptr_array_index(section->items, j);

            FUZZ_CHECK(item->standing >= last);
            last = item->standing;
            check_item(bundle, item, open);
            FUZZ_CHECK(!listed[item->entry]); /* once in a section */
            listed[item->entry] = 1;
        }
    }
    return 0;
}
