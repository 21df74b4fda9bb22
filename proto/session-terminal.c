/* SPDX-License-Identifier: Apache-2.0
 *
 * What the terminal does with each message and answer. It asks at once, and then takes nothing
 * that is not signed by the tapped device and covered by the consent that was given.
 */
#include <string.h>

#include "proto/session-priv.h"

ehp_status
ehp_session_act_ask(ehp_session *s)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__CrlStaple staple = EHP__CRL_STAPLE__INIT;
    ProtobufCBinaryData crls[EHP_CRL_MAX];
    ehp_status status;

    /* the patient says nothing while the person decides, and may extend once */
    s->phase_deadline = s->now + 2ull * s->consent_ms + EHP_CONNECT_MS;
    if (s->ask_limit == 0)
        s->ask_limit = s->phase_deadline + s->resume_ms;
    if (s->phase_deadline > s->ask_limit)
        s->phase_deadline = s->ask_limit;
    if (!s->links[s->link].first && s->hello.consent_state != CONSENT_STATE_NONE)
        return EHP_OK; /* it has the request */
    for (size_t i = 0; i < s->n_crls; i++)
        crls[i] = ehp_wire_binary(s->crls[i].data, s->crls[i].len);
    staple.n_crl = s->n_crls;
    staple.crl = crls;
    record.body_case = EHP__RECORD__BODY_CRL_STAPLE;
    record.crl_staple = &staple;
    status = ehp_session_send(s, &record);
    return status != EHP_OK ? status : ehp_session_send_doc(s, EHP_DOC_REQUEST);
}

ehp_status
ehp_session_act_keep_key(ehp_session *s)
{
    const Ehp__SessionKey *key = session_body(s)->session_key;
    ehp_status status;

    if (!key->has_key || !key->has_signature)
        return EHP_BAD_MESSAGE;
    status = ehp_sign_verify(EHP_SIGN_SESSION_KEY, ehp_bytes_of(key->key.data, key->key.len),
                             ehp_bytes_of(s->secrets.h, EHP_HASH_LEN),
                             ehp_bytes_of(key->signature.data, key->signature.len));
    if (status != EHP_OK)
        return status;
    /* one key per session: a consent that was lost with its link comes again from the same one
     */
    if (s->has_patient_key &&
        memcmp(s->patient_key, key->key.data, sizeof(s->patient_key)) != 0)
        return EHP_OUT_OF_ORDER;
    memcpy(s->patient_key, key->key.data, sizeof(s->patient_key));
    s->has_patient_key = true;
    s->phase_deadline = UINT64_MAX;
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    return EHP_OK;
}

ehp_status
ehp_session_act_forget_consent(ehp_session *s)
{
    ehp_doc_clear(&s->docs[EHP_DOC_CONSENT]);
    ehp_guard_free(&s->consent);
    if (s->has_receiver)
        ehp_receiver_reset(&s->receiver);
    return EHP_OK;
}

static ehp_status
check_consent(const ehp_session *s, const Ehp__Consent *c, const Ehp__ConsentRequest *r)
{
    bool there = c->has_session && c->has_request_hash && c->has_purpose && c->has_time &&
                 c->has_crl_state;

    if (!there || memcmp(c->session.data, s->secrets.h, EHP_HASH_LEN) != 0 ||
        memcmp(c->request_hash.data, s->docs[EHP_DOC_REQUEST].hash, EHP_HASH_LEN) != 0)
        return EHP_BAD_MESSAGE;
    if (c->purpose != r->purpose || c->period_days != r->period_days ||
        c->retention_days != r->retention_days)
        return EHP_BAD_MESSAGE;
    if ((c->has_acting_as && !ehp_wire_known(&ehp__acting_as__descriptor, (int)c->acting_as)) ||
        !ehp_wire_known(&ehp__crl_state__descriptor, (int)c->crl_state))
        return EHP_BAD_MESSAGE;
    return EHP_OK;
}

ehp_status
ehp_session_act_check_consent(ehp_session *s)
{
    ehp_doc *doc = &s->docs[EHP_DOC_CONSENT];
    ehp_status status =
        ehp_doc_take(doc, EHP_SIGN_CONSENT, s->patient_key, session_body(s)->consent);

    if (status == EHP_OK)
        status = ehp_guard_unpack(&ehp__consent__descriptor, doc->body, NULL, &s->consent);
    if (status == EHP_OK)
        status = check_consent(s, (const Ehp__Consent *)s->consent.message,
                               (const Ehp__ConsentRequest *)s->request.message);
    if (status != EHP_OK)
        return status;
    s->crl_state = (uint32_t)((const Ehp__Consent *)s->consent.message)->crl_state;
    s->manifest_only = ((const Ehp__ConsentRequest *)s->request.message)->manifest_only;
    if (s->has_receiver)
        return EHP_OK;
    status = ehp_receiver_init(&s->receiver);
    s->has_receiver = status == EHP_OK;
    return status;
}

ehp_status
ehp_session_act_page(ehp_session *s)
{
    const Ehp__ManifestPage *page = session_body(s)->manifest_page;
    ehp_bytes raw = ehp_wire_field(s->raw, EHP__RECORD__BODY_MANIFEST_PAGE);
    ehp_status status = ehp_receiver_page(&s->receiver, page, raw);
    ehp_event *event;

    if (status != EHP_OK)
        return status;
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    event = ehp_session_emit(s, EHP_EV_MANIFEST_PAGE);
    event->entries = page->item;
    event->n_entries = page->n_item;
    event->item = page->page;
    return EHP_OK;
}

/* Only the first transfer of a session goes on with one of another, and only with items. */
static ehp_status
take_continues(ehp_session *s, const Ehp__Manifest *m)
{
    s->continues = m->has_continues;
    if (!s->continues)
        return EHP_OK;
    if (s->transfer > 0 || s->manifest_only)
        return EHP_BAD_MANIFEST;
    memcpy(s->proof, m->continues.data, sizeof(s->proof));
    return EHP_OK;
}

ehp_status
ehp_session_take_manifest(ehp_session *s, ehp_event **event)
{
    ehp_manifest_due due = {s->secrets.h, s->transfer, s->to_patient, s->manifest_only};
    ehp_doc doc = {0};
    ehp_unpacked body = {0};
    ehp_status status = ehp_doc_take(&doc, EHP_SIGN_MANIFEST, ehp_session_peer_key(s),
                                     session_body(s)->manifest);

    if (status == EHP_OK)
        status = ehp_guard_unpack(&ehp__manifest__descriptor, doc.body, NULL, &body);
    if (status == EHP_OK)
        status = ehp_receiver_manifest(&s->receiver, (const Ehp__Manifest *)body.message, &due);
    if (status == EHP_OK)
        status = take_continues(s, (const Ehp__Manifest *)body.message);
    ehp_guard_free(&body);
    if (status != EHP_OK) {
        ehp_doc_clear(&doc);
        return status;
    }
    /* from here on the resumption counts it as received */
    *ehp_session_manifest_doc(s) = doc;
    s->phase_deadline = UINT64_MAX;
    *event = ehp_session_emit(s, EHP_EV_MANIFEST);
    (*event)->items = s->receiver.n_items;
    (*event)->bytes_total = s->receiver.bytes;
    (*event)->continues = s->continues ? s->proof : NULL;
    return EHP_OK;
}

ehp_status
ehp_session_act_offer(ehp_session *s)
{
    ehp_event *event;
    ehp_status status = ehp_session_take_manifest(s, &event);

    if (status == EHP_OK)
        event->consent = (const Ehp__Consent *)s->consent.message;
    return status;
}

ehp_status
ehp_session_act_accept(ehp_session *s)
{
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    s->position_due = s->continues;
    return EHP_OK;
}

ehp_status
ehp_session_act_part(ehp_session *s)
{
    ehp_received_segment got;
    ehp_writer mark;
    ehp_event *event;
    ehp_status status = ehp_receiver_part(&s->receiver, session_body(s)->segment_part, &got);

    if (status != EHP_OK || !got.whole)
        return status;
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    event = ehp_session_emit(s, EHP_EV_SEGMENT);
    event->item = got.item;
    event->segment = got.segment;
    event->offset = got.offset;
    event->length = (uint32_t)got.data.len;
    event->data = got.data;
    ehp_writer_init(&mark, s->mark, sizeof(s->mark));
    ehp_mark_put(&mark, got.item, &s->receiver.tree);
    event->mark = ehp_bytes_of(s->mark, mark.len);
    return EHP_OK;
}

ehp_status
ehp_session_act_drop_part(ehp_session *s)
{
    ehp_receiver_drop_part(&s->receiver);
    return EHP_OK;
}

ehp_status
ehp_session_act_item_done(ehp_session *s)
{
    uint32_t item = s->receiver.delivered.item;
    ehp_status status = ehp_receiver_item_done(&s->receiver, session_body(s)->item_done);

    ehp_event *event;

    if (status != EHP_OK)
        return status;
    event = ehp_session_emit(s, EHP_EV_ITEM_COMPLETE);
    event->item = item;
    event->mark = ehp_bytes_of(s->receiver.keys[item], EHP_HASH_LEN);
    return EHP_OK;
}

ehp_status
ehp_session_act_ask_commit(ehp_session *s)
{
    ehp_event *event = ehp_session_emit(s, EHP_EV_COMMIT);

    s->progress_deadline = UINT64_MAX;
    event->items = s->receiver.n_items;
    event->bytes_total = s->receiver.bytes;
    return EHP_OK;
}

ehp_status
ehp_session_act_declined(ehp_session *s)
{
    ehp_session_finish(s, EHP_DECLINED, true);
    return EHP_OK;
}

static ehp_status
check_revoke(const ehp_session *s, const Ehp__Revoke *r)
{
    bool good = r->has_session && r->has_consent_hash && r->has_time &&
                memcmp(r->session.data, s->secrets.h, EHP_HASH_LEN) == 0 &&
                memcmp(r->consent_hash.data, s->docs[EHP_DOC_CONSENT].hash, EHP_HASH_LEN) == 0;

    return good ? EHP_OK : EHP_BAD_MESSAGE;
}

ehp_status
ehp_session_act_revoked(ehp_session *s)
{
    ehp_doc *doc = &s->docs[EHP_DOC_REVOKE];
    ehp_unpacked body = {0};
    ehp_status status =
        ehp_doc_take(doc, EHP_SIGN_REVOKE, s->patient_key, session_body(s)->revoke);

    if (status == EHP_OK)
        status = ehp_guard_unpack(&ehp__revoke__descriptor, doc->body, NULL, &body);
    if (status == EHP_OK)
        status = check_revoke(s, (const Ehp__Revoke *)body.message);
    ehp_guard_free(&body);
    if (status != EHP_OK)
        return status;
    ehp_session_emit(s, EHP_EV_REVOKED);
    ehp_session_finish(s, EHP_REVOKED, true);
    return EHP_OK;
}

/* ---------------------------------------------------------------- answers */

ehp_status
ehp_session_manifest_ok(ehp_session *s, ehp_status status, uint64_t now_ms)
{
    s->now = now_ms;
    if (s->state != SS_OFFERED && s->state != SS_REPLY_OFFERED)
        return EHP_WRONG_STATE;
    s->answer_status = status;
    if (status != EHP_OK)
        return ehp_session_answer(s, s->state == SS_OFFERED ? SE_END : SE_REFUSE);
    status = ehp_session_answer(s, SE_MANIFEST_OK);
    if (status == EHP_OK && s->state != SS_ENDED && ehp_receiver_done(&s->receiver))
        status = ehp_session_answer(s, SE_ALL_STORED); /* nothing is to come */
    return status;
}

static bool
receiving(const ehp_session *s)
{
    return s->state == SS_RECEIVING || s->state == SS_REPLY_RECEIVING;
}

ehp_status
ehp_session_durable(ehp_session *s, uint32_t item, uint64_t segments, uint64_t now_ms)
{
    ehp_position at = {item, segments};
    ehp_status status;

    s->now = now_ms;
    if (!receiving(s))
        return EHP_WRONG_STATE;
    status = ehp_receiver_durable(&s->receiver, at);
    ehp_session_settle(s);
    return status;
}

ehp_status
ehp_session_item_stored(ehp_session *s, uint32_t item, ehp_status status, uint64_t now_ms)
{
    ehp_position next = {item + 1, 0};

    s->now = now_ms;
    if (!receiving(s) || item != s->receiver.durable.item || item >= s->receiver.delivered.item)
        return EHP_WRONG_STATE;
    s->answer_status = status;
    if (status != EHP_OK)
        return ehp_session_answer(s, SE_END);
    status = ehp_receiver_durable(&s->receiver, next);
    if (status == EHP_OK && ehp_receiver_done(&s->receiver))
        return ehp_session_answer(s, SE_ALL_STORED);
    ehp_session_settle(s);
    return status;
}

ehp_status
ehp_session_act_send_status(ehp_session *s)
{
    return ehp_session_send_doc(s, EHP_DOC_STATUS);
}

ehp_status
ehp_session_tell_status(ehp_session *s, uint32_t kind, const char *rule, int64_t unix_time,
                        uint64_t now_ms)
{
    Ehp__Status st = EHP__STATUS__INIT;
    ehp_status status;

    s->now = now_ms;
    if (ehp_machine_find(s->machine, s->state, SE_TELL_STATUS) == NULL ||
        ehp_doc_there(&s->docs[EHP_DOC_STATUS]))
        return EHP_WRONG_STATE;
    if (!ehp_wire_known(&ehp__status_kind__descriptor, (int)kind) ||
        (rule != NULL && strlen(rule) > EHP_CODE_MAX))
        return EHP_INVALID_ARGUMENT;
    st.has_session = st.has_receipt_hash = st.has_kind = st.has_time = 1;
    st.session = ehp_wire_binary(s->secrets.h, EHP_HASH_LEN);
    st.receipt_hash = ehp_wire_binary(s->docs[EHP_DOC_RECEIPT].hash, EHP_HASH_LEN);
    st.kind = (Ehp__StatusKind)kind;
    st.rule = (char *)rule;
    st.time = unix_time;
    status = ehp_doc_make(&s->docs[EHP_DOC_STATUS], EHP_SIGN_STATUS, s->leaf_secret, &st.base);
    return status != EHP_OK ? status : ehp_session_answer(s, SE_TELL_STATUS);
}
