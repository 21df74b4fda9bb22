/* SPDX-License-Identifier: Apache-2.0
 *
 * A power cut after every single thing that a daemon does to its disk while a clinic picks from
 * a list what it wants, twice, and files it. The other device is awake all the while, so what
 * was said before the cut was said: each cut is made in a session of its own, which then goes
 * on to the end: every item picked is there, once and whole, each transfer has one receipt,
 * the same on both sides, and a request that was lost with the power was never heard of. Every
 * so many points by default; all with -m slow.
 */
#include <sodium.h>
#include <string.h>

#include "daemon/core/session-priv.h"
#include "tests/daemon/core/outage.h"
#include "tests/daemon/store/scratch.h"

#define BIG    700000
#define SMALL  9000
#define LISTED 2

/* What is picked, one after the other: the number in the list (the summary is first), and which
 * of the patient's files that is. */
static const struct {
    const char *number;
    guint file;
    gsize size;
} picks[] = {{"1", 0, BIG}, {"0", 1, SMALL}};

typedef struct {
    char *air;
    TestCa *ca;
    Host *clinic, *patient;
    char *ids[2];      /* of the session, there */
    gboolean asking;   /* the answer of RequestItems is awaited */
    guint asked;       /* requests that the clinic was told to be kept */
    guint requested;   /* ... that were made and may be kept */
    gboolean filing;   /* File was called */
    gboolean filed;    /* ... and said yes */
    gboolean seen[4];  /* items that the clinic's owner has had in its hands */
    gboolean cut;      /* the power went */
    gboolean late_cut; /* ... after File was called */
} Run;

static Host *
host_at(Run *run, gboolean clinic)
{
    return clinic ? run->clinic : run->patient;
}

static const EhdSessionInfo *
info_of(Host *host)
{
    return host->owner.session != NULL ? ehd_session_get_info(host->owner.session) : NULL;
}

static gboolean
is_over(Host *host)
{
    const EhdSessionInfo *info = info_of(host);

    return info == NULL || info->state == EHD_STATE_DONE || info->state == EHD_STATE_FAILED;
}

/* ---------------------------------------------------------------- up to the list */

static gboolean
is_quiet(Host *host)
{
    return ehd_books_get_pending(host->core->books) == 0 && host->owner.session->jobs == 0;
}

static void
run_start(Run *run)
{
    EhdReceiveOptions receive;

    memset(run, 0, sizeof *run);
    run->air = scratch_new();
    run->ca = host_ca();
    run->clinic = host_new(run->air, NULL);
    run->patient = host_new(run->air, NULL);
    host_certify(run->clinic, run->patient, run->ca, NULL);
    host_add_item(run->patient, "a.dcm", BIG, EHP__CATEGORY__CATEGORY_MEDICAL_IMAGING);
    host_add_item(run->patient, "b.json", SMALL, EHP__CATEGORY__CATEGORY_PATIENT_SUMMARY);
    ehd_receive_options_init(&receive);
    receive.list = TRUE;
    run->clinic->owner.files = FALSE;
    host_receive(run->clinic, &receive);
    host_send(run->patient, NULL);
    field_tap(run->clinic->port, run->patient->port, 0);
    WAIT(info_of(run->clinic)->may_ask && is_quiet(run->clinic) && is_quiet(run->patient));
    for (guint i = 0; i < 2; i++)
        run->ids[i] = g_strdup(info_of(host_at(run, i != 0))->id);
}

static void
run_end(Run *run)
{
    host_free(run->clinic);
    host_free(run->patient);
    test_ca_free(run->ca);
    scratch_free(run->air);
    g_free(run->ids[0]);
    g_free(run->ids[1]);
}

/* ---------------------------------------------------------------- what the clinic does */

static void
on_asked(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Run *run = user_data;
    g_autoptr(GError) error = NULL;

    g_task_propagate_boolean(G_TASK(result), &error);
    g_assert_no_error(error);
    run->asking = FALSE;
    run->asked++;
}

static void
ask(Run *run, const char *number)
{
    g_autoptr(GArray) queries = ehd_queries_new();
    EhdQuery query = {.ids = g_new0(char *, 2)};

    query.ids[0] = g_strdup(number);
    g_array_append_val(queries, query);
    run->asking = TRUE;
    run->requested = run->asked + 1;
    ehd_session_request_items_async(run->clinic->owner.session, queries, FALSE, on_asked, run);
}

static void
on_filed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Run *run = user_data;
    g_autoptr(GError) error = NULL;

    g_task_propagate_boolean(G_TASK(result), &error);
    g_assert_no_error(error);
    run->filed = TRUE;
}

/* How many items there are; 0: not all of them are in the owner's hands yet. */
static guint
count_collected(Run *run)
{
    g_autoptr(GArray) list =
        ehd_session_list_items(run->clinic->owner.session, EHD_TO_TERMINAL, 0, 256, NULL);

    for (guint i = LISTED; i < list->len; i++)
        if (g_array_index(list, EhdItemInfo, i).state != EHD_ITEM_COLLECTED)
            return 0;
    return list->len;
}

/* Asks for the next, or files. */
static void
take_step(Run *run)
{
    const EhdSessionInfo *info = info_of(run->clinic);
    guint n;

    if (info != NULL && !run->filing) /* else it would wait for ever */
        g_assert_cmpint(info->transfer, !=, EHD_TRANSFER_FAILED);
    if (info == NULL || !info->may_ask || run->asking || run->filing)
        return;
    n = count_collected(run);
    if (n >= LISTED && n - LISTED < G_N_ELEMENTS(picks)) {
        ask(run, picks[n - LISTED].number);
    } else if (n > 0 && run->clinic->owner.session->linked &&
               run->patient->owner.session->linked) {
        run->filing = TRUE;
        ehd_session_file_async(run->clinic->owner.session, on_filed, run);
    }
}

/* Whatever came into the owner's hands is whole. */
static void
look_at_items(Run *run)
{
    GPtrArray *got = run->clinic->owner.got;

    for (guint id = LISTED; id < got->len; id++) {
        GBytes *bytes = g_ptr_array_index(got, id);
        g_autoptr(GBytes) expected = NULL;

        if (bytes == NULL)
            continue;
        g_assert_cmpuint(id - LISTED, <, G_N_ELEMENTS(picks));
        expected = host_item_bytes(picks[id - LISTED].file, picks[id - LISTED].size);
        g_assert_true(g_bytes_equal(bytes, expected));
        run->seen[id] = TRUE;
    }
}

/* ---------------------------------------------------------------- the cut */

static void
on_gone(gpointer user_data)
{
    cut_link_snap(user_data); /* no more is heard of it */
}

/* An item is not gone unless its owner has it; one that is there is whole. */
static void
check_items(Run *run)
{
    EhdSession *session = run->clinic->owner.session;

    g_assert_cmpuint(session->items->len, <=, LISTED + G_N_ELEMENTS(picks));
    for (guint id = LISTED; id < session->items->len; id++)
        if (session->item_states->data[id] == EHD_ITEM_COLLECTED)
            g_assert_true(run->seen[id]);
}

/* What was promised is there, and nothing that was not asked for. */
static void
check_clinic(Run *run)
{
    EhdSession *session = run->clinic->owner.session;
    const EhdSessionInfo *info = info_of(run->clinic);

    if (run->filing && (info == NULL || info->state == EHD_STATE_DONE))
        return; /* filed */
    g_assert_nonnull(info);
    g_assert_cmpint(info->state, !=, EHD_STATE_FAILED);
    g_assert_false(run->filed);
    g_assert_cmpuint(ehd_session_transfer_number(session), >=, run->asked);
    g_assert_cmpuint(ehd_session_transfer_number(session), <=, run->requested);
    check_items(run);
    run->asking = run->filing = FALSE;
    run->asked = run->requested = ehd_session_transfer_number(session);
}

static void
check_patient(Run *run)
{
    const EhdSessionInfo *info = info_of(run->patient);

    if (info == NULL && run->filing) /* it knows, and has left */
        return;
    g_assert_nonnull(info);
    g_assert_cmpint(info->state, !=, EHD_STATE_FAILED);
}

static gboolean was_write; /* the last call before the last cut */

typedef struct {
    gboolean clinic; /* whose power goes */
    guint at;        /* after so many calls */
    gboolean early;  /* at the end of the last one; else before the next */
    gboolean torn;   /* the last one was a write, and half of it was done */
    TapeLoss loss;
} Point;

static void
apply(TapeDisk *disk, GPtrArray *ops, const Point *point)
{
    for (guint i = 0; i < point->at; i++) {
        const TapeOp *op = g_ptr_array_index(ops, i);

        was_write = op->data != NULL;
        tape_disk_apply(disk, op, point->torn && i + 1 == point->at && was_write);
    }
}

static void
come_back(Run *run, const Point *point)
{
    Host *host = host_at(run, point->clinic);
    TapeDisk *disk;
    g_autoptr(GPtrArray) ops = NULL;
    EhdSession *session;

    run->cut = TRUE;
    run->late_cut = run->filing;
    cut_link_snap(host->link);
    tape_power_off();
    look_at_items(run);
    ehd_core_free(g_steal_pointer(&host->core)); /* its workers come to their end */
    ops = tape_stop();
    g_assert_cmpuint(ops->len, ==, point->at);
    disk = tape_disk_new();
    apply(disk, ops, point);
    outage_restart(host, run->air, disk, point->loss);
    tape_disk_free(disk);
    session = ehd_core_find(host->core, run->ids[point->clinic], 1000, NULL);
    if (session != NULL)
        owner_attach(&host->owner, session);
    if (point->clinic)
        check_clinic(run);
    else
        check_patient(run);
}

/* ---------------------------------------------------------------- the end */

/* To a clinic that has filed, and was cut off before it could say so, nobody comes back. */
static gboolean
is_forsaken(Run *run)
{
    EhdSession *clinic = run->clinic->owner.session;

    return run->late_cut && is_over(run->clinic) && !is_over(run->patient) &&
           (clinic == NULL || clinic->engine == NULL || clinic->engine_ended) &&
           !run->patient->owner.session->linked;
}

static void
go_to_end(Run *run, const Point *point)
{
    while (!is_over(run->clinic) || !is_over(run->patient)) {
        g_main_context_iteration(NULL, TRUE);
        if (!run->cut && tape_power_is_gone())
            come_back(run, point);
        if (!is_over(run->clinic))
            look_at_items(run);
        take_step(run);
        if (is_forsaken(run))
            host_cancel(run->patient->owner.session);
    }
}

/* Of transfers 0 … 2, one each; the same on both sides. */
static void
check_receipts(Run *run)
{
    g_autoptr(GPtrArray) made = ehd_receipts_list(run->clinic->state, NULL);
    g_autoptr(GPtrArray) got = ehd_receipts_list(run->patient->state, NULL);

    g_assert_cmpuint(made->len, ==, 1 + G_N_ELEMENTS(picks));
    g_assert_cmpuint(got->len, ==, made->len);
    for (guint i = 0; i < made->len; i++) {
        gboolean same = FALSE;

        for (guint k = 0; k < got->len; k++)
            same = same || g_bytes_equal(((EhdReceipt *)g_ptr_array_index(made, i))->bytes,
                                         ((EhdReceipt *)g_ptr_array_index(got, k))->bytes);
        g_assert_true(same);
    }
}

typedef struct {
    char *kind;       /* owned */
    GString *account; /* owned: of each such line, from the direction on */
} Account;

static gboolean
on_line(const char *line, gsize length, gpointer user_data)
{
    Account *account = user_data;
    const char *from = g_strstr_len(line, (gssize)length, ",\"direction\"");

    if (g_strstr_len(line, (gssize)length, account->kind) == NULL)
        return TRUE;
    g_assert_nonnull(from);
    g_string_append_len(account->account, from, line + length - from);
    return TRUE;
}

static char *
account_of(Host *host, const char *kind)
{
    Account account = {g_strdup_printf("\"kind\":\"%s\"", kind), g_string_new(NULL)};

    g_assert_true(ehd_audit_visit(host->audit, on_line, &account, NULL));
    g_free(account.kind);
    return g_string_free(account.account, FALSE);
}

/* Every transfer is told of once, and both sides say the same of it. */
static void
check_audit(Run *run)
{
    const guint transfers = 1 + G_N_ELEMENTS(picks);
    g_autofree char *received = account_of(run->clinic, "received");
    g_autofree char *sent = account_of(run->patient, "sent");

    g_assert_cmpuint(host_count_audit(run->clinic, "received"), ==, transfers);
    g_assert_cmpuint(host_count_audit(run->patient, "sent"), ==, transfers);
    g_assert_cmpstr(received, ==, sent);
}

static void
check_end(Run *run)
{

    for (guint i = 0; i < G_N_ELEMENTS(picks); i++)
        g_assert_true(run->seen[LISTED + i]);
    check_receipts(run);
    WAIT(ehd_books_get_pending(run->clinic->core->books) == 0 &&
         ehd_books_get_pending(run->patient->core->books) == 0);
    check_audit(run);
    if (run->late_cut)
        return;
    g_assert_cmpint(host_error(run->clinic), ==, EHP_OK);
    g_assert_cmpint(host_error(run->patient), ==, EHP_OK);
    g_assert_cmpstr(info_of(run->patient)->status, ==, "filed");
    g_assert_cmpuint(host_count_audit(run->clinic, "filed"), ==, 1);
    host_wait_clean(run->clinic);
    host_wait_clean(run->patient);
}

/* FALSE: it came to its end before. */
static gboolean
cut_at(const Point *point)
{
    Host *host;
    g_autofree char *root = NULL;
    Run run;

    run_start(&run);
    host = host_at(&run, point->clinic);
    root = g_build_filename(host->dir, "state", NULL);
    tape_start(root);
    tape_power_at(point->at, point->early, on_gone, host->link);
    take_step(&run);
    go_to_end(&run, point);
    if (!run.cut) {
        g_ptr_array_unref(tape_stop());
        tape_disk_free(tape_disk_new());
    }
    check_end(&run);
    run_end(&run);
    return run.cut;
}

/* All of these: what is lost, and when the power goes. */
static guint
cut_after(gboolean clinic, guint at, gboolean all)
{
    guint points = 0;

    for (guint how = 0; how < TAPE_LOSSES * 4; how++) {
        Point point = {.clinic = clinic,
                       .at = at,
                       .loss = (TapeLoss)(how % TAPE_LOSSES),
                       .early = (how / TAPE_LOSSES) % 2 != 0,
                       .torn = how / TAPE_LOSSES / 2 != 0};

        if ((!all && how % 5 != at / 5 % 5) || (at == 0 && point.early) ||
            (point.torn && !was_write))
            continue;
        g_test_message("after %u%s%s, loss %d", at, point.early ? ", early" : "",
                       point.torn ? ", torn" : "", point.loss);
        if (!cut_at(&point))
            return points;
        points++;
    }
    return points;
}

static void
test_powercut(gconstpointer data)
{
    guint stride = g_test_slow() ? 1 : 5, points = 0, at = 0, last = 0;

    for (; (last = cut_after(data != NULL, at, g_test_slow())) > 0; at += stride)
        points += last;
    g_test_message("power cut at %u points of %u calls: all recovered", points, at);
    g_assert_cmpuint(points, >, 10);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_data_func("/core/powercut-later/receiver", "clinic", test_powercut);
    g_test_add_data_func("/core/powercut-later/sender", NULL, test_powercut);
    return g_test_run();
}
