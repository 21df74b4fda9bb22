/* SPDX-License-Identifier: Apache-2.0
 *
 * What goes wrong after the tap with the disk, and with the sender's files: told by name on
 * both sides, and nothing partial stays.
 */
#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <string.h>
#include <unistd.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/doctor.h"
#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "tests/daemon/core/pair.h"
#include "tests/daemon/store/faults.h"

static void
test_no_space(Pair *f, gconstpointer data)
{
    f->clinic->config->spool_quota = 2000000;
    pair_open_and_tap(f);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_NO_SPACE, EHP_PEER_CANNOT_STORE);
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
test_medium(Pair *f, gconstpointer data)
{
    const Medium *row = data;

    pair_open_and_tap(f);
    WAIT(pair_done(f->patient) > 0);
    /* the patient's marks are on another disk; in this process the fault would be theirs too */
    f->patient->owner.session->kept = FALSE;
    WAIT(!f->patient->owner.session->marking);
    WAIT(pair_done(f->patient) >
         400000); /* last, so that much of the item is still to be written */
    faults_set(row->fault, 1, row->error);
    pair_wait_ends(f);
    g_assert_true(faults_hit());
    faults_clear();
    pair_assert_errors(f, row->why, EHP_PEER_CANNOT_STORE);
    g_assert_cmpint(ehp_status_exit(host_error(f->clinic)), ==, 73);
    g_assert_cmpuint(f->clinic->owner.arrived, ==, 0);
}

static EhdFinding *
find_room(Host *host)
{
    g_autoptr(GAsyncResult) result = NULL;
    g_autoptr(GPtrArray) findings = NULL;

    ehd_doctor_async(host->core, host_on_result, &result);
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
test_no_room(Pair *f, gconstpointer data)
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
    pair_open_and_tap(f);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);

    config->audit_quota = ehd_audit_used(f->clinic->audit) * 100 / 95;
    finding = find_room(f->clinic);
    g_assert_nonnull(finding);
    g_assert_cmpint(finding->level, ==, EHD_LEVEL_WARNING);
    ehd_finding_free(finding);
    g_log_set_always_fatal(fatal);
}

static gboolean
books_are_still(Pair *f)
{
    return ehd_books_get_pending(f->clinic->core->books) == 0 &&
           ehd_books_get_pending(f->patient->core->books) == 0;
}

/* The last line of a session that could not be written is written when it can, and only then
 * the ledger forgets. */
static void
test_books_wait(Pair *f, gconstpointer data)
{
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK); /* it warns */
    f->patient->owner.answer = SAY_NOTHING;
    pair_open_and_tap(f);
    host_wait_state(f->patient, EHD_STATE_DECIDING);
    WAIT(f->patient->owner.asked > 0 && books_are_still(f));
    faults_set(FAULT_WRITE, 1, ENOSPC);
    host_cancel(f->patient->owner.session);
    pair_wait_ends(f);
    g_assert_true(faults_hit());
    WAIT(books_are_still(f));
    g_assert_cmpint(ehd_books_get_trouble(f->clinic->core->books), ==, EHP_OK);
    g_assert_cmpuint(host_count_audit(f->patient, "declined"), ==, 1);
    g_assert_cmpuint(host_count_audit(f->clinic, "failed"), ==, 1);
    host_assert_clean(f->clinic);
    g_log_set_always_fatal(fatal);
}

static void
on_page(ehp_status status, gpointer user_data)
{
    *(ehp_status *)user_data = status;
}

/* The service ends while a line that is tried again waits behind others for its turn. */
static void
test_books_end(Pair *f, gconstpointer data)
{
    Host *host = f->patient;
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK); /* it warns */
    EhdBooks *books;
    EhdPage page = {.session = "s1",
                    .audited = TRUE,
                    .audit = EHD_AUDIT_DECLINED,
                    .entry = EHD_AUDIT_ENTRY_INIT,
                    .now = HOST_NOW,
                    .kept = TRUE};
    EhdMarks marks = {
        .roots = (const guint8 *)"", .mark = (const guint8 *)"m", .mark_length = 1};
    ehp_status status = EHP_OK;

    page.entry.role = "patient";
    /* the core's own write to the same log, from another lane */
    WAIT(ehd_books_get_pending(host->core->books) == 0);
    books = ehd_books_new(host->state, host->ledger, host->audit);
    faults_set(FAULT_WRITE, 1, ENOSPC);
    ehd_books_write(books, &page, on_page, &status);
    WAIT(status != EHP_OK);
    faults_clear();
    for (guint i = 0; i < 200; i++)
        ehd_books_write_marks(books, "s2", &marks, NULL, NULL);
    ehd_books_retry(books);
    ehd_books_free(books);
    g_assert_cmpuint(host_count_audit(host, "declined"), ==, 1);
    g_log_set_always_fatal(fatal);
}

static void
test_no_file(Pair *f, gconstpointer data)
{
    f->patient->owner.giving = GIVE_NONE;
    pair_open_and_tap(f);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_PEER_CANCELLED, EHP_NO_INPUT);
    g_assert_cmpstr(ehd_session_get_info(f->patient->owner.session)->error_detail, ==,
                    "b.json");
}

static void
test_file_changed(Pair *f, gconstpointer data)
{
    f->patient->owner.giving = SPOIL;
    pair_open_and_tap(f);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_PEER_CANCELLED, EHP_ITEM_CHANGED);
    g_assert_cmpint(ehp_status_exit(host_error(f->patient)), ==, 65);
}

static void
test_file_grows(Pair *f, gconstpointer data)
{
    g_autofree char *path = g_build_filename(f->patient->files, "0", NULL);
    int fd;

    pair_open_and_tap(f);
    WAIT(pair_done(f->patient) > 400000);
    fd = open(path, O_WRONLY | O_APPEND);
    g_assert_cmpint(write(fd, "more", 4), ==, 4);
    close(fd);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_PEER_CANCELLED, EHP_ITEM_CHANGED);
}

static void
test_file_stalls(Pair *f, gconstpointer data)
{
    f->patient->stall_ms = 100;
    host_restart(f->patient, f->air);
    f->patient->owner.giving = GIVE_LATER;
    pair_open_and_tap(f);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_PEER_CANCELLED, EHP_ITEM_STALLED);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Pair, data, pair_set_up, func, pair_tear_down)
    ADD("/core/disk/no-space", NULL, test_no_space);
    for (gsize i = 0; i < G_N_ELEMENTS(media); i++) {
        g_autofree char *path = g_strconcat("/core/disk/medium/", media[i].name, NULL);
        ADD(path, &media[i], test_medium);
    }
    ADD("/core/disk/no-room", NULL, test_no_room);
    ADD("/core/disk/books-wait", NULL, test_books_wait);
    ADD("/core/disk/books-end", NULL, test_books_end);
    ADD("/core/disk/no-file", NULL, test_no_file);
    ADD("/core/disk/file-changed", NULL, test_file_changed);
    ADD("/core/disk/file-grows", NULL, test_file_grows);
    ADD("/core/disk/file-stalls", NULL, test_file_stalls);
    return g_test_run();
}
