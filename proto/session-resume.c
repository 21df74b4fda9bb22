/* SPDX-License-Identifier: Apache-2.0
 *
 * Resumption: Noise NNpsk0 with the generation's secret, empty payloads, then one ResumeHello
 * each way. A listener changes its generation when the connector's hello authenticates; a
 * connector knows from message 2 that the listener is the right one, but not whether its own
 * hello arrived, and so keeps the older generations until a record comes.
 */
#include <string.h>

#include "proto/session-priv.h"

#define PROLOGUE_LABEL "ehrlink1 resume"

static const generation *
base_of(const ehp_session *s, const session_link *l)
{
    return &s->held[l->connector ? s->attempt % s->n_held : 0];
}

static ehp_status
start(ehp_session *s, session_link *l)
{
    const generation *g = base_of(s, l);
    uint8_t text[sizeof(PROLOGUE_LABEL) + EHP_HASH_LEN + 4];
    ehp_noise_params params = {
        .pattern = EHP_NOISE_NN,
        .psk_mask = EHP_NOISE_PSK(0),
        .initiator = l->connector,
        .psks = &g->resume,
        .n_psks = 1,
    };
    ehp_writer w;

    ehp_writer_init(&w, text, sizeof(text));
    ehp_put(&w, PROLOGUE_LABEL, sizeof(PROLOGUE_LABEL));
    ehp_put(&w, s->secrets.h, EHP_HASH_LEN);
    ehp_put_be32(&w, g->number);
    params.prologue = ehp_bytes_of(text, w.len);
    l->generation = g->number + 1;
    return g->number == UINT32_MAX ? EHP_LIMIT_REACHED : ehp_noise_init(&l->noise, &params);
}

static ehp_status
write_message(ehp_session *s, session_link *l)
{
    uint8_t e_secret[EHP_DH_LEN], message[HANDSHAKE_LEN];
    ehp_writer w;
    ehp_status status;

    ehp_writer_init(&w, message, sizeof(message));
    ehp_drbg_bytes(&s->drbg, e_secret, sizeof(e_secret));
    status = ehp_noise_write(&l->noise, e_secret, ehp_bytes_of(NULL, 0), &w);
    ehp_wipe(e_secret, sizeof(e_secret));
    return status != EHP_OK ? status : ehp_queue_push(&l->out, message, w.len);
}

static ehp_status
read_message(session_link *l)
{
    uint8_t none[1];
    ehp_writer w;

    ehp_writer_init(&w, none, 0);
    return ehp_noise_read(&l->noise, ehp_bytes_of(l->handshake, HANDSHAKE_LEN), &w);
}

static ehp_status
take_keys(session_link *l)
{
    ehp_noise_keys keys;
    ehp_status status = ehp_noise_finish(&l->noise, l->generation, &keys);

    if (status != EHP_OK)
        return status;
    ehp_record_init(&l->records, &keys.send, &keys.recv);
    memcpy(l->locator, keys.locator, sizeof(l->locator));
    memcpy(l->resume, keys.resume, sizeof(l->resume));
    ehp_noise_keys_clear(&keys);
    return EHP_OK;
}

ehp_status
ehp_resume_offer(ehp_session *s, session_link *l)
{
    ehp_status status = start(s, l);

    return status != EHP_OK ? status : write_message(s, l);
}

ehp_status
ehp_resume_answer(ehp_session *s, session_link *l)
{
    ehp_status status = start(s, l);

    if (status == EHP_OK)
        status = read_message(l);
    if (status == EHP_OK)
        status = write_message(s, l);
    return status != EHP_OK ? status : take_keys(l);
}

/* Who answered has the generation that it was asked in, and will have the new one once our
 * hello arrives; or one made from it before, of a link that we gave up and whose hello is still
 * on its way. No other can be the listener's from here on; when there are too many, the oldest
 * of those goes. */
static void
hold(ehp_session *s, const session_link *l)
{
    generation base = *base_of(s, l);
    size_t kept = 0;

    for (size_t i = 0; i < s->n_held && kept < HELD_MAX - 2; i++)
        if (s->held[i].number == l->generation)
            s->held[kept++] = s->held[i];
    memmove(s->held + 1, s->held, kept * sizeof(*s->held));
    s->held[kept + 1] = base;
    s->n_held = kept + 2;
    ehp_wipe(&base, sizeof(base));
    s->held[0].number = l->generation;
    memcpy(s->held[0].locator, l->locator, EHP_KEY_LEN);
    memcpy(s->held[0].resume, l->resume, EHP_KEY_LEN);
    s->attempt = UINT32_MAX; /* the close of this link makes it 0: the newest is tried first */
    /* once our hello is out, the listener may know this generation only */
    ehp_session_want_save(s, true);
}

ehp_status
ehp_resume_finish(ehp_session *s, session_link *l)
{
    ehp_status status = read_message(l);

    if (status == EHP_OK)
        status = take_keys(l);
    if (status == EHP_OK)
        hold(s, l);
    return status;
}

void
ehp_resume_commit(ehp_session *s, const session_link *l)
{
    ehp_wipe(s->held, sizeof(s->held));
    s->n_held = 1;
    s->held[0].number = l->generation;
    memcpy(s->held[0].locator, l->locator, EHP_KEY_LEN);
    memcpy(s->held[0].resume, l->resume, EHP_KEY_LEN);
    s->secrets.generation = l->generation;
    memcpy(s->secrets.locator, l->locator, EHP_KEY_LEN);
    memcpy(s->secrets.resume, l->resume, EHP_KEY_LEN);
    ehp_cipher_clear(&s->secrets.send);
    ehp_cipher_clear(&s->secrets.recv);
    /* a listener's next record makes the connector forget the older one */
    ehp_session_want_save(s, !l->connector);
}

/* ---------------------------------------------------------------- ResumeHello */

static bool
granted(ehp_session *s)
{
    return ehp_doc_there(ehp_session_manifest_doc(s)) && s->state != SS_REPLY_OFFERED;
}

static uint32_t
consent_state(ehp_session *s)
{
    if (granted(s))
        return CONSENT_STATE_GRANTED;
    if (s->refused)
        return CONSENT_STATE_REFUSED;
    return s->state == SS_CRLS || s->state == SS_CONSENT || s->state == SS_REQUESTED ||
                   s->state == SS_REPLY_OFFERED
               ? CONSENT_STATE_ASKED
               : CONSENT_STATE_NONE;
}

static ehp_position
durable(ehp_session *s)
{
    ehp_position none = {0, 0};

    if (session_sends(
            s)) /* what was acknowledged in another session counts once it is said again */
        return s->has_sender && !s->sender.asks ? s->sender.acked : none;
    return granted(s) ? s->receiver.durable : none;
}

bool
ehp_resume_settled(ehp_session *s)
{
    return session_sends(s) || !s->has_receiver || !granted(s) ||
           ehp_receiver_settled(&s->receiver);
}

ehp_status
ehp_resume_send_hello(ehp_session *s, session_link *l)
{
    Ehp__Record record = EHP__RECORD__INIT;
    Ehp__ResumeHello hello = EHP__RESUME_HELLO__INIT;
    Ehp__ItemAck ack = EHP__ITEM_ACK__INIT, *acks[] = {&ack};
    ehp_position at = durable(s);
    ehp_outlet out = {&l->records, &l->out};

    hello.has_generation = hello.has_consent_state = 1;
    hello.has_transfer = s->transfer > 0;
    hello.transfer = s->transfer;
    hello.generation = l->generation;
    hello.consent_state = consent_state(s);
    if (granted(s)) {
        hello.has_manifest_hash = 1;
        hello.manifest_hash = ehp_wire_binary(ehp_session_manifest_doc(s)->hash, EHP_HASH_LEN);
        ack.has_item = ack.has_segments = 1;
        ack.item = at.item;
        ack.segments = at.segments;
        hello.n_durable = 1;
        hello.durable = acks;
    }
    record.body_case = EHP__RECORD__BODY_RESUME_HELLO;
    record.resume_hello = &hello;
    l->last_tx = s->now;
    s->acks_sent = at;
    s->position_due = false;
    return ehp_wire_send(&out, &record, 0);
}

/* The terminal begins a transfer; the patient may not have heard of that yet. */
static bool
peer_is_ahead(const ehp_session *s, const peer_hello *p)
{
    return s->role == EHP_ROLE_PATIENT && p->transfer == s->transfer + 1 &&
           (s->state == SS_SENT || s->state == SS_REPLY_RECEIVED);
}

static bool
peer_is_behind(const ehp_session *s, const peer_hello *p)
{
    return s->role == EHP_ROLE_TERMINAL && p->transfer + 1 == s->transfer &&
           (s->state == SS_REQUESTING || s->state == SS_REPLYING);
}

/* A receiver that forgot is allowed as long as it acknowledged nothing; one that had accepted
 * may not forget that. */
static ehp_status
compare_as_sender(const ehp_session *s, const peer_hello *p)
{
    if (!s->has_sender) /* restored once all was done, it needs none */
        return p->has_manifest && !s->complete ? EHP_ROLLED_BACK : EHP_OK;
    if (p->has_manifest || s->state == SS_REPLYING || s->sender.asks)
        return EHP_OK;
    return s->to_patient || s->sender.acked.item > 0 || s->sender.acked.segments > 0
               ? EHP_ROLLED_BACK
               : EHP_OK;
}

/* What both say must fit what we know; a peer whose state went back is not resumed with. */
static ehp_status
compare(ehp_session *s, peer_hello *p)
{
    bool ours = granted(s);

    p->ahead = peer_is_ahead(s, p);
    if (p->ahead)
        return EHP_OK;
    if (peer_is_behind(s, p)) {
        memset(p, 0, sizeof(*p));
        return EHP_OK;
    }
    if (p->transfer != s->transfer)
        return EHP_ROLLED_BACK;
    if (p->consent_state == CONSENT_STATE_REFUSED)
        return s->role == EHP_ROLE_TERMINAL && (s->state == SS_REPLYING || s->refused)
                   ? EHP_OK
                   : EHP_ROLLED_BACK;
    if (s->refused)
        return s->role == EHP_ROLE_PATIENT ? EHP_OK : EHP_ROLLED_BACK;
    if (ours && p->has_manifest &&
        memcmp(p->manifest_hash, ehp_session_manifest_doc(s)->hash, EHP_HASH_LEN) != 0)
        return EHP_ROLLED_BACK;
    if (session_sends(s))
        return compare_as_sender(s, p);
    if (ours && (!p->has_manifest || ehp_position_before(s->receiver.durable, p->durable)))
        return EHP_ROLLED_BACK;
    return EHP_OK;
}

ehp_status
ehp_resume_take_hello(ehp_session *s, const session_link *l, const Ehp__ResumeHello *hello)
{
    peer_hello *p = &s->hello;

    memset(p, 0, sizeof(*p));
    if (!hello->has_generation || !hello->has_consent_state ||
        hello->generation != l->generation || hello->consent_state > CONSENT_STATE_REFUSED)
        return EHP_BAD_MESSAGE;
    p->transfer = hello->transfer;
    p->consent_state = hello->consent_state;
    p->has_manifest = hello->has_manifest_hash;
    if (p->has_manifest != (p->consent_state == CONSENT_STATE_GRANTED) ||
        hello->n_durable != (p->has_manifest ? 1 : 0))
        return EHP_BAD_MESSAGE;
    if (p->has_manifest) {
        if (!hello->durable[0]->has_item || !hello->durable[0]->has_segments)
            return EHP_BAD_MESSAGE; /* as an Ack */
        memcpy(p->manifest_hash, hello->manifest_hash.data, EHP_HASH_LEN);
        p->durable.item = hello->durable[0]->item;
        p->durable.segments = hello->durable[0]->segments;
    }
    return compare(s, p);
}
