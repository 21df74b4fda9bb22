/* SPDX-License-Identifier: Apache-2.0
 *
 * A transfer to the patient. The terminal lists what it would send; the person decides; the
 * data follow only then. A no is the same bytes whoever said it, and ends nothing. The
 * patient's receipt is signed by the session's key, as everything else of that device.
 */
#include <string.h>

#include "proto/session-priv.h"

/* ---------------------------------------------------------------- terminal */

/* Of an item of the reply in course: all that does not differ from one to the other. */
static void
fill_origin(const ehp_session *s, ehp_origin *origin)
{
    memset(origin, 0, sizeof(*origin));
    memcpy(origin->session, s->secrets.h, EHP_HASH_LEN);
    memcpy(origin->request_hash, s->docs[EHP_DOC_REQUEST].hash, EHP_HASH_LEN);
    memcpy(origin->manifest_hash, s->docs[EHP_DOC_REPLY_MANIFEST].hash, EHP_HASH_LEN);
    origin->transfer = s->transfer;
}

void
ehp_session_sign_origins(ehp_session *s)
{
    fill_origin(s, &s->sender.origin);
    s->sender.origin_secret = s->leaf_secret;
}

ehp_status
ehp_session_act_reply(ehp_session *s)
{
    ehp_status status;

    ehp_session_begin_transfer(s, true);
    s->sender.held = true;
    s->phase_deadline = s->now + 2ull * s->consent_ms + EHP_CONNECT_MS;
    status = ehp_session_make_manifest(s);
    if (status != EHP_OK)
        return status;
    ehp_session_sign_origins(s);
    return ehp_session_say_kept(s, SAY_PAGES);
}

ehp_status
ehp_session_act_resume_reply(ehp_session *s)
{
    const peer_hello *p = &s->hello;
    ehp_status status = EHP_OK;

    if (s->state == SS_REPLYING && p->consent_state != CONSENT_STATE_REFUSED)
        status =
            ehp_sender_restart(&s->sender, p->consent_state == CONSENT_STATE_NONE, p->durable);
    else if (s->state == SS_REPLY_SENDING)
        status = ehp_sender_restart(&s->sender, false, p->durable);
    if (status == EHP_OK && ehp_doc_there(&s->docs[EHP_DOC_STATUS]))
        status = ehp_session_send_doc(s, EHP_DOC_STATUS);
    return status;
}

ehp_status
ehp_session_act_reply_accepted(ehp_session *s)
{
    if (s->sender.manifest_due) /* to what it has not seen */
        return EHP_OUT_OF_ORDER;
    s->sender.held = false;
    s->phase_deadline = UINT64_MAX;
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    return EHP_OK;
}

/* The session is where it was before the offer. */
static void
refused(ehp_session *s)
{
    s->refused = s->complete = s->receipt_acked = true;
    s->progress_deadline = UINT64_MAX;
    s->phase_deadline = s->role == EHP_ROLE_PATIENT ? s->now + s->linger_ms : UINT64_MAX;
}

ehp_status
ehp_session_act_reply_refused(ehp_session *s)
{
    refused(s);
    ehp_session_want_save(s, false);
    ehp_session_emit(s, EHP_EV_REPLY_REFUSED);
    return EHP_OK;
}

ehp_status
ehp_session_act_reply_sent(ehp_session *s)
{
    s->complete = s->receipt_acked = true;
    s->phase_deadline = s->progress_deadline = UINT64_MAX;
    ehp_session_emit(s, EHP_EV_COMPLETE);
    return ehp_session_send_receipt_ack(s);
}

/* ---------------------------------------------------------------- patient */

ehp_status
ehp_session_act_reply_page(ehp_session *s)
{
    ehp_status status = EHP_OK;

    if (s->transfer + 1 >= EHP_TRANSFERS_MAX)
        return EHP_LIMIT_REACHED;
    if (!s->has_receiver)
        status = ehp_receiver_init(&s->receiver);
    if (status != EHP_OK)
        return status;
    s->has_receiver = true;
    ehp_session_begin_transfer(s, true);
    return ehp_session_act_page(s);
}

ehp_status
ehp_session_act_reply_offer(ehp_session *s)
{
    ehp_event *event;
    ehp_status status = ehp_session_take_manifest(s, &event);

    if (status != EHP_OK)
        return status;
    s->progress_deadline = UINT64_MAX;
    s->phase_deadline = s->now + s->consent_ms;
    event->deadline_ms = s->phase_deadline;
    return EHP_OK;
}

/* The end of an item, with the terminal's own word for it: what the patient can show later. */
ehp_status
ehp_session_act_reply_item_done(ehp_session *s)
{
    const Ehp__ItemDone *done = session_body(s)->item_done;
    const uint32_t item = s->receiver.delivered.item;
    ehp_origin due;
    ehp_status status;

    fill_origin(s, &due);
    if (item < s->receiver.n_items)
        memcpy(due.salt, s->receiver.keys[item], EHP_SALT_LEN); /* its root takes that place */
    status = ehp_session_act_item_done(s);
    if (status != EHP_OK)
        return status;
    due.item = item;
    due.size = done->size;
    memcpy(due.root, done->root.data, EHP_HASH_LEN);
    if (done->origin == NULL)
        return EHP_BAD_MESSAGE;
    status = ehp_origin_take(&s->origin, &due, s->secrets.leaf_key, done->origin);
    if (status == EHP_OK)
        s->events[s->n_events - 1].bytes = ehp_bytes_of(s->origin.bytes, s->origin.len);
    return status;
}

ehp_status
ehp_session_say_accept(ehp_session *s)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Accept accept = EHP__ACCEPT__INIT;

    record.body_case = EHP__RECORD__BODY_ACCEPT;
    record.accept = &accept;
    return ehp_session_send(s, &record);
}

/* A yes may not be forgotten, nor a no become a question again. */
ehp_status
ehp_session_act_reply_take(ehp_session *s)
{
    s->phase_deadline = UINT64_MAX;
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    return ehp_session_say_kept(s, SAY_ACCEPT);
}

ehp_status
ehp_session_say_no(ehp_session *s)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Refusal refusal = EHP__REFUSAL__INIT;

    record.body_case = EHP__RECORD__BODY_REFUSAL;
    record.refusal = &refusal;
    return ehp_session_send(s, &record);
}

ehp_status
ehp_session_act_reply_refuse(ehp_session *s)
{
    refused(s);
    ehp_doc_clear(&s->docs[EHP_DOC_REPLY_MANIFEST]);
    return ehp_session_say_kept(s, SAY_REFUSAL);
}

ehp_status
ehp_session_act_reply_void(ehp_session *s)
{
    ehp_session_emit(s, EHP_EV_CONSENT_VOID);
    return ehp_session_act_reply_refuse(s);
}

ehp_status
ehp_session_act_reply_held(ehp_session *s)
{
    s->progress_deadline = UINT64_MAX;
    /* a terminal that pings and never acknowledges does not keep us */
    s->phase_deadline = s->now + s->linger_ms;
    return ehp_session_act_send_receipt(s);
}

ehp_status
ehp_session_act_reply_stored(ehp_session *s)
{
    return ehp_session_send_doc(s, EHP_DOC_REPLY_RECEIPT);
}

ehp_status
ehp_session_act_reply_done(ehp_session *s)
{
    ehp_status status = ehp_session_act_receipt_acked(s);

    s->phase_deadline = s->now + s->linger_ms;
    return status;
}

/* The terminal is in a later transfer: it has our receipt, or it would not be. */
ehp_status
ehp_session_act_reply_known(ehp_session *s)
{
    s->receipt_acked = true;
    s->phase_deadline = s->now + s->linger_ms;
    ehp_session_emit(s, EHP_EV_RECEIPT_ACKED);
    return EHP_OK;
}
