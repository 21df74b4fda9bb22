/* SPDX-License-Identifier: Apache-2.0
 *
 * See jws.h. Every length is checked before it is decoded; the arithmetic is GnuTLS'.
 */
#include "lib/record/jws.h"

#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <string.h>

#include "lib/record/json.h"

/* Five certificates of 8 KiB in base64, twice. */
#define HEADER_MAX      (96u << 10)
#define CERTIFICATE_MAX (8u << 10)
/* RSA with 8192 bits. More bits are only slow. */
#define SIGNATURE_MAX   1024u
#define RSA_BITS_MIN    2048u
#define RSA_BITS_MAX    8192u
#define PAYLOAD_MAX     (EREC_STRING_MAX / 3 * 4)

typedef struct gnutls_pubkey_st Key;
G_DEFINE_AUTOPTR_CLEANUP_FUNC(Key, gnutls_pubkey_deinit)

static const struct {
    const char *name; /* RFC 7518, RFC 8037 */
    gnutls_sign_algorithm_t algorithm;
    guint half; /* of an ECDSA signature, two numbers of this many bytes; else 0 */
} algorithms[] = {
    {"RS256", GNUTLS_SIGN_RSA_SHA256, 0},
    {"RS384", GNUTLS_SIGN_RSA_SHA384, 0},
    {"RS512", GNUTLS_SIGN_RSA_SHA512, 0},
    {"PS256", GNUTLS_SIGN_RSA_PSS_RSAE_SHA256, 0},
    {"PS384", GNUTLS_SIGN_RSA_PSS_RSAE_SHA384, 0},
    {"PS512", GNUTLS_SIGN_RSA_PSS_RSAE_SHA512, 0},
    {"ES256", GNUTLS_SIGN_ECDSA_SECP256R1_SHA256, 32},
    {"ES384", GNUTLS_SIGN_ECDSA_SECP384R1_SHA384, 48},
    {"ES512", GNUTLS_SIGN_ECDSA_SECP521R1_SHA512, 66},
    {"EdDSA", GNUTLS_SIGN_EDDSA_ED25519, 0},
};

/* --- base64url -----------------------------------------------------------------------------
 */

static gboolean
is_base64url(const char *text, gsize length)
{
    for (gsize i = 0; i < length; i++)
        if (!g_ascii_isalnum(text[i]) && text[i] != '-' && text[i] != '_')
            return FALSE;
    return length % 4 != 1;
}

/* Of what is_base64url(). */
static guint8 *
decode(const char *text, gsize length, gsize *decoded)
{
    g_autofree char *padded = g_malloc(length + 4);

    memcpy(padded, text, length);
    g_strdelimit((padded[length] = '\0', padded), "-", '+');
    g_strdelimit(padded, "_", '/');
    for (; length % 4 != 0; length++)
        padded[length] = '=';
    padded[length] = '\0';
    return g_base64_decode(padded, decoded);
}

static char *
encode(const char *bytes, gsize length)
{
    char *text = g_base64_encode((const guint8 *)bytes, length);

    g_strdelimit(g_strdelimit(text, "+", '-'), "/", '_');
    text[strcspn(text, "=")] = '\0';
    return text;
}

/* --- the header ----------------------------------------------------------------------------
 */

static gboolean
unknown(ErecJws *self, const char *reason)
{
    self->state = EREC_JWS_UNKNOWN;
    self->reason = reason;
    return FALSE;
}

static gboolean
malformed(ErecJws *self, const char *reason)
{
    self->state = EREC_JWS_MALFORMED;
    self->reason = reason;
    return FALSE;
}

/* "none" is no signature: who strips one may not turn it into one that only cannot be checked.
 */
static gboolean
take_algorithm(ErecJws *self, const ErecNode *header)
{
    const char *name = erec_text(header, "alg");

    if (name == NULL || g_ascii_strcasecmp(name, "none") == 0)
        return malformed(self, "alg");
    for (gsize i = 0; i < G_N_ELEMENTS(algorithms); i++) {
        const guint half = algorithms[i].half;

        if (strcmp(name, algorithms[i].name) != 0)
            continue;
        self->algorithm = algorithms[i].algorithm;
        if (half == 0)
            return TRUE;
        if (self->signature_length != (gsize)2 * half)
            return malformed(self, "alg");
        gnutls_datum_t der = {NULL, 0}, r = {self->signature, half},
                       s = {self->signature + half, half};
        if (gnutls_encode_rs_value(&der, &r, &s) < 0)
            return malformed(self, "alg");
        g_free(self->signature);
        self->signature = g_memdup2(der.data, der.size);
        self->signature_length = der.size;
        gnutls_free(der.data);
        return TRUE;
    }
    return unknown(self, "algorithm");
}

static gnutls_x509_crt_t
certificate_of(const char *text)
{
    g_autofree guint8 *der = NULL;
    gsize length;
    gnutls_x509_crt_t crt = NULL;

    if (strlen(text) > CERTIFICATE_MAX / 3 * 4)
        return NULL;
    der = g_base64_decode(text, &length);
    gnutls_datum_t datum = {der, (unsigned)length};
    if (length == 0 || gnutls_x509_crt_init(&crt) != 0)
        return NULL;
    if (gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_DER) == 0)
        return crt;
    gnutls_x509_crt_deinit(crt);
    return NULL;
}

static gboolean
take_chain(ErecJws *self, const ErecNode *header)
{
    const ErecNode *list = erec_member(header, "x5c");

    if (list == NULL)
        return unknown(self, "x5c");
    if (list->type != EREC_ARRAY || list->size == 0)
        return malformed(self, "x5c");
    if (list->size > EREC_CHAIN_MAX)
        return unknown(self, "x5c");
    for (const ErecNode *at = list->first; at != NULL; at = at->next) {
        gnutls_x509_crt_t crt = at->type == EREC_STRING ? certificate_of(at->text) : NULL;

        if (crt == NULL)
            return malformed(self, "x5c");
        self->chain[self->n_chain++] = crt;
    }
    return TRUE;
}

/* Whoever signed a header that must be understood, or a payload that is not encoded (RFC 7797),
 * means something that we do not. */
static gboolean
take_header(ErecJws *self, const char *text, gsize length)
{
    gsize size = 0;
    g_autofree guint8 *json = decode(text, length, &size);
    g_autoptr(GBytes) bytes = g_bytes_new(json, size);
    g_autoptr(ErecTree) tree = erec_tree_new(bytes, 0, NULL);
    const ErecNode *header = tree != NULL ? erec_tree_root(tree) : NULL;

    if (header == NULL || header->type != EREC_OBJECT)
        return malformed(self, "header");
    if (erec_member(header, "crit") != NULL || erec_member(header, "b64") != NULL)
        return unknown(self, "crit");
    return take_algorithm(self, header) && take_chain(self, header);
}

/* --- the whole -----------------------------------------------------------------------------
 */

static gboolean
take_parts(ErecJws *self, const char *text, gsize length)
{
    const char *first = memchr(text, '.', length),
               *second = first != NULL
                             ? memchr(first + 1, '.', length - (gsize)(first + 1 - text))
                             : NULL;

    if (second == NULL)
        return malformed(self, "parts");
    const gsize header = (gsize)(first - text), payload = (gsize)(second - first - 1),
                signature = length - header - payload - 2;
    if (!is_base64url(text, header) || !is_base64url(first + 1, payload) ||
        !is_base64url(second + 1, signature) || header == 0 || signature == 0)
        return malformed(self, "parts");
    if (header > HEADER_MAX || payload > PAYLOAD_MAX || signature > SIGNATURE_MAX / 3 * 4 + 4)
        return unknown(self, "too large");
    self->header = g_strndup(text, header);
    self->payload = g_strndup(first + 1, payload);
    self->signature = decode(second + 1, signature, &self->signature_length);
    return take_header(self, text, header);
}

void
erec_jws_parse(ErecJws *self, const char *text, gsize length)
{
    memset(self, 0, sizeof *self);
    take_parts(self, text, length);
}

void
erec_jws_clear(ErecJws *self)
{
    for (guint i = 0; i < self->n_chain; i++)
        gnutls_x509_crt_deinit(self->chain[i]);
    g_free(self->header);
    g_free(self->payload);
    g_free(self->signature);
    memset(self, 0, sizeof *self);
}

gboolean
erec_jws_carries(const ErecJws *self, const char *bytes, gsize length)
{
    g_autofree char *text = encode(bytes, length);

    return length > 0 && strcmp(text, self->payload) == 0;
}

static gboolean
is_strong(gnutls_pubkey_t key)
{
    unsigned bits = 0;
    const int kind = gnutls_pubkey_get_pk_algorithm(key, &bits);

    return (kind != GNUTLS_PK_RSA && kind != GNUTLS_PK_RSA_PSS) ||
           (bits >= RSA_BITS_MIN && bits <= RSA_BITS_MAX);
}

gboolean
erec_jws_holds(const ErecJws *self, const char *bytes, gsize length)
{
    g_autoptr(Key) key = NULL;
    g_autofree char *payload = encode(bytes, length),
                    *input = g_strconcat(self->header, ".", payload, NULL);
    const gnutls_datum_t data = {(guint8 *)input, (unsigned)strlen(input)},
                         signature = {self->signature, (unsigned)self->signature_length};

    return gnutls_pubkey_init(&key) == 0 &&
           gnutls_pubkey_import_x509(key, self->chain[0], 0) == 0 && is_strong(key) &&
           gnutls_pubkey_verify_data2(key, self->algorithm, 0, &data, &signature) >= 0;
}
