/* SPDX-License-Identifier: Apache-2.0
 *
 * The receipt in a session: the receiver signs what it holds durably, the sender checks every
 * word of it against what it sent. Stored before it is sent; said again byte for byte until it
 * is acknowledged.
 */
#include <string.h>

#include "proto/receipt.h"
#include "proto/session-priv.h"

static void
put_chain(const ehp_session *s, Ehp__Receipt *r, ProtobufCBinaryData chain[EHP_CHAIN_MAX])
{
    for (size_t i = 0; i < s->n_chain; i++)
        chain[i] = ehp_wire_binary(s->chain[i].data, s->chain[i].len);
    r->n_chain = s->n_chain;
    r->chain = chain;
}

ehp_status
ehp_session_act_build_receipt(ehp_session *s)
{
    const ehp_commit *commit = s->answer;
    bool terminal = s->role == EHP_ROLE_TERMINAL;
    ehp_doc *doc = ehp_session_receipt_doc(s);
    Ehp__Receipt r = EHP__RECEIPT__INIT;
    ProtobufCBinaryData chain[EHP_CHAIN_MAX];
    uint8_t contents[EHP_HASH_LEN];
    ehp_status status;

    ehp_receiver_contents(&s->receiver, contents);
    r.has_session = r.has_direction = r.has_manifest_hash = r.has_consent_hash = 1;
    r.has_request_hash = r.has_contents_hash = r.has_items = r.has_bytes = 1;
    r.has_complete = r.has_time = r.has_crl_state = r.has_signer = 1;
    r.session = ehp_wire_binary(s->secrets.h, EHP_HASH_LEN);
    r.direction =
        terminal ? EHP__DIRECTION__DIRECTION_TO_TERMINAL : EHP__DIRECTION__DIRECTION_TO_PATIENT;
    r.manifest_hash = ehp_wire_binary(ehp_session_manifest_doc(s)->hash, EHP_HASH_LEN);
    r.consent_hash = ehp_wire_binary(s->docs[EHP_DOC_CONSENT].hash, EHP_HASH_LEN);
    r.request_hash = ehp_wire_binary(s->docs[EHP_DOC_REQUEST].hash, EHP_HASH_LEN);
    r.contents_hash = ehp_wire_binary(contents, sizeof(contents));
    r.items = s->manifest_only ? 0 : s->receiver.n_items;
    r.bytes = s->manifest_only ? 0 : s->receiver.bytes;
    r.has_transfer = s->transfer > 0;
    r.transfer = s->transfer;
    r.has_manifest_only = r.manifest_only = s->manifest_only;
    r.complete = 1;
    r.time = commit->time;
    if (terminal)
        put_chain(s, &r, chain);
    r.crl_state = (Ehp__CrlState)s->crl_state;
    r.has_audit_head = commit->audit_head != NULL;
    r.audit_head = ehp_wire_binary(commit->audit_head, EHP_HASH_LEN);
    r.signer =
        ehp_wire_binary(terminal ? s->secrets.leaf_key : s->patient_key, EHP_SIGN_PUBLIC_LEN);
    status = ehp_doc_make(doc, EHP_SIGN_RECEIPT, ehp_session_own_secret(s), &r.base);
    if (status != EHP_OK)
        return status;
    ehp_session_emit(s, EHP_EV_RECEIPT_READY)->bytes = ehp_bytes_of(doc->bytes, doc->len);
    return doc->len > EHP_RECEIPT_MAX ? EHP_INTERNAL : EHP_OK;
}

ehp_status
ehp_session_act_send_receipt(ehp_session *s)
{
    s->complete = true;
    ehp_session_emit(s, EHP_EV_COMPLETE);
    ehp_session_send_ack(s); /* a receipt before the last Ack would be out of order */
    return ehp_session_send_doc(s, s->to_patient ? EHP_DOC_REPLY_RECEIPT : EHP_DOC_RECEIPT);
}

/* The one that we signed, whichever transfer came after it. */
static const ehp_doc *
own_receipt(const ehp_session *s)
{
    return &s->docs[s->role == EHP_ROLE_TERMINAL ? EHP_DOC_RECEIPT : EHP_DOC_REPLY_RECEIPT];
}

ehp_status
ehp_session_act_receipt_acked(ehp_session *s)
{
    const Ehp__ReceiptAck *ack = session_body(s)->receipt_ack;

    if (!ack->has_receipt_hash ||
        memcmp(ack->receipt_hash.data, own_receipt(s)->hash, EHP_HASH_LEN) != 0)
        return EHP_BAD_RECEIPT;
    if (!s->receipt_acked)
        ehp_session_emit(s, EHP_EV_RECEIPT_ACKED);
    s->receipt_acked = true;
    return EHP_OK;
}

ehp_status
ehp_session_act_send_again(ehp_session *s)
{
    ehp_status status = EHP_OK;

    if (!s->to_patient && !s->receipt_acked)
        status = ehp_session_send_doc(s, EHP_DOC_RECEIPT);
    if (status == EHP_OK && ehp_doc_there(&s->docs[EHP_DOC_STATUS]))
        status = ehp_session_send_doc(s, EHP_DOC_STATUS);
    return status;
}

/* ---------------------------------------------------------------- sender */

static bool
hash_is(const ProtobufCBinaryData *field, const uint8_t *hash)
{
    return field->len == EHP_HASH_LEN && memcmp(field->data, hash, EHP_HASH_LEN) == 0;
}

static bool
chain_is(const ehp_session *s, const Ehp__Receipt *r)
{
    ehp_bytes chain[EHP_CHAIN_MAX];
    uint8_t hash[EHP_HASH_LEN];

    if (s->to_patient) /* a patient's device has none */
        return r->n_chain == 0;
    if (r->n_chain > EHP_CHAIN_MAX || (r->n_chain > 0) != s->secrets.has_chain)
        return false;
    for (size_t i = 0; i < r->n_chain; i++)
        chain[i] = ehp_bytes_of(r->chain[i].data, r->chain[i].len);
    ehp_chain_hash(hash, chain, r->n_chain);
    return memcmp(hash, s->secrets.chain_hash, sizeof(hash)) == 0;
}

static bool
says_what_was_sent(ehp_session *s, const Ehp__Receipt *r, const uint8_t *contents)
{
    uint32_t items = s->manifest_only ? 0 : (uint32_t)s->sender.list.n_items;
    uint64_t bytes = s->manifest_only ? 0 : s->sender.bytes;

    return hash_is(&r->session, s->secrets.h) &&
           r->direction == (s->to_patient ? EHP__DIRECTION__DIRECTION_TO_PATIENT
                                          : EHP__DIRECTION__DIRECTION_TO_TERMINAL) &&
           r->transfer == s->transfer && (bool)r->manifest_only == s->manifest_only &&
           hash_is(&r->manifest_hash, ehp_session_manifest_doc(s)->hash) &&
           hash_is(&r->consent_hash, s->docs[EHP_DOC_CONSENT].hash) &&
           hash_is(&r->request_hash, s->docs[EHP_DOC_REQUEST].hash) &&
           hash_is(&r->contents_hash, contents) && r->items == items && r->bytes == bytes &&
           r->complete && (!r->has_crl_state || (uint32_t)r->crl_state == s->crl_state) &&
           memcmp(r->signer.data, ehp_session_peer_key(s), EHP_SIGN_PUBLIC_LEN) == 0 &&
           chain_is(s, r);
}

ehp_status
ehp_session_act_check_receipt(ehp_session *s)
{
    ehp_doc *doc = ehp_session_receipt_doc(s);
    ehp_receipt receipt = {0};
    uint8_t contents[EHP_HASH_LEN];
    ehp_status status;

    if (!ehp_sender_done(&s->sender))
        return EHP_OUT_OF_ORDER;
    status =
        ehp_doc_take(doc, EHP_SIGN_RECEIPT, ehp_session_peer_key(s), session_body(s)->receipt);
    if (status == EHP_OK)
        status = ehp_receipt_open(ehp_bytes_of(doc->bytes, doc->len), &receipt);
    if (status == EHP_OK)
        status = ehp_sender_contents(&s->sender, contents);
    if (status == EHP_OK && !says_what_was_sent(s, receipt.receipt, contents))
        status = EHP_BAD_RECEIPT;
    ehp_receipt_clear(&receipt);
    if (status != EHP_OK) {
        ehp_doc_clear(doc);
        return status == EHP_NO_MEMORY || status == EHP_BAD_SIGNATURE ? status
                                                                      : EHP_BAD_RECEIPT;
    }
    s->progress_deadline = UINT64_MAX;
    ehp_session_emit(s, EHP_EV_RECEIPT)->bytes = ehp_bytes_of(doc->bytes, doc->len);
    return EHP_OK;
}

ehp_status
ehp_session_send_receipt_ack(ehp_session *s)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__ReceiptAck ack = EHP__RECEIPT_ACK__INIT;

    ack.has_receipt_hash = 1;
    ack.receipt_hash = ehp_wire_binary(ehp_session_receipt_doc(s)->hash, EHP_HASH_LEN);
    record.body_case = EHP__RECORD__BODY_RECEIPT_ACK;
    record.receipt_ack = &ack;
    return ehp_session_send(s, &record);
}

ehp_status
ehp_session_act_receipt_again(ehp_session *s)
{
    if (!session_sends(s) ||
        !ehp_doc_equal(ehp_session_receipt_doc(s), session_body(s)->receipt))
        return EHP_BAD_RECEIPT;
    return ehp_session_send_receipt_ack(s);
}

/* ---------------------------------------------------------------- answers */

ehp_status
ehp_session_commit(ehp_session *s, const ehp_commit *commit, uint64_t now_ms)
{
    ehp_status status;

    s->now = now_ms;
    s->answer = commit;
    status = ehp_session_answer(s, SE_COMMIT);
    s->answer = NULL;
    return status;
}

ehp_status
ehp_session_receipt_stored(ehp_session *s, ehp_status status, uint64_t now_ms)
{
    s->now = now_ms;
    if (s->state != SS_RECEIPT && s->state != SS_STORING && s->state != SS_REPLY_STORING &&
        s->state != SS_REPLY_RECEIPT)
        return EHP_WRONG_STATE;
    s->answer_status = status;
    return ehp_session_answer(s, status == EHP_OK ? SE_STORED : SE_END);
}
