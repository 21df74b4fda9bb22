/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit log's files: audit/NNNNNN.jsonl, the newest of which grows. Nothing is ever removed
 * or rewritten but a torn last line. One thread.
 */
#include "daemon/store/audit.h"

#include <errno.h>
#include <fcntl.h>
#include <sodium.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "daemon/error.h"
#include "daemon/store/audit-line.h"
#include "daemon/store/file.h"
#include "daemon/words.h"

/* Only the two newest files are read at a start; this keeps that short. */
#define FILE_FULL    (1024 * 1024)
#define FILE_MAX     (FILE_FULL + EHD_AUDIT_LINE_MAX)
#define NAME_FORMAT  "%06u.jsonl"
#define NAME_MAX_LEN 24

struct EhdAudit {
    int dir_fd; /* borrowed */
    int fd;     /* the newest file */
    guint number;
    goffset size;    /* of what is whole and durable in it */
    gboolean ragged; /* there may be something after it */
    gboolean begun;  /* what an opening writes is written */
    gint64 torn;     /* bytes of a torn last line that is to be told of; 0: none */
    gsize used;      /* of all files; atomic */
    EhdAuditChain chain;
};

static void
file_name(guint number, char name[NAME_MAX_LEN])
{
    g_snprintf(name, NAME_MAX_LEN, NAME_FORMAT, number);
}

/* --- reading ----------------------------------------------------------------------------- */

/* Walks the whole lines of `text`; *whole is where the last one ends. */
static gboolean
walk(EhdAuditChain *chain, const char *text, gsize length, gsize *whole, EhdAuditVisit visit,
     gpointer user_data, gboolean *stopped)
{
    *whole = 0;
    *stopped = FALSE;
    while (*whole < length) {
        const char *line = text + *whole;
        const char *newline = memchr(line, '\n', length - *whole);
        if (newline == NULL)
            return TRUE;
        gsize line_length = (gsize)(newline - line);
        if (!ehd_audit_line_follow(chain, line, line_length))
            return FALSE;
        *whole += line_length + 1;
        if (visit != NULL && !visit(line, line_length, user_data)) {
            *stopped = TRUE;
            return TRUE;
        }
    }
    return TRUE;
}

static gboolean
damaged(guint number, const EhdAuditChain *chain, GError **error)
{
    ehd_error_set(error, EHP_STATE_DAMAGED,
                  "audit/" NAME_FORMAT ": broken after line %" G_GUINT64_FORMAT, number,
                  chain->seq);
    return FALSE;
}

/* Reads file `number` into the chain. `newest`: a torn last line is allowed and left to the
 * caller. */
static gboolean
read_file(int dir_fd, guint number, gboolean newest, EhdAuditChain *chain, gsize *whole,
          gsize *length, EhdAuditVisit visit, gpointer user_data, GError **error)
{
    char name[NAME_MAX_LEN];
    gboolean stopped = FALSE;
    file_name(number, name);
    int fd = openat(dir_fd, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK);
    if (fd < 0) {
        ehd_error_set_errno(error, errno, N_("open the audit log"));
        return FALSE;
    }
    g_autoptr(GBytes) bytes = ehd_file_read_fd(fd, name, FILE_MAX, error);
    close(fd);
    if (bytes == NULL)
        return FALSE;
    const char *text = g_bytes_get_data(bytes, length);
    if (!walk(chain, text, *length, whole, visit, user_data, &stopped))
        return damaged(number, chain, error);
    return stopped || newest || *whole == *length || damaged(number, chain, error);
}

/* The numbers must be 1..n without a gap; *last is n, 0 without any. */
static gboolean
count_files(int dir_fd, guint *last, gsize *used, GError **error)
{
    struct stat st;
    *last = 0;
    g_auto(GStrv) names = ehd_file_list(dir_fd, error);
    for (guint i = 0; names != NULL && names[i] != NULL; i++) {
        char wanted[NAME_MAX_LEN];
        if (!g_str_has_suffix(names[i], ".jsonl"))
            continue;
        file_name(*last + 1, wanted);
        if (strcmp(names[i], wanted) != 0) {
            ehd_error_set(error, EHP_STATE_DAMAGED, "audit/%s is missing", wanted);
            return FALSE;
        }
        if (fstatat(dir_fd, wanted, &st, AT_SYMLINK_NOFOLLOW) == 0 && st.st_size > 0)
            *used += (gsize)st.st_size;
        (*last)++;
    }
    return names != NULL;
}

/* --- writing ----------------------------------------------------------------------------- */

static gboolean
open_file(EhdAudit *audit, guint number, int flags, GError **error)
{
    char name[NAME_MAX_LEN];
    file_name(number, name);
    int fd = openat(audit->dir_fd, name, O_RDWR | O_CLOEXEC | O_NOFOLLOW | flags, 0600);
    if (fd < 0 || ((flags & O_CREAT) && fsync(audit->dir_fd) != 0)) {
        ehd_error_set_errno(error, errno, N_("open the audit log"));
        if (fd >= 0)
            close(fd);
        return FALSE;
    }
    if (audit->fd >= 0)
        close(audit->fd);
    audit->fd = fd;
    audit->number = number;
    audit->size = 0;
    return TRUE;
}

static gboolean
write_at(int fd, const char *data, gsize length, goffset offset)
{
    while (length > 0) {
        gssize n = pwrite(fd, data, length, (off_t)offset);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0) {
            errno = n == 0 ? ENOSPC : errno;
            return FALSE;
        }
        data += n;
        offset += n;
        length -= (gsize)n;
    }
    return TRUE;
}

/* What an earlier append left half done goes first: a torn line is allowed at the end only. */
static gboolean
trim(EhdAudit *audit, GError **error)
{
    if (!audit->ragged)
        return TRUE;
    if (ftruncate(audit->fd, (off_t)audit->size) != 0 || fsync(audit->fd) != 0) {
        ehd_error_set_errno(error, errno, N_("cut a torn line of the audit log"));
        return FALSE;
    }
    audit->ragged = FALSE;
    return TRUE;
}

static gboolean
append_line(EhdAudit *audit, const GString *line, GError **error)
{
    if (!trim(audit, error))
        return FALSE;
    /* O_EXCL is left out: a crash or a full disk may have made the next file already, empty. */
    if (audit->size >= FILE_FULL && !open_file(audit, audit->number + 1, O_CREAT, error))
        return FALSE;
    if (!write_at(audit->fd, line->str, line->len, audit->size) || fdatasync(audit->fd) != 0) {
        ehd_error_set_errno(error, errno, N_("write the audit log"));
        audit->ragged = TRUE;
        return FALSE;
    }
    audit->size += (goffset)line->len;
    g_atomic_pointer_add(&audit->used, (gssize)line->len);
    return TRUE;
}

static gboolean
append(EhdAudit *audit, EhdAuditKind kind, const EhdAuditEntry *entry, gint64 now,
       GError **error)
{
    GString *line = ehd_audit_line_format(&audit->chain, kind, entry, now);
    gboolean ok = append_line(audit, line, error);
    if (ok)
        ehd_audit_line_follow(&audit->chain, line->str, line->len - 1);
    g_string_free(line, TRUE);
    return ok;
}

/* What belongs before anything else: the first line ever, or what became of a torn one. */
static gboolean
begin(EhdAudit *audit, gint64 now, GError **error)
{
    EhdAuditEntry entry = EHD_AUDIT_ENTRY_INIT;
    if (audit->begun)
        return TRUE;
    if (audit->fd < 0 && !open_file(audit, 1, O_CREAT, error))
        return FALSE;
    entry.bytes = audit->torn;
    if (audit->torn > 0 && !append(audit, EHD_AUDIT_RECOVERED, &entry, now, error))
        return FALSE;
    audit->torn = 0;
    if (audit->chain.seq == 0 && !append(audit, EHD_AUDIT_STARTED, NULL, now, error))
        return FALSE;
    audit->begun = TRUE;
    return TRUE;
}

gboolean
ehd_audit_append(EhdAudit *audit, EhdAuditKind kind, const EhdAuditEntry *entry, gint64 now,
                 GError **error)
{
    return begin(audit, now, error) && append(audit, kind, entry, now, error);
}

/* --- opening ----------------------------------------------------------------------------- */

static gboolean
open_newest(EhdAudit *audit, guint number, GError **error)
{
    gsize whole = 0;
    gsize length = 0;
    audit->chain.known = number <= 2;
    if (number > 1 && !read_file(audit->dir_fd, number - 1, FALSE, &audit->chain, &whole,
                                 &length, NULL, NULL, error))
        return FALSE;
    if (!read_file(audit->dir_fd, number, TRUE, &audit->chain, &whole, &length, NULL, NULL,
                   error) ||
        !open_file(audit, number, 0, error))
        return FALSE;
    audit->size = (goffset)whole;
    if (whole == length)
        return TRUE;
    audit->ragged = TRUE;
    audit->torn = (gint64)(length - whole);
    return TRUE;
}

EhdAudit *
ehd_audit_open(EhdState *state, gint64 now, GError **error)
{
    guint last = 0;
    g_autoptr(EhdAudit) audit = g_new0(EhdAudit, 1);
    audit->dir_fd = ehd_state_room(state, "audit");
    audit->fd = -1;
    audit->chain.known = TRUE;
    if (!count_files(audit->dir_fd, &last, &audit->used, error) ||
        (last > 0 && !open_newest(audit, last, error)))
        return NULL;
    g_autoptr(GError) local = NULL;
    if (begin(audit, now, &local) || ehd_error_status(local) == EHP_NO_SPACE)
        return g_steal_pointer(&audit);
    g_propagate_error(error, g_steal_pointer(&local));
    return NULL;
}

void
ehd_audit_free(EhdAudit *audit)
{
    if (audit == NULL)
        return;
    if (audit->fd >= 0)
        close(audit->fd);
    g_free(audit);
}

void
ehd_audit_head(const EhdAudit *audit, guint8 head[EHD_AUDIT_HASH_LEN])
{
    memcpy(head, audit->chain.head, EHD_AUDIT_HASH_LEN);
}

guint64
ehd_audit_count(const EhdAudit *audit)
{
    return audit->chain.seq;
}

guint64
ehd_audit_used(EhdAudit *audit)
{
    return (gsize)g_atomic_pointer_get(&audit->used);
}

typedef struct {
    EhdAuditVisit visit;
    gpointer user_data;
    gboolean stopped;
} Visitor;

static gboolean
on_line(const char *line, gsize length, gpointer user_data)
{
    Visitor *visitor = user_data;
    visitor->stopped = !visitor->visit(line, length, visitor->user_data);
    return !visitor->stopped;
}

gboolean
ehd_audit_visit(EhdAudit *audit, EhdAuditVisit visit, gpointer user_data, GError **error)
{
    EhdAuditChain chain = {.known = TRUE};
    Visitor visitor = {visit, user_data, FALSE};
    for (guint i = 1; i <= audit->number && !visitor.stopped; i++) {
        gsize whole = 0;
        gsize length = 0;
        if (!read_file(audit->dir_fd, i, i == audit->number, &chain, &whole, &length, on_line,
                       &visitor, error))
            return FALSE;
    }
    /* Lines cut off at the end leave a shorter chain that fits: the head in memory knows
     * better. */
    if (!visitor.stopped && (chain.seq != audit->chain.seq ||
                             memcmp(chain.head, audit->chain.head, sizeof chain.head) != 0))
        return damaged(audit->number, &chain, error);
    return TRUE;
}

typedef struct {
    const char *kind, *receipt; /* as they stand in a line, where no text can say the same */
    gboolean there;
} Wanted;

static gboolean
on_candidate(const char *line, gsize length, gpointer user_data)
{
    Wanted *wanted = user_data;
    wanted->there = g_strstr_len(line, (gssize)length, wanted->receipt) != NULL &&
                    g_strstr_len(line, (gssize)length, wanted->kind) != NULL;
    return !wanted->there;
}

gboolean
ehd_audit_has_receipt(EhdAudit *audit, EhdAuditKind kind,
                      const guint8 receipt_hash[EHD_AUDIT_HASH_LEN], gboolean *has,
                      GError **error)
{
    char hex[2 * EHD_AUDIT_HASH_LEN + 1];
    sodium_bin2hex(hex, sizeof hex, receipt_hash, EHD_AUDIT_HASH_LEN);
    g_autofree char *kind_text = g_strdup_printf("\"kind\":\"%s\"", ehd_audit_kind_name(kind));
    g_autofree char *receipt_text = g_strdup_printf("\"receipt-hash\":\"%s\"", hex);
    Wanted wanted = {kind_text, receipt_text, FALSE};
    for (guint i = audit->number; i > 0 && !wanted.there; i--) {
        EhdAuditChain chain = {.known = i == 1};
        gsize whole = 0;
        gsize length = 0;
        if (!read_file(audit->dir_fd, i, i == audit->number, &chain, &whole, &length,
                       on_candidate, &wanted, error))
            return FALSE;
    }
    *has = wanted.there;
    return TRUE;
}
