/* SPDX-License-Identifier: Apache-2.0
 *
 * What a lost link left, and who gets it: the same two devices, the same users, and nobody
 * else; nothing twice, nothing that was thrown away, and never at the cost of somebody else's
 * room.
 */
#include <sodium.h>
#include <string.h>

#include "daemon/core/grant-make.h"
#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "proto/ehrlink.pb-c.h"
#include "tests/daemon/core/pair.h"

static void
set_up(Pair *f, gconstpointer data)
{
    pair_set_up(f, data);
    f->clinic->config->take_up_ms = f->patient->config->take_up_ms = 3600000;
    f->clinic->config->resume_ms = f->patient->config->resume_ms = 300;
}

static gboolean
on_tick(gpointer user_data)
{
    return G_SOURCE_CONTINUE; /* only wakes the loop */
}

static void
wait_lefts(Host *host, guint n)
{
    guint tick = g_timeout_add(5, on_tick, NULL);

    WAIT(host->core->lefts->len == n);
    g_source_remove(tick);
}

static void
assert_ended(Pair *f, ehp_status clinic, ehp_status patient)
{
    pair_wait_ends(f);
    g_assert_cmpstr(ehp_status_name(host_error(f->clinic)), ==, ehp_status_name(clinic));
    g_assert_cmpstr(ehp_status_name(host_error(f->patient)), ==, ehp_status_name(patient));
}

/* A transfer that ends in its middle for want of a link. */
static void
lose(Pair *f)
{
    pair_open_and_tap(f);
    WAIT(pair_done(f->patient) > 400000);
    cut_link_down(f->patient->link);
    assert_ended(f, EHP_LINK_LOST, EHP_LINK_LOST);
    wait_lefts(f->clinic, 1);
    wait_lefts(f->patient, 1);
    cut_link_up(f->patient->link);
}

static void
test_taken_up(Pair *f, gconstpointer data)
{
    lose(f);
    pair_open_and_tap(f);
    assert_ended(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
    g_assert_cmpuint(f->clinic->core->lefts->len, ==, 0);
    host_wait_clean(f->clinic);
}

/* A receiver of another user of the machine: gets all of it, and takes nothing of the first
 * one's. */
static void
test_other_user(Pair *f, gconstpointer data)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(1001, EHD_ACTION_RECEIVE);
    g_autoptr(GAsyncResult) result = NULL;
    EhdReceiveOptions options;
    EhdSession *session;

    lose(f);
    ehd_receive_options_init(&options);
    ehd_core_receive_async(f->clinic->core, grant, &options, host_on_result, &result);
    WAIT(result != NULL);
    session = ehd_core_receive_finish(f->clinic->core, result, NULL);
    g_assert_nonnull(session);
    owner_attach(&f->clinic->owner, session);
    host_send(f->patient, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
    assert_ended(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
    g_assert_cmpuint(f->clinic->core->lefts->len, ==, 1);
}

/* All of it was received, and the link went before the receipt left. */
static EhdSession *
receive_unreceipted(Pair *f)
{
    EhdSession *session;
    guint tick = g_timeout_add(5, on_tick, NULL);

    f->clinic->owner.collects = FALSE;
    pair_open_and_tap(f);
    session = f->clinic->owner.session;
    WAIT(session->receipt != NULL);
    cut_link_down(f->patient->link);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_LINK_LOST);
    wait_lefts(f->patient, 1);
    WAIT(host_state(f->clinic) == EHD_STATE_CONFIRMING && session->engine == NULL &&
         session->jobs == 0);
    g_source_remove(tick);
    f->clinic->owner.collects = TRUE;
    cut_link_up(f->patient->link);
    return session;
}

static void
discard(EhdSession *session)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GError) error = NULL;

    ehd_session_discard_async(session, NULL, host_on_result, &result);
    WAIT(result != NULL);
    ehd_session_discard_finish(session, result, &error);
    g_assert_no_error(error);
}

/* What was thrown away is not here: nobody is told that it is. */
static void
test_discarded(Pair *f, gconstpointer data)
{
    discard(receive_unreceipted(f));
    host_wait_end(f->clinic);
    pair_open_and_tap(f);
    assert_ended(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
    host_wait_clean(f->clinic);
}

/* What waits to be filed does not come twice. */
static void
test_waits(Pair *f, gconstpointer data)
{
    EhdSession *first = receive_unreceipted(f);

    pair_open_and_tap(f);
    assert_ended(f, EHP_ALREADY_RECEIVED, EHP_ALREADY_RECEIVED);
    g_assert_cmpint(ehd_session_get_info(first)->state, ==, EHD_STATE_CONFIRMING);
    g_assert_cmpuint(host_count_audit(f->clinic, "received"), ==, 1);
    owner_attach(&f->clinic->owner, first);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_OK);
    pair_assert_arrived(f);
}

/* Nor does what is just being filed; while it is thrown away it is as good as gone. */
static void
test_being_filed(Pair *f, gconstpointer data)
{
    EhdSession *first = receive_unreceipted(f);
    gboolean files = data != NULL;

    first->filing = TRUE; /* as while the decision is being written */
    first->filing_as =
        files ? EHP__STATUS_KIND__STATUS_FILED : EHP__STATUS_KIND__STATUS_DISCARDED;
    pair_open_and_tap(f);
    if (files)
        assert_ended(f, EHP_ALREADY_RECEIVED, EHP_ALREADY_RECEIVED);
    else
        assert_ended(f, EHP_OK, EHP_OK);
    first->filing = FALSE;
    discard(first);
}

/* Somebody else's records need the room. */
static void
test_room(Pair *f, gconstpointer data)
{
    lose(f);
    f->clinic->config->spool_quota = ehd_spool_used(f->clinic->spool) + PAIR_BIG;
    ehd_spool_set_limits(f->clinic->spool, f->clinic->config->spool_quota, 0);
    host_add_item(f->patient, "c.json", 10, EHP__CATEGORY__CATEGORY_LABORATORY_REPORT);
    pair_open_and_tap(f);
    assert_ended(f, EHP_OK, EHP_OK);
    g_assert_cmpuint(f->clinic->core->lefts->len, ==, 0);
    host_wait_clean(f->clinic);
}

/* There is none at all: whoever asks again has it. */
static void
test_no_room(Pair *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    GLogLevelFlags fatal;
    guint tick;

    lose(f);
    f->clinic->config->spool_quota = ehd_spool_used(f->clinic->spool);
    ehd_spool_set_limits(f->clinic->spool, f->clinic->config->spool_quota, 0);
    fatal = g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    g_assert_null(host_try_receive(f->clinic, NULL, &error));
    g_log_set_always_fatal(fatal);
    g_assert_error(error, EHD_ERROR, EHP_NO_SPACE);
    tick = g_timeout_add(5, on_tick, NULL);
    WAIT(ehd_spool_used(f->clinic->spool) == 0);
    g_source_remove(tick);
    host_receive(f->clinic, NULL);
    host_cancel(f->clinic->owner.session);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD_FOR(path, data, func) g_test_add(path, Pair, data, set_up, func, pair_tear_down)
#define ADD(path, func)           ADD_FOR(path, NULL, func)
    ADD("/core/left/taken-up", test_taken_up);
    ADD("/core/left/other-user", test_other_user);
    ADD("/core/left/discarded", test_discarded);
    ADD("/core/left/waits", test_waits);
    ADD_FOR("/core/left/being-filed", "filed", test_being_filed);
    ADD_FOR("/core/left/being-discarded", NULL, test_being_filed);
    ADD("/core/left/room", test_room);
    ADD("/core/left/no-room", test_no_room);
    return g_test_run();
}
