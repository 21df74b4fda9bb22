/* SPDX-License-Identifier: Apache-2.0
 *
 * The directories of anchors.
 */
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/daemon/store/scratch.h"
#include "tests/daemon/store/trust-fixture.h"

static void
test_anchors(TrustFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    char text[EHD_FINGERPRINT_TEXT];
    EhdAnchor added;
    g_assert_cmpint(ehd_trust_count(f->trust), ==, 1);
    trust_add_anchor(f, f->ca->crt[TEST_CA_ROOT]); /* once more: no change */
    g_assert_cmpint(ehd_trust_count(f->trust), ==, 1);
    g_autofree char *pem = test_ca_pem(f->other->crt[TEST_CA_ROOT]);
    g_assert_true(ehd_trust_add(f->trust, pem, strlen(pem), NOW, &added, &error));
    g_assert_cmpint(ehd_trust_count(f->trust), ==, 2);
    g_assert_cmpstr(added.name, ==, "Test Authority");
    g_assert_false(added.system);

    ehd_fingerprint_format(added.fingerprint, text);
    g_assert_false(ehd_trust_remove(f->trust, "0123456", &error)); /* too short */
    scratch_expect(&error, EHP_NOT_FOUND);
    text[12] = '\0';
    g_assert_true(ehd_trust_remove(f->trust, text, &error));
    g_assert_no_error(error);
    g_assert_cmpint(ehd_trust_count(f->trust), ==, 1);
    g_assert_false(ehd_trust_remove(f->trust, text, &error));
    scratch_expect(&error, EHP_NOT_FOUND);

    g_autoptr(EhdTrust) again = ehd_trust_open(f->state, NULL, &error); /* it is on disk */
    g_assert_no_error(error);
    g_assert_cmpint(ehd_trust_count(again), ==, 1);
}

static void
test_bad_anchors(TrustFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gnutls_x509_crt_t leaf = test_ca_issue(f->ca, f->key, &trust_good_leaf);
    g_autofree char *root = test_ca_pem(f->other->crt[TEST_CA_ROOT]);
    g_autofree char *leaf_pem = test_ca_pem(leaf);
    g_autofree char *two = g_strconcat(root, leaf_pem, NULL);
    const char *const bad[] = {
        "", "junk", leaf_pem, two,
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"};
    for (guint i = 0; i < G_N_ELEMENTS(bad); i++) {
        g_assert_false(ehd_trust_add(f->trust, bad[i], strlen(bad[i]), NOW, NULL, &error));
        scratch_expect(&error, EHP_CERT_INVALID);
    }
    g_assert_false(ehd_trust_add(f->trust, root, strlen(root), NOW + 4000 * DAY, NULL, &error));
    scratch_expect(&error, EHP_CERT_EXPIRED);
    g_assert_cmpint(ehd_trust_count(f->trust), ==, 1);
    gnutls_x509_crt_deinit(leaf);
}

static void
test_system_directory(TrustFixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *directory = scratch_new();
    g_autofree char *pem = test_ca_pem(f->other->crt[TEST_CA_ROOT]);
    g_autofree char *file = g_build_filename(directory, "a.pem", NULL);
    scratch_put(directory, "a.pem", pem, -1);
    scratch_put(directory, "README", "not a certificate", -1);
    g_autoptr(EhdTrust) trust = ehd_trust_open(f->state, directory, &error);
    g_assert_no_error(error);
    g_assert_cmpint(ehd_trust_count(trust), ==, 2);
    const EhdAnchor *anchor = ehd_trust_get(trust, 0);
    g_assert_true(anchor->system);
    char text[EHD_FINGERPRINT_TEXT];
    ehd_fingerprint_format(anchor->fingerprint, text);
    g_assert_false(ehd_trust_remove(trust, text, &error));
    scratch_expect(&error, EHP_INVALID_ARGUMENT);

    scratch_put(directory, "b.pem", "junk", -1);
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*b.pem is passed over*");
    g_assert_true(ehd_trust_reload(trust, &error));
    g_test_assert_expected_messages();
    g_assert_cmpint(ehd_trust_count(trust), ==, 2);

    g_assert_cmpint(chmod(file, 0666), ==, 0);
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING,
                          "*a.pem is passed over: others may write*");
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*b.pem is passed over*");
    g_assert_true(ehd_trust_reload(trust, &error));
    g_test_assert_expected_messages();
    g_assert_cmpint(ehd_trust_count(trust), ==, 1);

    g_assert_cmpint(chmod(directory, 0777), ==, 0);
    g_test_expect_message(NULL, G_LOG_LEVEL_WARNING, "*is passed over: others may write it*");
    g_assert_true(ehd_trust_reload(trust, &error));
    g_test_assert_expected_messages();
    scratch_free(g_steal_pointer(&directory));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TRUST_CASE("/store/trust/anchors", test_anchors);
    TRUST_CASE("/store/trust/bad-anchors", test_bad_anchors);
    TRUST_CASE("/store/trust/system-directory", test_system_directory);
    return g_test_run();
}
