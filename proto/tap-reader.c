/* SPDX-License-Identifier: Apache-2.0
 *
 * The reader's actions (terminal): SELECT, message 2 in fragments, message 3, CONFIRM.
 */
#include "proto/tap-priv.h"

#include <string.h>

const uint8_t ehp_aid[EHP_AID_LEN] = {0xf0, 'e', 'h', 'r', 'l', 'i', 'n', 'k'};

static ehp_status
push_command(ehp_tap *t, const ehp_capdu *c)
{
    ehp_writer w;
    ehp_status status;

    ehp_writer_init(&w, t->out, sizeof(t->out));
    status = ehp_capdu_build(c, &w);
    t->out_len = status == EHP_OK ? w.len : 0;
    return status;
}

static ehp_status
act_select(ehp_tap *t)
{
    ehp_capdu c = {0x00, 0xa4, 0x04, 0x00, {ehp_aid, EHP_AID_LEN}};

    ehp_tap_wipe_try(t);
    t->secrets = t->mine;
    return push_command(t, &c);
}

/* R-APDU of SELECT: version min, max, e. */
static ehp_status
act_begin(ehp_tap *t)
{
    uint8_t empty[1]; /* message 1 has no payload */
    ehp_writer none;
    ehp_status status;

    if (t->r.data.len != sizeof(t->versions) + EHP_DH_LEN)
        return EHP_TAP_REJECTED;
    memcpy(t->versions, t->r.data.data, sizeof(t->versions));
    if (t->versions[0] > EHP_VERSION_MAX || t->versions[1] < EHP_VERSION_MIN)
        return EHP_VERSION_UNSUPPORTED;
    t->secrets.version = t->versions[1] < EHP_VERSION_MAX ? t->versions[1] : EHP_VERSION_MAX;
    status = ehp_tap_start_noise(t);
    if (status != EHP_OK)
        return status;
    ehp_writer_init(&none, empty, 0);
    status = ehp_noise_read(
        &t->noise, ehp_bytes_of(t->r.data.data + sizeof(t->versions), EHP_DH_LEN), &none);
    return status != EHP_OK ? status : ehp_tap_build_msg2(t);
}

static ehp_status
act_tell_busy(ehp_tap *t)
{
    ehp_capdu c = {EHP_CLA, EHP_INS_BUSY, 0, 0, {NULL, 0}};

    return push_command(t, &c);
}

static ehp_status
act_busy_told(ehp_tap *t)
{
    ehp_tap_wipe_try(t);
    ehp_tap_emit(t, EHP_TAP_BUSY, EHP_OK);
    return EHP_OK;
}

static size_t
next_fragment(const ehp_tap *t)
{
    size_t left = t->msg2_len - t->msg2_sent;

    return left < EHP_APDU_DATA_MAX ? left : EHP_APDU_DATA_MAX;
}

static ehp_status
act_fragment(ehp_tap *t)
{
    size_t len = next_fragment(t);
    ehp_capdu c = {EHP_CLA,
                   EHP_INS_MESSAGE2,
                   t->seq,
                   t->msg2_sent + len < t->msg2_len,
                   {t->msg2 + t->msg2_sent, len}};

    t->seq++;
    t->msg2_sent += len;
    return push_command(t, &c);
}

static ehp_status
act_finish(ehp_tap *t)
{
    ehp_status status = ehp_tap_read_msg3(t, t->r.data);
    ehp_writer w;
    ehp_tap_event *event;

    if (status != EHP_OK)
        return status;
    ehp_writer_init(&w, t->saved, sizeof(t->saved));
    status = ehp_secrets_save(&t->secrets, &w);
    if (status != EHP_OK)
        return status;
    event = ehp_tap_emit(t, EHP_TAP_STORE_PENDING, EHP_OK);
    event->saved = ehp_bytes_of(t->saved, w.len);
    return EHP_OK;
}

static ehp_status
act_confirm(ehp_tap *t)
{
    uint8_t sealed[EHP_TAP_CONFIRM_MAX];
    ehp_writer w;
    ehp_capdu c = {EHP_CLA, EHP_INS_CONFIRM, 0, 0, {sealed, 0}};
    ehp_status status;

    ehp_wipe(t->saved, sizeof(t->saved));
    ehp_writer_init(&w, sealed, sizeof(sealed));
    status = ehp_tap_build_confirm(t, &w);
    c.data.len = w.len;
    return status != EHP_OK ? status : push_command(t, &c);
}

static void
hand_out(ehp_tap *t)
{
    ehp_secrets_clear(&t->finished);
    ehp_secrets_move(&t->finished, &t->secrets);
    t->has_finished = true;
    ehp_tap_wipe_try(t);
}

static ehp_status
act_done(ehp_tap *t)
{
    hand_out(t);
    ehp_tap_emit(t, EHP_TAP_DONE, EHP_OK);
    return EHP_OK;
}

static ehp_status
act_torn(ehp_tap *t)
{
    ehp_tap_wipe_try(t);
    ehp_tap_emit(t, EHP_TAP_FAILED, EHP_TAP_TORN);
    return EHP_OK;
}

static ehp_status
act_uncertain(ehp_tap *t)
{
    if (t->out_len > 0) /* CONFIRM never left: the card cannot have committed */
        return act_torn(t);
    hand_out(t);
    ehp_tap_emit(t, EHP_TAP_UNCERTAIN, EHP_TAP_TORN);
    return EHP_OK;
}

static ehp_status
act_stopped(ehp_tap *t)
{
    ehp_tap_wipe_try(t);
    ehp_tap_emit(t, EHP_TAP_STOPPED, EHP_UNVERIFIED);
    return EHP_OK;
}

static ehp_status
act_foreign(ehp_tap *t)
{
    ehp_tap_wipe_try(t);
    ehp_tap_emit(t, EHP_TAP_FAILED, EHP_FOREIGN_DEVICE);
    return EHP_OK;
}

/* The status is the caller's of ehp_tap_stored; tap.c reports it. */
static ehp_status
act_none(ehp_tap *t)
{
    (void)t;
    return EHP_OK;
}

static ehp_status (*const actions[RA_COUNT])(ehp_tap *) = {
    [RA_NONE] = act_none,           [RA_SELECT] = act_select,
    [RA_BEGIN] = act_begin,         [RA_TELL_BUSY] = act_tell_busy,
    [RA_BUSY_TOLD] = act_busy_told, [RA_FRAGMENT] = act_fragment,
    [RA_FINISH] = act_finish,       [RA_CONFIRM] = act_confirm,
    [RA_STORE_FAILED] = act_none,   [RA_DONE] = act_done,
    [RA_STOPPED] = act_stopped,     [RA_FOREIGN] = act_foreign,
    [RA_TORN] = act_torn,           [RA_UNCERTAIN] = act_uncertain,
};

/* A failed try: nothing of it stays. What the peer did wrong in the handshake is one status. */
static ehp_status
fail(ehp_tap *t, ehp_status status)
{
    bool ours =
        status == EHP_NO_MEMORY || status == EHP_INTERNAL || status == EHP_VERSION_UNSUPPORTED;

    ehp_tap_wipe_try(t);
    t->state = RS_IDLE;
    ehp_tap_emit(t, EHP_TAP_FAILED, ours ? status : EHP_TAP_REJECTED);
    return status == EHP_NO_MEMORY ? EHP_NO_MEMORY : EHP_OK;
}

ehp_status
ehp_tap_reader_run(ehp_tap *t, reader_event event)
{
    const ehp_rule *rule = ehp_machine_find(&ehp_tap_reader_machine, t->state, event);
    ehp_status status;

    if (rule == NULL)
        return fail(t, EHP_TAP_REJECTED);
    status = actions[rule->action](t);
    if (status != EHP_OK)
        return fail(t, status);
    t->state = rule->next;
    if (t->state == RS_PUSHING)
        return ehp_tap_reader_run(t, t->msg2_sent + next_fragment(t) < t->msg2_len ? RE_MORE
                                                                                   : RE_LAST);
    return EHP_OK;
}
