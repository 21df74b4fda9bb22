/* SPDX-License-Identifier: Apache-2.0
 *
 * The verdicts. Owns the order of the checks and every rule that is ours rather than RFC
 * 5280's. No file, no clock, no GError; any thread while the anchors stand still.
 */
#include "daemon/store/trust.h"

#include <string.h>

#include "daemon/store/anchors.h"
#include "daemon/store/identity.h"

#define DAY         G_GINT64_CONSTANT(86400)
/* A terminal whose certificate or CRL was made a moment ago, and a patient's clock a little
 * behind. */
#define CLOCK_SLACK G_GINT64_CONSTANT(300)

/* Where the chain ends. */
typedef struct {
    const EhdAnchorEntry *anchor; /* borrowed */
    guint length;                 /* certificates of the chain below the anchor */
} Path;

ehp_status
ehd_clock_check(gint64 now)
{
    if (now < EHD_CLOCK_FLOOR || now > EHD_CLOCK_FLOOR + EHD_CLOCK_YEARS * 366 * DAY)
        return EHP_CLOCK_WRONG;
    return EHP_OK;
}

static gboolean
parse_chain(GBytes *const *ders, guint n, EhdCrtChain *chain)
{
    if (n == 0 || n > EHP_CHAIN_MAX)
        return FALSE;
    for (guint i = 0; i < n; i++) {
        gnutls_x509_crt_t crt = ehd_crt_from_der(ders[i]);
        if (crt == NULL)
            return FALSE;
        chain->crt[chain->n++] = crt;
    }
    return TRUE;
}

/* Is it worth verifying signatures against this anchor? */
static gboolean
may_vouch(const EhdCrtChain *chain, const EhdAnchorEntry *anchor)
{
    for (guint i = 0; i < chain->n; i++) {
        if (ehd_crt_names_issuer(chain->crt[i], anchor->crt))
            return TRUE;
    }
    return FALSE;
}

/* A terminal may have sent the anchor along; the path is what is below it. */
static guint
length_below(const EhdCrtChain *chain, const EhdAnchorEntry *anchor)
{
    for (guint i = 0; i < chain->n; i++) {
        if (gnutls_x509_crt_equals(chain->crt[i], anchor->crt))
            return i;
    }
    return chain->n;
}

/* One anchor at a time, so that we know which one vouches: its name is shown, its CRL is
 * wanted. */
static gboolean
find_path(const EhdTrust *trust, const EhdCrtChain *chain, Path *path)
{
    for (guint i = 0; i < trust->anchors->len; i++) {
        const EhdAnchorEntry *anchor = g_ptr_array_index(trust->anchors, i);
        unsigned verify = 0;
        if (!may_vouch(chain, anchor) ||
            gnutls_x509_crt_list_verify(chain->crt, (int)chain->n, &anchor->crt, 1, NULL, 0,
                                        EHD_VERIFY_FLAGS, &verify) != 0 ||
            verify != 0)
            continue;
        path->anchor = anchor;
        path->length = length_below(chain, anchor);
        if (path->length > 0)
            return TRUE;
    }
    return FALSE;
}

static void
read_leaf(gnutls_x509_crt_t leaf, EhdVerdict *verdict)
{
    if (!ehd_crt_key(leaf, verdict->key))
        return;
    ehd_fingerprint_of_key(verdict->key, verdict->fingerprint);
    ehd_crt_subject(leaf, GNUTLS_OID_X520_ORGANIZATION_NAME, verdict->organisation);
    ehd_crt_subject(leaf, GNUTLS_OID_X520_COMMON_NAME, verdict->terminal);
    ehd_crt_place(leaf, verdict->place);
    verdict->not_after = gnutls_x509_crt_get_expiration_time(leaf);
    verdict->readable = TRUE;
}

/* What a terminal's leaf must be whoever signed it. The short life is what makes a stolen key
 * die even where no CRL gets through. */
static ehp_status
check_leaf(gnutls_x509_crt_t leaf, const EhdVerdict *verdict)
{
    gint64 from = gnutls_x509_crt_get_activation_time(leaf);
    gint64 until = gnutls_x509_crt_get_expiration_time(leaf);
    if (!verdict->readable || verdict->organisation[0] == '\0' || ehd_crt_is_ca(leaf))
        return EHP_CERT_INVALID;
    if (from < 0 || until < from || until - from > EHD_LEAF_DAYS_MAX * DAY)
        return EHP_CERT_INVALID;
    return EHP_OK;
}

/* Our EKU on the leaf, by name; an authority that is limited to purposes must have ours too. */
static ehp_status
check_purpose(const EhdCrtChain *chain, const Path *path)
{
    if (ehd_crt_eku(chain->crt[0]) != EHD_EKU_OURS || !ehd_crt_may_sign(chain->crt[0]))
        return EHP_CERT_WRONG_PURPOSE;
    for (guint i = 1; i < path->length; i++) {
        if (ehd_crt_eku(chain->crt[i]) == EHD_EKU_OTHER)
            return EHP_CERT_WRONG_PURPOSE;
    }
    return EHP_OK;
}

static ehp_status
check_time_of(gnutls_x509_crt_t crt, gint64 now, gint64 *not_after)
{
    gint64 from = gnutls_x509_crt_get_activation_time(crt);
    gint64 until = gnutls_x509_crt_get_expiration_time(crt);
    if (from < 0 || until < 0)
        return EHP_CERT_INVALID;
    *not_after = MIN(*not_after, until);
    if (now + CLOCK_SLACK < from)
        return EHP_CERT_NOT_YET_VALID;
    return now > until ? EHP_CERT_EXPIRED : EHP_OK;
}

static ehp_status
check_times(const EhdCrtChain *chain, const Path *path, gint64 now, gint64 *not_after)
{
    ehp_status status = check_time_of(path->anchor->crt, now, not_after);
    for (guint i = 0; i < path->length && status == EHP_OK; i++)
        status = check_time_of(chain->crt[i], now, not_after);
    return status;
}

static ehp_status
judge(const EhdTrust *trust, const EhdCrtChain *chain, gint64 now, EhdVerdict *verdict)
{
    ehp_status status = check_leaf(chain->crt[0], verdict);
    if (status != EHP_OK)
        return status;
    Path path;
    /* Before purpose and dates: what nobody vouches for is not worth a more exact word. */
    if (!find_path(trust, chain, &path))
        return EHP_CERT_UNTRUSTED;
    ehd_crt_subject_name(path.anchor->crt, verdict->authority);
    status = check_purpose(chain, &path);
    return status == EHP_OK ? check_times(chain, &path, now, &verdict->not_after) : status;
}

void
ehd_trust_verify_chain(const EhdTrust *trust, GBytes *const *ders, guint n, gint64 now,
                       EhdVerdict *verdict)
{
    g_auto(EhdCrtChain) chain = {0};
    memset(verdict, 0, sizeof *verdict);
    gboolean parsed = parse_chain(ders, n, &chain);
    if (chain.n > 0)
        read_leaf(chain.crt[0], verdict);
    if (!parsed)
        verdict->status = EHP_CERT_INVALID;
    else if (ehd_clock_check(now) != EHP_OK)
        verdict->status = EHP_CLOCK_WRONG;
    else
        verdict->status = judge(trust, &chain, now, verdict);
}

void
ehd_trust_bare_key(const guint8 key[32], EhdVerdict *verdict)
{
    memset(verdict, 0, sizeof *verdict);
    memcpy(verdict->key, key, 32);
    ehd_fingerprint_of_key(key, verdict->fingerprint);
    verdict->readable = TRUE;
    verdict->status = EHP_CERT_UNTRUSTED;
}

/* What one CRL says about the time: is it one that may still be relied on? */
static gboolean
is_fresh(gnutls_x509_crl_t crl, gint64 now, gint64 max_age)
{
    gint64 this_update = gnutls_x509_crl_get_this_update(crl);
    gint64 next_update = gnutls_x509_crl_get_next_update(crl);
    if (this_update < 0 || this_update > now + CLOCK_SLACK || now - this_update > max_age)
        return FALSE;
    /* RFC 5280 wants a nextUpdate; where a CA leaves it out, max_age alone bounds it. */
    return next_update < 0 || now <= next_update;
}

/* A delta CRL or one for some certificates only says so in a critical extension (RFC
 * 5280, 5.2): such a CRL can revoke but its silence proves nothing. */
static gboolean
has_critical_extension(gnutls_x509_crl_t crl)
{
    for (unsigned i = 0;; i++) {
        char oid[128];
        size_t size = sizeof oid;
        unsigned critical = 0;
        int rc = gnutls_x509_crl_get_extension_info(crl, i, oid, &size, &critical);
        if (rc == GNUTLS_E_REQUESTED_DATA_NOT_AVAILABLE)
            return FALSE;
        if (rc != 0 || critical)
            return TRUE;
    }
}

/* The trust list would take these CRLs and silently ignore an intermediate's; so each is
 * verified here, by hand, against the very certificate that issued what it is asked about. */
static ehp_status
ask_crls(gnutls_x509_crt_t crt, gnutls_x509_crt_t issuer, gnutls_x509_crl_t *crls, guint n,
         gint64 now, gint64 max_age)
{
    ehp_status status = EHP_CRL_MISSING;
    for (guint i = 0; i < n; i++) {
        if (!ehd_crl_is_issued_by(crls[i], issuer))
            continue;
        /* Also a stale one: nobody is un-revoked by time. */
        if (gnutls_x509_crt_check_revocation(crt, &crls[i], 1) != 0)
            return EHP_CERT_REVOKED;
        if (has_critical_extension(crls[i]))
            continue;
        if (is_fresh(crls[i], now, max_age))
            status = EHP_OK;
        else if (status == EHP_CRL_MISSING)
            status = EHP_CRL_STALE;
    }
    return status;
}

/* Revoked outweighs missing outweighs stale outweighs checked. */
static ehp_status
worse(ehp_status a, ehp_status b)
{
    static const ehp_status order[] = {EHP_CERT_REVOKED, EHP_CRL_MISSING, EHP_CRL_STALE};
    for (guint i = 0; i < G_N_ELEMENTS(order); i++) {
        if (a == order[i] || b == order[i])
            return order[i];
    }
    return EHP_OK;
}

static ehp_status
judge_crls(const EhdCrtChain *chain, const Path *path, gnutls_x509_crl_t *crls, guint n,
           gint64 now, gint64 max_age)
{
    ehp_status status = EHP_OK;
    for (guint i = 0; i < path->length; i++) {
        gnutls_x509_crt_t issuer = i + 1 < path->length ? chain->crt[i + 1] : path->anchor->crt;
        status = worse(status, ask_crls(chain->crt[i], issuer, crls, n, now, max_age));
    }
    return status;
}

static ehp_status
parse_and_judge_crls(const EhdCrtChain *chain, const Path *path, GBytes *const *ders, guint n,
                     gint64 now, gint64 max_age)
{
    gnutls_x509_crl_t crls[EHD_TRUST_CRLS_MAX];
    guint n_crls = 0;
    for (guint i = 0; i < MIN(n, EHD_TRUST_CRLS_MAX); i++) {
        gnutls_x509_crl_t crl = ehd_crl_from_der(ders[i]);
        if (crl != NULL)
            crls[n_crls++] = crl;
    }
    ehp_status status = judge_crls(chain, path, crls, n_crls, now, max_age);
    for (guint i = 0; i < n_crls; i++)
        gnutls_x509_crl_deinit(crls[i]);
    return status;
}

void
ehd_trust_verify_crls(const EhdTrust *trust, GBytes *const *chain_ders, guint n_chain,
                      GBytes *const *crls, guint n_crls, gint64 now, const EhdCrlPolicy *policy,
                      EhdRevocation *revocation)
{
    g_auto(EhdCrtChain) chain = {0};
    Path path;
    revocation->acceptable = FALSE;
    if (ehd_clock_check(now) != EHP_OK) {
        revocation->status = EHP_CLOCK_WRONG;
        return;
    }
    if (!parse_chain(chain_ders, n_chain, &chain) || !find_path(trust, &chain, &path)) {
        revocation->status = EHP_CERT_UNTRUSTED;
        return;
    }
    revocation->status =
        parse_and_judge_crls(&chain, &path, crls, n_crls, now, policy->max_age_s);
    gboolean unchecked =
        revocation->status == EHP_CRL_MISSING || revocation->status == EHP_CRL_STALE;
    revocation->acceptable =
        revocation->status == EHP_OK || (unchecked && policy->allow_unchecked);
}
