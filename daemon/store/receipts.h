/* SPDX-License-Identifier: Apache-2.0
 *
 * The receipts that this device made or got, byte for byte as they crossed the link (a Signed
 * message). Not sealed: they carry no secret, prove themselves, and must outlive the sealing
 * key. Blocking.
 */
#pragma once

#include <glib.h>

#include "daemon/store/state.h"
#include "proto/bounds.h"

typedef enum {
    EHD_RECEIPT_MADE, /* we received the items and signed */
    EHD_RECEIPT_GOT,  /* we sent the items */
} EhdReceiptKind;

typedef struct {
    char *session; /* owned */
    EhdReceiptKind kind;
    gint64 stored; /* Unix seconds, our clock */
    GBytes *bytes; /* owned */
} EhdReceipt;

void ehd_receipt_free(EhdReceipt *receipt);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdReceipt, ehd_receipt_free)

/* Durable on return. The same bytes again are success; other bytes for the same session and
 * kind WRONG_STATE: a receipt is never replaced. 1..EHP_RECEIPT_MAX bytes. */
gboolean ehd_receipts_put(EhdState *state, const char *session, EhdReceiptKind kind,
                          const void *bytes, gsize length, gint64 now, GError **error);
/* NOT_FOUND, STATE_DAMAGED, STATE_TOO_NEW. */
EhdReceipt *ehd_receipts_get(EhdState *state, const char *session, EhdReceiptKind kind,
                             GError **error);
/* All, oldest first: of EhdReceipt, transfer full. Damaged ones are skipped with a warning. */
GPtrArray *ehd_receipts_list(EhdState *state, GError **error);
