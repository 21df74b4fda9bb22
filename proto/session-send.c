/* SPDX-License-Identifier: Apache-2.0
 *
 * Records on their way out of a session. What cannot be sent for want of a link is not kept:
 * the resumption says what is still to be said.
 */
#include "proto/session-priv.h"

bool
ehp_session_open(const ehp_session *s)
{
    const session_link *l;

    if (s->link < 0)
        return false;
    l = &s->links[s->link];
    if (l->state == LS_SILENT)
        return !l->connector; /* the listener speaks first, to whoever it is: only the right one
                                 can read it */
    return l->state == LS_UP && (l->first || l->agreed);
}

bool
ehp_session_outlet(ehp_session *s, ehp_outlet *out)
{
    if (!ehp_session_open(s))
        return false;
    out->records = &s->links[s->link].records;
    out->queue = &s->links[s->link].out;
    return true;
}

ehp_status
ehp_session_send(ehp_session *s, const Ehp__Record *record)
{
    ehp_outlet out;
    ehp_status status;

    if (!ehp_session_outlet(s, &out))
        return EHP_OK;
    s->links[s->link].last_tx = s->now;
    status = ehp_wire_send(&out, record, 0);
    if (status == EHP_LIMIT_REACHED) {
        s->choked = true;
        return EHP_OK;
    }
    return status;
}

ehp_status
ehp_session_send_doc(ehp_session *s, ehp_document which)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Signed message = s->docs[which].message;

    switch (which) {
    case EHP_DOC_REQUEST:
        record.body_case = EHP__RECORD__BODY_CONSENT_REQUEST;
        record.consent_request = &message;
        break;
    case EHP_DOC_CONSENT:
        record.body_case = EHP__RECORD__BODY_CONSENT;
        record.consent = &message;
        break;
    case EHP_DOC_MANIFEST:
    case EHP_DOC_REPLY_MANIFEST:
        record.body_case = EHP__RECORD__BODY_MANIFEST;
        record.manifest = &message;
        break;
    case EHP_DOC_RECEIPT:
    case EHP_DOC_REPLY_RECEIPT:
        record.body_case = EHP__RECORD__BODY_RECEIPT;
        record.receipt = &message;
        break;
    case EHP_DOC_STATUS:
        record.body_case = EHP__RECORD__BODY_STATUS;
        record.status = &message;
        break;
    case EHP_DOC_REVOKE:
        record.body_case = EHP__RECORD__BODY_REVOKE;
        record.revoke = &message;
        break;
    case EHP_DOCS:
        return EHP_INTERNAL;
    }
    return ehp_session_send(s, &record);
}

/* Acks are cumulative: one is made when output is fetched, for all that became durable since.
 */
void
ehp_session_send_ack(ehp_session *s)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Ack ack = EHP__ACK__INIT;
    const ehp_position *at = &s->receiver.durable;

    if (session_sends(s) || !s->has_receiver || s->state == SS_ENDED || !ehp_session_open(s) ||
        !(s->position_due || ehp_position_before(s->acks_sent, *at)))
        return;
    ack.has_item = ack.has_segments = 1;
    ack.item = at->item;
    ack.segments = at->segments;
    record.body_case = EHP__RECORD__BODY_ACK;
    record.ack = &ack;
    if (ehp_session_send(s, &record) != EHP_OK)
        return;
    s->acks_sent = *at;
    s->position_due = false;
}

void
ehp_session_send_ping(ehp_session *s)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Ping ping = EHP__PING__INIT;
    ehp_status status;

    record.body_case = EHP__RECORD__BODY_PING;
    record.ping = &ping;
    status = ehp_session_send(s, &record);
    if (status != EHP_OK)
        ehp_session_fail(s, status);
}
