/* SPDX-License-Identifier: Apache-2.0
 *
 * A power cut after every single thing that the daemon does to its disk, in a whole receive and
 * a whole send (powercut.h). Nothing is done before it is durable, nothing is in sight that is
 * not whole, and what was acknowledged is there.
 */
#include <sodium.h>

#include "daemon/core/session-priv.h"
#include "tests/daemon/core/powercut.h"
#include "tests/daemon/store/scratch.h"

#define BIG   700000
#define SMALL 9000

/* In a mark: how much the patient knows to be durable, and what has been reached. */
#define RECEIVED                                                                               \
    (G_GUINT64_CONSTANT(1) << 40) /* clinic: the receipt is made, nothing collected */
#define GRANTED (G_GUINT64_CONSTANT(1) << 41) /* patient: the transfer has begun */
#define SENT    (G_GUINT64_CONSTANT(1) << 42) /* patient: the receipt is there */
#define TAKEN   (G_GUINT64_CONSTANT(1) << 43) /* clinic: items are collected */
#define DONE(m) ((m)&0xffffffffff)

static guint64
mark_of(Host *clinic, Host *patient)
{
    const EhdSessionInfo *c = ehd_session_get_info(clinic->owner.session);
    const EhdSessionInfo *p = ehd_session_get_info(patient->owner.session);
    guint64 mark = p->done;

    if (c->state == EHD_STATE_CONFIRMING && clinic->owner.arrived > 0)
        mark |= clinic->owner.collected > 0 ? TAKEN : RECEIVED;
    if (c->state > EHD_STATE_CONFIRMING)
        mark |= TAKEN;
    if (p->has_transfer && p->done > 0) /* what it said was answered */
        mark |= GRANTED;
    if (p->state >= EHD_STATE_CONFIRMING)
        mark |= SENT;
    return mark;
}

static GPtrArray *
record(gboolean clinic_side, TapeDisk **disk)
{
    g_autofree char *air = scratch_new();
    TestCa *ca = host_ca();
    Host *clinic = host_new(air, NULL), *patient = host_new(air, NULL);
    g_autofree char *root =
        g_build_filename(clinic_side ? clinic->dir : patient->dir, "state", NULL);
    GPtrArray *ops;

    host_certify(clinic, patient, ca, NULL);
    host_add_item(patient, "big.bin", BIG, 0);
    host_add_item(patient, "small.json", SMALL, 0);
    host_receive(clinic, NULL);
    host_send(patient, NULL);
    tape_start(root);
    field_tap(clinic->port, patient->port, 0);
    while (host_state(patient) < EHD_STATE_DONE || host_state(clinic) < EHD_STATE_DONE) {
        tape_mark(mark_of(clinic, patient));
        g_main_context_iteration(NULL, TRUE);
    }
    g_assert_cmpint(host_error(clinic), ==, EHP_OK);
    g_assert_cmpint(host_error(patient), ==, EHP_OK);
    host_wait_clean(clinic);
    ops = tape_stop();
    *disk = tape_disk_new();
    host_free(clinic);
    host_free(patient);
    test_ca_free(ca);
    scratch_free(g_steal_pointer(&air));
    return ops;
}

/* ---------------------------------------------------------------- after the cut */

/* What waits to be filed is whole, byte for byte. */
static void
check_items(Host *probe, EhdSession *session)
{
    g_assert_cmpuint(session->items->len, ==, 2);
    for (guint i = 0; i < 2; i++) {
        const EhdItem *item = &g_array_index(session->items, EhdItem, i);
        g_autoptr(GBytes) expected =
            host_item_bytes(item->size == BIG ? 0 : 1, item->size == BIG ? BIG : SMALL);

        if (session->item_states->data[i] != EHD_ITEM_COLLECTED)
            powercut_assert_item(probe, session, i, expected);
    }
}

static void
check_clinic(Host *probe, guint64 mark)
{
    EhdSession *session = powercut_session(probe);
    const EhdSessionInfo *info = session != NULL ? ehd_session_get_info(session) : NULL;

    g_assert_true(info == NULL || info->state != EHD_STATE_FAILED);
    if (info != NULL && info->state == EHD_STATE_CONFIRMING)
        check_items(probe, session);
    if (mark & TAKEN)
        return;
    if (mark & RECEIVED)
        g_assert_true(info != NULL && info->state == EHD_STATE_CONFIRMING);
    if (DONE(mark) > 0) {
        g_assert_nonnull(info);
        g_assert_cmpuint(info->done, >=, DONE(mark));
    }
}

static void
check_patient(Host *probe, guint64 mark)
{
    EhdSession *session = powercut_session(probe);
    const EhdSessionInfo *info = session != NULL ? ehd_session_get_info(session) : NULL;
    g_autoptr(GPtrArray) receipts = ehd_receipts_list(probe->state, NULL);

    g_assert_true(info == NULL || info->state != EHD_STATE_FAILED);
    g_assert_cmpuint(receipts->len, <=, 1);
    if (mark & SENT)
        g_assert_cmpuint(receipts->len, ==, 1);
    else if (mark & GRANTED)
        g_assert_nonnull(info);
    /* done only with the receipt */
    if (info != NULL && info->state >= EHD_STATE_CONFIRMING)
        g_assert_cmpuint(receipts->len, ==, 1);
}

static void
test_powercut(gconstpointer data)
{
    gboolean clinic = data != NULL;
    TapeDisk *disk;
    g_autoptr(GPtrArray) ops = record(clinic, &disk);
    guint points = powercut_everywhere(ops, disk, clinic ? check_clinic : check_patient);

    tape_disk_free(disk);
    g_test_message("power cut at %u points of %u calls: all recovered", points, ops->len);
    g_assert_cmpuint(points, >, 20);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_data_func("/core/powercut/receiver", "clinic", test_powercut);
    g_test_add_data_func("/core/powercut/sender", NULL, test_powercut);
    return g_test_run();
}
