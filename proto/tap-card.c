/* SPDX-License-Identifier: Apache-2.0
 *
 * The card's actions (patient). Whatever fails is answered with one status word, and nothing of
 * the try is kept; only a commit, which needs the terminal's CONFIRM, leaves anything.
 */
#include "proto/tap-priv.h"

#include <string.h>

static ehp_status
answer(ehp_tap *t, ehp_bytes data, uint16_t sw)
{
    ehp_writer w;
    ehp_status status;

    ehp_writer_init(&w, t->out, sizeof(t->out));
    status = ehp_rapdu_build(data, sw, &w);
    t->out_len = status == EHP_OK ? w.len : 0;
    return status;
}

static ehp_status
answer_word(ehp_tap *t, uint16_t sw)
{
    return answer(t, ehp_bytes_of(NULL, 0), sw);
}

/* version min, max, e: all that an unproven reader ever gets */
static ehp_status
act_select(ehp_tap *t)
{
    uint8_t data[2 + EHP_DH_LEN], e_secret[EHP_DH_LEN];
    ehp_writer w;
    ehp_status status;

    ehp_tap_wipe_try(t);
    t->versions[0] = EHP_VERSION_MIN;
    t->versions[1] = EHP_VERSION_MAX;
    status = ehp_tap_start_noise(t);
    if (status != EHP_OK)
        return status;
    ehp_writer_init(&w, data, sizeof(data));
    ehp_put(&w, t->versions, sizeof(t->versions));
    ehp_drbg_bytes(&t->drbg, e_secret, sizeof(e_secret));
    status = ehp_noise_write(&t->noise, e_secret, ehp_bytes_of(NULL, 0), &w);
    ehp_wipe(e_secret, sizeof(e_secret));
    if (status != EHP_OK)
        return status;
    ehp_tap_emit(t, EHP_TAP_SELECTED, EHP_OK);
    return answer(t, ehp_bytes_of(data, w.len), EHP_SW_OK);
}

static ehp_status
act_not_found(ehp_tap *t)
{
    return answer_word(t, EHP_SW_NOT_FOUND);
}

static ehp_status
act_leave(ehp_tap *t)
{
    ehp_tap_wipe_try(t);
    ehp_tap_emit(t, EHP_TAP_FAILED, EHP_TAP_TORN);
    return answer_word(t, EHP_SW_NOT_FOUND);
}

static ehp_status
keep_fragment(ehp_tap *t)
{
    if (t->c.p1 != t->seq || t->c.data.len == 0 || t->c.data.len > EHP_APDU_DATA_MAX ||
        t->c.data.len > sizeof(t->msg2) - t->msg2_len)
        return EHP_TAP_REJECTED;
    memcpy(t->msg2 + t->msg2_len, t->c.data.data, t->c.data.len);
    t->msg2_len += t->c.data.len;
    t->seq++;
    return EHP_OK;
}

static ehp_status
act_gather(ehp_tap *t)
{
    ehp_status status = keep_fragment(t);

    return status != EHP_OK ? status : answer_word(t, EHP_SW_OK);
}

/* No answer yet: it is message 3 or STOP, and that depends on the verdict. */
static ehp_status
act_judge(ehp_tap *t)
{
    ehp_status status = keep_fragment(t);
    ehp_tap_event *event;

    if (status == EHP_OK)
        status = ehp_tap_read_msg2(t);
    if (status != EHP_OK)
        return status;
    event = ehp_tap_emit(t, EHP_TAP_ASK_VERDICT, EHP_OK);
    event->chain = t->hello_chain;
    event->n_chain = ((const Ehp__TerminalHello *)t->hello.message)->n_chain;
    event->leaf_key = t->secrets.has_chain ? NULL : t->secrets.leaf_key;
    event->purpose = t->secrets.purpose;
    event->categories = t->secrets.categories;
    event->n_categories = t->secrets.n_categories;
    event->address = t->secrets.has_address ? t->secrets.address : NULL;
    event->channel = t->secrets.channel;
    event->oob = t->secrets.has_oob ? t->secrets.oob : NULL;
    return EHP_OK;
}

static ehp_status
act_answer(ehp_tap *t)
{
    uint8_t data[EHP_TAP_MSG3_MAX];
    ehp_writer w;
    ehp_status status;

    memcpy(t->secrets.leaf_key, t->verdict_key, sizeof(t->secrets.leaf_key));
    t->secrets.verdict = t->verdict;
    ehp_writer_init(&w, data, sizeof(data));
    status = ehp_tap_build_msg3(t, &w);
    ehp_guard_free(&t->hello);
    return status != EHP_OK ? status : answer(t, ehp_bytes_of(data, w.len), EHP_SW_OK);
}

static ehp_status
act_stop(ehp_tap *t)
{
    ehp_tap_event *event;

    memset(t->fingerprint, 0, sizeof(t->fingerprint));
    if (t->verdict_key != NULL)
        ehp_fingerprint(t->fingerprint, t->verdict_key);
    event = ehp_tap_emit(t, EHP_TAP_STOPPED, t->verdict);
    event->fingerprint = t->verdict_key != NULL ? t->fingerprint : NULL;
    ehp_tap_wipe_try(t);
    return answer_word(t, EHP_SW_STOP);
}

static ehp_status
act_commit(ehp_tap *t)
{
    ehp_status status = ehp_tap_read_confirm(t, t->c.data);

    if (status != EHP_OK)
        return status;
    ehp_secrets_clear(&t->finished);
    ehp_secrets_move(&t->finished, &t->secrets);
    t->has_finished = true;
    ehp_tap_wipe_try(t);
    ehp_tap_emit(t, EHP_TAP_DONE, EHP_OK);
    return answer_word(t, EHP_SW_OK);
}

static ehp_status
act_busy(ehp_tap *t)
{
    ehp_tap_wipe_try(t);
    ehp_tap_emit(t, EHP_TAP_BUSY, EHP_PEER_BUSY);
    return answer_word(t, EHP_SW_OK);
}

static ehp_status
act_refuse(ehp_tap *t)
{
    return answer_word(t, EHP_SW_FAILED);
}

static ehp_status
act_torn(ehp_tap *t)
{
    ehp_tap_wipe_try(t);
    ehp_tap_emit(t, EHP_TAP_FAILED, EHP_TAP_TORN);
    return EHP_OK;
}

static ehp_status
act_none(ehp_tap *t)
{
    (void)t;
    return EHP_OK;
}

static ehp_status (*const actions[CA_COUNT])(ehp_tap *) = {
    [CA_NONE] = act_none,     [CA_SELECT] = act_select, [CA_NOT_FOUND] = act_not_found,
    [CA_LEAVE] = act_leave,   [CA_GATHER] = act_gather, [CA_JUDGE] = act_judge,
    [CA_ANSWER] = act_answer, [CA_STOP] = act_stop,     [CA_COMMIT] = act_commit,
    [CA_BUSY] = act_busy,     [CA_REFUSE] = act_refuse, [CA_TORN] = act_torn,
};

static ehp_status
fail(ehp_tap *t, ehp_status status)
{
    bool named = status == EHP_NO_MEMORY || status == EHP_VERSION_UNSUPPORTED ||
                 status == EHP_BAD_SIGNATURE;
    ehp_status ignored;

    ehp_tap_wipe_try(t);
    t->state = CS_ARMED;
    ehp_tap_emit(t, EHP_TAP_FAILED, named ? status : EHP_TAP_REJECTED);
    ignored = answer_word(t, EHP_SW_FAILED); /* two bytes always fit */
    (void)ignored;
    return status == EHP_NO_MEMORY ? EHP_NO_MEMORY : EHP_OK;
}

ehp_status
ehp_tap_card_run(ehp_tap *t, card_event event)
{
    const ehp_rule *rule = ehp_machine_find(&ehp_tap_card_machine, t->state, event);
    ehp_status status;

    if (rule == NULL)
        return fail(t, EHP_TAP_REJECTED);
    status = actions[rule->action](t);
    if (status != EHP_OK)
        return fail(t, status);
    t->state = rule->next;
    return EHP_OK;
}

ehp_status
ehp_tap_card_fail(ehp_tap *t, ehp_status status)
{
    return fail(t, status);
}
