/* SPDX-License-Identifier: Apache-2.0
 *
 * The same command once more: an unfinished session of this user that nobody has any more, with just these items and the
 * expected terminal, goes on where it stopped.
 */
#pragma once

#include "tools/send/folder.h"
#include "tools/send/options.h"

/* Called once. session: attached, its signals still due; NULL: there is none to go on with. items (of EhrlinkItem): what it
 * sends. Both borrowed. */
typedef void (*AgainLooked)(EhrlinkSession *session, GPtrArray *items, gpointer user_data);

/* With a folder (nullable) the items are what of it answers the session's request. All that is passed in is borrowed until
 * the callback. */
void again_look(EhrlinkClient *client, const SendOptions *options, const Folder *folder, GPtrArray *items,
                GCancellable *cancellable, AgainLooked callback, gpointer user_data);
