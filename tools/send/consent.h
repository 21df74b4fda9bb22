/* SPDX-License-Identifier: Apache-2.0
 *
 * The question on the patient's screen: who asks, for what, and what of it is sent.
 */
#pragma once

#include "tools/send/options.h"

/* Called once. granted FALSE: why is set (borrowed), NULL for the person's own "no". ids: NULL for all. */
typedef void (*ConsentDecided)(gboolean granted, const guint *ids, gsize n_ids, const GError *why,
                               gpointer user_data);

/* Shows peer and request, then decides: by the conditions of --yes --to, or by asking. `items` is
 * borrowed until it has decided: those of the session, or with --from those that answer the request. */
void consent_ask(EhrlinkSession *session, const SendOptions *options, GPtrArray *items,
                 ConsentDecided callback, gpointer user_data);
/* Once in a run: that what is withheld can matter. */
void consent_warn_withholding(void);
/* Takes the question down; callback is not called. */
void consent_cancel(void);

/* Whether the session's terminal is the one of --to; without --to any is. */
gboolean consent_is_expected(EhrlinkSession *session, const SendOptions *options);

/* Says who the terminal is, and what it asks for. */
void consent_show_peer(EhrlinkSession *session);
