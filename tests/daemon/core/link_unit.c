/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong after the tap with the link, and with strangers in range: told by name on
 * both sides, and nothing partial stays.
 */
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "tests/daemon/core/pair.h"

static void
test_link_back(Pair *f, gconstpointer data)
{
    guint cuts = 0;

    pair_open_and_tap(f);
    while (host_state(f->patient) < EHD_STATE_CONFIRMING) {
        guint64 before = pair_done(f->patient);

        WAIT(pair_done(f->patient) >= before + 400000 ||
             host_state(f->patient) >= EHD_STATE_CONFIRMING);
        cut_link_snap(f->patient->link);
        cuts++;
    }
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
    g_assert_cmpuint(cuts, >=, 2);
    g_assert_nonnull(strstr(f->patient->owner.states->str, "suspended transferring"));
}

/* A device that has to look the terminal up finds it again after a loss, too; others do not make
 * it show itself. */
static void
test_found_again(Pair *f, gconstpointer data)
{
    if (data != NULL)
        cut_link_set_lookup(f->patient->link);
    pair_open_and_tap(f);
    WAIT(pair_done(f->patient) >= 400000);
    g_assert_cmpuint(cut_link_get_shown(f->clinic->link), ==, data != NULL ? 1 : 0);
    cut_link_snap(f->patient->link);
    WAIT(!f->clinic->owner.session->linked);
    g_assert_cmpuint(cut_link_get_shown(f->clinic->link), ==, data != NULL ? 2 : 0);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
}

static void
test_link_down(Pair *f, gconstpointer data)
{
    f->clinic->config->resume_ms = f->patient->config->resume_ms = 300;
    pair_open_and_tap(f);
    WAIT(pair_done(f->patient) > 400000);
    cut_link_down(f->patient->link);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_LINK_LOST, EHP_LINK_LOST);
    g_assert_nonnull(strstr(f->clinic->owner.states->str, "transferring suspended failed"));
    g_assert_nonnull(strstr(f->patient->owner.states->str, "transferring suspended failed"));
    g_assert_cmpuint(f->clinic->owner.arrived, ==, 0);
}

/* The link goes down when all is at the clinic, and comes back after it was filed there. */
static void
test_link_back_after_filing(Pair *f, gconstpointer data)
{
    pair_open_and_tap(f);
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    cut_link_down(f->patient->link);
    host_wait_end(f->clinic);
    for (guint i = 0; i < 200; i++)
        g_main_context_iteration(NULL, FALSE);
    cut_link_up(f->patient->link);
    host_wait_end(f->patient);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    g_assert_cmpstr(ehd_session_get_info(f->patient->owner.session)->status, ==, "filed");
}

/* The patient is given up while the end of the filed session waits for the books, which are
 * busy: its record goes all the same. */
static void
test_gone_while_ending(Pair *f, gconstpointer data)
{
    EhdSession *session;

    pair_open_and_tap(f);
    session = f->clinic->owner.session;
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    cut_link_down(f->patient->link);
    WAIT(session->status_time != 0);
    for (guint i = 0; i < 1000; i++)
        ehd_session_audit(session, EHD_AUDIT_FAILED, EHP_LINK_LOST);
    WAIT(session->ending);
    g_assert_true(session->bye_due && !session->ended);
    ehp_session_end(session->engine, EHP_LINK_LOST, ehd_now_ms());
    ehd_session_pump(session);
    g_source_set_priority(g_main_context_find_source_by_id(NULL, session->engine_reaper),
                          G_PRIORITY_HIGH); /* before all that the books tell of */
    host_wait_end(f->clinic);
    host_wait_clean(f->clinic);
}

/* The link comes up only at the third try, from the first connection on. */
static void
test_link_late(Pair *f, gconstpointer data)
{
    cut_link_down(f->patient->link);
    pair_open_and_tap(f);
    host_wait_state(f->patient, EHD_STATE_TAPPED);
    for (guint i = 0; i < 2000; i++)
        g_main_context_iteration(NULL, FALSE);
    cut_link_up(f->patient->link);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
}

static void
test_never_linked(Pair *f, gconstpointer data)
{
    f->clinic->config->connect_ms = f->patient->config->connect_ms = 300;
    cut_link_down(f->patient->link);
    pair_open_and_tap(f);
    pair_wait_ends(f);
    g_assert_cmpint(ehp_status_exit(host_error(f->clinic)), ==, 75);
    g_assert_cmpint(ehp_status_exit(host_error(f->patient)), ==, 75);
    host_assert_clean(f->clinic);
}

/* ---------------------------------------------------------------- strangers */

static int
stranger(Pair *f)
{
    const EhdLinkAddress *at = cut_link_get_address(f->clinic->link);
    struct sockaddr_un name = {.sun_family = AF_UNIX};
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    g_snprintf(name.sun_path, sizeof name.sun_path, "%s/%02X%02X%02X%02X%02X%02X.%u", f->air,
               at->address[0], at->address[1], at->address[2], at->address[3], at->address[4],
               at->address[5], at->channel);
    if (connect(fd, (struct sockaddr *)&name, sizeof name) == 0)
        return fd;
    close(fd);
    return -1; /* nobody listens any more */
}

static void
test_strangers(Pair *f, gconstpointer data)
{
    guint8 junk[4096];
    int fds[30];

    pair_open_and_tap(f);
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        /* some before a byte was transferred, the others in the middle, if that lasts long
         * enough */
        if (i == G_N_ELEMENTS(fds) / 2)
            WAIT(pair_done(f->patient) > 100000);
        randombytes_buf(junk, sizeof junk);
        if (i % 3 == 1)
            memcpy(junk, "EHR1\1", 5);
        fds[i] = stranger(f);
        if (i == 0)
            g_assert_cmpint(fds[i], >=, 0);
        if (fds[i] >= 0 && i % 3 != 2 && send(fds[i], junk, sizeof junk, MSG_NOSIGNAL) < 0)
            g_test_message("closed already");
        g_main_context_iteration(NULL, FALSE);
    }
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* The patient has the receipt, and its link is down while the items are filed: it hears of that
 * when the link is back. */
static void
test_filed_meanwhile(Pair *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) result = NULL;
    EhdSession *clinic;

    if (data != NULL)
        f->clinic->config->resume_ms = f->patient->config->resume_ms = 300;
    f->clinic->owner.files = FALSE;
    pair_open_patient_and_tap(f);
    clinic = f->clinic->owner.session;
    WAIT(clinic->receipt_acked && f->clinic->owner.collected == 2);
    cut_link_down(f->patient->link);
    WAIT(!clinic->linked);
    ehd_session_file_async(clinic, host_on_result, &result);
    WAIT(result != NULL);
    ehd_session_file_finish(clinic, result, &error);
    g_assert_no_error(error);
    host_wait_end(f->clinic);
    if (data == NULL) { /* it comes back */
        cut_link_up(f->patient->link);
        host_wait_end(f->patient);
        g_assert_cmpstr(ehd_session_get_info(f->patient->owner.session)->status, ==, "filed");
    }
    WAIT(clinic->engine == NULL); /* and nobody waits for longer than a link may be away */
    g_assert_false(clinic->bye_due);
    if (data == NULL)
        pair_assert_errors(f, EHP_OK, EHP_OK);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Pair, data, pair_set_up, func, pair_tear_down)
    ADD("/core/link/link-back", NULL, test_link_back);
    ADD("/core/link/found-again", "lookup", test_found_again);
    ADD("/core/link/not-shown", NULL, test_found_again);
    ADD("/core/link/link-back-after-filing", NULL, test_link_back_after_filing);
    ADD("/core/link/filed-meanwhile", NULL, test_filed_meanwhile);
    ADD("/core/link/filed-and-gone", "gone", test_filed_meanwhile);
    ADD("/core/link/gone-while-ending", NULL, test_gone_while_ending);
    ADD("/core/link/link-down", NULL, test_link_down);
    ADD("/core/link/link-late", NULL, test_link_late);
    ADD("/core/link/never-linked", NULL, test_never_linked);
    ADD("/core/link/strangers", NULL, test_strangers);
    return g_test_run();
}
