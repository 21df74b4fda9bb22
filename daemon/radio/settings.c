/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes over the management socket (server-private.h): the kernel answers each command
 * once, those of one kind and adapter in their order.
 */
#include "daemon/radio/server-private.h"
#include "daemon/words.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

/* The kernel's own limit for a command of a controller is two seconds. */
#define ANSWER_MS 5000

static void
remove_ask(EhdRadioServer *s, unsigned at)
{
    s->n_asks--;
    memmove(&s->asks[at], &s->asks[at + 1], (s->n_asks - at) * sizeof s->asks[0]);
}

static void
refuse(EhdRadioServer *s, const EhdRadioAsk *ask, ehp_status status, const char *detail)
{
    if (ask->id != 0)
        ehd_radio_failed(s, ask->id, status, detail);
}

static void
ask(EhdRadioServer *s, EhdRadioAsk ask, const uint8_t *peer, const uint8_t *oob)
{
    uint8_t bytes[EHD_MGMT_MAX];
    size_t len =
        ehd_mgmt_build(bytes, (EhdMgmtCommand)ask.command, ask.index, peer, oob, ask.fast);

    if (s->n_asks == EHD_RADIO_ASKS) {
        refuse(s, &ask, EHP_LIMIT_REACHED, N_("too many management commands at once"));
        return;
    }
    if (send(s->management, bytes, len, MSG_NOSIGNAL | MSG_DONTWAIT) < 0) {
        refuse(s, &ask,
               errno == EPERM || errno == EACCES ? EHP_RADIO_NOT_PERMITTED
                                                 : EHP_LINK_UNAVAILABLE,
               strerror(errno));
        return;
    }
    ask.until = ehd_radio_now_ms() + ANSWER_MS;
    s->asks[s->n_asks++] = ask;
}

/* What the kernel was given is taken back when the daemon is gone. False: no room to remember.
 */
static bool
note_oob(EhdRadioServer *s, const EhdRadioMessage *message, uint16_t index)
{
    EhdRadioOob *room = NULL;

    for (unsigned i = 0; i < EHD_RADIO_OOBS; i++) {
        EhdRadioOob *known = &s->oobs[i];
        if (known->used && known->index == index &&
            memcmp(known->peer, message->peer, 6) == 0) {
            known->used = message->type == EHD_RADIO_ADD_OOB;
            return true;
        }
        if (!known->used && !room)
            room = known;
    }
    if (message->type != EHD_RADIO_ADD_OOB)
        return true;
    if (!room)
        return false;
    *room = (EhdRadioOob){.used = true, .index = index};
    memcpy(room->peer, message->peer, sizeof room->peer);
    return true;
}

static void
forget_oobs(EhdRadioServer *s)
{
    for (unsigned i = 0; i < EHD_RADIO_OOBS; i++) {
        if (s->oobs[i].used)
            ask(s,
                (EhdRadioAsk){.command = EHD_MGMT_REMOVE_OOB,
                              .index = s->oobs[i].index,
                              .request = EHD_RADIO_REMOVE_OOB},
                s->oobs[i].peer, NULL);
        s->oobs[i].used = false;
    }
}

void
ehd_radio_manage(EhdRadioServer *s, const EhdRadioMessage *message)
{
    static const uint16_t commands[] = {
        [EHD_RADIO_GET_FAST] = EHD_MGMT_READ_INFO,    [EHD_RADIO_SET_FAST] = EHD_MGMT_READ_INFO,
        [EHD_RADIO_READ_OOB] = EHD_MGMT_READ_OOB,     [EHD_RADIO_ADD_OOB] = EHD_MGMT_ADD_OOB,
        [EHD_RADIO_REMOVE_OOB] = EHD_MGMT_REMOVE_OOB,
    };
    bool has_peer = message->type == EHD_RADIO_ADD_OOB || message->type == EHD_RADIO_REMOVE_OOB;
    int index = s->config.kernel->adapter(message->own);

    if (s->management < 0) {
        ehd_radio_failed(s, message->id, EHP_RADIO_NOT_PERMITTED,
                         N_("the kernel's management socket cannot be opened"));
        return;
    }
    if (index < 0) {
        ehd_radio_failed(s, message->id, EHP_NO_ADAPTER,
                         N_("no adapter of that address is on"));
        return;
    }
    if (has_peer && !note_oob(s, message, (uint16_t)index)) {
        ehd_radio_failed(s, message->id, EHP_LIMIT_REACHED, N_("OOB data of too many devices"));
        return;
    }
    ask(s,
        (EhdRadioAsk){.id = message->id,
                      .command = commands[message->type],
                      .index = (uint16_t)index,
                      .request = (uint8_t)message->type,
                      .fast = message->value != 0},
        has_peer ? message->peer : NULL,
        message->type == EHD_RADIO_ADD_OOB ? message->data : NULL);
}

/* --- fast connectable ---------------------------------------------------------------------
 */

static EhdRadioHeld *
held_of(EhdRadioServer *s, uint16_t index)
{
    EhdRadioHeld *room = NULL;

    for (unsigned i = 0; i < EHD_RADIO_ADAPTERS; i++) {
        if (s->held[i].used && s->held[i].index == index)
            return &s->held[i];
        if (!s->held[i].used && !room)
            room = &s->held[i];
    }
    return room;
}

/* bluetoothd leaves an adapter that knows no other device deaf to pages: whoever is to be paged
 * fast is to be paged at all. */
static void
set_connectable(EhdRadioServer *s, uint16_t index, bool on)
{
    ask(s, (EhdRadioAsk){.command = EHD_MGMT_SET_CONNECTABLE, .index = index, .fast = on}, NULL,
        NULL);
}

static void
was_opened(EhdRadioServer *s, const EhdRadioAsk *done)
{
    EhdRadioHeld *held = held_of(s, done->index);

    if (!held || (!held->used && !done->fast))
        return;
    if (!held->used)
        *held = (EhdRadioHeld){.used = true, .index = done->index};
    held->opened = done->fast;
    if (!held->opened && held->is == held->was)
        *held = (EhdRadioHeld){0};
}

/* Nobody else needs it connectable: discoverable would be by somebody's wish. */
static void
shut(EhdRadioServer *s, uint16_t index, const EhdMgmtSettings *now)
{
    EhdRadioHeld *held = held_of(s, index);

    if (!held || !held->used || !held->opened)
        return;
    held->opened = false;
    if (!now->discoverable)
        set_connectable(s, index, false);
}

static void
set_fast(EhdRadioServer *s, EhdRadioAsk done, const EhdMgmtSettings *now)
{
    if (done.fast && !now->connectable)
        set_connectable(s, done.index, true);
    else if (!done.fast)
        shut(s, done.index, now);
    if (now->fast == done.fast) {
        ehd_radio_done(s, done.id);
        return;
    }
    done.command = EHD_MGMT_SET_FAST;
    ask(s, done, NULL, NULL);
}

/* We have set it: remember how it was, unless it is that again. */
static void
was_set(EhdRadioServer *s, const EhdRadioAsk *done)
{
    EhdRadioHeld *held = held_of(s, done->index);

    if (held && held->used && held->was == done->fast)
        *held = (EhdRadioHeld){0};
    else if (held)
        *held = (EhdRadioHeld){.used = true,
                               .was = !done->fast,
                               .is = done->fast,
                               .opened = held->opened,
                               .index = done->index};
    if (done->id != 0)
        ehd_radio_done(s, done->id);
}

/* A daemon left it set. What somebody else has changed meanwhile stays. */
static void
restore(EhdRadioServer *s, EhdRadioAsk done, const EhdMgmtSettings *now)
{
    EhdRadioHeld *held = held_of(s, done.index);
    bool ours = held && held->used && held->is == now->fast && held->is != held->was;

    done.fast = held && held->was;
    shut(s, done.index, now);
    if (held)
        *held = (EhdRadioHeld){0};
    if (!ours)
        return;
    done.command = EHD_MGMT_SET_FAST;
    ask(s, done, NULL, NULL);
}

void
ehd_radio_put_back(EhdRadioServer *s)
{
    for (unsigned i = 0; i < s->n_asks; i++)
        s->asks[i].id = 0;
    forget_oobs(s);
    for (unsigned i = 0; i < EHD_RADIO_ADAPTERS; i++) {
        if (s->held[i].used)
            ask(s,
                (EhdRadioAsk){.command = EHD_MGMT_READ_INFO,
                              .index = s->held[i].index,
                              .request = EHD_RADIO_SET_FAST},
                NULL, NULL);
    }
}

/* --- answers --------------------------------------------------------------------------------
 */

static void
read_fast(EhdRadioServer *s, EhdRadioAsk done, const EhdMgmtEvent *event)
{
    EhdMgmtSettings now;

    if (!ehd_mgmt_settings(event, &now))
        refuse(s, &done, EHP_LINK_UNAVAILABLE, N_("the kernel's answer is too short"));
    else if (done.id == 0)
        restore(s, done, &now);
    else if (done.request == EHD_RADIO_SET_FAST)
        set_fast(s, done, &now);
    else
        ehd_radio_tell(s,
                       &(EhdRadioMessage){.type = EHD_RADIO_DONE,
                                          .id = done.id,
                                          .value = now.fast && now.connectable},
                       -1);
}

static void
read_oob(EhdRadioServer *s, const EhdRadioAsk *done, const EhdMgmtEvent *event)
{
    uint8_t oob[EHD_RADIO_OOB_LEN];

    if (ehd_mgmt_oob(event, oob))
        ehd_radio_tell(
            s,
            &(EhdRadioMessage){
                .type = EHD_RADIO_DONE, .id = done->id, .data = oob, .len = sizeof oob},
            -1);
    else
        refuse(s, done, EHP_LINK_UNAVAILABLE, N_("the controller has no P-256 data"));
    explicit_bzero(oob, sizeof oob);
}

static void
on_reply(EhdRadioServer *s, const EhdMgmtEvent *event)
{
    unsigned at = 0;

    while (at < s->n_asks &&
           (s->asks[at].command != event->command || s->asks[at].index != event->index))
        at++;
    if (at == s->n_asks)
        return;
    EhdRadioAsk done = s->asks[at];
    remove_ask(s, at);
    if (event->failure != 0)
        refuse(s, &done, ehd_mgmt_status(event->failure), N_("the kernel refused"));
    else if (done.command == EHD_MGMT_READ_INFO)
        read_fast(s, done, event);
    else if (done.command == EHD_MGMT_SET_FAST)
        was_set(s, &done);
    else if (done.command == EHD_MGMT_SET_CONNECTABLE)
        was_opened(s, &done);
    else if (done.id != 0 && done.command == EHD_MGMT_READ_OOB)
        read_oob(s, &done, event);
    else if (done.id != 0)
        ehd_radio_done(s, done.id);
}

void
ehd_radio_read_management(EhdRadioServer *s)
{
    uint8_t bytes[EHD_MGMT_MAX];
    EhdMgmtEvent event;
    ssize_t got = recv(s->management, bytes, sizeof bytes, MSG_DONTWAIT);

    if (got < 0 && (errno == EAGAIN || errno == EINTR))
        return;
    if (got <= 0) {
        close(s->management);
        s->management = -1;
        return;
    }
    /* an event that was cut is none that we wait for */
    if (!ehd_mgmt_parse(&event, bytes, (size_t)got))
        return;
    if (event.type == EHD_MGMT_REPLY)
        on_reply(s, &event);
    else if (event.type == EHD_MGMT_AUTH_FAILED)
        ehd_radio_auth_failed(s, event.peer);
}

void
ehd_radio_check_asks(EhdRadioServer *s, int64_t now)
{
    while (s->n_asks > 0 && (s->asks[0].until <= now || s->management < 0)) {
        EhdRadioAsk late = s->asks[0];

        remove_ask(s, 0);
        refuse(s, &late, EHP_LINK_UNAVAILABLE, N_("the kernel does not answer"));
    }
}
