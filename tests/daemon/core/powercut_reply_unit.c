/* SPDX-License-Identifier: Apache-2.0
 *
 * A power cut after every single thing that either daemon does to its disk while the clinic
 * sends something back (powercut.h): it is there to go on with from its offer on, what was
 * acknowledged is there, with the word of who vouches for it; nothing is done before it is
 * durable, and what was received before stays.
 */
#include <sodium.h>

#include "daemon/core/session-priv.h"
#include "proto/origin.h"
#include "tests/daemon/core/pair.h"
#include "tests/daemon/core/powercut.h"
#include "tests/daemon/store/scratch.h"

#define BIG   700000
#define SMALL 9000

/* In a mark: how much the clinic knows to be durable, and what has been reached. */
#define OFFERED (G_GUINT64_CONSTANT(1) << 40) /* clinic: Reply was answered */
#define SENT    (G_GUINT64_CONSTANT(1) << 41) /* clinic: it has the patient's receipt */
#define OVER    (G_GUINT64_CONSTANT(1) << 42) /* it is being filed, or was */
#define DONE(m) ((m)&0xffffffffff)

static guint64
mark_of(Pair *f, gboolean offered, gboolean over)
{
    const EhdSessionInfo *info = pair_info(f->clinic);
    guint64 mark = offered ? info->reply_done : 0;

    if (offered)
        mark |= OFFERED;
    if (offered && info->reply == EHD_TRANSFER_COMPLETE)
        mark |= SENT;
    return over ? mark | OVER : mark;
}

static void
set_up(Pair *f, gconstpointer data)
{
    pair_set_up(f, data);
    host_add_item(f->clinic, "small.json", SMALL, 0);
    host_add_item(f->clinic, "big.bin", BIG, 0);
}

static void
reply_and_file(Pair *f)
{
    g_autoptr(GAsyncResult) replied = NULL;
    g_autoptr(GAsyncResult) filed = NULL;
    EhdSession *session = f->clinic->owner.session;
    GError *error = NULL;

    tape_mark(0);
    ehd_session_reply_async(session, f->clinic->items, host_on_result, &replied);
    while (!(replied != NULL && pair_info(f->clinic)->reply == EHD_TRANSFER_COMPLETE &&
             pair_info(f->clinic)->may_ask)) {
        g_main_context_iteration(NULL, TRUE);
        tape_mark(mark_of(f, replied != NULL, FALSE));
    }
    g_assert_true(ehd_session_reply_finish(session, replied, &error));
    tape_mark(mark_of(f, TRUE, TRUE));
    ehd_session_file_async(session, host_on_result, &filed);
    WAIT(filed != NULL);
    g_assert_true(ehd_session_file_finish(session, filed, &error));
    g_assert_no_error(error);
    pair_wait_ends(f);
}

/* What is whole in the patient's spool is what was sent. */
static void
check_stored(Host *probe, EhdSession *session)
{
    const EhdReply *reply = &session->reply;

    for (guint i = 0; i < reply->states->len; i++) {
        g_autoptr(GBytes) expected = host_item_bytes(i, i == 0 ? SMALL : BIG);

        if (reply->states->data[i] == EHD_ITEM_STORED)
            powercut_assert_item(probe, session, i, expected);
    }
}

static void
check_complete(EhdSession *session)
{
    g_autoptr(GBytes) receipt = ehd_session_get_receipt(session, 1, NULL);

    g_assert_nonnull(receipt);
    if (session->role == EHD_PATIENT && session->engine != NULL) {
        g_autoptr(GBytes) proof = ehd_session_get_origin(session, 1, NULL);
        g_assert_nonnull(proof);
    }
}

static guint
count_receipts(Host *probe)
{
    g_autoptr(GPtrArray) receipts = ehd_receipts_list(probe->state, NULL);

    g_assert_cmpuint(receipts->len, <=, 2);
    return receipts->len;
}

static void
check_patient(Host *probe, guint64 mark)
{
    EhdSession *session = powercut_session(probe);
    const EhdSessionInfo *info = session != NULL ? ehd_session_get_info(session) : NULL;

    g_assert_cmpuint(count_receipts(probe), >=, (mark & SENT) != 0 ? 2 : 1);
    g_assert_true(info == NULL || info->state != EHD_STATE_FAILED);
    if (info == NULL) {
        g_assert_true((mark & OVER) != 0);
        return;
    }
    check_stored(probe, session);
    if (mark & OVER)
        return;
    if (DONE(mark) > 0)
        g_assert_true(info->has_reply);
    if (info->has_reply && info->reply == EHD_TRANSFER_COMPLETE)
        check_complete(session);
    else if (info->has_reply)
        g_assert_cmpint(info->reply, ==, EHD_TRANSFER_SUSPENDED);
    if (info->has_reply && info->reply == EHD_TRANSFER_SUSPENDED)
        g_assert_cmpuint(info->reply_done, >=, DONE(mark));
}

static void
check_clinic(Host *probe, guint64 mark)
{
    EhdSession *session = powercut_session(probe);
    const EhdSessionInfo *info = session != NULL ? ehd_session_get_info(session) : NULL;

    g_assert_cmpuint(count_receipts(probe), >=, (mark & SENT) != 0 ? 2 : 1);
    if (mark & OVER)
        return;
    g_assert_nonnull(info);
    g_assert_cmpint(info->state, ==, EHD_STATE_CONFIRMING);
    g_assert_cmpuint(info->items, ==, 2);
    if (mark & OFFERED)
        g_assert_true(info->has_reply);
    if (mark & SENT)
        g_assert_cmpint(info->reply, ==, EHD_TRANSFER_COMPLETE);
    if (info->has_reply && info->reply == EHD_TRANSFER_COMPLETE)
        check_complete(session);
    else if (info->has_reply)
        g_assert_cmpint(info->reply, ==, EHD_TRANSFER_SUSPENDED);
}

static void
test_powercut(Pair *f, gconstpointer data)
{
    Host *host = data != NULL ? f->clinic : f->patient;
    g_autofree char *root = g_build_filename(host->dir, "state", NULL);
    g_autoptr(GPtrArray) ops = NULL;
    TapeDisk *disk;
    guint points;

    pair_open_for_reply(f, FALSE);
    tape_start(root);
    reply_and_file(f);
    host_wait_clean(f->clinic);
    ops = tape_stop();
    disk = tape_disk_new();
    points = powercut_everywhere(ops, disk, data != NULL ? check_clinic : check_patient);
    tape_disk_free(disk);
    g_test_message("power cut at %u points of %u calls: all recovered", points, ops->len);
    g_assert_cmpuint(points, >, 10);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add("/core/powercut-reply/clinic", Pair, "clinic", set_up, test_powercut,
               pair_tear_down);
    g_test_add("/core/powercut-reply/patient", Pair, NULL, set_up, test_powercut,
               pair_tear_down);
    return g_test_run();
}
