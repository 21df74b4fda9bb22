/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/sweep.h"

#include <glib/gstdio.h>
#include <sodium.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/session-priv.h"
#include "daemon/error.h"

/* Of so many rows one is tried, at one point, unless -m slow: --seed draws the same again. */
#define DRAWN 3

static GRand *lot; /* one for all rows: GTest's begins anew with each */
static struct {
    guint tried, recovered, refused, kinds;
    GHashTable *names; /* error → how often */
} tally;

typedef struct {
    const SweepRow *row;
    gboolean (*try_point)(Sweep *f, const SweepRow *row, const char *pattern, int at);
} RowTest;

static void
set_up(Sweep *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->clinic = host_new(f->air, NULL);
    f->patient = host_new(f->air, NULL);
    f->ca = host_ca();
    host_certify(f->clinic, f->patient, f->ca, NULL);
    host_add_item(f->patient, "big.dcm", SWEEP_BIG, 0);
    host_add_item(f->patient, "small.json", SWEEP_SMALL, 0);
    f->clinic->config->connect_ms = f->patient->config->connect_ms = 300;
    f->clinic->config->resume_ms = f->patient->config->resume_ms = 1500;
    f->clinic->removal_ms = f->patient->removal_ms = 200;
    host_restart(f->clinic, f->air);
    host_restart(f->patient, f->air);
}

static void
tear_down(Sweep *f, gconstpointer data)
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
    Sweep *f = user_data;

    g_error("%s hangs: clinic %s, patient %s", f->point, f->clinic->owner.states->str,
            f->patient->owner.states->str);
    return G_SOURCE_REMOVE;
}

/* From what its owner was told: the session itself may be gone already. */
gboolean
sweep_is_over(Host *host)
{
    const char *states = host->owner.states->str;

    return *states == '\0' || g_str_has_suffix(states, "done") ||
           g_str_has_suffix(states, "failed");
}

gboolean
sweep_is_in(Host *host, const char *state)
{
    return host->owner.session != NULL && g_str_has_suffix(host->owner.states->str, state);
}

/* Over, or it waits for an owner who could not collect or file. */
gboolean
sweep_rests(Host *host)
{
    return sweep_is_over(host) ||
           (sweep_is_in(host, "confirming") &&
            (host->owner.stumbled != EHP_OK || host->owner.filing != EHP_OK));
}

/* The tap came to nothing: both are as they were. */
gboolean
sweep_wants_a_tap(Sweep *f)
{
    return sweep_is_in(f->clinic, "ready") && sweep_is_in(f->patient, "ready") &&
           field_port_is_armed(f->clinic->port, EHD_TAP_PORT_READER) &&
           field_port_is_armed(f->patient->port, EHD_TAP_PORT_CARD) &&
           !field_port_is_active(f->clinic->port);
}

void
sweep_count_error(ehp_status why)
{
    guint n = GPOINTER_TO_UINT(g_hash_table_lookup(tally.names, ehp_status_name(why)));

    /* a fault of ours is called by its name, and is not the other's */
    g_assert_cmpint(why, !=, EHP_OK);
    g_assert_cmpint(why, !=, EHP_INTERNAL);
    g_assert_cmpint(ehp_status_exit(why), !=, 76);
    g_hash_table_insert(tally.names, (gpointer)ehp_status_name(why), GUINT_TO_POINTER(n + 1));
}

void
sweep_new_owner(Host *host)
{
    owner_clear(&host->owner);
    owner_init(&host->owner, host);
    host->owner.stumbles = TRUE;
}

/* FALSE: one could not be opened, or the tap came to nothing. */
gboolean
sweep_open_and_tap(Sweep *f)
{
    g_autoptr(GError) clinic = NULL, patient = NULL;
    EhdSession *session;

    sweep_new_owner(f->clinic);
    sweep_new_owner(f->patient);
    session = host_try_receive(f->clinic, NULL, &clinic);
    if (session != NULL)
        owner_attach(&f->clinic->owner, session);
    else
        sweep_count_error(ehd_error_status(clinic));
    session = session != NULL ? host_try_send(f->patient, NULL, &patient) : NULL;
    if (session != NULL)
        owner_attach(&f->patient->owner, session);
    else if (clinic == NULL)
        sweep_count_error(ehd_error_status(patient));
    if (session == NULL)
        return FALSE;
    field_tap(f->clinic->port, f->patient->port, 0);
    WAIT((sweep_rests(f->clinic) && sweep_rests(f->patient)) || sweep_wants_a_tap(f));
    return !sweep_wants_a_tap(f);
}

void
sweep_assert_arrived(Sweep *f)
{
    GPtrArray *got = f->clinic->owner.got;
    gsize sizes[2] = {SWEEP_SMALL, SWEEP_BIG};

    g_assert_cmpuint(got->len, ==, 2);
    for (guint i = 0; i < 2; i++) { /* small and urgent ones first */
        g_autoptr(GBytes) expected = host_item_bytes(sizes[i] == SWEEP_BIG ? 0 : 1, sizes[i]);
        g_assert_nonnull(got->pdata[i]);
        g_assert_true(g_bytes_equal(got->pdata[i], expected));
    }
}

void
sweep_assert_clean(Host *host)
{
    host_wait_clean(host);
    WAIT(ehd_books_get_pending(host->core->books) == 0); /* until then it opens no session */
    g_assert_cmpuint(ehd_spool_used(host->spool), ==, 0);
}

void
sweep_count(gboolean recovered)
{
    if (recovered)
        tally.recovered++;
    else
        tally.refused++;
}

void
sweep_assert_next_passes(Sweep *f)
{
    g_assert_true(sweep_open_and_tap(f));
    g_assert_cmpstr(ehp_status_name(f->clinic->owner.error), ==, ehp_status_name(EHP_OK));
    g_assert_cmpstr(ehp_status_name(f->patient->owner.error), ==, ehp_status_name(EHP_OK));
    sweep_assert_arrived(f);
    sweep_assert_clean(f->clinic);
}

void
sweep_begin(Sweep *f, const SweepRow *row, const char *pattern, int at)
{
    g_free(f->point);
    f->point = g_strdup_printf("%s %d", row->name, at);
    f->deadline = g_timeout_add_seconds(SWEEP_DEADLINE_S, on_deadline, f);
    faults_arm(row->call, pattern, at, row->how, row->sticky);
}

gboolean
sweep_end(Sweep *f)
{
    gboolean hit = faults_table()->hits > 0;

    g_test_message("%s: %s", f->point, faults_table()->where);
    faults_disarm();
    tally.tried += hit;
    return hit;
}

static void
test_row(Sweep *f, gconstpointer data)
{
    const RowTest *test = data;
    const SweepRow *row = test->row;
    Host *host = row->who == CLINIC ? f->clinic : f->patient;
    g_autofree char *pattern =
        row->below != NULL ? g_build_filename(host->dir, row->below, NULL) : g_strdup("socket");
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_LEVEL_ERROR | G_LOG_LEVEL_CRITICAL);
    guint before = tally.tried;

    if (g_test_slow())
        for (int at = 1; test->try_point(f, row, pattern, at); at++)
            g_clear_handle_id(&f->deadline, g_source_remove);
    else if (g_rand_int_range(lot, 0, DRAWN) == 0)
        test->try_point(f, row, pattern, g_rand_int_range(lot, 1, 13));
    g_clear_handle_id(&f->deadline, g_source_remove);
    g_test_message("%u calls", tally.tried - before);
    g_log_set_always_fatal(fatal);
}

static void
print_tally(void)
{
    GHashTableIter iter;
    gpointer name, n;

    g_test_message("figure: %u calls of %u kinds failed: %u recovered, %u refused by name",
                   tally.tried, tally.kinds, tally.recovered, tally.refused);
    g_hash_table_iter_init(&iter, tally.names);
    while (g_hash_table_iter_next(&iter, &name, &n))
        g_test_message("figure: %s %u", (char *)name, GPOINTER_TO_UINT(n));
}

int
sweep_main(int argc, char **argv, const char *prefix, const SweepRow *rows, gsize n_rows,
           gboolean (*try_point)(Sweep *f, const SweepRow *row, const char *pattern, int at))
{
    g_autofree RowTest *tests = g_new(RowTest, n_rows);
    int rc;

    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    tally.names = g_hash_table_new(g_str_hash, g_str_equal);
    tally.kinds = (guint)n_rows;
    lot = g_rand_new_with_seed((guint32)g_test_rand_int());
    for (gsize i = 0; i < n_rows; i++) {
        g_autofree char *path = g_strconcat(prefix, rows[i].name, NULL);

        tests[i] = (RowTest){&rows[i], try_point};
        if (argc < 2 || g_str_has_prefix(rows[i].name, argv[1]))
            g_test_add(path, Sweep, &tests[i], set_up, test_row, tear_down);
    }
    rc = g_test_run();
    print_tally();
    g_hash_table_unref(tally.names);
    g_rand_free(lot);
    return rc;
}
