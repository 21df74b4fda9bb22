/* SPDX-License-Identifier: Apache-2.0
 *
 * The device key and what a CA made of it: init, signing request, load. Main thread.
 *
 * libsodium makes the key, GnuTLS gets it from the seed: one file, and the secret never passes
 * through GnuTLS for a tap.
 */
#include "daemon/store/identity.h"

#include <gnutls/abstract.h>
#include <sodium.h>
#include <string.h>

#include "daemon/error.h"
#include "daemon/store/atomic.h"
#include "daemon/store/certificate.h"
#include "daemon/store/display.h"
#include "daemon/words.h"

#define KEY_FILE    "key"
#define KEY_KIND    "device-key"
#define SEED_LEN    crypto_sign_SEEDBYTES
/* X.520 ub-organization-name and its like; OpenSSL's CA tools refuse more. */
#define SUBJECT_MAX 64

static int
room(const EhdState *state)
{
    return ehd_state_room(state, "identity");
}

static GBytes *
load_seed(EhdState *state, GError **error)
{
    g_autoptr(GError) local = NULL;
    GBytes *seed = ehd_record_read(room(state), KEY_FILE, KEY_KIND, SEED_LEN, &local);
    if (seed != NULL && g_bytes_get_size(seed) == SEED_LEN)
        return seed;
    if (seed != NULL) {
        g_bytes_unref(seed);
        ehd_error_set(error, EHP_STATE_DAMAGED, N_("the device key has a wrong length"));
    } else if (g_error_matches(local, EHD_ERROR, EHP_NOT_FOUND)) {
        ehd_error_set(error, EHP_NO_IDENTITY, N_("there is no device key"));
    } else {
        g_propagate_error(error, g_steal_pointer(&local));
    }
    return NULL;
}

static gboolean
make_key(EhdState *state, GError **error)
{
    guint8 seed[SEED_LEN];
    randombytes_buf(seed, sizeof seed);
    gboolean ok = ehd_record_write(room(state), KEY_FILE, KEY_KIND, seed, sizeof seed, error);
    sodium_memzero(seed, sizeof seed);
    return ok;
}

gboolean
ehd_identity_init(EhdState *state, gboolean replace, GError **error)
{
    if (sodium_init() < 0) {
        ehd_error_set(error, EHP_INTERNAL, N_("libsodium does not start"));
        return FALSE;
    }
    g_autoptr(GError) local = NULL;
    g_autoptr(GBytes) seed = load_seed(state, &local);
    if (seed != NULL && !replace)
        return TRUE;
    if (seed == NULL && !replace && !g_error_matches(local, EHD_ERROR, EHP_NO_IDENTITY)) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    /* The chain first: a crash in between leaves a key without a chain, never a chain without
     * its key. */
    return ehd_certificate_remove(room(state), error) && make_key(state, error);
}

static gboolean
is_subject_name(const char *name)
{
    char shown[EHP_NAME_MAX + 1];
    return name[0] != '\0' && ehd_display_copy(shown, sizeof shown, name, strlen(name)) &&
           g_utf8_strlen(name, -1) <= SUBJECT_MAX;
}

static gboolean
is_country(const char *name)
{
    return strlen(name) == 2 && g_ascii_isupper(name[0]) && g_ascii_isupper(name[1]);
}

static gboolean
check_names(const EhdIdentityNames *names, GError **error)
{
    const char *wrong = NULL;
    if (names->organisation == NULL || !is_subject_name(names->organisation))
        wrong = "organisation";
    else if (names->terminal == NULL || !is_subject_name(names->terminal))
        wrong = "terminal";
    else if (names->locality != NULL && !is_subject_name(names->locality))
        wrong = "locality";
    else if (names->country != NULL && !is_country(names->country))
        wrong = "country";
    if (wrong == NULL)
        return TRUE;
    ehd_error_set(
        error, EHP_INVALID_ARGUMENT,
        "%s: " N_("visible characters are wanted (of a country two capitals), at most") ": %d",
        wrong, SUBJECT_MAX);
    return FALSE;
}

static int
set_name(gnutls_x509_crq_t request, const char *oid, const char *value)
{
    if (value == NULL)
        return 0;
    return gnutls_x509_crq_set_dn_by_oid(request, oid, 0, value, (unsigned)strlen(value));
}

/* The order C, O, L, CN is how CAs write a name. */
static int
fill_request(gnutls_x509_crq_t request, const EhdIdentityNames *names, gnutls_privkey_t key,
             gnutls_pubkey_t pub)
{
    int rc = gnutls_x509_crq_set_version(request, 1);
    if (rc == 0)
        rc = set_name(request, GNUTLS_OID_X520_COUNTRY_NAME, names->country);
    if (rc == 0)
        rc = set_name(request, GNUTLS_OID_X520_ORGANIZATION_NAME, names->organisation);
    if (rc == 0)
        rc = set_name(request, GNUTLS_OID_X520_LOCALITY_NAME, names->locality);
    if (rc == 0)
        rc = set_name(request, GNUTLS_OID_X520_COMMON_NAME, names->terminal);
    if (rc == 0)
        rc = gnutls_pubkey_import_privkey(pub, key, 0, 0);
    if (rc == 0)
        rc = gnutls_x509_crq_set_pubkey(request, pub);
    if (rc == 0)
        rc = gnutls_x509_crq_set_key_usage(request, GNUTLS_KEY_DIGITAL_SIGNATURE);
    if (rc == 0)
        rc = gnutls_x509_crq_set_key_purpose_oid(request, EHD_EKU_TERMINAL, 0);
    if (rc == 0)
        rc = gnutls_x509_crq_privkey_sign(request, key, GNUTLS_DIG_SHA512, 0);
    return rc;
}

static int
import_key(gnutls_privkey_t key, GBytes *seed)
{
    guint8 pub[crypto_sign_PUBLICKEYBYTES];
    guint8 secret[crypto_sign_SECRETKEYBYTES];
    crypto_sign_seed_keypair(pub, secret, g_bytes_get_data(seed, NULL));
    sodium_memzero(secret, sizeof secret);
    gnutls_datum_t x = {pub, sizeof pub};
    gnutls_datum_t k = {(void *)g_bytes_get_data(seed, NULL), SEED_LEN};
    return gnutls_privkey_import_ecc_raw(key, GNUTLS_ECC_CURVE_ED25519, &x, NULL, &k);
}

static char *
make_request(GBytes *seed, const EhdIdentityNames *names, GError **error)
{
    gnutls_privkey_t key = NULL;
    gnutls_pubkey_t pub = NULL;
    gnutls_x509_crq_t request = NULL;
    gnutls_datum_t pem = {0};
    int rc = gnutls_privkey_init(&key);
    if (rc == 0)
        rc = gnutls_pubkey_init(&pub);
    if (rc == 0)
        rc = gnutls_x509_crq_init(&request);
    if (rc == 0)
        rc = import_key(key, seed);
    if (rc == 0)
        rc = fill_request(request, names, key, pub);
    if (rc == 0)
        rc = gnutls_x509_crq_export2(request, GNUTLS_X509_FMT_PEM, &pem);
    char *text = rc == 0 ? g_strndup((const char *)pem.data, pem.size) : NULL;
    if (text == NULL)
        ehd_error_set(error, EHP_INTERNAL, N_("the signing request") ": %s",
                      gnutls_strerror(rc));
    gnutls_free(pem.data);
    gnutls_x509_crq_deinit(request);
    gnutls_pubkey_deinit(pub);
    gnutls_privkey_deinit(key);
    return text;
}

char *
ehd_identity_csr(EhdState *state, const EhdIdentityNames *names, GError **error)
{
    if (!check_names(names, error))
        return NULL;
    g_autoptr(GBytes) seed = load_seed(state, error);
    return seed == NULL ? NULL : make_request(seed, names, error);
}

EhdIdentity *
ehd_identity_load(EhdState *state, GError **error)
{
    g_autoptr(GBytes) seed = load_seed(state, error);
    if (seed == NULL)
        return NULL;
    g_autoptr(EhdIdentity) identity = g_new0(EhdIdentity, 1);
    crypto_sign_seed_keypair(identity->public_key, identity->secret_key,
                             g_bytes_get_data(seed, NULL));
    ehd_fingerprint_of_key(identity->public_key, identity->fingerprint);
    if (!ehd_certificate_load(room(state), identity, error))
        return NULL;
    return g_steal_pointer(&identity);
}

void
ehd_identity_free(EhdIdentity *identity)
{
    if (identity == NULL)
        return;
    for (guint i = 0; i < identity->n_chain; i++)
        g_bytes_unref(identity->chain[i]);
    for (guint i = 0; i < identity->n_crls; i++)
        g_bytes_unref(identity->crls[i]);
    sodium_memzero(identity, sizeof *identity);
    g_free(identity);
}

gboolean
ehd_identity_import(EhdState *state, const char *pem, gsize length, gint64 now, GError **error)
{
    g_autoptr(EhdIdentity) identity = ehd_identity_load(state, error);
    return identity != NULL &&
           ehd_certificate_import(room(state), identity->public_key, pem, length, now, error);
}

gboolean
ehd_identity_import_crls(EhdState *state, GBytes *const *crls, guint n, GError **error)
{
    g_autoptr(EhdIdentity) identity = ehd_identity_load(state, error);
    return identity != NULL &&
           ehd_certificate_import_crls(room(state), identity, crls, n, error);
}
