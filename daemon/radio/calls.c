/* SPDX-License-Identifier: Apache-2.0
 *
 * Connects under way (server-private.h): each ends by itself, at its deadline, or when it is
 * cancelled.
 */
#include "daemon/radio/server-private.h"
#include "daemon/words.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

static EhdRadioCall *
find(EhdRadioServer *s, uint32_t id)
{
    for (unsigned i = 0; i < EHD_RADIO_CALLS; i++) {
        if (s->calls[i].id == id)
            return &s->calls[i];
    }
    return NULL;
}

/* Page timeout, refused channel and refused pairing are different things to the person. */
static ehp_status
status_of(int error, bool refused)
{
    if (refused)
        return EHP_PAIRING_REFUSED;
    switch (error) {
    case ECONNREFUSED:
        return EHP_CHANNEL_CLOSED;
    case EACCES:
    case EBADE:
    case EKEYREJECTED:
        return EHP_PAIRING_REFUSED;
    case EHOSTDOWN:
    case ETIMEDOUT:
        return EHP_PEER_UNREACHABLE;
    case EHOSTUNREACH:
    case ENODEV:
    case EADDRNOTAVAIL:
        return EHP_NO_ADAPTER;
    case ENETDOWN:
        return EHP_ADAPTER_OFF;
    case EPERM:
        return EHP_RADIO_NOT_PERMITTED;
    case EAFNOSUPPORT:
    case EPROTONOSUPPORT:
        return EHP_LINK_UNAVAILABLE;
    default:
        return EHP_LINK_LOST;
    }
}

static void
drop(EhdRadioCall *call)
{
    close(call->fd);
    *call = (EhdRadioCall){.fd = -1};
}

void
ehd_radio_connect(EhdRadioServer *s, const EhdRadioMessage *message)
{
    EhdRadioCall *call = find(s, 0);
    int fd;

    if (!call || find(s, message->id)) {
        ehd_radio_failed(s, message->id, EHP_LIMIT_REACHED, N_("too many connects at once"));
        return;
    }
    fd = s->config.kernel->connect(message->own, message->peer, message->channel);
    if (fd < 0) {
        ehd_radio_failed(s, message->id, status_of(-fd, false), strerror(-fd));
        return;
    }
    *call = (EhdRadioCall){
        .id = message->id,
        .fd = fd,
        .until = ehd_radio_now_ms() + 1000ll * message->seconds,
    };
    memcpy(call->peer, message->peer, sizeof call->peer);
}

void
ehd_radio_cancel(EhdRadioServer *s, uint32_t id)
{
    EhdRadioCall *call = find(s, id);

    if (call)
        drop(call);
}

void
ehd_radio_cancel_all(EhdRadioServer *s)
{
    for (unsigned i = 0; i < EHD_RADIO_CALLS; i++) {
        if (s->calls[i].id != 0)
            drop(&s->calls[i]);
    }
}

void
ehd_radio_call_ready(EhdRadioServer *s, EhdRadioCall *call)
{
    int error = s->config.kernel->result(call->fd);

    if (error == 0)
        ehd_radio_tell(s, &(EhdRadioMessage){.type = EHD_RADIO_CONNECTED, .id = call->id},
                       call->fd);
    else
        ehd_radio_failed(s, call->id, status_of(error, call->refused), strerror(error));
    if (call->id != 0) /* else the daemon was found to be gone */
        drop(call);
}

void
ehd_radio_check_calls(EhdRadioServer *s, int64_t now)
{
    for (unsigned i = 0; i < EHD_RADIO_CALLS; i++) {
        EhdRadioCall *call = &s->calls[i];

        if (call->id == 0 || call->until > now)
            continue;
        ehd_radio_failed(s, call->id,
                         call->refused ? EHP_PAIRING_REFUSED : EHP_PEER_UNREACHABLE,
                         N_("not connected in time"));
        if (call->id != 0)
            drop(call);
    }
}

void
ehd_radio_auth_failed(EhdRadioServer *s, const uint8_t peer[6])
{
    for (unsigned i = 0; i < EHD_RADIO_CALLS; i++) {
        if (s->calls[i].id != 0 && memcmp(s->calls[i].peer, peer, 6) == 0)
            s->calls[i].refused = true;
    }
}
