/* SPDX-License-Identifier: Apache-2.0
 *
 * What the caller is told. Closings come first, then what was queued in order, then what the
 * sender wants (made up when asked for, so that nothing piles up), and the end last.
 */
#include <string.h>

#include "proto/session-priv.h"

ehp_event *
ehp_session_emit(ehp_session *s, ehp_event_type type)
{
    ehp_event *event;

    if (s->n_events ==
        EVENTS_MAX) { /* a caller that does not fetch: the oldest has lost its meaning */
        memmove(s->events, s->events + 1, (EVENTS_MAX - 1) * sizeof(*s->events));
        s->n_events--;
    }
    event = &s->events[s->n_events++];
    memset(event, 0, sizeof(*event));
    event->type = type;
    event->link = -1;
    return event;
}

static bool
next_close(ehp_session *s, ehp_event *event)
{
    for (int i = 0; i < EHP_SESSION_LINKS; i++) {
        if (!s->links[i].close_due)
            continue;
        s->links[i].close_due = false;
        event->type = EHP_EV_LINK_CLOSE;
        event->link = i;
        event->flush = s->links[i].flush;
        if (s->links[i].state == LS_CLOSING && ehp_queue_peek(&s->links[i].out).len == 0) {
            event->flush = false;
            ehp_link_reset(&s->links[i]);
            s->links[i].state = LS_FREE;
        }
        return true;
    }
    return false;
}

static bool
next_save(ehp_session *s, ehp_event *event)
{
    if (!s->save_due)
        return false;
    s->save_due = false;
    s->savings++;
    event->type = EHP_EV_SAVE;
    return true;
}

static bool
next_of_sender(ehp_session *s, ehp_event *event)
{
    ehp_sender *snd = &s->sender;

    if (snd->reported < snd->acked.item) {
        event->type = EHP_EV_ITEM_ACKED;
        event->item = snd->reported++;
        event->mark = ehp_bytes_of(snd->roots[event->item], EHP_HASH_LEN);
        return true;
    }
    if ((s->state != SS_SENDING && s->state != SS_REPLY_SENDING) || !ehp_session_open(s) ||
        !ehp_sender_wants(snd, &s->links[s->link].out, QUEUE_LOW))
        return false;
    snd->asked = true;
    event->type = EHP_EV_NEED_DATA;
    event->item = snd->sent.item;
    event->segment = snd->sent.segments;
    event->offset = event->segment * EHP_SEGMENT_MAX;
    event->length = ehp_item_segment_len(snd->list.items[event->item]->size, event->segment);
    return true;
}

static bool
next_queued(ehp_session *s, ehp_event *event)
{
    if (s->n_events == 0)
        return false;
    *event = s->events[0];
    memmove(s->events, s->events + 1, (s->n_events - 1) * sizeof(*s->events));
    s->n_events--;
    return true;
}

bool
ehp_session_next_event(ehp_session *s, uint64_t now_ms, ehp_event *event)
{
    s->now = now_ms;
    memset(event, 0, sizeof(*event));
    event->link = -1;
    ehp_session_settle(s);
    if (next_close(s, event) || next_save(s, event) || next_queued(s, event)) {
        ehp_session_settle(s);
        return true;
    }
    if (s->has_sender && next_of_sender(s, event))
        return true;
    if (!s->ended_due)
        return false;
    s->ended_due = false;
    /* here, and not where it ended: that may have been in the midst of a segment */
    if (s->has_sender)
        ehp_sender_rest(&s->sender);
    if (s->has_receiver)
        ehp_receiver_rest(&s->receiver);
    event->type = EHP_EV_ENDED;
    event->status = s->ended_status;
    event->by_peer = s->ended_by_peer;
    return true;
}
