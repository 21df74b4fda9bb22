/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon that ends after the first transfer of a session: while items that were picked from a
 * list come, between two requests. What its next start goes on with, and what it does not.
 */
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "tests/daemon/core/pair.h"

static gboolean
is_collected(Pair *f, guint id)
{
    g_autoptr(GArray) list =
        ehd_session_list_items(f->clinic->owner.session, EHD_TO_TERMINAL, id, 1, NULL);

    return list->len == 1 && g_array_index(list, EhdItemInfo, 0).state == EHD_ITEM_COLLECTED;
}

static void
request(Pair *f, const char *number)
{
    g_autoptr(GArray) queries = ehd_queries_new();
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) result = NULL;
    EhdQuery query = {.ids = g_new0(char *, 2)};

    query.ids[0] = g_strdup(number);
    g_array_append_val(queries, query);
    WAIT(pair_info(f->clinic)->may_ask);
    ehd_session_request_items_async(f->clinic->owner.session, queries, FALSE, host_on_result,
                                    &result);
    WAIT(result != NULL);
    ehd_session_request_items_finish(f->clinic->owner.session, result, &error);
    g_assert_no_error(error);
}

/* The item of that id here is that number of the patient's. */
static void
assert_item(Pair *f, guint id, guint number)
{
    g_autoptr(GBytes) expected = host_item_bytes(number, number == 0 ? PAIR_BIG : PAIR_SMALL);
    GBytes *got = g_ptr_array_index(f->clinic->owner.got, id);

    g_assert_true(got != NULL && g_bytes_equal(got, expected));
}

static void
assert_one_receipt_each(Pair *f, guint transfers)
{
    for (guint i = 0; i < transfers; i++) {
        g_autoptr(GBytes) made =
            ehd_session_get_receipt(f->clinic->owner.session, (int)i, NULL);
        g_autoptr(GBytes) got =
            ehd_session_get_receipt(f->patient->owner.session, (int)i, NULL);

        g_assert_true(made != NULL && got != NULL && g_bytes_equal(made, got));
    }
    g_assert_cmpuint(host_count_audit(f->clinic, "received"), ==, transfers);
    g_assert_cmpuint(host_count_audit(f->patient, "sent"), ==, transfers);
}

/* In the middle of an item that was picked: it goes on where it was; then another is asked for,
 * and is complete, too. */
static void
test_picked(Pair *f, gconstpointer data)
{
    guint64 before;

    pair_open_list(f);
    request(f, "1"); /* the summary is first */
    WAIT(pair_done(f->patient) > 400000);
    before = pair_done(f->patient);
    pair_restart(f, data);
    if (strstr(data, "clinic") != NULL) {
        g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_SUSPENDED);
        g_assert_cmpuint(pair_done(f->clinic), >=, before);
    }
    WAIT(pair_info(f->clinic)->may_ask && is_collected(f, 2));
    assert_item(f, 2, 0);
    request(f, "0");
    pair_restart(f, data); /* just asked for */
    WAIT(pair_info(f->clinic)->may_ask && is_collected(f, 3));
    assert_item(f, 3, 1);
    assert_one_receipt_each(f, 3);
    WAIT(pair_info(f->clinic)->may_ask);
    pair_file(f);
}

/* Between two transfers, with everything acknowledged. */
static void
test_between(Pair *f, gconstpointer data)
{
    pair_open_list(f);
    pair_restart(f, data);
    request(f, "0");
    WAIT(pair_info(f->clinic)->may_ask && is_collected(f, 2));
    assert_item(f, 2, 1);
    pair_restart(f, data);
    WAIT(pair_info(f->clinic)->may_ask);
    assert_one_receipt_each(f, 2);
    WAIT(pair_info(f->clinic)->may_ask);
    pair_file(f);
}

/* Again and again, at every piece. */
static void
test_often(Pair *f, gconstpointer data)
{
    pair_open_list(f);
    request(f, "1");
    for (guint64 at = 300000; at < PAIR_BIG; at += 600000) {
        WAIT(pair_done(f->patient) > at || pair_info(f->clinic)->may_ask);
        if (pair_done(f->clinic) >= PAIR_BIG) /* collected perhaps, and then not here again */
            break;
        pair_restart(f, at % 1200000 == 300000 ? "clinic" : "patient");
    }
    WAIT(pair_info(f->clinic)->may_ask && is_collected(f, 2));
    assert_item(f, 2, 0);
    assert_one_receipt_each(f, 2);
    WAIT(pair_info(f->clinic)->may_ask);
    pair_file(f);
}

static gint64 later;

static gint64
clock_now(gpointer user_data)
{
    return HOST_NOW + later;
}

static guint64
clock_uptime(gpointer user_data)
{
    return (guint64)(1000 + later);
}

/* Away for too long: what was asked for last failed, what came before stays and can be filed.
 */
static void
test_too_late(Pair *f, gconstpointer data)
{
    g_autofree char *id = NULL;

    later = 0;
    f->clinic->now = clock_now;
    f->clinic->boottime = clock_uptime;
    host_restart(f->clinic, f->air);
    pair_open_list(f);
    request(f, "0");
    WAIT(pair_info(f->clinic)->may_ask && is_collected(f, 2));
    request(f, "1");
    WAIT(pair_done(f->patient) > 400000);
    id = g_strdup(pair_info(f->clinic)->id);
    later = 601;
    cut_link_down(f->patient->link);
    host_restart(f->clinic, f->air);
    g_assert_cmpuint(f->clinic->added, ==, 1);
    owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, id, 1000, NULL));
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
    g_assert_cmpint(pair_info(f->clinic)->transfer, ==, EHD_TRANSFER_FAILED);
    g_assert_false(pair_info(f->clinic)->may_ask);
    {
        g_autoptr(GArray) list =
            ehd_session_list_items(f->clinic->owner.session, EHD_TO_TERMINAL, 0, 256, NULL);
        g_assert_cmpuint(list->len, ==, 3);
        g_assert_cmpint(g_array_index(list, EhdItemInfo, 0).state, ==, EHD_ITEM_LISTED);
        g_assert_cmpint(g_array_index(list, EhdItemInfo, 2).state, ==, EHD_ITEM_COLLECTED);
        g_assert_cmpuint(g_array_index(list, EhdItemInfo, 2).transfer, ==, 1);
    }
    host_cancel(f->clinic->owner.session);
    host_wait_end(f->clinic);
    host_assert_clean(f->clinic);
}

static void
on_requested(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdSession *session = user_data;
    g_autoptr(GError) error = NULL;

    ehd_session_request_items_finish(session, result, &error);
    g_assert_no_error(error);
    g_assert_null(session->asking);
}

/* A record is being written already when items are asked for: the answer comes, and once. That
 * it waits for the record which has the request in it is what powercut_later_unit.c shows: by
 * the time of the answer another one may be on its way. */
static void
test_saved_before(Pair *f, gconstpointer data)
{
    g_autoptr(GArray) queries = ehd_queries_new();
    EhdSession *session;
    EhdQuery query = {.ids = g_new0(char *, 2)};

    query.ids[0] = g_strdup("0");
    g_array_append_val(queries, query);
    pair_open_list(f);
    session = f->clinic->owner.session;
    ehd_session_on_save(session, NULL);
    ehd_session_request_items_async(session, queries, FALSE, on_requested, session);
    g_assert_cmpuint(g_slist_length(session->keepings), >=, 2);
    WAIT(session->asking == NULL);
    WAIT(pair_info(f->clinic)->may_ask && is_collected(f, 2));
    pair_file(f);
}

/* The patient's device started again, all was done, and no program came back: items that are
 * asked for then wait for one only as long as any owner may be away. */
static void
test_nobody_came_back(Pair *f, gconstpointer data)
{
    g_autofree char *id = NULL;

    pair_open_list(f);
    id = g_strdup(pair_info(f->patient)->id);
    host_restart(f->patient, f->air);
    f->patient->owner.session = ehd_core_find(f->patient->core, id, 1000, NULL);
    request(f, "1");
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_NO_AGENT);
    WAIT(host_state(f->clinic) == EHD_STATE_CONFIRMING);
    g_assert_cmpint(pair_info(f->clinic)->transfer, ==, EHD_TRANSFER_FAILED);
    host_cancel(f->clinic->owner.session);
    host_wait_end(f->clinic);
    host_assert_clean(f->clinic);
}

/* Cancelled while items that were asked for come: what a power cut leaves of it asks nobody for
 * them any more. */
static void
test_cancelled(Pair *f, gconstpointer data)
{
    EhdSession *session;

    f->patient->owner.giving = GIVE_LATER;
    pair_open_list(f);
    session = f->clinic->owner.session;
    request(f, "1");
    ehd_session_cancel_async(session, NULL, NULL);
    WAIT(session->status != 0);
    host_restart(f->clinic, f->air);
    g_assert_cmpuint(f->clinic->added, ==, 0);
    host_assert_clean(f->clinic);
}

static GBytes *
zeros(gsize n)
{
    return g_bytes_new_take(g_malloc0(n), n);
}

/* The ledger has room for the record of a session with as many items, all of them listed and
 * asked for, and with certificates as long as there may be. */
static void
test_largest_record(Pair *f, gconstpointer data)
{
    EhdSession *session = ehd_session_new(f->patient->core, EHD_PATIENT, 1000);
    g_autoptr(GBytes) record = NULL;
    gsize most;

    session->n_order = session->n_granted = EHP_ITEMS_MAX;
    session->order = g_new0(guint, EHP_ITEMS_MAX);
    session->granted = g_new0(guint, EHP_ITEMS_MAX);
    ehd_patient_keep_list(session);
    for (guint i = 0; i < EHP_CHAIN_MAX; i++)
        session->chain[session->n_chain++] = zeros(EHP_CERT_MAX);
    g_ptr_array_add(session->crls, zeros(EHP_CRL_TOTAL_MAX));
    record = ehd_record_live(session);
    most = g_bytes_get_size(record) + EHP_SESSION_SAVED_MAX;
    g_test_message("%zu bytes", most);
    g_assert_cmpuint(most, <=, EHD_LEDGER_BYTES_MAX);
    ehd_session_free(session);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Pair, data, pair_set_up, func, pair_tear_down)
    ADD("/core/restart-later/clinic", "clinic", test_picked);
    ADD("/core/restart-later/patient", "patient", test_picked);
    ADD("/core/restart-later/both", "clinic patient", test_picked);
    ADD("/core/restart-later/between-clinic", "clinic", test_between);
    ADD("/core/restart-later/between-patient", "patient", test_between);
    ADD("/core/restart-later/between-both", "clinic patient", test_between);
    ADD("/core/restart-later/often", NULL, test_often);
    ADD("/core/restart-later/too-late", NULL, test_too_late);
    ADD("/core/restart-later/saved-before", NULL, test_saved_before);
    ADD("/core/restart-later/nobody-came-back", NULL, test_nobody_came_back);
    ADD("/core/restart-later/largest-record", NULL, test_largest_record);
    ADD("/core/restart-later/cancelled", NULL, test_cancelled);
    return g_test_run();
}
