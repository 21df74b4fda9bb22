/* SPDX-License-Identifier: Apache-2.0
 *
 * Reads the saved form of a session (session-form.h) into one that is empty: every part is
 * there and every signature holds, or it is damaged. What it amounts to is session-restore.c's.
 */
#include <stdlib.h>
#include <string.h>

#include "proto/session-form.h"

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

/* No combination that was never written. */
static bool
is_possible(const ehp_session_stage *stage)
{
    if (stage->between)
        return !stage->to_patient && !stage->manifest_only && !stage->refused &&
               !stage->granted;
    if (stage->to_patient)
        return stage->transfer > 0 && !stage->manifest_only && stage->refused != stage->granted;
    return !stage->refused;
}

ehp_status
ehp_form_open(ehp_session *s, session_form *f, ehp_bytes saved, ehp_reader *r)
{
    ehp_status status = ehp_session_stage_of(saved, &f->stage);

    if (status != EHP_OK)
        return status;
    f->format = saved.data[sizeof(form_magic)];
    ehp_reader_init(r, saved.data, saved.len);
    ehp_take(r, sizeof(form_magic) + 1 + (f->format == EHP_FORM_FIRST ? 0 : 4 + 1));
    if (!is_possible(&f->stage))
        return EHP_STATE_DAMAGED;
    s->transfer = f->stage.transfer;
    s->to_patient = f->stage.to_patient;
    s->manifest_only = f->stage.manifest_only;
    s->refused = f->stage.refused;
    s->between = f->stage.between;
    return ehp_secrets_load(&s->secrets, take_with_length(r));
}

static ehp_status
load_keys(ehp_session *s, session_form *f, ehp_reader *r)
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
    take_copy(r, f->salt_key, sizeof(f->salt_key));
    return r->bad || flags > FLAGS || (s->sender.asks && s->transfer > 0) ? EHP_STATE_DAMAGED
                                                                          : EHP_OK;
}

static ehp_status
load_subject(ehp_session *s, ehp_reader *r)
{
    uint8_t kind = ehp_take_u8(r), len = ehp_take_u8(r);
    ehp_bytes subject = ehp_take(r, len);
    ehp_status status;

    if (r->bad || kind > SUBJECT_GIVEN || len > EHP_SUBJECT_MAX ||
        (kind != SUBJECT_GIVEN && len > 0))
        return EHP_STATE_DAMAGED;
    if (kind == SUBJECT_UNKNOWN)
        return EHP_OK;
    status = ehp_receiver_init(&s->receiver);
    if (status != EHP_OK)
        return status;
    s->has_receiver = true;
    s->receiver.subject_known = true;
    s->receiver.has_subject = kind == SUBJECT_GIVEN;
    s->receiver.subject_len = len;
    if (len > 0)
        memcpy(s->receiver.subject, subject.data, len);
    return EHP_OK;
}

/* What a terminal asks for, to be said again. */
static ehp_status
load_request(ehp_session *s, const session_form *f, ehp_reader *r)
{
    const ehp_session_stage *stage = &f->stage;
    bool asking = s->role == EHP_ROLE_TERMINAL && stage->transfer > 0 && !stage->to_patient &&
                  !stage->granted;
    ehp_bytes packed = take_with_length(r);
    ehp_unpacked request = {0};
    ehp_status status = EHP_OK;

    if (r->bad || asking != (packed.len > 0))
        return EHP_STATE_DAMAGED;
    if (!asking)
        return EHP_OK;
    status = ehp_guard_unpack(&ehp__item_request__descriptor, packed, NULL, &request);
    if (status == EHP_OK &&
        ((const Ehp__ItemRequest *)request.message)->manifest_only != stage->manifest_only)
        status = EHP_STATE_DAMAGED;
    ehp_guard_free(&request);
    if (status != EHP_OK)
        return status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
    s->item_request = malloc(packed.len);
    if (s->item_request == NULL)
        return EHP_NO_MEMORY;
    memcpy(s->item_request, packed.data, packed.len);
    s->item_request_len = packed.len;
    return EHP_OK;
}

/* Signatures hold, or it is not what was kept. */
static ehp_status
load_docs(ehp_session *s, const session_form *f, ehp_reader *r)
{
    size_t n = f->format == EHP_FORM_FIRST ? FORM_DOCS_FIRST : LEN(form_docs);

    for (size_t i = 0; i < n; i++) {
        ehp_bytes bytes = take_with_length(r);
        const uint8_t *key = form_docs[i].by_patient ? s->patient_key : s->secrets.leaf_key;
        if (bytes.len == 0)
            continue;
        if (ehp_doc_load(&s->docs[form_docs[i].which], form_docs[i].type, key, bytes) != EHP_OK)
            return EHP_STATE_DAMAGED;
    }
    if (ehp_reader_end(r) != EHP_OK)
        return EHP_STATE_DAMAGED;
    if (s->role == EHP_ROLE_TERMINAL && !ehp_doc_there(&s->docs[EHP_DOC_REQUEST]))
        return EHP_STATE_DAMAGED;
    return EHP_OK;
}

static ehp_status
unpack_docs(ehp_session *s, const session_form *f)
{
    const Ehp__ConsentRequest *request = NULL;
    ehp_status status = EHP_OK;

    if (ehp_doc_there(&s->docs[EHP_DOC_REQUEST]))
        status = ehp_guard_unpack(&ehp__consent_request__descriptor,
                                  s->docs[EHP_DOC_REQUEST].body, NULL, &s->request);
    if (status == EHP_OK)
        request = (const Ehp__ConsentRequest *)s->request.message;
    if (f->format == EHP_FORM_FIRST && request != NULL)
        s->manifest_only = request->manifest_only;
    if (status == EHP_OK && ehp_doc_there(&s->docs[EHP_DOC_CONSENT]))
        status = ehp_guard_unpack(&ehp__consent__descriptor, s->docs[EHP_DOC_CONSENT].body,
                                  NULL, &s->consent);
    return status == EHP_OK || status == EHP_NO_MEMORY ? status : EHP_STATE_DAMAGED;
}

ehp_status
ehp_form_load(ehp_session *s, session_form *f, ehp_reader *r)
{
    ehp_status status = load_keys(s, f, r);

    if (status == EHP_OK && f->format != EHP_FORM_FIRST)
        status = load_subject(s, r);
    if (status == EHP_OK && f->format != EHP_FORM_FIRST)
        status = load_request(s, f, r);
    if (status == EHP_OK)
        status = load_docs(s, f, r);
    return status == EHP_OK ? unpack_docs(s, f) : status;
}
