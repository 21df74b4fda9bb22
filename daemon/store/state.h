/* SPDX-License-Identifier: Apache-2.0
 *
 * The state directory: made, checked, locked. README.md of this room shows its layout. One
 * daemon at a time: the lock is held until ehd_state_free or the end of the process.
 */
#pragma once

#include <glib.h>

typedef struct EhdState EhdState;

/* Session ids and other names that become file names: 1..64 of [A-Za-z0-9_-]. */
#define EHD_ID_MAX 64
gboolean ehd_state_id_valid(const char *id);

/* Opens `directory` (made 0700 with its sub-directories if missing; must be ours and not
 * accessible to others). WRONG_STATE if another daemon holds it, STATE_TOO_NEW if a newer
 * version wrote it, STATE_DAMAGED, STORE_FAILED, NO_SPACE. */
EhdState *ehd_state_open(const char *directory, GError **error);
void ehd_state_free(EhdState *state);
G_DEFINE_AUTOPTR_CLEANUP_FUNC(EhdState, ehd_state_free)

const char *ehd_state_directory(const EhdState *state);
/* File descriptors of the directory and of its rooms; borrowed, valid until ehd_state_free. */
int ehd_state_fd(const EhdState *state);
/* "identity", "trust.d", "spool", "ledger", "receipts", "audit"; any other name is a bug
 * (aborts). */
int ehd_state_room(const EhdState *state, const char *room);
