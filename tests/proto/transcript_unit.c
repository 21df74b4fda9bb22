/* SPDX-License-Identifier: Apache-2.0
 *
 * Sessions step by step against the vectors of tests/vectors/make_transcript.py: a link that is
 * lost in the middle of an item, and resumed; a later transfer. Each side says exactly these
 * bytes, under these keys; and ends, or closes the connection, for the named reason when it is
 * given others.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/noise.h"
#include "proto/session-priv.h"
#include "vectors.h"

typedef struct {
    pair w;
    pair_item *items;
    JsonObject *file, *c;
    ehp_record up, down; /* under the link's keys of the vector: what was said there, opened */
} stage;

static const char *
text_of(JsonObject *object, const char *member)
{
    return json_object_get_string_member(object, member);
}

static guint
number_of(JsonObject *object, const char *member)
{
    return (guint)json_object_get_int_member(object, member);
}

static bool
is_said(JsonObject *object, const char *member)
{
    return json_object_get_boolean_member_with_default(object, member, FALSE);
}

static JsonObject *
case_named(JsonObject *file, const char *name)
{
    for (guint i = 0; i < vectors_count(file, "cases"); i++)
        if (g_str_equal(text_of(vectors_at(file, "cases", i), "name"), name))
            return vectors_at(file, "cases", i);
    g_assert_not_reached();
}

static void
stage_init(stage *s, JsonObject *file, JsonObject *c)
{
    guint n = vectors_count(c, "items");
    pair *w = &s->w;

    memset(s, 0, sizeof(*s));
    s->file = file;
    s->c = c;
    s->items = g_new0(pair_item, n);
    for (guint i = 0; i < n; i++) {
        JsonObject *item = vectors_at(c, "items", i);
        s->items[i].name = text_of(item, "name");
        s->items[i].size = number_of(item, "size");
        s->items[i].kind = number_of(item, "kind");
    }
    pair_init(w);
    w->items = s->items;
    w->n_items = n;
    w->zstd_level = -1;
    w->list_first = is_said(c, "listed");
    if (w->list_first)
        w->later = "r";
    w->no_reconnect = true;
    pair_start(w);
}

static void
stage_clear(stage *s)
{
    ehp_record_clear(&s->up);
    ehp_record_clear(&s->down);
    pair_clear(&s->w);
    g_free(s->items);
}

static void
handle(stage *s)
{
    pair_handle(&s->w.p);
    pair_handle(&s->w.t);
}

/* ---------------------------------------------------------------- what is said */

static void
sha256_is(const uint8_t *data, size_t len, ehp_bytes want)
{
    uint8_t hash[EHP_HASH_LEN];

    ehp_sha256(hash, data, len);
    assert_bytes(ehp_bytes_of(hash, sizeof(hash)), want);
}

/* The step's plaintext is what its bytes hold under the link's keys. */
static void
check_plain(stage *s, JsonObject *step, ehp_bytes wire, bool patient)
{
    ehp_reader in;
    ehp_bytes plain, head = vectors_hex(step, "head");

    ehp_reader_init(&in, wire.data, wire.len);
    assert_ok(ehp_record_next(patient ? &s->up : &s->down, &in, &plain));
    g_assert_cmpuint(in.left, ==, 0);
    if (head.len == 0) {
        assert_bytes(plain, vectors_hex(step, "plain"));
        return;
    }
    g_assert_cmpuint(plain.len, ==, head.len + number_of(step, "length"));
    g_assert_cmpmem(plain.data, head.len, head.data, head.len);
    for (size_t i = head.len; i < plain.len; i++)
        g_assert_cmpuint(plain.data[i], ==,
                         pair_byte(&s->items[number_of(step, "item")], number_of(step, "item"),
                                   number_of(step, "offset") + i - head.len));
    sha256_is(plain.data, plain.len, vectors_hex(step, "plain_sha256"));
}

static size_t
length_on_wire(JsonObject *step)
{
    if (vectors_has(step, "wire"))
        return vectors_hex(step, "wire").len;
    return EHP_RECORD_HEADER_LEN + vectors_hex(step, "head").len + number_of(step, "length") +
           EHP_TAG_LEN;
}

/* What the side has to say begins with this step's bytes; they are taken off. */
static GBytes *
take(stage *s, JsonObject *step, pair_side *from)
{
    size_t len = length_on_wire(step);
    ehp_bytes out = ehp_session_output(from->s, from->link, s->w.now);
    GBytes *bytes;

    g_assert_cmpuint(out.len, >=, len);
    if (vectors_has(step, "wire"))
        g_assert_cmpmem(out.data, len, vectors_hex(step, "wire").data, len);
    else
        sha256_is(out.data, len, vectors_hex(step, "wire_sha256"));
    bytes = g_bytes_new(out.data, len);
    ehp_session_consume(from->s, from->link, len, s->w.now);
    return bytes;
}

static ehp_status
accept_link(stage *s, ehp_bytes bytes)
{
    ehp_preamble preamble;

    assert_ok(ehp_preamble_parse(bytes, &preamble));
    return ehp_session_accept(s->w.t.s, &preamble, s->w.now, &s->w.t.link);
}

static void
feed(stage *s, pair_side *to, ehp_bytes bytes)
{
    size_t used = 0;

    while (bytes.len > 0 && !to->ended) {
        assert_ok(ehp_session_feed(to->s, to->link, bytes.data, bytes.len, s->w.now, &used));
        bytes = ehp_bytes_of(bytes.data + used, bytes.len - used);
        handle(s);
        g_assert_true(used > 0 || to->ended);
        if (to->link < 0)
            return;
    }
}

static void
run_step(stage *s, JsonObject *step)
{
    bool patient = g_str_equal(text_of(step, "from"), "patient");
    pair_side *from = patient ? &s->w.p : &s->w.t, *to = patient ? &s->w.t : &s->w.p;
    g_autoptr(GBytes) said = NULL;
    ehp_bytes bytes;

    handle(s);
    said = take(s, step, from);
    bytes.data = g_bytes_get_data(said, &bytes.len);
    if (vectors_has(step, "nonce"))
        check_plain(s, step, bytes, patient);
    if (is_said(step, "lost"))
        return;
    if (g_str_equal(text_of(step, "message"), "preamble"))
        assert_ok(accept_link(s, bytes));
    else
        feed(s, to, bytes);
    handle(s);
}

/* ---------------------------------------------------------------- whole links */

static void
begin_link(stage *s, JsonObject *link)
{
    ehp_cipher up, down, none = {0};

    if (s->w.connected)
        pair_cut(&s->w);
    handle(s);
    ehp_record_clear(&s->up);
    ehp_record_clear(&s->down);
    ehp_cipher_init(&up, vectors_hex(link, "patient_to_terminal").data);
    ehp_cipher_init(&down, vectors_hex(link, "terminal_to_patient").data);
    down.nonce = number_of(link, "kind") == 0 ? 1 : 0;
    ehp_record_init(&s->up, &none, &up);
    ehp_record_init(&s->down, &none, &down);
    pair_connect(&s->w);
}

static void
check_generation(stage *s, const ehp_session *session, guint number)
{
    JsonObject *want = vectors_at(s->c, "generations", number);

    g_assert_cmpuint(session->held[0].number, ==, number_of(want, "number"));
    assert_bytes(ehp_bytes_of(session->held[0].locator, EHP_KEY_LEN),
                 vectors_hex(want, "locator"));
    assert_bytes(ehp_bytes_of(session->held[0].resume, EHP_KEY_LEN),
                 vectors_hex(want, "resume"));
}

/* All links before `link`, and of that one the steps before `at`. */
static void
play(stage *s, guint link, guint at)
{
    for (guint i = 0; i <= link && i < vectors_count(s->c, "links"); i++) {
        JsonObject *one = vectors_at(s->c, "links", i);
        guint n = i < link ? vectors_count(one, "steps") : at;

        begin_link(s, one);
        for (guint k = 0; k < n; k++)
            run_step(s, vectors_at(one, "steps", k));
        if (i == link || s->w.p.ended)
            continue;
        check_generation(s, s->w.p.s, i);
        check_generation(s, s->w.t.s, i);
    }
}

static void
check_done(stage *s)
{
    g_assert_true(s->w.p.ended && s->w.t.ended);
    assert_ok(s->w.p.status);
    assert_ok(s->w.t.status);
    g_assert_cmpmem(s->w.p.receipt, s->w.p.receipt_len, s->w.t.receipt, s->w.t.receipt_len);
}

static void
test_cases(void)
{
    JsonObject *file = vectors_own("transcript.json");

    VECTORS_EACH(c, file, "cases")
    {
        guint last = vectors_count(c, "links") - 1;
        stage s;

        g_test_message("%s", text_of(c, "name"));
        stage_init(&s, file, c);
        play(&s, last, vectors_count(vectors_at(c, "links", last), "steps"));
        if (is_said(c, "unfinished"))
            check_generation(&s, s.w.t.s, last);
        else
            check_done(&s);
        stage_clear(&s);
    }
}

/* ---------------------------------------------------------------- must fail */

/* What the victim makes of the first message of a handshake. */
static ehp_status
read_first_message(stage *s, JsonObject *f, ehp_bytes message)
{
    static const char label[] = "ehrlink1 resume";
    uint8_t psk[1][EHP_KEY_LEN], text[64], none[1];
    ehp_noise_params params = {.pattern = EHP_NOISE_NN,
                               .psk_mask = EHP_NOISE_PSK(0),
                               .psks = (const uint8_t(*)[EHP_KEY_LEN])psk,
                               .n_psks = 1};
    ehp_noise noise;
    ehp_writer w;
    ehp_status status;

    memcpy(psk[0], vectors_hex(f, "psk").data, EHP_KEY_LEN);
    ehp_writer_init(&w, text, sizeof(text));
    ehp_put(&w, label, sizeof(label));
    ehp_put(&w, vectors_hex(s->c, "h").data, EHP_HASH_LEN);
    ehp_put_be32(&w, number_of(vectors_at(s->c, "links", number_of(f, "link")), "generation"));
    params.prologue = ehp_bytes_of(text, w.len);
    assert_ok(ehp_noise_init(&noise, &params));
    ehp_writer_init(&w, none, 0);
    status = ehp_noise_read(&noise, message, &w);
    ehp_noise_clear(&noise);
    return status;
}

/* The same of message 2, and of a record: with what the link holds, before it is fed. */
static ehp_status
read_as(const session_link *l, ehp_bytes bytes)
{
    session_link copy = *l;
    uint8_t none[1];
    ehp_writer w;
    ehp_reader in;
    ehp_bytes plain;
    ehp_status status;

    if (l->state == LS_MESSAGE2) {
        ehp_writer_init(&w, none, 0);
        return ehp_noise_read(&copy.noise, bytes, &w);
    }
    copy.records.in = NULL;
    ehp_reader_init(&in, bytes.data, bytes.len);
    status = ehp_record_next(&copy.records, &in, &plain);
    ehp_record_clear(&copy.records);
    return status;
}

/* Somebody's own connection; what of it is wrong. */
static ehp_status
stranger(stage *s, JsonObject *f, ehp_bytes wire)
{
    ehp_bytes message, rest;
    ehp_status status;

    if (s->w.connected)
        pair_cut(&s->w);
    handle(s);
    status = accept_link(s, ehp_bytes_of(wire.data, EHP_PREAMBLE_LEN));
    if (status != EHP_OK)
        return status;
    message = ehp_bytes_of(wire.data + EHP_PREAMBLE_LEN, HANDSHAKE_LEN);
    rest =
        ehp_bytes_of(message.data + message.len, wire.len - EHP_PREAMBLE_LEN - HANDSHAKE_LEN);
    if (vectors_has(f, "psk"))
        status = read_first_message(s, f, message);
    feed(s, &s->w.t, message);
    if (rest.len == 0)
        return status;
    status = read_as(&s->w.t.s->links[s->w.t.link], rest);
    feed(s, &s->w.t, rest);
    return status;
}

static bool
begins_as_link(ehp_bytes wire)
{
    return wire.len >= EHP_PREAMBLE_LEN && memcmp(wire.data, "EHR1", 4) == 0;
}

/* The connection is closed, nothing else has happened: the right one comes, and goes on. */
static void
expect_closed(stage *s, JsonObject *f, pair_side *victim)
{
    ehp_bytes wire = vectors_hex(f, "wire");
    unsigned closed = victim->seen[EHP_EV_LINK_CLOSE];
    ehp_status status;

    if (begins_as_link(wire)) {
        status = stranger(s, f, wire);
    } else {
        status = read_as(&victim->s->links[victim->link], wire);
        feed(s, victim, wire);
    }
    assert_status(status, vectors_error(f));
    if (status != EHP_NOT_FOUND)
        g_assert_cmpuint(victim->seen[EHP_EV_LINK_CLOSE], ==, closed + 1);
    g_assert_false(victim->ended);
    if (s->w.connected)
        pair_cut(&s->w);
    s->w.no_reconnect = false;
    pair_finish(&s->w, 20);
    check_done(s);
}

/* The session ends by that name; the other side is told that it broke a rule. */
static void
expect_ended(stage *s, JsonObject *f, pair_side *victim)
{
    pair_side *liar = victim == &s->w.p ? &s->w.t : &s->w.p;
    int link = victim->link;
    ehp_bytes out;

    feed(s, victim, vectors_hex(f, "wire"));
    g_assert_true(victim->ended);
    assert_status(victim->status, vectors_error(f));
    out = ehp_session_output(victim->s, link, s->w.now);
    feed(s, liar, out);
    g_assert_true(liar->ended && liar->by_peer);
    g_assert_true(liar->status == EHP_PEER_PROTOCOL || liar->seen[EHP_EV_COMPLETE] > 0);
}

static void
test_must_fail(void)
{
    JsonObject *file = vectors_own("transcript.json");

    VECTORS_EACH(f, file, "must_fail")
    {
        stage s;
        pair_side *victim = g_str_equal(text_of(f, "victim"), "patient") ? &s.w.p : &s.w.t;

        g_test_message("%s", text_of(f, "comment"));
        stage_init(&s, file, case_named(file, text_of(f, "case")));
        play(&s, number_of(f, "link"), number_of(f, "at"));
        handle(&s);
        if (is_said(f, "ends"))
            expect_ended(&s, f, victim);
        else
            expect_closed(&s, f, victim);
        stage_clear(&s);
    }
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/transcript/cases", test_cases);
    g_test_add_func("/transcript/must-fail", test_must_fail);
    return g_test_run();
}
