/* SPDX-License-Identifier: Apache-2.0
 *
 * A session over the end of its process. The saved form holds what cannot be had again: keys,
 * generations, what was agreed; not the items (the caller has their list) nor how far they are
 * (marks, which change with every segment):
 *
 *     "EHR" "1" ‖ be32 length, secrets ‖ u8 n, n × (be32 number ‖ locator 32 ‖ resume 32) ‖
 *     u8 flags ‖ be32 crl_state ‖ patient key 32 ‖ its secret 64 ‖ its proof 64 ‖ salt key 32 ‖
 *     3 × (be32 length, document): request, consent, manifest
 *
 * A restored session has no link, no half segment, no question: the resumption brings them.
 * Only the first transfer of a session outlives its process: a later one ends with it, and what
 * the earlier ones brought stays.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/session-priv.h"

static const uint8_t magic[3] = {'E', 'H', 'R'};
#define FORMAT '1'

enum {
    FLAG_PATIENT_KEY = 1,
    FLAG_EXTENDED = 2,
    FLAG_RECEIPT_ACKED = 4,
    FLAG_ASKS = 8,
};

static const ehp_document kept[] = {EHP_DOC_REQUEST, EHP_DOC_CONSENT, EHP_DOC_MANIFEST};

void
ehp_session_want_save(ehp_session *s, bool wait)
{
    if (!s->saves || s->transfer > 0)
        return;
    s->save_due = true;
    s->save_wait = s->save_wait || wait;
}

ehp_status
ehp_session_saved(ehp_session *s, ehp_status status, uint64_t now_ms)
{
    s->now = now_ms;
    if (s->savings == 0)
        return EHP_WRONG_STATE;
    s->savings--;
    if (s->state == SS_ENDED)
        return EHP_WRONG_STATE;
    if (status != EHP_OK) {
        ehp_session_fail(s, status);
        ehp_session_settle(s);
        return EHP_OK;
    }
    if (s->savings == 0 && !s->save_due)
        s->save_wait = false;
    if (!s->save_wait && s->consent_due) {
        s->consent_due = false;
        status = ehp_session_send_consent(s);
        if (status != EHP_OK)
            ehp_session_fail(s, status);
    }
    ehp_session_settle(s);
    return status;
}

bool
ehp_session_granted(const ehp_session *s)
{
    return ehp_doc_there(&s->docs[EHP_DOC_MANIFEST]);
}

/* ---------------------------------------------------------------- saving */

static void
put_with_length(ehp_writer *out, const void *data, size_t len)
{
    ehp_put_be32(out, (uint32_t)len);
    ehp_put(out, data, len);
}

static ehp_status
put_secrets(const ehp_session *s, ehp_writer *out)
{
    uint8_t bytes[EHP_SECRETS_SAVED_MAX];
    ehp_writer w;
    ehp_status status;

    ehp_writer_init(&w, bytes, sizeof(bytes));
    status = ehp_secrets_save(&s->secrets, &w);
    if (status == EHP_OK)
        put_with_length(out, bytes, w.len);
    ehp_wipe(bytes, sizeof(bytes));
    return status;
}

ehp_status
ehp_session_save(const ehp_session *s, ehp_writer *out)
{
    ehp_status status;

    if (s->state == SS_ENDED || s->transfer > 0)
        return EHP_WRONG_STATE;
    ehp_put(out, magic, sizeof(magic));
    ehp_put_u8(out, FORMAT);
    status = put_secrets(s, out);
    if (status != EHP_OK)
        return status;
    ehp_put_u8(out, (uint8_t)s->n_held);
    for (size_t i = 0; i < s->n_held; i++) {
        ehp_put_be32(out, s->held[i].number);
        ehp_put(out, s->held[i].locator, EHP_KEY_LEN);
        ehp_put(out, s->held[i].resume, EHP_KEY_LEN);
    }
    ehp_put_u8(out, (uint8_t)((s->has_patient_key ? FLAG_PATIENT_KEY : 0) |
                              (s->extended ? FLAG_EXTENDED : 0) |
                              (s->receipt_acked ? FLAG_RECEIPT_ACKED : 0) |
                              (s->sender.asks ? FLAG_ASKS : 0)));
    ehp_put_be32(out, s->crl_state);
    ehp_put(out, s->patient_key, sizeof(s->patient_key));
    ehp_put(out, s->patient_secret, sizeof(s->patient_secret));
    ehp_put(out, s->patient_proof, sizeof(s->patient_proof));
    ehp_put(out, s->sender.list.salt_key, sizeof(s->sender.list.salt_key));
    for (size_t i = 0; i < LEN(kept); i++)
        put_with_length(out, s->docs[kept[i]].bytes, s->docs[kept[i]].len);
    return ehp_writer_end(out);
}

ehp_status
ehp_session_mark(const ehp_session *s, ehp_writer *out)
{
    if (s->has_sender && s->transfer == 0 && s->sender.acked.item < s->sender.list.n_items)
        ehp_mark_put(out, s->sender.acked.item, &s->sender.acked_tree);
    return ehp_writer_end(out);
}

/* ---------------------------------------------------------------- restoring */

static void
take_copy(ehp_reader *r, void *out, size_t len)
{
    ehp_bytes b = ehp_take(r, len);

    if (b.data != NULL)
        memcpy(out, b.data, len);
}

static ehp_bytes
take_with_length(ehp_reader *r)
{
    return ehp_take(r, ehp_take_be32(r));
}

static ehp_status
load_secrets(ehp_session *s, ehp_reader *r)
{
    ehp_bytes head = ehp_take(r, sizeof(magic));

    if (head.data == NULL || memcmp(head.data, magic, sizeof(magic)) != 0)
        return EHP_STATE_DAMAGED;
    if (ehp_take_u8(r) > FORMAT)
        return EHP_STATE_TOO_NEW;
    return ehp_secrets_load(&s->secrets, take_with_length(r));
}

static ehp_status
load_keys(ehp_session *s, ehp_reader *r, uint8_t salt_key[32])
{
    uint8_t flags, n = ehp_take_u8(r);

    if (n == 0 || n > HELD_MAX)
        return EHP_STATE_DAMAGED;
    s->n_held = n;
    for (size_t i = 0; i < n; i++) {
        s->held[i].number = ehp_take_be32(r);
        take_copy(r, s->held[i].locator, EHP_KEY_LEN);
        take_copy(r, s->held[i].resume, EHP_KEY_LEN);
    }
    flags = ehp_take_u8(r);
    s->has_patient_key = (flags & FLAG_PATIENT_KEY) != 0;
    s->extended = (flags & FLAG_EXTENDED) != 0;
    s->receipt_acked = (flags & FLAG_RECEIPT_ACKED) != 0;
    s->sender.asks = (flags & FLAG_ASKS) != 0;
    s->crl_state = ehp_take_be32(r);
    take_copy(r, s->patient_key, sizeof(s->patient_key));
    take_copy(r, s->patient_secret, sizeof(s->patient_secret));
    take_copy(r, s->patient_proof, sizeof(s->patient_proof));
    take_copy(r, salt_key, 32);
    return r->bad ? EHP_STATE_DAMAGED : EHP_OK;
}

/* Signatures hold, or it is not what was kept. */
static ehp_status
load_docs(ehp_session *s, ehp_reader *r)
{
    static const ehp_sign_type types[] = {EHP_SIGN_CONSENT_REQUEST, EHP_SIGN_CONSENT,
                                          EHP_SIGN_MANIFEST};

    for (size_t i = 0; i < LEN(kept); i++) {
        ehp_bytes bytes = take_with_length(r);
        const uint8_t *key = i == 0 ? s->secrets.leaf_key : s->patient_key;
        if (bytes.len == 0)
            continue;
        if (ehp_doc_load(&s->docs[kept[i]], types[i], key, bytes) != EHP_OK)
            return EHP_STATE_DAMAGED;
    }
    if (ehp_reader_end(r) != EHP_OK)
        return EHP_STATE_DAMAGED;
    if (s->role == EHP_ROLE_TERMINAL && !ehp_doc_there(&s->docs[EHP_DOC_REQUEST]))
        return EHP_STATE_DAMAGED;
    return EHP_OK;
}

static ehp_status
unpack_docs(ehp_session *s)
{
    ehp_status status = EHP_OK;

    if (ehp_doc_there(&s->docs[EHP_DOC_REQUEST]))
        status = ehp_guard_unpack(&ehp__consent_request__descriptor,
                                  s->docs[EHP_DOC_REQUEST].body, NULL, &s->request);
    if (status == EHP_OK && s->request.message != NULL)
        s->manifest_only = ((const Ehp__ConsentRequest *)s->request.message)->manifest_only;
    if (status == EHP_OK && ehp_doc_there(&s->docs[EHP_DOC_CONSENT]))
        status = ehp_guard_unpack(&ehp__consent__descriptor, s->docs[EHP_DOC_CONSENT].body,
                                  NULL, &s->consent);
    return status == EHP_OK || status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
}

/* The manifest was signed over exactly this list. */
static ehp_status
check_manifest(const ehp_session *s, uint32_t items, uint64_t bytes, const uint8_t *pages_hash)
{
    ehp_unpacked body = {0};
    const Ehp__Manifest *m;
    bool good;
    ehp_status status = ehp_guard_unpack(&ehp__manifest__descriptor,
                                         s->docs[EHP_DOC_MANIFEST].body, NULL, &body);

    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
    m = (const Ehp__Manifest *)body.message;
    good = m->items == items && m->bytes == bytes &&
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
    return status;
}

/* All of it was stored and is not here any more: only the receipt is to be told. */
static ehp_status
restore_filed(ehp_session *s)
{
    ehp_unpacked body = {0};
    const Ehp__Manifest *m;
    ehp_status status = ehp_guard_unpack(&ehp__manifest__descriptor,
                                         s->docs[EHP_DOC_MANIFEST].body, NULL, &body);

    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
    m = (const Ehp__Manifest *)body.message;
    s->receiver.n_items = s->receiver.durable.item = s->receiver.delivered.item = m->items;
    s->receiver.bytes = s->receiver.durable_bytes = m->bytes;
    s->receiver.accepted = true;
    s->acks_sent = s->receiver.durable;
    ehp_guard_free(&body);
    return EHP_OK;
}

static ehp_status
restore_receiver(ehp_session *s, const ehp_session_past *past)
{
    ehp_received received = {past->sizes, past->salts,   past->n_items,
                             past->roots, past->n_roots, past->mark};
    ehp_status status = ehp_receiver_init(&s->receiver);

    if (status != EHP_OK)
        return status;
    s->has_receiver = true;
    if (past->receipt.len > 0 && past->n_items == 0)
        return restore_filed(s);
    status = ehp_receiver_recall(&s->receiver, &received);
    s->receiver.manifest_only = s->manifest_only;
    if (status == EHP_OK)
        status = check_manifest(s, past->n_items, s->receiver.bytes, NULL);
    s->acks_sent = s->receiver.durable;
    s->state = SS_RECEIVING;
    return status;
}

/* Everything was done but for what the peer may still say. */
static ehp_status
restore_receipt(ehp_session *s, const ehp_session_past *past)
{
    if (ehp_doc_load(&s->docs[EHP_DOC_RECEIPT], EHP_SIGN_RECEIPT, s->secrets.leaf_key,
                     past->receipt) != EHP_OK)
        return EHP_STATE_DAMAGED;
    s->complete = true;
    s->progress_deadline = UINT64_MAX;
    if (s->role == EHP_ROLE_TERMINAL) {
        s->state = SS_RECEIVED;
        return ehp_receiver_done(&s->receiver) ? EHP_OK : EHP_STATE_DAMAGED;
    }
    s->sender.catching_up = false; /* nothing will be sent, so nothing is compared */
    s->sender.acked.item = s->manifest_only ? 0 : past->n_items;
    s->sender.acked.segments = 0;
    s->sender.acked_bytes = s->sender.bytes;
    s->sender.reported = s->sender.acked.item;
    s->phase_deadline = s->now + s->linger_ms;
    s->state = SS_SENT;
    return EHP_OK;
}

static ehp_status
restore_transfer(ehp_session *s, const ehp_session_past *past, const uint8_t salt_key[32])
{
    ehp_status status;

    if (!ehp_session_granted(s))
        return past->n_items == 0 && past->receipt.len == 0 ? EHP_OK : EHP_STATE_DAMAGED;
    if (!s->has_patient_key || !ehp_doc_there(&s->docs[EHP_DOC_CONSENT]))
        return EHP_STATE_DAMAGED;
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    if (s->role == EHP_ROLE_PATIENT)
        status = restore_sender(s, past, salt_key);
    else
        status = restore_receiver(s, past);
    if (status != EHP_OK)
        return status;
    if (past->receipt.len > 0)
        return restore_receipt(s, past);
    return s->has_receiver && ehp_receiver_done(&s->receiver)
               ? ehp_session_run(s, SE_ALL_STORED)
               : EHP_OK;
}

static ehp_status
restore(ehp_session *s, const ehp_session_config *config, const ehp_session_past *past,
        uint64_t now_ms)
{
    ehp_session_config mine = *config;
    uint8_t salt_key[32] = {0};
    ehp_reader r;
    ehp_status status;

    ehp_reader_init(&r, past->saved.data, past->saved.len);
    status = load_secrets(s, &r);
    mine.secrets = &s->secrets;
    mine.request = NULL;
    if (status == EHP_OK)
        status = ehp_session_init(s, &mine, now_ms);
    if (status == EHP_OK)
        status = ehp_config_copy(s, &mine);
    if (status == EHP_OK)
        status = load_keys(s, &r, salt_key);
    if (status == EHP_OK)
        status = load_docs(s, &r);
    if (status == EHP_OK)
        status = unpack_docs(s);
    s->phase_deadline = UINT64_MAX;
    s->suspended_deadline = now_ms + past->resume_ms;
    s->down_at = now_ms;
    if (status == EHP_OK)
        status = restore_transfer(s, past, salt_key);
    ehp_wipe(salt_key, sizeof(salt_key));
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
