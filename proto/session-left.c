/* SPDX-License-Identifier: Apache-2.0
 *
 * A transfer that goes on in another session of the same two devices. The patient's manifest
 * names the earlier one by a proof that only its terminal can know; that terminal says in its
 * first Ack how much it has. The list of items is the same byte for byte, salts included, so
 * that the hash trees go on too.
 */
#include <string.h>

#include "proto/session-priv.h"

ehp_status
ehp_session_list_hash(const ehp_doc *manifest, uint8_t out[EHP_HASH_LEN])
{
    ehp_unpacked body = {0};
    const Ehp__Manifest *m;
    ehp_status status;

    status = ehp_guard_unpack(&ehp__manifest__descriptor, manifest->body, NULL, &body);
    if (status != EHP_OK)
        return status;
    m = (const Ehp__Manifest *)body.message;
    if (m->pages_hash.len == EHP_HASH_LEN)
        memcpy(out, m->pages_hash.data, EHP_HASH_LEN);
    else
        status = EHP_BAD_MANIFEST;
    ehp_guard_free(&body);
    return status;
}

/* ---------------------------------------------------------------- what is left */

/* Also one that the patient does not know to be finished: nothing of it may come twice. */
static bool
is_unfinished(const ehp_session *s)
{
    bool done = s->role == EHP_ROLE_TERMINAL ? s->receipt_acked : s->complete;

    return s->transfer == 0 && !done && !s->manifest_only && !session_consent_due(s) &&
           ehp_doc_there(&s->docs[EHP_DOC_MANIFEST]);
}

void
ehp_session_keep_left(ehp_session *s)
{
    ehp_left *left = &s->left;

    if (!is_unfinished(s) ||
        ehp_session_list_hash(&s->docs[EHP_DOC_MANIFEST], left->list_hash) != EHP_OK)
        return;
    memcpy(left->session, s->secrets.h, sizeof(left->session));
    if (s->has_sender)
        memcpy(left->salt_key, s->sender.list.salt_key, sizeof(left->salt_key));
    ehp_left_key(left, s->secrets.export_key);
    s->has_left = true;
}

ehp_status
ehp_session_left(const ehp_session *s, ehp_left *out)
{
    if (!s->has_left)
        return EHP_WRONG_STATE;
    *out = s->left;
    return EHP_OK;
}

/* ---------------------------------------------------------------- patient */

/* What does not fit is not used: the transfer then starts from nothing, as any other. */
ehp_status
ehp_session_ask_position(ehp_session *s, const ehp_grant *grant)
{
    const ehp_taken *from = grant->from;
    ehp_item_list list = {grant->items, grant->n_items, {0}};
    ehp_sender next;
    ehp_status status;

    if (from == NULL || s->manifest_only)
        return EHP_OK;
    memcpy(list.salt_key, from->left->salt_key, sizeof(list.salt_key));
    status = ehp_sender_init(&next, &list, s->zstd_level);
    ehp_wipe(list.salt_key, sizeof(list.salt_key));
    if (status != EHP_OK)
        return status;
    if (memcmp(next.pages_hash, from->left->list_hash, EHP_HASH_LEN) == 0)
        status = ehp_sender_recall(&next, from->roots, from->n_roots, from->mark);
    else
        status = EHP_NOT_FOUND;
    if (status != EHP_OK) {
        ehp_sender_clear(&next);
        return EHP_OK;
    }
    ehp_sender_ask(&next);
    ehp_sender_clear(&s->sender);
    s->sender = next;
    ehp_wipe(&next, sizeof(next));
    ehp_left_proof(from->left, s->secrets.h, s->proof);
    return EHP_OK;
}

/* ---------------------------------------------------------------- terminal */

ehp_status
ehp_session_take_up(ehp_session *s, const ehp_taken *from, uint64_t now_ms)
{
    uint8_t list_hash[EHP_HASH_LEN];
    ehp_status status;

    s->now = now_ms;
    if (s->state != SS_OFFERED || !s->continues)
        return EHP_WRONG_STATE;
    status = ehp_session_list_hash(&s->docs[EHP_DOC_MANIFEST], list_hash);
    if (status != EHP_OK)
        return status;
    if (!ehp_left_fits(from->left, s->secrets.h, s->proof) ||
        memcmp(list_hash, from->left->list_hash, sizeof(list_hash)) != 0)
        return EHP_NOT_FOUND;
    return ehp_receiver_take_up(&s->receiver, from->roots, from->n_roots, from->mark);
}
