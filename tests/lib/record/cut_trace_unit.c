/* SPDX-License-Identifier: Apache-2.0
 *
 * Odd places where a document may tell of an entry that its patient left out: each is seeded, and in what goes
 * out the word must be nowhere. What has nothing to do with it must still be there.
 */
#include <string.h>

#include "lib/record/cut.h"
#include "tests/lib/record/corpus.h"

#define IDENTIFIER "urn:uuid:00000000-0000-4000-8000-00000000c001"

/* A summary with two problems, of which the first is left out, a medicine, and the three places that a case
 * changes: members of the Bundle, of the Composition, and of the entries that stay. ' stands for ". */
static const char document[] =
    "{'resourceType':'Bundle','type':'document','timestamp':'2026-03-01T10:00:00Z',%s'entry':["
    "{'fullUrl':'urn:uuid:1','resource':{'resourceType':'Composition','status':'final','date':'2026','title':'%s',"
    "'type':{'coding':[{'system':'http://loinc.org','code':'60591-5','display':'Patient summary Document'}]},%s"
    "'subject':{'reference':'urn:uuid:2'},'author':[{'reference':'urn:uuid:2'}],'section':["
    "{'title':'Problems','code':{'coding':[{'system':'http://loinc.org','code':'11450-4'}]},"
    "'text':{'status':'generated','div':'<div>%s</div>'},"
    "'entry':[{'reference':'urn:uuid:3'},{'reference':'urn:uuid:4'}]},"
    "{'title':'Medication','code':{'coding':[{'system':'http://loinc.org','code':'10160-0'}]},"
    "'text':{'status':'generated','div':'<div>%s</div>'},'entry':[{'reference':'urn:uuid:5'}]}]}},"
    "{'fullUrl':'urn:uuid:2','resource':{'resourceType':'Patient','name':[{'family':'Doe'}]}},"
    "{'fullUrl':'urn:uuid:3','resource':{'resourceType':'Condition',%s'subject':{'reference':'urn:uuid:2'}}},"
    "{'fullUrl':'urn:uuid:4','resource':{'resourceType':'Condition','meta':{'security':[{'code':'R'}]},'code':{'text':'Gout'},"
    "'subject':{'reference':'urn:uuid:2'}}},"
    "{'fullUrl':'urn:uuid:5','resource':{'resourceType':'MedicationStatement','status':'active',%s"
    "'medicationCodeableConcept':{'text':'Lithium'},'note':[{'text':'with water'}],'subject':{'reference':'urn:uuid:2'}}}]}";

#define NAMED "'id':'cond-mania-7','code':{'text':'Mania'},"
#define CODED "'code':{'coding':[{'system':'http://hl7.org/fhir/sid/icd-10','code':'F30'}]},"

static const struct {
    const char *name, *bundle, *title, *head, *problems, *medication, *secret, *medicine;
    const char *gone, *kept;
} cases[] = {
    {"a row's id in a narrative", "", "Summary", "", "two", "<p id=\\'row-mania\\'>one</p>", NAMED, "", "mania", "Lithium"},
    {"a link's title in a narrative", "", "Summary", "", "two", "<a href=\\'#x\\' title=\\'for the mania\\'>one</a>", NAMED, "",
     "mania", "Lithium"},
    {"a comment in a narrative", "", "Summary", "", "two", "one<!-- mania -->", NAMED, "", "mania", "Lithium"},
    {"an entry's id in a narrative", "", "Summary", "", "two", "<a href=\\'#cond-mania-7\\'>one</a>", NAMED, "", "mania", "Lithium"},
    {"a reason without an address", "", "Summary", "", "two", "one", NAMED, "'reasonReference':[{'display':'Mania, bipolar'}],", "Mania",
     "Lithium"},
    {"a reason by a number", "", "Summary", "", "two", "one", "'identifier':[{'value':'12345678'}]," NAMED,
     "'reasonReference':[{'identifier':{'value':'12345678'}}],", "12345678", "Lithium"},
    {"a reason that is elsewhere", "", "Summary", "", "two", "one", NAMED,
     "'reasonReference':[{'reference':'http://elsewhere/Condition/9','display':'Mania'}],", "Mania", "Lithium"},
    {"a reason that is inside", "", "Summary", "", "two", "one", NAMED,
     "'contained':[{'resourceType':'Condition','id':'p','code':{'text':'Mania, acute'}}],'reasonReference':[{'reference':'#p'}],", "Mania",
     "Lithium"},
    {"another reason that is inside stays", "", "Summary", "", "two", "one", NAMED,
     "'contained':[{'resourceType':'Condition','id':'p','code':{'text':'Cluster headache'}}],'reasonReference':[{'reference':'#p'}],", "Mania",
     "Cluster headache"},
    {"a label of the whole", "'meta':{'security':[{'code':'R'},{'code':'PSY'}]},", "Summary", "", "two", "one",
     "'meta':{'security':[{'code':'PSY'}]}," NAMED, "", "PSY", "'security':[{'code':'R'}]"},
    {"the only label of the whole", "'meta':{'security':[{'code':'PSY'}]},", "Summary", "", "two", "one",
     "'meta':{'security':[{'code':'PSY'}]}," NAMED, "", "PSY", "2026-03-01T10:00:00Z"},
    {"a tag of the Composition", "", "Summary", "'meta':{'tag':[{'code':'XQ'}],'profile':['urn:p']},", "two", "one",
     "'meta':{'tag':[{'code':'XQ'}]}," NAMED, "", "XQ", "urn:p"},
    {"the title", "", "Summary after mania", "", "two", "one", NAMED, "", "mania", "Patient summary Document"},
    {"an event", "", "Summary", "'event':[{'code':[{'text':'Mania clinic'}]},{'period':{'end':'2026-02'}}],", "two", "one", NAMED, "",
     "Mania", "2026-02"},
    {"a category", "", "Summary", "'category':[{'text':'Mania'}],", "two", "one", NAMED, "", "Mania", "Lithium"},
    {"a code without words, named in its own narrative", "", "Summary", "", "two", "for the mania",
     CODED "'text':{'status':'generated','div':'<div>Mania</div>'},", "", "mania", "Lithium"},
    {"a code without words, named in its section", "", "Summary", "", "mania, gout", "for the mania", CODED, "", "mania", "Lithium"},
    {"a note that begins with a date", "", "Summary", "", "two", "one", NAMED, "'reasonCode':[{'text':'2021-03-02: mania is better'}],", "mania",
     "Lithium"},
    {"an instruction of a dose", "", "Summary", "", "two", "one", NAMED,
     "'dosage':[{'text':'1 daily','patientInstruction':'keeps the mania away'}],", "mania", "1 daily"},
    {"the reason of a status", "", "Summary", "", "two", "one", NAMED, "'statusReason':[{'text':'mania'}],", "mania", "Lithium"},
    {"a stay that is only named", "", "Summary", "", "two", "one", NAMED, "'context':{'display':'Mania clinic'},", "Mania", "Lithium"},
    {"an abbreviation in a note", "", "Summary", "", "two", "one", "'code':{'text':'HIV infection'},", "'reasonCode':[{'text':'known HIV'}],", "HIV",
     "Lithium"},
    {"an abbreviation in a narrative", "", "Summary", "", "two", "because of HIV", "'code':{'text':'HIV infection'},", "", "HIV", "Lithium"},
    {"an instruction in a narrative", "", "Summary", "", "two", "one<?x mania?>", NAMED, "", "mania", "Lithium"},
    {"a value without quotes", "", "Summary", "", "two", "<p title=mania>one</p>", NAMED, "", "mania", "Lithium"},
    {"an entity in a value", "", "Summary", "", "two", "<p title=\\'m&#97;nia\\'>one</p>", NAMED, "", "m&#97;nia", "Lithium"},
    {"a code without words, an entity in its narrative", "", "Summary", "", "two", "for the mania",
     CODED "'text':{'status':'generated','div':'<div>Mania &#8211; severe</div>'},", "", "mania", "Lithium"},
    {"the title's translation", "", "Summary",
     "'_title':{'extension':[{'url':'http://hl7.org/fhir/StructureDefinition/translation','extension':[{'url':'content','valueString':'nach Mania'}]}]},",
     "two", "one", NAMED, "", "Mania", "Lithium"},
    {"who only speaks of a reason that is inside", "", "Summary", "", "two", "one", NAMED,
     "'contained':[{'resourceType':'Practitioner','id':'a','name':[{'text':'Dr Seelig'}]},{'resourceType':'Condition','id':'p','code':{'text':'Mania'},"
     "'asserter':{'reference':'#a'}}],'reasonReference':[{'reference':'#p'}],", "Seelig", "Lithium"},
    {"an instruction that tells nothing stays", "", "Summary", "", "two", "one", NAMED, "'dosage':[{'patientInstruction':'with milk'}],", "mania",
     "with milk"},
    {"what is common stays", "", "Summary", "", "two", "one a day", NAMED, "", "Mania", "one a day"},
    {"a note that tells nothing stays", "", "Summary", "", "two", "one", CODED "'text':{'status':'generated','div':'<div>with water</div>'},", "",
     "F30", "with water"},
};

static char *
cut_without(const char *text, const char *const *entries)
{
    const ErecCutChoice choice = {.entries = entries};
    g_autoptr(ErecSource) source = source_of(text, -1);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
    g_autoptr(GOutputStream) out = g_memory_output_stream_new_resizable();
    g_autoptr(ErecCut) cut = NULL;

    g_assert_nonnull(bundle);
    cut = erec_cut_new(bundle, &choice, IDENTIFIER);
    g_assert_cmpint(erec_cut_verdict(cut), ==, EREC_CUT_DONE);
    g_assert_true(erec_cut_write(cut, out, NULL));
    g_assert_true(g_output_stream_write_all(out, "", 1, NULL, NULL, NULL));
    g_assert_true(g_output_stream_close(out, NULL, NULL));
    return g_memory_output_stream_steal_data(G_MEMORY_OUTPUT_STREAM(out));
}

static char *
cut_of(const char *text)
{
    static const char *const entries[] = {"urn:uuid:3", NULL};

    return cut_without(text, entries);
}

static void
test_case(gconstpointer data)
{
    const gsize i = GPOINTER_TO_SIZE(data);
    g_autofree char *text = g_strdup_printf(document, cases[i].bundle, cases[i].title, cases[i].head, cases[i].problems,
                                            cases[i].medication, cases[i].secret, cases[i].medicine);
    g_autofree char *out = cut_of(g_strdelimit(text, "'", '"')), *folded = g_utf8_casefold(out, -1);
    g_autofree char *gone = g_utf8_casefold(cases[i].gone, -1);
    g_autofree char *kept = g_strdelimit(g_strdup(cases[i].kept), "'", '"');
    g_autoptr(ErecSource) source = source_of(out, -1);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);

    g_test_message("%s", out);
    g_assert_nonnull(bundle);
    g_assert_null(strstr(folded, gone));
    g_assert_nonnull(strstr(out, kept));
    g_assert_nonnull(strstr(out, "Gout"));
    g_assert_cmpuint(erec_bundle_n_entries(bundle), ==, 4);
    for (guint n = 0; n < 4; n++) {
        g_autoptr(ErecTree) tree = erec_bundle_load(bundle, n, NULL);
        g_assert_nonnull(tree);
    }
}

/* What a section that vanishes is called is not what a section that stays is called. */
static void
test_vanished_title(void)
{
    g_autofree char *text = g_strdelimit(
        g_strdup("{'resourceType':'Bundle','type':'document','entry':[{'fullUrl':'urn:uuid:1','resource':{'resourceType':"
                 "'Composition','title':'S','section':[{'title':'Psychiatry','text':{'div':'<div>x</div>'},'entry':[{"
                 "'reference':'urn:uuid:3'}]},{'title':'Plan','text':{'div':'<div>see psychiatry</div>'},'entry':[{"
                 "'reference':'urn:uuid:4'}]}]}},{'fullUrl':'urn:uuid:3','resource':{'resourceType':'Condition','code':{"
                 "'text':'Psychiatry follow-up'}}},{'fullUrl':'urn:uuid:4','resource':{'resourceType':'CarePlan','title':"
                 "'walks'}}]}"),
        "'", '"');
    g_autofree char *out = cut_of(text), *folded = g_utf8_casefold(out, -1);

    g_assert_null(strstr(folded, "psychiatry"));
    g_assert_nonnull(strstr(out, "walks"));
}

/* However many codes without words are left out, the texts of all their sections are looked into. */
static void
test_many_wordless(void)
{
    enum { MANY = 250 };
    g_autoptr(GPtrArray) urls = g_ptr_array_new_with_free_func(g_free);
    GString *sections = g_string_new(NULL), *entries = g_string_new(NULL);
    g_autofree char *text = NULL, *out = NULL, *folded = NULL, *all_sections = NULL, *all_entries = NULL;

    for (guint i = 0; i < MANY; i++) {
        char *url = g_strdup_printf("urn:uuid:c%u", i);

        g_ptr_array_add(urls, url);
        g_string_append_printf(sections, "{'title':'T%u','text':{'div':'<div>%s</div>'},'entry':[{'reference':'%s'},{'reference':'urn:uuid:4'}]},", i,
                               i == MANY - 1 ? "mania" : "x", url);
        g_string_append_printf(entries, ",{'fullUrl':'%s','resource':{'resourceType':'Condition'," CODED "'severity':{'text':'x'}}}", url);
    }
    g_ptr_array_add(urls, NULL);
    all_sections = g_string_free(sections, FALSE);
    all_entries = g_string_free(entries, FALSE);
    text = g_strdup_printf("{'resourceType':'Bundle','type':'document','entry':[{'fullUrl':'urn:uuid:1','resource':{'resourceType':'Composition',"
                           "'title':'S','section':[%s{'title':'Plan','text':{'div':'<div>because of mania</div>'},'entry':[{'reference':'urn:uuid:4'}]}]}},"
                           "{'fullUrl':'urn:uuid:4','resource':{'resourceType':'CarePlan','title':'walks'}}%s]}",
                           all_sections, all_entries);
    out = cut_without(g_strdelimit(text, "'", '"'), (const char *const *)urls->pdata);
    folded = g_utf8_casefold(out, -1);
    g_assert_null(strstr(folded, "mania"));
    g_assert_nonnull(strstr(out, "walks"));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/record/cut-trace/%s", cases[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_case);
    }
    g_test_add_func("/record/cut-trace/a section that vanishes", test_vanished_title);
    g_test_add_func("/record/cut-trace/many codes without words", test_many_wordless);
    return g_test_run();
}
