/* SPDX-License-Identifier: Apache-2.0
 *
 * Verdicts about chains, one table.
 */
#include <string.h>

#include "tests/daemon/store/trust-fixture.h"

static void
test_good(TrustFixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    guint8 fingerprint[32];
    guint n = trust_make_chain(f, f->ca, &trust_good_leaf, "i", chain);
    g_test_message("chain: leaf %zu + intermediate %zu = %zu bytes DER",
                   g_bytes_get_size(chain[0]), g_bytes_get_size(chain[1]),
                   g_bytes_get_size(chain[0]) + g_bytes_get_size(chain[1]));
    /* Message 2 has room for it beside some 300 bytes of everything else. */
    g_assert_cmpint(g_bytes_get_size(chain[0]) + g_bytes_get_size(chain[1]), <=,
                    EHP_TAP_MSG2_MAX - 300);
    ehd_trust_verify_chain(f->trust, chain, n, NOW, &verdict);
    g_assert_cmpstr(ehp_status_name(verdict.status), ==, "Ok");
    g_assert_true(verdict.readable);
    g_assert_cmpmem(verdict.key, 32, f->raw, 32);
    ehd_fingerprint_of_key(f->raw, fingerprint);
    g_assert_cmpmem(verdict.fingerprint, 32, fingerprint, 32);
    g_assert_cmpstr(verdict.organisation, ==, "Test Clinic");
    g_assert_cmpstr(verdict.terminal, ==, "Reception 1");
    g_assert_cmpstr(verdict.place, ==, "Vienna, AT");
    g_assert_cmpstr(verdict.authority, ==, "Test Authority");
    g_assert_cmpint(verdict.not_after, ==, trust_good_leaf.not_after);
    trust_free_all(chain, n);
}

typedef struct {
    const char *what;
    const char *rest;
    gint64 from; /* relative to NOW, days */
    gint64 days;
    const char *eku;
    gboolean by_root;
    gboolean by_other;
    gboolean is_ca;
    const char *organisation;
    ehp_status status;
} ChainCase;

#define OURS EHD_EKU_TERMINAL
static const ChainCase chains[] = {
    {"good", "i", -1, 30, OURS, 0, 0, 0, "C", EHP_OK},
    {"good, root sent along", "ir", -1, 30, OURS, 0, 0, 0, "C", EHP_OK},
    {"good, straight from the root", "", -1, 30, OURS, 1, 0, 0, "C", EHP_OK},
    {"90 days", "i", -1, 90, OURS, 0, 0, 0, "C", EHP_OK},
    {"91 days", "i", -1, 91, OURS, 0, 0, 0, "C", EHP_OK},
    {"92 days", "i", -1, 92, OURS, 0, 0, 0, "C", EHP_CERT_INVALID},
    {"expired", "i", -31, 30, OURS, 0, 0, 0, "C", EHP_CERT_EXPIRED},
    {"not yet valid", "i", 1, 30, OURS, 0, 0, 0, "C", EHP_CERT_NOT_YET_VALID},
    {"wrong EKU", "i", -1, 30, GNUTLS_KP_TLS_WWW_SERVER, 0, 0, 0, "C", EHP_CERT_WRONG_PURPOSE},
    {"any EKU", "i", -1, 30, GNUTLS_KP_ANY, 0, 0, 0, "C", EHP_CERT_WRONG_PURPOSE},
    {"no EKU", "i", -1, 30, NULL, 0, 0, 0, "C", EHP_CERT_WRONG_PURPOSE},
    {"an EKU that begins like ours", "i", -1, 30, OURS ".1", 0, 0, 0, "C",
     EHP_CERT_WRONG_PURPOSE},
    {"an arc too big for libtasn1", "i", -1, 30, "2.25.9223372036854775807", 0, 0, 0, "C",
     EHP_CERT_WRONG_PURPOSE},
    {"wrong CA of the same name", "I", -1, 30, OURS, 0, 1, 0, "C", EHP_CERT_UNTRUSTED},
    {"wrong CA, its root sent along", "IR", -1, 30, OURS, 0, 1, 0, "C", EHP_CERT_UNTRUSTED},
    {"wrong CA, our intermediate", "i", -1, 30, OURS, 0, 1, 0, "C", EHP_CERT_UNTRUSTED},
    {"wrong CA, expired", "I", -31, 30, OURS, 0, 1, 0, "C", EHP_CERT_UNTRUSTED},
    {"intermediate missing", "", -1, 30, OURS, 0, 0, 0, "C", EHP_CERT_UNTRUSTED},
    {"root instead of intermediate", "r", -1, 30, OURS, 0, 0, 0, "C", EHP_CERT_UNTRUSTED},
    {"wrong order", "ri", -1, 30, OURS, 0, 0, 0, "C", EHP_CERT_UNTRUSTED},
    {"a stranger at the end", "iI", -1, 30, OURS, 0, 0, 0, "C", EHP_CERT_UNTRUSTED},
    {"the leaf twice", "li", -1, 30, OURS, 0, 0, 0, "C", EHP_CERT_UNTRUSTED},
    {"too long", "iir", -1, 30, OURS, 0, 0, 0, "C", EHP_CERT_INVALID},
    {"a leaf that is a CA", "i", -1, 30, OURS, 0, 0, 1, "C", EHP_CERT_INVALID},
    {"no organisation", "i", -1, 30, OURS, 0, 0, 0, NULL, EHP_CERT_INVALID},
    {"an organisation that cannot be seen", "i", -1, 30, OURS, 0, 0, 0, "\xe2\x80\xae",
     EHP_CERT_INVALID},
};

static void
test_chains(TrustFixture *f, gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(chains); i++) {
        const ChainCase *c = &chains[i];
        GBytes *chain[4];
        EhdVerdict verdict;
        TestCaLeaf leaf = trust_good_leaf;
        leaf.not_before = NOW + c->from * DAY;
        leaf.not_after = leaf.not_before + c->days * DAY;
        leaf.eku = c->eku;
        leaf.is_ca = c->is_ca;
        leaf.organisation = c->organisation;
        leaf.signer = c->by_root ? TEST_CA_ROOT : TEST_CA_INTERMEDIATE;
        guint n = trust_make_chain(f, c->by_other ? f->other : f->ca, &leaf, c->rest, chain);
        ehd_trust_verify_chain(f->trust, chain, n, NOW, &verdict);
        g_test_message("%s: %s", c->what, ehp_status_name(verdict.status));
        g_assert_cmpstr(ehp_status_name(verdict.status), ==, ehp_status_name(c->status));
        g_assert_cmpint(verdict.readable, ==, n <= EHP_CHAIN_MAX);
        if (c->status == EHP_CERT_UNTRUSTED || c->status == EHP_CERT_INVALID)
            g_assert_cmpstr(verdict.authority, ==, "");
        trust_free_all(chain, n);
    }
}

static void
test_other_keys(TrustFixture *f, gconstpointer data)
{
    static const struct {
        gnutls_pk_algorithm_t kind;
        unsigned bits;
    } kinds[] = {{GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1)},
                 {GNUTLS_PK_RSA, 2048}};
    for (guint i = 0; i < G_N_ELEMENTS(kinds); i++) {
        GBytes *chain[4];
        EhdVerdict verdict;
        gnutls_pubkey_deinit(f->key);
        f->key = trust_make_key(kinds[i].kind, kinds[i].bits);
        guint n = trust_make_chain(f, f->ca, &trust_good_leaf, "i", chain);
        ehd_trust_verify_chain(f->trust, chain, n, NOW, &verdict);
        g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertInvalid");
        g_assert_false(verdict.readable);
        trust_free_all(chain, n);
    }
}

/* Every byte of the chain changed in turn: never verified, never a crash. */
static void
test_flipped(TrustFixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    guint n = trust_make_chain(f, f->ca, &trust_good_leaf, "i", chain);
    for (guint c = 0; c < n; c++) {
        gsize length;
        const guint8 *der = g_bytes_get_data(chain[c], &length);
        for (gsize i = 0; i < length; i++) {
            g_autofree guint8 *copy = g_memdup2(der, length);
            copy[i] ^= 1 << (i % 8);
            g_autoptr(GBytes) changed = g_bytes_new(copy, length);
            GBytes *bad[] = {chain[0], chain[1]};
            bad[c] = changed;
            ehd_trust_verify_chain(f->trust, bad, n, NOW, &verdict);
            g_assert_cmpint(verdict.status, !=, EHP_OK);
        }
    }
    trust_free_all(chain, n);
}

static void
test_malformed(TrustFixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    guint n = trust_make_chain(f, f->ca, &trust_good_leaf, "i", chain);
    gsize length;
    const guint8 *der = g_bytes_get_data(chain[0], &length);
    g_autofree guint8 *longer = g_malloc0(EHP_CERT_MAX + 1);
    memcpy(longer, der, length);
    const gsize lengths[] = {0, 1, length - 1, length + 1, EHP_CERT_MAX, EHP_CERT_MAX + 1};
    for (guint i = 0; i < G_N_ELEMENTS(lengths); i++) {
        g_autoptr(GBytes) changed = g_bytes_new(longer, lengths[i]);
        GBytes *bad[] = {changed, chain[1]};
        ehd_trust_verify_chain(f->trust, bad, 2, NOW, &verdict);
        g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertInvalid");
        GBytes *bad2[] = {chain[0], changed};
        ehd_trust_verify_chain(f->trust, bad2, 2, NOW, &verdict);
        g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertInvalid");
    }
    ehd_trust_verify_chain(f->trust, chain, 0, NOW, &verdict);
    g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertInvalid");
    g_assert_false(verdict.readable);
    trust_free_all(chain, n);
}

static void
test_clock(TrustFixture *f, gconstpointer data)
{
    static const gint64 wrong[] = {
        0, -1, EHD_CLOCK_FLOOR - 1, EHD_CLOCK_FLOOR + 30 * 366 * DAY, G_MAXINT64, G_MININT64};
    const EhdCrlPolicy policy = {WEEK, TRUE};
    GBytes *chain[4];
    guint n = trust_make_chain(f, f->ca, &trust_good_leaf, "i", chain);
    for (guint i = 0; i < G_N_ELEMENTS(wrong); i++) {
        EhdVerdict verdict;
        EhdRevocation revocation;
        ehd_trust_verify_chain(f->trust, chain, n, wrong[i], &verdict);
        g_assert_cmpstr(ehp_status_name(verdict.status), ==, "ClockWrong");
        ehd_trust_verify_crls(f->trust, chain, n, NULL, 0, wrong[i], &policy, &revocation);
        g_assert_cmpstr(ehp_status_name(revocation.status), ==, "ClockWrong");
        g_assert_false(revocation.acceptable);
    }
    g_assert_cmpint(ehd_clock_check(NOW), ==, EHP_OK);
    trust_free_all(chain, n);
}

static void
test_authority_times(TrustFixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    TestCaLeaf leaf = trust_good_leaf;
    leaf.not_before = NOW + 3640 * DAY;
    leaf.not_after = NOW + 3660 * DAY;
    guint n = trust_make_chain(f, f->ca, &leaf, "i", chain);
    ehd_trust_verify_chain(f->trust, chain, n, NOW + 3645 * DAY, &verdict);
    g_assert_cmpstr(ehp_status_name(verdict.status), ==, "Ok");
    g_assert_cmpint(verdict.not_after, ==, NOW + 3650 * DAY); /* the authority's is earlier */
    ehd_trust_verify_chain(f->trust, chain, n, NOW + 3655 * DAY, &verdict);
    g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertExpired");
    trust_free_all(chain, n);
}

static void
test_names_are_safe(TrustFixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    TestCaLeaf leaf = trust_good_leaf;
    leaf.organisation = "Clinic, \"North\" \xe2\x80\xae"
                        "evil\x1b[2J";
    leaf.terminal = "a=b+c;\\d";
    guint n = trust_make_chain(f, f->ca, &leaf, "i", chain);
    ehd_trust_verify_chain(f->trust, chain, n, NOW, &verdict);
    g_assert_cmpstr(verdict.organisation, ==, "Clinic, \"North\" evil[2J");
    g_assert_cmpstr(verdict.terminal, ==, "a=b+c;\\d");
    trust_free_all(chain, n);
}

static void
test_bare_key(TrustFixture *f, gconstpointer data)
{
    EhdVerdict verdict;
    guint8 fingerprint[32];
    ehd_trust_bare_key(f->raw, &verdict);
    ehd_fingerprint_of_key(f->raw, fingerprint);
    g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertUntrusted");
    g_assert_cmpmem(verdict.fingerprint, 32, fingerprint, 32);
    g_assert_cmpstr(verdict.organisation, ==, "");
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    TRUST_CASE("/store/trust/good", test_good);
    TRUST_CASE("/store/trust/chains", test_chains);
    TRUST_CASE("/store/trust/other-keys", test_other_keys);
    TRUST_CASE("/store/trust/flipped", test_flipped);
    TRUST_CASE("/store/trust/malformed", test_malformed);
    TRUST_CASE("/store/trust/clock", test_clock);
    TRUST_CASE("/store/trust/authority-times", test_authority_times);
    TRUST_CASE("/store/trust/names", test_names_are_safe);
    TRUST_CASE("/store/trust/bare-key", test_bare_key);
    return g_test_run();
}
