/* SPDX-License-Identifier: Apache-2.0
 *
 * One session and a peer made of the input: it sends junk on connections, records with the
 * right keys and any content, cuts, waits. Without the keys nothing ends a session but time;
 * with them it ends once, and nothing comes after. Input: flags, then operations (see step).
 * The secrets are those of tests/vectors/session.json.
 */
#include "proto/session.h"

#include <string.h>

#include "proto/record.h"
#include "proto/sign.h"
#include "tests/fuzz/fuzz.h"

#define WIRE_MAX (1024 * 1024)

typedef struct {
    ehp_session *s;
    bool terminal;
    uint8_t mood;
    uint64_t now;
    int link;
    ehp_record keys; /* the peer's, of the first link */
    bool keys_live, used_keys, waited;
    bool ended, complete;
    uint32_t items;
    uint32_t next_item;
    ehp_status status;
    ehp_secrets peer;
} state;

static void
secrets_of(ehp_secrets *p, ehp_secrets *t, uint8_t leaf_secret[64])
{
    uint8_t up[32], down[32], seed[32];

    ehp_secrets_init(p);
    p->version = 1;
    p->role = EHP_ROLE_PATIENT;
    p->purpose = 1;
    memset(p->h, 0xa1, 32);
    memset(p->locator, 0xb2, 32);
    memset(p->resume, 0xc3, 32);
    memset(seed, 0x5e, 32);
    ehp_sign_keypair(seed, p->leaf_key, leaf_secret);
    ehp_chain_hash(p->chain_hash, NULL, 0);
    *t = *p;
    t->role = EHP_ROLE_TERMINAL;
    memset(up, 1, 32);
    memset(down, 2, 32);
    ehp_cipher_init(&p->send, up);
    ehp_cipher_init(&t->recv, up);
    ehp_cipher_init(&p->recv, down);
    ehp_cipher_init(&t->send, down);
    p->recv.nonce = t->send.nonce = 1;
}

static void
start(state *s, uint8_t flags)
{
    ehp_secrets p, t;
    uint8_t leaf[64];
    Ehp__ConsentRequest request = EHP__CONSENT_REQUEST__INIT;
    static const uint8_t crl[] = "a revocation list";
    ehp_bytes crls[] = {{crl, sizeof(crl)}};
    ehp_session_config c = {0};

    memset(s, 0, sizeof(*s));
    s->terminal = (flags & 1) != 0;
    s->mood = flags;
    s->link = -1;
    s->now = 1000;
    secrets_of(&p, &t, leaf);
    c.secrets = s->terminal ? &t : &p;
    ehp_secrets_move(&s->peer, s->terminal ? &p : &t);
    memset(c.seed, s->terminal ? 0x32 : 0x31, 32);
    if (s->terminal) {
        request.text = (char *)"please";
        c.leaf_secret = leaf;
        c.request = &request;
        c.crls = crls;
        c.n_crls = 1;
    }
    FUZZ_CHECK(ehp_session_new(&c, s->now, &s->s) == EHP_OK);
    ehp_wipe(&p, sizeof(p));
    ehp_wipe(&t, sizeof(t));
}

static ehp_status
grant(state *s)
{
    static Ehp__ItemEntry entry[2];
    static Ehp__ItemEntry *items[] = {&entry[0], &entry[1]};
    ehp_grant g = {.acting_as = 1, .time = 1700000000, .items = items, .n_items = 2};

    for (int i = 0; i < 2; i++) {
        ehp__item_entry__init(&entry[i]);
        entry[i].name = (char *)"x";
        entry[i].has_size = entry[i].has_category = 1;
        entry[i].size = i == 0 ? 1000 : 300000;
        entry[i].category = EHP__CATEGORY__CATEGORY_OTHER;
    }
    return ehp_session_grant(s->s, &g, s->now);
}

static void
on_event(state *s, const ehp_event *ev)
{
    static uint8_t zeros[EHP_SEGMENT_MAX];
    ehp_commit commit = {1700000300, NULL};
    ehp_status status = EHP_OK;

    FUZZ_CHECK(!s->ended);
    switch (ev->type) {
    case EHP_EV_LINK_CLOSE:
        if (ev->link == s->link) {
            s->link = -1;
            s->keys_live = false;
        }
        break;
    case EHP_EV_CHECK_CRLS:
        status = ehp_session_crls(s->s, s->mood & 2 ? EHP_CRL_STALE : EHP_OK, true, s->now);
        break;
    case EHP_EV_ASK_CONSENT:
        status = s->mood & 4 ? ehp_session_refuse(s->s, EHP_DECLINED, s->now) : grant(s);
        break;
    case EHP_EV_NEED_DATA:
        FUZZ_CHECK(ev->length <= EHP_SEGMENT_MAX);
        status = ehp_session_data(s->s, ev->item, zeros, ev->length, s->now);
        break;
    case EHP_EV_RECEIPT:
    case EHP_EV_RECEIPT_READY:
        FUZZ_CHECK(ev->bytes.len > 0 && ev->bytes.len <= EHP_RECEIPT_MAX);
        status = ehp_session_receipt_stored(s->s, EHP_OK, s->now);
        break;
    case EHP_EV_MANIFEST:
        FUZZ_CHECK(ev->items > 0 && ev->items <= EHP_ITEMS_MAX);
        s->items = ev->items;
        status = ehp_session_manifest_ok(s->s, EHP_OK, s->now);
        break;
    case EHP_EV_SEGMENT:
        FUZZ_CHECK(ev->item == s->next_item && ev->data.len > 0 &&
                   ev->data.len <= EHP_SEGMENT_MAX);
        status = ehp_session_durable(s->s, ev->item, ev->segment + 1, s->now);
        break;
    case EHP_EV_ITEM_COMPLETE:
        FUZZ_CHECK(ev->item == s->next_item++);
        status = ehp_session_item_stored(s->s, ev->item, EHP_OK, s->now);
        break;
    case EHP_EV_COMMIT:
        FUZZ_CHECK(s->next_item == s->items);
        status = ehp_session_commit(s->s, &commit, s->now);
        break;
    case EHP_EV_COMPLETE:
        FUZZ_CHECK(!s->complete);
        s->complete = true;
        break;
    case EHP_EV_ENDED:
        s->ended = true;
        s->status = ev->status;
        FUZZ_CHECK(!s->complete || ev->status == EHP_OK);
        break;
    default:
        break;
    }
    FUZZ_CHECK(status == EHP_OK || status == EHP_NO_MEMORY);
}

static void
settle(state *s)
{
    ehp_event ev;

    while (ehp_session_next_event(s->s, s->now, &ev))
        on_event(s, &ev);
    for (int i = 0; i < EHP_SESSION_LINKS; i++) {
        ehp_bytes out = ehp_session_output(s->s, i, s->now);
        FUZZ_CHECK(out.len <= 2 * WIRE_MAX);
        ehp_session_consume(s->s, i, out.len, s->now);
    }
    while (ehp_session_next_event(s->s, s->now, &ev))
        on_event(s, &ev);
}

static void
feed(state *s, int link, ehp_bytes bytes)
{
    size_t used = 0;

    for (unsigned i = 0; link >= 0 && bytes.len > 0 && i < 1000; i++) {
        if (ehp_session_feed(s->s, link, bytes.data, bytes.len, s->now, &used) != EHP_OK)
            return;
        FUZZ_CHECK(used <= bytes.len);
        bytes.data += used;
        bytes.len -= used;
        settle(s);
        if (used == 0)
            return;
    }
}

/* The first link, with the peer's keys in our hands. */
static void
open_first(state *s)
{
    ehp_status status;

    if (s->keys_live || !s->peer.send.has_key)
        return;
    if (s->terminal) {
        uint8_t bytes[EHP_PREAMBLE_LEN];
        ehp_preamble p;
        ehp_session_config c = {.secrets = &s->peer};
        ehp_secrets copy = s->peer;
        ehp_session *patient;
        int link;
        /* another session says the preamble for us */
        c.secrets = &copy;
        FUZZ_CHECK(ehp_session_new(&c, s->now, &patient) == EHP_OK);
        FUZZ_CHECK(ehp_session_connect(patient, s->now, &link) == EHP_OK);
        memcpy(bytes, ehp_session_output(patient, link, s->now).data, sizeof(bytes));
        ehp_session_free(patient);
        FUZZ_CHECK(ehp_preamble_parse(ehp_bytes_of(bytes, sizeof(bytes)), &p) == EHP_OK);
        status = ehp_session_accept(s->s, &p, s->now, &s->link);
    } else {
        status = ehp_session_connect(s->s, s->now, &s->link);
    }
    if (status != EHP_OK)
        return;
    ehp_record_init(&s->keys, &s->peer.send, &s->peer.recv);
    s->keys_live = true;
    settle(s);
}

static void
say(state *s, ehp_bytes plain)
{
    ehp_queue queue;

    if (!s->keys_live || plain.len > EHP_RECORD_PLAIN_MAX)
        return;
    s->used_keys = true;
    ehp_queue_init(&queue, WIRE_MAX);
    if (ehp_record_seal(&s->keys, plain, &queue) == EHP_OK)
        feed(s, s->link, ehp_queue_peek(&queue));
    ehp_queue_clear(&queue);
}

static void
step(state *s, ehp_reader *in)
{
    int link;
    ehp_status ignored;

    switch (ehp_take_u8(in) & 7) {
    case 0:
        open_first(s);
        break;
    case 1: /* a record with the right keys */
        say(s, fuzz_take(in, ehp_take_be16(in)));
        break;
    case 2:                   /* bytes of anybody */
        s->keys_live = false; /* the stream is not the keys' any more */
        feed(s, s->link, fuzz_take(in, ehp_take_be16(in)));
        break;
    case 3:
        ehp_session_link_lost(s->s, s->link, s->now);
        s->link = -1;
        s->keys_live = false;
        break;
    case 4: {
        uint64_t before = s->now;
        s->now += (uint64_t)ehp_take_u8(in) * 1000;
        s->waited |= s->now > before;
        ehp_session_tick(s->s, s->now);
        break;
    }
    case 5: /* a later connection */
        if (!s->terminal) {
            ignored = ehp_session_connect(s->s, s->now, &link);
            if (ignored == EHP_OK) {
                s->link = link;
                s->keys_live = false;
            }
        }
        break;
    case 6:
        FUZZ_CHECK(ehp_session_deadline(s->s) > 0);
        break;
    case 7:
        s->mood = ehp_take_u8(in);
        break;
    }
    settle(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    ehp_reader in;
    state s;
    unsigned steps = 0;

    fuzz_start();
    ehp_reader_init(&in, data, size);
    start(&s, ehp_take_u8(&in));
    while (in.left > 0 && !s.ended && steps++ < 200)
        step(&s, &in);
    if (s.ended && !s.used_keys)
        FUZZ_CHECK(s.waited || s.status == EHP_BAD_TAG);
    ehp_record_clear(&s.keys);
    ehp_session_free(s.s);
    ehp_secrets_clear(&s.peer);
    return 0;
}
