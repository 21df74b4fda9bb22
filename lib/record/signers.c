/* SPDX-License-Identifier: Apache-2.0
 *
 * See signers.h. Certificates are judged by GnuTLS; times against the caller's clock.
 */
#include "lib/record/signers.h"

#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "lib/record/source.h"

#define FILE_MAX    (256u << 10)
#define SIGNERS_MAX 256
/* A clock that is a little behind. */
#define CLOCK_SLACK 300

#define FLAGS                                                                                  \
    (GNUTLS_VERIFY_DISABLE_TIME_CHECKS | GNUTLS_VERIFY_DISABLE_TRUSTED_TIME_CHECKS |           \
     GNUTLS_PROFILE_TO_VFLAGS(GNUTLS_PROFILE_MEDIUM))

struct ErecSigners {
    gint64 now;
    GPtrArray *anchors; /* owned, of gnutls_x509_crt_t */
    GPtrArray *lists;   /* owned, of gnutls_x509_crl_t */
};

ErecSigners *
erec_signers_new(gint64 now)
{
    ErecSigners *self = g_new0(ErecSigners, 1);

    self->now = now;
    self->anchors = g_ptr_array_new_with_free_func((GDestroyNotify)gnutls_x509_crt_deinit);
    self->lists = g_ptr_array_new_with_free_func((GDestroyNotify)gnutls_x509_crl_deinit);
    return self;
}

void
erec_signers_free(ErecSigners *self)
{
    if (self == NULL)
        return;
    g_ptr_array_unref(self->anchors);
    g_ptr_array_unref(self->lists);
    g_free(self);
}

/* --- files ---------------------------------------------------------------------------------
 */

gboolean
erec_signers_add(ErecSigners *self, const char *pem, gsize length)
{
    gnutls_datum_t datum = {(guint8 *)pem, (unsigned)length};
    gnutls_x509_crt_t crt = NULL;

    if (self->anchors->len >= SIGNERS_MAX || length > FILE_MAX ||
        gnutls_x509_crt_init(&crt) != 0)
        return FALSE;
    if (gnutls_x509_crt_import(crt, &datum, GNUTLS_X509_FMT_PEM) == 0 &&
        gnutls_x509_crt_get_version(crt) == 3) {
        g_ptr_array_add(self->anchors, crt);
        return TRUE;
    }
    gnutls_x509_crt_deinit(crt);
    return FALSE;
}

static void
add_list(ErecSigners *self, const char *bytes, gsize length)
{
    gnutls_datum_t datum = {(guint8 *)bytes, (unsigned)length};
    gnutls_x509_crl_t crl = NULL;

    if (self->lists->len >= SIGNERS_MAX || gnutls_x509_crl_init(&crl) != 0)
        return;
    if (gnutls_x509_crl_import(crl, &datum, GNUTLS_X509_FMT_PEM) == 0 ||
        gnutls_x509_crl_import(crl, &datum, GNUTLS_X509_FMT_DER) == 0)
        g_ptr_array_add(self->lists, crl);
    else
        gnutls_x509_crl_deinit(crl);
}

/* Of root or of whoever runs this, and nobody else may write it. */
static gboolean
is_protected(int fd)
{
    struct stat at;

    return fstat(fd, &at) == 0 && (at.st_uid == 0 || at.st_uid == geteuid()) &&
           (at.st_mode & (S_IWGRP | S_IWOTH)) == 0;
}

static GBytes *
read_protected(const char *path)
{
    const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    g_autoptr(ErecSource) source = NULL;
    GBytes *bytes = NULL;

    if (fd < 0)
        return NULL;
    if (is_protected(fd))
        source = erec_source_new_fd(fd, NULL); /* a regular file, or NULL */
    if (source != NULL && erec_source_size(source) <= FILE_MAX)
        bytes = erec_source_slice(source, 0, erec_source_size(source), NULL);
    close(fd);
    return bytes;
}

static void
add_file(ErecSigners *self, const char *path)
{
    g_autoptr(GBytes) bytes = read_protected(path);
    gsize length = 0;
    const char *data = bytes != NULL ? g_bytes_get_data(bytes, &length) : NULL;

    if (data == NULL || length == 0)
        return;
    if (g_str_has_suffix(path, ".crl"))
        add_list(self, data, length);
    else
        erec_signers_add(self, data, length);
}

void
erec_signers_add_directory(ErecSigners *self, const char *path)
{
    g_autoptr(GDir) dir = NULL;
    const int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    const gboolean safe = fd >= 0 && is_protected(fd);
    const char *name;

    if (fd >= 0)
        close(fd);
    if (safe)
        dir = g_dir_open(path, 0, NULL);
    while (dir != NULL && (name = g_dir_read_name(dir)) != NULL) {
        g_autofree char *file = g_build_filename(path, name, NULL);

        if (g_str_has_suffix(name, ".pem") || g_str_has_suffix(name, ".crt") ||
            g_str_has_suffix(name, ".crl"))
            add_file(self, file);
    }
}

/* --- the verdict ---------------------------------------------------------------------------
 */

/* A certificate that is limited to purposes must have one that is about documents: an
 * authority's web servers do not sign records. */
static gboolean
may_sign_documents(gnutls_x509_crt_t crt)
{
    static const char *const fit[] = {"1.3.6.1.5.5.7.3.36" /* documents, RFC 9336 */,
                                      "1.3.6.1.4.1.311.10.3.12" /* documents, Microsoft's */,
                                      "1.3.6.1.5.5.7.3.4" /* mail */, "2.5.29.37.0" /* any */,
                                      NULL};
    unsigned usage = 0;
    const int rc = gnutls_x509_crt_get_key_usage(crt, &usage, NULL);

    if (rc != GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE &&
        (rc != 0 || (usage & (GNUTLS_KEY_DIGITAL_SIGNATURE | GNUTLS_KEY_NON_REPUDIATION)) == 0))
        return FALSE;
    for (unsigned i = 0;; i++) {
        char oid[128];
        size_t size = sizeof oid;
        const int got = gnutls_x509_crt_get_key_purpose_oid(crt, i, oid, &size, NULL);

        if (got == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return i == 0;
        if (got == 0 && g_strv_contains(fit, oid))
            return TRUE;
        if (got != 0 && got != GNUTLS_E_SHORT_MEMORY_BUFFER)
            return FALSE;
    }
}

static gboolean
is_in_time(const ErecSigners *self, gnutls_x509_crt_t crt)
{
    return gnutls_x509_crt_get_activation_time(crt) <= self->now + CLOCK_SLACK &&
           gnutls_x509_crt_get_expiration_time(crt) >= self->now;
}

static gboolean
is_anchor(const ErecSigners *self, gnutls_x509_crt_t crt)
{
    for (guint i = 0; i < self->anchors->len; i++)
        if (gnutls_x509_crt_equals(g_ptr_array_index(self->anchors, i), crt) != 0)
            return TRUE;
    return FALSE;
}

static gboolean
is_revoked(const ErecSigners *self, gnutls_x509_crt_t const *chain, guint n)
{
    for (guint i = 0; i < n; i++)
        if (gnutls_x509_crt_check_revocation(chain[i],
                                             (const gnutls_x509_crl_t *)self->lists->pdata,
                                             (unsigned)self->lists->len) != 0)
            return TRUE;
    return FALSE;
}

/* How many certificates of the chain lead to an anchor; 0: none do. The time of all of them
 * counts, the anchor's too. */
static guint
path_length(const ErecSigners *self, gnutls_x509_crt_t const *chain, guint n, gboolean *in_time)
{
    *in_time = TRUE;
    for (guint i = 0; i < n; i++)
        if (is_anchor(self, chain[i]))
            return i + 1;
    for (guint i = 0; i < self->anchors->len; i++) {
        const gnutls_x509_crt_t anchor = g_ptr_array_index(self->anchors, i);
        unsigned verify = 0;

        if (gnutls_x509_crt_list_verify(chain, (int)n, &anchor, 1, NULL, 0, FLAGS, &verify) ==
                0 &&
            verify == 0) {
            *in_time = is_in_time(self, anchor);
            return n;
        }
    }
    return 0;
}

/* Up to an anchor inside the chain each must be issued by the next. */
static gboolean
is_path(gnutls_x509_crt_t const *chain, guint n)
{
    unsigned verify = 0;

    return n == 1 || (gnutls_x509_crt_list_verify(chain, (int)n - 1, &chain[n - 1], 1, NULL, 0,
                                                  FLAGS, &verify) == 0 &&
                      verify == 0);
}

static char *
organisation_of(gnutls_x509_crt_t crt)
{
    static const char *const oids[] = {GNUTLS_OID_X520_ORGANIZATION_NAME,
                                       GNUTLS_OID_X520_COMMON_NAME};

    for (gsize i = 0; i < G_N_ELEMENTS(oids); i++) {
        char name[256];
        size_t size = sizeof name;

        if (gnutls_x509_crt_get_dn_by_oid(crt, oids[i], 0, 0, name, &size) == 0 && size > 0)
            return g_utf8_make_valid(name, -1);
    }
    return NULL;
}

ErecSignerVerdict
erec_signers_judge(const ErecSigners *self, gnutls_x509_crt_t const *chain, guint n,
                   char **organisation)
{
    gboolean in_time = TRUE;
    guint length;

    *organisation = NULL;
    if (self == NULL || n == 0)
        return EREC_SIGNER_UNKNOWN;
    length = path_length(self, chain, n, &in_time);
    if (length == 0 || !is_path(chain, length) || !may_sign_documents(chain[0]))
        return EREC_SIGNER_UNKNOWN;
    *organisation = organisation_of(chain[0]);
    if (*organisation == NULL)
        return EREC_SIGNER_UNKNOWN;
    if (is_revoked(self, chain, length))
        return EREC_SIGNER_REVOKED;
    for (guint i = 0; i < length; i++)
        in_time = in_time && is_in_time(self, chain[i]);
    return in_time ? EREC_SIGNER_TRUSTED : EREC_SIGNER_EXPIRED;
}
