/* SPDX-License-Identifier: Apache-2.0
 *
 * Each call that a daemon makes into the system during a small transfer fails once, or from
 * then on: the first such call, the second, and so on, on two hosts that live through all of
 * it. Each transfer ends in a named error or well, with nothing half there, and once the fault
 * is gone the next one passes. A drawn sample by default; every call with -m slow. An argument:
 * only the rows whose name begins so.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/session-priv.h"
#include "daemon/error.h"
#include "tests/daemon/core/host.h"
#include "tests/rig/faults/faults.h"

#define BIG        300000
#define SMALL      9000
/* After so long a point is taken for hung; nothing here depends on how fast the machine is. */
#define DEADLINE_S 120
/* Of so many rows one is tried, at one point, unless -m slow: --seed draws the same again. */
#define DRAWN      3

typedef enum { CLINIC, PATIENT, BOTH } Who;

typedef struct {
    const char *name;
    Who who;
    FaultsCall call;
    const char *below; /* of the host's directory; NULL: sockets */
    int how;
    gboolean sticky;
} Row;

#define STATE "state*"
#define FILES "files/*"

static const Row rows[] = {
    {"clinic/open/no-descriptors", CLINIC, FAULTS_OPEN, STATE, EMFILE, FALSE},
    {"clinic/open/no-descriptors-left", CLINIC, FAULTS_OPEN, STATE, EMFILE, TRUE},
    {"clinic/open/unwritable", CLINIC, FAULTS_OPEN, STATE, EACCES, TRUE},
    {"clinic/read/broken", CLINIC, FAULTS_READ, STATE, EIO, FALSE},
    {"clinic/read/interrupted", CLINIC, FAULTS_READ, STATE, EINTR, FALSE},
    {"clinic/read/short", CLINIC, FAULTS_READ, STATE, FAULTS_SHORT, TRUE},
    {"clinic/write/full", CLINIC, FAULTS_WRITE, STATE, ENOSPC, FALSE},
    {"clinic/write/stays-full", CLINIC, FAULTS_WRITE, STATE, ENOSPC, TRUE},
    {"clinic/write/broken", CLINIC, FAULTS_WRITE, STATE, EIO, FALSE},
    {"clinic/write/read-only", CLINIC, FAULTS_WRITE, STATE, EROFS, TRUE},
    {"clinic/write/interrupted", CLINIC, FAULTS_WRITE, STATE, EINTR, FALSE},
    {"clinic/write/short", CLINIC, FAULTS_WRITE, STATE, FAULTS_SHORT, FALSE},
    {"clinic/sync/broken", CLINIC, FAULTS_SYNC, STATE, EIO, FALSE},
    {"clinic/sync/stays-full", CLINIC, FAULTS_SYNC, STATE, ENOSPC, TRUE},
    {"clinic/rename/broken", CLINIC, FAULTS_RENAME, STATE, EIO, FALSE},
    {"clinic/rename/stays-full", CLINIC, FAULTS_RENAME, STATE, ENOSPC, TRUE},
    {"clinic/unlink/broken", CLINIC, FAULTS_UNLINK, STATE, EIO, FALSE},
    {"clinic/mkdir/unwritable", CLINIC, FAULTS_MKDIR, STATE, EACCES, FALSE},
    {"clinic/mkdir/full", CLINIC, FAULTS_MKDIR, STATE, ENOSPC, FALSE},
    {"clinic/size/full", CLINIC, FAULTS_SIZE, STATE, ENOSPC, FALSE},
    {"clinic/size/broken", CLINIC, FAULTS_SIZE, STATE, EIO, FALSE},
    {"clinic/stat/broken", CLINIC, FAULTS_STAT, STATE, EIO, FALSE},
    {"clinic/room/broken", CLINIC, FAULTS_ROOM, STATE, EIO, FALSE},
    {"clinic/room/none", CLINIC, FAULTS_ROOM, STATE, FAULTS_SHORT, FALSE},
    {"patient/open/no-descriptors", PATIENT, FAULTS_OPEN, STATE, EMFILE, FALSE},
    {"patient/open/no-descriptors-left", PATIENT, FAULTS_OPEN, STATE, EMFILE, TRUE},
    {"patient/read/broken", PATIENT, FAULTS_READ, STATE, EIO, FALSE},
    {"patient/read/file-broken", PATIENT, FAULTS_READ, FILES, EIO, FALSE},
    {"patient/read/file-interrupted", PATIENT, FAULTS_READ, FILES, EINTR, FALSE},
    {"patient/read/file-short", PATIENT, FAULTS_READ, FILES, FAULTS_SHORT, FALSE},
    {"patient/stat/file-broken", PATIENT, FAULTS_STAT, FILES, EIO, FALSE},
    {"patient/write/full", PATIENT, FAULTS_WRITE, STATE, ENOSPC, FALSE},
    {"patient/write/stays-full", PATIENT, FAULTS_WRITE, STATE, ENOSPC, TRUE},
    {"patient/write/broken", PATIENT, FAULTS_WRITE, STATE, EIO, FALSE},
    {"patient/write/interrupted", PATIENT, FAULTS_WRITE, STATE, EINTR, FALSE},
    {"patient/write/short", PATIENT, FAULTS_WRITE, STATE, FAULTS_SHORT, FALSE},
    {"patient/sync/broken", PATIENT, FAULTS_SYNC, STATE, EIO, FALSE},
    {"patient/sync/stays-broken", PATIENT, FAULTS_SYNC, STATE, EIO, TRUE},
    {"patient/rename/broken", PATIENT, FAULTS_RENAME, STATE, EIO, FALSE},
    {"patient/unlink/broken", PATIENT, FAULTS_UNLINK, STATE, EIO, FALSE},
    {"patient/room/none", PATIENT, FAULTS_ROOM, STATE, FAULTS_SHORT, FALSE},
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

typedef struct {
    char *air;
    Host *clinic, *patient;
    TestCa *ca;
    guint deadline;
    char *point; /* what is tried */
} Fixture;

static GRand *lot; /* one for all rows: GTest's begins anew with each */
static struct {
    guint tried, recovered, refused;
    GHashTable *names; /* error → how often */
} tally;

static void
set_up(Fixture *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->clinic = host_new(f->air, NULL);
    f->patient = host_new(f->air, NULL);
    f->ca = host_ca();
    host_certify(f->clinic, f->patient, f->ca, NULL);
    host_add_item(f->patient, "big.dcm", BIG, 0);
    host_add_item(f->patient, "small.json", SMALL, 0);
    f->clinic->config->connect_ms = f->patient->config->connect_ms = 300;
    f->clinic->config->resume_ms = f->patient->config->resume_ms = 1500;
    f->clinic->removal_ms = f->patient->removal_ms = 200;
    host_restart(f->clinic, f->air);
    host_restart(f->patient, f->air);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    host_free(f->clinic);
    host_free(f->patient);
    test_ca_free(f->ca);
    g_assert_cmpint(g_rmdir(f->air), ==, 0);
    g_free(f->air);
    g_free(f->point);
}

static gboolean
on_deadline(gpointer user_data)
{
    Fixture *f = user_data;

    g_error("%s hangs: clinic %s, patient %s", f->point, f->clinic->owner.states->str,
            f->patient->owner.states->str);
    return G_SOURCE_REMOVE;
}

/* From what its owner was told: the session itself may be gone already. */
static gboolean
is_over(Host *host)
{
    const char *states = host->owner.states->str;

    return *states == '\0' || g_str_has_suffix(states, "done") ||
           g_str_has_suffix(states, "failed");
}

static gboolean
is_in(Host *host, const char *state)
{
    return host->owner.session != NULL && g_str_has_suffix(host->owner.states->str, state);
}

/* Over, or it waits for an owner who could not collect or file. */
static gboolean
rests(Host *host)
{
    return is_over(host) || (is_in(host, "confirming") &&
                             (host->owner.stumbled != EHP_OK || host->owner.filing != EHP_OK));
}

/* The tap came to nothing: both are as they were. */
static gboolean
wants_a_tap(Fixture *f)
{
    return is_in(f->clinic, "ready") && is_in(f->patient, "ready") &&
           field_port_is_armed(f->clinic->port, EHD_TAP_PORT_READER) &&
           field_port_is_armed(f->patient->port, EHD_TAP_PORT_CARD) &&
           !field_port_is_active(f->clinic->port);
}

static void
count_error(ehp_status why)
{
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(tally.names, ehp_status_name(why)));

    /* a fault of ours is called by its name, and is not the other's */
    g_assert_cmpint(why, !=, EHP_OK);
    g_assert_cmpint(why, !=, EHP_INTERNAL);
    g_assert_cmpint(ehp_status_exit(why), !=, 76);
    g_hash_table_insert(tally.names, (gpointer)ehp_status_name(why), GUINT_TO_POINTER(n + 1));
}

static void
new_owner(Host *host)
{
    owner_clear(&host->owner);
    owner_init(&host->owner, host);
    host->owner.stumbles = TRUE;
}

/* FALSE: one could not be opened, or the tap came to nothing. */
static gboolean
open_and_tap(Fixture *f)
{
    g_autoptr(GError) clinic = NULL, patient = NULL;
    EhdSession *session;

    new_owner(f->clinic);
    new_owner(f->patient);
    session = host_try_receive(f->clinic, NULL, &clinic);
    if (session != NULL)
        owner_attach(&f->clinic->owner, session);
    else
        count_error(ehd_error_status(clinic));
    session = session != NULL ? host_try_send(f->patient, NULL, &patient) : NULL;
    if (session != NULL)
        owner_attach(&f->patient->owner, session);
    else if (clinic == NULL)
        count_error(ehd_error_status(patient));
    if (session == NULL)
        return FALSE;
    field_tap(f->clinic->port, f->patient->port, 0);
    WAIT((rests(f->clinic) && rests(f->patient)) || wants_a_tap(f));
    return !wants_a_tap(f);
}

/* The fault is gone: who stumbled collects again, who could not tap taps again, who is alone
 * cancels. */
static void
finish(Fixture *f)
{
    if (is_in(f->clinic, "ready") && *f->patient->owner.states->str == '\0') {
        host_cancel(f->clinic->owner.session);
        return;
    }
    if (wants_a_tap(f))
        field_tap(f->clinic->port, f->patient->port, 0);
    WAIT(rests(f->clinic));
    if (!is_over(f->clinic)) {
        f->clinic->owner.stumbled = f->clinic->owner.filing = EHP_OK;
        owner_collect_again(&f->clinic->owner);
    }
    WAIT(is_over(f->clinic) && is_over(f->patient));
}

static void
assert_arrived(Fixture *f)
{
    GPtrArray *got = f->clinic->owner.got;
    gsize sizes[2] = {SMALL, BIG};

    g_assert_cmpuint(got->len, ==, 2);
    for (guint i = 0; i < 2; i++) { /* small and urgent ones first */
        g_autoptr(GBytes) expected = host_item_bytes(sizes[i] == BIG ? 0 : 1, sizes[i]);
        g_assert_nonnull(got->pdata[i]);
        g_assert_true(g_bytes_equal(got->pdata[i], expected));
    }
}

static void
assert_clean(Host *host)
{
    host_wait_clean(host);
    WAIT(ehd_books_get_pending(host->core->books) == 0); /* until then it opens no session */
    g_assert_cmpuint(ehd_spool_used(host->spool), ==, 0);
}

/* A sender is done only if the receiver is, a receiver only if it has everything; and nothing
 * is half there. */
static void
judge(Fixture *f)
{
    Host *hosts[2] = {f->clinic, f->patient};
    gboolean both = TRUE, good = TRUE;

    for (guint i = 0; i < 2; i++)
        both = both && *hosts[i]->owner.states->str != '\0';
    for (guint i = 0; i < 2 && both; i++) {
        good = good && hosts[i]->owner.error == EHP_OK;
        if (hosts[i]->owner.error != EHP_OK)
            count_error(hosts[i]->owner.error);
    }
    if (both && f->patient->owner.error == EHP_OK)
        g_assert_cmpstr(ehp_status_name(f->clinic->owner.error), ==, ehp_status_name(EHP_OK));
    if (both && f->clinic->owner.error == EHP_OK)
        assert_arrived(f);
    assert_clean(f->clinic);
    assert_clean(f->patient);
    if (both && good)
        tally.recovered++;
    else
        tally.refused++;
}

static void
assert_next_passes(Fixture *f)
{
    g_assert_true(open_and_tap(f));
    g_assert_cmpstr(ehp_status_name(f->clinic->owner.error), ==, ehp_status_name(EHP_OK));
    g_assert_cmpstr(ehp_status_name(f->patient->owner.error), ==, ehp_status_name(EHP_OK));
    assert_arrived(f);
    assert_clean(f->clinic);
}

/* FALSE: there is no such call any more. */
static gboolean
try_point(Fixture *f, const Row *row, const char *pattern, int at)
{
    gboolean hit;

    g_free(f->point);
    f->point = g_strdup_printf("%s %d", row->name, at);
    f->deadline = g_timeout_add_seconds(DEADLINE_S, on_deadline, f);
    faults_arm(row->call, pattern, at, row->how, row->sticky);
    open_and_tap(f);
    hit = faults_table()->hits > 0;
    g_test_message("%s: %s", f->point, faults_table()->where);
    faults_disarm();
    finish(f);
    if (hit) {
        tally.tried++;
        judge(f);
        assert_next_passes(f);
    }
    g_source_remove(f->deadline);
    return hit;
}

static void
test_row(Fixture *f, gconstpointer data)
{
    const Row *row = data;
    Host *host = row->who == CLINIC ? f->clinic : f->patient;
    g_autofree char *pattern =
        row->below != NULL ? g_build_filename(host->dir, row->below, NULL) : g_strdup("socket");
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    guint before = tally.tried;

    if (g_test_slow())
        for (int at = 1; try_point(f, row, pattern, at); at++)
            ;
    else if (g_rand_int_range(lot, 0, DRAWN) == 0)
        try_point(f, row, pattern, g_rand_int_range(lot, 1, 13));
    g_test_message("%u calls", tally.tried - before);
    g_log_set_always_fatal(fatal);
}

static void
print_tally(void)
{
    GHashTableIter iter;
    gpointer name, n;

    g_test_message("figure: %u calls of %u kinds failed: %u recovered, %u refused by name",
                   tally.tried, (guint)G_N_ELEMENTS(rows), tally.recovered, tally.refused);
    g_hash_table_iter_init(&iter, tally.names);
    while (g_hash_table_iter_next(&iter, &name, &n))
        g_test_message("figure: %s %u", (char *)name, GPOINTER_TO_UINT(n));
}

int
main(int argc, char **argv)
{
    int rc;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    tally.names = g_hash_table_new(g_str_hash, g_str_equal);
    lot = g_rand_new_with_seed((guint32)g_test_rand_int());
    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        g_autofree char *path = g_strconcat("/core/sweep/", rows[i].name, NULL);

        if (argc < 2 || g_str_has_prefix(rows[i].name, argv[1]))
            g_test_add(path, Fixture, &rows[i], set_up, test_row, tear_down);
    }
    rc = g_test_run();
    print_tally();
    g_hash_table_unref(tally.names);
    g_rand_free(lot);
    return rc;
}
