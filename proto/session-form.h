/* SPDX-License-Identifier: Apache-2.0
 *
 * The saved form of a session, between who writes it (session-save.c) and who reads it
 * (session-load.c):
 *
 *     "EHR" "2" ‖ be32 transfer ‖ u8 stage ‖ be32 length, secrets ‖
 *     u8 n, n × (be32 number ‖ locator 32 ‖ resume 32) ‖ u8 flags ‖ be32 crl_state ‖
 *     patient key 32 ‖ its secret 64 ‖ its proof 64 ‖ salt key 32 ‖
 *     u8 subject known, u8 length, subject ‖ be32 length, ItemRequest ‖
 *     6 × (be32 length, document): request, consent, manifest, receipt, status, reply manifest
 *
 * "EHR" "1", of versions that kept the first transfer only, has neither transfer, stage,
 * subject nor ItemRequest, and three documents.
 */
#pragma once

#include "proto/session-priv.h"

#define EHP_FORM_FIRST '1' /* one transfer only */
#define EHP_FORM       '2'

enum {
    FLAG_PATIENT_KEY = 1,
    FLAG_EXTENDED = 2,
    FLAG_RECEIPT_ACKED = 4,
    FLAG_ASKS = 8,
    FLAGS = 15,
};

enum {
    STAGE_TO_PATIENT = 1,
    STAGE_LIST = 2,
    STAGE_REFUSED = 4,
    STAGE_BETWEEN = 8,
    STAGE_GRANTED = 16,
    STAGES = 31,
};

enum { SUBJECT_UNKNOWN, SUBJECT_NONE, SUBJECT_GIVEN };

static const uint8_t form_magic[3] = {'E', 'H', 'R'};

static const struct {
    ehp_document which;
    ehp_sign_type type;
    bool by_patient;
} form_docs[] = {
    {EHP_DOC_REQUEST, EHP_SIGN_CONSENT_REQUEST, false},
    {EHP_DOC_CONSENT, EHP_SIGN_CONSENT, true},
    {EHP_DOC_MANIFEST, EHP_SIGN_MANIFEST, true},
    {EHP_DOC_RECEIPT, EHP_SIGN_RECEIPT, false},
    {EHP_DOC_STATUS, EHP_SIGN_STATUS, false},
    {EHP_DOC_REPLY_MANIFEST, EHP_SIGN_MANIFEST, false},
};
#define FORM_DOCS_FIRST 3

typedef struct {
    ehp_session_stage stage;
    uint8_t format;
    uint8_t salt_key[32]; /* secret */
} session_form;

/* session-load.c. Into an empty session: which transfer, and the secrets; then, behind the
 * configuration, the rest. STATE_DAMAGED, STATE_TOO_NEW. */
ehp_status ehp_form_open(ehp_session *s, session_form *f, ehp_bytes saved, ehp_reader *r);
ehp_status ehp_form_load(ehp_session *s, session_form *f, ehp_reader *r);

/* A patient that has heard of a transfer and not answered: with its process that is forgotten,
 * and the terminal says it again. */
static inline bool
session_unanswered(const ehp_session *s)
{
    return s->state == SS_REQUESTED || s->state == SS_REPLY_PAGES ||
           s->state == SS_REPLY_OFFERED;
}
static inline bool
session_between(const ehp_session *s)
{
    return s->between || session_unanswered(s);
}
