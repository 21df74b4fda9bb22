/* SPDX-License-Identifier: Apache-2.0
 *
 * A daemon under load: a hundred sessions at once, one of them stuck, and a thousand one after
 * the other. Memory and descriptors return to where they were; the figures are printed. At once
 * it is the patient's daemon: a terminal keeps its reader until it has received, so that it has
 * one patient at a time; a hundred terminals are in the same process.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <malloc.h>
#include <sodium.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "tests/daemon/core/host.h"

/* gcc has a macro for it, clang a feature */
#if defined(__SANITIZE_ADDRESS__)
#define ADDRESS_SANITIZER
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ADDRESS_SANITIZER
#endif
#endif

#define AT_ONCE      100
#define IN_SEQUENCE  1000
#define WARM         100 /* sessions, before the first measurement */
#define ITEM_BYTES   150000
/* What the heap may have grown by: a leak of half a kilobyte per session shows. */
#define GROWTH_BYTES (400 * 1024)

typedef struct {
    char *air;
    TestCa *ca;
    Host *clinics[AT_ONCE], *patient;
    guint n_clinics;
} Fixture;

typedef struct {
    gsize heap;
    guint descriptors;
} Use;

static void
soon(Host *host, const char *air)
{
    host->removal_ms = 20;
    host->config->max_sessions = host->config->max_sessions_per_user = AT_ONCE;
    host_restart(host, air);
}

/* data: how many terminals. */
static void
set_up(Fixture *f, gconstpointer data)
{
    f->air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    f->ca = host_ca();
    f->patient = host_new(f->air, NULL);
    soon(f->patient, f->air);
    for (f->n_clinics = 0; f->n_clinics < GPOINTER_TO_UINT(data); f->n_clinics++) {
        Host *clinic = host_new(f->air, NULL);

        host_certify(clinic, f->patient, f->ca, NULL);
        soon(clinic, f->air);
        f->clinics[f->n_clinics] = clinic;
    }
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    for (guint i = 0; i < f->n_clinics; i++)
        host_free(f->clinics[i]);
    host_free(f->patient);
    test_ca_free(f->ca);
    g_assert_cmpint(g_rmdir(f->air), ==, 0);
    g_free(f->air);
}

static guint
count_descriptors(void)
{
    g_autoptr(GDir) dir = g_dir_open("/proc/self/fd", 0, NULL);
    guint n = 0;

    while (g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static Use
use_now(void)
{
    struct mallinfo2 info = mallinfo2();

    return (Use){info.uordblks + info.hblkhd, count_descriptors()};
}

static void
compare(const char *what, Use before, Use after)
{
    g_test_message("%s: heap %" G_GSIZE_FORMAT " before, %" G_GSIZE_FORMAT
                   " after; descriptors %u and %u",
                   what, before.heap, after.heap, before.descriptors, after.descriptors);
    g_assert_cmpuint(after.descriptors, ==, before.descriptors);
#ifndef ADDRESS_SANITIZER /* which keeps what is freed */
    g_assert_cmpuint(after.heap, <=, before.heap + GROWTH_BYTES);
#endif
}

static void
wait_forgotten(Host *host)
{
    WAIT(ehd_core_is_idle(host->core));
    host_wait_clean(host);
    cut_link_snap(host->link); /* its copies of the descriptors */
}

/* All devices have forgotten every session. */
static void
wait_removed(const Fixture *f)
{
    for (guint i = 0; i < f->n_clinics; i++)
        wait_forgotten(f->clinics[i]);
    wait_forgotten(f->patient);
    while (g_main_context_iteration(NULL, FALSE)) /* who is still in a porch sees its end */
        ;
}

/* From what its owner was told: the session itself may be gone already. */
static gboolean
is_over(const Owner *owner)
{
    g_assert_null(strstr(owner->states->str, "failed"));
    return strstr(owner->states->str, "done") != NULL;
}

static void
open_sessions(Fixture *f, Host *clinic, Owner *patient)
{
    g_autoptr(GError) error = NULL;
    EhdSession *sending;

    host_receive(clinic, NULL);
    sending = host_try_send(f->patient, NULL, &error);
    g_assert_no_error(error);
    owner_attach(patient, sending);
    field_tap(clinic->port, f->patient->port, 0);
}

/* ---------------------------------------------------------------- at once */

static void
give_what_was_held(Owner *owner)
{
    g_autofree char *name = g_strdup_printf("%u", owner->waiting_for);
    g_autofree char *path = g_build_filename(owner->files_dir, name, NULL);

    ehd_session_give_item(owner->session, owner->waiting_for, open(path, O_RDONLY | O_CLOEXEC),
                          EHP_OK);
}

static void
wait_over(const Owner *clinic, const Owner *patient)
{
    WAIT(is_over(clinic) && is_over(patient));
    g_assert_cmpuint(clinic->collected, ==, 1);
}

/* All of them wait for a consent, then all transfer; the one whose file does not come waits
 * alone. */
static void
hundred_at_once(Fixture *f)
{
    g_autofree Owner *patients = g_new0(Owner, AT_ONCE);

    for (guint i = 0; i < AT_ONCE; i++) {
        owner_init(&patients[i], f->patient);
        patients[i].answer = SAY_NOTHING;
        patients[i].giving = i == 0 ? GIVE_LATER : GIVE;
        open_sessions(f, f->clinics[i], &patients[i]);
        WAIT(patients[i].asked == 1 && field_port_is_armed(f->patient->port, 0));
    }
    for (guint i = 0; i < AT_ONCE; i++) {
        g_assert_cmpint(ehd_session_get_info(patients[i].session)->state, ==,
                        EHD_STATE_DECIDING);
        ehd_session_answer_consent(patients[i].session, TRUE, NULL, NULL, 0, 0, 0);
    }
    for (guint i = 1; i < AT_ONCE; i++)
        wait_over(&f->clinics[i]->owner, &patients[i]);
    WAIT(patients[0].opened == 1);
    g_assert_false(is_over(&f->clinics[0]->owner) || is_over(&patients[0]));
    give_what_was_held(&patients[0]);
    wait_over(&f->clinics[0]->owner, &patients[0]);
    wait_removed(f);
    for (guint i = 0; i < AT_ONCE; i++)
        owner_clear(&patients[i]);
}

static void
test_at_once(Fixture *f, gconstpointer data)
{
    Use before;

    host_add_item(f->patient, "a.bin", ITEM_BYTES, 0);
    hundred_at_once(f);
    malloc_trim(0);
    before = use_now();
    hundred_at_once(f);
    compare("a hundred sessions at once", before, use_now());
}

/* ---------------------------------------------------------------- one after the other */

static void
sessions(Fixture *f, guint n)
{
    for (guint i = 0; i < n; i++) {
        open_sessions(f, f->clinics[0], &f->patient->owner);
        wait_over(&f->clinics[0]->owner, &f->patient->owner);
    }
    wait_removed(f);
}

static void
test_in_sequence(Fixture *f, gconstpointer data)
{
    Use before;

    host_add_item(f->patient, "a.bin", 3000, 0);
    sessions(f, WARM);
    before = use_now();
    sessions(f, IN_SEQUENCE - WARM);
    compare("nine hundred sessions in sequence, after a hundred", before, use_now());
    g_assert_cmpuint(f->patient->removed, ==, IN_SEQUENCE);
}

/* A hundred devices in one process. */
static void
more_descriptors(void)
{
    struct rlimit limit;

    g_assert_cmpint(getrlimit(RLIMIT_NOFILE, &limit), ==, 0);
    limit.rlim_cur = MIN(limit.rlim_max, 8192);
    g_assert_cmpint(setrlimit(RLIMIT_NOFILE, &limit), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    more_descriptors();
    g_test_add("/core/load/at-once", Fixture, GUINT_TO_POINTER(AT_ONCE), set_up, test_at_once,
               tear_down);
    g_test_add("/core/load/in-sequence", Fixture, GUINT_TO_POINTER(1), set_up, test_in_sequence,
               tear_down);
    return g_test_run();
}
