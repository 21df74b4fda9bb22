/* SPDX-License-Identifier: Apache-2.0
 *
 * What the operator's CA gave us: a chain and CRLs, checked when they are taken, stored as PEM.
 * Main thread.
 */
#include "daemon/store/certificate.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/store/atomic.h"
#include "daemon/store/trust.h"
#include "daemon/store/x509.h"
#include "daemon/words.h"

#define CHAIN_FILE "chain"
#define CHAIN_KIND "chain"
#define CRLS_FILE  "crls"
#define CRLS_KIND  "crls"
/* PEM of all that fits the bounds, with room for comments around it. */
#define PEM_MAX    (4 * EHP_CRL_TOTAL_MAX)
/* A root and a few strays may come with the chain. */
#define GIVEN_MAX  8

typedef struct {
    unsigned n;
    gnutls_x509_crt_t *list; /* owned */
} Given;

static void
given_clear(Given *given)
{
    for (unsigned i = 0; i < given->n; i++)
        gnutls_x509_crt_deinit(given->list[i]);
    gnutls_free(given->list);
}
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(Given, given_clear)

static gboolean
parse_given(const void *pem, gsize length, Given *given, GError **error)
{
    gnutls_datum_t datum = {(void *)pem, (unsigned)length};
    if (length == 0 || length > PEM_MAX ||
        gnutls_x509_crt_list_import2(&given->list, &given->n, &datum, GNUTLS_X509_FMT_PEM, 0) <
            0) {
        given->n = 0;
        ehd_error_set(error, EHP_CERT_INVALID, N_("not PEM certificates"));
        return FALSE;
    }
    if (given->n <= GIVEN_MAX)
        return TRUE;
    ehd_error_set(error, EHP_CERT_INVALID, N_("these are more certificates than") ": %d",
                  GIVEN_MAX);
    return FALSE;
}

static gnutls_x509_crt_t
find_leaf(const Given *given, const guint8 public_key[32])
{
    for (unsigned i = 0; i < given->n; i++) {
        guint8 key[32];
        if (ehd_crt_key(given->list[i], key) && memcmp(key, public_key, 32) == 0)
            return given->list[i];
    }
    return NULL;
}

static gnutls_x509_crt_t
find_issuer(const Given *given, gnutls_x509_crt_t crt)
{
    for (unsigned i = 0; i < given->n; i++) {
        if (given->list[i] != crt && ehd_crt_is_issued_by(crt, given->list[i]))
            return given->list[i];
    }
    return NULL;
}

/* Leaf first; self-signed ones are the verifier's business and left out. Borrowed from `given`.
 */
static gboolean
order(const Given *given, const guint8 public_key[32], gnutls_x509_crt_t *chain, guint *n,
      GError **error)
{
    *n = 0;
    gnutls_x509_crt_t crt = find_leaf(given, public_key);
    if (crt == NULL) {
        ehd_error_set(error, EHP_CERT_INVALID,
                      N_("none of the certificates is for this device's key"));
        return FALSE;
    }
    while (crt != NULL && !ehd_crt_names_issuer(crt, crt)) {
        if (*n == EHP_CHAIN_MAX) {
            ehd_error_set(error, EHP_CERT_INVALID, N_("the chain is longer than") ": %d",
                          EHP_CHAIN_MAX);
            return FALSE;
        }
        chain[(*n)++] = crt;
        crt = find_issuer(given, crt);
    }
    if (*n > 0)
        return TRUE;
    ehd_error_set(error, EHP_CERT_INVALID, N_("the certificate is self-signed"));
    return FALSE;
}

static gboolean
check_leaf(gnutls_x509_crt_t leaf, GError **error)
{
    if (ehd_crt_eku(leaf) != EHD_EKU_OURS || !ehd_crt_may_sign(leaf)) {
        ehd_error_set(error, EHP_CERT_WRONG_PURPOSE,
                      N_("the certificate may not sign or lacks extended key usage") ": %s",
                      EHD_EKU_TERMINAL);
        return FALSE;
    }
    gint64 life =
        gnutls_x509_crt_get_expiration_time(leaf) - gnutls_x509_crt_get_activation_time(leaf);
    EhdDisplayName organisation;
    ehd_crt_subject(leaf, GNUTLS_OID_X520_ORGANIZATION_NAME, organisation);
    if (organisation[0] != '\0' && life <= EHD_LEAF_DAYS_MAX * 86400 && !ehd_crt_is_ca(leaf))
        return TRUE;
    ehd_error_set(error, EHP_CERT_INVALID,
                  N_("patients' devices would refuse a certificate that is a CA's, names no "
                     "organisation, or is valid for more days than") ": %d",
                  EHD_LEAF_DAYS_MAX);
    return FALSE;
}

static gboolean
check_each(gnutls_x509_crt_t *chain, guint n, gint64 now, GError **error)
{
    for (guint i = 0; i < n; i++) {
        g_autoptr(GBytes) der = ehd_crt_to_der(chain[i]);
        if (g_bytes_get_size(der) > EHP_CERT_MAX) {
            ehd_error_set(error, EHP_CERT_INVALID,
                          N_("this certificate of the chain is too large") ": %u", i + 1);
            return FALSE;
        }
        if (now > gnutls_x509_crt_get_expiration_time(chain[i])) {
            ehd_error_set(error, EHP_CERT_EXPIRED,
                          N_("this certificate of the chain has expired") ": %u", i + 1);
            return FALSE;
        }
        if (now < gnutls_x509_crt_get_activation_time(chain[i])) {
            ehd_error_set(error, EHP_CERT_NOT_YET_VALID,
                          N_("this certificate of the chain is not valid yet") ": %u", i + 1);
            return FALSE;
        }
    }
    return TRUE;
}

static gboolean
store_chain(int dir_fd, gnutls_x509_crt_t *chain, guint n, GError **error)
{
    g_autoptr(GString) pem = g_string_new(NULL);
    for (guint i = 0; i < n; i++) {
        gnutls_datum_t one = {0};
        if (gnutls_x509_crt_export2(chain[i], GNUTLS_X509_FMT_PEM, &one) != 0) {
            ehd_error_set(error, EHP_NO_MEMORY, NULL);
            return FALSE;
        }
        g_string_append_len(pem, (const char *)one.data, one.size);
        gnutls_free(one.data);
    }
    return ehd_record_write(dir_fd, CHAIN_FILE, CHAIN_KIND, pem->str, pem->len, error);
}

gboolean
ehd_certificate_import(int dir_fd, const guint8 public_key[32], const char *pem, gsize length,
                       gint64 now, GError **error)
{
    g_auto(Given) given = {0};
    gnutls_x509_crt_t chain[EHP_CHAIN_MAX];
    guint n = 0;
    return parse_given(pem, length, &given, error) &&
           order(&given, public_key, chain, &n, error) && check_leaf(chain[0], error) &&
           check_each(chain, n, now, error) && store_chain(dir_fd, chain, n, error);
}

gboolean
ehd_certificate_remove(int dir_fd, GError **error)
{
    return ehd_atomic_remove(dir_fd, CRLS_FILE, error) &&
           ehd_atomic_remove(dir_fd, CHAIN_FILE, error);
}

/* A record that may be absent: then *bytes is NULL and TRUE is returned. */
static gboolean
read_optional(int dir_fd, const char *name, const char *kind, GBytes **bytes, GError **error)
{
    g_autoptr(GError) local = NULL;
    *bytes = ehd_record_read(dir_fd, name, kind, PEM_MAX, &local);
    if (*bytes != NULL || g_error_matches(local, EHD_ERROR, EHP_NOT_FOUND))
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

static void
fill_from_chain(EhdIdentity *identity, const Given *given)
{
    identity->not_before = G_MININT64;
    identity->not_after = G_MAXINT64;
    for (unsigned i = 0; i < given->n; i++) {
        gnutls_x509_crt_t crt = given->list[i];
        identity->chain[identity->n_chain++] = ehd_crt_to_der(crt);
        identity->not_before =
            MAX(identity->not_before, gnutls_x509_crt_get_activation_time(crt));
        identity->not_after =
            MIN(identity->not_after, gnutls_x509_crt_get_expiration_time(crt));
    }
    gnutls_x509_crt_t leaf = given->list[0];
    ehd_crt_subject(leaf, GNUTLS_OID_X520_ORGANIZATION_NAME, identity->organisation);
    ehd_crt_subject(leaf, GNUTLS_OID_X520_COMMON_NAME, identity->terminal);
    ehd_crt_place(leaf, identity->place);
    ehd_crt_issuer_name(given->list[given->n - 1], identity->authority);
}

static gboolean
load_chain(int dir_fd, EhdIdentity *identity, GError **error)
{
    g_autoptr(GBytes) pem = NULL;
    if (!read_optional(dir_fd, CHAIN_FILE, CHAIN_KIND, &pem, error))
        return FALSE;
    if (pem == NULL)
        return TRUE;
    g_auto(Given) given = {0};
    if (!parse_given(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem), &given, error))
        return FALSE;
    guint8 key[32];
    if (given.n == 0 || given.n > EHP_CHAIN_MAX || !ehd_crt_key(given.list[0], key) ||
        memcmp(key, identity->public_key, 32) != 0) {
        ehd_error_set(error, EHP_STATE_DAMAGED,
                      N_("the stored chain is not for the device key"));
        return FALSE;
    }
    fill_from_chain(identity, &given);
    return TRUE;
}

static gint64
earlier(gint64 so_far, gint64 time)
{
    return time > 0 && (so_far == 0 || time < so_far) ? time : so_far;
}

/* Appends the CRLs in `blob` to identity->crls; FALSE where one is malformed or there are too
 * many. */
static gboolean
take_crls(const void *blob, gsize length, EhdIdentity *identity)
{
    gnutls_x509_crl_t *list = NULL;
    unsigned n = 0;
    gboolean is_pem = g_strstr_len(blob, (gssize)length, "-----BEGIN") != NULL;
    gnutls_datum_t datum = {(void *)blob, (unsigned)length};
    if (gnutls_x509_crl_list_import2(&list, &n, &datum,
                                     is_pem ? GNUTLS_X509_FMT_PEM : GNUTLS_X509_FMT_DER, 0) < 0)
        return FALSE;
    gboolean ok = n <= EHP_CRL_MAX - identity->n_crls;
    for (unsigned i = 0; i < n; i++) {
        gnutls_datum_t der = {0};
        if (ok && gnutls_x509_crl_export2(list[i], GNUTLS_X509_FMT_DER, &der) == 0) {
            identity->crls[identity->n_crls++] = g_bytes_new(der.data, der.size);
            identity->crl_next_update =
                earlier(identity->crl_next_update, gnutls_x509_crl_get_next_update(list[i]));
            identity->crl_this_update =
                earlier(identity->crl_this_update, gnutls_x509_crl_get_this_update(list[i]));
            gnutls_free(der.data);
        }
        gnutls_x509_crl_deinit(list[i]);
    }
    gnutls_free(list);
    return ok;
}

gboolean
ehd_certificate_load(int dir_fd, EhdIdentity *identity, GError **error)
{
    g_autoptr(GBytes) pem = NULL;
    if (!load_chain(dir_fd, identity, error) ||
        !read_optional(dir_fd, CRLS_FILE, CRLS_KIND, &pem, error))
        return FALSE;
    if (pem == NULL || g_bytes_get_size(pem) == 0 ||
        take_crls(g_bytes_get_data(pem, NULL), g_bytes_get_size(pem), identity))
        return TRUE;
    ehd_error_set(error, EHP_STATE_DAMAGED, N_("the stored revocation lists cannot be read"));
    return FALSE;
}

/* A CRL of ours: signed by a certificate of the chain, or named as the root's that we do not
 * have here. */
static gboolean
is_ours(gnutls_x509_crl_t crl, const EhdCrtChain *chain)
{
    for (guint i = 1; i < chain->n; i++) {
        if (ehd_crl_is_issued_by(crl, chain->crt[i]))
            return TRUE;
    }
    gnutls_datum_t issuer = {0};
    gnutls_datum_t root = {0};
    gboolean same = gnutls_x509_crl_get_raw_issuer_dn(crl, &issuer) == 0 &&
                    gnutls_x509_crt_get_raw_issuer_dn(chain->crt[chain->n - 1], &root) == 0 &&
                    issuer.size == root.size && memcmp(issuer.data, root.data, root.size) == 0;
    gnutls_free(issuer.data);
    gnutls_free(root.data);
    return same;
}

/* Appends PEM of each of `taken`'s CRLs, if all are ours and fit the bounds. */
static gboolean
append_checked(const EhdIdentity *taken, const EhdCrtChain *chain, GString *pem, GError **error)
{
    gsize total = 0;
    for (guint i = 0; i < taken->n_crls; i++) {
        g_autoptr(EhdCrl) crl = ehd_crl_from_der(taken->crls[i]);
        total += g_bytes_get_size(taken->crls[i]);
        if (crl == NULL || total > EHP_CRL_TOTAL_MAX) {
            ehd_error_set(
                error, EHP_INVALID_ARGUMENT,
                N_("revocation lists may have so many bytes, one and all together") ": %d, %d",
                EHP_CRL_BYTES_MAX, EHP_CRL_TOTAL_MAX);
            return FALSE;
        }
        if (!is_ours(crl, chain)) {
            ehd_error_set(
                error, EHP_INVALID_ARGUMENT,
                N_("a revocation list is not of an authority in this terminal's chain"));
            return FALSE;
        }
        gnutls_datum_t one = {0};
        if (gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &one) != 0) {
            ehd_error_set(error, EHP_NO_MEMORY, NULL);
            return FALSE;
        }
        g_string_append_len(pem, (const char *)one.data, one.size);
        gnutls_free(one.data);
    }
    return TRUE;
}

static gboolean
chain_of(const EhdIdentity *identity, EhdCrtChain *chain)
{
    for (guint i = 0; i < identity->n_chain; i++) {
        chain->crt[i] = ehd_crt_from_der(identity->chain[i]);
        if (chain->crt[i] == NULL)
            return FALSE;
        chain->n++;
    }
    return chain->n > 0;
}

gboolean
ehd_certificate_import_crls(int dir_fd, const EhdIdentity *identity, GBytes *const *crls,
                            guint n, GError **error)
{
    g_auto(EhdCrtChain) chain = {0};
    if (!chain_of(identity, &chain)) {
        ehd_error_set(error, EHP_WRONG_STATE,
                      N_("there is no chain yet that they could be for"));
        return FALSE;
    }
    g_autoptr(EhdIdentity) taken = g_new0(EhdIdentity, 1);
    for (guint i = 0; i < n; i++) {
        gsize length = g_bytes_get_size(crls[i]);
        if (length == 0 || length > PEM_MAX ||
            !take_crls(g_bytes_get_data(crls[i], NULL), length, taken)) {
            ehd_error_set(error, EHP_INVALID_ARGUMENT,
                          N_("not PEM or DER revocation lists, or more than") ": %d",
                          EHP_CRL_MAX);
            return FALSE;
        }
    }
    g_autoptr(GString) pem = g_string_new(NULL);
    return append_checked(taken, &chain, pem, error) &&
           ehd_record_write(dir_fd, CRLS_FILE, CRLS_KIND, pem->str, pem->len, error);
}
