/* SPDX-License-Identifier: Apache-2.0
 *
 * A session: creating it, running its table. The actions
 * are in session-*.c.
 */
#include "proto/session-priv.h"

#include <stdlib.h>
#include <string.h>

/* ---------------------------------------------------------------- the machine */

static ehp_status
act_none(ehp_session *s)
{
    (void)s;
    return EHP_OK;
}

static ehp_status (*const actions[SA_COUNT])(ehp_session *) = {
    [SA_NONE] = act_none,
    [SA_KEEP_CRLS] = ehp_session_act_keep_crls,
    [SA_FORGET_CRLS] = ehp_session_act_forget_crls,
    [SA_CHECK_REQUEST] = ehp_session_act_check_request,
    [SA_ASK_CONSENT] = ehp_session_act_ask_consent,
    [SA_REFUSE] = ehp_session_act_refuse,
    [SA_CONSENT_VOID] = ehp_session_act_consent_void,
    [SA_GRANT] = ehp_session_act_grant,
    [SA_ACK] = ehp_session_act_ack,
    [SA_CHECK_RECEIPT] = ehp_session_act_check_receipt,
    [SA_RECEIPT_AGAIN] = ehp_session_act_receipt_again,
    [SA_WITHDRAW] = ehp_session_act_withdraw,
    [SA_RESUME_SENDING] = ehp_session_act_resume_sending,
    [SA_SENT_ALL] = ehp_session_act_sent_all,
    [SA_CHECK_STATUS] = ehp_session_act_check_status,
    [SA_ASK] = ehp_session_act_ask,
    [SA_KEEP_KEY] = ehp_session_act_keep_key,
    [SA_FORGET_CONSENT] = ehp_session_act_forget_consent,
    [SA_CHECK_CONSENT] = ehp_session_act_check_consent,
    [SA_PAGE] = ehp_session_act_page,
    [SA_OFFER] = ehp_session_act_offer,
    [SA_ACCEPT] = ehp_session_act_accept,
    [SA_PART] = ehp_session_act_part,
    [SA_DROP_PART] = ehp_session_act_drop_part,
    [SA_ITEM_DONE] = ehp_session_act_item_done,
    [SA_REPLY_ITEM_DONE] = ehp_session_act_reply_item_done,
    [SA_ASK_COMMIT] = ehp_session_act_ask_commit,
    [SA_BUILD_RECEIPT] = ehp_session_act_build_receipt,
    [SA_SEND_RECEIPT] = ehp_session_act_send_receipt,
    [SA_RECEIPT_ACKED] = ehp_session_act_receipt_acked,
    [SA_SEND_STATUS] = ehp_session_act_send_status,
    [SA_SEND_AGAIN] = ehp_session_act_send_again,
    [SA_REVOKED] = ehp_session_act_revoked,
    [SA_DECLINED] = ehp_session_act_declined,
    [SA_PEER_DONE] = ehp_session_act_peer_done,
    [SA_PEER_ENDED] = ehp_session_act_peer_ended,
    [SA_BYE] = ehp_session_act_bye,
    [SA_END] = ehp_session_act_end,
    [SA_REQUEST_ITEMS] = ehp_session_act_request_items,
    [SA_ASK_ITEMS] = ehp_session_act_ask_items,
    [SA_FORGET_PAGES] = ehp_session_act_forget_pages,
    [SA_REQUEST_AGAIN] = ehp_session_act_request_again,
    [SA_OFFER_ITEMS] = ehp_session_act_offer_items,
    [SA_REPLY] = ehp_session_act_reply,
    [SA_RESUME_REPLY] = ehp_session_act_resume_reply,
    [SA_REPLY_ACCEPTED] = ehp_session_act_reply_accepted,
    [SA_REPLY_REFUSED] = ehp_session_act_reply_refused,
    [SA_REPLY_SENT] = ehp_session_act_reply_sent,
    [SA_REPLY_PAGE] = ehp_session_act_reply_page,
    [SA_REPLY_OFFER] = ehp_session_act_reply_offer,
    [SA_REPLY_TAKE] = ehp_session_act_reply_take,
    [SA_REPLY_REFUSE] = ehp_session_act_reply_refuse,
    [SA_REPLY_VOID] = ehp_session_act_reply_void,
    [SA_REPLY_HELD] = ehp_session_act_reply_held,
    [SA_REPLY_STORED] = ehp_session_act_reply_stored,
    [SA_REPLY_DONE] = ehp_session_act_reply_done,
    [SA_REPLY_KNOWN] = ehp_session_act_reply_known,
    [SA_PEER_LEFT] = ehp_session_act_peer_left,
};

ehp_status
ehp_session_run(ehp_session *s, session_event event)
{
    const ehp_rule *rule = ehp_machine_find(s->machine, s->state, event);
    ehp_status status;

    if (rule == NULL)
        return EHP_OUT_OF_ORDER;
    status = actions[rule->action](s);
    if (status == EHP_OK && s->state != SS_ENDED)
        s->state = rule->next;
    return status;
}

ehp_status
ehp_session_answer(ehp_session *s, session_event event)
{
    ehp_status status;

    if (ehp_machine_find(s->machine, s->state, event) == NULL)
        return EHP_WRONG_STATE;
    status = ehp_session_run(s, event);
    if (status != EHP_OK)
        ehp_session_fail(s, status);
    ehp_session_settle(s);
    return status;
}

static session_event
classify(const Ehp__Record *r)
{
    switch (r->body_case) {
    case EHP__RECORD__BODY_CRL_STAPLE:
        return SE_CRL_STAPLE;
    case EHP__RECORD__BODY_CONSENT_REQUEST:
        return SE_CONSENT_REQUEST;
    case EHP__RECORD__BODY_SESSION_KEY:
        return SE_SESSION_KEY;
    case EHP__RECORD__BODY_CONSENT:
        return SE_CONSENT;
    case EHP__RECORD__BODY_REFUSAL:
        return SE_REFUSAL;
    case EHP__RECORD__BODY_REVOKE:
        return SE_REVOKE;
    case EHP__RECORD__BODY_MANIFEST_PAGE:
        return SE_MANIFEST_PAGE;
    case EHP__RECORD__BODY_MANIFEST:
        return SE_MANIFEST;
    case EHP__RECORD__BODY_ITEM_REQUEST:
        return SE_ITEM_REQUEST;
    case EHP__RECORD__BODY_SEGMENT_PART:
        return SE_SEGMENT_PART;
    case EHP__RECORD__BODY_ACK:
        return SE_ACK;
    case EHP__RECORD__BODY_ITEM_DONE:
        return SE_ITEM_DONE;
    case EHP__RECORD__BODY_RECEIPT:
        return SE_RECEIPT;
    case EHP__RECORD__BODY_RECEIPT_ACK:
        return SE_RECEIPT_ACK;
    case EHP__RECORD__BODY_STATUS:
        return SE_STATUS;
    case EHP__RECORD__BODY_PING:
        return SE_PING;
    case EHP__RECORD__BODY_BYE:
        return r->bye->has_reason && r->bye->reason != 0 ? SE_BYE_REASON : SE_BYE;
    case EHP__RECORD__BODY_ERROR:
        return SE_ERROR;
    case EHP__RECORD__BODY_RESUME_HELLO:
        return SE_RESUME_HELLO;
    case EHP__RECORD__BODY_SAS_COMMIT:
        return SE_SAS_COMMIT;
    case EHP__RECORD__BODY_SAS_NONCE:
        return SE_SAS_NONCE;
    case EHP__RECORD__BODY_ACCEPT:
        return SE_ACCEPT;
    case EHP__RECORD__BODY__NOT_SET:
    case _EHP__RECORD__BODY__CASE_IS_INT_SIZE:
        break;
    }
    return SE_PADDING;
}

void
ehp_session_record(ehp_session *s, ehp_bytes plain)
{
    ehp_status status;

    (void)plain;
    if (s->state == SS_ENDED)
        return;
    status = ehp_session_run(s, classify(session_body(s)));
    if (status != EHP_OK)
        ehp_session_fail(s, status);
}

bool
ehp_session_blocked(const ehp_session *s)
{
    /* a Status may follow the receipt while the sender still makes that durable: it is read
     * after */
    return s->n_events > 0 || s->state == SS_ENDED || s->state == SS_OFFERED ||
           s->state == SS_RECEIPT || s->state == SS_REPLY_RECEIPT || s->save_wait ||
           ((s->state == SS_SENDING || s->state == SS_REPLY_SENDING) &&
            ehp_sender_catching_up(&s->sender) && !s->sender.asks && ehp_session_open(s));
}

static session_event
agreement(const ehp_session *s)
{
    return s->state == SS_REPLY_RECEIVED && s->hello.ahead ? SE_AGREED_FURTHER : SE_AGREED;
}

static void
agree(ehp_session *s)
{
    session_link *l;
    ehp_status status;

    for (int i = 0; i < EHP_SESSION_LINKS && s->state != SS_ENDED; i++)
        ehp_link_say_hello(s, i);
    if (s->link < 0 || s->state == SS_ENDED || s->save_wait)
        return;
    l = &s->links[s->link];
    if (l->first || l->agreed || l->state != LS_UP || !l->hello_sent || !l->hello_received)
        return;
    l->agreed = true;
    status = ehp_session_run(s, agreement(s));
    if (status == EHP_OK && s->state == SS_REPLYING) /* the answer went with the link */
        status = s->hello.consent_state == CONSENT_STATE_GRANTED
                     ? ehp_session_run(s, SE_AGREED_ACCEPTED)
                 : s->hello.consent_state == CONSENT_STATE_REFUSED
                     ? ehp_session_run(s, SE_AGREED_REFUSED)
                     : EHP_OK;
    if (status != EHP_OK)
        ehp_session_fail(s, status);
}

static void
pump(ehp_session *s)
{
    ehp_outlet out;
    size_t before;
    ehp_status status;

    if (!(s->state == SS_SENDING || s->state == SS_REPLYING || s->state == SS_REPLY_SENDING) ||
        s->say_due != SAY_NOTHING || !ehp_session_outlet(s, &out))
        return;
    before = ehp_queue_peek(out.queue).len;
    if (before >= QUEUE_LOW)
        return;
    status = ehp_sender_pump(&s->sender, &out, ehp_session_manifest_doc(s), QUEUE_LOW);
    if (ehp_queue_peek(out.queue).len > before) /* only what was said keeps Ping away */
        s->links[s->link].last_tx = s->now;
    if (status != EHP_OK)
        ehp_session_fail(s, status);
}

void
ehp_session_settle(ehp_session *s)
{
    bool blocked;

    if (s->choked && s->link >= 0) {
        ehp_status status = ehp_link_run(s, s->link, LE_LATE);
        (void)status; /* closing cannot fail */
    }
    s->choked = false;
    agree(s);
    pump(s);
    blocked = ehp_session_blocked(s);
    if (s->was_blocked && !blocked && s->link >= 0) { /* it was us who did not listen */
        s->links[s->link].last_rx = s->now;
        if (s->links[s->link].begun != UINT64_MAX)
            s->links[s->link].begun = s->now;
    }
    s->was_blocked = blocked;
}

/* ---------------------------------------------------------------- life */

ehp_status
ehp_session_init(ehp_session *s, const ehp_session_config *config, uint64_t now_ms)
{
    s->role = s->secrets.role;
    s->machine = s->role == EHP_ROLE_PATIENT ? &ehp_session_patient_machine
                                             : &ehp_session_terminal_machine;
    s->state = s->role == EHP_ROLE_PATIENT ? SS_STAPLE : SS_ASKING;
    s->now = now_ms;
    s->saves = config->saves;
    s->link = -1;
    s->phase_deadline = s->suspended_deadline = s->progress_deadline = UINT64_MAX;
    for (int i = 0; i < EHP_SESSION_LINKS; i++)
        ehp_link_reset(&s->links[i]);
    ehp_drbg_init(&s->drbg, config->seed);
    s->n_held = 1;
    s->held[0].number = s->secrets.generation;
    memcpy(s->held[0].locator, s->secrets.locator, EHP_KEY_LEN);
    memcpy(s->held[0].resume, s->secrets.resume, EHP_KEY_LEN);
    return EHP_OK;
}

ehp_status
ehp_session_new(const ehp_session_config *config, uint64_t now_ms, ehp_session **out)
{
    ehp_session *s = calloc(1, sizeof(*s));
    ehp_session_config checked = *config;
    bool asks = config->request != NULL || config->secrets->role != EHP_ROLE_TERMINAL;
    ehp_status status;

    *out = NULL;
    if (s == NULL) {
        ehp_secrets_clear(config->secrets);
        return EHP_NO_MEMORY;
    }
    ehp_secrets_move(&s->secrets, config->secrets);
    checked.secrets = &s->secrets;
    status = ehp_session_init(s, config, now_ms);
    if (status == EHP_OK)
        status = asks ? ehp_config_copy(s, &checked) : EHP_INVALID_ARGUMENT;
    ehp_wipe(&checked, sizeof(checked));
    if (status != EHP_OK) {
        ehp_session_free(s);
        return status;
    }
    *out = s;
    return EHP_OK;
}

void
ehp_session_free(ehp_session *s)
{
    if (s == NULL)
        return;
    for (int i = 0; i < EHP_SESSION_LINKS; i++)
        ehp_link_reset(&s->links[i]);
    for (int i = 0; i < EHP_DOCS; i++)
        ehp_doc_clear(&s->docs[i]);
    ehp_doc_clear(&s->origin);
    ehp_guard_free(&s->request);
    ehp_guard_free(&s->consent);
    ehp_guard_free(&s->staple);
    ehp_guard_free(&s->record);
    ehp_guard_free(&s->asked);
    ehp_sender_clear(&s->sender);
    ehp_receiver_clear(&s->receiver);
    free(s->store);
    free(s->item_request);
    ehp_wipe(s, sizeof(*s));
    free(s);
}
