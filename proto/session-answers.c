/* SPDX-License-Identifier: Apache-2.0
 *
 * Answers of the caller that need no more than the table, and what can be looked at from
 * outside.
 */
#include <string.h>

#include "proto/session-priv.h"

ehp_status
ehp_session_crls(ehp_session *s, ehp_status verdict, bool allowed, uint64_t now_ms)
{
    bool good = verdict == EHP_OK ||
                (allowed && (verdict == EHP_CRL_MISSING || verdict == EHP_CRL_STALE));

    s->now = now_ms;
    if (s->state != SS_CRLS)
        return EHP_WRONG_STATE;
    s->answer_status = verdict;
    return ehp_session_answer(s, good ? SE_CRLS_GOOD : SE_CRLS_BAD);
}

ehp_status
ehp_session_refuse(ehp_session *s, ehp_status why, uint64_t now_ms)
{
    s->now = now_ms;
    if (s->state != SS_CONSENT && s->state != SS_REPLY_OFFERED)
        return EHP_WRONG_STATE;
    s->answer_status = why == EHP_OK ? EHP_DECLINED : why;
    return ehp_session_answer(s, SE_REFUSE);
}

ehp_status
ehp_session_extend(ehp_session *s, uint64_t now_ms)
{
    s->now = now_ms;
    if (s->state != SS_CONSENT || s->extended)
        return EHP_WRONG_STATE;
    s->extended = true;
    s->phase_deadline += s->consent_ms;
    return EHP_OK;
}

ehp_status
ehp_session_revoke(ehp_session *s, int64_t unix_time, uint64_t now_ms)
{
    s->now = now_ms;
    s->answer_time = unix_time;
    return ehp_session_answer(s, SE_WITHDRAW);
}

static bool
sending(const ehp_session *s)
{
    return s->state == SS_SENDING || s->state == SS_REPLY_SENDING;
}

ehp_status
ehp_session_data(ehp_session *s, uint32_t item, const uint8_t *data, size_t len,
                 uint64_t now_ms)
{
    ehp_sender *snd = &s->sender;
    ehp_outlet out;
    ehp_status status;

    s->now = now_ms;
    if (!sending(s) || !snd->asked)
        return EHP_WRONG_STATE;
    if (snd->stale || !ehp_session_outlet(
                          s, &out)) { /* the link went meanwhile: it will be asked for again */
        snd->asked = snd->stale = false;
        return EHP_OK;
    }
    if (item != snd->sent.item)
        return EHP_INVALID_ARGUMENT;
    status = ehp_sender_data(snd, &out, data, len);
    if (status == EHP_INVALID_ARGUMENT)
        return status;
    snd->asked = false;
    if (status == EHP_OK)
        s->links[s->link].last_tx = s->now;
    else
        ehp_session_fail(s, status);
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    ehp_session_settle(s);
    return status;
}

ehp_status
ehp_session_data_failed(ehp_session *s, ehp_status why, uint64_t now_ms)
{
    s->now = now_ms;
    if (!sending(s) || !s->sender.asked)
        return EHP_WRONG_STATE;
    s->answer_status = why;
    return ehp_session_answer(s, SE_END);
}

ehp_status
ehp_session_bye(ehp_session *s, uint64_t now_ms)
{
    s->now = now_ms;
    return ehp_session_answer(s, SE_SAY_BYE);
}

void
ehp_session_end(ehp_session *s, ehp_status why, uint64_t now_ms)
{
    ehp_status status;

    s->now = now_ms;
    if (s->state == SS_ENDED)
        return;
    s->answer_status = why == EHP_OK ? EHP_CANCELLED : why;
    status = ehp_session_answer(s, SE_END);
    (void)status; /* it has ended either way */
}

/* ---------------------------------------------------------------- looking */

const char *
ehp_session_state_name(const ehp_session *s)
{
    return s->machine->states[s->state];
}

void
ehp_session_progress(const ehp_session *s, ehp_progress *out)
{
    memset(out, 0, sizeof(*out));
    out->wire_in = s->wire_in;
    out->wire_out = s->wire_out;
    out->generation = s->secrets.generation;
    out->linked = s->link >= 0 && s->links[s->link].state == LS_UP;
    out->transfer = s->transfer;
    out->to_patient = s->to_patient;
    out->manifest_only = s->manifest_only;
    out->receipt_acked = s->receipt_acked;
    if (session_sends(s) && s->has_sender) {
        out->items = (uint32_t)s->sender.list.n_items;
        out->bytes = s->sender.bytes;
        out->asks = s->sender.asks;
        if (!s->sender.asks) {
            out->items_done = s->sender.acked.item;
            out->bytes_done = s->sender.acked_bytes;
        }
    } else if (!session_sends(s) && s->has_receiver) {
        out->items = s->receiver.n_items;
        out->items_done = s->receiver.durable.item;
        out->bytes = s->receiver.bytes;
        out->bytes_done = s->receiver.durable_bytes;
    }
}

ehp_bytes
ehp_session_document(const ehp_session *s, ehp_document which)
{
    if ((unsigned)which >= EHP_DOCS)
        return ehp_bytes_of(NULL, 0);
    return ehp_bytes_of(s->docs[which].bytes, s->docs[which].len);
}

const uint8_t *
ehp_session_id(const ehp_session *s)
{
    return s->secrets.h;
}

const uint8_t *
ehp_session_leaf_key(const ehp_session *s)
{
    return s->secrets.leaf_key;
}

const uint8_t *
ehp_session_patient_key(const ehp_session *s)
{
    return s->has_patient_key ? s->patient_key : NULL;
}
