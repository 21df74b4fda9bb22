/* SPDX-License-Identifier: Apache-2.0 */
#include "tests/daemon/core/host.h"

#include <fcntl.h>
#include <glib/gstdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/core/grant-make.h"
#include "daemon/error.h"
#include "daemon/link/unix.h"
#include "proto/ehrlink.pb-c.h"
#include "tests/daemon/store/scratch.h"

#define DAY G_GINT64_CONSTANT(86400)

/* ---------------------------------------------------------------- owner */

static Host *
host_of(EhdSession *session, gpointer user_data)
{
    return user_data;
}

static void
remember_state(Owner *owner, EhdSession *session)
{
    const char *name = ehd_session_state_name(ehd_session_get_info(session)->state);

    owner->error = ehd_session_get_info(session)->error;
    if (g_str_has_suffix(owner->states->str, name))
        return;
    if (owner->states->len > 0)
        g_string_append_c(owner->states, ' ');
    g_string_append(owner->states, name);
}

static void
on_changed(EhdSession *session, gpointer user_data)
{
    remember_state(user_data, session);
}

static void
on_transfer_changed(EhdSession *session, gpointer user_data)
{
    g_assert_true(ehd_session_get_info(session)->has_transfer);
}

static void
on_progress(EhdSession *session, EhdDirection direction, gpointer user_data)
{
    const EhdSessionInfo *info = ehd_session_get_info(session);

    g_assert_cmpuint(info->done, <=, info->bytes);
    ((Owner *)user_data)->progressed++;
}

static void
on_item_changed(EhdSession *session, EhdDirection direction, guint id, EhdItemState state,
                gpointer user_data)
{
}

static void
on_ask_consent(EhdSession *session, gpointer user_data)
{
    Owner *owner = user_data;

    owner->asked++;
    switch (owner->answer) {
    case AGREE:
        ehd_session_answer_consent(session, TRUE, NULL, NULL, 0, 0, 0);
        break;
    case DECLINE:
        ehd_session_answer_consent(session, FALSE, NULL, NULL, 0, 0, 0);
        break;
    case NARROW:
        ehd_session_answer_consent(session, TRUE, NULL, owner->narrowed, owner->n_narrowed, 0,
                                   0);
        break;
    case SAY_NOTHING:
        break;
    }
}

static void
give_item(Owner *owner, EhdSession *session, guint id)
{
    g_autofree char *name = g_strdup_printf("%u", id);
    g_autofree char *path = g_build_filename(owner->files_dir, name, NULL);

    owner->given++;
    ehd_session_give_item(session, id, open(path, O_RDONLY | O_CLOEXEC), EHP_OK);
}

static void
on_open_item(EhdSession *session, guint id, gpointer user_data)
{
    Owner *owner = user_data;

    owner->opened++;
    switch (owner->giving) {
    case GIVE:
        give_item(owner, session, id);
        break;
    case GIVE_NONE:
        ehd_session_give_item(session, id, -1, EHP_NO_INPUT);
        break;
    case GIVE_LATER:
        owner->waiting_for = id;
        break;
    case SPOIL: {
        g_autofree char *name = g_strdup_printf("%u", id);
        g_autofree char *path = g_build_filename(owner->files_dir, name, NULL);
        g_assert_cmpint(truncate(path, 1), ==, 0);
        give_item(owner, session, id);
        break;
    }
    }
}

static void
on_void_questions(EhdSession *session, EhdVoidReason reason, gpointer user_data)
{
    Owner *owner = user_data;

    owner->voided++;
    owner->void_reason = reason;
}

static void
on_filed(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Owner *owner = user_data;
    g_autoptr(GError) error = NULL;

    owner->filed = ehd_session_file_finish(owner->session, result, &error);
    owner->filing = ehd_error_status(error);
}

/* Did it fail? Only an owner that expects it may go on. */
static gboolean
stumbled(Owner *owner, const GError *error)
{
    if (!owner->stumbles)
        g_assert_no_error(error);
    if (error != NULL)
        owner->stumbled = ehd_error_status(error);
    return error != NULL;
}

static void
on_item_stored(GObject *source, GAsyncResult *result, gpointer user_data)
{
    Owner *owner = user_data;
    g_autoptr(GError) error = NULL;

    ehd_session_item_stored_finish(owner->session, result, &error);
    if (stumbled(owner, error))
        return;
    owner->collected++;
    if (owner->files && ehd_session_get_info(owner->session)->role == EHD_TERMINAL &&
        owner->collected == ehd_session_get_info(owner->session)->items)
        ehd_session_file_async(owner->session, on_filed, owner);
}

typedef struct {
    Owner *owner;
    EhdDirection direction;
    guint id;
} Collecting;

static GBytes *
copy_of(GMappedFile *file)
{
    return g_bytes_new(g_mapped_file_get_contents(file), g_mapped_file_get_length(file));
}

static void
set_got(Owner *owner, guint id, GBytes *bytes)
{
    g_clear_pointer((GBytes **)&g_ptr_array_index(owner->got, id), g_bytes_unref);
    g_ptr_array_index(owner->got, id) = bytes;
}

static void
on_collected(GObject *source, GAsyncResult *result, gpointer user_data)
{
    g_autofree Collecting *collecting = user_data;
    Owner *owner = collecting->owner;
    g_autoptr(GError) error = NULL;
    int fd = ehd_session_collect_item_finish(owner->session, result, &error);
    g_autoptr(GMappedFile) file = NULL;
    struct stat st;

    if (stumbled(owner, error))
        return;
    g_assert_cmpint(fstatat(fd, "", &st, AT_EMPTY_PATH), ==, 0);
    g_assert_true(S_ISREG(st.st_mode));
    g_assert_cmpint(fcntl(fd, F_GETFL) & O_ACCMODE, ==, O_RDONLY);
    /* mapped, not read: a call that fails is to be one of the daemon's */
    file = g_mapped_file_new_from_fd(fd, FALSE, &error);
    g_assert_no_error(error);
    close(fd);
    if (collecting->direction == EHD_TO_PATIENT)
        g_ptr_array_add(owner->replies, copy_of(file));
    else
        set_got(owner, collecting->id, copy_of(file));
    ehd_session_item_stored_async(owner->session, collecting->direction, collecting->id,
                                  on_item_stored, owner);
}

static void
collect(Owner *owner, EhdDirection direction, guint id)
{
    Collecting *collecting = g_new(Collecting, 1);

    collecting->owner = owner;
    collecting->direction = direction;
    collecting->id = id;
    ehd_session_collect_item_async(owner->session, direction, id, on_collected, collecting);
}

/* Returns how many there were. */
static guint
collect_page(Owner *owner, EhdDirection direction, guint first)
{
    g_autoptr(GArray) items =
        ehd_session_list_items(owner->session, direction, first, 256, NULL);

    for (guint i = 0; i < items->len; i++) {
        const EhdItemInfo *item = &g_array_index(items, EhdItemInfo, i);

        if (direction == EHD_TO_TERMINAL && owner->got->len <= item->id)
            g_ptr_array_set_size(owner->got, (int)item->id + 1);
        if (owner->collects && item->state == EHD_ITEM_STORED)
            collect(owner, direction, item->id);
    }
    return items->len;
}

static void
on_items_arrived(EhdSession *session, EhdDirection direction, gpointer user_data)
{
    Owner *owner = user_data;

    owner->arrived += direction == EHD_TO_TERMINAL;
    for (guint first = 0, n = 256; n == 256; first += n)
        n = collect_page(owner, direction, first);
}

static void
on_offer_reply(EhdSession *session, gpointer user_data)
{
    Owner *owner = user_data;

    owner->offered++;
    ehd_session_answer_reply(session, owner->answer != DECLINE && !owner->declines_replies);
}

void
owner_collect_again(Owner *owner)
{
    if (owner->collected == ehd_session_get_info(owner->session)->items)
        ehd_session_file_async(owner->session, on_filed, owner);
    else
        collect_page(owner, EHD_TO_TERMINAL, 0);
}

static const EhdSessionListener listener = {
    .changed = on_changed,
    .transfer_changed = on_transfer_changed,
    .progress = on_progress,
    .item_changed = on_item_changed,
    .ask_consent = on_ask_consent,
    .open_item = on_open_item,
    .void_questions = on_void_questions,
    .items_arrived = on_items_arrived,
    .offer_reply = on_offer_reply,
};

static void
bytes_unref(gpointer bytes)
{
    if (bytes != NULL)
        g_bytes_unref(bytes);
}

void
owner_init(Owner *owner, Host *host)
{
    memset(owner, 0, sizeof *owner);
    owner->states = g_string_new(NULL);
    owner->files_dir = g_strdup(host->files);
    owner->got = g_ptr_array_new_with_free_func(bytes_unref);
    owner->replies = g_ptr_array_new_with_free_func(bytes_unref);
    owner->collects = owner->files = TRUE;
}

void
owner_clear(Owner *owner)
{
    g_string_free(owner->states, TRUE);
    g_free(owner->files_dir);
    g_ptr_array_unref(owner->got);
    g_ptr_array_unref(owner->replies);
}

void
owner_attach(Owner *owner, EhdSession *session)
{
    if (owner->session != session) {
        g_string_truncate(owner->states, 0);
        g_ptr_array_set_size(owner->got, 0);
        owner->collected = owner->arrived = owner->asked = owner->opened = 0;
    }
    owner->session = session;
    remember_state(owner, session);
    ehd_session_set_listener(session, &listener, owner);
}

/* ---------------------------------------------------------------- host */

static gint64
host_now(gpointer user_data)
{
    return HOST_NOW;
}

static void
on_added(EhdSession *session, gpointer user_data)
{
    host_of(session, user_data)->added++;
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
    if (!ehd_core_start(host->core, &error) && host->before_start == NULL)
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
    host->config->take_up_ms = 0; /* a session that failed leaves nothing, unless a test wants it */
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
    host->added = host->removed = 0;
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

/* ---------------------------------------------------------------- certificates */

TestCa *
host_ca(void)
{
    TestCaNames names = {"Test Authority", EHD_CLOCK_FLOOR, HOST_NOW + 3650 * DAY};

    return test_ca_new(&names);
}

static gnutls_pubkey_t
request_key(Host *host)
{
    static const EhdIdentityNames names = {"Test Clinic", "Reception 1", "Vienna", "AT"};
    g_autoptr(EhdGrant) grant = ehd_grant_make(0, EHD_ACTION_MANAGE_IDENTITY);
    g_autoptr(GError) error = NULL;
    g_autofree char *pem = NULL;
    gnutls_x509_crq_t crq;
    gnutls_pubkey_t key;
    gnutls_datum_t datum;

    ehd_core_init_identity(host->core, grant, &names, FALSE, &pem, &error);
    g_assert_no_error(error);
    datum = (gnutls_datum_t){(guint8 *)pem, (unsigned)strlen(pem)};
    g_assert_cmpint(gnutls_x509_crq_init(&crq), ==, 0);
    g_assert_cmpint(gnutls_x509_crq_import(crq, &datum, GNUTLS_X509_FMT_PEM), ==, 0);
    g_assert_cmpint(gnutls_pubkey_init(&key), ==, 0);
    g_assert_cmpint(gnutls_pubkey_import_x509_crq(key, crq, 0), ==, 0);
    gnutls_x509_crq_deinit(crq);
    return key;
}

static void
import(Host *clinic, TestCa *ca, gnutls_x509_crt_t leaf, const char *what)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(0, EHD_ACTION_MANAGE_IDENTITY);
    g_autofree char *leaf_pem = test_ca_pem(leaf);
    g_autofree char *middle_pem = test_ca_pem(ca->crt[TEST_CA_INTERMEDIATE]);
    g_autofree char *chain = g_strconcat(leaf_pem, middle_pem, NULL);
    gint64 made = g_strcmp0(what, "stale-crl") == 0 ? HOST_NOW - 20 * DAY : HOST_NOW - DAY;
    g_autoptr(GError) error = NULL;
    GBytes *crls[2];

    if (g_strcmp0(what, "revoked") == 0)
        test_ca_revoke(ca, leaf);
    for (guint i = 0; i < 2; i++) {
        gnutls_x509_crl_t crl =
            test_ca_crl(ca, i == 0 ? TEST_CA_ROOT : TEST_CA_INTERMEDIATE, made, made + 7 * DAY);
        crls[i] = test_ca_crl_der(crl);
        gnutls_x509_crl_deinit(crl);
    }
    ehd_core_import_identity(clinic->core, grant, chain, crls,
                             g_strcmp0(what, "no-crl") == 0 ? 0 : 2, &error);
    g_assert_no_error(error);
    g_bytes_unref(crls[0]);
    g_bytes_unref(crls[1]);
}

void
host_certify(Host *clinic, Host *patient, TestCa *ca, const char *what)
{
    g_autoptr(EhdGrant) grant = ehd_grant_make(0, EHD_ACTION_MANAGE_TRUST);
    g_autofree char *root = test_ca_pem(ca->crt[TEST_CA_ROOT]);
    gnutls_pubkey_t key = request_key(clinic);
    g_autoptr(GError) error = NULL;
    TestCaLeaf names = {.organisation = "Test Clinic",
                        .terminal = "Reception 1",
                        .locality = "Vienna",
                        .country = "AT",
                        .not_before = HOST_NOW - DAY,
                        .not_after = HOST_NOW + 29 * DAY,
                        .eku = EHD_EKU_TERMINAL,
                        .signer = TEST_CA_INTERMEDIATE};
    gnutls_x509_crt_t leaf = test_ca_issue(ca, key, &names);

    import(clinic, ca, leaf, what);
    if (patient != NULL) {
        ehd_core_add_trust(patient->core, grant, root, NULL, &error);
        g_assert_no_error(error);
    }
    gnutls_x509_crt_deinit(leaf);
    gnutls_pubkey_deinit(key);
}
