/* SPDX-License-Identifier: Apache-2.0
 *
 * Pages on a lane. The worker alone touches ledger and audit while the books are open.
 */
#include "daemon/core/books.h"

#include "daemon/core/lane.h"
#include "daemon/error.h"

struct EhdBooks {
    EhdState *state;   /* borrowed */
    EhdLedger *ledger; /* borrowed */
    EhdAudit *audit;   /* borrowed */
    EhdLane *lane;     /* owned */
};

typedef struct {
    EhdBooks *books; /* borrowed: the lane ends first */
    EhdPage page;    /* with everything in it owned */
    guint8 hashes[4][EHD_AUDIT_HASH_LEN];
    EhdBooksDone done;
    EhdBooksHead on_head;
    gpointer user_data;
    ehp_status status;
    guint8 head[EHD_AUDIT_HASH_LEN];
} Job;

static ehp_status
write_page(EhdBooks *self, const EhdPage *page)
{
    g_autoptr(GError) error = NULL;
    gboolean good = TRUE;

    if (page->receipt != NULL)
        good = ehd_receipts_put(self->state, page->session, page->kind,
                                g_bytes_get_data(page->receipt, NULL),
                                g_bytes_get_size(page->receipt), page->now, &error);
    if (good && page->audited)
        good = ehd_audit_append(self->audit, page->audit, &page->entry, page->now, &error);
    if (good && page->record != NULL)
        good = ehd_ledger_put(self->ledger, page->session, g_bytes_get_data(page->record, NULL),
                              g_bytes_get_size(page->record), &error);
    if (good && page->remove_record)
        good = ehd_ledger_remove(self->ledger, page->session, &error);
    if (good)
        return EHP_OK;
    g_warning("session %s: the books cannot be written: %s", page->session, error->message);
    return ehd_error_status(error);
}

static void
job_work(gpointer data)
{
    Job *job = data;

    if (job->on_head != NULL)
        ehd_audit_head(job->books->audit, job->head);
    else
        job->status = write_page(job->books, &job->page);
}

static void
job_done(gpointer data)
{
    Job *job = data;

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

    g_free((char *)job->page.session);
    g_clear_pointer(&job->page.receipt, g_bytes_unref);
    if (job->page.record != NULL)
        g_bytes_unref(job->page.record);
    g_free((char *)entry->organisation);
    g_free((char *)entry->terminal);
    g_free((char *)entry->categories);
    g_free((char *)entry->rule);
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

EhdBooks *
ehd_books_new(EhdState *state, EhdLedger *ledger, EhdAudit *audit)
{
    EhdBooks *self = g_new0(EhdBooks, 1);

    self->state = state;
    self->ledger = ledger;
    self->audit = audit;
    self->lane = ehd_lane_new();
    return self;
}

void
ehd_books_free(EhdBooks *self)
{
    if (self == NULL)
        return;
    ehd_lane_free(self->lane, TRUE);
    g_free(self);
}

guint
ehd_books_get_pending(EhdBooks *self)
{
    return ehd_lane_get_pending(self->lane);
}

void
ehd_books_write(EhdBooks *self, const EhdPage *page, EhdBooksDone done, gpointer user_data)
{
    Job *job = g_new0(Job, 1);

    job->books = self;
    job->done = done;
    job->user_data = user_data;
    copy_page(job, page);
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
