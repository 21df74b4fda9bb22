/* SPDX-License-Identifier: Apache-2.0
 *
 * The session's deadlines: one per phase, one for a link that is gone, one for progress, and
 * the links' own.
 */
#include "proto/session-priv.h"

static uint64_t
least(uint64_t a, uint64_t b)
{
    return a < b ? a : b;
}

/* A patient's device says nothing at all before consent, not even that it lives. */
static bool
pings(const ehp_session *s)
{
    return s->role == EHP_ROLE_TERMINAL || ehp_doc_there(&s->docs[EHP_DOC_CONSENT]);
}

/* And so is not missed while it is silent; nor is a peer whom we do not listen to ourselves. */
static bool
misses(const ehp_session *s)
{
    return s->state != SS_ASKING && !ehp_session_blocked(s);
}

static bool
live(const ehp_session *s)
{
    return s->state != SS_ENDED && ehp_session_open(s);
}

static bool
listening(const ehp_session *s)
{
    return s->state != SS_ENDED && s->link >= 0 &&
           (s->links[s->link].state == LS_UP || s->links[s->link].state == LS_SILENT);
}

/* A link that is late: to authenticate, to finish a record, to say anything at all. */
static uint64_t
link_deadline(const ehp_session *s, int i)
{
    const session_link *l = &s->links[i];
    uint64_t at = l->deadline;

    if (l->begun != UINT64_MAX && !ehp_session_blocked(s))
        at = least(at, l->begun + EHP_RECORD_MS);
    if (i == s->link && listening(s) && misses(s))
        at = least(at, l->last_rx + s->idle_ms);
    return at;
}

uint64_t
ehp_session_deadline(const ehp_session *s)
{
    uint64_t at = least(s->phase_deadline, s->suspended_deadline);

    if (s->link >= 0)
        at = least(at, s->progress_deadline);
    for (int i = 0; i < EHP_SESSION_LINKS; i++)
        if (s->links[i].state != LS_FREE)
            at = least(at, link_deadline(s, i));
    if (live(s) && pings(s))
        at = least(at, s->links[s->link].last_tx + s->idle_ms / 2);
    return at;
}

static void
phase_over(ehp_session *s)
{
    ehp_status status;

    s->phase_deadline = UINT64_MAX;
    if (s->state == SS_CONSENT || s->state == SS_REPLY_OFFERED)
        status = ehp_session_run(s, SE_CONSENT_VOID);
    else if (s->state == SS_SENT)
        status = ehp_session_run(s, SE_SAY_BYE);
    else
        status = EHP_TIMED_OUT;
    if (status != EHP_OK)
        ehp_session_fail(s, status);
}

static void
links_over(ehp_session *s)
{
    for (int i = 0; i < EHP_SESSION_LINKS; i++) {
        ehp_status status;
        if (s->links[i].state == LS_FREE || s->now < link_deadline(s, i))
            continue;
        status = ehp_link_run(s, i, LE_LATE);
        (void)status; /* closing cannot fail */
    }
}

void
ehp_session_tick(ehp_session *s, uint64_t now_ms)
{
    s->now = now_ms;
    if (s->now >= s->phase_deadline)
        phase_over(s);
    if (s->now >= s->suspended_deadline)
        ehp_session_finish(s, EHP_LINK_LOST, false);
    if (s->link >= 0 && s->now >= s->progress_deadline)
        ehp_session_fail(s, EHP_TIMED_OUT);
    links_over(s);
    if (live(s) && pings(s) && s->now >= s->links[s->link].last_tx + s->idle_ms / 2)
        ehp_session_send_ping(s);
    ehp_session_settle(s);
}
