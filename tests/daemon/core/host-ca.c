/* SPDX-License-Identifier: Apache-2.0
 *
 * Certificates of a host in the tests (host.h): a test CA vouches for it, and whatever is to be
 * wrong with that.
 */
#include "tests/daemon/core/host.h"

#include <string.h>

#include "daemon/core/grant-make.h"

#define DAY G_GINT64_CONSTANT(86400)

TestCa *
host_ca(void)
{
    TestCaNames names = {"Test Authority", EHD_CLOCK_FLOOR, HOST_NOW + 3650 * DAY};

    return test_ca_new(&names);
}

static gnutls_pubkey_t
request_key(Host *host)
{
    static const EhdIdentityNames names = {"Test Clinic", "Reception 1", "Vienna", "AT"};
    g_autoptr(EhdGrant) grant = ehd_grant_make(0, EHD_ACTION_MANAGE_IDENTITY);
    g_autoptr(GError) error = NULL;
    g_autofree char *pem = NULL;
    gnutls_x509_crq_t crq;
    gnutls_pubkey_t key;
    gnutls_datum_t datum;

    ehd_core_init_identity(host->core, grant, &names, FALSE, &pem, &error);
    g_assert_no_error(error);
    datum = (gnutls_datum_t){(guint8 *)pem, (unsigned)strlen(pem)};
    g_assert_cmpint(gnutls_x509_crq_init(&crq), ==, 0);
    g_assert_cmpint(gnutls_x509_crq_import(crq, &datum, GNUTLS_X509_FMT_PEM), ==, 0);
    g_assert_cmpint(gnutls_pubkey_init(&key), ==, 0);
    g_assert_cmpint(gnutls_pubkey_import_x509_crq(key, crq, 0), ==, 0);
    gnutls_x509_crq_deinit(crq);
    return key;
}

static void
import(Host *clinic, TestCa *ca, gnutls_x509_crt_t leaf, const char *what)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(0, EHD_ACTION_MANAGE_IDENTITY);
    g_autofree char *leaf_pem = test_ca_pem(leaf);
    g_autofree char *middle_pem = test_ca_pem(ca->crt[TEST_CA_INTERMEDIATE]);
    g_autofree char *chain = g_strconcat(leaf_pem, middle_pem, NULL);
    gint64 made = g_strcmp0(what, "stale-crl") == 0 ? HOST_NOW - 20 * DAY : HOST_NOW - DAY;
    g_autoptr(GError) error = NULL;
    GBytes *crls[2];

    if (g_strcmp0(what, "revoked") == 0)
        test_ca_revoke(ca, leaf);
    for (guint i = 0; i < 2; i++) {
        gnutls_x509_crl_t crl =
            test_ca_crl(ca, i == 0 ? TEST_CA_ROOT : TEST_CA_INTERMEDIATE, made, made + 7 * DAY);
        crls[i] = test_ca_crl_der(crl);
        gnutls_x509_crl_deinit(crl);
    }
    ehd_core_import_identity(clinic->core, grant, chain, crls,
                             g_strcmp0(what, "no-crl") == 0 ? 0 : 2, &error);
    g_assert_no_error(error);
    g_bytes_unref(crls[0]);
    g_bytes_unref(crls[1]);
}

void
host_certify(Host *clinic, Host *patient, TestCa *ca, const char *what)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(0, EHD_ACTION_MANAGE_TRUST);
    g_autofree char *root = test_ca_pem(ca->crt[TEST_CA_ROOT]);
    gnutls_pubkey_t key = request_key(clinic);
    g_autoptr(GError) error = NULL;
    TestCaLeaf names = {.organisation = "Test Clinic",
                        .terminal = "Reception 1",
                        .locality = "Vienna",
                        .country = "AT",
                        .not_before = HOST_NOW - DAY,
                        .not_after = HOST_NOW + 29 * DAY,
                        .eku = EHD_EKU_TERMINAL,
                        .signer = TEST_CA_INTERMEDIATE};
    gnutls_x509_crt_t leaf = test_ca_issue(ca, key, &names);

    import(clinic, ca, leaf, what);
    if (patient != NULL) {
        ehd_core_add_trust(patient->core, grant, root, NULL, &error);
        g_assert_no_error(error);
    }
    gnutls_x509_crt_deinit(leaf);
    gnutls_pubkey_deinit(key);
}
