/* SPDX-License-Identifier: Apache-2.0
 *
 * What a clinic signed about each item that it sends back (Signed ItemOrigin), beside the
 * patient's ledger record: an item that was acknowledged comes no more, and neither does the
 * word for it. ledger/ID.origins has a fixed place for each item of the session's spool,
 * written with one sync; each is sealed for its transfer and place, so that what an offer left
 * that came to nothing counts for nothing. Blocking; any thread, one writer per id.
 */
#pragma once

#include "daemon/store/ledger.h"

/* Ours takes some 260 bytes; what a later version adds has room, too. */
#define EHD_ORIGIN_MAX 960

/* origins: n of GBytes, of items first …, of that transfer. Durable on return. TOO_LARGE,
 * INVALID_ARGUMENT, NO_SPACE, STORE_FAILED. */
gboolean ehd_origins_write(EhdLedger *ledger, const char *id, guint32 transfer, guint32 first,
                           GBytes *const *origins, guint n, GError **error);
/* (transfer full) of GBytes: those of the n items from first on, up to the one that is not
 * there or not sealed for its place. No file at all is success, and nothing. STORE_FAILED,
 * INVALID_ARGUMENT. */
GPtrArray *ehd_origins_read(EhdLedger *ledger, const char *id, guint32 transfer, guint32 first,
                            guint n, GError **error);
