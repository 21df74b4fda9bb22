/* SPDX-License-Identifier: Apache-2.0
 *
 * The rules of the check: each has a seeded fault in a summary that is otherwise sound; the
 * verdicts on public records are those that the rules give; and what is made to harm ends in a
 * finding.
 */
#include <string.h>

#include "lib/record/check.h"
#include "tests/lib/record/corpus.h"

static const char sound[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"identifier\":{\"system\":\"urn:ietf:"
    "rfc:3986\",\"value\":\"urn:uuid:0\"},"
    "\"timestamp\":\"2026-03-01T10:00:00Z\",\"entry\":["
    "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Composition\",\"status\":"
    "\"final\",\"type\":{\"coding\":[{\"system\":"
    "\"http://"
    "loinc.org\",\"code\":\"60591-5\"}]},\"subject\":{\"reference\":\"urn:uuid:2\"},\"date\":"
    "\"2026-03-01\","
    "\"author\":[{\"reference\":\"urn:uuid:5\"}],\"title\":\"Summary\",\"section\":["
    "{\"title\":\"Problems\",\"code\":{\"coding\":[{\"system\":\"http://"
    "loinc.org\",\"code\":\"11450-4\"}]},\"text\":{\"status\":"
    "\"generated\",\"div\":\"<div>one</div>\"},\"entry\":[{\"reference\":\"urn:uuid:3\"}]},"
    "{\"title\":\"Allergies\",\"code\":{\"coding\":[{\"system\":\"http://"
    "loinc.org\",\"code\":\"48765-2\"}]},\"text\":{\"status\":"
    "\"generated\",\"div\":\"<div>two</"
    "div>\"},\"emptyReason\":{\"coding\":[{\"code\":\"nilknown\"}]}},"
    "{\"title\":\"Medications\",\"code\":{\"coding\":[{\"system\":\"http://"
    "loinc.org\",\"code\":\"10160-0\"}]},\"text\":{\"status\":"
    "\"generated\",\"div\":\"<div>three</"
    "div>\"},\"entry\":[{\"reference\":\"urn:uuid:4\"}]}]}},"
    "{\"fullUrl\":\"urn:uuid:2\",\"resource\":{\"resourceType\":\"Patient\",\"name\":[{"
    "\"family\":\"Doe\"}],\"birthDate\":\"1960-01-02\"}},"
    "{\"fullUrl\":\"urn:uuid:3\",\"resource\":{\"resourceType\":\"Condition\",\"code\":{"
    "\"text\":\"x\"},\"subject\":{\"reference\":"
    "\"urn:uuid:2\"},\"onsetDateTime\":\"2020\"}},"
    "{\"fullUrl\":\"urn:uuid:4\",\"resource\":{\"resourceType\":\"MedicationStatement\","
    "\"status\":\"active\","
    "\"medicationCodeableConcept\":{\"text\":\"y\"},\"subject\":{\"reference\":\"urn:uuid:2\"},"
    "\"effectiveDateTime\":\"2021-05\"}},"
    "{\"fullUrl\":\"urn:uuid:5\",\"resource\":{\"resourceType\":\"Organization\",\"name\":"
    "\"Z\",\"id\":\"z\"}},"
    "{\"fullUrl\":\"urn:uuid:6\",\"resource\":{\"resourceType\":\"Observation\",\"status\":"
    "\"final\",\"code\":{\"text\":\"w\"},"
    "\"valueString\":\"v\"}}]}";

/* In the sound summary `what` becomes `with`; then this rule speaks. */
static const struct {
    const char *rule, *what, *with;
} faults[] = {
    /* the bundle */
    {"Bundle.type", "\"type\":\"document\"", "\"type\":\"paper\""},
    {"Bundle.type", "\"type\":\"document\",", ""},
    {"bdl-3", "\"fullUrl\":\"urn:uuid:2\",",
     "\"fullUrl\":\"urn:uuid:2\",\"request\":{\"method\":\"GET\",\"url\":\"x\"},"},
    {"bdl-5",
     "{\"fullUrl\":\"urn:uuid:5\",\"resource\":{\"resourceType\":\"Organization\",\"name\":"
     "\"Z\",\"id\":\"z\"}}",
     "{\"fullUrl\":\"urn:uuid:5\"}"},
    {"bdl-7", "\"fullUrl\":\"urn:uuid:6\"", "\"fullUrl\":\"urn:uuid:5\""},
    {"bdl-8", "\"fullUrl\":\"urn:uuid:6\"",
     "\"fullUrl\":\"http://a/Observation/6/_history/2\""},
    {"bdl-9", "\"identifier\":{\"system\":\"urn:ietf:rfc:3986\",\"value\":\"urn:uuid:0\"},",
     ""},
    {"bdl-9", "\"system\":\"urn:ietf:rfc:3986\",\"value\"", "\"value\""},
    {"bdl-10", "\"timestamp\":\"2026-03-01T10:00:00Z\",", ""},
    {"date-format", "2026-03-01T10:00:00Z", "2026-03-01"},
    {"date-format", "2026-03-01T10:00:00Z", "yesterday"},
    {"bdl-11", "\"entry\":[{\"fullUrl\"",
     "\"entry\":[{\"fullUrl\":\"urn:uuid:7\",\"resource\":{\"resourceType\":\"Device\"}},{"
     "\"fullUrl\""},
    {"Bundle.entry.fullUrl", "\"fullUrl\":\"urn:uuid:6\",", ""},
    {"fullUrl-absolute", "\"fullUrl\":\"urn:uuid:6\"", "\"fullUrl\":\"Observation/6\""},
    {"bundle-in-bundle", "\"resourceType\":\"Observation\",\"status\":\"final\"",
     "\"resourceType\":\"Bundle\",\"type\":\"collection\""},
    {"resourceType", "{\"resourceType\":\"Organization\",", "{"},
    {"modifier", "\"type\":\"document\"",
     "\"type\":\"document\",\"implicitRules\":\"http://x\""},
    /* any resource */
    {"element-required", "\"status\":\"final\",\"code\":{\"text\":\"w\"}",
     "\"code\":{\"text\":\"w\"}"},
    {"choice-one", "\"valueString\":\"v\"",
     "\"valueString\":\"v\",\"valueQuantity\":{\"value\":1}"},
    {"date-format", "\"onsetDateTime\":\"2020\"", "\"onsetDateTime\":\"2020-13\""},
    {"date-format", "\"1960-01-02\"", "\"1960-01-32\""},
    {"primitive-type", "\"onsetDateTime\":\"2020\"", "\"onsetDateTime\":{\"a\":1}"},
    {"ele-1", "\"valueString\":\"v\"", "\"valueString\":\"v\",\"note\":[]"},
    {"reference-unresolved", "\"valueString\":\"v\"",
     "\"valueString\":\"v\",\"subject\":{\"reference\":\"urn:uuid:9\"}"},
    {"reference-by-id", "\"valueString\":\"v\"",
     "\"valueString\":\"v\",\"subject\":{\"reference\":\"Organization/z\"}"},
    {"dom-3", "\"valueString\":\"v\"",
     "\"valueString\":\"v\",\"subject\":{\"reference\":\"#p\"}"},
    {"reference-loop", "\"valueString\":\"v\"",
     "\"valueString\":\"v\",\"hasMember\":[{\"reference\":\"urn:uuid:6\"}]"},
    {"modifier", "\"valueString\":\"v\"",
     "\"valueString\":\"v\",\"modifierExtension\":[{\"url\":\"http://"
     "x\",\"valueBoolean\":true}]"},
    {"narrative-active", "<div>one</div>", "<div><ScRipt>x</ScRipt></div>"},
    {"narrative-active", "<div>one</div>", "<div><img src='x' onError = 'x'/></div>"},
    {"narrative-active", "<div>one</div>", "<div><a href='JavaScript:x'>y</a></div>"},
    {"narrative-active", "<div>one</div>", "<!DOCTYPE x [<!ENTITY a 'b'>]><div>&a;</div>"},
    /* the patient summary */
    {"bdl-ips-1", "\"resourceType\":\"Observation\"", "\"resourceType\":\"Composition\""},
    {"ips-one-patient", "\"resourceType\":\"Observation\"", "\"resourceType\":\"Patient\""},
    {"Composition.status", "\"status\":\"final\",\"type\"", "\"type\""},
    {"Composition.type",
     "\"status\":\"final\",\"type\":{\"coding\":[{\"system\":\"http://"
     "loinc.org\",\"code\":\"60591-5\"}]}",
     "\"status\":\"final\",\"meta\":{\"profile\":[\"http://hl7.org/fhir/uv/ips/"
     "StructureDefinition/Composition-uv-ips\"]}"},
    {"Composition.subject", "\"subject\":{\"reference\":\"urn:uuid:2\"},\"date\"", "\"date\""},
    {"Composition.subject.reference", "\"subject\":{\"reference\":\"urn:uuid:2\"},\"date\"",
     "\"subject\":{\"display\":\"x\"},\"date\""},
    {"Composition.date", "\"date\":\"2026-03-01\",", ""},
    {"Composition.author", "\"author\":[{\"reference\":\"urn:uuid:5\"}],", ""},
    {"Composition.title", "\"title\":\"Summary\",", ""},
    {"Composition.section.title", "\"title\":\"Allergies\",", ""},
    {"Composition.section.code",
     "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"11450-4\"}]},", ""},
    {"Composition.section.text",
     "\"text\":{\"status\":\"generated\",\"div\":\"<div>one</div>\"},", ""},
    {"Composition.section.section", "\"title\":\"Problems\",",
     "\"title\":\"Problems\",\"section\":[{\"title\":\"x\"}],"},
    {"ips-section-required", "11450-4", "11348-0"},
    {"ips-section-twice", "11450-4", "48765-2"},
    {"ips-comp-1", ",\"emptyReason\":{\"coding\":[{\"code\":\"nilknown\"}]}", ""},
    {"ips-section-reference", "\"entry\":[{\"reference\":\"urn:uuid:3\"}]",
     "\"entry\":[{\"reference\":\"urn:uuid:33\"}]"},
    {"ips-empty-reason", "\"emptyReason\"",
     "\"entry\":[{\"reference\":\"urn:uuid:3\"}],\"emptyReason\""},
    {"ips-withheld", "nilknown", "withheld"},
    {"ips-pat-1", "\"name\":[{\"family\":\"Doe\"}]", "\"name\":[{\"use\":\"official\"}]"},
    {"Patient.birthDate", ",\"birthDate\":\"1960-01-02\"", ""},
    {"ips-entry", "\"effectiveDateTime\":\"2021-05\"", "\"dosage\":[{\"text\":\"x\"}]"},
    {"ips-2", "\"valueString\":\"v\"", "\"id\":\"v\""},
    {"ips-do-not-perform", "\"resourceType\":\"Observation\"",
     "\"resourceType\":\"MedicationRequest\",\"doNotPerform\":true"},
    /* the bytes */
    {"json-duplicate", "\"valueString\":\"v\"", "\"valueString\":\"v\",\"valueString\":\"u\""},
    {"json-surrogate", "\"valueString\":\"v\"", "\"valueString\":\"\\ud800\""},
    {"json-utf8", "\"valueString\":\"v\"", "\"valueString\":\"\xff\""},
    {"json-number", "\"valueString\":\"v\"", "\"valueDecimal\":01"},
    {"json-trailing", "\"valueString\":\"v\"}}]}", "\"valueString\":\"v\"}}]}x"},
    {"json-cut", "\"valueString\":\"v\"}}]}", "\"valueString\":\"v\"}}]"},
    /* signatures */
    {"signature-malformed", "{\"resourceType\":\"Observation\",\"status\":\"final\"",
     "{\"resourceType\":\"Provenance\",\"target\":[{\"reference\":\"urn:uuid:1\"}],"
     "\"recorded\":\"2026-03-01T10:00:00Z\",\"agent\":[{\"id\":\"a\"}],"
     "\"signature\":[{\"sigFormat\":\"application/"
     "jose\",\"data\":\"ZW1wdHk=\"}],\"status\":\"final\""},
    {"signature-not-checked", "{\"resourceType\":\"Observation\",\"status\":\"final\"",
     "{\"resourceType\":\"Provenance\",\"target\":[{\"reference\":\"urn:uuid:1\"}],"
     "\"recorded\":\"2026-03-01T10:00:00Z\",\"agent\":[{\"id\":\"a\"}],"
     "\"signature\":[{\"sigFormat\":\"image/png\",\"data\":\"YS4uYg==\"}],"
     "\"status\":\"final\""},
    {"signature-not-checked", "\"type\":\"document\"",
     "\"type\":\"document\",\"signature\":{\"sigFormat\":\"application/signature+xml\","
     "\"data\":\"YS4uYg==\"}"},
    {"signature-malformed", "\"type\":\"document\"",
     "\"type\":\"document\",\"signature\":{\"data\":\"YS4uYg==\"}"},
    {"signature-malformed", "\"type\":\"document\"",
     "\"type\":\"document\",\"signature\":{\"who\":{\"display\":\"x\"}}"},
    {"signature-missing", "2026", "2026"},
};

static ErecReport *
check_text(const char *text)
{
    g_autoptr(ErecSource) source = source_of(text, -1);

    return erec_check(source, NULL);
}

static const ErecFinding *
find(const ErecReport *report, const char *rule)
{
    for (guint i = 0; i < report->findings->len; i++) {
        const ErecFinding *finding = g_ptr_array_index(report->findings, i);
        if (strcmp(finding->id, rule) == 0)
            return finding;
    }
    return NULL;
}

static void
test_sound(void)
{
    g_autoptr(ErecReport) report = check_text(sound);

    for (guint i = 0; i < report->findings->len; i++)
        g_test_message("%s", ((ErecFinding *)report->findings->pdata[i])->id);
    g_assert_cmpuint(report->errors, ==, 0);
    g_assert_cmpuint(report->warnings, ==, 0);
}

static void
test_faults(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        g_autoptr(GString) text = g_string_new(sound);
        g_autoptr(ErecReport) report = NULL;
        const ErecFinding *finding;

        g_assert_cmpuint(g_string_replace(text, faults[i].what, faults[i].with, 1), ==, 1);
        report = check_text(text->str);
        g_test_message("%s", faults[i].rule);
        finding = find(report, faults[i].rule);
        g_assert_nonnull(finding);
        g_assert_cmpuint(finding->offset, <=, text->len);
    }
}

/* Every rule of the table has a seeded fault, here or in the tests of files. */
static void
test_every_rule(void)
{
    static const char *const elsewhere[] = {
        "kind-opaque",
        "kind-json",
        "kind-not-checked",
        "fhir-old",
        "file-cut",
        "file-damaged",
        "bundle-empty",
        "string-long",
        "Composition.type",
        "Composition.section",
        "category-element",
        "lab-one-report",
        "lab-identifier",
        "findings-too-many",
        /* tests/tools/signatures.py */
        "signature-verified",
        "signature-data-only",
        "signature-signer-unknown",
        "signature-invalid",
        "signature-revoked",
        NULL,
    };

    for (guint rule = 0; rule < EREC_N_RULES; rule++) {
        gboolean seeded = g_strv_contains(elsewhere, erec_rule_id(rule));

        for (gsize i = 0; i < G_N_ELEMENTS(faults); i++)
            seeded = seeded || strcmp(faults[i].rule, erec_rule_id(rule)) == 0;
        g_test_message("%s", erec_rule_id(rule));
        g_assert_true(seeded);
    }
}

static void
assert_finds(const char *bytes, gssize length, const char *rule, ErecSeverity worst)
{
    g_autoptr(ErecSource) source = source_of(bytes, length);
    g_autoptr(ErecReport) report = erec_check(source, NULL);

    g_test_message("%s", rule);
    g_assert_nonnull(find(report, rule));
    g_assert_cmpint(erec_report_worst(report), ==, worst);
}

static void
test_files(void)
{
    assert_finds("hello", -1, "kind-opaque", EREC_NOTE);
    assert_finds("", -1, "kind-opaque", EREC_NOTE);
    assert_finds("{\"a\":1}", -1, "kind-json", EREC_NOTE);
    assert_finds("<ClinicalDocument xmlns='urn:hl7-org:v3'/>", -1, "kind-not-checked",
                 EREC_NOTE);
    assert_finds("<ClinicalDocument xmlns='urn:hl7-org:v3'><Signature "
                 "xmlns='http://www.w3.org/2000/09/xmldsig#'/></ClinicalDocument>",
                 -1, "signature-not-checked", EREC_WARNING);
    assert_finds("%PDF-1.7\n<</Type/Sig/ByteRange[0 1 2 3]>>\n%%EOF\n", -1,
                 "signature-not-checked", EREC_WARNING);
    assert_finds("{\"resourceType\":\"MedicationOrder\"}", -1, "fhir-old", EREC_WARNING);
    assert_finds("\x89PNG\r\n\x1a\nIHDR", -1, "file-cut", EREC_ERROR);
    assert_finds("\xff\xd8\xff\xe0", -1, "file-cut", EREC_ERROR);
    assert_finds("%PDF-1.4 and no end", -1, "file-cut", EREC_ERROR);
    assert_finds("II*\0\xff\xff\xff\x7f", 8, "file-cut", EREC_ERROR);
    assert_finds("II*\0\x08\0\0\0\0\0", 10, "file-damaged", EREC_ERROR);
    assert_finds("MM\0*\0\0\0\x01", 8, "file-damaged", EREC_ERROR);
    assert_finds("{\"resourceType\":\"Bundle\",\"type\":\"collection\"}", -1, "bundle-empty",
                 EREC_WARNING);
    assert_finds("{\"resourceType\":\"MedicationRequest\",\"status\":\"active\",\"intent\":"
                 "\"order\",\"medicationCodeableConcept\":{\"text\":"
                 "\"x\"},\"subject\":{\"display\":\"y\"}}",
                 -1, "category-element", EREC_WARNING);
}

static void
test_laboratory(void)
{
    g_autoptr(GString) text =
        g_string_new("{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{"
                     "\"resource\":{\"resourceType\":\"Composition\",\"type\":{\"coding\":["
                     "{\"system\":\"http://"
                     "loinc.org\",\"code\":\"11502-2\"}]},\"identifier\":{\"value\":\"a\"}}},{"
                     "\"resource\":{\"resourceType\":"
                     "\"DiagnosticReport\",\"identifier\":[{\"value\":\"b\"}]}}]}");
    g_autoptr(ErecReport) other = check_text(text->str);

    g_assert_nonnull(find(other, "lab-identifier"));
    g_string_replace(text, "\"DiagnosticReport\"", "\"Observation\"", 1);
    assert_finds(text->str, -1, "lab-one-report", EREC_ERROR);
}

/* --- made to harm
 * ------------------------------------------------------------------------------- */

static void
append_times(GString *text, const char *what, guint n)
{
    while (n-- > 0)
        g_string_append(text, what);
}

static void
test_harm(void)
{
    g_autoptr(GString) deep = g_string_new("{\"resourceType\":\"Patient\",\"a\":");
    g_autoptr(GString) wide = g_string_new("{\"resourceType\":\"Bundle\",\"type\":"
                                           "\"collection\",\"entry\":[{\"fullUrl\":\"urn:x\"}");
    g_autoptr(GString) lengthy =
        g_string_new("{\"resourceType\":\"Patient\",\"implicitName\":\"");
    g_autoptr(GString) nested = g_string_new("");
    g_autoptr(ErecReport) report = NULL;

    append_times(deep, "[", 100000);
    assert_finds(deep->str, -1, "json-depth", EREC_ERROR);
    append_times(wide, ",{\"fullUrl\":\"urn:x\"}", 20000);
    g_string_append(wide, "]}");
    report = check_text(wide->str);
    g_assert_cmpuint(report->findings->len, ==, EREC_FINDINGS_MAX);
    g_assert_nonnull(find(report, "findings-too-many"));
    g_assert_cmpuint(report->errors, >, 20000);
    append_times(lengthy, "0123456789abcdef", (10 << 20) / 16);
    g_string_append(lengthy, "\"}");
    assert_finds(lengthy->str, -1, "string-long", EREC_WARNING);
    append_times(nested,
                 "{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[{\"fullUrl\":"
                 "\"urn:uuid:1\",\"resource\":",
                 30);
    g_string_append(nested, "{\"resourceType\":\"Patient\"}");
    append_times(nested, "}]}", 30);
    assert_finds(nested->str, -1, "bundle-in-bundle", EREC_WARNING);
}

/* A ring of thousands, with tails to and from it: only the ring is named, and not all of it. */
static void
test_ring(void)
{
    g_autoptr(GString) text =
        g_string_new("{\"resourceType\":\"Bundle\",\"type\":\"collection\",\"entry\":[");
    g_autoptr(ErecReport) report = NULL;
    guint named = 0;

    for (guint i = 0; i < 5000; i++)
        g_string_append_printf(text,
                               "%s{\"fullUrl\":\"urn:uuid:%u\",\"resource\":{\"resourceType\":"
                               "\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
                               "\"x\"},\"hasMember\":[{\"reference\":\"urn:uuid:%u\"}]}}",
                               i > 0 ? "," : "", i, i < 4000 ? i + 1 : 1000);
    g_string_append(text, "]}");
    report = check_text(text->str);
    for (guint i = 0; i < report->findings->len; i++) {
        const ErecFinding *finding = g_ptr_array_index(report->findings, i);
        if (strcmp(finding->id, "reference-loop") != 0)
            continue;
        g_assert_cmpint(finding->entry, >=, 1000);
        g_assert_cmpint(finding->entry, <=, 4000);
        named++;
    }
    g_assert_cmpuint(named, ==, 10);
}

/* --- public records
 * ----------------------------------------------------------------------------- */

static char *
rules_of(const ErecReport *report)
{
    GString *rules = g_string_new(NULL);

    for (guint i = 0; i < report->findings->len; i++) {
        const ErecFinding *finding = g_ptr_array_index(report->findings, i);
        if (finding->severity == EREC_ERROR)
            g_string_append_printf(rules, "%s%s", rules->len > 0 ? " " : "", finding->id);
    }
    return g_string_free(rules, FALSE);
}

/* As the verdicts beside the corpus name them. */
static char *
expected_rules(const char *verdict)
{
    g_autoptr(GString) rules = g_string_new(verdict);

    if (strcmp(verdict, "OK") == 0)
        return g_strdup("");
    g_string_replace(rules, "/timestamp", "", 0);
    g_string_replace(rules, "unresolved section refs 1/25", "ips-section-reference", 0);
    g_string_replace(rules, ";", "", 0);
    return g_strdup(rules->str);
}

static gint
by_word(gconstpointer a, gconstpointer b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static char *
sorted(const char *words)
{
    g_auto(GStrv) list = g_strsplit(words, " ", -1);

    qsort(list, g_strv_length(list), sizeof *list, by_word);
    return g_strjoinv(" ", list);
}

static void
assert_verdict(const char *file, const char *verdict)
{
    static const char *const folders[] = {"ips", "ips-negative"};
    g_autofree char *wanted = expected_rules(verdict);

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autoptr(GPtrArray) files = corpus_list(folders[i]);
        g_autofree char *name = g_build_filename(folders[i], file, NULL);

        for (guint j = 0; files != NULL && j < files->len; j++) {
            if (strcmp(files->pdata[j], name) != 0)
                continue;
            g_autoptr(ErecSource) source = corpus_open(name);
            g_autoptr(ErecReport) report = erec_check(source, NULL);
            g_autofree char *rules = rules_of(report);
            g_autofree char *found = sorted(rules);
            g_autofree char *expected = sorted(wanted);
            g_test_message("%s: %s", name, verdict);
            g_assert_cmpstr(found, ==, expected);
        }
    }
}

static void
test_corpus(void)
{
    g_autoptr(ErecSource) source = corpus_open("EXPECTED-ips-structure.tsv");
    g_autoptr(GBytes) text =
        source != NULL ? erec_source_slice(source, 0, erec_source_size(source), NULL) : NULL;
    guint n = 0;

    if (text == NULL)
        return;
    g_autofree char *copy = g_strndup(g_bytes_get_data(text, NULL), g_bytes_get_size(text));
    g_auto(GStrv) lines = g_strsplit(copy, "\n", -1);
    for (char **line = lines; *line != NULL; line++) {
        g_auto(GStrv) fields = g_strsplit(*line, "\t", 4);
        if (**line == '#' || g_strv_length(fields) != 4)
            continue;
        assert_verdict(fields[0], fields[3]);
        n++;
    }
    g_assert_cmpuint(n, ==, 16);
}

static void
test_corpus_cut(void)
{
    static const char *const cut[] = {"dicom/MR_truncated.dcm", "jpeg/truncated_jpeg.jpg",
                                      "png/truncated_image.png"};
    static const char *const folders[] = {"dicom", "jpeg", "pdf", "png", "tiff"};

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autofree char *folder = g_build_filename("attachments", folders[i], NULL);
        g_autoptr(GPtrArray) files = corpus_list(folder);

        for (guint j = 0; files != NULL && j < files->len; j++) {
            g_autoptr(ErecSource) source = corpus_open(files->pdata[j]);
            g_autoptr(ErecReport) report = erec_check(source, NULL);
            gboolean expected = FALSE;

            for (gsize k = 0; k < G_N_ELEMENTS(cut); k++)
                expected = expected || g_str_has_suffix(files->pdata[j], cut[k]);
            g_test_message("%s", (char *)files->pdata[j]);
            g_assert_true((find(report, "file-cut") != NULL) == expected);
            g_assert_null(find(report, "file-damaged"));
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/check/sound", test_sound);
    g_test_add_func("/record/check/faults", test_faults);
    g_test_add_func("/record/check/every-rule", test_every_rule);
    g_test_add_func("/record/check/files", test_files);
    g_test_add_func("/record/check/laboratory", test_laboratory);
    g_test_add_func("/record/check/harm", test_harm);
    g_test_add_func("/record/check/ring", test_ring);
    g_test_add_func("/record/check/corpus", test_corpus);
    g_test_add_func("/record/check/corpus-cut", test_corpus_cut);
    return g_test_run();
}
