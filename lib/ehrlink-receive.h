/* SPDX-License-Identifier: Apache-2.0
 *
 * Receiving in one call that blocks: for scripts, and for threads that have nothing else to do.
 */
#pragma once

#include <gio/gio.h>

#include "ehrlink-item.h"

G_BEGIN_DECLS
#pragma GCC visibility push(default)

/**
 * ehrlink_receive_to:
 * @directory: an existing local directory
 * @options: (nullable): an a{sv}, or %NULL for none
 * @cancellable: (nullable): cancels the session; may be cancelled from any thread
 * @error: where to put an error, or %NULL
 *
 * Opens a session as a clinic's terminal, waits for one patient, stores the items in @directory
 * and files them, all before it returns: that may take as long as the option "timeout" lets it,
 * and then as long as the transfer does. Whoever calls this says with it whose records will
 * have come; to look at them first, use ehrlink_client_receive_async().
 *
 * It may be called from any thread, whether or not a main loop runs there or elsewhere. It has
 * a connection to the system bus and a main context of its own; meanwhile nothing else of the
 * caller's is dispatched in this thread.
 *
 * Options are those of ehrlink_client_receive_async(); "list" is refused with
 * %EHRLINK_ERROR_INVALID_ARGUMENT. A floating reference is taken. Names, and what is there
 * already, are treated as by ehrlink_session_collect_async().
 *
 * If it fails, whatever the reason, the session is cancelled unless it has ended, and the items
 * are removed from @directory again. They stay where they may be filed, so that the patient has
 * read it: if the service was lost with them (%EHRLINK_ERROR_DAEMON_UNAVAILABLE; "ehrctl
 * session list" tells), or if somebody else filed them meanwhile. A process that is killed in
 * between leaves what it has collected, and a session that is not filed.
 *
 * Once the service is told to file, @cancellable does nothing any more.
 *
 * Returns: (transfer container) (element-type EhrlinkItem): the items, at least one, by id;
 * where each is stored is its ehrlink_item_get_path(). %NULL with an error set: that of the
 * call that failed, or the reason for which the session did (%EHRLINK_ERROR_NO_READER,
 * %EHRLINK_ERROR_TAP_TIMED_OUT, %EHRLINK_ERROR_DECLINED, %EHRLINK_ERROR_LINK_LOST and others),
 * %EHRLINK_ERROR_STORE_FAILED if @directory is none or cannot be written,
 * %EHRLINK_ERROR_NO_SPACE if it is full; all of the domain %EHRLINK_ERROR, but
 * %G_IO_ERROR_CANCELLED if @cancellable was cancelled
 */
GPtrArray *ehrlink_receive_to(GFile *directory, GVariant *options, GCancellable *cancellable,
                              GError **error);

#pragma GCC visibility pop
G_END_DECLS
