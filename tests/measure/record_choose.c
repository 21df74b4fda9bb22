/* SPDX-License-Identifier: Apache-2.0
 *
 * How long a patient waits for a choice: a section cut out of a summary, and a question to a
 * folder of records. Wall-clock time, for the files are read.
 *
 *     record_choose cut FILE SECTION   cuts, and writes to memory; prints SECONDS PROCESSOR-SECONDS ENTRIES
 *     record_choose make DIR N         writes N small records, of which each is different
 *     record_choose folder DIR CACHE   prints COLD WARM N: to index, and then to ask for the
 *                                      newest ten of a category since a date
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "lib/record/cut.h"
#include "lib/record/index.h"

static double
since(gint64 start)
{
    return (double)(g_get_monotonic_time() - start) / G_USEC_PER_SEC;
}

static int
cut(const char *file, const char *section)
{
    const char *const sections[] = {section, NULL}, *const texts[] = {"*", NULL};
    const ErecCutChoice choice = {.sections = sections, .texts = texts};
    const gint64 start = g_get_monotonic_time();
    g_autoptr(GOutputStream) out = g_memory_output_stream_new_resizable();
    g_autoptr(ErecSource) source = erec_source_new_path(file, NULL);
    g_autoptr(ErecBundle) bundle = source != NULL ? erec_bundle_new(source, NULL) : NULL;
    g_autoptr(ErecCut) done =
        bundle != NULL ? erec_cut_new(bundle, &choice, "urn:uuid:0") : NULL;
    guint kept = 0;

    if (done == NULL || erec_cut_verdict(done) != EREC_CUT_DONE ||
        !erec_cut_write(done, out, NULL))
        return EXIT_FAILURE;
    printf("%.6f %.6f", since(start), (double)clock() / CLOCKS_PER_SEC);
    for (guint i = 0; i < erec_bundle_n_entries(bundle); i++)
        kept += erec_cut_has_entry(done, i);
    printf(" %u\n", kept);
    return EXIT_SUCCESS;
}

static int
make(const char *folder, guint n)
{
    for (guint i = 0; i < n; i++) {
        g_autofree char *path = g_strdup_printf("%s/%05u.json", folder, i);
        g_autofree char *text = g_strdup_printf(
            "{\"resourceType\":\"%s\",\"id\":\"r%u\",\"status\":\"final\",\"code\":{\"coding\":"
            "[{\"system\":\"http://loinc.org\",\"code\":\"%u-1\",\"display\":\"Measurement "
            "%u\"}]},"
            "\"subject\":{\"reference\":\"Patient/1\"},\"effectiveDateTime\":\"%u-%02u-%02u\","
            "\"valueQuantity\":{\"value\":%u.50,\"unit\":\"mmol/"
            "L\"},\"note\":[{\"text\":\"%0500u\"}]}",
            i % 3 == 0 ? "DiagnosticReport" : "Observation", i, i % 900, i % 900, 2000 + i % 26,
            1 + i % 12, 1 + i % 28, i, i);

        if (!g_file_set_contents(path, text, -1, NULL))
            return EXIT_FAILURE;
    }
    return EXIT_SUCCESS;
}

static double
ask(const char *folder, const char *cache, guint *n)
{
    const char *const categories[] = {"Observation", NULL};
    const ErecQuery query = {.categories = categories, .since = "2020", .last = 10};
    const gint64 start = g_get_monotonic_time();
    g_autoptr(ErecIndex) index = erec_index_new(folder, cache, NULL);
    g_autofree gboolean *chosen = NULL;

    if (index == NULL)
        return -1;
    *n = erec_index_n(index);
    chosen = g_new(gboolean, *n + 1);
    for (guint i = 0; i < *n; i++)
        chosen[i] = TRUE;
    erec_index_select(index, &query, 1, chosen);
    return since(start);
}

static int
folder_times(const char *folder, const char *cache)
{
    guint n = 0;
    const double cold = ask(folder, cache, &n);
    double warm = 1e9;

    for (guint i = 0; i < 5; i++)
        warm = MIN(warm, ask(folder, cache, &n));
    printf("%.6f %.6f %u\n", cold, warm, n);
    return cold < 0 ? EXIT_FAILURE : EXIT_SUCCESS;
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "cut") == 0)
        return cut(argv[2], argv[3]);
    if (argc == 4 && strcmp(argv[1], "make") == 0)
        return make(argv[2], (guint)strtoul(argv[3], NULL, 10));
    if (argc == 4 && strcmp(argv[1], "folder") == 0)
        return folder_times(argv[2], argv[3]);
    fprintf(stderr, "usage: record_choose cut|make|folder …\n");
    return 64;
}
