/* SPDX-License-Identifier: Apache-2.0
 *
 * The behaviour of both devices in the tests (pair.h): what a daemon would do, with memory for
 * a disk, or what the test told them to do instead.
 */
#include <string.h>

#include "pair-device.h"

/* The items of the next transfer: every n-th; 0: none. */
void
pair_device_pick(pair *w, size_t every)
{
    w->n_picked = 0;
    for (size_t i = 0; every > 0 && i < w->n_items && w->n_picked < G_N_ELEMENTS(w->picked);
         i += every) {
        w->picked_entries[w->n_picked] = w->entries[i];
        w->picked[w->n_picked++] = i;
    }
}

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
    for (size_t i = 0; !w->lax && i<ev->data.len; i += ev->data.len> 4096 ? 97 : 1)
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

static ehp_status
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
    return ehp_session_request_items(side->s, &request, side->pair->now);
}

static bool
was_told(const pair_side *side)
{
    return ehp_session_document(side->s, EHP_DOC_STATUS).len > 0;
}

static void
end_of_later(pair_side *side)
{
    if (!was_told(side))
        tell(side);
    else if (strchr(side->pair->later, 's') != NULL)
        g_assert_cmpint(ehp_session_bye(side->s, side->pair->now), ==, EHP_OK);
}

/* The terminal's next step of `later`; false: not now. */
static bool
go_on(pair_side *side)
{
    pair *w = side->pair;
    char step = w->later[w->at_later];
    ehp_status status;

    if (step == 's') {
        if (!was_told(side))
            tell(side);
        step = w->later[++w->at_later];
    }
    if (step == '\0') {
        end_of_later(side);
        return true;
    }
    if (step == 'r' || step == 'n' || step == 'l')
        status = ask_items(side, step == 'l');
    else
        status = ehp_session_offer(side->s, w->entries,
                                   MIN(w->n_items, G_N_ELEMENTS(w->picked)), w->now);
    if (status == EHP_OK) { /* else the transfer before may still be reading */
        pair_device_pick(w, step == 'n' ? 0 : step == 'r' ? 2 : 1);
        w->at_later++;
    }
    g_assert_true(status == EHP_OK || status == EHP_WRONG_STATE);
    return status == EHP_OK;
}

static void
must_go_on(pair_side *side)
{
    if (strcmp(ehp_session_state_name(side->s), "Ended") != 0)
        g_assert_true(go_on(side));
}

void
pair_go_on(pair_side *side)
{
    /* while the patient has no receipt nothing follows */
    if (strcmp(ehp_session_state_name(side->s), "Received") == 0)
        go_on(side);
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
on_complete(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;

    (void)ev;
    if (side->patient && w->stop_after_complete)
        g_assert_cmpint(ehp_session_bye(side->s, w->now), ==, EHP_OK);
    if (!side->patient && w->tell_status != 0 && w->later == NULL)
        tell(side);
    if (!side->patient && w->later != NULL && to_patient(side))
        must_go_on(side);
}

static void
on_suspended(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;

    (void)ev;
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
on_crls(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;

    g_assert_true(w->lax || ev->n_crls == 1);
    if (!w->hold_crls)
        g_assert_cmpint(ehp_session_crls(side->s, w->crl_verdict, w->crl_allowed, w->now), ==,
                        EHP_OK);
}

static void
on_consent(pair_side *side, const ehp_event *ev)
{
    if (!side->pair->lax)
        g_assert_cmpstr(ev->request->text, ==, "please");
    answer_grant(side);
}

static void
on_page(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;

    for (size_t i = 0; !w->lax && i < ev->n_entries; i++)
        g_assert_cmpstr(ev->entries[i]->name, ==,
                        w->items[item_of(w, ev->entries[i]->id)].name);
}

static void
on_manifest(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;

    if (!w->lax)
        g_assert_cmpuint(ev->items, ==, w->later != NULL ? w->n_picked : w->n_items);
    if (side->patient)
        on_offer(side);
    else if (!w->hold_manifest)
        g_assert_cmpint(ehp_session_manifest_ok(side->s, w->manifest_verdict, w->now), ==,
                        EHP_OK);
}

static void
on_item(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;

    side->items_whole++;
    side->deadline = 0;
    if (!w->hold_items)
        g_assert_cmpint(ehp_session_item_stored(side->s, ev->item, w->item_verdict, w->now), ==,
                        EHP_OK);
}

static void
on_commit(pair_side *side, const ehp_event *ev)
{
    static const uint8_t audit[32] = {7};
    ehp_commit commit = {1700000300, audit};

    (void)ev;
    if (!side->pair->hold_commit)
        g_assert_cmpint(ehp_session_commit(side->s, &commit, side->pair->now), ==, EHP_OK);
}

static void
on_status(pair_side *side, const ehp_event *ev)
{
    side->status_kind = ev->status_kind;
    leave(side);
}

static void
on_ended(pair_side *side, const ehp_event *ev)
{
    g_assert_false(side->ended);
    side->ended = true;
    side->status = ev->status;
    side->by_peer = ev->by_peer;
}

static void
on_save(pair_side *side, const ehp_event *ev)
{
    (void)ev;
    g_assert_cmpint(ehp_session_saved(side->s, EHP_OK, side->pair->now), ==, EHP_OK);
}

static void
on_item_request(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;

    if (!w->lax)
        g_assert_cmpstr(ev->item_request->query[0]->id[1], ==, "2");
    if (!w->hold_request)
        g_assert_cmpint(ehp_session_offer(side->s, w->picked_entries, w->n_picked, w->now), ==,
                        EHP_OK);
}

/* A transfer is over: its receipt arrived, or the patient did not take it. */
static void
on_transfer_over(pair_side *side, const ehp_event *ev)
{
    (void)ev;
    if (side->patient && side->status_kind != 0)
        leave(side);
    if (!side->patient && side->pair->later != NULL)
        must_go_on(side);
}

static void
nothing(pair_side *side, const ehp_event *ev)
{
    (void)side;
    (void)ev;
}

static void (*const acts[EHP_EV_ENDED + 1])(pair_side *, const ehp_event *) = {
    [EHP_EV_NONE] = nothing,
    [EHP_EV_LINK_UP] = nothing,
    [EHP_EV_LINK_CLOSE] = on_close,
    [EHP_EV_SUSPENDED] = on_suspended,
    [EHP_EV_SAVE] = on_save,
    [EHP_EV_CHECK_CRLS] = on_crls,
    [EHP_EV_ASK_CONSENT] = on_consent,
    [EHP_EV_CONSENT_VOID] = nothing,
    [EHP_EV_NEED_DATA] = on_need_data,
    [EHP_EV_ITEM_ACKED] = nothing,
    [EHP_EV_RECEIPT] = on_receipt,
    [EHP_EV_MANIFEST_PAGE] = on_page,
    [EHP_EV_MANIFEST] = on_manifest,
    [EHP_EV_SEGMENT] = on_segment,
    [EHP_EV_ITEM_COMPLETE] = on_item,
    [EHP_EV_COMMIT] = on_commit,
    [EHP_EV_RECEIPT_READY] = on_receipt,
    [EHP_EV_RECEIPT_ACKED] = on_transfer_over,
    [EHP_EV_REVOKED] = nothing,
    [EHP_EV_COMPLETE] = on_complete,
    [EHP_EV_STATUS] = on_status,
    [EHP_EV_ITEM_REQUEST] = on_item_request,
    [EHP_EV_REPLY_REFUSED] = on_transfer_over,
    [EHP_EV_ENDED] = on_ended,
};

void
pair_device_handle(pair_side *side, const ehp_event *ev)
{
    pair *w = side->pair;

    side->last = ev->type;
    side->seen[ev->type]++;
    if (ev->type == w->end_at && side->patient == w->end_patient && ev->type != EHP_EV_ENDED)
        ehp_session_end(side->s, w->end_with, w->now);
    else
        acts[ev->type](side, ev); /* a new event without a line here crashes the tests */
}
