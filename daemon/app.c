/* SPDX-License-Identifier: Apache-2.0
 *
 * Start: configuration, bus connection, state (waiting for the daemon before us to let go of
 * it), stores, reader, link, core, objects, and the bus name last, so that whoever reaches us
 * finds everything in place. End: core, name, objects, state. Nothing blocks in between.
 */
#include "daemon/app.h"

#include <gio/gio.h>
#include <glib-unix.h>
#include <unistd.h>

#include "daemon/bus/bus.h"
#include "daemon/bus/lifetime.h"
#include "daemon/bus/names.h"
#include "daemon/core/core.h"
#include "daemon/error.h"
#include "daemon/log.h"
#include "daemon/notify.h"
#include "daemon/tap/tap.h"

/* How long a daemon that is leaving may hold the state: it stops within two seconds. */
#define STATE_WAIT_MS 10000
#define STATE_POLL_MS 10
/* How long calls that wait for the disk may hold up the end. */
#define END_WAIT_MS   2000

typedef struct {
    const EhdArguments *arguments; /* borrowed */
    GMainLoop *loop;
    int status;
    gboolean core_stopping;
    guint on_term, on_int, on_hup;
    EhdWatchdog *watchdog; /* NULL: nobody watches */

    EhdConfig *config;
    GDBusConnection *connection;
    EhdState *state;
    EhdSeal *seal;
    EhdTrust *trust;
    EhdLedger *ledger;
    EhdSpool *spool;
    EhdAudit *audit;
    EhdTap *tap;
    EhdTapPort *port;
    EhdLink *link;
    EhdBus *bus;
    EhdCore *core;
    EhdLifetime *lifetime;
} EhdApp;

/* --- while it runs ---------------------------------------------------------------------------
 */

static void
on_activity(gpointer user_data, gpointer unused)
{
    EhdApp *app = user_data;
    if (app->lifetime != NULL)
        ehd_lifetime_activity(app->lifetime);
}

static gboolean
is_idle(gpointer user_data)
{
    return ehd_bus_is_idle(((EhdApp *)user_data)->bus);
}

static void
on_ready(gpointer user_data)
{
    ehd_log(G_LOG_LEVEL_MESSAGE, EHD_LOG_ID_STARTED, "ehrlinkd %s serves as %s", EHD_VERSION,
            EHD_BUS_NAME);
}

static void
on_leave(const GError *error, gpointer user_data)
{
    EhdApp *app = user_data;
    if (error != NULL) {
        g_warning("leaving: %s", error->message);
        app->status = ehp_status_exit(EHP_DAEMON_UNAVAILABLE);
    }
    g_main_loop_quit(app->loop);
}

static const EhdLifetimeUser lifetime_user = {
    .is_idle = is_idle,
    .ready = on_ready,
    .leave = on_leave,
};

static void
on_core_stopped(GObject *source, GAsyncResult *result, gpointer user_data)
{
    EhdApp *app = user_data;
    g_autoptr(GError) error = NULL;
    if (!ehd_core_stop_finish(app->core, result, &error))
        g_warning("ending the sessions: %s", error->message);
    ehd_lifetime_stop(app->lifetime);
}

static gboolean
on_signal(gpointer user_data)
{
    EhdApp *app = user_data;
    if (!app->core_stopping)
        ehd_core_stop_async(app->core, on_core_stopped, app);
    app->core_stopping = TRUE;
    return G_SOURCE_CONTINUE;
}

/* The files, and over them what the command line says. */
static EhdConfig *
load_config(const EhdArguments *arguments, GError **error)
{
    g_autoptr(EhdConfig) config = ehd_config_load(arguments->config, error);

    if (config == NULL ||
        (arguments->link != NULL && !ehd_config_set_link(config, arguments->link, error)))
        return NULL;
    if (arguments->state_directory != NULL) {
        g_free(config->state_directory);
        config->state_directory = g_strdup(arguments->state_directory);
    }
    if (arguments->reader != NULL) {
        g_free(config->reader);
        config->reader = g_strdup(arguments->reader);
    }
    return g_steal_pointer(&config);
}

/* A configuration that does not hold changes nothing. */
static gboolean
on_reload(gpointer user_data)
{
    EhdApp *app = user_data;
    g_autoptr(GError) error = NULL;
    EhdConfig *config = load_config(app->arguments, &error);

    if (config == NULL) {
        ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_RELOAD_REFUSED,
                "the configuration stays as it was: %s", error->message);
        return G_SOURCE_CONTINUE;
    }
    g_autofree char *held = ehd_config_hold_back(config, app->config);
    ehd_config_unref(app->config);
    app->config = config;
    ehd_core_set_config(app->core, config);
    ehd_log(G_LOG_LEVEL_MESSAGE, EHD_LOG_ID_RELOADED, "the configuration was read again%s%s",
            held != NULL ? "; only a start changes " : "", held != NULL ? held : "");
    return G_SOURCE_CONTINUE;
}

/* --- start -----------------------------------------------------------------------------------
 */

static gboolean
connect_bus(EhdApp *app, GError **error)
{
    g_autofree char *address = g_dbus_address_get_for_bus_sync(G_BUS_TYPE_SYSTEM, NULL, error);
    if (address != NULL)
        app->connection = g_dbus_connection_new_for_address_sync(
            address,
            G_DBUS_CONNECTION_FLAGS_AUTHENTICATION_CLIENT |
                G_DBUS_CONNECTION_FLAGS_MESSAGE_BUS_CONNECTION,
            NULL, NULL, error);
    return app->connection != NULL;
}

static gboolean
is_served_already(EhdApp *app)
{
    gboolean owned = FALSE;
    g_autoptr(GVariant) reply = g_dbus_connection_call_sync(
        app->connection, "org.freedesktop.DBus", "/org/freedesktop/DBus",
        "org.freedesktop.DBus", "NameHasOwner", g_variant_new("(s)", EHD_BUS_NAME),
        G_VARIANT_TYPE("(b)"), G_DBUS_CALL_FLAGS_NONE, -1, NULL, NULL);
    if (reply != NULL)
        g_variant_get(reply, "(b)", &owned);
    return owned;
}

/* The daemon before us gives the name back before it lets go of the state: a moment's wait is
 * normal when the bus starts us while it leaves. */
static gboolean
open_state(EhdApp *app, GError **error)
{
    gint64 end = g_get_monotonic_time() + STATE_WAIT_MS * G_TIME_SPAN_MILLISECOND;
    for (;;) {
        g_autoptr(GError) why = NULL;
        app->state = ehd_state_open(app->config->state_directory, &why);
        if (app->state != NULL)
            return TRUE;
        if (ehd_error_status(why) != EHP_WRONG_STATE || is_served_already(app) ||
            g_get_monotonic_time() > end) {
            g_propagate_error(error, g_steal_pointer(&why));
            return FALSE;
        }
        g_usleep(STATE_POLL_MS * G_TIME_SPAN_MILLISECOND);
    }
}

static gboolean
open_stores(EhdApp *app, GError **error)
{
    EhdConfig *config = app->config;
    gint64 now = g_get_real_time() / G_USEC_PER_SEC;
    return open_state(app, error) && (app->seal = ehd_seal_open(app->state, error)) != NULL &&
           (app->trust = ehd_trust_open(app->state, config->trust_directory, error)) != NULL &&
           (app->ledger = ehd_ledger_open(app->state, app->seal, error)) != NULL &&
           (app->spool = ehd_spool_open(app->state, app->seal, config->spool_quota,
                                        config->min_free, error)) != NULL &&
           (app->audit = ehd_audit_open(app->state, now, error)) != NULL;
}

/* Under a service manager a helper is a unit of its own, with its device and without us. */
static const char *
socket_of(const char *helper, const char *path)
{
    return helper == NULL && access(path, F_OK) == 0 ? path : NULL;
}

static gboolean
open_link(EhdApp *app, GError **error)
{
    const EhdArguments *arguments = app->arguments;
    EhdLinkParts parts = {
        .config = app->config,
        .connection = app->connection,
        .state_fd = ehd_state_fd(app->state),
        .radio_program = arguments->bt_helper != NULL ? arguments->bt_helper : EHD_BT_HELPER,
        .radio_socket = socket_of(arguments->bt_helper, EHD_BT_SOCKET),
        .verbose = arguments->verbose,
    };
    app->link = ehd_link_new(&parts, error);
    return app->link != NULL;
}

static gboolean
open_devices(EhdApp *app, GError **error)
{
    EhdTapConfig config = {
        .helper_path =
            app->arguments->nfc_helper != NULL ? app->arguments->nfc_helper : EHD_NFC_HELPER,
        .reader = app->config->reader,
        .socket_path = socket_of(app->arguments->nfc_helper, EHD_NFC_SOCKET),
        .verbose = app->arguments->verbose,
    };
    app->tap = ehd_tap_new(&config);
    app->port = ehd_tap_port_nfc_new(app->tap);
    return open_link(app, error);
}

static gboolean
open_core(EhdApp *app, GError **error)
{
    EhdCoreParts parts = {
        .config = app->config,
        .state = app->state,
        .trust = app->trust,
        .ledger = app->ledger,
        .spool = app->spool,
        .audit = app->audit,
        .tap = app->port,
        .link = app->link,
    };
    app->bus = ehd_bus_new(app->connection, EHD_VERSION, on_activity, app);
    app->core = ehd_core_new(&parts, ehd_bus_get_hooks(), app->bus);
    return ehd_core_start(app->core, error) && ehd_bus_export(app->bus, app->core, error);
}

static gboolean
app_start(EhdApp *app, GError **error)
{
    app->config = load_config(app->arguments, error);
    if (app->config == NULL || !connect_bus(app, error) || !open_stores(app, error) ||
        !open_devices(app, error) || !open_core(app, error))
        return FALSE;
    app->on_term = g_unix_signal_add(SIGTERM, on_signal, app);
    app->on_int = g_unix_signal_add(SIGINT, on_signal, app);
    app->on_hup = g_unix_signal_add(SIGHUP, on_reload, app);
    app->watchdog = ehd_watchdog_new();
    app->lifetime =
        ehd_lifetime_new(app->connection, app->arguments->idle_ms, &lifetime_user, app);
    ehd_lifetime_start(app->lifetime);
    return TRUE;
}

/* --- end -------------------------------------------------------------------------------------
 */

static gboolean
on_enough(gpointer user_data)
{
    *(gboolean *)user_data = TRUE;
    return G_SOURCE_REMOVE;
}

/* Calls that wait for a person or for polkit end at once when the bus is closed; those that
 * wait for the disk get END_WAIT_MS. FALSE: some are still under way. */
static gboolean
let_calls_end(EhdApp *app)
{
    gboolean enough = FALSE;
    guint timer = g_timeout_add(END_WAIT_MS, on_enough, &enough);
    ehd_bus_close(app->bus);
    while (ehd_bus_count_calls(app->bus) > 0 && !enough)
        g_main_context_iteration(NULL, TRUE);
    if (!enough)
        g_source_remove(timer);
    return !enough;
}

static void
clear_serving(EhdApp *app)
{
    g_clear_pointer(&app->lifetime, ehd_lifetime_free);
    /* What a stuck call may still touch is left to the end of the process. */
    if (app->bus != NULL && !let_calls_end(app)) {
        g_warning("leaving with calls unanswered");
        return;
    }
    g_clear_pointer(&app->core, ehd_core_free);
    g_clear_pointer(&app->bus, ehd_bus_free);
    g_clear_pointer(&app->link, ehd_link_free);
    if (app->port != NULL)
        app->port->ops->free(app->port);
    g_clear_pointer(&app->tap, ehd_tap_free);
    g_clear_pointer(&app->audit, ehd_audit_free);
    g_clear_pointer(&app->spool, ehd_spool_free);
    g_clear_pointer(&app->ledger, ehd_ledger_free);
    g_clear_pointer(&app->trust, ehd_trust_free);
    g_clear_pointer(&app->seal, ehd_seal_free);
    g_clear_pointer(&app->state, ehd_state_free);
}

static void
app_clear(EhdApp *app)
{
    if (app->on_term != 0)
        g_source_remove(app->on_term);
    if (app->on_int != 0)
        g_source_remove(app->on_int);
    if (app->on_hup != 0)
        g_source_remove(app->on_hup);
    g_clear_pointer(&app->watchdog, ehd_watchdog_free);
    clear_serving(app);
    if (app->connection != NULL)
        g_dbus_connection_close_sync(app->connection, NULL, NULL);
    g_clear_object(&app->connection);
    g_clear_pointer(&app->config, ehd_config_unref);
    g_main_loop_unref(app->loop);
}

int
ehd_app_run(const EhdArguments *arguments)
{
    EhdApp app = {.arguments = arguments, .loop = g_main_loop_new(NULL, FALSE)};
    g_autoptr(GError) error = NULL;
    if (app_start(&app, &error)) {
        g_main_loop_run(app.loop);
    } else {
        ehp_status status =
            error->domain == EHD_ERROR ? (ehp_status)error->code : EHP_DAEMON_UNAVAILABLE;
        ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_CANNOT_START, "cannot start: %s: %s",
                ehp_status_text(status), error->message);
        app.status = ehp_status_exit(status);
    }
    app_clear(&app);
    ehd_log(G_LOG_LEVEL_MESSAGE, EHD_LOG_ID_STOPPED, "ended with %d", app.status);
    return app.status;
}
