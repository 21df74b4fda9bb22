/* SPDX-License-Identifier: Apache-2.0
 *
 * See voice.h.
 */
#include "tests/hostile/voice.h"

#include <string.h>

#include "proto/hash.h"
#include "proto/sign.h"

#define RECORD_HEAD 2

/* ---------------------------------------------------------------- one direction */

/* A connection of its own: its keys, and what stands before its records. */
static void
way_begin(voice *v, voice_way *way, const pair_side *from)
{
    const bool first = v->w.connects == 1;

    if (way->connect == v->w.connects)
        return;
    way->connect = v->w.connects;
    g_byte_array_set_size(way->raw, 0);
    way->keyed = false;
    way->clear = (from->patient ? EHP_PREAMBLE_LEN : 0) + (first ? 0 : HANDSHAKE_LEN);
}

/* The first link's keys are those of the tap; a session that has ended wipes its own, so they
 * are copied as soon as they are there. */
static void
way_key(voice *v, voice_way *way, const pair_side *from)
{
    const ehp_cipher *key = &from->s->links[from->link].records.send;
    ehp_secrets patient, terminal;

    if (way->keyed)
        return;
    if (v->w.connects == 1) {
        pair_secrets(&patient, &terminal);
        way->open = from->patient ? patient.send : terminal.send;
    } else if (key->has_key) {
        way->open = *key;
        way->open.nonce = 0;
    } else
        return;
    way->seal = way->open;
    way->keyed = true;
}

static void
copy_secret(voice *v)
{
    if (v->liar->s->has_patient_key && !v->has_secret)
        memcpy(v->secret, v->liar->s->patient_secret, sizeof v->secret);
    v->has_secret = v->has_secret || v->liar->s->has_patient_key;
}

static void
take_output(voice *v, voice_way *way, pair_side *from)
{
    const ehp_bytes out = ehp_session_output(from->s, from->link, v->w.now);

    if (out.len == 0)
        return;
    g_byte_array_append(way->raw, out.data, (guint)out.len);
    ehp_session_consume(from->s, from->link, out.len, v->w.now);
}

static size_t
whole_record(const voice_way *way)
{
    size_t len;

    if (way->raw->len < RECORD_HEAD)
        return 0;
    len = RECORD_HEAD + (size_t)way->raw->data[0] * 256 + way->raw->data[1];
    return way->raw->len < len ? 0 : len;
}

/* ---------------------------------------------------------------- saying */

void
voice_spit(voice *v, const void *bytes, size_t len)
{
    g_byte_array_append(v->victim->inbox, bytes, (guint)len);
}

void
voice_say(voice *v, const void *plain, size_t len)
{
    static uint8_t sealed[RECORD_HEAD + EHP_RECORD_SEALED_MAX];
    const size_t body = len + EHP_TAG_LEN;

    g_assert_cmpuint(len, <=, EHP_RECORD_PLAIN_MAX);
    sealed[0] = (uint8_t)(body >> 8);
    sealed[1] = (uint8_t)body;
    g_assert_cmpint(ehp_cipher_seal(&v->mouth.seal, ehp_bytes_of(NULL, 0), plain, len,
                                    sealed + RECORD_HEAD),
                    ==, EHP_OK);
    voice_spit(v, sealed, RECORD_HEAD + body);
}

void
voice_sign(const voice *v, ehp_sign_type type, ehp_bytes body, uint8_t signature[64])
{
    const uint8_t *secret = v->liar->patient ? v->secret : pair_leaf_secret();

    g_assert_cmpint(ehp_sign(type, secret, body, signature), ==, EHP_OK);
}

void
voice_strike(voice *v)
{
    const pair_side *victim = v->victim;

    v->struck = true;
    v->before.now = v->w.now;
    v->before.received_bytes = victim->received_bytes;
    v->before.manifests = victim->seen[EHP_EV_MANIFEST];
    v->before.whole = victim->items_whole;
    v->before.ready = victim->seen[EHP_EV_RECEIPT_READY];
    v->before.complete = victim->seen[EHP_EV_COMPLETE];
    memory_reset();
    v->before.memory = memory_now();
}

unsigned
voice_kind(ehp_bytes plain)
{
    uint32_t tag = 0;

    for (size_t i = 0; i < plain.len && i < 5; i++) {
        tag |= (uint32_t)(plain.data[i] & 0x7f) << (7 * i);
        if (!(plain.data[i] & 0x80))
            break;
    }
    return tag >> 3 == 31 ? 0 : tag >> 3;
}

/* ---------------------------------------------------------------- the wire */

static void
hear(voice *v, ehp_bytes plain)
{
    Ehp__Record *record;

    if (!v->struck)
        return;
    v->answers++;
    record = ehp__record__unpack(NULL, plain.len, plain.data);
    g_assert_nonnull(record);
    if (record->body_case == EHP__RECORD__BODY_ERROR)
        v->told = (unsigned)record->error->code;
    ehp__record__free_unpacked(record, NULL);
}

static void
pass_record(voice *v, voice_way *way, pair_side *from, size_t len)
{
    static uint8_t plain[EHP_RECORD_PLAIN_MAX];
    const size_t sealed = len - RECORD_HEAD, size = sealed - EHP_TAG_LEN;
    const ehp_bytes bytes = {plain, size};

    g_assert_true(way->keyed);
    g_assert_cmpint(ehp_cipher_open(&way->open, ehp_bytes_of(NULL, 0),
                                    way->raw->data + RECORD_HEAD, sealed, plain),
                    ==, EHP_OK);
    if (way == &v->ear) {
        hear(v, bytes);
        g_byte_array_append(v->liar->inbox, way->raw->data, (guint)len);
    } else if (!v->mute) {
        v->records++;
        if (v->rule != NULL)
            v->rule(v, bytes);
        else
            voice_say(v, plain, size);
    }
    g_byte_array_remove_range(way->raw, 0, (guint)len);
}

static bool
between(pair *w, pair_side *from, pair_side *to)
{
    voice *v = w->user;
    voice_way *way = from == v->liar ? &v->mouth : &v->ear;
    size_t len;

    way_begin(v, way, from);
    way_key(v, way, from);
    copy_secret(v);
    take_output(v, way, from);
    if (to->inbox->len > 0)
        return false;
    if (way == &v->mouth && way->keyed && way->clear == 0 && v->idle != NULL) {
        v->idle(v);
        if (to->inbox->len > 0)
            return true;
    }
    if (way->raw->len == 0)
        return false;
    if (way->clear > 0) {
        len = MIN(way->clear, way->raw->len);
        g_byte_array_append(to->inbox, way->raw->data, (guint)len);
        g_byte_array_remove_range(way->raw, 0, (guint)len);
        way->clear -= len;
        return true;
    }
    len = whole_record(way);
    if (len == 0)
        return false;
    pass_record(v, way, from, len);
    return true;
}

static void
on_event(pair_side *side, const ehp_event *event)
{
    voice *v = side->pair->user;

    v->events += side == v->victim && v->struck;
    if (side == v->victim && v->event != NULL)
        v->event(v, event);
}

/* ---------------------------------------------------------------- a case */

void
voice_init(voice *v, bool liar_is_patient, voice_rule rule, const void *row)
{
    memset(v, 0, sizeof *v);
    pair_init(&v->w);
    v->liar = liar_is_patient ? &v->w.p : &v->w.t;
    v->victim = liar_is_patient ? &v->w.t : &v->w.p;
    v->rule = rule;
    v->row = row;
    v->w.user = v;
    v->w.between = between;
    v->w.on_event = on_event;
    v->w.lax = true;
    v->mouth.raw = g_byte_array_new();
    v->ear.raw = g_byte_array_new();
}

void
voice_start(voice *v)
{
    pair_start(&v->w);
    pair_connect(&v->w);
}

/* What the victim said and its peer did not stay for. */
static void
hear_rest(voice *v)
{
    static uint8_t plain[EHP_RECORD_PLAIN_MAX];
    voice_way *way = &v->ear;
    size_t len;

    while (way->keyed && way->clear == 0 && (len = whole_record(way)) > 0) {
        const size_t sealed = len - RECORD_HEAD;
        g_assert_cmpint(ehp_cipher_open(&way->open, ehp_bytes_of(NULL, 0),
                                        way->raw->data + RECORD_HEAD, sealed, plain),
                        ==, EHP_OK);
        hear(v, ehp_bytes_of(plain, sealed - EHP_TAG_LEN));
        g_byte_array_remove_range(way->raw, 0, (guint)len);
    }
}

void
voice_run(voice *v)
{
    pair_run(&v->w);
    for (unsigned i = 0; i < 60 && !v->struck && pair_wait(&v->w); i++)
        pair_run(&v->w);
    if (v->struck)
        hear_rest(v);
}

const char *
voice_outcome(const voice *v)
{
    if (!v->struck)
        return "NotTold";
    if (v->told == EHP__ERROR_CODE__ERROR_PROTOCOL && v->before.complete > 0)
        return "Told";
    if (v->victim->ended && v->victim->by_peer && v->victim->status != EHP_OK)
        return "GoesOn";
    return v->victim->ended && v->victim->status != EHP_OK ? ehp_status_name(v->victim->status)
                                                           : "GoesOn";
}

void
voice_expect_cheap(const voice *v, size_t memory)
{
    const pair_side *victim = v->victim;

    g_assert_cmpuint(v->w.now, ==, v->before.now);
    g_assert_cmpuint(v->events, <=, 4);
    g_assert_cmpuint(v->answers, <=, 4);
    g_assert_cmpuint(memory_peak() - v->before.memory, <=, memory);
    g_assert_cmpuint(victim->received_bytes, ==, v->before.received_bytes);
    g_assert_cmpuint(victim->seen[EHP_EV_MANIFEST], ==, v->before.manifests);
    g_assert_cmpuint(victim->items_whole, ==, v->before.whole);
    g_assert_cmpuint(victim->seen[EHP_EV_RECEIPT_READY], ==, v->before.ready);
    g_assert_cmpuint(victim->seen[EHP_EV_COMPLETE], ==, v->before.complete);
}

void
voice_clear(voice *v)
{
    pair_clear(&v->w);
    g_byte_array_unref(v->mouth.raw);
    g_byte_array_unref(v->ear.raw);
    ehp_cipher_clear(&v->mouth.open);
    ehp_cipher_clear(&v->mouth.seal);
    ehp_cipher_clear(&v->ear.open);
    ehp_cipher_clear(&v->ear.seal);
}
