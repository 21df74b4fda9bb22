/* SPDX-License-Identifier: Apache-2.0
 *
 * Owners that leave, come back, stay away, or cancel, in every state of a session.
 */
#include <sodium.h>
#include <string.h>

#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "tests/daemon/core/pair.h"

static void
test_owner_returns(Pair *f, gconstpointer data)
{
    EhdSession *session;
    g_autoptr(GError) error = NULL;

    f->patient->owner.giving = GIVE_LATER;
    pair_open_and_tap(f);
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
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
}

static void
test_owner_stays_away(Pair *f, gconstpointer data)
{
    f->patient->owner.giving = GIVE_LATER;
    pair_open_and_tap(f);
    WAIT(f->patient->owner.opened > 0);
    ehd_session_owner_vanished(f->patient->owner.session);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_DECLINED, EHP_NO_AGENT);
}

/* With detach too: an armed reader that nobody has tapped is given back, and the next one gets
 * it. */
static void
test_owner_leaves_untapped(Pair *f, gconstpointer data)
{
    g_autoptr(GError) error = NULL;
    EhdReceiveOptions options;

    ehd_receive_options_init(&options);
    options.detach = TRUE;
    host_receive(f->clinic, &options);
    ehd_session_owner_vanished(f->clinic->owner.session);
    host_wait_end(f->clinic);
    g_assert_cmpint(host_error(f->clinic), ==, EHP_NO_AGENT);
    pair_open_and_tap(f);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
}

/* ---------------------------------------------------------------- detached */

static void
vanish(Pair *f, guint opened)
{
    WAIT(f->patient->owner.opened >= opened);
    g_assert_cmpuint(f->patient->owner.opened, ==, opened);
    ehd_session_owner_vanished(f->patient->owner.session);
}

static const EhdSessionInfo *
patient_info(Pair *f)
{
    return ehd_session_get_info(f->patient->owner.session);
}

/* All of its files are open: nobody is needed. */
static void
test_detached(Pair *f, gconstpointer data)
{
    pair_open_detached_and_tap(f);
    vanish(f, 2);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
}

/* As many as may be open are sent; for the others it waits, and says so. */
static void
detach_with_many(Pair *f)
{
    for (guint i = 2; i < EHD_SOURCE_OPEN_MAX + 3; i++)
        host_add_item(f->patient, "more.bin", 1000 + i, 0);
    pair_open_detached_and_tap(f);
    vanish(f, EHD_SOURCE_OPEN_MAX);
    g_assert_false(patient_info(f)->needs_files);
    WAIT(patient_info(f)->needs_files);
    g_assert_cmpint(host_state(f->patient), ==, EHD_STATE_TRANSFERRING);
    g_assert_cmpuint(f->patient->owner.opened, ==, EHD_SOURCE_OPEN_MAX);
}

static void
test_detached_waits(Pair *f, gconstpointer data)
{
    detach_with_many(f);
    owner_attach(&f->patient->owner, f->patient->owner.session);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    g_assert_false(patient_info(f)->needs_files);
    g_assert_cmpuint(f->clinic->owner.collected, ==, EHD_SOURCE_OPEN_MAX + 3);
    g_assert_cmpuint(f->patient->owner.opened, ==, EHD_SOURCE_OPEN_MAX + 3);
}

static void
test_detached_stays_away(Pair *f, gconstpointer data)
{
    detach_with_many(f);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_DECLINED, EHP_NO_AGENT);
    g_assert_false(patient_info(f)->needs_files);
}

/* At the terminal: once received the items wait for whoever comes back. */
static void
test_receiver_returns(Pair *f, gconstpointer data)
{
    EhdSession *session;

    f->clinic->owner.collects = FALSE;
    pair_open_and_tap(f);
    session = f->clinic->owner.session;
    host_wait_state(f->clinic, EHD_STATE_CONFIRMING);
    ehd_session_owner_vanished(session);
    host_wait_end(f->patient);
    g_assert_cmpint(host_state(f->clinic), ==, EHD_STATE_CONFIRMING);
    f->clinic->owner.collects = TRUE;
    owner_attach(&f->clinic->owner, session);
    pair_wait_ends(f);
    pair_assert_errors(f, EHP_OK, EHP_OK);
    pair_assert_arrived(f);
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
test_cancel(Pair *f, gconstpointer data)
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

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Pair, data, pair_set_up, func, pair_tear_down)
    ADD("/core/owner/owner-returns", NULL, test_owner_returns);
    ADD("/core/owner/owner-stays-away", NULL, test_owner_stays_away);
    ADD("/core/owner/owner-leaves-untapped", NULL, test_owner_leaves_untapped);
    ADD("/core/owner/detached", NULL, test_detached);
    ADD("/core/owner/detached-waits", NULL, test_detached_waits);
    ADD("/core/owner/detached-stays-away", NULL, test_detached_stays_away);
    ADD("/core/owner/receiver-returns", NULL, test_receiver_returns);
    for (gsize i = 0; i < G_N_ELEMENTS(cancels); i++) {
        g_autofree char *path = g_strconcat("/core/owner/cancel/", cancels[i].name, NULL);
        ADD(path, &cancels[i], test_cancel);
    }
    return g_test_run();
}
