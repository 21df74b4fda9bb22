/* SPDX-License-Identifier: Apache-2.0
 *
 * Verdicts about revocation lists, one table.
 */
#include "tests/daemon/store/trust-fixture.h"

typedef struct {
    const char *what;
    const char *crls;   /* i intermediate's, r root's, I R the other authority's, j junk */
    gint64 this_update; /* days from NOW */
    gint64 next_update;
    gboolean leaf_revoked;
    gboolean intermediate_revoked;
    ehp_status status;
} CrlCase;

static const CrlCase crl_cases[] = {
    {"both", "ir", 0, 7, 0, 0, EHP_OK},
    {"in the other order", "ri", 0, 7, 0, 0, EHP_OK},
    {"just not too old", "ir", -7, 7, 0, 0, EHP_OK},
    {"too old", "ir", -8, 7, 0, 0, EHP_CRL_STALE},
    {"past nextUpdate", "ir", -3, -1, 0, 0, EHP_CRL_STALE},
    {"from the future", "ir", 1, 7, 0, 0, EHP_CRL_STALE},
    {"none", "", 0, 7, 0, 0, EHP_CRL_MISSING},
    {"only the leaf's", "i", 0, 7, 0, 0, EHP_CRL_MISSING},
    {"only the intermediate's", "r", 0, 7, 0, 0, EHP_CRL_MISSING},
    {"a stranger's by the same name", "IR", 0, 7, 0, 0, EHP_CRL_MISSING},
    {"a stranger's leaf CRL", "Ir", 0, 7, 0, 0, EHP_CRL_MISSING},
    {"junk", "j", 0, 7, 0, 0, EHP_CRL_MISSING},
    {"junk besides", "jir", 0, 7, 0, 0, EHP_OK},
    {"leaf revoked", "ir", 0, 7, 1, 0, EHP_CERT_REVOKED},
    {"leaf revoked, root's missing", "i", 0, 7, 1, 0, EHP_CERT_REVOKED},
    {"leaf revoked, the lists stale", "ir", -30, -20, 1, 0, EHP_CERT_REVOKED},
    {"intermediate revoked", "ir", 0, 7, 0, 1, EHP_CERT_REVOKED},
    {"intermediate revoked, its list alone", "r", 0, 7, 0, 1, EHP_CERT_REVOKED},
    {"leaf revoked, but that list was not sent", "r", 0, 7, 1, 0, EHP_CRL_MISSING},
};

static GBytes *
make_crl(TrustFixture *f, char which, gint64 this_update, gint64 next_update)
{
    const TestCa *ca = g_ascii_isupper(which) ? f->other : f->ca;
    TestCaSigner who = g_ascii_tolower(which) == 'r' ? TEST_CA_ROOT : TEST_CA_INTERMEDIATE;
    gnutls_x509_crl_t crl = test_ca_crl(ca, who, this_update, next_update);
    GBytes *der = which == 'j' ? g_bytes_new("junk", 4) : test_ca_crl_der(crl);
    gnutls_x509_crl_deinit(crl);
    return der;
}

static void
test_crls(TrustFixture *f, gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(crl_cases); i++) {
        const CrlCase *c = &crl_cases[i];
        GBytes *chain[4];
        GBytes *crls[4];
        guint n_crls = 0;
        gnutls_x509_crt_t leaf = test_ca_issue(f->ca, f->key, &trust_good_leaf);
        chain[0] = test_ca_der(leaf);
        chain[1] = test_ca_der(f->ca->crt[TEST_CA_INTERMEDIATE]);
        for (int j = 0; j < 2; j++)
            g_ptr_array_set_size(f->ca->revoked[j], 0);
        if (c->leaf_revoked)
            test_ca_revoke(f->ca, leaf);
        if (c->intermediate_revoked)
            test_ca_revoke(f->ca, f->ca->crt[TEST_CA_INTERMEDIATE]);
        for (const char *which = c->crls; *which != '\0'; which++)
            crls[n_crls++] =
                make_crl(f, *which, NOW + c->this_update * DAY, NOW + c->next_update * DAY);
        for (int allow = 0; allow < 2; allow++) {
            const EhdCrlPolicy policy = {WEEK, allow};
            EhdRevocation revocation;
            ehd_trust_verify_crls(f->trust, chain, 2, crls, n_crls, NOW, &policy, &revocation);
            g_test_message("%s: %s", c->what, ehp_status_name(revocation.status));
            g_assert_cmpstr(ehp_status_name(revocation.status), ==, ehp_status_name(c->status));
            gboolean unchecked = c->status == EHP_CRL_MISSING || c->status == EHP_CRL_STALE;
            g_assert_cmpint(revocation.acceptable, ==,
                            c->status == EHP_OK || (unchecked && allow));
        }
        gnutls_x509_crt_deinit(leaf);
        trust_free_all(crls, n_crls);
        trust_free_all(chain, 2);
    }
}

static void
test_crls_other_chains(TrustFixture *f, gconstpointer data)
{
    const EhdCrlPolicy policy = {WEEK, TRUE};
    EhdRevocation revocation;
    GBytes *chain[4];
    GBytes *crls[2] = {make_crl(f, 'i', NOW, NOW + WEEK), make_crl(f, 'r', NOW, NOW + WEEK)};
    /* The root, when sent along, needs no CRL of its own. */
    guint n = trust_make_chain(f, f->ca, &trust_good_leaf, "ir", chain);
    ehd_trust_verify_crls(f->trust, chain, n, crls, 2, NOW, &policy, &revocation);
    g_assert_cmpstr(ehp_status_name(revocation.status), ==, "Ok");
    trust_free_all(chain, n);
    /* A leaf of the root itself: its CRL alone. */
    TestCaLeaf leaf = trust_good_leaf;
    leaf.signer = TEST_CA_ROOT;
    n = trust_make_chain(f, f->ca, &leaf, "", chain);
    ehd_trust_verify_crls(f->trust, chain, n, crls + 1, 1, NOW, &policy, &revocation);
    g_assert_cmpstr(ehp_status_name(revocation.status), ==, "Ok");
    trust_free_all(chain, n);
    /* An untrusted chain is never acceptable. */
    n = trust_make_chain(f, f->other, &trust_good_leaf, "I", chain);
    ehd_trust_verify_crls(f->trust, chain, n, crls, 2, NOW, &policy, &revocation);
    g_assert_cmpstr(ehp_status_name(revocation.status), ==, "CertUntrusted");
    g_assert_false(revocation.acceptable);
    trust_free_all(chain, n);
    trust_free_all(crls, 2);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TRUST_CASE("/store/trust/crls", test_crls);
    TRUST_CASE("/store/trust/crls-other-chains", test_crls_other_chains);
    return g_test_run();
}
