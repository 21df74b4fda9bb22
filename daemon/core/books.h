/* SPDX-License-Identifier: Apache-2.0
 *
 * EhdBooks: ledger, receipts and audit, each entry durable before done() is called, written one
 * after the other on one worker that all sessions share. Main context.
 */
#pragma once

#include <glib.h>

#include "daemon/store/audit.h"
#include "daemon/store/ledger.h"
#include "daemon/store/marks.h"
#include "daemon/store/receipts.h"

typedef struct EhdBooks EhdBooks;

typedef void (*EhdBooksDone)(ehp_status status, gpointer user_data);

/* All borrowed until free. */
EhdBooks *ehd_books_new(EhdState *state, EhdLedger *ledger, EhdAudit *audit);
/* Waits for the entry under way, and tries what is kept once more; no done() comes any more,
 * what else waits is dropped. */
void ehd_books_free(EhdBooks *books);
/* What has been asked for and not told yet, and what is tried again. */
guint ehd_books_get_pending(EhdBooks *books);
/* Why kept pages could not be written; EHP_OK: there are none. */
ehp_status ehd_books_get_trouble(EhdBooks *books);
/* Tries kept pages now: somebody is waiting for them. */
void ehd_books_retry(EhdBooks *books);

/* One page of the books: what of it is set is done in this order, up to the first failure.
 * Everything is copied by ehd_books_write. */
typedef struct {
    const char *session; /* id */
    GBytes *receipt;     /* or NULL */
    guint transfer;      /* of the receipt: which of the session's, from 0 */
    EhdReceiptKind kind; /* of receipt */
    gboolean audited;    /* entry is set */
    EhdAuditKind audit;
    EhdAuditEntry entry;    /* its session is filled in */
    GBytes *note;           /* the ledger's companion of it, or NULL */
    GBytes *record;         /* the ledger's new record, or NULL */
    gboolean remove_record; /* the ledger forgets the session */
    gint64 now;             /* Unix seconds */
    /* What cannot be written is tried again until it can, before any later page; done() tells
     * of the first try. For what must be said and no session waits for. */
    gboolean kept;
} EhdPage;

/* done may be NULL. */
void ehd_books_write(EhdBooks *books, const EhdPage *page, EhdBooksDone done,
                     gpointer user_data);

/* marks is copied. */
void ehd_books_write_marks(EhdBooks *books, const char *session, const EhdMarks *marks,
                           EhdBooksDone done, gpointer user_data);

typedef void (*EhdBooksHead)(const guint8 head[EHD_AUDIT_HASH_LEN], gpointer user_data);
/* Head of the audit chain after all that was asked before. */
void ehd_books_get_head(EhdBooks *books, EhdBooksHead done, gpointer user_data);
