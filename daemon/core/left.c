/* SPDX-License-Identifier: Apache-2.0
 *
 * See left.h. The record: a letter padded to eight bytes, what is secret, then a GVariant.
 */
#include "daemon/core/left.h"

#include <sodium.h>
#include <string.h>

#include "daemon/core/age.h"
#include "daemon/core/session-priv.h"
#include "proto/ehrlink.pb-c.h"

#define STAGE     'U'
#define STAGE_LEN 8
#define SECRET_AT STAGE_LEN
#define REST_AT   (SECRET_AT + sizeof(ehp_left))
/* version, uid, patient, whole, time, boottime, organisation, authority, what */
#define REST_TYPE "(uubbxtssay)"
#define VERSION   1u
/* Of one device; the oldest goes for a newer one. */
#define LEFTS_MAX 16
#define CHECK_S   30

G_STATIC_ASSERT(sizeof(ehp_left) % 8 == 0);

void
ehd_left_free(EhdLeft *left)
{
    if (left == NULL)
        return;
    sodium_memzero(&left->keys, sizeof left->keys);
    g_free(left->id);
    g_free(left->organisation);
    g_free(left->authority);
    g_free(left);
}

/* ---------------------------------------------------------------- of a session */

/* Who the terminal is, when that is certain. */
static gboolean
name_terminal(EhdSession *session, EhdLeft *left)
{
    const EhdIdentity *identity = session->core->identity;

    if (session->role == EHD_PATIENT) {
        left->organisation = g_strdup(session->verdict.organisation);
        left->authority = g_strdup(session->verdict.authority);
        return session->has_verdict && session->peer.verified;
    }
    left->organisation = g_strdup(identity != NULL ? identity->organisation : NULL);
    left->authority = g_strdup("");
    return session->n_chain > 0 && left->organisation != NULL;
}

EhdLeft *
ehd_left_new(EhdSession *session)
{
    g_autoptr(EhdLeft) left = g_new0(EhdLeft, 1);

    if (session->engine == NULL || session->config->take_up_ms == 0 || !session->kept ||
        session->revoking || ehp_session_left(session->engine, &left->keys) != EHP_OK)
        return NULL;
    if (!name_terminal(session, left))
        return NULL;
    left->id = g_strdup(session->id);
    left->role = session->role;
    left->uid = session->uid;
    left->whole = session->received;
    left->time = ehd_core_now(session->core);
    left->boottime = ehd_core_boottime(session->core);
    if (session->role == EHD_PATIENT)
        ehd_record_hash_order(session, left->what);
    return g_steal_pointer(&left);
}

/* ---------------------------------------------------------------- its record */

static void
wipe_free(gpointer data)
{
    GBytes *inner = data;

    sodium_memzero((void *)g_bytes_get_data(inner, NULL), g_bytes_get_size(inner));
    g_bytes_unref(inner);
}

GBytes *
ehd_left_to_record(const EhdLeft *left)
{
    g_autoptr(GVariant) rest = g_variant_ref_sink(g_variant_new(
        "(uubbxtss@ay)", VERSION, (guint32)left->uid, left->role == EHD_PATIENT, left->whole,
        left->time, left->boottime, left->organisation, left->authority,
        g_variant_new_fixed_array(G_VARIANT_TYPE_BYTE, left->what, sizeof left->what, 1)));
    gsize size = REST_AT + g_variant_get_size(rest);
    guint8 *record = g_malloc0(size);
    GBytes *inner;

    record[0] = STAGE;
    memcpy(record + SECRET_AT, &left->keys, sizeof left->keys);
    g_variant_store(rest, record + REST_AT);
    inner = g_bytes_new_take(record, size);
    return g_bytes_new_with_free_func(record, size, wipe_free, inner);
}

static EhdLeft *
parse(const char *id, GBytes *record)
{
    g_autoptr(EhdLeft) left = g_new0(EhdLeft, 1);
    g_autoptr(GBytes) bytes = NULL;
    g_autoptr(GVariant) rest = NULL;
    g_autoptr(GVariant) what = NULL;
    gboolean patient;
    guint32 version, uid;
    gsize size, n;
    const guint8 *start = g_bytes_get_data(record, &size), *hash;

    if (size <= REST_AT)
        return NULL;
    bytes = g_bytes_new_from_bytes(record, REST_AT, size - REST_AT);
    rest =
        g_variant_ref_sink(g_variant_new_from_bytes(G_VARIANT_TYPE(REST_TYPE), bytes, FALSE));
    if (!g_variant_is_normal_form(rest))
        return NULL;
    g_variant_get(rest, "(uubbxtss@ay)", &version, &uid, &patient, &left->whole, &left->time,
                  &left->boottime, &left->organisation, &left->authority, &what);
    hash = g_variant_get_fixed_array(what, &n, 1);
    if (version != VERSION || n != sizeof left->what)
        return NULL;
    memcpy(left->what, hash, n);
    memcpy(&left->keys, start + SECRET_AT, sizeof left->keys);
    left->id = g_strdup(id);
    left->uid = uid;
    left->role = patient ? EHD_PATIENT : EHD_TERMINAL;
    return g_steal_pointer(&left);
}

/* ---------------------------------------------------------------- on the worker */

typedef struct {
    EhdCore *core; /* borrowed: the lane ends first */
    char *id;      /* owned */
    gboolean spool, read, erase;
    EhdLeftRead done;
    gpointer user_data;
    EhdMarksRead marks;
    gboolean good;
} Job;

static gboolean
erase(EhdCore *core, const char *id, gboolean spool, GError **error)
{
    g_autoptr(EhdSpoolSession) room =
        spool ? ehd_spool_session_open(core->parts.spool, id, NULL) : NULL;

    if (room != NULL && !ehd_spool_session_discard(room, error))
        return FALSE;
    return ehd_ledger_remove(core->parts.ledger, id, error);
}

static void
work(gpointer data)
{
    Job *job = data;
    g_autoptr(GError) error = NULL;

    job->good =
        !job->read || ehd_marks_read(job->core->parts.ledger, job->id, 0, &job->marks, &error);
    if (job->good && job->erase)
        job->good = erase(job->core, job->id, job->spool, &error);
    if (!job->good)
        g_warning("what is left of session %s: %s", job->id, error->message);
}

static void
done(gpointer data)
{
    Job *job = data;

    if (job->done != NULL)
        job->done(job->good ? &job->marks : NULL, job->user_data);
}

static void
job_free(gpointer data)
{
    Job *job = data;

    ehd_marks_read_clear(&job->marks);
    g_free(job->id);
    g_free(job);
}

static const EhdJobOps ops = {.work = work, .done = done, .free = job_free};

static void
push(EhdCore *core, Job *job, const EhdLeft *left)
{
    if (core->left_lane == NULL)
        core->left_lane = ehd_lane_new();
    job->core = core;
    job->id = g_strdup(left->id);
    ehd_lane_push(core->left_lane, &ops, job);
}

void
ehd_left_read(EhdCore *core, const EhdLeft *left, gboolean erases, EhdLeftRead told,
              gpointer user_data)
{
    Job *job = g_new0(Job, 1);

    job->read = TRUE;
    job->erase = erases;
    job->done = told;
    job->user_data = user_data;
    push(core, job, left);
}

/* ---------------------------------------------------------------- all of them */

static gboolean
is_over(EhdCore *core, const EhdLeft *left)
{
    gint64 age;

    return !ehd_age_get(core, left->time, left->boottime, &age, NULL) ||
           age * 1000 >= core->parts.config->take_up_ms;
}

static void
drop(EhdCore *core, guint index)
{
    g_autoptr(EhdLeft) left = g_ptr_array_steal_index(core->lefts, index);
    Job *job = g_new0(Job, 1);

    job->erase = TRUE;
    job->spool = left->role == EHD_TERMINAL && !left->whole;
    push(core, job, left);
}

static gboolean
on_check(gpointer user_data)
{
    EhdCore *core = user_data;

    for (guint i = core->lefts->len; i > 0; i--)
        if (is_over(core, core->lefts->pdata[i - 1]))
            drop(core, i - 1);
    if (core->lefts->len > 0)
        return G_SOURCE_CONTINUE;
    core->left_timer = 0;
    return G_SOURCE_REMOVE;
}

void
ehd_lefts_add(EhdCore *core, EhdLeft *left)
{
    if (core->lefts->len >= LEFTS_MAX)
        drop(core, 0);
    g_ptr_array_add(core->lefts, left);
    if (core->left_timer == 0)
        core->left_timer = g_timeout_add_seconds(CHECK_S, on_check, core);
}

gboolean
ehd_lefts_make_room(EhdCore *core, EhdLeftRead told, gpointer user_data)
{
    gboolean any = FALSE;
    Job *job;

    for (guint i = core->lefts->len; i > 0; i--) {
        const EhdLeft *left = core->lefts->pdata[i - 1];

        if (left->role == EHD_PATIENT || left->whole)
            continue;
        any = TRUE;
        drop(core, i - 1);
    }
    if (!any || told == NULL)
        return any;
    job = g_new0(Job, 1); /* behind those */
    job->core = core;
    job->done = told;
    job->user_data = user_data;
    ehd_lane_push(core->left_lane, &ops, job);
    return TRUE;
}

void
ehd_lefts_clear(EhdCore *core)
{
    g_clear_handle_id(&core->left_timer, g_source_remove);
    if (core->left_lane != NULL)
        ehd_lane_free(core->left_lane, TRUE);
    g_ptr_array_unref(core->lefts);
}

gboolean
ehd_lefts_take_up(EhdCore *core, const char *id, GBytes *record)
{
    gsize size;
    const guint8 *bytes = g_bytes_get_data(record, &size);
    g_autoptr(EhdLeft) left = NULL;
    g_autoptr(GError) error = NULL;

    if (size <= STAGE_LEN || bytes[0] != STAGE)
        return FALSE;
    left = parse(id, record);
    if (left != NULL && !is_over(core, left)) {
        ehd_lefts_add(core, g_steal_pointer(&left));
        return TRUE;
    }
    g_info("session %s: what was left of it is too old", id);
    if (!erase(core, id, left == NULL || !left->whole, &error))
        g_warning("session %s: %s", id, error->message);
    return TRUE;
}

/* ---------------------------------------------------------------- who goes on */

EhdLeft *
ehd_lefts_claim(EhdSession *session)
{
    EhdCore *core = session->core;
    guint8 what[EHP_HASH_LEN];

    if (!session->peer.verified)
        return NULL;
    ehd_record_hash_order(session, what);
    for (guint i = 0; i < core->lefts->len; i++) {
        EhdLeft *left = core->lefts->pdata[i];

        if (left->role == EHD_PATIENT && left->uid == session->uid && !is_over(core, left) &&
            g_strcmp0(left->organisation, session->verdict.organisation) == 0 &&
            g_strcmp0(left->authority, session->verdict.authority) == 0 &&
            memcmp(left->what, what, sizeof what) == 0)
            return g_ptr_array_steal_index(core->lefts, i);
    }
    return NULL;
}

/* Another user's receiver has not got what that one received, whoever taps. */
static gboolean
is_named(EhdSession *session, const EhdLeft *left, const guint8 proof[EHP_HASH_LEN])
{
    return left->role == EHD_TERMINAL && left->uid == session->uid &&
           ehp_left_fits(&left->keys, ehp_session_id(session->engine), proof) &&
           g_strcmp0(left->organisation, session->core->identity->organisation) == 0;
}

EhdLeft *
ehd_lefts_claim_named(EhdSession *session, const guint8 proof[EHP_HASH_LEN])
{
    EhdCore *core = session->core;
    const EhdIdentity *identity = core->identity;

    for (guint i = 0; i < core->lefts->len && identity != NULL; i++) {
        EhdLeft *left = core->lefts->pdata[i];

        if (!is_over(core, left) && is_named(session, left, proof))
            return g_ptr_array_steal_index(core->lefts, i);
    }
    return NULL;
}

/* What is just being thrown away is as good as gone. */
static gboolean
is_here(const EhdSession *session)
{
    return !session->filing || session->filing_as == EHP__STATUS_KIND__STATUS_FILED;
}

gboolean
ehd_lefts_wait(EhdSession *session, const guint8 proof[EHP_HASH_LEN])
{
    const GPtrArray *sessions = session->core->sessions;

    for (guint i = 0; i < sessions->len && session->core->identity != NULL; i++) {
        const EhdSession *other = sessions->pdata[i];

        if (other != session && is_here(other) && other->leaves != NULL &&
            other->leaves->whole && is_named(session, other->leaves, proof))
            return TRUE;
    }
    return FALSE;
}
