/* SPDX-License-Identifier: Apache-2.0
 *
 * Every single allocation of a whole session, and of a tap, is made to fail once: no crash, no
 * leak, and nobody is told that something is complete that is not. The programs around are told
 * NoMemory, or the session ends with it.
 */
#include <glib.h>
#include <sodium.h>
#include <string.h>

#include "pair.h"
#include "proto/tap.h"

static unsigned countdown; /* 0: never; 1: the next one fails */
static bool failed;

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *old, size_t size);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *old, size_t size);

static bool
fails(void)
{
    if (countdown == 0 || --countdown > 0)
        return false;
    failed = true;
    return true;
}

void *
__wrap_malloc(size_t size)
{
    return fails() ? NULL : __real_malloc(size);
}

void *
__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : __real_calloc(n, size);
}

void *
__wrap_realloc(void *old, size_t size)
{
    return fails() ? NULL : __real_realloc(old, size);
}

/* ---------------------------------------------------------------- a session */

typedef struct {
    ehp_session *s;
    int link;
    bool ended, complete;
    ehp_status status;
    unsigned whole;
} side;

static Ehp__ItemEntry entries[3];
static Ehp__ItemEntry *items[] = {&entries[0], &entries[1], &entries[2]};

/* Answers as a willing device; what fails, fails. */
static void
on_event(side *x, const ehp_event *ev)
{
    static uint8_t text[EHP_SEGMENT_MAX];
    ehp_grant grant = {.acting_as = 1, .time = 1, .items = items, .n_items = 3};
    ehp_commit commit = {2, NULL};
    ehp_status ignored = EHP_OK;

    switch (ev->type) {
    case EHP_EV_LINK_CLOSE:
        if (!ev->flush)
            x->link = -1;
        break;
    case EHP_EV_CHECK_CRLS:
        ignored = ehp_session_crls(x->s, EHP_OK, false, 0);
        break;
    case EHP_EV_ASK_CONSENT:
        if (ehp_session_grant(x->s, &grant, 0) == EHP_NO_MEMORY)
            ignored = ehp_session_refuse(x->s, EHP_NO_MEMORY, 0);
        break;
    case EHP_EV_NEED_DATA:
        ignored = ehp_session_data(x->s, ev->item, text, ev->length, 0);
        break;
    case EHP_EV_MANIFEST:
        ignored = ehp_session_manifest_ok(x->s, EHP_OK, 0);
        break;
    case EHP_EV_SEGMENT:
        ignored = ehp_session_durable(x->s, ev->item, ev->segment + 1, 0);
        break;
    case EHP_EV_ITEM_COMPLETE:
        x->whole++;
        ignored = ehp_session_item_stored(x->s, ev->item, EHP_OK, 0);
        break;
    case EHP_EV_COMMIT:
        ignored = ehp_session_commit(x->s, &commit, 0);
        break;
    case EHP_EV_RECEIPT:
    case EHP_EV_RECEIPT_READY:
        ignored = ehp_session_receipt_stored(x->s, EHP_OK, 0);
        break;
    case EHP_EV_COMPLETE:
        x->complete = true;
        break;
    case EHP_EV_RECEIPT_ACKED:
        ignored = ehp_session_tell_status(x->s, 1, NULL, 3, 0);
        break;
    case EHP_EV_STATUS:
        ignored = ehp_session_bye(x->s, 0);
        break;
    case EHP_EV_ENDED:
        x->ended = true;
        x->status = ev->status;
        break;
    default:
        break;
    }
    (void)ignored;
}

static void
events(side *x)
{
    ehp_event ev;

    while (ehp_session_next_event(x->s, 0, &ev))
        on_event(x, &ev);
}

static bool
move(side *from, side *to)
{
    ehp_bytes out;
    size_t used = 0;

    events(from);
    events(to);
    if (from->link < 0)
        return false;
    out = ehp_session_output(from->s, from->link, 0);
    if (out.len == 0)
        return false;
    if (to->link >= 0 &&
        ehp_session_feed(to->s, to->link, out.data, out.len, 0, &used) != EHP_OK)
        used = out.len;
    if (to->link < 0 || to->ended)
        used = out.len; /* nobody listens any more */
    ehp_session_consume(from->s, from->link, used, 0);
    events(to);
    return used > 0;
}

static bool
connect_both(side *p, side *t)
{
    ehp_preamble preamble;

    if (ehp_session_connect(p->s, 0, &p->link) != EHP_OK)
        return false;
    if (ehp_preamble_parse(ehp_session_output(p->s, p->link, 0), &preamble) != EHP_OK)
        return false;
    ehp_session_consume(p->s, p->link, EHP_PREAMBLE_LEN, 0);
    return ehp_session_accept(t->s, &preamble, 0, &t->link) == EHP_OK;
}

static void
lose(side *x)
{
    if (x->link >= 0)
        ehp_session_link_lost(x->s, x->link, 0);
    x->link = -1;
    events(x);
}

/* One session with a resumption in the middle. */
static void
run_session(side *p, side *t)
{
    ehp_secrets ps, ts;
    ehp_session_config pc = {.secrets = &ps}, tc = {.secrets = &ts};
    Ehp__ConsentRequest request = EHP__CONSENT_REQUEST__INIT;

    pair_secrets(&ps, &ts);
    tc.leaf_secret = pair_leaf_secret();
    tc.request = &request;
    memset(pc.seed, 1, sizeof(pc.seed));
    memset(tc.seed, 2, sizeof(tc.seed));
    if (ehp_session_new(&pc, 0, &p->s) != EHP_OK || ehp_session_new(&tc, 0, &t->s) != EHP_OK)
        return;
    for (int round = 0; round < 4 && !(p->ended && t->ended); round++) {
        if (p->ended || t->ended || !connect_both(p, t)) {
            lose(p);
            lose(t);
            continue;
        }
        for (int i = 0; i < (round == 0 ? 4 : 200); i++)
            if (!(move(p, t) | move(t, p)))
                break;
        lose(p);
        lose(t);
    }
}

static void
run_once(unsigned nth, side *p, side *t)
{
    memset(p, 0, sizeof(*p));
    memset(t, 0, sizeof(*t));
    p->link = t->link = -1;
    failed = false;
    countdown = nth;
    run_session(p, t);
    countdown = 0;
    if (p->complete)
        g_assert_true(t->complete);
    if (t->complete)
        g_assert_cmpuint(t->whole, ==, 3);
    ehp_session_free(p->s);
    ehp_session_free(t->s);
}

static void
test_session(void)
{
    static const uint64_t sizes[] = {1000, 0, 300000};
    unsigned nth = 0, refused = 0;
    side p, t;

    for (int i = 0; i < 3; i++) {
        ehp__item_entry__init(&entries[i]);
        entries[i].name = (char *)"x";
        entries[i].has_size = entries[i].has_category = 1;
        entries[i].size = sizes[i];
        entries[i].category = EHP__CATEGORY__CATEGORY_OTHER;
    }
    run_once(0, &p, &t);
    g_assert_true(p.complete && t.complete && p.ended && t.ended);
    do {
        run_once(++nth, &p, &t);
        refused += !p.complete;
    } while (failed);
    g_test_message("%u allocations, %u of them ended it", nth - 1, refused);
    g_assert_cmpuint(nth, >, 100);
}

/* ---------------------------------------------------------------- a tap */

static bool
tap_once(void)
{
    static const uint8_t cert[450] = {0x30};
    ehp_bytes chain[] = {{cert, sizeof(cert)}};
    ehp_tap_config r = {
        .role = EHP_ROLE_TERMINAL, .nfc = EHP_NFC_READER, .chain = chain, .n_chain = 1};
    ehp_tap_config c = {.role = EHP_ROLE_PATIENT, .nfc = EHP_NFC_CARD};
    const uint8_t *leaf = pair_leaf_secret();
    ehp_tap *reader = NULL, *card = NULL;
    ehp_tap_event ev;
    bool done = false;
    ehp_status ignored;

    r.leaf_secret = leaf;
    r.purpose = 1;
    if (ehp_tap_new(&r, &reader) == EHP_OK && ehp_tap_new(&c, &card) == EHP_OK &&
        ehp_tap_start(reader, 0) == EHP_OK)
        for (int i = 0; i < 8; i++) {
            ehp_bytes out = ehp_tap_take(reader, 0);
            if (out.len > 0)
                ignored = ehp_tap_feed(card, out.data, out.len, 0);
            while (ehp_tap_next_event(card, &ev))
                if (ev.type == EHP_TAP_ASK_VERDICT)
                    ignored = ehp_tap_verdict(card, EHP_OK, false, leaf + 32, 0);
            out = ehp_tap_take(card, 0);
            if (out.len > 0)
                ignored = ehp_tap_feed(reader, out.data, out.len, 0);
            while (ehp_tap_next_event(reader, &ev)) {
                if (ev.type == EHP_TAP_STORE_PENDING)
                    ignored = ehp_tap_stored(reader, EHP_OK, 0);
                done |= ev.type == EHP_TAP_DONE;
            }
        }
    (void)ignored;
    ehp_tap_free(reader);
    ehp_tap_free(card);
    return done;
}

static void
test_tap(void)
{
    unsigned nth = 0;

    g_assert_true(tap_once());
    do {
        failed = false;
        countdown = ++nth;
        if (tap_once())
            g_assert_false(failed);
        countdown = 0;
    } while (failed);
    g_assert_cmpuint(nth, >, 3);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/starved/session", test_session);
    g_test_add_func("/starved/tap", test_tap);
    return g_test_run();
}
