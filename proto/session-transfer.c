/* SPDX-License-Identifier: Apache-2.0
 *
 * The transfers of a session after its first one: the terminal asks for more items of what was
 * granted, or offers items to the patient. One after the other, each with a manifest and a
 * receipt of its own; what both sides do alike is here, the reply itself in session-reply.c.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/session-priv.h"

ehp_doc *
ehp_session_manifest_doc(ehp_session *s)
{
    return &s->docs[s->to_patient ? EHP_DOC_REPLY_MANIFEST : EHP_DOC_MANIFEST];
}

ehp_doc *
ehp_session_receipt_doc(ehp_session *s)
{
    return &s->docs[s->to_patient ? EHP_DOC_REPLY_RECEIPT : EHP_DOC_RECEIPT];
}

const uint8_t *
ehp_session_own_secret(const ehp_session *s)
{
    return s->role == EHP_ROLE_PATIENT ? s->patient_secret : s->leaf_secret;
}

const uint8_t *
ehp_session_peer_key(const ehp_session *s)
{
    return s->role == EHP_ROLE_PATIENT ? s->secrets.leaf_key : s->patient_key;
}

ehp_status
ehp_session_make_manifest(ehp_session *s)
{
    Ehp__Manifest m = EHP__MANIFEST__INIT;

    m.has_session = m.has_direction = m.has_pages = m.has_items = m.has_bytes =
        m.has_pages_hash = 1;
    m.session = ehp_wire_binary(s->secrets.h, EHP_HASH_LEN);
    m.direction = s->to_patient ? EHP__DIRECTION__DIRECTION_TO_PATIENT
                                : EHP__DIRECTION__DIRECTION_TO_TERMINAL;
    m.pages = s->sender.pages;
    m.items = (uint32_t)s->sender.list.n_items;
    m.bytes = s->sender.bytes;
    m.pages_hash = ehp_wire_binary(s->sender.pages_hash, EHP_HASH_LEN);
    m.has_transfer = s->transfer > 0;
    m.transfer = s->transfer;
    m.has_manifest_only = m.manifest_only = s->sender.manifest_only;
    m.has_continues = s->sender.asks;
    m.continues = ehp_wire_binary(s->sender.asks ? s->proof : NULL, EHP_HASH_LEN);
    return ehp_doc_make(ehp_session_manifest_doc(s), EHP_SIGN_MANIFEST,
                        ehp_session_own_secret(s), &m.base);
}

ehp_status
ehp_session_make_sender(ehp_session *s, Ehp__ItemEntry *const *items, size_t n)
{
    ehp_item_list list = {items, n, {0}};
    ehp_sender next;
    ehp_status status;

    ehp_drbg_bytes(&s->drbg, list.salt_key, sizeof(list.salt_key));
    status = ehp_sender_init(&next, &list, s->zstd_level);
    ehp_wipe(list.salt_key, sizeof(list.salt_key));
    if (status != EHP_OK)
        return status;
    if (s->has_sender)
        ehp_sender_clear(&s->sender);
    s->sender = next;
    s->has_sender = true;
    ehp_wipe(&next, sizeof(next));
    return EHP_OK;
}

void
ehp_session_begin_transfer(ehp_session *s, bool to_patient)
{
    s->transfer++;
    s->to_patient = to_patient;
    s->manifest_only = s->refused = s->complete = s->receipt_acked = s->between = false;
    /* what the peer said of the transfer before says nothing of this one, which it may not have
     * heard of: begun between its hello and the agreement */
    memset(&s->hello, 0, sizeof(s->hello));
    ehp_doc_clear(ehp_session_manifest_doc(s));
    ehp_doc_clear(ehp_session_receipt_doc(s));
    memset(&s->acks_sent, 0, sizeof(s->acks_sent));
    if (session_sends(s) && s->role == EHP_ROLE_PATIENT && s->has_sender) {
        ehp_sender_clear(&s->sender);
        s->has_sender = false;
    }
    if (!session_sends(s) && s->has_receiver)
        ehp_receiver_again(&s->receiver);
    s->phase_deadline = s->progress_deadline = UINT64_MAX;
}

/* ---------------------------------------------------------------- terminal asks */

static bool
may_begin(const ehp_session *s)
{
    return s->role == EHP_ROLE_TERMINAL && s->state == SS_RECEIVED && s->receipt_acked &&
           s->transfer + 1 < EHP_TRANSFERS_MAX;
}

static bool
queries_good(Ehp__ItemQuery *const *query, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!ehp_session_query_known(query[i]))
            return false;
    return n > 0 && n <= EHP_QUERIES_MAX;
}

static ehp_status
pack_request(ehp_session *s, const Ehp__ItemRequest *request)
{
    size_t len = ehp__item_request__get_packed_size(request);
    uint8_t *packed;

    if (!queries_good(request->query, request->n_query) || len > EHP_RECORD_PLAIN_MAX - 128)
        return EHP_INVALID_ARGUMENT;
    packed = malloc(len);
    if (packed == NULL)
        return EHP_NO_MEMORY;
    ehp__item_request__pack(request, packed);
    if (ehp_guard_check(&ehp__item_request__descriptor, ehp_bytes_of(packed, len), NULL) !=
        EHP_OK) {
        free(packed);
        return EHP_INVALID_ARGUMENT;
    }
    free(s->item_request);
    s->item_request = packed;
    s->item_request_len = len;
    return EHP_OK;
}

ehp_status
ehp_session_say_request(ehp_session *s)
{
    ehp_outlet out;
    ehp_status status;

    if (!ehp_session_outlet(s, &out))
        return EHP_OK;
    s->links[s->link].last_tx = s->now;
    status = ehp_wire_send_raw(&out, EHP__RECORD__BODY_ITEM_REQUEST,
                               ehp_bytes_of(s->item_request, s->item_request_len),
                               EHP_MANIFEST_STEP, EHP_MANIFEST_STEP);
    s->choked |= status == EHP_LIMIT_REACHED; /* it will be said again */
    return status == EHP_LIMIT_REACHED ? EHP_OK : status;
}

ehp_status
ehp_session_act_request_items(ehp_session *s)
{
    const Ehp__ItemRequest *request = s->answer;

    ehp_session_begin_transfer(s, false);
    s->manifest_only = request->manifest_only;
    s->phase_deadline = s->now + s->consent_ms + EHP_CONNECT_MS;
    return ehp_session_say_kept(s, SAY_REQUEST);
}

ehp_status
ehp_session_act_request_again(ehp_session *s)
{
    return s->hello.consent_state == CONSENT_STATE_NONE ? ehp_session_say_request(s) : EHP_OK;
}

ehp_status
ehp_session_act_forget_pages(ehp_session *s)
{
    ehp_receiver_reset(&s->receiver);
    return EHP_OK;
}

ehp_status
ehp_session_act_peer_left(ehp_session *s)
{
    ehp_session_finish(s, EHP_PEER_CANCELLED, true);
    return EHP_OK;
}

ehp_status
ehp_session_request_items(ehp_session *s, const Ehp__ItemRequest *request, uint64_t now_ms)
{
    ehp_status status;

    s->now = now_ms;
    if (!may_begin(s) || ehp_doc_there(&s->docs[EHP_DOC_STATUS]))
        return EHP_WRONG_STATE;
    status = pack_request(s, request);
    if (status != EHP_OK)
        return status;
    s->answer = request;
    status = ehp_session_answer(s, SE_REQUEST_ITEMS);
    s->answer = NULL;
    return status;
}

/* ---------------------------------------------------------------- patient answers */

ehp_status
ehp_session_act_ask_items(ehp_session *s)
{
    const Ehp__ItemRequest *request = session_body(s)->item_request;

    if (!queries_good(request->query, request->n_query))
        return EHP_BAD_MESSAGE;
    if (s->transfer + 1 >= EHP_TRANSFERS_MAX)
        return EHP_LIMIT_REACHED;
    ehp_session_begin_transfer(s, false);
    s->manifest_only = request->manifest_only;
    s->phase_deadline = s->now + s->consent_ms;
    ehp_session_emit(s, EHP_EV_ITEM_REQUEST)->item_request = request;
    ehp_guard_free(&s->asked); /* the event looks into the record until it is answered */
    s->asked = s->record;
    memset(&s->record, 0, sizeof(s->record));
    return EHP_OK;
}

ehp_status
ehp_session_act_offer_items(ehp_session *s)
{
    ehp_status status;

    ehp_guard_free(&s->asked);
    s->sender.manifest_only = s->sender.held = s->manifest_only;
    s->phase_deadline = UINT64_MAX;
    s->progress_deadline = s->now + EHP_PROGRESS_MS;
    status = ehp_session_make_manifest(s);
    return status == EHP_OK ? ehp_session_say_kept(s, SAY_PAGES) : status;
}

/* ---------------------------------------------------------------- both offer */

ehp_status
ehp_session_offer(ehp_session *s, Ehp__ItemEntry *const *items, size_t n, uint64_t now_ms)
{
    ehp_status status;

    s->now = now_ms;
    if (s->state != SS_REQUESTED && !may_begin(s))
        return EHP_WRONG_STATE;
    if (s->role == EHP_ROLE_TERMINAL && n == 0)
        return EHP_ITEM_INVALID;
    status = ehp_session_make_sender(s, items, n);
    return status != EHP_OK ? status : ehp_session_answer(s, SE_OFFER);
}
