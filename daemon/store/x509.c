/* SPDX-License-Identifier: Apache-2.0
 *
 * Reading certificates and CRLs that strangers sent. Sizes are checked before GnuTLS sees a
 * byte. No files, no clock; any thread.
 */
#include "daemon/store/x509.h"

#include <string.h>

#include "daemon/store/display.h"
#include "daemon/store/identity.h"

void
ehd_crt_chain_clear(EhdCrtChain *chain)
{
    for (guint i = 0; i < chain->n; i++)
        gnutls_x509_crt_deinit(chain->crt[i]);
    chain->n = 0;
}

/* GnuTLS accepts bytes after the certificate; then two different strings would be one
 * certificate. */
static gboolean
is_exactly(gnutls_datum_t *der, const void *data, gsize length)
{
    return der->size == length && memcmp(der->data, data, length) == 0;
}

static gboolean
crt_is_exactly(gnutls_x509_crt_t crt, const void *data, gsize length)
{
    gnutls_datum_t der = {0};
    if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) != 0)
        return FALSE;
    gboolean same = is_exactly(&der, data, length);
    gnutls_free(der.data);
    return same;
}

gnutls_x509_crt_t
ehd_crt_from_der(GBytes *bytes)
{
    gsize length = 0;
    const void *data = g_bytes_get_data(bytes, &length);
    if (length == 0 || length > EHP_CERT_MAX)
        return NULL;
    g_autoptr(EhdCrt) crt = NULL;
    if (gnutls_x509_crt_init(&crt) != 0)
        return NULL;
    gnutls_datum_t der = {(void *)data, (unsigned)length};
    if (gnutls_x509_crt_import(crt, &der, GNUTLS_X509_FMT_DER) != 0 ||
        gnutls_x509_crt_get_version(crt) != 3 || !crt_is_exactly(crt, data, length))
        return NULL;
    return g_steal_pointer(&crt);
}

GBytes *
ehd_crt_to_der(gnutls_x509_crt_t crt)
{
    gnutls_datum_t der = {0};
    if (gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &der) != 0)
        return g_bytes_new(NULL, 0);
    GBytes *bytes = g_bytes_new(der.data, der.size);
    gnutls_free(der.data);
    return bytes;
}

gnutls_x509_crl_t
ehd_crl_from_der(GBytes *bytes)
{
    gsize length = 0;
    const void *data = g_bytes_get_data(bytes, &length);
    if (length == 0 || length > EHP_CRL_BYTES_MAX)
        return NULL;
    g_autoptr(EhdCrl) crl = NULL;
    if (gnutls_x509_crl_init(&crl) != 0)
        return NULL;
    gnutls_datum_t der = {(void *)data, (unsigned)length};
    if (gnutls_x509_crl_import(crl, &der, GNUTLS_X509_FMT_DER) != 0)
        return NULL;
    return g_steal_pointer(&crl);
}

gboolean
ehd_crt_key(gnutls_x509_crt_t crt, guint8 key[32])
{
    if (gnutls_x509_crt_get_pk_algorithm(crt, NULL) != GNUTLS_PK_EDDSA_ED25519)
        return FALSE;
    gnutls_ecc_curve_t curve;
    gnutls_datum_t x = {0};
    gnutls_datum_t y = {0};
    if (gnutls_x509_crt_get_pk_ecc_raw(crt, &curve, &x, &y) != 0)
        return FALSE;
    gboolean ok = x.size == 32;
    if (ok)
        memcpy(key, x.data, 32);
    gnutls_free(x.data);
    gnutls_free(y.data);
    return ok;
}

gboolean
ehd_crt_fingerprint(gnutls_x509_crt_t crt, guint8 fingerprint[EHD_FINGERPRINT_LEN])
{
    size_t size = EHD_FINGERPRINT_LEN;
    return gnutls_x509_crt_get_key_id(crt, GNUTLS_KEYID_USE_SHA256, fingerprint, &size) == 0 &&
           size == EHD_FINGERPRINT_LEN;
}

gboolean
ehd_crt_is_ca(gnutls_x509_crt_t crt)
{
    return gnutls_x509_crt_get_ca_status(crt, NULL) > 0;
}

/* X.680 tags of the strings that are bytes of (or within) UTF-8; BMPString and UniversalString
 * have been deprecated for 25 years. */
static gboolean
is_utf8_tag(unsigned long tag)
{
    return tag == 12 || tag == 19 || tag == 22; /* UTF8String, PrintableString, IA5String */
}

/* By hand, since gnutls_x509_crt_get_dn_by_oid escapes as for LDAP ("Clinic\\, North"). */
static void
copy_dn_value(gnutls_x509_dn_t dn, const char *oid, EhdDisplayName name)
{
    gnutls_x509_ava_st ava;
    name[0] = '\0';
    for (int i = 0; gnutls_x509_dn_get_rdn_ava(dn, i, 0, &ava) == 0; i++) {
        for (int j = 0; gnutls_x509_dn_get_rdn_ava(dn, i, j, &ava) == 0; j++) {
            /* GnuTLS counts the NUL that ends it. */
            if (strncmp((const char *)ava.oid.data, oid, ava.oid.size) != 0)
                continue;
            if (is_utf8_tag(ava.value_tag))
                ehd_display_copy(name, sizeof(EhdDisplayName), ava.value.data, ava.value.size);
            return;
        }
    }
}

void
ehd_crt_subject(gnutls_x509_crt_t crt, const char *oid, EhdDisplayName name)
{
    gnutls_x509_dn_t dn;
    name[0] = '\0';
    if (gnutls_x509_crt_get_subject(crt, &dn) == 0)
        copy_dn_value(dn, oid, name);
}

void
ehd_crt_place(gnutls_x509_crt_t crt, EhdDisplayName name)
{
    EhdDisplayName locality;
    EhdDisplayName country;
    ehd_crt_subject(crt, GNUTLS_OID_X520_LOCALITY_NAME, locality);
    ehd_crt_subject(crt, GNUTLS_OID_X520_COUNTRY_NAME, country);
    gboolean both = locality[0] != '\0' && country[0] != '\0';
    g_autofree char *place = g_strconcat(locality, both ? ", " : "", country, NULL);
    ehd_display_copy(name, sizeof(EhdDisplayName), place, strlen(place));
}

static void
organisation_or_cn(gnutls_x509_dn_t dn, EhdDisplayName name)
{
    copy_dn_value(dn, GNUTLS_OID_X520_ORGANIZATION_NAME, name);
    if (name[0] == '\0')
        copy_dn_value(dn, GNUTLS_OID_X520_COMMON_NAME, name);
}

void
ehd_crt_subject_name(gnutls_x509_crt_t crt, EhdDisplayName name)
{
    gnutls_x509_dn_t dn;
    name[0] = '\0';
    if (gnutls_x509_crt_get_subject(crt, &dn) == 0)
        organisation_or_cn(dn, name);
}

void
ehd_crt_issuer_name(gnutls_x509_crt_t crt, EhdDisplayName name)
{
    gnutls_x509_dn_t dn;
    name[0] = '\0';
    if (gnutls_x509_crt_get_issuer(crt, &dn) == 0)
        organisation_or_cn(dn, name);
}

EhdEku
ehd_crt_eku(gnutls_x509_crt_t crt)
{
    for (unsigned i = 0;; i++) {
        char oid[128];
        size_t size = sizeof oid;
        int rc = gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, NULL);
        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return i == 0 ? EHD_EKU_NONE : EHD_EKU_OTHER;
        if (rc == 0 && strcmp(oid, EHD_EKU_TERMINAL) == 0)
            return EHD_EKU_OURS;
        /* An OID too long for the buffer is not ours; any other fault: it cannot be read. */
        if (rc != 0 && rc != GNUTLS_E_SHORT_MEMORY_BUFFER)
            return EHD_EKU_OTHER;
    }
}

gboolean
ehd_crt_may_sign(gnutls_x509_crt_t crt)
{
    unsigned usage = 0;
    int rc = gnutls_x509_crt_get_key_usage(crt, &usage, NULL);
    if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
        return TRUE;
    return rc == 0 && (usage & GNUTLS_KEY_DIGITAL_SIGNATURE) != 0;
}

gboolean
ehd_crt_names_issuer(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
    gnutls_datum_t wanted = {0};
    gnutls_datum_t has = {0};
    gboolean same = gnutls_x509_crt_get_raw_issuer_dn(crt, &wanted) == 0 &&
                    gnutls_x509_crt_get_raw_dn(issuer, &has) == 0 &&
                    is_exactly(&wanted, has.data, has.size);
    gnutls_free(wanted.data);
    gnutls_free(has.data);
    return same;
}

gboolean
ehd_crt_is_issued_by(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
    unsigned verify = 0;
    return ehd_crt_names_issuer(crt, issuer) &&
           gnutls_x509_crt_list_verify(&crt, 1, &issuer, 1, NULL, 0, EHD_VERIFY_FLAGS,
                                       &verify) == 0 &&
           verify == 0;
}

static gboolean
crl_names_issuer(gnutls_x509_crl_t crl, gnutls_x509_crt_t issuer)
{
    gnutls_datum_t wanted = {0};
    gnutls_datum_t has = {0};
    gboolean same = gnutls_x509_crl_get_raw_issuer_dn(crl, &wanted) == 0 &&
                    gnutls_x509_crt_get_raw_dn(issuer, &has) == 0 &&
                    is_exactly(&wanted, has.data, has.size);
    gnutls_free(wanted.data);
    gnutls_free(has.data);
    return same;
}

/* gnutls_x509_crl_verify (3.7) looks at the machine's clock whatever the flags say, and calls
 * it "invalid" too. Times are judged elsewhere, against the caller's clock; anything else that
 * it found stands. */
static gboolean
only_times(unsigned verify)
{
    const unsigned times =
        GNUTLS_CERT_REVOCATION_DATA_SUPERSEDED | GNUTLS_CERT_REVOCATION_DATA_ISSUED_IN_FUTURE;
    if ((verify & times) != 0)
        verify &= ~(times | GNUTLS_CERT_INVALID);
    return verify == 0;
}

gboolean
ehd_crl_is_issued_by(gnutls_x509_crl_t crl, gnutls_x509_crt_t issuer)
{
    unsigned verify = 0;
    return crl_names_issuer(crl, issuer) &&
           gnutls_x509_crl_verify(crl, &issuer, 1, EHD_VERIFY_FLAGS, &verify) == 0 &&
           only_times(verify);
}
