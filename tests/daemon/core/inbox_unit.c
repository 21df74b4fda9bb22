/* SPDX-License-Identifier: Apache-2.0
 *
 * The inbox by itself: what is written waits for company before it is synced, and must not wait
 * for ever when what follows writes nothing.
 */
#include <glib/gstdio.h>
#include <sodium.h>
#include <unistd.h>

#include "daemon/core/inbox.h"
#include "tests/daemon/core/host.h"

typedef struct {
    GMutex held; /* the worker stands still while the test holds it */
    guint durable, stored, opened, failed, refused;
} Told;

static void
on_durable(guint32 item, guint64 segments, gpointer user_data)
{
    ((Told *)user_data)->durable++;
}

static void
on_stored(guint32 item, gpointer user_data)
{
    ((Told *)user_data)->stored++;
}

static void
on_failed(ehp_status why, gpointer user_data)
{
    g_error("the inbox failed: %s", ehp_status_name(why));
}

static const EhdInboxUser user = {
    .durable = on_durable, .stored = on_stored, .failed = on_failed};

static void
on_opened(int fd, ehp_status status, gpointer user_data)
{
    g_assert_cmpint(status, ==, EHP_OK);
    close(fd);
    ((Told *)user_data)->opened++;
}

static ehp_status
stand_still(gpointer user_data)
{
    Told *told = user_data;

    g_mutex_lock(&told->held);
    g_mutex_unlock(&told->held);
    return EHP_OK;
}

static void
on_done(ehp_status status, gpointer user_data)
{
    g_assert_cmpint(status, ==, EHP_OK);
}

static void
put(EhdInbox *inbox, guint32 item)
{
    ehd_inbox_append(inbox, item, 4, 0, 0, (const guint8 *)"data", 4);
    ehd_inbox_complete(inbox, item, 4);
}

/* An application opens one item while the next one has just come in: that one is stored, too.
 */
static void
test_opened_behind(void)
{
    g_autofree char *air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    Host *host = host_new(air, NULL);
    g_autoptr(GBytes) meta = g_bytes_new_static("note", 4);
    Told told = {0};
    EhdInbox *inbox = ehd_inbox_new(host->spool, host->ledger, "s1", G_MAXUINT32, 0,
                                    ehd_state_fd(host->state), &user, &told);

    g_mutex_init(&told.held);
    ehd_inbox_prepare(inbox, meta, 8, on_done, &told);
    put(inbox, 0);
    WAIT(told.stored == 1);
    g_mutex_lock(&told.held);
    ehd_inbox_run(inbox, stand_still, on_done, &told);
    put(inbox, 1);
    ehd_inbox_open(inbox, 0, on_opened, &told);
    g_mutex_unlock(&told.held);
    WAIT(told.opened == 1 && told.stored == 2);
    ehd_inbox_discard(inbox, on_done, &told);
    ehd_inbox_free(inbox);
    g_mutex_clear(&told.held);
    host_free(host);
    g_assert_cmpint(g_rmdir(air), ==, 0);
}

/* The link is cut between the last segment of an item and the word that it is done: the segment
 * becomes durable all the same, since the next link waits for it. */
static void
test_cut_before_done(void)
{
    g_autofree char *air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    Host *host = host_new(air, NULL);
    g_autoptr(GBytes) meta = g_bytes_new_static("note", 4);
    Told told = {0};
    EhdInbox *inbox = ehd_inbox_new(host->spool, host->ledger, "s1", G_MAXUINT32, 0,
                                    ehd_state_fd(host->state), &user, &told);

    ehd_inbox_prepare(inbox, meta, 8, on_done, &told);
    ehd_inbox_append(inbox, 0, 4, 0, 0, (const guint8 *)"data", 4);
    ehd_inbox_sync(inbox);
    WAIT(told.durable == 1);
    ehd_inbox_complete(inbox, 0, 4);
    WAIT(told.stored == 1);
    ehd_inbox_discard(inbox, on_done, &told);
    ehd_inbox_free(inbox);
    host_free(host);
    g_assert_cmpint(g_rmdir(air), ==, 0);
}

static void
on_failure(ehp_status why, gpointer user_data)
{
    g_assert_cmpint(why, ==, EHP_NOT_FOUND);
    ((Told *)user_data)->failed++;
}

static void
on_no_room(ehp_status status, gpointer user_data)
{
    g_assert_cmpint(status, ==, EHP_NOT_FOUND);
    ((Told *)user_data)->refused++;
}

/* A session is cancelled while its peer still sends: what comes behind that finds no room. */
static void
test_behind_discard(void)
{
    static const EhdInboxUser failing = {
        .durable = on_durable, .stored = on_stored, .failed = on_failure};
    g_autofree char *air = g_dir_make_tmp("ehd-air-XXXXXX", NULL);
    Host *host = host_new(air, NULL);
    g_autoptr(GBytes) meta = g_bytes_new_static("note", 4);
    Told told = {0};
    EhdInbox *inbox = ehd_inbox_new(host->spool, host->ledger, "s1", G_MAXUINT32, 0,
                                    ehd_state_fd(host->state), &failing, &told);

    ehd_inbox_prepare(inbox, meta, 8, on_done, &told);
    ehd_inbox_discard(inbox, on_done, &told);
    ehd_inbox_extend(inbox, meta, 8, on_no_room, &told);
    put(inbox, 1);
    WAIT(told.refused == 1 && told.failed == 1);
    g_assert_cmpuint(told.durable + told.stored, ==, 0);
    ehd_inbox_free(inbox);
    host_free(host);
    g_assert_cmpint(g_rmdir(air), ==, 0);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_assert_cmpint(sodium_init(), >=, 0);
    g_test_add_func("/core/inbox/opened-behind", test_opened_behind);
    g_test_add_func("/core/inbox/cut-before-done", test_cut_before_done);
    g_test_add_func("/core/inbox/behind-discard", test_behind_discard);
    return g_test_run();
}
