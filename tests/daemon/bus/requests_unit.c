/* SPDX-License-Identifier: Apache-2.0
 *
 * Option dictionaries, good and hostile: what each must become, or which message names it.
 */
#include "daemon/bus/requests.h"

#include <string.h>

#include "daemon/bus/options.h"
#include "daemon/error.h"
#include "proto/ehrlink.pb-c.h"

static GVariant *
parse(const char *type, const char *text)
{
    g_autoptr(GError) error = NULL;
    GVariant *value = g_variant_parse(G_VARIANT_TYPE(type), text, NULL, NULL, &error);
    g_assert_no_error(error);
    return value;
}

typedef struct {
    const char *text;
    const char *says; /* what the message contains; NULL: it is good */
    ehp_status status;
} Case;

static void
check(const Case *c, gboolean good, const GError *error)
{
    if (c->says == NULL) {
        g_assert_no_error(error);
        g_assert_true(good);
        return;
    }
    if (good || error == NULL)
        g_error("%s: taken, where \"%s\" was to be said", c->text, c->says);
    g_assert_true(error->domain == EHD_ERROR);
    g_assert_cmpint(error->code, ==, c->status != 0 ? (int)c->status : EHP_INVALID_ARGUMENT);
    if (strstr(error->message, c->says) == NULL)
        g_error("%s: says \"%s\", not \"%s\"", c->text, error->message, c->says);
}

static void
test_send_options(void)
{
    static const Case cases[] = {
        {"{'agent': <objectpath '/a'>}", NULL, 0},
        {"{'agent': <objectpath '/a'>, 'timeout': <uint32 3600>, 'detach': <true>, 'linger': "
         "<uint32 660>, 'acting-as': <'caregiver'>}",
         NULL, 0},
        {"{}", "agent: missing", 0},
        {"{'agent': <'/a'>}", "agent: must be of type o", 0},
        {"{'agent': <objectpath '/a'>, 'agent': <objectpath '/b'>}", "agent: given twice", 0},
        {"{'agent': <objectpath '/a'>, 'timeout': <uint32 0>}", "timeout: out of range", 0},
        {"{'agent': <objectpath '/a'>, 'timeout': <uint32 3601>}", "timeout: out of range", 0},
        {"{'agent': <objectpath '/a'>, 'timeout': <int32 5>}", "timeout: must be of type u", 0},
        {"{'agent': <objectpath '/a'>, 'timeout': <uint32 4294967295>}", "timeout", 0},
        {"{'agent': <objectpath '/a'>, 'linger': <uint32 661>}", "linger: out of range", 0},
        {"{'agent': <objectpath '/a'>, 'detach': <'yes'>}", "detach: must be of type b", 0},
        {"{'agent': <objectpath '/a'>, 'acting-as': <''>}", "acting-as: no such code", 0},
        {"{'agent': <objectpath '/a'>, 'acting-as': <'SELF'>}", "acting-as: no such code", 0},
        {"{'agent': <objectpath '/a'>, '': <1>}", "unknown option", 0},
        {"{'agent': <objectpath '/a'>, 'Agent': <1>}", "unknown option: Agent", 0},
        {"{'agent': <objectpath '/a'>, 'timeout ': <uint32 1>}", "unknown option", 0},
        {"{'agent': <objectpath '/a'>, 'a\\u001b[2Jb': <1>}", "unknown option: a?[2Jb", 0},
        {"{'agent': <objectpath '/a'>, 'purpose': <'TREAT'>}", "unknown option: purpose", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) items = parse("aa{sv}", "[{'name': <'n'>, 'size': <uint64 0>}]");
        g_autoptr(GVariant) options = parse("a{sv}", cases[i].text);
        g_auto(EhdSendRequest) request = {0};
        gboolean good = ehd_send_request_parse(&request, items, options, &error);
        check(&cases[i], good, error);
    }
}

static void
test_queries(void)
{
    static const Case cases[] = {
        {"[{}]", NULL, 0},
        {"[{'categories': <['Patient-Summaries', 'Medical-Imaging']>, 'type': <'a|b'>, "
         "'since': "
         "<'2024-05'>, 'until': <'2025'>, 'last': <uint32 3>, 'ids': <['7', 'x.json']>}, {}]",
         NULL, 0},
        {"[{'categories': <['Gossip']>}]", "queries[0]: categories[0]: no such code", 0},
        {"[{}, {'since': <'24-05-01'>}]", "queries[1]: its dates", 0},
        {"[{'until': <'last week'>}]", "queries[0]: its dates", 0},
        {"[{'since': <'24'>}]", "since", 0},
        {"[{'last': <uint32 0>}]", "last: out of range", 0},
        {"[{'last': <uint32 16385>}]", "last: out of range", 0},
        {"[{'ids': <['']>}]", "queries[0]: its ids", 0},
        {"[{'type': <''>}]", "type", 0},
        {"[{'newest': <true>}]", "unknown option: newest", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) dicts = parse("aa{sv}", cases[i].text);
        g_autoptr(GArray) queries = ehd_queries_parse(dicts, &error);
        check(&cases[i], queries != NULL, error);
    }
}

/* No items at all: only when they are to be named later; an answer that names them. */
static void
test_offer_later(void)
{
    g_autoptr(GVariant) none = parse("aa{sv}", "[]");
    g_autoptr(GVariant) options = parse(
        "a{sv}", "{'agent': <objectpath '/a'>, 'offer-later': <true>, 'replies': <true>}");
    g_autoptr(GVariant) answer =
        parse("a{sv}", "{'offer': <[{'name': <'n'>, 'size': <uint64 7>}]>}");
    g_autoptr(GVariant) empty = parse("a{sv}", "{'offer': <@aa{sv} []>}");
    g_autoptr(GError) error = NULL;
    g_auto(EhdSendRequest) request = {0};
    g_auto(EhdConsentAnswer) good = {0};
    g_auto(EhdConsentAnswer) bad = {0};

    g_assert_true(ehd_send_request_parse(&request, none, options, &error));
    g_assert_no_error(error);
    g_assert_true(request.options.offer_later && request.options.replies);
    g_assert_true(ehd_consent_answer_parse(&good, answer, &error));
    g_assert_cmpuint(good.offer->len, ==, 1);
    g_assert_false(ehd_consent_answer_parse(&bad, empty, &error));
    g_assert_error(error, EHD_ERROR, EHP_INVALID_ARGUMENT);
}

static void
test_descriptions(void)
{
#define NAMED(name, more) "[{'name': <'" name "'>, 'size': <uint64 1>" more "}]"
    static const Case cases[] = {
        {NAMED("a", ""), NULL, 0},
        {NAMED("a", ", 'mtime': <int64 -5>, 'media-type': <'text/plain'>, 'title': <'T'>, "
                    "'date': <'2026'>, 'category': <'Laboratory-Reports'>, 'type-code': "
                    "<'http://loinc.org|60591-5'>, 'author': <'A'>, 'patient-entered': <true>, "
                    "'subject': <[byte 1, 2]>"),
         NULL, 0},
        {"@aa{sv} []", "items: 0", 0},
        {"[@a{sv} {}]", "items[0]: name: missing", 0},
        {"[{'name': <'a'>}]", "items[0]: size: missing", 0},
        {"[{'name': <'a'>, 'size': <uint64 1>}, {'name': <'b'>, 'size': <1>}]",
         "items[1]: size: must be of type t", 0},
        {NAMED("a", ", 'fd': <1>"), "items[0]: unknown option: fd", 0},
        {NAMED("a", ", 'category': <'Everything'>"), "items[0]: category: no such code", 0},
        {NAMED("a", ", 'subject': <'x'>"), "items[0]: subject: must be of type ay", 0},
        {NAMED("a", ", 'subject': <@ay []>"), "subject", EHP_ITEM_INVALID},
        {NAMED("", ""), "name", EHP_ITEM_INVALID},
        {NAMED("../a", ""), "name", EHP_ITEM_INVALID},
        {NAMED("..", ""), "name", EHP_ITEM_INVALID},
        {"[{'name': <'a'>, 'size': <uint64 18446744073709551615>}]", "size", EHP_ITEM_INVALID},
        {"[{'name': <'a'>, 'size': <uint64 1>, 'subject': <[byte 1]>}, "
         "{'name': <'b'>, 'size': <uint64 1>, 'subject': <[byte 2]>}]",
         "", EHP_MIXED_SUBJECTS},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) items = parse("aa{sv}", cases[i].text);
        g_autoptr(GVariant) options = parse("a{sv}", "{'agent': <objectpath '/a'>}");
        g_auto(EhdSendRequest) request = {0};
        gboolean good = ehd_send_request_parse(&request, items, options, &error);
        check(&cases[i], good, error);
    }
}

static GVariant *
one_item(const char *key, const char *value)
{
    GVariantBuilder list;
    g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
    g_variant_builder_open(&list, G_VARIANT_TYPE_VARDICT);
    if (strcmp(key, "name") != 0)
        g_variant_builder_add(&list, "{sv}", "name", g_variant_new_string("n"));
    g_variant_builder_add(&list, "{sv}", "size", g_variant_new_uint64(1));
    g_variant_builder_add(&list, "{sv}", key, g_variant_new_string(value));
    g_variant_builder_close(&list);
    return g_variant_ref_sink(g_variant_builder_end(&list));
}

static void
test_long_texts(void)
{
    static const struct {
        const char *key;
        gsize max;
    } texts[] = {{"name", EHP_NAME_MAX},      {"media-type", EHP_TYPE_MAX},
                 {"title", EHP_TITLE_MAX},    {"date", EHP_DATE_MAX},
                 {"type-code", EHP_CODE_MAX}, {"author", EHP_NAME_MAX}};
    g_autoptr(GVariant) options = parse("a{sv}", "{'agent': <objectpath '/a'>}");
    for (gsize i = 0; i < G_N_ELEMENTS(texts); i++) {
        for (gsize length = texts[i].max; length <= 100000; length += 99999 - texts[i].max) {
            g_autoptr(GError) error = NULL;
            g_autofree char *text = g_strnfill(length, 'x');
            g_autoptr(GVariant) items = one_item(texts[i].key, text);
            g_auto(EhdSendRequest) request = {0};
            gboolean good = ehd_send_request_parse(&request, items, options, &error);
            g_assert_cmpint(good, ==, length == texts[i].max);
        }
    }
}

static void
test_many_items(void)
{
    for (gsize n = EHP_ITEMS_MAX; n <= EHP_ITEMS_MAX + 1; n++) {
        GVariantBuilder list;
        g_variant_builder_init(&list, G_VARIANT_TYPE("aa{sv}"));
        for (gsize i = 0; i < n; i++)
            g_variant_builder_add_parsed(&list, "{'name': <'a'>, 'size': <uint64 1>}");
        g_autoptr(GVariant) items = g_variant_ref_sink(g_variant_builder_end(&list));
        g_autoptr(GVariant) options = parse("a{sv}", "{'agent': <objectpath '/a'>}");
        g_autoptr(GError) error = NULL;
        g_auto(EhdSendRequest) request = {0};
        gboolean good = ehd_send_request_parse(&request, items, options, &error);
        g_assert_cmpint(good, ==, n == EHP_ITEMS_MAX);
    }
}

static void
test_receive_options(void)
{
#define WITH(more) "{'agent': <objectpath '/a'>, " more "}"
    static const Case cases[] = {
        {"{'agent': <objectpath '/a'>}", NULL, 0},
        {WITH("'timeout': <uint32 0>, 'filing-timeout': <uint32 0>, 'unverified': <true>, "
              "'period-days': <uint64 30>, 'retention-days': <uint64 3650>, 'directory': "
              "<'/home/x'>, 'purpose': <'ETREAT'>, 'text': <'a\\nb\\tc'>"),
         NULL, 0},
        {WITH("'categories': <['Patient-Summaries']>, 'operator': <{'display': <'D'>, "
              "'role-code': <'s|c'>, 'identifier': <'s|v'>, 'assurance': <'stated'>}>"),
         NULL, 0},
        {WITH("'operator': <@a{sv} {}>"), NULL, 0},
        {"{}", "agent: missing", 0},
        {WITH("'timeout': <uint32 86401>"), "timeout", 0},
        {WITH("'purpose': <'MARKETING'>"), "purpose: no such code: MARKETING", 0},
        {WITH("'categories': <['Patient-Summaries', 'nonsense']>"), "categories[1]: no such",
         0},
        {WITH("'categories': <['other', 'other']>"), "categories[1]: given twice", 0},
        {WITH("'categories': <'other'>"), "categories: must be of type as", 0},
        {WITH(
             "'categories': <['1','2','3','4','5','6','7','8','9','10','11','12','13','14','15'"
             ",'16','17','18','19','20','21','22','23','24','25']>"),
         "categories: out of range", 0},
        {WITH("'period-days': <uint64 18446744073709551615>"), "period-days", 0},
        {WITH("'text': <'a\\u001bb'>"), "text: a control character", 0},
        {WITH("'operator': <{'display': <''>}>"), "operator: display: 0 bytes", 0},
        {WITH("'operator': <{'display': <'a\\nb'>}>"), "operator: display: a control", 0},
        {WITH("'operator': <{'name': <'x'>}>"), "operator: unknown option: name", 0},
        {WITH("'operator': <{'assurance': <'certain'>}>"), "operator: assurance", 0},
        {WITH("'operator': <'me'>"), "operator: must be of type a{sv}", 0},
        {WITH("'directory': <''>"), "directory", 0},
        {WITH("'filing-timeout': <uint32 604801>"), "filing-timeout", 0},
        {WITH("'linger': <uint32 1>"), "unknown option: linger", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(cases); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) options = parse("a{sv}", cases[i].text);
        g_auto(EhdReceiveRequest) request = {0};
        gboolean good = ehd_receive_request_parse(&request, options, &error);
        check(&cases[i], good, error);
    }
}

static void
test_others(void)
{
    static const Case init[] = {
        {"{'organisation': <'O'>, 'terminal': <'T'>, 'locality': <'L'>, 'country': <'de'>, "
         "'replace': <true>}",
         NULL, 0},
        {"{'country': <'DEU'>}", "country", 0},
        {"{'country': <'D'>}", "country: two letters", 0},
        {"{'country': <'1A'>}", "country: two letters", 0},
        {"{'organisation': <'a\\nb'>}", "organisation: a control", 0},
        {"{'key': <'x'>}", "unknown option: key", 0},
    };
    static const Case import[] = {
        {"{}", NULL, 0},
        {"{'crls': <['a', 'b', 'c']>}", NULL, 0},
        {"{'crls': <['a', 'b', 'c', 'd']>}", "crls: out of range", 0},
        {"{'crls': <['']>}", "crls[0]: out of range", 0},
        {"{'crls': <[byte 1]>}", "crls: must be of type as", 0},
    };
    static const Case answer[] = {
        {"{}", NULL, 0},
        {"{'items': <[uint32 0]>}", NULL, 0},
        {"{'items': <@au []>}", "items: out of range", 0},
        {"{'expires': <int64 0>}", "expires: out of range", 0},
        {"{'expires': <int64 -1>}", "expires: out of range", 0},
        {"{'scope': <'all'>}", "unknown option: scope", 0},
    };
    for (gsize i = 0; i < G_N_ELEMENTS(init); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) options = parse("a{sv}", init[i].text);
        EhdInitIdentityRequest request;
        gboolean good = ehd_init_identity_request_parse(&request, options, &error);
        check(&init[i], good, error);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(import); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) options = parse("a{sv}", import[i].text);
        g_auto(EhdImportRequest) request = {0};
        gboolean good = ehd_import_request_parse(&request, options, &error);
        check(&import[i], good, error);
    }
    for (gsize i = 0; i < G_N_ELEMENTS(answer); i++) {
        g_autoptr(GError) error = NULL;
        g_autoptr(GVariant) options = parse("a{sv}", answer[i].text);
        g_auto(EhdConsentAnswer) request = {0};
        gboolean good = ehd_consent_answer_parse(&request, options, &error);
        check(&answer[i], good, error);
    }
}

static void
test_values(void)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GVariant) options =
        parse("a{sv}", "{'agent': <objectpath '/a/b'>, 'categories': <['other', "
                       "'Patient-Summaries']>, 'purpose': <'ETREAT'>}");
    g_auto(EhdReceiveRequest) request = {0};
    g_assert_true(ehd_receive_request_parse(&request, options, &error));
    g_assert_cmpstr(request.agent, ==, "/a/b");
    g_assert_cmpint(request.options.purpose, ==, EHP__PURPOSE__PURPOSE_ETREAT);
    g_assert_cmpuint(request.options.n_categories, ==, 2);
    g_assert_cmpint(request.options.categories[0], ==, EHP__CATEGORY__CATEGORY_OTHER);
    g_assert_null(request.options.operator_);
    g_assert_cmpuint(request.options.timeout, ==, EHD_SECONDS_CONFIGURED);
}

static void
test_text_check(void)
{
    g_assert_true(ehd_text_check("t", "\xc3\xa4\xc3\xb6", 1, 4, FALSE, NULL));
    g_assert_false(ehd_text_check("t", "\xc3\xa4\xc3\xb6", 1, 3, FALSE, NULL));
    g_assert_false(ehd_text_check("t", "a\xff", 0, 9, FALSE, NULL));
    g_assert_false(ehd_text_check("t", "a\xc2\x85", 0, 9, FALSE, NULL)); /* C1 */
    g_assert_false(ehd_text_check("t", "a\nb", 0, 9, FALSE, NULL));
    g_assert_true(ehd_text_check("t", "a\nb", 0, 9, TRUE, NULL));
    g_assert_false(ehd_text_check("t", "a\rb", 0, 9, TRUE, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/requests/send-options", test_send_options);
    g_test_add_func("/requests/queries", test_queries);
    g_test_add_func("/requests/offer-later", test_offer_later);
    g_test_add_func("/requests/descriptions", test_descriptions);
    g_test_add_func("/requests/long-texts", test_long_texts);
    g_test_add_func("/requests/many-items", test_many_items);
    g_test_add_func("/requests/receive-options", test_receive_options);
    g_test_add_func("/requests/others", test_others);
    g_test_add_func("/requests/values", test_values);
    g_test_add_func("/requests/text-check", test_text_check);
    return g_test_run();
}
