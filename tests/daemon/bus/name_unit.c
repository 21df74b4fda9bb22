/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdLifetime at its edges: something comes up while the name is being given back; stop at each
 * phase; the name belongs to somebody else.
 */
#include "daemon/bus/lifetime.h"
#include "daemon/error.h"
#include "tests/daemon/bus/private-bus.h"

typedef struct {
    guint asked, idle_until, busy_until; /* is_idle: TRUE for the first, FALSE for the next … */
    guint ready, left;
    gboolean is_ready, has_left;
    ehp_status why;
} User;

static gboolean
is_idle(gpointer user_data)
{
    User *user = user_data;
    guint n = user->asked++;
    return n < user->idle_until || n >= user->busy_until;
}

static void
on_ready(gpointer user_data)
{
    User *user = user_data;
    user->ready++;
    user->is_ready = TRUE;
}

static void
on_leave(const GError *error, gpointer user_data)
{
    User *user = user_data;
    user->left++;
    user->has_left = TRUE;
    user->why = ehd_error_status(error);
}

static const EhdLifetimeUser lifetime_user = {is_idle, on_ready, on_leave};

typedef struct {
    PrivateBus *bus;
    GDBusConnection *server;
    EhdLifetime *lifetime;
    User user;
} Bench;

static gboolean
bench_start(Bench *bench, guint idle_ms)
{
    *bench = (Bench){0};
    bench->bus = private_bus_new();
    if (bench->bus == NULL)
        return FALSE;
    bench->server = private_bus_connect(bench->bus);
    bench->lifetime = ehd_lifetime_new(bench->server, idle_ms, &lifetime_user, &bench->user);
    return TRUE;
}

static void
bench_end(Bench *bench)
{
    g_clear_pointer(&bench->lifetime, ehd_lifetime_free);
    g_dbus_connection_close_sync(bench->server, NULL, NULL);
    g_object_unref(bench->server);
    private_bus_free(bench->bus);
    while (g_main_context_iteration(NULL, FALSE))
        ;
}

static void
test_leaves(void)
{
    Bench bench;
    if (!bench_start(&bench, 1))
        return;
    ehd_lifetime_start(bench.lifetime);
    wait_until(&bench.user.has_left);
    g_assert_cmpint(bench.user.why, ==, EHP_OK);
    g_assert_cmpuint(bench.user.ready, ==, 1);
    bench_end(&bench);
}

/* Asked when ready, when the time is up, and when the name is given back: busy at the third. */
static void
test_stays(void)
{
    Bench bench;
    if (!bench_start(&bench, 1))
        return;
    bench.user.idle_until = 2;
    bench.user.busy_until = 3;
    ehd_lifetime_start(bench.lifetime);
    wait_until(&bench.user.has_left);
    g_assert_cmpuint(bench.user.ready, ==, 2);
    g_assert_cmpuint(bench.user.left, ==, 1);
    bench_end(&bench);
}

static void
test_stop(void)
{
    for (int phase = 0; phase < 3; phase++) {
        Bench bench;
        if (!bench_start(&bench, 0))
            return;
        bench.user.busy_until = G_MAXUINT; /* never idle: stop goes all the same */
        if (phase > 0)
            ehd_lifetime_start(bench.lifetime);
        if (phase > 1)
            wait_until(&bench.user.is_ready);
        ehd_lifetime_stop(bench.lifetime);
        ehd_lifetime_stop(bench.lifetime);
        wait_until(&bench.user.has_left);
        g_assert_cmpint(bench.user.why, ==, EHP_OK);
        g_assert_cmpuint(bench.user.left, ==, 1);
        bench_end(&bench);
    }
}

static void
test_taken(void)
{
    Bench bench;
    if (!bench_start(&bench, 0))
        return;
    GDBusConnection *first = private_bus_connect(bench.bus);
    User user = {.busy_until = G_MAXUINT};
    g_autoptr(EhdLifetime) owner = ehd_lifetime_new(first, 0, &lifetime_user, &user);
    ehd_lifetime_start(owner);
    wait_until(&user.is_ready);
    ehd_lifetime_start(bench.lifetime);
    wait_until(&bench.user.has_left);
    g_assert_cmpint(bench.user.why, ==, EHP_DAEMON_UNAVAILABLE);
    g_assert_cmpuint(bench.user.ready, ==, 0);
    /* freed with a question to the bus under way */
    ehd_lifetime_stop(owner);
    g_clear_pointer(&owner, ehd_lifetime_free);
    settle(first);
    g_assert_cmpuint(user.left, ==, 0);
    g_dbus_connection_close_sync(first, NULL, NULL);
    g_object_unref(first);
    bench_end(&bench);
}

static void
test_bus_closes(void)
{
    Bench bench;
    if (!bench_start(&bench, 0))
        return;
    ehd_lifetime_start(bench.lifetime);
    wait_until(&bench.user.is_ready);
    g_dbus_connection_close_sync(bench.server, NULL, NULL);
    wait_until(&bench.user.has_left);
    g_assert_cmpint(bench.user.why, ==, EHP_DAEMON_UNAVAILABLE);
    g_clear_pointer(&bench.lifetime, ehd_lifetime_free);
    g_object_unref(bench.server);
    private_bus_free(bench.bus);
}

int
main(int argc, char **argv)
{
    g_test_init(&argc, &argv, NULL);
    g_test_add_func("/lifetime/leaves", test_leaves);
    g_test_add_func("/lifetime/stays", test_stays);
    g_test_add_func("/lifetime/stop", test_stop);
    g_test_add_func("/lifetime/taken", test_taken);
    g_test_add_func("/lifetime/bus-closes", test_bus_closes);
    return g_test_run();
}
