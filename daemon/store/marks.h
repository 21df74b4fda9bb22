/* SPDX-License-Identifier: Apache-2.0
 *
 * How far a session is, beside its ledger record: one root per finished item, and one mark of
 * the item that is under way. What they hold is the engine's (ehp_event.mark). Changed in place
 * with one sync, since that happens with every window: ledger/ID.marks has two slots for the
 * mark, written in turn, so that one that was torn leaves the one before, and a fixed place for
 * each root. Each is sealed for its transfer and place. Blocking; any thread, one writer per
 * id.
 */
#pragma once

#include "daemon/store/ledger.h"

#define EHD_MARK_MAX        1400
#define EHD_ROOT_LEN        32
#define EHD_MARKS_ITEMS_MAX 16384

typedef struct {
    guint32
        transfer; /* of the session's, from 0; what is kept of an earlier one is void then */
    const guint8 *roots; /* n_roots * EHD_ROOT_LEN bytes, of items first_root … */
    guint32 first_root, n_roots;
    guint32 item; /* that the mark is of */
    guint64 position;
    const guint8 *mark; /* may be none */
    gsize mark_length;
    gint64 time;      /* Unix seconds */
    guint64 boottime; /* seconds since the machine was started */
    guint turn;       /* the caller counts: even and odd go to different slots */
} EhdMarks;

/* Durable on return. LIMIT_REACHED, NO_SPACE, STORE_FAILED. */
gboolean ehd_marks_write(EhdLedger *ledger, const char *id, const EhdMarks *marks,
                         GError **error);

typedef struct {
    GByteArray *roots; /* owned; of the first n_roots items */
    guint32 n_roots;
    GBytes *mark; /* owned; of item n_roots; NULL: none */
    guint64 position;
    gint64 time; /* of the newest; 0: none */
    guint64 boottime;
    guint turn; /* the next */
} EhdMarksRead;

/* Those of that transfer. No marks at all is success, and nothing. A slot or root that is not
 * sealed for its place counts as not there. STORE_FAILED, INVALID_ARGUMENT. */
gboolean ehd_marks_read(EhdLedger *ledger, const char *id, guint32 transfer, EhdMarksRead *out,
                        GError **error);
void ehd_marks_read_clear(EhdMarksRead *read);
G_DEFINE_AUTO_CLEANUP_CLEAR_FUNC(EhdMarksRead, ehd_marks_read_clear)
