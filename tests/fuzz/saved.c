/* SPDX-License-Identifier: Apache-2.0
 *
 * A session that an earlier process kept, of which anything may be damaged. Input: which side,
 * at which of its events it was kept, then changes (see edit); with flag 4 the saved form is
 * the rest of the input instead. Unchanged it is taken up and the transfer ends well; changed
 * it is refused by name, or taken up by a session that can be saved again, comes to an end with
 * time, and has the same form then. With flag 16 the session has later transfers: items that
 * are asked for, a reply that is taken and one that is not.
 */
#include <string.h>

#include "proto/session.h"
#include "tests/fuzz/fuzz.h"
#include "tests/proto/kept.h"

static const pair_item items[] = {{"a", 700, 1}, {"none", 0, 0}, {"two segments", 263000, 1}};

/* Several transfers of them. */
static const pair_item few[] = {{"a", 700, 1}, {"none", 0, 0}, {"b", 300, 0}};

typedef struct {
    pair w;
    kept_store p, t;
    ehp_reader in;
    bool edited;
} world;

/* One world at a time; the pair's revive has no argument of ours. */
static world it;

static void
change(uint8_t *bytes, size_t len, uint16_t at, uint8_t by)
{
    if (len > 0)
        bytes[at % len] ^= by;
    it.edited = it.edited || (len > 0 && by != 0);
}

static void
edit(kept_store *kept, ehp_reader *in)
{
    const uint8_t what = ehp_take_u8(in), by = ehp_take_u8(in);
    const uint16_t at = ehp_take_be16(in);
    kept_receipt *receipt = &kept->receipts[kept->stage.transfer];

    switch (what % 9) {
    case 0:
        change(kept->saved, kept->saved_len, at, by);
        break;
    case 1:
        it.edited = it.edited || at < kept->saved_len;
        kept->saved_len = MIN(kept->saved_len, at);
        break;
    case 2:
        change((uint8_t *)kept->roots, kept->n_roots * sizeof kept->roots[0], at, by);
        break;
    case 3:
        change((uint8_t *)kept->list.sizes, kept->list.n * sizeof kept->list.sizes[0], at, by);
        break;
    case 4:
        change((uint8_t *)kept->list.salts, kept->list.n * sizeof kept->list.salts[0], at, by);
        break;
    case 5:
        kept->n_roots = at % G_N_ELEMENTS(kept->roots);
        it.edited = true;
        break;
    case 6:
        change(kept->mark, kept->mark_len, at, by);
        break;
    case 7:
        kept->mark_len = MIN(at, sizeof kept->mark);
        it.edited = true;
        break;
    default:
        receipt->len = MIN(at, sizeof receipt->bytes);
        change(receipt->bytes, receipt->len, at, by);
        it.edited = true;
        break;
    }
}

static void
raw(kept_store *kept, ehp_reader *in)
{
    const ehp_bytes bytes = fuzz_take(in, sizeof kept->saved);

    if (bytes.len > 0)
        memcpy(kept->saved, bytes.data, bytes.len);
    kept->saved_len = bytes.len;
    it.edited = true;
}

static void
check_saved(const ehp_session *s)
{
    static uint8_t bytes[EHP_SESSION_SAVED_MAX];
    uint8_t mark[EHP_MARK_MAX];
    ehp_progress progress;
    ehp_writer w;

    ehp_writer_init(&w, bytes, sizeof bytes);
    FUZZ_CHECK(ehp_session_save(s, &w) == EHP_OK);
    ehp_writer_init(&w, mark, sizeof mark);
    FUZZ_CHECK(ehp_session_mark(s, &w) == EHP_OK);
    ehp_session_progress(s, &progress);
    FUZZ_CHECK(progress.items_done <= progress.items && progress.bytes_done <= progress.bytes);
}

/* Nobody comes; its answers are all no. */
static void
wait_for_the_end(ehp_session *s, uint64_t now)
{
    ehp_event ev = {0};
    unsigned links = 0;

    for (unsigned i = 0; i < 100 && ev.type != EHP_EV_ENDED; i++) {
        int link;
        if (links++ < 3 && ehp_session_connect(s, now, &link) == EHP_OK)
            FUZZ_CHECK(ehp_session_output(s, link, now).len >= EHP_PREAMBLE_LEN);
        while (ev.type != EHP_EV_ENDED && ehp_session_next_event(s, now, &ev))
            if (ev.type == EHP_EV_SAVE)
                FUZZ_CHECK(ehp_session_saved(s, EHP_OK, now) == EHP_OK);
        if (ev.type == EHP_EV_COMMIT)
            ehp_session_end(s, EHP_NO_SPACE, now);
        if (ehp_session_deadline(s) == UINT64_MAX)
            continue;
        now = MAX(now, ehp_session_deadline(s));
        ehp_session_tick(s, now);
    }
    FUZZ_CHECK(ev.type == EHP_EV_ENDED);
}

static ehp_session *
revive(pair_side *side)
{
    kept_store *kept = side->store;
    ehp_session *s;
    ehp_status status;

    while (it.in.left >= 4)
        edit(kept, &it.in);
    status = kept_try_revive(side, &s);
    FUZZ_CHECK((status == EHP_OK) == (s != NULL));
    FUZZ_CHECK(it.edited || status == EHP_OK);
    FUZZ_CHECK(status == EHP_OK || status == EHP_STATE_DAMAGED || status == EHP_STATE_TOO_NEW);
    if (!it.edited) {
        side->s = s;
        kept_go_on(side);
        return s;
    }
    /* the other side has nobody to talk to any more */
    it.w.no_reconnect = it.w.p.ended = it.w.t.ended = true;
    if (s == NULL)
        return NULL;
    check_saved(s);
    wait_for_the_end(s, side->pair->now);
    ehp_session_free(s);
    return NULL;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t flags;

    fuzz_start();
    memset(&it, 0, sizeof it);
    ehp_reader_init(&it.in, data, size);
    flags = ehp_take_u8(&it.in);
    pair_init(&it.w);
    it.w.items = (flags & 16) != 0 ? few : items;
    it.w.n_items = G_N_ELEMENTS(items); /* as many of either */
    it.p.forgetful = (flags & 2) != 0;
    it.w.later = flags & 16 ? "rwx" : NULL;
    kept_start(&it.w, &it.p, &it.t);
    it.w.revive = revive;
    it.w.kill_patient = (flags & 1) != 0;
    it.w.blow = flags & 1 ? PAIR_KILL_PATIENT : PAIR_KILL_TERMINAL;
    it.w.kill_handled = (flags & 8) != 0;
    it.w.kill_at = 1 + ehp_take_u8(&it.in) % (flags & 16 ? 120 : 40);
    if (flags & 4) {
        kept_store *kept = flags & 1 ? &it.p : &it.t;
        pair_side *side = flags & 1 ? &it.w.p : &it.w.t;
        raw(kept, &it.in);
        ehp_session_free(side->s);
        side->s = revive(side);
        FUZZ_CHECK(side->s == NULL);
    } else {
        pair_connect(&it.w);
        pair_finish(&it.w, 60);
        FUZZ_CHECK(it.edited || (it.w.p.ended && it.w.t.ended));
        FUZZ_CHECK(it.edited || (it.w.p.status == EHP_OK && it.w.t.status == EHP_OK));
    }
    pair_clear(&it.w);
    return 0;
}
