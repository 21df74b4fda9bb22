/* SPDX-License-Identifier: Apache-2.0
 *
 * Verdicts about chains and CRLs, one table each; and the directories of anchors.
 */
#include "daemon/store/trust.h"

#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/store/identity.h"
#include "tests/daemon/store/scratch.h"
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
} Fixture;

/* Makes a public key of a kind; the private half is not needed. */
static gnutls_pubkey_t
make_key(gnutls_pk_algorithm_t kind, unsigned bits)
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

static void
add_anchor(Fixture *f, gnutls_x509_crt_t crt)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *pem = test_ca_pem(crt);
    g_assert_true(ehd_trust_add(f->trust, pem, strlen(pem), NOW, NULL, &error));
    g_assert_no_error(error);
}

static void
set_up(Fixture *f, gconstpointer data)
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
    f->key = make_key(GNUTLS_PK_EDDSA_ED25519, 256);
    g_assert_cmpint(gnutls_pubkey_export_ecc_raw2(f->key, &curve, &x, NULL, 0), ==, 0);
    memcpy(f->raw, x.data, 32);
    gnutls_free(x.data);
    add_anchor(f, f->ca->crt[TEST_CA_ROOT]);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    gnutls_pubkey_deinit(f->key);
    test_ca_free(f->ca);
    test_ca_free(f->other);
    ehd_trust_free(f->trust);
    ehd_state_free(f->state);
    scratch_free(f->directory);
}

static const TestCaLeaf good = {
    .organisation = "Test Clinic",
    .terminal = "Reception 1",
    .locality = "Vienna",
    .country = "AT",
    .not_before = NOW - DAY,
    .not_after = NOW + 29 * DAY,
    .eku = EHD_EKU_TERMINAL,
    .signer = TEST_CA_INTERMEDIATE,
};

/* What a chain is made of: the leaf, then for each letter one certificate: i intermediate, r
 * root, I and R the other authority's, l the leaf again. */
static guint
make_chain(Fixture *f, const TestCa *ca, const TestCaLeaf *leaf, const char *rest, GBytes **out)
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

static void
free_all(GBytes **bytes, guint n)
{
    for (guint i = 0; i < n; i++)
        g_bytes_unref(bytes[i]);
}

static void
test_good(Fixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    guint8 fingerprint[32];
    guint n = make_chain(f, f->ca, &good, "i", chain);
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
    g_assert_cmpint(verdict.not_after, ==, good.not_after);
    free_all(chain, n);
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
test_chains(Fixture *f, gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(chains); i++) {
        const ChainCase *c = &chains[i];
        GBytes *chain[4];
        EhdVerdict verdict;
        TestCaLeaf leaf = good;
        leaf.not_before = NOW + c->from * DAY;
        leaf.not_after = leaf.not_before + c->days * DAY;
        leaf.eku = c->eku;
        leaf.is_ca = c->is_ca;
        leaf.organisation = c->organisation;
        leaf.signer = c->by_root ? TEST_CA_ROOT : TEST_CA_INTERMEDIATE;
        guint n = make_chain(f, c->by_other ? f->other : f->ca, &leaf, c->rest, chain);
        ehd_trust_verify_chain(f->trust, chain, n, NOW, &verdict);
        g_test_message("%s: %s", c->what, ehp_status_name(verdict.status));
        g_assert_cmpstr(ehp_status_name(verdict.status), ==, ehp_status_name(c->status));
        g_assert_cmpint(verdict.readable, ==, n <= EHP_CHAIN_MAX);
        if (c->status == EHP_CERT_UNTRUSTED || c->status == EHP_CERT_INVALID)
            g_assert_cmpstr(verdict.authority, ==, "");
        free_all(chain, n);
    }
}

static void
test_other_keys(Fixture *f, gconstpointer data)
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
        f->key = make_key(kinds[i].kind, kinds[i].bits);
        guint n = make_chain(f, f->ca, &good, "i", chain);
        ehd_trust_verify_chain(f->trust, chain, n, NOW, &verdict);
        g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertInvalid");
        g_assert_false(verdict.readable);
        free_all(chain, n);
    }
}

/* Every byte of the chain changed in turn: never verified, never a crash. */
static void
test_flipped(Fixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    guint n = make_chain(f, f->ca, &good, "i", chain);
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
    free_all(chain, n);
}

static void
test_malformed(Fixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    guint n = make_chain(f, f->ca, &good, "i", chain);
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
    free_all(chain, n);
}

static void
test_clock(Fixture *f, gconstpointer data)
{
    static const gint64 wrong[] = {
        0, -1, EHD_CLOCK_FLOOR - 1, EHD_CLOCK_FLOOR + 30 * 366 * DAY, G_MAXINT64, G_MININT64};
    const EhdCrlPolicy policy = {WEEK, TRUE};
    GBytes *chain[4];
    guint n = make_chain(f, f->ca, &good, "i", chain);
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
    free_all(chain, n);
}

static void
test_authority_times(Fixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    TestCaLeaf leaf = good;
    leaf.not_before = NOW + 3640 * DAY;
    leaf.not_after = NOW + 3660 * DAY;
    guint n = make_chain(f, f->ca, &leaf, "i", chain);
    ehd_trust_verify_chain(f->trust, chain, n, NOW + 3645 * DAY, &verdict);
    g_assert_cmpstr(ehp_status_name(verdict.status), ==, "Ok");
    g_assert_cmpint(verdict.not_after, ==, NOW + 3650 * DAY); /* the authority's is earlier */
    ehd_trust_verify_chain(f->trust, chain, n, NOW + 3655 * DAY, &verdict);
    g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertExpired");
    free_all(chain, n);
}

static void
test_names_are_safe(Fixture *f, gconstpointer data)
{
    GBytes *chain[4];
    EhdVerdict verdict;
    TestCaLeaf leaf = good;
    leaf.organisation = "Clinic, \"North\" \xe2\x80\xae"
                        "evil\x1b[2J";
    leaf.terminal = "a=b+c;\\d";
    guint n = make_chain(f, f->ca, &leaf, "i", chain);
    ehd_trust_verify_chain(f->trust, chain, n, NOW, &verdict);
    g_assert_cmpstr(verdict.organisation, ==, "Clinic, \"North\" evil[2J");
    g_assert_cmpstr(verdict.terminal, ==, "a=b+c;\\d");
    free_all(chain, n);
}

static void
test_bare_key(Fixture *f, gconstpointer data)
{
    EhdVerdict verdict;
    guint8 fingerprint[32];
    ehd_trust_bare_key(f->raw, &verdict);
    ehd_fingerprint_of_key(f->raw, fingerprint);
    g_assert_cmpstr(ehp_status_name(verdict.status), ==, "CertUntrusted");
    g_assert_cmpmem(verdict.fingerprint, 32, fingerprint, 32);
    g_assert_cmpstr(verdict.organisation, ==, "");
}

/* --- revocation -------------------------------------------------------------------------- */

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
make_crl(Fixture *f, char which, gint64 this_update, gint64 next_update)
{
    const TestCa *ca = g_ascii_isupper(which) ? f->other : f->ca;
    TestCaSigner who = g_ascii_tolower(which) == 'r' ? TEST_CA_ROOT : TEST_CA_INTERMEDIATE;
    gnutls_x509_crl_t crl = test_ca_crl(ca, who, this_update, next_update);
    GBytes *der = which == 'j' ? g_bytes_new("junk", 4) : test_ca_crl_der(crl);
    gnutls_x509_crl_deinit(crl);
    return der;
}

static void
test_crls(Fixture *f, gconstpointer data)
{
    for (guint i = 0; i < G_N_ELEMENTS(crl_cases); i++) {
        const CrlCase *c = &crl_cases[i];
        GBytes *chain[4];
        GBytes *crls[4];
        guint n_crls = 0;
        gnutls_x509_crt_t leaf = test_ca_issue(f->ca, f->key, &good);
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
        free_all(crls, n_crls);
        free_all(chain, 2);
    }
}

static void
test_crls_other_chains(Fixture *f, gconstpointer data)
{
    const EhdCrlPolicy policy = {WEEK, TRUE};
    EhdRevocation revocation;
    GBytes *chain[4];
    GBytes *crls[2] = {make_crl(f, 'i', NOW, NOW + WEEK), make_crl(f, 'r', NOW, NOW + WEEK)};
    /* The root, when sent along, needs no CRL of its own. */
    guint n = make_chain(f, f->ca, &good, "ir", chain);
    ehd_trust_verify_crls(f->trust, chain, n, crls, 2, NOW, &policy, &revocation);
    g_assert_cmpstr(ehp_status_name(revocation.status), ==, "Ok");
    free_all(chain, n);
    /* A leaf of the root itself: its CRL alone. */
    TestCaLeaf leaf = good;
    leaf.signer = TEST_CA_ROOT;
    n = make_chain(f, f->ca, &leaf, "", chain);
    ehd_trust_verify_crls(f->trust, chain, n, crls + 1, 1, NOW, &policy, &revocation);
    g_assert_cmpstr(ehp_status_name(revocation.status), ==, "Ok");
    free_all(chain, n);
    /* An untrusted chain is never acceptable. */
    n = make_chain(f, f->other, &good, "I", chain);
    ehd_trust_verify_crls(f->trust, chain, n, crls, 2, NOW, &policy, &revocation);
    g_assert_cmpstr(ehp_status_name(revocation.status), ==, "CertUntrusted");
    g_assert_false(revocation.acceptable);
    free_all(chain, n);
    free_all(crls, 2);
}

/* --- anchors ----------------------------------------------------------------------------- */

static void
test_anchors(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    char text[EHD_FINGERPRINT_TEXT];
    EhdAnchor added;
    g_assert_cmpint(ehd_trust_count(f->trust), ==, 1);
    add_anchor(f, f->ca->crt[TEST_CA_ROOT]); /* once more: no change */
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
test_bad_anchors(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    gnutls_x509_crt_t leaf = test_ca_issue(f->ca, f->key, &good);
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
test_system_directory(Fixture *f, gconstpointer data)
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
#define CASE(path, function) g_test_add(path, Fixture, NULL, set_up, function, tear_down)
    CASE("/store/trust/good", test_good);
    CASE("/store/trust/chains", test_chains);
    CASE("/store/trust/other-keys", test_other_keys);
    CASE("/store/trust/flipped", test_flipped);
    CASE("/store/trust/malformed", test_malformed);
    CASE("/store/trust/clock", test_clock);
    CASE("/store/trust/authority-times", test_authority_times);
    CASE("/store/trust/names", test_names_are_safe);
    CASE("/store/trust/bare-key", test_bare_key);
    CASE("/store/trust/crls", test_crls);
    CASE("/store/trust/crls-other-chains", test_crls_other_chains);
    CASE("/store/trust/anchors", test_anchors);
    CASE("/store/trust/bad-anchors", test_bad_anchors);
    CASE("/store/trust/system-directory", test_system_directory);
    return g_test_run();
}
