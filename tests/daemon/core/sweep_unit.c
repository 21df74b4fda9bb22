/* SPDX-License-Identifier: Apache-2.0
 *
 * Each call that a daemon makes into the system during a small transfer fails once, or from
 * then on: the first such call, the second, and so on, on two hosts that live through all of
 * it. Each transfer ends in a named error or well, with nothing half there, and once the fault
 * is gone the next one passes.
 */
#include <errno.h>
#include <string.h>

#include "tests/daemon/core/sweep.h"

static const SweepRow rows[] = {
    {"clinic/open/no-descriptors", CLINIC, FAULTS_OPEN, SWEEP_STATE, EMFILE, FALSE},
    {"clinic/open/no-descriptors-left", CLINIC, FAULTS_OPEN, SWEEP_STATE, EMFILE, TRUE},
    {"clinic/open/unwritable", CLINIC, FAULTS_OPEN, SWEEP_STATE, EACCES, TRUE},
    {"clinic/read/broken", CLINIC, FAULTS_READ, SWEEP_STATE, EIO, FALSE},
    {"clinic/read/interrupted", CLINIC, FAULTS_READ, SWEEP_STATE, EINTR, FALSE},
    {"clinic/read/short", CLINIC, FAULTS_READ, SWEEP_STATE, FAULTS_SHORT, TRUE},
    {"clinic/write/full", CLINIC, FAULTS_WRITE, SWEEP_STATE, ENOSPC, FALSE},
    {"clinic/write/stays-full", CLINIC, FAULTS_WRITE, SWEEP_STATE, ENOSPC, TRUE},
    {"clinic/write/broken", CLINIC, FAULTS_WRITE, SWEEP_STATE, EIO, FALSE},
    {"clinic/write/read-only", CLINIC, FAULTS_WRITE, SWEEP_STATE, EROFS, TRUE},
    {"clinic/write/interrupted", CLINIC, FAULTS_WRITE, SWEEP_STATE, EINTR, FALSE},
    {"clinic/write/short", CLINIC, FAULTS_WRITE, SWEEP_STATE, FAULTS_SHORT, FALSE},
    {"clinic/sync/broken", CLINIC, FAULTS_SYNC, SWEEP_STATE, EIO, FALSE},
    {"clinic/sync/stays-full", CLINIC, FAULTS_SYNC, SWEEP_STATE, ENOSPC, TRUE},
    {"clinic/rename/broken", CLINIC, FAULTS_RENAME, SWEEP_STATE, EIO, FALSE},
    {"clinic/rename/stays-full", CLINIC, FAULTS_RENAME, SWEEP_STATE, ENOSPC, TRUE},
    {"clinic/unlink/broken", CLINIC, FAULTS_UNLINK, SWEEP_STATE, EIO, FALSE},
    {"clinic/mkdir/unwritable", CLINIC, FAULTS_MKDIR, SWEEP_STATE, EACCES, FALSE},
    {"clinic/mkdir/full", CLINIC, FAULTS_MKDIR, SWEEP_STATE, ENOSPC, FALSE},
    {"clinic/size/full", CLINIC, FAULTS_SIZE, SWEEP_STATE, ENOSPC, FALSE},
    {"clinic/size/broken", CLINIC, FAULTS_SIZE, SWEEP_STATE, EIO, FALSE},
    {"clinic/stat/broken", CLINIC, FAULTS_STAT, SWEEP_STATE, EIO, FALSE},
    {"clinic/room/broken", CLINIC, FAULTS_ROOM, SWEEP_STATE, EIO, FALSE},
    {"clinic/room/none", CLINIC, FAULTS_ROOM, SWEEP_STATE, FAULTS_SHORT, FALSE},
    {"patient/open/no-descriptors", PATIENT, FAULTS_OPEN, SWEEP_STATE, EMFILE, FALSE},
    {"patient/open/no-descriptors-left", PATIENT, FAULTS_OPEN, SWEEP_STATE, EMFILE, TRUE},
    {"patient/read/broken", PATIENT, FAULTS_READ, SWEEP_STATE, EIO, FALSE},
    {"patient/read/file-broken", PATIENT, FAULTS_READ, SWEEP_FILES, EIO, FALSE},
    {"patient/read/file-interrupted", PATIENT, FAULTS_READ, SWEEP_FILES, EINTR, FALSE},
    {"patient/read/file-short", PATIENT, FAULTS_READ, SWEEP_FILES, FAULTS_SHORT, FALSE},
    {"patient/stat/file-broken", PATIENT, FAULTS_STAT, SWEEP_FILES, EIO, FALSE},
    {"patient/write/full", PATIENT, FAULTS_WRITE, SWEEP_STATE, ENOSPC, FALSE},
    {"patient/write/stays-full", PATIENT, FAULTS_WRITE, SWEEP_STATE, ENOSPC, TRUE},
    {"patient/write/broken", PATIENT, FAULTS_WRITE, SWEEP_STATE, EIO, FALSE},
    {"patient/write/interrupted", PATIENT, FAULTS_WRITE, SWEEP_STATE, EINTR, FALSE},
    {"patient/write/short", PATIENT, FAULTS_WRITE, SWEEP_STATE, FAULTS_SHORT, FALSE},
    {"patient/sync/broken", PATIENT, FAULTS_SYNC, SWEEP_STATE, EIO, FALSE},
    {"patient/sync/stays-broken", PATIENT, FAULTS_SYNC, SWEEP_STATE, EIO, TRUE},
    {"patient/rename/broken", PATIENT, FAULTS_RENAME, SWEEP_STATE, EIO, FALSE},
    {"patient/unlink/broken", PATIENT, FAULTS_UNLINK, SWEEP_STATE, EIO, FALSE},
    {"patient/room/none", PATIENT, FAULTS_ROOM, SWEEP_STATE, FAULTS_SHORT, FALSE},
    {"both/send/interrupted", BOTH, FAULTS_SEND, NULL, EINTR, FALSE},
    {"both/send/short", BOTH, FAULTS_SEND, NULL, FAULTS_SHORT, FALSE},
    {"both/send/reset", BOTH, FAULTS_SEND, NULL, ECONNRESET, FALSE},
    {"both/receive/interrupted", BOTH, FAULTS_RECEIVE, NULL, EINTR, FALSE},
    {"both/receive/short", BOTH, FAULTS_RECEIVE, NULL, FAULTS_SHORT, FALSE},
    {"both/receive/reset", BOTH, FAULTS_RECEIVE, NULL, ECONNRESET, FALSE},
    {"both/connect/no-descriptors", BOTH, FAULTS_CONNECT, NULL, EMFILE, FALSE},
    {"both/connect/interrupted", BOTH, FAULTS_CONNECT, NULL, EINTR, FALSE},
    {"both/connect/refused", BOTH, FAULTS_CONNECT, NULL, ECONNREFUSED, FALSE},
};

/* The fault is gone: who stumbled collects again, who could not tap taps again, who is alone
 * cancels. */
static void
finish(Sweep *f)
{
    if (sweep_is_in(f->clinic, "ready") && *f->patient->owner.states->str == '\0') {
        host_cancel(f->clinic->owner.session);
        return;
    }
    if (sweep_wants_a_tap(f))
        field_tap(f->clinic->port, f->patient->port, 0);
    WAIT(sweep_rests(f->clinic));
    if (!sweep_is_over(f->clinic)) {
        f->clinic->owner.stumbled = f->clinic->owner.filing = EHP_OK;
        owner_collect_again(&f->clinic->owner);
    }
    WAIT(sweep_is_over(f->clinic) && sweep_is_over(f->patient));
}

/* A sender is done only if the receiver is, a receiver only if it has everything; and nothing
 * is half there. */
static void
judge(Sweep *f)
{
    Host *hosts[2] = {f->clinic, f->patient};
    gboolean both = TRUE, good = TRUE;

    for (guint i = 0; i < 2; i++)
        both = both && *hosts[i]->owner.states->str != '\0';
    for (guint i = 0; i < 2 && both; i++) {
        good = good && hosts[i]->owner.error == EHP_OK;
        if (hosts[i]->owner.error != EHP_OK)
            sweep_count_error(hosts[i]->owner.error);
    }
    if (both && f->patient->owner.error == EHP_OK)
        g_assert_cmpstr(ehp_status_name(f->clinic->owner.error), ==, ehp_status_name(EHP_OK));
    if (both && f->clinic->owner.error == EHP_OK)
        sweep_assert_arrived(f);
    sweep_assert_clean(f->clinic);
    sweep_assert_clean(f->patient);
    sweep_count(both && good);
}

static gboolean
try_point(Sweep *f, const SweepRow *row, const char *pattern, int at)
{
    sweep_begin(f, row, pattern, at);
    sweep_open_and_tap(f);
    if (!sweep_end(f)) {
        finish(f);
        return FALSE;
    }
    finish(f);
    judge(f);
    sweep_assert_next_passes(f);
    return TRUE;
}

int
main(int argc, char **argv)
{
    return sweep_main(argc, argv, "/core/sweep/", rows, G_N_ELEMENTS(rows), try_point);
}
