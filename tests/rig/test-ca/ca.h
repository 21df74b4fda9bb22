/* SPDX-License-Identifier: Apache-2.0
 *
 * A certificate authority for tests and the demo: a root, an intermediate, leaves and CRLs,
 * good ones and bad ones. Its keys are lying about in a directory: nothing it signs is worth
 * anything outside of a test. The program test-ca and the unit tests are made of it.
 */
#pragma once

#include <glib.h>
#include <gnutls/abstract.h>
#include <gnutls/x509.h>

typedef enum {
    TEST_CA_ROOT,
    TEST_CA_INTERMEDIATE,
} TestCaSigner;

typedef struct {
    gnutls_x509_crt_t crt[2];     /* by TestCaSigner; owned */
    gnutls_x509_privkey_t key[2]; /* owned */
    GPtrArray *revoked[2];        /* owned GBytes: serial numbers, by who signed them */
} TestCa;

typedef struct {
    const char *organisation; /* O of root and intermediate */
    gint64 not_before;
    gint64 not_after;
} TestCaNames;

typedef struct {
    const char *organisation; /* NULL: as the request says, or left out */
    const char *terminal;
    const char *locality;
    const char *country;
    gint64 not_before;
    gint64 not_after;
    const char *eku; /* OID; NULL: none */
    TestCaSigner signer;
    gboolean is_ca; /* a leaf that says it is a CA */
} TestCaLeaf;

/* Everything here ends the program when it fails: a test CA that does not work is a broken
 * test. */
TestCa *test_ca_new(const TestCaNames *names);
void test_ca_free(TestCa *ca);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(TestCa, test_ca_free)

/* Keeps it in, and takes it from, a directory. */
void test_ca_save(const TestCa *ca, const char *directory);
TestCa *test_ca_load(const char *directory);

/* `key` may be of any kind. */
gnutls_x509_crt_t test_ca_issue(const TestCa *ca, gnutls_pubkey_t key, const TestCaLeaf *leaf);
/* A signer's CRL that lists what was revoked so far. */
gnutls_x509_crl_t test_ca_crl(const TestCa *ca, TestCaSigner signer, gint64 this_update,
                              gint64 next_update);
/* Whoever's name is on it. */
void test_ca_revoke(TestCa *ca, gnutls_x509_crt_t crt);

GBytes *test_ca_der(gnutls_x509_crt_t crt);
GBytes *test_ca_crl_der(gnutls_x509_crl_t crl);
char *test_ca_pem(gnutls_x509_crt_t crt);
char *test_ca_crl_pem(gnutls_x509_crl_t crl);
