/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon that ends while the clinic sends something back: offered, decided about, under way,
 * waiting to be collected, acknowledged. It goes on where it was, and comes once; or it has
 * failed, by name, and what was received or sent before stays as it was.
 */
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/origin.h"
#include "daemon/core/record-private.h"
#include "daemon/error.h"
#include "tests/daemon/core/pair.h"

/* What goes back: two items. */
static void
set_up(Pair *f, gconstpointer data)
{
    pair_set_up(f, data);
    host_add_item(f->clinic, "prescription.json", PAIR_SMALL, 0);
    host_add_item(f->clinic, "report.pdf", PAIR_BIG, 0);
}

static EhdTransferState
reply_of(Host *host)
{
    return pair_info(host)->reply;
}

static void
wait_complete(Pair *f)
{
    WAIT(reply_of(f->clinic) == EHD_TRANSFER_COMPLETE || host_error(f->clinic) != EHP_OK ||
         reply_of(f->clinic) == EHD_TRANSFER_FAILED);
    g_assert_cmpint(reply_of(f->clinic), ==, EHD_TRANSFER_COMPLETE);
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
    pair_file(f);
}

static void
wait_running(Pair *f, guint64 bytes)
{
    WAIT(pair_info(f->clinic)->reply_done > bytes);
}

/* ---------------------------------------------------------------- it goes on */

static void
test_running(Pair *f, gconstpointer data)
{
    guint64 before;

    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    wait_running(f, 400000);
    before = pair_info(f->clinic)->reply_done; /* acknowledged */
    pair_restart(f, data);
    if (strstr(data, "patient") != NULL) {
        g_assert_cmpint(host_state(f->patient), ==, EHD_STATE_SUSPENDED);
        g_assert_cmpint(reply_of(f->patient), ==, EHD_TRANSFER_SUSPENDED);
        g_assert_cmpuint(pair_info(f->patient)->reply_done, >=, before);
        g_assert_cmpuint(pair_info(f->patient)->items_done, ==, 2);
    }
    if (strstr(data, "clinic") != NULL) {
        g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
        g_assert_cmpint(reply_of(f->clinic), ==, EHD_TRANSFER_SUSPENDED);
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
             reply_of(f->clinic) == EHD_TRANSFER_COMPLETE);
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
    WAIT(reply_of(f->clinic) == EHD_TRANSFER_FAILED && pair_info(f->clinic)->may_ask);
    pair_restart(f, data);
    g_assert_true(pair_info(f->clinic)->has_reply);
    /* the no is not kept perhaps: then the patient's device says it again */
    WAIT(reply_of(f->clinic) == EHD_TRANSFER_FAILED && pair_info(f->clinic)->may_ask);
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
    WAIT(reply_of(f->patient) == EHD_TRANSFER_COMPLETE);
    made = ehd_session_get_receipt(f->patient->owner.session, 1, NULL);
    g_assert_cmpint(reply_of(f->clinic), !=, EHD_TRANSFER_COMPLETE);
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
    g_assert_cmpint(reply_of(f->clinic), ==, EHD_TRANSFER_COMPLETE);
    g_assert_cmpint(reply_of(f->patient), ==, EHD_TRANSFER_COMPLETE);
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
    wait_running(f, 400000);
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
    wait_running(f, 400000);
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
    wait_running(f, 400000);
    pair_restart(f, data);
    list = ehd_session_list_items(f->patient->owner.session, EHD_TO_TERMINAL, 0, 256, NULL);
    g_assert_cmpuint(list->len, ==, 1);
    g_assert_cmpuint(g_array_index(list, EhdItemInfo, 0).id, ==, 1);
    g_assert_cmpint(g_array_index(list, EhdItemInfo, 0).state, ==, EHD_ITEM_STORED);
    wait_complete(f);
    assert_came(f, 1);
    WAIT(pair_info(f->clinic)->may_ask);
    pair_file(f);
}

/* ---------------------------------------------------------------- it does not */

/* Nothing of it stays; what the clinic received before is as it was. */
static void
assert_failed_at_clinic(Pair *f)
{
    WAIT(reply_of(f->clinic) == EHD_TRANSFER_FAILED);
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
    g_assert_cmpint(pair_info(f->clinic)->transfer, ==, EHD_TRANSFER_COMPLETE);
    g_assert_cmpuint(pair_info(f->clinic)->items, ==, 2);
    pair_discard(f);
}

static void
assert_done_at_patient(Pair *f)
{
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpint(reply_of(f->patient), ==, EHD_TRANSFER_FAILED);
    g_assert_cmpuint(host_count_audit(f->patient, "received"), ==, 0);
    host_assert_clean(f->patient);
}

static void
open_and_run(Pair *f)
{
    f->clinic->config->resume_ms = 2000; /* a patient that gave up does not come to say so */
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    wait_running(f, 400000);
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

/* Away for too long. */
static void
test_too_late(Pair *f, gconstpointer data)
{
    Host *host = strstr(data, "clinic") != NULL ? f->clinic : f->patient;

    later = 0;
    host->now = clock_now;
    host->boottime = clock_uptime;
    host_restart(host, f->air);
    open_and_run(f);
    later = 601;
    cut_link_down(f->patient->link);
    pair_restart(f, data);
    if (host == f->clinic)
        assert_failed_at_clinic(f);
    else
        assert_done_at_patient(f);
}

/* No program brings the files again. */
static void
test_nobody_came_back(Pair *f, gconstpointer data)
{
    g_autofree char *id = NULL;

    open_and_run(f);
    id = g_strdup(pair_info(f->clinic)->id);
    host_restart(f->clinic, f->air);
    f->clinic->owner.session = ehd_core_find(f->clinic->core, id, 1000, NULL);
    assert_done_at_patient(f);
    assert_failed_at_clinic(f);
}

/* Nobody takes it at the patient. */
static void
test_nobody_collects(Pair *f, gconstpointer data)
{
    g_autofree char *id = NULL;

    open_and_run(f);
    id = g_strdup(pair_info(f->patient)->id);
    host_restart(f->patient, f->air);
    f->patient->owner.session = ehd_core_find(f->patient->core, id, 1000, NULL);
    assert_done_at_patient(f);
    assert_failed_at_clinic(f);
}

/* The clinic's program comes back with another file in its place. */
static void
test_changed(Pair *f, gconstpointer data)
{
    f->clinic->owner.giving = GIVE;
    open_and_run(f);
    f->clinic->owner.giving = SPOIL;
    pair_restart(f, "clinic");
    assert_done_at_patient(f);
    assert_failed_at_clinic(f);
}

static char *
file_of(Host *host, const char *room, const char *suffix)
{
    g_autofree char *name = g_strconcat(pair_info(host)->id, suffix, NULL);

    return g_build_filename(host->dir, "state", room, name, NULL);
}

static char *to_be_removed; /* while nothing of the state is open */

static void
remove_it(void)
{
    g_assert_cmpint(g_remove(to_be_removed), ==, 0);
}

/* What it would go on with is gone from the disk. data: whose, and what. */
static void
test_gone(Pair *f, gconstpointer data)
{
    g_auto(GStrv) words = g_strsplit(data, " ", 0);
    Host *host = g_str_equal(words[0], "clinic") ? f->clinic : f->patient;
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    g_autofree char *path = NULL;

    open_and_run(f); /* the first item is whole */
    to_be_removed = path = file_of(host, words[1], words[2]);
    host->before_open = remove_it;
    pair_restart(f, words[0]);
    host->before_open = NULL;
    if (host == f->clinic) {
        assert_failed_at_clinic(f);
    } else {
        assert_done_at_patient(f);
        assert_failed_at_clinic(f);
    }
    g_log_set_always_fatal(fatal);
}

/* Of a version that is still to come: it stays as it is, for that. */
static void
test_too_new(Pair *f, gconstpointer data)
{
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    g_autoptr(GBytes) note = NULL;
    g_autoptr(GBytes) newer = ehd_record_pack(g_variant_new("(uv)", 2, g_variant_new("s", "")));
    g_autofree char *id = NULL;
    gsize length;
    const guint8 *bytes;

    open_and_run(f);
    id = g_strdup(pair_info(f->clinic)->id);
    note = ehd_ledger_get_note(f->clinic->ledger, id, NULL);
    bytes = g_bytes_get_data(newer, &length);
    g_assert_true(ehd_ledger_put_note(f->clinic->ledger, id, bytes, length, NULL));
    host_restart(f->clinic, f->air);
    g_assert_cmpuint(f->clinic->added, ==, 0);
    g_assert_cmpuint(ehd_core_count_unread(f->clinic->core), ==, 1);
    bytes = g_bytes_get_data(note, &length);
    g_assert_true(ehd_ledger_put_note(f->clinic->ledger, id, bytes, length, NULL));
    host_restart(f->clinic, f->air);
    owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, id, 1000, NULL));
    g_log_set_always_fatal(fatal);
    assert_well(f);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func)                                                                  \
    g_test_add("/core/restart-reply/" path, Pair, data, set_up, func, pair_tear_down)
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
    ADD("too-late-clinic", "clinic", test_too_late);
    ADD("too-late-patient", "patient", test_too_late);
    ADD("nobody-came-back", NULL, test_nobody_came_back);
    ADD("nobody-collects", NULL, test_nobody_collects);
    ADD("changed", NULL, test_changed);
    ADD("gone-list", "clinic ledger .note", test_gone);
    ADD("gone-origins", "patient ledger .origins", test_gone);
    ADD("gone-room", "patient spool /meta", test_gone);
    ADD("too-new", NULL, test_too_new);
    return g_test_run();
}
