/* SPDX-License-Identifier: Apache-2.0
 *
 * test-ca: the authority of tests and the demo, on the command line. README.md beside it shows
 * how each kind of bad chain is made.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "daemon/store/identity.h"
#include "tests/rig/test-ca/ca.h"

#define DAY G_GINT64_CONSTANT(86400)

static char *opt_org;
static char *opt_place;
static char *opt_terminal;
static char *opt_not_before;
static char *opt_this_update;
static char *opt_next_update;
static char *opt_eku;
static char *opt_output;
static char *opt_crl_output;
static gint opt_days = 30;
static gboolean opt_by_root;
static gboolean opt_with_root;
static gboolean opt_is_ca;
static gboolean opt_intermediate;

static const GOptionEntry entries[] = {
    {"org", 0, 0, G_OPTION_ARG_STRING, &opt_org, "organisation (init: the authority's)",
     "NAME"},
    {"place", 0, 0, G_OPTION_ARG_STRING, &opt_place, "issue: place", "TOWN[,CC]"},
    {"terminal", 0, 0, G_OPTION_ARG_STRING, &opt_terminal, "issue: the terminal's name",
     "NAME"},
    {"days", 0, 0, G_OPTION_ARG_INT, &opt_days, "issue: valid for N days (30)", "N"},
    {"not-before", 0, 0, G_OPTION_ARG_STRING, &opt_not_before, "issue, init: valid from (-1h)",
     "TIME"},
    {"eku", 0, 0, G_OPTION_ARG_STRING, &opt_eku, "issue: ours, wrong, none or an OID", "WHICH"},
    {"by-root", 0, 0, G_OPTION_ARG_NONE, &opt_by_root, "issue: signed by the root itself",
     NULL},
    {"with-root", 0, 0, G_OPTION_ARG_NONE, &opt_with_root, "issue: append the root", NULL},
    {"is-ca", 0, 0, G_OPTION_ARG_NONE, &opt_is_ca, "issue: a leaf that says it is a CA", NULL},
    {"intermediate", 0, 0, G_OPTION_ARG_NONE, &opt_intermediate,
     "revoke: the intermediate instead of a CERT", NULL},
    {"this-update", 0, 0, G_OPTION_ARG_STRING, &opt_this_update, "crl: made at (-1h)", "TIME"},
    {"next-update", 0, 0, G_OPTION_ARG_STRING, &opt_next_update, "crl: until (+7d)", "TIME"},
    {"output", 'o', 0, G_OPTION_ARG_FILENAME, &opt_output, "write there, not to stdout",
     "FILE"},
    {"crl-output", 0, 0, G_OPTION_ARG_FILENAME, &opt_crl_output,
     "issue: write fresh CRLs there too", "FILE"},
    {NULL, 0, 0, 0, NULL, NULL, NULL},
};

static void
fail(const char *what, const char *why)
{
    fprintf(stderr, "test-ca: %s: %s\n", what, why);
    exit(64);
}

/* "@SECONDS", or from now "+3d", "-1h", "-90s". */
static gint64
parse_time(const char *text, gint64 otherwise)
{
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    char *end = NULL;
    if (text == NULL)
        return now + otherwise;
    gint64 n = g_ascii_strtoll(text[0] == '@' ? text + 1 : text, &end, 10);
    if (text[0] == '@' && *end == '\0')
        return n;
    static const struct {
        const char *unit;
        gint64 seconds;
    } units[] = {{"s", 1}, {"m", 60}, {"h", 3600}, {"d", DAY}, {"y", 365 * DAY}};
    for (guint i = 0; i < G_N_ELEMENTS(units); i++) {
        if (end != text && strcmp(end, units[i].unit) == 0)
            return now + n * units[i].seconds;
    }
    fail(text, "a time is @SECONDS or [+-]N with s, m, h, d or y");
    return 0;
}

static void
write_output(const char *file, const char *text)
{
    g_autoptr(GError) error = NULL;
    if (file == NULL)
        fputs(text, stdout);
    else if (!g_file_set_contents(file, text, -1, &error))
        fail(file, error->message);
}

static char *
read_input(const char *file)
{
    g_autoptr(GError) error = NULL;
    char *text = NULL;
    if (!g_file_get_contents(file, &text, NULL, &error))
        fail(file, error->message);
    return text;
}

static void
init(const char *directory)
{
    TestCaNames names = {
        .organisation = opt_org != NULL ? opt_org : "Test Authority",
        .not_before = parse_time(opt_not_before, -DAY),
        .not_after = parse_time(NULL, 3650 * DAY),
    };
    g_autoptr(TestCa) ca = test_ca_new(&names);
    test_ca_save(ca, directory);
}

static char *
request_name(gnutls_x509_crq_t request, const char *oid)
{
    char value[256];
    size_t size = sizeof value;
    if (gnutls_x509_crq_get_dn_by_oid(request, oid, 0, 0, value, &size) < 0)
        return NULL;
    return g_strndup(value, size);
}

static const char *
eku_oid(void)
{
    if (opt_eku == NULL || strcmp(opt_eku, "ours") == 0)
        return EHD_EKU_TERMINAL;
    if (strcmp(opt_eku, "none") == 0)
        return NULL;
    return strcmp(opt_eku, "wrong") == 0 ? GNUTLS_KP_TLS_WWW_SERVER : opt_eku;
}

static gnutls_x509_crt_t
issue_from(const TestCa *ca, gnutls_x509_crq_t request)
{
    g_auto(GStrv) place = g_strsplit(opt_place != NULL ? opt_place : "", ",", 2);
    g_autofree char *org = request_name(request, GNUTLS_OID_X520_ORGANIZATION_NAME);
    g_autofree char *cn = request_name(request, GNUTLS_OID_X520_COMMON_NAME);
    g_autofree char *town = request_name(request, GNUTLS_OID_X520_LOCALITY_NAME);
    g_autofree char *country = request_name(request, GNUTLS_OID_X520_COUNTRY_NAME);
    gint64 from = parse_time(opt_not_before, -3600);
    TestCaLeaf leaf = {
        .organisation = opt_org != NULL ? opt_org : org,
        .terminal = opt_terminal != NULL ? opt_terminal : cn,
        .locality = place[0] != NULL ? g_strstrip(place[0]) : town,
        .country = place[0] != NULL && place[1] != NULL ? g_strstrip(place[1]) : country,
        .not_before = from,
        .not_after = from + opt_days * DAY,
        .eku = eku_oid(),
        .signer = opt_by_root ? TEST_CA_ROOT : TEST_CA_INTERMEDIATE,
        .is_ca = opt_is_ca,
    };
    gnutls_pubkey_t key;
    if (gnutls_pubkey_init(&key) < 0 || gnutls_pubkey_import_x509_crq(key, request, 0) < 0)
        fail("issue", "the request has no key that can be read");
    gnutls_x509_crt_t crt = test_ca_issue(ca, key, &leaf);
    gnutls_pubkey_deinit(key);
    return crt;
}

static gsize
append_crt(GString *text, gnutls_x509_crt_t crt)
{
    g_autofree char *pem = test_ca_pem(crt);
    g_autoptr(GBytes) der = test_ca_der(crt);
    g_string_append(text, pem);
    return g_bytes_get_size(der);
}

static void
write_crls(const TestCa *ca, const char *file)
{
    gint64 this_update = parse_time(opt_this_update, -3600);
    gint64 next_update = parse_time(opt_next_update, 7 * DAY);
    g_autoptr(GString) text = g_string_new(NULL);
    for (int i = 1; i >= 0; i--) {
        gnutls_x509_crl_t crl = test_ca_crl(ca, (TestCaSigner)i, this_update, next_update);
        g_autofree char *pem = test_ca_crl_pem(crl);
        g_string_append(text, pem);
        gnutls_x509_crl_deinit(crl);
    }
    write_output(file, text->str);
}

static void
issue(const char *directory, const char *file)
{
    g_autoptr(TestCa) ca = test_ca_load(directory);
    g_autofree char *pem = read_input(file);
    gnutls_datum_t datum = {(guint8 *)pem, (unsigned)strlen(pem)};
    gnutls_x509_crq_t request;
    if (gnutls_x509_crq_init(&request) < 0 ||
        gnutls_x509_crq_import(request, &datum, GNUTLS_X509_FMT_PEM) < 0 ||
        gnutls_x509_crq_verify(request, 0) < 0)
        fail(file, "not a signing request, or not signed by its own key");
    gnutls_x509_crt_t crt = issue_from(ca, request);
    g_autoptr(GString) text = g_string_new(NULL);
    gsize leaf = append_crt(text, crt);
    gsize intermediate = opt_by_root ? 0 : append_crt(text, ca->crt[TEST_CA_INTERMEDIATE]);
    if (opt_with_root)
        append_crt(text, ca->crt[TEST_CA_ROOT]);
    fprintf(stderr, "chain: leaf %zu + intermediate %zu = %zu bytes DER\n", leaf, intermediate,
            leaf + intermediate);
    write_output(opt_output, text->str);
    if (opt_crl_output != NULL)
        write_crls(ca, opt_crl_output);
    gnutls_x509_crt_deinit(crt);
    gnutls_x509_crq_deinit(request);
}

static void
revoke_one(const char *directory, const char *file)
{
    g_autoptr(TestCa) ca = test_ca_load(directory);
    if (opt_intermediate) {
        test_ca_revoke(ca, ca->crt[TEST_CA_INTERMEDIATE]);
    } else {
        g_autofree char *pem = read_input(file);
        gnutls_datum_t datum = {(guint8 *)pem, (unsigned)strlen(pem)};
        gnutls_x509_crt_t crt;
        if (gnutls_x509_crt_init(&crt) < 0 ||
            gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_PEM) < 0)
            fail(file, "not a certificate (of a chain the first one is revoked)");
        test_ca_revoke(ca, crt);
        gnutls_x509_crt_deinit(crt);
    }
    test_ca_save(ca, directory);
}

static void
crl(const char *directory)
{
    g_autoptr(TestCa) ca = test_ca_load(directory);
    write_crls(ca, opt_output);
}

int
main(int argc, char **argv)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GOptionContext) context =
        g_option_context_new("DIR init|issue REQUEST|revoke CERT|crl");
    g_option_context_set_summary(context,
                                 "An authority for tests and the demo. Its keys are readable\n"
                                 "by whoever finds them: trust it nowhere else.");
    g_option_context_add_main_entries(context, entries, NULL);
    if (!g_option_context_parse(context, &argc, &argv, &error))
        fail("usage", error->message);
    const char *verb = argc >= 3 ? argv[2] : "";
    gboolean given = argc == 4;
    if (argc == 3 && strcmp(verb, "init") == 0)
        init(argv[1]);
    else if (given && strcmp(verb, "issue") == 0)
        issue(argv[1], argv[3]);
    else if (given != opt_intermediate && strcmp(verb, "revoke") == 0)
        revoke_one(argv[1], argv[3]);
    else if (argc == 3 && strcmp(verb, "crl") == 0)
        crl(argv[1]);
    else
        fail("usage", "test-ca DIR init|issue REQUEST|revoke CERT|crl (see --help)");
    return 0;
}
