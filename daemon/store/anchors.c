/* SPDX-License-Identifier: Apache-2.0
 *
 * The two directories of trust anchors: loading, adding, listing, removing. Main thread.
 */
#include "daemon/store/anchors.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/atomic.h"
#include "daemon/store/file.h"
#include "daemon/words.h"

#define PEM_MAX     65536
#define ANCHORS_MAX 256

void
ehd_anchor_free(EhdAnchorEntry *entry)
{
    if (entry == NULL)
        return;
    gnutls_x509_crt_deinit(entry->crt);
    g_free(entry->file);
    g_free(entry);
}

gboolean
ehd_anchor_equal(const EhdAnchorEntry *a, const EhdAnchorEntry *b)
{
    return gnutls_x509_crt_equals(a->crt, b->crt) != 0;
}

/* Exactly one: from a bundle, somebody's intermediate would silently become an anchor. */
static gnutls_x509_crt_t
parse_single(const void *pem, gsize length, GError **error)
{
    gnutls_x509_crt_t *list = NULL;
    unsigned n = 0;
    gnutls_datum_t datum = {(void *)pem, (unsigned)length};
    int rc = length == 0 || length > PEM_MAX
                 ? GNUTLS_E_PARSING_ERROR
                 : gnutls_x509_crt_list_import2(&list, &n, &datum, GNUTLS_X509_FMT_PEM, 0);
    if (rc < 0) {
        ehd_error_set(error, EHP_CERT_INVALID, N_("not a PEM certificate"));
        return NULL;
    }
    gnutls_x509_crt_t crt = n == 1 ? list[0] : NULL;
    for (unsigned i = crt == NULL ? 0 : 1; i < n; i++)
        gnutls_x509_crt_deinit(list[i]);
    gnutls_free(list);
    if (crt == NULL)
        ehd_error_set(error, EHP_CERT_INVALID,
                      N_("one certificate is wanted, these are") ": %u", n);
    return crt;
}

EhdAnchorEntry *
ehd_anchor_parse(const char *file, const void *pem, gsize length, gboolean system,
                 GError **error)
{
    gnutls_x509_crt_t crt = parse_single(pem, length, error);
    if (crt == NULL)
        return NULL;
    EhdAnchorEntry *entry = g_new0(EhdAnchorEntry, 1);
    entry->crt = crt;
    entry->file = g_strdup(file);
    entry->info.system = system;
    entry->info.not_after = gnutls_x509_crt_get_expiration_time(crt);
    ehd_crt_subject_name(crt, entry->info.name);
    if (gnutls_x509_crt_get_version(crt) == 3 && ehd_crt_is_ca(crt) &&
        ehd_crt_fingerprint(crt, entry->info.fingerprint))
        return entry;
    ehd_error_set(error, EHP_CERT_INVALID, N_("not a certificate of an authority (CA)"));
    ehd_anchor_free(entry);
    return NULL;
}

static EhdAnchorEntry *
load_file(int dir_fd, const char *file, gboolean system, GError **error)
{
    /* Links are followed: /etc is often a tree of them. */
    int fd = openat(dir_fd, file, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) {
        ehd_error_set_errno(error, errno, "open");
        return NULL;
    }
    g_autoptr(GBytes) pem = NULL;
    if (ehd_file_is_protected(fd))
        pem = ehd_file_read_fd(fd, "read", PEM_MAX, error);
    else
        ehd_error_set(error, EHP_CERT_INVALID, N_("others may write it"));
    close(fd);
    if (pem == NULL)
        return NULL;
    return ehd_anchor_parse(file, g_bytes_get_data(pem, NULL), g_bytes_get_size(pem), system,
                            error);
}

static gboolean
is_known(const EhdTrust *trust, const EhdAnchorEntry *entry)
{
    for (guint i = 0; i < trust->anchors->len; i++) {
        if (ehd_anchor_equal(g_ptr_array_index(trust->anchors, i), entry))
            return TRUE;
    }
    return FALSE;
}

static gboolean
load_directory(EhdTrust *trust, int dir_fd, gboolean system, GError **error)
{
    g_auto(GStrv) files = ehd_file_list(dir_fd, error);
    if (files == NULL)
        return FALSE;
    for (guint i = 0; files[i] != NULL; i++) {
        if (!g_str_has_suffix(files[i], ".pem") && !g_str_has_suffix(files[i], ".crt"))
            continue;
        g_autoptr(GError) local = NULL;
        EhdAnchorEntry *entry = load_file(dir_fd, files[i], system, &local);
        if (entry == NULL) {
            g_warning("trust anchor %s is passed over: %s", files[i], local->message);
        } else if (trust->anchors->len >= ANCHORS_MAX) {
            g_warning("more than %d trust anchors: %s is passed over", ANCHORS_MAX, files[i]);
            ehd_anchor_free(entry);
        } else if (is_known(trust, entry)) {
            ehd_anchor_free(entry);
        } else {
            g_ptr_array_add(trust->anchors, entry);
        }
    }
    return TRUE;
}

static gboolean
load_system(EhdTrust *trust, GError **error)
{
    if (trust->system_dir == NULL)
        return TRUE;
    int fd = open(trust->system_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0) {
        if (errno == ENOENT)
            return TRUE;
        ehd_error_set_errno(error, errno, trust->system_dir);
        return FALSE;
    }
    gboolean ok = TRUE;
    if (ehd_file_is_protected(fd))
        ok = load_directory(trust, fd, TRUE, error);
    else
        g_warning("%s is passed over: others may write it", trust->system_dir);
    close(fd);
    return ok;
}

gboolean
ehd_trust_reload(EhdTrust *trust, GError **error)
{
    g_ptr_array_set_size(trust->anchors, 0);
    return load_system(trust, error) &&
           load_directory(trust, ehd_state_room(trust->state, "trust.d"), FALSE, error);
}

EhdTrust *
ehd_trust_open(EhdState *state, const char *system_dir, GError **error)
{
    EhdTrust *trust = g_new0(EhdTrust, 1);
    trust->state = state;
    trust->system_dir = g_strdup(system_dir);
    trust->anchors = g_ptr_array_new_with_free_func((GDestroyNotify)ehd_anchor_free);
    if (ehd_trust_reload(trust, error))
        return trust;
    ehd_error_prefix(error, N_("load the trust anchors"));
    ehd_trust_free(trust);
    return NULL;
}

void
ehd_trust_free(EhdTrust *trust)
{
    if (trust == NULL)
        return;
    g_ptr_array_unref(trust->anchors);
    g_free(trust->system_dir);
    g_free(trust);
}

guint
ehd_trust_count(const EhdTrust *trust)
{
    return trust->anchors->len;
}

const EhdAnchor *
ehd_trust_get(const EhdTrust *trust, guint index)
{
    g_return_val_if_fail(index < trust->anchors->len, NULL);
    return &((EhdAnchorEntry *)g_ptr_array_index(trust->anchors, index))->info;
}

static gboolean
store_anchor(EhdTrust *trust, const EhdAnchorEntry *entry, GError **error)
{
    gnutls_datum_t pem = {0};
    if (gnutls_x509_crt_export2(entry->crt, GNUTLS_X509_FMT_PEM, &pem) != 0) {
        ehd_error_set(error, EHP_NO_MEMORY, NULL);
        return FALSE;
    }
    gboolean ok = ehd_atomic_write(ehd_state_room(trust->state, "trust.d"), entry->file,
                                   pem.data, pem.size, error);
    gnutls_free(pem.data);
    return ok;
}

gboolean
ehd_trust_add(EhdTrust *trust, const char *pem, gsize length, gint64 now, EhdAnchor *added,
              GError **error)
{
    EhdAnchorEntry *entry = ehd_anchor_parse(NULL, pem, length, FALSE, error);
    if (entry == NULL)
        return FALSE;
    if (added != NULL)
        *added = entry->info;
    char text[EHD_FINGERPRINT_TEXT];
    ehd_fingerprint_format(entry->info.fingerprint, text);
    entry->file = g_strconcat(text, ".pem", NULL);
    gboolean ok = TRUE;
    if (entry->info.not_after < now) {
        ehd_error_set(error, EHP_CERT_EXPIRED, N_("the authority's certificate has expired"));
        ok = FALSE;
    } else if (!is_known(trust, entry)) {
        /* A renewed certificate of the same key takes the old one's file; hence the reload. */
        ok = store_anchor(trust, entry, error) && ehd_trust_reload(trust, error);
    }
    ehd_anchor_free(entry);
    return ok;
}

/* How many anchors of whom `fingerprint` begins the fingerprint; *found is one of them. */
static guint
find_matching(const EhdTrust *trust, const char *fingerprint, const EhdAnchorEntry **found)
{
    guint n = 0;
    for (guint i = 0; i < trust->anchors->len; i++) {
        const EhdAnchorEntry *entry = g_ptr_array_index(trust->anchors, i);
        if (!ehd_fingerprint_matches(entry->info.fingerprint, fingerprint))
            continue;
        *found = entry;
        n++;
    }
    return n;
}

gboolean
ehd_trust_remove(EhdTrust *trust, const char *fingerprint, GError **error)
{
    const EhdAnchorEntry *entry = NULL;
    guint n = find_matching(trust, fingerprint, &entry);
    if (n == 0) {
        ehd_error_set(error, EHP_NOT_FOUND,
                      N_("no authority has this fingerprint (at least 8 hex digits)"));
        return FALSE;
    }
    if (n > 1) {
        ehd_error_set(
            error, EHP_INVALID_ARGUMENT,
            N_("more than one authority has this fingerprint, give more digits") ": %u", n);
        return FALSE;
    }
    if (entry->info.system) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT,
                      "%s: " N_("it belongs to the system's directory"), entry->file);
        return FALSE;
    }
    return ehd_atomic_remove(ehd_state_room(trust->state, "trust.d"), entry->file, error) &&
           ehd_trust_reload(trust, error);
}
