/* SPDX-License-Identifier: Apache-2.0
 *
 * See kept.h.
 */
#include "kept.h"

#include <string.h>

static void
save(pair_side *side)
{
    kept_store *kept = side->store;
    ehp_writer w;

    ehp_writer_init(&w, kept->saved, sizeof kept->saved);
    g_assert_cmpint(ehp_session_save(side->s, &w), ==, EHP_OK);
    kept->saved_len = w.len;
    kept->granted = ehp_session_granted(side->s);
}

static void
keep_root(const pair_side *side, const ehp_event *ev)
{
    kept_store *kept = side->store;

    g_assert_cmpuint(ev->mark.len, ==, EHP_HASH_LEN);
    kept->doubled += !side->patient && ev->item < kept->n_roots;
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
keep_receipt(kept_store *kept, ehp_bytes receipt)
{
    kept->doubled +=
        kept->receipt_len > 0 && (kept->receipt_len != receipt.len ||
                                  memcmp(kept->receipt, receipt.data, receipt.len) != 0);
    memcpy(kept->receipt, receipt.data, receipt.len);
    kept->receipt_len = receipt.len;
}

static void
keep_page(kept_store *kept, const ehp_event *ev)
{
    if (ev->item == 0)
        kept->n_items = kept->n_roots = 0;
    for (size_t i = 0; i < ev->n_entries; i++, kept->n_items++) {
        kept->sizes[kept->n_items] = ev->entries[i]->size;
        memcpy(kept->salts[kept->n_items], ev->entries[i]->salt.data, EHP_SALT_LEN);
    }
    kept->mark_len = 0;
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
        take_up(side, ev);
        save(side);
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
        keep_receipt(kept, ev->bytes);
        break;
    case EHP_EV_ENDED:
        kept->erased = true;
        break;
    default:
        break;
    }
}

ehp_status
kept_try_revive(pair_side *side, ehp_session **out)
{
    kept_store *kept = side->store;
    ehp_session_config config = {.saves = true, .zstd_level = side->pair->zstd_level};
    ehp_session_past past = {.saved = {kept->saved, kept->saved_len},
                             .resume_ms = EHP_RESUME_MS,
                             .sizes = kept->sizes,
                             .salts = (const uint8_t(*)[EHP_SALT_LEN])kept->salts,
                             .roots = (const uint8_t(*)[EHP_HASH_LEN])kept->roots,
                             .receipt = {kept->receipt, kept->receipt_len}};
    static const uint8_t crl[] = "a revocation list";
    ehp_bytes crls[] = {{crl, sizeof crl}};

    memset(config.seed, (int)(0x40 + side->pair->kills), sizeof config.seed);
    if (!side->patient) {
        config.leaf_secret = pair_leaf_secret();
        config.crls = crls;
        config.n_crls = 1;
    }
    if (kept->granted) {
        past.n_items = side->patient ? (uint32_t)side->pair->n_items : kept->n_items;
        past.items = side->pair->entries;
        past.n_roots = kept->n_roots;
        past.mark = (ehp_bytes){kept->mark, kept->mark_len};
    }
    return ehp_session_restore(&config, &past, side->pair->now, out);
}

static ehp_session *
revive(pair_side *side)
{
    const kept_store *kept = side->store;
    ehp_session *s;

    g_assert_cmpstr(ehp_status_name(kept_try_revive(side, &s)), ==, "Ok");
    if (!side->patient && kept->receipt_len > 0)
        g_assert_cmpint(ehp_session_tell_status(s, 1, NULL, 1700000600, side->pair->now), ==,
                        EHP_OK);
    return s;
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
