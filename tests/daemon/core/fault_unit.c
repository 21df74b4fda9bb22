/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong after the tap: the link, the disk, the sender's files, the owners, strangers
 * in range. Each is told by name on both sides, and nothing partial stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/doctor.h"
#include "daemon/core/grant-make.h"
#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "proto/ehrlink.pb-c.h"
#include "tests/daemon/core/host.h"
#include "tests/daemon/store/faults.h"

typedef struct {
    char *air;
    Host *clinic, *patient;
    TestCa *ca;
} Fixture;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->clinic = host_new(f->air, NULL);
    f->patient = host_new(f->air, NULL);
    f->ca = host_ca();
    host_certify(f->clinic, f->patient, f->ca, NULL);
    host_add_item(f->patient, "a.dcm", 3000000, EHP__CATEGORY__CATEGORY_MEDICAL_IMAGING);
    host_add_item(f->patient, "b.json", 90000, EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    host_free(f->clinic);
    host_free(f->patient);
    test_ca_free(f->ca);
    g_assert_cmpint(g_rmdir(f->air), ==, 0);
    g_free(f->air);
}

static void
open_and_tap(Fixture *f)
{
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    field_tap(f->clinic->port, f->patient->port, 0);
}

static void
wait_ends(Fixture *f)
{
    host_wait_end(f->clinic);
    host_wait_end(f->patient);
}

static void
assert_errors(Fixture *f, ehp_status clinic, ehp_status patient)
{
    g_assert_cmpstr(ehp_status_name(host_error(f->clinic)), ==, ehp_status_name(clinic));
    g_assert_cmpstr(ehp_status_name(host_error(f->patient)), ==, ehp_status_name(patient));
    if (clinic != EHP_OK)
        host_assert_clean(f->clinic);
    host_assert_clean(f->patient);
}

static void
assert_arrived(Fixture *f)
{
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GBytes) expected = host_item_bytes(i, i == 0 ? 3000000 : 90000);

        g_assert_true(g_bytes_equal(g_ptr_array_index(f->clinic->owner.got, 1 - i), expected));
    }
}

static guint64
done(Host *host)
{
    return ehd_session_get_info(host->owner.session)->done;
}

/* ---------------------------------------------------------------- the link */

static void
test_link_back(Fixture *f, gconstpointer data)
{
    guint cuts = 0;

    open_and_tap(f);
    while (host_state(f->patient) < EHD_STATE_CONFIRMING) {
        guint64 before = done(f->patient);

        WAIT(done(f->patient) >= before + 400000 ||
             host_state(f->patient) >= EHD_STATE_CONFIRMING);
        cut_link_snap(f->patient->link);
        cuts++;
    }
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);
    assert_arrived(f);
    g_assert_cmpuint(cuts, >=, 2);
    g_assert_nonnull(strstr(f->patient->owner.states->str, "suspended transferring"));
}

static void
test_link_down(Fixture *f, gconstpointer data)
{
    f->clinic->config->resume_ms = f->patient->config->resume_ms = 300;
    open_and_tap(f);
    WAIT(done(f->patient) > 400000);
    cut_link_down(f->patient->link);
    wait_ends(f);
    assert_errors(f, EHP_LINK_LOST, EHP_LINK_LOST);
    g_assert_nonnull(strstr(f->clinic->owner.states->str, "transferring suspended failed"));
    g_assert_nonnull(strstr(f->patient->owner.states->str, "transferring suspended failed"));
    g_assert_cmpuint(f->clinic->owner.arrived, ==, 0);
}

/* The link goes down when all is at the clinic, and comes back after it was filed there. */
static void
test_link_back_after_filing(Fixture *f, gconstpointer data)
{
    open_and_tap(f);
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    cut_link_down(f->patient->link);
    host_wait_end(f->clinic);
    for (guint i = 0; i < 200; i++)
        g_main_context_iteration(NULL, FALSE);
    cut_link_up(f->patient->link);
    host_wait_end(f->patient);
    assert_errors(f, EHP_OK, EHP_OK);
    g_assert_cmpstr(ehd_session_get_info(f->patient->owner.session)->status, ==, "filed");
}

/* The patient is given up while the end of the filed session waits for the books, which are
 * busy: its record goes all the same. */
static void
test_gone_while_ending(Fixture *f, gconstpointer data)
{
    EhdSession *session;

    open_and_tap(f);
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
test_link_late(Fixture *f, gconstpointer data)
{
    cut_link_down(f->patient->link);
    open_and_tap(f);
    host_wait_state(f->patient, EHD_STATE_TAPPED);
    for (guint i = 0; i < 2000; i++)
        g_main_context_iteration(NULL, FALSE);
    cut_link_up(f->patient->link);
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);
}

static void
test_never_linked(Fixture *f, gconstpointer data)
{
    f->clinic->config->connect_ms = f->patient->config->connect_ms = 300;
    cut_link_down(f->patient->link);
    open_and_tap(f);
    wait_ends(f);
    g_assert_cmpint(ehp_status_exit(host_error(f->clinic)), ==, 75);
    g_assert_cmpint(ehp_status_exit(host_error(f->patient)), ==, 75);
    host_assert_clean(f->clinic);
}

/* ---------------------------------------------------------------- strangers */

static int
stranger(Fixture *f)
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
test_strangers(Fixture *f, gconstpointer data)
{
    guint8 junk[4096];
    int fds[30];

    open_and_tap(f);
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++) {
        /* some before a byte was transferred, the others in the middle, if that lasts long
         * enough */
        if (i == G_N_ELEMENTS(fds) / 2)
            WAIT(done(f->patient) > 100000);
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
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);
    assert_arrived(f);
    for (guint i = 0; i < G_N_ELEMENTS(fds); i++)
        if (fds[i] >= 0)
            close(fds[i]);
}

/* ---------------------------------------------------------------- the disk and the files */

static void
test_no_space(Fixture *f, gconstpointer data)
{
    f->clinic->config->spool_quota = 2000000;
    open_and_tap(f);
    wait_ends(f);
    assert_errors(f, EHP_NO_SPACE, EHP_PEER_CANNOT_STORE);
    g_assert_cmpint(ehp_status_exit(host_error(f->clinic)), ==, 73);
}

typedef struct {
    const char *name;
    Fault fault;
    int error;
    ehp_status why;
} Medium;

static const Medium media[] = {
    {"full", FAULT_WRITE, ENOSPC, EHP_NO_SPACE},
    {"broken", FAULT_WRITE, EIO, EHP_STORE_FAILED},
    {"unsynced", FAULT_FSYNC, EIO, EHP_STORE_FAILED},
    {"read-only", FAULT_WRITE, EROFS, EHP_STORE_FAILED},
};

/* In the middle of an item. */
static void
test_medium(Fixture *f, gconstpointer data)
{
    const Medium *row = data;

    open_and_tap(f);
    WAIT(done(f->patient) > 0);
    /* the patient's marks are on another disk; in this process the fault would be theirs too */
    f->patient->owner.session->kept = FALSE;
    WAIT(!f->patient->owner.session->marking);
    WAIT(done(f->patient) > 400000); /* last, so that much of the item is still to be written */
    faults_set(row->fault, 1, row->error);
    wait_ends(f);
    g_assert_true(faults_hit());
    faults_clear();
    assert_errors(f, row->why, EHP_PEER_CANNOT_STORE);
    g_assert_cmpint(ehp_status_exit(host_error(f->clinic)), ==, 73);
    g_assert_cmpuint(f->clinic->owner.arrived, ==, 0);
}

static void
on_stopped(GObject *source, GAsyncResult *result, gpointer user_data)
{
    *(GAsyncResult **)user_data = g_object_ref(result);
}

static EhdFinding *
find_room(Host *host)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GPtrArray) findings = NULL;

    ehd_doctor_async(host->core, on_stopped, &result);
    WAIT(result != NULL);
    findings = ehd_doctor_finish(host->core, result, NULL);
    for (guint i = 0; i < findings->len; i++)
        if (strcmp(((EhdFinding *)findings->pdata[i])->id, "room") == 0)
            return g_ptr_array_steal_index(findings, i);
    return NULL;
}

static void
assert_no_room(Host *host, ehp_status why)
{
    g_autoptr(GError) error = NULL;
    EhdFinding *finding;

    g_assert_null(host_try_receive(host, NULL, &error));
    g_assert_error(error, EHD_ERROR, (int)why);
    g_assert_cmpint(ehp_status_exit(why), ==, 73);
    finding = find_room(host);
    g_assert_nonnull(finding);
    g_assert_cmpint(finding->level, ==, EHD_LEVEL_PROBLEM);
    g_assert_cmpint(finding->error, ==, why);
    ehd_finding_free(finding);
}

/* Refused before anybody is asked to tap, and the doctor says why. */
static void
test_no_room(Fixture *f, gconstpointer data)
{
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK); /* it warns */
    g_autoptr(GError) error = NULL;
    EhdConfig *config = f->clinic->config;
    guint64 quota = config->audit_quota, spool = config->spool_quota;
    EhdFinding *finding;

    g_assert_null(find_room(f->clinic));
    config->audit_quota = 1;
    assert_no_room(f->clinic, EHP_AUDIT_FULL);
    config->audit_quota = 0;
    g_assert_null(host_try_receive(f->clinic, NULL, &error));
    g_clear_error(&error);
    config->audit_quota = quota;
    config->min_free = G_MAXINT64;
    assert_no_room(f->clinic, EHP_NO_SPACE);
    config->min_free = 0;
    config->spool_quota = 0;
    assert_no_room(f->clinic, EHP_NO_SPACE);
    config->spool_quota = spool;

    /* a patient's device needs room for the receipt, not for the records */
    f->patient->config->min_free = G_MAXINT64;
    f->patient->config->spool_quota = 0;
    faults_set(FAULT_STATVFS, 1, 0);
    g_assert_null(host_try_send(f->patient, NULL, &error));
    g_assert_error(error, EHD_ERROR, EHP_NO_SPACE);
    open_and_tap(f);
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);

    config->audit_quota = ehd_audit_used(f->clinic->audit) * 100 / 95;
    finding = find_room(f->clinic);
    g_assert_nonnull(finding);
    g_assert_cmpint(finding->level, ==, EHD_LEVEL_WARNING);
    ehd_finding_free(finding);
    g_log_set_always_fatal(fatal);
}

static gboolean
books_are_still(Fixture *f)
{
    return ehd_books_get_pending(f->clinic->core->books) == 0 &&
           ehd_books_get_pending(f->patient->core->books) == 0;
}

/* The last line of a session that could not be written is written when it can, and only then
 * the ledger forgets. */
static void
test_books_wait(Fixture *f, gconstpointer data)
{
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK); /* it warns */
    f->patient->owner.answer = SAY_NOTHING;
    open_and_tap(f);
    host_wait_state(f->patient, EHD_STATE_DECIDING);
    WAIT(f->patient->owner.asked > 0 && books_are_still(f));
    faults_set(FAULT_WRITE, 1, ENOSPC);
    host_cancel(f->patient->owner.session);
    wait_ends(f);
    g_assert_true(faults_hit());
    WAIT(books_are_still(f));
    g_assert_cmpint(ehd_books_get_trouble(f->clinic->core->books), ==, EHP_OK);
    g_assert_cmpuint(host_count_audit(f->patient, "declined"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->clinic, "failed"), ==, 1);
    host_assert_clean(f->clinic);
    g_log_set_always_fatal(fatal);
}

static void
test_no_file(Fixture *f, gconstpointer data)
{
    f->patient->owner.giving = GIVE_NONE;
    open_and_tap(f);
    wait_ends(f);
    assert_errors(f, EHP_PEER_CANCELLED, EHP_NO_INPUT);
    g_assert_cmpstr(ehd_session_get_info(f->patient->owner.session)->error_detail, ==,
                    "b.json");
}

static void
test_file_changed(Fixture *f, gconstpointer data)
{
    f->patient->owner.giving = SPOIL;
    open_and_tap(f);
    wait_ends(f);
    assert_errors(f, EHP_PEER_CANCELLED, EHP_ITEM_CHANGED);
    g_assert_cmpint(ehp_status_exit(host_error(f->patient)), ==, 65);
}

static void
test_file_grows(Fixture *f, gconstpointer data)
{
    g_autofree char *path = g_build_filename(f->patient->files, "0", NULL);
    int fd;

    open_and_tap(f);
    WAIT(done(f->patient) > 400000);
    fd = open(path, O_WRONLY | O_APPEND);
    g_assert_cmpint(write(fd, "more", 4), ==, 4);
    close(fd);
    wait_ends(f);
    assert_errors(f, EHP_PEER_CANCELLED, EHP_ITEM_CHANGED);
}

static void
test_file_stalls(Fixture *f, gconstpointer data)
{
    f->patient->stall_ms = 100;
    host_restart(f->patient, f->air);
    f->patient->owner.giving = GIVE_LATER;
    open_and_tap(f);
    wait_ends(f);
    assert_errors(f, EHP_PEER_CANCELLED, EHP_ITEM_STALLED);
}

/* ---------------------------------------------------------------- the owners */

static void
test_owner_returns(Fixture *f, gconstpointer data)
{
    EhdSession *session;
    g_autoptr(GError) error = NULL;

    f->patient->owner.giving = GIVE_LATER;
    open_and_tap(f);
    session = f->patient->owner.session;
    host_wait_state(f->patient, EHD_STATE_TRANSFERRING);
    WAIT(f->patient->owner.opened > 0);
    ehd_session_owner_vanished(session);
    g_assert_true(ehd_session_check_items(session, f->patient->items, NULL));
    g_array_set_size(f->patient->items, 1);
    g_assert_false(ehd_session_check_items(session, f->patient->items, &error));
    g_assert_error(error, EHD_ERROR, EHP_ITEM_CHANGED);
    f->patient->owner.giving = GIVE;
    owner_attach(&f->patient->owner, session);
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);
    assert_arrived(f);
}

static void
test_owner_stays_away(Fixture *f, gconstpointer data)
{
    f->patient->owner.giving = GIVE_LATER;
    open_and_tap(f);
    WAIT(f->patient->owner.opened > 0);
    ehd_session_owner_vanished(f->patient->owner.session);
    wait_ends(f);
    assert_errors(f, EHP_DECLINED, EHP_NO_AGENT);
}

/* With detach too: an armed reader that nobody has tapped is given back, and the next one gets
 * it. */
static void
test_owner_leaves_untapped(Fixture *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdReceiveOptions options;

    ehd_receive_options_init(&options);
    options.detach = TRUE;
    host_receive(f->clinic, &options);
    ehd_session_owner_vanished(f->clinic->owner.session);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_NO_AGENT);
    open_and_tap(f);
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);
    assert_arrived(f);
}

/* At the terminal: once received the items wait for whoever comes back. */
static void
test_receiver_returns(Fixture *f, gconstpointer data)
{
    EhdSession *session;

    f->clinic->owner.collects = FALSE;
    open_and_tap(f);
    session = f->clinic->owner.session;
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    ehd_session_owner_vanished(session);
    host_wait_end(f->patient);
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
    f->clinic->owner.collects = TRUE;
    owner_attach(&f->clinic->owner, session);
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);
    assert_arrived(f);
    host_assert_clean(f->clinic);
}

/* ---------------------------------------------------------------- cancelled in every state */

typedef struct {
    const char *name;
    EhdSessionState state;
    gboolean clinic; /* who cancels */
    ehp_status other;
} Cancel;

static const Cancel cancels[] = {
    {"ready", EHD_STATE_READY, FALSE, EHP_OK},
    {"clinic-ready", EHD_STATE_READY, TRUE, EHP_OK},
    {"tapping", EHD_STATE_TAPPING, FALSE, EHP_OK},
    {"clinic-tapping", EHD_STATE_TAPPING, TRUE, EHP_OK},
    {"deciding", EHD_STATE_DECIDING, FALSE, EHP_DECLINED},
    {"clinic-deciding", EHD_STATE_DECIDING, TRUE, EHP_PEER_CANCELLED},
    {"transferring", EHD_STATE_TRANSFERRING, FALSE, EHP_PEER_CANCELLED},
    {"clinic-transferring", EHD_STATE_TRANSFERRING, TRUE, EHP_PEER_CANCELLED},
    {"clinic-confirming", EHD_STATE_CONFIRMING, TRUE, EHP_OK},
};

static void
test_cancel(Fixture *f, gconstpointer data)
{
    const Cancel *row = data;
    Host *one = row->clinic ? f->clinic : f->patient;
    Host *other = row->clinic ? f->patient : f->clinic;

    f->clinic->owner.collects = FALSE;
    if (row->state == EHD_STATE_DECIDING)
        f->patient->owner.answer = SAY_NOTHING;
    if (row->state == EHD_STATE_TRANSFERRING)
        f->patient->owner.giving = GIVE_LATER;
    host_receive(f->clinic, NULL);
    host_send(f->patient, NULL);
    if (row->state != EHD_STATE_READY)
        field_tap(f->clinic->port, f->patient->port, 0);
    host_wait_state(one, row->state);
    if (row->state >= EHD_STATE_DECIDING)
        host_wait_state(other, row->state);
    host_cancel(one->owner.session);
    g_assert_cmpint(host_state(one), ==, EHD_STATE_FAILED);
    g_assert_cmpint(host_error(one), ==, EHP_CANCELLED);
    host_cancel(one->owner.session); /* nothing more happens */
    if (row->state <= EHD_STATE_TAPPING) {
        WAIT(!field_port_is_active(other->port));
        host_cancel(other->owner.session);
    } else {
        host_wait_end(other);
        g_assert_cmpstr(ehp_status_name(host_error(other)), ==, ehp_status_name(row->other));
    }
    host_assert_clean(f->clinic);
    host_assert_clean(f->patient);
}

/* ---------------------------------------------------------------- the daemon */

static void
test_restart_unfiled(Fixture *f, gconstpointer data)
{
    g_autoptr(GPtrArray) list = NULL;
    g_autofree char *id = NULL;
    EhdSession *session;

    f->clinic->owner.collects = FALSE;
    open_and_tap(f);
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
    assert_arrived(f);
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
test_restart_unreadable(Fixture *f, gconstpointer data)
{
    void (*const faults[])(void) = {fail_open, fail_read};
    guint hits = 0;
    GLogLevelFlags fatal;
    g_autofree char *id = NULL;

    f->clinic->owner.collects = FALSE;
    open_and_tap(f);
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
    assert_arrived(f);
    host_wait_clean(f->clinic);
}

/* The daemon of one side, or of both, ends in the middle and starts again. */
static void
test_restart_half(Fixture *f, gconstpointer data)
{
    const char *who = data;
    g_autofree char *clinic = NULL, *patient = NULL;
    guint64 before;

    open_and_tap(f);
    WAIT(done(f->patient) > 400000);
    before = done(f->patient);
    clinic = g_strdup(ehd_session_get_info(f->clinic->owner.session)->id);
    patient = g_strdup(ehd_session_get_info(f->patient->owner.session)->id);
    if (strstr(who, "clinic") != NULL) {
        host_restart(f->clinic, f->air);
        owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, clinic, 1000, NULL));
        g_assert_cmpuint(done(f->clinic), >=, before); /* as much as was acknowledged */
    }
    if (strstr(who, "patient") != NULL) {
        host_restart(f->patient, f->air);
        owner_attach(&f->patient->owner, ehd_core_find(f->patient->core, patient, 1000, NULL));
    }
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);
    assert_arrived(f);
    g_assert_cmpuint(f->clinic->owner.arrived, ==, 1);
    g_assert_cmpuint(f->patient->owner.asked, <=, 1);
    g_assert_cmpuint(host_count_audit(f->clinic, "received"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->patient, "sent"), ==, 1);
    host_wait_clean(f->clinic);
}

/* The clinic's daemon ends before the patient has the receipt, waiting to be filed or filed
 * already: it is delivered after the start, the same bytes, with the word of what became of the
 * items. */
static void
test_restart_unreceipted(Fixture *f, gconstpointer data)
{
    gboolean filed = data != NULL;
    g_autofree char *id = NULL;
    g_autoptr(GBytes) made = NULL, got = NULL;

    f->clinic->owner.collects = f->clinic->owner.files = filed;
    open_and_tap(f);
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
};

/* How long the daemon was away, and whether the machine was restarted meanwhile: within the
 * time it goes on, after it, or with a clock that went back, it ends by name and leaves
 * nothing. */
static void
test_restart_away(Fixture *f, gconstpointer data)
{
    const Away *row = data;
    g_autofree char *id = NULL;

    later = uptime = 0;
    f->clinic->now = clock_now;
    f->clinic->boottime = clock_uptime;
    host_restart(f->clinic, f->air);
    open_and_tap(f);
    WAIT(done(f->patient) > 400000);
    id = g_strdup(ehd_session_get_info(f->clinic->owner.session)->id);
    later = row->later;
    uptime = row->uptime;
    host_restart(f->clinic, f->air);
    owner_attach(&f->clinic->owner, ehd_core_find(f->clinic->core, id, 1000, NULL));
    if (row->why == EHP_OK) {
        wait_ends(f);
        assert_errors(f, EHP_OK, EHP_OK);
        assert_arrived(f);
        return;
    }
    g_assert_cmpstr(ehp_status_name(host_error(f->clinic)), ==, ehp_status_name(row->why));
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_FAILED);
    host_assert_clean(f->clinic);
    g_assert_cmpuint(host_count_audit(f->clinic, "failed"), ==, 1);
}

/* A stop is as a crash: the next start goes on. */
static void
test_stop(Fixture *f, gconstpointer data)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autofree char *id = NULL;

    f->patient->owner.answer = SAY_NOTHING;
    open_and_tap(f);
    host_wait_state(f->patient, EHD_STATE_DECIDING);
    /* what is not on the disk yet is not left, but ended */
    WAIT(f->patient->owner.session->kept);
    id = g_strdup(ehd_session_get_info(f->patient->owner.session)->id);
    ehd_core_stop_async(f->patient->core, on_stopped, &result);
    WAIT(result != NULL);
    g_assert_true(ehd_core_stop_finish(f->patient->core, result, NULL));
    g_assert_cmpint(f->patient->owner.void_reason, ==, EHD_VOID_DAEMON_STOPS);
    host_wait_state(f->clinic, EHD_STATE_SUSPENDED);
    host_restart(f->patient, f->air);
    f->patient->owner.answer = AGREE;
    owner_attach(&f->patient->owner, ehd_core_find(f->patient->core, id, 1000, NULL));
    wait_ends(f);
    assert_errors(f, EHP_OK, EHP_OK);
    assert_arrived(f);
}

/* Told to stop before the reader is ready: whoever waits for that is answered. */
static void
test_stop_while_opening(Fixture *f, gconstpointer data)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(1000, EHD_ACTION_SEND);
    g_autoptr(GAsyncResult) opened = NULL;
    g_autoptr(GAsyncResult) stopped = NULL;
    g_autoptr(GError) error = NULL;
    EhdSendOptions options;

    ehd_send_options_init(&options);
    options.items = f->patient->items;
    ehd_core_send_async(f->patient->core, grant, &options, on_stopped, &opened);
    ehd_core_stop_async(f->patient->core, on_stopped, &stopped);
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
#define ADD(path, data, func) g_test_add(path, Fixture, data, set_up, func, tear_down)
    ADD("/core/fault/link-back", NULL, test_link_back);
    ADD("/core/fault/link-back-after-filing", NULL, test_link_back_after_filing);
    ADD("/core/fault/gone-while-ending", NULL, test_gone_while_ending);
    ADD("/core/fault/link-down", NULL, test_link_down);
    ADD("/core/fault/link-late", NULL, test_link_late);
    ADD("/core/fault/never-linked", NULL, test_never_linked);
    ADD("/core/fault/strangers", NULL, test_strangers);
    ADD("/core/fault/no-space", NULL, test_no_space);
    for (gsize i = 0; i < G_N_ELEMENTS(media); i++) {
        g_autofree char *path = g_strconcat("/core/fault/medium/", media[i].name, NULL);
        ADD(path, &media[i], test_medium);
    }
    ADD("/core/fault/no-room", NULL, test_no_room);
    ADD("/core/fault/books-wait", NULL, test_books_wait);
    ADD("/core/fault/no-file", NULL, test_no_file);
    ADD("/core/fault/file-changed", NULL, test_file_changed);
    ADD("/core/fault/file-grows", NULL, test_file_grows);
    ADD("/core/fault/file-stalls", NULL, test_file_stalls);
    ADD("/core/fault/owner-returns", NULL, test_owner_returns);
    ADD("/core/fault/owner-stays-away", NULL, test_owner_stays_away);
    ADD("/core/fault/owner-leaves-untapped", NULL, test_owner_leaves_untapped);
    ADD("/core/fault/receiver-returns", NULL, test_receiver_returns);
    for (gsize i = 0; i < G_N_ELEMENTS(cancels); i++) {
        g_autofree char *path = g_strconcat("/core/fault/cancel/", cancels[i].name, NULL);
        ADD(path, &cancels[i], test_cancel);
    }
    ADD("/core/fault/restart-unfiled", NULL, test_restart_unfiled);
    ADD("/core/fault/restart-unreadable", NULL, test_restart_unreadable);
    ADD("/core/fault/restart/clinic", "clinic", test_restart_half);
    ADD("/core/fault/restart/patient", "patient", test_restart_half);
    ADD("/core/fault/restart/both", "clinic patient", test_restart_half);
    ADD("/core/fault/restart/unreceipted", NULL, test_restart_unreceipted);
    ADD("/core/fault/restart/unreceipted-filed", "filed", test_restart_unreceipted);
    for (guint i = 0; i < G_N_ELEMENTS(aways); i++) {
        g_autofree char *path = g_strconcat("/core/fault/restart/away-", aways[i].name, NULL);
        ADD(path, &aways[i], test_restart_away);
    }
    ADD("/core/fault/stop", NULL, test_stop);
    ADD("/core/fault/stop-while-opening", NULL, test_stop_while_opening);
    return g_test_run();
}
