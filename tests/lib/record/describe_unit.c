/* SPDX-License-Identifier: Apache-2.0
 *
 * Recognising files by their content, and what a manifest says of them: never a patient's name.
 */
#include <string.h>

#include "lib/record/bounds.h"
#include "lib/record/category.h"
#include "lib/record/describe.h"
#include "tests/lib/record/corpus.h"

#define BYTES(text) text, sizeof text - 1

static const struct {
    const char *what;
    const char *bytes;
    gsize length;
    ErecKind kind;
    const char *media_type;
} kinds[] = {
    {"nothing", BYTES(""), EREC_KIND_OPAQUE, "application/octet-stream"},
    {"text", BYTES("hello"), EREC_KIND_OPAQUE, "application/octet-stream"},
    {"spaces", BYTES("  \n"), EREC_KIND_OPAQUE, "application/octet-stream"},
    {"resource", BYTES("{\"resourceType\":\"Patient\"}"), EREC_KIND_JSON,
     "application/fhir+json"},
    {"resource with a mark", BYTES("\xef\xbb\xbf {\"resourceType\":\"Patient\"}"),
     EREC_KIND_JSON, "application/fhir+json"},
    {"other JSON", BYTES("{\"a\":1}"), EREC_KIND_JSON, "application/json"},
    {"broken JSON", BYTES("{\"resourceType\":\"Patient\""), EREC_KIND_JSON,
     "application/octet-stream"},
    {"STU3 by type", BYTES("{\"resourceType\":\"ProcedureRequest\"}"), EREC_KIND_JSON,
     "application/fhir+json; fhirVersion=3.0"},
    {"STU3 by element", BYTES("{\"resourceType\":\"Condition\",\"clinicalStatus\":\"active\"}"),
     EREC_KIND_JSON, "application/fhir+json; fhirVersion=3.0"},
    {"DSTU2 by type",
     BYTES("{\"resourceType\":\"Bundle\",\"entry\":[{\"resource\":{\"resourceType\":"
           "\"MedicationOrder\"}}]}"),
     EREC_KIND_JSON, "application/fhir+json; fhirVersion=1.0"},
    {"FHIR XML",
     BYTES("<?xml version=\"1.0\"?><!-- > --><Patient xmlns=\"http://hl7.org/fhir\"/>"),
     EREC_KIND_FHIR_XML, "application/fhir+xml"},
    {"FHIR XML with a prefix", BYTES("<f:Patient a='b' xmlns:f='http://hl7.org/fhir'>"),
     EREC_KIND_FHIR_XML, "application/fhir+xml"},
    {"CDA", BYTES("<?xml version='1.0'?>\n<ClinicalDocument xmlns='urn:hl7-org:v3'>"),
     EREC_KIND_CDA, "text/xml"},
    {"CDA by name only", BYTES("<ClinicalDocument>"), EREC_KIND_XML, "application/xml"},
    {"an entity bomb",
     BYTES("<!DOCTYPE l [<!ENTITY a \"<]>\"><!ENTITY b \"&a;&a;\">]><l>&b;</l>"), EREC_KIND_XML,
     "application/xml"},
    {"cut XML", BYTES("<!DOCTYPE l [<!ENTITY a \"a"), EREC_KIND_OPAQUE,
     "application/octet-stream"},
    {"PDF", BYTES("%PDF-1.7\n"), EREC_KIND_PDF, "application/pdf"},
    {"PDF after a line", BYTES("\r\n%PDF-1.7\n"), EREC_KIND_PDF, "application/pdf"},
    {"JPEG, any", BYTES("\xff\xd8\xff\xdb"), EREC_KIND_JPEG, "image/jpeg"},
    {"PNG", BYTES("\x89PNG\r\n\x1a\n"), EREC_KIND_PNG, "image/png"},
    {"TIFF", BYTES("II*\0\x08\0\0\0"), EREC_KIND_TIFF, "image/tiff"},
    {"TIFF, big-endian", BYTES("MM\0*\0\0\0\x08"), EREC_KIND_TIFF, "image/tiff"},
    {"BigTIFF", BYTES("II+\0\x08\0\0\0"), EREC_KIND_BIGTIFF, "image/tiff"},
};

static void
test_kinds(void)
{
    for (gsize i = 0; i < G_N_ELEMENTS(kinds); i++) {
        g_autoptr(ErecSource) source = source_of(kinds[i].bytes, (gssize)kinds[i].length);
        g_auto(ErecDescription) d = {0};

        g_test_message("%s", kinds[i].what);
        erec_describe(source, &d);
        g_assert_cmpstr(erec_kind_name(d.kind), ==, erec_kind_name(kinds[i].kind));
        g_assert_cmpstr(d.media_type, ==, kinds[i].media_type);
    }
}

/* A preamble may be anything: what stands at 128 decides. */
static void
test_dicom_first(void)
{
    static const char *const preambles[] = {
        "II*",  "MM", "%PDF-1.4", "\x89PNG\r\n\x1a\n", "{\"resourceType\":\"Patient\"}",
        "<x/>", ""};

    for (gsize i = 0; i < G_N_ELEMENTS(preambles); i++) {
        char bytes[256] = {0};
        g_autoptr(ErecSource) source = NULL;

        memcpy(bytes, preambles[i], strlen(preambles[i]));
        memcpy(bytes + 128, "DICM", 4);
        source = source_of(bytes, sizeof bytes);
        g_assert_cmpint(erec_kind_of(source), ==, EREC_KIND_DICOM);
    }
}

/* One element with its value, explicit VR, little endian; `length` 0xffffffff: as a sequence begins. */
static void
put(GByteArray *file, guint16 group, guint16 element, const char *vr, const char *value)
{
    const gboolean open = value == NULL, wide = open || strcmp(vr, "SQ") == 0;
    const guint32 length = open ? 0xffffffff : (guint32)strlen(value);
    const guint8 head[] = {(guint8)group, (guint8)(group >> 8), (guint8)element, (guint8)(element >> 8)};
    const guint8 four[] = {(guint8)length, (guint8)(length >> 8), (guint8)(length >> 16), (guint8)(length >> 24)};

    g_byte_array_append(file, head, sizeof head);
    if (*vr != '\0')
        g_byte_array_append(file, (const guint8 *)vr, 2);
    if (*vr != '\0' && wide)
        g_byte_array_append(file, (const guint8 *)"\0\0", 2);
    g_byte_array_append(file, four, *vr == '\0' || wide ? 4 : 2);
    if (!open)
        g_byte_array_append(file, (const guint8 *)value, length);
}

/* A sequence that says where it ends only at its end stands before the patient's name in most files, and names are
 * not always written in UTF-8. `vr` of the sequence: what is inside "UN" cannot be followed. */
static void
describe_dicom(const char *vr, ErecDescription *d)
{
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(ErecSource) source = NULL;

    g_byte_array_set_size(file, 128);
    memset(file->data, 0, 128);
    g_byte_array_append(file, (const guint8 *)"DICM", 4);
    put(file, 0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1");
    put(file, 0x0008, 0x0005, "CS", "ISO_IR 100");
    put(file, 0x0008, 0x0060, "CS", "CT");
    put(file, 0x0008, 0x1030, "LO", "M\xfcller hand ");
    put(file, 0x0008, 0x1032, vr, NULL);
    put(file, 0xfffe, 0xe000, "", NULL);
    put(file, 0x0008, 0x0104, "LO", "x ");
    put(file, 0x0008, 0x1140, "SQ", NULL);
    put(file, 0xfffe, 0xe0dd, "", "");
    put(file, 0xfffe, 0xe00d, "", "");
    put(file, 0xfffe, 0xe0dd, "", "");
    put(file, 0x0010, 0x0010, "PN", "M\xfcller^Anna ");
    put(file, 0x0020, 0x0010, "SH", "1 ");
    source = source_of((const char *)file->data, (gssize)file->len);
    erec_describe(source, d);
}

static void
test_dicom_name(void)
{
    g_auto(ErecDescription) d = {0}, unread = {0};

    describe_dicom("SQ", &d);
    g_assert_cmpstr(d.title, ==, "CT");
    g_assert_true(erec_names_are_in(d.names, "Müller_ct.dcm"));
    g_assert_true(erec_names_are_in(d.names, "anna.dcm"));
    describe_dicom("UN", &unread);
    g_assert_cmpstr(unread.title, ==, "CT");
}

/* A name that is there and cannot be told from other words: none of them is said. `length` of zeros or letters. */
static void
describe_named(gsize length, char filler, ErecDescription *d)
{
    g_autoptr(GByteArray) file = g_byte_array_new();
    g_autoptr(ErecSource) source = NULL;
    g_autofree char *name = g_strnfill(length, 'x');
    gsize at;

    g_byte_array_set_size(file, 128);
    memset(file->data, 0, 128);
    g_byte_array_append(file, (const guint8 *)"DICM", 4);
    put(file, 0x0002, 0x0010, "UI", "1.2.840.10008.1.2.1");
    put(file, 0x0008, 0x0060, "CS", "CT");
    put(file, 0x0008, 0x0080, "LO", "Clinic of Anna");
    put(file, 0x0008, 0x1030, "LO", "Hand of Anna");
    memcpy(name, "Anna^", 5);
    put(file, 0x0010, 0x0010, "PN", name);
    at = file->len - length + 5;
    if (length > 5)
        file->data[at] = (guint8)filler;
    put(file, 0x0020, 0x0010, "SH", "1 ");
    source = source_of((const char *)file->data, (gssize)file->len);
    erec_describe(source, d);
}

static void
test_dicom_odd_name(void)
{
    static const struct {
        gsize length;
        char filler;
    } rows[] = {{8, 'x'}, {8, '\0'}, {1000, 'x'}, {1002, 'x'}, {1024, 'x'}, {2000, 'x'}};

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_auto(ErecDescription) d = {0};

        describe_named(rows[i].length, rows[i].filler, &d);
        g_assert_cmpstr(d.title, ==, "CT");
        g_assert_null(d.author);
    }
}

static const char summary[] =
    "{\"resourceType\":\"Bundle\",\"type\":\"document\",\"entry\":["
    "{\"fullUrl\":\"urn:uuid:1\",\"resource\":{\"resourceType\":\"Composition\",\"title\":"
    "\"Summary %s\",\"date\":\"2026-03-01\","
    "\"type\":{\"coding\":[{\"system\":\"http://"
    "loinc.org\",\"code\":\"60591-5\",\"display\":\"Patient summary\"}]},"
    "\"author\":[{\"reference\":\"%s\"}]}},"
    "{\"fullUrl\":\"urn:uuid:2\",\"resource\":{\"resourceType\":\"Patient\",\"name\":[{"
    "\"family\":\"M\\u00fcller-L\\u00fcdenscheidt\","
    "\"given\":[\"Ottilie\"]}]}},"
    "{\"fullUrl\":\"urn:uuid:3\",\"resource\":{\"resourceType\":\"PractitionerRole\","
    "\"organization\":{\"reference\":\"urn:uuid:4\"}}},"
    "{\"fullUrl\":\"urn:uuid:4\",\"resource\":{\"resourceType\":\"Organization\",\"name\":"
    "\"General Hospital\"}}]}";

static void
describe_summary(const char *title, const char *author, ErecDescription *d)
{
    g_autoptr(GString) text = g_string_new(summary);
    g_autoptr(ErecSource) source = NULL;

    g_string_replace(text, "%s", title, 1);
    g_string_replace(text, "%s", author, 1);
    source = source_of(text->str, -1);
    erec_describe(source, d);
}

static void
test_document(void)
{
    g_auto(ErecDescription) d = {0};
    g_auto(ErecDescription) own = {0};

    describe_summary("of March", "urn:uuid:3", &d);
    g_assert_cmpstr(d.category, ==, "Patient-Summaries");
    g_assert_cmpstr(d.form, ==, "document");
    g_assert_cmpstr(d.fhir_version, ==, "4");
    g_assert_cmpstr(d.title, ==, "Summary of March");
    g_assert_cmpstr(d.date, ==, "2026-03-01");
    g_assert_cmpstr(d.type_code, ==, "http://loinc.org|60591-5");
    g_assert_cmpstr(d.author, ==, "General Hospital");
    g_assert_false(d.patient_entered);
    g_assert_true(d.is_ips);
    describe_summary("of March", "urn:uuid:2", &own);
    g_assert_true(own.patient_entered);
    g_assert_null(own.author);
}

static void
test_no_names(void)
{
    static const char *const titles[] = {"of Ottilie", "MULLER-LUDENSCHEIDT", "di: müller",
                                         "for ottilies", "Lüdenscheidt_2026"};

    for (gsize i = 0; i < G_N_ELEMENTS(titles); i++) {
        g_auto(ErecDescription) d = {0};

        g_test_message("%s", titles[i]);
        describe_summary(titles[i], "urn:uuid:3", &d);
        g_assert_cmpstr(d.title, ==, "Patient summary");
        g_assert_true(erec_names_are_in(d.names, "Ottilie_Mueller_summary.json") ||
                      erec_names_are_in(d.names, "ottilie.json"));
        g_assert_false(erec_names_are_in(d.names, "summary.json"));
    }
}

static void
test_categories(void)
{
    static const struct {
        const char *json, *category;
    } rows[] = {
        {"{\"resourceType\":\"MedicationRequest\"}", "Electronic-Prescriptions"},
        {"{\"resourceType\":\"MedicationDispense\"}", "Electronic-Dispensations"},
        {"{\"resourceType\":\"ImagingStudy\"}", "Medical-Imaging"},
        {"{\"resourceType\":\"Procedure\"}", "Procedure"},
        {"{\"resourceType\":\"Basic\"}", "other"},
        {"{\"resourceType\":\"Composition\",\"type\":{\"coding\":[{\"system\":\"http://"
         "loinc.org\",\"code\":\"100719-4\"}]}}",
         "Discharge-Reports"},
        {"{\"resourceType\":\"Composition\",\"type\":{\"coding\":[{\"system\":\"x\",\"code\":"
         "\"100719-4\"}]}}",
         "Composition"},
        {"{\"resourceType\":\"DiagnosticReport\",\"category\":[{\"coding\":[{\"system\":\"http:"
         "//loinc.org\",\"code\":\"68604-8\"}]}]}",
         "Medical-Imaging"},
        {"{\"resourceType\":\"DiagnosticReport\",\"category\":[{\"coding\":[{\"system\":"
         "\"http://terminology.hl7.org/CodeSystem/v2-0074\",\"code\":\"EC\"}]}]}",
         "Laboratory-Reports"},
        {"{\"resourceType\":\"DocumentReference\",\"category\":[{\"coding\":[{\"system\":"
         "\"http://hl7.eu/fhir/euridice-api/CodeSystem/"
         "eehrxf-document-priority-category-cs\",\"code\":\"Discharge-Reports\"}]}]}",
         "Discharge-Reports"},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autoptr(ErecSource) source = source_of(rows[i].json, -1);
        g_auto(ErecDescription) d = {0};

        erec_describe(source, &d);
        g_assert_cmpstr(d.category, ==, rows[i].category);
        g_assert_nonnull(erec_category_words(d.category));
    }
}

static void
test_dates(void)
{
    static const char *const good[] = {"2026", "2026-02", "2024-02-29", "2026-03-01T10:00:00Z",
                                       "2026-03-01T10:00:00.123+14:00"};
    static const char *const bad[] = {"",
                                      "26",
                                      "0000",
                                      "2026-13",
                                      "2023-02-29",
                                      "2026-3-1",
                                      "2026-03-01T10:00:00",
                                      "2026-03-01T10:00Z",
                                      "2026-03-01T24:00:00Z",
                                      "2026-03-01 10:00:00Z",
                                      "2026-03-01T10:00:00.Z",
                                      "2026-03-01x"};

    for (gsize i = 0; i < G_N_ELEMENTS(good); i++)
        g_assert_true(erec_date_is_valid(good[i]));
    for (gsize i = 0; i < G_N_ELEMENTS(bad); i++)
        g_assert_false(erec_date_is_valid(bad[i]));
}

static void
test_cda(void)
{
    g_autoptr(ErecSource) source =
        source_of("<?xml version='1.0'?><ClinicalDocument xmlns='urn:hl7-org:v3'><code "
                  "code='34105-7' codeSystem='2.16.840.1.113883.6.1'"
                  " displayName='Discharge summary of Erna'/><effectiveTime "
                  "value='20260301101500+0100'/><recordTarget><patientRole><patient>"
                  "<name><given>Erna</given><family>Doe</family></name></patient></"
                  "patientRole></recordTarget><custodian><assignedCustodian>"
                  "<representedCustodianOrganization><name>Saint "
                  "Elsewhere</name></representedCustodianOrganization></assignedCustodian>"
                  "</custodian><component>&lol;",
                  -1);
    g_auto(ErecDescription) d = {0};

    erec_describe(source, &d);
    g_assert_cmpstr(d.category, ==, "Discharge-Reports");
    g_assert_cmpstr(d.type_code, ==, "http://loinc.org|34105-7");
    g_assert_cmpstr(d.date, ==, "2026-03-01");
    g_assert_cmpstr(d.author, ==, "Saint Elsewhere");
    g_assert_null(d.title);
}

/* Written by a patient, or in an organisation that is not the one which keeps it; a title of
 * its own. */
static void
test_cda_author(void)
{
    g_autoptr(ErecSource) source = source_of(
        "<ClinicalDocument xmlns='urn:hl7-org:v3'><code code='34133-9' "
        "codeSystem='2.16.840.1.113883.6.1'/>"
        "<title>Episode note</title><recordTarget><patientRole><patient><name>Erna "
        "Doe</name></patient></patientRole></recordTarget><author><assignedAuthor><code "
        "code='ONESELF'/><representedOrganization><name>Ward 3</name></representedOrganization>"
        "</assignedAuthor></"
        "author><custodian><assignedCustodian><representedCustodianOrganization>"
        "<name>Archive</name></representedCustodianOrganization></assignedCustodian></"
        "custodian>"
        "</ClinicalDocument>",
        -1);
    g_autoptr(ErecSource) cut =
        source_of("<ClinicalDocument xmlns='urn:hl7-org:v3'><title>Episode note of "
                  "Erna</title><recordTarget>",
                  -1);
    g_auto(ErecDescription) d = {0}, none = {0};

    erec_describe(source, &d);
    g_assert_cmpstr(d.title, ==, "Episode note");
    g_assert_cmpstr(d.author, ==, "Ward 3");
    g_assert_true(d.patient_entered);
    erec_describe(cut, &none);
    g_assert_cmpint(none.kind, ==, EREC_KIND_CDA);
    g_assert_null(none.title);
}

static const char fhir_xml[] =
    "<Bundle xmlns='http://hl7.org/fhir'><type value='document'/><entry><fullUrl "
    "value='urn:uuid:1'/>"
    "<resource><Composition><type><coding><system value='http://loinc.org'/><code "
    "value='60591-5'/>"
    "<display value='Patient summary'/></coding><coding><code value='x'/></coding></type>"
    "<subject><reference value='urn:uuid:2'/></subject><date value='2026-03-01'/>"
    "<author><reference value='urn:uuid:3'/></author><title value='Summary "
    "AUGUST'/></Composition>"
    "</resource></entry><entry><fullUrl "
    "value='urn:uuid:3'/><resource><Organization><contact><name>"
    "<family value='x'/></name></contact><name value='Saint "
    "Elsewhere'/></Organization></resource>"
    "</entry><entry><fullUrl value='urn:uuid:2'/><resource><Patient><name><family "
    "value='Doe'/><given "
    "value='Erna'/></name></Patient></resource></entry></Bundle>";

/* A composition whose title comes behind elements that nest so deep, each with a name so long.
 */
static ErecSource *
behind(guint depth, gsize length)
{
    g_autofree char *name = g_strnfill(length, 'x');
    g_autoptr(GString) text =
        g_string_new("<Composition xmlns='http://hl7.org/fhir'><date value='2026-03-01'/>");

    for (guint i = 0; i < depth; i++)
        g_string_append_printf(text, "<%s>", name);
    for (guint i = 0; i < depth; i++)
        g_string_append_printf(text, "</%s>", name);
    g_string_append(text, "<title value='Note'/></Composition>");
    return source_of(text->str, (gssize)text->len);
}

/* What is deeper, or has longer names, than any record ends what is learned. */
static void
test_xml_bounds(void)
{
    /* the composition itself is one, and "/Composition/" thirteen bytes */
    static const struct {
        guint depth;
        gsize length;
        gboolean read;
    } cases[] = {
        {EREC_XML_DEPTH - 1, 1, TRUE},     {EREC_XML_DEPTH, 1, FALSE},
        {1, EREC_XML_PATH - 13, TRUE},     {1, EREC_XML_PATH - 12, FALSE},
        {4, EREC_XML_PATH / 4 - 5, TRUE},  {4, EREC_XML_PATH / 4, FALSE},
        {EREC_XML_DEPTH - 1, 4000, FALSE}, {1, 200000, FALSE},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(ErecSource) source = behind(cases[i].depth, cases[i].length);
        g_auto(ErecDescription) d = {0};

        g_test_message("%u deep, names of %" G_GSIZE_FORMAT, cases[i].depth, cases[i].length);
        erec_describe(source, &d);
        g_assert_cmpint(d.kind, ==, EREC_KIND_FHIR_XML);
        g_assert_cmpstr(d.date, ==, "2026-03-01");
        g_assert_cmpstr(d.title, ==, cases[i].read ? "Note" : NULL);
    }
}

/* Of FHIR in XML as of FHIR in JSON; but a title only when the name is known that must not be
 * in it.
 */
static void
test_fhir_xml(void)
{
    g_autoptr(ErecSource) source = source_of(fhir_xml, -1);
    g_autoptr(GString) text = g_string_new(fhir_xml);
    g_auto(ErecDescription) d = {0}, named = {0}, cut = {0}, own = {0};

    erec_describe(source, &d);
    g_assert_cmpstr(d.category, ==, "Patient-Summaries");
    g_assert_cmpstr(d.type_code, ==, "http://loinc.org|60591-5");
    g_assert_cmpstr(d.date, ==, "2026-03-01");
    g_assert_cmpstr(d.title, ==, "Summary AUGUST");
    g_assert_cmpstr(d.author, ==, "Saint Elsewhere");
    g_assert_false(d.patient_entered);

    g_string_replace(text, "AUGUST", "of Erna", 1);
    g_autoptr(ErecSource) of_erna = source_of(text->str, -1);
    erec_describe(of_erna, &named);
    g_assert_null(named.title);
    g_assert_cmpstr(named.date, ==, "2026-03-01");

    /* before the patient comes it ends: who knows whose name the title has */
    g_autoptr(ErecSource) half = source_of(fhir_xml, strstr(fhir_xml, "<Patient>") - fhir_xml);
    erec_describe(half, &cut);
    g_assert_cmpint(cut.kind, ==, EREC_KIND_FHIR_XML);
    g_assert_null(cut.title);
    g_assert_null(cut.author);
    g_assert_cmpstr(cut.type_code, ==, "http://loinc.org|60591-5");

    g_string_assign(text, fhir_xml);
    g_string_replace(text, "<author><reference value='urn:uuid:3'/>",
                     "<author><reference value='urn:uuid:2'/>", 1);
    g_autoptr(ErecSource) by_herself = source_of(text->str, -1);
    erec_describe(by_herself, &own);
    g_assert_true(own.patient_entered);
}

static void
test_fhir_xml_resource(void)
{
    g_autoptr(ErecSource) source = source_of(
        "<Observation xmlns='http://hl7.org/fhir'><contained><Patient><name><text value='Erna "
        "Doe'/>"
        "</name></Patient></contained><code><coding><system value='http://loinc.org'/><code "
        "value='2160-0'/>"
        "<display value='Creatinine'/></coding></code><issued value='2026-03-02T10:00:00Z'/>"
        "<effectivePeriod><start value='2026-03-01'/></effectivePeriod></Observation>",
        -1);
    g_autoptr(ErecSource) person = source_of(
        "<Patient xmlns='http://hl7.org/fhir'><name><given value='Erna'/></name></Patient>",
        -1);
    g_auto(ErecDescription) d = {0}, p = {0};

    erec_describe(source, &d);
    g_assert_cmpstr(d.title, ==, "Creatinine");
    g_assert_cmpstr(d.date, ==, "2026-03-01");
    g_assert_cmpint(d.date_kind, ==, EREC_DATE_EFFECTIVE);
    g_assert_true(erec_names_are_in(d.names, "of Erna"));
    erec_describe(person, &p);
    g_assert_cmpstr(p.category, ==, "Patient");
    g_assert_null(p.title);
}

/* Every word of every name of every Patient resource, against all that a manifest would say. */
static void
assert_nameless(const char *file)
{
    g_autoptr(ErecSource) source = corpus_open(file);
    g_autoptr(ErecBundle) bundle = erec_bundle_new(source, NULL);
    g_auto(ErecDescription) d = {0};
    g_autofree char *said = NULL;
    gint at = -1;

    erec_describe(source, &d);
    g_assert_cmpstr(d.category, ==, "Patient-Summaries");
    g_assert_true(d.is_ips);
    said = g_strdup_printf("%s %s %s %s", d.title, d.author != NULL ? d.author : "",
                           d.type_code, d.date != NULL ? d.date : "");
    while ((at = erec_bundle_find_type(bundle, "Patient", (guint)(at + 1))) >= 0) {
        g_autoptr(ErecTree) tree = erec_bundle_load(bundle, (guint)at, NULL);
        g_autoptr(ErecNames) names = erec_names_new();

        erec_names_add_person(names, erec_tree_root(tree));
        g_assert_false(erec_names_is_empty(names));
        g_assert_false(erec_names_are_in(names, said));
    }
}

static void
test_corpus(void)
{
    static const char *const folders[] = {"ips", "ips-negative"};

    for (gsize i = 0; i < G_N_ELEMENTS(folders); i++) {
        g_autoptr(GPtrArray) files = corpus_list(folders[i]);

        for (guint j = 0; files != NULL && j < files->len; j++) {
            g_test_message("%s", (char *)files->pdata[j]);
            assert_nameless(files->pdata[j]);
        }
    }
}

static void
test_corpus_attachments(void)
{
    static const struct {
        const char *file;
        ErecKind kind;
    } rows[] = {
        {"CT_small.dcm", EREC_KIND_DICOM},     {"no_meta.dcm", EREC_KIND_OPAQUE},
        {"test-SR.dcm", EREC_KIND_DICOM},      {"MR_small_bigendian.dcm", EREC_KIND_DICOM},
        {"waveform_ecg.dcm", EREC_KIND_DICOM},
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *name = g_build_filename("attachments/dicom", rows[i].file, NULL);
        g_autoptr(ErecSource) source = corpus_open(name);
        g_auto(ErecDescription) d = {0};

        if (source == NULL)
            return;
        erec_describe(source, &d);
        g_assert_cmpint(d.kind, ==, rows[i].kind);
        if (d.kind == EREC_KIND_DICOM) {
            g_assert_cmpstr(d.category, ==, "Medical-Imaging");
            g_assert_nonnull(d.date);
            g_assert_nonnull(d.title);
        }
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/record/describe/kinds", test_kinds);
    g_test_add_func("/record/describe/dicom-first", test_dicom_first);
    g_test_add_func("/record/describe/dicom-name", test_dicom_name);
    g_test_add_func("/record/describe/dicom-odd-name", test_dicom_odd_name);
    g_test_add_func("/record/describe/document", test_document);
    g_test_add_func("/record/describe/no-names", test_no_names);
    g_test_add_func("/record/describe/categories", test_categories);
    g_test_add_func("/record/describe/dates", test_dates);
    g_test_add_func("/record/describe/fhir-xml", test_fhir_xml);
    g_test_add_func("/record/describe/xml-bounds", test_xml_bounds);
    g_test_add_func("/record/describe/fhir-xml-resource", test_fhir_xml_resource);
    g_test_add_func("/record/describe/cda", test_cda);
    g_test_add_func("/record/describe/cda-author", test_cda_author);
    g_test_add_func("/record/describe/corpus", test_corpus);
    g_test_add_func("/record/describe/corpus-attachments", test_corpus_attachments);
    return g_test_run();
}
