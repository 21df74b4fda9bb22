/* SPDX-License-Identifier: Apache-2.0
 *
 * Cutting a patient summary: what the patient leaves out is in no byte of what goes out, what
 * goes out is a document that checks no worse than the old one, and nothing else changed.
 */
#include <string.h>

#include "lib/record/check.h"
#include "lib/record/cut.h"
#include "tests/lib/record/corpus.h"

#define IDENTIFIER "urn:uuid:00000000-0000-4000-8000-00000000c001"
/* Single entries of one record that are cut in turn. */
#define SINGLES    6

#define LOINC(code)                                                                            \
    "\"code\":{\"coding\":[{\"system\":\"http://loinc.org\",\"code\":\"" code "\"}]}"
#define DIV(text)                                                                              \
    "\"text\":{\"status\":\"generated\",\"div\":\"<div xmlns=\\\"http://www.w3.org/1999/"      \
    "xhtml\\\">" text "</div>\"}"
#define ENTRY(id, rest) "{\"fullUrl\":\"urn:uuid:" id "\",\"resource\":{" rest "}}"

/* Six problems of cutting in one: a reason, a note, a panel, a report with a PDF, a contained
 * resource, a plan in words. */
static const char
    summary[] = "{\"signature\":{\"data\":\"c2lnbmVk\"},\"resourceType\":\"Bundle\",\"id\":"
                "\"old-"
                "bundle\","
                "\"type\":\"document\",\"identifier\":{\"system\":\"urn:x\",\"value\":\"old-"
                "value\"},"
                "\"timestamp\":\"2026-03-01T10:00:00Z\",\"entry\":[\n"
                "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Composition\","
                "\"identifier\":{\"system\":\"urn:x\",\"value\":\"old-composition\"},"
                "\"status\":\"final\",\"type\":{\"coding\":[{\"system\":\"http://"
                "loinc.org\",\"code\":"
                "\"60591-5\"}]}," DIV(
                    "psoriasis everywhere") ",\"subject\":{\"reference\":\"urn:uuid:2\"},"
                                            "\"date\":\"2026-02-28\",\"attester\":[{\"mode\":"
                                            "\"legal\"}],"
                                            "\"author\":[{\"reference\":\"urn:uuid:9\"}],"
                                            "\"title\":"
                                            "\"Summary\",\"section\":["
                                            "{\"title\":\"Problems\"," LOINC("11450-4") "," DIV(
                                                "Psoriasis and gout") ",\"entry\":[{"
                                                                      "\"reference\":"
                                                                      "\"urn:uuid:3\"},{"
                                                                      "\"reference\":"
                                                                      "\"urn:uuid:4\"}]},"
                                                                      "{\"title\":"
                                                                      "\"Allergies\"," LOINC(
                                                                          "48765"
                                                                          "-2") "," DIV("None "
                                                                                        "known") ",\"emptyRe"
                                                                                                 "aso"
                                                                                                 "n\":{"
                                                                                                 "\"coding\""
                                                                                                 ":[{"
                                                                                                 "\"code\":"
                                                                                                 "\"nilknown"
                                                                                                 "\"}"
                                                                                                 "]}},"
                                                                                                 "{\"title\""
                                                                                                 ":"
                                                                                                 "\"Medicati"
                                                                                                 "ons"
                                                                                                 "\"," LOINC(
                                                                                                     "1"
                                                                                                     "0"
                                                                                                     "1"
                                                                                                     "6"
                                                                                                     "0"
                                                                                                     "-"
                                                                                                     "0") "," DIV("methotrex"
                                                                                                                  "ate for "
                                                                                                                  "Pso<b>"
                                                                                                                  "riasis</"
                                                                                                                  "b>") ",\""
                                                                                                                        "ent"
                                                                                                                        "ry"
                                                                                                                        "\":"
                                                                                                                        "[{"
                                                                                                                        "\"r"
                                                                                                                        "efe"
                                                                                                                        "ren"
                                                                                                                        "ce"
                                                                                                                        "\":"
                                                                                                                        "\"u"
                                                                                                                        "rn:"
                                                                                                                        "uui"
                                                                                                                        "d:"
                                                                                                                        "5\""
                                                                                                                        "},{"
                                                                                                                        "\"r"
                                                                                                                        "efe"
                                                                                                                        "ren"
                                                                                                                        "ce"
                                                                                                                        "\":"
                                                                                                                        "\"u"
                                                                                                                        "rn:"
                                                                                                                        "uui"
                                                                                                                        "d:"
                                                                                                                        "6\""
                                                                                                                        "}]}"
                                                                                                                        ","
                                                                                                                        "{\""
                                                                                                                        "tit"
                                                                                                                        "le"
                                                                                                                        "\":"
                                                                                                                        "\"R"
                                                                                                                        "esu"
                                                                                                                        "lts"
                                                                                                                        "\""
                                                                                                                        "," LOINC(
                                                                                                                            "30954-2") "," DIV("ferritin, potassium") ",\"entry\":[{\"reference\":\"urn:uuid:7\"}]},"
                                                                                                                                                                      "{\"title\":\"Plan\"," LOINC("18776-5") "," DIV("light for the psoriasis") "}"
                                                                                                                                                                                                                                                 "]}},\n" ENTRY("2", "\"resourceType\":\"Patient\",\"name\":[{\"family\":\"Doe\"}],"
                                                                                                                                                                                                                                                                     "\"birthDate\":\"1960-01-02\"") ",\n" ENTRY("3", "\"resourceType\":\"Condition\",\"code\":{\"coding\":[{\"system\":\"http://"
                                                                                                                                                                                                                                                                                                                      "snomed.info/sct\",\"code\":\"9014002\",\"display\":\"Psoriasis\"}]},"
                                                                                                                                                                                                                                                                                                                      "\"subject\":{\"reference\":\"urn:uuid:2\"},\"recorder\":{\"reference\":"
                                                                                                                                                                                                                                                                                                                      "\"urn:uuid:8\"}") ",\n" ENTRY("4",
                                                                                                                                                                                                                                                                                                                                                     "\"resourceType\":\"Condition\",\"code\":{\"text\":\"Gout\"},\"subject\":{"
                                                                                                                                                                                                                                                                                                                                                     "\"reference\":\"urn:uuid:2\"},\"note\":[{\"text\":\"worse with psoriasis\"},"
                                                                                                                                                                                                                                                                                                                                                     "{\"text\":\"left toe\"}],\"onsetDateTime\":\"2011\"") ",\n" ENTRY("5", "\"resourceType\":\"MedicationStatement\",\"status\":\"active\","
                                                                                                                                                                                                                                                                                                                                                                                                                             "\"medicationCodeableConcept\":{\"text\":\"Methotrexate\"},\"subject\":{"
                                                                                                                                                                                                                                                                                                                                                                                                                             "\"reference\":\"urn:uuid:2\"},\"effectiveDateTime\":\"2021-05\","
                                                                                                                                                                                                                                                                                                                                                                                                                             "\"reasonCode\":[{\"text\":\"skin\"}],\"reasonReference\":[{\"reference\":"
                                                                                                                                                                                                                                                                                                                                                                                                                             "\"urn:uuid:3\"}],\"dosage\":[{\"doseAndRate\":[{\"doseQuantity\":{\"value\":"
                                                                                                                                                                                                                                                                                                                                                                                                                             "1.50,\"unit\":\"mg\"}}]}]") ",\n" ENTRY("6", "\"resourceType\":\"MedicationStatement\",\"contained\":[{\"resourceType\":"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                           "\"Medication\",\"id\":\"m\",\"code\":{\"text\":\"Allopurinol\"}}],"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                           "\"status\":\"active\",\"medicationReference\":{\"reference\":\"#m\"},"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                           "\"subject\":{\"reference\":\"urn:uuid:2\"},\"effectiveDateTime\":\"2022\"") ",\n" ENTRY("7", "\"resourceType\":\"DiagnosticReport\",\"status\":\"final\",\"code\":{\"text\":"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "\"Blood\"},\"subject\":{\"reference\":\"urn:uuid:2\"},\"effectiveDateTime\":"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "\"2026\",\"result\":[{\"reference\":\"urn:uuid:a\"},{\"reference\":"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "\"urn:uuid:b\"}],\"conclusion\":\"iron is low\",\"presentedForm\":[{\"data\":"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                         "\"aXJvbg==\"}]") ",\n" ENTRY("8", "\"resourceType\":\"Practitioner\",\"name\":[{\"family\":\"Skindoctor\"}]") ",\n" ENTRY("9", "\"resourceType\":\"Organization\",\"name\":\"Z\"") ",\n" ENTRY("a", "\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                              "\"Ferritin\"},\"valueQuantity\":{\"value\":7.00,\"unit\":\"ug/L\"}") ",\n" ENTRY("b", "\"resourceType\":\"Observation\",\"status\":\"final\",\"code\":{\"text\":"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                     "\"Potassium\"},\"valueQuantity\":{\"value\":4.10,\"unit\":\"mmol/L\"}") ",\n" ENTRY("c",
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "\"resourceType\":\"Provenance\",\"target\":[{\"reference\":\"urn:uuid:1\"}],"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "\"recorded\":\"2026-03-01T10:00:00Z\",\"agent\":[{\"who\":{\"reference\":"
                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                                          "\"urn:uuid:9\"}}]") "]}";

/* --- cutting
 * ----------------------------------------------------------------------------------- */

static char *
written(const ErecCut *cut)
{
    g_autoptr(GOutputStream) out = g_memory_output_stream_new_resizable();
    g_autoptr(GError) error = NULL;

    erec_cut_write(cut, out, &error);
    g_assert_no_error(error);
    g_assert_true(g_output_stream_write_all(out, "", 1, NULL, NULL, NULL));
    g_assert_true(g_output_stream_close(out, NULL, NULL));
    return g_memory_output_stream_steal_data(G_MEMORY_OUTPUT_STREAM(out));
}

static char *
cut_text(const char *text, const ErecCutChoice *choice, ErecCutVerdict expected)
{
    g_autoptr(ErecSource) source = source_of(text, -1);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
    g_autoptr(ErecCut) cut = NULL;

    g_assert_nonnull(bundle);
    cut = erec_cut_new(bundle, choice, IDENTIFIER);
    g_assert_cmpint(erec_cut_verdict(cut), ==, expected);
    return expected == EREC_CUT_DONE ? written(cut) : NULL;
}

static guint
errors_of(const char *text)
{
    g_autoptr(ErecSource) source = source_of(text, -1);
    g_autoptr(ErecReport) report = erec_check(source, NULL);

    return report->errors;
}

static void
assert_has(const char *text, const char *what, gboolean has)
{
    if ((strstr(text, what) != NULL) != has)
        g_error("“%s” is %sin: %s", what, has ? "not " : "", text);
}

static const char *const plan[] = {"18776-5", NULL};

static void
test_entry(void)
{
    static const char *const entries[] = {"urn:uuid:3", NULL};
    static const char *const gone[] = {
        "urn:uuid:3", "soriasis", "9014002",   "riasis",          "urn:uuid:8",
        "Skindoctor", "old-",     "c2lnbmVk",  "attester",        "Provenance",
        "reasonCode", "skin",     "light for", "reasonReference", "urn:uuid:c"};
    static const char *const kept[] = {"\"value\":1.50,",
                                       "\"value\":7.00,",
                                       "left toe",
                                       "Allopurinol",
                                       "\"date\":\"2026-02-28\"",
                                       "2026-03-01T10:00:00Z",
                                       "nilknown",
                                       IDENTIFIER,
                                       "iron is low",
                                       "ferritin, potassium",
                                       "<li>Gout (2011)</li>",
                                       "<li>Methotrexate"};
    const ErecCutChoice choice = {.entries = entries, .sections = plan};
    g_autofree char *out = cut_text(summary, &choice, EREC_CUT_DONE);

    for (gsize i = 0; i < G_N_ELEMENTS(gone); i++)
        assert_has(out, gone[i], FALSE);
    for (gsize i = 0; i < G_N_ELEMENTS(kept); i++)
        assert_has(out, kept[i], TRUE);
    g_assert_cmpuint(errors_of(out), <=, errors_of(summary));
}

static void
test_required(void)
{
    static const char *const sections[] = {"Problems", "48765-2", "18776-5", NULL};
    const ErecCutChoice choice = {.sections = sections};
    g_autofree char *out = cut_text(summary, &choice, EREC_CUT_DONE);

    assert_has(out, "\"code\":\"unavailable\"", TRUE);
    assert_has(out, "\"title\":\"Problems\"", TRUE);
    assert_has(out, "nilknown", FALSE);
    assert_has(out, "withheld", FALSE);
    assert_has(out, "None known", FALSE);
    assert_has(out, "Gout", FALSE);
    assert_has(out, "\"title\":\"Plan\"", FALSE);
    g_assert_cmpuint(errors_of(out), <=, errors_of(summary));
}

/* A section that only loses its last entry is no more there than one that is left out. */
static void
test_optional_vanishes(void)
{
    static const char *const entries[] = {"urn:uuid:7", NULL};
    const ErecCutChoice choice = {.entries = entries, .sections = plan};
    g_autofree char *out = cut_text(summary, &choice, EREC_CUT_DONE);

    assert_has(out, "Results", FALSE);
    assert_has(out, "erritin", FALSE);
    assert_has(out, "otassium", FALSE);
}

static void
test_part(void)
{
    static const char *const entries[] = {"urn:uuid:a", NULL};
    const ErecCutChoice choice = {.entries = entries, .sections = plan};
    g_autofree char *out = cut_text(summary, &choice, EREC_CUT_DONE);

    assert_has(out, "erritin", FALSE);
    assert_has(out, "iron", FALSE);
    assert_has(out, "aXJvbg", FALSE);
    assert_has(out, "Potassium", TRUE);
    assert_has(out, "urn:uuid:7", TRUE);
}

static void
test_category(void)
{
    static const char *const categories[] = {"Condition", NULL};
    const ErecCutChoice choice = {.categories = categories, .sections = plan};
    g_autofree char *out = cut_text(summary, &choice, EREC_CUT_DONE);

    assert_has(out, "soriasis", FALSE);
    assert_has(out, "Gout", FALSE);
    assert_has(out, "unavailable", TRUE);
    assert_has(out, "Methotrexate", TRUE);
}

/* Words alone cannot be cut: the person says whether they stay. */
static void
test_undecided(void)
{
    static const char *const entries[] = {"urn:uuid:3", NULL};
    const ErecCutChoice open = {.entries = entries};
    const ErecCutChoice stays = {.entries = entries, .texts = plan};
    g_autofree char *none = cut_text(summary, &open, EREC_CUT_UNDECIDED);
    g_autofree char *out = cut_text(summary, &stays, EREC_CUT_DONE);

    g_assert_null(none);
    assert_has(out, "light for the psoriasis", TRUE);
}

static void
test_refused(void)
{
    static const char *const patient[] = {"urn:uuid:2", NULL},
                             *const author[] = {"urn:uuid:9", NULL},
                             *const none[] = {"urn:uuid:77", NULL};

    g_free(cut_text(summary, &(ErecCutChoice){.entries = patient}, EREC_CUT_NEEDED));
    g_free(cut_text(summary, &(ErecCutChoice){.entries = author}, EREC_CUT_NEEDED));
    g_free(cut_text(summary, &(ErecCutChoice){.entries = none}, EREC_CUT_NOTHING));
    g_free(cut_text(summary, &(ErecCutChoice){NULL}, EREC_CUT_NOTHING));
    g_free(cut_text("{\"resourceType\":\"Patient\"}", &(ErecCutChoice){.sections = plan},
                    EREC_CUT_NOT_DOCUMENT));
    g_free(
        cut_text("{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"fullUrl\":"
                 "\"urn:a\",\"resource\":{\"resourceType\":\"Composition\",\"section\":1,"
                 "\"section\":2}}]}",
                 &(ErecCutChoice){.sections = plan}, EREC_CUT_UNSOUND));
    g_free(
        cut_text("{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":[{\"fullUrl\":"
                 "\"urn:a\",\"resource\":{\"resourceType\":\"Composition\"}},{\"fullUrl\":"
                 "\"urn:a\",\"resource\":{\"resourceType\":\"Patient\"}}]}",
                 &(ErecCutChoice){.sections = plan}, EREC_CUT_UNSOUND));
}

/* --- the corpus
 * -------------------------------------------------------------------------------- */

/* An own idea of words, so that the cut is not judged by its own. */
static gboolean
is_word(const char *word)
{
    return strlen(word) >= 5 && strspn(word, "0123456789") < strlen(word);
}

typedef struct {
    GHashTable *strings, *words;
    gboolean add;
} Said;

static void
say_string(Said *said, const char *text)
{
    g_auto(GStrv) words = g_str_tokenize_and_fold(text, NULL, NULL);

    if (said->add)
        g_hash_table_add(said->strings, g_strdup(text));
    else
        g_hash_table_remove(said->strings, text);
    for (char **word = words; *word != NULL; word++) {
        if (!is_word(*word))
            continue;
        if (said->add)
            g_hash_table_add(said->words, g_strdup(*word));
        else
            g_hash_table_remove(said->words, *word);
    }
}

/* What a reader sees of a resource; system addresses and dates are the same for everybody. */
static gboolean
say_node(const ErecNode *node, gpointer user_data)
{
    static const char *const about[] = {
        "note", "reasonCode", "conclusion", "conclusionCode", "attester", "relatesTo", NULL};
    static const char *const common[] = {"system",  "url",  "status", "resourceType", "div",
                                         "profile", "data", "type",   "lastUpdated",  NULL};
    Said *said = user_data;

    if (node->key != NULL && !said->add && g_strv_contains(about, node->key))
        return FALSE;
    if (node->type != EREC_STRING || strlen(node->text) < 4 ||
        (node->key != NULL && g_strv_contains(common, node->key)) ||
        (g_ascii_isdigit(node->text[0]) && node->text[4] == '-'))
        return TRUE;
    say_string(said, node->text);
    return TRUE;
}

typedef struct {
    const Said *said;
    gboolean is_composition;
} Look;

static gboolean
look_node(const ErecNode *node, gpointer user_data)
{
    const Look *look = user_data;

    if (node->type != EREC_STRING || g_strcmp0(node->key, "system") == 0 ||
        g_strcmp0(node->key, "status") == 0 || g_strcmp0(node->key, "url") == 0 ||
        g_strcmp0(node->key, "type") == 0)
        return TRUE;
    if (g_hash_table_contains(look->said->strings, node->text))
        g_error("“%s” was left out, and is there", node->text);
    if (g_strcmp0(node->key, "div") == 0) {
        g_autoptr(GRegex) tags = g_regex_new("<[^>]*>", 0, 0, NULL);
        g_autofree char *plain = g_regex_replace_literal(tags, node->text, -1, 0, " ", 0, NULL);
        g_auto(GStrv) words = g_str_tokenize_and_fold(plain, NULL, NULL);

        for (char **word = words; *word != NULL; word++)
            if (g_hash_table_contains(look->said->words, *word))
                g_error("“%s” was left out, and is told in: %s", *word, node->text);
    }
    return strcmp(node->key != NULL ? node->key : "", "emptyReason") != 0;
}

static void
say_entries(const ErecBundle *bundle, const ErecCut *cut, Said *said, gboolean kept)
{
    for (guint i = kept ? 0 : 1; i < erec_bundle_n_entries(bundle); i++) {
        g_autoptr(ErecTree) tree = erec_bundle_load(bundle, i, NULL);

        if (erec_cut_has_entry(cut, i) == kept)
            erec_visit(erec_tree_root(tree), say_node, said);
    }
}

/* Neither as a value, nor as an address, nor as a word of a narrative. */
static void
assert_no_trace(const ErecBundle *bundle, const ErecCut *cut, const char *text)
{
    g_autoptr(GHashTable) strings =
        g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL),
                          words = g_hash_table_new_full(g_str_hash, g_str_equal, g_free, NULL);
    g_autoptr(ErecSource) source = source_of(text, -1);
    g_autoptr(ErecBundle) out = erec_bundle_new(source, NULL);
    Said said = {strings, words, TRUE};

    g_assert_nonnull(out);
    say_entries(bundle, cut, &said, FALSE);
    said.add = FALSE;
    say_entries(bundle, cut, &said, TRUE);
    for (guint i = 0; i < erec_bundle_n_entries(bundle); i++)
        if (!erec_cut_has_entry(cut, i) && erec_bundle_entry(bundle, i)->full_url != NULL)
            assert_has(text, erec_bundle_entry(bundle, i)->full_url, FALSE);
    for (guint i = 0; i < erec_bundle_n_entries(out); i++) {
        g_autoptr(ErecTree) tree = erec_bundle_load(out, i, NULL);
        erec_visit(erec_tree_root(tree), look_node, &(Look){&said, i == 0});
    }
}

static GPtrArray *
texts_alone(const ErecNode *composition)
{
    GPtrArray *names = g_ptr_array_new();

    for (const ErecNode *at = erec_each(composition, "section"); at != NULL;
         at = erec_each_next(at))
        if (erec_each(at, "entry") == NULL && erec_member(at, "emptyReason") == NULL)
            g_ptr_array_add(names, (gpointer)erec_text(at, "title"));
    return names;
}

static void
cut_one(const ErecBundle *bundle, guint errors_before, const ErecCutChoice *choice)
{
    g_autoptr(ErecCut) cut = erec_cut_new(bundle, choice, IDENTIFIER);
    g_autofree char *out = NULL;

    g_assert_cmpint(erec_cut_verdict(cut), ==, EREC_CUT_DONE);
    out = written(cut);
    if (errors_of(out) > errors_before) {
        g_autoptr(ErecSource) source = source_of(out, -1);
        g_autoptr(ErecReport) report = erec_check(source, NULL);
        for (guint i = 0; i < report->findings->len; i++) {
            const ErecFinding *finding = g_ptr_array_index(report->findings, i);
            if (finding->severity == EREC_ERROR)
                g_test_message("%s at %s", finding->id, finding->where);
        }
        g_error("the cut document has errors that the whole one has not");
    }
    assert_no_trace(bundle, cut, out);
}

static void
cut_sections_in_turn(const ErecBundle *bundle, const ErecNode *root, guint errors,
                     GPtrArray *texts)
{
    for (const ErecNode *at = erec_each(root, "section"); at != NULL; at = erec_each_next(at)) {
        g_autoptr(GPtrArray) names = g_ptr_array_copy(texts, NULL, NULL);

        g_ptr_array_add(names, (gpointer)erec_text(at, "title"));
        g_ptr_array_add(names, NULL);
        cut_one(bundle, errors,
                &(ErecCutChoice){.sections = (const char *const *)names->pdata});
    }
}

static void
cut_entries_in_turn(const ErecBundle *bundle, const ErecNode *root, guint errors,
                    GPtrArray *texts)
{
    g_autoptr(GPtrArray) urls = g_ptr_array_new();
    guint index;

    for (const ErecNode *at = erec_each(root, "section"); at != NULL; at = erec_each_next(at))
        for (const ErecNode *entry = erec_each(at, "entry"); entry != NULL;
             entry = erec_each_next(entry))
            if (erec_bundle_resolve(bundle, 0, erec_text(entry, "reference"), &index) !=
                EREC_RESOLVE_NONE)
                g_ptr_array_add(urls, (gpointer)erec_bundle_entry(bundle, index)->full_url);
    g_ptr_array_add(texts, NULL);
    for (guint i = 0; i < urls->len; i += 1 + urls->len / SINGLES) {
        const char *const one[] = {g_ptr_array_index(urls, i), NULL};

        cut_one(
            bundle, errors,
            &(ErecCutChoice){.entries = one, .sections = (const char *const *)texts->pdata});
    }
}

static void
test_corpus(void)
{
    g_autoptr(GPtrArray) names = corpus_list("ips");

    for (guint i = 0; names != NULL && i < names->len; i++) {
        g_autoptr(ErecSource) source = corpus_open(g_ptr_array_index(names, i));
        g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
        g_autoptr(ErecTree) tree = erec_bundle_load(bundle, 0, NULL);
        g_autoptr(GPtrArray) texts = texts_alone(erec_tree_root(tree));
        g_autoptr(GBytes) bytes = erec_source_slice(source, 0, erec_source_size(source), NULL);
        g_autofree char *whole =
            g_strndup(g_bytes_get_data(bytes, NULL), g_bytes_get_size(bytes));
        guint errors;

        g_test_message("%s", (const char *)g_ptr_array_index(names, i));
        errors = errors_of(whole);
        cut_sections_in_turn(bundle, erec_tree_root(tree), errors, texts);
        cut_entries_in_turn(bundle, erec_tree_root(tree), errors, texts);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/cut/entry", test_entry);
    g_test_add_func("/record/cut/required", test_required);
    g_test_add_func("/record/cut/optional-vanishes", test_optional_vanishes);
    g_test_add_func("/record/cut/part", test_part);
    g_test_add_func("/record/cut/category", test_category);
    g_test_add_func("/record/cut/undecided", test_undecided);
    g_test_add_func("/record/cut/refused", test_refused);
    g_test_add_func("/record/cut/corpus", test_corpus);
    return g_test_run();
}
