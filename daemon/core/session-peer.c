/* SPDX-License-Identifier: Apache-2.0
 *
 * The patient's side: who the terminal is. Its chain is judged within the tap, the revocation
 * lists that it staples before anybody is asked anything. Main context; each verdict takes less
 * than a millisecond.
 */
#include "daemon/core/session-priv.h"

#include <sodium.h>
#include <string.h>

static void
keep_chain(EhdSession *self, const ehp_tap_event *event)
{
    for (guint i = 0; i < self->n_chain; i++)
        g_clear_pointer(&self->chain[i], g_bytes_unref);
    self->n_chain = (guint)MIN(event->n_chain, EHP_CHAIN_MAX);
    for (guint i = 0; i < self->n_chain; i++)
        self->chain[i] = g_bytes_new(event->chain[i].data, event->chain[i].len);
}

void
ehd_patient_fill_peer(EhdSession *self)
{
    EhdPeerInfo *peer = &self->peer;

    ehd_fingerprint_format(self->verdict.fingerprint, self->fingerprint);
    peer->organisation = self->verdict.organisation;
    peer->terminal = self->verdict.terminal;
    peer->place = self->verdict.place;
    peer->authority = self->verdict.authority;
    peer->fingerprint = self->verdict.readable ? self->fingerprint : "";
    peer->problem = self->verdict.status;
    peer->crl_state = NULL;
    if (self->crl_known) {
        peer->crl_state = self->crl_status == EHP_OK ? "checked" : "not-checked";
        if (peer->problem == EHP_OK)
            peer->problem = self->crl_status;
    }
    peer->verified = self->crl_known && peer->problem == EHP_OK;
}

static gboolean
is_allowed(EhdSession *self)
{
    return self->verdict.readable && ehd_now_ms() < self->allowed_until &&
           sodium_memcmp(self->allowed, self->verdict.fingerprint, sizeof self->allowed) == 0;
}

void
ehd_patient_judge(EhdSession *self, const ehp_tap_event *event)
{
    EhdVerdict *verdict = &self->verdict;
    ehp_status status;

    keep_chain(self, event);
    if (event->n_chain == 0)
        ehd_trust_bare_key(event->leaf_key, verdict);
    else
        ehd_trust_verify_chain(self->core->parts.trust, self->chain, self->n_chain,
                               ehd_core_now(self->core), verdict);
    self->has_verdict = TRUE;
    self->crl_known = FALSE;
    ehd_patient_fill_peer(self);
    if (event->address != NULL && (verdict->status == EHP_OK || is_allowed(self))) {
        memcpy(self->page_to.address, event->address, sizeof self->page_to.address);
        self->page_to.channel = (guint8)event->channel;
        self->page_due = TRUE;
        self->page_has_oob = event->oob != NULL && verdict->status == EHP_OK;
        if (self->page_has_oob)
            memcpy(self->page_oob, event->oob, sizeof self->page_oob);
    }
    status = ehp_tap_verdict(self->tap, verdict->status, is_allowed(self),
                             verdict->readable ? verdict->key : NULL, ehd_now_ms());
    if (status != EHP_OK)
        g_debug("session %s: verdict: %s", self->id, ehp_status_name(status));
}

static void
keep_crls(EhdSession *self, const ehp_event *event)
{
    g_ptr_array_set_size(self->crls, 0);
    for (gsize i = 0; i < event->n_crls && i < EHP_CRL_MAX; i++)
        g_ptr_array_add(self->crls, g_bytes_new(event->crls[i].data, event->crls[i].len));
}

/* A terminal that the person allowed although nobody vouches for it: there is no one whose list
 * could be checked, but one that a trusted list names is refused all the same. */
static gboolean
accept_unverified(EhdRevocation *revocation)
{
    if (revocation->status == EHP_CERT_REVOKED)
        return FALSE;
    revocation->status = EHP_CRL_MISSING;
    return TRUE;
}

void
ehd_patient_check_crls(EhdSession *self, const ehp_event *event)
{
    const EhdConfig *config = self->config;
    EhdCrlPolicy policy = {.max_age_s = config->trust_max_crl_age_s,
                           .allow_unchecked = config->trust_allow_unchecked};
    EhdRevocation revocation = {0};

    keep_crls(self, event);
    ehd_trust_verify_crls(self->core->parts.trust, self->chain, self->n_chain,
                          (GBytes *const *)self->crls->pdata, self->crls->len,
                          ehd_core_now(self->core), &policy, &revocation);
    if (self->verdict.status != EHP_OK)
        revocation.acceptable = accept_unverified(&revocation);
    self->crl_known = TRUE;
    self->crl_status = revocation.status;
    ehd_patient_fill_peer(self);
    if (ehp_session_crls(self->engine, revocation.status, revocation.acceptable,
                         ehd_now_ms()) != EHP_OK)
        ehd_session_abort(self, EHP_INTERNAL);
    ehd_session_changed(self);
}
