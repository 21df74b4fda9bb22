/* SPDX-License-Identifier: Apache-2.0
 *
 * What the patient's device does with each message and answer. It sends nothing before consent
 * but one refusal that is always the same bytes.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/session-priv.h"

ehp_status
ehp_session_act_keep_crls(ehp_session *s)
{
    const Ehp__CrlStaple *staple = session_body(s)->crl_staple;

    for (size_t i = 0; i < staple->n_crl; i++)
        s->staple_crls[i] = ehp_bytes_of(staple->crl[i].data, staple->crl[i].len);
    s->n_crls = staple->n_crl;
    ehp_guard_free(&s->staple);
    s->staple = s->record; /* keeps what the views look at */
    memset(&s->record, 0, sizeof(s->record));
    return EHP_OK;
}

ehp_status
ehp_session_act_forget_crls(ehp_session *s)
{
    ehp_guard_free(&s->staple);
    s->n_crls = 0;
    return EHP_OK;
}

bool
ehp_session_query_known(const Ehp__ItemQuery *query)
{
    for (size_t i = 0; i < query->n_category; i++)
        if (!ehp_wire_known(&ehp__category__descriptor, (int)query->category[i]))
            return false;
    return true;
}

static ehp_status
check_request(const ehp_session *s, const Ehp__ConsentRequest *r)
{
    if (!r->has_session || memcmp(r->session.data, s->secrets.h, EHP_HASH_LEN) != 0)
        return EHP_BAD_MESSAGE;
    /* the person agreed to tap for this purpose: it may not become another one */
    if (!r->has_purpose || (uint32_t)r->purpose != s->secrets.purpose)
        return EHP_BAD_MESSAGE;
    if (r->operator_ != NULL && r->operator_->has_assurance &&
        !ehp_wire_known(&ehp__assurance__descriptor, (int)r->operator_->assurance))
        return EHP_BAD_MESSAGE;
    for (size_t i = 0; i < r->n_query; i++)
        if (!ehp_session_query_known(r->query[i]))
            return EHP_BAD_MESSAGE;
    return EHP_OK;
}

ehp_status
ehp_session_act_check_request(ehp_session *s)
{
    ehp_doc *doc = &s->docs[EHP_DOC_REQUEST];
    ehp_event *event;
    ehp_status status = ehp_doc_take(doc, EHP_SIGN_CONSENT_REQUEST, s->secrets.leaf_key,
                                     session_body(s)->consent_request);

    /* a session that was restored may have one already */
    ehp_guard_free(&s->request);
    if (status == EHP_OK)
        status =
            ehp_guard_unpack(&ehp__consent_request__descriptor, doc->body, NULL, &s->request);
    if (status == EHP_OK)
        status = check_request(s, (const Ehp__ConsentRequest *)s->request.message);
    if (status != EHP_OK)
        return status;
    s->phase_deadline = UINT64_MAX;
    event = ehp_session_emit(s, EHP_EV_CHECK_CRLS);
    event->crls = s->staple_crls;
    event->n_crls = s->n_crls;
    return EHP_OK;
}

ehp_status
ehp_session_act_ask_consent(ehp_session *s)
{
    ehp_event *event = ehp_session_emit(s, EHP_EV_ASK_CONSENT);

    s->crl_state = s->answer_status == EHP_OK ? EHP__CRL_STATE__CRL_STATE_CHECKED
                                              : EHP__CRL_STATE__CRL_STATE_NOT_CHECKED;
    s->phase_deadline = s->now + s->consent_ms;
    event->request = (const Ehp__ConsentRequest *)s->request.message;
    event->deadline_ms = s->phase_deadline;
    return EHP_OK;
}

ehp_status
ehp_session_act_refuse(ehp_session *s)
{
    ehp_status status = ehp_session_say_refusal(s);

    ehp_session_finish(s, s->answer_status, false);
    return status;
}

ehp_status
ehp_session_act_consent_void(ehp_session *s)
{
    ehp_status status = ehp_session_say_refusal(s);

    ehp_session_emit(s, EHP_EV_CONSENT_VOID);
    ehp_session_finish(s, EHP_CONSENT_TIMED_OUT, false);
    return status;
}

/* ---------------------------------------------------------------- grant */

static ehp_status
make_session_key(ehp_session *s)
{
    uint8_t seed[EHP_SIGN_SEED_LEN];

    ehp_drbg_bytes(&s->drbg, seed, sizeof(seed));
    ehp_sign_keypair(seed, s->patient_key, s->patient_secret);
    ehp_wipe(seed, sizeof(seed));
    s->has_patient_key = true;
    return ehp_sign(EHP_SIGN_SESSION_KEY, s->patient_secret,
                    ehp_bytes_of(s->secrets.h, EHP_HASH_LEN), s->patient_proof);
}

static ehp_status
make_consent(ehp_session *s, const ehp_grant *grant)
{
    const Ehp__ConsentRequest *r = (const Ehp__ConsentRequest *)s->request.message;
    ehp_doc *doc = &s->docs[EHP_DOC_CONSENT];
    Ehp__Consent c = EHP__CONSENT__INIT;
    ehp_status status;

    c.has_session = c.has_request_hash = c.has_purpose = c.has_time = c.has_crl_state = 1;
    c.session = ehp_wire_binary(s->secrets.h, EHP_HASH_LEN);
    c.request_hash = ehp_wire_binary(s->docs[EHP_DOC_REQUEST].hash, EHP_HASH_LEN);
    c.purpose = r->purpose;
    c.has_period_days = r->has_period_days;
    c.period_days = r->period_days;
    c.has_retention_days = r->has_retention_days;
    c.retention_days = r->retention_days;
    c.has_acting_as = grant->acting_as != 0;
    c.acting_as = (Ehp__ActingAs)grant->acting_as;
    c.time = grant->time;
    c.has_expires = grant->expires != 0;
    c.expires = grant->expires;
    c.crl_state = (Ehp__CrlState)s->crl_state;
    status = ehp_doc_make(doc, EHP_SIGN_CONSENT, s->patient_secret, &c.base);
    if (status == EHP_OK)
        status = ehp_guard_unpack(&ehp__consent__descriptor, doc->body, NULL, &s->consent);
    return status;
}

ehp_status
ehp_session_send_consent(ehp_session *s)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__SessionKey key = EHP__SESSION_KEY__INIT;
    ehp_status status;

    key.has_key = key.has_signature = 1;
    key.key = ehp_wire_binary(s->patient_key, sizeof(s->patient_key));
    key.signature = ehp_wire_binary(s->patient_proof, sizeof(s->patient_proof));
    record.body_case = EHP__RECORD__BODY_SESSION_KEY;
    record.session_key = &key;
    status = ehp_session_send(s, &record);
    return status != EHP_OK ? status : ehp_session_send_doc(s, EHP_DOC_CONSENT);
}

ehp_status
ehp_session_act_grant(ehp_session *s)
{
    ehp_status status = make_session_key(s);

    if (status == EHP_OK)
        status = make_consent(s, s->answer);
    if (status == EHP_OK)
        status = ehp_session_make_manifest(s);
    if (status != EHP_OK)
        return status;
    s->phase_deadline = UINT64_MAX;
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    return ehp_session_say_kept(s, SAY_CONSENT);
}

static ehp_status
check_grant(const ehp_session *s, const ehp_grant *grant)
{
    if (grant->acting_as != 0 &&
        !ehp_wire_known(&ehp__acting_as__descriptor, (int)grant->acting_as))
        return EHP_INVALID_ARGUMENT;
    if (s->state != SS_CONSENT)
        return EHP_WRONG_STATE;
    return grant->n_items == 0 ? EHP_ITEM_INVALID : EHP_OK; /* nothing to give is a refusal */
}

ehp_status
ehp_session_grant(ehp_session *s, const ehp_grant *grant, uint64_t now_ms)
{
    ehp_status status = check_grant(s, grant);

    s->now = now_ms;
    if (status != EHP_OK)
        return status;
    status = ehp_session_make_sender(s, grant->items, grant->n_items);
    if (status != EHP_OK)
        return status;
    s->manifest_only = ((const Ehp__ConsentRequest *)s->request.message)->manifest_only;
    s->sender.manifest_only = s->sender.held = s->manifest_only;
    status = ehp_session_ask_position(s, grant);
    if (status != EHP_OK)
        return status;
    s->answer = grant;
    status = ehp_session_answer(s, SE_GRANT);
    s->answer = NULL;
    return status;
}

/* ---------------------------------------------------------------- sending */

ehp_status
ehp_session_act_ack(ehp_session *s)
{
    const Ehp__Ack *ack = session_body(s)->ack;
    ehp_position at = {ack->item, ack->segments};

    if (!ack->has_item || !ack->has_segments)
        return EHP_BAD_MESSAGE;
    if (ehp_position_before(s->sender.acked, at)) /* the same again is no progress */
        s->progress_deadline = s->now + EHP_PROGRESS_MS;
    if (s->sender.asks)
        ehp_session_want_save(s, false);
    return ehp_sender_ack(&s->sender, at);
}

/* Both hellos came: go on where the receiver is; what it never had is said again, byte for
 * byte. */
ehp_status
ehp_session_act_resume_sending(ehp_session *s)
{
    const peer_hello *p = &s->hello;
    ehp_position all = {s->manifest_only ? 0 : (uint32_t)s->sender.list.n_items, 0};
    ehp_status status;

    if (p->ahead || s->to_patient) /* nothing of it is outstanding */
        return EHP_OK;
    if (s->state != SS_SENDING)
        return p->has_manifest && p->durable.item == all.item ? EHP_OK : EHP_ROLLED_BACK;
    if (ehp_position_before(s->sender.acked, p->durable))
        s->progress_deadline = s->now + EHP_PROGRESS_MS;
    if (s->sender.asks && p->has_manifest)
        ehp_session_want_save(s, false);
    status = ehp_sender_restart(&s->sender, !p->has_manifest, p->durable);
    if (status == EHP_OK && !p->has_manifest && s->transfer == 0)
        status = ehp_session_send_consent(s);
    return status;
}

ehp_status
ehp_session_act_sent_all(ehp_session *s)
{
    s->complete = true;
    s->progress_deadline = UINT64_MAX;
    s->phase_deadline = s->now + s->linger_ms;
    ehp_session_emit(s, EHP_EV_COMPLETE);
    return ehp_session_send_receipt_ack(s);
}

static ehp_status
check_status(const ehp_session *s, const Ehp__Status *st)
{
    bool good =
        st->has_session && st->has_receipt_hash && st->has_kind && st->has_time &&
        memcmp(st->session.data, s->secrets.h, EHP_HASH_LEN) == 0 &&
        memcmp(st->receipt_hash.data, s->docs[EHP_DOC_RECEIPT].hash, EHP_HASH_LEN) == 0 &&
        ehp_wire_known(&ehp__status_kind__descriptor, (int)st->kind);

    return good ? EHP_OK : EHP_BAD_MESSAGE;
}

ehp_status
ehp_session_act_check_status(ehp_session *s)
{
    ehp_doc *doc = &s->docs[EHP_DOC_STATUS];
    const Ehp__Signed *received = session_body(s)->status;
    const Ehp__Status *st;
    ehp_unpacked body = {0};
    ehp_event *event;
    ehp_status status;

    if (ehp_doc_there(doc)) /* said again after a resumption */
        return ehp_doc_equal(doc, received) ? EHP_OK : EHP_OUT_OF_ORDER;
    status = ehp_doc_take(doc, EHP_SIGN_STATUS, s->secrets.leaf_key, received);
    if (status == EHP_OK)
        status = ehp_guard_unpack(&ehp__status__descriptor, doc->body, NULL, &body);
    if (status != EHP_OK)
        return status;
    st = (const Ehp__Status *)body.message;
    status = check_status(s, st);
    if (status == EHP_OK) {
        event = ehp_session_emit(s, EHP_EV_STATUS);
        event->status_kind = (uint32_t)st->kind;
        event->rule = st->rule;
        event->time = st->time;
        event->bytes = ehp_bytes_of(doc->bytes, doc->len);
    }
    ehp_guard_free(&s->record); /* the event looks into this one now */
    s->record = body;
    return status;
}

ehp_status
ehp_session_act_withdraw(ehp_session *s)
{
    Ehp__Revoke revoke = EHP__REVOKE__INIT;
    ehp_status status;

    if (session_consent_due(s)) { /* what was never said needs no withdrawal */
        status = ehp_session_say_refusal(s);
        ehp_session_finish(s, EHP_REVOKED, false);
        return status;
    }
    revoke.has_session = revoke.has_consent_hash = revoke.has_time = 1;
    revoke.session = ehp_wire_binary(s->secrets.h, EHP_HASH_LEN);
    revoke.consent_hash = ehp_wire_binary(s->docs[EHP_DOC_CONSENT].hash, EHP_HASH_LEN);
    revoke.time = s->answer_time;
    status = ehp_doc_make(&s->docs[EHP_DOC_REVOKE], EHP_SIGN_REVOKE, s->patient_secret,
                          &revoke.base);
    if (status == EHP_OK)
        status = ehp_session_send_doc(s, EHP_DOC_REVOKE);
    ehp_session_finish(s, EHP_REVOKED, false);
    return status;
}
