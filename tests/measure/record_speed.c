/* SPDX-License-Identifier: Apache-2.0
 *
 * How fast records are looked into: recognise and check of a file, against json-c's bare parse
 * of the same bytes. And the bundle of a given size that the memory is measured with.
 *
 *     record_speed FILE RUNS      prints "check SECONDS parse SECONDS bytes BYTES", the least
 * of the runs ("parse 0": no json-c) record_speed --check FILE   checks once and ends; its
 * memory is its caller's to look at record_speed --make FILE MB writes a collection of that
 * many megabytes
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#ifdef HAVE_JSON_C
#include <json-c/json.h>
#endif

#include "lib/record/check.h"

static double
seconds_of_check(const char *file)
{
    const clock_t start = clock();
    g_autoptr(ErecSource) source = erec_source_new_path(file, NULL);
    g_autoptr(ErecReport) report = source != NULL ? erec_check(source, NULL) : NULL;

    return report != NULL ? (double)(clock() - start) / CLOCKS_PER_SEC : -1;
}

/* What is read is in the cache by then: only the parse is timed. */
static double
seconds_of_parse(const char *file)
{
#ifdef HAVE_JSON_C
    g_autofree char *text = NULL;
    gsize length;
    clock_t start;
    json_object *root;

    if (!g_file_get_contents(file, &text, &length, NULL))
        return -1;
    start = clock();
    root = json_tokener_parse(text);
    const double seconds = (double)(clock() - start) / CLOCKS_PER_SEC;
    json_object_put(root);
    return seconds;
#else
    (void)file;
    return 0;
#endif
}

static int
measure(const char *file, int runs)
{
    g_autoptr(ErecSource) source = erec_source_new_path(file, NULL);
    double check = 1e9, parse = 1e9;

    if (source == NULL)
        return 66;
    for (int i = 0; i < runs; i++) {
        const double of_check = seconds_of_check(file), of_parse = seconds_of_parse(file);
        check = MIN(check, of_check);
        parse = MIN(parse, of_parse);
    }
    printf("check %f parse %f bytes %" G_GUINT64_FORMAT "\n", check, parse,
           erec_source_size(source));
    return 0;
}

static int
make(const char *file, guint64 bytes)
{
    FILE *out = fopen(file, "w");
    guint64 written = 0;

    if (out == NULL)
        return 73;
    written += (guint64)fprintf(
        out, "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[\n"
             "{\"fullUrl\":\"urn:uuid:p\",\"resource\":{\"resourceType\":\"Patient\",\"name\":["
             "{\"family\":\"Doe\"}]}}");
    for (guint i = 0; written < bytes; i++)
        written += (guint64)fprintf(
            out,
            ",\n{\"fullUrl\":\"urn:uuid:%08u-0000-4000-8000-000000000000\",\"resource\":{"
            "\"resourceType\":\"Observation\",\"id\":\"o%u\","
            "\"status\":\"final\",\"category\":[{\"coding\":[{\"system\":\"http://"
            "terminology.hl7.org/CodeSystem/observation-category\","
            "\"code\":\"laboratory\",\"display\":\"Laboratory\"}]}],\"code\":{\"coding\":[{"
            "\"system\":\"http://loinc.org\",\"code\":\"2339-0\","
            "\"display\":\"Glucose [Mass/volume] in "
            "Blood\"}],\"text\":\"Glucose\"},\"subject\":{\"reference\":\"urn:uuid:p\"},"
            "\"effectiveDateTime\":\"2026-03-01T10:00:00+01:00\",\"valueQuantity\":{\"value\":%"
            "u.50,\"unit\":\"mg/dL\",\"system\":"
            "\"http://unitsofmeasure.org\",\"code\":\"mg/"
            "dL\"},\"text\":{\"status\":\"generated\",\"div\":\"<div "
            "xmlns=\\\"http://www.w3.org/"
            "1999/xhtml\\\">Glucose %u.50 mg/dL</div>\"}}}",
            i, i, i % 300, i % 300);
    fprintf(out, "]}\n");
    return fclose(out) == 0 ? 0 : 73;
}

int
main(int argc, char **argv)
{
    if (argc == 4 && strcmp(argv[1], "--make") == 0)
        return make(argv[2], strtoull(argv[3], NULL, 10) * 1000 * 1000);
    if (argc == 3 && strcmp(argv[1], "--check") == 0)
        return seconds_of_check(argv[2]) < 0 ? 66 : 0;
    if (argc == 3)
        return measure(argv[1], atoi(argv[2]));
    (void)fprintf(stderr, "usage: record_speed FILE RUNS | --check FILE | --make FILE MB\n");
    return 64;
}
