/* SPDX-License-Identifier: Apache-2.0
 *
 * What an operator gave this terminal: all in PEM files, read once, never freed.
 */
#include "tests/rig/rogue/terminal.h"

#include <gnutls/abstract.h>
#include <gnutls/x509.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>

static bool
read_key(struct terminal *t, const char *path)
{
    gnutls_datum_t pem, x = {NULL, 0}, k = {NULL, 0};
    gnutls_privkey_t key;
    gnutls_ecc_curve_t curve;
    uint8_t public[32];
    bool ok = false;

    if (gnutls_load_file(path, &pem) < 0)
        return false;
    gnutls_privkey_init(&key);
    if (gnutls_privkey_import_x509_raw(key, &pem, GNUTLS_X509_FMT_PEM, NULL, 0) == 0 &&
        gnutls_privkey_export_ecc_raw2(key, &curve, &x, NULL, &k, 0) == 0 && k.size == 32)
        ok = crypto_sign_seed_keypair(public, t->leaf, k.data) == 0;
    gnutls_free(x.data);
    gnutls_free(k.data);
    gnutls_privkey_deinit(key);
    gnutls_free(pem.data);
    return ok;
}

/* DER of every block with this title. */
static unsigned
read_blocks(const char *path, const char *title, ehp_bytes out[TERMINAL_CERTS_MAX])
{
    gnutls_datum_t pem, der;
    unsigned n = 0;
    char begin[64];

    if (gnutls_load_file(path, &pem) < 0)
        return 0;
    snprintf(begin, sizeof begin, "-----BEGIN %s-----", title);
    for (char *at = strstr((char *)pem.data, begin); at && n < TERMINAL_CERTS_MAX;
         at = strstr(at + 1, begin)) {
        const gnutls_datum_t rest = {(unsigned char *)at, (unsigned)strlen(at)};
        if (gnutls_pem_base64_decode2(title, &rest, &der) == 0)
            out[n++] = ehp_bytes_of(der.data, der.size);
    }
    gnutls_free(pem.data);
    return n;
}

bool
terminal_identity(struct terminal *t, const char *key, const char *chain, const char *crls)
{
    t->n_chain = read_blocks(chain, "CERTIFICATE", t->chain);
    t->n_crls = read_blocks(crls, "X509 CRL", t->crls);
    if (t->n_chain > 0 && read_key(t, key))
        return true;
    fprintf(stderr, "rogue: no identity in %s, %s\n", key, chain);
    return false;
}
