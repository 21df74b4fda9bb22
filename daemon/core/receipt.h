/* SPDX-License-Identifier: Apache-2.0
 *
 * What a receipt proves, for Manager.VerifyReceipt.
 */
#pragma once

#include "daemon/store/trust.h"

typedef struct {
    EhdVerdict verdict; /* of the chain in it, at the time that the receipt states; bare key:
                           UNTRUSTED */
    gboolean verified;  /* verdict is EHP_OK and its key signed the receipt */
    ehp_status problem; /* EHP_OK when verified */
    int direction;      /* Direction */
    guint items;
    guint64 bytes;
    gboolean complete;
    gint64 time; /* Unix seconds, receiver's clock */
    guint8 session[32], manifest_hash[32], consent_hash[32], contents_hash[32];
    int crl_state; /* CrlState */
} EhdReceiptFacts;

/* receipt: a Signed message. RECEIPT_INVALID: malformed or wrongly signed. Pure; any thread
 * while trust does not change. */
gboolean ehd_receipt_verify(const EhdTrust *trust, const void *receipt, gsize length,
                            EhdReceiptFacts *facts, GError **error);
