/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon that ends while the clinic sends something back: offered, decided about, under way,
 * waiting to be collected, acknowledged. It goes on where it was, and comes once.
 */
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/origin.h"
#include "daemon/core/session-priv.h"
#include "tests/daemon/core/pair.h"

static void
wait_complete(Pair *f)
{
    WAIT(pair_reply(f->clinic) == EHD_TRANSFER_COMPLETE || host_error(f->clinic) != EHP_OK ||
         pair_reply(f->clinic) == EHD_TRANSFER_FAILED);
    g_assert_cmpint(pair_reply(f->clinic), ==, EHD_TRANSFER_COMPLETE);
}

/* What came is what went, once. */
static void
assert_came(Pair *f, guint replies)
{
    const gsize sizes[2] = {PAIR_SMALL, PAIR_BIG};
    GPtrArray *got = f->patient->owner.replies;

    g_assert_cmpuint(got->len, ==, 2 * replies);
    for (guint i = 0; i < got->len; i++) {
        g_autoptr(GBytes) expected = host_item_bytes(i % 2, sizes[i % 2]);
        guint found = 0;

        for (guint j = 0; j < got->len; j++)
            found += g_bytes_equal(got->pdata[j], expected);
        g_assert_cmpuint(found, ==, replies);
    }
}

/* One receipt for each, the same on both sides, and a line for each in the books. */
static void
assert_receipts(Pair *f, guint transfer, guint replies)
{
    g_autoptr(GBytes) made =
        ehd_session_get_receipt(f->patient->owner.session, (int)transfer, NULL);
    g_autoptr(GBytes) got =
        ehd_session_get_receipt(f->clinic->owner.session, (int)transfer, NULL);

    g_assert_true(made != NULL && got != NULL && g_bytes_equal(made, got));
    g_assert_cmpuint(host_count_audit(f->patient, "received"), ==, replies);
    g_assert_cmpuint(host_count_audit(f->clinic, "sent"), ==, replies);
}

static void
assert_vouched(Pair *f, guint transfer, guint items)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GBytes) proof =
        ehd_session_get_origin(f->patient->owner.session, transfer, &error);
    ehp_proof opened = {0};
    gsize length;
    const guint8 *bytes;

    g_assert_no_error(error);
    bytes = g_bytes_get_data(proof, &length);
    g_assert_cmpint(ehd_origin_open((ehp_bytes){bytes, length}, &opened), ==, EHP_OK);
    g_assert_cmpuint(opened.proof->n_item, ==, items);
    ehp_proof_clear(&opened);
}

static void
assert_well(Pair *f)
{
    wait_complete(f);
    assert_came(f, 1);
    assert_receipts(f, 1, 1);
    assert_vouched(f, 1, 2);
    WAIT(pair_info(f->clinic)->may_ask);
    g_assert_cmpuint(pair_info(f->clinic)->items, ==, 2);
    g_assert_cmpuint(pair_info(f->patient)->items, ==, 2);
    pair_file(f);
}

static void
test_running(Pair *f, gconstpointer data)
{
    guint64 before;

    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    pair_wait_reply(f, 400000);
    before = pair_info(f->clinic)->reply_done; /* acknowledged */
    pair_restart(f, data);
    if (strstr(data, "patient") != NULL) {
        g_assert_cmpint(host_state(f->patient), ==, EHD_STATE_SUSPENDED);
        g_assert_cmpint(pair_reply(f->patient), ==, EHD_TRANSFER_SUSPENDED);
        g_assert_cmpuint(pair_info(f->patient)->reply_done, >=, before);
        g_assert_cmpuint(pair_info(f->patient)->items_done, ==, 2);
    }
    if (strstr(data, "clinic") != NULL) {
        g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
        g_assert_cmpint(pair_reply(f->clinic), ==, EHD_TRANSFER_SUSPENDED);
        g_assert_cmpuint(pair_info(f->clinic)->reply_items, ==, 2);
        g_assert_false(pair_info(f->clinic)->may_ask);
    }
    assert_well(f);
    g_assert_cmpuint(f->patient->owner.offered, ==, 1);
}

/* Again and again, at every piece. */
static void
test_often(Pair *f, gconstpointer data)
{
    static const char *const who[] = {"clinic", "patient", "clinic patient"};
    guint n = 0;

    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    for (guint64 at = 300000; at < PAIR_BIG; at += 500000) {
        WAIT(pair_info(f->clinic)->reply_done > at ||
             pair_reply(f->clinic) == EHD_TRANSFER_COMPLETE);
        if (pair_info(f->patient)->reply_done >= PAIR_BIG)
            break; /* being collected, perhaps: another test's */
        pair_restart(f, who[n++ % G_N_ELEMENTS(who)]);
    }
    g_assert_cmpuint(n, >=, 3);
    assert_well(f);
}

/* As soon as the clinic's program was told that it is kept. */
static void
test_just_offered(Pair *f, gconstpointer data)
{
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    pair_restart(f, data);
    assert_well(f);
}

/* The person decides meanwhile. A patient's device asks again after its own end. */
static void
test_deciding(Pair *f, gconstpointer data)
{
    f->patient->owner.mulls_replies = TRUE;
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    WAIT(f->patient->owner.offered == 1);
    pair_restart(f, data);
    if (strstr(data, "patient") != NULL) {
        host_wait_state(f->patient, EHD_STATE_DECIDING);
        WAIT(f->patient->owner.offered == 2);
    }
    ehd_session_answer_reply(f->patient->owner.session, TRUE);
    assert_well(f);
}

static void
test_declined(Pair *f, gconstpointer data)
{
    f->patient->owner.declines_replies = TRUE;
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    WAIT(pair_reply(f->clinic) == EHD_TRANSFER_FAILED && pair_info(f->clinic)->may_ask);
    pair_restart(f, data);
    g_assert_true(pair_info(f->clinic)->has_reply);
    /* the no is not kept perhaps: then the patient's device says it again */
    WAIT(pair_reply(f->clinic) == EHD_TRANSFER_FAILED && pair_info(f->clinic)->may_ask);
    g_assert_cmpuint(f->patient->owner.offered, ==, 1);
    g_assert_cmpuint(f->patient->owner.replies->len, ==, 0);
    pair_file(f);
}

static void
wait_all_here(Pair *f)
{
    WAIT(f->patient->owner.session->reply.commit_due);
}

static void
collect_first(Pair *f)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) fd = NULL;
    g_autoptr(GAsyncResult) result = NULL;
    EhdSession *session = f->patient->owner.session;
    int file;

    ehd_session_collect_item_async(session, EHD_TO_PATIENT, 0, host_on_result, &fd);
    WAIT(fd != NULL);
    file = ehd_session_collect_item_finish(session, fd, &error);
    g_assert_no_error(error);
    close(file);
    g_ptr_array_add(f->patient->owner.replies, host_item_bytes(0, PAIR_SMALL));
    ehd_session_item_stored_async(session, EHD_TO_PATIENT, 0, host_on_result, &result);
    WAIT(result != NULL);
    ehd_session_item_stored_finish(session, result, &error);
    g_assert_no_error(error);
}

/* All of it is here, and part of it was collected: that does not come again. */
static void
test_collecting(Pair *f, gconstpointer data)
{
    f->patient->owner.collects = FALSE;
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    wait_all_here(f);
    collect_first(f);
    f->patient->owner.collects = TRUE;
    pair_restart(f, data);
    if (strstr(data, "patient") != NULL) {
        g_autoptr(GArray) list =
            ehd_session_list_items(f->patient->owner.session, EHD_TO_PATIENT, 0, 256, NULL);
        g_assert_cmpuint(list->len, ==, 2);
        g_assert_cmpint(g_array_index(list, EhdItemInfo, 0).state, ==, EHD_ITEM_COLLECTED);
        g_assert_cmpint(g_array_index(list, EhdItemInfo, 1).state, ==, EHD_ITEM_STORED);
        g_assert_cmpuint(g_array_index(list, EhdItemInfo, 1).transfer, ==, 1);
        g_assert_cmpuint(g_array_index(list, EhdItemInfo, 1).in_transfer, ==, 1);
    } else {
        owner_attach(&f->patient->owner, f->patient->owner.session); /* told again */
    }
    assert_well(f);
}

/* The receipt is made and stored, and did not arrive: the same bytes arrive. */
static void
test_unacknowledged(Pair *f, gconstpointer data)
{
    g_autoptr(GBytes) made = NULL;
    g_autoptr(GBytes) got = NULL;

    f->patient->owner.collects = FALSE;
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    wait_all_here(f);
    cut_link_down(f->patient->link);
    f->patient->owner.collects = TRUE;
    owner_attach(&f->patient->owner, f->patient->owner.session);
    WAIT(pair_reply(f->patient) == EHD_TRANSFER_COMPLETE);
    made = ehd_session_get_receipt(f->patient->owner.session, 1, NULL);
    g_assert_cmpint(pair_reply(f->clinic), !=, EHD_TRANSFER_COMPLETE);
    pair_restart(f, data);
    cut_link_up(f->patient->link);
    assert_vouched(f, 1, 2);
    wait_complete(f);
    got = ehd_session_get_receipt(f->clinic->owner.session, 1, NULL);
    g_assert_true(g_bytes_equal(made, got));
    assert_well(f);
}

/* Complete on both sides; the patient's program has not asked yet who vouches for it. */
static void
test_complete(Pair *f, gconstpointer data)
{
    g_autoptr(GBytes) before = NULL;
    g_autoptr(GBytes) after = NULL;

    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    wait_complete(f);
    before = ehd_session_get_origin(f->patient->owner.session, 1, NULL);
    pair_restart(f, data);
    g_assert_cmpint(pair_reply(f->clinic), ==, EHD_TRANSFER_COMPLETE);
    g_assert_cmpint(pair_reply(f->patient), ==, EHD_TRANSFER_COMPLETE);
    after = ehd_session_get_origin(f->patient->owner.session, 1, NULL);
    g_assert_true(before != NULL && after != NULL && g_bytes_equal(before, after));
    assert_well(f);
}

/* One came, and another one is under way: its items stand behind those of the first. */
static void
test_second(Pair *f, gconstpointer data)
{
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    wait_complete(f);
    WAIT(pair_info(f->clinic)->may_ask);
    host_reply(f->clinic);
    WAIT(f->patient->owner.session->reply.base == 2);
    pair_wait_reply(f, 400000);
    pair_restart(f, data);
    g_assert_cmpuint(f->patient->owner.session->reply.base, ==, 2);
    wait_complete(f);
    assert_came(f, 2);
    assert_receipts(f, 1, 2);
    assert_receipts(f, 2, 2);
    assert_vouched(f, 1, 2);
    assert_vouched(f, 2, 2);
    WAIT(pair_info(f->clinic)->may_ask);
    pair_file(f);
}

/* After a list of which nothing was picked. */
static void
test_after_list(Pair *f, gconstpointer data)
{
    g_autoptr(GArray) list = NULL;

    pair_open_for_reply(f, TRUE);
    host_reply(f->clinic);
    pair_wait_reply(f, 400000);
    pair_restart(f, data);
    list = ehd_session_list_items(f->patient->owner.session, EHD_TO_TERMINAL, 0, 256, NULL);
    g_assert_cmpuint(list->len, ==, 2);
    g_assert_cmpint(g_array_index(list, EhdItemInfo, 0).state, ==, EHD_ITEM_LISTED);
    wait_complete(f);
    assert_came(f, 1);
    assert_vouched(f, 1, 2);
    WAIT(pair_info(f->clinic)->may_ask);
    pair_file(f);
}

/* What the person withheld stays so. */
static void
test_withheld(Pair *f, gconstpointer data)
{
    g_autoptr(GArray) list = NULL;
    EhdSendOptions send;

    ehd_send_options_init(&send);
    send.replies = TRUE;
    send.linger = 600;
    f->clinic->owner.files = FALSE;
    f->patient->owner.answer = NARROW;
    f->patient->owner.narrowed[0] = 1;
    f->patient->owner.n_narrowed = 1;
    host_receive(f->clinic, NULL);
    host_send(f->patient, &send);
    field_tap(f->clinic->port, f->patient->port, 0);
    WAIT(pair_info(f->clinic)->may_ask && f->clinic->owner.collected == 1);
    host_reply(f->clinic);
    pair_wait_reply(f, 400000);
    pair_restart(f, data);
    list = ehd_session_list_items(f->patient->owner.session, EHD_TO_TERMINAL, 0, 256, NULL);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpuint(g_array_index(list, EhdItemInfo, 0).id, ==, 1);
    g_assert_cmpint(g_array_index(list, EhdItemInfo, 0).state, ==, EHD_ITEM_STORED);
    wait_complete(f);
    assert_came(f, 1);
    pair_restart(f, data);
    g_assert_cmpuint(pair_info(f->patient)->items, ==, 1);
    g_assert_cmpuint(pair_info(f->patient)->bytes, ==, PAIR_SMALL);
    g_assert_cmpuint(pair_info(f->clinic)->items, ==, 1);
    WAIT(pair_info(f->clinic)->may_ask);
    pair_file(f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func)                                                                  \
    g_test_add("/core/restart-reply/" path, Pair, data, pair_set_up_reply, func, pair_tear_down)
#define ADD_EACH(path, func)                                                                   \
    ADD(path "-clinic", "clinic", func);                                                       \
    ADD(path "-patient", "patient", func);                                                     \
    ADD(path "-both", "clinic patient", func)
    ADD_EACH("running", test_running);
    ADD("often", NULL, test_often);
    ADD_EACH("just-offered", test_just_offered);
    ADD_EACH("deciding", test_deciding);
    ADD_EACH("declined", test_declined);
    ADD_EACH("collecting", test_collecting);
    ADD_EACH("unacknowledged", test_unacknowledged);
    ADD_EACH("complete", test_complete);
    ADD_EACH("second", test_second);
    ADD_EACH("after-list", test_after_list);
    ADD_EACH("withheld", test_withheld);
    return g_test_run();
}
