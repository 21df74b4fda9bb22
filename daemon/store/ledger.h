/* SPDX-License-Identifier: Apache-2.0
 *
 * One small sealed record per session, for what must outlive the process (a pending tap before
 * CONFIRM; states; later: resumption secrets). What is in it is the caller's: bytes. put and
 * remove are durable on return. Blocking, some hundred microseconds; any thread, one writer per
 * id.
 */
#pragma once

#include <glib.h>

#include "daemon/store/seal.h"
#include "daemon/store/state.h"

typedef struct EhdLedger EhdLedger;

#define EHD_LEDGER_BYTES_MAX   (384 * 1024)
#define EHD_LEDGER_RECORDS_MAX 1024
#define EHD_LEDGER_NOTE_MAX    (16 * 1024 * 1024)

/* `seal` and `state` must outlive it. */
EhdLedger *ehd_ledger_open(EhdState *state, const EhdSeal *seal, GError **error);
void ehd_ledger_free(EhdLedger *ledger);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdLedger, ehd_ledger_free)

/* LIMIT_REACHED at the bounds above, INVALID_ARGUMENT for a bad id, NO_SPACE, STORE_FAILED (the
 * old record then stays). */
gboolean ehd_ledger_put(EhdLedger *ledger, const char *id, const void *data, gsize length,
                        GError **error);
/* A larger companion of the record, written before it; another replaces it; goes with it.
 * Sealed the same way; errors as put. One without a record is removed by the next open. */
gboolean ehd_ledger_put_note(EhdLedger *ledger, const char *id, const void *data, gsize length,
                             GError **error);
GBytes *ehd_ledger_get_note(EhdLedger *ledger, const char *id, GError **error);
/* NOT_FOUND, STATE_TOO_NEW, STATE_DAMAGED. Wiped when its last reference goes. */
GBytes *ehd_ledger_get(EhdLedger *ledger, const char *id, GError **error);
/* A missing one is success. */
gboolean ehd_ledger_remove(EhdLedger *ledger, const char *id, GError **error);
/* All ids, sorted; transfer full. */
GStrv ehd_ledger_list(EhdLedger *ledger, GError **error);
