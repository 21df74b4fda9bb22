/* SPDX-License-Identifier: Apache-2.0
 *
 * Identity and trust: nothing is changed without the grant for it, and every change leaves an
 * audit line. Main context; the files are few and small.
 */
#include "daemon/core/core-priv.h"
#include "daemon/core/expiry.h"

#include <string.h>

#include "daemon/error.h"
#include "daemon/words.h"

void
ehd_core_load_identity(EhdCore *self)
{
    g_autoptr(GError) error = NULL;

    g_clear_pointer(&self->identity, ehd_identity_free);
    self->identity = ehd_identity_load(self->parts.state, &error);
    if (self->identity == NULL && ehd_error_status(error) != EHP_NO_IDENTITY)
        g_warning("identity: %s", error->message);
}

const EhdIdentity *
ehd_core_get_identity(EhdCore *self)
{
    return self->identity;
}

ehp_status
ehd_core_identity_problem(EhdCore *self)
{
    const EhdIdentity *identity = self->identity;
    gint64 now = ehd_core_now(self);

    if (identity == NULL || identity->n_chain == 0)
        return EHP_NO_IDENTITY;
    if (ehd_clock_check(now) != EHP_OK)
        return EHP_CLOCK_WRONG;
    if (identity->not_after <= now)
        return EHP_CERT_EXPIRED;
    if (identity->not_before > now)
        return EHP_CERT_NOT_YET_VALID;
    if (identity->n_crls == 0)
        return EHP_CRL_MISSING;
    if (ehd_expiry_of_crls(identity, self->parts.config) <= now)
        return EHP_CRL_STALE;
    return EHP_OK;
}

static void
audit(EhdCore *self, EhdAuditKind kind, const char *organisation, const guint8 *fingerprint)
{
    EhdPage page = {.audited = TRUE, .audit = kind, .kept = TRUE};

    page.entry = (EhdAuditEntry)EHD_AUDIT_ENTRY_INIT;
    page.entry.organisation = organisation;
    page.entry.fingerprint = fingerprint;
    page.now = ehd_core_now(self);
    ehd_books_write(self->books, &page, NULL, NULL);
}

void
ehd_core_set_config(EhdCore *self, EhdConfig *config)
{
    g_autoptr(GError) error = NULL;

    ehd_config_ref(config);
    ehd_config_unref(self->parts.config);
    self->parts.config = config;
    ehd_spool_set_limits(self->parts.spool, config->spool_quota, config->min_free);
    if (!ehd_trust_reload(self->parts.trust, &error))
        g_warning("trust: %s", error->message);
    ehd_core_load_identity(self);
    ehd_expiry_start(self);
}

static void
identity_changed(EhdCore *self)
{
    ehd_core_load_identity(self);
    if (self->identity != NULL)
        audit(self, EHD_AUDIT_IDENTITY, self->identity->organisation,
              self->identity->fingerprint);
}

gboolean
ehd_core_init_identity(EhdCore *self, const EhdGrant *grant, const EhdIdentityNames *names,
                       gboolean replace, char **csr, GError **error)
{
    if (!ehd_grant_check(grant, EHD_ACTION_MANAGE_IDENTITY, error))
        return FALSE;
    if (!ehd_identity_init(self->parts.state, replace, error))
        return FALSE;
    identity_changed(self);
    *csr = NULL;
    if (names->organisation == NULL || *names->organisation == '\0')
        return TRUE; /* a patient's device: nobody certifies it */
    *csr = ehd_identity_csr(self->parts.state, names, error);
    return *csr != NULL;
}

gboolean
ehd_core_import_identity(EhdCore *self, const EhdGrant *grant, const char *chain,
                         GBytes *const *crls, guint n_crls, GError **error)
{
    gboolean good = TRUE;

    if (!ehd_grant_check(grant, EHD_ACTION_MANAGE_IDENTITY, error))
        return FALSE;
    if (self->identity == NULL) {
        ehd_error_set(error, EHP_NO_IDENTITY, N_("there is no device key"));
        return FALSE;
    }
    if ((chain == NULL || *chain == '\0') && n_crls == 0) {
        ehd_error_set(error, EHP_INVALID_ARGUMENT, N_("neither a chain nor a revocation list"));
        return FALSE;
    }
    if (chain != NULL && *chain != '\0')
        good = ehd_identity_import(self->parts.state, chain, strlen(chain), ehd_core_now(self),
                                   error);
    if (good && n_crls > 0)
        good = ehd_identity_import_crls(self->parts.state, crls, n_crls, error);
    identity_changed(self);
    return good;
}

const EhdTrust *
ehd_core_get_trust(EhdCore *self)
{
    return self->parts.trust;
}

/* --- where something comes from -------------------------------------------------------------
 */

typedef struct {
    EhdCore *core;         /* borrowed: the lane ends first */
    GTask *task;           /* owned */
    GBytes *bytes, *newer; /* owned; newer may be NULL */
    ehp_proof proof;
    ehp_status status;
} Check;

static void
check_work(gpointer data)
{
    Check *check = data;
    ehp_bytes bytes;

    bytes.data = g_bytes_get_data(check->bytes, &bytes.len);
    check->status = ehd_origin_open(bytes, &check->proof);
}

static void
facts_free(gpointer data)
{
    ehd_origin_facts_clear(data);
    g_free(data);
}

static void
check_done(gpointer data)
{
    Check *check = data;
    EhdCore *self = check->core;
    const EhdCrlPolicy policy = {.max_age_s = self->parts.config->trust_max_crl_age_s};
    EhdOriginFacts *facts;
    GError *error = NULL;

    if (check->status != EHP_OK) {
        ehd_error_set(&error, check->status, NULL);
        g_task_return_error(check->task, error);
        return;
    }
    facts = g_new0(EhdOriginFacts, 1);
    ehd_origin_judge(self->parts.trust, &policy, &check->proof, check->newer,
                     ehd_core_now(self), facts);
    g_task_return_pointer(check->task, facts, facts_free);
}

static void
check_free(gpointer data)
{
    Check *check = data;

    ehp_proof_clear(&check->proof);
    g_bytes_unref(check->bytes);
    g_clear_pointer(&check->newer, g_bytes_unref);
    g_object_unref(check->task);
    g_free(check);
}

static const EhdJobOps check_ops = {.work = check_work, .done = check_done, .free = check_free};

void
ehd_core_verify_origin_async(EhdCore *self, GBytes *proof, GBytes *newer,
                             GAsyncReadyCallback callback, gpointer user_data)
{
    Check *check = g_new0(Check, 1);

    if (self->proof_lane == NULL)
        self->proof_lane = ehd_lane_new();
    check->core = self;
    check->task = g_task_new(NULL, NULL, callback, user_data);
    check->bytes = g_bytes_ref(proof);
    check->newer = newer != NULL ? g_bytes_ref(newer) : NULL;
    ehd_lane_push(self->proof_lane, &check_ops, check);
}

gboolean
ehd_core_verify_origin_finish(EhdCore *self, GAsyncResult *result, EhdOriginFacts *facts,
                              GError **error)
{
    EhdOriginFacts *got = g_task_propagate_pointer(G_TASK(result), error);

    memset(facts, 0, sizeof *facts);
    if (got == NULL)
        return FALSE;
    *facts = *got;
    g_free(got);
    return TRUE;
}

/* --- trust ----------------------------------------------------------------------------------
 */

gboolean
ehd_core_add_trust(EhdCore *self, const EhdGrant *grant, const char *pem, EhdAnchor *added,
                   GError **error)
{
    EhdAnchor anchor;

    if (!ehd_grant_check(grant, EHD_ACTION_MANAGE_TRUST, error))
        return FALSE;
    if (!ehd_trust_add(self->parts.trust, pem, strlen(pem), ehd_core_now(self), &anchor, error))
        return FALSE;
    audit(self, EHD_AUDIT_TRUST_ADDED, anchor.name, anchor.fingerprint);
    if (added != NULL)
        *added = anchor;
    return TRUE;
}

static gboolean
find_anchor(const EhdTrust *trust, const char *prefix, EhdAnchor *found)
{
    for (guint i = 0; i < ehd_trust_count(trust); i++) {
        const EhdAnchor *anchor = ehd_trust_get(trust, i);

        if (!anchor->system && ehd_fingerprint_matches(anchor->fingerprint, prefix)) {
            *found = *anchor;
            return TRUE;
        }
    }
    return FALSE;
}

gboolean
ehd_core_remove_trust(EhdCore *self, const EhdGrant *grant, const char *fingerprint,
                      GError **error)
{
    EhdAnchor anchor;
    gboolean known = find_anchor(self->parts.trust, fingerprint, &anchor);

    if (!ehd_grant_check(grant, EHD_ACTION_MANAGE_TRUST, error))
        return FALSE;
    if (!ehd_trust_remove(self->parts.trust, fingerprint, error))
        return FALSE;
    if (known)
        audit(self, EHD_AUDIT_TRUST_REMOVED, anchor.name, anchor.fingerprint);
    return TRUE;
}
