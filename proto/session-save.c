/* SPDX-License-Identifier: Apache-2.0
 *
 * A session over the end of its process. The saved form (session-form.h) holds what cannot be
 * had again: keys, generations, what was agreed, which transfer it is; not the items (the
 * caller has their list) nor how far they are (marks, which change with every segment).
 */
#include <stdlib.h>
#include <string.h>

#include "proto/session-form.h"

void
ehp_session_want_save(ehp_session *s, bool wait)
{
    if (!s->saves)
        return;
    s->save_due = true;
    s->save_wait = s->save_wait || wait;
}

static ehp_status
say(ehp_session *s, session_word word)
{
    switch (word) {
    case SAY_NOTHING:
    case SAY_PAGES: /* with what follows them, when there is room for it */
        break;
    case SAY_CONSENT:
        return ehp_session_send_consent(s);
    case SAY_REQUEST:
        return ehp_session_say_request(s);
    case SAY_ACCEPT:
        return ehp_session_say_accept(s);
    case SAY_REFUSAL:
        return ehp_session_say_no(s);
    }
    return EHP_OK;
}

ehp_status
ehp_session_say_kept(ehp_session *s, session_word word)
{
    ehp_session_want_save(s, true);
    if (!s->save_wait)
        return say(s, word);
    s->say_due = word;
    return EHP_OK;
}

static ehp_status
say_what_is_due(ehp_session *s)
{
    session_word word = s->say_due;
    ehp_status status;

    s->say_due = SAY_NOTHING;
    status = say(s, word);
    if (status != EHP_OK)
        ehp_session_fail(s, status);
    return status;
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
    if (!s->save_wait)
        status = say_what_is_due(s);
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

static uint8_t
stage_bits(const ehp_session *s)
{
    ehp_document manifest = s->to_patient ? EHP_DOC_REPLY_MANIFEST : EHP_DOC_MANIFEST;

    if (session_between(s))
        return STAGE_BETWEEN;
    return (uint8_t)((s->to_patient ? STAGE_TO_PATIENT : 0) |
                     (s->manifest_only ? STAGE_LIST : 0) | (s->refused ? STAGE_REFUSED : 0) |
                     (!s->refused && ehp_doc_there(&s->docs[manifest]) ? STAGE_GRANTED : 0));
}

static void
put_keys(const ehp_session *s, ehp_writer *out)
{
    static const uint8_t none[32];
    bool sends = s->has_sender && session_sends(s) && !session_between(s);

    ehp_put_u8(out, (uint8_t)s->n_held);
    for (size_t i = 0; i < s->n_held; i++) {
        ehp_put_be32(out, s->held[i].number);
        ehp_put(out, s->held[i].locator, EHP_KEY_LEN);
        ehp_put(out, s->held[i].resume, EHP_KEY_LEN);
    }
    ehp_put_u8(out, (uint8_t)((s->has_patient_key ? FLAG_PATIENT_KEY : 0) |
                              (s->extended ? FLAG_EXTENDED : 0) |
                              (s->receipt_acked ? FLAG_RECEIPT_ACKED : 0) |
                              (sends && s->sender.asks ? FLAG_ASKS : 0)));
    ehp_put_be32(out, s->crl_state);
    ehp_put(out, s->patient_key, sizeof(s->patient_key));
    ehp_put(out, s->patient_secret, sizeof(s->patient_secret));
    ehp_put(out, s->patient_proof, sizeof(s->patient_proof));
    ehp_put(out, sends ? s->sender.list.salt_key : none, sizeof(none));
}

/* Whom everything that comes in this session is about, as far as a manifest said. */
static void
put_subject(const ehp_session *s, ehp_writer *out)
{
    const ehp_receiver *r = &s->receiver;
    bool known = s->has_receiver && (r->subject_known || (r->accepted && r->subject_seen));
    size_t len = known && r->has_subject ? r->subject_len : 0;

    ehp_put_u8(out, !known ? SUBJECT_UNKNOWN : r->has_subject ? SUBJECT_GIVEN : SUBJECT_NONE);
    ehp_put_u8(out, (uint8_t)len);
    ehp_put(out, r->subject, len);
}

/* The receipt of the transfer in course is the caller's, who stores it as such. What became of
 * the items a patient's caller is told again, who may not have heard it. */
static bool
is_kept(const ehp_session *s, ehp_document which)
{
    if (which == EHP_DOC_STATUS)
        return s->role == EHP_ROLE_TERMINAL;
    return which != EHP_DOC_RECEIPT || s->to_patient || s->between;
}

ehp_status
ehp_session_save(const ehp_session *s, ehp_writer *out)
{
    ehp_status status;

    if (s->state == SS_ENDED)
        return EHP_WRONG_STATE;
    ehp_put(out, form_magic, sizeof(form_magic));
    ehp_put_u8(out, EHP_FORM);
    ehp_put_be32(out, s->transfer - (session_unanswered(s) ? 1 : 0));
    ehp_put_u8(out, stage_bits(s));
    status = put_secrets(s, out);
    if (status != EHP_OK)
        return status;
    put_keys(s, out);
    put_subject(s, out);
    put_with_length(out, s->item_request, s->state == SS_REQUESTING ? s->item_request_len : 0);
    for (size_t i = 0; i < LEN(form_docs); i++) {
        const ehp_doc *doc = &s->docs[form_docs[i].which];
        put_with_length(out, doc->bytes, is_kept(s, form_docs[i].which) ? doc->len : 0);
    }
    return ehp_writer_end(out);
}

ehp_status
ehp_session_stage_of(ehp_bytes saved, ehp_session_stage *out)
{
    ehp_reader r;
    ehp_bytes head;
    uint8_t format, stage;

    memset(out, 0, sizeof(*out));
    ehp_reader_init(&r, saved.data, saved.len);
    head = ehp_take(&r, sizeof(form_magic));
    if (head.data == NULL || memcmp(head.data, form_magic, sizeof(form_magic)) != 0)
        return EHP_STATE_DAMAGED;
    format = ehp_take_u8(&r);
    if (format > EHP_FORM)
        return EHP_STATE_TOO_NEW;
    if (format < EHP_FORM)
        return format == EHP_FORM_FIRST ? EHP_OK : EHP_STATE_DAMAGED;
    out->transfer = ehp_take_be32(&r);
    stage = ehp_take_u8(&r);
    if (r.bad || stage > STAGES || out->transfer >= EHP_TRANSFERS_MAX)
        return EHP_STATE_DAMAGED;
    out->to_patient = (stage & STAGE_TO_PATIENT) != 0;
    out->manifest_only = (stage & STAGE_LIST) != 0;
    out->refused = (stage & STAGE_REFUSED) != 0;
    out->between = (stage & STAGE_BETWEEN) != 0;
    out->granted = (stage & STAGE_GRANTED) != 0;
    return EHP_OK;
}

ehp_status
ehp_session_mark(const ehp_session *s, ehp_writer *out)
{
    if (s->has_sender && session_sends(s) && s->sender.acked.item < s->sender.list.n_items)
        ehp_mark_put(out, s->sender.acked.item, &s->sender.acked_tree);
    return ehp_writer_end(out);
}
