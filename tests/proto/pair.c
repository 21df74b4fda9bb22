/* SPDX-License-Identifier: Apache-2.0
 *
 * See pair.h: making both sessions, the wire between them, the ends of a process. What the
 * devices do is pair-device.c's.
 */
#include "pair.h"

#include <string.h>

#include "pair-device.h"
#include "proto/noise.h"
#include "proto/sign.h"

static uint8_t leaf_public[32], leaf_secret[64];

const uint8_t *
pair_leaf_secret(void)
{
    uint8_t seed[32];

    memset(seed, 0x5e, sizeof(seed));
    ehp_sign_keypair(seed, leaf_public, leaf_secret);
    return leaf_secret;
}

static void
common(ehp_secrets *s, ehp_role role)
{
    ehp_secrets_init(s);
    s->role = role;
    s->version = 1;
    memset(s->h, 0xa1, sizeof(s->h));
    memset(s->locator, 0xb2, sizeof(s->locator));
    memset(s->resume, 0xc3, sizeof(s->resume));
    memset(s->export_key, 0xd4, sizeof(s->export_key));
    pair_leaf_secret();
    memcpy(s->leaf_key, leaf_public, 32);
    ehp_chain_hash(s->chain_hash, NULL, 0);
    s->purpose = 1;
    s->verdict = EHP_UNVERIFIED;
}

void
pair_secrets(ehp_secrets *patient, ehp_secrets *terminal)
{
    uint8_t up[32], down[32];

    memset(up, 0x01, sizeof(up));
    memset(down, 0x02, sizeof(down));
    common(patient, EHP_ROLE_PATIENT);
    common(terminal, EHP_ROLE_TERMINAL);
    ehp_cipher_init(&patient->send, up);
    ehp_cipher_init(&terminal->recv, up);
    ehp_cipher_init(&patient->recv, down);
    ehp_cipher_init(&terminal->send, down);
    patient->recv.nonce = terminal->send.nonce = 1; /* CONFIRM was 0 */
}

uint8_t
pair_byte(const pair_item *item, uint32_t id, uint64_t offset)
{
    static const char text[] = "The quick brown fox jumps over the lazy dog. ";

    if (item->kind == 1)
        return (uint8_t)text[offset % (sizeof(text) - 1)];
    uint64_t x = (offset / 8 + 1) * 0x9e3779b97f4a7c15ull ^ ((uint64_t)id << 40);
    x ^= x >> 29;
    x *= 0xbf58476d1ce4e5b9ull;
    x ^= x >> 32;
    return (uint8_t)(x >> (8 * (offset % 8)));
}

static const pair_item default_items[] = {{"summary.json", 1000, 1}};

void
pair_init(pair *w)
{
    memset(w, 0, sizeof(*w));
    w->now = 1000;
    w->items = default_items;
    w->n_items = 1;
    w->chunk = SIZE_MAX;
    w->cut_p = w->cut_t = w->flip_p = w->flip_t = UINT64_MAX;
    w->end_at = EHP_EV_NONE;
    w->end_with = EHP_CANCELLED;
    w->tell_status = 1;
    w->p.pair = w->t.pair = w;
    w->p.patient = true;
    w->p.link = w->t.link = -1;
}

static void
make_entries(pair *w)
{
    w->entry_store = g_new0(Ehp__ItemEntry, w->n_items);
    w->entries = g_new0(Ehp__ItemEntry *, w->n_items);
    for (size_t i = 0; i < w->n_items; i++) {
        Ehp__ItemEntry *e = &w->entry_store[i];
        ehp__item_entry__init(e);
        e->name = (char *)w->items[i].name;
        e->has_size = e->has_category = 1;
        e->size = w->items[i].size;
        e->category = EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY;
        w->entries[i] = e;
    }
}

void
pair_start(pair *w)
{
    ehp_secrets ps, ts;
    ehp_session_config pc = {.secrets = &ps, .zstd_level = w->zstd_level};
    ehp_session_config tc = {.secrets = &ts};
    Ehp__ConsentRequest request = EHP__CONSENT_REQUEST__INIT;
    static const uint8_t crl[] = "a revocation list";
    ehp_bytes crls[] = {{crl, sizeof(crl)}};

    pc.saves = tc.saves = w->revive != NULL;
    pair_secrets(&ps, &ts);
    memset(ps.h, 0xa1 ^ w->number, sizeof(ps.h));
    memset(ts.h, 0xa1 ^ w->number, sizeof(ts.h));
    memset(ps.export_key, 0xd4 ^ w->number, sizeof(ps.export_key));
    memset(ts.export_key, 0xd4 ^ w->number, sizeof(ts.export_key));
    memset(pc.seed, 0x31 ^ w->number, sizeof(pc.seed));
    memset(tc.seed, 0x32 ^ w->number, sizeof(tc.seed));
    request.text = (char *)"please";
    request.has_manifest_only = request.manifest_only = w->list_first;
    tc.leaf_secret = pair_leaf_secret();
    tc.request = w->request ? w->request : &request;
    tc.crls = crls;
    tc.n_crls = 1;
    g_assert_cmpint(ehp_session_new(&pc, w->now, &w->p.s), ==, EHP_OK);
    g_assert_cmpint(ehp_session_new(&tc, w->now, &w->t.s), ==, EHP_OK);
    make_entries(w);
    pair_device_pick(w, 1);
    w->p.inbox = g_byte_array_new();
    w->t.inbox = g_byte_array_new();
    w->preamble = g_byte_array_new();
}

void
pair_connect(pair *w)
{
    g_assert_false(w->connected);
    g_byte_array_set_size(w->p.inbox, 0);
    g_byte_array_set_size(w->t.inbox, 0);
    g_byte_array_set_size(w->preamble, 0);
    w->known = false;
    w->t.link = w->p.link = -1;
    w->p.closing = w->t.closing = false;
    if (ehp_session_connect(w->p.s, w->now, &w->p.link) != EHP_OK)
        return;
    w->connected = true;
    w->connects++;
}

/* The wire is gone for both. */
void
pair_cut(pair *w)
{
    pair_side *sides[] = {&w->p, &w->t};

    if (!w->connected)
        return;
    w->connected = false;
    w->cuts++;
    for (int i = 0; i < 2; i++) {
        int link = sides[i]->link;
        sides[i]->link = -1;
        sides[i]->closing = false;
        if (link >= 0)
            ehp_session_link_lost(sides[i]->s, link, w->now);
    }
}

/* ---------------------------------------------------------------- ends of a process */

void
pair_kill(pair_side *side)
{
    pair *w = side->pair;
    pair_side *other = side->patient ? &w->t : &w->p;

    if (w->connected) {
        w->connected = false;
        w->cuts++;
        if (other->link >= 0)
            ehp_session_link_lost(other->s, other->link, w->now);
    }
    side->link = other->link = -1;
    side->closing = other->closing = false;
    ehp_session_free(side->s);
    w->kills++;
    side->s = w->revive(side);
    side->dead = side->s == NULL;
}

static bool
victim(const pair_side *side)
{
    return (side->pair->blow & (side->patient ? PAIR_KILL_PATIENT : PAIR_KILL_TERMINAL)) != 0;
}

static void
strike(pair *w)
{
    pair_side *sides[] = {&w->p, &w->t};

    w->blows++;
    pair_cut(w);
    for (int i = 0; i < 2; i++)
        if (victim(sides[i]) && !sides[i]->ended)
            pair_kill(sides[i]);
}

static bool
struck(pair_side *side)
{
    pair *w = side->pair;

    if (w->revive == NULL || side->patient != w->kill_patient || side->ended)
        return false;
    side->events++;
    if (w->kill_at == 0 || side->events != w->kill_at)
        return false;
    w->kill_at = w->kill_again > 0 ? w->kill_at + w->kill_again : 0;
    w->kill_again = 0;
    return true;
}

void
pair_handle(pair_side *side)
{
    ehp_event ev;

    while (!side->dead && ehp_session_next_event(side->s, side->pair->now, &ev)) {
        bool now = struck(side);
        if (now && !side->pair->kill_handled && victim(side)) {
            strike(side->pair);
            continue;
        }
        if (side->pair->on_event != NULL)
            side->pair->on_event(side, &ev);
        pair_device_handle(side, &ev);
        if (now)
            strike(side->pair);
    }
}

/* ---------------------------------------------------------------- the wire */

/* Moves up to a chunk from side to the other's inbox. False: nothing moved. */
static bool
carry(pair *w, pair_side *from, pair_side *to, uint64_t *sent, uint64_t cut, uint64_t flip,
      GByteArray *tape)
{
    ehp_bytes out;
    size_t len;

    if (!w->connected || from->link < 0)
        return false;
    if (w->between != NULL && w->between(w, from, to))
        return true;
    if (from->link < 0)
        return false;
    out = ehp_session_output(from->s, from->link, w->now);
    len = MIN(out.len, w->chunk);
    if (to->inbox->len > 256 * 1024)
        return false; /* a wire holds only so much */
    if (len == 0) {
        /* the other side sees the end once it has read what came before */
        if (!from->closing || (to->inbox->len > 0 && to->link >= 0 && !to->ended &&
                               !(to->patient && w->deaf_patient)))
            return false;
        pair_cut(w);
        return true;
    }
    if (cut >= *sent && cut - *sent < len)
        len = (size_t)(cut - *sent);
    g_byte_array_append(to->inbox, out.data, (guint)len);
    if (flip >= *sent && flip - *sent < len)
        to->inbox->data[to->inbox->len - len + (flip - *sent)] ^= (uint8_t)(1u << w->flip_bit);
    if (tape != NULL)
        g_byte_array_append(tape, out.data, (guint)len);
    ehp_session_consume(from->s, from->link, len, w->now);
    *sent += len;
    if (cut == *sent) {
        *sent += 1; /* once */
        if (w->cut_every > 0 && from->patient) {
            w->cut_p = *sent + w->cut_every;
            if (w->cut_more > 0 && --w->cut_more == 0)
                w->cut_every = 0;
        }
        strike(w);
    }
    return true;
}

/* The listener finds the session by the preamble. */
static bool
greet(pair *w)
{
    ehp_preamble preamble;
    ehp_bytes in = {w->t.inbox->data, w->t.inbox->len};
    ehp_status status = ehp_preamble_parse(in, &preamble);

    if (status == EHP_AGAIN)
        return false;
    if (status != EHP_OK || !ehp_session_matches(w->t.s, &preamble) ||
        ehp_session_accept(w->t.s, &preamble, w->now, &w->t.link) != EHP_OK) {
        pair_cut(w);
        return true;
    }
    g_byte_array_remove_range(w->t.inbox, 0, EHP_PREAMBLE_LEN);
    w->known = true;
    return true;
}

static bool
deliver(pair *w, pair_side *to)
{
    size_t used = 0, len;

    if (!w->connected || to->inbox->len == 0 || (to->patient && w->deaf_patient))
        return false;
    if (!to->patient && !w->known)
        return greet(w);
    if (to->link < 0 || !ehp_session_wants_input(to->s, to->link))
        return false;
    len = MIN(to->inbox->len, w->chunk);
    g_assert_cmpint(ehp_session_feed(to->s, to->link, to->inbox->data, len, w->now, &used), ==,
                    EHP_OK);
    g_assert_cmpuint(used, <=, len);
    if (used > 0)
        g_byte_array_remove_range(to->inbox, 0, (guint)used);
    return used > 0;
}

void
pair_run(pair *w)
{
    bool moved = true;

    while (moved && (w->stop_at == 0 || w->sent_p < w->stop_at)) {
        pair_handle(&w->p);
        pair_handle(&w->t);
        if (!w->connected && !w->p.ended && !w->no_reconnect && w->connects > 0 &&
            w->connects < 2000) {
            pair_connect(w);
            pair_handle(&w->p);
        }
        moved = carry(w, &w->p, &w->t, &w->sent_p, w->cut_p, w->flip_p, w->tape_p);
        moved |= carry(w, &w->t, &w->p, &w->sent_t, w->cut_t, w->flip_t, w->tape_t);
        moved |= deliver(w, &w->t);
        pair_handle(&w->t);
        moved |= deliver(w, &w->p);
        pair_handle(&w->p);
        moved |= !w->connected && !w->p.ended && !w->no_reconnect && w->connects > 0 &&
                 w->connects < 2000;
    }
}

bool
pair_wait(pair *w)
{
    uint64_t at = MIN(ehp_session_deadline(w->p.s), ehp_session_deadline(w->t.s));

    if (at == UINT64_MAX)
        return false;
    w->now = MAX(at, w->now);
    ehp_session_tick(w->p.s, w->now);
    ehp_session_tick(w->t.s, w->now);
    return true;
}

void
pair_finish(pair *w, unsigned limit)
{
    pair_run(w);
    while (limit-- > 0 && !(w->p.ended && w->t.ended) && pair_wait(w))
        pair_run(w);
}

void
pair_clear(pair *w)
{
    ehp_session_free(w->p.s);
    ehp_session_free(w->t.s);
    g_byte_array_unref(w->p.inbox);
    g_byte_array_unref(w->t.inbox);
    g_byte_array_unref(w->preamble);
    g_free(w->entries);
    g_free(w->entry_store);
    if (w->tape_p != NULL)
        g_byte_array_unref(w->tape_p);
    if (w->tape_t != NULL)
        g_byte_array_unref(w->tape_t);
}
