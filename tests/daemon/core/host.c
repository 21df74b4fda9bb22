/* SPDX-License-Identifier: Apache-2.0
 *
 * See host.h: the parts of a daemon, put together and started; opening sessions; looking at
 * what became of them.
 */
#include "tests/daemon/core/host.h"

#include <glib/gstdio.h>
#include <string.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/grant-make.h"
#include "daemon/link/unix.h"
#include "tests/daemon/store/scratch.h"

static Host *
host_of(EhdSession *session, gpointer user_data)
{
    return user_data;
}

static gint64
host_now(gpointer user_data)
{
    return HOST_NOW;
}

static void
on_added(EhdSession *session, gpointer user_data)
{
    Host *host = host_of(session, user_data);

    host->added++;
    host->pending = MAX(host->pending, ehd_books_get_pending(host->core->books));
}

static void
on_removed(EhdSession *session, gpointer user_data)
{
    Host *host = host_of(session, user_data);

    host->removed++;
    if (host->owner.session == session)
        host->owner.session = NULL;
}

static void
on_idle_changed(gpointer user_data)
{
}

static const EhdCoreHooks hooks = {
    .session_added = on_added, .session_removed = on_removed, .idle_changed = on_idle_changed};

static void
start(Host *host, const char *air)
{
    g_autofree char *state_dir = g_build_filename(host->dir, "state", NULL);
    g_autoptr(GError) error = NULL;
    EhdCoreParts parts = {0};

    if (host->before_open != NULL)
        host->before_open();
    host->state = ehd_state_open(state_dir, &error);
    g_assert_no_error(error);
    host->seal = ehd_seal_open(host->state, &error);
    g_assert_no_error(error);
    host->trust = ehd_trust_open(host->state, NULL, &error);
    g_assert_no_error(error);
    host->ledger = ehd_ledger_open(host->state, host->seal, &error);
    g_assert_no_error(error);
    host->spool = ehd_spool_open(host->state, host->seal, host->config->spool_quota,
                                 host->config->min_free, &error);
    g_assert_no_error(error);
    host->audit = ehd_audit_open(host->state, HOST_NOW, &error);
    g_assert_no_error(error);
    host->link =
        cut_link_new(ehd_link_unix_new(air, host->address, (const guint8[]){22}, 1, &error));
    g_assert_no_error(error);
    host->port = field_port_new();
    parts.config = host->config;
    parts.state = host->state;
    parts.trust = host->trust;
    parts.ledger = host->ledger;
    parts.spool = host->spool;
    parts.audit = host->audit;
    parts.tap = field_port_get(host->port);
    parts.link = cut_link_get(host->link);
    parts.now = host->now != NULL ? host->now : host_now;
    parts.boottime = host->boottime;
    parts.stall_ms = host->stall_ms != 0 ? host->stall_ms : 30000;
    parts.grace_ms = 100;
    parts.removal_ms = host->removal_ms != 0 ? host->removal_ms : 60000;
    host->core = ehd_core_new(&parts, &hooks, host);
    if (host->before_start != NULL)
        host->before_start();
    host->started = ehd_core_start(host->core, &error);
    if (!host->started && host->before_start == NULL)
        g_assert_no_error(error);
}

static void
stop(Host *host)
{
    ehd_core_free(host->core);
    field_port_free(host->port);
    ehd_link_free(cut_link_get(host->link));
    ehd_audit_free(host->audit);
    ehd_spool_free(host->spool);
    ehd_ledger_free(host->ledger);
    ehd_trust_free(host->trust);
    ehd_seal_free(host->seal);
    ehd_state_free(host->state);
}

Host *
host_new(const char *air, void (*configure)(EhdConfig *config))
{
    Host *host = g_new0(Host, 1);

    host->dir = scratch_new();
    host->files = g_build_filename(host->dir, "files", NULL);
    g_assert_cmpint(g_mkdir(host->files, 0700), ==, 0);
    host->config = ehd_config_new();
    host->config->min_free = 0;
    host->config->take_up_ms =
        0; /* a session that failed leaves nothing, unless a test wants it */
    if (configure != NULL)
        configure(host->config);
    host->items = ehd_items_new();
    g_snprintf(host->address, sizeof host->address, "02%010X", g_random_int());
    owner_init(&host->owner, host);
    start(host, air);
    return host;
}

void
host_free(Host *host)
{
    if (host == NULL)
        return;
    stop(host);
    owner_clear(&host->owner);
    g_array_unref(host->items);
    ehd_config_unref(host->config);
    g_free(host->files);
    scratch_free(host->dir);
    g_free(host);
}

void
host_restart(Host *host, const char *air)
{
    stop(host);
    host->owner.session = NULL;
    host->added = host->removed = host->pending = 0;
    start(host, air);
}

GBytes *
host_item_bytes(guint number, gsize size)
{
    g_autoptr(GRand) rand = g_rand_new_with_seed(number);
    guint8 *bytes = g_malloc(size + 4);

    for (gsize i = 0; i < size; i += 4) { /* half of it compresses */
        guint32 word = i % 8192 < 4096 ? g_rand_int(rand) : number;
        memcpy(bytes + i, &word, 4);
    }
    return g_bytes_new_take(bytes, size);
}

void
host_add_item(Host *host, const char *name, gsize size, int category)
{
    guint number = host->items->len;
    g_autofree char *file = g_strdup_printf("%u", number);
    g_autofree char *path = g_build_filename(host->files, file, NULL);
    g_autoptr(GBytes) bytes = host_item_bytes(number, size);
    EhdItem item = {.name = g_strdup(name), .size = size, .category = category};

    g_assert_true(g_file_set_contents(path, g_bytes_get_data(bytes, NULL), (gssize)size, NULL));
    item.media_type = g_strdup("application/octet-stream");
    g_array_append_val(host->items, item);
}

/* ---------------------------------------------------------------- opening */

void
host_on_result(GObject *source, GAsyncResult *result, gpointer user_data)
{
    *(GAsyncResult **)user_data = g_object_ref(result);
}

EhdSession *
host_try_send(Host *host, const EhdSendOptions *options, GError **error)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(1000, EHD_ACTION_SEND);
    g_autoptr(GAsyncResult) result = NULL;
    EhdSendOptions mine;

    if (options != NULL)
        mine = *options;
    else
        ehd_send_options_init(&mine);
    if (mine.items == NULL)
        mine.items = host->items;
    ehd_core_send_async(host->core, grant, &mine, host_on_result, &result);
    WAIT(result != NULL);
    return ehd_core_send_finish(host->core, result, error);
}

EhdSession *
host_try_receive(Host *host, const EhdReceiveOptions *options, GError **error)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(1000, EHD_ACTION_RECEIVE);
    g_autoptr(GAsyncResult) result = NULL;
    EhdReceiveOptions mine;

    if (options != NULL)
        mine = *options;
    else
        ehd_receive_options_init(&mine);
    ehd_core_receive_async(host->core, grant, &mine, host_on_result, &result);
    WAIT(result != NULL);
    return ehd_core_receive_finish(host->core, result, error);
}

EhdSession *
host_send(Host *host, const EhdSendOptions *options)
{
    g_autoptr(GError) error = NULL;
    EhdSession *session = host_try_send(host, options, &error);

    g_assert_no_error(error);
    owner_attach(&host->owner, session);
    return session;
}

EhdSession *
host_receive(Host *host, const EhdReceiveOptions *options)
{
    g_autoptr(GError) error = NULL;
    EhdSession *session = host_try_receive(host, options, &error);

    g_assert_no_error(error);
    owner_attach(&host->owner, session);
    return session;
}

void
host_reply(Host *host)
{
    g_autoptr(GError) error = NULL;
    g_autoptr(GAsyncResult) result = NULL;

    ehd_session_reply_async(host->owner.session, host->items, host_on_result, &result);
    WAIT(result != NULL);
    ehd_session_reply_finish(host->owner.session, result, &error);
    g_assert_no_error(error);
}

void
host_cancel(EhdSession *session)
{
    g_autoptr(GAsyncResult) result = NULL;

    ehd_session_cancel_async(session, host_on_result, &result);
    WAIT(result != NULL);
    g_assert_true(ehd_session_cancel_finish(session, result, NULL));
}

/* ---------------------------------------------------------------- looking */

EhdSessionState
host_state(Host *host)
{
    return ehd_session_get_info(host->owner.session)->state;
}

ehp_status
host_error(Host *host)
{
    return ehd_session_get_info(host->owner.session)->error;
}

static gboolean
has_ended(Host *host)
{
    return host_state(host) == EHD_STATE_DONE || host_state(host) == EHD_STATE_FAILED;
}

void
host_wait_state(Host *host, EhdSessionState state)
{
    WAIT(host_state(host) == state || has_ended(host));
    if (host_state(host) != state)
        g_test_message("%s: %s", host->owner.states->str, ehp_status_name(host_error(host)));
    g_assert_cmpint(host_state(host), ==, state);
}

void
host_wait_end(Host *host)
{
    WAIT(has_ended(host));
}

static guint
count_entries(Host *host, const char *room)
{
    g_autofree char *path = g_build_filename(host->dir, "state", room, NULL);
    g_autoptr(GDir) dir = g_dir_open(path, 0, NULL);
    guint n = 0;

    while (dir != NULL && g_dir_read_name(dir) != NULL)
        n++;
    return n;
}

static gboolean
on_clean_tick(gpointer user_data)
{
    return G_SOURCE_CONTINUE; /* only wakes the loop, to look at the disk again */
}

void
host_wait_clean(Host *host)
{
    guint tick = g_timeout_add(5, on_clean_tick, NULL);

    WAIT(count_entries(host, "spool") == 0 && count_entries(host, "ledger") == 0);
    g_source_remove(tick);
}

void
host_assert_clean(Host *host)
{
    g_assert_cmpuint(count_entries(host, "spool"), ==, 0);
    g_assert_cmpuint(ehd_spool_used(host->spool), ==, 0);
    host_wait_clean(
        host); /* a session that is done keeps its record until the peer has the receipt */
}

typedef struct {
    char *pattern;
    guint n;
} Count;

static gboolean
on_line(const char *line, gsize length, gpointer user_data)
{
    Count *count = user_data;

    count->n += g_strstr_len(line, (gssize)length, count->pattern) != NULL ? 1 : 0;
    return TRUE;
}

guint
host_count_audit(Host *host, const char *kind)
{
    Count count = {g_strdup_printf("\"%s\"", kind), 0};
    g_autoptr(GError) error = NULL;

    ehd_audit_visit(host->audit, on_line, &count, &error);
    g_assert_no_error(error);
    g_free(count.pattern);
    return count.n;
}
