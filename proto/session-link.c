/* SPDX-License-Identifier: Apache-2.0
 *
 * The links of a session. Several connections may claim to belong to it; the first record that
 * authenticates decides. Until then a connection costs its own slot and nothing else, whatever
 * it sends.
 */
#include <string.h>

#include "proto/session-priv.h"

void
ehp_link_reset(session_link *l)
{
    ehp_record_clear(&l->records);
    ehp_queue_clear(&l->out);
    ehp_noise_clear(&l->noise);
    ehp_wipe(l, sizeof(*l));
    ehp_queue_init(&l->out, QUEUE_MAX);
    l->deadline = l->begun = UINT64_MAX;
}

/* ---------------------------------------------------------------- actions */

static ehp_status
queue_preamble(ehp_session *s, session_link *l, const uint8_t locator[EHP_KEY_LEN])
{
    uint8_t nonce[16], preamble[EHP_PREAMBLE_LEN];

    ehp_drbg_bytes(&s->drbg, nonce, sizeof(nonce));
    ehp_preamble_make(preamble, locator, l->first, nonce);
    return ehp_queue_push(&l->out, preamble, sizeof(preamble));
}

static void
open_link(ehp_session *s, session_link *l, bool connector, bool first)
{
    ehp_link_reset(l);
    l->connector = connector;
    l->first = first;
    l->order = ++s->opened;
    l->last_rx = l->last_tx = s->now;
}

/* The split keys serve this link and no other, whatever becomes of it. */
static ehp_status
act_take_keys(ehp_session *s, int link)
{
    session_link *l = &s->links[link];

    open_link(s, l, false, true);
    ehp_record_init(&l->records, &s->secrets.send, &s->secrets.recv);
    s->link = link;
    s->suspended_deadline = UINT64_MAX;
    s->wire_in += EHP_PREAMBLE_LEN;
    return EHP_OK;
}

static ehp_status
act_take_keys_preamble(ehp_session *s, int link)
{
    session_link *l = &s->links[link];
    ehp_status status;

    open_link(s, l, true, true);
    status = queue_preamble(s, l, s->secrets.locator);
    ehp_record_init(&l->records, &s->secrets.send, &s->secrets.recv);
    s->link = link;
    s->suspended_deadline = UINT64_MAX;
    return status;
}

static ehp_status
act_await(ehp_session *s, int link)
{
    open_link(s, &s->links[link], false, false);
    s->links[link].deadline = s->now + EHP_JOIN_MS;
    s->wire_in += EHP_PREAMBLE_LEN;
    return EHP_OK;
}

static ehp_status
act_offer_resume(ehp_session *s, int link)
{
    session_link *l = &s->links[link];
    ehp_status status;

    open_link(s, l, true, false);
    l->deadline = s->now + EHP_JOIN_MS;
    status = queue_preamble(s, l, s->held[s->attempt % s->n_held].locator);
    return status != EHP_OK ? status : ehp_resume_offer(s, l);
}

/* Who made this first message has given up the older link, whose generation it is made from: a
 * connector has one link at a time. What is still on its way there would move the position that
 * our ResumeHello tells. One who repeats the message can close nothing that is still used. */
static ehp_status
act_answer_resume(ehp_session *s, int link)
{
    ehp_status status = ehp_resume_answer(s, &s->links[link]), closed;

    if (status != EHP_OK || s->link < 0)
        return status;
    closed = ehp_link_run(s, s->link, LE_LATE);
    (void)closed; /* closing cannot fail */
    return EHP_OK;
}

static ehp_status
act_finish_resume(ehp_session *s, int link)
{
    return ehp_resume_finish(s, &s->links[link]);
}

static ehp_status
act_win(ehp_session *s, int link)
{
    session_link *l = &s->links[link];

    l->deadline = UINT64_MAX;
    ehp_link_overtake(s, link);
    if (s->link < 0 && s->progress_deadline != UINT64_MAX)
        s->progress_deadline += s->now - s->down_at;
    s->link = link;
    s->suspended_deadline = UINT64_MAX;
    s->attempt = UINT32_MAX; /* the close of this link makes it 0: the newest is tried first */
    ehp_session_emit(s, EHP_EV_LINK_UP)->link = link;
    return EHP_OK;
}

static ehp_status
act_agree(ehp_session *s, int link)
{
    /* a listener's hello may have left before ours arrived: only its next record says that it
     * did */
    if (!s->links[link].connector)
        ehp_resume_commit(s, &s->links[link]);
    s->links[link].hello_received = true;
    return act_win(s, link);
}

static ehp_status
act_prove(ehp_session *s, int link)
{
    session_link *l = &s->links[link];

    if (l->connector && !l->first && s->secrets.generation != l->generation)
        ehp_resume_commit(s, l);
    return EHP_OK;
}

/* An authenticated peer that says something else than it must. */
static ehp_status
act_refuse_record(ehp_session *s, int link)
{
    s->link = link;
    return EHP_OUT_OF_ORDER;
}

static void
close_link(ehp_session *s, int link)
{
    session_link *l = &s->links[link];
    bool connector = l->connector;

    ehp_link_reset(l);
    l->close_due = true;
    if (connector)
        s->attempt++;
}

static ehp_status
act_close(ehp_session *s, int link)
{
    close_link(s, link);
    return EHP_OK;
}

static ehp_status
act_bad_tag(ehp_session *s, int link)
{
    close_link(s, link);
    return ++s->bad_tags > EHP_BAD_TAGS_MAX ? EHP_BAD_TAG : EHP_OK;
}

static ehp_status
act_free(ehp_session *s, int link)
{
    bool connector = s->links[link].connector;

    ehp_link_reset(&s->links[link]);
    if (connector)
        s->attempt++;
    return EHP_OK;
}

static ehp_status
act_last_words(ehp_session *s, int link)
{
    session_link *l = &s->links[link];

    /* sealed already: what opens or resumes anything goes now, however slowly this is read */
    ehp_cipher_clear(&l->records.send);
    ehp_cipher_clear(&l->records.recv);
    ehp_wipe(l->locator, sizeof(l->locator));
    ehp_wipe(l->resume, sizeof(l->resume));
    l->flush = l->close_due = true;
    l->deadline = s->now + EHP_FLUSH_MS;
    return EHP_OK;
}

static ehp_status
act_none(ehp_session *s, int link)
{
    (void)s;
    (void)link;
    return EHP_OK;
}

static ehp_status (*const link_actions[LA_COUNT])(ehp_session *, int) = {
    [LA_NONE] = act_none,
    [LA_TAKE_KEYS] = act_take_keys,
    [LA_TAKE_KEYS_PREAMBLE] = act_take_keys_preamble,
    [LA_AWAIT] = act_await,
    [LA_OFFER] = act_offer_resume,
    [LA_ANSWER] = act_answer_resume,
    [LA_FINISH] = act_finish_resume,
    [LA_WIN] = act_win,
    [LA_AGREE] = act_agree,
    [LA_PROVE] = act_prove,
    [LA_REFUSE] = act_refuse_record,
    [LA_CLOSE] = act_close,
    [LA_BAD_TAG] = act_bad_tag,
    [LA_FREE] = act_free,
    [LA_LAST_WORDS] = act_last_words,
};

/* A link that goes: was it the one? */
static bool
ends_the_link(const ehp_session *s, int link, const ehp_rule *rule)
{
    return link == s->link && rule->next == LS_FREE;
}

ehp_status
ehp_link_run(ehp_session *s, int link, link_event event)
{
    session_link *l = &s->links[link];
    const ehp_rule *rule = ehp_machine_find(&ehp_link_machine, l->state, event);
    bool down, lone;
    ehp_status status;

    if (rule == NULL)
        return EHP_INVALID_ARGUMENT;
    down = ends_the_link(s, link, rule);
    lone = l->connector && s->link < 0 && rule->next == LS_FREE && event != LE_OVERTAKEN;
    status = link_actions[rule->action](s, link);
    l->state = rule->next;
    if (status == EHP_OK && down && event != LE_OVERTAKEN)
        ehp_link_down(s);
    else if (status == EHP_OK && lone && s->state != SS_ENDED)
        ehp_session_emit(s, EHP_EV_SUSPENDED)->deadline_ms = ehp_session_deadline(s);
    return status;
}

void
ehp_link_overtake(ehp_session *s, int but)
{
    for (int i = 0; i < EHP_SESSION_LINKS; i++) {
        ehp_status status;
        if (i == but || s->links[i].state == LS_FREE || s->links[i].state == LS_CLOSING)
            continue;
        status = ehp_link_run(s, i, LE_OVERTAKEN);
        (void)status; /* closing cannot fail */
        if (i != s->link)
            continue;
        s->link = -1;
        s->down_at = s->now;
        s->suspended_deadline = s->now + s->resume_ms;
        status = ehp_session_run(s, SE_LINK_LOST); /* what was under way on it is void */
        (void)status;
    }
}

void
ehp_link_down(ehp_session *s)
{
    ehp_status status;

    s->link = -1;
    s->down_at = s->now;
    if (s->state == SS_ENDED)
        return;
    status = ehp_session_run(s, SE_LINK_LOST);
    (void)status; /* these actions only forget */
    s->suspended_deadline = s->now + s->resume_ms;
    ehp_session_emit(s, EHP_EV_SUSPENDED)->deadline_ms =
        s->phase_deadline < s->suspended_deadline ? s->phase_deadline : s->suspended_deadline;
}

void
ehp_link_say_hello(ehp_session *s, int link)
{
    session_link *l = &s->links[link];
    ehp_status status;

    if (l->first || l->hello_sent || s->save_wait ||
        (l->state != LS_HELLO && l->state != LS_UP) || !ehp_resume_settled(s))
        return;
    status = ehp_resume_send_hello(s, l);
    if (status != EHP_OK)
        ehp_session_fail(s, status);
    else
        l->hello_sent = true;
}

/* ---------------------------------------------------------------- opening */

static int
free_slot(ehp_session *s)
{
    int oldest = -1;

    for (int i = 0; i < EHP_SESSION_LINKS; i++) {
        session_link *l = &s->links[i];
        if (l->state == LS_FREE && !l->close_due)
            return i;
        if (i != s->link && l->state != LS_FREE &&
            (oldest < 0 || l->order < s->links[oldest].order))
            oldest = i;
    }
    return oldest;
}

/* A slot for a new connection. One that was evicted is given out as closed first: its number is
 * the caller's until then, so the newcomer has to come again. */
static ehp_status
take_slot(ehp_session *s, int *link)
{
    int slot = free_slot(s);

    if (slot < 0)
        return EHP_LIMIT_REACHED;
    if (s->links[slot].state != LS_FREE) {
        ehp_status status = ehp_link_run(s, slot, LE_OVERTAKEN);
        (void)status;
        return EHP_LIMIT_REACHED;
    }
    *link = slot;
    return EHP_OK;
}

static bool
first_possible(const ehp_session *s)
{
    return s->secrets.send.has_key;
}

bool
ehp_session_matches(const ehp_session *s, const ehp_preamble *preamble)
{
    /* its own preamble, said back, would fit a patient's session too */
    if (s->state == SS_ENDED || s->role != EHP_ROLE_TERMINAL)
        return false;
    return ehp_preamble_fits(preamble, s->held[0].locator, false) ||
           (first_possible(s) && ehp_preamble_fits(preamble, s->held[0].locator, true));
}

ehp_status
ehp_session_accept(ehp_session *s, const ehp_preamble *preamble, uint64_t now_ms, int *link)
{
    bool first;
    ehp_status status;

    s->now = now_ms;
    *link = -1;
    if (s->state == SS_ENDED)
        return EHP_WRONG_STATE;
    if (!ehp_session_matches(s, preamble))
        return EHP_NOT_FOUND;
    first = first_possible(s) && ehp_preamble_fits(preamble, s->held[0].locator, true);
    status = take_slot(s, link);
    if (status == EHP_OK)
        status = ehp_link_run(s, *link, first ? LE_ACCEPT_FIRST : LE_ACCEPT_RESUME);
    if (status == EHP_OK && first)
        status = ehp_session_run(s, SE_AGREED); /* nothing to agree on: begin */
    ehp_session_settle(s);
    return status;
}

ehp_status
ehp_session_connect(ehp_session *s, uint64_t now_ms, int *link)
{
    ehp_status status;

    s->now = now_ms;
    *link = -1;
    if (s->state == SS_ENDED || s->role != EHP_ROLE_PATIENT)
        return EHP_WRONG_STATE;
    ehp_link_overtake(s, -1);
    status = take_slot(s, link);
    if (status == EHP_OK)
        status =
            ehp_link_run(s, *link, first_possible(s) ? LE_CONNECT_FIRST : LE_CONNECT_RESUME);
    ehp_session_settle(s);
    return status;
}

void
ehp_session_link_lost(ehp_session *s, int link, uint64_t now_ms)
{
    ehp_status status;

    s->now = now_ms;
    if (link < 0 || link >= EHP_SESSION_LINKS || s->links[link].state == LS_FREE)
        return;
    status = ehp_link_run(s, link, LE_LOST);
    (void)status; /* freeing cannot fail */
    ehp_session_settle(s);
}
