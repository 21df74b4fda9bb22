/* SPDX-License-Identifier: Apache-2.0
 *
 * Whole files in which one thing may be taken for another: somebody for somebody else, what holds for what is over, what
 * cannot be read for what is shown elsewhere. Each is seeded, and what must be said of it is looked for.
 */
#include <string.h>

#include "lib/record/subject.h"
#include "lib/record/summary.h"
#include "tests/lib/record/corpus.h"

#define LOINC(code) "{'coding':[{'system':'http://loinc.org','code':'" code "'}]}"
#define BUNDLE(type, entries) "{'resourceType':'Bundle','type':'" type "','entry':[" entries "]}"
#define AT(url, resource) "{'fullUrl':'" url "','resource':{" resource "}}"
#define LOOSE(resource) "{'resource':{" resource "}}"
#define SECTION(code, entries) "{'code':" LOINC(code) ",'entry':[" entries "]}"
#define TO(url) "{'reference':'" url "'}"
#define DOCUMENT(more, sections, entries)                                                                                   \
    BUNDLE("document", AT("urn:uuid:0", "'resourceType':'Composition','status':'final','date':'2026-03-01'," more           \
                                        "'section':[" sections "]") entries)
#define ALLERGY(what, patient) LOOSE("'resourceType':'AllergyIntolerance','code':{'text':'" what "'},'patient':" patient)
#define BERG "'resourceType':'Patient','name':[{'family':'Berg'}],'identifier':[{'system':'s','value':'7'}]"
#define CONTAINED(name) "'contained':[{'resourceType':'Patient','id':'p','name':[{'family':'" name "'}]}],"
#define FLAG(what, name)                                                                                                    \
    LOOSE("'resourceType':'Flag','code':{'text':'" what "'}," CONTAINED(name) "'subject':{'reference':'#p'}")
#define NOT_HERE "about (not in the file)"
#define NOT_CERTAIN "NOT CERTAIN: the record says that it is about somebody who is not in the file"
#define OVER "OVER BEFORE THE RECORD WAS WRITTEN"
#define MEDICINE(rest) "'resourceType':'MedicationRequest','status':'active','intent':'order','medicationCodeableConcept':{'text':'x'}," rest
#define WISH(rest) "'resourceType':'Consent','status':'active','category':[{'text':'x'}],'provision':{'type':'deny'" rest "}"
#define HISTORY(entries)                                                                                                    \
    BUNDLE("history", AT("http://x/Patient/1", "'id':'1'," BERG) "," AT("http://x/Patient/1", "'id':'1'," BERG) "," entries)

/* Of which item (NULL: of the person) what must be said, or must not be said. */
static const struct {
    const char *name, *text, *item;
    ErecStanding standing;
    const char *label, *fact;
    gboolean said;
} cases[] = {
    {"another who is not in the file", BUNDLE("collection", ALLERGY("a", "{'reference':'Patient/A','display':'Anna Berg'}") "," ALLERGY("x", "{'reference':'Patient/B','display':'Berta Tal'}")),
     "x", EREC_CURRENT, NOT_HERE, "Berta Tal", TRUE},
    {"another by an address alone", BUNDLE("collection", ALLERGY("a", "{'reference':'Patient/A'}") "," ALLERGY("x", "{'reference':'Patient/B'}")),
     "x", EREC_CURRENT, NOT_HERE, "Patient/B", TRUE},
    {"another by a number", BUNDLE("collection", ALLERGY("a", "{'reference':'Patient/A'}") "," ALLERGY("x", "{'identifier':{'system':'s','value':'99'},'display':'Carla'}")),
     "x", EREC_CURRENT, NOT_HERE, "Carla", TRUE},
    {"the same who is not in the file", BUNDLE("collection", ALLERGY("a", "{'reference':'Patient/A'}") "," ALLERGY("x", "{'reference':'Patient/A','display':'Anna'}")),
     "x", EREC_CURRENT, NOT_HERE, "Anna", FALSE},
    {"another beside a Patient, by a number", BUNDLE("collection", AT("urn:uuid:1", BERG) "," ALLERGY("x", "{'identifier':{'system':'s','value':'99'},'display':'Carla'}")),
     "x", EREC_CURRENT, NOT_HERE, "Carla", TRUE},
    {"the Patient itself, by a number", BUNDLE("collection", AT("urn:uuid:1", BERG) "," ALLERGY("x", "{'identifier':{'system':'s','value':'7'},'display':'Carla'}")),
     "x", EREC_CURRENT, NOT_HERE, "Carla", FALSE},
    {"another who is contained", BUNDLE("collection", FLAG("a", "Anna") "," FLAG("x", "Berta")), "x", EREC_CURRENT, NOT_HERE, "Berta", TRUE},
    {"the same who is contained", BUNDLE("collection", FLAG("a", "Anna") "," FLAG("x", "Anna")), "x", EREC_CURRENT, NOT_HERE, "Anna", FALSE},
    {"a document about somebody else than its Patient", DOCUMENT("'subject':{'reference':'urn:uuid:9'},", "", "," AT("urn:uuid:1", BERG)), NULL,
     EREC_CURRENT, "", NOT_CERTAIN, TRUE},
    {"a document about another number", DOCUMENT("'subject':{'identifier':{'system':'s','value':'8'}},", "", "," AT("urn:uuid:1", BERG)), NULL,
     EREC_CURRENT, "", NOT_CERTAIN, TRUE},
    {"a document about its Patient by a number", DOCUMENT("'subject':{'identifier':{'system':'s','value':'7'}},", "", "," AT("urn:uuid:1", BERG)), NULL,
     EREC_CURRENT, "", NOT_CERTAIN, FALSE},
    {"a document about somebody with a name", DOCUMENT("'subject':{'display':'Tal'},", "", "," AT("urn:uuid:1", BERG)), NULL, EREC_CURRENT, "",
     NOT_CERTAIN, TRUE},
    {"a document that does not know whom it is about", DOCUMENT("'subject':{'type':'Patient'},", "", "," AT("urn:uuid:1", BERG)), NULL,
     EREC_CURRENT, "", NOT_CERTAIN, FALSE},
    {"a document about its Patient", DOCUMENT("'subject':{'reference':'urn:uuid:1'},", "", "," AT("urn:uuid:1", BERG)), NULL, EREC_CURRENT, "",
     NOT_CERTAIN, FALSE},
    {"two versions of whom a history is about", HISTORY(AT("http://x/Condition/2", "'resourceType':'Condition','code':{'text':'x'},'subject':{'reference':'Patient/1'}")), "x", EREC_CURRENT, NOT_HERE, "Patient/1", FALSE},
    {"whom a history is about", HISTORY(ALLERGY("x", "{'reference':'http://x/Patient/1'}")), NULL, EREC_CURRENT, "", NOT_CERTAIN, FALSE},
    {"a result of a report in error", BUNDLE("collection", AT("urn:uuid:1", "'resourceType':'DiagnosticReport','status':'entered-in-error','code':{'text':'a'},'result':[" TO("urn:uuid:2") "]") "," AT("urn:uuid:2", "'resourceType':'Observation','status':'final','code':{'text':'x'},'valueString':'7'")),
     "x", EREC_CURRENT, "result", "7", TRUE},
    {"a result of an unsafe report", BUNDLE("collection", AT("urn:uuid:1", "'resourceType':'DiagnosticReport','implicitRules':'u:r','code':{'text':'a'},'result':[" TO("urn:uuid:2") "]") "," AT("urn:uuid:2", "'resourceType':'Observation','status':'final','code':{'text':'x'},'valueString':'7'")),
     "x", EREC_CURRENT, "result", "7", TRUE},
    {"a medicine that may not be dispensed any more", DOCUMENT("", SECTION("10160-0", TO("urn:uuid:1")), "," AT("urn:uuid:1", MEDICINE("'dispenseRequest':{'validityPeriod':{'end':'2026-01-28'}}"))),
     "x", EREC_CURRENT, "", OVER, FALSE},
    {"until when a medicine may be dispensed", DOCUMENT("", SECTION("10160-0", TO("urn:uuid:1")), "," AT("urn:uuid:1", MEDICINE("'dispenseRequest':{'validityPeriod':{'end':'2026-01-28'}}"))),
     "x", EREC_CURRENT, "the prescription is valid", "? – 2026-01-28", TRUE},
    {"a limit of a dose that is not stated", DOCUMENT("", SECTION("10160-0", TO("urn:uuid:1")), "," AT("urn:uuid:1", MEDICINE("'dosageInstruction':[{'asNeededBoolean':true,'maxDosePerAdministration':{'value':1,'unit':'g'}}]"))),
     "x", EREC_CURRENT, "at most each time", "1 g", TRUE},
    {"as needed, and no dose", DOCUMENT("", SECTION("10160-0", TO("urn:uuid:1")), "," AT("urn:uuid:1", MEDICINE("'dosageInstruction':[{'asNeededBoolean':true}]"))),
     "x", EREC_CURRENT, "", "only as needed", TRUE},
    {"no dose, and as needed", DOCUMENT("", SECTION("10160-0", TO("urn:uuid:1")), "," AT("urn:uuid:1", MEDICINE("'dosageInstruction':[{'asNeededBoolean':true}]"))),
     "x", EREC_CURRENT, "", "dose not stated", TRUE},
    {"for how long a wish holds", BUNDLE("collection", LOOSE(WISH(",'period':{'end':'2016-01-01'}"))), "x", EREC_CURRENT, "valid", "? – 2016-01-01", TRUE},
    {"a wish that is over", DOCUMENT("", SECTION("42348-3", TO("urn:uuid:1")), "," AT("urn:uuid:1", WISH(",'period':{'end':'2016-01-01'}"))), "x",
     EREC_CURRENT, "", OVER, TRUE},
    {"a wish that holds", DOCUMENT("", SECTION("42348-3", TO("urn:uuid:1")), "," AT("urn:uuid:1", WISH(",'period':{'end':'2036-01-01'}"))), "x",
     EREC_CURRENT, "", OVER, FALSE},
    {"a wish for some", BUNDLE("collection", LOOSE(WISH(",'purpose':[{'code':'TREAT'}]"))), "x", EREC_CURRENT, "",
     "FOR CERTAIN PEOPLE, PURPOSES OR DATA, not shown here", TRUE},
};

static ErecSummary *
summary_of(const char *text)
{
    g_autofree char *json = g_strdelimit(g_strdup(text), "'", '"');
    g_autoptr(ErecSource) source = source_of(json, -1);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);

    g_assert_nonnull(bundle);
    return erec_summary_new(bundle, NULL);
}

static const ErecItem *
item_called(const ErecSummary *summary, const char *what)
{
    for (guint s = 0; s < summary->sections->len; s++) {
        const ErecSection *section = g_ptr_array_index(summary->sections, s);

        for (guint i = 0; i < section->items->len; i++) {
            const ErecItem *item = g_ptr_array_index(section->items, i);

            if (g_strcmp0(item->what, what) == 0)
                return item;
        }
    }
    return NULL;
}

static gboolean
says(const GArray *facts, const char *label, const char *what)
{
    for (guint i = 0; i < facts->len; i++) {
        const ErecFact *fact = &g_array_index(facts, ErecFact, i);

        if (strcmp(fact->label, label) == 0 && strcmp(fact->word != NULL ? fact->word : fact->text, what) == 0)
            return TRUE;
    }
    return FALSE;
}

static void
test_case(gconstpointer data)
{
    const gsize i = GPOINTER_TO_SIZE(data);
    g_autoptr(ErecSummary) summary = summary_of(cases[i].text);
    const ErecItem *item = cases[i].item != NULL ? item_called(summary, cases[i].item) : NULL;

    g_assert_true((item != NULL) == (cases[i].item != NULL));
    if (item != NULL)
        g_assert_cmpint(item->standing, ==, cases[i].standing);
    g_assert_true(says(item != NULL ? item->facts : summary->person, cases[i].label, cases[i].fact) == cases[i].said);
}

/* An order of every kind that was carried out is over. */
static void
test_orders(void)
{
    static const char *const types[] = {"SupplyRequest", "CommunicationRequest", "RequestGroup"};

    for (gsize i = 0; i < G_N_ELEMENTS(types); i++) {
        g_autofree char *text = g_strdup_printf("{'resourceType':'%s','status':'completed'}", types[i]);
        g_autoptr(ErecSummary) summary = summary_of(text);
        const ErecSection *section = summary->sections->pdata[0];

        g_assert_cmpint(((ErecItem *)section->items->pdata[0])->standing, ==, EREC_PAST);
    }
}

/* More members than an entry may have. */
static char *
unreadable(void)
{
    GString *text = g_string_new("'resourceType':'AllergyIntolerance','code':{'text':'x'},'extension':[1");

    for (guint i = 0; i < 400000; i++)
        g_string_append(text, ",1");
    return g_string_free(g_string_append_c(text, ']'), FALSE);
}

/* It is not "shown in another section only": it is shown nowhere. */
static void
test_unread(void)
{
    g_autofree char *resource = unreadable();
    g_autofree char *text = g_strdup_printf(
        DOCUMENT("", SECTION("48765-2", TO("urn:uuid:1")) "," SECTION("104605-1", TO("urn:uuid:1")), ",{'fullUrl':'urn:uuid:1','resource':{%s}}"), resource);
    g_autoptr(ErecSummary) summary = summary_of(text);

    g_assert_cmpuint(summary->unread, ==, 1);
    for (guint i = 0; i < 2; i++) {
        const ErecSection *section = summary->sections->pdata[i];

        g_assert_cmpuint(section->unread, ==, 1);
        g_assert_cmpuint(section->elsewhere, ==, 0);
        g_assert_cmpint(section->absence, ==, EREC_PRESENT);
    }
}

/* Small parts in each other, thousands of times: what is shown again is bounded by what it costs to show. */
static void
test_amplified(void)
{
    GString *parts = g_string_new(TO("urn:uuid:2"));
    g_autofree char *text = NULL, *list = NULL;
    g_autoptr(ErecSummary) summary = NULL;
    const ErecItem *item;

    for (guint i = 0; i < 20000; i++)
        g_string_append(parts, "," TO("urn:uuid:2"));
    list = g_string_free(parts, FALSE);
    text = g_strdup_printf(BUNDLE("collection", AT("urn:uuid:1", "'resourceType':'DiagnosticReport','code':{'text':'x'},'result':[%s]") "," AT("urn:uuid:2", "'resourceType':'Flag'")), list);
    summary = summary_of(text);
    item = item_called(summary, "x");
    g_assert_nonnull(item);
    g_assert_cmpuint(item->children->len, >, 100);
    g_assert_cmpuint(item->children->len, <, 5 * strlen(text) / 1024 + 1024 + 2);
    g_assert_true(says(item->facts, "", "a part of it is not shown here"));
}

/* Who is found among several without reading them again for every entry. */
static void
test_all(void)
{
    g_autofree char *json = g_strdelimit(
        g_strdup(BUNDLE("collection", AT("urn:uuid:1", BERG) "," AT("urn:uuid:2", "'resourceType':'Patient'") "," LOOSE("'resourceType':'Flag','subject':{'reference':'urn:uuid:2'}") "," LOOSE("'resourceType':'Flag','subject':{'reference':'urn:uuid:1'}") "," LOOSE("'resourceType':'Flag','subject':{'reference':'urn:uuid:9'}"))),
        "'", '"');
    g_autoptr(ErecSource) source = source_of(json, -1);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
    g_autoptr(GArray) all = erec_subject_all(bundle);

    g_assert_cmpuint(all->len, ==, 2);
    g_assert_cmpuint(g_array_index(all, guint, 0), ==, 1);
    g_assert_cmpuint(g_array_index(all, guint, 1), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autofree char *path = g_strdup_printf("/misled/%s", cases[i].name);

        g_test_add_data_func(path, GSIZE_TO_POINTER(i), test_case);
    }
    g_test_add_func("/misled/orders", test_orders);
    g_test_add_func("/misled/unread", test_unread);
    g_test_add_func("/misled/amplified", test_amplified);
    g_test_add_func("/misled/all", test_all);
    return g_test_run();
}
