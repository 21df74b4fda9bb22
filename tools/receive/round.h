/* SPDX-License-Identifier: Apache-2.0
 *
 * One patient at the terminal: from arming the reader to filed, discarded, declined or failed.
 */
#pragma once

#include "tools/receive/options.h"

typedef struct Round Round;

typedef struct {
    /* The reader is free for the next patient (the round may live on until it is filed). Called once. */
    void (*on_free)(Round *round, gpointer user_data);
    /* The round is over; error (borrowed) is NULL when it ended well. Called once. on_free
     * may follow within the same call; the caller frees the round later. */
    void (*on_over)(Round *round, const GError *error, gpointer user_data);
} RoundListener;

/* Opens a session. */
Round *round_start(EhrlinkClient *client, const ReceiveOptions *options, const RoundListener *listener,
                   gpointer user_data);
/* Takes up a session that an earlier run left. */
Round *round_resume(EhrlinkClient *client, const char *path, const ReceiveOptions *options,
                    const RoundListener *listener, gpointer user_data);
/* The session's id, borrowed; NULL while there is none. */
const char *round_get_session(const Round *round);
/* Ends it; on_over follows. A received session that waits for "ehrctl session file" is left alone. */
void round_cancel(Round *round);
void round_free(Round *round);
