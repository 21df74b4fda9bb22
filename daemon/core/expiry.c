/* SPDX-License-Identifier: Apache-2.0
 *
 * Expiry, see expiry.h. Main context. A machine that slept looks when its timer comes round
 * again: at most a day of its own time later.
 */
#include "daemon/core/expiry.h"

#include "daemon/core/core-priv.h"
#include "daemon/log.h"

#define DAY G_GINT64_CONSTANT(86400)

gboolean
ehd_expiry_is_near(gint64 now, gint64 since, gint64 until)
{
    gint64 ahead = EHD_EXPIRY_DAYS * DAY;

    if (since > 0 && until > since)
        ahead = MIN(ahead, (until - since) / 3);
    return until - now < ahead;
}

gint64
ehd_expiry_of_crls(const EhdIdentity *identity, const EhdConfig *config)
{
    gint64 until = identity->crl_next_update;

    if (identity->crl_this_update != 0) {
        gint64 too_old = identity->crl_this_update + config->trust_max_crl_age_s;
        until = until == 0 ? too_old : MIN(until, too_old);
    }
    return until;
}

static void
check_certificate(const EhdIdentity *identity, gint64 now)
{
    gint64 left = identity->not_after - now;

    if (left <= 0)
        ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_CERT_EXPIRED,
                "this terminal's certificate has expired");
    else if (ehd_expiry_is_near(now, identity->not_before, identity->not_after))
        ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_CERT_EXPIRES,
                "this terminal's certificate expires in %" G_GINT64_FORMAT " days", left / DAY);
}

static void
check_crls(const EhdIdentity *identity, const EhdConfig *config, gint64 now)
{
    gint64 until = ehd_expiry_of_crls(identity, config);

    if (identity->n_crls == 0 || (until != 0 && until <= now))
        ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_CRL_EXPIRED,
                "this terminal's revocation lists are %s",
                identity->n_crls == 0 ? "missing" : "too old");
    else if (until != 0 && ehd_expiry_is_near(now, identity->crl_this_update, until))
        ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_CRL_EXPIRES,
                "this terminal's revocation lists become too old in %" G_GINT64_FORMAT " hours",
                (until - now) / 3600);
}

/* Authorities are no secret, and the administrator must know which. */
static void
check_anchors(const EhdTrust *trust, gint64 now)
{
    for (guint i = 0; i < ehd_trust_count(trust); i++) {
        const EhdAnchor *anchor = ehd_trust_get(trust, i);

        if (ehd_expiry_is_near(now, 0, anchor->not_after))
            ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_ANCHOR_EXPIRES,
                    "the trusted authority %s %s", anchor->name,
                    anchor->not_after <= now ? "has expired" : "expires within 30 days");
    }
}

void
ehd_expiry_check(EhdCore *core)
{
    gint64 now = ehd_core_now(core);
    const EhdIdentity *identity = core->identity;

    if (ehd_clock_check(now) !=
        EHP_OK) /* it would be nonsense; the doctor tells of the clock */
        return;
    if (identity != NULL && identity->n_chain > 0) {
        check_certificate(identity, now);
        check_crls(identity, core->parts.config, now);
    }
    check_anchors(core->parts.trust, now);
}

static gboolean
on_day(gpointer user_data)
{
    ehd_expiry_check(user_data);
    return G_SOURCE_CONTINUE;
}

void
ehd_expiry_start(EhdCore *core)
{
    ehd_expiry_check(core);
    if (core->expiry_timer == 0)
        core->expiry_timer = g_timeout_add_seconds((guint)DAY, on_day, core);
}

void
ehd_expiry_stop(EhdCore *core)
{
    g_clear_handle_id(&core->expiry_timer, g_source_remove);
}
