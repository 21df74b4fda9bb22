/* SPDX-License-Identifier: Apache-2.0
 *
 * A patient's device that starts again after everything was sent: nothing that happened to the
 * link, the power or the clock since takes anything from the receipt.
 */
#include <errno.h>
#include <glib/gstdio.h>
#include <sodium.h>
#include <string.h>

#include "daemon/core/session-priv.h"
#include "tests/daemon/core/pair.h"
#include "tests/daemon/store/faults.h"

static const EhdSessionInfo *
info_of(Host *host)
{
    return ehd_session_get_info(host->owner.session);
}

static void
restart(Pair *f)
{
    g_autofree char *id = g_strdup(info_of(f->patient)->id);

    host_restart(f->patient, f->air);
    owner_attach(&f->patient->owner, ehd_core_find(f->patient->core, id, 1000, NULL));
}

/* Only then the audit can be read. */
static void
wait_quiet(Host *host)
{
    WAIT(ehd_books_get_pending(host->core->books) == 0);
}

static gint64 later;

static gint64
clock_now(gpointer user_data)
{
    return HOST_NOW + later;
}

static guint64
clock_uptime(gpointer user_data)
{
    return (guint64)(1000 + later);
}

/* The patient's machine was off for too long, or until the consent was over, and the receipt is
 * there: nothing that happened to the link since makes that fail. */
static void
test_sent(Pair *f, gconstpointer data)
{
    g_autofree char *id = NULL;

    later = 0;
    f->patient->now = clock_now;
    f->patient->boottime = clock_uptime;
    host_restart(f->patient, f->air);
    pair_open_list(f);
    id = g_strdup(info_of(f->patient)->id);
    cut_link_down(f->clinic->link);
    later = GPOINTER_TO_INT(data);
    host_restart(f->patient, f->air);
    owner_attach(&f->patient->owner, ehd_core_find(f->patient->core, id, 1000, NULL));
    host_wait_end(f->patient);
    wait_quiet(f->patient);
    g_assert_cmpint(host_error(f->patient), ==, EHP_OK);
    g_assert_cmpint(info_of(f->patient)->transfer, ==, EHD_TRANSFER_COMPLETE);
    g_assert_cmpuint(host_count_audit(f->patient, "failed"), ==, 0);
    g_assert_cmpuint(host_count_audit(f->patient, "sent"), ==, 1);
    host_wait_clean(f->patient);
}

static Host *robbed;

/* The power went before the last line of the audit was written. */
static void
rob(void)
{
    g_autofree char *path =
        g_build_filename(robbed->dir, "state", "audit", "000001.jsonl", NULL);
    g_autofree char *text = NULL;
    gsize length;

    g_assert_true(g_file_get_contents(path, &text, &length, NULL));
    text[length - 1] = '\0';
    g_assert_nonnull(strstr(strrchr(text, '\n'), "\"kind\":\"sent\""));
    strrchr(text, '\n')[1] = '\0';
    g_assert_true(g_file_set_contents(path, text, -1, NULL));
}

static void
fill_disk(void)
{
    faults_set(FAULT_WRITE, 1, ENOSPC);
}

/* The line comes with the next start, or as soon as there is room for it; once. */
static void
test_untold(Pair *f, gconstpointer data)
{
    gboolean full = data != NULL;
    GLogLevelFlags fatal = g_log_set_always_fatal(G_LOG_FATAL_MASK); /* it warns */

    pair_open_list(f);
    wait_quiet(f->patient);
    robbed = f->patient;
    f->patient->before_open = rob;
    f->patient->before_start = full ? fill_disk : NULL;
    restart(f);
    g_assert_cmpint(faults_hit(), ==, full);
    faults_clear();
    wait_quiet(f->patient);
    g_assert_cmpuint(host_count_audit(f->patient, "sent"), ==, 1);
    f->patient->before_open = f->patient->before_start = NULL;
    restart(f);
    wait_quiet(f->patient);
    g_assert_cmpuint(host_count_audit(f->patient, "sent"), ==, 1);
    g_log_set_always_fatal(fatal);
}

/* Two of them: while one is taken up nothing is written for the other, since ledger and audit
 * are read, and perhaps written, where that is. */
static void
test_sent_twice(Pair *f, gconstpointer data)
{
    EhdReceiveOptions receive;
    Owner clinic, patient;

    later = 0;
    f->patient->now = clock_now;
    f->patient->boottime = clock_uptime;
    host_restart(f->patient, f->air);
    pair_open_list(f);
    owner_init(&clinic, f->clinic);
    owner_init(&patient, f->patient);
    clinic.files = FALSE;
    ehd_receive_options_init(&receive);
    receive.list = TRUE;
    owner_attach(&clinic, host_try_receive(f->clinic, &receive, NULL));
    owner_attach(&patient, host_try_send(f->patient, NULL, NULL));
    field_tap(f->clinic->port, f->patient->port, 0);
    WAIT(ehd_session_get_info(clinic.session)->may_ask);
    cut_link_down(f->clinic->link);
    later = 601;
    host_restart(f->patient, f->air);
    g_assert_cmpuint(f->patient->added, ==, 2);
    g_assert_cmpuint(f->patient->pending, ==, 0);
    host_wait_clean(f->patient);
    wait_quiet(f->patient);
    g_assert_cmpuint(host_count_audit(f->patient, "failed"), ==, 0);
    owner_clear(&clinic);
    owner_clear(&patient);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
#define ADD(path, data, func) g_test_add(path, Pair, data, pair_set_up, func, pair_tear_down)
    ADD("/core/restart-sent/too-late", GINT_TO_POINTER(601), test_sent);
    ADD("/core/restart-sent/expired", GINT_TO_POINTER(40 * 86400), test_sent);
    ADD("/core/restart-sent/twice", NULL, test_sent_twice);
    ADD("/core/restart-sent/untold", NULL, test_untold);
    ADD("/core/restart-sent/untold-on-a-full-disk", "full", test_untold);
    return g_test_run();
}
