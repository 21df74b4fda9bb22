/* SPDX-License-Identifier: Apache-2.0
 *
 * A session that an earlier process had, from what it kept (session-form.h). It has no link, no
 * half segment, no question: the resumption brings them. What does not fit together is not
 * resumed from.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/receipt.h"
#include "proto/session-form.h"

/* ---------------------------------------------------------------- the transfer */

static ehp_status
open_manifest(ehp_session *s, ehp_unpacked *body, const Ehp__Manifest **m)
{
    ehp_status status = ehp_guard_unpack(&ehp__manifest__descriptor,
                                         ehp_session_manifest_doc(s)->body, NULL, body);

    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
    *m = (const Ehp__Manifest *)body->message;
    return EHP_OK;
}

/* The manifest is that of this transfer, signed over exactly this list. */
static ehp_status
check_manifest(ehp_session *s, uint32_t items, uint64_t bytes, const uint8_t *pages_hash)
{
    ehp_unpacked body = {0};
    const Ehp__Manifest *m;
    bool good;
    ehp_status status = open_manifest(s, &body, &m);

    if (status != EHP_OK)
        return status;
    good = m->transfer == s->transfer && (bool)m->manifest_only == s->manifest_only &&
           (m->direction == EHP__DIRECTION__DIRECTION_TO_PATIENT) == s->to_patient &&
           m->items == items && m->bytes == bytes &&
           (pages_hash == NULL || (m->pages_hash.len == EHP_HASH_LEN &&
                                   memcmp(m->pages_hash.data, pages_hash, EHP_HASH_LEN) == 0));
    ehp_guard_free(&body);
    return good ? EHP_OK : EHP_STATE_DAMAGED;
}

static ehp_status
restore_sender(ehp_session *s, const ehp_session_past *past, const uint8_t salt_key[32])
{
    ehp_item_list list = {past->items, past->n_items, {0}};
    bool asks = s->sender.asks; /* load_keys */
    ehp_status status;

    if (past->n_items > 0 && past->items == NULL)
        return EHP_STATE_DAMAGED; /* a list of what came */
    memcpy(list.salt_key, salt_key, sizeof(list.salt_key));
    status = ehp_sender_init(&s->sender, &list, s->zstd_level);
    ehp_wipe(list.salt_key, sizeof(list.salt_key));
    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
    s->has_sender = true;
    s->sender.manifest_only = s->sender.held = s->manifest_only;
    status = check_manifest(s, past->n_items, s->sender.bytes, s->sender.pages_hash);
    if (status == EHP_OK)
        status = ehp_sender_recall(&s->sender, past->roots, past->n_roots, past->mark);
    if (asks)
        ehp_sender_ask(&s->sender);
    s->state = SS_SENDING;
    if (s->to_patient) { /* whether it was accepted says the patient */
        s->state = SS_REPLYING;
        s->sender.held = true;
        ehp_session_sign_origins(s);
    }
    return status;
}

/* All of it was stored and is not here any more: only the receipt is to be told. */
static ehp_status
restore_filed(ehp_session *s)
{
    ehp_unpacked body = {0};
    const Ehp__Manifest *m;
    ehp_status status = open_manifest(s, &body, &m);

    if (status != EHP_OK)
        return status;
    s->receiver.n_items = s->receiver.durable.item = s->receiver.delivered.item = m->items;
    s->receiver.bytes = s->receiver.durable_bytes = m->bytes;
    if (s->manifest_only) {
        s->receiver.durable.item = s->receiver.delivered.item = 0;
        s->receiver.durable_bytes = 0;
    }
    status = check_manifest(s, m->items, m->bytes, NULL);
    ehp_guard_free(&body);
    return status;
}

static ehp_status
need_receiver(ehp_session *s)
{
    ehp_status status = s->has_receiver ? EHP_OK : ehp_receiver_init(&s->receiver);

    s->has_receiver = status == EHP_OK;
    return status;
}

static ehp_status
restore_receiver(ehp_session *s, const ehp_session_past *past)
{
    ehp_received received = {past->sizes, past->salts,   past->n_items,
                             past->roots, past->n_roots, past->mark};
    ehp_status status = need_receiver(s);

    if (status != EHP_OK)
        return status;
    if (past->n_items > 0 && (past->sizes == NULL || past->salts == NULL))
        return EHP_STATE_DAMAGED; /* a list of what was sent */
    s->state = s->to_patient ? SS_REPLY_RECEIVING : SS_RECEIVING;
    s->receiver.accepted = true;
    s->receiver.manifest_only = s->manifest_only;
    if (past->n_items == 0 && past->receipt.len > 0) {
        status = restore_filed(s);
    } else if (past->n_items == 0) { /* an answer that there is nothing */
        status = check_manifest(s, 0, 0, NULL);
    } else {
        status = ehp_receiver_recall(&s->receiver, &received);
        if (status == EHP_OK)
            status = check_manifest(s, past->n_items, s->receiver.bytes, NULL);
    }
    s->acks_sent = s->receiver.durable;
    return status;
}

/* It is of this very transfer. */
static ehp_status
check_receipt(ehp_session *s)
{
    const ehp_doc *doc = ehp_session_receipt_doc(s);
    ehp_receipt receipt = {0};
    bool good;
    ehp_status status = ehp_receipt_open(ehp_bytes_of(doc->bytes, doc->len), &receipt);

    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
    good = receipt.receipt->transfer == s->transfer &&
           receipt.receipt->manifest_hash.len == EHP_HASH_LEN &&
           memcmp(receipt.receipt->manifest_hash.data, ehp_session_manifest_doc(s)->hash,
                  EHP_HASH_LEN) == 0;
    ehp_receipt_clear(&receipt);
    return good ? EHP_OK : EHP_STATE_DAMAGED;
}

static void
sent_all(ehp_session *s, const ehp_session_past *past)
{
    s->sender.catching_up = false; /* nothing will be sent, so nothing is compared */
    s->sender.manifest_due = false;
    s->sender.acked.item = s->manifest_only ? 0 : past->n_items;
    s->sender.acked.segments = 0;
    s->sender.acked_bytes = s->sender.bytes;
    s->sender.reported = s->sender.acked.item;
}

/* Everything was done but for what the peer may still say. */
static ehp_status
restore_receipt(ehp_session *s, const ehp_session_past *past)
{
    const uint8_t *key = s->to_patient ? s->patient_key : s->secrets.leaf_key;
    ehp_status status;

    if (ehp_doc_load(ehp_session_receipt_doc(s), EHP_SIGN_RECEIPT, key, past->receipt) !=
        EHP_OK)
        return EHP_STATE_DAMAGED;
    status = check_receipt(s);
    if (status != EHP_OK)
        return status;
    s->complete = true;
    s->progress_deadline = s->phase_deadline = UINT64_MAX;
    if (s->role == EHP_ROLE_PATIENT)
        s->phase_deadline = s->now + s->linger_ms;
    if (session_sends(s)) {
        sent_all(s, past);
        s->receipt_acked |= s->to_patient; /* its word is said again when it is asked for */
        s->state = s->to_patient ? SS_RECEIVED : SS_SENT;
        return EHP_OK;
    }
    s->state = !s->to_patient ? SS_RECEIVED : s->receipt_acked ? SS_SENT : SS_REPLY_RECEIVED;
    return ehp_receiver_done(&s->receiver) ? EHP_OK : EHP_STATE_DAMAGED;
}

/* Nothing of the last transfer is outstanding: it was done and another one was heard of, or it
 * was refused. */
static ehp_status
restore_idle(ehp_session *s, const ehp_session_past *past)
{
    bool patient = s->role == EHP_ROLE_PATIENT;

    if (past->n_items > 0 || past->receipt.len > 0 || (s->between && !patient))
        return EHP_STATE_DAMAGED;
    s->complete = s->receipt_acked = true;
    s->state = patient ? SS_SENT : SS_RECEIVED;
    if (patient)
        s->phase_deadline = s->now + s->linger_ms;
    return EHP_OK;
}

/* No manifest yet: before the consent, or of items that were asked for. */
static ehp_status
restore_asking(ehp_session *s, const ehp_session_past *past)
{
    if (past->n_items > 0 || past->receipt.len > 0)
        return EHP_STATE_DAMAGED;
    if (s->transfer == 0)
        return EHP_OK;
    if (s->role == EHP_ROLE_PATIENT)
        return EHP_STATE_DAMAGED;
    s->state = SS_REQUESTING;
    s->phase_deadline = s->suspended_deadline + s->consent_ms + EHP_CONNECT_MS;
    return need_receiver(s);
}

static ehp_status
restore_granted(ehp_session *s, const ehp_session_past *past, const uint8_t salt_key[32])
{
    bool nothing_to_send = s->to_patient && past->receipt.len > 0 && past->n_items == 0;
    ehp_status status = EHP_OK;

    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    if (!session_sends(s))
        status = restore_receiver(s, past);
    else if (!nothing_to_send)
        status = restore_sender(s, past, salt_key);
    if (status != EHP_OK)
        return status;
    if (past->receipt.len > 0)
        return restore_receipt(s, past);
    if (s->state == SS_REPLYING) {
        s->progress_deadline = UINT64_MAX;
        s->phase_deadline = s->suspended_deadline + 2ull * s->consent_ms + EHP_CONNECT_MS;
    }
    return !session_sends(s) && ehp_receiver_done(&s->receiver)
               ? ehp_session_run(s, SE_ALL_STORED)
               : EHP_OK;
}

static ehp_status
restore_transfer(ehp_session *s, const ehp_session_past *past, const session_form *f)
{
    bool granted = ehp_doc_there(ehp_session_manifest_doc(s));
    bool agreed = s->has_patient_key && ehp_doc_there(&s->docs[EHP_DOC_CONSENT]);

    if (f->format != EHP_FORM_FIRST && !s->between && !s->refused &&
        granted != f->stage.granted)
        return EHP_STATE_DAMAGED;
    if ((s->transfer > 0 || s->between || granted) && !agreed)
        return EHP_STATE_DAMAGED;
    if (s->between || s->refused)
        return restore_idle(s, past);
    return granted ? restore_granted(s, past, f->salt_key) : restore_asking(s, past);
}

/* ---------------------------------------------------------------- all of it */

static ehp_status
restore(ehp_session *s, const ehp_session_config *config, const ehp_session_past *past,
        uint64_t now_ms)
{
    ehp_session_config mine = *config;
    session_form f = {0};
    ehp_reader r = {0};
    ehp_status status;

    status = ehp_form_open(s, &f, past->saved, &r);
    mine.secrets = &s->secrets;
    mine.request = NULL;
    if (status == EHP_OK)
        status = ehp_session_init(s, &mine, now_ms);
    if (status == EHP_OK)
        status = ehp_config_copy(s, &mine);
    if (status == EHP_OK)
        status = ehp_form_load(s, &f, &r);
    s->phase_deadline = UINT64_MAX;
    s->suspended_deadline = now_ms + past->resume_ms;
    s->down_at = now_ms;
    if (status == EHP_OK)
        status = restore_transfer(s, past, &f);
    ehp_wipe(&f, sizeof(f));
    ehp_wipe(&mine, sizeof(mine));
    return status;
}

ehp_status
ehp_session_restore(const ehp_session_config *config, const ehp_session_past *past,
                    uint64_t now_ms, ehp_session **out)
{
    ehp_session *s = calloc(1, sizeof(*s));
    ehp_status status;

    *out = NULL;
    if (s == NULL)
        return EHP_NO_MEMORY;
    status = restore(s, config, past, now_ms);
    if (status == EHP_OK)
        *out = s;
    else
        ehp_session_free(s);
    return status == EHP_INVALID_ARGUMENT ? EHP_STATE_DAMAGED : status;
}
