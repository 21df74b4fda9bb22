/* SPDX-License-Identifier: Apache-2.0
 *
 * What the clinic sends back, and what goes wrong with it: a patient that gives it up, a person
 * who declines it or answers too late, a program that answers when nobody asks any more.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>

#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "tests/daemon/core/pair.h"

static void
set_up(Pair *f, gconstpointer data)
{
    pair_set_up(f, data);
    f->clinic->config->resume_ms = f->patient->config->resume_ms = 300;
    host_add_item(f->clinic, "report.pdf", PAIR_SMALL, 0);
}

static gboolean
on_tick(gpointer user_data)
{
    return G_SOURCE_CONTINUE; /* only wakes the loop */
}

static void
wait_engine_gone(EhdSession *session)
{
    guint tick = g_timeout_add(5, on_tick, NULL);

    WAIT(session->engine == NULL && session->jobs == 0);
    g_source_remove(tick);
}

/* The patient gives the reply up while the clinic's program opens the file: what that brings
 * (data: a file; NULL: none) is for nobody. */
static void
test_given_up(Pair *f, gconstpointer data)
{
    EhdSession *session;
    int fd = -1;

    f->clinic->owner.giving = GIVE_LATER;
    pair_open_for_reply(f, FALSE);
    session = f->clinic->owner.session;
    host_reply(f->clinic);
    WAIT(f->clinic->owner.opened > 0);
    host_cancel(f->patient->owner.session);
    wait_engine_gone(session);
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
    if (data != NULL) {
        fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
        g_assert_cmpint(fd, >=, 0);
    }
    ehd_session_give_item(session, f->clinic->owner.waiting_for, fd, EHP_NO_INPUT);
    if (data != NULL) {
        g_assert_cmpint(fcntl(fd, F_GETFD), ==, -1);
        g_assert_cmpint(errno, ==, EBADF);
    }
    pair_discard(f);
}

/* The clinic is cancelled while the person decides: an answer that comes then makes no room,
 * and ends nothing a second time. */
static void
test_answered_after(Pair *f, gconstpointer data)
{
    EhdSession *session;

    f->patient->owner.mulls_replies = TRUE;
    pair_open_for_reply(f, FALSE);
    session = f->patient->owner.session;
    host_reply(f->clinic);
    WAIT(f->patient->owner.offered == 1);
    host_cancel(f->clinic->owner.session);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpuint(f->patient->owner.voided, ==, 1);
    ehd_session_answer_reply(session, data != NULL);
    g_assert_cmpint(host_state(f->patient), ==, EHD_STATE_DONE);
    g_assert_cmpuint(session->jobs, ==, 0);
    host_assert_clean(f->patient);
}

/* The person agrees, and the time is over before there is room for it: the session is where it
 * was before the offer, and nothing of that stays. */
static void
test_accepted_too_late(Pair *f, gconstpointer data)
{
    EhdSession *session;

    f->patient->owner.mulls_replies = TRUE;
    pair_open_for_reply(f, FALSE);
    session = f->patient->owner.session;
    host_reply(f->clinic);
    WAIT(f->patient->owner.offered == 1);
    ehd_session_answer_reply(session, TRUE);
    ehp_session_tick(session->engine, ehd_now_ms() + f->patient->config->consent_ms);
    WAIT(session->jobs == 0);
    g_assert_cmpint(host_state(f->patient), ==, EHD_STATE_CONFIRMING);
    g_assert_cmpuint(session->reply.items->len, ==, 0);
    g_assert_true(session->complete);
    WAIT(pair_info(f->clinic)->reply == EHD_TRANSFER_FAILED && pair_info(f->clinic)->may_ask);
    pair_discard(f);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    host_assert_clean(f->patient);
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
    ehd_session_request_items_async(f->clinic->owner.session, queries, FALSE, host_on_result,
                                    &result);
    WAIT(result != NULL);
    ehd_session_request_items_finish(f->clinic->owner.session, result, &error);
    g_assert_no_error(error);
}

/* A reply was declined; items that are asked for after that never come, since the link does not
 * come back: they are not listed, and what there is can be discarded. */
static void
test_declined_then_lost(Pair *f, gconstpointer data)
{
    f->patient->owner.declines_replies = TRUE;
    f->patient->owner.giving = GIVE_LATER;
    pair_open_for_reply(f, TRUE);
    host_reply(f->clinic);
    WAIT(pair_info(f->clinic)->has_reply && pair_info(f->clinic)->reply == EHD_TRANSFER_FAILED);
    WAIT(pair_info(f->clinic)->may_ask);
    request(f, "1");
    WAIT(pair_info(f->clinic)->items == 1 && f->patient->owner.opened > 0);
    cut_link_down(f->patient->link);
    wait_engine_gone(f->clinic->owner.session);
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
    g_assert_cmpint(pair_info(f->clinic)->transfer, ==, EHD_TRANSFER_FAILED);
    g_assert_cmpuint(f->clinic->owner.session->items->len, ==, 2);
    pair_discard(f);
}

/* What was agreed to has been sent when something comes back: there is nothing to withdraw, and
 * what comes back goes on. */
static void
test_not_revoked(Pair *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;

    f->patient->owner.mulls_replies = TRUE;
    pair_open_for_reply(f, FALSE);
    host_reply(f->clinic);
    WAIT(f->patient->owner.offered == 1);
    ehd_session_revoke_async(f->patient->owner.session, host_on_result, &result);
    WAIT(result != NULL);
    g_assert_false(ehd_session_revoke_finish(f->patient->owner.session, result, &error));
    g_assert_error(error, EHD_ERROR, EHP_WRONG_STATE);
    ehd_session_answer_reply(f->patient->owner.session, TRUE);
    WAIT(pair_info(f->clinic)->reply == EHD_TRANSFER_COMPLETE);
    WAIT(pair_info(f->clinic)->may_ask);
    pair_file(f);
    g_assert_cmpuint(host_count_audit(f->patient, "revoked"), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Pair, data, set_up, func, pair_tear_down)
    ADD("/core/reply/given-up-no-file", NULL, test_given_up);
    ADD("/core/reply/given-up-file", "file", test_given_up);
    ADD("/core/reply/accepted-after", "yes", test_answered_after);
    ADD("/core/reply/declined-after", NULL, test_answered_after);
    ADD("/core/reply/accepted-too-late", NULL, test_accepted_too_late);
    ADD("/core/reply/declined-then-lost", NULL, test_declined_then_lost);
    ADD("/core/reply/not-revoked", NULL, test_not_revoked);
    return g_test_run();
}
