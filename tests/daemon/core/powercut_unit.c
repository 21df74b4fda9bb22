/* SPDX-License-Identifier: Apache-2.0
 *
 * A power cut after every single thing that the daemon does to its disk, in a whole receive and
 * a whole send: with all of it there (SIGKILL), and with names, contents or both lost where
 * they were not synced. The daemon starts on what is left. Nothing is done before it is
 * durable, nothing is in sight that is not whole, and what was acknowledged is there. Every
 * seventh point by default; all with -m slow.
 */
#include <sodium.h>
#include <string.h>

#include "daemon/core/session-priv.h"
#include "tests/daemon/core/outage.h"
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

static Host *probe;

static EhdSession *
only_session(void)
{
    g_autoptr(GPtrArray) list = ehd_core_list(probe->core, 1000);

    g_assert_cmpuint(list->len, <=, 1);
    return list->len == 1 ? g_ptr_array_index(list, 0) : NULL;
}

/* What waits to be filed is whole, byte for byte. */
static void
check_items(EhdSession *session)
{
    const char *id = ehd_session_get_info(session)->id;

    g_assert_cmpuint(session->items->len, ==, 2);
    for (guint i = 0; i < 2; i++) {
        g_autofree char *name = g_strdup_printf("%u", i);
        g_autofree char *path = g_build_filename(probe->dir, "state", "spool", id, name, NULL);
        const EhdItem *item = &g_array_index(session->items, EhdItem, i);
        g_autoptr(GBytes) expected =
            host_item_bytes(item->size == BIG ? 0 : 1, item->size == BIG ? BIG : SMALL);
        g_autofree char *bytes = NULL;
        gsize length;

        if (session->item_states->data[i] == EHD_ITEM_COLLECTED)
            continue;
        g_assert_true(g_file_get_contents(path, &bytes, &length, NULL));
        g_assert_cmpmem(bytes, length, g_bytes_get_data(expected, NULL),
                        g_bytes_get_size(expected));
    }
}

static void
check_clinic(guint64 mark)
{
    EhdSession *session = only_session();
    const EhdSessionInfo *info = session != NULL ? ehd_session_get_info(session) : NULL;

    g_assert_true(info == NULL || info->state != EHD_STATE_FAILED);
    if (info != NULL && info->state == EHD_STATE_CONFIRMING) {
        check_items(session);
        g_assert_cmpuint(host_count_audit(probe, "received"), ==, 1);
    }
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
check_patient(guint64 mark)
{
    EhdSession *session = only_session();
    const EhdSessionInfo *info = session != NULL ? ehd_session_get_info(session) : NULL;
    g_autoptr(GPtrArray) receipts = ehd_receipts_list(probe->state, NULL);

    g_assert_true(info == NULL || info->state != EHD_STATE_FAILED);
    g_assert_cmpuint(receipts->len, <=, 1);
    if (mark & SENT)
        g_assert_cmpuint(receipts->len, ==, 1);
    else if (mark & GRANTED)
        g_assert_nonnull(info);
    /* said once, and done only with the receipt */
    g_assert_cmpuint(host_count_audit(probe, "sent"), ==, receipts->len);
    if (info != NULL && info->state >= EHD_STATE_CONFIRMING)
        g_assert_cmpuint(receipts->len, ==, 1);
}

static guint
cut_everywhere(GPtrArray *ops, TapeDisk *disk, void (*check)(guint64 mark))
{
    guint stride = g_test_slow() ? 1 : 7, points = 0;
    g_autofree char *air = scratch_new();

    probe = host_new(air, NULL);
    for (guint i = 0; i < ops->len; i++) {
        const TapeOp *op = g_ptr_array_index(ops, i);

        for (int torn = op->data != NULL ? 1 : 0; torn >= 0; torn--) {
            tape_disk_apply(disk, op, torn != 0);
            for (int loss = 0; loss < TAPE_LOSSES && i % stride == 0; loss++, points++) {
                g_test_message("%u %s%s, loss %d", i, op->what, torn ? " (half)" : "", loss);
                outage_restart(probe, air, disk, (TapeLoss)loss);
                WAIT(ehd_books_get_pending(probe->core->books) == 0);
                check(op->mark);
            }
        }
    }
    host_free(probe);
    scratch_free(g_steal_pointer(&air));
    return points;
}

static void
test_powercut(gconstpointer data)
{
    gboolean clinic = data != NULL;
    TapeDisk *disk;
    g_autoptr(GPtrArray) ops = record(clinic, &disk);
    guint points = cut_everywhere(ops, disk, clinic ? check_clinic : check_patient);

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
