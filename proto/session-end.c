/* SPDX-License-Identifier: Apache-2.0
 *
 * How a session ends, and the little that the peer is told of why.
 */
#include <string.h>

#include "proto/session-priv.h"
#include "proto/wire-codes.h"

/* Everything a patient's device says before it agreed to anything: the same bytes whoever or
 * whatever refused. */
ehp_status
ehp_session_say_refusal(ehp_session *s)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Refusal refusal = EHP__REFUSAL__INIT;
    ehp_status status;

    record.body_case = EHP__RECORD__BODY_REFUSAL;
    record.refusal = &refusal;
    status = ehp_session_send(s, &record);
    return status != EHP_OK ? status : ehp_session_say_bye(s, true, EHP_WIRE_DECLINED);
}

ehp_status
ehp_session_say_bye(ehp_session *s, bool has_reason, int code)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Bye bye = EHP__BYE__INIT;

    bye.has_reason = has_reason;
    bye.reason = (Ehp__ErrorCode)code;
    if (!has_reason) {
        ehp_progress progress;
        ehp_session_progress(s, &progress);
        bye.has_items = bye.has_bytes = 1;
        bye.items = progress.items_done;
        bye.bytes = progress.bytes_done;
    }
    record.body_case = EHP__RECORD__BODY_BYE;
    record.bye = &bye;
    return ehp_session_send(s, &record);
}

static ehp_status
say_error(ehp_session *s, int code)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__Error error = EHP__ERROR__INIT;
    session_link *l = s->link < 0 ? NULL : &s->links[s->link];

    error.has_code = 1;
    error.code = (Ehp__ErrorCode)code;
    record.body_case = EHP__RECORD__BODY_ERROR;
    record.error = &error;
    if (l != NULL && !l->first && !l->agreed && (l->state == LS_HELLO || l->state == LS_UP)) {
        /* in place of, or behind, a ResumeHello that was never agreed on */
        ehp_outlet out = {&l->records, &l->out};
        return ehp_wire_send(&out, &record, 0);
    }
    return ehp_session_send(s, &record);
}

/* Questions that nobody needs an answer to any more. */
static void
drop_questions(ehp_session *s)
{
    size_t kept = 0;

    for (size_t i = 0; i < s->n_events; i++) {
        switch (s->events[i].type) {
        case EHP_EV_LINK_UP:
        case EHP_EV_CONSENT_VOID:
        case EHP_EV_RECEIPT_ACKED:
        case EHP_EV_REVOKED:
        case EHP_EV_COMPLETE:
        case EHP_EV_STATUS:
        case EHP_EV_REPLY_REFUSED:
            s->events[kept++] = s->events[i];
            break;
        case EHP_EV_NONE:
        case EHP_EV_LINK_CLOSE:
        case EHP_EV_SUSPENDED:
        case EHP_EV_SAVE:
        case EHP_EV_CHECK_CRLS:
        case EHP_EV_ASK_CONSENT:
        case EHP_EV_NEED_DATA:
        case EHP_EV_ITEM_ACKED:
        case EHP_EV_RECEIPT:
        case EHP_EV_MANIFEST_PAGE:
        case EHP_EV_MANIFEST:
        case EHP_EV_SEGMENT:
        case EHP_EV_ITEM_COMPLETE:
        case EHP_EV_COMMIT:
        case EHP_EV_RECEIPT_READY:
        case EHP_EV_ITEM_REQUEST:
        case EHP_EV_ENDED:
            break;
        }
    }
    s->n_events = kept;
}

static void
wipe_keys(ehp_session *s)
{
    ehp_wipe(s->held, sizeof(s->held));
    ehp_wipe(s->leaf_secret, sizeof(s->leaf_secret));
    ehp_wipe(s->patient_secret, sizeof(s->patient_secret));
    ehp_cipher_clear(&s->secrets.send);
    ehp_cipher_clear(&s->secrets.recv);
    ehp_wipe(s->secrets.locator, sizeof(s->secrets.locator));
    ehp_wipe(s->secrets.resume, sizeof(s->secrets.resume));
    ehp_wipe(s->secrets.export_key, sizeof(s->secrets.export_key));
}

void
ehp_session_finish(ehp_session *s, ehp_status status, bool by_peer)
{
    if (s->state == SS_ENDED)
        return;
    ehp_session_keep_left(s);
    s->state = SS_ENDED;
    s->ended_due = true;
    s->ended_status = s->complete ? EHP_OK : status;
    s->ended_by_peer = by_peer;
    s->phase_deadline = s->suspended_deadline = s->progress_deadline = UINT64_MAX;
    s->save_due = s->save_wait = false;
    drop_questions(s);
    for (int i = 0; i < EHP_SESSION_LINKS; i++) {
        ehp_status ignored;
        if (s->links[i].state == LS_FREE || s->links[i].state == LS_CLOSING)
            continue;
        if (i == s->link && s->links[i].state == LS_HELLO)
            s->links[i].state = LS_UP; /* its Error is to leave */
        ignored = ehp_link_run(s, i, LE_END);
        (void)ignored;
    }
    s->link = -1;
    wipe_keys(s);
}

static bool
before_grant(const ehp_session *s)
{
    return s->role == EHP_ROLE_PATIENT &&
           (!ehp_doc_there(&s->docs[EHP_DOC_CONSENT]) || session_consent_due(s));
}

void
ehp_session_fail(ehp_session *s, ehp_status status)
{
    int code = ehp_status_wire(status);
    ehp_status ignored;

    if (s->state == SS_ENDED)
        return;
    /* a terminal that broke a rule may know; nothing else is told before the grant */
    if (before_grant(s) && code != EHP_WIRE_PROTOCOL)
        ignored = ehp_session_say_refusal(s);
    else
        ignored = say_error(s, code);
    (void)ignored; /* it ends either way */
    ehp_session_finish(s, status, false);
}

/* ---------------------------------------------------------------- actions */

ehp_status
ehp_session_act_peer_done(ehp_session *s)
{
    ehp_session_finish(s, EHP_OK, true);
    return EHP_OK;
}

static ehp_status
status_of_wire(int code)
{
    switch (code) {
    case EHP_WIRE_PROTOCOL:
        return EHP_PEER_PROTOCOL;
    case EHP_WIRE_INTERNAL:
        return EHP_PEER_FAILED;
    case EHP_WIRE_BUSY:
        return EHP_PEER_BUSY;
    case EHP_WIRE_DECLINED:
        return EHP_DECLINED;
    case EHP_WIRE_CANCELLED:
        return EHP_PEER_CANCELLED;
    case EHP_WIRE_REVOKED:
        return EHP_REVOKED;
    case EHP_WIRE_TIMEOUT:
        return EHP_TIMED_OUT;
    case EHP_WIRE_STORE:
        return EHP_PEER_CANNOT_STORE;
    case EHP_WIRE_UNVERIFIED:
        return EHP_UNVERIFIED;
    case EHP_WIRE_ALREADY:
        return EHP_ALREADY_RECEIVED;
    default:
        return EHP_BAD_MESSAGE;
    }
}

ehp_status
ehp_session_act_peer_ended(ehp_session *s)
{
    const Ehp__Record *record = session_body(s);
    int code = record->body_case == EHP__RECORD__BODY_BYE ? (int)record->bye->reason
               : record->error->has_code                  ? (int)record->error->code
                                                          : 0;
    ehp_status status = status_of_wire(code);

    /* only who goes on with an earlier session can be told that all of it is there: a person
     * who reads that does not tap again */
    if (status == EHP_BAD_MESSAGE || (status == EHP_ALREADY_RECEIVED && !s->sender.asks))
        return EHP_BAD_MESSAGE;
    ehp_session_finish(s, status, true);
    return EHP_OK;
}

ehp_status
ehp_session_act_bye(ehp_session *s)
{
    ehp_status status = ehp_session_say_bye(s, false, 0);

    ehp_session_finish(s, EHP_OK, false);
    return status;
}

ehp_status
ehp_session_act_end(ehp_session *s)
{
    int code = ehp_status_wire(s->answer_status);
    ehp_status status;

    if (s->complete)
        status = ehp_session_say_bye(s, false, 0);
    else if (before_grant(s))
        status = ehp_session_say_refusal(s);
    else if (code == EHP_WIRE_CANCELLED || code == EHP_WIRE_DECLINED ||
             code == EHP_WIRE_REVOKED)
        status = ehp_session_say_bye(s, true, code);
    else
        status = say_error(s, code);
    ehp_session_finish(s, s->answer_status, false);
    return status;
}
