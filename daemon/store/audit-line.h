/* SPDX-License-Identifier: Apache-2.0
 *
 * One line of the audit log: made, and checked against the one before. Inside of audit only.
 * Pure.
 */
#pragma once

#include "daemon/store/audit.h"

/* The newline counts; what an entry's fields can hold fits. */
#define EHD_AUDIT_LINE_MAX 4096

/* Where the chain stands. */
typedef struct {
    gboolean
        known; /* FALSE: the next line is believed, since what came before is not at hand */
    guint8 head[EHD_AUDIT_HASH_LEN];
    guint64 seq; /* of the last line; 0 before the first */
} EhdAuditChain;

/* The line that comes next, with its newline. */
GString *ehd_audit_line_format(const EhdAuditChain *chain, EhdAuditKind kind,
                               const EhdAuditEntry *entry, gint64 now);

/* Takes one line (without newline) into the chain; FALSE if it does not follow from it. */
gboolean ehd_audit_line_follow(EhdAuditChain *chain, const char *line, gsize length);
