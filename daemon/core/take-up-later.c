/* SPDX-License-Identifier: Apache-2.0
 *
 * What an earlier run left of the transfers after the first: their receipts, and items that
 * were asked for and were still coming. Whatever becomes of those, what came before stays, and
 * waits to be filed.
 */
#include "daemon/core/take-up.h"

#include "daemon/error.h"
#include "daemon/words.h"

/* ---------------------------------------------------------------- receipts */

static void
keep_receipt(EhdSession *self, guint transfer, GBytes *receipt)
{
    if (self->receipts->len <= transfer)
        g_ptr_array_set_size(self->receipts, (gint)transfer + 1);
    g_clear_pointer((GBytes **)&self->receipts->pdata[transfer], g_bytes_unref);
    self->receipts->pdata[transfer] = g_bytes_ref(receipt);
}

/* *out: NULL when there is none. */
static gboolean
read_receipt(EhdSession *self, guint transfer, EhdReceiptKind kind, GBytes **out,
             GError **error)
{
    g_autofree char *name =
        transfer == 0 ? g_strdup(self->id) : g_strdup_printf("%s-%u", self->id, transfer);
    g_autoptr(GError) local = NULL;
    g_autoptr(EhdReceipt) receipt =
        ehd_receipts_get(self->core->parts.state, name, kind, &local);

    *out = receipt != NULL ? g_bytes_ref(receipt->bytes) : NULL;
    if (receipt != NULL || ehd_error_status(local) == EHP_NOT_FOUND)
        return TRUE;
    g_propagate_error(error, g_steal_pointer(&local));
    return FALSE;
}

static gboolean
find_receipt(EhdSession *self, EhdFound *found, guint transfer, gboolean to_patient,
             GError **error)
{
    const ehp_session_stage *stage = &found->past.stage;
    gboolean made = (self->role == EHD_PATIENT) == to_patient;
    g_autoptr(GBytes) receipt = NULL;

    if (!read_receipt(self, transfer, made ? EHD_RECEIPT_MADE : EHD_RECEIPT_GOT, &receipt,
                      error))
        return FALSE;
    if (receipt == NULL)
        return TRUE;
    keep_receipt(self, transfer, receipt);
    if (to_patient) {
        self->reply.there = TRUE;
        self->reply.state = EHD_TRANSFER_COMPLETE;
    } else {
        g_clear_pointer(&self->receipt, g_bytes_unref);
        self->receipt = g_bytes_ref(receipt);
    }
    if (transfer == stage->transfer && to_patient == stage->to_patient && !stage->between)
        found->receipt = g_bytes_ref(receipt);
    return TRUE;
}

gboolean
ehd_take_up_find_receipts(EhdSession *self, EhdFound *found, GError **error)
{
    guint last = MAX(found->past.transfers, found->past.stage.transfer);

    for (guint i = 0; i <= last && i < EHP_TRANSFERS_MAX; i++)
        if (!find_receipt(self, found, i, FALSE, error) ||
            (i > 0 && !find_receipt(self, found, i, TRUE, error)))
            return FALSE;
    if (found->past.stage.refused && self->role == EHD_TERMINAL) {
        self->reply.there = TRUE;
        self->reply.state = EHD_TRANSFER_FAILED;
    }
    return TRUE;
}

/* ---------------------------------------------------------------- items that still come */

void
ehd_take_up_count(EhdSession *self)
{
    ehp_progress *final = &self->final;

    final->items = final->items_done = self->items->len - self->base;
    final->bytes = 0;
    for (guint i = self->base; i < self->items->len; i++)
        if (self->item_states->data[i] != EHD_ITEM_LISTED)
            final->bytes += g_array_index(self->items, EhdItem, i).size;
    final->bytes_done = final->bytes;
}

gboolean
ehd_take_up_may_go_on(EhdSession *self, EhdFound *found, GError **error)
{
    if (found->past.engine == NULL)
        return ehd_take_up_damaged(error, N_("nothing to go on with"));
    if (!ehd_take_up_get_time_left(self, found, error))
        return FALSE;
    if (found->left_ms > 0)
        return TRUE;
    ehd_error_set(error, EHP_LINK_LOST, N_("it was away for too long"));
    return FALSE;
}

static gboolean
go_on(EhdSession *self, EhdFound *found, GError **error)
{
    if (!ehd_take_up_may_go_on(self, found, error))
        return FALSE;
    if (found->past.stage.granted && !found->past.stage.manifest_only &&
        !ehd_take_up_find_durable(self, &found->marks, error))
        return FALSE;
    return ehd_take_up_find_leaf(self, error) && ehd_take_up_restore(self, found, error);
}

gboolean
ehd_take_up_later(EhdSession *self, EhdFound *found, GError **error)
{
    g_autoptr(GError) local = NULL;

    if (!ehd_take_up_find_received(self, self->base, error))
        return FALSE;
    self->received = self->has_transfer = TRUE;
    self->transfer = EHD_TRANSFER_SUSPENDED;
    if (go_on(self, found, &local))
        return TRUE;
    if (!ehd_take_up_is_lost(ehd_error_status(local))) {
        g_propagate_error(error, g_steal_pointer(&local));
        return FALSE;
    }
    g_info("session %s: what was asked for last does not go on: %s", self->id, local->message);
    g_array_set_size(self->items, self->base);
    g_byte_array_set_size(self->item_states, self->base);
    g_array_set_size(self->origins, self->base);
    self->base = 0;
    self->complete = TRUE;
    self->transfer = EHD_TRANSFER_FAILED;
    ehd_take_up_count(self);
    return TRUE;
}
