/* SPDX-License-Identifier: Apache-2.0
 *
 * From a new key over the operator's CA to what a tap needs.
 */
#include "daemon/store/identity.h"

#include <sodium.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/store/trust.h"
#include "tests/daemon/store/scratch.h"
#include "tests/rig/test-ca/ca.h"

#define DAY G_GINT64_CONSTANT(86400)
#define NOW (EHD_CLOCK_FLOOR + 100 * DAY)

static const EhdIdentityNames names = {"Test Clinic", "Reception 1", "Vienna", "AT"};

typedef struct {
    char *directory;
    EhdState *state;
    TestCa *ca;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    TestCaNames ca = {"Test Authority", EHD_CLOCK_FLOOR, NOW + 3650 * DAY};
    f->directory = scratch_new();
    f->state = scratch_state(f->directory);
    f->ca = test_ca_new(&ca);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    test_ca_free(f->ca);
    ehd_state_free(f->state);
    scratch_free(f->directory);
}

static gnutls_x509_crq_t
request(Fixture *f)
{
    g_autoptr(GError) error = NULL;
    g_assert_true(ehd_identity_init(f->state, FALSE, &error));
    g_autofree char *pem = ehd_identity_csr(f->state, &names, &error);
    g_assert_no_error(error);
    gnutls_datum_t datum = {(guint8 *)pem, (unsigned)strlen(pem)};
    gnutls_x509_crq_t crq;
    g_assert_cmpint(gnutls_x509_crq_init(&crq), ==, 0);
    g_assert_cmpint(gnutls_x509_crq_import(crq, &datum, GNUTLS_X509_FMT_PEM), ==, 0);
    return crq;
}

static TestCaLeaf
good_leaf(void)
{
    return (TestCaLeaf){.organisation = "Test Clinic",
                        .terminal = "Reception 1",
                        .locality = "Vienna",
                        .country = "AT",
                        .not_before = NOW - DAY,
                        .not_after = NOW + 29 * DAY,
                        .eku = EHD_EKU_TERMINAL,
                        .signer = TEST_CA_INTERMEDIATE};
}

static char *
issue(Fixture *f, const TestCaLeaf *leaf)
{
    gnutls_pubkey_t key;
    gnutls_x509_crq_t crq = request(f);
    g_assert_cmpint(gnutls_pubkey_init(&key), ==, 0);
    g_assert_cmpint(gnutls_pubkey_import_x509_crq(key, crq, 0), ==, 0);
    gnutls_x509_crt_t crt = test_ca_issue(f->ca, key, leaf);
    char *pem = test_ca_pem(crt);
    gnutls_x509_crt_deinit(crt);
    gnutls_pubkey_deinit(key);
    gnutls_x509_crq_deinit(crq);
    return pem;
}

static char *
chain_of(Fixture *f, const TestCaLeaf *leaf, gboolean root_first)
{
    g_autofree char *first = issue(f, leaf);
    g_autofree char *second = test_ca_pem(f->ca->crt[TEST_CA_INTERMEDIATE]);
    g_autofree char *root = test_ca_pem(f->ca->crt[TEST_CA_ROOT]);
    return root_first ? g_strconcat(root, second, first, NULL)
                      : g_strconcat(first, second, NULL);
}

static void
test_key(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    struct stat st;
    g_assert_null(ehd_identity_load(f->state, &error));
    scratch_expect(&error, EHP_NO_IDENTITY);
    g_assert_null(ehd_identity_csr(f->state, &names, &error));
    scratch_expect(&error, EHP_NO_IDENTITY);
    g_assert_true(ehd_identity_init(f->state, FALSE, &error));
    g_autoptr(EhdIdentity) first = ehd_identity_load(f->state, &error);
    g_assert_no_error(error);
    g_assert_cmpint(first->n_chain, ==, 0);
    g_assert_cmpint(fstatat(ehd_state_room(f->state, "identity"), "key", &st, 0), ==, 0);
    g_assert_cmpint(st.st_mode & 07777, ==, 0600);

    g_assert_true(ehd_identity_init(f->state, FALSE, &error)); /* keeps it */
    g_autoptr(EhdIdentity) same = ehd_identity_load(f->state, &error);
    g_assert_cmpmem(same->secret_key, 64, first->secret_key, 64);
    g_assert_true(ehd_identity_init(f->state, TRUE, &error)); /* replaces it */
    g_autoptr(EhdIdentity) other = ehd_identity_load(f->state, &error);
    g_assert_cmpint(memcmp(other->public_key, first->public_key, 32), !=, 0);
}

/* GnuTLS signs the request with what libsodium made; the same key signs taps. */
static void
test_request(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gnutls_x509_crq_t crq = request(f);
    g_assert_cmpint(gnutls_x509_crq_verify(crq, 0), ==, 0);
    char oid[64];
    size_t size = sizeof oid;
    unsigned critical;
    g_assert_cmpint(gnutls_x509_crq_get_key_purpose_oid(crq, 0, oid, &size, &critical), ==, 0);
    g_assert_cmpstr(oid, ==, EHD_EKU_TERMINAL);
    static const char *const wanted[][2] = {{GNUTLS_OID_X520_ORGANIZATION_NAME, "Test Clinic"},
                                            {GNUTLS_OID_X520_COMMON_NAME, "Reception 1"},
                                            {GNUTLS_OID_X520_LOCALITY_NAME, "Vienna"},
                                            {GNUTLS_OID_X520_COUNTRY_NAME, "AT"}};
    for (guint i = 0; i < G_N_ELEMENTS(wanted); i++) {
        char value[64];
        size = sizeof value;
        g_assert_cmpint(gnutls_x509_crq_get_dn_by_oid(crq, wanted[i][0], 0, 0, value, &size),
                        ==, 0);
        g_assert_cmpstr(value, ==, wanted[i][1]);
    }
    gnutls_x509_crq_deinit(crq);
}

static void
test_bad_names(Fixture *f, gconstpointer data)
{
    static const EhdIdentityNames bad[] = {
        {NULL, "T", NULL, NULL},
        {"", "T", NULL, NULL},
        {"C", NULL, NULL, NULL},
        {"C", "T", "", NULL},
        {"C", "T", NULL, "Austria"},
        {"C", "T", NULL, "at"},
        {"C\n", "T", NULL, NULL},
        {"C", "T\xe2\x80\xae", NULL, NULL},
        {"C", "\xff", NULL, NULL},
        {"12345678901234567890123456789012345678901234567890123456789012345", "T", NULL, NULL},
    };
    g_autoptr(GError) error = NULL;
    g_assert_true(ehd_identity_init(f->state, FALSE, &error));
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_null(ehd_identity_csr(f->state, &bad[i], &error));
        scratch_expect(&error, EHP_INVALID_ARGUMENT);
    }
}

static void
test_import(Fixture *f, gconstpointer data)
{
    for (int root_first = 0; root_first < 2; root_first++) {
        g_autoptr(GError) error = NULL;
        TestCaLeaf leaf = good_leaf();
        g_autofree char *pem = chain_of(f, &leaf, root_first);
        g_assert_true(ehd_identity_import(f->state, pem, strlen(pem), NOW, &error));
        g_assert_no_error(error);
        g_autoptr(EhdIdentity) identity = ehd_identity_load(f->state, &error);
        g_assert_no_error(error);
        g_assert_cmpint(identity->n_chain, ==, 2);
        g_assert_cmpstr(identity->organisation, ==, "Test Clinic");
        g_assert_cmpstr(identity->terminal, ==, "Reception 1");
        g_assert_cmpstr(identity->place, ==, "Vienna, AT");
        g_assert_cmpstr(identity->authority, ==, "Test Authority");
        g_assert_cmpint(identity->not_after, ==, leaf.not_after);

        /* What a patient's device makes of it, and that the key fits the leaf. */
        g_autofree char *other = scratch_new();
        EhdState *state = scratch_state(other);
        EhdTrust *trust = ehd_trust_open(state, NULL, &error);
        g_autofree char *root = test_ca_pem(f->ca->crt[TEST_CA_ROOT]);
        g_assert_true(ehd_trust_add(trust, root, strlen(root), NOW, NULL, &error));
        EhdVerdict verdict;
        ehd_trust_verify_chain(trust, identity->chain, identity->n_chain, NOW, &verdict);
        g_assert_cmpint(verdict.status, ==, EHP_OK);
        g_assert_cmpmem(verdict.fingerprint, 32, identity->fingerprint, 32);
        guint8 signature[crypto_sign_BYTES];
        crypto_sign_detached(signature, NULL, (const guint8 *)"tap", 3, identity->secret_key);
        g_assert_cmpint(
            crypto_sign_verify_detached(signature, (const guint8 *)"tap", 3, verdict.key), ==,
            0);
        ehd_trust_free(trust);
        ehd_state_free(state);
        scratch_free(g_steal_pointer(&other));
    }
}

static void
expect_refused(Fixture *f, const char *pem, gint64 now, ehp_status status)
{
    g_autoptr(GError) error = NULL;
    g_assert_false(ehd_identity_import(f->state, pem, strlen(pem), now, &error));
    scratch_expect(&error, status);
    g_autoptr(EhdIdentity) identity = ehd_identity_load(f->state, &error);
    g_assert_no_error(error);
    g_assert_cmpint(identity->n_chain, ==, 0);
}

static void
test_import_bad(Fixture *f, gconstpointer data)
{
    static const struct {
        gint64 days;
        const char *eku;
        gboolean is_ca;
        const char *organisation;
        ehp_status status;
    } table[] = {
        {30, GNUTLS_KP_TLS_WWW_SERVER, 0, "C", EHP_CERT_WRONG_PURPOSE},
        {30, NULL, 0, "C", EHP_CERT_WRONG_PURPOSE},
        {92, EHD_EKU_TERMINAL, 0, "C", EHP_CERT_INVALID},
        {30, EHD_EKU_TERMINAL, 1, "C", EHP_CERT_INVALID},
        {30, EHD_EKU_TERMINAL, 0, NULL, EHP_CERT_INVALID},
    };
    TestCaLeaf leaf = good_leaf();
    g_autofree char *good = chain_of(f, &leaf, FALSE);
    expect_refused(f, good, NOW + 31 * DAY, EHP_CERT_EXPIRED);
    expect_refused(f, good, NOW - 2 * DAY, EHP_CERT_NOT_YET_VALID);
    expect_refused(f, "", NOW, EHP_CERT_INVALID);
    expect_refused(f, "junk", NOW, EHP_CERT_INVALID);
    for (guint i = 0; i < G_N_ELEMENTS(table); i++) {
        leaf = good_leaf();
        leaf.not_after = leaf.not_before + table[i].days * DAY;
        leaf.eku = table[i].eku;
        leaf.is_ca = table[i].is_ca;
        leaf.organisation = table[i].organisation;
        g_autofree char *pem = chain_of(f, &leaf, FALSE);
        expect_refused(f, pem, NOW, table[i].status);
    }
    g_autofree char *root = test_ca_pem(f->ca->crt[TEST_CA_ROOT]);
    expect_refused(f, root, NOW, EHP_CERT_INVALID); /* nothing of ours in it */
    g_autoptr(GError) error = NULL;
    g_assert_true(ehd_identity_init(f->state, TRUE, &error));
    expect_refused(f, good, NOW, EHP_CERT_INVALID); /* for the key we had before */
}

static GBytes *
crl(Fixture *f, const TestCa *ca, TestCaSigner signer, gboolean pem)
{
    gnutls_x509_crl_t made = test_ca_crl(ca, signer, NOW, NOW + 7 * DAY + (gint64)signer);
    GBytes *bytes = NULL;
    if (pem) {
        char *text = test_ca_crl_pem(made);
        bytes = g_bytes_new_take(text, strlen(text));
    } else {
        bytes = test_ca_crl_der(made);
    }
    gnutls_x509_crl_deinit(made);
    return bytes;
}

static void
test_crls(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    TestCaNames stranger_names = {"Stranger", EHD_CLOCK_FLOOR, NOW + 3650 * DAY};
    g_autoptr(TestCa) stranger = test_ca_new(&stranger_names);
    TestCaLeaf leaf = good_leaf();
    g_autofree char *pem = chain_of(f, &leaf, FALSE);
    g_autoptr(GBytes) inter = crl(f, f->ca, TEST_CA_INTERMEDIATE, TRUE);
    g_autoptr(GBytes) root = crl(f, f->ca, TEST_CA_ROOT, FALSE);
    g_autoptr(GBytes) strange = crl(f, stranger, TEST_CA_ROOT, TRUE);
    g_autoptr(GBytes) junk = g_bytes_new_static("junk", 4);
    GBytes *both[] = {inter, root};
    g_assert_false(ehd_identity_import_crls(f->state, both, 2, &error)); /* no chain yet */
    scratch_expect(&error, EHP_WRONG_STATE);
    g_assert_true(ehd_identity_import(f->state, pem, strlen(pem), NOW, &error));
    ehd_identity_import_crls(f->state, both, 2, &error);
    g_assert_no_error(error);
    GBytes *const bad[][4] = {{junk, inter}, {inter, strange}, {inter, junk}};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(ehd_identity_import_crls(f->state, bad[i], 2, &error));
        scratch_expect(&error, EHP_INVALID_ARGUMENT);
    }
    GBytes *const many[] = {inter, root, inter, root};
    g_assert_false(ehd_identity_import_crls(f->state, many, 4, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);

    g_autoptr(EhdIdentity) identity = ehd_identity_load(f->state, &error); /* still the first */
    g_assert_cmpint(identity->n_crls, ==, 2);
    g_assert_true(g_bytes_equal(identity->crls[1], root));
    g_assert_cmpint(identity->crl_next_update, ==, NOW + 7 * DAY);
    g_assert_true(ehd_identity_import_crls(f->state, NULL, 0, &error)); /* none */
    g_autoptr(EhdIdentity) without = ehd_identity_load(f->state, &error);
    g_assert_no_error(error);
    g_assert_cmpint(without->n_crls, ==, 0);
}

/* The test CA's own keeping, which the rig relies on: what it issues after a reload still fits.
 */
static void
test_ca_keeps(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *kept = g_build_filename(f->directory, "ca", NULL);
    test_ca_revoke(f->ca, f->ca->crt[TEST_CA_INTERMEDIATE]);
    test_ca_save(f->ca, kept);
    test_ca_free(g_steal_pointer(&f->ca));
    f->ca = test_ca_load(kept);
    g_assert_cmpint(f->ca->revoked[TEST_CA_ROOT]->len, ==, 1);
    TestCaLeaf leaf = good_leaf();
    g_autofree char *pem = chain_of(f, &leaf, TRUE);
    g_assert_true(ehd_identity_import(f->state, pem, strlen(pem), NOW, &error));
    g_assert_no_error(error);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
    CASE("/store/identity/key", test_key);
    CASE("/store/identity/request", test_request);
    CASE("/store/identity/bad-names", test_bad_names);
    CASE("/store/identity/import", test_import);
    CASE("/store/identity/import-bad", test_import_bad);
    CASE("/store/identity/crls", test_crls);
    CASE("/store/identity/test-ca-keeps", test_ca_keeps);
    return g_test_run();
}
