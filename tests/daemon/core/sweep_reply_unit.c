/* SPDX-License-Identifier: Apache-2.0
 *
 * Each call that a daemon makes into the system while the clinic sends something back fails
 * once, or from then on. It came whole, once and with a receipt, or it failed by name; what was
 * received before is filed either way, nothing is left half there, and once the fault is gone
 * the next transfer passes.
 */
#include <errno.h>

#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "tests/daemon/core/sweep.h"

static const SweepRow rows[] = {
    {"clinic/open/no-descriptors", CLINIC, FAULTS_OPEN, SWEEP_STATE, EMFILE, FALSE},
    {"clinic/write/full", CLINIC, FAULTS_WRITE, SWEEP_STATE, ENOSPC, FALSE},
    {"clinic/write/stays-full", CLINIC, FAULTS_WRITE, SWEEP_STATE, ENOSPC, TRUE},
    {"clinic/write/short", CLINIC, FAULTS_WRITE, SWEEP_STATE, FAULTS_SHORT, FALSE},
    {"clinic/sync/broken", CLINIC, FAULTS_SYNC, SWEEP_STATE, EIO, FALSE},
    {"clinic/rename/broken", CLINIC, FAULTS_RENAME, SWEEP_STATE, EIO, FALSE},
    {"clinic/read/file-broken", CLINIC, FAULTS_READ, SWEEP_FILES, EIO, FALSE},
    {"clinic/read/file-short", CLINIC, FAULTS_READ, SWEEP_FILES, FAULTS_SHORT, FALSE},
    {"clinic/stat/file-broken", CLINIC, FAULTS_STAT, SWEEP_FILES, EIO, FALSE},
    {"patient/open/no-descriptors", PATIENT, FAULTS_OPEN, SWEEP_STATE, EMFILE, FALSE},
    {"patient/open/unwritable", PATIENT, FAULTS_OPEN, SWEEP_STATE, EACCES, TRUE},
    {"patient/write/full", PATIENT, FAULTS_WRITE, SWEEP_STATE, ENOSPC, FALSE},
    {"patient/write/stays-full", PATIENT, FAULTS_WRITE, SWEEP_STATE, ENOSPC, TRUE},
    {"patient/write/interrupted", PATIENT, FAULTS_WRITE, SWEEP_STATE, EINTR, FALSE},
    {"patient/write/short", PATIENT, FAULTS_WRITE, SWEEP_STATE, FAULTS_SHORT, FALSE},
    {"patient/sync/broken", PATIENT, FAULTS_SYNC, SWEEP_STATE, EIO, FALSE},
    {"patient/sync/stays-broken", PATIENT, FAULTS_SYNC, SWEEP_STATE, EIO, TRUE},
    {"patient/rename/broken", PATIENT, FAULTS_RENAME, SWEEP_STATE, EIO, FALSE},
    {"patient/unlink/broken", PATIENT, FAULTS_UNLINK, SWEEP_STATE, EIO, FALSE},
    {"patient/mkdir/full", PATIENT, FAULTS_MKDIR, SWEEP_STATE, ENOSPC, FALSE},
    {"patient/size/full", PATIENT, FAULTS_SIZE, SWEEP_STATE, ENOSPC, FALSE},
    {"patient/stat/broken", PATIENT, FAULTS_STAT, SWEEP_STATE, EIO, FALSE},
    {"patient/room/none", PATIENT, FAULTS_ROOM, SWEEP_STATE, FAULTS_SHORT, FALSE},
};

typedef struct {
    GAsyncResult *replied; /* owned */
    guint sent, received;  /* lines in the books before */
} Point;

static const EhdSessionInfo *
info_of(Host *host)
{
    return ehd_session_get_info(host->owner.session);
}

/* A program that does not get what came has a second for it. */
static void
prepare(Sweep *f)
{
    if (f->clinic->items->len > 0)
        return;
    host_add_item(f->clinic, "prescription.json", SWEEP_SMALL, 0);
    host_add_item(f->clinic, "report.pdf", SWEEP_BIG, 0);
    f->patient->stall_ms = 1000;
    host_restart(f->patient, f->air);
}

/* Everything until the clinic may send something back, without a fault. */
static void
open_both(Sweep *f)
{
    EhdSendOptions send;

    ehd_send_options_init(&send);
    send.replies = TRUE;
    send.linger = 600;
    sweep_new_owner(f->clinic);
    sweep_new_owner(f->patient);
    f->clinic->owner.files = FALSE;
    host_receive(f->clinic, NULL);
    host_send(f->patient, &send);
    field_tap(f->clinic->port, f->patient->port, 0);
    WAIT(info_of(f->clinic)->may_ask && f->clinic->owner.collected == 2);
}

static gboolean
is_settled(Sweep *f, const Point *point)
{
    EhdSession *session = f->clinic->owner.session;

    return point->replied != NULL && session->complete;
}

static void
reply(Sweep *f, Point *point)
{
    g_autoptr(GError) error = NULL;

    ehd_session_reply_async(f->clinic->owner.session, f->clinic->items, host_on_result,
                            &point->replied);
    WAIT(is_settled(f, point));
    if (!ehd_session_reply_finish(f->clinic->owner.session, point->replied, &error))
        sweep_count_error(ehd_error_status(error));
}

/* The fault is gone: what was received before is filed. */
static void
finish(Sweep *f)
{
    g_assert_true(sweep_is_in(f->clinic, "confirming"));
    f->clinic->owner.stumbled = f->clinic->owner.filing = EHP_OK;
    owner_collect_again(&f->clinic->owner);
    WAIT(sweep_is_over(f->clinic) && sweep_is_over(f->patient));
}

static void
assert_came(Sweep *f)
{
    GPtrArray *got = f->patient->owner.replies;
    const gsize sizes[2] = {SWEEP_SMALL, SWEEP_BIG};

    g_assert_cmpuint(got->len, ==, 2);
    for (guint i = 0; i < 2; i++) {
        g_autoptr(GBytes) expected = host_item_bytes(i, sizes[i]);
        g_assert_true(g_bytes_equal(got->pdata[0], expected) !=
                      g_bytes_equal(got->pdata[1], expected));
    }
}

/* Once the next transfer has written a line: one that could not be synced stands behind the
 * chain until then. */
static void
assert_books(Sweep *f, const Point *point, gboolean complete)
{
    guint sent = host_count_audit(f->clinic, "sent") - point->sent;
    guint received = host_count_audit(f->patient, "received") - point->received;

    g_assert_cmpuint(sent, <=, received);
    g_assert_cmpuint(received, <=, 1);
    if (complete)
        g_assert_cmpuint(sent, ==, 1);
}

/* Whoever sent it is done only if it came. */
static void
judge(Sweep *f, gboolean complete)
{
    Host *hosts[2] = {f->clinic, f->patient};

    for (guint i = 0; i < 2; i++)
        if (hosts[i]->owner.error != EHP_OK)
            sweep_count_error(hosts[i]->owner.error);
    g_assert_cmpstr(ehp_status_name(f->clinic->owner.error), ==, ehp_status_name(EHP_OK));
    if (complete)
        assert_came(f);
    sweep_assert_clean(f->clinic);
    sweep_assert_clean(f->patient);
    sweep_count(complete);
}

static gboolean
try_point(Sweep *f, const SweepRow *row, const char *pattern, int at)
{
    Point point = {NULL, 0, 0};
    gboolean hit, complete;

    prepare(f);
    open_both(f);
    point.sent = host_count_audit(f->clinic, "sent");
    point.received = host_count_audit(f->patient, "received");
    sweep_begin(f, row, pattern, at);
    reply(f, &point);
    hit = sweep_end(f);
    complete =
        info_of(f->clinic)->reply == EHD_TRANSFER_COMPLETE && info_of(f->clinic)->has_reply;
    finish(f);
    if (hit) {
        judge(f, complete);
        sweep_assert_next_passes(f);
        assert_books(f, &point, complete);
    }
    g_clear_object(&point.replied);
    return hit;
}

int
main(int argc, char **argv)
{
    return sweep_main(argc, argv, "/core/sweep-reply/", rows, G_N_ELEMENTS(rows), try_point);
}
