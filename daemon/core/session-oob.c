/* SPDX-License-Identifier: Apache-2.0
 *
 * Out-of-band data of pairing in a session: ours goes into the tap, the other device's to the
 * link, and both are forgotten when the devices are connected. A courtesy of the radio: our own
 * layer does not rest on it, and no failure here is one of the session. Main context.
 */
#include "daemon/core/session-priv.h"

#include <sodium.h>
#include <string.h>

/* Nobody answers those of a terminal that cannot be verified. */
gboolean
ehd_session_wants_oob(EhdSession *self)
{
    return ehd_link_has_oob(self->core->parts.link) &&
           (self->role == EHD_PATIENT || self->n_chain > 0);
}

void
ehd_session_oob_taken(EhdSession *self, GAsyncResult *result)
{
    EhdLink *link = self->core->parts.link;

    self->oob_own_held = ehd_link_oob_take_finish(link, result, &self->oob_own, NULL);
}

void
ehd_session_oob_offer(EhdSession *self, ehp_tap_config *config)
{
    if (!self->oob_own_held || self->tapped)
        return;
    if (self->role == EHD_TERMINAL) {
        config->oob = self->oob_own.data;
        return;
    }
    config->capabilities |= EHP_CAPABILITY_OOB;
    config->patient_address = self->oob_own.address;
    config->patient_oob = self->oob_own.data;
}

static void
forget_peer(EhdSession *self)
{
    if (self->oob_peer_known)
        ehd_link_oob_remove(self->core->parts.link, self->oob_peer);
    self->oob_peer_known = FALSE;
}

void
ehd_session_oob_use(EhdSession *self, const uint8_t *address, const uint8_t *data)
{
    EhdLinkOob peer;

    if (!self->oob_own_held)
        return;
    forget_peer(self);
    memcpy(peer.address, address, sizeof peer.address);
    memcpy(peer.data, data, sizeof peer.data);
    memcpy(self->oob_peer, address, sizeof self->oob_peer);
    self->oob_peer_known = TRUE;
    ehd_link_oob_add(self->core->parts.link, &peer);
    sodium_memzero(&peer, sizeof peer);
}

/* It may be that which failed: a controller that was reset has other data than it told. */
void
ehd_session_oob_failed(EhdSession *self)
{
    forget_peer(self);
}

void
ehd_session_oob_over(EhdSession *self)
{
    forget_peer(self);
    if (self->oob_own_held)
        ehd_link_oob_drop(self->core->parts.link);
    self->oob_own_held = FALSE;
    sodium_memzero(&self->oob_own, sizeof self->oob_own);
    sodium_memzero(self->page_oob, sizeof self->page_oob);
}
