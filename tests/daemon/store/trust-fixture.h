/* SPDX-License-Identifier: Apache-2.0
 *
 * What the tests of trust have in hand: an authority that is trusted, another one by the same
 * name that is not, and a terminal's key.
 */
#pragma once

#include "daemon/store/identity.h"
#include "daemon/store/trust.h"
#include "tests/rig/test-ca/ca.h"

#define DAY  G_GINT64_CONSTANT(86400)
#define NOW  (EHD_CLOCK_FLOOR + 100 * DAY)
#define WEEK (7 * DAY)

typedef struct {
    char *directory;
    EhdState *state;
    EhdTrust *trust;
    TestCa *ca;
    TestCa *other; /* an authority that nobody here trusts */
    gnutls_pubkey_t key;
    guint8 raw[32];
} TrustFixture;

void trust_set_up(TrustFixture *f, gconstpointer data);
void trust_tear_down(TrustFixture *f, gconstpointer data);
/* Makes a public key of a kind; the private half is not needed. */
gnutls_pubkey_t trust_make_key(gnutls_pk_algorithm_t kind, unsigned bits);
void trust_add_anchor(TrustFixture *f, gnutls_x509_crt_t crt);
/* A leaf that is right. */
extern const TestCaLeaf trust_good_leaf;
/* What a chain is made of: the leaf, then for each letter one certificate: i intermediate, r
 * root, I and R the other authority's, l the leaf again. Returns how many. */
guint trust_make_chain(TrustFixture *f, const TestCa *ca, const TestCaLeaf *leaf,
                       const char *rest, GBytes **out);
void trust_free_all(GBytes **bytes, guint n);
#define TRUST_CASE(path, function)                                                             \
    g_test_add(path, TrustFixture, NULL, trust_set_up, function, trust_tear_down)
