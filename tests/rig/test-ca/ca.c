/* SPDX-License-Identifier: Apache-2.0
 *
 * Owns how the test CA's certificates look. They are as small as the real ones should be: a
 * terminal's chain has to fit the tap.
 */
#include "tests/rig/test-ca/ca.h"

#include <errno.h>
#include <gnutls/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SERIAL_LEN 8
#define KEY_ID_LEN 20

static const char *const names[] = {"root", "intermediate"};

static void fail(const char *what, const char *why) G_GNUC_NORETURN;

static void
fail(const char *what, const char *why)
{
    fprintf(stderr, "test CA: %s: %s\n", what, why);
    exit(1);
}

static void
must(int rc, const char *what)
{
    if (rc < 0)
        fail(what, gnutls_strerror(rc));
}

static void
set_name(gnutls_x509_crt_t crt, const char *oid, const char *value)
{
    if (value != NULL)
        must(gnutls_x509_crt_set_dn_by_oid(crt, oid, 0, value, (unsigned)strlen(value)), value);
}

static void
set_serial(gnutls_x509_crt_t crt)
{
    guint8 serial[SERIAL_LEN];
    must(gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof serial), "serial");
    serial[0] = (serial[0] & 0x3f) | 0x40; /* positive, and no leading zero */
    must(gnutls_x509_crt_set_serial(crt, serial, sizeof serial), "serial");
}

static void
set_key_ids(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer)
{
    guint8 id[KEY_ID_LEN];
    size_t size = sizeof id;
    if (issuer == NULL) {
        must(gnutls_x509_crt_get_key_id(crt, 0, id, &size), "key id");
        must(gnutls_x509_crt_set_subject_key_id(crt, id, size), "key id");
        return;
    }
    must(gnutls_x509_crt_get_subject_key_id(issuer, id, &size, NULL), "issuer's key id");
    must(gnutls_x509_crt_set_authority_key_id(crt, id, size), "authority key id");
}

static gnutls_x509_crt_t
begin(gint64 not_before, gint64 not_after)
{
    gnutls_x509_crt_t crt;
    must(gnutls_x509_crt_init(&crt), "init");
    must(gnutls_x509_crt_set_version(crt, 3), "version");
    must(gnutls_x509_crt_set_activation_time(crt, (time_t)not_before), "not before");
    must(gnutls_x509_crt_set_expiration_time(crt, (time_t)not_after), "not after");
    set_serial(crt);
    return crt;
}

static void
sign(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer, gnutls_x509_privkey_t key)
{
    gnutls_privkey_t signer;
    must(gnutls_privkey_init(&signer), "init");
    must(gnutls_privkey_import_x509(signer, key, 0), "signer");
    must(gnutls_x509_crt_privkey_sign(crt, issuer, signer, GNUTLS_DIG_SHA512, 0), "sign");
    gnutls_privkey_deinit(signer);
}

static void
make_signer(TestCa *ca, TestCaSigner which, const TestCaNames *as)
{
    must(gnutls_x509_privkey_init(&ca->key[which]), "init");
    must(gnutls_x509_privkey_generate(ca->key[which], GNUTLS_PK_EDDSA_ED25519, 256, 0), "key");
    gnutls_x509_crt_t crt = begin(as->not_before, as->not_after);
    g_autofree char *cn =
        g_strconcat(as->organisation, which == TEST_CA_ROOT ? " Root" : " CA", NULL);
    set_name(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, as->organisation);
    set_name(crt, GNUTLS_OID_X520_COMMON_NAME, cn);
    must(gnutls_x509_crt_set_key(crt, ca->key[which]), "key");
    must(gnutls_x509_crt_set_basic_constraints(crt, 1, which == TEST_CA_ROOT ? 1 : 0), "CA");
    must(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_KEY_CERT_SIGN | GNUTLS_KEY_CRL_SIGN),
         "key usage");
    set_key_ids(crt, NULL);
    if (which == TEST_CA_INTERMEDIATE)
        set_key_ids(crt, ca->crt[TEST_CA_ROOT]);
    sign(crt, which == TEST_CA_ROOT ? crt : ca->crt[TEST_CA_ROOT], ca->key[TEST_CA_ROOT]);
    ca->crt[which] = crt;
}

static TestCa *
new_empty(void)
{
    TestCa *ca = g_new0(TestCa, 1);
    for (int i = 0; i < 2; i++)
        ca->revoked[i] = g_ptr_array_new_with_free_func((GDestroyNotify)g_bytes_unref);
    return ca;
}

TestCa *
test_ca_new(const TestCaNames *as)
{
    TestCa *ca = new_empty();
    make_signer(ca, TEST_CA_ROOT, as);
    make_signer(ca, TEST_CA_INTERMEDIATE, as);
    return ca;
}

void
test_ca_free(TestCa *ca)
{
    if (ca == NULL)
        return;
    for (int i = 0; i < 2; i++) {
        gnutls_x509_crt_deinit(ca->crt[i]);
        gnutls_x509_privkey_deinit(ca->key[i]);
        g_ptr_array_unref(ca->revoked[i]);
    }
    g_free(ca);
}

gnutls_x509_crt_t
test_ca_issue(const TestCa *ca, gnutls_pubkey_t key, const TestCaLeaf *leaf)
{
    gnutls_x509_crt_t crt = begin(leaf->not_before, leaf->not_after);
    set_name(crt, GNUTLS_OID_X520_COUNTRY_NAME, leaf->country);
    set_name(crt, GNUTLS_OID_X520_ORGANIZATION_NAME, leaf->organisation);
    set_name(crt, GNUTLS_OID_X520_LOCALITY_NAME, leaf->locality);
    set_name(crt, GNUTLS_OID_X520_COMMON_NAME, leaf->terminal);
    must(gnutls_x509_crt_set_pubkey(crt, key), "key");
    must(gnutls_x509_crt_set_key_usage(crt, GNUTLS_KEY_DIGITAL_SIGNATURE), "key usage");
    if (leaf->is_ca)
        must(gnutls_x509_crt_set_basic_constraints(crt, 1, -1), "CA");
    if (leaf->eku != NULL)
        must(gnutls_x509_crt_set_key_purpose_oid(crt, leaf->eku, 0), "EKU");
    set_key_ids(crt, ca->crt[leaf->signer]);
    sign(crt, ca->crt[leaf->signer], ca->key[leaf->signer]);
    return crt;
}

gnutls_x509_crl_t
test_ca_crl(const TestCa *ca, TestCaSigner signer, gint64 this_update, gint64 next_update)
{
    gnutls_x509_crl_t crl;
    guint8 id[KEY_ID_LEN];
    size_t size = sizeof id;
    must(gnutls_x509_crl_init(&crl), "init");
    must(gnutls_x509_crl_set_version(crl, 2), "version");
    must(gnutls_x509_crl_set_this_update(crl, (time_t)this_update), "this update");
    must(gnutls_x509_crl_set_next_update(crl, (time_t)next_update), "next update");
    for (guint i = 0; i < ca->revoked[signer]->len; i++) {
        gsize length;
        const void *serial =
            g_bytes_get_data(g_ptr_array_index(ca->revoked[signer], i), &length);
        must(gnutls_x509_crl_set_crt_serial(crl, serial, length, (time_t)this_update),
             "revoke");
    }
    must(gnutls_x509_crt_get_subject_key_id(ca->crt[signer], id, &size, NULL), "key id");
    must(gnutls_x509_crl_set_authority_key_id(crl, id, size), "key id");
    gint64 number = GINT64_TO_BE(this_update);
    must(gnutls_x509_crl_set_number(crl, &number, sizeof number), "number");
    gnutls_privkey_t key;
    must(gnutls_privkey_init(&key), "init");
    must(gnutls_privkey_import_x509(key, ca->key[signer], 0), "signer");
    must(gnutls_x509_crl_privkey_sign(crl, ca->crt[signer], key, GNUTLS_DIG_SHA512, 0), "sign");
    gnutls_privkey_deinit(key);
    return crl;
}

void
test_ca_revoke(TestCa *ca, gnutls_x509_crt_t crt)
{
    guint8 serial[32];
    size_t size = sizeof serial;
    must(gnutls_x509_crt_get_serial(crt, serial, &size), "serial");
    for (int i = 0; i < 2; i++) {
        if (gnutls_x509_crt_check_issuer(crt, ca->crt[i]))
            g_ptr_array_add(ca->revoked[i], g_bytes_new(serial, size));
    }
}

static GBytes *
take_bytes(int rc, gnutls_datum_t *datum)
{
    must(rc, "export");
    GBytes *bytes = g_bytes_new(datum->data, datum->size);
    gnutls_free(datum->data);
    return bytes;
}

static char *
take_text(int rc, gnutls_datum_t *datum)
{
    must(rc, "export");
    char *text = g_strndup((const char *)datum->data, datum->size);
    gnutls_free(datum->data);
    return text;
}

GBytes *
test_ca_der(gnutls_x509_crt_t crt)
{
    gnutls_datum_t datum;
    return take_bytes(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_DER, &datum), &datum);
}

GBytes *
test_ca_crl_der(gnutls_x509_crl_t crl)
{
    gnutls_datum_t datum;
    return take_bytes(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_DER, &datum), &datum);
}

char *
test_ca_pem(gnutls_x509_crt_t crt)
{
    gnutls_datum_t datum;
    return take_text(gnutls_x509_crt_export2(crt, GNUTLS_X509_FMT_PEM, &datum), &datum);
}

char *
test_ca_crl_pem(gnutls_x509_crl_t crl)
{
    gnutls_datum_t datum;
    return take_text(gnutls_x509_crl_export2(crl, GNUTLS_X509_FMT_PEM, &datum), &datum);
}

static void
save(const char *directory, const char *name, const char *ending, const char *text, int mode)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_strconcat(name, ending, NULL);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    if (!g_file_set_contents_full(path, text, -1, G_FILE_SET_CONTENTS_CONSISTENT, mode, &error))
        fail("save", error->message);
}

static char *
load(const char *directory, const char *name, const char *ending)
{
    g_autoptr(GError) error = NULL;
    g_autofree char *file = g_strconcat(name, ending, NULL);
    g_autofree char *path = g_build_filename(directory, file, NULL);
    char *text = NULL;
    if (!g_file_get_contents(path, &text, NULL, &error))
        fail("load (made with: test-ca DIR init)", error->message);
    return text;
}

static char *
serials_to_text(GPtrArray *serials)
{
    GString *text = g_string_new(NULL);
    for (guint i = 0; i < serials->len; i++) {
        gsize length;
        const guint8 *serial = g_bytes_get_data(g_ptr_array_index(serials, i), &length);
        for (gsize j = 0; j < length; j++)
            g_string_append_printf(text, "%02x", serial[j]);
        g_string_append_c(text, '\n');
    }
    return g_string_free(text, FALSE);
}

static void
serials_from_text(GPtrArray *serials, const char *text)
{
    g_auto(GStrv) lines = g_strsplit(text, "\n", -1);
    for (guint i = 0; lines[i] != NULL; i++) {
        gsize length = strlen(lines[i]) / 2;
        if (length == 0)
            continue;
        guint8 *serial = g_malloc(length);
        for (gsize j = 0; j < length; j++)
            serial[j] = (guint8)(g_ascii_xdigit_value(lines[i][2 * j]) << 4 |
                                 g_ascii_xdigit_value(lines[i][2 * j + 1]));
        g_ptr_array_add(serials, g_bytes_new_take(serial, length));
    }
}

void
test_ca_save(const TestCa *ca, const char *directory)
{
    if (g_mkdir_with_parents(directory, 0755) != 0)
        fail(directory, g_strerror(errno));
    for (int i = 0; i < 2; i++) {
        gnutls_datum_t datum;
        g_autofree char *crt = test_ca_pem(ca->crt[i]);
        g_autofree char *key =
            take_text(gnutls_x509_privkey_export2_pkcs8(ca->key[i], GNUTLS_X509_FMT_PEM, NULL,
                                                        GNUTLS_PKCS_PLAIN, &datum),
                      &datum);
        g_autofree char *revoked = serials_to_text(ca->revoked[i]);
        save(directory, names[i], ".pem", crt, 0644);
        save(directory, names[i], ".key", key, 0600);
        save(directory, names[i], ".revoked", revoked, 0644);
    }
}

TestCa *
test_ca_load(const char *directory)
{
    TestCa *ca = new_empty();
    for (int i = 0; i < 2; i++) {
        g_autofree char *crt = load(directory, names[i], ".pem");
        g_autofree char *key = load(directory, names[i], ".key");
        g_autofree char *revoked = load(directory, names[i], ".revoked");
        gnutls_datum_t datum = {(guint8 *)crt, (unsigned)strlen(crt)};
        must(gnutls_x509_crt_init(&ca->crt[i]), "init");
        must(gnutls_x509_crt_import(ca->crt[i], &datum, GNUTLS_X509_FMT_PEM), names[i]);
        datum = (gnutls_datum_t){(guint8 *)key, (unsigned)strlen(key)};
        must(gnutls_x509_privkey_init(&ca->key[i]), "init");
        must(gnutls_x509_privkey_import_pkcs8(ca->key[i], &datum, GNUTLS_X509_FMT_PEM, NULL,
                                              GNUTLS_PKCS_PLAIN),
             names[i]);
        serials_from_text(ca->revoked[i], revoked);
    }
    return ca;
}
