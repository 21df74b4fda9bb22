/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages on a lane. The worker alone touches ledger and audit while the books are open. Pages
 * that must not be lost wait, in their order, for the disk to have room again.
 */
#include "daemon/core/books.h"

#include "daemon/core/lane.h"
#include "daemon/error.h"
#include "daemon/log.h"

/* Between two tries to write what is kept: doubled each time. */
#define RETRY_FIRST_MS 250
#define RETRY_LAST_MS  10000

struct EhdBooks {
    EhdState *state;   /* borrowed */
    EhdLedger *ledger; /* borrowed */
    EhdAudit *audit;   /* borrowed */
    EhdLane *lane;     /* owned */
    GQueue kept;       /* of Job, owned: what could not be written, oldest first */
    ehp_status trouble;
    guint retry_ms, retry_timer;
};

typedef struct {
    EhdBooks *books; /* borrowed: the lane ends first */
    EhdPage page;    /* with everything in it owned */
    guint8 hashes[4][EHD_AUDIT_HASH_LEN];
    EhdBooksDone done;
    EhdBooksHead on_head;
    gpointer user_data;
    ehp_status status;
    gboolean again; /* was kept */
    gboolean begun; /* worker */
    guint8 head[EHD_AUDIT_HASH_LEN];
    gboolean has_marks;
    EhdMarks marks;       /* looks into: */
    guint8 *roots, *mark; /* owned */
} Job;

static gboolean
write_receipt(EhdBooks *self, const EhdPage *page, GError **error)
{
    g_autofree char *name = page->transfer == 0
                                ? g_strdup(page->session)
                                : g_strdup_printf("%s-%u", page->session, page->transfer);

    return ehd_receipts_put(self->state, name, page->kind,
                            g_bytes_get_data(page->receipt, NULL),
                            g_bytes_get_size(page->receipt), page->now, error);
}

/* What is done is taken off the page. */
static ehp_status
write_page(EhdBooks *self, EhdPage *page)
{
    g_autoptr(GError) error = NULL;
    gboolean good = TRUE;

    if (page->receipt != NULL)
        good = write_receipt(self, page, &error);
    if (good)
        g_clear_pointer(&page->receipt, g_bytes_unref);
    if (good && page->audited)
        good = ehd_audit_append(self->audit, page->audit, &page->entry, page->now, &error);
    page->audited &= !good;
    if (good && page->note != NULL)
        good =
            ehd_ledger_put_note(self->ledger, page->session, g_bytes_get_data(page->note, NULL),
                                g_bytes_get_size(page->note), &error);
    if (good)
        g_clear_pointer(&page->note, g_bytes_unref);
    if (good && page->record != NULL)
        good = ehd_ledger_put(self->ledger, page->session, g_bytes_get_data(page->record, NULL),
                              g_bytes_get_size(page->record), &error);
    if (good)
        g_clear_pointer(&page->record, g_bytes_unref);
    if (good && page->remove_record)
        good = ehd_ledger_remove(self->ledger, page->session, &error);
    if (good)
        return EHP_OK;
    ehd_log(G_LOG_LEVEL_WARNING, EHD_LOG_ID_BOOKS_FAILED,
            "session %s: the books cannot be written: %s",
            page->session != NULL ? page->session : "-", error->message);
    return ehd_error_status(error);
}

static ehp_status
write_marks(EhdBooks *self, const char *session, const EhdMarks *marks)
{
    g_autoptr(GError) error = NULL;

    if (ehd_marks_write(self->ledger, session, marks, &error))
        return EHP_OK;
    g_info("session %s: the marks cannot be written: %s", session, error->message);
    return ehd_error_status(error);
}

static void
job_work(gpointer data)
{
    Job *job = data;

    job->begun = TRUE;
    if (job->on_head != NULL)
        ehd_audit_head(job->books->audit, job->head);
    else if (job->has_marks)
        job->status = write_marks(job->books, job->page.session, &job->marks);
    else
        job->status = write_page(job->books, &job->page);
}

static void keep_or_forget(Job *job);

static void
job_done(gpointer data)
{
    Job *job = data;

    if (job->on_head == NULL && job->page.kept)
        keep_or_forget(job);
    if (job->on_head != NULL)
        job->on_head(job->head, job->user_data);
    else if (job->done != NULL)
        job->done(job->status, job->user_data);
}

static void
job_free(gpointer data)
{
    Job *job = data;
    EhdAuditEntry *entry = &job->page.entry;

    /* the books end before its turn came, and wait for us */
    if (job->again && !job->begun)
        write_page(job->books, &job->page);
    g_free((char *)job->page.session);
    g_clear_pointer(&job->page.receipt, g_bytes_unref);
    g_clear_pointer(&job->page.note, g_bytes_unref);
    if (job->page.record != NULL)
        g_bytes_unref(job->page.record);
    g_free((char *)entry->organisation);
    g_free((char *)entry->terminal);
    g_free((char *)entry->categories);
    g_free((char *)entry->rule);
    g_free(job->roots);
    g_free(job->mark);
    g_free(job);
}

static const EhdJobOps job_ops = {.work = job_work, .done = job_done, .free = job_free};

static const guint8 *
keep_hash(Job *job, guint slot, const guint8 *hash)
{
    if (hash == NULL)
        return NULL;
    memcpy(job->hashes[slot], hash, EHD_AUDIT_HASH_LEN);
    return job->hashes[slot];
}

/* Words of closed tables (role, purpose, direction …) are static and stay as they are. */
static void
copy_page(Job *job, const EhdPage *page)
{
    EhdAuditEntry *entry = &job->page.entry;

    job->page = *page;
    job->page.session = g_strdup(page->session);
    if (page->receipt != NULL)
        g_bytes_ref(page->receipt);
    if (page->note != NULL)
        g_bytes_ref(page->note);
    if (page->record != NULL)
        g_bytes_ref(page->record);
    entry->session = job->page.session;
    entry->organisation = g_strdup(entry->organisation);
    entry->terminal = g_strdup(entry->terminal);
    entry->categories = g_strdup(entry->categories);
    entry->rule = g_strdup(entry->rule);
    entry->fingerprint = keep_hash(job, 0, entry->fingerprint);
    entry->manifest_hash = keep_hash(job, 1, entry->manifest_hash);
    entry->consent_hash = keep_hash(job, 2, entry->consent_hash);
    entry->receipt_hash = keep_hash(job, 3, entry->receipt_hash);
}

/* What is left of it; nobody is told any more. */
static Job *
job_again(Job *job)
{
    Job *again = g_new0(Job, 1);

    again->books = job->books;
    again->again = TRUE;
    copy_page(again, &job->page);
    return again;
}

static void
retry(EhdBooks *self)
{
    Job *job;

    g_clear_handle_id(&self->retry_timer, g_source_remove);
    while ((job = g_queue_pop_head(&self->kept)) != NULL)
        ehd_lane_push(self->lane, &job_ops, job);
}

static gboolean
on_retry(gpointer user_data)
{
    EhdBooks *self = user_data;

    self->retry_timer = 0;
    self->retry_ms = MIN(2 * self->retry_ms, RETRY_LAST_MS);
    retry(self);
    return G_SOURCE_REMOVE;
}

static void
retry_later(EhdBooks *self)
{
    if (self->retry_timer == 0)
        self->retry_timer = g_timeout_add(self->retry_ms, on_retry, self);
}

static void
keep_or_forget(Job *job)
{
    EhdBooks *self = job->books;

    if (job->status != EHP_OK) {
        self->trouble = job->status;
        g_queue_push_tail(&self->kept, job_again(job));
        retry_later(self);
    } else if (g_queue_is_empty(&self->kept)) {
        self->trouble = EHP_OK;
        self->retry_ms = RETRY_FIRST_MS;
    }
}

EhdBooks *
ehd_books_new(EhdState *state, EhdLedger *ledger, EhdAudit *audit)
{
    EhdBooks *self = g_new0(EhdBooks, 1);

    self->state = state;
    self->ledger = ledger;
    self->audit = audit;
    self->lane = ehd_lane_new();
    self->retry_ms = RETRY_FIRST_MS;
    g_queue_init(&self->kept);
    return self;
}

void
ehd_books_free(EhdBooks *self)
{
    Job *job;

    if (self == NULL)
        return;
    ehd_lane_free(self->lane, TRUE);
    g_clear_handle_id(&self->retry_timer, g_source_remove);
    while ((job = g_queue_pop_head(&self->kept)) != NULL)
        job_free(job); /* with its last try */
    g_free(self);
}

guint
ehd_books_get_pending(EhdBooks *self)
{
    return ehd_lane_get_pending(self->lane) + g_queue_get_length(&self->kept);
}

ehp_status
ehd_books_get_trouble(EhdBooks *self)
{
    return self->trouble;
}

void
ehd_books_retry(EhdBooks *self)
{
    self->retry_ms = RETRY_FIRST_MS;
    if (!g_queue_is_empty(&self->kept))
        retry(self);
}

void
ehd_books_write(EhdBooks *self, const EhdPage *page, EhdBooksDone done, gpointer user_data)
{
    Job *job = g_new0(Job, 1);

    job->books = self;
    job->done = done;
    job->user_data = user_data;
    copy_page(job, page);
    if (!g_queue_is_empty(&self->kept)) /* the order of lines is the order of events */
        retry(self);
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_books_write_marks(EhdBooks *self, const char *session, const EhdMarks *marks,
                      EhdBooksDone done, gpointer user_data)
{
    Job *job = g_new0(Job, 1);

    job->books = self;
    job->done = done;
    job->user_data = user_data;
    job->page.session = g_strdup(session);
    job->has_marks = TRUE;
    job->marks = *marks;
    job->marks.roots = job->roots =
        g_memdup2(marks->roots, (gsize)marks->n_roots * EHD_ROOT_LEN);
    job->marks.mark = job->mark = g_memdup2(marks->mark, marks->mark_length);
    ehd_lane_push(self->lane, &job_ops, job);
}

void
ehd_books_get_head(EhdBooks *self, EhdBooksHead done, gpointer user_data)
{
    Job *job = g_new0(Job, 1);

    job->books = self;
    job->on_head = done;
    job->user_data = user_data;
    ehd_lane_push(self->lane, &job_ops, job);
}
