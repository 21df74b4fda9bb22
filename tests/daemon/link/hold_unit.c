/* SPDX-License-Identifier: Apache-2.0
 *
 * Settings that are held (hold.h): counted, put back, also by the next run, and left alone once
 * somebody else has changed them. Two adapters that do at once, or only when told, what they
 * are asked.
 */
#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/link/hold.h"
#include "daemon/store/atomic.h"

static const guint8 one[6] = {0, 0xaa, 1, 0, 0, 0x42};
static const guint8 two[6] = {0, 0xaa, 1, 1, 0, 0x42};

typedef struct {
    char *dir;
    int fd;
    EhdHold *hold;
    gboolean on[2][EHD_HOLD_KINDS];
    guint sets;
    gboolean gone;   /* gets and sets fail */
    gboolean refuse; /* sets fail */
    gboolean slow;   /* sets wait for let() */
    gboolean recorded_first;
    EhdHoldDone done;
    gpointer done_data;
    gboolean *slot, value;
} Fixture;

static gboolean *
slot_of(Fixture *f, EhdHoldKind kind, const guint8 adapter[6])
{
    return &f->on[memcmp(adapter, two, 6) == 0][kind];
}

static void
fake_get(EhdHoldKind kind, const guint8 adapter[6], EhdHoldDone done, gpointer done_data,
         gpointer user_data)
{
    Fixture *f = user_data;
    g_autoptr(GError) error = NULL;

    if (f->gone)
        ehd_error_set(&error, EHP_NO_ADAPTER, NULL);
    done(*slot_of(f, kind, adapter), error, done_data);
}

static void
fake_set(EhdHoldKind kind, const guint8 adapter[6], gboolean value, EhdHoldDone done,
         gpointer done_data, gpointer user_data)
{
    Fixture *f = user_data;
    g_autoptr(GError) error = NULL;

    f->sets++;
    f->recorded_first = faccessat(f->fd, "adapters", F_OK, 0) == 0;
    if (f->gone || f->refuse) {
        ehd_error_set(&error, EHP_ADAPTER_BLOCKED, NULL);
        done(value, error, done_data);
        return;
    }
    if (f->slow) {
        f->done = done;
        f->done_data = done_data;
        f->slot = slot_of(f, kind, adapter);
        f->value = value;
        return;
    }
    *slot_of(f, kind, adapter) = value;
    done(value, NULL, done_data);
}

static void
let(Fixture *f)
{
    EhdHoldDone done = f->done;

    g_assert_nonnull(done);
    f->done = NULL;
    *f->slot = f->value;
    done(f->value, NULL, f->done_data);
}

static const EhdHoldOps ops = {.get = fake_get, .set = fake_set};

static void
on_taken(const GError *error, gpointer user_data)
{
    *(int *)user_data = error != NULL ? error->code : EHP_OK;
}

static int
take(Fixture *f, EhdHoldKind kind, const guint8 adapter[6])
{
    static int told;

    told = -1;
    ehd_hold_take(f->hold, kind, adapter, on_taken, &told);
    return told;
}

static gboolean
is_recorded(Fixture *f)
{
    return faccessat(f->fd, "adapters", F_OK, 0) == 0;
}

static void
set_up(Fixture *f, gconstpointer data)
{
    f->dir = g_dir_make_tmp("ehd-hold-XXXXXX", NULL);
    f->fd = open(f->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->hold = ehd_hold_new(f->fd, &ops, f);
}

static void
tear_down(Fixture *f, gconstpointer data)
{
    ehd_hold_free(f->hold);
    unlinkat(f->fd, "adapters", 0);
    close(f->fd);
    g_rmdir(f->dir);
    g_free(f->dir);
}

static void
test_counted(Fixture *f, gconstpointer data)
{
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, EHP_OK);
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, EHP_OK);
    g_assert_cmpint(take(f, EHD_HOLD_DISCOVERABLE, one), ==, EHP_OK);
    g_assert_cmpint(f->sets, ==, 2);
    g_assert_true(f->recorded_first);
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    g_assert_true(f->on[0][EHD_HOLD_POWER]);
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    g_assert_false(f->on[0][EHD_HOLD_POWER]);
    g_assert_true(f->on[0][EHD_HOLD_DISCOVERABLE]);
    g_assert_true(is_recorded(f));
    ehd_hold_drop(f->hold, EHD_HOLD_DISCOVERABLE, one);
    g_assert_false(f->on[0][EHD_HOLD_DISCOVERABLE]);
    g_assert_false(is_recorded(f));
}

/* What was on stays on. */
static void
test_theirs(Fixture *f, gconstpointer data)
{
    f->on[0][EHD_HOLD_POWER] = TRUE;
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, EHP_OK);
    g_assert_false(is_recorded(f));
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    g_assert_true(f->on[0][EHD_HOLD_POWER]);
    g_assert_cmpint(f->sets, ==, 0);
}

/* Off and on again by somebody else: it is theirs now. */
static void
test_changed_meanwhile(Fixture *f, gconstpointer data)
{
    take(f, EHD_HOLD_POWER, one);
    ehd_hold_seen(f->hold, EHD_HOLD_POWER, one, TRUE);
    ehd_hold_seen(f->hold, EHD_HOLD_POWER, one, FALSE);
    g_assert_false(is_recorded(f));
    ehd_hold_seen(f->hold, EHD_HOLD_POWER, one, TRUE);
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    g_assert_true(f->on[0][EHD_HOLD_POWER]);
    /* one that nobody told of is found out by looking */
    take(f, EHD_HOLD_FAST, one);
    f->on[0][EHD_HOLD_FAST] = FALSE;
    f->sets = 0;
    ehd_hold_drop(f->hold, EHD_HOLD_FAST, one);
    g_assert_cmpint(f->sets, ==, 0);
}

static void
test_crash(Fixture *f, gconstpointer data)
{
    EhdHold *crashed = f->hold;

    take(f, EHD_HOLD_POWER, one);
    take(f, EHD_HOLD_FAST, two);
    f->hold = ehd_hold_new(f->fd, &ops, f);
    g_assert_true(f->on[0][EHD_HOLD_POWER]);
    ehd_hold_settle(f->hold);
    g_assert_false(f->on[0][EHD_HOLD_POWER]);
    g_assert_false(f->on[1][EHD_HOLD_FAST]);
    g_assert_false(is_recorded(f));
    ehd_hold_free(crashed);
}

/* A session that begins before that keeps it, and it is put back after that one. */
static void
test_crash_and_go_on(Fixture *f, gconstpointer data)
{
    EhdHold *crashed = f->hold;

    take(f, EHD_HOLD_POWER, one);
    f->hold = ehd_hold_new(f->fd, &ops, f);
    f->sets = 0;
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, EHP_OK);
    ehd_hold_settle(f->hold);
    g_assert_cmpint(f->sets, ==, 0);
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    g_assert_false(f->on[0][EHD_HOLD_POWER]);
    ehd_hold_free(crashed);
}

/* Another boot, nonsense: nothing is touched. */
static void
test_bad_file(Fixture *f, gconstpointer data)
{
    static const char *const rows[] = {
        "power 00AA01000042 1\n",
        "power 00AA010000 99999999999\n",
        "brightness 00AA01000042 0\n",
        "power\n\n   \n",
        "power 00AA01000042 -1\npower 00AA01000042 x\n",
    };

    for (gsize i = 0; i < G_N_ELEMENTS(rows); i++) {
        ehd_hold_free(f->hold);
        g_assert_true(
            ehd_record_write(f->fd, "adapters", "adapters", rows[i], strlen(rows[i]), NULL));
        f->hold = ehd_hold_new(f->fd, &ops, f);
        f->on[0][EHD_HOLD_POWER] = TRUE;
        ehd_hold_settle(f->hold);
        g_assert_true(f->on[0][EHD_HOLD_POWER]);
    }
    g_assert_cmpint(f->sets, ==, 0);
}

static void
test_refused(Fixture *f, gconstpointer data)
{
    f->refuse = TRUE;
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, EHP_ADAPTER_BLOCKED);
    g_assert_false(is_recorded(f));
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    f->refuse = FALSE;
    f->gone = TRUE;
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, EHP_NO_ADAPTER);
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    f->gone = FALSE;
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, EHP_OK);
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    g_assert_false(f->on[0][EHD_HOLD_POWER]);
}

/* Taken and dropped again while it is being set, and the other way round. */
static void
test_slow(Fixture *f, gconstpointer data)
{
    f->slow = TRUE;
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, -1);
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    let(f); /* on, and since nobody wants it, off again */
    let(f);
    g_assert_false(f->on[0][EHD_HOLD_POWER]);
    g_assert_false(is_recorded(f));
    take(f, EHD_HOLD_POWER, one);
    let(f);
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    g_assert_cmpint(take(f, EHD_HOLD_POWER, one), ==, -1);
    let(f); /* off, and since somebody wants it, on again */
    let(f);
    g_assert_true(f->on[0][EHD_HOLD_POWER]);
    f->slow = FALSE;
    ehd_hold_drop(f->hold, EHD_HOLD_POWER, one);
    g_assert_false(f->on[0][EHD_HOLD_POWER]);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
#define CASE(name, function)                                                                   \
    g_test_add("/link/hold/" name, Fixture, NULL, set_up, function, tear_down)
    CASE("counted", test_counted);
    CASE("theirs", test_theirs);
    CASE("changed-meanwhile", test_changed_meanwhile);
    CASE("crash", test_crash);
    CASE("crash-and-go-on", test_crash_and_go_on);
    CASE("bad-file", test_bad_file);
    CASE("refused", test_refused);
    CASE("slow", test_slow);
    return g_test_run();
}
