/* SPDX-License-Identifier: Apache-2.0
 *
 * See pair.h. The behaviour of both devices in the tests is here: what a daemon would do, with
 * memory for a disk.
 */
#include "pair.h"

#include <string.h>

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

/* The items of the next transfer: every n-th; 0: none. */
static void
pick(pair *w, size_t every)
{
    w->n_picked = 0;
    for (size_t i = 0; every > 0 && i < w->n_items && w->n_picked < G_N_ELEMENTS(w->picked);
         i += every) {
        w->picked_entries[w->n_picked] = w->entries[i];
        w->picked[w->n_picked++] = i;
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
    pick(w, 1);
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

/* ---------------------------------------------------------------- what the devices do */

/* Many items are only sent whole. */
static size_t
item_of(const pair *w, uint32_t id)
{
    return w->n_items > G_N_ELEMENTS(w->picked) ? id : w->picked[id];
}

static void
on_need_data(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;
    size_t which = item_of(w, ev->item);
    const pair_item *item = &w->items[which];
    uint8_t *data;

    if (w->hold_data)
        return;
    if (w->data_verdict != EHP_OK) {
        g_assert_cmpint(ehp_session_data_failed(side->s, w->data_verdict, w->now), ==, EHP_OK);
        return;
    }
    if (w->revoke_at_data && side->seen[EHP_EV_NEED_DATA] > w->revoke_after) {
        g_assert_cmpint(ehp_session_revoke(side->s, 1700000500, w->now), ==, EHP_OK);
        return;
    }
    data = g_malloc(ev->length);
    for (uint32_t i = 0; i < ev->length; i++)
        data[i] = pair_byte(item, (uint32_t)which, ev->offset + i);
    g_assert_cmpint(ehp_session_data(side->s, ev->item, data, ev->length, w->now), ==,
                    w->data_changed ? EHP_ITEM_CHANGED : EHP_OK);
    g_free(data);
}

static void
on_segment(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;
    size_t which = item_of(w, ev->item);

    if (!w->lax)
        g_assert_cmpuint(ev->offset + ev->data.len, <=, w->items[which].size);
    for (size_t i = 0; !w->lax && i < ev->data.len; i += ev->data.len > 4096 ? 97 : 1)
        g_assert_cmpuint(ev->data.data[i], ==,
                         pair_byte(&w->items[which], (uint32_t)which, ev->offset + i));
    side->received_bytes += ev->data.len;
    if (!w->hold_durable)
        g_assert_cmpint(ehp_session_durable(side->s, ev->item, ev->segment + 1, w->now), ==,
                        EHP_OK);
    else
        side->deadline = ev->segment + 1; /* remembered for SUSPENDED */
}

static void
answer_grant(pair_side *side)
{
    pair *w = side->pair;
    ehp_grant grant = {.acting_as = 1,
                       .time = 1700000000,
                       .items = w->entries,
                       .n_items = w->n_items,
                       .from = w->from};

    if (w->hold_consent)
        return;
    if (w->refuse_with != EHP_OK)
        g_assert_cmpint(ehp_session_refuse(side->s, w->refuse_with, w->now), ==, EHP_OK);
    else
        g_assert_cmpint(ehp_session_grant(side->s, &grant, w->now), ==, EHP_OK);
}

static void
on_receipt(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;
    bool received = ev->type == EHP_EV_RECEIPT;
    ehp_status verdict = received ? w->receipt_verdict : w->stored_verdict;

    g_assert_cmpuint(ev->bytes.len, <=, sizeof(side->receipt));
    memcpy(side->receipt, ev->bytes.data, ev->bytes.len);
    side->receipt_len = ev->bytes.len;
    if (received ? !w->hold_receipt : !w->hold_receipt_ready)
        g_assert_cmpint(ehp_session_receipt_stored(side->s, verdict, w->now), ==, EHP_OK);
}

static bool
to_patient(const pair_side *side)
{
    ehp_progress progress;

    ehp_session_progress(side->s, &progress);
    return progress.to_patient;
}

static void
tell(pair_side *side)
{
    g_assert_cmpint(ehp_session_tell_status(side->s, side->pair->tell_status, NULL, 1700000600,
                                            side->pair->now),
                    ==, EHP_OK);
}

static void
ask_items(pair_side *side, bool list)
{
    Ehp__ItemQuery query = EHP__ITEM_QUERY__INIT, *queries[] = {&query};
    Ehp__ItemRequest request = EHP__ITEM_REQUEST__INIT;
    char *ids[] = {(char *)"0", (char *)"2"};

    query.n_id = 2;
    query.id = ids;
    request.n_query = 1;
    request.query = queries;
    request.has_manifest_only = request.manifest_only = list;
    g_assert_cmpint(ehp_session_request_items(side->s, &request, side->pair->now), ==, EHP_OK);
}

/* The terminal's next step of `later`. */
static void
go_on(pair_side *side)
{
    pair *w = side->pair;
    char step = w->later[w->at_later];

    if (strcmp(ehp_session_state_name(side->s), "Ended") == 0)
        return;
    if (step == 's') {
        tell(side);
        step = w->later[++w->at_later];
    }
    if (step == '\0') {
        if (ehp_session_document(side->s, EHP_DOC_STATUS).len > 0)
            g_assert_cmpint(ehp_session_bye(side->s, w->now), ==, EHP_OK);
        else
            tell(side);
        return;
    }
    w->at_later++;
    pick(w, step == 'n' ? 0 : step == 'r' ? 2 : 1);
    if (step == 'r' || step == 'n' || step == 'l')
        ask_items(side, step == 'l');
    else
        g_assert_cmpint(ehp_session_offer(side->s, w->picked_entries, w->n_picked, w->now), ==,
                        EHP_OK);
}

/* The patient is shown what the clinic would send. */
static void
on_offer(pair_side *side)
{
    pair *w = side->pair;
    char step = w->later[w->at_later - 1];

    if (step == 'x')
        g_assert_cmpint(ehp_session_refuse(side->s, EHP_DECLINED, w->now), ==, EHP_OK);
    else if (step == 'w')
        g_assert_cmpint(ehp_session_manifest_ok(side->s, w->manifest_verdict, w->now), ==,
                        EHP_OK);
}

/* The patient goes when it knows what became of its items; a receipt of its own that is not
 * acknowledged yet keeps it. */
static void
leave(pair_side *side)
{
    const char *later = side->pair->later;
    ehp_status status;

    if (later != NULL && strchr(later, 's') != NULL)
        return;
    status = ehp_session_bye(side->s, side->pair->now);
    g_assert_true(status == EHP_OK || (later != NULL && status == EHP_WRONG_STATE));
}

static void
on_complete(pair_side *side)
{
    pair *w = side->pair;

    if (side->patient && w->stop_after_complete)
        g_assert_cmpint(ehp_session_bye(side->s, w->now), ==, EHP_OK);
    if (!side->patient && w->tell_status != 0 && w->later == NULL)
        tell(side);
    if (!side->patient && w->later != NULL && to_patient(side))
        go_on(side);
}

static void
on_suspended(pair_side *side)
{
    pair *w = side->pair;

    if (w->hold_durable && side->deadline > 0) {
        ehp_progress progress;
        ehp_status status;
        ehp_session_progress(side->s, &progress);
        status = ehp_session_durable(side->s, progress.items_done, side->deadline, w->now);
        (void)status; /* the item may have been answered meanwhile */
    }
}

static void
on_close(pair_side *side, const ehp_event *ev)
{
    if (ev->link != side->link)
        return;
    if (!ev->flush) {
        side->link = -1;
        pair_cut(side->pair);
    } else {
        side->closing = true;
    }
}

static void
handle(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;
    static const uint8_t audit[32] = {7};
    ehp_commit commit = {1700000300, audit};

    side->last = ev->type;
    side->seen[ev->type]++;
    if (ev->type == w->end_at && side->patient == w->end_patient && ev->type != EHP_EV_ENDED) {
        ehp_session_end(side->s, w->end_with, w->now);
        return;
    }
    switch (ev->type) {
    case EHP_EV_LINK_CLOSE:
        on_close(side, ev);
        break;
    case EHP_EV_SUSPENDED:
        on_suspended(side);
        break;
    case EHP_EV_CHECK_CRLS:
        g_assert_true(w->lax || ev->n_crls == 1);
        if (w->hold_crls)
            break;
        g_assert_cmpint(ehp_session_crls(side->s, w->crl_verdict, w->crl_allowed, w->now), ==,
                        EHP_OK);
        break;
    case EHP_EV_ASK_CONSENT:
        if (!w->lax)
            g_assert_cmpstr(ev->request->text, ==, "please");
        answer_grant(side);
        break;
    case EHP_EV_NEED_DATA:
        on_need_data(side, ev);
        break;
    case EHP_EV_RECEIPT:
    case EHP_EV_RECEIPT_READY:
        on_receipt(side, ev);
        break;
    case EHP_EV_MANIFEST_PAGE:
        for (size_t i = 0; !w->lax && i < ev->n_entries; i++)
            g_assert_cmpstr(ev->entries[i]->name, ==,
                            w->items[item_of(w, ev->entries[i]->id)].name);
        break;
    case EHP_EV_MANIFEST:
        if (!w->lax)
            g_assert_cmpuint(ev->items, ==, w->later != NULL ? w->n_picked : w->n_items);
        if (side->patient) {
            on_offer(side);
            break;
        }
        if (w->hold_manifest)
            break;
        g_assert_cmpint(ehp_session_manifest_ok(side->s, w->manifest_verdict, w->now), ==,
                        EHP_OK);
        break;
    case EHP_EV_SEGMENT:
        on_segment(side, ev);
        break;
    case EHP_EV_ITEM_COMPLETE:
        side->items_whole++;
        side->deadline = 0;
        if (!w->hold_items)
            g_assert_cmpint(ehp_session_item_stored(side->s, ev->item, w->item_verdict, w->now),
                            ==, EHP_OK);
        break;
    case EHP_EV_COMMIT:
        if (!w->hold_commit)
            g_assert_cmpint(ehp_session_commit(side->s, &commit, w->now), ==, EHP_OK);
        break;
    case EHP_EV_COMPLETE:
        on_complete(side);
        break;
    case EHP_EV_STATUS:
        side->status_kind = ev->status_kind;
        leave(side);
        break;
    case EHP_EV_ENDED:
        g_assert_false(side->ended);
        side->ended = true;
        side->status = ev->status;
        side->by_peer = ev->by_peer;
        break;
    case EHP_EV_SAVE:
        g_assert_cmpint(ehp_session_saved(side->s, EHP_OK, w->now), ==, EHP_OK);
        break;
    case EHP_EV_ITEM_REQUEST:
        if (!w->lax)
            g_assert_cmpstr(ev->item_request->query[0]->id[1], ==, "2");
        if (w->hold_request)
            break;
        g_assert_cmpint(ehp_session_offer(side->s, w->picked_entries, w->n_picked, w->now), ==,
                        EHP_OK);
        break;
    case EHP_EV_RECEIPT_ACKED:
    case EHP_EV_REPLY_REFUSED:
        if (side->patient && side->status_kind != 0)
            leave(side);
        if (!side->patient && w->later != NULL)
            go_on(side);
        break;
    case EHP_EV_NONE:
    case EHP_EV_LINK_UP:
    case EHP_EV_CONSENT_VOID:
    case EHP_EV_ITEM_ACKED:
    case EHP_EV_REVOKED:
        break;
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
        handle(side, &ev);
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
