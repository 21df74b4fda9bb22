/* SPDX-License-Identifier: Apache-2.0
 *
 * See kept.h.
 */
#include "kept.h"

#include <string.h>

static bool
receives(const pair_side *side, const ehp_session_stage *stage)
{
    return side->patient == stage->to_patient;
}

/* Another transfer than the one that was kept: nothing of that one is looked at any more. */
static void
begin_transfer(pair_side *side)
{
    kept_store *kept = side->store;
    const pair *w = side->pair;

    kept->n_roots = 0;
    kept->mark_len = 0;
    kept->n_sent = (uint32_t)w->n_picked;
    memcpy(kept->sent, w->picked_entries, w->n_picked * sizeof *kept->sent);
    if (receives(side, &kept->stage))
        kept->list = kept->coming;
}

static void
save(pair_side *side)
{
    kept_store *kept = side->store;
    const ehp_session_stage before = kept->stage;
    ehp_writer w;

    ehp_writer_init(&w, kept->saved, sizeof kept->saved);
    g_assert_cmpint(ehp_session_save(side->s, &w), ==, EHP_OK);
    kept->saved_len = w.len;
    g_assert_cmpint(ehp_session_stage_of((ehp_bytes){kept->saved, w.len}, &kept->stage), ==,
                    EHP_OK);
    if (kept->stage.transfer != before.transfer || kept->stage.granted != before.granted)
        begin_transfer(side);
}

static void
keep_root(const pair_side *side, const ehp_event *ev)
{
    kept_store *kept = side->store;

    g_assert_cmpuint(ev->mark.len, ==, EHP_HASH_LEN);
    kept->doubled += receives(side, &kept->stage) && ev->item < kept->n_roots;
    memcpy(kept->roots[ev->item], ev->mark.data, EHP_HASH_LEN);
    if (ev->item == kept->n_roots)
        kept->n_roots++;
    kept->mark_len = 0;
}

static void
keep_mark(kept_store *kept, ehp_bytes mark)
{
    memcpy(kept->mark, mark.data, mark.len);
    kept->mark_len = mark.len;
}

static void
keep_receipt(pair_side *side, ehp_bytes receipt)
{
    kept_store *kept = side->store;
    ehp_progress progress;
    kept_receipt *slot;

    ehp_session_progress(side->s, &progress);
    slot = &kept->receipts[progress.transfer];
    kept->doubled += slot->len > 0 && (slot->len != receipt.len ||
                                       memcmp(slot->bytes, receipt.data, receipt.len) != 0);
    memcpy(slot->bytes, receipt.data, receipt.len);
    slot->len = receipt.len;
}

static void
keep_page(kept_store *kept, const ehp_event *ev)
{
    kept_list *list = &kept->coming;

    if (ev->item == 0)
        list->n = 0;
    for (size_t i = 0; i < ev->n_entries; i++, list->n++) {
        list->sizes[list->n] = ev->entries[i]->size;
        memcpy(list->salts[list->n], ev->entries[i]->salt.data, EHP_SALT_LEN);
    }
}

static void
keep_manifest(pair_side *side, const ehp_event *ev)
{
    kept_store *kept = side->store;

    if (side->patient) /* when it is accepted */
        return;
    if (ev->items == 0)
        kept->coming.n = 0;
    save(side);
    begin_transfer(side);
}

/* What an earlier session left belongs to this one, before that is told. */
static void
take_up(pair_side *side, const ehp_event *ev)
{
    kept_store *kept = side->store;
    const ehp_taken *from = kept->taken;

    if (ev->continues == NULL || from == NULL ||
        !ehp_left_fits(from->left, ehp_session_id(side->s), ev->continues) ||
        ehp_session_take_up(side->s, from, side->pair->now) != EHP_OK)
        return;
    memcpy(kept->roots, from->roots, from->n_roots * sizeof *kept->roots);
    kept->n_roots = from->n_roots;
    keep_mark(kept, from->mark);
    kept->taken_up++;
    kept->taken = NULL;
}

static void
on_event(pair_side *side, const ehp_event *ev)
{
    kept_store *kept = side->store;

    switch ((int)ev->type) {
    case EHP_EV_MANIFEST:
        keep_manifest(side, ev);
        take_up(side, ev);
        break;
    case EHP_EV_SAVE:
        save(side);
        break;
    case EHP_EV_MANIFEST_PAGE:
        keep_page(kept, ev);
        break;
    case EHP_EV_SEGMENT:
        keep_mark(kept, ev->mark);
        break;
    case EHP_EV_ITEM_COMPLETE:
        keep_root(side, ev);
        break;
    case EHP_EV_ITEM_ACKED:
        if (!kept->forgetful)
            keep_root(side, ev);
        break;
    case EHP_EV_RECEIPT:
    case EHP_EV_RECEIPT_READY:
        keep_receipt(side, ev->bytes);
        break;
    case EHP_EV_ENDED:
        kept->erased = true;
        break;
    default:
        break;
    }
}

static void
add_transfer(pair_side *side, ehp_session_past *past)
{
    const kept_store *kept = side->store;
    const ehp_session_stage *stage = &kept->stage;
    const bool first = stage->transfer == 0;

    if (stage->between || stage->refused || !stage->granted)
        return;
    if (receives(side, stage)) {
        past->n_items = kept->list.n;
        past->sizes = kept->list.sizes;
        past->salts = (const uint8_t(*)[EHP_SALT_LEN])kept->list.salts;
    } else {
        past->n_items = first ? (uint32_t)side->pair->n_items : kept->n_sent;
        past->items = first ? side->pair->entries : (Ehp__ItemEntry *const *)kept->sent;
    }
    past->roots = (const uint8_t(*)[EHP_HASH_LEN])kept->roots;
    past->n_roots = kept->n_roots;
    past->mark = (ehp_bytes){kept->mark, kept->mark_len};
    past->receipt =
        (ehp_bytes){kept->receipts[stage->transfer].bytes, kept->receipts[stage->transfer].len};
}

ehp_status
kept_try_revive(pair_side *side, ehp_session **out)
{
    kept_store *kept = side->store;
    ehp_session_config config = {.saves = true, .zstd_level = side->pair->zstd_level};
    ehp_session_past past = {.saved = {kept->saved, kept->saved_len},
                             .resume_ms = EHP_RESUME_MS};
    static const uint8_t crl[] = "a revocation list";
    ehp_bytes crls[] = {{crl, sizeof crl}};

    memset(config.seed, (int)(0x40 + side->pair->kills), sizeof config.seed);
    if (!side->patient) {
        config.leaf_secret = pair_leaf_secret();
        config.crls = crls;
        config.n_crls = 1;
    }
    add_transfer(side, &past);
    return ehp_session_restore(&config, &past, side->pair->now, out);
}

void
kept_go_on(pair_side *side)
{
    const kept_store *kept = side->store;
    pair *w = side->pair;
    uint32_t steps = kept->stage.transfer;

    if (side->patient || w->later == NULL)
        return;
    for (w->at_later = 0; steps > 0; w->at_later++)
        steps -= w->later[w->at_later] != 's';
    pair_go_on(side);
}

static ehp_session *
revive(pair_side *side)
{
    const kept_store *kept = side->store;
    ehp_session *s;

    g_assert_cmpstr(ehp_status_name(kept_try_revive(side, &s)), ==, "Ok");
    if (!side->patient && side->pair->later == NULL && kept->receipts[0].len > 0 &&
        ehp_session_document(s, EHP_DOC_STATUS).len == 0)
        g_assert_cmpint(ehp_session_tell_status(s, 1, NULL, 1700000600, side->pair->now), ==,
                        EHP_OK);
    side->s = s;
    kept_go_on(side);
    return s;
}

bool
kept_same_receipt(const kept_store *a, const kept_store *b, uint32_t transfer)
{
    const kept_receipt *x = &a->receipts[transfer], *y = &b->receipts[transfer];

    return x->len > 0 && x->len == y->len && memcmp(x->bytes, y->bytes, x->len) == 0;
}

void
kept_start(pair *w, kept_store *patient, kept_store *terminal)
{
    w->revive = revive;
    w->on_event = on_event;
    w->p.store = patient;
    w->t.store = terminal;
    pair_start(w);
    save(&w->p);
    save(&w->t);
}
