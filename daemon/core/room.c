/* SPDX-License-Identifier: Apache-2.0
 *
 * Room on the disk and in the quotas, see room.h.
 */
#include "daemon/core/room.h"

#include <errno.h>
#include <sys/statvfs.h>

#include "daemon/core/core-priv.h"
#include "daemon/core/left.h"
#include "daemon/error.h"
#include "daemon/words.h"

/* Receipt, audit lines and ledger of one session, with room to spare. */
#define BOOKS_BYTES (G_GUINT64_CONSTANT(1) << 20)

static gboolean
check_books(EhdCore *core, GError **error)
{
    ehp_status trouble = ehd_books_get_trouble(core->books);

    if (trouble != EHP_OK) {
        ehd_books_retry(core->books); /* whoever asks again need not wait for the timer */
        ehd_error_set(error, trouble, N_("the audit log cannot be written"));
        return FALSE;
    }
    if (ehd_audit_used(core->parts.audit) >= core->parts.config->audit_quota) {
        ehd_error_set(error, EHP_AUDIT_FULL, N_("[store] audit-quota is used up"));
        return FALSE;
    }
    return TRUE;
}

static gboolean
check_disk(EhdCore *core, guint64 wanted, GError **error)
{
    struct statvfs fs;

    if (fstatvfs(ehd_state_fd(core->parts.state), &fs) != 0) {
        ehd_error_set_errno(error, errno, N_("the state directory"));
        return FALSE;
    }
    if ((guint64)fs.f_bavail * fs.f_frsize >= wanted)
        return TRUE;
    ehd_error_set(
        error, EHP_NO_SPACE,
        N_("less is free for the state directory than is needed") ": %" G_GUINT64_FORMAT " MiB",
        wanted >> 20);
    return FALSE;
}

static gboolean
check_spool(EhdCore *core, GError **error)
{
    if (ehd_spool_used(core->parts.spool) < core->parts.config->spool_quota)
        return TRUE;
    ehd_error_set(error, EHP_NO_SPACE,
                  N_("[store] spool-quota is used up by what is not filed"));
    return FALSE;
}

gboolean
ehd_room_check(EhdCore *core, EhdSessionRole role, GError **error)
{
    guint64 wanted = BOOKS_BYTES;

    if (role == EHD_TERMINAL)
        wanted = MAX(wanted, core->parts.config->min_free);
    if (!check_books(core, error))
        return FALSE;
    if (check_disk(core, wanted, error) && (role != EHD_TERMINAL || check_spool(core, error)))
        return TRUE;
    /* whoever asks again need not wait until nobody can take it up any more */
    ehd_lefts_make_room(core, NULL, NULL);
    return FALSE;
}

guint
ehd_room_audit_percent(EhdCore *core)
{
    gdouble share =
        (gdouble)ehd_audit_used(core->parts.audit) / (gdouble)core->parts.config->audit_quota;

    return (guint)MIN(share * 100, 1000);
}
