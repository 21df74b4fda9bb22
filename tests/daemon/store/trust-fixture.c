/* SPDX-License-Identifier: Apache-2.0
 *
 * See trust-fixture.h.
 */
#include "tests/daemon/store/trust-fixture.h"

#include <string.h>

#include "tests/daemon/store/scratch.h"

gnutls_pubkey_t
trust_make_key(gnutls_pk_algorithm_t kind, unsigned bits)
{
    gnutls_privkey_t secret;
    gnutls_pubkey_t key;
    g_assert_cmpint(gnutls_privkey_init(&secret), ==, 0);
    g_assert_cmpint(gnutls_privkey_generate(secret, kind, bits, 0), ==, 0);
    g_assert_cmpint(gnutls_pubkey_init(&key), ==, 0);
    g_assert_cmpint(gnutls_pubkey_import_privkey(key, secret, 0, 0), ==, 0);
    gnutls_privkey_deinit(secret);
    return key;
}

static TestCa *
make_ca(const char *organisation, gint64 not_after)
{
    TestCaNames names = {organisation, EHD_CLOCK_FLOOR, not_after};
    return test_ca_new(&names);
}

void
trust_add_anchor(TrustFixture *f, gnutls_x509_crt_t crt)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pem = test_ca_pem(crt);
    g_assert_true(ehd_trust_add(f->trust, pem, strlen(pem), NOW, NULL, &error));
    g_assert_no_error(error);
}

void
trust_set_up(TrustFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x;
    f->directory = scratch_new();
    f->state = scratch_state(f->directory);
    f->trust = ehd_trust_open(f->state, NULL, &error);
    g_assert_no_error(error);
    f->ca = make_ca("Test Authority", NOW + 3650 * DAY);
    f->other = make_ca("Test Authority", NOW + 3650 * DAY); /* by the same name */
    f->key = trust_make_key(GNUTLS_PK_EDDSA_ED25519, 256);
    g_assert_cmpint(gnutls_pubkey_export_ecc_raw2(f->key, &curve, &x, NULL, 0), ==, 0);
    memcpy(f->raw, x.data, 32);
    gnutls_free(x.data);
    trust_add_anchor(f, f->ca->crt[TEST_CA_ROOT]);
}

void
trust_tear_down(TrustFixture *f, gconstpointer data)
{
    gnutls_pubkey_deinit(f->key);
    test_ca_free(f->ca);
    test_ca_free(f->other);
    ehd_trust_free(f->trust);
    ehd_state_free(f->state);
    scratch_free(f->directory);
}

const TestCaLeaf trust_good_leaf = {
    .organisation = "Test Clinic",
    .terminal = "Reception 1",
    .locality = "Vienna",
    .country = "AT",
    .not_before = NOW - DAY,
    .not_after = NOW + 29 * DAY,
    .eku = EHD_EKU_TERMINAL,
    .signer = TEST_CA_INTERMEDIATE,
};

guint
trust_make_chain(TrustFixture *f, const TestCa *ca, const TestCaLeaf *leaf, const char *rest,
                 GBytes **out)
{
    gnutls_x509_crt_t crt = test_ca_issue(ca, f->key, leaf);
    guint n = 0;
    out[n++] = test_ca_der(crt);
    for (; *rest != '\0'; rest++) {
        const TestCa *from = g_ascii_isupper(*rest) ? f->other : f->ca;
        TestCaSigner who = g_ascii_tolower(*rest) == 'r' ? TEST_CA_ROOT : TEST_CA_INTERMEDIATE;
        out[n++] = test_ca_der(*rest == 'l' ? crt : from->crt[who]);
    }
    gnutls_x509_crt_deinit(crt);
    return n;
}

void
trust_free_all(GBytes **bytes, guint n)
{
    for (guint i = 0; i < n; i++)
        g_bytes_unref(bytes[i]);
}
