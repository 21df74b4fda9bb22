/* SPDX-License-Identifier: Apache-2.0
 *
 * The audit line of a receipt, when the power went between the two: the receipt is written
 * first, since without it nothing was received or sent. Main context, blocking.
 */
#include "daemon/core/take-up.h"

#include "daemon/error.h"

static gboolean
is_told(EhdSession *self, EhdAuditKind kind, const guint8 *hash)
{
    g_autoptr(GError) error = NULL;
    gboolean told = FALSE;

    if (ehd_audit_has_receipt(self->core->parts.audit, kind, hash, &told, &error))
        return told;
    g_warning("session %s: %s", self->id, error->message);
    return TRUE; /* rather once too few than twice */
}

void
ehd_take_up_audit(EhdSession *self, const EhdFound *found)
{
    gboolean made = (self->role == EHD_PATIENT) == found->past.stage.to_patient;
    EhdAuditKind kind = made ? EHD_AUDIT_RECEIVED : EHD_AUDIT_SENT;
    g_autoptr(GError) error = NULL;
    EhdAuditEntry entry;

    if (found->receipt == NULL || self->status != 0) /* was filed, and so told before that */
        return;
    if (found->past.stage.to_patient != ehd_session_to_patient(self)) /* is not gone on with */
        return;
    ehd_session_audit_entry(self, &entry);
    entry.session = self->id;
    if (entry.receipt_hash == NULL || is_told(self, kind, entry.receipt_hash))
        return;
    if (ehd_audit_append(self->core->parts.audit, kind, &entry, ehd_core_now(self->core),
                         &error))
        return;
    g_warning("session %s: %s", self->id, error->message);
    self->untold = TRUE;
}

void
ehd_take_up_audit_later(EhdSession *self)
{
    gboolean made = (self->role == EHD_PATIENT) == ehd_session_to_patient(self);

    if (self->untold)
        ehd_session_audit(self, made ? EHD_AUDIT_RECEIVED : EHD_AUDIT_SENT, EHP_OK);
    self->untold = FALSE;
}
