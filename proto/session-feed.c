/* SPDX-License-Identifier: Apache-2.0
 *
 * Bytes of a link, in and out. Nothing is taken while the caller still has to hear or answer
 * something: that is the flow control, and why one record at a time is all that is ever held.
 */
#include <string.h>

#include "proto/session-priv.h"

static bool
takes_records(const session_link *l)
{
    return l->state == LS_SILENT || l->state == LS_HELLO || l->state == LS_UP;
}

static ehp_status
feed_handshake(ehp_session *s, int link, ehp_reader *in)
{
    session_link *l = &s->links[link];
    size_t want = HANDSHAKE_LEN - l->handshake_len;
    ehp_bytes part = ehp_take(in, want < in->left ? want : in->left);
    ehp_status status;

    if (part.len > 0)
        memcpy(l->handshake + l->handshake_len, part.data, part.len);
    l->handshake_len += part.len;
    if (l->handshake_len < HANDSHAKE_LEN)
        return EHP_OK;
    status = ehp_link_run(s, link, LE_HANDSHAKE);
    if (status == EHP_OK || status == EHP_NO_MEMORY)
        return status;
    return ehp_link_run(s, link, LE_GARBAGE);
}

/* A part of a segment, read where it lies; false: not one. */
static bool
view_part(ehp_session *s, ehp_bytes plain)
{
    if (!ehp_wire_part(plain, &s->part))
        return false;
    ehp__record__init(&s->part_record);
    s->part_record.body_case = EHP__RECORD__BODY_SEGMENT_PART;
    s->part_record.segment_part = &s->part;
    s->record.message = &s->part_record.base;
    return true;
}

static ehp_status
read_record(ehp_session *s, ehp_bytes plain)
{
    ehp_status status = ehp_guard_check(&ehp__record__descriptor, plain, NULL);

    ehp_guard_free(&s->record);
    if (status != EHP_OK || view_part(s, plain))
        return status;
    return ehp_guard_unpack(&ehp__record__descriptor, plain, NULL, &s->record);
}

/* One authenticated record on whichever link it came. */
static ehp_status
take_record(ehp_session *s, int link, ehp_bytes plain)
{
    session_link *l = &s->links[link];
    const Ehp__Record *record;
    ehp_status status;

    status = read_record(s, plain);
    if (status != EHP_OK) {
        s->link = link;
        return status;
    }
    record = session_body(s);
    s->raw = plain;
    if (record->body_case != EHP__RECORD__BODY_RESUME_HELLO) {
        bool error = record->body_case == EHP__RECORD__BODY_ERROR;
        status = ehp_link_run(s, link, error && l->state == LS_HELLO ? LE_ERROR : LE_RECORD);
        if (status == EHP_OK)
            ehp_session_record(s, plain);
        return status;
    }
    if (l->state == LS_HELLO) {
        status = ehp_resume_take_hello(s, l, record->resume_hello);
        if (status != EHP_OK) {
            s->link = link;
            return status;
        }
    }
    return ehp_link_run(s, link, LE_HELLO);
}

static ehp_status
feed_records(ehp_session *s, int link, ehp_reader *in)
{
    session_link *l = &s->links[link];
    uint64_t order = l->order;
    ehp_status status = EHP_OK;

    while (status == EHP_OK && l->order == order && takes_records(l) &&
           !ehp_session_blocked(s)) {
        ehp_bytes plain;
        status = ehp_record_next(&l->records, in, &plain);
        if (status == EHP_AGAIN) {
            if (l->records.header_len > 0 && l->begun == UINT64_MAX)
                l->begun = s->now;
            return EHP_OK;
        }
        l->begun = UINT64_MAX;
        if (status == EHP_NO_MEMORY)
            return status;
        if (status != EHP_OK)
            return ehp_link_run(s, link, LE_GARBAGE);
        l->last_rx = s->now;
        status = take_record(s, link, plain);
        ehp_session_settle(s);
    }
    return status;
}

ehp_status
ehp_session_feed(ehp_session *s, int link, const uint8_t *data, size_t len, uint64_t now_ms,
                 size_t *used)
{
    ehp_reader in;
    session_link *l;
    ehp_status status = EHP_OK;

    s->now = now_ms;
    *used = 0;
    if (link < 0 || link >= EHP_SESSION_LINKS)
        return EHP_INVALID_ARGUMENT;
    l = &s->links[link];
    if (l->state == LS_FREE ||
        l->state == LS_CLOSING) { /* closed, and not yet known to the caller */
        *used = len;
        return l->close_due || l->state == LS_CLOSING ? EHP_OK : EHP_INVALID_ARGUMENT;
    }
    ehp_reader_init(&in, data, len);
    if (l->state == LS_MESSAGE1 || l->state == LS_MESSAGE2)
        status = feed_handshake(s, link, &in);
    if (status == EHP_OK && takes_records(l))
        status = feed_records(s, link, &in);
    *used = len - in.left;
    s->wire_in += *used;
    if (status != EHP_OK)
        ehp_session_fail(s, status);
    ehp_session_settle(s);
    return status == EHP_NO_MEMORY ? EHP_NO_MEMORY : EHP_OK;
}

bool
ehp_session_wants_input(const ehp_session *s, int link)
{
    const session_link *l;

    if (link < 0 || link >= EHP_SESSION_LINKS)
        return false;
    l = &s->links[link];
    if (l->state == LS_MESSAGE1 || l->state == LS_MESSAGE2)
        return true;
    return takes_records(l) && !ehp_session_blocked(s);
}

ehp_bytes
ehp_session_output(ehp_session *s, int link, uint64_t now_ms)
{
    s->now = now_ms;
    if (link < 0 || link >= EHP_SESSION_LINKS)
        return ehp_bytes_of(NULL, 0);
    if (link == s->link)
        ehp_session_send_ack(s);
    return ehp_queue_peek(&s->links[link].out);
}

void
ehp_session_consume(ehp_session *s, int link, size_t len, uint64_t now_ms)
{
    session_link *l;

    s->now = now_ms;
    if (link < 0 || link >= EHP_SESSION_LINKS)
        return;
    l = &s->links[link];
    ehp_queue_drop(&l->out, len);
    s->wire_out += len;
    if (l->state == LS_CLOSING && !l->close_due && ehp_queue_peek(&l->out).len == 0)
        ehp_link_reset(l); /* the last words are out; the caller closes */
    ehp_session_settle(s);
}
