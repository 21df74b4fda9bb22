/* SPDX-License-Identifier: Apache-2.0
 *
 * The tap's public face: configuration, which APDU is which event, output, answers, time.
 */
#include "proto/tap-priv.h"

#include <stdlib.h>
#include <string.h>

static ehp_status
check_config(const ehp_tap_config *c)
{
    bool terminal = c->role == EHP_ROLE_TERMINAL && c->nfc == EHP_NFC_READER;
    bool patient = c->role == EHP_ROLE_PATIENT && c->nfc == EHP_NFC_CARD;

    if (!terminal && !patient)
        return EHP_INVALID_ARGUMENT;
    if (patient || c->busy)
        return EHP_OK;
    if (c->leaf_secret == NULL || c->n_chain > EHP_CHAIN_MAX ||
        c->n_categories > EHP_TAP_CATEGORIES_MAX)
        return EHP_INVALID_ARGUMENT;
    if (c->address != NULL && (c->channel < 1 || c->channel > 30))
        return EHP_INVALID_ARGUMENT;
    for (size_t i = 0; i < c->n_chain; i++)
        if (c->chain[i].len == 0 || c->chain[i].len > EHP_CERT_MAX)
            return EHP_INVALID_ARGUMENT;
    return EHP_OK;
}

static ehp_status
copy_chain(ehp_tap *t, const ehp_tap_config *c)
{
    size_t total = 0, at = 0;

    for (size_t i = 0; i < c->n_chain; i++)
        total += c->chain[i].len;
    if (total == 0)
        return EHP_OK;
    t->chain_store = malloc(total);
    if (t->chain_store == NULL)
        return EHP_NO_MEMORY;
    for (size_t i = 0; i < c->n_chain; i++) {
        memcpy(t->chain_store + at, c->chain[i].data, c->chain[i].len);
        t->chain[i] = ehp_bytes_of(t->chain_store + at, c->chain[i].len);
        at += c->chain[i].len;
    }
    t->n_chain = c->n_chain;
    return EHP_OK;
}

static void
copy_terminal(ehp_tap *t, const ehp_tap_config *c)
{
    ehp_secrets *m = &t->mine;

    memcpy(t->leaf_secret, c->leaf_secret, sizeof(t->leaf_secret));
    memcpy(m->leaf_key, c->leaf_secret + EHP_SIGN_SEED_LEN, sizeof(m->leaf_key));
    m->has_chain = c->n_chain > 0;
    ehp_chain_hash(m->chain_hash, t->chain, t->n_chain);
    m->purpose = c->purpose;
    m->n_categories = c->n_categories;
    for (size_t i = 0; i < c->n_categories; i++)
        m->categories[i] = c->categories[i];
    m->has_address = c->address != NULL;
    if (c->address != NULL)
        memcpy(m->address, c->address, sizeof(m->address));
    m->channel = c->channel;
    m->has_oob = c->oob != NULL;
    if (c->oob != NULL)
        memcpy(m->oob, c->oob, sizeof(m->oob));
}

static void
copy_patient(ehp_tap *t, const ehp_tap_config *c)
{
    ehp_secrets *m = &t->mine;

    m->capabilities = c->capabilities;
    m->has_patient_address = c->patient_address != NULL;
    if (c->patient_address != NULL)
        memcpy(m->patient_address, c->patient_address, sizeof(m->patient_address));
    m->has_patient_oob = c->patient_oob != NULL;
    if (c->patient_oob != NULL)
        memcpy(m->patient_oob, c->patient_oob, sizeof(m->patient_oob));
}

/* A chain that does not fit is found now, not at the first tap: message 2 is made once for the
 * try. */
static ehp_status
try_message2(ehp_tap *t)
{
    ehp_drbg saved = t->drbg;
    uint8_t e_public[EHP_DH_LEN], secret[EHP_DH_LEN];
    uint8_t empty[1]; /* message 1 has no payload */
    ehp_writer none;
    ehp_status status;

    t->secrets = t->mine;
    t->secrets.version = EHP_VERSION_MAX;
    t->versions[0] = EHP_VERSION_MIN;
    t->versions[1] = EHP_VERSION_MAX;
    memset(secret, 1, sizeof(secret));
    ehp_noise_public(e_public, secret);
    ehp_writer_init(&none, empty, 0);
    status = ehp_tap_start_noise(t);
    if (status == EHP_OK)
        status = ehp_noise_read(&t->noise, ehp_bytes_of(e_public, sizeof(e_public)), &none);
    if (status == EHP_OK)
        status = ehp_tap_build_msg2(t);
    ehp_tap_wipe_try(t);
    /* what this dry run drew never left: the real try may draw the same */
    t->drbg = saved;
    ehp_drbg_clear(&saved);
    return status;
}

ehp_status
ehp_tap_new(const ehp_tap_config *config, ehp_tap **out)
{
    ehp_status status = check_config(config);
    ehp_tap *t;

    *out = NULL;
    if (status != EHP_OK)
        return status;
    t = calloc(1, sizeof(*t));
    if (t == NULL)
        return EHP_NO_MEMORY;
    t->role = config->role;
    t->nfc = config->nfc;
    t->busy = config->busy;
    t->deadline = UINT64_MAX;
    ehp_drbg_init(&t->drbg, config->seed);
    if (t->role == EHP_ROLE_PATIENT) {
        copy_patient(t, config);
    } else if (!t->busy) {
        status = copy_chain(t, config);
        if (status == EHP_OK) {
            copy_terminal(t, config);
            status = try_message2(t);
        }
    }
    if (status != EHP_OK) {
        ehp_tap_free(t);
        return status;
    }
    *out = t;
    return EHP_OK;
}

void
ehp_tap_free(ehp_tap *tap)
{
    if (tap == NULL)
        return;
    ehp_guard_free(&tap->hello);
    free(tap->chain_store);
    ehp_wipe(tap, sizeof(*tap));
    free(tap);
}

void
ehp_tap_wipe_try(ehp_tap *t)
{
    ehp_noise_clear(&t->noise);
    ehp_guard_free(&t->hello);
    ehp_secrets_clear(&t->secrets);
    ehp_wipe(t->saved, sizeof(t->saved));
    t->msg2_len = t->msg2_sent = 0;
    t->seq = 0;
    t->out_len = 0;
}

/* The oldest is dropped when nobody fetches them; only the newest matter. */
ehp_tap_event *
ehp_tap_emit(ehp_tap *t, ehp_tap_event_type type, ehp_status status)
{
    ehp_tap_event *event;

    if (t->n_events == TAP_EVENTS_MAX) {
        memmove(t->events, t->events + 1, (TAP_EVENTS_MAX - 1) * sizeof(*t->events));
        t->n_events--;
    }
    event = &t->events[t->n_events++];
    memset(event, 0, sizeof(*event));
    event->type = type;
    event->status = status;
    return event;
}

/* A question whose try is over must not be asked any more. */
static void
drop_stale_questions(ehp_tap *t)
{
    size_t kept = 0;

    for (size_t i = 0; i < t->n_events; i++) {
        ehp_tap_event_type type = t->events[i].type;
        bool stale = (type == EHP_TAP_ASK_VERDICT && t->state != CS_JUDGING) ||
                     (type == EHP_TAP_STORE_PENDING && t->state != RS_STORING);
        if (!stale)
            t->events[kept++] = t->events[i];
    }
    t->n_events = kept;
}

static void
touch(ehp_tap *t, uint64_t now_ms)
{
    bool resting = t->role == EHP_ROLE_TERMINAL ? t->state == RS_IDLE || t->state == RS_DONE
                                                : t->state == CS_ARMED || t->state == CS_DONE;

    drop_stale_questions(t);
    t->deadline = resting ? UINT64_MAX : now_ms + EHP_TAP_MS;
}

ehp_status
ehp_tap_start(ehp_tap *tap, uint64_t now_ms)
{
    ehp_status status;

    if (tap->role != EHP_ROLE_TERMINAL || tap->state == RS_DONE)
        return EHP_WRONG_STATE;
    if (tap->state == RS_CONFIRMING)
        ehp_tap_lost(tap, now_ms);
    else if (tap->state != RS_IDLE)
        tap->state = RS_IDLE; /* the next SELECT wipes what there is */
    status = ehp_tap_reader_run(tap, tap->busy ? RE_START_BUSY : RE_START);
    touch(tap, now_ms);
    return status;
}

static reader_event
classify_response(ehp_tap *t, ehp_bytes in)
{
    if (ehp_rapdu_parse(in, &t->r) != EHP_OK)
        return RE_OTHER;
    if (t->r.sw == EHP_SW_OK)
        return t->r.data.len > 0 ? RE_DATA : RE_OK;
    if (t->r.data.len > 0)
        return RE_OTHER;
    if (t->r.sw == EHP_SW_STOP)
        return RE_STOP;
    return t->r.sw == EHP_SW_NOT_FOUND ? RE_NOT_FOUND : RE_OTHER;
}

static card_event
classify_own(const ehp_capdu *c)
{
    switch (c->ins) {
    case EHP_INS_MESSAGE2:
        return c->p2 == 1 ? CE_FRAGMENT : c->p2 == 0 ? CE_LAST : CE_OTHER;
    case EHP_INS_CONFIRM:
        return c->p1 == 0 && c->p2 == 0 ? CE_CONFIRM : CE_OTHER;
    case EHP_INS_BUSY:
        return c->p1 == 0 && c->p2 == 0 && c->data.len == 0 ? CE_BUSY : CE_OTHER;
    }
    return CE_OTHER;
}

static card_event
classify_command(ehp_tap *t, ehp_bytes in)
{
    if (ehp_capdu_parse(in, &t->c) != EHP_OK)
        return CE_OTHER;
    if (ehp_capdu_is_select(&t->c))
        return ehp_bytes_equal(t->c.data, ehp_bytes_of(ehp_aid, EHP_AID_LEN)) && t->c.p2 == 0
                   ? CE_SELECT
                   : CE_SELECT_OTHER;
    return t->c.cla == EHP_CLA ? classify_own(&t->c) : CE_OTHER;
}

static bool
reader_waits(const ehp_tap *t)
{
    return t->out_len == 0 && t->state != RS_IDLE && t->state != RS_STORING &&
           t->state != RS_DONE;
}

ehp_status
ehp_tap_feed(ehp_tap *tap, const uint8_t *apdu, size_t len, uint64_t now_ms)
{
    ehp_bytes in = {apdu, len};
    ehp_status status;

    if (tap->role == EHP_ROLE_TERMINAL && !reader_waits(tap))
        return EHP_WRONG_STATE;
    tap->out_len = 0; /* a card that is asked again owes the new answer only */
    status = tap->role == EHP_ROLE_TERMINAL
                 ? ehp_tap_reader_run(tap, classify_response(tap, in))
                 : ehp_tap_card_run(tap, classify_command(tap, in));
    touch(tap, now_ms);
    return status;
}

ehp_bytes
ehp_tap_take(ehp_tap *tap, uint64_t now_ms)
{
    ehp_bytes out = {tap->out, tap->out_len};

    (void)now_ms;
    tap->out_len = 0;
    return out;
}

static void
run_quietly(ehp_tap *tap, bool lost, uint64_t now_ms)
{
    ehp_status status = tap->role == EHP_ROLE_TERMINAL
                            ? ehp_tap_reader_run(tap, lost ? RE_LOST : RE_SILENT)
                            : ehp_tap_card_run(tap, lost ? CE_LOST : CE_SILENT);

    (void)status; /* these actions only forget; they cannot fail */
    touch(tap, now_ms);
}

void
ehp_tap_lost(ehp_tap *tap, uint64_t now_ms)
{
    run_quietly(tap, true, now_ms);
}

ehp_status
ehp_tap_verdict(ehp_tap *tap, ehp_status verdict, bool allowed, const uint8_t *leaf_key,
                uint64_t now_ms)
{
    bool good = verdict == EHP_OK || allowed;
    ehp_status status;

    if (tap->role != EHP_ROLE_PATIENT || tap->state != CS_JUDGING)
        return EHP_WRONG_STATE;
    if (!tap->secrets.has_chain && (verdict == EHP_OK || leaf_key == NULL ||
                                    memcmp(leaf_key, tap->secrets.leaf_key, 32) != 0))
        return EHP_INVALID_ARGUMENT;
    if (good && leaf_key == NULL)
        return EHP_INVALID_ARGUMENT;
    tap->verdict = verdict;
    tap->verdict_key = leaf_key;
    status = leaf_key == NULL ? EHP_OK : ehp_tap_check_signature(tap, leaf_key);
    status = status != EHP_OK ? ehp_tap_card_fail(tap, status)
                              : ehp_tap_card_run(tap, good ? CE_GOOD : CE_BAD);
    tap->verdict_key = NULL;
    touch(tap, now_ms);
    return status;
}

ehp_status
ehp_tap_stored(ehp_tap *tap, ehp_status status, uint64_t now_ms)
{
    ehp_status result;

    if (tap->role != EHP_ROLE_TERMINAL || tap->state != RS_STORING)
        return EHP_WRONG_STATE;
    result = ehp_tap_reader_run(tap, status == EHP_OK ? RE_STORED : RE_STORE_FAILED);
    if (status != EHP_OK) {
        ehp_tap_wipe_try(tap);
        ehp_tap_emit(tap, EHP_TAP_FAILED, status);
    }
    touch(tap, now_ms);
    return result;
}

bool
ehp_tap_next_event(ehp_tap *tap, ehp_tap_event *event)
{
    if (tap->n_events == 0) {
        memset(event, 0, sizeof(*event));
        return false;
    }
    *event = tap->events[0];
    memmove(tap->events, tap->events + 1, (tap->n_events - 1) * sizeof(*tap->events));
    tap->n_events--;
    return true;
}

ehp_status
ehp_tap_take_secrets(ehp_tap *tap, ehp_secrets *out)
{
    if (!tap->has_finished)
        return EHP_WRONG_STATE;
    ehp_secrets_move(out, &tap->finished);
    tap->has_finished = false;
    return EHP_OK;
}

uint64_t
ehp_tap_deadline(const ehp_tap *tap)
{
    return tap->deadline;
}

void
ehp_tap_tick(ehp_tap *tap, uint64_t now_ms)
{
    if (now_ms >= tap->deadline)
        run_quietly(tap, false, now_ms);
}
