/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon that ends in the middle of a session, by a crash, a stop or a reboot, and what its
 * next start makes of it.
 */
#include <errno.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/grant-make.h"
#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "tests/daemon/core/pair.h"
#include "tests/daemon/store/faults.h"

static void
test_restart_unfiled(Pair *f, gconstpointer data)
{
    g_autoptr(GPtrArray) list = NULL;
    g_autofree char *id = NULL;
    EhdSession *session;

    f->clinic->owner.collects = FALSE;
    pair_open_patient_and_tap(f);
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    host_wait_state(f->patient, EHD_STATE_CONFIRMING);
    id = g_strdup(ehd_session_get_info(f->clinic->owner.session)->id);
    host_restart(f->clinic, f->air);
    g_assert_cmpuint(f->clinic->added, ==, 1);
    g_assert_null(ehd_core_find(f->clinic->core, id, 1001, NULL));
    session = ehd_core_find(f->clinic->core, id, 1000, NULL);
    g_assert_nonnull(session);
    g_assert_false(ehd_core_is_idle(f->clinic->core));
    f->clinic->owner.collects = TRUE;
    f->clinic->owner.collected = 0;
    owner_attach(&f->clinic->owner, session);
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_OK);
    pair_assert_arrived(f);
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    host_wait_clean(f->clinic); /* nothing is kept once the patient has the receipt */
}

static int fault_at;

static void
fail_open(void)
{
    faults_set(FAULT_OPEN, fault_at, EMFILE);
}

static void
fail_read(void)
{
    faults_set(FAULT_READ, fault_at, EIO);
}

/* A machine that is out of descriptors, or whose disk fails, when the daemon starts: whatever
 * could not be read then is there at the next start. */
static void
test_restart_unreadable(Pair *f, gconstpointer data)
{
    void (*const faults[])(void) = {fail_open, fail_read};
    guint hits = 0;
    GLogLevelFlags fatal;
    g_autofree char *id = NULL;

    f->clinic->owner.collects = FALSE;
    pair_open_patient_and_tap(f);
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    host_wait_state(f->patient, EHD_STATE_CONFIRMING);
    id = g_strdup(ehd_session_get_info(f->clinic->owner.session)->id);
    fatal = g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    for (gsize i = 0; i < G_N_ELEMENTS(faults); i++) {
        for (fault_at = 1;; fault_at++) {
            gboolean hit;

            f->clinic->before_start = faults[i];
            host_restart(f->clinic, f->air);
            hit = faults_hit();
            faults_clear();
            f->clinic->before_start = NULL;
            hits += hit;
            /* a service that runs can tell what was let go of from what could not be read */
            if (f->clinic->started)
                g_assert_cmpuint(f->clinic->added + ehd_core_count_unread(f->clinic->core), ==, 1);
            host_restart(f->clinic, f->air);
            g_assert_cmpuint(f->clinic->added, ==, 1);
            if (!hit)
                break;
        }
    }
    g_log_set_always_fatal(fatal);
    g_assert_cmpuint(hits, >=, 6);
    f->clinic->owner.collects = TRUE;
    f->clinic->owner.collected = 0;
    owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, id, 1000, NULL));
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_OK);
    pair_assert_arrived(f);
    host_wait_clean(f->clinic);
}

/* The daemon of one side, or of both, ends in the middle and starts again. */
static void
test_restart_half(Pair *f, gconstpointer data)
{
    const char *who = data;
    g_autofree char *clinic = NULL, *patient = NULL;
    guint64 before;

    pair_open_patient_and_tap(f);
    WAIT(pair_done(f->patient) > 400000);
    before = pair_done(f->patient);
    clinic = g_strdup(ehd_session_get_info(f->clinic->owner.session)->id);
    patient = g_strdup(ehd_session_get_info(f->patient->owner.session)->id);
    if (strstr(who, "clinic") != NULL) {
        host_restart(f->clinic, f->air);
        owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, clinic, 1000, NULL));
        g_assert_cmpuint(pair_done(f->clinic), >=, before); /* as much as was acknowledged */
    }
    if (strstr(who, "patient") != NULL) {
        host_restart(f->patient, f->air);
        owner_attach(&f->patient->owner, ehd_core_find(f->patient->core, patient, 1000, NULL));
    }
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
    g_assert_cmpuint(f->clinic->owner.arrived, ==, 1);
    g_assert_cmpuint(f->patient->owner.asked, <=, 1);
    g_assert_cmpuint(host_count_audit(f->clinic, "received"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->patient, "sent"), ==, 1);
    host_wait_clean(f->clinic);
}

/* A patient's session that was to go on alone: its files are not open any more, so that it
 * waits for whoever has them, and says so. */
static void
test_restart_detached(Pair *f, gconstpointer data)
{
    g_autofree char *id = NULL;
    EhdSession *session;

    pair_open_detached_and_tap(f);
    WAIT(pair_done(f->patient) > 400000);
    id = g_strdup(ehd_session_get_info(f->patient->owner.session)->id);
    host_restart(f->patient, f->air);
    session = ehd_core_find(f->patient->core, id, 1000, NULL);
    WAIT(ehd_session_get_info(session)->needs_files);
    g_assert_cmpint(ehd_session_get_info(session)->state, ==, EHD_STATE_TRANSFERRING);
    owner_attach(&f->patient->owner, session);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
}

/* The clinic's daemon ends before the patient has the receipt, waiting to be filed or filed
 * already: it is delivered after the start, the same bytes, with the word of what became of the
 * items. */
static void
test_restart_unreceipted(Pair *f, gconstpointer data)
{
    gboolean filed = data != NULL;
    g_autofree char *id = NULL;
    g_autoptr(GBytes) made = NULL, got = NULL;

    f->clinic->owner.collects = f->clinic->owner.files = filed;
    pair_open_patient_and_tap(f);
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    cut_link_down(f->patient->link);
    id = g_strdup(ehd_session_get_info(f->clinic->owner.session)->id);
    made = ehd_session_get_receipt(f->clinic->owner.session, EHD_TO_TERMINAL, NULL);
    if (filed)
        host_wait_end(f->clinic);
    host_restart(f->clinic, f->air);
    cut_link_up(f->patient->link);
    WAIT(host_state(f->patient) == EHD_STATE_CONFIRMING ||
         host_state(f->patient) >= EHD_STATE_FILED);
    if (!filed) {
        f->clinic->owner.collects = f->clinic->owner.files = TRUE;
        owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, id, 1000, NULL));
        host_wait_end(f->clinic);
    }
    host_wait_end(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpstr(ehd_session_get_info(f->patient->owner.session)->status, ==, "filed");
    got = ehd_session_get_receipt(f->patient->owner.session, EHD_TO_TERMINAL, NULL);
    g_assert_true(g_bytes_equal(made, got));
    g_assert_cmpuint(host_count_audit(f->clinic, "received"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->clinic, "filed"), ==, 1);
    host_wait_clean(f->clinic);
}

static gint64 later, uptime;

static gint64
clock_now(gpointer user_data)
{
    return HOST_NOW + later;
}

static guint64
clock_uptime(gpointer user_data)
{
    return (guint64)(1000 + uptime);
}

typedef struct {
    const char *name;
    gint64 later, uptime; /* since the end, at the start after it */
    ehp_status why;
} Away;

static const Away aways[] = {
    {"soon", 60, 60, EHP_OK},
    {"reboot", 60, -900, EHP_OK},
    {"long", 601, 601, EHP_LINK_LOST},
    {"long-reboot", 601, -900, EHP_LINK_LOST},
    {"clock-back", -60, -900, EHP_CLOCK_WRONG},
    {"clock-set-back", 60, 601, EHP_LINK_LOST}, /* while the machine was up */
};

/* How long the daemon was away, and whether the machine was restarted meanwhile: within the
 * time it goes on, after it, or with a clock that went back, it ends by name and leaves
 * nothing. */
static void
test_restart_away(Pair *f, gconstpointer data)
{
    const Away *row = data;
    g_autofree char *id = NULL;

    later = uptime = 0;
    f->clinic->now = clock_now;
    f->clinic->boottime = clock_uptime;
    host_restart(f->clinic, f->air);
    pair_open_patient_and_tap(f);
    WAIT(pair_done(f->patient) > 400000);
    id = g_strdup(ehd_session_get_info(f->clinic->owner.session)->id);
    later = row->later;
    uptime = row->uptime;
    host_restart(f->clinic, f->air);
    owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, id, 1000, NULL));
    if (row->why == EHP_OK) {
        pair_wait_ends(f);
        pair_assert_errors(f, EHP_OK, EHP_OK);
        pair_assert_arrived(f);
        return;
    }
    g_assert_cmpstr(ehp_status_name(host_error(f->clinic)), ==, ehp_status_name(row->why));
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_FAILED);
    host_assert_clean(f->clinic);
    g_assert_cmpuint(host_count_audit(f->clinic, "failed"), ==, 1);
}

/* The other side never comes back: the time of the link runs from the start on, although there
 * was no link in this run yet. */
static void
test_alone(Pair *f, gconstpointer data)
{
    Host *host = data != NULL ? f->clinic : f->patient;

    pair_open_patient_and_tap(f);
    WAIT(pair_done(f->patient) > 400000);
    host->config->resume_ms = 300;
    cut_link_down(f->clinic->link);
    cut_link_down(f->patient->link);
    pair_restart(f, data != NULL ? "clinic" : "patient");
    cut_link_down(host->link);
    g_assert_cmpint(host_state(host), ==, EHD_STATE_SUSPENDED);
    host_wait_end(host);
    g_assert_cmpint(host_error(host), ==, EHP_LINK_LOST);
    host_assert_clean(host);
}

/* A stop is as a crash: the next start goes on. */
static void
test_stop(Pair *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autofree char *id = NULL;

    f->patient->owner.answer = SAY_NOTHING;
    pair_open_patient_and_tap(f);
    host_wait_state(f->patient, EHD_STATE_DECIDING);
    /* what is not on the disk yet is not left, but ended */
    WAIT(f->patient->owner.session->kept);
    id = g_strdup(ehd_session_get_info(f->patient->owner.session)->id);
    ehd_core_stop_async(f->patient->core, host_on_result, &result);
    WAIT(result != NULL);
    g_assert_true(ehd_core_stop_finish(f->patient->core, result, NULL));
    g_assert_cmpint(f->patient->owner.void_reason, ==, EHD_VOID_DAEMON_STOPS);
    host_wait_state(f->clinic, EHD_STATE_SUSPENDED);
    host_restart(f->patient, f->air);
    f->patient->owner.answer = AGREE;
    owner_attach(&f->patient->owner, ehd_core_find(f->patient->core, id, 1000, NULL));
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
}

/* Told to stop before the reader is ready: whoever waits for that is answered. */
static void
test_stop_while_opening(Pair *f, gconstpointer data)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(1000, EHD_ACTION_SEND);
    g_autoptr(GAsyncResult) opened = NULL;
    g_autoptr(GAsyncResult) stopped = NULL;
    g_autoptr(GError) error = NULL;
    EhdSendOptions options;

    ehd_send_options_init(&options);
    options.items = f->patient->items;
    ehd_core_send_async(f->patient->core, grant, &options, host_on_result, &opened);
    ehd_core_stop_async(f->patient->core, host_on_result, &stopped);
    WAIT(opened != NULL && stopped != NULL);
    g_assert_null(ehd_core_send_finish(f->patient->core, opened, &error));
    g_assert_error(error, EHD_ERROR, EHP_CANCELLED);
    g_assert_true(ehd_core_stop_finish(f->patient->core, stopped, NULL));
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Pair, data, pair_set_up, func, pair_tear_down)
    ADD("/core/restart/unfiled", NULL, test_restart_unfiled);
    ADD("/core/restart/unreadable", NULL, test_restart_unreadable);
    ADD("/core/restart/clinic", "clinic", test_restart_half);
    ADD("/core/restart/patient", "patient", test_restart_half);
    ADD("/core/restart/both", "clinic patient", test_restart_half);
    ADD("/core/restart/detached", NULL, test_restart_detached);
    ADD("/core/restart/unreceipted", NULL, test_restart_unreceipted);
    ADD("/core/restart/unreceipted-filed", "filed", test_restart_unreceipted);
    for (guint i = 0; i < G_N_ELEMENTS(aways); i++) {
        g_autofree char *path = g_strconcat("/core/restart/away-", aways[i].name, NULL);
        ADD(path, &aways[i], test_restart_away);
    }
    ADD("/core/restart/alone-clinic", "clinic", test_alone);
    ADD("/core/restart/alone-patient", NULL, test_alone);
    ADD("/core/restart/stop", NULL, test_stop);
    ADD("/core/restart/stop-while-opening", NULL, test_stop_while_opening);
    return g_test_run();
}
